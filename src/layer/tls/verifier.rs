//! Whom a client trusts: the verifier of the server's certificate.
//!
//! Owns the kinds of trust (`Trust`), and what a refused certificate means to people. Reads no file: roots come from above.

use std::fmt::{self, Debug};
use std::net::IpAddr;
use std::sync::{Arc, Mutex, PoisonError};

use rustls::client::danger::{HandshakeSignatureValid, ServerCertVerified, ServerCertVerifier};
use rustls::client::{WebPkiServerVerifier, verify_server_name};
use rustls::crypto::{CryptoProvider, verify_tls12_signature, verify_tls13_signature};
use rustls::pki_types::{CertificateDer, ServerName, UnixTime};
use rustls::server::ParsedCertificate;
use rustls::{CertificateError, DigitallySignedStruct, Error, OtherError, SignatureScheme};

use super::certificate::{Certificate, Fingerprint, date};

/// Whom a client trusts.
pub enum Trust {
    /// Whoever the system trusts. Asked for when a certificate has to be verified; `Err`: why there is nobody.
    System(Box<dyn Fn() -> Result<Arc<WebPkiServerVerifier>, String> + Send + Sync>),
    /// The owners of these certificates, and whoever they have signed for.
    Authorities {
        /// The certificates.
        certificates: Vec<CertificateDer<'static>>,
        /// Verifies what they have signed.
        signed: Arc<WebPkiServerVerifier>,
        /// One of the certificates that names no host is for its common name.
        common_name: bool,
    },
    /// The owner of one of the certificates with these fingerprints, whatever their names and dates.
    Pinned(Vec<Fingerprint>),
    /// Everybody.
    Anybody,
}

/// Why a certificate was refused.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Refusal {
    /// The certificate is no reason to trust the peer.
    Untrusted(String),
    /// There is nobody to trust.
    NoRoots(String),
}

/// Where the verifier of a connection leaves the reason of a refusal.
pub type Reason = Arc<Mutex<Option<Refusal>>>;

/// The verifier of one connection.
pub struct Verifier {
    /// Whom it trusts.
    pub trust: Arc<Trust>,
    /// Checks signatures.
    pub provider: Arc<CryptoProvider>,
    /// Where it leaves the reason of a refusal.
    pub reason: Reason,
}

impl Debug for Trust {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::System(_) => "System",
            Self::Authorities { .. } => "Authorities",
            Self::Pinned(_) => "Pinned",
            Self::Anybody => "Anybody",
        })
    }
}

impl Debug for Verifier {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Verifier").field("trust", &self.trust).finish_non_exhaustive()
    }
}

impl ServerCertVerifier for Verifier {
    fn verify_server_cert(
        &self,
        end_entity: &CertificateDer<'_>,
        intermediates: &[CertificateDer<'_>],
        server_name: &ServerName<'_>,
        ocsp_response: &[u8],
        now: UnixTime,
    ) -> Result<ServerCertVerified, Error> {
        let signed_by = |verifier: &WebPkiServerVerifier| {
            verifier.verify_server_cert(end_entity, intermediates, server_name, ocsp_response, now)
        };
        let result = match &*self.trust {
            Trust::Anybody => Ok(ServerCertVerified::assertion()),
            Trust::Pinned(pins) if pins.contains(&Fingerprint::of(end_entity)) => Ok(ServerCertVerified::assertion()),
            Trust::Pinned(_) => Err(CertificateError::ApplicationVerificationFailure.into()),
            // An end certificate that signs itself is no authority to webpki.
            Trust::Authorities { certificates, common_name, .. }
                if certificates.iter().any(|known| known == end_entity) =>
            {
                verify_own(end_entity, server_name, *common_name, now)
            }
            Trust::Authorities { signed, .. } => signed_by(signed),
            Trust::System(roots) => match roots() {
                Ok(verifier) => signed_by(&verifier),
                Err(why) => {
                    self.refuse(Refusal::NoRoots(why));
                    return Err(CertificateError::UnknownIssuer.into());
                }
            },
        };
        result.inspect_err(|error| self.refuse(Refusal::Untrusted(why_untrusted(error, end_entity))))
    }

    fn verify_tls12_signature(
        &self,
        message: &[u8],
        cert: &CertificateDer<'_>,
        dss: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, Error> {
        verify_tls12_signature(message, cert, dss, &self.provider.signature_verification_algorithms)
    }

    fn verify_tls13_signature(
        &self,
        message: &[u8],
        cert: &CertificateDer<'_>,
        dss: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, Error> {
        verify_tls13_signature(message, cert, dss, &self.provider.signature_verification_algorithms)
    }

    fn supported_verify_schemes(&self) -> Vec<SignatureScheme> {
        self.provider.signature_verification_algorithms.supported_schemes()
    }
}

impl Verifier {
    fn refuse(&self, why: Refusal) {
        *self.reason.lock().unwrap_or_else(PoisonError::into_inner) = Some(why);
    }
}

/// Verifies a certificate that is trusted itself: its name and its dates. `common_name`: that counts where it has no other.
fn verify_own(
    der: &CertificateDer<'_>,
    name: &ServerName<'_>,
    common_name: bool,
    now: UnixTime,
) -> Result<ServerCertVerified, Error> {
    let certificate = Certificate::read(der);
    let seconds = |seconds: i64| UnixTime::since_unix_epoch(std::time::Duration::from_secs(seconds.max(0) as u64));
    let (not_before, not_after) = (seconds(certificate.not_before), seconds(certificate.not_after));
    if now < not_before {
        return Err(CertificateError::NotValidYetContext { time: now, not_before }.into());
    }
    if now > not_after {
        return Err(CertificateError::ExpiredContext { time: now, not_after }.into());
    }
    let is_named = common_name && certificate.names.is_empty() && is_common_name(&certificate.common_name, name);
    let parsed = ParsedCertificate::try_from(der)?;
    if !is_named {
        verify_server_name(&parsed, name)?;
    }
    Ok(ServerCertVerified::assertion())
}

fn is_common_name(common_name: &str, name: &ServerName<'_>) -> bool {
    match name {
        ServerName::DnsName(host) => common_name.eq_ignore_ascii_case(host.as_ref()),
        ServerName::IpAddress(ip) => common_name.parse() == Ok(IpAddr::from(*ip)),
        _ => false,
    }
}

/// What is wrong with a certificate, as a person reads it, with its fingerprint.
pub fn why_untrusted(error: &Error, der: &[u8]) -> String {
    let certificate = Certificate::read(der);
    let why = match error {
        Error::InvalidCertificate(error) => reason(error, &certificate),
        other => other.to_string(),
    };
    format!("{why}; its SHA-256 is {}", certificate.sha256)
}

pub(super) fn reason(error: &CertificateError, certificate: &Certificate) -> String {
    let day = |time: &UnixTime| date(i64::try_from(time.as_secs()).unwrap_or(i64::MAX));
    match error {
        CertificateError::ExpiredContext { not_after, .. } => {
            format!("the certificate expired on {}", day(not_after))
        }
        CertificateError::Expired => format!("the certificate expired on {}", date(certificate.not_after)),
        CertificateError::NotValidYetContext { not_before, .. } => {
            format!("the certificate is not valid before {}", day(not_before))
        }
        CertificateError::NotValidYet => {
            format!("the certificate is not valid before {}", date(certificate.not_before))
        }
        CertificateError::NotValidForName | CertificateError::NotValidForNameContext { .. } => {
            for_others(error, certificate)
        }
        CertificateError::ApplicationVerificationFailure => "the certificate is none of the pinned ones".to_owned(),
        CertificateError::UnknownIssuer | CertificateError::BadSignature if certificate.is_self_signed() => {
            SELF_SIGNED.to_owned()
        }
        CertificateError::UnknownIssuer => {
            format!("the certificate is signed by {}, which is not trusted", or_unknown(&certificate.issuer))
        }
        CertificateError::Revoked => "the certificate is revoked".to_owned(),
        CertificateError::BadSignature => {
            format!("the certificate's signature is not that of the trusted {}", or_unknown(&certificate.issuer))
        }
        CertificateError::BadEncoding => "the certificate is malformed".to_owned(),
        CertificateError::Other(_) if certificate.is_self_signed() => SELF_SIGNED.to_owned(),
        other => format!("the certificate is not acceptable: {}", unacceptable(other)),
    }
}

/// Why the library does not take a certificate, whoever's it is.
pub fn unacceptable(error: &CertificateError) -> String {
    match error {
        CertificateError::BadEncoding => "it is malformed".to_owned(),
        CertificateError::Other(OtherError(error)) => match error.to_string().as_str() {
            "UnsupportedCertVersion" => "it is of X.509 version 1, and TLS takes version 3".to_owned(),
            "CaUsedAsEndEntity" => "it is that of an authority, not one signed by it".to_owned(),
            other => other.to_owned(),
        },
        other => format!("{other:?}"),
    }
}

const SELF_SIGNED: &str = "the certificate is self-signed and not trusted";

fn for_others(error: &CertificateError, certificate: &Certificate) -> String {
    let wanted = match error {
        CertificateError::NotValidForNameContext { expected, .. } => expected.to_str().into_owned(),
        _ => "that name".to_owned(),
    };
    if certificate.names.is_empty() {
        return format!(
            "the certificate names no host (no subject alternative name), so it is not for {wanted}; its subject is {}",
            or_unknown(&certificate.subject)
        );
    }
    format!("the certificate is for {}, not for {wanted}", certificate.names.join(", "))
}

fn or_unknown(name: &str) -> &str {
    if name.is_empty() { "nobody it names" } else { name }
}
