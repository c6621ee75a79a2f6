//! The client's side of TLS: what its connections have in common, and the first step of each.
//!
//! Owns the verifier that each connection gets for itself, so that a refusal can be told with its reason.

use std::sync::{Arc, Mutex, PoisonError};

use rustls::pki_types::ServerName;
use rustls::{ClientConfig, ClientConnection};

use super::verifier::{Reason, Refusal, Trust, Verifier};

/// What all connections of a client have in common.
#[derive(Clone, Debug)]
pub struct ClientSide {
    /// Versions, suites, our certificate, ALPN. Its verifier is replaced for each connection.
    pub config: Arc<ClientConfig>,
    /// Whom it trusts.
    pub trust: Arc<Trust>,
}

impl ClientSide {
    /// A connection to the server of that name, and where its verifier leaves the reason of a refusal.
    ///
    /// # Errors
    /// The settings contradict each other.
    pub(super) fn begin(&self, name: ServerName<'static>) -> Result<(ClientConnection, Reason), rustls::Error> {
        let reason = Reason::default();
        let mut config = ClientConfig::clone(&self.config);
        let provider = Arc::clone(config.crypto_provider());
        let verifier = Verifier { trust: Arc::clone(&self.trust), provider, reason: Arc::clone(&reason) };
        config.dangerous().set_certificate_verifier(Arc::new(verifier));
        Ok((ClientConnection::new(Arc::new(config), name)?, reason))
    }
}

/// The reason that a verifier has left, once.
pub(super) fn take_reason(reason: &Mutex<Option<Refusal>>) -> Option<Refusal> {
    reason.lock().unwrap_or_else(PoisonError::into_inner).take()
}
