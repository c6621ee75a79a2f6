//! The world of sockets, pipes and signals: everything that touches mio.
//!
//! Owns readiness and the non-blocking operations on OS resources. Knows nothing of text, scripts or the rules
//! of when a connection ends.

pub mod bulk;
mod closed;
pub mod dial;
pub mod factory;
pub mod listener;
pub mod reactor;
pub mod signal;
pub mod splice_pipe;
pub mod stdio;
pub mod tcp;
pub mod unix;

use std::io;
use std::os::fd::BorrowedFd;

use mio::event::Source;

use crate::endpoint::Address;

pub use closed::Closed;

/// A connect on its way.
pub trait Connecting: Source {
    /// Both ends, once the connection stands; `None`: not yet. Ask after each event.
    ///
    /// # Errors
    /// Why it failed; the system tells that only once.
    fn finish(&mut self) -> io::Result<Option<Ends>>;

    /// The connection, which keeps the registration.
    fn into_transport(self: Box<Self>) -> Box<dyn Transport>;
}

/// A listening socket.
pub trait Listening: Source {
    /// Accepts one connection, if somebody waits.
    fn accept(&mut self) -> Accepted;

    /// Where it listens.
    fn address(&self) -> Address;
}

/// The two ends of a connection.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Ends {
    /// The other end.
    pub peer: Address,
    /// Our end.
    pub local: Address,
}

/// One accept.
pub enum Accepted {
    /// A peer.
    Peer(Box<dyn Transport>, Ends),
    /// Nobody waits now.
    None,
    /// That client is gone already, or the like: try the next.
    TryNext,
    /// Descriptors or memory ran out: wait a little, no event will come.
    Exhausted(io::Error),
    /// The listener itself is broken.
    Failed(io::Error),
}

/// Why a connect could not even be started.
#[derive(Debug)]
pub enum StartError {
    /// The local address cannot be had.
    Bind(io::Error),
    /// The target cannot be reached.
    Connect(io::Error),
    /// The target's queue is full, and no event tells when it has room again: try later.
    Busy,
}

/// One OS resource of a peer, read and written without blocking.
pub trait Transport: Source {
    /// Reads what is there; `Ok(0)` is the peer's end.
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize>;

    /// Writes what fits.
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize>;

    /// The descriptor for moves within the kernel ([`bulk`]), where reading and writing mean nothing else.
    fn bulk_fd(&self) -> Option<BorrowedFd<'_>> {
        None
    }

    /// Ends our direction; the other goes on.
    fn shutdown_write(&mut self) -> io::Result<()>;

    /// Bytes the kernel took that the peer has not acknowledged.
    fn unacknowledged(&self) -> usize;

    /// Makes the coming drop send RST instead of FIN, where there is such a thing.
    fn abort(&mut self);

    /// `TCP_NODELAY` on or off; nothing where there is no such thing.
    fn set_nodelay(&mut self, on: bool);
}

/// What is registered is a field.
macro_rules! delegate_source {
    ($type:ty, $field:tt) => {
        impl mio::event::Source for $type {
            fn register(
                &mut self,
                registry: &mio::Registry,
                token: mio::Token,
                interest: mio::Interest,
            ) -> io::Result<()> {
                self.$field.register(registry, token, interest)
            }

            fn reregister(
                &mut self,
                registry: &mio::Registry,
                token: mio::Token,
                interest: mio::Interest,
            ) -> io::Result<()> {
                self.$field.reregister(registry, token, interest)
            }

            fn deregister(&mut self, registry: &mio::Registry) -> io::Result<()> {
                self.$field.deregister(registry)
            }
        }
    };
}
pub(crate) use delegate_source;
