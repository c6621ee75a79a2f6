//! The other end of a connection, controlled by the test step by step; every step has a deadline.

use std::io::{self, ErrorKind, Read, Write};
use std::net::{Ipv4Addr, Shutdown, SocketAddr, TcpListener, TcpStream};
use std::time::Duration;

use socket2::{Domain, SockRef, Socket, Type};

use super::{PATIENCE, SILENCE, assert_same, wait_for};

/// A listening socket on a free port.
pub(crate) struct Server {
    listener: TcpListener,
    pub(crate) address: SocketAddr,
}

impl Server {
    /// Listens on 127.0.0.1.
    pub(crate) fn start() -> Self {
        Self::on("127.0.0.1:0".parse().expect("an address"))
    }

    pub(crate) fn on(address: SocketAddr) -> Self {
        let listener = TcpListener::bind(address).unwrap_or_else(|error| panic!("listen on {address}: {error}"));
        Self::with(listener)
    }

    /// With a small receive buffer, so that it is full soon if the test does not read.
    pub(crate) fn narrow() -> Self {
        let socket = Socket::new(Domain::IPV4, Type::STREAM, None).expect("a socket");
        socket.set_recv_buffer_size(16 << 10).expect("a small buffer");
        socket
            .bind(&SocketAddr::from((Ipv4Addr::LOCALHOST, 0)).into())
            .and_then(|()| socket.listen(16))
            .expect("listen");
        Self::with(socket.into())
    }

    fn with(listener: TcpListener) -> Self {
        listener.set_nonblocking(true).expect("a non-blocking listener");
        let address = listener.local_addr().expect("a local address");
        Self { listener, address }
    }

    /// Waits for the next client.
    pub(crate) fn accept(&self) -> Conn {
        let mut accepted = None;
        wait_for("a client", || {
            accepted = self.try_accept();
            accepted.is_some()
        });
        accepted.expect("waited for it")
    }

    /// The next client, if one has connected.
    pub(crate) fn try_accept(&self) -> Option<Conn> {
        match self.listener.accept() {
            Ok((stream, _)) => Some(Conn::new(stream)),
            Err(error) if error.kind() == ErrorKind::WouldBlock => None,
            Err(error) => panic!("accept: {error}"),
        }
    }
}

/// An address that refuses connections: bound, so that it stays reserved, but not listening. It has to be kept as long as
/// somebody may connect to its address: freed, it would be that of a server of another test, which would get a stray client.
pub(crate) struct Refusing(Socket);

impl Refusing {
    pub(crate) fn new() -> Self {
        let socket = Socket::new(Domain::IPV4, Type::STREAM, None).expect("a socket");
        socket.bind(&SocketAddr::from((Ipv4Addr::LOCALHOST, 0)).into()).expect("bind");
        Self(socket)
    }

    pub(crate) fn address(&self) -> SocketAddr {
        self.0.local_addr().ok().and_then(|address| address.as_socket()).expect("a local address")
    }

    /// Begins to listen there.
    pub(crate) fn listen(self) -> Server {
        self.0.listen(16).expect("listen");
        Server::with(self.0.into())
    }
}

/// An address that never answers: its accept queue is full, so every further SYN is dropped.
pub(crate) struct BlackHole {
    listener: Socket,
    /// The connections that fill the queue.
    waiting: Vec<TcpStream>,
}

impl BlackHole {
    pub(crate) fn on(address: SocketAddr) -> Self {
        let listener = Socket::new(Domain::for_address(address), Type::STREAM, None).expect("a socket");
        if address.is_ipv6() {
            listener.set_only_v6(true).expect("IPv6 only");
        }
        listener.bind(&address.into()).and_then(|()| listener.listen(0)).expect("listen");
        let mut hole = Self { listener, waiting: Vec::new() };
        let address = hole.address();
        // The queue is full when a connect gets no answer.
        while hole.waiting.len() < 8 {
            match TcpStream::connect_timeout(&address, Duration::from_millis(700)) {
                Ok(stream) => hole.waiting.push(stream),
                Err(error) if error.kind() == ErrorKind::TimedOut => return hole,
                Err(error) => panic!("connect to {address}: {error}"),
            }
        }
        panic!("the queue of {address} does not get full");
    }

    /// Starts to answer: discards the connections that fill the queue, and accepts the next one.
    pub(crate) fn open(self) -> Conn {
        let fillers: Vec<_> = self.waiting.iter().filter_map(|stream| stream.local_addr().ok()).collect();
        let server = Server::with(self.listener.into());
        loop {
            let conn = server.accept();
            // Connections given up while the queue was full may be in it, too; their other end is closed.
            let peer = conn.0.peer_addr().ok();
            if !peer.is_none_or(|peer| fillers.contains(&peer)) && !conn.has_ended() {
                return conn;
            }
        }
    }

    pub(crate) fn address(&self) -> SocketAddr {
        self.listener.local_addr().ok().and_then(|address| address.as_socket()).expect("a local address")
    }
}

/// One connection.
#[derive(Debug)]
pub(crate) struct Conn(pub(crate) TcpStream);

impl Conn {
    fn new(stream: TcpStream) -> Self {
        stream.set_nonblocking(false).expect("a blocking stream");
        stream.set_nodelay(true).expect("TCP_NODELAY");
        stream.set_read_timeout(Some(PATIENCE)).expect("a read timeout");
        stream.set_write_timeout(Some(PATIENCE)).expect("a write timeout");
        Self(stream)
    }

    pub(crate) fn to(address: SocketAddr) -> Self {
        Self::try_to(address).unwrap_or_else(|error| panic!("connect to {address}: {error}"))
    }

    pub(crate) fn try_to(address: SocketAddr) -> io::Result<Self> {
        TcpStream::connect_timeout(&address, PATIENCE).map(Self::new)
    }

    /// Connects where a client is reset at once, and waits for the RST. It may arrive before connect(2) has returned.
    #[track_caller]
    pub(crate) fn expect_refusal(address: SocketAddr) {
        match Self::try_to(address) {
            Ok(mut conn) => conn.expect_reset(),
            Err(error) => assert_eq!(error.kind(), ErrorKind::ConnectionReset, "connect to {address}"),
        }
    }

    /// With a small receive buffer.
    pub(crate) fn narrow_to(address: SocketAddr) -> Self {
        let socket = Socket::new(Domain::for_address(address), Type::STREAM, None).expect("a socket");
        socket.set_recv_buffer_size(16 << 10).expect("a small buffer");
        socket.connect(&address.into()).unwrap_or_else(|error| panic!("connect to {address}: {error}"));
        Self::new(socket.into())
    }

    /// The address that the other side sees.
    pub(crate) fn local(&self) -> SocketAddr {
        self.0.local_addr().expect("an address")
    }

    /// A second handle on the same connection.
    pub(crate) fn another(&self) -> Self {
        Self(self.0.try_clone().expect("a second handle"))
    }

    #[track_caller]
    pub(crate) fn send(&mut self, bytes: &[u8]) {
        self.0.write_all(bytes).unwrap_or_else(|error| panic!("the peer cannot send: {error}"));
    }

    /// Reads exactly these bytes.
    #[track_caller]
    pub(crate) fn expect(&mut self, wanted: &[u8]) {
        let mut found = vec![0; wanted.len()];
        let mut filled = 0;
        while filled < found.len() {
            match self.0.read(&mut found[filled..]) {
                Ok(0) => break,
                Ok(n) => filled += n,
                Err(error) if error.kind() == ErrorKind::Interrupted => {}
                Err(error) => {
                    panic!("the peer got \"{}\" and then: {error}", found[..filled.min(200)].escape_ascii())
                }
            }
        }
        assert_same(&found[..filled], wanted, "what the peer got");
    }

    /// Reads the FIN.
    #[track_caller]
    pub(crate) fn expect_eof(&mut self) {
        let mut byte = [0];
        match self.0.read(&mut byte) {
            Ok(0) => {}
            other => panic!("the peer wanted the end and got {other:?} \"{}\"", byte.escape_ascii()),
        }
    }

    /// Reads up to an RST, discarding bytes before it.
    #[track_caller]
    pub(crate) fn expect_reset(&mut self) {
        self.read_to_reset();
    }

    /// Reads everything up to an RST.
    #[track_caller]
    pub(crate) fn read_to_reset(&mut self) -> Vec<u8> {
        let mut bytes = Vec::new();
        let error = self.0.read_to_end(&mut bytes).expect_err("the peer wanted an RST and got the end");
        assert_eq!(error.kind(), ErrorKind::ConnectionReset, "the peer wanted an RST");
        bytes
    }

    /// Whether the other end has closed already.
    fn has_ended(&self) -> bool {
        self.0.set_nonblocking(true).expect("a non-blocking stream");
        let seen = self.0.peek(&mut [0]);
        self.0.set_nonblocking(false).expect("a blocking stream");
        !matches!(seen, Err(error) if error.kind() == ErrorKind::WouldBlock)
    }

    /// Reads everything up to the FIN.
    #[track_caller]
    pub(crate) fn read_all(&mut self) -> Vec<u8> {
        let mut bytes = Vec::new();
        if let Err(error) = self.0.read_to_end(&mut bytes) {
            panic!("the peer got {} bytes and then: {error}", bytes.len());
        }
        bytes
    }

    /// Checks that neither bytes nor an end arrive for [`SILENCE`].
    #[track_caller]
    pub(crate) fn expect_silence(&mut self) {
        self.0.set_read_timeout(Some(SILENCE)).expect("a read timeout");
        let mut byte = [0];
        match self.0.read(&mut byte) {
            Err(error) if matches!(error.kind(), ErrorKind::WouldBlock | ErrorKind::TimedOut) => {}
            other => panic!("the peer wanted silence and got {other:?} \"{}\"", byte.escape_ascii()),
        }
        self.0.set_read_timeout(Some(PATIENCE)).expect("a read timeout");
    }

    /// Sends FIN; reading is still possible.
    pub(crate) fn half_close(&mut self) {
        self.0.shutdown(Shutdown::Write).expect("shutdown");
    }

    /// Closes with an RST.
    pub(crate) fn reset(self) {
        SockRef::from(&self.0).set_linger(Some(Duration::ZERO)).expect("SO_LINGER");
    }
}
