//! `Link`: a [`Connection`] with its stack of layers. The same `handle_*` and `poll_*` face, still pure, so that whoever
//! owns the socket does not know whether there are layers.
//!
//! Owns whether bytes may go past the layers ([`Link::is_transparent`]), when the opening is told, and the bytes on their way
//! between layers and socket. To the connection, what layers hold has not arrived, or was not sent. Without layers a call
//! costs one look at an `Option`.

mod arrived;
mod layered;
mod straight;

use std::rc::Rc;
use std::time::Instant;

use crate::buffer::ByteQueue;
use crate::layer::tls::Tls;
use crate::layer::toxics::{Toxic, Toxics};
use crate::layer::{Direction, Layer, Stack};
use crate::session::connection::{Action, Settings};
use crate::session::link::arrived::Marks;
use crate::session::{CloseReason, ConnError, ConnView, Connection, Event};

/// One peer, and what stands between it and its socket.
#[derive(Debug)]
pub struct Link {
    conn: Connection,
    /// `None`: nothing stands between them, and nothing is held.
    layers: Option<Box<Layers>>,
    /// Set if somebody asks what has arrived.
    marks: Option<Box<Marks>>,
}

/// A stack, and how far the two streams are in it.
#[derive(Debug, Default)]
struct Layers {
    stack: Stack,
    /// The peer's end was given to the stack.
    input_ended: bool,
    /// That end is a broken link.
    broken: Option<ConnError>,
    /// The end of what we send was given to the stack.
    output_ends: bool,
    /// The end of what we send has left the stack.
    output_ended: bool,
    /// What has left the stack and waits for the socket.
    wire: ByteQueue,
    /// What waits for the socket was hidden by a layer when it came there.
    is_wire_hidden: bool,
    /// What has passed above layers that hide the wire, for observers.
    plain: Vec<(Direction, Vec<u8>)>,
    /// How far TLS is.
    security: Security,
}

/// How far TLS is on a connection.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
enum Security {
    /// There is none.
    #[default]
    None,
    /// The two sides agree on it; whether its handler is told once they have.
    Agreeing {
        /// It stood in the clear before.
        is_told: bool,
    },
    /// What passes is encrypted.
    Agreed,
}

impl Link {
    /// A connection that stands, without layers.
    pub fn new(view: Rc<ConnView>, settings: Settings) -> Self {
        Self { conn: Connection::new(view, settings), layers: None, marks: None }
    }

    // ---- layers ---------------------------------------------------------------------------------------

    /// Puts a layer above all others. What was sent before does not pass it.
    pub fn add_layer(&mut self, now: Instant, layer: Box<dyn Layer>) {
        if !self.conn.is_released() {
            self.empty_queue(now);
            self.layers.get_or_insert_default().stack.add_top(layer);
            self.settle();
        }
    }

    /// Speaks TLS from now on. What was queued before still goes out in the clear. With `tap`, what passes is kept for
    /// [`Link::take_plain`].
    pub fn secure(&mut self, now: Instant, mut tls: Tls, tap: bool) {
        if self.conn.is_released() {
            return;
        }
        if tap {
            tls.tap();
        }
        let is_told = !self.conn.is_unannounced();
        self.empty_queue(now);
        let layers = self.layers.get_or_insert_default();
        tls.note_clear(layers.unsent());
        layers.stack.add_top(Box::new(tls));
        layers.security = Security::Agreeing { is_told };
        self.settle();
    }

    /// Drops what was received and not told: it came in the clear, before TLS. Returns how many bytes.
    pub fn discard_undelivered(&mut self) -> usize {
        self.conn.discard_undelivered()
    }

    /// Whether TLS is spoken, or being agreed on.
    pub fn is_secured(&self) -> bool {
        self.layers.as_ref().is_some_and(|layers| layers.security != Security::None)
    }

    /// The end of our direction, without the `close_notify` that would call it an orderly one.
    pub fn shutdown_unsaid(&mut self) {
        if let Some(tls) = self.layers.as_mut().and_then(|layers| layers.stack.find::<Tls>()) {
            tls.skip_goodbye();
        }
        self.shutdown();
    }

    /// What comes, or is sent, from now on passes through a toxic. `seed` is what its chance comes from.
    pub fn add_toxic(&mut self, now: Instant, direction: Direction, toxic: Toxic, seed: u64) {
        if self.conn.is_released() {
            return;
        }
        let toxics = self.toxics();
        if direction == Direction::Out && toxics.is_none_or(|toxics| toxics.is_empty(direction)) {
            // What was sent before is not concerned.
            self.empty_layers(now);
        }
        if self.toxics().is_none() {
            // They are faults of the network: everything else stands above them.
            self.layers.get_or_insert_default().stack.add_bottom(Box::<Toxics>::default());
        }
        if let Some(toxics) = self.toxics() {
            toxics.add(now, direction, toxic, seed);
        }
        self.settle();
    }

    /// Removes the toxics of that name, or all; what they hold goes on at once.
    pub fn heal(&mut self, now: Instant, name: Option<&str>) {
        if let Some(toxics) = self.toxics() {
            toxics.heal(now, name);
            self.settle();
        }
    }

    fn toxics(&mut self) -> Option<&mut Toxics> {
        self.layers.as_mut()?.stack.find()
    }

    /// Whether every layer is established. Until then nothing that is queued goes out, and no event is told.
    pub fn is_established(&self) -> bool {
        self.layers.as_ref().is_none_or(|layers| layers.stack.is_established())
    }

    /// Whether observers of bytes get what [`Link::take_plain`] returns, in place of what is read from the socket.
    pub fn hides_received(&self) -> bool {
        self.is_secured() || self.layers.as_ref().is_some_and(|layers| layers.stack.hides_wire())
    }

    /// The same of what is written to the socket.
    pub fn hides_sent(&self) -> bool {
        self.is_secured() || self.layers.as_ref().is_some_and(|layers| layers.is_wire_hidden)
    }

    /// What has passed above layers that hide the wire since the last call, in order. TLS keeps it itself, when it is encrypted or
    /// decrypted.
    pub fn take_plain(&mut self) -> Vec<(Direction, Vec<u8>)> {
        let Some(layers) = &mut self.layers else { return Vec::new() };
        let mut plain = std::mem::take(&mut layers.plain);
        let had_some = !plain.is_empty();
        if layers.security != Security::None {
            plain.extend(layers.stack.find::<Tls>().map(Tls::take_tapped).unwrap_or_default());
        }
        if had_some {
            self.settle();
        }
        plain
    }

    // ---- fast paths -----------------------------------------------------------------------------------

    /// Whether nothing stands between the socket and the connection, and nothing is held: the first question of everything
    /// that lets bytes go past the layers.
    pub fn is_transparent(&self) -> bool {
        self.layers.is_none()
    }

    /// Whether received bytes go to stdout as they are, so that they need not pass through here.
    pub fn passes_through(&self) -> bool {
        self.is_transparent() && self.conn.passes_through()
    }

    /// Whether received bytes are chunks for somebody who takes them as they are, with nothing before them, so that they
    /// need not pass through here.
    pub fn gives_chunks(&self) -> bool {
        self.is_transparent() && self.conn.gives_chunks()
    }

    /// Whether what is sent next may wait outside, in a kernel pipe that the owner of the socket has.
    pub fn accepts_spliced(&self) -> bool {
        self.is_transparent() && self.conn.accepts_spliced()
    }

    /// Whether bytes may go to the socket without passing through here, once nothing is queued.
    pub fn accepts_moves(&self) -> bool {
        self.is_transparent() && self.conn.can_send() && !self.conn.is_paced()
    }

    // ---- inputs ---------------------------------------------------------------------------------------

    /// Bytes arrived, as one read gave them.
    pub fn handle_input(&mut self, now: Instant, bytes: &[u8]) {
        self.note_heard(now);
        if self.is_transparent() {
            self.conn.handle_input(now, bytes);
        } else {
            self.push_input(now, bytes);
        }
    }

    /// The peer sent FIN.
    pub fn handle_eof(&mut self, now: Instant) {
        if self.is_transparent() {
            self.conn.handle_eof();
        } else {
            self.push_end(now, None);
        }
    }

    /// Reading failed: the connection is broken. What arrived before is still delivered.
    pub fn handle_read_error(&mut self, now: Instant, error: ConnError) {
        if self.is_transparent() {
            self.conn.handle_read_error(error);
        } else {
            self.push_end(now, Some(error));
        }
    }

    /// Writing failed. What the peer sent before may still be there: the error is told when reading ends.
    pub fn handle_write_error(&mut self, _now: Instant, error: ConnError) {
        self.conn.handle_write_error(error);
        self.settle();
    }

    /// Time has come to `now`; `unacknowledged` is what the kernel still holds of what was sent.
    pub fn handle_timeout(&mut self, now: Instant, unacknowledged: usize) {
        self.conn.handle_timeout(now, unacknowledged);
        self.settle();
    }

    /// Flush, FIN, let go. No data event follows.
    pub fn close(&mut self, why: CloseReason) {
        self.conn.close(why);
        self.settle_end();
    }

    fn settle_end(&mut self) {
        if self.withholds_events() && self.conn.queued() == 0 && self.conn.placeholders() == 0 {
            // Nobody has anything to say: there is nothing to establish layers for.
            self.drop_layers();
            self.conn.forget_opened();
        }
        self.stop_agreeing();
        self.settle();
    }

    /// On a connection that stood in the clear before: nothing waits for TLS that is still being agreed on, and the peer may never
    /// answer. What was sent before goes out.
    fn stop_agreeing(&mut self) {
        let Some(layers) = &mut self.layers else { return };
        let is_idle = self.conn.front().is_empty() && self.conn.placeholders() == 0;
        if matches!(layers.security, Security::Agreeing { is_told: true })
            && is_idle
            && layers.stack.find::<Tls>().is_some_and(|tls| tls.waiting() == tls.encrypted())
        {
            layers.stack.remove_top();
            layers.security = Security::None;
        }
    }

    /// Flush, wait until that has arrived, RST, let go: our side has failed. No data event follows.
    pub fn abort(&mut self, why: CloseReason) {
        self.conn.abort(why);
        self.settle_end();
    }

    /// RST now; what is queued is dropped.
    pub fn reset(&mut self, why: CloseReason) {
        self.conn.reset(why);
        self.settle();
    }

    /// Lets go without waiting for the peer any more: without RST, unless something that was to be sent is dropped.
    pub fn abandon(&mut self, why: CloseReason) {
        self.conn.abandon(why);
        self.settle();
    }

    /// Trouble that ends the connection: told, then reset, so that the peer takes no part for the whole.
    pub fn break_off(&mut self, error: ConnError) {
        if !self.conn.is_released() {
            self.conn.push_error(error.kind, error.op, error.message);
            self.reset(CloseReason::Error);
        }
    }

    /// Something that was sent, and whose arrival was awaited, was lost: told, and over.
    pub fn lose(&mut self, error: ConnError) {
        self.conn.push_error(error.kind, error.op, error.message);
        self.reset(CloseReason::Reset);
    }

    /// Stops absorbing: the run ends and everything sent was acknowledged.
    pub fn stop_lingering(&mut self) {
        self.conn.stop_lingering();
        self.settle();
    }

    // ---- outputs --------------------------------------------------------------------------------------

    /// Lets in what is due of what layers hold, a chunk at a time; whether anything was, the opening included. Call it before
    /// [`Link::poll_event`], again as long as there was.
    pub fn release_input(&mut self, now: Instant) -> bool {
        !self.is_transparent() && self.pass_input(now)
    }

    /// Lets out what is due of what layers hold, a piece at a time. Call it before [`Link::poll_transmit`].
    pub fn release_output(&mut self, now: Instant) {
        self.conn.end_pause(now);
        if !self.is_transparent() {
            self.pass_output(now);
        }
    }

    /// The next thing that happened.
    pub fn poll_event(&mut self) -> Option<Event> {
        if self.is_transparent() {
            return self.conn.poll_event();
        }
        if self.withholds_events() {
            return None;
        }
        let event = self.conn.poll_event();
        self.settle();
        event
    }

    /// Whether [`Link::poll_event`] has something to give (lines that are not cut yet aside).
    pub fn has_events(&self) -> bool {
        !self.withholds_events() && self.conn.has_events()
    }

    /// Whether [`Link::poll_event`] has certainly nothing to give, at a glance.
    #[inline]
    pub fn has_told_all(&self) -> bool {
        self.is_transparent() && self.conn.has_told_all()
    }

    /// Whether, at a glance, nothing follows from what is known: no layers, open both ways, nothing queued or to be told.
    #[inline]
    pub fn is_at_rest(&self) -> bool {
        self.is_transparent() && self.conn.is_at_rest()
    }

    /// The front of what is to be sent; [`Link::release_output`] goes before, and so does what waits outside.
    pub fn poll_transmit(&self) -> Option<&[u8]> {
        match &self.layers {
            None => self.conn.poll_transmit(),
            Some(layers) => Some(layers.wire.as_slice()).filter(|wire| !wire.is_empty()),
        }
    }

    /// The kernel took `n` bytes of the front. Returns the memory they stood in if that is free now: an empty vector with room.
    pub fn transmitted(&mut self, now: Instant, n: usize) -> Vec<u8> {
        match &mut self.layers {
            None => self.conn.transmitted(now, n),
            Some(layers) => {
                layers.wire.consume(n);
                if let Some(marks) = &mut self.marks {
                    marks.written += n as u64;
                }
                let left = layers.unsent();
                let n = match layers.security {
                    // What a proxy's handshake hides was counted above it.
                    Security::None if layers.is_wire_hidden => 0,
                    Security::None => n,
                    _ => layers.stack.find::<Tls>().map_or(n, Tls::take_sent),
                };
                self.conn.transmitted_below(now, n, left);
                Vec::new()
            }
        }
    }

    /// What to do with the socket, once the queue was offered to it.
    pub fn poll_action(&mut self, now: Instant) -> Option<Action> {
        let Some(layers) = &self.layers else { return self.conn.poll_action(now) };
        if self.conn.is_finishing() && !layers.is_output_through() {
            self.conn.watch_abort(now);
            return self.conn.take_action();
        }
        let action = self.conn.poll_action(now);
        self.settle();
        action
    }

    /// When [`Link::handle_timeout`] wants to be called.
    pub fn poll_timeout(&self) -> Option<Instant> {
        let timer = self.conn.poll_timeout();
        match &self.layers {
            None => timer,
            Some(layers) => self.layers_timeout(layers).into_iter().chain(timer).min(),
        }
    }

    /// Whether reading is of use: not above the high-water mark, not ended.
    pub fn wants_read(&self) -> bool {
        match &self.layers {
            None => self.conn.wants_read(),
            Some(layers) => self.layers_want_read(layers),
        }
    }

    /// Whether bytes wait for the socket.
    pub fn wants_write(&self) -> bool {
        match &self.layers {
            None => self.conn.wants_write(),
            Some(layers) => !layers.wire.is_empty(),
        }
    }

    /// What waits to be sent, for back-pressure: bytes, and with layers somewhat more than that.
    pub fn queued(&self) -> usize {
        let overhead = self
            .layers
            .as_ref()
            .map_or(0, |layers| layers.stack.cost(Direction::Out).saturating_sub(layers.stack.held(Direction::Out)));
        self.conn.queued() + overhead
    }

    /// Bytes it holds in memory, in both directions.
    pub fn held(&self) -> usize {
        let in_layers = self.layers.as_ref().map_or(0, |layers| {
            let overhead = layers.stack.cost(Direction::Out).saturating_sub(layers.stack.held(Direction::Out));
            layers.stack.cost(Direction::In) + overhead
        });
        self.conn.held() + in_layers
    }

    /// Whether something that was sent or received waits for its time, in a layer or in a pause between lines.
    pub fn is_delaying(&self) -> bool {
        let is_waiting = |layers: &Layers, to| layers.stack.next_timeout(to).is_some();
        let directions = [Direction::In, Direction::Out];
        let waits_in_layer =
            || self.layers.as_ref().is_some_and(|layers| directions.into_iter().any(|to| is_waiting(layers, to)));
        self.is_pausing() || waits_in_layer()
    }
}
