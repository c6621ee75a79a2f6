//! The process entry point: argv in, exit code or death by signal out.

#![no_main]

use std::ffi::OsString;
use std::panic;
use std::process;

use tcpx::exit::Exit;
use tcpx::net::signal;
use tcpx::sys::memory::Counting;
use tcpx::sys::stack;

/// Counts allocations, for the memory limit of a call into a script.
#[global_allocator]
static ALLOCATOR: Counting = Counting;

tcpx::entry!(begin);

fn begin(words: Vec<OsString>) -> ! {
    stack::watched();
    // A panic prints one line that asks for a report, no backtrace.
    panic::set_hook(Box::new(tcpx::bug::remember));
    let exit = run(words);
    if let Exit::Signal(number) = exit {
        signal::die_by(number);
    }
    // Not joined: a thread may still wait for the resolver.
    process::exit(i32::from(exit.code()));
}

fn run(words: Vec<OsString>) -> Exit {
    panic::catch_unwind(move || tcpx::run(words)).unwrap_or_else(|_| {
        tcpx::bug::report();
        Exit::Bug
    })
}
