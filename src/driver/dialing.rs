//! Connecting: the sockets behind the attempts that `net::dial` orders.

use std::net::SocketAddr;
use std::time::Instant;

use mio::Interest;

use crate::config::{Connect, Family, show_duration};
use crate::driver::{Driver, Thing};
use crate::error::{Error, Result, cause};
use crate::net::dial::{self, Dial, Resolved};
use crate::net::reactor::Slot;
use crate::net::tcp::{StartError, Tcp};
use crate::session::view::Side;

/// A connect that is not finished.
pub(super) struct Dialing {
    target: String,
    host: String,
    probe: bool,
    source: Option<SocketAddr>,
    /// `None` while the name is being resolved.
    dial: Option<Dial>,
    attempts: Vec<Slot>,
    give_up_at: Option<Instant>,
}

/// One socket on its way.
pub(super) struct Attempt {
    tcp: Tcp,
    address: SocketAddr,
}

impl Dialing {
    pub(super) fn deadline(&self) -> Option<Instant> {
        let next = self.dial.as_ref().and_then(Dial::deadline);
        [next, self.give_up_at].into_iter().flatten().min()
    }
}

impl Driver {
    /// Starts to connect; names are resolved on a thread of their own.
    pub(super) fn begin_connecting(&mut self, connect: &Connect) -> Result<()> {
        let host = connect.target.host_or("localhost");
        let port = connect.target.port;
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
        if self.config.no_dns && !connect.target.is_numeric() {
            return Err(Error::Resolve { host, cause: "names are not resolved with -n".into() });
        }
        self.dialing = Some(Dialing {
            target: connect.target.to_string(),
            host: host.clone(),
            probe: connect.probe,
            source,
            dial: None,
            attempts: Vec::new(),
            give_up_at: self.config.limits.connect.map(|limit| self.now + limit),
        });
        if connect.target.is_numeric() && connect.target.host.is_some() {
            let addresses = dial::resolve(&host, port, family);
            self.handle_resolved(Resolved { id: 0, addresses });
        } else {
            dial::resolve_in_background(0, host, port, family, &self.reactor.mailbox());
        }
        Ok(())
    }

    /// The resolver answered.
    pub(super) fn handle_resolved(&mut self, resolved: Resolved) {
        let Some(dialing) = &mut self.dialing else { return };
        match resolved.addresses {
            Ok(addresses) => {
                dialing.dial = Some(Dial::new(addresses, self.now));
                self.start_attempts();
            }
            Err(cause) => {
                let error = Error::Resolve { host: dialing.host.clone(), cause };
                self.give_up(&error);
            }
        }
    }

    /// Starts every attempt that is due.
    fn start_attempts(&mut self) {
        loop {
            let Some(dialing) = &mut self.dialing else { return };
            let Some(dial) = &mut dialing.dial else { return };
            let Some(address) = dial.next_attempt(self.now) else { break };
            let source = dialing.source.filter(|source| source.is_ipv4() == address.is_ipv4());
            let started = Tcp::start_connect(address, source).and_then(|mut tcp| {
                let slot = self.reactor.register(&mut tcp, Interest::READABLE | Interest::WRITABLE);
                slot.map(|slot| (tcp, slot)).map_err(StartError::Connect)
            });
            match started {
                Ok((tcp, slot)) => {
                    dialing.attempts.push(slot);
                    self.place(slot, Thing::Attempt(Box::new(Attempt { tcp, address })));
                }
                Err(StartError::Connect(error)) => dial.failed(address, cause(&error), self.now),
                Err(StartError::Bind(error)) => {
                    let address = source.map(|source| source.to_string()).unwrap_or_default();
                    let error = Error::Bind { operation: "bind to", address, cause: cause(&error) };
                    return self.give_up(&error);
                }
            }
        }
        self.give_up_if_exhausted();
    }

    /// An attempt may have finished.
    pub(super) fn attempt_turn(&mut self, slot: Slot) {
        let Thing::Attempt(mut attempt) = self.take(slot) else { return };
        match attempt.tcp.finish_connect() {
            Ok(None) => self.place(slot, Thing::Attempt(attempt)),
            Ok(Some((peer, local))) => self.connected(slot, attempt.tcp, peer, local),
            Err(error) => {
                self.reactor.deregister(slot, &mut attempt.tcp);
                if let Some(dialing) = &mut self.dialing {
                    dialing.attempts.retain(|&other| other != slot);
                    if let Some(dial) = &mut dialing.dial {
                        dial.failed(attempt.address, cause(&error), self.now);
                    }
                }
                self.start_attempts();
            }
        }
    }

    /// The first attempt that finished wins; the others are dropped.
    fn connected(&mut self, slot: Slot, mut tcp: Tcp, peer: SocketAddr, local: SocketAddr) {
        let Some(dialing) = self.dialing.take() else { return };
        for other in dialing.attempts.into_iter().filter(|&other| other != slot) {
            self.drop_attempt(other);
        }
        if dialing.probe {
            self.console.note(&format!("connected to {peer}"));
            self.reactor.deregister(slot, &mut tcp);
            return;
        }
        self.add_peer(slot, Box::new(tcp), peer, local, Side::Client);
    }

    /// The next attempt, or the end of patience, may be due.
    pub(super) fn dialing_timers(&mut self) {
        let Some(dialing) = &self.dialing else { return };
        if dialing.give_up_at.is_some_and(|at| at <= self.now) {
            let limit = self.config.limits.connect.map(show_duration).unwrap_or_default();
            let what = format!("connect to {}: timed out after {limit}", dialing.target);
            return self.give_up(&Error::Timeout { what });
        }
        if dialing.dial.as_ref().and_then(Dial::deadline).is_some_and(|at| at <= self.now) {
            self.start_attempts();
        }
    }

    fn give_up_if_exhausted(&mut self) {
        if let Some(dialing) = &self.dialing
            && let Some(dial) = dialing.dial.as_ref().filter(|dial| dial.is_exhausted())
        {
            let error = Error::Connect { target: dialing.target.clone(), cause: dial.cause() };
            self.give_up(&error);
        }
    }

    fn give_up(&mut self, error: &Error) {
        self.stop_dialing();
        self.fail(error);
    }

    /// Drops every attempt.
    pub(super) fn stop_dialing(&mut self) {
        if let Some(dialing) = self.dialing.take() {
            for slot in dialing.attempts {
                self.drop_attempt(slot);
            }
        }
    }

    fn drop_attempt(&mut self, slot: Slot) {
        if let Thing::Attempt(mut attempt) = self.take(slot) {
            self.reactor.deregister(slot, &mut attempt.tcp);
        }
    }
}

/// The address to connect from.
fn local_address(host: &str, port: u16, family: Family) -> Result<SocketAddr> {
    let found = dial::resolve(host, port, family);
    let first = found.and_then(|addresses| addresses.first().copied().ok_or_else(|| "it has no address".to_owned()));
    first.map_err(|cause| Error::Resolve { host: host.to_owned(), cause })
}
