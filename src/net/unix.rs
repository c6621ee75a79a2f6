//! Unix stream sockets: connections, connects and listeners, by path or by abstract name.
//!
//! Owns the socket file of a listener: a stale file is replaced, and the listener removes its file at the end, if it is
//! still its own.

use std::fs;
use std::io::{self, Read, Write};
use std::net::Shutdown;
use std::os::fd::{AsFd, BorrowedFd};
use std::os::unix::ffi::OsStrExt;
use std::os::unix::fs::{FileTypeExt, MetadataExt};
use std::os::unix::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use mio::net::{UnixListener, UnixStream};
use socket2::{Domain, SockAddr, SockRef, Socket, Type};

use crate::config::SocketOptions;
use crate::endpoint::{Address, UnixName};
use crate::net::listener::accept_failed;
use crate::net::{Accepted, Connecting, Ends, Listening, StartError, Transport, delegate_source, options};
use crate::sys::interrupts::RemovedAtDeath;

/// A Unix stream connection.
#[derive(Debug)]
pub struct Unix(UnixStream);

/// A finished connect. The system connects at once or fails, but the result is reported by an event as with TCP.
#[derive(Debug)]
pub struct Connect {
    unix: Unix,
    target: UnixName,
}

/// A listening socket.
#[derive(Debug)]
pub struct UnixListening {
    /// Dropped before the socket is closed: while that holds the inode of the file, no other file can have its number.
    _file: Option<SocketFile>,
    listener: UnixListener,
    name: UnixName,
    /// Options of accepted sockets, which do not inherit them.
    sockets: Arc<SocketOptions>,
}

/// The socket file created by bind(2).
#[derive(Debug)]
pub(super) struct SocketFile {
    path: PathBuf,
    identity: Identity,
    /// For the end by a signal during a call into a script, when nothing is dropped.
    _at_death: RemovedAtDeath,
}

impl SocketFile {
    fn new(path: &Path) -> io::Result<Self> {
        let identity = identity(path)?;
        Ok(Self { path: path.to_owned(), identity, _at_death: RemovedAtDeath::new(path, identity) })
    }
}

/// Device and inode of a file.
type Identity = (u64, u64);

impl Connect {
    /// Connects.
    ///
    /// # Errors
    /// Errors of socket(2) and connect(2). A full accept queue (`EAGAIN`) is [`StartError::Busy`]: the socket would never
    /// become ready.
    pub fn start(name: &UnixName, sockets: &SocketOptions) -> Result<Self, StartError> {
        let target = socket_address(name).map_err(StartError::Connect)?;
        let socket = open(Type::STREAM).map_err(StartError::Connect)?;
        options::apply(&socket, Domain::UNIX, Type::STREAM, sockets).map_err(StartError::Option)?;
        match socket.connect(&target) {
            Ok(()) => Ok(Self { unix: Unix(UnixStream::from_std(socket.into())), target: name.clone() }),
            Err(error) if error.kind() == io::ErrorKind::WouldBlock => Err(StartError::Busy),
            Err(error) => Err(StartError::Connect(explained(error))),
        }
    }
}

impl Connecting for Connect {
    fn finish(&mut self) -> io::Result<Option<Ends>> {
        // The target as requested, because the listener's own path may be relative to another folder.
        let local = address_of(&self.unix.0.local_addr()?);
        Ok(Some(Ends { peer: Address::unix(self.target.clone()), local }))
    }

    fn into_transport(self: Box<Self>) -> Box<dyn Transport> {
        Box::new(self.unix)
    }
}

impl UnixListening {
    /// Binds and listens. The umask decides the mode of the file.
    ///
    /// # Errors
    /// Errors of bind(2) and listen(2), with a clearer message if the file is not a socket or is in use.
    pub fn bind(name: &UnixName, backlog: i32, sockets: &Arc<SocketOptions>) -> io::Result<Self> {
        let (socket, file) = bind(name, Type::STREAM)?;
        socket.listen(backlog)?;
        Ok(Self { _file: file, ..Self::new(socket, name.clone(), sockets) })
    }

    /// Wraps a listening socket that does not block; its file is somebody else's.
    pub(super) fn new(socket: Socket, name: UnixName, sockets: &Arc<SocketOptions>) -> Self {
        let sockets = Arc::clone(sockets);
        Self { listener: UnixListener::from_std(socket.into()), name, _file: None, sockets }
    }
}

/// Binds a socket. A file that nobody listens on is replaced.
pub(super) fn bind(name: &UnixName, kind: Type) -> io::Result<(Socket, Option<SocketFile>)> {
    let address = socket_address(name)?;
    let socket = open(kind)?;
    let bound = match (name, socket.bind(&address)) {
        (UnixName::Path(path), Err(error)) if error.kind() == io::ErrorKind::AddrInUse => {
            remove_stale(path, &address)?;
            socket.bind(&address)
        }
        (_, result) => result,
    };
    bound.map_err(explained)?;
    let file = match name {
        UnixName::Path(path) => Some(SocketFile::new(path)?),
        UnixName::Abstract(_) => None,
    };
    Ok((socket, file))
}

impl Unix {
    /// Wraps a connected socket that does not block.
    pub(super) fn new(stream: UnixStream) -> Self {
        Self(stream)
    }
}

impl Listening for UnixListening {
    fn accept(&mut self) -> Accepted {
        match self.listener.accept() {
            Ok((stream, peer)) => {
                // One that the system refuses was refused for the listening socket.
                let _ = options::apply(&SockRef::from(&stream), Domain::UNIX, Type::STREAM, &self.sockets);
                Accepted::Peer(Box::new(Unix(stream)), Ends { peer: address_of(&peer), local: self.address() })
            }
            Err(error) => accept_failed(error),
        }
    }

    fn address(&self) -> Address {
        Address::unix(self.name.clone())
    }
}

/// There is no RST (`SO_LINGER` has no effect), and what was written is in the peer's queue already. The peer reads it, and then
/// `ECONNRESET` if something it sent was not read here, or else the end.
impl Transport for Unix {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        self.0.read(buffer)
    }

    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.0.write(bytes)
    }

    fn bulk_fd(&self) -> Option<BorrowedFd<'_>> {
        Some(self.0.as_fd())
    }

    fn shutdown_write(&mut self) -> io::Result<()> {
        self.0.shutdown(Shutdown::Write)
    }

    fn shutdown_read(&mut self) {
        let _ = self.0.shutdown(Shutdown::Read);
    }

    /// Bytes that the peer has not read, with the kernel's overhead for them.
    fn unacknowledged(&self) -> usize {
        crate::sys::unix::unacknowledged(&self.0)
    }

    #[cfg(target_os = "linux")]
    fn peer_uid(&self) -> Option<u32> {
        rustix::net::sockopt::socket_peercred(&self.0).ok().map(|peer| peer.uid.as_raw())
    }
}

delegate_source!(Unix, 0);
delegate_source!(Connect, unix);
delegate_source!(UnixListening, listener);

impl Drop for SocketFile {
    fn drop(&mut self) {
        // Another process may have replaced the file by its own.
        if identity(&self.path).is_ok_and(|found| found == self.identity) {
            let _ = fs::remove_file(&self.path);
        }
    }
}

fn identity(path: &Path) -> io::Result<Identity> {
    fs::symlink_metadata(path).map(|found| (found.dev(), found.ino()))
}

pub(super) fn open(kind: Type) -> io::Result<Socket> {
    let socket = Socket::new(Domain::UNIX, kind, None)?;
    socket.set_nonblocking(true)?;
    Ok(socket)
}

/// Removes a socket file without a listener.
fn remove_stale(path: &Path, address: &SockAddr) -> io::Result<()> {
    let in_use = |why: &str| Err(io::Error::new(io::ErrorKind::AddrInUse, why.to_owned()));
    let found = match fs::symlink_metadata(path) {
        Ok(found) => found,
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(()),
        Err(error) => return Err(error),
    };
    if found.is_dir() {
        return in_use("it is a directory");
    }
    if !found.file_type().is_socket() {
        return in_use("the file exists and is not a socket");
    }
    // A datagram socket cannot connect to a stream listener, so the probe is never accepted; the system returns ECONNREFUSED
    // only if there is no socket behind the file, else EPROTOTYPE (connect(2)).
    match open(Type::DGRAM)?.connect(address) {
        Err(error) if error.kind() == io::ErrorKind::ConnectionRefused => {}
        _ => return Err(io::Error::from_raw_os_error(libc::EADDRINUSE)),
    }
    if identity(path)? == (found.dev(), found.ino()) { fs::remove_file(path) } else { in_use("address already in use") }
}

/// Converts a name to a socket address.
pub(super) fn socket_address(name: &UnixName) -> io::Result<SockAddr> {
    let bytes = match name {
        UnixName::Path(path) => path.as_os_str().as_bytes().to_vec(),
        UnixName::Abstract(name) => [b"\0", name.as_slice()].concat(),
    };
    let (what, length) = match name {
        UnixName::Path(_) => ("path", bytes.len()),
        UnixName::Abstract(name) => ("name", name.len()),
    };
    if length > LONGEST {
        let message = format!("the {what} has {length} bytes, and {LONGEST} are the most for a Unix socket");
        return Err(io::Error::new(io::ErrorKind::InvalidInput, message));
    }
    SockAddr::unix(std::ffi::OsStr::from_bytes(&bytes))
}

/// Converts the address of a stream socket to an [`Address`].
pub(super) fn stream_address(address: &SockAddr) -> Address {
    match datagram_address(address) {
        Address::Unixgram(name) => Address::Unix(name),
        other => other,
    }
}

/// Converts the address of a datagram's sender to an [`Address`].
pub(super) fn datagram_address(address: &SockAddr) -> Address {
    let path = address.as_pathname().map(|path| UnixName::Path(path.to_owned()));
    let name = path.or_else(|| address.as_abstract_namespace().map(|name| UnixName::Abstract(name.to_vec())));
    Address::Unixgram(name.map(Box::new))
}

/// Converts a socket address to an [`Address`].
fn address_of(address: &SocketAddr) -> Address {
    let path = address.as_pathname().map(|path| UnixName::Path(path.to_owned()));
    Address::Unix(path.or_else(|| abstract_name(address)).map(Box::new))
}

#[cfg(target_os = "linux")]
fn abstract_name(address: &SocketAddr) -> Option<UnixName> {
    use std::os::linux::net::SocketAddrExt;
    address.as_abstract_name().map(|name| UnixName::Abstract(name.to_vec()))
}

#[cfg(not(target_os = "linux"))]
fn abstract_name(_: &SocketAddr) -> Option<UnixName> {
    None
}

/// Replaces a misleading message: with `EPROTOTYPE` the file is a socket of another type.
fn explained(error: io::Error) -> io::Error {
    match error.raw_os_error() {
        Some(libc::EPROTOTYPE) => io::Error::new(error.kind(), "it is not a stream socket"),
        _ => error,
    }
}

/// Maximum bytes of a path, without its NUL, or of an abstract name, without its leading NUL (unix(7), `sun_path`).
const LONGEST: usize = 107;

#[cfg(test)]
mod tests;
