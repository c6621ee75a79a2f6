//! Commands of handlers, carried out in order, each by the part that owns its subject.
//!
//! Owns the mapping from `Command` to parts. Calls no handler: results of a command arrive later as events.

use crate::driver::parts::Parts;
use crate::driver::plan::{Defaults, Plan, Wishes};
use crate::output::Notice;
use crate::session::eof_policy::AfterInput;
use crate::session::{CloseReason, Command, ConnId, ConnectRequest};

impl Parts {
    /// Carries out the commands of one call, in order.
    pub(super) fn apply(&mut self, commands: &mut Vec<Command>) {
        for command in commands.drain(..) {
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
            Command::Output(bytes) => self.emit(&bytes),
            Command::Log(id, text) => {
                let name = id.map(|id| self.name_of(id));
                self.io.notify(&Notice::Log { conn: id.zip(name.as_deref()), text: &text });
            }
        }
    }

    /// Starts a connection that a handler requested.
    fn connect(&mut self, request: ConnectRequest) {
        let nodelay = Some(request.view.info.nodelay());
        let wishes = Wishes { limit: request.timeout, nodelay, ..Wishes::default() };
        let plan = Plan::new(Defaults::of(&self.config), request.target, wishes);
        let outcomes = self.dials.start(&mut self.io, plan, request.view);
        self.dialed.extend(outcomes);
    }

    /// Gives stdin to one connection. If it has ended before, so does what we send there.
    fn join_stdin(&mut self, id: ConnId) {
        let mut text = self.config.text;
        if let Some(peer) = self.peers.by_id(id) {
            text.send = text.send.or_else(|| peer.link.view().text.send_encoding());
        }
        self.stdin.join(&mut self.io, id, &text);
        if self.stdin.slot().is_none() && self.input_policy().at_input_end(self.stdin.sent_any()) == AfterInput::Fin {
            self.touch(id, |peer| peer.link.shutdown());
        }
    }

    /// Registers the listeners that a script has opened since the last call.
    fn adopt_listeners(&mut self) {
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
