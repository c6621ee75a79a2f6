//! What a failure of TLS is called, and how bad it is.
//!
//! Owns the sentences for errors of rustls, and which kind of [`LayerError`] each is.

use rustls::{AlertDescription, CertificateError, Error, HandshakeType, InvalidMessage, PeerIncompatible};

use super::certificate::Certificate;
use super::verifier::{Refusal, reason};
use crate::codec::escape::show_bytes;
use crate::layer::{LayerError, LayerErrorKind};

/// The name of the layer in messages.
pub(super) const NAME: &str = "tls";

/// Shown bytes of a peer that does not speak TLS.
const SHOWN: usize = 24;

pub(super) fn fault(kind: LayerErrorKind, message: impl Into<String>) -> LayerError {
    LayerError { kind, layer: NAME, message: message.into() }
}

/// The fault for an error of rustls. `first` is what the peer sent first, `refusal` why its certificate was refused.
pub(super) fn of(error: &Error, is_handshaking: bool, first: &[u8], refusal: Option<Refusal>) -> LayerError {
    match (error, refusal) {
        (_, Some(Refusal::NoRoots(why))) => return fault(LayerErrorKind::NoRoots, why),
        (_, Some(Refusal::Untrusted(why))) => return fault(LayerErrorKind::Untrusted, why),
        (Error::InvalidCertificate(error), None) => {
            return fault(LayerErrorKind::Untrusted, of_client(error).unwrap_or_else(|| of_peer(error)));
        }
        _ => {}
    }
    let is_about_handshake = is_handshaking || matches!(error, Error::AlertReceived(alert) if is_refusal(*alert));
    let kind = if is_about_handshake { LayerErrorKind::Handshake } else { LayerErrorKind::Protocol };
    fault(kind, words(error, is_handshaking, first))
}

/// What is wrong with a certificate that rustls does not show.
fn of_peer(error: &CertificateError) -> String {
    reason(error, &Certificate::default())
}

/// The same for the faults that a client refuses itself, with a reason of its own: here it is a client's certificate.
fn of_client(error: &CertificateError) -> Option<String> {
    match error {
        CertificateError::UnknownIssuer => {
            Some("the client's certificate is signed by nobody whom --tls-client-ca names".to_owned())
        }
        CertificateError::Expired => Some("the client's certificate has expired".to_owned()),
        CertificateError::NotValidYet => Some("the client's certificate is not valid yet".to_owned()),
        CertificateError::ExpiredContext { .. }
        | CertificateError::NotValidYetContext { .. }
        | CertificateError::Other(_) => Some(of_peer(error).replacen("the certificate", "the client's certificate", 1)),
        _ => None,
    }
}

/// Alerts by which a TLS 1.3 server refuses after the client has taken the handshake for done.
fn is_refusal(alert: AlertDescription) -> bool {
    matches!(
        alert,
        AlertDescription::CertificateRequired
            | AlertDescription::BadCertificate
            | AlertDescription::UnsupportedCertificate
            | AlertDescription::CertificateRevoked
            | AlertDescription::CertificateExpired
            | AlertDescription::CertificateUnknown
            | AlertDescription::UnknownCA
            | AlertDescription::AccessDenied
            | AlertDescription::HandshakeFailure
            | AlertDescription::DecryptError
    )
}

fn words(error: &Error, is_handshaking: bool, first: &[u8]) -> String {
    match error {
        Error::AlertReceived(alert) => alert_words(*alert),
        Error::InvalidMessage(_) if is_handshaking && !is_record(first) => not_tls(first),
        Error::InvalidMessage(InvalidMessage::UnknownProtocolVersion) if is_handshaking => OLD.to_owned(),
        Error::InvalidMessage(
            InvalidMessage::InvalidContentType
            | InvalidMessage::InvalidEmptyPayload
            | InvalidMessage::MessageTooLarge
            | InvalidMessage::UnknownProtocolVersion,
        ) => "the peer went on with bytes that are no TLS record".to_owned(),
        Error::InvalidMessage(what) => format!("the peer sent a malformed message ({what:?})"),
        Error::PeerIncompatible(
            PeerIncompatible::ServerDoesNotSupportTls12Or13
            | PeerIncompatible::Tls12NotOffered
            | PeerIncompatible::Tls12NotOfferedOrEnabled
            | PeerIncompatible::SupportedVersionsExtensionRequired
            | PeerIncompatible::ServerTlsVersionIsDisabledByOurConfig
            // Older versions have no such extension.
            | PeerIncompatible::SignatureAlgorithmsExtensionRequired,
        ) => OLD.to_owned(),
        Error::PeerIncompatible(PeerIncompatible::NoCipherSuitesInCommon) => {
            "no cipher suite is known to both sides".to_owned()
        }
        Error::NoCertificatesPresented => "the client has shown no certificate, and one is required".to_owned(),
        Error::NoApplicationProtocol => "the peer speaks none of the protocols of --tls-alpn".to_owned(),
        Error::InappropriateHandshakeMessage { got_type: HandshakeType::ClientHello, .. } if is_handshaking => {
            "the peer does not speak TLS: it sends back what it gets".to_owned()
        }
        Error::DecryptError => "a record was changed on its way (it does not decrypt)".to_owned(),
        Error::PeerSentOversizedRecord => "the peer sent a record that is too long".to_owned(),
        Error::InvalidCertificate(CertificateError::UnknownIssuer) => "the certificate is not trusted".to_owned(),
        other => other.to_string(),
    }
}

/// TLS 1.0 and 1.1 cannot be had.
const OLD: &str = "the peer speaks neither TLS 1.2 nor TLS 1.3, and older versions are not supported";

fn alert_words(alert: AlertDescription) -> String {
    let number = u8::from(alert);
    let words = match alert {
        AlertDescription::ProtocolVersion => return format!("{OLD} (alert {number})"),
        AlertDescription::HandshakeFailure => "it found nothing that both sides can do",
        AlertDescription::CertificateRequired => "it requires a certificate of ours: --tls-cert FILE --tls-key FILE",
        AlertDescription::BadCertificate
        | AlertDescription::CertificateUnknown
        | AlertDescription::UnsupportedCertificate => "it does not accept our certificate",
        AlertDescription::UnknownCA => "it does not trust our certificate's issuer",
        AlertDescription::CertificateExpired => "our certificate has expired, or is not valid yet",
        AlertDescription::CertificateRevoked => "our certificate is revoked",
        AlertDescription::UnrecognisedName => "it knows no host of that name: --tls-name NAME",
        AlertDescription::NoApplicationProtocol => "it speaks none of the protocols of --tls-alpn",
        AlertDescription::AccessDenied => "access denied",
        AlertDescription::InternalError => "it has an internal error",
        AlertDescription::UserCanceled => "it was cancelled",
        other => return format!("the peer refused: alert {number} ({other:?})"),
    };
    format!("the peer refused: {words} (alert {number})")
}

/// Whether this is how TLS begins: a handshake record or an alert.
pub(super) fn is_record(first: &[u8]) -> bool {
    matches!(first, [] | [0x15 | 0x16] | [0x15 | 0x16, 3, ..])
}

pub(super) fn not_tls(first: &[u8]) -> String {
    let shown = &first[..first.len().min(SHOWN)];
    let more = if first.len() > SHOWN { "..." } else { "" };
    format!("the peer does not speak TLS: it sent \"{}{more}\"", show_bytes(shown))
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;
    use std::time::Duration;

    use rustls::OtherError;
    use rustls::pki_types::UnixTime;

    use super::*;

    #[test]
    fn a_server_says_what_is_wrong_with_the_certificate_of_its_client() {
        let day = |n: u64| UnixTime::since_unix_epoch(Duration::from_secs(n * 86400));
        let cases = [
            (
                CertificateError::UnknownIssuer,
                "the client's certificate is signed by nobody whom --tls-client-ca names",
            ),
            (CertificateError::Expired, "the client's certificate has expired"),
            (
                CertificateError::ExpiredContext { time: day(400), not_after: day(365) },
                "the client's certificate expired on 1971-01-01",
            ),
            (CertificateError::NotValidYet, "the client's certificate is not valid yet"),
            (
                CertificateError::NotValidYetContext { time: day(1), not_before: day(365) },
                "the client's certificate is not valid before 1971-01-01",
            ),
            (
                CertificateError::Other(OtherError(Arc::new(std::io::Error::other("CaUsedAsEndEntity")))),
                "the client's certificate is not acceptable: it is that of an authority, not one signed by it",
            ),
            // Whose it is cannot be said.
            (CertificateError::BadEncoding, "the certificate is malformed"),
        ];
        for (error, wanted) in cases {
            let found = of(&Error::InvalidCertificate(error), true, &[], None);
            assert_eq!(found.kind, LayerErrorKind::Untrusted);
            assert_eq!(found.message, wanted);
        }
    }
}
