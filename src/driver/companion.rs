//! `Companion`: the command of `--run`, which runs beside the run's own listener or connection.
//!
//! Owns its process. It starts when clients can connect, or there is a connection; its end ends the run with its status, and it is stopped when the run
//! ends before.

use std::process::{Command, ExitStatus, Stdio};

use mio::Interest;

use crate::driver::io::{Io, Source};
use crate::endpoint::Address;
use crate::error::{Error, Result};
use crate::net::process::{self, Child, SHELL};
use crate::net::reactor::Slot;

/// The command of a run, if it has one.
#[derive(Default)]
pub(super) struct Companion {
    /// The command as the user wrote it.
    command: String,
    running: Option<(Slot, Child)>,
}

impl Companion {
    /// Starts the command of `--run` for a listener on `address`, or a connection to it. It has our stdout and stderr, and nothing to read.
    ///
    /// # Errors
    /// Descriptors or processes ran out, or there is no shell.
    pub(super) fn start(&mut self, io: &mut Io, text: &str, address: &Address) -> Result<()> {
        text.clone_into(&mut self.command);
        let mut command = Command::new(SHELL);
        command.args(["-c", text]).stdin(Stdio::null()).env("TCPX_ADDR", address.to_string());
        command.env("TCPX_HOST", address.host());
        if let Some(address) = address.ip() {
            command.env("TCPX_PORT", address.port().to_string());
        }
        let started = process::start_beside(&mut command)
            .and_then(|mut child| Ok((io.register(&mut child, Interest::READABLE, Source::Companion)?, child)));
        self.running = Some(started.map_err(|error| Error::program(text, &error))?);
        Ok(())
    }

    /// Whether it was started.
    pub(super) fn has_started(&self) -> bool {
        !self.command.is_empty()
    }

    /// Whether it is running.
    pub(super) fn is_running(&self) -> bool {
        self.running.is_some()
    }

    /// Handles its end. Returns the failure that the run ends with, if it is one.
    pub(super) fn turn(&mut self, io: &mut Io) -> Option<Error> {
        let child = &mut self.running.as_mut()?.1;
        // What it has started and left behind ends with it; its number is that of the group until it is reaped.
        child.terminate();
        let status = child.reap()?;
        if let Some((slot, mut child)) = self.running.take() {
            io.deregister(slot, &mut child);
        }
        (!status.success()).then(|| failure(&self.command, status))
    }

    /// Asks it to end, because the run does.
    pub(super) fn stop(&mut self) {
        if let Some((_, child)) = &mut self.running {
            child.terminate();
        }
    }
}

impl Drop for Companion {
    fn drop(&mut self) {
        if let Some((_, child)) = &mut self.running {
            child.kill();
            let _ = child.reap();
        }
    }
}

/// A command that has failed, with its status as that of the run.
pub(super) fn failure(command: &str, status: ExitStatus) -> Error {
    // As in "exit status: 7", "signal: 9 (SIGKILL)".
    Error::ProgramStatus { name: command.to_owned(), status: status.to_string(), code: process::code(status) }
}
