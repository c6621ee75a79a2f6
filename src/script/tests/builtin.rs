//! The built-in scripts, with events as from a session.

use std::collections::BTreeSet;
use std::path::Path;

use super::{Bench, conn, conn_in, data, print, send};
use crate::config::ScriptSource;
use crate::script::builtin;
use crate::session::{CloseReason, Command, Event, Form, Handler};

pub(super) fn open(name: &str) -> Bench {
    Bench::try_open(ScriptSource::Builtin(name.into())).unwrap_or_else(|message| panic!("{message}"))
}

#[test]
fn the_list_contains_every_file_and_its_description() {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("scripts");
    let name = |entry: std::io::Result<std::fs::DirEntry>| {
        entry.unwrap().path().file_stem().unwrap().to_string_lossy().into_owned()
    };
    let files: BTreeSet<_> = std::fs::read_dir(folder).unwrap().map(name).collect();
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
    assert_eq!(bench.handler.event_mask(&conn(1)).received, Some(Form::Text));
    assert_eq!(bench.start(), [print("等待一个新的客户端到来...")]);
    assert_eq!(bench.give(&c, Event::Opened), [print("一个新的客户端到来：('127.0.0.1', 54321)")]);
    for text in ["你好", "再见"] {
        let wanted = [print(&format!("客户端发过来的请求时：{text}")), send(4321, b"GoodBye MyLove!")];
        assert_eq!(bench.give(&c, Event::Text(text.into())), wanted);
    }
    assert!(!bench.handler.event_mask(&conn(1)).eof, "our side closes by itself");
    let end = [print("已经服务完毕！"), print("等待一个新的客户端到来...")];
    assert_eq!(bench.give(&c, Event::Closed(CloseReason::Eof)), end);
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
