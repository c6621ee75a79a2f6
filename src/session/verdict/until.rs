//! `Cut`: where the output of one connection ends (`--until`). Everything through the end passes at once, nothing behind it.
//!
//! Owns the count or the search. Holds back a few bytes only while a match may end before them: an incomplete character that
//! decides about a word boundary. Does not know what the end means for the run.

use std::fmt;
use std::rc::Rc;

use memchr::memchr_iter;

use crate::codec::escape::show_line;
use crate::codec::scan::{Pattern, StreamMatcher};

/// Where the output of a connection ends, compiled.
#[derive(Debug)]
pub(super) enum Place {
    /// After so many bytes.
    Bytes(u64),
    /// After so many line ends.
    Lines(u64),
    /// With the first match.
    Pattern(Rc<Pattern>),
}

/// The output of one connection on its way to that place.
#[derive(Debug)]
pub(super) enum Cut {
    /// So many bytes are missing.
    Bytes(u64),
    /// So many line ends are missing.
    Lines {
        /// How many.
        missing: u64,
        /// Something came after the last line end.
        has_begun: bool,
    },
    /// The match is missing.
    Pattern(Box<Search>),
}

/// The search for the end, and what is held back meanwhile.
#[derive(Debug)]
pub(super) struct Search {
    matcher: StreamMatcher,
    /// Bytes that were given out.
    given: u64,
    /// Bytes that a match may end before.
    held: Vec<u8>,
}

/// What may be given out now.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Piece {
    /// The next bytes.
    pub(super) bytes: Vec<u8>,
    /// The output ends with them.
    pub(super) is_last: bool,
}

impl Place {
    /// A cut at the start of a stream.
    pub(super) fn begin(&self) -> Cut {
        match self {
            Self::Bytes(n) => Cut::Bytes(*n),
            Self::Lines(n) => Cut::Lines { missing: *n, has_begun: false },
            Self::Pattern(pattern) => {
                let matcher = StreamMatcher::new(Rc::clone(pattern));
                Cut::Pattern(Box::new(Search { matcher, given: 0, held: Vec::new() }))
            }
        }
    }
}

/// As on the command line.
impl fmt::Display for Place {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Bytes(n) => write!(f, "{n}b was not reached"),
            Self::Lines(n) => write!(f, "{n}l was not reached"),
            Self::Pattern(pattern) => write!(f, "\"{}\" was not seen", show_line(pattern.text())),
        }
    }
}

impl Cut {
    /// Takes the next bytes of the stream.
    pub(super) fn push(&mut self, mut bytes: Vec<u8>) -> Piece {
        match self {
            Self::Bytes(missing) => {
                // A chunk has less than 2^64 bytes.
                let taken = bytes.len().min(usize::try_from(*missing).unwrap_or(usize::MAX));
                bytes.truncate(taken);
                *missing -= taken as u64;
                Piece { bytes, is_last: *missing == 0 }
            }
            Self::Lines { missing, has_begun } => {
                for end in memchr_iter(b'\n', &bytes) {
                    *missing -= 1;
                    if *missing == 0 {
                        bytes.truncate(end + 1);
                        return Piece { bytes, is_last: true };
                    }
                }
                *has_begun = bytes.last().map_or(*has_begun, |&last| last != b'\n');
                Piece { bytes, is_last: false }
            }
            Self::Pattern(search) => {
                let end = search.matcher.push(&bytes);
                search.give(bytes, end)
            }
        }
    }

    /// The stream has ended.
    pub(super) fn finish(&mut self) -> Piece {
        match self {
            Self::Bytes(_) | Self::Lines { .. } => Piece { bytes: Vec::new(), is_last: false },
            Self::Pattern(search) => {
                let end = search.matcher.finish();
                search.give(Vec::new(), end)
            }
        }
    }

    /// Gives out what is held back: the end will not be looked for any more.
    pub(super) fn release(&mut self) -> Vec<u8> {
        match self {
            Self::Bytes(_) | Self::Lines { .. } => Vec::new(),
            Self::Pattern(search) => std::mem::take(&mut search.held),
        }
    }

    /// How much is missing, in words for a message; `None` for a match.
    pub(super) fn missing(&self) -> Option<String> {
        let (n, unit) = match self {
            Self::Bytes(n) => (*n, "byte"),
            Self::Lines { missing: 1, has_begun: true } => {
                return Some("the end of the last line is missing".to_owned());
            }
            Self::Lines { missing, .. } => (*missing, "line"),
            Self::Pattern(_) => return None,
        };
        Some(if n == 1 { format!("1 {unit} is missing") } else { format!("{n} {unit}s are missing") })
    }
}

impl Search {
    /// The next bytes up to the end of the match, or as far as no match can end before them.
    fn give(&mut self, bytes: Vec<u8>, end: Option<u64>) -> Piece {
        let mut bytes = if self.held.is_empty() { bytes } else { [&self.held[..], &bytes].concat() };
        // Both are within what was given out before and these bytes.
        let to = (end.unwrap_or(self.matcher.settled()) - self.given) as usize;
        self.held = bytes.split_off(to);
        self.given += to as u64;
        Piece { bytes, is_last: end.is_some() }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Pushes the pieces one after the other; returns what was given out of each, with `|` where it ends.
    fn run(place: &Place, pieces: &[&[u8]]) -> Vec<String> {
        let mut cut = place.begin();
        let mut out: Vec<String> = Vec::new();
        let shown = |piece: &Piece| {
            let end = if piece.is_last { "|" } else { "" };
            format!("{}{end}", piece.bytes.escape_ascii())
        };
        for piece in pieces {
            let piece = cut.push(piece.to_vec());
            out.push(shown(&piece));
            if piece.is_last {
                return out;
            }
        }
        out.push(shown(&cut.finish()));
        out
    }

    fn pattern(text: &str) -> Place {
        Place::Pattern(Rc::new(Pattern::new(text, false).expect("it compiles")))
    }

    #[test]
    fn bytes_are_counted_across_chunks() {
        assert_eq!(run(&Place::Bytes(5), &[b"abc", b"defgh"]), ["abc", "de|"]);
        assert_eq!(run(&Place::Bytes(3), &[b"abc"]), ["abc|"]);
        assert_eq!(run(&Place::Bytes(u64::MAX), &[b"abc"]), ["abc", ""]);
    }

    #[test]
    fn lines_end_with_a_line_feed() {
        assert_eq!(run(&Place::Lines(2), &[b"a\r", b"\n\nb\n"]), ["a\\r", "\\n\\n|"]);
        assert_eq!(run(&Place::Lines(1), &[b"a\rb"]), ["a\\rb", ""]);
    }

    #[test]
    fn a_match_ends_at_the_first_place_where_it_can() {
        assert_eq!(run(&pattern("a+b*"), &[b"xxaab"]), ["xxa|"]);
        assert_eq!(run(&pattern("END\\r?\\n"), &[b"..EN", b"D\r", b"\nmore"]), ["..EN", "D\\r", "\\n|"]);
        assert_eq!(run(&pattern("needle"), &[b"nee", b"dnee", b"dle."]), ["nee", "dnee", "dle|"]);
    }

    #[test]
    fn what_a_match_depends_on_is_not_given_out() {
        assert_eq!(run(&pattern("(?m)^OK$"), &[b"OK", b"\nmore"]), ["OK", "|"]);
        assert_eq!(run(&pattern("bye$"), &[b"good bye"]), ["good bye", "|"]);
        assert_eq!(run(&pattern("bye$"), &[b"bye", b"!"]), ["bye", "!", ""]);
        // The first byte of a character that is not a letter, or is one.
        assert_eq!(run(&pattern("foo\\b"), &[b"foo", b"\xc3", b"\x97x"]), ["foo", "", "|"]);
        assert_eq!(run(&pattern("foo\\b"), &[b"foo", b"\xc3", b"\xa9x"]), ["foo", "", "\\xc3\\xa9x", ""]);
        assert_eq!(run(&pattern("foo\\b"), &[b"foo", b"\xc3"]), ["foo", "", "|"]);
        assert_eq!(run(&pattern("foo\\bx"), &[b"foo", b"\xc3"]), ["foo", "", "\\xc3"]);
    }

    #[test]
    fn however_the_stream_is_cut_the_output_ends_at_the_same_place() {
        let text = "a word\u{2014}foo\u{d7}foo\u{e9} foo\u{e9}\u{d7}\r\nOK\r\n\u{4e16}\u{754c} end".as_bytes();
        for source in
            ["foo\\b", "foo\u{e9}\\b", "(?m)^OK\\r?$", "(?mR)^OK$", "\u{4e16}\\B", "end\\z", "\\bend$", "none"]
        {
            let place = pattern(source);
            let whole = run(&place, &[text]).concat();
            for first in 0..text.len() {
                for second in first..text.len() {
                    let pieces = [&text[..first], &text[first..second], &text[second..]];
                    assert_eq!(run(&place, &pieces).concat(), whole, "{source} cut at {first} and {second}");
                }
            }
            let single: Vec<&[u8]> = text.chunks(1).collect();
            assert_eq!(run(&place, &single).concat(), whole, "{source} byte by byte");
        }
    }

    #[test]
    fn what_is_missing_is_counted() {
        let missing = |place: Place, bytes: &[u8]| {
            let mut cut = place.begin();
            cut.push(bytes.to_vec());
            cut.missing()
        };
        assert_eq!(missing(Place::Bytes(10), b"abcdef").as_deref(), Some("4 bytes are missing"));
        assert_eq!(missing(Place::Bytes(7), b"abcdef").as_deref(), Some("1 byte is missing"));
        assert_eq!(missing(Place::Lines(3), b"a\nb").as_deref(), Some("2 lines are missing"));
        assert_eq!(missing(Place::Lines(2), b"a\n").as_deref(), Some("1 line is missing"));
        assert_eq!(missing(Place::Lines(2), b"a\nb").as_deref(), Some("the end of the last line is missing"));
        assert_eq!(missing(pattern("x"), b"a"), None);
    }
}
