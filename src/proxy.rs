//! `Proxy`: a proxy on the way to a target, as the user writes it; `Destination`: what a proxy is asked to connect to.
//!
//! Owns the words for proxies, their user names and passwords, and which proxy can reach which place. A password is never
//! shown, by `Display` and `Debug` neither. Does not speak to proxies: `layer::proxy` does.

mod heard;

use std::fmt;
use std::net::{IpAddr, Ipv6Addr};
use std::str::FromStr;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

pub use heard::{Answer, Heard, Stage};

use crate::endpoint::Endpoint;
use crate::error::{Error, Result};

/// A proxy.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Proxy {
    /// Its protocol.
    pub kind: ProxyKind,
    /// Where it is: always a TCP host and port.
    pub place: Endpoint,
    /// What it is told about the user, if anything.
    pub login: Option<Login>,
    /// It is told that only once it asks for it; only HTTP proxies ask.
    pub waits_to_be_asked: bool,
    /// A login without a password is told as it is: HTTP gets no colon behind it, and where a password is wanted there is none.
    pub tells_bare_login: bool,
    /// What it has said last.
    pub heard: Heard,
    /// What it has asked for before it ended the connection.
    pub asked: Asked,
}

/// The ways to log in that a proxy has asked for, before it ended the connection: the next connection begins with one of them.
/// All copies of a proxy share it.
#[derive(Clone, Debug, Default)]
pub struct Asked(Arc<Mutex<Question>>);

#[derive(Debug, Default)]
struct Question {
    /// The values of `Proxy-Authenticate`.
    ways: Option<Vec<Vec<u8>>>,
    /// Another connection is to be made for it.
    is_open: bool,
}

impl Asked {
    /// Notes what was asked for; another connection can answer it. Returns false if one did so already.
    pub fn note(&self, ways: Vec<Vec<u8>>) -> bool {
        let mut question = self.question();
        let is_new = question.ways.is_none();
        if is_new {
            *question = Question { ways: Some(ways), is_open: true };
        }
        is_new
    }

    /// What was asked for.
    pub fn ways(&self) -> Option<Vec<Vec<u8>>> {
        self.question().ways.clone()
    }

    /// Whether another connection is to be made, once.
    pub fn take_open(&self) -> bool {
        std::mem::take(&mut self.question().is_open)
    }

    fn question(&self) -> MutexGuard<'_, Question> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// What was asked for is no part of what a proxy is.
impl PartialEq for Asked {
    fn eq(&self, _: &Self) -> bool {
        true
    }
}

impl Eq for Asked {}

/// What is said of a target that refuses a proxy's connection, where the proxy tells.
pub const TARGET_REFUSED: &str = "the target refused the connection";

/// The protocol of a proxy.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ProxyKind {
    /// SOCKS 5; it resolves names.
    Socks5,
    /// SOCKS 4: IPv4 addresses only, so names are resolved here.
    Socks4,
    /// SOCKS 4a: it resolves names, to IPv4.
    Socks4a,
    /// HTTP with the method CONNECT; it resolves names.
    Http,
}

/// Version of the PROXY protocol, by which a server is told who its client is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum HeaderVersion {
    /// A line of text.
    V1,
    /// Bytes.
    V2,
}

/// A user name and a password.
#[derive(Clone, PartialEq, Eq)]
pub struct Login {
    /// The user name.
    pub user: Vec<u8>,
    /// The password; `None`: there is none, or it is still to be found ([`Proxy::complete`]).
    pub password: Option<Vec<u8>>,
}

/// What a proxy is asked to connect to.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Destination {
    /// The host.
    pub host: Host,
    /// The port.
    pub port: u16,
}

/// A host as a proxy gets it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Host {
    /// A name that the proxy resolves.
    Name(String),
    /// An address.
    Ip(IpAddr),
}

/// The longest name, user name and password of SOCKS 5, in bytes: a length is one byte there.
const LONGEST: usize = 255;
/// The port of SOCKS where none is given.
const SOCKS_PORT: u16 = 1080;
const EXAMPLE: &str = "write socks5://HOST:PORT, socks4://, socks4a:// or http://, with USER:PASSWORD@ before the host";

impl ProxyKind {
    /// How its URL begins.
    pub fn scheme(self) -> &'static str {
        match self {
            Self::Socks5 => "socks5",
            Self::Socks4 => "socks4",
            Self::Socks4a => "socks4a",
            Self::Http => "http",
        }
    }

    fn of_scheme(scheme: &str) -> Option<Self> {
        Some(match scheme.to_ascii_lowercase().as_str() {
            // curl's word for a proxy that resolves names, which all of them do here.
            "socks5" | "socks5h" => Self::Socks5,
            "socks4" => Self::Socks4,
            "socks4a" => Self::Socks4a,
            "http" => Self::Http,
            _ => return None,
        })
    }
}

impl FromStr for Proxy {
    type Err = Error;

    fn from_str(text: &str) -> Result<Self> {
        let shown = masked(text);
        let Some((scheme, rest)) = text.split_once("://") else {
            return Err(Error::usage_hint(format!("proxy {shown:?} has no scheme"), EXAMPLE));
        };
        let Some(kind) = ProxyKind::of_scheme(scheme) else {
            let hint = if scheme.eq_ignore_ascii_case("https") {
                "TLS to the proxy itself is not there: http:// asks it in plain text, what passes through it may be anything"
            } else {
                EXAMPLE
            };
            return Err(Error::usage_hint(format!("proxy {shown:?} has an unknown scheme"), hint));
        };
        let (userinfo, place) = rest.rsplit_once('@').map_or((None, rest), |(user, place)| (Some(user), place));
        let place = place_of(kind, place.strip_suffix('/').unwrap_or(place))
            .map_err(|cause| Error::usage_hint(format!("proxy {shown:?}: {cause}"), EXAMPLE))?;
        let login = userinfo.map(|text| Login::parse_encoded(text, &shown)).transpose()?;
        let login = login.filter(|login| *login != Login::NOBODY);
        let proxy = Self {
            kind,
            place,
            login,
            waits_to_be_asked: false,
            tells_bare_login: false,
            heard: Heard::default(),
            asked: Asked::default(),
        };
        proxy.check_login()?;
        Ok(proxy)
    }
}

impl Proxy {
    /// Whether a user name or a password may still be added from elsewhere.
    pub fn lacks_login(&self) -> bool {
        self.login.as_ref().is_none_or(|login| login.password.is_none())
    }

    /// Adds what its URL lacks: `USER:PASSWORD`, or the password of the user in the URL alone.
    ///
    /// # Errors
    /// It has no colon where a user is wanted, too, or the proxy cannot be told that.
    pub fn complete(&mut self, found: &[u8], source: &str) -> Result<()> {
        let (user, password) = match found.iter().position(|byte| *byte == b':') {
            Some(at) => (&found[..at], Some(&found[at + 1..])),
            None => (found, None),
        };
        self.login = Some(match &self.login {
            Some(Login { user: given, .. }) => {
                let password = password.filter(|_| given == user).unwrap_or(found);
                Login { user: given.clone(), password: Some(password.to_vec()) }
            }
            None if password.is_none() && self.kind == ProxyKind::Socks5 => {
                return Err(Error::usage_hint(format!("{source} has no colon in it"), "write USER:PASSWORD"));
            }
            None => Login { user: user.to_vec(), password: password.map(<[u8]>::to_vec) },
        });
        self.check_login()
    }

    fn check_login(&self) -> Result<()> {
        let Some(Login { user, password }) = &self.login else { return Ok(()) };
        let password = password.as_deref().unwrap_or_default();
        let (cause, hint) = match self.kind {
            ProxyKind::Socks5 if user.len() > LONGEST || password.len() > LONGEST => {
                ("the user name or the password is longer than SOCKS 5 allows", "each has at most 255 bytes")
            }
            ProxyKind::Socks4 | ProxyKind::Socks4a if !password.is_empty() => {
                ("SOCKS 4 has a user name, and no password", "leave the password out, or use socks5://")
            }
            ProxyKind::Socks4 | ProxyKind::Socks4a if user.contains(&0) => {
                ("the user name holds a NUL byte, which SOCKS 4 cannot send", "choose another user name")
            }
            ProxyKind::Http if user.contains(&b':') => {
                ("the user name holds a colon, which HTTP cannot send", "choose another user name")
            }
            _ => return Ok(()),
        };
        Err(Error::usage_hint(format!("proxy {self}: {cause}"), hint))
    }

    /// Why it cannot be asked for a place, if it cannot: the cause, and what to do.
    fn objection(&self, to: &Endpoint) -> Option<(String, &'static str)> {
        let Endpoint::Tcp { host, .. } = to else {
            let what = if to.is_unix() { "a Unix socket" } else { "not a place of TCP" };
            return Some((format!("{to} is {what}, which no proxy reaches"), "leave --proxy out"));
        };
        let host = host.as_deref().unwrap_or_default();
        let is_socks4 = matches!(self.kind, ProxyKind::Socks4 | ProxyKind::Socks4a);
        if host.contains('%') {
            return Some((format!("the zone in {to} is one of this machine, not of the proxy"), "leave the zone out"));
        }
        if is_socks4 && host.parse::<Ipv6Addr>().is_ok() {
            return Some((format!("{to} is an IPv6 address, which SOCKS 4 cannot reach"), "use socks5://"));
        }
        if self.kind != ProxyKind::Http && host.len() > LONGEST {
            return Some((format!("the name in {to} is longer than SOCKS allows"), "a name has at most 255 bytes"));
        }
        None
    }

    /// Whether the name of its destination has to be resolved here, to IPv4.
    pub fn needs_address(&self) -> bool {
        self.kind == ProxyKind::Socks4
    }
}

/// Checks that these proxies, in the order of travel, can be asked for what comes behind them.
///
/// # Errors
/// A proxy cannot reach the next place.
pub fn check_route(proxies: &[Proxy], target: &Endpoint) -> Result<()> {
    let places = proxies.iter().skip(1).map(|proxy| &proxy.place).chain([target]);
    match proxies.iter().zip(places).find_map(|(proxy, to)| proxy.objection(to)) {
        Some((cause, hint)) => Err(Error::usage_hint(cause, hint)),
        None => Ok(()),
    }
}

/// A proxy as messages show it: without user and password.
impl fmt::Display for Proxy {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let user = if self.login.is_some() { "***@" } else { "" };
        write!(f, "{}://{user}{}", self.kind.scheme(), self.place)
    }
}

/// The text of a URL without what stands before its last `@`, so that no password is shown, however it is misspelt.
pub fn masked(text: &str) -> String {
    let Some((before, place)) = text.rsplit_once('@') else { return text.to_owned() };
    let scheme = before.split_once("://").map(|(scheme, _)| format!("{scheme}://")).unwrap_or_default();
    format!("{scheme}***@{place}")
}

/// Where the user name and the password are in the bytes of such a URL.
pub fn secret_range(url: &[u8]) -> Option<std::ops::Range<usize>> {
    let end = url.iter().rposition(|byte| *byte == b'@')?;
    let start = url[..end].windows(3).position(|window| window == b"://").map_or(0, |at| at + 3);
    Some(start..end)
}

impl Login {
    const NOBODY: Self = Self { user: Vec::new(), password: None };

    /// Reads `USER:PASSWORD` with `%HH` for any byte.
    fn parse_encoded(text: &str, shown: &str) -> Result<Self> {
        let decoded = |text: &str| {
            percent_decoded(text).ok_or_else(|| {
                let message =
                    format!("proxy {shown:?}: a % in the user name or password has no two hex digits after it");
                Error::usage_hint(message, "write %25 for a percent sign, %40 for @, %3A for a colon")
            })
        };
        match text.split_once(':') {
            Some((user, password)) => Ok(Self { user: decoded(user)?, password: Some(decoded(password)?) }),
            None => Ok(Self { user: decoded(text)?, password: None }),
        }
    }
}

impl fmt::Debug for Login {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Login(***)")
    }
}

impl Destination {
    /// The place as a proxy gets it; a Unix socket is none.
    pub fn of(place: &Endpoint) -> Option<Self> {
        let Endpoint::Tcp { host, port } = place else { return None };
        let host = host.as_deref().unwrap_or("localhost");
        let host = host.parse().map_or_else(|_| Host::Name(host.to_owned()), Host::Ip);
        Some(Self { host, port: *port })
    }
}

/// `HOST:PORT`, an IPv6 address in brackets.
impl fmt::Display for Destination {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.host {
            Host::Name(name) => write!(f, "{name}:{}", self.port),
            Host::Ip(IpAddr::V4(address)) => write!(f, "{address}:{}", self.port),
            Host::Ip(IpAddr::V6(address)) => write!(f, "[{address}]:{}", self.port),
        }
    }
}

fn place_of(kind: ProxyKind, text: &str) -> std::result::Result<Endpoint, String> {
    let has_port = match text.rsplit_once(']') {
        Some((_, rest)) => rest.starts_with(':'),
        None => text.contains(':'),
    };
    let place = if has_port || kind == ProxyKind::Http {
        text.parse::<Endpoint>()
    } else {
        Endpoint::from_words(text, &SOCKS_PORT.to_string())
    };
    match place {
        Ok(place) if place.host().is_none() => Err("there is no host".to_owned()),
        Ok(place) if place.port() == Some(0) => Err("port 0 cannot be connected to".to_owned()),
        Ok(place) => Ok(place),
        Err(error) => Err(error.to_string()),
    }
}

fn percent_decoded(text: &str) -> Option<Vec<u8>> {
    let mut decoded = Vec::with_capacity(text.len());
    let mut bytes = text.bytes();
    let digit = |byte: Option<u8>| char::from(byte?).to_digit(16).and_then(|digit| u8::try_from(digit).ok());
    while let Some(byte) = bytes.next() {
        decoded.push(if byte == b'%' { digit(bytes.next())? << 4 | digit(bytes.next())? } else { byte });
    }
    Some(decoded)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn proxy(text: &str) -> Proxy {
        text.parse().unwrap_or_else(|error| panic!("{text}: {error}"))
    }

    fn said<T: fmt::Debug>(result: Result<T>) -> String {
        let error = result.expect_err("an error");
        assert_eq!(error.exit().code(), 2);
        format!("{error} | {}", error.hint().unwrap_or_default())
    }

    #[test]
    fn a_url_names_kind_place_and_login() {
        for (text, shown) in [
            ("socks5://h:1", "socks5://h:1"),
            ("SOCKS5H://h", "socks5://h:1080"),
            ("socks4://[::1]", "socks4://[::1]:1080"),
            ("socks4a://u@[::1]:9/", "socks4a://***@[::1]:9"),
            ("http://u:p@h:3128", "http://***@h:3128"),
            ("http://@h:3128", "http://h:3128"),
        ] {
            assert_eq!(proxy(text).to_string(), shown);
        }
        assert_eq!(proxy("socks5://@h:1").login, None);
    }

    #[test]
    fn user_and_password_are_decoded_and_never_shown() {
        let with = proxy("socks5://a%40b%3a:p%25:q@r@h:1");
        assert_eq!(with.login, Some(Login { user: b"a@b:".to_vec(), password: Some(b"p%:q@r".to_vec()) }));
        assert!(!format!("{with:?} {with}").contains('q'), "{with:?}");
        for text in ["socks5://user:secret%zz@h:1", "foo://user:secret@h:1", "user:secret@h:1", "http://user:secret@h"]
        {
            assert!(!said(text.parse::<Proxy>()).contains("secret"), "{text}");
        }
        let (url, hidden) = (b"socks5://u:p@q@h:1", b"u:p@q");
        assert_eq!(&url[secret_range(url).unwrap()], hidden);
        assert_eq!(secret_range(b"u:p@h"), Some(0..3));
        assert_eq!(secret_range(b"socks5://h:1"), None);
    }

    #[test]
    fn what_a_protocol_cannot_send_is_refused() {
        let long = "x".repeat(256);
        for (text, cause) in [
            (format!("socks5://{long}:p@h:1"), "longer than SOCKS 5 allows"),
            (format!("socks5://u:{long}@h:1"), "longer than SOCKS 5 allows"),
            ("socks4://u:p@h:1".to_owned(), "no password"),
            ("socks4a://u%00@h:1".to_owned(), "NUL"),
            ("http://u%3a:p@h:1".to_owned(), "colon"),
            ("https://h:1".to_owned(), "unknown scheme"),
            ("h:1".to_owned(), "no scheme"),
            ("http://h".to_owned(), "no port"),
            ("socks5://:1".to_owned(), "no host"),
            ("socks5://h:0".to_owned(), "port 0"),
            ("socks5://unix:/x".to_owned(), "unix"),
        ] {
            assert!(said(text.parse::<Proxy>()).contains(cause), "{text}");
        }
    }

    #[test]
    fn a_login_from_elsewhere_completes_the_url() {
        let complete = |url: &str, found: &str| {
            let mut proxy = proxy(url);
            proxy.complete(found.as_bytes(), "TCPX_PROXY_AUTH").map(|()| proxy.login.unwrap())
        };
        let login = |user: &str, password: Option<&str>| Login {
            user: user.into(),
            password: password.map(|password| password.as_bytes().to_vec()),
        };
        assert_eq!(complete("socks5://h:1", "u:p:q"), Ok(login("u", Some("p:q"))));
        assert_eq!(complete("socks5://u@h:1", "u:p"), Ok(login("u", Some("p"))));
        assert_eq!(complete("socks5://u@h:1", "p:q"), Ok(login("u", Some("p:q"))), "a password with a colon");
        assert_eq!(complete("http://u@h:1", "p"), Ok(login("u", Some("p"))));
        assert_eq!(complete("socks4://h:1", "u"), Ok(login("u", None)));
        assert_eq!(said(complete("socks5://h:1", "u")), "TCPX_PROXY_AUTH has no colon in it | write USER:PASSWORD");
        assert!(proxy("http://u@h:1").lacks_login() && !proxy("http://u:@h:1").lacks_login());
    }

    #[test]
    fn a_proxy_is_asked_only_for_what_it_can_reach() {
        let check = |proxies: &[&str], target: &str| {
            let proxies: Vec<_> = proxies.iter().map(|text| proxy(text)).collect();
            check_route(&proxies, &target.parse().unwrap())
        };
        assert_eq!(check(&["socks4://h:1", "socks5://[::1]:2"], "x:1").unwrap_err().exit().code(), 2);
        assert!(said(check(&["socks4a://h:1"], "[::1]:1")).contains("use socks5://"));
        assert!(said(check(&["http://h:1"], "unix:/x")).contains("no proxy reaches"));
        assert!(said(check(&["http://h:1"], "[fe80::1%eth0]:1")).contains("zone"));
        assert!(said(check(&["socks5://h:1"], &format!("{}:1", "x".repeat(256)))).contains("255"));
        assert_eq!(check(&["socks5://h:1", "http://i:2", "socks4://j:3"], "name:1"), Ok(()));
    }

    #[test]
    fn a_destination_is_an_address_or_a_name() {
        for (place, shown) in
            [("[::1]:1", "[::1]:1"), (":80", "localhost:80"), ("1.2.3.4:5", "1.2.3.4:5"), ("h:1", "h:1")]
        {
            assert_eq!(Destination::of(&place.parse().unwrap()).unwrap().to_string(), shown);
        }
        assert_eq!(Destination::of(&"unix:/x".parse().unwrap()), None);
    }
}
