//! `NcVoice`: the observer that says on stderr what OpenBSD's nc says, in its words: scripts look for them.
//!
//! Owns the sentences. Exit codes are for `cli`; what is not nc's is not said.

use std::fmt;

use crate::codec::escape::show_line;
use crate::config::{Config, Role};
use crate::endpoint::{Address, Endpoint};
use crate::error::{Error, sentence};
use crate::output::proxied::Proxied;
use crate::output::{Moment, Notice, Observer, Taps};
use crate::session::{ConnView, Side};
use crate::sys::{hosts, services};

/// Says what nc says.
pub struct NcVoice {
    is_verbose: bool,
    /// `-n`: no names for addresses and ports.
    is_numeric: bool,
    /// Where it connects to or listens.
    place: Option<Endpoint>,
    listens: bool,
    /// The host of the first proxy, and its port.
    proxy: Option<(String, u16)>,
    proxied: Option<Proxied>,
    /// `-z`.
    is_probe: bool,
    /// The connection was made.
    stands: bool,
    /// An attempt to connect has failed, and was told if somebody wants to know.
    has_failed_attempt: bool,
    write: Box<dyn FnMut(&str)>,
}

impl NcVoice {
    /// For this run; `write` takes whole lines.
    pub fn new(config: &Config, write: Box<dyn FnMut(&str)>) -> Self {
        let (place, listens) = match &config.role {
            Role::Connect(connect) => (Some(connect.target.clone()), false),
            Role::Listen(listen) => (Some(listen.address.clone()), true),
            Role::Run | Role::Scan(_) => (None, false),
        };
        let (is_verbose, is_numeric) = (config.output.verbose > 0, config.no_dns);
        let is_probe = matches!(&config.role, Role::Connect(connect) if connect.probe);
        let proxy = first_proxy(config);
        Self {
            is_verbose,
            is_numeric,
            place,
            listens,
            proxy,
            proxied: Proxied::of(config),
            is_probe,
            stands: false,
            has_failed_attempt: false,
            write,
        }
    }

    /// Says an error.
    pub fn tell(&mut self, error: &Error) {
        let words = self.trouble(error);
        (self.write)(&words);
    }

    /// The lines for a notice; empty for none.
    fn words(&mut self, notice: &Notice<'_>) -> String {
        match *notice {
            Notice::Listening { address, listener: None } if self.is_verbose => self.listening(address),
            Notice::Opened { conn, .. } => {
                self.stands = true;
                // Whether somebody takes datagrams shows when none was refused.
                let is_told = self.is_verbose && !(self.is_probe && conn.info.is_datagram());
                if is_told { self.opened(conn) } else { String::new() }
            }
            Notice::Closed { conn, reason } => {
                let is_told = self.is_verbose && self.is_probe && conn.info.is_datagram() && !reason.is_fault();
                if is_told { self.opened(conn) } else { String::new() }
            }
            Notice::AttemptFailed { address, cause, .. } => {
                self.has_failed_attempt = true;
                self.attempt_failed(address, cause)
            }
            Notice::Error { error, handled: false, .. } => self.trouble(error),
            Notice::Log { text, .. } => line(text),
            Notice::ScriptWarning { text } => text.lines().map(line).collect(),
            _ => String::new(),
        }
    }

    fn listening(&self, address: &Address) -> String {
        if let Some(ip) = address.ip() {
            let word = if address.is_datagram() { "Bound" } else { "Listening" };
            return line(&format!("{word} on {} {}", self.name(address), ip.port()));
        }
        let path = path(address);
        let listens = if address.is_datagram() { String::new() } else { line(&format!("Listening on {path}")) };
        line(&format!("Bound on {path}")) + listens.as_str()
    }

    fn opened(&self, conn: &ConnView) -> String {
        let peer = conn.info.peer();
        match (conn.info.side(), peer.ip()) {
            (Side::Client, Some(ip)) => {
                let protocol = protocol(&peer);
                let service = if self.is_numeric { None } else { services::name_of(ip.port(), protocol) };
                let service = service.as_deref().unwrap_or("*");
                let host = self.host_of(&peer);
                line(&format!("Connection to {host} {} port [{protocol}/{service}] succeeded!", ip.port()))
            }
            (Side::Client, None) if self.proxied.is_some() => {
                let (host, port) =
                    self.place.as_ref().and_then(|place| place.host().zip(place.port())).unwrap_or_default();
                let service = if self.is_numeric { None } else { services::name_of(port, "tcp") };
                let service = service.as_deref().unwrap_or("*");
                line(&format!("Connection to {host} {port} port [tcp/{service}] succeeded!"))
            }
            (Side::Server, Some(ip)) => line(&format!("Connection received on {} {}", self.name(&peer), ip.port())),
            (Side::Client, None) if conn.info.is_datagram() => {
                let own = path(&conn.info.local());
                if own.starts_with('/') { line(&format!("Bound on {own}")) } else { String::new() }
            }
            (Side::Server, None) => line(&format!("Connection received on {}", path(&conn.info.local()))),
            _ => String::new(),
        }
    }

    fn attempt_failed(&self, address: &Address, cause: &str) -> String {
        // Without what an option of tcpx could do about it.
        let cause = of_system(cause.split(';').next().unwrap_or(cause));
        match address.ip() {
            None => line(&format!("nc: {}: {cause}", path(address))),
            Some(ip) if self.is_verbose => {
                let host = self.host_of(address);
                line(&format!("nc: connect to {host} port {} ({}) failed: {cause}", ip.port(), protocol(address)))
            }
            Some(_) => String::new(),
        }
    }

    fn trouble(&self, error: &Error) -> String {
        let host = self.place.as_ref().and_then(Endpoint::host).unwrap_or_default();
        let port = self.place.as_ref().and_then(Endpoint::port).unwrap_or_default();
        match error {
            Error::Timeout { .. } if !self.stands && !self.listens && self.is_verbose => {
                line(&format!("nc: connect to {host} port {port} (tcp) timed out: Operation now in progress"))
            }
            // Each attempt to connect was told.
            Error::Connect { .. } | Error::Timeout { .. } | Error::Broken { .. } | Error::CutShort { .. } => {
                String::new()
            }
            // A proxy that is not there is like any other; what one says is told.
            Error::Proxy { message } => self.proxy_trouble(message),
            Error::Resolve { cause, .. } if self.listens => line(&format!("nc: getaddrinfo: {}", of_system(cause))),
            Error::Resolve { cause, .. } => {
                line(&format!("nc: getaddrinfo for host \"{host}\" port {port}: {}", of_system(cause)))
            }
            Error::Bind { cause, .. } if self.listens => line(&format!("nc: {}", of_system(cause))),
            Error::Bind { address, cause, .. } => {
                let what = address.strip_prefix("unix:").unwrap_or("bind failed");
                line(&format!("nc: {what}: {}", of_system(cause)))
            }
            other => {
                let text = with_options(&other.to_string(), OPTIONS);
                text.lines().map(|text| line(&format!("nc: {text}"))).collect()
            }
        }
    }

    fn proxy_trouble(&self, message: &str) -> String {
        if let Some(words) = self.proxied.as_ref().and_then(Proxied::to_nc) {
            return line(&format!("nc: {words}"));
        }
        if self.has_failed_attempt {
            return String::new();
        }
        match unresolved_proxy(self.proxy.as_ref(), message) {
            Some((host, port, cause)) => line(&format!("nc: getaddrinfo for host \"{host}\" port {port}: {cause}")),
            None => line(&format!("nc: {message}")),
        }
    }

    /// The host as it was given, with its address behind it if that is something else.
    fn host_of(&self, address: &Address) -> String {
        let found = address.host();
        match self.place.as_ref().and_then(Endpoint::host) {
            Some(given) if given.split('%').next() != Some(found.as_str()) => format!("{given} ({found})"),
            _ => found,
        }
    }

    /// What an address is called here.
    fn name(&self, address: &Address) -> String {
        let known = address.ip().filter(|_| !self.is_numeric).and_then(|ip| hosts::name_of(ip.ip()));
        known.unwrap_or_else(|| address.host())
    }
}

impl Observer for NcVoice {
    fn wants(&self) -> Taps {
        Taps::None
    }

    fn notice(&mut self, _at: Moment<'_>, notice: &Notice<'_>) {
        let words = self.words(notice);
        if !words.is_empty() {
            (self.write)(&words);
        }
    }
}

impl fmt::Debug for NcVoice {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("NcVoice").field("place", &self.place).finish_non_exhaustive()
    }
}

/// A line from outside, safe for a terminal.
pub(super) fn line(text: &str) -> String {
    format!("{}\n", show_line(text))
}

/// A cause in the words of the system, also where tcpx knows more than that.
pub(super) fn of_system(cause: &str) -> String {
    match cause {
        "it has no IPv4 address" | "it has no IPv6 address" => "Name or service not known".to_owned(),
        "it is a directory" | "the file exists and is not a socket" => "Address already in use".to_owned(),
        "it is not a datagram socket" => "Protocol wrong type for socket".to_owned(),
        _ if cause.ends_with("are the most for a Unix socket") => "File name too long".to_owned(),
        _ => sentence(cause),
    }
}

/// Options of tcpx, and those of another tool that mean the same.
pub type Options = &'static [(&'static str, &'static str)];

/// Options of tcpx that its messages name, and what they are there.
pub const OPTIONS: Options = &[
    ("--exec", "-e"),
    ("--sh", "-c"),
    ("--proxy", "-x"),
    ("--source", "-s"),
    ("--line-delay", "-i"),
    ("--connect-timeout", "-w"),
    ("--idle-timeout", "-w"),
    ("--eof-wait", "-q"),
    ("--tos", "-T"),
    ("--ttl", "-M"),
];

/// A message with the options of another tool in place of those of tcpx.
pub fn with_options(text: &str, options: Options) -> String {
    let renamed = |word| options.iter().find(|(ours, _)| *ours == word).map_or(word, |(_, theirs)| *theirs);
    text.split(' ').map(renamed).collect::<Vec<_>>().join(" ")
}

/// The host and port of the proxy that is connected to.
pub(super) fn first_proxy(config: &Config) -> Option<(String, u16)> {
    let place = &config.proxies.first()?.place;
    Some((place.host()?.to_owned(), place.port()?))
}

/// The host and port of a proxy that has no address, and why, if that is what a message says.
pub(super) fn unresolved_proxy<'a>(proxy: Option<&'a (String, u16)>, message: &str) -> Option<(&'a str, u16, String)> {
    let (host, port) = proxy?;
    let (_, cause) = message.split_once(&format!(": resolve {host}: "))?;
    Some((host, *port, of_system(cause)))
}

/// The name of a Unix socket without its scheme.
pub(super) fn path(address: &Address) -> String {
    let shown = address.to_string();
    shown.split_once(':').map_or(shown.clone(), |(_, name)| name.to_owned())
}

fn protocol(address: &Address) -> &'static str {
    if address.is_datagram() { "udp" } else { "tcp" }
}
