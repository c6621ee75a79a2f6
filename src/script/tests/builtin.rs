//! The built-in scripts, with events as from a session.

use std::collections::BTreeSet;
use std::path::Path;

use super::{Bench, conn, conn_in, data, print, send};
use crate::config::ScriptSource;
use crate::script::builtin;
use crate::session::{CloseReason, Command, Event, Handler, RunEvent};

pub(super) fn open(name: &str) -> Bench {
    Bench::try_open(ScriptSource::Builtin(name.into())).unwrap_or_else(|message| panic!("{message}"))
}

#[test]
fn the_list_contains_every_file_and_its_description() {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("scripts");
    let paths = std::fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path());
    let files: BTreeSet<_> = paths
        .filter(|path| path.is_file())
        .map(|path| path.file_stem().unwrap().to_string_lossy().into_owned())
        .collect();
    let listed: BTreeSet<_> = builtin::list().map(|(name, _)| name.to_owned()).collect();
    assert_eq!(files, listed);
    for (name, description) in builtin::list() {
        assert!(description.len() > 20 && !description.starts_with('/'), "{name}: {description}");
        assert!(builtin::find(name).unwrap().contains(&format!("--script @{name}")), "{name} shows its use");
        assert!(open(name).handler.warnings().is_empty());
    }
    assert_eq!(builtin::find("nope"), None);
}

#[test]
fn goodbye_prints_and_sends_its_lines() {
    let mut bench = open("goodbye");
    let c = conn_in(4321, "gbk");
    assert_eq!(bench.start(), [], "it waits once it is bound");
    let address: std::net::SocketAddr = "127.0.0.1:45586".parse().unwrap();
    let mut out = Vec::new();
    bench.handler.handle_run(RunEvent::Listening { listener: None, address: address.into() }, &mut out).unwrap();
    assert_eq!(out, [print("等待一个新的客户端到来...")]);
    assert_eq!(bench.give(&c, Event::Opened), [print("一个新的客户端到来：('127.0.0.1', 54321)")]);
    for (bytes, text) in [(b"\xc4\xe3\xba\xc3", "你好"), (b"\xd4\xd9\xbc\xfb", "再见")] {
        assert_eq!(bench.give(&c, data(bytes)), answered(4321, text));
    }
    assert!(!bench.handler.event_mask(&conn(1)).eof, "our side closes by itself");
    let end = [print("已经服务完毕！"), print("等待一个新的客户端到来...")];
    assert_eq!(bench.give(&c, Event::Closed(CloseReason::Eof)), end);
}

fn answered(id: u64, text: &str) -> [Command; 2] {
    [print(&format!("客户端发过来的请求时：{text}")), send(id, b"GoodBye MyLove!")]
}

#[test]
fn goodbye_answers_every_chunk_in_whatever_encoding() {
    let mut bench = open("goodbye");
    for (label, chunks) in [
        // 浣 in GBK begins like a longer character of UTF-8.
        ("utf-8", &[(&b"\xe4\xbd"[..], "\\xe4\\xbd"), (b"\xc4\xe3\n", "\\xc4\\xe3\\x0a"), (b"ok", "ok")][..]),
        ("utf-8", &[(b"a\xe4\xbd", "a"), (b"\xa0b", "你b"), (b"\xff", "\\xff")]),
        ("gbk", &[(b"\xe4\xbd", "浣"), (b"\xc4\xe3\xba", "你"), (b"\xc3", "好"), (b"\xff\xff", "\\xff\\xff")]),
    ] {
        let c = conn_in(1, label);
        bench.give(&c, Event::Opened);
        for (bytes, text) in chunks {
            assert_eq!(bench.give(&c, data(bytes)), answered(1, text), "{label} {bytes:?}");
        }
    }
    let c = conn(1);
    bench.give(&c, Event::Opened);
    let shown = format!("{}...", "\\xff".repeat(200));
    assert_eq!(bench.give(&c, data(&[0xff; 5000])), answered(1, &shown));
    let c = conn_in(2, "gbk");
    bench.give(&c, Event::Opened);
    assert_eq!(bench.give(&c, data(b"a\xc4")), answered(2, "a"));
    let end = bench.give(&c, Event::Closed(CloseReason::Eof));
    assert_eq!(end[0], print("客户端发过来的请求时：\\xc4"), "nothing that came is left out");
}

#[test]
fn echo_and_discard() {
    assert_eq!(open("echo").give(&conn(1), data(b"\x00\xff")), [send(1, b"\x00\xff")]);
    assert_eq!(open("discard").give(&conn(1), data(b"x")), []);
}

#[test]
fn upper_and_lines_answer_in_the_connections_encoding() {
    assert_eq!(
        open("upper").give(&conn_in(1, "koi8-r"), Event::Text("да é?".replace('é', "x"))),
        [send(1, b"\xe4\xe1 X?")]
    );
    let mut bench = open("lines");
    let c = conn_in(1, "gbk");
    assert_eq!(bench.give(&c, Event::Line("你".into())), [send(1, b"1: \xc4\xe3\n")]);
    assert_eq!(bench.give(&c, Event::Line(String::new())), [send(1, b"2: \n")]);
    assert_eq!(bench.give(&conn(2), Event::Line("x".into())), [send(2, b"1: x\n")]);
}

#[test]
fn a_character_that_the_encoding_does_not_have_is_answered_as_a_question_mark() {
    let answer = |name: &str, event: Event| {
        let (mut bench, c) = (open(name), conn_in(1, "gbk"));
        bench.give(&c, Event::Opened);
        bench.give(&c, event)
    };
    assert_eq!(answer("upper", Event::Text("ŉ a\u{fffd}😀".into())), [send(1, b"?N A??")]);
    assert_eq!(answer("lines", Event::Line("\u{fffd}".into())), [send(1, b"1: ?\n")]);
}

#[test]
fn chargen_rotates_its_lines_and_waits_for_slow_readers() {
    let mut bench = open("chargen");
    bench.start();
    let c = conn(1);
    let first = bench.give(&c, Event::Opened);
    let Command::Send(1, block) = &first[0] else { panic!("{first:?}") };
    let lines: Vec<_> = block.split_inclusive(|byte| *byte == b'\n').collect();
    assert_eq!(lines.len(), 95);
    assert!(lines.iter().all(|line| line.len() == 74 && line.ends_with(b"\r\n")));
    assert!(
        lines[0].starts_with(b"!\"#$%&'()*") && lines[1].starts_with(b"\"#$%&'()*+") && lines[94].starts_with(b" !\"")
    );
    assert!((32 << 10..64 << 10).contains(&c.info.queued()), "{}", c.info.queued());
    assert_eq!(bench.give(&c, Event::Drained), [], "still full");
    c.info.pretend_queued(0);
    assert_eq!(bench.give(&c, Event::Drained).len(), first.len());
    assert_eq!(bench.give(&c, data(b"x")), []);
    c.info.pretend_shut_down();
    c.info.pretend_queued(0);
    assert_eq!(bench.give(&c, Event::Drained), []);
}

#[test]
fn daytime_and_time_answer_and_close() {
    let answer = open("daytime").give(&conn(1), Event::Opened);
    assert!(
        matches!(&answer[..], [Command::Send(1, line), Command::Close(1)] if line.ends_with(b"\r\n") && line.len() > 25),
        "{answer:?}"
    );
    // RFC 868 counts from 1900.
    let now = || std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH).unwrap().as_secs() + 2_208_988_800;
    let before = now();
    let answer = open("time").give(&conn(1), Event::Opened);
    let [Command::Send(1, wire), Command::Close(1)] = &answer[..] else { panic!("{answer:?}") };
    let seconds = u32::from_be_bytes(wire.as_slice().try_into().unwrap());
    assert!((before..=now()).contains(&u64::from(seconds)), "{seconds}");
}
