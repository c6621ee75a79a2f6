//! `Access`: which clients a listener takes, by lists of networks; `Network`: a range of IP addresses.
//!
//! Owns what such a range is in text, and which list decides. Files of ranges are read by `cli`.

use std::fmt;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};
use std::str::FromStr;

/// Bits of an IPv6 address before an IPv4 address that is mapped into it (RFC 4291, section 2.5.5.2).
const MAPPED_BITS: u8 = 96;

/// Which clients may connect. Without lists everybody may.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Access {
    /// `--allow`: nobody else may; `None`: no such list.
    pub allow: Option<Vec<Network>>,
    /// `--deny`: these may not, even if they are allowed.
    pub deny: Vec<Network>,
}

/// All IP addresses that begin with the same bits.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Network {
    first: IpAddr,
    bits: u8,
}

/// What is wrong with the text of a network.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum NetworkError {
    /// It is no address, with or without a number of bits.
    NotANetwork,
    /// More bits than the address has; the number it has.
    TooManyBits(u8),
    /// The address is within this network, and not its first.
    HostBits(Network),
    /// A zone, which tells the links of this machine apart, and not networks.
    Zone,
}

impl Access {
    /// Whether there is no list at all.
    pub fn is_open(&self) -> bool {
        self.allow.is_none() && self.deny.is_empty()
    }

    /// Whether a client with this address may connect.
    pub fn admits(&self, client: IpAddr) -> bool {
        let is_in = |list: &[Network]| list.iter().any(|network| network.contains(client));
        !is_in(&self.deny) && self.allow.as_deref().is_none_or(is_in)
    }
}

impl Network {
    /// Whether an address belongs to it. IPv4 that is mapped into IPv6 is IPv4.
    pub fn contains(self, address: IpAddr) -> bool {
        let address = address.to_canonical();
        address.is_ipv4() == self.first.is_ipv4() && first_of(address, self.bits) == self.first
    }

    /// The network of an address, whose bits beyond the first ones do not matter.
    fn around(address: IpAddr, bits: u8) -> Self {
        match (address.to_canonical(), bits.checked_sub(MAPPED_BITS)) {
            (IpAddr::V4(v4), Some(bits)) if address.is_ipv6() => Self { first: first_of(v4.into(), bits), bits },
            _ => Self { first: first_of(address, bits), bits },
        }
    }
}

impl FromStr for Network {
    type Err = NetworkError;

    fn from_str(text: &str) -> Result<Self, NetworkError> {
        let (address, bits) = text.split_once('/').map_or((text, None), |(address, bits)| (address, Some(bits)));
        let address = match address.split_once('%') {
            Some((address, _)) if address.parse::<Ipv6Addr>().is_ok() => return Err(NetworkError::Zone),
            _ => address.parse::<IpAddr>().map_err(|_| NetworkError::NotANetwork)?,
        };
        let most = if address.is_ipv4() { 32 } else { 128 };
        let bits = match bits {
            None => most,
            Some(digits) if digits.is_empty() || !digits.bytes().all(|byte| byte.is_ascii_digit()) => {
                return Err(NetworkError::NotANetwork);
            }
            Some(digits) => digits.parse().ok().filter(|bits| *bits <= most).ok_or(NetworkError::TooManyBits(most))?,
        };
        let network = Self::around(address, bits);
        if first_of(address, bits) == address { Ok(network) } else { Err(NetworkError::HostBits(network)) }
    }
}

impl fmt::Display for Network {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}/{}", self.first, self.bits)
    }
}

/// The address with all bits behind the first ones 0.
fn first_of(address: IpAddr, bits: u8) -> IpAddr {
    match address {
        IpAddr::V4(v4) => {
            let mask = u32::MAX.checked_shl(32 - u32::from(bits)).unwrap_or(0);
            Ipv4Addr::from(u32::from(v4) & mask).into()
        }
        IpAddr::V6(v6) => {
            let mask = u128::MAX.checked_shl(128 - u32::from(bits)).unwrap_or(0);
            Ipv6Addr::from(u128::from(v6) & mask).into()
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn list(text: &str) -> Vec<Network> {
        text.split_whitespace().map(|text| text.parse().unwrap()).collect()
    }

    fn admits(allow: Option<&str>, deny: &str, client: &str) -> bool {
        Access { allow: allow.map(list), deny: list(deny) }.admits(client.parse().unwrap())
    }

    #[test]
    fn a_network_has_the_addresses_that_begin_like_it() {
        for (network, inside, outside) in [
            ("10.0.0.0/8", "10.255.255.255", "11.0.0.0"),
            ("10.1.2.3", "10.1.2.3", "10.1.2.4"),
            ("10.1.2.3/32", "10.1.2.3", "10.1.2.2"),
            ("128.0.0.0/1", "255.255.255.255", "127.255.255.255"),
            ("0.0.0.0/0", "255.255.255.255", "::1"),
            ("10.0.0.0/8", "::ffff:10.9.9.9", "::10.9.9.9"),
            ("::ffff:10.0.0.0/104", "10.9.9.9", "11.0.0.0"),
            ("2001:db8::/32", "2001:db8:ffff::1", "2001:db9::"),
            ("::1", "::1", "::2"),
            ("::/0", "ffff::", "10.0.0.1"),
            ("::/0", "::1", "::ffff:10.0.0.1"),
        ] {
            let network: Network = network.parse().unwrap();
            assert!(network.contains(inside.parse().unwrap()), "{network} has {inside}");
            assert!(!network.contains(outside.parse().unwrap()), "{network} has no {outside}");
        }
    }

    #[test]
    fn deny_wins_and_a_list_of_those_allowed_excludes_all_others() {
        assert!(admits(None, "", "10.0.0.1") && admits(None, "10.0.0.2", "10.0.0.1"));
        assert!(!admits(None, "10.0.0.0/8", "10.0.0.1"));
        assert!(admits(Some("10.0.0.0/8 ::1"), "10.0.0.1", "10.0.0.2"));
        assert!(!admits(Some("10.0.0.0/8"), "10.0.0.1", "10.0.0.1"));
        assert!(!admits(Some("10.0.0.0/8"), "", "11.0.0.1") && !admits(Some("10.0.0.0/8"), "", "::1"));
        assert!(!admits(Some(""), "", "10.0.0.1"), "an empty list allows nobody");
    }

    #[test]
    fn what_is_no_network_is_told_apart() {
        let wrong = |text: &str| text.parse::<Network>().unwrap_err();
        for text in ["", "/8", "10.0.0.0/", "10.0.0/8", "localhost", "10.0.0.0/-1", "10.0.0.0/8 ", "10.0.0.*", "1/8"] {
            assert_eq!(wrong(text), NetworkError::NotANetwork, "{text}");
        }
        assert_eq!(wrong("10.0.0.0/33"), NetworkError::TooManyBits(32));
        assert_eq!(wrong("::/999"), NetworkError::TooManyBits(128));
        assert_eq!(wrong("fe80::1%lo"), NetworkError::Zone);
        let named = |text: &str| match wrong(text) {
            NetworkError::HostBits(network) => network.to_string(),
            other => panic!("{text}: {other:?}"),
        };
        assert_eq!(named("10.1.2.3/8"), "10.0.0.0/8");
        assert_eq!(named("2001:db8::1/32"), "2001:db8::/32");
        assert_eq!(named("::ffff:10.0.0.1/104"), "10.0.0.0/8");
        assert_eq!(named("1.2.3.4/0"), "0.0.0.0/0");
    }
}
