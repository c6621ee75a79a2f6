//! The contract between what happens and who decides: `Event` in, `Command` out.
//!
//! Owns the vocabulary, the [`Handler`] trait, the sans-IO state machine of one peer ([`connection`]) and what stands
//! between that and its socket ([`link`]).
//! No mio, no rhai, no clock, no printing: time is an argument, bytes are slices.

mod command;
pub mod connection;
pub mod eof_policy;
mod event;
mod event_queue;
mod form;
mod handler;
mod holds;
mod idle;
mod inbound;
pub mod inbox;
mod info;
mod linger;
pub mod link;
mod numbered;
mod outbound;
mod pacing;
pub mod search;
#[cfg(test)]
mod tests;
mod text;
pub mod timer;
mod trouble;
pub mod verdict;
mod view;

use std::cell::Cell;
use std::rc::Rc;

pub use crate::layer::Direction;
pub use command::{Command, ConnectRequest, FileToSend, Verdict};
pub use connection::Connection;
pub use event::{Event, RunEvent};
pub use form::{ChosenForm, Form};
pub use handler::{EventMask, Handler, HandlerError, SESSION, TimerCall};
pub use holds::Holds;
pub use info::Side;
pub use linger::ACKNOWLEDGEMENT_CHECK;
pub use link::Link;
pub use numbered::{BySlot, Numbered};
pub use text::TextSettings;
pub use timer::earliest;
pub use trouble::{CloseReason, ConnError, ErrorKind, Operation};
pub use verdict::VerdictHandler;
pub use view::ConnView;

/// A connection's number: counts from 1 in one run, never reused.
pub type ConnId = u64;

/// Hands out connection numbers; everybody who holds a copy draws from the same row.
#[derive(Clone, Debug, Default)]
pub struct ConnIds(Rc<Cell<ConnId>>);

impl ConnIds {
    /// The next number.
    pub fn next(&self) -> ConnId {
        self.0.set(self.0.get() + 1);
        self.0.get()
    }
}

/// A listener a handler opened; counts from 1.
pub type ListenerId = u64;
