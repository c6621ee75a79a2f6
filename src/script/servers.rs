//! `Servers`: the scripts that handle the connections of listeners, `listen(addr, #{script: ..})`; each is a program of its own.
//!
//! Owns which connections and listeners belong to which of them, and passes their events on. The script that has opened the
//! listener hands over their commands with its own. `host/servers` loads them.

use std::collections::HashMap;
use std::fmt;
use std::rc::Rc;
use std::time::Instant;

use rhai::Map;

use crate::script::ScriptHandler;
use crate::session::{Command, ConnId, ConnView, Event, Handler, HandlerError, ListenerId, RunEvent, TimerCall};

/// The scripts that handle connections of listeners.
#[derive(Default)]
pub(super) struct Servers {
    all: Vec<Rc<ScriptHandler>>,
    conns: HashMap<ConnId, Rc<ScriptHandler>>,
    listeners: HashMap<ListenerId, Served>,
    /// Who is asked first for a due timer or task: 0 is the script that has opened the listeners.
    turn: usize,
}

/// A listener of a server.
struct Served {
    server: Rc<ScriptHandler>,
    /// It was opened for the server, not by it.
    is_given: bool,
}

impl fmt::Debug for Servers {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Servers").field("all", &self.all.len()).finish_non_exhaustive()
    }
}

impl Servers {
    /// Whether there is none.
    pub(super) fn is_empty(&self) -> bool {
        self.all.is_empty()
    }

    /// Number of servers.
    pub(super) fn len(&self) -> usize {
        self.all.len()
    }

    /// All servers.
    pub(super) fn all(&self) -> Vec<Rc<ScriptHandler>> {
        self.all.clone()
    }

    /// Adds a server.
    pub(super) fn add(&mut self, server: &Rc<ScriptHandler>) {
        self.all.push(Rc::clone(server));
    }

    /// Adds a listener of a server. `is_given`: it was opened for the server, not by it.
    pub(super) fn add_listener(&mut self, listener: ListenerId, server: &Rc<ScriptHandler>, is_given: bool) {
        self.listeners.insert(listener, Served { server: Rc::clone(server), is_given });
    }

    /// Removes a listener; its connections stay.
    pub(super) fn remove_listener(&mut self, listener: ListenerId) {
        self.listeners.remove(&listener);
    }

    /// Removes all listeners of a server. Returns them.
    pub(super) fn remove_listeners_of(&mut self, server: &Rc<ScriptHandler>) -> Vec<ListenerId> {
        self.listeners.extract_if(|_, served| Rc::ptr_eq(&served.server, server)).map(|(id, _)| id).collect()
    }

    /// Whether a script handles the connections of a listener.
    pub(super) fn has_listener(&self, listener: ListenerId) -> bool {
        self.listeners.contains_key(&listener)
    }

    /// The server of a connection; an accepted one is that of its listener, also when that is closed.
    fn of(&mut self, conn: &ConnView) -> Option<Rc<ScriptHandler>> {
        if self.all.is_empty() {
            return None;
        }
        if let Some(server) = self.conns.get(&conn.id) {
            return Some(Rc::clone(server));
        }
        let server = Rc::clone(&self.listeners.get(&conn.info.listener()?)?.server);
        self.conns.insert(conn.id, Rc::clone(&server));
        Some(server)
    }

    /// The server of a listener, and whether the listener was opened for it.
    fn of_listener(&self, listener: ListenerId) -> Option<(Rc<ScriptHandler>, bool)> {
        self.listeners.get(&listener).map(|served| (Rc::clone(&served.server), served.is_given))
    }

    /// Notes what the commands of a server mean for its connections and listeners.
    pub(super) fn note(&mut self, server: &Rc<ScriptHandler>, commands: &[Command]) {
        for command in commands {
            match command {
                Command::Connect(request) => _ = self.conns.insert(request.view.id, Rc::clone(server)),
                Command::CloseListener(id) => _ = self.listeners.remove(id),
                _ => {}
            }
        }
    }

    /// Takes the servers that have neither a listener nor a connection any more.
    pub(super) fn take_idle(&mut self) -> Vec<Rc<ScriptHandler>> {
        // Whoever has something to do with a server holds it, too.
        self.all.extract_if(.., |server| Rc::strong_count(server) == 1).collect()
    }

    /// Whose turn it is to be asked first, of so many.
    fn next_turn(&mut self, count: usize) -> usize {
        self.turn = (self.turn + 1) % count;
        self.turn
    }
}

impl ScriptHandler {
    /// The scripts of its listeners.
    pub(super) fn servers(&self) -> Vec<Rc<Self>> {
        self.host.servers().all()
    }

    /// The server that a connection belongs to.
    pub(super) fn server_of(&self, conn: &ConnView) -> Option<Rc<Self>> {
        self.host.servers().of(conn)
    }

    /// Passes an event on to the server of a connection.
    pub(super) fn pass_event(
        &self,
        server: &Rc<Self>,
        conn: &Rc<ConnView>,
        event: Event,
        out: &mut Vec<Command>,
    ) -> Result<(), HandlerError> {
        // `Error` is the last event of a connection that was never made.
        let is_over = matches!(event, Event::Closed(_)) || !conn.info.is_open();
        let result = self.ask(server, out, |server, own| server.handle(conn, event, own));
        if is_over {
            self.forget_served(conn);
        }
        result
    }

    /// Forgets a connection of a server that is over.
    pub(super) fn forget_served(&self, conn: &ConnView) {
        self.host.servers().conns.remove(&conn.id);
    }

    /// Calls a server, and takes its commands.
    pub(super) fn ask<R>(
        &self,
        server: &Rc<Self>,
        out: &mut Vec<Command>,
        call: impl FnOnce(&Rc<Self>, &mut Vec<Command>) -> R,
    ) -> R {
        let mut own = Vec::new();
        let result = call(server, &mut own);
        self.host.servers().note(server, &own);
        out.append(&mut own);
        result
    }

    /// Passes an event of the run on: of their listeners, and the end.
    ///
    /// # Errors
    /// A handler has failed.
    ///
    /// Returns the event, unless it is for servers alone.
    pub(super) fn pass_run_event(
        &self,
        event: RunEvent,
        out: &mut Vec<Command>,
    ) -> Result<Option<RunEvent>, HandlerError> {
        match &event {
            RunEvent::Listening { listener: Some(id), address } => {
                let served = self.host.servers().of_listener(*id);
                let Some((server, is_given)) = served else { return Ok(Some(event)) };
                let (listener, address) = (Some(*id), address.clone());
                self.ask(&server, out, |server, own| {
                    server.handle_run(RunEvent::Listening { listener, address }, own)
                })?;
                Ok(is_given.then_some(event))
            }
            RunEvent::ListenFailed { listener, .. } => {
                let served = self.host.servers().of_listener(*listener);
                self.host.servers().remove_listener(*listener);
                match served {
                    Some((server, false)) => {
                        self.ask(&server, out, |server, own| server.handle_run(event, own)).map(|_| None)
                    }
                    _ => Ok(Some(event)),
                }
            }
            RunEvent::Stop(code) => {
                let servers = self.servers();
                for server in servers {
                    self.ask(&server, out, |server, own| server.handle_run(RunEvent::Stop(*code), own))?;
                }
                Ok(Some(event))
            }
            _ => Ok(Some(event)),
        }
    }

    /// When the first of the servers has something to do.
    pub(super) fn servers_deadline(&self) -> Option<Instant> {
        if self.host.servers().is_empty() {
            return None;
        }
        let servers = self.servers();
        servers.iter().filter_map(|server| server.deadline()).min()
    }

    /// Calls what is due, here or at a server: one that is always due does not keep the others waiting.
    pub(super) fn call_due(&self, now: Instant, out: &mut Vec<Command>) -> Option<TimerCall> {
        let servers = self.servers();
        let count = servers.len() + 1;
        let first = self.host.servers().next_turn(count);
        let call = (first..first + count).find_map(|at| match at % count {
            0 => self.call_own_due(now, out),
            at => self.ask(&servers[at - 1], out, |server, own| server.handle_timeout(now, own)),
        });
        drop(servers);
        self.host.end_idle_servers(out);
        call
    }

    /// Lets go of its values and of its servers: values of `app` may hold each other.
    pub(super) fn release(&self) {
        let servers = std::mem::take(&mut *self.host.servers());
        for server in servers.all {
            server.release();
        }
        if let Some(mut app) = self.app.clone().write_lock::<Map>() {
            app.clear();
        }
    }
}
