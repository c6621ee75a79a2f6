//! From a `Config` to a `Driver`: the only place that knows every kind of handler, observer and endpoint.
//!
//! Owns the order in which things are opened: the script first, then files, then sockets, so that a script
//! that does not load is told before anything is touched.

use std::rc::Rc;

use mio::Interest;

use crate::config::{Config, Role};
use crate::driver::Driver;
use crate::driver::dials::Dials;
use crate::driver::io::{Io, Source};
use crate::driver::listeners::Listeners;
use crate::driver::parts::Parts;
use crate::driver::peers::Peers;
use crate::driver::plan::Defaults;
use crate::driver::preamble::check_files;
use crate::driver::ready::remove_old_ready_file;
use crate::driver::shutdown::Shutdown;
use crate::driver::stdin::{Duty, Stdin};
use crate::driver::stdout::Stdout;
use crate::driver::watch::ScriptWatch;
use crate::driver::workers::Worker;
use crate::driver::world::{World, cannot_read_stdin};
use crate::error::{Error, Result, cause};
use crate::output::Observer;
use crate::output::console::Console;
use crate::output::hexdump::Hexdump;
use crate::script::{RunContext, ScriptHandler};
use crate::session::connection::Settings;
use crate::session::eof_policy::EofPolicy;
use crate::session::{ConnIds, EventMask, Handler};

/// One read. Scripts see chunks of at most this size; without one, larger pieces cost fewer system calls.
const CHUNK: usize = 64 << 10;
const BULK_CHUNK: usize = 256 << 10;

impl Driver {
    /// Opens everything but sockets.
    pub(super) fn build(
        config: Config,
        console: Console,
        worker: Option<Worker>,
        world: &mut dyn World,
    ) -> Result<Self> {
        if let Role::Listen(listen) = &config.role {
            remove_old_ready_file(listen)?;
        }
        let script = config.script.as_ref().map(ScriptHandler::load).transpose()?.map(Rc::new);
        if worker.as_ref().is_none_or(Worker::is_first) {
            for warning in script.iter().flat_map(|script| script.warnings()) {
                console.warn(warning);
            }
        }
        check_files(&config)?;
        let single_peer = config.is_single_peer();
        let stdout = Stdout::open(world, config.output.file.as_deref(), config.output.raw_terminal)?;
        let takes_lines = script.as_ref().is_some_and(|script| script.takes_stdin());
        if takes_lines && worker.is_some() {
            return Err(Error::usage_hint(
                "--workers and a script with on_stdin do not go together",
                "leave --workers out",
            ));
        }
        let serves = script.is_some() && !matches!(config.role, Role::Connect(_));
        let input = if config.input.read && (takes_lines || !serves) {
            Some(world.stdin().map_err(|error| cannot_read_stdin(&error))?)
        } else {
            None
        };
        let duty = if takes_lines { Duty::Lines } else { Duty::Bytes };
        let failed = |error| Error::System { operation: "start the event loop", cause: cause(&error) };
        let clock = world.clock();
        let now = clock.now();
        let chunk = if script.is_some() { CHUNK } else { BULK_CHUNK };
        let io = Io::new(console, observers(&config, console), chunk, now).map_err(failed)?;
        let accept = match &config.role {
            Role::Listen(listen) => listen.accept,
            Role::Connect(_) => None,
        };
        let is_watched = config.script.as_ref().is_some_and(|script| script.watch);
        let watch = script.as_ref().filter(|_| is_watched).map(|script| ScriptWatch::new(script.files(), now));
        let settings = Settings {
            event_mask: EventMask::default(),
            decode_output: config.text.recv.is_some(),
            discard: config.input.discard_received,
            malformed: config.text.malformed,
            idle: config.limits.idle,
        };
        let mut parts = Parts {
            stdin: Stdin::new(input, &config.text, single_peer, duty),
            stdout,
            shutdown: Shutdown::new(config.limits.run.map(|limit| now + limit)),
            policy: EofPolicy::new(&config, script.as_ref().is_some_and(|script| script.takes_received())),
            config,
            io,
            peers: Peers::default(),
            dials: Dials::default(),
            listeners: Listeners::new(accept),
            settings,
            ids: ConnIds::default(),
            handler: script.clone().map(|script| script as Rc<dyn Handler>),
            script,
            worker,
            dialed: Vec::new(),
            listened: Vec::new(),
            commands: Vec::new(),
        };
        let mut signals = world.signals().map_err(failed)?;
        parts.io.register(&mut *signals, Interest::READABLE, Source::Signals).map_err(failed)?;
        parts.stdout.register(&mut parts.io).map_err(failed)?;
        if let Some(worker) = &parts.worker {
            worker.enter(parts.io.reactor.mailbox());
        }
        if let Some(script) = &parts.script {
            let (text, nodelay) = (parts.config.text, parts.config.nodelay);
            let bind = Some(parts.listeners.binder(Defaults::of(&parts.config)));
            script.set_context(RunContext { ids: parts.ids.clone(), text, nodelay, bind });
            script.set_run_until(parts.shutdown.run_until());
        }
        Ok(Self { parts, clock, signals, watch })
    }
}

/// Who hears of what happens.
fn observers(config: &Config, console: Console) -> Vec<Box<dyn Observer>> {
    let mut observers: Vec<Box<dyn Observer>> = Vec::new();
    if console.is_verbose() {
        observers.push(Box::new(console));
    }
    if config.output.hex {
        observers.push(Box::new(Hexdump::new(!config.is_single_peer())));
    }
    observers
}
