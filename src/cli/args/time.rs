//! The options about time that connect and listen share.

use clap::Args;

use super::TIME;

// No doc comment on the option group below: clap would take it for the help of the command it is in.

#[derive(Debug, Args)]
#[command(next_help_heading = TIME)]
pub(in crate::cli) struct TimeArgs {
    /// End when nothing moved in either direction for this time; counts for each connection
    #[arg(
        short = 'i',
        long,
        value_name = "DUR",
        allow_hyphen_values = true,
        long_help = "End when nothing moved in either direction for this time (exit 28); counts for each connection. A peer \
                     that still acknowledges what was sent is not idle, however slowly it reads, and neither is one that \
                     waits because stdout or its partner is full"
    )]
    pub(in crate::cli) idle_timeout: Option<String>,
    /// End after this time, whatever happens
    #[arg(
        long,
        value_name = "DUR",
        allow_hyphen_values = true,
        long_help = "End after this time, whatever happens (exit 28). A DUR is 500ms, 2s, 1.5m, 1h30m; a bare number is \
                     in seconds"
    )]
    pub(in crate::cli) timeout: Option<String>,
    /// Pause this long after each line that is sent
    #[arg(
        long,
        value_name = "DUR",
        allow_hyphen_values = true,
        long_help = "Pause this long after each line that is sent, from stdin, --send, --send-file, a script or a program, \
                     except the last. A line ends with LF; what has none yet is not held back. Each client has pauses \
                     of its own, and a pause is no silence for --idle-timeout. With -u each line of stdin is a datagram, \
                     and the pause follows each datagram"
    )]
    pub(in crate::cli) line_delay: Option<String>,
}
