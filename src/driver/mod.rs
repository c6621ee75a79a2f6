//! The one loop: it waits, gives every source with work a bounded turn, runs due timers, and knows when the
//! run is over.
//!
//! Owns the table of what is registered and the order of a round. The turns themselves stand beside it:
//! `peers` (connections), `pipes`, `files`, `accept`, `dialing`, `prelude`, `feed` (stdin), `outlet` (stdout), `bulk`,
//! `script_calls`, `watch` (the script's files), `ending`. `build` is the one place that turns a `Config` into all of these;
//! `workers` runs several.

mod accept;
mod build;
mod bulk;
mod dialing;
mod ending;
mod feed;
mod files;
mod outlet;
mod peers;
mod pipes;
mod prelude;
mod script_calls;
mod watch;
mod workers;

use std::cmp::Reverse;
use std::collections::{BinaryHeap, HashMap};
use std::time::Instant;

use signal_hook_mio::v1_0::Signals;

use crate::config::{Config, Role};
use crate::error::{Error, cause};
use crate::exit::Exit;
use crate::net::conduit::Conduits;
use crate::net::dial::Resolved;
use crate::net::reactor::{Reactor, Slot};
use crate::output::Observer;
use crate::output::console::Console;
use crate::script::ScriptHandler;
use crate::session::connection::Settings;
use crate::session::halves::HalfRules;
use crate::session::{Command, ConnId, ConnIds, ListenerId};

use accept::{Acceptor, Bound};
use dialing::{Attempt, Dialing};
use ending::Ending;
use feed::Feed;
use outlet::Outlet;
use peers::Peer;
use watch::Watch;
use workers::Member;

/// What other threads send to the loop.
enum Mail {
    Resolved(Resolved),
    /// Another worker has ended.
    Stop(Exit),
}

impl From<Resolved> for Mail {
    fn from(resolved: Resolved) -> Self {
        Self::Resolved(resolved)
    }
}

/// What stands behind a slot of the reactor.
enum Thing {
    Nothing,
    Peer(Box<Peer>),
    Acceptor(Box<Acceptor>),
    Attempt(Box<Attempt>),
    Input,
    /// A pipe that is sent to the peer behind this slot.
    Prelude(Slot),
    Output,
    Signals,
}

/// One run: everything that happens between the command line and the exit code.
pub struct Driver {
    config: Config,
    console: Console,
    observers: Vec<Box<dyn Observer>>,
    reactor: Reactor<Mail>,
    things: Vec<Thing>,
    slots_by_id: HashMap<ConnId, Slot>,
    ids: ConnIds,
    handler: Option<ScriptHandler>,
    watch: Option<Watch>,
    settings: Settings,
    rules: HalfRules,
    /// One connection is the whole run: its trouble is the run's.
    solo: bool,
    signals: Signals,
    dialings: HashMap<ConnId, Dialing>,
    acceptor: Option<Slot>,
    /// Listeners that a script opened, and those it has bound that are not watched yet.
    script_listeners: HashMap<ListenerId, Slot>,
    bound: Bound,
    accepted: u64,
    open: usize,
    /// Open connections that the run's own listener accepted.
    clients: usize,
    feed: Feed,
    outlet: Outlet,
    /// Peers that are not read until stdout has room.
    stalled: Vec<Slot>,
    timers: BinaryHeap<Reverse<(Instant, Slot, ConnId)>>,
    ending: Ending,
    /// This loop as one of several.
    member: Option<Member>,
    now: Instant,
    /// One read takes so much.
    chunk: usize,
    /// Room for one read; made for the first.
    buffer: Vec<u8>,
    conduits: Conduits,
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

fn run_alone(config: Config, console: Console, member: Option<Member>) -> Exit {
    match Driver::build(config, console, member) {
        Ok(mut driver) => {
            driver.start();
            if let Some(member) = driver.member.as_ref().filter(|_| driver.acceptor.is_some()) {
                member.note_listening();
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
            if let Err(error) = self.reactor.wait(deadline) {
                self.console.error(&Error::System { operation: "wait for events", cause: cause(&error) });
                return Exit::Bug;
            }
            self.now = Instant::now();
            while let Some(mail) = self.reactor.next_mail() {
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
        let turns = self.reactor.ready_len();
        self.batching = turns > 1;
        for _ in 0..turns {
            let Some(slot) = self.reactor.next_ready() else { break };
            self.turn(slot);
            if self.unwritten.len() == BATCH {
                self.write_answers();
            }
        }
        self.write_answers();
    }

    /// Gives one source its turn.
    fn turn(&mut self, slot: Slot) {
        match self.things.get(slot) {
            Some(Thing::Peer(_)) => self.with_peer(slot, Self::peer_turn),
            Some(Thing::Acceptor(_)) => self.accept_turn(slot),
            Some(Thing::Attempt(_)) => self.attempt_turn(slot),
            Some(Thing::Input) => self.feed_turn(),
            Some(&Thing::Prelude(peer)) => self.with_peer(peer, Self::peer_turn),
            Some(Thing::Output) => self.output_turn(),
            Some(Thing::Signals) => self.signal_turn(slot),
            Some(Thing::Nothing) | None => {}
        }
    }

    /// Room for one read; to be put back.
    fn take_buffer(&mut self) -> Vec<u8> {
        let mut buffer = std::mem::take(&mut self.buffer);
        if buffer.is_empty() {
            buffer = vec![0; self.chunk];
        }
        buffer
    }

    /// Puts something behind a slot.
    fn place(&mut self, slot: Slot, thing: Thing) {
        if slot >= self.things.len() {
            self.things.resize_with(slot + 1, || Thing::Nothing);
        }
        self.things[slot] = thing;
    }

    /// Takes what is behind a slot.
    fn take(&mut self, slot: Slot) -> Thing {
        self.things.get_mut(slot).map_or(Thing::Nothing, |thing| std::mem::replace(thing, Thing::Nothing))
    }

    /// The earliest time at which something is due without an event.
    fn next_deadline(&self) -> Option<Instant> {
        [
            self.timers.peek().map(|Reverse((at, ..))| *at),
            self.dialings.values().filter_map(Dialing::deadline).min(),
            self.accept_deadline(),
            self.feed.deadline(),
            self.handler.as_ref().filter(|_| self.ending.is_running()).and_then(ScriptHandler::deadline),
            self.ending.deadline(),
            self.watch.as_ref().map(Watch::deadline),
        ]
        .into_iter()
        .flatten()
        .min()
    }

    /// Runs everything that is due.
    fn run_timers(&mut self) {
        let now = self.now;
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
        self.feed_timers();
        self.script_timers();
        self.ending_timers();
        self.watch_timers();
    }
}
