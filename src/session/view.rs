//! `ConnView`: what anybody may know about a connection at any time, its text settings, and what a script keeps with it.
//!
//! Shared (`Rc`) between the state machine, which writes the facts, and the handler, which reads them, may change the text
//! settings and asks for what changes the facts. It outlives the connection, so a handler may keep it.

use std::any::Any;
use std::cell::OnceCell;
use std::time::{Duration, Instant};

use crate::config::Text;
use crate::endpoint::{Address, Endpoint};
use crate::layer::Direction;
use crate::layer::toxics::Toxic;
use crate::session::info::ConnInfo;
use crate::session::text::TextSettings;
use crate::session::{Command, ConnId, ListenerId, Side};

/// A connection as others see it.
#[derive(Debug)]
pub struct ConnView {
    /// The connection's number.
    pub id: ConnId,
    /// Its facts, written by the session.
    pub info: ConnInfo,
    /// Its text settings, written by scripts.
    pub text: TextSettings,
    attachment: OnceCell<Box<dyn Any>>,
}

impl ConnView {
    /// A connection that stands since `now`.
    pub fn new(
        id: ConnId,
        peer: impl Into<Address>,
        local: impl Into<Address>,
        side: Side,
        text: &Text,
        now: Instant,
    ) -> Self {
        let info = ConnInfo::new(peer.into(), local.into(), side, now);
        Self { id, info, text: TextSettings::new(text), attachment: OnceCell::new() }
    }

    /// A connection that is still being made to `target`: [`ConnView::connected`] or [`ConnView::failed`] follows.
    pub fn dialing(id: ConnId, target: &Endpoint, text: &Text, now: Instant) -> Self {
        let info = ConnInfo::dialing(target, now);
        Self { id, info, text: TextSettings::new(text), attachment: OnceCell::new() }
    }

    /// No connection, where there has to be one.
    pub fn nobody(now: Instant) -> Self {
        Self::new(0, Address::NOWHERE, Address::NOWHERE, Side::Client, &Text::default(), now)
    }

    /// The same connection with this `TCP_NODELAY`; on unless said.
    #[must_use]
    pub fn with_nodelay(self, on: bool) -> Self {
        Self { info: self.info.with_nodelay(on), ..self }
    }

    /// The same connection, accepted by this listener; by the run's own unless said.
    #[must_use]
    pub fn with_listener(self, listener: Option<ListenerId>) -> Self {
        Self { info: self.info.with_listener(listener), ..self }
    }

    /// Connecting succeeded at `now`.
    pub fn connected(&self, peer: Address, local: Address, now: Instant) {
        self.info.connected(peer, local, now);
    }

    /// The connection goes on with another address of its target.
    pub fn moved(&self, peer: Address, local: Address) {
        self.info.set_ends(peer, local);
    }

    /// Connecting failed: the connection is over before it stood.
    pub fn failed(&self) {
        self.info.stop_sending();
        self.info.close();
    }

    /// The label, or the peer's address: what log lines call this connection.
    pub fn name(&self) -> String {
        self.text.label().unwrap_or_else(|| self.info.peer_name())
    }

    /// What the handler keeps with the connection, made at its first use; nobody else looks inside.
    pub fn attachment_or(&self, init: impl FnOnce() -> Box<dyn Any>) -> &dyn Any {
        &**self.attachment.get_or_init(init)
    }

    /// What the handler keeps with the connection, if it keeps anything.
    pub fn attachment(&self) -> Option<&dyn Any> {
        self.attachment.get().map(|attachment| &**attachment)
    }
}

/// What a handler asks for. The command takes effect later; what the facts say changes at once, so that the handler can
/// rely on it. `None`: there is nothing to do.
impl ConnView {
    /// Sends bytes. Whether they are sent at all, [`ConnInfo::can_send`] says.
    pub fn request_send(&self, bytes: Vec<u8>) -> Command {
        self.info.set_queued(self.info.queued() + bytes.len());
        Command::Send(self.id, bytes)
    }

    /// Notes that something was sent although it reaches nobody; told once.
    pub fn request_unsent(&self) -> Option<Command> {
        self.info.note_unsent().then(|| Command::SentToNobody(self.id, self.name()))
    }

    /// FIN after what is queued.
    pub fn request_shutdown(&self) -> Option<Command> {
        self.info.stop_sending().then_some(Command::Shutdown(self.id))
    }

    /// Closes the connection after what is queued.
    pub fn request_close(&self) -> Option<Command> {
        self.info.is_open().then(|| {
            self.info.stop_sending();
            self.info.note_end_asked();
            Command::Close(self.id)
        })
    }

    /// RST; what is queued is dropped.
    pub fn request_reset(&self) -> Option<Command> {
        self.info.is_open().then(|| {
            self.info.stop_sending();
            self.info.set_queued(0);
            self.info.note_end_asked();
            Command::Reset(self.id)
        })
    }

    /// `TCP_NODELAY` on or off.
    pub fn request_nodelay(&self, on: bool) -> Option<Command> {
        self.info.is_open().then(|| {
            self.info.set_nodelay(on);
            Command::SetNodelay(self.id, on)
        })
    }

    /// Another idle limit, or none.
    pub fn request_idle_limit(&self, limit: Option<Duration>) -> Option<Command> {
        self.info.set_idle_limit(limit).then_some(Command::SetIdle(self.id))
    }

    /// Another limit for the silence of the peer, or none.
    pub fn request_peer_idle_limit(&self, limit: Option<Duration>) -> Option<Command> {
        self.info.set_peer_idle_limit(limit).then_some(Command::SetPeerIdle(self.id))
    }

    /// Passes one direction through a toxic, whose chance comes from `seed`.
    pub fn request_toxic(&self, direction: Direction, toxic: Toxic, seed: u64) -> Command {
        self.info.add_toxic(toxic.name());
        Command::AddToxic { id: self.id, direction, toxic, seed }
    }

    /// Removes the toxics of that name, or all.
    pub fn request_heal(&self, name: Option<&'static str>) -> Option<Command> {
        self.info.forget_toxics(name);
        self.info.is_open().then_some(Command::Heal(self.id, name))
    }
}
