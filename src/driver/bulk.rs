//! The bulk path: where nobody looks at the bytes, stdin goes to the connection and what it receives to stdout, or to
//! the connection it is piped to, within the kernel (`net::bulk`, `net::splice_pipe`).
//!
//! Owns when that is allowed: raw bytes, one connection for stdin, nothing queued before them, no observer, no toxic. Counters,
//! timers and endings are the same as on the ordinary path, which goes on wherever the kernel refuses.
//!
//! What is in a splice pipe was received from one connection and is queued for the other: it goes before everything that is
//! queued later, whoever sends that, and comes into the queue where it has to pass through this process after all.

use crate::driver::peers::{Peer, link_error};
use crate::driver::stdout::StdoutError;
use crate::driver::{Driver, Source};
use crate::net::bulk::{FLOW, Move};
use crate::net::reactor::Slot;
use crate::net::stdio::Input;
use crate::session::Handler;
use crate::session::connection::HIGH_WATER;

/// The partner of a piped connection gets at most this much in one turn.
const TURN: usize = 4;
/// What a splice pipe and the queue behind it hold stays so far below what would stop reading from that peer, who may wait
/// for being read.
const ROOM: usize = HIGH_WATER - (64 << 10);

/// What became of one move from connection to connection.
enum Step {
    /// It is not allowed, or not possible.
    Refused,
    Moved,
    /// Nothing goes now.
    Over,
}

impl Driver {
    /// Moves what a piped connection has received to its partner; `false`: it has to be read.
    pub(super) fn move_to_partner(&mut self, peer: &mut Peer) -> bool {
        for turn in 0..TURN {
            let Some(&slot) = peer.piped.and_then(|partner| self.slots_by_id.get(&partner)) else { return turn > 0 };
            match self.fill_pipe(peer, slot) {
                Step::Refused => return turn > 0,
                Step::Over => break,
                Step::Moved => {
                    self.with_peer(slot, Self::write);
                    // What follows from it, such as `on_drain`, is its own business.
                    self.io.reactor.wake(slot);
                }
            }
            if !peer.flows || self.is_partner_full(peer) {
                break;
            }
        }
        true
    }

    fn fill_pipe(&mut self, peer: &mut Peer, slot: Slot) -> Step {
        let nobody_looks = self.io.observers.is_empty() && !self.handler.as_ref().is_some_and(Handler::relays);
        let Some(Source::Peer(to)) = self.sources.get_mut(slot) else { return Step::Refused };
        let takes = to.conn.accepts_spliced() && to.preamble.is_none() && !to.refuses_moves;
        if !nobody_looks || !takes || !peer.conn.gives_chunks() || to.transport.bulk_fd().is_none() {
            return Step::Refused;
        }
        let Some(socket) = peer.transport.bulk_fd() else { return Step::Refused };
        if to.pipe.is_none() {
            to.pipe = self.io.splice_pool.take().map(Box::new);
        }
        let Some(pipe) = &mut to.pipe else { return Step::Refused };
        let step = pipe.fill(socket, ROOM.saturating_sub(to.conn.queued()));
        if pipe.held() == 0
            && let Some(pipe) = to.absorb()
        {
            self.io.splice_pool.give_back(*pipe);
        }
        match step {
            Move::Moved(n) => {
                to.conn.send_spliced(n);
                peer.conn.note_received(self.io.now, n);
                peer.flows = n >= FLOW;
                return Step::Moved;
            }
            Move::Blocked { source, sink } => {
                self.io.reactor.readiness(peer.slot).readable = source;
                // Both are ready and yet nothing went: a read decides.
                peer.flows = !(source && sink);
            }
            Move::Unable => {
                peer.flows = false;
                return Step::Refused;
            }
            Move::Broken(error) => peer.conn.handle_read_error(self.io.now, link_error("read", &error)),
        }
        Step::Over
    }

    /// Sends what waits outside of a connection's queue, up to `budget`; whether nothing does any more.
    pub(super) fn write_spliced(&mut self, peer: &mut Peer, budget: &mut usize) -> bool {
        let mut is_odd = false;
        while peer.conn.spliced() > 0 {
            if *budget == 0 || !self.io.reactor.readiness(peer.slot).writable {
                return false;
            }
            let (Some(pipe), Some(socket)) = (&mut peer.pipe, peer.transport.bulk_fd()) else { break };
            match pipe.drain(socket) {
                Move::Moved(n) => {
                    peer.conn.transmitted_spliced(self.io.now, n);
                    *budget = budget.saturating_sub(n);
                }
                // Both are ready and yet nothing went, twice: a write decides.
                Move::Blocked { sink: true, .. } if is_odd => break,
                Move::Blocked { sink, .. } => {
                    self.io.reactor.readiness(peer.slot).writable = sink;
                    is_odd = true;
                }
                Move::Unable => {
                    peer.refuses_moves = true;
                    break;
                }
                Move::Broken(error) => self.write_failed(peer, &error),
            }
        }
        if let Some(pipe) = peer.absorb() {
            self.io.splice_pool.give_back(*pipe);
        }
        true
    }

    /// Moves what a connection has received to stdout; `false`: it has to be read.
    pub(super) fn move_to_stdout(&mut self, peer: &mut Peer) -> bool {
        let nobody_looks = self.io.observers.is_empty() && peer.piped.is_none() && peer.conn.passes_through();
        if !nobody_looks || !self.stdout.takes_moves() {
            return false;
        }
        let Some(socket) = peer.transport.bulk_fd() else { return false };
        match self.stdout.move_from(&mut self.io.reactor, socket) {
            Move::Moved(n) => {
                peer.flows = n >= FLOW;
                peer.conn.note_received(self.io.now, n);
            }
            Move::Blocked { source, sink } => {
                self.io.reactor.readiness(peer.slot).readable = source;
                // Both are ready and yet nothing went: a read decides.
                peer.flows = !(source && sink);
            }
            Move::Unable => {
                peer.flows = false;
                return false;
            }
            Move::Broken(_) if self.stdout.has_no_reader() => self.after_output(Err(StdoutError::ReaderGone)),
            Move::Broken(error) => peer.conn.handle_read_error(self.io.now, link_error("read", &error)),
        }
        true
    }

    /// Moves what stdin has to the one connection that gets it; `false`: it has to be read.
    pub(super) fn move_from_stdin(&mut self, targets: &[Slot]) -> bool {
        let (&[target], Some(slot)) = (targets, self.stdin.slot) else { return false };
        // What a writer that has gone left behind is read, so that its end is seen also where the peer takes nothing.
        let nobody_looks = self.io.observers.is_empty() && self.stdin.filter.is_open() && !self.stdin.shared;
        if !nobody_looks || self.stdin.hung_up || !self.stdin.input.as_ref().is_some_and(Input::flows) {
            return false;
        }
        let mut moved = true;
        self.with_peer(target, |driver, peer| moved = driver.move_to_peer(slot, peer));
        moved
    }

    fn move_to_peer(&mut self, slot: Slot, peer: &mut Peer) -> bool {
        if peer.conn.has_toxics() {
            return false;
        }
        if peer.conn.queued() > 0 || peer.conn.placeholders() > 0 || !self.io.reactor.readiness(peer.slot).writable {
            // What was queued goes first. Whoever makes room wakes stdin.
            return true;
        }
        let (Some(input), Some(socket)) = (&mut self.stdin.input, peer.transport.bulk_fd()) else { return false };
        match input.move_to(socket) {
            Move::Moved(n) => {
                peer.conn.view().note_sent(self.io.now, n);
                self.stdin.note_read(self.io.now);
                self.io.reactor.wake(slot);
            }
            Move::Blocked { source, sink } => {
                self.io.reactor.readiness(slot).readable = source;
                self.io.reactor.readiness(peer.slot).writable = sink;
                // Both are ready and yet nothing went: a read decides.
                return !(source && sink);
            }
            Move::Unable => return false,
            Move::Broken(error) => {
                peer.conn.handle_write_error(self.io.now, link_error("write", &error));
                // What the peer sent before it went is still to be read.
                self.io.reactor.readiness(peer.slot).readable = true;
                self.io.reactor.wake(peer.slot);
            }
        }
        true
    }
}
