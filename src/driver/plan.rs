//! `Plan`: all settings for making one connection or binding one listener; `Duties`: the role of a connection in the
//! run.
//!
//! Owns the single conversion from settings of the command line and options of a script to a plan, and the addresses that
//! need no resolver. Starts nothing.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr};
use std::rc::Rc;
use std::sync::Arc;
use std::time::Duration;

use crate::config::{Config, Family, Role, SocketOptions};
use crate::driver::securing::Security;
use crate::endpoint::{Address, Endpoint};
use crate::error::{Error, Result};
use crate::net::dial;
use crate::net::listener::{self, BACKLOG};
use crate::proxy::{self, Destination, HeaderVersion, Proxy};

/// The role of a connection in the run.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Duties {
    /// It receives stdin.
    pub(super) stdin: bool,
    /// It is sent the preamble (`--send`, …).
    pub(super) preamble: bool,
    /// It counts for `--max-conns`.
    pub(super) counted: bool,
    /// Its errors decide the exit code.
    pub(super) decides_exit: bool,
    /// It is closed as soon as it is established (`-z`).
    pub(super) probe: bool,
    /// It is the run's own, or a client of its own listener; not one of a script.
    pub(super) own: bool,
    /// It is a port of `tcpx scan`.
    pub(super) scanned: bool,
}

/// Settings of every connection and listener of a run.
#[derive(Clone, Debug)]
pub(super) struct Defaults {
    family: Family,
    no_dns: bool,
    nodelay: bool,
    /// The port is shared by several workers, or processes.
    shared: bool,
    sockets: Arc<SocketOptions>,
}

/// Settings of one connection or listener beyond the defaults.
#[derive(Clone, Debug)]
pub(super) struct Wishes {
    /// Time limit for resolving and connecting together.
    pub(super) limit: Option<Duration>,
    /// The address to connect from; never a name.
    pub(super) source: Option<Endpoint>,
    /// `TCP_NODELAY`, if it differs from the default.
    pub(super) nodelay: Option<bool>,
    /// The proxies on the way, in the order of travel.
    pub(super) proxies: Vec<Proxy>,
    /// The header of the PROXY protocol that is sent first.
    pub(super) header: Option<HeaderVersion>,
    /// Length of the accept queue.
    pub(super) backlog: i32,
    /// Fails if another process listens there, although the port is shared.
    pub(super) claims: bool,
    pub(super) duties: Duties,
    /// TLS from the start of the connection, or of those that are accepted.
    pub(super) security: Option<Rc<Security>>,
}

/// All settings for making one connection or binding one listener.
#[derive(Clone, Debug)]
pub(super) struct Plan {
    pub(super) target: Endpoint,
    pub(super) family: Family,
    pub(super) no_dns: bool,
    pub(super) nodelay: bool,
    pub(super) shared: bool,
    pub(super) sockets: Arc<SocketOptions>,
    pub(super) wishes: Wishes,
}

/// The addresses of a plan.
pub(super) enum Lookup {
    Known(Vec<Address>),
    /// Host and port to be resolved.
    Name(String, u16),
}

/// The local address of a connection.
#[derive(Clone, Copy, Debug)]
pub(super) enum LocalAddress {
    Address(SocketAddr),
    /// A port of any local address.
    Port(u16),
}

impl Duties {
    /// Duties of the run's own connection, or of a client of its own listener; `single_peer`: it is the whole run.
    pub(super) fn of_run(single_peer: bool) -> Self {
        Self {
            stdin: true,
            preamble: true,
            counted: true,
            decides_exit: single_peer,
            probe: false,
            own: true,
            scanned: false,
        }
    }

    /// Duties of a port that is tried behind proxies.
    pub(super) fn of_scan() -> Self {
        Self { probe: true, scanned: true, ..Self::default() }
    }

    /// Duties of a connection that is only probed (`-z`).
    pub(super) fn of_probe() -> Self {
        Self { decides_exit: true, probe: true, own: true, ..Self::default() }
    }
}

impl Defaults {
    /// The defaults without options on the command line.
    #[cfg(test)]
    pub(super) fn plain() -> Self {
        Self { family: Family::Any, no_dns: false, nodelay: true, shared: false, sockets: Arc::default() }
    }

    pub(super) fn of(config: &Config) -> Self {
        let shared = matches!(&config.role, Role::Listen(listen) if listen.workers > 1 || listen.reuse_port);
        let sockets = Arc::new(config.sockets.clone());
        Self { family: config.family, no_dns: config.no_dns, nodelay: config.nodelay, shared, sockets }
    }

    /// Those of connections and listeners that are not the run's own.
    pub(super) fn of_script(config: &Config) -> Self {
        Self { sockets: Arc::new(config.sockets.clone().without_groups()), ..Self::of(config) }
    }
}

impl Default for Wishes {
    /// The defaults alone. Connections of scripts have no duties.
    fn default() -> Self {
        Self {
            limit: None,
            source: None,
            nodelay: None,
            proxies: Vec::new(),
            header: None,
            backlog: BACKLOG,
            claims: false,
            duties: Duties::default(),
            security: None,
        }
    }
}

impl Plan {
    /// Makes a plan, for the command line and for scripts alike.
    pub(super) fn new(defaults: Defaults, target: Endpoint, wishes: Wishes) -> Self {
        let Defaults { family, no_dns, nodelay, shared, sockets } = defaults;
        Self { target, family, no_dns, nodelay: wishes.nodelay.unwrap_or(nodelay), shared, sockets, wishes }
    }

    /// The place that the socket is connected to: the first proxy, or the target.
    pub(super) fn place(&self) -> &Endpoint {
        self.wishes.proxies.first().map_or(&self.target, |proxy| &proxy.place)
    }

    /// Checks that the proxies can be asked for the target.
    ///
    /// # Errors
    /// One of them cannot.
    pub(super) fn check_route(&self) -> Result<()> {
        proxy::check_route(&self.wishes.proxies, &self.target)
            .map_err(|error| Error::Proxy { message: format!("connect to {}: {error}", self.target) })
    }

    /// What each proxy is asked for, in the order of travel.
    pub(super) fn hops(&self) -> Vec<(Proxy, Destination)> {
        let proxies = &self.wishes.proxies;
        let places = proxies.iter().skip(1).map(|proxy| &proxy.place).chain([&self.target]);
        let hop = |(proxy, to): (&Proxy, &Endpoint)| Some((proxy.clone(), Destination::of(to)?));
        proxies.iter().zip(places).filter_map(hop).collect()
    }

    /// The addresses to connect to.
    ///
    /// # Errors
    /// A name with `-n`, or an address of the wrong family.
    pub(super) fn targets(&self) -> Result<Lookup> {
        match self.place() {
            Endpoint::Tcp { host: None, port } | Endpoint::Udp { host: None, port } => {
                Ok(Lookup::Name("localhost".to_owned(), *port))
            }
            _ => self.lookup(),
        }
    }

    /// The addresses to listen on.
    ///
    /// # Errors
    /// As for [`Plan::targets`].
    pub(super) fn places(&self) -> Result<Lookup> {
        match &self.target {
            Endpoint::Tcp { host: None, port } | Endpoint::Udp { host: None, port } => {
                Ok(Lookup::Known(self.addresses(listener::wildcard(self.family, *port))))
            }
            _ => self.lookup(),
        }
    }

    /// IP addresses and ports in the protocol of the target.
    pub(super) fn addresses(&self, found: Vec<SocketAddr>) -> Vec<Address> {
        found.into_iter().map(|ip| self.target.address(ip)).collect()
    }

    fn lookup(&self) -> Result<Lookup> {
        let (host, port) = match self.place() {
            Endpoint::Unix(_) | Endpoint::Unixgram(_) | Endpoint::Descriptor { .. } => {
                return Ok(Lookup::Known(vec![Address::nowhere(&self.target)]));
            }
            Endpoint::Tcp { host, port } | Endpoint::Udp { host, port } => (host.clone().unwrap_or_default(), *port),
        };
        if self.place().name_to_resolve().is_none() {
            // A numeric address needs no resolver.
            let found = dial::resolve(&host, port, self.family).map_err(|cause| Error::unresolved(host, cause))?;
            return Ok(Lookup::Known(self.addresses(found)));
        }
        self.may_resolve(&host)?;
        Ok(Lookup::Name(host, port))
    }

    /// Whether a name may be resolved.
    ///
    /// # Errors
    /// `-n` forbids it.
    pub(super) fn may_resolve(&self, host: &str) -> Result<()> {
        if self.no_dns {
            return Err(Error::Resolve { host: host.to_owned(), cause: "names are not resolved with -n".into() });
        }
        Ok(())
    }

    /// The local address to connect from, if one was chosen.
    ///
    /// # Errors
    /// It is a name, or its zone is unknown.
    pub(super) fn source(&self) -> Result<Option<LocalAddress>> {
        let Some(Endpoint::Tcp { host, port }) = &self.wishes.source else { return Ok(None) };
        let Some(host) = host else { return Ok(Some(LocalAddress::Port(*port))) };
        let failed = |cause| Error::unresolved(host.clone(), cause);
        if self.wishes.source.as_ref().is_some_and(|source| source.name_to_resolve().is_some()) {
            return Err(failed("a source address is no name".to_owned()));
        }
        let found = dial::resolve(host, *port, Family::Any).map_err(failed)?;
        Ok(found.first().copied().map(LocalAddress::Address))
    }
}

impl LocalAddress {
    /// The local address for this target; `None` if it is of the other family.
    pub(super) fn towards(self, target: &Address) -> Option<SocketAddr> {
        let target = target.ip()?;
        match self {
            Self::Address(address) => (address.is_ipv4() == target.is_ipv4()).then_some(address),
            Self::Port(port) => {
                let any: IpAddr = match target {
                    SocketAddr::V4(_) => Ipv4Addr::UNSPECIFIED.into(),
                    SocketAddr::V6(_) => Ipv6Addr::UNSPECIFIED.into(),
                };
                Some((any, port).into())
            }
        }
    }

    /// The reason that no address of the target can be reached from this source, for an error message.
    pub(super) fn objection(self) -> String {
        match self {
            Self::Address(SocketAddr::V4(address)) => {
                format!("it has only IPv6 addresses, and the source address {} is IPv4", address.ip())
            }
            Self::Address(SocketAddr::V6(address)) => {
                format!("it has only IPv4 addresses, and the source address {} is IPv6", address.ip())
            }
            Self::Port(_) => "it has no IP address, and a source port was chosen".to_owned(),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn plan(target: &str, source: Option<&str>, no_dns: bool) -> Plan {
        let defaults = Defaults { no_dns, nodelay: false, ..Defaults::plain() };
        let source = source.map(|text| text.parse().unwrap());
        Plan::new(defaults, target.parse().unwrap(), Wishes { source, ..Wishes::default() })
    }

    fn known(lookup: Result<Lookup>) -> Vec<String> {
        match lookup.unwrap() {
            Lookup::Known(addresses) => addresses.iter().map(Address::to_string).collect(),
            Lookup::Name(host, port) => vec![format!("{host} {port}?")],
        }
    }

    #[test]
    fn names_are_asked_for_and_addresses_are_known() {
        for (target, connects, listens) in [
            ("[::1]:80", &["[::1]:80"][..], &["[::1]:80"][..]),
            ("unix:/x", &["unix:/x"], &["unix:/x"]),
            (":80", &["localhost 80?"], &["[::]:80", "0.0.0.0:80"]),
            ("h:80", &["h 80?"], &["h 80?"]),
        ] {
            let plan = plan(target, None, false);
            assert_eq!(known(plan.targets()), connects);
            assert_eq!(known(plan.places()), listens);
        }
        assert_eq!(known(plan("unix:/x", None, true).targets()), ["unix:/x"]);
        let refused = plan("h:80", None, true).targets().err().unwrap();
        assert_eq!(refused.to_string(), "resolve h: names are not resolved with -n");
        assert!(!plan("h:80", None, true).nodelay);
    }

    #[test]
    fn a_source_port_holds_for_both_families_and_an_address_for_its_own() {
        let target = |text: &str| Address::from(text.parse::<SocketAddr>().unwrap());
        let (four, six) = (target("127.0.0.1:80"), target("[::1]:80"));
        let source = plan("h:80", Some(":7"), false).source().unwrap().unwrap();
        assert_eq!(source.towards(&four).unwrap().to_string(), "0.0.0.0:7");
        assert_eq!(source.towards(&six).unwrap().to_string(), "[::]:7");
        let source = plan("h:80", Some("[::1]:7"), false).source().unwrap().unwrap();
        assert_eq!(source.towards(&four), None);
        assert_eq!(source.towards(&six).unwrap().to_string(), "[::1]:7");
        assert!(source.objection().contains("::1 is IPv6"));
    }
}
