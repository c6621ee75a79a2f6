//! Tasks: `start`, `join`, `first`, `cancel`, `sleep`.
//!
//! What a task is, `script::tasks` says; how a connection is read in one, `reading`.

use std::rc::Rc;
use std::time::{Duration, Instant};

use rhai::{Array, Dynamic, Engine, FnPtr, INT, ImmutableString, Map, NativeCallContext, Position};

use super::conn::Conn;
use super::waits::limit;
use super::{Outcome, failure, type_name};
use crate::script::engine::Fault;
use crate::script::host::Host;
use crate::script::pulling;
use crate::script::tasks::{self, Body, Outcome as Ended, Role, TaskId, TaskState, Woken, no_stack};
use crate::script::trouble::{self, Kind, Trouble};

/// A task as a script sees it.
#[derive(Clone, Debug)]
pub(in crate::script) struct Task(Rc<TaskState>);

pub(super) fn register(engine: &mut Engine, host: &Rc<Host>) {
    engine
        .register_type_with_name::<Task>("Task")
        .register_get("is_done", |task: &mut Task| task.0.is_done())
        .register_fn("==", |a: Task, b: Task| Rc::ptr_eq(&a.0, &b.0))
        .register_fn("!=", |a: Task, b: Task| !Rc::ptr_eq(&a.0, &b.0))
        .register_fn("to_string", |task: &mut Task| format!("Task({})", task.0.place()))
        .register_fn("to_debug", |task: &mut Task| format!("Task({})", task.0.place()));
    let of = Rc::clone(host);
    engine.register_fn("cancel", move |task: Task| {
        task.0.id().is_some_and(|id| !task.0.is_done() && of.tasks().cancel(id))
    });
    register_start(engine, host);
    register_measures(engine, host);
    let of = Rc::clone(host);
    engine.register_fn("sleep", move |ms: INT| sleep(&of, ms));
    engine.register_fn("sleep", |_: f64| -> Outcome<()> {
        Err(failure("sleep takes a whole number of milliseconds: sleep(1500) is a second and a half"))
    });
    // An error that is caught shows its message.
    for name in ["to_string", "print"] {
        engine.register_fn(name, |context: NativeCallContext<'_>, map: &mut Map| -> Outcome<ImmutableString> {
            let ours =
                trouble::message_of(map).map(|message| message.clone().into_immutable_string().unwrap_or_default());
            match ours.or_else(|| trouble::language_message(map)) {
                Some(message) => Ok(message),
                None => context.call_native_fn("to_debug", (map.clone(),)),
            }
        });
    }
    let of = Rc::clone(host);
    engine.register_fn("join", move |task: Task| join(&of, &[task], None).map(one));
    let of = Rc::clone(host);
    engine.register_fn("join", move |task: Task, ms: INT| join(&of, &[task], Some(ms)).map(one));
    let of = Rc::clone(host);
    engine.register_fn("join", move |context: NativeCallContext<'_>, tasks: Array| {
        join(&of, &handles(&context, "join", &tasks)?, None)
    });
    let of = Rc::clone(host);
    engine.register_fn("join", move |context: NativeCallContext<'_>, tasks: Array, ms: INT| {
        join(&of, &handles(&context, "join", &tasks)?, Some(ms))
    });
    let of = Rc::clone(host);
    engine.register_fn("first", move |context: NativeCallContext<'_>, tasks: Array| {
        first(&of, &handles(&context, "first", &tasks)?, None)
    });
    let of = Rc::clone(host);
    engine.register_fn("first", move |context: NativeCallContext<'_>, tasks: Array, ms: INT| {
        first(&of, &handles(&context, "first", &tasks)?, Some(ms))
    });
}

fn register_start(engine: &mut Engine, host: &Rc<Host>) {
    macro_rules! start {
        ($($arg:ident),*) => {
            let of = Rc::clone(host);
            engine.register_fn("start", move |context: NativeCallContext<'_>, call: FnPtr $(, $arg: Dynamic)*| {
                start(&context, &of, None, call, vec![$($arg),*])
            });
            let of = Rc::clone(host);
            engine.register_fn(
                "start",
                move |context: NativeCallContext<'_>, conn: Conn, call: FnPtr $(, $arg: Dynamic)*| {
                    start(&context, &of, Some(&conn), call, vec![$($arg),*])
                },
            );
        };
    }
    start!();
    start!(a);
    start!(a, b);
    start!(a, b, c);
    start!(a, b, c, d);
    start!(a, b, c, d, e);
}

/// `measure` and `count`: what a load run counts besides whole runs.
fn register_measures(engine: &mut Engine, host: &Rc<Host>) {
    let of = Rc::clone(host);
    engine.register_fn("measure", move |context: NativeCallContext<'_>, name: &str, call: FnPtr| -> Outcome<Dynamic> {
        let began = of.now();
        let value = call.call_within_context::<Dynamic>(&context, ())?;
        record(&of, name, began)?;
        Ok(value)
    });
    let of = Rc::clone(host);
    engine.register_fn("count", move |name: &str| count(&of, name, 1));
    let of = Rc::clone(host);
    engine.register_fn("count", move |name: &str, more: INT| count(&of, name, more));
}

/// Records the time since `began`.
pub(in crate::script) fn record(host: &Host, name: &str, began: Instant) -> Outcome<()> {
    let took = host.now().saturating_duration_since(began);
    match host.with_tally(|tally| tally.record(name, took)) {
        Some(Err(fault)) => Err(failure(format!("measure: {fault}"))),
        _ => Ok(()),
    }
}

/// Adds to a count.
pub(in crate::script) fn count(host: &Host, name: &str, more: INT) -> Outcome<()> {
    let more = u64::try_from(more).map_err(|_| failure(format!("count adds 0 or more, not {more}")))?;
    match host.with_tally(|tally| tally.count(name, more)) {
        Some(Err(fault)) => Err(failure(format!("count: {fault}"))),
        _ => Ok(()),
    }
}

/// Starts a task. With a connection, which is its first argument, it ends with that.
fn start(
    context: &NativeCallContext<'_>,
    host: &Host,
    conn: Option<&Conn>,
    call: FnPtr,
    given: Vec<Dynamic>,
) -> Outcome<Task> {
    if host.is_loading() {
        return Err(failure("start() while the script is loading: call it in on_start, session or main"));
    }
    let Some(program) = host.program() else { return Err(failure("nothing can be started here")) };
    let mut args: Vec<Dynamic> = conn.cloned().map(Dynamic::from).into_iter().collect();
    // By value: what one task does to them, no other sees.
    args.extend(given.into_iter().map(Dynamic::flatten));
    let count = program.arity(&call, args.len()).map_err(|least| {
        let (plural, given) = (if least == 1 { "" } else { "s" }, args.len());
        failure(format!("the function given to start has {least} parameter{plural} and gets {given}"))
    })?;
    args.truncate(count);
    let view = conn.map(Conn::view);
    if view.is_some_and(|view| !view.info.is_open()) {
        return Err(failure("conn.start: the connection is closed"));
    }
    let place = place(context, &program, context.call_position());
    let started = host.start_task(&program, Role::Started, Body::Function(call), args, view.cloned(), place);
    let (id, state) = started.map_err(|cause| failure(no_stack("task", &cause)))?;
    if let Some(view) = view {
        pulling::attachment(view).watch().bind(id);
    }
    host.tasks().wake(id);
    Ok(Task(state))
}

/// Where a call stands: `FILE:LINE`.
fn place(context: &NativeCallContext<'_>, program: &tasks::Program, at: Position) -> String {
    let source = program.sources.get(context.call_source().unwrap_or_default());
    format!("{}:{}", source.name, source.line_number(at.line().unwrap_or(1)))
}

fn sleep(host: &Host, ms: INT) -> Outcome<()> {
    let task = host.task_for("sleep")?;
    let limit = limit("sleep", ms)?;
    if limit.is_zero() {
        return host.yield_turn(task);
    }
    let until = host.deadline_in(Some(limit));
    while host.wait(task, until)? == Woken::Again {}
    Ok(())
}

fn handles(context: &NativeCallContext<'_>, call: &str, tasks: &Array) -> Outcome<Vec<Task>> {
    let handle = |task: &Dynamic| {
        task.read_lock::<Task>()
            .map(|task| task.clone())
            .ok_or_else(|| failure(format!("{call} takes an array of tasks, not of {}", type_name(context, task))))
    };
    tasks.iter().map(handle).collect()
}

fn one(values: Array) -> Dynamic {
    values.into_iter().next().unwrap_or_default()
}

/// Waits for the ends of tasks. Returns their values in this order; the first error that occurs is thrown at once.
fn join(host: &Host, tasks: &[Task], ms: Option<INT>) -> Outcome<Array> {
    let me = host.task_for("join")?;
    let (limit, until) = until(host, "join", ms)?;
    loop {
        if let Some(fault) = tasks.iter().find_map(failure_of) {
            return Err(fault);
        }
        if tasks.iter().all(|task| task.0.is_done()) {
            return Ok(tasks.iter().map(value_of).collect());
        }
        if wait_for(host, me, "join", tasks, until)? == Woken::TimedOut {
            let open = tasks.iter().filter(|task| !task.0.is_done()).count();
            return Err(timed_out("join", limit, open));
        }
    }
}

/// Waits for the first end of one of these tasks, then cancels the others.
fn first(host: &Host, tasks: &[Task], ms: Option<INT>) -> Outcome<Map> {
    let me = host.task_for("first")?;
    if tasks.is_empty() {
        return Err(failure("first([]): there is nothing to wait for"));
    }
    let (limit, until) = until(host, "first", ms)?;
    loop {
        if let Some(index) = tasks.iter().position(|task| task.0.is_done()) {
            for (other, task) in tasks.iter().enumerate() {
                if let Some(id) = task.0.id().filter(|_| other != index && !task.0.is_done()) {
                    host.tasks().cancel(id);
                }
            }
            if let Some(fault) = failure_of(&tasks[index]) {
                return Err(fault);
            }
            let mut map = Map::new();
            map.insert("index".into(), Dynamic::from_int(index as INT));
            map.insert("value".into(), value_of(&tasks[index]));
            return Ok(map);
        }
        if wait_for(host, me, "first", tasks, until)? == Woken::TimedOut {
            return Err(timed_out("first", limit, tasks.len()));
        }
    }
}

fn until(host: &Host, call: &str, ms: Option<INT>) -> Outcome<(Option<Duration>, Option<Instant>)> {
    let limit = ms.map(|ms| limit(call, ms)).transpose()?;
    Ok((limit, host.deadline_in(limit)))
}

/// Waits until one of these tasks has ended.
fn wait_for(host: &Host, me: TaskId, call: &'static str, tasks: &[Task], until: Option<Instant>) -> Outcome<Woken> {
    let open: Vec<TaskId> = tasks.iter().filter(|task| !task.0.is_done()).filter_map(|task| task.0.id()).collect();
    for id in &open {
        if *id == me {
            return Err(Trouble::new(Kind::Cancelled, call, "a task cannot wait for its own end").thrown());
        }
        if host.tasks().awaits(*id, me) {
            let message = format!("{call}: these tasks wait for each other, so none of them would end");
            return Err(Trouble::new(Kind::Cancelled, call, message).thrown());
        }
        host.tasks().add_joiner(*id, me);
    }
    let woken = host.wait(me, until);
    for id in &open {
        host.tasks().remove_joiner(*id, me);
    }
    woken
}

fn timed_out(call: &'static str, limit: Option<Duration>, open: usize) -> Fault {
    let plural = if open == 1 { "" } else { "s" };
    Trouble::late(call, limit, &format!("{open} task{plural}")).thrown()
}

fn value_of(task: &Task) -> Dynamic {
    task.0.with_outcome(|outcome| match outcome {
        Ended::Done(value) => value.clone(),
        _ => Dynamic::UNIT,
    })
}

/// The error of a task that has failed or was cancelled.
fn failure_of(task: &Task) -> Option<Fault> {
    task.0.with_outcome(|outcome| match outcome {
        Ended::Running | Ended::Done(_) => None,
        Ended::Failed(fault) => {
            task.0.note_told();
            Some(copy_of(fault))
        }
        Ended::Cancelled => Some(Trouble::new(Kind::Cancelled, "join", "the task was cancelled").thrown()),
    })
}

/// The same error, for somebody else. Rhai's errors cannot be copied: what was thrown is kept, of others their words.
fn copy_of(fault: &Fault) -> Fault {
    use rhai::EvalAltResult as Error;
    match &**fault {
        Error::ErrorRuntime(thrown, at) => Error::ErrorRuntime(thrown.clone(), *at).into(),
        Error::ErrorInFunctionCall(name, source, inner, at) => {
            Error::ErrorInFunctionCall(name.clone(), source.clone(), copy_of(inner), *at).into()
        }
        Error::ErrorInModule(name, inner, at) => Error::ErrorInModule(name.clone(), copy_of(inner), *at).into(),
        Error::ErrorFunctionNotFound(signature, at) => Error::ErrorFunctionNotFound(signature.clone(), *at).into(),
        Error::ErrorVariableNotFound(name, at) => Error::ErrorVariableNotFound(name.clone(), *at).into(),
        other => Error::ErrorRuntime(crate::script::error::sentence_of(fault).into(), other.position()).into(),
    }
}
