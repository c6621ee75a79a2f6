//! `Events`: notices as NDJSON, one object a line (`--events`); `docs/events.md` is the contract.
//!
//! Owns the names, order and form of the fields. Lines for stdout are collected in a buffer that the driver writes with
//! back-pressure; lines for a file are written here.

use std::cell::RefCell;
use std::fs::File;
use std::io::Write;
use std::path::Path;
use std::rc::Rc;
use std::time::{Duration, Instant, SystemTime};

use jiff::Timestamp;

use crate::endpoint::Address;
use crate::error::{Error, Result, cause};
use crate::output::{Moment, Notice, Observer, Tap, Taps, json};
use crate::session::{ConnId, Direction, Side};

/// Buffer of finished lines, shared with the writer.
pub type Lines = Rc<RefCell<Vec<u8>>>;

/// Writes one JSON object for each notice.
#[derive(Debug)]
pub struct Events {
    start: Instant,
    sink: Sink,
    fault: Option<Error>,
}

/// The destination of lines.
#[derive(Debug)]
enum Sink {
    /// A buffer that the driver empties.
    Shared(Lines),
    File {
        file: File,
        name: String,
        lines: Vec<u8>,
    },
    /// Writing has failed.
    Broken,
}

impl Events {
    /// Events for a file, which is created or truncated.
    ///
    /// # Errors
    /// The file cannot be opened for writing.
    pub fn create(path: &Path, start: Instant, wall: SystemTime) -> Result<Self> {
        let name = path.display().to_string();
        let file = File::create(path);
        let failed = |error| {
            Error::shortage(&error).unwrap_or_else(|| Error::Write { target: name.clone(), cause: cause(&error) })
        };
        let file = file.map_err(failed)?;
        Ok(Self::new(Sink::File { file, name, lines: Vec::new() }, start, wall))
    }

    /// Events that the caller writes, and the buffer that holds them.
    pub fn shared(start: Instant, wall: SystemTime) -> (Self, Lines) {
        let lines = Lines::default();
        (Self::new(Sink::Shared(Rc::clone(&lines)), start, wall), lines)
    }

    fn new(sink: Sink, start: Instant, wall: SystemTime) -> Self {
        let mut this = Self { start, sink, fault: None };
        // Jiff's timestamps end in the year 9999; a later clock shows the epoch.
        let wall = Timestamp::try_from(wall).unwrap_or_default();
        let mut line = Line::new(Duration::ZERO, None, "start");
        line.text("wall", &format!("{wall:.6}")).text("version", env!("CARGO_PKG_VERSION"));
        this.push(line);
        this
    }

    fn push(&mut self, line: Line) {
        let is_full = match &mut self.sink {
            Sink::Shared(lines) => {
                line.finish(&mut lines.borrow_mut());
                false
            }
            Sink::File { lines, .. } => {
                line.finish(lines);
                lines.len() >= FILE_BUFFER
            }
            Sink::Broken => false,
        };
        if is_full {
            self.flush();
        }
    }
}

impl Observer for Events {
    fn wants(&self) -> Taps {
        Taps::Read(Tap::Plain)
    }

    fn notice(&mut self, at: Moment<'_>, notice: &Notice<'_>) {
        if let Some(line) = line(self.start, at.mono, notice) {
            self.push(line);
        }
    }

    fn holds_back(&self) -> bool {
        matches!(self.sink, Sink::File { .. })
    }

    fn flush(&mut self) {
        let Sink::File { file, name, lines } = &mut self.sink else { return };
        match file.write_all(lines) {
            Ok(()) => lines.clear(),
            Err(error) => {
                self.fault = Some(Error::Write { target: std::mem::take(name), cause: cause(&error) });
                self.sink = Sink::Broken;
            }
        }
    }

    fn fault(&mut self) -> Option<Error> {
        self.fault.take()
    }
}

/// The object for a notice; `None` if there is none.
fn line(start: Instant, now: Instant, notice: &Notice<'_>) -> Option<Line> {
    let line = |conn, event| Line::new(now.saturating_duration_since(start), conn, event);
    Some(match *notice {
        Notice::Listening { address, listener } => {
            let mut line = line(None, "listening");
            line.text("address", &address.to_string());
            if let Some(listener) = listener {
                line.number("listener", listener);
            }
            line
        }
        Notice::Resolving { conn, host } => line(Some(conn), "resolving").with("host", host),
        Notice::Resolved { conn, host, addresses, took } => {
            let mut line = line(Some(conn), "resolved").with("host", host);
            line.texts("addresses", addresses.iter().map(Address::host)).duration(took);
            line
        }
        Notice::Dialing { conn, target, address } => {
            line(Some(conn), "dialing").with("target", target).with("address", &address.to_string())
        }
        Notice::AttemptFailed { conn, address, cause } => {
            line(Some(conn), "attempt_failed").with("address", &address.to_string()).with("cause", cause)
        }
        Notice::Refused { peer, local, listener, .. } => {
            let mut line = line(None, "refused").with("peer", &peer.to_string()).with("local", &local.to_string());
            if let Some(listener) = listener {
                line.number("listener", listener);
            }
            line
        }
        Notice::Retry { conn, error, pause, left, .. } => {
            let mut line = line(Some(conn), "retry");
            if let Some(error) = error {
                line.text("kind", kind(error)).text("message", &error.to_string());
            }
            line.number("pause_us", u64::try_from(pause.as_micros()).unwrap_or(u64::MAX));
            if let Some(left) = left {
                line.number("left", left);
            }
            line
        }
        Notice::Opened { conn, took } => {
            let side = match conn.info.side() {
                Side::Server => "server",
                Side::Client => "client",
                Side::Program => "program",
            };
            let mut line = line(Some(conn.id), "opened").with("side", side);
            line.text("peer", &conn.info.peer().to_string()).text("local", &conn.info.local().to_string());
            if let Some(listener) = conn.info.listener() {
                line.number("listener", listener);
            }
            if let Some(took) = took {
                line.duration(took);
            }
            line
        }
        Notice::Secured { conn, facts } => {
            let mut line = line(Some(conn.id), "tls").with("version", facts.version).with("suite", &facts.suite);
            for (name, value) in [("alpn", &facts.alpn), ("name", &facts.name)] {
                if let Some(value) = value {
                    line.text(name, value);
                }
            }
            if let Some(peer) = &facts.peer {
                line.text("subject", &peer.subject).text("issuer", &peer.issuer);
                line.text("sha256", &peer.sha256.to_string());
            }
            line
        }
        Notice::Certificate { sha256 } => line(None, "certificate").with("sha256", sha256),
        Notice::Bytes { conn, direction, tap: Tap::Plain, bytes } => {
            let mut line = line(Some(conn.id), "data").with("dir", name(direction));
            line.number("len", bytes.len() as u64).bytes(bytes);
            line
        }
        Notice::Bytes { .. } | Notice::Moved { .. } => return None,
        Notice::Ended { conn, direction } => line(Some(conn.id), "eof").with("dir", name(direction)),
        Notice::Error { conn, error, handled } => {
            let mut line = line(conn, "error").with("kind", kind(error)).with("message", &error.to_string());
            line.flag("handled", handled);
            line
        }
        Notice::Started { conn, program, pid } => {
            let mut line = line(Some(conn.id), "started").with("program", program);
            line.number("pid", pid.into());
            line
        }
        Notice::Exited { conn, program, code, .. } => {
            let mut line = line(Some(conn.id), "exited").with("program", program);
            line.number("status", code.into());
            line
        }
        Notice::Closed { conn, reason } => {
            let mut line = line(Some(conn.id), "closed").with("reason", reason.name());
            line.number("bytes_in", conn.info.bytes_in()).number("bytes_out", conn.info.bytes_out());
            line.duration(now.saturating_duration_since(conn.info.opened()));
            line
        }
        Notice::Dropped { conn, queued } => {
            let mut line = line(Some(conn.id), "dropped");
            line.number("queued", queued as u64);
            line
        }
        Notice::Unsent { conn, queued } => {
            let mut line = line(Some(conn.id), "unsent");
            line.number("queued", queued as u64);
            line
        }
        Notice::Unwritten { name, queued } => {
            let mut line = line(None, "unwritten").with("name", name);
            line.number("queued", queued as u64);
            line
        }
        Notice::Lost { conn, n } => {
            let mut line = line(Some(conn.id), "lost");
            line.number("n", n);
            line
        }
        Notice::StdinLeft { conn } => line(Some(conn.id), "stdin_left"),
        Notice::SentToNobody { conn, name } => line(Some(conn), "sent_to_nobody").with("name", name),
        Notice::AcceptPaused { address, cause } => {
            line(None, "accept_paused").with("address", &address.to_string()).with("cause", cause)
        }
        Notice::Log { conn, text } => {
            let mut line = line(conn.map(|(id, _)| id), "log").with("text", text);
            if let Some((_, name)) = conn {
                line.text("name", name);
            }
            line
        }
        Notice::Print { text } => line(None, "print").with("text", text.strip_suffix('\n').unwrap_or(text)),
        Notice::Write { bytes } => {
            let mut line = line(None, "write");
            line.number("len", bytes.len() as u64).bytes(bytes);
            line
        }
        Notice::ScriptWarning { text } => line(None, "script_warning").with("message", text),
        Notice::Reloaded { name } => line(None, "reloaded").with("name", name),
        Notice::NotReloaded { name, error } => {
            line(None, "not_reloaded").with("name", name).with("message", &error.to_string())
        }
        Notice::Signal { name } => line(None, "signal").with("name", name),
        Notice::Summary(totals) => {
            let mut line = line(None, "summary");
            line.number("refused", totals.refused).number("lost", totals.lost);
            line
        }
        Notice::Exit { code } => {
            let mut line = line(None, "exit");
            line.number("code", code.into());
            line
        }
    })
}

fn name(direction: Direction) -> &'static str {
    match direction {
        Direction::In => "in",
        Direction::Out => "out",
    }
}

fn kind(error: &Error) -> &'static str {
    match error {
        Error::Usage { .. } => "usage",
        Error::Resolve { .. } => "resolve",
        Error::Connect { .. } => "connect",
        Error::Proxy { .. } => "proxy",
        Error::Timeout { .. } => "timeout",
        Error::Broken { .. } => "broken",
        Error::Handshake { .. } => "tls",
        Error::Untrusted { .. } => "certificate",
        Error::Certificate { .. } => "own_certificate",
        Error::NoRoots { .. } => "roots",
        Error::Bind { .. } => "bind",
        Error::Write { .. } => "write",
        Error::Read { .. } | Error::ReadSettings { .. } => "read",
        Error::ScriptLoad { .. } => "script_load",
        Error::ScriptRun { .. } | Error::Task { .. } => "script",
        Error::Text { .. } => "text",
        Error::Verdict { .. } => "verdict",
        Error::CutShort { .. } => "cut_short",
        Error::Program { .. } | Error::ProgramStatus { .. } => "program",
        Error::Shortage { .. } => "shortage",
        Error::System { .. } => "system",
    }
}

/// One JSON object under construction, with fields in the order of the calls.
struct Line(Vec<u8>);

impl Line {
    fn new(time: Duration, conn: Option<ConnId>, event: &str) -> Self {
        let mut line = Self(b"{\"time_us\":".to_vec());
        line.digits(time.as_micros());
        if let Some(conn) = conn {
            line.number("conn", conn);
        }
        line.with("event", event)
    }

    fn with(mut self, key: &str, value: &str) -> Self {
        self.text(key, value);
        self
    }

    fn text(&mut self, key: &str, value: &str) -> &mut Self {
        self.key(key);
        json::push_string(&mut self.0, value);
        self
    }

    fn texts(&mut self, key: &str, values: impl Iterator<Item = String>) -> &mut Self {
        self.key(key);
        self.0.push(b'[');
        for (number, value) in values.enumerate() {
            if number > 0 {
                self.0.push(b',');
            }
            json::push_string(&mut self.0, &value);
        }
        self.0.push(b']');
        self
    }

    fn number(&mut self, key: &str, value: u64) -> &mut Self {
        self.key(key);
        self.digits(value.into());
        self
    }

    fn duration(&mut self, value: Duration) -> &mut Self {
        self.key("duration_us");
        self.digits(value.as_micros());
        self
    }

    fn flag(&mut self, key: &str, value: bool) -> &mut Self {
        self.key(key);
        self.0.extend_from_slice(if value { b"true" } else { b"false" });
        self
    }

    /// Adds `base64`, and before it `text` if the bytes are UTF-8.
    fn bytes(&mut self, bytes: &[u8]) -> &mut Self {
        if let Ok(text) = std::str::from_utf8(bytes) {
            self.text("text", text);
        }
        self.key("base64");
        json::push_base64(&mut self.0, bytes);
        self
    }

    fn finish(self, out: &mut Vec<u8>) {
        out.extend_from_slice(&self.0);
        out.extend_from_slice(b"}\n");
    }

    fn key(&mut self, key: &str) {
        self.0.extend_from_slice(b",\"");
        self.0.extend_from_slice(key.as_bytes());
        self.0.extend_from_slice(b"\":");
    }

    fn digits(&mut self, value: u128) {
        // Writing to a Vec cannot fail.
        let _ = write!(self.0, "{value}");
    }
}

/// Maximum buffered bytes of lines for a file within one round.
const FILE_BUFFER: usize = 64 << 10;

#[cfg(test)]
mod tests;
