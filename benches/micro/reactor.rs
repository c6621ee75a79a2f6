//! One round of the reactor: an event, one read, one write. The peer's write and read, two of the four system calls,
//! are included in the result.

use std::io::{Read, Write};
use std::os::unix::net::UnixStream;
use std::time::Instant;

use divan::Bencher;
use divan::counter::ItemsCount;
use mio::Interest;
use tcpx::bench::{Event, Form, Io, Reactor};

use crate::session::open;
use crate::warm;

/// 64 bytes, echoed from the read buffer.
#[divan::bench]
fn round(bencher: Bencher<'_, '_>) {
    let mut buffer = [0; 4096];
    sockets(bencher, move |reactor, slot, socket| {
        let Io::Moved(n) = reactor.readiness(slot).read(&mut buffer, |buffer| socket.read(buffer)) else { return };
        let written = reactor.readiness(slot).write(&buffer[..n], |bytes| socket.write(bytes));
        assert!(matches!(written, Io::Moved(moved) if moved == n), "{written:?}");
    });
}

/// The same with a connection between the two.
#[divan::bench]
fn round_with_connection(bencher: Bencher<'_, '_>) {
    let (mut conn, mut buffer, now) = (open(Form::Data), [0; 4096], Instant::now());
    sockets(bencher, move |reactor, slot, socket| {
        let Io::Moved(n) = reactor.readiness(slot).read(&mut buffer, |buffer| socket.read(buffer)) else { return };
        conn.handle_input(now, &buffer[..n]);
        while let Some(event) = conn.poll_event() {
            let Event::Data(bytes) = event else { panic!("{event:?}") };
            conn.send(bytes);
        }
        let Some(bytes) = conn.poll_transmit() else { return };
        let Io::Moved(n) = reactor.readiness(slot).write(bytes, |bytes| socket.write(bytes)) else { return };
        conn.transmitted(now, n);
    });
}

/// A message to the mailbox, and the wait it ends.
#[divan::bench]
fn mail(bencher: Bencher<'_, '_>) {
    let mut reactor = Reactor::new().expect("a reactor");
    let mailbox = reactor.mailbox();
    bencher.counter(ItemsCount::new(1usize)).bench_local(warm(|| {
        mailbox.post(1u64);
        reactor.wait(None).expect("a wait");
        assert_eq!(reactor.next_mail(), Some(1));
    }));
}

/// Sends 64 bytes over a socket pair and reads the answer, repeatedly; `turn` handles their arrival.
fn sockets(bencher: Bencher<'_, '_>, mut turn: impl FnMut(&mut Reactor<()>, usize, &mut mio::net::UnixStream)) {
    let (ours, mut theirs) = UnixStream::pair().expect("a socket pair");
    ours.set_nonblocking(true).expect("it does not block");
    let mut ours = mio::net::UnixStream::from_std(ours);
    let mut reactor = Reactor::<()>::new().expect("a reactor");
    let slot = reactor.register(&mut ours, Interest::READABLE | Interest::WRITABLE).expect("it is watched");
    bencher.counter(ItemsCount::new(1usize)).bench_local(warm(|| {
        theirs.write_all(&[b'x'; 64]).expect("it takes 64 bytes");
        reactor.wait(None).expect("a wait");
        while let Some(slot) = reactor.next_ready() {
            turn(&mut reactor, slot, &mut ours);
        }
        theirs.read_exact(&mut [0; 64]).expect("the answer");
    }));
    reactor.deregister(slot, &mut ours);
}
