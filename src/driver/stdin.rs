//! What is sent without a script: stdin, once the preamble is.
//!
//! Owns reading stdin, back-pressure towards it, and what its end and its silence mean in time; the rules
//! themselves are `session::eof_policy`. stdin is UTF-8 when the wire has an encoding, else bytes.

use std::time::{Duration, Instant};

use mio::Interest;

use crate::config::Config;
use crate::driver::peers::{Origin, Peer};
use crate::driver::preamble::{Filter, Filtered, malformed, send};
use crate::driver::script_calls::Typed;
use crate::driver::{Driver, Source};
use crate::error::{Error, Result, cause};
use crate::net::reactor::{Io, Reactor, Slot};
use crate::net::stdio::Input;
use crate::session::connection::HIGH_WATER;
use crate::session::eof_policy::{AfterEof, AfterInput, InputKind};
use crate::session::{CloseReason, ConnId};

/// With one connection, stdin is read while less than this is queued for it.
pub(super) const MARK: usize = 256 << 10;
/// While less than this is queued, stdin is read if its writer has gone: what its pipe still holds fits, and its end is
/// known at once. Less than what stops reading from the peer, who may wait for being read.
const LAST_MARK: usize = HIGH_WATER - LAST_CHUNK;
const LAST_CHUNK: usize = 64 << 10;
/// How long a client's queue may stay full before the others stop waiting for it.
const SLOW: Duration = Duration::from_secs(1);

/// stdin and how far it is.
pub(super) struct Stdin {
    pub(super) input: Option<Input>,
    pub(super) slot: Option<Slot>,
    pub(super) shared: bool,
    sent_any: bool,
    /// stdin's writer has gone: nothing comes but what is there.
    pub(super) hung_up: bool,
    pub(super) filter: Filter,
    quiet: Option<(Duration, Instant)>,
    /// How long the peer is waited for, until when, and how much had been sent when that began.
    eof_wait: Option<(Duration, Instant, u64)>,
    full_since: Vec<(ConnId, Instant)>,
    /// stdin goes to the script instead, line by line.
    pub(super) typed: Option<Typed>,
}

impl Stdin {
    /// stdin, if this run reads it. `shared`: it goes to every client; `typed`: to the script.
    pub(super) fn open(config: &Config, shared: bool, typed: bool, reads: bool) -> Result<Self> {
        let input = if reads {
            let failed = |error| Error::Read { source_name: "stdin".into(), cause: cause(&error) };
            Some(Input::stdin().map_err(failed)?)
        } else {
            None
        };
        Ok(Self {
            input,
            slot: None,
            shared,
            sent_any: false,
            hung_up: false,
            filter: Filter::new(&config.text),
            quiet: None,
            eof_wait: None,
            full_since: Vec::new(),
            typed: typed.then(Typed::new),
        })
    }

    /// Gives stdin its slot.
    pub(super) fn watch<M>(&mut self, reactor: &mut Reactor<M>) -> Result<Option<Slot>> {
        if let Some(input) = &mut self.input {
            let slot = match input.source() {
                Some(source) => reactor
                    .register(source, Interest::READABLE)
                    .map_err(|error| Error::Read { source_name: "stdin".into(), cause: cause(&error) })?,
                None => reactor.register_always_ready(),
            };
            self.slot = Some(slot);
        }
        Ok(self.slot)
    }

    /// When silence, or the wait for the peer, is over.
    pub(super) fn deadline(&self) -> Option<Instant> {
        let slow = self.full_since.iter().map(|(_, since)| *since + SLOW).min();
        [self.quiet.map(|(_, at)| at), self.eof_wait.map(|(_, at, _)| at), slow].into_iter().flatten().min()
    }

    /// Whether stdin is worth a turn now that a connection's queue has this length.
    pub(super) fn wants_room(&self, queued: usize) -> bool {
        self.input.is_some() && self.typed.is_none() && queued < self.mark()
    }

    /// Reads stdin once.
    pub(super) fn read<M>(&mut self, reactor: &mut Reactor<M>, slot: Slot, buffer: &mut [u8]) -> Io {
        let Some(input) = &mut self.input else { return Io::Blocked };
        let readiness = reactor.readiness(slot);
        let step = readiness.read(buffer, |buffer| input.read(buffer));
        if matches!(step, Io::Moved(_)) {
            // A terminal gives a line at a time: a short read does not mean that there is no other.
            readiness.readable |= input.kind() != InputKind::Pipe;
        }
        step
    }

    /// stdin gave something.
    pub(super) fn note_read(&mut self, now: Instant) {
        self.sent_any = true;
        if let Some((quiet, at)) = &mut self.quiet {
            *at = now + *quiet;
        }
    }

    /// What stdin is, while it may still give something to connections.
    pub(super) fn kind(&self) -> Option<InputKind> {
        self.input.as_ref().filter(|_| self.typed.is_none()).map(Input::kind)
    }

    fn mark(&self) -> usize {
        match (self.shared, self.hung_up) {
            (true, _) => HIGH_WATER,
            (false, true) => LAST_MARK,
            (false, false) => MARK,
        }
    }
}

impl Driver {
    /// Gives stdin a turn soon: somebody may take what it has.
    pub(super) fn wake_stdin(&mut self) {
        if let Some(slot) = self.stdin.slot
            && self.io.reactor.readiness(slot).readable
        {
            self.io.reactor.wake(slot);
        }
    }

    /// Reads stdin once, if somebody is there and has room, and queues it for everybody.
    pub(super) fn stdin_turn(&mut self) {
        let (Some(slot), true) = (self.stdin.slot, self.shutdown.is_running()) else { return };
        if self.stdin.typed.is_some() {
            return self.typed_turn(slot);
        }
        let targets = self.targets();
        self.stdin.hung_up |= self.io.reactor.readiness(slot).read_closed;
        if targets.is_empty() || !self.io.reactor.readiness(slot).readable {
            return;
        }
        if self.is_any_full(&targets) {
            // The end takes no room, and somebody may wait for it (`--eof-wait`).
            if self.stdin.input.as_ref().is_some_and(Input::has_ended) {
                self.input_ended(&targets);
            }
            return;
        }
        if self.move_from_stdin(&targets) {
            return;
        }
        let mut buffer = self.io.take_buffer();
        let room = if self.stdin.hung_up { LAST_CHUNK.min(buffer.len()) } else { buffer.len() };
        let step = self.stdin.read(&mut self.io.reactor, slot, &mut buffer[..room]);
        match step {
            Io::Moved(n) => {
                self.stdin.note_read(self.io.now);
                self.feed_all(&targets, &buffer[..n]);
                // Text that cannot be encoded has ended it.
                if self.stdin.slot.is_some() && self.io.reactor.readiness(slot).readable {
                    self.io.reactor.wake(slot);
                }
            }
            Io::Blocked => {}
            Io::Ended => self.input_ended(&targets),
            Io::Failed(error) => {
                self.source_failed(&Error::Read { source_name: "stdin".into(), cause: cause(&error) });
            }
        }
        self.io.return_buffer(buffer);
    }

    /// The peer has ended and no script decides what follows.
    pub(super) fn peer_ended(&mut self, peer: &mut Peer) {
        match self.rules.at_peer_eof(self.stdin.kind()) {
            AfterEof::Close if peer.preamble.is_none() => peer.conn.close(CloseReason::Eof),
            AfterEof::Close | AfterEof::SendRest => peer.close_when_fed = true,
            AfterEof::SendUntilQuiet(quiet) => {
                peer.close_when_fed = true;
                self.stdin.quiet = Some((quiet, self.io.now + quiet));
            }
            AfterEof::Keep => {}
        }
    }

    /// Silence, a slow client, or the wait for the peer may be over.
    pub(super) fn stdin_timers(&mut self) {
        let now = self.io.now;
        if let Some((quiet, at)) = self.stdin.quiet
            && at <= now
        {
            // What came in the meantime and was not read yet, for want of room or of a turn, is no silence.
            if self.stdin.slot.is_some_and(|slot| self.io.reactor.readiness(slot).readable) {
                self.stdin.quiet = Some((quiet, now + quiet));
            } else {
                self.stdin.quiet = None;
                let targets = self.targets();
                self.close_fed(&targets);
            }
        }
        if let Some((wait, at, sent)) = self.stdin.eof_wait
            && at <= now
        {
            let slots: Vec<Slot> = self.slots_by_id.values().copied().collect();
            let sending = |slot: &Slot| matches!(self.peer(*slot), Some(peer) if peer.conn.wants_write());
            let delaying = |slot: &Slot| matches!(self.peer(*slot), Some(peer) if peer.conn.is_delaying());
            // While something goes out, the wait has not begun; a peer that takes nothing is being waited for.
            if slots.iter().any(delaying) || (slots.iter().any(sending) && self.sent() > sent) {
                self.stdin.eof_wait = Some((wait, now + wait, self.sent()));
            } else {
                self.stdin.eof_wait = None;
                for slot in slots {
                    self.with_peer(slot, |driver, peer| {
                        let queued = peer.conn.view().queued.get();
                        if queued > 0 {
                            let name = peer.conn.view().name();
                            driver.io.console.warn(&format!("{name} does not read: {queued} bytes were not sent"));
                        }
                        peer.conn.abandon(CloseReason::Timeout);
                        driver.pump(peer);
                    });
                }
            }
        }
        self.drop_slow_clients();
    }

    /// Open connections that stdin goes to now.
    fn targets(&self) -> Vec<Slot> {
        let is_target = |slot: &Slot| matches!(self.peer(*slot), Some(peer) if peer.origin == Origin::Main && peer.conn.is_open() && peer.conn.can_send() && peer.preamble.is_none());
        self.slots_by_id.values().copied().filter(is_target).collect()
    }

    /// Bytes that went out to all connections that are open.
    fn sent(&self) -> u64 {
        let sent = |slot: &Slot| self.peer(*slot).map(|peer| peer.conn.view().bytes_out.get());
        self.slots_by_id.values().filter_map(sent).sum()
    }

    fn peer(&self, slot: Slot) -> Option<&Peer> {
        match self.sources.get(slot) {
            Some(Source::Peer(peer)) => Some(peer),
            _ => None,
        }
    }

    /// Whether some target has no room. With several clients, their patience with it begins.
    fn is_any_full(&mut self, targets: &[Slot]) -> bool {
        let mark = self.stdin.mark();
        let mut full = Vec::new();
        for &slot in targets {
            if let Some(peer) = self.peer(slot)
                && peer.conn.queued() >= mark
            {
                full.push(peer.conn.view().id);
            }
        }
        if self.stdin.shared {
            let now = self.io.now;
            self.stdin.full_since.retain(|(id, _)| full.contains(id));
            for &id in &full {
                if !self.stdin.full_since.iter().any(|(known, _)| *known == id) {
                    self.stdin.full_since.push((id, now));
                }
            }
        }
        !full.is_empty()
    }

    fn drop_slow_clients(&mut self) {
        let now = self.io.now;
        let (due, rest): (Vec<_>, Vec<_>) =
            self.stdin.full_since.drain(..).partition(|(_, since)| *since + SLOW <= now);
        self.stdin.full_since = rest;
        for (id, _) in due {
            let Some(&slot) = self.slots_by_id.get(&id) else { continue };
            self.with_peer(slot, |driver, peer| {
                if peer.conn.queued() >= HIGH_WATER {
                    driver.io.console.warn(&format!("{} does not read: dropped", peer.conn.view().name()));
                    peer.conn.reset(CloseReason::Error);
                    driver.pump(peer);
                }
            });
            self.wake_stdin();
        }
    }

    fn feed_all(&mut self, targets: &[Slot], bytes: &[u8]) {
        if self.stdin.filter.is_open() {
            for &slot in targets {
                self.with_peer(slot, |driver, peer| {
                    peer.conn.send_slice(bytes);
                    driver.pump(peer);
                });
            }
            return;
        }
        let (piece, fault) = self.stdin.filter.push(bytes);
        self.send_piece(targets, &piece);
        if let Some(fault) = fault {
            self.source_failed(&malformed("stdin", &fault));
        }
    }

    fn send_piece(&mut self, targets: &[Slot], piece: &Filtered) {
        let mut failed = None;
        for &slot in targets {
            self.with_peer(slot, |driver, peer| {
                if let Err(error) = send(&mut peer.conn, piece, "stdin") {
                    failed = Some(error);
                }
                driver.pump(peer);
            });
        }
        if let Some(error) = failed {
            self.source_failed(&error);
        }
    }

    fn input_ended(&mut self, targets: &[Slot]) {
        self.stop_stdin();
        let (rest, fault) = self.stdin.filter.finish();
        self.send_piece(targets, &rest);
        if let Some(fault) = fault {
            return self.source_failed(&malformed("stdin", &fault));
        }
        let after = self.rules.at_input_end(self.stdin.sent_any);
        for &slot in targets {
            self.with_peer(slot, |driver, peer| {
                if peer.close_when_fed || (peer.conn.view().eof.get() && !peer.conn.event_mask().eof) {
                    peer.conn.close(CloseReason::Eof);
                } else if after == AfterInput::Fin {
                    peer.conn.shutdown();
                }
                driver.pump(peer);
            });
        }
        self.stdin.eof_wait = self.config.input.eof_wait.map(|wait| (wait, self.io.now + wait, self.sent()));
    }

    /// stdin is not read any more.
    pub(super) fn stop_stdin(&mut self) {
        if let (Some(mut input), Some(slot)) = (self.stdin.input.take(), self.stdin.slot.take()) {
            self.take(slot);
            match input.source() {
                Some(source) => self.io.reactor.deregister(slot, source),
                None => self.io.reactor.forget(slot),
            }
        }
        self.stdin.quiet = None;
        self.stdin.full_since.clear();
    }

    fn close_fed(&mut self, targets: &[Slot]) {
        for &slot in targets {
            self.with_peer(slot, |driver, peer| {
                if peer.close_when_fed {
                    peer.conn.close(CloseReason::Eof);
                    driver.pump(peer);
                }
            });
        }
    }

    /// stdin or a file cannot be read, or holds what the encoding cannot: what came before is sent.
    pub(super) fn source_failed(&mut self, error: &Error) {
        self.stop_stdin();
        self.fail(error);
        self.stop(None);
    }
}
