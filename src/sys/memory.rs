//! Memory accounting for each thread: the system allocator with a counter.
//!
//! It exists for the memory limit of scripts: Rhai limits the size of single values but not their number, and a call
//! that takes all memory of the machine ends every connection. A program has one global allocator: `main.rs` uses this
//! one, the benches use one that wraps it.
#![allow(unsafe_code)]

use std::alloc::{GlobalAlloc, Layout, System};
use std::cell::Cell;

/// Bytes this thread has allocated minus bytes it has freed. Memory freed by another thread is subtracted there, so
/// only the difference over some work of one thread is meaningful.
#[inline]
pub fn held() -> isize {
    HELD.get()
}

/// The counting allocator. In a program that does not use it as `#[global_allocator]`, nothing is counted, and scripts
/// have no memory limit.
#[derive(Debug)]
pub struct Counting;

thread_local! {
    // Const-initialized and without a destructor, so that it is usable during every allocation.
    static HELD: Cell<isize> = const { Cell::new(0) };
}

#[inline]
fn count(change: isize) {
    HELD.set(HELD.get().wrapping_add(change));
}

// SAFETY: every call is forwarded to the system allocator with unchanged arguments; counting neither allocates nor
// panics.
unsafe impl GlobalAlloc for Counting {
    unsafe fn alloc(&self, layout: Layout) -> *mut u8 {
        count(layout.size().cast_signed());
        // SAFETY: the caller keeps the contract of `alloc`, which is this one.
        unsafe { System.alloc(layout) }
    }

    unsafe fn alloc_zeroed(&self, layout: Layout) -> *mut u8 {
        count(layout.size().cast_signed());
        // SAFETY: as above.
        unsafe { System.alloc_zeroed(layout) }
    }

    unsafe fn dealloc(&self, pointer: *mut u8, layout: Layout) {
        count(-layout.size().cast_signed());
        // SAFETY: as above; the pointer came from `System`.
        unsafe { System.dealloc(pointer, layout) }
    }

    unsafe fn realloc(&self, pointer: *mut u8, layout: Layout, size: usize) -> *mut u8 {
        count(size.cast_signed() - layout.size().cast_signed());
        // SAFETY: as above.
        unsafe { System.realloc(pointer, layout, size) }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[global_allocator]
    static ALLOCATOR: Counting = Counting;

    #[test]
    fn allocated_and_freed_bytes_are_counted() {
        let before = held();
        let mut bytes: Vec<u8> = Vec::with_capacity(1000);
        assert_eq!(held() - before, 1000);
        bytes.reserve_exact(5000);
        assert_eq!(held() - before, 5000);
        drop(bytes);
        assert_eq!(held(), before);
        let zeros = vec![0u8; 300];
        assert_eq!(held() - before, 300);
        std::thread::spawn(move || drop(zeros)).join().unwrap();
        assert!(held() - before >= 300, "another thread gave it back");
    }
}
