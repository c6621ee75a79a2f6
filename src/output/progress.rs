//! `Progress`: the observer that shows how far a transfer is.
//!
//! Owns the words of the line and when it is drawn: a few times a second on a terminal, where it replaces the one before; else a
//! line of its own each second. It counts, so that bytes may stay in the kernel.

use std::collections::VecDeque;
use std::fmt::Write as _;
use std::time::{Duration, Instant};

use crate::language::say;
use crate::output::{Moment, Notice, Observer, Taps};
use crate::session::Direction;

/// Time between two lines.
const ON_TERMINAL: Duration = Duration::from_millis(250);
const ELSEWHERE: Duration = Duration::from_secs(1);
/// The rate is that of this time.
const WINDOW: Duration = Duration::from_secs(5);
/// Back to the start of the line, and what is on it is gone (ECMA-48, EL).
const CLEAR: &str = "\r\x1b[K";

/// How far the transfers of a run are.
pub struct Progress {
    write: Box<dyn FnMut(&str)>,
    on_terminal: bool,
    /// Bytes that are to be sent, if that is known.
    total: Option<u64>,
    /// When the first connection stood.
    start: Option<Instant>,
    received: u64,
    sent: u64,
    /// Bytes moved at some times of the window, the oldest first.
    recent: VecDeque<(Instant, u64)>,
    drawn_at: Option<Instant>,
    /// A line is on the terminal.
    is_drawn: bool,
}

impl Progress {
    /// `on_terminal`: the line replaces itself. `total`: bytes that are to be sent, if that is known.
    pub fn new(on_terminal: bool, total: Option<u64>, write: Box<dyn FnMut(&str)>) -> Self {
        Self {
            write,
            on_terminal,
            total,
            start: None,
            received: 0,
            sent: 0,
            recent: VecDeque::new(),
            drawn_at: None,
            is_drawn: false,
        }
    }

    fn moved(&mut self, now: Instant, direction: Direction, n: usize) {
        match direction {
            Direction::In => self.received += n as u64,
            Direction::Out => self.sent += n as u64,
        }
        let every = if self.on_terminal { ON_TERMINAL } else { ELSEWHERE };
        let start = *self.start.get_or_insert(now);
        if now.saturating_duration_since(self.drawn_at.unwrap_or(start)) < every {
            return;
        }
        self.drawn_at = Some(now);
        let rate = self.rate(now, start);
        let line = self.line(rate, now.saturating_duration_since(start)) + self.left(rate).as_str();
        if self.on_terminal {
            (self.write)(&format!("{CLEAR}{}", say(&line)));
            self.is_drawn = true;
        } else {
            (self.write)(&format!("{}\n", say(&line)));
        }
    }

    /// Bytes a second, of both directions, over the window.
    fn rate(&mut self, now: Instant, start: Instant) -> f64 {
        let all = self.received + self.sent;
        while self.recent.len() > 1 && self.recent.front().is_some_and(|(at, _)| now.duration_since(*at) > WINDOW) {
            self.recent.pop_front();
        }
        let (since, before) = self.recent.front().copied().unwrap_or((start, 0));
        self.recent.push_back((now, all));
        (all - before) as f64 / now.saturating_duration_since(since).as_secs_f64().max(0.001)
    }

    fn line(&self, rate: f64, elapsed: Duration) -> String {
        let mut line = String::new();
        if self.sent > 0 || self.total.is_some() {
            let _ = write!(line, "{} sent", shown_size(self.sent));
            if let Some(total) = self.total.filter(|total| *total > 0) {
                let _ = write!(line, " of {}, {}%", shown_size(total), self.sent.min(total) * 100 / total);
            }
        }
        if self.received > 0 || line.is_empty() {
            let separator = if line.is_empty() { "" } else { ", " };
            let _ = write!(line, "{separator}{} received", shown_size(self.received));
        }
        let _ = write!(line, ", {}/s, {}", shown_size(rate as u64), shown_time(elapsed));
        line
    }

    /// What the line says of the time that is left, if that is known.
    fn left(&self, rate: f64) -> String {
        match self.total.and_then(|total| total.checked_sub(self.sent)) {
            Some(left @ 1..) if rate >= 1.0 => {
                format!(", {} left", shown_time(Duration::from_secs_f64((left as f64 / rate).min(1e9))))
            }
            _ => String::new(),
        }
    }

    fn clear(&mut self) {
        if std::mem::take(&mut self.is_drawn) {
            (self.write)(CLEAR);
        }
    }

    /// The last line, which stays.
    fn finish(&mut self, now: Instant) {
        self.clear();
        let Some(start) = self.start else { return };
        let elapsed = now.saturating_duration_since(start);
        let rate = (self.received + self.sent) as f64 / elapsed.as_secs_f64().max(0.001);
        let line = self.line(rate, elapsed);
        (self.write)(&format!("{}\n", say(&line)));
    }
}

impl Observer for Progress {
    fn wants(&self) -> Taps {
        Taps::Counts
    }

    fn notice(&mut self, at: Moment<'_>, notice: &Notice<'_>) {
        match *notice {
            Notice::Moved { direction, n, .. } => self.moved(at.mono, direction, n),
            Notice::Opened { .. } => {
                self.clear();
                self.start.get_or_insert(at.mono);
            }
            Notice::Exit { .. } => self.finish(at.mono),
            // Others may have something to say about it.
            _ => self.clear(),
        }
    }
}

/// A number of bytes in a readable unit: `512 B`, `1.5 MiB`.
fn shown_size(bytes: u64) -> String {
    if bytes < 1024 {
        return format!("{bytes} B");
    }
    let mut size = bytes as f64;
    let mut unit = 0;
    while size >= 1023.95 && unit + 1 < UNITS.len() {
        size /= 1024.0;
        unit += 1;
    }
    format!("{size:.1} {}", UNITS[unit])
}

const UNITS: [&str; 6] = ["B", "KiB", "MiB", "GiB", "TiB", "PiB"];

/// A time as clocks show it: `0:07`, `12:34`, `1:00:00`.
fn shown_time(time: Duration) -> String {
    let seconds = time.as_secs();
    let (hours, minutes, seconds) = (seconds / 3600, seconds / 60 % 60, seconds % 60);
    if hours > 0 { format!("{hours}:{minutes:02}:{seconds:02}") } else { format!("{minutes}:{seconds:02}") }
}

#[cfg(test)]
mod tests {
    use std::cell::{Cell, RefCell};
    use std::net::SocketAddr;
    use std::rc::Rc;

    use super::*;
    use crate::config::Text;
    use crate::session::{ConnView, Side};

    /// What is written for steps: milliseconds since the start, direction, bytes; then the end.
    fn shown(on_terminal: bool, total: Option<u64>, steps: &[(u64, Direction, usize)]) -> String {
        let written = Rc::new(RefCell::new(String::new()));
        let sink = Rc::clone(&written);
        let mut progress =
            Progress::new(on_terminal, total, Box::new(move |text: &str| sink.borrow_mut().push_str(text)));
        let (start, wall) = (Instant::now(), Cell::new(None));
        let address: SocketAddr = "127.0.0.1:1".parse().unwrap();
        let conn = ConnView::new(1, address, address, Side::Client, &Text::default(), start);
        progress.notice(Moment::new(start, &wall), &Notice::Opened { conn: &conn, took: None });
        let mut now = start;
        for (millis, direction, n) in steps {
            now = start + Duration::from_millis(*millis);
            progress.notice(Moment::new(now, &wall), &Notice::Moved { conn: &conn, direction: *direction, n: *n });
        }
        progress.notice(Moment::new(now, &wall), &Notice::Exit { code: 0 });
        written.take()
    }

    #[test]
    fn a_file_shows_how_much_is_left() {
        let steps = [(100, Direction::Out, 1 << 20), (1000, Direction::Out, 1 << 20), (2000, Direction::Out, 2 << 20)];
        assert_eq!(
            shown(false, Some(10 << 20), &steps),
            "2.0 MiB sent of 10.0 MiB, 20%, 2.0 MiB/s, 0:01, 0:04 left\n\
             4.0 MiB sent of 10.0 MiB, 40%, 2.0 MiB/s, 0:02, 0:03 left\n\
             4.0 MiB sent of 10.0 MiB, 40%, 2.0 MiB/s, 0:02\n"
        );
    }

    #[test]
    fn on_a_terminal_the_line_replaces_itself_and_is_not_drawn_too_often() {
        let steps = [(100, Direction::In, 10), (250, Direction::In, 2000), (300, Direction::In, 1)];
        assert_eq!(
            shown(true, None, &steps),
            format!("{CLEAR}2.0 KiB received, 7.9 KiB/s, 0:00{CLEAR}2.0 KiB received, 6.5 KiB/s, 0:00\n")
        );
        assert_eq!(shown(true, None, &[]), "0 B received, 0 B/s, 0:00\n");
    }

    #[test]
    fn sizes_and_times_are_readable() {
        for (bytes, text) in
            [(0, "0 B"), (1023, "1023 B"), (1024, "1.0 KiB"), (1_048_525, "1.0 MiB"), (u64::MAX, "16384.0 PiB")]
        {
            assert_eq!(shown_size(bytes), text);
        }
        for (seconds, text) in [(0, "0:00"), (59, "0:59"), (3599, "59:59"), (3600, "1:00:00")] {
            assert_eq!(shown_time(Duration::from_secs(seconds)), text);
        }
    }
}
