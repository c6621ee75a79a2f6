//! `Inbound`: received bytes on their way to events: chunks, decoded text, decoded lines, or frames.
//!
//! Owns the decoder of one connection and the order of framing and decoding. Everything but plain chunks is cut
//! lazily, one unit at a time, so that a handler that closes the connection, changes its encoding or its framing
//! acts on the very next byte. After such a change, what the decoder held of a character is in front of the bytes again.
//! Nothing is scanned twice: each form keeps how far it has looked.

use std::rc::Rc;
use std::time::Duration;

use encoding_rs::{Encoding, UTF_8};
use memchr::memchr;

use crate::buffer::ByteQueue;
use crate::codec::charset::{DecodeError, Decoder};
use crate::codec::decoded::DecodedText;
use crate::codec::framing::{
    FrameError, Framer, MAX_FRAME, line_end, longest_line_end, without_last_cr, without_line_end as bytes_of_line,
};
use crate::codec::pending::{PendingText, without_line_end};
use crate::codec::seam::Seam;
use crate::config::{Charset, Malformed};
use crate::session::search::{Received, Search};
use crate::session::{ChosenForm, ConnError, ConnView, ErrorKind, Event, Form, Operation};

mod decoding;
mod measure;
mod rest;

use measure::Measure;

/// Why received bytes cannot become events.
#[derive(Debug)]
pub(super) enum Fault {
    /// Malformed text where that is an error, and what came before it.
    Text {
        /// The text before the fault, as the event it would have been part of.
        before: Option<Event>,
        /// What is malformed, and where.
        error: DecodeError,
        /// The bytes after it that were taken to be decoded with it.
        rest: Box<[u8]>,
    },
    /// No line end within the limit.
    LineTooLong(usize),
    /// A frame over its limit, or one that makes no sense.
    Frame(FrameError),
    /// The stream ended inside a frame of which so many bytes had come.
    CutShort(usize),
    /// What the handler waits for is not in so many bytes.
    Unmet(usize),
}

impl Fault {
    /// What is told of it: what came before the fault, and the error.
    pub(super) fn trouble(self, op: Operation) -> (Option<Event>, ConnError) {
        let (before, kind, message) = match self {
            Self::Text { before, error, .. } => (before, ErrorKind::Text, error.to_string()),
            Self::LineTooLong(limit) => (None, ErrorKind::Frame, format!("a line is longer than {limit} bytes")),
            Self::Frame(error) => (None, ErrorKind::Frame, error.to_string()),
            Self::CutShort(bytes) => (None, ErrorKind::Frame, format!("{bytes} bytes are no whole frame")),
            Self::Unmet(max) => (None, ErrorKind::Frame, format!("what is expected did not come in {max} bytes")),
        };
        (before, ConnError { kind, op, message })
    }
}

/// Bytes that cannot be decoded.
#[derive(Debug)]
struct Undecodable {
    error: DecodeError,
    /// The bytes after it that were to be decoded with it.
    rest: Box<[u8]>,
}

impl From<DecodeError> for Undecodable {
    fn from(error: DecodeError) -> Self {
        Self { error, rest: Box::default() }
    }
}

impl From<FrameError> for Fault {
    fn from(error: FrameError) -> Self {
        Self::Frame(error)
    }
}

/// The form in force, and how far the current unit is.
#[derive(Debug)]
enum Splitter {
    Data,
    Text,
    Lines {
        max: usize,
    },
    /// Boxed: few connections have one, and it is the largest.
    Frames(Box<Framer>),
    /// Frames that end with a delimiter, given as decoded lines.
    DelimitedText(Box<Framer>),
    Measured(Measure),
    Searched(Searched),
}

/// A search and how far it is.
#[derive(Debug)]
struct Searched {
    search: Rc<dyn Search>,
    /// How many bytes it was shown last.
    shown: usize,
    /// Their encoding.
    encoding: &'static Encoding,
    /// The handler was told, and has not said what goes.
    is_found: bool,
}

/// Received bytes that are not events yet.
#[derive(Debug)]
pub(super) struct Inbound {
    splitter: Splitter,
    /// Its form was chosen for this connection: it does not follow who takes the events.
    is_chosen: bool,
    malformed: Malformed,
    /// The decoder of everything up to `bytes`, for the charset beside it.
    decoder: Option<Box<(Charset, Decoder)>>,
    /// Where `bytes` begin; with a decoder, it knows that.
    seam: Seam,
    /// Bytes of unfinished units.
    bytes: ByteQueue,
    /// How many of `bytes` are known to hold no line end.
    searched: usize,
    /// The text of `bytes`, for searches.
    decoded: Option<Box<DecodedText>>,
    /// Decoded text that is not a whole line yet.
    text: PendingText,
}

impl Inbound {
    /// Nothing received yet.
    pub(super) fn new(form: Form, malformed: Malformed) -> Self {
        Self {
            splitter: Splitter::of(form),
            is_chosen: false,
            malformed,
            decoder: None,
            seam: Seam::START,
            bytes: ByteQueue::new(),
            searched: 0,
            decoded: None,
            text: PendingText::default(),
        }
    }

    /// Changes the form from the next byte that was not delivered; `None` means `requested`.
    pub(super) fn set_chosen(&mut self, view: &ConnView, chosen: Option<ChosenForm>, requested: Form) {
        self.is_chosen = chosen.is_some();
        if let (Some(ChosenForm::Searched(next)), Splitter::Searched(now)) = (&chosen, &self.splitter)
            && Rc::ptr_eq(next, &now.search)
        {
            return;
        }
        self.rewind();
        self.splitter = match chosen {
            None => Splitter::of(requested),
            Some(ChosenForm::Data) => Splitter::Data,
            Some(ChosenForm::Lines { max }) => Splitter::Lines { max },
            Some(ChosenForm::Frames(framing)) => Splitter::Frames(Box::new(Framer::new(framing, self.seam))),
            Some(ChosenForm::DelimitedText(framing)) => {
                Splitter::DelimitedText(Box::new(Framer::new(framing, self.seam)))
            }
            Some(ChosenForm::Searched(search)) => Splitter::Searched(Searched::new(search)),
        };
        self.unread_text(view);
    }

    /// Somebody else takes the events, in this form. What was received and not delivered, `undelivered` first,
    /// takes it, too.
    pub(super) fn set_requested(&mut self, view: &ConnView, form: Form, undelivered: Vec<Event>) {
        let (mut bytes, mut text) = (Vec::new(), String::new());
        for event in undelivered {
            match event {
                Event::Data(chunk) => bytes.extend(chunk),
                Event::Text(piece) => text.push_str(&piece),
                Event::Line(line) => text.extend([line.as_str(), "\n"]),
                _ => {}
            }
        }
        text.push_str(&self.text.take());
        self.text.end().push_str(&text);
        self.rewind();
        if !self.is_chosen && !self.splitter.is(form) {
            self.splitter = Splitter::of(form);
        }
        self.unread_text(view);
        self.unread(&bytes);
    }

    /// The handler has measured: the next frame has this length, or more bytes are needed (0).
    pub(super) fn set_length(&mut self, length: usize) {
        if let Splitter::Measured(measure) = &mut self.splitter {
            measure.set_length(length);
        }
    }

    /// The handler has dealt with the first bytes of what it searched.
    pub(super) fn skip(&mut self, view: &ConnView, n: usize) {
        self.consume(view, n.min(self.bytes.len()));
        if let Splitter::Searched(searched) = &mut self.splitter {
            (searched.shown, searched.is_found) = (0, false);
        }
    }

    /// Whether chunks are delivered as they come.
    pub(super) fn is_plain(&self) -> bool {
        matches!(self.splitter, Splitter::Data) && self.bytes.is_empty() && self.text.is_empty()
    }

    /// Whether nothing is held, not even by a decoder.
    #[inline]
    pub(super) fn is_untouched(&self) -> bool {
        let is_measured = matches!(self.splitter, Splitter::Measured(_));
        self.decoder.is_none() && self.bytes.is_empty() && self.text.is_empty() && !is_measured
    }

    /// Bytes have gone their way without passing through here ([`Inbound::is_plain`]).
    pub(super) fn pass(&mut self, view: &ConnView, bytes: &[u8]) {
        self.seam.pass(view.text.recv_encoding(), bytes);
    }

    /// The same for bytes that nobody has seen.
    pub(super) fn pass_unseen(&mut self, n: usize) {
        self.seam.offset += n as u64;
    }

    /// Takes what one read gave, for [`Inbound::next`]. What becomes one unit as it is, text or the only line, is
    /// decoded without being held.
    ///
    /// # Errors
    /// As [`Inbound::next`].
    pub(super) fn push(&mut self, view: &ConnView, bytes: &[u8]) -> Result<(), Fault> {
        self.follow(view);
        let is_unit = match (&self.splitter, view.text.recv_encoding()) {
            (_, Some(encoding)) if !self.bytes.is_empty() || self.may_be_marked(encoding) => false,
            (Splitter::Text, encoding) => encoding.is_some(),
            (Splitter::Lines { max }, Some(encoding)) => is_one_line(encoding, bytes, *max),
            _ => false,
        };
        if !is_unit {
            self.hold(bytes);
            return Ok(());
        }
        let result = self.decode(view, |decoder, text| decoder.decode(bytes, text));
        self.keep_or_fail(result.map_err(Undecodable::from))
    }

    /// Bytes that were received and are no events yet.
    pub(super) fn held(&self) -> usize {
        let decoded = self.decoded.as_ref().map_or(0, |decoded| decoded.as_str().len());
        self.bytes.len() + self.text.as_str().len() + decoded
    }

    /// The bytes that are held, if chunks are asked for.
    pub(super) fn bytes(&self) -> &[u8] {
        self.bytes.as_slice()
    }

    /// Takes the first `n` bytes that are held, if chunks are asked for.
    pub(super) fn take(&mut self, view: &ConnView, n: usize) -> Vec<u8> {
        let taken = self.bytes.as_slice()[..n].to_vec();
        self.consume(view, n);
        taken
    }

    /// Takes bytes for [`Inbound::next`], whatever they will become.
    pub(super) fn hold(&mut self, bytes: &[u8]) {
        if let Splitter::Measured(measure) = &mut self.splitter {
            measure.note_received(bytes.len());
        }
        self.bytes.extend(bytes);
    }

    /// The next whole unit.
    ///
    /// # Errors
    /// A unit over its limit, or malformed text where that is an error.
    pub(super) fn next(&mut self, view: &ConnView) -> Result<Option<Event>, Fault> {
        if self.bytes.is_empty() && self.text.is_empty() {
            return Ok(None);
        }
        self.follow(view);
        if self.is_text() && !self.has_order(view) {
            return Ok(None);
        }
        match &mut self.splitter {
            Splitter::Data => Ok(self.take_text().or_else(|| self.take_bytes(view).map(Event::Data))),
            Splitter::Text => {
                let result = self.decode_front(view, self.bytes.len());
                self.text_event(result)
            }
            Splitter::Lines { max } => {
                let max = *max;
                self.next_line(view, max)
            }
            Splitter::Frames(framer) => {
                let Some(cut) = framer.next(self.bytes.as_slice())? else { return Ok(None) };
                let frame = self.bytes.as_slice()[cut.frame].to_vec();
                self.consume(view, cut.consumed);
                Ok(Some(Event::Frame(frame)))
            }
            Splitter::DelimitedText(framer) => {
                let Some(cut) = framer.next(self.bytes.as_slice())? else { return Ok(None) };
                let event = self.delimited_text(view, cut.frame.end)?;
                self.consume(view, cut.consumed);
                Ok(Some(event))
            }
            Splitter::Measured(measure) => match measure.next(self.bytes.as_slice(), view.info.is_datagram())? {
                Some(Event::Frame(frame)) => {
                    self.consume(view, frame.len());
                    Ok(Some(Event::Frame(frame)))
                }
                event => Ok(event),
            },
            Splitter::Searched(_) => self.look(view),
        }
    }

    /// Shows the search what has arrived, up to its limit, in which it has to find what it looks for.
    fn look(&mut self, view: &ConnView) -> Result<Option<Event>, Fault> {
        let Splitter::Searched(searched) = &mut self.splitter else { return Ok(None) };
        let max = searched.search.max();
        let encoding = view.text.recv_encoding().unwrap_or(UTF_8);
        let there = self.bytes.len().min(max);
        let is_new = searched.shown == 0 || searched.encoding != encoding;
        if !searched.is_found && (is_new || searched.shown < there) {
            let search = Rc::clone(&searched.search);
            (searched.shown, searched.encoding) = (there, encoding);
            if search.look(&self.received(view, &*search, is_new)) {
                if let Splitter::Searched(searched) = &mut self.splitter {
                    searched.is_found = true;
                }
                return Ok(Some(Event::Found));
            }
        }
        if self.bytes.len() > max { Err(Fault::Unmet(max)) } else { Ok(None) }
    }

    /// What a search is shown: the bytes and, if it needs that, their text.
    fn received(&mut self, view: &ConnView, search: &dyn Search, is_new: bool) -> Received<'_> {
        let encoding = view.text.recv_encoding().unwrap_or(UTF_8);
        let bytes = self.bytes.as_slice();
        let bytes = &bytes[..bytes.len().min(search.max())];
        let seam = self.seam;
        let text = if search.reads_text() && encoding != UTF_8 {
            if self.decoded.as_ref().is_some_and(|decoded| decoded.encoding() != encoding) {
                self.decoded = None;
            }
            let decoded = self.decoded.get_or_insert_with(|| Box::new(DecodedText::new(encoding, seam)));
            decoded.update(bytes);
            Some(&**decoded)
        } else {
            None
        };
        Received { bytes, seam, encoding, text, is_new }
    }

    fn next_line(&mut self, view: &ConnView, max: usize) -> Result<Option<Event>, Fault> {
        loop {
            if let Some(line) = self.text.take_line() {
                return Ok(Some(Event::Line(without_line_end(line))));
            }
            if self.bytes.is_empty() {
                return Ok(None);
            }
            let bytes = self.bytes.as_slice();
            let taken = match view.text.recv_encoding() {
                // Line by line: what follows is not decoded before the handler has got the line.
                None => {
                    let end = memchr(b'\n', bytes).map(|at| at + 1);
                    let taken = end.unwrap_or(bytes.len());
                    let line = end.map_or(taken, |end| bytes_of_line(UTF_8, &bytes[..end]));
                    if self.text.as_str().len() + line > max + longest_line_end(UTF_8) {
                        return Err(Fault::LineTooLong(max));
                    }
                    taken
                }
                Some(encoding) => match line_end(encoding, bytes, self.searched) {
                    Some(end) if bytes_of_line(encoding, &bytes[..end]) <= max => end,
                    None if bytes.len() <= max + longest_line_end(encoding) => {
                        self.searched = bytes.len();
                        return Ok(None);
                    }
                    _ => return Err(Fault::LineTooLong(max)),
                },
            };
            let result = self.decode_front(view, taken);
            self.keep_or_fail(result)?;
        }
    }

    /// The stream has ended: what is left of it, a line without line end included.
    ///
    /// # Errors
    /// A character cut by the end, where malformed text is an error; a frame cut by it.
    pub(super) fn finish(&mut self, view: &ConnView) -> Result<Vec<Event>, Fault> {
        self.follow(view);
        match &mut self.splitter {
            Splitter::Data => Ok(Vec::new()),
            Splitter::Frames(framer) => match framer.last(self.bytes.as_slice())? {
                _ if self.bytes.is_empty() => Ok(Vec::new()),
                Some(cut) => {
                    let frame = self.bytes.as_slice()[cut.frame].to_vec();
                    self.bytes.clear();
                    Ok(vec![Event::Frame(frame)])
                }
                None => Err(Fault::CutShort(self.drop_rest())),
            },
            Splitter::DelimitedText(_) | Splitter::Measured(_) if self.bytes.is_empty() => Ok(Vec::new()),
            Splitter::DelimitedText(_) => {
                let last = self.delimited_text(view, self.bytes.len())?;
                self.bytes.clear();
                Ok(vec![last])
            }
            Splitter::Searched(searched) => {
                let search = Rc::clone(&searched.search);
                let is_new = searched.shown == 0;
                search.give_up(&self.received(view, &*search, is_new));
                self.bytes.clear();
                Ok(vec![Event::Unmet])
            }
            Splitter::Measured(_) => Err(Fault::CutShort(self.drop_rest())),
            Splitter::Text | Splitter::Lines { .. } => self.finish_text(view),
        }
    }

    /// The stream broke: text is given out as far as it came; the beginning of a line or frame is none, and an expectation
    /// has not met the end. What is left of them, for a message.
    ///
    /// # Errors
    /// As [`Inbound::finish`].
    pub(super) fn break_off(&mut self, view: &ConnView) -> Result<(Vec<Event>, Option<String>), Fault> {
        let last = match self.splitter {
            Splitter::Data => return Ok((Vec::new(), None)),
            Splitter::Text => return self.break_off_text(view),
            Splitter::Lines { .. } => self.last_units(view),
            _ => Ok(Vec::new()),
        };
        let rest = self.rest(view);
        self.discard();
        Ok((last?, rest))
    }

    /// The last text, or the last lines.
    fn finish_text(&mut self, view: &ConnView) -> Result<Vec<Event>, Fault> {
        let mut events = self.last_units(view)?;
        if let (Splitter::Lines { max }, Some(encoding)) = (&self.splitter, view.text.recv_encoding())
            && without_last_cr(encoding, self.bytes.as_slice()) > *max
        {
            return Err(Fault::LineTooLong(*max));
        }
        let result = self.decode_front(view, self.bytes.len());
        let result = result.and_then(|()| match &mut self.decoder {
            Some(decoder) => Ok(decoder.1.finish(self.text.end())?),
            None => Ok(()),
        });
        events.extend(self.text_event(result)?);
        Ok(events)
    }

    /// The whole units that are left; detection ends with the stream.
    fn last_units(&mut self, view: &ConnView) -> Result<Vec<Event>, Fault> {
        self.conclude(view, true);
        let mut events = Vec::new();
        while let Some(event) = self.next(view)? {
            events.push(event);
        }
        Ok(events)
    }

    fn drop_rest(&mut self) -> usize {
        let rest = self.bytes.len();
        self.bytes.clear();
        rest
    }

    /// How long nothing may come until [`Inbound::decide`] is due: bytes are held because their encoding is not known
    /// yet, or because the handler has seen much the same before.
    pub(super) fn silence(&self) -> Option<Duration> {
        match (&self.decoder, &self.splitter) {
            (Some(decoder), _) if decoder.1.is_undecided() => {
                Some(if decoder.1.is_sure() { DETECT_SURE } else { DETECT_UNSURE })
            }
            (_, Splitter::Measured(measure)) => measure.silence(),
            _ => None,
        }
    }

    /// Nothing has come for a while: what is there has to do.
    ///
    /// # Errors
    /// As [`Inbound::next`].
    pub(super) fn decide(&mut self, view: &ConnView) -> Result<Option<Event>, Fault> {
        self.conclude(view, false);
        if let Splitter::Measured(measure) = &mut self.splitter {
            measure.note_silence();
        }
        self.next(view)
    }

    /// Forgets what is not delivered yet.
    pub(super) fn discard(&mut self) {
        self.bytes.clear();
        self.searched = 0;
        self.decoded = None;
        self.text.clear();
    }
}

/// Whether that is one whole line and nothing else.
fn is_one_line(encoding: &'static Encoding, bytes: &[u8], max: usize) -> bool {
    line_end(encoding, bytes, 0) == Some(bytes.len()) && bytes_of_line(encoding, bytes) <= max
}

impl Searched {
    fn new(search: Rc<dyn Search>) -> Self {
        Self { search, shown: 0, encoding: UTF_8, is_found: false }
    }
}

impl Splitter {
    fn of(form: Form) -> Self {
        match form {
            Form::Data => Self::Data,
            Form::Text => Self::Text,
            Form::Line => Self::Lines { max: MAX_FRAME },
            Form::Measured => Self::Measured(Measure::default()),
        }
    }

    fn is(&self, form: Form) -> bool {
        matches!(
            (self, form),
            (Self::Data, Form::Data)
                | (Self::Text, Form::Text)
                | (Self::Lines { .. }, Form::Line)
                | (Self::Measured(_), Form::Measured)
        )
    }
}

/// How long bytes of an undetected encoding are held when nothing more comes: a few bytes, or a character that the
/// network has cut, are too little to decide upon soon.
const DETECT_SURE: Duration = Duration::from_millis(100);
const DETECT_UNSURE: Duration = Duration::from_secs(1);

#[cfg(test)]
mod tests;
