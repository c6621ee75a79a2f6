//! tcpx: the netcat you can program and trust.
//!
//! Modules are arranged in floors; a floor imports only the floors below it (`tests/floors.rs` checks this):
//!
//! ```text
//! F5  main.rs                       the process: argv in, exit code out
//! F4  cli                           words → Config; nothing imports it
//! F3  driver                        the event loop: wires net + session + script + output
//! F2  net   script   output         sockets (mio) · scripts (rhai) · messages; never import each other
//! F1  session → layer → codec       pure state machines: no mio, no rhai, no clock, no printing
//! F0  config endpoint error exit buffer, sys (the only unsafe)
//! ```
//!
//! Data path: socket → Transport → Codec → Event → Handler → Command → Codec → outbound queue → socket.
//! `docs/architecture.md` walks through it.

pub mod buffer;
pub mod bug;
pub mod cli;
pub mod codec;
pub mod config;
pub mod driver;
pub mod endpoint;
pub mod error;
pub mod exit;
pub mod layer;
pub mod net;
pub mod output;
pub mod script;
pub mod session;
pub mod sys;

mod commands;

pub use commands::run;
