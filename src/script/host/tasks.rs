//! The tasks of a script as its functions see them: which one is running, and in which version.

use std::cell::{Cell, RefCell, RefMut};
use std::rc::Rc;
use std::time::Duration;

use crate::load::Tally;
use crate::script::asking::{Asking, StdinUse};
use crate::script::body::Got;
use crate::script::clients::Progress;
use crate::script::host::Host;
use crate::script::program::Program;
use crate::script::tasks::{Parking, Patience, TaskId, Tasks};

impl Host {
    /// Whether a call was stopped at the end of the run's time: what comes of it means nothing, and the driver ends the run.
    pub(in crate::script) fn is_run_over(&self) -> bool {
        self.run_is_over.get()
    }

    /// The tasks.
    pub(in crate::script) fn tasks(&self) -> RefMut<'_, Tasks> {
        self.tasks.borrow_mut()
    }

    /// The task that is running.
    pub(in crate::script) fn running_task(&self) -> &Cell<Option<TaskId>> {
        &self.task
    }

    /// The version of the script whose code is running.
    pub(in crate::script) fn program(&self) -> Option<Rc<Program>> {
        let of_task = self.task.get().and_then(|task| self.tasks().program(task).cloned());
        of_task.or_else(|| self.program.borrow().upgrade())
    }

    /// Forgets the version of the script that handlers are called in.
    #[cfg(test)]
    pub(in crate::script) fn forget_program(&self) {
        self.program.take();
    }

    /// Sets the version of the script that handlers are called in.
    pub(in crate::script) fn set_program(&self, program: &Rc<Program>) {
        self.program.replace(Rc::downgrade(program));
    }

    /// The time limit of a call of a task that says none, on what the task opens.
    pub(in crate::script) fn wait_limit(&self, task: TaskId) -> Option<Duration> {
        self.tasks().wait_limit(task)
    }

    /// Whose stdin is.
    pub(in crate::script) fn stdin_use(&self) -> StdinUse {
        self.context.borrow().stdin
    }

    /// What tasks know of stdin.
    pub(in crate::script) fn asking(&self) -> &Asking {
        &self.asking
    }

    /// Calls of the running task that had nothing to wait for, since it last waited.
    pub(in crate::script) fn unwaited(&self) -> &Cell<u32> {
        &self.unwaited
    }

    /// Whether the call that is about to wait may be left without its stack.
    pub(in crate::script) fn parking(&self) -> &Cell<Parking> {
        &self.parking
    }

    /// How far a call has come that was left, or is made again.
    pub(in crate::script) fn patience(&self) -> &Cell<Patience> {
        &self.patience
    }

    /// What a call has given whose value is used next.
    pub(in crate::script) fn got(&self) -> &RefCell<Got> {
        &self.got
    }

    /// Sets where measures and counts go.
    pub(in crate::script) fn set_progress(&self, progress: Progress) {
        self.progress.replace(Some(progress));
    }

    /// Works with the counts; without many clients nobody looks at them.
    pub(in crate::script) fn with_tally<R>(&self, work: impl FnOnce(&mut Tally) -> R) -> Option<R> {
        self.progress.borrow().as_ref().map(|progress| work(&mut progress.look().tally))
    }
}
