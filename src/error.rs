//! `Error`: every error of a run as a closed enum, with operation, address, cause and exit code.
//!
//! Owns the wording of messages (lower case, one line, no full stop). Does not print them: the process and
//! the console do, with the `tcpx: ` in front.

use std::io;
use std::time::Duration;

use crate::config::show_duration;
use crate::exit::Exit;

/// A result whose error is a tcpx [`Error`].
pub type Result<T> = std::result::Result<T, Error>;

/// An error with a message and an exit code.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Error {
    /// An invalid command line; `hint` says what to type.
    #[error("{message}")]
    Usage {
        /// What is wrong.
        message: String,
        /// What to type instead.
        hint: Option<String>,
    },
    /// A host name has no address (of the wanted family).
    #[error("resolve {host}: {cause}")]
    Resolve {
        /// The name as it was given.
        host: String,
        /// What the resolver said.
        cause: String,
    },
    /// No address of the target accepted a connection.
    #[error("connect to {target}: {cause}")]
    Connect {
        /// `host:port` as given.
        target: String,
        /// One cause, or one for each address.
        cause: String,
    },
    /// A time limit passed; `what` names the limit and what was waited for.
    #[error("{what}")]
    Timeout {
        /// The whole sentence, e.g. `connect to 10.0.0.1:9: timed out after 2s`.
        what: String,
    },
    /// An established connection broke.
    #[error("{operation} {peer}: {cause}")]
    Broken {
        /// `read from`, `write to`.
        operation: &'static str,
        /// The peer's address.
        peer: String,
        /// The system's reason.
        cause: String,
    },
    /// A local address cannot be bound.
    #[error("{operation} {address}: {cause}")]
    Bind {
        /// `listen on` or `bind to`.
        operation: &'static str,
        /// `host:port` as asked for.
        address: String,
        /// The system's reason.
        cause: String,
    },
    /// stdout or a file cannot be written.
    #[error("write {target}: {cause}")]
    Write {
        /// `stdout` or a path.
        target: String,
        /// The system's reason.
        cause: String,
    },
    /// stdin or a file cannot be read.
    #[error("read {source_name}: {cause}")]
    Read {
        /// `stdin` or a path.
        source_name: String,
        /// The system's reason.
        cause: String,
    },
    /// A script does not load. The message may have several lines: position, source line, caret, hint.
    #[error("{message}")]
    ScriptLoad {
        /// The rendered message.
        message: String,
    },
    /// A script failed while running, already reported where it happened.
    #[error("{message}")]
    ScriptRun {
        /// The rendered message.
        message: String,
    },
    /// Malformed text, or a character the encoding cannot represent.
    #[error("{message}")]
    Text {
        /// Which character or bytes, where, in which encoding.
        message: String,
    },
    /// The answer of the run is no.
    #[error("{message}")]
    Verdict {
        /// What was found, or not found.
        message: String,
    },
    /// A system call that tcpx cannot run without failed.
    #[error("{operation}: {cause}")]
    System {
        /// What was attempted, e.g. `start the event loop`.
        operation: &'static str,
        /// The system's reason.
        cause: String,
    },
}

impl Error {
    /// A usage error without a hint.
    pub fn usage(message: impl Into<String>) -> Self {
        Self::Usage { message: message.into(), hint: None }
    }

    /// A usage error that says what to type.
    pub fn usage_hint(message: impl Into<String>, hint: impl Into<String>) -> Self {
        Self::Usage { message: message.into(), hint: Some(hint.into()) }
    }

    /// The time limit of the run has passed.
    pub fn run_over(limit: Duration) -> Self {
        Self::Timeout { what: format!("timed out after {} (--timeout)", show_duration(limit)) }
    }

    /// The exit code this error ends the run with.
    pub fn exit(&self) -> Exit {
        match self {
            Self::Usage { .. } => Exit::Usage,
            Self::Resolve { .. } => Exit::Resolve,
            Self::Connect { .. } => Exit::NoConnection,
            Self::Timeout { .. } => Exit::Timeout,
            Self::Broken { .. } => Exit::Broken,
            Self::Bind { .. } => Exit::Bind,
            Self::Write { .. } => Exit::Write,
            Self::Read { .. } => Exit::Read,
            Self::ScriptLoad { .. } => Exit::ScriptLoad,
            Self::ScriptRun { .. } => Exit::ScriptRun,
            Self::Text { .. } => Exit::Text,
            Self::Verdict { .. } => Exit::Verdict,
            Self::System { .. } => Exit::Bug,
        }
    }

    /// The hint to print below the message, if there is one.
    pub fn hint(&self) -> Option<&str> {
        match self {
            Self::Usage { hint, .. } => hint.as_deref(),
            _ => None,
        }
    }
}

/// The system's reason in lower case, without `(os error N)`.
pub fn cause(error: &io::Error) -> String {
    let text = match error.kind() {
        io::ErrorKind::ConnectionRefused => "connection refused".to_owned(),
        io::ErrorKind::ConnectionReset => "connection reset by peer".to_owned(),
        io::ErrorKind::BrokenPipe => "broken pipe".to_owned(),
        io::ErrorKind::TimedOut => "connection timed out".to_owned(),
        _ => error.to_string(),
    };
    let text = match text.find(" (os error") {
        Some(at) => &text[..at],
        None => &text,
    };
    lower_first(text)
}

/// Lower-cases the first letter of a sentence, unless it starts with an acronym.
pub fn lower_first(text: &str) -> String {
    let mut chars = text.chars();
    match chars.next() {
        Some(first) if !chars.clone().next().is_some_and(char::is_uppercase) => {
            first.to_lowercase().chain(chars).collect()
        }
        _ => text.to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn causes_are_lower_case_without_error_numbers() {
        assert_eq!(cause(&io::Error::from_raw_os_error(libc::ECONNREFUSED)), "connection refused");
        assert_eq!(cause(&io::Error::from_raw_os_error(libc::EADDRINUSE)), "address already in use");
        assert_eq!(cause(&io::Error::other("DNS went away")), "DNS went away");
    }

    #[test]
    fn a_message_says_operation_address_and_cause() {
        let error = Error::Connect { target: "127.0.0.1:9".into(), cause: "connection refused".into() };
        assert_eq!(error.to_string(), "connect to 127.0.0.1:9: connection refused");
        assert_eq!(error.exit().code(), 7);
    }
}
