//! `Backlog`: messages that wait until stderr takes them.
//!
//! Owns its limit, and the count of lines that are dropped when nobody reads them. Writes nothing itself.

use std::borrow::Cow;

use crate::buffer::ByteQueue;
use crate::language;
use crate::output::screen::Screen;

/// Waiting bytes at which further messages are dropped. The last one is kept whole.
const LIMIT: usize = 256 << 10;
/// Once lines were dropped: bytes at which new ones are kept again.
const LOW: usize = LIMIT / 2;

/// A queue of whole lines.
#[derive(Debug)]
pub struct Backlog {
    queue: ByteQueue,
    /// Lines dropped since the last one that was kept.
    dropped: u64,
    /// The next byte begins a line.
    at_start: bool,
}

impl Backlog {
    /// An empty backlog.
    pub const fn new() -> Self {
        Self { queue: ByteQueue::new(), dropped: 0, at_start: true }
    }

    /// Adds the lines of one message if there is room, or counts them.
    pub fn push(&mut self, text: &str) {
        if self.dropped > 0 || self.queue.len() >= LIMIT {
            self.dropped += text.lines().count() as u64;
        } else {
            self.queue.extend(&language::encoded(text));
        }
    }

    /// The bytes to write next. On a terminal that stdout shares, the first line begins on a fresh line without colours.
    pub fn front(&mut self, screen: Option<&Screen>) -> &[u8] {
        let prefix =
            screen.filter(|_| self.at_start && !self.queue.is_empty()).map_or(Cow::Borrowed(""), Screen::take_prefix);
        if !prefix.is_empty() {
            let lines = std::mem::take(&mut self.queue);
            self.queue.extend(prefix.as_bytes());
            self.queue.extend(lines.as_slice());
        }
        self.queue.as_slice()
    }

    /// Notes that `n` bytes of the front are written. Once there is room again, a line says how many were dropped.
    pub fn consume(&mut self, n: usize) {
        if let Some(last) = n.checked_sub(1).map(|last| self.queue.as_slice()[last]) {
            self.at_start = last == b'\n';
        }
        self.queue.consume(n);
        if self.dropped > 0 && self.queue.len() <= LOW {
            let lines =
                if self.dropped == 1 { "1 line was".to_owned() } else { format!("{} lines were", self.dropped) };
            let text = format!("stderr was not read: {lines} dropped");
            self.queue.extend(&language::encoded(&format!("tcpx: {}\n", language::say(&text))));
            self.dropped = 0;
        }
    }

    /// Number of bytes that wait.
    pub fn len(&self) -> usize {
        self.queue.len()
    }

    /// Whether nothing waits.
    pub fn is_empty(&self) -> bool {
        self.queue.is_empty()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn take(backlog: &mut Backlog, n: usize) -> String {
        let taken = String::from_utf8(backlog.front(None)[..n].to_vec()).unwrap();
        backlog.consume(n);
        taken
    }

    fn take_all(backlog: &mut Backlog) -> String {
        let mut taken = String::new();
        while !backlog.is_empty() {
            let n = backlog.front(None).len();
            taken.push_str(&take(backlog, n));
        }
        taken
    }

    #[test]
    fn lines_are_dropped_whole_and_counted_where_they_are_missing() {
        let mut backlog = Backlog::new();
        let line = format!("{}\n", "x".repeat(999));
        for _ in 0..300 {
            backlog.push(&line);
        }
        let kept = LIMIT / line.len() + 1;
        assert_eq!(take(&mut backlog, 1000), line);
        backlog.push("too early\nfor this\n");
        let rest = take_all(&mut backlog);
        assert_eq!(rest.matches(&line).count(), kept - 1);
        let missing = 300 - kept + 2;
        assert!(rest.ends_with(&format!("x\ntcpx: stderr was not read: {missing} lines were dropped\n")), "{missing}");
        backlog.push("later\n");
        assert_eq!(take_all(&mut backlog), "later\n");
    }

    #[test]
    fn a_message_may_be_longer_than_the_limit() {
        let mut backlog = Backlog::new();
        let long = format!("{}\n", "x\n".repeat(LIMIT));
        backlog.push(&long);
        backlog.push("dropped\n");
        assert_eq!(take_all(&mut backlog), format!("{long}tcpx: stderr was not read: 1 line was dropped\n"));
    }

    #[test]
    fn only_the_start_of_a_line_gets_a_fresh_one() {
        let (mut backlog, screen) = (Backlog::new(), Screen::default());
        screen.note(b"half");
        assert_eq!(backlog.front(Some(&screen)), b"");
        backlog.push("first\nsecond\n");
        assert_eq!(backlog.front(Some(&screen)), b"\nfirst\nsecond\n");
        backlog.consume(3);
        screen.note(b"half");
        assert_eq!(backlog.front(Some(&screen)), b"rst\nsecond\n");
        backlog.consume(4);
        assert_eq!(backlog.front(Some(&screen)), b"\nsecond\n");
    }
}
