//! Turns: what one source, or a timer, is given to do at a time, and what follows from it.
//!
//! Owns the order of things in a turn: read, deliver, carry out, feed, write, act on the socket. A turn is bounded; whoever
//! stops at a budget goes back on the ready list.

use std::rc::Rc;

use crate::driver::bulk::{self, Moved, ToStdout};
use crate::driver::parts::Parts;
use crate::driver::peer::{Peer, Received};
use crate::driver::peers::DueTimer;
use crate::driver::preamble::Fed;
use crate::driver::stdout::StdoutError;
use crate::net::reactor::Slot;
use crate::output::Notice;
use crate::script::ScriptHandler;
use crate::session::eof_policy::EofPolicy;
use crate::session::{CloseReason, RunEvent};

/// Maximum rounds of deliver-and-write in one turn of a connection.
const ROUNDS: usize = 16;
/// Maximum moves from one connection to its partner in one turn.
const MOVES: usize = 4;
/// Maximum timers of a script called in one round.
const TIMER_BUDGET: usize = 256;
/// Maximum connections read before their answers are written; small enough to stay in the CPU cache.
pub(super) const BATCH: usize = 64;

impl Parts {
    // ---- connections ----------------------------------------------------------------------------------

    /// One turn of a connection. `is_batch`: more than one source has its turn in this round, and what this one answers is
    /// written at the end of the batch: a peer that gets its answers in one go is woken once, not for each.
    pub(super) fn peer_turn(&mut self, slot: Slot, is_batch: bool) {
        self.peers.begin_turn(slot);
        if self.peers.get(slot).is_some_and(|peer| peer.link.has_events()) {
            // Whoever hears of a new connection first may pause it, give it a partner, or put toxics into its way.
            self.deliver(slot);
        }
        self.read(slot);
        if is_batch && self.peers.get(slot).is_some_and(|peer| peer.link.is_open()) {
            self.deliver(slot);
            if self.peers.get(slot).is_some_and(|peer| peer.link.wants_write()) {
                self.peers.write_later(slot);
                return self.end_turn(slot);
            }
        }
        self.pump(slot);
        self.end_turn(slot);
    }

    /// A turn without reading.
    pub(super) fn pump_turn(&mut self, slot: Slot) {
        self.peers.begin_turn(slot);
        self.pump(slot);
        self.end_turn(slot);
    }

    /// Lets connections write what they answered in this batch.
    pub(super) fn write_answers(&mut self) {
        let unwritten = self.peers.take_unwritten();
        for &slot in &unwritten {
            self.pump_turn(slot);
        }
        self.peers.return_unwritten(unwritten);
    }

    /// Works on a connection, and then on what follows from it.
    pub(super) fn work_on(&mut self, slot: Slot, work: impl FnOnce(&mut Peer)) {
        if let Some(peer) = self.peers.get_mut(slot) {
            work(peer);
            self.pump_turn(slot);
        }
    }

    fn end_turn(&mut self, slot: Slot) {
        self.peers.end_turn();
        if self.peers.get(slot).is_some_and(Peer::is_over) {
            self.remove_peer(slot);
        } else {
            self.peers.schedule(slot);
        }
    }

    /// Delivers events, writes, and acts on the socket until nothing more follows.
    fn pump(&mut self, slot: Slot) {
        let mut is_cut_short = false;
        for _ in 0..ROUNDS {
            let Some(peer) = self.peers.get_mut(slot) else { return };
            let came = peer.link.release_input(self.io.now);
            is_cut_short = self.deliver(slot);
            self.feed_preamble(slot);
            let Some(peer) = self.peers.get_mut(slot) else { return };
            peer.files.feed(&mut peer.link);
            if self.stdout.are_events_full() && peer.link.wants_write() {
                // What is sent becomes an event: it waits for stdout, too.
                self.peers.stall(slot);
            } else {
                peer.write(&mut self.io);
            }
            let Some(peer) = self.peers.get_mut(slot) else { return };
            peer.act(&mut self.io);
            if !came && !peer.link.has_events() {
                break;
            }
        }
        let Some(peer) = self.peers.get(slot) else { return };
        if peer.released {
            // Its slot gets no further turn.
            while self.peers.get(slot).is_some_and(|peer| peer.link.has_events()) {
                self.deliver(slot);
            }
            return;
        }
        let readiness = *self.io.reactor.readiness(slot);
        let mut reads = readiness.readable && peer.link.wants_read();
        if reads && self.must_stall(peer) {
            // A full partner wakes this peer when it has room again.
            if !self.peers.is_partner_full(peer) {
                self.peers.stall(slot);
            }
            reads = false;
        }
        let Some(peer) = self.peers.get(slot) else { return };
        self.peers.wake_partner(&mut self.io, peer);
        let wants_write = peer.link.wants_write() || peer.link.wants_filling();
        let writes = readiness.writable && wants_write && !self.stdout.are_events_full();
        let feeds = peer.preamble.as_ref().is_some_and(|preamble| !preamble.is_waiting(&mut self.io));
        if is_cut_short || reads || writes || peer.link.has_events() || (feeds && peer.link.queued() == 0) {
            self.io.reactor.wake(slot);
        }
        if self.stdin.wants_room(peer.link.queued()) {
            self.stdin.wake(&mut self.io);
        }
    }

    /// Reads one buffer's worth, or moves it within the kernel.
    fn read(&mut self, slot: Slot) {
        let Some(peer) = self.peers.get_mut(slot) else { return };
        if !peer.can_read(&mut self.io) {
            return;
        }
        let flows = peer.flows;
        if self.peers.get(slot).is_none_or(|peer| self.must_stall(peer)) {
            return;
        }
        if flows && (self.move_to_partner(slot) || self.move_to_stdout(slot)) {
            return;
        }
        let Some(peer) = self.peers.get_mut(slot) else { return };
        let mut buffer = self.io.take_buffer();
        if let Received::Raw(n) = peer.read(&mut self.io, &mut buffer) {
            self.emit(&buffer[..n]);
        }
        self.io.return_buffer(buffer);
    }

    /// Whether reading has to wait for stdout, or for the partner.
    fn must_stall(&self, peer: &Peer) -> bool {
        peer.link.is_open() && (self.stdout.is_full() || self.peers.is_partner_full(peer))
    }

    /// Moves what a connection has received to its partner. `false`: it has to be read.
    fn move_to_partner(&mut self, slot: Slot) -> bool {
        for move_number in 0..MOVES {
            let Some(peer) = self.peers.get(slot) else { return true };
            let Some(partner) = self.peers.partner_slot(peer) else { return move_number > 0 };
            let is_looked_at = peer.handler.as_ref().is_some_and(|handler| handler.relays());
            let Some((peer, to)) = self.peers.pair_mut(slot, partner).filter(|_| !is_looked_at) else {
                return move_number > 0;
            };
            match bulk::move_to_partner(&mut self.io, peer, to) {
                Moved::Refused => return move_number > 0,
                Moved::Nothing => break,
                Moved::Some => {
                    to.write(&mut self.io);
                    // What follows from it, such as `on_drain`, is its own business.
                    self.io.reactor.wake(partner);
                    if !peer.flows || to.is_full() {
                        break;
                    }
                }
            }
        }
        true
    }

    /// Moves what a connection has received to stdout. `false`: it has to be read.
    fn move_to_stdout(&mut self, slot: Slot) -> bool {
        let Some(peer) = self.peers.get_mut(slot) else { return true };
        match bulk::move_to_stdout(&mut self.io, peer, &mut self.stdout) {
            ToStdout::Refused => return false,
            ToStdout::Done => {}
            ToStdout::ReaderGone => self.shutdown.handle_reader_gone(),
        }
        true
    }

    /// Queues what comes before stdin, as far as there is room.
    fn feed_preamble(&mut self, slot: Slot) {
        let Some(peer) = self.peers.get_mut(slot) else { return };
        let Some(preamble) = peer.preamble.as_mut().filter(|_| peer.link.is_established()) else { return };
        let fed = preamble.feed(&mut self.io, &mut peer.link);
        if matches!(fed, Ok(Fed::Pending)) {
            return;
        }
        preamble.close(&mut self.io);
        peer.preamble = None;
        match fed {
            Ok(Fed::Done(line_ends)) => {
                if peer.close_when_fed && self.stdin.kind().is_none() {
                    peer.link.close(CloseReason::Eof);
                }
                self.stdin.follow(line_ends);
                self.stdin.wake(&mut self.io);
            }
            Ok(Fed::Pending) => {}
            Err(error) => self.source_failed(&error),
        }
    }

    /// Timers of connections that are due.
    pub(super) fn peer_timers(&mut self) {
        // Only so many: a connection whose next time has come already has its turn in the next round.
        for _ in 0..self.peers.timer_count() {
            let slot = match self.peers.take_due(self.io.now) {
                None => break,
                Some(DueTimer::Stale) => continue,
                Some(DueTimer::Of(slot)) => slot,
            };
            let is_stopping = self.shutdown.is_stopping();
            let now = self.io.now;
            self.work_on(slot, |peer| {
                let unacknowledged = if peer.link.is_lingering() { peer.transport.unacknowledged() } else { 0 };
                if is_stopping && unacknowledged == 0 {
                    peer.link.stop_lingering();
                }
                peer.link.handle_timeout(now, unacknowledged);
            });
        }
    }

    // ---- stdout ---------------------------------------------------------------------------------------

    /// stdout can take more, or its reader has gone.
    pub(super) fn stdout_turn(&mut self) {
        if self.stdout.is_gone(&mut self.io) {
            return self.after_output(Err(StdoutError::ReaderGone));
        }
        self.stdout.unblock(&mut self.io);
        let result = self.stdout.flush(&mut self.io);
        self.after_output(result);
        if self.stdout.has_room() {
            self.peers.wake_stalled(&mut self.io);
        }
    }

    // ---- the run --------------------------------------------------------------------------------------

    /// Timers of the handler that are due.
    pub(super) fn script_timers(&mut self) {
        for _ in 0..TIMER_BUDGET {
            if !self.shutdown.is_running() || !self.call_timer() {
                return;
            }
        }
    }

    /// Puts a new version of the script in place of the old one.
    pub(super) fn replace_script(&mut self, script: ScriptHandler) {
        for warning in script.warnings() {
            self.io.notify(&Notice::ScriptWarning { text: warning });
        }
        self.io.notify(&Notice::Reloaded { name: script.name() });
        self.policy = EofPolicy::new(&self.config, script.takes_received());
        let script = Rc::new(script);
        self.script = Some(Rc::clone(&script));
        self.handler = Some(script);
        self.tell_run(RunEvent::Reloaded);
        for slot in self.peers.slots() {
            let handler = self.handler.clone();
            self.work_on(slot, |peer| {
                if let Some(handler) = &handler {
                    peer.link.set_event_mask(handler.event_mask(peer.link.view()));
                }
                peer.handler = handler;
            });
        }
    }
}
