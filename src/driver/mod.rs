//! The event loop: waits, gives every source with work a bounded turn, runs due timers, and detects the end of the run.
//!
//! Owns the order of a round. Each part owns its state and knows no other part (`peers` with `peer`, `preamble` and `files`;
//! `dials`, `listeners`, `stdin`, `stdout`, `shutdown`, `watch`); all of them use `io` and `world`. The wiring between parts has
//! layers, each of which calls only those before it: `parts`, `pairs`, `commands`, `events`, `turns`, then `feeding`, `opening`,
//! `closing`, and this loop. `build` makes all of them from a `Config`; `workers` runs several loops.

mod bounds;
mod budgets;
mod build;
mod bulk;
mod closing;
mod commands;
mod companion;
mod dials;
mod eof_wait;
mod events;
mod executing;
mod fallback;
mod feeding;
mod files;
mod handover;
mod io;
mod listeners;
mod memory;
mod messages;
mod observers;
mod opening;
mod outlets;
mod pairs;
mod parts;
mod peer;
mod peers;
mod plan;
mod preamble;
mod probes;
mod programs;
mod ready;
mod recall;
mod redial;
mod redialing;
mod refusing;
mod reports;
mod scan;
mod scanning;
mod securing;
mod shutdown;
mod stderr;
mod stdin;
mod stdout;
mod talking;
#[cfg(test)]
mod tests;
mod turns;
mod typed_lines;
mod typing;
mod watch;
mod workers;
mod world;

use std::net::SocketAddr;
use std::ops::ControlFlow;
use std::rc::Rc;
use std::time::Instant;

use signal_hook::consts::{SIGCONT, SIGWINCH};

use crate::config::{Config, Role, Voice};
use crate::error::Error;
use crate::exit::Exit;
use crate::net::reactor::Slot;
use crate::net::signal;
use crate::output::Notice;
use crate::output::console;
use crate::output::nc::NcVoice;
use crate::output::ncat::NcatVoice;
use crate::output::told::Told;
use crate::script::{Plan, Progress};
use crate::session::{RunEvent, earliest};

use io::Source;
use messages::{Messages as _, Stderr};
use parts::Parts;
use shutdown::GRACE;
use watch::ScriptWatch;
use workers::Worker;
use world::{Clock, Mail, Process, SignalSource, World};

/// One run, from the configuration to the exit code.
pub(crate) struct Driver {
    parts: Parts,
    clock: Rc<dyn Clock>,
    signals: Box<dyn SignalSource>,
    /// How many signals had come when they were last looked at.
    signals_seen: usize,
    watch: Option<ScriptWatch>,
}

/// Runs a configuration and returns its exit code. Every error has been reported.
pub fn run(mut config: Config) -> Exit {
    if let Err(error) = securing::make_certificate(&mut config) {
        return told_early(&config, &error);
    }
    match &config.role {
        Role::Listen(listen) if listen.workers > 1 => workers::run(&config, listen.workers, &Loops),
        _ => match set_up(config, None, &mut Process) {
            Ok(driver) => driver.run(),
            Err(exit) => exit,
        },
    }
}

/// Runs one loop with many runs of the script's `main`, and returns its exit code. Every error has been reported; `told` knows what
/// other loops have said.
///
/// # Errors
/// The exit code of a loop that could not begin.
pub fn run_clients(config: Config, plan: Plan, progress: Progress, told: Told) -> Result<Exit, Exit> {
    let mut driver = prepare(config, None, Some(told), &mut Process)?;
    if let Some(script) = &driver.parts.script {
        script.set_clients(plan, progress);
    }
    driver.start();
    Ok(driver.run())
}

/// Says something on stderr, without waiting for its reader: the loop of a run that follows writes the rest.
pub fn say(text: &str) {
    Stderr.say(text);
}

/// Says the last words of the process on stderr. A reader that takes nothing is not waited for beyond the grace.
pub fn say_last(text: &str) {
    Stderr.say(text);
    Stderr.finish(GRACE);
}

/// Makes the loops of a run with several workers.
struct Loops;

impl workers::Loops for Loops {
    type Loop = Driver;

    fn start(&self, config: Config, worker: Worker) -> Result<Driver, Exit> {
        set_up(config, Some(worker), &mut Process)
    }
}

impl workers::Loop for Driver {
    fn listen(&mut self) -> ControlFlow<Exit, Option<SocketAddr>> {
        while self.parts.listeners.is_resolving() {
            self.turn()?;
        }
        ControlFlow::Continue(self.parts.listeners.address().and_then(|address| address.ip()))
    }

    fn announce(&mut self) {
        if let Err(error) = self.parts.announce() {
            self.parts.fail_and_stop(&error);
        }
    }

    fn fail(&mut self, error: &Error) {
        self.parts.fail_and_stop(error);
    }

    fn run(self) -> Exit {
        Self::run(self)
    }
}

/// Builds a driver with its observers and starts it. An error has been reported when this returns.
fn set_up(config: Config, worker: Option<Worker>, world: &mut dyn World) -> Result<Driver, Exit> {
    let told = worker.as_ref().map(Worker::told);
    let mut driver = prepare(config, worker, told, world)?;
    driver.start();
    Ok(driver)
}

/// Builds a driver with its observers. An error has been reported when this returns.
fn prepare(config: Config, worker: Option<Worker>, told: Option<Told>, world: &mut dyn World) -> Result<Driver, Exit> {
    let now = world.clock().now();
    let mut others = told.as_ref().map(Told::beside);
    let mut observers = build::observers(&config, world, now, told).map_err(|error| {
        let is_news = others.as_mut().is_none_or(|told| told.is_news(&error.to_string()));
        if is_news { told_early(&config, &error) } else { error.exit() }
    })?;
    let driver = Driver::build(config, &mut observers, worker, world);
    driver.map_err(|error| {
        let exit = observers.end_with(now, &error);
        world.stderr().finish(GRACE);
        exit
    })
}

/// Says an error for which there are no observers yet, in the voice of the run. Returns what it means.
fn told_early(config: &Config, error: &Error) -> Exit {
    let say = |text: &str| console::write_stderr(text);
    match config.output.voice {
        Voice::Own => console::error(error),
        Voice::Nc => NcVoice::new(config, Box::new(say)).tell(error),
        Voice::Ncat => NcatVoice::new(config, Box::new(say)).tell(error),
    }
    error.exit()
}

impl Driver {
    /// Starts what the role asks for.
    fn start(&mut self) {
        if let Err(error) = self.parts.begin() {
            self.parts.fail_and_stop(&error);
        }
        self.parts.begin_typing();
        self.settle();
    }

    fn run(mut self) -> Exit {
        loop {
            if let ControlFlow::Break(exit) = self.turn() {
                // The process ends now, and dropping a script engine takes a fifth of the time of building one.
                std::mem::forget((self.parts.handler.take(), self.parts.script.take()));
                return exit;
            }
        }
    }

    /// One round of the loop: waits, gives every source with work a turn, and runs due timers. Breaks with the exit code
    /// at the end of the run.
    fn turn(&mut self) -> ControlFlow<Exit> {
        self.parts.flush_observers();
        if let Some(exit) = self.poll_exit() {
            return ControlFlow::Break(exit);
        }
        let deadline = self.deadline();
        match self.clock.wait(&mut self.parts.io.reactor, deadline) {
            Ok(now) => self.parts.io.now = now,
            Err(error) => {
                let error = Error::system("wait for events", &error);
                return ControlFlow::Break(self.parts.io.observers.end_with(self.parts.io.now, &error));
            }
        }
        self.parts.notice_stop();
        while let Some(mail) = self.parts.io.reactor.next_mail() {
            match mail {
                Mail::Resolved(resolved) => self.parts.handle_resolved(resolved),
                Mail::Stop(exit) => self.parts.shutdown.follow(self.parts.io.now, exit),
            }
            self.settle();
        }
        self.round();
        // After the turns: what arrived in time counts, however late the process was to read it.
        self.run_timers();
        ControlFlow::Continue(())
    }

    /// Gives every source with work its turn.
    fn round(&mut self) {
        let mut turns = self.parts.io.reactor.ready_len();
        let mut is_batch = turns > 1;
        // Turns for which was read.
        let mut early = 0;
        while turns > 0 {
            if early == 0 && is_batch {
                early = turns.min(self.parts.io.budgets.early);
                self.parts.read_early(early);
            }
            early = early.saturating_sub(1);
            let Some(slot) = self.parts.io.reactor.next_ready() else { break };
            let woken = self.dispatch(slot, is_batch);
            is_batch |= woken > 1;
            turns += woken;
            turns -= 1;
            if self.signals.count() != self.signals_seen {
                // Calls of a script may have taken their time, and more of them may be to come in this round.
                self.take_signals();
            }
            self.settle();
            if self.parts.peers.unwritten() >= self.parts.io.budgets.batch {
                self.parts.write_answers();
                self.settle();
            }
        }
        self.parts.write_answers();
        self.parts.keep_memory_bound();
        self.settle();
    }

    /// Gives one source its turn. Returns how many others, for which it had something, get theirs in the same round.
    fn dispatch(&mut self, slot: Slot, is_batch: bool) -> usize {
        let parts = &mut self.parts;
        let mut woken = 0;
        match parts.io.source(slot) {
            Source::Peer => parts.peer_turn(slot, is_batch),
            Source::Preamble(owner) => parts.peer_turn(owner as Slot, is_batch),
            Source::Listener => {
                let ready = parts.io.reactor.ready_len();
                let turn = parts.listener_turn(slot);
                woken = parts.io.reactor.ready_len() - ready;
                parts.io.end_turn(slot, turn);
            }
            Source::Attempt => parts.attempt_turn(slot),
            Source::Stdin => {
                let turn = parts.stdin_turn();
                parts.obey_commands();
                parts.io.end_turn(slot, turn);
            }
            Source::Keyboard => parts.keyboard_turn(),
            Source::Stdout => parts.stdout_turn(),
            Source::Stderr => parts.stderr.unblock(),
            Source::Signals => self.signal_turn(slot),
            Source::Program => parts.program_turn(slot),
            Source::Companion => parts.companion_turn(slot),
            Source::Port => parts.port_turn(slot),
            Source::None => {}
        }
        woken
    }

    /// Acts on the outcomes of a turn: finished or failed dials and listeners, and a stop that was decided.
    #[inline]
    fn settle(&mut self) {
        if self.parts.has_outcomes() {
            self.parts.finish_opening();
        }
        if self.parts.shutdown.take_stop() {
            self.parts.carry_out_stop();
            self.parts.draw_typing();
        }
    }

    /// Handles pending signals.
    fn signal_turn(&mut self, slot: Slot) {
        self.parts.io.reactor.readiness(slot).readable = false;
        self.take_signals();
    }

    fn take_signals(&mut self) {
        let count = self.signals.count();
        let pending = self.signals.take_pending();
        if !pending.is_empty() {
            self.signals_seen = count;
        }
        for number in pending {
            match number {
                SIGWINCH => self.parts.terminal_resized(),
                SIGCONT => self.parts.process_continued(),
                _ => self.handle_signal(number),
            }
        }
    }

    /// The handler may take a signal; a second one, or one that comes while the run is ending, ends it at once.
    fn handle_signal(&mut self, number: i32) {
        let name = signal::name(number);
        self.parts.io.notify(&Notice::Signal { name });
        if self.parts.shutdown.is_running() && self.parts.tell_run(RunEvent::Signal(name)) {
            return;
        }
        let is_reported = self.parts.io.observers.know_exit();
        self.parts.shutdown.handle_signal(self.parts.io.now, number, is_reported);
    }

    /// The earliest time at which something is due without an event.
    fn deadline(&self) -> Option<Instant> {
        let parts = &self.parts;
        let handler = parts.handler.as_ref().filter(|_| parts.shutdown.is_running());
        earliest([
            parts.peers.deadline(),
            parts.opening_deadline(),
            parts.stdin.deadline(),
            parts.stderr.deadline(),
            parts.programs.deadline(),
            handler.and_then(|handler| handler.deadline()),
            parts.shutdown.deadline(),
            self.watch.as_ref().map(ScriptWatch::deadline),
        ])
    }

    /// Runs all due timers.
    fn run_timers(&mut self) {
        self.parts.peer_timers();
        self.parts.opening_timers();
        self.parts.scan_timers();
        self.parts.stdin_timers();
        self.parts.program_timers();
        let has_called = self.parts.script_timers();
        self.parts.run_timer();
        self.watch_timer();
        self.settle();
        if has_called {
            // What was sent is on its way before the clock is looked at again: it may be for another connection of this run,
            // whose time limit goes on meanwhile.
            self.round();
        }
    }

    /// Reloads the script if its files have changed.
    fn watch_timer(&mut self) {
        let Some(watch) = &mut self.watch else { return };
        if !self.parts.shutdown.is_running() {
            self.watch = None;
        } else if let Some(script) = &self.parts.script
            && watch.is_due(self.parts.io.now, script)
            && let Some(new) = watch.reload(&mut self.parts.io, script, self.parts.config.script.as_ref())
        {
            self.parts.replace_script(new);
        }
    }

    /// The exit code at the end of the run; before that, moves the run from one stage of its shutdown to the next.
    fn poll_exit(&mut self) -> Option<Exit> {
        let is_late = self.parts.is_late();
        if self.parts.is_answered() {
            self.parts.abandon_all();
        }
        self.parts.follow_reader();
        self.parts.note_program_status();
        self.parts.stop_if_idle();
        self.settle();
        if self.parts.shutdown.is_stopping() && (self.parts.is_quiet() || is_late) {
            self.parts.end_connections();
            self.settle();
        }
        if self.parts.shutdown.is_flushing() {
            self.parts.flush_stdout(is_late);
        }
        self.parts.finish()
    }
}
