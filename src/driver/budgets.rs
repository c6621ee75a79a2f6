//! `Budgets`: how much one turn may do before the other sources have theirs, and `Turn`, what a turn has left.
//!
//! Owns the numbers and the rule: whoever stops at a budget says [`Turn::Again`], and goes back on the ready list.

use std::time::Duration;

/// Maximum work of one turn.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Budgets {
    /// Events of one connection at a time, so that a script that answers itself cannot block the loop.
    pub(super) events: usize,
    /// Rounds of deliver-and-write in one turn of a connection.
    pub(super) rounds: usize,
    /// Moves from one connection to its partner in one turn.
    pub(super) moves: usize,
    /// Datagrams received from one connection in one turn.
    pub(super) datagrams: usize,
    /// Bytes written to one connection at a time.
    pub(super) written: usize,
    /// Accepts of one listener in one turn.
    pub(super) accepts: usize,
    /// Time of one turn in which the handler is called many times.
    pub(super) time: Duration,
    /// Lines of stdin that the script is given in one turn.
    pub(super) lines: usize,
    /// Timers of a script called in one round. The rest is still due in the next one.
    pub(super) timers: usize,
    /// Connections read before their answers are written; small enough to stay in the CPU cache.
    pub(super) batch: usize,
    /// Connections read before the first of them has its turn.
    pub(super) early: usize,
}

impl Budgets {
    /// The least of everything, to see that what is left comes later.
    #[cfg(test)]
    pub(super) const ONE: Self = Self {
        events: 1,
        rounds: 1,
        moves: 1,
        datagrams: 1,
        written: 1,
        accepts: 1,
        time: Duration::ZERO,
        lines: 1,
        timers: 1,
        batch: 1,
        early: 1,
    };
}

impl Default for Budgets {
    fn default() -> Self {
        Self {
            events: 4096,
            rounds: 16,
            moves: 4,
            datagrams: 64,
            written: 1 << 20,
            accepts: 64,
            time: Duration::from_millis(20),
            lines: 4096,
            timers: 256,
            batch: 64,
            early: 16,
        }
    }
}

/// What a turn has left.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[must_use]
pub(super) enum Turn {
    /// Nothing that can be done without an event.
    Done,
    /// It stopped at a budget: more can be done at once.
    Again,
}

impl Turn {
    /// [`Turn::Again`] if one of both says so.
    pub(super) fn or(self, other: Self) -> Self {
        if self == Self::Again { self } else { other }
    }
}

impl From<bool> for Turn {
    fn from(is_more: bool) -> Self {
        if is_more { Self::Again } else { Self::Done }
    }
}
