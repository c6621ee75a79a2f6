//! `DecodedText`: the text of received bytes that stay where they are, and which bytes each part of it is.
//!
//! Decodes every byte once, as the bytes come, and forgets the text of those that go. Malformed bytes become U+FFFD. Does
//! not keep the bytes.

use std::collections::VecDeque;
use std::fmt;

use encoding_rs::{Encoding, ISO_2022_JP};

use crate::codec::seam::Seam;
use crate::codec::text_finder::{STEP, decode_step, is_between_characters};
use crate::codec::work;

/// The text of the bytes from a seam on.
pub struct DecodedText {
    encoding: &'static Encoding,
    decoder: encoding_rs::Decoder,
    text: String,
    /// Where the text of the first byte begins.
    head: usize,
    /// Number of bytes decoded.
    taken: usize,
    /// What they are, in order.
    runs: VecDeque<Run>,
    /// Bytes of a partial character at the end.
    partial: usize,
    /// The first character is dropped if it is a byte order mark.
    skips_mark: bool,
}

/// Characters of the same size, one after the other.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Run {
    count: usize,
    /// Bytes of one character in its encoding.
    bytes: usize,
    /// Bytes of one character in UTF-8; 0 for an escape sequence that the next character follows.
    text: usize,
}

impl DecodedText {
    /// No bytes yet.
    pub fn new(encoding: &'static Encoding, seam: Seam) -> Self {
        Self {
            encoding,
            decoder: seam.decoder(encoding),
            text: String::new(),
            head: 0,
            taken: 0,
            runs: VecDeque::new(),
            partial: 0,
            skips_mark: seam.skips_mark(encoding),
        }
    }

    /// The encoding of the bytes.
    pub fn encoding(&self) -> &'static Encoding {
        self.encoding
    }

    /// The text of all whole characters.
    pub fn as_str(&self) -> &str {
        &self.text[self.head..]
    }

    /// Takes what is new in `bytes`, which begin where they began before and are at least as long.
    pub fn update(&mut self, bytes: &[u8]) {
        let new = bytes.get(self.taken..).unwrap_or_default();
        work::note(new.len());
        self.taken += new.len();
        let mut at = 0;
        while at < new.len() {
            if self.partial == 0 && self.encoding != ISO_2022_JP && is_between_characters(&self.decoder) {
                let ascii = Encoding::ascii_valid_up_to(&new[at..]);
                self.push(&String::from_utf8_lossy(&new[at..at + ascii]), Run { count: ascii, bytes: 1, text: 1 });
                at += ascii;
                if at == new.len() {
                    break;
                }
            }
            self.step(new[at]);
            at += 1;
        }
    }

    /// The number of bytes whose text is this long; those of a character are not divided.
    pub fn bytes_of(&self, text: usize) -> usize {
        let (mut bytes, mut rest) = (0, text);
        for run in &self.runs {
            if rest == 0 {
                break;
            }
            let count = if run.text == 0 { run.count } else { rest.div_ceil(run.text).min(run.count) };
            bytes += count * run.bytes;
            rest = rest.saturating_sub(count * run.text);
        }
        bytes
    }

    /// Forgets the first bytes. False if they end inside of a character: then this is of no use any more.
    pub fn consume(&mut self, bytes: usize) -> bool {
        let mut rest = bytes;
        while rest > 0 {
            let Some(run) = self.runs.front_mut() else { return false };
            let count = (rest / run.bytes).min(run.count);
            self.head += count * run.text;
            rest -= count * run.bytes;
            run.count -= count;
            if run.count > 0 {
                break;
            }
            self.runs.pop_front();
        }
        self.taken -= bytes.min(self.taken);
        if self.head > self.text.len() / 2 {
            self.text.drain(..self.head);
            self.head = 0;
        }
        rest == 0
    }

    fn step(&mut self, byte: u8) {
        let mut buffer = [0; STEP];
        let length = decode_step(&mut self.decoder, byte, &mut buffer);
        self.partial += 1;
        if length == 0 {
            return;
        }
        let text = str::from_utf8(&buffer[..length]).unwrap_or_default();
        let bytes = std::mem::take(&mut self.partial);
        if std::mem::take(&mut self.skips_mark) && text.starts_with('\u{feff}') {
            return self.push("", Run { count: 1, bytes, text: 0 });
        }
        match text.as_bytes() {
            // An ASCII byte that does not belong to the character before it is one of its own.
            [.., last] if length > 1 && *last == byte && byte.is_ascii() && bytes > 1 => {
                self.push(&text[..length - 1], Run { count: 1, bytes: bytes - 1, text: length - 1 });
                self.push(&text[length - 1..], Run { count: 1, bytes: 1, text: 1 });
            }
            _ => self.push(text, Run { count: 1, bytes, text: length }),
        }
    }

    fn push(&mut self, text: &str, run: Run) {
        self.text.push_str(text);
        match self.runs.back_mut() {
            _ if run.count == 0 => {}
            Some(last) if (last.bytes, last.text) == (run.bytes, run.text) => last.count += run.count,
            _ => self.runs.push_back(run),
        }
    }
}

impl fmt::Debug for DecodedText {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("DecodedText").field("encoding", &self.encoding.name()).finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests {
    use encoding_rs::{BIG5, GB18030, GBK, SHIFT_JIS, UTF_16LE};
    use proptest::prelude::*;

    use super::*;

    const ALL: [&Encoding; 6] = [GBK, GB18030, BIG5, SHIFT_JIS, ISO_2022_JP, UTF_16LE];

    #[test]
    fn positions_in_text_are_positions_in_bytes() {
        for (encoding, bytes, text, positions) in [
            (GBK, &b"a\xc4\xe3\xba\xc3|"[..], "a你好|", &[(0, 0), (1, 1), (4, 3), (7, 5), (8, 6)][..]),
            (ISO_2022_JP, b"a\x1b$B!\"!\"\x1b(B.", "a、、.", &[(1, 1), (4, 6), (7, 8), (8, 12)]),
            (UTF_16LE, b"\xff\xfea\0=\xd8\0\xde", "a\u{1f600}", &[(1, 4), (5, 8)]),
            (BIG5, b"\x81|", "\u{fffd}|", &[(3, 1), (4, 2)]),
        ] {
            for piece in 1..=bytes.len() {
                let mut decoded = DecodedText::new(encoding, Seam::START);
                for end in (0..bytes.len()).step_by(piece).chain([bytes.len()]) {
                    decoded.update(&bytes[..end]);
                }
                assert_eq!(decoded.as_str(), text);
                for (at, expected) in positions {
                    assert_eq!(decoded.bytes_of(*at), *expected, "{at} in {text:?}");
                }
            }
        }
    }

    proptest! {
        #[test]
        fn what_is_consumed_changes_nothing_of_the_rest(
            encoding in proptest::sample::select(&ALL[..]),
            bytes in proptest::collection::vec(
                proptest::sample::select(&b"ab\x1b$B(J\x81\x7c\xa4\xff\0\x30!\""[..]), 0..60),
            steps in proptest::collection::vec(1usize..20, 0..8),
        ) {
            let mut decoded = DecodedText::new(encoding, Seam::START);
            let (mut from, mut to, mut text) = (0, 0, String::new());
            for step in steps {
                to = (to + step).min(bytes.len());
                decoded.update(&bytes[from..to]);
                let half = decoded.as_str().char_indices().nth(step / 2).map_or(decoded.as_str().len(), |at| at.0);
                let n = decoded.bytes_of(half);
                let all = decoded.as_str().to_owned();
                prop_assert!(decoded.consume(n));
                text.push_str(all.strip_suffix(decoded.as_str()).unwrap());
                from += n;
            }
            decoded.update(&bytes[from..]);
            text.push_str(decoded.as_str());
            let mut whole = DecodedText::new(encoding, Seam::START);
            whole.update(&bytes);
            prop_assert_eq!(text, whole.as_str());
        }
    }
}
