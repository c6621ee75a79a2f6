//! The run's own connection is made again: what its failures and its end mean then, and what stdin is for the next one.
//!
//! Owns the wiring between the table of connections, stdin and `redial`, which decides. Does not connect: `opening` does.

use std::rc::Rc;

use crate::driver::parts::Parts;
use crate::driver::peer::Peer;
use crate::driver::redial::NextTry;
use crate::error::Error;
use crate::exit::Exit;
use crate::net::reactor::Slot;
use crate::output::Notice;
use crate::session::ConnId;

impl Parts {
    /// Whether another try follows this failure of the run's own connection. `stood`: there was one.
    pub(super) fn tries_again_after(&self, is_own: bool, error: &Error, stood: bool) -> bool {
        is_own && self.shutdown.is_running() && self.redial.follows(error.exit(), stood)
    }

    /// Connects again, if a proxy has asked for a login and ended the connection. Returns whether it does.
    pub(super) fn answers_proxy(&mut self, slot: Slot, error: &Error) -> bool {
        let is_asked = matches!(error, Error::Proxy { .. }) && self.shutdown.is_running();
        if !is_asked || !self.config.proxies.iter().any(|proxy| proxy.asked.take_open()) {
            return false;
        }
        if let Some(peer) = self.peers.get_mut(slot) {
            // The next one is.
            peer.duties.own = false;
        }
        self.redial.begin_at(self.io.now);
        true
    }

    /// Plans the next try after one that made no connection.
    pub(super) fn try_again(&mut self, conn: ConnId, error: &Error) {
        let next = self.redial.plan(self.io.now, false);
        self.tell_next(conn, next, Some(error));
    }

    /// Plans the next try after the end of the run's own connection, if one follows.
    pub(super) fn follow_end(&mut self, slot: Slot) {
        let Some(peer) = self.peers.get_mut(slot).filter(|peer| peer.duties.own) else { return };
        if !self.redial.is_wanted() || !self.shutdown.is_running() || !self.shutdown.is_undecided() {
            return;
        }
        let (failure, is_probe) = (peer.failure.take(), peer.duties.probe);
        let view = Rc::clone(peer.link.view());
        let stood = has_stood(peer);
        if stood {
            let lasted = self.io.now.saturating_duration_since(view.info.opened());
            self.redial.stood(lasted, view.info.has_received());
        }
        let is_wanted = failure.is_some() || self.redial.follows_end(stood, is_probe);
        if !is_wanted {
            return;
        }
        let is_refused = failure.as_ref().is_some_and(|error| error.exit() == Exit::NoConnection);
        if view.info.is_datagram() {
            self.stdin.take_back_datagrams(is_refused);
        } else {
            self.stdin.take_back(peer.arrived());
        }
        let next = self.redial.plan(self.io.now, stood);
        self.tell_next(view.id, next, failure.as_deref());
    }

    /// Makes stdin ready for a connection that is not the first.
    pub(super) fn begin_input(&mut self, slot: Slot) {
        let Some(peer) = self.peers.get_mut(slot).filter(|peer| peer.duties.own && self.redial.is_wanted()) else {
            return;
        };
        if self.redial.reconnects() {
            peer.watches_arrival = true;
            peer.link.watch_arrival();
        }
        self.stdin.begin_again(&mut self.io);
    }

    fn tell_next(&mut self, conn: ConnId, next: NextTry, error: Option<&Error>) {
        let is_news = error.is_some_and(|error| self.redial.is_news(&error.to_string())) && self.redial.reconnects();
        let NextTry { pause, left } = next;
        self.io.notify(&Notice::Retry { conn, error, pause, left, is_news });
    }
}

/// Whether there was a connection. Datagrams stand at once, so for them only an answer is proof.
pub(super) fn has_stood(peer: &Peer) -> bool {
    peer.opened && (!peer.link.is_datagram() || peer.link.view().info.has_received())
}
