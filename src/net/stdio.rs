//! stdin and stdout as they were inherited, and files by name, read and written without blocking. The flags of what
//! was inherited are not changed: `O_NONBLOCK` sits on the open file description, which the shell shares (open(2)).
//!
//! | what it is | reading | writing |
//! |---|---|---|
//! | regular file, `/dev/null` and the like | plain, always ready | plain |
//! | pipe, socket | `preadv2` with `RWF_NOWAIT` | `pwritev2` with `RWF_NOWAIT` |
//! | terminal | a description of its own, reopened with `O_NONBLOCK` | the same |
//! | where the kernel refuses these | `poll(2)`, then a plain read | `poll(2)`, then at most 4096 bytes |

use std::fs::File;
use std::io::{self, IoSlice, IoSliceMut};
use std::os::fd::{AsFd, AsRawFd, BorrowedFd, OwnedFd};
use std::path::Path;

use mio::event::Source;
use mio::unix::SourceFd;
use mio::{Interest, Registry, Token};
use rustix::event::{PollFd, PollFlags, Timespec, poll};
use rustix::fs::{FileType, Mode, OFlags, fstat, open};
use rustix::io::{Errno, ReadWriteFlags};

use crate::net::bulk::{self, FLOW, Move};
use crate::session::eof_policy::InputKind;

/// A pipe takes this much in one piece whenever it is writable at all (pipe(7) `PIPE_BUF`).
const PIPE_BUF: usize = 4096;
/// Wanted capacity of a pipe that has once been full: 64 KiB costs three quarters of the speed.
const PIPE_SIZE: usize = 1 << 20;
/// The same for stdin: what it holds when its writer ends has to fit into a connection's queue.
const INPUT_PIPE_SIZE: usize = 512 << 10;

/// How a descriptor is read or written without waiting.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Method {
    Plain,
    NoWait,
    PollFirst,
}

/// What stdin, stdout or a file turned out to be.
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

/// One end of the process's standard streams.
#[derive(Debug)]
struct Stream {
    handle: Handle,
    sort: Sort,
    method: Method,
    widened: bool,
    bulk: Bulk,
}

/// Whether bytes can be moved within the kernel.
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
            FileType::CharacterDevice if rustix::termios::isatty(handle.as_fd()) => (Sort::Terminal, Method::PollFirst),
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

    /// Makes a pipe that was found full larger, once; whether that may have helped.
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

impl Source for Stream {
    fn register(&mut self, registry: &Registry, token: Token, interest: Interest) -> io::Result<()> {
        SourceFd(&self.handle.as_fd().as_raw_fd()).register(registry, token, interest)
    }

    fn reregister(&mut self, registry: &Registry, token: Token, interest: Interest) -> io::Result<()> {
        SourceFd(&self.handle.as_fd().as_raw_fd()).reregister(registry, token, interest)
    }

    fn deregister(&mut self, registry: &Registry) -> io::Result<()> {
        SourceFd(&self.handle.as_fd().as_raw_fd()).deregister(registry)
    }
}

/// stdin.
#[derive(Debug)]
pub struct Input {
    stream: Stream,
    flows: bool,
}

impl Input {
    /// The process's stdin.
    ///
    /// # Errors
    /// What fstat(2) reports.
    pub fn stdin() -> io::Result<Self> {
        let stream = Stream::new(Handle::Inherited(rustix::stdio::stdin()), OFlags::RDONLY)?;
        Ok(Self { flows: stream.bulk == Bulk::File, stream })
    }

    /// A file by its name. A named pipe that nobody has opened for writing yet is waited for like any other source.
    ///
    /// # Errors
    /// What open(2) and fstat(2) report.
    pub fn file(path: &Path) -> io::Result<Self> {
        let flags = OFlags::RDONLY | OFlags::NONBLOCK | OFlags::NOCTTY | OFlags::CLOEXEC;
        let stream = Stream::new(Handle::Own(open(path, flags, Mode::empty())?), OFlags::RDONLY)?;
        Ok(Self { stream, flows: false })
    }

    /// What it is, for the rules of its end.
    pub fn kind(&self) -> InputKind {
        match self.stream.sort {
            Sort::File => InputKind::File,
            Sort::Pipe => InputKind::Pipe,
            Sort::Terminal => InputKind::Terminal,
        }
    }

    /// The source to watch; `None` when it is always ready and cannot be watched.
    pub fn source(&mut self) -> Option<&mut dyn Source> {
        self.stream.is_watchable().then_some(&mut self.stream as &mut dyn Source)
    }

    /// Whether so much comes that moving it within the kernel is worth while.
    pub fn flows(&self) -> bool {
        self.flows
    }

    /// Moves what is there into a socket that does not block.
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

    /// Whether a pipe's writers are gone and nothing is left in it, found out without reading.
    pub fn has_ended(&self) -> bool {
        let flags = || poll_now(self.stream.handle.as_fd(), PollFlags::IN).unwrap_or(PollFlags::empty());
        self.stream.sort == Sort::Pipe && flags() == PollFlags::HUP
    }

    /// Reads what is there; `Ok(0)` is its end.
    ///
    /// # Errors
    /// `WouldBlock` when nothing is there, and what read(2) reports.
    pub fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        match self.stream.read(buffer) {
            // A terminal that went away reads as its end, as for every other program.
            Err(error) if error.raw_os_error() == Some(libc::EIO) && self.stream.sort == Sort::Terminal => Ok(0),
            // Until its first writer comes, a named pipe reads as ended, and poll(2) reports no hang-up.
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

/// stdout, or the file that stands for it.
#[derive(Debug)]
pub struct Output(Stream);

impl Output {
    /// The process's stdout.
    ///
    /// # Errors
    /// What fstat(2) reports.
    pub fn stdout() -> io::Result<Self> {
        Stream::new(Handle::Inherited(rustix::stdio::stdout()), OFlags::WRONLY).map(Self)
    }

    /// A file opened for writing.
    ///
    /// # Errors
    /// What fstat(2) reports.
    pub fn file(file: File) -> io::Result<Self> {
        Stream::new(Handle::Own(file.into()), OFlags::WRONLY).map(Self)
    }

    /// Whether a person looks at it.
    pub fn is_terminal(&self) -> bool {
        self.0.sort == Sort::Terminal
    }

    /// The source to watch; `None` when it is always ready and cannot be watched.
    pub fn source(&mut self) -> Option<&mut dyn Source> {
        self.0.is_watchable().then_some(&mut self.0 as &mut dyn Source)
    }

    /// Writes what fits.
    ///
    /// # Errors
    /// `WouldBlock` when nothing fits, and what write(2) reports.
    pub fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.0.write(bytes)
    }

    /// Whether bytes can be moved into it within the kernel.
    pub fn takes_moves(&self) -> bool {
        self.0.bulk == Bulk::Pipe
    }

    /// Moves what is there from a socket. A socket that gives nothing this way has to be read.
    pub fn move_from(&mut self, socket: BorrowedFd<'_>) -> Move {
        self.0.widen(PIPE_SIZE);
        bulk::splice(socket, self.0.handle.as_fd())
    }

    /// Whether the reader has gone (poll(2): only `POLLERR` and `POLLHUP` are asked for, and always told).
    pub fn is_gone(&self) -> bool {
        poll_now(self.0.handle.as_fd(), PollFlags::empty()).is_ok_and(|flags| !flags.is_empty())
    }
}

/// What poll(2) says at once.
fn poll_now(fd: BorrowedFd<'_>, wanted: PollFlags) -> io::Result<PollFlags> {
    let mut fds = [PollFd::from_borrowed_fd(fd, wanted)];
    poll(&mut fds, Some(&Timespec { tv_sec: 0, tv_nsec: 0 }))?;
    Ok(fds[0].revents())
}

/// A terminal's own, non-blocking description of it.
fn reopen(fd: BorrowedFd<'_>, flags: OFlags) -> io::Result<OwnedFd> {
    let path = format!("/proc/self/fd/{}", fd.as_raw_fd());
    Ok(open(path, flags | OFlags::NONBLOCK | OFlags::NOCTTY | OFlags::CLOEXEC, Mode::empty())?)
}

#[cfg(test)]
mod tests {
    use std::io::{Read, Write};

    use super::*;

    fn stream(fd: OwnedFd) -> Stream {
        Stream::new(Handle::Own(fd), OFlags::RDWR).unwrap()
    }

    #[test]
    fn an_empty_pipe_blocks_nobody() {
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
    fn a_full_pipe_blocks_nobody_and_loses_nothing() {
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
    fn a_reader_that_leaves_is_noticed() {
        let (reader, writer) = io::pipe().unwrap();
        let output = Output(stream(writer.into()));
        assert!(!output.is_gone());
        drop(reader);
        assert!(output.is_gone());
    }

    #[test]
    fn the_end_of_a_pipe_is_known_before_it_is_read() {
        let (reader, mut writer) = io::pipe().unwrap();
        let mut input = Input { stream: stream(reader.into()), flows: false };
        writer.write_all(b"abc").unwrap();
        assert!(!input.has_ended());
        drop(writer);
        assert!(!input.has_ended(), "something is left in it");
        assert_eq!(input.read(&mut [0; 8]).unwrap(), 3);
        assert!(input.has_ended());
    }

    #[test]
    fn a_named_pipe_is_waited_for_and_has_an_end() {
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
