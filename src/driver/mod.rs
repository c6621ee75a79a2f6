//! The one loop: it waits, gives every source with work a bounded turn, runs due timers, and knows when the
//! run is over.
//!
//! Owns the table of what is registered and the order of a round. The turns themselves stand beside it:
//! `peers` (connections), `pairs`, `files`, `listeners`, `dials`, `preamble`, `stdin`, `stdout`, `bulk`,
//! `script_calls`, `watch` (the script's files), `shutdown`. `build` is the one place that turns a `Config` into all of these;
//! `workers` runs several.

mod build;
mod bulk;
mod dials;
mod files;
mod io;
mod listeners;
mod pairs;
mod peers;
mod preamble;
mod script_calls;
mod shutdown;
mod stdin;
mod stdout;
mod watch;
mod workers;

use std::cmp::Reverse;
use std::collections::{BinaryHeap, HashMap};
use std::time::Instant;

use signal_hook_mio::v1_0::Signals;

use crate::config::{Config, Role};
use crate::error::{Error, cause};
use crate::exit::Exit;
use crate::net::reactor::Slot;
use crate::output::console::Console;
use crate::script::ScriptHandler;
use crate::session::connection::Settings;
use crate::session::eof_policy::EofPolicy;
use crate::session::{Command, ConnId, ConnIds, ListenerId};

use dials::{Attempt, Dialing};
use io::{Io, Mail};
use listeners::{Acceptor, PendingListeners};
use peers::Peer;
use shutdown::Shutdown;
use stdin::Stdin;
use stdout::Stdout;
use watch::ScriptWatch;
use workers::Worker;

/// What stands behind a slot of the reactor.
enum Source {
    Nothing,
    Peer(Box<Peer>),
    Acceptor(Box<Acceptor>),
    Attempt(Box<Attempt>),
    Input,
    /// A pipe that is sent to the peer behind this slot.
    Preamble(Slot),
    Output,
    Signals,
}

/// One run: everything that happens between the command line and the exit code.
pub struct Driver {
    config: Config,
    io: Io,
    sources: Vec<Source>,
    slots_by_id: HashMap<ConnId, Slot>,
    ids: ConnIds,
    handler: Option<ScriptHandler>,
    watch: Option<ScriptWatch>,
    settings: Settings,
    rules: EofPolicy,
    /// One connection is the whole run: its trouble is the run's.
    single_peer: bool,
    signals: Signals,
    dialings: HashMap<ConnId, Dialing>,
    acceptor: Option<Slot>,
    /// Listeners that a script opened, and those it has bound that are not watched yet.
    script_listeners: HashMap<ListenerId, Slot>,
    pending_listeners: PendingListeners,
    accepted: u64,
    open: usize,
    /// Open connections that the run's own listener accepted.
    clients: usize,
    stdin: Stdin,
    stdout: Stdout,
    /// Peers that are not read until stdout has room.
    stalled: Vec<Slot>,
    timers: BinaryHeap<Reverse<(Instant, Slot, ConnId)>>,
    shutdown: Shutdown,
    /// This loop as one of several.
    worker: Option<Worker>,
    commands: Vec<Command>,
    /// More than one source has its turn in this round.
    batching: bool,
    /// Connections that have had their turn and are yet to write.
    unwritten: Vec<Slot>,
}

/// So many connections have their turns before what they answered is written: few enough for the processor's caches.
const BATCH: usize = 64;

/// Runs what the configuration asks for and says how it ended. Everything worth a message was told.
pub fn run(config: Config) -> Exit {
    let console = Console::new(config.output.verbose, config.output.quiet);
    match &config.role {
        Role::Listen(listen) if listen.workers > 1 => workers::run(&config, listen.workers, console),
        _ => run_alone(config, console, None),
    }
}

fn run_alone(config: Config, console: Console, worker: Option<Worker>) -> Exit {
    match Driver::build(config, console, worker) {
        Ok(mut driver) => {
            driver.start();
            if let Some(worker) = driver.worker.as_ref().filter(|_| driver.acceptor.is_some()) {
                worker.note_listening();
            }
            driver.run()
        }
        Err(error) => {
            console.error(&error);
            error.exit()
        }
    }
}

impl Driver {
    fn start(&mut self) {
        if let Err(error) = self.begin() {
            self.fail(&error);
            self.stop(None);
        }
    }

    fn run(mut self) -> Exit {
        loop {
            if let Some(exit) = self.poll_exit() {
                // The process ends now: to take an engine apart is a fifth of what it costs to make one.
                std::mem::forget(self.handler.take());
                return exit;
            }
            let deadline = self.next_deadline();
            if let Err(error) = self.io.reactor.wait(deadline) {
                self.io.console.error(&Error::System { operation: "wait for events", cause: cause(&error) });
                return Exit::Bug;
            }
            self.io.now = Instant::now();
            while let Some(mail) = self.io.reactor.next_mail() {
                match mail {
                    Mail::Resolved(resolved) => self.handle_resolved(resolved),
                    Mail::Stop(exit) => self.end_with(exit),
                }
            }
            self.round();
            // After the turns: what came in time counts, however late the process was to look at it.
            self.run_timers();
        }
    }

    /// Gives every source with work its turn. Several connections that have answers write them one after the other,
    /// behind their turns: a peer that gets them in one go is woken once, not for each.
    fn round(&mut self) {
        let turns = self.io.reactor.ready_len();
        self.batching = turns > 1;
        for _ in 0..turns {
            let Some(slot) = self.io.reactor.next_ready() else { break };
            self.turn(slot);
            if self.unwritten.len() == BATCH {
                self.write_answers();
            }
        }
        self.write_answers();
    }

    /// Gives one source its turn.
    fn turn(&mut self, slot: Slot) {
        match self.sources.get(slot) {
            Some(Source::Peer(_)) => self.with_peer(slot, Self::peer_turn),
            Some(Source::Acceptor(_)) => self.accept_turn(slot),
            Some(Source::Attempt(_)) => self.attempt_turn(slot),
            Some(Source::Input) => self.stdin_turn(),
            Some(&Source::Preamble(peer)) => self.with_peer(peer, Self::peer_turn),
            Some(Source::Output) => self.stdout_turn(),
            Some(Source::Signals) => self.signal_turn(slot),
            Some(Source::Nothing) | None => {}
        }
    }

    /// Puts something behind a slot.
    fn place(&mut self, slot: Slot, thing: Source) {
        if slot >= self.sources.len() {
            self.sources.resize_with(slot + 1, || Source::Nothing);
        }
        self.sources[slot] = thing;
    }

    /// Takes what is behind a slot.
    fn take(&mut self, slot: Slot) -> Source {
        self.sources.get_mut(slot).map_or(Source::Nothing, |thing| std::mem::replace(thing, Source::Nothing))
    }

    /// The earliest time at which something is due without an event.
    fn next_deadline(&self) -> Option<Instant> {
        [
            self.timers.peek().map(|Reverse((at, ..))| *at),
            self.dialings.values().filter_map(Dialing::deadline).min(),
            self.accept_deadline(),
            self.stdin.deadline(),
            self.handler.as_ref().filter(|_| self.shutdown.is_running()).and_then(ScriptHandler::deadline),
            self.shutdown.deadline(),
            self.watch.as_ref().map(ScriptWatch::deadline),
        ]
        .into_iter()
        .flatten()
        .min()
    }

    /// Runs everything that is due.
    fn run_timers(&mut self) {
        let now = self.io.now;
        // Only so many: one whose next time has come already has its turn in the next round.
        for _ in 0..self.timers.len() {
            let Some(Reverse((at, slot, id))) = self.timers.peek().copied() else { break };
            if at > now {
                break;
            }
            self.timers.pop();
            self.with_peer(slot, |driver, peer| driver.timer_turn(peer, id, at));
        }
        self.dialing_timers();
        self.accept_timers();
        self.stdin_timers();
        self.script_timers();
        self.shutdown_timers();
        self.watch_timers();
    }
}
