//! Signals that end the run: as an event source of the loop, and death by a signal.

use std::io;

use signal_hook::consts::{SIGHUP, SIGINT, SIGPIPE, SIGTERM};
use signal_hook_mio::v1_0::Signals;

use crate::sys;

/// Catches SIGINT, SIGTERM and SIGHUP, except those that were ignored when the process started: `nohup` and background
/// jobs of shell scripts rely on that.
///
/// # Errors
/// The pipe of the handlers cannot be created.
pub fn catch() -> io::Result<Signals> {
    // Before anything is caught; called by every worker of the process.
    let mut caught = [SIGINT, SIGTERM, SIGHUP].to_vec();
    caught.retain(|&signal| !sys::unix::is_ignored(signal));
    sys::interrupts::watch(&caught)?;
    Signals::new(caught)
}

/// The name of a signal without `SIG`.
pub fn name(signal: i32) -> &'static str {
    match signal {
        SIGINT => "INT",
        SIGTERM => "TERM",
        SIGHUP => "HUP",
        SIGPIPE => "PIPE",
        _ => "signal",
    }
}
