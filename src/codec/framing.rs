//! `Framer`: finds the frames in a byte stream.
//!
//! Takes the bytes received so far and returns what to consume. Remembers how far it has searched, so that a frame that
//! arrives byte by byte is searched only once. Decoded lines belong to `session::inbound`; here a line is bytes like
//! every other frame.

use std::fmt;
use std::ops::Range;

use encoding_rs::{Encoding, UTF_16BE, UTF_16LE};
use memchr::memchr;
use memchr::memmem::Finder;

use crate::codec::charset::Encoder;
use crate::codec::seam::Seam;
use crate::codec::text_finder::TextFinder;
use crate::codec::work;
use crate::config::Unencodable;

/// Default maximum frame length, in bytes.
pub const MAX_FRAME: usize = 1 << 20;

/// Byte order of a number.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Endian {
    /// Most significant byte first.
    #[default]
    Big,
    /// Least significant byte first.
    Little,
}

/// A header that contains the frame length.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct LengthHeader {
    /// Size of the number: 1 to 8 bytes.
    pub size: usize,
    /// Byte order of the number.
    pub endian: Endian,
    /// Bytes before the number.
    pub offset: usize,
    /// Added to the number.
    pub adjust: i64,
    /// The number includes the header.
    pub include_header: bool,
    /// The header is removed from the delivered frame.
    pub strip: bool,
    /// Maximum length of a delivered frame, in bytes.
    pub max: usize,
}

/// A framing: how a stream is split into frames.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Framing {
    /// Frames end with these bytes.
    Delimiter {
        /// The delimiter; not empty.
        bytes: Vec<u8>,
        /// Maximum frame length without the delimiter, in bytes.
        max: usize,
    },
    /// Frames end with this text in the stream's encoding; its bytes match only at the start of a character.
    Text {
        /// The delimiter; not empty.
        text: String,
        /// Its bytes in the encoding.
        bytes: Vec<u8>,
        /// The encoding.
        encoding: &'static Encoding,
        /// Maximum frame length without the delimiter, in bytes.
        max: usize,
    },
    /// Frames are lines; CR and LF are not part of the frame.
    Lines {
        /// The encoding of the line feed.
        encoding: &'static Encoding,
        /// Maximum line length without its end, in bytes.
        max: usize,
    },
    /// Frames of this many bytes; not 0.
    Fixed(usize),
    /// Frames that start with a length header.
    Length(LengthHeader),
}

/// The bytes to consume from the front of the stream.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Cut {
    /// The frame.
    pub frame: Range<usize>,
    /// Bytes to consume, delimiter and header included.
    pub consumed: usize,
}

/// A stream that cannot be split into frames.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum FrameError {
    /// A frame longer than the limit, by its bytes.
    #[error("a frame is longer than {max} bytes")]
    TooLong {
        /// The limit.
        max: usize,
    },
    /// A header that gives a frame longer than the limit.
    #[error("a frame is longer than {max} bytes: its header{header} gives {length}")]
    LengthTooLong {
        /// The limit.
        max: usize,
        /// The length of the frame it gives.
        length: i128,
        /// The bytes of the length.
        header: HeaderBytes,
    },
    /// A header with a negative length.
    #[error("a length header{header} gives a frame of {length} bytes")]
    Negative {
        /// The length after adjustment.
        length: i128,
        /// The bytes of the length.
        header: HeaderBytes,
    },
}

/// The bytes of a length, as messages show them: ` (47 45 54 20)`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct HeaderBytes(pub Box<[u8]>);

impl fmt::Display for HeaderBytes {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (at, byte) in self.0.iter().enumerate() {
            write!(f, "{}{byte:02x}", if at == 0 { " (" } else { " " })?;
        }
        f.write_str(")")
    }
}

/// A framing and the progress of the search for the end of the current frame.
#[derive(Debug)]
pub struct Framer {
    framing: Framing,
    search: Search,
    searched: usize,
}

/// The search for the delimiter, if there is one. Kept, because building it costs more than searching a short frame.
#[derive(Debug)]
enum Search {
    None,
    Bytes(Box<Finder<'static>>),
    /// Keeps how far it has searched itself.
    Text(Box<TextFinder>),
}

impl Framer {
    /// A framer at the start of a frame, which begins at this place of the stream.
    pub fn new(framing: Framing, seam: Seam) -> Self {
        let search = match &framing {
            Framing::Delimiter { bytes, .. } => Search::Bytes(Box::new(Finder::new(bytes).into_owned())),
            Framing::Text { text, encoding, .. } => Search::Text(Box::new(TextFinder::new(text, encoding, seam))),
            Framing::Lines { .. } | Framing::Fixed(_) | Framing::Length(_) => Search::None,
        };
        Self { framing, search, searched: 0 }
    }

    /// Returns the first complete frame of `bytes`, which begin at the end of the previous frame.
    ///
    /// # Errors
    /// The frame is longer than its limit, or its header is invalid.
    pub fn next(&mut self, bytes: &[u8]) -> Result<Option<Cut>, FrameError> {
        let cut = match &self.framing {
            Framing::Lines { encoding, max } => match line_end(encoding, bytes, self.searched) {
                Some(end) => match without_line_end(encoding, &bytes[..end]) {
                    line if line <= *max => Some(Cut { frame: 0..line, consumed: end }),
                    _ => return Err(FrameError::TooLong { max: *max }),
                },
                None if bytes.len() <= max + longest_line_end(encoding) => None,
                None => return Err(FrameError::TooLong { max: *max }),
            },
            Framing::Fixed(size) => (bytes.len() >= *size).then_some(Cut { frame: 0..*size, consumed: *size }),
            Framing::Length(header) => header.cut(bytes)?,
            Framing::Delimiter { bytes: delimiter, max } | Framing::Text { bytes: delimiter, max, .. } => {
                let found = match &mut self.search {
                    Search::None => None,
                    Search::Text(finder) => finder.find(bytes),
                    Search::Bytes(finder) => finder.find(&bytes[self.searched..]).map(|at| {
                        let start = self.searched + at;
                        start..start + delimiter.len()
                    }),
                };
                delimited(found, bytes.len(), delimiter.len(), *max)?
            }
        };
        self.searched = match (&cut, &self.framing) {
            (None, Framing::Delimiter { bytes: delimiter, .. }) => bytes.len().saturating_sub(delimiter.len() - 1),
            (None, Framing::Lines { .. }) => bytes.len(),
            _ => 0,
        };
        if let (Some(cut), Search::Text(finder)) = (&cut, &mut self.search) {
            finder.restart(&bytes[..cut.consumed]);
        }
        Ok(cut)
    }

    /// Returns the frame that the end of the stream completes: the last line needs no line end; other frames are
    /// truncated.
    ///
    /// # Errors
    /// The line is longer than its limit.
    pub fn last(&self, bytes: &[u8]) -> Result<Option<Cut>, FrameError> {
        let Framing::Lines { encoding, max } = self.framing else { return Ok(None) };
        match without_last_cr(encoding, bytes) {
            line if line <= max => Ok(Some(Cut { frame: 0..line, consumed: bytes.len() })),
            _ => Err(FrameError::TooLong { max }),
        }
    }

    /// The encoding of the delimiter or the line ends; `None` if they are bytes.
    pub fn encoding(&self) -> Option<&'static Encoding> {
        match self.framing {
            Framing::Text { encoding, .. } | Framing::Lines { encoding, .. } => Some(encoding),
            Framing::Delimiter { .. } | Framing::Fixed(_) | Framing::Length(_) => None,
        }
    }

    /// Follows a stream that changes its encoding, where the current frame begins.
    pub fn set_encoding(&mut self, new: &'static Encoding, seam: Seam) {
        match &mut self.framing {
            Framing::Text { text, bytes, encoding, .. } if *encoding != new => {
                *encoding = new;
                // Without an encoding, only what is malformed can be the delimiter; the limit counts its bytes.
                if let Ok(encoded) = Encoder::new(new, Unencodable::Fail).encode_whole(text) {
                    *bytes = encoded;
                }
                self.search = Search::Text(Box::new(TextFinder::new(text, new, seam)));
            }
            Framing::Lines { encoding, .. } if *encoding != new => {
                *encoding = new;
                self.searched = 0;
            }
            _ => {}
        }
    }
}

/// The end of the first line (after its line feed), searched from `searched` on.
pub fn line_end(encoding: &'static Encoding, bytes: &[u8], searched: usize) -> Option<usize> {
    if encoding != UTF_16LE && encoding != UTF_16BE {
        // In every other encoding of the WHATWG standard, 0x0A is never part of a longer character.
        let found = memchr(b'\n', &bytes[searched..]);
        work::note(found.map_or(bytes.len() - searched, |at| at + 1));
        return found.map(|at| searched + at + 1);
    }
    let line_feed = if encoding == UTF_16LE { [b'\n', 0] } else { [0, b'\n'] };
    let start = searched & !1;
    let found = bytes[start..].chunks_exact(2).position(|unit| unit == line_feed).map(|unit| unit * 2 + 2);
    work::note(found.unwrap_or(bytes.len() - start));
    found.map(|end| start + end)
}

/// Length of CR or LF, in bytes.
pub fn longest_line_end(encoding: &'static Encoding) -> usize {
    if encoding == UTF_16LE || encoding == UTF_16BE { 4 } else { 2 }
}

/// The length without line end of a line that ends with a line feed, in bytes.
pub fn without_line_end(encoding: &'static Encoding, line: &[u8]) -> usize {
    let feed = longest_line_end(encoding) / 2;
    without_last_cr(encoding, &line[..line.len() - feed])
}

/// The length without a CR at its end of a line that the end of the stream has cut, in bytes.
pub fn without_last_cr(encoding: &'static Encoding, line: &[u8]) -> usize {
    let end: &[u8] = match encoding {
        _ if encoding == UTF_16LE => b"\r\0",
        _ if encoding == UTF_16BE => b"\0\r",
        _ => b"\r",
    };
    line.strip_suffix(end).unwrap_or(line).len()
}

impl LengthHeader {
    fn cut(&self, bytes: &[u8]) -> Result<Option<Cut>, FrameError> {
        let header = self.offset + self.size;
        let Some(number) = bytes.get(self.offset..header) else { return Ok(None) };
        let value = match self.endian {
            Endian::Big => number.iter().fold(0u64, |value, byte| value << 8 | u64::from(*byte)),
            Endian::Little => number.iter().rev().fold(0u64, |value, byte| value << 8 | u64::from(*byte)),
        };
        let beyond = i128::from(value) + i128::from(self.adjust);
        let whole = if self.include_header { beyond } else { beyond + header as i128 };
        let body = whole - header as i128;
        if body < 0 {
            return Err(FrameError::Negative { length: body, header: HeaderBytes(number.into()) });
        }
        let start = if self.strip { header } else { 0 };
        let length = whole - start as i128;
        let whole = usize::try_from(whole).ok().filter(|whole| whole - start <= self.max);
        let Some(whole) = whole else {
            return Err(FrameError::LengthTooLong { max: self.max, length, header: HeaderBytes(number.into()) });
        };
        Ok((bytes.len() >= whole).then_some(Cut { frame: start..whole, consumed: whole }))
    }
}

fn delimited(found: Option<Range<usize>>, len: usize, delimiter: usize, max: usize) -> Result<Option<Cut>, FrameError> {
    match found {
        Some(end) if end.start <= max => Ok(Some(Cut { frame: 0..end.start, consumed: end.end })),
        Some(_) => Err(FrameError::TooLong { max }),
        // A delimiter may start exactly at the limit.
        None if len >= max + delimiter => Err(FrameError::TooLong { max }),
        None => Ok(None),
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn all(framing: &Framing, pieces: &[&[u8]]) -> Result<(Vec<Vec<u8>>, Vec<u8>), FrameError> {
        let mut framer = Framer::new(framing.clone(), Seam::START);
        let mut bytes = Vec::new();
        let mut frames = Vec::new();
        for piece in pieces {
            bytes.extend_from_slice(piece);
            while let Some(cut) = framer.next(&bytes)? {
                frames.push(bytes[cut.frame].to_vec());
                bytes.drain(..cut.consumed);
            }
        }
        Ok((frames, bytes))
    }

    /// Checks that the frames and the rest are the same for the whole, every two-way split and byte by byte.
    fn check(framing: &Framing, input: &[u8], frames: &[&[u8]], rest: &[u8]) {
        let expected = Ok((frames.iter().map(|frame| frame.to_vec()).collect(), rest.to_vec()));
        for cut in 0..=input.len() {
            assert_eq!(all(framing, &[&input[..cut], &input[cut..]]), expected, "cut at {cut}");
        }
        assert_eq!(all(framing, &input.chunks(1).collect::<Vec<_>>()), expected, "byte by byte");
    }

    fn delimiter(bytes: &[u8], max: usize) -> Framing {
        Framing::Delimiter { bytes: bytes.to_vec(), max }
    }

    fn header() -> LengthHeader {
        LengthHeader {
            size: 2,
            endian: Endian::Big,
            offset: 0,
            adjust: 0,
            include_header: false,
            strip: true,
            max: MAX_FRAME,
        }
    }

    #[test]
    fn delimiters_are_not_part_of_a_frame() {
        check(&delimiter(b"\r\n\r\n", 100), b"a\r\n\r\n\r\n\r\nb\r\n\r", &[b"a", b""], b"b\r\n\r");
        check(&delimiter(b"aab", 100), b"aaab!aab", &[b"a", b"!"], b"");
    }

    #[test]
    fn a_frame_of_exactly_the_limit_is_allowed() {
        let framing = delimiter(b"--", 3);
        check(&framing, b"abc--", &[b"abc"], b"");
        check(&framing, b"abc-", &[], b"abc-");
        assert_eq!(all(&framing, &[b"abcd--"]), Err(FrameError::TooLong { max: 3 }));
        assert_eq!(all(&framing, &[b"abcd", b"x"]), Err(FrameError::TooLong { max: 3 }));
    }

    #[test]
    fn a_delimiter_inside_a_character_does_not_match() {
        // 81 7C is one character of GBK.
        let gbk = Framing::Text { text: "|".into(), bytes: b"|".to_vec(), encoding: encoding_rs::GBK, max: 100 };
        check(&gbk, b"\x81\x7c|\x81\x7ca|", &[b"\x81\x7c", b"\x81\x7ca"], b"");
        // U+0A00 followed by U+7C0A holds the bytes of a little-endian U+000A U+007C, but not at a unit's start.
        let wide = b"|\x00".to_vec();
        let utf16 = Framing::Text { text: "|".into(), bytes: wide, encoding: UTF_16LE, max: 100 };
        check(&utf16, b"\x00|\x00A|\x00b\x00|\x00", &[b"\x00|\x00A", b"b\x00"], b"");
        let sjis = encoding_rs::SHIFT_JIS;
        let backslash = Framing::Text { text: "\\".into(), bytes: b"\\".to_vec(), encoding: sjis, max: 100 };
        check(&backslash, b"\x95\x5c\\x", &[b"\x95\x5c"], b"x");
    }

    #[test]
    fn lines_are_split_without_their_ends() {
        let lines = Framing::Lines { encoding: encoding_rs::GBK, max: 6 };
        check(&lines, b"one\r\n\ntwo\nlast", &[b"one", b"", b"two"], b"last");
        assert_eq!(Framer::new(lines.clone(), Seam::START).last(b"last"), Ok(Some(Cut { frame: 0..4, consumed: 4 })));
        // The end has cut the CR off from its LF.
        let cut = Framer::new(lines.clone(), Seam::START).last(b"123456\r");
        assert_eq!(cut, Ok(Some(Cut { frame: 0..6, consumed: 7 })));
        check(&lines, b"123456\r\n123456\n", &[b"123456", b"123456"], b"");
        for long in [&b"1234567\n"[..], b"1234567\r\n", b"123456789"] {
            for cut in 0..long.len() {
                assert_eq!(all(&lines, &[&long[..cut], &long[cut..]]), Err(FrameError::TooLong { max: 6 }));
            }
        }
        assert_eq!(Framer::new(lines, Seam::START).last(b"1234567"), Err(FrameError::TooLong { max: 6 }));
        let wide = Framing::Lines { encoding: UTF_16BE, max: 100 };
        check(&wide, b"\x0a\0\0a\0\r\0\n\0b\0\n", &[b"\x0a\0\0a", b"\0b"], b"");
    }

    #[test]
    fn fixed_frames_have_their_size() {
        check(&Framing::Fixed(3), b"abcdefg", &[b"abc", b"def"], b"g");
    }

    #[test]
    fn length_headers_are_parsed_with_every_option() {
        check(&Framing::Length(header()), b"\x00\x02hi\x00\x00\x00\x05ab", &[b"hi", b""], b"\x00\x05ab");
        let little = LengthHeader { endian: Endian::Little, ..header() };
        check(&Framing::Length(little), b"\x02\x00hi", &[b"hi"], b"");
        let kept = LengthHeader { strip: false, ..header() };
        check(&Framing::Length(kept), b"\x00\x02hi", &[b"\x00\x02hi"], b"");
        let counted = LengthHeader { include_header: true, ..header() };
        check(&Framing::Length(counted), b"\x00\x04hi", &[b"hi"], b"");
        let typed = LengthHeader { offset: 1, size: 1, adjust: 2, ..header() };
        check(&Framing::Length(typed), b"T\x01abcU", &[b"abc"], b"U");
    }

    fn header_bytes(bytes: &[u8]) -> HeaderBytes {
        HeaderBytes(bytes.into())
    }

    #[test]
    fn impossible_lengths_are_errors() {
        let counted = LengthHeader { include_header: true, ..header() };
        assert_eq!(
            all(&Framing::Length(counted), &[b"\x00\x01"]),
            Err(FrameError::Negative { length: -1, header: header_bytes(&[0, 1]) })
        );
        let small = LengthHeader { max: 10, ..header() };
        check(&Framing::Length(small), b"\x00\x0a0123456789", &[b"0123456789"], b"");
        let error = FrameError::LengthTooLong { max: 10, length: 11, header: header_bytes(&[0, 11]) };
        assert_eq!(error.to_string(), "a frame is longer than 10 bytes: its header (00 0b) gives 11");
        assert_eq!(all(&Framing::Length(small), &[b"\x00\x0b"]), Err(error));
        let huge = LengthHeader { size: 8, ..header() };
        let length = i128::from(u64::MAX);
        let error = FrameError::LengthTooLong { max: MAX_FRAME, length, header: header_bytes(&[0xff; 8]) };
        assert_eq!(all(&Framing::Length(huge), &[&[0xff; 8]]), Err(error));
    }

    proptest! {
        #[test]
        fn cuts_never_matter(
            input in prop::collection::vec(prop::sample::select(vec![0u8, 1, 2, 3, b'a', b'|', 0x81, b'\n']), 0..200),
            cuts in prop::collection::vec(0usize..200, 0..10),
            which in 0usize..5,
        ) {
            let framing = match which {
                0 => delimiter(b"a|", 50),
                1 => Framing::Text { text: "|".into(), bytes: b"|".to_vec(), encoding: encoding_rs::GBK, max: 50 },
                2 => Framing::Fixed(7),
                3 => Framing::Length(LengthHeader { size: 1, ..header() }),
                _ => Framing::Length(LengthHeader { size: 1, include_header: true, strip: false, ..header() }),
            };
            let mut places: Vec<_> = cuts.into_iter().map(|at| at.min(input.len())).chain([0, input.len()]).collect();
            places.sort_unstable();
            let pieces: Vec<_> = places.windows(2).map(|pair| &input[pair[0]..pair[1]]).collect();
            prop_assert_eq!(all(&framing, &pieces), all(&framing, &[&input]));
        }
    }
}
