//! `tcpx connect`: names, addresses, refused connections, time limits, and the preamble.

use std::net::{SocketAddr, TcpListener, ToSocketAddrs};

use crate::support::peer::{BlackHole, Conn, Refusing, Server};
use crate::support::{BOTH, Folder, Role, Stdin, Tcpx, assert_same, missing, noise};

const PLAIN: &[&str] = &[];

// ---- no connection ---------------------------------------------------------------------------------------

#[test]
fn a_refused_connection_says_operation_address_and_cause() {
    let refusing = Refusing::new();
    for options in [PLAIN, &["-z"], &["-w", "20"]] {
        let done = Tcpx::new(options).connect(refusing.address()).finish();
        done.code(7).wrote("");
        assert_eq!(done.stderr, format!("tcpx: connect to {}: connection refused\n", refusing.address()));
    }
}

#[test]
fn an_unresolvable_name_exits_with_6() {
    // Too long for a DNS label, so no server is queried.
    let name = "a".repeat(64);
    let done = Tcpx::new(&["connect", &name, "80"]).run();
    done.code(6).said(&format!("tcpx: resolve {name}: "));
    let done = Tcpx::new(&["listen", &name, "0"]).run();
    done.code(6).said(&format!("tcpx: resolve {name}: "));
    let done = Tcpx::new(&["connect", "-n", "localhost", "80"]).run();
    done.code(6).said("tcpx: resolve localhost: ");
    let done = Tcpx::new(&["listen", "-n", "localhost", "0"]).run();
    done.code(6).said("tcpx: resolve localhost: ");
}

#[test]
fn a_listener_on_a_name_serves_and_says_its_address() {
    let folder = Folder::new();
    let ready = folder.path("ready");
    let words = ["listen", "localhost:0", "--on-data", "conn.send(data)", "--once", "--ready-file"];
    let mut tcpx = Tcpx::new(&words).arg(&ready).spawn();
    let address = tcpx.address();
    assert!(address.ip().is_loopback() && address.port() != 0);
    assert_eq!(std::fs::read_to_string(&ready).expect("the ready file"), format!("{address}\n"));
    let mut conn = Conn::to(address);
    conn.send(b"hello");
    conn.expect(b"hello");
    drop(conn);
    tcpx.finish().code(0).quietly();
}

#[test]
fn an_invalid_command_line_exits_with_2_and_opens_nothing() {
    let folder = Folder::new();
    let ready = folder.path("ready");
    let lines: &[&[&str]] = &[
        &[],
        &["127.0.0.1", "80"],
        &["-l", "80"],
        &["connect", "--no-such-option", "h", "80"],
        &["connect", "h", "65536"],
        &["connect", "h", "-1"],
        &["connect", "h", "80x"],
        &["connect", "h", "0"],
        &["connect"],
        &["connect", "-E", "klingon", "h", "80"],
        &["connect", "-4", "-6", "h", "80"],
        &["listen", "--accept", "2", "0"],
        &["listen", "--timeout", "soon", "0"],
        &["listen", "-q", "-v", "0"],
    ];
    for line in lines {
        let mut tcpx = Tcpx::new(line);
        if line.first() == Some(&"listen") {
            tcpx = tcpx.arg("--ready-file").arg(&ready);
        }
        let done = tcpx.run();
        if line.is_empty() {
            // tcpx without arguments prints the help.
            assert!(done.stderr.contains("Usage"), "{}", done.stderr);
            assert_eq!(done.status_code(), Some(2));
        } else {
            done.code(2);
        }
        done.wrote("");
        assert!(!ready.exists());
    }
}

#[test]
fn connecting_to_a_silent_address_ends_after_connect_timeout() {
    let hole = BlackHole::on("127.0.0.1:0".parse().expect("an address"));
    for options in [["-w", "200ms"].as_slice(), &["-z", "-w", "200ms"], &["--connect-timeout", "0.2"]] {
        let done = Tcpx::new(options).stdin(Stdin::Open).connect(hole.address()).finish();
        done.code(28).wrote("");
        assert_eq!(done.stderr, format!("tcpx: connect to {}: timed out after 200ms\n", hole.address()));
    }
    let done = Tcpx::new(&["--timeout", "200ms"]).stdin(Stdin::Open).connect(hole.address()).finish();
    done.code(28).said("--timeout");
}

#[test]
fn a_probe_ends_as_soon_as_the_connection_is_established() {
    let server = Server::start();
    // Nobody has accepted it, stdin is open, nothing is sent.
    Tcpx::new(&["-z"]).stdin(Stdin::Open).connect(server.address).finish().code(0).wrote("").quietly();
    server.accept().expect_eof();
}

// ---- limits of time --------------------------------------------------------------------------------------

#[test]
fn an_idle_connection_exits_with_28() {
    for role in BOTH {
        let (tcpx, peer) = Tcpx::new(&["-i", "300ms"]).stdin(Stdin::Open).pair(role);
        let done = tcpx.finish();
        done.code(28).wrote("").said("idle for 300ms");
        assert_eq!(done.messages().count(), 1);
        drop(peer);
    }
}

#[test]
fn data_received_before_the_idle_limit_is_written() {
    let (tcpx, address) = Tcpx::new(&["-i", "300ms"]).stdin(Stdin::Open).listen();
    // The data has arrived before tcpx accepts the connection.
    tcpx.freeze();
    let mut peer = Conn::to(address);
    peer.send(b"then nothing");
    tcpx.thaw();
    tcpx.finish().code(28).wrote("then nothing").said("idle for 300ms");
}

#[test]
fn timeout_limits_the_whole_run() {
    Tcpx::new(&["--timeout", "100ms"]).listen_unheard().finish().code(28).said("--timeout");
    let tcpx = Tcpx::new(&["--timeout", "100ms", "--on-data", "conn.send(data)"]).listen_unheard();
    tcpx.finish().code(28).said("--timeout");
}

// ---- addresses -------------------------------------------------------------------------------------------

#[test]
fn source_sets_the_local_address() {
    let server = Server::start();
    let tcpx = Tcpx::new(&["--source", "127.0.0.2"]).connect(server.address);
    let peer = server.accept();
    assert_eq!(peer.0.peer_addr().expect("its address").ip().to_string(), "127.0.0.2");
    drop(peer);
    tcpx.finish().code(0);

    // A free port, reserved until tcpx has bound it.
    let port = Refusing::new();
    let source = SocketAddr::from(([127, 0, 0, 3], port.address().port()));
    let tcpx = Tcpx::new(&["--source", &source.to_string()]).connect(server.address);
    let peer = server.accept();
    assert_eq!(peer.0.peer_addr().expect("its address"), source);
    drop(peer);
    tcpx.finish().code(0);

    let done = Tcpx::new(&["--source", "192.0.2.1"]).connect(server.address).finish();
    done.code(110).said("tcpx: bind to 192.0.2.1:0: ");
}

/// A free port of one address, held without anybody listening on it until it is dropped.
fn held(address: &str) -> (socket2::Socket, SocketAddr) {
    let address: SocketAddr = format!("{address}:0").parse().expect("an address");
    let socket = socket2::Socket::new(socket2::Domain::for_address(address), socket2::Type::STREAM, None);
    let socket = socket.expect("a socket");
    socket.set_reuse_address(true).expect("SO_REUSEADDR");
    socket.bind(&address.into()).expect("bound");
    let address = socket.local_addr().expect("an address").as_socket().expect("an IP address");
    (socket, address)
}

#[test]
fn a_source_port_holds_for_both_families() {
    for host in ["127.0.0.1", "[::1]"] {
        let server = Server::on(format!("{host}:0").parse().expect("an address"));
        let (_socket, source) = held(host);
        let tcpx = Tcpx::new(&["--source", &format!(":{}", source.port())]).connect(server.address);
        let peer = server.accept();
        assert_eq!(peer.0.peer_addr().expect("its address"), source);
        drop(peer);
        tcpx.finish().code(0);
    }
    // One that somebody listens on.
    let server = Server::on("[::1]:0".parse().expect("an address"));
    let taken = TcpListener::bind("[::1]:0").expect("a listener");
    let port = format!(":{}", taken.local_addr().expect("an address").port());
    let done = Tcpx::new(&["--source", &port]).connect(server.address).finish();
    done.code(110).said(&format!("tcpx: bind to [::]{port}: address already in use"));
}

#[test]
fn a_source_address_of_the_other_family_is_never_ignored() {
    let server = Server::on("[::1]:0".parse().expect("an address"));
    Tcpx::new(&["--source", "127.0.0.1"]).connect(server.address).finish().code(2).said("one is IPv4, the other IPv6");
    // A name that has addresses of one family only.
    let folder = Folder::new();
    let port = server.address.port().to_string();
    let script = "printf '127.0.0.1 four.test\\n' >\"$0\" && mount --bind \"$0\" /etc/hosts && exec \"$@\"";
    let hosts = folder.path("hosts").display().to_string();
    let words = ["unshare", "-rm", "sh", "-c", script, &hosts];
    let probe = std::process::Command::new(words[0]).args(&words[1..]).arg("true").status();
    if !probe.is_ok_and(|status| status.success()) {
        return missing("unshare(1) that may mount");
    }
    let done = Tcpx::new(&["connect", "--source", "::1", "four.test", &port]).under(&words).run();
    done.code(7)
        .said(&format!("connect to four.test:{port}: it has only IPv4 addresses, and the source address ::1 is IPv6"));
}

#[test]
fn a_listener_without_a_host_is_dual_stack_and_prints_ipv4_addresses() {
    let mut tcpx = Tcpx::new(&["listen", "-k", "-v", "0"]).stdin(Stdin::Open).spawn();
    let port = tcpx.address().port();
    let mut four = Conn::to(SocketAddr::from(([127, 0, 0, 1], port)));
    four.send(b"four");
    tcpx.wait_stdout(b"four");
    let mut six = Conn::to(format!("[::1]:{port}").parse().expect("an address"));
    six.send(b"six");
    tcpx.wait_stdout(b"foursix");
    let (four, six) = (four.0.local_addr().expect("an address"), six.0.local_addr().expect("an address"));
    tcpx.wait_stderr(&format!("accepted {four} on 127.0.0.1:{port}"));
    tcpx.wait_stderr(&format!("accepted {six} on [::1]:{port}"));
}

#[test]
fn a_listener_of_one_family_refuses_clients_of_the_other() {
    for (option, host, other) in [("-4", "0.0.0.0", "[::1]"), ("-6", "[::]", "127.0.0.1")] {
        let mut tcpx = Tcpx::new(&["listen", option, "0"]).stdin(Stdin::Open).spawn();
        let address = tcpx.address();
        assert_eq!(address.to_string(), format!("{host}:{}", address.port()));
        let other: SocketAddr = format!("{other}:{}", address.port()).parse().expect("an address");
        let result = std::net::TcpStream::connect(other);
        assert!(result.is_err(), "{option} serves {other}");
        drop(tcpx);
    }
}

#[test]
fn a_client_of_one_family_uses_only_its_addresses() {
    let server = Server::start();
    let port = server.address.port().to_string();
    let tcpx = Tcpx::new(&["connect", "-4", "localhost", &port]).spawn();
    drop(server.accept());
    tcpx.finish().code(0).quietly();
    let done = Tcpx::new(&["connect", "-6", "127.0.0.1", &port]).run();
    done.code(2).said("IPv4 address");
}

/// A name with an IPv6 and an IPv4 address, in this order, and the wrapper command in which it resolves.
fn two_families(folder: &Folder) -> Option<(String, Vec<String>)> {
    let both = |name: &str| {
        let found: Vec<_> = (name, 1).to_socket_addrs().map(Iterator::collect).unwrap_or_default();
        found.first().is_some_and(SocketAddr::is_ipv6) && found.iter().any(SocketAddr::is_ipv4)
    };
    if both("localhost") {
        return Some(("localhost".to_owned(), vec!["env".to_owned()]));
    }
    // A separate hosts file in a separate mount namespace.
    let script =
        "printf '::1 two.test\\n127.0.0.1 two.test\\n' >\"$0\" && mount --bind \"$0\" /etc/hosts && exec \"$@\"";
    for unshare in [&["unshare", "-rm"][..], &["unshare", "-m"], &["sudo", "-n", "unshare", "-m"]] {
        let mut words: Vec<String> = unshare.iter().map(ToString::to_string).collect();
        words.extend(["sh".into(), "-c".into(), script.into(), folder.path("hosts").display().to_string()]);
        let probe =
            std::process::Command::new(&words[0]).args(&words[1..]).args(["getent", "ahosts", "two.test"]).output();
        if probe.is_ok_and(|output| String::from_utf8_lossy(&output.stdout).starts_with("::1 ")) {
            return Some(("two.test".to_owned(), words));
        }
    }
    missing("a name with addresses of both families, or unshare(1)");
    None
}

#[test]
fn every_address_of_a_name_is_tried() {
    let folder = Folder::new();
    let Some((name, wrapper)) = two_families(&folder) else { return };
    // Only IPv4 listens; the IPv6 address is tried first and refuses.
    let server = Server::start();
    let port = server.address.port().to_string();
    let tcpx = Tcpx::new(&["connect", &name, &port]).under(&wrapper).spawn();
    server.accept().send(b"four");
    tcpx.finish().code(0).wrote("four").quietly();
    // Only IPv6 listens.
    let server = Server::on("[::1]:0".parse().expect("an address"));
    let port = server.address.port().to_string();
    let tcpx = Tcpx::new(&["connect", &name, &port]).under(&wrapper).spawn();
    server.accept().send(b"six");
    tcpx.finish().code(0).wrote("six").quietly();
    // Neither listens: both are in the message.
    let refusing = Refusing::new();
    let port = refusing.address().port().to_string();
    let done = Tcpx::new(&["connect", &name, &port]).under(&wrapper).run();
    done.code(7).said(&format!("connect to {name}:{port}: ")).said("127.0.0.1").said("::1");
}

#[test]
fn the_next_address_is_tried_while_the_first_one_is_silent() {
    let folder = Folder::new();
    let Some((name, wrapper)) = two_families(&folder) else { return };
    let server = Server::start();
    let port = server.address.port();
    let hole = BlackHole::on(format!("[::1]:{port}").parse().expect("an address"));
    // No time limit is set, so only the next attempt ends the wait for the silent address.
    let tcpx = Tcpx::new(&["connect", &name, &port.to_string()]).under(&wrapper).spawn();
    server.accept().send(b"four");
    tcpx.finish().code(0).wrote("four").quietly();
    drop(hole);
}

// ---- what is sent first ----------------------------------------------------------------------------------

#[test]
fn send_options_are_sent_in_order_before_stdin() {
    let folder = Folder::new();
    let content = noise(700_000, 7);
    let file = folder.file("content", &content);
    for role in BOTH {
        let tcpx =
            Tcpx::new(&["--send", r"a\r\n\t\0\x80\u{e9}", "--send-hex", "00ff 0d0a", "--send", "b", "--send-file"])
                .arg(&file)
                .args(&["--send", "end "])
                .stdin(Stdin::bytes(b"stdin"));
        let (tcpx, mut peer) = tcpx.pair(role);
        peer.expect(b"a\r\n\t\0\x80\xc3\xa9\x00\xff\x0d\x0ab");
        peer.expect(&content);
        peer.expect(b"end stdin");
        peer.expect_eof();
        drop(peer);
        tcpx.finish().code(0).quietly();
    }
}

#[test]
fn the_preamble_is_sent_to_every_client() {
    let (_tcpx, address) = Tcpx::new(&["-k", "--send", "hello"]).stdin(Stdin::Open).listen();
    for _ in 0..3 {
        Conn::to(address).expect(b"hello");
    }
}

#[test]
fn crlf_conversion_spans_the_parts_of_the_preamble() {
    let folder = Folder::new();
    let (cr, lf) = (folder.file("cr", b"2\r"), folder.file("lf", b"\n3\r"));
    for role in BOTH {
        let tcpx = Tcpx::new(&["-C", "--send", r"\n1\r", "--send", r"\n", "--send-file"]).arg(&cr);
        let tcpx = tcpx.arg("--send-file").arg(&lf).args(&["--send-hex", "0d"]).stdin(Stdin::bytes(b"\n4\n"));
        let (tcpx, mut peer) = tcpx.pair(role);
        assert_same(&peer.read_all(), b"\r\n1\r\n2\r\n3\r\r\n4\r\n", "one stream");
        drop(peer);
        tcpx.finish().code(0);
    }
}

#[test]
fn crlf_converts_lone_line_feeds_only() {
    let folder = Folder::new();
    let file = folder.file("lines", b"f\ng\r\n");
    for role in BOTH {
        let tcpx = Tcpx::new(&["-C", "--send", r"s\nt\r\n", "--send-file"]).arg(&file).stdin(Stdin::Open);
        let (mut tcpx, mut peer) = tcpx.pair(role);
        peer.expect(b"s\r\nt\r\nf\r\ng\r\n");
        for piece in [b"a\nb\r".as_slice(), b"\nc\n", b"\n"] {
            tcpx.write(piece);
            tcpx.wait_idle();
        }
        tcpx.close_stdin();
        peer.expect(b"a\r\nb\r\nc\r\n\r\n");
        peer.expect_eof();
        // Received bytes are not converted.
        peer.send(b"x\ny\r\n");
        drop(peer);
        tcpx.finish().code(0).wrote("x\ny\r\n").quietly();
    }
}

#[test]
fn an_unreadable_send_file_exits_with_26_before_connecting() {
    let server = Server::start();
    let folder = Folder::new();
    let absent = folder.path("absent");
    for path in [absent.as_path(), std::path::Path::new("/")] {
        let done = Tcpx::new(&["--send-file"]).arg(path).connect(server.address).finish();
        done.code(26).said(&format!("tcpx: read {}: ", path.display()));
    }
    assert!(server.try_accept().is_none(), "nobody connected");
}

#[test]
fn a_directory_as_stdin_exits_with_26() {
    for role in BOTH {
        let directory = std::fs::File::open("/").expect("open a directory");
        let tcpx = Tcpx::new(PLAIN).stdin(Stdin::Fd(directory.into()));
        let tcpx = match role {
            Role::Connect => {
                let (tcpx, mut peer) = tcpx.pair(role);
                peer.expect_reset();
                tcpx
            }
            Role::Listen => {
                let (tcpx, address) = tcpx.listen();
                Conn::expect_refusal(address);
                tcpx
            }
        };
        let done = tcpx.finish();
        done.code(26);
        assert_eq!(done.messages().collect::<Vec<_>>(), ["tcpx: read stdin: is a directory"]);
    }
}

#[test]
fn a_free_port_can_be_bound_again_at_once() {
    // tcpx closes first, so the connection stays in TIME_WAIT on the listener's port.
    let (tcpx, address) = Tcpx::new(PLAIN).stdin(Stdin::bytes(b"x")).listen();
    let mut peer = Conn::to(address);
    peer.expect(b"x");
    peer.expect_eof();
    drop(peer);
    tcpx.finish().code(0);
    let mut again = Tcpx::new(&["listen", "127.0.0.1", &address.port().to_string()]).stdin(Stdin::Open).spawn();
    assert_eq!(again.address(), address);
}

#[test]
fn an_address_in_use_exits_with_110() {
    let taken = TcpListener::bind("127.0.0.1:0").expect("listen");
    let address = taken.local_addr().expect("its address");
    let folder = Folder::new();
    let ready = folder.file("ready", b"stale");
    let done = Tcpx::new(&["listen", "127.0.0.1", &address.port().to_string(), "--ready-file"]).arg(&ready).run();
    done.code(110);
    let (message, hint) = done.stderr.split_once('\n').expect("two lines");
    assert_eq!(message, format!("tcpx: listen on {address}: address already in use"));
    assert!(hint.starts_with(&format!("hint: ss -ltnp 'sport = :{}' shows", address.port())), "{hint}");
    assert!(!ready.exists(), "nobody may take the old one for this run's");
}
