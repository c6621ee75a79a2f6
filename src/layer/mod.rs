//! Layers: protocols between a socket and its connection, such as TLS, a proxy handshake or faults on purpose.
//!
//! Owns the [`Layer`] trait, its vocabulary, and the [`Stack`] that moves flows through several layers. Pure machines: no
//! socket, no clock, no script. The owner of a connection decides which layers it has.

pub mod proxy;
mod stack;
pub mod telnet;
pub mod tls;
pub mod toxics;

use std::any::Any;
use std::fmt::{self, Debug};
use std::time::Instant;

use crate::endpoint::Address;

pub use stack::Stack;

/// Direction of one of the two streams of a connection.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Direction {
    /// From the peer to us.
    In,
    /// From us to the peer.
    Out,
}

/// One item that moves through layers, in order.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Flow {
    /// Bytes; never empty.
    Data(Vec<u8>),
    /// The end of the stream. Only `Close` or `Reset` can follow.
    Eof,
    /// Orderly end of the connection. Nothing follows.
    Close,
    /// End of the connection by RST. Nothing follows.
    Reset,
}

impl Flow {
    /// Whether the whole connection ends with it, not only one direction.
    pub fn ends_connection(&self) -> bool {
        matches!(self, Self::Close | Self::Reset)
    }
}

/// State of a layer.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum State {
    /// Handshake with its counterpart: nothing from above goes out, and nothing for above comes in.
    Establishing,
    /// Flows pass.
    Open,
    /// It changes nothing any more, and every end that was pushed has left it. Once it holds no bytes, it is removed from
    /// the stack.
    Done,
}

/// The fatal error of a layer.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct LayerError {
    /// Its kind.
    pub kind: LayerErrorKind,
    /// The name of the layer.
    pub layer: &'static str,
    /// The cause, as text for a message.
    pub message: String,
}

/// Kind of a layer's error.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum LayerErrorKind {
    /// The counterpart violated the protocol, or ended too early.
    Protocol,
    /// The counterpart refused.
    Refused,
    /// The counterpart did not answer in time.
    Timeout,
    /// The two sides could not agree on how to speak.
    Handshake,
    /// The counterpart is not whom we trust.
    Untrusted,
    /// There is nobody we trust.
    NoRoots,
    /// The counterpart ended before its protocol had.
    CutShort,
    /// A proxy on the way refused, failed or violated its protocol.
    Proxy,
}

/// The two ends of a connection as a proxy in front of us has told them.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Claimed {
    /// Who has connected to the proxy.
    pub peer: Address,
    /// To which address.
    pub local: Address,
}

impl fmt::Display for LayerError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: {}", self.layer, self.message)
    }
}

impl std::error::Error for LayerError {}

/// One protocol between socket and application.
///
/// Every pushed flow is polled out again, changed or not, in its order. Inward flows come from below (the socket), outward
/// flows from above (the application). A layer may also give out data of its own, such as a greeting.
pub trait Layer: Debug + Any {
    /// Its name in messages.
    fn name(&self) -> &'static str;

    /// Takes a flow. While the layer is being established, flows from above wait inside. `Eof`, `Close` and `Reset` leave
    /// the layer after everything before them; a closing message of the protocol leaves before an outward `Eof`.
    fn push(&mut self, now: Instant, to: Direction, flow: Flow);

    /// The next flow in this direction, if one is due.
    ///
    /// # Errors
    /// The layer cannot go on. Data to be sent before that (an alert) is given out first.
    fn poll(&mut self, now: Instant, to: Direction) -> Result<Option<Flow>, LayerError>;

    /// Its state.
    fn state(&self) -> State;

    /// When [`Layer::poll`] next returns a flow of this direction, or fails, without further input.
    fn next_timeout(&self, _to: Direction) -> Option<Instant> {
        None
    }

    /// Bytes that wait inside.
    fn held(&self, _to: Direction) -> usize {
        0
    }

    /// Cost of what waits inside, in bytes, for back-pressure: [`Layer::held`] and the overhead of keeping it.
    fn cost(&self, to: Direction) -> usize {
        self.held(to)
    }

    /// Drops what waits inside in this direction. Later flows pass.
    fn discard(&mut self, _to: Direction) {}

    /// Whether observers of bytes see what passes above it in place of what passes below: that is not what the two sides say
    /// to each other.
    fn hides_wire(&self) -> bool {
        false
    }

    /// The ends of the connection that it was told of, once.
    fn take_claimed(&mut self) -> Option<Claimed> {
        None
    }
}
