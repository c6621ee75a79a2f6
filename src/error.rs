//! `Error`: every error of a run as a closed enum, with operation, address, cause and exit code.
//!
//! Owns the wording of messages (lower case, one line, no full stop). Does not print them: the process and
//! the console do, with the `tcpx: ` in front.

use std::borrow::Cow;
use std::io;
use std::net::{Ipv6Addr, SocketAddr};

use crate::exit::Exit;
use crate::sys;

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
    /// A proxy on the way to the target cannot be reached, refused or failed.
    #[error("{message}")]
    Proxy {
        /// The target, which proxy, and what it said.
        message: String,
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
    /// The two sides could not agree on TLS.
    #[error("TLS handshake with {peer}: {cause}")]
    Handshake {
        /// The peer's address.
        peer: String,
        /// What went wrong.
        cause: String,
    },
    /// The peer's certificate is no reason to trust it.
    #[error("TLS handshake with {peer}: {cause}")]
    Untrusted {
        /// The peer's address.
        peer: String,
        /// What is wrong with the certificate.
        cause: String,
    },
    /// Our own certificate or key cannot be used.
    #[error("{message}")]
    Certificate {
        /// Which one, and why.
        message: String,
        /// What to do.
        hint: Option<&'static str>,
    },
    /// There are no certificates to trust.
    #[error("{message}")]
    NoRoots {
        /// Where none were found.
        message: String,
    },
    /// A local address cannot be bound.
    #[error("{operation} {address}: {cause}")]
    Bind {
        /// `listen on` or `bind to`.
        operation: &'static str,
        /// `host:port` as asked for.
        address: String,
        /// The address that the system refused, where that says more.
        place: Option<SocketAddr>,
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
    /// The file of defaults cannot be read.
    #[error("read {source_name}: {cause}")]
    ReadSettings {
        /// Its path.
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
    /// A task of a script that is the whole run, or the connection that is, ended by an error that it did not catch.
    #[error("{message}")]
    Task {
        /// The whole message.
        message: String,
        /// What it means for the run.
        exit: Exit,
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
    /// The peer ended before what was to come had come.
    #[error("{message}")]
    CutShort {
        /// What is missing.
        message: String,
    },
    /// The program of a connection cannot be started.
    #[error("start {name}: {cause}")]
    Program {
        /// The program, as the user wrote it.
        name: String,
        /// The system's reason.
        cause: String,
        /// There is no such file.
        is_missing: bool,
    },
    /// The program of a connection has failed, and its exit status is that of the run.
    #[error("{name}: {status}")]
    ProgramStatus {
        /// The program, as the user wrote it.
        name: String,
        /// How it has ended, as the system tells it.
        status: String,
        /// The exit status as a shell sees it.
        code: u8,
    },
    /// Descriptors, memory or threads ran out at the start.
    #[error("out of {what}")]
    Shortage {
        /// What ran out, with its limit.
        what: String,
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

    /// The error for an own certificate or key that cannot be used.
    pub fn certificate(message: impl Into<String>, hint: Option<&'static str>) -> Self {
        Self::Certificate { message: message.into(), hint }
    }

    /// The error for certificates to trust of which there are none.
    pub fn no_roots(message: impl Into<String>) -> Self {
        Self::NoRoots { message: message.into() }
    }

    /// The error of a program that cannot be started; `name` is what the user wrote.
    pub fn program(name: &str, error: &io::Error) -> Self {
        let is_missing = error.kind() == io::ErrorKind::NotFound;
        Self::Program { name: name.to_owned(), cause: cause(error), is_missing }
    }

    /// The error of an operation without which there is no run.
    pub fn system(operation: &'static str, error: &io::Error) -> Self {
        if error.raw_os_error() == Some(libc::ENOSPC) {
            return Self::Shortage { what: "epoll watches (fs.epoll.max_user_watches)".to_owned() };
        }
        Self::shortage(error).unwrap_or_else(|| Self::System { operation, cause: cause(error) })
    }

    /// The error if descriptors or memory have run out.
    pub fn shortage(error: &io::Error) -> Option<Self> {
        let what = match error.raw_os_error()? {
            libc::EMFILE => match sys::machine::descriptors() {
                Some(limit) => format!("descriptors (limit {limit})"),
                None => "descriptors".to_owned(),
            },
            libc::ENFILE => "descriptors (all that the system has)".to_owned(),
            libc::ENOMEM | libc::ENOBUFS => "memory".to_owned(),
            _ => return None,
        };
        Some(Self::Shortage { what })
    }

    /// The error of a name without an address. The system's resolver does not say that it had no descriptor left.
    pub fn unresolved(host: String, cause: String) -> Self {
        Self::Resolve { host, cause }.or_shortage()
    }

    /// This error, or the shortage of descriptors behind it.
    #[must_use]
    pub fn or_shortage(self) -> Self {
        sys::unix::has_descriptors().err().and_then(|error| Self::shortage(&error)).unwrap_or(self)
    }

    /// The exit code this error ends the run with.
    pub fn exit(&self) -> Exit {
        match self {
            Self::Usage { .. } => Exit::Usage,
            Self::Resolve { .. } => Exit::Resolve,
            Self::Connect { .. } => Exit::NoConnection,
            Self::Proxy { .. } => Exit::Proxy,
            Self::Timeout { .. } => Exit::Timeout,
            Self::Broken { .. } => Exit::Broken,
            Self::Handshake { .. } => Exit::Handshake,
            Self::Untrusted { .. } => Exit::Untrusted,
            Self::Certificate { .. } => Exit::Certificate,
            Self::NoRoots { .. } => Exit::NoRoots,
            Self::Bind { .. } => Exit::Bind,
            Self::Write { .. } => Exit::Write,
            Self::Read { .. } | Self::ReadSettings { .. } => Exit::Read,
            Self::ScriptLoad { .. } => Exit::ScriptLoad,
            Self::Task { exit, .. } => *exit,
            Self::ScriptRun { .. } => Exit::ScriptRun,
            Self::Text { .. } => Exit::Text,
            Self::Verdict { .. } => Exit::Verdict,
            Self::CutShort { .. } => Exit::CutShort,
            Self::Program { is_missing: true, .. } => Exit::NotFound,
            Self::Program { is_missing: false, .. } => Exit::NotExecutable,
            Self::ProgramStatus { code, .. } => Exit::Script(*code),
            Self::Shortage { .. } => Exit::Shortage,
            Self::System { .. } => Exit::Bug,
        }
    }

    /// The hint to print below the message, if there is one.
    pub fn hint(&self) -> Option<Cow<'_, str>> {
        match self {
            Self::Usage { hint, .. } => hint.as_deref().map(Cow::Borrowed),
            Self::Resolve { host, .. } => zone_hint(host).map(Cow::Owned),
            Self::Connect { target, .. } => zone_hint(target).map(Cow::Owned),
            Self::Bind { operation, address, cause, .. } => bind_hint(operation, address, cause),
            Self::Certificate { hint, .. } => hint.map(Cow::Borrowed),
            Self::ReadSettings { .. } => Some(Cow::Borrowed("--no-config reads no file")),
            Self::NoRoots { message } if message.starts_with("--tls-client-ca") => Some(CLIENT_CA.into()),
            Self::NoRoots { .. } => {
                Some("--tls-ca FILE names certificates to trust, --tls-pin SHA256 a single one".into())
            }
            Self::Untrusted { cause, .. } => untrusted_hint(cause).map(Cow::Borrowed),
            Self::Handshake { cause, .. } => handshake_hint(cause).map(Cow::Borrowed),
            _ => None,
        }
    }

    /// The message for a script, which sees no hints: with the zones that a link-local address may have.
    pub fn for_script(&self) -> String {
        let (Self::Resolve { host: address, .. } | Self::Connect { target: address, .. } | Self::Bind { address, .. }) =
            self
        else {
            return self.to_string();
        };
        zone_hint(address).map_or_else(|| self.to_string(), |hint| format!("{self} ({hint})"))
    }
}

const CLIENT_CA: &str = "--tls-client-ca FILE names those who sign the certificates of clients";

/// What to do about a certificate that is not trusted.
fn untrusted_hint(cause: &str) -> Option<&'static str> {
    match cause {
        _ if cause.contains("pinned") => None,
        _ if cause.contains("whom --tls-client-ca names") => Some(CLIENT_CA),
        _ if cause.contains("the client's certificate") => None,
        _ if cause.contains("names no host") => Some("--tls-pin SHA256 trusts this certificate whatever its names"),
        _ if cause.contains("not for ") => {
            Some("--tls-name NAME checks for another name; --tls-pin SHA256 trusts this certificate whatever its names")
        }
        _ if cause.contains("expired") || cause.contains("not valid before") => {
            Some("--tls-pin SHA256 trusts this certificate whatever its dates")
        }
        _ => Some("--tls-ca FILE trusts its issuer, --tls-pin SHA256 this certificate alone, --tls-insecure everybody"),
    }
}

/// What to do about a peer with which TLS cannot be spoken.
fn handshake_hint(cause: &str) -> Option<&'static str> {
    if cause.contains("does not speak TLS") {
        return Some("for a peer that speaks in the clear, leave out --tls");
    }
    cause.contains("older versions").then_some("openssl s_client -tls1_1 -connect HOST:PORT speaks older versions")
}

/// What to do about an address that cannot be bound.
fn bind_hint(operation: &str, address: &str, cause: &str) -> Option<Cow<'static, str>> {
    if let Some(hint) = zone_hint(address) {
        return Some(hint.into());
    }
    let is_source = operation == "bind to";
    let port = address.rsplit_once(':').map_or("", |(_, port)| port);
    let hint = match cause {
        "address already in use" if address.starts_with("unix:") => {
            "another program listens there: ss -lxp shows which; choose another name".into()
        }
        "address already in use" if is_source => {
            "leave the port of --source out, or choose another: any free one is taken then".into()
        }
        "address already in use" => format!(
            "ss -ltnp 'sport = :{port}' shows which program listens there; choose another port, or port 0 for any free one"
        )
        .into(),
        "permission denied" if !address.starts_with("unix:") && port.parse::<u16>().is_ok_and(|port| port < 1024) => {
            "ports below 1024 are for root: choose one above".into()
        }
        "cannot assign requested address" => "it is no address of this machine; ip addr shows those there are".into(),
        _ => return None,
    };
    Some(hint)
}

/// For a link-local IPv6 address without a zone, or with an unknown one: the zones there are. The address may have a port,
/// and brackets then.
fn zone_hint(address: &str) -> Option<String> {
    let address = address.strip_prefix('[').and_then(|rest| rest.split_once(']')).map_or(address, |(inner, _)| inner);
    let (bare, zone) = address.split_once('%').map_or((address, None), |(bare, zone)| (bare, Some(zone)));
    let number: Ipv6Addr = bare.parse().ok()?;
    if !number.is_unicast_link_local() && zone.is_none() {
        return None;
    }
    let zones = sys::unix::interfaces();
    let is_known = |zone: &str| zones.iter().any(|known| known == zone) || zone.parse::<u32>().is_ok();
    let what = match zone {
        Some(zone) if is_known(zone) => return None,
        Some(zone) => format!("there is no zone {zone:?}"),
        None => "a link-local address needs a zone".to_owned(),
    };
    let Some(example) = zones.iter().find(|name| !name.starts_with("lo")).or(zones.first()) else { return Some(what) };
    Some(format!("{what}: write {bare}%ZONE, as in {bare}%{example}; there are {}", zones.join(", ")))
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

/// A cause as strerror(3) writes it, with a capital letter.
pub fn sentence(cause: &str) -> String {
    let mut letters = cause.chars();
    letters.next().map_or_else(String::new, |first| first.to_uppercase().chain(letters).collect())
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
    fn an_address_in_use_has_a_hint() {
        let hint = |operation, address: &str, cause: &str| {
            let error = Error::Bind { operation, address: address.into(), place: None, cause: cause.into() };
            error.hint().map(Cow::into_owned).unwrap_or_default()
        };
        let used = "address already in use";
        assert!(hint("listen on", "127.0.0.1:80", used).contains("ss -ltnp 'sport = :80'"));
        assert!(hint("listen on", ":8080", used).contains("port 0"));
        assert!(hint("listen on", "unix:/run/x", used).contains("ss -lxp"));
        assert!(hint("bind to", "127.0.0.1:80", used).contains("--source"));
        assert!(hint("listen on", "[::1]:80", "permission denied").contains("1024"));
        assert_eq!(hint("listen on", "[::1]:8080", "permission denied"), "");
        assert_eq!(hint("listen on", "[::1]:8080", "too many open files"), "");
    }

    #[test]
    fn a_link_local_address_needs_a_known_zone() {
        let zone = sys::unix::interfaces().remove(0);
        for (address, wanted) in [
            ("fe80::1", "a link-local address needs a zone: write fe80::1%ZONE"),
            ("[fe80::1]:80", "a link-local address needs a zone: write fe80::1%ZONE"),
            ("fe80::1%no such", "there is no zone \"no such\""),
            ("[fe80::1%nope]:80", "there is no zone \"nope\""),
            ("2001:db8::1%nope", "there is no zone \"nope\""),
        ] {
            let hint = zone_hint(address).unwrap();
            assert!(hint.starts_with(wanted) && hint.contains(&zone), "{address}: {hint}");
        }
        for address in ["::1", "[::1]:80", "example.org:80", &format!("fe80::1%{zone}"), "fe80::1%1", "127.0.0.1", ""] {
            assert_eq!(zone_hint(address), None, "{address}");
        }
    }

    #[test]
    fn a_message_says_operation_address_and_cause() {
        let error = Error::Connect { target: "127.0.0.1:9".into(), cause: "connection refused".into() };
        assert_eq!(error.to_string(), "connect to 127.0.0.1:9: connection refused");
        assert_eq!(error.exit().code(), 7);
    }
}
