//! `--allow` and `--deny`, with real sockets of both families.

use std::io::ErrorKind;
use std::net::{SocketAddr, UdpSocket};

use rustix::process::Signal;

use crate::support::peer::Conn;
use crate::support::{Folder, Stdin, Tcpx, wait_for};

/// Whether a client at the loopback address of a family is served. A server that takes nobody resets it at once.
fn is_served(port: u16, host: &str) -> bool {
    let mut conn = match Conn::try_to(SocketAddr::new(host.parse().expect("an address"), port)) {
        Ok(conn) => conn,
        Err(error) if error.kind() == ErrorKind::ConnectionReset => return false,
        Err(error) => panic!("connect to {host}: {error}"),
    };
    let mut byte = [0];
    // What is refused is told nothing, and neither is what it says.
    std::io::Read::read(&mut conn.0, &mut byte).is_ok_and(|n| n == 1)
}

#[test]
fn rules_of_ipv4_hold_on_a_dual_stack_socket() {
    for (options, four, six) in [
        (&["--allow", "127.0.0.0/8"][..], true, false),
        (&["--allow", "::1"], false, true),
        (&["--deny", "::/0"], true, false),
        (&["--deny", "127.0.0.1"], false, true),
        (&["--deny", "::ffff:127.0.0.0/104"], false, true),
        (&["--allow", "127.0.0.1,::1", "--deny", "127.0.0.0/8"], false, true),
        (&["--allow", "0.0.0.0/0", "--allow", "::/0"], true, true),
    ] {
        let tcpx = Tcpx::new(&["listen", "0", "-k", "--send", "x"]).args(options);
        let mut tcpx = tcpx.stdin(Stdin::Null).spawn();
        let port = tcpx.address().port();
        assert_eq!((is_served(port, "127.0.0.1"), is_served(port, "::1")), (four, six), "{options:?}");
    }
}

#[test]
fn a_refused_client_neither_ends_a_single_listen_nor_starts_anything() {
    let folder = Folder::new();
    let list = folder.file("deny", b"# guests\n127.0.0.1 # this one, too\n");
    let deny = format!("@{}", list.display());
    let started = folder.path("started");
    let command = format!("touch {}; cat", started.display());
    let mut tcpx = Tcpx::new(&["listen", "0", "-v", "--sh", &command, "--deny", &deny]).spawn();
    let port = tcpx.address().port();
    assert!(!is_served(port, "127.0.0.1"));
    tcpx.wait_stderr("tcpx: refused 127.0.0.1:");
    assert!(!started.exists());
    let mut conn = Conn::to(SocketAddr::new("::1".parse().expect("an address"), port));
    conn.send(b"hello");
    conn.expect(b"hello");
    conn.half_close();
    conn.expect_eof();
    let done = tcpx.finish();
    done.code(0).said("tcpx: 1 client was refused (--allow, --deny)");
}

#[test]
fn lists_look_at_who_connects_and_not_at_its_header() {
    for (allow, is_let_in) in [("127.0.0.1", true), ("192.0.2.1", false)] {
        let says = "conn.send(conn.peer_ip)";
        let (_tcpx, address) = Tcpx::new(&["--accept-proxy", "--session", says, "--allow", allow]).listen();
        let mut answer = String::new();
        // Refused before it has said a word, it may be gone.
        if let Ok(mut conn) = Conn::try_to(address) {
            let _ = std::io::Write::write_all(&mut conn.0, b"PROXY TCP4 192.0.2.1 192.0.2.2 1 2\r\n");
            let _ = std::io::Read::read_to_string(&mut conn.0, &mut answer);
        }
        assert_eq!(answer, if is_let_in { "192.0.2.1" } else { "" }, "{allow}");
    }
}

#[test]
fn workers_count_together_whom_they_refuse() {
    let options = ["--workers", "3", "-v", "--deny", "127.0.0.2", "--on-data", "conn.send(data)"];
    let (tcpx, address) = Tcpx::new(&options).stdin(Stdin::Null).with_default_signals().listen();
    let refused: Vec<_> = (0..9).map(|_| from("127.0.0.2", address)).collect();
    wait_for("all to be refused", || {
        refused.iter().all(|socket| {
            let mut byte = [std::mem::MaybeUninit::uninit()];
            socket.recv(&mut byte).is_err()
        })
    });
    let mut taken = Conn::to(address);
    taken.send(b"x");
    taken.expect(b"x");
    tcpx.signal(Signal::TERM);
    let done = tcpx.finish();
    done.code(143).said("tcpx: 9 clients were refused (--allow, --deny)");
}

/// A connection from another address of the loopback.
fn from(source: &str, to: SocketAddr) -> socket2::Socket {
    let socket = socket2::Socket::new(socket2::Domain::IPV4, socket2::Type::STREAM, None).expect("a socket");
    socket.bind(&SocketAddr::new(source.parse().expect("an address"), 0).into()).expect("bind");
    match socket.connect(&to.into()) {
        Err(error) if error.kind() != ErrorKind::ConnectionReset => panic!("connect from {source}: {error}"),
        _ => {}
    }
    socket.set_read_timeout(Some(crate::support::PATIENCE)).expect("a time limit");
    socket
}

#[test]
fn datagrams_of_those_who_may_not_are_dropped() {
    let mut tcpx =
        Tcpx::new(&["listen", "-u", "127.0.0.1", "0", "--allow", "127.0.0.1", "--on-data", "conn.send(data)"]).spawn();
    let address = tcpx.address();
    let (bad, good) = (UdpSocket::bind("127.0.0.2:0").expect("a socket"), UdpSocket::bind("127.0.0.1:0").expect("one"));
    for number in 0..20u8 {
        bad.send_to(&[number], address).expect("send");
    }
    good.set_read_timeout(Some(crate::support::PATIENCE)).expect("a time limit");
    good.send_to(b"x", address).expect("send");
    let mut buffer = [0; 9];
    assert_eq!(good.recv(&mut buffer).expect("an answer"), 1);
    bad.set_nonblocking(true).expect("no blocking");
    assert!(bad.recv(&mut buffer).is_err(), "it was answered");
}

#[test]
fn what_is_no_network_is_a_usage_error() {
    for (words, wanted) in [
        ("listen 0 --allow 10.1.2.3/8", "tcpx: --allow 10.1.2.3/8 is an address within the network 10.0.0.0/8"),
        ("listen 0 --deny 10.0.0.256", "tcpx: --deny 10.0.0.256 is no IP address or network"),
        ("listen unix:/x --allow ::1", "tcpx: --allow is about IP addresses, and clients of unix:/x have none"),
        ("listen -u unix:/x --deny ::1", "tcpx: --deny is about IP addresses, and clients of"),
    ] {
        let done = Tcpx::new(&words.split(' ').collect::<Vec<_>>()).run();
        done.code(2).said(wanted);
    }
    let done = Tcpx::new(&["listen", "0", "--allow", "@/no/such/file"]).run();
    done.code(26).said("tcpx: read /no/such/file: ");
}

#[test]
fn lists_hold_for_listeners_of_a_script() {
    let script = "
        fn on_start() { print(listen(\"127.0.0.1:0\").addr) }
        fn on_connect(conn) { conn.send(\"x\"); }";
    let folder = Folder::new();
    let script = folder.file("s.rhai", script.as_bytes());
    let mut tcpx = Tcpx::new(&["listen", "127.0.0.1", "0", "--deny", "127.0.0.0/8", "-s"]).arg(script).spawn();
    let own = tcpx.address().port();
    tcpx.out.wait(|seen| seen.ends_with(b"\n"));
    let other: SocketAddr = tcpx.out.text().trim().parse().expect("an address");
    assert!(!is_served(own, "127.0.0.1") && !is_served(other.port(), "127.0.0.1"));
}
