//! What is different for datagrams: their borders, and their end, of which nobody tells.
//!
//! Owns when a [`Connection`] of datagrams is looked upon as ended. A datagram is read only when everything before it was
//! delivered, so that none is put together with the next.

use std::time::Instant;

use super::{Connection, Parting, WriteHalf};
use crate::config::Refusal;
use crate::session::timer::{Timer, TimerTable};
use crate::session::{CloseReason, ConnView};

/// What a connection of datagrams knows besides.
#[derive(Debug)]
pub(super) struct Datagrams {
    parting: Parting,
    last_sent: Instant,
}

impl Datagrams {
    /// For a new connection; `None`: it is a stream.
    pub(super) fn of(view: &ConnView, parting: Parting, timers: &mut TimerTable) -> Option<Box<Self>> {
        if !view.info.is_datagram() {
            return None;
        }
        if let Some(silence) = parting.silence {
            timers.set(Timer::Parting, view.info.opened() + silence);
        }
        Some(Box::new(Self { parting, last_sent: view.info.opened() }))
    }
}

impl Connection {
    /// Whether datagrams are exchanged, and not streams.
    pub fn is_datagram(&self) -> bool {
        self.datagrams.is_some()
    }

    /// Whether the next datagram has to wait where it is: what came before was not delivered yet.
    pub(super) fn keeps_waiting(&self) -> bool {
        self.is_datagram() && !self.events.is_empty()
    }

    pub(super) fn note_datagram_sent(&mut self, now: Instant) {
        if let Some(datagrams) = &mut self.datagrams {
            datagrams.last_sent = now;
        }
    }

    /// Our side has ended, and everything was sent: an answer may still come.
    pub(super) fn await_parting(&mut self) {
        if let Some(at) = self.parting_at() {
            self.timers.set(Timer::Parting, at);
        }
    }

    /// The other end refuses datagrams. Returns whether that is its end, and no fault.
    pub fn takes_refusal(&mut self) -> bool {
        let is_end = self.settings.refusal == Refusal::End;
        if is_end && self.read_ended {
            // Nobody hears what is still to be sent.
            self.close(CloseReason::Eof);
        } else if is_end {
            self.handle_eof();
        }
        is_end
    }

    pub(super) fn check_parting(&mut self, now: Instant) {
        let Some(at) = self.parting_at() else { return };
        if at > now {
            self.timers.set(Timer::Parting, at);
        } else {
            self.handle_eof();
        }
    }

    /// When the peer is looked upon as ended, as far as is known now.
    fn parting_at(&self) -> Option<Instant> {
        let Datagrams { parting, last_sent } = self.datagrams.as_deref()?;
        if self.write == WriteHalf::Shut {
            return Some(*last_sent + parting.wait);
        }
        Some(self.view.info.last_activity() + parting.silence?)
    }
}
