//! Bulk moves: bytes go from a pipe or file into a socket, or from a socket into a pipe, without passing through
//! this process (from socket to socket: `splice pipe`). splice(2) hands pages over, sendfile(2) sends them out of the page
//! cache.
//!
//! Owns what the kernel's answers mean. Everything that is not a plain success ends in [`Move::Unable`]: then an
//! ordinary read and write have the last word, the end of a stream included.

use std::io;
use std::os::fd::BorrowedFd;

use rustix::event::{PollFd, PollFlags, Timespec, poll};

/// A read of at least so much shows a flow. Below that, moving within the kernel costs more calls than it saves.
pub const FLOW: usize = 32 << 10;

/// One move takes at most this much, so that others have their turn.
#[cfg(target_os = "linux")]
const STEP: usize = 1 << 20;

/// What one attempt gave.
#[derive(Debug)]
pub enum Move {
    /// So many bytes, at least one.
    Moved(usize),
    /// Nothing now: what can go on, as `poll(2)` said after the attempt.
    Blocked {
        /// The source has something, or has ended.
        source: bool,
        /// The sink takes something, or is gone.
        sink: bool,
    },
    /// Not this way, or not any more: read and write.
    Unable,
    /// The socket or the pipe is broken; the system tells that only once.
    Broken(io::Error),
}

/// Moves what is there from a pipe to a socket, or from a socket to a pipe. Neither blocks, whatever its flags say.
#[cfg(target_os = "linux")]
pub fn splice(source: BorrowedFd<'_>, sink: BorrowedFd<'_>) -> Move {
    splice_some(source, sink, STEP)
}

/// The same for at most `most` bytes.
#[cfg(target_os = "linux")]
pub fn splice_some(source: BorrowedFd<'_>, sink: BorrowedFd<'_>, most: usize) -> Move {
    use rustix::pipe::SpliceFlags;
    let flags = SpliceFlags::NONBLOCK | SpliceFlags::MOVE;
    outcome(rustix::pipe::splice(source, None, sink, None, most.min(STEP), flags), source, sink)
}

/// Sends from a regular file, from where it stands, to a socket that does not block.
#[cfg(target_os = "linux")]
pub fn send_file(file: BorrowedFd<'_>, socket: BorrowedFd<'_>) -> Move {
    outcome(rustix::fs::sendfile(socket, file, None, STEP), file, socket)
}

/// Elsewhere bytes are read and written.
#[cfg(not(target_os = "linux"))]
pub fn splice(_: BorrowedFd<'_>, _: BorrowedFd<'_>) -> Move {
    Move::Unable
}

/// Elsewhere bytes are read and written.
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
        // Which of the two was not ready it does not say; one guessed wrong and nothing would ever wake us.
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

    /// Two ends of a connection, the first of which does not block.
    pub(in crate::net) fn sockets() -> (TcpStream, TcpStream) {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let ours = TcpStream::connect(listener.local_addr().unwrap()).unwrap();
        ours.set_nonblocking(true).unwrap();
        (ours, listener.accept().unwrap().0)
    }

    #[test]
    fn it_says_which_side_is_not_ready() {
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
    fn a_file_is_sent_from_where_it_stands_and_its_end_is_left_to_read() {
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
    fn what_cannot_be_spliced_is_left_to_read_and_write() {
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
