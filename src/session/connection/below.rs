//! What a [`Link`](crate::session::Link) does to the connection above its layers: what leaves the queue for them, how much
//! they hold, and how they end the connection.
//!
//! Owns no state of its own. A connection without layers never comes here.

use std::time::Instant;

use super::{Connection, End, Phase, WriteHalf};
use crate::layer::tls::TlsFacts;
use crate::session::{ConnError, ErrorKind, Event, Operation};

impl Connection {
    // ---- what arrives ---------------------------------------------------------------------------------

    /// Whether one more chunk may come in: everything before it was told.
    pub(in crate::session) fn takes_chunk(&self) -> bool {
        self.takes_input() && self.events.is_empty()
    }

    /// Whether what arrives is wanted now.
    pub(in crate::session) fn takes_input(&self) -> bool {
        self.phase == Phase::Open && !self.paused && self.end.is_none()
    }

    /// The peer has ended, and its protocol had not: told after everything that came before, with its end. What we send has an
    /// end of its own: where all of it is sent, that is in order.
    pub(in crate::session) fn handle_cut_short(&mut self, error: ConnError) {
        self.handle_eof();
        if self.end == Some(End::Eof) {
            self.end = Some(End::CutShort(Box::new(error)));
        }
    }

    /// A layer ends the connection in order, after everything that came before.
    pub(in crate::session) fn handle_close(&mut self) {
        self.end = Some(End::Close);
    }

    /// A layer ends the connection by RST, after everything that came before.
    pub(in crate::session) fn handle_reset(&mut self) {
        self.end = Some(End::Reset);
    }

    /// The link broke, and what arrived before is still in layers: nothing is sent any more. Returns the error to tell
    /// once that has come in.
    pub(in crate::session) fn break_sending(&mut self, error: ConnError) -> ConnError {
        self.stop_writing();
        self.write_error.take().map_or(error, |error| *error)
    }

    /// Trouble that is the last thing told before the connection is reset.
    pub(in crate::session) fn push_error(&mut self, kind: ErrorKind, op: Operation, message: String) {
        self.events.push_back(Event::Error(ConnError { kind, op, message }));
    }

    /// Bytes it holds in memory: what waits to be sent, without what waits outside, and what was received and not delivered.
    pub(in crate::session) fn held(&self) -> usize {
        self.outbound.len() - self.outbound.spliced() + self.inbound.held() + self.view.info.kept()
    }

    /// The peer's end was read, and stays in a layer for ever.
    pub(in crate::session) fn note_read_ended(&mut self) {
        self.read_ended = true;
    }

    /// Whether the peer's end has come in.
    pub(in crate::session) fn is_read_ended(&self) -> bool {
        self.read_ended
    }

    /// Drops what was received and not told. Returns how many bytes.
    pub(in crate::session) fn discard_undelivered(&mut self) -> usize {
        let is_received =
            |event: &Event| matches!(event, Event::Data(_) | Event::Text(_) | Event::Line(_) | Event::Frame(_));
        let told = self.events.take_if(is_received).into_iter().map(|event| match event {
            Event::Data(bytes) | Event::Frame(bytes) => bytes.len(),
            Event::Text(text) | Event::Line(text) => text.len(),
            _ => 0,
        });
        let held = told.sum::<usize>() + self.inbound.held();
        self.inbound.discard();
        held
    }

    /// The two sides have agreed on TLS; `is_told`: its handler does not hear of it by the opening.
    pub(in crate::session) fn secured(&mut self, facts: TlsFacts, is_told: bool) {
        self.view.info.set_tls(facts);
        if is_told {
            self.events.push_back(Event::Secured);
        }
    }

    // ---- the opening ----------------------------------------------------------------------------------

    /// Whether nobody has heard of the connection yet.
    pub(in crate::session) fn is_unannounced(&self) -> bool {
        self.events.front() == Some(&Event::Opened)
    }

    /// The connection never opened.
    pub(in crate::session) fn forget_opened(&mut self) {
        self.events.take_if(|event| *event == Event::Opened);
    }

    /// Whether it is over, or will be with what comes next.
    pub(in crate::session) fn is_failing(&self) -> bool {
        self.phase == Phase::Released || matches!(self.end, Some(End::Broken(_) | End::Close | End::Reset))
    }

    // ---- what is sent ---------------------------------------------------------------------------------

    /// The bytes at the front of the queue.
    pub(in crate::session) fn front(&self) -> &[u8] {
        self.outbound.as_slice()
    }

    /// Those that may go out now.
    pub(in crate::session) fn due_front(&self) -> &[u8] {
        self.poll_transmit().unwrap_or_default()
    }

    /// Layers took the first `n` bytes of the queue; [`Connection::set_held_below`] has to follow.
    pub(in crate::session) fn consume_front(&mut self, now: Instant, n: usize) {
        self.pace(now, n);
        self.outbound.consume(n);
    }

    /// Layers hold so many bytes now of what was sent.
    pub(in crate::session) fn set_held_below(&mut self, n: usize) {
        self.outbound.set_held_below(n);
        self.note_queue();
    }

    /// Layers that hide the wire took `n` bytes, which count as sent from now on.
    pub(in crate::session) fn note_sent_above(&mut self, now: Instant, n: usize) {
        self.view.info.note_sent(now, n);
    }

    /// The kernel took `n` bytes from the layers, which hold `left` now.
    pub(in crate::session) fn transmitted_below(&mut self, now: Instant, n: usize, left: usize) {
        self.outbound.set_held_below(left);
        self.view.info.note_sent(now, n);
        self.after_sending();
    }

    /// Whether everything has left the queue and the end of our direction comes next.
    pub(in crate::session) fn is_at_end(&self) -> bool {
        self.is_finishing() && self.outbound.is_queue_empty() && self.outbound.spliced() == 0
    }

    /// Whether it ends by RST.
    pub(in crate::session) fn is_aborting(&self) -> bool {
        self.aborts
    }

    /// Whether the socket was let go.
    pub(in crate::session) fn is_released(&self) -> bool {
        self.phase == Phase::Released
    }

    /// Whether the end of our direction was asked for and did not reach the socket.
    pub(in crate::session) fn is_finishing(&self) -> bool {
        self.write == WriteHalf::Finishing
    }

    /// Whether nothing will be written any more.
    pub(in crate::session) fn is_write_shut(&self) -> bool {
        self.write == WriteHalf::Shut
    }

    /// What was sent and did not reach the socket never will; its end still does.
    pub(in crate::session) fn drop_unsent(&mut self) {
        self.drop_queue();
    }

    /// What is to be done to the socket whatever is still to be sent.
    pub(in crate::session) fn take_action(&mut self) -> Option<super::Action> {
        self.action.take()
    }
}
