//! The options about the way to a host, of commands whose connections have no options of their own.

use clap::Args;

use super::{ProxyArgs, TRANSPORT};

// No doc comments on the option groups below: clap would take them for the help of the command they are in.

#[derive(Debug, Args)]
pub(in crate::cli) struct RouteArgs {
    /// Use IPv4 only
    #[arg(short = '4', help_heading = TRANSPORT)]
    pub(in crate::cli) ipv4: bool,
    /// Use IPv6 only
    #[arg(short = '6', help_heading = TRANSPORT)]
    pub(in crate::cli) ipv6: bool,
    /// Resolve no names; only addresses work
    #[arg(short = 'n', long, help_heading = TRANSPORT)]
    pub(in crate::cli) no_dns: bool,
    #[command(flatten)]
    pub(in crate::cli) proxy: ProxyArgs,
}
