//! `Endpoint`: a parsed place to connect to or listen on; `Address`: one end of a connection as the system tells it.
//!
//! Owns the words people write for them: `host:port`, `[::1]:port`, `:port`, `tcp://…`, `udp://…`, `unix:/path`,
//! `unix:@name`, `unixgram:/path`, port numbers and names. Does not resolve: a name stays a name until the dialer asks for its addresses.

use std::fmt::{self, Write as _};
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr};
use std::path::PathBuf;
use std::str::FromStr;

use crate::error::{Error, Result};
use crate::sys;

/// A place to connect to or to listen on.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub enum Endpoint {
    /// A TCP host and port.
    Tcp {
        /// A name or an address without brackets; `None` is every local address (listening) or this host (connecting).
        host: Option<String>,
        /// The port; 0 asks for any free one when listening.
        port: u16,
    },
    /// A UDP host and port, as for TCP.
    Udp {
        /// A name or an address without brackets; `None` is every local address (listening) or this host (connecting).
        host: Option<String>,
        /// The port; 0 asks for any free one when listening.
        port: u16,
    },
    /// A Unix stream socket.
    Unix(UnixName),
    /// A Unix datagram socket.
    Unixgram(UnixName),
    /// An open socket, by the number of its descriptor.
    Descriptor {
        /// The number.
        number: i32,
        /// Its type, which the system knows.
        is_datagram: bool,
    },
}

/// The name of a Unix socket. Its length is checked when it is used, not here.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub enum UnixName {
    /// A path in the file system.
    Path(PathBuf),
    /// A name without a file (unix(7), abstract), without its leading NUL.
    Abstract(Vec<u8>),
}

/// One end of a connection, or where a listener is.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub enum Address {
    /// An IP address and a port of TCP.
    Ip(SocketAddr),
    /// An IP address and a port of UDP.
    Udp(SocketAddr),
    /// A Unix socket; `None` for an unnamed one, as most clients are. Boxed: every connection has two addresses.
    Unix(Option<Box<UnixName>>),
    /// A Unix datagram socket, likewise.
    Unixgram(Option<Box<UnixName>>),
    /// An open socket before it is asked for its ends.
    Descriptor {
        /// The number of the descriptor.
        number: i32,
        /// The type of the socket.
        is_datagram: bool,
    },
    /// A name and a port behind a proxy, which resolves it: a TCP endpoint.
    Name(Box<Endpoint>),
}

/// Maximum bytes of one datagram that is sent: what fits into one of UDP over IPv4.
pub const MAX_DATAGRAM: usize = 65_507;

impl Endpoint {
    /// Reads a host and a port given as two words.
    pub fn from_words(host: &str, port: &str) -> Result<Self> {
        Ok(Self::Tcp { host: Some(parse_host(host)?), port: parse_port(port)? })
    }

    /// Every local address, with this port.
    pub fn any(port: u16) -> Self {
        Self::Tcp { host: None, port }
    }

    /// The port, where there is one.
    pub fn port(&self) -> Option<u16> {
        match self {
            Self::Tcp { port, .. } | Self::Udp { port, .. } => Some(*port),
            Self::Unix(_) | Self::Unixgram(_) | Self::Descriptor { .. } => None,
        }
    }

    /// The host, where one was given.
    pub fn host(&self) -> Option<&str> {
        match self {
            Self::Tcp { host, .. } | Self::Udp { host, .. } => host.as_deref(),
            Self::Unix(_) | Self::Unixgram(_) | Self::Descriptor { .. } => None,
        }
    }

    /// The host name that has to be resolved, if it is a name.
    pub fn name_to_resolve(&self) -> Option<&str> {
        self.host().filter(|host| !is_address(host))
    }

    /// Whether it is a Unix socket.
    pub fn is_unix(&self) -> bool {
        matches!(self, Self::Unix(_) | Self::Unixgram(_))
    }

    /// Whether datagrams are exchanged, and not streams.
    pub fn is_datagram(&self) -> bool {
        matches!(self, Self::Udp { .. } | Self::Unixgram(_) | Self::Descriptor { is_datagram: true, .. })
    }

    /// Whether it is a socket that is open already.
    pub fn is_descriptor(&self) -> bool {
        matches!(self, Self::Descriptor { .. })
    }

    /// The same place for datagrams.
    #[must_use]
    pub fn into_datagram(self) -> Self {
        match self {
            Self::Tcp { host, port } => Self::Udp { host, port },
            Self::Unix(name) => Self::Unixgram(name),
            datagram => datagram,
        }
    }

    /// The same protocol at another host and port.
    #[must_use]
    pub fn moved_to(&self, host: Option<String>, port: u16) -> Self {
        let tcp = Self::Tcp { host, port };
        if self.is_datagram() { tcp.into_datagram() } else { tcp }
    }

    /// What an IP address and port are in this protocol.
    pub fn address(&self, ip: SocketAddr) -> Address {
        if self.is_datagram() { Address::Udp(ip) } else { Address::Ip(ip) }
    }
}

impl fmt::Display for Endpoint {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Tcp { host, port } => write_place(f, host.as_deref(), *port),
            Self::Udp { host, port } => {
                f.write_str("udp://")?;
                write_place(f, host.as_deref(), *port)
            }
            Self::Unix(name) => name.write(f, "unix:"),
            Self::Unixgram(name) => name.write(f, "unixgram:"),
            Self::Descriptor { number, .. } => write!(f, "fd:{number}"),
        }
    }
}

impl FromStr for Endpoint {
    type Err = Error;

    fn from_str(text: &str) -> Result<Self> {
        if let Some(name) = text.strip_prefix("unix:") {
            return parse_unix(text, name).map(Self::Unix);
        }
        if let Some(name) = text.strip_prefix("unixgram:") {
            return parse_unix(text, name).map(Self::Unixgram);
        }
        let rest = match text.split_once("://") {
            Some(("tcp", rest)) => rest,
            Some(("udp", rest)) if !rest.contains("://") => return Ok(rest.parse::<Self>()?.into_datagram()),
            Some((scheme, rest)) => {
                if let Some(error) = other_protocol(text, scheme, rest) {
                    return Err(error);
                }
                return Err(Error::usage_hint(
                    format!("unknown scheme {scheme:?} in {text:?}"),
                    "write tcp://HOST:PORT, udp://HOST:PORT or unix:PATH",
                ));
            }
            None => text,
        };
        let no_port = |hint: String| Error::usage_hint(format!("no port in {text:?}"), hint);
        let (host, port) = rest.rsplit_once(':').ok_or_else(|| no_port("write HOST:PORT, or HOST PORT".to_owned()))?;
        let bare = rest.strip_prefix('[').and_then(|rest| rest.strip_suffix(']')).unwrap_or(rest);
        // An address of which a part could be one with a port may be meant so.
        if is_v6(bare) && (bare != rest || !is_v6(host)) {
            return Err(no_port(format!("write [{bare}]:PORT, or {bare} PORT")));
        }
        if let Some((scheme @ ("tcp" | "udp"), place)) = rest.split_once(':').filter(|(_, place)| place.contains(':')) {
            let hint = format!("write {scheme}://{place}");
            return Err(Error::usage_hint(format!("{text:?} has a scheme without //"), hint));
        }
        if host.is_empty() {
            return Ok(Self::any(parse_port(port)?));
        }
        if host.contains(':') && !(host.starts_with('[') && host.ends_with(']')) {
            return Err(Error::usage_hint(
                format!("{text:?} is ambiguous"),
                "an IPv6 address with a port goes in brackets: [::1]:80",
            ));
        }
        Self::from_words(host, port)
    }
}

impl UnixName {
    fn write(&self, f: &mut fmt::Formatter<'_>, scheme: &str) -> fmt::Result {
        f.write_str(scheme)?;
        match self {
            // As it has to be written: otherwise it would be an abstract name.
            Self::Path(path) if path.as_os_str().as_encoded_bytes().starts_with(b"@") => {
                f.write_str("./")?;
                write_name(f, &path.to_string_lossy())
            }
            Self::Path(path) => write_name(f, &path.to_string_lossy()),
            Self::Abstract(name) => {
                f.write_str("@")?;
                write_name(f, &String::from_utf8_lossy(name))
            }
        }
    }
}

impl fmt::Display for UnixName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.write(f, "unix:")
    }
}

/// Writes a host and a port as one word.
fn write_place(f: &mut fmt::Formatter<'_>, host: Option<&str>, port: u16) -> fmt::Result {
    match host {
        None => write!(f, ":{port}"),
        Some(host) if host.contains(':') => write!(f, "[{host}]:{port}"),
        Some(host) => write!(f, "{host}:{port}"),
    }
}

/// Writes a name on one line: control characters as escapes.
fn write_name(f: &mut fmt::Formatter<'_>, name: &str) -> fmt::Result {
    name.chars().try_for_each(|character| {
        if character.is_control() { write!(f, "{}", character.escape_default()) } else { f.write_char(character) }
    })
}

impl Address {
    /// The place of a connection that is not made yet.
    pub const NOWHERE: Self = Self::Ip(SocketAddr::new(IpAddr::V4(Ipv4Addr::UNSPECIFIED), 0));

    /// The place of a connection to this endpoint that is not made yet.
    pub fn nowhere(endpoint: &Endpoint) -> Self {
        match endpoint {
            Endpoint::Tcp { .. } => Self::NOWHERE,
            Endpoint::Udp { .. } => Self::Udp(SocketAddr::new(IpAddr::V4(Ipv4Addr::UNSPECIFIED), 0)),
            Endpoint::Unix(name) => Self::unix(name.clone()),
            Endpoint::Unixgram(name) => Self::Unixgram(Some(Box::new(name.clone()))),
            Endpoint::Descriptor { number, is_datagram } => {
                Self::Descriptor { number: *number, is_datagram: *is_datagram }
            }
        }
    }

    /// Whether it is that of an IP connection that is not made yet.
    pub fn is_nowhere(&self) -> bool {
        self.ip().is_some_and(|ip| ip.port() == 0 && ip.ip() == IpAddr::V4(Ipv4Addr::UNSPECIFIED))
    }

    /// Whether datagrams are exchanged with it, and not streams.
    pub fn is_datagram(&self) -> bool {
        matches!(self, Self::Udp(_) | Self::Unixgram(_) | Self::Descriptor { is_datagram: true, .. })
    }

    /// The address of a Unix socket with a name.
    pub fn unix(name: UnixName) -> Self {
        Self::Unix(Some(Box::new(name)))
    }

    /// The IP address and port, if it is one.
    pub fn ip(&self) -> Option<SocketAddr> {
        match self {
            Self::Ip(address) | Self::Udp(address) => Some(*address),
            Self::Unix(_) | Self::Unixgram(_) | Self::Descriptor { .. } | Self::Name(_) => None,
        }
    }

    /// The port, if it has one.
    pub fn port(&self) -> Option<u16> {
        match self {
            Self::Ip(address) | Self::Udp(address) => Some(address.port()),
            Self::Name(place) => place.port(),
            Self::Unix(_) | Self::Unixgram(_) | Self::Descriptor { .. } => None,
        }
    }

    /// The address of a place that a proxy connects to: a name stays one.
    pub fn behind_proxy(place: &Endpoint) -> Self {
        let Endpoint::Tcp { host: Some(host), port } = place else { return Self::Name(Box::new(place.clone())) };
        host.parse().map_or_else(|_| Self::Name(Box::new(place.clone())), |ip| Self::Ip(SocketAddr::new(ip, *port)))
    }

    /// The address without its port.
    pub fn host(&self) -> String {
        match self {
            Self::Ip(address) | Self::Udp(address) => address.ip().to_string(),
            Self::Unix(_) | Self::Unixgram(_) | Self::Descriptor { .. } => self.to_string(),
            Self::Name(place) => place.host().unwrap_or_default().to_owned(),
        }
    }

    /// The protocol's name: `tcp`, `udp`, `unix` or `unixgram`.
    pub fn protocol(&self) -> &'static str {
        match self {
            Self::Ip(_) | Self::Name(_) => "tcp",
            Self::Udp(_) => "udp",
            Self::Unix(_) => "unix",
            Self::Unixgram(_) => "unixgram",
            Self::Descriptor { .. } => "fd",
        }
    }
}

impl fmt::Display for Address {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Ip(address) | Self::Udp(address) => address.fmt(f),
            Self::Unix(Some(name)) => name.write(f, "unix:"),
            Self::Unixgram(Some(name)) => name.write(f, "unixgram:"),
            Self::Name(place) => place.fmt(f),
            // In messages an empty name would look as if something were missing.
            Self::Unix(None) => f.write_str("unix:(unnamed)"),
            Self::Unixgram(None) => f.write_str("unixgram:(unnamed)"),
            Self::Descriptor { number, .. } => write!(f, "fd:{number}"),
        }
    }
}

impl From<SocketAddr> for Address {
    fn from(address: SocketAddr) -> Self {
        Self::Ip(address)
    }
}

/// Whether this is an IPv6 address, with or without a zone.
fn is_v6(text: &str) -> bool {
    text.split('%').next().is_some_and(|address| address.parse::<Ipv6Addr>().is_ok())
}

/// Reads what follows `unix:`; `whole` is for messages.
fn parse_unix(whole: &str, name: &str) -> Result<UnixName> {
    let hint = "write unix:/PATH, or unix:@NAME for an abstract name";
    let name = match name.strip_prefix("//") {
        Some(rest) if !rest.starts_with(['/', '@']) => {
            return Err(Error::usage_hint(
                format!("{whole:?} is ambiguous"),
                format!("unix:/{rest} is a path from the root, unix:{rest} one from here"),
            ));
        }
        Some(rest) => rest,
        None => name,
    };
    if name.contains('\0') {
        return Err(Error::usage_hint(format!("{whole:?} contains a NUL byte"), hint));
    }
    match name.strip_prefix('@') {
        Some("") => Err(Error::usage_hint(format!("no name in {whole:?}"), hint)),
        Some(name) => Ok(UnixName::Abstract(name.as_bytes().to_vec())),
        None if name.is_empty() => Err(Error::usage_hint(format!("no path in {whole:?}"), hint)),
        // Several slashes are one, and two would not be read back.
        None if name.starts_with("//") => Ok(UnixName::Path(format!("/{}", name.trim_start_matches('/')).into())),
        None => Ok(UnixName::Path(name.into())),
    }
}

/// Reads a host: a name or an address, brackets allowed around IPv6.
fn parse_host(host: &str) -> Result<String> {
    let bare = match host.strip_prefix('[') {
        Some(inner) => match inner.strip_suffix(']') {
            Some(address) if is_address(address) && address.contains(':') => address,
            _ => return Err(Error::usage(format!("{host:?} is not an IPv6 address in brackets"))),
        },
        None => host,
    };
    let odd = |c: char| c.is_whitespace() || c.is_control() || c == '/' || c == '[' || c == ']';
    if bare.is_empty() {
        return Err(Error::usage("the host is empty"));
    }
    if bare.contains(odd) || (bare.contains(':') && !is_address(bare)) {
        return Err(Error::usage(format!("{host:?} is not a host name or address")));
    }
    Ok(bare.to_owned())
}

/// The error for an URL of a protocol that people know: the place to connect to.
fn other_protocol(text: &str, scheme: &str, rest: &str) -> Option<Error> {
    let default = match scheme {
        "http" | "ws" => 80,
        "ftp" => 21,
        "telnet" => 23,
        "redis" | "rediss" => 6379,
        "https" | "wss" | "ssl" => 443,
        "ftps" => 990,
        "tls" => {
            let message = format!("{text:?} is not known here");
            return Some(Error::usage_hint(message, format!("write {rest} and add --tls")));
        }
        _ => return None,
    };
    let place = rest.split(['/', '?', '#']).next().unwrap_or_default();
    let place = place.rsplit_once('@').map_or(place, |(_, place)| place);
    let (host, port) = match place.parse::<Endpoint>() {
        Ok(Endpoint::Tcp { host: Some(host), port }) => (host, port),
        _ => (parse_host(place).ok()?, default),
    };
    let (what, option) = if is_over_tls(scheme) { ("TLS", "--tls ") } else { ("TCP", "") };
    Some(Error::usage_hint(
        format!("unknown scheme {scheme:?} in {text:?}"),
        format!("tcpx speaks {what}, and you the protocol: tcpx connect {option}{host} {port}"),
    ))
}

/// Whether a scheme is that of a protocol over TLS.
fn is_over_tls(scheme: &str) -> bool {
    matches!(scheme, "https" | "wss" | "ftps" | "rediss" | "ssl")
}

/// An endpoint without `tls://` before it, and whether that was there.
pub fn without_tls(text: &str) -> (&str, bool) {
    text.strip_prefix("tls://").map_or((text, false), |rest| (rest, true))
}

/// The error for a range of ports of a host, as in `20-30`.
pub fn port_range(text: &str, host: &str) -> Option<Error> {
    let (first, last) = text.split_once('-')?;
    let is_number = |word: &str| !word.is_empty() && word.bytes().all(|byte| byte.is_ascii_digit());
    (is_number(first) && is_number(last)).then(|| {
        let number = |word: &str| word.parse::<u64>().unwrap_or(u64::MAX);
        let (first, last) = if number(first) > number(last) { (last, first) } else { (first, last) };
        Error::usage_hint(
            format!("{text:?} is not a port"),
            format!("tcpx scan {host} {first}-{last} tries all of them"),
        )
    })
}

/// Reads a port: a number from 0 to 65535 or a service name.
pub fn parse_port(text: &str) -> Result<u16> {
    if !text.is_empty() && text.bytes().all(|b| b.is_ascii_digit()) {
        return text
            .parse()
            .map_err(|_| Error::usage(format!("port {text} is out of range: ports go from 0 to 65535")));
    }
    if let Some(error) = port_range(text, "HOST") {
        return Err(error);
    }
    let is_name = text.bytes().all(|b| b.is_ascii_alphanumeric() || b"-_.+".contains(&b))
        && text.bytes().next().is_some_and(|b| b.is_ascii_alphabetic());
    if !is_name {
        return Err(Error::usage_hint(
            format!("{text:?} is not a port"),
            "a port is a number from 0 to 65535, or a service name such as http",
        ));
    }
    sys::services::port_of(text, "tcp").ok_or_else(|| Error::usage(format!("{text:?} is not a known service name")))
}

/// Whether the text is an IP address, an IPv6 zone allowed.
fn is_address(text: &str) -> bool {
    if text.parse::<IpAddr>().is_ok() {
        return true;
    }
    matches!(text.split_once('%'), Some((address, zone)) if !zone.is_empty() && address.parse::<Ipv6Addr>().is_ok())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parse(text: &str) -> Endpoint {
        text.parse().unwrap_or_else(|error| panic!("{text}: {error}"))
    }

    #[test]
    fn one_word_endpoints_round_trip() {
        for text in ["example.org:80", "127.0.0.1:0", "[::1]:65535", ":80", "[fe80::1%eth0]:22"] {
            assert_eq!(parse(text).to_string(), text);
        }
        assert_eq!(parse("tcp://localhost:http").to_string(), "localhost:80");
    }

    #[test]
    fn endpoints_of_datagrams_round_trip() {
        for text in ["udp://example.org:53", "udp://[::1]:53", "udp://:53", "unixgram:/run/x", "unixgram:@x"] {
            assert_eq!(parse(text).to_string(), text);
            assert!(parse(text).is_datagram());
        }
        for (text, datagram) in [("h:53", "udp://h:53"), ("unix:/x", "unixgram:/x"), ("udp://h:1", "udp://h:1")] {
            assert_eq!(parse(text).into_datagram(), parse(datagram));
        }
        assert_eq!(parse("udp://h:1").moved_to(None, 2).to_string(), "udp://:2");
        let address = parse("udp://:1").address("10.0.0.1:1".parse().unwrap());
        assert_eq!((address.to_string().as_str(), address.protocol()), ("10.0.0.1:1", "udp"));
        assert!(Address::nowhere(&parse("udp://h:1")).is_nowhere());
    }

    #[test]
    fn unix_endpoints_round_trip() {
        for text in
            ["unix:/run/x.sock", "unix:x", "unix:./@x", "unix:@name", "unix:@a b/c:80", "unix:/a:b", "unix:/\u{4f60}"]
        {
            assert_eq!(parse(text).to_string(), text);
        }
        for (text, plain) in
            [("unix:///run/x", "unix:/run/x"), ("unix:////run/x", "unix:/run/x"), ("unix://@name", "unix:@name")]
        {
            assert_eq!(parse(text).to_string(), plain);
            assert_eq!(parse(plain), parse(text));
        }
        assert_eq!(parse("unix:@x"), Endpoint::Unix(UnixName::Abstract(b"x".to_vec())));
        assert_eq!(UnixName::Path("@x".into()).to_string(), "unix:./@x");
        // On one line, and harmless to a terminal.
        assert_eq!(UnixName::Path("/new\nline\u{7}".into()).to_string(), "unix:/new\\nline\\u{7}");
        // A length is the system's business.
        assert!(parse(&format!("unix:/{}", "x".repeat(500))).is_unix());
    }

    #[test]
    fn addresses_have_words_of_their_own() {
        let ip: SocketAddr = "[::1]:80".parse().unwrap();
        assert_eq!(Address::from(ip).to_string(), "[::1]:80");
        assert_eq!(Address::unix(UnixName::Path("/x".into())).to_string(), "unix:/x");
        assert_eq!(Address::Unix(None).to_string(), "unix:(unnamed)");
        assert_eq!((Address::from(ip).protocol(), Address::Unix(None).protocol()), ("tcp", "unix"));
    }

    #[test]
    fn bad_words_are_usage_errors() {
        for text in [
            "80",
            "host:",
            "host:65536",
            "host:-1",
            "host: 80",
            "host:0x50",
            "host:80x",
            "::1:80",
            "[::1:80",
            "unix:",
            "unix:@",
            "unix://",
            "unix://run/x",
            "unix:a\0b",
            "unix://@",
            "udp://",
            "udp://h",
            "udp://tcp://h:1",
            "unixgram:",
        ] {
            let error = text.parse::<Endpoint>().expect_err(text);
            assert_eq!(error.exit().code(), 2, "{text}: {error}");
        }
        for (host, port) in
            [("", "80"), ("a b", "80"), ("[host]", "80"), ("h", ""), ("h", " 80"), ("h", "nosuchservice")]
        {
            assert!(Endpoint::from_words(host, port).is_err(), "{host:?} {port:?}");
        }
    }

    #[test]
    fn addresses_are_told_from_names() {
        for text in ["[fe80::1%eth0]:22", "10.0.0.1:22", ":22", "unix:/localhost"] {
            assert_eq!(parse(text).name_to_resolve(), None);
        }
        assert_eq!(parse("localhost:22").name_to_resolve(), Some("localhost"));
    }
}
