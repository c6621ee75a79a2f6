//! Datagrams with what the system knows of them: who sent them, to which of our addresses, and what became of those we sent.
#![allow(unsafe_code)]

use std::io;
#[cfg(target_os = "linux")]
use std::mem::MaybeUninit;
use std::mem::{self, size_of, zeroed};
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr};
use std::os::fd::{AsRawFd, BorrowedFd};
#[cfg(target_os = "linux")]
use std::ptr;

use socket2::SockAddr;
#[cfg(target_os = "linux")]
use socket2::SockAddrStorage;

/// Maximum datagrams of one call.
const BATCH: usize = 16;

/// The same while there are few: one more than one, whose absence says that nothing is left.
const LEAST: usize = 2;

/// A message of the system: a datagram, or several of one sender that came together ([`ask_for_gro`]).
#[derive(Debug)]
pub struct Arrival {
    /// Where the bytes that nobody has taken yet begin in the room.
    start: usize,
    /// Their number, or that of the part that the buffer has room for.
    len: usize,
    /// The length of each datagram but the last, or 0 if there is only one.
    segment: usize,
    /// The sender; empty for one without a name.
    pub from: SockAddr,
    /// The address of ours that it was sent to, if the socket asks for that ([`ask_for_details`]).
    pub to: Option<IpAddr>,
    /// Process and user of the sender, likewise.
    pub sender: Option<(u32, u32)>,
}

/// Room for the details of one message.
#[repr(align(8))]
struct Control([u8; 512]);

/// Asks for the address that a datagram was sent to, and for errors of single datagrams (ip(7) `IP_PKTINFO`, `IP_RECVERR`).
/// A socket of IPv6 may have peers of IPv4: both are set, and what the system refuses is not there.
#[cfg(target_os = "linux")]
pub fn ask_for_details(socket: BorrowedFd<'_>) {
    for (level, option) in [
        (libc::SOL_IP, libc::IP_RECVERR),
        (libc::SOL_IPV6, libc::IPV6_RECVERR),
        (libc::SOL_IP, libc::IP_PKTINFO),
        (libc::SOL_IPV6, libc::IPV6_RECVPKTINFO),
    ] {
        set_option(socket, level, option, 1);
    }
}

/// Asks for datagrams of one sender and one length that came together as one message (udp(7) `UDP_GRO`). Not for a socket that
/// others receive from, too: they would take them for one datagram.
#[cfg(target_os = "linux")]
pub fn ask_for_gro(socket: BorrowedFd<'_>) {
    set_option(socket, libc::SOL_UDP, libc::UDP_GRO, 1);
}

/// Asks for process and user of each sender (unix(7) `SO_PASSCRED`).
#[cfg(target_os = "linux")]
pub fn ask_for_senders(socket: BorrowedFd<'_>) {
    set_option(socket, libc::SOL_SOCKET, libc::SO_PASSCRED, 1);
}

#[cfg(not(target_os = "linux"))]
pub fn ask_for_details(_: BorrowedFd<'_>) {}

#[cfg(not(target_os = "linux"))]
pub fn ask_for_gro(_: BorrowedFd<'_>) {}

#[cfg(not(target_os = "linux"))]
pub fn ask_for_senders(_: BorrowedFd<'_>) {}

#[cfg(target_os = "linux")]
fn set_option(socket: BorrowedFd<'_>, level: libc::c_int, option: libc::c_int, value: libc::c_int) {
    // SAFETY: the value is an int on this stack frame, as all of these options take it.
    unsafe {
        let length = size_of::<libc::c_int>() as libc::socklen_t;
        libc::setsockopt(socket.as_raw_fd(), level, option, (&raw const value).cast(), length);
    }
}

/// Datagrams that the system has dropped on their way to this socket, most of them because its queue was full (`SO_MEMINFO`).
#[cfg(target_os = "linux")]
pub fn dropped(socket: BorrowedFd<'_>) -> u64 {
    /// Number of values, and which of them it is (`linux/sock_diag.h`).
    const VALUES: usize = 9;
    const DROPS: usize = 8;
    let mut values = [0u32; VALUES];
    let mut length = size_of_val(&values) as libc::socklen_t;
    // SAFETY: the system writes at most `length` bytes, which the array has, and says in `length` how many.
    let result = unsafe {
        let values = values.as_mut_ptr().cast();
        libc::getsockopt(socket.as_raw_fd(), libc::SOL_SOCKET, libc::SO_MEMINFO, values, &raw mut length)
    };
    if result == 0 && length as usize == size_of_val(&values) { values[DROPS].into() } else { 0 }
}

#[cfg(not(target_os = "linux"))]
pub fn dropped(_: BorrowedFd<'_>) -> u64 {
    0
}

/// Room for the datagrams of one call, which is used again and again.
#[derive(Debug)]
pub struct Room {
    bytes: Vec<u8>,
    /// Maximum bytes of a datagram.
    size: usize,
    /// Datagrams that the next call may give: few until there are more, so that a single one costs no more than it must.
    wanted: usize,
    /// The last call gave less than it might have: nothing was left.
    is_drained: bool,
    /// What the last call gave, and how many of them are taken.
    arrivals: Vec<Arrival>,
    taken: usize,
}

impl Room {
    /// Room for datagrams of at most `size` bytes.
    pub fn new(size: usize) -> Self {
        // The system gives pages of zeros, and only to what is written.
        Self {
            bytes: vec![0; size * BATCH],
            size,
            wanted: LEAST,
            is_drained: false,
            arrivals: Vec::with_capacity(BATCH),
            taken: 0,
        }
    }

    /// The system is to be asked again, although nothing was left when it was asked last.
    pub fn look_again(&mut self) {
        self.is_drained = false;
    }

    /// The next datagram with its bytes; asks the system for more when none is left, unless it has just said that there are no
    /// more. Does not block.
    ///
    /// # Errors
    /// Those of recvmsg(2).
    pub fn next(&mut self, socket: BorrowedFd<'_>) -> io::Result<(&Arrival, &[u8])> {
        if self.taken == self.arrivals.len() {
            self.arrivals.clear();
            self.taken = 0;
            let wanted = mem::replace(&mut self.wanted, LEAST);
            if mem::take(&mut self.is_drained) {
                return Err(io::ErrorKind::WouldBlock.into());
            }
            receive(socket, self, wanted)?;
            if self.arrivals.len() == wanted {
                self.wanted = (wanted * 4).min(BATCH);
            } else {
                // An error in place of the next one is a new event.
                self.is_drained = cfg!(target_os = "linux");
            }
        }
        let arrival = self.arrivals.get_mut(self.taken).ok_or(io::ErrorKind::WouldBlock)?;
        let len = if arrival.segment == 0 { arrival.len } else { arrival.segment.min(arrival.len) };
        let bytes = &self.bytes[arrival.start..][..len];
        arrival.start += len;
        arrival.len -= len;
        if arrival.len == 0 {
            self.taken += 1;
        }
        Ok((arrival, bytes))
    }
}

/// Receives up to `count` datagrams (recvmmsg(2)): it ends with the first that would block or has failed, and
/// that error is the next call's.
#[cfg(target_os = "linux")]
fn receive(socket: BorrowedFd<'_>, room: &mut Room, count: usize) -> io::Result<()> {
    let mut names = [const { MaybeUninit::<SockAddrStorage>::uninit() }; BATCH];
    let mut controls = [const { MaybeUninit::<Control>::uninit() }; BATCH];
    let mut vectors = [libc::iovec { iov_base: ptr::null_mut(), iov_len: 0 }; BATCH];
    // SAFETY: zeroed is a valid value of headers: pointers that are null and lengths that are 0.
    let mut messages: [libc::mmsghdr; BATCH] = unsafe { zeroed() };
    let pieces = room.bytes.chunks_exact_mut(room.size);
    for ((((message, name), control), vector), piece) in
        messages.iter_mut().zip(&mut names).zip(&mut controls).zip(&mut vectors).zip(pieces).take(count)
    {
        *vector = libc::iovec { iov_base: piece.as_mut_ptr().cast(), iov_len: piece.len() };
        let header = &mut message.msg_hdr;
        header.msg_name = ptr::from_mut(name.write(SockAddrStorage::zeroed())).cast();
        header.msg_namelen = size_of::<SockAddrStorage>() as _;
        header.msg_iov = vector;
        header.msg_iovlen = 1;
        header.msg_control = control.as_mut_ptr().cast();
        header.msg_controllen = size_of::<Control>() as _;
    }
    // SAFETY: the first `count` headers have pointers to places that live through the call, with their true lengths.
    let received = unsafe {
        let flags = libc::MSG_DONTWAIT;
        libc::recvmmsg(socket.as_raw_fd(), messages.as_mut_ptr(), count as _, flags, ptr::null_mut())
    };
    let received = usize::try_from(received).map_err(|_| io::Error::last_os_error())?;
    for (index, (message, name)) in messages.iter().zip(&names).enumerate().take(received.min(count)) {
        // SAFETY: the storage was zeroed and the system has written an address of that length to it.
        let from = unsafe { SockAddr::new(name.assume_init_read(), message.msg_hdr.msg_namelen) };
        let Details { to, sender, segment } = details(&message.msg_hdr);
        let (start, len) = (index * room.size, message.msg_len as usize);
        room.arrivals.push(Arrival { start, len, segment, from, to, sender });
    }
    Ok(())
}

/// Receives one datagram.
#[cfg(not(target_os = "linux"))]
fn receive(socket: BorrowedFd<'_>, room: &mut Room, _: usize) -> io::Result<()> {
    let buffer = &mut room.bytes[..room.size];
    let (from, (len, details)) = receive_with(socket, buffer, 0, |message, len| (len, details(message)))?;
    let Details { to, sender, segment } = details;
    room.arrivals.push(Arrival { start: 0, len, segment, from, to, sender });
    Ok(())
}

/// What the header of a message says; the fields are those of [`Arrival`].
#[derive(Default)]
struct Details {
    to: Option<IpAddr>,
    sender: Option<(u32, u32)>,
    segment: usize,
}

fn details(message: &libc::msghdr) -> Details {
    let mut found = Details::default();
    for_each_detail(message, |level, kind, data| match (level, kind) {
        #[cfg(target_os = "linux")]
        (libc::IPPROTO_IP, libc::IP_PKTINFO) => {
            let info: libc::in_pktinfo = read(data)?;
            // For a datagram to many: the address of ours that answers come from.
            found.to = Some(IpAddr::V4(Ipv4Addr::from(u32::from_be(info.ipi_spec_dst.s_addr))));
            Some(())
        }
        #[cfg(target_os = "linux")]
        (libc::IPPROTO_IPV6, libc::IPV6_PKTINFO) => {
            let info: libc::in6_pktinfo = read(data)?;
            found.to = Some(IpAddr::V6(Ipv6Addr::from(info.ipi6_addr.s6_addr)));
            Some(())
        }
        #[cfg(target_os = "linux")]
        (libc::SOL_SOCKET, libc::SCM_CREDENTIALS) => {
            let sent: libc::ucred = read(data)?;
            found.sender = Some((u32::try_from(sent.pid).unwrap_or(0), sent.uid));
            Some(())
        }
        #[cfg(target_os = "linux")]
        (libc::SOL_UDP, libc::UDP_GRO) => {
            let segment: libc::c_int = read(data)?;
            found.segment = usize::try_from(segment).unwrap_or(0);
            Some(())
        }
        _ => None,
    });
    found
}

/// The next error of a datagram that was sent, and to whom that was (ip(7) `IP_RECVERR`).
#[cfg(target_os = "linux")]
pub fn take_error(socket: BorrowedFd<'_>) -> Option<(SocketAddr, io::Error)> {
    let mut errno = None;
    let (to, ()) = receive_with(socket, &mut [], libc::MSG_ERRQUEUE, |message, _| {
        for_each_detail(message, |level, kind, data| {
            let is_error = matches!(
                (level, kind),
                (libc::IPPROTO_IP, libc::IP_RECVERR) | (libc::IPPROTO_IPV6, libc::IPV6_RECVERR)
            );
            let error: libc::sock_extended_err = is_error.then(|| read(data)).flatten()?;
            errno = i32::try_from(error.ee_errno).ok();
            Some(())
        });
    })
    .ok()?;
    Some((to.as_socket()?, io::Error::from_raw_os_error(errno?)))
}

#[cfg(not(target_os = "linux"))]
pub fn take_error(_: BorrowedFd<'_>) -> Option<(SocketAddr, io::Error)> {
    None
}

/// One recvmsg(2), and what `look` makes of the message and its length. Returns the address, too.
fn receive_with<R>(
    socket: BorrowedFd<'_>,
    buffer: &mut [u8],
    flags: libc::c_int,
    look: impl FnOnce(&libc::msghdr, usize) -> R,
) -> io::Result<(SockAddr, R)> {
    let mut control = Control([0; 512]);
    let mut result = None;
    // SAFETY: the storage is zeroed and large enough for every address; all pointers in the header are to places that live
    // through the call, with their true lengths; the system writes the length of the address, which is returned.
    let from = unsafe {
        SockAddr::try_init(|storage, length| {
            let mut vector = libc::iovec { iov_base: buffer.as_mut_ptr().cast(), iov_len: buffer.len() };
            let mut message: libc::msghdr = zeroed();
            message.msg_name = storage.cast();
            message.msg_namelen = *length;
            message.msg_iov = &raw mut vector;
            message.msg_iovlen = 1;
            message.msg_control = control.0.as_mut_ptr().cast();
            message.msg_controllen = control.0.len() as _;
            let received = libc::recvmsg(socket.as_raw_fd(), &raw mut message, flags | libc::MSG_DONTWAIT);
            let received = usize::try_from(received).map_err(|_| io::Error::last_os_error())?;
            *length = message.msg_namelen;
            result = Some(look(&message, received));
            Ok(())
        })
    }?;
    let ((), from) = from;
    result.map(|result| (from, result)).ok_or_else(|| io::ErrorKind::Other.into())
}

/// Gives level, kind and bytes of each detail to `look`. Whether that has made use of it does not matter.
fn for_each_detail(message: &libc::msghdr, mut look: impl FnMut(libc::c_int, libc::c_int, &[u8]) -> Option<()>) {
    // SAFETY: the system has filled in the control messages and their length; the macros stay within it.
    unsafe {
        let mut next = libc::CMSG_FIRSTHDR(message);
        while !next.is_null() {
            let header = next.read_unaligned();
            let length = (header.cmsg_len as usize).saturating_sub(libc::CMSG_LEN(0) as usize);
            let data = std::slice::from_raw_parts(libc::CMSG_DATA(next), length);
            let _ = look(header.cmsg_level, header.cmsg_type, data);
            next = libc::CMSG_NXTHDR(message, next);
        }
    }
}

/// A value of plain numbers from bytes; `None` if there are too few.
fn read<T: Copy>(bytes: &[u8]) -> Option<T> {
    // SAFETY: there are enough bytes, and the callers read structures of integers, for which any bytes are valid.
    (bytes.len() >= size_of::<T>()).then(|| unsafe { bytes.as_ptr().cast::<T>().read_unaligned() })
}

/// Sends one datagram without blocking, from that address of ours if it is given.
///
/// # Errors
/// Those of sendmsg(2).
pub fn send(socket: BorrowedFd<'_>, bytes: &[u8], to: &SockAddr, from: Option<IpAddr>) -> io::Result<usize> {
    let mut control = Control([0; 512]);
    let mut vector = libc::iovec { iov_base: bytes.as_ptr().cast_mut().cast(), iov_len: bytes.len() };
    // SAFETY: all pointers in the header are to places that live through the call, with their true lengths; the system only
    // reads them. The control message is written within its buffer, which is aligned for its header.
    let sent = unsafe {
        let mut message: libc::msghdr = zeroed();
        message.msg_name = to.as_ptr().cast_mut().cast();
        message.msg_namelen = to.len();
        message.msg_iov = &raw mut vector;
        message.msg_iovlen = 1;
        if let Some(from) = from {
            put_source(&mut message, &mut control, from);
        }
        libc::sendmsg(socket.as_raw_fd(), &raw const message, libc::MSG_DONTWAIT | libc::MSG_NOSIGNAL)
    };
    usize::try_from(sent).map_err(|_| io::Error::last_os_error())
}

#[cfg(target_os = "linux")]
fn put_source(message: &mut libc::msghdr, control: &mut Control, from: IpAddr) {
    match from {
        IpAddr::V4(from) => {
            // SAFETY: zeroed is a valid value of a structure of integers.
            let mut info: libc::in_pktinfo = unsafe { zeroed() };
            info.ipi_spec_dst.s_addr = u32::from(from).to_be();
            put_detail(message, control, libc::IPPROTO_IP, libc::IP_PKTINFO, info);
        }
        IpAddr::V6(from) => {
            // SAFETY: as above.
            let mut info: libc::in6_pktinfo = unsafe { zeroed() };
            info.ipi6_addr.s6_addr = from.octets();
            put_detail(message, control, libc::IPPROTO_IPV6, libc::IPV6_PKTINFO, info);
        }
    }
}

#[cfg(not(target_os = "linux"))]
fn put_source(_: &mut libc::msghdr, _: &mut Control, _: IpAddr) {}

#[cfg(target_os = "linux")]
fn put_detail<T>(message: &mut libc::msghdr, control: &mut Control, level: libc::c_int, kind: libc::c_int, value: T) {
    let length = size_of::<T>() as libc::c_uint;
    // SAFETY: the buffer has room for one detail of this size, and is aligned for its header.
    unsafe {
        message.msg_control = control.0.as_mut_ptr().cast();
        message.msg_controllen = libc::CMSG_SPACE(length) as _;
        let header = libc::CMSG_FIRSTHDR(message);
        (*header).cmsg_level = level;
        (*header).cmsg_type = kind;
        (*header).cmsg_len = libc::CMSG_LEN(length) as _;
        libc::CMSG_DATA(header).cast::<T>().write_unaligned(value);
    }
}

#[cfg(test)]
mod tests {
    use std::net::UdpSocket;
    use std::os::fd::AsFd;

    use super::*;

    /// Two sockets; the first receives.
    fn pair() -> (UdpSocket, UdpSocket) {
        let receiver = UdpSocket::bind((Ipv4Addr::LOCALHOST, 0)).unwrap();
        let sender = UdpSocket::bind((Ipv4Addr::LOCALHOST, 0)).unwrap();
        sender.connect(receiver.local_addr().unwrap()).unwrap();
        (receiver, sender)
    }

    #[test]
    fn datagrams_come_in_order_and_whole_however_many_wait() {
        let (receiver, sender) = pair();
        ask_for_details(receiver.as_fd());
        let from = sender.local_addr().unwrap();
        let mut room = Room::new(100);
        for count in [0, 1, 2, 5, 6, 21, 22, 50] {
            // Of all lengths, none included.
            let sent: Vec<Vec<u8>> = (0..count).map(|i| vec![b'a' + i; usize::from(i) * 3 % 100]).collect();
            for datagram in &sent {
                sender.send(datagram).unwrap();
            }
            for datagram in &sent {
                let (arrival, bytes) = room.next(receiver.as_fd()).unwrap();
                assert_eq!(bytes, datagram);
                assert_eq!(arrival.from.as_socket(), Some(from));
                assert!(cfg!(not(target_os = "linux")) || arrival.to == Some(Ipv4Addr::LOCALHOST.into()));
            }
            assert_eq!(room.next(receiver.as_fd()).unwrap_err().kind(), io::ErrorKind::WouldBlock);
        }
    }

    #[test]
    fn what_comes_after_the_last_is_there_at_the_next_look() {
        let (receiver, sender) = pair();
        let mut room = Room::new(10);
        for (asks_again, count) in [(false, 1), (true, 1), (true, 2), (false, 3)] {
            for _ in 0..count {
                sender.send(b"first").unwrap();
            }
            for _ in 0..count {
                assert_eq!(room.next(receiver.as_fd()).unwrap().1, b"first");
            }
            sender.send(b"later").unwrap();
            if asks_again {
                room.look_again();
            } else if cfg!(target_os = "linux") && count % 2 == 1 {
                // Once it is known that nothing is left, without a call.
                assert_eq!(room.next(receiver.as_fd()).unwrap_err().kind(), io::ErrorKind::WouldBlock);
            }
            assert_eq!(room.next(receiver.as_fd()).unwrap().1, b"later");
            assert_eq!(room.next(receiver.as_fd()).unwrap_err().kind(), io::ErrorKind::WouldBlock);
        }
    }

    #[cfg(target_os = "linux")]
    #[test]
    fn datagrams_that_came_together_are_told_apart() {
        let (receiver, sender) = pair();
        ask_for_details(receiver.as_fd());
        ask_for_gro(receiver.as_fd());
        let from = sender.local_addr().unwrap();
        let mut room = Room::new(64 << 10);
        for (segment, lengths) in [(7, vec![7; 9]), (100, [vec![100; 40], vec![1]].concat()), (1400, vec![1400; 46])] {
            let sent: Vec<u8> = (0..lengths.iter().sum()).map(|i: usize| (i % 251) as u8).collect();
            sender.send(b"before").unwrap();
            set_option(sender.as_fd(), libc::SOL_UDP, libc::UDP_SEGMENT, segment);
            sender.send(&sent).unwrap();
            set_option(sender.as_fd(), libc::SOL_UDP, libc::UDP_SEGMENT, 0);
            sender.send(b"").unwrap();
            sender.send(b"after").unwrap();
            assert_eq!(room.next(receiver.as_fd()).unwrap().1, b"before");
            let mut rest = sent.as_slice();
            for length in lengths {
                let (arrival, bytes) = room.next(receiver.as_fd()).unwrap();
                assert_eq!(arrival.from.as_socket(), Some(from));
                assert_eq!(arrival.to, Some(Ipv4Addr::LOCALHOST.into()));
                let (wanted, others) = rest.split_at(length);
                assert_eq!(bytes, wanted, "{segment}");
                rest = others;
            }
            assert_eq!(room.next(receiver.as_fd()).unwrap().1, b"");
            assert_eq!(room.next(receiver.as_fd()).unwrap().1, b"after");
            room.look_again();
            assert_eq!(room.next(receiver.as_fd()).unwrap_err().kind(), io::ErrorKind::WouldBlock);
        }
    }

    #[test]
    fn a_datagram_that_is_too_large_does_not_reach_into_the_next_one() {
        let (receiver, sender) = pair();
        let mut room = Room::new(10);
        for _ in 0..8 {
            sender.send(&[b'l'; 25]).unwrap();
            sender.send(b"small").unwrap();
        }
        for _ in 0..8 {
            assert_eq!(room.next(receiver.as_fd()).unwrap().1, [b'l'; 10]);
            assert_eq!(room.next(receiver.as_fd()).unwrap().1, b"small");
        }
    }
}
