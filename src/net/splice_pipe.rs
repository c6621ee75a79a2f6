//! Splice pipes: kernel pipes between two sockets, which cannot be joined without one. What is in a splice pipe was read from
//! one socket and waits for the other.
//!
//! Owns how many there are and how large they are, and that none is used twice for different bytes. Where there is none
//! to be had bytes are read and written.

use std::os::fd::BorrowedFd;
#[cfg(target_os = "linux")]
use std::os::fd::{AsFd, OwnedFd};
use std::rc::Rc;

use crate::net::bulk::Move;

/// Wanted capacity.
#[cfg(target_os = "linux")]
const SIZE: usize = 1 << 20;
/// A smaller one is slower than to read and write. So small they get when the user's share of pages is used up
/// (pipe(7), `pipe-user-pages-soft`).
#[cfg(target_os = "linux")]
const LEAST: usize = 64 << 10;
/// So many at most at the same time: what they hold is the kernel's memory, and each takes two descriptors that
/// connections may need.
const MOST: usize = 32;
/// So many empty ones are kept.
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
    /// What counts the splice pipes that exist.
    _one: Rc<()>,
}

impl SplicePipe {
    /// How many bytes it holds.
    pub fn held(&self) -> usize {
        self.held
    }

    /// Whether it took nothing at the last attempt, and nothing has left it since. A pipe fills by pieces, not by bytes.
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

    /// Takes at most `most` bytes of what a socket has received.
    pub fn fill(&mut self, socket: BorrowedFd<'_>, most: usize) -> Move {
        let step = crate::net::bulk::splice_some(socket, self.writer.as_fd(), most);
        match step {
            Move::Moved(n) => self.held += n,
            Move::Blocked { sink: false, .. } => self.is_full = true,
            _ => {}
        }
        step
    }

    /// Sends what it holds.
    pub fn drain(&mut self, socket: BorrowedFd<'_>) -> Move {
        let step = crate::net::bulk::splice_some(self.reader.as_fd(), socket, self.held);
        if let Move::Moved(n) = step {
            self.held = self.held.saturating_sub(n);
            self.is_full = false;
        }
        step
    }

    /// What it holds, for a socket that does not take it this way.
    pub fn into_bytes(self) -> Vec<u8> {
        let mut bytes = vec![0; self.held];
        let mut filled = 0;
        while filled < bytes.len() {
            match rustix::io::read(&self.reader, &mut bytes[filled..]) {
                Ok(n) if n > 0 => filled += n,
                Err(rustix::io::Errno::INTR) => {}
                // Both ends are ours: what was put in is there.
                _ => break,
            }
        }
        bytes.truncate(filled);
        bytes
    }
}

/// Elsewhere there are none.
#[cfg(not(target_os = "linux"))]
impl SplicePipe {
    fn open(_: Rc<()>) -> Option<Self> {
        None
    }

    /// Elsewhere bytes are read and written.
    pub fn fill(&mut self, _: BorrowedFd<'_>, _: usize) -> Move {
        Move::Unable
    }

    /// Elsewhere bytes are read and written.
    pub fn drain(&mut self, _: BorrowedFd<'_>) -> Move {
        Move::Unable
    }

    /// Elsewhere it holds nothing.
    pub fn into_bytes(self) -> Vec<u8> {
        Vec::new()
    }
}

/// All splice pipes of a loop.
#[derive(Debug, Default)]
pub struct SplicePool {
    kept: Vec<SplicePipe>,
    count: Rc<()>,
}

impl SplicePool {
    /// An empty splice pipe; `None` where there is none to be had, for want of descriptors, say.
    pub fn take(&mut self) -> Option<SplicePipe> {
        if let Some(pipe) = self.kept.pop() {
            return Some(pipe);
        }
        if Rc::strong_count(&self.count) > MOST { None } else { SplicePipe::open(Rc::clone(&self.count)) }
    }

    /// A splice pipe that is not needed now. One that holds something that nobody wants is closed.
    pub fn give_back(&mut self, pipe: SplicePipe) {
        if pipe.held == 0 && self.kept.len() < KEPT {
            self.kept.push(pipe);
        }
    }

    /// Closes those that nobody uses; whether that gave descriptors back.
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
