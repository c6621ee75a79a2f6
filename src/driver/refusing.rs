//! Refusing: what is typed on a terminal and cannot be sent is not, its user is told, and the conversation goes on. A pipe with
//! such text ends the run.
//!
//! Owns what a line has to be, which an editor asks before it gives one out, and the look at what comes from a terminal without
//! one, or key by key.

use std::fmt::Write as _;

use encoding_rs::DecoderResult;

use crate::codec::charset::DecodeError;
use crate::codec::labels;
use crate::codec::typed::{Filtered, Sendable};
use crate::config::Unencodable;
use crate::driver::parts::Parts;
use crate::driver::stdin::Duty;
use crate::driver::typed_lines::TypedLines;
use crate::error::Error;
use crate::net::reactor::Slot;
use crate::output::Notice;
use crate::session::TextSettings;

impl Parts {
    /// Tells the editor what a line has to be from now on.
    pub(super) fn note_sendable(&self) {
        if let Some(lines) = &self.typed_lines {
            lines.set_sendable(self.sendable());
        }
    }

    /// What a line typed now has to be.
    fn sendable(&self) -> Sendable {
        let charset = self.stdin.charset();
        if self.stdin.duty() != Duty::Bytes {
            // Scripts read text.
            return Sendable::text(charset, Vec::new());
        }
        if !self.stdin.filter.is_strict() {
            return Sendable::default();
        }
        let targets = self.stdin_targets();
        let texts = targets.iter().filter_map(|slot| Some(&self.peers.get(*slot)?.link.view().text));
        let mut encodings: Vec<_> = texts
            .filter(|text| text.unencodable() == Unencodable::Fail)
            .filter_map(TextSettings::send_encoding)
            .collect();
        if targets.is_empty() {
            // It will be read once somebody is there.
            encodings.extend(self.config.text.send);
        }
        Sendable::text(charset, encodings)
    }

    /// Why a piece cannot be sent to all of them, if it was typed.
    pub(super) fn objection_to(
        &self,
        targets: &[Slot],
        piece: &Filtered,
        fault: Option<&DecodeError>,
    ) -> Option<String> {
        if !self.stdin.is_typed() {
            return None;
        }
        let texts = targets.iter().filter_map(|slot| Some(&self.peers.get(*slot)?.link.view().text));
        objection(texts, piece, fault)
    }

    /// Takes typed text that cannot be sent: the next begins anew.
    pub(super) fn refuse_typed(&mut self, why: &str) {
        self.stdin.filter.restart();
        if let Some(lines) = &self.typed_lines {
            lines.refuse(why);
            let drawing = lines.take_drawing();
            let result = self.stdout.draw(&mut self.io, drawing);
            return self.after_output(result);
        }
        let error = Error::Text { message: format!("not sent: {why}") };
        self.io.notify(&Notice::Error { conn: None, error: &error, handled: false });
    }

    /// Whether a line for the script, from a terminal that edits it itself, is no text; its user is told so.
    pub(super) fn refuses_line(&mut self, bytes: &[u8]) -> bool {
        let is_edited = self.typed_lines.as_ref().is_some_and(TypedLines::is_editing);
        if is_edited || !self.stdin.is_typed() || !bytes.ends_with(b"\n") {
            return false;
        }
        let charset = self.stdin.charset().unwrap_or(encoding_rs::UTF_8);
        let mut text = String::with_capacity(bytes.len() * 3 + 16);
        let mut decoder = charset.new_decoder_without_bom_handling();
        let (result, read) = decoder.decode_to_string_without_replacement(bytes, &mut text, true);
        let DecoderResult::Malformed(length, after) = result else { return false };
        let end = read.saturating_sub(after.into());
        let wrong = &bytes[end.saturating_sub(length.into())..end];
        self.refuse_typed(&malformed(labels::name(charset), wrong));
        true
    }
}

/// Why a piece, or bytes before which it was cut, cannot be sent on these connections.
pub(super) fn objection<'a>(
    mut texts: impl Iterator<Item = &'a TextSettings>,
    piece: &Filtered,
    fault: Option<&DecodeError>,
) -> Option<String> {
    if let Some(fault) = fault {
        return Some(malformed(fault.encoding, &fault.bytes));
    }
    let Filtered::Text(piece) = piece else { return None };
    texts.find_map(|text| text.check(piece).err()).map(|fault| fault.to_string())
}

fn malformed(encoding: &str, bytes: &[u8]) -> String {
    let mut text = format!("malformed {encoding} bytes:");
    for byte in bytes {
        // Writing to a String cannot fail.
        let _ = write!(text, " 0x{byte:02x}");
    }
    text
}
