//! Large stacks for what runs scripts: threads, and coroutines with a pool of their own.
//!
//! A script can nest values without limit, and cloning or dropping a nested value recurses once for each level.
#![allow(unsafe_code)]

use std::any::Any;
use std::cell::Cell;
use std::io;
use std::num::NonZeroUsize;
use std::panic::{AssertUnwindSafe, catch_unwind, resume_unwind};
use std::ptr::{self, NonNull};
use std::thread::{self, JoinHandle};

/// Size of a large stack, in bytes of address space: a page takes memory only when it is used. It is somewhat more than a power
/// of two: of stacks that lie side by side, the tops then have page tables in other lines of the processor's cache.
const SIZES: [usize; 2] = [(1 << 30) + STEP, (64 << 20) + STEP];
/// What two stacks differ by: a line of entries for pages, and one of entries for page tables.
const STEP: usize = (32 << 10) + (16 << 20);

thread_local! {
    static IS_WATCHED: Cell<bool> = const { Cell::new(false) };
}

/// Marks this thread: its panics are caught and reported by the code that started it.
pub fn watched() {
    IS_WATCHED.set(true);
}

/// Whether panics of this thread are caught and reported by the code that started it.
pub fn is_watched() -> bool {
    IS_WATCHED.get()
}

/// Starts a thread with a large stack; the caller must join it and handle a panic.
///
/// # Errors
/// No stack of any size can be allocated.
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

/// Runs a closure on this thread with a large stack, or on the current stack if none can be allocated. Panics
/// propagate to the caller.
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

/// Stacks of coroutines that have ended, for the next ones.
#[derive(Debug, Default)]
pub struct Pool {
    free: Vec<Stack>,
    /// The one that was used last and is used next.
    warm: Option<Stack>,
    /// How often that was laid down.
    times: usize,
}

impl Pool {
    /// A stack that nobody uses.
    ///
    /// # Errors
    /// No address space or no mapping is left: the error of mmap(2) or mprotect(2).
    pub fn take(&mut self) -> io::Result<Stack> {
        match self.warm.take().or_else(|| self.free.pop()) {
            Some(stack) => Ok(stack),
            None => SIZES.iter().find_map(|size| Stack::new(*size)).ok_or_else(io::Error::last_os_error),
        }
    }

    /// Keeps a stack that is used again at once. Now and then its memory goes back to the system.
    pub fn lay_down(&mut self, stack: Stack) {
        self.times = self.times.wrapping_add(1);
        if self.warm.is_some() || self.times.is_multiple_of(TIMES_PER_LOOK) {
            self.put_back(stack);
        } else {
            self.warm = Some(stack);
        }
    }

    /// Keeps a stack for the next coroutine. Its memory goes back to the system, except what every coroutine needs.
    pub fn put_back(&mut self, stack: Stack) {
        if self.free.len() < MOST_FREE {
            stack.forget_below(KEPT);
            self.free.push(stack);
        }
    }
}

/// Maximum number of free stacks in a pool.
const MOST_FREE: usize = 256;

/// How often a stack is laid down until its memory goes back to the system.
const TIMES_PER_LOOK: usize = 1 << 12;

/// Bytes of a free stack that stay in memory.
const KEPT: usize = 32 << 10;

/// Memory of a stack with a guard page below it: an overflow ends the process.
#[derive(Debug)]
pub struct Stack {
    base: NonNull<u8>,
    size: usize,
}

const GUARD: usize = 64 << 10;

// SAFETY: the memory from `limit` up to `base` is mapped, readable and writable, aligned to a page, and used by nobody else;
// below it is a guard; it stays until the value is dropped.
unsafe impl corosensei::stack::Stack for Stack {
    fn base(&self) -> NonZeroUsize {
        self.base.addr().saturating_add(self.size)
    }

    fn limit(&self) -> NonZeroUsize {
        self.base.addr().saturating_add(GUARD)
    }
}

impl Stack {
    /// Gives the memory back to the system that is more than so many bytes away from the top.
    fn forget_below(&self, kept: usize) {
        let Some(length) = self.size.checked_sub(GUARD + kept) else { return };
        // SAFETY: the range is within the mapping and above the guard, and nothing runs on this stack.
        unsafe { libc::madvise(self.base.as_ptr().add(GUARD).cast(), length, libc::MADV_DONTNEED) };
    }

    fn new(size: usize) -> Option<Self> {
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
            // Without huge pages: 2 MiB would be cleared to use a few KiB. A kernel without the flag has none either.
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
    fn a_large_stack_holds_more_than_a_thread_stack() {
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
