//! Signals that end the run, as a source of the loop; and dying by one in earnest.

use std::io;

use signal_hook::consts::{SIGHUP, SIGINT, SIGPIPE, SIGTERM};
use signal_hook_mio::v1_0::Signals;

use crate::sys;

/// Starts to catch SIGINT, SIGTERM and SIGHUP, except those that were ignored when the process started:
/// `nohup` and background jobs of scripts expect that they stay ignored.
///
/// # Errors
/// The system refuses the handlers' pipe.
pub fn catch() -> io::Result<Signals> {
    // Asked before anything is caught, and by every loop of the process.
    let mut caught = [SIGINT, SIGTERM, SIGHUP].to_vec();
    caught.retain(|&signal| !sys::unix::is_ignored(signal));
    sys::interrupts::watch(&caught)?;
    Signals::new(caught)
}

/// The name without `SIG`.
pub fn name(signal: i32) -> &'static str {
    match signal {
        SIGINT => "INT",
        SIGTERM => "TERM",
        SIGHUP => "HUP",
        SIGPIPE => "PIPE",
        _ => "signal",
    }
}

/// Restores the default action and raises the signal, so that whoever waits sees a death by signal. Returns
/// only if that fails; then the exit code has to say it.
pub fn die_by(signal: i32) {
    let _ = signal_hook::low_level::emulate_default_handler(signal);
}
