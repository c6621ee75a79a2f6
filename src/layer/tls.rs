//! `Tls`: the layer that speaks TLS, as client or as server.
//!
//! Owns the way of bytes through a connection of rustls, which is driven over slices; the end of each direction
//! (`close_notify`) and what a missing one means; the time limit of the handshake. Certificates, keys and roots are read
//! above and come as [`ClientSide`] or [`ServerSide`].

pub mod certificate;
mod client;
mod facts;
mod fault;
mod server;
#[cfg(test)]
mod tests;
pub mod verifier;

use std::collections::VecDeque;
use std::io::{BufRead, Write};
use std::time::Instant;

use rustls::Connection;
use rustls::pki_types::ServerName;

pub use client::ClientSide;
pub use facts::TlsFacts;
pub use server::ServerSide;

use crate::buffer::ByteQueue;
use crate::layer::{Direction, Flow, Layer, LayerError, LayerErrorKind, State};
use verifier::Reason;

/// Bytes that are encrypted or decrypted into one flow.
const PIECE: usize = 64 << 10;

/// First bytes of the peer that are kept for a message.
const FIRST: usize = 32;

/// The time limit of a handshake.
#[derive(Clone, Debug)]
pub struct HandshakeLimit {
    /// When it is over.
    pub at: Instant,
    /// What is told then.
    pub message: String,
}

/// TLS on one connection.
pub struct Tls {
    conn: Connection,
    /// The name the server's certificate has to be for.
    name: Option<String>,
    /// Where the verifier leaves the reason of a refusal.
    reason: Option<Reason>,
    limit: Option<HandshakeLimit>,
    /// The handshake is done, and our last message of it was given out.
    is_open: bool,
    /// What the peer sent first.
    first: Vec<u8>,
    /// Received and not decrypted.
    received: ByteQueue,
    /// Decrypted and not given out.
    decrypted: Vec<u8>,
    /// The peer has said its goodbye, and whether that was given out.
    goodbye: Option<Goodbye>,
    /// How the stream below has ended.
    ended_below: Option<Flow>,
    /// What is to be sent, in order.
    outward: VecDeque<Flow>,
    outward_bytes: usize,
    /// The end that leaves after everything encrypted.
    last: Option<Flow>,
    /// The end has left: what rustls still wants to say, such as an alert, has no way out.
    has_ended: bool,
    /// Our end says no goodbye: it is the end of something that was cut short.
    skips_goodbye: bool,
    /// Bytes to be sent as they are, to a client that does not speak TLS.
    in_clear: Option<Vec<u8>>,
    /// Bytes of the application that have left since [`Tls::take_sent`].
    sent: usize,
    fault: Option<LayerError>,
    /// The fault was told: nothing passes any more.
    is_over: bool,
    /// What passes, for whoever watches.
    tap: Option<Vec<(Direction, Vec<u8>)>>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Goodbye {
    Heard,
    Told,
}

impl Tls {
    /// The client's side of a connection to a server of that name.
    ///
    /// # Errors
    /// The settings contradict each other.
    pub fn client(side: &ClientSide, name: ServerName<'static>, limit: HandshakeLimit) -> Result<Self, String> {
        let text = name.to_str().into_owned();
        let (conn, reason) = side.begin(name).map_err(|error| error.to_string())?;
        Ok(Self { name: Some(text), reason: Some(reason), ..Self::new(conn.into(), limit) })
    }

    /// The server's side of a connection.
    ///
    /// # Errors
    /// The settings contradict each other.
    pub fn server(side: &ServerSide, limit: HandshakeLimit) -> Result<Self, String> {
        side.begin().map(|conn| Self::new(conn.into(), limit)).map_err(|error| error.to_string())
    }

    fn new(conn: Connection, limit: HandshakeLimit) -> Self {
        Self {
            conn,
            name: None,
            reason: None,
            limit: Some(limit),
            is_open: false,
            first: Vec::new(),
            received: ByteQueue::new(),
            decrypted: Vec::new(),
            goodbye: None,
            ended_below: None,
            outward: VecDeque::new(),
            outward_bytes: 0,
            last: None,
            has_ended: false,
            skips_goodbye: false,
            in_clear: None,
            sent: 0,
            fault: None,
            is_over: false,
            tap: None,
        }
    }

    /// What the two sides have agreed on, once the handshake is done.
    pub fn facts(&self) -> Option<TlsFacts> {
        self.is_open.then(|| TlsFacts::of(&self.conn, self.name.as_deref()))
    }

    /// Bytes of the application that have left since the last call.
    pub fn take_sent(&mut self) -> usize {
        std::mem::take(&mut self.sent)
    }

    /// Bytes of the application that were encrypted since [`Tls::take_sent`].
    pub fn encrypted(&self) -> usize {
        self.sent
    }

    /// Bytes of the application that it was given since [`Tls::take_sent`], encrypted or not.
    pub fn waiting(&self) -> usize {
        self.sent + self.outward_bytes
    }

    /// So many bytes that were sent in the clear have not left yet, and count as sent with what follows.
    pub fn note_clear(&mut self, n: usize) {
        self.sent += n;
    }

    /// Keeps what passes from now on, in both directions, for [`Tls::take_tapped`].
    pub fn tap(&mut self) {
        self.tap.get_or_insert_default();
    }

    /// What has passed since the last call, in order.
    pub fn take_tapped(&mut self) -> Vec<(Direction, Vec<u8>)> {
        self.tap.as_mut().map(std::mem::take).unwrap_or_default()
    }

    /// Our end will come without `close_notify`, as that of a stream that was cut short.
    pub fn skip_goodbye(&mut self) {
        self.skips_goodbye = true;
    }

    // ---- what arrives ---------------------------------------------------------------------------------

    /// Decrypts what was received, at most a piece at a time.
    fn decrypt(&mut self) {
        while self.decrypted.len() < PIECE && self.fault.is_none() && self.goodbye.is_none() {
            if self.received.is_empty() {
                break;
            }
            let mut rest = self.received.as_slice();
            match self.conn.read_tls(&mut rest) {
                Ok(0) => break,
                Ok(n) => self.received.consume(n),
                Err(error) => {
                    self.fault = Some(fault::fault(LayerErrorKind::Protocol, error.to_string()));
                    break;
                }
            }
            let was_handshaking = self.conn.is_handshaking();
            let result = self.conn.process_new_packets();
            self.take_decrypted();
            match result {
                Ok(state) if state.peer_has_closed() => self.goodbye = Some(Goodbye::Heard),
                Ok(_) => {}
                Err(error) => {
                    let refusal = self.reason.as_ref().and_then(|reason| client::take_reason(reason));
                    self.fault = Some(fault::of(&error, was_handshaking, &self.first, refusal));
                }
            }
        }
    }

    fn take_decrypted(&mut self) {
        let mut reader = self.conn.reader();
        while let Ok(bytes) = reader.fill_buf()
            && !bytes.is_empty()
        {
            self.decrypted.extend_from_slice(bytes);
            let n = bytes.len();
            reader.consume(n);
        }
    }

    fn poll_in(&mut self) -> Result<Option<Flow>, LayerError> {
        self.decrypt();
        self.open();
        if !self.decrypted.is_empty() && self.is_open {
            let bytes = std::mem::take(&mut self.decrypted);
            if let Some(tap) = &mut self.tap {
                tap.push((Direction::In, bytes.clone()));
            }
            return Ok(Some(Flow::Data(bytes)));
        }
        if self.fault.is_some() {
            // An alert goes out first.
            return if self.has_output() { Ok(None) } else { self.fail() };
        }
        if self.goodbye == Some(Goodbye::Heard) && self.is_open {
            self.goodbye = Some(Goodbye::Told);
            return Ok(Some(Flow::Eof));
        }
        if self.goodbye == Some(Goodbye::Heard) {
            return Ok(None);
        }
        match self.ended_below.take() {
            Some(Flow::Eof) if self.goodbye.is_some() => Ok(None),
            Some(Flow::Eof) => {
                if self.is_open {
                    // We may still send: with TCP alone this would be a half-close.
                    self.goodbye = Some(Goodbye::Told);
                    let message = "the peer ended without saying so in TLS (no close_notify)";
                    return Err(fault::fault(LayerErrorKind::CutShort, message));
                }
                let message = "the peer ended the connection during the handshake";
                self.fault = Some(fault::fault(LayerErrorKind::Handshake, message));
                self.fail()
            }
            end => Ok(end),
        }
    }

    // ---- what is sent ---------------------------------------------------------------------------------

    fn has_output(&self) -> bool {
        self.in_clear.is_some() || (self.conn.wants_write() && !self.has_ended)
    }

    fn poll_out(&mut self) -> Result<Option<Flow>, LayerError> {
        loop {
            if let Some(bytes) = self.in_clear.take() {
                return Ok(Some(Flow::Data(bytes)));
            }
            if self.conn.wants_write() && !self.has_ended {
                let mut bytes = Vec::new();
                while self.conn.wants_write() && bytes.len() < PIECE {
                    // A vector takes everything.
                    let _ = self.conn.write_tls(&mut bytes);
                }
                return Ok(Some(Flow::Data(bytes)));
            }
            self.open();
            if let Some(last) = self.last.take() {
                self.has_ended = true;
                return Ok(Some(last));
            }
            if self.fault.is_some() {
                // What was decrypted before it is told before it.
                return if self.decrypted.is_empty() { self.fail() } else { Ok(None) };
            }
            if !self.is_open || !self.encrypt() {
                return Ok(None);
            }
        }
    }

    /// Encrypts the next flow, or a piece of it. Returns whether there was one.
    fn encrypt(&mut self) -> bool {
        match self.outward.pop_front() {
            Some(Flow::Data(mut bytes)) => {
                let n = self.conn.writer().write(&bytes).unwrap_or_default();
                self.sent += n;
                self.outward_bytes -= n;
                let rest = bytes.split_off(n);
                if let Some(tap) = &mut self.tap {
                    tap.push((Direction::Out, bytes));
                }
                if !rest.is_empty() {
                    self.outward.push_front(Flow::Data(rest));
                }
                n > 0
            }
            Some(Flow::Reset) => {
                self.last = Some(Flow::Reset);
                true
            }
            Some(end) => {
                if !self.skips_goodbye {
                    self.conn.send_close_notify();
                }
                self.last = Some(end);
                true
            }
            None => false,
        }
    }

    // ---- states ---------------------------------------------------------------------------------------

    /// Notes that the handshake is done and its last message given out.
    fn open(&mut self) {
        if !self.is_open && self.fault.is_none() && !self.conn.is_handshaking() && !self.conn.wants_write() {
            self.is_open = true;
            self.limit = None;
            self.first = Vec::new();
        }
    }

    fn fail(&mut self) -> Result<Option<Flow>, LayerError> {
        self.is_over = true;
        self.received.clear();
        self.outward.clear();
        self.outward_bytes = 0;
        self.fault.take().map_or(Ok(None), Err)
    }

    /// A peer that does not speak TLS is told so before rustls sees it: its error would say nothing.
    fn look_at_first(&mut self, bytes: &[u8]) {
        if self.first.len() >= FIRST || self.is_open {
            return;
        }
        let n = bytes.len().min(FIRST - self.first.len());
        self.first.extend_from_slice(&bytes[..n]);
        if !fault::is_record(&self.first) {
            let is_server = matches!(self.conn, Connection::Server(_));
            self.in_clear = server::answer_in_clear(&self.first).filter(|_| is_server).map(<[u8]>::to_vec);
            self.fault = Some(fault::fault(LayerErrorKind::Handshake, fault::not_tls(&self.first)));
        }
    }
}

impl Layer for Tls {
    fn name(&self) -> &'static str {
        fault::NAME
    }

    fn push(&mut self, _now: Instant, to: Direction, flow: Flow) {
        if self.is_over {
            return;
        }
        match (to, flow) {
            (Direction::In, Flow::Data(bytes)) => {
                self.look_at_first(&bytes);
                if self.fault.is_none() {
                    self.received.push(bytes);
                }
            }
            (Direction::In, end) => self.ended_below = Some(end),
            (Direction::Out, flow) => {
                if let Flow::Data(bytes) = &flow {
                    self.outward_bytes += bytes.len();
                }
                self.outward.push_back(flow);
            }
        }
    }

    fn poll(&mut self, now: Instant, to: Direction) -> Result<Option<Flow>, LayerError> {
        if self.is_over {
            return Ok(None);
        }
        if self.fault.is_none()
            && !self.is_open
            && let Some(limit) = self.limit.take_if(|limit| limit.at <= now)
        {
            self.fault = Some(fault::fault(LayerErrorKind::Timeout, limit.message));
            return self.fail();
        }
        match to {
            Direction::In => self.poll_in(),
            Direction::Out => self.poll_out(),
        }
    }

    fn state(&self) -> State {
        if self.is_open { State::Open } else { State::Establishing }
    }

    fn next_timeout(&self, to: Direction) -> Option<Instant> {
        self.limit.as_ref().filter(|_| to == Direction::In && !self.is_over).map(|limit| limit.at)
    }

    fn held(&self, to: Direction) -> usize {
        match to {
            Direction::In => self.received.len() + self.decrypted.len(),
            Direction::Out => self.outward_bytes,
        }
    }

    fn discard(&mut self, to: Direction) {
        match to {
            Direction::In => self.decrypted.clear(),
            Direction::Out => {
                self.outward.clear();
                self.outward_bytes = 0;
            }
        }
    }
}

impl std::fmt::Debug for Tls {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Tls").field("is_open", &self.is_open).field("fault", &self.fault).finish_non_exhaustive()
    }
}
