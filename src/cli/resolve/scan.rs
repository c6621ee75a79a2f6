//! `tcpx scan`: hosts and ports.

use std::time::Duration;

use super::{Action, Config, Input, Limits, Role, family, limit, proxies, rules};
use crate::cli::args::ScanArgs;
use crate::config::Scan;
use crate::endpoint::{Endpoint, parse_port};
use crate::error::{Error, Result};
use crate::proxy::check_route;

/// How long one port may take.
const LIMIT: Duration = Duration::from_secs(2);
/// Most ports of all hosts together, of which a byte each is kept, and a line each may be written.
const MOST: usize = 1 << 24;

pub(super) fn resolve(args: &ScanArgs) -> Result<Action> {
    if args.route.ipv4 && args.route.ipv6 {
        rules::contradiction("-4", "-6", "leave both out to use IPv4 and IPv6")?;
    }
    let (hosts, ports) = match (args.words.as_slice(), args.ports.as_slice()) {
        ([host, ports], []) => (std::slice::from_ref(host), ports.clone()),
        (words, []) => {
            let hint = match words {
                [word] => apart(word)
                    .map(|(host, ports)| format!("the ports are a word of their own: tcpx scan {host} {ports}")),
                _ => None,
            };
            let hint = hint.unwrap_or_else(|| "tcpx scan HOST PORTS, as in 22,80,8000-8100".to_owned());
            return Err(Error::usage_hint("scan needs a host and its ports", hint));
        }
        (hosts, given) => (hosts, given.join(",")),
    };
    let ports = self::ports(&ports)?;
    if ports.len().saturating_mul(hosts.len()) > MOST {
        return Err(Error::usage_hint(format!("more than {MOST} ports in all"), "scan fewer hosts at a time"));
    }
    let proxies = proxies(&args.route.proxy)?;
    for host in hosts {
        let place = host_alone(host)?;
        check_route(&proxies, &place)?;
        rules::family_agrees(args.route.ipv4, args.route.ipv6, &place, host)?;
    }
    let hosts = hosts.iter().map(|host| host.trim_start_matches('[').trim_end_matches(']').to_owned()).collect();
    let limit_of_port = limit("--connect-timeout", args.connect_timeout.as_deref())?.unwrap_or(LIMIT);
    let role = Role::Scan(Scan { hosts, ports, limit: limit_of_port, json: args.json, all: args.verbose > 0 });
    Ok(Action::Run(Box::new(Config {
        family: family(args.route.ipv4, args.route.ipv6),
        no_dns: args.route.no_dns,
        proxies,
        input: Input { discard_received: true, ..Input::default() },
        limits: Limits { run: limit("--timeout", args.timeout.as_deref())?, ..Limits::default() },
        ..Config::of(role)
    })))
}

/// Host and ports in one word.
fn apart(word: &str) -> Option<(&str, &str)> {
    let (host, ports) = word.rsplit_once(':')?;
    let is_host = !host.contains(':') || host.ends_with(']');
    (is_host && host_alone(host).is_ok() && self::ports(ports).is_ok()).then_some((host, ports))
}

/// A host without a port.
fn host_alone(host: &str) -> Result<Endpoint> {
    match Endpoint::from_words(host, "1") {
        Ok(place) if !host.contains('/') => Ok(place),
        _ => Err(Error::usage_hint(format!("{host:?} is not a host"), "tcpx scan HOST... -p PORTS")),
    }
}

/// Ports in ascending order, each once.
fn ports(text: &str) -> Result<Vec<u16>> {
    let mut wanted = vec![false; 1 << 16];
    for part in text.split(',') {
        let (first, last) = range(part)?;
        wanted[usize::from(first)..=usize::from(last)].fill(true);
    }
    Ok((1..=u16::MAX).filter(|port| wanted[usize::from(*port)]).collect())
}

/// A port, a service name or a range.
fn range(part: &str) -> Result<(u16, u16)> {
    let one = |word: &str| match parse_port(word) {
        Ok(0) => Err(Error::usage_hint("port 0 cannot be connected to", "a port to connect to is from 1 to 65535")),
        port => port,
    };
    let is_number = |word: &str| word.bytes().all(|byte| byte.is_ascii_digit());
    // Names of services have hyphens, too.
    let Some((first, last)) = part.split_once('-').filter(|(first, last)| is_number(first) && is_number(last)) else {
        return one(part).map(|port| (port, port));
    };
    if first.is_empty() || last.is_empty() {
        let (from, to) = (if first.is_empty() { "1" } else { first }, if last.is_empty() { "65535" } else { last });
        return Err(Error::usage_hint(
            format!("the range of ports {part} has one end only"),
            format!("write both: {from}-{to}"),
        ));
    }
    let (first, last) = (one(first)?, one(last)?);
    if first > last {
        return Err(Error::usage_hint(
            format!("the range of ports {part} is upside down"),
            format!("the lower one comes first: {last}-{first}"),
        ));
    }
    Ok((first, last))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::cli::tests::{config, refused};

    fn scan(line: &str) -> Scan {
        match config(line).role {
            Role::Scan(scan) => scan,
            role => panic!("tcpx {line}: {role:?}"),
        }
    }

    #[test]
    fn ports_are_numbers_names_and_ranges_in_ascending_order() {
        assert_eq!(ports("80,22,http,20-23").unwrap(), [20, 21, 22, 23, 80]);
        assert_eq!(ports("1-65535").unwrap().len(), 65535);
        assert_eq!(ports("65535").unwrap(), [65535]);
        let two = scan("scan a ::1 -p 80 -p 22-23 -w 100ms -v --json");
        assert_eq!((two.hosts, two.ports), (vec!["a".to_owned(), "::1".to_owned()], vec![22, 23, 80]));
        assert!(two.all && two.json && two.limit == Duration::from_millis(100));
        let one = scan("scan [::1] 22");
        assert_eq!((one.hosts, one.ports), (vec!["::1".to_owned()], vec![22]));
    }

    #[test]
    fn what_is_no_port_and_no_host_is_refused() {
        assert_eq!(
            refused("scan h 90-80"),
            "the range of ports 90-80 is upside down | the lower one comes first: 80-90"
        );
        assert_eq!(refused("scan h"), "scan needs a host and its ports | tcpx scan HOST PORTS, as in 22,80,8000-8100");
        let hint = "the ports are a word of their own: tcpx scan [::1] 20-23";
        assert_eq!(refused("scan [::1]:20-23"), format!("scan needs a host and its ports | {hint}"));
        assert_eq!(refused("scan -6 127.0.0.1 21000"), "127.0.0.1 is an IPv4 address, and -6 is given | leave -6 out");
        for ports in
            ["0", "0-5", "65536", "1-65536", "22,", ",22", "-", "5-", "-5", "1-2-3", "99999999999999999999", "x y"]
        {
            assert!(ports.contains(' ') || !refused(&format!("scan h -p {ports}")).is_empty(), "{ports}");
        }
        for line in [
            "scan",
            "scan h 1 2",
            "scan unix:/x 80",
            "scan h:80 80",
            "scan http://h 80",
            "scan ::1 80 -4",
            "scan h 80 -4 -6",
        ] {
            assert!(!refused(line).is_empty(), "{line}");
        }
    }
}
