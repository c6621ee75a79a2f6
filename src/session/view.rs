//! `ConnView`: what anybody may know about a connection at any time, and the text settings of its two
//! directions.
//!
//! Shared (`Rc`) between the state machine, which keeps it up to date, and the handler, which reads it and
//! may change encoding, line end and label. It outlives the connection, so a handler may keep it.

use std::any::Any;
use std::borrow::Cow;
use std::cell::{Cell, OnceCell, RefCell};
use std::time::{Duration, Instant};

use crate::codec::charset::{EncodeError, Encoder};
use crate::config::{Charset, Text};
use crate::endpoint::{Address, Endpoint};
use crate::session::{ConnId, ListenerId};

/// Which end of the connection tcpx is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Side {
    /// tcpx accepted it.
    Server,
    /// tcpx made it.
    Client,
}

/// A connection as others see it.
#[derive(Debug)]
pub struct ConnView {
    /// The connection's number.
    pub id: ConnId,
    /// The other end, once it stands.
    pub peer: RefCell<Address>,
    /// Our end, once it stands.
    pub local: RefCell<Address>,
    /// Where a connection that is still being made goes to.
    pub target: Option<Box<str>>,
    /// The listener of a handler that accepted it.
    pub listener: Cell<Option<ListenerId>>,
    /// Which end tcpx is.
    pub side: Side,
    /// When it was accepted or connected; until then, when connecting began.
    pub opened: Cell<Instant>,
    /// How long connecting took, resolving included, in microseconds; at most some 71 minutes.
    connecting_us: Cell<u32>,
    /// When a byte last moved, in either direction.
    pub last_activity: Cell<Instant>,
    /// Bytes received.
    pub bytes_in: Cell<u64>,
    /// Bytes the kernel took.
    pub bytes_out: Cell<u64>,
    /// Bytes waiting to be sent.
    pub queued: Cell<usize>,
    /// `Closed` was not delivered yet.
    pub is_open: Cell<bool>,
    /// Neither closed nor shut down by us.
    pub can_send: Cell<bool>,
    /// The peer sent FIN.
    pub eof: Cell<bool>,
    /// After how much silence the connection is idle.
    pub idle: Cell<Option<Duration>>,
    /// `TCP_NODELAY` as last set.
    pub nodelay: Cell<bool>,
    /// How received bytes are decoded; a change takes effect with the next bytes.
    pub recv: Cell<Charset>,
    /// What `Charset::Auto` turned out to be.
    pub detected: Cell<Option<&'static encoding_rs::Encoding>>,
    /// The names of the toxics its script has asked for and not healed.
    pub toxics: RefCell<Vec<&'static str>>,
    /// How text is encoded.
    encoder: RefCell<Encoder>,
    /// A name for log lines, if one was given.
    pub label: RefCell<Option<String>>,
    /// What ends a sent line.
    pub eol: RefCell<Cow<'static, str>>,
    /// Whether a lone LF in sent text becomes CR LF.
    pub crlf: bool,
    /// What the handler keeps with the connection; nobody else looks inside.
    pub attachment: OnceCell<Box<dyn Any>>,
}

impl ConnView {
    /// A connection that stands since `now`.
    pub fn new(
        id: ConnId,
        peer: impl Into<Address>,
        local: impl Into<Address>,
        side: Side,
        text: &Text,
        now: Instant,
    ) -> Self {
        Self {
            id,
            peer: RefCell::new(peer.into()),
            local: RefCell::new(local.into()),
            target: None,
            listener: Cell::new(None),
            side,
            opened: Cell::new(now),
            connecting_us: Cell::new(0),
            last_activity: Cell::new(now),
            bytes_in: Cell::new(0),
            bytes_out: Cell::new(0),
            queued: Cell::new(0),
            is_open: Cell::new(true),
            can_send: Cell::new(true),
            eof: Cell::new(false),
            idle: Cell::new(None),
            nodelay: Cell::new(true),
            recv: Cell::new(text.recv.unwrap_or(Charset::Named(encoding_rs::UTF_8))),
            detected: Cell::new(None),
            toxics: RefCell::default(),
            encoder: RefCell::new(Encoder::new(text.send.unwrap_or(encoding_rs::UTF_8), text.unencodable)),
            label: RefCell::new(None),
            eol: RefCell::new(Cow::Borrowed(if text.crlf { "\r\n" } else { "\n" })),
            crlf: text.crlf,
            attachment: OnceCell::new(),
        }
    }

    /// A connection that is still being made to `target`.
    pub fn wanted(id: ConnId, target: &Endpoint, text: &Text, now: Instant) -> Self {
        let (peer, local) = match target {
            Endpoint::Tcp { .. } => (Address::NOWHERE, Address::NOWHERE),
            Endpoint::Unix(name) => (Address::Unix(Some(name.clone())), Address::Unix(None)),
        };
        let target = Some(target.to_string().into());
        Self { target, ..Self::new(id, peer, local, Side::Client, text, now) }
    }

    /// It stands now.
    pub fn connected(&self, peer: Address, local: Address, now: Instant) {
        self.peer.replace(peer);
        self.local.replace(local);
        let took = now.saturating_duration_since(self.opened.replace(now)).as_micros();
        self.connecting_us.set(u32::try_from(took).unwrap_or(u32::MAX));
        self.last_activity.set(now);
    }

    /// How long connecting took, resolving included; `None`: it was accepted.
    pub fn connecting_time(&self) -> Option<Duration> {
        (self.side == Side::Client).then(|| Duration::from_micros(self.connecting_us.get().into()))
    }

    /// The kernel took so many bytes, from the queue or without passing through the connection.
    pub fn note_sent(&self, now: Instant, n: usize) {
        self.bytes_out.set(self.bytes_out.get() + n as u64);
        self.last_activity.set(now);
    }

    /// The other end's address; while it is still being made, where it goes to.
    pub fn peer_name(&self) -> String {
        match &self.target {
            Some(target) if *self.peer.borrow() == Address::NOWHERE => target.to_string(),
            _ => self.peer.borrow().to_string(),
        }
    }

    /// Encodes text for this connection, all of it or nothing.
    pub fn encode(&self, text: &str) -> Result<Vec<u8>, EncodeError> {
        self.encoder.borrow_mut().encode_whole(text)
    }

    /// Encodes text of an endless stream: before an error, what came before it is in `out`.
    pub fn encode_stream(&self, text: &str, out: &mut Vec<u8>) -> Result<(), EncodeError> {
        self.encoder.borrow_mut().encode(text, out)
    }

    /// The bytes that end the encoded stream (ISO-2022-JP returns to ASCII).
    pub fn finish_encoding(&self, out: &mut Vec<u8>) {
        self.encoder.borrow_mut().finish(out);
    }

    /// Changes the encoding of both directions; `Charset::Auto` sends UTF-8.
    pub fn set_charset(&self, charset: Charset) {
        self.recv.set(charset);
        self.detected.set(None);
        let encoding = match charset {
            Charset::Auto => encoding_rs::UTF_8,
            Charset::Named(encoding) => encoding,
        };
        let mut encoder = self.encoder.borrow_mut();
        *encoder = Encoder::new(encoding, encoder.unencodable());
    }

    /// The label, or the peer's address: what log lines call this connection.
    pub fn name(&self) -> String {
        self.label.borrow().clone().unwrap_or_else(|| self.peer_name())
    }
}
