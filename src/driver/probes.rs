//! `Probes`: connects to ports that are reached without a proxy, and which state of the port they show.
//!
//! Owns their sockets, their time limits and the order in which the addresses of a host are tried. Which port is tried when
//! is for `scan`.

use std::cmp::Reverse;
use std::collections::{BinaryHeap, HashMap};
use std::io;
use std::net::SocketAddr;
use std::rc::Rc;
use std::time::{Duration, Instant};

use mio::Interest;

use crate::config::scan::PortState;
use crate::driver::io::{Io, Source};
use crate::error::Error;
use crate::net::dial::ATTEMPT_DELAY;
use crate::net::reactor::Slot;
use crate::net::{Connecting, Ends, StartError};

/// How long a connect waits after descriptors or local ports ran out.
pub(super) const SHORTAGE_PAUSE: Duration = Duration::from_millis(20);
/// Maximum number of sockets kept for further connects.
const MOST_IDLE: usize = 16;

/// Where one port is: the addresses of its host, with that port.
#[derive(Clone)]
pub(super) struct Place {
    /// The number of the port within the scan.
    pub(super) index: usize,
    pub(super) addresses: Rc<[SocketAddr]>,
    pub(super) port: u16,
}

/// All connects that are in progress.
pub(super) struct Probes {
    limit: Duration,
    /// Ports without an answer, by number.
    trials: HashMap<usize, Trial>,
    running: HashMap<Slot, (usize, Socket)>,
    /// When a port is given up or its next address is due, by number; may name ports that are decided meanwhile.
    timers: BinaryHeap<Reverse<(Instant, usize)>>,
    /// Sockets that were refused, which can be connected again.
    idle: Vec<Socket>,
}

/// A socket, and the family of addresses that it can be connected to.
struct Socket {
    connecting: Box<dyn Connecting>,
    is_v6: bool,
}

/// A port that is tried.
struct Trial {
    place: Place,
    /// The next address, and when it is due.
    next: usize,
    next_at: Instant,
    until: Instant,
    slots: Vec<Slot>,
    so_far: Option<PortState>,
}

/// What one connect shows before any event.
enum Begun {
    Known(PortState),
    Waits(Slot),
}

impl Probes {
    /// `limit`: how long one port may take, with all addresses of its host.
    pub(super) fn new(limit: Duration) -> Self {
        Self { limit, trials: HashMap::new(), running: HashMap::new(), timers: BinaryHeap::new(), idle: Vec::new() }
    }

    /// How many connects are in progress.
    pub(super) fn running(&self) -> usize {
        self.running.len()
    }

    /// Tries a port. Returns its state if that is known at once, as on this machine.
    ///
    /// # Errors
    /// Descriptors or local ports ran out: begin it again later.
    pub(super) fn begin(&mut self, io: &mut Io, place: Place) -> io::Result<Option<PortState>> {
        let mut so_far = None;
        for next in 0..place.addresses.len() {
            match self.connect(io, &place, next)? {
                Begun::Known(PortState::Open) => return Ok(Some(PortState::Open)),
                Begun::Known(state) => so_far = Some(clearer(so_far, state)),
                Begun::Waits(slot) => {
                    let (index, until) = (place.index, io.now + self.limit);
                    let next_at = io.now + ATTEMPT_DELAY;
                    let next = next + 1;
                    if next < place.addresses.len() {
                        self.timers.push(Reverse((next_at, index)));
                    }
                    self.timers.push(Reverse((until, index)));
                    self.trials.insert(index, Trial { place, next, next_at, until, slots: vec![slot], so_far });
                    return Ok(None);
                }
            }
        }
        Ok(Some(so_far.unwrap_or(PortState::Filtered)))
    }

    /// Handles an event of a connect. Returns the number and the state of the port if it is decided.
    pub(super) fn turn(&mut self, io: &mut Io, slot: Slot) -> Option<(usize, PortState)> {
        let (index, socket) = self.running.get_mut(&slot)?;
        let (index, state) = (*index, state_of(socket.connecting.finish())?);
        if state == PortState::Open {
            return self.decide(io, index, state);
        }
        let socket = self.release(io, slot)?;
        self.keep(socket);
        let trial = self.trials.get_mut(&index)?;
        trial.slots.retain(|running| *running != slot);
        trial.so_far = Some(clearer(trial.so_far, state));
        self.go_on(io, index)
    }

    /// Gives up ports whose time is over, and tries further addresses of others. Returns the ports that are decided.
    pub(super) fn expire(&mut self, io: &mut Io) -> Vec<(usize, PortState)> {
        let mut decided = Vec::new();
        while let Some(Reverse((_, index))) = self.timers.peek().copied().filter(|Reverse((at, _))| *at <= io.now) {
            self.timers.pop();
            let Some(trial) = self.trials.get(&index) else { continue };
            if trial.until <= io.now {
                let state = clearer(trial.so_far, PortState::Filtered);
                decided.extend(self.decide(io, index, state));
            } else if trial.next_at <= io.now {
                decided.extend(self.go_on(io, index));
            }
        }
        decided
    }

    /// When something is due without an event.
    pub(super) fn deadline(&self) -> Option<Instant> {
        self.timers.peek().map(|Reverse((at, _))| *at)
    }

    /// Lets all sockets go.
    pub(super) fn stop(&mut self, io: &mut Io) {
        for slot in self.running.keys().copied().collect::<Vec<_>>() {
            drop(self.release(io, slot));
        }
        self.trials.clear();
        self.timers.clear();
        self.idle.clear();
    }

    /// Tries the next addresses of a port until one of them has to be awaited.
    fn go_on(&mut self, io: &mut Io, index: usize) -> Option<(usize, PortState)> {
        loop {
            let trial = self.trials.get_mut(&index)?;
            if trial.next == trial.place.addresses.len() {
                let state = trial.so_far.filter(|_| trial.slots.is_empty())?;
                return self.decide(io, index, state);
            }
            let (place, next) = (trial.place.clone(), trial.next);
            let begun = self.connect(io, &place, next);
            let trial = self.trials.get_mut(&index)?;
            match begun {
                Ok(Begun::Known(PortState::Open)) => return self.decide(io, index, PortState::Open),
                Ok(Begun::Known(state)) => trial.so_far = Some(clearer(trial.so_far, state)),
                Ok(Begun::Waits(slot)) => {
                    trial.slots.push(slot);
                    trial.next_at = io.now + ATTEMPT_DELAY;
                    self.timers.push(Reverse((trial.next_at, index)));
                    trial.next += 1;
                    return None;
                }
                Err(_) => {
                    trial.next_at = io.now + SHORTAGE_PAUSE;
                    self.timers.push(Reverse((trial.next_at, index)));
                    return None;
                }
            }
            trial.next += 1;
        }
    }

    /// Connects to one address of a port.
    ///
    /// # Errors
    /// Descriptors or local ports ran out.
    fn connect(&mut self, io: &mut Io, place: &Place, number: usize) -> io::Result<Begun> {
        let mut target = place.addresses[number];
        target.set_port(place.port);
        let mut socket = match self.start(io, target) {
            Ok(socket) => socket,
            Err(error) if is_shortage(&error) => return Err(error),
            Err(error) => return Ok(Begun::Known(state_of_error(&error))),
        };
        // On this machine it is decided at once.
        if let Some(state) = state_of(socket.connecting.finish()) {
            if state != PortState::Open {
                self.keep(socket);
            }
            return Ok(Begun::Known(state));
        }
        let slot = io.register(&mut *socket.connecting, Interest::READABLE | Interest::WRITABLE, Source::Port)?;
        self.running.insert(slot, (place.index, socket));
        Ok(Begun::Waits(slot))
    }

    /// Starts a connect, on a socket that was refused before if there is one.
    fn start(&mut self, io: &Io, target: SocketAddr) -> io::Result<Socket> {
        let is_v6 = target.is_ipv6();
        if let Some(at) = self.idle.iter().position(|socket| socket.is_v6 == is_v6) {
            let mut socket = self.idle.swap_remove(at);
            if let Some(started) = socket.connecting.connect_to(target) {
                return started.map(|()| socket);
            }
        }
        match io.network.probe(target) {
            Ok(connecting) => Ok(Socket { connecting, is_v6 }),
            Err(StartError::Connect(error) | StartError::Bind(error) | StartError::Option(error)) => Err(error),
            Err(StartError::Busy) => Err(io::ErrorKind::WouldBlock.into()),
        }
    }

    /// Ends what is in progress for a port.
    fn decide(&mut self, io: &mut Io, index: usize, state: PortState) -> Option<(usize, PortState)> {
        for slot in self.trials.remove(&index)?.slots {
            drop(self.release(io, slot));
        }
        Some((index, state))
    }

    fn release(&mut self, io: &mut Io, slot: Slot) -> Option<Socket> {
        let (_, mut socket) = self.running.remove(&slot)?;
        io.deregister(slot, &mut *socket.connecting);
        Some(socket)
    }

    fn keep(&mut self, socket: Socket) {
        if self.idle.len() < MOST_IDLE {
            self.idle.push(socket);
        }
    }
}

/// Whether descriptors or local ports ran out.
pub(super) fn is_shortage(error: &io::Error) -> bool {
    error.kind() == io::ErrorKind::AddrNotAvailable || Error::shortage(error).is_some()
}

/// The state of a port of which two addresses were tried: that of a host which has answered.
fn clearer(one: Option<PortState>, other: PortState) -> PortState {
    if one == Some(PortState::Closed) { PortState::Closed } else { other }
}

/// What a connect says of its port, once it is over.
fn state_of(outcome: io::Result<Option<Ends>>) -> Option<PortState> {
    match outcome {
        Ok(None) => None,
        Ok(Some(_)) => Some(PortState::Open),
        Err(error) => Some(state_of_error(&error)),
    }
}

/// What an error of connecting says of the port.
fn state_of_error(error: &io::Error) -> PortState {
    match error.kind() {
        io::ErrorKind::ConnectionRefused | io::ErrorKind::ConnectionReset => PortState::Closed,
        // A socket that was connected to itself: nobody listens there.
        _ if error.raw_os_error().is_none() => PortState::Closed,
        _ => PortState::Filtered,
    }
}
