//! `@memcached`, `@dns`, `@modbus` and `@syslog` through the binary, with the client programs they are made for.

use crate::builtins::{client, have, serve};
use crate::support::peer::{Conn, Server};
use crate::support::{Folder, Tcpx};

/// A script with arguments on a free port.
fn serve_with(name: &str, args: &[&str]) -> (crate::support::Running, std::net::SocketAddr) {
    let mut tcpx = Tcpx::new(&["listen", "--script", name, "127.0.0.1", "0", "--"]).args(args).spawn();
    let address = tcpx.address();
    (tcpx, address)
}

#[test]
fn memcached_clients_are_served() {
    let (_tcpx, address) = serve("@memcached");
    let mut conn = Conn::to(address);
    conn.send(b"set k 1 0 4\r\n\x00\xff\r\n\r\ngets k\r\nincr k 1\r\n");
    conn.expect(b"STORED\r\nVALUE k 1 4 1\r\n\x00\xff\r\n\r\nEND\r\n");
    conn.expect(b"CLIENT_ERROR cannot increment or decrement non-numeric value\r\n");
    if have("memccp") {
        let folder = Folder::new();
        folder.file("note.txt", b"hello there\n");
        let servers = format!("--servers={address}");
        client(&["memccp", &servers, folder.path("note.txt").to_str().unwrap()], b"");
        assert_eq!(client(&["memccat", &servers, "note.txt"], b"").trim_end(), "hello there");
        assert!(client(&["memcstat", &servers], b"").contains("version: 1.6.21"));
        client(&["memcrm", &servers, "note.txt"], b"");
        conn.send(b"get note.txt\r\nquit\r\n");
        conn.expect(b"END\r\n");
        conn.expect_eof();
    }
    if have("memccapable") {
        // Its own suite of checks for the text protocol.
        let (host, port) = (address.ip().to_string(), address.port().to_string());
        let seen = client(&["memccapable", "-h", &host, "-p", &port, "-a"], b"");
        assert!(seen.contains("ascii incr") && !seen.contains("FAIL"), "{seen}");
    }
}

#[test]
fn dig_asks_for_names() {
    let zone = ["example.org=192.0.2.1,2001:db8::1", "example.org=192.0.2.2", "www.example.org=example.org"];
    let (_tcpx, address) = serve_with("@dns", &zone);
    let mut conn = Conn::to(address);
    let query = b"\0\x1d\0\x07\x01\0\0\x01\0\0\0\0\0\0\x07example\x03ORG\0\0\x01\0\x01";
    conn.send(&[&query[..], query].concat());
    let answer = b"\0\x3d\0\x07\x85\0\0\x01\0\x02\0\0\0\0\x07example\x03ORG\0\0\x01\0\x01\
        \xc0\x0c\0\x01\0\x01\0\0\0\x3c\0\x04\xc0\0\x02\x01\xc0\x0c\0\x01\0\x01\0\0\0\x3c\0\x04\xc0\0\x02\x02";
    conn.expect(&[&answer[..], answer].concat());
    if !have("dig") {
        return;
    }
    let port = address.port().to_string();
    let dig = |words: &[&str]| client(&[&["dig", "@127.0.0.1", "+tcp", "-p", &port], words].concat(), b"");
    assert_eq!(dig(&["+short", "www.EXAMPLE.org"]), "example.org.\n192.0.2.1\n192.0.2.2\n");
    assert_eq!(dig(&["+short", "example.org", "AAAA"]), "2001:db8::1\n");
    let two = dig(&["+keepopen", "+short", "example.org", "aaaa", "example.org", "a"]);
    assert_eq!(two, "2001:db8::1\n192.0.2.1\n192.0.2.2\n");
    for (words, status) in [
        (&["example.org"][..], "status: NOERROR"),
        (&["example.org", "MX"], "status: NOERROR"),
        (&["nobody.org"], "status: NXDOMAIN"),
        (&["+opcode=notify", "example.org"], "status: NOTIMP"),
        (&["example.org", "CH", "TXT"], "status: REFUSED"),
        (&["+edns=1", "+noednsnegotiation", "example.org"], "status: BADVERS"),
    ] {
        let seen = dig(words);
        assert!(seen.contains(status), "{words:?}: {seen}");
        assert_eq!(seen.contains("EDNS: version: 0"), status != "status: NOTIMP", "{words:?}: {seen}");
    }
}

#[test]
fn wrong_arguments_of_the_dns_script_are_reported() {
    for (args, why) in [
        (&[][..], "usage: tcpx listen PORT --script @dns -- NAME=ADDRESS[,ADDRESS…] …"),
        (&["example.org"], "example.org: an argument is NAME=ADDRESS"),
        (&["=1.2.3.4"], "=1.2.3.4: an argument is NAME=ADDRESS"),
        (&["a=1.2.3.256"], "a=1.2.3.256: \"1.2.3.256\" is no address and no name"),
        (&["a=1:2::3::4"], "\"1:2::3::4\" is no address and no name"),
        (&["a=12345::"], "\"12345::\" is no address and no name"),
        (&["a=1.2.3.4,"], "\"\" is no address and no name"),
        (&["a..b=1.2.3.4"], "\"a..b\" is no name"),
        (&["a b=1.2.3.4"], "\"a b\" is no name"),
        (&["a=b", "a=c"], "a=c: a name has one alias only"),
        (&["a=b", "A=1.2.3.4"], "A=1.2.3.4: a name has an alias or addresses, not both"),
        (&["a=b", "b=a"], ": more than 16 aliases in a row"),
    ] {
        let done = Tcpx::new(&["listen", "--script", "@dns", "127.0.0.1", "0", "--"]).args(args).run();
        assert_eq!(done.status_code(), Some(2), "{args:?}: {}", done.stderr);
        done.said(why);
    }
}

#[test]
fn a_modbus_device_has_the_values_of_its_file() {
    let folder = Folder::new();
    folder.file("pump.json", br#"{"holding_registers": {"100": [4711, -1]}, "coils": [true], "size": 200}"#);
    let path = folder.path("pump.json");
    // It is the argument that allows the file to be read.
    let (_tcpx, address) = serve_with("@modbus", &[path.to_str().unwrap()]);
    let mut conn = Conn::to(address);
    conn.send(
        b"\0\x01\0\0\0\x06\x01\x03\0\x64\0\x02\0\x02\0\0\0\x06\x01\x06\0\x64\0\x09\0\x03\0\0\0\x06\x01\x03\0\xc8\0\x01",
    );
    conn.expect(
        b"\0\x01\0\0\0\x07\x01\x03\x04\x12\x67\xff\xff\0\x02\0\0\0\x06\x01\x06\0\x64\0\x09\0\x03\0\0\0\x03\x01\x83\x02",
    );
    let mut other = Conn::to(address);
    other.send(b"\0\x01\0\0\0\x06\x01\x03\0\x64\0\x01");
    other.expect(b"\0\x01\0\0\0\x05\x01\x03\x02\0\x09");
    other.send(b"GET / HTTP/1.1\r\n");
    other.expect_eof();
}

#[test]
fn a_wrong_file_of_a_modbus_device_is_reported() {
    let folder = Folder::new();
    let start = |path: &str| Tcpx::new(&["listen", "--script", "@modbus", "127.0.0.1", "0", "--", path]).run();
    for (text, why) in [
        ("", "parse_json: "),
        ("[]", "it is no JSON object"),
        (
            "{\"coil\": []}",
            "there is no \"coil\" (there are coils, discrete_inputs, holding_registers, input_registers, size)",
        ),
        ("{\"size\": 0}", "size is a number from 1 to 65536"),
        ("{\"size\": 65537}", "size is a number from 1 to 65536"),
        ("{\"coils\": 1}", "coils is a list or an object"),
        ("{\"coils\": {\"x\": 1}}", "coils: \"x\" is no address"),
        ("{\"coils\": {\"65536\": 1}}", "coils: address 65536 is above 65535"),
        ("{\"coils\": [0, 1], \"size\": 1}", "coils: address 1 is above 0"),
        ("{\"coils\": {\"7\": 2}}", "coils: the value at 7 is true or false, 1 or 0"),
        ("{\"input_registers\": {\"7\": [0, 65536]}}", "the value at 8 is a number from -32768 to 65535"),
        ("{\"input_registers\": [\"1\"]}", "the value at 0 is a number from -32768 to 65535"),
    ] {
        folder.file("device.json", text.as_bytes());
        let path = folder.path("device.json");
        let done = start(path.to_str().unwrap());
        assert_eq!(done.status_code(), Some(2), "{text}: {}", done.stderr);
        done.said("device.json: ");
        done.said(why);
    }
    let none = start("/no/such.json");
    assert_eq!(none.status_code(), Some(26), "{}", none.stderr);
    none.said("read_text(\"/no/such.json\"): no such file or directory");
    let folder = start("/");
    assert_eq!(folder.status_code(), Some(26), "{}", folder.stderr);
    let two = Tcpx::new(&["listen", "--script", "@modbus", "127.0.0.1", "0", "--", "a", "b"]).run();
    assert_eq!(two.status_code(), Some(2));
    two.said("usage: tcpx listen PORT --script @modbus [-- FILE.json]");
}

#[test]
fn syslog_messages_are_printed() {
    let (mut tcpx, address) = serve("@syslog");
    let mut conn = Conn::to(address);
    conn.send(b"<34>1 2003-10-11T22:14:15Z host su - ID47 - a\x1b[2J\n41 <34>Oct 11 22:14:15 host su[7]: two\nlines");
    conn.half_close();
    conn.expect_eof();
    let wanted =
        "2003-10-11T22:14:15Z host su auth.crit ID47: a\\x1b[2J\nOct 11 22:14:15 host su[7] auth.crit: two\\x0alines\n";
    assert!(tcpx.out.wait(|seen| seen == wanted.as_bytes()), "{}", tcpx.out.text());
    Conn::to(address).send(b"70000 ");
    tcpx.wait_stderr("a message is longer than 65536 bytes");
    if have("logger") {
        let (host, port) = (address.ip().to_string(), address.port().to_string());
        for words in [&["--rfc3164"][..], &["--rfc3164", "--octet-count"], &["--rfc5424=notime,nohost"]] {
            let all =
                [&["logger", "-T", "-n", &host, "-P", &port, "-t", "tag", "-p", "local3.err"], words, &["größer"]];
            client(&all.concat(), b"");
        }
        let is_there =
            tcpx.out.wait(|seen| String::from_utf8_lossy(seen).matches(" tag local3.err: größer\n").count() == 3);
        assert!(is_there, "{}", tcpx.out.text());
    }
    let (tcpx, address) = serve_with("@syslog", &["json"]);
    Conn::to(address).send(b"<14>app[1]: hello\0");
    let is_there = tcpx.out.wait(|seen| String::from_utf8_lossy(seen).contains("\"message\":\"hello\""));
    assert!(is_there, "{}", tcpx.out.text());
    let wrong = Tcpx::new(&["listen", "--script", "@syslog", "127.0.0.1", "0", "--", "xml"]).run();
    assert_eq!(wrong.status_code(), Some(2));
    wrong.said("usage: tcpx listen PORT --script @syslog [-- text|json]");
}

#[test]
fn a_device_that_asks_for_nothing_is_told_in_words() {
    let server = Server::start();
    let address = server.address;
    let words = ["--script", "@login", "--", "admin", "secret", "show"];
    let running = Tcpx::new(&["connect", "127.0.0.1", &address.port().to_string()]).args(&words).spawn();
    let mut device = server.accept();
    device.send(b"Welcome \x07\r\n");
    device.half_close();
    let said = "ended the connection before it showed a question for the user or the password; it said \"Welcome \\x07\\r\\n\"";
    let done = running.finish();
    assert_eq!(done.status_code(), Some(18));
    done.said(said);
}
