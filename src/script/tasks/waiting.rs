//! The side of the calls that wait: who is running, and leaving it until something may have changed.
//!
//! A call waits in the middle of its stack, which stays until it goes on. One that stands where the task can go on without a stack
//! ([`Parking`]) fails instead, and is made again.

use std::time::{Duration, Instant};

use rhai::{EvalAltResult, Position};

use crate::script::engine::Fault;
use crate::script::host::{Host, Stopped};
use crate::script::tasks::TaskId;
use crate::sys::coroutine;

/// Why a task goes on.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(in crate::script) enum Woken {
    /// Something may have changed.
    Again,
    /// The time of its wait has passed.
    TimedOut,
    /// It is to end.
    Cancelled,
}

/// Whether a call that has to wait may be left without its stack. Whoever makes the call sets it; the call takes it before it
/// looks at anything.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(in crate::script) enum Parking {
    /// It waits where it is.
    #[default]
    Never,
    /// It may be left.
    First,
    /// The same, and it was left before: the task has been woken for it.
    Again,
    /// It was left: what it gives or has failed with means nothing.
    Left,
}

/// How far a call has come that was left.
#[derive(Clone, Copy, Debug, Default)]
pub(in crate::script) struct Patience {
    /// Its time limit, and when that passes.
    pub(in crate::script) limit: Option<Duration>,
    pub(in crate::script) until: Option<Instant>,
    /// When what has arrived has to do.
    pub(in crate::script) quiet: Option<Instant>,
}

impl Host {
    /// The task that is running; `None` in a handler.
    pub(in crate::script) fn current_task(&self) -> Option<TaskId> {
        self.running_task().get()
    }

    /// The task that is running, for a call that waits.
    ///
    /// # Errors
    /// No task is running.
    pub(in crate::script) fn task_for(&self, call: &str) -> Result<TaskId, Fault> {
        self.current_task().ok_or_else(|| {
            format!(
                "{call} waits, so it may only be used in session(), main(), test_*() or start(); in a handler give it a \
                 callback"
            )
            .into()
        })
    }

    /// Leaves the running task until something may have changed, at most until `deadline`. The caller looks again at what it
    /// waits for.
    ///
    /// # Errors
    /// The task is to end, which cannot be caught.
    pub(in crate::script) fn wait(&self, task: TaskId, deadline: Option<Instant>) -> Result<Woken, Fault> {
        self.begin_wait(task, deadline)?;
        self.parking().set(Parking::Never);
        coroutine::suspend();
        self.woken(task)
    }

    /// The beginning of a wait. The caller is left before anything else happens.
    ///
    /// # Errors
    /// As [`Host::wait`].
    pub(in crate::script) fn begin_wait(&self, task: TaskId, deadline: Option<Instant>) -> Result<(), Fault> {
        if self.is_stopped() {
            self.check()?;
        }
        let waits = self.tasks().begin_wait(task, deadline);
        if waits { Ok(()) } else { self.woken(task).map(drop) }
    }

    /// The end of a wait.
    ///
    /// # Errors
    /// As [`Host::wait`].
    pub(in crate::script) fn woken(&self, task: TaskId) -> Result<Woken, Fault> {
        let woken = self.tasks().get(task).map_or(Woken::Cancelled, |task| task.woken);
        if woken == Woken::Cancelled {
            self.stop(Stopped::Cancelled);
            // Rhai keeps the place and the chain of calls of this error alone. A script that catches it is refused its next
            // operation.
            return Err(EvalAltResult::ErrorRuntime("the task is to end".into(), Position::NONE).into());
        }
        Ok(woken)
    }

    /// Notes that the running call, which has begun its wait, is left without its stack.
    pub(in crate::script) fn leave(&self, patience: Patience) {
        self.patience().set(patience);
        self.parking().set(Parking::Left);
    }

    /// Gives the other tasks and connections a turn, now and then, because a call of the running task had nothing to wait for.
    ///
    /// # Errors
    /// As [`Host::wait`].
    pub(in crate::script) fn pass_turn(&self, task: TaskId) -> Result<(), Fault> {
        let calls = self.unwaited().get() + 1;
        self.unwaited().set(calls);
        if calls < CALLS_PER_TURN { Ok(()) } else { self.yield_turn(task) }
    }

    /// Gives the other tasks and connections a turn.
    ///
    /// # Errors
    /// As [`Host::wait`].
    pub(in crate::script) fn yield_turn(&self, task: TaskId) -> Result<(), Fault> {
        self.tasks().set_ready(task);
        self.wait(task, None).map(drop)
    }

    /// The time at which a wait of so long is over.
    pub(in crate::script) fn deadline_in(&self, limit: Option<Duration>) -> Option<Instant> {
        limit.and_then(|limit| self.now().checked_add(limit))
    }
}

/// Maximum calls in one turn of a task that find what they ask for without waiting.
const CALLS_PER_TURN: u32 = 256;
