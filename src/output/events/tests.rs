//! Notices in, lines of JSON out.

use std::cell::Cell;
use std::os::unix::process::ExitStatusExt;
use std::process::ExitStatus;

use base64::Engine;
use base64::engine::general_purpose::STANDARD;

use super::*;
use crate::config::Text;
use crate::output::Totals;
use crate::session::{CloseReason, ConnView};

fn address(text: &str) -> Address {
    Address::Ip(text.parse().unwrap())
}

fn conn(start: Instant) -> ConnView {
    ConnView::new(7, address("[::1]:80"), address("[::1]:5000"), Side::Client, &Text::default(), start)
}

/// What a notice becomes 1.5 ms after the start.
fn shown(notice: &Notice<'_>) -> String {
    let start = Instant::now();
    let (mut events, lines) = Events::shared(start, SystemTime::UNIX_EPOCH);
    lines.borrow_mut().clear();
    let wall = Cell::new(None);
    events.notice(Moment::new(start + Duration::from_micros(1500), &wall), notice);
    assert_eq!(wall.get(), None, "nobody reads the wall clock for an event");
    String::from_utf8(lines.take()).unwrap()
}

fn parsed(line: &str) -> serde_json::Value {
    serde_json::from_str(line).unwrap_or_else(|error| panic!("{error}: {line}"))
}

#[test]
fn the_first_line_has_the_wall_clock() {
    let (_, lines) = Events::shared(Instant::now(), SystemTime::UNIX_EPOCH + Duration::from_micros(1_500_001));
    let version = env!("CARGO_PKG_VERSION");
    let line = format!(
        "{{\"time_us\":0,\"event\":\"start\",\"wall\":\"1970-01-01T00:00:01.500001Z\",\"version\":\"{version}\"}}\n"
    );
    assert_eq!(String::from_utf8(lines.take()).unwrap(), line);
}

#[test]
fn every_notice_has_its_line() {
    let conn = conn(Instant::now());
    conn.info.pretend_moved(5, 4);
    let took = Duration::from_micros(42);
    let (one, refused) = (address("[::1]:80"), "connection refused");
    let error = Error::Connect { target: "h:80".into(), cause: refused.into() };
    let cases = [
        (Notice::Listening { address: &one, listener: None }, r#""event":"listening","address":"[::1]:80""#),
        (
            Notice::Listening { address: &one, listener: Some(2) },
            r#""event":"listening","address":"[::1]:80","listener":2"#,
        ),
        (Notice::Resolving { conn: 7, host: "h" }, r#""conn":7,"event":"resolving","host":"h""#),
        (
            Notice::Resolved { conn: 7, host: "h", addresses: &[one.clone(), address("127.0.0.1:80")], took },
            r#""conn":7,"event":"resolved","host":"h","addresses":["::1","127.0.0.1"],"duration_us":42"#,
        ),
        (
            Notice::Dialing { conn: 7, target: "h:80", address: &one },
            r#""conn":7,"event":"dialing","target":"h:80","address":"[::1]:80""#,
        ),
        (
            Notice::AttemptFailed { conn: 7, address: &one, cause: refused },
            r#""conn":7,"event":"attempt_failed","address":"[::1]:80","cause":"connection refused""#,
        ),
        (
            Notice::Retry { conn: 7, error: Some(&error), pause: took, left: Some(2), is_news: false },
            r#""conn":7,"event":"retry","kind":"connect","message":"connect to h:80: connection refused","pause_us":42,"left":2"#,
        ),
        (
            Notice::Retry { conn: 7, error: None, pause: took, left: None, is_news: false },
            r#""conn":7,"event":"retry","pause_us":42"#,
        ),
        (
            Notice::Opened { conn: &conn, took: Some(took) },
            r#""conn":7,"event":"opened","side":"client","peer":"[::1]:80","local":"[::1]:5000","duration_us":42"#,
        ),
        (Notice::Ended { conn: &conn, direction: Direction::Out }, r#""conn":7,"event":"eof","dir":"out""#),
        (
            Notice::Error { conn: Some(7), error: &error, handled: false },
            r#""conn":7,"event":"error","kind":"connect","message":"connect to h:80: connection refused","handled":false"#,
        ),
        (
            Notice::Started { conn: &conn, program: "cat", pid: 12 },
            r#""conn":7,"event":"started","program":"cat","pid":12"#,
        ),
        (
            Notice::Exited { conn: &conn, program: "cat", status: ExitStatus::from_raw(9), code: 137 },
            r#""conn":7,"event":"exited","program":"cat","status":137"#,
        ),
        (Notice::Dropped { conn: &conn, queued: 9 }, r#""conn":7,"event":"dropped","queued":9"#),
        (Notice::Unwritten { name: "out.bin", queued: 9 }, r#""event":"unwritten","name":"out.bin","queued":9"#),
        (Notice::Unsent { conn: &conn, queued: 9 }, r#""conn":7,"event":"unsent","queued":9"#),
        (Notice::StdinLeft { conn: &conn }, r#""conn":7,"event":"stdin_left""#),
        (Notice::SentToNobody { conn: 7, name: "bob" }, r#""conn":7,"event":"sent_to_nobody","name":"bob""#),
        (
            Notice::AcceptPaused { address: &one, cause: "no room" },
            r#""event":"accept_paused","address":"[::1]:80","cause":"no room""#,
        ),
        (Notice::Log { conn: None, text: "x" }, r#""event":"log","text":"x""#),
        (Notice::Log { conn: Some((7, "web")), text: "x" }, r#""conn":7,"event":"log","text":"x","name":"web""#),
        (Notice::Write { bytes: b"a\xff" }, r#""event":"write","len":2,"base64":"Yf8=""#),
        (Notice::Print { text: "a\tb\n\n" }, r#""event":"print","text":"a\tb\n""#),
        (Notice::ScriptWarning { text: "odd" }, r#""event":"script_warning","message":"odd""#),
        (Notice::Reloaded { name: "f" }, r#""event":"reloaded","name":"f""#),
        (
            Notice::NotReloaded { name: "f", error: &error },
            r#""event":"not_reloaded","name":"f","message":"connect to h:80: connection refused""#,
        ),
        (
            Notice::Refused { peer: &one, local: &one, listener: Some(3), limit: None },
            r#""event":"refused","peer":"[::1]:80","local":"[::1]:80","listener":3"#,
        ),
        (Notice::Lost { conn: &conn, n: 3 }, r#""conn":7,"event":"lost","n":3"#),
        (Notice::Summary(Totals { refused: 2, lost: 1 }), r#""event":"summary","refused":2,"lost":1"#),
        (Notice::Signal { name: "TERM" }, r#""event":"signal","name":"TERM""#),
        (Notice::Exit { code: 143 }, r#""event":"exit","code":143"#),
    ];
    for (notice, fields) in cases {
        let line = shown(&notice);
        assert_eq!(line, format!("{{\"time_us\":1500,{fields}}}\n"));
        parsed(&line);
    }
    let closed = parsed(&shown(&Notice::Closed { conn: &conn, reason: CloseReason::Eof }));
    assert_eq!((&closed["reason"], &closed["bytes_in"], &closed["bytes_out"]), (&"eof".into(), &5.into(), &4.into()));
    assert!(closed["duration_us"].as_u64().is_some_and(|took| took >= 1500), "{closed}");
}

#[test]
fn bytes_are_base64_and_also_text_if_they_are_utf8() {
    let conn = conn(Instant::now());
    let data = |bytes: &[u8]| shown(&Notice::Bytes { conn: &conn, direction: Direction::In, tap: Tap::Plain, bytes });
    assert_eq!(
        data("hé\r\n".as_bytes()),
        "{\"time_us\":1500,\"conn\":7,\"event\":\"data\",\"dir\":\"in\",\"len\":5,\"text\":\"hé\\r\\n\",\"base64\":\"aMOpDQo=\"}\n"
    );
    assert_eq!(
        data(b"\xc3"),
        "{\"time_us\":1500,\"conn\":7,\"event\":\"data\",\"dir\":\"in\",\"len\":1,\"base64\":\"ww==\"}\n"
    );
    for length in 0..10 {
        let bytes: Vec<u8> = (0..length).map(|n| n * 27).collect();
        let line = parsed(&data(&bytes));
        assert_eq!(STANDARD.decode(line["base64"].as_str().unwrap()).unwrap(), bytes);
    }
    assert_eq!(shown(&Notice::Bytes { conn: &conn, direction: Direction::In, tap: Tap::Wire, bytes: b"x" }), "");
    assert_eq!(shown(&Notice::Moved { conn: &conn, direction: Direction::In, n: 1 }), "");
}

#[test]
fn strings_round_trip_without_control_characters() {
    for text in ["", "\"\\/", "\0\u{1b}[2J\u{7f}\u{9b}\u{2028}", "plain \u{1f600} text", "\r\n\t\u{8}"] {
        let line = shown(&Notice::Log { conn: None, text });
        assert_eq!(parsed(&line)["text"], *text);
        assert!(!line.trim_end_matches('\n').chars().any(char::is_control), "{line:?}");
    }
}

#[test]
fn a_file_gets_the_lines_and_a_failed_write_is_one_fault() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("events");
    std::fs::write(&path, "old").unwrap();
    let start = Instant::now();
    let mut events = Events::create(&path, start, SystemTime::UNIX_EPOCH).unwrap();
    assert_eq!(std::fs::read(&path).unwrap(), b"", "emptied before anything happens");
    events.flush();
    let wall = Cell::new(None);
    events.notice(Moment::new(start, &wall), &Notice::Exit { code: 0 });
    events.flush();
    assert_eq!(events.fault(), None);
    let text = std::fs::read_to_string(&path).unwrap();
    assert_eq!(text.lines().count(), 2);
    assert!(text.ends_with("\"event\":\"exit\",\"code\":0}\n"), "{text}");

    let mut full = Events::create(Path::new("/dev/full"), start, SystemTime::UNIX_EPOCH).unwrap();
    full.flush();
    let fault = Error::Write { target: "/dev/full".into(), cause: "no space left on device".into() };
    assert_eq!(full.fault(), Some(fault));
    full.notice(Moment::new(start, &wall), &Notice::Exit { code: 0 });
    full.flush();
    assert_eq!(full.fault(), None);
    let error = Events::create(&folder.path().join("no/such"), start, SystemTime::UNIX_EPOCH).unwrap_err();
    assert_eq!(error.exit().code(), 23);
}
