//! The words of `--exec` and its relatives.

use clap::Args;

#[derive(Debug, Args)]
#[command(next_help_heading = "Programs")]
pub(in crate::cli) struct ExecArgs {
    /// Let this program talk to the peer: PROG and its arguments, without a shell
    #[arg(
        long,
        value_name = "PROG ARGS",
        allow_hyphen_values = true,
        conflicts_with = "sh",
        long_help = "Let this program talk to the peer: what is received is its stdin, its stdout is sent, its stderr is ours. \
                     The words are split at blanks, \"...\" holds some together, and nothing is expanded. With -k each client \
                     has a program of its own. It knows TCPX_REMOTE_ADDR, TCPX_REMOTE_PORT, TCPX_LOCAL_ADDR, TCPX_LOCAL_PORT \
                     and TCPX_PROTO, and does not outlive its connection"
    )]
    pub(in crate::cli) exec: Option<String>,
    /// The same for a command of the shell, as in 'sort | uniq -c'
    #[arg(long, value_name = "COMMAND", allow_hyphen_values = true)]
    pub(in crate::cli) sh: Option<String>,
    /// Give the program a terminal of its own, as for a shell or an editor
    #[arg(
        long,
        long_help = "Give the program a terminal of its own in place of pipes, as for a shell or an editor: it sees 24 lines of \
                     80 columns, its stderr is sent, too, and it gets a SIGINT when a Ctrl-C is received. The peer's FIN \
                     is a Ctrl-D"
    )]
    pub(in crate::cli) pty: bool,
    /// End with the exit status of the program; 128+n if signal n has ended it
    #[arg(
        long,
        long_help = "End with the exit status of the program; 128+n if signal n has ended it. Output of the program that could \
                     not be delivered because the connection broke is a fault, 56, with and without this option, whatever the \
                     program has ended with"
    )]
    pub(in crate::cli) exec_status: bool,
}
