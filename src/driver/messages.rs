//! `Messages`: stderr without blocking, for all loops of the process.
//!
//! Owns the queue in front of stderr and the lock around it. Its limit and what is dropped is `output::backlog`'s; the loop's
//! share, when to try again, is the part `stderr`.

use std::io;
use std::sync::atomic::{AtomicU64, AtomicUsize, Ordering};
use std::sync::{LazyLock, Mutex, PoisonError};
use std::time::{Duration, Instant};

use mio::event::Source;

use crate::language;
use crate::net::stdio::{self, Output};
use crate::output::backlog::Backlog;
use crate::output::screen::Screen;

/// What takes the messages for people.
pub(super) trait Messages {
    /// Queues whole lines, and writes what fits.
    fn say(&self, text: &str);
    /// Writes what fits. Returns whether nothing is left.
    fn flush(&self) -> bool;
    /// Number of bytes that wait, and of bytes written so far.
    fn amounts(&self) -> (usize, u64);
    /// Notes an event that says that it may take more.
    fn unblock(&self);
    /// Gives its source to be registered; one without a source takes everything at once.
    fn with_source(&self, register: &mut dyn FnMut(&mut dyn Source));
    /// Writes what is left, for at most this long.
    fn finish(&self, limit: Duration);
}

/// A stream that takes messages.
pub(super) trait MessageStream {
    /// The source to register; `None`: always ready.
    fn source(&mut self) -> Option<&mut dyn Source>;
    /// Writes what fits.
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize>;
}

/// A stream with its queue.
pub(super) struct Queue<S> {
    /// `None`: it cannot be written; messages are lost, and there is nobody to tell.
    stream: Option<S>,
    backlog: Backlog,
    written: u64,
    /// The terminal, if stdout writes to the same.
    screen: Option<Screen>,
    /// The last write found it full.
    blocked: bool,
}

impl<S: MessageStream> Queue<S> {
    /// An empty queue. `screen`: the terminal, if stdout writes to the same.
    pub(super) fn new(stream: Option<S>, screen: Option<Screen>) -> Self {
        Self { stream, backlog: Backlog::new(), written: 0, screen, blocked: false }
    }

    /// See [`Messages::say`].
    pub(super) fn say(&mut self, text: &str) {
        if self.stream.is_some() {
            self.backlog.push(text);
            self.flush();
        }
    }

    /// See [`Messages::flush`].
    pub(super) fn flush(&mut self) -> bool {
        while !self.blocked && !self.backlog.is_empty() {
            let Some(stream) = &mut self.stream else { break };
            match stream.write(self.backlog.front(self.screen.as_ref())) {
                Ok(n) => {
                    self.written += n as u64;
                    self.backlog.consume(n);
                }
                Err(error) if error.kind() == io::ErrorKind::WouldBlock => self.blocked = true,
                Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
                Err(_) => {
                    self.stream = None;
                    self.backlog = Backlog::new();
                }
            }
        }
        let is_done = self.backlog.is_empty();
        if is_done && let (Some(stream), Some(screen)) = (&mut self.stream, &self.screen) {
            let line = screen.take_suffix();
            if !line.is_empty() {
                // What does not fit is drawn with the next key.
                let _ = stream.write(&line);
            }
        }
        is_done
    }

    /// See [`Messages::amounts`].
    pub(super) fn amounts(&self) -> (usize, u64) {
        (self.backlog.len(), self.written)
    }

    /// See [`Messages::unblock`].
    pub(super) fn unblock(&mut self) {
        self.blocked = false;
    }

    /// See [`Messages::with_source`].
    pub(super) fn source(&mut self) -> Option<&mut dyn Source> {
        self.stream.as_mut().and_then(S::source)
    }
}

/// stderr of the process.
pub(super) struct Stderr;

/// Shared by all threads, so that the lines of several workers stay whole.
static STDERR: Mutex<Option<Queue<Output>>> = Mutex::new(None);
/// [`Messages::amounts`] of it, which every read of a connection asks for.
static WAITING: AtomicUsize = AtomicUsize::new(0);
static WRITTEN: AtomicU64 = AtomicU64::new(0);
static SCREEN: LazyLock<Screen> = LazyLock::new(|| Screen::with_charset(language::charset()));

/// The terminal that stdout may be.
pub(super) fn screen() -> Screen {
    SCREEN.clone()
}

impl Stderr {
    fn with<T>(work: impl FnOnce(&mut Queue<Output>) -> T) -> T {
        let mut stderr = STDERR.lock().unwrap_or_else(PoisonError::into_inner);
        let open = || Queue::new(Output::stderr().ok(), stdio::share_a_screen().then(screen));
        let queue = stderr.get_or_insert_with(open);
        let result = work(queue);
        let (waiting, written) = queue.amounts();
        WAITING.store(waiting, Ordering::Relaxed);
        WRITTEN.store(written, Ordering::Relaxed);
        result
    }
}

impl Messages for Stderr {
    fn say(&self, text: &str) {
        Self::with(|queue| queue.say(text));
    }

    fn flush(&self) -> bool {
        WAITING.load(Ordering::Relaxed) == 0 || Self::with(Queue::flush)
    }

    fn amounts(&self) -> (usize, u64) {
        (WAITING.load(Ordering::Relaxed), WRITTEN.load(Ordering::Relaxed))
    }

    fn unblock(&self) {
        Self::with(Queue::unblock);
    }

    fn with_source(&self, register: &mut dyn FnMut(&mut dyn Source)) {
        Self::with(|queue| queue.source().map(register));
    }

    fn finish(&self, limit: Duration) {
        let until = Instant::now() + limit;
        while !self.flush() {
            let left = until.saturating_duration_since(Instant::now());
            if left.is_zero() {
                return;
            }
            Self::with(|queue| queue.stream.as_ref().map(|stream| stream.wait(left)));
            self.unblock();
        }
    }
}

impl MessageStream for Output {
    fn source(&mut self) -> Option<&mut dyn Source> {
        Self::source(self)
    }

    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        Self::write(self, bytes)
    }
}
