//! `SocketOptions`: options of the sockets of a run (socket(7), ip(7), ipv6(7), tcp(7)); `Family`; `Group`: a multicast group.
//!
//! Owns the values, and what a group is in text. They are set by `net`.

use std::fmt;
use std::net::{IpAddr, Ipv4Addr};
use std::str::FromStr;
use std::time::Duration;

use crate::endpoint::UnixName;

/// The address families that may be used.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Family {
    /// IPv4 and IPv6.
    #[default]
    Any,
    /// Only IPv4.
    V4,
    /// Only IPv6.
    V6,
}

impl Family {
    /// The one of an address.
    pub fn of(address: IpAddr) -> Self {
        if address.is_ipv4() { Self::V4 } else { Self::V6 }
    }

    /// Whether an address may be used.
    pub fn has(self, address: IpAddr) -> bool {
        self == Self::Any || self == Self::of(address)
    }
}

/// Options of every socket of a run to which they apply.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct SocketOptions {
    /// `--recv-buffer`: bytes.
    pub recv_buffer: Option<usize>,
    /// `--send-buffer`: bytes.
    pub send_buffer: Option<usize>,
    /// `--tos`: type of service of IPv4, traffic class of IPv6.
    pub tos: Option<u8>,
    /// `--ttl`: hop limit.
    pub ttl: Option<u8>,
    /// `--user-timeout`: how long sent bytes may stay unacknowledged; TCP only.
    pub user_timeout: Option<Duration>,
    /// `--bind-device`: the network interface.
    pub device: Option<String>,
    /// `--broadcast`: datagrams may go to all hosts of a network.
    pub broadcast: bool,
    /// `--multicast-ttl`: hop limit of datagrams to groups.
    pub multicast_ttl: Option<u8>,
    /// `--join`: groups whose datagrams are received, by the run's own socket alone.
    pub groups: Vec<Group>,
    /// `--source unix:PATH`: the name of a client's Unix datagram socket.
    pub own_name: Option<UnixName>,
}

impl SocketOptions {
    /// The first option given that only IP sockets have.
    pub fn of_ip(&self) -> Option<&'static str> {
        let options = [
            (self.tos.is_some(), "--tos"),
            (self.ttl.is_some(), "--ttl"),
            (self.user_timeout.is_some(), "--user-timeout"),
            (self.device.is_some(), "--bind-device"),
        ];
        options.into_iter().find_map(|(is_given, option)| is_given.then_some(option)).or(self.of_datagrams())
    }

    /// The first option given that only datagrams of IP have.
    pub fn of_datagrams(&self) -> Option<&'static str> {
        let options = [
            (self.broadcast, "--broadcast"),
            (!self.groups.is_empty(), "--join"),
            (self.multicast_ttl.is_some(), "--multicast-ttl"),
        ];
        options.into_iter().find_map(|(is_given, option)| is_given.then_some(option))
    }

    /// The same without groups and without a name, for sockets that are not the run's own.
    #[must_use]
    pub fn without_groups(self) -> Self {
        Self { groups: Vec::new(), own_name: None, ..self }
    }
}

/// A multicast group, and where it is joined.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Group {
    /// The address of the group.
    pub address: IpAddr,
    /// `None`: on the interface that the system chooses.
    pub interface: Option<Interface>,
}

/// A network interface.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Interface {
    /// By its name or number.
    Name(String),
    /// The one with this address.
    Address(Ipv4Addr),
}

/// A text is no multicast group.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct NotAGroup;

impl FromStr for Group {
    type Err = NotAGroup;

    /// Parses `GROUP` or `GROUP%INTERFACE`.
    fn from_str(text: &str) -> Result<Self, NotAGroup> {
        let (address, interface) = text.split_once('%').map_or((text, None), |(group, name)| (group, Some(name)));
        let address: IpAddr = address.parse().ok().filter(IpAddr::is_multicast).ok_or(NotAGroup)?;
        let interface = match interface {
            Some("") => return Err(NotAGroup),
            Some(name) if address.is_ipv4() => {
                Some(name.parse().map_or_else(|_| Interface::Name(name.to_owned()), Interface::Address))
            }
            Some(name) => Some(Interface::Name(name.to_owned())),
            None => None,
        };
        Ok(Self { address, interface })
    }
}

impl fmt::Display for Group {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}", self.address)?;
        match &self.interface {
            Some(Interface::Name(name)) => write!(f, "%{name}"),
            Some(Interface::Address(address)) => write!(f, "%{address}"),
            None => Ok(()),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_group_may_have_an_interface() {
        for text in ["239.1.2.3", "239.1.2.3%eth0", "224.0.0.1%192.0.2.7", "ff02::1%lo", "ff15::7"] {
            assert_eq!(text.parse::<Group>().unwrap().to_string(), text);
        }
        let group: Group = "239.1.2.3%192.0.2.7".parse().unwrap();
        assert_eq!(group.interface, Some(Interface::Address(Ipv4Addr::new(192, 0, 2, 7))));
        for text in ["", "10.0.0.1", "239.1.2", "239.1.2.3%", "fe80::1%lo", "all", "239.1.2.3/8"] {
            assert_eq!(text.parse::<Group>(), Err(NotAGroup), "{text}");
        }
    }
}
