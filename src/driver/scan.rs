//! `Scan`: the ports that are tried, hundreds at a time, and what became of each.
//!
//! Owns which port is tried next and the order of the result. Those that are reached without a proxy are tried by `probes`.
//! Those behind proxies are connections like others: `scanning` has them made, and notes their outcome here.

use std::collections::HashMap;
use std::io;
use std::net::SocketAddr;
use std::rc::Rc;
use std::time::{Duration, Instant};

use crate::config::scan::{PortState, Scan as Wanted};
use crate::driver::io::Io;
use crate::driver::probes::{Place, Probes, SHORTAGE_PAUSE, is_shortage};
use crate::error::Error;
use crate::net::reactor::Slot;
use crate::output::ports::Ports;
use crate::session::ConnId;

/// Most ports that are tried at the same time.
const MOST: usize = 1024;
/// Ports that are tried at the same time where descriptors are short.
const FEWEST: usize = 16;
/// Ports that are begun in one go, before others have their turns.
const BATCH: usize = 512;

/// The ports of a run of `tcpx scan`.
pub(super) struct Scan {
    wanted: Wanted,
    /// Where each host is, once that is known.
    addresses: Vec<Option<Rc<[SocketAddr]>>>,
    /// What is known of each port, host by host.
    states: Vec<Option<PortState>>,
    /// The next port to be begun, and those to be begun again.
    next: usize,
    again: Vec<usize>,
    /// Most at the same time.
    most: usize,
    /// Nothing is begun before.
    pause_until: Option<Instant>,
    probes: Probes,
    /// Those behind proxies.
    connections: HashMap<ConnId, usize>,
    ports: Ports,
    /// Ports before this one were given out.
    told: usize,
    open: usize,
    /// Neither open nor closed, and why for the first.
    fault: Option<Error>,
    refused: usize,
    is_over: bool,
}

/// A port to be tried.
pub(super) struct NextPort {
    pub(super) index: usize,
    pub(super) host: String,
    pub(super) port: u16,
}

impl Scan {
    /// `descriptors`: how many this process may have.
    pub(super) fn new(wanted: Wanted, descriptors: Option<u64>) -> Self {
        let total = wanted.hosts.len() * wanted.ports.len();
        // Some are for everything else.
        let most = descriptors.map_or(MOST, |all| usize::try_from(all.saturating_sub(32) / 2).unwrap_or(MOST));
        Self {
            addresses: vec![None; wanted.hosts.len()],
            states: vec![None; total],
            next: 0,
            again: Vec::new(),
            most: most.clamp(1, MOST),
            pause_until: None,
            probes: Probes::new(wanted.limit),
            connections: HashMap::new(),
            ports: Ports::new(wanted.json, wanted.all, wanted.hosts.len() > 1),
            told: 0,
            open: 0,
            fault: None,
            refused: 0,
            is_over: false,
            wanted,
        }
    }

    /// The time limit of one port.
    pub(super) fn limit(&self) -> Duration {
        self.wanted.limit
    }

    /// The hosts, as given.
    pub(super) fn hosts(&self) -> &[String] {
        &self.wanted.hosts
    }

    /// Notes where a host is.
    pub(super) fn set_addresses(&mut self, host: usize, addresses: &[SocketAddr]) {
        if let Some(known) = self.addresses.get_mut(host) {
            *known = Some(addresses.into());
        }
    }

    // ---- without a proxy ------------------------------------------------------------------------------

    /// Begins ports for which there is room, up to a batch.
    ///
    /// # Errors
    /// There are no descriptors at all.
    pub(super) fn begin_some(&mut self, io: &mut Io) -> Result<(), Error> {
        if self.pause_until.take_if(|until| *until <= io.now).is_none() && self.pause_until.is_some() {
            return Ok(());
        }
        for _ in 0..BATCH {
            let running = self.probes.running();
            if running >= self.most {
                break;
            }
            let Some(place) = self.take_reachable() else { break };
            let index = place.index;
            match self.probes.begin(io, place) {
                Ok(state) => state.into_iter().for_each(|state| self.note(index, state)),
                Err(error) if is_shortage(&error) && (running > 0 || error.kind() == ADDRESSES) => {
                    // Those that end make room.
                    self.again.push(index);
                    self.most = running.max(FEWEST);
                    self.pause_until = Some(io.now + SHORTAGE_PAUSE);
                    break;
                }
                Err(error) => match Error::shortage(&error) {
                    Some(error) => return Err(error),
                    None => self.note(index, PortState::Filtered),
                },
            }
        }
        Ok(())
    }

    /// Handles an event of a port.
    pub(super) fn turn(&mut self, io: &mut Io, slot: Slot) {
        if let Some((index, state)) = self.probes.turn(io, slot) {
            self.note(index, state);
        }
    }

    /// Gives up ports whose time is over.
    pub(super) fn expire(&mut self, io: &mut Io) {
        for (index, state) in self.probes.expire(io) {
            self.note(index, state);
        }
    }

    /// When something is due without an event.
    pub(super) fn deadline(&self, now: Instant) -> Option<Instant> {
        let has_room = self.has_reachable() && self.probes.running() < self.most;
        let begins = has_room.then(|| self.pause_until.unwrap_or(now));
        [begins, self.probes.deadline()].into_iter().flatten().min()
    }

    fn has_reachable(&self) -> bool {
        !self.again.is_empty() || self.place_of(self.next).is_some()
    }

    fn take_reachable(&mut self) -> Option<Place> {
        let index = self.again.pop().unwrap_or(self.next);
        let place = self.place_of(index)?;
        self.next = self.next.max(index + 1);
        Some(place)
    }

    /// Where a port is; `None`: there is no such port, or its host is not known yet.
    fn place_of(&self, index: usize) -> Option<Place> {
        self.states.get(index)?;
        let count = self.wanted.ports.len();
        let addresses = Rc::clone(self.addresses.get(index / count)?.as_ref()?);
        Some(Place { index, addresses, port: self.wanted.ports[index % count] })
    }

    // ---- behind proxies -------------------------------------------------------------------------------

    /// The next port that is to be connected to, if there is room.
    pub(super) fn next_port(&mut self) -> Option<NextPort> {
        if self.connections.len() >= self.most || self.next >= self.states.len() {
            return None;
        }
        let index = self.next;
        self.next += 1;
        let (host, port) = self.place(index);
        Some(NextPort { index, host: host.to_owned(), port })
    }

    /// A connection is being made to a port.
    pub(super) fn note_connection(&mut self, id: ConnId, index: usize) {
        self.connections.insert(id, index);
    }

    /// Notes what became of a connection. `fault`: why, where that may be the proxy's own trouble.
    pub(super) fn note_outcome(&mut self, id: ConnId, state: PortState, fault: Option<Error>) {
        if let Some(index) = self.connections.remove(&id) {
            if self.fault.is_none() {
                self.fault = fault;
            }
            self.note(index, state);
        }
    }

    // ---- the result -----------------------------------------------------------------------------------

    /// What can be written by now: every port below the first that is not known yet.
    pub(super) fn take_lines(&mut self) -> Vec<u8> {
        let mut out = Vec::new();
        while let Some(state) = self.states.get(self.told).copied().flatten() {
            self.tell(self.told, state, &mut out);
            self.told += 1;
        }
        out
    }

    /// The rest of what is known, and the end; once.
    pub(super) fn take_rest(&mut self) -> Vec<u8> {
        if std::mem::replace(&mut self.is_over, true) {
            return Vec::new();
        }
        let mut out = Vec::new();
        for index in self.told..self.states.len() {
            if let Some(state) = self.states[index] {
                self.tell(index, state, &mut out);
            }
        }
        self.told = self.states.len();
        self.ports.end(&mut out);
        out
    }

    /// Whether every port is known.
    pub(super) fn is_complete(&self) -> bool {
        self.told == self.states.len()
    }

    /// Whether the result was written.
    pub(super) fn is_over(&self) -> bool {
        self.is_over
    }

    /// Why the answer is no, if it is.
    pub(super) fn verdict(&mut self) -> Option<Error> {
        if self.open > 0 {
            return None;
        }
        if let Some(fault) = self.fault.take().filter(|_| self.refused == 0) {
            return Some(fault);
        }
        let count = self.states.len();
        let ports =
            if count == 1 { "the port is not open".to_owned() } else { format!("none of {count} ports is open") };
        Some(Error::Verdict { message: format!("scan of {}: {ports}", self.wanted.hosts.join(", ")) })
    }

    /// Lets all sockets go.
    pub(super) fn stop(&mut self, io: &mut Io) {
        self.probes.stop(io);
        (self.next, self.again) = (self.states.len(), Vec::new());
    }

    fn place(&self, index: usize) -> (&str, u16) {
        let count = self.wanted.ports.len();
        (&self.wanted.hosts[index / count], self.wanted.ports[index % count])
    }

    fn tell(&mut self, index: usize, state: PortState, out: &mut Vec<u8>) {
        let count = self.wanted.ports.len();
        self.ports.port(&self.wanted.hosts[index / count], self.wanted.ports[index % count], state, out);
    }

    fn note(&mut self, index: usize, state: PortState) {
        self.states[index] = Some(state);
        match state {
            PortState::Open => self.open += 1,
            PortState::Closed => self.refused += 1,
            PortState::Filtered | PortState::Unknown => {}
        }
    }
}

/// No local port is left.
const ADDRESSES: io::ErrorKind = io::ErrorKind::AddrNotAvailable;
