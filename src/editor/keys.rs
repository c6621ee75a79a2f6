//! `Keys`: bytes of a terminal to keys: characters, control keys, escape sequences, pasted text.
//!
//! Owns what is cut between two reads. Bytes that are no UTF-8 stay what they are: each becomes a character of its own
//! ([`raw`]), which [`to_bytes`] turns back.

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
}

const PASTE_END: &[u8] = b"\x1b[201~";

impl Keys {
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
            if byte < 0x80 {
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

    /// The bytes of a character that is not whole are bytes.
    fn break_character(&mut self) {
        self.text.extend(self.cut.drain(..).map(raw));
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

/// The byte that a character stands for.
pub fn raw_byte(letter: char) -> Option<u8> {
    u32::from(letter).checked_sub(RAW).and_then(|byte| u8::try_from(byte).ok())
}

fn is_raw(letter: char) -> bool {
    raw_byte(letter).is_some()
}

/// The bytes that were typed for a text.
pub fn to_bytes(text: &str, out: &mut Vec<u8>) {
    for letter in text.chars() {
        match raw_byte(letter) {
            Some(byte) => out.push(byte),
            None => out.extend_from_slice(letter.encode_utf8(&mut [0; 4]).as_bytes()),
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
                    to_bytes(&text, &mut out);
                }
            }
            assert_eq!(out, bytes);
        }
    }
}
