//! Whom the system trusts.
//!
//! Owns when its certificates are read: on a thread, while the connection is made, so that nobody waits for them.

use std::sync::{Arc, OnceLock};
use std::thread;

use rustls::RootCertStore;
use rustls::client::WebPkiServerVerifier;
use rustls::crypto::CryptoProvider;
use rustls_native_certs::ErrorKind;

use crate::error::cause;

type Found = Result<Arc<WebPkiServerVerifier>, String>;
type Ask = Box<dyn Fn() -> Found + Send + Sync>;

/// A function that waits for whom the system trusts.
pub(super) fn of_system(provider: &Arc<CryptoProvider>) -> Ask {
    let found: Arc<OnceLock<Found>> = Arc::default();
    let (early, provider) = (Arc::clone(&found), Arc::clone(provider));
    let for_thread = Arc::clone(&provider);
    // Without a thread they are read once they are asked for.
    let _ = thread::Builder::new().name("roots".into()).spawn(move || {
        early.get_or_init(|| read(&for_thread));
    });
    Box::new(move || found.get_or_init(|| read(&provider)).clone())
}

fn read(provider: &Arc<CryptoProvider>) -> Found {
    let found = rustls_native_certs::load_native_certs();
    let mut roots = RootCertStore::empty();
    roots.add_parsable_certificates(found.certs);
    if roots.is_empty() {
        let why = found.errors.first().map(|error| match &error.kind {
            ErrorKind::Io { inner, path } => format!(": read {}: {}", path.display(), cause(inner)),
            _ => format!(": {error}"),
        });
        let why = why.unwrap_or_default();
        return Err(format!("the system has no certificates to trust{why}"));
    }
    super::verifier(roots, provider).map_err(|error| error.to_string())
}
