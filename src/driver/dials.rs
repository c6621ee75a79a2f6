//! Connecting: the sockets behind the attempts that `net::dial` orders, for the run's own connection and for those
//! a script asks for.
//!
//! Owns connections that are not made yet. What is asked of one meanwhile waits with it and is done first.

use std::net::SocketAddr;
use std::rc::Rc;
use std::time::{Duration, Instant};

use mio::Interest;

use crate::config::{Connect, Family, show_duration};
use crate::driver::peers::{Origin, Peer};
use crate::driver::{Driver, Source};
use crate::error::{Error, Result, cause};
use crate::net::dial::{self, Dial, Resolved};
use crate::net::reactor::Slot;
use crate::net::tcp::{StartError, Tcp};
use crate::session::{CloseReason, ConnError, ConnId, ConnView, ConnectRequest, ErrorKind, Event, Handler};

/// Something to do to a connection once it stands.
type Task = Box<dyn FnOnce(&mut Peer)>;

/// A connect that is not finished.
pub(super) struct Dialing {
    target: String,
    host: String,
    probe: bool,
    source: Option<SocketAddr>,
    /// `None` while the name is being resolved.
    dial: Option<Dial>,
    attempts: Vec<Slot>,
    limit: Option<Duration>,
    give_up_at: Option<Instant>,
    view: Rc<ConnView>,
    origin: Origin,
    tasks: Vec<Task>,
    /// What it will be piped to.
    pub(super) partner: Option<ConnId>,
}

/// One socket on its way.
pub(super) struct Attempt {
    id: ConnId,
    tcp: Tcp,
    address: SocketAddr,
}

impl Dialing {
    pub(super) fn deadline(&self) -> Option<Instant> {
        let next = self.dial.as_ref().and_then(Dial::deadline);
        [next, self.give_up_at].into_iter().flatten().min()
    }

    /// The connection that will be.
    pub(super) fn view(&self) -> &Rc<ConnView> {
        &self.view
    }
}

impl Driver {
    /// Starts to connect; names are resolved on a thread of their own.
    pub(super) fn begin_connecting(&mut self, connect: &Connect) -> Result<()> {
        let source = match &connect.source {
            Some(source) => Some(local_address(&source.host_or("0.0.0.0"), source.port, self.config.family)?),
            None => None,
        };
        let family = match source {
            Some(SocketAddr::V4(_)) if connect.source.as_ref().is_some_and(|source| source.host.is_some()) => {
                Family::V4
            }
            Some(SocketAddr::V6(_)) => Family::V6,
            _ => self.config.family,
        };
        let host = connect.target.host_or("localhost");
        if self.config.no_dns && !connect.target.is_numeric() {
            return Err(Error::Resolve { host, cause: "names are not resolved with -n".into() });
        }
        let limit = self.config.limits.connect;
        let id = self.ids.next();
        let view = Rc::new(ConnView::wanted(id, connect.target.to_string(), &self.config.text, self.io.now));
        view.nodelay.set(self.config.nodelay);
        let dialing = Dialing {
            target: connect.target.to_string(),
            host: host.clone(),
            probe: connect.probe,
            source,
            dial: None,
            attempts: Vec::new(),
            limit,
            give_up_at: limit.map(|limit| self.io.now + limit),
            view,
            origin: Origin::Main,
            tasks: Vec::new(),
            partner: None,
        };
        let is_address = connect.target.is_numeric() && connect.target.host.is_some();
        self.dial(id, dialing, host, connect.target.port, family, is_address);
        Ok(())
    }

    /// Makes a connection that a script asked for.
    pub(super) fn begin_request(&mut self, request: &ConnectRequest) {
        let host = request.target.host_or("localhost");
        let dialing = Dialing {
            target: request.target.to_string(),
            host: host.clone(),
            probe: false,
            source: None,
            dial: None,
            attempts: Vec::new(),
            limit: request.timeout,
            give_up_at: request.timeout.map(|limit| self.io.now + limit),
            view: request.view.clone(),
            origin: Origin::Script,
            tasks: Vec::new(),
            partner: None,
        };
        let is_address = request.target.is_numeric() && request.target.host.is_some();
        self.dial(request.view.id, dialing, host, request.target.port, self.config.family, is_address);
    }

    fn dial(&mut self, id: ConnId, dialing: Dialing, host: String, port: u16, family: Family, is_address: bool) {
        self.dialings.insert(id, dialing);
        if is_address {
            let addresses = dial::resolve(&host, port, family);
            self.handle_resolved(Resolved { id, addresses });
        } else {
            dial::resolve_in_background(id, host, port, family, &self.io.reactor.mailbox());
        }
    }

    /// The resolver answered.
    pub(super) fn handle_resolved(&mut self, resolved: Resolved) {
        let Some(dialing) = self.dialings.get_mut(&resolved.id) else { return };
        match resolved.addresses {
            Ok(addresses) => {
                dialing.dial = Some(Dial::new(addresses, self.io.now));
                self.start_attempts(resolved.id);
            }
            Err(cause) => {
                let error = Error::Resolve { host: dialing.host.clone(), cause };
                self.give_up(resolved.id, &error);
            }
        }
    }

    /// Starts every attempt that is due.
    fn start_attempts(&mut self, id: ConnId) {
        loop {
            let Some(dialing) = self.dialings.get_mut(&id) else { return };
            let Some(dial) = &mut dialing.dial else { return };
            let Some(address) = dial.next_attempt(self.io.now) else { break };
            let source = dialing.source.filter(|source| source.is_ipv4() == address.is_ipv4());
            let started = Tcp::start_connect(address, source).and_then(|mut tcp| {
                let slot = self.io.reactor.register(&mut tcp, Interest::READABLE | Interest::WRITABLE);
                slot.map(|slot| (tcp, slot)).map_err(StartError::Connect)
            });
            match started {
                Ok((tcp, slot)) => {
                    dialing.attempts.push(slot);
                    self.place(slot, Source::Attempt(Box::new(Attempt { id, tcp, address })));
                }
                Err(StartError::Connect(error)) => dial.failed(address, cause(&error), self.io.now),
                Err(StartError::Bind(error)) => {
                    let address = source.map(|source| source.to_string()).unwrap_or_default();
                    let error = Error::Bind { operation: "bind to", address, cause: cause(&error) };
                    return self.give_up(id, &error);
                }
            }
        }
        self.give_up_if_exhausted(id);
    }

    /// An attempt may have finished.
    pub(super) fn attempt_turn(&mut self, slot: Slot) {
        let Source::Attempt(mut attempt) = self.take(slot) else { return };
        match attempt.tcp.finish_connect(attempt.address) {
            Ok(None) => self.place(slot, Source::Attempt(attempt)),
            Ok(Some((peer, local))) => self.connected(slot, *attempt, peer, local),
            Err(error) => {
                self.io.reactor.deregister(slot, &mut attempt.tcp);
                if let Some(dialing) = self.dialings.get_mut(&attempt.id) {
                    dialing.attempts.retain(|&other| other != slot);
                    if let Some(dial) = &mut dialing.dial {
                        dial.failed(attempt.address, cause(&error), self.io.now);
                    }
                }
                self.start_attempts(attempt.id);
            }
        }
    }

    /// The first attempt that finished wins; the others are dropped.
    fn connected(&mut self, slot: Slot, mut attempt: Attempt, peer: SocketAddr, local: SocketAddr) {
        let Some(dialing) = self.dialings.remove(&attempt.id) else { return };
        for other in dialing.attempts.into_iter().filter(|&other| other != slot) {
            self.drop_attempt(other);
        }
        if dialing.probe {
            self.io.console.note(&format!("connected to {peer}"));
            self.io.reactor.deregister(slot, &mut attempt.tcp);
            return;
        }
        dialing.view.connected(peer, local, self.io.now);
        self.add_peer(slot, Box::new(attempt.tcp), dialing.view, dialing.origin);
        self.with_peer(slot, |_, peer| dialing.tasks.into_iter().for_each(|task| task(peer)));
    }

    /// Does something to a connection that is being made, once it stands. Whether there is such a connection.
    pub(super) fn when_connected(&mut self, id: ConnId, task: impl FnOnce(&mut Peer) + 'static) -> bool {
        let dialing = self.dialings.get_mut(&id);
        dialing.map(|dialing| dialing.tasks.push(Box::new(task))).is_some()
    }

    /// The next attempts, or the end of patience, may be due.
    pub(super) fn dialing_timers(&mut self) {
        let now = self.io.now;
        let is_due = |(id, dialing): (&ConnId, &Dialing)| dialing.deadline().filter(|at| *at <= now).map(|_| *id);
        let due: Vec<ConnId> = self.dialings.iter().filter_map(is_due).collect();
        for id in due {
            let Some(dialing) = self.dialings.get(&id) else { continue };
            if dialing.give_up_at.is_some_and(|at| at <= now) {
                let limit = dialing.limit.map(show_duration).unwrap_or_default();
                let what = format!("connect to {}: timed out after {limit}", dialing.target);
                self.give_up(id, &Error::Timeout { what });
            } else {
                self.start_attempts(id);
            }
        }
    }

    fn give_up_if_exhausted(&mut self, id: ConnId) {
        if let Some(dialing) = self.dialings.get(&id)
            && let Some(dial) = dialing.dial.as_ref().filter(|dial| dial.is_exhausted())
        {
            let error = Error::Connect { target: dialing.target.clone(), cause: dial.cause() };
            self.give_up(id, &error);
        }
    }

    /// A connection cannot be made: the script is told. The run's own decides the exit code.
    fn give_up(&mut self, id: ConnId, error: &Error) {
        let Some((view, origin)) = self.cancel_dialing(id) else { return };
        view.is_open.set(false);
        view.can_send.set(false);
        let kind = match error {
            Error::Timeout { .. } => ErrorKind::Timeout,
            Error::Resolve { .. } => ErrorKind::Resolve,
            _ => ErrorKind::Refused,
        };
        let is_handled = self.handler.as_ref().is_some_and(|handler| handler.event_mask(&view).error);
        if origin == Origin::Main {
            self.fail(error);
        } else if !is_handled || self.io.console.is_verbose() {
            self.io.console.error(error);
        }
        let Some(handler) = self.handler.as_mut().filter(|_| is_handled) else {
            return self.partner_failed(None, id, CloseReason::Reset);
        };
        let trouble = ConnError { kind, op: "connect".into(), message: error.to_string() };
        let mut commands = Vec::new();
        let result = handler.handle(&view, Event::Error(trouble), &mut commands);
        self.after_call(commands, result);
        self.partner_failed(None, id, CloseReason::Reset);
    }

    /// Stops a connect.
    pub(super) fn cancel_dialing(&mut self, id: ConnId) -> Option<(Rc<ConnView>, Origin)> {
        let dialing = self.dialings.remove(&id)?;
        for slot in dialing.attempts {
            self.drop_attempt(slot);
        }
        Some((dialing.view, dialing.origin))
    }

    /// Stops every connect.
    pub(super) fn stop_dialing(&mut self) {
        let ids: Vec<ConnId> = self.dialings.keys().copied().collect();
        for id in ids {
            self.cancel_dialing(id);
        }
    }

    fn drop_attempt(&mut self, slot: Slot) {
        if let Source::Attempt(mut attempt) = self.take(slot) {
            self.io.reactor.deregister(slot, &mut attempt.tcp);
        }
    }
}

/// The address to connect from.
fn local_address(host: &str, port: u16, family: Family) -> Result<SocketAddr> {
    let found = dial::resolve(host, port, family);
    let first = found.and_then(|addresses| addresses.first().copied().ok_or_else(|| "it has no address".to_owned()));
    first.map_err(|cause| Error::Resolve { host: host.to_owned(), cause })
}
