//! `Pacing`: the pause after each line that is sent (`--line-delay`), or after each datagram.
//!
//! Owns how much of the queue of one connection may go out, and when the next line may. What has to leave the queue at once,
//! because a layer is added, passes without a pause.

use std::time::{Duration, Instant};

use encoding_rs::{Encoding, UTF_8, UTF_16BE, UTF_16LE};

use crate::codec::framing::line_end;

/// The pauses of one connection.
#[derive(Debug)]
pub(super) struct Pacing {
    delay: Duration,
    /// Set during a pause: its end.
    until: Option<Instant>,
    /// The end of what is sent comes after the pause, too.
    holds_end: bool,
    /// The next byte is the second of a unit of UTF-16.
    is_odd: bool,
}

impl Pacing {
    /// With this pause after each line. `holds_end`: the end waits for the pause after the last one.
    pub(super) fn new(delay: Duration, holds_end: bool) -> Self {
        Self { delay, until: None, holds_end, is_odd: false }
    }

    /// Whether the end has to wait.
    pub(super) fn holds_end(&self) -> bool {
        self.holds_end && self.until.is_some()
    }

    /// When the pause ends, if there is one.
    pub(super) fn until(&self) -> Option<Instant> {
        self.until
    }

    /// Time has come to `now`.
    pub(super) fn advance(&mut self, now: Instant) {
        self.until = self.until.filter(|until| *until > now);
    }

    /// The part of a stream that may go out now: the first line, or what there is of it.
    pub(super) fn cut<'a>(&self, encoding: Option<&'static Encoding>, queue: &'a [u8]) -> &'a [u8] {
        self.line(encoding, queue).map_or(queue, |end| &queue[..end])
    }

    /// The first `n` bytes of a stream go out.
    pub(super) fn passed(&mut self, now: Instant, encoding: Option<&'static Encoding>, queue: &[u8], n: usize) {
        if self.line(encoding, queue).is_some_and(|end| end <= n) {
            self.pause(now);
        }
        self.is_odd ^= n % 2 == 1;
    }

    /// Nothing goes out from now on until the pause is over.
    pub(super) fn pause(&mut self, now: Instant) {
        self.until = Some(now + self.delay);
    }

    fn line(&self, encoding: Option<&'static Encoding>, queue: &[u8]) -> Option<usize> {
        let encoding = encoding.unwrap_or(UTF_8);
        let skipped = usize::from(self.is_odd && [UTF_16LE, UTF_16BE].contains(&encoding));
        line_end(encoding, queue.get(skipped..)?, 0).map(|end| skipped + end)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_pause_follows_each_whole_line() {
        let (now, delay) = (Instant::now(), Duration::from_secs(1));
        let mut pacing = Pacing::new(delay, false);
        assert_eq!(pacing.cut(None, b"a\nb\n"), b"a\n");
        pacing.passed(now, None, b"a\nb\n", 1);
        assert_eq!(pacing.until(), None, "the line is not whole yet");
        pacing.passed(now, None, b"\nb\n", 1);
        assert_eq!(pacing.until(), Some(now + delay));
        pacing.advance(now + delay / 2);
        assert_eq!(pacing.until(), Some(now + delay));
        pacing.advance(now + delay);
        assert_eq!(pacing.until(), None);
        assert_eq!(pacing.cut(None, b"prompt: "), b"prompt: ");
    }

    #[test]
    fn units_of_utf_16_are_not_cut_whatever_the_socket_takes() {
        let now = Instant::now();
        let mut pacing = Pacing::new(Duration::from_secs(1), false);
        // U+0A00, then a line feed.
        let queue = b"\x00\x0a\x0a\x00x\x00";
        assert_eq!(pacing.cut(Some(UTF_16LE), queue), &queue[..4]);
        pacing.passed(now, Some(UTF_16LE), queue, 1);
        assert_eq!(pacing.cut(Some(UTF_16LE), &queue[1..]), &queue[1..4]);
        pacing.passed(now, Some(UTF_16LE), &queue[1..], 3);
        assert!(pacing.until().is_some());
    }
}
