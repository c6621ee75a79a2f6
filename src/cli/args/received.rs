//! The options about where what each connection receives goes.

use std::path::PathBuf;

use clap::{Args, ValueHint};

// No doc comments on the option group below: clap would take it for the help of the command it is in.

#[derive(Debug, Args)]
#[command(next_help_heading = "Output")]
pub(in crate::cli) struct ReceivedArgs {
    #[arg(
        long,
        value_name = "DIR",
        value_hint = ValueHint::DirPath,
        help = "Write what each connection receives to a file of its own in this directory",
        long_help = "Write what each connection receives to a file of its own in this directory, and not to stdout. The files are \
                     named after number and peer (%n-%a), or by -o: -o %t-%a.log. The directory has to be there (exit 23)"
    )]
    pub(in crate::cli) output_dir: Option<PathBuf>,
    #[arg(
        long,
        help = "Begin each line of output with the connection it comes from",
        long_help = "Begin each line of output with the connection it comes from: its label, or the address of the peer. A line is \
                     written when it is whole, or when its peer ends; of one longer than 64 KiB, what there is. Where \
                     lines are edited on a terminal, > and < tell what is sent from what is received"
    )]
    pub(in crate::cli) label: bool,
}
