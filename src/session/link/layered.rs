//! The way of bytes and ends through the layers of a [`Link`]. Nothing here runs while there are none.
//!
//! Owns what each flow that leaves the stack means for the connection, what the end of the connection means for the layers,
//! and when the fast path is back.

use std::time::Instant;

use super::{Layers, Link, Security};
use crate::layer::tls::Tls;
use crate::layer::{Claimed, Direction, Flow, LayerError, LayerErrorKind, Stack, proxy};
use crate::session::connection::HIGH_WATER;
use crate::session::{CloseReason, ConnError, Connection, ErrorKind, Operation};

/// What is sent enters the stack in pieces of at most this size, while there is room.
const PIECE: usize = 64 << 10;

impl Layers {
    /// The bytes that were sent and have not reached the socket.
    pub(super) fn unsent(&self) -> usize {
        self.stack.held(Direction::Out) + self.wire.len()
    }

    /// Whether everything that was sent, its end included, has reached the socket.
    pub(super) fn is_output_through(&self) -> bool {
        self.wire.is_empty() && (self.output_ended || self.stack.is_empty())
    }
}

impl Link {
    // ---- what arrives ---------------------------------------------------------------------------------

    pub(super) fn push_input(&mut self, now: Instant, bytes: &[u8]) {
        let Some(layers) = &mut self.layers else { return };
        if layers.stack.is_empty() {
            return self.conn.handle_input(now, bytes);
        }
        if !bytes.is_empty() {
            layers.stack.push(now, Direction::In, Flow::Data(bytes.to_vec()));
            self.note_claimed();
        }
        if !self.conn.is_open() {
            // What is left to send may need it; the rest is discarded.
            self.pass_input(now);
        }
    }

    /// The end of what arrives, in order or broken. A broken link takes nothing any more from this moment on; what had
    /// arrived before is still on its way.
    pub(super) fn push_end(&mut self, now: Instant, broken: Option<ConnError>) {
        let Some(layers) = &mut self.layers else { return };
        if !layers.input_ended && !layers.stack.is_empty() {
            layers.input_ended = true;
            layers.stack.push(now, Direction::In, Flow::Eof);
            if self.conn.is_open() {
                layers.broken = broken.map(|error| self.conn.break_sending(error));
                return self.settle();
            }
            self.pass_input(now);
        }
        match broken {
            Some(error) => self.conn.handle_read_error(error),
            None => self.conn.handle_eof(),
        }
        self.settle();
    }

    pub(super) fn pass_input(&mut self, now: Instant) -> bool {
        let (mut passed, withheld) = (false, self.withholds_events());
        // A chunk that is to be delivered as it is comes alone: a slice is told from the next.
        while self.takes_flow() {
            let Some(layers) = &mut self.layers else { break };
            let flow = match layers.stack.poll(now, Direction::In) {
                Ok(Some(flow)) => flow,
                Ok(None) => break,
                Err(error) => {
                    self.fail(error);
                    return true;
                }
            };
            passed = true;
            let broken = if matches!(flow, Flow::Data(_)) { None } else { layers.broken.take() };
            if let Flow::Data(bytes) = &flow
                && layers.security == Security::None
                && layers.stack.hides_wire()
            {
                layers.plain.push((Direction::In, bytes.clone()));
            }
            match (flow, broken) {
                (Flow::Data(bytes), _) => self.conn.handle_input(now, &bytes),
                (_, Some(error)) => self.conn.handle_read_error(error),
                (Flow::Eof, None) => self.conn.handle_eof(),
                (Flow::Close, None) if self.conn.is_open() => self.conn.handle_close(),
                (Flow::Reset, None) if self.conn.is_open() => self.conn.handle_reset(),
                (Flow::Close | Flow::Reset, None) => {}
            }
        }
        self.note_claimed();
        self.settle();
        // What a layer has kept beside its handshake comes in after the opening was told.
        let is_opening = self.is_established() && self.conn.is_unannounced();
        passed || is_opening || withheld != self.withholds_events()
    }

    /// Notes who the two ends are, if a layer was told: before the opening is.
    fn note_claimed(&mut self) {
        if let Some(Claimed { peer, local }) = self.layers.as_mut().and_then(|layers| layers.stack.take_claimed()) {
            self.conn.view().info.set_ends(peer, local);
        }
    }

    /// Whether the stack is polled for what arrives: while it is being established, while the next chunk is wanted, and
    /// for what is discarded.
    fn takes_flow(&self) -> bool {
        self.conn.takes_chunk() || !self.conn.is_open() || !self.is_established()
    }

    /// The opening is told, and everything after it, once the layers are established.
    pub(super) fn withholds_events(&self) -> bool {
        self.layers.as_ref().is_some_and(|layers| !layers.stack.is_established() && self.conn.is_unannounced())
    }

    // ---- what is sent ---------------------------------------------------------------------------------

    pub(super) fn pass_output(&mut self, now: Instant) {
        let Some(layers) = &mut self.layers else { return };
        let before = self.conn.queued();
        while !self.conn.due_front().is_empty() && layers.stack.has_room(Direction::Out) {
            let n = self.conn.due_front().len();
            push_piece(&mut self.conn, layers, now, n);
        }
        if !layers.output_ends && self.conn.is_at_end() && layers.stack.has_room(Direction::Out) {
            layers.output_ends = true;
            // Whoever ends by RST says no goodbye, such as the `close_notify` of TLS.
            let end = if self.conn.is_aborting() { Flow::Reset } else { Flow::Eof };
            layers.stack.push(now, Direction::Out, end);
        }
        while self.layers.as_ref().is_some_and(|layers| layers.wire.is_empty()) && self.poll_output(now) {}
        self.note_unsent();
        if self.conn.queued() < before {
            // A layer has dropped some.
            self.conn.after_sending();
        }
        self.settle();
    }

    /// Moves one flow from the stack to the wire, if one is due.
    fn poll_output(&mut self, now: Instant) -> bool {
        let Some(layers) = &mut self.layers else { return false };
        match layers.stack.poll(now, Direction::Out) {
            Ok(Some(Flow::Data(bytes))) => {
                layers.is_wire_hidden = layers.stack.hides_wire();
                layers.wire.push(bytes);
                self.mark_encrypted();
            }
            Ok(Some(Flow::Eof)) => layers.output_ended = true,
            Ok(Some(Flow::Close)) => {
                (layers.output_ends, layers.output_ended) = (true, true);
                layers.stack.discard(Direction::Out);
                self.conn.close(if self.conn.view().info.eof() { CloseReason::Eof } else { CloseReason::Closed });
                self.conn.drop_unsent();
                return false;
            }
            // RST follows once what is on the wire has arrived.
            Ok(Some(Flow::Reset)) if self.conn.is_aborting() => layers.output_ended = true,
            // Everything before it was taken by the kernel.
            Ok(Some(Flow::Reset)) => {
                self.reset(CloseReason::Reset);
                return false;
            }
            Ok(None) => return false,
            Err(error) => {
                self.fail(error);
                return false;
            }
        }
        true
    }

    /// What is queued goes into the layers, or onto the wire, so that a layer that is added above them does not see it.
    pub(super) fn empty_queue(&mut self, now: Instant) {
        if self.conn.front().is_empty() {
            return;
        }
        let layers = self.layers.get_or_insert_default();
        if layers.stack.is_empty() {
            layers.wire.extend(self.conn.front());
            self.conn.consume_front(now, self.conn.front().len());
        }
        while !self.conn.front().is_empty() {
            let n = self.conn.front().len();
            push_piece(&mut self.conn, layers, now, n);
        }
        self.note_unsent();
    }

    /// What is queued, and what layers give out at once, goes onto the wire, so that a layer that is added below them
    /// does not see it.
    pub(super) fn empty_layers(&mut self, now: Instant) {
        self.empty_queue(now);
        while self.poll_output(now) {}
        self.note_unsent();
    }

    fn note_unsent(&mut self) {
        let unsent = self.layers.as_ref().map_or(0, |layers| layers.unsent());
        self.conn.set_held_below(unsent);
    }

    // ---- ends -----------------------------------------------------------------------------------------

    /// A layer cannot go on: told, then reset. If the link broke before, that is the cause. A layer that was established
    /// fails like the link itself: what arrived before is told first.
    fn fail(&mut self, mut error: LayerError) {
        let Some(layers) = &mut self.layers else { return };
        let (is_established, broken) = (layers.stack.is_established(), layers.broken.take());
        if error.layer == proxy::NAME {
            return self.fail_on_the_way(&error, broken.as_ref());
        }
        match broken {
            Some(broken) if error.kind == LayerErrorKind::Handshake => error.message = broken.message,
            Some(broken) => {
                self.conn.handle_read_error(broken);
                return self.settle();
            }
            None => {}
        }
        let kind = match error.kind {
            LayerErrorKind::Protocol => ErrorKind::Io,
            LayerErrorKind::Refused => ErrorKind::Refused,
            LayerErrorKind::Timeout => ErrorKind::Timeout,
            LayerErrorKind::Handshake => ErrorKind::Tls,
            LayerErrorKind::Untrusted => ErrorKind::Untrusted,
            LayerErrorKind::NoRoots => ErrorKind::NoRoots,
            LayerErrorKind::CutShort => ErrorKind::Truncated,
            LayerErrorKind::Proxy => ErrorKind::Proxy,
        };
        let op = Operation::Layer(error.layer);
        if is_established {
            let trouble = ConnError { kind, op, message: error.message };
            match error.kind {
                LayerErrorKind::CutShort => self.conn.handle_cut_short(trouble),
                _ => self.conn.handle_read_error(trouble),
            }
            return self.settle();
        }
        self.conn.push_error(kind, op, error.message);
        if !self.conn.is_open() {
            return self.reset(CloseReason::Error);
        }
        // What it has sent to say why arrives before the connection is reset.
        (layers.output_ends, layers.output_ended) = (true, true);
        layers.stack = Stack::default();
        self.conn.forget_opened();
        self.conn.abort(CloseReason::Error);
        self.conn.drop_unsent();
        self.settle();
    }

    /// A proxy refuses or fails: to everybody else that is a part of connecting, and which proxy it was matters more than how
    /// the link broke.
    fn fail_on_the_way(&mut self, error: &LayerError, broken: Option<&ConnError>) {
        let kind = if error.kind == LayerErrorKind::Timeout { ErrorKind::Timeout } else { ErrorKind::Proxy };
        let how = broken.map(|broken| format!(" ({})", broken.message)).unwrap_or_default();
        let message = format!("connect to {}: {}{how}", self.conn.view().info.peer_name(), error.message);
        self.conn.push_error(kind, Operation::Connect, message);
        self.conn.give_up(CloseReason::Error);
        self.settle();
    }

    /// Once the two sides have agreed on TLS: its facts, and the event of a connection that stood before.
    fn note_agreed(&mut self) {
        let Some(layers) = &mut self.layers else { return };
        let Security::Agreeing { is_told } = layers.security else { return };
        let Some(facts) = layers.stack.find::<Tls>().and_then(|tls| tls.facts()) else { return };
        layers.security = Security::Agreed;
        self.conn.secured(facts, is_told);
    }

    /// What the layers have to know of the connection once it may have ended, and whether they are still needed.
    pub(super) fn settle(&mut self) {
        if !self.is_transparent() {
            self.settle_layers();
        }
    }

    fn settle_layers(&mut self) {
        self.note_agreed();
        let Some(layers) = &mut self.layers else { return };
        if self.conn.is_failing() && !layers.stack.is_established() {
            self.conn.forget_opened();
        }
        if !self.conn.is_open() {
            if layers.stack.is_established() {
                layers.stack.discard(Direction::In);
            }
            if layers.input_ended {
                self.conn.note_read_ended();
            }
            if self.conn.is_write_shut() {
                return self.drop_layers();
            }
        }
        if self.conn.is_write_shut() {
            layers.stack.discard(Direction::Out);
            layers.wire.clear();
        }
        layers.stack.remove_done();
        let is_input_through = self.conn.is_read_ended() || !layers.input_ended;
        if layers.stack.is_empty() && layers.wire.is_empty() && layers.plain.is_empty() && is_input_through {
            self.layers = None;
        }
        self.note_unsent();
    }

    pub(super) fn drop_layers(&mut self) {
        if let Some(layers) = self.layers.take() {
            if layers.input_ended {
                self.conn.note_read_ended();
            }
            self.conn.set_held_below(0);
        }
    }

    // ---- questions ------------------------------------------------------------------------------------

    /// When something is due in the layers that can move then.
    pub(super) fn layers_timeout(&self, layers: &Layers) -> Option<Instant> {
        let is_wanted = self.conn.takes_input() || !layers.stack.is_established();
        let inward = if is_wanted { layers.stack.next_timeout(Direction::In) } else { None };
        let outward = if layers.wire.is_empty() { layers.stack.next_timeout(Direction::Out) } else { None };
        inward.into_iter().chain(outward).min()
    }

    pub(super) fn layers_want_read(&self, layers: &Layers) -> bool {
        let has_room = layers.stack.is_empty() || layers.stack.has_room(Direction::In);
        let is_wanted = if layers.stack.is_established() {
            // What is queued waits for the layers, not for whoever asks for more.
            self.conn.wants_read() && (!self.conn.is_open() || self.queued() < HIGH_WATER)
        } else {
            !self.conn.is_read_ended()
        };
        is_wanted && has_room && !layers.input_ended
    }
}

/// Moves at most `n` bytes of the front of the queue into the stack.
fn push_piece(conn: &mut Connection, layers: &mut Layers, now: Instant, n: usize) {
    let n = n.min(PIECE);
    if layers.security == Security::None && layers.stack.hides_wire() {
        conn.note_sent_above(now, n);
        layers.plain.push((Direction::Out, conn.front()[..n].to_vec()));
    }
    layers.stack.push(now, Direction::Out, Flow::Data(conn.front()[..n].to_vec()));
    conn.consume_front(now, n);
}
