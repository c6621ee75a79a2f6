//! Scanning: the run of `tcpx scan`, from its hosts to its exit code.
//!
//! Owns the wiring between `scan`, which tries ports, and names, proxies and stdout. Decides nothing about a port.

use std::rc::Rc;

use crate::config::scan::PortState;
use crate::config::{Family, Role};
use crate::driver::parts::Parts;
use crate::driver::plan::{Defaults, Duties, Plan, Wishes};
use crate::driver::scan::NextPort;
use crate::endpoint::Endpoint;
use crate::error::{Error, Result};
use crate::net::dial::{self, Request};
use crate::net::reactor::Slot;
use crate::proxy::TARGET_REFUSED;
use crate::session::{ConnId, ConnView};

impl Parts {
    /// Looks the hosts up, unless a proxy does.
    ///
    /// # Errors
    /// A name with `-n`.
    pub(super) fn begin_scanning(&mut self) -> Result<()> {
        let Some(scan) = &mut self.scan else { return Ok(()) };
        self.stdout.begin();
        if !self.config.proxies.is_empty() {
            self.connect_to_ports();
            return Ok(());
        }
        for (number, host) in scan.hosts().to_vec().into_iter().enumerate() {
            let place = Endpoint::Tcp { host: Some(host.clone()), port: 0 };
            if place.name_to_resolve().is_none() {
                let found = dial::resolve(&host, 0, self.config.family);
                let found = found.map_err(|cause| Error::unresolved(host.clone(), cause))?;
                scan.set_addresses(number, &found);
                continue;
            }
            let plan = Plan::new(Defaults::of(&self.config), place, Wishes::default());
            plan.may_resolve(&host)?;
            let family: Family = self.config.family;
            self.io.network.resolve(Request::Scan(number), host, 0, family, &self.io.reactor.mailbox());
        }
        Ok(())
    }

    /// Handles the answer of the resolver for a host.
    pub(super) fn host_resolved(
        &mut self,
        number: usize,
        answer: std::result::Result<Vec<std::net::SocketAddr>, String>,
    ) {
        let Some(scan) = &mut self.scan else { return };
        match answer {
            Ok(addresses) => scan.set_addresses(number, &addresses),
            Err(cause) => {
                let error = Error::unresolved(scan.hosts()[number].clone(), cause);
                self.fail_and_stop(&error);
            }
        }
    }

    /// Handles an event of a port.
    pub(super) fn port_turn(&mut self, slot: Slot) {
        if let Some(scan) = &mut self.scan {
            scan.turn(&mut self.io, slot);
        }
    }

    /// Begins ports for which there is room, gives up those whose time is over, and writes what is known. Stops the run
    /// once all of it is.
    pub(super) fn scan_timers(&mut self) {
        if self.scan.is_none() || !self.shutdown.is_running() {
            return;
        }
        if self.config.proxies.is_empty() {
            self.begin_ports();
        } else {
            self.connect_to_ports();
        }
        let Some(scan) = &mut self.scan else { return };
        let lines = scan.take_lines();
        let is_complete = scan.is_complete();
        if !lines.is_empty() {
            self.emit(&lines);
        }
        if is_complete && self.shutdown.is_running() {
            if let Some(error) = self.scan.as_mut().and_then(|scan| scan.verdict()) {
                self.fail(&error);
            }
            self.stop(None);
        }
    }

    /// Writes what is left to be written at the end of the run.
    pub(super) fn end_scanning(&mut self) {
        let Some(scan) = &mut self.scan else { return };
        scan.stop(&mut self.io);
        let rest = scan.take_rest();
        if !rest.is_empty() {
            self.emit(&rest);
        }
    }

    fn begin_ports(&mut self) {
        let Some(scan) = &mut self.scan else { return };
        scan.expire(&mut self.io);
        if let Err(error) = scan.begin_some(&mut self.io) {
            self.fail_and_stop(&error);
        }
    }

    fn connect_to_ports(&mut self) {
        while let Some(scan) = &mut self.scan
            && let Some(NextPort { index, host, port }) = scan.next_port()
        {
            let target = Endpoint::Tcp { host: Some(host), port };
            let wishes = Wishes {
                limit: Some(scan.limit()),
                proxies: self.config.proxies.clone(),
                duties: Duties::of_scan(),
                ..Wishes::default()
            };
            let plan = Plan::new(Defaults::of(&self.config), target, wishes);
            let view = Rc::new(ConnView::dialing(self.ids.next(), &plan.target, &self.config.text, self.io.now));
            scan.note_connection(view.id, index);
            let outcomes = self.dials.start(&mut self.io, plan, view);
            self.dialed.extend(outcomes);
        }
    }

    /// Whether this role is a scan, which is over once its result is written.
    pub(super) fn is_scanning(&self) -> bool {
        matches!(self.config.role, Role::Scan(_)) && self.scan.as_ref().is_some_and(|scan| !scan.is_over())
    }

    /// A port that was reached through proxies accepts.
    pub(super) fn port_answered(&mut self, id: ConnId) {
        if let Some(scan) = &mut self.scan {
            scan.note_outcome(id, PortState::Open, None);
        }
    }

    /// A port that was reached through proxies has failed. A proxy that cannot be reached ends the run.
    pub(super) fn port_failed(&mut self, id: ConnId, is_on_the_way: bool, error: &Error) {
        if !self.shutdown.is_running() {
            return;
        }
        let state = match error {
            Error::Proxy { .. } if is_on_the_way => return self.fail_and_stop(error),
            Error::Proxy { message } if message.contains(TARGET_REFUSED) => PortState::Closed,
            Error::Proxy { .. } => PortState::Unknown,
            _ => PortState::Filtered,
        };
        let fault = matches!(error, Error::Proxy { .. }).then(|| Error::Proxy { message: error.to_string() });
        if let Some(scan) = &mut self.scan {
            scan.note_outcome(id, state, fault.filter(|_| state != PortState::Closed));
        }
    }
}
