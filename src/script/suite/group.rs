//! `Group`: one running test: its programs, its task, its time limits, and its result.
//!
//! The task runs `setup()`, the test and `teardown()`. If the task is stopped from outside, `teardown()` gets a task of its own.

use std::cell::{Cell, RefCell};
use std::collections::VecDeque;
use std::rc::Rc;
use std::time::{Duration, Instant};

use rhai::Dynamic;

use crate::script::engine::Fault;
use crate::script::error;
use crate::script::host::{Host, Stopped};
use crate::script::program::Program;
use crate::script::stop_text;
use crate::script::tasks::{Body, Calls, Role, TaskId, no_stack};
use crate::session::{Command, Handler, HandlerError};
use crate::verdicts::{Failure, Kind, Outcome, TestResult};

use super::notes::{Notes, Phase, exit_text};
use super::plan::Case;
use super::routes::{Actor, push_line};

/// A test that runs.
pub(super) struct Group {
    /// Index in the plan.
    pub(super) index: usize,
    pub(super) notes: Rc<Notes>,
    has_setup: bool,
    has_teardown: bool,
    began: Instant,
    /// The program of the test, then those of its servers.
    actors: RefCell<Vec<Rc<Actor>>>,
    task: Cell<Option<TaskId>>,
    printed: RefCell<String>,
    /// The last events of its connections.
    events: RefCell<VecDeque<String>>,
    /// The test is to end before its task does.
    is_ended: Cell<bool>,
}

/// What is next for a test.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Step {
    /// It runs.
    Wait,
    /// It has a result.
    Over,
}

/// Events that are kept.
const MAX_EVENTS: usize = 20;

/// How often tasks get their first turn at the end of a test: they may start others.
const MAX_BEGUN: usize = 8;

/// Maximum bytes that are kept of what a test prints.
const MAX_PRINTED: usize = 1 << 20;

impl Group {
    pub(super) fn new(index: usize, has_setup: bool, has_teardown: bool, limit: Duration, now: Instant) -> Self {
        Self {
            index,
            notes: Rc::new(Notes::new(if has_setup { Phase::Setup } else { Phase::Test }, now, limit)),
            has_setup,
            has_teardown,
            began: now,
            actors: RefCell::default(),
            task: Cell::new(None),
            printed: RefCell::default(),
            events: RefCell::default(),
            is_ended: Cell::new(false),
        }
    }

    /// Adds a program.
    pub(super) fn add_actor(&self, actor: &Rc<Actor>) {
        self.actors.borrow_mut().push(Rc::clone(actor));
    }

    /// Its programs.
    pub(super) fn actors(&self) -> Vec<Rc<Actor>> {
        self.actors.borrow().clone()
    }

    /// The program of the test itself.
    pub(super) fn main(&self) -> Rc<Actor> {
        Rc::clone(&self.actors.borrow()[0])
    }

    /// Keeps what the test prints.
    pub(super) fn say(&self, text: &str) {
        let mut printed = self.printed.borrow_mut();
        if printed.len() > MAX_PRINTED {
            return;
        }
        push_line(&mut printed, text);
        if printed.len() > MAX_PRINTED {
            printed.push_str("[more was printed than is kept]\n");
        }
    }

    /// Keeps an event of one of its connections, in place of the oldest.
    pub(super) fn note_event(&self, conn: &str, what: &str) {
        let mut events = self.events.borrow_mut();
        if events.len() >= MAX_EVENTS {
            events.pop_front();
        }
        events.push_back(format!("{conn}: {what}"));
    }

    /// Notes the failure of a call of one of its programs.
    pub(super) fn note_error(&self, error: HandlerError) {
        match error {
            HandlerError::Exit(code) => {
                self.notes.add_exit(code);
                self.is_ended.set(true);
            }
            // Of a program with `main`.
            HandlerError::Done => {}
            HandlerError::Failed { message, failure, .. } => {
                self.notes.add(failure.map_or_else(|| Failure::new(Kind::Error, message), |failure| *failure));
            }
        }
    }

    /// Starts its task.
    pub(super) fn start(&self, case: &Case) {
        let (notes, has_setup, has_teardown) = (Rc::clone(&self.notes), self.has_setup, self.has_teardown);
        let host = Rc::clone(&self.main().handler.host);
        let (function, row) = (case.function.clone(), case.row.clone());
        self.run(Box::new(move |program| {
            let run = |name: &str, args: Vec<Dynamic>| call_noted(&notes, &host, program, name, args);
            if !has_setup || run("setup", Vec::new()) {
                notes.enter_test();
                if run(&function, row.into_iter().collect()) {
                    begin_started(&host);
                }
            }
            if has_teardown && host.stopped().is_none() {
                notes.enter(Phase::Teardown, host.now());
                run("teardown", Vec::new());
                begin_started(&host);
            }
            Ok(Dynamic::UNIT)
        }));
    }

    fn run(&self, calls: Calls) {
        let actor = self.main();
        let handler = &actor.handler;
        let place = handler.name().to_owned();
        let started =
            handler.host.start_task(&handler.program, Role::Test, Body::Calls(calls), Vec::new(), None, place);
        match started {
            Ok((id, _)) => {
                handler.host.tasks().wake(id);
                self.task.set(Some(id));
            }
            Err(cause) => self.notes.add(Failure::new(Kind::Error, no_stack("task", &cause))),
        }
    }

    /// Looks whether its task has ended, and ends it when its time is over.
    pub(super) fn step(&self, now: Instant, out: &mut Vec<Command>) -> Step {
        let actor = self.main();
        let handler = &actor.handler;
        if let Some(id) = self.task.get().filter(|id| handler.host.tasks().is_alive(*id)) {
            let is_late = self.notes.until() <= now;
            if is_late {
                self.notes.set_late();
            }
            let is_teardown = self.notes.phase() == Phase::Teardown;
            let is_to_end = !is_teardown && (self.is_ended.get() || self.notes.skipped().is_some());
            if !is_late && !is_to_end {
                return Step::Wait;
            }
            handler.host.tasks().cancel(id);
            // What it says at its end, it has said to the notes.
            let _ = handler.resume(id, out);
            // It had not begun, or what it was doing says nothing.
            if let Some(text) = self.notes.tell_late() {
                self.notes.add_in_phase(Failure::new(Kind::Limit, text));
            }
        }
        if self.has_teardown && self.notes.phase() < Phase::Teardown {
            self.begin_teardown(now);
            return Step::Wait;
        }
        Step::Over
    }

    /// `teardown()` in a task of its own, because that of the test was stopped.
    fn begin_teardown(&self, now: Instant) {
        self.is_ended.set(false);
        self.notes.enter(Phase::Teardown, now);
        let (notes, host) = (Rc::clone(&self.notes), Rc::clone(&self.main().handler.host));
        self.run(Box::new(move |program| {
            call_noted(&notes, &host, program, "teardown", Vec::new());
            Ok(Dynamic::UNIT)
        }));
    }

    /// When it has something to do.
    pub(super) fn deadline(&self, now: Instant) -> Option<Instant> {
        let actors = self.actors.borrow();
        let is_over = self.task.get().is_none_or(|id| !actors[0].handler.host.tasks().is_alive(id));
        let is_teardown = self.notes.phase() == Phase::Teardown;
        if is_over || (!is_teardown && (self.is_ended.get() || self.notes.skipped().is_some())) {
            return Some(now);
        }
        actors.iter().filter_map(|actor| actor.handler.deadline()).chain([self.notes.until()]).min()
    }

    /// Its result, or that of a test that was interrupted.
    pub(super) fn result(&self, case: &Case, file: &str, now: Instant, outcome: Option<Outcome>) -> TestResult {
        let failures = self.notes.take_failures();
        let of_failures = || match (Outcome::of(&failures), self.notes.skipped()) {
            (Outcome::Passed, Some(reason)) => Outcome::Skipped { reason },
            (outcome, _) => outcome,
        };
        let outcome = outcome.unwrap_or_else(of_failures);
        let is_told = !matches!(outcome, Outcome::Passed | Outcome::Skipped { .. });
        TestResult {
            events: if is_told { self.events.take().into() } else { Vec::new() },
            outcome,
            failures,
            notes: self.notes.take_hints(),
            printed: format!("{}{}", case.printed, self.printed.take()),
            checks: self.notes.checks(),
            duration: now.duration_since(self.began),
            ..result_of(case, file, Outcome::Passed)
        }
    }

    /// Lets go of its programs: values of `app` may hold each other.
    pub(super) fn release(&self) {
        for actor in self.actors.take() {
            actor.handler.release();
        }
    }
}

/// The result of a test that did not run.
pub(super) fn result_of(case: &Case, file: &str, outcome: Outcome) -> TestResult {
    TestResult {
        file: file.to_owned(),
        name: case.name.clone(),
        line: case.line,
        outcome,
        failures: Vec::new(),
        notes: Vec::new(),
        printed: case.printed.clone(),
        events: Vec::new(),
        checks: 0,
        duration: Duration::ZERO,
    }
}

/// Gives the tasks a turn that a test has started and that have not had one, so that what is wrong in them is seen.
fn begin_started(host: &Host) {
    for _ in 0..MAX_BEGUN {
        let Some(task) = host.current_task().filter(|_| host.stopped().is_none() && host.tasks().has_new()) else {
            return;
        };
        // If it is to end, whoever ends it says why.
        if host.yield_turn(task).is_err() {
            return;
        }
    }
}

/// Calls a function of a test, and notes its error. What has stopped it may have been caught as the last thing that it did: then it
/// has stopped it all the same. Returns whether the function has ended by itself and without an error.
fn call_noted(notes: &Notes, host: &Host, program: &Program, name: &str, args: Vec<Dynamic>) -> bool {
    let fault = program.call_by_name(name, args).err();
    let is_good = fault.is_none() && host.stopped().is_none();
    if !is_good {
        note_fault(notes, host, program, name, fault.as_ref());
    }
    is_good
}

/// Notes the error that a function of a test has ended with, or what has stopped it.
fn note_fault(notes: &Notes, host: &Host, program: &Program, name: &str, fault: Option<&Fault>) {
    let (text, kind) = match host.stopped() {
        None => (None, None),
        Some(Stopped::Exit(code)) => (Some(exit_text(code)), Some(Kind::Exit)),
        Some(stopped @ (Stopped::TimedOut | Stopped::TooLarge)) => {
            let text = stop_text(&format!("{name}()"), stopped, host);
            (Some(text), Some(Kind::Limit).filter(|_| stopped == Stopped::TimedOut))
        }
        Some(Stopped::Cancelled) => match notes.tell_late() {
            Some(text) => (Some(text), Some(Kind::Limit)),
            None => return,
        },
        Some(Stopped::Skipped | Stopped::RunOver) => return,
    };
    let mut failure = match fault {
        Some(fault) => error::render_call(fault, &program.sources, name, text.as_deref()).failure().clone(),
        None => Failure::new(Kind::Error, text.unwrap_or_default()),
    };
    failure.kind = kind.unwrap_or(failure.kind);
    notes.add_in_phase(failure);
}
