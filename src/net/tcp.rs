//! TCP connections as [`Transport`]s, and non-blocking connects.

use std::io;
use std::net::{Shutdown, SocketAddr};
use std::os::fd::{AsFd, BorrowedFd};
use std::time::Duration;

use mio::net::TcpStream;
use rustix::net::{RecvFlags, SendFlags};
use socket2::{Domain, Protocol, SockRef, Socket, TcpKeepalive, Type};

use crate::config::{Keepalive, SocketOptions};
use crate::net::{Connecting, Ends, StartError, Transport, delegate_source, options};

/// One TCP connection.
#[derive(Debug)]
pub struct Tcp {
    stream: TcpStream,
    /// Error found while connecting, returned by a later read; the system reports it only once.
    broken: Option<io::Error>,
    /// Current value of `TCP_NODELAY`.
    nodelay: bool,
    /// Current value of `SO_KEEPALIVE`.
    keepalive: bool,
    /// `SO_LINGER` is 0: the drop sends RST.
    resets: bool,
}

/// A TCP connect in progress.
#[derive(Debug)]
pub struct Connect {
    tcp: Tcp,
    target: SocketAddr,
}

impl Tcp {
    /// Wraps a new stream, without `TCP_NODELAY`, `SO_KEEPALIVE` and `SO_LINGER`.
    pub fn new(stream: TcpStream) -> Self {
        Self { stream, broken: None, nodelay: false, keepalive: false, resets: false }
    }

    /// Wraps an accepted stream, which on Linux inherits these options from the listener.
    pub fn accepted(stream: TcpStream) -> Self {
        let inherits = cfg!(target_os = "linux");
        Self { nodelay: inherits, keepalive: inherits, resets: inherits, ..Self::new(stream) }
    }
}

impl Connect {
    /// Starts a connect, from `source` if given.
    ///
    /// # Errors
    /// Errors of socket(2), bind(2) and connect(2) that are reported at once.
    pub fn start(target: SocketAddr, source: Option<SocketAddr>, sockets: &SocketOptions) -> Result<Self, StartError> {
        let socket = open(target).map_err(StartError::Connect)?;
        options::apply(&socket, Domain::for_address(target), Type::STREAM, sockets).map_err(StartError::Option)?;
        if let Some(source) = source {
            bind(&socket, source).map_err(StartError::Bind)?;
        }
        match socket.connect(&target.into()) {
            Ok(()) => {}
            Err(error) if error.raw_os_error() == Some(libc::EINPROGRESS) => {}
            Err(error) => return Err(StartError::Connect(error)),
        }
        Ok(Self { tcp: Tcp::new(TcpStream::from_std(socket.into())), target })
    }
}

impl Connecting for Connect {
    fn finish(&mut self) -> io::Result<Option<Ends>> {
        let stream = &self.tcp.stream;
        let ends = |peer: SocketAddr| Ok(Some(Ends { peer: peer.into(), local: stream.local_addr()?.into() }));
        // A writable event is no proof: check the error first, then the peer address (mio, TcpStream::connect).
        if let Some(error) = stream.take_error()? {
            // An RST in answer to the SYN is ECONNREFUSED. These two errors mean that the connection was established
            // and broke before this call: what the peer sent can still be read, and then this error is returned.
            if matches!(error.kind(), io::ErrorKind::ConnectionReset | io::ErrorKind::BrokenPipe) {
                let ends = ends(self.target);
                self.tcp.broken = Some(error);
                return ends;
            }
            return Err(error);
        }
        match stream.peer_addr() {
            Ok(peer) => match ends(peer)? {
                Some(Ends { peer, local }) if peer == local => {
                    self.tcp.end_by_reset(true);
                    Err(connected_to_itself())
                }
                ends => Ok(ends),
            },
            Err(error) if error.kind() == io::ErrorKind::NotConnected => Ok(None),
            Err(error) if error.raw_os_error() == Some(libc::EINPROGRESS) => Ok(None),
            Err(error) => Err(error),
        }
    }

    fn into_transport(self: Box<Self>) -> Box<dyn Transport> {
        Box::new(self.tcp)
    }
}

/// Both sides have sent a SYN from the same port.
pub(super) fn connected_to_itself() -> io::Error {
    io::Error::other("it would be connected to itself: nobody listens there")
}

/// A non-blocking socket for connects to `target`.
pub(super) fn open(target: SocketAddr) -> io::Result<Socket> {
    let (domain, protocol) = (Domain::for_address(target), Some(Protocol::TCP));
    #[cfg(target_os = "linux")]
    let socket = Socket::new(domain, Type::STREAM.nonblocking(), protocol)?;
    #[cfg(not(target_os = "linux"))]
    let socket = Socket::new(domain, Type::STREAM, protocol)?;
    #[cfg(not(target_os = "linux"))]
    socket.set_nonblocking(true)?;
    Ok(socket)
}

fn bind(socket: &Socket, source: SocketAddr) -> io::Result<()> {
    socket.set_reuse_address(true)?;
    if source.is_ipv6() {
        // A dual-stack socket would also take the IPv4 port, which a parallel attempt by IPv4 needs.
        socket.set_only_v6(true)?;
    }
    socket.bind(&source.into())
}

impl Transport for Tcp {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        // Not read(2) of the C library: that is a place where a thread can be cancelled, and says so each time.
        match rustix::net::recv(&self.stream, buffer, RecvFlags::empty()) {
            Ok((0, _)) => self.broken.take().map_or(Ok(0), Err),
            result => Ok(result?.0),
        }
    }

    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        Ok(rustix::net::send(&self.stream, bytes, SendFlags::NOSIGNAL)?)
    }

    fn bulk_fd(&self) -> Option<BorrowedFd<'_>> {
        // A stored error is returned by an ordinary read.
        self.broken.is_none().then(|| self.stream.as_fd())
    }

    fn shutdown_write(&mut self) -> io::Result<()> {
        self.stream.shutdown(Shutdown::Write)
    }

    fn shutdown_read(&mut self) {
        let _ = self.stream.shutdown(Shutdown::Read);
    }

    fn unacknowledged(&self) -> usize {
        crate::sys::unix::unacknowledged(&self.stream)
    }

    fn is_over(&self) -> bool {
        crate::sys::unix::is_over(&self.stream)
    }

    fn end_by_reset(&mut self, on: bool) {
        let linger = on.then_some(Duration::ZERO);
        if self.resets != on && SockRef::from(&self.stream).set_linger(linger).is_ok() {
            self.resets = on;
        }
    }

    #[cfg(target_os = "linux")]
    fn acknowledge(&self) {
        // Fails on a connection that is already broken.
        let _ = rustix::net::sockopt::set_tcp_quickack(&self.stream, true);
    }

    fn has_reset(&self) -> bool {
        true
    }

    fn set_nodelay(&mut self, on: bool) {
        // Fails on a connection that is already broken; the next read reports its error.
        if self.nodelay != on && self.stream.set_nodelay(on).is_ok() {
            self.nodelay = on;
        }
    }

    fn set_keepalive(&mut self, keepalive: Keepalive) {
        let socket = SockRef::from(&self.stream);
        // Fails on a connection that is already broken; the next read reports its error.
        if let Keepalive::After(idle) = keepalive {
            let _ = socket.set_tcp_keepalive(&probes(idle));
        } else {
            let on = keepalive == Keepalive::System;
            if self.keepalive != on && socket.set_keepalive(on).is_ok() {
                self.keepalive = on;
            }
        }
    }
}

/// Probes of a silent peer: after `idle`, then three a third of it apart. The system counts in whole seconds.
fn probes(idle: Duration) -> TcpKeepalive {
    let seconds = |time: Duration| Duration::from_secs(time.as_secs_f64().ceil().max(1.0) as u64);
    let probes = TcpKeepalive::new().with_time(seconds(idle));
    #[cfg(any(target_os = "linux", target_os = "macos", target_os = "freebsd", target_os = "netbsd"))]
    let probes = probes.with_interval(seconds(idle / 3)).with_retries(PROBES);
    probes
}

/// Unanswered probes after which the peer is gone.
#[cfg(any(target_os = "linux", target_os = "macos", target_os = "freebsd", target_os = "netbsd"))]
const PROBES: u32 = 3;

delegate_source!(Tcp, stream);
delegate_source!(Connect, tcp);
