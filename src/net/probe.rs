//! `Probe`: a TCP connect made only to see whether the target accepts.
//!
//! For Linux alone, where a socket can be connected again after a refusal: on loopback, opening and closing a socket costs
//! more than the connect.

use std::io;
use std::net::SocketAddr;

use mio::net::TcpStream;
use socket2::SockRef;

use crate::net::tcp::{self, Tcp};
use crate::net::{Connecting, Ends, StartError, Transport, delegate_source};

/// A connect whose outcome is all that is wanted.
#[derive(Debug)]
pub struct Probe {
    stream: TcpStream,
    target: SocketAddr,
}

impl Probe {
    /// Starts a connect.
    ///
    /// # Errors
    /// Errors of socket(2) and connect(2) that are reported at once.
    pub fn start(target: SocketAddr) -> Result<Self, StartError> {
        let socket = tcp::open(target).map_err(StartError::Connect)?;
        let mut probe = Self { stream: TcpStream::from_std(socket.into()), target };
        probe.begin(target).map_err(StartError::Connect)?;
        Ok(probe)
    }

    fn begin(&mut self, target: SocketAddr) -> io::Result<()> {
        self.target = target;
        match SockRef::from(&self.stream).connect(&target.into()) {
            Err(error) if error.raw_os_error() != Some(libc::EINPROGRESS) => Err(error),
            _ => Ok(()),
        }
    }
}

impl Connecting for Probe {
    /// A second connect(2) gives the outcome of the first and leaves the socket as before the first one: with
    /// `SO_ERROR` it would be neither connected nor ready for another target.
    fn finish(&mut self) -> io::Result<Option<Ends>> {
        let ends = |local: SocketAddr, peer: SocketAddr| Ok(Some(Ends { peer: peer.into(), local: local.into() }));
        match SockRef::from(&self.stream).connect(&self.target.into()) {
            Ok(()) => {}
            Err(error) => match error.raw_os_error() {
                Some(libc::EISCONN) => {}
                Some(libc::EALREADY | libc::EINPROGRESS) => return Ok(None),
                // A refusal is ECONNREFUSED: it was established, and broke before this call.
                Some(libc::ECONNRESET | libc::EPIPE) => return ends(self.stream.local_addr()?, self.target),
                _ => return Err(error),
            },
        }
        let local = self.stream.local_addr()?;
        if local == self.target {
            return Err(tcp::connected_to_itself());
        }
        ends(local, self.target)
    }

    fn connect_to(&mut self, target: SocketAddr) -> Option<io::Result<()>> {
        Some(self.begin(target))
    }

    fn into_transport(self: Box<Self>) -> Box<dyn Transport> {
        Box::new(Tcp::new(self.stream))
    }
}

delegate_source!(Probe, stream);

#[cfg(test)]
mod tests {
    use std::net::{Ipv6Addr, TcpListener};

    use super::*;

    /// A port of this machine where nobody listens: it is bound.
    fn closed(host: &str) -> (socket2::Socket, SocketAddr) {
        let any: SocketAddr = (host.parse::<std::net::IpAddr>().unwrap(), 0).into();
        let socket = socket2::Socket::new(socket2::Domain::for_address(any), socket2::Type::STREAM, None).unwrap();
        socket.bind(&any.into()).unwrap();
        let address = socket.local_addr().unwrap().as_socket().unwrap();
        (socket, address)
    }

    fn outcome(probe: &mut Probe) -> io::Result<Ends> {
        loop {
            if let Some(ends) = probe.finish()? {
                return Ok(ends);
            }
            std::thread::yield_now();
        }
    }

    #[test]
    fn one_socket_is_refused_many_times_and_then_accepted() {
        for host in ["127.0.0.1", "::1"] {
            if host == "::1" && TcpListener::bind((Ipv6Addr::LOCALHOST, 0)).is_err() {
                continue;
            }
            let listener = TcpListener::bind((host, 0)).unwrap();
            let (_bound, nobody) = closed(host);
            let mut probe = Probe::start(nobody).unwrap();
            for _ in 0..3 {
                assert_eq!(outcome(&mut probe).unwrap_err().kind(), io::ErrorKind::ConnectionRefused);
                probe.connect_to(nobody).unwrap().unwrap();
            }
            assert_eq!(outcome(&mut probe).unwrap_err().kind(), io::ErrorKind::ConnectionRefused);
            let open = listener.local_addr().unwrap();
            probe.connect_to(open).unwrap().unwrap();
            assert_eq!(outcome(&mut probe).unwrap().peer, open.into());
            assert_eq!(outcome(&mut probe).unwrap().peer, open.into(), "asked twice");
            let accepted = listener.accept().unwrap().1;
            assert_eq!(outcome(&mut probe).unwrap().local, accepted.into());
        }
    }
}
