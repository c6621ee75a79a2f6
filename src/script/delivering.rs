//! Events of connections that belong to tasks: into their inbox, and to the tasks that wait.
//!
//! Owns which connections belong to tasks. What a task does with what it is woken for is its own business.

use std::rc::Rc;

use rhai::Dynamic;

use crate::script::ScriptHandler;
use crate::script::api::conn::Conn;
use crate::script::check::Hook;
use crate::script::own::Handling;
use crate::script::pulling::{self, Pull};
use crate::script::tasks::Body;
use crate::session::{Command, ConnView, Event, HandlerError};

impl ScriptHandler {
    /// Decides at the first look at a connection whether it belongs to tasks, and keeps to it.
    pub(super) fn belongs_to_tasks(&self, conn: &ConnView) -> bool {
        if let Some(pull) = pulling::pull(conn) {
            return pull.takes_bytes();
        }
        let is_new = !self.host.is_known(conn);
        let is_accepted = || conn.info.listener().is_some_and(|listener| self.host.listeners().is_of_tasks(listener));
        let takes = is_new && (is_accepted() || self.has(conn, Hook::Session));
        if takes {
            pulling::attachment(conn).make_pull(self.host.text().malformed, conn.info.is_datagram());
        }
        takes
    }

    /// Takes an event of a connection that belongs to tasks. Returns the event if a handler may want it, too.
    pub(super) fn deliver_to_tasks(
        &self,
        conn: &Rc<ConnView>,
        event: Event,
        out: &mut Vec<Command>,
    ) -> Result<Option<Event>, HandlerError> {
        let Some(pull) = pulling::pull(conn) else { return Ok(Some(event)) };
        match event {
            Event::Data(bytes) if pull.takes_bytes() => {
                pull.arrived(conn, bytes, out);
                self.go_on(pull, out).map(|()| None)
            }
            Event::Eof if pull.takes_bytes() => {
                pull.heard_end();
                self.go_on(pull, out).map(|()| None)
            }
            Event::Drained | Event::Secured => {
                self.go_on(pull, out)?;
                Ok(Some(event))
            }
            Event::Error(trouble) => {
                pull.failed(&trouble);
                self.wake_all(pull);
                Ok(Some(Event::Error(trouble)))
            }
            Event::Closed(reason) => {
                pull.closed(conn, reason);
                self.wake_all(pull);
                for task in pull.take_bound() {
                    self.host.tasks().cancel(task);
                }
                Ok(Some(Event::Closed(reason)))
            }
            event => Ok(Some(event)),
        }
    }

    /// After `on_connect`: starts the session, or goes on with whoever has asked for the connection.
    pub(super) fn begin_session(&self, conn: &Rc<ConnView>, out: &mut Vec<Command>) -> Result<(), HandlerError> {
        let Some(pull) = pulling::pull(conn) else { return Ok(()) };
        pull.opened();
        self.go_on(pull, out)?;
        if let Some(listener) = conn.info.listener()
            && !self.has(conn, Hook::Session)
        {
            let waiting = self.host.listeners().accepted(listener, conn);
            return waiting.map_or(Ok(()), |task| self.resume(task, out));
        }
        if !pull.takes_bytes() || !conn.info.is_open() || !self.has(conn, Hook::Session) {
            return Ok(());
        }
        let this = Dynamic::from(Conn::new(conn));
        let (body, count) = match self.host.own(conn).map_or(Handling::Script, |own| own.handling(Hook::Session)) {
            Handling::Own(own) => {
                let count = self.program.arity(&own, 1).unwrap_or_default();
                (Body::Function(own), count)
            }
            Handling::Script => {
                (Body::Named(Hook::Session.name()), self.hooks.arity(Hook::Session).unwrap_or_default())
            }
            Handling::Nobody => return Ok(()),
        };
        self.start_session(conn, body, vec![this; count], out)
    }

    /// Gives the first task that waits at a connection its turn, and the others later.
    fn go_on(&self, pull: &Pull, out: &mut Vec<Command>) -> Result<(), HandlerError> {
        match pull.wake(&self.host) {
            Some(first) => self.resume(first, out),
            None => Ok(()),
        }
    }

    /// Gives all tasks that wait at a connection a turn, later.
    pub(super) fn wake_all(&self, pull: &Pull) {
        if let Some(first) = pull.wake(&self.host) {
            self.host.tasks().wake(first);
        }
    }
}
