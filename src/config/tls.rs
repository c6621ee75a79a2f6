//! `Tls`: what the user asked of TLS, as plain data.
//!
//! Owns the settings alone. Files are read, and names and numbers used, by others.

use std::path::PathBuf;
use std::time::Duration;

/// Default time limit of a TLS handshake.
pub const HANDSHAKE_TIMEOUT: Duration = Duration::from_secs(10);

/// The settings of TLS, for the run's own connections and as defaults for those of a script.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Tls {
    /// The run's own connections speak TLS from their start.
    pub is_on: bool,
    /// `--tls-ca`: certificates to trust in place of the system's.
    pub ca: Option<PathBuf>,
    /// A certificate of `ca` that names no host is for its common name, as Ncat takes it.
    pub common_name: bool,
    /// `--tls-insecure`: everybody is trusted.
    pub insecure: bool,
    /// `--tls-pin`: SHA-256 of the certificates to trust, whatever they say.
    pub pins: Vec<[u8; 32]>,
    /// `--tls-name`: the name the server's certificate has to be for, in place of the host's.
    pub name: Option<String>,
    /// `--tls-alpn`: the protocols to speak inside, the best first.
    pub alpn: Vec<String>,
    /// Our certificate.
    pub identity: Identity,
    /// `--tls-client-ca`: clients have to show a certificate signed by one of these.
    pub client_ca: Option<PathBuf>,
    /// `--handshake-timeout`.
    pub handshake: Duration,
}

/// What a script asks of TLS; what it leaves out is as the command line says.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct TlsWish {
    /// Certificates to trust.
    pub ca: Option<PathBuf>,
    /// Everybody is trusted.
    pub insecure: bool,
    /// SHA-256 of certificates to trust.
    pub pins: Vec<[u8; 32]>,
    /// The name to ask for and to verify.
    pub name: Option<String>,
    /// Protocols to speak inside.
    pub alpn: Option<Vec<String>>,
    /// Our certificate.
    pub cert: Option<PathBuf>,
    /// Its key, if it is not in the same file.
    pub key: Option<PathBuf>,
    /// Whose certificates clients have to show.
    pub client_ca: Option<PathBuf>,
}

impl Tls {
    /// These settings with what a script asks for.
    #[must_use]
    pub fn with(&self, wish: &TlsWish) -> Self {
        let mut all = self.clone();
        if wish.ca.is_some() || wish.insecure || !wish.pins.is_empty() {
            (all.ca, all.insecure, all.pins) = (wish.ca.clone(), wish.insecure, wish.pins.clone());
        }
        if let Some(cert) = &wish.cert {
            all.identity = Identity::Files { cert: cert.clone(), key: wish.key.clone() };
        }
        all.name = wish.name.clone().or(all.name);
        all.alpn = wish.alpn.clone().unwrap_or(all.alpn);
        all.client_ca = wish.client_ca.clone().or(all.client_ca);
        all
    }
}

/// Our certificate with its key.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub enum Identity {
    /// There is none.
    #[default]
    None,
    /// In files; the key may be in that of the certificate.
    Files {
        /// The certificate, and those that lead from it to its root.
        cert: PathBuf,
        /// The private key; `None`: in the same file.
        key: Option<PathBuf>,
    },
    /// Made for this run, signed by itself.
    Made(Made),
}

/// A certificate made for this run.
#[derive(Clone, PartialEq, Eq)]
pub struct Made {
    /// The certificate, as DER.
    pub cert: Vec<u8>,
    /// Its private key, as DER (PKCS #8).
    pub key: Vec<u8>,
}

impl std::fmt::Debug for Made {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Made")
    }
}

impl Default for Tls {
    fn default() -> Self {
        Self {
            is_on: false,
            ca: None,
            common_name: false,
            insecure: false,
            pins: Vec::new(),
            name: None,
            alpn: Vec::new(),
            identity: Identity::None,
            client_ca: None,
            handshake: HANDSHAKE_TIMEOUT,
        }
    }
}
