//! TLS from files: certificates, keys and roots, read and put together for the layer.
//!
//! Owns which file is what, and what is wrong with it. How TLS is spoken is the business of [`crate::layer::tls`].

mod files;
mod roots;
mod self_signed;

use std::sync::Arc;

use rustls::client::{Resumption, WebPkiServerVerifier};
use rustls::crypto::{CryptoProvider, ring};
use rustls::pki_types::{CertificateDer, PrivateKeyDer, PrivatePkcs8KeyDer, ServerName};
use rustls::server::{NoServerSessionStorage, WebPkiClientVerifier};
use rustls::{ClientConfig, InconsistentKeys, KeyLogFile, RootCertStore, ServerConfig};

use crate::config::tls::{Identity, Tls};
use crate::error::{Error, Result};
use crate::layer::tls::certificate::Fingerprint;
use crate::layer::tls::verifier::{Trust, Verifier, unacceptable};
use crate::layer::tls::{ClientSide, ServerSide};

pub use self_signed::make as make_certificate;

/// The client's side for these settings.
///
/// # Errors
/// A file cannot be read, or does not hold what it should.
pub fn client(settings: &Tls) -> Result<ClientSide> {
    let provider = provider();
    let trust = Arc::new(trust(settings, &provider)?);
    let verifier = Verifier {
        trust: Arc::clone(&trust),
        provider: Arc::clone(&provider),
        reason: crate::layer::tls::verifier::Reason::default(),
    };
    let builder = ClientConfig::builder_with_provider(provider).with_safe_default_protocol_versions();
    let builder = builder.map_err(|error| unusable(&error))?;
    let builder = builder.dangerous().with_custom_certificate_verifier(Arc::new(verifier));
    let mut config = match identity(&settings.identity)? {
        Some((chain, key)) => builder.with_client_auth_cert(chain, key).map_err(|error| unusable(&error))?,
        None => builder.with_no_client_auth(),
    };
    config.alpn_protocols = protocols(settings);
    // Each handshake is a whole one, so that each verifies the server.
    config.resumption = Resumption::disabled();
    config.key_log = Arc::new(KeyLogFile::new());
    Ok(ClientSide { config: Arc::new(config), trust })
}

/// The server's side for these settings, which name a certificate.
///
/// # Errors
/// As for [`client`], or there is no certificate.
pub fn server(settings: &Tls) -> Result<ServerSide> {
    let Some((chain, key)) = identity(&settings.identity)? else {
        return Err(Error::certificate("a TLS server needs a certificate", Some("--tls-cert FILE --tls-key FILE")));
    };
    let provider = provider();
    let builder = ServerConfig::builder_with_provider(Arc::clone(&provider)).with_safe_default_protocol_versions();
    let builder = builder.map_err(|error| unusable(&error))?;
    let builder = match &settings.client_ca {
        Some(path) => {
            let roots = Arc::new(store(files::authorities("--tls-client-ca", path)?));
            let verifier = WebPkiClientVerifier::builder_with_provider(roots, provider).build();
            builder.with_client_cert_verifier(verifier.map_err(|error| files::no_authorities(path, &error))?)
        }
        None => builder.with_no_client_auth(),
    };
    let mut config = builder.with_single_cert(chain, key).map_err(|error| unusable(&error))?;
    config.alpn_protocols = protocols(settings);
    // A client that leaves without having read its tickets would reset the connection, and lose what it has sent.
    config.send_tls13_tickets = 0;
    config.session_storage = Arc::new(NoServerSessionStorage {});
    config.key_log = Arc::new(KeyLogFile::new());
    Ok(ServerSide { config: Arc::new(config) })
}

/// The name that the certificate of a server has to be for: the one asked for, or the host's.
///
/// # Errors
/// There is none, or it is no name that a certificate can be for.
pub fn server_name(settings: &Tls, host: Option<&str>) -> Result<ServerName<'static>> {
    let host = host.map(|host| host.split_once('%').map_or(host, |(address, _)| address));
    let name = settings.name.as_deref().or(host);
    let Some(name) = name else {
        // Nobody looks at it.
        if settings.insecure || !settings.pins.is_empty() {
            return server_name_of("localhost");
        }
        return Err(Error::usage_hint(
            "TLS to a Unix socket needs the name the certificate is for",
            "add --tls-name NAME, --tls-pin SHA256 or --tls-insecure",
        ));
    };
    server_name_of(name)
}

fn server_name_of(name: &str) -> Result<ServerName<'static>> {
    let name = name.strip_suffix('.').filter(|rest| !rest.is_empty()).unwrap_or(name);
    ServerName::try_from(name.to_owned())
        .map_err(|_| Error::usage_hint(format!("{name:?} is no name that a certificate can be for"), "--tls-name NAME"))
}

fn provider() -> Arc<CryptoProvider> {
    Arc::new(ring::default_provider())
}

fn protocols(settings: &Tls) -> Vec<Vec<u8>> {
    settings.alpn.iter().map(|name| name.clone().into_bytes()).collect()
}

fn trust(settings: &Tls, provider: &Arc<CryptoProvider>) -> Result<Trust> {
    if settings.insecure {
        return Ok(Trust::Anybody);
    }
    if !settings.pins.is_empty() {
        return Ok(Trust::Pinned(settings.pins.iter().copied().map(Fingerprint).collect()));
    }
    let Some(path) = &settings.ca else { return Ok(Trust::System(roots::of_system(provider))) };
    let certificates = files::authorities("--tls-ca", path)?;
    let signed = verifier(store(certificates.clone()), provider);
    let signed = signed.map_err(|error| files::no_authorities(path, &error))?;
    Ok(Trust::Authorities { certificates, signed, common_name: settings.common_name })
}

fn verifier(
    roots: RootCertStore,
    provider: &Arc<CryptoProvider>,
) -> std::result::Result<Arc<WebPkiServerVerifier>, rustls::client::VerifierBuilderError> {
    WebPkiServerVerifier::builder_with_provider(Arc::new(roots), Arc::clone(provider)).build()
}

fn store(certificates: Vec<CertificateDer<'static>>) -> RootCertStore {
    let mut roots = RootCertStore::empty();
    roots.add_parsable_certificates(certificates);
    roots
}

type Pair = (Vec<CertificateDer<'static>>, PrivateKeyDer<'static>);

fn identity(identity: &Identity) -> Result<Option<Pair>> {
    match identity {
        Identity::None => Ok(None),
        Identity::Files { cert, key } => {
            let chain = files::chain(cert)?;
            Ok(Some((chain, files::key(key.as_deref().unwrap_or(cert), key.is_none())?)))
        }
        Identity::Made(made) => {
            let key = PrivateKeyDer::Pkcs8(PrivatePkcs8KeyDer::from(made.key.clone()));
            Ok(Some((vec![CertificateDer::from(made.cert.clone())], key)))
        }
    }
}

/// The error for a certificate and a key that rustls does not take.
fn unusable(error: &rustls::Error) -> Error {
    match error {
        rustls::Error::InconsistentKeys(InconsistentKeys::KeyMismatch) => Error::certificate(
            "the private key is not that of the certificate",
            Some("--tls-cert and --tls-key have to be a pair; the first certificate of the file is ours"),
        ),
        rustls::Error::InvalidCertificate(error) => {
            Error::certificate(format!("our certificate: {}", unacceptable(error)), None)
        }
        other => Error::certificate(format!("our certificate or key: {other}"), None),
    }
}
