//! UDP sockets: those of clients are connected, so that only the datagrams of the peer arrive, and its refusals; those of
//! servers are bound.
//!
//! Owns the options of both. The peers of a server, which share its socket, are in `hub`.

use std::io;
use std::net::SocketAddr;
use std::os::fd::AsFd;

use mio::net::UdpSocket;
use socket2::{Domain, Protocol, Socket, Type};

use crate::config::Family;
use crate::endpoint::Address;
use crate::net::hub::HubListening;
use crate::net::listener::Options;
use crate::net::{Connecting, Ends, StartError, Transport, delegate_source};
use crate::sys::datagram;

/// Room for datagrams that the process has not received yet, in bytes; the system gives what it allows.
const RECEIVE_BUFFER: usize = 4 << 20;

/// A UDP socket with one peer.
#[derive(Debug)]
pub struct Udp(UdpSocket);

/// A connect, which is done as soon as it is begun: it sends nothing.
#[derive(Debug)]
pub struct Connect {
    udp: Udp,
    target: SocketAddr,
}

impl Udp {
    /// Wraps a connected socket that does not block.
    pub fn new(socket: UdpSocket) -> Self {
        Self(socket)
    }
}

impl Connect {
    /// Connects, from `source` if given.
    ///
    /// # Errors
    /// Errors of socket(2), bind(2) and connect(2).
    pub fn start(target: SocketAddr, source: Option<SocketAddr>) -> Result<Self, StartError> {
        let socket = open(target).map_err(StartError::Connect)?;
        if let Some(source) = source {
            socket.bind(&source.into()).map_err(StartError::Bind)?;
        }
        socket.connect(&target.into()).map_err(StartError::Connect)?;
        Ok(Self { udp: Udp(UdpSocket::from_std(socket.into())), target })
    }
}

impl Connecting for Connect {
    fn finish(&mut self) -> io::Result<Option<Ends>> {
        let local = self.udp.0.local_addr()?;
        Ok(Some(Ends { peer: Address::Udp(self.target), local: Address::Udp(local) }))
    }

    fn into_transport(self: Box<Self>) -> Box<dyn Transport> {
        Box::new(self.udp)
    }
}

impl Transport for Udp {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        self.0.recv(buffer)
    }

    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.0.send(bytes)
    }

    fn shutdown_write(&mut self) -> io::Result<()> {
        Ok(())
    }
}

delegate_source!(Udp, 0);
delegate_source!(Connect, udp);

/// Binds a socket for many peers.
///
/// # Errors
/// Errors of socket(2) and bind(2).
pub fn listen(address: SocketAddr, options: Options) -> io::Result<HubListening> {
    let socket = open(address)?;
    if options.shared {
        socket.set_reuse_port(true)?;
    }
    if let SocketAddr::V6(v6) = address {
        socket.set_only_v6(options.family == Family::V6 || !v6.ip().is_unspecified())?;
    }
    // As much as there is: a burst that does not fit is lost.
    let _ = socket.set_recv_buffer_size(RECEIVE_BUFFER);
    datagram::ask_for_details(socket.as_fd());
    socket.bind(&address.into())?;
    let bound = socket.local_addr()?.as_socket().unwrap_or(address);
    Ok(HubListening::new(socket, Address::Udp(bound)))
}

fn open(address: SocketAddr) -> io::Result<Socket> {
    let socket = Socket::new(Domain::for_address(address), Type::DGRAM, Some(Protocol::UDP))?;
    socket.set_nonblocking(true)?;
    Ok(socket)
}
