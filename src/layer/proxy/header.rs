//! The header of the PROXY protocol, as its sender: the first bytes of a connection, which tell the server its client's
//! address.
//!
//! Owns the text of version 1 and the bytes of version 2. <https://www.haproxy.org/download/2.9/doc/proxy-protocol.txt>

use std::collections::VecDeque;
use std::net::{IpAddr, SocketAddr};
use std::time::Instant;

use crate::layer::{Direction, Flow, Layer, LayerError, State};
use crate::proxy::HeaderVersion;

/// How version 2 begins.
pub(super) const SIGNATURE: &[u8; 12] = b"\r\n\r\n\0\r\nQUIT\n";
/// Version 2, a connection on behalf of a client.
pub(super) const PROXY: u8 = 0x21;
/// Version 2, a connection of the sender itself.
pub(super) const LOCAL: u8 = 0x20;
/// Families with their protocol, stream.
pub(super) const UNSPECIFIED: u8 = 0x00;
pub(super) const TCP4: u8 = 0x11;
pub(super) const TCP6: u8 = 0x21;

/// Sends the header before anything else.
#[derive(Debug)]
pub struct ProxyHeader {
    header: Option<Vec<u8>>,
    queues: [VecDeque<Flow>; 2],
}

impl ProxyHeader {
    /// The header for a connection between these two addresses; without them, or of two families, it says that they are
    /// unknown.
    pub fn new(version: HeaderVersion, ends: Option<(SocketAddr, SocketAddr)>) -> Self {
        let ends = ends.filter(|(from, to)| from.is_ipv4() == to.is_ipv4());
        let header = match version {
            HeaderVersion::V1 => text(ends),
            HeaderVersion::V2 => bytes(ends),
        };
        Self { header: Some(header), queues: Default::default() }
    }
}

fn text(ends: Option<(SocketAddr, SocketAddr)>) -> Vec<u8> {
    let Some((from, to)) = ends else { return b"PROXY UNKNOWN\r\n".to_vec() };
    let family = if from.is_ipv4() { "TCP4" } else { "TCP6" };
    format!("PROXY {family} {} {} {} {}\r\n", from.ip(), to.ip(), from.port(), to.port()).into_bytes()
}

fn bytes(ends: Option<(SocketAddr, SocketAddr)>) -> Vec<u8> {
    let mut addresses = Vec::new();
    let mut family = UNSPECIFIED;
    if let Some((from, to)) = ends {
        family = if from.is_ipv4() { TCP4 } else { TCP6 };
        for end in [from, to] {
            match end.ip() {
                IpAddr::V4(address) => addresses.extend(address.octets()),
                IpAddr::V6(address) => addresses.extend(address.octets()),
            }
        }
        addresses.extend(from.port().to_be_bytes());
        addresses.extend(to.port().to_be_bytes());
    }
    let mut header = SIGNATURE.to_vec();
    header.extend([PROXY, family]);
    header.extend((addresses.len() as u16).to_be_bytes());
    header.extend(addresses);
    header
}

impl Layer for ProxyHeader {
    fn name(&self) -> &'static str {
        "proxy header"
    }

    fn push(&mut self, _now: Instant, to: Direction, flow: Flow) {
        self.queues[to as usize].push_back(flow);
    }

    fn poll(&mut self, _now: Instant, to: Direction) -> Result<Option<Flow>, LayerError> {
        if to == Direction::Out
            && let Some(header) = self.header.take()
        {
            return Ok(Some(Flow::Data(header)));
        }
        Ok(self.queues[to as usize].pop_front())
    }

    fn state(&self) -> State {
        match self.header {
            Some(_) => State::Establishing,
            None if self.queues.iter().all(VecDeque::is_empty) => State::Done,
            None => State::Open,
        }
    }

    fn held(&self, to: Direction) -> usize {
        self.queues[to as usize].iter().map(|flow| if let Flow::Data(bytes) = flow { bytes.len() } else { 0 }).sum()
    }

    fn discard(&mut self, to: Direction) {
        self.queues[to as usize].clear();
    }

    fn hides_wire(&self) -> bool {
        true
    }
}
