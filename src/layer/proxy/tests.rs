//! The handshakes, each with its answer cut at every byte, and everything that can be wrong with an answer.

use std::net::SocketAddr;
use std::time::Duration;

use super::*;
use crate::layer::{Claimed, Stack};
use crate::proxy::HeaderVersion;

/// What the layer said, and what it let in.
#[derive(Debug, Default, PartialEq, Eq)]
struct Seen {
    said: Vec<u8>,
    heard: Vec<u8>,
}

fn proxy(url: &str, to: &str) -> ProxyHandshake {
    let to = Destination::of(&to.parse().unwrap()).unwrap();
    ProxyHandshake::new(&url.parse().unwrap(), &to, None, 7)
}

/// Everything that is due in both directions.
fn drain(layer: &mut dyn Layer, seen: &mut Seen) -> Result<(), String> {
    let now = Instant::now();
    for (to, bytes) in [(Direction::Out, &mut seen.said), (Direction::In, &mut seen.heard)] {
        while let Some(flow) = layer.poll(now, to).map_err(|error| error.message)? {
            match flow {
                Flow::Data(data) => bytes.extend(data),
                end => assert_eq!(end, Flow::Eof),
            }
        }
    }
    Ok(())
}

/// Gives the pieces to the layer, one after the other.
fn feed(layer: &mut dyn Layer, pieces: &[&[u8]]) -> Result<Seen, String> {
    let mut seen = Seen::default();
    drain(layer, &mut seen)?;
    for piece in pieces.iter().filter(|piece| !piece.is_empty()) {
        layer.push(Instant::now(), Direction::In, Flow::Data(piece.to_vec()));
        drain(layer, &mut seen)?;
    }
    Ok(seen)
}

/// Checks what is said and heard, with the answer cut at each byte and one byte at a time.
#[track_caller]
fn check(make: &dyn Fn() -> Box<dyn Layer>, answer: &[u8], said: &[u8], heard: &[u8]) {
    let seen = Seen { said: said.to_vec(), heard: heard.to_vec() };
    for cut in 0..=answer.len() {
        let mut layer = make();
        let (one, other) = answer.split_at(cut);
        assert_eq!(feed(&mut *layer, &[one, other]).as_ref(), Ok(&seen), "cut at {cut}");
        assert_eq!(layer.state(), State::Done);
    }
    let bytes: Vec<&[u8]> = answer.chunks(1).collect();
    assert_eq!(feed(&mut *make(), &bytes).as_ref(), Ok(&seen));
}

#[track_caller]
fn check_proxy(url: &str, to: &str, answer: &[u8], said: &[u8]) {
    let glued = [answer, b"hello\r\n\r\nmore"].concat();
    check(&|| Box::new(proxy(url, to)), &glued, said, b"hello\r\n\r\nmore");
    check(&|| Box::new(proxy(url, to)), answer, said, b"");
}

/// The error that an answer leads to.
#[track_caller]
fn refused(url: &str, answer: &[u8]) -> String {
    let error = feed(&mut proxy(url, "host:80"), &[answer]).expect_err("an error");
    let shown = url.parse::<Proxy>().unwrap();
    error.strip_prefix(&format!("proxy {shown}: ")).expect("the proxy's name").to_owned()
}

#[test]
fn socks5_asks_by_name_and_by_address() {
    let name = b"\x05\x01\x00\x05\x01\x00\x03\x04host\x00\x50";
    check_proxy("socks5://p:1", "host:80", b"\x05\x00\x05\x00\x00\x01\x01\x02\x03\x04\x00\x09", name);
    // The address of the reply has three lengths.
    check_proxy("socks5://p:1", "host:80", b"\x05\x00\x05\x00\x00\x03\x03abc\x00\x09", name);
    check_proxy("socks5://p:1", "host:80", b"\x05\x00\x05\x00\x00\x03\x00\x00\x09", name);
    let six = b"\x05\x00\x05\x00\x00\x04\x00\x01\x02\x03\x04\x05\x06\x07\x08\x09\x0a\x0b\x0c\x0d\x0e\x0f\x00\x09";
    check_proxy("socks5://p:1", "host:80", six, name);
    let reply = b"\x05\x00\x05\x00\x00\x01\x00\x00\x00\x00\x00\x00";
    check_proxy("socks5://p:1", "1.2.3.4:80", reply, b"\x05\x01\x00\x05\x01\x00\x01\x01\x02\x03\x04\x00\x50");
    let asked = [b"\x05\x01\x00\x05\x01\x00\x04".as_slice(), &[0; 15], b"\x01\x00\x50"].concat();
    check_proxy("socks5://p:1", "[::1]:80", reply, &asked);
}

#[test]
fn socks5_logs_in_where_it_is_asked_to() {
    let reply = b"\x05\x00\x00\x01\x00\x00\x00\x00\x00\x00";
    let request = b"\x05\x01\x00\x03\x04host\x00\x50";
    let said = [b"\x05\x02\x00\x02\x01\x04us:r\x02pw".as_slice(), request].concat();
    check_proxy("socks5://us%3ar:pw@p:1", "host:80", &[b"\x05\x02\x01\x00".as_slice(), reply].concat(), &said);
    // Nobody asks for it.
    let said = [b"\x05\x02\x00\x02".as_slice(), request].concat();
    check_proxy("socks5://u:p@p:1", "host:80", &[b"\x05\x00".as_slice(), reply].concat(), &said);
    let said = [b"\x05\x02\x00\x02\x01\x01u\x00".as_slice(), request].concat();
    check_proxy("socks5://u@p:1", "host:80", &[b"\x05\x02\x01\x00".as_slice(), reply].concat(), &said);
}

#[test]
fn socks4_asks_by_address_and_4a_by_name() {
    let granted = b"\x00\x5a\x00\x00\x00\x00\x00\x00";
    check_proxy("socks4://p:1", "1.2.3.4:80", granted, b"\x04\x01\x00\x50\x01\x02\x03\x04\x00");
    check_proxy("socks4a://u@p:1", "host:80", granted, b"\x04\x01\x00\x50\x00\x00\x00\x01u\x00host\x00");
}

#[test]
fn http_connects_with_any_answer_of_200() {
    let asked = b"CONNECT host:80 HTTP/1.1\r\nHost: host:80\r\n\r\n";
    for answer in [
        "HTTP/1.1 200 Connection established\r\n\r\n",
        "HTTP/1.0 200\r\nVia: x\r\nContent-Length: 5\r\n\r\n",
        "HTTP/1.1 204 No\nTransfer-Encoding: chunked\n\n",
        "HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 103 Hints\r\nLink: x\r\n\r\nHTTP/1.1 200 OK\r\n\r\n",
        "HTTP/2 200 \r\n\r\n",
    ] {
        check_proxy("http://p:1", "host:80", answer.as_bytes(), asked);
    }
    let six = b"CONNECT [::1]:80 HTTP/1.1\r\nHost: [::1]:80\r\nProxy-Authorization: Basic dTpwOnE=\r\n\r\n";
    check_proxy("http://u:p%3Aq@p:1", "[::1]:80", b"HTTP/1.1 200 OK\r\n\r\n", six);
}

#[test]
fn a_proxy_that_asks_for_digest_is_asked_again_behind_its_page() {
    let page = "x".repeat(20_000);
    let length = page.len();
    let asked = b"CONNECT host:80 HTTP/1.1\r\nHost: host:80\r\nProxy-Authorization: Basic dTpw\r\n\r\n";
    for (head, page) in [
        ("Content-Length: 0\r\n", ""),
        ("Connection: keep-alive\r\n", ""),
        (&format!("Content-Length: {length}\r\n"), page.as_str()),
    ] {
        let ways = "Proxy-Authenticate: Basic realm=r, Digest realm=r, nonce=n, qop=auth, opaque=o\r\n";
        let answer = format!("HTTP/1.1 407 Who\r\n{ways}{head}\r\n{page}HTTP/1.1 200 ok\r\n\r\nhello");
        for size in [1, 1000, answer.len()] {
            let pieces: Vec<&[u8]> = answer.as_bytes().chunks(size).collect();
            let seen = feed(&mut proxy("http://u:p@p:1", "host:80"), &pieces).expect("it is let in");
            assert_eq!(seen.heard, b"hello");
            let second = seen.said.strip_prefix(asked).map(String::from_utf8_lossy).expect("Basic at first");
            let value = "Proxy-Authorization: Digest username=\"u\", realm=\"r\", nonce=\"n\", uri=\"host:80\", ";
            assert!(second.contains(value) && second.contains("opaque=\"o\", qop=auth, nc=00000001"), "{second}");
        }
    }
    let ways = "Proxy-Authenticate: Digest realm=r, nonce=n\r\n";
    for (answer, said) in [
        (format!("HTTP/1.1 407 Who\r\n{ways}Connection: close\r\n\r\n"), "ends the connection"),
        (format!("HTTP/1.1 407 Who\r\n{ways}Transfer-Encoding: chunked\r\n\r\n"), "ends the connection"),
        (
            format!("HTTP/1.1 407 Who\r\n{ways}\r\n").repeat(2),
            "it does not accept the user and the password, by Digest",
        ),
        (
            format!("HTTP/1.1 407 Who\r\n{}, stale=true\r\n\r\n", ways.trim_end()).repeat(3),
            "it does not accept the user",
        ),
    ] {
        let error = refused("http://u:p@p:1", answer.as_bytes());
        assert!(error.contains(said), "{answer}: {error}");
    }
}

#[test]
fn a_refusal_is_told_in_words() {
    for (answer, said) in [
        (b"\x05\xff".as_slice(), "it wants a user and a password"),
        (b"\x05\x02", "it wants a user and a password"),
        (b"\x05\x07", "it has chosen the way 7 to log in, which was not offered"),
        (b"\x05\x00\x05\x05", "the target refused the connection (code 5)"),
        (b"\x05\x00\x05\x04\x00\x01\0\0\0\0\0\0", "the host is unreachable from it (code 4)"),
        (b"\x05\x00\x05\xf0\x00", "the onion service is not found (code 240)"),
        (b"\x05\x00\x05\x63\x00", "it refused, with the unknown code 99"),
        (b"\x05\x00\x05\x00\x00\x09", "its answer is malformed: 9 is no type of an address"),
        (b"\x04\x00", "it does not speak SOCKS 5: its answer begins with \"\\x04\\x00\""),
        (
            b"HTTP/1.0 400 Bad\r\n\r\n",
            "it does not speak SOCKS 5: its answer begins with \"HTTP/1.0 400 Bad\\r\\n\\r\\n\"",
        ),
    ] {
        assert_eq!(refused("socks5://p:1", answer), said);
    }
    assert_eq!(refused("socks5://u:p@p:1", b"\x05\x02\x01\x01"), "it does not accept the user and the password");
    assert!(refused("socks5://u:p@p:1", b"\x05\xff").starts_with("it takes none of our ways to log in"));
    assert_eq!(refused("socks4a://p:1", b"\x00\x5b"), "it refused, or could not reach the target (code 91)");
    assert_eq!(refused("socks4a://p:1", b"\x00\x01"), "it refused, with the unknown code 1");
    assert!(refused("socks4a://p:1", b"\x05\x00").starts_with("it does not speak SOCKS 4"));
}

#[test]
fn words_of_an_http_proxy_are_quoted_without_control_characters() {
    for (answer, said) in [
        ("HTTP/1.1 403 Forb\x1b[31midden\r\nX: y\r\n\r\nbody", "it refused: 403 Forb\\x1b[31midden"),
        (
            "HTTP/1.1 407 No\r\nproxy-AUTHENTICATE:  Basic realm=\"x\" \r\n\r\n",
            "it wants a user and a password, by Basic realm=\"x\" (407 No)",
        ),
        ("HTTP/1.1 302 Found\r\n\r\n", "it refused: 302 Found"),
        ("HTTP/1.1 2000 OK\r\n\r\n", "its answer is malformed: \"HTTP/1.1 2000 OK\""),
        ("HTTP/1.1\r\n\r\n", "its answer is malformed: \"HTTP/1.1\""),
        ("SSH-2.0-x\r\n", "it does not speak HTTP: its answer begins with \"SSH-2.0-x\\r\\n\""),
    ] {
        assert_eq!(refused("http://p:1", answer.as_bytes()), said);
    }
    let said = refused("http://u:p@p:1", b"HTTP/1.1 407 No\r\n\r\n");
    assert_eq!(said, "it does not accept the user and the password (407 No)");
    let long = refused("http://p:1", format!("HTTP/1.1 500 {}\r\n\r\n", "x".repeat(5000)).as_bytes());
    assert!(long.len() < 300 && long.ends_with("..."), "{long}");
}

#[test]
fn an_answer_without_an_end_is_cut_at_its_limit() {
    for (url, start) in [
        ("http://p:1", "HTTP/1.1 200 OK\r\n".to_owned()),
        ("http://p:1", "HTTP/1.1 100 C\r\n\r\n".repeat(900) + "HTTP/1.1 200 OK\r\n"),
    ] {
        let mut layer = proxy(url, "host:80");
        feed(&mut layer, &[start.as_bytes()]).unwrap();
        let line = b"X-Filler: 0123456789\r\n".repeat(40);
        let error = (0..1000).find_map(|_| feed(&mut layer, &[&line]).err()).expect("a limit");
        assert_eq!(error, "proxy http://p:1: its answer is longer than 16 KiB");
        assert!(layer.received.capacity() < 64 << 10, "nothing more is kept");
    }
}

#[test]
fn the_end_in_the_middle_of_an_answer_is_an_error() {
    for (pieces, said) in [
        (&[][..], "it ended the connection without an answer"),
        (&[b"\x05".as_slice()][..], "it ended the connection in the middle of its answer"),
        (&[b"\x05\x00\x05\x00\x00\x01\x00".as_slice()][..], "it ended the connection in the middle of its answer"),
    ] {
        let mut layer = proxy("socks5://p:1", "host:80");
        feed(&mut layer, pieces).unwrap();
        layer.push(Instant::now(), Direction::In, Flow::Eof);
        let error = layer.poll(Instant::now(), Direction::In).unwrap_err();
        assert_eq!((error.kind, error.message), (LayerErrorKind::Proxy, format!("proxy socks5://p:1: {said}")));
    }
}

#[test]
fn a_proxy_without_an_answer_is_given_up() {
    let start = Instant::now();
    let at = start + Duration::from_secs(2);
    let to = Destination::of(&"host:80".parse().unwrap()).unwrap();
    let limit = Some((at, "2s".to_owned()));
    let mut layer = ProxyHandshake::new(&"socks5://u:p@p:1".parse().unwrap(), &to, limit.clone(), 7);
    assert_eq!(layer.next_timeout(Direction::In), Some(at));
    assert!(layer.poll(start, Direction::In).is_ok());
    let error = layer.poll(at, Direction::In).unwrap_err();
    assert_eq!(
        (error.kind, error.message.as_str()),
        (LayerErrorKind::Timeout, "proxy socks5://***@p:1: timed out after 2s")
    );
    let mut done = ProxyHandshake::new(&"socks4a://p:1".parse().unwrap(), &to, limit, 7);
    done.push(start, Direction::In, Flow::Data(b"\x00\x5a\0\0\0\0\0\0x".to_vec()));
    assert_eq!(done.poll(at, Direction::In), Ok(Some(Flow::Data(b"x".to_vec()))), "the limit is for the handshake");
    assert_eq!(done.next_timeout(Direction::In), None);
}

#[test]
fn several_proxies_are_asked_one_after_the_other() {
    let now = Instant::now();
    let mut stack = Stack::default();
    stack.add_top(Box::new(proxy("socks5://p:1", "q:2")));
    stack.add_top(Box::new(proxy("http://q:2", "host:80")));
    let said = |stack: &mut Stack| match stack.poll(now, Direction::Out) {
        Ok(Some(Flow::Data(bytes))) => bytes,
        other => panic!("{other:?}"),
    };
    assert_eq!(said(&mut stack), b"\x05\x01\x00");
    assert_eq!(stack.poll(now, Direction::Out), Ok(None), "the second waits for the first");
    stack.push(now, Direction::In, Flow::Data(b"\x05\x00\x05\x00\x00\x01\0\0\0\0\0\0".to_vec()));
    assert_eq!(stack.poll(now, Direction::In), Ok(None));
    assert_eq!(said(&mut stack), b"\x05\x01\x00\x03\x01q\x00\x02");
    assert_eq!(said(&mut stack), b"CONNECT host:80 HTTP/1.1\r\nHost: host:80\r\n\r\n");
    assert!(!stack.is_established());
    stack.push(now, Direction::In, Flow::Data(b"HTTP/1.0 200 OK\r\n\r\nbanner".to_vec()));
    assert_eq!(stack.poll(now, Direction::In), Ok(Some(Flow::Data(b"banner".to_vec()))));
    stack.remove_done();
    assert!(stack.is_established() && stack.is_empty());
}

#[test]
fn what_is_sent_meanwhile_comes_after_the_handshake() {
    let mut layer = proxy("socks4a://p:1", "h:1");
    layer.push(Instant::now(), Direction::Out, Flow::Data(b"early".to_vec()));
    layer.push(Instant::now(), Direction::Out, Flow::Eof);
    let seen = feed(&mut layer, &[b"\x00\x5a\0\0\0\0\0\0"]).unwrap();
    assert_eq!(seen.said, b"\x04\x01\x00\x01\x00\x00\x00\x01\x00h\x00early");
    assert_eq!(layer.state(), State::Done);
}

// ---- the header of the PROXY protocol -----------------------------------------------------------------

fn reader() -> Box<HeaderReader> {
    Box::new(HeaderReader::new((Instant::now() + Duration::from_secs(1000), "10s".to_owned())))
}

fn ends(from: &str, to: &str) -> (SocketAddr, SocketAddr) {
    (from.parse().unwrap(), to.parse().unwrap())
}

/// What a reader was told, and what is wrong with the header.
fn claim(header: &[u8]) -> Result<Option<Claimed>, String> {
    let mut layer = reader();
    feed(&mut *layer, &[header])?;
    assert_eq!(layer.state(), State::Done, "{header:?}");
    Ok(layer.take_claimed())
}

fn claimed(from: &str, to: &str) -> Claimed {
    let (peer, local) = ends(from, to);
    Claimed { peer: peer.into(), local: local.into() }
}

#[test]
fn a_header_that_is_written_is_read_back() {
    for (from, to) in [("1.2.3.4:5", "6.7.8.9:65535"), ("[2001:db8::1]:1", "[::ffff:1.2.3.4]:2")] {
        for version in [HeaderVersion::V1, HeaderVersion::V2] {
            let mut sender = ProxyHeader::new(version, Some(ends(from, to)));
            assert_eq!(sender.state(), State::Establishing);
            let header = feed(&mut sender, &[]).unwrap().said;
            assert_eq!(sender.state(), State::Done);
            assert_eq!(claim(&header), Ok(Some(claimed(from, to))), "{version:?}");
            check(&|| reader(), &[&header[..], b"PROXY x\r\n"].concat(), b"", b"PROXY x\r\n");
        }
    }
    for version in [HeaderVersion::V1, HeaderVersion::V2] {
        for unknown in [None, Some(ends("1.2.3.4:5", "[::1]:6"))] {
            let header = feed(&mut ProxyHeader::new(version, unknown), &[]).unwrap().said;
            assert_eq!(claim(&header), Ok(None));
        }
    }
}

#[test]
fn headers_are_those_of_the_protocol() {
    let text = |header: &str| claim(header.as_bytes());
    assert_eq!(text("PROXY TCP4 1.2.3.4 5.6.7.8 9 10\r\n"), Ok(Some(claimed("1.2.3.4:9", "5.6.7.8:10"))));
    assert_eq!(text("PROXY TCP6 ::1 ::2 9 10\r\n"), Ok(Some(claimed("[::1]:9", "[::2]:10"))));
    assert_eq!(text("PROXY UNKNOWN\r\n"), Ok(None));
    assert_eq!(text("PROXY UNKNOWN whatever ::1 9\r\n"), Ok(None));
    for malformed in [
        "PROXY TCP4 ::1 ::2 9 10\r\n",
        "PROXY TCP4 1.2.3.4 5.6.7.8 9\r\n",
        "PROXY TCP4 1.2.3.4 5.6.7.8 9 10 11\r\n",
        "PROXY TCP4 1.2.3.4 5.6.7.8 09 10\r\n",
        "PROXY TCP4 1.2.3.4 5.6.7.8 9 65536\r\n",
        "PROXY TCP4  1.2.3.4 5.6.7.8 9 10\r\n",
        "PROXY TCP4 1.2.3.4 5.6.7.8 9 10\n",
        "PROXY TCP5 1.2.3.4 5.6.7.8 9 10\r\n",
        "PROXY \r\n",
    ] {
        assert!(text(malformed).unwrap_err().contains("malformed"), "{malformed:?}");
    }
    assert!(text("GET / HTTP/1.1\r\n").unwrap_err().contains("does not begin with a header: \"GET /"));
    assert!(text(&format!("PROXY UNKNOWN {}\r\n", "x".repeat(92))).unwrap_err().contains("107"));
    assert_eq!(text(&format!("PROXY UNKNOWN {}\r\n", "x".repeat(91))), Ok(None));
}

#[test]
fn version_2_has_a_length_that_is_the_truth() {
    let bytes = |command: u8, family: u8, body: &[u8]| {
        let length = u16::try_from(body.len()).unwrap().to_be_bytes();
        claim(&[header::SIGNATURE.as_slice(), &[command, family], &length, body].concat())
    };
    let four = b"\x01\x02\x03\x04\x05\x06\x07\x08\x00\x09\x00\x0a";
    let with_more = [four.as_slice(), b"\x04\x00\x02xy"].concat();
    assert_eq!(bytes(0x21, 0x11, four), Ok(Some(claimed("1.2.3.4:9", "5.6.7.8:10"))));
    assert_eq!(bytes(0x21, 0x11, &with_more), Ok(Some(claimed("1.2.3.4:9", "5.6.7.8:10"))));
    assert_eq!(bytes(0x21, 0x12, four), Ok(Some(claimed("1.2.3.4:9", "5.6.7.8:10"))));
    // A health check, whatever it holds.
    assert_eq!(bytes(0x20, 0x11, four), Ok(None));
    assert_eq!(bytes(0x20, 0x00, b""), Ok(None));
    assert_eq!(bytes(0x21, 0x31, &[0; 216]), Ok(None));
    assert_eq!(bytes(0x21, 0x00, &vec![0; 65535]), Ok(None));
    for (command, family, body) in
        [(0x11, 0x11, four.as_slice()), (0x22, 0x11, four), (0x21, 0x11, &four[1..]), (0x21, 0x41, four)]
    {
        assert!(bytes(command, family, body).unwrap_err().contains("malformed"), "{command:x} {family:x}");
    }
}

#[test]
fn a_client_without_a_header_is_given_up() {
    let at = Instant::now() + Duration::from_secs(10);
    let mut layer = HeaderReader::new((at, "10s".to_owned()));
    layer.push(at, Direction::In, Flow::Data(b"PROXY".to_vec()));
    assert_eq!(layer.next_timeout(Direction::In), Some(at));
    let error = layer.poll(at, Direction::In).unwrap_err();
    assert_eq!((error.kind, error.message.as_str()), (LayerErrorKind::Timeout, "PROXY protocol: no header within 10s"));
    let mut layer = reader();
    layer.push(at, Direction::In, Flow::Eof);
    assert!(feed(&mut *layer, &[]).unwrap_err().contains("before the header was complete"));
}
