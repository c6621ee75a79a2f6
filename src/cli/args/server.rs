//! The options of a server: how many clients, who is told that it is ready, when it gives up.

use std::path::PathBuf;

use clap::{ArgAction, Args, ValueHint};

use super::{PROXY, TIME};

#[derive(Debug, Args)]
#[command(next_help_heading = "Server")]
pub(in crate::cli) struct ServerArgs {
    /// Serve many clients at the same time; stdin goes to all of them
    #[arg(short = 'k', long)]
    pub(in crate::cli) keep_open: bool,
    /// Accept one connection and end when it has closed; the same as --accept 1
    #[arg(long)]
    pub(in crate::cli) once: bool,
    /// Accept this many connections and end when the last has closed
    #[arg(long, value_name = "N", allow_hyphen_values = true)]
    pub(in crate::cli) accept: Option<String>,
    /// Have at most this many open at once; further clients wait their turn
    #[arg(
        short = 'm',
        long,
        value_name = "N",
        allow_hyphen_values = true,
        long_help = "Have at most this many open at once. At the limit accepting pauses: further clients wait in \
                     the queue of the system, none is refused. With -u the client that was silent longest makes room"
    )]
    pub(in crate::cli) max_conns: Option<String>,
    /// Length of the system's queue of clients that are not accepted yet
    #[arg(long, value_name = "N", allow_hyphen_values = true)]
    pub(in crate::cli) backlog: Option<String>,
    #[arg(
        long,
        help = "Let other processes of this user listen at the same port, too (SO_REUSEPORT)",
        long_help = "Let other processes of this user listen at the same port, too (SO_REUSEPORT), if all of them say so: the system \
                     gives each client to one of them"
    )]
    pub(in crate::cli) reuse_port: bool,
    /// Take only clients from this address, network or host; @FILE is a list of them
    #[arg(
        long,
        value_name = "CIDR|@FILE",
        action = ArgAction::Append,
        long_help = "Take only clients from this address, network or host, as in 192.0.2.7, 10.0.0.0/8, 2001:db8::/32 or \
                     build.example.org, a name that is looked up once, at the start. Can be repeated, and holds several with \
                     commas between them; @FILE is a file of them, where a # begins a comment. \
                     Who is not allowed is disconnected before anything is said, and does not count for --accept and \
                     without -k. It holds for listeners of the script, too. -v tells of those who were refused"
    )]
    pub(in crate::cli) allow: Vec<String>,
    /// Take no clients from this address, network or host, even if they are allowed; @FILE is a list
    #[arg(long, value_name = "CIDR|@FILE", action = ArgAction::Append)]
    pub(in crate::cli) deny: Vec<String>,
    /// Run the script in this many threads, each with an app of its own
    #[arg(
        long,
        value_name = "N",
        allow_hyphen_values = true,
        long_help = "Run the script in this many threads that share the port (SO_REUSEPORT): the system gives each \
                     client to one of them. Each has its own app, timers and conns(), and calls on_start and on_stop \
                     for itself; nothing is shared. The end of one ends all"
    )]
    pub(in crate::cli) workers: Option<String>,
    /// Write HOST:PORT (or unix:PATH) to this file when clients can connect
    #[arg(
        long,
        value_name = "FILE",
        value_hint = ValueHint::FilePath,
        long_help = "Write HOST:PORT (or unix:PATH) to this file when clients can connect. A file of that name is removed at the \
                     start, and the new one appears complete: wait for it instead of sleeping"
    )]
    pub(in crate::cli) ready_file: Option<PathBuf>,
    /// Write HOST:PORT (or unix:PATH) to this open descriptor when clients can connect
    #[arg(long, value_name = "N", allow_hyphen_values = true)]
    pub(in crate::cli) ready_fd: Option<String>,
    /// Start this command of the shell when clients can connect, and end with its status when it ends
    #[arg(
        long,
        value_name = "COMMAND",
        allow_hyphen_values = true,
        long_help = "Start this command of the shell when clients can connect, and end with its status when it ends: a server for \
                     the time of a test. It knows TCPX_HOST, TCPX_PORT and TCPX_ADDR, has our stdout and stderr and an empty \
                     stdin, and is stopped (SIGTERM, after a second SIGKILL) when we are"
    )]
    pub(in crate::cli) run: Option<String>,
    /// Give up when no client has come after this time
    #[arg(long, value_name = "DUR", allow_hyphen_values = true, help_heading = TIME)]
    pub(in crate::cli) accept_timeout: Option<String>,
    #[arg(
        long,
        help_heading = PROXY,
        help = "Take each client's address from the header of the PROXY protocol that comes first",
        long_help = "Take each client's address from the header of the PROXY protocol that its proxy sends first, version 1 or 2. \
                     A connection that does not begin with one, or not within 10s, is closed. Whoever can connect can claim \
                     any address: listen where only the proxy can reach, or --allow only the proxy: --allow and --deny look \
                     at who connects, not at the header"
    )]
    pub(in crate::cli) accept_proxy: bool,
}
