//! Builds a `Driver` from a `Config` and a `World`: the only list of all handlers and observers.
//!
//! Owns the order of opening: script, files, sockets, so that a script that does not load is reported before anything
//! is touched.

use std::fs::Metadata;
use std::rc::Rc;
use std::time::{Duration, Instant, SystemTime};

use mio::Interest;

use crate::config::{Config, PreambleItem, Progress as Showing, Role, Target, Voice};
use crate::driver::Driver;
use crate::driver::bounds::{MemoryBound, max_connects};
use crate::driver::companion::Companion;
use crate::driver::dials::Dials;
use crate::driver::handover::Handover;
use crate::driver::io::{Io, Source};
use crate::driver::listeners::Listeners;
use crate::driver::observers::Observers;
use crate::driver::outlets::Outlets;
use crate::driver::parts::Parts;
use crate::driver::peers::Peers;
use crate::driver::plan::Defaults;
use crate::driver::preamble::check_files;
use crate::driver::programs::Programs;
use crate::driver::ready::remove_old_ready_file;
use crate::driver::recall::Recall;
use crate::driver::redial::Redial;
use crate::driver::reports;
use crate::driver::scan::Scan;
use crate::driver::securing::Securing;
use crate::driver::shutdown::{Shutdown, run_over};
use crate::driver::stderr::Stderr;
use crate::driver::stdin::{Duty, Stdin};
use crate::driver::stdout::Stdout;
use crate::driver::typed_lines::{TypedInput, TypedLines};
use crate::driver::watch::ScriptWatch;
use crate::driver::workers::Worker;
use crate::driver::world::{InputStream, World, cannot_read_stdin};
use crate::endpoint::MAX_DATAGRAM;
use crate::error::{Error, Result};
use crate::output::console::{Commentator, Console};
use crate::output::copies::Copies;
use crate::output::events::Events;
use crate::output::hexdump::Hexdump;
use crate::output::nc::NcVoice;
use crate::output::ncat::NcatVoice;
use crate::output::progress::Progress;
use crate::output::told::Told;
use crate::output::{Notice, Observer};
use crate::script::{RunContext, ScriptClock, ScriptHandler, StdinUse, Suite};
use crate::session::connection::{Parting, Settings};
use crate::session::eof_policy::EofPolicy;
use crate::session::{ConnIds, EventMask, Handler, VerdictHandler};
use crate::sys::machine;

/// Maximum bytes of one read with a script, which sees chunks of that size; without one, larger reads save system calls.
const CHUNK: usize = 64 << 10;
const BULK_CHUNK: usize = 256 << 10;

/// A peer that sends and gets no datagram for this time makes room for others.
const PEER_SILENCE: Duration = Duration::from_secs(60);
/// How long the answer to a datagram is awaited, and where none is wanted, its refusal.
const ANSWER_WAIT: Duration = Duration::from_secs(1);
const REFUSAL_WAIT: Duration = Duration::from_millis(20);

impl Driver {
    /// Opens everything but sockets. Takes the observers in its last step, so that the caller can report an error.
    pub(super) fn build(
        config: Config,
        observers: &mut Observers,
        worker: Option<Worker>,
        world: &mut dyn World,
    ) -> Result<Self> {
        if let Role::Listen(listen) = &config.role {
            remove_old_ready_file(listen)?;
        }
        let clock = world.clock();
        let verdict = verdict_handler(&config)?;
        let programs = Programs::new(config.exec.clone())?;
        let run_until = config.limits.run.map(|limit| clock.now() + limit.saturating_sub(config.limits.spent));
        let load = |script| {
            let times = Rc::clone(&clock);
            let loaded = ScriptHandler::load_with_clock(script, ScriptClock::new(move || times.now()), run_until);
            match (loaded, config.limits.run) {
                (Err(_), Some(limit)) if run_until.is_some_and(|until| until <= clock.now()) => {
                    Err(run_over(limit, None))
                }
                (loaded, _) => loaded,
            }
        };
        // Before a script is loaded: what an earlier run has left there must not look like the report of this one.
        let files = config.tests.as_ref().map(reports::create).transpose()?;
        let suite = config.tests.as_ref().map(|tests| {
            let times = Rc::clone(&clock);
            let script = config.script.as_ref().ok_or_else(|| Error::usage("there is no script"))?;
            Suite::load(tests, script, ScriptClock::new(move || times.now()), run_until, config.limits.run)
        });
        let suite = suite.transpose().map_err(Error::or_shortage)?.map(Rc::new);
        let script = config.script.as_ref().filter(|_| suite.is_none());
        let script = script.map(load).transpose().map_err(Error::or_shortage)?.map(Rc::new);
        for warning in suite.iter().flat_map(|suite| suite.warnings()) {
            observers.notify(clock.now(), &Notice::ScriptWarning { text: warning });
        }
        if worker.as_ref().is_none_or(Worker::is_first) {
            for warning in script.iter().flat_map(|script| script.warnings()) {
                observers.notify(clock.now(), &Notice::ScriptWarning { text: warning });
            }
        }
        check_files(&config).map_err(Error::or_shortage)?;
        let securing = Securing::new(&config).map_err(Error::or_shortage)?;
        let single_peer = config.is_single_peer();
        let output = &config.output;
        let outlets = Outlets::new(&config)?;
        let (file, raw) = (output.file.as_deref(), output.raw_terminal);
        let stdout = Stdout::open(world, file, raw, output.timestamps, observers.stdout())?;
        if let (Some(suite), Some(tests), Some(files)) = (&suite, &config.tests, files) {
            let colours = tests.colours && reports::wants_colours(stdout.is_screen());
            suite.set_reporter(reports::reporter(tests, files, colours));
        }
        let takes_lines = script.as_ref().is_some_and(|script| script.takes_stdin());
        if takes_lines && worker.is_some() {
            return Err(Error::usage_hint(
                "--workers and a script with on_stdin do not go together",
                "leave --workers out",
            ));
        }
        let has_session = script.as_ref().is_some_and(|script| script.has_session());
        let serves = script.is_some() && (has_session || !matches!(config.role, Role::Connect(_)));
        let (duty, stdin_use) = match () {
            () if takes_lines => (Duty::Lines, StdinUse::Lines),
            () if serves && worker.is_some() => (Duty::Asked, StdinUse::Shared),
            () if serves && config.input.read => (Duty::Asked, StdinUse::Asked),
            () if serves => (Duty::Asked, StdinUse::Unread),
            () => (Duty::Bytes, StdinUse::Bytes),
        };
        let reads = config.input.read && stdin_use != StdinUse::Shared;
        let typed_lines = typed_lines(&config, world, reads && worker.is_none() && stdout.is_screen());
        let outlets = outlets.beside_typed_lines(typed_lines.is_some());
        let input: Option<Box<dyn InputStream>> = if let Some(lines) = &typed_lines {
            Some(Box::new(TypedInput::new(lines.clone())))
        } else if reads {
            Some(world.stdin().map_err(|error| cannot_read_stdin(&error))?)
        } else {
            None
        };
        let failed = |error| Error::system("start the event loop", &error);
        let now = clock.now();
        let chunk = if script.is_some() { CHUNK } else { BULK_CHUNK };
        let mut io = Io::new(chunk, now, world.network()).map_err(failed)?;
        io.clock = Some(Rc::clone(&clock));
        let listeners = match &config.role {
            Role::Listen(listen) => Listeners::new(listen.accept, listen.accept_limit)
                .with_access(listen.access.clone())
                .with_limit(listen.max_conns.filter(|_| listen.refuses_beyond))
                .in_order(config.limits.ends_in_order),
            Role::Connect(_) | Role::Run | Role::Scan(_) => Listeners::default(),
        };
        let is_watched = config.script.as_ref().is_some_and(|script| script.watch);
        let watch = script.as_ref().filter(|_| is_watched).map(|script| ScriptWatch::new(script.files(), now));
        let settings = Settings {
            event_mask: EventMask::default(),
            decode_output: config.text.recv.is_some(),
            discard: config.input.discard_received,
            malformed: config.text.malformed,
            idle: config.limits.idle,
            silence: config.limits.silence,
            ends_in_order: config.limits.ends_in_order,
            awaits_arrival: config.exec.as_ref().is_some_and(|exec| !exec.is_ncats)
                && config.output.voice == Voice::Own,
            refusal: config.input.refusal,
            parting: Parting { silence: Some(PEER_SILENCE), wait: parting_wait(&config) },
        };
        let verdict = suite.clone().map(|suite| suite as Rc<dyn Handler>).or(verdict);
        let retry = config.retry();
        let scan = match &config.role {
            Role::Scan(scan) => Some(Box::new(Scan::new(scan.clone(), machine::descriptors()))),
            Role::Connect(_) | Role::Listen(_) | Role::Run => None,
        };
        let charset = world.screen().charset();
        let mut typed = config.text;
        if charset.is_some() && script.is_some() {
            // What a script's connections speak, if nothing else is said.
            typed.send = typed.send.or(Some(encoding_rs::UTF_8));
        }
        let stdin = Stdin::new(input, &config.text, single_peer, duty).typed_in(charset, &typed);
        let mut parts = Parts {
            stdin: stdin
                .in_pieces_of(piece(&config))
                .again(retry.map(|_| Handover::new(config.text, config.reconnects()))),
            typed_lines,
            chosen: None,
            stdout,
            outlets,
            stderr: Stderr::new(world.stderr()),
            shutdown: Shutdown::new(run_until).in_order(config.limits.ends_in_order),
            securing,
            policy: EofPolicy::new(&config),
            memory: MemoryBound::new(&config),
            config,
            io,
            peers: Peers::default(),
            dials: Dials::default(),
            redial: Redial::new(retry),
            scan,
            listeners,
            programs,
            companion: Companion::default(),
            settings,
            ids: ConnIds::default(),
            handler: script.clone().map(|script| script as Rc<dyn Handler>).or(verdict),
            script,
            worker,
            dialed: Vec::new(),
            listened: Vec::new(),
            commands: Vec::new(),
        };
        let mut signals = world.signals().map_err(failed)?;
        let is_hidden = parts.config.output.terminal.hides_typed() && parts.stdin.is_typed();
        if parts.typed_lines.is_some() || is_hidden {
            signals.watch_terminal().map_err(failed)?;
        }
        // From here on every signal that ends the process restores the terminal.
        parts.hide_typing();
        parts.io.register(&mut *signals, Interest::READABLE, Source::Signals).map_err(failed)?;
        let takes_data = parts.script.is_some() || !parts.config.input.discard_received;
        parts.stdout.register(&mut parts.io, takes_data).map_err(failed)?;
        if let Some(worker) = &parts.worker {
            worker.enter(parts.io.reactor.mailbox());
        }
        if parts.config.script.is_some() {
            let (text, nodelay) = (parts.config.text, parts.config.nodelay);
            let bind = Some(parts.listeners.binder(Rc::clone(&parts.io.network), Defaults::of_script(&parts.config)));
            let limit = |script| max_connects(script, parts.config.workers(), machine::descriptors());
            let max_connects = parts.config.script.as_ref().map_or(usize::MAX, limit);
            let ids = parts.ids.clone();
            let context = RunContext { ids, text, nodelay, max_connects, bind, stdin: stdin_use };
            match (&suite, &parts.script) {
                (Some(suite), _) => suite.set_context(context),
                (None, Some(script)) => script.set_context(context),
                (None, None) => {}
            }
        }
        parts.io.observers = std::mem::take(observers);
        let signals_seen = signals.count();
        Ok(Self { parts, clock, signals, signals_seen, watch })
    }
}

/// Lines that are edited on the terminal, if people type and read there.
fn typed_lines(config: &Config, world: &mut dyn World, is_possible: bool) -> Option<TypedLines> {
    let output = &config.output;
    let terminal = &output.terminal;
    // What the peer does with the screen would be in the way of the line.
    let is_free = !output.raw_terminal || terminal.raw;
    if !is_possible || !terminal.edits || !is_free || output.voice != Voice::Own {
        return None;
    }
    let keyboard = world.keyboard()?;
    Some(TypedLines::new(keyboard, world.screen(), Recall::new(terminal.history.clone()), terminal))
}

/// Maximum bytes of stdin that are sent at once.
fn piece(config: &Config) -> usize {
    if config.is_datagram() { MAX_DATAGRAM } else { usize::MAX }
}

/// How long answers are awaited after the last datagram was sent.
fn parting_wait(config: &Config) -> Duration {
    let default = if config.input.discard_received { REFUSAL_WAIT } else { ANSWER_WAIT };
    config.input.eof_wait.unwrap_or(default)
}

/// The handler of `--expect`, `--fail-on` and `--until`, if one of them is given.
fn verdict_handler(config: &Config) -> Result<Option<Rc<dyn Handler>>> {
    if config.verdict.is_empty() {
        return Ok(None);
    }
    // The end of one of several is not the answer.
    let is_whole_run = config.is_single_peer() && !config.reconnects();
    let handler = VerdictHandler::new(&config.verdict, config.text.recv.is_some(), is_whole_run);
    handler.map(|handler| Some(Rc::new(handler) as Rc<dyn Handler>)).map_err(|error| Error::usage(error.to_string()))
}

/// Bytes that are to be sent, if all of it is in files.
fn total(config: &Config, world: &dyn World) -> Option<u64> {
    let stdin = if config.input.read { world.stdin_length()? } else { 0 };
    let length = |item: &PreambleItem| match item {
        PreambleItem::File(path) => std::fs::metadata(path).ok().filter(Metadata::is_file).map(|found| found.len()),
        PreambleItem::Bytes(bytes) => Some(bytes.len() as u64),
        PreambleItem::Text(_) => Some(0),
    };
    let preamble: u64 = config.preamble.iter().map(length).sum::<Option<u64>>()?;
    Some(stdin + preamble).filter(|total| *total > 0)
}

/// The observers of a run: the only list of all kinds. `told`: what several loops have said.
///
/// # Errors
/// The file of events cannot be opened.
pub(super) fn observers(config: &Config, world: &mut dyn World, now: Instant, told: Option<Told>) -> Result<Observers> {
    let output = &config.output;
    let mut list: Vec<Box<dyn Observer>> = Vec::new();
    let messages = world.stderr();
    let say = || -> Box<dyn FnMut(&str)> {
        let messages = Rc::clone(&messages);
        Box::new(move |text| messages.say(text))
    };
    let on_terminal = output.progress != Showing::Never && world.is_stderr_terminal();
    if output.progress == Showing::Always || on_terminal {
        // Before those who say something: its line is gone then.
        list.push(Box::new(Progress::new(on_terminal, total(config, world), say())));
    }
    list.push(match output.voice {
        Voice::Own => Box::new(Commentator::new(Console::new(output.verbose, output.quiet), say()).among_loops(told)),
        Voice::Nc => Box::new(NcVoice::new(config, say())),
        Voice::Ncat => Box::new(NcatVoice::new(config, say())),
    });
    for copying in &output.copies {
        list.push(Box::new(Copies::create(copying)?));
    }
    if output.hex {
        list.push(Box::new(Hexdump::new(!config.is_single_peer(), say())));
    }
    let mut stdout = None;
    match &output.events {
        Some(Target::File(path)) => {
            list.push(Box::new(Events::create(path, now, SystemTime::now())?));
        }
        Some(Target::Stdout) => {
            let (events, lines) = Events::shared(now, SystemTime::now());
            list.push(Box::new(events));
            stdout = Some(lines);
        }
        None => {}
    }
    let mut observers = Observers::new(list);
    if let Some(lines) = stdout {
        observers.set_stdout(lines);
    }
    Ok(observers)
}
