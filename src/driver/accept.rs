//! Accepting: how many, how many at once, and what happens when descriptors run out.

use std::fs;
use std::io::{self, Write};
use std::net::SocketAddr;
use std::path::Path;
use std::time::{Duration, Instant};

use mio::Interest;
use mio::net::TcpListener;

use crate::config::{Listen, Role};
use crate::driver::{Driver, Thing};
use crate::error::{Error, Result, cause};
use crate::net::dial;
use crate::net::listener::{self, Accepted, BACKLOG};
use crate::net::reactor::Slot;
use crate::session::view::Side;
use crate::sys;

/// Clients accepted in one turn before others have theirs.
const ACCEPT_BUDGET: usize = 64;
/// After running out of descriptors: no event comes when they are free again, so it is tried.
const RETRY: Duration = Duration::from_millis(100);

/// A listening socket.
pub(super) struct Acceptor {
    listener: TcpListener,
    address: SocketAddr,
    retry_at: Option<Instant>,
    told: bool,
}

impl Driver {
    /// Binds, listens and tells everybody who waits for it.
    pub(super) fn begin_listening(&mut self, listen: &Listen) -> Result<()> {
        // One peer only: the kernel must not complete the handshake of a second.
        let backlog = listen.backlog.unwrap_or(if listen.single { 0 } else { BACKLOG });
        let addresses = match &listen.address.host {
            None => listener::wildcard(self.config.family, listen.address.port),
            Some(host) if self.config.no_dns && !listen.address.is_numeric() => {
                return Err(Error::Resolve { host: host.clone(), cause: "names are not resolved with -n".into() });
            }
            // Nothing else goes on yet: resolving here keeps nobody waiting.
            Some(host) => dial::resolve(host, listen.address.port, self.config.family)
                .map_err(|cause| Error::Resolve { host: host.clone(), cause })?,
        };
        let failed = |error: &io::Error| Error::Bind {
            operation: "listen on",
            address: listen.address.to_string(),
            cause: cause(error),
        };
        let mut listener = listener::listen(&addresses, self.config.family, backlog).map_err(|error| failed(&error))?;
        let address = listener.local_addr().map_err(|error| failed(&error))?;
        let slot = self.reactor.register(&mut listener, Interest::READABLE).map_err(|error| failed(&error))?;
        let acceptor = Acceptor { listener, address, retry_at: None, told: false };
        self.place(slot, Thing::Acceptor(Box::new(acceptor)));
        self.acceptor = Some(slot);
        self.console.listening(address);
        tell_ready(listen, address)?;
        self.script_listening(address);
        Ok(())
    }

    /// Accepts who waits, as far as the limits go.
    pub(super) fn accept_turn(&mut self, slot: Slot) {
        let Thing::Acceptor(mut acceptor) = self.take(slot) else { return };
        let mut keep = true;
        for turn in 0.. {
            if self.is_at_limit() || acceptor.retry_at.is_some() {
                break;
            }
            if turn == ACCEPT_BUDGET {
                self.reactor.again(slot);
                break;
            }
            match listener::accept(&acceptor.listener) {
                Accepted::Peer(mut tcp, peer) => {
                    acceptor.told = false;
                    let local = if acceptor.address.ip().is_unspecified() { tcp.local_addr().ok() } else { None };
                    let local = listener::plain(local.unwrap_or(acceptor.address));
                    match self.reactor.register(&mut tcp, Interest::READABLE | Interest::WRITABLE) {
                        Ok(slot) => self.add_peer(slot, Box::new(tcp), listener::plain(peer), local, Side::Server),
                        Err(error) => self.console.warn(&format!("accept {peer}: {}", cause(&error))),
                    }
                    self.accepted += 1;
                    if self.is_last_accepted() {
                        keep = false;
                        break;
                    }
                }
                Accepted::None => {
                    self.reactor.readiness(slot).readable = false;
                    break;
                }
                Accepted::TryNext => {}
                Accepted::Exhausted(error) => {
                    acceptor.retry_at = Some(self.now + RETRY);
                    if !std::mem::replace(&mut acceptor.told, true) {
                        let cause = cause(&error);
                        self.console.warn(&format!("accept on {}: {cause}; clients wait", acceptor.address));
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
            self.place(slot, Thing::Acceptor(acceptor));
        } else {
            self.acceptor = None;
            self.reactor.deregister(slot, &mut acceptor.listener);
        }
    }

    /// Stops listening: who still waits is refused.
    pub(super) fn stop_listening(&mut self) {
        if let Some(slot) = self.acceptor.take()
            && let Thing::Acceptor(mut acceptor) = self.take(slot)
        {
            self.reactor.deregister(slot, &mut acceptor.listener);
        }
    }

    /// A connection is over: another may be accepted.
    pub(super) fn wake_acceptor(&mut self) {
        if let Some(slot) = self.acceptor
            && self.reactor.readiness(slot).readable
        {
            self.reactor.again(slot);
        }
    }

    /// When accepting is tried again without an event.
    pub(super) fn accept_deadline(&self) -> Option<Instant> {
        match self.acceptor.and_then(|slot| self.things.get(slot)) {
            Some(Thing::Acceptor(acceptor)) => acceptor.retry_at,
            _ => None,
        }
    }

    pub(super) fn accept_timers(&mut self) {
        let now = self.now;
        let Some(slot) = self.acceptor else { return };
        if let Some(Thing::Acceptor(acceptor)) = self.things.get_mut(slot)
            && acceptor.retry_at.is_some_and(|at| at <= now)
        {
            acceptor.retry_at = None;
            self.reactor.again(slot);
        }
    }

    fn listen_config(&self) -> Option<&Listen> {
        match &self.config.role {
            Role::Listen(listen) => Some(listen),
            Role::Connect(_) => None,
        }
    }

    fn is_at_limit(&self) -> bool {
        self.listen_config().and_then(|listen| listen.max_conns).is_some_and(|most| self.open >= most)
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
