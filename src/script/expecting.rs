//! The patterns a script expects in the received bytes of a connection (`conn.expect`), in order.
//!
//! Owns the search in bytes or, if the connection has an encoding, in decoded text. Does not hold received bytes: the
//! session holds them up to a limit, and repeats the search when more arrive.

use std::collections::VecDeque;

use encoding_rs::{Encoding, UTF_8};
use memchr::memmem;
use regex::bytes::{Captures, Match};
use rhai::{Array, Dynamic, FnPtr, Map};

use crate::codec::charset::Decoder;
use crate::codec::framing::MAX_FRAME;
use crate::config::{Charset, Malformed};
use crate::script::api::pattern::Pattern as Regex;
use crate::script::timers::TimerId;
use crate::session::{ChosenForm, ConnView};

/// A pattern.
#[derive(Clone, Debug)]
pub(super) enum Pattern {
    /// A byte string.
    Bytes(Vec<u8>),
    /// A text in the connection's encoding.
    Text(String),
    /// A regular expression: searched in text, unless it can match invalid UTF-8.
    Regex(Regex),
}

/// A pattern and the callback for its match or timeout.
#[derive(Clone, Debug)]
pub(super) struct Expectation {
    pub(super) pattern: Pattern,
    pub(super) call: FnPtr,
    pub(super) timer: Option<TimerId>,
}

/// A match. The values are strings, or blobs for a pattern on bytes.
#[derive(Debug)]
pub(super) struct Found {
    /// Offset of its first byte in the received bytes.
    pub(super) start: usize,
    /// Offset after its last byte.
    pub(super) end: usize,
    /// The received bytes before it.
    pub(super) before: Dynamic,
    /// The matched value and its groups.
    pub(super) groups: Array,
    /// The named groups.
    pub(super) names: Map,
}

/// The chosen form and the expected patterns of one connection.
#[derive(Debug, Default)]
pub(super) struct Stream {
    /// The form chosen while no pattern is expected.
    pub(super) chosen: Option<ChosenForm>,
    /// The expected patterns, in order.
    pub(super) expected: VecDeque<Expectation>,
}

impl Stream {
    /// The current form of the stream.
    pub(super) fn form(&self) -> Option<ChosenForm> {
        match self.expected.front() {
            Some(first) => Some(ChosenForm::Searched { max: first.pattern.limit() }),
            None => self.chosen.clone(),
        }
    }
}

impl Pattern {
    /// Searches for the pattern in the received bytes.
    pub(super) fn find(&self, bytes: &[u8], conn: &ConnView) -> Option<Found> {
        let encoding = encoding(conn);
        if encoding == UTF_8 || !self.is_text() {
            return self.search(bytes);
        }
        let found = self.search(decode(encoding, bytes).as_bytes())?;
        let start = length_of(encoding, bytes, found.start);
        Some(Found { start, end: length_of(encoding, bytes, found.end), ..found })
    }

    /// The bytes received without a match, as a value of the match's type.
    pub(super) fn rest(&self, bytes: &[u8], conn: &ConnView) -> Dynamic {
        let encoding = encoding(conn);
        if encoding == UTF_8 || !self.is_text() {
            return self.value(bytes);
        }
        let (mut decoder, mut text) = (Decoder::new(Charset::Named(encoding), Malformed::Replace), String::new());
        let _ = decoder.decode(bytes, &mut text).and_then(|()| decoder.finish(&mut text));
        text.into()
    }

    /// Maximum bytes received without a match.
    fn limit(&self) -> usize {
        match self {
            Self::Regex(regex) => regex.limit().min(MAX_FRAME),
            Self::Bytes(_) | Self::Text(_) => MAX_FRAME,
        }
    }

    fn is_text(&self) -> bool {
        match self {
            Self::Bytes(_) => false,
            Self::Text(_) => true,
            Self::Regex(regex) => regex.is_text(),
        }
    }

    fn search(&self, bytes: &[u8]) -> Option<Found> {
        let wanted = match self {
            Self::Bytes(wanted) => wanted.as_slice(),
            Self::Text(wanted) => wanted.as_bytes(),
            Self::Regex(regex) => return Some(self.captured(bytes, regex, &regex.regex().captures(bytes)?)),
        };
        let start = memmem::find(bytes, wanted)?;
        let end = start + wanted.len();
        let before = self.value(&bytes[..start]);
        Some(Found { start, end, before, groups: vec![self.value(wanted)], names: Map::new() })
    }

    fn captured(&self, bytes: &[u8], regex: &Regex, found: &Captures<'_>) -> Found {
        let group = |part: Option<Match<'_>>| part.map_or(Dynamic::UNIT, |part| self.value(part.as_bytes()));
        let names = regex.regex().capture_names().flatten();
        let whole = found.get_match();
        Found {
            start: whole.start(),
            end: whole.end(),
            before: self.value(&bytes[..whole.start()]),
            groups: found.iter().map(group).collect(),
            names: names.map(|name| (name.into(), group(found.name(name)))).collect(),
        }
    }

    fn value(&self, bytes: &[u8]) -> Dynamic {
        if self.is_text() {
            String::from_utf8_lossy(bytes).into_owned().into()
        } else {
            Dynamic::from_blob(bytes.to_vec())
        }
    }
}

/// The encoding of received text; UTF-8 until `auto` has detected one.
fn encoding(conn: &ConnView) -> &'static Encoding {
    conn.text.recv_encoding().unwrap_or(UTF_8)
}

/// The text of all complete characters, without a partial one at the end.
fn decode(encoding: &'static Encoding, bytes: &[u8]) -> String {
    let (mut decoder, mut text) = (Decoder::new(Charset::Named(encoding), Malformed::Replace), String::new());
    // Malformed bytes are replaced, so there is no error.
    let _ = decoder.decode(bytes, &mut text);
    text
}

/// Number of encoded bytes of the first `wanted` bytes of text.
fn length_of(encoding: &'static Encoding, bytes: &[u8], wanted: usize) -> usize {
    let (mut decoder, mut text) = (Decoder::new(Charset::Named(encoding), Malformed::Replace), String::new());
    let mut known = 0;
    for block in bytes.chunks(BLOCK) {
        let _ = decoder.decode(block, &mut text);
        if text.len() >= wanted {
            break;
        }
        known += block.len();
    }
    // Byte by byte only in the block that contains the end.
    let (mut decoder, mut text) = (Decoder::new(Charset::Named(encoding), Malformed::Replace), String::new());
    let _ = decoder.decode(&bytes[..known], &mut text);
    while text.len() < wanted && known < bytes.len() {
        let _ = decoder.decode(&bytes[known..=known], &mut text);
        known += 1;
    }
    known
}

/// Block size of the search for a position, in bytes.
const BLOCK: usize = 1024;

#[cfg(test)]
mod tests {
    use encoding_rs::{GBK, UTF_16LE};

    use super::*;

    #[test]
    fn text_positions_are_converted_to_byte_offsets() {
        let text = "你a好".repeat(2000);
        for (encoding, bytes) in [
            (GBK, GBK.encode(&text).0.into_owned()),
            (UTF_16LE, text.encode_utf16().flat_map(u16::to_le_bytes).collect()),
        ] {
            for characters in [0, 1, 2, 3, 1024, 1025, 5999, 6000] {
                let prefix: String = text.chars().take(characters).collect();
                let wanted = match encoding {
                    encoding if encoding == GBK => GBK.encode(&prefix).0.len(),
                    _ => prefix.encode_utf16().count() * 2,
                };
                assert_eq!(length_of(encoding, &bytes, prefix.len()), wanted, "{characters} in {}", encoding.name());
            }
        }
    }
}
