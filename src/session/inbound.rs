//! `Inbound`: received bytes on their way to events: chunks, decoded text, or decoded lines.
//!
//! Owns the decoder of one connection and the order of framing and decoding. Lines are cut lazily, one at a
//! time, so that a handler that closes the connection or changes its encoding acts on the very next line.

use encoding_rs::{Encoding, UTF_16BE, UTF_16LE};
use memchr::memchr;

use crate::buffer::ByteQueue;
use crate::codec::charset::{DecodeError, Decoder};
use crate::config::{Charset, Malformed};
use crate::session::{ConnView, Delivery, Event};

/// The longest line, in bytes as received.
pub(super) const MAX_LINE: usize = 1 << 20;

/// Why received bytes cannot become events.
#[derive(Debug)]
pub(super) enum Fault {
    /// Malformed text where that is an error, and what came before it.
    Text {
        /// The text before the fault, as the event it would have been part of.
        before: Option<Event>,
        /// What is malformed, and where.
        error: DecodeError,
    },
    /// No line end within the limit.
    LineTooLong(usize),
}

/// Received bytes that are not events yet.
#[derive(Debug)]
pub(super) struct Inbound {
    delivery: Delivery,
    malformed: Malformed,
    decoder: Option<Box<(Charset, Decoder)>>,
    /// Bytes of unfinished lines.
    bytes: ByteQueue,
    /// How many of `bytes` are known to hold no line end.
    searched: usize,
    /// Decoded text that is not a whole line yet.
    text: String,
}

impl Inbound {
    /// Nothing received yet.
    pub(super) fn new(delivery: Delivery, malformed: Malformed) -> Self {
        Self { delivery, malformed, decoder: None, bytes: ByteQueue::new(), searched: 0, text: String::new() }
    }

    /// Takes what one read gave. Lines are fetched with [`Inbound::next_line`].
    ///
    /// # Errors
    /// Malformed text where that is an error.
    pub(super) fn push(&mut self, view: &ConnView, bytes: &[u8]) -> Result<Option<Event>, Fault> {
        match self.delivery {
            Delivery::Data => Ok(Some(Event::Data(bytes.to_vec()))),
            Delivery::Line => {
                self.bytes.extend(bytes);
                Ok(None)
            }
            Delivery::Text => {
                let result = self.decode(view, |decoder, text| decoder.decode(bytes, text));
                self.text_event(result)
            }
        }
    }

    /// The next whole line.
    ///
    /// # Errors
    /// A line over the limit, or malformed text where that is an error.
    pub(super) fn next_line(&mut self, view: &ConnView) -> Result<Option<Event>, Fault> {
        if self.delivery != Delivery::Line {
            return Ok(None);
        }
        loop {
            if let Some(end) = memchr(b'\n', self.text.as_bytes()) {
                let rest = self.text.split_off(end + 1);
                let line = std::mem::replace(&mut self.text, rest);
                return Ok(Some(Event::Line(without_line_end(line))));
            }
            if self.bytes.is_empty() {
                return Ok(None);
            }
            let taken = match view.recv.get() {
                Charset::Auto if self.text.len() + self.bytes.len() <= MAX_LINE => self.bytes.len(),
                Charset::Auto => return Err(Fault::LineTooLong(MAX_LINE)),
                Charset::Named(encoding) => match line_end(encoding, self.bytes.as_slice(), self.searched) {
                    Some(end) if end <= MAX_LINE => end,
                    None if self.bytes.len() <= MAX_LINE => {
                        self.searched = self.bytes.len();
                        return Ok(None);
                    }
                    _ => return Err(Fault::LineTooLong(MAX_LINE)),
                },
            };
            let bytes = std::mem::take(&mut self.bytes);
            let result = self.decode(view, |decoder, text| decoder.decode(&bytes.as_slice()[..taken], text));
            self.bytes = bytes;
            self.bytes.consume(taken);
            self.searched = 0;
            self.keep_or_fail(result)?;
        }
    }

    /// The stream has ended: what is left of it, a line without line end included.
    ///
    /// # Errors
    /// A character cut by the end, where malformed text is an error.
    pub(super) fn finish(&mut self, view: &ConnView) -> Result<Option<Event>, Fault> {
        if self.delivery == Delivery::Data || (self.decoder.is_none() && self.bytes.is_empty()) {
            return Ok(None);
        }
        let bytes = std::mem::take(&mut self.bytes);
        let result = self
            .decode(view, |decoder, text| decoder.decode(bytes.as_slice(), text).and_then(|()| decoder.finish(text)));
        self.text_event(result)
    }

    /// Whether bytes are held because their encoding is not known yet.
    pub(super) fn is_undecided(&self) -> bool {
        self.decoder.as_ref().is_some_and(|decoder| decoder.1.is_undecided())
    }

    /// Decides on the encoding with what is there.
    ///
    /// # Errors
    /// As [`Inbound::push`].
    pub(super) fn decide(&mut self, view: &ConnView) -> Result<Option<Event>, Fault> {
        let result = self.decode(view, Decoder::decide);
        if self.delivery == Delivery::Line {
            return self.keep_or_fail(result).map(|()| None);
        }
        self.text_event(result)
    }

    /// Forgets what is not delivered yet.
    pub(super) fn discard(&mut self) {
        self.bytes.clear();
        self.searched = 0;
        self.text = String::new();
    }

    /// Runs the decoder for the connection's present encoding on `self.text`; a changed encoding gets a fresh
    /// decoder.
    fn decode(
        &mut self,
        view: &ConnView,
        work: impl FnOnce(&mut Decoder, &mut String) -> Result<(), DecodeError>,
    ) -> Result<(), DecodeError> {
        let charset = view.recv.get();
        if self.decoder.as_ref().is_some_and(|decoder| decoder.0 != charset) {
            self.decoder = None;
        }
        let malformed = self.malformed;
        let decoder = &mut self.decoder.get_or_insert_with(|| Box::new((charset, Decoder::new(charset, malformed)))).1;
        let result = work(decoder, &mut self.text);
        if charset == Charset::Auto {
            view.detected.set(decoder.encoding());
        }
        result
    }

    /// All decoded text as one event.
    fn text_event(&mut self, result: Result<(), DecodeError>) -> Result<Option<Event>, Fault> {
        self.keep_or_fail(result)?;
        Ok(self.take_text())
    }

    /// Leaves the decoded text where it is, or turns it into the part before a fault.
    fn keep_or_fail(&mut self, result: Result<(), DecodeError>) -> Result<(), Fault> {
        result.map_err(|error| Fault::Text { before: self.take_text(), error })
    }

    fn take_text(&mut self) -> Option<Event> {
        let text = std::mem::take(&mut self.text);
        match self.delivery {
            _ if text.is_empty() => None,
            Delivery::Line => Some(Event::Line(without_line_end(text))),
            Delivery::Data | Delivery::Text => Some(Event::Text(text)),
        }
    }
}

/// Where the first line ends (after its LF), looking at bytes from `searched` on.
fn line_end(encoding: &'static Encoding, bytes: &[u8], searched: usize) -> Option<usize> {
    if encoding != UTF_16LE && encoding != UTF_16BE {
        // 0x0A is never part of a longer character in any other encoding of the WHATWG standard.
        return memchr(b'\n', &bytes[searched..]).map(|at| searched + at + 1);
    }
    let line_feed = if encoding == UTF_16LE { [b'\n', 0] } else { [0, b'\n'] };
    let start = searched & !1;
    bytes[start..].chunks_exact(2).position(|unit| unit == line_feed).map(|unit| start + unit * 2 + 2)
}

fn without_line_end(mut line: String) -> String {
    if line.ends_with('\n') {
        line.pop();
    }
    if line.ends_with('\r') {
        line.pop();
    }
    line
}
