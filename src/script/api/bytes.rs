//! Blob functions: creating, decoding, formatting, searching, concatenation with text.
//!
//! Positions are those of Rhai: negative ones count from the end, and a range that exceeds the blob is clipped to it. A
//! string is searched as its UTF-8 bytes.

use std::fmt::Write as _;
use std::rc::Rc;

use encoding_rs::{Encoding, UTF_8};
use memchr::memmem;
use rhai::{Array, Blob, Dynamic, Engine, EvalAltResult, INT, NativeCallContext};

use super::conn::charset_of;
use super::sized::{ITEMS_PER_LOOK, check_items, check_text};
use super::{Outcome, failure, type_name};
use crate::codec::charset::Encoder;
use crate::codec::{escape, labels};
use crate::config::{Charset, Unencodable};
use crate::script::host::Host;

pub(super) fn register(engine: &mut Engine, host: &Rc<Host>) {
    register_making(engine);
    register_showing(engine);
    register_searching(engine, host);
}

fn register_making(engine: &mut Engine) {
    engine
        .register_fn("bytes", |text: &str| text.as_bytes().to_vec())
        .register_fn("bytes", |text: &str, label: &str| encode_labelled(text, label))
        .register_fn("bytes", |context: NativeCallContext<'_>, numbers: Array| from_numbers(&context, &numbers))
        .register_fn("hex", |digits: &str| -> Outcome<Blob> {
            escape::parse_hex(digits).map_err(|fault| failure(fault.to_string()))
        })
        // Rhai's own operators give a string, with invalid UTF-8 replaced.
        .register_fn("+", |blob: Blob, text: &str| joined(&blob, text.as_bytes()))
        .register_fn("+", |text: &str, blob: Blob| joined(text.as_bytes(), &blob))
        .register_fn("equals", |blob: &mut Blob, other: Blob| *blob == other)
        .register_fn("equals", |blob: &mut Blob, text: &str| blob.as_slice() == text.as_bytes());
}

fn register_showing(engine: &mut Engine) {
    engine
        .register_fn("text", |blob: &mut Blob| decode(blob, UTF_8))
        .register_fn("text", |blob: &mut Blob, label: &str| decode_labelled(blob, label))
        .register_fn("text", |blob: &mut Blob, at: INT, count: INT| decode(slice(blob, at, count), UTF_8))
        .register_fn("hex", |blob: &mut Blob| hex(blob))
        .register_fn("dump", |blob: &mut Blob| {
            check_text(blob.len().div_ceil(16) * DUMP_LINE)?;
            Ok::<_, Box<EvalAltResult>>(dump(blob))
        });
}

fn register_searching(engine: &mut Engine, host: &Rc<Host>) {
    let (of, also) = (Rc::clone(host), Rc::clone(host));
    engine
        .register_fn("find", |blob: &mut Blob, what: Blob| find(blob, &what, 0))
        .register_fn("find", |blob: &mut Blob, what: &str| find(blob, what.as_bytes(), 0))
        .register_fn("find", |blob: &mut Blob, what: Blob, from: INT| find(blob, &what, from))
        .register_fn("find", |blob: &mut Blob, what: &str, from: INT| find(blob, what.as_bytes(), from))
        .register_fn("starts_with", |blob: &mut Blob, what: Blob| blob.starts_with(&what))
        .register_fn("starts_with", |blob: &mut Blob, what: &str| blob.starts_with(what.as_bytes()))
        .register_fn("ends_with", |blob: &mut Blob, what: Blob| blob.ends_with(&what))
        .register_fn("ends_with", |blob: &mut Blob, what: &str| blob.ends_with(what.as_bytes()))
        .register_fn("contains", |blob: &mut Blob, what: Blob| find(blob, &what, 0) >= 0)
        .register_fn("contains", |blob: &mut Blob, what: &str| find(blob, what.as_bytes(), 0) >= 0)
        .register_fn("split", move |blob: &mut Blob, at: Blob| split(&of, blob, &at))
        .register_fn("split", move |blob: &mut Blob, at: &str| split(&also, blob, at.as_bytes()));
}

fn from_numbers(context: &NativeCallContext<'_>, numbers: &Array) -> Outcome<Blob> {
    let byte = |(index, value): (usize, &Dynamic)| match value.as_int() {
        Ok(number) => u8::try_from(number)
            .map_err(|_| failure(format!("bytes: {number} at index {index} is not a number from 0 to 255"))),
        Err(_) => {
            Err(failure(format!("bytes: {} at index {index} is not a number from 0 to 255", type_name(context, value))))
        }
    };
    numbers.iter().enumerate().map(byte).collect()
}

/// Encodes a text in the encoding with that label, strictly.
fn encode_labelled(text: &str, label: &str) -> Outcome<Blob> {
    let Charset::Named(encoding) = charset_of(label)? else {
        return Err(failure(format!("bytes(text, \"{label}\"): name the encoding")));
    };
    let mut encoder = Encoder::new(encoding, Unencodable::Fail);
    let mut bytes = encoder.encode_whole(text).map_err(|fault| failure(fault.to_string()))?;
    encoder.finish(&mut bytes);
    Ok(bytes)
}

/// Decodes bytes in the encoding with that label.
pub(super) fn decode_labelled(bytes: &[u8], label: &str) -> Outcome<String> {
    match labels::lookup(label) {
        Ok(Charset::Named(encoding)) => Ok(decode(bytes, encoding)),
        Ok(Charset::Auto(_)) => Err(failure(format!("text(\"{label}\"): name the encoding"))),
        Err(fault) => Err(failure(fault.to_string())),
    }
}

/// Decodes complete bytes; malformed ones become U+FFFD, and a byte order mark is removed.
fn decode(bytes: &[u8], encoding: &'static Encoding) -> String {
    encoding.decode_with_bom_removal(bytes).0.into_owned()
}

/// Up to `count` bytes from `at`.
fn slice(bytes: &[u8], at: INT, count: INT) -> &[u8] {
    let from = offset(bytes.len(), at);
    let count = usize::try_from(count).unwrap_or(0).min(bytes.len() - from);
    &bytes[from..from + count]
}

/// A position of Rhai: from the end if negative, clipped to the length.
pub(super) fn offset(len: usize, at: INT) -> usize {
    match usize::try_from(at) {
        Ok(at) => at.min(len),
        Err(_) => len.saturating_sub(usize::try_from(at.unsigned_abs()).unwrap_or(usize::MAX)),
    }
}

fn find(bytes: &[u8], what: &[u8], from: INT) -> INT {
    let from = offset(bytes.len(), from);
    memmem::find(&bytes[from..], what).map_or(-1, |at| (from + at) as INT)
}

/// Both one after the other.
fn joined(one: &[u8], other: &[u8]) -> Outcome<Blob> {
    check_items(one.len() + other.len())?;
    Ok([one, other].concat())
}

fn split(host: &Host, bytes: &[u8], at: &[u8]) -> Outcome<Array> {
    if at.is_empty() {
        return Err(failure("split: the separator is empty"));
    }
    let count = check_items(memmem::find_iter(bytes, at).count() + 1)?;
    host.reserve(count.saturating_mul(BLOB).saturating_add(bytes.len()))?;
    let mut parts = Array::with_capacity(count);
    let mut start = 0;
    for end in memmem::find_iter(bytes, at) {
        if parts.len().is_multiple_of(ITEMS_PER_LOOK) {
            host.check()?;
        }
        parts.push(Dynamic::from_blob(bytes[start..end].to_vec()));
        start = end + at.len();
    }
    parts.push(Dynamic::from_blob(bytes[start..].to_vec()));
    Ok(parts)
}

fn hex(bytes: &[u8]) -> String {
    bytes.iter().flat_map(|byte| [byte >> 4, byte & 15]).map(|digit| char::from(DIGITS[usize::from(digit)])).collect()
}

/// A hex dump, 16 bytes on each line: offset, hex digits, ASCII.
fn dump(bytes: &[u8]) -> String {
    let mut out = String::with_capacity(bytes.len().div_ceil(16) * DUMP_LINE);
    for (row, chunk) in bytes.chunks(16).enumerate() {
        if row > 0 {
            out.push('\n');
        }
        let _ = write!(out, "{:08x} ", row * 16);
        for at in 0..16 {
            if at == 8 {
                out.push(' ');
            }
            let _ = match chunk.get(at) {
                Some(byte) => write!(out, " {byte:02x}"),
                None => write!(out, "   "),
            };
        }
        out.push_str("  |");
        out.extend(chunk.iter().map(
            |byte| {
                if byte.is_ascii_graphic() || *byte == b' ' { char::from(*byte) } else { '.' }
            },
        ));
        out.push('|');
    }
    out
}

/// Bytes of a small blob in an array.
const BLOB: usize = 48;
/// Maximum bytes of a line of a dump.
const DUMP_LINE: usize = 80;
const DIGITS: &[u8; 16] = b"0123456789abcdef";

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn negative_positions_count_from_the_end_and_are_clipped() {
        assert_eq!([0, 2, 9, -1, -9].map(|at| offset(4, at)), [0, 2, 4, 3, 0]);
        assert_eq!(slice(b"abcd", 1, 2), b"bc");
        assert_eq!(slice(b"abcd", -2, 9), b"cd");
        assert_eq!(slice(b"abcd", 9, 1), b"");
        assert_eq!(slice(b"abcd", 0, -1), b"");
    }

    #[test]
    fn a_dump_has_offset_digits_and_text() {
        assert_eq!(
            dump(b"GET / HTTP/1.1\r\n\xff"),
            "00000000  47 45 54 20 2f 20 48 54  54 50 2f 31 2e 31 0d 0a  |GET / HTTP/1.1..|\n\
             00000010  ff                                                |.|"
        );
        assert_eq!(dump(b""), "");
        assert_eq!(hex(b"\x00\xde\xad"), "00dead");
    }
}
