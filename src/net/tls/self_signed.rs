//! A certificate that signs itself, made for one run of a server.
//!
//! Owns whom it names and how long it is valid. Its key is never written anywhere.

use jiff::ZonedDateTime;
use rcgen::{CertificateParams, DnType, ExtendedKeyUsagePurpose, KeyPair, KeyUsagePurpose, date_time_ymd};

use crate::config::tls::Made;
use crate::error::{Error, Result};

/// The longest validity that all clients accept.
const DAYS: i64 = 397;

/// Makes a certificate for `host`, this machine's name and its loopback addresses.
///
/// # Errors
/// `host` is no name that a certificate can be for.
pub fn make(host: Option<&str>) -> Result<Made> {
    let failed = |error: rcgen::Error| Error::certificate(format!("make a certificate: {error}"), None);
    let machine = rustix::system::uname().nodename().to_string_lossy().into_owned();
    let fixed = ["localhost", "127.0.0.1", "::1"];
    let mut names: Vec<String> = Vec::new();
    for name in host.into_iter().chain(fixed).chain([machine.as_str()]) {
        if !name.is_empty() && name.is_ascii() && !name.contains('%') && !names.iter().any(|known| known == name) {
            names.push(name.to_owned());
        }
    }
    let mut params = CertificateParams::new(names.clone()).map_err(failed)?;
    params.distinguished_name = rcgen::DistinguishedName::new();
    params.distinguished_name.push(DnType::CommonName, names[0].as_str());
    params.distinguished_name.push(DnType::OrganizationName, "tcpx, self-signed");
    params.key_usages = vec![KeyUsagePurpose::DigitalSignature];
    params.extended_key_usages = vec![ExtendedKeyUsagePurpose::ServerAuth];
    let today = ZonedDateTime::now().date();
    let day = |days: i64| {
        let date = today.saturating_add(jiff::Span::new().days(days));
        date_time_ymd(date.year().into(), date.month() as u8, date.day() as u8)
    };
    params.not_before = day(-1);
    params.not_after = day(DAYS - 1);
    let key = KeyPair::generate().map_err(failed)?;
    let cert = params.self_signed(&key).map_err(failed)?;
    Ok(Made { cert: cert.der().to_vec(), key: key.serialize_der() })
}
