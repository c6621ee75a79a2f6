//! The process: argv in, exit code or death by signal out.

use std::panic;
use std::process;

use tcpx::exit::Exit;
use tcpx::net::signal;

fn main() {
    // A bug is one line that asks for a report, never a trace.
    panic::set_hook(Box::new(tcpx::bug::remember));
    let exit = run();
    if let Exit::Signal(number) = exit {
        signal::die_by(number);
    }
    // Threads may still wait for a resolver: nobody joins them.
    process::exit(i32::from(exit.code()));
}

fn run() -> Exit {
    panic::catch_unwind(|| tcpx::run(std::env::args_os())).unwrap_or_else(|_| {
        tcpx::bug::report();
        Exit::Bug
    })
}
