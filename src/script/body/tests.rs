//! The switch for the ways to call functions, for tests that compare them.

use std::cell::Cell;

use super::Way;

thread_local! {
    static WAY: Cell<Way> = const { Cell::new(Way::Left) };
}

/// How the functions of a script that is loaded are called.
pub(in crate::script) fn way() -> Way {
    WAY.get()
}

/// Does something while they are called in this way.
pub(in crate::script) fn by<R>(way: Way, work: impl FnOnce() -> R) -> R {
    let before = WAY.replace(way);
    let result = work();
    WAY.set(before);
    result
}
