//! `TlsFacts`: what the two sides of a TLS connection have agreed on.
//!
//! Owns the facts that users and scripts see, and their names.

use rustls::Connection;
use rustls::pki_types::CertificateDer;

use super::certificate::Certificate;

/// What the two sides have agreed on, known once the handshake is done.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TlsFacts {
    /// `TLS 1.3` or `TLS 1.2`.
    pub version: &'static str,
    /// The cipher suite, by its registered name.
    pub suite: String,
    /// The protocol both sides speak inside (ALPN).
    pub alpn: Option<String>,
    /// The name the client asked for (SNI); on the client, the name it has verified.
    pub name: Option<String>,
    /// The peer's certificate, if it has shown one.
    pub peer: Option<Certificate>,
}

impl TlsFacts {
    pub(super) fn of(conn: &Connection, asked: Option<&str>) -> Self {
        let version = match conn.protocol_version() {
            Some(rustls::ProtocolVersion::TLSv1_3) => "TLS 1.3",
            _ => "TLS 1.2",
        };
        let suite = conn.negotiated_cipher_suite().and_then(|suite| suite.suite().as_str());
        let name = match conn {
            Connection::Client(_) => asked.map(str::to_owned),
            Connection::Server(server) => server.server_name().map(str::to_owned),
        };
        Self {
            version,
            suite: suite.unwrap_or_default().replacen("TLS13_", "TLS_", 1),
            alpn: conn.alpn_protocol().map(|name| String::from_utf8_lossy(name).into_owned()),
            name,
            peer: conn.peer_certificates().and_then(<[CertificateDer<'_>]>::first).map(|der| Certificate::read(der)),
        }
    }
}
