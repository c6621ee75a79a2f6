//! Escaped text: the syntax of `--send` and `--send-hex`, and the escaping of foreign text in messages.
//!
//! Owns the escapes (`\r \n \t \0 \\ \xHH \u{…}`), hex digits and their errors. Does not encode: text stays text, and
//! bytes written as `\xHH` stay bytes.

use std::borrow::Cow;
use std::fmt::Write;

use crate::config::Piece;

/// A syntax error in escaped text. Positions count characters from 1.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum EscapeError {
    /// An unknown escape.
    #[error("unknown escape \\{} at character {at}", show_char(*.escape))]
    Unknown {
        /// The character after the backslash.
        escape: char,
        /// Position of the backslash.
        at: usize,
    },
    /// The text ends after a backslash.
    #[error("a lone \\ at character {at}: write \\\\ for a backslash")]
    Lone {
        /// Position of the backslash.
        at: usize,
    },
    /// `\x` without two hex digits.
    #[error("\\x at character {at} needs two hex digits")]
    Byte {
        /// Position of the backslash.
        at: usize,
    },
    /// `\u` without one to six hex digits in braces.
    #[error("\\u at character {at} needs braces with one to six hex digits, as in \\u{{1f600}}")]
    Braces {
        /// Position of the backslash.
        at: usize,
    },
    /// `\u{…}` with a number that is not a Unicode scalar value.
    #[error("\\u{{{number:x}}} at character {at} is not a character")]
    NotACharacter {
        /// The number.
        number: u32,
        /// Position of the backslash.
        at: usize,
    },
}

/// A syntax error in hex digits. Positions count characters from 1.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum HexError {
    /// A character that is neither a hex digit nor a separator.
    #[error("'{}' at character {at} is not a hex digit", show_char(*.character))]
    NotHex {
        /// The character.
        character: char,
        /// Its position.
        at: usize,
    },
    /// A group with an odd number of digits.
    #[error("odd number of hex digits in \"{}\" at character {at}", show_line(.group))]
    Odd {
        /// The group of digits.
        group: String,
        /// Position of its first digit.
        at: usize,
    },
}

/// Parses escaped text. `\xHH` is a raw byte; adjacent parts of one kind are merged.
pub fn parse(text: &str) -> Result<Vec<Piece>, EscapeError> {
    let mut pieces = Vec::new();
    let mut chars = text.chars().zip(1..);
    while let Some((character, at)) = chars.next() {
        if character != '\\' {
            add_char(&mut pieces, character);
            continue;
        }
        let Some((escape, _)) = chars.next() else {
            return Err(EscapeError::Lone { at });
        };
        match escape {
            'r' => add_char(&mut pieces, '\r'),
            'n' => add_char(&mut pieces, '\n'),
            't' => add_char(&mut pieces, '\t'),
            '0' => add_char(&mut pieces, '\0'),
            '\\' => add_char(&mut pieces, '\\'),
            'x' => {
                let mut digit = || chars.next().and_then(|(c, _)| hex_value(c));
                let (Some(high), Some(low)) = (digit(), digit()) else {
                    return Err(EscapeError::Byte { at });
                };
                add_byte(&mut pieces, high << 4 | low);
            }
            'u' => {
                let number = braced_number(chars.by_ref().map(|(c, _)| c)).ok_or(EscapeError::Braces { at })?;
                let character = char::from_u32(number).ok_or(EscapeError::NotACharacter { number, at })?;
                add_char(&mut pieces, character);
            }
            escape => return Err(EscapeError::Unknown { escape, at }),
        }
    }
    Ok(pieces)
}

/// Parses bytes written as pairs of hex digits. White space, `:` and `,` separate groups; a group may start with `0x`.
pub fn parse_hex(text: &str) -> Result<Vec<u8>, HexError> {
    let is_separator = |c: char| c.is_whitespace() || c == ':' || c == ',';
    let mut bytes = Vec::with_capacity(text.len() / 2);
    let mut at = 1;
    for group in text.split(is_separator) {
        if !group.is_empty() {
            add_hex_group(group, at, &mut bytes)?;
        }
        at += group.chars().count() + 1;
    }
    Ok(bytes)
}

/// The text made safe for one line of a message: characters that move the cursor, end the line, change the writing
/// direction or control a terminal are escaped, and those that XML and YAML exclude.
pub fn show_line(text: &str) -> Cow<'_, str> {
    if text.chars().all(is_plain) {
        return Cow::Borrowed(text);
    }
    let mut shown = String::with_capacity(text.len() + 16);
    for character in text.chars() {
        push_shown(&mut shown, character);
    }
    Cow::Owned(shown)
}

/// Bytes as [`show_line`] shows text; what is not UTF-8 as `\xHH`.
pub fn show_bytes(bytes: &[u8]) -> String {
    let mut shown = String::with_capacity(bytes.len() + 16);
    for chunk in bytes.utf8_chunks() {
        shown.push_str(&show_line(chunk.valid()));
        for byte in chunk.invalid() {
            // Writing to a String cannot fail.
            let _ = write!(shown, "\\x{byte:02x}");
        }
    }
    shown
}

/// Whether a character may appear in a message unescaped.
pub fn is_plain(character: char) -> bool {
    !character.is_control()
        && !matches!(character,
            '\u{61c}' | '\u{200e}' | '\u{200f}' | '\u{2028}'..='\u{202e}' | '\u{2066}'..='\u{2069}'
            | '\u{feff}' | '\u{fffe}' | '\u{ffff}')
}

/// One character as [`show_line`] writes it.
fn show_char(character: char) -> String {
    let mut shown = String::new();
    push_shown(&mut shown, character);
    shown
}

fn push_shown(shown: &mut String, character: char) {
    match character {
        '\n' => shown.push_str("\\n"),
        '\r' => shown.push_str("\\r"),
        '\t' => shown.push_str("\\t"),
        _ if is_plain(character) => shown.push(character),
        // Writing to a String cannot fail.
        _ if character <= '\u{ff}' => drop(write!(shown, "\\x{:02x}", u32::from(character))),
        _ => drop(write!(shown, "\\u{{{:x}}}", u32::from(character))),
    }
}

fn add_char(pieces: &mut Vec<Piece>, character: char) {
    match pieces.last_mut() {
        Some(Piece::Text(text)) => text.push(character),
        _ => pieces.push(Piece::Text(character.to_string())),
    }
}

fn add_byte(pieces: &mut Vec<Piece>, byte: u8) {
    match pieces.last_mut() {
        Some(Piece::Bytes(bytes)) => bytes.push(byte),
        _ => pieces.push(Piece::Bytes(vec![byte])),
    }
}

fn hex_value(digit: char) -> Option<u8> {
    digit.to_digit(16).map(|value| value as u8)
}

/// `{` one to six hex digits `}`.
fn braced_number(mut chars: impl Iterator<Item = char>) -> Option<u32> {
    if chars.next() != Some('{') {
        return None;
    }
    let mut number = 0;
    for count in 0..=6 {
        match chars.next()? {
            '}' if count > 0 => return Some(number),
            digit => number = number << 4 | digit.to_digit(16)?,
        }
    }
    None
}

fn add_hex_group(group: &str, at: usize, bytes: &mut Vec<u8>) -> Result<(), HexError> {
    let digits = group.strip_prefix("0x").or_else(|| group.strip_prefix("0X"));
    let skipped = if digits.is_some() { 2 } else { 0 };
    let digits = digits.unwrap_or(group);
    let mut half = None;
    for (character, at) in digits.chars().zip(at + skipped..) {
        let value = hex_value(character).ok_or(HexError::NotHex { character, at })?;
        half = match half {
            None => Some(value),
            Some(high) => {
                bytes.push(high << 4 | value);
                None
            }
        };
    }
    if half.is_some() || digits.is_empty() {
        return Err(HexError::Odd { group: group.to_owned(), at });
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn bytes_are_shown_on_one_line() {
        assert_eq!(show_bytes(b"a\r\n\x1b\xff\xe4\xbd \xc3\xa9\x7f"), "a\\r\\n\\x1b\\xff\\xe4\\xbd \u{e9}\\x7f");
    }

    fn text(text: &str) -> Piece {
        Piece::Text(text.to_owned())
    }

    #[test]
    fn every_escape_is_parsed() {
        assert_eq!(parse("").unwrap(), []);
        assert_eq!(parse("a\\r\\n\\t\\0\\\\z").unwrap(), [text("a\r\n\t\0\\z")]);
        assert_eq!(parse("\\u{4f60}\\u{1F600}\\u{7}好").unwrap(), [text("你😀\u{7}好")]);
        assert_eq!(
            parse("a\\xff\\x00é\\x0D").unwrap(),
            [text("a"), Piece::Bytes(vec![0xff, 0]), text("é"), Piece::Bytes(vec![0x0d])]
        );
    }

    #[test]
    fn an_invalid_escape_is_reported_with_its_position() {
        for (escaped, message) in [
            ("ab好\\q", "unknown escape \\q at character 4"),
            ("\\\u{1b}", "unknown escape \\\\x1b at character 1"),
            ("\\N", "unknown escape \\N at character 1"),
            ("ab\\", "a lone \\ at character 3: write \\\\ for a backslash"),
            ("\\x", "\\x at character 1 needs two hex digits"),
            ("é\\xf", "\\x at character 2 needs two hex digits"),
            ("\\xfg", "\\x at character 1 needs two hex digits"),
            ("\\u41", "\\u at character 1 needs braces with one to six hex digits, as in \\u{1f600}"),
            ("\\u{}", "\\u at character 1 needs braces with one to six hex digits, as in \\u{1f600}"),
            ("\\u{41", "\\u at character 1 needs braces with one to six hex digits, as in \\u{1f600}"),
            ("\\u{0000041}", "\\u at character 1 needs braces with one to six hex digits, as in \\u{1f600}"),
            ("-\\u{d800}", "\\u{d800} at character 2 is not a character"),
            ("\\u{110000}", "\\u{110000} at character 1 is not a character"),
        ] {
            assert_eq!(parse(escaped).unwrap_err().to_string(), message, "{escaped:?}");
        }
    }

    #[test]
    fn hex_may_be_grouped() {
        assert!(parse_hex("").unwrap().is_empty());
        assert_eq!(parse_hex("00fF10").unwrap(), [0, 0xff, 0x10]);
        assert_eq!(parse_hex(" 0x47 45\t54:20,0X2f\n0d0a ").unwrap(), *b"GET /\r\n");
    }

    #[test]
    fn an_invalid_hex_digit_is_reported_with_its_position() {
        for (hex, message) in [
            ("4", "odd number of hex digits in \"4\" at character 1"),
            ("41 4 2", "odd number of hex digits in \"4\" at character 4"),
            ("41 0x", "odd number of hex digits in \"0x\" at character 4"),
            ("4g", "'g' at character 2 is not a hex digit"),
            ("41 0x4\u{1b}", "'\\x1b' at character 7 is not a hex digit"),
            ("好", "'好' at character 1 is not a hex digit"),
        ] {
            assert_eq!(parse_hex(hex).unwrap_err().to_string(), message, "{hex:?}");
        }
    }

    #[test]
    fn show_line_escapes_controls_and_line_ends() {
        assert!(matches!(show_line("naïve 你好 C:\\dir"), Cow::Borrowed("naïve 你好 C:\\dir")));
        assert_eq!(show_line("a\r\n\tb"), "a\\r\\n\\tb");
        assert_eq!(show_line("\u{1b}[31m\u{7f}\u{9b}"), "\\x1b[31m\\x7f\\x9b");
        assert_eq!(show_line("x\u{2028}\u{202e}\u{2066}y"), "x\\u{2028}\\u{202e}\\u{2066}y");
        assert_eq!(show_line("\u{fffe}\u{ffff}\u{fffd}"), "\\u{fffe}\\u{ffff}\u{fffd}");
    }

    proptest! {
        #[test]
        fn whatever_is_shown_is_plain(text in any::<String>()) {
            prop_assert!(show_line(&text).chars().all(is_plain));
        }

        #[test]
        fn text_without_a_backslash_is_itself(plain in "[^\\\\]+") {
            prop_assert_eq!(parse(&plain).unwrap(), [text(&plain)]);
        }

        #[test]
        fn no_text_is_too_strange(text in any::<String>(), escaped in "[\\\\xu{}0-9a-f]{0,12}") {
            let _ = (parse(&text), parse(&escaped), parse_hex(&text), parse_hex(&escaped));
        }

        #[test]
        fn bytes_survive_hex(bytes in any::<Vec<u8>>()) {
            let hex: Vec<String> = bytes.iter().map(|byte| format!("{byte:02x}")).collect();
            prop_assert_eq!(parse_hex(&hex.concat()).unwrap(), bytes);
        }
    }
}
