//! Coroutines: a closure on a stack of its own, which can be left in the middle of any call and resumed later.
//!
//! Owns the way from a call deep in a coroutine back to whoever has resumed it. Knows nothing of what runs there.
#![allow(unsafe_code)]

use std::cell::Cell;
use std::fmt;
use std::ptr;

use corosensei::{CoroutineResult, Yielder};

use crate::sys::stack::Stack;

/// A closure on a stack of its own. One that is dropped while it is suspended is unwound, as by a panic that nobody reports.
pub struct Coroutine<R>(corosensei::Coroutine<(), (), R, Stack>);

thread_local! {
    /// The way back of the coroutine that is running.
    static CURRENT: Cell<*const Yielder<(), ()>> = const { Cell::new(ptr::null()) };
}

impl<R: 'static> Coroutine<R> {
    /// A coroutine that has not begun.
    pub fn new(stack: Stack, run: impl FnOnce() -> R + 'static) -> Self {
        Self(corosensei::Coroutine::with_stack(stack, move |yielder, ()| {
            CURRENT.set(yielder);
            run()
        }))
    }

    /// Runs it until it calls [`suspend`] or ends: `Some` is the value of its closure. A panic in it propagates to the caller.
    ///
    /// # Panics
    /// It has ended before.
    pub fn resume(&mut self) -> Option<R> {
        let _outer = Outer(CURRENT.get());
        match self.0.resume(()) {
            CoroutineResult::Yield(()) => None,
            CoroutineResult::Return(value) => Some(value),
        }
    }

    /// Whether it has begun.
    pub fn has_begun(&self) -> bool {
        self.0.started()
    }

    /// The stack of a coroutine that has ended.
    pub fn into_stack(self) -> Option<Stack> {
        self.0.done().then(|| self.0.into_stack())
    }
}

impl<R> fmt::Debug for Coroutine<R> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Coroutine").finish_non_exhaustive()
    }
}

/// Puts back the way of whoever has resumed a coroutine, also after a panic.
struct Outer(*const Yielder<(), ()>);

impl Drop for Outer {
    fn drop(&mut self) {
        CURRENT.set(self.0);
    }
}

/// Whether a coroutine is running.
pub fn is_running() -> bool {
    !CURRENT.get().is_null()
}

/// Leaves the running coroutine until it is resumed.
///
/// # Panics
/// No coroutine is running.
pub fn suspend() {
    let current = CURRENT.get();
    assert!(!current.is_null(), "suspended outside of a coroutine");
    // SAFETY: it was set by the coroutine that is running on this thread, on whose stack it lies until that has ended.
    unsafe { (*current).suspend(()) };
    CURRENT.set(current);
}

#[cfg(test)]
mod tests {
    use std::cell::RefCell;
    use std::panic::{AssertUnwindSafe, catch_unwind};
    use std::rc::Rc;

    use super::*;
    use crate::sys::stack::Pool;

    #[test]
    fn coroutines_take_turns_and_their_stacks_are_used_again() {
        let mut pool = Pool::default();
        let log = Rc::new(RefCell::new(Vec::new()));
        let mut all: Vec<_> = (0..3)
            .map(|number| {
                let log = Rc::clone(&log);
                Coroutine::new(pool.take().unwrap(), move || {
                    for step in 0..2 {
                        log.borrow_mut().push((number, step));
                        suspend();
                    }
                    number
                })
            })
            .collect();
        for _ in 0..2 {
            assert!(all.iter_mut().all(|coroutine| coroutine.resume().is_none()));
        }
        assert_eq!(log.take(), [(0, 0), (1, 0), (2, 0), (0, 1), (1, 1), (2, 1)]);
        assert_eq!(all.iter_mut().map(Coroutine::resume).collect::<Vec<_>>(), [Some(0), Some(1), Some(2)]);
        for coroutine in all {
            pool.put_back(coroutine.into_stack().unwrap());
        }
        let mut again = Coroutine::new(pool.take().unwrap(), || 7);
        assert!(!again.has_begun());
        assert_eq!(again.resume(), Some(7));
    }

    #[test]
    fn one_can_resume_another() {
        let mut pool = Pool::default();
        let mut inner = Coroutine::new(pool.take().unwrap(), suspend);
        let mut outer = Coroutine::new(pool.take().unwrap(), move || {
            assert!(inner.resume().is_none());
            suspend();
            assert!(inner.resume().is_some());
        });
        assert!(outer.resume().is_none());
        assert!(outer.resume().is_some());
    }

    #[test]
    fn what_is_dropped_is_unwound_and_panics_reach_the_caller() {
        let mut pool = Pool::default();
        let held = Rc::new(());
        let inside = Rc::clone(&held);
        let mut suspended = Coroutine::new(pool.take().unwrap(), move || {
            suspend();
            drop(inside);
        });
        assert!(suspended.resume().is_none());
        drop(suspended);
        assert_eq!(Rc::strong_count(&held), 1);
        let mut fails = Coroutine::new(pool.take().unwrap(), || -> () { panic!("down there") });
        let payload = catch_unwind(AssertUnwindSafe(|| fails.resume())).unwrap_err();
        assert_eq!(payload.downcast_ref::<&str>(), Some(&"down there"));
        assert!(fails.into_stack().is_some());
        assert!(catch_unwind(suspend).is_err(), "nothing is running here");
    }
}
