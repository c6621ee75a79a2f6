//! `Parts`: all parts of a run, and the wiring that all layers above use: faults, stops, bytes for stdout.
//!
//! Owns nothing but the parts; each of them owns its state and knows no other. The wiring has layers, each of which calls
//! only those before it: `parts`, `pairs`, `executing`, `redialing` and `scanning`, `commands`, `events`, `turns`, then `feeding`, `opening`, `closing`, and `mod`.

use std::borrow::Cow;
use std::rc::Rc;
use std::time::Duration;

use crate::config::{Config, Role, ScriptErrors, Voice};
use crate::driver::bounds::MemoryBound;
use crate::driver::companion::Companion;
use crate::driver::dials::{DialOutcome, Dials};
use crate::driver::eof_wait::Outstanding;
use crate::driver::io::{Io, Source};
use crate::driver::listeners::{ListenOutcome, Listeners};
use crate::driver::outlets::Outlets;
use crate::driver::peer::Peer;
use crate::driver::peers::Peers;
use crate::driver::plan::Duties;
use crate::driver::preamble::Preamble;
use crate::driver::programs::Programs;
use crate::driver::redial::Redial;
use crate::driver::scan::Scan;
use crate::driver::securing::{ConnectLimit, Securing, Security};
use crate::driver::shutdown::{GRACE, Shutdown};
use crate::driver::stderr::Stderr;
use crate::driver::stdin::Stdin;
use crate::driver::stdout::{Stdout, StdoutError};
use crate::driver::typed_lines::TypedLines;
use crate::driver::workers::Worker;
use crate::error::Error;
use crate::exit::Exit;
use crate::layer::Layer;
use crate::layer::telnet::TelnetRefusal;
use crate::net::Transport;
use crate::net::reactor::Slot;
use crate::script::ScriptHandler;
use crate::session::connection::Settings;
use crate::session::eof_policy::EofPolicy;
use crate::session::{Command, ConnId, ConnIds, ConnView, Handler, Side, Verdict};

/// Work to do on a connection once it is established.
pub(super) type Task = Box<dyn FnOnce(&mut Peer)>;

/// All parts of a run.
pub(super) struct Parts {
    pub(super) config: Config,
    pub(super) io: Io,
    pub(super) peers: Peers,
    pub(super) dials: Dials<Task>,
    /// Further tries of the run's own connection.
    pub(super) redial: Redial,
    /// The ports of `tcpx scan`.
    pub(super) scan: Option<Box<Scan>>,
    pub(super) listeners: Listeners,
    /// Programs of connections.
    pub(super) programs: Programs,
    /// The command of `--run`.
    pub(super) companion: Companion,
    pub(super) stdin: Stdin,
    /// stdin, if its lines are edited on a terminal.
    pub(super) typed_lines: Option<TypedLines>,
    /// The client that typed lines go to, if one was chosen.
    pub(super) chosen: Option<ConnId>,
    pub(super) stdout: Stdout,
    /// Where what each connection receives is written, if not simply to stdout.
    pub(super) outlets: Outlets,
    pub(super) stderr: Stderr,
    pub(super) shutdown: Shutdown,
    pub(super) securing: Securing,
    pub(super) policy: EofPolicy,
    /// Settings of new connections.
    pub(super) settings: Settings,
    /// Bytes that all connections together may hold.
    pub(super) memory: MemoryBound,
    /// Source of connection numbers.
    pub(super) ids: ConnIds,
    /// The handler of the run and of new connections.
    pub(super) handler: Option<Rc<dyn Handler>>,
    /// The same handler if it is a script, which can be reloaded.
    pub(super) script: Option<Rc<ScriptHandler>>,
    /// Set if this loop is one of several workers.
    pub(super) worker: Option<Worker>,
    /// Outcomes of dials and listeners, handled at the end of the turn.
    pub(super) dialed: Vec<DialOutcome<Task>>,
    pub(super) listened: Vec<ListenOutcome>,
    /// Reused buffer for the commands of one handler call.
    pub(super) commands: Vec<Command>,
}

impl Parts {
    /// Adds a connection to the loop. Its transport is connected and registered already; it is established once its layers are,
    /// the lowest of which comes first. `security`: above
    /// them it speaks TLS from its start, which has to stand in time.
    pub(super) fn add_peer(
        &mut self,
        slot: Slot,
        mut transport: Box<dyn Transport>,
        view: Rc<ConnView>,
        duties: Duties,
        security: Option<(Rc<Security>, Option<ConnectLimit>)>,
        layers: Vec<Box<dyn Layer>>,
    ) {
        self.io.set_source(slot, Source::Peer);
        transport.set_keepalive(self.config.keepalive);
        view.info.set_peer_uid(transport.peer_uid());
        let mut peer = Peer::new(slot, transport, view, self.settings, self.handler.clone(), duties);
        if duties.preamble {
            peer.preamble = Preamble::new(&self.config, slot);
            if let Some(delay) = self.config.input.line_delay {
                peer.link.set_line_delay(delay, self.config.input.delays_end);
            }
        }
        for layer in layers {
            peer.link.add_layer(self.io.now, layer);
        }
        if let Some((security, limit)) = security {
            peer.secure(self.io.now, self.may_watch_bytes(), &security, limit);
        }
        if self.config.input.refuses_telnet && !peer.link.is_datagram() {
            peer.link.add_layer(self.io.now, Box::new(TelnetRefusal::default()));
        }
        self.peers.add(&mut self.io, peer);
    }

    /// Removes a finished connection from the loop.
    pub(super) fn remove_peer(&mut self, slot: Slot) {
        let Some(mut peer) = self.peers.remove(slot) else { return };
        if let Some(mut preamble) = peer.preamble.take() {
            preamble.close(&mut self.io);
        }
        self.programs.release(&mut self.io, peer.id());
        self.outlets.close(peer.id());
        self.listeners.wake(&mut self.io);
    }

    /// Reports a fatal error. The first one decides the exit code.
    pub(super) fn fail(&mut self, error: &Error) {
        self.fail_of(None, error);
    }

    /// Reports a fatal error of a connection that is the whole run.
    pub(super) fn fail_of(&mut self, conn: Option<ConnId>, error: &Error) {
        self.io.notify_error(conn, error, false);
        self.shutdown.note_fault(error.exit());
    }

    /// Reports an error of a connection; it is fatal if the connection `decides_exit`. `handled`: a handler takes it.
    pub(super) fn report(&mut self, conn: ConnId, decides_exit: bool, error: &Error, handled: bool) {
        if decides_exit {
            self.fail_of(Some(conn), error);
        } else {
            self.io.notify_error(Some(conn), error, handled);
        }
    }

    /// Stops the run, which is carried out at the end of the turn: no new connections, nothing more from stdin. Queues get
    /// `grace` to empty, or a longer default.
    pub(super) fn stop(&mut self, grace: Option<Duration>) {
        self.shutdown.stop(self.io.now, grace);
    }

    /// Reports a fatal error and stops the run once everything queued is sent.
    pub(super) fn fail_and_stop(&mut self, error: &Error) {
        self.fail(error);
        self.stop(None);
    }

    /// Stops the run because stdin or a file cannot be read or encoded. What came before is sent.
    pub(super) fn source_failed(&mut self, error: &Error) {
        self.stdin.stop(&mut self.io);
        self.fail_and_stop(error);
    }

    /// Stops the run because a handler called `exit(code)`.
    pub(super) fn exit_asked(&mut self, exit: Exit) {
        self.shutdown.note_asked(exit);
        self.stop(Some(GRACE));
    }

    /// Stops the run because `main` has returned, which is a success unless a handler has failed.
    pub(super) fn script_done(&mut self) {
        let exit = if self.shutdown.has_script_failed() { Exit::ScriptRun } else { Exit::Script(0) };
        self.exit_asked(exit);
    }

    /// Says what the handler still waits for, beside a fault that ends the run before that.
    pub(super) fn tell_pending(&mut self) {
        if let Some(message) = self.handler.as_ref().and_then(|handler| handler.pending()) {
            self.io.notify_error(None, &Error::Verdict { message }, false);
        }
    }

    /// Stops the run with a verdict, unless it is stopping already.
    pub(super) fn pronounce(&mut self, verdict: Verdict) {
        if !self.shutdown.is_running() {
            return;
        }
        match verdict {
            Verdict::Passed => {}
            Verdict::Failed { message } => self.fail(&Error::Verdict { message }),
            Verdict::CutShort { message } => self.fail(&Error::CutShort { message }),
        }
        self.shutdown.note_verdict();
        self.stop(Some(GRACE));
    }

    /// Writes text to stdout.
    pub(super) fn emit(&mut self, bytes: &[u8]) {
        let result = self.stdout.write(&mut self.io, bytes);
        self.after_output(result);
    }

    /// Writes what a connection has received to stdout: text, or bytes as they came.
    pub(super) fn emit_data(&mut self, bytes: &[u8]) {
        if self.settings.decode_output || self.script.is_some() {
            return self.emit(bytes);
        }
        let result = self.stdout.write_bytes(&mut self.io, bytes);
        self.after_output(result);
    }

    /// Writes what a connection has received: to stdout, or to its file.
    pub(super) fn emit_received(&mut self, slot: Slot, bytes: &[u8]) {
        match self.peers.get(slot).filter(|_| !self.outlets.is_plain()) {
            None => self.emit_data(bytes),
            Some(peer) => {
                let taken = self.outlets.take(peer.link.view(), bytes);
                self.emit_taken(taken);
            }
        }
    }

    /// The run's own connection stands: opens its file, if there are such files.
    pub(super) fn open_outlet(&mut self, slot: Slot) {
        if let Some(peer) = self.peers.get(slot).filter(|peer| peer.duties.counted) {
            let opened = self.outlets.open(peer.link.view());
            self.emit_taken(opened.map(|()| Cow::default()));
        }
    }

    /// The peer of a connection has ended: writes what it has left unfinished.
    pub(super) fn finish_outlet(&mut self, slot: Slot) {
        if let Some(peer) = self.peers.get(slot).filter(|_| !self.outlets.is_plain()) {
            let rest = self.outlets.finish(peer.link.view());
            self.emit_taken(rest.map(Cow::Owned));
        }
    }

    fn emit_taken(&mut self, taken: crate::error::Result<Cow<'_, [u8]>>) {
        match taken {
            Ok(bytes) if bytes.is_empty() => {}
            Ok(bytes) => self.emit_data(&bytes),
            Err(error) => self.after_output(Err(StdoutError::Failed(error))),
        }
    }

    /// Handles the result of writing to stdout.
    pub(super) fn after_output(&mut self, result: Result<(), StdoutError>) {
        match result {
            Ok(()) => {}
            Err(_) if self.shutdown.is_over() => {}
            Err(StdoutError::ReaderGone { is_missed }) => {
                let is_missed = self.stdout.drop_gone() || is_missed;
                self.shutdown.note_reader_gone(is_missed);
                if self.stdout.takes_events() {
                    // The line of the exit is still to come.
                    self.shutdown.note_missed_lines();
                }
                // Those that waited for room go on.
                self.peers.wake_stalled(&mut self.io);
            }
            Err(StdoutError::Failed(error))
                if self.config.output.voice == Voice::Nc && self.config.is_single_peer() =>
            {
                // nc goes on as without a reader, and ends as with one.
                self.io.notify_error(None, &error, false);
                self.shutdown.note_reader_gone(true);
                self.peers.wake_stalled(&mut self.io);
            }
            Err(StdoutError::Failed(error)) => {
                self.io.notify_error(None, &error, false);
                self.shutdown.handle_output_fault(self.io.now, error.exit());
            }
        }
    }

    /// Whether outcomes of dials or listeners are waiting.
    #[inline]
    pub(super) fn has_outcomes(&self) -> bool {
        !self.dialed.is_empty() || !self.listened.is_empty()
    }

    /// The name of a connection in messages.
    pub(super) fn name_of(&self, id: ConnId) -> String {
        self.peers.by_id(id).map_or_else(|| format!("connection {id}"), |peer| peer.link.view().name())
    }

    /// The setting of `--script-errors`.
    pub(super) fn script_errors(&self) -> ScriptErrors {
        self.config.script.as_ref().map_or_else(ScriptErrors::default, |script| script.on_error)
    }

    /// Bytes that are queued or not acknowledged, of all connections.
    pub(super) fn left_to_send(&self) -> usize {
        self.peers.iter().map(Peer::left_to_send).sum()
    }

    /// What was sent on all connections that receive stdin, and what is still to arrive.
    pub(super) fn outstanding(&self) -> Outstanding {
        let receivers = self.peers.iter().filter(|peer| self.receives_stdin(peer));
        receivers.fold(Outstanding::default(), |all, peer| Outstanding {
            sent: all.sent + peer.link.view().info.bytes_out(),
            left: all.left + peer.left_to_send(),
        })
    }

    /// All connections that receive stdin, now or at another time.
    pub(super) fn receivers(&self) -> Vec<Slot> {
        self.peers.iter().filter(|peer| self.receives_stdin(peer)).map(|peer| peer.slot).collect()
    }

    /// Whether a connection receives stdin, now or at another time.
    pub(super) fn receives_stdin(&self, peer: &Peer) -> bool {
        self.stdin.joined().map_or(peer.duties.stdin, |joined| joined == peer.id())
    }

    /// The rules of the end of stdin: those of the run, or of one connection that alone receives it.
    pub(super) fn input_policy(&self) -> EofPolicy {
        let joined = self.stdin.joined().map(|id| self.peers.by_id(id));
        let is_accepted = |peer: Option<&Peer>| peer.is_some_and(|peer| peer.link.view().info.side() == Side::Server);
        joined.map_or(self.policy, |peer| self.policy.of_one_peer(is_accepted(peer)))
    }

    /// Connections that receive stdin now.
    pub(super) fn stdin_targets(&self) -> Vec<Slot> {
        let is_target = |peer: &&Peer| {
            let link = &peer.link;
            self.receives_stdin(peer)
                && link.is_established()
                && link.is_open()
                && link.can_send()
                && peer.preamble.is_none()
        };
        if !self.chooses_clients() {
            return self.peers.iter().filter(is_target).map(|peer| peer.slot).collect();
        }
        let is_chosen = |peer: &&Peer| self.chosen == Some(peer.id());
        let newest = || self.peers.iter().filter(is_target).max_by_key(|peer| peer.id());
        let one = self.peers.iter().filter(is_target).find(is_chosen).or_else(newest);
        one.map(|peer| peer.slot).into_iter().collect()
    }

    /// Whether what is typed goes to one of several clients.
    pub(super) fn chooses_clients(&self) -> bool {
        let has_clients = matches!(&self.config.role, Role::Listen(listen) if !listen.single_peer);
        self.typed_lines.is_some() && has_clients && self.stdin.joined().is_none()
    }

    /// Whether somebody hears of bytes that move, or may want to later.
    pub(super) fn may_watch_bytes(&self) -> bool {
        self.io.observers.watch_bytes() || self.typed_lines.is_some()
    }
}
