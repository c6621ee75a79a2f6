//! Commands of handlers, carried out in order, each by the part that owns its subject.
//!
//! Owns the mapping from `Command` to parts. Calls no handler: results of a command arrive later as events.

use std::rc::Rc;

use crate::config::tls::TlsWish;
use crate::driver::dials::DialOutcome;
use crate::driver::listeners::ListenOutcome;
use crate::driver::parts::Parts;
use crate::driver::plan::{Defaults, Duties, Plan, Wishes};
use crate::endpoint::Endpoint;
use crate::output::Notice;
use crate::session::eof_policy::AfterInput;
use crate::session::{CloseReason, Command, ConnId, ConnectRequest, ListenerId, Side};

impl Parts {
    /// Carries out the commands of one call, in order.
    pub(super) fn apply(&mut self, commands: &mut Vec<Command>) {
        for command in commands.drain(..) {
            self.carry_out(command);
        }
        self.adopt_listeners();
    }

    /// The same for those of the handler of a connection, which has left them in their place.
    pub(super) fn apply_own(&mut self) {
        if self.commands.len() > 1 {
            let mut commands = std::mem::take(&mut self.commands);
            self.apply(&mut commands);
            // Room for those of the next call.
            self.commands = commands;
            return;
        }
        if let Some(command) = self.commands.pop() {
            self.carry_out(command);
        }
        self.adopt_listeners();
    }

    fn carry_out(&mut self, command: Command) {
        match command {
            Command::Connect(request) => self.connect(request),
            Command::Accept(id, more) => {
                // It may have been opened by the same call.
                self.adopt_listeners();
                self.listeners.allow(&mut self.io, id, more);
            }
            Command::CloseListener(id) => self.listeners.close(&mut self.io, id),
            Command::Pipe(a, b) => self.pair(a, b),
            Command::Send(id, bytes) => self.touch(id, |peer| peer.link.send(bytes)),
            Command::SendFile(id, file) => {
                self.dials.note_file(id);
                self.touch(id, |peer| peer.files.push(&mut peer.link, file));
            }
            Command::Shutdown(id) => self.touch(id, |peer| peer.link.shutdown()),
            Command::Close(id) => self.close(id),
            Command::Reset(id) => self.reset(id),
            Command::Unhold(id) => self.touch(id, |_| {}),
            Command::SentToNobody(id, name) => self.io.notify(&Notice::SentToNobody { conn: id, name: &name }),
            Command::StartTls(id, wish) => self.start_tls(id, &wish),
            Command::SecureListener(id, wish) => self.secure_listener(id, &wish),
            Command::SetNodelay(id, on) => self.touch(id, move |peer| peer.transport.set_nodelay(on)),
            Command::SetIdle(id) => {
                let now = self.io.now;
                self.touch(id, move |peer| peer.link.handle_idle_change(now));
            }
            Command::SetPeerIdle(id) => {
                let now = self.io.now;
                self.touch(id, move |peer| peer.link.handle_peer_idle_change(now));
            }
            Command::SetForm(id, chosen) => self.touch(id, |peer| peer.link.set_form(chosen)),
            Command::Cut(id, length) => self.touch(id, move |peer| peer.link.cut(length)),
            Command::Skip(id, n) => self.touch(id, move |peer| peer.link.skip(n)),
            Command::Pause(id) => self.touch(id, |peer| peer.link.set_paused(true)),
            Command::Resume(id) => self.touch(id, |peer| peer.link.set_paused(false)),
            Command::AddToxic { id, direction, toxic, seed } => {
                let now = self.io.now;
                self.touch(id, move |peer| {
                    // If the connection was still being made, the toxic applies from its start.
                    let now = now.max(peer.link.view().info.opened());
                    // What was sent before is not concerned.
                    drop(peer.absorb());
                    peer.link.add_toxic(now, direction, toxic, seed);
                });
            }
            Command::Heal(id, name) => {
                let now = self.io.now;
                self.touch(id, move |peer| peer.link.heal(now, name));
            }
            Command::AskStdin(is_wanted) => self.stdin.ask(&mut self.io, is_wanted),
            Command::JoinStdin(id) => self.join_stdin(id),
            Command::FinishStdin => {
                let takes_more = !self.stdin_targets().is_empty();
                let kind = self.stdin.kind().filter(|_| takes_more);
                self.stdin.finish_joined(self.input_policy().at_peer_eof(kind), self.io.now);
            }
            Command::LeaveStdin => self.stdin.leave(&mut self.io),
            Command::Verdict(verdict) => self.pronounce(verdict),
            Command::Print(text) => {
                self.io.notify(&Notice::Print { text: &text });
                self.emit(text.as_bytes());
            }
            Command::Write(bytes) => {
                self.io.notify(&Notice::Write { bytes: &bytes });
                self.emit(&bytes);
            }
            Command::Output(id, bytes) => match self.peers.slot_of(id) {
                Some(slot) => self.emit_received(slot, &bytes),
                None => self.emit_data(&bytes),
            },
            Command::Log(id, text) => {
                let name = id.map(|id| self.name_of(id));
                self.io.notify(&Notice::Log { conn: id.zip(name.as_deref()), text: &text });
            }
        }
    }

    /// Starts a connection that a handler requested.
    fn connect(&mut self, request: ConnectRequest) {
        let nodelay = Some(request.view.info.nodelay());
        let security = match &request.tls {
            Some(wish) => match self.securing.client(&self.config.tls.with(wish), &request.target) {
                Ok(security) => Some(security),
                Err(error) => {
                    request.view.failed();
                    let duties = Duties::default();
                    return self.dialed.push(DialOutcome::Failed { view: request.view, duties, error });
                }
            },
            None => None,
        };
        let proxies = request.proxies.unwrap_or_else(|| self.config.proxies.clone());
        let wishes = Wishes { limit: request.timeout, nodelay, proxies, security, ..Wishes::default() };
        let plan = Plan::new(Defaults::of_script(&self.config), request.target, wishes);
        let outcomes = self.dials.start(&mut self.io, plan, request.view);
        self.dialed.extend(outcomes);
    }

    /// Gives stdin to one connection. If it has ended before, so does what we send there.
    fn join_stdin(&mut self, id: ConnId) {
        let mut text = self.config.text;
        if let Some(peer) = self.peers.by_id(id) {
            text.send = text.send.or_else(|| peer.link.view().text.send_encoding());
        }
        if self.stdin.charset().is_some() {
            text.send = text.send.or(Some(encoding_rs::UTF_8));
        }
        self.stdin.join(&mut self.io, id, &text);
        if self.stdin.slot().is_none() && self.input_policy().at_input_end(self.stdin.sent_any()) == AfterInput::Fin {
            self.touch(id, |peer| peer.link.shutdown());
        }
    }

    /// Speaks TLS on a connection of a handler, as the side that it is.
    fn start_tls(&mut self, id: ConnId, wish: &TlsWish) {
        let view =
            self.dials.view(id).cloned().or_else(|| self.peers.by_id(id).map(|peer| Rc::clone(peer.link.view())));
        let Some(view) = view else { return };
        let settings = self.config.tls.with(wish);
        let security = match view.info.side() {
            Side::Client => {
                let target = view.info.target().and_then(|target| target.parse().ok()).unwrap_or(Endpoint::any(0));
                self.securing.client(&settings, &target)
            }
            _ => self.securing.server(&settings),
        };
        self.tell_made_certificate();
        let (now, is_watched) = (self.io.now, self.may_watch_bytes());
        self.touch(id, move |peer| match security {
            Ok(security) => peer.start_tls(now, is_watched, &security),
            Err(error) => peer.break_off_tls(error.to_string()),
        });
    }

    /// The clients of a handler's listener speak TLS from their start; without a certificate there is no listener.
    fn secure_listener(&mut self, id: ListenerId, wish: &TlsWish) {
        // It was opened by the same call.
        self.adopt_listeners();
        let security = self.securing.server(&self.config.tls.with(wish));
        self.tell_made_certificate();
        match security {
            Ok(security) => self.listeners.secure(id, &security),
            Err(error) => {
                self.listeners.close(&mut self.io, id);
                self.listened.push(ListenOutcome::Failed { listener: Some(id), error });
            }
        }
    }

    fn tell_made_certificate(&mut self) {
        if let Some(sha256) = self.securing.take_made() {
            self.io.notify(&Notice::Certificate { sha256: &sha256 });
        }
    }

    /// Registers the listeners that a script has opened since the last call.
    fn adopt_listeners(&mut self) {
        if !self.listeners.has_fresh() {
            return;
        }
        let outcomes = self.listeners.adopt(&mut self.io);
        self.listened.extend(outcomes);
    }

    fn close(&mut self, id: ConnId) {
        // What was sent to a connection that is still being made goes out first, as from one that stands.
        if !self.dials.will_send(id) && self.cancel_dial(id) {
            return self.partner_failed(id, CloseReason::Closed);
        }
        self.touch(id, |peer| {
            let reason = if peer.link.view().info.eof() { CloseReason::Eof } else { CloseReason::Closed };
            peer.link.close(reason);
        });
    }

    fn reset(&mut self, id: ConnId) {
        if self.cancel_dial(id) {
            return self.partner_failed(id, CloseReason::Reset);
        }
        self.touch(id, |peer| peer.link.reset(CloseReason::Reset));
    }

    /// Gives up a connection in the making because its handler asked for it. Returns whether there was one.
    fn cancel_dial(&mut self, id: ConnId) -> bool {
        let Some(view) = self.dials.view(id).cloned() else { return false };
        self.dials.cancel(&mut self.io, id);
        if let Some(handler) = &self.handler {
            handler.given_up(&view);
        }
        true
    }
}
