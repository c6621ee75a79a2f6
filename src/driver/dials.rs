//! `Dials`: connections in the making, and the sockets of the attempts that `net::dial` schedules.
//!
//! Owns the tasks that wait for such a connection and are done first once it is established. Returns a `DialOutcome`; does
//! not decide what happens to the connection.

use std::net::SocketAddr;
use std::rc::Rc;
use std::sync::Arc;
use std::time::Instant;

use mio::Interest;

use crate::config::{Family, show_duration};
use crate::driver::fallback::Fallback;
use crate::driver::io::{Io, Source};
use crate::driver::plan::{Duties, LocalAddress, Lookup, Plan};
use crate::driver::securing::{ConnectLimit, Security};
use crate::endpoint::Address;
use crate::error::{Error, cause};
use crate::layer::Layer;
use crate::layer::proxy::{ProxyHandshake, ProxyHeader};
use crate::net::dial::{Dial, Request};
use crate::net::reactor::Slot;
use crate::net::{Connecting, StartError, Transport};
use crate::output::Notice;
use crate::proxy::{Destination, Host, Proxy};
use crate::session::{BySlot, ConnError, ConnId, ConnView, Numbered};

/// Connections in the making. `T` is a task for one once it is established.
pub(super) struct Dials<T> {
    dialings: Numbered<Dialing<T>>,
    attempts: BySlot<Attempt>,
}

/// Outcome of a connect.
pub(super) enum DialOutcome<T> {
    /// The connection is established and registered at this slot.
    Connected {
        slot: Slot,
        transport: Box<dyn Transport>,
        view: Rc<ConnView>,
        duties: Duties,
        security: Option<(Rc<Security>, Option<ConnectLimit>)>,
        tasks: Vec<T>,
        /// What stands between its socket and its target, the lowest first.
        layers: Vec<Box<dyn Layer>>,
        /// Where a connection of datagrams goes on if this address is refused.
        fallback: Option<Box<Fallback>>,
    },
    /// It cannot be made.
    Failed { view: Rc<ConnView>, duties: Duties, error: Error },
}

/// A connect that is not finished.
struct Dialing<T> {
    plan: Plan,
    source: Option<LocalAddress>,
    /// The proxies, and what each is asked for.
    hops: Vec<(Proxy, Destination)>,
    /// The name that is being resolved.
    host: String,
    is_resolving: bool,
    /// It is that of the destination of this hop.
    resolving_hop: Option<usize>,
    /// `None` while the name is being resolved.
    dial: Option<Dial>,
    attempts: Vec<Slot>,
    since: Instant,
    give_up_at: Option<Instant>,
    view: Rc<ConnView>,
    tasks: Vec<T>,
    sends_file: bool,
    /// The connection it will be piped to.
    partner: Option<ConnId>,
}

/// One socket that is connecting.
struct Attempt {
    id: ConnId,
    connecting: Box<dyn Connecting>,
    address: Address,
}

type Outcomes<T> = Vec<DialOutcome<T>>;

impl<T> Default for Dials<T> {
    fn default() -> Self {
        Self { dialings: Numbered::default(), attempts: BySlot::default() }
    }
}

impl<T> Dials<T> {
    /// Starts the connection of `view`; a name is resolved on a thread of its own.
    pub(super) fn start(&mut self, io: &mut Io, plan: Plan, view: Rc<ConnView>) -> Outcomes<T> {
        let id = view.id;
        let source = plan.source();
        let give_up_at = plan.wishes.limit.map(|limit| io.now + limit);
        let dialing = Dialing {
            hops: plan.hops(),
            plan,
            source: None,
            host: String::new(),
            is_resolving: false,
            resolving_hop: None,
            dial: None,
            attempts: Vec::new(),
            since: io.now,
            give_up_at,
            view,
            tasks: Vec::new(),
            sends_file: false,
            partner: None,
        };
        let dialing = self.dialings.entry(id).insert_entry(dialing).into_mut();
        match source.and_then(|source| dialing.plan.check_route().map(|()| source)) {
            Ok(source) => {
                dialing.source = source;
                self.look_up(io, id)
            }
            Err(error) => self.give_up(io, id, error),
        }
    }

    /// Asks for the next name that has to be resolved here: of a destination that its proxy gets as an address, or of the
    /// place to connect to. Without one, starts the attempts.
    fn look_up(&mut self, io: &mut Io, id: ConnId) -> Outcomes<T> {
        let Some(dialing) = self.dialings.get_mut(&id) else { return Vec::new() };
        let named = dialing.hops.iter().enumerate().find_map(|(at, (proxy, to))| match &to.host {
            Host::Name(name) if proxy.needs_address() => Some((at, name.clone(), to.port)),
            _ => None,
        });
        let (host, port, family) = match named {
            Some((at, host, port)) => {
                if let Err(error) = dialing.plan.may_resolve(&host) {
                    return self.give_up(io, id, error);
                }
                dialing.resolving_hop = Some(at);
                (host, port, Family::V4)
            }
            None => match dialing.plan.targets() {
                Ok(Lookup::Known(addresses)) => return self.addresses(io, id, addresses),
                Ok(Lookup::Name(host, port)) => (host, port, dialing.plan.family),
                Err(error) => {
                    let error = dialing.of_first_proxy(error);
                    return self.give_up(io, id, error);
                }
            },
        };
        dialing.host.clone_from(&host);
        dialing.is_resolving = true;
        io.notify(&Notice::Resolving { conn: id, host: &host });
        io.network.resolve(Request::Connect(id), host, port, family, &io.reactor.mailbox());
        Vec::new()
    }

    /// Handles the answer of the resolver.
    pub(super) fn resolved(
        &mut self,
        io: &mut Io,
        id: ConnId,
        addresses: Result<Vec<SocketAddr>, String>,
    ) -> Outcomes<T> {
        let Some(dialing) = self.dialings.get_mut(&id) else { return Vec::new() };
        dialing.is_resolving = false;
        match addresses {
            Ok(addresses) => {
                let addresses = dialing.plan.addresses(addresses);
                let took = io.now.saturating_duration_since(dialing.since);
                io.notify(&Notice::Resolved { conn: id, host: &dialing.host, addresses: &addresses, took });
                let hop = dialing.resolving_hop.take().and_then(|at| dialing.hops.get_mut(at));
                match (hop, addresses.first().and_then(Address::ip)) {
                    (Some((_, to)), Some(address)) => {
                        to.host = Host::Ip(address.ip());
                        self.look_up(io, id)
                    }
                    _ => self.addresses(io, id, addresses),
                }
            }
            Err(cause) => {
                let error = Error::unresolved(dialing.host.clone(), cause);
                let error = if dialing.resolving_hop.is_some() { error } else { dialing.of_first_proxy(error) };
                self.give_up(io, id, error)
            }
        }
    }

    /// Handles an event of an attempt.
    pub(super) fn turn(&mut self, io: &mut Io, slot: Slot) -> Outcomes<T> {
        let Some(attempt) = self.attempts.get_mut(&slot) else { return Vec::new() };
        match attempt.connecting.finish() {
            Ok(None) => Vec::new(),
            Ok(Some(ends)) => {
                let Some(Attempt { id, connecting, .. }) = self.attempts.remove(&slot) else { return Vec::new() };
                let Some(mut dialing) = self.dialings.remove(&id) else { return Vec::new() };
                // The first attempt that finished wins.
                for other in std::mem::take(&mut dialing.attempts).into_iter().filter(|&other| other != slot) {
                    self.drop_attempt(io, other);
                }
                let peer =
                    if dialing.hops.is_empty() { ends.peer } else { Address::behind_proxy(&dialing.plan.target) };
                let layers = dialing.layers(&peer, &ends.local);
                let fallback = dialing.fallback();
                let Dialing { view, plan, tasks, give_up_at, .. } = dialing;
                view.connected(peer, ends.local, io.now);
                let (transport, duties) = (connecting.into_transport(), plan.wishes.duties);
                let limit = give_up_at.zip(plan.wishes.limit).map(|(at, limit)| ConnectLimit { at, limit });
                let security = plan.wishes.security.map(|security| (security, limit));
                vec![DialOutcome::Connected { slot, transport, view, duties, security, tasks, layers, fallback }]
            }
            Err(error) => {
                let (id, address) = (attempt.id, attempt.address.clone());
                self.drop_attempt(io, slot);
                if let Some(dialing) = self.dialings.get_mut(&id) {
                    dialing.attempts.retain(|&other| other != slot);
                    if let Some(dial) = &mut dialing.dial {
                        let cause = cause(&error);
                        io.notify(&Notice::AttemptFailed { conn: id, address: &address, cause: &cause });
                        dial.failed(address, cause, io.now);
                    }
                }
                self.start_attempts(io, id)
            }
        }
    }

    /// Connections whose next attempt or time limit is due; call [`Dials::advance`] for each.
    pub(super) fn due(&self, now: Instant) -> Vec<ConnId> {
        let is_due = |(id, dialing): (&ConnId, &Dialing<T>)| dialing.deadline().filter(|at| *at <= now).map(|_| *id);
        self.dialings.iter().filter_map(is_due).collect()
    }

    /// Starts due attempts of a connection in the making, or gives it up at its time limit.
    pub(super) fn advance(&mut self, io: &mut Io, id: ConnId) -> Outcomes<T> {
        let Some(dialing) = self.dialings.get(&id) else { return Vec::new() };
        if dialing.give_up_at.is_none_or(|at| at > io.now) {
            return self.start_attempts(io, id);
        }
        let limit = dialing.plan.wishes.limit.map(show_duration).unwrap_or_default();
        let proxy = dialing.plan.wishes.proxies.first().map(|proxy| format!("proxy {proxy}: ")).unwrap_or_default();
        let what = format!("connect to {}: {proxy}timed out after {limit}", dialing.plan.target);
        self.give_up(io, id, Error::Timeout { what })
    }

    /// When [`Dials::due`] has something.
    pub(super) fn deadline(&self) -> Option<Instant> {
        self.dialings.values().filter_map(Dialing::deadline).min()
    }

    /// Keeps a task for a connection in the making. Returns the task if there is no such connection.
    pub(super) fn when_connected(&mut self, id: ConnId, task: T) -> Option<T> {
        match self.dialings.get_mut(&id) {
            Some(dialing) => {
                dialing.tasks.push(task);
                None
            }
            None => Some(task),
        }
    }

    /// A file will be sent to a connection that is being made.
    pub(super) fn note_file(&mut self, id: ConnId) {
        if let Some(dialing) = self.dialings.get_mut(&id) {
            dialing.sends_file = true;
        }
    }

    /// Whether something will be sent to a connection once it stands.
    pub(super) fn will_send(&self, id: ConnId) -> bool {
        self.dialings.get(&id).is_some_and(|dialing| dialing.sends_file || dialing.view.info.queued() > 0)
    }

    /// Bytes that wait for all connections in the making.
    pub(super) fn held(&self) -> usize {
        self.dialings.values().map(|dialing| dialing.view.info.queued()).sum()
    }

    /// The connection in the making for which most bytes wait, and how many.
    pub(super) fn largest(&self) -> Option<(ConnId, usize)> {
        self.dialings.iter().map(|(id, dialing)| (*id, dialing.view.info.queued())).max_by_key(|(_, held)| *held)
    }

    /// Gives up a connection in the making for a reason of our own.
    pub(super) fn drop_dial(&mut self, io: &mut Io, id: ConnId, error: &ConnError) -> Outcomes<T> {
        let Some(dialing) = self.dialings.get(&id) else { return Vec::new() };
        let error = error.to_error(dialing.plan.target.to_string());
        self.give_up(io, id, error)
    }

    /// Cancels a connect. Returns whether there was one.
    pub(super) fn cancel(&mut self, io: &mut Io, id: ConnId) -> bool {
        let Some(dialing) = self.dialings.remove(&id) else { return false };
        dialing.forget_name(io);
        dialing.view.failed();
        for slot in dialing.attempts {
            self.drop_attempt(io, slot);
        }
        true
    }

    /// Cancels every connect.
    pub(super) fn stop(&mut self, io: &mut Io) {
        for dialing in self.dialings.drain().map(|(_, dialing)| dialing) {
            dialing.view.failed();
            dialing.forget_name(io);
        }
        for (slot, mut attempt) in self.attempts.drain() {
            io.deregister(slot, &mut *attempt.connecting);
        }
    }

    /// Whether a connection in the making will be sent stdin.
    pub(super) fn awaits_stdin(&self) -> bool {
        self.dialings.values().any(|dialing| dialing.plan.wishes.duties.stdin)
    }

    /// Whether nothing is being connected.
    pub(super) fn is_empty(&self) -> bool {
        self.dialings.is_empty()
    }

    /// The view of a connection in the making.
    pub(super) fn view(&self, id: ConnId) -> Option<&Rc<ConnView>> {
        self.dialings.get(&id).map(|dialing| &dialing.view)
    }

    /// The connection that one in the making will be piped to.
    pub(super) fn partner(&self, id: ConnId) -> Option<ConnId> {
        self.dialings.get(&id)?.partner
    }

    /// Sets the connection that one in the making will be piped to.
    pub(super) fn set_partner(&mut self, id: ConnId, partner: Option<ConnId>) {
        if let Some(dialing) = self.dialings.get_mut(&id) {
            dialing.partner = partner;
        }
    }

    /// Starts the attempts to these addresses, without those that the source address excludes.
    fn addresses(&mut self, io: &mut Io, id: ConnId, mut addresses: Vec<Address>) -> Outcomes<T> {
        let Some(dialing) = self.dialings.get_mut(&id) else { return Vec::new() };
        if let Some(source) = dialing.source {
            addresses.retain(|address| source.towards(address).is_some());
            if addresses.is_empty() {
                let target = dialing.plan.target.to_string();
                let error = dialing.of_first_proxy(Error::Connect { target, cause: source.objection() });
                return self.give_up(io, id, error);
            }
        }
        dialing.dial = Some(Dial::new(addresses, io.now));
        self.start_attempts(io, id)
    }

    /// Starts every attempt that is due.
    fn start_attempts(&mut self, io: &mut Io, id: ConnId) -> Outcomes<T> {
        let mut outcomes = Vec::new();
        let Some(dialing) = self.dialings.get_mut(&id) else { return outcomes };
        let Some(dial) = &mut dialing.dial else { return outcomes };
        let first = dialing.plan.wishes.proxies.first();
        let target = first.map_or_else(|| dialing.plan.target.to_string(), Proxy::to_string);
        while let Some(address) = dial.next_attempt(io.now) {
            io.notify(&Notice::Dialing { conn: id, target: &target, address: &address });
            let source = dialing.source.and_then(|source| source.towards(&address));
            let started = io.network.connect(&address, source, &dialing.plan.sockets).and_then(|mut connecting| {
                let slot = io.register(&mut *connecting, Interest::READABLE | Interest::WRITABLE, Source::Attempt);
                slot.map(|slot| (connecting, slot)).map_err(StartError::Connect)
            });
            match started {
                Ok((connecting, slot)) => {
                    dialing.attempts.push(slot);
                    self.attempts.insert(slot, Attempt { id, connecting, address });
                }
                Err(StartError::Connect(error)) => {
                    if dialing.plan.wishes.duties.decides_exit
                        && let Some(error) = Error::shortage(&error)
                    {
                        outcomes.extend(self.give_up(io, id, error));
                        return outcomes;
                    }
                    let cause = cause(&error);
                    io.notify(&Notice::AttemptFailed { conn: id, address: &address, cause: &cause });
                    dial.failed(address, cause, io.now);
                }
                Err(StartError::Busy) => dial.busy(address, io.now),
                Err(StartError::Option(error)) => {
                    let target = dialing.plan.target.to_string();
                    let error = Error::Bind {
                        operation: "make a socket for",
                        address: target,
                        place: None,
                        cause: cause(&error),
                    };
                    outcomes.extend(self.give_up(io, id, error));
                    return outcomes;
                }
                Err(StartError::Bind(error)) => {
                    // Else it is the name of a Unix socket.
                    let own_name = || dialing.plan.sockets.own_name.as_ref().map(ToString::to_string);
                    let address = source.map(|source| source.to_string()).or_else(own_name).unwrap_or_default();
                    let error = Error::Bind { operation: "bind to", address, place: None, cause: cause(&error) };
                    outcomes.extend(self.give_up(io, id, error));
                    return outcomes;
                }
            }
        }
        if dial.is_exhausted() {
            let error = Error::Connect { target: dialing.plan.target.to_string(), cause: dial.cause() };
            let error = dialing.of_first_proxy(error);
            outcomes.extend(self.give_up(io, id, error));
        }
        outcomes
    }

    fn give_up(&mut self, io: &mut Io, id: ConnId, error: Error) -> Outcomes<T> {
        let Some(dialing) = self.dialings.get(&id) else { return Vec::new() };
        let (view, duties) = (dialing.view.clone(), dialing.plan.wishes.duties);
        self.cancel(io, id);
        vec![DialOutcome::Failed { view, duties, error }]
    }

    fn drop_attempt(&mut self, io: &mut Io, slot: Slot) {
        if let Some(mut attempt) = self.attempts.remove(&slot) {
            io.deregister(slot, &mut *attempt.connecting);
        }
    }
}

impl<T> Dialing<T> {
    /// Does not wait for its name any more.
    fn forget_name(&self, io: &Io) {
        if self.is_resolving {
            io.network.forget(Request::Connect(self.view.id));
        }
    }

    /// The error of reaching the place to connect to, which may be a proxy on the way to the target.
    fn of_first_proxy(&self, error: Error) -> Error {
        let Some(proxy) = self.plan.wishes.proxies.first() else { return error };
        let cause = match error {
            Error::Connect { cause, .. } => cause,
            error @ Error::Resolve { .. } => error.to_string(),
            error => return error,
        };
        Error::Proxy { message: format!("connect to {}: proxy {proxy}: {cause}", self.plan.target) }
    }

    /// The layers of the connection, the lowest first. `peer` is the target, `local` our end.
    fn layers(&self, peer: &Address, local: &Address) -> Vec<Box<dyn Layer>> {
        let limit = self.give_up_at.zip(self.plan.wishes.limit.map(show_duration));
        let hops =
            self.hops.iter().map(|(proxy, to)| ProxyHandshake::new(proxy, to, limit.clone(), fastrand::u128(..)));
        let mut layers: Vec<Box<dyn Layer>> = hops.map(|hop| Box::new(hop) as Box<dyn Layer>).collect();
        if let Some(version) = self.plan.wishes.header {
            layers.push(Box::new(ProxyHeader::new(version, local.ip().zip(peer.ip()))));
        }
        layers
    }

    /// The addresses that were not tried, if the first one may still be refused.
    fn fallback(&mut self) -> Option<Box<Fallback>> {
        if !self.plan.target.is_datagram() {
            return None;
        }
        let waiting = self.dial.take()?.into_waiting();
        let with_source = |address: Address| {
            let source = self.source.and_then(|source| source.towards(&address));
            (address, source)
        };
        let addresses = waiting.into_iter().map(with_source).collect();
        Fallback::new(self.plan.target.to_string(), Arc::clone(&self.plan.sockets), addresses)
    }

    fn deadline(&self) -> Option<Instant> {
        let next = self.dial.as_ref().and_then(Dial::deadline);
        [next, self.give_up_at].into_iter().flatten().min()
    }
}

#[cfg(test)]
mod tests {
    use std::net::TcpListener;
    use std::time::Duration;

    use super::*;
    use crate::config::{SocketOptions, Text};
    use crate::driver::plan::{Defaults, Wishes};
    use crate::driver::world::SystemNetwork;
    use crate::endpoint::{Endpoint, UnixName};
    use crate::net::factory;
    use crate::net::listener::Options;

    fn io() -> Io {
        Io::new(1024, Instant::now(), Rc::new(SystemNetwork::default())).unwrap()
    }

    fn plan(target: Endpoint, wishes: Wishes) -> (Plan, Rc<ConnView>) {
        let view = ConnView::dialing(1, &target, &Text::default(), Instant::now());
        (Plan::new(Defaults::plain(), target, wishes), Rc::new(view))
    }

    fn turn_until_done(dials: &mut Dials<u8>, io: &mut Io) -> Outcomes<u8> {
        loop {
            io.reactor.wait(Some(Instant::now() + Duration::from_secs(30))).unwrap();
            while let Some(slot) = io.reactor.next_ready() {
                let outcomes = dials.turn(io, slot);
                if !outcomes.is_empty() {
                    return outcomes;
                }
            }
        }
    }

    #[test]
    fn tasks_wait_until_the_connection_is_established() {
        let server = TcpListener::bind("127.0.0.1:0").unwrap();
        let (mut io, mut dials) = (io(), Dials::<u8>::default());
        let duties = Duties::of_run(true);
        let target = server.local_addr().unwrap().to_string().parse().unwrap();
        let (plan, view) = plan(target, Wishes { duties, ..Wishes::default() });
        assert!(dials.start(&mut io, plan, view).is_empty());
        assert_eq!((dials.when_connected(1, 7), dials.when_connected(2, 8)), (None, Some(8)));
        let outcomes = turn_until_done(&mut dials, &mut io);
        let [DialOutcome::Connected { view, tasks, duties: found, .. }] = &outcomes[..] else {
            panic!("not connected")
        };
        assert_eq!((view.info.peer_name(), &tasks[..]), (server.local_addr().unwrap().to_string(), &[7][..]));
        assert_eq!(*found, duties);
        assert!(dials.is_empty());
    }

    #[test]
    fn a_source_of_the_other_family_is_an_error() {
        let (mut io, mut dials) = (io(), Dials::<u8>::default());
        let source = Some("[::1]:0".parse().unwrap());
        let (plan, view) = plan(":80".parse().unwrap(), Wishes { source, ..Wishes::default() });
        assert!(dials.start(&mut io, plan, view).is_empty());
        let four: SocketAddr = "127.0.0.1:80".parse().unwrap();
        let outcomes = dials.resolved(&mut io, 1, Ok(vec![four]));
        let [DialOutcome::Failed { error, view, .. }] = &outcomes[..] else { panic!("not failed") };
        let wanted = "connect to :80: it has only IPv4 addresses, and the source address ::1 is IPv6";
        assert_eq!((error.to_string().as_str(), error.exit().code()), (wanted, 7));
        assert!(!view.info.is_open());
        // A late answer of the resolver finds nothing.
        assert!(dials.resolved(&mut io, 1, Ok(vec![four])).is_empty());
    }

    #[test]
    fn a_full_queue_is_tried_again_until_the_time_limit() {
        let (mut io, mut dials) = (io(), Dials::<u8>::default());
        let name = UnixName::Abstract(format!("tcpx-dials-{}", std::process::id()).into_bytes());
        let options = Options { family: Family::Any, backlog: 0, shared: false, sockets: Arc::default() };
        let place = Address::unix(name.clone());
        let mut server = factory::listen(std::slice::from_ref(&place), &options).unwrap();
        let filler = factory::connect(&place, None, &SocketOptions::default());
        let limit = Some(Duration::from_millis(50));
        let (plan, view) = plan(Endpoint::Unix(name), Wishes { limit, ..Wishes::default() });
        assert!(dials.start(&mut io, plan.clone(), view.clone()).is_empty());
        io.now = dials.deadline().unwrap();
        assert_eq!(dials.due(io.now), [1]);
        assert!(dials.advance(&mut io, 1).is_empty(), "it is still full");
        assert!(dials.due(io.now).is_empty());
        let later = io.now + Duration::from_millis(50);
        io.now = later;
        let outcomes = dials.advance(&mut io, 1);
        let [DialOutcome::Failed { error: Error::Timeout { .. }, .. }] = &outcomes[..] else { panic!("not late") };
        // One that is waited for until there is room.
        assert!(dials.start(&mut io, plan, view).is_empty());
        drop((server.accept(), filler));
        io.now = dials.deadline().unwrap();
        assert!(dials.advance(&mut io, 1).is_empty(), "an attempt is on its way");
        assert!(matches!(turn_until_done(&mut dials, &mut io)[..], [DialOutcome::Connected { .. }]));
    }
}
