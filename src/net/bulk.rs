//! Bulk moves: the kernel moves bytes from a pipe or file into a socket, or from a socket into a pipe, without copying
//! them into this process (from socket to socket: `splice_pipe`). splice(2) passes pages on, sendfile(2) sends them
//! from the page cache.
//!
//! Owns the meaning of the kernel's results. Everything but a plain success is [`Move::Unable`]: then an ordinary read
//! and write decide, also about the end of a stream.

use std::io;
use std::os::fd::BorrowedFd;

use rustix::event::{PollFd, PollFlags, Timespec, poll};

/// Minimum length of a read that suggests a flow, in bytes. Below, moves within the kernel cost more calls than they
/// save.
pub const FLOW: usize = 32 << 10;

/// Maximum bytes of one move, so that one connection does not starve the others.
#[cfg(target_os = "linux")]
const STEP: usize = 1 << 20;

/// The result of one move.
#[derive(Debug)]
pub enum Move {
    /// This many bytes were moved, at least one.
    Moved(usize),
    /// Nothing was moved; readiness of both sides by poll(2) after the attempt.
    Blocked {
        /// The source has bytes, or has ended.
        source: bool,
        /// The sink accepts bytes, or is closed.
        sink: bool,
    },
    /// Moves are not possible, or not any more: read and write instead.
    Unable,
    /// The socket or the pipe is broken; the system reports that error only once.
    Broken(io::Error),
}

/// Moves available bytes from a pipe to a socket, or from a socket to a pipe, without blocking, whatever their flags.
#[cfg(target_os = "linux")]
pub fn splice(source: BorrowedFd<'_>, sink: BorrowedFd<'_>) -> Move {
    splice_some(source, sink, STEP)
}

/// The same, for at most `most` bytes.
#[cfg(target_os = "linux")]
pub fn splice_some(source: BorrowedFd<'_>, sink: BorrowedFd<'_>, most: usize) -> Move {
    use rustix::pipe::SpliceFlags;
    let flags = SpliceFlags::NONBLOCK | SpliceFlags::MOVE;
    outcome(rustix::pipe::splice(source, None, sink, None, most.min(STEP), flags), source, sink)
}

/// Sends from a regular file, from its current offset, to a non-blocking socket.
#[cfg(target_os = "linux")]
pub fn send_file(file: BorrowedFd<'_>, socket: BorrowedFd<'_>) -> Move {
    outcome(rustix::fs::sendfile(socket, file, None, STEP), file, socket)
}

/// Not available on this system.
#[cfg(not(target_os = "linux"))]
pub fn splice(_: BorrowedFd<'_>, _: BorrowedFd<'_>) -> Move {
    Move::Unable
}

/// Not available on this system.
#[cfg(not(target_os = "linux"))]
pub fn send_file(_: BorrowedFd<'_>, _: BorrowedFd<'_>) -> Move {
    Move::Unable
}

#[cfg(target_os = "linux")]
fn outcome(result: rustix::io::Result<usize>, source: BorrowedFd<'_>, sink: BorrowedFd<'_>) -> Move {
    use rustix::io::Errno;
    match result {
        Ok(0) => Move::Unable,
        Ok(n) => Move::Moved(n),
        // The error does not say which side was not ready; after a wrong guess no event would wake the loop.
        Err(Errno::AGAIN | Errno::INTR) => ready(source, sink),
        Err(
            error @ (Errno::CONNRESET
            | Errno::CONNABORTED
            | Errno::PIPE
            | Errno::TIMEDOUT
            | Errno::HOSTUNREACH
            | Errno::NETUNREACH
            | Errno::NETDOWN),
        ) => Move::Broken(error.into()),
        Err(_) => Move::Unable,
    }
}

#[cfg(target_os = "linux")]
fn ready(source: BorrowedFd<'_>, sink: BorrowedFd<'_>) -> Move {
    let mut fds = [PollFd::from_borrowed_fd(source, PollFlags::IN), PollFd::from_borrowed_fd(sink, PollFlags::OUT)];
    match poll(&mut fds, Some(&Timespec { tv_sec: 0, tv_nsec: 0 })) {
        Ok(_) => Move::Blocked { source: !fds[0].revents().is_empty(), sink: !fds[1].revents().is_empty() },
        Err(_) => Move::Blocked { source: true, sink: true },
    }
}

#[cfg(all(test, target_os = "linux"))]
pub(super) mod tests {
    use std::fs::File;
    use std::io::{Read, Write};
    use std::net::{TcpListener, TcpStream};
    use std::os::fd::AsFd;

    use super::*;

    /// Two ends of a connection, the first one non-blocking.
    pub(in crate::net) fn sockets() -> (TcpStream, TcpStream) {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let ours = TcpStream::connect(listener.local_addr().unwrap()).unwrap();
        ours.set_nonblocking(true).unwrap();
        (ours, listener.accept().unwrap().0)
    }

    #[test]
    fn a_move_that_would_block_reports_the_readiness_of_both_sides() {
        let (ours, _theirs) = sockets();
        let (reader, mut writer) = io::pipe().unwrap();
        let to_socket = || splice(reader.as_fd(), ours.as_fd());
        assert!(matches!(to_socket(), Move::Blocked { source: false, sink: true }));
        let block = vec![7; 60_000];
        let full = loop {
            writer.write_all(&block).unwrap();
            let mut last = to_socket();
            while matches!(last, Move::Moved(_)) {
                last = to_socket();
            }
            if !matches!(last, Move::Blocked { source: false, .. }) {
                break last;
            }
        };
        assert!(matches!(full, Move::Blocked { source: true, sink: false }), "{full:?}");
    }

    #[test]
    fn a_full_pipe_does_not_block_and_everything_arrives() {
        let (ours, mut theirs) = sockets();
        let (mut reader, writer) = io::pipe().unwrap();
        let sent: Vec<u8> = (0..200_000u32).map(|n| n as u8).collect();
        theirs.write_all(&sent).unwrap();
        drop(theirs);
        let mut received = Vec::new();
        loop {
            match splice(ours.as_fd(), writer.as_fd()) {
                Move::Moved(n) => {
                    let mut piece = vec![0; n];
                    reader.read_exact(&mut piece).unwrap();
                    received.extend(piece);
                }
                Move::Blocked { .. } => {}
                Move::Unable => break,
                Move::Broken(error) => panic!("{error}"),
            }
        }
        assert!(received == sent);
    }

    #[test]
    fn a_file_is_sent_from_its_offset_and_its_end_is_left_to_read() {
        let (ours, mut theirs) = sockets();
        let mut file = tempfile::tempfile().unwrap();
        file.write_all(b"0123456789").unwrap();
        io::Seek::seek(&mut file, io::SeekFrom::Start(4)).unwrap();
        assert!(matches!(send_file(file.as_fd(), ours.as_fd()), Move::Moved(6)));
        assert!(matches!(send_file(file.as_fd(), ours.as_fd()), Move::Unable));
        drop(ours);
        let mut received = String::new();
        theirs.read_to_string(&mut received).unwrap();
        assert_eq!(received, "456789");
    }

    #[test]
    fn unsupported_descriptors_are_left_to_read_and_write() {
        let (ours, theirs) = sockets();
        let null = File::open("/dev/null").unwrap();
        assert!(matches!(splice(null.as_fd(), ours.as_fd()), Move::Unable));
        let (reader, _writer) = io::pipe().unwrap();
        drop(reader);
        let (_, writer) = io::pipe().unwrap();
        drop(theirs);
        assert!(matches!(splice(ours.as_fd(), writer.as_fd()), Move::Broken(_) | Move::Unable));
    }
}
