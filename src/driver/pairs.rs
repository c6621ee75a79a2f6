//! Partners (piped connections): what one receives the other sends, both ways, with half-close and back-pressure.
//!
//! Owns who is whose partner and what the end of one does to the other. The call of a script's `on_relay` is in `events`.

use crate::driver::parts::Parts;
use crate::driver::peer::Peer;
use crate::session::{ChosenForm, CloseReason, ConnId, Side};

impl Parts {
    /// Works on a connection outside of its turn, and gives it a turn. If it is still being made, the work waits until it is
    /// established.
    pub(super) fn touch(&mut self, id: ConnId, work: impl FnOnce(&mut Peer) + 'static) {
        if let Some(slot) = self.peers.slot_of(id) {
            self.peers.touch(&mut self.io, slot, work);
        } else {
            self.dials.when_connected(id, Box::new(work));
        }
    }

    /// Makes two connections partners; either may still be in the making. Former partners of both go on alone.
    pub(super) fn pair(&mut self, a: ConnId, b: ConnId) {
        for (id, partner) in [(a, b), (b, a)] {
            let old = self.partner_of(id).filter(|old| *old != partner);
            let is_partner_known = self.peers.slot_of(partner).is_some() || self.dials.view(partner).is_some();
            self.dials.set_partner(id, Some(partner));
            self.touch(id, move |peer| {
                if is_partner_known {
                    peer.partner = Some(partner);
                    peer.link.set_form(Some(ChosenForm::Data));
                } else {
                    peer.link.close(CloseReason::Closed);
                }
            });
            let Some(old) = old else { continue };
            self.dials.set_partner(old, None);
            // Its turn resumes reading if it waited for room.
            self.touch(old, move |peer| {
                peer.partner = peer.partner.filter(|partner| *partner != id);
            });
        }
    }

    fn partner_of(&self, id: ConnId) -> Option<ConnId> {
        self.peers.by_id(id).map_or_else(|| self.dials.partner(id), |peer| peer.partner)
    }

    /// Writes what the socket of a connection accepts now.
    pub(super) fn flush(&mut self, id: ConnId) {
        if let Some(peer) = self.peers.slot_of(id).and_then(|slot| self.peers.get_mut(slot)) {
            let turn = peer.write(&mut self.io);
            self.io.end_turn(peer.slot, turn);
        }
    }

    /// Passes on the end of what a connection received. `cut`: the side we had on one that was cut short, which must not arrive
    /// as an orderly end.
    pub(super) fn partner_ended(&mut self, partner: ConnId, cut: Option<Side>) {
        self.touch(partner, move |partner| {
            let is_program = partner.link.view().info.side() == Side::Program;
            let is_cut = cut.is_some() && !is_program;
            if is_cut && partner.link.is_secured() {
                partner.link.shutdown_unsaid();
            } else if is_cut && cut == Some(Side::Client) {
                // Without TLS only RST says it. Behind a client that ends in this way it would lose the answer, so it gets FIN.
                partner.end_like(CloseReason::Error);
            } else {
                partner.link.shutdown();
            }
        });
    }

    /// Ends the partner of a closed connection in the same way.
    pub(super) fn partner_closed(&mut self, partner: ConnId, reason: CloseReason) {
        // A reset drops the queue: what was received before it is written first.
        self.flush(partner);
        self.touch(partner, move |partner| {
            partner.partner = None;
            partner.end_like(reason);
        });
    }

    /// Ends the partner of a connection that could not be made or was cancelled.
    pub(super) fn partner_failed(&mut self, id: ConnId, reason: CloseReason) {
        let partners: Vec<ConnId> = self.peers.iter().filter(|peer| peer.partner == Some(id)).map(Peer::id).collect();
        for partner in partners {
            self.partner_closed(partner, reason);
        }
    }
}
