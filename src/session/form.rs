//! `Delivery` and `Cutting`: the form in which received bytes reach the handler.

use crate::codec::framing::Framing;

/// Which form received bytes take on their way to the handler.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Delivery {
    /// Chunks as they arrive.
    #[default]
    Data,
    /// Decoded text.
    Text,
    /// Decoded lines.
    Line,
    /// Frames that the handler measures.
    Measured,
}

/// How a connection's stream is cut, where a handler has chosen it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Cutting {
    /// As the handlers that are there say.
    None,
    /// Decoded lines of at most so many bytes.
    Lines {
        /// The limit, line end included.
        max: usize,
    },
    /// Frames.
    Frames(Framing),
    /// The handler is asked each time, with everything that has arrived; at most so many bytes.
    Asked {
        /// The limit.
        max: usize,
    },
    /// Not at all: chunks as they come, whatever handlers there are.
    Raw,
}
