//! A minimal mio echo server: the baseline for the overhead of tcpx.
//!
//! `bare_echo ADDRESS` listens and echoes with one read and one write for each event and no queue. A short write is an
//! error, which the message sizes of the benchmarks never cause.

use std::io::{ErrorKind, Read, Write};

use mio::net::{TcpListener, TcpStream};
use mio::{Events, Interest, Poll, Token};
use slab::Slab;

const LISTENER: Token = Token(usize::MAX);

fn main() {
    let address = std::env::args().nth(1).expect("bare_echo ADDRESS:PORT").parse().expect("an address");
    let mut poll = Poll::new().expect("epoll");
    let mut events = Events::with_capacity(1024);
    let mut listener = TcpListener::bind(address).expect("listen");
    eprintln!("listening on {}", listener.local_addr().expect("an address"));
    poll.registry().register(&mut listener, LISTENER, Interest::READABLE).expect("register");
    let mut clients: Slab<TcpStream> = Slab::new();
    let mut buffer = vec![0; 64 << 10];
    loop {
        poll.poll(&mut events, None).expect("poll");
        for event in &events {
            if event.token() == LISTENER {
                while let Ok((mut stream, _)) = listener.accept() {
                    let _ = stream.set_nodelay(true);
                    let entry = clients.vacant_entry();
                    let interest = Interest::READABLE | Interest::WRITABLE;
                    poll.registry().register(&mut stream, Token(entry.key()), interest).expect("register");
                    entry.insert(stream);
                }
            } else if event.is_readable() && !echo(&mut clients[event.token().0], &mut buffer) {
                clients.remove(event.token().0);
            }
        }
    }
}

/// Whether the client is still connected.
fn echo(stream: &mut TcpStream, buffer: &mut [u8]) -> bool {
    loop {
        match stream.read(buffer) {
            Ok(0) => return false,
            Ok(n) => {
                if stream.write(&buffer[..n]).ok() != Some(n) {
                    return false;
                }
                if n < buffer.len() {
                    return true;
                }
            }
            Err(error) => return error.kind() == ErrorKind::WouldBlock,
        }
    }
}
