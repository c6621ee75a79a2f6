//! A refusal of datagrams: another address of the target is tried, or it is the end of the other side, or a fault.
//!
//! Owns which of these it is. The further addresses are owned by `fallback`.

use std::io;
use std::net::SocketAddr;

use mio::Interest;

use super::Peer;
use crate::driver::fallback::Fallback;
use crate::driver::io::Io;
use crate::endpoint::Address;
use crate::error::cause;
use crate::net::StartError;
use crate::output::Notice;

impl Peer {
    /// Whether a refusal is no fault: another address is tried, or it is the end of the other side.
    pub(super) fn takes_refusal(&mut self, io: &mut Io, error: &io::Error) -> bool {
        self.fall_back(io, error) || (is_refusal(error) && !self.duties.probe && self.link.takes_refusal())
    }

    /// Goes on with the next address of the target, if this one is refused and nothing was received from it. Returns whether it
    /// does.
    fn fall_back(&mut self, io: &mut Io, error: &io::Error) -> bool {
        if !is_refusal(error) {
            return false;
        }
        let Some(mut fallback) = self.fallback.take() else { return false };
        let (id, mut failed, mut why) = (self.id(), self.link.view().info.peer().clone(), cause(error));
        while let Some((address, source)) = fallback.next_address() {
            io.notify(&Notice::AttemptFailed { conn: id, address: &failed, cause: &why });
            io.notify(&Notice::Dialing { conn: id, target: &fallback.target, address: &address });
            match self.connect_to(io, &fallback, &address, source) {
                Ok(()) => {
                    for datagram in fallback.sent() {
                        // A refusal is told by the next call.
                        let _ = self.transport.write(datagram);
                    }
                    self.fallback = Some(fallback);
                    io.reactor.wake(self.slot);
                    return true;
                }
                Err(error) => (failed, why) = (address, cause(&error)),
            }
        }
        false
    }

    /// Connects to another address, with a socket in place of this one.
    fn connect_to(
        &mut self,
        io: &mut Io,
        fallback: &Fallback,
        address: &Address,
        source: Option<SocketAddr>,
    ) -> io::Result<()> {
        let connecting = io.network.connect(address, source, &fallback.sockets);
        let mut connecting = connecting.map_err(|error| match error {
            StartError::Option(error) | StartError::Bind(error) | StartError::Connect(error) => error,
            StartError::Busy => io::ErrorKind::WouldBlock.into(),
        })?;
        let ends = connecting.finish()?.ok_or(io::ErrorKind::NotConnected)?;
        let both = Interest::READABLE | Interest::WRITABLE;
        io.reactor.replace(self.slot, &mut *self.transport, &mut *connecting, both)?;
        self.transport = connecting.into_transport();
        self.link.view().moved(ends.peer, ends.local);
        Ok(())
    }
}

/// Whether nobody takes datagrams there.
pub(super) fn is_refusal(error: &io::Error) -> bool {
    matches!(
        error.kind(),
        io::ErrorKind::ConnectionRefused | io::ErrorKind::HostUnreachable | io::ErrorKind::NetworkUnreachable
    )
}
