//! UDP sockets: those of clients are connected, so that only the datagrams of the peer arrive, and its refusals; those of
//! servers are bound.
//!
//! Owns the options of both. The peers of a server, which share its socket, are in `hub`.

use std::io;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr};
use std::os::fd::AsFd;

use mio::net::UdpSocket;
use socket2::{Domain, Protocol, Socket, Type};

use crate::config::{Family, SocketOptions};
use crate::endpoint::Address;
use crate::net::hub::HubListening;
use crate::net::listener::Options;
use crate::net::{Connecting, Ends, StartError, Transport, delegate_source, options};
use crate::sys::datagram;

/// Room for datagrams that the process has not received yet, in bytes; the system gives what it allows.
const RECEIVE_BUFFER: usize = 4 << 20;

/// A UDP socket with one peer.
#[derive(Debug)]
pub struct Udp {
    socket: UdpSocket,
    /// A group, or all hosts of a network. Their answers come from other addresses, so the socket is not connected to it.
    to: Option<SocketAddr>,
}

/// A connect, which is done as soon as it is begun: it sends nothing.
#[derive(Debug)]
pub struct Connect {
    udp: Udp,
    target: SocketAddr,
}

impl Udp {
    /// Wraps a connected socket that does not block.
    pub fn new(socket: UdpSocket) -> Self {
        Self { socket, to: None }
    }
}

impl Connect {
    /// Connects, from `source` if given.
    ///
    /// # Errors
    /// Errors of socket(2), bind(2) and connect(2).
    pub fn start(target: SocketAddr, source: Option<SocketAddr>, sockets: &SocketOptions) -> Result<Self, StartError> {
        let socket = open(target).map_err(StartError::Connect)?;
        options::apply(&socket, Domain::for_address(target), Type::DGRAM, sockets).map_err(StartError::Option)?;
        if let Some(source) = source {
            socket.bind(&source.into()).map_err(StartError::Bind)?;
        }
        let is_to_many = target.ip().is_multicast() || !connects(&socket, target, sockets.broadcast)?;
        // A connect that was refused has given the socket a port already.
        if target.ip().is_multicast() && source.is_none() {
            let any: IpAddr =
                if target.is_ipv4() { Ipv4Addr::UNSPECIFIED.into() } else { Ipv6Addr::UNSPECIFIED.into() };
            socket.bind(&SocketAddr::new(any, 0).into()).map_err(StartError::Bind)?;
        }
        let to = is_to_many.then_some(target);
        Ok(Self { udp: Udp { socket: UdpSocket::from_std(socket.into()), to }, target })
    }
}

impl Connecting for Connect {
    fn finish(&mut self) -> io::Result<Option<Ends>> {
        let local = self.udp.socket.local_addr()?;
        Ok(Some(Ends { peer: Address::Udp(self.target), local: Address::Udp(local) }))
    }

    fn into_transport(self: Box<Self>) -> Box<dyn Transport> {
        Box::new(self.udp)
    }
}

impl Transport for Udp {
    fn lost_by_system(&self) -> u64 {
        datagram::dropped(self.socket.as_fd())
    }

    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        match self.to {
            Some(_) => self.socket.recv_from(buffer).map(|(n, _)| n),
            None => self.socket.recv(buffer),
        }
    }

    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        match self.to {
            Some(to) => self.socket.send_to(bytes, to),
            None => self.socket.send(bytes),
        }
    }

    fn shutdown_write(&mut self) -> io::Result<()> {
        Ok(())
    }
}

delegate_source!(Udp, socket);
delegate_source!(Connect, udp);

/// Binds a socket for many peers.
///
/// # Errors
/// Errors of socket(2) and bind(2).
pub fn listen(address: SocketAddr, options: &Options) -> io::Result<HubListening> {
    let socket = open(address)?;
    if options.shared {
        socket.set_reuse_port(true)?;
    }
    if let SocketAddr::V6(v6) = address {
        socket.set_only_v6(options.family == Family::V6 || !v6.ip().is_unspecified())?;
    }
    // As much as there is: a burst that does not fit is lost.
    let _ = socket.set_recv_buffer_size(RECEIVE_BUFFER);
    options::apply(&socket, Domain::for_address(address), Type::DGRAM, &options.sockets)?;
    datagram::ask_for_details(socket.as_fd());
    datagram::ask_for_gro(socket.as_fd());
    socket.bind(&address.into())?;
    let bound = socket.local_addr()?.as_socket().unwrap_or(address);
    Ok(HubListening::new(socket, Address::Udp(bound)))
}

/// Connects. Returns false if the target is all hosts of a network, which a socket may only connect to once `broadcast` is set.
fn connects(socket: &Socket, target: SocketAddr, broadcast: bool) -> Result<bool, StartError> {
    let allow = |is_allowed| socket.set_broadcast(is_allowed).map_err(StartError::Connect);
    if broadcast {
        allow(false)?;
    }
    let connected = socket.connect(&target.into());
    if broadcast {
        allow(true)?;
    }
    match connected {
        Ok(()) => Ok(true),
        Err(error) if error.kind() == io::ErrorKind::PermissionDenied && broadcast => Ok(false),
        Err(error) if error.kind() == io::ErrorKind::PermissionDenied => {
            let message = "permission denied; --broadcast allows datagrams to all hosts of a network";
            Err(StartError::Connect(io::Error::new(error.kind(), message)))
        }
        Err(error) => Err(StartError::Connect(error)),
    }
}

fn open(address: SocketAddr) -> io::Result<Socket> {
    let socket = Socket::new(Domain::for_address(address), Type::DGRAM, Some(Protocol::UDP))?;
    socket.set_nonblocking(true)?;
    Ok(socket)
}
