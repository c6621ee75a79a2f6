//! Memory: the bound on what all connections of a run hold together, and who is dropped above it.
//!
//! Owns the choice and its message. What one connection holds is counted in `session::Link` and summed up in `peers`; the
//! bounds of a single connection are in `session`.

use crate::driver::parts::Parts;
use crate::session::{ConnError, ErrorKind, Operation};

impl Parts {
    /// Drops the connections that hold most, until the rest is within the bound.
    #[inline]
    pub(super) fn keep_memory_bound(&mut self) {
        while self.memory.is_exceeded(self.held()) {
            if !self.drop_largest() {
                return;
            }
        }
    }

    /// Bytes that are held for connections, those in the making included.
    fn held(&self) -> usize {
        self.peers.held() + self.dials.held()
    }

    /// Resets the connection that holds most. Returns whether one held anything.
    fn drop_largest(&mut self) -> bool {
        let peer = self.peers.iter().max_by_key(|peer| peer.held).filter(|peer| peer.held > 0);
        let largest = peer.map_or(0, |peer| peer.held);
        if let Some((id, held)) = self.dials.largest().filter(|(_, held)| *held > largest) {
            let error = self.too_much(held);
            let outcomes = self.dials.drop_dial(&mut self.io, id, &error);
            self.dialed.extend(outcomes);
            return true;
        }
        let Some(slot) = peer.map(|peer| peer.slot) else { return false };
        let error = self.too_much(largest);
        self.work_on(slot, |peer| peer.link.break_off(error));
        true
    }

    /// The error of a connection that is dropped.
    fn too_much(&self, held: usize) -> ConnError {
        let bound = show_size(self.memory.get());
        let message =
            format!("it holds {}, and all connections together more than {bound} (--memory)", show_size(held));
        ConnError { kind: ErrorKind::Memory, op: Operation::Hold, message }
    }
}

/// A size for people: `12.0 MiB`.
fn show_size(bytes: usize) -> String {
    match bytes {
        0..1024 => format!("{bytes} bytes"),
        1024..0x10_0000 => format!("{} KiB", bytes >> 10),
        _ => format!("{:.1} MiB", bytes as f64 / f64::from(1 << 20)),
    }
}
