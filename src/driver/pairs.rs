//! Piped connections: what one receives the other sends, both ways, with half-close and back-pressure.
//!
//! Owns who is whose partner. `on_relay` of the script sees what passes and may change it.

use crate::driver::peers::Peer;
use crate::driver::{Driver, Source};
use crate::session::{CloseReason, ConnId, Cutting, Handler};

/// While this much waits for the partner, nothing more is read for it.
const MARK: usize = 256 << 10;

impl Driver {
    /// Pipes two connections; one of them may still be being made. Whoever was piped to one of them before is no more.
    pub(super) fn pipe(&mut self, mut current: Option<&mut Peer>, a: ConnId, b: ConnId) {
        let known = |driver: &Self, id| driver.slots_by_id.contains_key(&id) || driver.dialings.contains_key(&id);
        for (id, partner) in [(a, b), (b, a)] {
            let old = self.partner_of(current.as_deref(), id).filter(|old| *old != partner);
            let is_partner_known = known(self, partner);
            if let Some(dialing) = self.dialings.get_mut(&id) {
                dialing.partner = Some(partner);
            }
            self.on_conn(current.as_deref_mut(), id, move |peer| {
                if is_partner_known {
                    peer.piped = Some(partner);
                    peer.conn.set_cutting(Cutting::Raw);
                } else {
                    peer.conn.close(CloseReason::Closed);
                }
            });
            let Some(old) = old else { continue };
            if let Some(dialing) = self.dialings.get_mut(&old) {
                dialing.partner = None;
            }
            // It reads again, if it waited for room.
            self.on_conn(current.as_deref_mut(), old, move |peer| {
                peer.piped = peer.piped.filter(|partner| *partner != id);
            });
        }
    }

    fn partner_of(&self, current: Option<&Peer>, id: ConnId) -> Option<ConnId> {
        if let Some(peer) = current.filter(|peer| peer.conn.view().id == id) {
            return peer.piped;
        }
        match self.slots_by_id.get(&id).and_then(|&slot| self.sources.get(slot)) {
            Some(Source::Peer(peer)) => peer.piped,
            _ => self.dialings.get(&id).and_then(|dialing| dialing.partner),
        }
    }

    /// A chunk for the partner.
    pub(super) fn relay(&mut self, peer: &mut Peer, partner: ConnId, bytes: Vec<u8>) {
        let to = match self.slots_by_id.get(&partner).and_then(|&slot| self.sources.get(slot)) {
            Some(Source::Peer(partner)) => partner.conn.view().clone(),
            // The rest of what was read before anybody knew whom it is for.
            _ => match self.dialings.get(&partner) {
                Some(dialing) => dialing.view().clone(),
                None => return,
            },
        };
        let bytes = match &mut self.handler {
            Some(handler) => {
                let mut commands = Vec::new();
                let result = handler.relay(peer.conn.view(), &to, bytes, &mut commands);
                self.apply(Some(peer), &mut commands);
                match result {
                    Ok(bytes) => bytes,
                    Err(error) => return self.handler_failed(Some(peer), error),
                }
            }
            None => bytes,
        };
        self.on_conn(None, partner, move |partner| partner.conn.send(bytes));
        if peer.conn.has_toxics() {
            self.flush_partner(partner);
        }
    }

    /// Writes what a partner's socket takes at once: a slice leaves before the next one comes.
    fn flush_partner(&mut self, partner: ConnId) {
        if let Some(&slot) = self.slots_by_id.get(&partner) {
            self.with_peer(slot, Self::write);
        }
    }

    /// One side is over: the other ends in the same way.
    pub(super) fn partner_closed(&mut self, partner: ConnId, why: CloseReason) {
        // A reset drops what is queued: what came before it goes first.
        self.flush_partner(partner);
        self.on_conn(None, partner, move |partner| {
            partner.piped = None;
            end_like(partner, why);
        });
    }

    /// A connection could not be made, or was given up by the script: whoever was piped to it ends, too. `current`
    /// is the connection that has its turn.
    pub(super) fn partner_failed(&mut self, current: Option<&mut Peer>, id: ConnId, why: CloseReason) {
        if let Some(peer) = current.filter(|peer| peer.piped == Some(id)) {
            peer.piped = None;
            return end_like(peer, why);
        }
        let is_its = |thing: &Source| match thing {
            Source::Peer(peer) if peer.piped == Some(id) => Some(peer.conn.view().id),
            _ => None,
        };
        let partners: Vec<ConnId> = self.sources.iter().filter_map(is_its).collect();
        for partner in partners {
            self.partner_closed(partner, why);
        }
    }

    /// Whether the partner has no room, or is not there yet.
    pub(super) fn is_partner_full(&self, peer: &Peer) -> bool {
        let Some(partner) = peer.piped else { return false };
        match self.slots_by_id.get(&partner).and_then(|&slot| self.sources.get(slot)) {
            Some(Source::Peer(partner)) => is_full(partner),
            _ => self.dialings.contains_key(&partner),
        }
    }

    /// Lets the partner read again: there is room.
    pub(super) fn wake_partner(&mut self, peer: &Peer) {
        if let Some(slot) = peer.piped.and_then(|partner| self.slots_by_id.get(&partner).copied())
            && !is_full(peer)
            && self.io.reactor.readiness(slot).readable
        {
            self.io.reactor.wake(slot);
        }
    }
}

/// Whether nothing more is read for it.
fn is_full(peer: &Peer) -> bool {
    peer.conn.queued() >= MARK || peer.pipe.as_ref().is_some_and(|pipe| pipe.is_full())
}

/// Ends a connection as its partner has ended.
fn end_like(peer: &mut Peer, why: CloseReason) {
    match why {
        CloseReason::Reset | CloseReason::Error | CloseReason::Timeout => peer.conn.reset(CloseReason::Reset),
        CloseReason::Eof | CloseReason::Closed | CloseReason::Stop => peer.conn.close(why),
    }
}
