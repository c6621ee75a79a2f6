//! Programs that talk to a connection: how one is found and started, its stdin and stdout as a transport, be they pipes or a
//! terminal, and its end as a source of events.
//!
//! Owns pipes, terminals, process groups and reaping. Does not decide when a program is started or stopped.

use std::ffi::OsStr;
use std::fs;
use std::io::{self, Read, Write};
use std::os::fd::OwnedFd;
use std::os::unix::fs::PermissionsExt;
use std::os::unix::process::{CommandExt, ExitStatusExt};
use std::path::{Path, PathBuf};
use std::process::{Command, ExitStatus, Stdio};

use mio::event::Source;
use mio::unix::pipe::{Receiver, Sender};
use mio::{Interest, Registry, Token};
use rustix::io::Errno;
use rustix::process::{Pid, PidfdFlags, Signal, kill_process_group, pidfd_open, test_kill_process_group};

use crate::net::{Transport, delegate_source};
use crate::sys::pty;

/// The pipes of a program: what is written goes to its stdin, what is read is its stdout.
#[derive(Debug)]
struct Pipes {
    /// `None` once its stdin is closed, by us or by the program, which may leave the rest unread.
    stdin: Option<Sender>,
    stdout: Receiver,
}

/// Our side of the terminal of a program, which is its stdin, stdout and stderr.
#[derive(Debug)]
struct Terminal {
    ours: OwnedFd,
    /// The last byte typed; a line end before the first.
    last: u8,
}

/// The key that ends input at the start of a line (`VEOF`, termios(3)).
const END_OF_INPUT: u8 = 0x04;

/// A started program, the leader of a process group of its own.
#[derive(Debug)]
pub struct Child {
    process: std::process::Child,
    /// Readable once the process has ended.
    pidfd: OwnedFd,
    group: Pid,
    /// Keeps its terminal while it lives: without our side it gets SIGHUP.
    terminal: Option<OwnedFd>,
}

/// What runs commands (sh(1)).
pub const SHELL: &str = "/bin/sh";

/// Why a program cannot be started.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Unusable {
    /// There is no such file.
    NotFound,
    /// The file is there, and it cannot be executed.
    NotExecutable,
}

/// The file of a program: a path if there is a slash in it, else the first executable file in `path`, which is that of
/// `PATH` (execvp(3)).
///
/// # Errors
/// There is none, or none that can be executed.
pub fn find(program: &str, path: Option<&OsStr>) -> Result<PathBuf, Unusable> {
    let mut reason = Unusable::NotFound;
    let candidates: Vec<PathBuf> = if program.contains('/') {
        vec![program.into()]
    } else {
        path.map(|path| std::env::split_paths(path).map(|folder| folder.join(program)).collect()).unwrap_or_default()
    };
    for file in candidates {
        match is_executable(&file) {
            Some(true) => return Ok(file),
            Some(false) => reason = Unusable::NotExecutable,
            None => {}
        }
    }
    Err(reason)
}

/// Whether a file can be executed; `None`: there is no file.
fn is_executable(file: &Path) -> Option<bool> {
    let found = fs::metadata(file).ok()?;
    let mode = rustix::fs::Access::EXEC_OK;
    Some(found.is_file() && found.permissions().mode() & 0o111 != 0 && rustix::fs::access(file, mode).is_ok())
}

/// Starts a program in a process group of its own, so that a key of our terminal is for us alone.
///
/// # Errors
/// Errors of `posix_spawn(3)` and `pidfd_open(2)`.
pub fn start_beside(command: &mut Command) -> io::Result<Child> {
    Child::spawn(command.process_group(0))
}

/// Starts a program in a process group of its own, with pipes, and with our stderr.
///
/// # Errors
/// Errors of `pipe(2)`, `posix_spawn(3)` and `pidfd_open(2)`.
pub fn start(command: &mut Command) -> io::Result<(Box<dyn Transport>, Child)> {
    let mut child = Child::spawn(command.process_group(0).stdin(Stdio::piped()).stdout(Stdio::piped()))?;
    let (Some(stdin), Some(stdout)) = (child.process.stdin.take(), child.process.stdout.take()) else {
        return Err(io::ErrorKind::BrokenPipe.into());
    };
    let (stdin, stdout) = (Sender::from(stdin), Receiver::from(stdout));
    stdin.set_nonblocking(true)?;
    stdout.set_nonblocking(true)?;
    Ok((Box::new(Pipes { stdin: Some(stdin), stdout }), child))
}

/// Starts a program on a terminal of its own.
///
/// # Errors
/// Errors of `posix_openpt(3)`, `fork(2)` and `pidfd_open(2)`.
pub fn start_on_terminal(command: &mut Command) -> io::Result<(Box<dyn Transport>, Child)> {
    let (ours, theirs) = pty::open()?;
    command.stdin(theirs.try_clone()?).stdout(theirs.try_clone()?).stderr(theirs);
    pty::own_terminal(command);
    let child = Child::spawn(command);
    let kept = ours.try_clone()?;
    // While we had its side open, too, the end of the program would not be seen.
    command.stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::null());
    Ok((Box::new(Terminal { ours, last: b'\n' }), Child { terminal: Some(kept), ..child? }))
}

impl Child {
    fn spawn(command: &mut Command) -> io::Result<Self> {
        let mut process = command.spawn()?;
        let group = Pid::from_child(&process);
        match pidfd_open(group, PidfdFlags::empty()) {
            Ok(pidfd) => Ok(Self { pidfd, group, process, terminal: None }),
            Err(error) => {
                let _ = process.kill();
                let _ = process.wait();
                Err(error.into())
            }
        }
    }

    /// Its process id.
    pub fn id(&self) -> u32 {
        self.process.id()
    }

    /// Its exit status once it has ended. Reaps it, so that its number and that of its group may be used again, unless others
    /// are left in the group.
    pub fn reap(&mut self) -> Option<ExitStatus> {
        self.process.try_wait().ok().flatten()
    }

    /// Asks everything in its group to end: SIGTERM, and on a terminal SIGHUP.
    pub fn terminate(&mut self) {
        self.terminal = None;
        self.signal(Signal::TERM);
    }

    /// Ends everything in its group: SIGKILL.
    pub fn kill(&self) {
        self.signal(Signal::KILL);
    }

    fn signal(&self, signal: Signal) {
        // An error says that nobody is left.
        let _ = kill_process_group(self.group, signal);
    }

    /// Whether somebody is in its group.
    pub fn has_group(&self) -> bool {
        test_kill_process_group(self.group).is_ok()
    }
}

/// The exit status as a shell sees it: the program's own, or 128 and the number of the signal.
pub fn code(status: ExitStatus) -> u8 {
    let code = status.code().or(status.signal().map(|signal| 128 + signal)).unwrap_or(255);
    u8::try_from(code).unwrap_or(255)
}

delegate_source!(Child, fd pidfd);

impl Transport for Pipes {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        self.stdout.read(buffer)
    }

    /// A program that reads no more has had enough: the rest is taken and dropped.
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        let Some(stdin) = &mut self.stdin else { return Ok(bytes.len()) };
        match stdin.write(bytes) {
            Err(error) if error.kind() == io::ErrorKind::BrokenPipe => {
                self.stdin = None;
                Ok(bytes.len())
            }
            result => result,
        }
    }

    fn shutdown_write(&mut self) -> io::Result<()> {
        self.stdin = None;
        Ok(())
    }

    /// Bytes in the pipe to its stdin: it may end without reading them.
    fn unacknowledged(&self) -> usize {
        self.stdin.as_ref().and_then(|stdin| rustix::io::ioctl_fionread(stdin).ok()).map_or(0, |n| n as usize)
    }
}

/// Both pipes under one token: its stdout tells when it can be read, its stdin when it can be written.
impl Source for Pipes {
    fn register(&mut self, registry: &Registry, token: Token, _: Interest) -> io::Result<()> {
        self.stdout.register(registry, token, Interest::READABLE)?;
        match &mut self.stdin {
            Some(stdin) => stdin.register(registry, token, Interest::WRITABLE),
            None => Ok(()),
        }
    }

    fn reregister(&mut self, registry: &Registry, token: Token, _: Interest) -> io::Result<()> {
        self.stdout.reregister(registry, token, Interest::READABLE)?;
        match &mut self.stdin {
            Some(stdin) => stdin.reregister(registry, token, Interest::WRITABLE),
            None => Ok(()),
        }
    }

    fn deregister(&mut self, registry: &Registry) -> io::Result<()> {
        if let Some(stdin) = &mut self.stdin {
            stdin.deregister(registry)?;
        }
        self.stdout.deregister(registry)
    }
}

impl Transport for Terminal {
    /// Reads until there is no more: one read of a terminal does not give all that is there, and no event tells of the rest.
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let mut filled = 0;
        while filled < buffer.len() {
            match rustix::io::read(&self.ours, &mut buffer[filled..]) {
                // EIO: nobody has the other side open any more (pty(7)).
                Ok(0) | Err(Errno::IO) => break,
                Ok(n) => filled += n,
                Err(Errno::INTR) => {}
                Err(_) if filled > 0 => break,
                Err(error) => return Err(error.into()),
            }
        }
        Ok(filled)
    }

    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        match rustix::io::write(&self.ours, bytes) {
            Ok(n) => {
                self.last = n.checked_sub(1).map_or(self.last, |at| bytes[at]);
                Ok(n)
            }
            Err(Errno::IO) => Ok(bytes.len()),
            Err(error) => Err(error.into()),
        }
    }

    /// Types the end of input: twice within a line, where the first only hands the line on.
    fn shutdown_write(&mut self) -> io::Result<()> {
        let keys = [END_OF_INPUT; 2];
        let keys = if self.last == b'\n' { &keys[..1] } else { &keys };
        rustix::io::write(&self.ours, keys)?;
        Ok(())
    }
}

delegate_source!(Terminal, fd ours);

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_program_is_found_on_the_path_or_by_its_own() {
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("tool");
        fs::write(&file, "#!/bin/sh\n").unwrap();
        let path = Some(folder.path().as_os_str());
        assert_eq!(find("tool", path), Err(Unusable::NotExecutable));
        fs::set_permissions(&file, fs::Permissions::from_mode(0o755)).unwrap();
        assert_eq!(find("tool", path), Ok(file.clone()));
        assert_eq!(find(file.to_str().unwrap(), None), Ok(file.clone()));
        assert_eq!(find("tool", None), Err(Unusable::NotFound));
        assert_eq!(find("other", path), Err(Unusable::NotFound));
        let a_folder = folder.path().to_str().unwrap();
        assert_eq!(find(a_folder, None), Err(Unusable::NotExecutable));
    }

    #[test]
    fn a_program_that_reads_nothing_takes_everything() {
        let (mut pipes, mut child) = start(&mut Command::new("true")).unwrap();
        let status = loop {
            if let Some(status) = child.reap() {
                break status;
            }
            std::thread::yield_now();
        };
        assert_eq!(code(status), 0);
        assert_eq!(pipes.write(b"nobody reads this").unwrap(), 17);
        assert_eq!(pipes.write(b"nor this").unwrap(), 8);
        assert_eq!(pipes.unacknowledged(), 0);
        assert!(!child.has_group());
    }
}
