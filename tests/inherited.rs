//! Sockets that are open when the process starts: `fd:N`, and those that systemd passes.

use std::net::{SocketAddr, UdpSocket};
use std::path::Path;

use rustix::process::Signal;

use crate::peers::{have, start_server};
use crate::support::peer::Server;
use crate::support::{Folder, PATIENCE, Running, Stdin, Tcpx, wait_for};
use crate::tls::Pki;

const ACTIVATE: &str = "systemd-socket-activate";
const TCPX: &str = env!("CARGO_BIN_EXE_tcpx");

/// tcpx behind systemd-socket-activate, which listens on a free port.
fn activated(options: &[&str], tcpx: &[&str]) -> (Running, SocketAddr) {
    let words = [options, &["-l", "127.0.0.1:PORT", TCPX], tcpx].concat();
    start_server(ACTIVATE, &words, || Stdin::Null)
}

fn answer(address: SocketAddr, options: &[&str], question: &[u8]) -> Vec<u8> {
    let done = Tcpx::new(options).stdin(Stdin::bytes(question)).connect(address).finish();
    done.code(0);
    done.stdout
}

#[test]
fn a_socket_of_systemd_is_listened_on() {
    if !have(&[ACTIVATE]) {
        return;
    }
    for tcpx in [
        &["listen", "--script", "@echo"][..],
        &["listen", "-k", "--exec", "cat"],
        &["listen", "--session", "for line in conn.lines() { conn.send_line(line) }"],
    ] {
        let (server, address) = activated(&[], tcpx);
        for _ in 0..2 {
            assert_eq!(answer(address, &[], b"hello\n"), b"hello\n", "{tcpx:?}");
        }
        server.signal(Signal::TERM);
        server.finish().code(143).said("listening on 127.0.0.1:");
    }
    // One client is all that a plain one takes.
    let (server, address) = activated(&[], &["listen"]);
    assert_eq!(answer(address, &[], b"hello"), b"");
    server.finish().code(0).wrote("hello");
    // Nothing but the address decides where it listens, if there is one.
    let folder = Folder::new();
    let ready = folder.path("ready");
    let words = ["listen", "127.0.0.1:0", "--script", "@echo", "--ready-file", ready.to_str().expect("a path")];
    let (server, address) = activated(&[], &words);
    let client = Tcpx::new::<&str>(&[]).stdin(Stdin::Open).connect(address);
    wait_for("the address that was chosen", || ready.exists());
    let chosen = std::fs::read_to_string(&ready).expect("an address").trim().parse().expect("an address");
    assert_ne!(chosen, address);
    assert_eq!(answer(chosen, &[], b"hello"), b"hello");
    drop((server, client));
}

#[test]
fn a_socket_of_systemd_speaks_tls_and_the_proxy_protocol() {
    if !have(&[ACTIVATE]) {
        return;
    }
    let pki = Pki::new();
    let (cert, key) = (pki.word("cert.pem"), pki.word("key.pem"));
    let words = ["listen", "-k", "--exec", "cat", "--tls", "--tls-cert", &cert, "--tls-key", &key];
    let (_server, address) = activated(&[], &words);
    let client = pki.client().stdin(Stdin::bytes(b"hello")).connect(address).finish();
    client.code(0).wrote("hello");
    let words = ["listen", "-k", "--accept-proxy", "--on-line", "conn.send_line(conn.peer + \" \" + line)"];
    let (_server, address) = activated(&[], &words);
    let header = b"PROXY TCP4 192.0.2.1 192.0.2.2 1000 2000\r\nhello\n";
    let mut client = Tcpx::new::<&str>(&[]).stdin(Stdin::bytes(header)).connect(address);
    client.wait_stdout(b"192.0.2.1:1000 hello\n");
}

#[test]
fn datagrams_and_paths_of_systemd_are_listened_on() {
    if !have(&[ACTIVATE]) {
        return;
    }
    let folder = Folder::new();
    let path = folder.path("socket");
    let name = path.to_str().expect("a path");
    let words = ["-l", name, TCPX, "listen", "-k", "--exec", "cat"];
    let server = Tcpx::other(ACTIVATE, &words).stdin(Stdin::Null).spawn();
    wait_for("the socket", || path.exists());
    let client = Tcpx::new(&["connect", &format!("unix:{name}")]).stdin(Stdin::bytes(b"hello")).run();
    client.code(0).wrote("hello");
    server.signal(Signal::TERM);
    server.finish().code(143);
    assert!(Path::new(name).exists(), "the file is not ours");

    let words = ["-d", "-l", "127.0.0.1:PORT", TCPX, "listen", "--script", "@echo"];
    // Not a port that is listened on: it is asked until it answers.
    let socket = UdpSocket::bind("127.0.0.1:0").expect("a socket");
    socket.set_read_timeout(Some(PATIENCE / 100)).expect("a limit");
    let port = UdpSocket::bind("127.0.0.1:0").and_then(|free| free.local_addr()).expect("a free port").port();
    let words = words.map(|word| word.replace("PORT", &port.to_string()));
    let _server = Tcpx::other(ACTIVATE, &words).stdin(Stdin::Null).spawn();
    let mut answer = [0; 9];
    wait_for("an answer", || {
        socket.send_to(b"hello", ("127.0.0.1", port)).is_ok() && socket.recv(&mut answer).is_ok_and(|n| n == 5)
    });
    assert_eq!(&answer[..5], b"hello");
}

#[test]
fn one_of_several_sockets_is_chosen_by_its_number() {
    if !have(&[ACTIVATE]) {
        return;
    }
    let free = std::net::TcpListener::bind("127.0.0.1:0").and_then(|free| free.local_addr()).expect("a free port");
    let second = free.to_string();
    let (server, address) = activated(&["-l", &second], &["listen"]);
    let client = Tcpx::new::<&str>(&[]).stdin(Stdin::Open).connect(address);
    let done = server.finish();
    done.code(2).said("LISTEN_FDS is 2: tcpx listens on one socket").said("tcpx listen fd:3, or fd:4");
    drop(client);
    let (_server, address) = activated(&["-l", &second], &["listen", "-k", "--script", "@echo", "fd:4"]);
    assert_eq!(answer(address, &[], b"hello"), b"hello");
}

#[test]
fn a_program_is_not_told_of_our_sockets() {
    if !have(&[ACTIVATE]) {
        return;
    }
    for option in ["--sh", "--run"] {
        let words = ["listen", "-k", option, "env; echo done >&2"];
        let (mut server, address) = activated(&["--fdname=web"], &words);
        let client = Tcpx::new::<&str>(&[]).stdin(Stdin::Open).connect(address);
        server.wait_stderr("done");
        let told = [server.out.text(), client.out.text()].concat();
        assert!(!told.contains("LISTEN_"), "{option}: {told}");
    }
}

#[test]
fn what_is_meant_for_another_process_is_not_ours() {
    let said = |variables: &str| {
        let done = Tcpx::other("sh", &["-c", &format!("{variables} exec {TCPX} listen")]).run();
        done.code(2);
        done.stderr
    };
    assert!(said("LISTEN_PID=1 LISTEN_FDS=1").contains("listen needs a port"));
    assert!(said("LISTEN_FDS=1").contains("listen needs a port"));
    assert!(said("LISTEN_PID=$$ LISTEN_FDS=x").contains("LISTEN_FDS \"x\" is not a number"));
    assert!(said("LISTEN_PID=$$ LISTEN_FDS=1").contains("LISTEN_FDS: fd:3 is not open"));
    assert!(said("LISTEN_PID=$$ LISTEN_FDS=1 3</dev/null").contains("fd:3 is open, but it is no socket"));
}

#[test]
fn a_connection_that_somebody_has_made_is_gone_on_with() {
    if !have(&["bash"]) {
        return;
    }
    let server = Server::start();
    let place = format!("/dev/tcp/{}/{}", server.address.ip(), server.address.port());
    for options in ["", "--session 'conn.send(\"from here\"); conn.shutdown(); print(conn.read_all().as_string())'"] {
        let line = format!("exec 3<>{place}; printf 'from here' | {TCPX} connect fd:3 {options}");
        let tcpx = Tcpx::other("bash", &["-c", &line]).spawn();
        let mut conn = server.accept();
        conn.expect(b"from here");
        conn.send(b"from there");
        // The shell has the socket open as long as tcpx runs, so FIN is only ours.
        conn.expect_eof();
        conn.half_close();
        let done = tcpx.finish();
        done.code(0).quietly();
        assert_eq!(String::from_utf8_lossy(&done.stdout).trim_end(), "from there");
    }
    for (words, code, says) in [
        ("connect fd:3 3</dev/null", 2, "is open, but it is no socket"),
        ("connect fd:999", 2, "fd:999 is not open"),
        ("connect fd:3 80", 2, "which has no port"),
        ("connect --source 127.0.0.1 fd:3", 2, "--source is for TCP"),
        ("connect --proxy socks5://h:1 fd:3", 2, "--proxy is for TCP"),
        ("connect --reconnect fd:3", 2, "leave --reconnect out"),
        ("listen -u fd:3", 2, "is no datagram socket"),
        ("listen fd:3", 110, "the socket does not listen"),
    ] {
        let done = Tcpx::other("bash", &["-c", &format!("exec 3<>{place}; {TCPX} {words}")]).run();
        done.code(code);
        assert!(done.stderr.contains(says), "{words}: {}", done.stderr);
    }
}
