//! `Host`: state shared by the functions of a script, and the limits of a running call.
//!
//! Owns the commands of the running call, its limits of time and memory and the order to stop it, and what a script keeps
//! between calls: timers, listeners, expectations and the list of connections. Does not call handlers.

mod functions;
mod servers;
mod streams;
mod tasks;

use std::cell::{Cell, OnceCell, RefCell, RefMut};
use std::collections::{BTreeMap, HashMap};
use std::fmt;
use std::mem;
use std::rc::{Rc, Weak};
use std::time::{Duration, Instant};

use rhai::{Dynamic, EvalAltResult, Position};

use crate::config::Text;
use crate::endpoint::{Address, Endpoint};
use crate::error::Result;
use crate::script::api::conn::Listener;
use crate::script::asking::{Asking, StdinUse};
use crate::script::body::Got;
use crate::script::check::{Hook, Hooks};
use crate::script::clients::Progress;
use crate::script::expecting::Stream;
use crate::script::listeners::Listeners;
use crate::script::own::Handlers;
use crate::script::program::Program;
use crate::script::servers::Servers;
use crate::script::suite::Notes;
use crate::script::tasks::{Parking, Patience, TaskId, Tasks};
use crate::script::timers::{Timer, TimerId, Timers};
use crate::session::{Command, ConnId, ConnIds, ConnView, ListenerId, Numbered};
use crate::sys::{interrupts, memory};

/// Why a call was stopped from outside the script; `try`/`catch` cannot catch it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Stopped {
    /// Its time limit has passed.
    TimedOut,
    /// The time limit of the run has passed.
    RunOver,
    /// It has allocated too much memory.
    TooLarge,
    /// It called `exit(code)`.
    Exit(u8),
    /// It called `skip()`.
    Skipped,
    /// It is a task, and another one or the end of the run has ended it.
    Cancelled,
}

/// Opens a listener; the flag: it accepts on demand ([`Command::Accept`]). Returns its address if it is bound already; a name is resolved first.
pub type Binder = Box<dyn Fn(&Endpoint, bool) -> Result<(ListenerId, Option<Address>)>>;

/// The settings of the run for the script's own connections and listeners.
pub struct RunContext {
    /// Source of connection numbers.
    pub ids: ConnIds,
    /// The text settings of a new connection.
    pub text: Text,
    /// `TCP_NODELAY` of a new connection.
    pub nodelay: bool,
    /// Maximum connections that the script may have made at a time.
    pub max_connects: usize,
    /// Opens listeners; `None`: not possible here.
    pub bind: Option<Binder>,
    /// Whose stdin is.
    pub stdin: StdinUse,
}

/// The clock that timers and the ages of connections go by.
#[derive(Clone)]
pub struct ScriptClock(Rc<dyn Fn() -> Instant>);

impl ScriptClock {
    /// A clock that shows what `now` returns.
    pub fn new(now: impl Fn() -> Instant + 'static) -> Self {
        Self(Rc::new(now))
    }

    /// What it shows.
    pub(super) fn now(&self) -> Instant {
        (self.0)()
    }
}

impl Default for ScriptClock {
    /// The system's.
    fn default() -> Self {
        Self::new(Instant::now)
    }
}

impl fmt::Debug for ScriptClock {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("ScriptClock").finish()
    }
}

impl fmt::Debug for RunContext {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("RunContext").field("ids", &self.ids).finish_non_exhaustive()
    }
}

/// A connection with handlers of its own.
#[derive(Debug)]
struct Owned {
    /// Of one that is made by the script.
    view: Option<Weak<ConnView>>,
    handlers: Rc<Handlers>,
}

/// Shared by all functions registered with one engine.
#[derive(Debug)]
pub(super) struct Host {
    commands: RefCell<Vec<Command>>,
    timeout: Duration,
    clock: ScriptClock,
    /// The first reading of the clock in this call.
    began: Cell<Option<Instant>>,
    /// Allocated bytes of this thread above which the call is stopped.
    ceiling: Cell<isize>,
    stopped: Cell<Option<Stopped>>,
    random: RefCell<fastrand::Rng>,
    loading: Cell<bool>,
    timers: RefCell<Timers>,
    loaded_timers: RefCell<Vec<TimerId>>,
    conns: RefCell<BTreeMap<ConnId, Rc<ConnView>>>,
    /// Connections with a cutting of the script, or with expectations.
    streams: RefCell<Numbered<Stream>>,
    /// The handlers of the script.
    hooks: Cell<Hooks>,
    /// Connections with handlers of their own.
    owned: RefCell<Numbered<Owned>>,
    /// Numbers of parameters of each function, as a bit set.
    parameters: RefCell<HashMap<String, u64>>,
    /// Connections that the script has made; those that are over are removed when there are too many.
    made: RefCell<Vec<Weak<ConnView>>>,
    /// The connection whose expectation is being told that the stream has ended.
    telling_end: Cell<Option<ConnId>>,
    /// The time limit of the run.
    run_until: Cell<Option<Instant>>,
    run_is_over: Cell<bool>,
    /// Operations of the running call. Rhai's own count begins again in every closure that a native function calls.
    operations: Cell<u64>,
    /// Number of signals during a call that end the process at once.
    signal_limit: Cell<usize>,
    listeners: RefCell<Listeners>,
    tasks: RefCell<Tasks>,
    /// What is counted with many runs of `main`.
    progress: RefCell<Option<Progress>>,
    /// The version of the script that handlers are called in.
    program: RefCell<Weak<Program>>,
    /// The task that is running.
    task: Cell<Option<TaskId>>,
    /// Calls of the running task that had nothing to wait for, since it last waited.
    unwaited: Cell<u32>,
    /// Of the running call.
    parking: Cell<Parking>,
    patience: Cell<Patience>,
    /// What the last call has given whose value is used next.
    got: RefCell<Got>,
    /// The test that the script runs for.
    test: OnceCell<Rc<Notes>>,
    context: RefCell<RunContext>,
    asking: Asking,
    /// The scripts of its listeners.
    servers: RefCell<Servers>,
    /// What they take over from this one.
    origin: RefCell<Option<servers::Origin>>,
    /// How deep it is a script of a listener itself.
    depth: Cell<usize>,
}

impl Host {
    /// A host whose script is still loading; without a seed, random numbers differ each time.
    pub(super) fn new(timeout: Duration, seed: Option<u64>, clock: ScriptClock) -> Rc<Self> {
        Rc::new(Self {
            commands: RefCell::default(),
            timeout,
            clock,
            began: Cell::new(None),
            ceiling: Cell::new(isize::MAX),
            stopped: Cell::new(None),
            random: RefCell::new(seed.map_or_else(fastrand::Rng::new, fastrand::Rng::with_seed)),
            loading: Cell::new(true),
            timers: RefCell::default(),
            loaded_timers: RefCell::default(),
            conns: RefCell::default(),
            streams: RefCell::default(),
            hooks: Cell::default(),
            owned: RefCell::default(),
            parameters: RefCell::default(),
            made: RefCell::default(),
            telling_end: Cell::new(None),
            run_until: Cell::new(None),
            run_is_over: Cell::new(false),
            operations: Cell::new(0),
            signal_limit: Cell::new(2),
            listeners: RefCell::default(),
            tasks: RefCell::default(),
            progress: RefCell::default(),
            program: RefCell::default(),
            task: Cell::new(None),
            unwaited: Cell::new(0),
            parking: Cell::default(),
            patience: Cell::default(),
            got: RefCell::default(),
            asking: Asking::default(),
            servers: RefCell::default(),
            origin: RefCell::default(),
            depth: Cell::new(0),
            test: OnceCell::new(),
            context: RefCell::new(RunContext {
                ids: ConnIds::default(),
                text: Text::default(),
                nodelay: true,
                max_connects: usize::MAX,
                bind: None,
                stdin: StdinUse::default(),
            }),
        })
    }

    /// Whether the top level of the script is running.
    pub(super) fn is_loading(&self) -> bool {
        self.loading.get()
    }

    /// Sets whether the top level of the script is running.
    pub(super) fn set_loading(&self, loading: bool) {
        self.loading.set(loading);
    }

    /// The timers.
    pub(super) fn timers(&self) -> RefMut<'_, Timers> {
        self.timers.borrow_mut()
    }

    /// The time that timers and the ages of connections go by.
    pub(super) fn now(&self) -> Instant {
        self.clock.now()
    }

    /// Starts a timer.
    pub(super) fn start(&self, at: Instant, timer: Timer) -> TimerId {
        let id = self.timers().start(at, timer);
        if self.is_loading() {
            self.loaded_timers.borrow_mut().push(id);
        }
        id
    }

    /// Takes the list of timers that the top level has started.
    pub(super) fn take_loaded_timers(&self) -> Vec<TimerId> {
        self.loaded_timers.take()
    }

    /// Puts back the list of timers that the top level has started.
    pub(super) fn put_loaded_timers(&self, timers: Vec<TimerId>) {
        self.loaded_timers.replace(timers);
    }

    /// Stops timers.
    pub(super) fn cancel(&self, timers: &[TimerId]) {
        for id in timers {
            self.timers().cancel(*id);
        }
    }

    /// Stops a timer for the script. Returns whether it was running.
    pub(super) fn cancel_asked(&self, timer: TimerId) -> bool {
        let Some(timer) = self.timers().cancel(timer) else { return false };
        // The end of its connection may have waited for it.
        self.extend(timer.conn.map(|conn| Command::Unhold(conn.id)));
        true
    }

    /// Adds an established connection to the list.
    pub(super) fn opened(&self, conn: &Rc<ConnView>) {
        self.conns.borrow_mut().insert(conn.id, Rc::clone(conn));
    }

    /// Removes a closed connection with its timers and expectations.
    pub(super) fn closed(&self, conn: &ConnView) {
        self.conns.borrow_mut().remove(&conn.id);
        self.timers().cancel_of(conn.id);
        self.streams.borrow_mut().remove(&conn.id);
        self.disown(conn);
    }

    /// Whether a connection is in the list.
    pub(super) fn is_known(&self, conn: &ConnView) -> bool {
        self.conns.borrow().contains_key(&conn.id)
    }

    /// The handlers of a connection's own. Those of its listener are taken as they are when it is accepted.
    #[inline]
    pub(super) fn own(&self, conn: &ConnView) -> Option<Rc<Handlers>> {
        let listener = conn.info.listener();
        if listener.is_none() && self.owned.borrow().is_empty() { None } else { self.look_for_own(conn, listener) }
    }

    fn look_for_own(&self, conn: &ConnView, listener: Option<ListenerId>) -> Option<Rc<Handlers>> {
        let mut owned = self.owned.borrow_mut();
        if let Some(owned) = owned.get(&conn.id) {
            return Some(Rc::clone(&owned.handlers));
        }
        let handlers = self.listeners().handlers(listener?)?;
        owned.insert(conn.id, Owned { view: None, handlers: Rc::clone(&handlers) });
        Some(handlers)
    }

    /// Gives a connection that is to be made handlers of its own.
    pub(super) fn give_handlers(&self, conn: &Rc<ConnView>, handlers: Handlers) {
        let mut owned = self.owned.borrow_mut();
        // One that was given up while it was being made has no last event.
        if owned.len() == owned.capacity() {
            owned.retain(|_, owned| owned.view.as_ref().is_none_or(|view| view.strong_count() > 0));
        }
        owned.insert(conn.id, Owned { view: Some(Rc::downgrade(conn)), handlers: Rc::new(handlers) });
    }

    /// Forgets the handlers of a connection's own.
    pub(super) fn disown(&self, conn: &ConnView) {
        self.owned.borrow_mut().remove(&conn.id);
    }

    /// Sets the context of the run.
    pub(super) fn set_context(&self, context: RunContext) {
        *self.context.borrow_mut() = context;
    }

    /// The script's listeners and their handlers.
    pub(super) fn listeners(&self) -> RefMut<'_, Listeners> {
        self.listeners.borrow_mut()
    }

    /// Makes the view of a connection that is to be made. `Err`: the script has made too many, with the limit.
    pub(super) fn dialing(&self, target: &Endpoint, nodelay: Option<bool>) -> std::result::Result<Rc<ConnView>, usize> {
        let context = self.context.borrow();
        let mut made = self.made.borrow_mut();
        // At each growth, too: what is over must not keep its memory.
        if made.len() >= context.max_connects || made.len() == made.capacity() {
            made.retain(|view| view.upgrade().is_some_and(|view| view.info.is_open()));
        }
        if made.len() >= context.max_connects {
            return Err(context.max_connects);
        }
        let view = ConnView::dialing(context.ids.next(), target, &context.text, self.now());
        let view = Rc::new(view.with_nodelay(nodelay.unwrap_or(context.nodelay)));
        made.push(Rc::downgrade(&view));
        Ok(view)
    }

    /// Opens a listener.
    pub(super) fn bind(&self, endpoint: &Endpoint) -> Result<Listener> {
        let (id, address) = self.bind_for(endpoint, self.task.get().is_some())?;
        let mut listeners = self.listeners();
        if let Some(task) = self.task.get() {
            listeners.give_to_tasks(id);
            self.tasks.borrow_mut().note_listener(task, id);
        }
        Ok(Listener::new(Some(id), listeners.open(id, address)))
    }

    /// Sets the test that the script runs for.
    pub(super) fn set_test(&self, notes: Rc<Notes>) {
        let _ = self.test.set(notes);
    }

    /// The test that the script runs for.
    pub(super) fn test(&self) -> Option<&Rc<Notes>> {
        self.test.get()
    }

    /// Sets the handlers of the script.
    pub(super) fn set_hooks(&self, hooks: Hooks) {
        self.hooks.set(hooks);
    }

    /// Whether the script measures frames.
    pub(super) fn measures(&self) -> bool {
        self.hooks.get().has(Hook::FrameSize)
    }

    /// The handlers of the script.
    pub(super) fn hooks(&self) -> Hooks {
        self.hooks.get()
    }

    /// Whether a connection has a handler, its own or the script's.
    pub(super) fn has(&self, conn: &ConnView, hook: Hook) -> bool {
        let hooks = self.hooks.get();
        self.own(conn).map_or_else(|| hooks.has(hook), |own| own.has(hook, &hooks))
    }

    /// All established connections, the oldest first.
    pub(super) fn conns(&self) -> impl Iterator<Item = Rc<ConnView>> + use<> {
        self.conns.borrow().values().cloned().collect::<Vec<_>>().into_iter()
    }

    /// Sets the time limit of the run, at which a running call is stopped.
    pub(super) fn set_run_until(&self, until: Option<Instant>) {
        self.run_until.set(until);
    }

    /// The time limit of the run.
    pub(super) fn run_until(&self) -> Option<Instant> {
        self.run_until.get()
    }

    /// Notes that the run is ending: the next signal ends the process at once, also during a call.
    pub(super) fn set_ending(&self) {
        self.signal_limit.set(1);
        self.run_until.set(None);
    }

    /// Time limit of one call.
    pub(super) fn timeout(&self) -> Duration {
        self.timeout
    }

    /// Adds a command to those of the running call.
    pub(super) fn push(&self, command: Command) {
        self.commands.borrow_mut().push(command);
    }

    /// Adds a command, if there is one, to those of the running call.
    pub(super) fn extend(&self, command: Option<Command>) {
        self.commands.borrow_mut().extend(command);
    }

    /// The text settings of new connections.
    pub(super) fn text(&self) -> Text {
        self.context.borrow().text
    }

    /// Runs one turn of a task, as a call. `growth`: what it has allocated in its turns before. Returns that with this turn's.
    pub(super) fn run_task<R>(
        &self,
        out: &mut Vec<Command>,
        growth: isize,
        turn: impl FnOnce() -> R,
    ) -> ((R, isize), Option<Stopped>) {
        self.unwaited.set(0);
        // A panic may have left it.
        self.parking.set(Parking::Never);
        let before = memory::held();
        let call = || {
            self.ceiling.set(before.saturating_add(MAX_GROWTH).saturating_sub(growth));
            let result = turn();
            (result, growth + memory::held() - before)
        };
        self.run(out, call)
    }

    /// Runs a call with new limits; its commands are appended to `out`.
    pub(super) fn run<R>(&self, out: &mut Vec<Command>, call: impl FnOnce() -> R) -> (R, Option<Stopped>) {
        self.began.set(None);
        self.operations.set(0);
        let outer = interrupts::begin_call(self.signal_limit.get());
        self.ceiling.set(memory::held().saturating_add(MAX_GROWTH));
        self.stopped.set(None);
        // Those of the call around it wait in `out`.
        mem::swap(&mut *self.commands.borrow_mut(), out);
        let result = call();
        interrupts::end_call(outer);
        mem::swap(&mut *self.commands.borrow_mut(), out);
        self.ceiling.set(isize::MAX);
        (result, self.stopped.take())
    }

    /// Uses the script's random number generator.
    pub(super) fn random<R>(&self, take: impl FnOnce(&mut fastrand::Rng) -> R) -> R {
        take(&mut self.random.borrow_mut())
    }

    /// For native functions that take long: an error that ends the call once a limit is reached.
    pub(super) fn check(&self) -> std::result::Result<(), Box<EvalAltResult>> {
        self.look().map_or(Ok(()), |token| Err(EvalAltResult::ErrorTerminated(token, Position::NONE).into()))
    }

    /// For native functions that make much, before they do: an error that ends the call if `bytes` more are too many.
    pub(super) fn reserve(&self, bytes: usize) -> std::result::Result<(), Box<EvalAltResult>> {
        let after = memory::held().saturating_add(isize::try_from(bytes).unwrap_or(isize::MAX));
        if after > self.ceiling.get() && self.stopped.get().is_none() {
            self.stop(Stopped::TooLarge);
        }
        self.check()
    }

    /// Why the running call is stopped.
    pub(super) fn stopped(&self) -> Option<Stopped> {
        self.stopped.get()
    }

    /// Stops the running call.
    pub(super) fn stop(&self, stopped: Stopped) {
        self.stopped.set(Some(stopped));
        // From now on every operation is checked.
        self.ceiling.set(isize::MIN);
    }

    /// Whether the running call was stopped.
    pub(super) fn is_stopped(&self) -> bool {
        self.stopped.get().is_some()
    }

    /// Called by the engine for every operation. Once a call is stopped, every further operation fails again: a native
    /// function that wraps the error of its callback would make it catchable otherwise.
    #[inline]
    pub(super) fn progress(&self) -> Option<Dynamic> {
        let operations = self.operations.get().wrapping_add(1);
        self.operations.set(operations);
        if operations & (OPERATIONS_PER_LOOK - 1) != 0 && memory::held() <= self.ceiling.get() {
            return None;
        }
        self.look()
    }

    #[cold]
    fn look(&self) -> Option<Dynamic> {
        if memory::held() > self.ceiling.get() && self.stopped.get().is_none() {
            self.stop(Stopped::TooLarge);
        }
        self.look_at_the_clock()
    }

    #[cold]
    fn look_at_the_clock(&self) -> Option<Dynamic> {
        if self.stopped.get().is_some() {
            return Some(Dynamic::UNIT);
        }
        let now = Instant::now();
        if self.run_until.get().is_some_and(|until| until <= now) {
            self.run_is_over.set(true);
            self.stop(Stopped::RunOver);
            return Some(Dynamic::UNIT);
        }
        match self.began.get() {
            None => self.began.set(Some(now)),
            Some(began) if now.duration_since(began) < self.timeout => {}
            Some(_) => {
                self.stop(Stopped::TimedOut);
                return Some(Dynamic::UNIT);
            }
        }
        None
    }
}

/// Operations between two readings of the clock (a power of two): reading it each time costs a fifth of the throughput of
/// a short handler, and one operation on a value of maximum size takes up to 0.1 s.
const OPERATIONS_PER_LOOK: u64 = 16;

/// Maximum bytes a call may allocate beyond what the thread held when it began. What earlier calls left in `app` is not
/// counted.
pub(super) const MAX_GROWTH: isize = 256 << 20;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn commands_go_behind_those_that_are_there() {
        let host = Host::new(Duration::from_secs(1), None, ScriptClock::default());
        let mut out = vec![Command::Print("a".into())];
        host.run(&mut out, || host.push(Command::Print("b".into())));
        assert_eq!(out, [Command::Print("a".into()), Command::Print("b".into())]);
        assert!(host.commands.take().is_empty());
    }

    #[test]
    fn the_clock_is_left_alone_in_short_calls() {
        let host = Host::new(Duration::ZERO, None, ScriptClock::default());
        assert!((1..16).all(|_| host.progress().is_none()));
        assert!(host.progress().is_none(), "the first reading only starts the clock");
        assert!((17..32).all(|_| host.progress().is_none()));
        assert!(host.progress().is_some());
        assert!(host.progress().is_some(), "from then on every operation fails");
    }

    #[test]
    fn a_stopped_call_refuses_every_operation_and_the_next_one_begins_afresh() {
        let host = Host::new(Duration::from_secs(1), None, ScriptClock::default());
        let call = || {
            host.stop(Stopped::Exit(3));
            (1..40).all(|_| host.progress().is_some())
        };
        assert_eq!(host.run(&mut Vec::new(), call), (true, Some(Stopped::Exit(3))));
        assert_eq!(host.run(&mut Vec::new(), || host.progress().is_none()), (true, None));
    }
}
