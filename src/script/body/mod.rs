//! Calls of the script's functions: their bodies are evaluated in variables that stay from call to call.
//!
//! Rhai makes an environment, a scope and names for each call of a function, which costs more than most handlers do. Here all
//! of them are made once for each function (`function`), and a call puts its arguments in place (`frame`). It means the same:
//! values, errors, their positions and the chain of calls. Knows nothing of limits and commands (`host`).

mod asking;
mod comparing;
mod form;
mod frame;
mod function;
mod measuring;
mod nodes;
mod parts;
mod rewriting;
mod steps;
mod variables;

use std::cell::RefCell;
use std::collections::HashMap;
use std::rc::Rc;
use std::time::Instant;

use rhai::{AST, Dynamic, Engine, FnPtr};

use crate::script::api::conn::Conn;
use crate::script::check::Hook;
use crate::script::engine::Fault;
use crate::script::host::Host;
use crate::session::ConnView;

pub(super) use nodes::{Got, register};
pub(super) use steps::{Flow, Root, Turn};

use frame::Frame;
use function::Function;

/// An argument of a call.
pub(super) enum Arg {
    /// A connection.
    Conn(Rc<ConnView>),
    /// Received bytes.
    Bytes(Vec<u8>),
    /// Anything else.
    Value(Dynamic),
}

impl Arg {
    /// A value that is a connection becomes one that nobody has to look at again.
    #[inline]
    fn know(&mut self) {
        if let Self::Value(value) = self
            && let Some(view) = plain_connection(value)
        {
            *self = Self::Conn(view);
        }
    }

    /// The argument as a value of the script.
    pub(super) fn into_value(self) -> Dynamic {
        match self {
            Self::Conn(view) => Dynamic::from(Conn::new(&view)),
            Self::Bytes(bytes) => Dynamic::from_blob(bytes),
            Self::Value(value) => value,
        }
    }
}

/// What is left of an argument that was taken.
impl Default for Arg {
    fn default() -> Self {
        Self::Value(Dynamic::UNIT)
    }
}

/// The connection that a value is, if it is nothing but that.
fn plain_connection(value: &Dynamic) -> Option<Rc<ConnView>> {
    let is_plain = !value.is_shared() && !value.is_read_only() && value.tag() == 0;
    Some(value).filter(|_| is_plain)?.read_lock::<Conn>().map(|conn| Rc::clone(conn.view()))
}

impl From<&Rc<ConnView>> for Arg {
    fn from(view: &Rc<ConnView>) -> Self {
        Self::Conn(Rc::clone(view))
    }
}

impl From<Vec<u8>> for Arg {
    fn from(bytes: Vec<u8>) -> Self {
        Self::Bytes(bytes)
    }
}

impl From<Dynamic> for Arg {
    fn from(value: Dynamic) -> Self {
        Self::Value(value)
    }
}

impl From<String> for Arg {
    fn from(text: String) -> Self {
        Self::Value(text.into())
    }
}

/// The functions of one version of a script that were called, with their variables.
pub(super) struct Bodies {
    handlers: [RefCell<Slot>; Hook::COUNT],
    /// Functions that are called by their name, but not as a handler.
    named: RefCell<HashMap<String, Slot>>,
    /// Functions that are called by a value.
    values: RefCell<HashMap<String, Slot>>,
    /// What stands in a variable for a connection between two calls.
    nobody: Rc<ConnView>,
    /// The map of that name.
    app: Dynamic,
    way: Way,
}

/// How functions of a script are called.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Way {
    /// By Rhai.
    Plain,
    /// In variables that stay.
    Kept,
    /// The same, and tasks can be left where they wait.
    Left,
}

/// What is known of a function.
#[derive(Default)]
enum Slot {
    /// It was not called yet.
    #[default]
    New,
    /// It is none of the script's: Rhai calls it.
    Plain,
    /// Its body; the variables are taken while it runs.
    Known(Rc<Function>, Option<Box<Frame>>),
}

/// How a function is called.
#[derive(Clone, Copy)]
enum Kind<'a> {
    Handler(Hook),
    Named(&'a str),
    /// By a value, with these functions before those of the script.
    Value(&'a str, &'a AST),
}

/// A function that is about to run.
pub(super) struct Call<'a> {
    bodies: &'a Bodies,
    kind: Kind<'a>,
    function: Rc<Function>,
    frame: Box<Frame>,
}

/// Maximum functions that are kept: names can be generated.
const MAX_KEPT: usize = 256;

impl Bodies {
    /// None yet.
    pub(super) fn new(way: Way, now: Instant, app: &Dynamic) -> Self {
        Self {
            handlers: Default::default(),
            named: RefCell::default(),
            values: RefCell::default(),
            nobody: Rc::new(ConnView::nobody(now)),
            app: app.clone(),
            way,
        }
    }

    /// A call of a handler with so many arguments; `None`: Rhai has to do it.
    pub(super) fn handler(&self, engine: &Engine, host: &Host, hook: Hook, count: usize) -> Option<Call<'_>> {
        self.begin(engine, host, Kind::Handler(hook), count)
    }

    /// A call of another function of the script.
    pub(super) fn named<'a>(&'a self, engine: &Engine, host: &Host, name: &'a str, count: usize) -> Option<Call<'a>> {
        self.begin(engine, host, Kind::Named(name), count)
    }

    /// A call of a function value with so many arguments; what it has captured comes before them. `lib`: what Rhai would be
    /// given for the call.
    pub(super) fn value<'a>(
        &'a self,
        engine: &Engine,
        host: &Host,
        value: &'a FnPtr,
        count: usize,
        lib: &'a AST,
    ) -> Option<Call<'a>> {
        // Rhai refuses a captured variable that is in use.
        if value.iter_curry().any(Dynamic::is_locked) {
            return None;
        }
        self.begin(engine, host, Kind::Value(value.fn_name(), lib), value.curry().len() + count)
    }

    fn begin<'a>(&'a self, engine: &Engine, host: &Host, kind: Kind<'a>, count: usize) -> Option<Call<'a>> {
        if self.way == Way::Plain {
            return None;
        }
        let (function, frame) = self.with_slot(kind, |slot| {
            if matches!(slot, Slot::Known(function, _) if function.parameters() != count) {
                *slot = Slot::New;
            }
            if matches!(slot, Slot::New) {
                let found = match kind {
                    Kind::Handler(hook) => Function::find(engine, host, hook.name(), count, None),
                    Kind::Named(name) => Function::find(engine, host, name, count, None),
                    Kind::Value(name, lib) => Function::find(engine, host, name, count, Some(lib)),
                };
                *slot = found.map_or(Slot::Plain, |function| Slot::Known(Rc::new(function), None));
            }
            let Slot::Known(function, frame) = slot else { return None };
            Some((Rc::clone(function), frame.take()))
        })?;
        let frame = frame.unwrap_or_else(|| Box::new(Frame::new(&function)));
        Some(Call { bodies: self, kind, function, frame })
    }

    /// Keeps the variables of a call that has ended for the next one.
    fn keep(&self, kind: Kind<'_>, function: &Rc<Function>, frame: Box<Frame>) {
        if frame.can_be_kept() {
            self.with_slot(kind, |slot| match slot {
                Slot::Known(known, kept) if Rc::ptr_eq(known, function) => *kept = Some(frame),
                _ => {}
            });
        }
    }

    fn with_slot<R>(&self, kind: Kind<'_>, work: impl FnOnce(&mut Slot) -> R) -> R {
        let (table, name) = match kind {
            Kind::Handler(hook) => return work(&mut self.handlers[hook as usize].borrow_mut()),
            Kind::Named(name) => (&self.named, name),
            Kind::Value(name, _) => (&self.values, name),
        };
        let mut table = table.borrow_mut();
        if let Some(slot) = table.get_mut(name) {
            return work(slot);
        }
        if table.len() >= MAX_KEPT {
            table.clear();
        }
        work(table.entry(name.to_owned()).or_default())
    }
}

impl Call<'_> {
    /// Runs it. `captured` and `args` are as many as it has parameters. The arguments are taken.
    pub(super) fn run(
        mut self,
        engine: &Engine,
        host: &Host,
        captured: &[Dynamic],
        args: &mut [Arg],
    ) -> Result<Dynamic, Fault> {
        let result = self.frame.call(engine, &self.function, self.bodies, host, captured, args);
        // After an error the variables may not be as they were.
        if result.is_ok() {
            self.bodies.keep(self.kind, &self.function, self.frame);
        }
        result
    }
}

/// How the functions of a script that is loaded are called; tests compare all ways.
#[cfg(not(test))]
pub(super) fn way() -> Way {
    Way::Left
}

#[cfg(test)]
pub(super) use tests::{by, way};

#[cfg(test)]
mod tests;
