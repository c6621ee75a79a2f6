//! The options of `tcpx wait`.

use clap::{ArgAction, Args, ValueHint};

use super::{ENDING, OUTPUT, RouteArgs, TIME, TRANSPORT, TlsArgs};

// No doc comments on the option groups below: clap would take them for the help of the command they are in.

#[derive(Debug, Args)]
pub(in crate::cli) struct WaitArgs {
    /// What to wait for, one after the other: HOST PORT, HOST:PORT or unix:PATH
    #[arg(value_name = "TARGET", required = true, value_hint = ValueHint::Hostname)]
    pub(in crate::cli) targets: Vec<String>,

    /// Wait until what a new connection receives matches
    #[arg(
        long,
        value_name = "REGEX",
        allow_hyphen_values = true,
        help_heading = ENDING,
        long_help = "Wait until what a connection receives matches this regular expression. Each try is a new connection, which \
                     ends with the peer's end or after --connect-timeout"
    )]
    pub(in crate::cli) expect: Option<String>,
    /// Send this text on each connection before the answer is awaited; knows \r \n \t \0 \xHH \u{...}
    #[arg(long, value_name = "TEXT", action = ArgAction::Append, allow_hyphen_values = true, help_heading = ENDING)]
    pub(in crate::cli) send: Vec<String>,

    /// Give up a try after this time without a connection, or without an answer [default: 5s]
    #[arg(short = 'w', long, value_name = "DUR", help_heading = TIME, allow_hyphen_values = true)]
    pub(in crate::cli) connect_timeout: Option<String>,
    /// Give up after this time (exit 28) [default: never]
    #[arg(long, value_name = "DUR", help_heading = TIME, allow_hyphen_values = true)]
    pub(in crate::cli) timeout: Option<String>,

    /// Say each try on stderr
    #[arg(short = 'v', action = ArgAction::Count, help_heading = OUTPUT)]
    pub(in crate::cli) verbose: u8,
    /// Say nothing on stderr but the error that ends it
    #[arg(short = 'q', long, help_heading = OUTPUT)]
    pub(in crate::cli) quiet: bool,

    /// Use UDP; only an answer that --expect waits for proves that somebody is there
    #[arg(short = 'u', long, help_heading = TRANSPORT)]
    pub(in crate::cli) udp: bool,
    #[command(flatten)]
    pub(in crate::cli) route: RouteArgs,
    #[command(flatten)]
    pub(in crate::cli) tls: TlsArgs,

    #[command(flatten)]
    pub(in crate::cli) settings: super::SettingsArgs,
}
