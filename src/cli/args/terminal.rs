//! The words about a terminal on which people type.

use clap::{Args, ValueEnum};

#[derive(Debug, Args)]
#[command(next_help_heading = "Terminal")]
pub(in crate::cli) struct TerminalArgs {
    #[arg(
        long,
        help = "Do not keep the lines that are typed on a terminal for later runs",
        long_help = "Do not keep the lines that are typed on a terminal for later runs, and do not offer those of earlier runs. \
                     Otherwise they are in $XDG_STATE_HOME/tcpx/history (~/.local/state/tcpx/history), a file for each target. \
                     docs/terminal.md has the keys and the commands behind ~"
    )]
    pub(in crate::cli) no_history: bool,
    #[arg(
        long,
        help = "Send each key of a terminal as it is typed, for devices that edit and echo themselves; ~. leaves",
        long_help = "Send each key of a terminal as it is typed, Ctrl-C and Enter (CR) as well, for devices that edit and echo \
                     themselves. Commands behind ~ at the beginning of a line work: ~. leaves, ~? lists them"
    )]
    pub(in crate::cli) raw: bool,
    #[arg(
        long,
        help_heading = "Output",
        help = "Begin each line of output with the time of day",
        long_help = "Begin each line of output with the local time of day at which its first byte came, as HH:MM:SS.mmm; on a \
                     terminal each line that is sent as well, with > before it"
    )]
    pub(in crate::cli) timestamps: bool,
    #[arg(
        long,
        value_name = "WHEN",
        help = "Show what is typed on a terminal; lines are shown otherwise, with --raw keys are not",
        long_help = "Show what is typed on a terminal; lines are shown otherwise, with --raw keys are not. off holds wherever \
                     tcpx reads the terminal, also if stdout is a file or a pipe; the terminal then shows the end of a line"
    )]
    pub(in crate::cli) echo: Option<EchoWord>,
    #[arg(skip)]
    pub(in crate::cli) no_color: bool,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(in crate::cli) enum EchoWord {
    /// Show it
    On,
    /// Do not show it, nor keep it for later runs
    Off,
}
