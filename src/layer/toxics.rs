//! `ToxicStack`: the faults of one direction of one connection, as toxiproxy names and means them.
//!
//! Owns what is held back and when it goes on. Does not touch a socket: whoever reads pushes, whoever delivers
//! polls, and [`Flow::Close`] and [`Flow::Reset`] are for the owner of the connection to carry out. [`Toxics`] is the
//! layer that has one stack for each direction.
//!
//! Toxics act in the order they were added; each is a stage with its own queue. What leaves a stage carries the
//! time at which it was due, not the time somebody asked, so delays add up exactly and a late poll does not
//! slow a rate down.
//!
//! | toxic | data | Eof, Close, Reset | removed |
//! |---|---|---|---|
//! | latency | each chunk after latency ± jitter, order kept | after the data before it | all goes on |
//! | bandwidth | pieces of at most 100 ms, at the rate; rate 0: nothing | after the data before it | all goes on |
//! | `slow_close` | at once | after delay | all goes on |
//! | timeout | dropped | Eof at once, as Close if data was dropped; Close after timeout | Close if data was dropped |
//! | `reset_peer` | held | held; Reset after timeout | all goes on |
//! | slicer | pieces of average ± variation, delay after each | after the last delay | all goes on |
//! | `limit_data` | the first N bytes | the end asked for right after byte N | all goes on |
//!
//! Where toxiproxy's texts leave room, what its program does was followed, with four differences: the timeouts
//! count from the moment the toxic is added, not from a chunk; `reset_peer` keeps what it holds until the reset,
//! so that removing it loses nothing; removing `timeout` ends the connection only if there is a hole in the
//! stream (<https://github.com/Shopify/toxiproxy/pull/168> says why it must); `limit_data` can end in a reset.

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

/// The toxics of one direction of one connection, and what they hold.
///
/// After any input, poll until there is nothing; then [`ToxicStack::next_timeout`] is in the future or `None`.
#[derive(Debug, Default)]
pub struct ToxicStack {
    stages: Vec<Stage>,
    ready: Queue,
    input_ended: bool,
    ended: bool,
}

impl ToxicStack {
    /// Whether bytes would pass untouched, so that they need not pass through here: no toxic, nothing waiting.
    pub fn is_empty(&self) -> bool {
        self.stages.is_empty() && self.ready.is_empty() && !self.ended
    }

    /// Adds a toxic behind all others. What they hold will pass it, what already left them will not. Its chance comes from
    /// its own `seed`: what was added before, and removed, makes no difference to it.
    pub fn add(&mut self, now: Instant, toxic: Toxic, seed: u64) {
        if !self.ended {
            self.stages.push(Stage::new(now, toxic, Random::new(seed)));
        }
    }

    /// Removes the toxics of that name, or all; what they hold goes on at once. Tells whether there were any.
    pub fn remove(&mut self, now: Instant, name: Option<&str>) -> bool {
        let before = self.stages.len();
        // From the last to the first, because what the last one holds is ahead of all else.
        for at in (0..before).rev() {
            if name.is_none_or(|name| self.stages[at].name() == name) {
                for output in self.stages.remove(at).into_rest(now) {
                    self.hand_on(at, now, output);
                }
            }
        }
        self.stages.len() < before
    }

    /// Something arrived: bytes, the end of the stream, or the end of the connection. Ignored after an end.
    pub fn push(&mut self, now: Instant, flow: Flow) {
        let is_empty = matches!(&flow, Flow::Data(bytes) if bytes.is_empty());
        if !self.input_ended && !self.ended && !is_empty {
            self.input_ended = !matches!(flow, Flow::Data(_));
            self.hand_on(0, now, flow);
        }
    }

    /// What leaves the stack next, if something is due.
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

    /// When [`ToxicStack::poll`] has something to give, if nothing else happens.
    pub fn next_timeout(&self) -> Option<Instant> {
        let stages = self.stages.iter().filter_map(Stage::due);
        stages.chain(self.ready.since()).min()
    }

    /// What waits inside, for back-pressure: the bytes, and a share for each chunk, so that a million chunks of
    /// one byte do not look small.
    pub fn held(&self) -> usize {
        self.ready.held() + self.stages.iter().map(Stage::held).sum::<usize>()
    }

    /// The bytes that wait inside.
    pub fn bytes(&self) -> usize {
        self.ready.bytes() + self.stages.iter().map(Stage::bytes).sum::<usize>()
    }

    /// Moves one thing one stage on, the foremost that is due; `None` when nothing is.
    fn advance(&mut self, now: Instant) -> Option<()> {
        // One at a time and from the front, so that small pieces are cut only when they are asked for.
        let released = |(at, stage): (usize, &mut Stage)| stage.release(now).map(|(due, output)| (at, due, output));
        let (at, due, output) = self.stages.iter_mut().enumerate().rev().find_map(released)?;
        self.hand_on(at + 1, due, output);
        Some(())
    }

    /// Gives `output` to the stage with the number `to`, or to whoever polls if there is none.
    fn hand_on(&mut self, to: usize, at: Instant, output: Flow) {
        match self.stages.get_mut(to) {
            Some(stage) => stage.accept(at, output),
            None => self.ready.push(at, output),
        }
    }
}
