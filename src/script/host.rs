//! `Host`: what a script's functions may reach while a call runs, and what stops a call that runs too long.
//!
//! Owns the list of commands being filled, the clock of the running call and the order to stop it, and what a
//! script keeps between calls: timers and the list of connections. Knows nothing about handlers.

use std::cell::{Cell, RefCell, RefMut};
use std::collections::{BTreeMap, HashMap, VecDeque};
use std::fmt;
use std::mem;
use std::rc::Rc;
use std::time::{Duration, Instant};

use rhai::{Dynamic, EvalAltResult, Position};

use crate::config::Text;
use crate::endpoint::{Address, Endpoint};
use crate::error::{Error, Result};
use crate::script::api::conn::Listener;
use crate::script::check::Hook;
use crate::script::expecting::{Expectation, Found, Stream};
use crate::script::listeners::Listeners;
use crate::script::timers::{Timer, TimerId, Timers};
use crate::session::{ChosenForm, Command, ConnId, ConnIds, ConnView, ListenerId};
use crate::sys::{interrupts, memory};

/// Why a call was stopped from outside the script. `try`/`catch` cannot hold it back.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Stopped {
    /// It ran out of its time.
    TimedOut,
    /// The time of the whole run is up.
    RunOver,
    /// It took too much memory.
    TooLarge,
    /// It called `exit(code)`.
    Exit(u8),
}

/// Opens a listener and says where it is, if it is bound already: a name is resolved first.
pub type Binder = Box<dyn Fn(&Endpoint) -> Result<(ListenerId, Option<Address>)>>;

/// What a run gives to its script.
pub struct RunContext {
    /// The row of connection numbers.
    pub ids: ConnIds,
    /// The text settings of a new connection.
    pub text: Text,
    /// `TCP_NODELAY` of a new connection.
    pub nodelay: bool,
    /// Binds a listener.
    pub bind: Option<Binder>,
}

/// The clock that timers and the ages of connections go by.
#[derive(Clone)]
pub struct ScriptClock(Rc<dyn Fn() -> Instant>);

impl ScriptClock {
    /// A clock that shows what `now` returns.
    pub fn new(now: impl Fn() -> Instant + 'static) -> Self {
        Self(Rc::new(now))
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

/// Shared by everything that is registered with one engine.
#[derive(Debug)]
pub(super) struct Host {
    commands: RefCell<Vec<Command>>,
    timeout: Duration,
    clock: ScriptClock,
    /// When the clock was first looked at in this call.
    began: Cell<Option<Instant>>,
    /// What this thread may hold before the call is stopped.
    ceiling: Cell<isize>,
    stopped: Cell<Option<Stopped>>,
    random: RefCell<fastrand::Rng>,
    loading: Cell<bool>,
    timers: RefCell<Timers>,
    loaded_timers: RefCell<Vec<TimerId>>,
    conns: RefCell<BTreeMap<ConnId, Rc<ConnView>>>,
    /// Connections whose stream the script cuts, or of which it expects something.
    streams: RefCell<HashMap<ConnId, Stream>>,
    takes_lines: Cell<bool>,
    takes_frames: Cell<bool>,
    /// When the run is over, whatever a call does.
    run_until: Cell<Option<Instant>>,
    /// How many signals had come when the call began, and how many more end the process at once.
    signals: Cell<usize>,
    patience: Cell<usize>,
    listeners: RefCell<Listeners>,
    context: RefCell<RunContext>,
}

impl Host {
    /// A host whose script is still loading; without a seed, chance is different each time.
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
            takes_lines: Cell::new(false),
            takes_frames: Cell::new(false),
            run_until: Cell::new(None),
            signals: Cell::new(0),
            patience: Cell::new(2),
            listeners: RefCell::default(),
            context: RefCell::new(RunContext {
                ids: ConnIds::default(),
                text: Text::default(),
                nodelay: true,
                bind: None,
            }),
        })
    }

    /// Whether the top level of the script is being run.
    pub(super) fn is_loading(&self) -> bool {
        self.loading.get()
    }

    /// The top level of the script is being run, or not any more.
    pub(super) fn set_loading(&self, loading: bool) {
        self.loading.set(loading);
    }

    /// The callbacks for later.
    pub(super) fn timers(&self) -> RefMut<'_, Timers> {
        self.timers.borrow_mut()
    }

    /// The time that timers and the ages of connections go by.
    pub(super) fn now(&self) -> Instant {
        (self.clock.0)()
    }

    /// Starts a timer.
    pub(super) fn start(&self, at: Instant, timer: Timer) -> TimerId {
        let id = self.timers().start(at, timer);
        if self.is_loading() {
            self.loaded_timers.borrow_mut().push(id);
        }
        id
    }

    /// The timers that the top level has started.
    pub(super) fn take_loaded_timers(&self) -> Vec<TimerId> {
        self.loaded_timers.take()
    }

    /// The timers that the top level has started are these.
    pub(super) fn put_loaded_timers(&self, timers: Vec<TimerId>) {
        self.loaded_timers.replace(timers);
    }

    /// Stops timers.
    pub(super) fn cancel(&self, timers: &[TimerId]) {
        for id in timers {
            self.timers().cancel(*id);
        }
    }

    /// A connection stands: it is one of all.
    pub(super) fn opened(&self, conn: &Rc<ConnView>) {
        self.conns.borrow_mut().insert(conn.id, Rc::clone(conn));
    }

    /// A connection is over, and its timers with it.
    pub(super) fn closed(&self, conn: &ConnView) {
        self.conns.borrow_mut().remove(&conn.id);
        self.timers().cancel_of(conn.id);
        self.streams.borrow_mut().remove(&conn.id);
    }

    /// What the run gives to its script.
    pub(super) fn set_context(&self, context: RunContext) {
        *self.context.borrow_mut() = context;
    }

    /// The handlers of listeners.
    pub(super) fn listeners(&self) -> RefMut<'_, Listeners> {
        self.listeners.borrow_mut()
    }

    /// The view of a connection that is yet to be made; with the run's `TCP_NODELAY` unless said.
    pub(super) fn dialing(&self, target: &Endpoint, nodelay: Option<bool>) -> Rc<ConnView> {
        let context = self.context.borrow();
        let view = ConnView::dialing(context.ids.next(), target, &context.text, self.now());
        Rc::new(view.with_nodelay(nodelay.unwrap_or(context.nodelay)))
    }

    /// Opens a listener.
    pub(super) fn bind(&self, endpoint: &Endpoint) -> Result<Listener> {
        let (id, address) = match &self.context.borrow().bind {
            Some(bind) => bind(endpoint)?,
            None => return Err(Error::usage("nothing can be listened on here")),
        };
        Ok(Listener::new(Some(id), self.listeners().open(id, address)))
    }

    /// Whether somebody takes the lines of a connection: the script, or the listener that accepted it.
    pub(super) fn takes_lines(&self, conn: &ConnView) -> bool {
        self.takes_lines.get()
            || conn.info.listener().is_some_and(|listener| self.listeners().has(listener, Hook::Line))
    }

    /// Whether the script has `on_line`, and whether it has `on_frame` or `on_data`.
    pub(super) fn set_takes(&self, lines: bool, frames: bool) {
        self.takes_lines.set(lines);
        self.takes_frames.set(frames);
    }

    /// Whether somebody takes the frames of a connection: the script, or the listener that accepted it.
    pub(super) fn takes_frames(&self, conn: &ConnView) -> bool {
        let of_listener = |listener| {
            let listeners = self.listeners();
            listeners.has(listener, Hook::Frame) || listeners.has(listener, Hook::Data)
        };
        self.takes_frames.get() || conn.info.listener().is_some_and(of_listener)
    }

    /// Changes the form of a connection's received bytes: at once, or when nothing is expected of it any more.
    pub(super) fn choose_form(&self, conn: &ConnView, chosen: Option<ChosenForm>) {
        if !conn.info.is_open() {
            return;
        }
        let mut streams = self.streams.borrow_mut();
        let stream = streams.entry(conn.id).or_default();
        stream.chosen.clone_from(&chosen);
        if stream.expected.is_empty() {
            self.push(Command::SetForm(conn.id, chosen));
        }
    }

    /// Expects something of a connection, after what it is expected already.
    pub(super) fn expect(&self, conn: &ConnView, expectation: Expectation) {
        let mut streams = self.streams.borrow_mut();
        let stream = streams.entry(conn.id).or_default();
        stream.expected.push_back(expectation);
        if stream.expected.len() == 1 {
            self.push(Command::SetForm(conn.id, stream.form()));
        }
    }

    /// Whether something is expected of a connection.
    pub(super) fn is_expecting(&self, conn: &ConnView) -> bool {
        self.streams.borrow().get(&conn.id).is_some_and(|stream| !stream.expected.is_empty())
    }

    /// What is expected first, if it is in these bytes; it is expected no more then.
    pub(super) fn take_found(&self, conn: &ConnView, bytes: &[u8]) -> Option<(Expectation, Found)> {
        let mut streams = self.streams.borrow_mut();
        let stream = streams.get_mut(&conn.id)?;
        let found = stream.expected.front()?.pattern.find(bytes, conn)?;
        let expectation = stream.expected.pop_front()?;
        if let Some(timer) = expectation.timer {
            self.timers().cancel(timer);
        }
        Some((expectation, found))
    }

    /// Everything that is expected; nothing is any more.
    pub(super) fn take_expected(&self, conn: &ConnView) -> VecDeque<Expectation> {
        let expected = self.streams.borrow_mut().get_mut(&conn.id).map(|stream| mem::take(&mut stream.expected));
        let expected = expected.unwrap_or_default();
        for timer in expected.iter().filter_map(|expectation| expectation.timer) {
            self.timers().cancel(timer);
        }
        expected
    }

    /// The time of what was expected is up: it is expected no more.
    pub(super) fn take_overdue(&self, conn: &ConnView, timer: TimerId) -> Option<Expectation> {
        let mut streams = self.streams.borrow_mut();
        let expected = &mut streams.get_mut(&conn.id)?.expected;
        let at = expected.iter().position(|expectation| expectation.timer == Some(timer))?;
        expected.remove(at)
    }

    /// Sets the form for what is expected next; if that is nothing, the chosen one.
    pub(super) fn apply_form(&self, conn: &ConnView, out: &mut Vec<Command>) {
        if let Some(stream) = self.streams.borrow().get(&conn.id) {
            let wanted = Command::SetForm(conn.id, stream.form());
            if out.last() != Some(&wanted) {
                out.push(wanted);
            }
        }
    }

    /// All connections that stand, the oldest first.
    pub(super) fn conns(&self) -> impl Iterator<Item = Rc<ConnView>> + use<> {
        self.conns.borrow().values().cloned().collect::<Vec<_>>().into_iter()
    }

    /// When the whole run is over: a call is stopped then.
    pub(super) fn set_run_until(&self, until: Option<Instant>) {
        self.run_until.set(until);
    }

    /// The run is ending: the next signal ends the process at once, also in the middle of a call.
    pub(super) fn set_ending(&self) {
        self.patience.set(1);
        self.run_until.set(None);
    }

    /// How long one call may run.
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

    /// Runs a call with a fresh clock; the commands it pushes go behind those in `out`.
    pub(super) fn run<R>(&self, out: &mut Vec<Command>, call: impl FnOnce() -> R) -> (R, Option<Stopped>) {
        self.began.set(None);
        self.signals.set(interrupts::count());
        self.ceiling.set(memory::held().saturating_add(MAX_GROWTH));
        self.stopped.set(None);
        mem::swap(&mut *self.commands.borrow_mut(), out);
        let result = call();
        mem::swap(&mut *self.commands.borrow_mut(), out);
        self.ceiling.set(isize::MAX);
        (result, self.stopped.take())
    }

    /// Takes something from the script's generator.
    pub(super) fn random<R>(&self, take: impl FnOnce(&mut fastrand::Rng) -> R) -> R {
        take(&mut self.random.borrow_mut())
    }

    /// For native functions that take long: an error that ends the call when its time is over.
    pub(super) fn check(&self) -> std::result::Result<(), Box<EvalAltResult>> {
        match self.look_at_the_clock() {
            Some(token) => Err(EvalAltResult::ErrorTerminated(token, Position::NONE).into()),
            None => Ok(()),
        }
    }

    /// Orders the running call to end.
    pub(super) fn stop(&self, stopped: Stopped) {
        self.stopped.set(Some(stopped));
        // So that every operation from now on is looked at.
        self.ceiling.set(isize::MIN);
    }

    /// Called by the engine for every operation. Once a call has to end, every further operation says so
    /// again: a native function that wraps the error of its callback would make it catchable otherwise.
    #[inline]
    pub(super) fn progress(&self, operations: u64) -> Option<Dynamic> {
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
        if interrupts::count() - self.signals.get() >= self.patience.get() {
            interrupts::die();
        }
        let now = Instant::now();
        if self.run_until.get().is_some_and(|until| until <= now) {
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

/// The clock is read once in so many operations (a power of two): reading it each time costs a fifth of the
/// throughput of a short handler, and one operation on a value at its limits takes up to 0.1 s.
const OPERATIONS_PER_LOOK: u64 = 16;

/// How much more memory a call may hold than when it began. What it leaves in `app` is no longer counted then.
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
        assert!((1..16).all(|operations| host.progress(operations).is_none()));
        assert!(host.progress(16).is_none(), "the first look only starts the clock");
        assert!(host.progress(32).is_some());
        assert!(host.progress(33).is_some(), "and from then on every operation is refused");
    }

    #[test]
    fn a_stopped_call_refuses_every_operation_and_the_next_one_begins_afresh() {
        let host = Host::new(Duration::from_secs(1), None, ScriptClock::default());
        let call = || {
            host.stop(Stopped::Exit(3));
            (1..40).all(|operations| host.progress(operations).is_some())
        };
        assert_eq!(host.run(&mut Vec::new(), call), (true, Some(Stopped::Exit(3))));
        assert_eq!(host.run(&mut Vec::new(), || host.progress(1).is_none()), (true, None));
    }
}
