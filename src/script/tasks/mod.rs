//! Tasks: the straight-line flows of a script, each left where it waits: with its stack, or at a place in its steps.
//!
//! Owns the table of tasks: which of them run, are ready or wait until when. What a call waits for is known by the call alone:
//! whoever is woken looks again. `running` resumes and ends tasks, `waiting` is the side of the calls that wait.

mod running;
mod state;
mod waiting;

use std::cmp::Reverse;
use std::collections::{BinaryHeap, HashSet, VecDeque};
use std::io;
use std::rc::Rc;
use std::time::{Duration, Instant};

use slab::Slab;

use crate::error::cause;
use crate::script::body::{Flow, Turn};
use crate::script::error::Report;
use crate::session::{ConnId, ConnView, ListenerId};
use crate::sys::coroutine::Coroutine;
use crate::sys::stack::{Pool, Stack};

pub(super) use crate::script::program::Program;
pub(super) use running::{Body, Calls, Role};
pub(super) use state::{Outcome, TaskState};
pub(super) use waiting::{Parking, Patience, Woken};

/// Old entries of [`Tasks::due`] that are not worth a look.
const OLD_ENTRIES: usize = 64;

/// Time limit of a call that waits and says none, in `main` and what it has started.
const WAIT_LIMIT: Duration = Duration::from_secs(10);

/// Why a task, or a session, cannot begin.
pub(super) fn no_stack(what: &str, error: &io::Error) -> String {
    let is_full = error.kind() == io::ErrorKind::OutOfMemory;
    let limits = if is_full { "; ulimit -v and vm.max_map_count limit how many there are" } else { "" };
    format!("no stack for a {what}: {}{limits}", cause(error))
}

/// A task; never used again.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(super) struct TaskId {
    number: u64,
    index: usize,
}

/// A task that is in no table.
#[cfg(test)]
pub(super) fn test_id(number: u64) -> TaskId {
    TaskId { number, index: 0 }
}

/// All tasks of a script that have not ended.
#[derive(Debug, Default)]
pub(super) struct Tasks {
    table: Slab<Task>,
    last_number: u64,
    /// Tasks that go on as soon as they get a turn.
    ready: VecDeque<TaskId>,
    /// One entry for each task that has [`Task::queued`], and old ones.
    due: BinaryHeap<Reverse<(Instant, TaskId)>>,
    stacks: Pool,
    /// Where tasks were started of which was told that they never began.
    told: HashSet<String>,
}

/// What goes on of a task.
pub(super) enum Run {
    /// A stack that was left in the middle of a call, or has not begun.
    Stack(Coroutine<Turn>),
    /// A place in the steps of a function; it gets a stack for its next turn.
    Place(Box<Flow>),
}

impl Run {
    fn has_begun(&self) -> bool {
        match self {
            Self::Stack(coroutine) => coroutine.has_begun(),
            Self::Place(flow) => flow.has_begun(),
        }
    }
}

/// One task.
struct Task {
    number: u64,
    /// `None` while it runs.
    run: Option<Run>,
    /// What others know of it.
    state: Rc<TaskState>,
    program: Rc<Program>,
    role: Role,
    /// The connection that it is about, which is ended if it fails.
    conn: Option<Rc<ConnView>>,
    /// Who has started it, and ends it with itself.
    parent: Option<TaskId>,
    children: Vec<TaskId>,
    /// Tasks that wait for its end.
    joiners: Vec<TaskId>,
    /// Failures of tasks that it has started and may still join.
    unheard: Vec<(Rc<TaskState>, Report)>,
    /// Until when it waits.
    deadline: Option<Instant>,
    /// The time of its entry in [`Tasks::due`].
    queued: Option<Instant>,
    is_ready: bool,
    woken: Woken,
    /// Bytes that it has allocated since it began.
    growth: isize,
    /// Connections and listeners that it and those it has started have opened, for one of many runs of `main`.
    opened: Vec<Rc<ConnView>>,
    listeners: Vec<ListenerId>,
    /// Number of its checks that did not hold, outside of tests.
    failed_checks: usize,
}

impl Task {
    /// Whether this entry of [`Tasks::due`] is its own, and not an old one.
    fn has_entry(&self, at: Instant, id: TaskId) -> bool {
        self.number == id.number && self.queued == Some(at)
    }
}

impl std::fmt::Debug for Task {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Task").field("number", &self.number).field("state", &self.state).finish_non_exhaustive()
    }
}

impl Tasks {
    /// Adds a task, which is ready.
    fn add(
        &mut self,
        program: &Rc<Program>,
        role: Role,
        conn: Option<Rc<ConnView>>,
        parent: Option<TaskId>,
        state: &Rc<TaskState>,
        run: Run,
    ) -> TaskId {
        self.last_number += 1;
        let number = self.last_number;
        let index = self.table.insert(Task {
            number,
            run: Some(run),
            state: Rc::clone(state),
            program: Rc::clone(program),
            role,
            conn,
            parent,
            children: Vec::new(),
            joiners: Vec::new(),
            unheard: Vec::new(),
            deadline: None,
            queued: None,
            is_ready: false,
            woken: Woken::Again,
            growth: 0,
            opened: Vec::new(),
            listeners: Vec::new(),
            failed_checks: 0,
        });
        let id = TaskId { number, index };
        state.set_id(id);
        if let Some(parent) = parent.and_then(|parent| self.get_mut(parent)) {
            parent.children.push(id);
        }
        id
    }

    fn get(&self, id: TaskId) -> Option<&Task> {
        self.table.get(id.index).filter(|task| task.number == id.number)
    }

    fn get_mut(&mut self, id: TaskId) -> Option<&mut Task> {
        self.table.get_mut(id.index).filter(|task| task.number == id.number)
    }

    /// Whether there is none.
    pub(super) fn is_empty(&self) -> bool {
        self.table.is_empty()
    }

    /// Whether a task has not had its first turn.
    pub(super) fn has_new(&self) -> bool {
        self.table.iter().any(|(_, task)| task.run.as_ref().is_some_and(|run| !run.has_begun()))
    }

    /// Number of tasks that wait on a stack.
    #[cfg(test)]
    pub(super) fn on_stacks(&self) -> usize {
        self.table.iter().filter(|(_, task)| matches!(task.run, Some(Run::Stack(_)))).count()
    }

    /// Whether a task has not ended.
    pub(super) fn is_alive(&self, id: TaskId) -> bool {
        self.get(id).is_some()
    }

    /// The state of a task.
    pub(super) fn state(&self, id: TaskId) -> Option<&Rc<TaskState>> {
        self.get(id).map(|task| &task.state)
    }

    /// The state of a task that goes on: it has not ended and is not to end. What another one holds is free.
    pub(super) fn going_on(&self, id: TaskId) -> Option<&Rc<TaskState>> {
        self.state(id).filter(|state| !state.is_done())
    }

    /// The connection of a task.
    pub(super) fn conn_of(&self, id: TaskId) -> Option<ConnId> {
        self.get(id)?.conn.as_ref().map(|conn| conn.id)
    }

    /// The time limit of a call that says none, on what a task opens.
    pub(super) fn wait_limit(&self, id: TaskId) -> Option<Duration> {
        let mut id = Some(id);
        while let Some(task) = id.and_then(|id| self.get(id)) {
            match task.role {
                Role::Main | Role::Test => return Some(WAIT_LIMIT),
                Role::Session => return None,
                Role::Started => id = task.parent,
            }
        }
        None
    }

    /// The program of a task.
    pub(super) fn program(&self, id: TaskId) -> Option<&Rc<Program>> {
        self.get(id).map(|task| &task.program)
    }

    /// Gives a task a turn, soon: what it waits for may be there.
    pub(super) fn wake(&mut self, id: TaskId) {
        // One that runs looks for itself.
        if self.get(id).is_some_and(|task| task.run.is_some()) {
            self.set_ready(id);
        }
    }

    /// Puts a task behind those that are ready.
    fn set_ready(&mut self, id: TaskId) {
        if let Some(task) = self.get_mut(id)
            && !std::mem::replace(&mut task.is_ready, true)
        {
            self.ready.push_back(id);
        }
    }

    /// Ends a task: its wait fails, which it cannot catch. Returns whether it had not ended.
    pub(super) fn cancel(&mut self, id: TaskId) -> bool {
        let Some(task) = self.get_mut(id) else { return false };
        task.woken = Woken::Cancelled;
        task.state.cancel();
        let joiners = std::mem::take(&mut task.joiners);
        self.wake(id);
        for joiner in joiners {
            self.wake(joiner);
        }
        true
    }

    /// Notes that a check of a task does not hold. It counts for whoever has started the task.
    pub(super) fn note_failed_check(&mut self, id: TaskId) {
        let mut id = id;
        while let Some(task) = self.get(id)
            && let (Role::Started, Some(parent)) = (task.role, task.parent)
        {
            id = parent;
        }
        if let Some(task) = self.get_mut(id) {
            task.failed_checks += 1;
        }
    }

    /// Where tasks were started that have not begun, and will not when the one that has started them ends. Each place is given
    /// once.
    fn take_unbegun(&mut self, parent: TaskId) -> Vec<String> {
        let Some(parent) = self.get(parent) else { return Vec::new() };
        let children = parent.children.iter().filter_map(|child| self.get(*child));
        let unbegun = children.filter(|child| child.role == Role::Started && child.woken != Woken::Cancelled);
        let unbegun = unbegun.filter(|child| child.run.as_ref().is_some_and(|run| !run.has_begun()));
        let mut places: Vec<_> = unbegun.map(|child| child.state.place().to_owned()).collect();
        places.retain(|place| self.told.insert(place.clone()));
        places
    }

    /// Takes what goes on of a task for one turn, its program, and what it has allocated so far. `None`: it has ended, or it
    /// runs.
    fn begin_turn(&mut self, id: TaskId) -> Option<(Run, Rc<Program>, isize)> {
        let task = self.get_mut(id)?;
        let run = task.run.take()?;
        if task.woken == Woken::Cancelled && !run.has_begun() {
            // Nothing of it has run.
            self.remove(id);
            return None;
        }
        task.is_ready = false;
        Some((run, Rc::clone(&task.program), task.growth))
    }

    /// Puts back what goes on of a task, which waits.
    fn end_turn(&mut self, id: TaskId, run: Run, growth: isize) {
        if let Some(task) = self.get_mut(id) {
            task.run = Some(run);
            task.growth = growth;
        }
    }

    /// Takes a task that has ended out of the table. Those that wait for it go on, those that it has started end.
    fn remove(&mut self, id: TaskId) -> Option<Task> {
        self.get(id)?;
        let task = self.table.remove(id.index);
        self.drop_old_entries();
        for joiner in &task.joiners {
            self.wake(*joiner);
        }
        for child in &task.children {
            self.cancel(*child);
        }
        Some(task)
    }

    /// Keeps the failure of a task for the end of whoever has started it: it may be joined until then.
    ///
    /// # Errors
    /// Whoever has started it has ended: the same report.
    fn keep_unheard(&mut self, parent: TaskId, state: &Rc<TaskState>, report: Report) -> Result<(), Report> {
        match self.get_mut(parent) {
            Some(parent) => {
                parent.unheard.push((Rc::clone(state), report));
                Ok(())
            }
            None => Err(report),
        }
    }

    /// A stack for a task.
    ///
    /// # Errors
    /// There is no room for it.
    fn take_stack(&mut self) -> io::Result<Stack> {
        self.stacks.take()
    }

    /// Keeps a stack that the next turn is likely to use, at once.
    fn lay_down(&mut self, stack: Stack) {
        self.stacks.lay_down(stack);
    }

    /// Keeps a stack that is free again.
    fn put_back(&mut self, stack: Stack) {
        self.stacks.put_back(stack);
    }

    /// All tasks.
    pub(super) fn all(&self) -> Vec<TaskId> {
        self.table.iter().map(|(index, task)| TaskId { number: task.number, index }).collect()
    }

    /// Adds a task that waits for the end of another one.
    pub(super) fn add_joiner(&mut self, id: TaskId, joiner: TaskId) {
        if let Some(task) = self.get_mut(id)
            && !task.joiners.contains(&joiner)
        {
            task.joiners.push(joiner);
        }
    }

    /// Notes a connection that a task has opened, with the run of `main` that it belongs to.
    pub(super) fn note_opened(&mut self, id: TaskId, view: &Rc<ConnView>) {
        if let Some(task) = self.main_of(id) {
            if task.opened.len() == task.opened.capacity() {
                task.opened.retain(|view| view.info.is_open());
            }
            task.opened.push(Rc::clone(view));
        }
    }

    /// The same for a listener.
    pub(super) fn note_listener(&mut self, id: TaskId, listener: ListenerId) {
        if let Some(task) = self.main_of(id) {
            task.listeners.push(listener);
        }
    }

    /// The run of `main` that a task belongs to.
    fn main_of(&mut self, id: TaskId) -> Option<&mut Task> {
        let id = self.main_id_of(id)?;
        self.get_mut(id)
    }

    /// The same, as its number.
    fn main_id_of(&self, mut id: TaskId) -> Option<TaskId> {
        loop {
            let task = self.get(id)?;
            match task.parent {
                Some(parent) => id = parent,
                None => return Some(id).filter(|_| task.role == Role::Main),
            }
        }
    }

    /// Whether a task waits for another one's end, directly or through others.
    pub(super) fn awaits(&self, waiting: TaskId, other: TaskId) -> bool {
        let mut open = vec![other];
        let mut seen = Vec::new();
        while let Some(id) = open.pop() {
            let Some(task) = self.get(id).filter(|_| !seen.contains(&id)) else { continue };
            if task.joiners.contains(&waiting) {
                return true;
            }
            seen.push(id);
            open.extend(&task.joiners);
        }
        false
    }

    /// Forgets that a task waits for another one's end.
    pub(super) fn remove_joiner(&mut self, id: TaskId, joiner: TaskId) {
        if let Some(task) = self.get_mut(id) {
            task.joiners.retain(|known| *known != joiner);
        }
    }

    /// Marks a task as one that waits until `deadline`. Returns false if it is to end. Not within the call
    /// that waits, whose frame stays on the stack.
    #[inline(never)]
    fn begin_wait(&mut self, id: TaskId, deadline: Option<Instant>) -> bool {
        let Some(task) = self.get_mut(id).filter(|task| task.woken != Woken::Cancelled) else { return false };
        task.woken = Woken::Again;
        task.deadline = deadline;
        if let Some(at) = deadline
            && task.queued.is_none_or(|queued| at < queued)
        {
            task.queued = Some(at);
            self.due.push(Reverse((at, id)));
            self.drop_old_entries();
        }
        true
    }

    /// Drops the old entries of [`Tasks::due`] when most are: each task has one that is not.
    fn drop_old_entries(&mut self) {
        let Self { due, table, .. } = self;
        if due.len() > OLD_ENTRIES + 2 * table.len() {
            due.retain(|Reverse((at, id))| table.get(id.index).is_some_and(|task| task.has_entry(*at, *id)));
        }
    }

    /// When a task may have something to do; `now` if one is ready. It may be too early: a task that waits until later now is put
    /// behind others when its old time has passed, and not each time it begins to wait.
    pub(super) fn deadline(&mut self, now: impl FnOnce() -> Instant) -> Option<Instant> {
        if self.ready.is_empty() { self.first_entry().map(|(at, _)| at) } else { Some(now()) }
    }

    /// The first entry of a task that waits until some time.
    fn first_entry(&mut self) -> Option<(Instant, TaskId)> {
        let Self { due, table, .. } = self;
        while let Some(&Reverse((at, id))) = due.peek() {
            match table.get_mut(id.index).filter(|task| task.has_entry(at, id)) {
                Some(task) if task.deadline.is_some() => return Some((at, id)),
                Some(task) => task.queued = None,
                None => {}
            }
            due.pop();
        }
        None
    }

    /// Takes a task whose time has passed.
    fn take_overdue(&mut self, now: Instant) -> Option<TaskId> {
        while let Some((at, id)) = self.first_entry().filter(|(at, _)| *at <= now) {
            self.due.pop();
            let Some(task) = self.get_mut(id) else { continue };
            task.queued = task.deadline.filter(|deadline| *deadline > at);
            let Some(later) = task.queued else {
                task.deadline = None;
                return Some(id);
            };
            // It waits for something else now.
            self.due.push(Reverse((later, id)));
        }
        None
    }

    /// Takes a task that is ready, or whose time has passed.
    pub(super) fn take_due(&mut self, now: Instant) -> Option<TaskId> {
        self.wake_due(now);
        self.ready.pop_front()
    }

    /// Puts those whose time has passed behind those that are ready, which may be so again and again.
    fn wake_due(&mut self, now: Instant) {
        while let Some(id) = self.take_overdue(now) {
            if let Some(task) = self.get_mut(id).filter(|task| task.woken == Woken::Again) {
                task.woken = Woken::TimedOut;
            }
            self.wake(id);
        }
    }
}
