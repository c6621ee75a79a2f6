//! `Io`: what every part of the driver needs, passed as one argument: the reactor with the kind of each source, the
//! network, the time of this round, the read buffer, memory for what is received, splice pipes
//! and observers.
//!
//! Owns nothing that decides. Parts of the driver get it as `&mut Io` and never reach each other through it.

use std::io;
use std::rc::Rc;
use std::time::Instant;

use mio::Interest;

use crate::driver::budgets::{Budgets, Turn};
use crate::driver::observers::Observers;
use crate::driver::world::{Clock, Mail, Network};
use crate::error::Error;
use crate::net::reactor::{Reactor, Slot};
use crate::net::splice_pipe::SplicePool;
use crate::output::Notice;
use crate::session::{ConnId, ConnView, Direction};

/// What other threads send to the loop.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) enum Source {
    /// Nothing: the slot is free.
    #[default]
    None,
    /// A connection.
    Peer,
    /// A listening socket.
    Listener,
    /// An attempt to connect.
    Attempt,
    /// stdin.
    Stdin,
    /// A pipe that is sent to the connection at this slot; in 32 bits, because every slot has a `Source`.
    Preamble(u32),
    /// stdout.
    Stdout,
    /// stderr.
    Stderr,
    /// Signals.
    Signals,
    /// The end of a program.
    Program,
    /// The end of the command of `--run`.
    Companion,
    /// Keys of the terminal on which lines are edited.
    Keyboard,
    /// A port that is tried.
    Port,
}

/// Calls of the handler in one turn between two readings of the clock.
const CALLS_PER_LOOK: usize = 16;

/// Pieces of memory that are kept: those of one batch.
const SPARES: usize = 64;
/// Largest of them, in bytes.
const SPARE_SIZE: usize = 4096;

/// What all parts of the driver share.
pub(super) struct Io {
    pub(super) reactor: Reactor<Mail>,
    /// Where sockets and the addresses of names come from.
    pub(super) network: Rc<dyn Network>,
    /// The kind of source behind each slot.
    sources: Vec<Source>,
    /// The time of this round: taken once, after waiting.
    pub(super) now: Instant,
    pub(super) splice_pool: SplicePool,
    pub(super) observers: Observers,
    /// Maximum work of one turn.
    pub(super) budgets: Budgets,
    /// Where the time within a turn comes from; `None`: turns have no time limit.
    pub(super) clock: Option<Rc<dyn Clock>>,
    /// When this turn first looked at the time.
    turn_began: Option<Instant>,
    /// Bytes of one read.
    chunk: usize,
    /// Made for the first read.
    buffer: Vec<u8>,
    /// Memory of what was sent, for what is received next.
    spare: Vec<Vec<u8>>,
}

impl Io {
    /// Without sources and observers. One read takes at most `chunk` bytes.
    ///
    /// # Errors
    /// The system refuses an epoll descriptor.
    pub(super) fn new(chunk: usize, now: Instant, network: Rc<dyn Network>) -> io::Result<Self> {
        Ok(Self {
            reactor: Reactor::new()?,
            network,
            sources: Vec::new(),
            now,
            splice_pool: SplicePool::default(),
            observers: Observers::default(),
            budgets: Budgets::default(),
            clock: None,
            turn_began: None,
            chunk,
            buffer: Vec::new(),
            spare: Vec::new(),
        })
    }

    /// Registers a source with the reactor. Its turns go to the part that `kind` names.
    ///
    /// # Errors
    /// What `epoll_ctl(2)` reports.
    pub(super) fn register<S: mio::event::Source + ?Sized>(
        &mut self,
        source: &mut S,
        interest: Interest,
        kind: Source,
    ) -> io::Result<Slot> {
        let slot = self.reactor.register(source, interest)?;
        self.set_source(slot, kind);
        Ok(slot)
    }

    /// A slot for a source that is always ready.
    pub(super) fn register_always_ready(&mut self, kind: Source) -> Slot {
        let slot = self.reactor.register_always_ready();
        self.set_source(slot, kind);
        slot
    }

    /// The time by the clock, not that of the round.
    pub(super) fn clock_now(&self) -> Instant {
        self.clock.as_ref().map_or(self.now, |clock| clock.now())
    }

    /// Begins the turn of a source: its time counts from its first look at the clock.
    pub(super) fn begin_turn(&mut self) {
        self.turn_began = None;
    }

    /// Whether a turn that has called the handler `calls` times has taken all of its time.
    pub(super) fn is_turn_long(&mut self, calls: usize) -> bool {
        calls > 0 && calls.is_multiple_of(CALLS_PER_LOOK) && self.is_turn_over()
    }

    /// Whether this turn has taken all of its time.
    pub(super) fn is_turn_over(&mut self) -> bool {
        let Some(clock) = &self.clock else { return false };
        let now = clock.now();
        now.saturating_duration_since(*self.turn_began.get_or_insert(now)) > self.budgets.time
    }

    /// Ends the turn of a source: gives it another one if it has stopped at a budget.
    pub(super) fn end_turn(&mut self, slot: Slot, turn: Turn) {
        match turn {
            Turn::Done => {}
            Turn::Again => self.reactor.wake(slot),
        }
    }

    /// The kind of a pipe that is sent to the connection at `owner`.
    pub(super) fn preamble_of(owner: Slot) -> Source {
        Source::Preamble(u32::try_from(owner).expect("fewer slots than descriptors"))
    }

    /// Changes the kind of a registered source, such as an attempt that has become a connection.
    pub(super) fn set_source(&mut self, slot: Slot, kind: Source) {
        if slot >= self.sources.len() {
            self.sources.resize(slot + 1, Source::None);
        }
        self.sources[slot] = kind;
    }

    /// Which part the turns of a slot go to.
    pub(super) fn source(&self, slot: Slot) -> Source {
        self.sources.get(slot).copied().unwrap_or_default()
    }

    /// Takes a source out of the reactor.
    pub(super) fn deregister<S: mio::event::Source + ?Sized>(&mut self, slot: Slot, source: &mut S) {
        self.reactor.deregister(slot, source);
        self.set_source(slot, Source::None);
    }

    /// Frees a slot whose source was always ready, or whose descriptor is closed at once.
    pub(super) fn forget(&mut self, slot: Slot) {
        self.reactor.forget(slot);
        self.set_source(slot, Source::None);
    }

    /// Sends a notice to the observers.
    pub(super) fn notify(&mut self, notice: &Notice<'_>) {
        self.observers.notify(self.now, notice);
    }

    /// Reports an error to the observers, of a connection or of the run. `handled`: a handler takes it.
    pub(super) fn notify_error(&mut self, conn: Option<ConnId>, error: &Error, handled: bool) {
        self.notify(&Notice::Error { conn, error, handled });
    }

    /// Reports bytes that passed through the process.
    #[inline]
    pub(super) fn notify_bytes(&mut self, conn: &ConnView, direction: Direction, bytes: &[u8]) {
        if self.observers.watch_bytes() {
            self.observers.bytes(self.now, conn, direction, bytes);
        }
    }

    /// Reports that the kernel moved `n` bytes.
    pub(super) fn notify_moved(&mut self, conn: &ConnView, direction: Direction, n: usize) {
        self.observers.moved(self.now, conn, direction, n);
    }

    /// The buffer for one read; to be given back with [`Io::return_buffer`].
    pub(super) fn take_buffer(&mut self) -> Vec<u8> {
        let mut buffer = std::mem::take(&mut self.buffer);
        if buffer.is_empty() {
            buffer = vec![0; self.chunk];
        }
        buffer
    }

    /// A copy of received bytes. It has at most twice the room that they need, because a handler may keep it.
    #[inline]
    pub(super) fn copy(&mut self, bytes: &[u8]) -> Vec<u8> {
        match self.spare.pop() {
            Some(mut spare) if (bytes.len()..=bytes.len() * 2).contains(&spare.capacity()) => {
                spare.extend_from_slice(bytes);
                spare
            }
            _ => bytes.to_vec(),
        }
    }

    /// Takes the memory of what was sent, to be used again if it is small: what answers takes the place of what was received.
    #[inline]
    pub(super) fn free(&mut self, memory: Vec<u8>) {
        if (1..=SPARE_SIZE).contains(&memory.capacity()) && self.spare.len() < SPARES {
            self.spare.push(memory);
        }
    }

    /// The buffer of [`Io::take_buffer`] is free again.
    pub(super) fn return_buffer(&mut self, buffer: Vec<u8>) {
        self.buffer = buffer;
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::driver::world::SystemNetwork;

    #[test]
    fn received_bytes_take_the_place_of_what_was_sent_if_it_is_as_large_as_they_need() {
        let mut io = Io::new(1024, Instant::now(), Rc::new(SystemNetwork::default())).unwrap();
        let memory = Vec::with_capacity(64);
        let place = memory.as_ptr();
        io.free(memory);
        let copy = io.copy(&[7; 64]);
        assert_eq!((copy.as_ptr(), &copy[..]), (place, &[7; 64][..]));
        io.free(copy);
        assert_eq!(io.copy(&[1; 31]).capacity(), 31, "more than twice of what is needed would be kept with it");
        io.free(Vec::with_capacity(64));
        assert_eq!(io.copy(&[1; 65]), [1; 65], "it is too small");
        io.free(Vec::with_capacity(SPARE_SIZE + 1));
        io.free(Vec::new());
        assert!(io.spare.is_empty());
        (0..100).for_each(|_| io.free(Vec::with_capacity(64)));
        assert_eq!(io.spare.len(), SPARES);
    }
}
