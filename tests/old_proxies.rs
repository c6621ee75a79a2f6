//! Proxies as Ncat's users write them: served, used, and when they are told who asks.

use std::io::{Read, Write};
use std::net::Shutdown;

use crate::personalities::{VERSION, listening};
use crate::support::peer::{Conn, Server};
use crate::support::{Stdin, Tcpx, installed, missing};

#[test]
fn proxies_serve_and_are_used() {
    for (kind, auth) in [("http", &[][..]), ("socks5", &[]), ("socks4", &[]), ("http", &["--proxy-auth", "u:p"])] {
        let (mut server, target) = listening(&["ncat", "-lvk", "127.0.0.1", "0"]);
        let (running, proxy) = listening(&["ncat", "-lv", "--proxy-type", kind, "127.0.0.1", "0"]);
        let place = proxy.to_string();
        let options = [&["--proxy-type", kind, "--proxy", &place][..], auth].concat();
        let port = target.port().to_string();
        let words = [&["ncat"], &options[..], &["127.0.0.1", &port]].concat();
        let mut client = Tcpx::new(&words).stdin(Stdin::Open).spawn();
        client.write(b"abc\n");
        server.wait_stdout(b"abc\n");
        server.write(b"def\n");
        client.wait_stdout(b"def\n");
        assert!(!running.err.text().contains("tcpx:"), "{}", running.err.text());
    }
}

#[test]
fn answers_of_proxies_are_understood() {
    for (answer, code, shown) in [
        ("HTTP/1.0 200 OK\r\n\r\nabc\n", 0, "abc\n"),
        ("HTTP/1.1 200 Connection established\r\nServer: x\r\nX-Y: z\r\n\r\nabc\n", 0, "abc\n"),
        ("HTTP/1.1 200\r\n\r\nabc\n", 0, "abc\n"),
        ("HTTP/1.1 403 Forbidden\r\n\r\nno\n", 1, ""),
        ("HTTP/1.1 407 Proxy Authentication Required\r\nProxy-Authenticate: Basic realm=\"x\"\r\n\r\n", 1, ""),
        ("nonsense\r\n\r\n", 1, ""),
        ("", 1, ""),
    ] {
        let server = Server::start();
        let place = server.address.to_string();
        let mut client = Tcpx::new(&["ncat", "--proxy", &place, "target.example", "80"]).stdin(Stdin::Open).spawn();
        let mut conn = server.accept();
        let request = request(&mut conn);
        assert!(request.starts_with("CONNECT target.example:80 HTTP/1."), "{request}");
        conn.send(answer.as_bytes());
        // A client that does not like the answer has left already.
        let _ = conn.0.shutdown(Shutdown::Write);
        if code == 0 {
            client.wait_stdout(shown.as_bytes());
        }
        client.close_stdin();
        drop(conn);
        let done = client.finish();
        assert_eq!((done.status_code(), &*String::from_utf8_lossy(&done.stdout)), (Some(code), shown), "{answer:?}");
    }
}

/// Reads the head of a request.
fn request(conn: &mut Conn) -> String {
    let (mut head, mut byte) = (Vec::new(), [0]);
    while !head.ends_with(b"\r\n\r\n") {
        conn.0.read_exact(&mut byte).expect("a request");
        head.extend(byte);
    }
    String::from_utf8_lossy(&head).into_owned()
}

/// What a proxy asks for, whether the connection goes on, and how the login is told then.
const ASKED: &[(&str, bool, &str)] = &[
    ("Basic realm=\"x\"", true, "Basic dTpw"),
    ("Basic realm=\"x\"", false, "Basic dTpw"),
    ("Basic realm=\"x\", Digest realm=\"x\", nonce=\"n\", qop=\"auth\"", true, "Digest username=\"u\""),
    ("Digest realm=\"x\", nonce=\"n\"", false, "Digest username=\"u\""),
];

#[test]
fn a_login_is_told_once_the_proxy_asks_for_it() {
    for (asked, stays, told) in ASKED {
        let server = Server::start();
        let place = server.address.to_string();
        let words = ["ncat", "--proxy", &place, "--proxy-auth", "u:p", "target.example", "80"];
        let mut client = Tcpx::new(&words).stdin(Stdin::Open).spawn();
        let mut conn = server.accept();
        let first = request(&mut conn);
        assert!(!first.contains("Authorization"), "{asked}: {first}");
        let head = format!("HTTP/1.1 407 Who\r\nProxy-Authenticate: {asked}\r\nContent-Length: 4\r\n");
        let end = if *stays { "\r\nno.\n" } else { "Connection: close\r\n\r\nno.\n" };
        conn.send(format!("{head}{end}").as_bytes());
        if !stays {
            drop(conn);
            conn = server.accept();
        }
        let second = request(&mut conn);
        assert!(second.contains(&format!("Proxy-Authorization: {told}")), "{asked}: {second}");
        conn.send(b"HTTP/1.1 200 Here\r\n\r\nabc\n");
        client.write(b"def\n");
        conn.expect(b"def\n");
        client.close_stdin();
        drop(conn);
        let done = client.finish();
        assert_eq!((done.status_code(), &*String::from_utf8_lossy(&done.stdout)), (Some(0), "abc\n"), "{asked}");
    }
}

#[test]
fn a_login_that_is_wrong_is_told_once() {
    for stays in [true, false] {
        let server = Server::start();
        let place = server.address.to_string();
        let words = ["ncat", "--proxy", &place, "--proxy-auth", "u:p", "target.example", "80"];
        let client = Tcpx::new(&words).stdin(Stdin::Open).spawn();
        let end = if stays { "" } else { "Connection: close\r\n" };
        let answer = format!("HTTP/1.1 407 Who\r\nProxy-Authenticate: Basic realm=\"x\"\r\n{end}\r\n");
        let mut conn = server.accept();
        for number in 0..2 {
            if !stays && number > 0 {
                conn = server.accept();
            }
            let asks = request(&mut conn);
            assert_eq!(asks.contains("Authorization: Basic dTpw"), number > 0, "{asks}");
            conn.send(answer.as_bytes());
        }
        let done = client.finish();
        assert_eq!(done.status_code(), Some(1), "{}", done.stderr);
        assert_eq!(done.stderr, "Ncat: Proxy returned status code 407.\n");
    }
}

/// Options of a client, what its proxy answers to each of its messages before it ends the connection, the exit status, and what is
/// said; `@` stands for the proxy.
type Failure = (&'static str, &'static [&'static [u8]], i32, &'static str);

const HELLO: &[u8] = b"HTTP/1.1 200 OK\r\n\r\nhello\n";
const ASKS: &[u8] = b"HTTP/1.1 407 Auth\r\nProxy-Authenticate: Basic realm=\"x\"\r\nConnection: close\r\n\r\n";
const OPEN_4: &[u8] = b"\x00\x5a\0\0\0\0\0\0hello\n";
const OPEN_5: &[u8] = b"\x05\x00\x00\x01\x01\x02\x03\x04\x00\x00hello\n";

const ANSWERS: &[Failure] = &[
    ("nc -X connect -x", &[b"HTTP/1.1 403 Forbidden\r\n\r\n"], 1, "nc: Proxy error: \"HTTP/1.1 403 Forbidden\"\n"),
    ("nc -X connect -x", &[b"nonsense\r\n\r\n"], 1, "nc: Proxy error: \"nonsense\"\n"),
    ("nc -X connect -x", &[ASKS], 1, "nc: Proxy error: \"HTTP/1.1 407 Auth\"\n"),
    ("nc -X connect -x", &[b""], 1, "nc: proxy read: Broken pipe\n"),
    ("nc -X connect -x", &[b"HTTP/1.1 200 OK\r\n"], 1, "nc: proxy read: Broken pipe\n"),
    ("nc -X connect -x", &[HELLO], 0, ""),
    ("nc -v -X connect -x", &[HELLO], 0, "Connection to target.example 80 port [tcp/http] succeeded!\n"),
    ("nc -n -X connect -x", &[HELLO], 0, ""),
    ("nc -X 4 -x", &[b"\x00\x5b\0\0\0\0\0\0"], 1, "nc: connection failed, SOCKSv4 error: Request rejected or failed\n"),
    ("nc -X 4 -x", &[b"\x00\x5a\0"], 1, "nc: read failed (3/8): Broken pipe\n"),
    ("nc -X 4 -x", &[b""], 1, "nc: read failed (0/8): Broken pipe\n"),
    ("nc -X 4 -x", &[OPEN_4], 0, ""),
    ("nc -X 5 -x", &[b"\x05\xff"], 1, "nc: authentication method negotiation failed\n"),
    ("nc -X 5 -x", &[b""], 1, "nc: read failed (0/3): Broken pipe\n"),
    ("nc -X 5 -x", &[b"\x05\x00", b""], 1, "nc: read failed (0/4): Broken pipe\n"),
    ("nc -X 5 -x", &[b"\x05\x00", b"\x05\x00"], 1, "nc: read failed (2/4): Broken pipe\n"),
    ("nc -X 5 -x", &[b"\x05\x00", b"\x05\x00\x00\x07\x00"], 1, "nc: connection failed, unsupported address type\n"),
    (
        "nc -X 5 -x",
        &[b"\x05\x00", b"\x05\x05\x00\x01\0\0\0\0\0\0"],
        1,
        "nc: connection failed, SOCKSv5 error: Connection refused\n",
    ),
    (
        "nc -X 5 -x",
        &[b"\x05\x00", b"\x05\x63\x00\x01\0\0\0\0\0\0"],
        1,
        "nc: connection failed, SOCKSv5 error: Unknown error\n",
    ),
    ("nc -v -X 5 -x", &[b"\x05\x00", OPEN_5], 0, "Connection to target.example 80 port [tcp/http] succeeded!\n"),
    ("ncat --proxy", &[b"HTTP/1.1 403 Forbidden\r\n\r\n"], 1, "Ncat: Proxy returned status code 403.\n"),
    ("ncat --proxy", &[b"nonsense\r\n\r\n"], 1, "Ncat: Proxy returned status code -1.\n"),
    ("ncat --proxy", &[ASKS], 1, "Ncat: Proxy returned status code 407.\n"),
    ("ncat --proxy", &[b""], 1, "Ncat: Error reading proxy response Status-Line.\n"),
    ("ncat --proxy", &[b"HTTP/1.1 200 OK\r\n"], 1, "Ncat: Error reading proxy response header.\n"),
    ("ncat -v --proxy", &[HELLO], 0, "Ncat: Host target.example will be resolved by the proxy.\n"),
    (
        "ncat --proxy-auth a --proxy",
        &[b"HTTP/1.1 407 Auth\r\nConnection: close\r\n\r\n"],
        2,
        "Ncat: Unknown authentication type. QUITTING.\n",
    ),
    ("ncat --proxy-type socks4 --proxy", &[b"\x00\x5b\0\0\0\0\0\0"], 1, "Ncat: Proxy connection failed.\n"),
    ("ncat --proxy-type socks4 --proxy", &[b"\x00\x5a"], 1, "Ncat: Error: short response from proxy.\n"),
    (
        "ncat -v --proxy-type socks4 --proxy",
        &[OPEN_4],
        0,
        "Ncat: Connected to proxy @\nNcat: Host target.example will be resolved by the proxy.\n",
    ),
    (
        "ncat --proxy-type socks5 --proxy",
        &[b"\x05\xff"],
        1,
        "Ncat: Error: no acceptable authentication method proposed.\n",
    ),
    (
        "ncat --proxy-type socks5 --proxy",
        &[b"\x05\x02"],
        1,
        "Ncat: Error: proxy selected invalid authentication method.\n",
    ),
    ("ncat --proxy-type socks5 --proxy", &[b"\x04\x00"], 1, "Ncat: Error: wrong SOCKS version in connect response.\n"),
    ("ncat --proxy-type socks5 --proxy", &[b"\x05"], 1, "Ncat: Error: malformed connect response from proxy.\n"),
    (
        "ncat --proxy-type socks5 --proxy-auth a --proxy",
        &[b"\x05\x02"],
        1,
        "Ncat: Error: invalid username:password combo.\n",
    ),
    (
        "ncat -v --proxy-type socks5 --proxy-auth a:b --proxy",
        &[b"\x05\x02", b"\x01\x01"],
        1,
        "Ncat: Connected to proxy @\nNcat: Doing username and password authentication.\nNcat: Error: authentication failed.\n",
    ),
    (
        "ncat --proxy-type socks5 --proxy",
        &[b"\x05\x00", b"\x05\x00"],
        1,
        "Ncat: Error: malformed request response from proxy.\n",
    ),
    (
        "ncat --proxy-type socks5 --proxy",
        &[b"\x05\x00", b"\x05\x01\x00\x01\0\0\0\0\0\0"],
        1,
        "Ncat: Error: general SOCKS server failure.\n",
    ),
    (
        "ncat --proxy-type socks5 --proxy",
        &[b"\x05\x00", b"\x05\x63\x00\x01\0\0\0\0\0\0"],
        1,
        "Ncat: Error: unassigned value in the reply.\n",
    ),
    (
        "ncat -v --proxy-type socks5 --proxy",
        &[b"\x05\x00", OPEN_5],
        0,
        "Ncat: Connected to proxy @\nNcat: No authentication needed.\n\
         Ncat: Host target.example will be resolved by the proxy.\nNcat: connection succeeded.\n",
    ),
];

/// Reads one message of a client: the head of a request, or what comes at once.
fn message(conn: &mut Conn) {
    let mut all = Vec::new();
    let mut buffer = [0; 4096];
    while let Ok(n @ 1..) = conn.0.read(&mut buffer) {
        all.extend(&buffer[..n]);
        if all.first() != Some(&b'C') || all.ends_with(b"\r\n\r\n") {
            return;
        }
    }
}

#[test]
fn what_a_proxy_answers_is_told_as_there() {
    for (line, answers, code, said) in ANSWERS {
        let server = Server::start();
        let place = server.address.to_string();
        let (tool, options) = line.split_once(' ').expect("options");
        let target = if line.contains("-X 4") { "127.0.0.1" } else { "target.example" };
        let words: Vec<_> = options.split(' ').chain([place.as_str(), target, "80"]).collect();
        let program = if tool == "nc" { "nc.openbsd" } else { tool };
        if !installed(program) {
            missing(program);
        }
        let theirs = installed(program).then(|| Tcpx::other(program, &words));
        let ours = Tcpx::new(&[&[tool], &words[..]].concat());
        for (client, is_ours) in [(Some(ours), true), (theirs, false)] {
            let Some(client) = client else { continue };
            println!("{line} {answers:?} {is_ours}");
            let client = client.stdin(Stdin::Null).spawn();
            let mut conn = server.accept();
            for answer in *answers {
                message(&mut conn);
                // One that does not like an answer has left already.
                let _ = conn.0.write_all(answer);
            }
            let _ = conn.0.shutdown(Shutdown::Write);
            // Those who are to log in come once more, and get no other answer.
            if line.contains("--proxy-auth a --proxy") && *code == 2 && !is_ours {
                drop(server.accept());
            }
            let end = conn.0.read_to_end(&mut Vec::new());
            let done = client.finish();
            let told: String = done
                .stderr
                .split_inclusive('\n')
                .filter(|told| !told.starts_with(VERSION) && !told.contains(" bytes sent, "))
                .collect();
            assert_eq!(told.replace(program, tool), said.replace('@', &place), "{line} {answers:?}");
            assert_eq!(done.status_code(), Some(*code), "{line} {answers:?}");
            let shown = if *code == 0 { "hello\n" } else { "" };
            assert_eq!(String::from_utf8_lossy(&done.stdout), shown, "{line} {answers:?}");
            assert!(!is_ours || end.is_ok(), "it leaves in order: {line} {answers:?}: {end:?}");
        }
    }
}

/// Options, and what of the login a proxy is told that asks for it: by HTTP in base64, by SOCKS in its bytes.
const LOGINS: &[(&str, &str, &str, &[u8])] = &[
    ("http", "", "", b""),
    ("http", "a", "YQ==", b""),
    ("http", ":", "Og==", b""),
    ("http", "a:", "YTo=", b""),
    ("http", "u:p", "dTpw", b""),
    ("socks4", "", "", b"\0"),
    ("socks4", "a", "", b"a\0"),
    ("socks4", "u:p", "", b"u:p\0"),
    ("socks5", ":", "", b"\x01\x00\x00"),
    ("socks5", "a:", "", b"\x01\x01a\x00"),
    ("socks5", "u:p", "", b"\x01\x01u\x01p"),
];

#[test]
fn a_login_is_told_as_it_was_given() {
    for (kind, login, encoded, bytes) in LOGINS {
        let server = Server::start();
        let place = server.address.to_string();
        let options = ["ncat", "--proxy-type", kind, "--proxy", &place, "127.0.0.1", "80"];
        let by_option = Tcpx::new(&options).args(&["--proxy-auth", login]);
        let by_variable = Tcpx::new(&options).under(&["env", &format!("NCAT_PROXY_AUTH={login}")]);
        for client in [by_option, by_variable] {
            let _client = client.stdin(Stdin::Open).spawn();
            let mut conn = server.accept();
            println!("{kind} {login:?}");
            match *kind {
                "http" => {
                    assert!(!request(&mut conn).contains("Authorization"), "{login:?}");
                    conn.send(
                        b"HTTP/1.1 407 Who\r\nProxy-Authenticate: Basic realm=\"x\"\r\nContent-Length: 0\r\n\r\n",
                    );
                    let second = request(&mut conn);
                    assert!(
                        second.contains(&format!("Proxy-Authorization: Basic {encoded}\r\n")),
                        "{login:?}: {second}"
                    );
                }
                "socks4" => conn.expect(&[b"\x04\x01\x00\x50\x7f\x00\x00\x01", *bytes].concat()),
                _ => {
                    conn.expect(b"\x05\x02\x00\x02");
                    conn.send(b"\x05\x02");
                    conn.expect(bytes);
                }
            }
        }
    }
}

#[test]
fn names_are_resolved_where_the_option_says() {
    for (kind, dns, code, sent) in [
        ("http", "local", 0, "CONNECT 127.0.0.1:80 "),
        ("http", "both", 0, "CONNECT 127.0.0.1:80 "),
        ("http", "remote", 0, "CONNECT localhost:80 "),
        ("socks4", "local", 0, "\x04\x01\0\x50\x7f\0\0\x01\0"),
        ("socks4", "remote", 0, "\x04\x01\0\x50\0\0\0\x01\0localhost\0"),
        ("http", "none", 1, "Ncat: Error: Failed to resolve host localhost locally.\n"),
        ("socks5", "none", 1, "Ncat: Error: Failed to resolve host localhost locally.\n"),
    ] {
        let server = Server::start();
        let place = server.address.to_string();
        let words = ["ncat", "-4", "--proxy-dns", dns, "--proxy-type", kind, "--proxy", &place, "localhost", "80"];
        let client = Tcpx::new(&words).stdin(Stdin::Open).spawn();
        if code == 0 {
            server.accept().expect(sent.as_bytes());
        } else {
            let done = client.finish();
            assert_eq!((done.status_code(), &*done.stderr), (Some(code), sent), "{kind} {dns}");
        }
    }
}
