//! `NcatVoice`: the observer that says on stderr what Ncat says, in its words: scripts look for them.
//!
//! Owns the sentences. Exit codes are for `cli`; what is not Ncat's is not said.

use std::fmt;
use std::net::SocketAddr;
use std::time::{Duration, Instant};

use super::nc::{Options, first_proxy, line, of_system, path, unresolved_proxy, with_options};
use crate::config::{Config, Family, Role};
use crate::endpoint::Address;
use crate::error::{Error, sentence};
use crate::output::proxied::Proxied;
use crate::output::{Moment, Notice, Observer, Taps};
use crate::session::{CloseReason, ConnView, Side};

/// Says what Ncat says.
pub struct NcatVoice {
    is_verbose: bool,
    /// `--test`.
    marks_listening: bool,
    /// It only looks whether there is somebody, and its exit code is the answer.
    is_probe: bool,
    listens: bool,
    family: Family,
    /// The host of the first proxy, and its port.
    proxy: Option<(String, u16)>,
    proxied: Option<Proxied>,
    /// The address that was tried last.
    tried: Option<SocketAddr>,
    /// Nothing is told of connections.
    is_mute: bool,
    /// A program moves what is sent and received.
    has_program: bool,
    /// `--send-only`: what is received does not count.
    sends_only: bool,
    idle: Option<Duration>,
    stands: bool,
    /// The last failed attempt: where, and why.
    failed: Option<(String, String)>,
    write: Box<dyn FnMut(&str)>,
}

impl NcatVoice {
    /// For this run; `write` takes whole lines.
    pub fn new(config: &Config, write: Box<dyn FnMut(&str)>) -> Self {
        Self {
            is_verbose: config.output.verbose > 0,
            marks_listening: config.output.marks_listening,
            is_probe: config.output.quiet,
            listens: matches!(config.role, Role::Listen(_)),
            family: config.family,
            proxy: first_proxy(config),
            proxied: Proxied::of(config),
            tried: None,
            is_mute: config.output.tells_listeners_alone,
            has_program: config.exec.is_some(),
            sends_only: config.input.discard_received,
            idle: config.limits.idle,
            stands: false,
            failed: None,
            write,
        }
    }

    /// Says an error.
    pub fn tell(&mut self, error: &Error) {
        let words = self.trouble(error);
        (self.write)(&words);
    }

    /// The lines for a notice; empty for none.
    fn words(&mut self, now: Instant, notice: &Notice<'_>) -> String {
        match *notice {
            Notice::Listening { address, listener: None } => self.listening(address),
            Notice::Opened { .. } | Notice::Closed { .. } | Notice::Refused { .. } | Notice::Dialing { .. }
                if self.is_mute =>
            {
                String::new()
            }
            Notice::Dialing { address, .. } if self.is_verbose => {
                self.tried = address.ip();
                self.failed.take().map_or_else(String::new, |(place, cause)| {
                    line(&format!("Ncat: Connection to {place} failed: {cause}.")) + "Ncat: Trying next address...\n"
                })
            }
            Notice::AttemptFailed { address, cause, .. } => {
                self.failed = Some((address.host(), of_system(cause)));
                String::new()
            }
            Notice::Opened { conn, .. } => {
                self.stands = true;
                match self.proxied {
                    Some(_) => self.story(),
                    None if self.is_verbose => opened(conn),
                    None => String::new(),
                }
            }
            Notice::Refused { peer, limit, .. } if self.is_verbose => {
                let place = peer.ip().map_or_else(String::new, from);
                let why = limit.map(|limit| format!("connection limit reached ({limit})"));
                place
                    + line(&format!("Ncat: New connection denied: {}", why.as_deref().unwrap_or("not allowed")))
                        .as_str()
            }
            Notice::Closed { conn, reason } if self.is_verbose => {
                let asked = self.is_probe && conn.info.is_datagram() && !reason.is_fault();
                let sent = if asked { "Ncat: UDP packet sent successfully\n" } else { "" };
                let sum = if self.has_program { String::new() } else { closed(now, conn, reason, self.sends_only) };
                sent.to_owned() + sum.as_str()
            }
            Notice::Error { error, handled: false, .. } => self.trouble(error),
            Notice::Log { text, .. } if self.is_verbose => line(&format!("Ncat: {text}")),
            Notice::ScriptWarning { text } => text.lines().map(line).collect(),
            _ => String::new(),
        }
    }

    fn listening(&self, address: &Address) -> String {
        let mut places = match address.ip() {
            Some(ip) => vec![shown(ip)],
            None => vec![path(address)],
        };
        // One socket here takes both families, and there are two of them there.
        if let Some(SocketAddr::V6(ip)) = address.ip()
            && ip.ip().is_unspecified()
            && self.family == Family::Any
        {
            places.push(format!("0.0.0.0:{}", ip.port()));
        }
        let said = |place: &String| {
            let mark = if self.marks_listening { "NCAT TEST: LISTEN\n" } else { "" };
            let words = if self.is_verbose { line(&format!("Ncat: Listening on {place}")) } else { String::new() };
            words + mark
        };
        places.iter().map(said).collect()
    }

    /// What `-v` says of the talk with a proxy.
    fn story(&self) -> String {
        let place = self.tried.map(shown);
        let story = self.proxied.as_ref().filter(|_| self.is_verbose).map(|proxied| proxied.story(place.as_deref()));
        story.unwrap_or_default().iter().map(|words| line(&format!("Ncat: {words}"))).collect()
    }

    fn trouble(&mut self, error: &Error) -> String {
        match error {
            Error::Connect { .. } | Error::Timeout { .. } if self.is_probe && !self.is_verbose => String::new(),
            Error::Connect { cause, .. } => {
                let cause = self.failed.take().map_or_else(|| sentence(cause), |(_, cause)| cause);
                line(&format!("Ncat: {cause}."))
            }
            Error::Timeout { .. } if !self.stands && !self.listens => line("Ncat: TIMEOUT."),
            Error::Timeout { .. } => {
                let limit = self.idle.unwrap_or_default().as_millis();
                line(&format!("Ncat: Idle timeout expired ({limit} ms).{}", if self.listens { QUITTING } else { "" }))
            }
            // Ncat takes any end for the end.
            Error::CutShort { .. } => String::new(),
            Error::Proxy { message } => {
                if let Some((host, _, cause)) = unresolved_proxy(self.proxy.as_ref(), message) {
                    return line(&format!("Ncat: Could not resolve proxy \"{host}\": {cause}."));
                }
                if let Some(words) = self.proxied.as_ref().and_then(Proxied::to_ncat) {
                    let quits = self.proxied.as_ref().is_some_and(Proxied::asks_for_the_unknown);
                    return self.story()
                        + line(&format!("Ncat: {words}{}", if quits { QUITTING } else { "" })).as_str();
                }
                let cause = self.failed.take().map_or_else(|| sentence(message), |(_, cause)| cause);
                line(&format!("Ncat: Proxy connection failed: {cause}."))
            }
            Error::Broken { .. } if self.listens => String::new(),
            Error::Handshake { peer, cause } if self.listens => {
                let words = || line(&format!("Ncat: Failed SSL connection from {peer}: {cause}"));
                if self.is_verbose { words() } else { String::new() }
            }
            Error::Broken { cause, .. } => line(&format!("Ncat: {}.", sentence(cause))),
            Error::Resolve { host, cause } => {
                let cause = of_system(cause);
                line(&format!("Ncat: Could not resolve hostname \"{host}\": {cause}.{QUITTING}"))
            }
            Error::Bind { address, place, cause, .. } => {
                let schemes = ["unix:", "unixgram:", "udp://"];
                let address = schemes.iter().find_map(|scheme| address.strip_prefix(scheme)).unwrap_or(address);
                let place = place.map_or_else(|| address.to_owned(), shown);
                line(&format!("Ncat: bind to {place}: {}.{QUITTING}", of_system(cause)))
            }
            Error::Handshake { .. } | Error::Untrusted { .. } => line(&format!("Ncat: {error}.")),
            Error::Write { target, cause } if target == "stdout" => line(&format!("write: {}", sentence(cause))),
            Error::Write { target, cause } => line(&format!("Ncat: {target}: {}.{QUITTING}", sentence(cause))),
            Error::Read { source_name, cause } if source_name == "stdin" => {
                line(&format!("Ncat: {}.", sentence(cause)))
            }
            // What the child says whose exec(3) fails.
            Error::Program { name, .. } if name.is_empty() => line("exec: Bad address"),
            Error::Program { cause, .. } => line(&format!("exec: {}", sentence(cause))),
            other => {
                let text = with_options(&other.to_string(), OPTIONS);
                text.lines().map(|text| line(&format!("Ncat: {text}.{QUITTING}"))).collect()
            }
        }
    }
}

/// An address as Ncat writes it, without brackets.
fn shown(address: SocketAddr) -> String {
    format!("{}:{}", address.ip(), address.port())
}

fn opened(conn: &ConnView) -> String {
    let peer = conn.info.peer();
    match (conn.info.side(), peer.ip()) {
        (Side::Client, Some(ip)) => line(&format!("Ncat: Connected to {}.", shown(ip))),
        (Side::Client, None) => line(&format!("Ncat: Connected to {}.", path(&peer))),
        (Side::Server, Some(ip)) => from(ip),
        (Side::Server, None) => "Ncat: Connection from a client on Unix domain socket.\n".to_owned(),
        (Side::Program, _) => String::new(),
    }
}

fn from(client: SocketAddr) -> String {
    let host = line(&format!("Ncat: Connection from {}.", client.ip()));
    host + line(&format!("Ncat: Connection from {}.", shown(client))).as_str()
}

fn closed(now: Instant, conn: &ConnView, reason: CloseReason, sends_only: bool) -> String {
    if conn.info.side() != Side::Client || reason.is_fault() {
        return String::new();
    }
    let (sent, received) = (conn.info.bytes_out(), if sends_only { 0 } else { conn.info.bytes_in() });
    let seconds = now.saturating_duration_since(conn.info.opened()).as_secs_f64();
    line(&format!("Ncat: {sent} bytes sent, {received} bytes received in {seconds:.2} seconds."))
}

impl Observer for NcatVoice {
    fn wants(&self) -> Taps {
        Taps::None
    }

    fn notice(&mut self, at: Moment<'_>, notice: &Notice<'_>) {
        let words = self.words(at.mono, notice);
        if !words.is_empty() {
            (self.write)(&words);
        }
    }
}

impl fmt::Debug for NcatVoice {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("NcatVoice").field("stands", &self.stands).finish_non_exhaustive()
    }
}

/// Options of tcpx that its messages name, and what they are there.
pub const OPTIONS: Options = &[
    ("--tls-ca", "--ssl-trustfile"),
    ("--tls-cert", "--ssl-cert"),
    ("--tls-key", "--ssl-key"),
    ("--tls-name", "--ssl-servername"),
    ("--tls-alpn", "--ssl-alpn"),
    ("--tls-insecure", "--ssl"),
    ("--tls", "--ssl"),
    ("--sh", "--sh-exec"),
    ("--line-delay", "--delay"),
    ("--connect-timeout", "--wait"),
    ("--eof-wait", "-q"),
];

/// Whether its proxy has ended a run as a wrong line does.
pub fn ends_like_a_wrong_line(config: &Config) -> bool {
    Proxied::of(config).is_some_and(|proxied| proxied.asks_for_the_unknown())
}

/// What ends a message after which Ncat ends.
const QUITTING: &str = " QUITTING.";
