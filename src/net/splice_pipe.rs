//! Splice pipes: kernel pipes that splice(2) needs between two sockets. Their bytes were read from one socket and wait for
//! the other.
//!
//! Owns their number and size, and that a reused pipe is empty. Without a pipe, bytes are read and written.

use std::os::fd::BorrowedFd;
#[cfg(target_os = "linux")]
use std::os::fd::{AsFd, OwnedFd};
use std::rc::Rc;

use crate::net::bulk::Move;

/// Requested capacity in bytes.
#[cfg(target_os = "linux")]
const SIZE: usize = 1 << 20;
/// Minimum capacity in bytes; a smaller pipe is slower than reading and writing. The kernel gives smaller ones when the
/// user's limit of pages is reached (pipe(7), `pipe-user-pages-soft`).
#[cfg(target_os = "linux")]
const LEAST: usize = 64 << 10;
/// Maximum number at the same time: they take kernel memory, and two descriptors each that connections may need.
const MOST: usize = 32;
/// Maximum number of empty pipes kept for reuse.
const KEPT: usize = 4;

/// A kernel pipe between two sockets.
#[derive(Debug)]
pub struct SplicePipe {
    #[cfg(target_os = "linux")]
    reader: OwnedFd,
    #[cfg(target_os = "linux")]
    writer: OwnedFd,
    held: usize,
    is_full: bool,
    /// Counts the existing splice pipes of the pool.
    _one: Rc<()>,
}

impl SplicePipe {
    /// Number of bytes it holds.
    pub fn held(&self) -> usize {
        self.held
    }

    /// Whether the last fill found no room and nothing has left since. A pipe has a limit of buffers, not only of bytes.
    pub fn is_full(&self) -> bool {
        self.is_full
    }
}

#[cfg(target_os = "linux")]
impl SplicePipe {
    fn open(one: Rc<()>) -> Option<Self> {
        use rustix::pipe::{PipeFlags, fcntl_getpipe_size, fcntl_setpipe_size, pipe_with};
        let (reader, writer) = pipe_with(PipeFlags::CLOEXEC | PipeFlags::NONBLOCK).ok()?;
        if fcntl_setpipe_size(&writer, SIZE).is_err() && fcntl_getpipe_size(&writer).ok()? < LEAST {
            return None;
        }
        Some(Self { reader, writer, held: 0, is_full: false, _one: one })
    }

    /// Moves at most `most` received bytes of a socket into it.
    pub fn fill(&mut self, socket: BorrowedFd<'_>, most: usize) -> Move {
        let step = crate::net::bulk::splice_some(socket, self.writer.as_fd(), most);
        match step {
            Move::Moved(n) => self.held += n,
            Move::Blocked { sink: false, .. } => self.is_full = true,
            _ => {}
        }
        step
    }

    /// Moves its bytes into a socket.
    pub fn drain(&mut self, socket: BorrowedFd<'_>) -> Move {
        let step = crate::net::bulk::splice_some(self.reader.as_fd(), socket, self.held);
        if let Move::Moved(n) = step {
            self.held = self.held.saturating_sub(n);
            self.is_full = false;
        }
        step
    }

    /// Reads its bytes, for a socket that does not accept moves.
    pub fn into_bytes(self) -> Vec<u8> {
        let mut bytes = vec![0; self.held];
        let mut filled = 0;
        while filled < bytes.len() {
            match rustix::io::read(&self.reader, &mut bytes[filled..]) {
                Ok(n) if n > 0 => filled += n,
                Err(rustix::io::Errno::INTR) => {}
                // Cannot happen: both ends are ours, so all bytes that were moved in are there.
                _ => break,
            }
        }
        bytes.truncate(filled);
        bytes
    }
}

/// Other systems have no splice pipes.
#[cfg(not(target_os = "linux"))]
impl SplicePipe {
    fn open(_: Rc<()>) -> Option<Self> {
        None
    }

    /// Always `Unable`.
    pub fn fill(&mut self, _: BorrowedFd<'_>, _: usize) -> Move {
        Move::Unable
    }

    /// Always `Unable`.
    pub fn drain(&mut self, _: BorrowedFd<'_>) -> Move {
        Move::Unable
    }

    /// Always empty.
    pub fn into_bytes(self) -> Vec<u8> {
        Vec::new()
    }
}

/// The splice pipes of a loop.
#[derive(Debug, Default)]
pub struct SplicePool {
    kept: Vec<SplicePipe>,
    count: Rc<()>,
}

impl SplicePool {
    /// Takes an empty splice pipe; `None` at the maximum number, or if none can be made.
    pub fn take(&mut self) -> Option<SplicePipe> {
        if let Some(pipe) = self.kept.pop() {
            return Some(pipe);
        }
        if Rc::strong_count(&self.count) > MOST { None } else { SplicePipe::open(Rc::clone(&self.count)) }
    }

    /// Returns a splice pipe that is not needed. One that holds bytes is closed.
    pub fn give_back(&mut self, pipe: SplicePipe) {
        if pipe.held == 0 && self.kept.len() < KEPT {
            self.kept.push(pipe);
        }
    }

    /// Closes the kept pipes. Returns whether that freed descriptors.
    pub fn close_kept(&mut self) -> bool {
        !std::mem::take(&mut self.kept).is_empty()
    }
}

#[cfg(all(test, target_os = "linux"))]
mod tests {
    use std::io::{Read, Write};
    use std::thread;

    use super::*;
    use crate::net::bulk::tests::sockets;

    #[test]
    fn what_goes_in_comes_out_whoever_is_slow() {
        let (from, mut source) = sockets();
        let (to, mut sink) = sockets();
        let sent: Vec<u8> = (0..3_000_000u32).map(|n| (n % 251) as u8).collect();
        let copy = sent.clone();
        let writer = thread::spawn(move || source.write_all(&copy));
        let reader = thread::spawn(move || {
            let mut received = Vec::new();
            sink.read_to_end(&mut received).map(|_| received)
        });
        let mut pipe = SplicePool::default().take().unwrap();
        let (mut filled, mut drained) = (0, 0);
        loop {
            match pipe.fill(from.as_fd(), 300_000) {
                Move::Moved(n) => {
                    assert!(n <= 300_000);
                    filled += n;
                }
                Move::Unable if pipe.held() == 0 => break,
                Move::Blocked { .. } | Move::Unable => {}
                Move::Broken(error) => panic!("{error}"),
            }
            if let Move::Moved(n) = pipe.drain(to.as_fd()) {
                drained += n;
            }
            assert_eq!(pipe.held(), filled - drained);
        }
        drop(to);
        writer.join().unwrap().unwrap();
        assert!(reader.join().unwrap().unwrap() == sent);
    }

    #[test]
    fn a_full_one_says_so_and_gives_back_what_it_holds() {
        let (from, mut source) = sockets();
        let writer = thread::spawn(move || source.write_all(&vec![7; 40 << 20]));
        let mut pipe = SplicePool::default().take().unwrap();
        while !pipe.is_full() {
            if let Move::Unable | Move::Broken(_) = pipe.fill(from.as_fd(), usize::MAX) {
                panic!("the sender has not ended");
            }
        }
        let held = pipe.held();
        assert!(held >= LEAST);
        assert_eq!(pipe.into_bytes(), vec![7; held]);
        drop(from);
        assert!(writer.join().unwrap().is_err());
    }

    #[test]
    fn there_are_few_and_those_that_are_used_again_are_empty() {
        let mut splice_pool = SplicePool::default();
        let mut taken: Vec<SplicePipe> = std::iter::from_fn(|| splice_pool.take()).collect();
        assert!(!taken.is_empty() && taken.len() <= MOST, "{}", taken.len());
        taken[0].held = 1;
        for pipe in taken {
            splice_pool.give_back(pipe);
        }
        assert_eq!(splice_pool.kept.len(), KEPT);
        assert!(splice_pool.kept.iter().all(|pipe| pipe.held() == 0));
        assert_eq!(Rc::strong_count(&splice_pool.count), KEPT + 1);
        assert!(splice_pool.close_kept() && !splice_pool.close_kept());
        assert!(splice_pool.take().is_some());
    }
}
