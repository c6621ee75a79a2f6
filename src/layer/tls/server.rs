//! The server's side of TLS: what its connections have in common, and its answer to a client that does not speak TLS.
//!
//! Owns nothing of a connection: `Tls` does.

use std::sync::Arc;

use rustls::{ServerConfig, ServerConnection};

/// What all connections of a server have in common.
#[derive(Clone, Debug)]
pub struct ServerSide {
    /// Versions, suites, our certificate, ALPN, and whose certificates are accepted.
    pub config: Arc<ServerConfig>,
}

impl ServerSide {
    /// A connection to a client.
    ///
    /// # Errors
    /// The settings contradict each other.
    pub(super) fn begin(&self) -> Result<ServerConnection, rustls::Error> {
        ServerConnection::new(Arc::clone(&self.config))
    }
}

/// What a client is told in the clear that sends an HTTP request where TLS is spoken; `None` for everything else.
pub(super) fn answer_in_clear(first: &[u8]) -> Option<&'static [u8]> {
    const METHODS: [&[u8]; 7] = [b"GET ", b"HEAD ", b"POST ", b"PUT ", b"DELETE ", b"OPTIONS ", b"PATCH "];
    let is_http = METHODS.iter().any(|method| first.starts_with(method));
    is_http.then_some(
        b"HTTP/1.1 400 Bad Request\r\nConnection: close\r\nContent-Type: text/plain\r\nContent-Length: 40\r\n\r\n\
          This port speaks TLS: write https://...\n",
    )
}
