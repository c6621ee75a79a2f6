//! The options of `tcpx run`, and those of every script that bound what it may do.

use std::path::PathBuf;

use clap::{ArgAction, Args, ValueHint};

use super::TIME;

// No doc comments on the option groups below: clap would take them for the help of the command they are in.

#[derive(Debug, Args)]
#[command(next_help_heading = "Script")]
pub(in crate::cli) struct ScriptLimitArgs {
    #[arg(
        long,
        value_name = "NAME=VALUE",
        action = ArgAction::Append,
        help = "Set app.NAME to this string before the script runs; repeat for more"
    )]
    pub(in crate::cli) set: Vec<String>,
    /// Stop a call into the script after this time [default: 2s]
    #[arg(long, value_name = "DUR", allow_hyphen_values = true)]
    pub(in crate::cli) script_timeout: Option<String>,
    #[arg(
        long,
        value_name = "N",
        allow_hyphen_values = true,
        help = "Seed of chance: the same number gives the same rand(), choose() and uuid() again"
    )]
    pub(in crate::cli) seed: Option<String>,
    #[arg(
        long,
        value_name = "N",
        allow_hyphen_values = true,
        help = "Connections that the script may have made at a time [default: by the limit of descriptors]",
        long_help = "Connections that the script may have made at a time, with connect(); one more is an error that it can \
                     catch. Without it, three quarters of the limit of descriptors (ulimit -n), so that some are left for \
                     clients, files and messages. -m limits the clients of the run"
    )]
    pub(in crate::cli) max_connects: Option<String>,
    /// Let the script read files in this folder too; repeat for more
    #[arg(
        long,
        value_name = "DIR",
        action = ArgAction::Append,
        value_hint = ValueHint::DirPath,
        long_help = "Let the script read files in this folder and below, besides the folder it is in. Can be repeated"
    )]
    pub(in crate::cli) allow_read: Vec<PathBuf>,
    /// Let the script write files in this folder; repeat for more
    #[arg(
        long,
        value_name = "DIR",
        action = ArgAction::Append,
        value_hint = ValueHint::DirPath,
        long_help = "Let the script write files in this folder and below. Without it a script writes none. Can be \
                     repeated"
    )]
    pub(in crate::cli) allow_write: Vec<PathBuf>,
}

#[derive(Debug, Args)]
pub(in crate::cli) struct RunArgs {
    /// The script; @NAME is a built-in one, - is stdin
    #[arg(value_name = "SCRIPT", value_hint = ValueHint::FilePath)]
    pub(in crate::cli) script: PathBuf,
    /// The script's args: everything after SCRIPT
    #[arg(value_name = "ARGS", trailing_var_arg = true, allow_hyphen_values = true)]
    pub(in crate::cli) args: Vec<String>,

    #[command(flatten)]
    pub(in crate::cli) limits: ScriptLimitArgs,

    #[command(flatten)]
    pub(in crate::cli) load: LoadArgs,

    /// End after this time, whatever happens
    #[arg(
        long,
        value_name = "DUR",
        allow_hyphen_values = true,
        help_heading = TIME,
        long_help = "End after this time, whatever happens (exit 28); with --start-at it counts from the start of the load. A \
                     DUR is 500ms, 2s, 1.5m, 1h30m; a bare number is in seconds"
    )]
    pub(in crate::cli) timeout: Option<String>,

    #[command(flatten)]
    pub(in crate::cli) output: super::OutputArgs,

    #[command(flatten)]
    pub(in crate::cli) conns: ConnsArgs,

    #[command(flatten)]
    pub(in crate::cli) settings: super::SettingsArgs,
}

#[derive(Debug, Args)]
pub(in crate::cli) struct ConnsArgs {
    /// Encoding of the connections, until they choose another
    #[arg(short = 'E', long, value_name = "LABEL", help_heading = "Text")]
    pub(in crate::cli) encoding: Option<String>,
    #[command(flatten)]
    pub(in crate::cli) route: super::RouteArgs,
}

#[derive(Debug, Args)]
#[command(next_help_heading = "Load")]
pub(in crate::cli) struct LoadArgs {
    /// Run main in this many tasks, and say how long the runs took
    #[arg(
        long,
        value_name = "N",
        allow_hyphen_values = true,
        long_help = "Run main in this many tasks, and say how long the runs took: rate, percentiles, failures by reason. Each \
                     runs once, or again and again with --duration. What a run has opened is closed at its end"
    )]
    pub(in crate::cli) clients: Option<String>,
    /// Share the clients among this many threads, each with an app of its own
    #[arg(long, value_name = "N", allow_hyphen_values = true)]
    pub(in crate::cli) workers: Option<String>,
    /// Begin runs for this time; those that run then have one second more
    #[arg(long, value_name = "DUR", allow_hyphen_values = true)]
    pub(in crate::cli) duration: Option<String>,
    #[arg(
        long,
        value_name = "N/s",
        allow_hyphen_values = true,
        help = "Begin so many runs in a second, or N/m, N/h, of all clients together",
        long_help = "Begin so many runs in a second (10/s), minute (600/m) or hour, of all clients together. Times count from when \
                     a run was due: one that finds no free client waits, and that is part of its time"
    )]
    pub(in crate::cli) rate: Option<String>,
    /// Reach the rate, or the number of clients, evenly within this time
    #[arg(long, value_name = "DUR", allow_hyphen_values = true)]
    pub(in crate::cli) ramp: Option<String>,
    #[arg(
        long,
        value_name = "EXPR",
        action = ArgAction::Append,
        allow_hyphen_values = true,
        help = "End with 1 if this holds, as in 'p99 > 50ms', 'login.p95 > 1s', 'failures > 1%'",
    )]
    pub(in crate::cli) fail_if: Vec<String>,
    /// Write the result to this file, for tcpx report; - is stdout
    #[arg(long, value_name = "FILE|-", value_hint = ValueHint::FilePath)]
    pub(in crate::cli) json: Option<PathBuf>,
    #[arg(
        long,
        value_name = "I/N",
        help = "Be shard I of N: a share of the clients and of the rate [default: TCPX_SHARD]",
        long_help = "Be shard I of N (counted from 1): a share of the clients and of the rate. auto takes the number from the \
                     engine that has started the copies, auto/N where it does not say how many. Without it TCPX_SHARD counts"
    )]
    pub(in crate::cli) shard: Option<String>,
    #[arg(
        long,
        value_name = "TIME",
        allow_hyphen_values = true,
        help = "Begin at this time (2026-11-26T15:00:00Z), or after this (+10s)",
        long_help = "Begin at this time (2026-11-26T15:00:00Z), or after this (+10s). --duration and --timeout count from then"
    )]
    pub(in crate::cli) start_at: Option<String>,
}
