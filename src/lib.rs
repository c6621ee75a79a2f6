//! tcpx: the netcat you can program and trust.
//!
//! Modules are arranged in floors; a floor imports only the floors below it (`tests/floors.rs` checks this):
//!
//! ```text
//! F5  main.rs                       C's `main`: calls `process`
//! F4  cli  commands  process        words → Config; the run; the process around it
//! F3  driver                        the event loop: wires net + session + script + output
//! F2  net   script   output         sockets (mio) · scripts (rhai) · messages; never import each other
//! F1  session → layer → load → codec → editor  pure: no mio, no rhai, no clock, no printing
//! F0  config endpoint proxy error language exit buffer verdicts, sys (the only unsafe)
//! ```
//!
//! Data path: socket → Transport → Codec → Event → Handler → Command → Codec → outbound queue → socket.
//! `docs/architecture.md` walks through it.

// `missing_docs` sees only what this file shows; this one, what modules show each other (`clippy.toml`).
#![cfg_attr(not(test), warn(clippy::missing_docs_in_private_items))]

mod buffer;
mod bug;
mod cli;
mod codec;
mod commands;
mod config;
mod driver;
mod editor;
mod endpoint;
mod error;
mod exit;
mod language;
mod layer;
mod load;
mod net;
mod output;
#[doc(hidden)]
pub mod process;
mod proxy;
mod script;
mod session;
mod sys;
mod verdicts;

pub use commands::run;
pub use exit::Exit;

/// What `benches/` measures; no interface.
#[doc(hidden)]
pub mod bench {
    pub use crate::buffer::ByteQueue;
    pub use crate::codec::charset::{Decoder, Encoder};
    pub use crate::codec::framing::{Endian, Framer, Framing, LengthHeader, MAX_FRAME};
    pub use crate::codec::labels;
    pub use crate::codec::seam::Seam;
    pub use crate::config::{Charset, Malformed, Region, Script, ScriptSource, Text, Unencodable};
    pub use crate::layer::toxics::Toxic;
    pub use crate::net::reactor::{Io, Reactor};
    pub use crate::script::ScriptHandler;
    pub use crate::session::connection::Settings;
    pub use crate::session::{
        ChosenForm, Command, ConnView, Direction, Event, EventMask, Form, Handler, Link, RunEvent, Side,
    };
    pub use crate::sys::memory::Counting;
}

/// What `tests/` compares with the committed files and documents; no interface.
#[doc(hidden)]
pub mod testing {
    pub use crate::cli::generate::files;
    pub use crate::cli::{Stop, parse};
    pub use crate::config::ScriptSource;
    pub use crate::language::Catalogue;
    pub use crate::script::strict::check;
}
