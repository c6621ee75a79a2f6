//! From a `Config` to a `Driver`: the only place that knows every kind of handler, observer and endpoint.
//!
//! Owns the order in which things are opened: the script first, then files, then sockets, so that a script
//! that does not load is told before anything is touched.

use std::collections::{BinaryHeap, HashMap};
use std::time::Instant;

use crate::config::{Config, Role};
use crate::driver::io::Io;
use crate::driver::listeners::{PendingListeners, remove_old_ready_file};
use crate::driver::preamble::check_files;
use crate::driver::shutdown::Shutdown;
use crate::driver::stdin::Stdin;
use crate::driver::stdout::Stdout;
use crate::driver::watch::ScriptWatch;
use crate::driver::workers::Worker;
use crate::driver::{Driver, Source};
use crate::error::{Error, Result, cause};
use crate::net::signal;
use crate::output::Observer;
use crate::output::console::Console;
use crate::output::hexdump::Hexdump;
use crate::script::{RunContext, ScriptHandler};
use crate::session::connection::Settings;
use crate::session::eof_policy::EofPolicy;
use crate::session::{ConnIds, EventMask};

/// One read. Scripts see chunks of at most this size; without one, larger pieces cost fewer system calls.
const CHUNK: usize = 64 << 10;
const BULK_CHUNK: usize = 256 << 10;

impl Driver {
    /// Opens everything but sockets.
    pub(super) fn build(config: Config, console: Console, worker: Option<Worker>) -> Result<Self> {
        if let Role::Listen(listen) = &config.role {
            remove_old_ready_file(listen)?;
        }
        let handler = config.script.as_ref().map(ScriptHandler::load).transpose()?;
        if worker.as_ref().is_none_or(Worker::is_first) {
            for warning in handler.iter().flat_map(ScriptHandler::warnings) {
                console.warn(warning);
            }
        }
        check_files(&config)?;
        let single_peer = match &config.role {
            Role::Connect(_) => true,
            Role::Listen(listen) => listen.single_peer,
        };
        let stdout = Stdout::open(config.output.file.as_deref(), config.output.raw_terminal)?;
        let typed = handler.as_ref().is_some_and(ScriptHandler::takes_stdin);
        if typed && worker.is_some() {
            return Err(Error::usage_hint(
                "--workers and a script with on_stdin do not go together",
                "leave --workers out",
            ));
        }
        let serves = handler.is_some() && !matches!(config.role, Role::Connect(_));
        let stdin = Stdin::open(&config, !single_peer, typed, config.input.read && (typed || !serves))?;
        let settings = Settings {
            event_mask: EventMask::default(),
            decode_output: config.text.recv.is_some(),
            discard: config.input.discard_received,
            malformed: config.text.malformed,
            idle: config.limits.idle,
        };
        let mut observers: Vec<Box<dyn Observer>> = Vec::new();
        if console.is_verbose() {
            observers.push(Box::new(console));
        }
        if config.output.hex {
            observers.push(Box::new(Hexdump::new(!single_peer)));
        }
        let failed = |error| Error::System { operation: "start the event loop", cause: cause(&error) };
        let chunk = if handler.is_some() { CHUNK } else { BULK_CHUNK };
        let watched = config.script.as_ref().is_some_and(|script| script.watch);
        let mut driver = Self {
            rules: EofPolicy::new(&config, handler.as_ref().is_some_and(ScriptHandler::takes_received)),
            config,
            io: Io::new(console, observers, chunk).map_err(failed)?,
            sources: Vec::new(),
            slots_by_id: HashMap::new(),
            ids: ConnIds::default(),
            watch: handler
                .as_ref()
                .filter(|_| watched)
                .map(|handler| ScriptWatch::new(handler.files(), Instant::now())),
            handler,
            settings,
            single_peer,
            signals: signal::catch().map_err(failed)?,
            dialings: HashMap::new(),
            acceptor: None,
            script_listeners: HashMap::new(),
            pending_listeners: PendingListeners::default(),
            accepted: 0,
            open: 0,
            clients: 0,
            stdin,
            stdout,
            stalled: Vec::new(),
            timers: BinaryHeap::new(),
            shutdown: Shutdown::new(),
            worker,
            commands: Vec::new(),
            batching: false,
            unwritten: Vec::new(),
        };
        driver.watch().map_err(failed)?;
        if let Some(worker) = &driver.worker {
            worker.enter(driver.io.reactor.mailbox());
        }
        if let Some(handler) = &driver.handler {
            let bind = driver.pending_listeners.binder(driver.config.family, driver.worker.is_some());
            handler.set_context(RunContext { ids: driver.ids.clone(), text: driver.config.text, bind: Some(bind) });
        }
        Ok(driver)
    }

    fn watch(&mut self) -> std::io::Result<()> {
        let slot = self.io.reactor.register(&mut self.signals, mio::Interest::READABLE)?;
        self.place(slot, Source::Signals);
        if let Some(slot) = self.stdout.watch(&mut self.io.reactor)? {
            self.place(slot, Source::Output);
        }
        Ok(())
    }

    /// Starts what the role asks for.
    pub(super) fn begin(&mut self) -> Result<()> {
        self.start_clock();
        self.script_starting()?;
        if !self.shutdown.is_running() {
            return Ok(());
        }
        if let Some(slot) = self.stdin.watch(&mut self.io.reactor)? {
            self.place(slot, Source::Input);
        }
        match self.config.role.clone() {
            Role::Connect(connect) => self.begin_connecting(&connect),
            Role::Listen(listen) => self.begin_listening(&listen),
        }
    }
}
