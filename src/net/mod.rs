//! The world of sockets, pipes and signals: everything that touches mio.
//!
//! Owns readiness and the non-blocking operations on OS resources. Knows nothing of text, scripts or the rules
//! of when a connection ends.

pub mod bulk;
mod closed;
pub mod dial;
pub mod listener;
pub mod reactor;
pub mod signal;
pub mod splice_pipe;
pub mod stdio;
pub mod tcp;

use std::io;
use std::os::fd::BorrowedFd;

use mio::event::Source;

pub use closed::Closed;

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

    /// Makes the coming drop send RST instead of FIN.
    fn abort(&mut self);

    /// `TCP_NODELAY` on or off; nothing where there is no such thing.
    fn set_nodelay(&mut self, on: bool);
}
