//! `Hub`: one datagram socket of a server and its peers, each of which is a connection without a socket of its own.
//!
//! Owns the table of peers by address, and for each the datagrams that wait to be read. A peer is new when a datagram comes from
//! an address that is not in the table, and leaves the table when its connection is dropped. What does not fit into the
//! queue of a peer is lost, as in the network; the others do not wait for it.

use std::cell::{Cell, RefCell};
use std::collections::{HashMap, VecDeque};
use std::io;
use std::net::{IpAddr, SocketAddr};
use std::os::fd::{AsFd, AsRawFd};
use std::rc::Rc;

use mio::unix::SourceFd;
use mio::{Interest, Registry, Token, event};
use socket2::{SockAddr, Socket};

use crate::endpoint::Address;
use crate::net::listener::{accept_failed, plain};
use crate::net::reactor::Slot;
use crate::net::unix::SocketFile;
use crate::net::{Accepted, Ends, Listening, Transport, unix};
use crate::sys::datagram::{self, Arrival, Room};

/// Maximum bytes of a datagram that is received; those of Unix sockets may be larger than those of UDP.
const LARGEST: usize = 256 << 10;
/// Maximum bytes that wait to be read by one peer's connection; each datagram counts as at least [`OVERHEAD`].
const ROOM: usize = 1 << 20;
const OVERHEAD: usize = 64;
/// Maximum peers that wait to be accepted.
const BACKLOG: usize = 1024;
/// Length of the address of a Unix peer without a name, at most (unix(7)).
const UNNAMED: libc::socklen_t = 2;
/// Errors of sent datagrams that are looked at in one go.
const ERRORS: usize = 64;

/// A socket that is shared by all of its peers.
#[derive(Debug)]
struct Hub {
    socket: Socket,
    address: Address,
    /// By peer: one for each address of ours that it sends to.
    peers: RefCell<HashMap<Key, Vec<Shared>>>,
    /// Peers that nobody has accepted yet.
    waiting: RefCell<VecDeque<(Key, Shared)>>,
    /// Slots of peers with an error that was not delivered.
    failed: RefCell<Vec<Slot>>,
    /// Slots of peers that wait for the socket to take something.
    blocked: RefCell<Vec<Slot>>,
    /// Made with the first datagram.
    room: RefCell<Option<Room>>,
    is_retired: Cell<bool>,
    /// Datagrams of peers that nobody could accept.
    lost: Cell<u64>,
}

/// What tells peers apart: the address, and for those without a name the process and user.
type Key = (Address, Option<(u32, u32)>);

type Shared = Rc<RefCell<Flow>>;

/// One peer, with one address of ours.
#[derive(Debug)]
struct Flow {
    to: SockAddr,
    /// The address of ours that it sends to.
    asked: Option<IpAddr>,
    /// The same where its answers can be sent from it.
    via: Option<IpAddr>,
    queue: VecDeque<Vec<u8>>,
    held: usize,
    error: Option<io::Error>,
    slot: Option<Slot>,
    uid: Option<u32>,
    /// Datagrams in either direction that a queue had no room for.
    lost: u64,
}

/// The listening side of a hub.
#[derive(Debug)]
pub struct HubListening {
    hub: Rc<Hub>,
    /// Removed at the end.
    _file: Option<SocketFile>,
}

/// The connection with one peer.
#[derive(Debug)]
struct HubPeer {
    hub: Rc<Hub>,
    key: Key,
    flow: Shared,
}

impl HubListening {
    /// Serves a bound socket that does not block.
    pub fn new(socket: Socket, address: Address) -> Self {
        let hub = Rc::new(Hub {
            socket,
            address,
            peers: RefCell::default(),
            waiting: RefCell::default(),
            failed: RefCell::default(),
            blocked: RefCell::default(),
            room: RefCell::default(),
            is_retired: Cell::default(),
            lost: Cell::default(),
        });
        Self { hub, _file: None }
    }

    /// The same with the file of the socket.
    pub(super) fn with_file(self, file: Option<SocketFile>) -> Self {
        Self { _file: file, ..self }
    }
}

impl Listening for HubListening {
    fn accept(&mut self) -> Accepted {
        let next = self.hub.waiting.borrow_mut().pop_front();
        match next {
            Some((key, flow)) => self.hub.connection(key, flow),
            None => self.hub.receive(true),
        }
    }

    fn deliver(&mut self) -> Accepted {
        self.hub.receive(false)
    }

    fn address(&self) -> Address {
        self.hub.address.clone()
    }

    fn is_shared(&self) -> bool {
        true
    }

    fn has_waiting(&self) -> bool {
        !self.hub.waiting.borrow().is_empty()
    }

    fn lost(&self) -> u64 {
        self.hub.lost.get() + datagram::dropped(self.hub.socket.as_fd())
    }

    fn begin_turn(&mut self) {
        if let Some(room) = &mut *self.hub.room.borrow_mut() {
            room.look_again();
        }
    }

    fn take_blocked(&mut self) -> Vec<Slot> {
        self.hub.blocked.take()
    }

    fn retire(&mut self) -> bool {
        self.hub.is_retired.set(true);
        for (key, flow) in self.hub.waiting.take() {
            self.hub.forget(&key, &flow);
        }
        self.is_in_use()
    }

    fn is_in_use(&self) -> bool {
        !self.hub.peers.borrow().is_empty()
    }
}

impl Hub {
    /// Receives one datagram. One of an unknown peer is accepted, or waits for that.
    fn receive(self: &Rc<Self>, accepts: bool) -> Accepted {
        if let Some(slot) = self.failed.borrow_mut().pop() {
            return Accepted::Delivered(slot);
        }
        let mut room = self.room.borrow_mut();
        let room = room.get_or_insert_with(|| Room::new(LARGEST));
        let (arrival, bytes) = match room.next(self.socket.as_fd()) {
            Ok(next) => next,
            Err(error) => return self.receive_failed(error),
        };
        let key = key_of(arrival);
        let via = arrival.to.filter(|ip| !ip.is_multicast() && !ip.is_unspecified());
        if let Some(flows) = self.peers.borrow().get(&key)
            && let Some(flow) = flows.iter().find(|flow| flow.borrow().asked == via)
        {
            let mut flow = flow.borrow_mut();
            flow.push(bytes);
            return flow.slot.map_or(Accepted::TryNext, Accepted::Delivered);
        }
        if self.is_retired.get() {
            return Accepted::TryNext;
        }
        if !accepts && self.waiting.borrow().len() >= BACKLOG {
            self.lost.set(self.lost.get() + 1);
            return Accepted::TryNext;
        }
        let queue = VecDeque::new();
        let uid = arrival.sender.map(|(_, uid)| uid);
        let mut flow =
            Flow { to: arrival.from.clone(), asked: via, via, queue, held: 0, error: None, slot: None, uid, lost: 0 };
        flow.push(bytes);
        let flow = Rc::new(RefCell::new(flow));
        self.peers.borrow_mut().entry(key.clone()).or_default().push(Rc::clone(&flow));
        if accepts {
            return self.connection(key, flow);
        }
        self.waiting.borrow_mut().push_back((key, flow));
        Accepted::TryNext
    }

    /// The connection with a peer of the table.
    fn connection(self: &Rc<Self>, key: Key, flow: Shared) -> Accepted {
        let local = match (flow.borrow().via, self.address.ip()) {
            (Some(via), Some(bound)) => Address::Udp(plain(SocketAddr::new(via, bound.port()))),
            _ => self.address.clone(),
        };
        let ends = Ends { peer: key.0.clone(), local };
        Accepted::Peer(Box::new(HubPeer { hub: Rc::clone(self), key, flow }), ends)
    }

    /// Takes a peer out of the table.
    fn forget(&self, key: &Key, flow: &Shared) {
        let mut peers = self.peers.borrow_mut();
        if let Some(flows) = peers.get_mut(key) {
            flows.retain(|other| !Rc::ptr_eq(other, flow));
            if flows.is_empty() {
                peers.remove(key);
            }
        }
    }

    fn receive_failed(&self, error: io::Error) -> Accepted {
        if error.kind() == io::ErrorKind::WouldBlock {
            return Accepted::None;
        }
        self.sort_errors();
        match accept_failed(error) {
            // One of a datagram that was sent, and not of the socket.
            Accepted::Failed(error) if is_of_peer(&error) => Accepted::TryNext,
            other => other,
        }
    }

    /// Gives the errors of datagrams that were sent to the peers that they were sent to.
    fn sort_errors(&self) {
        let peers = self.peers.borrow();
        for _ in 0..ERRORS {
            let Some((to, error)) = datagram::take_error(self.socket.as_fd()) else { break };
            let flows = peers.get(&(Address::Udp(plain(to)), None)).filter(|_| is_of_peer(&error));
            for flow in flows.into_iter().flatten() {
                let mut flow = flow.borrow_mut();
                flow.error = error.raw_os_error().map(io::Error::from_raw_os_error);
                self.failed.borrow_mut().extend(flow.slot);
            }
        }
    }

    fn send(&self, flow: &RefCell<Flow>, bytes: &[u8]) -> io::Result<usize> {
        let (to, via) = {
            let flow = flow.borrow();
            (flow.to.clone(), flow.via)
        };
        if to.len() <= UNNAMED {
            return Err(io::Error::new(io::ErrorKind::NotConnected, "it has no name that something could be sent to"));
        }
        datagram::send(self.socket.as_fd(), bytes, &to, via)
    }
}

impl Flow {
    fn push(&mut self, bytes: &[u8]) {
        let held = self.held + bytes.len().max(OVERHEAD);
        if held <= ROOM || self.queue.is_empty() {
            self.held = held;
            self.queue.push_back(bytes.to_vec());
        } else {
            self.lost += 1;
        }
    }
}

impl Transport for HubPeer {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let mut flow = self.flow.borrow_mut();
        let Some(datagram) = flow.queue.pop_front() else {
            return Err(flow.error.take().unwrap_or_else(|| io::ErrorKind::WouldBlock.into()));
        };
        flow.held -= datagram.len().max(OVERHEAD);
        let n = datagram.len().min(buffer.len());
        buffer[..n].copy_from_slice(&datagram[..n]);
        Ok(n)
    }

    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        // The error of a datagram to another peer, or a refused source address, is told once: then it is tried again.
        for _ in 0..ERRORS {
            match self.hub.send(&self.flow, bytes) {
                // No event says when one of several Unix peers reads again: it is lost, as one of the network would be.
                Err(error) if error.kind() == io::ErrorKind::WouldBlock && self.key.0.ip().is_none() => {
                    self.flow.borrow_mut().lost += 1;
                    return Ok(bytes.len());
                }
                Err(error) if error.kind() == io::ErrorKind::WouldBlock => {
                    self.hub.blocked.borrow_mut().extend(self.flow.borrow().slot);
                    return Err(error);
                }
                // It is lost on its way, as datagrams are.
                Err(error) if error.raw_os_error() == Some(libc::ENOBUFS) => {
                    self.flow.borrow_mut().lost += 1;
                    return Ok(bytes.len());
                }
                Err(error) if is_no_source(&error) && self.flow.borrow().via.is_some() => {
                    self.flow.borrow_mut().via = None;
                }
                Err(error) if is_of_peer(&error) && self.key.0.ip().is_some() => {
                    self.hub.sort_errors();
                    if let Some(error) = self.flow.borrow_mut().error.take() {
                        return Err(error);
                    }
                }
                result => return result,
            }
        }
        Err(io::ErrorKind::WouldBlock.into())
    }

    fn take_lost(&mut self) -> u64 {
        std::mem::take(&mut self.flow.borrow_mut().lost)
    }

    fn has_input(&self) -> bool {
        true
    }

    fn peer_uid(&self) -> Option<u32> {
        self.flow.borrow().uid
    }

    fn shutdown_write(&mut self) -> io::Result<()> {
        Ok(())
    }
}

impl Drop for HubPeer {
    fn drop(&mut self) {
        self.hub.forget(&self.key, &self.flow);
    }
}

impl event::Source for HubListening {
    fn register(&mut self, registry: &Registry, token: Token, _: Interest) -> io::Result<()> {
        // Peers that wait to write have no event of their own.
        SourceFd(&self.hub.socket.as_raw_fd()).register(registry, token, Interest::READABLE | Interest::WRITABLE)
    }

    fn reregister(&mut self, registry: &Registry, token: Token, _: Interest) -> io::Result<()> {
        SourceFd(&self.hub.socket.as_raw_fd()).reregister(registry, token, Interest::READABLE | Interest::WRITABLE)
    }

    fn deregister(&mut self, registry: &Registry) -> io::Result<()> {
        SourceFd(&self.hub.socket.as_raw_fd()).deregister(registry)
    }
}

/// The socket is not its own: it only remembers its slot.
impl event::Source for HubPeer {
    fn register(&mut self, _: &Registry, token: Token, _: Interest) -> io::Result<()> {
        self.flow.borrow_mut().slot = Some(token.0);
        Ok(())
    }

    fn reregister(&mut self, registry: &Registry, token: Token, interest: Interest) -> io::Result<()> {
        self.register(registry, token, interest)
    }

    fn deregister(&mut self, _: &Registry) -> io::Result<()> {
        self.flow.borrow_mut().slot = None;
        Ok(())
    }
}

fn key_of(arrival: &Arrival) -> Key {
    if let Some(ip) = arrival.from.as_socket() {
        return (Address::Udp(plain(ip)), None);
    }
    let address = unix::datagram_address(&arrival.from);
    let sender = if address == Address::Unixgram(None) { arrival.sender } else { None };
    (address, sender)
}

/// Whether an error says that a peer cannot be reached.
fn is_of_peer(error: &io::Error) -> bool {
    matches!(
        error.kind(),
        io::ErrorKind::ConnectionRefused | io::ErrorKind::HostUnreachable | io::ErrorKind::NetworkUnreachable
    ) || matches!(error.raw_os_error(), Some(libc::EPROTO | libc::ENOPROTOOPT | libc::EACCES | libc::EMSGSIZE))
}

/// Whether an error may be that of the address that a datagram was to be sent from.
fn is_no_source(error: &io::Error) -> bool {
    matches!(error.raw_os_error(), Some(libc::EINVAL | libc::EADDRNOTAVAIL | libc::ENETUNREACH))
}
