//! `Notice`: one fact about the run, with the `Moment` at which it was noticed, and `Observer`: who hears of it.
//!
//! Owns the vocabulary between the driver, which notices, and its observers, which choose words, layout or format.
//! A notice holds ids, addresses, durations and counts; it holds no sentences, except those that come from below
//! (an [`Error`], a script's own words).

use std::cell::Cell;
use std::time::{Duration, Instant, SystemTime};

use crate::endpoint::Address;
use crate::error::Error;
use crate::session::{CloseReason, ConnId, ConnView, Direction, ListenerId};

/// Something that happened.
#[derive(Debug)]
pub enum Notice<'a> {
    /// A listener is ready for clients.
    Listening {
        /// Where it listens.
        address: &'a Address,
        /// The number of one that a script opened; `None`: the run's own.
        listener: Option<ListenerId>,
    },
    /// The resolver is asked for the addresses of a name.
    Resolving {
        /// The connection to be made.
        conn: ConnId,
        /// The name.
        host: &'a str,
    },
    /// The name has addresses.
    Resolved {
        /// The connection to be made.
        conn: ConnId,
        /// The name.
        host: &'a str,
        /// In the order in which they will be tried.
        addresses: &'a [Address],
        /// How long the resolver took.
        took: Duration,
    },
    /// One address is tried.
    Dialing {
        /// The connection to be made.
        conn: ConnId,
        /// `host:port` as given.
        target: &'a str,
        /// The address.
        address: &'a Address,
    },
    /// One address did not answer, or refused.
    AttemptFailed {
        /// The connection to be made.
        conn: ConnId,
        /// The address.
        address: &'a Address,
        /// The system's reason.
        cause: &'a str,
    },
    /// A connection stands.
    Opened {
        /// The connection.
        conn: &'a ConnView,
        /// How long connecting took, with resolving; `None`: it was accepted.
        took: Option<Duration>,
    },
    /// Bytes moved; only for observers that read this tap.
    Bytes {
        /// The connection.
        conn: &'a ConnView,
        /// Which way.
        direction: Direction,
        /// Where they were seen.
        tap: Tap,
        /// The bytes.
        bytes: &'a [u8],
    },
    /// Bytes moved, through the process or within the kernel; only for observers that count without reading.
    Moved {
        /// The connection.
        conn: &'a ConnView,
        /// Which way.
        direction: Direction,
        /// How many.
        n: usize,
    },
    /// One direction has ended: `In` is the peer's FIN, `Out` is ours.
    Ended {
        /// The connection.
        conn: &'a ConnView,
        /// Which one.
        direction: Direction,
    },
    /// Something went wrong.
    Error {
        /// The connection it belongs to, if it belongs to one.
        conn: Option<ConnId>,
        /// What went wrong.
        error: &'a Error,
        /// A script handles it.
        handled: bool,
    },
    /// A connection is over.
    Closed {
        /// The connection.
        conn: &'a ConnView,
        /// Why.
        reason: CloseReason,
    },
    /// A client that did not read was dropped.
    Dropped {
        /// The connection.
        conn: &'a ConnView,
        /// Bytes that waited for it.
        queued: usize,
    },
    /// The wait for a peer that does not read is over.
    Unsent {
        /// The connection.
        conn: &'a ConnView,
        /// Bytes that waited for it.
        queued: usize,
    },
    /// Accepting pauses, because descriptors or memory ran out.
    AcceptPaused {
        /// Where clients wait.
        address: &'a Address,
        /// The system's reason.
        cause: &'a str,
    },
    /// A script's line for the log.
    Log {
        /// The connection it is about, and its name.
        conn: Option<(ConnId, &'a str)>,
        /// The line.
        text: &'a str,
    },
    /// A script's text for stdout, with its line end.
    Print {
        /// The text.
        text: &'a str,
    },
    /// Loading a script gave a warning.
    ScriptWarning {
        /// The warning, in the words of the check.
        text: &'a str,
    },
    /// A changed script took the place of the old one.
    Reloaded {
        /// Its name.
        name: &'a str,
    },
    /// A changed script does not load; the old one goes on.
    NotReloaded {
        /// Its name.
        name: &'a str,
        /// Why.
        error: &'a Error,
    },
    /// A signal came.
    Signal {
        /// Its name without `SIG`.
        name: &'a str,
    },
    /// The run is over. Always the last notice.
    Exit {
        /// The exit code, as a shell sees it.
        code: u8,
    },
}

/// When something was noticed: the clocks of one round of the loop.
#[derive(Clone, Copy, Debug)]
pub struct Moment<'a> {
    /// The monotonic clock.
    pub mono: Instant,
    wall: &'a Cell<Option<SystemTime>>,
}

impl<'a> Moment<'a> {
    /// A moment. An empty `wall` is filled when an observer first asks for it; the cell is shared by all moments of
    /// a round.
    pub fn new(mono: Instant, wall: &'a Cell<Option<SystemTime>>) -> Self {
        Self { mono, wall }
    }

    /// The wall clock, read at most once a round.
    pub fn wall(self) -> SystemTime {
        let now = self.wall.get().unwrap_or_else(SystemTime::now);
        self.wall.set(Some(now));
        now
    }
}

/// A place at which bytes are seen.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Tap {
    /// At the socket.
    Wire,
    /// Above the layers.
    Plain,
}

/// What an observer hears of bytes that move. Everything else it always hears.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Taps {
    /// Nothing.
    #[default]
    None,
    /// How many, as [`Notice::Moved`]. The kernel may move them.
    Counts,
    /// The bytes at this tap, as [`Notice::Bytes`]. They have to pass through the process.
    Read(Tap),
}

/// Watches the run and cannot change anything.
pub trait Observer {
    /// What it hears of bytes; constant for one observer.
    fn wants(&self) -> Taps;

    /// Hears of a fact.
    fn notice(&mut self, at: Moment<'_>, notice: &Notice<'_>);

    /// Whether it holds back what it writes; constant for one observer.
    fn holds_back(&self) -> bool {
        false
    }

    /// Writes what it holds back; called once a round and at the end of the run.
    fn flush(&mut self) {}

    /// What keeps it from writing, told once: the run cannot go on without it.
    fn fault(&mut self) -> Option<Error> {
        None
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_wall_clock_is_read_once_and_kept() {
        let wall = Cell::new(None);
        let at = Moment::new(Instant::now(), &wall);
        let first = at.wall();
        assert_eq!(wall.get(), Some(first));
        assert_eq!(Moment::new(Instant::now(), &wall).wall(), first, "the same round");
    }
}
