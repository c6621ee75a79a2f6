//! `Console`: words for people, on stderr.
//!
//! Owns their form: `tcpx: ` before trouble, `hint: ` before advice, a time before a script's log lines. Nothing
//! from outside gets onto the screen raw, and a stderr that is closed or full disturbs nobody.

use std::io::Write;

use jiff::Zoned;

use crate::codec::escape::show_line;
use crate::endpoint::Address;
use crate::error::Error;
use crate::output::Observer;
use crate::session::view::Side;
use crate::session::{CloseReason, ConnView};

/// How much is said.
#[derive(Clone, Copy, Debug)]
pub struct Console {
    verbose: u8,
    quiet: bool,
}

impl Console {
    /// `verbose` as counted on the command line; `quiet` leaves only trouble.
    pub fn new(verbose: u8, quiet: bool) -> Self {
        Self { verbose, quiet }
    }

    /// Whether the course of connections is told.
    pub fn is_verbose(&self) -> bool {
        self.verbose > 0
    }

    /// Trouble, with its hint. A message of several lines (a script's) keeps them.
    pub fn error(&self, error: &Error) {
        trouble(&error.to_string());
        if let Some(hint) = error.hint() {
            write_lines("hint: ", hint);
        }
    }

    /// Trouble that ends nothing.
    pub fn warn(&self, message: &str) {
        trouble(message);
    }

    /// A step on the way, told with `-v`.
    pub fn note(&self, message: &str) {
        if self.is_verbose() {
            trouble(message);
        }
    }

    /// Where a server listens; told unless quiet.
    pub fn listening(&self, address: &Address) {
        if !self.quiet {
            write_stderr(&format!("listening on {}\n", show_line(&address.to_string())));
        }
    }

    /// A script was loaded again; told unless quiet.
    pub fn reloaded(&self, name: &str) {
        if !self.quiet {
            write_stderr(&format!("reloaded {}\n", show_line(name)));
        }
    }

    /// A script's log line, with the local time and the connection's name.
    pub fn log(&self, name: Option<&str>, text: &str) {
        let time = time_of_day();
        match name {
            Some(name) => write_stderr(&format!("{time} {}: {}\n", show_line(name), show_line(text))),
            None => write_stderr(&format!("{time} {}\n", show_line(text))),
        }
    }
}

fn trouble(message: &str) {
    write_lines("tcpx: ", message);
}

/// With `-v`, tells the course of every connection.
impl Observer for Console {
    fn opened(&mut self, conn: &ConnView) {
        match conn.side {
            Side::Server => self.note(&format!("accepted {} on {}", conn.peer.borrow(), conn.local.borrow())),
            Side::Client => self.note(&format!("connected to {} from {}", conn.peer.borrow(), conn.local.borrow())),
        }
    }

    fn received(&mut self, conn: &ConnView, bytes: &[u8]) {
        if self.verbose > 1 {
            self.note(&format!("{}: received {} bytes", conn.name(), bytes.len()));
        }
    }

    fn sent(&mut self, conn: &ConnView, bytes: &[u8]) {
        if self.verbose > 1 {
            self.note(&format!("{}: sent {} bytes", conn.name(), bytes.len()));
        }
    }

    fn closed(&mut self, conn: &ConnView, why: CloseReason) {
        let (received, sent) = (conn.bytes_in.get(), conn.bytes_out.get());
        self.note(&format!("closed {} ({}): {received} bytes received, {sent} sent", conn.name(), why.name()));
    }
}

/// Writes to stderr what nobody outside wrote.
pub fn write_stderr(text: &str) {
    // Nobody can be told that stderr is gone.
    let _ = std::io::stderr().write_all(text.as_bytes());
}

/// Writes a message, the prefix before its first line.
fn write_lines(prefix: &str, message: &str) {
    let mut out = String::from(prefix);
    for (number, line) in message.lines().enumerate() {
        if number > 0 {
            out.push('\n');
        }
        out.push_str(&show_line(line));
    }
    out.push('\n');
    write_stderr(&out);
}

/// `HH:MM:SS.mmm`, local.
fn time_of_day() -> String {
    Zoned::now().strftime("%H:%M:%S.%3f").to_string()
}
