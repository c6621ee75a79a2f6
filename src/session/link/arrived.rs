//! How much of what was sent has arrived: which bytes of the application are in which bytes on the wire.
//!
//! Owns that only where TLS makes the two differ, and while somebody asks. What the kernel has sent without an
//! acknowledgement is told from outside.

use std::collections::VecDeque;

use super::{Link, Security};
use crate::layer::tls::Tls;

/// Where encrypted bytes end on the wire.
#[derive(Debug, Default)]
pub(super) struct Marks {
    /// Bytes the kernel took from the layers.
    pub(super) written: u64,
    /// Ends of what was encrypted: on the wire, and of the application.
    ends: VecDeque<(u64, u64)>,
    /// Bytes of the application before the first of them.
    arrived: u64,
    /// TLS has encrypted something.
    are_used: bool,
}

impl Link {
    /// Keeps what [`Link::arrived`] needs, from now on.
    pub fn watch_arrival(&mut self) {
        self.marks.get_or_insert_default();
    }

    /// Bytes of the application that the connection was given so far, whether or not they have left.
    pub fn given(&self) -> u64 {
        let (sent, queued) = (self.conn.view().info.bytes_out(), self.conn.queued());
        let waiting = match &self.layers {
            Some(layers) if layers.security != Security::None => {
                let in_tls = layers.stack.find_ref::<Tls>().map_or(0, Tls::waiting);
                queued.saturating_sub(layers.unsent()) + in_tls
            }
            _ => queued,
        };
        sent + waiting as u64
    }

    /// Bytes of the application that have arrived at the other system for sure. `unacknowledged`: what the kernel still holds.
    pub fn arrived(&mut self, unacknowledged: usize) -> u64 {
        let unacknowledged = unacknowledged as u64;
        match &mut self.marks {
            Some(marks) if marks.are_used => {
                let written = marks.written.saturating_sub(unacknowledged);
                while let Some(&(_, end)) = marks.ends.front().filter(|(on_wire, _)| *on_wire <= written) {
                    marks.arrived = end;
                    marks.ends.pop_front();
                }
                marks.arrived
            }
            _ => self.conn.view().info.bytes_out().saturating_sub(unacknowledged),
        }
    }

    /// Notes where what TLS has encrypted ends on the wire, if anybody asks.
    pub(super) fn mark_encrypted(&mut self) {
        let (Some(marks), Some(layers)) = (&mut self.marks, &mut self.layers) else { return };
        if layers.security == Security::None {
            return;
        }
        let encrypted = layers.stack.find_ref::<Tls>().map_or(0, Tls::encrypted) as u64;
        let end = self.conn.view().info.bytes_out() + encrypted;
        marks.are_used = true;
        marks.ends.push_back((marks.written + layers.wire.len() as u64, end));
    }
}
