//! `Endpoint`: a parsed place to connect to or listen on, and the words people write for it.
//!
//! Owns `host:port`, `[::1]:port`, `:port`, `tcp://…` and port numbers and names. Does not resolve: a name
//! stays a name until the dialer asks for its addresses.

use std::fmt;
use std::net::{IpAddr, Ipv6Addr};
use std::str::FromStr;

use crate::error::{Error, Result};
use crate::sys;

/// A host and a port.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Endpoint {
    /// A name or an address without brackets; `None` is every local address (listening) or this host
    /// (connecting).
    pub host: Option<String>,
    /// The port; 0 asks for any free one when listening.
    pub port: u16,
}

impl Endpoint {
    /// Reads a host and a port given as two words.
    pub fn from_words(host: &str, port: &str) -> Result<Self> {
        Ok(Self { host: Some(parse_host(host)?), port: parse_port(port)? })
    }

    /// The host to name in messages and to resolve.
    pub fn host_or(&self, default: &str) -> String {
        self.host.clone().unwrap_or_else(|| default.to_owned())
    }

    /// Whether the host is an address (a zone such as `%eth0` included) rather than a name.
    pub fn is_numeric(&self) -> bool {
        self.host.as_deref().is_none_or(is_address)
    }
}

impl fmt::Display for Endpoint {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.host.as_deref() {
            None => write!(f, ":{}", self.port),
            Some(host) if host.contains(':') => write!(f, "[{host}]:{}", self.port),
            Some(host) => write!(f, "{host}:{}", self.port),
        }
    }
}

impl FromStr for Endpoint {
    type Err = Error;

    fn from_str(text: &str) -> Result<Self> {
        let rest = match text.split_once("://") {
            Some(("tcp", rest)) => rest,
            Some((scheme, _)) => {
                return Err(Error::usage_hint(
                    format!("unknown scheme {scheme:?} in {text:?}"),
                    "write tcp://HOST:PORT",
                ));
            }
            None => text,
        };
        let (host, port) = rest
            .rsplit_once(':')
            .ok_or_else(|| Error::usage_hint(format!("no port in {text:?}"), "write HOST:PORT, or HOST PORT"))?;
        if host.is_empty() {
            return Ok(Self { host: None, port: parse_port(port)? });
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

/// Reads a port: a number from 0 to 65535 or a service name.
pub fn parse_port(text: &str) -> Result<u16> {
    if !text.is_empty() && text.bytes().all(|b| b.is_ascii_digit()) {
        return text
            .parse()
            .map_err(|_| Error::usage(format!("port {text} is out of range: ports go from 0 to 65535")));
    }
    let is_name = text.bytes().all(|b| b.is_ascii_alphanumeric() || b"-_.+".contains(&b))
        && text.bytes().next().is_some_and(|b| b.is_ascii_alphabetic());
    if !is_name {
        return Err(Error::usage_hint(
            format!("{text:?} is not a port"),
            "a port is a number from 0 to 65535, or a service name such as http",
        ));
    }
    sys::services::port_of(text).ok_or_else(|| Error::usage(format!("{text:?} is not a known service name")))
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
    fn bad_words_are_usage_errors() {
        for text in ["80", "host:", "host:65536", "host:-1", "host: 80", "host:0x50", "host:80x", "::1:80", "[::1:80"] {
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
        assert!(parse("[fe80::1%eth0]:22").is_numeric());
        assert!(parse("10.0.0.1:22").is_numeric());
        assert!(!parse("localhost:22").is_numeric());
    }
}
