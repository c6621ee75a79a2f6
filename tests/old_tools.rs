//! What users of Ncat count on, by tcpx on both sides: options of servers and clients over TCP, TLS, UDP and
//! Unix sockets, programs, ends and exit statuses. SCTP is not there, and says so.

use std::io::{Read, Write};
use std::net::{SocketAddr, TcpStream, UdpSocket};

use rustix::process::Signal;

use crate::personalities::listening;
use crate::support::peer::{Conn, Server};
use crate::support::{Done, Folder, Running, Stdin, Tcpx, wait_for};
use crate::tls::Pki;

/// What the two tools say to each other through.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Way {
    Tcp,
    Tls,
    Udp,
}

const STREAMS: &[Way] = &[Way::Tcp, Way::Tls];
const ALL: &[Way] = &[Way::Tcp, Way::Tls, Way::Udp];

/// A server and a client of Ncat.
struct Pair {
    server: Running,
    client: Running,
}

impl Way {
    /// The options of both sides.
    fn options(self) -> &'static [&'static str] {
        match self {
            Self::Tcp => &[],
            Self::Tls => &["--ssl"],
            Self::Udp => &["-u"],
        }
    }

    fn server(self, options: &[&str]) -> (Running, SocketAddr) {
        listening(&[&["ncat", "-lv"], self.options(), options, &["127.0.0.1", "0"]].concat())
    }

    fn client(self, options: &[&str], address: SocketAddr) -> Tcpx {
        let port = address.port().to_string();
        Tcpx::new(&["ncat"]).args(self.options()).args(options).args(&["127.0.0.1", &port]).stdin(Stdin::Open)
    }

    fn pair(self, server: &[&str], client: &[&str]) -> Pair {
        let (server, address) = self.server(server);
        Pair { server, client: self.client(client, address).spawn() }
    }
}

/// What each side writes, and what the other one has then on stdout. Nothing is sent where it is empty, and with `None` nothing may
/// come out although something is sent.
struct Exchange {
    idea: &'static str,
    ways: &'static [Way],
    server: &'static [&'static str],
    client: &'static [&'static str],
    sent: &'static str,
    came: Option<&'static str>,
    answered: &'static str,
    came_back: Option<&'static str>,
}

const EXCHANGES: &[Exchange] = &[
    Exchange {
        idea: "both directions",
        ways: ALL,
        server: &[],
        client: &[],
        sent: "abc\n",
        came: Some("abc\n"),
        answered: "def\n",
        came_back: Some("def\n"),
    },
    Exchange {
        idea: "-C of the client changes what it sends",
        ways: ALL,
        server: &[],
        client: &["-C"],
        sent: "\na\nb\r\nc\n",
        came: Some("\r\na\r\nb\r\nc\r\n"),
        answered: "\nx\n",
        came_back: Some("\nx\n"),
    },
    Exchange {
        idea: "-C of the server changes what it sends",
        ways: ALL,
        server: &["-C"],
        client: &[],
        sent: "\na\n",
        came: Some("\na\n"),
        answered: "x\ny\r\n",
        came_back: Some("x\r\ny\r\n"),
    },
    Exchange {
        idea: "a client that only sends shows nothing",
        ways: STREAMS,
        server: &[],
        client: &["--send-only"],
        sent: "abc\n",
        came: Some("abc\n"),
        answered: "def\n",
        came_back: None,
    },
    Exchange {
        idea: "a client that only receives sends nothing",
        ways: STREAMS,
        server: &[],
        client: &["--recv-only"],
        sent: "abc\n",
        came: None,
        answered: "def\n",
        came_back: Some("def\n"),
    },
    Exchange {
        idea: "a server that only sends shows nothing",
        ways: STREAMS,
        server: &["--send-only"],
        client: &[],
        sent: "abc\n",
        came: None,
        answered: "def\n",
        came_back: Some("def\n"),
    },
    Exchange {
        idea: "a server that only receives sends nothing",
        ways: ALL,
        server: &["--recv-only"],
        client: &[],
        sent: "abc\n",
        came: Some("abc\n"),
        answered: "def\n",
        came_back: None,
    },
    Exchange {
        idea: "a program answers",
        ways: ALL,
        server: &["--exec", "/bin/cat"],
        client: &[],
        sent: "abc\n",
        came: None,
        answered: "",
        came_back: Some("abc\n"),
    },
    Exchange {
        idea: "a command of the shell answers",
        ways: ALL,
        server: &["--sh-exec", "sed -u s/b/B/"],
        client: &[],
        sent: "abc\n",
        came: None,
        answered: "",
        came_back: Some("aBc\n"),
    },
    Exchange {
        idea: "-C changes the line ends of a program",
        ways: ALL,
        server: &["--sh-exec", "sed -u s/b/B/", "-C"],
        client: &[],
        sent: "abc\nd\r\n",
        came: None,
        answered: "",
        came_back: Some("aBc\r\nd\r\n"),
    },
    Exchange {
        idea: "one of many is served",
        ways: ALL,
        server: &["--keep-open"],
        client: &[],
        sent: "abc\n",
        came: Some("abc\n"),
        answered: "def\n",
        came_back: Some("def\n"),
    },
];

#[test]
fn options_change_what_passes() {
    for exchange in EXCHANGES {
        for way in exchange.ways {
            println!("{} ({way:?})", exchange.idea);
            let mut pair = way.pair(exchange.server, exchange.client);
            pair.client.write(exchange.sent.as_bytes());
            if let Some(came) = exchange.came {
                pair.server.wait_stdout(came.as_bytes());
            }
            if !exchange.answered.is_empty() {
                pair.server.write(exchange.answered.as_bytes());
            }
            if let Some(came_back) = exchange.came_back {
                pair.client.wait_stdout(came_back.as_bytes());
            }
            if exchange.came.is_none() {
                assert_eq!(pair.server.out.text(), "", "{}", exchange.idea);
            }
            if exchange.came_back.is_none() {
                assert_eq!(pair.client.out.text(), "", "{}", exchange.idea);
            }
        }
    }
}

#[test]
fn programs_know_their_connection() {
    for way in ALL {
        let mut pair = way.pair(&["--sh-exec", "read x; env | grep ^NCAT_ | sort"], &[]);
        pair.client.write(b"go\n");
        let names = ["NCAT_LOCAL_ADDR", "NCAT_LOCAL_PORT", "NCAT_PROTO", "NCAT_REMOTE_ADDR", "NCAT_REMOTE_PORT"];
        let has_all = |bytes: &[u8]| String::from_utf8_lossy(bytes).matches('\n').count() == names.len();
        assert!(pair.client.out.wait(has_all), "{way:?}: {}", pair.client.out.text());
        for (line, name) in pair.client.out.text().lines().zip(names) {
            let (found, value) = line.split_once('=').expect("a variable");
            assert!(found == name && !value.is_empty(), "{way:?}: {line}");
        }
    }
}

#[test]
fn a_program_that_ends_at_once_ends_the_connection() {
    for way in STREAMS {
        let mut pair = way.pair(&["--sh-exec", "echo abc"], &[]);
        pair.client.wait_stdout(b"abc\n");
        pair.client.close_stdin();
        assert_eq!(pair.client.finish().status_code(), Some(0), "{way:?}");
        assert_eq!(pair.server.finish().status_code(), Some(0), "{way:?}");
    }
}

// ---- ends and exit statuses ------------------------------------------------------------------------------

fn status(done: &Done) -> Option<i32> {
    done.status_code()
}

#[test]
fn the_end_of_one_side_ends_both_in_order() {
    for way in STREAMS {
        let mut pair = way.pair(&[], &[]);
        pair.client.write(b"abc\n");
        pair.server.wait_stdout(b"abc\n");
        pair.client.close_stdin();
        pair.server.close_stdin();
        let (client, server) = (pair.client.finish(), pair.server.finish());
        assert_eq!(
            (status(&client), status(&server)),
            (Some(0), Some(0)),
            "{way:?}: {} {}",
            client.stderr,
            server.stderr
        );
    }
}

#[test]
fn without_keep_open_there_is_one_client() {
    for options in [&[][..], &["--exec", "/bin/cat"], &["--sh-exec", "cat"]] {
        let (server, address) = Way::Tcp.server(options);
        let mut one = Conn::to(address);
        one.send(b"x");
        wait_for("the listener to close", || Conn::try_to(address).is_err());
        one.half_close();
        drop(one);
        assert_eq!(status(&server.finish()), Some(0), "{options:?}");
    }
}

#[test]
fn with_keep_open_clients_come_and_go() {
    for way in STREAMS {
        for options in [&["-k", "--exec", "/bin/cat"][..], &["-k", "--sh-exec", "cat"]] {
            let (_server, address) = way.server(options);
            for _ in 0..3 {
                let mut client = way.client(&[], address).spawn();
                client.write(b"abc\n");
                client.wait_stdout(b"abc\n");
                client.close_stdin();
                assert_eq!(status(&client.finish()), Some(0), "{way:?} {options:?}");
            }
        }
    }
    let (mut server, address) = Way::Udp.server(&["-k", "--sh-exec", "sed -u s/a/b/"]);
    for _ in 0..3 {
        let socket = UdpSocket::bind("127.0.0.1:0").expect("a socket");
        socket.set_read_timeout(Some(std::time::Duration::from_secs(30))).expect("a limit");
        socket.send_to(b"a\n", address).expect("send");
        let mut buffer = [0; 16];
        let (n, _) = socket.recv_from(&mut buffer).expect("an answer");
        assert_eq!(&buffer[..n], b"b\n");
    }
    assert!(server.is_running());
}

#[test]
fn a_limit_of_clients_counts_those_that_are_there() {
    let (_server, address) = Way::Tcp.server(&["-k", "-m", "2", "--exec", "/bin/cat"]);
    let mut clients: Vec<_> = (0..2).map(|_| Conn::to(address)).collect();
    for client in &mut clients {
        client.send(b"x");
        client.expect(b"x");
    }
    Conn::to(address).expect_eof();
    drop(clients);
    wait_for("room for one more", || {
        Conn::try_to(address).is_ok_and(|mut next| {
            let _ = next.0.write_all(b"y");
            next.0.read(&mut [0]).is_ok_and(|n| n == 1)
        })
    });
    let (mut server, address) = Way::Tcp.server(&["-m", "0"]);
    Conn::to(address).expect_eof();
    server.wait_stderr("Ncat: New connection denied: connection limit reached (0)\n");
    let (_server, address) = Way::Tcp.server(&["-k", "--deny", "127.0.0.1"]);
    Conn::to(address).expect_eof();
}

#[test]
fn exit_statuses_tell_what_happened() {
    let (mut server, address) = Way::Tcp.server(&[]);
    let mut client = Conn::to(address);
    client.send(b"abc\n");
    server.wait_stdout(b"abc\n");
    client.reset();
    assert_eq!(status(&server.finish()), Some(1), "a server whose client breaks off");

    let server = Server::start();
    let mut client = Way::Tcp.client(&[], server.address).spawn();
    let mut conn = server.accept();
    conn.send(b"abc\n");
    client.wait_stdout(b"abc\n");
    conn.reset();
    assert_eq!(status(&client.finish()), Some(1), "a client whose server breaks off");
    drop(server);

    for (line, code) in [
        ("ncat --no-such-option", 2),
        ("ncat -l --no-such-option", 2),
        ("ncat -z 127.0.0.1 1", 1),
        ("ncat 127.0.0.1 1", 1),
        ("ncat --ssl 127.0.0.1 1", 1),
        ("ncat --proxy 127.0.0.1:1 127.0.0.1 1", 1),
        ("ncat --sctp 127.0.0.1 1", 2),
        ("ncat --sctp -l 1", 2),
        ("nc --no-such-option", 1),
        ("nc -z 127.0.0.1 1", 1),
        ("nc -zvu 127.0.0.1 1", 1),
        ("nc -zu 127.0.0.1 1", 0),
        ("nc -l -p x", 1),
    ] {
        let words: Vec<_> = line.split(' ').collect();
        assert_eq!(status(&Tcpx::new(&words).run()), Some(code), "{line}");
    }
}

#[test]
fn an_idle_connection_is_left() {
    for way in STREAMS {
        let (server, address) = way.server(&["-k"]);
        let done = way.client(&["-i", "300ms"], address).spawn().finish();
        assert_eq!(status(&done), Some(1), "{way:?}");
        assert!(done.stderr.contains("Idle timeout expired"), "{way:?}: {}", done.stderr);
        drop(server);
        for options in [&["-i", "300ms"][..], &["-k", "-i", "300ms"], &["-k", "-i", "300ms", "--exec", "/bin/cat"]] {
            let (server, address) = way.server(options);
            let _client = way.client(&[], address).spawn();
            let done = server.finish();
            assert_eq!(status(&done), Some(2), "{way:?} {options:?}: {}", done.stderr);
            assert!(done.stderr.ends_with("Ncat: Idle timeout expired (300 ms). QUITTING.\n"), "{}", done.stderr);
        }
    }
}

// ---- where it listens ------------------------------------------------------------------------------------

#[test]
fn the_port_of_ncat_is_the_default_and_families_can_be_chosen() {
    for (words, there) in [
        (&["-l"][..], &["Listening on :::31337", "Listening on 0.0.0.0:31337"][..]),
        (&["-l", "-4"], &["Listening on 0.0.0.0:31337"]),
        (&["-l", "-6"], &["Listening on :::31337"]),
    ] {
        let mut running = Tcpx::new(&["ncat", "-v"]).args(words).stdin(Stdin::Open).spawn();
        let is_all = |bytes: &[u8]| {
            let text = String::from_utf8_lossy(bytes);
            text.contains("in use") || there.iter().all(|line| text.contains(line))
        };
        if !running.err.wait(is_all) {
            running.wait_stderr("Listening on");
        }
        let said = running.err.text();
        // Somebody else may have it on this machine.
        let is_taken = said.contains("in use");
        assert!(is_taken || there.iter().all(|line| said.contains(line)), "{words:?}: {said}");
        running.signal(Signal::TERM);
    }
}

#[test]
fn sockets_with_a_path_carry_streams_and_datagrams() {
    let folder = Folder::new();
    for (kind, options) in [("stream", &["-U"][..]), ("datagrams", &["-U", "-u"])] {
        let path = folder.path(kind);
        let path = path.to_str().expect("UTF-8");
        let mut server = Tcpx::new(&["ncat", "-lv"]).args(options).arg(path).stdin(Stdin::Open).spawn();
        server.wait_stderr("Listening on");
        let mut client = Tcpx::new(&["ncat"]).args(options).arg(path).stdin(Stdin::Open).spawn();
        client.write(b"abc\n");
        server.wait_stdout(b"abc\n");
    }
}

#[test]
fn a_local_port_can_be_chosen() {
    let (server, address) = Way::Tcp.server(&["-k"]);
    let free = TcpStream::connect(address).and_then(|used| used.local_addr()).expect("an address").port() ^ 1;
    let port = free.to_string();
    let done = Way::Tcp.client(&["-v", "-p", &port, "-z"], address).run();
    // Somebody else may have it meanwhile.
    if status(&done) == Some(0) {
        let said = format!("Connection from 127.0.0.1:{port}");
        assert!(server.err.wait(|bytes| String::from_utf8_lossy(bytes).contains(&said)), "{}", server.err.text());
    }
}

// ---- brokers ---------------------------------------------------------------------------------------------

#[test]
fn a_broker_passes_to_all_others() {
    for way in STREAMS {
        let (_server, address) = way.server(&["--broker"]);
        let mut clients: Vec<_> = (0..3).map(|_| way.client(&[], address).spawn()).collect();
        for number in 0..3 {
            // All are there once each has heard of one.
            let word = format!("{number}\n");
            wait_for("the others", || {
                clients[number].write(word.as_bytes());
                let heard = |at: usize| at == number || clients[at].out.text().contains(&word);
                std::thread::sleep(std::time::Duration::from_millis(20));
                (0..3).all(heard)
            });
            assert!(!clients[number].out.text().contains(&word), "{way:?}: not to itself");
        }
    }
}

// ---- TLS -------------------------------------------------------------------------------------------------

#[test]
fn handshakes_that_do_not_go_on_hold_up_nobody() {
    for options in [&["-k"][..], &["-k", "--sh-exec", "cat"]] {
        let (_server, address) = Way::Tls.server(options);
        let mut silent = Conn::to(address);
        silent.send(&[0x16]);
        let mut clear = TcpStream::connect(address).expect("connect");
        clear.write_all(b"in the clear\n").expect("send");
        let mut rest = Vec::new();
        let _ = clear.read_to_end(&mut rest);
        let mut client = Way::Tls.client(&[], address).spawn();
        client.write(b"abc\n");
        if options.len() > 1 {
            client.wait_stdout(b"abc\n");
        }
        client.close_stdin();
        assert_eq!(status(&client.finish()), Some(0), "{options:?}");
    }
    let (server, address) = Way::Tls.server(&[]);
    let mut clear = TcpStream::connect(address).expect("connect");
    clear.write_all(b"in the clear\n").expect("send");
    assert_eq!(status(&server.finish()), Some(1), "a failed handshake ends a server of one");
}

#[test]
fn names_of_certificates_are_verified_when_asked_for() {
    let pki = Pki::new();
    pki.add("other-", &["other.example"], |_| {});
    pki.add("bare-", &[], |params| params.distinguished_name.push(rcgen::DnType::CommonName, "localhost"));
    pki.add("away-", &[], |params| params.distinguished_name.push(rcgen::DnType::CommonName, "other.example"));
    let (ca, bare, away) = (pki.word("ca.pem"), pki.word("bare-cert.pem"), pki.word("away-cert.pem"));
    for (prefix, options, code) in [
        ("", &["--ssl-verify", "--ssl-trustfile", &ca][..], 0),
        ("bare-", &["--ssl-verify", "--ssl-trustfile", &bare], 0),
        ("bare-", &["--ssl-verify", "--ssl-trustfile", &ca], 1),
        ("away-", &["--ssl-verify", "--ssl-trustfile", &away], 1),
        ("other-", &["--ssl-verify", "--ssl-trustfile", &ca], 1),
        ("", &["--ssl-verify"], 1),
        ("other-", &["--ssl"], 0),
    ] {
        let (cert, key) = (pki.word(&format!("{prefix}cert.pem")), pki.word(&format!("{prefix}key.pem")));
        let (_server, address) = Way::Tls.server(&["-k", "--ssl-cert", &cert, "--ssl-key", &key]);
        let port = address.port().to_string();
        let done = Tcpx::new(&["ncat"]).args(options).args(&["-z", "localhost", &port]).run();
        assert_eq!(status(&done), Some(code), "{prefix} {options:?}: {}", done.stderr);
    }
}
