//! `ToxicStack`: the faults of one direction of one connection, as toxiproxy names and means them.
//!
//! Owns what is held back and when it is released. Touches no socket: flows are pushed and polled, and the owner of the
//! connection carries out [`Flow::Close`] and [`Flow::Reset`]. [`Toxics`] is the layer with one stack for each direction.
//!
//! Toxics act in the order they were added; each is a stage with its own queue. What leaves a stage carries the time at
//! which it was due, not the time of the poll, so that delays add up exactly and a late poll does not lower a rate.
//!
//! | toxic | data | Eof, Close, Reset | removed |
//! |---|---|---|---|
//! | latency | each chunk after latency ± jitter, in order | after the data before it | all that is held passes |
//! | bandwidth | pieces of at most 100 ms, at the rate; rate 0: nothing | after the data before it | all that is held passes |
//! | `slow_close` | at once | after delay | all that is held passes |
//! | timeout | dropped | Eof at once, as Close if data was dropped; Close after timeout | Close if data was dropped |
//! | `reset_peer` | held | held; Reset after timeout | all that is held passes |
//! | slicer | pieces of average ± variation, delay after each | after the last delay | all that is held passes |
//! | `limit_data` | the first N bytes | `then` right after byte N | all that is held passes |
//!
//! Where toxiproxy's documents leave room, its program was followed, with four differences: the timeouts count from the
//! moment the toxic is added, not from a chunk; `reset_peer` holds data until the reset, so that removing it loses nothing;
//! removing `timeout` ends the connection only if there is a hole in the stream
//! (<https://github.com/Shopify/toxiproxy/pull/168> says why it must); `limit_data` can end in a reset.

mod options;
mod pair;
mod stage;
#[cfg(test)]
mod tests;

use std::time::{Duration, Instant};

use crate::layer::Flow;

pub use options::{ToxicError, Value};
pub use pair::Toxics;
use stage::{Queue, Random, Stage};

/// One fault, with its options. [`Toxic::from_options`] reads them as toxiproxy writes them.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Toxic {
    /// Delays all data.
    Latency {
        /// The delay of each chunk.
        latency: Duration,
        /// Maximum deviation in either direction, uniformly distributed.
        jitter: Duration,
    },
    /// Limits the rate.
    Bandwidth {
        /// Kilobytes (1000 bytes) a second; with 0 nothing passes.
        rate: u64,
    },
    /// Delays the end.
    SlowClose {
        /// The delay of the end.
        delay: Duration,
    },
    /// Drops all data and ends the connection.
    Timeout {
        /// Time from adding the toxic to the end; `None`: it never ends.
        timeout: Option<Duration>,
    },
    /// Lets nothing pass and resets the connection.
    ResetPeer {
        /// Time from adding the toxic to the reset.
        timeout: Duration,
    },
    /// Cuts data into small pieces.
    Slicer {
        /// Average bytes in a piece.
        average_size: usize,
        /// Maximum deviation in bytes, uniformly distributed; no piece is empty.
        size_variation: usize,
        /// The pause after each piece.
        delay: Duration,
    },
    /// Ends the connection after a number of bytes.
    LimitData {
        /// Bytes that pass.
        bytes: u64,
        /// How it ends.
        then: Then,
    },
}

/// How `limit_data` ends a connection.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Then {
    /// In order.
    #[default]
    Close,
    /// By RST.
    Reset,
}

/// The toxics of one direction of one connection, and what they hold.
///
/// After any input, poll until it returns `None`; then [`ToxicStack::next_timeout`] is in the future or `None`.
#[derive(Debug, Default)]
pub struct ToxicStack {
    stages: Vec<Stage>,
    ready: Queue,
    input_ended: bool,
    ended: bool,
}

impl ToxicStack {
    /// A stack without toxics. The same seed and the same calls give the same result.
    pub fn is_empty(&self) -> bool {
        self.stages.is_empty() && self.ready.is_empty() && !self.ended
    }

    /// Adds a toxic behind all others. It applies to what they hold, not to what has left them.
    pub fn add(&mut self, now: Instant, toxic: Toxic, seed: u64) {
        if !self.ended {
            self.stages.push(Stage::new(now, toxic, Random::new(seed)));
        }
    }

    /// Removes the toxics of this name, or all; what they hold is released at once. Returns whether there were any.
    pub fn remove(&mut self, now: Instant, name: Option<&str>) -> bool {
        let before = self.stages.len();
        // From the last to the first, because what the last one holds comes first in the stream.
        for at in (0..before).rev() {
            if name.is_none_or(|name| self.stages[at].name() == name) {
                for output in self.stages.remove(at).into_rest(now) {
                    self.hand_on(at, now, output);
                }
            }
        }
        self.stages.len() < before
    }

    /// Pushes bytes. Ignored after the end.
    pub fn push(&mut self, now: Instant, flow: Flow) {
        let is_empty = matches!(&flow, Flow::Data(bytes) if bytes.is_empty());
        if !self.input_ended && !self.ended && !is_empty {
            self.input_ended = !matches!(flow, Flow::Data(_));
            self.hand_on(0, now, flow);
        }
    }

    /// The next flow that leaves the stack, if one is due.
    pub fn poll(&mut self, now: Instant) -> Option<Flow> {
        while self.ready.is_empty() {
            self.advance(now)?;
        }
        let output = self.ready.pop()?;
        if output.ends_connection() {
            self.stages.clear();
            self.ready.clear();
            self.ended = true;
        }
        Some(output)
    }

    /// When [`ToxicStack::poll`] next returns a flow, without further input.
    pub fn next_timeout(&self) -> Option<Instant> {
        let stages = self.stages.iter().filter_map(Stage::due);
        stages.chain(self.ready.since()).min()
    }

    /// Cost of what is held, for back-pressure: the bytes, and overhead for each chunk, so that a million chunks of one byte
    /// do not look small.
    pub fn held(&self) -> usize {
        self.ready.held() + self.stages.iter().map(Stage::held).sum::<usize>()
    }

    /// Bytes that are held.
    pub fn bytes(&self) -> usize {
        self.ready.bytes() + self.stages.iter().map(Stage::bytes).sum::<usize>()
    }

    /// Moves the foremost due item one stage on; `None` if nothing is due.
    fn advance(&mut self, now: Instant) -> Option<()> {
        // One at a time and from the front, so that small pieces are cut only on demand.
        let released = |(at, stage): (usize, &mut Stage)| stage.release(now).map(|(due, output)| (at, due, output));
        let (at, due, output) = self.stages.iter_mut().enumerate().rev().find_map(released)?;
        self.hand_on(at + 1, due, output);
        Some(())
    }

    /// Gives `output` to stage number `to`, or to the result of `poll` behind the last stage.
    fn hand_on(&mut self, to: usize, at: Instant, output: Flow) {
        match self.stages.get_mut(to) {
            Some(stage) => stage.accept(at, output),
            None => self.ready.push(at, output),
        }
    }
}
