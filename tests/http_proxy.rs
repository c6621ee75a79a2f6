//! `@connect`, the HTTP proxy, seen from a client that writes every byte itself: what is answered, and what goes on.

use std::io::{Read, Write};
use std::net::{Shutdown, SocketAddr, TcpListener, TcpStream};
use std::thread;

use md5::{Digest as _, Md5};

use crate::support::{Running, Tcpx};

fn proxy(login: &[&str]) -> (Running, SocketAddr) {
    let words = [&["listen", "127.0.0.1", "0", "--script", "@connect"][..], login].concat();
    let mut running = Tcpx::new(&words).spawn();
    let address = running.address();
    (running, address)
}

/// Sends a request and our end, and gives the answer.
fn ask(proxy: SocketAddr, request: &[u8]) -> String {
    let mut client = TcpStream::connect(proxy).expect("the proxy listens");
    client.write_all(request).expect("send the request");
    client.shutdown(Shutdown::Write).expect("end it");
    let mut answer = Vec::new();
    // A request that is too long is not read to its end.
    let _ = client.read_to_end(&mut answer);
    String::from_utf8_lossy(&answer).into_owned()
}

/// A server that takes one request and answers; what it got comes by the handle.
fn target(answer: &'static str) -> (SocketAddr, thread::JoinHandle<String>) {
    let listener = TcpListener::bind("127.0.0.1:0").expect("listen");
    let address = listener.local_addr().expect("an address");
    let got = thread::spawn(move || {
        let (mut conn, _) = listener.accept().expect("the proxy comes");
        let mut got = String::new();
        conn.read_to_string(&mut got).expect("a request and its end");
        conn.write_all(answer.as_bytes()).expect("answer");
        got
    });
    (address, got)
}

#[test]
fn what_is_no_request_for_it_gets_a_status() {
    let (_running, proxy) = proxy(&[]);
    let long = format!("GET http://h/{} HTTP/1.0\r\n\r\n", "x".repeat(20_000));
    let many = format!("GET http://h/ HTTP/1.0\r\n{}\r\n", "A: b\r\n".repeat(20_000));
    let itself = format!("GET http://{proxy}/ HTTP/1.0\r\n\r\n");
    let by_name = format!("GET http://localhost:{}/ HTTP/1.0\r\n\r\n", proxy.port());
    for (request, status) in [
        ("nonsense\r\n\r\n", 400),
        ("GET / HTTP/1.0\r\n\r\n", 400),
        ("GET h HTTP/1.0\r\n\r\n", 400),
        ("GET https://h/ HTTP/1.0\r\n\r\n", 400),
        ("GET http:// HTTP/1.0\r\n\r\n", 400),
        ("GET http://h/ SPDY/3\r\n\r\n", 400),
        ("CONNECT h HTTP/1.0\r\n\r\n", 400),
        ("CONNECT h:0 HTTP/1.0\r\n\r\n", 400),
        ("CONNECT h:65536 HTTP/1.0\r\n\r\n", 400),
        ("GET http://h:65536/ HTTP/1.0\r\n\r\n", 400),
        ("GET http://h/ HTTP/1.0\r\nno colon\r\n\r\n", 400),
        ("\r\nGET http://127.0.0.1:1/ HTTP/1.0\r\n\r\n", 502),
        ("CONNECT h: HTTP/1.0\r\n\r\n", 400),
        ("CONNECT [::1] HTTP/1.0\r\n\r\n", 400),
        ("CONNECT [::1]: HTTP/1.0\r\n\r\n", 400),
        ("BREW http://h/ HTTP/1.0\r\n\r\n", 405),
        ("POST http://h/ HTTP/1.1\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n", 411),
        ("POST http://h/ HTTP/1.0\r\nContent-Length: two\r\n\r\n", 400),
        ("POST http://h/ HTTP/1.0\r\nContent-Length: 1\r\nContent-Length: 2\r\n\r\nab", 400),
        (&long, 414),
        (&many, 431),
        (&itself, 403),
        (&by_name, 403),
        ("GET http://127.0.0.1:1/ HTTP/1.0\r\n\r\n", 502),
        ("CONNECT 127.0.0.1:1 HTTP/1.0\r\n\r\n", 502),
    ] {
        let answer = ask(proxy, request.as_bytes());
        let shown: String = request.chars().take(60).collect();
        assert!(answer.starts_with(&format!("HTTP/1.1 {status} ")), "{shown:?}: {answer:?}");
    }
}

#[test]
fn a_request_goes_on_without_what_is_for_the_proxy() {
    let (_running, proxy) = proxy(&[]);
    for (request, wanted) in [
        ("GET http://TARGET/a?b HTTP/1.0\r\n\r\n", "GET /a?b HTTP/1.0\r\nHost: TARGET\r\nConnection: close\r\n\r\n"),
        (
            "HEAD HTTP://TARGET HTTP/1.1\r\nhost: x\r\n\r\n",
            "HEAD / HTTP/1.1\r\nHost: TARGET\r\nConnection: close\r\n\r\n",
        ),
        ("GET http://u:p@TARGET?q#f HTTP/1.0\r\n\r\n", "GET /?q HTTP/1.0\r\nHost: TARGET\r\nConnection: close\r\n\r\n"),
        (
            "GET http://TARGET/%41 HTTP/1.0\r\nConnection: keep-alive, Two\r\nOne: 1\r\nTwo: 2\r\nKeep-Alive: 300\r\n\
             Connection: three\r\nProxy-Authorization: Basic eA==\r\nThree: 3\r\nFour: 4\r\n\r\n",
            "GET /%41 HTTP/1.0\r\nHost: TARGET\r\nOne: 1\r\nFour: 4\r\nConnection: close\r\n\r\n",
        ),
        (
            "POST http://TARGET/ HTTP/1.0\r\nContent-Length: 2\r\n\r\nabc\n",
            "POST / HTTP/1.0\r\nHost: TARGET\r\nContent-Length: 2\r\nConnection: close\r\n\r\nab",
        ),
        (
            "PUT http://TARGET/ HTTP/1.0\r\nContent-Length: 10\r\n\r\nabc",
            "PUT / HTTP/1.0\r\nHost: TARGET\r\nContent-Length: 10\r\nConnection: close\r\n\r\nabc",
        ),
        (
            "POST http://TARGET/ HTTP/1.0\r\nContent-Length: 0\r\n\r\n",
            "POST / HTTP/1.0\r\nHost: TARGET\r\nContent-Length: 0\r\nConnection: close\r\n\r\n",
        ),
    ] {
        let (address, got) = target("HTTP/1.0 200 ok\r\n\r\nthe page");
        let place = address.to_string();
        let answer = ask(proxy, request.replace("TARGET", &place).as_bytes());
        assert_eq!(answer, "HTTP/1.0 200 ok\r\n\r\nthe page", "{request:?}");
        assert_eq!(got.join().expect("the target"), wanted.replace("TARGET", &place), "{request:?}");
    }
}

#[test]
fn what_comes_with_the_request_goes_to_the_target() {
    let (_running, proxy) = proxy(&[]);
    let (address, got) = target("and back");
    let answer = ask(proxy, format!("CONNECT {address} HTTP/1.0\r\nUser-Agent: x\r\n\r\nat once").as_bytes());
    assert_eq!(answer, "HTTP/1.1 200 Connection established\r\n\r\nand back");
    assert_eq!(got.join().expect("the target"), "at once");
}

#[test]
fn a_login_is_read_as_http_writes_it() {
    // user:pass
    let good = "dXNlcjpwYXNz";
    for (field, is_let_in) in [
        (format!("Proxy-Authorization: Basic {good}\r\n"), true),
        (format!("pROXY-aUTHORIZATION: bASIC {good}\r\n"), true),
        (format!("Proxy-Authorization:\t  Basic  \r\n\t  {good}\r\n"), true),
        (format!("Proxy-Authorization: Basic {good} extra\r\n"), false),
        ("Proxy-Authorization: Basic dXNlcjp3cm9uZw==\r\n".to_owned(), false),
        ("Proxy-Authorization: Basic cGFzczp1c2Vy\r\n".to_owned(), false),
        ("Proxy-Authorization: Basic !!!\r\n".to_owned(), false),
        ("Proxy-Authorization: French fries\r\n".to_owned(), false),
        ("Proxy-Authorization: \r\n".to_owned(), false),
        (String::new(), false),
    ] {
        let by_script = proxy(&["--", "user", "pass"]);
        let words = ["ncat", "-lv", "--proxy-type", "http", "--proxy-auth", "user:pass", "127.0.0.1", "0"];
        let by_ncat = crate::personalities::listening(&words);
        for ((_running, proxy), reached) in [(by_script, "HTTP/1.1 502 "), (by_ncat, "HTTP/1.0 504 ")] {
            let request = format!("CONNECT 127.0.0.1:1 HTTP/1.0\r\n{field}\r\n");
            let answer = ask(proxy, request.as_bytes());
            let status = if is_let_in { reached } else { " 407 " };
            assert!(answer.contains(status) && answer.starts_with("HTTP/1."), "{field:?}: {answer:?}");
            assert_eq!(answer.contains("Proxy-Authenticate: Basic realm="), !is_let_in, "{answer:?}");
            assert_eq!(answer.contains("Proxy-Authenticate: Digest realm="), !is_let_in, "{answer:?}");
        }
    }
}

fn md5(text: &str) -> String {
    let digit = |value: u8| char::from_digit(value.into(), 16).expect("a digit");
    Md5::digest(text).iter().flat_map(|byte| [digit(byte >> 4), digit(byte & 15)]).collect()
}

/// A parameter of a challenge.
fn parameter<'a>(challenge: &'a str, name: &str) -> &'a str {
    let from = challenge.split_once(&format!("{name}=\"")).unwrap_or_else(|| panic!("{name} in {challenge}")).1;
    from.split_once('"').expect("a quote").0
}

#[test]
fn a_login_by_digest_counts_once() {
    let (_running, proxy) = proxy(&["--", "us\"er", "pass"]);
    let place = "127.0.0.1:1";
    let challenged = || {
        let answer = ask(proxy, format!("CONNECT {place} HTTP/1.0\r\n\r\n").as_bytes());
        assert!(answer.starts_with("HTTP/1.1 407 "), "{answer}");
        assert!(answer.contains("\r\nProxy-Authenticate: Basic realm=\"tcpx\"\r\n"), "{answer}");
        parameter(&answer, "nonce").to_owned()
    };
    let request = |password: &str, nonce: &str, counted: bool, more: &str| {
        let secret = md5(&format!("us\"er:tcpx:{password}"));
        let target = md5(&format!("CONNECT:{place}"));
        let (middle, counts) =
            if counted { (":00000001:c:auth", ", qop=auth, nc=00000001, cnonce=\"c\"") } else { ("", "") };
        let response = md5(&format!("{secret}:{nonce}{middle}:{target}"));
        format!(
            "CONNECT {place} HTTP/1.0\r\nProxy-Authorization: Digest username=\"us\\\"er\", realm=\"tcpx\", \
             nonce=\"{nonce}\", uri=\"{place}\", response=\"{response}\"{counts}{more}\r\n\r\n"
        )
    };
    for counted in [true, false] {
        let nonce = challenged();
        let good = request("pass", &nonce, counted, "");
        let answer = ask(proxy, good.as_bytes());
        assert!(answer.starts_with("HTTP/1.1 502 "), "{good}: {answer}");
        let answer = ask(proxy, good.as_bytes());
        assert!(answer.starts_with("HTTP/1.1 407 ") && answer.contains("stale=true"), "it was said before: {answer}");
    }
    let nonce = challenged();
    for wrong in [
        request("word", &nonce, true, ""),
        request("pass", &nonce, true, "").replace("us\\\"er", "nobody"),
        request("pass", &nonce, true, "").replace("realm=", "rea="),
        request("pass", &nonce, true, "").replace("uri=\"127", "uri=\"126"),
        request("pass", &nonce, true, ", algorithm=SHA-256"),
        request("pass", &nonce, true, "").replace("00000001", "one"),
    ] {
        let answer = ask(proxy, wrong.as_bytes());
        assert!(answer.starts_with("HTTP/1.1 407 ") && !answer.contains("stale"), "{wrong}: {answer}");
    }
    let forged = request("pass", &nonce.replace('.', "0."), true, "");
    assert!(ask(proxy, forged.as_bytes()).contains("stale=true"), "a nonce that is not ours");
    assert!(ask(proxy, request("pass", &nonce, true, "").as_bytes()).starts_with("HTTP/1.1 502 "), "still good");
}

#[test]
fn a_client_logs_in_on_the_same_connection() {
    let (_running, proxy) = proxy(&["--", "user", "pass"]);
    let mut client = TcpStream::connect(proxy).expect("the proxy listens");
    client.write_all(b"CONNECT 127.0.0.1:1 HTTP/1.1\r\n\r\n").expect("ask");
    let mut answer = Vec::new();
    while !answer.ends_with(b"\r\n\r\n") {
        let mut byte = [0];
        client.read_exact(&mut byte).expect("an answer");
        answer.push(byte[0]);
    }
    assert!(!String::from_utf8_lossy(&answer).contains("Connection: close"));
    client
        .write_all(b"CONNECT 127.0.0.1:1 HTTP/1.1\r\nProxy-Authorization: Basic dXNlcjpwYXNz\r\n\r\n")
        .expect("log in");
    let mut answer = String::new();
    client.read_to_string(&mut answer).expect("the end");
    assert!(answer.starts_with("HTTP/1.1 502 "), "{answer}");
}
