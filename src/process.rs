//! The process around a run: panics become one line, the exit becomes a code or a death by signal.
//!
//! `main.rs` only calls this. What runs inside is up to `commands`.

use std::ffi::OsString;
use std::{panic, process};

use crate::exit::Exit;
use crate::sys::stack;
use crate::sys::unix::die_by;
use crate::{bug, commands};

pub use crate::sys::entry::prepare;
pub use crate::sys::memory::Counting;

/// Runs tcpx with this argv, program name included, and ends the process.
pub fn begin(argv: Vec<OsString>) -> ! {
    stack::watched();
    // A panic prints one line that asks for a report, no backtrace.
    panic::set_hook(Box::new(bug::remember));
    let exit = panic::catch_unwind(move || commands::run(argv)).unwrap_or_else(|_| {
        bug::report();
        Exit::Bug
    });
    if let Exit::Signal(number) = exit {
        die_by(number);
    }
    // Not joined: a thread may still wait for the resolver.
    process::exit(i32::from(exit.code()));
}
