//! Accepting: how many, how many at once, and what happens when descriptors run out.

use std::cell::{Cell, RefCell};
use std::fs;
use std::io::{self, Write};
use std::net::SocketAddr;
use std::path::Path;
use std::rc::Rc;
use std::time::{Duration, Instant};

use mio::Interest;
use mio::net::TcpListener;

use crate::config::{Family, Listen, Role};
use crate::driver::peers::Origin;
use crate::driver::workers::Worker;
use crate::driver::{Driver, Source};
use crate::endpoint::Endpoint;
use crate::error::{Error, Result, cause};
use crate::net::dial;
use crate::net::listener::{self, Accepted, BACKLOG, Options};
use crate::net::reactor::Slot;
use crate::script::Binder;
use crate::session::view::Side;
use crate::session::{ConnView, ListenerId};
use crate::sys;

/// Clients accepted in one turn before others have theirs.
const ACCEPT_BUDGET: usize = 64;
/// After running out of descriptors: no event comes when they are free again, so it is tried.
const RETRY: Duration = Duration::from_millis(100);

/// A listening socket.
pub(super) struct Acceptor {
    /// The number of one that a script opened.
    id: Option<ListenerId>,
    listener: TcpListener,
    address: SocketAddr,
    retry_at: Option<Instant>,
    told: bool,
}

/// Listeners that a script has just bound.
#[derive(Default)]
pub(super) struct PendingListeners {
    fresh: Rc<RefCell<Vec<(ListenerId, TcpListener, SocketAddr)>>>,
}

impl PendingListeners {
    /// What binds for a script: the port has to be known at once.
    pub(super) fn binder(&self, family: Family, shared: bool) -> Binder {
        let fresh = Rc::clone(&self.fresh);
        let last_id = Cell::new(0);
        Box::new(move |endpoint| {
            let (listener, address) = bind(endpoint, Options { family, backlog: BACKLOG, shared })?;
            last_id.set(last_id.get() + 1);
            fresh.borrow_mut().push((last_id.get(), listener, address));
            Ok((last_id.get(), address))
        })
    }
}

impl Driver {
    /// Binds and listens. One that is alone tells everybody who waits for it; one of several is told when.
    pub(super) fn begin_listening(&mut self, listen: &Listen) -> Result<()> {
        // One peer only: the kernel must not complete the handshake of a second.
        let backlog = listen.backlog.unwrap_or(if listen.single_peer { 0 } else { BACKLOG });
        if self.config.no_dns && !listen.address.is_numeric() {
            let host = listen.address.host_or("");
            return Err(Error::Resolve { host, cause: "names are not resolved with -n".into() });
        }
        let options = Options { family: self.config.family, backlog, shared: listen.workers > 1 };
        if self.worker.as_ref().is_some_and(Worker::is_first) && listen.address.port != 0 {
            // Another run with workers would share its clients with this one: nobody listens here alone.
            bind(&listen.address, Options { shared: false, ..options })?;
        }
        let (mut listener, address) = bind(&listen.address, options)?;
        let slot = self.io.reactor.register(&mut listener, Interest::READABLE);
        let slot = slot.map_err(|error| cannot_listen(&listen.address, &error))?;
        let acceptor = Acceptor { id: None, listener, address, retry_at: None, told: false };
        self.place(slot, Source::Acceptor(Box::new(acceptor)));
        self.acceptor = Some(slot);
        if self.worker.is_none() {
            self.announce()?;
        }
        self.script_listening(address);
        Ok(())
    }

    /// Tells everybody who waits for the listener, if there is one.
    pub(super) fn announce(&self) -> Result<()> {
        if let (Some(listen), Some(address)) = (self.listen_config(), self.listens_on()) {
            tell_ready(listen, address)?;
            self.io.console.listening(address);
        }
        Ok(())
    }

    /// Watches what a script has bound since the last call.
    pub(super) fn adopt_listeners(&mut self) {
        let fresh = std::mem::take(&mut *self.pending_listeners.fresh.borrow_mut());
        for (id, mut listener, address) in fresh {
            match self.io.reactor.register(&mut listener, Interest::READABLE) {
                Ok(slot) => {
                    let acceptor = Acceptor { id: Some(id), listener, address, retry_at: None, told: false };
                    self.place(slot, Source::Acceptor(Box::new(acceptor)));
                    self.script_listeners.insert(id, slot);
                }
                Err(error) => self.io.console.warn(&format!("listen on {address}: {}", cause(&error))),
            }
        }
    }

    /// Closes a listener that a script opened.
    pub(super) fn close_listener(&mut self, id: ListenerId) {
        self.adopt_listeners();
        if let Some(slot) = self.script_listeners.remove(&id) {
            self.drop_acceptor(slot);
        }
    }

    fn drop_acceptor(&mut self, slot: Slot) {
        if let Source::Acceptor(mut acceptor) = self.take(slot) {
            self.io.reactor.deregister(slot, &mut acceptor.listener);
        }
    }

    /// Accepts who waits, as far as the limits go.
    pub(super) fn accept_turn(&mut self, slot: Slot) {
        let Source::Acceptor(mut acceptor) = self.take(slot) else { return };
        let mut keep = true;
        for turn in 0.. {
            if (acceptor.id.is_none() && self.is_at_limit()) || acceptor.retry_at.is_some() {
                break;
            }
            if turn == ACCEPT_BUDGET {
                self.io.reactor.wake(slot);
                break;
            }
            match listener::accept(&acceptor.listener) {
                Accepted::Peer(mut tcp, peer) => {
                    let local = if acceptor.address.ip().is_unspecified() { tcp.local_addr().ok() } else { None };
                    let local = listener::plain(local.unwrap_or(acceptor.address));
                    match self.io.reactor.register(&mut tcp, Interest::READABLE | Interest::WRITABLE) {
                        Ok(slot) => {
                            let view = self.accepted_view(acceptor.id, listener::plain(peer), local);
                            let origin = if acceptor.id.is_none() { Origin::Main } else { Origin::Script };
                            self.add_peer(slot, Box::new(tcp), view, origin);
                        }
                        Err(error) => self.io.console.warn(&format!("accept {peer}: {}", cause(&error))),
                    }
                    self.accepted += u64::from(acceptor.id.is_none());
                    if acceptor.id.is_none() && self.is_last_accepted() {
                        keep = false;
                        break;
                    }
                }
                Accepted::None => {
                    // Nobody waits any more: the next shortage is another one.
                    acceptor.told = false;
                    self.io.reactor.readiness(slot).readable = false;
                    break;
                }
                Accepted::TryNext => {}
                Accepted::Exhausted(_) if self.io.splice_pool.close_kept() => {}
                Accepted::Exhausted(error) => {
                    acceptor.retry_at = Some(self.io.now + RETRY);
                    if !std::mem::replace(&mut acceptor.told, true) {
                        let cause = cause(&error);
                        self.io.console.warn(&format!("accept on {}: {cause}; clients wait", acceptor.address));
                    }
                    break;
                }
                Accepted::Failed(error) => {
                    self.fail(&Error::Bind {
                        operation: "accept on",
                        address: acceptor.address.to_string(),
                        cause: cause(&error),
                    });
                    self.stop(None);
                    keep = false;
                    break;
                }
            }
        }
        if keep {
            return self.place(slot, Source::Acceptor(acceptor));
        }
        match acceptor.id {
            None => self.acceptor = None,
            Some(id) => drop(self.script_listeners.remove(&id)),
        }
        self.io.reactor.deregister(slot, &mut acceptor.listener);
    }

    fn accepted_view(&self, listener: Option<ListenerId>, peer: SocketAddr, local: SocketAddr) -> Rc<ConnView> {
        let view = ConnView::new(self.ids.next(), peer, local, Side::Server, &self.config.text, self.io.now);
        view.nodelay.set(self.config.nodelay);
        view.listener.set(listener);
        Rc::new(view)
    }

    /// Stops listening: who still waits is refused.
    pub(super) fn stop_listening(&mut self) {
        self.adopt_listeners();
        let slots: Vec<Slot> = self.acceptors().collect();
        self.acceptor = None;
        self.script_listeners.clear();
        for slot in slots {
            self.drop_acceptor(slot);
        }
    }

    /// Whether somebody may still come: through the run's own listener, or a script's, unless the run's own has
    /// had its number.
    pub(super) fn is_listening(&self) -> bool {
        self.acceptor.is_some() || (!self.script_listeners.is_empty() && !self.is_last_accepted())
    }

    fn acceptors(&self) -> impl Iterator<Item = Slot> + use<> {
        let slots: Vec<Slot> = self.acceptor.iter().chain(self.script_listeners.values()).copied().collect();
        slots.into_iter()
    }

    /// A connection is over: another may be accepted.
    pub(super) fn wake_acceptor(&mut self) {
        if let Some(slot) = self.acceptor
            && self.io.reactor.readiness(slot).readable
        {
            self.io.reactor.wake(slot);
        }
    }

    /// When accepting is tried again without an event.
    pub(super) fn accept_deadline(&self) -> Option<Instant> {
        let retry = |slot| match self.sources.get(slot) {
            Some(Source::Acceptor(acceptor)) => acceptor.retry_at,
            _ => None,
        };
        self.acceptors().filter_map(retry).min()
    }

    pub(super) fn accept_timers(&mut self) {
        let now = self.io.now;
        for slot in self.acceptors() {
            if let Some(Source::Acceptor(acceptor)) = self.sources.get_mut(slot)
                && acceptor.retry_at.is_some_and(|at| at <= now)
            {
                acceptor.retry_at = None;
                self.io.reactor.wake(slot);
            }
        }
    }

    /// Where the run's own listener is.
    pub(super) fn listens_on(&self) -> Option<SocketAddr> {
        match self.sources.get(self.acceptor?)? {
            Source::Acceptor(acceptor) => Some(acceptor.address),
            _ => None,
        }
    }

    fn listen_config(&self) -> Option<&Listen> {
        match &self.config.role {
            Role::Listen(listen) => Some(listen),
            Role::Connect(_) => None,
        }
    }

    fn is_at_limit(&self) -> bool {
        self.listen_config().and_then(|listen| listen.max_conns).is_some_and(|most| self.clients >= most)
    }

    fn is_last_accepted(&self) -> bool {
        self.listen_config().and_then(|listen| listen.accept).is_some_and(|all| self.accepted >= all)
    }
}

/// Tells whoever waits for the listener where it is.
fn tell_ready(listen: &Listen, address: SocketAddr) -> Result<()> {
    let line = format!("{address}\n");
    if let Some(path) = &listen.ready_file {
        write_and_rename(path, &line)
            .map_err(|error| Error::Write { target: path.display().to_string(), cause: cause(&error) })?;
    }
    if let Some(fd) = listen.ready_fd {
        sys::unix::take_fd(fd)
            .and_then(|mut file| file.write_all(line.as_bytes()))
            .map_err(|error| Error::Write { target: format!("descriptor {fd}"), cause: cause(&error) })?;
    }
    Ok(())
}

/// Binds and listens. Names are resolved here and now: nothing else waits for this when a run begins.
fn bind(endpoint: &Endpoint, options: Options) -> Result<(TcpListener, SocketAddr)> {
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

/// Removes the ready file of an earlier run, so that nobody takes it for this one's.
pub(super) fn remove_old_ready_file(listen: &Listen) -> Result<()> {
    let Some(path) = &listen.ready_file else { return Ok(()) };
    match fs::remove_file(path) {
        Err(error) if error.kind() != io::ErrorKind::NotFound => {
            Err(Error::Write { target: path.display().to_string(), cause: cause(&error) })
        }
        _ => Ok(()),
    }
}

/// Writes beside the path and renames, so that a reader sees all of it or nothing.
fn write_and_rename(path: &Path, text: &str) -> io::Result<()> {
    let mut name = path.file_name().ok_or(io::ErrorKind::InvalidInput)?.to_owned();
    name.push(format!(".{}.tmp", std::process::id()));
    let beside = path.with_file_name(name);
    fs::write(&beside, text)?;
    fs::rename(&beside, path).inspect_err(|_| {
        let _ = fs::remove_file(&beside);
    })
}
