//! The words of the command line: names, short and long help, groups, value names.
//!
//! Owns the one definition that parsing, `--help`, the man page and the completions share. No logic: what a
//! word means and which words go together is in `resolve` and `rules`.

use std::ffi::OsString;
use std::path::PathBuf;

use clap::{ArgAction, ArgMatches, Args, Command, Error, FromArgMatches, Parser, Subcommand, ValueEnum, ValueHint};
use clap_complete::Shell;

use super::generate::Page;
use super::help;
use super::report::ReportArgs;

mod exec;
mod output;
mod proxy;
mod received;
mod retry;
mod route;
mod run;
mod scan;
mod server;
mod settings;
mod sockets;
mod terminal;
mod test;
mod time;
mod tls;
mod topic;
mod transport;
mod wait;

pub(super) use exec::ExecArgs;
pub(super) use output::{OutputArgs, ProgressWord};
pub(super) use proxy::{HeaderWord, ProxyArgs};
pub(super) use received::ReceivedArgs;
pub(super) use retry::RetryArgs;
pub(super) use route::RouteArgs;
pub(super) use run::{ConnsArgs, LoadArgs, RunArgs, ScriptLimitArgs};
pub(super) use scan::ScanArgs;
pub(super) use server::ServerArgs;
pub(super) use settings::{ConfigWord, SettingsArgs};
pub(super) use sockets::SocketArgs;
pub(super) use terminal::{EchoWord, TerminalArgs};
pub(super) use test::TestArgs;
pub(super) use time::TimeArgs;
pub(super) use tls::TlsArgs;
pub(super) use topic::HelpArgs;
pub(super) use transport::TransportArgs;
pub(super) use wait::WaitArgs;

// No doc comments on the option groups below: clap would take them for the help of the command they are in.

#[derive(Debug, Parser)]
#[command(
    name = "tcpx",
    version,
    about = ABOUT,
    args_override_self = true,
    override_usage = "tcpx COMMAND",
    max_term_width = 100,
    disable_help_subcommand = true,
    subcommand_value_name = "COMMAND",
    subcommand_help_heading = "Commands"
)]
pub(super) struct Cli {
    #[command(subcommand)]
    pub(super) word: Word,
}

#[derive(Debug, Subcommand)]
pub(super) enum Word {
    /// Connect to a peer: stdin goes to it, what it sends goes to stdout
    #[command(
        after_help = help::of_connect(),
        override_usage = "tcpx connect [OPTIONS] HOST PORT [-- ARGS...]\n       tcpx connect [OPTIONS] HOST:PORT [-- ARGS...]\n       tcpx connect [OPTIONS] unix:PATH [-- ARGS...]"
    )]
    Connect(Late<ConnectArgs>),
    /// Listen for one peer; for many with -k, for a scripted server with --script
    #[command(
        after_help = help::of_listen(),
        override_usage = "tcpx listen [OPTIONS] [HOST] PORT [-- ARGS...]\n       tcpx listen [OPTIONS] HOST:PORT [-- ARGS...]\n       tcpx listen [OPTIONS] unix:PATH [-- ARGS...]"
    )]
    Listen(Late<ListenArgs>),
    #[command(
        about = "Run a script from top to bottom: its fn main()",
        after_help = help::of_run(),
        override_usage = "tcpx run [OPTIONS] SCRIPT [ARGS...]"
    )]
    Run(Late<RunArgs>),
    /// Merge results of load runs: text, JSON, one HTML page, thresholds
    #[command(after_help = help::of_report())]
    Report(Late<ReportArgs>),
    #[command(
        about = "Run the tests in scripts: every fn test_*()",
        after_help = help::of_test(),
        override_usage = "tcpx test [OPTIONS] SCRIPT... [-- ARGS...]"
    )]
    Test(Late<TestArgs>),
    /// Find the ports of a host that accept
    #[command(
        after_help = help::of_scan(),
        override_usage = "tcpx scan [OPTIONS] HOST PORTS\n       tcpx scan [OPTIONS] HOST... -p PORTS"
    )]
    Scan(Late<ScanArgs>),
    /// Wait until servers accept, or answer: for scripts and CI
    #[command(after_help = help::of_wait(), override_usage = "tcpx wait [OPTIONS] TARGET...")]
    Wait(Late<WaitArgs>),
    #[command(
        about = "Take the options of OpenBSD's nc, with its words and exit codes",
        override_usage = "tcpx nc [OPTIONS OF NC] [HOST] [PORTS...]",
        disable_help_flag = true
    )]
    Nc(ToolArgs),
    #[command(
        about = "Take the options of Ncat, with its words and exit codes",
        override_usage = "tcpx ncat [OPTIONS OF NCAT] [HOST] [PORT]",
        disable_help_flag = true
    )]
    Ncat(ToolArgs),
    /// List and show the built-in scripts, begin and check your own
    #[command(disable_help_subcommand = true)]
    Script {
        #[command(subcommand)]
        word: ScriptWord,
    },
    /// List every encoding with its aliases
    Encodings,
    /// Write completions for a shell to stdout
    Completions {
        /// The shell
        shell: Shell,
    },
    /// Write a manual page to stdout
    Man {
        /// The page
        #[arg(default_value = "tcpx")]
        page: Page,
    },
    /// Show the defaults of your own for some options
    #[command(disable_help_subcommand = true)]
    Config {
        #[command(subcommand)]
        word: ConfigWord,
    },
    /// Show the help of a command, or a page about a topic: endings, encodings, scripts, exit-codes, recipes
    Help(HelpArgs),
}

/// The words of another tool, which are not read here.
#[derive(Debug, Args)]
pub(super) struct ToolArgs {
    /// Its options and operands; -h shows them
    #[arg(value_name = "WORDS", trailing_var_arg = true, allow_hyphen_values = true)]
    pub(super) words: Vec<OsString>,
}

/// The options of a command, put together only when it is the one: they are most of what the command line costs.
#[derive(Debug)]
pub(super) struct Late<T>(pub(super) Box<T>);

impl<T: Args> Args for Late<T> {
    fn augment_args(command: Command) -> Command {
        command.defer(T::augment_args)
    }

    fn augment_args_for_update(command: Command) -> Command {
        command.defer(T::augment_args_for_update)
    }
}

impl<T: Args> FromArgMatches for Late<T> {
    fn from_arg_matches(matches: &ArgMatches) -> Result<Self, Error> {
        T::from_arg_matches(matches).map(|args| Self(Box::new(args)))
    }

    fn from_arg_matches_mut(matches: &mut ArgMatches) -> Result<Self, Error> {
        T::from_arg_matches_mut(matches).map(|args| Self(Box::new(args)))
    }

    fn update_from_arg_matches(&mut self, matches: &ArgMatches) -> Result<(), Error> {
        self.0.update_from_arg_matches(matches)
    }
}

#[derive(Debug, Subcommand)]
pub(super) enum ScriptWord {
    /// List the built-in scripts
    List,
    /// Write a built-in script to stdout
    Show {
        /// Its name, with or without the @
        name: String,
    },
    /// Say everything that is wrong with scripts; silent if nothing is
    #[command(
        long_about = "Say everything that is wrong with scripts and with what they import: syntax, handlers, unknown \
                      variables and functions, wrong numbers of arguments. Then each is loaded as listen does, which runs \
                      its top level but no handler. Silent if nothing is wrong, exit 111 if something is; warnings do not \
                      count"
    )]
    Check {
        /// The scripts; @NAME is a built-in one, - is stdin
        #[arg(required = true, value_name = "FILE", value_hint = ValueHint::FilePath)]
        files: Vec<PathBuf>,
    },
    /// Write a new script to stdout: a working one, with every event in comments
    New {
        /// A script that reads from top to bottom, with fn session(conn), instead
        #[arg(long, conflicts_with = "test")]
        session: bool,
        /// A script of tests for tcpx test instead
        #[arg(long)]
        test: bool,
    },
}

#[derive(Debug, Args)]
pub(super) struct ConnectArgs {
    /// The host: a name, an IPv4 or an IPv6 address; or HOST:PORT, unix:PATH or unix:@NAME in one word
    #[arg(value_name = "HOST", value_hint = ValueHint::Hostname)]
    pub(super) first: Option<String>,
    /// The port: a number or a service name
    #[arg(value_name = "PORT")]
    pub(super) second: Option<String>,

    #[command(flatten)]
    pub(super) text: TextArgs,
    #[command(flatten)]
    pub(super) script: ScriptArgs,
    #[command(flatten)]
    pub(super) exec: ExecArgs,

    #[arg(
        short = 'z',
        help_heading = ENDING,
        help = "Leave as soon as the connection stands: 0 if it does, 7 or 28 if not",
        long_help = "Leave as soon as the connection stands: 0 if it does, 7 or 28 if not. With -u an empty datagram is sent, and \
                     0 says only that nobody refused it within a second (7 if somebody did)"
    )]
    pub(super) probe: bool,
    #[command(flatten)]
    pub(super) ending: EndingArgs,

    /// Give up when there is no connection after this time
    #[arg(
        short = 'w',
        long,
        value_name = "DUR",
        help_heading = TIME,
        allow_hyphen_values = true,
        long_help = "Give up when there is no connection after this time, resolving the name included (exit 28)"
    )]
    pub(super) connect_timeout: Option<String>,
    #[command(flatten)]
    pub(super) retry: RetryArgs,
    #[command(flatten)]
    pub(super) time: TimeArgs,

    #[command(flatten)]
    pub(super) output: OutputArgs,
    #[command(flatten)]
    pub(super) received: ReceivedArgs,

    /// Connect from this local address: ADDR, ADDR:PORT, [ADDR]:PORT, :PORT; with -u unix:PATH
    #[arg(long, value_name = "ADDR", help_heading = TRANSPORT)]
    pub(super) source: Option<String>,
    #[arg(
        long,
        value_name = "COMMAND",
        allow_hyphen_values = true,
        help_heading = "Programs",
        help = "Start this command of the shell once there is a connection, and end with its status when it ends",
        long_help = "Start this command of the shell once there is a connection, and end with its status when it ends; the end of \
                     the connection does not end it. It knows TCPX_HOST, TCPX_PORT and TCPX_ADDR of the peer, has our stdout \
                     and stderr and an empty stdin, and is stopped (SIGTERM, after a second SIGKILL) when we are. With \
                     --reconnect it is started once"
    )]
    pub(super) run: Option<String>,
    #[arg(
        long,
        value_name = "VERSION",
        help_heading = PROXY,
        help = "Tell the server our address first, in a header of the PROXY protocol",
        long_help = "Send a header of the PROXY protocol first, as HAProxy does: it tells the server who its client is, here our \
                     own address"
    )]
    pub(super) proxy_protocol: Option<HeaderWord>,
    #[command(flatten)]
    pub(super) transport: TransportArgs,
    #[command(flatten)]
    pub(super) tls: TlsArgs,
    #[command(flatten)]
    pub(super) settings: SettingsArgs,
}

#[derive(Debug, Args)]
pub(super) struct ListenArgs {
    /// The local address to listen on, if not all of them; or HOST:PORT, unix:PATH or unix:@NAME in one word
    #[arg(value_name = "HOST", value_hint = ValueHint::Hostname)]
    pub(super) first: Option<String>,
    /// The port: a number or a service name; 0 takes any free one and says which
    #[arg(value_name = "PORT")]
    pub(super) second: Option<String>,

    #[command(flatten)]
    pub(super) server: ServerArgs,
    #[command(flatten)]
    pub(super) text: TextArgs,
    #[command(flatten)]
    pub(super) script: ScriptArgs,
    #[command(flatten)]
    pub(super) exec: ExecArgs,
    #[command(flatten)]
    pub(super) ending: EndingArgs,
    #[command(flatten)]
    pub(super) time: TimeArgs,
    #[command(flatten)]
    pub(super) output: OutputArgs,
    #[command(flatten)]
    pub(super) received: ReceivedArgs,
    #[command(flatten)]
    pub(super) transport: TransportArgs,
    #[command(flatten)]
    pub(super) tls: TlsArgs,
    #[command(flatten)]
    pub(super) settings: SettingsArgs,
}

#[derive(Debug, Args)]
#[command(next_help_heading = "Text")]
pub(super) struct TextArgs {
    /// Encoding of the connection, in both directions; stdin and stdout are UTF-8
    #[arg(
        short = 'E',
        long,
        value_name = "LABEL",
        long_help = "Encoding of the connection, in both directions; stdin and stdout are UTF-8. Without an encoding \
                     bytes pass untouched. \"auto\" detects what is received and leaves what is sent alone; the locale is a hint for \
                     short texts, and \"auto-cn\", \"auto-tw\", \"auto-jp\", \"auto-kr\" and \"auto-ru\" say \
                     the region outright. What is valid UTF-8 is taken for UTF-8. \
                     \"tcpx encodings\" lists every label"
    )]
    pub(super) encoding: Option<String>,
    /// Encoding of what is received, if it differs
    #[arg(long, value_name = "LABEL")]
    pub(super) recv_encoding: Option<String>,
    /// Encoding of what is sent, if it differs
    #[arg(long, value_name = "LABEL")]
    pub(super) send_encoding: Option<String>,
    /// Received bytes that are not text: put U+FFFD in their place (the default), or end with 114
    #[arg(long, value_name = "HOW")]
    pub(super) malformed: Option<MalformedWord>,
    /// A character the encoding cannot hold: end with 114 (the default), or send ?
    #[arg(long, value_name = "HOW")]
    pub(super) unencodable: Option<UnencodableWord>,
    /// Send every lone LF as CR LF
    #[arg(short = 'C', long)]
    pub(super) crlf: bool,
    /// Send this text first, before stdin; knows \r \n \t \0 \xHH \u{...}
    #[arg(
        long,
        value_name = "TEXT",
        action = ArgAction::Append,
        allow_hyphen_values = true,
        long_help = "Send this text first, before stdin. Knows \\r \\n \\t \\0 \\\\ \\u{...}, and \\xHH for a raw byte. \
                     --send, --send-hex and --send-file can be repeated and mixed, and are sent in the order given"
    )]
    pub(super) send: Vec<String>,
    /// Send these bytes first, as in "0d0a" or "0d 0a"
    #[arg(long, value_name = "HEX", action = ArgAction::Append)]
    pub(super) send_hex: Vec<String>,
    /// Send this file first
    #[arg(long, value_name = "FILE", action = ArgAction::Append, value_hint = ValueHint::FilePath)]
    pub(super) send_file: Vec<PathBuf>,
}

#[derive(Debug, Args)]
#[command(next_help_heading = "Script")]
pub(super) struct ScriptArgs {
    /// Let the handlers of this Rhai script decide; @NAME is a built-in one
    #[arg(
        short = 's',
        long,
        value_name = "FILE|@NAME",
        value_hint = ValueHint::FilePath,
        long_help = "Let the handlers of this Rhai script decide: on_connect, on_data, on_line, on_close and others, \
                     or its session(conn). \
                     @NAME is a built-in script; \"tcpx script list\" lists them; - is stdin, which then has nothing \
                     for the peer"
    )]
    pub(super) script: Option<PathBuf>,
    #[arg(
        long,
        value_name = "CODE",
        allow_hyphen_values = true,
        help = "Body of on_data(conn, data), as in 'conn.send(data)'"
    )]
    pub(super) on_data: Option<String>,
    #[arg(
        long,
        value_name = "CODE",
        allow_hyphen_values = true,
        help = "Body of on_line(conn, line), as in 'conn.send_line(line)'"
    )]
    pub(super) on_line: Option<String>,
    #[arg(
        long,
        value_name = "CODE",
        allow_hyphen_values = true,
        help = "Body of session(conn), as in 'for l in conn.lines() { conn.send_line(l) }'",
        long_help = "Body of session(conn), which reads from top to bottom and waits where it reads, as in \
                     'for l in conn.lines() { conn.send_line(l) }'. Its end closes the connection"
    )]
    pub(super) session: Option<String>,
    /// Load the script again when it changes, keeping every connection
    #[arg(
        long,
        long_help = "Load the script again when its file, or a file it imports, changes. Connections, conn.state and app \
                     live on, and on_reload is called. A version that does not load is reported and changes nothing"
    )]
    pub(super) watch: bool,
    /// After an error in a handler: close its connection (the default), end the run, or go on
    #[arg(long, value_name = "HOW")]
    pub(super) script_errors: Option<ScriptErrorsWord>,
    #[command(flatten)]
    pub(super) limits: ScriptLimitArgs,
    /// The script's args
    #[arg(value_name = "ARGS", last = true)]
    pub(super) args: Vec<String>,
}

#[derive(Debug, Args)]
#[command(next_help_heading = ENDING)]
pub(super) struct EndingArgs {
    /// End with 0 once what is received matches, with 1 if it never does
    #[arg(
        long,
        value_name = "REGEX",
        action = ArgAction::Append,
        allow_hyphen_values = true,
        long_help = "End with 0 once what is received matches this regular expression, with 1 if the connection ends \
                     before that. What is received still goes to stdout. With an encoding the decoded text is searched, \
                     without one the bytes; ^ and $ are the start and the end of all that is received, with (?m) those \
                     of a line. The first place where a match can end counts: a+ is seen with the first a. The end of stdin \
                     sends no FIN before the answer, because a peer that is told the end may leave without one"
    )]
    pub(super) expect: Vec<String>,
    /// End with 1 once what is received matches
    #[arg(
        long,
        value_name = "REGEX",
        action = ArgAction::Append,
        allow_hyphen_values = true,
        long_help = "End with 1 once what is received matches this regular expression. With --expect, what is seen first \
                     decides. The end of stdin sends no FIN; --eof-wait DUR ends a run in which the peer says nothing"
    )]
    pub(super) fail_on: Vec<String>,
    #[arg(
        long,
        value_name = "REGEX|Nb|Nl",
        action = ArgAction::Append,
        allow_hyphen_values = true,
        help = "End stdout exactly with this match, or after N bytes (Nb) or lines (Nl)",
        long_help = "End stdout exactly with the first match of this regular expression, or after N bytes (512b) or N lines \
                     (1l), and then the run with 0, whatever more the peer has sent; with 18 if the peer ends before that. \
                     Only digits with b or l are a number; 5b as a regular expression is [5]b. Matches are those of \
                     --expect; bytes and lines are counted as they go to stdout, and a line ends with LF. With -k each \
                     client is counted alone, and the first that gets there ends the run. With --expect, that has to be seen \
                     before (1 if not); with --fail-on, that must not (1)"
    )]
    pub(super) until: Vec<String>,
    /// Go on after the peer's end, until stdin ends too
    #[arg(
        long,
        long_help = "Go on after the peer's end, until stdin ends too. If stdout is a pipe, its reader gets the end as soon as \
                     what was received is written, except with a script or --events -, which may still write"
    )]
    pub(super) half_open: bool,
    /// Do not tell the peer when stdin ends (no FIN)
    #[arg(long)]
    pub(super) no_shutdown: bool,
    /// After stdin has ended, wait at most this long for the peer
    #[arg(
        long,
        value_name = "DUR",
        allow_hyphen_values = true,
        long_help = "After stdin has ended and the peer has acknowledged everything, wait at most this long for the peer's end \
                     (exit 0). 0 leaves at once after that, as nc -q 0 does. A peer that acknowledges nothing for this time, \
                     or for a second if that is longer, is not waited for. With -u the wait counts from the last datagram \
                     sent; its default is a second"
    )]
    pub(super) eof_wait: Option<String>,
    /// Discard what is received; end after stdin, when the peer does
    #[arg(
        long,
        long_help = "Discard what is received. Once stdin has ended and is sent (FIN), end when the peer does, or after \
                     --eof-wait. The peer's end alone ends nothing. stdout is not used"
    )]
    pub(super) send_only: bool,
    /// Never read stdin
    #[arg(long)]
    pub(super) recv_only: bool,
    /// Never read stdin, under its other name
    #[arg(long)]
    pub(super) no_stdin: bool,
}

#[derive(Clone, Copy, Debug, ValueEnum)]
pub(super) enum MalformedWord {
    Replace,
    Fail,
}

#[derive(Clone, Copy, Debug, ValueEnum)]
pub(super) enum UnencodableWord {
    Fail,
    Replace,
}

#[derive(Clone, Copy, Debug, ValueEnum)]
pub(super) enum ScriptErrorsWord {
    Close,
    Fatal,
    Ignore,
}

/// What tcpx is, in one line.
/// The first line of the help.
pub(super) const ABOUT: &str =
    "The netcat you can program and trust: TCP and UDP, in any text encoding, scripted in Rhai";

const ENDING: &str = "Ending";
const TIME: &str = "Time";
const OUTPUT: &str = "Output";
const TRANSPORT: &str = "Transport";
const PROXY: &str = "Proxy";
