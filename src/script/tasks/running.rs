//! Starting, resuming and ending tasks.
//!
//! Owns what the end of a task means: for whoever waits for it, for its connection and for the run. The driver sees none of
//! it: a task runs within an event or a timer of the handler, with the limits of a call for each of its turns.

use std::rc::Rc;
use std::time::Instant;

use rhai::{Dynamic, EvalAltResult, FnPtr, Position};

use crate::exit::Exit;
use crate::script::body::{Root, Turn};
use crate::script::clients::RunEnd;
use crate::script::engine::Fault;
use crate::script::error::{self, Report};
use crate::script::host::{Host, Stopped};
use crate::script::program::Program;
use crate::script::suite::exit_text;
use crate::script::tasks::{Outcome, Run, Task, TaskId, TaskState, no_stack};
use crate::script::trouble::{self, Kind};
use crate::script::{ScriptHandler, guarded, internal, stop_text};
use crate::session::{Command, ConnView, HandlerError, SESSION, TimerCall};
use crate::sys::coroutine::Coroutine;

/// What a task is there for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(in crate::script) enum Role {
    /// `session(conn)`: its end ends the connection.
    Session,
    /// `main()`: its end ends the run.
    Main,
    /// `test_*()`, with `setup()` and `teardown()`: whoever runs the tests looks at its end.
    Test,
    /// A function given to `start`.
    Started,
}

impl Role {
    /// The name in messages.
    pub(in crate::script) fn name(self) -> &'static str {
        match self {
            Self::Session => SESSION,
            Self::Main => "main",
            Self::Test => "test",
            Self::Started => "start",
        }
    }
}

/// How the closure of a task has ended.
enum Ending {
    Returned(Result<Dynamic, Fault>),
    /// By a limit of tcpx or by `exit(..)`, at this place.
    Limited(Fault, Stopped),
    Stopped(Stopped),
    Panicked(String),
}

/// What a task runs.
pub(in crate::script) enum Body {
    /// A function of the script, with that name.
    Named(&'static str),
    /// A function value.
    Function(FnPtr),
    /// Several calls.
    Calls(Calls),
}

/// Calls of a task, one after the other.
pub(in crate::script) type Calls = Box<dyn FnOnce(&Rc<Program>) -> Result<Dynamic, Fault>>;

impl Host {
    /// Adds a task; it gets its first turn later.
    ///
    /// # Errors
    /// There is no room for its stack.
    pub(in crate::script) fn start_task(
        &self,
        program: &Rc<Program>,
        role: Role,
        body: Body,
        args: Vec<Dynamic>,
        conn: Option<Rc<ConnView>>,
        place: String,
    ) -> std::io::Result<(TaskId, Rc<TaskState>)> {
        let state = Rc::new(TaskState::new(place));
        let parent = self.current_task();
        let run = self.run_of(program, body, args)?;
        let id = self.tasks().add(program, role, conn, parent, &state, run);
        Ok((id, state))
    }

    /// What a task runs: from place to place, if that is possible, or else on a stack of its own.
    fn run_of(&self, program: &Rc<Program>, body: Body, mut args: Vec<Dynamic>) -> std::io::Result<Run> {
        let root = match &body {
            Body::Named(name) => Some(Root::Named(name)),
            Body::Function(function) => Some(Root::Value(function.clone())),
            Body::Calls(_) => None,
        };
        if let Some(flow) = root.and_then(|root| program.flow(root, &mut args)) {
            return Ok(Run::Place(flow));
        }
        let within = Rc::clone(program);
        let run = move || {
            Turn::Ended(match body {
                Body::Named(name) => within.call_by_name(name, args),
                Body::Function(function) => within.call_with(&function, args),
                Body::Calls(calls) => calls(&within),
            })
        };
        let stack = self.tasks().take_stack()?;
        Ok(Run::Stack(Coroutine::new(stack, run)))
    }
}

impl ScriptHandler {
    /// Starts `session` for a connection that stands, and runs it until it waits.
    pub(in crate::script) fn start_session(
        &self,
        conn: &Rc<ConnView>,
        body: Body,
        args: Vec<Dynamic>,
        out: &mut Vec<Command>,
    ) -> Result<(), HandlerError> {
        let place = match &body {
            Body::Named(_) => self.program.session_place().to_owned(),
            Body::Function(_) | Body::Calls(_) => self.program.sources.main().name.clone(),
        };
        match self.host.start_task(&self.program, Role::Session, body, args, Some(Rc::clone(conn)), place) {
            Ok((id, _)) => self.resume(id, out),
            Err(cause) => Err(self.failed(SESSION, &no_stack("session", &cause))),
        }
    }

    /// Starts `main`; it gets its first turn when the loop has begun.
    ///
    /// # Errors
    /// There is no room for its stack.
    pub(in crate::script) fn start_main(&self) -> Result<(), HandlerError> {
        if let Some(clients) = &mut *self.clients.borrow_mut() {
            clients.begin(self.host.now());
            return Ok(());
        }
        let place = self.program.sources.main().name.clone();
        let started = self.host.start_task(&self.program, Role::Main, Body::Named("main"), Vec::new(), None, place);
        let (id, _) = started.map_err(|cause| self.failed("main", &no_stack("task", &cause)))?;
        self.host.tasks().wake(id);
        Ok(())
    }

    /// Gives a task a turn: it runs until it waits or ends.
    pub(in crate::script) fn resume(&self, id: TaskId, out: &mut Vec<Command>) -> Result<(), HandlerError> {
        let Some((run, program, growth)) = self.host.tasks().begin_turn(id) else { return Ok(()) };
        let mut coroutine = match run {
            Run::Stack(coroutine) => coroutine,
            Run::Place(flow) => {
                let stack = self.host.tasks().take_stack();
                match stack {
                    Ok(stack) => Coroutine::new(stack, move || program.go_on(flow)),
                    Err(cause) => {
                        let fault = no_stack("task", &cause).into();
                        return self.ended(id, Ending::Returned(Err(fault)), out);
                    }
                }
            }
        };
        let outer = self.host.running_task().replace(Some(id));
        let resumed = self.host.run_task(out, growth, || guarded(|| coroutine.resume()));
        self.host.running_task().set(outer);
        match resumed {
            ((Ok(None), growth), _) => {
                self.host.tasks().end_turn(id, Run::Stack(coroutine), growth);
                Ok(())
            }
            ((Ok(Some(Turn::Left(flow))), growth), _) => {
                let mut tasks = self.host.tasks();
                tasks.end_turn(id, Run::Place(flow), growth);
                if let Some(stack) = coroutine.into_stack() {
                    tasks.lay_down(stack);
                }
                Ok(())
            }
            ((Ok(Some(Turn::Ended(result))), _), stopped) => {
                if let Some(stack) = coroutine.into_stack() {
                    self.host.tasks().put_back(stack);
                }
                let ending = match (result, stopped) {
                    (Err(fault), Some(stopped @ (Stopped::TimedOut | Stopped::TooLarge | Stopped::Exit(_)))) => {
                        Ending::Limited(fault, stopped)
                    }
                    (_, Some(stopped)) => Ending::Stopped(stopped),
                    (result, None) => Ending::Returned(result),
                };
                self.ended(id, ending, out)
            }
            ((Err(panic), _), _) => self.ended(id, Ending::Panicked(panic), out),
        }
    }

    /// One of many runs of `main` has ended: it is counted. Alone it ends the whole run.
    fn run_ended(
        &self,
        id: TaskId,
        task: &Task,
        result: Result<(), HandlerError>,
        out: &mut Vec<Command>,
    ) -> Result<(), HandlerError> {
        let mut clients = self.clients.borrow_mut();
        let Some(clients) = &mut *clients else { return result };
        let end = match result {
            Ok(()) => RunEnd::Cut,
            Err(HandlerError::Done) => RunEnd::Good,
            Err(HandlerError::Exit(code)) => exit_end(code),
            Err(HandlerError::Failed { message, summary, .. }) => {
                if clients.tells_failure() {
                    log(&message, out);
                }
                RunEnd::Failed(task.state.with_outcome(|outcome| reason_of(outcome, summary)))
            }
        };
        clients.ended(id, self.host.now(), &end);
        Ok(())
    }

    /// Ends what a run of `main` has opened, if others go on.
    fn release_opened(&self, task: &mut Task, out: &mut Vec<Command>) {
        if self.clients.borrow().is_none() {
            return;
        }
        for view in std::mem::take(&mut task.opened) {
            out.extend(view.request_close());
        }
        for listener in std::mem::take(&mut task.listeners) {
            self.host.listeners().closed(listener);
            self.host.servers().remove_listener(listener);
            out.push(Command::CloseListener(listener));
        }
    }

    /// Does what is due for the clients: begins a run, cuts what is over, or ends the whole.
    pub(in crate::script) fn step_clients(&self, now: Instant, out: &mut Vec<Command>) -> Option<TimerCall> {
        let mut guard = self.clients.borrow_mut();
        let clients = guard.as_mut().filter(|_| !self.host.is_run_over())?;
        let done = |result| Some(TimerCall { conn: None, result });
        if clients.is_finished(now) {
            *guard = None;
            return done(Err(HandlerError::Done));
        }
        let overdue = clients.take_overdue(now);
        if !overdue.is_empty() {
            drop(guard);
            for id in overdue {
                self.host.tasks().cancel(id);
            }
            return done(Ok(()));
        }
        let due = clients.next(now)?;
        let place = self.program.sources.main().name.clone();
        match self.host.start_task(&self.program, Role::Main, Body::Named("main"), Vec::new(), None, place) {
            Ok((id, _)) => {
                clients.begun(id, due, now);
                drop(guard);
                done(self.resume(id, out))
            }
            Err(cause) => {
                clients.failed_to_begin(now, &no_stack("task", &cause));
                done(Ok(()))
            }
        }
    }

    /// Gives one task that is ready, or whose time has passed, a turn.
    pub(in crate::script) fn resume_due(&self, now: Instant, out: &mut Vec<Command>) -> Option<TimerCall> {
        let id = self.host.tasks().take_due(now)?;
        let conn = self.host.tasks().conn_of(id);
        let result = self.resume(id, out);
        Some(TimerCall { conn, result })
    }

    /// Handles the end of a task: its result, and failures of its own tasks that it has not asked for.
    fn ended(&self, id: TaskId, ending: Ending, out: &mut Vec<Command>) -> Result<(), HandlerError> {
        self.tell_unbegun(id, &ending, out);
        let Some(mut task) = self.host.tasks().remove(id) else { return Ok(()) };
        let unheard = std::mem::take(&mut task.unheard);
        self.release_opened(&mut task, out);
        let mut result = self.conclude(&task, ending, out);
        for (state, report) in unheard {
            if state.note_told() {
                continue;
            }
            match &result {
                Ok(()) | Err(HandlerError::Exit(0) | HandlerError::Done) => {
                    result = Err(failed(&task, &report, Exit::ScriptRun));
                }
                Err(_) => log(&report.message(), out),
            }
        }
        match (task.role, task.parent) {
            (Role::Main, _) => self.run_ended(id, &task, result, out),
            (Role::Started, Some(parent)) => self.exited_within(parent, result),
            _ => result,
        }
    }

    /// `exit(..)` in a task that one of many runs of `main` has started ends that run, as in `main` itself.
    fn exited_within(&self, parent: TaskId, result: Result<(), HandlerError>) -> Result<(), HandlerError> {
        let mut clients = self.clients.borrow_mut();
        let (Some(clients), Err(HandlerError::Exit(code))) = (&mut *clients, &result) else { return result };
        let Some(main) = self.host.tasks().main_id_of(parent) else { return result };
        clients.ended(main, self.host.now(), &exit_end(*code));
        self.host.tasks().cancel(main);
        Ok(())
    }

    /// A task that ends by itself before those begin that it has started: that is hardly what was meant.
    fn tell_unbegun(&self, id: TaskId, ending: &Ending, out: &mut Vec<Command>) {
        let test = self.host.test();
        if !matches!(ending, Ending::Returned(Ok(_))) || test.is_some_and(|test| !test.is_good()) {
            return;
        }
        let places = self.host.tasks().take_unbegun(id);
        for place in places {
            let text =
                format!("{place}: the task that is started here never began, because what started it ended first");
            match test {
                Some(test) => test.add_hint(text),
                None => log(&format!("{text}; join() waits for a task"), out),
            }
        }
    }

    /// What the end of a task means.
    fn conclude(&self, task: &Task, ending: Ending, out: &mut Vec<Command>) -> Result<(), HandlerError> {
        let sources = &task.program.sources;
        let (file, name) = (&sources.main().name, task.role.name());
        // The notes of a test have its end; when the time of the run is over, perhaps it waited for one that was stopped.
        let is_told_elsewhere = task.role == Role::Test || self.host.is_run_over();
        if is_told_elsewhere && !matches!(ending, Ending::Panicked(_)) {
            task.state.cancel();
            return Ok(());
        }
        let (fault, stopped) = match ending {
            Ending::Limited(fault, Stopped::Exit(code)) => {
                task.state.cancel();
                return Err(self.exited(&task.program, name, code, Some(&fault)));
            }
            Ending::Stopped(Stopped::Exit(code)) => {
                task.state.cancel();
                return Err(self.exited(&task.program, name, code, None));
            }
            Ending::Stopped(Stopped::Cancelled | Stopped::Skipped) => {
                task.state.cancel();
                return Ok(());
            }
            Ending::Returned(Ok(value)) => return returned(task, value, out),
            Ending::Returned(Err(fault)) => (fault, None),
            Ending::Stopped(stopped) => {
                let text = stop_text(name, stopped, &self.host);
                (EvalAltResult::ErrorTerminated(text.clone().into(), Position::NONE).into(), Some(text))
            }
            Ending::Limited(fault, stopped) => (fault, Some(stop_text(name, stopped, &self.host))),
            Ending::Panicked(panic) => {
                let report = Report::plain(&internal(file, name, &panic));
                task.state.end(Outcome::Failed(report.summary().into()));
                return Err(failed(task, &report, Exit::ScriptRun));
            }
        };
        let kind = trouble::kind_of(&fault).filter(|_| stopped.is_none());
        if task.role == Role::Session && matches!(kind, Some(Kind::Eof | Kind::Reset | Kind::Truncated)) {
            // The peer has left.
            task.state.end(Outcome::Failed(fault));
            out.extend(task.conn.as_ref().and_then(|conn| conn.request_close()));
            return Ok(());
        }
        let mut report = error::render_call(&fault, sources, name, stopped.as_deref());
        // Whoever joins it hears of the limit.
        let fault = match stopped {
            Some(text) => EvalAltResult::ErrorRuntime(text.into(), fault.position()).into(),
            None => fault,
        };
        task.state.end(Outcome::Failed(fault));
        if task.role != Role::Started {
            return Err(failed(task, &report, trouble::exit_of(kind, task.role)));
        }
        report.add_line(&format!("    in a task started at {}", task.state.place()));
        // The task that has ended holds one itself.
        let has_handle = Rc::strong_count(&task.state) > 1;
        if !task.joiners.is_empty() {
            return Ok(());
        }
        match task.parent.filter(|_| has_handle) {
            Some(parent) => match self.host.tasks().keep_unheard(parent, &task.state, report) {
                Ok(()) => Ok(()),
                Err(report) => Err(failed(task, &report, Exit::ScriptRun)),
            },
            None => Err(failed(task, &report, Exit::ScriptRun)),
        }
    }

    /// What `exit(code)` in `name` means; a test says where it was called.
    pub(in crate::script) fn exited(
        &self,
        program: &Program,
        name: &str,
        code: u8,
        fault: Option<&Fault>,
    ) -> HandlerError {
        if let (Some(test), Some(fault)) = (self.host.test(), fault) {
            test.keep_exit(error::render_call(fault, &program.sources, name, Some(&exit_text(code))).failure());
        }
        HandlerError::Exit(code)
    }

    /// Cancels all tasks: the run ends.
    pub(in crate::script) fn cancel_tasks(&self, out: &mut Vec<Command>) {
        for server in self.servers() {
            self.ask(&server, out, |server, own| server.cancel_tasks(own));
        }
        let all = self.host.tasks().all();
        for id in all {
            self.host.tasks().cancel(id);
            // What it says at its end changes nothing.
            let _ = self.resume(id, out);
        }
    }
}

/// Writes a message to stderr, line by line.
fn log(message: &str, out: &mut Vec<Command>) {
    out.extend(message.lines().map(|line| Command::Log(None, line.to_owned())));
}

/// What an exit code means for one of many runs of `main`.
fn exit_end(code: u8) -> RunEnd {
    if code == 0 { RunEnd::Good } else { RunEnd::Failed(format!("exit code {code}")) }
}

/// Why a run of `main` has failed, the same words for the same reason.
fn reason_of(outcome: &Outcome, summary: String) -> String {
    let Outcome::Failed(fault) = outcome else { return summary };
    match trouble::kind_of(fault) {
        // The word alone says nothing: many things have this kind.
        Some(Kind::Io) => trouble::words_of(fault).unwrap_or(summary),
        Some(kind) => match trouble::op_of(fault) {
            Some(op) => format!("{} in {op}", kind.name()),
            None => kind.name().to_owned(),
        },
        None => error::sentence_of(fault),
    }
}

/// The function of a task has returned.
fn returned(task: &Task, value: Dynamic, out: &mut Vec<Command>) -> Result<(), HandlerError> {
    let result = match task.role {
        Role::Session => {
            out.extend(task.conn.as_ref().and_then(|conn| conn.request_close()));
            Ok(())
        }
        Role::Main => match value.as_int().map(u8::try_from) {
            Ok(Err(_)) => {
                let name = &task.program.sources.main().name;
                let text = format!("{name}: main() gives {value}: an exit code is from 0 to 255");
                Err(failed(task, &Report::plain(&text), Exit::ScriptRun))
            }
            Ok(Ok(code)) => Err(HandlerError::Exit(code)),
            Err(_) => Err(HandlerError::Done),
        },
        Role::Test | Role::Started => Ok(()),
    };
    let result = match (result, task.failed_checks) {
        (Ok(()) | Err(HandlerError::Exit(0) | HandlerError::Done), count @ 1..) if task.role != Role::Started => {
            let plural = if count == 1 { "" } else { "s" };
            Err(failed(task, &Report::plain(&format!("{count} check{plural} failed")), Exit::Verdict))
        }
        (result, _) => result,
    };
    task.state.end(Outcome::Done(value));
    result
}

/// The failure of a task, for the driver.
fn failed(task: &Task, report: &Report, exit: Exit) -> HandlerError {
    HandlerError::Failed {
        handler: task.role.name(),
        summary: report.summary(),
        message: report.message(),
        exit,
        ends_run: task.role == Role::Main,
        failure: Some(Box::new(report.failure().clone())),
    }
}
