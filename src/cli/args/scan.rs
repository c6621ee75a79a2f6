//! The options of `tcpx scan`.

use clap::{ArgAction, Args, ValueHint};

use super::{OUTPUT, RouteArgs, TIME};

// No doc comments on the option groups below: clap would take them for the help of the command they are in.

#[derive(Debug, Args)]
pub(in crate::cli) struct ScanArgs {
    /// The host, and its ports unless -p has them; with -p several hosts
    #[arg(value_name = "HOST", required = true, value_hint = ValueHint::Hostname)]
    pub(in crate::cli) words: Vec<String>,

    #[arg(
        short = 'p',
        long,
        value_name = "PORTS",
        action = ArgAction::Append,
        allow_hyphen_values = true,
        help = "The ports: numbers, service names and ranges, as in 22,http,8000-8100",
        long_help = "The ports: numbers, service names and ranges, as in 22,http,8000-8100; can be repeated. Each is tried once, \
                     hundreds at a time"
    )]
    pub(in crate::cli) ports: Vec<String>,

    #[arg(long, help_heading = OUTPUT, help = "Write one array of JSON: [{\"port\":22,\"state\":\"open\"}]")]
    pub(in crate::cli) json: bool,
    #[arg(
        short = 'v',
        action = ArgAction::Count,
        help_heading = OUTPUT,
        help = "Write closed and filtered ports, too",
        long_help = "Write closed ports, which refuse, and filtered ones, too: they do not answer in time, or something on the way \
                     objects. Behind a proxy that does not say why it cannot connect, as with socks4:// and http://, a port that is not \
                     open is unknown. A host with several addresses is as its best one: open, else closed"
    )]
    pub(in crate::cli) verbose: u8,

    /// How long one port may take without an answer [default: 2s]
    #[arg(short = 'w', long, value_name = "DUR", help_heading = TIME, allow_hyphen_values = true)]
    pub(in crate::cli) connect_timeout: Option<String>,
    /// End after this time, whatever is not known yet (exit 28)
    #[arg(long, value_name = "DUR", help_heading = TIME, allow_hyphen_values = true)]
    pub(in crate::cli) timeout: Option<String>,

    #[command(flatten)]
    pub(in crate::cli) route: RouteArgs,

    #[command(flatten)]
    pub(in crate::cli) settings: super::SettingsArgs,
}
