//! Options of sockets, set before they are bound, connected or listen, so that the first packet has them.
//!
//! Owns which socket takes which option, and the messages about those that the system refuses.

use std::io;
use std::net::IpAddr;

use socket2::{Domain, InterfaceIndexOrAddress, Socket, Type};

use crate::config::sockets::{Group, Interface, SocketOptions};
use crate::error::cause;
use crate::sys::unix::interface_index;

/// Sets what fits this kind of socket.
///
/// # Errors
/// The system refuses one, such as an interface that does not exist; the message names it.
pub(super) fn apply(socket: &Socket, domain: Domain, kind: Type, options: &SocketOptions) -> io::Result<()> {
    if let Some(size) = options.recv_buffer {
        socket.set_recv_buffer_size(size).map_err(|error| named("receive buffer", &error))?;
    }
    if let Some(size) = options.send_buffer {
        socket.set_send_buffer_size(size).map_err(|error| named("send buffer", &error))?;
    }
    let is_v6 = domain == Domain::IPV6;
    if !is_v6 && domain != Domain::IPV4 {
        return Ok(());
    }
    // A socket of IPv6 may have peers of IPv4: what is only for those is set if the system takes it.
    if let Some(tos) = options.tos.map(u32::from) {
        let v4 = socket.set_tos_v4(tos);
        let set = if is_v6 { socket.set_tclass_v6(tos) } else { v4 };
        set.map_err(|error| named("type of service", &error))?;
    }
    if let Some(ttl) = options.ttl.map(u32::from) {
        let v4 = socket.set_ttl_v4(ttl);
        let set = if is_v6 { socket.set_unicast_hops_v6(ttl) } else { v4 };
        set.map_err(|error| named("hop limit", &error))?;
    }
    if let Some(name) = &options.device {
        bind_device(socket, name).map_err(|error| named(&format!("device {name}"), &error))?;
    }
    if kind == Type::STREAM { of_streams(socket, options) } else { of_datagrams(socket, is_v6, options) }
}

#[cfg(target_os = "linux")]
fn bind_device(socket: &Socket, name: &str) -> io::Result<()> {
    socket.bind_device(Some(name.as_bytes()))
}

#[cfg(not(target_os = "linux"))]
fn bind_device(_: &Socket, _: &str) -> io::Result<()> {
    Err(io::ErrorKind::Unsupported.into())
}

fn of_streams(socket: &Socket, options: &SocketOptions) -> io::Result<()> {
    #[cfg(target_os = "linux")]
    if let Some(limit) = options.user_timeout {
        socket.set_tcp_user_timeout(Some(limit)).map_err(|error| named("user timeout", &error))?;
    }
    #[cfg(not(target_os = "linux"))]
    let _ = (socket, options);
    Ok(())
}

fn of_datagrams(socket: &Socket, is_v6: bool, options: &SocketOptions) -> io::Result<()> {
    if options.broadcast {
        socket.set_broadcast(true).map_err(|error| named("broadcast", &error))?;
    }
    if let Some(ttl) = options.multicast_ttl.map(u32::from) {
        let v4 = socket.set_multicast_ttl_v4(ttl);
        let set = if is_v6 { socket.set_multicast_hops_v6(ttl) } else { v4 };
        set.map_err(|error| named("hop limit of groups", &error))?;
    }
    if options.groups.is_empty() {
        return Ok(());
    }
    // Every receiver of a group on this machine gets its datagrams, and only those of the groups it has joined itself.
    socket.set_reuse_address(true)?;
    #[cfg(target_os = "linux")]
    {
        let _ = socket.set_multicast_all_v4(false);
        let _ = socket.set_multicast_all_v6(false);
    }
    for group in &options.groups {
        join(socket, group).map_err(|error| match error.raw_os_error() {
            Some(libc::ENODEV) if group.interface.is_none() => io::Error::new(
                error.kind(),
                format!("join {group}: no interface has a route to it; write {group}%NAME"),
            ),
            _ => named(&format!("join {group}"), &error),
        })?;
    }
    Ok(())
}

fn join(socket: &Socket, group: &Group) -> io::Result<()> {
    let index = match &group.interface {
        Some(Interface::Name(name)) => Some(index_of(name)?),
        _ => None,
    };
    match (group.address, &group.interface) {
        (IpAddr::V4(address), Some(Interface::Address(interface))) => {
            socket.join_multicast_v4_n(&address, &InterfaceIndexOrAddress::Address(*interface))
        }
        (IpAddr::V4(address), _) => {
            socket.join_multicast_v4_n(&address, &InterfaceIndexOrAddress::Index(index.unwrap_or(0)))
        }
        (IpAddr::V6(address), _) => socket.join_multicast_v6(&address, index.unwrap_or(0)),
    }
}

/// The number of a network interface, from its name or as it is.
fn index_of(name: &str) -> io::Result<u32> {
    interface_index(name).or_else(|error| name.parse().map_err(|_| error))
}

/// An error with the option it is about.
fn named(option: &str, error: &io::Error) -> io::Error {
    io::Error::new(error.kind(), format!("{option}: {}", cause(error)))
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;

    fn made(domain: Domain, kind: Type, options: &SocketOptions) -> io::Result<Socket> {
        let socket = Socket::new(domain, kind, None)?;
        apply(&socket, domain, kind, options)?;
        Ok(socket)
    }

    #[test]
    fn a_socket_takes_what_fits_it() {
        let options = SocketOptions {
            recv_buffer: Some(20_000),
            send_buffer: Some(30_000),
            tos: Some(0x10),
            ttl: Some(9),
            user_timeout: Some(Duration::from_secs(3)),
            broadcast: true,
            multicast_ttl: Some(7),
            ..SocketOptions::default()
        };
        // The system doubles what is asked for, to have room for its own bookkeeping (socket(7)).
        let buffers = |socket: &Socket| (socket.recv_buffer_size().unwrap(), socket.send_buffer_size().unwrap());
        for kind in [Type::STREAM, Type::DGRAM] {
            let four = made(Domain::IPV4, kind, &options).unwrap();
            assert_eq!((four.tos_v4().unwrap(), four.ttl_v4().unwrap()), (0x10, 9));
            assert_eq!(buffers(&four), (40_000, 60_000));
            let six = made(Domain::IPV6, kind, &options).unwrap();
            assert_eq!((six.tclass_v6().unwrap(), six.unicast_hops_v6().unwrap()), (0x10, 9));
            assert_eq!((six.tos_v4().unwrap(), six.ttl_v4().unwrap()), (0x10, 9), "of its peers of IPv4");
            assert_eq!(buffers(&made(Domain::UNIX, kind, &options).unwrap()), (40_000, 60_000));
        }
        let stream = made(Domain::IPV4, Type::STREAM, &options).unwrap();
        assert_eq!(stream.tcp_user_timeout().unwrap(), Some(Duration::from_secs(3)));
        let four = made(Domain::IPV4, Type::DGRAM, &options).unwrap();
        assert_eq!((four.broadcast().unwrap(), four.multicast_ttl_v4().unwrap()), (true, 7));
        let six = made(Domain::IPV6, Type::DGRAM, &options).unwrap();
        assert_eq!((six.multicast_hops_v6().unwrap(), six.multicast_ttl_v4().unwrap()), (7, 7));
    }

    #[test]
    fn what_the_system_refuses_is_named() {
        let options = SocketOptions { device: Some("no-such-device".into()), ..SocketOptions::default() };
        let said = made(Domain::IPV4, Type::STREAM, &options).unwrap_err().to_string();
        assert!(said.starts_with("device no-such-device: "), "{said}");
        let groups = vec!["239.1.2.3%no-such-device".parse().unwrap()];
        let options = SocketOptions { groups, ..SocketOptions::default() };
        let said = made(Domain::IPV4, Type::DGRAM, &options).unwrap_err().to_string();
        assert!(said.starts_with("join 239.1.2.3%no-such-device: "), "{said}");
        let groups = vec!["239.1.2.3%lo".parse().unwrap(), "ff02::7%1".parse().unwrap()];
        let options = SocketOptions { groups, ..SocketOptions::default() };
        made(Domain::IPV6, Type::DGRAM, &options).unwrap();
    }
}
