//! Service names and their ports: from `/etc/services`, and a few built-in names.

use std::fs;

/// Common names, for minimal systems without the file (containers without `netbase`).
const WELL_KNOWN: &[(&str, u16)] = &[
    ("echo", 7),
    ("discard", 9),
    ("daytime", 13),
    ("chargen", 19),
    ("ftp", 21),
    ("ssh", 22),
    ("telnet", 23),
    ("smtp", 25),
    ("time", 37),
    ("domain", 53),
    ("http", 80),
    ("pop3", 110),
    ("imap2", 143),
    ("ldap", 389),
    ("https", 443),
    ("submission", 587),
    ("ldaps", 636),
    ("imaps", 993),
    ("pop3s", 995),
    ("mysql", 3306),
    ("postgresql", 5432),
    ("redis", 6379),
    ("http-alt", 8080),
];

/// Ports of the built-in names that are served by UDP, too.
const BY_DATAGRAMS: &[u16] = &[7, 9, 13, 19, 37, 53];

/// The port of a service name, for this protocol (`tcp`, `udp`): from services(5), else from the built-in names.
pub fn port_of(name: &str, protocol: &str) -> Option<u16> {
    let listed = fs::read_to_string("/etc/services").ok().and_then(|text| find(&text, name, protocol));
    let has_it = |port: u16| protocol == "tcp" || BY_DATAGRAMS.contains(&port);
    let known = WELL_KNOWN.iter().find(|(known, port)| *known == name && has_it(*port));
    listed.or_else(|| known.map(|(_, port)| *port))
}

/// The service name of a port, for this protocol (`tcp`, `udp`), from services(5).
pub fn name_of(port: u16, protocol: &str) -> Option<String> {
    named(&fs::read_to_string("/etc/services").ok()?, port, protocol)
}

/// The first name of a port in the text of a services file.
fn named(text: &str, port: u16, protocol: &str) -> Option<String> {
    text.lines().find_map(|line| {
        let mut words = line.split('#').next().unwrap_or_default().split_whitespace();
        let (service, place) = (words.next()?, words.next()?);
        let (number, kind) = place.split_once('/')?;
        (kind == protocol && number.parse() == Ok(port)).then(|| service.to_owned())
    })
}

/// The port of a name or alias in the text of a services file.
fn find(text: &str, name: &str, protocol: &str) -> Option<u16> {
    text.lines().find_map(|line| {
        let line = line.split('#').next().unwrap_or_default();
        let mut words = line.split_whitespace();
        let (service, port) = (words.next()?, words.next()?);
        let port = port.strip_suffix(protocol)?.strip_suffix('/')?;
        (service == name || words.any(|alias| alias == name)).then(|| port.parse().ok()).flatten()
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_and_aliases_are_found() {
        let text = "# services\nhttp\t80/tcp\twww # web\ndomain 53/udp\ndomain 53/tcp\n";
        assert_eq!(find(text, "http", "tcp"), Some(80));
        assert_eq!(find(text, "www", "tcp"), Some(80));
        assert_eq!(find(text, "domain", "tcp"), Some(53));
        assert_eq!(find(text, "web", "tcp"), None);
        assert_eq!((find(text, "domain", "udp"), find(text, "http", "udp")), (Some(53), None));
        assert_eq!(named(text, 80, "tcp").as_deref(), Some("http"));
        assert_eq!(named(text, 53, "udp").as_deref(), Some("domain"));
        assert_eq!(named(text, 80, "udp"), None);
    }

    #[test]
    fn common_names_need_no_file() {
        assert_eq!(port_of("https", "tcp"), Some(443));
        assert_eq!(port_of("no-such-service", "tcp"), None);
    }
}
