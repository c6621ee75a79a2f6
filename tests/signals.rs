//! How a run ends by a signal: queues are flushed first, for a limited time.

use std::io::{ErrorKind, Write};
use std::net::TcpStream;
use std::os::fd::AsFd;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::thread;

use rustix::process::Signal;

use crate::support::peer::{BlackHole, Conn, Server};
use crate::support::{Role, Stdin, Stdout, Tcpx, assert_same, noise, wait_for_standstill};

const PLAIN: &[&str] = &[];

#[test]
fn a_signal_ends_the_process_by_that_signal() {
    let table = [(Signal::INT, 130), (Signal::TERM, 143), (Signal::HUP, 129)];
    for (options, role) in [(PLAIN, Role::Connect), (PLAIN, Role::Listen), (&["-k"], Role::Listen)] {
        for (signal, code) in table {
            let (mut tcpx, mut peer) = Tcpx::new(options).stdin(Stdin::Open).with_default_signals().pair(role);
            peer.send(b"x");
            tcpx.wait_stdout(b"x");
            tcpx.signal(signal);
            peer.expect_reset();
            tcpx.finish().code(code).wrote("x").quietly();
        }
    }
}

#[test]
fn a_signal_ends_an_idle_listener_and_a_connecting_client() {
    let (tcpx, _) = Tcpx::new(PLAIN).with_default_signals().listen();
    tcpx.signal(Signal::TERM);
    tcpx.finish().code(143).quietly();

    let hole = BlackHole::on("127.0.0.1:0".parse().expect("an address"));
    let tcpx = Tcpx::new(PLAIN).with_default_signals().connect(hole.address());
    tcpx.wait_idle();
    tcpx.signal(Signal::INT);
    tcpx.finish().code(130).quietly();
}

#[test]
fn a_signal_stops_accepting() {
    let (tcpx, address) = Tcpx::new(&["-k"]).stdin(Stdin::Open).with_default_signals().listen();
    let first = Conn::to(address);
    tcpx.signal(Signal::TERM);
    tcpx.finish().code(143);
    assert_eq!(TcpStream::connect(address).expect_err("nobody listens").kind(), ErrorKind::ConnectionRefused);
    drop(first);
}

/// Writes to stdin on a thread until it is closed, and counts the bytes written.
fn pour(mut stdin: std::process::ChildStdin, data: Vec<u8>) -> Arc<AtomicU64> {
    let count = Arc::new(AtomicU64::new(0));
    let written = Arc::clone(&count);
    thread::spawn(move || {
        for chunk in data.chunks(4096) {
            if stdin.write_all(chunk).is_err() {
                return;
            }
            written.fetch_add(chunk.len() as u64, Ordering::Relaxed);
        }
        // Kept open, so that the run does not end by the end of stdin.
        loop {
            thread::park();
        }
    });
    count
}

#[test]
fn a_signal_flushes_queues_first() {
    let data = noise(16 << 20, 6);
    let server = Server::narrow();
    let mut tcpx = Tcpx::new(PLAIN).stdin(Stdin::Open).with_default_signals().connect(server.address);
    let mut peer = server.accept();
    let stdin = tcpx.take_stdin();
    let pipe = stdin.as_fd().try_clone_to_owned().expect("a second handle");
    let count = pour(stdin, data.clone());
    // The kernel's buffers, the queue of tcpx and the pipe are full.
    let written = wait_for_standstill("stdin to be full", || count.load(Ordering::Relaxed));
    tcpx.freeze();
    let taken = written - rustix::io::ioctl_fionread(&pipe).expect("FIONREAD");
    assert!(taken > 64 << 10, "tcpx holds {taken} bytes");
    tcpx.signal(Signal::TERM);
    tcpx.thaw();
    let found = peer.read_to_reset();
    assert!(found.len() as u64 >= taken, "{} of {taken} bytes arrived", found.len());
    assert_same(&found, &data[..found.len()], "what was flushed");
    tcpx.finish().code(143).quietly();
}

#[test]
fn a_signal_waits_for_a_stuck_peer_for_a_limited_time() {
    let (mut tcpx, peer) = Tcpx::new(PLAIN).stdin(Stdin::Open).with_default_signals().pair(Role::Connect);
    let count = pour(tcpx.take_stdin(), vec![0; 32 << 20]);
    wait_for_standstill("stdin to be full", || count.load(Ordering::Relaxed));
    tcpx.signal(Signal::HUP);
    tcpx.finish().code(129).quietly();
    drop(peer);
}

#[test]
fn a_signal_waits_for_a_stuck_stdout_for_a_limited_time() {
    let (reader, writer) = std::io::pipe().expect("a pipe");
    let tcpx = Tcpx::new(PLAIN).stdin(Stdin::Open).stdout(Stdout::Fd(writer.into())).with_default_signals();
    let (tcpx, mut peer) = tcpx.pair(Role::Connect);
    let sender = thread::spawn(move || while peer.0.write_all(&vec![b'x'; 1 << 16]).is_ok() {});
    tcpx.wait_stuck();
    tcpx.signal(Signal::TERM);
    let done = tcpx.finish();
    done.code(143);
    assert!(done.stderr.starts_with("tcpx: stdout takes nothing: "), "{}", done.stderr);
    sender.join().expect("the sender ends with the connection");
    drop(reader);
}

#[test]
fn a_second_signal_ends_the_process_at_once() {
    let (mut tcpx, peer) = Tcpx::new(&["-v"]).stdin(Stdin::Open).with_default_signals().pair(Role::Connect);
    let count = pour(tcpx.take_stdin(), vec![0; 32 << 20]);
    wait_for_standstill("stdin to be full", || count.load(Ordering::Relaxed));
    // Both are pending before the grace period of the first one starts; they are reported in the order of their
    // numbers.
    tcpx.freeze();
    tcpx.signal(Signal::HUP);
    tcpx.signal(Signal::INT);
    tcpx.thaw();
    // Death by the second one; the first one would wait for the stuck peer and end with its own number.
    tcpx.finish().code(130).said("SIGHUP");
    drop(peer);
}

#[test]
fn ignored_signals_stay_ignored() {
    for (options, role) in [(PLAIN, Role::Connect), (PLAIN, Role::Listen), (&["-k"], Role::Listen)] {
        let tcpx = Tcpx::new(options).stdin(Stdin::Open).after_shell("trap '' HUP INT").with_default_signals();
        let (mut tcpx, mut peer) = tcpx.pair(role);
        tcpx.wait_idle();
        tcpx.signal(Signal::HUP);
        tcpx.signal(Signal::INT);
        peer.send(b"still there?");
        tcpx.wait_stdout(b"still there?");
        tcpx.write(b"yes");
        peer.expect(b"yes");
        tcpx.signal(Signal::TERM);
        tcpx.finish().code(143).quietly();
    }
}

#[test]
fn a_signal_does_not_wait_for_a_slow_send_file() {
    let folder = crate::support::Folder::new();
    let path = folder.path("fifo");
    rustix::fs::mkfifoat(rustix::fs::CWD, &path, rustix::fs::Mode::RWXU).expect("a fifo");
    // Kept open, and nothing is written.
    let fifo = std::fs::File::options().read(true).write(true).open(&path).expect("open the fifo");
    let tcpx = Tcpx::new(&["--send-file"]).arg(&path).stdin(Stdin::Open).with_default_signals();
    let (tcpx, peer) = tcpx.pair(Role::Connect);
    tcpx.wait_idle();
    tcpx.signal(Signal::TERM);
    tcpx.finish().code(143);
    drop((peer, fifo));
}
