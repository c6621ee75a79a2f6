//! `Dials`: the sockets behind the attempts that `net::dial` orders, for the run's own connection and for those a script asks
//! for.
//!
//! Owns connections that are not made yet. What is asked of one meanwhile waits with it and is done first. What becomes of
//! them is told as [`Outcome`]s; who acts on those is not known here.

use std::collections::{HashMap, VecDeque};
use std::net::SocketAddr;
use std::rc::Rc;
use std::time::{Duration, Instant};

use mio::Interest;

use crate::config::{Family, show_duration};
use crate::driver::duties::Duties;
use crate::driver::io::{Io, Source};
use crate::driver::peer::Peer;
use crate::error::{Error, Result, cause};
use crate::net::Transport;
use crate::net::dial::{self, Dial, Resolved};
use crate::net::reactor::Slot;
use crate::net::tcp::{StartError, Tcp};
use crate::session::{ConnId, ConnView};

/// Work on a connection once it stands.
pub(super) type Task = Box<dyn FnOnce(&mut Peer)>;

/// A connection that is wanted.
pub(super) struct Plan {
    /// Its view: it can be sent to at once.
    pub(super) view: Rc<ConnView>,
    /// What messages call the target.
    pub(super) target: String,
    pub(super) host: String,
    pub(super) port: u16,
    /// The host is an address, not a name.
    pub(super) is_address: bool,
    pub(super) family: Family,
    /// The local address to connect from.
    pub(super) source: Option<SocketAddr>,
    /// How long resolving and connecting may take together.
    pub(super) limit: Option<Duration>,
    /// Leave as soon as it stands.
    pub(super) probe: bool,
    pub(super) duties: Duties,
}

/// What became of a connection that was wanted.
pub(super) enum Outcome {
    /// It stands, and has something to be done to it first.
    Connected { slot: Slot, transport: Box<dyn Transport>, view: Rc<ConnView>, duties: Duties, tasks: Vec<Task> },
    /// It stood, and is closed again: nothing else was wanted.
    Probed(SocketAddr),
    /// It cannot be made.
    Failed { view: Rc<ConnView>, duties: Duties, error: Error },
}

/// All connections that are not made yet.
#[derive(Default)]
pub(super) struct Dials {
    dialings: HashMap<ConnId, Dialing>,
    attempts: HashMap<Slot, Attempt>,
    outcomes: VecDeque<Outcome>,
}

/// A connect that is not finished.
struct Dialing {
    plan: Plan,
    /// `None` while the name is being resolved.
    dial: Option<Dial>,
    attempts: Vec<Slot>,
    give_up_at: Option<Instant>,
    tasks: Vec<Task>,
    /// The connection that will be its partner.
    partner: Option<ConnId>,
}

/// One socket on its way.
struct Attempt {
    id: ConnId,
    tcp: Tcp,
    address: SocketAddr,
}

impl Dialing {
    fn deadline(&self) -> Option<Instant> {
        let next = self.dial.as_ref().and_then(Dial::deadline);
        [next, self.give_up_at].into_iter().flatten().min()
    }
}

impl Dials {
    /// Starts to connect; names are resolved on a thread of their own.
    pub(super) fn start(&mut self, io: &mut Io, plan: Plan) {
        let (id, host, port, family) = (plan.view.id, plan.host.clone(), plan.port, plan.family);
        let is_address = plan.is_address;
        let give_up_at = plan.limit.map(|limit| io.now + limit);
        let dialing = Dialing { plan, dial: None, attempts: Vec::new(), give_up_at, tasks: Vec::new(), partner: None };
        self.dialings.insert(id, dialing);
        if is_address {
            let addresses = dial::resolve(&host, port, family);
            self.handle_resolved(io, Resolved { id, addresses });
        } else {
            dial::resolve_in_background(id, host, port, family, &io.reactor.mailbox());
        }
    }

    /// The resolver has answered.
    pub(super) fn handle_resolved(&mut self, io: &mut Io, resolved: Resolved) {
        let Some(dialing) = self.dialings.get_mut(&resolved.id) else { return };
        match resolved.addresses {
            Ok(addresses) => {
                dialing.dial = Some(Dial::new(addresses, io.now));
                self.start_attempts(io, resolved.id);
            }
            Err(cause) => {
                let error = Error::Resolve { host: dialing.plan.host.clone(), cause };
                self.give_up(io, resolved.id, error);
            }
        }
    }

    /// An attempt may have finished. The first one that does wins; the others are dropped.
    pub(super) fn turn(&mut self, io: &mut Io, slot: Slot) {
        let Some(attempt) = self.attempts.get_mut(&slot) else { return };
        let id = attempt.id;
        match attempt.tcp.finish_connect(attempt.address) {
            Ok(None) => {}
            Ok(Some((peer, local))) => self.connected(io, slot, peer, local),
            Err(error) => {
                let Some(mut attempt) = self.attempts.remove(&slot) else { return };
                io.deregister(slot, &mut attempt.tcp);
                if let Some(dialing) = self.dialings.get_mut(&id) {
                    dialing.attempts.retain(|&other| other != slot);
                    if let Some(dial) = &mut dialing.dial {
                        dial.failed(attempt.address, cause(&error), io.now);
                    }
                }
                self.start_attempts(io, id);
            }
        }
    }

    /// The next attempts, or the end of patience, may be due.
    pub(super) fn handle_timeout(&mut self, io: &mut Io) {
        let now = io.now;
        let is_due = |(id, dialing): (&ConnId, &Dialing)| dialing.deadline().filter(|at| *at <= now).map(|_| *id);
        let due: Vec<ConnId> = self.dialings.iter().filter_map(is_due).collect();
        for id in due {
            let Some(dialing) = self.dialings.get(&id) else { continue };
            if dialing.give_up_at.is_some_and(|at| at <= now) {
                let limit = dialing.plan.limit.map(show_duration).unwrap_or_default();
                let what = format!("connect to {}: timed out after {limit}", dialing.plan.target);
                self.give_up(io, id, Error::Timeout { what });
            } else {
                self.start_attempts(io, id);
            }
        }
    }

    /// When the next attempt, or the end of patience, is due.
    pub(super) fn deadline(&self) -> Option<Instant> {
        self.dialings.values().filter_map(Dialing::deadline).min()
    }

    /// The next thing that became of a connection.
    pub(super) fn next_outcome(&mut self) -> Option<Outcome> {
        self.outcomes.pop_front()
    }

    /// Whether no connection is being made, and nothing is left to tell.
    pub(super) fn is_empty(&self) -> bool {
        self.dialings.is_empty() && self.outcomes.is_empty()
    }

    /// Whether this connection is being made.
    pub(super) fn contains(&self, id: ConnId) -> bool {
        self.dialings.contains_key(&id)
    }

    /// The view of a connection that is being made.
    pub(super) fn view(&self, id: ConnId) -> Option<&Rc<ConnView>> {
        self.dialings.get(&id).map(|dialing| &dialing.plan.view)
    }

    /// Works on a connection that is being made once it stands.
    pub(super) fn when_connected(&mut self, id: ConnId, task: impl FnOnce(&mut Peer) + 'static) {
        if let Some(dialing) = self.dialings.get_mut(&id) {
            dialing.tasks.push(Box::new(task));
        }
    }

    /// The partner that a connection that is being made will have.
    pub(super) fn partner_of(&self, id: ConnId) -> Option<ConnId> {
        self.dialings.get(&id)?.partner
    }

    /// A connection that is being made will have this partner.
    pub(super) fn set_partner(&mut self, id: ConnId, partner: Option<ConnId>) {
        if let Some(dialing) = self.dialings.get_mut(&id) {
            dialing.partner = partner;
        }
    }

    /// Stops making a connection. Returns whether it was being made.
    pub(super) fn cancel(&mut self, io: &mut Io, id: ConnId) -> bool {
        self.take(io, id).is_some()
    }

    /// Stops making connections.
    pub(super) fn stop(&mut self, io: &mut Io) {
        let ids: Vec<ConnId> = self.dialings.keys().copied().collect();
        for id in ids {
            self.take(io, id);
        }
    }

    /// Starts every attempt that is due.
    fn start_attempts(&mut self, io: &mut Io, id: ConnId) {
        loop {
            let Some(dialing) = self.dialings.get_mut(&id) else { return };
            let Some(dial) = &mut dialing.dial else { return };
            let Some(address) = dial.next_attempt(io.now) else { break };
            let source = dialing.plan.source.filter(|source| source.is_ipv4() == address.is_ipv4());
            let started = Tcp::start_connect(address, source).and_then(|mut tcp| {
                let slot = io.register(&mut tcp, Interest::READABLE | Interest::WRITABLE, Source::Attempt);
                slot.map(|slot| (tcp, slot)).map_err(StartError::Connect)
            });
            match started {
                Ok((tcp, slot)) => {
                    dialing.attempts.push(slot);
                    self.attempts.insert(slot, Attempt { id, tcp, address });
                }
                Err(StartError::Connect(error)) => dial.failed(address, cause(&error), io.now),
                Err(StartError::Bind(error)) => {
                    let address = source.map(|source| source.to_string()).unwrap_or_default();
                    let error = Error::Bind { operation: "bind to", address, cause: cause(&error) };
                    return self.give_up(io, id, error);
                }
            }
        }
        if let Some(dialing) = self.dialings.get(&id)
            && let Some(dial) = dialing.dial.as_ref().filter(|dial| dial.is_exhausted())
        {
            let error = Error::Connect { target: dialing.plan.target.clone(), cause: dial.cause() };
            self.give_up(io, id, error);
        }
    }

    fn connected(&mut self, io: &mut Io, slot: Slot, peer: SocketAddr, local: SocketAddr) {
        let Some(mut attempt) = self.attempts.remove(&slot) else { return };
        let Some(dialing) = self.take(io, attempt.id) else { return };
        if dialing.plan.probe {
            io.deregister(slot, &mut attempt.tcp);
            self.outcomes.push_back(Outcome::Probed(peer));
            return;
        }
        let Plan { view, duties, .. } = dialing.plan;
        view.connected(peer, local, io.now);
        let transport = Box::new(attempt.tcp);
        self.outcomes.push_back(Outcome::Connected { slot, transport, view, duties, tasks: dialing.tasks });
    }

    fn give_up(&mut self, io: &mut Io, id: ConnId, error: Error) {
        if let Some(Dialing { plan: Plan { view, duties, .. }, .. }) = self.take(io, id) {
            self.outcomes.push_back(Outcome::Failed { view, duties, error });
        }
    }

    /// Takes a connect out, and drops its attempts.
    fn take(&mut self, io: &mut Io, id: ConnId) -> Option<Dialing> {
        let dialing = self.dialings.remove(&id)?;
        for slot in &dialing.attempts {
            if let Some(mut attempt) = self.attempts.remove(slot) {
                io.deregister(*slot, &mut attempt.tcp);
            }
        }
        Some(dialing)
    }
}

/// The address to connect from.
pub(super) fn local_address(host: &str, port: u16, family: Family) -> Result<SocketAddr> {
    let found = dial::resolve(host, port, family);
    let first = found.and_then(|addresses| addresses.first().copied().ok_or_else(|| "it has no address".to_owned()));
    first.map_err(|cause| Error::Resolve { host: host.to_owned(), cause })
}
