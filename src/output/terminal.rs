//! `Sanitizer`: makes received bytes safe for a terminal.
//!
//! Owns what passes (UTF-8, tab, line ends, colours) and how everything else is shown. Does not decode other encodings: its
//! input is what would be written otherwise.
//!
//! | input | output |
//! |---|---|
//! | `ESC [ … m` with digits, `;` and `:`, at most 64 bytes, that conceals nothing | unchanged |
//! | `\t \n \r`, printable UTF-8 | unchanged |
//! | U+202A to U+202E, U+2066 to U+2069, which change the order of text | `\u{202e}` |
//! | any other control character below 80 | `^[`, `^G`, `^?` |
//! | U+0080 to U+009F, and each byte that is not UTF-8 | `\x9b` |
//!
//! A CR passes also without an LF: a progress bar is text that is written over. So a peer can write over its own line.

use std::io::Write;

/// Sanitizes one stream. An incomplete sequence at the end of a push waits for the next.
#[derive(Debug, Default)]
pub struct Sanitizer {
    /// An incomplete character or colour sequence; shorter than [`SGR_LONGEST`].
    cut: Vec<u8>,
}

/// The kind and length of what some bytes begin with.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Front {
    /// Number of bytes that pass unchanged.
    Pass(usize),
    /// A control character below 80.
    Control(u8),
    /// A C1 control character in two bytes of UTF-8.
    C1(u8),
    /// A character that changes the order in which text is shown.
    Order(char),
    /// Number of bytes that are not UTF-8.
    Malformed(usize),
    /// Incomplete: more bytes are needed to decide.
    Cut,
}

impl Sanitizer {
    /// A sanitizer at the start of a stream.
    pub fn push(&mut self, bytes: &[u8], out: &mut Vec<u8>) {
        if self.cut.is_empty() {
            self.run(bytes, false, out);
        } else {
            let mut joined = std::mem::take(&mut self.cut);
            joined.extend_from_slice(bytes);
            self.run(&joined, false, out);
        }
    }

    /// Ends the stream: an incomplete sequence is appended in visible form.
    pub fn finish(&mut self, out: &mut Vec<u8>) {
        let cut = std::mem::take(&mut self.cut);
        self.run(&cut, true, out);
    }

    fn run(&mut self, bytes: &[u8], last: bool, out: &mut Vec<u8>) {
        out.reserve(bytes.len());
        let mut rest = bytes;
        while !rest.is_empty() {
            let taken = match front(rest) {
                Front::Pass(length) => {
                    out.extend_from_slice(&rest[..length]);
                    length
                }
                Front::Control(byte) => {
                    out.extend_from_slice(&[b'^', byte ^ 0x40]);
                    1
                }
                Front::C1(byte) => {
                    show_hex(&[byte], out);
                    2
                }
                Front::Order(character) => {
                    // Writing to a Vec cannot fail.
                    let _ = write!(out, "\\u{{{:x}}}", u32::from(character));
                    character.len_utf8()
                }
                Front::Malformed(length) => {
                    show_hex(&rest[..length], out);
                    length
                }
                Front::Cut if !last => {
                    self.cut.extend_from_slice(rest);
                    return;
                }
                Front::Cut if rest[0] == ESC => {
                    out.extend_from_slice(b"^[");
                    1
                }
                Front::Cut => {
                    show_hex(rest, out);
                    rest.len()
                }
            };
            rest = &rest[taken..];
        }
    }
}

fn front(bytes: &[u8]) -> Front {
    let plain = bytes.iter().take_while(|byte| matches!(byte, b' '..=b'~' | b'\t' | b'\n' | b'\r')).count();
    match bytes.get(plain) {
        _ if plain > 0 => Front::Pass(plain),
        Some(&ESC) => colour(bytes),
        Some(byte) if byte.is_ascii() => Front::Control(*byte),
        _ => character(bytes),
    }
}

/// A complete colour sequence (select graphic rendition), its ESC alone, or an incomplete one.
fn colour(bytes: &[u8]) -> Front {
    if bytes.get(1).is_some_and(|byte| *byte != b'[') {
        return Front::Control(ESC);
    }
    let parameters = bytes.iter().skip(2).take_while(|byte| matches!(byte, b'0'..=b'9' | b';' | b':')).count();
    let length = 2 + parameters + 1;
    match bytes.get(2 + parameters) {
        _ if length > SGR_LONGEST => Front::Control(ESC),
        Some(b'm') if conceals(&bytes[2..length - 1]) => Front::Control(ESC),
        Some(b'm') => Front::Pass(length),
        Some(_) => Front::Control(ESC),
        None => Front::Cut,
    }
}

/// Whether the parameters of a colour sequence make text invisible, to some terminal at least.
fn conceals(parameters: &[u8]) -> bool {
    let mut groups = parameters.split(|byte| *byte == b';');
    while let Some(group) = groups.next() {
        match group.split(|byte| *byte == b':').next().and_then(number) {
            None | Some(8) => return true,
            // A colour of a palette, or in red, green and blue, follows. Not so after 58, which old terminals do not know.
            Some(38 | 48) if !group.contains(&b':') => {
                let components = match groups.clone().next().and_then(number) {
                    Some(5) => 2,
                    Some(2) => 4,
                    _ => 0,
                };
                groups.by_ref().take(components).for_each(drop);
            }
            Some(_) => {}
        }
    }
    false
}

/// The number in decimal digits, 0 if there are none; `None` if it is so long that a terminal may wrap it.
fn number(digits: &[u8]) -> Option<u16> {
    match digits {
        [] => Some(0),
        digits if digits.len() > 4 => None,
        digits => std::str::from_utf8(digits).ok()?.parse().ok(),
    }
}

/// One character beyond ASCII.
fn character(bytes: &[u8]) -> Front {
    let window = &bytes[..bytes.len().min(4)];
    let valid = match std::str::from_utf8(window) {
        Ok(valid) => valid,
        Err(error) if error.valid_up_to() == 0 => return error.error_len().map_or(Front::Cut, Front::Malformed),
        Err(error) => std::str::from_utf8(&window[..error.valid_up_to()]).unwrap_or_default(),
    };
    match valid.chars().next() {
        Some(control @ '\u{80}'..='\u{9f}') => Front::C1(control as u8),
        Some(order @ ('\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}')) => Front::Order(order),
        Some(character) => Front::Pass(character.len_utf8()),
        None => Front::Cut,
    }
}

fn show_hex(bytes: &[u8], out: &mut Vec<u8>) {
    for byte in bytes {
        // Writing to a Vec cannot fail.
        let _ = write!(out, "\\x{byte:02x}");
    }
}

/// Maximum bytes of a colour sequence that passes; common ones have less than 20.
const SGR_LONGEST: usize = 64;
const ESC: u8 = 0x1b;

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn sanitize<'a>(pieces: impl IntoIterator<Item = &'a [u8]>) -> String {
        let (mut sanitizer, mut out) = (Sanitizer::default(), Vec::new());
        for piece in pieces {
            sanitizer.push(piece, &mut out);
        }
        sanitizer.finish(&mut out);
        String::from_utf8(out).expect("a terminal gets UTF-8")
    }

    fn every_way(bytes: &[u8]) -> String {
        let whole = sanitize([bytes]);
        for at in 0..=bytes.len() {
            assert_eq!(sanitize([&bytes[..at], &bytes[at..]]), whole, "{bytes:x?} cut at {at}");
        }
        assert_eq!(sanitize(bytes.chunks(1)), whole, "{bytes:x?} byte by byte");
        whole
    }

    /// The text without its colour sequences, found by an independent method.
    fn without_colours(text: &str) -> String {
        let mut parts = text.split('\u{1b}');
        let mut plain = parts.next().unwrap_or_default().to_owned();
        for part in parts {
            let (parameters, after) = part.strip_prefix('[').and_then(|part| part.split_once('m')).unwrap_or_default();
            assert!(parameters.len() <= 61, "{part:?}");
            if part.is_empty() || !parameters.chars().all(|c| c.is_ascii_digit() || c == ';' || c == ':') {
                plain.push('\u{1b}');
            }
            plain.push_str(after);
        }
        plain
    }

    #[test]
    fn every_rule_holds_for_every_cut() {
        for (bytes, shown) in [
            (b"plain\ttext\r\n".as_slice(), "plain\ttext\r\n"),
            ("你好 😀 é".as_bytes(), "你好 😀 é"),
            (b"accepted\rNOTHING \n", "accepted\rNOTHING \n"),
            ("a\u{202e}b\u{2066}c\u{2069}".as_bytes(), "a\\u{202e}b\\u{2066}c\\u{2069}"),
            ("\u{202a}\u{202d}\u{202f}\u{2065}\u{200f}".as_bytes(), "\\u{202a}\\u{202d}\u{202f}\u{2065}\u{200f}"),
            (b"\x1b[1;31mred\x1b[0m\x1b[m", "\x1b[1;31mred\x1b[0m\x1b[m"),
            (b"\x1b[38:2::1:2:3mx", "\x1b[38:2::1:2:3mx"),
            (b"\x1b[2J\x1b[1;1H", "^[[2J^[[1;1H"),
            (b"\x1b]0;title\x07", "^[]0;title^G"),
            (b"\x1b[?25l\x1b[ m\x1b\x1b[m", "^[[?25l^[[ m^[\x1b[m"),
            (b"\x00\x08\x0b\x7f", "^@^H^K^?"),
            (b"\xc2\x9b31m\xc2\x80", "\\x9b31m\\x80"),
            (b"\xff\xc0\x80 \xe4\xb8A", "\\xff\\xc0\\x80 \\xe4\\xb8A"),
            (b"\x9b31m\xed\xa0\x80", "\\x9b31m\\xed\\xa0\\x80"),
            (b"end\xe4\xb8", "end\\xe4\\xb8"),
            (b"end\x1b", "end^["),
            (b"end\x1b[31", "end^[[31"),
            (b"\x1b[31\xffm", "^[[31\\xffm"),
        ] {
            assert_eq!(every_way(bytes), shown, "{bytes:x?}");
        }
    }

    #[test]
    fn a_colour_has_at_most_64_bytes() {
        let longest = format!("\x1b[{}1m", "1;".repeat(30));
        assert_eq!(every_way(longest.as_bytes()), longest);
        let longer = format!("{}11", "1;".repeat(30));
        assert_eq!(every_way(format!("\x1b[{longer}m").as_bytes()), format!("^[[{longer}m"));
    }

    #[test]
    fn text_cannot_be_concealed() {
        for hidden in
            ["8", "08", "0;8", "1;8", "8;1", "38;5;8;8", "38;2;1;2;3;8", "58;5;8", "8:1", "38:5:1;8", "38;8", "65544"]
        {
            let sequence = format!("\x1b[{hidden}mx");
            assert_eq!(every_way(sequence.as_bytes()), format!("^[[{hidden}mx"));
        }
        for shown in ["", "0", "28", "18;80", "38;5;8", "48;5;8;1", "38;2;8;8;8", "38:5:8", "58:2::8:8:8", ";;1"] {
            let sequence = format!("\x1b[{shown}mx");
            assert_eq!(every_way(sequence.as_bytes()), sequence);
        }
    }

    #[test]
    fn an_endless_sequence_is_not_kept() {
        let (mut sanitizer, mut out) = (Sanitizer::default(), Vec::new());
        sanitizer.push(b"\x1b[", &mut out);
        for _ in 0..1000 {
            sanitizer.push(b"1;", &mut out);
        }
        assert!(sanitizer.cut.is_empty());
        assert_eq!(out.len(), 3 + 2000);
    }

    fn any_bytes() -> impl Strategy<Value = Vec<u8>> {
        let telling: &[u8] = b"\x1b\x1b[[m;:1\xc2\x9b\x80\xe4\xb8\xad\xe2\x80\xae\x07\x7f\n";
        let colour = "\x1b\\[[0-9;:]{0,70}m?".prop_map(String::into_bytes);
        let byte = prop_oneof![any::<u8>(), proptest::sample::select(telling)].prop_map(|byte| vec![byte]);
        proptest::collection::vec(prop_oneof![8 => byte, 1 => colour], 0..40).prop_map(|parts| parts.concat())
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(1000))]

        #[test]
        fn cuts_do_not_change_the_output(bytes in any_bytes(), size in 1usize..9) {
            prop_assert_eq!(sanitize(bytes.chunks(size)), sanitize([bytes.as_slice()]));
        }

        #[test]
        fn nothing_reaches_a_terminal_but_text_and_colours(bytes in any_bytes()) {
            let plain = without_colours(&sanitize([bytes.as_slice()]));
            let passes = |c: char| !c.is_control() && !('\u{202a}'..='\u{202e}').contains(&c) || matches!(c, '\t' | '\n' | '\r');
            prop_assert!(plain.chars().all(passes), "{plain:?}");
        }

        #[test]
        fn text_without_controls_is_untouched(text in "[^\\p{Cc}\u{202a}-\u{202e}\u{2066}-\u{2069}]*") {
            prop_assert_eq!(sanitize([text.as_bytes()]), text);
        }
    }
}
