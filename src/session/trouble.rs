//! `ConnError` and `CloseReason`: what can go wrong with a connection, and why it is over.
//!
//! Owns the words scripts and logs use for them, and what such an error is to the run.

use crate::error::Error;

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
            (ErrorKind::Tls, _) => Error::Handshake { peer, cause },
            (ErrorKind::Untrusted, _) => Error::Untrusted { peer, cause },
            (ErrorKind::NoRoots, _) => Error::NoRoots { message: format!("{peer}: {cause}") },
            (ErrorKind::Truncated, _) => Error::CutShort { message: format!("read from {peer}: {cause}") },
            (ErrorKind::Refused, Operation::Connect) => Error::Connect { target: peer, cause },
            // Connecting tells the target itself.
            (ErrorKind::Proxy, _) => Error::Proxy { message: cause },
            (ErrorKind::Timeout, Operation::Connect) => Error::Timeout { what: cause },
            (ErrorKind::Memory, _) => Error::Broken { operation: "drop", peer, cause },
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
    /// Holding bytes for the peer, or of it.
    Hold,
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
            Self::Hold => "hold",
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
    /// All connections together hold too much, and this one most.
    Memory,
    /// The two sides could not agree on TLS.
    Tls,
    /// The peer's certificate is no reason to trust it.
    Untrusted,
    /// There are no certificates to trust.
    NoRoots,
    /// The peer ended its stream before its protocol had.
    Truncated,
    /// A proxy on the way refused or failed.
    Proxy,
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
            Self::Memory => "memory",
            Self::Tls => "tls",
            Self::Untrusted => "certificate",
            Self::NoRoots => "roots",
            Self::Truncated => "truncated",
            Self::Proxy => "proxy",
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
    /// Whether it broke, or one side has failed: what was received may be only a part.
    pub fn is_fault(self) -> bool {
        match self {
            Self::Reset | Self::Timeout | Self::Error => true,
            Self::Eof | Self::Closed | Self::Stop => false,
        }
    }

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
