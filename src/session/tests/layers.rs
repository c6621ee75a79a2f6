//! `Probe`: a layer for tests. It changes nothing; it may exchange a greeting first, say goodbye, and be done when told.

use std::cell::Cell;
use std::collections::VecDeque;
use std::mem;
use std::rc::Rc;
use std::time::Instant;

use crate::layer::{Direction, Flow, Layer, LayerError, LayerErrorKind, State};

/// What a probe that greets says first …
pub(super) const GREETING: &[u8] = b"hello?";
/// … and what it wants to hear; anything else is an error.
pub(super) const WELCOME: &[u8] = b"hello!";

#[derive(Debug, Default)]
pub(super) struct Probe {
    inward: VecDeque<Flow>,
    outward: VecDeque<Flow>,
    /// What was heard while it greets.
    heard: Option<Vec<u8>>,
    error: Option<LayerError>,
    /// Until when it waits to be greeted.
    patience: Option<Instant>,
    /// What it says before the end of our direction.
    goodbye: &'static [u8],
    /// Whether it is to be done, once it holds nothing.
    pub(super) done: Rc<Cell<bool>>,
}

impl Probe {
    /// One that exchanges a greeting first.
    pub(super) fn greeting() -> Self {
        let outward = VecDeque::from([Flow::Data(GREETING.to_vec())]);
        Self { outward, heard: Some(Vec::new()), ..Self::default() }
    }

    /// The same, for as long as that.
    pub(super) fn waiting(patience: Instant) -> Self {
        Self { patience: Some(patience), ..Self::greeting() }
    }

    /// One that says goodbye.
    pub(super) fn saying(goodbye: &'static [u8]) -> Self {
        Self { goodbye, ..Self::default() }
    }

    fn hear(&mut self, bytes: &[u8]) {
        let Some(heard) = &mut self.heard else { return };
        heard.extend_from_slice(bytes);
        if heard.len() < WELCOME.len() && WELCOME.starts_with(heard) {
            return;
        }
        match heard.strip_prefix(WELCOME) {
            Some([]) => {}
            Some(rest) => self.inward.push_back(Flow::Data(rest.to_vec())),
            None => return self.fail(LayerErrorKind::Protocol, "a strange greeting"),
        }
        self.heard = None;
    }

    fn fail(&mut self, kind: LayerErrorKind, message: &str) {
        self.error = Some(LayerError { kind, layer: "probe", message: message.to_owned() });
    }
}

impl Layer for Probe {
    fn name(&self) -> &'static str {
        "probe"
    }

    fn push(&mut self, _now: Instant, to: Direction, flow: Flow) {
        match (to, flow) {
            (Direction::In, Flow::Data(bytes)) if self.heard.is_some() => self.hear(&bytes),
            (Direction::In, flow) => self.inward.push_back(flow),
            (Direction::Out, Flow::Eof) if !self.goodbye.is_empty() => {
                self.outward.extend([Flow::Data(self.goodbye.to_vec()), Flow::Eof]);
            }
            (Direction::Out, flow) => self.outward.push_back(flow),
        }
    }

    fn poll(&mut self, now: Instant, to: Direction) -> Result<Option<Flow>, LayerError> {
        if self.heard.is_some() && self.patience.is_some_and(|at| at <= now) {
            self.fail(LayerErrorKind::Timeout, "no greeting in time");
        }
        if let Some(error) = self.error.take() {
            return Err(error);
        }
        Ok(match to {
            Direction::In => self.inward.pop_front(),
            Direction::Out => self.outward.pop_front(),
        })
    }

    fn state(&self) -> State {
        match self.heard {
            Some(_) => State::Establishing,
            None if self.done.get() && self.inward.is_empty() && self.outward.is_empty() => State::Done,
            None => State::Open,
        }
    }

    fn next_timeout(&self, _to: Direction) -> Option<Instant> {
        self.heard.as_ref().and(self.patience)
    }

    fn held(&self, to: Direction) -> usize {
        let flows = if to == Direction::In { &self.inward } else { &self.outward };
        flows.iter().map(|flow| if let Flow::Data(bytes) = flow { bytes.len() } else { 0 }).sum()
    }

    fn discard(&mut self, to: Direction) {
        mem::take(if to == Direction::In { &mut self.inward } else { &mut self.outward });
    }
}
