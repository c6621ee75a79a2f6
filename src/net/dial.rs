//! Name resolution, and the order and timing of connection attempts (Happy Eyeballs, RFC 8305).
//!
//! Holds no sockets: the driver connects to the address that [`Dial::next_attempt`] returns and reports the result.

use std::collections::VecDeque;
use std::net::SocketAddr;
use std::time::{Duration, Instant};

use crate::config::Family;
use crate::endpoint::Address;
use crate::error;
use crate::sys::names;

/// Time before the next address is tried in parallel to an unfinished attempt (RFC 8305, section 5).
pub const ATTEMPT_DELAY: Duration = Duration::from_millis(250);

/// Pauses before a target whose queue is full is tried again.
const FIRST_PAUSE: Duration = Duration::from_millis(5);
const LONGEST_PAUSE: Duration = Duration::from_millis(200);

/// What a name is resolved for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Request {
    /// To connect; the connection's number.
    Connect(u64),
    /// To listen; the listener's number, `None` for the run's own.
    Listen(Option<u64>),
    /// To scan ports; which of the hosts it is.
    Scan(usize),
}

/// The result of one request to the resolver.
#[derive(Debug)]
pub struct Resolved {
    /// What asked for it.
    pub request: Request,
    /// Addresses in the order to try them, or the resolver's error.
    pub addresses: Result<Vec<SocketAddr>, String>,
}

/// Resolves on this thread: immediate for a numeric address, possibly slow for a name.
///
/// # Errors
/// The resolver's message, or that no address is of the requested family.
pub fn resolve(host: &str, port: u16, family: Family) -> Result<Vec<SocketAddr>, String> {
    let found = names::addresses(host, port).map_err(|error| {
        let text = error::cause(&error);
        let reason = text.rsplit_once(": ").map_or(text.as_str(), |(_, reason)| reason);
        error::lower_first(reason)
    })?;
    let mut addresses: Vec<SocketAddr> = Vec::new();
    for address in found.into_iter().filter(|address| family.has(address.ip())) {
        if !addresses.contains(&address) {
            addresses.push(address);
        }
    }
    match (addresses.is_empty(), family) {
        (false, _) => Ok(interleave(addresses)),
        (true, Family::V4) => Err("it has no IPv4 address".to_owned()),
        (true, Family::V6) => Err("it has no IPv6 address".to_owned()),
        (true, Family::Any) => Err("it has no address".to_owned()),
    }
}

/// Alternates the address families, starting with that of the resolver's first address (RFC 8305, section 4).
fn interleave(addresses: Vec<SocketAddr>) -> Vec<SocketAddr> {
    let Some(first) = addresses.first() else { return addresses };
    let first_is_v6 = first.is_ipv6();
    let (favourite, other): (VecDeque<_>, VecDeque<_>) =
        addresses.iter().copied().partition(|address| address.is_ipv6() == first_is_v6);
    let mut order = Vec::with_capacity(addresses.len());
    let mut queues = [favourite, other];
    while queues.iter().any(|queue| !queue.is_empty()) {
        order.extend(queues.iter_mut().filter_map(VecDeque::pop_front));
    }
    order
}

/// The connection attempts to one target.
#[derive(Debug)]
pub struct Dial {
    waiting: VecDeque<Address>,
    next_at: Instant,
    running: usize,
    /// How long the next attempt waits if the target is busy again.
    pause: Duration,
    failures: Vec<(Address, String)>,
}

impl Dial {
    /// Attempts for these addresses, the first one due at once.
    pub fn new(addresses: impl IntoIterator<Item = Address>, now: Instant) -> Self {
        let waiting = addresses.into_iter().collect();
        Self { waiting, next_at: now, running: 0, pause: FIRST_PAUSE, failures: Vec::new() }
    }

    /// Returns the address to try now, if an attempt is due.
    pub fn next_attempt(&mut self, now: Instant) -> Option<Address> {
        if now < self.next_at {
            return None;
        }
        let address = self.waiting.pop_front()?;
        self.running += 1;
        self.next_at = now + ATTEMPT_DELAY;
        Some(address)
    }

    /// Records a failed attempt; the next one is due at once.
    pub fn failed(&mut self, address: Address, cause: String, now: Instant) {
        self.running -= 1;
        self.failures.push((address, cause));
        self.next_at = now;
    }

    /// The target's queue is full: it is tried again after a pause that doubles each time, up to a limit.
    pub fn busy(&mut self, address: Address, now: Instant) {
        self.running -= 1;
        self.waiting.push_back(address);
        self.next_at = now + self.pause;
        self.pause = (self.pause * 2).min(LONGEST_PAUSE);
    }

    /// The addresses that were not tried.
    pub fn into_waiting(self) -> VecDeque<Address> {
        self.waiting
    }

    /// When the next attempt is due.
    pub fn deadline(&self) -> Option<Instant> {
        (!self.waiting.is_empty()).then_some(self.next_at)
    }

    /// Whether every address has failed.
    pub fn is_exhausted(&self) -> bool {
        self.running == 0 && self.waiting.is_empty()
    }

    /// The cause of the failure: one for all addresses, or one for each if they differ.
    pub fn cause(&self) -> String {
        let Some((_, first)) = self.failures.first() else { return "no address".to_owned() };
        if self.failures.len() == 1 {
            return first.clone();
        }
        if self.failures.iter().all(|(_, cause)| cause == first) {
            let tried: Vec<_> = self.failures.iter().map(|(address, _)| host_of(address)).collect();
            return format!("{first} (tried {})", tried.join(", "));
        }
        let each: Vec<_> =
            self.failures.iter().map(|(address, cause)| format!("{}: {cause}", host_of(address))).collect();
        each.join("; ")
    }
}

/// An address without its port, as causes name it.
fn host_of(address: &Address) -> String {
    address.ip().map_or_else(|| address.to_string(), |address| address.ip().to_string())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn addresses(texts: &[&str]) -> Vec<SocketAddr> {
        texts.iter().map(|text| text.parse().unwrap()).collect()
    }

    #[test]
    fn families_alternate_starting_with_the_first_address() {
        let found = addresses(&["[::1]:1", "[::2]:1", "10.0.0.1:1", "[::3]:1"]);
        let order = interleave(found);
        assert_eq!(order, addresses(&["[::1]:1", "10.0.0.1:1", "[::2]:1", "[::3]:1"]));
    }

    fn targets(texts: &[&str]) -> Vec<Address> {
        addresses(texts).into_iter().map(Address::from).collect()
    }

    #[test]
    fn a_busy_target_is_tried_again_with_longer_and_longer_pauses() {
        let start = Instant::now();
        let [a] = targets(&["127.0.0.1:1"]).try_into().unwrap();
        let mut dial = Dial::new([a.clone()], start);
        let (mut now, mut pauses) = (start, Vec::new());
        for _ in 0..8 {
            assert_eq!(dial.next_attempt(now), Some(a.clone()));
            dial.busy(a.clone(), now);
            assert!(!dial.is_exhausted());
            assert_eq!(dial.next_attempt(now), None);
            let next = dial.deadline().unwrap();
            pauses.push((next - now).as_millis());
            now = next;
        }
        assert_eq!(pauses, [5, 10, 20, 40, 80, 160, 200, 200]);
    }

    #[test]
    fn the_next_attempt_is_due_after_the_attempt_delay() {
        let start = Instant::now();
        let [a, b] = targets(&["[::1]:1", "10.0.0.1:1"]).try_into().unwrap();
        let mut dial = Dial::new([a.clone(), b.clone()], start);
        assert_eq!(dial.next_attempt(start), Some(a.clone()));
        assert_eq!(dial.next_attempt(start), None);
        assert_eq!(dial.deadline(), Some(start + ATTEMPT_DELAY));
        assert_eq!(dial.next_attempt(start + ATTEMPT_DELAY), Some(b.clone()));
        assert_eq!(dial.deadline(), None);
        assert!(!dial.is_exhausted());
    }

    #[test]
    fn the_next_attempt_is_due_at_once_after_a_failure() {
        let start = Instant::now();
        let [a, b] = targets(&["[::1]:1", "127.0.0.1:1"]).try_into().unwrap();
        let mut dial = Dial::new([a.clone(), b.clone()], start);
        assert_eq!(dial.next_attempt(start), Some(a.clone()));
        dial.failed(a.clone(), "connection refused".into(), start);
        assert_eq!(dial.next_attempt(start), Some(b.clone()));
        dial.failed(b, "connection refused".into(), start);
        assert!(dial.is_exhausted());
        assert_eq!(dial.cause(), "connection refused (tried ::1, 127.0.0.1)");
    }

    #[test]
    fn different_causes_are_all_reported() {
        let now = Instant::now();
        let [a, b] = targets(&["[::1]:1", "127.0.0.1:1"]).try_into().unwrap();
        let mut dial = Dial::new([a.clone(), b.clone()], now);
        for (address, cause) in [(a, "network is unreachable"), (b, "connection refused")] {
            assert_eq!(dial.next_attempt(now), Some(address.clone()));
            dial.failed(address, cause.into(), now);
        }
        assert_eq!(dial.cause(), "::1: network is unreachable; 127.0.0.1: connection refused");
    }

    #[test]
    fn numeric_addresses_resolve_without_the_resolver() {
        assert_eq!(resolve("127.0.0.1", 80, Family::Any).unwrap(), addresses(&["127.0.0.1:80"]));
        assert_eq!(resolve("127.0.0.1", 80, Family::V6).unwrap_err(), "it has no IPv6 address");
    }
}
