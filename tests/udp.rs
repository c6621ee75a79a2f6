//! UDP through the binary, with real sockets: borders, addresses, refusals, and the programs that speak it.

use std::io::Read;
use std::net::{SocketAddr, UdpSocket};
use std::os::unix::net::UnixDatagram;
use std::time::Duration;

use rustix::process::Signal;

use crate::builtins::{client, have};
use crate::support::{Folder, PATIENCE, Stdin, Stdout, Tcpx, wait_for};

/// A socket of a test.
fn socket(address: &str) -> UdpSocket {
    let socket = UdpSocket::bind(address).expect("a socket");
    socket.set_read_timeout(Some(PATIENCE)).expect("a time limit");
    socket
}

/// The next datagram, and its sender.
fn next(socket: &UdpSocket) -> (Vec<u8>, SocketAddr) {
    let mut buffer = vec![0; 1 << 16];
    let (n, from) = socket.recv_from(&mut buffer).expect("a datagram");
    (buffer[..n].to_vec(), from)
}

/// A port at which nobody receives.
fn free_port() -> String {
    socket("127.0.0.1:0").local_addr().unwrap().port().to_string()
}

#[test]
fn borders_are_kept_in_both_directions() {
    let server = socket("127.0.0.1:0");
    let address = server.local_addr().unwrap().to_string();
    let tcpx = Tcpx::new(&["connect", "-u", &address, "--send", "one\\xff", "--send", "", "--send-hex", "0203"]);
    let mut tcpx = tcpx.stdin(Stdin::Open).spawn();
    for wanted in [&b"one\xff"[..], b"", b"\x02\x03"] {
        assert_eq!(next(&server).0, wanted);
    }
    let large = vec![b'x'; 65_507];
    tcpx.write(b"typed");
    let (typed, from) = next(&server);
    assert_eq!(typed, b"typed");
    for answer in [&b"a"[..], b"", &large, b"z"] {
        server.send_to(answer, from).unwrap();
    }
    let wanted = [&b"a"[..], &large, b"z"].concat();
    assert!(tcpx.out.wait(|seen| seen.len() >= wanted.len()));
    assert_eq!(tcpx.out.bytes(), wanted);
    tcpx.close_stdin();
    assert_eq!(tcpx.finish().status_code(), Some(0));
}

#[test]
fn stdin_is_sent_in_pieces_that_fit() {
    let server = socket("127.0.0.1:0");
    let address = server.local_addr().unwrap().to_string();
    let done = Tcpx::new(&["connect", "-u", "--send-only", &address]).stdin(Stdin::bytes(&vec![b'y'; 70_000])).run();
    assert_eq!(done.status_code(), Some(0), "{}", done.stderr);
    let mut all = 0;
    while all < 70_000 {
        let piece = next(&server).0.len();
        assert!(piece > 0 && piece <= 65_507);
        all += piece;
    }
    assert_eq!(all, 70_000);
}

#[test]
fn a_port_where_nobody_receives_is_7() {
    let port = free_port();
    for words in
        [&["connect", "-u", "--send", "x"][..], &["connect", "-uz"], &["connect", "-u", "--send-only", "--send", "x"]]
    {
        let done = Tcpx::new(words).args(&["127.0.0.1", &port]).run();
        assert_eq!(done.status_code(), Some(7), "{words:?}: {}", done.stderr);
        done.said(&format!("tcpx: connect to 127.0.0.1:{port}: connection refused"));
    }
}

#[test]
fn an_answer_comes_from_the_address_that_was_asked() {
    let mut tcpx = Tcpx::new(&["listen", "-u", "0", "--on-data", "conn.send(conn.local + \" \" + conn.proto)"]).spawn();
    let port = tcpx.address().port();
    let four = socket("127.0.0.1:0");
    for ip in ["127.0.0.1", "127.0.0.2"] {
        let asked: SocketAddr = format!("{ip}:{port}").parse().unwrap();
        four.send_to(b"?", asked).unwrap();
        let (answer, from) = next(&four);
        assert_eq!((from, answer), (asked, format!("{ip}:{port} udp").into_bytes()));
    }
    let six = socket("[::1]:0");
    six.send_to(b"?", ("::1", port)).unwrap();
    assert_eq!(next(&six).0, format!("[::1]:{port} udp").into_bytes());
}

#[test]
fn each_address_is_a_connection_and_a_refusal_ends_only_its_own() {
    let script = "
        fn on_connect(conn) { print(`+${conn.id}`); }
        fn on_data(conn, data) { conn.send(data); conn.send(data); }
        fn on_error(conn, err) { print(`${err.kind} ${conn.id}`); }
        fn on_close(conn, why) { print(`-${conn.id} ${why}`); }";
    let folder = Folder::new();
    let script = folder.file("s.rhai", script.as_bytes());
    let mut tcpx = Tcpx::new(&["listen", "-4u", "127.0.0.1", "0", "-s"]).arg(script).spawn();
    let address = tcpx.address();
    let (one, two) = (socket("127.0.0.1:0"), socket("127.0.0.1:0"));
    for (socket, data) in [(&one, b"1"), (&two, b"2"), (&one, b"3")] {
        socket.send_to(data, address).unwrap();
        assert_eq!((next(socket).0, next(socket).0), (data.to_vec(), data.to_vec()));
    }
    // It hears another one only, so that the answers are refused.
    one.connect("127.0.0.1:9").unwrap();
    one.send_to(b"last", address).unwrap();
    tcpx.out.wait(|seen| String::from_utf8_lossy(seen).contains("-1 "));
    assert_eq!(tcpx.out.text(), "+1\n+2\nreset 1\n-1 reset\n");
    two.send_to(b"4", address).unwrap();
    assert_eq!(next(&two).0, b"4");
}

#[test]
fn the_first_client_is_the_only_one_without_keep_open() {
    let mut tcpx = Tcpx::new(&["listen", "-u", "127.0.0.1", "0"]).stdin(Stdin::Open).spawn();
    let address = tcpx.address();
    let (first, second) = (socket("127.0.0.1:0"), socket("127.0.0.1:0"));
    first.send_to(b"first ", address).unwrap();
    assert!(tcpx.out.wait(|seen| seen == b"first "));
    second.send_to(b"never", address).unwrap();
    first.send_to(b"again", address).unwrap();
    assert!(tcpx.out.wait(|seen| seen == b"first again"), "{}", tcpx.out.text());
    tcpx.write(b"answer");
    assert_eq!(next(&first).0, b"answer");
    tcpx.close_stdin();
    first.send_to(b"!", address).unwrap();
    assert!(tcpx.out.wait(|seen| seen == b"first again!"));
}

#[test]
fn a_flood_of_one_client_starves_no_other() {
    let mut tcpx =
        Tcpx::new(&["listen", "-u", "127.0.0.1", "0", "--session", "for c in conn.chunks() { conn.send(c); }"]).spawn();
    let address = tcpx.address();
    let flood = socket("127.0.0.1:0");
    let quiet = socket("127.0.0.1:0");
    quiet.set_read_timeout(Some(Duration::from_millis(200))).unwrap();
    let mut answers = 0;
    let mut buffer = [0; 16];
    for _ in 0..200 {
        for _ in 0..200 {
            let _ = flood.send_to(&[0; 64], address);
        }
        // What is lost in the network's queue is not answered; what is received is.
        quiet.send_to(b"ping", address).unwrap();
        answers += usize::from(quiet.recv(&mut buffer).is_ok());
        if answers >= 20 {
            break;
        }
    }
    assert!(answers >= 20, "{answers} answers");
}

#[test]
fn an_answer_that_was_seen_is_success() {
    let server = socket("127.0.0.1:0");
    let address = server.local_addr().unwrap().to_string();
    let (mut reader, writer) = std::io::pipe().expect("a pipe");
    let tcpx =
        Tcpx::new(&["connect", "-u", &address, "--send", "ask", "--eof-wait", "1h"]).stdout(Stdout::Fd(writer.into()));
    let tcpx = tcpx.spawn();
    let (asked, from) = next(&server);
    assert_eq!(asked, b"ask");
    server.send_to(b"answer\n", from).unwrap();
    reader.read_exact(&mut [0; 7]).expect("the answer");
    drop(reader);
    tcpx.finish().code(0);
}

#[test]
fn workers_share_a_port_of_datagrams() {
    let words = ["listen", "-u", "--workers", "2", "127.0.0.1", "0", "--on-data", "conn.send(data)"];
    let mut tcpx = Tcpx::new(&words).spawn();
    let address = tcpx.address();
    for number in 0..20_u8 {
        let client = socket("127.0.0.1:0");
        client.send_to(&[number], address).unwrap();
        assert_eq!(next(&client).0, [number]);
    }
}

#[test]
fn options_for_streams_are_refused() {
    for words in [
        &["connect", "-u", "--half-open", "h", "1"][..],
        &["connect", "udp://h:1", "--keepalive", "5"],
        &["listen", "-u", "--backlog", "5", "1"],
        &["connect", "-u", "--no-nodelay", "h", "1"],
    ] {
        let done = Tcpx::new(words).run();
        assert_eq!(done.status_code(), Some(2), "{words:?}");
        done.said("is for streams, and datagrams have no connection");
    }
}

#[test]
fn other_netcats_are_understood() {
    let mut tcpx = Tcpx::new(&["listen", "-u", "127.0.0.1", "0", "--on-data", "conn.send(data)"]).spawn();
    let address = tcpx.address();
    let (host, port) = (address.ip().to_string(), address.port().to_string());
    // Ncat leaves at the end of stdin, before an answer.
    if have("nc") {
        assert_eq!(client(&["nc", "-u", "-W1", &host, &port], b"hello"), "hello");
    }
    if have("socat") {
        let there = format!("UDP:{address}");
        assert_eq!(client(&["socat", "-t3", "-", &there], b"hello"), "hello");
    }
}

#[test]
fn dig_and_logger_speak_to_built_in_scripts() {
    let many: Vec<String> = (1..61).map(|n| format!("many.org=192.0.2.{n}")).collect();
    let zone: Vec<&str> = many.iter().map(String::as_str).chain(["example.org=192.0.2.1"]).collect();
    let mut dns = Tcpx::new(&["listen", "-u", "--script", "@dns", "127.0.0.1", "0", "--"]).args(&zone).spawn();
    let address = dns.address();
    let query = b"\0\x07\x01\0\0\x01\0\0\0\0\0\0\x07example\x03org\0\0\x01\0\x01";
    let asker = socket("127.0.0.1:0");
    asker.send_to(query, address).unwrap();
    let answer = next(&asker).0;
    assert!(answer.starts_with(b"\0\x07\x85\0\0\x01\0\x01") && answer.ends_with(b"\xc0\0\x02\x01"), "{answer:?}");
    if have("dig") {
        let port = address.port().to_string();
        let dig = |words: &[&str]| client(&[&["dig", "@127.0.0.1", "-p", &port], words].concat(), b"");
        assert_eq!(dig(&["+short", "example.org"]), "192.0.2.1\n");
        let cut = dig(&["+noedns", "+ignore", "many.org"]);
        assert!(cut.contains("flags: qr aa tc rd") && cut.contains("ANSWER: 0"), "{cut}");
        assert!(dig(&["many.org"]).contains("ANSWER: 60"));
    }
    let mut syslog = Tcpx::new(&["listen", "-u", "--script", "@syslog", "127.0.0.1", "0"]).spawn();
    let address = syslog.address();
    let long = format!("<13>Oct 11 22:14:15 host app: {}\n", "x".repeat(9000));
    asker.send_to(long.as_bytes(), address).unwrap();
    assert!(syslog.out.wait(|seen| seen.len() > 9000 && seen.ends_with(b"x\n")), "{}", syslog.out.text());
    if have("logger") {
        let (host, port) = (address.ip().to_string(), address.port().to_string());
        client(&["logger", "-d", "-n", &host, "-P", &port, "-t", "tag", "hello"], b"");
        let is_there = syslog.out.wait(|seen| String::from_utf8_lossy(seen).contains(" tag user.notice"));
        assert!(is_there, "{}", syslog.out.text());
    }
}

#[test]
fn a_name_with_several_addresses_is_reached_at_the_one_that_answers() {
    let server = socket("127.0.0.1:0");
    let port = server.local_addr().unwrap().port().to_string();
    let asking = Tcpx::new(&["connect", "-u", "localhost", &port, "--send", "one", "--send", "two", "--until", "6b"]);
    let asking = asking.spawn();
    for wanted in [&b"one"[..], b"two"] {
        let (asked, from) = next(&server);
        assert_eq!(asked, wanted);
        server.send_to(&asked, from).unwrap();
    }
    asking.finish().code(0).wrote("onetwo");
    // It keeps its port, and takes nothing from others any more.
    server.connect("127.0.0.1:9").unwrap();
    let refused = Tcpx::new(&["connect", "-u", "localhost", &port, "--send", "one"]).run();
    assert_eq!(refused.status_code(), Some(7), "{}", refused.stderr);
}

#[test]
fn datagrams_go_to_all_hosts_of_a_network_once_that_is_allowed() {
    let server = socket("0.0.0.0:0");
    let port = server.local_addr().unwrap().port().to_string();
    let words = ["connect", "-u", "127.255.255.255", &port, "--send", "who is there?"];
    let refused = Tcpx::new(&words).run();
    assert_eq!(refused.status_code(), Some(7), "{}", refused.stderr);
    refused.said("permission denied; --broadcast allows datagrams to all hosts of a network");
    let asking = Tcpx::new(&words).args(&["--broadcast", "--until", "2b"]).spawn();
    let (_, from) = next(&server);
    // Each answers from its own address.
    socket("127.0.0.9:0").send_to(b"I", from).unwrap();
    server.send_to(b"2", from).unwrap();
    asking.finish().code(0);
}

#[test]
fn groups_are_joined_by_servers_and_clients() {
    let options = ["listen", "-u", "--join", "239.1.2.3%lo", "0", "--on-line", "print(line); conn.send(line)"];
    let mut server = Tcpx::new(&options).spawn();
    let port = server.address().port().to_string();
    let to_group = ["connect", "-u", "239.1.2.3", &port];
    let from = ["--source", "127.0.0.1"];
    let asking = Tcpx::new(&to_group).args(&from).args(&["--send", "one\n", "--until", "3b"]).run();
    assert_eq!(asking.status_code(), Some(0), "{}", asking.stderr);
    asking.wrote("one");
    // A client that receives for the group at its port, beside the server.
    let source = format!(":{port}");
    let member = Tcpx::new(&to_group).args(&["--join", "239.1.2.3%lo", "--source", &source, "--until", "4b"]);
    let mut member = member.args(&["--multicast-ttl", "0", "-v"]).stdin(Stdin::Open).spawn();
    member.wait_stderr("connected to");
    let said = Tcpx::new(&to_group).args(&from).args(&["--send-only", "--send", "two\n"]).run();
    assert_eq!(said.status_code(), Some(0), "{}", said.stderr);
    member.finish().code(0).wrote("two\n");
    server.wait_stdout(b"one\ntwo\n");
}

#[test]
fn groups_of_ipv6_are_joined_too() {
    let script = r#"
        ip link set lo up && ip link add d0 type veth peer name d1 && ip link set d0 up && ip link set d1 up || exit 77
        "$1" listen -u --join ff02::5:6%d0 4000 --on-data 'conn.send(data)' -q & server=$!
        # A new interface has no address for the first seconds.
        for try in $(seq 1 100); do
            "$1" connect -u ff02::5:6%d0 4000 --send one --until 3b --timeout 5 2>/dev/null && break
            sleep 0.2
        done
        kill $server"#;
    let words = ["-rn", "sh", "-c", script, "sh", env!("CARGO_BIN_EXE_tcpx")];
    let done = Tcpx::other("unshare", &words).run();
    if done.status_code() == Some(77) || done.stderr.starts_with("unshare: ") {
        return crate::support::missing("a network of its own");
    }
    done.wrote("one");
}

#[test]
fn workers_share_the_clients_of_a_udp_port() {
    let echo = ["listen", "-u", "127.0.0.1", "0", "--workers", "3", "--on-data", "conn.send(data)"];
    let mut tcpx = Tcpx::new(&echo).spawn();
    let address = tcpx.address();
    let clients: Vec<_> = (0..20).map(|_| socket("127.0.0.1:0")).collect();
    for round in 0..3u8 {
        for client in &clients {
            client.send_to(&[round], address).unwrap();
            assert_eq!(next(client), (vec![round], address));
        }
    }
}

#[test]
fn lost_datagrams_are_counted() {
    let tcpx =
        Tcpx::new(&["listen", "-u", "-v", "--recv-only", "127.0.0.1", "0", "--recv-buffer", "8K", "--until", "1l"]);
    let mut tcpx = tcpx.spawn();
    let address = tcpx.address();
    let client = socket("127.0.0.1:0");
    client.send_to(b"x", address).unwrap();
    tcpx.wait_stdout(b"x");
    tcpx.freeze();
    for _ in 0..500 {
        client.send_to(&[b'x'; 1000], address).unwrap();
    }
    tcpx.thaw();
    loop {
        client.send_to(b"\n", address).unwrap();
        if !tcpx.is_running() {
            break;
        }
        std::thread::sleep(Duration::from_millis(20));
    }
    let done = tcpx.finish();
    done.code(0).said("at least ").said("datagrams were lost: a queue was full");
}

#[test]
fn large_datagrams_of_unix_sockets_stay_whole() {
    let folder = Folder::new();
    let path = folder.path("socket");
    let place = format!("unix:{}", path.display());
    let sizes = [1000, 65_507, 65_536, 100_000, 150_000, 70_000];
    let ours = UnixDatagram::unbound().expect("a socket");
    let lines = sizes.map(|size| format!("{size}\n")).concat();
    for options in [&["--on-data", "print(`${data.len()}`)"][..], &["-k", "--on-data", "print(`${data.len()}`)"], &[]] {
        let server = Tcpx::new(&["listen", "-u", &place]).args(options).spawn();
        wait_for("the socket", || ours.connect(&path).is_ok());
        for size in sizes {
            ours.send(&vec![b'x'; size]).expect("room in the queue");
        }
        let wanted = if options.is_empty() { sizes.iter().sum() } else { lines.len() };
        assert!(server.out.wait(|bytes| bytes.len() >= wanted), "{options:?}: {} bytes", server.out.bytes().len());
        if !options.is_empty() {
            assert_eq!(server.out.text(), lines, "{options:?}");
        }
        server.signal(Signal::TERM);
        server.finish().code(143);
    }
}
