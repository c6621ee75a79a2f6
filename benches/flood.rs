//! A sender of datagrams: as many as it can for some seconds, without looking at what becomes of them. On Linux one call sends 32,
//! which the system cuts out of one buffer (udp(7) `UDP_SEGMENT`).
//!
//! ```text
//! flood ADDRESS [--size BYTES] [--seconds S]
//! ```
//!
//! Prints one line of JSON: how many datagrams the system took, and how long that lasted. It must outrun every receiver that it
//! is used on, or the row measures the sender.

#![cfg_attr(target_os = "linux", allow(unsafe_code))]

use std::net::{SocketAddr, UdpSocket};
use std::time::{Duration, Instant};

/// Calls between two looks at the clock.
const BURST: usize = 100;
/// Datagrams of one call, where the system can cut them.
const PIECES: usize = 32;

fn main() {
    let mut words = std::env::args().skip(1);
    let address: SocketAddr = words.next().and_then(|word| word.parse().ok()).expect("flood ADDRESS:PORT [options]");
    let (mut size, mut seconds) = (64, 1.0);
    while let Some(word) = words.next() {
        let value = words.next().unwrap_or_else(|| panic!("{word} needs a value"));
        let number: f64 = value.parse().unwrap_or_else(|_| panic!("{word} {value}: not a number"));
        match word.as_str() {
            "--size" => size = number as usize,
            "--seconds" => seconds = number,
            _ => panic!("unknown option {word}"),
        }
    }
    let any: SocketAddr = if address.is_ipv4() { ([0, 0, 0, 0], 0).into() } else { ([0; 16], 0).into() };
    let socket = UdpSocket::bind(any).expect("bind");
    socket.connect(address).expect("connect");
    let pieces = if are_cut(&socket, size) { PIECES } else { 1 };
    let datagrams = vec![b'x'; size * pieces];
    let (start, length) = (Instant::now(), Duration::from_secs_f64(seconds));
    let mut sent = 0u64;
    while start.elapsed() < length {
        let taken = (0..BURST).filter(|_| socket.send(&datagrams).is_ok()).count();
        sent += (taken * pieces) as u64;
    }
    println!("{{\"sent\": {sent}, \"seconds\": {:.4}}}", start.elapsed().as_secs_f64());
}

/// Has the system cut what one call sends into datagrams of `size` bytes. Returns whether it does.
#[cfg(target_os = "linux")]
fn are_cut(socket: &UdpSocket, size: usize) -> bool {
    use std::os::fd::AsRawFd;
    let Ok(size) = libc::c_int::try_from(size) else { return false };
    let length = size_of::<libc::c_int>() as libc::socklen_t;
    // SAFETY: the value is an int on this stack frame, as the option takes it.
    let result = unsafe {
        libc::setsockopt(socket.as_raw_fd(), libc::SOL_UDP, libc::UDP_SEGMENT, (&raw const size).cast(), length)
    };
    result == 0
}

#[cfg(not(target_os = "linux"))]
fn are_cut(_: &UdpSocket, _: usize) -> bool {
    false
}
