//! `Handler`: who decides what connections do.
//!
//! Owns the trait, which events a handler takes, and what a failed call means.

use std::rc::Rc;
use std::time::Instant;

use crate::exit::Exit;
use crate::session::{Command, ConnId, ConnView, Event, Form, Holds, RunEvent, Verdict};
use crate::verdicts::Failure;

/// Decides what connections do, or one of them. Must not block; asks for things by pushing commands, which are carried out
/// after the call.
pub trait Handler {
    /// Which events it takes of a connection.
    fn event_mask(&self, conn: &ConnView) -> EventMask;

    /// Handles one event of one connection. Commands pushed before a failure still count.
    ///
    /// # Errors
    /// The handler failed, or ends the run.
    fn handle(&self, conn: &Rc<ConnView>, event: Event, out: &mut Vec<Command>) -> Result<(), HandlerError>;

    /// What it still has to do with a connection. When that becomes less outside of a call for this connection, it pushes
    /// [`Command::Unhold`].
    fn holds(&self, _conn: &ConnView) -> Holds {
        Holds::default()
    }

    /// The run is ending, as it stands with this exit code: nothing is begun any more.
    fn ending(&self, _exit: Exit, _out: &mut Vec<Command>) {}

    /// Whether somebody hears of what a connection that never stood has failed with, if it takes errors.
    fn hears_of_failed_opening(&self, _conn: &ConnView) -> bool {
        true
    }

    /// A connection that it has asked for will never stand. Nothing more is told of it.
    fn given_up(&self, _conn: &ConnView) {}

    /// Whether something that it will do keeps a run alive that has no connection and no listener any more.
    fn keeps_run(&self) -> bool {
        false
    }

    /// Whether [`Handler::relay`] looks at what passes between partners.
    fn relays(&self) -> bool {
        false
    }

    /// What is to be passed on of a chunk that one connection received and another one gets; without a chunk, of what was held
    /// back before the end passes.
    ///
    /// # Errors
    /// As [`Handler::handle`].
    fn relay(
        &self,
        _from: &Rc<ConnView>,
        _to: &Rc<ConnView>,
        chunk: Option<Vec<u8>>,
        _out: &mut Vec<Command>,
    ) -> Result<Vec<u8>, HandlerError> {
        Ok(chunk.unwrap_or_default())
    }

    /// Handles an event of the run. Returns whether it was taken.
    ///
    /// # Errors
    /// As [`Handler::handle`].
    fn handle_run(&self, _event: RunEvent, _out: &mut Vec<Command>) -> Result<bool, HandlerError> {
        Ok(false)
    }

    /// What it says of a run in which nothing is left to do; asked once, unless it has said something before.
    fn conclude(&self) -> Option<Verdict> {
        None
    }

    /// What it still waits for, and what came instead, in one line: told beside a fault that ends the run.
    fn pending(&self) -> Option<String> {
        None
    }

    /// When [`Handler::handle_timeout`] has something to do.
    fn deadline(&self) -> Option<Instant> {
        None
    }

    /// Calls one timer that is due. `None`: none is.
    fn handle_timeout(&self, _now: Instant, _out: &mut Vec<Command>) -> Option<TimerCall> {
        None
    }
}

/// Which events a handler takes. The others have their default effect and cost nothing.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct EventMask {
    /// Received data goes to the handler in this form; `None`: to stdout.
    pub received: Option<Form>,
    /// `Event::Opened`.
    pub opened: bool,
    /// `Event::Eof`: the handler decides when our side closes.
    pub eof: bool,
    /// `Event::Drained`.
    pub drained: bool,
    /// `Event::Secured`.
    pub secured: bool,
    /// `Event::Idle`, in place of closing an idle connection.
    pub idle: bool,
    /// `Event::Error`.
    pub error: bool,
    /// `Event::Closed`.
    pub closed: bool,
}

/// What a failed handler call means for the run.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum HandlerError {
    /// The handler failed; the message may have several lines (position, source line, caret, call chain).
    Failed {
        /// The handler's name, such as `on_data`.
        handler: &'static str,
        /// The first line of the message, for `err.message`.
        summary: String,
        /// The whole message for people.
        message: String,
        /// The exit code, if the connection of the call is the whole run, or the call is.
        exit: Exit,
        /// The call was the whole run.
        ends_run: bool,
        /// The same in parts, if it is known.
        failure: Option<Box<Failure>>,
    },
    /// The handler called `exit(code)`, or `main` gives it.
    Exit(u8),
    /// `main` has returned, and says nothing of the exit code.
    Done,
}

/// The function that serves a connection from its beginning to its end: once it has failed nobody does.
pub const SESSION: &str = "session";

impl HandlerError {
    /// The same with its parts.
    #[must_use]
    pub fn with_failure(mut self, parts: &Failure) -> Self {
        if let Self::Failed { failure, .. } = &mut self {
            *failure = Some(Box::new(parts.clone()));
        }
        self
    }

    /// A failed call that is neither a connection's whole run nor the whole run.
    pub fn of_call(handler: &'static str, summary: String, message: String) -> Self {
        Self::Failed { handler, summary, message, exit: Exit::ScriptRun, ends_run: false, failure: None }
    }
}

/// A timer of a handler that was called.
#[derive(Debug)]
pub struct TimerCall {
    /// The connection it belongs to.
    pub conn: Option<ConnId>,
    /// How the call ended.
    pub result: Result<(), HandlerError>,
}
