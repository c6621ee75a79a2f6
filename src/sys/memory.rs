//! How much memory each thread holds: the allocator of the system, counting.
//!
//! Scripts need it. Rhai limits single values, not how many there are, and a call that takes all the memory of
//! the machine takes every connection with it. A program has one allocator, so each program chooses it: `main.rs`
//! takes this one, the benches take one around it.
#![allow(unsafe_code)]

use std::alloc::{GlobalAlloc, Layout, System};
use std::cell::Cell;

/// Bytes this thread has taken and not given back. Bytes given back by another thread still count here, and
/// there below zero: only the change during some work of one thread means something.
pub fn held() -> isize {
    HELD.get()
}

/// The allocator. In a program that does not have it as its `#[global_allocator]`, nothing is counted, and no
/// script is stopped for the memory it takes.
#[derive(Debug)]
pub struct Counting;

thread_local! {
    // Neither made at run time nor dropped, so that it can be used whenever something is allocated.
    static HELD: Cell<isize> = const { Cell::new(0) };
}

fn count(change: isize) {
    HELD.set(HELD.get().wrapping_add(change));
}

// SAFETY: everything is done by the system's allocator, with the arguments as they came; counting allocates nothing
// and cannot panic.
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
    fn what_is_taken_and_given_back_is_counted() {
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
