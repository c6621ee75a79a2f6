//! Where in its stream a connection is, and the decoder that stands there.
//!
//! Owns that nothing is lost when the encoding or the form changes: what was decoded in part comes first among the bytes
//! again, and a new decoder goes on at that seam.

use encoding_rs::{Encoding, UTF_8, UTF_16BE, UTF_16LE};

use super::{Fault, Inbound, Splitter, Undecodable};
use crate::codec::charset::{DecodeError, Decoder, Encoder};
use crate::codec::pending::without_line_end;
use crate::config::{Charset, Unencodable};
use crate::session::{ConnView, Event};

impl Inbound {
    // ---- the place in the stream ----------------------------------------------------------------------

    /// Takes over an encoding that was changed since the last call.
    pub(super) fn follow(&mut self, view: &ConnView) {
        let charset = view.text.recv();
        let known = view.text.recv_encoding();
        let is_old =
            |decoder: &(Charset, Decoder)| decoder.0 != charset || (known.is_none() && decoder.1.encoding().is_some());
        if self.decoder.as_ref().is_some_and(|decoder| is_old(decoder)) {
            self.rewind();
        }
        if let (Splitter::Frames(framer) | Splitter::DelimitedText(framer), Some(encoding)) =
            (&mut self.splitter, known)
        {
            framer.set_encoding(encoding, self.seam);
        }
    }

    /// Whether the units are text.
    pub(in crate::session) fn is_text(&self) -> bool {
        match &self.splitter {
            Splitter::Text | Splitter::Lines { .. } | Splitter::Searched(_) => true,
            Splitter::Frames(framer) | Splitter::DelimitedText(framer) => framer.encoding().is_some(),
            Splitter::Data | Splitter::Measured(_) => false,
        }
    }

    /// Whether the next bytes may be a byte order mark of UTF-16.
    pub(super) fn may_be_marked(&self, encoding: &'static Encoding) -> bool {
        self.decoder.is_none() && self.seam.is_start() && (encoding == UTF_16LE || encoding == UTF_16BE)
    }

    /// Whether the byte order of UTF-16 is known; a mark at the start of the stream decides it.
    pub(super) fn has_order(&mut self, view: &ConnView) -> bool {
        let Some(encoding) = view.text.recv_encoding().filter(|encoding| self.may_be_marked(encoding)) else {
            return true;
        };
        if let Some(other) = self.seam.marked_order(encoding, self.bytes.as_slice()) {
            view.text.set_detected(Some(other));
            self.follow(view);
        }
        self.bytes.len() >= 2
    }

    /// Ends decoding: what was decoded in part comes first among the bytes again.
    pub(super) fn rewind(&mut self) {
        self.searched = 0;
        if let Some(decoder) = self.decoder.take() {
            let (held, seam) = decoder.1.rewind();
            self.seam = seam;
            self.put_back(&held);
        }
    }

    /// Turns text that was not delivered into bytes again, if that is what is wanted now.
    pub(super) fn unread_text(&mut self, view: &ConnView) {
        if !matches!(self.splitter, Splitter::Text | Splitter::Lines { .. }) && !self.text.is_empty() {
            let text = self.text.take();
            self.unread(&encoded(view, &text));
        }
    }

    /// Puts bytes that were taken before the others.
    pub(in crate::session) fn unread(&mut self, bytes: &[u8]) {
        if !bytes.is_empty() {
            self.rewind();
            self.seam = self.seam.back(bytes.len());
            self.put_back(bytes);
        }
    }

    pub(super) fn put_back(&mut self, bytes: &[u8]) {
        if !bytes.is_empty() {
            self.bytes.put_back(bytes);
            (self.searched, self.decoded) = (0, None);
        }
    }

    /// Puts back what a fault of the text has taken, which comes first again.
    pub(in crate::session) fn unread_fault(&mut self, view: &ConnView, fault: &Fault) {
        let Fault::Text { before, error, rest } = fault else { return };
        let before = match before {
            Some(Event::Text(text) | Event::Line(text)) => encoded(view, text),
            _ => Vec::new(),
        };
        self.unread(&[&before, &error.bytes, &rest[..]].concat());
    }

    /// Removes bytes from the front; a decoder has taken them, or nobody.
    pub(super) fn consume(&mut self, view: &ConnView, n: usize) {
        self.searched = 0;
        if self.decoder.is_none() {
            self.seam.pass(view.text.recv_encoding(), &self.bytes.as_slice()[..n]);
        }
        if self.decoded.as_mut().is_some_and(|decoded| !decoded.consume(n)) || n == self.bytes.len() {
            self.decoded = None;
        }
        self.bytes.consume(n);
    }

    // ---- decoding -------------------------------------------------------------------------------------

    /// Decodes bytes at the front, or fewer if their encoding is detected in them: the others are not taken.
    pub(super) fn decode_front(&mut self, view: &ConnView, taken: usize) -> Result<(), Undecodable> {
        if taken == 0 {
            return Ok(());
        }
        let bytes = std::mem::take(&mut self.bytes);
        let front = &bytes.as_slice()[..taken];
        let (taken, held, result) = if view.text.recv_encoding().is_some() {
            (taken, Vec::new(), self.decode(view, |decoder, text| decoder.decode(front, text)))
        } else {
            let found = self.decode(view, |decoder, text| decoder.detect(front, text));
            let (taken, held) = found.unwrap_or((taken, Vec::new()));
            (taken, held, Ok(()))
        };
        let result = result.map_err(|error: DecodeError| {
            let place = self.decoder.as_ref().map_or(0, |decoder| decoder.1.offset());
            let rest =
                usize::try_from(place.saturating_sub(error.offset + error.bytes.len() as u64)).unwrap_or_default();
            Undecodable { error, rest: front[taken.saturating_sub(rest)..].into() }
        });
        self.bytes = bytes;
        self.consume(view, taken);
        self.put_back(&held);
        if result.is_ok() && matches!(self.splitter, Splitter::Text) && view.text.recv_encoding().is_some() {
            // What was held for detection, and what came with it.
            return self.decode_front(view, self.bytes.len());
        }
        result
    }

    /// The first bytes, which a delimiter or the end of the stream has ended, as a line.
    pub(super) fn delimited_text(&mut self, view: &ConnView, length: usize) -> Result<Event, Fault> {
        let mut decoder = Decoder::resume(view.text.decoding(), self.malformed, self.seam);
        let mut text = String::new();
        let bytes = &self.bytes.as_slice()[..length];
        let result = decoder.decode(bytes, &mut text).and_then(|()| decoder.finish(&mut text));
        if matches!(view.text.recv(), Charset::Auto(_)) {
            view.text.set_detected(decoder.encoding());
        }
        match result {
            Ok(()) => Ok(Event::Line(text)),
            Err(error) => Err(Fault::Text {
                before: (!text.is_empty()).then_some(Event::Line(text)),
                error,
                rest: Box::default(),
            }),
        }
    }

    /// Decides on the encoding with the bytes that are held for that.
    pub(super) fn conclude(&mut self, view: &ConnView, ended: bool) {
        if self.decoder.as_ref().is_some_and(|decoder| decoder.1.is_undecided()) {
            let held = self.decode(view, |decoder, text| decoder.decide(ended, text));
            self.put_back(&held);
        }
    }

    /// Runs the decoder for the connection's present encoding on `self.text`.
    pub(super) fn decode<R>(&mut self, view: &ConnView, work: impl FnOnce(&mut Decoder, &mut String) -> R) -> R {
        let charset = view.text.recv();
        let (malformed, seam) = (self.malformed, self.seam);
        let decoder = &mut self
            .decoder
            .get_or_insert_with(|| Box::new((charset, Decoder::resume(view.text.decoding(), malformed, seam))))
            .1;
        let result = work(decoder, self.text.end());
        if matches!(charset, Charset::Auto(_)) {
            view.text.set_detected(decoder.encoding());
        }
        result
    }

    /// All decoded text as one event.
    pub(super) fn text_event(&mut self, result: Result<(), Undecodable>) -> Result<Option<Event>, Fault> {
        self.keep_or_fail(result)?;
        Ok(self.take_text())
    }

    /// Leaves the decoded text where it is, or turns it into the part before a fault.
    pub(super) fn keep_or_fail(&mut self, result: Result<(), Undecodable>) -> Result<(), Fault> {
        result.map_err(|Undecodable { error, rest }| Fault::Text { before: self.take_text(), error, rest })
    }

    pub(super) fn take_text(&mut self) -> Option<Event> {
        let text = self.text.take();
        match self.splitter {
            _ if text.is_empty() => None,
            Splitter::Lines { .. } => Some(Event::Line(without_line_end(text))),
            _ => Some(Event::Text(text)),
        }
    }

    pub(super) fn take_bytes(&mut self, view: &ConnView) -> Option<Vec<u8>> {
        if self.bytes.is_empty() {
            return None;
        }
        self.seam.pass(view.text.recv_encoding(), self.bytes.as_slice());
        self.decoded = None;
        Some(self.bytes.take(self.bytes.len()))
    }
}

/// Decoded text as the bytes it was.
pub(super) fn encoded(view: &ConnView, text: &str) -> Vec<u8> {
    let encoding = view.text.recv_encoding().unwrap_or(UTF_8);
    let mut bytes = Vec::new();
    let mut encoder = Encoder::new(encoding, Unencodable::Replace);
    // What the encoding does not hold is replaced: there is no error.
    let _ = encoder.encode(text, &mut bytes);
    encoder.finish(&mut bytes);
    bytes
}
