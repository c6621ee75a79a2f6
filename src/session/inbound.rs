//! `Inbound`: received bytes on their way to events: chunks, decoded text, decoded lines, or frames.
//!
//! Owns the decoder of one connection and the order of framing and decoding. Everything but plain chunks is cut
//! lazily, one unit at a time, so that a handler that closes the connection, changes its encoding or its framing
//! acts on the very next byte.

use memchr::memchr;

use crate::buffer::ByteQueue;
use crate::codec::charset::{DecodeError, Decoder, Encoder};
use crate::codec::framing::{
    FrameError, Framer, MAX_FRAME, line_end, longest_line_end, without_line_end as bytes_of_line,
};
use crate::config::{Charset, Malformed, Unencodable};
use crate::session::{ChosenForm, ConnView, Event, Form};

/// How much of the buffer a handler that measures is shown at first; more, if that does not suffice.
const FIRST_LOOK: usize = 4096;

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
    /// A frame over its limit, or one that makes no sense.
    Frame(FrameError),
    /// The stream ended inside a frame of which so many bytes had come.
    CutShort(usize),
    /// What the handler waits for is not in so many bytes.
    Unmet(usize),
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
}

/// What is known of the frame the handler measures.
#[derive(Debug, Default)]
struct Measure {
    /// How many bytes it was shown last; 0: it has to be asked.
    shown: usize,
    /// The frame's length, once it is known.
    length: Option<usize>,
    /// What is measured are no frames: so much of it is shown, and at the end of the stream nothing is cut short.
    max: Option<usize>,
}

impl Measure {
    /// The same for the next frame.
    fn next(&self) -> Self {
        Self { max: self.max, ..Self::default() }
    }
}

/// Received bytes that are not events yet.
#[derive(Debug)]
pub(super) struct Inbound {
    splitter: Splitter,
    /// Its form was chosen for this connection: it does not follow who takes the events.
    is_chosen: bool,
    malformed: Malformed,
    decoder: Option<Box<(Charset, Decoder)>>,
    /// Bytes of unfinished units.
    bytes: ByteQueue,
    /// How many of `bytes` are known to hold no line end.
    searched: usize,
    /// Decoded text that is not a whole line yet.
    text: String,
}

impl Inbound {
    /// Nothing received yet.
    pub(super) fn new(form: Form, malformed: Malformed) -> Self {
        let bytes = ByteQueue::new();
        let splitter = Splitter::of(form);
        Self { splitter, is_chosen: false, malformed, decoder: None, bytes, searched: 0, text: String::new() }
    }

    /// Changes the form from the next byte that was not delivered; `None` means `requested`.
    pub(super) fn set_chosen(&mut self, chosen: Option<ChosenForm>, requested: Form) {
        self.searched = 0;
        self.is_chosen = chosen.is_some();
        self.splitter = match chosen {
            None => Splitter::of(requested),
            Some(ChosenForm::Data) => Splitter::Data,
            Some(ChosenForm::Lines { max }) => Splitter::Lines { max },
            Some(ChosenForm::Frames(framing)) => Splitter::Frames(Box::new(Framer::new(framing))),
            Some(ChosenForm::DelimitedText(framing)) => Splitter::DelimitedText(Box::new(Framer::new(framing))),
            Some(ChosenForm::Searched { max }) => Splitter::Measured(Measure { max: Some(max), ..Measure::default() }),
        };
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
        text.push_str(&self.text);
        if !self.is_chosen && !self.splitter.is(form) {
            self.splitter = Splitter::of(form);
            self.searched = 0;
        }
        self.text = text;
        if !matches!(self.splitter, Splitter::Text | Splitter::Lines { .. } | Splitter::DelimitedText(_)) {
            let text = std::mem::take(&mut self.text);
            bytes.splice(0..0, encoded(view, &text));
            bytes.extend(self.decoder.take().map(|decoder| decoder.1.into_held()).unwrap_or_default());
        }
        if !bytes.is_empty() {
            bytes.extend(self.bytes.as_slice());
            self.bytes.clear();
            self.bytes.extend(&bytes);
            self.searched = 0;
        }
    }

    /// The handler has measured: the next frame has this length, or more bytes are needed (0).
    pub(super) fn set_length(&mut self, length: usize) {
        if let Splitter::Measured(measure) = &mut self.splitter {
            measure.length = (length > 0).then_some(length);
        }
    }

    /// The handler has dealt with the first bytes itself.
    pub(super) fn skip(&mut self, n: usize) {
        self.bytes.consume(n.min(self.bytes.len()));
        if let Splitter::Measured(measure) = &mut self.splitter {
            *measure = measure.next();
        }
    }

    /// Whether chunks are delivered as they come.
    pub(super) fn is_plain(&self) -> bool {
        matches!(self.splitter, Splitter::Data) && self.bytes.is_empty() && self.text.is_empty()
    }

    /// Takes what one read gave, for [`Inbound::next`]. What becomes one unit as it is, text or the only line, is
    /// decoded without being held.
    ///
    /// # Errors
    /// As [`Inbound::next`].
    pub(super) fn push(&mut self, view: &ConnView, bytes: &[u8]) -> Result<(), Fault> {
        let is_unit = match self.splitter {
            _ if !self.bytes.is_empty() => false,
            Splitter::Text => true,
            Splitter::Lines { max } => is_one_line(view, bytes, max),
            Splitter::Data | Splitter::Frames(_) | Splitter::DelimitedText(_) | Splitter::Measured(_) => false,
        };
        if !is_unit {
            self.hold(bytes);
            return Ok(());
        }
        let result = self.decode(view, |decoder, text| decoder.decode(bytes, text));
        self.keep_or_fail(result)
    }

    /// Bytes that were received and are no events yet.
    pub(super) fn held(&self) -> usize {
        self.bytes.len() + self.text.len()
    }

    /// Takes bytes for [`Inbound::next`], whatever they will become.
    pub(super) fn hold(&mut self, bytes: &[u8]) {
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
        match &mut self.splitter {
            Splitter::Data => Ok(self.take_text().or_else(|| self.take_bytes().map(Event::Data))),
            Splitter::Text if self.bytes.is_empty() => Ok(self.take_text()),
            Splitter::Text => {
                let bytes = std::mem::take(&mut self.bytes);
                let result = self.decode(view, |decoder, text| decoder.decode(bytes.as_slice(), text));
                self.text_event(result)
            }
            Splitter::Lines { max } => {
                let max = *max;
                self.next_line(view, max)
            }
            Splitter::Frames(framer) => {
                let cut = framer.next(self.bytes.as_slice())?;
                Ok(cut.map(|cut| {
                    let frame = self.bytes.as_slice()[cut.frame].to_vec();
                    self.bytes.consume(cut.consumed);
                    Event::Frame(frame)
                }))
            }
            Splitter::DelimitedText(framer) => {
                let Some(cut) = framer.next(self.bytes.as_slice())? else { return Ok(None) };
                let bytes = self.bytes.as_slice()[cut.frame].to_vec();
                self.bytes.consume(cut.consumed);
                self.delimited_text(view, &bytes, false).map(Some)
            }
            Splitter::Measured(measure) => {
                if let Some(length) = measure.length.filter(|length| *length <= self.bytes.len()) {
                    *measure = measure.next();
                    return Ok(Some(Event::Frame(self.bytes.take(length))));
                }
                if let Some(max) = measure.max {
                    return self.look(max);
                }
                let longest = measure.length.unwrap_or_default().max(self.bytes.len());
                if longest > MAX_FRAME {
                    return Err(Fault::Frame(FrameError::TooLong { max: MAX_FRAME }));
                }
                if measure.length.is_some() || measure.shown == self.bytes.len() {
                    return Ok(None);
                }
                let look = if measure.shown == 0 { FIRST_LOOK } else { usize::MAX };
                measure.shown = look.min(self.bytes.len());
                Ok(Some(Event::Measure(self.bytes.as_slice()[..measure.shown].to_vec())))
            }
        }
    }

    /// Shows the handler what has arrived, up to a limit, in which it has to find what it waits for.
    fn look(&mut self, max: usize) -> Result<Option<Event>, Fault> {
        let Splitter::Measured(measure) = &mut self.splitter else { return Ok(None) };
        let there = self.bytes.len().min(max);
        if measure.shown < there {
            measure.shown = there;
            return Ok(Some(Event::Measure(self.bytes.as_slice()[..there].to_vec())));
        }
        if self.bytes.len() > max { Err(Fault::Unmet(max)) } else { Ok(None) }
    }

    fn next_line(&mut self, view: &ConnView, max: usize) -> Result<Option<Event>, Fault> {
        loop {
            if let Some(end) = memchr(b'\n', self.text.as_bytes()) {
                let rest = self.text.split_off(end + 1);
                let line = std::mem::replace(&mut self.text, rest);
                return Ok(Some(Event::Line(without_line_end(line))));
            }
            if self.bytes.is_empty() {
                return Ok(None);
            }
            let taken = match view.text.recv() {
                Charset::Auto if self.text.len() + self.bytes.len() <= max => self.bytes.len(),
                Charset::Auto => return Err(Fault::LineTooLong(max)),
                Charset::Named(encoding) => match line_end(encoding, self.bytes.as_slice(), self.searched) {
                    Some(end) if bytes_of_line(encoding, &self.bytes.as_slice()[..end]) <= max => end,
                    None if self.bytes.len() <= max + longest_line_end(encoding) => {
                        self.searched = self.bytes.len();
                        return Ok(None);
                    }
                    _ => return Err(Fault::LineTooLong(max)),
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
    /// A character cut by the end, where malformed text is an error; a frame cut by it.
    pub(super) fn finish(&mut self, view: &ConnView) -> Result<Option<Event>, Fault> {
        match &mut self.splitter {
            Splitter::Data => Ok(None),
            Splitter::Frames(framer) => match framer.last(self.bytes.as_slice()) {
                _ if self.bytes.is_empty() => Ok(None),
                Some(cut) => {
                    let frame = self.bytes.as_slice()[cut.frame].to_vec();
                    self.bytes.clear();
                    Ok(Some(Event::Frame(frame)))
                }
                None => Err(Fault::CutShort(self.drop_rest())),
            },
            Splitter::DelimitedText(_) => {
                let bytes = self.take_bytes().unwrap_or_default();
                let last = self.delimited_text(view, &bytes, true)?;
                Ok((last != Event::Line(String::new())).then_some(last))
            }
            Splitter::Measured(measure) if measure.max.is_some() => {
                Ok(Some(Event::Unmet(self.take_bytes().unwrap_or_default())))
            }
            Splitter::Measured(_) if self.bytes.is_empty() => Ok(None),
            Splitter::Measured(_) => Err(Fault::CutShort(self.drop_rest())),
            Splitter::Text | Splitter::Lines { .. } if self.decoder.is_none() && self.bytes.is_empty() => Ok(None),
            Splitter::Text | Splitter::Lines { .. } => {
                let bytes = std::mem::take(&mut self.bytes);
                let result = self.decode(view, |decoder, text| {
                    decoder.decode(bytes.as_slice(), text).and_then(|()| decoder.finish(text))
                });
                self.text_event(result)
            }
        }
    }

    /// Decodes what a delimiter, or the end of the stream, has ended.
    fn delimited_text(&mut self, view: &ConnView, bytes: &[u8], is_last: bool) -> Result<Event, Fault> {
        // What is detected must not wait for the next one.
        let is_whole = is_last || view.text.recv() == Charset::Auto;
        let result = self.decode(view, |decoder, text| {
            decoder.decode(bytes, text)?;
            if is_whole { decoder.finish(text) } else { Ok(()) }
        });
        if is_whole {
            self.decoder = None;
        }
        self.keep_or_fail(result)?;
        Ok(Event::Line(std::mem::take(&mut self.text)))
    }

    fn drop_rest(&mut self) -> usize {
        let rest = self.bytes.len();
        self.bytes.clear();
        rest
    }

    /// Whether bytes are held because their encoding is not known yet.
    pub(super) fn is_undecided(&self) -> bool {
        self.decoder.as_ref().is_some_and(|decoder| decoder.1.is_undecided())
    }

    /// Whether what is held says enough for a short silence to decide.
    pub(super) fn is_sure(&self) -> bool {
        self.decoder.as_ref().is_some_and(|decoder| decoder.1.is_sure())
    }

    /// Decides on the encoding with what is there.
    ///
    /// # Errors
    /// As [`Inbound::next`].
    pub(super) fn decide(&mut self, view: &ConnView) -> Result<Option<Event>, Fault> {
        let result = self.decode(view, Decoder::decide);
        if matches!(self.splitter, Splitter::Text) {
            return self.text_event(result);
        }
        self.keep_or_fail(result).map(|()| None)
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
        let charset = view.text.recv();
        if self.decoder.as_ref().is_some_and(|decoder| decoder.0 != charset) {
            self.decoder = None;
        }
        let malformed = self.malformed;
        let decoder = &mut self.decoder.get_or_insert_with(|| Box::new((charset, Decoder::new(charset, malformed)))).1;
        let result = work(decoder, &mut self.text);
        if charset == Charset::Auto {
            view.text.set_detected(decoder.encoding());
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
        match self.splitter {
            _ if text.is_empty() => None,
            Splitter::Lines { .. } => Some(Event::Line(without_line_end(text))),
            Splitter::DelimitedText(_) => Some(Event::Line(text)),
            _ => Some(Event::Text(text)),
        }
    }

    fn take_bytes(&mut self) -> Option<Vec<u8>> {
        (!self.bytes.is_empty()).then(|| self.bytes.take(self.bytes.len()))
    }
}

/// Whether that is one whole line and nothing else.
fn is_one_line(view: &ConnView, bytes: &[u8], max: usize) -> bool {
    let Charset::Named(encoding) = view.text.recv() else { return false };
    line_end(encoding, bytes, 0) == Some(bytes.len()) && bytes_of_line(encoding, bytes) <= max
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

/// Decoded text as the bytes it was.
fn encoded(view: &ConnView, text: &str) -> Vec<u8> {
    let encoding = view.text.recv_encoding().unwrap_or(encoding_rs::UTF_8);
    let mut bytes = Vec::new();
    let mut encoder = Encoder::new(encoding, Unencodable::Replace);
    // What the encoding does not hold is replaced: there is no error.
    let _ = encoder.encode(text, &mut bytes);
    encoder.finish(&mut bytes);
    bytes
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

#[cfg(test)]
mod tests {
    use std::net::{Ipv4Addr, SocketAddr};
    use std::time::Instant;

    use super::*;
    use crate::config::Text;
    use crate::session::Side;

    /// Everything that reads of these pieces give.
    fn events(form: Form, malformed: Malformed, pieces: &[&[u8]]) -> (Vec<Event>, Option<Fault>) {
        let nowhere = SocketAddr::from((Ipv4Addr::LOCALHOST, 1));
        let view = ConnView::new(1, nowhere, nowhere, Side::Server, &Text::default(), Instant::now());
        let (mut inbound, mut told) = (Inbound::new(form, malformed), Vec::new());
        for piece in pieces {
            if let Err(fault) = inbound.push(&view, piece) {
                return (told, Some(fault));
            }
            loop {
                match inbound.next(&view) {
                    Ok(Some(event)) => told.push(event),
                    Ok(None) => break,
                    Err(fault) => return (told, Some(fault)),
                }
            }
        }
        (told, None)
    }

    #[test]
    fn one_line_in_one_read_is_a_line_like_every_other() {
        let input = "one\r\n\nzwölf\n你\n".as_bytes();
        let expected: Vec<_> = ["one", "", "zwölf", "你"].map(|line| Event::Line(line.to_owned())).into();
        for at in 0..=input.len() {
            let (front, back) = input.split_at(at);
            let (told, fault) = events(Form::Line, Malformed::Fail, &[front, back]);
            assert!(told == expected && fault.is_none(), "cut at {at}: {told:?}, {fault:?}");
        }
        let lines: Vec<_> = input.split_inclusive(|byte| *byte == b'\n').collect();
        assert_eq!(events(Form::Line, Malformed::Fail, &lines).0, expected);
    }

    #[test]
    fn a_fault_in_what_is_not_held_is_told_with_what_came_before_it() {
        for form in [Form::Line, Form::Text] {
            let (told, fault) = events(form, Malformed::Fail, &[b"good\xff\n"]);
            let Some(Fault::Text { before: Some(Event::Line(text) | Event::Text(text)), error }) = fault else {
                panic!("{told:?}, {fault:?}")
            };
            assert_eq!((told.len(), text.as_str(), error.offset), (0, "good", 4));
        }
    }
}
