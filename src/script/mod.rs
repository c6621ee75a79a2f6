//! Scripts: Rhai programs that decide what connections do.
//! Owns the embedding of Rhai, the functions of scripts, the checks before a run and the rendering of errors. Does no
//! network or terminal I/O: events come in, commands go out. [`reference`] lists the API, also for its manual page.

mod api;
mod asking;
mod body;
pub mod builtin;
mod check;
mod clients;
mod delivering;
mod engine;
mod error;
mod expecting;
mod failures;
mod habits;
mod holding;
mod host;
mod listeners;
mod manual;
mod measuring;
mod opening;
mod outline;
mod own;
mod paths;
mod program;
mod pulling;
mod race;
pub mod reference;
mod relaying;
mod resolver;
mod rhai_names;
mod servers;
mod signatures;
mod source;
pub mod starter;
pub mod strict;
mod suite;
mod tasks;
#[cfg(test)]
mod tests;
mod timers;
mod tree;
mod trouble;
mod waiting;

use std::any::Any;
use std::cell::{OnceCell, RefCell};
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::path::PathBuf;
use std::rc::Rc;
use std::time::Instant;

use rhai::{AST, Dynamic, FnPtr, Map, Scope};

use crate::config::{Entry, Script, ScriptSource};
use crate::error::Error;
use crate::exit::Exit;
use crate::script::api::conn::Listener;
use crate::script::body::Arg;
use crate::script::check::{Hook, Hooks};
use crate::script::clients::Clients;
use crate::script::error::Report;
use crate::script::host::{Host, MAX_GROWTH, Stopped};
use crate::script::paths::FileAccess;
use crate::script::program::Program;
use crate::script::source::{Source, Sources};
use crate::session::{
    Command, ConnError, ConnView, Event, EventMask, Form, Handler, HandlerError, Holds, ListenerId, RunEvent,
    TimerCall, earliest,
};

pub use asking::StdinUse;
pub use clients::{Plan, Progress};
#[cfg(test)]
pub use engine::with_panic;
pub use host::{Binder, RunContext, ScriptClock};
pub use manual::{man_page, web_page};
pub use source::MAX_SCRIPT;
pub use suite::{List as TestList, Suite, list as list_tests};

/// A loaded script, ready to handle events.
pub struct ScriptHandler {
    program: Rc<Program>,
    entry: Entry,
    /// Many runs of `main`; `None`: one.
    clients: RefCell<Option<Clients>>,
    app: Dynamic,
    /// Closures of this version and of earlier ones, which timers, listeners, `app` and `conn.state` may hold.
    closures: AST,
    host: Rc<Host>,
    hooks: Hooks,
    warnings: Vec<String>,
    /// Commands of the script's top level, returned with the first call.
    pending: RefCell<Vec<Command>>,
}

impl ScriptHandler {
    /// Reads and checks a script and runs its top level. The message of the error is complete: position, source line and
    /// hint.
    pub fn load(script: &Script) -> Result<Self, Error> {
        Self::load_with_clock(script, ScriptClock::default(), None)
    }

    /// The same, with timers and the ages of connections by this clock. The limits of a call are not: they are for what the
    /// script costs. `run_until`: the time limit of the run, which also counts for loading.
    ///
    /// # Errors
    /// As for [`ScriptHandler::load`].
    pub fn load_with_clock(script: &Script, clock: ScriptClock, run_until: Option<Instant>) -> Result<Self, Error> {
        let host = Host::new(script.timeout, script.seed, clock);
        host.set_run_until(run_until);
        Self::open(script, fresh_app(script), host, None).0
    }

    /// Loads a text that was read before, as a program with an `app` of its own.
    fn load_text(
        script: &Script,
        text: Source,
        clock: ScriptClock,
        run_until: Option<Instant>,
    ) -> Result<Self, Report> {
        let host = Host::new(script.timeout, script.seed, clock);
        host.set_run_until(run_until);
        let access = FileAccess::of(script, engine::folder(&script.source));
        let access = access.map_err(|error| Report::plain(&error.to_string()))?;
        Self::build(script, access, fresh_app(script), host, None, &Sources::new(text))
    }

    /// Loads the script again, beside this one, with the same `app` and `Host`. Also returns the files of the new version,
    /// even if it does not load. The effects of a failed load are undone.
    pub fn reload(&self, script: &Script) -> (Result<Self, Error>, Vec<PathBuf>) {
        let before = self.app.read_lock::<Map>().map(|app| app.clone());
        let timers = self.host.take_loaded_timers();
        let (result, files) = Self::open(script, self.app.clone(), Rc::clone(&self.host), Some(self));
        if result.is_ok() {
            // The new top level has started its own.
            self.host.cancel(&timers);
        } else {
            let undone = self.host.take_loaded_timers();
            self.host.cancel(&undone);
            self.host.put_loaded_timers(timers);
            if let (Some(before), Some(mut app)) = (before, self.app.clone().write_lock::<Map>()) {
                *app = before;
            }
            self.hooks.tell(&self.host);
        }
        (result, files)
    }

    fn open(
        script: &Script,
        app: Dynamic,
        host: Rc<Host>,
        older: Option<&Self>,
    ) -> (Result<Self, Error>, Vec<PathBuf>) {
        let failed = |report: Report| Error::ScriptLoad { message: report.message() };
        let file = match &script.source {
            ScriptSource::File(path) => Some(path.clone()),
            _ => None,
        };
        let sources = match Source::open(&script.source, host.run_until()) {
            Ok(source) => Sources::new(source),
            Err(text) => return (Err(failed(Report::plain(&text))), Vec::from_iter(file)),
        };
        if let Some(file) = file {
            sources.note_file(file);
        }
        let result = FileAccess::of(script, engine::folder(&script.source))
            .and_then(|access| Self::build(script, access, app, host, older, &sources).map_err(failed));
        (result, sources.files())
    }

    fn build(
        script: &Script,
        access: FileAccess,
        app: Dynamic,
        host: Rc<Host>,
        older: Option<&Self>,
        sources: &Rc<Sources>,
    ) -> Result<Self, Report> {
        let (folder, access) = (engine::folder(&script.source), Rc::new(access));
        host.set_origin(script, &access);
        let mut engine = engine::build(&host, &script.args, sources, folder, access, &app);
        let main = sources.main();
        let (ast, constants) = engine::compile(&engine, main).map_err(|fault| error::render(&fault, sources))?;
        let hooks = check::hooks(&ast, main)?;
        check::entry(&ast, main, script.entry)?;
        let mut parameters = older.map(|older| older.program.parameters.clone()).unwrap_or_default();
        for function in ast.iter_functions() {
            *parameters.entry(function.name.to_owned()).or_default() |= 1 << function.params.len().min(63);
        }
        host.learn(&parameters);
        let mut closures = engine::closures(&ast);
        if let Some(older) = older.filter(|older| older.closures.has_functions()) {
            // Looked up after the script's own functions; the functions they call are those of the new version.
            let module = engine::run(&engine, &older.closures, Scope::new());
            engine.register_global_module(module.map_err(|fault| error::render(&fault, sources))?.into());
            closures = older.closures.merge(&closures);
        }

        let mut pending = Vec::new();
        host.set_loading(true);
        let (module, stopped) = host.run(&mut pending, || guarded(|| engine::run(&engine, &ast, constants)));
        host.set_loading(false);
        let module = match (module, stopped) {
            (Err(panic), _) => return Err(Report::plain(&internal(&main.name, "the top level", &panic))),
            (Ok(Err(fault)), stopped) => {
                let stopped = stopped.map(|stopped| stop_text("loading", stopped, &host));
                return Err(error::render_call(&fault, sources, "the top level", stopped.as_deref()));
            }
            (Ok(Ok(_)), Some(stopped)) => {
                return Err(Report::plain(&format!("{}: {}", main.name, stop_text("loading", stopped, &host))));
            }
            (Ok(Ok(module)), None) => module,
        };
        engine.register_global_module(module.into());
        hooks.tell(&host);
        let warnings = hooks.warnings(main);
        let program = Program::new(engine, Rc::clone(sources), parameters, Rc::clone(&host), &app, body::way());
        host.set_program(&program);
        let pending = RefCell::new(pending);
        let clients = RefCell::default();
        Ok(Self { program, entry: script.entry, clients, app, closures, host, hooks, warnings, pending })
    }

    /// Sets the context for the script's own connections and listeners; call it before anything else.
    pub fn set_context(&self, context: RunContext) {
        self.host.set_context(context);
    }

    /// Runs `main` in many tasks; call it before the run begins.
    pub fn set_clients(&self, plan: Plan, progress: Progress) {
        self.host.set_progress(progress.clone());
        self.clients.replace(Some(Clients::new(plan, progress)));
    }

    /// Whether its connections are those of `session`, whose bytes from stdin a task asks for.
    pub fn has_session(&self) -> bool {
        self.hooks.has(Hook::Session)
    }

    /// Whether stdin goes to the script, line by line.
    pub fn takes_stdin(&self) -> bool {
        self.hooks.has(Hook::Stdin) || self.hooks.has(Hook::StdinEof)
    }

    /// The name of the script in messages.
    pub fn name(&self) -> &str {
        &self.program.sources.main().name
    }

    /// The files of the script, imports included. An import within a function is known after its first call.
    pub fn files(&self) -> Vec<PathBuf> {
        self.program.sources.files()
    }

    /// The warnings of loading.
    pub fn warnings(&self) -> &[String] {
        &self.warnings
    }

    /// Calls `on_error`, the listener's own or the script's, for a listener that cannot be bound, with `()` in place of a
    /// connection. Returns whether there is such a handler, or a task that is told instead.
    fn listen_failed(
        &self,
        listener: ListenerId,
        trouble: ConnError,
        out: &mut Vec<Command>,
    ) -> Result<bool, HandlerError> {
        let own = self.host.listeners().handlers(listener).and_then(|own| own.get(Hook::Error).cloned());
        let awaited = self.host.listeners().failed(listener, &trouble);
        if let Some(task) = awaited {
            self.host.tasks().wake(task);
            return Ok(true);
        }
        let args = &mut [Dynamic::UNIT.into(), trouble::error_value(trouble).into()];
        match own {
            Some(own) => self.call_back(Hook::Error.name(), &own, args, out).map(|()| true),
            None => self.call(Hook::Error, args, out).map(|()| self.hooks.has(Hook::Error)),
        }
    }

    fn call(&self, hook: Hook, args: &mut [Arg], out: &mut Vec<Command>) -> Result<(), HandlerError> {
        self.ask_hook(hook, args, out).map(drop)
    }

    fn wrong_answer(&self, hook: Hook, fault: &str) -> HandlerError {
        self.failed(hook.name(), fault)
    }

    fn failed(&self, handler: &'static str, fault: &str) -> HandlerError {
        let report = Report::plain(&format!("{}: {fault}", self.program.sources.main().name));
        HandlerError::of_call(handler, report.summary(), report.message()).with_failure(report.failure())
    }

    /// Calls a handler of the script and returns its value; `()` if there is none.
    fn ask_hook(&self, hook: Hook, args: &mut [Arg], out: &mut Vec<Command>) -> Result<Dynamic, HandlerError> {
        let Some(count) = self.hooks.arity(hook) else {
            return Ok(Dynamic::UNIT);
        };
        self.run(hook.name(), out, || self.program.call_handler(hook, args, count))
    }

    /// Calls a function value of the script.
    fn call_back(
        &self,
        name: &'static str,
        callback: &FnPtr,
        args: &mut [Arg],
        out: &mut Vec<Command>,
    ) -> Result<(), HandlerError> {
        let count = self.program.arity(callback, args.len()).map_err(|least| {
            let given = args.len();
            let fault = format!("the function given to {name} has {least} parameters and gets {given} at most");
            self.failed(name, &fault)
        })?;
        self.run(name, out, || self.program.call(callback, args, count)).map(drop)
    }

    /// Runs a call into the engine and converts its failures.
    fn run(
        &self,
        name: &'static str,
        out: &mut Vec<Command>,
        call: impl FnOnce() -> Result<Dynamic, engine::Fault>,
    ) -> Result<Dynamic, HandlerError> {
        match self.host.run(out, || guarded(call)) {
            (Ok(Ok(value)), None) => Ok(value),
            (result, stopped) => self.without_value(name, result, stopped),
        }
    }

    /// What a call means that has failed or was stopped.
    #[cold]
    fn without_value(
        &self,
        name: &'static str,
        result: Result<Result<Dynamic, engine::Fault>, String>,
        stopped: Option<Stopped>,
    ) -> Result<Dynamic, HandlerError> {
        let file = &self.program.sources.main().name;
        let report = match (result, stopped) {
            (result, Some(Stopped::Exit(code))) => {
                let fault = result.ok().and_then(Result::err);
                return Err(self.exited(&self.program, name, code, fault.as_ref()));
            }
            // The run, or the test, reports it.
            (_, Some(Stopped::RunOver | Stopped::Skipped)) => return Ok(Dynamic::UNIT),
            (Ok(Ok(value)), None) => return Ok(value),
            (Ok(Err(fault)), stopped) => {
                let stopped = stopped.map(|stopped| stop_text(name, stopped, &self.host));
                error::render_call(&fault, &self.program.sources, name, stopped.as_deref())
            }
            (_, Some(stopped)) => Report::plain(&format!("{file}: {}", stop_text(name, stopped, &self.host))),
            (Err(panic), None) => Report::plain(&internal(file, name, &panic)),
        };
        Err(HandlerError::of_call(name, report.summary(), report.message()).with_failure(report.failure()))
    }
}

impl Handler for ScriptHandler {
    fn event_mask(&self, conn: &ConnView) -> EventMask {
        if let Some(server) = self.server_of(conn) {
            return server.event_mask(conn);
        }
        let has = self.having(conn);
        if self.belongs_to_tasks(conn) {
            // The end of its stream is told to tasks, whatever waits for it.
            let received = Some(Form::Data);
            let (drained, idle) = (has(Hook::Drain), has(Hook::Idle));
            let always = EventMask { opened: true, eof: true, error: true, closed: true, ..EventMask::default() };
            return EventMask { received, drained, idle, secured: true, ..always };
        }
        EventMask {
            received: Hooks::receiver(&has).map(|hook| match hook {
                Hook::FrameSize => Form::Measured,
                Hook::Line => Form::Line,
                Hook::Text => Form::Text,
                _ => Form::Data,
            }),
            // Always taken: `Host` adds the connection to `conns()` and removes it when it has closed.
            opened: true,
            eof: has(Hook::Eof),
            drained: has(Hook::Drain),
            secured: has(Hook::Tls),
            idle: has(Hook::Idle),
            error: has(Hook::Error),
            closed: true,
        }
    }

    fn holds(&self, conn: &ConnView) -> Holds {
        self.server_of(conn).map_or_else(|| self.held(conn), |server| server.holds(conn))
    }

    /// From now on one signal ends the process, also during a call.
    #[expect(clippy::only_used_in_recursion, reason = "servers hear of it, as every handler does")]
    fn ending(&self, exit: Exit, out: &mut Vec<Command>) {
        self.host.set_ending();
        self.cancel_tasks(out);
        for server in self.servers() {
            self.ask(&server, out, |server, own| server.ending(exit, own));
        }
    }

    fn hears_of_failed_opening(&self, conn: &ConnView) -> bool {
        match self.server_of(conn) {
            Some(server) => server.hears_of_failed_opening(conn),
            None => self.has(conn, Hook::Error) || pulling::is_awaited(conn),
        }
    }

    fn given_up(&self, conn: &ConnView) {
        if let Some(server) = self.server_of(conn) {
            server.given_up(conn);
            return self.forget_served(conn);
        }
        self.host.closed(conn);
        if let Some(pull) = pulling::pull(conn) {
            pull.given_up();
            self.wake_all(pull);
        }
    }

    fn keeps_run(&self) -> bool {
        let is_busy = self.host.timers().is_pending() || !self.host.tasks().is_empty();
        is_busy || self.clients.borrow().is_some() || self.servers().iter().any(|server| server.keeps_run())
    }

    fn relays(&self) -> bool {
        self.hooks.has(Hook::Relay) || self.servers().iter().any(|server| server.relays())
    }

    fn relay(
        &self,
        from: &Rc<ConnView>,
        to: &Rc<ConnView>,
        chunk: Option<Vec<u8>>,
        out: &mut Vec<Command>,
    ) -> Result<Vec<u8>, HandlerError> {
        match self.server_of(from) {
            Some(server) => self.ask(&server, out, |server, own| server.relay(from, to, chunk, own)),
            None => self.pass_on(from, to, chunk, out),
        }
    }

    fn handle(&self, conn: &Rc<ConnView>, event: Event, out: &mut Vec<Command>) -> Result<(), HandlerError> {
        if let Some(server) = self.server_of(conn) {
            return self.pass_event(&server, conn, event, out);
        }
        let Some(event) = self.deliver_to_tasks(conn, event, out)? else { return Ok(()) };
        let this = Arg::from(conn);
        match event {
            Event::Data(bytes) => {
                let is_frame = self.host.is_unframed(conn) || !self.has(conn, Hook::Data);
                let hook = if is_frame && self.has(conn, Hook::Frame) { Hook::Frame } else { Hook::Data };
                self.call_hook(conn, hook, &mut [this, bytes.into()], out)
            }
            Event::Frame(bytes) => {
                let hook = if self.has(conn, Hook::Frame) { Hook::Frame } else { Hook::Data };
                self.call_hook(conn, hook, &mut [this, bytes.into()], out)
            }
            Event::Measure(bytes) => self.measure(conn, bytes, out),
            Event::Found => self.match_expected(conn, out),
            Event::Unmet => self.expire_expected(conn, out),
            Event::Text(text) => self.call_hook(conn, Hook::Text, &mut [this, text.into()], out),
            Event::Line(line) => self.call_hook(conn, Hook::Line, &mut [this, line.into()], out),
            Event::Opened => {
                self.host.opened(conn);
                self.call_hook(conn, Hook::Connect, &mut [this], out)?;
                self.begin_session(conn, out)
            }
            Event::Eof => self.call_hook(conn, Hook::Eof, &mut [this], out),
            Event::Drained => self.call_hook(conn, Hook::Drain, &mut [this], out),
            Event::Secured => self.call_hook(conn, Hook::Tls, &mut [this], out),
            Event::Idle(silence) => self.call_hook(
                conn,
                Hook::Idle,
                &mut [this, Dynamic::from_int(silence.as_millis() as rhai::INT).into()],
                out,
            ),
            Event::Error(trouble) => {
                let result = self.call_hook(conn, Hook::Error, &mut [this, trouble::error_value(trouble).into()], out);
                if !conn.info.is_open() {
                    self.host.disown(conn);
                }
                result
            }
            Event::Closed(why) => {
                self.host.closed(conn);
                let result = if self.has(conn, Hook::Close) {
                    self.call_hook(conn, Hook::Close, &mut [this, Dynamic::from(why.name()).into()], out)
                } else {
                    Ok(())
                };
                pulling::release(conn);
                result
            }
        }
    }

    fn handle_run(&self, event: RunEvent, out: &mut Vec<Command>) -> Result<bool, HandlerError> {
        if matches!(event, RunEvent::Start | RunEvent::Reloaded) {
            out.append(&mut self.pending.borrow_mut());
        }
        if self.answer_asking(&event) {
            return Ok(true);
        }
        let Some(event) = self.pass_run_event(event, out)? else { return Ok(true) };
        let (hook, arg) = match event {
            RunEvent::Start => (Hook::Start, None),
            RunEvent::Listening { listener, address } => {
                let place = match listener {
                    Some(id) => self.host.bound(id, address),
                    None => OnceCell::from(address).into(),
                };
                (Hook::Listen, Some(Dynamic::from(Listener::new(listener, place))))
            }
            RunEvent::ListenFailed { listener, trouble } => return self.listen_failed(listener, trouble, out),
            RunEvent::StdinLine(line) => (Hook::Stdin, Some(line.into())),
            RunEvent::StdinEof | RunEvent::StdinLeft => (Hook::StdinEof, None),
            RunEvent::Signal(name) => (Hook::Signal, Some(name.into())),
            RunEvent::Reloaded => (Hook::Reload, None),
            RunEvent::Stop(code) => (Hook::Stop, Some(Dynamic::from_int(code.into()))),
        };
        match arg {
            Some(arg) => self.call(hook, &mut [arg.into()], out)?,
            None => self.call(hook, &mut [], out)?,
        }
        if hook == Hook::Start && self.entry == Entry::Main {
            self.start_main()?;
        }
        Ok(self.hooks.has(hook))
    }

    fn deadline(&self) -> Option<Instant> {
        let timers = self.host.timers().deadline();
        let tasks = self.host.tasks().deadline(|| self.host.now());
        let clients = self.clients.borrow().as_ref().and_then(Clients::deadline);
        earliest([timers, tasks, clients, self.servers_deadline()])
    }

    fn handle_timeout(&self, now: Instant, out: &mut Vec<Command>) -> Option<TimerCall> {
        if self.host.servers().is_empty() { self.call_own_due(now, out) } else { self.call_due(now, out) }
    }
}

impl ScriptHandler {
    /// Calls one timer or task of the script that is due.
    fn call_own_due(&self, now: Instant, out: &mut Vec<Command>) -> Option<TimerCall> {
        let due = self.host.timers().take_due(now);
        let Some((number, timer)) = due else {
            return self.step_clients(now, out).or_else(|| self.resume_due(now, out));
        };
        let name = if timer.every.is_some() { "every" } else { "after" };
        let result = match &timer.conn {
            Some(conn) if timer.expects => self.expectation_overdue(conn, number, out),
            Some(conn) => self.call_back(name, &timer.call, &mut [conn.into()], out),
            None => self.call_back(name, &timer.call, &mut [], out),
        };
        Some(TimerCall { conn: timer.conn.as_ref().map(|conn| conn.id), result })
    }
}

/// The `app` of a program that has not run yet.
fn fresh_app(script: &Script) -> Dynamic {
    let app: Map = script.set.iter().map(|(name, value)| (name.into(), value.into())).collect();
    Dynamic::from_map(app).into_shared()
}

/// Whether a call is running in this thread. A panic is then caught and reported as a failure of the handler, so the
/// panic hook of the process stays silent.
fn guarded<R>(call: impl FnOnce() -> R) -> Result<R, String> {
    catch_unwind(AssertUnwindSafe(call)).map_err(|payload| panic_text(payload.as_ref()))
}

fn panic_text(payload: &(dyn Any + Send)) -> String {
    let text = payload.downcast_ref::<&str>().copied().or_else(|| payload.downcast_ref::<String>().map(String::as_str));
    text.unwrap_or("no message").to_owned()
}

fn internal(file: &str, what: &str, panic: &str) -> String {
    format!(
        "{file}: a bug in tcpx stopped {what}: {}\nhint: please report it as CONTRIBUTING.md says",
        panic.lines().next().unwrap_or_default()
    )
}

/// What a limit of tcpx did to a call.
fn stop_text(what: &str, stopped: Stopped, host: &Host) -> String {
    match stopped {
        Stopped::TooLarge => format!("{what} took more than {} MiB of memory and was stopped", MAX_GROWTH >> 20),
        _ => format!("{what} ran longer than {:?} and was stopped", host.timeout()),
    }
}
