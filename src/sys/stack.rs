//! Room for scripts: large stacks, for this thread and for others.
//!
//! A script can put values into each other without end, and cloning or dropping one goes down all the way.
#![allow(unsafe_code)]

use std::any::Any;
use std::cell::Cell;
use std::io;
use std::panic::{AssertUnwindSafe, catch_unwind, resume_unwind};
use std::ptr::{self, NonNull};
use std::thread::{self, JoinHandle};

/// Address space, not memory: a page is only taken when it is used.
const SIZES: [usize; 2] = [1 << 30, 64 << 20];

thread_local! {
    static IS_WATCHED: Cell<bool> = const { Cell::new(false) };
}

/// From now on, whoever started this thread catches its panics and tells them.
pub fn watched() {
    IS_WATCHED.set(true);
}

/// Whether a panic of this thread is caught and told by whoever started it.
pub fn is_watched() -> bool {
    IS_WATCHED.get()
}

/// Starts a thread with a large stack; the caller has to look at how it ends.
///
/// # Errors
/// There is no room for any of them.
pub fn spawn<T: Send + 'static>(run: impl Fn() -> T + Clone + Send + 'static) -> io::Result<JoinHandle<T>> {
    let start = |size| {
        let run = run.clone();
        thread::Builder::new().stack_size(size).spawn(move || {
            watched();
            run()
        })
    };
    start(SIZES[0]).or_else(|_| start(SIZES[1]))
}

/// Runs something on this thread, but on a large stack; where there is no room for one, the usual one has to do.
/// Panics go on to the caller.
pub fn with_large<T>(run: impl FnOnce() -> T) -> T {
    let Some(stack) = SIZES.iter().find_map(|size| Stack::new(*size)) else { return run() };
    let caught: Result<T, Box<dyn Any + Send>> = {
        // SAFETY: the memory is mapped, aligned to a page, used by nobody else, and lives until after the call; no
        // panic leaves the closure.
        unsafe { psm::on_stack(stack.base.as_ptr(), stack.size, || catch_unwind(AssertUnwindSafe(run))) }
    };
    drop(stack);
    caught.unwrap_or_else(|panic| resume_unwind(panic))
}

/// Memory for a stack, with a page below it that nothing may touch: to run out of it ends the process.
struct Stack {
    base: NonNull<u8>,
    size: usize,
}

impl Stack {
    fn new(size: usize) -> Option<Self> {
        const GUARD: usize = 64 << 10;
        let access = libc::PROT_READ | libc::PROT_WRITE;
        let kind = libc::MAP_PRIVATE | libc::MAP_ANONYMOUS | libc::MAP_NORESERVE | MAP_STACK;
        // SAFETY: a new mapping anywhere; nothing that exists is touched.
        let start = unsafe { libc::mmap(ptr::null_mut(), size, access, kind, -1, 0) };
        if start == libc::MAP_FAILED {
            return None;
        }
        let stack = Self { base: NonNull::new(start.cast())?, size };
        // SAFETY: both ranges are within the mapping made above, which nobody uses yet.
        let guarded = unsafe {
            // Pages of 2 MiB would be cleared for a few KiB. Where that is unknown it does not happen either.
            #[cfg(target_os = "linux")]
            libc::madvise(start, size, libc::MADV_NOHUGEPAGE);
            libc::mprotect(start, GUARD, libc::PROT_NONE)
        };
        (guarded == 0).then_some(stack)
    }
}

#[cfg(target_os = "linux")]
const MAP_STACK: libc::c_int = libc::MAP_STACK;
#[cfg(not(target_os = "linux"))]
const MAP_STACK: libc::c_int = 0;

impl Drop for Stack {
    fn drop(&mut self) {
        // SAFETY: the mapping made in `new`; nothing runs on it any more.
        unsafe { libc::munmap(self.base.as_ptr().cast(), self.size) };
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn depth_of(left: usize) -> usize {
        let room = std::hint::black_box([left as u8; 1024]);
        if left == 0 { 0 } else { 1 + depth_of(left - 1) + usize::from(room[0]) - usize::from(room[1023]) }
    }

    #[test]
    fn there_is_room_for_more_than_a_usual_stack_holds() {
        // At least 40 MiB; the test's own thread has 2.
        assert_eq!(with_large(|| depth_of(40_000)), 40_000);
        assert_eq!(spawn(|| (depth_of(40_000), is_watched())).unwrap().join().unwrap(), (40_000, true));
        assert!(!is_watched());
    }

    #[test]
    fn a_panic_reaches_the_caller() {
        let caught = catch_unwind(|| with_large(|| -> () { panic!("down there") })).unwrap_err();
        assert_eq!(caught.downcast_ref::<&str>(), Some(&"down there"));
    }
}
