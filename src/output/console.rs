//! `Console`: words for people, on stderr; `Commentator`: the observer that makes them from notices.
//!
//! Owns the sentences and their form: `tcpx: ` before trouble, `hint: ` before advice, a time before a script's log
//! lines. Nothing from outside gets onto the screen raw, and a stderr that is closed or full disturbs nobody.

use std::collections::HashMap;
use std::fmt;
use std::io::Write;
use std::time::{Duration, Instant, SystemTime};

use jiff::Timestamp;
use jiff::tz::TimeZone;

use crate::codec::escape::show_line;
use crate::endpoint::Address;
use crate::error::Error;
use crate::output::{Moment, Notice, Observer, Taps};
use crate::session::{ConnId, ConnView, Direction, Side};

/// How much is said. Used by itself where nothing runs yet: for the command line, and before the loop exists.
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

    /// A step on the way, told with `-v`.
    pub fn note(self, message: &str) {
        if self.verbose > 0 {
            warn(message);
        }
    }
}

/// Prints an error with its hint. A message of several lines (a script's) keeps them.
pub fn error(error: &Error) {
    write_stderr(&trouble(error));
}

/// Prints trouble that ends nothing.
pub fn warn(message: &str) {
    write_stderr(&lines("tcpx: ", message));
}

/// Tells on stderr what happens: trouble and scripts' log lines always, the course of connections with `-v`, how
/// their bytes move with `-vv`.
pub struct Commentator {
    console: Console,
    write: Box<dyn FnMut(&str)>,
    zone: Option<TimeZone>,
    /// With `-vv`, what moved on each connection since it was last told.
    tallies: HashMap<ConnId, [Tally; 2]>,
}

impl Commentator {
    /// Says as much as this console. `write` takes the lines.
    pub fn new(console: Console, write: Box<dyn FnMut(&str)>) -> Self {
        Self { console, write, zone: None, tallies: HashMap::new() }
    }

    /// What is said about a notice, with line ends; empty for nothing.
    fn words(&mut self, at: Moment<'_>, notice: &Notice<'_>) -> String {
        match *notice {
            Notice::Error { error, handled, .. } if !handled || self.console.verbose > 0 => trouble(error),
            Notice::NotReloaded { name, error } => {
                trouble(error) + lines("tcpx: ", &format!("{name}: not reloaded, the version before goes on")).as_str()
            }
            Notice::ScriptWarning { text } => lines("tcpx: ", text),
            Notice::Dropped { conn, .. } => lines("tcpx: ", &format!("{} does not read: dropped", conn.name())),
            Notice::Unsent { conn, queued } => {
                lines("tcpx: ", &format!("{} does not read: {queued} bytes were not sent", conn.name()))
            }
            Notice::AcceptPaused { address, cause } => {
                lines("tcpx: ", &format!("accept on {address}: {cause}; clients wait"))
            }
            Notice::Listening { address, listener: None } if !self.console.quiet => {
                format!("listening on {}\n", show_line(&address.to_string()))
            }
            Notice::Reloaded { name } if !self.console.quiet => format!("reloaded {}\n", show_line(name)),
            Notice::Log { conn, text } => {
                let time = self.time_of_day(at.wall());
                match conn {
                    Some((_, name)) => format!("{time} {}: {}\n", show_line(name), show_line(text)),
                    None => format!("{time} {}\n", show_line(text)),
                }
            }
            _ if self.console.verbose > 0 => {
                self.course(at, notice).map_or_else(String::new, |it| lines("tcpx: ", &it))
            }
            _ => String::new(),
        }
    }

    /// What is told with `-v`, and with `-vv`.
    fn course(&mut self, at: Moment<'_>, notice: &Notice<'_>) -> Option<String> {
        let told = match *notice {
            Notice::Resolved { host, addresses, took, .. } => {
                let all: Vec<_> = addresses.iter().map(Address::host).collect();
                format!("resolved {host} to {} in {}", all.join(", "), show(took))
            }
            Notice::Dialing { address, .. } => format!("trying {address}"),
            Notice::AttemptFailed { address, cause, .. } => format!("{address}: {cause}"),
            Notice::Opened { conn, took } => {
                let (peer, local) = (conn.info.peer(), conn.info.local());
                match (conn.info.side(), took) {
                    (Side::Server, _) => format!("accepted {peer} on {local}"),
                    (Side::Client, None) => format!("connected to {peer} from {local}"),
                    (Side::Client, Some(took)) => format!("connected to {peer} from {local} in {}", show(took)),
                }
            }
            Notice::Closed { conn, reason } => {
                self.tallies.remove(&conn.id);
                let (received, sent) = (conn.info.bytes_in(), conn.info.bytes_out());
                let lasted = show(at.mono.saturating_duration_since(conn.info.opened()));
                let name = conn.name();
                format!("closed {name} ({}): {received} bytes received, {sent} sent, after {lasted}", reason.name())
            }
            Notice::Signal { name } => format!("SIG{name}"),
            Notice::Moved { conn, direction, n } => return self.moved(at.mono, conn, direction, n),
            Notice::Ended { conn, direction } if self.console.verbose > 1 => match direction {
                Direction::In => format!("{}: peer sent FIN", conn.name()),
                Direction::Out => format!("{}: FIN sent", conn.name()),
            },
            _ => return None,
        };
        Some(told)
    }

    /// A line about bytes that moved, unless there were too many of them lately.
    fn moved(&mut self, now: Instant, conn: &ConnView, direction: Direction, n: usize) -> Option<String> {
        let [received, sent] = self.tallies.entry(conn.id).or_insert_with(|| [Tally::new(now), Tally::new(now)]);
        let (tally, word) = match direction {
            Direction::In => (received, "received"),
            Direction::Out => (sent, "sent"),
        };
        let (bytes, pieces) = tally.add(now, n)?;
        let name = conn.name();
        Some(match pieces {
            1 => format!("{name}: {word} {bytes} bytes"),
            _ => format!("{name}: {word} {bytes} bytes in {pieces} pieces"),
        })
    }

    /// `HH:MM:SS.mmm`, local.
    fn time_of_day(&mut self, wall: SystemTime) -> String {
        let zone = self.zone.get_or_insert_with(TimeZone::system).clone();
        // A clock beyond the year 9999 has no time of day.
        let time = Timestamp::try_from(wall).unwrap_or_default().to_zoned(zone);
        time.strftime("%H:%M:%S.%3f").to_string()
    }
}

impl Observer for Commentator {
    fn wants(&self) -> Taps {
        if self.console.verbose > 1 { Taps::Counts } else { Taps::None }
    }

    fn notice(&mut self, at: Moment<'_>, notice: &Notice<'_>) {
        let words = self.words(at, notice);
        if !words.is_empty() {
            (self.write)(&words);
        }
    }
}

impl fmt::Debug for Commentator {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Commentator").field("console", &self.console).finish_non_exhaustive()
    }
}

/// Bytes of one direction that were not told yet, and how many lines may be said about them: a token bucket.
#[derive(Clone, Copy, Debug)]
struct Tally {
    bytes: u64,
    pieces: u64,
    /// Lines left.
    lines: u32,
    /// When `lines` was last filled up.
    filled: Instant,
}

impl Tally {
    fn new(now: Instant) -> Self {
        Self { bytes: 0, pieces: 0, lines: BURST, filled: now }
    }

    /// Counts a piece; returns the bytes and pieces to tell if a line may be said now.
    fn add(&mut self, now: Instant, n: usize) -> Option<(u64, u64)> {
        self.bytes += n as u64;
        self.pieces += 1;
        let seconds = now.saturating_duration_since(self.filled).as_secs();
        if seconds > 0 {
            self.filled += Duration::from_secs(seconds);
            self.lines = BURST.min(self.lines.saturating_add(seconds.try_into().unwrap_or(BURST)));
        }
        self.lines = self.lines.checked_sub(1)?;
        let told = (self.bytes, self.pieces);
        (self.bytes, self.pieces) = (0, 0);
        Some(told)
    }
}

/// Writes to stderr what nobody outside wrote.
pub fn write_stderr(text: &str) {
    // Nobody can be told that stderr is gone.
    let _ = std::io::stderr().write_all(text.as_bytes());
}

/// An error with its hint.
fn trouble(error: &Error) -> String {
    let mut out = lines("tcpx: ", &error.to_string());
    if let Some(hint) = error.hint() {
        out.push_str(&lines("hint: ", hint));
    }
    out
}

/// A message, safe for a terminal, the prefix before its first line.
fn lines(prefix: &str, message: &str) -> String {
    let mut out = String::from(prefix);
    for (number, line) in message.lines().enumerate() {
        if number > 0 {
            out.push('\n');
        }
        out.push_str(&show_line(line));
    }
    out.push('\n');
    out
}

/// A duration in the unit that suits it: `0.42ms`, `12ms`, `1.5s`.
fn show(duration: Duration) -> String {
    match duration.as_micros() {
        micros @ ..10_000 => format!("{}.{:02}ms", micros / 1000, micros % 1000 / 10),
        micros @ ..1_000_000 => format!("{}ms", micros / 1000),
        micros => format!("{}.{}s", micros / 1_000_000, micros % 1_000_000 / 100_000),
    }
}

/// Lines about one direction of a connection that may follow each other at once; after that, one a second.
const BURST: u32 = 4;

#[cfg(test)]
mod tests;
