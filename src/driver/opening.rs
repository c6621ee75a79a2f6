//! Opening: the start of a run, and how accepted and connected sockets enter the loop.
//!
//! Owns the wiring from outcomes of listeners and dials to the table of connections and the handler. Limits, names and
//! attempts are owned by `listeners` and `dials`.

use std::rc::Rc;
use std::time::{Duration, Instant};

use crate::config::{Connect, Listen, Role, show_duration};
use crate::driver::budgets::Turn;
use crate::driver::dials::DialOutcome;
use crate::driver::listeners::ListenOutcome;
use crate::driver::parts::{Parts, Task};
use crate::driver::peer::Peer;
use crate::driver::plan::{Defaults, Duties, Plan, Wishes};
use crate::driver::ready::tell_ready;
use crate::driver::securing::made_fingerprint;
use crate::driver::workers::Worker;
use crate::endpoint::Address;
use crate::error::Result;
use crate::layer::Layer;
use crate::layer::proxy::HeaderReader;
use crate::net::dial::{Request, Resolved};
use crate::net::listener::BACKLOG;
use crate::net::reactor::Slot;
use crate::output::Notice;
use crate::session::{CloseReason, ConnView, ListenerId, RunEvent, Side, earliest};

/// Maximum peers of datagrams at the same time.
const MAX_PEERS: usize = 16_384;

/// Within which time a client has to send its header of the PROXY protocol.
const HEADER_LIMIT: Duration = Duration::from_secs(10);

impl Parts {
    /// Calls `on_start`, registers stdin, then starts the run's own connection or listener.
    ///
    /// # Errors
    /// The script failed, or stdin cannot be registered.
    pub(super) fn begin(&mut self) -> Result<()> {
        self.script_starting()?;
        if !self.shutdown.is_running() {
            return Ok(());
        }
        self.stdin.register(&mut self.io)?;
        match self.config.role.clone() {
            Role::Connect(connect) => self.begin_connecting(connect)?,
            Role::Listen(listen) => self.begin_listening(&listen)?,
            Role::Scan(_) => self.begin_scanning()?,
            Role::Run => {}
        }
        Ok(())
    }

    /// Starts the run's own connection.
    fn begin_connecting(&mut self, connect: Connect) -> Result<()> {
        let wishes = Wishes {
            security: self.securing.of_run(&self.config)?,
            limit: self.config.limits.connect,
            source: connect.source,
            proxies: self.config.proxies.clone(),
            header: connect.header,
            duties: if connect.probe { Duties::of_probe() } else { Duties::of_run(!self.redial.reconnects()) },
            ..Wishes::default()
        };
        let plan = Plan::new(Defaults::of(&self.config), connect.target, wishes);
        let view = ConnView::dialing(self.ids.next(), &plan.target, &self.config.text, self.io.now);
        let view = Rc::new(view.with_nodelay(plan.nodelay));
        let outcomes = self.dials.start(&mut self.io, plan, view);
        self.dialed.extend(outcomes);
        Ok(())
    }

    /// Starts the run's own listener.
    fn begin_listening(&mut self, listen: &Listen) -> Result<()> {
        let wishes = Wishes {
            security: self.securing.of_run(&self.config)?,
            // One peer only: the kernel must not complete the handshake of a second.
            backlog: listen.backlog.unwrap_or(if listen.single_peer { 0 } else { BACKLOG }),
            claims: !listen.reuse_port && self.worker.as_ref().is_some_and(Worker::is_first),
            duties: Duties::of_run(listen.single_peer),
            ..Wishes::default()
        };
        let plan = Plan::new(Defaults::of(&self.config), listen.address.clone(), wishes);
        let outcomes = self.listeners.start(&mut self.io, plan);
        self.listened.extend(outcomes);
        Ok(())
    }

    /// Handles an answer of the resolver.
    pub(super) fn handle_resolved(&mut self, resolved: Resolved) {
        let addresses = resolved.addresses;
        match resolved.request {
            Request::Connect(id) => {
                let outcomes = self.dials.resolved(&mut self.io, id, addresses);
                self.dialed.extend(outcomes);
            }
            Request::Scan(number) => self.host_resolved(number, addresses),
            Request::Listen(listener) => {
                let outcomes = self.listeners.resolved(&mut self.io, listener, addresses);
                self.listened.extend(outcomes);
            }
        }
    }

    /// Handles an event of a connection attempt.
    pub(super) fn attempt_turn(&mut self, slot: Slot) {
        let outcomes = self.dials.turn(&mut self.io, slot);
        self.dialed.extend(outcomes);
    }

    /// Accepts waiting clients, as far as `--max-conns` allows.
    pub(super) fn listener_turn(&mut self, slot: Slot) -> Turn {
        let limit = match &self.config.role {
            Role::Listen(listen) => listen.max_conns,
            Role::Connect(_) | Role::Run | Role::Scan(_) => None,
        };
        let room = limit.map_or(usize::MAX, |most| most.saturating_sub(self.peers.counted()));
        self.listeners.turn(&mut self.io, slot, room, &mut self.listened)
    }

    /// Runs due timers: next connection attempts, connect limits, accepting again after a shortage of descriptors.
    pub(super) fn opening_timers(&mut self) {
        // Without a list if there is nothing to list.
        let due = if self.dials.is_empty() { Vec::new() } else { self.dials.due(self.io.now) };
        for id in due {
            let outcomes = self.dials.advance(&mut self.io, id);
            self.dialed.extend(outcomes);
        }
        if self.redial.take_due(self.io.now)
            && let Role::Connect(connect) = self.config.role.clone()
            && let Err(error) = self.begin_connecting(connect)
        {
            self.fail_and_stop(&error);
        }
        if let Some(error) = self.listeners.handle_timeout(&mut self.io) {
            self.fail_and_stop(&error);
        }
    }

    /// Handles outcomes of dials and listeners. New outcomes that this causes (a handler that connects again to a refused
    /// address) are handled in the next round.
    pub(super) fn finish_opening(&mut self) {
        for outcome in std::mem::take(&mut self.dialed) {
            self.finish_dial(outcome);
        }
        if self.listened.is_empty() {
            return;
        }
        let mut listened = std::mem::take(&mut self.listened);
        for outcome in listened.drain(..) {
            self.finish_listen(outcome);
        }
        if self.listened.is_empty() {
            // For those that are accepted next.
            self.listened = listened;
        }
    }

    /// The earliest time at which [`Parts::opening_timers`] has work; now if outcomes are waiting.
    pub(super) fn opening_deadline(&self) -> Option<Instant> {
        let at_once = self.has_outcomes().then_some(self.io.now);
        let scan =
            self.scan.as_ref().filter(|_| self.shutdown.is_running()).and_then(|scan| scan.deadline(self.io.now));
        earliest([at_once, scan, self.dials.deadline(), self.redial.deadline(), self.listeners.deadline()])
    }

    fn finish_dial(&mut self, outcome: DialOutcome<Task>) {
        match outcome {
            DialOutcome::Connected { slot, transport, view, duties, security, tasks, layers, fallback } => {
                self.add_peer(slot, transport, view, duties, security, layers);
                if let Some(peer) = self.peers.get_mut(slot) {
                    peer.fallback = fallback;
                }
                let (is_running, ending) = (self.shutdown.is_running(), self.shutdown.ending());
                self.work_on(slot, |peer| {
                    for task in tasks {
                        task(peer);
                    }
                    if !is_running {
                        // A handler asked for it while the run was ending.
                        peer.end_with_run(ending);
                    }
                });
            }
            DialOutcome::Failed { view, duties, error } if duties.scanned => self.port_failed(view.id, true, &error),
            DialOutcome::Failed { view, duties, error } if duties.own => self.own_connect_failed(&view, &error),
            DialOutcome::Failed { view, duties, error } => self.connect_failed(&view, duties.decides_exit, &error),
        }
    }

    fn finish_listen(&mut self, outcome: ListenOutcome) {
        match outcome {
            ListenOutcome::Bound { listener, address } => self.bound(listener, address),
            ListenOutcome::Accepted { slot, transport, ends, listener, nodelay, duties, security } => {
                let (id, text) = (self.ids.next(), &self.config.text);
                let view = ConnView::new(id, ends.peer, ends.local, Side::Server, text, self.io.now);
                let view = Rc::new(view.with_nodelay(nodelay).with_listener(listener));
                let is_datagram = view.info.is_datagram();
                let layers = if listener.is_none() { self.layers_of_clients() } else { Vec::new() };
                self.add_peer(slot, transport, view, duties, security.map(|security| (security, None)), layers);
                if is_datagram {
                    self.make_room();
                }
                if self.shutdown.is_running() {
                    // It is there when the handlers of others get what they have sent since.
                    self.opening_turn(slot);
                }
            }
            ListenOutcome::Failed { listener: Some(id), error } => self.listen_failed(id, &error),
            ListenOutcome::Failed { listener: None, error } | ListenOutcome::Broken { error } => {
                self.fail_and_stop(&error);
            }
        }
    }

    /// Lets peers of datagrams go if there are more than may be: those that were silent longest. Anybody can send from any
    /// address, and a datagram that waits would keep back those behind it.
    fn make_room(&mut self) {
        let own = match &self.config.role {
            Role::Listen(listen) => listen.max_conns.unwrap_or(MAX_PEERS),
            Role::Connect(_) | Role::Run | Role::Scan(_) => MAX_PEERS,
        };
        let is_candidate = |peer: &&Peer| peer.link.is_datagram() && peer.link.view().info.side() == Side::Server;
        let (counted, all) = (self.peers.counted(), self.peers.len());
        let is_over_own = counted > own;
        if !is_over_own && all <= MAX_PEERS {
            return;
        }
        let candidates = self.peers.iter().filter(is_candidate).filter(|peer| peer.duties.counted || !is_over_own);
        let mut candidates: Vec<_> =
            candidates.map(|peer| (peer.link.view().info.last_activity(), peer.id(), peer.slot)).collect();
        // Several at a time, so that a flood of new addresses does not cost a look at all peers for each.
        let excess = counted.saturating_sub(own).max(all.saturating_sub(MAX_PEERS)).max(candidates.len() / 64);
        candidates.sort_unstable();
        for (_, _, slot) in candidates.into_iter().take(excess) {
            let now = self.io.now;
            self.work_on(slot, |peer| peer.link.handle_eof(now));
            self.work_on(slot, |peer| peer.link.close(CloseReason::Eof));
        }
    }

    /// The layers of a client of the run's own listener, the lowest first.
    fn layers_of_clients(&self) -> Vec<Box<dyn Layer>> {
        let Role::Listen(Listen { accept_proxy: true, .. }) = &self.config.role else { return Vec::new() };
        let limit = (self.io.now + HEADER_LIMIT, show_duration(HEADER_LIMIT));
        vec![Box::new(HeaderReader::new(limit))]
    }

    /// Handles a bound listener. The run's own is announced now, or with several workers once all of them listen.
    fn bound(&mut self, listener: Option<ListenerId>, address: Address) {
        if listener.is_none()
            && self.worker.is_none()
            && let Err(error) = self.announce()
        {
            return self.fail_and_stop(&error);
        }
        if listener.is_some() {
            self.io.notify(&Notice::Listening { address: &address, listener });
        }
        self.tell_run(RunEvent::Listening { listener, address });
    }

    /// Writes the ready file and descriptor, and reports the run's own listener, if there is one.
    ///
    /// # Errors
    /// The ready file or descriptor cannot be written.
    pub(super) fn announce(&mut self) -> Result<()> {
        if let (Role::Listen(listen), Some(address)) = (&self.config.role, self.listeners.address()) {
            tell_ready(listen, &address)?;
            self.io.notify(&Notice::Listening { address: &address, listener: None });
            if let Some(sha256) = made_fingerprint(&self.config.tls) {
                self.io.notify(&Notice::Certificate { sha256: &sha256 });
            }
            self.start_companion(&address)?;
        }
        Ok(())
    }
}
