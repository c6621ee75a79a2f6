//! `Notes`: what is known of one running test, shared by its code, its connections and whoever runs it.

use std::cell::{Cell, RefCell};
use std::time::{Duration, Instant};

use crate::config::show_duration;
use crate::verdicts::{Failure, Kind};

/// What is known of a test.
#[derive(Debug)]
pub(in crate::script) struct Notes {
    failures: RefCell<Vec<Failure>>,
    /// What is probably a mistake in it.
    hints: RefCell<Vec<String>>,
    checks: Cell<usize>,
    skipped: RefCell<Option<String>>,
    /// Where `exit(..)` was called.
    exit: RefCell<Option<Failure>>,
    phase: Cell<(Phase, Instant)>,
    /// Time limit of `setup()` and the test together.
    limit: Duration,
    lateness: Cell<Lateness>,
}

/// Whether the time of a test is over.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Lateness {
    InTime,
    /// It is told to end.
    Late,
    /// The same, and a failure says so.
    Told,
}

/// How far the task of a test has come.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Phase {
    /// It has not begun, or is in `setup()`.
    Setup,
    /// In the test itself.
    Test,
    /// In `teardown()`.
    Teardown,
}

/// Time limit of `teardown()`.
const TEARDOWN: Duration = Duration::from_secs(5);

/// Maximum failures that are kept: a check in a loop must not fill the memory.
const MAX_FAILURES: usize = 100;

/// What `exit(code)` in a test is called.
pub(in crate::script) fn exit_text(code: u8) -> String {
    format!("exit({code}) was called")
}

impl Notes {
    /// A test that begins.
    pub(super) fn new(phase: Phase, now: Instant, limit: Duration) -> Self {
        Self {
            failures: RefCell::default(),
            hints: RefCell::default(),
            checks: Cell::new(0),
            skipped: RefCell::default(),
            exit: RefCell::default(),
            phase: Cell::new((phase, now)),
            limit,
            lateness: Cell::new(Lateness::InTime),
        }
    }

    /// A check does not hold.
    pub(in crate::script) fn check_failed(&self, failure: &Failure) {
        self.add(Failure { kind: Kind::Check, ..failure.clone() });
    }

    /// A check or an assertion was evaluated.
    pub(in crate::script) fn count_check(&self) {
        self.checks.set(self.checks.get() + 1);
    }

    /// The test is not to be done. Returns false if it has been done.
    pub(in crate::script) fn skip(&self, reason: &str) -> bool {
        let is_in_time = self.phase() < Phase::Teardown;
        if is_in_time {
            self.skipped.borrow_mut().get_or_insert_with(|| reason.to_owned());
        }
        is_in_time
    }

    /// Keeps where `exit(..)` was called, until [`Notes::add_exit`].
    pub(in crate::script) fn keep_exit(&self, failure: &Failure) {
        self.exit.replace(Some(Failure { kind: Kind::Exit, ..failure.clone() }));
    }

    /// One of its programs has called `exit(code)`.
    pub(super) fn add_exit(&self, code: u8) {
        let failure = self.exit.take();
        self.add_in_phase(failure.unwrap_or_else(|| Failure::new(Kind::Exit, exit_text(code))));
    }

    /// Something went wrong.
    pub(super) fn add(&self, failure: Failure) {
        let mut failures = self.failures.borrow_mut();
        // What ends the test comes last, and must not be lost.
        if failures.len() >= MAX_FAILURES && failure.kind == Kind::Check {
            return;
        }
        failures.push(failure);
    }

    /// Something went wrong in this phase: an error in `setup()` or `teardown()` is one of those.
    pub(super) fn add_in_phase(&self, failure: Failure) {
        let kind = match self.phase() {
            Phase::Setup => Kind::Setup,
            Phase::Teardown => Kind::Teardown,
            Phase::Test => failure.kind,
        };
        self.add(Failure { kind, ..failure });
    }

    /// What went wrong.
    pub(super) fn take_failures(&self) -> Vec<Failure> {
        self.failures.take()
    }

    /// Something is probably a mistake; said once.
    pub(in crate::script) fn add_hint(&self, text: String) {
        let mut hints = self.hints.borrow_mut();
        if hints.len() < MAX_FAILURES && !hints.contains(&text) {
            hints.push(text);
        }
    }

    /// What is probably a mistake.
    pub(super) fn take_hints(&self) -> Vec<String> {
        self.hints.take()
    }

    /// Whether nothing has gone wrong in it, and it is to be done.
    pub(in crate::script) fn is_good(&self) -> bool {
        self.failures.borrow().is_empty() && self.skipped.borrow().is_none()
    }

    /// Number of checks and assertions.
    pub(super) fn checks(&self) -> usize {
        self.checks.get()
    }

    /// Why the test is not to be done.
    pub(super) fn skipped(&self) -> Option<String> {
        self.skipped.borrow().clone()
    }

    /// Begins a phase.
    pub(super) fn enter(&self, phase: Phase, now: Instant) {
        self.phase.set((phase, now));
        self.lateness.set(Lateness::InTime);
    }

    /// The phase.
    pub(super) fn phase(&self) -> Phase {
        self.phase.get().0
    }

    /// `setup()` is done: the test has what is left of the time.
    pub(super) fn enter_test(&self) {
        self.phase.set((Phase::Test, self.phase.get().1));
    }

    /// Somebody else has held the loop for so long: that is not its time.
    pub(super) fn extend(&self, held: Duration) {
        let (phase, since) = self.phase.get();
        self.phase.set((phase, since + held));
    }

    /// When the time of the phase is over.
    pub(super) fn until(&self) -> Instant {
        let (phase, since) = self.phase.get();
        since + if phase == Phase::Teardown { TEARDOWN } else { self.limit }
    }

    /// Notes that its time is over, so that it is told to end.
    pub(super) fn set_late(&self) {
        if self.lateness.get() == Lateness::InTime {
            self.lateness.set(Lateness::Late);
        }
    }

    /// What to say of its lateness, once.
    pub(super) fn tell_late(&self) -> Option<String> {
        if self.lateness.get() != Lateness::Late {
            return None;
        }
        self.lateness.set(Lateness::Told);
        Some(match self.phase() {
            Phase::Teardown => format!("teardown() took longer than {} and was stopped", show_duration(TEARDOWN)),
            Phase::Setup | Phase::Test => {
                format!("the test took longer than {} and was stopped", show_duration(self.limit))
            }
        })
    }
}
