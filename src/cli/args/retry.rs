//! The options about making the connection again.

use clap::Args;

use super::TIME;

#[derive(Debug, Args)]
#[command(next_help_heading = TIME)]
pub(in crate::cli) struct RetryArgs {
    #[arg(
        long,
        value_name = "N",
        allow_hyphen_values = true,
        help = "Try this many times more when there is no connection (7), or not in time (28)",
        long_help = "Try this many times more when there is no connection (exit 7), or not in time (28 by --connect-timeout). What \
                     would not help again is not tried again: a name that does not resolve, a certificate that is not \
                     trusted, a proxy that refuses. --timeout bounds all tries together; -v says each. With -u what was sent \
                     and refused is sent again"
    )]
    pub(in crate::cli) retry: Option<String>,
    /// Time between two tries [default: 1s; with --reconnect 100ms, twice as long each time, up to 30s]
    #[arg(long, value_name = "DUR", allow_hyphen_values = true)]
    pub(in crate::cli) retry_delay: Option<String>,
    #[arg(
        long,
        help = "Connect again after any end, until a signal or exit() of a script",
        long_help = "Connect again after any end or failure, until a signal, --timeout, or exit() of a script. The pause before it is \
                     100ms, doubles up to 30s while nothing comes of it, and is 100ms again after a connection on which \
                     something was received. Each connection gets --send and the like; a stdin that is a pipe goes on with \
                     what the system of the last peer has not acknowledged, and a file starts again. So nothing is lost on the way, \
                     and what was acknowledged too late arrives twice: with -E whole lines, with TLS up to 64 KiB more. What a program \
                     that dies had not read was acknowledged, and is lost with it. Of a Unix socket, what was written has \
                     arrived. on_connect and session run for each. With --retry, N tries in a row without a connection end the run"
    )]
    pub(in crate::cli) reconnect: bool,
}
