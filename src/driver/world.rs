//! `World`: stdin, stdout, stderr, signals, network and clock of a run, as traits. The real one is that of the process; tests pass another one
//! with a virtual clock.
//!
//! Owns the seams and the real implementations' wiring to `net`. Decides nothing.

use std::io::{self, IsTerminal};
use std::net::SocketAddr;
use std::os::fd::BorrowedFd;
use std::path::Path;
use std::rc::Rc;
use std::time::Instant;

use mio::event::Source;
use signal_hook::consts::{SIGCONT, SIGWINCH};
use signal_hook_mio::v1_0::Signals;

use crate::config::{Family, SocketOptions};
use crate::driver::messages::{self, Messages, Stderr};
use crate::endpoint::Address;
use crate::error::{Error, cause};
use crate::exit::Exit;
use crate::net::bulk::Move;
use crate::net::dial::{Request, Resolved};
use crate::net::listener::Options;
use crate::net::reactor::{Mailbox, Reactor};
use crate::net::resolver::Resolver;
use crate::net::stdio::{self, Input, Output};
use crate::net::{Connecting, Listening, StartError, factory, keyboard, signal};
use crate::output::screen::Screen;
use crate::session::eof_policy::InputKind;

/// What other threads send to the loop.
pub(super) enum Mail {
    /// A resolver has finished.
    Resolved(Resolved),
    /// Another worker has ended.
    Stop(Exit),
}

impl From<Resolved> for Mail {
    fn from(resolved: Resolved) -> Self {
        Self::Resolved(resolved)
    }
}

/// stdin.
pub(super) trait InputStream {
    /// The kind of stdin, for the rules of its end.
    fn kind(&self) -> InputKind;
    /// The source to register; `None`: always ready.
    fn source(&mut self) -> Option<&mut dyn Source>;
    /// Reads what is there; 0 is the end.
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize>;
    /// Goes back to where it began, if it is a file.
    fn rewind(&mut self) {}
    /// Shows nothing of the lines that are typed on it, if it is a terminal; again where another job may have had that.
    fn hide(&mut self) {}
    /// Whether the amount makes moves within the kernel pay.
    fn flows(&self) -> bool;
    /// Moves what is there into a socket.
    fn move_to(&mut self, socket: BorrowedFd<'_>) -> Move;
    /// Whether the writers of a pipe are gone and nothing is left in it.
    fn has_ended(&self) -> bool;
    /// Whether reading would give nothing but the end, as far as that can be told.
    fn is_exhausted(&self) -> bool;
    /// Whether it is the terminal of a job in the background, which cannot be read now.
    fn is_in_background(&self) -> bool;
    /// Whether something can be read now, by the foreground job at least.
    fn has_input(&self) -> bool;
}

/// stdout, or the file that stands for it.
pub(super) trait OutputStream {
    /// Whether it is a terminal that shows text to people.
    fn is_screen(&self) -> bool;
    /// The source to register; `None`: always ready.
    fn source(&mut self) -> Option<&mut dyn Source>;
    /// Writes what fits.
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize>;
    /// Whether bytes can be moved into it within the kernel.
    fn takes_moves(&self) -> bool;
    /// Moves what a socket has received into it.
    fn move_from(&mut self, socket: BorrowedFd<'_>) -> Move;
    /// Whether its reader has gone.
    fn is_gone(&self) -> bool;
    /// Whether it is a pipe or a socket, whose reader waits for an end.
    fn is_pipe(&self) -> bool;
    /// Gives the reader of a pipe the end; what is written later is dropped. It is not registered any more.
    fn end(&mut self);
}

/// The terminal on which lines are edited. Until [`Keyboard::begin`], and after its end, it gives whole lines, as any other stdin.
pub(super) trait Keyboard {
    /// The source to register; `None`: always ready.
    fn source(&mut self) -> Option<&mut dyn Source>;
    /// Reads what is there; 0 is the end.
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize>;
    /// Whether it is another job's now.
    fn is_in_background(&self) -> bool;
    /// Shows nothing of the lines that are typed before keys are taken.
    fn hide(&mut self) {}
    /// Takes each key as it is pressed; those that make signals, too, if `takes_all`.
    fn begin(&mut self, takes_all: bool) -> io::Result<()>;
    /// Whether the process was stopped since the last call of [`Keyboard::was_lost`]. Asked once a round.
    fn was_stopped(&self) -> bool {
        false
    }
    /// Whether another job has had the terminal since the last call.
    fn was_lost(&self) -> bool;
    /// Gives the terminal back as it was.
    fn end(&mut self);
    /// Columns and rows.
    fn size(&self) -> (usize, usize);
}

/// Signals that the run handles.
pub(super) trait SignalSource: Source {
    /// Tells of changes of the terminal, too: its size, and that the process goes on after it was stopped.
    fn watch_terminal(&mut self) -> io::Result<()> {
        Ok(())
    }
    /// The numbers of the signals that came since the last call.
    fn take_pending(&mut self) -> Vec<i32>;
    /// How many have come to the process, at a glance; what the last of them was may be known a moment later.
    fn count(&self) -> usize {
        0
    }
}

/// Sockets, and the addresses of names.
pub(super) trait Network {
    /// Starts a connect, from `source` where there is such a thing.
    ///
    /// # Errors
    /// What the system reports at once.
    fn connect(
        &self,
        to: &Address,
        source: Option<SocketAddr>,
        options: &SocketOptions,
    ) -> Result<Box<dyn Connecting>, StartError>;
    /// Starts a connect that only shows whether the target accepts.
    ///
    /// # Errors
    /// What the system reports at once.
    fn probe(&self, to: SocketAddr) -> Result<Box<dyn Connecting>, StartError> {
        self.connect(&Address::Ip(to), None, &SocketOptions::default())
    }
    /// Binds and listens on one of the addresses, the first that works.
    ///
    /// # Errors
    /// The last address's error.
    fn listen(&self, addresses: &[Address], options: &Options) -> io::Result<Box<dyn Listening>>;
    /// Resolves a name without waiting; the answer comes by mail.
    fn resolve(&self, request: Request, host: String, port: u16, family: Family, mailbox: &Mailbox<Mail>);
    /// Nobody waits for this answer any more.
    fn forget(&self, request: Request);
}

/// Time, and the one place where the loop waits.
pub(super) trait Clock {
    /// The time now.
    fn now(&self) -> Instant;
    /// Waits until something happens or `deadline` has come. Returns the time after that.
    ///
    /// # Errors
    /// What `epoll_wait(2)` reports.
    fn wait(&self, reactor: &mut Reactor<Mail>, deadline: Option<Instant>) -> io::Result<Instant>;
}

/// What a run gets from outside.
pub(super) trait World {
    /// stdin; asked only by a run that reads it.
    fn stdin(&mut self) -> io::Result<Box<dyn InputStream>>;
    /// stdout, or the file at `path`, created if there is none and not truncated.
    fn stdout(&mut self, path: Option<&Path>) -> io::Result<Box<dyn OutputStream>>;
    /// The terminal that both stdin and stdout are, if lines can be edited there.
    fn keyboard(&mut self) -> Option<Box<dyn Keyboard>> {
        None
    }
    /// What takes the messages for people.
    fn stderr(&mut self) -> Rc<dyn Messages>;
    /// Whether stderr is a terminal.
    fn is_stderr_terminal(&self) -> bool {
        false
    }
    /// Bytes that are left in stdin, if it is a file.
    fn stdin_length(&self) -> Option<u64> {
        None
    }
    /// The terminal that stdout is, if it is one.
    fn screen(&mut self) -> Screen;
    /// Signals, caught from now on.
    fn signals(&mut self) -> io::Result<Box<dyn SignalSource>>;
    /// The network.
    fn network(&mut self) -> Rc<dyn Network>;
    /// The clock.
    fn clock(&mut self) -> Rc<dyn Clock>;
}

/// The process's own.
pub(super) struct Process;

impl World for Process {
    fn stdin(&mut self) -> io::Result<Box<dyn InputStream>> {
        Ok(Box::new(Input::stdin()?))
    }

    fn stdout(&mut self, path: Option<&Path>) -> io::Result<Box<dyn OutputStream>> {
        let output = match path {
            Some(path) => {
                std::fs::File::options().write(true).create(true).truncate(false).open(path).and_then(Output::file)
            }
            None => Output::stdout(),
        };
        Ok(Box::new(output?))
    }

    fn keyboard(&mut self) -> Option<Box<dyn Keyboard>> {
        keyboard::Keyboard::open().map(|keyboard| Box::new(keyboard) as Box<dyn Keyboard>)
    }

    fn stderr(&mut self) -> Rc<dyn Messages> {
        Rc::new(Stderr)
    }

    fn is_stderr_terminal(&self) -> bool {
        io::stderr().is_terminal()
    }

    fn stdin_length(&self) -> Option<u64> {
        stdio::length_of_stdin()
    }

    fn screen(&mut self) -> Screen {
        messages::screen()
    }

    fn signals(&mut self) -> io::Result<Box<dyn SignalSource>> {
        Ok(Box::new(signal::catch()?))
    }

    fn network(&mut self) -> Rc<dyn Network> {
        Rc::new(SystemNetwork::default())
    }

    fn clock(&mut self) -> Rc<dyn Clock> {
        Rc::new(SystemClock)
    }
}

/// The network of this system.
#[derive(Default)]
pub(super) struct SystemNetwork {
    resolver: Resolver<Mail>,
}

impl Network for SystemNetwork {
    fn connect(
        &self,
        to: &Address,
        source: Option<SocketAddr>,
        options: &SocketOptions,
    ) -> Result<Box<dyn Connecting>, StartError> {
        factory::connect(to, source, options)
    }

    fn probe(&self, to: SocketAddr) -> Result<Box<dyn Connecting>, StartError> {
        factory::probe(to)
    }

    fn listen(&self, addresses: &[Address], options: &Options) -> io::Result<Box<dyn Listening>> {
        factory::listen(addresses, options)
    }

    fn resolve(&self, request: Request, host: String, port: u16, family: Family, mailbox: &Mailbox<Mail>) {
        self.resolver.resolve(request, host, port, family, mailbox);
    }

    fn forget(&self, request: Request) {
        self.resolver.forget(request);
    }
}

struct SystemClock;

impl Clock for SystemClock {
    fn now(&self) -> Instant {
        Instant::now()
    }

    fn wait(&self, reactor: &mut Reactor<Mail>, deadline: Option<Instant>) -> io::Result<Instant> {
        reactor.wait(deadline)?;
        Ok(Instant::now())
    }
}

impl Keyboard for keyboard::Keyboard {
    fn source(&mut self) -> Option<&mut dyn Source> {
        Self::source(self)
    }

    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        Self::read(self, buffer)
    }

    fn is_in_background(&self) -> bool {
        Self::is_in_background(self)
    }

    fn hide(&mut self) {
        Self::hide(self);
    }

    fn begin(&mut self, takes_all: bool) -> io::Result<()> {
        Self::begin(takes_all)
    }

    fn was_stopped(&self) -> bool {
        Self::was_stopped()
    }

    fn was_lost(&self) -> bool {
        Self::was_lost()
    }

    fn end(&mut self) {
        Self::end();
    }

    fn size(&self) -> (usize, usize) {
        Self::size()
    }
}

impl SignalSource for Signals {
    fn watch_terminal(&mut self) -> io::Result<()> {
        self.add_signal(SIGWINCH)?;
        self.add_signal(SIGCONT)
    }

    fn take_pending(&mut self) -> Vec<i32> {
        self.pending().collect()
    }

    fn count(&self) -> usize {
        crate::sys::interrupts::count()
    }
}

impl InputStream for Input {
    fn kind(&self) -> InputKind {
        Self::kind(self)
    }

    fn source(&mut self) -> Option<&mut dyn Source> {
        Self::source(self)
    }

    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        Self::read(self, buffer)
    }

    fn rewind(&mut self) {
        Self::rewind(self);
    }

    fn hide(&mut self) {
        Self::hide(self);
    }

    fn flows(&self) -> bool {
        Self::flows(self)
    }

    fn move_to(&mut self, socket: BorrowedFd<'_>) -> Move {
        Self::move_to(self, socket)
    }

    fn has_ended(&self) -> bool {
        Self::has_ended(self)
    }

    fn is_exhausted(&self) -> bool {
        Self::is_exhausted(self)
    }

    fn is_in_background(&self) -> bool {
        Self::is_in_background(self)
    }

    fn has_input(&self) -> bool {
        Self::has_input(self)
    }
}

impl OutputStream for Output {
    fn is_screen(&self) -> bool {
        Self::is_screen(self)
    }

    fn source(&mut self) -> Option<&mut dyn Source> {
        Self::source(self)
    }

    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        Self::write(self, bytes)
    }

    fn takes_moves(&self) -> bool {
        Self::takes_moves(self)
    }

    fn move_from(&mut self, socket: BorrowedFd<'_>) -> Move {
        Self::move_from(self, socket)
    }

    fn is_gone(&self) -> bool {
        Self::is_gone(self)
    }

    fn is_pipe(&self) -> bool {
        Self::is_pipe(self)
    }

    fn end(&mut self) {
        Self::end(self);
    }
}

/// An error of opening stdin.
pub(super) fn cannot_read_stdin(error: &io::Error) -> Error {
    Error::shortage(error).unwrap_or_else(|| Error::Read { source_name: "stdin".into(), cause: cause(error) })
}
