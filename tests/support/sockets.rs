//! What the kernel tells about the TCP sockets of this machine (proc(5) `/proc/net/tcp`): a look that no peer notices.

use std::fs;
use std::net::SocketAddr;

/// State of a socket that listens.
const LISTEN: &str = "0A";
/// State of a connection that both sides have.
const ESTABLISHED: &str = "01";

/// Whether a port has a listener; a trial connection would be its only client.
pub(crate) fn is_listened_on(port: u16) -> bool {
    sockets_of(port).iter().any(|(state, _)| state == LISTEN)
}

/// Bytes that have arrived at the connections of this address and that nobody has read yet.
pub(crate) fn unread_at(address: SocketAddr) -> u64 {
    sockets_of(address.port()).iter().filter(|(state, _)| state == ESTABLISHED).map(|(_, unread)| unread).sum()
}

/// State and unread bytes of the sockets whose local port this is.
fn sockets_of(port: u16) -> Vec<(String, u64)> {
    let end = format!(":{port:04X}");
    let tables = ["/proc/net/tcp", "/proc/net/tcp6"].iter().filter_map(|path| fs::read_to_string(path).ok());
    tables.flat_map(|table| table.lines().skip(1).filter_map(|line| socket(line, &end)).collect::<Vec<_>>()).collect()
}

/// A line of the table: number, local and remote address, state, and both queues as `written:unread`.
fn socket(line: &str, end: &str) -> Option<(String, u64)> {
    let mut words = line.split_whitespace().skip(1);
    let local = words.next()?;
    let (state, queues) = (words.nth(1)?, words.next()?);
    let unread = u64::from_str_radix(queues.split_once(':')?.1, 16).ok()?;
    local.ends_with(end).then(|| (state.to_owned(), unread))
}
