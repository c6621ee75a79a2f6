//! Calls to the operating system that need `unsafe`, which is allowed only here.
//!
//! Owns the entry point, signal dispositions, descriptors given by number, memory accounting, hints for the cache, stacks and
//! the databases of services and hosts. Knows nothing of connections or scripts.

pub mod coroutine;
pub mod datagram;
pub mod entry;
pub mod hosts;
pub mod interrupts;
pub mod machine;
pub mod memory;
pub mod names;
pub mod prefetch;
pub mod pty;
pub mod services;
pub mod stack;
pub mod tty;
pub mod unix;
