//! `Suite`: the handler of `tcpx test`, which runs tests, several at the same time, and reports them in the order of the source.
//!
//! Each test has a program of its own, loaded anew: `app`, timers, tasks, listeners and connections are its own, and end with
//! it. Owns which test an event belongs to (`routes`), when a test begins and ends, and its result. `plan` finds the tests,
//! `group` runs one.

mod group;
mod notes;
mod plan;
mod routes;

use std::cell::{Cell, RefCell};
use std::collections::{HashMap, VecDeque};
use std::rc::Rc;
use std::time::{Duration, Instant};

use crate::config::{Script, Tests};
use crate::error::Result;
use crate::exit::Exit;
use crate::script::host::{Binder, RunContext, ScriptClock};
use crate::session::{
    Command, ConnId, ConnView, Event, EventMask, Form, Handler, HandlerError, Holds, RunEvent, TimerCall,
};
use crate::verdicts::{Cut, Ended, Outcome, Plan as Announced, Reporter, TestResult, Totals};

use self::group::{Group, Step};
use self::plan::{Fate, Plan};
use self::routes::{Actor, Routes};

pub(in crate::script) use self::notes::{Notes, exit_text};

/// Runs the tests of some scripts.
pub struct Suite {
    plan: Plan,
    settings: Settings,
    clock: ScriptClock,
    run_until: Option<Instant>,
    /// What has ended the run from outside, if anything has.
    cut: Cell<Option<Cut>>,
    context: RefCell<Option<Shared>>,
    routes: Rc<Routes>,
    reporter: RefCell<Box<dyn Reporter>>,
    /// Tests that are running.
    groups: RefCell<Vec<Rc<Group>>>,
    /// Connections of tests that have ended, and until when they may take to close in order.
    leaving: RefCell<VecDeque<(Instant, ConnId)>>,
    results: RefCell<Results>,
    stage: Cell<Stage>,
    began: Cell<Option<Instant>>,
    /// Where to look first for a program with something due.
    turn: Cell<usize>,
}

/// The settings of the run that it needs for each test.
struct Settings {
    jobs: usize,
    limit: Duration,
    fail_fast: bool,
    /// Time limit of the whole run.
    run_limit: Option<Duration>,
}

/// How far the run has come.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Stage {
    /// Tests are begun.
    Running,
    /// A test has failed, and none is begun any more.
    Failed,
    /// The run ends from outside.
    Interrupted,
    /// All results are told.
    Over,
}

/// The settings of the run for the connections and listeners of all programs.
pub(super) struct Shared {
    context: RunContext,
    bind: Option<Rc<Binder>>,
}

/// Results in the order of the plan.
#[derive(Default)]
struct Results {
    /// Index of the next test to begin.
    next: usize,
    /// Number of results that were reported.
    told: usize,
    /// Results that were not reported yet, because an earlier test still runs.
    waiting: HashMap<usize, TestResult>,
    totals: Totals,
}

/// From when on the time that a call takes is no time of the other tests.
const NOTICED: Duration = Duration::from_millis(20);

/// How long connections of a test that has ended may take to close in order.
const LINGER: Duration = Duration::from_secs(1);

/// The tests that would run.
pub struct List {
    /// Their names, one a line.
    pub text: String,
    /// The warnings of loading.
    pub warnings: Vec<String>,
    /// The messages of files that do not load.
    pub faults: Vec<String>,
}

/// Finds all tests that would run.
///
/// # Errors
/// There is no test in files that all load, or they cannot be looked for.
pub fn list(tests: &Tests, script: &Script) -> Result<List> {
    let plan = Plan::make(tests, script, &ScriptClock::default(), None)?;
    if let Some(nothing) = plan.nothing {
        return Err(nothing);
    }
    let mut text = String::new();
    for case in plan.cases.iter().filter(|case| matches!(case.fate, Fate::Runs | Fate::Empty)) {
        if plan.files.len() > 1 {
            text.push_str(&plan.files[case.file].source.name);
            text.push_str(": ");
        }
        text.push_str(&crate::codec::escape::show_line(&case.name));
        text.push('\n');
    }
    Ok(List { text, warnings: plan.warnings, faults: plan.faults })
}

impl Suite {
    /// Reads the scripts and finds their tests. A file that does not load is one of the results. `run_until`, `run_limit`: when
    /// the time of the run is over, and how long it is.
    ///
    /// # Errors
    /// The tests cannot be looked for.
    pub fn load(
        tests: &Tests,
        script: &Script,
        clock: ScriptClock,
        run_until: Option<Instant>,
        run_limit: Option<Duration>,
    ) -> Result<Self> {
        let mut plan = Plan::make(tests, script, &clock, run_until)?;
        let not_loaded = plan.not_loaded();
        if !not_loaded.is_empty() {
            plan.warnings.push(format!("files that do not load: {}", not_loaded.join(", ")));
        }
        Ok(Self {
            plan,
            settings: Settings { jobs: tests.jobs.max(1), limit: tests.limit, fail_fast: tests.fail_fast, run_limit },
            clock,
            run_until,
            cut: Cell::new(None),
            context: RefCell::default(),
            routes: Rc::default(),
            reporter: RefCell::new(Box::new(Silent)),
            groups: RefCell::default(),
            leaving: RefCell::default(),
            results: RefCell::default(),
            stage: Cell::new(Stage::Running),
            began: Cell::new(None),
            turn: Cell::new(0),
        })
    }

    /// The warnings of loading.
    pub fn warnings(&self) -> &[String] {
        &self.plan.warnings
    }

    /// Sets who reports the results.
    pub fn set_reporter(&self, reporter: Box<dyn Reporter>) {
        self.reporter.replace(reporter);
    }

    /// Sets the context for connections and listeners; call it before anything else.
    pub fn set_context(&self, mut context: RunContext) {
        let bind = context.bind.take().map(Rc::new);
        self.context.replace(Some(Shared { context, bind }));
    }

    fn now(&self) -> Instant {
        self.clock.now()
    }

    /// Calls the program that an event is for, and keeps what its test is to know.
    fn within<R>(
        &self,
        actor: &Rc<Actor>,
        out: &mut Vec<Command>,
        call: impl FnOnce(&Actor, &mut Vec<Command>) -> std::result::Result<R, HandlerError>,
    ) -> Option<R> {
        let mut own = Vec::new();
        let result = self.timed(&actor.group, || call(actor, &mut own));
        self.routes.take(actor, own, out);
        result.map_err(|error| actor.group.note_error(error)).ok()
    }

    /// Runs a call for one test. While it computes, the others stand still: that is not their time.
    fn timed<R>(&self, group: &Rc<Group>, call: impl FnOnce() -> R) -> R {
        let before = self.now();
        let result = call();
        let held = self.now().duration_since(before);
        if held > NOTICED {
            for other in self.groups.borrow().iter().filter(|other| !Rc::ptr_eq(other, group)) {
                other.notes.extend(held);
            }
        }
        result
    }

    /// After every call: ends and begins tests, and ends the run.
    fn advance(&self, out: &mut Vec<Command>) {
        if !matches!(self.stage.get(), Stage::Running | Stage::Failed) {
            return;
        }
        let now = self.now();
        let groups = self.groups.borrow().clone();
        // Whatever is left was interrupted, and nothing has passed only because it was stopped.
        if groups.iter().any(|group| group.main().handler.host.is_run_over()) {
            return;
        }
        for group in groups {
            if let Step::Over = self.step(&group, now, out) {
                let case = &self.plan.cases[group.index];
                let result = group.result(case, &self.plan.files[case.file].source.name, now, None);
                self.retire(&group, now, out);
                self.finished(group.index, result, out);
            }
        }
        self.begin_tests(now, out);
        if self.groups.borrow().is_empty() && self.stage.get() != Stage::Over && self.is_done() {
            let ended = if self.stage.get() == Stage::Failed { Ended::FailFast } else { Ended::Complete };
            self.conclude_run(ended, now, out);
        }
    }

    fn step(&self, group: &Rc<Group>, now: Instant, out: &mut Vec<Command>) -> Step {
        let mut own = Vec::new();
        let step = group.step(now, &mut own);
        self.routes.take(&group.main(), own, out);
        step
    }

    fn is_done(&self) -> bool {
        self.stage.get() == Stage::Failed || self.results.borrow().next >= self.plan.cases.len()
    }

    /// Begins tests while there is room.
    fn begin_tests(&self, now: Instant, out: &mut Vec<Command>) {
        while self.stage.get() == Stage::Running && self.groups.borrow().len() < self.settings.jobs {
            let index = {
                let mut results = self.results.borrow_mut();
                let Some(case) = self.plan.cases.get(results.next) else { return };
                if matches!(case.fate, Fate::TimedOut | Fate::Unread) {
                    // The time limit of the run, which is over, ends it.
                    return;
                }
                results.next += 1;
                results.next - 1
            };
            self.begin(index, now, out);
        }
    }

    /// Begins one test: loads its program, calls `on_start`, and starts its task.
    fn begin(&self, index: usize, now: Instant, out: &mut Vec<Command>) {
        let case = &self.plan.cases[index];
        let file = &self.plan.files[case.file];
        if let Some((outcome, failures)) = case.settled() {
            let result = TestResult { failures, ..group::result_of(case, &file.source.name, outcome) };
            return self.finished(index, result, out);
        }
        let group = Rc::new(Group::new(index, file.has_setup, file.has_teardown, self.settings.limit, now));
        let loaded = Routes::load(&group, &file.script, &file.source, &self.clock, self.run_until);
        let actor = match loaded {
            Ok(actor) => actor,
            Err(report) => {
                group.notes.add(report.failure().clone());
                let result = group.result(case, &file.source.name, now, None);
                return self.finished(index, result, out);
            }
        };
        if let Some(shared) = &*self.context.borrow() {
            self.routes.give_context(&actor, shared);
        }
        self.groups.borrow_mut().push(Rc::clone(&group));
        self.within(&actor, out, |actor, own| actor.handler.handle_run(RunEvent::Start, own).map(drop));
        group.start(case);
    }

    /// Ends all that belongs to a test.
    fn retire(&self, group: &Rc<Group>, now: Instant, out: &mut Vec<Command>) {
        let mut own = Vec::new();
        let leaving = self.routes.retire(group, &mut own);
        self.routes.take(&group.main(), own, out);
        self.leaving.borrow_mut().extend(leaving.into_iter().map(|id| (now + LINGER, id)));
        self.groups.borrow_mut().retain(|known| !Rc::ptr_eq(known, group));
        group.release();
    }

    /// Keeps the result of a test, and reports all whose turn it is.
    fn finished(&self, index: usize, result: TestResult, out: &mut Vec<Command>) {
        let has_failed = matches!(result.outcome, Outcome::Failed | Outcome::Errored);
        if has_failed && self.settings.fail_fast && self.stage.get() == Stage::Running {
            self.stage.set(Stage::Failed);
        }
        self.results.borrow_mut().waiting.insert(index, result);
        self.tell(out);
    }

    fn tell(&self, out: &mut Vec<Command>) {
        let mut results = self.results.borrow_mut();
        let results = &mut *results;
        while let Some(result) = results.waiting.remove(&results.told) {
            results.totals.count(&result);
            write(self.reporter.borrow_mut().test(&result), out);
            results.told += 1;
        }
    }

    /// Reports the tests that did not run, and the totals.
    fn conclude_run(&self, ended: Ended, now: Instant, out: &mut Vec<Command>) {
        self.stage.set(Stage::Over);
        let told = self.results.borrow().told;
        for (index, case) in self.plan.cases.iter().enumerate().skip(told) {
            let file = &self.plan.files[case.file].source.name;
            let outcome = match (&case.fate, self.cut.get()) {
                (Fate::TimedOut, Some(cut)) => Outcome::Interrupted(cut),
                _ => Outcome::NotRun,
            };
            let not_run = || group::result_of(case, file, outcome);
            self.results.borrow_mut().waiting.entry(index).or_insert_with(not_run);
        }
        self.tell(out);
        let mut results = self.results.borrow_mut();
        results.totals.ended = ended;
        results.totals.duration = self.began.get().map_or(Duration::ZERO, |began| now.duration_since(began));
        let bytes = self.reporter.borrow_mut().end(&results.totals);
        write(bytes, out);
    }

    /// The end of the run, once all results are told.
    fn exit(&self) -> HandlerError {
        if let Some(error) = self.reporter.borrow_mut().fault() {
            let message = error.to_string();
            let exit = error.exit();
            return HandlerError::Failed {
                handler: "test",
                summary: message.clone(),
                message,
                exit,
                ends_run: true,
                failure: None,
            };
        }
        if let Some(nothing) = &self.plan.nothing {
            let summary = nothing.to_string();
            let hint = nothing.hint().map(|hint| format!("\nhint: {hint}")).unwrap_or_default();
            let message = format!("{summary}{hint}");
            let exit = nothing.exit();
            return HandlerError::Failed { handler: "test", summary, message, exit, ends_run: true, failure: None };
        }
        let totals = self.results.borrow().totals;
        let exit = match () {
            () if totals.not_loaded > 0 => Exit::ScriptLoad,
            () if totals.is_green() => Exit::Success,
            () => Exit::Verdict,
        };
        HandlerError::Exit(exit.code())
    }

    /// Resets connections of ended tests that take too long to close.
    fn reset_overdue(&self, now: Instant, out: &mut Vec<Command>) {
        let mut leaving = self.leaving.borrow_mut();
        while let Some((until, id)) = leaving.front().copied()
            && until <= now
        {
            leaving.pop_front();
            if self.routes.is_leaving(id) {
                out.push(Command::Reset(id));
            }
        }
    }
}

/// Reports nothing.
struct Silent;

impl Reporter for Silent {
    fn begin(&mut self, _: &Announced) -> Vec<u8> {
        Vec::new()
    }

    fn test(&mut self, _: &TestResult) -> Vec<u8> {
        Vec::new()
    }

    fn end(&mut self, _: &Totals) -> Vec<u8> {
        Vec::new()
    }
}

fn write(bytes: Vec<u8>, out: &mut Vec<Command>) {
    if !bytes.is_empty() {
        out.push(Command::Write(bytes));
    }
}

impl Handler for Suite {
    fn event_mask(&self, conn: &ConnView) -> EventMask {
        let Some(actor) = self.routes.of_view(conn) else {
            return EventMask { received: Some(Form::Data), error: true, closed: true, ..EventMask::default() };
        };
        let mask = actor.handler.event_mask(conn);
        // Nothing of a test goes to stdout by itself.
        EventMask { received: mask.received.or(Some(Form::Data)), error: true, closed: true, opened: true, ..mask }
    }

    fn handle(
        &self,
        conn: &Rc<ConnView>,
        event: Event,
        out: &mut Vec<Command>,
    ) -> std::result::Result<(), HandlerError> {
        let is_over = matches!(event, Event::Closed(_));
        if let Some(actor) = self.routes.of(conn) {
            Routes::note_event(&actor, conn, &event);
            // Received data that no handler takes is not shown.
            let is_unwanted = matches!(event, Event::Data(_)) && actor.handler.event_mask(conn).received.is_none();
            if !is_unwanted {
                let called = self.within(&actor, out, |actor, own| actor.handler.handle(conn, event, own));
                if called.is_none() && !is_over {
                    // Its handler has failed.
                    out.extend(conn.request_reset());
                }
            }
        }
        if is_over {
            self.routes.forget(conn.id);
        }
        self.advance(out);
        Ok(())
    }

    fn holds(&self, conn: &ConnView) -> Holds {
        self.routes.of_view(conn).map_or_else(Holds::default, |actor| actor.handler.holds(conn))
    }

    fn ending(&self, exit: Exit, out: &mut Vec<Command>) {
        let was_running = matches!(self.stage.get(), Stage::Running | Stage::Failed);
        if !was_running {
            return;
        }
        self.stage.set(Stage::Interrupted);
        let cut = match (exit, self.settings.run_limit) {
            (Exit::Timeout, Some(limit)) => Cut::Timeout(limit),
            _ => Cut::Signal,
        };
        self.cut.set(Some(cut));
        let now = self.now();
        let groups = self.groups.borrow().clone();
        for group in groups {
            let case = &self.plan.cases[group.index];
            let outcome = Some(Outcome::Interrupted(cut));
            let result = group.result(case, &self.plan.files[case.file].source.name, now, outcome);
            self.results.borrow_mut().waiting.insert(group.index, result);
            self.retire(&group, now, out);
        }
    }

    fn given_up(&self, conn: &ConnView) {
        if let Some(actor) = self.routes.of_view(conn) {
            actor.handler.given_up(conn);
        }
        self.routes.forget(conn.id);
    }

    fn keeps_run(&self) -> bool {
        self.stage.get() != Stage::Over
    }

    fn relays(&self) -> bool {
        self.groups.borrow().iter().any(|group| group.actors().iter().any(|actor| actor.handler.relays()))
    }

    fn relay(
        &self,
        from: &Rc<ConnView>,
        to: &Rc<ConnView>,
        chunk: Option<Vec<u8>>,
        out: &mut Vec<Command>,
    ) -> std::result::Result<Vec<u8>, HandlerError> {
        match self.routes.of(from).filter(|actor| actor.handler.relays()) {
            Some(actor) => {
                let passed = self.within(&actor, out, |actor, own| actor.handler.relay(from, to, chunk, own));
                Ok(passed.unwrap_or_default())
            }
            None => Ok(chunk.unwrap_or_default()),
        }
    }

    fn handle_run(&self, event: RunEvent, out: &mut Vec<Command>) -> std::result::Result<bool, HandlerError> {
        match event {
            RunEvent::Start => {
                self.began.set(Some(self.now()));
                let names_files = self.plan.names_files();
                let bytes = self.reporter.borrow_mut().begin(&Announced { tests: self.plan.cases.len(), names_files });
                write(bytes, out);
                Ok(true)
            }
            RunEvent::Listening { listener: Some(id), .. } | RunEvent::ListenFailed { listener: id, .. } => {
                let taken = self
                    .routes
                    .of_listener(id)
                    .and_then(|actor| self.within(&actor, out, |actor, own| actor.handler.handle_run(event, own)));
                self.advance(out);
                Ok(taken.unwrap_or_default())
            }
            RunEvent::Stop(_) => {
                if self.stage.get() != Stage::Over {
                    let cut = self.cut.get().unwrap_or(Cut::Signal);
                    self.conclude_run(Ended::Interrupted(cut), self.now(), out);
                }
                Ok(true)
            }
            _ => Ok(false),
        }
    }

    fn deadline(&self) -> Option<Instant> {
        let open = !matches!(self.stage.get(), Stage::Interrupted);
        let results = self.results.borrow();
        let has_room = self.groups.borrow().len() < self.settings.jobs && results.next < self.plan.cases.len();
        let at_once = match self.stage.get() {
            Stage::Running => (has_room || self.groups.borrow().is_empty()).then(|| self.now()),
            Stage::Over => Some(self.now()),
            Stage::Failed | Stage::Interrupted => None,
        };
        let groups = self.groups.borrow();
        let due = groups.iter().filter_map(|group| group.deadline(self.now()));
        let leaving = self.leaving.borrow().front().map(|(until, _)| *until);
        due.chain(leaving).chain(at_once).min().filter(|_| open)
    }

    fn handle_timeout(&self, now: Instant, out: &mut Vec<Command>) -> Option<TimerCall> {
        if self.stage.get() == Stage::Over {
            return Some(TimerCall { conn: None, result: Err(self.exit()) });
        }
        self.reset_overdue(now, out);
        let actors: Vec<_> = self.groups.borrow().iter().flat_map(|group| group.actors()).collect();
        let mut called = None;
        for offset in 0..actors.len() {
            // One that is always ready must not keep the others waiting.
            let at = (self.turn.get() + offset) % actors.len();
            let actor = &actors[at];
            let mut own = Vec::new();
            let call = self.timed(&actor.group, || actor.handler.handle_timeout(now, &mut own));
            self.routes.take(actor, own, out);
            if let Some(call) = call {
                self.turn.set(at + 1);
                called = Some(TimerCall { conn: call.conn, result: Ok(()) });
                if let Err(error) = call.result {
                    actor.group.note_error(error);
                    let view = call.conn.and_then(|id| self.routes.view(id));
                    out.extend(view.and_then(|view| view.request_reset()));
                }
                break;
            }
        }
        let before = self.results.borrow().next;
        self.advance(out);
        // A test that has ended leaves commands: its report, and the end of what it opened.
        let has_begun = self.results.borrow().next != before || !out.is_empty() || self.stage.get() == Stage::Over;
        called.or_else(|| has_begun.then_some(TimerCall { conn: None, result: Ok(()) }))
    }
}
