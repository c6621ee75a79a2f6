//! The built-in scripts through the binary, with the client programs they are made for.

use std::io::Write;
use std::net::SocketAddr;
use std::process::{Command, Stdio};
use std::thread;

use encoding_rs::{BIG5, GBK, UTF_8};

use crate::support::peer::{Conn, Refusing, Server};
use crate::support::{Folder, Running, Stdin, Tcpx, assert_same, installed, missing, noise, wait_for_standstill};

pub(crate) fn serve(name: &str) -> (Running, SocketAddr) {
    Tcpx::new(&["--script", name]).listen()
}

/// Whether a program is installed; if not, a note or a failure.
pub(crate) fn have(program: &str) -> bool {
    let have = installed(program);
    if !have {
        missing(program);
    }
    have
}

/// Runs a client with this input on stdin and returns its output. It is killed after two minutes.
#[track_caller]
pub(crate) fn client(words: &[&str], input: &[u8]) -> String {
    let mut command = Command::new("timeout");
    command.args(["--signal=KILL", "120"]).args(words);
    command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped());
    let mut child = command.spawn().unwrap_or_else(|error| panic!("start {words:?}: {error}"));
    let mut stdin = child.stdin.take().expect("stdin is a pipe");
    let input = input.to_vec();
    // It may end before it has read everything.
    let writer = thread::spawn(move || stdin.write_all(&input));
    let output = child.wait_with_output().expect("wait for a child");
    let _ = writer.join();
    let text = String::from_utf8_lossy(&output.stdout).into_owned();
    let stderr = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "{words:?}: {}\n{text}\n{stderr}", output.status);
    text
}

#[test]
fn three_users_chat_in_gbk_big5_and_utf8() {
    let (mut tcpx, address) = Tcpx::new(&["--script", "@chat"]).stdin(Stdin::Open).listen();
    // 龍 is in all three encodings, 开 not in Big5, ë and 😀 in UTF-8 only.
    let users = [("小龍", "gbk", GBK), ("阿明", "big5", BIG5), ("Zoë", "utf-8", UTF_8)];
    let say = |text: &str, encoding: &'static encoding_rs::Encoding| encoding.encode(text).0.into_owned();
    let mut conns: Vec<Conn> = Vec::new();
    for (name, label, encoding) in users {
        let mut conn = Conn::to(address);
        conn.expect(b"welcome, say: NICK yourname\n");
        conn.send(format!("/encoding {label}\n").as_bytes());
        conn.expect(format!("encoding is {label}\n").as_bytes());
        conn.send(&say(&format!("NICK {name}\n"), encoding));
        conn.expect(&say(&format!("hello {name}, {} online\n", conns.len() + 1), encoding));
        for (other, (_, _, encoding)) in conns.iter_mut().zip(users) {
            other.expect(&lossy(&format!("* {name} joined\n"), encoding));
        }
        conns.push(conn);
    }
    let [gbk, big5, utf8] = &mut conns[..] else { unreachable!("three users") };

    gbk.send(&say("龍年好，开心\n", GBK));
    big5.expect(&lossy("小龍: 龍年好，开心\n", BIG5));
    utf8.expect("小龍: 龍年好，开心\n".as_bytes());
    big5.send(&say("大家好\n", BIG5));
    gbk.expect(&say("阿明: 大家好\n", GBK));
    utf8.expect("阿明: 大家好\n".as_bytes());
    utf8.send("/msg 小龍 悄悄話 😀\n".as_bytes());
    gbk.expect(&lossy("(Zoë) 悄悄話 😀\n", GBK));
    big5.send(b"/who\n");
    big5.expect(&lossy("Zoë 小龍 阿明\n", BIG5));

    tcpx.write("開會了\n".as_bytes());
    gbk.expect(&say("operator: 開會了\n", GBK));
    big5.expect(&say("operator: 開會了\n", BIG5));
    utf8.expect("operator: 開會了\n".as_bytes());

    utf8.send(b"/quit\n");
    utf8.expect(b"bye\n");
    utf8.expect_eof();
    gbk.expect(&lossy("* Zoë left\n", GBK));
    let console = tcpx.out.wait(|seen| String::from_utf8_lossy(seen).contains("* Zoë left"));
    let seen = tcpx.out.text();
    assert!(console, "{seen}");
    for words in
        ["[小龍] 龍年好，开心\n", "[阿明] 大家好\n", "[Zoë -> 小龍] 悄悄話 😀\n", "* 阿明 joined from 127.0.0.1:"]
    {
        assert!(seen.contains(words), "{words} is not in {seen}");
    }
}

/// Text in an encoding, with `?` for characters it does not have.
fn lossy(text: &str, encoding: &'static encoding_rs::Encoding) -> Vec<u8> {
    let letter = |letter: char| {
        let letter = letter.to_string();
        let (bytes, _, failed) = encoding.encode(&letter);
        if failed { b"?".to_vec() } else { bytes.into_owned() }
    };
    text.chars().flat_map(letter).collect()
}

/// A broker with three clients, the last one with a small receive buffer.
fn room() -> (Running, [Conn; 3]) {
    let (mut tcpx, address) = Tcpx::new(&["-v", "--script", "@broker"]).listen();
    let conns = [Conn::to(address), Conn::to(address), Conn::narrow_to(address)];
    for conn in &conns {
        let client = conn.0.local_addr().expect("a local address");
        tcpx.wait_stderr(&format!("accepted {client}"));
    }
    (tcpx, conns)
}

#[test]
fn a_broker_waits_for_the_slowest_client_and_loses_nothing() {
    let (tcpx, [mut sender, mut fast, mut slow]) = room();
    for (who, word) in [b"a", b"b", b"c"].into_iter().enumerate() {
        [&mut sender, &mut fast, &mut slow][who].send(word);
        for other in (0..3).filter(|other| *other != who) {
            [&mut sender, &mut fast, &mut slow][other].expect(word);
        }
    }
    let bytes = noise(24 << 20, 7);
    let all = bytes.clone();
    let mut writer = sender.another();
    let sending = thread::spawn(move || {
        writer.send(&all);
        writer.half_close();
    });
    let mut seen = vec![0; bytes.len()];
    let reading = thread::spawn(move || {
        std::io::Read::read_exact(&mut fast.0, &mut seen).expect("everything comes");
        seen
    });
    let memory = wait_for_standstill("the broker to wait", || tcpx.peak_memory());
    assert!(memory < 64 << 10, "{memory} KiB for 1 MiB that waits");
    assert!(!reading.is_finished(), "nobody is faster than the slowest");
    slow.expect(&bytes);
    assert_same(&reading.join().expect("a thread that reads"), &bytes, "what the fast one got");
    sending.join().expect("a thread that sends");
}

#[test]
fn a_broker_continues_after_the_slowest_client_has_gone() {
    let (_tcpx, [mut sender, mut fast, slow]) = room();
    let bytes = noise(24 << 20, 8);
    let all = bytes.clone();
    let sending = thread::spawn(move || sender.send(&all));
    fast.expect(&bytes[..1 << 20]);
    slow.reset();
    fast.expect(&bytes[1 << 20..]);
    sending.join().expect("a thread that sends");
}

#[test]
fn binary_frames_are_read_at_every_split() {
    let (_tcpx, address) = serve("@binary");
    let mut conn = Conn::to(address);
    conn.send(b"\0\0\0\x05\x02\x01\x00\xff\xff\0\0");
    conn.expect(b"\0\0\0\x05\x02\0\0\0\xff");
    conn.send(b"\0\x06\x03hello\0\0\0\x01\x01");
    conn.expect(b"\0\0\0\x06\x03HELLO\0\0\0\x01\x01");
    conn.send(b"\0\x01\0\x01");
    conn.expect_reset();
}

#[test]
fn a_telnet_client_is_served() {
    let (_tcpx, address) = serve("@telnet");
    let mut conn = Conn::to(address);
    conn.expect(b"Every line comes back. There are also help and quit.\r\n");
    conn.send(b"\xff\xfb\x01plain\n");
    conn.expect(b"\xff\xfe\x01plain\r\n");
    conn.send(b"quit\n");
    conn.expect(b"Bye.\r\n");
    conn.expect_eof();
    if have("telnet") {
        let (host, port) = (address.ip().to_string(), address.port().to_string());
        // The client leaves with 1 when the server hangs up, and drops what it has not sent when stdin ends.
        let mut telnet = Tcpx::other("telnet", &[host, port]).stdin(Stdin::Open).spawn();
        telnet.write(b"hello there\nquit\n");
        let seen = String::from_utf8_lossy(&telnet.finish().stdout).into_owned();
        assert!(seen.contains("hello there\n") || seen.contains("hello there\r\n"), "{seen}");
        assert!(seen.contains("Bye."), "{seen}");
    }
}

#[test]
fn curl_fetches_a_thousand_pages_over_one_connection() {
    let (_tcpx, address) = serve("@http");
    if !have("curl") {
        return;
    }
    let page = format!("http://{address}/?[1-1000]");
    let seen = client(&["curl", "-sS", "-f", "-w", "%{num_connects}\n", &page], b"");
    assert_eq!(seen.matches("hello\n").count(), 1000);
    assert_eq!((seen.matches("\n1\n").count(), seen.matches("\n0\n").count()), (1, 999));
    let status = |words: &[&str]| client(&[&["curl", "-sS", "-o", "-", "-w", "%{http_code}"], words].concat(), b"");
    let (home, other) = (format!("http://{address}/"), format!("http://{address}/other"));
    assert_eq!(status(&[&other]), "404 Not Found\n404");
    assert_eq!(status(&["-0", &home]), "hello\n200");
    assert_eq!(status(&["-H", "Connection: close", &home]), "hello\n200");
    assert_eq!(status(&["-d", "name=value", &home, &home]), "405 Method Not Allowed\n405".repeat(2));
    assert_eq!(status(&["-X", "BREW", &home]), "501 Not Implemented\n501");
    assert!(client(&["curl", "-sSI", &home], b"").starts_with("HTTP/1.1 200 OK\r\n"));
}

#[test]
fn curl_uploads_in_chunks_and_fetches_the_files_of_a_folder() {
    let (_tcpx, address) = serve("@http");
    if !have("curl") {
        return;
    }
    let upload = "chunk\n".repeat(100_000);
    let echo = format!("http://{address}/echo");
    let seen = client(&["curl", "-sSf", "-T", "-", &echo], upload.as_bytes());
    assert_same(seen.as_bytes(), upload.as_bytes(), "what comes back of an upload in chunks");

    let folder = Folder::new();
    let files = folder.path("www");
    std::fs::create_dir_all(files.join("sub")).expect("a folder");
    std::fs::write(files.join("sub/index.html"), "<p>\n").expect("a file");
    let large = noise(5 << 20, 3);
    std::fs::write(files.join("large"), &large).expect("a file");
    folder.file("secret", b"outside");
    let root = files.display().to_string();
    let mut tcpx = Tcpx::new(&["listen", "--script", "@http", "127.0.0.1", "0", "--", &root]).spawn();
    let address = tcpx.address();
    let page = |path: &str| format!("http://{address}{path}");
    let status = |path: &str| {
        let words = ["curl", "-sS", "--path-as-is", "-o", "/dev/null", "-w", "%{http_code}", &page(path)];
        client(&words, b"")
    };
    assert_eq!(client(&["curl", "-sSfL", &page("/sub")], b""), "<p>\n", "the redirect is followed");
    let copy = folder.path("copy");
    client(&["curl", "-sSf", "-o", &copy.display().to_string(), &page("/large")], b"");
    assert_same(&std::fs::read(copy).expect("the copy"), &large, "a large file");
    for (path, code) in
        [("/", "404"), ("/../secret", "403"), ("/%2e%2e%2fsecret", "403"), ("/sub", "301"), ("/%zz", "400")]
    {
        assert_eq!(status(path), code, "{path}");
    }
}

#[test]
fn a_telnet_device_is_answered() {
    let device = Server::start();
    let words = ["connect", "--script", "@telnet", "--encoding", "gbk"];
    let mut tcpx = Tcpx::new(&words).arg("127.0.0.1").arg(device.address.port().to_string());
    tcpx = tcpx.args(&["--", "vt100", "132x43"]).stdin(Stdin::Open);
    let mut tcpx = tcpx.spawn();
    let mut conn = device.accept();
    conn.send(b"\xff\xfd\x18\xff\xfd\x1f\xff\xfb\x01\xff\xfd\x27\xff\xfa\x18\x01\xff\xf0\xb5\xc7\xc2");
    conn.expect(b"\xff\xfb\x18\xff\xfb\x1f\xff\xfa\x1f\x00\x84\x00\x2b\xff\xf0\xff\xfd\x01\xff\xfc\x27\xff\xfa\x18\x00VT100\xff\xf0");
    conn.send(b"\xbc: ");
    assert!(tcpx.out.wait(|seen| seen == "登录: ".as_bytes()), "{}", tcpx.out.text());
    tcpx.write("用户\n".as_bytes());
    conn.expect(b"\xd3\xc3\xbb\xa7\r\n");
    conn.send(b"\xff\xff\r\nbye\r\n");
    drop(conn);
    let done = tcpx.finish();
    assert_eq!(done.status_code(), Some(0), "{}", done.stderr);
    assert!(done.stdout.ends_with("\r\nbye\r\n".as_bytes()), "{:?}", done.stdout);
}

#[test]
fn devices_and_hosts_are_played() {
    for (words, sent, answer) in [
        (&["@scpi", "--", "ACME,1,2,3"][..], &b"*IDN?;*OPC?\r\n"[..], &b"ACME,1,2,3;1\n"[..]),
        (&["@iso8583"], b"\0\x1a08000020000000000000123456", b"\0\x1c0810002000000200000012345600"),
        (&["@mllp"], b"\x0bMSH|^~\\&|||||||ADT|7|P|2.5\x1c\r", b"\x0bMSH|^~\\&|||||"),
    ] {
        let words = [&["listen", "127.0.0.1", "0", "--script"], words].concat();
        let mut tcpx = Tcpx::new(&words).spawn();
        let address = tcpx.address();
        let mut conn = Conn::to(address);
        for byte in sent {
            conn.send(&[*byte]);
        }
        conn.expect(answer);
        if words.contains(&"@mllp") {
            conn.half_close();
            let rest = conn.read_all();
            assert!(String::from_utf8_lossy(&rest).ends_with("\rMSA|AA|7\r\u{1c}\r"), "{rest:?}");
        }
    }
}

#[test]
fn redis_clients_are_served() {
    let (_tcpx, address) = serve("@redis");
    let port = address.port().to_string();
    let mut conn = Conn::to(address);
    conn.send(b"*3\r\n$3\r\nSET\r\n$1\r\nk\r\n$4\r\n\x00\xff\r\n\r\n*2\r\n$3\r\nGET\r\n$1\r\nk\r\nPING\r\n");
    conn.expect(b"+OK\r\n$4\r\n\x00\xff\r\n\r\n+PONG\r\n");
    if have("redis-cli") {
        let words = "SET greeting \"hello there\" EX 100\nGET greeting\nPERSIST greeting\nTTL greeting\nINCR n\nSET x\n\
                     DEL k greeting\n";
        let seen = client(&["redis-cli", "-p", &port], words.as_bytes());
        let wanted = "OK\nhello there\n1\n-1\n1\nERR wrong number of arguments for 'set' command\n\n2\n";
        assert_eq!(seen, wanted);
        assert_eq!(client(&["redis-cli", "-p", &port, "keys", "*"], b""), "n\n");
        let large = vec![b'x'; 300_000];
        assert_eq!(client(&["redis-cli", "-p", &port, "-x", "set", "large"], &large), "OK\n");
        assert_eq!(client(&["redis-cli", "-p", &port, "get", "large"], b"").trim_end().len(), large.len());
    }
    if have("redis-benchmark") {
        for pipeline in ["1", "16"] {
            let words = ["-p", &port, "-t", "ping,set,get", "-n", "500", "-c", "10", "-P", pipeline, "--csv"];
            let seen = client(&[&["redis-benchmark"], &words[..]].concat(), b"");
            for test in ["PING_INLINE", "PING_MBULK", "SET", "GET"] {
                assert!(seen.contains(&format!("\"{test}\",")), "{seen}");
            }
        }
    }
}

// ---- @proxy ---------------------------------------------------------------------------------------------

#[test]
fn a_proxy_relays_and_prints_the_data() {
    for (shows, told) in [
        ("", vec![]),
        ("sizes", vec!["> 5 bytes", "< 11 bytes"]),
        ("text", vec!["> GET 1", "< line 1", "< 2\\xff"]),
        ("hex", vec!["> 00000000  47 45 54 20 31", "< 00000000  6c 69 6e 65 20 31 0d 0a"]),
    ] {
        let upstream = Server::start();
        let target = upstream.address.to_string();
        let words: Vec<&str> = ["--", &target, shows].into_iter().filter(|word| !word.is_empty()).collect();
        let tcpx = Tcpx::new(&["listen", "--script", "@proxy", "--recv-encoding", "latin1", "127.0.0.1", "0"]);
        let mut tcpx = tcpx.args(&words).spawn();
        let mut client = Conn::to(tcpx.address());
        let mut server = upstream.accept();
        client.send(b"GET 1");
        server.expect(b"GET 1");
        client.half_close();
        server.expect_eof();
        server.send(b"line 1\r\n2\x9c\n");
        drop(server);
        assert_eq!(client.read_all(), b"line 1\r\n2\x9c\n");
        let name = client.0.local_addr().expect("an address");
        drop(client);
        tcpx.wait_stderr(&format!("{name}: eof, 5 bytes sent, 11 bytes received"));
        let seen = tcpx.err.text();
        assert!(seen.contains(&format!("{name}: to {target}\n")), "{seen}");
        for line in &told {
            let line = line.replace("\\xff", "\u{153}");
            assert!(seen.contains(&format!(" {name} {line}")), "{line:?} is not in {seen}");
        }
        assert_eq!(seen.contains(&format!("{name} >")), !told.is_empty(), "{seen}");
    }
}

#[test]
fn a_proxy_applies_back_pressure() {
    let upstream = Server::narrow();
    let tcpx = Tcpx::new(&["listen", "--script", "@proxy", "127.0.0.1", "0", "--"]);
    let mut tcpx = tcpx.arg(upstream.address.to_string()).spawn();
    let mut client = Conn::to(tcpx.address());
    let mut server = upstream.accept();
    let bytes = noise(24 << 20, 11);
    let all = bytes.clone();
    let sending = thread::spawn(move || {
        client.send(&all);
        client.half_close();
        client.read_all()
    });
    let memory = wait_for_standstill("the proxy to wait", || tcpx.peak_memory());
    assert!(memory < 32 << 10, "{memory} KiB");
    assert_same(&server.read_all(), &bytes, "what was passed on");
    server.send(b"thanks");
    drop(server);
    assert_eq!(sending.join().expect("a thread that sends"), b"thanks");
}

#[test]
fn a_proxy_without_a_server_resets_its_client() {
    let refusing = Refusing::new();
    let target = refusing.address();
    let tcpx = Tcpx::new(&["listen", "--script", "@proxy", "127.0.0.1", "0", "--"]);
    let mut tcpx = tcpx.arg(target.to_string()).spawn();
    let mut client = Conn::to(tcpx.address());
    client.expect_reset();
    tcpx.wait_stderr(&format!("connect to {target}: connection refused"));
    for words in [&[][..], &["127.0.0.1:1", "all"], &["a:1", "text", "b"], &["example.org"]] {
        let done = Tcpx::new(&["listen", "--script", "@proxy", "0", "--"]).args(words).run();
        assert_eq!(done.status_code(), Some(2));
        done.said("usage: tcpx listen PORT --script @proxy -- HOST:PORT [sizes|text|hex]");
    }
}

// ---- @rules ---------------------------------------------------------------------------------------------

/// A server that answers by rules.
fn by_rules(folder: &Folder, options: &[&str], rules: &str) -> (Running, SocketAddr) {
    folder.file("file.rules", rules.as_bytes());
    let path = folder.path("file.rules").display().to_string();
    let tcpx = Tcpx::new(&["listen", "--script", "@rules", "127.0.0.1", "0"]).args(options);
    let mut tcpx = tcpx.args(&["--", &path]).spawn();
    let address = tcpx.address();
    (tcpx, address)
}

#[test]
fn the_first_matching_rule_answers() {
    let folder = Folder::new();
    let rules = r##"
        # The example of the header, and more.
        connect                  -> send "220 mock ready\r\n"
        regex /^HELO (\S+)( x)?$/ -> send "250 hello $1$2, $$1 is $0\r\n"
        starts "MAIL "           -> wait 50ms; send "250 ok\r\n"; wait 0.05s; send "250 really\r\n"
        equals hex 01 ff         -> send hex 02 0A "x\xff\u{1F600}\u{e9}\t\"\\" hex ff
        contains "a\xfe"         -> send "bytes\r\n"
        regex /a\/b|#|;/         -> send "# -> ;\r\n"
        equals "QUIT"            -> send "221 bye\r\n"; close
        ends "!"                 -> reset
        any                      -> send "500 what? $0\r\n"      # $0 is what came
    "##;
    let (_tcpx, address) = by_rules(&folder, &[], rules);
    let mut conn = Conn::to(address);
    conn.expect(b"220 mock ready\r\n");
    for (said, answer) in [
        (&b"HELO me\r\n"[..], &b"250 hello me, $1 is HELO me\r\n"[..]),
        (b"HELO me x\n", b"250 hello me x, $1 is HELO me x\r\n"),
        (b"\x01\xff\n", b"\x02\nx\xff\xf0\x9f\x98\x80\xc3\xa9\t\"\\\xff"),
        (b"xa\xfex\n", b"bytes\r\n"),
        (b"a/b\n", b"# -> ;\r\n"),
        (b"helo\n", b"500 what? helo\r\n"),
        (b"\xff\n", b"500 what? \xff\r\n"),
        // Data that arrives during the delay of a rule is answered afterwards.
        (b"MAIL x\nhelo\n", b"250 ok\r\n250 really\r\n500 what? helo\r\n"),
        (b"QUIT\nhelo\n", b"221 bye\r\n"),
    ] {
        conn.send(said);
        conn.expect(answer);
    }
    conn.expect_eof();
    let mut other = Conn::to(address);
    other.expect(b"220 mock ready\r\n");
    other.send(b"go away!\n");
    other.expect_reset();
}

#[test]
fn rules_match_chunks_or_delimited_text_in_any_encoding() {
    let folder = Folder::new();
    let (mut tcpx, address) =
        by_rules(&folder, &["--encoding", "gbk"], "split at \"。\"\nequals \"你好\" -> send \"再见\"\n");
    let mut conn = Conn::to(address);
    for byte in GBK.encode("你好。你。你好。").0.iter() {
        conn.send(&[*byte]);
    }
    conn.expect(&GBK.encode("再见再见").0);
    tcpx.wait_stderr("no rule for 你\n");
    let (_tcpx, address) = by_rules(&folder, &[], "split at hex 00\nequals \"a\\nb\" -> send \"1\"");
    let mut conn = Conn::to(address);
    conn.send(b"a\nb\0");
    conn.expect(b"1");
    let (_tcpx, address) = by_rules(&folder, &[], "split chunks\nany -> send \"[$0]\"");
    let mut conn = Conn::to(address);
    conn.send(b"a\nb");
    conn.expect(b"[a\nb]");
}

#[test]
fn invalid_rules_are_reported_with_their_lines() {
    let folder = Folder::new();
    let cases = [
        (
            "equal \"x\" -> close",
            "no such condition: equal (there are connect, equals, contains, starts, ends, regex, any)",
        ),
        ("equals x -> close", "x is not in quotes"),
        ("equals \"x -> close", "a quote is not closed"),
        ("equals \"\" -> close", "equals takes a text that is not empty"),
        ("equals \"a\" \"b\" -> close", "equals takes one text in quotes, or hex and bytes"),
        ("equals hex -> close", "equals hex takes bytes: equals hex 01 ff"),
        ("equals -> close", "equals takes one text in quotes, or hex and bytes"),
        ("equals \"\\q\" -> close", "no such escape: \\q"),
        ("equals \"\\u{d800}\" -> close", "there is no such character"),
        ("regex /(/ -> close", "re(\"(\"): unclosed group"),
        ("regex \"a\" -> close", "regex takes one pattern between slashes: regex /^A(.*)$/"),
        ("any x -> close", "any stands alone before ->"),
        ("any close", "a rule is: condition -> action"),
        ("any ->", "an action is missing"),
        ("any -> close;; close", "an action is missing"),
        ("any -> fly", "no such action: fly (there are send, wait, close, reset)"),
        ("any -> close now", "close stands alone: put ; between actions"),
        ("regex -> close", "regex takes one pattern between slashes: regex /^A(.*)$/"),
        ("any -> wait", "wait takes a time: wait 500ms, wait 2s"),
        ("any -> wait soon", "wait takes a time: wait 500ms, wait 2s"),
        ("any -> send \"$1\"", "there is no group $1"),
        ("regex /(a)(b)?/ -> send \"$2 $3\"", "there is no group $3"),
        ("any -> send hex 0g", "'g' at character 2 is not a hex digit"),
        ("any -> send", "send takes text in quotes, or hex and bytes"),
        ("split words", "split is: split lines, split chunks, or split at \"text\""),
    ];
    for block in cases.chunks(8) {
        // Comments and empty lines are counted, too.
        let text = block.iter().flat_map(|(line, _)| ["# comment\n", line, "\n"]).collect::<String>();
        folder.file("file.rules", text.as_bytes());
        let path = folder.path("").display().to_string();
        let done = Tcpx::new(&["listen", "0", "--script", "@rules", "--allow-read", &path, "--", "file.rules"]).run();
        assert_eq!(done.status_code(), Some(2), "{}", done.stderr);
        for (at, (line, why)) in block.iter().enumerate() {
            let wanted = format!(" file.rules:{}: {why}", 2 * at + 2);
            assert!(done.stderr.contains(&wanted), "{line}: {wanted:?} is not in {}", done.stderr);
        }
    }
    let missing = Tcpx::new(&["listen", "0", "--script", "@rules", "--", "/no/such.rules"]).run();
    assert_eq!(missing.status_code(), Some(26));
    missing.said("read_text(\"/no/such.rules\"): no such file or directory");
    for script in ["@modbus", "@socks", "@connect"] {
        let missing = Tcpx::new(&["listen", "0", "--script", script, "--", "/no/such"]).run();
        assert_eq!(missing.status_code(), Some(26), "{script}");
        missing.said("read_text(\"/no/such\"): no such file or directory");
    }
    let none = Tcpx::new(&["listen", "0", "--script", "@rules"]).run();
    assert_eq!(none.status_code(), Some(2));
    none.said("usage: tcpx listen PORT --script @rules -- FILE");
}

#[test]
fn a_folder_that_is_not_there_is_told_as_a_file_is() {
    for (words, code, says) in [
        ("@http -- /no/such", 26, "read /no/such (argument 1 of @http): no such file or directory"),
        ("@smtp -- /no/such", 23, "write /no/such (argument 1 of @smtp): no such file or directory"),
        ("@echo --allow-read /no/such", 26, "read /no/such (--allow-read): no such file or directory"),
        ("@echo --allow-write /etc/passwd", 23, "write /etc/passwd (--allow-write): not a directory"),
    ] {
        let words: Vec<&str> = ["listen", "127.0.0.1:0", "--script"].into_iter().chain(words.split(' ')).collect();
        Tcpx::new(&words).run().code(code).said(says);
    }
}
