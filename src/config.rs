//! `Config`: what the user asked for, checked and complete, as plain data.
//!
//! Owns the shape of a run. Does not read the command line (`cli` builds it, and every rule across options
//! is kept there) and opens nothing.

use std::path::PathBuf;
use std::time::Duration;

use encoding_rs::Encoding;

use crate::endpoint::Endpoint;

/// One run of `tcpx connect` or `tcpx listen`.
#[derive(Clone, Debug)]
pub struct Config {
    /// Which end of the connection tcpx is.
    pub role: Role,
    /// Which addresses may be used.
    pub family: Family,
    /// Names are not resolved; only addresses work.
    pub no_dns: bool,
    /// `TCP_NODELAY` on every connection.
    pub nodelay: bool,
    /// Encodings and line ends.
    pub text: Text,
    /// What is sent before stdin, in order.
    pub preamble: Vec<PreambleItem>,
    /// How stdin is used and what its end means.
    pub input: Input,
    /// Limits of time.
    pub limits: Limits,
    /// Where received bytes and words for people go.
    pub output: Output,
    /// The script that decides, if there is one.
    pub script: Option<Script>,
    /// What ends the run with a verdict.
    pub verdict: VerdictPatterns,
}

impl Config {
    /// Whether one connection is the whole run: its trouble is the run's, and stdin goes to it alone.
    pub fn is_single_peer(&self) -> bool {
        match &self.role {
            Role::Connect(_) => true,
            Role::Listen(listen) => listen.single_peer,
        }
    }
}

/// Which end of the connection tcpx is.
#[derive(Clone, Debug)]
pub enum Role {
    /// The client.
    Connect(Connect),
    /// The server.
    Listen(Listen),
}

/// What only a client needs.
#[derive(Clone, Debug)]
pub struct Connect {
    /// Where to.
    pub target: Endpoint,
    /// The local address to connect from.
    pub source: Option<Endpoint>,
    /// `-z`: leave as soon as the connection stands.
    pub probe: bool,
}

/// What only a server needs.
#[derive(Clone, Debug)]
pub struct Listen {
    /// Where; without a host it is dual-stack.
    pub address: Endpoint,
    /// How many connections are accepted in all; `None` is without end. One-shot netcat mode is `Some(1)`
    /// with `single_peer` set.
    pub accept: Option<u64>,
    /// Plain netcat mode for one peer: neither `-k` nor a script.
    pub single_peer: bool,
    /// How many connections may be open at once.
    pub max_conns: Option<usize>,
    /// Length of the kernel's accept queue, if the user chose one.
    pub backlog: Option<i32>,
    /// How many loops accept from the port.
    pub workers: usize,
    /// Gets `host:port\n` when ready.
    pub ready_file: Option<PathBuf>,
    /// A descriptor that gets `host:port\n` when ready.
    pub ready_fd: Option<i32>,
}

/// Which addresses may be used.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Family {
    /// IPv4 and IPv6.
    #[default]
    Any,
    /// Only IPv4.
    V4,
    /// Only IPv6.
    V6,
}

/// How bytes are read as text: one encoding, or a guess from what arrives.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Charset {
    /// `auto`: detected from what is received.
    Auto,
    /// A named encoding.
    Named(&'static Encoding),
}

/// What to do with bytes that are not text in their encoding.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Malformed {
    /// Put U+FFFD in their place.
    #[default]
    Replace,
    /// Stop with an error.
    Fail,
}

/// What to do with a character the encoding cannot hold.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Unencodable {
    /// Stop with an error that names it.
    #[default]
    Fail,
    /// Send `?`.
    Replace,
}

/// Encodings and line ends. Without an encoding, bytes pass untouched.
#[derive(Clone, Copy, Debug, Default)]
pub struct Text {
    /// How received bytes become the UTF-8 of stdout.
    pub recv: Option<Charset>,
    /// How the UTF-8 of stdin becomes bytes; never [`Charset::Auto`].
    pub send: Option<&'static Encoding>,
    /// Received bytes that are not text.
    pub malformed: Malformed,
    /// Sent characters without bytes.
    pub unencodable: Unencodable,
    /// A lone LF that is sent becomes CR LF.
    pub crlf: bool,
}

/// Something to send before stdin.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum PreambleItem {
    /// `--send`: text, and raw bytes where `\xHH` was written.
    Text(Vec<Piece>),
    /// `--send-hex`: raw bytes.
    Bytes(Vec<u8>),
    /// `--send-file`: a file, sent as stdin would be.
    File(PathBuf),
}

/// A part of an escaped text.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Piece {
    /// Characters, to be encoded.
    Text(String),
    /// Bytes, sent as they are.
    Bytes(Vec<u8>),
}

/// How stdin is used and what its end means.
#[derive(Clone, Copy, Debug)]
pub struct Input {
    /// stdin may be read; a script that serves takes it only with `on_stdin`.
    pub read: bool,
    /// Received data is discarded (`--send-only`).
    pub discard_received: bool,
    /// The peer's FIN does not end the run; stdin's end does.
    pub half_open: bool,
    /// No FIN when stdin ends.
    pub no_shutdown: bool,
    /// After stdin's end, how long to wait for the peer.
    pub eof_wait: Option<Duration>,
}

/// Limits of time.
#[derive(Clone, Copy, Debug, Default)]
pub struct Limits {
    /// Resolving and connecting together.
    pub connect: Option<Duration>,
    /// Nothing moved in either direction.
    pub idle: Option<Duration>,
    /// The whole run.
    pub run: Option<Duration>,
}

/// Where received bytes and words for people go.
#[derive(Clone, Debug, Default)]
pub struct Output {
    /// Instead of stdout.
    pub file: Option<PathBuf>,
    /// Control characters go to a terminal as they are.
    pub raw_terminal: bool,
    /// Both directions as a hex dump on stderr.
    pub hex: bool,
    /// Where events go.
    pub events: Option<EventsTarget>,
    /// How much to say on stderr: 0 is only trouble.
    pub verbose: u8,
    /// Not even `listening on …`.
    pub quiet: bool,
}

/// Where events go.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum EventsTarget {
    /// stdout; received data goes there no more.
    Stdout,
    /// A file, created or emptied.
    File(PathBuf),
}

/// What received data ends the run: regular expressions for raw bytes, or for text where it is decoded.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct VerdictPatterns {
    /// Seen: exit code 0; never seen: 1.
    pub expect: Option<String>,
    /// Seen: exit code 1.
    pub fail_on: Option<String>,
}

impl VerdictPatterns {
    /// Whether none is given.
    pub fn is_empty(&self) -> bool {
        self.expect.is_none() && self.fail_on.is_none()
    }
}

/// The script that decides.
#[derive(Clone, Debug)]
pub struct Script {
    /// Where its text comes from.
    pub source: ScriptSource,
    /// The script's `args`.
    pub args: Vec<String>,
    /// What an error in a handler does.
    pub on_error: ScriptErrors,
    /// How long one call may run.
    pub timeout: Duration,
    /// Where chance begins; a different place each time without it.
    pub seed: Option<u64>,
    /// Folders it may read, besides its own.
    pub allow_read: Vec<PathBuf>,
    /// Folders it may write.
    pub allow_write: Vec<PathBuf>,
    /// Load it again when it changes.
    pub watch: bool,
}

impl Script {
    /// A script with nothing said about it.
    pub fn new(source: ScriptSource) -> Self {
        Self {
            source,
            args: Vec::new(),
            on_error: ScriptErrors::default(),
            timeout: SCRIPT_TIMEOUT,
            seed: None,
            allow_read: Vec::new(),
            allow_write: Vec::new(),
            watch: false,
        }
    }
}

/// How long a call into a script may run if nothing is said: enough for any handler that computes, short enough
/// that a peer still waits.
pub const SCRIPT_TIMEOUT: Duration = Duration::from_secs(2);

/// Where a script's text comes from.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum ScriptSource {
    /// A file.
    File(PathBuf),
    /// A built-in script, without the `@`.
    Builtin(String),
    /// `--on-data`: the body of `on_data(conn, data)`.
    OnData(String),
    /// `--on-line`: the body of `on_line(conn, line)`.
    OnLine(String),
}

/// What an error in a handler does.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum ScriptErrors {
    /// Report it and close that connection.
    #[default]
    Close,
    /// Report it and end the run.
    Fatal,
    /// Report it and go on.
    Ignore,
}

/// A duration as people write it: `500ms`, `2s`, `1.5s`.
pub fn show_duration(duration: Duration) -> String {
    if duration < Duration::from_secs(1) {
        return format!("{}ms", duration.as_millis());
    }
    format!("{}s", duration.as_secs_f64())
}
