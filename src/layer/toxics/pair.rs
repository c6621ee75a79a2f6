//! `Toxics`: the layer of toxics of one connection, a [`ToxicStack`] for each direction.
//!
//! Owns nothing but the two stacks. The toxics themselves are implemented by `ToxicStack`.

use std::time::Instant;

use super::{Toxic, ToxicStack};
use crate::layer::{Direction, Flow, Layer, LayerError, State};

/// The toxics of both directions of one connection.
#[derive(Debug, Default)]
pub struct Toxics {
    inward: ToxicStack,
    outward: ToxicStack,
}

impl Toxics {
    /// Adds a toxic behind all others of its direction. `seed` is that of its random numbers.
    pub fn add(&mut self, now: Instant, direction: Direction, toxic: Toxic, seed: u64) {
        self.stack_mut(direction).add(now, toxic, seed);
    }

    /// Removes the toxics of this name, or all, in both directions; what they hold is released at once.
    pub fn heal(&mut self, now: Instant, name: Option<&str>) {
        self.inward.remove(now, name);
        self.outward.remove(now, name);
    }

    /// Whether bytes in this direction would pass unchanged.
    pub fn is_empty(&self, direction: Direction) -> bool {
        self.stack(direction).is_empty()
    }

    fn stack(&self, direction: Direction) -> &ToxicStack {
        match direction {
            Direction::In => &self.inward,
            Direction::Out => &self.outward,
        }
    }

    fn stack_mut(&mut self, direction: Direction) -> &mut ToxicStack {
        match direction {
            Direction::In => &mut self.inward,
            Direction::Out => &mut self.outward,
        }
    }
}

impl Layer for Toxics {
    fn name(&self) -> &'static str {
        "toxics"
    }

    fn push(&mut self, now: Instant, to: Direction, flow: Flow) {
        self.stack_mut(to).push(now, flow);
    }

    fn poll(&mut self, now: Instant, to: Direction) -> Result<Option<Flow>, LayerError> {
        Ok(self.stack_mut(to).poll(now))
    }

    /// Done once everything is healed and nothing is held.
    fn state(&self) -> State {
        if self.inward.is_empty() && self.outward.is_empty() { State::Done } else { State::Open }
    }

    fn next_timeout(&self, to: Direction) -> Option<Instant> {
        self.stack(to).next_timeout()
    }

    fn held(&self, to: Direction) -> usize {
        self.stack(to).bytes()
    }

    fn cost(&self, to: Direction) -> usize {
        self.stack(to).held()
    }

    fn discard(&mut self, to: Direction) {
        *self.stack_mut(to) = ToxicStack::default();
    }
}
