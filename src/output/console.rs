//! `Console`: messages on stderr; `Commentator`: the observer that makes them from notices.
//!
//! Owns the sentences and their form: `tcpx: ` before messages, `hint: ` before hints, the time of day before a script's
//! log lines. Text from outside is escaped, and a closed or full stderr is ignored.

use std::borrow::Cow;
use std::collections::HashMap;
use std::fmt::{self, Write as _};
use std::io::Write;
use std::time::{Duration, Instant};

use crate::codec::escape::show_line;
use crate::codec::excerpt::width;
use crate::config::show_duration;
use crate::endpoint::Address;
use crate::error::Error;
use crate::language::{self, say};
use crate::layer::tls::TlsFacts;
use crate::layer::tls::certificate::date;
use crate::output::time_of_day::TimeOfDay;
use crate::output::told::Told;
use crate::output::{Moment, Notice, Observer, Taps};
use crate::session::{ConnId, ConnView, Direction, Side};

/// Messages with a verbosity. Used directly before the loop exists, such as for the command line.
#[derive(Clone, Copy, Debug)]
pub struct Console {
    verbose: u8,
    quiet: bool,
}

impl Console {
    /// `verbose`: number of `-v`; `quiet`: errors and warnings only.
    pub fn new(verbose: u8, quiet: bool) -> Self {
        Self { verbose, quiet }
    }
}

/// Writes notices to stderr: errors and scripts' log lines always, the progress of connections with `-v`, their traffic
/// with `-vv`.
pub fn error(error: &Error) {
    write_stderr(&trouble(error));
}

/// Prints a warning about a script, which may have several lines.
pub fn warn(message: &str) {
    write_stderr(&lines("tcpx: ", message));
}

/// A message of one line, with its line end.
pub fn message(message: &str) -> String {
    format!("tcpx: {}\n", show_line(&say(message)))
}

/// Tells on stderr what happens: trouble and scripts' log lines always, the course of connections with `-v`, how
/// their bytes move with `-vv`.
pub struct Commentator {
    console: Console,
    write: Box<dyn FnMut(&str)>,
    time: TimeOfDay,
    /// With `-vv`: unreported traffic of each connection, received and sent.
    tallies: HashMap<ConnId, [Tally; 2]>,
    /// Refused clients that were not told of.
    refused: Option<Tally>,
    /// Lost datagrams that were not told of.
    lost: Option<Tally>,
    /// With several loops: what they have said about the run.
    told: Option<Told>,
}

impl Commentator {
    /// An observer with the verbosity of this console.
    pub fn new(console: Console, write: Box<dyn FnMut(&str)>) -> Self {
        let time = TimeOfDay::default();
        Self { console, write, time, tallies: HashMap::new(), refused: None, lost: None, told: None }
    }

    /// The same for one of several loops of a run.
    #[must_use]
    pub fn among_loops(mut self, told: Option<Told>) -> Self {
        self.told = told;
        self
    }

    /// Whether another loop of the run has said that.
    fn is_told(&mut self, notice: &Notice<'_>, words: &str) -> bool {
        let is_about_run = matches!(
            notice,
            Notice::Error { conn: None, .. }
                | Notice::ScriptWarning { .. }
                | Notice::NotReloaded { .. }
                | Notice::Reloaded { .. }
                | Notice::Unwritten { .. }
                | Notice::Signal { .. }
        );
        is_about_run && self.told.as_mut().is_some_and(|told| !told.is_news(words))
    }

    /// The message for a notice, with line ends; empty for none.
    fn words(&mut self, at: Moment<'_>, notice: &Notice<'_>) -> String {
        match *notice {
            Notice::Error { error, handled, .. } if !handled || self.console.verbose > 0 => trouble(error),
            Notice::Retry { error: Some(error), is_news: true, .. } if self.console.verbose == 0 => trouble(error),
            Notice::NotReloaded { name, error } => {
                trouble(error) + message(&format!("{name}: not reloaded, the version before goes on")).as_str()
            }
            Notice::ScriptWarning { text } => lines("tcpx: ", text),
            Notice::Dropped { conn, .. } => message(&format!("{} does not read: dropped", conn.name())),
            Notice::Unsent { conn, queued } => {
                message(&format!("{} does not read: {queued} bytes were not sent", conn.name()))
            }
            Notice::Unwritten { name, queued } => {
                message(&format!("{name} takes nothing: {queued} bytes were not written"))
            }
            Notice::StdinLeft { .. } if !self.console.quiet => {
                lines("tcpx: ", "peer closed its side; not waiting for stdin (use --half-open)")
            }
            Notice::AcceptPaused { address, cause } => message(&format!("accept on {address}: {cause}; clients wait")),
            Notice::Listening { address, listener: None } if !self.console.quiet => {
                show_line(&say(&format!("listening on {address}"))).into_owned() + "\n"
            }
            Notice::Certificate { sha256 } if !self.console.quiet => {
                say(&format!("certificate SHA-256 {sha256} (self-signed, made for this run)")).into_owned() + "\n"
            }
            Notice::Reloaded { name } if !self.console.quiet => {
                show_line(&say(&format!("reloaded {name}"))).into_owned() + "\n"
            }
            Notice::Log { conn, text } => {
                let time = self.time.show(at.wall());
                match conn {
                    Some((_, name)) => format!("{time} {}: {}\n", show_line(name), show_line(text)),
                    None => format!("{time} {}\n", show_line(text)),
                }
            }
            _ if self.console.verbose > 0 => self.course(at, notice).map_or_else(String::new, |it| message(&it)),
            _ => String::new(),
        }
    }

    /// The message of `-v` and `-vv` for a notice.
    fn course(&mut self, at: Moment<'_>, notice: &Notice<'_>) -> Option<String> {
        let message = match *notice {
            Notice::Resolved { host, addresses, took, .. } => {
                let all: Vec<_> = addresses.iter().map(Address::host).collect();
                format!("resolved {host} to {} in {}", all.join(", "), show(took))
            }
            Notice::Dialing { address, .. } => format!("trying {address}"),
            Notice::SentToNobody { name, .. } => {
                format!("{name}: our side has ended; what the script sends now reaches nobody")
            }
            Notice::AttemptFailed { address, cause, .. } => format!("{address}: {cause}"),
            Notice::Retry { error, pause, left, .. } => next_try(error, pause, left),
            Notice::Opened { conn, took } => {
                let (peer, local) = (conn.info.peer(), conn.info.local());
                match (conn.info.side(), took) {
                    (Side::Server | Side::Program, _) => format!("accepted {peer} on {local}"),
                    (Side::Client, None) => format!("connected to {peer} from {local}"),
                    (Side::Client, Some(took)) => format!("connected to {peer} from {local} in {}", show(took)),
                }
            }
            Notice::Refused { peer, local, limit: None, .. } => {
                let (_, n) = self.refused.get_or_insert_with(|| Tally::new(at.mono)).add(at.mono, 0)?;
                let others = if n > 1 { format!(" and {} others", n - 1) } else { String::new() };
                format!("refused {peer}{others} on {local} (--allow, --deny)")
            }
            Notice::Refused { peer, local, limit: Some(limit), .. } => {
                format!("refused {peer} on {local}: {limit} clients are there")
            }
            Notice::Lost { conn, n } => {
                let n = usize::try_from(n).unwrap_or(usize::MAX);
                let (n, _) = self.lost.get_or_insert_with(|| Tally::new(at.mono)).add(at.mono, n)?;
                format!("{}: {}", conn.name(), lost(n))
            }
            Notice::Summary(totals) => {
                let clients = counted(totals.refused, "client was", "clients were");
                match (totals.refused, totals.lost) {
                    (0, _) => lost_at_least(totals.lost),
                    (_, 0) => format!("{clients} refused (--allow, --deny)"),
                    _ => format!("{clients} refused (--allow, --deny); {}", lost_at_least(totals.lost)),
                }
            }
            Notice::Secured { conn, facts } => format!("{}: {}", conn.name(), agreed(facts)),
            Notice::Closed { conn, reason } => {
                self.tallies.remove(&conn.id);
                let (received, sent) = (conn.info.bytes_in(), conn.info.bytes_out());
                let lasted = show(at.mono.saturating_duration_since(conn.info.opened()));
                let name = conn.name();
                format!("closed {name} ({}): {received} bytes received, {sent} sent, after {lasted}", reason.name())
            }
            Notice::Started { conn, program, pid } => format!("{}: started {program} (pid {pid})", conn.name()),
            Notice::Exited { conn, program, status, .. } => format!("{}: {program} has ended: {status}", conn.name()),
            Notice::Signal { name } => format!("SIG{name}"),
            Notice::Moved { conn, direction, n } => return self.moved(at.mono, conn, direction, n),
            Notice::Ended { conn, direction } if self.console.verbose > 1 => match direction {
                Direction::In => format!("{}: peer sent FIN", conn.name()),
                Direction::Out => format!("{}: FIN sent", conn.name()),
            },
            _ => return None,
        };
        Some(message)
    }

    /// A line about received or sent bytes, unless the rate limit is reached.
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
}

impl Observer for Commentator {
    fn wants(&self) -> Taps {
        if self.console.verbose > 1 { Taps::Counts } else { Taps::None }
    }

    fn notice(&mut self, at: Moment<'_>, notice: &Notice<'_>) {
        let words = self.words(at, notice);
        if !words.is_empty() && !self.is_told(notice, &words) {
            (self.write)(&words);
        }
    }
}

impl fmt::Debug for Commentator {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Commentator").field("console", &self.console).finish_non_exhaustive()
    }
}

/// Unreported traffic of one direction, with a token bucket that limits the lines about it.
#[derive(Clone, Copy, Debug)]
struct Tally {
    bytes: u64,
    pieces: u64,
    /// Tokens: lines that may be written now.
    lines: u32,
    /// When tokens were last added.
    filled: Instant,
}

impl Tally {
    fn new(now: Instant) -> Self {
        Self { bytes: 0, pieces: 0, lines: BURST, filled: now }
    }

    /// Counts a piece. Returns the unreported bytes and pieces if a line may be written now.
    fn add(&mut self, now: Instant, n: usize) -> Option<(u64, u64)> {
        self.bytes += n as u64;
        self.pieces += 1;
        let seconds = now.saturating_duration_since(self.filled).as_secs();
        if seconds > 0 {
            self.filled += Duration::from_secs(seconds);
            self.lines = BURST.min(self.lines.saturating_add(seconds.try_into().unwrap_or(BURST)));
        }
        self.lines = self.lines.checked_sub(1)?;
        let unreported = (self.bytes, self.pieces);
        (self.bytes, self.pieces) = (0, 0);
        Some(unreported)
    }
}

/// Writes text to stderr unescaped; for text that holds nothing from outside.
pub fn write_stderr(text: &str) {
    // There is nowhere to report an error of stderr.
    let _ = std::io::stderr().write_all(&language::encoded(text));
}

/// The message of an error with its hint. Only what a script's error was composed of has lines of its own: everywhere else a
/// line end comes from outside, in a name or a word of the command line.
fn trouble(error: &Error) -> String {
    let text = error.to_string();
    let mut out = match error {
        Error::ScriptLoad { .. } | Error::ScriptRun { .. } | Error::Task { .. } => lines("tcpx: ", &text),
        _ => message(&text),
    };
    if let Some(hint) = error.hint() {
        out += &lines(&say("hint: "), &show_line(&say(&hint)));
    }
    out
}

/// A message of several lines, each escaped for a terminal, with the prefix before the first. Lines of a script's source, which
/// may be among them, are in nobody's language, and what a script throws is in its own.
fn lines(prefix: &str, message: &str) -> String {
    let mut out = String::from(prefix);
    let is_thrown = is_thrown(message);
    for (number, line) in message.lines().enumerate() {
        if number > 0 {
            out.push('\n');
        }
        let is_mark = line.trim_start_matches([' ', '|']).starts_with('^') || line.starts_with("    in ");
        let is_message = (number == 0 && !is_thrown) || is_mark || line.starts_with("hint: ");
        out.push_str(&show_line(&if is_message { say(line) } else { Cow::Borrowed(line) }));
    }
    out.push('\n');
    out
}

/// Whether the first line repeats what a script throws: the mark below its source stands under the word `throw`.
fn is_thrown(message: &str) -> bool {
    let mut below = message.lines().skip(1);
    let (Some(source), Some(mark)) = (below.next(), below.next()) else { return false };
    let column = mark.find('^').filter(|end| mark[..*end].trim_start_matches([' ', '|']).is_empty());
    let mut cells = 0;
    let mut rest = source.chars();
    while column.is_some_and(|column| cells < column) {
        let Some(letter) = rest.next() else { return false };
        cells += width(letter);
    }
    column.is_some() && rest.as_str().starts_with("throw")
}

/// A number with the word for one or for several.
fn counted(n: u64, one: &str, several: &str) -> String {
    format!("{n} {}", if n == 1 { one } else { several })
}

fn lost(n: u64) -> String {
    format!("{} lost: a queue was full", counted(n, "datagram was", "datagrams were"))
}

/// In a number that the system has a part in: it counts datagrams that came together as one.
fn lost_at_least(n: u64) -> String {
    format!("at least {}", lost(n))
}

/// What the two sides have agreed on in TLS.
fn agreed(facts: &TlsFacts) -> String {
    let mut text = format!("{}, {}", facts.version, facts.suite);
    for (what, value) in [("ALPN", &facts.alpn), ("for", &facts.name)] {
        if let Some(value) = value {
            let _ = write!(text, ", {what} {value}");
        }
    }
    if let Some(peer) = &facts.peer {
        let _ = write!(
            text,
            "; peer certificate {}, issued by {}, valid until {}, SHA-256 {}",
            peer.subject,
            peer.issuer,
            date(peer.not_after),
            peer.sha256
        );
    }
    text
}

/// What is said of the next try.
fn next_try(error: Option<&Error>, pause: Duration, left: Option<u64>) -> String {
    let text = match error {
        Some(error) => format!("{error}; trying again in {}", show_duration(pause)),
        None => format!("connecting again in {}", show_duration(pause)),
    };
    match left {
        Some(0) => text + " (the last time)",
        Some(1) => text + " (and once more)",
        Some(left) => format!("{text} (and {left} times more)"),
        None => text,
    }
}

/// A duration in a readable unit: `0.42ms`, `12ms`, `1.5s`.
fn show(duration: Duration) -> String {
    match duration.as_micros() {
        micros @ ..10_000 => format!("{}.{:02}ms", micros / 1000, micros % 1000 / 10),
        micros @ ..1_000_000 => format!("{}ms", micros / 1000),
        micros => format!("{}.{}s", micros / 1_000_000, micros % 1_000_000 / 100_000),
    }
}

/// Capacity of the token bucket: lines about one direction of a connection at once; one more each second.
const BURST: u32 = 4;

#[cfg(test)]
mod tests;
