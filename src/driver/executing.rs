//! Executing: the program of a connection is started when it stands, and ended when it ends. The end of the command of
//! `--run` ends the run.
//!
//! Owns the wiring from `Programs` to the table of connections: the pipes of a program are a connection, and the partner of
//! the one that the program talks to. The processes are owned by `programs` and `companion`.

use std::rc::Rc;

use crate::codec::newline::Crlf;
use crate::driver::io::Source;
use crate::driver::parts::Parts;
use crate::driver::peer::Peer;
use crate::driver::plan::Duties;
use crate::driver::shutdown::GRACE;
use crate::endpoint::Address;
use crate::error::Result;
use crate::exit::Exit;
use crate::net::reactor::Slot;
use crate::output::Notice;
use crate::session::connection::Settings;
use crate::session::{CloseReason, ConnId, ConnView, Side};

impl Parts {
    /// Starts the program of a connection that stands, and makes its pipes the partner of it.
    pub(super) fn start_program(&mut self, slot: Slot) {
        let Some(peer) = self.peers.get(slot) else { return };
        let view = Rc::clone(peer.link.view());
        if view.info.side() == Side::Program {
            return;
        }
        let (id, decides_exit) = (self.ids.next(), peer.duties.decides_exit);
        match self.programs.start(&mut self.io, &view, id) {
            Ok(started) => {
                self.io.notify(&Notice::Started { conn: &view, program: self.programs.name(), pid: started.pid });
                let nowhere = Address::Unix(None);
                let pipes = ConnView::new(id, nowhere.clone(), nowhere, Side::Program, &self.config.text, self.io.now);
                // Silence is that of the connection itself, and nobody but its partner sees what it moves.
                let settings = Settings {
                    idle: None,
                    decode_output: false,
                    discard: false,
                    awaits_arrival: false,
                    ..self.settings
                };
                let mut pipes =
                    Peer::new(started.slot, started.transport, Rc::new(pipes), settings, None, Duties::default());
                pipes.crlf = self.config.text.crlf.then(Crlf::default);
                self.io.set_source(started.slot, Source::Peer);
                self.peers.add(&mut self.io, pipes);
                self.pair(view.id, id);
            }
            Err(error) if self.programs.may_be_missing() => {
                self.report(view.id, false, &error, false);
                self.touch(view.id, |peer| peer.link.close(CloseReason::Closed));
            }
            Err(error) => {
                self.report(view.id, decides_exit, &error, false);
                self.touch(view.id, |peer| peer.link.abort(CloseReason::Error));
            }
        }
    }

    /// What comes from the connection `from` has ended. If that was a program, and it is over, so is its connection `to`.
    pub(super) fn end_of_program(&mut self, from: ConnId, to: ConnId) {
        if self.programs.note_silence(from) {
            self.touch(to, |peer| peer.link.close(CloseReason::Closed));
        }
    }

    /// Handles the end of a program.
    pub(super) fn program_turn(&mut self, slot: Slot) {
        if let Some(id) = self.programs.turn(&mut self.io, slot)
            && let Some(partner) = self.peers.by_id(id).and_then(|pipes| pipes.partner)
        {
            self.touch(partner, |peer| peer.link.close(CloseReason::Closed));
        }
    }

    /// Kills programs that did not end when told to.
    pub(super) fn program_timers(&mut self) {
        self.programs.handle_timeout(&mut self.io);
    }

    /// Starts the command of `--run`, once: clients can connect, or there is a connection to `address`.
    ///
    /// # Errors
    /// It cannot be started.
    pub(super) fn start_companion(&mut self, address: &Address) -> Result<()> {
        match self.config.command().filter(|_| !self.companion.has_started()) {
            Some(command) => self.companion.start(&mut self.io, command, address),
            None => Ok(()),
        }
    }

    /// Handles the end of the command of `--run`: its status is that of the run.
    pub(super) fn companion_turn(&mut self, slot: Slot) {
        self.io.reactor.readiness(slot).readable = false;
        let failure = self.companion.turn(&mut self.io);
        if self.shutdown.is_running() {
            if let Some(failure) = &failure {
                self.fail(failure);
            }
            self.stop(Some(GRACE));
        }
    }

    /// The exit status of the program is that of the run, with `--exec-status`, unless its connection has failed, which is known
    /// once that has ended.
    pub(super) fn note_program_status(&mut self) {
        if !self.peers.is_empty() {
            return;
        }
        if let Some(failure) = self.programs.take_failure()
            && self.shutdown.code() == Exit::Success
        {
            self.fail(&failure);
        }
    }
}
