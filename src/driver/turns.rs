//! Turns: the bounded work of one source, or of due timers, in one round.
//!
//! Owns the order within a turn: read, deliver, carry out commands, feed, write, act on the socket. A source that stops at a
//! budget says `Turn::Again`, and so goes back on the ready list. Connections of a batch are read before the first of them
//! has its turn; clients that have come are told of before that of any other.

use std::rc::Rc;
use std::time::Instant;

use crate::config::Voice;
use crate::driver::budgets::Turn;
use crate::driver::bulk::{self, Moved, ToStdout};
use crate::driver::io::Source;
use crate::driver::parts::Parts;
use crate::driver::peer::{OwnEnd, Peer, Received};
use crate::driver::peers::DueTimer;
use crate::driver::preamble::Fed;
use crate::driver::shutdown::Ending;
use crate::driver::stdout::StdoutError;
use crate::exit::Exit;
use crate::net::reactor::Slot;
use crate::output::Notice;
use crate::script::ScriptHandler;
use crate::session::RunEvent;
use crate::session::eof_policy::AfterEof;

/// Maximum bytes of a datagram that is received, of UDP and of a Unix socket.
const LARGEST_DATAGRAM: usize = 65_535;
const LARGEST_OF_UNIX: usize = 256 << 10;

/// What a run that ends may still read of what has arrived.
#[derive(Clone, Copy, Debug)]
pub(super) struct Arrived {
    /// So many times.
    pub(super) reads: usize,
    /// Until then.
    pub(super) until: Instant,
}

impl Parts {
    // ---- connections ----------------------------------------------------------------------------------

    /// One turn of a connection. `is_batch`: other sources have a turn in this round, too, and its answers are written at the
    /// end of the batch, so that the process at the other end of many connections is woken once.
    pub(super) fn peer_turn(&mut self, slot: Slot, is_batch: bool) {
        self.peers.begin_turn(slot);
        self.io.begin_turn();
        let mut turn = Turn::Done;
        if self.peers.get(slot).is_some_and(|peer| peer.link.has_events()) {
            // The handler of `Opened` may pause the connection, give it a partner or add toxics before the first read.
            turn = self.deliver(slot);
        }
        self.read(slot);
        if is_batch && self.peers.get(slot).is_some_and(|peer| peer.link.is_open()) {
            turn = turn.or(self.deliver(slot));
            if self.peers.get(slot).is_some_and(|peer| peer.link.wants_write()) {
                self.peers.write_later(slot);
                self.peers.pause_turn();
                return self.io.end_turn(slot, turn);
            }
        }
        // What was left above is delivered here, or is left again.
        let turn = self.pump(slot);
        self.end_turn(slot, turn);
    }

    /// Delivers that a client has come, which has its turn later.
    pub(super) fn opening_turn(&mut self, slot: Slot) {
        self.peers.begin_turn(slot);
        self.io.begin_turn();
        // What is left of it is delivered in its turn.
        let _ = self.deliver(slot);
        self.peers.end_turn(slot);
    }

    /// A turn without reading.
    pub(super) fn pump_turn(&mut self, slot: Slot) {
        self.peers.begin_turn(slot);
        let turn = self.pump(slot);
        self.end_turn(slot, turn);
    }

    /// Writes the answers of all connections of this batch.
    pub(super) fn write_answers(&mut self) {
        let unwritten = self.peers.take_unwritten();
        for &slot in &unwritten {
            if !self.write_answer(slot) {
                self.pump_turn(slot);
            }
        }
        self.peers.return_unwritten(unwritten);
    }

    /// The same as [`Parts::pump_turn`], for a connection of which nothing is to be done but to write, as of nearly all. Returns
    /// false if there is more to do.
    fn write_answer(&mut self, slot: Slot) -> bool {
        let Some(peer) = self.peers.get_mut(slot).filter(|peer| peer.only_writes()) else { return false };
        if self.stdout.are_events_full() || peer.write(&mut self.io) == Turn::Again || !peer.link.is_at_rest() {
            return false;
        }
        if self.io.reactor.readiness(slot).readable {
            return false;
        }
        if self.stdin.wants_room(0) {
            self.stdin.wake(&mut self.io);
        }
        self.peers.end_turn(slot);
        self.peers.schedule(slot);
        true
    }

    /// Works on a connection and then gives it a turn without reading.
    pub(super) fn work_on(&mut self, slot: Slot, work: impl FnOnce(&mut Peer)) {
        if let Some(peer) = self.peers.get_mut(slot) {
            work(peer);
            self.pump_turn(slot);
        }
    }

    fn end_turn(&mut self, slot: Slot, turn: Turn) {
        self.peers.end_turn(slot);
        if self.peers.get(slot).is_some_and(Peer::is_over) {
            self.follow_end(slot);
            self.remove_peer(slot);
        } else {
            self.io.end_turn(slot, turn);
            self.peers.schedule(slot);
        }
    }

    /// Delivers events, writes, and acts on the socket, again as long as that makes new events.
    fn pump(&mut self, slot: Slot) -> Turn {
        // Until a round finds nothing left.
        let mut turn = Turn::Again;
        for _ in 0..self.io.budgets.rounds {
            let Some(peer) = self.peers.get_mut(slot) else { return Turn::Done };
            let has_input = peer.link.release_input(self.io.now);
            peer.show_plain(&mut self.io);
            let delivered = self.deliver(slot);
            self.feed_preamble(slot);
            self.notice_hang_up(slot);
            let Some(peer) = self.peers.get_mut(slot) else { return Turn::Done };
            if delivered == Turn::Done {
                peer.end_unless_held();
            }
            peer.files.feed(&mut peer.link);
            if self.stdout.are_events_full() && peer.link.wants_write() {
                // Sent bytes become an event on stdout, so sending waits for it, too.
                self.peers.stall(slot);
                turn = delivered;
            } else {
                turn = delivered.or(peer.write(&mut self.io));
            }
            let Some(peer) = self.peers.get_mut(slot) else { return Turn::Done };
            // That the peer has cut its own stream says nothing of ours.
            let is_ours = !(peer.cut_short && self.shutdown.code() == Exit::CutShort);
            let has_failed = is_ours && self.shutdown.ending() == Ending::ByReset;
            peer.link.set_failing(peer.duties.decides_exit && has_failed);
            peer.act(&mut self.io);
            if !has_input && !peer.link.has_events() {
                break;
            }
            turn = Turn::Again;
            if delivered == Turn::Again && self.io.is_turn_over() {
                break;
            }
        }
        let Some(peer) = self.peers.get(slot) else { return Turn::Done };
        if peer.released {
            // Its slot gets no further turn, so the last events are delivered now.
            while self.deliver(slot) == Turn::Again {}
            return Turn::Done;
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
        let Some(peer) = self.peers.get(slot) else { return Turn::Done };
        self.peers.wake_partner(&mut self.io, peer);
        let wants_write = peer.link.wants_write() || peer.link.wants_filling();
        let writes = readiness.writable && wants_write && !self.stdout.are_events_full();
        let feeds = peer.preamble.as_ref().is_some_and(|preamble| !preamble.is_waiting(&mut self.io));
        let goes_on = reads || writes || peer.link.has_events() || (feeds && peer.link.queued() == 0);
        if self.stdin.wants_room(peer.link.queued()) {
            self.stdin.wake(&mut self.io);
        }
        turn.or(goes_on.into())
    }

    /// Ends a connection once the peer, which has ended its stream, takes nothing any more: one that stays for stdin alone, or one
    /// that a handler or a partner holds. Without a byte that fails to be sent nobody would know.
    fn notice_hang_up(&mut self, slot: Slot) {
        if !self.io.reactor.readiness(slot).write_closed {
            return;
        }
        let Some(peer) = self.peers.get_mut(slot) else { return };
        peer.notice_loss();
        if !peer.link.is_open() {
            return;
        }
        let has_reset = peer.transport.has_reset();
        // nc and Ncat notice it when they write.
        let is_held = (peer.handler.is_some() || peer.partner.is_some()) && self.config.output.voice == Voice::Own;
        if is_held && has_reset && peer.link.can_send() && peer.link.view().info.eof() {
            return peer.write_failed(&mut self.io, &std::io::ErrorKind::ConnectionReset.into());
        }
        let stdin = self.stdin.kind().filter(|_| peer.duties.stdin);
        if !peer.close_when_fed || self.policy.at_peer_eof(stdin) != AfterEof::Keep {
            return;
        }
        if has_reset {
            // What was sent after its end was not wanted.
            peer.write_failed(&mut self.io, &std::io::ErrorKind::ConnectionReset.into());
        } else {
            peer.due = Some(OwnEnd::Close);
        }
    }

    /// Reads one buffer, or moves the bytes within the kernel.
    fn read(&mut self, slot: Slot) {
        let Some(peer) = self.peers.get_mut(slot) else { return };
        if peer.early.is_some() {
            return self.take_early(slot);
        }
        if !peer.can_read(&mut self.io) {
            return;
        }
        if peer.link.is_datagram() {
            return self.read_datagrams(slot);
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
        let received = peer.read(&mut self.io, &mut buffer);
        let chunk = match received {
            Received::Chunk(n) => Some(self.io.copy(&buffer[..n])),
            Received::Raw(n) => {
                self.emit_received(slot, &buffer[..n]);
                None
            }
            Received::Done => None,
        };
        self.io.return_buffer(buffer);
        if let Some(chunk) = chunk {
            self.deliver_chunk(slot, chunk);
        }
    }

    /// Reads the connections whose turns are the next `count`. Between system calls the processor keeps the code of one read, and
    /// between calls of the script that of the script, where one after the other drives both out of its cache.
    pub(super) fn read_early(&mut self, count: usize) {
        if self.io.observers.watch_bytes() {
            // They show what happens in its order.
            return;
        }
        let are_many = self.peers.are_many();
        let mut buffer = self.io.take_buffer();
        for turn in 0..count {
            let Some(slot) = self.io.reactor.upcoming(turn) else { break };
            if self.io.source(slot) != Source::Peer {
                continue;
            }
            if are_many {
                let next = self.io.reactor.upcoming(turn + 1);
                self.peers.look_ahead([next, self.io.reactor.upcoming(turn + 2)]);
            }
            if self.peers.get(slot).is_none_or(|peer| !peer.reads_early() || self.must_stall(peer)) {
                continue;
            }
            let Some(peer) = self.peers.get_mut(slot) else { continue };
            if peer.can_read(&mut self.io) {
                peer.read_early(&mut self.io, &mut buffer);
            }
        }
        self.io.return_buffer(buffer);
    }

    /// Takes what was read before the turn of a connection. The handlers of others may have changed everything meanwhile.
    fn take_early(&mut self, slot: Slot) {
        let Some(peer) = self.peers.get_mut(slot) else { return };
        let Some(chunk) = peer.early.take().filter(|_| !peer.released) else { return };
        match peer.received(&mut self.io, &chunk) {
            Received::Chunk(_) => self.deliver_chunk(slot, chunk),
            Received::Raw(_) => self.emit_received(slot, &chunk),
            Received::Done => {}
        }
    }

    /// Reads datagrams, and delivers each before the next is read.
    fn read_datagrams(&mut self, slot: Slot) {
        let mut buffer = self.io.take_buffer();
        let is_unix = |peer: &Peer| peer.link.view().info.peer().ip().is_none();
        let largest = if self.peers.get(slot).is_some_and(is_unix) { LARGEST_OF_UNIX } else { LARGEST_DATAGRAM };
        let length = buffer.len();
        buffer.resize(length.max(largest), 0);
        // What goes to stdout is written at once.
        let mut gathered = 0;
        for _ in 0..self.io.budgets.datagrams {
            if self.peers.get(slot).is_none_or(|peer| self.must_stall(peer)) {
                break;
            }
            let Some(peer) = self.peers.get_mut(slot) else { break };
            if !peer.can_read(&mut self.io) || buffer.len() - gathered < largest {
                break;
            }
            match peer.read(&mut self.io, &mut buffer[gathered..]) {
                Received::Raw(n) => gathered += n,
                Received::Done | Received::Chunk(_) => {
                    self.emit_received(slot, &buffer[..gathered]);
                    gathered = 0;
                    if self.deliver(slot) == Turn::Again {
                        break;
                    }
                }
            }
        }
        self.emit_received(slot, &buffer[..gathered]);
        buffer.truncate(length);
        self.io.return_buffer(buffer);
    }

    /// Whether reading waits for room in stdout, stderr or the partner.
    fn must_stall(&self, peer: &Peer) -> bool {
        let is_full = || self.stdout.is_full() || self.stderr.is_full(self.io.now) || self.peers.is_partner_full(peer);
        peer.link.is_open() && is_full()
    }

    /// Whether bytes of a connection wait for us: for room in stdout or in its partner, or for the time of a layer.
    pub(super) fn is_held(&mut self, slot: Slot) -> bool {
        let is_unread = self.is_unread(slot);
        is_unread || self.is_unsent(slot) || self.peers.get(slot).is_some_and(|peer| peer.link.is_delaying())
    }

    /// Whether bytes for the peer wait for room in the queue of events.
    fn is_unsent(&self, slot: Slot) -> bool {
        self.stdout.are_events_full() && self.peers.get(slot).is_some_and(|peer| peer.link.wants_write())
    }

    /// Whether bytes of the peer wait in the kernel for room in stdout, stderr or the partner.
    fn is_unread(&mut self, slot: Slot) -> bool {
        let is_readable = self.io.reactor.readiness(slot).readable;
        is_readable && self.peers.get(slot).is_some_and(|peer| peer.link.wants_read() && self.must_stall(peer))
    }

    /// Moves received bytes to the partner within the kernel. Returns false if they have to be read.
    fn move_to_partner(&mut self, slot: Slot) -> bool {
        // At the budget the socket is still readable, which gives it another turn.
        for move_number in 0..self.io.budgets.moves {
            let Some(peer) = self.peers.get(slot) else { return true };
            let Some(partner) = self.peers.partner_slot(peer) else { return move_number > 0 };
            let is_relayed = peer.is_relayed();
            let Some((peer, to)) = self.peers.pair_mut(slot, partner).filter(|_| !is_relayed) else {
                return move_number > 0;
            };
            match bulk::move_to_partner(&mut self.io, peer, to) {
                Moved::Refused => return move_number > 0,
                Moved::Nothing => break,
                Moved::Some => {
                    // Its events, such as `on_drain`, are delivered in its own turn.
                    let _ = to.write(&mut self.io);
                    self.io.reactor.wake(partner);
                    if !peer.flows || to.is_full() {
                        break;
                    }
                }
            }
        }
        true
    }

    /// Moves received bytes to stdout within the kernel. Returns false if they have to be read.
    fn move_to_stdout(&mut self, slot: Slot) -> bool {
        if !self.outlets.is_plain() {
            return false;
        }
        let Some(peer) = self.peers.get_mut(slot) else { return true };
        match bulk::move_to_stdout(&mut self.io, peer, &mut self.stdout) {
            ToStdout::Refused => return false,
            ToStdout::Done => {}
            ToStdout::ReaderGone => {
                self.after_output(Err(StdoutError::ReaderGone { is_missed: false }));
                // A read tells whether there is anything that cannot be written.
                return false;
            }
        }
        true
    }

    /// Queues bytes of the preamble while there is room.
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
                    peer.due = Some(OwnEnd::Close);
                }
                self.stdin.follow(line_ends);
                self.stdin.wake(&mut self.io);
            }
            Ok(Fed::Pending) => {}
            Err(error) => self.source_failed(&error),
        }
    }

    /// Takes what has arrived, for stdout or the partner, before the run ends for a fault: what a turn has left over, what the
    /// kernel holds, and the beginning of a unit. A script is not called any more.
    pub(super) fn take_arrived(&mut self, slot: Slot, budget: &mut Arrived) {
        let Some(peer) = self.peers.get(slot).filter(|peer| peer.link.is_open()) else { return };
        if self.script.is_some() && (peer.link.event_mask().received.is_some() || peer.is_relayed()) {
            return;
        }
        self.peers.begin_turn(slot);
        self.take_early(slot);
        self.deliver_arrived(slot);
        // What came after the last event is there, too.
        self.io.reactor.readiness(slot).readable = true;
        while budget.reads > 0
            && self.io.clock_now() < budget.until
            && let Some(peer) = self.peers.get(slot)
            && peer.link.is_open()
            && peer.can_read(&mut self.io)
            && self.peers.get(slot).is_some_and(|peer| !self.must_stall(peer))
        {
            budget.reads -= 1;
            self.read(slot);
            self.deliver_arrived(slot);
        }
        if let Some(peer) = self.peers.get_mut(slot) {
            peer.transport.acknowledge();
            peer.link.break_off_input();
            self.deliver_arrived(slot);
        }
        self.peers.end_turn(slot);
    }

    /// Delivers everything that has arrived and is due, however long it takes.
    fn deliver_arrived(&mut self, slot: Slot) {
        while let Some(peer) = self.peers.get_mut(slot) {
            let has_input = peer.link.release_input(self.io.now);
            peer.show_plain(&mut self.io);
            if self.deliver(slot) == Turn::Done && !has_input {
                break;
            }
        }
    }

    /// Runs due timers of connections.
    pub(super) fn peer_timers(&mut self) {
        // Bounded: a timer that is set again and due at once runs in the next round.
        for _ in 0..self.peers.timer_count() {
            let slot = match self.peers.take_due(self.io.now) {
                None => break,
                Some(DueTimer::Stale) => continue,
                Some(DueTimer::Of(slot)) => slot,
            };
            let is_stopping = self.shutdown.is_stopping();
            let now = self.io.now;
            let (is_unread, is_unsent) = (self.is_unread(slot), self.is_unsent(slot));
            self.work_on(slot, |peer| {
                let has_limit = peer.link.view().info.idle_limit().is_some();
                // What a layer delays is silence, as on a slow network.
                if has_limit && (is_unread || is_unsent) {
                    peer.link.note_progress(now);
                }
                if is_unread {
                    peer.link.note_heard(now);
                }
                peer.notice_loss();
                let unacknowledged = peer.unacknowledged();
                if is_stopping && unacknowledged == 0 {
                    peer.link.stop_lingering();
                }
                peer.link.handle_timeout(now, unacknowledged);
            });
        }
    }

    // ---- stdout ---------------------------------------------------------------------------------------

    /// Handles an event of stdout: it can take more, or its reader has gone.
    pub(super) fn stdout_turn(&mut self) {
        // nc and Ncat notice it when they write.
        if self.config.output.voice == Voice::Own && self.stdout.is_gone(&mut self.io) {
            return self.after_output(Err(StdoutError::ReaderGone { is_missed: false }));
        }
        self.stdout.unblock(&mut self.io);
        let result = self.stdout.flush(&mut self.io);
        self.after_output(result);
        if self.stdout.has_room() {
            self.peers.wake_stalled(&mut self.io);
        }
    }

    // ---- the run --------------------------------------------------------------------------------------

    /// Calls due timers of the handler. Returns whether there was one.
    pub(super) fn script_timers(&mut self) -> bool {
        // The rest stays due, so that the loop does not sleep.
        self.io.begin_turn();
        let mut calls = 0;
        while calls < self.io.budgets.timers
            && !self.io.is_turn_long(calls)
            && self.shutdown.is_running()
            && self.call_timer()
        {
            calls += 1;
        }
        calls > 0
    }

    /// Replaces the script by a new version, also as the handler of all connections.
    pub(super) fn replace_script(&mut self, script: ScriptHandler) {
        for warning in script.warnings() {
            self.io.notify(&Notice::ScriptWarning { text: warning });
        }
        self.io.notify(&Notice::Reloaded { name: script.name() });
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
