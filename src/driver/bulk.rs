//! The bulk path: where nobody looks at the bytes, stdin goes to the connection and what it receives to stdout within
//! the kernel (`net::bulk`).
//!
//! Owns when that is allowed: raw bytes, one connection for stdin, nothing queued before them, no observer, no toxic. Counters,
//! timers and endings are the same as on the ordinary path, which goes on wherever the kernel refuses.

use crate::driver::Driver;
use crate::driver::outlet::OutletError;
use crate::driver::peers::{Peer, link_error};
use crate::net::bulk::{FLOW, Move};
use crate::net::reactor::Slot;
use crate::net::stdio::Input;

impl Driver {
    /// Moves what a connection has received to stdout; `false`: it has to be read.
    pub(super) fn move_to_outlet(&mut self, peer: &mut Peer) -> bool {
        let nobody_looks = self.observers.is_empty() && peer.piped.is_none() && peer.conn.passes_through();
        if !nobody_looks || !self.outlet.takes_moves() {
            return false;
        }
        let Some(socket) = peer.transport.bulk_fd() else { return false };
        match self.outlet.move_from(&mut self.reactor, socket) {
            Move::Moved(n) => {
                peer.flows = n >= FLOW;
                peer.conn.note_received(self.now, n);
            }
            Move::Blocked { source, sink } => {
                self.reactor.readiness(peer.slot).readable = source;
                // Both are ready and yet nothing went: a read decides.
                peer.flows = !(source && sink);
            }
            Move::Unable => {
                peer.flows = false;
                return false;
            }
            Move::Broken(_) if self.outlet.has_no_reader() => self.after_output(Err(OutletError::ReaderGone)),
            Move::Broken(error) => peer.conn.handle_read_error(self.now, link_error("read", &error)),
        }
        true
    }

    /// Moves what stdin has to the one connection that gets it; `false`: it has to be read.
    pub(super) fn move_from_feed(&mut self, targets: &[Slot]) -> bool {
        let (&[target], Some(slot)) = (targets, self.feed.slot) else { return false };
        // What a writer that has gone left behind is read, so that its end is seen also where the peer takes nothing.
        let nobody_looks = self.observers.is_empty() && self.feed.filter.is_open() && !self.feed.shared;
        if !nobody_looks || self.feed.hung_up || !self.feed.input.as_ref().is_some_and(Input::flows) {
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
        if peer.conn.queued() > 0 || peer.conn.gaps() > 0 || !self.reactor.readiness(peer.slot).writable {
            // What was queued goes first. Whoever makes room wakes stdin.
            return true;
        }
        let (Some(input), Some(socket)) = (&mut self.feed.input, peer.transport.bulk_fd()) else { return false };
        match input.move_to(socket) {
            Move::Moved(n) => {
                peer.conn.view().note_sent(self.now, n);
                self.feed.note_read(self.now);
                self.reactor.again(slot);
            }
            Move::Blocked { source, sink } => {
                self.reactor.readiness(slot).readable = source;
                self.reactor.readiness(peer.slot).writable = sink;
                // Both are ready and yet nothing went: a read decides.
                return !(source && sink);
            }
            Move::Unable => return false,
            Move::Broken(error) => {
                peer.conn.handle_write_error(self.now, link_error("write", &error));
                // What the peer sent before it went is still to be read.
                self.reactor.readiness(peer.slot).readable = true;
                self.reactor.again(peer.slot);
            }
        }
        true
    }
}
