//! `Stdout`: non-blocking output to stdout or to the file of `-o`, and of the lines of `--events -`.
//!
//! Owns the queues and the sanitizer for terminals. Reports when a queue is full and when the reader has gone; the
//! consequences are decided elsewhere.

use std::fs::File;
use std::io;
use std::os::fd::BorrowedFd;
use std::path::{Path, PathBuf};

use mio::Interest;

use crate::buffer::ByteQueue;
use crate::codec::terminal::Reader;
use crate::driver::io::{Io, Source};
use crate::driver::world::{OutputStream, World};
use crate::error::{Error, Result, cause};
use crate::net::bulk::Move;
use crate::net::reactor::{Io as Step, Readiness, Slot};
use crate::output::events::Lines;
use crate::output::screen::Screen;
use crate::output::stamps::Stamps;
use crate::output::terminal::Sanitizer;

/// Queued bytes at which reading from connections stops.
const FULL: usize = 1 << 20;
/// Queued bytes at which reading goes on.
const LOW: usize = 256 << 10;

/// Why nothing more can be written.
#[derive(Debug)]
pub(super) enum StdoutError {
    /// The reader has gone: the run ends silently by SIGPIPE, as `cat` does.
    ReaderGone {
        /// Received data or printed text cannot be written. Lines of events do not count.
        is_missed: bool,
    },
    /// Any other error.
    Failed(Error),
}

type Written = std::result::Result<(), StdoutError>;

/// The outputs for data and for events.
pub(super) struct Stdout {
    /// Received data and printed text; `None`: dropped, because events have stdout.
    data: Option<Channel>,
    /// The file of `-o`, until it is truncated.
    file: Option<PathBuf>,
    /// stdout and the lines of events for it.
    events: Option<(Channel, Lines)>,
}

impl Stdout {
    /// Opens stdout, or the file, which is created if it does not exist and truncated by [`Stdout::begin`]. With `events`,
    /// stdout is for these lines alone.
    ///
    /// # Errors
    /// The file cannot be opened for writing.
    pub(super) fn open(
        world: &mut dyn World,
        file: Option<&Path>,
        raw_terminal: bool,
        timestamps: bool,
        events: Option<Lines>,
    ) -> Result<Self> {
        let mut data =
            if file.is_some() || events.is_none() { Some(Channel::open(world, file, raw_terminal)?) } else { None };
        if let Some(data) = data.as_mut().filter(|_| timestamps) {
            data.stamps = Some(Stamps::default());
        }
        // Lines of events hold no control characters, so they need no sanitizer.
        let events = events.map(|lines| Ok((Channel::open(world, None, true)?, lines))).transpose()?;
        Ok(Self { data, file: file.map(Path::to_owned), events })
    }

    /// Whether it is a terminal that shows text to people.
    pub(super) fn is_screen(&self) -> bool {
        self.data.as_ref().is_some_and(|data| data.output.is_screen())
    }

    /// Truncates the file of `-o`, at the first established connection.
    pub(super) fn begin(&mut self) {
        if let Some(path) = self.file.take() {
            // Fails on a pipe or device, which needs no truncation.
            let _ = File::options().write(true).open(path).and_then(|file| file.set_len(0));
        }
    }

    /// Registers it, so that a reader that goes is noticed even when nothing is written; without `takes_data`, only what
    /// takes events.
    ///
    /// # Errors
    /// What `epoll_ctl(2)` reports.
    pub(super) fn register(&mut self, io: &mut Io, takes_data: bool) -> io::Result<()> {
        let data = self.data.iter_mut().filter(|_| takes_data);
        let events = self.events.iter_mut().map(|(events, _)| events);
        data.chain(events).try_for_each(|channel| channel.register(io))
    }

    /// Writes text, and queues what does not fit.
    ///
    /// # Errors
    /// The reader has gone, or writing failed.
    pub(super) fn write(&mut self, io: &mut Io, bytes: &[u8]) -> Written {
        self.write_as(io, bytes, Coding::Utf8)
    }

    /// Writes bytes as a peer has sent them: on a terminal they are text in its encoding.
    ///
    /// # Errors
    /// The reader has gone, or writing failed.
    pub(super) fn write_bytes(&mut self, io: &mut Io, bytes: &[u8]) -> Written {
        self.write_as(io, bytes, Coding::Terminals)
    }

    fn write_as(&mut self, io: &mut Io, bytes: &[u8], coding: Coding) -> Written {
        match (&mut self.data, &self.events) {
            (Some(data), _) => data.write(io, bytes, coding),
            // The line about these bytes has nobody to read it.
            (None, Some((events, _))) if events.gone => Err(StdoutError::ReaderGone { is_missed: true }),
            (None, _) => Ok(()),
        }
    }

    /// The time before a line that is typed, if lines begin with it.
    pub(super) fn typed_stamp(&mut self, io: &mut Io) -> Option<String> {
        let stamps = self.data.as_mut()?.stamps.as_mut()?;
        Some(stamps.typed(io.observers.wall(io.now)))
    }

    /// Writes what draws the line that is being typed.
    ///
    /// # Errors
    /// The reader has gone, or writing failed.
    pub(super) fn draw(&mut self, io: &mut Io, bytes: Vec<u8>) -> Written {
        let Some(data) = self.data.as_mut().filter(|data| !data.failed && !data.gone) else { return Ok(()) };
        data.queue.push(bytes);
        data.flush(io)
    }

    /// Gives the reader of received data the end, once everything queued is written. A file or a terminal goes on.
    ///
    /// # Errors
    /// The reader has gone, or writing failed.
    pub(super) fn end(&mut self, io: &mut Io) -> Written {
        let Some(data) = self.data.as_mut().filter(|data| data.output.is_pipe()) else { return Ok(()) };
        data.ends = true;
        data.flush(io)
    }

    /// Writes queued bytes and lines of events until it would block.
    ///
    /// # Errors
    /// The reader has gone, or writing failed.
    pub(super) fn flush(&mut self, io: &mut Io) -> Written {
        let data = self.data.as_mut().map_or(Ok(()), |data| data.flush(io));
        data.and(self.flush_events(io))
    }

    /// Writes lines of events until it would block.
    ///
    /// # Errors
    /// The reader has gone, or writing failed.
    pub(super) fn flush_events(&mut self, io: &mut Io) -> Written {
        let Some((events, lines)) = &mut self.events else { return Ok(()) };
        let lines = lines.take();
        if events.gone {
            return Ok(());
        }
        let written = events.flush(io).and_then(|()| events.write(io, &lines, Coding::Utf8));
        match written {
            Err(StdoutError::ReaderGone { .. }) => Err(StdoutError::ReaderGone { is_missed: false }),
            written => written,
        }
    }

    /// Notes a reader that has gone, and drops what was queued for it. Returns whether received data or printed text was.
    pub(super) fn drop_gone(&mut self) -> bool {
        let is_missed = self.data.as_mut().is_some_and(Channel::drop_if_gone);
        if let Some((events, _)) = &mut self.events {
            events.drop_if_gone();
        }
        is_missed
    }

    /// Queues what the sanitizer holds of an unfinished sequence, at the end of the run.
    pub(super) fn finish(&mut self) {
        self.channels_mut().for_each(Channel::finish);
    }

    /// Takes back the peer's colours on a terminal, as the last thing that is written.
    pub(super) fn reset_colours(&mut self, io: &mut Io) {
        if let Some(data) = &mut self.data
            && let Some(reset) = data.screen.as_ref().map(Screen::take_reset).filter(|reset| !reset.is_empty())
        {
            // A terminal that takes nothing now shows what it shows.
            let _ = data.attempt(io, reset.as_bytes());
        }
    }

    /// Notes that somebody has typed a line, which ends the line on a terminal.
    pub(super) fn note_typed_line(&self) {
        if let Some(screen) = self.data.as_ref().and_then(|data| data.screen.as_ref()) {
            screen.note_typed_line();
        }
    }

    /// Whether bytes can be moved into it within the kernel now.
    pub(super) fn takes_moves(&self) -> bool {
        self.data.as_ref().is_some_and(Channel::takes_moves)
    }

    /// Moves received bytes of a socket into it within the kernel.
    pub(super) fn move_from(&mut self, io: &mut Io, socket: BorrowedFd<'_>) -> Move {
        self.data.as_mut().map_or(Move::Unable, |data| data.move_from(io, socket))
    }

    /// Clears the blocked state after an event that says it is writable.
    pub(super) fn unblock(&mut self, io: &mut Io) {
        if let Some(data) = &mut self.data {
            data.blocked &= !data.slot.is_some_and(|slot| io.reactor.readiness(slot).writable);
        }
    }

    /// Whether writing has failed: what is written from then on is dropped.
    pub(super) fn has_failed(&self) -> bool {
        self.channels().any(|channel| channel.failed)
    }

    /// Whether its reader has gone.
    pub(super) fn has_no_reader(&self) -> bool {
        self.channels().any(|channel| channel.output.is_gone())
    }

    /// Whether the last event says that its reader has gone.
    pub(super) fn is_gone(&self, io: &mut Io) -> bool {
        let is_gone = |io: &mut Io, slot| io.reactor.readiness(slot).write_closed;
        self.channels().any(|channel| channel.slot.is_some_and(|slot| is_gone(io, slot)) && channel.output.is_gone())
    }

    /// Whether reading from connections has to stop.
    pub(super) fn is_full(&self) -> bool {
        self.data.as_ref().is_some_and(|data| data.queue.len() >= FULL || data.blocked) || self.are_events_full()
    }

    /// Whether it writes events.
    pub(super) fn takes_events(&self) -> bool {
        self.events.is_some()
    }

    /// Whether the queue of events is full, so that no bytes may move.
    pub(super) fn are_events_full(&self) -> bool {
        self.queued_events() >= FULL
    }

    /// Whether reading from connections may go on.
    pub(super) fn has_room(&self) -> bool {
        self.data.as_ref().is_none_or(|data| data.queue.len() <= LOW && !data.blocked) && self.queued_events() <= LOW
    }

    /// Whether nothing is queued.
    pub(super) fn is_empty(&self) -> bool {
        self.data.as_ref().is_none_or(|data| data.queue.is_empty()) && self.queued_events() == 0
    }

    /// What it is called, and how many bytes wait for it: those of a reader that has gone are no news.
    pub(super) fn waiting(&self) -> Option<(&str, usize)> {
        let data = self.data.as_ref().filter(|data| !data.gone && !data.queue.is_empty())?;
        Some((&data.name, data.queue.len()))
    }

    fn queued_events(&self) -> usize {
        self.events.as_ref().map_or(0, |(events, lines)| events.queue.len() + lines.borrow().len())
    }

    fn channels(&self) -> impl Iterator<Item = &Channel> {
        self.data.iter().chain(self.events.iter().map(|(events, _)| events))
    }

    fn channels_mut(&mut self) -> impl Iterator<Item = &mut Channel> {
        self.data.iter_mut().chain(self.events.iter_mut().map(|(events, _)| events))
    }
}

/// How bytes are to be read.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Coding {
    Utf8,
    /// As the terminal does, if it is one.
    Terminals,
}

/// One descriptor and its queue.
struct Channel {
    output: Box<dyn OutputStream>,
    name: String,
    slot: Option<Slot>,
    queue: ByteQueue,
    /// The last move within the kernel found it full.
    blocked: bool,
    /// Nothing can be written any more.
    failed: bool,
    /// The terminal, if it is one.
    screen: Option<Screen>,
    sanitizer: Option<Sanitizer>,
    /// What peers send, to UTF-8, if it is a terminal with another encoding.
    reader: Option<Reader>,
    /// Set if each line begins with the time.
    stamps: Option<Stamps>,
    /// Its reader has gone, and nothing is written any more.
    gone: bool,
    /// Its reader gets the end once nothing is queued.
    ends: bool,
}

impl Channel {
    fn open(world: &mut dyn World, file: Option<&Path>, raw_terminal: bool) -> Result<Self> {
        let name = file.map_or_else(|| "stdout".to_owned(), |path| path.display().to_string());
        let failed = |error| {
            Error::shortage(&error).unwrap_or_else(|| Error::Write { target: name.clone(), cause: cause(&error) })
        };
        let output = world.stdout(file).map_err(failed)?;
        let screen = output.is_screen().then(|| world.screen());
        let sanitizer = (screen.is_some() && !raw_terminal).then(Sanitizer::default);
        let charset = screen.as_ref().and_then(Screen::charset).filter(|_| !raw_terminal);
        Ok(Self {
            output,
            name,
            slot: None,
            queue: ByteQueue::new(),
            blocked: false,
            failed: false,
            screen,
            sanitizer,
            reader: charset.map(Reader::new),
            stamps: None,
            gone: false,
            ends: false,
        })
    }

    fn register(&mut self, io: &mut Io) -> io::Result<()> {
        if let Some(source) = self.output.source() {
            let slot = io.register(source, Interest::READABLE | Interest::WRITABLE, Source::Stdout)?;
            io.reactor.readiness(slot).writable = true;
            self.slot = Some(slot);
        }
        Ok(())
    }

    fn write(&mut self, io: &mut Io, bytes: &[u8], coding: Coding) -> Written {
        if self.failed {
            return Ok(());
        }
        if self.gone && !bytes.is_empty() {
            return Err(StdoutError::ReaderGone { is_missed: true });
        }
        let reader = self.reader.as_mut().filter(|_| coding == Coding::Terminals);
        let read = reader.map(|reader| reader.push(bytes));
        let bytes = read.as_ref().map_or(bytes, String::as_bytes);
        let stamped = self.stamps.as_mut().map(|stamps| stamps.push(io.observers.wall(io.now), bytes));
        let bytes = stamped.as_deref().unwrap_or(bytes);
        if let Some(sanitizer) = &mut self.sanitizer {
            let mut safe = Vec::with_capacity(bytes.len());
            sanitizer.push(bytes, &mut safe);
            self.show(safe);
            return self.flush(io);
        }
        let encoded = match &self.screen {
            // What it is to do with the screen stays as it is.
            Some(screen) if coding == Coding::Utf8 && screen.charset().is_some() => Some(screen.encode(bytes.to_vec())),
            _ => None,
        };
        let bytes = encoded.as_deref().unwrap_or(bytes);
        let mut rest = bytes;
        while self.queue.is_empty() && !rest.is_empty() {
            match self.attempt(io, rest)? {
                0 => break,
                n => rest = &rest[n..],
            }
        }
        self.queue.extend(rest);
        Ok(())
    }

    /// Queues what is safe for a terminal, in its encoding.
    fn show(&mut self, safe: Vec<u8>) {
        self.queue.push(match &self.screen {
            Some(screen) if screen.has_display() => screen.draw(|display, out| display.receive(&safe, out)),
            Some(screen) => screen.encode(safe),
            None => safe,
        });
    }

    fn flush(&mut self, io: &mut Io) -> Written {
        let mut queue = std::mem::take(&mut self.queue);
        let mut result = Ok(());
        while !queue.is_empty() {
            match self.attempt(io, queue.as_slice()) {
                Ok(0) => break,
                Ok(n) => queue.consume(n),
                Err(error) => {
                    queue.clear();
                    result = Err(error);
                }
            }
        }
        self.queue = queue;
        if self.ends && self.queue.is_empty() && result.is_ok() {
            self.end(io);
        }
        result
    }

    /// Gives the reader the end, once.
    fn end(&mut self, io: &mut Io) {
        self.ends = false;
        if let (Some(slot), Some(source)) = (self.slot.take(), self.output.source()) {
            io.deregister(slot, source);
        }
        self.blocked = false;
        self.output.end();
    }

    fn finish(&mut self) {
        if let Some(sanitizer) = self.sanitizer.as_mut().filter(|_| !self.failed) {
            let mut rest = Vec::new();
            if let Some(cut) = self.reader.as_mut().map(Reader::finish) {
                sanitizer.push(cut.as_bytes(), &mut rest);
            }
            sanitizer.finish(&mut rest);
            self.show(rest);
        }
    }

    /// Notes whether its reader has gone; then drops what is queued. Returns whether that was something.
    fn drop_if_gone(&mut self) -> bool {
        self.gone |= self.output.is_gone();
        if !self.gone {
            return false;
        }
        self.blocked = false;
        !std::mem::take(&mut self.queue).is_empty()
    }

    fn takes_moves(&self) -> bool {
        !self.gone
            && !self.failed
            && self.queue.is_empty()
            && self.sanitizer.is_none()
            && self.stamps.is_none()
            && self.slot.is_some()
            && self.output.takes_moves()
    }

    fn move_from(&mut self, io: &mut Io, socket: BorrowedFd<'_>) -> Move {
        let step = self.output.move_from(socket);
        if let (Move::Blocked { sink: false, .. }, Some(slot)) = (&step, self.slot) {
            io.reactor.readiness(slot).writable = false;
            self.blocked = true;
        }
        step
    }

    /// Writes once. Returns the number of bytes; 0 if it would block.
    fn attempt(&mut self, io: &mut Io, bytes: &[u8]) -> std::result::Result<usize, StdoutError> {
        let mut always_ready = Readiness::default();
        let readiness = match self.slot {
            Some(slot) => io.reactor.readiness(slot),
            None => &mut always_ready,
        };
        let error = match readiness.write(bytes, |bytes| self.output.write(bytes)) {
            Step::Moved(n) => {
                if let Some(screen) = &self.screen {
                    screen.note(&bytes[..n]);
                }
                return Ok(n);
            }
            Step::Blocked | Step::Ended => return Ok(0),
            Step::Failed(error) => error,
        };
        self.blocked = false;
        // A socket and a terminal that hung up report other errors than a pipe.
        if error.kind() == io::ErrorKind::BrokenPipe || self.output.is_gone() {
            self.gone = true;
            return Err(StdoutError::ReaderGone { is_missed: true });
        }
        self.failed = true;
        Err(StdoutError::Failed(Error::Write { target: self.name.clone(), cause: cause(&error) }))
    }
}
