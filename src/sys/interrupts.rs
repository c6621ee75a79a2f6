//! Signals that come while a script computes: the loop does not turn then, and cannot be told.
#![allow(unsafe_code)]

use std::io;
use std::sync::Once;
use std::sync::atomic::{AtomicI32, AtomicUsize, Ordering};

static COUNT: AtomicUsize = AtomicUsize::new(0);
static LAST: AtomicI32 = AtomicI32::new(0);
static WATCHED: Once = Once::new();

/// Counts these signals from now on, whoever else catches them; only the first call has an effect.
///
/// # Errors
/// What sigaction(2) reports.
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

/// How many have come in all.
pub fn count() -> usize {
    COUNT.load(Ordering::Relaxed)
}

/// Ends the process as the last of them does by default.
pub fn die() -> ! {
    let signal = LAST.load(Ordering::Relaxed);
    let _ = signal_hook::low_level::emulate_default_handler(signal);
    std::process::exit(128 + signal)
}
