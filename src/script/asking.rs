//! `Asking`: stdin, for tasks that ask for its lines.
//!
//! Owns who waits for a line or has joined stdin with a connection, and a line that came after its task had gone. The driver
//! reads; the calls are in `api::stdin` and `api::interactive`.

use std::cell::{Cell, RefCell};

use crate::script::ScriptHandler;
use crate::script::tasks::TaskId;
use crate::session::RunEvent;

/// Whose stdin is.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum StdinUse {
    /// Nobody's: to a script it has ended.
    #[default]
    Unread,
    /// The script's tasks' that ask for it.
    Asked,
    /// `on_stdin`'s.
    Lines,
    /// A connection's.
    Bytes,
    /// Several workers', so that none may read it.
    Shared,
}

/// What is known of stdin.
#[derive(Debug, Default)]
pub(super) struct Asking {
    reader: Cell<Option<TaskId>>,
    line: RefCell<Option<String>>,
    has_ended: Cell<bool>,
    /// The task that has joined it with a connection, and the name of that.
    joined: RefCell<Option<(TaskId, String)>>,
    /// That connection gets nothing more of it.
    has_left: Cell<bool>,
}

impl Asking {
    /// The task that waits.
    pub(super) fn reader(&self) -> Option<TaskId> {
        self.reader.get()
    }

    /// The task that waits for a line, or whose connection gets it all.
    pub(super) fn user(&self) -> Option<TaskId> {
        self.joined.borrow().as_ref().map(|(task, _)| *task).or(self.reader.get())
    }

    /// Sets the task that waits.
    pub(super) fn set_reader(&self, task: Option<TaskId>) {
        self.reader.set(task);
    }

    /// The line that has come.
    pub(super) fn take_line(&self) -> Option<String> {
        self.line.take()
    }

    /// Begins or ends the time in which it goes to a connection of a task.
    pub(super) fn set_joined(&self, joined: Option<(TaskId, String)>) {
        self.has_left.set(false);
        self.joined.replace(joined);
    }

    /// The task that has joined it with a connection, and the name of that.
    pub(super) fn joined(&self) -> Option<(TaskId, String)> {
        self.joined.borrow().clone()
    }

    /// Whether the connection that it is joined with gets nothing more of it.
    pub(super) fn has_left(&self) -> bool {
        self.has_left.get() || self.has_ended.get()
    }

    /// Whether nothing more will come.
    pub(super) fn has_ended(&self) -> bool {
        self.has_ended.get()
    }
}

impl ScriptHandler {
    /// Takes what was read of stdin for the task that has asked for it. Returns whether it is for a task.
    pub(super) fn answer_asking(&self, event: &RunEvent) -> bool {
        if self.host.stdin_use() != StdinUse::Asked {
            // Nobody but a task asks for it.
            return matches!(event, RunEvent::StdinLeft);
        }
        let asking = self.host.asking();
        match event {
            RunEvent::StdinLine(line) => drop(asking.line.replace(Some(line.clone()))),
            RunEvent::StdinEof => asking.has_ended.set(true),
            RunEvent::StdinLeft => asking.has_left.set(true),
            _ => return false,
        }
        if let Some(task) = asking.user() {
            self.host.tasks().wake(task);
        }
        true
    }
}
