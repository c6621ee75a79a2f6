//! `Measure`: what is known of a frame that the handler measures.
//!
//! Owns how often the handler is shown the same bytes. It may find the length in any new byte, so it is asked again for
//! every read; a peer that sends byte by byte would have it look through a megabyte a million times. So what it is shown
//! in all is bounded by what was received: beyond that it is asked once nothing has come for a moment.

use std::time::Duration;

use super::Fault;
use crate::codec::framing::{FrameError, MAX_FRAME};
use crate::codec::work;
use crate::session::Event;

/// The frame that begins with the next byte.
#[derive(Debug, Default)]
pub(super) struct Measure {
    /// How many bytes the handler was shown last; 0: it has to be asked.
    shown: usize,
    /// The frame's length, once it is known.
    length: Option<usize>,
    /// How many bytes it may still be shown before a silence.
    credit: usize,
    /// It waits for a silence.
    is_waiting: bool,
}

impl Measure {
    /// So many bytes were received.
    pub(super) fn note_received(&mut self, bytes: usize) {
        self.credit = self.credit.saturating_add(bytes.saturating_mul(CREDIT)).min(MAX_CREDIT);
    }

    /// Nothing has come for [`Measure::silence`].
    pub(super) fn note_silence(&mut self) {
        if std::mem::take(&mut self.is_waiting) {
            self.credit = MAX_CREDIT;
        }
    }

    /// The silence after which it asks the handler.
    pub(super) fn silence(&self) -> Option<Duration> {
        self.is_waiting.then_some(SILENCE)
    }

    /// The handler has measured: the frame has this length, or more bytes are needed (0).
    pub(super) fn set_length(&mut self, length: usize) {
        self.length = (length > 0).then_some(length);
    }

    /// The frame, once it is whole, or what the handler is to be shown; `bytes` begin with the frame. Of a datagram it is shown
    /// all: that may be the frame.
    pub(super) fn next(&mut self, bytes: &[u8], is_datagram: bool) -> Result<Option<Event>, Fault> {
        if let Some(length) = self.length.filter(|length| *length <= bytes.len()) {
            *self = Self { credit: self.credit, ..Self::default() };
            return Ok(Some(Event::Frame(bytes[..length].to_vec())));
        }
        let longest = self.length.unwrap_or_default().max(bytes.len());
        if longest > MAX_FRAME {
            return Err(Fault::Frame(FrameError::TooLong { max: MAX_FRAME }));
        }
        if self.length.is_some() || self.shown == bytes.len() {
            return Ok(None);
        }
        let look = if self.shown == 0 && !is_datagram { FIRST_LOOK.min(bytes.len()) } else { bytes.len() };
        self.is_waiting = look > FIRST_LOOK && look > self.credit;
        if self.is_waiting {
            return Ok(None);
        }
        work::note(look);
        self.credit = self.credit.saturating_sub(look);
        self.shown = look;
        Ok(Some(Event::Measure(bytes[..look].to_vec())))
    }
}

/// How much of the buffer a handler is shown at first, in bytes; more, if that does not suffice.
const FIRST_LOOK: usize = 4096;
/// Bytes that the handler may be shown for each byte received.
const CREDIT: usize = 32;
const MAX_CREDIT: usize = 4 * MAX_FRAME;
const SILENCE: Duration = Duration::from_millis(10);
