//! What a turn may leave out for a connection, at a glance: nearly all have nothing of what a turn looks for.

use super::Peer;
use crate::session::Form;

impl Peer {
    /// Whether received bytes are for its handler as they are, and nothing comes before them. Of datagrams each is an event.
    pub(super) fn takes_chunks(&self) -> bool {
        self.partner.is_none()
            && self.link.event_mask().received == Some(Form::Data)
            && !self.link.is_datagram()
            && self.link.gives_chunks()
    }

    /// Whether it may be read before its turn: what comes is a chunk that its handler takes as it is, and nothing comes before.
    #[inline]
    pub(in crate::driver) fn reads_early(&self) -> bool {
        !self.released && !self.flows && self.early.is_none() && self.takes_chunks()
    }

    /// Whether nothing but writing is to be done for it.
    #[inline]
    pub(in crate::driver) fn only_writes(&self) -> bool {
        !self.released
            && self.link.has_told_all()
            && self.preamble.is_none()
            && self.due.is_none()
            && self.partner.is_none()
            && self.files.is_empty()
    }
}
