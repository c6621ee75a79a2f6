//! Signals that arrive during a call into a script, when the event loop does not run: counted in the signal handler.
#![allow(unsafe_code)]

use std::io;
use std::sync::Once;
use std::sync::atomic::{AtomicI32, AtomicUsize, Ordering};

static COUNT: AtomicUsize = AtomicUsize::new(0);
static LAST: AtomicI32 = AtomicI32::new(0);
static WATCHED: Once = Once::new();

/// Starts to count these signals, in addition to other handlers; only the first call has an effect.
///
/// # Errors
/// The error of sigaction(2).
pub fn watch(signals: &[i32]) -> io::Result<()> {
    let mut result = Ok(());
    WATCHED.call_once(|| {
        for &signal in signals {
            let note = move || {
                LAST.store(signal, Ordering::Relaxed);
                COUNT.fetch_add(1, Ordering::Relaxed);
            };
            // SAFETY: the handler only stores into atomics, which signal-safety(7) allows.
            let registered = unsafe { signal_hook::low_level::register(signal, note) };
            if let Err(error) = registered {
                result = Err(error);
            }
        }
    });
    result
}

/// Number of signals so far.
pub fn count() -> usize {
    COUNT.load(Ordering::Relaxed)
}

/// Ends the process by the default action of the last signal.
pub fn die() -> ! {
    let signal = LAST.load(Ordering::Relaxed);
    let _ = signal_hook::low_level::emulate_default_handler(signal);
    std::process::exit(128 + signal)
}
