//! `Io`: what every part of the driver needs for its work, handed down as one argument: the reactor, the clock of this
//! round, the read buffer, kernel pipes, and who hears of what happens.
//!
//! Owns nothing that decides. Parts of the driver get it as `&mut Io` and never reach each other through it.

use std::io;
use std::time::Instant;

use crate::exit::Exit;
use crate::net::dial::Resolved;
use crate::net::reactor::Reactor;
use crate::net::splice_pipe::SplicePool;
use crate::output::Observer;
use crate::output::console::Console;

/// What other threads send to the loop.
pub(super) enum Mail {
    Resolved(Resolved),
    /// Another worker has ended.
    Stop(Exit),
}

impl From<Resolved> for Mail {
    fn from(resolved: Resolved) -> Self {
        Self::Resolved(resolved)
    }
}

/// The world below the parts of the driver.
pub(super) struct Io {
    pub(super) reactor: Reactor<Mail>,
    /// The time of this round: taken once, after waiting.
    pub(super) now: Instant,
    pub(super) splice_pool: SplicePool,
    pub(super) console: Console,
    pub(super) observers: Vec<Box<dyn Observer>>,
    /// Bytes of one read.
    chunk: usize,
    /// Made for the first read.
    buffer: Vec<u8>,
}

impl Io {
    /// Without sources. One read takes at most `chunk` bytes.
    ///
    /// # Errors
    /// The system refuses an epoll descriptor.
    pub(super) fn new(console: Console, observers: Vec<Box<dyn Observer>>, chunk: usize) -> io::Result<Self> {
        Ok(Self {
            reactor: Reactor::new()?,
            now: Instant::now(),
            splice_pool: SplicePool::default(),
            console,
            observers,
            chunk,
            buffer: Vec::new(),
        })
    }

    /// The buffer for one read; to be given back with [`Io::return_buffer`].
    pub(super) fn take_buffer(&mut self) -> Vec<u8> {
        let mut buffer = std::mem::take(&mut self.buffer);
        if buffer.is_empty() {
            buffer = vec![0; self.chunk];
        }
        buffer
    }

    /// The buffer of [`Io::take_buffer`] is free again.
    pub(super) fn return_buffer(&mut self, buffer: Vec<u8>) {
        self.buffer = buffer;
    }
}
