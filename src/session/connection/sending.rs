//! What goes out: queueing, the end of our direction, and what the kernel has taken.
//!
//! Owns when the outbound queue of a [`Connection`] is drained, and the gaps in it. What the end of our direction means for the
//! phases is the state machine's business.

use std::time::{Duration, Instant};

use super::{Connection, LOW_WATER, Phase, WriteHalf};
use crate::session::Event;
use crate::session::pacing::Pacing;

impl Connection {
    /// Queues bytes; ignored once this side is closed.
    pub fn send(&mut self, bytes: Vec<u8>) {
        if self.write == WriteHalf::Open && (self.is_datagram() || !bytes.is_empty()) {
            self.outbound.push(bytes);
            self.after_queueing();
        }
    }

    /// Queues bytes that stay with their owner; ignored once this side is closed.
    pub fn send_slice(&mut self, bytes: &[u8]) {
        if self.write == WriteHalf::Open && (self.is_datagram() || !bytes.is_empty()) {
            self.outbound.extend(bytes);
            self.after_queueing();
        }
    }

    /// Leaves a gap in the queue for something that is filled in piece by piece. Whether anything is still sent.
    pub fn open_placeholder(&mut self) -> bool {
        let is_open = self.write == WriteHalf::Open;
        if is_open {
            self.outbound.open_placeholder();
            self.after_queueing();
        }
        is_open
    }

    /// How many gaps the queue has.
    pub fn placeholders(&self) -> usize {
        self.outbound.placeholders()
    }

    /// Whether the first gap is all that is left to send, and there is room for more of it.
    pub fn wants_filling(&self) -> bool {
        self.outbound.placeholders() > 0 && self.outbound.as_slice().len() < LOW_WATER
    }

    /// Bytes for the first gap.
    pub fn fill(&mut self, bytes: Vec<u8>) {
        self.outbound.fill(bytes);
        self.after_queueing();
    }

    /// The first gap has everything.
    pub fn close_placeholder(&mut self) {
        self.outbound.close_placeholder();
    }
    /// Whether what is sent next may wait outside, in a kernel pipe that the owner of the socket has.
    pub fn accepts_spliced(&self) -> bool {
        self.write == WriteHalf::Open && self.events.is_empty() && self.outbound.is_queue_empty() && !self.is_paced()
    }

    /// So many bytes wait outside and count as queued; what is queued later goes after them
    /// ([`Connection::accepts_spliced`]).
    pub fn send_spliced(&mut self, n: usize) {
        self.outbound.add_spliced(n);
        self.after_queueing();
    }

    /// How many bytes wait outside; 0 also when they are wanted no more.
    pub fn spliced(&self) -> usize {
        self.outbound.spliced()
    }

    /// The kernel took `n` bytes of what waits outside.
    pub fn transmitted_spliced(&mut self, now: Instant, n: usize) {
        self.outbound.consume_spliced(n);
        self.view.info.note_sent(now, n);
        self.after_sending();
    }

    /// Everything that waits outside comes back, to be sent first; layers have to be added after that.
    pub fn absorb(&mut self, bytes: Vec<u8>) {
        self.outbound.absorb(bytes);
        self.note_queue();
    }

    /// FIN once everything queued is sent. Reading goes on.
    pub fn shutdown(&mut self) {
        if self.write == WriteHalf::Open {
            let mut tail = Vec::new();
            self.view.text.finish_encoding(&mut tail);
            if !tail.is_empty() {
                self.outbound.extend(&tail);
            }
            self.note_queue();
            self.end_sending();
        }
    }

    /// Nothing is queued any more; the end of our direction comes after what is.
    pub(super) fn end_sending(&mut self) {
        if self.write == WriteHalf::Open {
            self.write = WriteHalf::Finishing;
            self.view.info.stop_sending();
        }
    }

    /// The front of what is to be sent; what waits outside goes before.
    pub fn poll_transmit(&self) -> Option<&[u8]> {
        let next = self.outbound.next().filter(|_| self.spliced() == 0)?;
        let Some(pacing) = &self.pacing else { return Some(next) };
        if pacing.until().is_some() {
            return None;
        }
        Some(if self.is_datagram() { next } else { pacing.cut(self.view.text.send_encoding(), next) })
    }

    /// The kernel took `n` bytes of the front. Returns the memory they stood in if that is free now: an empty vector with room.
    pub fn transmitted(&mut self, now: Instant, n: usize) -> Vec<u8> {
        self.pace(now, n);
        let free = self.outbound.consume(n);
        self.view.info.note_sent(now, n);
        self.note_datagram_sent(now);
        self.after_sending();
        free
    }

    /// The kernel took `n` bytes that did not pass through here.
    pub fn note_sent(&mut self, now: Instant, n: usize) {
        self.view.info.note_sent(now, n);
    }

    pub(super) fn note_queue(&self) {
        self.view.info.set_queued(self.outbound.len());
    }

    /// Tells of a queue that has drained.
    pub(in crate::session) fn after_sending(&mut self) {
        self.note_queue();
        if self.outbound.placeholders() > 0 {
            return;
        }
        let has_drained = self.drain_due && self.view.info.queued() <= LOW_WATER;
        if has_drained {
            self.drain_due = false;
        }
        let is_told = has_drained && self.settings.event_mask.drained && self.write == WriteHalf::Open;
        if (self.view.info.take_room() || is_told) && self.phase == Phase::Open {
            self.events.push_back(Event::Drained);
        }
    }

    /// Whether bytes wait for the socket.
    pub fn wants_write(&self) -> bool {
        self.spliced() > 0 || (self.outbound.next().is_some() && !self.is_pausing())
    }

    /// The bytes that wait to be sent, those outside and in layers included.
    pub fn queued(&self) -> usize {
        self.outbound.len()
    }

    /// Whether the handler waits for something that only the session knows: silence, or room in the queue. Our FIN would make
    /// its answer vanish.
    pub fn outlasts_input(&self) -> bool {
        let mask = self.settings.event_mask;
        (mask.idle && self.view.info.has_idle_limit()) || (mask.drained && self.drain_due)
    }

    // ---- pauses between lines -------------------------------------------------------------------------

    /// Pauses after each line that is sent from now on, or after each datagram. `holds_end`: the end comes after a pause, too.
    pub fn set_line_delay(&mut self, delay: Duration, holds_end: bool) {
        self.pacing = Some(Box::new(Pacing::new(delay, holds_end)));
    }

    /// Whether the end of what is sent waits for the end of a pause.
    pub(super) fn holds_end(&self) -> bool {
        self.write == WriteHalf::Finishing && self.pacing.as_ref().is_some_and(|pacing| pacing.holds_end())
    }

    /// Whether there are pauses.
    pub fn is_paced(&self) -> bool {
        self.pacing.is_some()
    }

    /// Whether something waits for the end of a pause.
    pub fn is_pausing(&self) -> bool {
        self.pacing.as_ref().is_some_and(|pacing| pacing.until().is_some()) && !self.outbound.is_queue_empty()
    }

    /// Whether a pause of our own lasts: before what waits, or after the last line where that counts.
    pub(super) fn is_quiet_itself(&self) -> bool {
        self.is_pausing() || self.pacing.as_ref().is_some_and(|pacing| pacing.holds_end())
    }

    /// Ends a pause whose time is over.
    pub fn end_pause(&mut self, now: Instant) {
        if let Some(pacing) = &mut self.pacing {
            pacing.advance(now);
        }
    }

    /// The first `n` bytes of the queue leave it: a pause follows a whole line.
    pub(super) fn pace(&mut self, now: Instant, n: usize) {
        let Some(pacing) = &mut self.pacing else { return };
        if self.datagrams.is_some() {
            pacing.pause(now);
        } else {
            pacing.passed(now, self.view.text.send_encoding(), self.outbound.as_slice(), n);
        }
    }

    fn after_queueing(&mut self) {
        self.note_queue();
        self.drain_due = true;
    }

    /// Nothing is sent any more, not even the end.
    pub(super) fn stop_writing(&mut self) {
        self.drop_queue();
        self.write = WriteHalf::Shut;
        self.view.info.stop_sending();
    }

    pub(super) fn drop_queue(&mut self) {
        self.outbound.clear();
        self.view.info.set_queued(0);
    }
}
