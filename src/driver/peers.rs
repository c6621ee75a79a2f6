//! `Peers`: the table of all established connections, by slot and by number, with their timers and the lists of those
//! that wait for stdout or for the end of a batch.
//!
//! Owns the lookup of connections, and the rule that work outside of a connection's turn is followed by a turn
//! ([`Peers::touch`]). A peer stays in the table while its handlers run. The steps of a turn are in `peer` and `turns`.

use std::cmp::Reverse;
use std::collections::BinaryHeap;
use std::time::Instant;

use crate::driver::io::Io;
use crate::driver::peer::Peer;
use crate::net::reactor::Slot;
use crate::session::{ConnId, Numbered};
use crate::sys::prefetch::{prefetch, prefetch_start};

/// Connections that fit into a cache of 2 MiB with what the kernel has of them, some 10 KiB each.
const MANY: usize = 128;

/// All connections of a run.
#[derive(Default)]
pub(super) struct Peers {
    /// By slot. Boxed, so that a slot of another source costs 8 bytes.
    table: Vec<Option<Box<Peer>>>,
    slots: Numbered<Slot>,
    /// An entry for the next deadline of each connection; stale entries are skipped.
    timers: BinaryHeap<Reverse<(Instant, Slot, ConnId)>>,
    /// Connections that wait for room in stdout.
    stalled: Vec<Slot>,
    /// Connections that write at the end of the batch.
    unwritten: Vec<Slot>,
    /// Open connections that count for `--max-conns`.
    counted: usize,
    /// Bytes that all connections held after their last turns.
    held: usize,
    /// Datagrams that were lost on connections that are gone.
    lost: u64,
    /// The connection whose turn it is.
    in_turn: Option<(ConnId, Slot)>,
}

impl Peers {
    /// Adds a connection and gives it a turn.
    pub(super) fn add(&mut self, io: &mut Io, peer: Peer) {
        let slot = peer.slot;
        // A new socket accepts bytes before its first event.
        let readiness = io.reactor.readiness(slot);
        (readiness.writable, readiness.gives_way) = (true, true);
        io.reactor.wake(slot);
        self.slots.insert(peer.id(), slot);
        self.counted += usize::from(peer.duties.counted);
        if slot >= self.table.len() {
            self.table.resize_with(slot + 1, || None);
        }
        self.table[slot] = Some(Box::new(peer));
    }

    /// Removes a connection. Its socket is closed already.
    pub(super) fn remove(&mut self, slot: Slot) -> Option<Box<Peer>> {
        let peer = self.table.get_mut(slot)?.take()?;
        self.slots.remove(&peer.id());
        self.counted -= usize::from(peer.duties.counted);
        self.held -= peer.held;
        self.lost += peer.lost;
        Some(peer)
    }

    pub(super) fn get(&self, slot: Slot) -> Option<&Peer> {
        self.table.get(slot)?.as_deref()
    }

    pub(super) fn get_mut(&mut self, slot: Slot) -> Option<&mut Peer> {
        self.table.get_mut(slot)?.as_deref_mut()
    }

    /// A connection and its partner.
    pub(super) fn pair_mut(&mut self, slot: Slot, partner: Slot) -> Option<(&mut Peer, &mut Peer)> {
        match self.table.get_disjoint_mut([slot, partner]).ok()? {
            [Some(peer), Some(partner)] => Some((&mut **peer, &mut **partner)),
            _ => None,
        }
    }

    /// The slot of a connection.
    pub(super) fn slot_of(&self, id: ConnId) -> Option<Slot> {
        match self.in_turn {
            Some((in_turn, slot)) if in_turn == id => Some(slot),
            _ => self.slots.get(&id).copied(),
        }
    }

    pub(super) fn by_id(&self, id: ConnId) -> Option<&Peer> {
        self.get(self.slot_of(id)?)
    }

    /// Whether there are so many that one has left the cache by its next turn.
    #[inline]
    pub(super) fn are_many(&self) -> bool {
        self.slots.len() > MANY
    }

    /// Fetches into the cache what the turns of the next two connections look at: of the later one itself, of the nearer one
    /// what it leads to.
    pub(super) fn look_ahead(&self, [next, later]: [Option<Slot>; 2]) {
        if let Some(peer) = later.and_then(|slot| self.get(slot)) {
            prefetch(peer);
        }
        if let Some(peer) = next.and_then(|slot| self.get(slot)) {
            prefetch(&**peer.link.view());
            prefetch_start(&*peer.transport);
        }
    }

    /// Marks the connection whose turn it is, until [`Peers::end_turn`].
    pub(super) fn begin_turn(&mut self, slot: Slot) {
        self.in_turn = self.get(slot).map(|peer| (peer.id(), slot));
    }

    /// The turn of a connection goes on at the end of the batch.
    pub(super) fn pause_turn(&mut self) {
        self.in_turn = None;
    }

    /// Ends the turn of a connection, and notes what it holds now.
    pub(super) fn end_turn(&mut self, slot: Slot) {
        self.in_turn = None;
        if let Some(peer) = self.table.get_mut(slot).and_then(Option::as_deref_mut) {
            let held = peer.link.held();
            self.held = self.held - peer.held + held;
            peer.held = held;
        }
    }

    /// Works on the connection at a slot. It gets a turn afterwards, unless it is its turn now.
    pub(super) fn touch(&mut self, io: &mut Io, slot: Slot, work: impl FnOnce(&mut Peer)) {
        let is_in_turn = self.in_turn.is_some_and(|(_, in_turn)| in_turn == slot);
        let Some(peer) = self.get_mut(slot) else { return };
        work(peer);
        if !is_in_turn {
            io.reactor.wake(slot);
        }
    }

    /// All connections, in the order of their slots.
    pub(super) fn iter(&self) -> impl Iterator<Item = &Peer> {
        self.table.iter().filter_map(Option::as_deref)
    }

    /// The slots of all connections.
    pub(super) fn slots(&self) -> Vec<Slot> {
        self.iter().map(|peer| peer.slot).collect()
    }

    pub(super) fn is_empty(&self) -> bool {
        self.slots.is_empty()
    }

    /// Number of connections.
    pub(super) fn len(&self) -> usize {
        self.slots.len()
    }

    /// Number of connections that count for `--max-conns`.
    pub(super) fn counted(&self) -> usize {
        self.counted
    }

    /// Datagrams that were lost on connections that are gone, because a queue was full.
    pub(super) fn lost(&self) -> u64 {
        self.lost
    }

    /// Bytes that all connections held after their last turns.
    pub(super) fn held(&self) -> usize {
        self.held
    }

    // ---- pairs ----------------------------------------------------------------------------------------

    /// The slot of the partner, if that is established.
    pub(super) fn partner_slot(&self, peer: &Peer) -> Option<Slot> {
        self.slot_of(peer.partner?)
    }

    /// Whether the partner has no room or is not established yet.
    pub(super) fn is_partner_full(&self, peer: &Peer) -> bool {
        let Some(partner) = peer.partner else { return false };
        // A closed partner has cleared this connection's `partner`, so one that is not found is in the making.
        self.by_id(partner).is_none_or(Peer::is_full)
    }

    /// Resumes reading of the partner, if the connection has room.
    pub(super) fn wake_partner(&self, io: &mut Io, peer: &Peer) {
        if let Some(slot) = self.partner_slot(peer)
            && !peer.is_full()
            && io.reactor.readiness(slot).readable
        {
            io.reactor.wake(slot);
        }
    }

    // ---- timers ---------------------------------------------------------------------------------------

    /// Adds the next deadline of a connection to the heap, unless an earlier entry exists.
    pub(super) fn schedule(&mut self, slot: Slot) {
        let Some(peer) = self.table.get_mut(slot).and_then(Option::as_deref_mut) else { return };
        if let Some(at) = peer.link.poll_timeout()
            && peer.timer_at.is_none_or(|scheduled| at < scheduled)
        {
            peer.timer_at = Some(at);
            self.timers.push(Reverse((at, slot, peer.id())));
        }
    }

    /// The earliest deadline.
    pub(super) fn deadline(&self) -> Option<Instant> {
        self.timers.peek().map(|Reverse((at, ..))| *at)
    }

    /// Number of entries on the heap, the maximum for one round.
    pub(super) fn timer_count(&self) -> usize {
        self.timers.len()
    }

    /// Removes and returns the next entry whose deadline has passed.
    pub(super) fn take_due(&mut self, now: Instant) -> Option<DueTimer> {
        let Reverse((at, slot, id)) = *self.timers.peek()?;
        if at > now {
            return None;
        }
        self.timers.pop();
        let Some(peer) = self.get_mut(slot) else { return Some(DueTimer::Stale) };
        if peer.id() != id || peer.timer_at != Some(at) {
            return Some(DueTimer::Stale);
        }
        peer.timer_at = None;
        Some(DueTimer::Of(slot))
    }

    // ---- lists ----------------------------------------------------------------------------------------

    /// Adds a connection to those that wait for room in stdout.
    pub(super) fn stall(&mut self, slot: Slot) {
        self.stalled.push(slot);
    }

    /// Wakes the connections that wait for room in stdout.
    pub(super) fn wake_stalled(&mut self, io: &mut Io) {
        for slot in self.stalled.drain(..) {
            io.reactor.wake(slot);
        }
    }

    /// Adds a connection to those that write at the end of the batch.
    pub(super) fn write_later(&mut self, slot: Slot) {
        self.unwritten.push(slot);
    }

    /// Number of connections that write at the end of the batch.
    pub(super) fn unwritten(&self) -> usize {
        self.unwritten.len()
    }

    /// Takes the list of connections that write at the end of the batch; return it with [`Peers::return_unwritten`].
    pub(super) fn take_unwritten(&mut self) -> Vec<Slot> {
        std::mem::take(&mut self.unwritten)
    }

    /// Returns the list of [`Peers::take_unwritten`] for reuse.
    pub(super) fn return_unwritten(&mut self, mut slots: Vec<Slot>) {
        slots.clear();
        if self.unwritten.is_empty() {
            self.unwritten = slots;
        }
    }
}

/// An expired entry of the timer heap.
pub(super) enum DueTimer {
    /// Of a connection that is gone, or whose deadline has changed.
    Stale,
    /// Of the connection at this slot.
    Of(Slot),
}
