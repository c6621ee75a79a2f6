//! The switch that turns the bodies that stay off, for tests that compare both ways.

use std::cell::Cell;

thread_local! {
    static OFF: Cell<bool> = const { Cell::new(false) };
}

/// Whether scripts are loaded without bodies that stay.
pub(in crate::script) fn is_off() -> bool {
    OFF.get()
}

/// Does something while scripts are loaded without them.
pub(in crate::script) fn without<R>(work: impl FnOnce() -> R) -> R {
    OFF.set(true);
    let result = work();
    OFF.set(false);
    result
}
