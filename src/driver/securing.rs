//! `Securing`: which connections speak TLS, and with what: certificates, roots and limits of the run.
//!
//! Owns what was read for TLS, so that it is read once. What the command line asks for is read at the start, before anything is
//! touched; the rest when a script first asks for it.

use std::cell::RefCell;
use std::rc::Rc;
use std::time::{Duration, Instant};

use rustls::pki_types::ServerName;

use crate::config::tls::{Identity, Tls as Settings};
use crate::config::{Config, Role, show_duration};
use crate::endpoint::Endpoint;
use crate::error::{Error, Result};
use crate::layer::tls::certificate::Fingerprint;
use crate::layer::tls::{ClientSide, HandshakeLimit, ServerSide, Tls};
use crate::net::tls;

/// What was read for TLS.
#[derive(Default)]
pub(super) struct Securing {
    clients: RefCell<Vec<(Settings, ClientSide)>>,
    servers: RefCell<Vec<(Settings, ServerSide)>>,
    /// The certificate that was made for a script without one, and whether that was told.
    made: RefCell<Option<(Identity, bool)>>,
}

/// TLS of one connection.
#[derive(Clone, Debug)]
pub(super) struct Security {
    end: End,
    handshake: Duration,
}

#[derive(Clone, Debug)]
enum End {
    Client(ClientSide, ServerName<'static>),
    Server(ServerSide),
}

/// When a connection has to stand, handshake included.
#[derive(Clone, Copy, Debug)]
pub(super) struct ConnectLimit {
    /// When it is over.
    pub(super) at: Instant,
    /// How long it was.
    pub(super) limit: Duration,
}

/// Makes a certificate for a TLS server that has none.
///
/// # Errors
/// Its host is no name that a certificate can be for.
pub(super) fn make_certificate(config: &mut Config) -> Result<()> {
    if let Role::Listen(listen) = &config.role
        && config.tls.is_on
        && config.tls.identity == Identity::None
    {
        config.tls.identity = Identity::Made(tls::make_certificate(listen.address.host())?);
    }
    Ok(())
}

/// The SHA-256 of the certificate that was made for the run.
pub(super) fn made_fingerprint(settings: &Settings) -> Option<String> {
    match &settings.identity {
        Identity::Made(made) => Some(Fingerprint::of(&made.cert).to_string()),
        Identity::None | Identity::Files { .. } => None,
    }
}

impl Securing {
    /// Reads what the command line names.
    ///
    /// # Errors
    /// A file cannot be used, or the target has no name that a certificate can be for.
    pub(super) fn new(config: &Config) -> Result<Self> {
        let securing = Self::default();
        let settings = &config.tls;
        let is_for_script = !settings.is_on && config.script.is_some();
        match &config.role {
            Role::Connect(connect) if settings.is_on => drop(securing.client(settings, &connect.target)?),
            Role::Listen(_) if settings.is_on => drop(securing.server(settings)?),
            _ => {}
        }
        if is_for_script && settings.ca.is_some() {
            securing.client_side(settings)?;
        }
        if is_for_script && (settings.identity != Identity::None || settings.client_ca.is_some()) {
            securing.server_side(settings)?;
        }
        Ok(securing)
    }

    /// TLS of the run's own connection, or of its clients.
    ///
    /// # Errors
    /// As [`Securing::new`].
    pub(super) fn of_run(&self, config: &Config) -> Result<Option<Rc<Security>>> {
        match &config.role {
            _ if !config.tls.is_on => Ok(None),
            Role::Connect(connect) => self.client(&config.tls, &connect.target).map(Some),
            Role::Listen(_) => self.server(&config.tls).map(Some),
            Role::Run | Role::Scan(_) => Ok(None),
        }
    }

    /// TLS as client of a server.
    ///
    /// # Errors
    /// A file cannot be used, or the server has no name that a certificate can be for.
    pub(super) fn client(&self, settings: &Settings, target: &Endpoint) -> Result<Rc<Security>> {
        let host = if target.is_unix() { None } else { Some(target.host().unwrap_or("localhost")) };
        let name = tls::server_name(settings, host)?;
        let side = self.client_side(settings)?;
        Ok(Rc::new(Security { end: End::Client(side, name), handshake: settings.handshake }))
    }

    /// TLS as server; without a certificate, with one that is made once.
    ///
    /// # Errors
    /// A file cannot be used.
    pub(super) fn server(&self, settings: &Settings) -> Result<Rc<Security>> {
        let mut settings = settings.clone();
        if settings.identity == Identity::None {
            let mut made = self.made.borrow_mut();
            if made.is_none() {
                *made = Some((Identity::Made(tls::make_certificate(None)?), false));
            }
            settings.identity = made.as_ref().map(|(identity, _)| identity.clone()).unwrap_or_default();
        }
        let settings = &settings;
        let side = self.server_side(settings)?;
        Ok(Rc::new(Security { end: End::Server(side), handshake: settings.handshake }))
    }

    /// The SHA-256 of a certificate that was made for a script, once.
    pub(super) fn take_made(&self) -> Option<String> {
        let mut made = self.made.borrow_mut();
        let (Identity::Made(made), is_told) = made.as_mut()? else { return None };
        (!std::mem::replace(is_told, true)).then(|| Fingerprint::of(&made.cert).to_string())
    }

    fn client_side(&self, settings: &Settings) -> Result<ClientSide> {
        read_once(&self.clients, settings, tls::client)
    }

    fn server_side(&self, settings: &Settings) -> Result<ServerSide> {
        read_once(&self.servers, settings, tls::server)
    }
}

/// What was read for these settings, or is read now.
fn read_once<S: Clone>(
    known: &RefCell<Vec<(Settings, S)>>,
    settings: &Settings,
    read: impl FnOnce(&Settings) -> Result<S>,
) -> Result<S> {
    if let Some((_, side)) = known.borrow().iter().find(|(known, _)| known == settings) {
        return Ok(side.clone());
    }
    let side = read(settings)?;
    known.borrow_mut().push((settings.clone(), side.clone()));
    Ok(side)
}

impl Security {
    /// The layer of a connection that begins at `now`.
    ///
    /// # Errors
    /// The settings contradict each other.
    pub(super) fn layer(&self, now: Instant, connect: Option<ConnectLimit>) -> Result<Tls> {
        let own = (now + self.handshake, "--handshake-timeout", self.handshake);
        let outer = connect.map(|connect| (connect.at, "the limit for connecting", connect.limit));
        let (at, what, limit) = outer.filter(|outer| outer.0 < own.0).unwrap_or(own);
        let message = format!("the TLS handshake timed out after {} ({what})", show_duration(limit));
        let limit = HandshakeLimit { at, message };
        let layer = match &self.end {
            End::Client(side, name) => Tls::client(side, name.clone(), limit),
            End::Server(side) => Tls::server(side, limit),
        };
        layer.map_err(|why| Error::certificate(format!("TLS: {why}"), None))
    }
}
