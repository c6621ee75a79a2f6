//! Certificates and keys in files: PEM, or DER where the file holds a single one.
//!
//! Owns the messages for files that cannot be used. Nothing of a key is ever part of a message.

use std::fs;
use std::path::Path;

use rustls::crypto::ring::sign::any_supported_type;
use rustls::pki_types::pem::{self, PemObject};
use rustls::pki_types::{CertificateDer, PrivateKeyDer};

use crate::codec::escape::show_line;
use crate::error::{Error, Result, cause};

/// The longest file that is read: more certificates than any system trusts.
const LONGEST: u64 = 16 << 20;

/// Certificates to trust.
pub(super) fn authorities(option: &str, path: &Path) -> Result<Vec<CertificateDer<'static>>> {
    let unusable = |why: String| Error::no_roots(format!("{option} {}: {why}", shown(path)));
    let bytes = read(path).map_err(unusable)?;
    let found = certificates(&bytes).map_err(unusable)?;
    let mut roots = rustls::RootCertStore::empty();
    match roots.add_parsable_certificates(found.iter().cloned()) {
        (0, _) => Err(unusable("no certificate in it can be used".to_owned())),
        _ => Ok(found),
    }
}

pub(super) fn no_authorities(path: &Path, error: &dyn std::error::Error) -> Error {
    Error::no_roots(format!("{}: {error}", shown(path)))
}

/// Our certificate and those behind it.
pub(super) fn chain(path: &Path) -> Result<Vec<CertificateDer<'static>>> {
    let unusable = |why: String| Error::certificate(format!("certificate {}: {why}", shown(path)), None);
    let bytes = read(path).map_err(unusable)?;
    if is_pkcs12(&bytes) {
        return Err(pkcs12(path));
    }
    certificates(&bytes).map_err(unusable)
}

/// Our private key. `beside`: it has to be in the file of the certificate.
pub(super) fn key(path: &Path, beside: bool) -> Result<PrivateKeyDer<'static>> {
    let bytes = read(path).map_err(|why| Error::certificate(format!("private key {}: {why}", shown(path)), None))?;
    if is_pkcs12(&bytes) {
        return Err(pkcs12(path));
    }
    let is_encrypted = contains(&bytes, b"ENCRYPTED");
    let key = if is_pem(&bytes) {
        PrivateKeyDer::from_pem_slice(&bytes).ok()
    } else {
        PrivateKeyDer::try_from(bytes).ok().map(|key| key.clone_key())
    };
    match key {
        Some(key) if !is_encrypted => match any_supported_type(&key) {
            Ok(_) => Ok(key),
            Err(_) => Err(Error::certificate(
                format!("private key {}: it is damaged, or of a kind that is not supported", shown(path)),
                Some("RSA of 2048 bits and more, ECDSA with P-256 or P-384, and Ed25519 are"),
            )),
        },
        _ if is_encrypted => Err(Error::certificate(
            format!("private key {}: it is encrypted, and there is nobody to ask for the password", shown(path)),
            Some("openssl pkey -in FILE -out PLAIN writes it without one"),
        )),
        _ if beside => Err(Error::certificate(
            format!("certificate {}: there is no private key in it", shown(path)),
            Some("--tls-key FILE names its key"),
        )),
        _ => Err(Error::certificate(format!("private key {}: there is none in it", shown(path)), None)),
    }
}

fn certificates(bytes: &[u8]) -> std::result::Result<Vec<CertificateDer<'static>>, String> {
    if !is_pem(bytes) {
        let looks_like_der = bytes.first() == Some(&0x30);
        return if looks_like_der {
            Ok(vec![CertificateDer::from(bytes.to_vec())])
        } else {
            Err("it is no certificate".to_owned())
        };
    }
    let bytes = without_keys(bytes);
    let found = CertificateDer::pem_slice_iter(&bytes).collect::<std::result::Result<Vec<_>, _>>();
    match found {
        Ok(found) if found.is_empty() => Err("there is no certificate in it".to_owned()),
        Ok(found) => Ok(found),
        Err(error) => Err(format!("a certificate in it is malformed: {}", malformed(&error))),
    }
}

/// Without the sections that are private keys: one that is encrypted in the old way has headers, which are no base64.
fn without_keys(bytes: &[u8]) -> Vec<u8> {
    let mut is_key = false;
    let lines = bytes.split_inclusive(|byte| *byte == b'\n');
    let kept = lines.filter(|line| {
        let is_label = line.starts_with(b"-----") && contains(line, b"PRIVATE KEY-----");
        let is_part = is_key || is_label;
        is_key = (is_key || is_label) && !line.starts_with(b"-----END ");
        !is_part
    });
    kept.flatten().copied().collect()
}

fn malformed(error: &pem::Error) -> String {
    match error {
        pem::Error::MissingSectionEnd { .. } => "its END line is missing".to_owned(),
        pem::Error::IllegalSectionStart { .. } => "its BEGIN line is wrong".to_owned(),
        pem::Error::Base64Decode(_) => "it is no base64".to_owned(),
        other => other.to_string(),
    }
}

fn read(path: &Path) -> std::result::Result<Vec<u8>, String> {
    let known = fs::metadata(path).map_err(|error| cause(&error))?;
    if known.is_dir() {
        return Err("it is a directory".to_owned());
    }
    if known.len() > LONGEST {
        return Err("it is too long".to_owned());
    }
    fs::read(path).map_err(|error| cause(&error))
}

fn is_pem(bytes: &[u8]) -> bool {
    contains(bytes, b"-----BEGIN ")
}

/// Whether it is a PKCS #12 file: a sequence that begins with the version 3.
fn is_pkcs12(bytes: &[u8]) -> bool {
    bytes.first() == Some(&0x30) && bytes.get(..16).is_some_and(|start| contains(start, &[0x02, 0x01, 0x03, 0x30]))
}

fn pkcs12(path: &Path) -> Error {
    Error::certificate(
        format!("{}: PKCS #12 files are not read", shown(path)),
        Some("openssl pkcs12 -in FILE -nodes -out PEM writes certificate and key; --tls-cert PEM"),
    )
}

fn contains(bytes: &[u8], what: &[u8]) -> bool {
    memchr::memmem::find(bytes, what).is_some()
}

fn shown(path: &Path) -> String {
    show_line(&path.display().to_string()).into_owned()
}
