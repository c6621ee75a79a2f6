//! The process: argv in, exit code or death by signal out.

use std::panic;
use std::process;

use tcpx::exit::Exit;
use tcpx::net::signal;
use tcpx::sys::stack;

fn main() {
    // A bug is one line that asks for a report, never a trace.
    panic::set_hook(Box::new(tcpx::bug::remember));
    // Where there is no room for a large stack, the usual one has to do.
    let exit = stack::spawn(run).map_or_else(|_| run(), |thread| thread.join().unwrap_or(Exit::Bug));
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
