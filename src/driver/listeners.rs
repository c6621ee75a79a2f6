//! `Listeners`: the listening sockets of a run, its own and those of its script.
//!
//! Owns how many clients are accepted, how many at once, and what happens when descriptors run out. What is accepted is
//! returned; who takes it is not known here.

use std::cell::{Cell, RefCell};
use std::io;
use std::net::SocketAddr;
use std::rc::Rc;
use std::time::{Duration, Instant};

use mio::Interest;
use mio::net::TcpListener;

use crate::config::Family;
use crate::driver::io::{Io, Source};
use crate::endpoint::Endpoint;
use crate::error::{Error, Result, cause};
use crate::net::dial;
use crate::net::listener::{self, Accepted, BACKLOG, Options};
use crate::net::reactor::Slot;
use crate::net::tcp::Tcp;
use crate::script::Binder;
use crate::session::ListenerId;

/// After running out of descriptors: no event comes when they are free again, so accepting is tried.
const RETRY: Duration = Duration::from_millis(100);

/// All listening sockets of a run.
#[derive(Default)]
pub(super) struct Listeners {
    acceptors: Vec<Acceptor>,
    pending: PendingListeners,
    /// Clients that the run's own listener has accepted.
    accepted: u64,
    /// How many it accepts in all, and how many may be open at once.
    limits: Limits,
}

/// Limits of the run's own listener.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Limits {
    pub(super) accept: Option<u64>,
    pub(super) max_conns: Option<usize>,
}

/// A listening socket.
struct Acceptor {
    slot: Slot,
    /// The number of one that a script opened.
    id: Option<ListenerId>,
    listener: TcpListener,
    address: SocketAddr,
    retry_at: Option<Instant>,
    /// The shortage of descriptors was told.
    is_told: bool,
}

/// Listeners that a script has bound and that are not registered yet.
#[derive(Default)]
struct PendingListeners {
    fresh: Rc<RefCell<Vec<(ListenerId, TcpListener, SocketAddr)>>>,
}

/// One client, or what happened instead.
pub(super) enum Arrival {
    /// A client. `listener`: the script's listener that accepted it.
    Client { slot: Slot, tcp: Tcp, peer: SocketAddr, local: SocketAddr, listener: Option<ListenerId> },
    /// A client that could not be taken, or a shortage.
    Trouble(String),
    /// Nobody more for now.
    Done,
    /// The listener is broken, and closed.
    Failed(Error),
}

impl Listeners {
    /// No listener yet; the run's own will have these limits.
    pub(super) fn new(limits: Limits) -> Self {
        Self { limits, ..Self::default() }
    }

    /// What binds for a script: the port has to be known at once.
    pub(super) fn binder(&self, family: Family, shared: bool) -> Binder {
        let fresh = Rc::clone(&self.pending.fresh);
        let last_id = Cell::new(0);
        Box::new(move |endpoint| {
            let (listener, address) = bind(endpoint, Options { family, backlog: BACKLOG, shared })?;
            last_id.set(last_id.get() + 1);
            fresh.borrow_mut().push((last_id.get(), listener, address));
            Ok((last_id.get(), address))
        })
    }

    /// Binds the run's own listener. Returns its address.
    ///
    /// # Errors
    /// The address cannot be had.
    pub(super) fn listen(&mut self, io: &mut Io, endpoint: &Endpoint, options: Options) -> Result<SocketAddr> {
        let (listener, address) = bind(endpoint, options)?;
        self.add(io, None, listener, address).map_err(|error| cannot_listen(endpoint, &error))?;
        Ok(address)
    }

    /// Registers what a script has bound since the last call. Returns what went wrong.
    pub(super) fn adopt(&mut self, io: &mut Io) -> Option<String> {
        if self.pending.fresh.borrow().is_empty() {
            return None;
        }
        let mut trouble = None;
        for (id, listener, address) in self.pending.fresh.take() {
            if let Err(error) = self.add(io, Some(id), listener, address) {
                trouble = Some(format!("listen on {address}: {}", cause(&error)));
            }
        }
        trouble
    }

    fn add(
        &mut self,
        io: &mut Io,
        id: Option<ListenerId>,
        mut listener: TcpListener,
        address: SocketAddr,
    ) -> io::Result<()> {
        let slot = io.register(&mut listener, Interest::READABLE, Source::Listener)?;
        self.acceptors.push(Acceptor { slot, id, listener, address, retry_at: None, is_told: false });
        Ok(())
    }

    /// Accepts one client that waits, as far as the limits go. `open`: clients that are open now.
    pub(super) fn accept(&mut self, io: &mut Io, slot: Slot, open: usize) -> Arrival {
        let is_at_limit = self.limits.max_conns.is_some_and(|most| open >= most);
        loop {
            let Some(acceptor) = self.acceptors.iter_mut().find(|acceptor| acceptor.slot == slot) else {
                return Arrival::Done;
            };
            if (acceptor.id.is_none() && is_at_limit) || acceptor.retry_at.is_some() {
                return Arrival::Done;
            }
            match listener::accept(&acceptor.listener) {
                Accepted::Peer(mut tcp, peer) => {
                    let local = if acceptor.address.ip().is_unspecified() { tcp.local_addr().ok() } else { None };
                    let local = listener::plain(local.unwrap_or(acceptor.address));
                    let listener = acceptor.id;
                    if listener.is_none() {
                        self.accepted += 1;
                        if self.is_last_accepted() {
                            self.close(io, slot);
                        }
                    }
                    return match io.register(&mut tcp, Interest::READABLE | Interest::WRITABLE, Source::Peer) {
                        Ok(slot) => Arrival::Client { slot, tcp, peer: listener::plain(peer), local, listener },
                        Err(error) => Arrival::Trouble(format!("accept {peer}: {}", cause(&error))),
                    };
                }
                Accepted::None => {
                    // Nobody waits any more: the next shortage is another one.
                    acceptor.is_told = false;
                    io.reactor.readiness(slot).readable = false;
                    return Arrival::Done;
                }
                Accepted::TryNext => {}
                Accepted::Exhausted(_) if io.splice_pool.close_kept() => {}
                Accepted::Exhausted(error) => {
                    acceptor.retry_at = Some(io.now + RETRY);
                    if std::mem::replace(&mut acceptor.is_told, true) {
                        return Arrival::Done;
                    }
                    let cause = cause(&error);
                    return Arrival::Trouble(format!("accept on {}: {cause}; clients wait", acceptor.address));
                }
                Accepted::Failed(error) => {
                    let address = acceptor.address.to_string();
                    self.close(io, slot);
                    return Arrival::Failed(Error::Bind { operation: "accept on", address, cause: cause(&error) });
                }
            }
        }
    }

    fn close(&mut self, io: &mut Io, slot: Slot) {
        if let Some(at) = self.acceptors.iter().position(|acceptor| acceptor.slot == slot) {
            let mut acceptor = self.acceptors.swap_remove(at);
            io.deregister(slot, &mut acceptor.listener);
        }
    }

    /// Closes a listener that a script opened.
    pub(super) fn close_of_script(&mut self, io: &mut Io, id: ListenerId) {
        if let Some(acceptor) = self.acceptors.iter().find(|acceptor| acceptor.id == Some(id)) {
            self.close(io, acceptor.slot);
        }
    }

    /// Closes all listeners: clients that still wait are refused.
    pub(super) fn stop(&mut self, io: &mut Io) {
        for mut acceptor in self.acceptors.drain(..) {
            io.deregister(acceptor.slot, &mut acceptor.listener);
        }
    }

    /// Whether somebody may still come: through the run's own listener, or a script's, unless the run's own has had its
    /// number.
    pub(super) fn is_listening(&self) -> bool {
        let is_open = |of_script: bool| self.acceptors.iter().any(|acceptor| acceptor.id.is_some() == of_script);
        is_open(false) || (is_open(true) && !self.is_last_accepted())
    }

    /// A connection is over: the run's own listener may accept another.
    pub(super) fn wake(&self, io: &mut Io) {
        if let Some(acceptor) = self.acceptors.iter().find(|acceptor| acceptor.id.is_none())
            && io.reactor.readiness(acceptor.slot).readable
        {
            io.reactor.wake(acceptor.slot);
        }
    }

    /// When accepting is tried again without an event.
    pub(super) fn deadline(&self) -> Option<Instant> {
        self.acceptors.iter().filter_map(|acceptor| acceptor.retry_at).min()
    }

    /// Accepting may be due again.
    pub(super) fn handle_timeout(&mut self, io: &mut Io) {
        for acceptor in &mut self.acceptors {
            if acceptor.retry_at.is_some_and(|at| at <= io.now) {
                acceptor.retry_at = None;
                io.reactor.wake(acceptor.slot);
            }
        }
    }

    /// Where the run's own listener is.
    pub(super) fn address(&self) -> Option<SocketAddr> {
        self.acceptors.iter().find(|acceptor| acceptor.id.is_none()).map(|acceptor| acceptor.address)
    }

    fn is_last_accepted(&self) -> bool {
        self.limits.accept.is_some_and(|all| self.accepted >= all)
    }
}

/// Binds and listens. Names are resolved here and now: nothing else waits for this when a run begins.
pub(super) fn bind(endpoint: &Endpoint, options: Options) -> Result<(TcpListener, SocketAddr)> {
    let addresses = match &endpoint.host {
        None => listener::wildcard(options.family, endpoint.port),
        Some(host) => dial::resolve(host, endpoint.port, options.family)
            .map_err(|cause| Error::Resolve { host: host.clone(), cause })?,
    };
    let bound = listener::listen(&addresses, options).and_then(|listener| {
        let address = listener.local_addr()?;
        Ok((listener, address))
    });
    bound.map_err(|error| cannot_listen(endpoint, &error))
}

fn cannot_listen(endpoint: &Endpoint, error: &io::Error) -> Error {
    Error::Bind { operation: "listen on", address: endpoint.to_string(), cause: cause(error) }
}
