//! `Certificate`: what an X.509 certificate says about itself: its names, its validity, its SHA-256.
//!
//! Owns reading those few fields of the DER, and how they are written. Trusts nothing and verifies nothing: `verifier` does.

use std::fmt::{self, Write as _};
use std::net::IpAddr;

use sha2::{Digest, Sha256};

/// What a certificate says about itself. A field that cannot be read is empty.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Certificate {
    /// Whom it is for, as `CN=example.org, O=Example`.
    pub subject: String,
    /// Its common name, as the last part of that: whom it is for, where it has no names.
    pub common_name: String,
    /// Who signed it, in the same form.
    pub issuer: String,
    /// The host names and addresses it is for (subject alternative names).
    pub names: Vec<String>,
    /// When it begins to be valid, in seconds since 1970.
    pub not_before: i64,
    /// When it ceases to be valid, in seconds since 1970.
    pub not_after: i64,
    /// The SHA-256 of its DER.
    pub sha256: Fingerprint,
}

/// The SHA-256 of a certificate.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Fingerprint(pub [u8; 32]);

impl Certificate {
    /// Reads a certificate.
    pub fn read(der: &[u8]) -> Self {
        let sha256 = Fingerprint::of(der);
        Self { sha256, ..fields(der).unwrap_or_default() }
    }

    /// Whether it was signed by its own subject.
    pub fn is_self_signed(&self) -> bool {
        !self.subject.is_empty() && self.subject == self.issuer
    }
}

impl Fingerprint {
    /// The SHA-256 of a certificate in DER.
    pub fn of(der: &[u8]) -> Self {
        Self(Sha256::digest(der).into())
    }

    /// Reads 64 hex digits, with or without colons between the bytes.
    pub fn parse(text: &str) -> Option<Self> {
        let mut digits = text.chars().filter(|letter| *letter != ':').map(|letter| letter.to_digit(16));
        let mut bytes = [0; 32];
        for byte in &mut bytes {
            let (high, low) = (digits.next()??, digits.next()??);
            *byte = (high * 16 + low) as u8;
        }
        digits.next().is_none().then_some(Self(bytes))
    }
}

impl fmt::Display for Fingerprint {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.iter().try_for_each(|byte| write!(f, "{byte:02x}"))
    }
}

/// A date as `2026-01-31`, from seconds since 1970.
pub fn date(seconds: i64) -> String {
    // Days to civil, as Howard Hinnant's `civil_from_days` does.
    let days = seconds.div_euclid(86_400) + 719_468;
    let era = days.div_euclid(146_097);
    let day_of_era = days.rem_euclid(146_097);
    let year_of_era = (day_of_era - day_of_era / 1460 + day_of_era / 36_524 - day_of_era / 146_096) / 365;
    let day_of_year = day_of_era - (365 * year_of_era + year_of_era / 4 - year_of_era / 100);
    let shifted = (5 * day_of_year + 2) / 153;
    let day = day_of_year - (153 * shifted + 2) / 5 + 1;
    let month = if shifted < 10 { shifted + 3 } else { shifted - 9 };
    let year = year_of_era + era * 400 + i64::from(month <= 2);
    format!("{year:04}-{month:02}-{day:02}")
}

const SEQUENCE: u8 = 0x30;
const OBJECT_ID: u8 = 0x06;
const BOOLEAN: u8 = 0x01;
const UTC_TIME: u8 = 0x17;
const BMP_STRING: u8 = 0x1e;
/// `[0]` and `[3]` of the certificate: its version and its extensions.
const VERSION: u8 = 0xa0;
const EXTENSIONS: u8 = 0xa3;
/// `[2]` and `[7]` of a general name.
const DNS_NAME: u8 = 0x82;
const IP_ADDRESS: u8 = 0x87;
/// 2.5.29.17.
const SUBJECT_ALTERNATIVE_NAMES: &[u8] = &[0x55, 0x1d, 0x11];

fn fields(der: &[u8]) -> Option<Certificate> {
    let mut signed = Der(Der(Der(der).of(SEQUENCE)?).of(SEQUENCE)?);
    if signed.0.first() == Some(&VERSION) {
        signed.next()?;
    }
    let (_serial, _algorithm) = (signed.next()?, signed.next()?);
    let issuer = distinguished(signed.of(SEQUENCE)?);
    let mut validity = Der(signed.of(SEQUENCE)?);
    let (not_before, not_after) = (time(validity.next()?)?, time(validity.next()?)?);
    let subject = signed.of(SEQUENCE)?;
    let (common_name, subject) = (common_name(subject), distinguished(subject));
    let mut names = Vec::new();
    while let Some((tag, value)) = signed.next() {
        if tag == EXTENSIONS {
            names = alternative_names(value).unwrap_or_default();
        }
    }
    Some(Certificate { subject, common_name, issuer, names, not_before, not_after, sha256: Fingerprint::default() })
}

/// A distinguished name on one line.
fn distinguished(name: &[u8]) -> String {
    let mut text = String::new();
    for (what, value) in attributes(name) {
        if !text.is_empty() {
            text.push_str(", ");
        }
        let _ = write!(text, "{what}={value}");
    }
    text
}

fn common_name(name: &[u8]) -> String {
    attributes(name).into_iter().rfind(|(what, _)| *what == "CN").map(|(_, value)| value).unwrap_or_default()
}

/// What a distinguished name consists of, in its order.
fn attributes(name: &[u8]) -> Vec<(&'static str, String)> {
    let mut all = Vec::new();
    let mut sets = Der(name);
    while let Some((_, set)) = sets.next() {
        let mut attributes = Der(set);
        while let Some((_, attribute)) = attributes.next() {
            let mut attribute = Der(attribute);
            let (Some(id), Some((tag, value))) = (attribute.of(OBJECT_ID), attribute.next()) else { continue };
            all.push((attribute_name(id), string(tag, value)));
        }
    }
    all
}

fn attribute_name(id: &[u8]) -> &'static str {
    match id {
        [0x55, 4, 3] => "CN",
        [0x55, 4, 6] => "C",
        [0x55, 4, 7] => "L",
        [0x55, 4, 8] => "ST",
        [0x55, 4, 10] => "O",
        [0x55, 4, 11] => "OU",
        [0x2a, 0x86, 0x48, 0x86, 0xf7, 0x0d, 1, 9, 1] => "emailAddress",
        _ => "other",
    }
}

fn string(tag: u8, value: &[u8]) -> String {
    if tag == BMP_STRING {
        let units: Vec<u16> = value.chunks_exact(2).map(|pair| u16::from_be_bytes([pair[0], pair[1]])).collect();
        return String::from_utf16_lossy(&units);
    }
    String::from_utf8_lossy(value).into_owned()
}

fn alternative_names(extensions: &[u8]) -> Option<Vec<String>> {
    let mut extensions = Der(Der(extensions).of(SEQUENCE)?);
    while let Some((_, extension)) = extensions.next() {
        let mut extension = Der(extension);
        if extension.of(OBJECT_ID)? != SUBJECT_ALTERNATIVE_NAMES {
            continue;
        }
        let (tag, mut value) = extension.next()?;
        if tag == BOOLEAN {
            // Whether it is critical.
            (_, value) = extension.next()?;
        }
        let mut general = Der(Der(value).of(SEQUENCE)?);
        let mut names = Vec::new();
        while let Some((tag, value)) = general.next() {
            match tag {
                DNS_NAME => names.push(String::from_utf8_lossy(value).into_owned()),
                IP_ADDRESS => names.extend(address(value).map(|address| address.to_string())),
                _ => {}
            }
        }
        return Some(names);
    }
    None
}

fn address(bytes: &[u8]) -> Option<IpAddr> {
    let four = <[u8; 4]>::try_from(bytes).map(IpAddr::from);
    four.or_else(|_| <[u8; 16]>::try_from(bytes).map(IpAddr::from)).ok()
}

/// Seconds since 1970 of a `UTCTime` or `GeneralizedTime`, which end with `Z` in certificates.
fn time((tag, value): (u8, &[u8])) -> Option<i64> {
    let text = std::str::from_utf8(value).ok()?.strip_suffix('Z')?;
    let number = |from: usize, to: usize| text.get(from..to)?.parse::<i64>().ok();
    let (year, at) = if tag == UTC_TIME {
        let short = number(0, 2)?;
        (if short < 50 { 2000 + short } else { 1900 + short }, 2)
    } else {
        (number(0, 4)?, 4)
    };
    let (month, day) = (number(at, at + 2)?, number(at + 2, at + 4)?);
    let (hour, minute, second) =
        (number(at + 4, at + 6)?, number(at + 6, at + 8)?, number(at + 8, at + 10).unwrap_or_default());
    // Civil to days, the inverse of `date`.
    let shifted_year = if month <= 2 { year - 1 } else { year };
    let era = shifted_year.div_euclid(400);
    let year_of_era = shifted_year.rem_euclid(400);
    let day_of_year = (153 * ((month + 9) % 12) + 2) / 5 + day - 1;
    let days = era * 146_097 + year_of_era * 365 + year_of_era / 4 - year_of_era / 100 + day_of_year - 719_468;
    Some(days * 86_400 + hour * 3600 + minute * 60 + second)
}

/// What is left of a sequence of DER values.
struct Der<'a>(&'a [u8]);

impl<'a> Der<'a> {
    /// The next value with its tag.
    fn next(&mut self) -> Option<(u8, &'a [u8])> {
        let (&[tag, length], rest) = self.0.split_first_chunk::<2>()?;
        let (length, rest) = if length < 0x80 {
            (usize::from(length), rest)
        } else {
            let digits = usize::from(length & 0x7f);
            let (digits, rest) = rest.split_at_checked(digits).filter(|(digits, _)| digits.len() <= 4)?;
            (digits.iter().fold(0, |all, digit| all << 8 | usize::from(*digit)), rest)
        };
        let (value, rest) = rest.split_at_checked(length)?;
        self.0 = rest;
        Some((tag, value))
    }

    /// The next value, if it has this tag.
    fn of(&mut self, wanted: u8) -> Option<&'a [u8]> {
        self.next().filter(|(tag, _)| *tag == wanted).map(|(_, value)| value)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn dates_and_times_are_inverse() {
        for (text, seconds, shown) in [
            ("700101000000Z", 0, "1970-01-01"),
            ("491231235959Z", 2_524_607_999, "2049-12-31"),
            ("500101000000Z", -631_152_000, "1950-01-01"),
            ("240229120000Z", 1_709_208_000, "2024-02-29"),
        ] {
            assert_eq!(time((UTC_TIME, text.as_bytes())), Some(seconds), "{text}");
            assert_eq!(date(seconds), shown);
        }
        assert_eq!(time((0x18, b"20500301000000Z")).map(date).as_deref(), Some("2050-03-01"));
        assert_eq!(time((UTC_TIME, b"2402")), None);
    }

    #[test]
    fn a_fingerprint_is_read_with_colons_and_without() {
        let plain = "00ff".repeat(16);
        let colons: Vec<&str> = ["00", "FF"].into_iter().cycle().take(32).collect();
        let read = Fingerprint::parse(&plain).unwrap();
        assert_eq!(Fingerprint::parse(&colons.join(":")), Some(read));
        assert_eq!(read.to_string(), plain);
        for bad in ["", "00", &plain[1..], &format!("{plain}0"), &plain.replace('f', "g")] {
            assert_eq!(Fingerprint::parse(bad), None, "{bad}");
        }
    }

    #[test]
    fn a_certificate_says_its_names() {
        let mut params = rcgen::CertificateParams::new(["example.org".to_owned(), "127.0.0.1".to_owned()]).unwrap();
        params.distinguished_name.push(rcgen::DnType::CommonName, "Zoë");
        params.distinguished_name.push(rcgen::DnType::OrganizationName, "Example");
        params.not_after = rcgen::date_time_ymd(2031, 5, 6);
        let made = params.self_signed(&rcgen::KeyPair::generate().unwrap()).unwrap();
        let read = Certificate::read(made.der());
        assert_eq!(read.names, ["example.org", "127.0.0.1"]);
        assert!(read.subject.contains("CN=Zoë") && read.subject.contains("O=Example"), "{}", read.subject);
        assert!(read.is_self_signed());
        assert_eq!(date(read.not_after), "2031-05-06");
    }

    #[test]
    fn what_is_no_certificate_has_a_fingerprint_alone() {
        for bytes in [&b""[..], b"0", &[0x30, 0x84, 0xff, 0xff, 0xff, 0xff], &[0x30, 0x82, 0x01], &[0x30, 0x80]] {
            let read = Certificate::read(bytes);
            assert_eq!(read, Certificate { sha256: Fingerprint::of(bytes), ..Certificate::default() });
        }
    }
}
