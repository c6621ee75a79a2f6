//! Listeners as the functions of a script see them, and loading of the scripts that handle connections of listeners: what such a
//! script may, and its start.
//!
//! It may do what the script may that has opened the listener. Its arguments that name files are resolved as that script's own
//! paths.

use std::cell::{OnceCell, RefMut};
use std::path::PathBuf;
use std::rc::{Rc, Weak};
use std::time::Instant;

use crate::codec::escape::show_line;
use crate::config::{Entry, Script, ScriptSource};
use crate::endpoint::{Address, Endpoint};
use crate::error::{Error, Result};
use crate::script::ScriptHandler;
use crate::script::api::conn::Listener;
use crate::script::asking::StdinUse;
use crate::script::builtin::{self, Argument};
use crate::script::host::{Binder, Host, RunContext};
use crate::script::paths::FileAccess;
use crate::script::servers::Servers;
use crate::script::source::Source;
use crate::session::{Command, Handler, HandlerError, ListenerId, RunEvent};

/// How deep scripts of listeners may open such listeners themselves.
const MAX_DEPTH: usize = 3;

/// Maximum scripts of listeners at a time, of one script.
const MAX_SERVERS: usize = 100;

/// What a script for a listener takes over from the script that opens it.
#[derive(Debug)]
pub(in crate::script) struct Origin {
    /// Its settings.
    script: Script,
    access: Rc<FileAccess>,
}

impl RunContext {
    /// The same for a program beside others: it has listeners of its own, and does not read stdin.
    pub(in crate::script) fn beside(&self, bind: Option<Binder>) -> Self {
        Self {
            ids: self.ids.clone(),
            text: self.text,
            nodelay: self.nodelay,
            max_connects: self.max_connects,
            bind,
            stdin: StdinUse::Unread,
        }
    }
}

impl Host {
    /// Sets what scripts of its listeners take over.
    pub(in crate::script) fn set_origin(&self, script: &Script, access: &Rc<FileAccess>) {
        self.origin.replace(Some(Origin { script: script.clone(), access: Rc::clone(access) }));
    }

    /// The scripts of its listeners.
    pub(in crate::script) fn servers(&self) -> RefMut<'_, Servers> {
        self.servers.borrow_mut()
    }

    /// Opens a listener whose connections a script handles, `name` with `args`: loads it, binds, calls `on_start` and `on_listen`.
    ///
    /// # Errors
    /// What is wrong, in one or several lines.
    pub(in crate::script) fn serve(
        self: &Rc<Self>,
        endpoint: &Endpoint,
        name: &str,
        args: Vec<String>,
    ) -> std::result::Result<Listener, String> {
        if self.origin.borrow().is_none() {
            return self.try_to_serve(endpoint, name);
        }
        if self.depth.get() >= MAX_DEPTH {
            return Err(format!("scripts of listeners open listeners with scripts {MAX_DEPTH} deep at most"));
        }
        let mut out = Vec::new();
        self.end_idle_servers(&mut out);
        self.commands.borrow_mut().append(&mut out);
        if self.servers().len() >= MAX_SERVERS {
            return Err(format!("there are {MAX_SERVERS} listeners with scripts already, the limit"));
        }
        let began = Instant::now();
        let served = self.start_server(endpoint, name, args);
        // What loading costs is no time of the call.
        if let Some(before) = self.began.get() {
            self.began.set(Some(before + began.elapsed()));
        }
        served
    }

    /// For the check of a script: looks at the name of a built-in script, and loads nothing.
    fn try_to_serve(&self, endpoint: &Endpoint, name: &str) -> std::result::Result<Listener, String> {
        if let Some(known) = name.strip_prefix('@').filter(|known| builtin::find(known).is_none()) {
            return Err(unknown(known));
        }
        self.bind(endpoint).map_err(|fault| fault.to_string())
    }

    /// Ends servers whose listeners and connections are gone.
    pub(in crate::script) fn end_idle_servers(&self, out: &mut Vec<Command>) {
        let idle = self.servers().take_idle();
        for server in idle {
            server.cancel_tasks(out);
            server.release();
        }
    }

    fn start_server(
        self: &Rc<Self>,
        endpoint: &Endpoint,
        name: &str,
        args: Vec<String>,
    ) -> std::result::Result<Listener, String> {
        let server = Rc::new(self.load_server(name, args)?);
        server.host.depth.set(self.depth.get() + 1);
        if let Some(test) = self.test() {
            server.host.set_test(Rc::clone(test));
        }
        server.set_context(self.context_of(&server));
        let (id, address) = self.bind_for(endpoint, false).map_err(|fault| fault.to_string())?;
        self.servers().add(&server);
        self.servers().add_listener(id, &server, true);
        let tell = |event: RunEvent| {
            let mut out = Vec::new();
            let result = server.handle_run(event, &mut out);
            self.servers().note(&server, &out);
            self.commands.borrow_mut().append(&mut out);
            result
        };
        let listening = address.clone().map(|address| RunEvent::Listening { listener: Some(id), address });
        let failed = [("on_start", Some(RunEvent::Start)), ("on_listen", listening)]
            .into_iter()
            .find_map(|(hook, event)| tell(event?).err().map(|error| (hook, error)));
        if let Some((hook, error)) = failed {
            let listeners = self.servers().remove_listeners_of(&server);
            self.commands.borrow_mut().extend(listeners.into_iter().map(Command::CloseListener));
            return Err(match error {
                HandlerError::Exit(code) => format!("{} has called exit({code}) in {hook}", server.name()),
                HandlerError::Done => format!("{} has ended in {hook}", server.name()),
                HandlerError::Failed { message, .. } => message,
            });
        }
        if let Some(task) = self.task.get() {
            self.tasks.borrow_mut().note_listener(task, id);
        }
        Ok(Listener::new(Some(id), self.listeners().open(id, address)))
    }

    fn load_server(&self, name: &str, args: Vec<String>) -> std::result::Result<ScriptHandler, String> {
        let origin = self.origin.borrow();
        let Some(Origin { script, access }) = &*origin else { return Err("no script can be loaded here".to_owned()) };
        let (source, text, args) = if let Some(known) = name.strip_prefix('@') {
            let source = ScriptSource::Builtin(known.to_owned());
            let text = Source::open(&source, None).map_err(|_| unknown(known))?;
            (source, text, resolved(known, args, access)?)
        } else {
            let file = access.to_read(name).map_err(|fault| format!("read {}: {fault}", show_line(name)))?;
            let text = Source::read(&file, show_line(name).into_owned())?;
            (ScriptSource::File(file), text, args)
        };
        let script = Script { source, args, set: Vec::new(), entry: Entry::Handlers, watch: false, ..script.clone() };
        let loaded = ScriptHandler::load_text(&script, text, self.clock.clone(), self.run_until());
        loaded.map_err(|report| report.message())
    }

    /// The means of the run for a server. Listeners that it opens are its own.
    fn context_of(self: &Rc<Self>, server: &Rc<ScriptHandler>) -> RunContext {
        let (host, owner) = (Rc::downgrade(self), Rc::downgrade(server));
        let bind: Binder = Box::new(move |endpoint, on_demand| {
            let (Some(host), Some(owner)) = (Weak::upgrade(&host), Weak::upgrade(&owner)) else {
                return Err(Error::usage("nothing can be listened on any more"));
            };
            let (id, address) = host.bind_for(endpoint, on_demand)?;
            host.servers().add_listener(id, &owner, false);
            Ok((id, address))
        });
        self.context.borrow().beside(Some(bind))
    }

    /// Notes that a listener is bound, and wakes the task that waits for it. Returns its shared address.
    pub(in crate::script) fn bound(&self, listener: ListenerId, address: Address) -> Rc<OnceCell<Address>> {
        let place = self.listeners().bound(listener, address);
        let awaited = self.listeners().awaited_by(listener);
        if let Some(task) = awaited {
            self.tasks().wake(task);
        }
        place
    }

    /// Binds; the listener belongs to nobody yet.
    pub(super) fn bind_for(&self, endpoint: &Endpoint, on_demand: bool) -> Result<(ListenerId, Option<Address>)> {
        match &self.context.borrow().bind {
            Some(bind) => bind(endpoint, on_demand),
            None => Err(Error::usage("nothing can be listened on here")),
        }
    }
}

/// There is no built-in script of that name.
fn unknown(name: &str) -> String {
    builtin::unknown(name).replace("\nhint: ", ": ")
}

/// The arguments of a built-in script; those that name a file or a folder as paths that the calling script may use.
fn resolved(name: &str, mut args: Vec<String>, access: &FileAccess) -> std::result::Result<Vec<String>, String> {
    for (at, argument) in builtin::paths(name) {
        let Some(path) = args.get_mut(at) else { continue };
        let real = match argument {
            Argument::File | Argument::Folder => access.to_read(path),
            Argument::FolderToWrite => access.to_write(path),
        };
        let real = real.and_then(|real: PathBuf| {
            real.into_os_string().into_string().map_err(|_| "not a path in UTF-8".to_owned())
        });
        *path = real.map_err(|fault| format!("@{name}: argument {} ({}): {fault}", at + 1, show_line(path)))?;
    }
    Ok(args)
}
