//! `Config`: what the user asked for, checked and complete, as plain data.
//!
//! Owns the settings of a run. Does not read the command line (`cli` builds a `Config` and checks every rule between
//! options) and opens nothing.

pub mod access;
pub mod input;
pub mod naming;
pub mod retry;
pub mod scan;
pub mod sockets;
pub mod terminal;
pub mod tls;

use std::path::PathBuf;
use std::time::Duration;

use encoding_rs::Encoding;

use self::retry::RetryAfter;
use crate::config::naming::NameTemplate;
use crate::endpoint::Endpoint;
use crate::proxy::{HeaderVersion, Proxy};
pub use access::Access;
pub use input::{Input, Refusal};
pub use retry::Retry;
pub use scan::Scan;
pub use sockets::{Family, SocketOptions};
pub use terminal::Terminal;
pub use tls::Tls;

/// One run of `tcpx connect` or `tcpx listen`.
#[derive(Clone, Debug)]
pub struct Config {
    /// Which end of the connection tcpx is.
    pub role: Role,
    /// Which address families may be used.
    pub family: Family,
    /// Host names are refused; only numeric addresses work.
    pub no_dns: bool,
    /// `TCP_NODELAY` on every connection.
    pub nodelay: bool,
    /// `SO_KEEPALIVE` on every connection.
    pub keepalive: Keepalive,
    /// Options of every socket.
    pub sockets: SocketOptions,
    /// The proxies of every connection that is made, in the order of travel.
    pub proxies: Vec<Proxy>,
    /// Encodings and line ends.
    pub text: Text,
    /// The preamble: what is sent before stdin, in order.
    pub preamble: Vec<PreambleItem>,
    /// How stdin is used and what its end means.
    pub input: Input,
    /// Time limits.
    pub limits: Limits,
    /// `--memory`: bytes that all connections together may hold; `None`: a share of the machine's memory.
    pub memory: Option<usize>,
    /// Where received bytes and messages go.
    pub output: Output,
    /// The script that handles events, if there is one.
    pub script: Option<Script>,
    /// The program that each connection talks to, in place of stdin and stdout.
    pub exec: Option<Exec>,
    /// TLS, for the run's own connections and for those of its script.
    pub tls: Tls,
    /// What ends the run with a verdict.
    pub verdict: VerdictPatterns,
    /// The tests that the run is there for.
    pub tests: Option<Tests>,
}

impl Config {
    /// A run of this role for which nothing else was asked: stdin is not read, and the system's defaults hold.
    pub fn of(role: Role) -> Self {
        Self {
            role,
            family: Family::Any,
            no_dns: false,
            nodelay: true,
            keepalive: Keepalive::System,
            sockets: SocketOptions::default(),
            proxies: Vec::new(),
            text: Text::default(),
            preamble: Vec::new(),
            input: Input::default(),
            limits: Limits::default(),
            memory: None,
            output: Output::default(),
            script: None,
            exec: None,
            tls: Tls::default(),
            verdict: VerdictPatterns::default(),
            tests: None,
        }
    }

    /// Whether one connection is the whole run: its trouble is the run's, and stdin goes to it alone.
    pub fn is_single_peer(&self) -> bool {
        match &self.role {
            Role::Connect(_) => true,
            Role::Listen(listen) => listen.single_peer,
            Role::Run | Role::Scan(_) => false,
        }
    }

    /// Whether the run's own connections exchange datagrams.
    pub fn is_datagram(&self) -> bool {
        match &self.role {
            Role::Connect(connect) => connect.target.is_datagram(),
            Role::Listen(listen) => listen.address.is_datagram(),
            Role::Run | Role::Scan(_) => false,
        }
    }

    /// The command of `--run`.
    pub fn command(&self) -> Option<&str> {
        match &self.role {
            Role::Connect(connect) => connect.run.as_deref(),
            Role::Listen(listen) => listen.run.as_deref(),
            Role::Run | Role::Scan(_) => None,
        }
    }

    /// When the run's own connection is made again.
    pub fn retry(&self) -> Option<Retry> {
        match &self.role {
            Role::Connect(connect) => connect.retry,
            Role::Listen(_) | Role::Run | Role::Scan(_) => None,
        }
    }

    /// Whether the run goes on after the end of its own connection, with another one.
    pub fn reconnects(&self) -> bool {
        self.retry().is_some_and(|retry| retry.after != RetryAfter::NoConnection)
    }

    /// Number of loops; each has connections and a script of its own.
    pub fn workers(&self) -> usize {
        match &self.role {
            Role::Connect(_) | Role::Run | Role::Scan(_) => 1,
            Role::Listen(listen) => listen.workers.max(1),
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
    /// A script from top to bottom: `tcpx run`.
    Run,
    /// Which ports accept: `tcpx scan`.
    Scan(Scan),
}

/// Settings of `tcpx connect` only.
#[derive(Clone, Debug)]
pub struct Connect {
    /// The target.
    pub target: Endpoint,
    /// The local address to connect from.
    pub source: Option<Endpoint>,
    /// `-z`: exit as soon as the connection is established.
    pub probe: bool,
    /// What that sends where datagrams are exchanged; `None`: nothing, so that nobody can refuse it.
    pub probe_datagram: Option<&'static [u8]>,
    /// `--proxy-protocol`: the header that is sent first.
    pub header: Option<HeaderVersion>,
    /// `--run`: the command that runs once there is a connection.
    pub run: Option<String>,
    /// `--retry`, `--reconnect`, `tcpx wait`: when it is tried again; `None`: never.
    pub retry: Option<Retry>,
}

/// Settings of `tcpx listen` only.
#[derive(Clone, Debug)]
pub struct Listen {
    /// The address to listen on; without a host it is dual-stack.
    pub address: Endpoint,
    /// Maximum connections accepted in total; `None`: unlimited. One-shot netcat mode is `Some(1)` with `single_peer`
    /// set.
    pub accept: Option<u64>,
    /// Plain netcat mode for one peer: neither `-k` nor a script.
    pub single_peer: bool,
    /// Maximum connections open at the same time; further clients wait.
    pub max_conns: Option<usize>,
    /// Further clients are disconnected instead.
    pub refuses_beyond: bool,
    /// Length of the kernel's accept queue, if the user chose one.
    pub backlog: Option<i32>,
    /// `--allow`, `--deny`: which clients are taken.
    pub access: Access,
    /// Number of worker threads that accept from the port.
    pub workers: usize,
    /// `--reuse-port`: other processes of this user may listen there, too.
    pub reuse_port: bool,
    /// `--accept-proxy`: every client begins with a header of the PROXY protocol.
    pub accept_proxy: bool,
    /// File that receives `host:port\n` when the listener is ready.
    pub ready_file: Option<PathBuf>,
    /// Descriptor that receives `host:port\n` when the listener is ready.
    pub ready_fd: Option<i32>,
    /// `--run`: a command of the shell that is started then, and whose end ends the run.
    pub run: Option<String>,
    /// `--accept-timeout`: how long to wait for the first client.
    pub accept_limit: Option<Duration>,
}

/// When an idle peer is asked whether it is still there (tcp(7), `SO_KEEPALIVE`).
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Keepalive {
    /// At the system's times.
    #[default]
    System,
    /// First after this time, then three times, a third of it apart but at least a second.
    After(Duration),
    /// Never.
    Off,
}

/// The encoding of received bytes: a named one, or detection.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Charset {
    /// `auto`, `auto-cn` …: detected from the received bytes, which most likely come from that region.
    Auto(Option<Region>),
    /// A named encoding.
    Named(&'static Encoding),
}

/// A region whose encodings are detected before all others: those of different regions have many words of few letters
/// in common.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Region {
    /// GBK.
    China,
    /// Big5.
    Taiwan,
    /// `Shift_JIS`, EUC-JP.
    Japan,
    /// EUC-KR.
    Korea,
    /// windows-1251, KOI8 and the other Cyrillic ones.
    Russia,
}

/// What to do with bytes that are malformed in their encoding.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Malformed {
    /// Replace them with U+FFFD.
    #[default]
    Replace,
    /// Stop with an error.
    Fail,
}

/// What to do with a character the encoding cannot represent.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Unencodable {
    /// Stop with an error that names it.
    #[default]
    Fail,
    /// Send `?`.
    Replace,
}

/// Encodings and line ends. Without an encoding, bytes pass unchanged.
#[derive(Clone, Copy, Debug, Default)]
pub struct Text {
    /// Encoding from which received bytes are decoded to UTF-8 for stdout.
    pub recv: Option<Charset>,
    /// Region of an `auto` that names none: the locale's.
    pub region: Option<Region>,
    /// Encoding to which the UTF-8 of stdin is encoded; never [`Charset::Auto`].
    pub send: Option<&'static Encoding>,
    /// Policy for malformed received bytes.
    pub malformed: Malformed,
    /// Policy for characters that cannot be encoded.
    pub unencodable: Unencodable,
    /// Send a lone LF as CR LF.
    pub crlf: bool,
}

/// Something to send before stdin.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum PreambleItem {
    /// `--send`: text, and raw bytes where `\xHH` was written.
    Text(Vec<Piece>),
    /// `--send-hex`: raw bytes.
    Bytes(Vec<u8>),
    /// `--send-file`: a file, encoded as stdin is.
    File(PathBuf),
}

/// A part of an escaped text.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Piece {
    /// Characters to encode.
    Text(String),
    /// Bytes, sent as they are.
    Bytes(Vec<u8>),
}

/// What it means that a connection was idle for as long as it may be.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Silence {
    /// It has failed.
    #[default]
    Fault,
    /// It has ended, as well as by any other end.
    End,
    /// It has failed, unless datagrams are exchanged and our side has ended: then the other has, too.
    EndAfterInput,
    /// Nothing, as long as another one is not idle; otherwise the run has failed.
    FaultOfAll,
}

/// Time limits.
#[derive(Clone, Copy, Debug, Default)]
pub struct Limits {
    /// For resolving and connecting together.
    pub connect: Option<Duration>,
    /// For a connection without data in either direction.
    pub idle: Option<Duration>,
    /// What such a silence is.
    pub silence: Silence,
    /// A connection that was idle for too long, whose proxy has failed, or that is not taken, is closed in order, not by RST.
    pub ends_in_order: bool,
    /// For the whole run.
    pub run: Option<Duration>,
    /// How much of that was over before this run began, where several follow each other.
    pub spent: Duration,
}

/// Where received bytes and messages go.
#[derive(Clone, Debug, Default)]
pub struct Output {
    /// File to write instead of stdout.
    pub file: Option<PathBuf>,
    /// Files to write instead of stdout, one for each connection.
    pub files: Option<NameTemplate>,
    /// `--label`: each line begins with the name of its connection.
    pub label: bool,
    /// Write control characters to a terminal unchanged.
    pub raw_terminal: bool,
    /// How lines are typed, where stdin and stdout are a terminal.
    pub terminal: Terminal,
    /// `--timestamps`: the time of day before each line of output.
    pub timestamps: bool,
    /// Hex dump of both directions on stderr.
    pub hex: bool,
    /// Where events go.
    pub events: Option<Target>,
    /// `--progress`: how much has moved, on stderr.
    pub progress: Progress,
    /// Verbosity on stderr; 0: errors and warnings only.
    pub verbose: u8,
    /// `-q`: not even `listening on …`.
    pub quiet: bool,
    /// Whose words messages have.
    pub voice: Voice,
    /// `--test` of Ncat: a line on stderr for each socket that listens.
    pub marks_listening: bool,
    /// Nothing is said of connections: they are those of Ncat's proxy.
    pub tells_listeners_alone: bool,
    /// What Ncat says of the target's name where a proxy is on the way.
    pub target_is_told: Option<String>,
    /// Files that get what goes in both directions.
    pub copies: Vec<Copying>,
}

/// Whose words messages have.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Voice {
    /// tcpx's own.
    #[default]
    Own,
    /// Those of OpenBSD's nc.
    Nc,
    /// Those of Ncat.
    Ncat,
}

/// A file that gets what goes in both directions, in the order in which it does.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Copying {
    /// The file.
    pub path: PathBuf,
    /// As a hex dump, not as it is.
    pub is_hex: bool,
    /// After what is in the file already.
    pub appends: bool,
}

/// Where the progress of transfers is shown.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Progress {
    /// Nowhere.
    #[default]
    Never,
    /// On a terminal only.
    OnTerminal,
    /// Everywhere.
    Always,
}

/// Where a text of tcpx's own goes.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Target {
    /// stdout, in place of what goes there otherwise.
    Stdout,
    /// A file, created or emptied.
    File(PathBuf),
}

/// What received data ends the run: raw bytes, or text where it is decoded.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct VerdictPatterns {
    /// Seen: exit code 0; never seen: 1.
    pub expect: Option<String>,
    /// Seen: exit code 1.
    pub fail_on: Option<String>,
    /// Where the output ends: exit code 0; the peer's end before that: 18.
    pub until: Option<Until>,
}

/// Where the output ends.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Until {
    /// After so many bytes of output, at least one.
    Bytes(u64),
    /// After so many lines, at least one; a line ends with LF.
    Lines(u64),
    /// With the first match of a regular expression.
    Pattern(String),
}

impl VerdictPatterns {
    /// Whether none is given.
    pub fn is_empty(&self) -> bool {
        self.expect.is_none() && self.fail_on.is_none() && self.until.is_none()
    }
}

/// A program that is started for each connection.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Exec {
    /// What is started.
    pub program: Program,
    /// `--pty`: it gets a terminal, not pipes.
    pub has_terminal: bool,
    /// `--exec-status`: its exit status is that of the run.
    pub gives_status: bool,
    /// As Ncat does it: it is told of its connection by the variables of Ncat, too, and one that cannot be started is one that
    /// ends at once.
    pub is_ncats: bool,
}

/// What is started for a connection.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Program {
    /// `--exec`: a program and its arguments, at least one word.
    Words(Vec<String>),
    /// `--sh`: a command for the shell.
    Shell(String),
}

/// A script and its limits.
#[derive(Clone, Debug)]
pub struct Script {
    /// The source of its text.
    pub source: ScriptSource,
    /// The script's `args`.
    pub args: Vec<String>,
    /// What `app` holds before anything runs.
    pub set: Vec<(String, String)>,
    /// What runs besides handlers.
    pub entry: Entry,
    /// The policy for an error in a handler.
    pub on_error: ScriptErrors,
    /// Time limit of one call into the script.
    pub timeout: Duration,
    /// Seed of the script's random numbers; `None`: a new one for each run.
    pub seed: Option<u64>,
    /// Maximum connections that the script may have made at a time; `None`: by the limit of descriptors.
    pub max_connects: Option<usize>,
    /// Folders the script may read besides its own.
    pub allow_read: Vec<PathBuf>,
    /// Folders the script may write.
    pub allow_write: Vec<PathBuf>,
    /// `--watch`: reload the script when it changes.
    pub watch: bool,
}

/// What runs of a script besides its handlers.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Entry {
    /// Nothing: events decide.
    #[default]
    Handlers,
    /// `main`, whose end ends the run.
    Main,
}

impl Script {
    /// A script with default settings.
    pub fn new(source: ScriptSource) -> Self {
        Self {
            source,
            args: Vec::new(),
            set: Vec::new(),
            entry: Entry::Handlers,
            on_error: ScriptErrors::default(),
            timeout: SCRIPT_TIMEOUT,
            seed: None,
            max_connects: None,
            allow_read: Vec::new(),
            allow_write: Vec::new(),
            watch: false,
        }
    }
}

/// Default time limit of one call into a script: enough for a handler that computes, short enough that a peer still
/// waits.
pub const SCRIPT_TIMEOUT: Duration = Duration::from_secs(2);

/// Settings of `tcpx test` only. Those of the scripts themselves are a [`Script`].
#[derive(Clone, Debug)]
pub struct Tests {
    /// The scripts, in the order of the command line.
    pub sources: Vec<ScriptSource>,
    /// Maximum tests that run at the same time.
    pub jobs: usize,
    /// Time limit of one test, without its `teardown()`.
    pub limit: Duration,
    /// Only tests whose reported name this regular expression matches.
    pub filter: Option<String>,
    /// How often each test runs.
    pub repeat: usize,
    /// After the first failure no test is begun any more.
    pub fail_fast: bool,
    /// stdout gets TAP in place of the report for people.
    pub tap: bool,
    /// The report for people may have colours.
    pub colours: bool,
    /// The file for the report in JUnit's XML.
    pub junit: Option<Target>,
    /// Where the report in JSON goes.
    pub json: Option<Target>,
}

/// The source of a script's text.
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
    /// `--session`: the body of `session(conn)`.
    Session(String),
    /// Text that was read from stdin.
    Stdin(Vec<u8>),
}

/// The policy for an error in a handler.
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
