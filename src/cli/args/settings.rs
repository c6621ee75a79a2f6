//! The words about defaults of the user's own.

use clap::{Args, Subcommand};

#[derive(Debug, Args)]
pub(in crate::cli) struct SettingsArgs {
    #[arg(
        long,
        help_heading = "Defaults",
        help = "Read neither config.toml nor TCPX_OPTIONS",
        long_help = "Read neither ~/.config/tcpx/config.toml (or that of $XDG_CONFIG_HOME) nor TCPX_OPTIONS, which have defaults for \
                     some options: tcpx config show lists them"
    )]
    pub(in crate::cli) no_config: bool,
}

#[derive(Debug, Subcommand)]
pub(in crate::cli) enum ConfigWord {
    /// Show which defaults there are, their values, and where each is from
    Show(SettingsArgs),
}
