//! Framing and expectations, at the level of the handler: what is chosen, and what comes of it.

use super::*;
use crate::codec::framing::{Endian, Framing, LengthHeader};
use crate::session::Cutting;

fn chosen(body: &str) -> Cutting {
    let mut bench = Bench::load(&format!("fn on_connect(conn) {{ {body} }}"));
    match bench.give(&conn_in(1, "gbk"), Event::Opened).pop() {
        Some(Command::SetCutting(1, cutting)) => cutting,
        other => panic!("{body}: {other:?}"),
    }
}

#[test]
fn every_framing_has_its_options() {
    let gbk = encoding_rs::GBK;
    assert_eq!(chosen("conn.frame_none();"), Cutting::None);
    assert_eq!(chosen("conn.frame_fixed(3);"), Cutting::Frames(Framing::Fixed(3)));
    assert_eq!(chosen("conn.frame_lines(80);"), Cutting::Frames(Framing::Lines { encoding: gbk, max: 80 }));
    let blob = Framing::Delimiter { bytes: vec![0x0d, 0x0a], max: 1 << 20 };
    assert_eq!(chosen(r#"conn.frame_delim(hex("0d0a"));"#), Cutting::Frames(blob));
    let text = Framing::Text { text: "。".into(), bytes: vec![0xa1, 0xa3], encoding: gbk, max: 9 };
    assert_eq!(chosen(r#"conn.frame_delim("。", 9);"#), Cutting::Frames(text));
    let header = LengthHeader {
        size: 2,
        endian: Endian::Little,
        offset: 1,
        adjust: -3,
        include_header: true,
        strip: false,
        max: 500,
    };
    let options =
        r#"#{size: 2, endian: "little", offset: 1, adjust: -3, include_header: true, strip: false, max: 500}"#;
    assert_eq!(chosen(&format!("conn.frame_length({options});")), Cutting::Frames(Framing::Length(header)));
}

#[test]
fn lines_are_text_where_on_line_takes_them() {
    let mut bench = Bench::load("fn on_connect(conn) { conn.frame_lines(512); } fn on_line(conn, line) {}");
    let wanted = Command::SetCutting(1, Cutting::Lines { max: 512 });
    assert_eq!(bench.give(&conn(1), Event::Opened), [wanted]);
}

#[test]
fn wrong_options_are_explained() {
    for (body, message) in [
        ("conn.frame_fixed(0)", "frame_fixed takes a size from 1 to 4194304, not 0"),
        (r#"conn.frame_delim("")"#, "frame_delim takes a delimiter that is not empty"),
        ("conn.frame_delim(7)", "frame_delim takes a string or a blob, not int"),
        ("conn.frame_length(#{})", "frame_length needs size"),
        ("conn.frame_length(#{size: 9})", "frame_length takes size from 1 to 8, not 9"),
        ("conn.frame_length(#{sise: 2})", "frame_length has no option sise (did you mean size?)"),
        (r#"conn.frame_length(#{size: 2, endian: "middle"})"#, r#"frame_length: endian is "big" or "little""#),
    ] {
        assert_eq!(Bench::eval_error(body), message, "{body}");
    }
}

#[test]
fn frames_go_to_on_frame_and_the_script_measures_them() {
    let mut bench = Bench::load(
        r"fn frame_size(conn, buf) { if buf.len() < 1 { 0 } else { buf[0] + 1 } }
        fn on_frame(conn, frame) { print(frame.hex()); }",
    );
    assert_eq!(bench.handler.interest(&conn(1)).received, Some(crate::session::Delivery::Measured));
    let conn = conn(1);
    assert_eq!(bench.give(&conn, Event::Measure(vec![2, 1])), [Command::Cut(1, 3)]);
    assert_eq!(bench.give(&conn, Event::Frame(vec![2, 1, 0])), [print("020100")]);
    let mut wrong = Bench::load("fn frame_size(conn, buf) { -1 } fn on_frame(conn, frame) {}");
    assert!(wrong.fail(&conn, Event::Measure(vec![1])).contains("frame_size gave -1"));
}

#[test]
fn what_is_expected_comes_once_and_in_order() {
    let mut bench = Bench::load(
        r#"fn on_connect(conn) {
            conn.expect("login: ", |c, m| { c.send("me"); c.expect(hex("0a"), |c, m| print(m.before.text())); });
        }
        fn on_data(conn, data) { print("data " + data.text()); }"#,
    );
    let conn = conn(1);
    let asked = Command::SetCutting(1, Cutting::Asked);
    assert_eq!(bench.give(&conn, Event::Opened), [asked]);
    assert_eq!(bench.give(&conn, Event::Measure(b"log".to_vec())), []);
    let found = bench.give(&conn, Event::Measure(b"hello, login: wel".to_vec()));
    assert_eq!(found, [Command::Skip(1, 14), send(1, b"me"), Command::SetCutting(1, Cutting::Asked)]);
    let back = Command::SetCutting(1, Cutting::None);
    let found = bench.give(&conn, Event::Measure(b"welcome\nmore".to_vec()));
    assert_eq!(found, [Command::Skip(1, 8), print("welcome"), back]);
}

#[test]
fn what_does_not_come_in_time_is_told() {
    let mut bench = Bench::load(
        r#"fn on_connect(conn) { conn.frame_fixed(2); conn.expect("x", 10, |c, m| print(`late ${m.timeout}`)); }"#,
    );
    let conn = conn(1);
    bench.give(&conn, Event::Opened);
    let mut out = Vec::new();
    let (id, result) = bench.handler.fire(Instant::now() + Duration::from_millis(20), &mut out).unwrap();
    assert!(id == Some(1) && result.is_ok());
    let framing = Cutting::Frames(Framing::Fixed(2));
    assert_eq!(out, [print("late true"), Command::SetCutting(1, framing)]);
    assert_eq!(bench.handler.deadline(), None);
}
