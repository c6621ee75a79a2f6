//! The process entry point. Everything else is in the library.

#![no_main]

use tcpx::process::Counting;

/// Counts allocations, for the memory limit of a call into a script.
#[global_allocator]
static ALLOCATOR: Counting = Counting;

tcpx::entry!(tcpx::process);
