//! Layers: protocols between the bytes of a socket and the connection that works with them.
//!
//! Owns the [`Layer`] trait, the words it is spoken in, and the [`Stack`] that moves flows through several layers. Pure
//! machines: no socket, no clock, no script. Which connection has which layers is decided by whoever owns the connection.

mod stack;
pub mod toxics;

use std::any::Any;
use std::fmt::{self, Debug};
use std::time::Instant;

pub use stack::Stack;

/// One of the two streams of a connection.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Direction {
    /// What the peer sends us.
    In,
    /// What we send.
    Out,
}

/// What moves through layers, in order.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Flow {
    /// Bytes; never empty.
    Data(Vec<u8>),
    /// The end of the stream. Only `Close` or `Reset` can follow.
    Eof,
    /// End the connection in order. Nothing follows.
    Close,
    /// End the connection by RST. Nothing follows.
    Reset,
}

impl Flow {
    /// Whether the whole connection ends with it, not only one direction.
    pub fn ends_connection(&self) -> bool {
        matches!(self, Self::Close | Self::Reset)
    }
}

/// How far a layer is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum State {
    /// It talks with its counterpart, and gives out nothing that came from above, or for above.
    Establishing,
    /// Flows pass.
    Open,
    /// It changes nothing any more, and every end it was given has left it. Once it holds no bytes, it is taken out of
    /// the stack.
    Done,
}

/// Why a layer cannot go on.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct LayerError {
    /// What sort of trouble.
    pub kind: LayerErrorKind,
    /// The name of the layer.
    pub layer: &'static str,
    /// The cause, as a person reads it.
    pub message: String,
}

/// What sort of trouble a layer has.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum LayerErrorKind {
    /// The counterpart broke the protocol, or ended too early.
    Protocol,
    /// The counterpart refused.
    Refused,
    /// The counterpart did not answer in time.
    Timeout,
}

impl fmt::Display for LayerError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: {}", self.layer, self.message)
    }
}

impl std::error::Error for LayerError {}

/// One protocol between socket and application.
///
/// Whatever is pushed is polled out again, changed or not, in its order. Inward flows come from below (the socket),
/// outward ones from above (the application). A layer may give out data that nobody pushed, such as a greeting.
pub trait Layer: Debug + Any {
    /// What messages call it.
    fn name(&self) -> &'static str;

    /// Takes a flow; while the layer is being established, what came from above waits inside. `Eof`, `Close` and `Reset` leave the layer behind everything before them; a layer that says
    /// goodbye does so before it lets an outward `Eof` go on.
    fn push(&mut self, now: Instant, to: Direction, flow: Flow);

    /// The next flow in this direction, if one is due.
    ///
    /// # Errors
    /// The layer cannot go on. What is to be sent before that (an alert) is given out first.
    fn poll(&mut self, now: Instant, to: Direction) -> Result<Option<Flow>, LayerError>;

    /// How far it is.
    fn state(&self) -> State;

    /// When [`Layer::poll`] has something to give in this direction, or fails, if nothing else happens.
    fn next_timeout(&self, _to: Direction) -> Option<Instant> {
        None
    }

    /// The bytes that wait inside.
    fn held(&self, _to: Direction) -> usize {
        0
    }

    /// What waits inside, for back-pressure: at least [`Layer::held`], and what it costs to keep it.
    fn cost(&self, to: Direction) -> usize {
        self.held(to)
    }

    /// Drops what waits inside to be given out in this direction: nobody wants it any more. Later flows pass.
    fn discard(&mut self, _to: Direction) {}
}
