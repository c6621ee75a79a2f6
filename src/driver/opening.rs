//! Opening: what a run begins with, and how connections come into the loop: accepted, or connected.
//!
//! Owns the wiring from listeners and dials to the table of connections. Limits and attempts are theirs.

use std::net::SocketAddr;

use crate::config::{Connect, Family, Listen, Role};
use crate::driver::dials::{self, Outcome, Plan};
use crate::driver::duties::Duties;
use crate::driver::listeners::{self, Arrival};
use crate::driver::parts::Parts;
use crate::driver::ready;
use crate::driver::workers::Worker;
use crate::error::{Error, Result};
use crate::net::listener::{BACKLOG, Options};
use crate::net::reactor::Slot;
use crate::session::view::Side;
use crate::session::{ConnView, RunEvent};

/// Maximum clients accepted in one turn.
const ACCEPT_BUDGET: usize = 64;

impl Parts {
    /// Accepts who waits, as far as the limits and the budget of a turn go.
    pub(super) fn accept_turn(&mut self, slot: Slot) {
        for _ in 0..ACCEPT_BUDGET {
            match self.listeners.accept(&mut self.io, slot, self.peers.counted()) {
                Arrival::Client { slot, tcp, peer, local, listener } => {
                    let id = self.ids.next();
                    let view = ConnView::new(id, peer, local, Side::Server, &self.config.text, self.io.now);
                    view.nodelay.set(self.config.nodelay);
                    view.listener.set(listener);
                    let duties =
                        if listener.is_none() { Duties::of_run(self.config.is_single_peer()) } else { Duties::SCRIPT };
                    self.add_peer(slot, Box::new(tcp), view.into(), duties);
                }
                Arrival::Trouble(message) => self.io.console.warn(&message),
                Arrival::Done => return,
                Arrival::Failed(error) => return self.fail_and_stop(&error),
            }
        }
        self.io.reactor.wake(slot);
    }

    /// Acts on what became of connections that were wanted.
    pub(super) fn finish_dials(&mut self) {
        while let Some(outcome) = self.dials.next_outcome() {
            match outcome {
                Outcome::Connected { slot, transport, view, duties, tasks } => {
                    self.add_peer(slot, transport, view, duties);
                    self.work_on(slot, |peer| tasks.into_iter().for_each(|task| task(peer)));
                }
                Outcome::Probed(peer) => self.io.console.note(&format!("connected to {peer}")),
                Outcome::Failed { view, duties, error } => self.connect_failed(&view, duties.decides_exit, &error),
            }
        }
    }

    /// Starts what the role asks for, after the script has started.
    ///
    /// # Errors
    /// What cannot be had at all.
    pub(super) fn begin(&mut self) -> Result<()> {
        self.script_starting()?;
        if !self.shutdown.is_running() {
            return Ok(());
        }
        self.stdin.register(&mut self.io)?;
        match self.config.role.clone() {
            Role::Connect(connect) => self.begin_connecting(&connect),
            Role::Listen(listen) => self.begin_listening(&listen),
        }
    }

    fn begin_connecting(&mut self, connect: &Connect) -> Result<()> {
        let source = match &connect.source {
            Some(source) => Some(dials::local_address(&source.host_or("0.0.0.0"), source.port, self.config.family)?),
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
        let target = connect.target.to_string();
        let view = ConnView::wanted(self.ids.next(), target.clone(), &self.config.text, self.io.now);
        view.nodelay.set(self.config.nodelay);
        let plan = Plan {
            view: view.into(),
            target,
            host,
            port: connect.target.port,
            is_address: connect.target.is_numeric() && connect.target.host.is_some(),
            family,
            source,
            limit: self.config.limits.connect,
            probe: connect.probe,
            duties: Duties::of_run(true),
        };
        self.dials.start(&mut self.io, plan);
        Ok(())
    }

    fn begin_listening(&mut self, listen: &Listen) -> Result<()> {
        // One peer only: the kernel must not complete the handshake of a second.
        let backlog = listen.backlog.unwrap_or(if listen.single_peer { 0 } else { BACKLOG });
        if self.config.no_dns && !listen.address.is_numeric() {
            let host = listen.address.host_or("");
            return Err(Error::Resolve { host, cause: "names are not resolved with -n".into() });
        }
        let options = Options { family: self.config.family, backlog, shared: listen.workers > 1 };
        if self.worker.as_ref().is_some_and(Worker::is_first) && listen.address.port != 0 {
            // Another run with workers would share its clients with this one: nobody listens here alone.
            listeners::bind(&listen.address, Options { shared: false, ..options })?;
        }
        let address = self.listeners.listen(&mut self.io, &listen.address, options)?;
        if self.worker.is_none() {
            self.announce()?;
        }
        self.tell_run(RunEvent::Listening(address));
        Ok(())
    }

    /// Tells everybody who waits for the run's own listener, if there is one.
    ///
    /// # Errors
    /// The ready file or descriptor cannot be written.
    pub(super) fn announce(&self) -> Result<()> {
        if let (Role::Listen(listen), Some(address)) = (&self.config.role, self.listeners.address()) {
            ready::tell_ready(listen, address)?;
            self.io.console.listening(address);
        }
        Ok(())
    }
}
