//! `Stderr`: one loop's share in stderr: when to write what waits for it, when reading waits for it, and for how long it may
//! take at the end of the run.
//!
//! Owns its slot in the reactor and the time limits. The queue is shared by all loops (`messages`). A reader that is slow is
//! waited for, as that of stdout; one that takes nothing is not, and messages are dropped.

use std::cell::Cell;
use std::rc::Rc;
use std::time::{Duration, Instant};

use mio::Interest;

use crate::driver::io::{Io, Source};
use crate::driver::messages::Messages;
use crate::driver::shutdown::GRACE;
use crate::net::reactor::Slot;
use crate::session::earliest;

/// Waiting bytes at which reading waits for a slow reader.
const FULL: usize = 64 << 10;
/// How long a reader may take nothing before it is believed to be gone.
const PATIENCE: Duration = Duration::from_millis(500);

/// State of stderr in one loop.
pub(super) struct Stderr {
    messages: Rc<dyn Messages>,
    /// Set once something had to wait.
    slot: Option<Slot>,
    /// Bytes that its reader had taken at the last look, and when that number changed last.
    taken: u64,
    taken_at: Option<Instant>,
    /// Reading waits for it.
    holds: Cell<bool>,
    /// While the run ends: when what is left is given up.
    until: Option<Instant>,
}

impl Stderr {
    /// Writes nothing by itself: the observers do.
    pub(super) fn new(messages: Rc<dyn Messages>) -> Self {
        Self { messages, slot: None, taken: 0, taken_at: None, holds: Cell::new(false), until: None }
    }

    /// Where messages go.
    pub(super) fn messages(&self) -> Rc<dyn Messages> {
        Rc::clone(&self.messages)
    }

    /// Writes what waits, and has an event sent when there is room for the rest. Returns whether reading that has waited for it
    /// may go on.
    pub(super) fn flush(&mut self, io: &mut Io) -> bool {
        if !self.messages.flush() && self.slot.is_none() {
            let slot = &mut self.slot;
            self.messages.with_source(&mut |source| {
                // Without events, the next message tries again.
                *slot = io.register(source, Interest::WRITABLE, Source::Stderr).ok();
            });
        }
        let (_, taken) = self.messages.amounts();
        if taken != self.taken {
            (self.taken, self.taken_at) = (taken, Some(io.now));
        }
        self.holds.replace(false) && !self.is_full(io.now)
    }

    /// Whether reading has to wait for it; [`Stderr::flush`] tells when it may go on.
    pub(super) fn is_full(&self, now: Instant) -> bool {
        let (waiting, taken) = self.messages.amounts();
        if waiting < FULL {
            return false;
        }
        let is_read = taken != self.taken || self.taken_at.is_some_and(|at| now < at + PATIENCE);
        if is_read {
            self.holds.set(true);
        }
        is_read
    }

    /// Handles an event: it may take more.
    pub(super) fn unblock(&self) {
        self.messages.unblock();
    }

    /// Whether the run may end: everything is written, or the reader has had its time.
    pub(super) fn is_done(&mut self, now: Instant) -> bool {
        self.messages.flush() || *self.until.get_or_insert(now + GRACE) <= now
    }

    /// When what is left is given up, or its reader is not waited for any more.
    pub(super) fn deadline(&self) -> Option<Instant> {
        let patience = self.taken_at.filter(|_| self.holds.get()).map(|at| at + PATIENCE);
        earliest([self.until, patience])
    }
}
