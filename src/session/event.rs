//! `Event` and `RunEvent`: what a handler is told.
//!
//! Owns the vocabulary alone. In which order the events of a connection come, `connection` says.

use std::time::Duration;

use crate::endpoint::Address;
use crate::session::{CloseReason, ConnError, ListenerId};

/// What happened to a connection.
#[derive(Debug, PartialEq, Eq)]
pub enum Event {
    /// Accepted, or the connect finished, and every layer is established.
    Opened,
    /// A chunk as it arrived.
    Data(Vec<u8>),
    /// The same stream decoded; never splits a character, never empty.
    Text(String),
    /// One line, decoded, without CR and LF.
    Line(String),
    /// One frame, as the connection's framing cuts it.
    Frame(Vec<u8>),
    /// The start of the next frame, to be measured: answered with [`Command::Cut`].
    Measure(Vec<u8>),
    /// A search has found ([`ChosenForm::Searched`](crate::session::ChosenForm::Searched)): answered with
    /// [`Command::Skip`].
    Found,
    /// The stream has ended without it.
    Unmet,
    /// The peer sent FIN.
    Eof,
    /// A connection that stood in the clear speaks TLS from here on.
    Secured,
    /// The outbound queue fell to its low mark.
    Drained,
    /// Nothing moved for this long; told again after the same time.
    Idle(Duration),
    /// Trouble; the connection may go on or a `Closed` follows.
    Error(ConnError),
    /// The last event of every connection, exactly once. Without `Opened` before it, if a layer was never established.
    Closed(CloseReason),
}

/// What happened to the run, apart from any connection.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum RunEvent {
    /// Everything is loaded; nothing is bound or connected yet.
    Start,
    /// A listener is bound: the run's own (`None`), or one of a handler whose name was resolved.
    Listening {
        /// The number of the listener, if a handler opened it.
        listener: Option<ListenerId>,
        /// Where it is.
        address: Address,
    },
    /// A listener that a handler opened cannot be bound.
    ListenFailed {
        /// Its number.
        listener: ListenerId,
        /// Why.
        trouble: ConnError,
    },
    /// A line of stdin, without its end.
    StdinLine(String),
    /// stdin has ended.
    StdinEof,
    /// Answers [`Command::FinishStdin`](crate::session::Command::FinishStdin): nothing of stdin is waited for any more.
    StdinLeft,
    /// A signal, by its name without `SIG`. A handler that takes it decides what follows.
    Signal(&'static str),
    /// This handler has taken the place of an older version.
    Reloaded,
    /// The run ends with this code: the last event.
    Stop(u8),
}
