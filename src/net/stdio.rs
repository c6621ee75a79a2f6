//! Non-blocking reads and writes of the inherited stdin, stdout and stderr, and of files by name. The flags of inherited
//! descriptors are not changed: `O_NONBLOCK` belongs to the open file description, which the shell shares (open(2)).
//! Owns what they are, terminals in particular.
//!
//! | kind | reading | writing |
//! |---|---|---|
//! | regular file, `/dev/null` and similar devices | plain, always ready | plain |
//! | pipe, socket | `preadv2` with `RWF_NOWAIT` | `pwritev2` with `RWF_NOWAIT` |
//! | terminal | reopened with `O_NONBLOCK` as a separate description | the same |
//! | if the kernel refuses these | `poll(2)`, then a plain read | `poll(2)`, then at most 4096 bytes |

use std::fs::File;
use std::io::{self, IoSlice, IoSliceMut};
use std::os::fd::{AsFd, AsRawFd, BorrowedFd, OwnedFd};
use std::path::Path;
use std::time::Duration;

use mio::event::Source;
use rustix::event::{PollFd, PollFlags, Timespec, poll};
use rustix::fs::{FileType, Mode, OFlags, SeekFrom, fstat, open, seek, stat, tell};
use rustix::io::{Errno, ReadWriteFlags};
use rustix::process::{getpgrp, getsid};
use rustix::termios::{LocalModes, isatty, tcgetattr, tcgetpgrp, tcgetsid};

use crate::net::bulk::{self, FLOW, Move};
use crate::net::delegate_source;
use crate::session::eof_policy::InputKind;
use crate::sys;

/// Bytes that a writable pipe accepts without blocking (pipe(7) `PIPE_BUF`).
const PIPE_BUF: usize = 4096;
/// Capacity requested for a stdout pipe after it was full once, in bytes. With the default of 64 KiB, throughput is a
/// quarter.
const PIPE_SIZE: usize = 1 << 20;
/// The same for a stdin pipe: its content at the end of its writer must fit into a connection's queue.
const INPUT_PIPE_SIZE: usize = 512 << 10;

/// The method of non-blocking reads and writes of a descriptor.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Method {
    Plain,
    NoWait,
    PollFirst,
}

/// The kind of a file, by fstat(2).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Sort {
    File,
    Pipe,
    Terminal,
}

#[derive(Debug)]
enum Handle {
    Inherited(BorrowedFd<'static>),
    Own(OwnedFd),
}

impl AsFd for Handle {
    fn as_fd(&self) -> BorrowedFd<'_> {
        match self {
            Self::Inherited(fd) => fd.as_fd(),
            Self::Own(fd) => fd.as_fd(),
        }
    }
}

/// A descriptor with its kind and method.
#[derive(Debug)]
struct Stream {
    handle: Handle,
    sort: Sort,
    method: Method,
    widened: bool,
    bulk: Bulk,
}

/// Whether splice(2) or sendfile(2) can move its bytes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Bulk {
    No,
    File,
    Pipe,
}

impl Stream {
    fn new(handle: Handle, flags: OFlags) -> io::Result<Self> {
        let status = fstat(handle.as_fd())?;
        let file_type = FileType::from_raw_mode(status.st_mode);
        let bulk = match file_type {
            FileType::Fifo => Bulk::Pipe,
            FileType::RegularFile => Bulk::File,
            _ => Bulk::No,
        };
        let (sort, method) = match file_type {
            FileType::Fifo | FileType::Socket => (Sort::Pipe, Method::NoWait),
            FileType::CharacterDevice if isatty(handle.as_fd()) => (Sort::Terminal, Method::PollFirst),
            _ => (Sort::File, Method::Plain),
        };
        if sort == Sort::Terminal
            && let Ok(own) = reopen(handle.as_fd(), flags)
        {
            return Ok(Self { handle: Handle::Own(own), sort, method: Method::Plain, widened: true, bulk });
        }
        Ok(Self { handle, sort, method, widened: false, bulk })
    }

    fn is_watchable(&self) -> bool {
        self.sort != Sort::File
    }

    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        if self.method == Method::NoWait {
            let slices = &mut [IoSliceMut::new(buffer)];
            match rustix::io::preadv2(self.handle.as_fd(), slices, u64::MAX, ReadWriteFlags::NOWAIT) {
                Err(Errno::OPNOTSUPP | Errno::INVAL | Errno::NOSYS | Errno::SPIPE) => self.method = Method::PollFirst,
                result => return Ok(result?),
            }
        }
        if self.method == Method::PollFirst && poll_now(self.handle.as_fd(), PollFlags::IN)?.is_empty() {
            return Err(io::ErrorKind::WouldBlock.into());
        }
        Ok(rustix::io::read(self.handle.as_fd(), buffer)?)
    }

    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        if self.method == Method::NoWait {
            let slices = &[IoSlice::new(bytes)];
            match rustix::io::pwritev2(self.handle.as_fd(), slices, u64::MAX, ReadWriteFlags::NOWAIT) {
                Err(Errno::OPNOTSUPP | Errno::INVAL | Errno::NOSYS | Errno::SPIPE) => self.method = Method::PollFirst,
                Err(Errno::AGAIN) if self.widen(PIPE_SIZE) => return self.write(bytes),
                result => return Ok(result?),
            }
        }
        if self.method == Method::PollFirst {
            if poll_now(self.handle.as_fd(), PollFlags::OUT)?.is_empty() {
                return Err(io::ErrorKind::WouldBlock.into());
            }
            return Ok(rustix::io::write(self.handle.as_fd(), &bytes[..bytes.len().min(PIPE_BUF)])?);
        }
        Ok(rustix::io::write(self.handle.as_fd(), bytes)?)
    }

    /// Enlarges a full pipe, once; returns whether a retry may succeed.
    fn widen(&mut self, size: usize) -> bool {
        if self.widened {
            return false;
        }
        self.widened = true;
        #[cfg(target_os = "linux")]
        let widened = rustix::pipe::fcntl_setpipe_size(self.handle.as_fd(), size).is_ok();
        #[cfg(not(target_os = "linux"))]
        let widened = size == 0;
        widened
    }
}

delegate_source!(Stream, fd handle);

/// stdin, or a file to send.
#[derive(Debug)]
pub struct Input {
    stream: Stream,
    flows: bool,
    /// It is the terminal that controls this process: only the foreground job may read it (tcsetpgrp(3)).
    is_controlling: bool,
    /// What is typed on it is not shown.
    is_hidden: bool,
    /// Where a file began.
    start: Option<u64>,
}

impl Input {
    /// The process's stdin. From now on a background job is not stopped by SIGTTIN: it goes on without its terminal.
    ///
    /// # Errors
    /// The error of fstat(2).
    pub fn stdin() -> io::Result<Self> {
        let stream = Stream::new(Handle::Inherited(rustix::stdio::stdin()), OFlags::RDONLY)?;
        let is_controlling = stream.sort == Sort::Terminal && is_controlling(stream.handle.as_fd());
        if is_controlling {
            // The foreground is checked before each read, and may change between the two.
            sys::unix::ignore(libc::SIGTTIN)?;
        }
        let start = if stream.bulk == Bulk::File { tell(stream.handle.as_fd()).ok() } else { None };
        Ok(Self { flows: stream.bulk == Bulk::File, stream, is_controlling, is_hidden: false, start })
    }

    /// Opens a file by its name. A named pipe without a writer is waited for like any other source.
    ///
    /// # Errors
    /// The error of open(2) or fstat(2).
    pub fn file(path: &Path) -> io::Result<Self> {
        let flags = OFlags::RDONLY | OFlags::NONBLOCK | OFlags::NOCTTY | OFlags::CLOEXEC;
        let stream = Stream::new(Handle::Own(open(path, flags, Mode::empty())?), OFlags::RDONLY)?;
        Ok(Self { stream, flows: false, is_controlling: false, is_hidden: false, start: None })
    }

    /// Its kind, which decides what its end means.
    pub fn kind(&self) -> InputKind {
        match self.stream.sort {
            Sort::File => InputKind::File,
            Sort::Pipe => InputKind::Pipe,
            Sort::Terminal => InputKind::Terminal,
        }
    }

    /// The source to poll; `None` if it is always ready and cannot be polled.
    pub fn source(&mut self) -> Option<&mut dyn Source> {
        self.stream.is_watchable().then_some(&mut self.stream as &mut dyn Source)
    }

    /// Whether its reads were long enough ([`FLOW`]) for moves within the kernel to be faster.
    pub fn flows(&self) -> bool {
        self.flows
    }

    /// Moves available bytes into a non-blocking socket.
    pub fn move_to(&mut self, socket: BorrowedFd<'_>) -> Move {
        let from = self.stream.handle.as_fd();
        let step = match self.stream.bulk {
            Bulk::Pipe => bulk::splice(from, socket),
            Bulk::File => bulk::send_file(from, socket),
            Bulk::No => Move::Unable,
        };
        match step {
            Move::Moved(n) => self.flows = n >= FLOW || self.stream.bulk == Bulk::File,
            Move::Unable => {
                self.flows = false;
                self.stream.bulk = Bulk::No;
            }
            Move::Blocked { .. } | Move::Broken(_) => {}
        }
        step
    }

    /// Whether a pipe is empty and has no writers, determined without a read.
    pub fn has_ended(&self) -> bool {
        let flags = || poll_now(self.stream.handle.as_fd(), PollFlags::IN).unwrap_or(PollFlags::empty());
        self.stream.sort == Sort::Pipe && flags() == PollFlags::HUP
    }

    /// Whether reading would give nothing but the end: an ended pipe, a file at its end, `/dev/null`. Determined without a
    /// read.
    pub fn is_exhausted(&self) -> bool {
        let fd = self.stream.handle.as_fd();
        let Ok(status) = fstat(fd) else { return false };
        match FileType::from_raw_mode(status.st_mode) {
            FileType::RegularFile => tell(fd).is_ok_and(|at| i64::try_from(at).is_ok_and(|at| at >= status.st_size)),
            FileType::CharacterDevice => stat("/dev/null").is_ok_and(|null| null.st_rdev == status.st_rdev),
            _ => self.has_ended(),
        }
    }

    /// Whether it is the terminal of a job in the background, which cannot be read now.
    pub fn is_in_background(&self) -> bool {
        // A terminal that has hung up has no foreground job; reading it gives its end.
        self.is_controlling && tcgetpgrp(self.stream.handle.as_fd()).is_ok_and(|job| job != getpgrp())
    }

    /// Shows nothing of the lines that are typed on stdin from now on, if it is a terminal, until it ends or is dropped. To be
    /// called again when another job may have had it, or has it still.
    pub fn hide(&mut self) {
        self.is_hidden = self.stream.sort == Sort::Terminal;
        if self.is_hidden && !self.is_in_background() {
            // One that refuses shows what is typed, as it does to every program.
            let _ = sys::tty::hide(self.is_controlling);
        }
    }

    /// Shows lines again.
    fn show(&mut self) {
        if std::mem::take(&mut self.is_hidden) {
            sys::tty::restore();
        }
    }

    /// Whether bytes, or the end, can be read now.
    pub fn has_input(&self) -> bool {
        poll_now(self.stream.handle.as_fd(), PollFlags::IN).is_ok_and(|flags| !flags.is_empty())
    }

    /// Goes back to where stdin began, if it is a file; anything else goes on where it is.
    pub fn rewind(&mut self) {
        if let Some(start) = self.start {
            // A regular file can go anywhere.
            let _ = seek(self.stream.handle.as_fd(), SeekFrom::Start(start));
        }
    }

    /// Reads available bytes; `Ok(0)` is the end.
    ///
    /// # Errors
    /// `WouldBlock` if no bytes are available, or it is the terminal of another job; otherwise the error of read(2).
    pub fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        if self.is_in_background() {
            return Err(io::ErrorKind::WouldBlock.into());
        }
        if self.is_hidden {
            self.hide();
        }
        match self.read_stream(buffer) {
            Ok(0) => {
                self.show();
                Ok(0)
            }
            result => result,
        }
    }

    fn read_stream(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        match self.stream.read(buffer) {
            Err(error) if error.raw_os_error() == Some(libc::EIO) && self.is_in_background() => {
                Err(io::ErrorKind::WouldBlock.into())
            }
            // A closed terminal is the end of input, as for every other program.
            Err(error) if error.raw_os_error() == Some(libc::EIO) && self.stream.sort == Sort::Terminal => Ok(0),
            // Before its first writer, a named pipe reads as ended, and poll(2) reports no hang-up.
            Ok(0) if self.stream.sort == Sort::Pipe && matches!(self.stream.handle, Handle::Own(_)) => {
                let flags = poll_now(self.stream.handle.as_fd(), PollFlags::IN)?;
                if flags.contains(PollFlags::IN) {
                    return self.stream.read(buffer);
                }
                if flags.contains(PollFlags::HUP) { Ok(0) } else { Err(io::ErrorKind::WouldBlock.into()) }
            }
            Ok(n) => {
                if self.stream.bulk == Bulk::Pipe && n >= FLOW {
                    self.flows = true;
                    self.stream.widen(INPUT_PIPE_SIZE);
                }
                Ok(n)
            }
            result => result,
        }
    }
}

impl Drop for Input {
    fn drop(&mut self) {
        self.show();
    }
}

/// stdout, stderr, or a file that is written.
#[derive(Debug)]
pub struct Output(Stream);

impl Output {
    /// The process's stdout.
    ///
    /// # Errors
    /// The error of fstat(2).
    pub fn stdout() -> io::Result<Self> {
        Stream::new(Handle::Inherited(rustix::stdio::stdout()), OFlags::WRONLY).map(Self)
    }

    /// The process's stderr.
    ///
    /// # Errors
    /// The error of fstat(2).
    pub fn stderr() -> io::Result<Self> {
        let stream = Stream::new(Handle::Inherited(rustix::stdio::stderr()), OFlags::WRONLY)?;
        Ok(Self(Stream { widened: true, ..stream }))
    }

    /// A file opened for writing.
    ///
    /// # Errors
    /// The error of fstat(2).
    pub fn file(file: File) -> io::Result<Self> {
        Stream::new(Handle::Own(file.into()), OFlags::WRONLY).map(Self)
    }

    /// Whether it is a terminal that shows text to people. A serial line, or a raw pseudo-terminal that another program
    /// reads, is none: it takes bytes.
    pub fn is_screen(&self) -> bool {
        self.0.sort == Sort::Terminal && is_screen(self.0.handle.as_fd())
    }

    /// Waits until it takes more, or for this long.
    pub fn wait(&self, limit: Duration) {
        let mut fds = [PollFd::from_borrowed_fd(self.0.handle.as_fd(), PollFlags::OUT)];
        // An error is found by the write that follows.
        let _ = poll(&mut fds, Timespec::try_from(limit).ok().as_ref());
    }

    /// The source to poll; `None` if it is always ready and cannot be polled.
    pub fn source(&mut self) -> Option<&mut dyn Source> {
        self.0.is_watchable().then_some(&mut self.0 as &mut dyn Source)
    }

    /// Writes as much as fits.
    ///
    /// # Errors
    /// `WouldBlock` if nothing fits; otherwise the error of write(2).
    pub fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.0.write(bytes)
    }

    /// Whether splice(2) can move bytes into it.
    pub fn takes_moves(&self) -> bool {
        self.0.bulk == Bulk::Pipe
    }

    /// Moves available bytes from a socket. A socket that moves nothing must be read.
    pub fn move_from(&mut self, socket: BorrowedFd<'_>) -> Move {
        self.0.widen(PIPE_SIZE);
        bulk::splice(socket, self.0.handle.as_fd())
    }

    /// Whether it is a pipe or a socket.
    pub fn is_pipe(&self) -> bool {
        self.0.sort == Sort::Pipe
    }

    /// Gives the reader of a pipe or socket the end. `/dev/null` takes its place, so that no other file gets the number 1.
    pub fn end(&mut self) {
        let stream = &mut self.0;
        let fd = stream.handle.as_fd();
        if fstat(fd).is_ok_and(|status| FileType::from_raw_mode(status.st_mode) == FileType::Socket) {
            // stdin may be the same socket, so closing one descriptor of it ends nothing.
            let _ = socket2::SockRef::from(&fd).shutdown(std::net::Shutdown::Write);
        }
        let Ok(null) = File::options().write(true).open("/dev/null") else { return };
        match &mut stream.handle {
            Handle::Inherited(_) => drop(rustix::stdio::dup2_stdout(&null)),
            Handle::Own(own) => *own = null.into(),
        }
        (stream.sort, stream.method, stream.bulk) = (Sort::File, Method::Plain, Bulk::No);
    }

    /// Whether the reader has closed its end (poll(2) always reports `POLLERR` and `POLLHUP`).
    pub fn is_gone(&self) -> bool {
        poll_now(self.0.handle.as_fd(), PollFlags::empty()).is_ok_and(|flags| !flags.is_empty())
    }
}

/// The result of poll(2) without waiting.
fn poll_now(fd: BorrowedFd<'_>, wanted: PollFlags) -> io::Result<PollFlags> {
    let mut fds = [PollFd::from_borrowed_fd(fd, wanted)];
    poll(&mut fds, Some(&Timespec { tv_sec: 0, tv_nsec: 0 }))?;
    Ok(fds[0].revents())
}

/// Whether stdout and stderr are one terminal that shows text to people.
pub fn share_a_screen() -> bool {
    let [stdout, stderr] = [rustix::stdio::stdout(), rustix::stdio::stderr()];
    let is_same = || {
        let device = |fd| fstat(fd).map(|status| status.st_rdev);
        // `/dev/tty` is the controlling terminal under another number.
        (is_controlling(stdout) && is_controlling(stderr)) || device(stdout).is_ok_and(|one| device(stderr) == Ok(one))
    };
    isatty(stdout) && isatty(stderr) && is_screen(stdout) && is_same()
}

fn is_screen(terminal: BorrowedFd<'_>) -> bool {
    let is_raw = || tcgetattr(terminal).is_ok_and(|modes| !modes.local_modes.contains(LocalModes::ICANON));
    is_controlling(terminal) || !is_raw()
}

/// Whether a terminal is the one that controls this process.
pub fn is_controlling(terminal: BorrowedFd<'_>) -> bool {
    tcgetsid(terminal).is_ok_and(|session| getsid(None) == Ok(session))
}

/// A separate, non-blocking description of a terminal.
fn reopen(fd: BorrowedFd<'_>, flags: OFlags) -> io::Result<OwnedFd> {
    let path = format!("/proc/self/fd/{}", fd.as_raw_fd());
    Ok(open(path, flags | OFlags::NONBLOCK | OFlags::NOCTTY | OFlags::CLOEXEC, Mode::empty())?)
}

/// Bytes between the position of stdin and its end, if it is a regular file.
pub fn length_of_stdin() -> Option<u64> {
    let stdin = rustix::stdio::stdin();
    let found = fstat(stdin).ok()?;
    let is_file = FileType::from_raw_mode(found.st_mode).is_file();
    let position = is_file.then(|| tell(stdin).ok()).flatten()?;
    u64::try_from(found.st_size).ok()?.checked_sub(position)
}

#[cfg(test)]
mod tests {
    use std::io::{Read, Write};

    use super::*;

    fn stream(fd: OwnedFd) -> Stream {
        Stream::new(Handle::Own(fd), OFlags::RDWR).unwrap()
    }

    #[test]
    fn reading_an_empty_pipe_would_block() {
        let (reader, mut writer) = io::pipe().unwrap();
        for method in [Method::NoWait, Method::PollFirst] {
            let mut input = stream(reader.try_clone().unwrap().into());
            input.method = method;
            let mut buffer = [0; 8];
            assert_eq!(input.read(&mut buffer).unwrap_err().kind(), io::ErrorKind::WouldBlock);
            writer.write_all(b"abc").unwrap();
            assert_eq!(input.read(&mut buffer).unwrap(), 3);
            assert_eq!(input.method, method, "the kernel does it");
        }
        drop(writer);
        assert_eq!(stream(reader.into()).read(&mut [0; 8]).unwrap(), 0);
    }

    #[test]
    fn writing_a_full_pipe_would_block_and_loses_nothing() {
        for method in [Method::NoWait, Method::PollFirst] {
            let (mut reader, writer) = io::pipe().unwrap();
            let mut output = stream(writer.into());
            output.method = method;
            let mut sent = 0;
            let error = loop {
                match output.write(&[7; 10_000]) {
                    Ok(n) => sent += n,
                    Err(error) => break error,
                }
            };
            assert_eq!(error.kind(), io::ErrorKind::WouldBlock);
            drop(output);
            let mut received = Vec::new();
            reader.read_to_end(&mut received).unwrap();
            assert_eq!(received.len(), sent);
        }
    }

    #[test]
    fn a_closed_reader_is_detected() {
        let (reader, writer) = io::pipe().unwrap();
        let output = Output(stream(writer.into()));
        assert!(!output.is_gone());
        drop(reader);
        assert!(output.is_gone());
    }

    #[test]
    fn the_end_of_a_pipe_is_detected_without_a_read() {
        let (reader, mut writer) = io::pipe().unwrap();
        let mut input =
            Input { stream: stream(reader.into()), flows: false, is_controlling: false, is_hidden: false, start: None };
        writer.write_all(b"abc").unwrap();
        assert!(!input.has_ended());
        drop(writer);
        assert!(!input.has_ended(), "something is left in it");
        assert_eq!(input.read(&mut [0; 8]).unwrap(), 3);
        assert!(input.has_ended());
    }

    #[test]
    fn a_named_pipe_waits_for_its_writer_and_ends_with_it() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("fifo");
        rustix::fs::mkfifoat(rustix::fs::CWD, &path, Mode::RWXU).unwrap();
        let mut input = Input::file(&path).unwrap();
        let mut buffer = [0; 8];
        assert_eq!(input.kind(), InputKind::Pipe);
        assert_eq!(input.read(&mut buffer).unwrap_err().kind(), io::ErrorKind::WouldBlock);
        let mut writer = File::options().write(true).open(&path).unwrap();
        assert_eq!(input.read(&mut buffer).unwrap_err().kind(), io::ErrorKind::WouldBlock);
        writer.write_all(b"abc").unwrap();
        drop(writer);
        assert_eq!(input.read(&mut buffer).unwrap(), 3);
        assert_eq!(input.read(&mut buffer).unwrap(), 0);
    }

    #[test]
    fn files_are_always_ready() {
        let mut null = Output::file(File::options().write(true).open("/dev/null").unwrap()).unwrap();
        assert!(null.source().is_none());
        assert_eq!(null.write(b"x").unwrap(), 1);
        let mut full = Output::file(File::options().write(true).open("/dev/full").unwrap()).unwrap();
        assert_eq!(full.write(b"x").unwrap_err().raw_os_error(), Some(libc::ENOSPC));
    }
}
