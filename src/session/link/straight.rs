//! What a [`Link`] hands on to its connection as it is, because layers make no difference to it.

use std::rc::Rc;
use std::time::{Duration, Instant};

use super::Link;
use crate::session::{ChosenForm, ConnView, EventMask};

impl Link {
    /// What others see of this connection.
    pub fn view(&self) -> &Rc<ConnView> {
        self.conn.view()
    }

    /// Whether datagrams are exchanged, and not streams.
    pub fn is_datagram(&self) -> bool {
        self.conn.is_datagram()
    }

    /// The other end refuses datagrams. Returns whether that is its end, and no fault.
    pub fn takes_refusal(&mut self) -> bool {
        self.conn.takes_refusal()
    }

    /// Whether its opening was told.
    pub fn is_announced(&self) -> bool {
        !self.conn.is_unannounced()
    }

    /// Which events somebody takes.
    pub fn event_mask(&self) -> EventMask {
        self.conn.event_mask()
    }

    /// Somebody else takes the events. What was not delivered takes the form they want; a chosen framing stays.
    pub fn set_event_mask(&mut self, event_mask: EventMask) {
        self.conn.set_event_mask(event_mask);
    }

    /// Whether received bytes are decoded for stdout, where no handler takes them.
    pub fn set_decoded(&mut self, is_decoded: bool) {
        self.conn.set_decoded(is_decoded);
    }

    /// Whether it stands and neither side's handler has closed it.
    pub fn is_open(&self) -> bool {
        self.conn.is_open()
    }

    /// Whether it was ended in order by our side, and only the peer's last bytes are awaited and thrown away.
    pub fn is_lingering(&self) -> bool {
        self.conn.is_lingering()
    }

    /// Whether it matters what the kernel still holds of what was sent.
    pub fn awaits_acknowledgement(&self) -> bool {
        self.conn.awaits_acknowledgement()
    }

    /// Whether it ends once what was sent has arrived, and not before.
    pub fn awaits_arrival(&self) -> bool {
        self.conn.awaits_arrival()
    }

    /// Whether it can still send.
    pub fn can_send(&self) -> bool {
        self.conn.can_send()
    }

    /// Whether the run has failed, and this connection is the whole run: then it ends by RST.
    pub fn set_failing(&mut self, fails: bool) {
        self.conn.set_failing(fails);
    }

    /// Pauses after each line that is sent from now on, or after each datagram. `holds_end`: the end comes after a pause, too.
    pub fn set_line_delay(&mut self, delay: Duration, holds_end: bool) {
        self.conn.set_line_delay(delay, holds_end);
    }

    /// Whether something waits for the end of such a pause.
    pub fn is_pausing(&self) -> bool {
        self.conn.is_pausing()
    }

    // ---- what arrives ---------------------------------------------------------------------------------

    /// Bytes arrived and went their way without passing through here ([`Link::passes_through`]).
    pub fn note_received(&mut self, now: Instant, n: usize) {
        self.note_heard(now);
        self.conn.note_received(now, n);
    }

    /// A chunk arrived and went to its handler as it is ([`Link::gives_chunks`]).
    pub fn note_chunk(&mut self, now: Instant, bytes: &[u8]) {
        self.note_heard(now);
        self.conn.note_chunk(now, bytes);
    }

    /// Bytes came from the peer, or wait in the kernel because of us: it is not silent.
    pub fn note_heard(&mut self, now: Instant) {
        self.view().info.note_heard(now);
    }

    /// Something that moves slowly counts as activity: bytes wait for room elsewhere, or for the time of a layer.
    pub fn note_progress(&mut self, now: Instant) {
        self.conn.note_progress(now);
    }

    /// The run ends: what has arrived of an unfinished unit is told, as far as that can be.
    pub fn break_off_input(&mut self) {
        self.conn.break_off_input();
    }

    /// Stops reading and delivering, or goes on. What was received stays for later, in order.
    pub fn set_paused(&mut self, paused: bool) {
        self.conn.set_paused(paused);
    }

    /// The idle limit in the view was changed; it counts from the last byte.
    pub fn handle_idle_change(&mut self, now: Instant) {
        self.conn.handle_idle_change(now);
    }

    /// The limit for the silence of the peer in the view was changed; it counts from the last byte of the peer.
    pub fn handle_peer_idle_change(&mut self, now: Instant) {
        self.conn.handle_peer_idle_change(now);
    }

    /// Changes the form of what was not delivered yet; `None`: the one the event mask asks for.
    pub fn set_form(&mut self, chosen: Option<ChosenForm>) {
        self.conn.set_form(chosen);
    }

    /// The handler has measured the next frame; 0: it needs more bytes.
    pub fn cut(&mut self, length: usize) {
        self.conn.cut(length);
    }

    /// The handler has dealt with the first bytes of what it measured.
    pub fn skip(&mut self, n: usize) {
        self.conn.skip(n);
    }

    // ---- what is sent ---------------------------------------------------------------------------------

    /// Queues bytes; ignored once this side is closed.
    pub fn send(&mut self, bytes: Vec<u8>) {
        self.conn.send(bytes);
    }

    /// Queues bytes that stay with their owner; ignored once this side is closed.
    pub fn send_slice(&mut self, bytes: &[u8]) {
        self.conn.send_slice(bytes);
    }

    /// FIN once everything queued is sent, and every layer has said goodbye. Reading goes on.
    pub fn shutdown(&mut self) {
        self.conn.shutdown();
    }

    /// Whether the handler waits for something that only the session knows: silence, or room in the queue.
    pub fn outlasts_input(&self) -> bool {
        self.conn.outlasts_input()
    }

    /// Leaves a gap in the queue for something that is filled in piece by piece. Whether anything is still sent.
    pub fn open_placeholder(&mut self) -> bool {
        self.conn.open_placeholder()
    }

    /// How many gaps the queue has.
    pub fn placeholders(&self) -> usize {
        self.conn.placeholders()
    }

    /// Whether the first gap is all that is left to send, and there is room for more of it.
    pub fn wants_filling(&self) -> bool {
        self.conn.wants_filling()
    }

    /// Bytes for the first gap.
    pub fn fill(&mut self, bytes: Vec<u8>) {
        self.conn.fill(bytes);
    }

    /// The first gap has everything.
    pub fn close_placeholder(&mut self) {
        self.conn.close_placeholder();
    }

    /// The kernel took `n` bytes that did not pass through here ([`Link::accepts_moves`]).
    pub fn note_sent(&mut self, now: Instant, n: usize) {
        self.conn.note_sent(now, n);
    }

    // ---- what waits outside ---------------------------------------------------------------------------

    /// So many bytes wait outside and count as queued; what is queued later goes after them ([`Link::accepts_spliced`]).
    pub fn send_spliced(&mut self, n: usize) {
        self.conn.send_spliced(n);
    }

    /// How many bytes wait outside; 0 also when they are wanted no more.
    pub fn spliced(&self) -> usize {
        self.conn.spliced()
    }

    /// The kernel took `n` bytes of what waits outside.
    pub fn transmitted_spliced(&mut self, now: Instant, n: usize) {
        self.conn.transmitted_spliced(now, n);
    }

    /// Everything that waits outside comes back, to be sent first; layers have to be added after that.
    pub fn absorb(&mut self, bytes: Vec<u8>) {
        self.conn.absorb(bytes);
    }
}
