//! `Keys`: bytes of a terminal to keys: characters, control keys, escape sequences, pasted text.
//!
//! Owns what is cut between two reads. The terminal speaks UTF-8 or another encoding. Bytes that are no text in it stay what they
//! are: each becomes a character of its own ([`raw`]), which [`to_bytes`] turns back.

use std::borrow::Cow;
use std::fmt::Write as _;

use encoding_rs::{DecoderResult, Encoding};

use crate::editor::charset::encode_character;

/// First of the 256 characters, in a private plane, that stand for single bytes.
const RAW: u32 = 0x0010_fe00;

/// A key, or text that was pasted.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Key {
    /// Text typed: at least one character, no control character.
    Text(String),
    /// Pasted text, as it came between the marks of a paste; a paste may come in several pieces.
    Paste(String),
    /// A control character: `^A` is 1.
    Control(u8),
    /// A character typed with Alt.
    Alt(char),
    /// Cursor keys and their like.
    Up,
    /// See `Up`.
    Down,
    /// See `Up`.
    Left,
    /// See `Up`.
    Right,
    /// One word to the left.
    WordLeft,
    /// One word to the right.
    WordRight,
    /// See `Up`.
    Home,
    /// See `Up`.
    End,
    /// The key that deletes the character at the cursor.
    Delete,
    /// Escape by itself, as far as that can be told.
    Escape,
}

/// Where the bytes stand.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
enum State {
    #[default]
    Ground,
    /// After ESC.
    Escape,
    /// Within `ESC [`, or with `O` for one more byte.
    Sequence,
    OneMore,
    /// The next byte is text, whatever it is (`^V`).
    Quoted,
}

/// Parameters of a sequence that are kept, in bytes; of a longer one nothing is known.
const MOST_PARAMETERS: usize = 32;

/// The parser.
#[derive(Debug, Default)]
pub struct Keys {
    state: State,
    parameters: Vec<u8>,
    in_paste: bool,
    /// Bytes of a character that is not whole.
    cut: Vec<u8>,
    /// Text that was read and not given out.
    text: String,
    /// Bytes of a paste that may be its end.
    paste_end: Vec<u8>,
    /// The encoding of the terminal; `None`: UTF-8.
    charset: Option<&'static Encoding>,
}

const PASTE_END: &[u8] = b"\x1b[201~";

impl Keys {
    /// The terminal speaks this encoding; `None`: UTF-8.
    pub fn set_charset(&mut self, charset: Option<&'static Encoding>) {
        self.charset = charset;
    }

    /// Reads bytes; the keys are added to `keys`.
    pub fn push(&mut self, bytes: &[u8], keys: &mut Vec<Key>) {
        for &byte in bytes {
            if self.in_paste { self.pasted(byte, keys) } else { self.typed(byte, keys) }
        }
        self.end_text(keys);
        if self.state == State::Escape {
            // What follows may still make it a sequence.
            keys.push(Key::Escape);
        }
    }

    /// Whether a paste has begun and not ended.
    pub fn is_in_paste(&self) -> bool {
        self.in_paste
    }

    fn typed(&mut self, byte: u8, keys: &mut Vec<Key>) {
        match self.state {
            State::Ground => match byte {
                0x1b => {
                    self.end_text(keys);
                    self.break_character();
                    self.state = State::Escape;
                }
                0x16 => {
                    self.break_character();
                    self.state = State::Quoted;
                }
                0..0x20 | 0x7f => {
                    self.break_character();
                    self.end_text(keys);
                    keys.push(Key::Control(byte));
                }
                _ => self.character(byte),
            },
            State::Quoted => {
                self.state = State::Ground;
                if byte < 0x80 { self.text.push(char::from(byte)) } else { self.character(byte) }
            }
            State::Escape => match byte {
                b'[' => {
                    self.parameters.clear();
                    self.state = State::Sequence;
                }
                b'O' => self.state = State::OneMore,
                0x1b => {}
                _ => {
                    self.state = State::Ground;
                    keys.push(Key::Alt(char::from(byte)));
                }
            },
            State::OneMore => {
                self.state = State::Ground;
                keys.extend(cursor_key(byte, b""));
            }
            State::Sequence => match byte {
                0x20..0x40 => {
                    if self.parameters.len() < MOST_PARAMETERS {
                        self.parameters.push(byte);
                    }
                }
                0x40..0x7f => {
                    self.state = State::Ground;
                    if byte == b'~' && self.parameters == b"200" {
                        self.in_paste = true;
                    } else {
                        keys.extend(cursor_key(byte, &self.parameters));
                    }
                }
                // Not a sequence after all.
                _ => {
                    self.state = State::Ground;
                    self.typed(byte, keys);
                }
            },
        }
    }

    fn pasted(&mut self, byte: u8, keys: &mut Vec<Key>) {
        self.paste_end.push(byte);
        if self.paste_end == PASTE_END {
            self.paste_end.clear();
            self.end_text(keys);
            self.in_paste = false;
            return;
        }
        while !PASTE_END.starts_with(&self.paste_end) {
            let byte = self.paste_end.remove(0);
            let is_trail = self.charset.is_some() && !self.cut.is_empty() && matches!(byte, b' '..=b'~');
            if byte < 0x80 && !is_trail {
                self.break_character();
                self.text.push(char::from(byte));
            } else {
                self.character(byte);
            }
        }
    }

    /// One byte of a character that is no control character.
    fn character(&mut self, byte: u8) {
        self.cut.push(byte);
        match self.charset {
            Some(charset) => self.decode(charset),
            None => self.decode_utf8(),
        }
    }

    fn decode_utf8(&mut self) {
        loop {
            match std::str::from_utf8(&self.cut) {
                Ok(text) => {
                    let is_ambiguous = text.chars().any(is_raw);
                    if is_ambiguous {
                        self.break_character();
                    } else {
                        self.text.push_str(text);
                        self.cut.clear();
                    }
                    return;
                }
                Err(error) if error.error_len().is_none() => return,
                Err(error) => {
                    let length = error.error_len().unwrap_or(1).max(1);
                    self.text.extend(self.cut.drain(..length).map(raw));
                }
            }
        }
    }

    fn decode(&mut self, charset: &'static Encoding) {
        while !self.cut.is_empty() {
            let mut text = String::with_capacity(16);
            let mut decoder = charset.new_decoder_without_bom_handling();
            match decoder.decode_to_string_without_replacement(&self.cut, &mut text, false).0 {
                // No character begins with this byte.
                DecoderResult::Malformed(..) => self.text.push(byte_or_letter(self.cut.remove(0))),
                _ if text.is_empty() => return,
                _ if text.chars().any(is_raw) => self.break_character(),
                _ => {
                    self.text.push_str(&text);
                    self.cut.clear();
                }
            }
        }
    }

    /// The bytes of a character that is not whole are bytes.
    fn break_character(&mut self) {
        self.text.extend(self.cut.drain(..).map(byte_or_letter));
    }

    fn end_text(&mut self, keys: &mut Vec<Key>) {
        if self.text.is_empty() {
            return;
        }
        let text = std::mem::take(&mut self.text);
        keys.push(if self.in_paste { Key::Paste(text) } else { Key::Text(text) });
    }
}

fn cursor_key(end: u8, parameters: &[u8]) -> Option<Key> {
    // `1;5` is a key with Ctrl, `1;3` with Alt.
    let is_by_word = parameters.ends_with(b";5") || parameters.ends_with(b";3");
    Some(match (end, parameters) {
        (b'A', _) => Key::Up,
        (b'B', _) => Key::Down,
        (b'C', _) if is_by_word => Key::WordRight,
        (b'D', _) if is_by_word => Key::WordLeft,
        (b'C', _) => Key::Right,
        (b'D', _) => Key::Left,
        (b'H', _) | (b'~', b"1" | b"7") => Key::Home,
        (b'F', _) | (b'~', b"4" | b"8") => Key::End,
        (b'~', b"3") => Key::Delete,
        _ => return None,
    })
}

/// The character that stands for one byte.
pub fn raw(byte: u8) -> char {
    char::from_u32(RAW + u32::from(byte)).unwrap_or(char::REPLACEMENT_CHARACTER)
}

fn byte_or_letter(byte: u8) -> char {
    if byte.is_ascii() { char::from(byte) } else { raw(byte) }
}

/// The byte that a character stands for.
pub fn raw_byte(letter: char) -> Option<u8> {
    u32::from(letter).checked_sub(RAW).and_then(|byte| u8::try_from(byte).ok())
}

fn is_raw(letter: char) -> bool {
    raw_byte(letter).is_some()
}

/// A typed text in a message: bytes that are no text as `\\xHH`.
pub fn shown(text: &str) -> Cow<'_, str> {
    if !text.chars().any(is_raw) {
        return Cow::Borrowed(text);
    }
    let mut out = String::with_capacity(text.len() + 16);
    for letter in text.chars() {
        match raw_byte(letter) {
            Some(byte) => {
                // Writing to a String cannot fail.
                let _ = write!(out, "\\x{byte:02x}");
            }
            None => out.push(letter),
        }
    }
    Cow::Owned(out)
}

/// The bytes that are typed for a text on a terminal with this encoding (`None`: UTF-8). What it cannot hold becomes `?`.
pub fn to_bytes(text: &str, charset: Option<&'static Encoding>, out: &mut Vec<u8>) {
    let mut utf8 = [0; 4];
    for letter in text.chars() {
        match (raw_byte(letter), charset) {
            (Some(byte), _) => out.push(byte),
            (None, None) => out.extend_from_slice(letter.encode_utf8(&mut utf8).as_bytes()),
            (None, Some(charset)) if encode_character(letter.encode_utf8(&mut utf8), charset, out) => {}
            (None, Some(_)) => out.push(b'?'),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn keys(pieces: &[&[u8]]) -> Vec<Key> {
        let (mut parser, mut keys) = (Keys::default(), Vec::new());
        for piece in pieces {
            parser.push(piece, &mut keys);
        }
        keys
    }

    fn text(text: &str) -> Key {
        Key::Text(text.into())
    }

    #[test]
    fn sequences_are_keys_and_unknown_ones_are_nothing() {
        for (bytes, key) in [
            (b"\x1b[A".as_slice(), Some(Key::Up)),
            (b"\x1bOB", Some(Key::Down)),
            (b"\x1b[1;5C", Some(Key::WordRight)),
            (b"\x1b[1;3D", Some(Key::WordLeft)),
            (b"\x1bOH", Some(Key::Home)),
            (b"\x1b[8~", Some(Key::End)),
            (b"\x1b[3~", Some(Key::Delete)),
            (b"\x1b[15~", None),
            (b"\x1b[?1;2c", None),
            (b"\x1bb", Some(Key::Alt('b'))),
            (b"\x01", Some(Key::Control(1))),
        ] {
            assert_eq!(keys(&[bytes]), key.into_iter().collect::<Vec<_>>(), "{bytes:?}");
        }
        assert_eq!(keys(&[b"\x1b[9999999999999999999999999999999999999999999999Zx"]), [text("x")]);
    }

    #[test]
    fn what_is_cut_between_reads_is_one_key() {
        assert_eq!(keys(&[b"a\xe4", b"\xbd", b"\xa0"]), [text("a"), text("你")]);
        assert_eq!(keys(&[b"\x1b", b"[", b"A"]), [Key::Escape, Key::Up]);
        assert_eq!(keys(&[b"\x1b[20", b"0~a\n\x1b[", b"201~b"]), [Key::Paste("a\n".into()), text("b")]);
    }

    #[test]
    fn a_paste_is_text_whatever_it_holds() {
        let pasted = b"\x1b[200~a\x03\x1b[A\x04~.\tb\x1b[201~\x01";
        assert_eq!(keys(&[pasted]), [Key::Paste("a\u{3}\u{1b}[A\u{4}~.\tb".into()), Key::Control(1)]);
    }

    #[test]
    fn quoted_is_text() {
        assert_eq!(keys(&[b"\x16\x01a\x16", b"\x1b[A"]), [text("\u{1}a"), text("\u{1b}[A")]);
    }

    #[test]
    fn bytes_that_are_no_text_come_back_unchanged() {
        for bytes in [b"\xff\xfe\xc4\xe3a\xc0".as_slice(), b"\xf4\x8f\xb8\x80", b"\xe4\xbd\xff", b"\xed\xa0\x80"] {
            let mut out = Vec::new();
            // The Enter key ends a character that is not whole.
            for key in keys(&[bytes, b"\n"]) {
                if let Key::Text(text) = key {
                    to_bytes(&text, None, &mut out);
                }
            }
            assert_eq!(out, bytes);
        }
    }

    /// Types on a terminal with an encoding; returns the text, and the bytes that it stands for.
    fn typed_in(charset: &'static Encoding, pieces: &[&[u8]]) -> (String, Vec<u8>) {
        let (mut parser, mut keys, mut bytes) = (Keys::default(), Vec::new(), Vec::new());
        parser.set_charset(Some(charset));
        for piece in pieces {
            parser.push(piece, &mut keys);
        }
        let text = |key| match key {
            Key::Text(text) | Key::Paste(text) => text,
            other => format!("{other:?}"),
        };
        let text: String = keys.into_iter().map(text).collect();
        to_bytes(&text, Some(charset), &mut bytes);
        (text, bytes)
    }

    #[test]
    fn a_terminal_may_speak_another_encoding() {
        use encoding_rs::{BIG5, EUC_JP, GB18030, GBK, KOI8_R, SHIFT_JIS};
        // The second byte of some is a backslash, a digit, a tilde.
        for (charset, bytes, text) in [
            (GBK, b"a\xc4\xe3\xba\xc3~\x815\x81\x7e".as_slice(), "a你好~\u{10fe81}5亊"),
            (GBK, b"\xff\x80\xc4", "\u{10feff}€"),
            (GB18030, b"\x94\x39\xda\x33x", "💩x"),
            (BIG5, b"\xa7A\xa6n\\", "你好\\"),
            (SHIFT_JIS, b"\x95\x5c\xb1", "表ｱ"),
            (EUC_JP, b"\x8f\xb0\xa1\xa4\xa2", "丂あ"),
            (BIG5, b"\xfb\x48", "嘅"),
            (KOI8_R, b"\xf0\xd2", "Пр"),
        ] {
            let (seen, back) = typed_in(charset, &[bytes]);
            let cut: Vec<&[u8]> = bytes.chunks(1).collect();
            assert_eq!(seen, text, "{bytes:x?}");
            assert_eq!(typed_in(charset, &cut).0, text, "{bytes:x?}");
            assert!(bytes.starts_with(&back) && bytes.len() - back.len() < 2, "{bytes:x?}: {back:x?}");
        }
        // Keys are keys in the middle of a character, and a paste is text.
        assert_eq!(typed_in(GBK, &[b"\xc4\r"]).0, "\u{10fec4}Control(13)");
        assert_eq!(typed_in(GBK, &[b"\x1b[200~\x81~\xc4\xe3\n\x1b[201~b"]).0, "亊你\nb");
        assert_eq!(typed_in(GBK, &[b"\xc4\xe3"]).1, b"\xc4\xe3");
        let mut bytes = Vec::new();
        to_bytes("😀a", Some(GBK), &mut bytes);
        assert_eq!(bytes, b"?a", "what the terminal has no bytes for");
    }
}
