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
