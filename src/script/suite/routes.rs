//! `Routes`: which program the events of a connection or a listener are for, and what becomes of its commands.
//!
//! Owns the tables, and what a test says: its output is kept in place of being written.

use std::borrow::Cow;
use std::cell::RefCell;
use std::collections::{HashMap, HashSet};
use std::rc::{Rc, Weak};
use std::time::Instant;

use crate::codec::escape::show_bytes;
use crate::config::Script;
use crate::endpoint::Endpoint;
use crate::script::ScriptHandler;
use crate::script::error::Report;
use crate::script::host::ScriptClock;
use crate::script::pulling;
use crate::script::source::Source;
use crate::session::{Command, ConnId, ConnView, Event, ListenerId, Side};

use super::Shared;
use super::group::Group;

/// A program that runs for a test.
pub(super) struct Actor {
    pub(super) handler: ScriptHandler,
    pub(super) group: Rc<Group>,
}

/// What the report calls a connection: its number, and its label or its peer.
fn name(conn: &ConnView) -> String {
    format!("#{} {}", conn.id, conn.name())
}

/// Bytes as the report shows them: how many, and how they begin.
fn amount(bytes: &[u8]) -> String {
    let plural = if bytes.len() == 1 { "" } else { "s" };
    let more = if bytes.len() > SHOWN { " …" } else { "" };
    format!("{} byte{plural}: \"{}\"{more}", bytes.len(), show_bytes(&bytes[..bytes.len().min(SHOWN)]))
}

/// Bytes of a chunk that the report shows.
const SHOWN: usize = 60;

/// What a command says that is about no connection.
pub(super) fn said(command: &Command) -> Option<Cow<'_, str>> {
    match command {
        Command::Print(text) | Command::Log(None, text) => Some(text.into()),
        Command::Write(bytes) | Command::Output(_, bytes) => Some(String::from_utf8_lossy(bytes)),
        _ => None,
    }
}

/// Adds a text, of whole lines.
pub(super) fn push_line(to: &mut String, text: &str) {
    to.push_str(text);
    if !text.ends_with('\n') {
        to.push('\n');
    }
}

/// A connection and its program.
type Owned = (Weak<Actor>, Rc<ConnView>);

/// The owners of connections and listeners.
#[derive(Default)]
pub(super) struct Routes {
    conns: RefCell<HashMap<ConnId, Owned>>,
    listeners: Rc<RefCell<HashMap<ListenerId, Weak<Actor>>>>,
    /// Connections of tests that have ended.
    leaving: RefCell<HashSet<ConnId>>,
}

impl Routes {
    /// Loads a program for a test.
    pub(super) fn load(
        group: &Rc<Group>,
        script: &Script,
        source: &Source,
        clock: &ScriptClock,
        run_until: Option<Instant>,
    ) -> Result<Rc<Actor>, Report> {
        let handler = ScriptHandler::load_text(script, source.again(), clock.clone(), run_until)?;
        handler.host.set_test(Rc::clone(&group.notes));
        let actor = Rc::new(Actor { handler, group: Rc::clone(group) });
        group.add_actor(&actor);
        Ok(actor)
    }

    /// Gives a program the means of the run. Listeners that it opens are its own.
    pub(super) fn give_context(&self, actor: &Rc<Actor>, shared: &Shared) {
        let bind = shared.bind.as_ref().map(|bind| {
            let (bind, listeners, owner) = (Rc::clone(bind), Rc::clone(&self.listeners), Rc::downgrade(actor));
            let own = move |endpoint: &Endpoint, on_demand: bool| {
                let (id, address) = bind(endpoint, on_demand)?;
                listeners.borrow_mut().insert(id, Weak::clone(&owner));
                Ok((id, address))
            };
            Box::new(own) as crate::script::Binder
        });
        // Tests run at the same time: none of them reads stdin.
        actor.handler.set_context(shared.context.beside(bind));
    }

    /// The program of a connection; an accepted one is that of its listener.
    pub(super) fn of(&self, conn: &Rc<ConnView>) -> Option<Rc<Actor>> {
        let known = self.conns.borrow().get(&conn.id).map(|(actor, _)| actor.upgrade());
        if let Some(actor) = known {
            return actor;
        }
        let actor = self.of_listener(conn.info.listener()?)?;
        self.conns.borrow_mut().insert(conn.id, (Rc::downgrade(&actor), Rc::clone(conn)));
        Some(actor)
    }

    /// The same for one that is not to be kept.
    pub(super) fn of_view(&self, conn: &ConnView) -> Option<Rc<Actor>> {
        let known = self.conns.borrow().get(&conn.id).map(|(actor, _)| actor.upgrade());
        known.unwrap_or_else(|| self.of_listener(conn.info.listener()?))
    }

    /// The program of a listener.
    pub(super) fn of_listener(&self, listener: ListenerId) -> Option<Rc<Actor>> {
        self.listeners.borrow().get(&listener)?.upgrade()
    }

    /// A connection that is known.
    pub(super) fn view(&self, id: ConnId) -> Option<Rc<ConnView>> {
        self.conns.borrow().get(&id).map(|(_, view)| Rc::clone(view))
    }

    /// A connection is over.
    pub(super) fn forget(&self, id: ConnId) {
        self.conns.borrow_mut().remove(&id);
        self.leaving.borrow_mut().remove(&id);
    }

    /// Whether a connection of an ended test is still there.
    pub(super) fn is_leaving(&self, id: ConnId) -> bool {
        self.leaving.borrow().contains(&id)
    }

    /// Keeps an event of a connection for the report.
    fn note(&self, actor: &Rc<Actor>, id: ConnId, what: impl FnOnce() -> String) {
        if let Some(view) = self.view(id) {
            actor.group.note_event(&name(&view), &what());
        }
    }

    /// Keeps what happens to a connection for the report.
    pub(super) fn note_event(actor: &Rc<Actor>, conn: &ConnView, event: &Event) {
        let what = match event {
            Event::Opened if conn.info.side() == Side::Server => "accepted".to_owned(),
            Event::Opened => "connected".to_owned(),
            Event::Data(bytes) | Event::Frame(bytes) => format!("received {}", amount(bytes)),
            Event::Text(text) | Event::Line(text) => format!("received {}", amount(text.as_bytes())),
            Event::Eof => "the peer has ended".to_owned(),
            Event::Error(trouble) => trouble.message.clone(),
            Event::Closed(why) => format!("closed: {}", why.name()),
            Event::Secured => "TLS is agreed on".to_owned(),
            Event::Measure(_) | Event::Found | Event::Unmet | Event::Drained | Event::Idle(_) => return,
        };
        actor.group.note_event(&name(conn), &what);
    }

    /// Takes the commands of a program: connections that it makes are its own, what it says is kept, the others go on.
    pub(super) fn take(&self, actor: &Rc<Actor>, own: Vec<Command>, out: &mut Vec<Command>) {
        for command in own {
            match said(&command) {
                Some(text) => actor.group.say(&text),
                None => self.take_one(actor, command, out),
            }
        }
    }

    fn take_one(&self, actor: &Rc<Actor>, command: Command, out: &mut Vec<Command>) {
        match command {
            Command::Log(Some(id), text) => {
                let name = self.view(id).map_or_else(|| format!("connection {id}"), |view| view.name());
                actor.group.say(&format!("{name}: {text}"));
            }
            Command::SentToNobody(_, name) => {
                actor.group.say(&format!("{name}: something was sent on a connection that is over"));
            }
            Command::Verdict(_) => {}
            Command::Send(id, bytes) => {
                self.note(actor, id, || format!("sent {}", amount(&bytes)));
                out.push(Command::Send(id, bytes));
            }
            Command::Reset(id) => {
                self.note(actor, id, || "reset by the test".to_owned());
                out.push(Command::Reset(id));
            }
            Command::Connect(request) => {
                let view = Rc::clone(&request.view);
                self.conns.borrow_mut().insert(view.id, (Rc::downgrade(actor), view));
                out.push(Command::Connect(request));
            }
            command => out.push(command),
        }
    }

    /// Ends what belongs to a test: tasks, listeners, connections. Returns the connections that close.
    pub(super) fn retire(&self, group: &Rc<Group>, out: &mut Vec<Command>) -> Vec<ConnId> {
        for actor in group.actors() {
            actor.handler.cancel_tasks(out);
        }
        let is_own = |actor: &Weak<Actor>| actor.upgrade().is_none_or(|actor| Rc::ptr_eq(&actor.group, group));
        self.listeners.borrow_mut().retain(|id, actor| {
            let is_own = is_own(actor);
            if is_own {
                out.push(Command::CloseListener(*id));
            }
            !is_own
        });
        let mut leaving = Vec::new();
        for (id, (_, view)) in self.conns.borrow().iter().filter(|(_, (actor, _))| is_own(actor)) {
            out.extend(view.request_close());
            leaving.push(*id);
            // What it keeps may hold it.
            pulling::release(view);
        }
        let mut conns = self.conns.borrow_mut();
        for id in &leaving {
            conns.remove(id);
        }
        leaving.sort_unstable();
        self.leaving.borrow_mut().extend(&leaving);
        leaving
    }
}
