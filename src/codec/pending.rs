//! `PendingText`: decoded text that waits until it is a whole line.
//!
//! Owns how much of it is known to hold no line end, so that a long line in small pieces is searched once.

use memchr::memchr;

use crate::codec::work;

/// Text in order; the first of it is taken first.
#[derive(Debug, Default)]
pub struct PendingText {
    /// With what was taken, up to `head`.
    text: String,
    head: usize,
    /// Everything before it holds no line end.
    searched: usize,
}

impl PendingText {
    /// Whether nothing waits.
    pub fn is_empty(&self) -> bool {
        self.head == self.text.len()
    }

    /// All that waits.
    pub fn as_str(&self) -> &str {
        &self.text[self.head..]
    }

    /// Where decoders append.
    pub fn end(&mut self) -> &mut String {
        if self.is_empty() {
            self.clear();
        }
        &mut self.text
    }

    /// Takes all that waits.
    pub fn take(&mut self) -> String {
        let mut text = std::mem::take(self);
        text.text.drain(..text.head);
        text.text
    }

    /// Takes the first line, with its LF.
    pub fn take_line(&mut self) -> Option<String> {
        let rest = &self.text.as_bytes()[self.searched..];
        let found = memchr(b'\n', rest);
        work::note(found.map_or(rest.len(), |at| at + 1));
        let Some(found) = found else {
            self.searched = self.text.len();
            return None;
        };
        let end = self.searched + found + 1;
        if self.head == 0 && end == self.text.len() {
            return Some(self.take());
        }
        let line = self.text[self.head..end].to_owned();
        (self.head, self.searched) = (end, end);
        if self.head > self.text.len() / 2 {
            self.text.drain(..self.head);
            (self.head, self.searched) = (0, 0);
        }
        Some(line)
    }

    /// Forgets all.
    pub fn clear(&mut self) {
        *self = Self::default();
    }
}

/// A line without its end, CR LF or LF. A CR that the end of the stream has cut off from its LF goes, too.
pub fn without_line_end(mut line: String) -> String {
    if line.ends_with('\n') {
        line.pop();
    }
    if line.ends_with('\r') {
        line.pop();
    }
    line
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lines_come_out_in_order_whatever_the_pieces() {
        let input = "one\r\n\ntwo\nlast";
        for piece in 1..=input.len() {
            let (mut pending, mut lines) = (PendingText::default(), Vec::new());
            for bytes in input.as_bytes().chunks(piece) {
                pending.end().push_str(str::from_utf8(bytes).unwrap());
                lines.extend(std::iter::from_fn(|| pending.take_line()).map(without_line_end));
            }
            assert_eq!((lines, pending.take().as_str()), (vec!["one".into(), String::new(), "two".into()], "last"));
            assert!(pending.is_empty());
        }
    }

    #[test]
    fn every_character_is_looked_at_once() {
        for (input, piece) in [("x".repeat(1 << 16), 1), ("ab\n".repeat(1 << 14), 3 << 14)] {
            let ((), work) = work::of(|| {
                let mut pending = PendingText::default();
                for bytes in input.as_bytes().chunks(piece) {
                    pending.end().push_str(str::from_utf8(bytes).unwrap());
                    while pending.take_line().is_some() {}
                }
            });
            assert!(work <= input.len(), "{work}");
        }
    }
}
