//! `Reader`: what is in the encoding of a terminal that does not speak UTF-8, to text.
//!
//! Owns characters cut between two pieces, and how bytes that are none are shown. Text for such a terminal is made by
//! `editor::charset`.

use std::fmt::Write;

use encoding_rs::{Decoder, DecoderResult, Encoding};

/// Bytes of the longest character.
const LONGEST: usize = 4;

/// One stream.
pub struct Reader {
    decoder: Decoder,
    /// The last bytes of what was read: a character that is not whole may have begun there.
    tail: Vec<u8>,
}

impl Reader {
    /// A stream in that encoding.
    pub fn new(charset: &'static Encoding) -> Self {
        Self { decoder: charset.new_decoder_without_bom_handling(), tail: Vec::new() }
    }

    /// The text of the next bytes; those that are none are shown as `\\xHH`.
    pub fn push(&mut self, bytes: &[u8]) -> String {
        let text = self.decode(bytes, false);
        self.tail.extend_from_slice(&bytes[bytes.len().saturating_sub(LONGEST)..]);
        self.tail.drain(..self.tail.len().saturating_sub(LONGEST));
        text
    }

    /// What is left of a character that was cut by the end. Nothing follows.
    pub fn finish(&mut self) -> String {
        self.decode(&[], true)
    }

    fn decode(&mut self, bytes: &[u8], ends: bool) -> String {
        let mut text = String::with_capacity(bytes.len() * 2 + 16);
        let mut rest = bytes;
        loop {
            let (result, read) = self.decoder.decode_to_string_without_replacement(rest, &mut text, ends);
            rest = &rest[read..];
            match result {
                DecoderResult::InputEmpty => return text,
                DecoderResult::OutputFull => text.reserve(rest.len() + 16),
                DecoderResult::Malformed(length, after) => {
                    let seen = &bytes[..bytes.len() - rest.len()];
                    let known = [&self.tail, &seen[seen.len().saturating_sub(LONGEST)..]].concat();
                    let end = known.len().saturating_sub(after.into());
                    for byte in &known[end.saturating_sub(length.into())..end] {
                        // Writing to a String cannot fail.
                        let _ = write!(text, "\\x{byte:02x}");
                    }
                }
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use encoding_rs::{BIG5, GB18030, GBK};

    use super::*;

    fn read<'a>(charset: &'static Encoding, pieces: impl IntoIterator<Item = &'a [u8]>) -> String {
        let mut reader = Reader::new(charset);
        let mut text: String = pieces.into_iter().map(|piece| reader.push(piece)).collect();
        text.push_str(&reader.finish());
        text
    }

    #[test]
    fn what_is_no_text_is_shown_however_it_is_cut() {
        for (charset, bytes, text) in [
            (GBK, b"\xc4\xe3\xba\xc3\r\n".as_slice(), "你好\r\n"),
            (GBK, b"a\xff\xc4\xe3\xc4", "a\\xff你\\xc4"),
            (GBK, b"\xc4\n\x1b[1m\x81\x30.", "\\xc4\n\x1b[1m\\x810."),
            (GB18030, b"\x94\x39\xda\x33\x94\x39\xda", "💩\\x94\\x39\\xda"),
            (BIG5, b"\xa7A\x81\xff\xa6n", "你\\x81\\xff好"),
        ] {
            assert_eq!(read(charset, [bytes]), text, "{bytes:x?}");
            assert_eq!(read(charset, bytes.chunks(1)), text, "{bytes:x?}");
            assert_eq!(read(charset, bytes.chunks(3)), text, "{bytes:x?}");
        }
        let long = b"\xc4\xe3\xff".repeat(10_000);
        assert_eq!(read(GBK, [long.as_slice()]), "你\\xff".repeat(10_000));
    }
}
