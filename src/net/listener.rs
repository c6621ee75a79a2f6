//! TCP listeners: binding, dual-stack, the accept queue, and the classification of accept errors.

use std::io;
use std::net::{Ipv4Addr, Ipv6Addr, SocketAddr};
use std::sync::Arc;
use std::time::Duration;

use mio::net::TcpListener;
use socket2::{Domain, Protocol, Socket, Type};

use crate::config::{Family, SocketOptions};
use crate::endpoint::Address;
use crate::net::tcp::Tcp;
use crate::net::{Accepted, Ends, Listening, delegate_source, options};

/// Default length of the accept queue. With 128, a burst of 1 000 connects stalls for a second (a SYN is retransmitted),
/// with 1024 it does not.
pub const BACKLOG: i32 = 1024;

/// A listening TCP socket.
#[derive(Debug)]
pub struct TcpListening {
    listener: TcpListener,
    address: SocketAddr,
}

/// Options of a listener.
#[derive(Clone, Debug)]
pub struct Options {
    /// Address family; `[::]` accepts IPv4 too, unless the family is IPv6.
    pub family: Family,
    /// Length of the accept queue.
    pub backlog: i32,
    /// Shares the port with other sockets of this user (socket(7), `SO_REUSEPORT`).
    pub shared: bool,
    /// Options of the socket, and of those that it accepts.
    pub sockets: Arc<SocketOptions>,
}

/// The wildcard addresses in the order to try them: dual-stack, then IPv4 for systems without IPv6.
pub fn wildcard(family: Family, port: u16) -> Vec<SocketAddr> {
    let v6 = SocketAddr::from((Ipv6Addr::UNSPECIFIED, port));
    let v4 = SocketAddr::from((Ipv4Addr::UNSPECIFIED, port));
    match family {
        Family::Any => vec![v6, v4],
        Family::V4 => vec![v4],
        Family::V6 => vec![v6],
    }
}

/// Binds and listens.
///
/// # Errors
/// Errors of socket(2), bind(2) and listen(2).
pub fn listen(address: SocketAddr, options: &Options) -> io::Result<TcpListening> {
    let socket = Socket::new(Domain::for_address(address), Type::STREAM, Some(Protocol::TCP))?;
    socket.set_nonblocking(true)?;
    // Without it a restarted server cannot bind until TIME_WAIT has passed (socket(7)).
    socket.set_reuse_address(true)?;
    if options.shared {
        socket.set_reuse_port(true)?;
    }
    if let SocketAddr::V6(v6) = address {
        socket.set_only_v6(options.family == Family::V6 || !v6.ip().is_unspecified())?;
    }
    // Inherited by accepted sockets, which saves system calls for each.
    #[cfg(target_os = "linux")]
    {
        socket.set_tcp_nodelay(true)?;
        socket.set_keepalive(true)?;
        socket.set_linger(Some(Duration::ZERO))?;
    }
    options::apply(&socket, Domain::for_address(address), Type::STREAM, &options.sockets)?;
    socket.bind(&address.into())?;
    socket.listen(options.backlog)?;
    let listener = TcpListener::from_std(socket.into());
    let address = listener.local_addr()?;
    Ok(TcpListening { listener, address })
}

impl TcpListening {
    /// Wraps a listening socket that does not block.
    pub(super) fn new(socket: Socket, address: SocketAddr) -> Self {
        Self { listener: TcpListener::from_std(socket.into()), address }
    }
}

impl Listening for TcpListening {
    fn accept(&mut self) -> Accepted {
        match self.listener.accept() {
            Ok((stream, peer)) => {
                let local = if self.address.ip().is_unspecified() { stream.local_addr().ok() } else { None };
                let local = plain(local.unwrap_or(self.address)).into();
                Accepted::Peer(Box::new(Tcp::accepted(stream)), Ends { peer: plain(peer).into(), local })
            }
            Err(error) => accept_failed(error),
        }
    }

    fn address(&self) -> Address {
        self.address.into()
    }
}

delegate_source!(TcpListening, listener);

/// Classifies an error of accept(2) by what to do about it.
pub(super) fn accept_failed(error: io::Error) -> Accepted {
    match error.raw_os_error() {
        _ if error.kind() == io::ErrorKind::WouldBlock => Accepted::None,
        Some(libc::EMFILE | libc::ENFILE | libc::ENOBUFS | libc::ENOMEM) => Accepted::Exhausted(error),
        Some(
            libc::ECONNABORTED
            | libc::EINTR
            | libc::EPROTO
            | libc::ENETDOWN
            | libc::ENOPROTOOPT
            | libc::EHOSTDOWN
            | libc::EHOSTUNREACH
            | libc::EOPNOTSUPP
            | libc::ENETUNREACH
            | libc::ETIMEDOUT
            | libc::EPERM,
        ) => Accepted::TryNext,
        #[cfg(target_os = "linux")]
        Some(libc::ENONET) => Accepted::TryNext,
        _ => Accepted::Failed(error),
    }
}

/// Converts an IPv4-mapped address of a dual-stack listener to IPv4.
pub(super) fn plain(address: SocketAddr) -> SocketAddr {
    match address {
        SocketAddr::V6(v6) => match v6.ip().to_ipv4_mapped() {
            Some(v4) => SocketAddr::from((v4, v6.port())),
            None => address,
        },
        SocketAddr::V4(_) => address,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_dual_stack_listener_shows_ipv4_peers_as_ipv4() {
        let mapped: SocketAddr = "[::ffff:10.0.0.9]:7".parse().unwrap();
        assert_eq!(plain(mapped).to_string(), "10.0.0.9:7");
        let v6: SocketAddr = "[fe80::1]:7".parse().unwrap();
        assert_eq!(plain(v6), v6);
    }

    fn on_loopback(port: u16, shared: bool) -> io::Result<TcpListening> {
        let options = Options { family: Family::V4, backlog: BACKLOG, shared, sockets: Arc::default() };
        listen((Ipv4Addr::LOCALHOST, port).into(), &options)
    }

    #[test]
    fn port_zero_gives_a_real_port() {
        let listener = on_loopback(0, false).unwrap();
        assert_ne!(listener.address.port(), 0);
        let error = on_loopback(listener.address.port(), false).unwrap_err();
        assert_eq!(error.kind(), io::ErrorKind::AddrInUse);
    }

    #[test]
    fn accepted_sockets_inherit_their_options_on_linux() {
        let listening = on_loopback(0, false).unwrap();
        let _client = std::net::TcpStream::connect(listening.address).unwrap();
        let (stream, _) = listening.listener.accept().unwrap();
        assert_eq!(stream.nodelay().unwrap(), cfg!(target_os = "linux"));
        assert_eq!(socket2::SockRef::from(&stream).keepalive().unwrap(), cfg!(target_os = "linux"));
        let linger = socket2::SockRef::from(&stream).linger().unwrap();
        assert_eq!(linger == Some(Duration::ZERO), cfg!(target_os = "linux"));
    }

    #[test]
    fn accepted_sockets_have_the_options_that_were_asked_for() {
        let sockets = SocketOptions {
            recv_buffer: Some(20_000),
            tos: Some(0x10),
            ttl: Some(9),
            user_timeout: Some(Duration::from_secs(3)),
            ..SocketOptions::default()
        };
        let options = Options { family: Family::Any, backlog: BACKLOG, shared: false, sockets: Arc::new(sockets) };
        // A socket of both families, and a peer of each.
        let listening = listen((Ipv6Addr::UNSPECIFIED, 0).into(), &options).unwrap();
        for host in ["127.0.0.1", "::1"] {
            let address = SocketAddr::new(host.parse().unwrap(), listening.address.port());
            let _client = std::net::TcpStream::connect(address).unwrap();
            let (stream, _) = listening.listener.accept().unwrap();
            let socket = socket2::SockRef::from(&stream);
            let tos = if host == "::1" { socket.tclass_v6() } else { socket.tos_v4() };
            let ttl = if host == "::1" { socket.unicast_hops_v6() } else { socket.ttl_v4() };
            assert_eq!((tos.unwrap(), ttl.unwrap()), (0x10, 9), "{host}");
            assert_eq!(socket.recv_buffer_size().unwrap(), 40_000);
            assert_eq!(socket.tcp_user_timeout().unwrap(), Some(Duration::from_secs(3)));
        }
    }

    #[test]
    fn a_port_is_shared_only_if_all_listeners_share_it() {
        let first = on_loopback(0, true).unwrap();
        let port = first.address.port();
        let second = on_loopback(port, true).unwrap();
        assert_eq!(second.address, first.address);
        assert!(on_loopback(port, false).is_err());
    }
}
