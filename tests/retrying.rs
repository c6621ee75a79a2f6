//! Connections that are made again: `--retry`, `--reconnect`, `tcpx wait`; and the command beside a connection: `--run`.

use std::io::{self, Read};
use std::net::{Shutdown, TcpListener, TcpStream, UdpSocket};
use std::os::unix::net::UnixListener;
use std::thread;
use std::time::Duration;

use rustix::process::Signal;

use crate::support::peer::{Refusing, Server};
use crate::support::{Folder, Stdin, Stdout, Tcpx, wait_for};

#[test]
fn a_server_that_comes_later_gets_all_of_stdin() {
    let nobody = Refusing::new();
    let client = Tcpx::new(&["-v", "--retry", "600", "--retry-delay", "50ms"]).stdin(Stdin::bytes(b"hello"));
    let mut client = client.connect(nobody.address());
    client.wait_stderr("connection refused; trying again in 50ms (and 598 times more)");
    let server = nobody.listen();
    let mut conn = server.accept();
    conn.expect(b"hello");
    conn.expect_eof();
    conn.send(b"ok");
    drop(conn);
    client.finish().code(0).wrote("ok");
}

#[test]
fn the_last_try_decides() {
    let nobody = Refusing::new();
    let place = nobody.address().to_string();
    let done = Tcpx::new(&["connect", "--retry", "2", "--retry-delay", "1ms", &place]).run();
    done.code(7).said("connection refused");
    assert_eq!(done.messages().count(), 1);
    let missing = Folder::new().path("none").display().to_string();
    Tcpx::new(&["connect", "--retry", "1", "--retry-delay", "0", &format!("unix:{missing}")]).run().code(7);
    let limit = ["connect", "-z", "--retry", "9999999", "--retry-delay", "10ms", "--timeout", "200ms"];
    Tcpx::new(&limit).arg(&place).run().code(28).said("(--timeout): connect to ").said("connection refused");
}

#[test]
fn a_unix_socket_and_a_udp_port_may_come_later_too() {
    let folder = Folder::new();
    let path = folder.path("s");
    let name = format!("unix:{}", path.display());
    let mut client = Tcpx::new(&["connect", "-v", "--retry", "600", "--retry-delay", "20ms", &name]).spawn();
    client.wait_stderr("trying again in 20ms");
    let server = UnixListener::bind(&path).expect("a listener");
    drop(server.accept().expect("a client"));
    client.finish().code(0);

    let free = UdpSocket::bind("127.0.0.1:0").expect("a socket");
    let place = free.local_addr().expect("its address");
    drop(free);
    let words = ["connect", "-u", "-v", "--retry", "600", "--retry-delay", "20ms", "--until", "2b", &place.to_string()];
    let mut client = Tcpx::new(&words).stdin(Stdin::bytes(b"query")).spawn();
    client.wait_stderr("trying again in 20ms");
    let server = UdpSocket::bind(place).expect("the same port");
    server.set_read_timeout(Some(crate::support::PATIENCE)).expect("a limit");
    let mut buffer = [0; 16];
    let (n, from) = server.recv_from(&mut buffer).expect("a datagram");
    assert_eq!(&buffer[..n], b"query", "what was refused is sent again");
    server.send_to(b"ok", from).expect("an answer");
    client.finish().code(0).wrote("ok");
}

#[test]
fn a_pipe_goes_on_and_a_file_starts_again_with_each_connection() {
    let server = Server::start();
    let mut client = Tcpx::new(&["--reconnect", "-q"]).stdin(Stdin::Open).connect(server.address);
    let mut conn = server.accept();
    client.write(b"one\n");
    conn.expect(b"one\n");
    drop(conn);
    let mut conn = server.accept();
    client.write(b"two\n");
    conn.expect(b"two\n");
    conn.reset();
    let mut conn = server.accept();
    client.write(b"three\n");
    conn.expect(b"three\n");
    client.signal(Signal::TERM);
    client.finish().code(143);

    let client = Tcpx::new(&["--reconnect"]).stdin(Stdin::file(b"all of it")).connect(server.address);
    for _ in 0..3 {
        let mut conn = server.accept();
        conn.expect(b"all of it");
        conn.expect_eof();
    }
    client.signal(Signal::INT);
    client.finish().code(130);
}

/// What the peer's system had acknowledged and the peer had not read is lost with it; the buffers of this side are not.
#[test]
fn what_was_on_its_way_to_a_peer_that_resets_goes_to_the_next() {
    let bytes = crate::support::noise(8 << 20, 3);
    let server = Server::narrow();
    let client = Tcpx::new(&["--reconnect", "-q"]).stdin(Stdin::bytes(&bytes)).connect(server.address);
    let mut first = server.accept();
    first.expect(&bytes[..100_000]);
    first.reset();
    let rest = server.accept().read_all();
    assert!(bytes.ends_with(&rest), "{}", rest.len());
    assert!(100_000 + rest.len() + (1 << 20) > bytes.len(), "{}", rest.len());
    client.signal(Signal::TERM);
    client.finish().code(143);
}

/// The same in TLS, on a way that breaks after some of it.
#[test]
fn what_was_encrypted_and_has_not_arrived_goes_to_the_next_connection() {
    let bytes = crate::support::noise(3 << 20, 5);
    let folder = Folder::new();
    let (server, inner) =
        Tcpx::new(&["-k", "--tls", "--output-dir", &folder.path("").display().to_string(), "-o", "%n"]).listen();
    let way = TcpListener::bind("127.0.0.1:0").expect("a listener");
    // So little is acknowledged and not passed on, however busy the machine is.
    socket2::SockRef::from(&way).set_recv_buffer_size(64 << 10).expect("a small buffer");
    let place = way.local_addr().expect("its address");
    let client =
        Tcpx::new(&["--reconnect", "-q", "--tls", "--tls-insecure"]).stdin(Stdin::bytes(&bytes)).connect(place);
    for most in [1 << 20, u64::MAX] {
        let outer = way.accept().expect("a client").0;
        let up = TcpStream::connect(inner).expect("the server");
        let (mut from_server, mut to_client) = (up.try_clone().expect("a copy"), outer.try_clone().expect("a copy"));
        let back = thread::spawn(move || io::copy(&mut from_server, &mut to_client));
        let _ = io::copy(&mut outer.try_clone().expect("a copy").take(most), &mut &up);
        let _ = up.shutdown(Shutdown::Write);
        if most == u64::MAX {
            let _ = back.join();
        } else {
            socket2::SockRef::from(&outer).set_linger(Some(Duration::ZERO)).expect("a reset");
            drop(outer);
            drop(up.shutdown(Shutdown::Both));
            let _ = back.join();
        }
    }
    client.signal(Signal::TERM);
    client.finish().code(143);
    server.signal(Signal::TERM);
    let of = |number: &str| std::fs::read(folder.path(number)).expect("a file of the connection");
    wait_for("all of it", || bytes.ends_with(&of("2")) && of("2").len() > bytes.len() / 2);
    let (first, second) = (of("1"), of("2"));
    assert!(bytes.starts_with(&first) && !first.is_empty());
    // Nothing is missing but what the system of the way had acknowledged and not passed on.
    assert!(first.len() + second.len() + (1 << 20) > bytes.len(), "{} {}", first.len(), second.len());
    server.finish().code(143);
}

#[test]
fn a_large_file_is_moved_whole_to_each_connection() {
    let bytes = crate::support::noise(3 << 20, 7);
    let server = Server::start();
    let client = Tcpx::new(&["--reconnect"]).stdin(Stdin::file(&bytes)).connect(server.address);
    for _ in 0..2 {
        let mut conn = server.accept();
        assert!(conn.read_all() == bytes);
    }
    client.signal(Signal::TERM);
    client.finish().code(143);
}

#[test]
fn wait_ends_once_somebody_accepts_or_answers() {
    let (one, other) = (Refusing::new(), Refusing::new());
    let (place, port) = (one.address().to_string(), other.address().port().to_string());
    let mut waiting = Tcpx::new(&["wait", "-v", &place, "127.0.0.1", &port]).spawn();
    waiting.wait_stderr("trying again in 100ms");
    let first = one.listen();
    waiting.wait_stderr(&format!("{}: connection refused", other.address()));
    let second = other.listen();
    waiting.finish().code(0).wrote("");
    drop((first, second));

    let server = Server::start();
    let place = server.address.to_string();
    let waiting = Tcpx::new(&["wait", &place, "--send", "PING\\n", "--expect", "^ready"]).spawn();
    for answer in ["loading", "ready"] {
        let mut conn = server.accept();
        conn.expect(b"PING\n");
        conn.send(answer.as_bytes());
        if answer == "loading" {
            continue;
        }
        conn.read_all();
    }
    waiting.finish().code(0).wrote("").quietly();
}

#[test]
fn wait_needs_no_stdout_and_ends_by_its_limit_or_a_signal() {
    let nobody = Refusing::new();
    let place = nobody.address().to_string();
    let limited = ["wait", "--timeout", "150ms", &place];
    let done = Tcpx::new(&limited).stdout(Stdout::Closed).run();
    done.code(28).said("timed out after 150ms (--timeout): connect to ");
    let mut waiting = Tcpx::new(&["wait", "-v", "nowhere.invalid", "80"]).with_default_signals().spawn();
    waiting.wait_stderr("trying again");
    waiting.signal(Signal::INT);
    waiting.finish().code(130);
}

#[test]
fn the_command_beside_a_connection_knows_the_peer_and_gives_the_status() {
    let server = Server::start();
    let command = "test $TCPX_ADDR = $TCPX_HOST:$TCPX_PORT && echo $TCPX_PORT; exit 3";
    let client = Tcpx::new(&["--run", command]).connect(server.address);
    let conn = server.accept();
    let done = client.finish();
    drop(conn);
    done.code(3).wrote(format!("{}\n", server.address.port())).said("exit status: 3");
    // It outlives the connection, and what arrived before its end is written.
    let client = Tcpx::new(&["--run", "sleep 0.2; exit 4"]).connect(server.address);
    let mut conn = server.accept();
    conn.send(b"x");
    drop(conn);
    client.finish().code(4).wrote("x");
    let nobody = Refusing::new();
    Tcpx::new(&["--run", "echo never"]).connect(nobody.address()).finish().code(7).wrote("");
}

#[test]
fn the_command_beside_a_connection_is_stopped_with_it() {
    let folder = Folder::new();
    let file = folder.path("stopped");
    let command = format!("trap 'echo > {}; exit 0' TERM; echo ready; while :; do sleep 0.05; done", file.display());
    let server = Server::start();
    let mut client = Tcpx::new(&["--run", &command]).connect(server.address);
    let conn = thread::spawn(move || server.accept());
    client.wait_stdout(b"ready\n");
    client.signal(Signal::TERM);
    client.finish().code(143);
    wait_for("the command to be stopped", || file.exists());
    drop(conn.join());
}
