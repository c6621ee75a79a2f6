//! Delivery of events, of a connection or of the run, to the handler; without one, the default effect of the role.
//!
//! Owns the calls of handlers and what a failed call means. A connection stays in its table while its handler runs; the
//! handler's commands are carried out after the call.

use std::rc::Rc;
use std::time::Duration;

use crate::config::{Role, ScriptErrors, Silence, show_duration};
use crate::driver::budgets::Turn;
use crate::driver::parts::Parts;
use crate::driver::peer::{OwnEnd, Peer};
use crate::driver::redialing::has_stood;
use crate::driver::shutdown::GRACE;
use crate::error::Error;
use crate::exit::Exit;
use crate::net::reactor::Slot;
use crate::output::Notice;
use crate::session::eof_policy::AfterEof;
use crate::session::{
    CloseReason, Command, ConnError, ConnId, ConnView, ErrorKind, Event, Handler, HandlerError, ListenerId, Operation,
    RunEvent, SESSION, Side,
};

impl Parts {
    /// Delivers the events of a connection. At the budget there may be more that `has_events` does not show: lines are cut
    /// on demand.
    pub(super) fn deliver(&mut self, slot: Slot) -> Turn {
        if self.has_told_all(slot) {
            return Turn::Done;
        }
        for calls in 0..self.io.budgets.events {
            if self.io.is_turn_long(calls) {
                return Turn::Again;
            }
            let Some(event) = self.peers.get_mut(slot).and_then(|peer| peer.link.poll_event()) else {
                return Turn::Done;
            };
            self.handle_event(slot, event);
            if self.has_told_all(slot) {
                return Turn::Done;
            }
        }
        Turn::Again
    }

    /// Gives a chunk to the handler of a connection, whose other events were told.
    pub(super) fn deliver_chunk(&mut self, slot: Slot, chunk: Vec<u8>) {
        self.call(slot, Event::Data(chunk));
    }

    /// Whether a connection has certainly no event, at a glance.
    fn has_told_all(&self, slot: Slot) -> bool {
        self.peers.get(slot).is_none_or(|peer| peer.link.has_told_all())
    }

    fn handle_event(&mut self, slot: Slot, event: Event) {
        let Some(peer) = self.peers.get_mut(slot) else { return };
        let id = peer.id();
        let is_end = matches!(event, Event::Eof | Event::Closed(_));
        match (peer.partner, event) {
            (_, Event::Opened) => self.opened(slot),
            (Some(partner), Event::Data(bytes)) => self.relay(slot, partner, bytes),
            (Some(partner), Event::Eof) => {
                let cut = peer.cut_short.then(|| peer.link.view().info.side());
                self.relay_end(slot, partner);
                self.partner_ended(partner, cut);
                self.end_of_program(id, partner);
            }
            (Some(partner), Event::Closed(reason)) => {
                if !reason.is_fault() {
                    self.relay_end(slot, partner);
                }
                self.partner_closed(partner, reason);
                self.decide(slot, Event::Closed(reason));
            }
            (_, event) => self.decide(slot, event),
        }
        if is_end {
            self.finish_outlet(slot);
        }
    }

    /// Handles `Opened`: the connection is established, layers included. Nothing is done with it before.
    fn opened(&mut self, slot: Slot) {
        let Some(peer) = self.peers.get_mut(slot) else { return };
        peer.opened = true;
        let view = peer.link.view();
        // The layers stand, too.
        let layers = self.io.now.saturating_duration_since(view.info.opened());
        let took = view.info.connecting_time().map(|took| took + layers);
        self.io.notify(&Notice::Opened { conn: view, took });
        if let Some(facts) = view.info.tls() {
            self.io.notify(&Notice::Secured { conn: view, facts: &facts });
        }
        if peer.duties.scanned {
            let id = peer.id();
            peer.link.abandon(CloseReason::Closed);
            return self.port_answered(id);
        }
        if peer.duties.probe {
            if peer.link.is_secured() {
                // The server is told that nothing was cut off.
                return peer.link.close(CloseReason::Closed);
            }
            let datagram = match &self.config.role {
                Role::Connect(connect) => connect.probe_datagram,
                Role::Listen(_) | Role::Run | Role::Scan(_) => Some(&[][..]),
            };
            let Some(datagram) = datagram.filter(|_| peer.link.is_datagram()) else {
                return peer.link.abandon(CloseReason::Closed);
            };
            // Only who gets a datagram may refuse it.
            peer.link.send(datagram.to_vec());
            return peer.link.shutdown();
        }
        if peer.duties.own && view.info.side() == Side::Client {
            let address = view.info.peer().clone();
            if let Err(error) = self.start_companion(&address) {
                return self.fail_and_stop(&error);
            }
        }
        if self.programs.are_wanted() {
            return self.start_program(slot);
        }
        self.stdout.begin();
        self.begin_input(slot);
        self.open_outlet(slot);
        self.stdin.wake(&mut self.io);
        self.decide(slot, Event::Opened);
    }

    /// Gives an event to the handler if its mask takes it; otherwise carries out the default effect.
    fn decide(&mut self, slot: Slot, event: Event) {
        let Some(peer) = self.peers.get_mut(slot) else { return };
        if matches!(event, Event::Closed(_)) && !peer.opened {
            // Its layers were never established. Nobody has heard of it but by its error.
            if let Some(handler) = peer.handler.clone() {
                handler.given_up(peer.link.view());
            }
            if let Some(listener) = peer.link.view().info.listener() {
                // A task that waits for a client does not get this one.
                self.listeners.allow(&mut self.io, listener, Some(1));
            }
            return;
        }
        let mask = peer.link.event_mask();
        if matches!(&event, Event::Error(error) if error.kind == ErrorKind::Truncated) {
            peer.cut_short = true;
        }
        let is_taken = match &event {
            Event::Opened => mask.opened,
            Event::Data(_) | Event::Text(_) | Event::Line(_) => mask.received.is_some(),
            // `Drained` is told only if somebody waits for it.
            Event::Frame(_) | Event::Measure(_) | Event::Found | Event::Unmet | Event::Drained => true,
            Event::Eof => mask.eof,
            Event::Idle(silence) if self.config.limits.silence == Silence::FaultOfAll => {
                let silence = *silence;
                return self.note_silence(slot, silence);
            }
            Event::Idle(_) => mask.idle,
            Event::Secured => {
                let view = peer.link.view();
                if let Some(facts) = view.info.tls() {
                    self.io.notify(&Notice::Secured { conn: view, facts: &facts });
                }
                mask.secured
            }
            // After a verdict the end of a connection does not matter.
            Event::Error(_) if self.shutdown.has_verdict() => mask.error,
            Event::Error(error) => {
                let error = error.to_error(peer.link.view().name());
                let is_heard = mask.error
                    && (peer.opened
                        || peer.handler.as_ref().is_some_and(|it| it.hears_of_failed_opening(peer.link.view())));
                self.connection_failed(slot, error, mask.error, is_heard)
            }
            Event::Closed(reason) => {
                self.io.notify(&Notice::Closed { conn: peer.link.view(), reason: *reason });
                if *reason == CloseReason::Timeout && self.config.input.waits_out_eof {
                    // That is long enough.
                    self.stdin.set_eof_wait(None);
                }
                mask.closed
            }
        };
        if is_taken {
            return self.call(slot, event);
        }
        match event {
            Event::Data(bytes) => self.emit_received(slot, &bytes),
            Event::Text(text) | Event::Line(text) => self.emit_received(slot, text.as_bytes()),
            Event::Eof => self.peer_ended(slot),
            Event::Frame(_)
            | Event::Measure(_)
            | Event::Found
            | Event::Unmet
            | Event::Opened
            | Event::Drained
            | Event::Secured
            | Event::Idle(_)
            | Event::Error(_)
            | Event::Closed(_) => {}
        }
    }

    /// Reports an error of a connection, unless another try follows, which says it then. Returns whether the handler hears of
    /// it; `has_handler`: it wants to; `is_heard`: it does something about it.
    fn connection_failed(&mut self, slot: Slot, error: Error, has_handler: bool, is_heard: bool) -> bool {
        let Some(peer) = self.peers.get(slot) else { return false };
        if peer.duties.scanned {
            let id = peer.id();
            self.port_failed(id, false, &error);
            return false;
        }
        let (id, stood) = (peer.id(), has_stood(peer));
        let (is_own, decides_exit) = (peer.duties.own, peer.duties.decides_exit);
        if is_own && !stood && self.answers_proxy(slot, &error) {
            return false;
        }
        if !self.tries_again_after(is_own, &error, stood) {
            // After the last try there is nothing else to do.
            let decides_exit = decides_exit || (is_own && self.redial.reconnects());
            self.report(id, decides_exit, &error, is_heard);
            return has_handler;
        }
        if stood && self.redial.reconnects() {
            self.report(id, false, &error, is_heard);
            return has_handler;
        }
        if let Some(peer) = self.peers.get_mut(slot) {
            peer.failure = Some(Box::new(error));
        }
        has_handler && self.redial.reconnects()
    }

    /// A connection was idle for as long as all of them may be: if the others are, too, that is the end.
    fn note_silence(&mut self, slot: Slot, silence: Duration) {
        let (Some(peer), Some(limit)) = (self.peers.get(slot), self.config.limits.idle) else { return };
        let name = peer.link.view().name();
        let now = self.io.now;
        let is_idle = |peer: &Peer| peer.link.view().info.last_activity() + limit <= now;
        if self.peers.iter().filter(|peer| peer.link.view().info.side() != Side::Program).all(is_idle) {
            self.fail_and_stop(&Error::Timeout { what: format!("{name}: idle for {}", show_duration(silence)) });
        }
    }

    /// The default effect of the peer's FIN, by the rules of `EofPolicy`.
    fn peer_ended(&mut self, slot: Slot) {
        let Some(peer) = self.peers.get_mut(slot) else { return };
        // stdin is no reason to wait where it is not sent.
        let stdin = self.stdin.kind().filter(|_| peer.duties.stdin);
        match self.policy.at_peer_eof(stdin) {
            AfterEof::Close if peer.preamble.is_none() => peer.due = Some(OwnEnd::Close),
            AfterEof::Close | AfterEof::SendRest => peer.close_when_fed = true,
            AfterEof::SendUntilQuiet(quiet) => {
                peer.close_when_fed = true;
                self.stdin.start_quiet(quiet, self.io.now);
            }
            AfterEof::Keep => {
                peer.close_when_fed = true;
                self.end_stdout();
            }
        }
    }

    /// With `--half-open`: gives the reader of stdout the end, if nothing else will be written.
    fn end_stdout(&mut self) {
        let is_last = self.config.is_single_peer() && self.script.is_none() && !self.stdout.takes_events();
        if self.config.input.half_open && is_last {
            let result = self.stdout.end(&mut self.io);
            self.after_output(result);
        }
    }

    /// Sends a received chunk to the partner, after `Handler::relay` if the handler relays.
    fn relay(&mut self, slot: Slot, partner: ConnId, mut bytes: Vec<u8>) {
        let Some(peer) = self.peers.get_mut(slot) else { return };
        let is_cut = !peer.link.is_transparent();
        if let Some(crlf) = &mut peer.crlf {
            let received = std::mem::take(&mut bytes);
            crlf.convert(&received, &mut bytes);
        }
        if peer.is_relayed() {
            let Some(changed) = self.ask_relay(slot, partner, Some(bytes)) else { return };
            bytes = changed;
        }
        self.touch(partner, move |partner| partner.link.send(bytes));
        if is_cut {
            // Each slice of a toxic is written before the next one arrives.
            self.flush(partner);
        }
    }

    /// Sends to the partner what a handler that relays held back, once, before the end passes.
    fn relay_end(&mut self, slot: Slot, partner: ConnId) {
        let Some(peer) = self.peers.get_mut(slot).filter(|peer| peer.is_relayed()) else { return };
        if std::mem::replace(&mut peer.relay_ended, true) {
            return;
        }
        if let Some(rest) = self.ask_relay(slot, partner, None).filter(|rest| !rest.is_empty()) {
            self.touch(partner, move |partner| partner.link.send(rest));
        }
    }

    /// Calls `Handler::relay`. Returns what is to be sent; `None` if the call failed, or the partner is gone: then the chunk
    /// was read before.
    fn ask_relay(&mut self, slot: Slot, partner: ConnId, chunk: Option<Vec<u8>>) -> Option<Vec<u8>> {
        let peer = self.peers.get(slot)?;
        let handler = peer.handler.clone()?;
        let from = Rc::clone(peer.link.view());
        let to = self.peers.by_id(partner).map(|partner| partner.link.view());
        let to = Rc::clone(to.or_else(|| self.dials.view(partner))?);
        let mut commands = Vec::new();
        let result = handler.relay(&from, &to, chunk, &mut commands);
        self.apply(&mut commands);
        result.map_err(|error| self.handler_failed(Some(slot), false, error)).ok()
    }

    /// Calls the handler of a connection with an event, and carries out its commands.
    fn call(&mut self, slot: Slot, event: Event) {
        let Some(peer) = self.peers.get(slot) else { return };
        let Some(handler) = peer.handler.clone() else { return };
        let view = Rc::clone(peer.link.view());
        let is_last = matches!(event, Event::Closed(_));
        let result = handler.handle(&view, event, &mut self.commands);
        self.apply_own();
        if let Err(error) = result {
            self.handler_failed(Some(slot), is_last, error);
        }
    }

    /// Handles a failed call: reports it, calls `on_error` once, then follows `--script-errors`. `is_last`: it was the last
    /// call for the connection.
    pub(super) fn handler_failed(&mut self, slot: Option<Slot>, is_last: bool, error: HandlerError) {
        let (handler, summary, message) = match error {
            HandlerError::Exit(code) => return self.exit_asked(Exit::Script(code)),
            HandlerError::Done => return self.script_done(),
            HandlerError::Failed { handler, summary, message, exit, ends_run, .. } => {
                if self.task_failed(slot, &message, exit, ends_run) {
                    return;
                }
                (handler, summary, message)
            }
        };
        let id = slot.and_then(|slot| self.peers.get(slot)).map(Peer::id);
        self.io.notify_error(id, &Error::ScriptRun { message }, false);
        self.shutdown.note_script_failure();
        if self.script_errors() == ScriptErrors::Fatal {
            self.shutdown.note_fault(Exit::ScriptRun);
            self.stop(Some(GRACE));
        }
        let Some(peer) = slot.and_then(|slot| self.peers.get_mut(slot)) else { return };
        let slot = peer.slot;
        if !std::mem::replace(&mut peer.script_failed, true) && peer.link.event_mask().error && !is_last {
            let op = Operation::Handler(handler);
            self.call(slot, Event::Error(ConnError { kind: ErrorKind::Script, op, message: summary }));
        }
        if (self.script_errors() != ScriptErrors::Ignore || handler == SESSION)
            && let Some(peer) = self.peers.get_mut(slot)
        {
            peer.link.abort(CloseReason::Error);
        }
    }

    /// Handles the failure of a task that is the whole run, or whose connection is. Returns false if it is neither.
    fn task_failed(&mut self, slot: Option<Slot>, message: &str, exit: Exit, ends_run: bool) -> bool {
        let peer = slot.and_then(|slot| self.peers.get_mut(slot)).filter(|peer| peer.duties.decides_exit);
        if !ends_run && (exit == Exit::ScriptRun || peer.is_none()) {
            return false;
        }
        if let Some(peer) = peer {
            if exit == Exit::Verdict {
                peer.link.close(CloseReason::Closed);
            } else {
                peer.link.abort(CloseReason::Error);
            }
        }
        let id = slot.and_then(|slot| self.peers.get(slot)).map(Peer::id);
        self.fail_of(id, &Error::Task { message: message.to_owned(), exit });
        if ends_run {
            self.stop(Some(GRACE));
        }
        true
    }

    /// Reports to the handler that one of its listeners cannot be bound.
    pub(super) fn listen_failed(&mut self, listener: ListenerId, error: &Error) {
        let kind = if matches!(error, Error::Resolve { .. }) { ErrorKind::Resolve } else { ErrorKind::Io };
        let trouble = ConnError { kind, op: Operation::Listen, message: error.for_script() };
        if self.tell_run(RunEvent::ListenFailed { listener, trouble }) {
            return self.io.notify_error(None, error, true);
        }
        // As one that fails at once, where nothing catches that.
        self.io.notify_error(None, error, false);
        self.shutdown.note_script_failure();
        if self.listeners.is_of_start(listener) || self.script_errors() == ScriptErrors::Fatal {
            self.shutdown.note_fault(Exit::ScriptRun);
            self.stop(Some(GRACE));
        }
    }

    /// Reports a failed connect to the handler, and ends the partner.
    pub(super) fn connect_failed(&mut self, view: &Rc<ConnView>, decides_exit: bool, error: &Error) {
        let handler = self.handler.clone().filter(|handler| handler.event_mask(view).error);
        let is_heard = handler.as_ref().is_some_and(|handler| handler.hears_of_failed_opening(view));
        self.report(view.id, decides_exit, error, is_heard);
        self.tell_failed_connect(view, handler, error);
    }

    /// The same for the run's own connection, where another try may follow.
    pub(super) fn own_connect_failed(&mut self, view: &Rc<ConnView>, error: &Error) {
        if !self.tries_again_after(true, error, false) {
            return self.connect_failed(view, true, error);
        }
        self.try_again(view.id, error);
        let reconnects = self.redial.reconnects();
        let handler = self.handler.clone().filter(|handler| reconnects && handler.event_mask(view).error);
        self.tell_failed_connect(view, handler, error);
    }

    /// Tells the handler, if it wants to hear of it, and ends the partner.
    fn tell_failed_connect(&mut self, view: &Rc<ConnView>, handler: Option<Rc<dyn Handler>>, error: &Error) {
        if let Some(handler) = handler {
            let kind = match error {
                Error::Timeout { .. } => ErrorKind::Timeout,
                Error::Resolve { .. } => ErrorKind::Resolve,
                Error::Proxy { .. } => ErrorKind::Proxy,
                _ => ErrorKind::Refused,
            };
            let trouble = ConnError { kind, op: Operation::Connect, message: error.for_script() };
            let mut commands = Vec::new();
            let result = handler.handle(view, Event::Error(trouble), &mut commands);
            self.finish_call(&mut commands, result);
        }
        if let Some(handler) = &self.handler {
            handler.given_up(view);
        }
        self.stdin.wake(&mut self.io);
        self.partner_failed(view.id, CloseReason::Reset);
    }

    // ---- the run --------------------------------------------------------------------------------------

    /// Calls the handler with `RunEvent::Start`.
    ///
    /// # Errors
    /// The call failed; the run ends, because the script is not set up.
    pub(super) fn script_starting(&mut self) -> crate::error::Result<()> {
        let Some(handler) = self.handler.clone() else { return Ok(()) };
        let mut commands = Vec::new();
        let result = handler.handle_run(RunEvent::Start, &mut commands);
        self.listeners.note_start();
        self.apply(&mut commands);
        match result {
            Ok(_) => Ok(()),
            Err(HandlerError::Failed { message, .. }) => Err(Error::ScriptRun { message }),
            Err(HandlerError::Exit(code)) => {
                self.exit_asked(Exit::Script(code));
                Ok(())
            }
            Err(HandlerError::Done) => {
                self.script_done();
                Ok(())
            }
        }
    }

    /// Gives an event of the run to the handler. Returns whether it was taken; a failed call counts as not taken.
    pub(super) fn tell_run(&mut self, event: RunEvent) -> bool {
        let Some(handler) = self.handler.clone() else { return false };
        let mut commands = Vec::new();
        let result = handler.handle_run(event, &mut commands);
        let is_taken = match &result {
            Ok(is_taken) => *is_taken,
            Err(HandlerError::Exit(_) | HandlerError::Done) => true,
            Err(HandlerError::Failed { .. }) => false,
        };
        self.finish_call(&mut commands, result.map(drop));
        is_taken
    }

    /// Calls one due timer of the handler. Returns whether there was one.
    pub(super) fn call_timer(&mut self) -> bool {
        let Some(handler) = self.handler.clone() else { return false };
        let mut commands = Vec::new();
        let Some(call) = handler.handle_timeout(self.io.now, &mut commands) else { return false };
        self.apply(&mut commands);
        let slot = call.conn.and_then(|id| self.peers.slot_of(id));
        if let Err(error) = call.result {
            self.handler_failed(slot, false, error);
        }
        if let Some(slot) = slot {
            // The timer may have been the last thing that held it.
            self.io.reactor.wake(slot);
        }
        true
    }

    /// Carries out the commands of a call outside of a connection's turn, and handles its failure.
    fn finish_call(&mut self, commands: &mut Vec<Command>, result: Result<(), HandlerError>) {
        self.apply(commands);
        if let Err(error) = result {
            self.handler_failed(None, false, error);
        }
    }
}
