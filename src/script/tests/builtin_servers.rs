//! `@memcached`, `@dns`, `@modbus` and `@syslog`, fed as by a session and cut at every place.

use super::builtin_protocols::{Wire, however_cut_with};
use super::*;
use crate::session::CloseReason;

fn unescaped(answer: &str) -> String {
    answer.replace("\\r\\n", "\n")
}

// ---- @memcached -----------------------------------------------------------------------------------------

/// Asks line by line; answers have LF for CR LF.
fn memcached(wire: &mut Wire, asked: &[(&str, &str)]) {
    for (request, answer) in asked {
        let request = request.replace('\n', "\r\n") + "\r\n";
        assert_eq!(wire.ask(&request).replace("\r\n", "\n"), *answer, "{request}");
    }
}

#[test]
fn memcached_knows_its_commands() {
    let mut wire = Wire::open("memcached");
    memcached(
        &mut wire,
        &[
            ("get a", "END\n"),
            ("set a 5 0 3\nabc", "STORED\n"),
            ("get a", "VALUE a 5 3\nabc\nEND\n"),
            ("gets nope a", "VALUE a 5 3 1\nabc\nEND\n"),
            ("set a 0 0 1 noreply\nx\nget a", "VALUE a 0 1\nx\nEND\n"),
            ("add a 0 0 1\ny", "NOT_STORED\n"),
            ("add b 0 0 1\ny", "STORED\n"),
            ("replace c 0 0 1\ny", "NOT_STORED\n"),
            ("replace b 0 0 2\nyz", "STORED\n"),
            ("append b 9 9 1\n!", "STORED\n"),
            ("prepend b 9 9 1\n?", "STORED\n"),
            ("append c 0 0 1\n!", "NOT_STORED\n"),
            ("gets b", "VALUE b 0 4 6\n?yz!\nEND\n"),
            ("cas b 1 0 1 5\nn", "EXISTS\n"),
            ("cas b 1 0 1 18446744073709551615\nn", "EXISTS\n"),
            ("cas b 1 0 1 6\nn", "STORED\n"),
            ("cas c 1 0 1 6\nn", "NOT_FOUND\n"),
            ("get b a", "VALUE b 1 1\nn\nVALUE a 0 1\nx\nEND\n"),
            ("touch b 100", "TOUCHED\n"),
            ("touch c 100", "NOT_FOUND\n"),
            ("gat 100 b c", "VALUE b 1 1\nn\nEND\n"),
            ("gats 0 b", "VALUE b 1 1 7\nn\nEND\n"),
            ("set b 0 -1 1\nx", "STORED\n"),
            ("get b", "END\n"),
            ("touch a -1", "TOUCHED\n"),
            ("get a", "END\n"),
            ("set a 0 2147483647 0\n", "STORED\n"),
            ("get a", "VALUE a 0 0\n\nEND\n"),
            ("set a 0 1000000000 0\n", "STORED\n"),
            ("get a", "END\n"),
            ("delete a", "NOT_FOUND\n"),
            ("set a 0 0 1\nx", "STORED\n"),
            ("delete a 0", "DELETED\n"),
            ("set a 0 0 1\nx", "STORED\n"),
            ("delete a noreply", ""),
            ("verbosity 1", "OK\n"),
            ("set a 0 0 1\nx", "STORED\n"),
            ("flush_all 100", "OK\n"),
            ("get a", "VALUE a 0 1\nx\nEND\n"),
            ("flush_all noreply", ""),
            ("get a", "END\n"),
            ("stats reset", "RESET\n"),
            ("version", "VERSION 1.6.21\n"),
        ],
    );
    wire.ask("get a\r\nset a 0 0 2\r\nab\r\nget a\r\n");
    let stats = wire.ask("stats\r\n");
    for line in ["cmd_get 2", "get_hits 1", "get_misses 1", "cmd_set 1", "curr_items 1", "curr_connections 1"] {
        assert!(stats.contains(&format!("STAT {line}\r\n")), "{line}: {stats}");
    }
    assert!(stats.ends_with("\r\nEND\r\n"));
    assert_eq!(wire.ask("quit\r\nversion\r\n"), "");
    assert!(wire.closed);
}

#[test]
fn memcached_counts_with_64_bits() {
    let mut wire = Wire::open("memcached");
    memcached(
        &mut wire,
        &[
            ("incr n 1", "NOT_FOUND\n"),
            ("set n 0 0 20\n18446744073709551614", "STORED\n"),
            ("incr n 1", "18446744073709551615\n"),
            ("incr n 1", "0\n"),
            ("get n", "VALUE n 0 20\n0                   \nEND\n"),
            ("incr n 18446744073709551615", "18446744073709551615\n"),
            ("incr n 18446744073709551615", "18446744073709551614\n"),
            ("decr n 8446744073709551615", "9999999999999999999\n"),
            ("decr n 9999999999999999998", "1\n"),
            ("decr n 2", "0\n"),
            ("incr n 10000000000", "10000000000\n"),
            ("decr n 1", "9999999999\n"),
            ("set n 7 0 2\n10", "STORED\n"),
            ("decr n 1", "9\n"),
            ("get n", "VALUE n 7 2\n9 \nEND\n"),
            ("incr n 5 noreply\nget n", "VALUE n 7 2\n14\nEND\n"),
        ],
    );
    for delta in ["x", "-1", "18446744073709551616", "1e3"] {
        let wanted = "CLIENT_ERROR invalid numeric delta argument\r\n";
        assert_eq!(wire.ask(format!("incr n {delta}\r\n")), wanted, "{delta}");
    }
    for value in ["", "abc", "1a", "18446744073709551616"] {
        wire.ask(format!("set n 0 0 {}\r\n{value}\r\n", value.len()));
        let wanted = "CLIENT_ERROR cannot increment or decrement non-numeric value\r\n";
        assert_eq!(wire.ask("decr n 1\r\n"), wanted, "{value}");
    }
}

#[test]
fn memcached_errors_have_the_messages_of_memcached() {
    let format = "CLIENT_ERROR bad command line format\r\n";
    let long = "k".repeat(251);
    for (request, answer) in [
        ("", "ERROR\r\n"),
        ("nope", "ERROR\r\n"),
        ("GET a", "ERROR\r\n"),
        ("get", "ERROR\r\n"),
        ("set a 0 0", "ERROR\r\n"),
        ("set a 0 0 1 noreply x", "ERROR\r\n"),
        ("delete", "ERROR\r\n"),
        ("verbosity", "ERROR\r\n"),
        ("stats nope", "ERROR\r\n"),
        ("set a x 0 1", format),
        ("set a -1 0 1", format),
        ("set a 4294967296 0 1", format),
        ("set a 0 soon 1", format),
        ("set a 0 0 x", format),
        ("cas a 0 0 1 x", format),
        ("verbosity x", format),
        ("flush_all x", format),
        ("delete a b", "CLIENT_ERROR bad command line format.  Usage: delete <key> [noreply]\r\n"),
        ("touch a x", "CLIENT_ERROR invalid exptime argument\r\n"),
        ("set a 0 0 -1", "CLIENT_ERROR bad data chunk\r\n"),
        ("set a 0 0 2147483647", "CLIENT_ERROR bad data chunk\r\n"),
        ("set a 0 0 1\r\nxyz", "CLIENT_ERROR bad data chunk\r\nERROR\r\n"),
        (&format!("get {long}"), format),
        (&format!("get a {long}"), format),
        (&format!("set {long} 0 0 1"), format),
        (&format!("incr {long} 1"), format),
        (&format!("delete {long}"), format),
        (&format!("get{}", " k".repeat(2049)), "CLIENT_ERROR too many keys\r\n"),
    ] {
        let mut wire = Wire::open("memcached");
        assert_eq!(wire.ask(format!("{request}\r\n")), answer, "{}", &request[..request.len().min(40)]);
        assert_eq!(wire.ask("get x\r\n"), "END\r\n", "it goes on after {}", &request[..request.len().min(40)]);
    }
    for (request, why) in
        [(vec![0x80, 0, b'\n'], "the binary protocol is not supported"), (vec![b'x'; 65_537], "line is too long")]
    {
        let mut wire = Wire::open("memcached");
        assert_eq!(wire.ask(request), format!("CLIENT_ERROR {why}\r\n"));
        assert!(wire.closed);
    }
}

#[test]
fn memcached_keeps_any_bytes_and_reads_requests_at_every_split() {
    let requests = b"set a 1 0 8\r\n\r\n\x00\xffEND\r\r\nget a\nset \xff 0 0 0 noreply\r\n\r\n  gets  \xff a \r\n\
        set b 0 0 2\r\nabcd\r\nincr b 1\r\nset c 0 0 2000000\r\nxx";
    let wanted = "STORED\nVALUE a 1 8\n\\r\\n\\x00\\xffEND\\r\nEND\nVALUE \\xff 0 0 2\n\nVALUE a 1 8 1\n\\r\\n\\x00\\xffEND\\r\nEND\n\
        CLIENT_ERROR bad data chunk\nERROR\nNOT_FOUND\nSERVER_ERROR object too large for cache\n";
    let answer = however_cut_with("memcached", &[], requests);
    assert_eq!(unescaped(&answer), wanted.replace("\\r\\n", "\n"));
}

#[test]
fn memcached_limits_its_memory() {
    let mut wire = Wire::open("memcached");
    let set = |key: &str, length: usize| {
        [format!("set {key} 0 0 {length}\r\n").as_bytes(), &vec![b'x'; length], b"\r\n"].concat()
    };
    let largest = (1 << 20) - 56 - 1;
    for key in ["1", "2", "3"] {
        assert_eq!(wire.ask(set(key, largest)), "STORED\r\n");
    }
    assert_eq!(wire.ask(set("4", largest)), "SERVER_ERROR out of memory storing object\r\n");
    assert_eq!(wire.ask("append 3 0 0 1\r\nx\r\n"), "SERVER_ERROR object too large for cache\r\n");
    assert_eq!(wire.ask("set 2 0 -1 0\r\n\r\n"), "STORED\r\n");
    assert_eq!(wire.ask(set("4", largest)), "STORED\r\n", "what is over makes room");
    assert_eq!(wire.ask(set("1", largest + 1)), "SERVER_ERROR object too large for cache\r\n");
    assert_eq!(wire.ask("get 1\r\n"), "END\r\n", "the outdated value is gone");
    let all = wire.ask(format!("get{}\r\n", " 3".repeat(7)));
    assert!(all.len() > 7 * largest && all.ends_with("\r\nEND\r\n"));
    assert_eq!(wire.ask(format!("get{}\r\n", " 3".repeat(8))), "SERVER_ERROR out of memory writing get response\r\n");
}

// ---- @dns -----------------------------------------------------------------------------------------------

const ZONE: &[&str] = &[
    "example.org=192.0.2.1,192.0.2.2",
    "Example.ORG.=2001:db8::1",
    "www.example.org=example.org",
    "out.example=elsewhere.example",
    "self.test=a.test",
    "a.test=self.test.example",
];

const A: u16 = 1;
const CNAME: u16 = 5;
const MX: u16 = 15;
const AAAA: u16 = 28;

fn name(text: &str) -> Vec<u8> {
    let labels = text.split('.').filter(|label| !label.is_empty());
    labels.flat_map(|label| [&[label.len() as u8], label.as_bytes()].concat()).chain([0]).collect()
}

/// A query with its length in front.
fn query(flags: u16, counts: [u16; 4], rest: &[u8]) -> Vec<u8> {
    let words = [&[0xabcd, flags][..], &counts].concat();
    let message = [&words.iter().flat_map(|word| word.to_be_bytes()).collect::<Vec<_>>(), rest].concat();
    [&(message.len() as u16).to_be_bytes()[..], &message].concat()
}

fn question(of: &str, kind: u16) -> Vec<u8> {
    [&name(of)[..], &kind.to_be_bytes(), &[0, 1]].concat()
}

fn ask_for(of: &str, kind: u16) -> Vec<u8> {
    query(0x0100, [1, 0, 0, 0], &question(of, kind))
}

/// The flags and counts of an answer, and what follows the question.
fn dns(wire: &mut Wire, request: &[u8]) -> (u16, [u16; 4], Vec<u8>) {
    wire.arrive(request);
    let answer = std::mem::take(&mut wire.sent);
    let word = |at: usize| u16::from_be_bytes([answer[at], answer[at + 1]]);
    assert_eq!(usize::from(word(0)), answer.len() - 2);
    assert_eq!(word(2), 0xabcd);
    let counts = [word(6), word(8), word(10), word(12)];
    let end = if counts[0] == 0 { 14 } else { 14 + answer[14..].iter().position(|byte| *byte == 0).unwrap() + 5 };
    (word(4), counts, answer[end..].to_vec())
}

fn record(owner: &[u8], kind: u16, data: &[u8]) -> Vec<u8> {
    [owner, &kind.to_be_bytes(), &[0, 1, 0, 0, 0, 60], &(data.len() as u16).to_be_bytes(), data].concat()
}

#[test]
fn dns_answers_with_addresses_and_aliases() {
    let mut wire = Wire::with_args("dns", ZONE);
    let asked = [0xc0, 0x0c];
    let v6 = b"\x20\x01\x0d\xb8\0\0\0\0\0\0\0\0\0\0\0\x01";
    let v4 = |owner: &[u8]| [record(owner, A, &[192, 0, 2, 1]), record(owner, A, &[192, 0, 2, 2])].concat();
    let alias = record(&asked, CNAME, &name("example.org"));
    for (of, kind, flags, count, records) in [
        ("example.org", A, 0x8500, 2, v4(&asked)),
        ("EXAMPLE.oRg", AAAA, 0x8500, 1, record(&asked, AAAA, v6)),
        ("example.org", 255, 0x8500, 3, [v4(&asked), record(&asked, AAAA, v6)].concat()),
        ("example.org", MX, 0x8500, 0, vec![]),
        ("www.example.org", A, 0x8500, 3, [&alias[..], &v4(&name("example.org"))].concat()),
        ("www.example.org", CNAME, 0x8500, 1, alias.clone()),
        ("out.example", A, 0x8500, 1, record(&asked, CNAME, &name("elsewhere.example"))),
        ("org", A, 0x8500, 0, vec![]),
        ("nope.example.org", A, 0x8503, 0, vec![]),
        ("", A, 0x8500, 0, vec![]),
        ("net", A, 0x8503, 0, vec![]),
        ("example.org", 252, 0x8105, 0, vec![]),
    ] {
        assert_eq!(dns(&mut wire, &ask_for(of, kind)), (flags, [1, count, 0, 0], records), "{of} {kind}");
    }
    wire.arrive(&ask_for("EXAMPLE.oRg", A));
    assert_eq!(wire.sent[14..27], name("EXAMPLE.oRg"), "the question comes back as it was");
}

#[test]
fn dns_refuses_what_it_cannot_read_or_do() {
    let mut wire = Wire::with_args("dns", ZONE);
    let asked = question("example.org", A);
    let opt = |version: u8, flags: u8| [0, 0, 41, 4, 0, 0, version, flags, 0, 0, 0];
    let told = |code: u8, flags: u8| vec![0, 0, 41, 4, 208, code, 0, flags, 0, 0, 0];
    let long = [&name(&vec!["x".repeat(63); 4].join("."))[..], &[0, 1, 0, 1]].concat();
    for (request, flags, counts, rest) in [
        (query(0x2000, [1, 0, 0, 0], &asked), 0xa004, [0; 4], vec![]),
        (query(0x2900, [1, 0, 0, 0], b""), 0xa904, [0; 4], vec![]),
        (query(0, [0, 0, 0, 0], b""), 0x8001, [0; 4], vec![]),
        (query(0, [2, 0, 0, 0], &[&asked[..], &asked].concat()), 0x8001, [0; 4], vec![]),
        (query(0, [1, 0, 0, 0], &asked[..asked.len() - 1]), 0x8001, [0; 4], vec![]),
        (query(0, [1, 0, 0, 0], b"\xc0\x0c\0\x01\0\x01"), 0x8001, [0; 4], vec![]),
        (query(0, [1, 0, 0, 0], b"\x40x\0\0\x01\0\x01"), 0x8001, [0; 4], vec![]),
        (query(0, [1, 0, 0, 0], &long), 0x8001, [0; 4], vec![]),
        (query(0, [1, 0, 0, 1], &asked), 0x8001, [1, 0, 0, 0], vec![]),
        (query(0, [1, 1, 0, 0], &[&asked[..], &opt(0, 0)].concat()), 0x8001, [1, 0, 0, 0], vec![]),
        (query(0, [1, 0, 0, 2], &[&asked[..], &opt(0, 0), &opt(0, 0)].concat()), 0x8001, [1, 0, 0, 0], vec![]),
        (
            query(0x0110, [1, 0, 0, 1], &[&question("x", A)[..], &opt(0, 0x80)].concat()),
            0x8513,
            [1, 0, 0, 1],
            told(0, 0x80),
        ),
        (query(0, [1, 0, 0, 1], &[&asked[..], &opt(1, 0)].concat()), 0x8000, [1, 0, 0, 1], told(1, 0)),
        (query(0, [1, 0, 0, 0], &[&name("example.org")[..], &[0, 1, 0, 3]].concat()), 0x8005, [1, 0, 0, 0], vec![]),
    ] {
        assert_eq!(dns(&mut wire, &request), (flags, counts, rest), "{}", request.escape_ascii());
    }
    for request in [&b"\0\x02ab"[..], &query(0x8000, [1, 0, 0, 0], &asked), b"\0\0"] {
        let mut wire = Wire::with_args("dns", ZONE);
        assert_eq!(wire.ask(request), "");
        assert!(wire.closed, "{}", request.escape_ascii());
    }
}

#[test]
fn dns_reads_pipelined_queries_at_every_split() {
    let queries = [ask_for("www.example.org", AAAA), ask_for("nope", A), ask_for("example.org", A)].concat();
    let answers = however_cut_with("dns", ZONE, &queries);
    assert_eq!(answers.matches("\\xab\\xcd").count(), 3);
}

// ---- @modbus --------------------------------------------------------------------------------------------

/// The unit, function and data of the answer to these, in hex.
fn modbus(wire: &mut Wire, request: &str) -> String {
    let bytes = request.split(' ').map(|byte| u8::from_str_radix(byte, 16).unwrap()).collect::<Vec<_>>();
    wire.arrive(&[&[0x12, 0x34, 0, 0, 0, bytes.len() as u8][..], &bytes].concat());
    let answer = std::mem::take(&mut wire.sent);
    assert_eq!(answer[..5], [0x12, 0x34, 0, 0, 0]);
    assert_eq!(usize::from(answer[5]), answer.len() - 6);
    answer[6..].iter().map(|byte| format!("{byte:02x}")).collect::<Vec<_>>().join(" ")
}

#[test]
fn modbus_reads_and_writes_its_tables() {
    let mut wire = Wire::open("modbus");
    for (request, answer) in [
        ("01 03 00 00 00 02", "01 03 04 00 00 00 00"),
        ("07 06 00 0a 12 67", "07 06 00 0a 12 67"),
        ("01 03 00 09 00 02", "01 03 04 00 00 12 67"),
        ("01 04 00 0a 00 01", "01 04 02 00 00"),
        ("01 05 00 03 ff 00", "01 05 00 03 ff 00"),
        ("01 01 00 00 00 09", "01 01 02 08 00"),
        ("01 02 00 03 00 01", "01 02 01 00"),
        ("01 05 00 03 00 00", "01 05 00 03 00 00"),
        ("01 0f ff f6 00 0a 02 cd 01", "01 0f ff f6 00 0a"),
        ("01 01 ff f6 00 0a", "01 01 02 cd 01"),
        ("01 01 ff f7 00 03", "01 01 01 06"),
        ("01 10 ff fe 00 02 04 00 01 ff ff", "01 10 ff fe 00 02"),
        ("01 03 ff fe 00 02", "01 03 04 00 01 ff ff"),
        ("01 06 00 04 00 12", "01 06 00 04 00 12"),
        ("01 16 00 04 00 f2 00 25", "01 16 00 04 00 f2 00 25"),
        ("01 03 00 04 00 01", "01 03 02 00 17"),
        ("01 17 00 04 00 02 00 05 00 01 02 ab cd", "01 17 04 00 17 ab cd"),
    ] {
        assert_eq!(modbus(&mut wire, request), answer, "{request}");
    }
}

#[test]
fn modbus_answers_wrong_requests_with_exceptions() {
    let mut wire = Wire::open("modbus");
    for request in ["07", "2b 0e 01 00", "00", "80", "ff"] {
        let function = u8::from_str_radix(&request[..2], 16).unwrap() | 0x80;
        assert_eq!(modbus(&mut wire, &format!("01 {request}")), format!("01 {function:02x} 01"), "{request}");
    }
    for (request, code) in [
        ("01 00 00 00 00", 3),
        ("01 00 00 07 d1", 3),
        ("02 00 00 00", 3),
        ("03 00 00 00 7e", 3),
        ("04 00 00 00 01 00", 3),
        ("05 00 00 00 01", 3),
        ("06 00 00 00", 3),
        ("0f 00 00 00 09 01 00", 3),
        ("0f 00 00 00 01 01", 3),
        ("0f 00 00 00 00 00 00", 3),
        ("10 00 00 00 01 02 00", 3),
        ("10 00 00 00 02 02 00 00", 3),
        ("16 00 00 00 00", 3),
        ("17 00 00 00 00 00 00 00 01 02 00 00", 3),
        ("17 00 00 00 01 00 00 00 01 02 00", 3),
        ("01 ff ff 00 02", 2),
        ("03 ff ff 00 02", 2),
        ("0f ff ff 00 02 01 00", 2),
        ("10 ff ff 00 02 04 00 00 00 00", 2),
        ("17 ff ff 00 02 00 00 00 01 02 00 09", 2),
        ("17 00 00 00 01 ff ff 00 02 04 00 09 00 09", 2),
    ] {
        let function = u8::from_str_radix(&request[..2], 16).unwrap() | 0x80;
        assert_eq!(modbus(&mut wire, &format!("01 {request}")), format!("01 {function:02x} {code:02x}"), "{request}");
    }
    assert_eq!(modbus(&mut wire, "01 03 00 00 00 01"), "01 03 02 00 00", "nothing was written");
    for head in [b"\0\x01\0\x01\0\x06", b"\0\x01\0\0\0\x01", b"\0\x01\0\0\0\xff", b"GET / "] {
        let mut wire = Wire::open("modbus");
        assert_eq!(wire.ask(head), "");
        assert!(wire.closed, "{}", head.escape_ascii());
    }
}

#[test]
fn modbus_reads_requests_at_every_split() {
    let requests =
        b"\0\x01\0\0\0\x06\x01\x06\0\x02\x01\x02\0\x02\0\0\0\x06\x01\x03\0\x02\0\x01\0\x03\0\0\0\x02\x01\x07";
    let wanted =
        b"\0\x01\0\0\0\x06\x01\x06\0\x02\x01\x02\0\x02\0\0\0\x05\x01\x03\x02\x01\x02\0\x03\0\0\0\x03\x01\x87\x01";
    assert_eq!(however_cut_with("modbus", &[], requests), wanted.escape_ascii().to_string());
}

#[test]
fn modbus_begins_with_the_values_of_a_file() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("pump.json");
    let text = r#"{"coils": {"0": true, "7": 1, "8": false}, "discrete_inputs": [1, 0, 1], "size": 300,
        "holding_registers": {"100": 65535, "200": [1, -2]}, "input_registers": {"299": 2200}}"#;
    std::fs::write(&path, text).unwrap();
    let mut wire = Wire::with_args("modbus", &[path.to_str().unwrap()]);
    for (request, answer) in [
        ("01 01 00 00 00 09", "01 01 02 81 00"),
        ("01 02 00 00 00 04", "01 02 01 05"),
        ("01 03 00 64 00 01", "01 03 02 ff ff"),
        ("01 03 00 c8 00 03", "01 03 06 00 01 ff fe 00 00"),
        ("01 04 01 2b 00 01", "01 04 02 08 98"),
        ("01 04 01 2b 00 02", "01 84 02"),
    ] {
        assert_eq!(modbus(&mut wire, request), answer, "{request}");
    }
}

// ---- @syslog --------------------------------------------------------------------------------------------

/// What is printed for these bytes, however they are cut.
fn syslog(args: &[&str], bytes: &[u8]) -> Vec<String> {
    however_cut_with("syslog", args, bytes).lines().map(str::to_owned).collect()
}

const NEW: &[u8] = "<34>1 2003-10-11T22:14:15.003Z host.example.com su 77 ID47 [a@1 k=\"v\\\"\\]\\\\\" l=\"\"][b] \u{feff}'su root' failed\n"
    .as_bytes();
const OLD: &[u8] = b"<34>Oct 11 22:14:15 mymachine su[7]: 'su root' failed\r\n";

#[test]
fn syslog_prints_messages_of_both_framings_at_every_split() {
    let new = r#"2003-10-11T22:14:15.003Z host.example.com su[77] auth.crit ID47 [a@1 k="v\"\]\\" l=""][b]: 'su root' failed"#;
    let old = "Oct 11 22:14:15 mymachine su[7] auth.crit: 'su root' failed";
    let counted = |message: &[u8]| [format!("{} ", message.len()).as_bytes(), message].concat();
    let end = |message: &'static [u8]| message.trim_ascii_end();
    let none = b"<165>1 2003-10-11T22:14:15Z - - - - -\0";
    let all = [NEW, OLD, b"\n\0\n", &counted(end(NEW)), &counted(end(OLD)), b"\n", none].concat();
    let wanted = [new, old, new, old, "2003-10-11T22:14:15Z 127.0.0.1 - local4.notice: "];
    assert_eq!(syslog(&[], &all), wanted);
    assert_eq!(
        syslog(&["text"], b"<13>2026-11-26T23:48:51.2+00:00 vm root: x\n"),
        ["2026-11-26T23:48:51.2+00:00 vm root user.notice: x"]
    );
}

#[test]
fn syslog_keeps_messages_that_are_not_well_formed() {
    for (message, shown) in [
        (&b"<14>app[9]: hi"[..], "127.0.0.1 app[9] user.info: hi"),
        (b"<14>no tag", "127.0.0.1 - user.info: no tag"),
        (b"<192>x", "127.0.0.1 - user.notice: <192>x"),
        (b"<007>x", "127.0.0.1 - user.notice: <007>x"),
        (b"plain: text", "127.0.0.1 - user.notice: plain: text"),
        (b"2026-01 text", "127.0.0.1 - user.notice: 2026-01 text"),
        (b"<14>1 - - - - [a", "127.0.0.1 - user.info: 1 - - - - [a"),
        (
            b"<0>a\x1b[2J\x7f\xc2\x9b\xe2\x80\xae\tb\xff",
            "127.0.0.1 - kern.emerg: a\\x1b[2J\\x7f\\x9b\\u202e\\x09b\u{fffd}",
        ),
    ] {
        let mut wire = Wire::open("syslog");
        wire.arrive(&[message, b"\n"].concat());
        let (_, rest) = wire.printed.split_once(' ').unwrap();
        assert_eq!(rest, format!("{shown}\n"));
    }
    let mut wire = Wire::open("syslog");
    wire.arrive(b"11 <13>a\nb\r\n\0c");
    assert!(wire.printed.ends_with(" - user.notice: a\\x0ab\\x0d\\x0a\\x00c\n"), "{}", wire.printed);
    wire.arrive(b"<13>without an end");
    wire.give(Event::Closed(CloseReason::Eof));
    assert!(wire.printed.ends_with(" - user.notice: without an end\n"), "{}", wire.printed);
}

#[test]
fn syslog_prints_json() {
    let mut wire = Wire::with_args("syslog", &["json"]);
    wire.arrive(NEW);
    wire.arrive(b"<14>app: \xc2\x9b\"\n");
    let lines: Vec<serde_json::Value> = wire.printed.lines().map(|line| serde_json::from_str(line).unwrap()).collect();
    let [new, old] = &lines[..] else { panic!("{lines:?}") };
    let mut new = new.clone();
    assert!(new.as_object_mut().unwrap().remove("received").is_some_and(|time| time.is_string()));
    let wanted = serde_json::json!({
        "app": "su", "data": {"a@1": {"k": "v\"]\\", "l": ""}, "b": {}}, "facility": "auth", "format": "rfc5424",
        "from": "127.0.0.1:50001", "host": "host.example.com", "message": "'su root' failed", "msgid": "ID47",
        "procid": "77", "severity": "crit", "timestamp": "2003-10-11T22:14:15.003Z",
    });
    assert_eq!(new, wanted);
    assert_eq!(old["message"], "\u{9b}\"");
    assert_eq!((&old["format"], &old["msgid"]), (&"rfc3164".into(), &serde_json::Value::Null));
    assert!(wire.printed.contains(r#""\u009b\"""#), "{}", wire.printed);
}

#[test]
fn syslog_limits_the_length_of_messages() {
    let longest = [&b"<14>"[..], &vec![b'x'; 65_532]].concat();
    for (bytes, lines) in [
        ([&longest[..], b"\n"].concat(), 2),
        ([b"65536 ", &longest[..]].concat(), 2),
        ([&longest[..], b"y"].concat(), 0),
        ([&longest[..], b"yz"].concat(), 0),
        (b"65537 ".to_vec(), 0),
        (b"12345678901 ".to_vec(), 0),
    ] {
        let mut wire = Wire::open("syslog");
        for piece in bytes.chunks(40_000) {
            wire.arrive(piece);
        }
        wire.arrive(b"z\n");
        assert_eq!(wire.printed.lines().count(), lines, "{}", bytes[..20.min(bytes.len())].escape_ascii());
        assert_eq!(wire.closed, lines == 0);
    }
}
