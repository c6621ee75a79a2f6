//! The words of `tcpx help`.

use clap::Args;

#[derive(Debug, Args)]
pub(in crate::cli) struct HelpArgs {
    /// A command, or one of endings, encodings, scripts, exit-codes, recipes
    #[arg(value_name = "COMMAND|TOPIC")]
    pub(in crate::cli) words: Vec<String>,
}
