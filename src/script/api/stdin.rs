//! stdin in a task: `read_stdin_line` and `stdin_lines`.
//!
//! Nothing is read before a task asks, and no more than one read gives.

use std::rc::Rc;
use std::time::Duration;

use rhai::{Engine, INT, ImmutableString};

use super::waits::UntilEnd;
use super::{Outcome, failure};
use crate::script::asking::StdinUse;
use crate::script::host::Host;
use crate::script::tasks::{TaskId, Woken};
use crate::script::trouble::{self, Kind, Trouble};
use crate::session::Command;

const LINE: &str = "read_stdin_line";
const LINES: &str = "stdin_lines";

pub(super) fn register(engine: &mut Engine, host: &Rc<Host>) {
    let of = Rc::clone(host);
    engine.register_fn("read_stdin_line", move || read_line(&of, None));
    let of = Rc::clone(host);
    engine.register_fn("read_stdin_line", move |ms: INT| read_line(&of, Some(ms)));
    engine.register_type_with_name::<Lines>("StdinLines");
    engine.register_iterator_result::<Lines, ImmutableString>();
    let of = Rc::clone(host);
    engine.register_fn("stdin_lines", move || -> Outcome<Lines> {
        reader(&of, LINES)?;
        Ok(Lines(Rc::clone(&of)))
    });
}

/// What `for` goes over: the lines of stdin until its end.
#[derive(Clone)]
struct Lines(Rc<Host>);

impl IntoIterator for Lines {
    type Item = Outcome<ImmutableString>;
    type IntoIter = UntilEnd<Box<dyn FnMut() -> Outcome<Option<ImmutableString>>>>;

    fn into_iter(self) -> Self::IntoIter {
        let host = self.0;
        UntilEnd::new(Box::new(move || next_line(&host, reader(&host, LINES)?, LINES, None)))
    }
}

fn read_line(host: &Host, ms: Option<INT>) -> Outcome<ImmutableString> {
    let task = reader(host, LINE)?;
    let limit = ms.map(|ms| super::waits::limit(LINE, ms)).transpose()?;
    let line = next_line(host, task, LINE, limit)?;
    line.ok_or_else(|| Trouble::new(Kind::Eof, LINE, "stdin has ended while waiting for a line").thrown())
}

/// The task that may read stdin now.
///
/// # Errors
/// It is not for tasks, or another one reads it.
pub(super) fn reader(host: &Host, call: &'static str) -> Outcome<TaskId> {
    let task = host.task_for(call)?;
    match host.stdin_use() {
        StdinUse::Unread | StdinUse::Asked => {}
        StdinUse::Lines => {
            return Err(failure(format!("{call}: stdin goes to on_stdin of this script; leave on_stdin out")));
        }
        StdinUse::Bytes => {
            let message = format!("{call}: stdin goes to the connection, because this script has no session(conn)");
            return Err(failure(message));
        }
        StdinUse::Shared => {
            return Err(failure(format!("{call}: with --workers nobody reads stdin; leave --workers out")));
        }
    }
    if let Some(other) = host.asking().user().filter(|other| *other != task)
        && let Some(state) = host.tasks().going_on(other)
    {
        let joined = host.asking().joined();
        let what = joined.map_or_else(|| "being read".to_owned(), |(_, name)| format!("joined with {name}"));
        let message = format!("stdin is already {what} by the task started at {}", state.place());
        return Err(trouble::failure(host, Kind::Io, call, None, message));
    }
    Ok(task)
}

/// Waits for the next line; `None` once stdin has ended.
fn next_line(host: &Host, task: TaskId, op: &'static str, limit: Option<Duration>) -> Outcome<Option<ImmutableString>> {
    let until = host.deadline_in(limit);
    let mut is_late = false;
    for step in 0.. {
        let line = host.asking().take_line();
        if line.is_some() || host.asking().has_ended() || host.stdin_use() == StdinUse::Unread {
            if step == 0 {
                host.pass_turn(task)?;
            }
            return Ok(line.map(Into::into));
        }
        if is_late {
            return Err(Trouble::late(op, limit, "a line of stdin").thrown());
        }
        host.asking().set_reader(Some(task));
        host.push(Command::AskStdin(true));
        let woken = host.wait(task, until);
        // A task that was cancelled may have a successor.
        if host.asking().reader() == Some(task) {
            host.asking().set_reader(None);
            host.extend((!matches!(woken, Ok(Woken::Again))).then_some(Command::AskStdin(false)));
        }
        is_late = woken? == Woken::TimedOut;
    }
    unreachable!("the loop ends by returning")
}
