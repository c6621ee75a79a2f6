//! JSON strings of everything that tcpx writes as JSON.
//!
//! Owns which characters are escaped. Does not know the fields of any object.

use std::io::Write;

use base64::Engine;
use base64::engine::general_purpose::STANDARD;

/// Appends a JSON string. Characters that control a terminal or end a line (C1, DEL, U+2028, U+2029) are escaped, too.
pub fn push_string(out: &mut Vec<u8>, value: &str) {
    out.push(b'"');
    let mut rest = value;
    while let Some(at) = rest.find(is_escaped) {
        out.extend_from_slice(&rest.as_bytes()[..at]);
        let mut chars = rest[at..].chars();
        match chars.next() {
            Some(quoted @ ('"' | '\\')) => out.extend_from_slice(&[b'\\', quoted as u8]),
            Some('\n') => out.extend_from_slice(b"\\n"),
            Some('\r') => out.extend_from_slice(b"\\r"),
            Some('\t') => out.extend_from_slice(b"\\t"),
            // All other escaped characters are in the basic plane. Writing to a Vec cannot fail.
            other => drop(write!(out, "\\u{:04x}", other.map_or(0, u32::from))),
        }
        rest = chars.as_str();
    }
    out.extend_from_slice(rest.as_bytes());
    out.push(b'"');
}

/// Appends bytes as a JSON string in base64.
pub fn push_base64(out: &mut Vec<u8>, bytes: &[u8]) {
    out.push(b'"');
    let from = out.len();
    out.resize(from + bytes.len().div_ceil(3) * 4, 0);
    // The reserved length is exactly that of the encoding.
    let written = STANDARD.encode_slice(bytes, &mut out[from..]).unwrap_or_default();
    out.truncate(from + written);
    out.push(b'"');
}

fn is_escaped(character: char) -> bool {
    character.is_control() || matches!(character, '"' | '\\' | '\u{2028}' | '\u{2029}')
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn strings_are_those_that_serde_json_reads_back() {
        for text in ["", "a\"b\\c", "\r\n\t\0\u{1b}\u{7f}\u{9b}\u{2028}\u{ffff}", "你😀"] {
            let mut out = Vec::new();
            push_string(&mut out, text);
            assert_eq!(serde_json::from_slice::<String>(&out).expect("JSON"), text);
            let line = String::from_utf8(out).expect("UTF-8");
            assert!(!line.contains(|c: char| c.is_control() || c == '\u{2028}'), "{line}");
        }
    }

    #[test]
    fn bytes_are_base64() {
        let mut out = Vec::new();
        push_base64(&mut out, b"\x00\xff\x10");
        push_base64(&mut out, b"");
        assert_eq!(out, b"\"AP8Q\"\"\"");
    }
}
