//! `Peer`: one connection with its socket, and the steps of a turn on both: read, write, act on the socket.
//!
//! Owns the path between a `Transport` and its `Link`. Does not interpret bytes (`session` does), call handlers or know
//! other parts of the driver.

mod glance;
mod refused;

use std::io;
use std::rc::Rc;
use std::time::Instant;

use self::refused::is_refusal;
use crate::codec::newline::Crlf;
use crate::driver::budgets::Turn;
use crate::driver::fallback::Fallback;
use crate::driver::files::Files;
use crate::driver::io::Io;
use crate::driver::plan::Duties;
use crate::driver::preamble::Preamble;
use crate::driver::securing::{ConnectLimit, Security};
use crate::driver::shutdown::Ending;
use crate::error::{Error, cause};
use crate::net::bulk::{FLOW, Move};
use crate::net::reactor::{Io as Step, Slot};
use crate::net::splice_pipe::SplicePipe;
use crate::net::{Closed, Transport};
use crate::output::Notice;
use crate::session::connection::{Action, Settings};
use crate::session::{CloseReason, ConnError, ConnId, ConnView, Direction, ErrorKind, Handler, Link, Operation, Side};

/// Queued bytes of a piped connection at which reading from its partner stops.
const PARTNER_MARK: usize = 256 << 10;

/// A connection and its socket.
pub(super) struct Peer {
    pub(super) link: Link,
    /// The handler of its events; `None`: the defaults of netcat mode.
    pub(super) handler: Option<Rc<dyn Handler>>,
    pub(super) preamble: Option<Box<Preamble>>,
    pub(super) files: Files,
    /// Close once preamble and stdin are sent, because the peer has ended.
    pub(super) close_when_fed: bool,
    /// An end of our side that comes once the handler does not hold the connection any more.
    pub(super) due: Option<OwnEnd>,
    /// The connection that sends what this one receives.
    pub(super) partner: Option<ConnId>,
    /// What its partner sends of it has CR LF for every lone LF.
    pub(super) crlf: Option<Crlf>,
    pub(super) duties: Duties,
    pub(super) transport: Box<dyn Transport>,
    pub(super) slot: Slot,
    /// The valid entry of this connection on the timer heap.
    pub(super) timer_at: Option<Instant>,
    /// The last read was large enough that moves within the kernel pay.
    pub(super) flows: bool,
    /// Splice pipe whose bytes count as queued and are sent first.
    pub(super) pipe: Option<Box<SplicePipe>>,
    /// The kernel refuses moves into this socket.
    pub(super) refuses_moves: bool,
    /// `on_error` was called for a failed handler of this connection.
    pub(super) script_failed: bool,
    /// A handler that relays has heard of the end of what this one received.
    pub(super) relay_ended: bool,
    /// Its opening was told.
    pub(super) opened: bool,
    /// The peer has ended, and its protocol had not.
    pub(super) cut_short: bool,
    /// What it has failed with, if another try follows.
    pub(super) failure: Option<Box<Error>>,
    /// Somebody asks what has arrived of what was sent.
    pub(super) watches_arrival: bool,
    /// Our FIN has followed what was sent.
    sent_fin: bool,
    /// What had not arrived when the socket was closed.
    left_at_end: usize,
    /// The socket is closed.
    pub(super) released: bool,
    /// Where it goes on if its address is refused, until something is received.
    pub(super) fallback: Option<Box<Fallback>>,
    /// Datagrams that were lost because a queue was full.
    pub(super) lost: u64,
    /// Bytes it held when [`Peers`](super::peers::Peers) last looked.
    pub(super) held: usize,
    /// What was read before its turn.
    pub(super) early: Option<Vec<u8>>,
}

/// How our side of a connection ends by default.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum OwnEnd {
    /// FIN, because stdin has ended.
    Fin,
    /// Close, because the peer has ended.
    Close,
}

/// Result of one attempt to read.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Received {
    /// Nothing was read, or the connection has taken it.
    Done,
    /// Number of bytes in the buffer that go to stdout unchanged.
    Raw(usize),
    /// Number of bytes in the buffer that are a chunk for the handler, before which nothing is to be told.
    Chunk(usize),
}

impl Peer {
    /// Wraps an established connection. Its transport is registered at `slot`.
    pub(super) fn new(
        slot: Slot,
        mut transport: Box<dyn Transport>,
        view: Rc<ConnView>,
        settings: Settings,
        handler: Option<Rc<dyn Handler>>,
        duties: Duties,
    ) -> Self {
        transport.set_nodelay(view.info.nodelay());
        if !duties.probe {
            // Until it has ended in order, whatever ends the process must not look like that.
            transport.end_by_reset(true);
        }
        let event_mask = handler.as_ref().map(|handler| handler.event_mask(&view)).unwrap_or_default();
        let mut settings = Settings { event_mask, ..settings };
        if duties.decides_exit || view.info.side() == Side::Client {
            settings.parting.silence = None;
        }
        settings.discard |= duties.probe;
        Self {
            link: Link::new(view, settings),
            handler,
            preamble: None,
            files: Files::default(),
            close_when_fed: false,
            due: None,
            partner: None,
            crlf: None,
            duties,
            slot,
            transport,
            timer_at: None,
            flows: false,
            pipe: None,
            refuses_moves: false,
            script_failed: false,
            relay_ended: false,
            opened: false,
            cut_short: false,
            failure: None,
            watches_arrival: false,
            sent_fin: false,
            left_at_end: 0,
            released: false,
            fallback: None,
            lost: 0,
            held: 0,
            early: None,
        }
    }

    /// Speaks TLS from now on.
    pub(super) fn secure(&mut self, now: Instant, is_watched: bool, security: &Security, limit: Option<ConnectLimit>) {
        // What was sent before goes out in the clear.
        drop(self.absorb());
        let now = now.max(self.link.view().info.opened());
        match security.layer(now, limit) {
            Ok(tls) => self.link.secure(now, tls, is_watched),
            Err(error) => self.break_off_tls(error.to_string()),
        }
    }

    /// Speaks TLS on a connection that stands in the clear. What came in the clear behind the agreement is nobody's: a server
    /// drops it, and to a client it is an attack.
    pub(super) fn start_tls(&mut self, now: Instant, is_watched: bool, security: &Security) {
        if self.link.is_secured() {
            return;
        }
        let early = self.link.discard_undelivered();
        if early > 0 && self.link.view().info.side() == Side::Client {
            return self.break_off_tls(format!("the peer has sent {early} bytes in the clear behind its answer"));
        }
        self.secure(now, is_watched, security, None);
    }

    pub(super) fn break_off_tls(&mut self, message: String) {
        self.link.break_off(ConnError { kind: ErrorKind::Tls, op: Operation::Layer("tls"), message });
    }

    /// The connection's number.
    pub(super) fn id(&self) -> ConnId {
        self.link.view().id
    }

    /// Whether the socket is closed and every event was delivered.
    pub(super) fn is_over(&self) -> bool {
        self.released && !self.link.has_events()
    }

    /// Carries out an end of our side that is due, unless the handler or a partner still holds the connection.
    pub(super) fn end_unless_held(&mut self) {
        let Some(due) = self.due.filter(|_| !self.link.has_events()) else { return };
        let holds = self.handler.as_ref().map(|handler| handler.holds(self.link.view())).unwrap_or_default();
        let is_held = match due {
            OwnEnd::Fin => holds.outlast_input() || self.link.outlasts_input() || self.partner.is_some(),
            OwnEnd::Close => holds.outlast_peer(),
        };
        if is_held {
            return;
        }
        self.due = None;
        match due {
            OwnEnd::Fin => self.link.shutdown(),
            OwnEnd::Close => self.link.close(CloseReason::Eof),
        }
    }

    /// Whether the socket is readable and the connection wants input.
    pub(super) fn can_read(&self, io: &mut Io) -> bool {
        !self.released && self.link.wants_read() && io.reactor.readiness(self.slot).readable
    }

    /// Reads once into `buffer`. Returns `Raw` if only stdout needs the bytes.
    pub(super) fn read(&mut self, io: &mut Io, buffer: &mut [u8]) -> Received {
        match self.fetch(io, buffer) {
            Some(n) => self.received(io, &buffer[..n]),
            None => Received::Done,
        }
    }

    /// Reads once into `buffer`, before the turn of this connection, which begins with what was read.
    pub(super) fn read_early(&mut self, io: &mut Io, buffer: &mut [u8]) {
        if let Some(n) = self.fetch(io, buffer) {
            self.early = Some(io.copy(&buffer[..n]));
        }
    }

    /// Reads once into `buffer`. Returns the number of bytes, of which nobody has been told. The end and failures are told.
    fn fetch(&mut self, io: &mut Io, buffer: &mut [u8]) -> Option<usize> {
        let readiness = io.reactor.readiness(self.slot);
        let step = if self.link.is_datagram() {
            readiness.receive(buffer, |buffer| self.transport.read(buffer))
        } else {
            readiness.read(buffer, |buffer| self.transport.read(buffer))
        };
        if self.link.is_datagram() {
            self.count_lost(io);
        }
        match step {
            Step::Moved(n) => return Some(n),
            Step::Blocked => {}
            Step::Ended => {
                if self.link.view().info.is_open() {
                    io.notify(&Notice::Ended { conn: self.link.view(), direction: Direction::In });
                }
                self.link.handle_eof(io.now);
            }
            Step::Failed(error) if self.takes_refusal(io, &error) => {}
            Step::Failed(error) => {
                let error = self.error(Operation::Read, &error);
                self.link.handle_read_error(io.now, error);
            }
        }
        None
    }

    /// Takes what was read from the peer. Returns who else gets it.
    pub(super) fn received(&mut self, io: &mut Io, bytes: &[u8]) -> Received {
        self.fallback = None;
        self.flows = bytes.len() >= FLOW;
        // What comes after the last event of a connection is discarded, and nobody hears of it.
        if self.link.view().info.is_open() && !self.link.hides_received() {
            io.notify_bytes(self.link.view(), Direction::In, bytes);
        }
        if self.partner.is_none() && self.link.passes_through() {
            self.link.note_received(io.now, bytes.len());
            return Received::Raw(bytes.len());
        }
        if self.takes_chunks() {
            self.link.note_chunk(io.now, bytes);
            return Received::Chunk(bytes.len());
        }
        self.link.handle_input(io.now, bytes);
        if self.duties.probe && self.link.is_datagram() {
            // Somebody has answered.
            self.link.abandon(CloseReason::Closed);
        }
        Received::Done
    }

    /// Writes what is queued, up to the budget of one turn.
    pub(super) fn write(&mut self, io: &mut Io) -> Turn {
        let mut budget = io.budgets.written;
        if self.pipe.is_some() && !self.write_spliced(io, &mut budget) {
            return io.reactor.readiness(self.slot).writable.into();
        }
        while !self.released {
            self.link.release_output(io.now);
            self.show_plain(io);
            let is_hidden = self.link.hides_sent();
            let Some(bytes) = self.link.poll_transmit() else { break };
            let readiness = io.reactor.readiness(self.slot);
            if !readiness.writable {
                break;
            }
            if budget == 0 {
                return Turn::Again;
            }
            match readiness.write(bytes, |bytes| self.transport.write(bytes)) {
                Step::Moved(n) => {
                    // Once more than can be kept was sent, it is too late for another address.
                    self.fallback.take_if(|fallback| !fallback.keep(&bytes[..n]));
                    if !is_hidden {
                        io.notify_bytes(self.link.view(), Direction::Out, &bytes[..n]);
                    }
                    io.free(self.link.transmitted(io.now, n));
                    budget = budget.saturating_sub(n.max(1));
                    if self.link.is_transparent() && self.link.queued() == 0 && !self.link.wants_write() {
                        break;
                    }
                }
                Step::Blocked | Step::Ended => break,
                Step::Failed(error) => {
                    if !self.takes_refusal(io, &error) {
                        self.write_failed(io, &error);
                    }
                    break;
                }
            }
        }
        Turn::Done
    }

    /// Shows observers what has passed above layers that hide what the socket carries.
    pub(super) fn show_plain(&mut self, io: &mut Io) {
        if self.link.is_transparent() {
            return;
        }
        for (direction, bytes) in self.link.take_plain() {
            io.notify_bytes(self.link.view(), direction, &bytes);
        }
    }

    /// Sends the bytes of the splice pipe, up to `budget`. Returns whether none are left.
    fn write_spliced(&mut self, io: &mut Io, budget: &mut usize) -> bool {
        let mut has_stalled = false;
        while self.link.spliced() > 0 {
            if *budget == 0 || !io.reactor.readiness(self.slot).writable {
                return false;
            }
            let (Some(pipe), Some(socket)) = (&mut self.pipe, self.transport.bulk_fd()) else { break };
            match pipe.drain(socket) {
                Move::Moved(n) => {
                    io.notify_moved(self.link.view(), Direction::Out, n);
                    self.link.transmitted_spliced(io.now, n);
                    *budget = budget.saturating_sub(n);
                }
                // The kernel moved nothing twice although both ends are ready: fall back to writing.
                Move::Blocked { sink: true, .. } if has_stalled => break,
                Move::Blocked { sink, .. } => {
                    io.reactor.readiness(self.slot).writable = sink;
                    has_stalled = true;
                }
                Move::Unable => {
                    self.refuses_moves = true;
                    break;
                }
                Move::Broken(error) => self.write_failed(io, &error),
            }
        }
        if let Some(pipe) = self.absorb() {
            io.splice_pool.give_back(*pipe);
        }
        true
    }

    /// Notes datagrams that were lost since the last call.
    fn count_lost(&mut self, io: &mut Io) {
        let n = self.transport.take_lost();
        if n > 0 {
            self.lost += n;
            io.notify(&Notice::Lost { conn: self.link.view(), n });
        }
    }

    /// Handles a failed write. What the peer sent before it is still read.
    pub(super) fn write_failed(&mut self, io: &mut Io, error: &io::Error) {
        let error = self.error(Operation::Write, error);
        if self.link.is_datagram() {
            return self.link.handle_read_error(io.now, error);
        }
        if error.kind == ErrorKind::Io {
            // The connection stands, and the peer may never end it.
            self.transport.shutdown_read();
        }
        self.link.handle_write_error(io.now, error);
        io.reactor.readiness(self.slot).readable = true;
        io.reactor.wake(self.slot);
    }

    /// Ends it with an error if it waits for the arrival of what was sent, and a reset has made an end of that.
    pub(super) fn notice_loss(&mut self) {
        if self.link.awaits_arrival() && self.transport.is_over() && self.unarrived() > 0 {
            let error = self.error(Operation::Write, &io::ErrorKind::ConnectionReset.into());
            self.link.lose(error);
        }
    }

    /// An error of the socket as one of the connection: what was refused before anything came never stood.
    fn error(&self, operation: Operation, error: &io::Error) -> ConnError {
        let (kind, op) = match self.link.view().info.has_received() {
            _ if !self.link.is_datagram() || !is_refusal(error) => return link_error(operation, error),
            false => (ErrorKind::Refused, Operation::Connect),
            true => (ErrorKind::Reset, operation),
        };
        ConnError { kind, op, message: cause(error) }
    }

    /// Carries out the actions of the connection on the socket.
    pub(super) fn act(&mut self, io: &mut Io) {
        let mut shuts = false;
        while let Some(action) = self.link.poll_action(io.now) {
            match action {
                // Deferred: if a release follows, closing the socket sends the FIN.
                Action::ShutdownWrite => {
                    io.notify(&Notice::Ended { conn: self.link.view(), direction: Direction::Out });
                    shuts = true;
                }
                Action::Release { abort } => self.let_go(io, abort),
            }
        }
        if shuts && !self.released {
            // An error is ignored: if the peer is gone, the next read reports it.
            self.sent_fin |= self.transport.shutdown_write().is_ok();
        }
    }

    /// Closes the socket.
    fn let_go(&mut self, io: &mut Io, abort: bool) {
        if !abort {
            self.transport.end_by_reset(false);
        }
        if self.link.is_datagram() {
            self.count_lost(io);
            self.lost += self.transport.lost_by_system();
        }
        if self.watches_arrival {
            self.left_at_end = self.unarrived();
        }
        self.transport = Box::new(Closed);
        io.reactor.forget(self.slot);
        self.released = true;
    }

    /// Bytes that are queued or not acknowledged.
    pub(super) fn left_to_send(&self) -> usize {
        self.link.queued() + self.transport.unacknowledged()
    }

    /// Bytes that the kernel took and that the other system has not acknowledged, also after the end of the connection.
    fn unarrived(&self) -> usize {
        match (self.released, self.transport.has_reset()) {
            (true, _) => self.left_at_end,
            // A FIN counts as one byte.
            (false, true) => self.transport.unacknowledged().saturating_sub(usize::from(self.sent_fin)),
            // Of a Unix socket: what the peer has not read, which it still can.
            (false, false) => 0,
        }
    }

    /// Bytes of the application that have arrived for sure.
    pub(super) fn arrived(&mut self) -> u64 {
        let unarrived = self.unarrived();
        self.link.arrived(unarrived)
    }

    /// What the kernel still holds of what was sent, as far as that matters.
    pub(super) fn unacknowledged(&self) -> usize {
        let is_lingering = self.link.is_lingering();
        let is_awaited = self.link.awaits_acknowledgement() && (is_lingering || self.transport.has_reset());
        let has_limit = !is_lingering && self.link.view().info.idle_limit().is_some();
        let left = if is_awaited || has_limit { self.transport.unacknowledged() } else { 0 };
        // Of a connection that was reset nothing will arrive any more.
        if left > 0 && self.transport.is_over() { 0 } else { left }
    }

    // ---- the end of the run ---------------------------------------------------------------------------

    /// Ends because the run does: what is queued is sent first, and the peer must not take a fault for the end.
    pub(super) fn end_with_run(&mut self, ending: Ending) {
        match ending {
            Ending::InOrder | Ending::IfAcknowledged => self.link.close(CloseReason::Stop),
            Ending::ByReset => self.link.abort(CloseReason::Stop),
        }
    }

    /// Goes at once if it ends by RST and nothing that was sent is on its way.
    pub(super) fn end_if_acknowledged(&mut self, now: Instant) {
        let unacknowledged = self.unacknowledged();
        self.link.handle_timeout(now, unacknowledged);
    }

    /// Ends now: the grace of the run is over.
    pub(super) fn leave(&mut self, ending: Ending) {
        if self.has_sent_all(ending) {
            self.link.abandon(CloseReason::Stop);
        } else {
            self.link.reset(CloseReason::Stop);
        }
    }

    /// Closes the socket now, without any event: the run is over.
    pub(super) fn drop_with_run(&mut self, io: &mut Io, ending: Ending) {
        if !self.released {
            let abort = !self.has_sent_all(ending);
            self.let_go(io, abort);
        }
    }

    /// Whether the peer may take the end of what it gets for the end of what was to be sent.
    fn has_sent_all(&self, ending: Ending) -> bool {
        let is_queue_empty = self.link.queued() == 0 && self.link.placeholders() == 0 && self.preamble.is_none();
        // A lingering connection has ended before the run, and in order.
        (self.link.is_lingering() || (ending != Ending::ByReset && is_queue_empty))
            && (ending != Ending::IfAcknowledged || self.transport.unacknowledged() == 0)
    }

    // ---- partners -------------------------------------------------------------------------------------

    /// Whether reading from its partner has to stop.
    pub(super) fn is_full(&self) -> bool {
        self.link.queued() >= PARTNER_MARK || self.pipe.as_ref().is_some_and(|pipe| pipe.is_full())
    }

    /// Whether its handler sees what it sends to its partner.
    pub(super) fn is_relayed(&self) -> bool {
        self.handler.as_ref().is_some_and(|handler| handler.relays())
    }

    /// Ends in the same way as its partner.
    pub(super) fn end_like(&mut self, reason: CloseReason) {
        match reason {
            // It ends with the run itself.
            CloseReason::Stop => {}
            _ if reason.is_fault() => self.link.abort(CloseReason::Reset),
            _ => self.link.close(reason),
        }
    }

    /// Puts the bytes of the splice pipe at the front of the queue. Returns the pipe if it was empty.
    pub(super) fn absorb(&mut self) -> Option<Box<SplicePipe>> {
        let pipe = self.pipe.take()?;
        if self.link.spliced() == 0 {
            return Some(pipe);
        }
        self.link.absorb(pipe.into_bytes());
        None
    }
}

/// Converts an I/O error to an error of the connection.
pub(super) fn link_error(operation: Operation, error: &io::Error) -> ConnError {
    let kind = match error.kind() {
        io::ErrorKind::ConnectionReset
        | io::ErrorKind::BrokenPipe
        | io::ErrorKind::ConnectionAborted
        | io::ErrorKind::TimedOut => ErrorKind::Reset,
        _ => ErrorKind::Io,
    };
    ConnError { kind, op: operation, message: cause(error) }
}
