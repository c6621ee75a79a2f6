//! `TextFinder`: where a text stands in encoded bytes that come in pieces.
//!
//! Owns how far the search is, so that every byte is looked at once. A match starts at the start of a character: in GBK,
//! for example, `|` may be the second byte of another one. Does not keep the bytes, and decodes no more than it has to.

use std::collections::VecDeque;
use std::fmt;
use std::ops::Range;

use encoding_rs::{DecoderResult, Encoding, ISO_2022_JP, UTF_8, UTF_16BE, UTF_16LE};
use memchr::memmem::Finder;

use crate::codec::charset::Encoder;
use crate::codec::seam::Seam;
use crate::codec::work;
use crate::config::Unencodable;

/// The search for one text in the bytes from a seam on.
pub struct TextFinder {
    encoding: &'static Encoding,
    seam: Seam,
    search: Search,
    /// Bytes that need not be looked at again.
    at: usize,
}

/// Boxed by the owner: the largest has a decoder.
enum Search {
    /// Bytes that mean nothing else: in UTF-8 and single-byte encodings; at even offsets in UTF-16.
    Bytes { finder: Finder<'static>, length: usize, step: usize },
    /// ASCII, whose bytes may be the second of other characters. The decoder stands at `at`.
    Ascii { finder: Finder<'static>, length: usize, decoder: encoding_rs::Decoder },
    /// Any text, character by character.
    Characters(Box<Characters>),
}

/// A search in decoded characters, by the algorithm of Knuth, Morris and Pratt.
struct Characters {
    decoder: encoding_rs::Decoder,
    wanted: Vec<char>,
    /// For each number of matched characters, how many still match after the next one does not.
    fallback: Vec<usize>,
    /// Offsets of the last characters, as many as are wanted.
    starts: VecDeque<usize>,
    matched: usize,
    /// Offset of the next character.
    start: usize,
}

impl TextFinder {
    /// A search for a text that is not empty.
    pub fn new(text: &str, encoding: &'static Encoding, seam: Seam) -> Self {
        let is_wide = encoding == UTF_16LE || encoding == UTF_16BE;
        let bytes = Encoder::new(encoding, Unencodable::Fail).encode_whole(text).ok();
        let search = match bytes {
            Some(bytes) if encoding == UTF_8 || encoding.is_single_byte() || is_wide => {
                let step = if is_wide { 2 } else { 1 };
                Search::Bytes { finder: Finder::new(&bytes).into_owned(), length: bytes.len(), step }
            }
            Some(bytes) if text.is_ascii() && encoding != ISO_2022_JP => {
                let finder = Finder::new(&bytes).into_owned();
                Search::Ascii { finder, length: bytes.len(), decoder: seam.decoder(encoding) }
            }
            // Some characters have two encodings, or none but what is malformed.
            _ => Search::Characters(Box::new(Characters::new(text, seam.decoder(encoding)))),
        };
        Self { encoding, seam, search, at: 0 }
    }

    /// The first match in `bytes`, which begin where they began before and are at least as long.
    pub fn find(&mut self, bytes: &[u8]) -> Option<Range<usize>> {
        match &mut self.search {
            Search::Bytes { finder, length, step } => loop {
                let found = finder.find(&bytes[self.at..]);
                work::note(found.map_or(bytes.len() - self.at, |found| found + 1));
                let Some(found) = found else {
                    self.at = self.at.max((bytes.len() + 1).saturating_sub(*length));
                    return None;
                };
                let start = self.at + found;
                if start.is_multiple_of(*step) {
                    return Some(start..start + *length);
                }
                self.at = start + 1;
            },
            Search::Ascii { finder, length, decoder } => loop {
                let found = finder.find(&bytes[self.at..]);
                work::note(found.map_or(bytes.len() - self.at, |found| found + 1));
                let next = found.map_or(bytes.len().saturating_sub(*length - 1), |found| self.at + found).max(self.at);
                skip(decoder, &bytes[self.at..next]);
                self.at = next;
                found?;
                let is_start = is_between_characters(decoder);
                let mut text = [0; STEP];
                let decoded = decode_step(decoder, bytes[next], &mut text);
                self.at += 1;
                // A byte that cannot follow the one before it is a character of its own.
                if is_start || decoded > 1 && text[decoded - 1] == bytes[next] {
                    return Some(next..next + *length);
                }
            },
            Search::Characters(characters) => characters.find(bytes, &mut self.at, self.encoding),
        }
    }

    /// Starts anew behind these bytes, which were found last and what stood before it.
    pub fn restart(&mut self, consumed: &[u8]) {
        self.seam.pass(Some(self.encoding), consumed);
        self.at = 0;
        match &mut self.search {
            Search::Bytes { .. } => {}
            Search::Ascii { decoder, .. } => *decoder = self.seam.decoder(self.encoding),
            Search::Characters(characters) => characters.restart(self.seam.decoder(self.encoding)),
        }
    }
}

impl Characters {
    fn new(text: &str, decoder: encoding_rs::Decoder) -> Self {
        let wanted: Vec<char> = text.chars().collect();
        let mut fallback = vec![0; wanted.len()];
        let mut matched = 0;
        for at in 1..wanted.len() {
            while matched > 0 && wanted[at] != wanted[matched] {
                matched = fallback[matched - 1];
            }
            matched += usize::from(wanted[at] == wanted[matched]);
            fallback[at] = matched;
        }
        Self { decoder, wanted, fallback, starts: VecDeque::new(), matched: 0, start: 0 }
    }

    fn restart(&mut self, decoder: encoding_rs::Decoder) {
        self.decoder = decoder;
        self.starts.clear();
        self.matched = 0;
        self.start = 0;
    }

    fn find(&mut self, bytes: &[u8], at: &mut usize, encoding: &'static Encoding) -> Option<Range<usize>> {
        // ASCII cannot be the start of other text, except between escape sequences.
        let skips_ascii = !self.wanted[0].is_ascii() && encoding != ISO_2022_JP;
        while *at < bytes.len() {
            if skips_ascii && self.matched == 0 && self.start == *at {
                let ascii = Encoding::ascii_valid_up_to(&bytes[*at..]);
                work::note(ascii);
                *at += ascii;
                self.start = *at;
                if *at == bytes.len() {
                    break;
                }
            }
            work::note(1);
            let byte = bytes[*at];
            let mut text = [0; STEP];
            let length = decode_step(&mut self.decoder, byte, &mut text);
            *at += 1;
            if length == 0 {
                continue;
            }
            let text = str::from_utf8(&text[..length]).unwrap_or_default();
            // An ASCII byte that does not belong to the character before it is one of its own.
            let own = text.len() > 1 && text.as_bytes().last() == Some(&byte) && byte.is_ascii();
            for (index, character) in text.char_indices() {
                let is_own = own && index + 1 == text.len();
                let start = if is_own { *at - 1 } else { self.start };
                let end = if own && !is_own { *at - 1 } else { *at };
                if let Some(found) = self.next(character, start, end) {
                    return Some(found);
                }
            }
            self.start = *at;
        }
        None
    }

    /// One character more; the match that it completes.
    fn next(&mut self, character: char, start: usize, end: usize) -> Option<Range<usize>> {
        while self.matched > 0 && self.wanted[self.matched] != character {
            self.matched = self.fallback[self.matched - 1];
        }
        self.matched += usize::from(self.wanted[self.matched] == character);
        if self.starts.len() == self.wanted.len() {
            self.starts.pop_front();
        }
        self.starts.push_back(start);
        (self.matched == self.wanted.len()).then(|| self.starts[0]..end)
    }
}

/// Decodes one byte; malformed ones become U+FFFD. Returns the length of the text.
pub(super) fn decode_step(decoder: &mut encoding_rs::Decoder, byte: u8, text: &mut [u8; STEP]) -> usize {
    // There is room for everything that one byte can complete.
    let (_, _, length, _) = decoder.decode_to_utf8(&[byte], text, false);
    length
}

/// Whether no part of a character is held.
pub(super) fn is_between_characters(decoder: &encoding_rs::Decoder) -> bool {
    decoder.latin1_byte_compatible_up_to(&[]).is_some()
}

/// Moves a decoder behind bytes whose text is of no interest.
fn skip(decoder: &mut encoding_rs::Decoder, bytes: &[u8]) {
    let (mut at, mut scratch) = (0, [0; 1024]);
    while at < bytes.len() {
        let (result, read, _) = decoder.decode_to_utf8_without_replacement(&bytes[at..], &mut scratch, false);
        at += read;
        if result == DecoderResult::InputEmpty {
            return;
        }
    }
}

impl fmt::Debug for TextFinder {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("TextFinder")
            .field("encoding", &self.encoding.name())
            .field("at", &self.at)
            .finish_non_exhaustive()
    }
}

/// Room for the text that one byte completes: four bytes of GB18030 that are no character become four at most.
pub(super) const STEP: usize = 32;

#[cfg(test)]
mod tests {
    use encoding_rs::{BIG5, EUC_JP, EUC_KR, GB18030, GBK, SHIFT_JIS, WINDOWS_1251};
    use proptest::prelude::*;

    use super::*;

    const ALL: [&Encoding; 12] = [
        UTF_8,
        GBK,
        GB18030,
        BIG5,
        SHIFT_JIS,
        EUC_JP,
        EUC_KR,
        ISO_2022_JP,
        UTF_16LE,
        UTF_16BE,
        WINDOWS_1251,
        encoding_rs::KOI8_R,
    ];

    /// All matches, one after the other, in bytes that come in pieces.
    fn all(text: &str, encoding: &'static Encoding, bytes: &[u8], piece: usize) -> Vec<Range<usize>> {
        let (mut finder, mut from, mut found) = (TextFinder::new(text, encoding, Seam::START), 0, Vec::new());
        let ends = (0..bytes.len()).step_by(piece).skip(1).chain([bytes.len()]);
        for end in ends {
            while let Some(range) = finder.find(&bytes[from..end]) {
                finder.restart(&bytes[from..from + range.end]);
                found.push(from + range.start..from + range.end);
                from += range.end;
            }
        }
        found
    }

    fn encoded(encoding: &'static Encoding, text: &str) -> Vec<u8> {
        let mut encoder = Encoder::new(encoding, Unencodable::Fail);
        let mut bytes = encoder.encode_whole(text).unwrap();
        encoder.finish(&mut bytes);
        bytes
    }

    #[test]
    #[allow(clippy::single_range_in_vec_init, reason = "one match")]
    fn a_match_starts_at_the_start_of_a_character() {
        for (encoding, bytes, text, found) in [
            (GBK, &b"\x81\x7c|\x81\x7ca|"[..], "|", vec![2..3, 6..7]),
            (SHIFT_JIS, b"\x95\x5c\\x", "\\", vec![2..3]),
            (BIG5, b"\xa4\x7c|", "|", vec![2..3]),
            // No character of Big5: the second byte is one of its own.
            (BIG5, b"\x81\x7c", "|", vec![1..2]),
            (GBK, b"\xff|\x81\xff|", "|", vec![1..2, 4..5]),
            (UTF_16LE, b"\x00|\x00A|\x00b\x00|\x00", "|", vec![4..6, 8..10]),
            (GB18030, b"\x81\x30\x81\x300", "0", vec![4..5]),
            (ISO_2022_JP, b"|\x1b$B%|!!\x1b(B|", "|", vec![0..1, 8..12]),
            (ISO_2022_JP, b"a\x1b$B!\"$\"!\"\x1b(B.", "、", vec![1..6, 8..10]),
            (GBK, b"\x81 ", "\u{fffd}", vec![0..1]),
        ] {
            for piece in 1..=bytes.len() {
                assert_eq!(all(text, encoding, bytes, piece), found, "{text} in {} {bytes:x?}", encoding.name());
            }
        }
    }

    #[test]
    fn every_byte_is_looked_at_once() {
        for encoding in ALL {
            for (unit, wanted) in [("|", "\n"), ("ab|", "ab\n"), ("\u{451}", "\n"), ("a", "aab")] {
                let unit = match encoding {
                    _ if encoding == GBK || encoding == GB18030 => [unit.as_bytes(), b"\x81\x7c"].concat(),
                    _ if encoding == SHIFT_JIS => [unit.as_bytes(), b"\x95\x5c"].concat(),
                    _ => encoding.encode(unit).0.into_owned(),
                };
                let bytes = unit.repeat((32 << 10) / unit.len());
                for piece in [1, 7, bytes.len()] {
                    let (_, work) = work::of(|| all(wanted, encoding, &bytes, piece));
                    let most = 2 * bytes.len() + bytes.len() / piece * 2 * wanted.len();
                    assert!(work <= most, "{wanted:?} in {}: {work} of {}", encoding.name(), bytes.len());
                }
            }
        }
    }

    proptest! {
        #[test]
        fn matches_are_those_in_the_text(
            encoding in proptest::sample::select(&ALL[..]),
            pieces in proptest::collection::vec(proptest::sample::select(vec!["a", "b", "|", "ab", "、", "日"]), 0..30),
            wanted in proptest::sample::select(vec!["a", "|", "ab", "aba", "、", "日、", "b日", "日日"]),
            piece in 1usize..9,
        ) {
            let has = |text: &str| Encoder::new(encoding, Unencodable::Fail).encode_whole(text).is_ok();
            let text: String = pieces.into_iter().filter(|piece| has(piece)).collect();
            let bytes = encoded(encoding, &text);
            let found = all(wanted, encoding, &bytes, piece);
            prop_assert_eq!(found.len(), text.matches(wanted).count());
            prop_assert_eq!(all(wanted, encoding, &bytes, bytes.len().max(1)), found);
        }

        #[test]
        fn cuts_do_not_change_what_is_found(
            encoding in proptest::sample::select(&ALL[..]),
            bytes in proptest::collection::vec(
                proptest::sample::select(&b"ab|\x1b$B(\x81\x7c\x95\x5c\xa4\xff\x8f\0\x30"[..]), 0..60),
            wanted in proptest::sample::select(vec!["a", "|", "ab", "aa", "\u{fffd}", "日"]),
            piece in 1usize..9,
        ) {
            let whole = all(wanted, encoding, &bytes, bytes.len().max(1));
            prop_assert_eq!(all(wanted, encoding, &bytes, piece), whole);
        }
    }
}
