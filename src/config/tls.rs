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
