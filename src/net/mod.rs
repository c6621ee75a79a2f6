//! Sockets, pipes and signals: everything that touches mio.
//!
//! Owns readiness and non-blocking operations on OS resources. Knows nothing of text, scripts or the rules for ending a
//! connection.

pub mod bulk;
mod closed;
pub mod dial;
pub mod factory;
pub mod hub;
mod inherited;
pub mod keyboard;
pub mod listener;
mod options;
mod probe;
pub mod process;
pub mod reactor;
pub mod resolver;
pub mod signal;
pub mod splice_pipe;
pub mod stdio;
pub mod tcp;
pub mod tls;
pub mod udp;
pub mod unix;
pub mod unixgram;

use std::io;
use std::net::SocketAddr;
use std::os::fd::BorrowedFd;

use mio::event::Source;

use crate::config::Keepalive;
use crate::endpoint::Address;
use crate::net::reactor::Slot;

pub use closed::Closed;

/// A connect in progress.
pub trait Connecting: Source {
    /// Both ends once the connection is established; `None`: not yet. Call it after each event.
    ///
    /// # Errors
    /// The error of the connect, which the system reports only once.
    fn finish(&mut self) -> io::Result<Option<Ends>>;

    /// Connects the socket to another target of the same family after its connect has failed; `None`: this kind needs a
    /// new socket for that. Not while it is registered.
    fn connect_to(&mut self, _target: SocketAddr) -> Option<io::Result<()>> {
        None
    }

    /// The established connection, which keeps the registration.
    fn into_transport(self: Box<Self>) -> Box<dyn Transport>;
}

/// A listening socket.
pub trait Listening: Source {
    /// Accepts one connection, if one is waiting.
    fn accept(&mut self) -> Accepted;

    /// The address it listens on.
    fn address(&self) -> Address;

    /// Whether accepted connections receive by way of this socket: [`Listening::deliver`] goes on for them when none is to be
    /// accepted.
    fn is_shared(&self) -> bool {
        false
    }

    /// Takes one datagram for the connections that there are.
    fn deliver(&mut self) -> Accepted {
        Accepted::None
    }

    /// Whether a connection can be accepted although no event has said so.
    fn has_waiting(&self) -> bool {
        false
    }

    /// A turn of it begins: it may have got something since the last one.
    fn begin_turn(&mut self) {}

    /// The slots of connections that wait for this socket to take what they write; call it when it is writable.
    fn take_blocked(&mut self) -> Vec<Slot> {
        Vec::new()
    }

    /// Accepts nothing from now on. Returns whether it is [in use](Listening::is_in_use).
    fn retire(&mut self) -> bool {
        false
    }

    /// Datagrams that were lost because a queue was full, and that no connection has counted.
    fn lost(&self) -> u64 {
        0
    }

    /// Whether there are connections that receive by way of this socket: it has to stay registered.
    fn is_in_use(&self) -> bool {
        false
    }
}

/// The two ends of a connection.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Ends {
    /// The other end.
    pub peer: Address,
    /// Our end.
    pub local: Address,
}

/// Result of one accept.
pub enum Accepted {
    /// An accepted connection.
    Peer(Box<dyn Transport>, Ends),
    /// Something came for the accepted connection at this slot.
    Delivered(Slot),
    /// No connection is waiting.
    None,
    /// A transient error, such as a client that is gone already: try the next.
    TryNext,
    /// Descriptors or memory ran out. Try again after a pause; no event will say when.
    Exhausted(io::Error),
    /// The listener itself is broken.
    Failed(io::Error),
}

/// Error of starting a connect.
#[derive(Debug)]
pub enum StartError {
    /// An option of the socket cannot be set; the error names it.
    Option(io::Error),
    /// The local address cannot be bound.
    Bind(io::Error),
    /// The target cannot be reached.
    Connect(io::Error),
    /// The accept queue of the target is full, and no event says when it has room: try again after a pause.
    Busy,
}

/// One OS resource of a connection, read and written without blocking.
pub trait Transport: Source {
    /// Reads available bytes; `Ok(0)` is the end of the stream. Of datagrams one, which may be empty.
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize>;

    /// Writes as many bytes as fit; a datagram as a whole. Returns their number.
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize>;

    /// The descriptor for moves within the kernel ([`bulk`]); `None` if reading or writing involves more than the
    /// descriptor.
    fn bulk_fd(&self) -> Option<BorrowedFd<'_>> {
        None
    }

    /// The user that the peer runs as, where the system knows it.
    fn peer_uid(&self) -> Option<u32> {
        None
    }

    /// Whether something can be read although no event has said so.
    fn has_input(&self) -> bool {
        false
    }

    /// Datagrams that were lost because a queue was full, since the last call.
    fn take_lost(&mut self) -> u64 {
        0
    }

    /// Datagrams that the system has dropped because its own queue was full, since the socket was made.
    fn lost_by_system(&self) -> u64 {
        0
    }

    /// Sends FIN; receiving goes on.
    fn shutdown_write(&mut self) -> io::Result<()>;

    /// Stops receiving: after what has arrived comes the end.
    fn shutdown_read(&mut self) {}

    /// Written bytes that the peer has not acknowledged; none where nothing is acknowledged.
    fn unacknowledged(&self) -> usize {
        0
    }

    /// Whether the peer will acknowledge nothing any more: it has reset the connection.
    fn is_over(&self) -> bool {
        false
    }

    /// Whether the following drop sends RST instead of FIN; the end of the process is one, too. A no-op for protocols without
    /// RST.
    fn end_by_reset(&mut self, _: bool) {}

    /// Acknowledges at once what was read, where the system would wait with that: RST says nothing of it, and the peer would
    /// have to take it for lost.
    fn acknowledge(&self) {}

    /// Whether there is such an RST. It destroys what the peer has not acknowledged.
    fn has_reset(&self) -> bool {
        false
    }

    /// Sets `TCP_NODELAY`; a no-op for other protocols.
    fn set_nodelay(&mut self, _: bool) {}

    /// Sets when a silent peer is asked whether it is there; a no-op for protocols without such a question.
    fn set_keepalive(&mut self, _: Keepalive) {}
}

/// Implements mio's `Source` by a field: one that is a source itself, or, with `fd`, one that has a descriptor.
macro_rules! delegate_source {
    ($type:ty, $field:tt) => {
        delegate_source!(@ $type, |source| source.$field);
    };
    ($type:ty, fd $field:tt) => {
        delegate_source!(
            @ $type,
            |source| mio::unix::SourceFd(&std::os::fd::AsRawFd::as_raw_fd(&std::os::fd::AsFd::as_fd(&source.$field)))
        );
    };
    (@ $type:ty, |$source:ident| $by:expr) => {
        impl mio::event::Source for $type {
            fn register(
                &mut self,
                registry: &mio::Registry,
                token: mio::Token,
                interest: mio::Interest,
            ) -> io::Result<()> {
                let $source = self;
                mio::event::Source::register(&mut $by, registry, token, interest)
            }

            fn reregister(
                &mut self,
                registry: &mio::Registry,
                token: mio::Token,
                interest: mio::Interest,
            ) -> io::Result<()> {
                let $source = self;
                mio::event::Source::reregister(&mut $by, registry, token, interest)
            }

            fn deregister(&mut self, registry: &mio::Registry) -> io::Result<()> {
                let $source = self;
                mio::event::Source::deregister(&mut $by, registry)
            }
        }
    };
}
pub(crate) use delegate_source;
