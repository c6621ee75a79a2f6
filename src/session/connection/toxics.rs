//! A connection whose network is ill: what it receives and sends passes through toxics first.
//!
//! Owns the two stacks and what has left the outward one. To everything else they are the network: what they hold
//! has not arrived, or was not sent, so that idle limits, counters and handlers see what they would see behind a
//! bad line. What each toxic does is the business of `layer::toxics`.

#[cfg(test)]
mod tests;

use std::mem;
use std::time::Instant;

use super::{Connection, End, HIGH_WATER, Phase, WriteHalf};
use crate::buffer::ByteQueue;
use crate::layer::Flow;
use crate::layer::toxics::{Then, Toxic, ToxicStack};
use crate::session::{CloseReason, ConnError, Direction};

/// What is sent enters a stack in pieces of at most this size, while there is room.
const PIECE: usize = 64 << 10;

/// Both directions of one connection.
#[derive(Debug)]
pub(super) struct Toxics {
    inward: ToxicStack,
    /// The peer's end is in the stack, or has passed it.
    input_ended: bool,
    /// That end is a broken link.
    broken: Option<ConnError>,
    outward: ToxicStack,
    /// The end of what we send has left the stack.
    output_ended: bool,
    /// What has left the stack and waits for the socket. It goes before everything else.
    wire: ByteQueue,
}

impl Toxics {
    fn new() -> Self {
        Self {
            inward: no_toxics(),
            input_ended: false,
            broken: None,
            outward: no_toxics(),
            output_ended: false,
            wire: ByteQueue::new(),
        }
    }

    /// The bytes that were sent and have not reached the socket.
    fn waiting(&self) -> usize {
        self.outward.bytes() + self.wire.len()
    }

    /// Whether what is sent passes through here first.
    fn is_between(&self) -> bool {
        !self.wire.is_empty() || !self.outward.is_empty()
    }

    /// Whether it makes no difference any more.
    fn is_idle(&self) -> bool {
        self.inward.is_empty() && self.outward.is_empty() && self.wire.is_empty()
    }
}

fn no_toxics() -> ToxicStack {
    // Every toxic brings its own seed.
    ToxicStack::new(0)
}

impl Connection {
    /// What comes, or is sent, from now on passes through a toxic. `seed` is what its chance comes from.
    pub fn add_toxic(&mut self, now: Instant, direction: Direction, toxic: Toxic, seed: u64) {
        if self.phase == Phase::Released {
            return;
        }
        let toxics = self.toxics.get_or_insert_with(|| Box::new(Toxics::new()));
        match direction {
            Direction::In => toxics.inward.add_seeded(now, toxic, seed),
            Direction::Out => {
                if toxics.outward.is_empty() {
                    // What was sent before is not concerned.
                    let before = self.outbound.as_slice();
                    toxics.wire.extend(before);
                    let n = before.len();
                    self.outbound.consume(n);
                }
                toxics.outward.add_seeded(now, toxic, seed);
            }
        }
    }

    /// Removes the toxics of that name, or all; what they hold goes on at once.
    pub fn heal(&mut self, now: Instant, name: Option<&str>) {
        if let Some(toxics) = &mut self.toxics {
            toxics.inward.remove(now, name);
            toxics.outward.remove(now, name);
        }
    }

    /// Whether something stands between this and the socket.
    pub fn has_toxics(&self) -> bool {
        self.toxics.is_some()
    }

    /// Whether something that was sent waits for its time.
    pub fn is_delaying(&self) -> bool {
        self.toxics.as_ref().is_some_and(|toxics| toxics.outward.next_timeout().is_some())
    }

    /// Lets in what is due of what toxics hold, a chunk at a time; whether anything was. Call it before
    /// [`Connection::poll_event`], again as long as there was.
    pub fn release_input(&mut self, now: Instant) -> bool {
        self.toxics.is_some() && self.pass_input(now)
    }

    /// Lets out what is due of what toxics hold, a piece at a time. Call it before [`Connection::poll_transmit`].
    pub fn release_output(&mut self, now: Instant) {
        if self.toxics.is_some() {
            self.pass_output(now);
        }
    }

    fn pass_input(&mut self, now: Instant) -> bool {
        let mut passed = false;
        // A chunk that is to be delivered as it is comes alone: a slice is told from the next.
        while self.takes_input() && self.events.is_empty() {
            let Some(toxics) = &mut self.toxics else { break };
            let Some(output) = toxics.inward.poll(now) else { break };
            passed = true;
            let broken = if matches!(output, Flow::Data(_)) { None } else { toxics.broken.take() };
            match (output, broken) {
                (Flow::Data(bytes), _) => self.take_input(now, &bytes),
                (_, Some(error)) => self.break_off(error),
                (Flow::Eof, None) => self.take_eof(),
                (Flow::Close, None) => self.end = Some(End::Cut(Then::Close)),
                (Flow::Reset, None) => self.end = Some(End::Cut(Then::Reset)),
            }
        }
        self.drop_idle_toxics();
        passed
    }

    fn pass_output(&mut self, now: Instant) {
        let Some(toxics) = &mut self.toxics else { return };
        if toxics.outward.is_empty() {
            return self.drop_idle_toxics();
        }
        let before = self.outbound.len() + toxics.waiting();
        while !self.outbound.as_slice().is_empty() && toxics.outward.held() < HIGH_WATER {
            let n = self.outbound.as_slice().len().min(PIECE);
            toxics.outward.push(now, &self.outbound.as_slice()[..n]);
            self.outbound.consume(n);
        }
        if self.write == WriteHalf::Finishing && self.outbound.is_empty() {
            toxics.outward.push_eof(now);
        }
        while toxics.wire.is_empty() {
            match toxics.outward.poll(now) {
                Some(Flow::Data(bytes)) => toxics.wire.push(bytes),
                Some(Flow::Eof) => toxics.output_ended = true,
                Some(Flow::Close) => {
                    toxics.output_ended = true;
                    self.close(if self.view.eof.get() { CloseReason::Eof } else { CloseReason::Closed });
                    self.drop_queue();
                    return;
                }
                // Everything before it was taken by the kernel.
                Some(Flow::Reset) => return self.reset(CloseReason::Reset),
                None => break,
            }
        }
        if self.outbound.len() + toxics.waiting() < before {
            // A toxic has dropped some.
            self.after_sending();
        }
        self.drop_idle_toxics();
    }

    /// Puts bytes that arrived into the inward stack, if there is one and somebody still wants them.
    pub(super) fn hold_input(&mut self, now: Instant, bytes: &[u8]) -> bool {
        match &mut self.toxics {
            Some(toxics) if self.phase == Phase::Open && !toxics.inward.is_empty() => {
                toxics.inward.push(now, bytes);
                true
            }
            _ => false,
        }
    }

    /// The same for the end of what arrives. A broken link takes nothing any more from this moment on; what had
    /// arrived before is still on its way.
    pub(super) fn hold_end(&mut self, now: Instant, broken: Option<&ConnError>) -> bool {
        match &mut self.toxics {
            Some(toxics) if self.phase == Phase::Open && !toxics.inward.is_empty() => {
                if !mem::replace(&mut toxics.input_ended, true) {
                    toxics.broken = broken.cloned();
                    toxics.inward.push_eof(now);
                }
            }
            _ => return false,
        }
        if broken.is_some() {
            self.drop_queue();
            self.write = WriteHalf::Shut;
            self.view.can_send.set(false);
        }
        true
    }

    /// What is held of what arrived is wanted by nobody any more.
    pub(super) fn drop_held_input(&mut self) {
        if let Some(toxics) = &mut self.toxics {
            toxics.inward = no_toxics();
            self.read_ended |= toxics.input_ended;
        }
    }

    /// What is held of what was sent will never be.
    pub(super) fn drop_held_output(&mut self) {
        if let Some(toxics) = &mut self.toxics {
            toxics.outward = no_toxics();
            toxics.wire.clear();
        }
    }

    /// When something is due.
    pub(super) fn toxics_timeout(&self) -> Option<Instant> {
        let toxics = self.toxics.as_ref()?;
        let inward = if self.takes_input() { toxics.inward.next_timeout() } else { None };
        let outward = if toxics.wire.is_empty() { toxics.outward.next_timeout() } else { None };
        inward.into_iter().chain(outward).min()
    }

    /// Whether there is room for more.
    pub(super) fn toxics_want_read(&self) -> bool {
        let has_room =
            |toxics: &Toxics| !toxics.input_ended && (self.phase != Phase::Open || toxics.inward.held() < HIGH_WATER);
        self.toxics.as_deref().is_none_or(has_room)
    }

    /// What the socket can take now.
    pub(super) fn front(&self) -> &[u8] {
        match &self.toxics {
            Some(toxics) if toxics.is_between() => toxics.wire.as_slice(),
            _ => self.outbound.as_slice(),
        }
    }

    /// The socket took so much of it.
    pub(super) fn consume_front(&mut self, n: usize) {
        match &mut self.toxics {
            Some(toxics) if toxics.is_between() => toxics.wire.consume(n),
            _ => self.outbound.consume(n),
        }
    }

    /// Whether everything that was sent, its end included, has reached the socket.
    pub(super) fn is_flushed(&self) -> bool {
        let is_through = |toxics: &Toxics| toxics.wire.is_empty() && (toxics.output_ended || toxics.outward.is_empty());
        self.outbound.is_empty() && self.toxics.as_deref().is_none_or(is_through)
    }

    /// What toxics hold of what was sent, a share for each piece included.
    pub(super) fn held_output(&self) -> usize {
        self.toxics.as_ref().map_or(0, |toxics| toxics.outward.held() + toxics.wire.len())
    }

    /// Tells others how much waits to be sent.
    pub(super) fn note_queue(&self) {
        let held = self.toxics.as_deref().map_or(0, Toxics::waiting);
        self.view.queued.set(self.outbound.len() + held);
    }

    /// Whether what toxics hold of what arrived may come in.
    fn takes_input(&self) -> bool {
        self.phase == Phase::Open && !self.paused && self.end.is_none()
    }

    /// Without anything to do they cost nothing.
    fn drop_idle_toxics(&mut self) {
        if let Some(toxics) = &self.toxics
            && toxics.is_idle()
            && (self.read_ended || !toxics.input_ended)
        {
            self.toxics = None;
        }
    }
}
