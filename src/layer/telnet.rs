//! `TelnetRefusal`: telnet as OpenBSD's nc and Ncat speak it. Every option that the other end offers or asks for is refused, and what
//! it has sent goes on unchanged, commands included.
//!
//! Owns the answers, and a command that is cut.

use std::collections::VecDeque;
use std::mem;
use std::time::Instant;

use crate::layer::{Direction, Flow, Layer, LayerError, State};

const IAC: u8 = 255;
const DONT: u8 = 254;
const DO: u8 = 253;
const WONT: u8 = 252;
const WILL: u8 = 251;

/// Refuses options (RFC 854).
#[derive(Debug, Default)]
pub struct TelnetRefusal {
    next: Next,
    inward: VecDeque<Flow>,
    outward: VecDeque<Flow>,
    /// Our side has ended: nothing follows.
    is_ended: bool,
}

/// What the next byte of the other end is.
#[derive(Clone, Copy, Debug, Default)]
enum Next {
    #[default]
    Text,
    Verb,
    /// An option, and the answer to it.
    Option(u8),
}

impl TelnetRefusal {
    /// The refusals of what is in these bytes.
    fn refusals(&mut self, bytes: &[u8]) -> Vec<u8> {
        let mut answers = Vec::new();
        for &byte in bytes {
            self.next = match (self.next, byte) {
                (Next::Text, IAC) => Next::Verb,
                (Next::Verb, WILL | WONT) => Next::Option(DONT),
                (Next::Verb, DO | DONT) => Next::Option(WONT),
                (Next::Text | Next::Verb, _) => Next::Text,
                (Next::Option(answer), option) => {
                    answers.extend([IAC, answer, option]);
                    Next::Text
                }
            };
        }
        answers
    }
}

impl Layer for TelnetRefusal {
    fn name(&self) -> &'static str {
        "telnet"
    }

    fn push(&mut self, _now: Instant, to: Direction, flow: Flow) {
        match to {
            Direction::In => {
                let answers = if let Flow::Data(bytes) = &flow { self.refusals(bytes) } else { Vec::new() };
                if !answers.is_empty() && !self.is_ended {
                    self.outward.push_back(Flow::Data(answers));
                }
                self.inward.push_back(flow);
            }
            Direction::Out => {
                self.is_ended |= !matches!(flow, Flow::Data(_));
                self.outward.push_back(flow);
            }
        }
    }

    fn poll(&mut self, _now: Instant, to: Direction) -> Result<Option<Flow>, LayerError> {
        Ok(match to {
            Direction::In => self.inward.pop_front(),
            Direction::Out => self.outward.pop_front(),
        })
    }

    fn state(&self) -> State {
        State::Open
    }

    fn held(&self, to: Direction) -> usize {
        let flows = if to == Direction::In { &self.inward } else { &self.outward };
        flows.iter().map(|flow| if let Flow::Data(bytes) = flow { bytes.len() } else { 0 }).sum()
    }

    fn discard(&mut self, to: Direction) {
        match to {
            Direction::In => drop(mem::take(&mut self.inward)),
            Direction::Out => drop(mem::take(&mut self.outward)),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_option_is_refused_however_it_is_cut() {
        let said = b"a\xff\xfd\x18b\xff\xfb\x01\xff\xfe\x03\xff\xfc\x05\xff\xf9\xff\xffc";
        let wanted = b"\xff\xfc\x18\xff\xfe\x01\xff\xfc\x03\xff\xfe\x05";
        for length in 1..said.len() {
            let (mut layer, now) = (TelnetRefusal::default(), Instant::now());
            let mut found = [Vec::new(), Vec::new()];
            for piece in said.chunks(length) {
                layer.push(now, Direction::In, Flow::Data(piece.to_vec()));
                for (to, all) in [Direction::In, Direction::Out].into_iter().zip(&mut found) {
                    while let Some(Flow::Data(bytes)) = layer.poll(now, to).unwrap() {
                        all.extend(bytes);
                    }
                }
            }
            assert_eq!(found, [said.to_vec(), wanted.to_vec()], "{length}");
        }
    }

    #[test]
    fn nothing_follows_our_end() {
        let (mut layer, now) = (TelnetRefusal::default(), Instant::now());
        layer.push(now, Direction::Out, Flow::Eof);
        layer.push(now, Direction::In, Flow::Data(b"\xff\xfd\x18".to_vec()));
        assert_eq!(layer.poll(now, Direction::Out), Ok(Some(Flow::Eof)));
        assert_eq!(layer.poll(now, Direction::Out), Ok(None));
    }
}
