//! Toxics: the faults of one direction of one connection, as toxiproxy names and means them.

mod options;

use std::time::Duration;

pub use options::{ToxicError, Value};

/// One fault, with its options. [`Toxic::from_options`] reads them as toxiproxy writes them.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Toxic {
    /// Delays all data.
    Latency {
        /// How long.
        latency: Duration,
        /// How much more or less, equally likely.
        jitter: Duration,
    },
    /// Limits the rate.
    Bandwidth {
        /// In KB (1000 bytes) a second; with 0 nothing passes.
        rate: u64,
    },
    /// Delays the end.
    SlowClose {
        /// How long.
        delay: Duration,
    },
    /// Drops all data and ends the connection.
    Timeout {
        /// After how long; `None` is never.
        timeout: Option<Duration>,
    },
    /// Lets nothing pass and resets the connection.
    ResetPeer {
        /// After how long.
        timeout: Duration,
    },
    /// Cuts data into small pieces.
    Slicer {
        /// Bytes in a piece.
        average_size: usize,
        /// How many bytes more or less, equally likely; no piece is empty.
        size_variation: usize,
        /// The pause after each piece.
        delay: Duration,
    },
    /// Ends the connection after so many bytes.
    LimitData {
        /// How many pass.
        bytes: u64,
        /// How it ends.
        then: Then,
    },
}

/// How a connection ends whose data is used up.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Then {
    /// In order.
    #[default]
    Close,
    /// By RST.
    Reset,
}
