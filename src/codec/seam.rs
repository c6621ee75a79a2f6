//! `Seam`: the state of a stream of text between two characters: where a decoder can start anew and decode as one that
//! had decoded everything before.
//!
//! Owns the shift state of ISO-2022-JP, the only encoding whose bytes mean something else after an escape sequence, and
//! whether a byte order mark may follow. Does not decode.

use encoding_rs::{Encoding, ISO_2022_JP, UTF_8, UTF_16BE, UTF_16LE};
use memchr::memrchr_iter;

/// A place in a stream between two characters.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Seam {
    /// Bytes of the stream before it.
    pub offset: u64,
    /// The character set in use, in ISO-2022-JP.
    shift: Shift,
}

/// The character sets between which ISO-2022-JP shifts.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Shift {
    Ascii,
    Roman,
    Katakana,
    Kanji,
}

impl Seam {
    /// The start of a stream.
    pub const START: Self = Self { offset: 0, shift: Shift::Ascii };

    /// Moves on behind these bytes; `None`: their encoding is not known, and has no shift state.
    pub fn pass(&mut self, encoding: Option<&'static Encoding>, bytes: &[u8]) {
        self.offset += bytes.len() as u64;
        if encoding == Some(ISO_2022_JP)
            && let Some(shift) = memrchr_iter(ESC, bytes).find_map(|at| Shift::selected_by(&bytes[at..]))
        {
            self.shift = shift;
        }
    }

    /// The place so many bytes before, in the same character set.
    #[must_use]
    pub fn back(mut self, bytes: usize) -> Self {
        self.offset = self.offset.saturating_sub(bytes as u64);
        self
    }

    /// Whether the stream starts here.
    pub fn is_start(self) -> bool {
        self.offset == 0
    }

    /// A decoder for the bytes that follow.
    pub(super) fn decoder(self, encoding: &'static Encoding) -> encoding_rs::Decoder {
        // The decoder with BOM handling switches to the encoding of any mark: GBK text that starts with FF FE would be
        // decoded as UTF-16.
        let mut decoder = encoding.new_decoder_without_bom_handling();
        if encoding == ISO_2022_JP {
            // One character follows the sequence: two sequences in a row are malformed.
            let _ = decoder.decode_to_utf8(self.shift.example(), &mut [0; 16], false);
        }
        decoder
    }

    /// Whether a byte order mark that follows is no part of the text.
    pub fn skips_mark(self, encoding: &'static Encoding) -> bool {
        self.is_start() && [UTF_8, UTF_16LE, UTF_16BE].contains(&encoding)
    }

    /// The other byte order, if bytes of UTF-16 at the start of a stream are marked so. `None` also if there are less
    /// than two bytes.
    pub fn marked_order(self, encoding: &'static Encoding, bytes: &[u8]) -> Option<&'static Encoding> {
        match bytes {
            [0xfe, 0xff, ..] if self.is_start() && encoding == UTF_16LE => Some(UTF_16BE),
            [0xff, 0xfe, ..] if self.is_start() && encoding == UTF_16BE => Some(UTF_16LE),
            _ => None,
        }
    }
}

impl Shift {
    /// The character set that bytes select, if they start with a whole escape sequence.
    fn selected_by(bytes: &[u8]) -> Option<Self> {
        match *bytes {
            [_, b'(', b'B', ..] => Some(Self::Ascii),
            [_, b'(', b'J', ..] => Some(Self::Roman),
            [_, b'(', b'I', ..] => Some(Self::Katakana),
            [_, b'$', b'@' | b'B', ..] => Some(Self::Kanji),
            _ => None,
        }
    }

    /// The escape sequence, and a character of the set.
    fn example(self) -> &'static [u8] {
        match self {
            Self::Ascii => b"",
            Self::Roman => b"\x1b(JA",
            Self::Katakana => b"\x1b(I1",
            Self::Kanji => b"\x1b$B!!",
        }
    }
}

const ESC: u8 = 0x1b;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_decoder_goes_on_with_the_shift_state() {
        for (characters, text) in [
            (
                &[b"a".as_slice(), b"\x1b$B!\"", b"%A", b"F|", b"\x1b(J\\", b"\x1b(B.", b"\x1b(I1", b"2"][..],
                "a、チ日¥.ｱｲ",
            ),
            (&[b"\x1b$@!\"", b"%A", b"\x1b(I1", b"\x1b$B!\"", b"!\""], "、チｱ、、"),
        ] {
            let bytes = characters.concat();
            let mut seam = Seam::START;
            for (index, character) in characters.iter().enumerate() {
                let (passed, mut rest) = (characters[..index].concat().len(), String::with_capacity(100));
                let _ = seam.decoder(ISO_2022_JP).decode_to_string(&bytes[passed..], &mut rest, true);
                assert_eq!(rest, text.chars().skip(index).collect::<String>());
                seam.pass(Some(ISO_2022_JP), character);
            }
        }
    }

    #[test]
    fn a_mark_of_the_other_byte_order_counts_at_the_start_only() {
        let mut seam = Seam::START;
        assert_eq!(seam.marked_order(UTF_16LE, b"\xfe\xff\0a"), Some(UTF_16BE));
        assert_eq!(seam.marked_order(UTF_16BE, b"\xff\xfea\0"), Some(UTF_16LE));
        assert_eq!(seam.marked_order(UTF_16LE, b"\xff\xfe"), None);
        assert_eq!(seam.marked_order(encoding_rs::GBK, b"\xfe\xff"), None);
        seam.pass(Some(UTF_16LE), b"\0");
        assert_eq!(seam.marked_order(UTF_16LE, b"\xfe\xff"), None);
    }
}
