//! Sockets that were open when the process started, given by the number of their descriptor: `fd:N`, and those of systemd.
//!
//! Owns what kind of socket a descriptor is, and its options for this process. Nothing is bound or connected here.

use std::io;
use std::os::fd::{AsFd, OwnedFd};
use std::sync::Arc;
use std::time::Duration;

use mio::net::{TcpStream, UdpSocket, UnixStream};
use rustix::io::FdFlags;
use socket2::{Domain, Socket, Type};

use crate::config::SocketOptions;
use crate::endpoint::Address;
use crate::net::hub::HubListening;
use crate::net::listener::{TcpListening, plain};
use crate::net::tcp::Tcp;
use crate::net::udp::Udp;
use crate::net::unix::{self, Unix, UnixListening};
use crate::net::unixgram::Unixgram;
use crate::net::{Connecting, Ends, Listening, Transport, delegate_source, options};
use crate::sys::datagram;

/// A connected socket, which stands already.
struct Inherited {
    transport: Box<dyn Transport>,
    ends: Ends,
}

/// The connection of a connected socket.
///
/// # Errors
/// It is not open, or no connected socket.
pub fn connect(number: i32, sockets: &SocketOptions) -> io::Result<Box<dyn Connecting>> {
    let socket = take(number, sockets)?;
    let peer = socket.peer_addr().map_err(|error| match error.kind() {
        io::ErrorKind::NotConnected => io::Error::new(error.kind(), "the socket is not connected"),
        _ => error,
    })?;
    let local = socket.local_addr()?;
    let is_datagram = socket.r#type()? == Type::DGRAM;
    let address = |address: &socket2::SockAddr| match (address.as_socket().map(plain), is_datagram) {
        (Some(ip), true) => Address::Udp(ip),
        (Some(ip), false) => Address::Ip(ip),
        (None, true) => unix::datagram_address(address),
        (None, false) => unix::stream_address(address),
    };
    let ends = Ends { peer: address(&peer), local: address(&local) };
    let transport: Box<dyn Transport> = match (peer.as_socket().or(local.as_socket()).is_some(), is_datagram) {
        (true, false) => Box::new(Tcp::new(TcpStream::from_std(socket.into()))),
        (true, true) => Box::new(Udp::new(UdpSocket::from_std(socket.into()))),
        (false, false) => Box::new(Unix::new(UnixStream::from_std(socket.into()))),
        (false, true) => Box::new(Unixgram::new(socket)),
    };
    Ok(Box::new(Inherited { transport, ends }))
}

/// The listener of a listening socket, or of a bound one for datagrams.
///
/// # Errors
/// It is not open, or no socket that clients can reach.
pub fn listen(number: i32, sockets: &Arc<SocketOptions>) -> io::Result<Box<dyn Listening>> {
    let socket = take(number, sockets)?;
    let local = socket.local_addr()?;
    let name = unix::datagram_address(&local);
    if socket.r#type()? == Type::DGRAM {
        if let Some(ip) = local.as_socket() {
            datagram::ask_for_details(socket.as_fd());
            return Ok(Box::new(HubListening::new(socket, Address::Udp(ip))));
        }
        datagram::ask_for_senders(socket.as_fd());
        return Ok(Box::new(HubListening::new(socket, name)));
    }
    if !rustix::net::sockopt::socket_acceptconn(&socket)? {
        return Err(io::Error::new(io::ErrorKind::InvalidInput, "the socket does not listen"));
    }
    if let Some(ip) = local.as_socket() {
        // Accepted connections inherit them, as from a listener of our own.
        socket.set_tcp_nodelay(true)?;
        socket.set_keepalive(true)?;
        socket.set_linger(Some(Duration::ZERO))?;
        return Ok(Box::new(TcpListening::new(socket, ip)));
    }
    match name {
        Address::Unixgram(Some(name)) => Ok(Box::new(UnixListening::new(socket, *name, sockets))),
        _ => Err(io::Error::new(io::ErrorKind::InvalidInput, "the socket has no name")),
    }
}

/// Takes a descriptor over, and sets what fits its socket.
fn take(number: i32, sockets: &SocketOptions) -> io::Result<Socket> {
    let fd = OwnedFd::from(crate::sys::unix::take_fd(number)?);
    // Programs that we start have no use for it.
    rustix::io::fcntl_setfd(&fd, FdFlags::CLOEXEC)?;
    let socket = Socket::from(fd);
    let unfit = |message: String| io::Error::new(io::ErrorKind::InvalidInput, message);
    let Ok(kind @ (Type::STREAM | Type::DGRAM)) = socket.r#type() else {
        return Err(unfit("it is no stream or datagram socket".to_owned()));
    };
    let domain = socket.local_addr().map_or(Domain::UNIX, |local| local.domain());
    match sockets.of_ip().filter(|_| domain == Domain::UNIX) {
        Some(option) => return Err(unfit(format!("{option} is for IP, and it is a Unix socket"))),
        None if kind == Type::STREAM => {}
        None if sockets.user_timeout.is_some() => {
            return Err(unfit("--user-timeout is for streams, and it is a datagram socket".to_owned()));
        }
        None => {}
    }
    options::apply(&socket, domain, kind, sockets)?;
    socket.set_nonblocking(true)?;
    Ok(socket)
}

impl Connecting for Inherited {
    fn finish(&mut self) -> io::Result<Option<Ends>> {
        Ok(Some(self.ends.clone()))
    }

    fn into_transport(self: Box<Self>) -> Box<dyn Transport> {
        self.transport
    }
}

delegate_source!(Inherited, transport);
