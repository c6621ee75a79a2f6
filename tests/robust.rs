//! Resource shortage and misbehaving peers: other connections, memory, data and shared descriptors are not affected.

use std::collections::VecDeque;
use std::io::{ErrorKind, Read, Write};
use std::os::fd::{AsFd, BorrowedFd, OwnedFd};
use std::os::unix::fs::PermissionsExt;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::thread;
use std::time::Duration;

use rustix::fs::{OFlags, fcntl_getfl};

use crate::support::peer::Conn;
use crate::support::pty::Pty;
use crate::support::{
    BOTH, Folder, Role, Stdin, Stdout, Tcpx, assert_same, noise, wait_for_standstill, without_rights,
};

const PLAIN: &[&str] = &[];
const ECHO: &[&str] = &["--on-data", "conn.send(data)"];
const MIB: usize = 1 << 20;
/// Maximum resident memory, in KiB.
const MEMORY: u64 = 32 << 10;

#[test]
fn clients_are_served_after_a_shortage_of_descriptors() {
    for options in [ECHO, &["-k"]] {
        let (mut tcpx, address) = Tcpx::new(options).stdin(Stdin::Open).after_shell("ulimit -n 24").listen();
        let mut waiting: VecDeque<_> = (0..60).map(|_| Conn::to(address)).collect();
        for (number, client) in waiting.iter_mut().enumerate() {
            client.send(format!("[{number}]").as_bytes());
        }
        tcpx.wait_stderr("clients wait");
        if options == ECHO {
            // In order of arrival, each as soon as others have closed.
            for number in 0..60 {
                let mut client = waiting.pop_front().expect("60 clients");
                client.expect(format!("[{number}]").as_bytes());
            }
        } else {
            while let Some(mut client) = waiting.pop_front() {
                client.half_close();
                client.expect_eof();
            }
            let wanted: usize = (0..60).map(|number| format!("[{number}]").len()).sum();
            assert!(tcpx.out.wait(|bytes| bytes.len() >= wanted), "some clients' data is missing");
            let text = tcpx.out.text();
            for number in 0..60 {
                assert_eq!(text.matches(&format!("[{number}]")).count(), 1, "client {number} in {text}");
            }
        }
        assert!(tcpx.is_running());
        let text = tcpx.err.text();
        assert_eq!(text.matches("too many open files").count(), 1, "told once: {text}");
    }
}

#[test]
fn clients_are_served_when_the_descriptor_limit_is_raised() {
    // Neither an event nor the end of one of its connections reports it.
    let (mut tcpx, address) = Tcpx::new(ECHO).after_shell("ulimit -S -n 24").listen();
    let mut clients: Vec<_> = (0..60).map(|_| Conn::to(address)).collect();
    tcpx.wait_stderr("clients wait");
    tcpx.allow_descriptors(100);
    for (number, client) in clients.iter_mut().enumerate() {
        client.send(format!("[{number}]").as_bytes());
        client.expect(format!("[{number}]").as_bytes());
    }
}

#[test]
fn two_hundred_concurrent_clients_get_their_own_bytes() {
    let (mut tcpx, address) = Tcpx::new(ECHO).listen();
    let clients: Vec<_> = (0..200)
        .map(|seed| {
            thread::spawn(move || {
                let data = noise(20_000, seed);
                let mut conn = Conn::to(address);
                let (mut sending, copy) = (conn.another(), data.clone());
                let sender = thread::spawn(move || {
                    for piece in copy.chunks(3_000) {
                        sending.send(piece);
                    }
                    sending.half_close();
                });
                assert_same(&conn.read_all(), &data, "an echo");
                sender.join().expect("a sender");
            })
        })
        .collect();
    for client in clients {
        client.join().expect("a client");
    }
    assert!(tcpx.is_running());
}

#[test]
fn misbehaving_clients_do_not_affect_others() {
    let (mut tcpx, address) = Tcpx::new(ECHO).listen();
    let mut good = Conn::to(address);
    let mut check = |when: &str| {
        good.send(when.as_bytes());
        good.expect(when.as_bytes());
    };
    // A client that never reads: its echo fills every buffer, then tcpx stops reading from it.
    let stuck = Conn::narrow_to(address);
    stuck.0.set_nonblocking(true).expect("non-blocking");
    let sent = Arc::new(AtomicU64::new(0));
    let (mut pouring, count) = (stuck.another(), Arc::clone(&sent));
    let stop = Arc::new(AtomicBool::new(false));
    let enough = Arc::clone(&stop);
    let pourer = thread::spawn(move || {
        let piece = vec![b'x'; 64 << 10];
        while !enough.load(Ordering::Relaxed) {
            match pouring.0.write(&piece) {
                Ok(n) => count.fetch_add(n as u64, Ordering::Relaxed),
                Err(error) if error.kind() == ErrorKind::WouldBlock => {
                    thread::sleep(Duration::from_millis(5));
                    continue;
                }
                Err(error) => panic!("the client that does not read is dropped: {error}"),
            };
        }
    });
    let poured = wait_for_standstill("the stuck client to be stuck", || sent.load(Ordering::Relaxed));
    assert!(poured < 64 * MIB as u64, "{poured} bytes were taken from a client that does not read");
    check("beside one that never reads");
    // A client that sends a byte now and then.
    let mut slow = Conn::to(address);
    slow.send(b"s");
    slow.expect(b"s");
    // Clients that reset, in every state.
    for number in 0..30 {
        let mut bad = Conn::to(address);
        if number % 3 > 0 {
            bad.send(&[b'x'; 5_000]);
        }
        if number % 3 > 1 {
            bad.expect(&[b'x'; 100]);
        }
        bad.reset();
        check("beside one that resets");
        // And one that half-closes right after its request.
        let mut ended = Conn::to(address);
        ended.send(b"last words");
        ended.half_close();
        assert_same(&ended.read_all(), b"last words", "the echo for a client that has ended");
    }
    slow.send(b"l");
    slow.expect(b"l");
    assert!(tcpx.is_running());
    let peak = tcpx.peak_memory();
    assert!(peak < MEMORY, "{peak} KiB");
    // It is closed without an effect on others.
    stop.store(true, Ordering::Relaxed);
    pourer.join().expect("the pourer");
    stuck.reset();
    slow.send(b"ow");
    slow.expect(b"ow");
}

/// Writes all data on a thread, and counts the bytes written.
fn pour_counted(mut to: impl Write + Send + 'static, data: Arc<Vec<u8>>) -> (Arc<AtomicU64>, thread::JoinHandle<()>) {
    let count = Arc::new(AtomicU64::new(0));
    let sent = Arc::clone(&count);
    let thread = thread::spawn(move || {
        for piece in data.chunks(64 << 10) {
            to.write_all(piece).expect("everything is taken");
            sent.fetch_add(piece.len() as u64, Ordering::Relaxed);
        }
    });
    (count, thread)
}

#[test]
fn memory_stays_flat_when_stdout_is_read_slowly() {
    let data = Arc::new(noise(64 * MIB, 11));
    let cases: [(&[&str], Role); 3] = [(PLAIN, Role::Connect), (PLAIN, Role::Listen), (&["-k"], Role::Listen)];
    for (options, role) in cases {
        let (mut reader, writer) = std::io::pipe().expect("a pipe");
        let (tcpx, mut peer) = Tcpx::new(options).stdout(Stdout::Fd(writer.into())).pair(role);
        let (sent, sender) = pour_counted(peer.another().0, Arc::clone(&data));
        // Without a reader, the transfer stops when all buffers are full.
        let stopped = wait_for_standstill("the peer to be stuck", || sent.load(Ordering::Relaxed));
        assert!(stopped < 48 * MIB as u64, "{stopped} bytes were taken although nobody reads");
        let (mut found, mut buffer) = (Vec::new(), vec![0; 256 << 10]);
        while found.len() < data.len() {
            let n = reader.read(&mut buffer).expect("read the pipe");
            assert!(n > 0, "the end after {} bytes", found.len());
            found.extend_from_slice(&buffer[..n]);
        }
        assert_same(&found, &data, "what a slow reader gets");
        let peak = tcpx.peak_memory();
        assert!(peak < MEMORY, "{role:?} {options:?}: {peak} KiB");
        sender.join().expect("the peer sends everything");
        if options == PLAIN {
            peer.half_close();
            tcpx.finish().code(0).quietly();
        }
    }
}

#[test]
fn memory_stays_flat_when_the_peer_reads_slowly() {
    let data = Arc::new(noise(64 * MIB, 12));
    for role in BOTH {
        let (mut tcpx, mut peer) = Tcpx::new(PLAIN).stdin(Stdin::Open).pair(role);
        let (sent, sender) = pour_counted(tcpx.take_stdin(), Arc::clone(&data));
        let stopped = wait_for_standstill("stdin to be full", || sent.load(Ordering::Relaxed));
        assert!(stopped < 48 * MIB as u64, "{stopped} bytes were taken although nobody reads");
        peer.expect(&data);
        let peak = tcpx.peak_memory();
        assert!(peak < MEMORY, "{role:?}: {peak} KiB");
        sender.join().expect("stdin takes everything");
        peer.expect_eof();
        drop(peer);
        tcpx.finish().code(0).quietly();
    }
}

#[test]
fn large_data_passes_in_both_directions_through_two_instances() {
    let (there, back) = (noise(64 * MIB, 13), noise(64 * MIB, 14));
    let (server, address) = Tcpx::new(PLAIN).stdin(Stdin::bytes(&back)).listen();
    let client = Tcpx::new(PLAIN).stdin(Stdin::file(&there)).connect(address);
    client.finish().code(0).wrote(&back).quietly();
    server.finish().code(0).wrote(&there).quietly();
}

// ---- traces ----------------------------------------------------------------------------------------------

fn is_blocking(fd: BorrowedFd<'_>) -> bool {
    !fcntl_getfl(fd).expect("the flags").contains(OFlags::NONBLOCK)
}

#[test]
fn inherited_descriptors_keep_their_flags() {
    for role in BOTH {
        let (stdin, mut keys) = std::io::pipe().expect("a pipe");
        let (mut reader, stdout) = std::io::pipe().expect("a pipe");
        let (stdin, stdout) = (OwnedFd::from(stdin), OwnedFd::from(stdout));
        let before = [&stdin, &stdout].map(|fd| fcntl_getfl(fd).expect("the flags"));
        let copy = |fd: &OwnedFd| fd.try_clone().expect("a second handle on the same description");
        let tcpx = Tcpx::new(PLAIN).stdin(Stdin::Fd(copy(&stdin))).stdout(Stdout::Fd(copy(&stdout)));
        let (tcpx, mut peer) = tcpx.pair(role);
        keys.write_all(b"x").expect("write to stdin");
        peer.expect(b"x");
        peer.send(b"y");
        reader.read_exact(&mut [0]).expect("read from stdout");
        // While it runs, because a SIGKILL would leave it so …
        assert_eq!([&stdin, &stdout].map(|fd| fcntl_getfl(fd).expect("the flags")), before);
        drop(peer);
        tcpx.finish().code(0).quietly();
        // … and afterwards.
        assert_eq!([&stdin, &stdout].map(|fd| fcntl_getfl(fd).expect("the flags")), before);
        assert!(is_blocking(stdin.as_fd()) && is_blocking(stdout.as_fd()));
    }
}

#[test]
fn a_terminal_keeps_its_flags_and_modes() {
    let mut pty = Pty::new();
    let before = format!("{:?}", pty.modes());
    let tcpx = Tcpx::new(PLAIN).stdin(Stdin::Fd(pty.side())).stdout(Stdout::Fd(pty.side()));
    let (tcpx, mut peer) = tcpx.pair(Role::Connect);
    pty.type_in(b"typed\n");
    peer.expect(b"typed\n");
    peer.send(b"answered\n");
    pty.wait_screen("answered");
    assert!(is_blocking(pty.side().as_fd()), "while it runs");
    drop(peer);
    tcpx.finish().code(0).quietly();
    assert!(is_blocking(pty.side().as_fd()), "afterwards");
    assert_eq!(format!("{:?}", pty.modes()), before);
}

#[test]
fn a_socket_as_stdin_and_stdout_works() {
    // As started by a super-server such as inetd.
    let (here, there) = std::os::unix::net::UnixStream::pair().expect("a pair");
    let there = OwnedFd::from(there);
    let copy = there.try_clone().expect("a second handle");
    let (tcpx, mut peer) = Tcpx::new(PLAIN).stdin(Stdin::Fd(copy)).stdout(Stdout::Fd(there)).pair(Role::Connect);
    let mut here = here;
    here.write_all(b"in").expect("write");
    peer.expect(b"in");
    here.shutdown(std::net::Shutdown::Write).expect("shutdown");
    peer.expect_eof();
    peer.send(b"out");
    drop(peer);
    tcpx.finish().code(0).quietly();
    let mut found = Vec::new();
    here.read_to_end(&mut found).expect("read");
    assert_same(&found, b"out", "what comes out");
}

#[test]
fn settings_in_a_folder_of_somebody_else_are_none() {
    let folder = Folder::new();
    let closed = folder.path("closed");
    std::fs::create_dir_all(closed.join("tcpx")).expect("a folder");
    std::fs::write(closed.join("tcpx/config.toml"), "no such thing").expect("write a file");
    std::fs::set_permissions(folder.path(""), std::fs::Permissions::from_mode(0o755)).expect("its mode");
    let Some(unprivileged) = without_rights() else { return };
    let variable = format!("XDG_CONFIG_HOME={}", closed.display());
    let run = || {
        let tcpx = Tcpx::new(&["listen", "127.0.0.1:0", "--timeout", "10ms"]).under(&["env", &variable]);
        tcpx.under(unprivileged).run().status_code()
    };
    assert_eq!(run(), Some(2), "it is read, and is no TOML");
    std::fs::set_permissions(&closed, std::fs::Permissions::from_mode(0o000)).expect("its mode");
    let found = run();
    std::fs::set_permissions(&closed, std::fs::Permissions::from_mode(0o755)).expect("its mode");
    assert_eq!(found, Some(28));
}
