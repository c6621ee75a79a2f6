//! The words about messages and output.

use std::path::PathBuf;

use clap::{ArgAction, Args, ValueEnum, ValueHint};

use super::TerminalArgs;

#[derive(Debug, Args)]
#[command(next_help_heading = "Output")]
pub(in crate::cli) struct OutputArgs {
    #[arg(
        short = 'v',
        action = ArgAction::Count,
        help = "Say more on stderr; repeat for still more",
        long_help = "Say more on stderr: which addresses are tried, how long it takes, both addresses, and at the end \
                     bytes and duration of each connection. -vv also tells how bytes move: a few lines at first, then one a second for each \
                     direction of a connection"
    )]
    pub(in crate::cli) verbose: u8,
    /// Say nothing on stderr but errors and what scripts log
    #[arg(short = 'q', long)]
    pub(in crate::cli) quiet: bool,
    /// Show both directions as a hex dump on stderr
    #[arg(short = 'x', long)]
    pub(in crate::cli) hex: bool,
    #[arg(
        short = 'o',
        long,
        value_name = "FILE",
        value_hint = ValueHint::FilePath,
        help = "Write to this file instead of stdout; with %n, %a or %t, to one for each connection",
        long_help = "Write to this file instead of stdout. With %n (number), %a (peer) or %t (time in UTC) in its name each \
                     connection has a file of its own; a second one of the same name goes on in it. %% is a percent sign. \
                     What a script prints still goes to stdout then"
    )]
    pub(in crate::cli) output: Option<PathBuf>,
    #[arg(
        long,
        value_name = "FILE|-",
        value_hint = ValueHint::FilePath,
        help = "Write what happens to this file as JSON, one object a line; - is stdout",
        long_help = "Write what happens to this file as JSON, one object a line: connections, bytes (as text and as \
                     base64), errors, what the script prints, the exit code. - is stdout: then received bytes go only \
                     into the events, unless -o names a file for them. docs/events.md lists every object"
    )]
    pub(in crate::cli) events: Option<PathBuf>,
    /// Let the peer's control characters reach the terminal
    #[arg(
        long,
        long_help = "Let the peer's control characters reach the terminal. Without it they are shown as ^X, \\xHH or \
                     \\u{HHHH} there, and so are those that change the order of text. Colours, tabs and line ends pass, and \
                     so does CR, for progress bars: what follows it may write over the line. Files and pipes always \
                     get the bytes as they are"
    )]
    pub(in crate::cli) raw_terminal: bool,
    /// Show on stderr how much has moved, how fast, and how long a file will take; on a terminal, or with =always
    #[arg(long, value_name = "WHEN", num_args = 0..=1, require_equals = true, default_missing_value = "auto")]
    pub(in crate::cli) progress: Option<ProgressWord>,
    #[command(flatten)]
    pub(in crate::cli) terminal: TerminalArgs,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(in crate::cli) enum ProgressWord {
    /// If stderr is a terminal
    Auto,
    /// Elsewhere, too: a line each second
    Always,
    /// Not at all
    Never,
}
