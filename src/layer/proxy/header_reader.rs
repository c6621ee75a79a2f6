//! The header of the PROXY protocol, as its receiver: who the client of the proxy in front of us is.
//!
//! Owns what a well-formed header is, of both versions. It is required: a connection without one is refused, because whoever
//! may leave it out may also forge it.

use std::collections::VecDeque;
use std::mem;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr};
use std::time::Instant;

use super::header::{LOCAL, PROXY, SIGNATURE, TCP4, TCP6, UNSPECIFIED};
use crate::codec::escape::show_bytes;
use crate::layer::{Claimed, Direction, Flow, Layer, LayerError, LayerErrorKind, State};

/// Longest line of version 1, its line end included.
const LONGEST_LINE: usize = 107;
/// Length of what stands before the addresses of version 2.
const FIXED: usize = 16;
/// Families of version 2 whose addresses are IPv4 or IPv6, and a datagram protocol.
const UDP4: u8 = 0x12;
const UDP6: u8 = 0x22;
/// Unix sockets, stream and datagram.
const UNIX: [u8; 2] = [0x31, 0x32];

/// Reads the header before anything else.
#[derive(Debug)]
pub struct HeaderReader {
    /// What has come of the header; `None`: it is complete.
    received: Option<Vec<u8>>,
    /// What it says, until it is asked for.
    claimed: Option<Claimed>,
    inward: VecDeque<Flow>,
    waiting: VecDeque<Flow>,
    error: Option<LayerError>,
    /// When it is given up, and after which time that is, in words.
    limit: Option<(Instant, String)>,
}

/// What a beginning of a connection is.
#[derive(Debug, PartialEq, Eq)]
enum Header {
    Incomplete,
    /// Its length, and the two ends: client and server as the proxy sees them.
    Complete(usize, Option<(SocketAddr, SocketAddr)>),
}

impl HeaderReader {
    /// `limit`: when the header has to be there, and after which time that is, in words.
    pub fn new(limit: (Instant, String)) -> Self {
        Self {
            received: Some(Vec::new()),
            claimed: None,
            inward: VecDeque::new(),
            waiting: VecDeque::new(),
            error: None,
            limit: Some(limit),
        }
    }

    fn receive(&mut self, bytes: &[u8]) {
        let Some(received) = &mut self.received else { return };
        received.extend_from_slice(bytes);
        match read(received) {
            Ok(Header::Incomplete) => {}
            Ok(Header::Complete(length, ends)) => {
                let mut rest = self.received.take().unwrap_or_default();
                rest.drain(..length);
                if !rest.is_empty() {
                    self.inward.push_back(Flow::Data(rest));
                }
                self.claimed = ends.map(|(peer, local)| Claimed { peer: peer.into(), local: local.into() });
            }
            Err(cause) => self.fail(LayerErrorKind::Protocol, &cause),
        }
    }

    fn fail(&mut self, kind: LayerErrorKind, cause: &str) {
        let message = format!("PROXY protocol: {cause}");
        self.error.get_or_insert(LayerError { kind, layer: self.name(), message });
    }
}

impl Layer for HeaderReader {
    fn name(&self) -> &'static str {
        "proxy header"
    }

    fn push(&mut self, _now: Instant, to: Direction, flow: Flow) {
        match (to, flow) {
            (Direction::Out, flow) => self.waiting.push_back(flow),
            (Direction::In, flow) if self.received.is_none() => self.inward.push_back(flow),
            (Direction::In, _) if self.error.is_some() => {}
            (Direction::In, Flow::Data(bytes)) => self.receive(&bytes),
            (Direction::In, _) => {
                self.fail(LayerErrorKind::Protocol, "the connection ended before the header was complete");
            }
        }
    }

    fn poll(&mut self, now: Instant, to: Direction) -> Result<Option<Flow>, LayerError> {
        if self.received.is_some()
            && let Some((_, after)) = self.limit.take_if(|(at, _)| *at <= now)
        {
            self.fail(LayerErrorKind::Timeout, &format!("no header within {after}"));
        }
        if let Some(error) = &self.error {
            return Err(error.clone());
        }
        Ok(match to {
            Direction::In => self.inward.pop_front(),
            Direction::Out if self.received.is_none() => self.waiting.pop_front(),
            Direction::Out => None,
        })
    }

    fn state(&self) -> State {
        match self.received {
            Some(_) => State::Establishing,
            None if self.inward.is_empty() && self.waiting.is_empty() => State::Done,
            None => State::Open,
        }
    }

    fn next_timeout(&self, _to: Direction) -> Option<Instant> {
        self.limit.as_ref().filter(|_| self.received.is_some()).map(|(at, _)| *at)
    }

    fn held(&self, to: Direction) -> usize {
        let flows = if to == Direction::In { &self.inward } else { &self.waiting };
        flows.iter().map(|flow| if let Flow::Data(bytes) = flow { bytes.len() } else { 0 }).sum()
    }

    fn discard(&mut self, to: Direction) {
        mem::take(if to == Direction::In { &mut self.inward } else { &mut self.waiting });
    }

    fn hides_wire(&self) -> bool {
        true
    }

    fn take_claimed(&mut self) -> Option<Claimed> {
        self.claimed.take()
    }
}

fn read(bytes: &[u8]) -> Result<Header, String> {
    let is_version_2 = bytes.first() == Some(&SIGNATURE[0]);
    let start: &[u8] = if is_version_2 { SIGNATURE } else { b"PROXY " };
    let compared = bytes.len().min(start.len());
    if bytes[..compared] != start[..compared] {
        let shown = show_bytes(&bytes[..bytes.len().min(40)]);
        return Err(format!("the connection does not begin with a header: \"{shown}\""));
    }
    if bytes.len() <= compared && compared < start.len() {
        return Ok(Header::Incomplete);
    }
    if is_version_2 { read_bytes(bytes) } else { read_line(bytes) }
}

fn read_line(bytes: &[u8]) -> Result<Header, String> {
    let line = &bytes[..bytes.len().min(LONGEST_LINE)];
    let Some(end) = line.iter().position(|byte| *byte == b'\n') else {
        if line.len() < LONGEST_LINE {
            return Ok(Header::Incomplete);
        }
        return Err(format!("the header is longer than {LONGEST_LINE} bytes"));
    };
    let malformed = || format!("the header is malformed: \"{}\"", show_bytes(&line[..end]));
    let text = line[..end].strip_suffix(b"\r").and_then(|line| str::from_utf8(line).ok()).ok_or_else(malformed)?;
    let mut words = text.split(' ').skip(1);
    let is_v4 = match words.next() {
        Some("UNKNOWN") => return Ok(Header::Complete(end + 1, None)),
        Some("TCP4") => true,
        Some("TCP6") => false,
        _ => return Err(malformed()),
    };
    let words: Vec<_> = words.collect();
    let [from, to, from_port, to_port] = words[..] else { return Err(malformed()) };
    let host = |word: &str| word.parse::<IpAddr>().ok().filter(|address| address.is_ipv4() == is_v4);
    let port = |word: &str| word.parse::<u16>().ok().filter(|port| port.to_string() == word);
    let end_of = |address, number| Some(SocketAddr::new(host(address)?, port(number)?));
    match (end_of(from, from_port), end_of(to, to_port)) {
        (Some(from), Some(to)) => Ok(Header::Complete(end + 1, Some((from, to)))),
        _ => Err(malformed()),
    }
}

fn read_bytes(bytes: &[u8]) -> Result<Header, String> {
    let [command, family, high, low, ..] = bytes[SIGNATURE.len()..] else { return Ok(Header::Incomplete) };
    if command != PROXY && command != LOCAL {
        return Err(format!("the header is malformed: version and command are 0x{command:02x}"));
    }
    let length = usize::from(u16::from_be_bytes([high, low]));
    let wanted = match family {
        // A health check of the proxy itself: the addresses do not count.
        _ if command == LOCAL => 0,
        UNSPECIFIED => 0,
        TCP4 | UDP4 => 12,
        TCP6 | UDP6 => 36,
        family if UNIX.contains(&family) => 216,
        family => return Err(format!("the header is malformed: there is no family 0x{family:02x}")),
    };
    if length < wanted {
        return Err(format!("the header is malformed: {length} bytes of addresses, and {wanted} are needed"));
    }
    let Some(body) = bytes.get(FIXED..FIXED + length) else { return Ok(Header::Incomplete) };
    // What follows the addresses is more that the proxy knows (TLV), which is skipped.
    let ends = match wanted {
        12 => {
            let address =
                |at: usize| IpAddr::V4(Ipv4Addr::from(<[u8; 4]>::try_from(&body[at..at + 4]).unwrap_or_default()));
            Some((SocketAddr::new(address(0), port_at(body, 8)), SocketAddr::new(address(4), port_at(body, 10))))
        }
        36 => {
            let address =
                |at: usize| IpAddr::V6(Ipv6Addr::from(<[u8; 16]>::try_from(&body[at..at + 16]).unwrap_or_default()));
            Some((SocketAddr::new(address(0), port_at(body, 32)), SocketAddr::new(address(16), port_at(body, 34))))
        }
        _ => None,
    };
    Ok(Header::Complete(FIXED + length, ends))
}

fn port_at(body: &[u8], at: usize) -> u16 {
    u16::from_be_bytes([body[at], body[at + 1]])
}
