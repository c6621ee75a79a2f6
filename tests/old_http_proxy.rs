//! Ncat's HTTP proxy by tcpx, seen from a client that writes every byte itself: its answers, its logins, where it listens.

use std::io::{Read, Write};
use std::net::{Shutdown, SocketAddr, TcpListener, TcpStream};
use std::thread;

use crate::personalities::listening;
use crate::support::{Running, Stdin, Tcpx, wait_for};

fn proxy(options: &[&str]) -> (Running, SocketAddr) {
    listening(&[&["ncat", "-lv", "--proxy-type", "http"], options, &["127.0.0.1", "0"]].concat())
}

/// Sends a request and our end, and gives the answer.
fn ask(proxy: SocketAddr, request: &str) -> String {
    let mut client = TcpStream::connect(proxy).expect("the proxy listens");
    client.write_all(request.as_bytes()).expect("send the request");
    client.shutdown(Shutdown::Write).expect("end it");
    let mut answer = Vec::new();
    client.read_to_end(&mut answer).expect("an answer and its end");
    String::from_utf8_lossy(&answer).into_owned()
}

const BAD: &str = "HTTP/1.0 400 Bad Request\r\n\r\n";
const TIMEOUT: &str = "HTTP/1.0 504 Gateway Timeout\r\n\r\n";
const METHOD: &str = "HTTP/1.0 405 Method Not Allowed\r\nAllow: CONNECT, GET, HEAD, POST\r\n\r\n";
const LARGE: &str = "HTTP/1.0 413 Request Entity Too Large\r\n\r\n";

#[test]
fn what_is_refused_is_refused_as_ncat_does() {
    let (running, proxy) = proxy(&[]);
    let long = format!("CONNECT {}:80 HTTP/1.0\r\n\r\n", "A".repeat(24_000));
    let many = format!("CONNECT 127.0.0.1:1 HTTP/1.0\r\n{}\r\n", "Header: Value\r\n".repeat(10_000));
    let itself = format!("GET http://{proxy}/ HTTP/1.0\r\n\r\n");
    for (request, wanted) in [
        ("bad\r\n\r\n", BAD),
        ("CONNECT 127.0.0.1 HTTP/1.0\r\n\r\n", BAD),
        ("CONNECT 127.0.0.1: HTTP/1.0\r\n\r\n", BAD),
        ("CONNECT 127.0.0.1:0 HTTP/1.0\r\n\r\n", BAD),
        ("CONNECT 127.0.0.1:99999 HTTP/1.0\r\n\r\n", BAD),
        ("CONNECT u:p@127.0.0.1:1 HTTP/1.0\r\n\r\n", BAD),
        ("CONNECT 127.0.0.1:1 FTP/1.0\r\n\r\n", BAD),
        ("CONNECT 127.0.0.1:1 HTTP/1.0\r\nno colon\r\n\r\n", BAD),
        ("\r\nCONNECT 127.0.0.1:1 HTTP/1.0\r\n\r\n", TIMEOUT),
        ("CONNECT 127.0.0.1:1 HTTP/1.0\r\n\r\n", TIMEOUT),
        ("CONNECT nope.invalid:80 HTTP/1.1\r\n\r\n", TIMEOUT),
        ("GET http://127.0.0.1:1/ HTTP/1.0\r\n\r\n", TIMEOUT),
        ("GET http://nope.invalid/ HTTP/1.0\r\n\r\n", TIMEOUT),
        ("GET / HTTP/1.0\r\n\r\n", BAD),
        ("GET https://127.0.0.1:1/ HTTP/1.0\r\n\r\n", BAD),
        ("GET http://127.0.0.1:99999/ HTTP/1.0\r\n\r\n", BAD),
        (&itself, "HTTP/1.0 403 Forbidden\r\n\r\n"),
        ("PUT http://127.0.0.1:1/ HTTP/1.0\r\nContent-Length: 1\r\n\r\nx", METHOD),
        ("NOTHING http://127.0.0.1:1/ HTTP/1.0\r\n\r\n", METHOD),
        ("POST http://127.0.0.1:1/ HTTP/1.0\r\n\r\n", BAD),
        ("POST http://127.0.0.1:1/ HTTP/1.1\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n", BAD),
        (&long, LARGE),
        (&many, LARGE),
    ] {
        let shown: String = request.chars().take(60).collect();
        assert_eq!(ask(proxy, request), wanted, "{shown:?}");
    }
    assert!(!running.err.text().contains("Connection from"), "it says nothing of clients: {}", running.err.text());
}

#[test]
fn a_way_is_opened_and_a_request_goes_on_as_there() {
    let (_running, proxy) = proxy(&[]);
    for (request, got, answer) in [
        ("CONNECT TARGET HTTP/1.1\r\nUser-Agent: x\r\n\r\nabc", "abc", "HTTP/1.0 200 OK\r\n\r\nanswer"),
        (
            "GET http://TARGET/a?b HTTP/1.1\r\nOne: 1\r\nConnection: two\r\nTwo: 2\r\n\r\n",
            "GET /a?b HTTP/1.0\r\nHost: TARGET\r\nOne: 1\r\nConnection: close\r\n\r\n",
            "answer",
        ),
    ] {
        let listener = TcpListener::bind("127.0.0.1:0").expect("listen");
        let place = listener.local_addr().expect("an address").to_string();
        let target = thread::spawn(move || {
            let (mut conn, _) = listener.accept().expect("the proxy comes");
            let mut got = String::new();
            conn.read_to_string(&mut got).expect("a request and its end");
            conn.write_all(b"answer").expect("answer");
            got
        });
        assert_eq!(ask(proxy, &request.replace("TARGET", &place)), answer, "{request:?}");
        assert_eq!(target.join().expect("the target"), got.replace("TARGET", &place), "{request:?}");
    }
}

#[test]
fn a_login_is_one_word() {
    // u:p, nothing, a, :, a: and :a
    let words = [("u:p", "dTpw"), ("", ""), ("a", "YQ=="), (":", "Og=="), ("a:", "YTo="), (":a", "OmE=")];
    for (login, _) in words {
        let (_running, proxy) = proxy(&["--proxy-auth", login]);
        for (other, encoded) in words {
            let field = format!("Proxy-Authorization: Basic {encoded}\r\n");
            let answer = ask(proxy, &format!("CONNECT 127.0.0.1:1 HTTP/1.0\r\n{field}\r\n"));
            if other == login {
                assert_eq!(answer, TIMEOUT, "{login:?} {other:?}");
                continue;
            }
            let asks = "HTTP/1.0 407 Proxy Authentication Required\r\nProxy-Authenticate: Basic realm=\"Ncat\"\r\n\
                        Proxy-Authenticate: Digest realm=\"Ncat\", nonce=\"";
            assert!(answer.starts_with(asks), "{login:?} {other:?}: {answer}");
            assert!(answer.ends_with(", qop=\"auth\"\r\n\r\n"), "{login:?} {other:?}: {answer}");
        }
    }
}

#[test]
fn the_variable_has_a_login_too() {
    let words = ["ncat", "-lv", "--proxy-type", "http", "127.0.0.1", "0"];
    let mut running = Tcpx::new(&words).under(&["env", "NCAT_PROXY_AUTH=u:p"]).stdin(Stdin::Open).spawn();
    running.wait_stderr("Listening on 127.0.0.1:");
    let text = running.err.text();
    let port: u16 = text.trim_end().rsplit(':').next().and_then(|port| port.parse().ok()).expect("a port");
    let answer = ask(([127, 0, 0, 1], port).into(), "CONNECT 127.0.0.1:1 HTTP/1.0\r\n\r\n");
    assert!(answer.starts_with("HTTP/1.0 407 "), "{answer}");
}

#[test]
fn a_proxy_on_one_loopback_address_takes_clients_of_both_families() {
    if TcpListener::bind("[::1]:0").is_err() {
        return;
    }
    for (host, other) in [("127.0.0.1", "[::1]"), ("::1", "127.0.0.1")] {
        let mut answer = String::new();
        // The port is free in one family when it is chosen, and perhaps not in the other.
        wait_for("a port that is free in both families", || {
            let free = TcpListener::bind((host, 0)).and_then(|listener| listener.local_addr()).expect("a free port");
            let port = free.port().to_string();
            let mut running =
                Tcpx::new(&["ncat", "-lv", "--proxy-type", "http", host, &port]).stdin(Stdin::Open).spawn();
            running.wait_stderr("Ncat: ");
            wait_for("the listener, or its end", || {
                running.err.text().contains("Listening on") || running.err.text().contains("QUITTING")
            });
            let Ok(address) = format!("{other}:{port}").parse() else { return false };
            if TcpStream::connect::<SocketAddr>(address).is_err() {
                return false;
            }
            answer = ask(address, "CONNECT 127.0.0.1:1 HTTP/1.0\r\n\r\n");
            answer == TIMEOUT
        });
        assert_eq!(answer, TIMEOUT, "{host}");
    }
}

#[test]
fn a_proxy_that_cannot_listen_says_so() {
    let taken = TcpListener::bind("127.0.0.1:0").expect("a port");
    let port = taken.local_addr().expect("an address").port().to_string();
    let done = Tcpx::new(&["ncat", "-l", "--proxy-type", "http", "127.0.0.1", &port]).run();
    let said = format!("Ncat: bind to 127.0.0.1:{port}: Address already in use. QUITTING.\n");
    assert_eq!((done.status_code(), &*done.stderr), (Some(2), &*said));
}
