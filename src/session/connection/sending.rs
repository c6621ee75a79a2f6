//! What goes out: queueing, the end of our direction, and what the kernel has taken.
//!
//! Owns the outbound queue of a [`Connection`] and when it is drained. What the end of our direction means for the
//! phases is the state machine's business.

use std::time::Instant;

use super::{Connection, LOW_WATER, Phase, WriteHalf};
use crate::session::Event;

impl Connection {
    /// Queues bytes; ignored once this side is closed.
    pub fn send(&mut self, bytes: Vec<u8>) {
        if self.write == WriteHalf::Open && !bytes.is_empty() {
            self.outbound.push(bytes);
            self.after_queueing();
        }
    }

    /// Queues bytes that stay with their owner; ignored once this side is closed.
    pub fn send_slice(&mut self, bytes: &[u8]) {
        if self.write == WriteHalf::Open && !bytes.is_empty() {
            self.outbound.extend(bytes);
            self.after_queueing();
        }
    }

    /// FIN once everything queued is sent. Reading goes on.
    pub fn shutdown(&mut self) {
        if self.write == WriteHalf::Open {
            let mut tail = Vec::new();
            self.view.finish_encoding(&mut tail);
            self.outbound.extend(&tail);
            self.view.queued.set(self.outbound.len());
            self.write = WriteHalf::Finishing;
            self.view.can_send.set(false);
        }
    }

    /// The front of the outbound queue.
    pub fn poll_transmit(&self) -> Option<&[u8]> {
        (!self.outbound.is_empty()).then(|| self.outbound.as_slice())
    }

    /// The kernel took `n` bytes of the front.
    pub fn transmitted(&mut self, now: Instant, n: usize) {
        self.outbound.consume(n);
        self.view.queued.set(self.outbound.len());
        self.view.note_sent(now, n);
        if self.drain_due && self.outbound.len() <= LOW_WATER {
            self.drain_due = false;
            if self.settings.interest.drained && self.phase == Phase::Open && self.write == WriteHalf::Open {
                self.events.push_back(Event::Drained);
            }
        }
    }

    /// Whether bytes wait to be sent.
    pub fn wants_write(&self) -> bool {
        !self.outbound.is_empty()
    }

    /// Number of bytes waiting to be sent.
    pub fn queued(&self) -> usize {
        self.outbound.len()
    }

    fn after_queueing(&mut self) {
        self.view.queued.set(self.outbound.len());
        self.drain_due = true;
    }

    pub(super) fn drop_queue(&mut self) {
        self.outbound.clear();
        self.view.queued.set(0);
    }
}
