//! Listening sockets: binding, dual-stack, the accept queue, and which accept errors matter.

use std::io;
use std::net::{Ipv4Addr, Ipv6Addr, SocketAddr};

use mio::net::TcpListener;
use socket2::{Domain, Protocol, Socket, Type};

use crate::config::Family;
use crate::net::tcp::Tcp;

/// Length of the accept queue when nobody says otherwise: with 128, a burst of 1 000 connects stalls for a
/// second (a SYN is retransmitted), with 1024 it does not.
pub const BACKLOG: i32 = 1024;

/// One accept.
#[derive(Debug)]
pub enum Accepted {
    /// A peer.
    Peer(Tcp, SocketAddr),
    /// Nobody waits now.
    None,
    /// That client is gone already, or the like: try the next.
    TryNext,
    /// Descriptors or memory ran out: wait a little, no event will come.
    Exhausted(io::Error),
    /// The listener itself is broken.
    Failed(io::Error),
}

/// How to listen.
#[derive(Clone, Copy, Debug)]
pub struct Options {
    /// Only addresses of this family; `[::]` serves IPv4 too, unless it is IPv6 only.
    pub family: Family,
    /// Length of the accept queue.
    pub backlog: i32,
    /// Other sockets of this user may listen on the same port, and share its clients (socket(7), `SO_REUSEPORT`).
    pub shared: bool,
}

/// Binds and listens on one of `addresses`, the first that works.
///
/// # Errors
/// The last address's error.
pub fn listen(addresses: &[SocketAddr], options: Options) -> io::Result<TcpListener> {
    let mut last = io::Error::new(io::ErrorKind::AddrNotAvailable, "no address to listen on");
    for &address in addresses {
        match listen_on(address, options) {
            Ok(listener) => return Ok(listener),
            Err(error) => last = error,
        }
    }
    Err(last)
}

/// The addresses that stand for "every local address": dual-stack first, then IPv4 for systems without IPv6.
pub fn wildcard(family: Family, port: u16) -> Vec<SocketAddr> {
    let v6 = SocketAddr::from((Ipv6Addr::UNSPECIFIED, port));
    let v4 = SocketAddr::from((Ipv4Addr::UNSPECIFIED, port));
    match family {
        Family::Any => vec![v6, v4],
        Family::V4 => vec![v4],
        Family::V6 => vec![v6],
    }
}

fn listen_on(address: SocketAddr, options: Options) -> io::Result<TcpListener> {
    let socket = Socket::new(Domain::for_address(address), Type::STREAM, Some(Protocol::TCP))?;
    socket.set_nonblocking(true)?;
    // Without it a restarted server waits for TIME_WAIT to pass (socket(7)).
    socket.set_reuse_address(true)?;
    if options.shared {
        socket.set_reuse_port(true)?;
    }
    if let SocketAddr::V6(v6) = address {
        socket.set_only_v6(options.family == Family::V6 || !v6.ip().is_unspecified())?;
    }
    // For those it accepts: one call less for each.
    #[cfg(target_os = "linux")]
    socket.set_tcp_nodelay(true)?;
    socket.bind(&address.into())?;
    socket.listen(options.backlog)?;
    Ok(TcpListener::from_std(socket.into()))
}

/// Accepts one connection, and sorts the errors by what to do about them (accept(2)).
pub fn accept(listener: &TcpListener) -> Accepted {
    match listener.accept() {
        Ok((stream, peer)) => Accepted::Peer(Tcp::accepted(stream), peer),
        Err(error) => match error.raw_os_error() {
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
        },
    }
}

/// An IPv4 peer of a dual-stack listener as IPv4.
pub fn plain(address: SocketAddr) -> SocketAddr {
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

    #[test]
    fn port_zero_gives_a_real_port() {
        let options = Options { family: Family::V4, backlog: BACKLOG, shared: false };
        let listener = listen(&wildcard(Family::V4, 0), options).unwrap();
        assert_ne!(listener.local_addr().unwrap().port(), 0);
        let taken = listener.local_addr().unwrap();
        let error = listen(&[taken], options).unwrap_err();
        assert_eq!(error.kind(), io::ErrorKind::AddrInUse);
    }

    #[test]
    fn what_is_accepted_sends_at_once() {
        let options = Options { family: Family::V4, backlog: BACKLOG, shared: false };
        let listener = listen(&wildcard(Family::V4, 0), options).unwrap();
        let _client =
            std::net::TcpStream::connect((Ipv4Addr::LOCALHOST, listener.local_addr().unwrap().port())).unwrap();
        let (stream, _) = listener.accept().unwrap();
        assert_eq!(stream.nodelay().unwrap(), cfg!(target_os = "linux"));
    }

    #[test]
    fn a_port_is_shared_by_those_who_all_want_it() {
        let options = Options { family: Family::V4, backlog: BACKLOG, shared: true };
        let first = listen(&wildcard(Family::V4, 0), options).unwrap();
        let address = first.local_addr().unwrap();
        let second = listen(&[address], options).unwrap();
        assert_eq!(second.local_addr().unwrap(), address);
        assert!(listen(&[address], Options { shared: false, ..options }).is_err());
    }
}
