//! The options of sockets: their values, and which kind of socket has them.

use std::net::IpAddr;
use std::time::Duration;

use super::args::{SocketArgs, TransportArgs};
use super::values;
use crate::codec::escape::show_line;
use crate::config::sockets::{Group, SocketOptions};
use crate::endpoint::Endpoint;
use crate::error::{Error, Result};

/// Longest name of a network interface (netdevice(7)).
const LONGEST_DEVICE: usize = 15;
/// Longest `--user-timeout`: the system counts milliseconds in 32 bits.
const LONGEST_USER_TIMEOUT: Duration = Duration::from_secs(1193 * 3600);

/// The options of the sockets of a run that connects to `target`.
pub(super) fn of_connect(args: &TransportArgs, target: &Endpoint, has_script: bool) -> Result<SocketOptions> {
    let options = values_of(&args.sockets)?;
    fits(&options, target, has_script)?;
    groups_are_of_a_family(&options.groups, args)?;
    if !options.groups.is_empty() && group_of(target).is_none() {
        return Err(Error::usage_hint(
            format!("--join receives for a group, and {target} is none"),
            "leave --join out, or connect to the group; listen -u --join GROUP PORT only receives",
        ));
    }
    Ok(options)
}

/// The options of the sockets of a run that listens at `place`.
pub(super) fn of_listen(args: &TransportArgs, place: &Endpoint, has_script: bool) -> Result<SocketOptions> {
    let mut options = values_of(&args.sockets)?;
    fits(&options, place, has_script)?;
    match group_of(place) {
        // Bound to a group, the socket receives nothing else: not to join it is never meant.
        Some(group) if !options.groups.iter().any(|joined| joined.address == group.address) => {
            options.groups.push(group);
        }
        None if !options.groups.is_empty() && !receives_at_all_addresses(place) => {
            return Err(Error::usage_hint(
                format!("--join receives what is sent to a group, and {place} is an address of one host"),
                "leave the HOST out",
            ));
        }
        _ => {}
    }
    groups_are_of_a_family(&options.groups, args)?;
    Ok(options)
}

fn values_of(args: &SocketArgs) -> Result<SocketOptions> {
    let buffer =
        |option, text: &Option<String>| text.as_deref().map(|text| values::buffer_size(option, text)).transpose();
    Ok(SocketOptions {
        own_name: None,
        recv_buffer: buffer("--recv-buffer", &args.recv_buffer)?,
        send_buffer: buffer("--send-buffer", &args.send_buffer)?,
        tos: args.tos.as_deref().map(tos).transpose()?,
        ttl: args.ttl.as_deref().map(|text| values::count("--ttl", text)).transpose()?,
        user_timeout: args.user_timeout.as_deref().map(user_timeout).transpose()?,
        device: args.bind_device.as_deref().map(device).transpose()?,
        broadcast: args.broadcast,
        multicast_ttl: args.multicast_ttl.as_deref().map(multicast_ttl).transpose()?,
        groups: args.join.iter().map(|text| group(text)).collect::<Result<_>>()?,
    })
}

/// Checks that the run's own socket has these options; those of a script may be of other kinds.
fn fits(options: &SocketOptions, place: &Endpoint, has_script: bool) -> Result<()> {
    if place.is_unix()
        && let Some(option) = options.of_ip()
    {
        let message = format!("{option} is for IP, and {place} is a Unix socket");
        return Err(Error::usage_hint(message, format!("leave {option} out")));
    }
    if place.is_datagram() || (has_script && options.groups.is_empty()) {
        return Ok(());
    }
    match options.of_datagrams() {
        Some(option) => Err(Error::usage_hint(format!("{option} is for datagrams"), "add -u")),
        None => Ok(()),
    }
}

fn groups_are_of_a_family(groups: &[Group], args: &TransportArgs) -> Result<()> {
    for group in groups {
        let (is_excluded, option) = if group.address.is_ipv6() { (args.ipv4, "-4") } else { (args.ipv6, "-6") };
        if is_excluded {
            let family = if group.address.is_ipv6() { "IPv6" } else { "IPv4" };
            let message = format!("--join {group} is a group of {family}, and {option} is given");
            return Err(Error::usage_hint(message, format!("leave {option} out")));
        }
    }
    Ok(())
}

/// The group that a place is, if it is one.
fn group_of(place: &Endpoint) -> Option<Group> {
    place.host()?.parse().ok().filter(|_| place.is_datagram())
}

fn receives_at_all_addresses(place: &Endpoint) -> bool {
    place.host().is_none_or(|host| host.parse::<IpAddr>().is_ok_and(|host| host.is_unspecified()))
}

fn tos(text: &str) -> Result<u8> {
    type_of_service(text).ok_or_else(|| {
        Error::usage_hint(
            format!("--tos {:?} is no type of service", show_line(text)),
            "write a number from 0 to 255, as in 16 or 0x10, or a name such as ef, af21, cs1 or lowdelay",
        )
    })
}

fn multicast_ttl(text: &str) -> Result<u8> {
    let number = text.bytes().all(|byte| byte.is_ascii_digit()).then(|| text.parse().ok()).flatten();
    number.ok_or_else(|| {
        let message = format!("--multicast-ttl {:?} is no number from 0 to 255", show_line(text));
        Error::usage_hint(message, "0 is this machine alone, 1 the network it is sent to")
    })
}

fn user_timeout(text: &str) -> Result<Duration> {
    let limit = values::duration("--user-timeout", text)?;
    if limit > LONGEST_USER_TIMEOUT {
        let message = format!("--user-timeout {text:?} is longer than the system allows");
        return Err(Error::usage_hint(message, "write a time up to 1193h, as in --user-timeout 30s"));
    }
    Ok(limit)
}

fn device(text: &str) -> Result<String> {
    let is_name = (1..=LONGEST_DEVICE).contains(&text.len())
        && !text.contains(|letter: char| letter == '/' || letter == '\0' || letter.is_whitespace());
    if is_name {
        return Ok(text.to_owned());
    }
    let message = format!("--bind-device {:?} is no name of a network interface", show_line(text));
    Err(Error::usage_hint(message, "ip link shows their names, as in lo or eth0"))
}

fn group(text: &str) -> Result<Group> {
    text.parse().map_err(|_| {
        Error::usage_hint(
            format!("--join {:?} is no multicast group", show_line(text)),
            "write an address from 224.0.0.0 to 239.255.255.255 or from ff00::, as in 239.1.2.3 or ff02::7%eth0",
        )
    })
}

/// The number of a type of service, from its name or in hex or decimal digits.
pub(super) fn type_of_service(word: &str) -> Option<u8> {
    let named = TOS.iter().find(|(name, _)| name.eq_ignore_ascii_case(word)).map(|(_, number)| *number);
    let digits = word.strip_prefix("0x").map_or_else(|| word.parse().ok(), |hex| u8::from_str_radix(hex, 16).ok());
    named.or(digits.filter(|_| !word.contains('+')))
}

/// Types of service by name.
const TOS: &[(&str, u8)] = &[
    ("lowdelay", 0x10),
    ("throughput", 0x08),
    ("reliability", 0x04),
    ("inetcontrol", 0xc0),
    ("netcontrol", 0xe0),
    ("critical", 0xa0),
    ("ef", 0xb8),
    ("lowcost", 0x02),
    ("va", 0xb0),
    ("cs0", 0x00),
    ("cs1", 0x20),
    ("cs2", 0x40),
    ("cs3", 0x60),
    ("cs4", 0x80),
    ("cs5", 0xa0),
    ("cs6", 0xc0),
    ("cs7", 0xe0),
    ("af11", 0x28),
    ("af12", 0x30),
    ("af13", 0x38),
    ("af21", 0x48),
    ("af22", 0x50),
    ("af23", 0x58),
    ("af31", 0x68),
    ("af32", 0x70),
    ("af33", 0x78),
    ("af41", 0x88),
    ("af42", 0x90),
    ("af43", 0x98),
];

#[cfg(test)]
mod tests {
    use super::*;
    use crate::cli::Action;
    use crate::cli::tests::action;
    use crate::config::{Config, Role};

    fn config(line: &str) -> Config {
        match action(line, false) {
            Ok(Action::Run(config)) => *config,
            other => panic!("{line}: {other:?}"),
        }
    }

    fn said(line: &str) -> String {
        match action(line, false) {
            Err(crate::cli::Stop::Error(error)) => {
                assert_eq!(error.exit().code(), 2, "{line}");
                format!("{error} | {}", error.hint().unwrap_or_default())
            }
            other => panic!("{line}: {other:?}"),
        }
    }

    #[test]
    fn values_are_read() {
        let options = config(
            "connect h 1 --recv-buffer 64K --send-buffer 100000 --tos ef --ttl 9 --user-timeout 3s --bind-device lo",
        );
        let wanted = SocketOptions {
            recv_buffer: Some(65_536),
            send_buffer: Some(100_000),
            tos: Some(0xb8),
            ttl: Some(9),
            user_timeout: Some(Duration::from_secs(3)),
            device: Some("lo".into()),
            ..SocketOptions::default()
        };
        assert_eq!(options.sockets, wanted);
        let options = config("listen -u 1 --join 239.1.2.3%lo --join ff02::7%lo --broadcast --multicast-ttl 0").sockets;
        assert_eq!(options.groups.iter().map(Group::to_string).collect::<Vec<_>>(), ["239.1.2.3%lo", "ff02::7%lo"]);
        assert_eq!((options.broadcast, options.multicast_ttl), (true, Some(0)));
        assert_eq!(config("listen -u 239.1.2.3 1").sockets.groups, ["239.1.2.3".parse().unwrap()]);
        let Role::Listen(listen) = config("listen 1 --reuse-port").role else { panic!("no listener") };
        assert!(listen.reuse_port);
        for (word, number) in [("0x10", 16), ("16", 16), ("0", 0), ("255", 255), ("AF11", 0x28), ("0xff", 255)] {
            assert_eq!(type_of_service(word), Some(number), "{word}");
        }
        for word in ["", "256", "-1", "+1", "0x", "0x100", "fast"] {
            assert_eq!(type_of_service(word), None, "{word}");
        }
    }

    #[test]
    fn what_is_wrong_or_does_not_fit_is_said() {
        for (line, wanted) in [
            ("connect h 1 --tos fast", "--tos \"fast\" is no type of service"),
            ("connect h 1 --ttl 0", "--ttl 0 makes no sense: 1 is the smallest"),
            ("connect h 1 --ttl 256", "--ttl \"256\" is too large"),
            ("connect h 1 --recv-buffer 0", "--recv-buffer \"0\" is too small: 1 is the smallest"),
            ("connect h 1 --send-buffer 2G", "--send-buffer \"2G\" is too large"),
            ("connect h 1 --user-timeout 2000h", "--user-timeout \"2000h\" is longer than the system allows"),
            ("connect h 1 --bind-device a/b", "--bind-device \"a/b\" is no name of a network interface"),
            ("listen -u 1 --multicast-ttl 256", "--multicast-ttl \"256\" is no number from 0 to 255"),
            ("listen -u 1 --join 10.0.0.1", "--join \"10.0.0.1\" is no multicast group"),
            ("listen -u 10.0.0.1 1 --join 239.1.2.3", "--join receives what is sent to a group, and "),
            ("listen -u4 1 --join ff02::1", "--join ff02::1 is a group of IPv6, and -4 is given"),
            ("listen -u6 1 --join 239.1.2.3", "--join 239.1.2.3 is a group of IPv4, and -6 is given"),
            ("connect -u 10.0.0.1 1 --join 239.1.2.3", "--join receives for a group, and "),
            ("listen 1 --join 239.1.2.3", "--join is for datagrams | add -u"),
            ("connect h 1 --broadcast", "--broadcast is for datagrams | add -u"),
            ("connect h 1 --multicast-ttl 2", "--multicast-ttl is for datagrams | add -u"),
            ("connect unix:/x --tos 1", "--tos is for IP, and unix:/x is a Unix socket | leave --tos out"),
            ("listen unix:/x --bind-device lo", "--bind-device is for IP, and unix:/x is a Unix socket"),
            ("connect unix:/x --keepalive 9", "--keepalive is for TCP, and unix:/x is a Unix socket"),
            ("listen unix:/x --reuse-port", "--reuse-port is for TCP, and unix:/x is a Unix socket"),
            ("connect -u h 1 --user-timeout 2", "--user-timeout is for streams, and datagrams have no connection"),
        ] {
            let text = said(line);
            assert!(text.starts_with(wanted), "{line}: {text}");
        }
        assert!(config("connect h 1 --broadcast --on-data x").sockets.broadcast, "for datagrams of the script");
        assert!(config("connect unix:/x --recv-buffer 8K").sockets.recv_buffer.is_some());
    }
}
