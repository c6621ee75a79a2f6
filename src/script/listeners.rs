//! `Listeners`: the listeners that a script opened, and their handlers for the connections they accept from then on.
//!
//! Owns the addresses of listeners whose name is being resolved. Binds nothing: the driver does.

use std::cell::OnceCell;
use std::collections::{HashMap, VecDeque};
use std::rc::Rc;

use rhai::FnPtr;

use crate::endpoint::Address;
use crate::script::check::Hook;
use crate::script::own::Handlers;
use crate::script::tasks::TaskId;
use crate::session::{ConnError, ConnView, ListenerId};

/// Listeners with the handlers assigned to `listener.on_data` and the like.
#[derive(Debug, Default)]
pub(super) struct Listeners {
    handlers: HashMap<ListenerId, Rc<Handlers>>,
    /// Addresses of listeners that are not bound yet, shared with the script's values.
    pending: HashMap<ListenerId, Rc<OnceCell<Address>>>,
    /// Tasks that wait until a listener is bound, and why one cannot be.
    awaited: HashMap<ListenerId, (TaskId, Option<ConnError>)>,
    /// Listeners that tasks have opened.
    of_tasks: HashMap<ListenerId, Accepting>,
}

/// A listener whose connections tasks ask for.
#[derive(Debug, Default)]
struct Accepting {
    /// Accepted connections that nobody has asked for yet.
    conns: VecDeque<Rc<ConnView>>,
    /// Tasks that wait for one.
    waiters: VecDeque<TaskId>,
    is_closed: bool,
}

impl Listeners {
    /// Adds a listener. Returns its shared address, which is empty until it is bound.
    pub(super) fn open(&mut self, listener: ListenerId, address: Option<Address>) -> Rc<OnceCell<Address>> {
        let place = Rc::new(OnceCell::new());
        match address {
            Some(address) => drop(place.set(address)),
            None => drop(self.pending.insert(listener, Rc::clone(&place))),
        }
        place
    }

    /// Sets the address of a listener that is bound now.
    pub(super) fn bound(&mut self, listener: ListenerId, address: Address) -> Rc<OnceCell<Address>> {
        let place = self.pending.remove(&listener).unwrap_or_default();
        let _ = place.set(address);
        place
    }

    /// Whether it is not bound yet, because its name is being resolved.
    pub(super) fn is_pending(&self, listener: ListenerId) -> bool {
        self.pending.contains_key(&listener)
    }

    /// A task waits until a listener is bound.
    pub(super) fn await_bound(&mut self, listener: ListenerId, task: TaskId) {
        self.awaited.insert(listener, (task, None));
    }

    /// The task that waits until a listener is bound.
    pub(super) fn awaited_by(&self, listener: ListenerId) -> Option<TaskId> {
        self.awaited.get(&listener).map(|(task, _)| *task)
    }

    /// Ends the wait for a listener. Returns why it cannot be had, if so.
    pub(super) fn take_trouble(&mut self, listener: ListenerId) -> Option<ConnError> {
        self.awaited.remove(&listener)?.1
    }

    /// Removes a listener that will not be bound. Returns the task that waits for it, which is told why.
    pub(super) fn failed(&mut self, listener: ListenerId, trouble: &ConnError) -> Option<TaskId> {
        self.give_up(listener);
        let (task, known) = self.awaited.get_mut(&listener)?;
        *known = Some(trouble.clone());
        Some(*task)
    }

    /// Makes it a listener whose connections tasks ask for.
    pub(super) fn give_to_tasks(&mut self, listener: ListenerId) {
        self.of_tasks.entry(listener).or_default();
        Rc::make_mut(self.handlers.entry(listener).or_default()).stand_alone();
    }

    /// Whether tasks ask for its connections: it has no handlers.
    pub(super) fn is_of_tasks(&self, listener: ListenerId) -> bool {
        let has_own = |handlers: &Rc<Handlers>| handlers.has_own();
        self.of_tasks.contains_key(&listener) && !self.handlers.get(&listener).is_some_and(has_own)
    }

    /// Takes an accepted connection for a task. Returns the first one that waits.
    pub(super) fn accepted(&mut self, listener: ListenerId, conn: &Rc<ConnView>) -> Option<TaskId> {
        let accepting = self.of_tasks.get_mut(&listener)?;
        accepting.conns.push_back(Rc::clone(conn));
        accepting.waiters.front().copied()
    }

    /// Takes a connection that was accepted before.
    pub(super) fn take_accepted(&mut self, listener: ListenerId) -> Option<Rc<ConnView>> {
        self.of_tasks.get_mut(&listener)?.conns.pop_front()
    }

    /// Adds a task that waits for a connection; the first one gets it.
    pub(super) fn add_waiter(&mut self, listener: ListenerId, task: TaskId) {
        if let Some(accepting) = self.of_tasks.get_mut(&listener) {
            accepting.waiters.push_back(task);
        }
    }

    /// Removes a task that waits no more. Returns the next one that waits, if there is a connection for it.
    pub(super) fn remove_waiter(&mut self, listener: ListenerId, task: TaskId) -> Option<TaskId> {
        let accepting = self.of_tasks.get_mut(&listener)?;
        accepting.waiters.retain(|known| *known != task);
        accepting.waiters.front().copied().filter(|_| !accepting.conns.is_empty())
    }

    /// Notes that a listener is closed. Returns the tasks that wait at it.
    pub(super) fn closed(&mut self, listener: ListenerId) -> Vec<TaskId> {
        self.give_up(listener);
        self.of_tasks.get_mut(&listener).map_or_else(Vec::new, |accepting| {
            accepting.is_closed = true;
            accepting.waiters.iter().copied().collect()
        })
    }

    /// Whether a listener of tasks is closed.
    pub(super) fn is_closed(&self, listener: ListenerId) -> bool {
        self.of_tasks.get(&listener).is_some_and(|accepting| accepting.is_closed)
    }

    /// Removes a listener that will not be bound.
    pub(super) fn give_up(&mut self, listener: ListenerId) {
        self.pending.remove(&listener);
    }

    /// Sets a handler of a listener, for the connections it accepts from now on. Returns a handler of received data that
    /// would stand beside a session; then nothing is set.
    pub(super) fn set(&mut self, listener: ListenerId, hook: Hook, call: FnPtr) -> Option<Hook> {
        let handlers = self.handlers.entry(listener).or_default();
        let mut changed = Handlers::clone(handlers);
        changed.set(hook, call);
        let beside = changed.beside_session();
        if beside.is_none() {
            *handlers = Rc::new(changed);
        }
        beside
    }

    /// The handlers of a listener, if it has any.
    pub(super) fn handlers(&self, listener: ListenerId) -> Option<Rc<Handlers>> {
        self.handlers.get(&listener).cloned()
    }
}
