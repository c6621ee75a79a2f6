//! `Encoder`: encodes the text of one stream.
//!
//! Owns the shift state between two calls (ISO-2022-JP), UTF-16, and the position of a character that the encoding
//! cannot represent. Writes no byte order mark, and no `&#…;` for such a character.

use std::fmt;

use encoding_rs::{EncoderResult, Encoding, ISO_2022_JP, UTF_8, UTF_16BE, UTF_16LE};

use crate::codec::{escape, labels};
use crate::config::Unencodable;

/// A character the encoding cannot represent.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct EncodeError {
    /// The character.
    pub character: char,
    /// Characters of this call's text before it.
    pub index: usize,
    /// Characters of the stream before it.
    pub total: u64,
    /// Its position in the message, counted from 1: in the stream, or in the text that was to be encoded as a
    /// whole.
    pub place: u64,
    /// The name of the encoding.
    pub encoding: &'static str,
}

impl std::error::Error for EncodeError {}

impl fmt::Display for EncodeError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "cannot encode U+{:04X}", u32::from(self.character))?;
        if escape::is_plain(self.character) {
            write!(f, " '{}'", self.character)?;
        }
        write!(f, " (character {}) in {}", self.place, self.encoding)?;
        if self.character == char::REPLACEMENT_CHARACTER {
            f.write_str(", which stands for malformed bytes; with --unencodable replace, ? is sent instead")?;
        }
        Ok(())
    }
}

/// Encodes one stream.
pub struct Encoder {
    encoding: &'static Encoding,
    unencodable: Unencodable,
    writer: Writer,
    /// Characters encoded so far; not counted if the encoding has every character.
    total: u64,
}

enum Writer {
    Utf8,
    /// UTF-16 in this byte order. `encoding_rs` only decodes UTF-16; its encoder writes UTF-8 instead.
    Utf16(fn(u16) -> [u8; 2]),
    /// Any other encoding, by its table.
    Table(encoding_rs::Encoder),
}

impl Encoder {
    /// An encoder at the start of a stream.
    pub fn new(encoding: &'static Encoding, unencodable: Unencodable) -> Self {
        let writer = if encoding == UTF_8 {
            Writer::Utf8
        } else if encoding == UTF_16LE {
            Writer::Utf16(u16::to_le_bytes)
        } else if encoding == UTF_16BE {
            Writer::Utf16(u16::to_be_bytes)
        } else {
            Writer::Table(encoding.new_encoder())
        };
        Self { encoding, unencodable, writer, total: 0 }
    }

    /// The encoding.
    pub fn encoding(&self) -> &'static Encoding {
        self.encoding
    }

    /// Whether nothing ever remains to be written at the end of a text.
    #[inline]
    pub fn is_stateless(&self) -> bool {
        matches!(self.writer, Writer::Utf8)
    }

    /// The policy for a character that cannot be encoded.
    pub fn unencodable(&self) -> Unencodable {
        self.unencodable
    }

    /// Changes the policy; the state of the stream stays.
    pub fn set_unencodable(&mut self, unencodable: Unencodable) {
        self.unencodable = unencodable;
    }

    /// Appends the encoded `text`. On an error, `out` holds the text before the character and nothing after it.
    pub fn encode(&mut self, text: &str, out: &mut Vec<u8>) -> Result<(), EncodeError> {
        match &mut self.writer {
            Writer::Utf8 => out.extend_from_slice(text.as_bytes()),
            Writer::Utf16(to_bytes) => {
                out.reserve(text.len() * 2);
                out.extend(text.encode_utf16().flat_map(*to_bytes));
            }
            Writer::Table(_) if self.encoding.is_ascii_compatible() && text.is_ascii() => {
                out.extend_from_slice(text.as_bytes());
                self.total += text.len() as u64;
            }
            Writer::Table(table) => {
                let result = encode_with(table, text, self.unencodable, out);
                let Err((character, index)) = result else {
                    self.total += text.chars().count() as u64;
                    return Ok(());
                };
                let total = self.total + index as u64;
                self.total = total + 1;
                let encoding = labels::name(self.encoding);
                return Err(EncodeError { character, index, total, place: self.total, encoding });
            }
        }
        Ok(())
    }

    /// Returns the encoded `text`, all or nothing: an error leaves the state of the stream unchanged.
    pub fn encode_whole(&mut self, text: &str) -> Result<Vec<u8>, EncodeError> {
        let before = self.total;
        let mut out = Vec::with_capacity(match &self.writer {
            Writer::Utf8 => return Ok(text.as_bytes().to_vec()),
            Writer::Utf16(_) => text.len() * 2,
            Writer::Table(_) => text.len() + SLACK,
        });
        let result = if self.encoding == ISO_2022_JP {
            // The only encoding with a shift state, which cannot be restored. Whether a character can be encoded does
            // not depend on that state, so a trial run on a new encoder answers it.
            let mut trial = Self { total: before, ..Self::new(self.encoding, self.unencodable) };
            trial.encode(text, &mut out).and_then(|()| {
                out.clear();
                self.encode(text, &mut out)
            })
        } else {
            self.encode(text, &mut out)
        };
        match result {
            Ok(()) => Ok(out),
            Err(error) => {
                self.total = before;
                Err(EncodeError { place: error.index as u64 + 1, ..error })
            }
        }
    }

    /// Appends the bytes that end the stream: ISO-2022-JP returns to ASCII. More text may follow.
    pub fn finish(&mut self, out: &mut Vec<u8>) {
        if let Writer::Table(table) = &mut self.writer {
            out.reserve(SLACK);
            // An empty text cannot fail.
            let _ = table.encode_from_utf8_to_vec_without_replacement("", out, true);
            *table = self.encoding.new_encoder();
        }
    }
}

impl fmt::Debug for Encoder {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Encoder")
            .field("encoding", &self.encoding.name())
            .field("unencodable", &self.unencodable)
            .field("total", &self.total)
            .finish_non_exhaustive()
    }
}

/// Encodes with a table; the error is the character and the number of characters before it.
fn encode_with(
    table: &mut encoding_rs::Encoder,
    text: &str,
    unencodable: Unencodable,
    out: &mut Vec<u8>,
) -> Result<(), (char, usize)> {
    let mut at = 0;
    out.reserve(text.len() + SLACK);
    loop {
        let (result, read) = table.encode_from_utf8_to_vec_without_replacement(&text[at..], out, false);
        at += read;
        match result {
            EncoderResult::InputEmpty => return Ok(()),
            EncoderResult::OutputFull => {
                let rest = text.len() - at;
                let most = table.max_buffer_length_from_utf8_without_replacement(rest);
                out.reserve(most.unwrap_or(rest).max(SLACK));
            }
            EncoderResult::Unmappable(reported) => match unencodable {
                // Encoded by the table, because ISO-2022-JP may have to return to ASCII first.
                Unencodable::Replace => encode_with(table, "?", unencodable, out)?,
                Unencodable::Fail => {
                    // For ESC, SO and SI, ISO-2022-JP reports another character than the one read.
                    let character = text[..at].chars().next_back().unwrap_or(reported);
                    return Err((character, text[..at].chars().count().saturating_sub(1)));
                }
            },
        }
    }
}

/// Space for any one character with its escape sequences, so that each call of the encoder makes progress.
const SLACK: usize = 16;
#[cfg(test)]
mod tests {
    use encoding_rs::{GB18030, GBK, WINDOWS_1252};

    use super::*;

    fn strict(encoding: &'static Encoding) -> Encoder {
        Encoder::new(encoding, Unencodable::Fail)
    }

    #[test]
    fn an_error_names_the_character_its_position_and_the_encoding() {
        for (encoding, text, message) in [
            (GBK, "你好，a😀b", "cannot encode U+1F600 '😀' (character 5) in gbk"),
            (WINDOWS_1252, "Ω", "cannot encode U+03A9 'Ω' (character 1) in windows-1252"),
            (ISO_2022_JP, "日é", "cannot encode U+00E9 'é' (character 2) in iso-2022-jp"),
            (ISO_2022_JP, "日a\u{1b}b", "cannot encode U+001B (character 3) in iso-2022-jp"),
            (GBK, "a\u{9b}", "cannot encode U+009B (character 2) in gbk"),
            (GBK, "a\u{202e}", "cannot encode U+202E (character 2) in gbk"),
        ] {
            let error = strict(encoding).encode_whole(text).unwrap_err();
            assert_eq!(error.to_string(), message);
        }
    }

    #[test]
    fn positions_count_from_the_start_of_the_stream() {
        let (mut encoder, mut out) = (strict(GBK), Vec::new());
        encoder.encode("ascii", &mut out).unwrap();
        encoder.encode("你好", &mut out).unwrap();
        let error = encoder.encode("a😀b", &mut out).unwrap_err();
        assert_eq!((error.character, error.index, error.total, error.place), ('😀', 1, 8, 9));
        assert_eq!(out, b"ascii\xc4\xe3\xba\xc3a");
        assert_eq!(encoder.encode("é€😀", &mut out).unwrap_err().total, 9 + 2);
        let whole = encoder.encode_whole("ab😀").unwrap_err();
        assert_eq!((whole.index, whole.total, whole.place), (2, 12 + 2, 3));
        // Text that was refused as a whole is not counted.
        assert_eq!(encoder.encode_whole("😀").unwrap_err().total, 12);
    }

    #[test]
    fn unencodable_characters_become_one_question_mark() {
        for (encoding, text, bytes) in [
            (GBK, "a😀你", b"a?\xc4\xe3".as_slice()),
            (WINDOWS_1252, "Ωé", b"?\xe9"),
            (ISO_2022_JP, "日é日", b"\x1b$BF|\x1b(B?\x1b$BF|"),
            (ISO_2022_JP, "\u{a5}é", b"\x1b(J\x5c?"),
        ] {
            assert_eq!(Encoder::new(encoding, Unencodable::Replace).encode_whole(text).unwrap(), bytes);
        }
    }

    #[test]
    fn utf_16_is_encoded_as_utf_16() {
        assert_eq!(strict(UTF_16LE).encode_whole("A中😀").unwrap(), b"A\0\x2d\x4e\x3d\xd8\0\xde");
        assert_eq!(strict(UTF_16BE).encode_whole("A中😀").unwrap(), b"\0A\x4e\x2d\xd8\x3d\xde\0");
    }

    #[test]
    fn iso_2022_jp_keeps_its_shift_state_and_returns_to_ascii() {
        let (mut encoder, mut out) = (strict(ISO_2022_JP), Vec::new());
        encoder.encode("日", &mut out).unwrap();
        encoder.encode("本", &mut out).unwrap();
        assert_eq!(out, b"\x1b$BF|K\\");
        encoder.finish(&mut out);
        assert_eq!(out, b"\x1b$BF|K\\\x1b(B");
        encoder.finish(&mut out);
        encoder.encode("A", &mut out).unwrap();
        assert_eq!(out, b"\x1b$BF|K\\\x1b(BA");
    }

    #[test]
    fn a_refused_text_leaves_the_shift_state_unchanged() {
        let mut encoder = strict(ISO_2022_JP);
        encoder.encode_whole("日é").unwrap_err();
        assert_eq!(encoder.encode_whole("A").unwrap(), b"A");
        assert_eq!(encoder.encode_whole("日").unwrap(), b"\x1b$BF|");
        encoder.encode_whole("aé").unwrap_err();
        assert_eq!(encoder.encode_whole("本").unwrap(), b"K\\");
    }

    #[test]
    fn characters_longer_in_the_encoding_are_encoded() {
        let text = "\u{80}".repeat(1000);
        assert_eq!(strict(GB18030).encode_whole(&text).unwrap(), b"\x81\x30\x81\x30".repeat(1000));
        assert_eq!(strict(ISO_2022_JP).encode_whole(&"a日".repeat(1000)).unwrap().len(), 6 * 1000 + 3 * 999);
    }
}
