//! The contract between what happens and who decides: `Event` in, `Command` out.
//!
//! Owns the vocabulary, the [`Handler`] trait, the sans-IO state machine of one peer ([`connection`]) and what stands
//! between that and its socket ([`link`]).
//! No mio, no rhai, no clock, no printing: time is an argument, bytes are slices.

pub mod connection;
pub mod eof_policy;
mod events;
mod inbound;
mod linger;
pub mod link;
mod outbound;
#[cfg(test)]
mod tests;
pub mod timer;
pub mod verdict;
pub mod view;

use std::cell::Cell;
use std::fs::File;
use std::rc::Rc;
use std::time::{Duration, Instant};

use crate::codec::framing::Framing;
use crate::endpoint::{Address, Endpoint};
use crate::error::Error;
use crate::layer::toxics::Toxic;

pub use crate::layer::Direction;
pub use connection::Connection;
pub use link::Link;
pub use verdict::VerdictHandler;
pub use view::ConnView;

/// A connection's number: counts from 1 in one run, never reused.
pub type ConnId = u64;

/// Hands out connection numbers; everybody who holds a copy draws from the same row.
#[derive(Clone, Debug, Default)]
pub struct ConnIds(Rc<Cell<ConnId>>);

impl ConnIds {
    /// The next number.
    pub fn next(&self) -> ConnId {
        self.0.set(self.0.get() + 1);
        self.0.get()
    }
}

/// A listener a handler opened; counts from 1.
pub type ListenerId = u64;

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
    /// The stream has ended, and what was asked for each time ([`Cutting::Asked`]) has not come: what has.
    Unmet(Vec<u8>),
    /// The peer sent FIN.
    Eof,
    /// The outbound queue fell to its low mark.
    Drained,
    /// Nothing moved for this long; told again after the same time.
    Idle(Duration),
    /// Trouble; the connection may go on or a `Closed` follows.
    Error(ConnError),
    /// The last event of every connection, exactly once. Without `Opened` before it, if a layer was never established.
    Closed(CloseReason),
}

/// Trouble of one connection.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ConnError {
    /// What sort of trouble.
    pub kind: ErrorKind,
    /// What failed.
    pub op: Operation,
    /// The cause, as a person reads it.
    pub message: String,
}

impl ConnError {
    /// The same as the error of a run that is about this connection alone. `peer` is what messages call the connection.
    pub fn to_error(&self, peer: String) -> Error {
        let cause = self.message.clone();
        match (self.kind, self.op) {
            (ErrorKind::Io, Operation::SendFile) => Error::Read { source_name: format!("a file for {peer}"), cause },
            (ErrorKind::Reset | ErrorKind::Io | ErrorKind::Frame, op) => {
                let operation = if op == Operation::Write { "write to" } else { "read from" };
                Error::Broken { operation, peer, cause }
            }
            (ErrorKind::Timeout, _) => Error::Timeout { what: format!("{peer}: {cause}") },
            (ErrorKind::Refused | ErrorKind::Resolve | ErrorKind::Text | ErrorKind::Script, _) => {
                Error::Text { message: format!("{peer}: {cause}") }
            }
        }
    }
}

/// An operation that can fail; scripts see [`Operation::name`] as `err.op`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Operation {
    /// Connecting, resolving included.
    Connect,
    /// Binding a listener, resolving included.
    Listen,
    /// Reading from the peer, or making sense of what was read.
    Read,
    /// Writing to the peer.
    Write,
    /// Waiting for anything to move.
    Wait,
    /// Reading a file that is being sent.
    SendFile,
    /// A layer between the connection and its socket.
    Layer(&'static str),
    /// A handler of a script.
    Handler(&'static str),
}

impl Operation {
    /// The word scripts and logs use.
    pub fn name(self) -> &'static str {
        match self {
            Self::Connect => "connect",
            Self::Listen => "listen",
            Self::Read => "read",
            Self::Write => "write",
            Self::Wait => "wait",
            Self::SendFile => "send_file",
            Self::Layer(name) | Self::Handler(name) => name,
        }
    }
}

/// What sort of trouble a connection has; scripts see [`ErrorKind::name`].
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ErrorKind {
    /// The peer sent RST, or the link broke.
    Reset,
    /// The connection was never made.
    Refused,
    /// The name of the host has no address.
    Resolve,
    /// A time limit passed.
    Timeout,
    /// A line or frame over its limit.
    Frame,
    /// Malformed text, or a character the encoding cannot hold.
    Text,
    /// A handler of the script failed.
    Script,
    /// Anything else the system reports.
    Io,
}

impl ErrorKind {
    /// The word scripts and logs use.
    pub fn name(self) -> &'static str {
        match self {
            Self::Reset => "reset",
            Self::Refused => "refused",
            Self::Resolve => "resolve",
            Self::Timeout => "timeout",
            Self::Frame => "frame",
            Self::Text => "text",
            Self::Script => "script",
            Self::Io => "io",
        }
    }
}

/// Why a connection is over.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum CloseReason {
    /// Both sides ended in order, the peer first.
    Eof,
    /// We closed it.
    Closed,
    /// The peer reset it, or it broke; or we reset it.
    Reset,
    /// A time limit passed.
    Timeout,
    /// A fault of text, framing or script.
    Error,
    /// The run is ending.
    Stop,
}

impl CloseReason {
    /// The word scripts and logs use.
    pub fn name(self) -> &'static str {
        match self {
            Self::Eof => "eof",
            Self::Closed => "closed",
            Self::Reset => "reset",
            Self::Timeout => "timeout",
            Self::Error => "error",
            Self::Stop => "stop",
        }
    }
}

/// A connection a handler wants to be made. Its view exists already, so that it can be sent to at once.
#[derive(Clone, Debug)]
pub struct ConnectRequest {
    /// The connection that will be.
    pub view: Rc<ConnView>,
    /// Where to.
    pub target: Endpoint,
    /// How long resolving and connecting may take together.
    pub timeout: Option<Duration>,
}

impl PartialEq for ConnectRequest {
    fn eq(&self, other: &Self) -> bool {
        self.view.id == other.view.id
    }
}

impl Eq for ConnectRequest {}

/// A file that a handler wants to be sent; whoever carries the command out reads it.
#[derive(Debug)]
pub struct FileToSend {
    /// What messages call it.
    pub name: String,
    /// The file, open.
    pub file: File,
    /// How many bytes of it are to be sent.
    pub length: u64,
    /// How many were read.
    pub sent: u64,
}

impl PartialEq for FileToSend {
    fn eq(&self, other: &Self) -> bool {
        (&self.name, self.length, self.sent) == (&other.name, other.length, other.sent)
    }
}

impl Eq for FileToSend {}

/// What to do. Commands are carried out in the order they were given.
#[derive(Debug, PartialEq, Eq)]
pub enum Command {
    /// Make a connection.
    Connect(ConnectRequest),
    /// Close a listener that a handler opened.
    CloseListener(ListenerId),
    /// What one of two connections receives is sent to the other, both ways.
    Pipe(ConnId, ConnId),
    /// Queue bytes for a connection.
    Send(ConnId, Vec<u8>),
    /// Send a file after what is queued.
    SendFile(ConnId, FileToSend),
    /// FIN once everything queued is sent; reading goes on.
    Shutdown(ConnId),
    /// Flush, FIN, then let go. No data event follows.
    Close(ConnId),
    /// RST now; what is queued is dropped.
    Reset(ConnId),
    /// `TCP_NODELAY` on or off.
    SetNodelay(ConnId, bool),
    /// The idle limit in the connection's view was changed.
    SetIdle(ConnId),
    /// Cut the stream differently, from the next byte that was not delivered.
    SetCutting(ConnId, Cutting),
    /// Answers [`Event::Measure`]: the next frame has this length; 0: more bytes are needed.
    Cut(ConnId, usize),
    /// Answers [`Event::Measure`]: the handler has dealt with so many bytes itself.
    Skip(ConnId, usize),
    /// Stop reading, and deliver nothing that was received.
    Pause(ConnId),
    /// Go on reading and delivering.
    Resume(ConnId),
    /// What a connection receives or sends passes through a toxic from now on.
    AddToxic {
        /// The connection.
        id: ConnId,
        /// What passes through it.
        direction: Direction,
        /// The fault.
        toxic: Toxic,
        /// What its chance comes from.
        seed: u64,
    },
    /// Removes the toxics of that name, or all, in both directions; what they hold goes on at once.
    Heal(ConnId, Option<&'static str>),
    /// Text for stdout, line end included.
    Print(String),
    /// A line for stderr; the connection's label stands before it.
    Log(Option<ConnId>, String),
    /// Received bytes for stdout.
    Output(Vec<u8>),
    /// The run has its answer, and stops in order.
    Verdict(Verdict),
}

/// The answer of a run that was a question. The first one counts.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Verdict {
    /// Yes: exit code 0.
    Passed,
    /// No: exit code 1.
    Failed {
        /// What was found, or not found, in one line.
        message: String,
    },
}

/// What a failed handler call means for the run.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum HandlerError {
    /// The handler failed; the message may have several lines (position, source line, caret, call chain).
    Failed {
        /// The handler's name, such as `on_data`.
        handler: &'static str,
        /// The first line of the message, for `err.message`.
        summary: String,
        /// The whole message for people.
        message: String,
    },
    /// The handler called `exit(code)`.
    Exit(u8),
}

/// Which form received bytes take on their way to the handler.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Delivery {
    /// Chunks as they arrive.
    #[default]
    Data,
    /// Decoded text.
    Text,
    /// Decoded lines.
    Line,
    /// Frames that the handler measures.
    Measured,
}

/// How a connection's stream is cut, where a handler has chosen it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Cutting {
    /// As the handlers that are there say.
    None,
    /// Decoded lines of at most so many bytes.
    Lines {
        /// The limit, line end included.
        max: usize,
    },
    /// Frames.
    Frames(Framing),
    /// The handler is asked each time, with everything that has arrived; at most so many bytes.
    Asked {
        /// The limit.
        max: usize,
    },
    /// Not at all: chunks as they come, whatever handlers there are.
    Raw,
}

/// Which events a handler takes. The others have their default effect and cost nothing.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct EventMask {
    /// Received data goes to the handler in this form; `None`: to stdout.
    pub received: Option<Delivery>,
    /// `Event::Opened`.
    pub opened: bool,
    /// `Event::Eof`: the handler decides when our side closes.
    pub eof: bool,
    /// `Event::Drained`.
    pub drained: bool,
    /// `Event::Idle`, in place of closing an idle connection.
    pub idle: bool,
    /// `Event::Error`.
    pub error: bool,
    /// `Event::Closed`.
    pub closed: bool,
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
    /// A signal, by its name without `SIG`. A handler that takes it decides what follows.
    Signal(&'static str),
    /// This handler has taken the place of an older version.
    Reloaded,
    /// The run ends with this code: the last event.
    Stop(u8),
}

/// Decides what connections do, or one of them. Must not block; asks for things by pushing commands, which are carried out
/// after the call.
pub trait Handler {
    /// Which events it takes of a connection.
    fn event_mask(&self, conn: &ConnView) -> EventMask;

    /// Handles one event of one connection. Commands pushed before a failure still count.
    ///
    /// # Errors
    /// The handler failed, or ends the run.
    fn handle(&self, conn: &Rc<ConnView>, event: Event, out: &mut Vec<Command>) -> Result<(), HandlerError>;

    /// Whether [`Handler::relay`] looks at what passes between partners.
    fn relays(&self) -> bool {
        false
    }

    /// What is to be passed on of a chunk that one connection received and another one gets.
    ///
    /// # Errors
    /// As [`Handler::handle`].
    fn relay(
        &self,
        _from: &Rc<ConnView>,
        _to: &Rc<ConnView>,
        bytes: Vec<u8>,
        _out: &mut Vec<Command>,
    ) -> Result<Vec<u8>, HandlerError> {
        Ok(bytes)
    }

    /// Handles an event of the run. Returns whether it was taken.
    ///
    /// # Errors
    /// As [`Handler::handle`].
    fn handle_run(&self, _event: RunEvent, _out: &mut Vec<Command>) -> Result<bool, HandlerError> {
        Ok(false)
    }

    /// What it says of a run in which nothing is left to do; asked once, unless it has said something before.
    fn conclude(&self) -> Option<Verdict> {
        None
    }

    /// When [`Handler::handle_timeout`] has something to do.
    fn deadline(&self) -> Option<Instant> {
        None
    }

    /// Calls one timer that is due. `None`: none is.
    fn handle_timeout(&self, _now: Instant, _out: &mut Vec<Command>) -> Option<TimerCall> {
        None
    }
}

/// A timer of a handler that was called.
#[derive(Debug)]
pub struct TimerCall {
    /// The connection it belongs to.
    pub conn: Option<ConnId>,
    /// How the call ended.
    pub result: Result<(), HandlerError>,
}
