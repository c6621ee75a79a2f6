//! The words about a terminal on which lines are typed.

use clap::Args;

#[derive(Debug, Args)]
#[command(next_help_heading = "Terminal")]
pub(in crate::cli) struct TerminalArgs {
    #[arg(
        long,
        help = "Do not keep the lines that are typed on a terminal for later runs",
        long_help = "Do not keep the lines that are typed on a terminal for later runs, and do not offer those of earlier runs. \
                     Otherwise they are in $XDG_STATE_HOME/tcpx/history (~/.local/state/tcpx/history), a file for each target"
    )]
    pub(in crate::cli) no_history: bool,
}
