//! `ConnInfo`: the facts of one connection: who its peer is, what has moved, how far it is.
//!
//! Owns the cells; the session alone writes them, everybody reads them. What a script asks for changes some of them before
//! it is carried out: those requests stand in `view`.

use std::cell::{Cell, Ref, RefCell};
use std::time::{Duration, Instant};

use crate::endpoint::{Address, Endpoint};
use crate::layer::tls::TlsFacts;
use crate::session::ListenerId;

/// Which end of the connection tcpx is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Side {
    /// tcpx accepted it.
    Server,
    /// tcpx made it.
    Client,
    /// It is the pipes of a program that tcpx has started for another one.
    Program,
}

/// The facts of one connection.
#[derive(Debug)]
pub struct ConnInfo {
    peer: RefCell<Address>,
    local: RefCell<Address>,
    target: Option<Box<str>>,
    listener: Option<ListenerId>,
    opened: Cell<Instant>,
    last_activity: Cell<Instant>,
    last_received: Cell<Instant>,
    bytes_in: Cell<u64>,
    bytes_out: Cell<u64>,
    queued: Cell<usize>,
    /// Queued bytes at or below which a handler waits to be told, whatever it takes.
    awaited_room: Cell<Option<usize>>,
    /// Received bytes that the handler keeps until they are asked for.
    kept: Cell<usize>,
    idle_limit: Cell<Option<Duration>>,
    peer_idle_limit: Cell<Option<Duration>>,
    #[expect(clippy::box_collection, reason = "8 bytes while there is none, not 24")]
    toxics: RefCell<Option<Box<Vec<&'static str>>>>,
    tls: RefCell<Option<Box<TlsFacts>>>,
    /// In microseconds; at most some 71 minutes.
    connecting_us: Cell<u32>,
    side: Side,
    is_open: Cell<bool>,
    can_send: Cell<bool>,
    eof: Cell<bool>,
    heard_out: Cell<bool>,
    told_unsent: Cell<bool>,
    end_asked: Cell<bool>,
    has_received: Cell<bool>,
    peer_uid: Cell<Option<u32>>,
    nodelay: Cell<bool>,
}

impl ConnInfo {
    /// The facts of a connection that stands since `now`.
    pub(super) fn new(peer: Address, local: Address, side: Side, now: Instant) -> Self {
        Self {
            peer: RefCell::new(peer),
            local: RefCell::new(local),
            target: None,
            listener: None,
            opened: Cell::new(now),
            last_activity: Cell::new(now),
            last_received: Cell::new(now),
            bytes_in: Cell::new(0),
            bytes_out: Cell::new(0),
            queued: Cell::new(0),
            awaited_room: Cell::new(None),
            kept: Cell::new(0),
            idle_limit: Cell::new(None),
            peer_idle_limit: Cell::new(None),
            toxics: RefCell::default(),
            tls: RefCell::default(),
            connecting_us: Cell::new(0),
            side,
            is_open: Cell::new(true),
            can_send: Cell::new(true),
            eof: Cell::new(false),
            heard_out: Cell::new(false),
            told_unsent: Cell::new(false),
            end_asked: Cell::new(false),
            has_received: Cell::new(false),
            peer_uid: Cell::new(None),
            nodelay: Cell::new(true),
        }
    }

    /// The facts of a connection that is still being made to `target`.
    pub(super) fn dialing(target: &Endpoint, now: Instant) -> Self {
        let peer = Address::nowhere(target);
        let local = match &peer {
            Address::Unix(_) => Address::Unix(None),
            Address::Unixgram(_) => Address::Unixgram(None),
            nowhere => nowhere.clone(),
        };
        Self { target: Some(target.to_string().into()), ..Self::new(peer, local, Side::Client, now) }
    }

    pub(super) fn with_nodelay(self, on: bool) -> Self {
        self.nodelay.set(on);
        self
    }

    pub(super) fn with_listener(self, listener: Option<ListenerId>) -> Self {
        Self { listener, ..self }
    }

    // ---- who it is ------------------------------------------------------------------------------------

    /// Which end tcpx is.
    pub fn side(&self) -> Side {
        self.side
    }

    /// The other end's address; of no host while the connection is being made.
    pub fn peer(&self) -> Ref<'_, Address> {
        self.peer.borrow()
    }

    /// Our end's address; of no host while the connection is being made.
    pub fn local(&self) -> Ref<'_, Address> {
        self.local.borrow()
    }

    /// The other end's address as text; while the connection is being made, its target.
    pub fn peer_name(&self) -> String {
        match &self.target {
            Some(target) if self.peer.borrow().is_nowhere() => target.to_string(),
            _ => self.peer.borrow().to_string(),
        }
    }

    /// The user that the peer runs as, where the system knows it.
    pub fn peer_uid(&self) -> Option<u32> {
        self.peer_uid.get()
    }

    /// Sets the user that the peer runs as.
    pub fn set_peer_uid(&self, uid: Option<u32>) {
        self.peer_uid.set(uid);
    }

    /// Where it was to be made to, as given.
    pub fn target(&self) -> Option<&str> {
        self.target.as_deref()
    }

    /// The listener of a handler that accepted the connection.
    pub fn listener(&self) -> Option<ListenerId> {
        self.listener
    }

    /// Whether datagrams are exchanged, and not streams.
    pub fn is_datagram(&self) -> bool {
        self.peer.borrow().is_datagram()
    }

    // ---- how far it is --------------------------------------------------------------------------------

    /// Whether `Closed` was not delivered yet.
    pub fn is_open(&self) -> bool {
        self.is_open.get()
    }

    /// Whether it is neither closed nor shut down by us.
    pub fn can_send(&self) -> bool {
        self.can_send.get()
    }

    /// Whether the peer sent FIN.
    pub fn eof(&self) -> bool {
        self.eof.get()
    }

    /// Whether anything was received, be it an empty datagram.
    pub fn has_received(&self) -> bool {
        self.has_received.get()
    }

    /// Whether everything the peer has sent was delivered, up to its FIN: nothing more will come.
    pub fn is_heard_out(&self) -> bool {
        self.heard_out.get()
    }

    /// Whether a handler has asked for its end.
    pub fn is_end_asked(&self) -> bool {
        self.end_asked.get()
    }

    /// When it was accepted or connected; until then, when connecting began.
    pub fn opened(&self) -> Instant {
        self.opened.get()
    }

    /// Duration of connecting, resolving included; `None`: it was accepted.
    pub fn connecting_time(&self) -> Option<Duration> {
        (self.side == Side::Client).then(|| Duration::from_micros(self.connecting_us.get().into()))
    }

    /// When a byte last moved, in either direction, or was last seen to be on its way.
    pub fn last_activity(&self) -> Instant {
        self.last_activity.get()
    }

    /// When a byte last came from the peer, whatever layers still hold; the start of the connection if none has.
    pub fn last_received(&self) -> Instant {
        self.last_received.get()
    }

    // ---- what moved -----------------------------------------------------------------------------------

    /// Bytes received.
    pub fn bytes_in(&self) -> u64 {
        self.bytes_in.get()
    }

    /// Bytes the kernel took.
    pub fn bytes_out(&self) -> u64 {
        self.bytes_out.get()
    }

    /// Bytes waiting to be sent, those a script has just asked to be sent included.
    pub fn queued(&self) -> usize {
        self.queued.get()
    }

    /// Received bytes that the handler keeps until they are asked for.
    pub fn kept(&self) -> usize {
        self.kept.get()
    }

    /// Sets how many received bytes the handler keeps: they count as held by the connection.
    pub fn set_kept(&self, n: usize) {
        self.kept.set(n);
    }

    /// Asks for one [`Event::Drained`](crate::session::Event::Drained) as soon as at most `mark` bytes are queued; `None`:
    /// for none any more.
    pub fn await_room(&self, mark: Option<usize>) {
        self.awaited_room.set(mark);
    }

    // ---- its settings ---------------------------------------------------------------------------------

    /// Duration of silence after which the connection is idle.
    pub fn idle_limit(&self) -> Option<Duration> {
        self.idle_limit.get()
    }

    /// Duration of the peer's silence after which the connection is idle, whatever we send.
    pub fn peer_idle_limit(&self) -> Option<Duration> {
        self.peer_idle_limit.get()
    }

    /// Whether silence of any kind has a limit.
    pub fn has_idle_limit(&self) -> bool {
        self.idle_limit().is_some() || self.peer_idle_limit().is_some()
    }

    /// `TCP_NODELAY` as last asked for.
    pub fn nodelay(&self) -> bool {
        self.nodelay.get()
    }

    /// Number of toxics its script has asked for and not healed.
    pub fn toxics(&self) -> usize {
        self.toxics.borrow().as_ref().map_or(0, |toxics| toxics.len())
    }

    /// What the two sides have agreed on, if they speak TLS.
    pub fn tls(&self) -> Option<Ref<'_, TlsFacts>> {
        Ref::filter_map(self.tls.borrow(), Option::as_deref).ok()
    }

    // ---- what the session writes ----------------------------------------------------------------------

    pub(super) fn connected(&self, peer: Address, local: Address, now: Instant) {
        self.peer.replace(peer);
        self.local.replace(local);
        let took = now.saturating_duration_since(self.opened.replace(now)).as_micros();
        self.connecting_us.set(u32::try_from(took).unwrap_or(u32::MAX));
        self.last_activity.set(now);
        self.last_received.set(now);
    }

    /// The two ends are others than was thought.
    pub(super) fn set_ends(&self, peer: Address, local: Address) {
        self.peer.replace(peer);
        self.local.replace(local);
    }

    /// Bytes came from the socket; layers may still hold them.
    pub(super) fn note_heard(&self, now: Instant) {
        self.last_received.set(now);
    }

    /// `n` bytes arrived, whether or not they passed through the connection.
    pub(super) fn note_received(&self, now: Instant, n: usize) {
        self.bytes_in.set(self.bytes_in.get() + n as u64);
        self.has_received.set(true);
        self.last_activity.set(now);
    }

    /// The kernel took `n` bytes, from the queue or without passing through the connection.
    pub(super) fn note_sent(&self, now: Instant, n: usize) {
        self.bytes_out.set(self.bytes_out.get() + n as u64);
        self.last_activity.set(now);
    }

    /// Bytes are on their way: the peer acknowledges what the kernel holds, or they wait for us.
    pub(super) fn note_progress(&self, now: Instant) {
        self.last_activity.set(now);
    }

    /// Whether somebody waits for room and there is some; answered once.
    pub(super) fn take_room(&self) -> bool {
        let has_room = self.awaited_room.get().is_some_and(|mark| self.queued() <= mark);
        if has_room {
            self.awaited_room.set(None);
        }
        has_room
    }

    pub(super) fn set_tls(&self, facts: TlsFacts) {
        *self.tls.borrow_mut() = Some(Box::new(facts));
    }

    pub(super) fn set_queued(&self, n: usize) {
        self.queued.set(n);
    }

    pub(super) fn note_eof(&self) {
        self.eof.set(true);
    }

    pub(super) fn note_heard_out(&self) {
        self.heard_out.set(true);
    }

    /// Returns whether this is the first thing sent to nobody.
    pub(super) fn note_unsent(&self) -> bool {
        !self.told_unsent.replace(true)
    }

    /// A handler has asked for its end.
    pub(super) fn note_end_asked(&self) {
        self.end_asked.set(true);
    }

    /// Returns whether it could send until now.
    pub(super) fn stop_sending(&self) -> bool {
        self.can_send.replace(false)
    }

    /// Returns whether it was open until now.
    pub(super) fn close(&self) -> bool {
        self.is_open.replace(false)
    }

    /// Returns whether that is another limit than before: the same one, set again in `on_idle`, begins nothing anew.
    pub(super) fn set_idle_limit(&self, limit: Option<Duration>) -> bool {
        self.idle_limit.replace(limit) != limit
    }

    /// As [`ConnInfo::set_idle_limit`].
    pub(super) fn set_peer_idle_limit(&self, limit: Option<Duration>) -> bool {
        self.peer_idle_limit.replace(limit) != limit
    }

    pub(super) fn set_nodelay(&self, on: bool) {
        self.nodelay.set(on);
    }

    pub(super) fn add_toxic(&self, name: &'static str) {
        self.toxics.borrow_mut().get_or_insert_default().push(name);
    }

    /// Forgets the toxics of that name, or all.
    pub(super) fn forget_toxics(&self, name: Option<&str>) {
        if let Some(toxics) = &mut *self.toxics.borrow_mut() {
            toxics.retain(|known| name.is_some_and(|name| *known != name));
        }
    }
}

/// For tests of floors that have no state machine to bring a connection into a state.
#[cfg(test)]
impl ConnInfo {
    pub(crate) fn pretend_moved(&self, bytes_in: u64, bytes_out: u64) {
        self.bytes_in.set(bytes_in);
        self.bytes_out.set(bytes_out);
    }

    pub(crate) fn pretend_queued(&self, n: usize) {
        self.queued.set(n);
    }

    pub(crate) fn pretend_shut_down(&self) {
        self.can_send.set(false);
    }

    pub(crate) fn pretend_closed(&self) {
        self.can_send.set(false);
        self.is_open.set(false);
    }
}
