//! The options about proxies: those on the way to a target, and versions of the PROXY protocol.

use std::path::PathBuf;

use clap::{ArgAction, Args, ValueEnum, ValueHint};

use super::PROXY;

// No doc comments on the option groups below: clap would take them for the help of the command they are in.

#[derive(Debug, Args)]
#[command(next_help_heading = PROXY)]
pub(in crate::cli) struct ProxyArgs {
    #[arg(
        long,
        value_name = "URL",
        action = ArgAction::Append,
        help = "Connect through this proxy: socks5://, socks4://, socks4a:// or http://[USER:PASSWORD@]HOST:PORT",
        long_help = "Connect through this proxy: socks5://[USER:PASSWORD@]HOST:PORT, socks4a://, http:// (CONNECT) or socks4://. \
                     Repeat it for several, in the order of travel. The proxy resolves the name of the target; only for \
                     socks4:// it is resolved here. USER and PASSWORD may hold %HH for any byte; they are never shown, and \
                     better come from TCPX_PROXY_AUTH or --proxy-auth-file. --connect-timeout covers the whole way. A proxy \
                     that cannot be reached, refuses or makes no sense is exit 97. Connections of a script go the same way, \
                     unless they say otherwise"
    )]
    pub(in crate::cli) proxy: Vec<String>,
    #[arg(
        long,
        value_name = "FILE",
        value_hint = ValueHint::FilePath,
        help = "Read USER:PASSWORD for the proxy from this file, instead of TCPX_PROXY_AUTH",
        long_help = "Read USER:PASSWORD for the proxy from this file. With several proxies, each line is for the next one whose \
                     URL has no password. TCPX_PROXY_AUTH holds one for the first of them. Where the URL names a user, the \
                     password alone is enough"
    )]
    pub(in crate::cli) proxy_auth_file: Option<PathBuf>,
}

#[derive(Clone, Copy, Debug, ValueEnum)]
pub(in crate::cli) enum HeaderWord {
    V1,
    V2,
}
