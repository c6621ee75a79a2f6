//! `TaskState`: what others know of a task, also after its end.

use std::cell::{Cell, RefCell};

use rhai::Dynamic;

use crate::script::engine::Fault;
use crate::script::tasks::TaskId;

/// What a task knows of another one.
#[derive(Debug, Default)]
pub(in crate::script) struct TaskState {
    id: Cell<Option<TaskId>>,
    outcome: RefCell<Outcome>,
    /// Where it was started: `FILE:LINE`.
    place: String,
    /// Its failure was given to somebody.
    is_told: Cell<bool>,
}

/// How a task has ended.
#[derive(Debug, Default)]
pub(in crate::script) enum Outcome {
    /// It has not.
    #[default]
    Running,
    /// With a value.
    Done(Dynamic),
    /// By an error that it did not catch.
    Failed(Fault),
    /// Somebody else has ended it.
    Cancelled,
}

impl TaskState {
    pub(super) fn new(place: String) -> Self {
        Self { place, ..Self::default() }
    }

    pub(super) fn set_id(&self, id: TaskId) {
        self.id.set(Some(id));
    }

    /// The task; `None` before it is in the table.
    pub(in crate::script) fn id(&self) -> Option<TaskId> {
        self.id.get()
    }

    /// Where it was started.
    pub(in crate::script) fn place(&self) -> &str {
        &self.place
    }

    /// Whether it has ended.
    pub(in crate::script) fn is_done(&self) -> bool {
        !matches!(*self.outcome.borrow(), Outcome::Running)
    }

    /// Looks at how it has ended.
    pub(in crate::script) fn with_outcome<R>(&self, look: impl FnOnce(&Outcome) -> R) -> R {
        look(&self.outcome.borrow())
    }

    pub(super) fn end(&self, outcome: Outcome) {
        if !self.is_done() {
            self.outcome.replace(outcome);
        }
    }

    pub(super) fn cancel(&self) {
        self.end(Outcome::Cancelled);
    }

    /// Notes that somebody has got its failure. Returns whether that was known before.
    pub(in crate::script) fn note_told(&self) -> bool {
        self.is_told.replace(true)
    }
}
