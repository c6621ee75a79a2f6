//! `@http`, fed as by a session, and with files of a folder.

use super::builtin_devices::refuses_args;
use super::builtin_protocols::{Wire, however_cut};
use super::*;

/// Status lines, in order.
fn statuses(answer: &str) -> Vec<&str> {
    answer.split(['\n', '\r']).filter_map(|line| line.strip_prefix("HTTP/1.1 ")).collect()
}

#[test]
fn http_has_one_page() {
    let mut wire = Wire::open("http");
    let page = wire.ask("GET / HTTP/1.1\r\nHost: a\r\n\r\n");
    let (head, body) = page.split_once("\r\n\r\n").unwrap();
    assert_eq!(body, "hello\n");
    assert!(head.starts_with("HTTP/1.1 200 OK\r\nDate: ") && head.contains("\r\nContent-Length: 6"), "{head}");
    assert!(!head.contains("Connection"));
    let date = head.split("Date: ").nth(1).unwrap().lines().next().unwrap();
    let parsed = jiff::fmt::rfc2822::DateTimeParser::new().parse_timestamp(date).unwrap();
    let now = jiff::Timestamp::now();
    assert!((now.as_second() - parsed.as_second()).abs() < 10 && date.len() == 29 && date.ends_with(" GMT"), "{date}");
    let head = wire.ask("HEAD / HTTP/1.1\r\nHost: a\r\n\r\n");
    assert!(head.contains("\r\nContent-Length: 6\r\n") && head.ends_with("\r\n\r\n"), "{head}");
    assert_eq!(statuses(&wire.ask("GET /x HTTP/1.1\r\nHost: a\r\n\r\n")), ["404 Not Found"]);
    for path in ["/?a=b", "http://a", "http://a/", "http://a/?x"] {
        assert_eq!(statuses(&wire.ask(format!("GET {path} HTTP/1.1\r\nHost: a\r\n\r\n"))), ["200 OK"], "{path}");
    }
    assert!(!wire.closed);
}

#[test]
fn http_answers_pipelined_requests_and_skips_bodies_at_every_split() {
    let requests = b"GET / HTTP/1.1\r\nHost: a\r\n\r\nPOST / HTTP/1.1\r\ncontent-LENGTH: 27\r\nhost:a\r\n\r\n\
        GET /body HTTP/1.1\r\n\r\n!!!BREW / HTTP/1.1\r\nHost: a\r\n\r\n\r\nGET / HTTP/1.0\n\nGET / HTTP/1.1\r\nHost: a\r\n\r\n";
    assert_eq!(requests.split(|byte| *byte == b'!').count(), 4);
    let answer = however_cut("http", requests).replace("\\r", "\r").replace("\\n", "\n");
    let wanted = ["200 OK", "405 Method Not Allowed", "501 Not Implemented", "200 OK"];
    assert_eq!(statuses(&answer), wanted, "HTTP/1.0 is closed after it");
    assert!(answer.contains("\r\nAllow: GET, HEAD\r\n") && answer.contains("\r\nConnection: close\r\n"));
}

#[test]
fn http_keeps_or_closes_the_connection_as_requested() {
    for (request, closed, said) in [
        ("GET / HTTP/1.0\r\n\r\n", true, "Connection: close"),
        ("GET / HTTP/1.0\r\nConnection: Keep-Alive\r\n\r\n", false, "Connection: keep-alive"),
        ("GET / HTTP/1.1\r\nHost: a\r\nConnection: foo, CLOSE\r\n\r\n", true, "Connection: close"),
        ("GET / HTTP/1.1\nHost: a\n\n", false, "200 OK"),
    ] {
        let mut wire = Wire::open("http");
        let answer = wire.ask(request);
        assert!(answer.contains(said) && wire.closed == closed, "{request}: {answer}");
    }
}

#[test]
fn http_sends_100_continue_and_skips_large_bodies() {
    let mut wire = Wire::open("http");
    let head = "PUT / HTTP/1.1\r\nHost: a\r\nContent-Length: 150000\r\nExpect: 100-continue\r\n\r\n";
    assert_eq!(wire.ask(head), "HTTP/1.1 100 Continue\r\n\r\n");
    assert_eq!(wire.ask(vec![b'x'; 100_000]), "");
    let rest = [&vec![b'x'; 50_000][..], b"GET / HTTP/1.1\r\nHost: a\r\n\r\n"].concat();
    assert_eq!(statuses(&wire.ask(rest)), ["405 Method Not Allowed", "200 OK"]);
}

#[test]
fn http_refuses_invalid_requests_and_closes() {
    let fields = |lines: &str| format!("GET / HTTP/1.1\r\n{lines}\r\n");
    for (request, status) in [
        ("nonsense\r\n\r\n".to_owned(), "400 Bad Request"),
        ("GET /\r\n\r\n".to_owned(), "400 Bad Request"),
        ("GET  / HTTP/1.1\r\n\r\n".to_owned(), "400 Bad Request"),
        ("G@T / HTTP/1.1\r\nHost: a\r\n\r\n".to_owned(), "400 Bad Request"),
        ("GET x HTTP/1.1\r\nHost: a\r\n\r\n".to_owned(), "400 Bad Request"),
        ("GET / HTTP/1.\r\nHost: a\r\n\r\n".to_owned(), "400 Bad Request"),
        ("GET / HTTPS\r\nHost: a\r\n\r\n".to_owned(), "400 Bad Request"),
        ("GET / HTTP/2.0\r\nHost: a\r\n\r\n".to_owned(), "505 HTTP Version Not Supported"),
        (fields(""), "400 Bad Request"),
        (fields("Host: a\r\nHost: b\r\n"), "400 Bad Request"),
        (fields("Host : a\r\n"), "400 Bad Request"),
        (fields("Host: a\r\n folded: b\r\n"), "400 Bad Request"),
        (fields("Host: a\r\nno colon\r\n"), "400 Bad Request"),
        (fields("Host: a\r\nContent-Length: 1x\r\n"), "400 Bad Request"),
        (fields("Host: a\r\nContent-Length: -1\r\n"), "400 Bad Request"),
        (fields("Host: a\r\nContent-Length: 9999999999999999\r\n"), "400 Bad Request"),
        (fields("Host: a\r\nContent-Length: 1\r\nContent-Length: 2\r\n"), "400 Bad Request"),
        (fields(&format!("Host: a\r\nX: {}\r\n", "x".repeat(16_400))), "431 Request Header Fields Too Large"),
        ("x".repeat(16_385), "431 Request Header Fields Too Large"),
        ("\0\u{1}\u{2}\n\n".to_owned(), "400 Bad Request"),
    ] {
        let mut wire = Wire::open("http");
        let answer = wire.ask(&request);
        assert_eq!(statuses(&answer), [status], "{}", &request[..request.len().min(99)]);
        assert!(wire.closed && answer.contains("\r\nConnection: close\r\n"), "{answer}");
    }
}

#[test]
fn http_takes_bodies_in_chunks_at_every_split() {
    let requests =
        b"POST /echo HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nhello\r\n1;x=\"y\"\r\n!\r\n\
        0\r\nTrailer: x\r\n\r\nPUT /echo HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: Chunked\r\n\r\n00\r\n\r\n\
        GET / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n1\r\nx\r\n0\r\n\r\nGET / HTTP/1.0\r\n\r\n";
    let answer = however_cut("http", requests).replace("\\r", "\r").replace("\\n", "\n");
    assert_eq!(answer.matches("HTTP/1.1 200 OK").count(), 4);
    let bodies: Vec<_> = answer.split("\r\n\r\n").map(|text| text.split("HTTP/1.1").next().unwrap()).collect();
    assert_eq!(bodies, ["", "hello!", "", "hello\n", "hello\n"]);
}

#[test]
fn http_sends_back_what_is_posted() {
    let mut wire = Wire::open("http");
    let body = vec![b'x'; 1 << 20];
    let request = b"POST /echo?a HTTP/1.1\r\nHost: a\r\nContent-Length: 1048576\r\n\r\n";
    let answer = wire.ask([&request[..], &body].concat());
    assert!(
        answer.contains("\r\nContent-Length: 1048576\r\n")
            && answer.ends_with(&format!("\r\n\r\n{}", "x".repeat(1 << 20)))
    );
    let answer = wire.ask("PUT /echo HTTP/1.1\r\nHost: a\r\nContent-Length: 0\r\n\r\n");
    assert!(answer.ends_with("\r\n\r\n") && answer.contains("\r\nContent-Length: 0\r\n"), "{answer}");
    let answer = wire.ask("GET /echo HTTP/1.1\r\nHost: a\r\n\r\n");
    assert!(answer.starts_with("HTTP/1.1 405 ") && answer.contains("\r\nAllow: POST, PUT\r\n"), "{answer}");
    assert!(!wire.closed);
}

#[test]
fn http_refuses_what_it_cannot_take() {
    let post = |lines: &str| format!("POST /echo HTTP/1.1\r\nHost: a\r\n{lines}\r\n");
    let chunked = |rest: &str| post("Transfer-Encoding: chunked\r\n") + rest;
    for (request, status) in [
        (post(""), "411 Length Required"),
        (post("Content-Length: 1048577\r\n"), "413 Content Too Large"),
        (chunked("100001\r\n"), "413 Content Too Large"),
        (chunked("100000\r\n") + "x".repeat(1 << 20).as_str() + "\r\n1\r\n", "413 Content Too Large"),
        (chunked("fffffffffffffff\r\n"), "413 Content Too Large"),
        (chunked("ffffffffffffffff\r\n"), "400 Bad Request"),
        (chunked("\r\n"), "400 Bad Request"),
        (chunked("-1\r\n"), "400 Bad Request"),
        (chunked("0x1\r\n"), "400 Bad Request"),
        (chunked("1\r\nxxx"), "400 Bad Request"),
        (chunked(&"1".repeat(8193)), "400 Bad Request"),
        (chunked("0\r\n") + "x".repeat(16_385).as_str(), "431 Request Header Fields Too Large"),
        (post("Transfer-Encoding: chunked\r\nContent-Length: 1\r\n"), "400 Bad Request"),
        (post("Transfer-Encoding: chunked\r\nTransfer-Encoding: chunked\r\n"), "400 Bad Request"),
        (post("Transfer-Encoding: gzip, chunked\r\n"), "501 Not Implemented"),
        ("POST /echo HTTP/1.0\r\nTransfer-Encoding: chunked\r\n\r\n".to_owned(), "400 Bad Request"),
        (post("Content-Length: 1\r\nExpect: wonders\r\n"), "417 Expectation Failed"),
        (post("Content-Length: 1\r\nX: a\0\r\n"), "400 Bad Request"),
        (post("Content-Length: 1\r\nX: a\rb\r\n"), "400 Bad Request"),
        (format!("GET /{} HTTP/1.1\r\nHost: a\r\n\r\n", "x".repeat(8192)), "414 URI Too Long"),
        (format!("GET /{}", "x".repeat(8192)), "414 URI Too Long"),
        ("GET /\u{e9} HTTP/1.1\r\nHost: a\r\n\r\n".to_owned(), "400 Bad Request"),
    ] {
        let mut wire = Wire::open("http");
        let answer = wire.ask(&request);
        assert_eq!(statuses(&answer), [status], "{}", &request[..request.len().min(99)]);
        assert!(wire.closed && answer.contains("\r\nConnection: close\r\n"), "{answer}");
    }
}

#[test]
fn http_sends_the_files_of_a_folder_and_nothing_else() {
    let folder = tempfile::tempdir().unwrap();
    let root = folder.path().join("www");
    for name in ["www", "www/sub", "www/a b"] {
        std::fs::create_dir(folder.path().join(name)).unwrap();
    }
    let files: &[(&str, &[u8])] = &[
        ("secret", b"outside"),
        ("www/index.html", b"<p>"),
        ("www/ten.txt", b"0123456789"),
        ("www/sub/index.html", b"sub"),
        ("www/a b/\u{fc}.PNG", b"PNG!"),
        ("www/empty", b""),
    ];
    for (name, bytes) in files {
        std::fs::write(folder.path().join(name), bytes).unwrap();
    }
    std::os::unix::fs::symlink("../secret", root.join("out")).unwrap();
    let mut wire = Wire::with_args("http", &[root.to_str().unwrap()]);
    let mut ask = |request: &str, field: &str| {
        let answer = wire.ask(format!("{request} HTTP/1.1\r\nHost: a\r\n{field}\r\n"));
        let (head, body) = answer.split_once("\r\n\r\n").unwrap();
        let code = head.split(' ').nth(1).unwrap().to_owned();
        let line = |name: &str| head.lines().find_map(|line| line.strip_prefix(name)).unwrap_or_default().to_owned();
        assert_eq!(line("Content-Length: ") == body.len().to_string(), !request.starts_with("HEAD"), "{answer}");
        (code, [line("Content-Type: "), line("Location: "), line("Content-Range: ")].concat(), body.to_owned())
    };
    let html = "text/html; charset=utf-8";
    let plain = "text/plain; charset=utf-8";
    for (path, code, fields, body) in [
        ("/", "200", html.to_owned(), "<p>"),
        ("/index.html?x", "200", html.to_owned(), "<p>"),
        ("/./sub//", "200", html.to_owned(), "sub"),
        ("/a%20b/%c3%BC.PNG", "200", "image/png".to_owned(), "PNG!"),
        ("/empty", "200", "application/octet-stream".to_owned(), ""),
        ("/sub", "301", format!("{plain}/sub/"), "301 Moved Permanently\n"),
        ("//sub?a=b", "301", format!("{plain}/sub/?a=b"), "301 Moved Permanently\n"),
        ("/a%20b", "301", format!("{plain}/a%20b/"), "301 Moved Permanently\n"),
        ("/a%20b/", "404", plain.to_owned(), "404 Not Found\n"),
        ("/nope", "404", plain.to_owned(), "404 Not Found\n"),
        ("/ten.txt/", "404", plain.to_owned(), "404 Not Found\n"),
        ("/echo", "404", plain.to_owned(), "404 Not Found\n"),
        ("/out", "403", plain.to_owned(), "403 Forbidden\n"),
        ("/../secret", "403", plain.to_owned(), "403 Forbidden\n"),
        ("/sub/%2e%2E/..%2f..%2Fsecret", "403", plain.to_owned(), "403 Forbidden\n"),
        ("/%", "400", plain.to_owned(), "400 Bad Request\n"),
        ("/%0", "400", plain.to_owned(), "400 Bad Request\n"),
        ("/%zz", "400", plain.to_owned(), "400 Bad Request\n"),
        ("/%00", "400", plain.to_owned(), "400 Bad Request\n"),
        ("/%ff", "400", plain.to_owned(), "400 Bad Request\n"),
        ("/sub%0d%0aX:y", "400", plain.to_owned(), "400 Bad Request\n"),
    ] {
        assert_eq!(ask(&format!("GET {path}"), ""), (code.to_owned(), fields, body.to_owned()), "{path}");
    }
    for (range, code, fields, body) in [
        ("bytes=2-4", "206", "bytes 2-4/10", "234"),
        ("bytes=8-99", "206", "bytes 8-9/10", "89"),
        ("bytes=8-", "206", "bytes 8-9/10", "89"),
        ("bytes=-3", "206", "bytes 7-9/10", "789"),
        ("bytes=-99", "206", "bytes 0-9/10", "0123456789"),
        ("bytes=10-", "416", "bytes */10", "416 Range Not Satisfiable\n"),
        ("bytes=-0", "416", "bytes */10", "416 Range Not Satisfiable\n"),
        ("bytes=4-2", "200", "", "0123456789"),
        ("bytes=0-1,3-4", "200", "", "0123456789"),
        ("lines=0-1", "200", "", "0123456789"),
    ] {
        let wanted = (code.to_owned(), format!("{plain}{fields}"), body.to_owned());
        assert_eq!(ask("GET /ten.txt", &format!("Range: {range}\r\n")), wanted, "{range}");
    }
    assert_eq!(ask("HEAD /ten.txt", "").2, "");
    assert_eq!(ask("DELETE /ten.txt", "").0, "405");
}

#[test]
fn http_sends_a_large_file_without_its_length_and_closes() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("large");
    std::fs::File::create(&path).unwrap().set_len((4 << 20) + 1).unwrap();
    let args = vec![folder.path().to_str().unwrap().to_owned()];
    let mut bench = Bench::try_script(Script { args, ..script(ScriptSource::Builtin("http".into())) }).unwrap();
    bench.start();
    let c = conn(1);
    bench.give(&c, Event::Opened);
    let request = b"GET /large HTTP/1.1\r\nHost: a\r\n\r\n".to_vec();
    bench.give(&c, Event::Measure(request.clone()));
    let commands = bench.give(&c, Event::Frame(request));
    let told: Vec<_> = commands.iter().filter(|command| !matches!(command, Command::Log(..))).collect();
    let [Command::Send(1, head), Command::SendFile(..), Command::Close(1)] = &told[..] else { panic!("{told:?}") };
    let head = String::from_utf8_lossy(head);
    assert!(head.contains("\r\nConnection: close\r\n") && !head.contains("Content-Length"), "{head}");
}

#[test]
fn http_says_how_it_is_used() {
    refuses_args("http", &["scripts", "src"], "usage: tcpx listen PORT --script @http [-- FOLDER]");
    let none = Script { args: vec!["no-such-folder".into()], ..script(ScriptSource::Builtin("http".into())) };
    let message = Bench::try_script(none).map(drop).unwrap_err();
    assert!(message.contains("no-such-folder"), "{message}");
}
