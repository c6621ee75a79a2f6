//! Proxies as Ncat's users write them: served, used, and when they are told who asks.

use std::io::Read;

use crate::personalities::listening;
use crate::support::peer::{Conn, Server};
use crate::support::{Stdin, Tcpx};

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
        let _ = conn.0.shutdown(std::net::Shutdown::Write);
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
        assert!(done.stderr.contains("does not accept the user and the password"), "{}", done.stderr);
    }
}
