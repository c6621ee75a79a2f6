//! What a stream that breaks, or that a time limit ends, leaves of an unfinished unit: no unit, but not lost without a word.
//!
//! Owns the words for it. What the end of a stream completes is the business of [`Inbound::finish`].

use encoding_rs::UTF_8;

use super::decoding::encoded;
use super::{Fault, Inbound, Splitter};
use crate::codec::escape::show_bytes;
use crate::session::{ConnView, Event};

/// Maximum bytes that are shown.
const SHOWN: usize = 80;

impl Inbound {
    /// The beginning of a line or frame that nothing completes any more, or what was searched in vain, for a message.
    pub(super) fn rest(&self, view: &ConnView) -> Option<String> {
        let what = match &self.splitter {
            Splitter::Data | Splitter::Text => return None,
            Splitter::Lines { .. } | Splitter::DelimitedText(_) => "of an unfinished line",
            Splitter::Frames(_) | Splitter::Measured(_) => "of an unfinished frame",
            Splitter::Searched(_) => "without what is expected",
        };
        let mut bytes = encoded(view, self.text.as_str());
        bytes.extend(self.bytes.as_slice());
        (!bytes.is_empty()).then(|| words(bytes.len(), what, &self.shown(view, &bytes)))
    }

    /// The last text. The beginning of a character is not malformed: nothing says how it would have gone on.
    ///
    /// # Errors
    /// Malformed text before it, where that is an error.
    pub(super) fn break_off_text(&mut self, view: &ConnView) -> Result<(Vec<Event>, Option<String>), Fault> {
        let mut events = self.last_units(view)?;
        let result = self.decode_front(view, self.bytes.len());
        self.keep_or_fail(result)?;
        let finished = self.decoder.as_mut().map_or(Ok(()), |decoder| decoder.1.finish(self.text.end()));
        events.extend(self.take_text());
        let rest = finished.err().map(|error| error.bytes);
        Ok((events, rest.map(|rest| words(rest.len(), "of an unfinished character", &show_bytes(&rest)))))
    }

    /// Bytes as text where they are.
    fn shown(&self, view: &ConnView, bytes: &[u8]) -> String {
        let (head, more) = if bytes.len() > SHOWN { (&bytes[..SHOWN], "…") } else { (bytes, "") };
        let encoding = view.text.recv_encoding().unwrap_or(UTF_8);
        let (text, is_malformed) = encoding.decode_without_bom_handling(head);
        if is_malformed || !self.is_text() { format!("{}{more}", show_bytes(head)) } else { format!("{text:?}{more}") }
    }
}

fn words(count: usize, what: &str, shown: &str) -> String {
    format!("before it came {count} byte{} {what}: {shown}", if count == 1 { "" } else { "s" })
}
