//! A sender of datagrams: as many as it can for some seconds, one call each, without looking at what becomes of them.
//!
//! ```text
//! flood ADDRESS [--size BYTES] [--seconds S]
//! ```
//!
//! Prints one line of JSON: how many datagrams the system took, and how long that lasted. It must outrun every receiver that it
//! is used on, or the row measures the sender.

use std::net::{SocketAddr, UdpSocket};
use std::time::{Duration, Instant};

/// Datagrams between two looks at the clock.
const BURST: usize = 100;

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
    let datagram = vec![b'x'; size];
    let (start, length) = (Instant::now(), Duration::from_secs_f64(seconds));
    let mut sent = 0u64;
    while start.elapsed() < length {
        sent += (0..BURST).filter(|_| socket.send(&datagram).is_ok()).count() as u64;
    }
    println!("{{\"sent\": {sent}, \"seconds\": {:.4}}}", start.elapsed().as_secs_f64());
}
