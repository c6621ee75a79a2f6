//! The process: argv in, exit code or death by signal out.

use std::panic;
use std::process;
use std::thread;

use tcpx::exit::Exit;
use tcpx::net::signal;

fn main() {
    // A bug is one line that asks for a report, never a trace.
    panic::set_hook(Box::new(tcpx::bug::remember));
    let exit = on_a_large_stack(run);
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

/// A script can put values into each other without end, and cloning or dropping one goes down all the way. Where
/// there is no room for so much, the usual stack has to do.
fn on_a_large_stack(run: fn() -> Exit) -> Exit {
    for size in STACKS {
        // The panic hook knows the thread by this name.
        if let Ok(thread) = thread::Builder::new().name("main".to_owned()).stack_size(size).spawn(run) {
            return thread.join().unwrap_or(Exit::Bug);
        }
    }
    run()
}

/// Address space, not memory: a page is only taken when it is used.
const STACKS: [usize; 2] = [1 << 30, 64 << 20];
