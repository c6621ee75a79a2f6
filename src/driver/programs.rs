//! `Programs`: the programs started for connections (`--exec`, `--sh`), from their start until they are reaped.
//!
//! Owns the processes. None outlives its connection: its group gets SIGTERM then, and SIGKILL when that did not help. Does
//! not know connections beyond their numbers; their bytes go through a connection of their own.

use std::collections::HashMap;
use std::os::unix::process::CommandExt;
use std::path::PathBuf;
use std::process::{Command, ExitStatus};
use std::rc::Rc;
use std::time::{Duration, Instant};

use mio::Interest;

use crate::config::{Exec, Program};
use crate::driver::companion::failure;
use crate::driver::io::{Io, Source};
use crate::error::{Error, Result};
use crate::net::Transport;
use crate::net::process::{self, Child, SHELL, Unusable};
use crate::net::reactor::Slot;
use crate::output::Notice;
use crate::session::{ConnId, ConnView};

/// Time between the end of its output and SIGTERM, and between that and SIGKILL.
const GRACE: Duration = Duration::from_secs(1);

/// All programs of a run.
#[derive(Default)]
pub(super) struct Programs {
    exec: Option<Exec>,
    /// The file of the program.
    file: PathBuf,
    running: HashMap<ConnId, Running>,
    /// Which program ends when this slot has an event.
    slots: HashMap<Slot, ConnId>,
    /// How the last one that was reaped has ended.
    status: Option<ExitStatus>,
}

/// A program, by the number of its own connection, that of its pipes.
struct Running {
    /// The connection that it was started for.
    of: Rc<ConnView>,
    child: Child,
    slot: Slot,
    has_ended: bool,
    /// Its end was told.
    is_told: bool,
    /// Its stdout was read to the end.
    is_silent: bool,
    /// Its connection has ended: it was told to end.
    is_alone: bool,
    /// What is done if it has not ended by then.
    due: Option<(Instant, Step)>,
}

/// What makes a program end.
#[derive(Clone, Copy)]
enum Step {
    Terminate,
    Kill,
}

/// A program that has been started.
pub(super) struct Started {
    pub(super) slot: Slot,
    pub(super) transport: Box<dyn Transport>,
    pub(super) pid: u32,
}

impl Programs {
    /// No programs yet.
    ///
    /// # Errors
    /// The program is not there or cannot be executed.
    pub(super) fn new(exec: Option<Exec>) -> Result<Self> {
        let mut programs = Self::default();
        let Some(exec) = exec else { return Ok(programs) };
        let name = match &exec.program {
            Program::Words(words) => words.first().map_or("", String::as_str),
            Program::Shell(_) => SHELL,
        };
        programs.file = match process::find(name, std::env::var_os("PATH").as_deref()) {
            Ok(file) => file,
            // Each start says why it fails.
            Err(_) if exec.is_ncats => name.into(),
            Err(reason) => {
                return Err(Error::Program {
                    name: name.to_owned(),
                    cause: match reason {
                        Unusable::NotFound => "there is no such program".to_owned(),
                        Unusable::NotExecutable => "it cannot be executed".to_owned(),
                    },
                    is_missing: reason == Unusable::NotFound,
                });
            }
        };
        programs.exec = Some(exec);
        Ok(programs)
    }

    /// Whether one that cannot be started is one that ends at once.
    pub(super) fn may_be_missing(&self) -> bool {
        self.exec.as_ref().is_some_and(|exec| exec.is_ncats)
    }

    /// Whether each connection gets a program.
    pub(super) fn are_wanted(&self) -> bool {
        self.exec.is_some()
    }

    /// The program as the user wrote it.
    pub(super) fn name(&self) -> &str {
        match self.exec.as_ref().map(|exec| &exec.program) {
            Some(Program::Words(words)) => words.first().map_or("", String::as_str),
            Some(Program::Shell(command)) => command,
            None => "",
        }
    }

    /// Starts a program for the connection `of`. `id` is the number of the program's own connection.
    ///
    /// # Errors
    /// Descriptors or processes ran out, or the file has changed.
    pub(super) fn start(&mut self, io: &mut Io, of: &Rc<ConnView>, id: ConnId) -> Result<Started> {
        let failed = |error: std::io::Error| Error::program(self.name(), &error);
        let mut command = Command::new(&self.file);
        match self.exec.as_ref().map(|exec| &exec.program) {
            Some(Program::Words(words)) => command.args(words.iter().skip(1)),
            Some(Program::Shell(text)) => command.arg0("sh").args(["-c", text]),
            None => &mut command,
        };
        let is_ncats = self.exec.as_ref().is_some_and(|exec| exec.is_ncats);
        command.envs(environment(of, is_ncats));
        let has_terminal = self.exec.as_ref().is_some_and(|exec| exec.has_terminal);
        let start = if has_terminal { process::start_on_terminal } else { process::start };
        let (mut transport, mut child) = start(&mut command).map_err(failed)?;
        let registered = io.register(&mut *transport, Interest::READABLE | Interest::WRITABLE, Source::Peer).and_then(
            |slot| match io.register(&mut child, Interest::READABLE, Source::Program) {
                Ok(of_child) => Ok((slot, of_child)),
                Err(error) => {
                    io.deregister(slot, &mut *transport);
                    Err(error)
                }
            },
        );
        let (slot, of_child) = registered.map_err(|error| {
            child.kill();
            failed(error)
        })?;
        let pid = child.id();
        let running = Running {
            of: Rc::clone(of),
            child,
            slot: of_child,
            has_ended: false,
            is_told: false,
            is_silent: false,
            is_alone: false,
            due: None,
        };
        self.running.insert(id, running);
        self.slots.insert(of_child, id);
        Ok(Started { slot, transport, pid })
    }

    /// Handles the end of a program. Returns the number of its connection if that is over: nothing more comes from it.
    pub(super) fn turn(&mut self, io: &mut Io, slot: Slot) -> Option<ConnId> {
        let id = *self.slots.get(&slot)?;
        io.reactor.readiness(slot).readable = false;
        let program = self.running.get_mut(&id)?;
        program.has_ended = true;
        let is_over = program.is_silent;
        if program.is_alone {
            // Others of its group may be left.
            self.terminate(io, id);
        }
        is_over.then_some(id)
    }

    /// Its stdout has ended. Returns whether the program has, too.
    pub(super) fn note_silence(&mut self, id: ConnId) -> bool {
        let Some(program) = self.running.get_mut(&id) else { return false };
        program.is_silent = true;
        program.has_ended
    }

    /// The connection of a program has ended, so the program has to. One that has closed its stdout is about to.
    pub(super) fn release(&mut self, io: &mut Io, id: ConnId) {
        let Some(program) = self.running.get_mut(&id).filter(|program| !program.is_alone) else { return };
        program.is_alone = true;
        if program.is_silent && !program.has_ended {
            program.due = Some((io.now + GRACE, Step::Terminate));
        } else {
            self.terminate(io, id);
        }
    }

    /// The run ends: all have to.
    pub(super) fn release_all(&mut self, io: &mut Io) {
        for id in self.running.keys().copied().collect::<Vec<_>>() {
            self.release(io, id);
        }
    }

    fn terminate(&mut self, io: &mut Io, id: ConnId) {
        let Some(program) = self.running.get_mut(&id) else { return };
        program.child.terminate();
        program.due = Some((io.now + GRACE, Step::Kill));
        if program.has_ended {
            self.reap(io, id);
        }
    }

    /// Reaps one that has ended, and forgets it unless it has left others.
    fn reap(&mut self, io: &mut Io, id: ConnId) {
        let Some(program) = self.running.get_mut(&id) else { return };
        if let Some(status) = program.child.reap() {
            self.status = Some(status);
            if !std::mem::replace(&mut program.is_told, true) {
                let (of, code) = (Rc::clone(&program.of), process::code(status));
                io.notify(&Notice::Exited { conn: &of, program: self.name(), status, code });
            }
        }
        let Some(program) = self.running.get(&id) else { return };
        if program.child.has_group() && program.due.is_some() {
            // They keep the number of the group, so that it is still theirs when they are killed.
            return;
        }
        if let Some(mut program) = self.running.remove(&id) {
            self.slots.remove(&program.slot);
            io.deregister(program.slot, &mut program.child);
        }
    }

    /// When [`Programs::handle_timeout`] has work.
    pub(super) fn deadline(&self) -> Option<Instant> {
        self.running.values().filter_map(|program| program.due).map(|(at, _)| at).min()
    }

    /// Takes the next step with those that did not end.
    pub(super) fn handle_timeout(&mut self, io: &mut Io) {
        if self.running.is_empty() {
            return;
        }
        let now = io.now;
        let step = |program: &Running| program.due.filter(|(at, _)| *at <= now).map(|(_, step)| step);
        let due: Vec<_> = self.running.iter().filter_map(|(id, program)| Some((*id, step(program)?))).collect();
        for (id, step) in due {
            match (step, self.running.get_mut(&id)) {
                (Step::Terminate, _) => self.terminate(io, id),
                (Step::Kill, Some(program)) => {
                    program.child.kill();
                    program.due = None;
                    if program.has_ended {
                        self.reap(io, id);
                    }
                }
                (Step::Kill, None) => {}
            }
        }
    }

    /// Whether none is left.
    pub(super) fn is_empty(&self) -> bool {
        self.running.is_empty()
    }

    /// The failure that the run has to end with, once it is known.
    pub(super) fn take_failure(&mut self) -> Option<Error> {
        let status = self.status.take()?;
        let is_asked = self.exec.as_ref().is_some_and(|exec| exec.gives_status);
        (is_asked && !status.success()).then(|| failure(self.name(), status))
    }
}

impl Drop for Programs {
    fn drop(&mut self) {
        for program in self.running.values_mut() {
            program.child.kill();
            let _ = program.child.reap();
        }
    }
}

/// What a program is told about its connection.
fn environment(of: &ConnView, is_ncats: bool) -> Vec<(String, String)> {
    let (peer, local) = (of.info.peer(), of.info.local());
    let mut list = vec![("REMOTE_ADDR", peer.host()), ("LOCAL_ADDR", local.host())];
    let ports = [("REMOTE_PORT", peer.ip()), ("LOCAL_PORT", local.ip())];
    list.extend(ports.into_iter().filter_map(|(name, address)| Some((name, address?.port().to_string()))));
    list.push(("PROTO", peer.protocol().to_uppercase()));
    let prefixes: &[&str] = if is_ncats { &["TCPX_", "NCAT_"] } else { &["TCPX_"] };
    let named = |prefix| list.iter().map(move |(name, value)| (format!("{prefix}{name}"), value.clone()));
    prefixes.iter().flat_map(named).collect()
}
