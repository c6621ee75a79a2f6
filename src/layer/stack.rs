//! `Stack`: layers in their order, and the flows between them.
//!
//! Owns the order (inward bottom-up, outward top-down, established bottom-up, closed top-down) and the limit of what each
//! layer holds. Knows neither the protocols nor the connection above.

use std::any::Any;
use std::time::Instant;

use crate::layer::{Claimed, Direction, Flow, Layer, LayerError, LayerErrorKind, State};

/// Cost in bytes, per direction, from which a layer is given nothing more.
const MAX_HELD: usize = 1 << 20;

/// Layers in order, the one next to the socket first.
#[derive(Debug, Default)]
pub struct Stack {
    layers: Vec<Box<dyn Layer>>,
}

impl Stack {
    /// Whether there is no layer.
    pub fn is_empty(&self) -> bool {
        self.layers.is_empty()
    }

    /// Whether no layer is being established.
    pub fn is_established(&self) -> bool {
        self.layers.iter().all(|layer| layer.state() != State::Establishing)
    }

    /// Adds a layer above all others.
    pub fn add_top(&mut self, layer: Box<dyn Layer>) {
        self.layers.push(layer);
    }

    /// Takes away the layer above all others, with what it holds.
    pub fn remove_top(&mut self) {
        self.layers.pop();
    }

    /// Adds a layer next to the socket.
    pub fn add_bottom(&mut self, layer: Box<dyn Layer>) {
        self.layers.insert(0, layer);
    }

    /// The lowest layer of this type.
    pub fn find<L: Layer>(&mut self) -> Option<&mut L> {
        self.layers.iter_mut().find_map(|layer| (&mut **layer as &mut dyn Any).downcast_mut())
    }

    /// The first layer of this type, for a question.
    pub fn find_ref<L: Layer>(&self) -> Option<&L> {
        self.layers.iter().find_map(|layer| (&**layer as &dyn Any).downcast_ref())
    }

    /// Gives a flow to the first layer of its direction; dropped if the stack is empty.
    pub fn push(&mut self, now: Instant, to: Direction, flow: Flow) {
        if let Some(layer) = self.entry(to).and_then(|at| self.layers.get_mut(at)) {
            layer.push(now, to, flow);
        }
    }

    /// The next flow that leaves the last layer of this direction, if one is due.
    ///
    /// # Errors
    /// A layer cannot go on.
    pub fn poll(&mut self, now: Instant, to: Direction) -> Result<Option<Flow>, LayerError> {
        let mut at = self.entry(to);
        let mut flow = None;
        while let Some(from) = at {
            at = self.after(from, to);
            match at {
                Some(next) => {
                    while self.takes(next, to)
                        && let Some(flow) = self.poll_layer(now, from, to)?
                    {
                        self.layers[next].push(now, to, flow);
                    }
                }
                None => flow = self.poll_layer(now, from, to)?,
            }
        }
        Ok(flow)
    }

    /// When [`Stack::poll`] next has work in this direction, without further input.
    pub fn next_timeout(&self, to: Direction) -> Option<Instant> {
        let has_way = |at: usize| self.after(at, to).is_none_or(|next| self.takes(next, to));
        let layers = self.layers.iter().enumerate().filter(|(at, _)| has_way(*at));
        layers.filter_map(|(_, layer)| layer.next_timeout(to)).min()
    }

    /// Whether the first layer of this direction takes more.
    pub fn has_room(&self, to: Direction) -> bool {
        self.entry(to).is_some_and(|at| self.takes(at, to))
    }

    /// Bytes that wait inside.
    pub fn held(&self, to: Direction) -> usize {
        self.layers.iter().map(|layer| layer.held(to)).sum()
    }

    /// Cost of what waits inside, in bytes, for back-pressure.
    pub fn cost(&self, to: Direction) -> usize {
        self.layers.iter().map(|layer| layer.cost(to)).sum()
    }

    /// Whether observers of bytes see what passes above the layers.
    pub fn hides_wire(&self) -> bool {
        self.layers.iter().any(|layer| layer.hides_wire())
    }

    /// The ends of the connection that a layer was told of, once.
    pub fn take_claimed(&mut self) -> Option<Claimed> {
        self.layers.iter_mut().find_map(|layer| layer.take_claimed())
    }

    /// Drops what waits inside.
    pub fn discard(&mut self, to: Direction) {
        self.layers.iter_mut().for_each(|layer| layer.discard(to));
    }

    /// Removes layers that are done and hold nothing.
    pub fn remove_done(&mut self) {
        let is_over = |layer: &dyn Layer| {
            layer.state() == State::Done && layer.held(Direction::In) == 0 && layer.held(Direction::Out) == 0
        };
        self.layers.retain(|layer| !is_over(&**layer));
    }

    fn poll_layer(&mut self, now: Instant, at: usize, to: Direction) -> Result<Option<Flow>, LayerError> {
        let layer = &mut self.layers[at];
        let flow = layer.poll(now, to)?;
        if flow == Some(Flow::Eof) && to == Direction::In && layer.state() == State::Establishing {
            let message = "the peer ended the connection too early".to_owned();
            return Err(LayerError { kind: LayerErrorKind::Protocol, layer: layer.name(), message });
        }
        Ok(flow)
    }

    /// Whether a layer may be given more. Outward flows wait above a layer that is being established.
    fn takes(&self, at: usize, to: Direction) -> bool {
        let layer = &self.layers[at];
        (to == Direction::In || layer.state() != State::Establishing) && layer.cost(to) < MAX_HELD
    }

    fn entry(&self, to: Direction) -> Option<usize> {
        match to {
            Direction::In if self.layers.is_empty() => None,
            Direction::In => Some(0),
            Direction::Out => self.layers.len().checked_sub(1),
        }
    }

    fn after(&self, at: usize, to: Direction) -> Option<usize> {
        match to {
            Direction::In => Some(at + 1).filter(|next| *next < self.layers.len()),
            Direction::Out => at.checked_sub(1),
        }
    }
}

#[cfg(test)]
mod tests {
    use std::collections::VecDeque;
    use std::time::Duration;

    use super::*;

    /// A layer that appends its name to data, holds outward flows while `is_stuck`, and has a fixed timeout.
    #[derive(Debug)]
    struct Tag {
        name: &'static str,
        state: State,
        is_stuck: bool,
        timeout: Option<Instant>,
        flows: [VecDeque<Flow>; 2],
    }

    impl Tag {
        fn boxed(name: &'static str) -> Box<Self> {
            Box::new(Self { name, state: State::Open, is_stuck: false, timeout: None, flows: Default::default() })
        }
    }

    impl Layer for Tag {
        fn name(&self) -> &'static str {
            self.name
        }

        fn push(&mut self, _now: Instant, to: Direction, flow: Flow) {
            let flow = match flow {
                Flow::Data(bytes) => Flow::Data([&bytes, self.name.as_bytes()].concat()),
                end => end,
            };
            self.flows[to as usize].push_back(flow);
        }

        fn poll(&mut self, _now: Instant, to: Direction) -> Result<Option<Flow>, LayerError> {
            let is_stuck = self.is_stuck && to == Direction::Out;
            Ok(if is_stuck { None } else { self.flows[to as usize].pop_front() })
        }

        fn state(&self) -> State {
            self.state
        }

        fn next_timeout(&self, _to: Direction) -> Option<Instant> {
            self.timeout
        }

        fn held(&self, to: Direction) -> usize {
            let len = |flow: &Flow| if let Flow::Data(bytes) = flow { bytes.len() } else { 0 };
            self.flows[to as usize].iter().map(len).sum()
        }
    }

    fn data(bytes: &[u8]) -> Flow {
        Flow::Data(bytes.to_vec())
    }

    #[test]
    fn inward_is_bottom_up_and_outward_top_down() {
        let now = Instant::now();
        let mut stack = Stack::default();
        stack.add_top(Tag::boxed("b"));
        stack.add_top(Tag::boxed("c"));
        stack.add_bottom(Tag::boxed("a"));
        for (to, passed) in [(Direction::In, b".abc"), (Direction::Out, b".cba")] {
            stack.push(now, to, data(b"."));
            stack.push(now, to, Flow::Eof);
            assert_eq!(stack.poll(now, to), Ok(Some(data(passed))));
            assert_eq!(stack.poll(now, to), Ok(Some(Flow::Eof)));
            assert_eq!(stack.poll(now, to), Ok(None));
        }
    }

    #[test]
    fn the_layer_above_waits_for_the_one_below() {
        let now = Instant::now();
        let mut below = Tag::boxed("a");
        below.state = State::Establishing;
        let mut above = Tag::boxed("b");
        above.timeout = Some(now);
        let mut stack = Stack::default();
        stack.add_top(below);
        stack.add_top(above);
        assert!(!stack.is_established());
        stack.push(now, Direction::Out, data(b"."));
        assert_eq!(stack.poll(now, Direction::Out), Ok(None));
        assert_eq!(stack.next_timeout(Direction::Out), None, "the layer below would not take it");
        assert_eq!(stack.next_timeout(Direction::In), Some(now));
        stack.push(now, Direction::In, Flow::Eof);
        let error = stack.poll(now, Direction::In).unwrap_err();
        assert_eq!((error.kind, error.layer), (LayerErrorKind::Protocol, "a"), "the peer ended during the handshake");
        stack.find::<Tag>().unwrap().state = State::Open;
        assert_eq!(stack.poll(now, Direction::Out), Ok(Some(data(b".ba"))));
    }

    #[test]
    fn a_full_layer_is_given_nothing_more() {
        let now = Instant::now();
        let mut below = Tag::boxed("a");
        below.is_stuck = true;
        let mut above = Tag::boxed("b");
        let later = now + Duration::from_secs(1);
        above.timeout = Some(later);
        let mut stack = Stack::default();
        stack.add_top(below);
        stack.add_top(above);
        for _ in 0..3 {
            stack.push(now, Direction::Out, data(&vec![0; MAX_HELD]));
        }
        assert!(!stack.has_room(Direction::Out));
        assert_eq!(stack.poll(now, Direction::Out), Ok(None));
        assert_eq!(stack.find::<Tag>().unwrap().held(Direction::Out), MAX_HELD + 2, "one piece, with both names");
        assert_eq!(stack.next_timeout(Direction::Out), None);
        stack.find::<Tag>().unwrap().is_stuck = false;
        assert!(matches!(stack.poll(now, Direction::Out), Ok(Some(Flow::Data(_)))));
        assert_eq!(stack.next_timeout(Direction::Out), Some(later));
    }

    #[test]
    fn a_layer_that_is_done_is_removed_once_it_holds_nothing() {
        let now = Instant::now();
        let mut layer = Tag::boxed("a");
        layer.state = State::Done;
        let mut stack = Stack::default();
        stack.add_top(layer);
        stack.push(now, Direction::In, data(b"."));
        stack.remove_done();
        assert!(!stack.is_empty());
        assert_eq!(stack.poll(now, Direction::In), Ok(Some(data(b".a"))));
        stack.remove_done();
        assert!(stack.is_empty() && !stack.has_room(Direction::In));
    }
}
