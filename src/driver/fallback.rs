//! `Fallback`: the further addresses of a target of datagrams, which are tried when the first is refused and has not answered.
//!
//! Owns them, and what was sent: a socket of datagrams is connected without a word to the other end, so that nothing says at
//! the start which of several addresses somebody listens on. What was sent is sent to the next one again.

use std::collections::VecDeque;
use std::net::SocketAddr;
use std::sync::Arc;

use crate::config::SocketOptions;
use crate::endpoint::Address;

/// Maximum bytes that are kept to be sent again; each datagram counts as at least [`OVERHEAD`].
const ROOM: usize = 256 << 10;
const OVERHEAD: usize = 64;

/// Where a connection of datagrams goes on.
#[derive(Debug)]
pub(super) struct Fallback {
    /// What the user wrote.
    pub(super) target: String,
    pub(super) sockets: Arc<SocketOptions>,
    /// Each with the address to connect from.
    addresses: VecDeque<(Address, Option<SocketAddr>)>,
    sent: Vec<Vec<u8>>,
    held: usize,
}

impl Fallback {
    /// `None` without further addresses.
    pub(super) fn new(
        target: String,
        sockets: Arc<SocketOptions>,
        addresses: VecDeque<(Address, Option<SocketAddr>)>,
    ) -> Option<Box<Self>> {
        let made = Self { target, sockets, addresses, sent: Vec::new(), held: 0 };
        (!made.addresses.is_empty()).then(|| Box::new(made))
    }

    /// Keeps what was sent. Returns whether there was room: else it is too late for another address.
    pub(super) fn keep(&mut self, datagram: &[u8]) -> bool {
        self.held += datagram.len().max(OVERHEAD);
        self.sent.push(datagram.to_vec());
        self.held <= ROOM
    }

    /// The next address to try.
    pub(super) fn next_address(&mut self) -> Option<(Address, Option<SocketAddr>)> {
        self.addresses.pop_front()
    }

    /// What was sent, in order.
    pub(super) fn sent(&self) -> impl Iterator<Item = &[u8]> {
        self.sent.iter().map(Vec::as_slice)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_kept_is_bounded() {
        let address: SocketAddr = "127.0.0.1:1".parse().unwrap();
        let mut fallback =
            Fallback::new("h:1".into(), Arc::default(), VecDeque::from([(Address::Udp(address), None)])).unwrap();
        assert!((0..4096).all(|_| fallback.keep(b"")));
        assert!(!fallback.keep(b""));
        assert!(Fallback::new("h:1".into(), Arc::default(), VecDeque::new()).is_none());
    }
}
