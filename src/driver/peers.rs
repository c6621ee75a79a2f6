//! The turns of connections: read, deliver events to whoever decides, carry out commands, write, act on the
//! socket.
//!
//! Owns the path between a `Transport` and its `Connection`. What a connection does with bytes is the session's
//! business, what stdin means for it is `stdin`'s.

use std::cmp::Reverse;
use std::io;
use std::rc::Rc;
use std::time::Instant;

use crate::driver::files::Files;
use crate::driver::preamble::Preamble;
use crate::driver::stdout::StdoutError;
use crate::driver::{Driver, Source};
use crate::error::{Error, cause};
use crate::net::bulk::FLOW;
use crate::net::reactor::{Io, Slot};
use crate::net::splice_pipe::SplicePipe;
use crate::net::{Closed, Transport};
use crate::session::connection::{Action, Settings};
use crate::session::{
    CloseReason, Command, ConnError, ConnId, ConnView, Connection, ErrorKind, Event, Handler, HandlerError,
};

/// Bytes written to one connection before others have their turn.
const WRITE_BUDGET: usize = 1 << 20;
/// Events delivered, and rounds of deliver-and-write, before others have their turn: a script that answers
/// itself is slowed down, not looped for ever.
const EVENT_BUDGET: usize = 4096;
const ROUNDS: usize = 16;

/// Where a connection comes from.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Origin {
    /// The command line: it is what the run is about.
    Main,
    /// A script's `connect` or `listen`.
    Script,
}

/// A connection and its socket.
pub(super) struct Peer {
    pub(super) conn: Connection,
    pub(super) preamble: Option<Box<Preamble>>,
    pub(super) files: Files,
    /// The peer has ended: close once preamble and stdin are sent.
    pub(super) close_when_fed: bool,
    /// What is received goes to this connection.
    pub(super) piped: Option<ConnId>,
    pub(super) origin: Origin,
    pub(super) transport: Box<dyn Transport>,
    pub(super) slot: Slot,
    timer_at: Option<Instant>,
    /// So much is received that moving it within the kernel is worth while.
    pub(super) flows: bool,
    /// What waits outside of the connection's queue.
    pub(super) pipe: Option<Box<SplicePipe>>,
    /// The kernel does not move anything into this socket.
    pub(super) refuses_moves: bool,
    script_failed: bool,
    released: bool,
}

impl Peer {
    fn id(&self) -> ConnId {
        self.conn.view().id
    }

    /// What waits outside of the queue comes into it. The splice pipe is left if it is empty.
    pub(super) fn absorb(&mut self) -> Option<Box<SplicePipe>> {
        let pipe = self.pipe.take()?;
        if self.conn.spliced() == 0 {
            return Some(pipe);
        }
        self.conn.absorb(pipe.into_bytes());
        None
    }
}

impl Driver {
    /// Takes a connection into the loop. The transport is registered already.
    pub(super) fn add_peer(
        &mut self,
        slot: Slot,
        mut transport: Box<dyn Transport>,
        view: Rc<ConnView>,
        origin: Origin,
    ) {
        let id = view.id;
        transport.set_nodelay(view.nodelay.get());
        let event_mask = self.handler.as_ref().map(|handler| handler.event_mask(&view)).unwrap_or_default();
        let is_main = origin == Origin::Main;
        let peer = Peer {
            conn: Connection::new(view, Settings { event_mask, ..self.settings }),
            preamble: if is_main { Preamble::new(&self.config) } else { None },
            files: Files::default(),
            close_when_fed: false,
            piped: None,
            origin,
            slot,
            transport,
            timer_at: None,
            flows: false,
            pipe: None,
            refuses_moves: false,
            script_failed: false,
            released: false,
        };
        // A fresh connection takes bytes without waiting for an event to say so.
        self.io.reactor.readiness(slot).writable = true;
        self.slots_by_id.insert(id, slot);
        self.open += 1;
        self.clients += usize::from(is_main);
        self.stdout.begin();
        self.place(slot, Source::Peer(Box::new(peer)));
        self.io.reactor.wake(slot);
        self.wake_stdin();
    }

    /// Works on the peer behind a slot, outside the table, so that others can be reached meanwhile.
    pub(super) fn with_peer(&mut self, slot: Slot, work: impl FnOnce(&mut Self, &mut Peer)) {
        let mut peer = match self.take(slot) {
            Source::Peer(peer) => peer,
            other => return self.sources.get_mut(slot).map_or((), |thing| *thing = other),
        };
        work(self, &mut peer);
        if !self.shutdown.is_running() && peer.conn.is_open() {
            // The end was asked for during this very turn, while the peer was outside the table.
            peer.conn.close(CloseReason::Stop);
            self.pump(&mut peer);
        }
        if peer.released && !peer.conn.has_events() {
            self.forget(&mut peer);
        } else {
            self.schedule(&mut peer);
            self.sources[slot] = Source::Peer(peer);
        }
    }

    /// One turn: what can be read, what follows from it, what can be written.
    pub(super) fn peer_turn(&mut self, peer: &mut Peer) {
        if peer.conn.has_events() {
            // Whoever hears of a new connection first may pause it, pipe it, or put toxics into its way.
            self.deliver(peer);
        }
        self.read(peer);
        if self.batching && peer.conn.is_open() {
            self.deliver(peer);
            if peer.conn.wants_write() {
                return self.unwritten.push(peer.slot);
            }
        }
        self.pump(peer);
    }

    /// Lets connections write what they answered in this round.
    pub(super) fn write_answers(&mut self) {
        let mut unwritten = std::mem::take(&mut self.unwritten);
        for slot in unwritten.drain(..) {
            self.with_peer(slot, Self::pump);
        }
        self.unwritten = unwritten;
    }

    /// A timer of this connection may be due; stale entries of earlier connections are passed over.
    pub(super) fn timer_turn(&mut self, peer: &mut Peer, id: ConnId, at: Instant) {
        if peer.id() != id || peer.timer_at != Some(at) {
            return;
        }
        peer.timer_at = None;
        let unacknowledged = if peer.conn.is_lingering() { peer.transport.unacknowledged() } else { 0 };
        if self.shutdown.is_stopping() && unacknowledged == 0 {
            peer.conn.stop_lingering();
        }
        peer.conn.handle_timeout(self.io.now, unacknowledged);
        self.pump(peer);
    }

    /// Delivers events, writes, and acts on the socket until nothing more follows.
    pub(super) fn pump(&mut self, peer: &mut Peer) {
        let mut is_cut_short = false;
        for _ in 0..ROUNDS {
            let came = peer.conn.release_input(self.io.now);
            is_cut_short = self.deliver(peer);
            self.feed_preamble(peer);
            peer.files.feed(&mut peer.conn);
            self.write(peer);
            self.act(peer);
            if !came && !peer.conn.has_events() {
                break;
            }
        }
        if peer.released {
            // Its slot gets no further turn.
            while peer.conn.has_events() {
                self.deliver(peer);
            }
            return;
        }
        let readiness = *self.io.reactor.readiness(peer.slot);
        let mut reads = readiness.readable && peer.conn.wants_read();
        if reads && self.must_stall(peer) {
            // Whose partner is full is woken by it.
            if !self.is_partner_full(peer) {
                self.stalled.push(peer.slot);
            }
            reads = false;
        }
        self.wake_partner(peer);
        let writes = readiness.writable && (peer.conn.wants_write() || peer.conn.wants_filling());
        let feeds = peer.preamble.as_ref().is_some_and(|preamble| !preamble.is_waiting(&mut self.io.reactor));
        if is_cut_short || reads || writes || peer.conn.has_events() || (feeds && peer.conn.queued() == 0) {
            self.io.reactor.wake(peer.slot);
        }
        if self.stdin.wants_room(peer.conn.queued()) {
            self.wake_stdin();
        }
    }

    /// Reads one buffer's worth.
    fn read(&mut self, peer: &mut Peer) {
        let readable = !peer.released && peer.conn.wants_read() && self.io.reactor.readiness(peer.slot).readable;
        if !readable || self.must_stall(peer) {
            return;
        }
        if peer.flows && (self.move_to_partner(peer) || self.move_to_stdout(peer)) {
            return;
        }
        let mut buffer = self.io.take_buffer();
        let step = self.io.reactor.readiness(peer.slot).read(&mut buffer, |buffer| peer.transport.read(buffer));
        match step {
            Io::Moved(n) => {
                peer.flows = n >= FLOW;
                self.received(peer, &buffer[..n]);
            }
            Io::Blocked => {}
            Io::Ended => peer.conn.handle_eof(self.io.now),
            Io::Failed(error) => peer.conn.handle_read_error(self.io.now, link_error("read", &error)),
        }
        self.io.return_buffer(buffer);
    }

    fn received(&mut self, peer: &mut Peer, bytes: &[u8]) {
        for observer in &mut self.io.observers {
            observer.received(peer.conn.view(), bytes);
        }
        if peer.piped.is_none() && peer.conn.passes_through() {
            peer.conn.note_received(self.io.now, bytes.len());
            self.emit(bytes);
        } else {
            peer.conn.handle_input(self.io.now, bytes);
        }
    }

    /// Whether reading has to wait for stdout, or for whoever gets what is read.
    fn must_stall(&self, peer: &Peer) -> bool {
        peer.conn.is_open() && (self.stdout.is_full() || self.is_partner_full(peer))
    }

    pub(super) fn write(&mut self, peer: &mut Peer) {
        let mut budget = WRITE_BUDGET;
        if peer.pipe.is_some() && !self.write_spliced(peer, &mut budget) {
            return;
        }
        while budget > 0 && !peer.released {
            peer.conn.release_output(self.io.now);
            let Some(bytes) = peer.conn.poll_transmit() else { return };
            let readiness = self.io.reactor.readiness(peer.slot);
            if !readiness.writable {
                return;
            }
            match readiness.write(bytes, |bytes| peer.transport.write(bytes)) {
                Io::Moved(n) => {
                    for observer in &mut self.io.observers {
                        observer.sent(peer.conn.view(), &bytes[..n]);
                    }
                    peer.conn.transmitted(self.io.now, n);
                    budget = budget.saturating_sub(n);
                }
                Io::Blocked | Io::Ended => return,
                Io::Failed(error) => return self.write_failed(peer, &error),
            }
        }
    }

    pub(super) fn write_failed(&mut self, peer: &mut Peer, error: &io::Error) {
        peer.conn.handle_write_error(self.io.now, link_error("write", error));
        // What the peer sent before it went is still to be read.
        self.io.reactor.readiness(peer.slot).readable = true;
        self.io.reactor.wake(peer.slot);
    }

    /// Does with the socket what the connection asks for.
    fn act(&mut self, peer: &mut Peer) {
        let mut shuts = false;
        while let Some(action) = peer.conn.poll_action(self.io.now) {
            match action {
                // To close the socket says the same, if that is what follows.
                Action::ShutdownWrite => shuts = true,
                Action::Release { abort } => {
                    if abort {
                        peer.transport.abort();
                    }
                    peer.transport = Box::new(Closed);
                    self.io.reactor.forget(peer.slot);
                    peer.released = true;
                }
            }
        }
        if shuts && !peer.released {
            // The other side may be gone already; reading tells.
            let _ = peer.transport.shutdown_write();
        }
    }

    /// Hands events to whoever decides. Whether the budget ended it: then there may be more, although nothing else
    /// tells (lines are cut one at a time), and the connection needs another turn.
    fn deliver(&mut self, peer: &mut Peer) -> bool {
        for _ in 0..EVENT_BUDGET {
            let Some(event) = peer.conn.poll_event() else { return false };
            self.handle_event(peer, event);
        }
        true
    }

    fn handle_event(&mut self, peer: &mut Peer, event: Event) {
        let event = match (peer.piped, event) {
            (Some(partner), Event::Data(bytes)) => return self.relay(peer, partner, bytes),
            (Some(partner), Event::Eof) => return self.on_conn(None, partner, |partner| partner.conn.shutdown()),
            (Some(partner), Event::Closed(why)) => {
                self.partner_closed(partner, why);
                Event::Closed(why)
            }
            (_, event) => event,
        };
        let event_mask = peer.conn.event_mask();
        let handled = match &event {
            Event::Opened => {
                self.io.observers.iter_mut().for_each(|observer| observer.opened(peer.conn.view()));
                event_mask.opened
            }
            Event::Data(_) | Event::Text(_) | Event::Line(_) => event_mask.received.is_some(),
            Event::Frame(_) | Event::Measure(_) | Event::Unmet(_) => true,
            Event::Eof => event_mask.eof,
            Event::Drained => event_mask.drained,
            Event::Idle(_) => event_mask.idle,
            Event::Error(error) => {
                self.report(peer, error);
                event_mask.error
            }
            Event::Closed(why) => {
                self.io.observers.iter_mut().for_each(|observer| observer.closed(peer.conn.view(), *why));
                event_mask.closed
            }
        };
        if handled {
            return self.call(peer, event);
        }
        match event {
            Event::Data(bytes) => self.emit(&bytes),
            Event::Text(text) | Event::Line(text) => self.emit(text.as_bytes()),
            Event::Eof => self.peer_ended(peer),
            Event::Frame(_)
            | Event::Measure(_)
            | Event::Unmet(_)
            | Event::Opened
            | Event::Drained
            | Event::Idle(_)
            | Event::Error(_)
            | Event::Closed(_) => {}
        }
    }

    /// Lets the script handle an event, and does what it asks for.
    fn call(&mut self, peer: &mut Peer, event: Event) {
        let Some(handler) = &mut self.handler else { return };
        let mut commands = std::mem::take(&mut self.commands);
        let result = handler.handle(peer.conn.view(), event, &mut commands);
        self.apply(Some(peer), &mut commands);
        self.commands = commands;
        if let Err(error) = result {
            self.handler_failed(Some(peer), error);
        }
    }

    /// Carries out commands in order.
    pub(super) fn apply(&mut self, mut current: Option<&mut Peer>, commands: &mut Vec<Command>) {
        for command in commands.drain(..) {
            match command {
                Command::Connect(request) => self.begin_request(&request),
                Command::CloseListener(id) => self.close_listener(id),
                Command::Pipe(a, b) => self.pipe(current.as_deref_mut(), a, b),
                Command::Send(id, bytes) => self.on_conn(current.as_deref_mut(), id, |peer| peer.conn.send(bytes)),
                Command::SendFile(id, file) => {
                    self.on_conn(current.as_deref_mut(), id, |peer| peer.files.push(&mut peer.conn, file));
                }
                Command::Shutdown(id) => self.on_conn(current.as_deref_mut(), id, |peer| peer.conn.shutdown()),
                Command::Close(id) | Command::Reset(id) if self.dialings.contains_key(&id) => {
                    let why =
                        if matches!(command, Command::Close(_)) { CloseReason::Closed } else { CloseReason::Reset };
                    self.cancel_dialing(id);
                    self.partner_failed(current.as_deref_mut(), id, why);
                }
                Command::Close(id) => self.on_conn(current.as_deref_mut(), id, |peer| {
                    let why = if peer.conn.view().eof.get() { CloseReason::Eof } else { CloseReason::Closed };
                    peer.conn.close(why);
                }),
                Command::Reset(id) => {
                    self.on_conn(current.as_deref_mut(), id, move |peer| peer.conn.reset(CloseReason::Reset));
                }
                Command::SetNodelay(id, on) => {
                    self.on_conn(current.as_deref_mut(), id, move |peer| peer.transport.set_nodelay(on));
                }
                Command::SetIdle(id) => {
                    let now = self.io.now;
                    self.on_conn(current.as_deref_mut(), id, move |peer| peer.conn.handle_idle_change(now));
                }
                Command::SetCutting(id, cutting) => {
                    self.on_conn(current.as_deref_mut(), id, move |peer| peer.conn.set_cutting(cutting));
                }
                Command::Cut(id, length) => self.on_conn(current.as_deref_mut(), id, move |peer| peer.conn.cut(length)),
                Command::Skip(id, n) => self.on_conn(current.as_deref_mut(), id, move |peer| peer.conn.skip(n)),
                Command::Pause(id) => self.on_conn(current.as_deref_mut(), id, move |peer| peer.conn.set_paused(true)),
                Command::Resume(id) => {
                    self.on_conn(current.as_deref_mut(), id, move |peer| peer.conn.set_paused(false));
                }
                Command::AddToxic { id, direction, toxic, seed } => {
                    let now = self.io.now;
                    self.on_conn(current.as_deref_mut(), id, move |peer| {
                        // One that was being made meanwhile has it from its first moment on.
                        let now = now.max(peer.conn.view().opened.get());
                        // What was sent before is not concerned.
                        drop(peer.absorb());
                        peer.conn.add_toxic(now, direction, toxic, seed);
                    });
                }
                Command::Heal(id, name) => {
                    let now = self.io.now;
                    self.on_conn(current.as_deref_mut(), id, move |peer| peer.conn.heal(now, name));
                }
                Command::Print(text) => self.emit(text.as_bytes()),
                Command::Output(bytes) => self.emit(&bytes),
                Command::Log(id, text) => {
                    let name = id.map(|id| self.name_of(current.as_deref(), id));
                    self.io.console.log(name.as_deref(), &text);
                }
            }
        }
        self.adopt_listeners();
    }

    /// Works on a connection by its number: the current one, or another, which gets a turn afterwards; one that is
    /// still being made, later.
    pub(super) fn on_conn(&mut self, current: Option<&mut Peer>, id: ConnId, work: impl FnOnce(&mut Peer) + 'static) {
        if let Some(peer) = current
            && peer.id() == id
        {
            return work(peer);
        }
        let Some(&slot) = self.slots_by_id.get(&id) else {
            self.when_connected(id, work);
            return;
        };
        if let Some(Source::Peer(peer)) = self.sources.get_mut(slot) {
            work(peer);
            self.io.reactor.wake(slot);
        }
    }

    fn name_of(&self, current: Option<&Peer>, id: ConnId) -> String {
        let named = current.filter(|peer| peer.id() == id).or_else(|| {
            match self.slots_by_id.get(&id).and_then(|&slot| self.sources.get(slot)) {
                Some(Source::Peer(peer)) => Some(peer),
                _ => None,
            }
        });
        named.map_or_else(|| format!("connection {id}"), |peer| peer.conn.view().name())
    }

    /// A handler failed: told once, and then by `--script-errors`.
    pub(super) fn handler_failed(&mut self, peer: Option<&mut Peer>, error: HandlerError) {
        let (handler, summary, message) = match error {
            HandlerError::Exit(code) => return self.exit_asked(code),
            HandlerError::Failed { handler, summary, message } => (handler, summary, message),
        };
        self.io.console.error(&Error::ScriptRun { message });
        self.script_error();
        let Some(peer) = peer else { return };
        if !std::mem::replace(&mut peer.script_failed, true) && peer.conn.event_mask().error && handler != "on_close" {
            let error = ConnError { kind: ErrorKind::Script, op: handler.to_owned(), message: summary };
            self.call(peer, Event::Error(error));
        }
        if self.closes_after_script_error() {
            peer.conn.close(CloseReason::Error);
        }
    }

    /// Says what went wrong with a connection, and makes it the run's fault if it is the whole run.
    fn report(&mut self, peer: &Peer, error: &ConnError) {
        let name = peer.conn.view().name();
        let error = match (error.kind, error.op.as_str()) {
            (ErrorKind::Io, "send_file") => {
                Error::Read { source_name: format!("a file for {name}"), cause: error.message.clone() }
            }
            (ErrorKind::Reset | ErrorKind::Io, op) => Error::Broken {
                operation: if op == "write" { "write to" } else { "read from" },
                peer: name,
                cause: error.message.clone(),
            },
            (ErrorKind::Timeout, _) => Error::Timeout { what: format!("{name}: {}", error.message) },
            (ErrorKind::Frame, _) => Error::Broken { operation: "read from", peer: name, cause: error.message.clone() },
            _ => Error::Text { message: format!("{name}: {}", error.message) },
        };
        if self.single_peer && peer.origin == Origin::Main {
            self.fail(&error);
        } else if !peer.conn.event_mask().error || self.io.console.is_verbose() {
            self.io.console.error(&error);
        }
    }

    /// Writes to stdout.
    pub(super) fn emit(&mut self, bytes: &[u8]) {
        let result = self.stdout.write(&mut self.io.reactor, bytes);
        self.after_output(result);
    }

    /// stdout can take more, or its reader has gone.
    pub(super) fn stdout_turn(&mut self) {
        if self.stdout.is_gone(&mut self.io.reactor) {
            return self.after_output(Err(StdoutError::ReaderGone));
        }
        self.stdout.unblock(&mut self.io.reactor);
        let result = self.stdout.flush(&mut self.io.reactor);
        self.after_output(result);
        if self.stdout.has_room() {
            for slot in std::mem::take(&mut self.stalled) {
                self.io.reactor.wake(slot);
            }
        }
    }

    /// Puts the connection's next deadline on the heap, unless an earlier entry will look at it anyway.
    fn schedule(&mut self, peer: &mut Peer) {
        if let Some(at) = peer.conn.poll_timeout()
            && peer.timer_at.is_none_or(|scheduled| at < scheduled)
        {
            peer.timer_at = Some(at);
            self.timers.push(Reverse((at, peer.slot, peer.id())));
        }
    }

    /// The connection is over and nothing of it is left to tell.
    fn forget(&mut self, peer: &mut Peer) {
        self.drop_preamble(peer);
        self.slots_by_id.remove(&peer.id());
        self.open -= 1;
        self.clients -= usize::from(peer.origin == Origin::Main);
        self.wake_acceptor();
    }
}

/// The system's error as the connection's.
pub(super) fn link_error(op: &str, error: &io::Error) -> ConnError {
    let kind = match error.kind() {
        io::ErrorKind::ConnectionReset
        | io::ErrorKind::BrokenPipe
        | io::ErrorKind::ConnectionAborted
        | io::ErrorKind::TimedOut => ErrorKind::Reset,
        _ => ErrorKind::Io,
    };
    ConnError { kind, op: op.to_owned(), message: cause(error) }
}
