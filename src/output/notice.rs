//! `Notice`: one fact about the run; `Moment`: the clocks when it was noticed; `Observer`: the receiver of notices.
//!
//! Owns the vocabulary between the driver, which notices, and its observers, which choose words, layout or format.
//! A notice holds ids, addresses, durations and counts. It holds no sentences, except those of lower floors (an [`Error`])
//! and of scripts.

use std::cell::Cell;
use std::process::ExitStatus;
use std::time::{Duration, Instant, SystemTime};

use crate::endpoint::Address;
use crate::error::Error;
use crate::layer::tls::TlsFacts;
use crate::session::{CloseReason, ConnId, ConnView, Direction, ListenerId, Side};

/// A fact about the run.
#[derive(Debug)]
pub enum Notice<'a> {
    /// A listener is ready for clients.
    Listening {
        /// Where it listens.
        address: &'a Address,
        /// The number of a script's listener; `None`: the run's own.
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
        /// Time the resolver took.
        took: Duration,
    },
    /// A connection attempt to one address begins.
    Dialing {
        /// The connection to be made.
        conn: ConnId,
        /// `host:port` as given.
        target: &'a str,
        /// The address.
        address: &'a Address,
    },
    /// A connection attempt to one address failed.
    AttemptFailed {
        /// The connection to be made.
        conn: ConnId,
        /// The address.
        address: &'a Address,
        /// The system's reason.
        cause: &'a str,
    },
    /// A client that a listener does not take was disconnected.
    Refused {
        /// The client.
        peer: &'a Address,
        /// Our end.
        local: &'a Address,
        /// The number of a script's listener; `None`: the run's own.
        listener: Option<ListenerId>,
        /// The most clients at a time, if so many were there; `None`: `--allow` and `--deny` do not let it in.
        limit: Option<usize>,
    },
    /// The run's own connection will be made again.
    Retry {
        /// The connection that has failed or ended.
        conn: ConnId,
        /// What a try has failed with that made no connection.
        error: Option<&'a Error>,
        /// Time before the next try.
        pause: Duration,
        /// Tries that may follow the next one; `None`: without end.
        left: Option<u64>,
        /// The failure is another than before, and goes on until somebody acts.
        is_news: bool,
    },
    /// A connection is established.
    Opened {
        /// The connection.
        conn: &'a ConnView,
        /// Time for resolving and connecting; `None`: it was accepted.
        took: Option<Duration>,
    },
    /// The two sides of a connection have agreed on TLS.
    Secured {
        /// The connection.
        conn: &'a ConnView,
        /// On what.
        facts: &'a TlsFacts,
    },
    /// A certificate was made for this run.
    Certificate {
        /// Its SHA-256, in hex.
        sha256: &'a str,
    },
    /// Bytes were received or sent; only for observers that read this tap.
    Bytes {
        /// The connection.
        conn: &'a ConnView,
        /// Which way.
        direction: Direction,
        /// Where they are seen.
        tap: Tap,
        /// The bytes.
        bytes: &'a [u8],
    },
    /// Bytes were received or sent, through the process or within the kernel; only for observers that count.
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
    /// An error.
    Error {
        /// The connection it belongs to, if it belongs to one.
        conn: Option<ConnId>,
        /// The error.
        error: &'a Error,
        /// A handler of a script takes it.
        handled: bool,
    },
    /// A program was started for a connection.
    Started {
        /// The connection.
        conn: &'a ConnView,
        /// The program, as the user wrote it.
        program: &'a str,
        /// Its process id.
        pid: u32,
    },
    /// The program of a connection has ended, maybe after the connection.
    Exited {
        /// The connection.
        conn: &'a ConnView,
        /// The program, as the user wrote it.
        program: &'a str,
        /// How it has ended.
        status: ExitStatus,
        /// The same as a shell sees it.
        code: u8,
    },
    /// A connection is closed.
    Closed {
        /// The connection.
        conn: &'a ConnView,
        /// Why.
        reason: CloseReason,
    },
    /// A client that did not read was disconnected.
    Dropped {
        /// The connection.
        conn: &'a ConnView,
        /// Bytes that waited for it.
        queued: usize,
    },
    /// Datagrams were lost because a queue was full.
    Lost {
        /// Their connection.
        conn: &'a ConnView,
        /// How many.
        n: u64,
    },
    /// `--eof-wait` has ended and the peer has not read everything.
    Unsent {
        /// The connection.
        conn: &'a ConnView,
        /// Bytes that waited for it.
        queued: usize,
    },
    /// The run has ended, and what was received or printed waits for a stdout that takes nothing.
    Unwritten {
        /// What it is called.
        name: &'a str,
        /// Bytes that waited for it.
        queued: usize,
    },
    /// The peer has ended, and a stdin that may still give something is not waited for.
    StdinLeft {
        /// The connection.
        conn: &'a ConnView,
    },
    /// A script has sent on a connection that is closed, or whose our side has ended; noticed once for each.
    SentToNobody {
        /// The connection.
        conn: ConnId,
        /// Its name.
        name: &'a str,
    },
    /// Accepting pauses because descriptors or memory ran out.
    AcceptPaused {
        /// Where clients wait.
        address: &'a Address,
        /// The system's reason.
        cause: &'a str,
    },
    /// A line of a script's `log`.
    Log {
        /// The connection it is about, and its name.
        conn: Option<(ConnId, &'a str)>,
        /// The line.
        text: &'a str,
    },
    /// Text of a script's `print`, with its line end.
    Print {
        /// The text.
        text: &'a str,
    },
    /// A script has written bytes to stdout.
    Write {
        /// The bytes.
        bytes: &'a [u8],
    },
    /// A warning of loading a script.
    ScriptWarning {
        /// The message of the check.
        text: &'a str,
    },
    /// A changed script has replaced the old one.
    Reloaded {
        /// Its name.
        name: &'a str,
    },
    /// A changed script does not load; the old one stays.
    NotReloaded {
        /// Its name.
        name: &'a str,
        /// Why.
        error: &'a Error,
    },
    /// A signal was received.
    Signal {
        /// Its name without `SIG`.
        name: &'a str,
    },
    /// What was counted during the run, if it is anything; the last notice but one.
    Summary(Totals),
    /// The end of the run; always the last notice.
    Exit {
        /// The exit code, as a shell sees it.
        code: u8,
    },
}

impl Notice<'_> {
    /// Whether it is about the pipes of a program: what passes there is what the connection of the program moves.
    pub fn is_about_pipes(&self) -> bool {
        let (Notice::Opened { conn, .. }
        | Notice::Bytes { conn, .. }
        | Notice::Moved { conn, .. }
        | Notice::Ended { conn, .. }
        | Notice::Closed { conn, .. }
        | Notice::Dropped { conn, .. }
        | Notice::Unsent { conn, .. }) = self
        else {
            return false;
        };
        conn.info.side() == Side::Program
    }
}

/// Numbers of a whole run, of all its workers.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Totals {
    /// Clients that were not taken (`--allow`, `--deny`).
    pub refused: u64,
    /// Datagrams that were lost because a queue was full, that of the system included.
    pub lost: u64,
}

impl Totals {
    /// The numbers of two loops together.
    #[must_use]
    pub fn plus(self, other: Self) -> Self {
        Self { refused: self.refused + other.refused, lost: self.lost + other.lost }
    }
}

/// The clocks of the round in which something was noticed.
#[derive(Clone, Copy, Debug)]
pub struct Moment<'a> {
    /// The monotonic clock.
    pub mono: Instant,
    wall: &'a Cell<Option<SystemTime>>,
}

impl<'a> Moment<'a> {
    /// Makes a moment. `wall` is shared by all moments of a round, and filled when an observer first asks for it.
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

/// The place at which bytes are seen.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Tap {
    /// At the socket.
    Wire,
    /// Above the layers.
    Plain,
}

/// The form in which an observer gets bytes that move. It gets all other notices in any case.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Taps {
    /// Nothing.
    #[default]
    None,
    /// Their number, as [`Notice::Moved`]. The kernel may move them.
    Counts,
    /// The bytes at this tap, as [`Notice::Bytes`]. They have to pass through the process.
    Read(Tap),
}

/// A receiver of notices, which cannot influence the run except by failing.
pub trait Observer {
    /// The form in which it gets bytes; constant for one observer.
    fn wants(&self) -> Taps;

    /// Receives a notice.
    fn notice(&mut self, at: Moment<'_>, notice: &Notice<'_>);

    /// Whether it holds back what it writes; constant for one observer.
    fn holds_back(&self) -> bool {
        false
    }

    /// Writes what it has buffered; called once a round and at the end of the run.
    fn flush(&mut self) {}

    /// The error that keeps it from writing, returned once. It ends the run.
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
