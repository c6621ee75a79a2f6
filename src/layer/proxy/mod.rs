//! The handshake with a proxy, as a layer: asks for the destination, waits for the answer, and is done.
//!
//! Owns the limits of every handshake (size, time), its errors, and what was received behind the answer. The protocols are
//! [`Dialogue`]s: `http`, `socks4`, `socks5`. What a server is told of its client by the PROXY protocol is in `header` and
//! `header_reader`.

mod digest;
mod header;
mod header_reader;
mod http;
mod socks4;
mod socks5;
#[cfg(test)]
mod tests;

use std::collections::VecDeque;
use std::fmt::Debug;
use std::mem;
use std::time::Instant;

pub use header::ProxyHeader;
pub use header_reader::HeaderReader;

use crate::codec::escape::show_bytes;
use crate::layer::{Direction, Flow, Layer, LayerError, LayerErrorKind, State};
use crate::proxy::{Destination, Heard, Proxy, ProxyKind, Stage};

/// The name of the layer.
pub const NAME: &str = "proxy";

/// Most bytes that a proxy may send before its handshake is done.
const MAX_ANSWER: usize = 16 << 10;

/// One side of a handshake: what is said, and what the answers mean. Holds no bytes.
trait Dialogue: Debug {
    /// What is said first.
    fn begin(&mut self) -> Vec<u8>;

    /// Which answer is awaited.
    fn stage(&self) -> Stage {
        Stage::First
    }

    /// Looks at what was received and not used yet.
    ///
    /// # Errors
    /// What is wrong with it, in words for a message.
    fn answer(&mut self, received: &[u8]) -> Result<Answer, String>;
}

/// What a part of an answer means.
#[derive(Debug, PartialEq, Eq)]
enum Answer {
    /// More has to come.
    Incomplete,
    /// So many bytes are used up, and this is said next.
    Next(usize, Vec<u8>),
    /// The same, and so many bytes are passed over behind them, which may be still to come.
    NextBehind(usize, usize, Vec<u8>),
    /// So many bytes are used up, and the way is open.
    Done(usize),
}

/// The message for an answer in another protocol, with its beginning.
fn strange(received: &[u8], protocol: &str) -> String {
    let beginning = &received[..received.len().min(MAX_SHOWN)];
    format!("it does not speak {protocol}: its answer begins with \"{}\"", show_bytes(beginning))
}

/// Bytes of an answer in another protocol that a message shows.
const MAX_SHOWN: usize = 40;

/// The handshake with one proxy.
#[derive(Debug)]
pub struct ProxyHandshake {
    /// What messages call the proxy; without secrets.
    name: String,
    /// `None`: it is done.
    dialogue: Option<Box<dyn Dialogue>>,
    /// What the proxy has sent, and is not used yet.
    received: Vec<u8>,
    /// Bytes it has sent in all, without those that are passed over.
    answered: usize,
    /// Bytes that are still to be passed over.
    passed_over: usize,
    /// The proxy has ended its side.
    has_ended: bool,
    inward: VecDeque<Flow>,
    /// What is said to the proxy.
    said: VecDeque<Flow>,
    /// What waits for the end of the handshake.
    waiting: VecDeque<Flow>,
    error: Option<LayerError>,
    /// When it is given up, and how long that is after the start, in words.
    limit: Option<(Instant, String)>,
    /// What the proxy has said, for those who say it in words of their own.
    heard: Heard,
}

impl ProxyHandshake {
    /// Asks `proxy` for `to`. `limit`: when it is given up, and in words after which time that is. `salt`: a number nobody can
    /// know before.
    pub fn new(proxy: &Proxy, to: &Destination, limit: Option<(Instant, String)>, salt: u128) -> Self {
        let login = proxy.login.clone();
        let mut dialogue: Box<dyn Dialogue> = match proxy.kind {
            ProxyKind::Socks5 => Box::new(socks5::Socks5::new(to, login, proxy.tells_bare_login)),
            ProxyKind::Socks4 | ProxyKind::Socks4a => Box::new(socks4::Socks4::new(to, login)),
            ProxyKind::Http => Box::new(http::Connect::new(to, proxy, salt)),
        };
        let said = VecDeque::from([Flow::Data(dialogue.begin())]);
        proxy.heard.begin();
        Self {
            name: proxy.to_string(),
            dialogue: Some(dialogue),
            received: Vec::new(),
            answered: 0,
            passed_over: 0,
            has_ended: false,
            inward: VecDeque::new(),
            said,
            waiting: VecDeque::new(),
            error: None,
            limit,
            heard: proxy.heard.clone(),
        }
    }

    /// Takes what the proxy has sent.
    fn receive(&mut self, bytes: &[u8]) {
        let bytes = &bytes[self.pass_over(bytes.len())..];
        self.received.extend_from_slice(bytes);
        self.answered = self.answered.saturating_add(bytes.len());
        while let Some(dialogue) = &mut self.dialogue {
            match dialogue.answer(&self.received) {
                Ok(Answer::Incomplete) if self.answered > MAX_ANSWER => {
                    return self.fail(LayerErrorKind::Proxy, "its answer is longer than 16 KiB");
                }
                Ok(Answer::Incomplete) => return,
                Ok(Answer::Next(used, next)) => {
                    self.heard.advance(dialogue.stage());
                    self.received.drain(..used);
                    if self.answered - self.received.len() > MAX_ANSWER {
                        return self.fail(LayerErrorKind::Proxy, "its answer is longer than 16 KiB");
                    }
                    if !next.is_empty() {
                        self.said.push_back(Flow::Data(next));
                    }
                }
                Ok(Answer::NextBehind(used, behind, next)) => {
                    self.received.drain(..used);
                    self.passed_over = behind;
                    let here = self.pass_over(self.received.len());
                    self.received.drain(..here);
                    self.answered -= here;
                    self.said.push_back(Flow::Data(next));
                }
                Ok(Answer::Done(used)) => {
                    self.heard.advance(Stage::Done);
                    self.received.drain(..used);
                    self.dialogue = None;
                    let rest = mem::take(&mut self.received);
                    if !rest.is_empty() {
                        self.inward.push_back(Flow::Data(rest));
                    }
                }
                Err(cause) => return self.fail(LayerErrorKind::Proxy, &cause),
            }
        }
    }

    /// How many of these next bytes are passed over.
    fn pass_over(&mut self, length: usize) -> usize {
        let here = self.passed_over.min(length);
        self.passed_over -= here;
        here
    }

    fn fail(&mut self, kind: LayerErrorKind, cause: &str) {
        if self.error.is_none() {
            self.heard.fail(&self.received, self.has_ended);
        }
        self.received.clear();
        let message = format!("proxy {}: {cause}", self.name);
        self.error.get_or_insert(LayerError { kind, layer: NAME, message });
    }

    fn is_done(&self) -> bool {
        self.dialogue.is_none()
    }
}

impl Layer for ProxyHandshake {
    fn name(&self) -> &'static str {
        NAME
    }

    fn push(&mut self, _now: Instant, to: Direction, flow: Flow) {
        match (to, flow) {
            (Direction::Out, flow) => self.waiting.push_back(flow),
            (Direction::In, flow) if self.is_done() => self.inward.push_back(flow),
            (Direction::In, _) if self.error.is_some() => {}
            (Direction::In, Flow::Data(bytes)) => self.receive(&bytes),
            (Direction::In, _) => {
                self.has_ended = true;
                let cause = if self.answered == 0 {
                    "it ended the connection without an answer"
                } else {
                    "it ended the connection in the middle of its answer"
                };
                self.fail(LayerErrorKind::Proxy, cause);
            }
        }
    }

    fn poll(&mut self, now: Instant, to: Direction) -> Result<Option<Flow>, LayerError> {
        if !self.is_done()
            && let Some((_, after)) = self.limit.take_if(|(at, _)| *at <= now)
        {
            self.fail(LayerErrorKind::Timeout, &format!("timed out after {after}"));
        }
        if let Some(error) = &self.error {
            return Err(error.clone());
        }
        Ok(match to {
            Direction::In => self.inward.pop_front(),
            Direction::Out => match self.said.pop_front() {
                None if self.is_done() => self.waiting.pop_front(),
                said => said,
            },
        })
    }

    fn state(&self) -> State {
        match self.dialogue {
            Some(_) => State::Establishing,
            None if self.inward.is_empty() && self.said.is_empty() && self.waiting.is_empty() => State::Done,
            None => State::Open,
        }
    }

    fn next_timeout(&self, _to: Direction) -> Option<Instant> {
        self.limit.as_ref().filter(|_| !self.is_done()).map(|(at, _)| *at)
    }

    fn held(&self, to: Direction) -> usize {
        let len = |flow: &Flow| if let Flow::Data(bytes) = flow { bytes.len() } else { 0 };
        match to {
            Direction::In => self.inward.iter().map(len).sum(),
            Direction::Out => self.said.iter().chain(&self.waiting).map(len).sum(),
        }
    }

    fn discard(&mut self, to: Direction) {
        match to {
            Direction::In => self.inward.clear(),
            Direction::Out => {
                self.said.clear();
                self.waiting.clear();
            }
        }
    }

    fn hides_wire(&self) -> bool {
        true
    }
}
