//! The options of TLS.

use rustls::pki_types::ServerName;

use super::limit;
use crate::cli::args::TlsArgs;
use crate::config::Tls;
use crate::config::tls::{HANDSHAKE_TIMEOUT, Identity};
use crate::error::{Error, Result};
use crate::layer::tls::certificate::Fingerprint;

/// The longest name of a protocol (RFC 7301).
const LONGEST_PROTOCOL: usize = 255;

/// The settings of TLS. `is_on`: the run's own connections speak it.
pub(super) fn resolve(args: &TlsArgs, is_on: bool) -> Result<Tls> {
    Ok(Tls {
        is_on,
        ca: args.tls_ca.clone(),
        common_name: false,
        insecure: args.tls_insecure,
        pins: args.tls_pin.iter().map(|text| pin(text)).collect::<Result<_>>()?,
        name: args.tls_name.as_deref().map(name).transpose()?,
        alpn: args.tls_alpn.as_deref().map_or(Ok(Vec::new()), protocols)?,
        identity: match &args.tls_cert {
            Some(cert) => Identity::Files { cert: cert.clone(), key: args.tls_key.clone() },
            None => Identity::None,
        },
        client_ca: args.tls_client_ca.clone(),
        handshake: limit("--handshake-timeout", args.handshake_timeout.as_deref())?.unwrap_or(HANDSHAKE_TIMEOUT),
    })
}

fn pin(text: &str) -> Result<[u8; 32]> {
    Fingerprint::parse(text).map(|sha256| sha256.0).ok_or_else(|| {
        Error::usage_hint(
            format!("--tls-pin {text:?} is not a SHA-256"),
            "write 64 hex digits, with or without colons: openssl x509 -in FILE -noout -fingerprint -sha256 says them",
        )
    })
}

fn name(text: &str) -> Result<String> {
    match ServerName::try_from(text) {
        Ok(_) => Ok(text.to_owned()),
        Err(_) => Err(Error::usage_hint(
            format!("--tls-name {text:?} is no name that a certificate can be for"),
            "write a host name or an address, without a port",
        )),
    }
}

fn protocols(list: &str) -> Result<Vec<String>> {
    let names: Vec<String> = list.split(',').map(|name| name.trim().to_owned()).collect();
    match names.iter().find(|name| name.is_empty() || name.len() > LONGEST_PROTOCOL) {
        None => Ok(names),
        Some(_) => Err(Error::usage_hint(
            format!("--tls-alpn {list:?} is not a list of protocols"),
            "write names with commas between them, as in h2,http/1.1",
        )),
    }
}
