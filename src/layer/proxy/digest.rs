//! Digest authentication (RFC 7616): what a proxy asks for, and what a client answers.
//!
//! Owns the reading of `Proxy-Authenticate` and the arithmetic. Whether it is used is for `http`.

use md5::Md5;
use sha2::{Digest as _, Sha256};

use crate::proxy::Login;

/// A way to log in that a server offers: its scheme, and the values it comes with.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Challenge {
    scheme: String,
    values: Vec<(String, String)>,
}

/// The sums that are known, the weaker one first.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
enum Sum {
    Md5,
    Sha256,
}

/// A challenge of the scheme Digest that can be answered.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Asked {
    sum: Sum,
    /// The name of the sum as the server writes it; it may leave it out.
    algorithm: Option<String>,
    /// The sum of user and password is mixed with both nonces.
    is_session: bool,
    realm: String,
    nonce: String,
    opaque: Option<String>,
    /// `qop=auth`; a server of old times has none.
    counts: bool,
    /// The nonce before was right once, and the password with it.
    pub(super) is_stale: bool,
}

/// All ways that these values of `Proxy-Authenticate` offer.
pub(super) fn challenges<'a>(values: impl Iterator<Item = &'a [u8]>) -> Vec<Challenge> {
    let mut all: Vec<Challenge> = Vec::new();
    for value in values {
        let text = String::from_utf8_lossy(value);
        for item in items(&text) {
            // `Digest realm="x"` begins a challenge, `nonce="y"` goes on with it.
            let (before, after) = item.split_once([' ', '\t']).unwrap_or((item, ""));
            let begins = !before.contains('=') && !after.trim_start().starts_with('=');
            let value = if begins {
                all.push(Challenge { scheme: before.to_ascii_lowercase(), values: Vec::new() });
                after.trim_start()
            } else {
                item
            };
            if let (Some(challenge), Some((name, value))) = (all.last_mut(), value.split_once('=')) {
                challenge.values.push((name.trim().to_ascii_lowercase(), unquoted(value.trim())));
            }
        }
    }
    all
}

/// The parts between commas that stand in no quotes.
fn items(text: &str) -> Vec<&str> {
    let (mut parts, mut from, mut is_quoted, mut is_escaped) = (Vec::new(), 0, false, false);
    for (at, c) in text.char_indices() {
        match c {
            _ if is_escaped => is_escaped = false,
            '\\' if is_quoted => is_escaped = true,
            '"' => is_quoted = !is_quoted,
            ',' if !is_quoted => {
                parts.push(&text[from..at]);
                from = at + 1;
            }
            _ => {}
        }
    }
    parts.push(&text[from..]);
    parts.into_iter().map(str::trim).filter(|part| !part.is_empty()).collect()
}

fn unquoted(value: &str) -> String {
    let Some(inner) = value.strip_prefix('"') else { return value.to_owned() };
    let inner = inner.strip_suffix('"').unwrap_or(inner);
    let mut text = String::new();
    let mut chars = inner.chars();
    while let Some(c) = chars.next() {
        text.extend(if c == '\\' { chars.next() } else { Some(c) });
    }
    text
}

fn quoted(text: &str) -> String {
    format!("\"{}\"", text.replace('\\', "\\\\").replace('"', "\\\""))
}

impl Challenge {
    fn value(&self, name: &str) -> Option<&str> {
        self.values.iter().find(|(known, _)| known == name).map(|(_, value)| value.as_str())
    }

    /// Whether the password is told as it is.
    pub(super) fn is_basic(&self) -> bool {
        self.scheme == "basic"
    }

    /// What it asks for, if it is of the scheme Digest and can be answered.
    fn asked(&self) -> Option<Asked> {
        if self.scheme != "digest" {
            return None;
        }
        let algorithm = self.value("algorithm").map(str::to_owned);
        let name = algorithm.as_deref().unwrap_or("MD5").to_ascii_uppercase();
        let (name, is_session) = name.strip_suffix("-SESS").map_or((name.as_str(), false), |name| (name, true));
        let sum = match name {
            "MD5" => Sum::Md5,
            "SHA-256" => Sum::Sha256,
            _ => return None,
        };
        let counts = match self.value("qop") {
            None => false,
            Some(ways) => ways.split(',').any(|way| way.trim().eq_ignore_ascii_case("auth")).then_some(true)?,
        };
        Some(Asked {
            sum,
            algorithm,
            is_session,
            realm: self.value("realm")?.to_owned(),
            nonce: self.value("nonce")?.to_owned(),
            opaque: self.value("opaque").map(str::to_owned),
            counts,
            is_stale: self.value("stale").is_some_and(|value| value.eq_ignore_ascii_case("true")),
        })
    }
}

/// The strongest of these challenges that can be answered without showing the password.
pub(super) fn strongest(challenges: &[Challenge]) -> Option<Asked> {
    challenges.iter().filter_map(Challenge::asked).reduce(|best, next| if next.sum > best.sum { next } else { best })
}

impl Asked {
    /// The value of `Proxy-Authorization` for a request. `cnonce`: a number nobody can know before.
    pub(super) fn answer(&self, login: &Login, method: &str, uri: &str, cnonce: &str) -> String {
        const COUNT: &str = "00000001";
        let password = login.password.as_deref().unwrap_or_default();
        let mut secret = self.hex(&[&login.user, b":", self.realm.as_bytes(), b":", password]);
        if self.is_session {
            secret = self.hex(&[secret.as_bytes(), b":", self.nonce.as_bytes(), b":", cnonce.as_bytes()]);
        }
        let request = self.hex(&[method.as_bytes(), b":", uri.as_bytes()]);
        let middle = if self.counts { format!("{}:{COUNT}:{cnonce}:auth", self.nonce) } else { self.nonce.clone() };
        let response = self.hex(&[secret.as_bytes(), b":", middle.as_bytes(), b":", request.as_bytes()]);
        let user = String::from_utf8_lossy(&login.user);
        let mut text = format!(
            "Digest username={}, realm={}, nonce={}, uri={}, response=\"{response}\"",
            quoted(&user),
            quoted(&self.realm),
            quoted(&self.nonce),
            quoted(uri)
        );
        if let Some(algorithm) = &self.algorithm {
            text.extend([", algorithm=", algorithm]);
        }
        if let Some(opaque) = &self.opaque {
            text.extend([", opaque=", &quoted(opaque)]);
        }
        if self.counts {
            text.extend([", qop=auth, nc=", COUNT]);
        }
        if self.counts || self.is_session {
            text.extend([", cnonce=\"", cnonce, "\""]);
        }
        text
    }

    fn hex(&self, parts: &[&[u8]]) -> String {
        let whole = parts.concat();
        let sum = match self.sum {
            Sum::Md5 => Md5::digest(&whole).to_vec(),
            Sum::Sha256 => Sha256::digest(&whole).to_vec(),
        };
        hex_digits(&sum)
    }
}

fn hex_digits(bytes: &[u8]) -> String {
    let digit = |value: u8| char::from_digit(value.into(), 16);
    bytes.iter().flat_map(|byte| [digit(byte >> 4), digit(byte & 15)]).flatten().collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn login() -> Login {
        Login { user: b"Mufasa".to_vec(), password: Some(b"Circle of Life".to_vec()) }
    }

    fn read(values: &[&str]) -> Vec<Challenge> {
        challenges(values.iter().map(|value| value.as_bytes()))
    }

    /// The example of RFC 7616, section 3.9.1.
    #[test]
    fn the_answers_of_the_standard() {
        let of = |algorithm: &str| {
            let value = format!(
                "Digest realm=\"http-auth@example.org\", qop=\"auth, auth-int\", algorithm={algorithm}, \
                 nonce=\"7ypf/xlj9XXwfDPEoM4URrv/xwf94BcCAzFZH4GiTo0v\", \
                 opaque=\"FQhe/qaU925kfnzjCev0ciny7QMkPqMAFRtzCUYo5tdS\""
            );
            let cnonce = "f2/wE4q74E6zIJEtWaHKaf5wv/H5QzzpXusqGemxURZJ";
            strongest(&read(&[&value])).unwrap().answer(&login(), "GET", "/dir/index.html", cnonce)
        };
        assert!(of("MD5").contains("response=\"8ca523f5e9506fed4657c9700eebdbec\""), "{}", of("MD5"));
        let sha = "response=\"753927fa0e85d155564e2e272a28d1802ca10daf4496794697cf8db5856cb6c1\"";
        assert!(of("SHA-256").contains(sha), "{}", of("SHA-256"));
        assert!(of("MD5").contains("qop=auth, nc=00000001, cnonce=\"f2/"));
    }

    #[test]
    fn a_server_of_old_times_gets_no_count() {
        let asked = strongest(&read(&[r#"digest realm="a\"b",nonce=n"#])).unwrap();
        let answer = asked.answer(&login(), "CONNECT", "h:1", "c");
        assert!(answer.starts_with(r#"Digest username="Mufasa", realm="a\"b", nonce="n", uri="h:1", response=""#));
        assert!(!answer.contains("cnonce") && !answer.contains("nc=") && !answer.contains("algorithm"), "{answer}");
        let session = strongest(&read(&["Digest realm=r, nonce=n, algorithm=MD5-sess"])).unwrap();
        assert!(session.answer(&login(), "CONNECT", "h:1", "c").contains("algorithm=MD5-sess, cnonce=\"c\""));
    }

    #[test]
    fn ways_to_log_in_stand_in_one_line_or_in_several() {
        let schemes =
            |values: &[&str]| -> Vec<String> { read(values).into_iter().map(|challenge| challenge.scheme).collect() };
        let digest = r#"Digest realm="a, b", nonce="n", qop="auth", stale = TRUE"#;
        assert_eq!(schemes(&[r#"Basic realm="r""#, "NTLM", digest]), ["basic", "ntlm", "digest"]);
        let line = format!("Basic realm=\"r\", NTLM, Negotiate a87421==, {digest}, Bearer x=1");
        assert_eq!(schemes(&[&line]), ["basic", "ntlm", "negotiate", "digest", "bearer"]);
        let asked = strongest(&read(&[&line])).unwrap();
        assert_eq!((asked.realm.as_str(), asked.is_stale), ("a, b", true));
        for none in ["", ",,", "=", "Basic realm=x", "Digest realm=x", "Digest nonce=x, realm=y, algorithm=SHA-512-256"]
        {
            assert_eq!(strongest(&read(&[none])), None, "{none}");
        }
        assert_eq!(strongest(&read(&["Digest nonce=x, realm=y, qop=auth-int"])), None);
        let both = ["Digest realm=r, nonce=a, algorithm=MD5", "Digest realm=r, nonce=b, algorithm=SHA-256"];
        assert_eq!(strongest(&read(&both)).unwrap().nonce, "b");
    }
}
