//! Bytes and words for people: text made safe for a terminal, messages, hex dumps, and who watches.
//!
//! Owns what is said and how it looks. Does not decide anything, and leaves stdout to the driver.

pub mod console;
pub mod hexdump;
pub mod terminal;

use crate::session::{CloseReason, ConnView};

/// Watches connections and cannot change anything. Bytes are those of the wire.
pub trait Observer {
    /// A connection stands.
    fn opened(&mut self, conn: &ConnView);

    /// Bytes came from the peer.
    fn received(&mut self, conn: &ConnView, bytes: &[u8]);

    /// The kernel took bytes for the peer.
    fn sent(&mut self, conn: &ConnView, bytes: &[u8]);

    /// A connection is over.
    fn closed(&mut self, conn: &ConnView, why: CloseReason);
}
