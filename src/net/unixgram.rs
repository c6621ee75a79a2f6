//! Unix datagram sockets: those of clients, and the socket of a server, whose peers are in `hub`.
//!
//! A client has a name of its own, chosen or given by the system, so that it can be answered.

use std::io;
use std::os::fd::AsFd;

use mio::net::UnixDatagram;
use socket2::{Domain, SockAddr, Socket, Type};

use crate::config::SocketOptions;
use crate::endpoint::{Address, UnixName};
use crate::net::hub::HubListening;
use crate::net::unix::{self, SocketFile, datagram_address};
use crate::net::{Connecting, Ends, StartError, Transport, delegate_source, options};
use crate::sys::datagram;

/// A Unix datagram socket with one peer.
#[derive(Debug)]
pub struct Unixgram {
    socket: UnixDatagram,
    /// That of its own name; removed at the end.
    _file: Option<SocketFile>,
}

/// A finished connect.
#[derive(Debug)]
pub struct Connect {
    unixgram: Unixgram,
    target: UnixName,
}

impl Unixgram {
    /// Wraps a connected socket that does not block.
    pub fn new(socket: Socket) -> Self {
        Self { socket: UnixDatagram::from_std(socket.into()), _file: None }
    }

    /// The same with the file of its own name, which is removed at the end.
    fn with_file(self, file: Option<SocketFile>) -> Self {
        Self { _file: file, ..self }
    }
}

impl Connect {
    /// Connects.
    ///
    /// # Errors
    /// Errors of socket(2), bind(2) and connect(2).
    pub fn start(name: &UnixName, sockets: &SocketOptions) -> Result<Self, StartError> {
        let target = unix::socket_address(name).map_err(StartError::Connect)?;
        let (socket, file) = match &sockets.own_name {
            Some(own) => unix::bind(own, Type::DGRAM).map_err(StartError::Bind)?,
            None => (unix::open(Type::DGRAM).map_err(StartError::Connect)?, None),
        };
        options::apply(&socket, Domain::UNIX, Type::DGRAM, sockets).map_err(StartError::Option)?;
        // unix(7), autobind: elsewhere there is none, and no answer.
        if cfg!(target_os = "linux") && sockets.own_name.is_none() {
            let unnamed = SockAddr::unix("").map_err(StartError::Bind)?;
            socket.bind(&unnamed).map_err(StartError::Bind)?;
        }
        socket.connect(&target).map_err(|error| StartError::Connect(explained(error)))?;
        Ok(Self { unixgram: Unixgram::new(socket).with_file(file), target: name.clone() })
    }
}

/// Binds a socket for many peers. The umask decides the mode of the file.
///
/// # Errors
/// Errors of bind(2), with a clearer message if the file is not a socket or is in use.
pub fn listen(name: &UnixName, sockets: &SocketOptions) -> io::Result<HubListening> {
    let (socket, file) = unix::bind(name, Type::DGRAM)?;
    options::apply(&socket, Domain::UNIX, Type::DGRAM, sockets)?;
    datagram::ask_for_senders(socket.as_fd());
    Ok(HubListening::new(socket, Address::Unixgram(Some(Box::new(name.clone())))).with_file(file))
}

impl Connecting for Connect {
    fn finish(&mut self) -> io::Result<Option<Ends>> {
        let local = socket2::SockRef::from(&self.unixgram.socket).local_addr()?;
        let peer = Address::Unixgram(Some(Box::new(self.target.clone())));
        Ok(Some(Ends { peer, local: datagram_address(&local) }))
    }

    fn into_transport(self: Box<Self>) -> Box<dyn Transport> {
        Box::new(self.unixgram)
    }
}

impl Transport for Unixgram {
    fn lost_by_system(&self) -> u64 {
        datagram::dropped(self.socket.as_fd())
    }

    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        self.socket.recv(buffer)
    }

    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.socket.send(bytes)
    }

    fn shutdown_write(&mut self) -> io::Result<()> {
        Ok(())
    }
}

delegate_source!(Unixgram, socket);
delegate_source!(Connect, unixgram);

/// Replaces a misleading message: with `EPROTOTYPE` the file is a socket of another type.
fn explained(error: io::Error) -> io::Error {
    match error.raw_os_error() {
        Some(libc::EPROTOTYPE) => io::Error::new(error.kind(), "it is not a datagram socket"),
        _ => error,
    }
}
