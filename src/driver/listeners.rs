//! `Listeners`: the run's own listening socket and those of a script: accept limits, and the pause when descriptors run out.
//!
//! Owns the sockets and the names being resolved for them. Returns `ListenOutcome`s; does not decide what happens to a
//! client.

use std::cell::{Cell, RefCell};
use std::collections::HashMap;
use std::io;
use std::net::SocketAddr;
use std::rc::Rc;
use std::sync::Arc;
use std::time::{Duration, Instant};

use mio::Interest;

use crate::config::{Access, Family, show_duration};
use crate::driver::budgets::Turn;
use crate::driver::io::{Io, Source};
use crate::driver::plan::{Defaults, Duties, Lookup, Plan, Wishes};
use crate::driver::securing::Security;
use crate::driver::world::Network;
use crate::endpoint::{Address, Endpoint};
use crate::error::{Error, Result, cause};
use crate::net::dial::Request;
use crate::net::listener::Options;
use crate::net::reactor::Slot;
use crate::net::{Accepted, Ends, Listening, Transport};
use crate::output::Notice;
use crate::script::Binder;
use crate::session::{BySlot, ListenerId};

/// Pause after running out of descriptors; no event says when some are free again.
const RETRY: Duration = Duration::from_millis(100);

/// All listeners of a run. `None` in the place of a number is the run's own.
#[derive(Default)]
pub(super) struct Listeners {
    acceptors: BySlot<Acceptor>,
    /// Sockets that accept nobody any more, and whose connections still receive by way of them.
    retired: BySlot<Box<dyn Listening>>,
    own: Option<Slot>,
    /// Slots of the listeners of a script.
    slots: HashMap<ListenerId, Slot>,
    /// Plans of listeners whose name is being resolved.
    resolving: HashMap<Option<ListenerId>, Plan>,
    /// Listeners that a script has opened since the last [`Listeners::adopt`].
    fresh: Rc<RefCell<Vec<Fresh>>>,
    /// The last listener that the start of the script has asked for.
    last_of_start: ListenerId,
    /// Clients that listeners which accept on demand may take once they are bound.
    allowances: HashMap<ListenerId, usize>,
    /// Total number of clients that the run's own accepts (`--accept`).
    accept: Option<u64>,
    /// How long the run's own waits for its first client, and until when that is.
    accept_limit: Option<Duration>,
    give_up_at: Option<Instant>,
    accepted: u64,
    /// Which clients are taken, and how many were not.
    access: Access,
    /// The most clients of the run's own at a time, if further ones are disconnected.
    limit: Option<usize>,
    refused: u64,
    /// Those who are refused get FIN, not RST.
    refuses_in_order: bool,
    /// Datagrams that were lost on sockets that are closed.
    lost: u64,
}

/// Outcome of a listener.
pub(super) enum ListenOutcome {
    /// The run's own is bound, or one whose name was resolved.
    Bound { listener: Option<ListenerId>, address: Address },
    /// A client was accepted and registered at this slot.
    Accepted {
        slot: Slot,
        transport: Box<dyn Transport>,
        ends: Ends,
        listener: Option<ListenerId>,
        nodelay: bool,
        duties: Duties,
        security: Option<Rc<Security>>,
    },
    /// It cannot be bound.
    Failed { listener: Option<ListenerId>, error: Error },
    /// It is broken.
    Broken { error: Error },
}

/// A listening socket.
struct Acceptor {
    id: Option<ListenerId>,
    listening: Box<dyn Listening>,
    nodelay: bool,
    duties: Duties,
    security: Option<Rc<Security>>,
    /// Clients that it may still accept; `None`: any number.
    allowance: Option<usize>,
    retry_at: Option<Instant>,
    /// The current shortage of descriptors was reported.
    told: bool,
}

/// A listener that a script has just opened; not bound yet if it is on a name.
struct Fresh {
    id: ListenerId,
    plan: Plan,
    on_demand: bool,
    listening: Option<Box<dyn Listening>>,
}

impl Listeners {
    /// Without listeners. `accept`: total number of clients of the run's own; `limit`: how long it waits for the first.
    pub(super) fn new(accept: Option<u64>, limit: Option<Duration>) -> Self {
        Self { accept, accept_limit: limit, ..Self::default() }
    }

    /// The same where not every client is taken.
    pub(super) fn with_access(self, access: Access) -> Self {
        Self { access, ..self }
    }

    /// The same where clients beyond so many at a time are disconnected, and do not wait.
    pub(super) fn with_limit(self, limit: Option<usize>) -> Self {
        Self { limit, ..self }
    }

    /// The same where those who are not taken get FIN, not RST.
    pub(super) fn in_order(self, is_so: bool) -> Self {
        Self { refuses_in_order: is_so, ..self }
    }

    /// Number of clients that were not taken.
    pub(super) fn refused(&self) -> u64 {
        self.refused
    }

    /// Datagrams that were lost because a queue was full, and that no connection has counted.
    pub(super) fn lost(&self) -> u64 {
        let open = self.acceptors.values().map(|acceptor| &acceptor.listening).chain(self.retired.values());
        self.lost + open.map(|listening| listening.lost()).sum::<u64>()
    }

    /// The function that binds for a script, at once because the port has to be known, unless a name has to be resolved.
    pub(super) fn binder(&self, network: Rc<dyn Network>, defaults: Defaults) -> Binder {
        let fresh = Rc::clone(&self.fresh);
        let last_id = Cell::new(0);
        Box::new(move |endpoint: &Endpoint, on_demand: bool| {
            let plan = Plan::new(defaults.clone(), endpoint.clone(), Wishes::default());
            let listening = match plan.places() {
                Ok(Lookup::Known(places)) => Some(bind(&*network, &plan, &places)?),
                // Told where every name that does not resolve is told.
                Err(_) if plan.no_dns && endpoint.name_to_resolve().is_some() => None,
                Ok(Lookup::Name(..)) => None,
                Err(error) => return Err(error),
            };
            let id = last_id.get() + 1;
            last_id.set(id);
            let address = listening.as_ref().map(|listening| listening.address());
            fresh.borrow_mut().push(Fresh { id, plan, on_demand, listening });
            Ok((id, address))
        })
    }

    /// Starts the run's own listener: binds it, or has its name resolved.
    pub(super) fn start(&mut self, io: &mut Io, plan: Plan) -> Vec<ListenOutcome> {
        self.open(io, None, plan)
    }

    /// Notes that the start of the script is over.
    pub(super) fn note_start(&mut self) {
        self.last_of_start = self.fresh.borrow().last().map_or(0, |fresh| fresh.id);
    }

    /// Whether the start of the script has asked for a listener.
    pub(super) fn is_of_start(&self, listener: ListenerId) -> bool {
        listener <= self.last_of_start
    }

    /// Whether [`Listeners::adopt`] has something to do.
    pub(super) fn has_fresh(&self) -> bool {
        !self.fresh.borrow().is_empty()
    }

    /// Registers the listeners that a script has opened since the last call.
    pub(super) fn adopt(&mut self, io: &mut Io) -> Vec<ListenOutcome> {
        let mut outcomes = Vec::new();
        for Fresh { id, plan, on_demand, listening } in self.fresh.take() {
            if on_demand {
                self.allowances.insert(id, 0);
            }
            match listening {
                Some(listening) => {
                    io.notify(&Notice::Listening { address: &listening.address(), listener: Some(id) });
                    outcomes.extend(self.watch(io, Some(id), &plan, listening));
                }
                None => outcomes.extend(self.open(io, Some(id), plan)),
            }
        }
        outcomes
    }

    /// Handles the answer of the resolver.
    pub(super) fn resolved(
        &mut self,
        io: &mut Io,
        listener: Option<ListenerId>,
        addresses: std::result::Result<Vec<SocketAddr>, String>,
    ) -> Vec<ListenOutcome> {
        let Some(plan) = self.resolving.remove(&listener) else { return Vec::new() };
        match addresses {
            Ok(places) => self.bind(io, listener, &plan, &plan.addresses(places)),
            Err(cause) => {
                let host = plan.target.host().unwrap_or_default().to_owned();
                vec![ListenOutcome::Failed { listener, error: Error::unresolved(host, cause) }]
            }
        }
    }

    /// Accepts waiting clients of one listener; at most `room` if it is the run's own. Adds what comes of it to `outcomes`.
    pub(super) fn turn(&mut self, io: &mut Io, slot: Slot, room: usize, outcomes: &mut Vec<ListenOutcome>) -> Turn {
        if let Some(listening) = self.retired.get_mut(&slot) {
            return deliver(io, slot, &mut **listening);
        }
        let Some(acceptor) = self.acceptors.get_mut(&slot) else { return Turn::Done };
        let is_own = acceptor.id.is_none();
        let is_shared = acceptor.listening.is_shared();
        if is_shared {
            begin(io, slot, &mut *acceptor.listening);
        }
        let is_denied = |ends: &Ends| ends.peer.ip().is_some_and(|peer| !self.access.admits(peer.ip()));
        let mut taken = 0;
        for turn in 0.. {
            // Peers of datagrams beyond the room take the place of others.
            let is_full = is_own && taken >= room;
            let refuses = is_full && self.limit.is_some();
            if (is_full && !refuses && !is_shared) || acceptor.retry_at.is_some() {
                break;
            }
            if turn == io.budgets.accepts {
                return Turn::Again;
            }
            let accepted = match acceptor.allowance {
                Some(0) if is_shared => acceptor.listening.deliver(),
                Some(0) => break,
                _ => acceptor.listening.accept(),
            };
            match accepted {
                Accepted::Delivered(slot) => wake_reader(io, slot),
                Accepted::Peer(mut transport, ends) if refuses || is_denied(&ends) => {
                    self.refused += 1;
                    if self.refuses_in_order {
                        transport.end_by_reset(false);
                    }
                    let limit = self.limit.filter(|_| !is_denied(&ends));
                    let Ends { peer, local } = &ends;
                    io.notify(&Notice::Refused { peer, local, listener: acceptor.id, limit });
                }
                Accepted::Peer(transport, ends) => {
                    taken += 1;
                    outcomes.extend(acceptor.take_in(io, transport, ends));
                    self.accepted += u64::from(is_own);
                    if is_own {
                        self.give_up_at = None;
                    }
                    if let Some(left) = &mut acceptor.allowance {
                        *left -= 1;
                    }
                    if is_own && self.accept.is_some_and(|all| self.accepted >= all) {
                        self.drop_acceptor(io, slot);
                        break;
                    }
                }
                Accepted::None => {
                    // The queue is empty: a later shortage is reported again.
                    acceptor.told = false;
                    io.reactor.readiness(slot).readable = false;
                    break;
                }
                Accepted::TryNext => {}
                Accepted::Exhausted(_) if io.splice_pool.close_kept() => {}
                Accepted::Exhausted(error) => {
                    acceptor.retry_at = Some(io.now + RETRY);
                    if !std::mem::replace(&mut acceptor.told, true) {
                        let (address, cause) = (acceptor.listening.address(), cause(&error));
                        io.notify(&Notice::AcceptPaused { address: &address, cause: &cause });
                    }
                    break;
                }
                Accepted::Failed(error) => {
                    let address = acceptor.listening.address().to_string();
                    let error = Error::Bind { operation: "accept on", address, place: None, cause: cause(&error) };
                    outcomes.push(ListenOutcome::Broken { error });
                    self.drop_acceptor(io, slot);
                    break;
                }
            }
        }
        // What has come to a socket that has just accepted its last peer is delivered: if its queue is full, no event will tell.
        self.retired.contains_key(&slot).into()
    }

    /// Lets a listener that accepts on demand take so many clients more; `None`: every one from now on.
    pub(super) fn allow(&mut self, io: &mut Io, id: ListenerId, more: Option<usize>) {
        let Some(&slot) = self.slots.get(&id) else {
            match (self.allowances.get_mut(&id), more) {
                (Some(left), Some(more)) => *left += more,
                (Some(_), None) => drop(self.allowances.remove(&id)),
                (None, _) => {}
            }
            return;
        };
        let Some(acceptor) = self.acceptors.get_mut(&slot) else { return };
        acceptor.allowance = acceptor.allowance.zip(more).map(|(left, more)| left + more);
        if io.reactor.readiness(slot).readable || acceptor.listening.has_waiting() {
            io.reactor.wake(slot);
        }
    }

    /// Clients of a script's listener speak TLS from their start.
    pub(super) fn secure(&mut self, id: ListenerId, security: &Rc<Security>) {
        if let Some(acceptor) = self.slots.get(&id).and_then(|slot| self.acceptors.get_mut(slot)) {
            acceptor.security = Some(Rc::clone(security));
        }
        if let Some(plan) = self.resolving.get_mut(&Some(id)) {
            plan.wishes.security = Some(Rc::clone(security));
        }
    }

    /// Closes a listener that a script opened.
    pub(super) fn close(&mut self, io: &mut Io, id: ListenerId) {
        self.fresh.borrow_mut().retain(|fresh| fresh.id != id);
        if self.resolving.remove(&Some(id)).is_some() {
            io.network.forget(Request::Listen(Some(id)));
        }
        if let Some(&slot) = self.slots.get(&id) {
            self.drop_acceptor(io, slot);
        }
    }

    /// Closes all listeners; waiting clients are refused.
    pub(super) fn stop(&mut self, io: &mut Io) {
        self.fresh.borrow_mut().clear();
        for (listener, _) in self.resolving.drain() {
            io.network.forget(Request::Listen(listener));
        }
        let slots: Vec<Slot> = self.acceptors.keys().copied().collect();
        for slot in slots {
            self.drop_acceptor(io, slot);
        }
    }

    /// Whether clients may still come: by the run's own listener, or by a script's unless the run's own has accepted
    /// its total.
    pub(super) fn is_listening(&self) -> bool {
        let is_full = self.accept.is_some_and(|all| self.accepted >= all);
        let has_more = !self.slots.is_empty() || !self.resolving.is_empty();
        self.own.is_some() || self.is_resolving() || (has_more && !is_full)
    }

    /// Whether the name of the run's own listener is being resolved.
    pub(super) fn is_resolving(&self) -> bool {
        self.resolving.contains_key(&None)
    }

    /// Gives the run's own listener a turn, after a client has left room for another.
    pub(super) fn wake(&mut self, io: &mut Io) {
        self.retired.retain(|slot, listening| {
            let is_in_use = listening.is_in_use();
            if !is_in_use {
                self.lost += listening.lost();
                io.deregister(*slot, &mut **listening);
            }
            is_in_use
        });
        if let Some(slot) = self.own
            && io.reactor.readiness(slot).readable
        {
            io.reactor.wake(slot);
        }
    }

    /// When accepting is tried again without an event.
    pub(super) fn deadline(&self) -> Option<Instant> {
        self.acceptors.values().filter_map(|acceptor| acceptor.retry_at).chain(self.give_up_at).min()
    }

    /// Accepting may be tried again. Returns an error if the run's own has waited long enough for its first client.
    pub(super) fn handle_timeout(&mut self, io: &mut Io) -> Option<Error> {
        for (&slot, acceptor) in &mut self.acceptors {
            if acceptor.retry_at.is_some_and(|at| at <= io.now) {
                acceptor.retry_at = None;
                io.reactor.wake(slot);
            }
        }
        self.give_up_at.take_if(|at| *at <= io.now)?;
        let (address, limit) = (self.address()?, show_duration(self.accept_limit?));
        Some(Error::Timeout { what: format!("accept on {address}: no client in {limit}") })
    }

    /// The address of the run's own listener, once it is bound.
    pub(super) fn address(&self) -> Option<Address> {
        Some(self.acceptors.get(&self.own?)?.listening.address())
    }

    fn open(&mut self, io: &mut Io, listener: Option<ListenerId>, plan: Plan) -> Vec<ListenOutcome> {
        match plan.places() {
            Ok(Lookup::Known(places)) => self.bind(io, listener, &plan, &places),
            Ok(Lookup::Name(host, port)) => {
                let mailbox = io.reactor.mailbox();
                io.network.resolve(Request::Listen(listener), host, port, plan.family, &mailbox);
                self.resolving.insert(listener, plan);
                Vec::new()
            }
            Err(error) => vec![ListenOutcome::Failed { listener, error }],
        }
    }

    fn bind(
        &mut self,
        io: &mut Io,
        listener: Option<ListenerId>,
        plan: &Plan,
        places: &[Address],
    ) -> Vec<ListenOutcome> {
        match bind(&*io.network, plan, places) {
            Ok(listening) => {
                let address = listening.address();
                if listener.is_none() && address.ip().is_none() && !self.access.is_open() {
                    let message = format!("--allow and --deny are about IP addresses, and {address} has none");
                    let error = Error::usage_hint(message, "leave them out");
                    return vec![ListenOutcome::Failed { listener, error }];
                }
                let failed = self.watch(io, listener, plan, listening);
                vec![failed.unwrap_or(ListenOutcome::Bound { listener, address })]
            }
            Err(error) => vec![ListenOutcome::Failed { listener, error }],
        }
    }

    fn watch(
        &mut self,
        io: &mut Io,
        id: Option<ListenerId>,
        plan: &Plan,
        mut listening: Box<dyn Listening>,
    ) -> Option<ListenOutcome> {
        let slot = match io.register(&mut *listening, Interest::READABLE, Source::Listener) {
            Ok(slot) => slot,
            Err(error) => {
                return Some(ListenOutcome::Failed { listener: id, error: cannot_listen(&plan.target, &error) });
            }
        };
        io.reactor.set_accepts(slot);
        let (nodelay, duties) = (plan.nodelay, plan.wishes.duties);
        let allowance = id.and_then(|id| self.allowances.remove(&id));
        let security = plan.wishes.security.clone();
        let acceptor = Acceptor { id, listening, nodelay, duties, security, allowance, retry_at: None, told: false };
        self.acceptors.insert(slot, acceptor);
        match id {
            None => {
                self.own = Some(slot);
                self.give_up_at = self.accept_limit.map(|limit| io.now + limit);
            }
            Some(id) => drop(self.slots.insert(id, slot)),
        }
        None
    }

    fn drop_acceptor(&mut self, io: &mut Io, slot: Slot) {
        let Some(mut acceptor) = self.acceptors.remove(&slot) else { return };
        match acceptor.id {
            None => self.own = None,
            Some(id) => drop(self.slots.remove(&id)),
        }
        if acceptor.listening.retire() {
            self.retired.insert(slot, acceptor.listening);
        } else {
            self.lost += acceptor.listening.lost();
            io.deregister(slot, &mut *acceptor.listening);
        }
    }
}

/// Receives for the connections of a socket that accepts nobody any more.
fn deliver(io: &mut Io, slot: Slot, listening: &mut dyn Listening) -> Turn {
    begin(io, slot, listening);
    for _ in 0..io.budgets.accepts {
        match listening.deliver() {
            Accepted::Delivered(slot) => wake_reader(io, slot),
            Accepted::TryNext => {}
            _ => {
                io.reactor.readiness(slot).readable = false;
                return Turn::Done;
            }
        }
    }
    Turn::Again
}

/// Something came for the connection at this slot.
fn wake_reader(io: &mut Io, slot: Slot) {
    io.reactor.readiness(slot).readable = true;
    io.reactor.wake(slot);
}

/// Begins a turn of a socket that connections share. When it takes something again, they get their turns.
fn begin(io: &mut Io, slot: Slot, listening: &mut dyn Listening) {
    listening.begin_turn();
    if !std::mem::take(&mut io.reactor.readiness(slot).writable) {
        return;
    }
    for blocked in listening.take_blocked() {
        io.reactor.readiness(blocked).writable = true;
        io.reactor.wake(blocked);
    }
}

impl Acceptor {
    /// Registers a client.
    fn take_in(&self, io: &mut Io, mut transport: Box<dyn Transport>, ends: Ends) -> Option<ListenOutcome> {
        let (listener, nodelay, duties) = (self.id, self.nodelay, self.duties);
        match io.register(&mut *transport, Interest::READABLE | Interest::WRITABLE, Source::Peer) {
            Ok(slot) => {
                io.reactor.readiness(slot).readable |= transport.has_input();
                let security = self.security.clone();
                Some(ListenOutcome::Accepted { slot, transport, ends, listener, nodelay, duties, security })
            }
            Err(error) => {
                let address = ends.peer.to_string();
                let error = Error::Bind { operation: "accept", address, place: None, cause: cause(&error) };
                if duties.decides_exit {
                    return Some(ListenOutcome::Broken { error });
                }
                io.notify_error(None, &error, false);
                None
            }
        }
    }
}

/// Binds and listens on one of these addresses.
fn bind(network: &dyn Network, plan: &Plan, places: &[Address]) -> Result<Box<dyn Listening>> {
    let sockets = Arc::clone(&plan.sockets);
    let options = Options { family: plan.family, backlog: plan.wishes.backlog, shared: plan.shared, sockets };
    let listen = |options: &Options| {
        network.listen(places, options).map_err(|error| match cannot_listen(&plan.target, &error) {
            Error::Bind { operation, address, cause, .. } => {
                Error::Bind { operation, address, place: refused(network, places, options), cause }
            }
            shortage => shortage,
        })
    };
    if plan.wishes.claims && plan.target.port().is_some_and(|port| port != 0) {
        // With a shared port another run could listen there, too, and get some of the clients: try it unshared first.
        drop(listen(&Options { shared: false, ..options.clone() })?);
    }
    listen(&options)
}

/// The one of these addresses that the system refuses: the last that was tried. One socket would serve both families, and one for IPv6
/// alone shows which of them it is.
fn refused(network: &dyn Network, places: &[Address], options: &Options) -> Option<SocketAddr> {
    let alone = Options { family: Family::V6, ..options.clone() };
    match places {
        [both, other] if is_any(both) && is_any(other) && network.listen(&places[..1], &alone).is_err() => both.ip(),
        [.., last] => last.ip(),
        [] => None,
    }
}

fn is_any(address: &Address) -> bool {
    address.ip().is_some_and(|address| address.ip().is_unspecified())
}

fn cannot_listen(endpoint: &Endpoint, error: &io::Error) -> Error {
    let failed =
        || Error::Bind { operation: "listen on", address: endpoint.to_string(), place: None, cause: cause(error) };
    Error::shortage(error).unwrap_or_else(failed)
}

#[cfg(test)]
mod tests;
