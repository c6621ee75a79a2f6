//! Framing and expectations, at the level of the handler.

use super::*;
use crate::codec::charset::Encoder;
use crate::codec::framing::{Endian, Framing, LengthHeader};
use crate::codec::{labels, work};
use crate::config::{Charset, Unencodable};
use crate::session::{ChosenForm, Handler, TimerCall};

fn chosen(body: &str) -> Option<ChosenForm> {
    let mut bench = Bench::load(&format!("fn on_connect(conn) {{ {body} }} fn on_frame(conn, frame) {{}}"));
    match bench.give(&conn_in(1, "gbk"), Event::Opened).pop() {
        Some(Command::SetForm(1, chosen)) => chosen,
        other => panic!("{body}: {other:?}"),
    }
}

#[test]
fn every_framing_has_its_options() {
    let gbk = encoding_rs::GBK;
    assert_eq!(chosen("conn.frame_none();"), Some(ChosenForm::Data));
    assert_eq!(chosen("conn.frame_fixed(3);"), Some(ChosenForm::Frames(Framing::Fixed(3))));
    assert_eq!(chosen("conn.frame_lines(80);"), Some(ChosenForm::Frames(Framing::Lines { encoding: gbk, max: 80 })));
    let blob = Framing::Delimiter { bytes: vec![0x0d, 0x0a], max: 1 << 20 };
    assert_eq!(chosen(r#"conn.frame_delim(hex("0d0a"));"#), Some(ChosenForm::Frames(blob)));
    let text = Framing::Text { text: "。".into(), bytes: vec![0xa1, 0xa3], encoding: gbk, max: 9 };
    assert_eq!(chosen(r#"conn.frame_delim("。", 9);"#), Some(ChosenForm::Frames(text)));
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
    assert_eq!(chosen(&format!("conn.frame_length({options});")), Some(ChosenForm::Frames(Framing::Length(header))));
}

#[test]
fn lines_are_text_where_on_line_takes_them() {
    let mut bench = Bench::load("fn on_connect(conn) { conn.frame_lines(512); } fn on_line(conn, line) {}");
    let wanted = Command::SetForm(1, Some(ChosenForm::Lines { max: 512 }));
    assert_eq!(bench.give(&conn(1), Event::Opened), [wanted]);
}

#[test]
fn wrong_framing_options_are_reported() {
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
fn frame_size_measures_frames_for_on_frame() {
    let mut bench = Bench::load(
        r"fn frame_size(conn, buf) { if buf.len() < 1 { 0 } else { buf[0] + 1 } }
        fn on_frame(conn, frame) { print(frame.hex()); }",
    );
    assert_eq!(bench.handler.event_mask(&conn(1)).received, Some(crate::session::Form::Measured));
    let conn = conn(1);
    assert_eq!(bench.give(&conn, Event::Measure(vec![2, 1])), [Command::Cut(1, 3)]);
    assert_eq!(bench.give(&conn, Event::Frame(vec![2, 1, 0])), [print("020100")]);
    let mut wrong = Bench::load("fn frame_size(conn, buf) { -1 } fn on_frame(conn, frame) {}");
    assert!(wrong.fail(&conn, Event::Measure(vec![1])).contains("frame_size gave -1"));
}

#[test]
fn expected_patterns_match_once_and_in_order() {
    let bench = Bench::load(
        r#"fn on_connect(conn) {
            conn.expect("login: ", |c, m| { c.send("me"); c.expect(hex("0a"), |c, m| print(m.before.text())); });
        }
        fn on_data(conn, data) { print("data " + data.text()); }"#,
    );
    let conn = conn(1);
    let mut run = Run::start(bench, conn);
    assert_eq!(run.give(b"hello, log"), "");
    assert_eq!(run.give(b"in: wel"), "send me");
    assert_eq!(run.give(b"come\nmore"), "welcome / data more");
}

#[test]
fn an_expectation_times_out() {
    let mut bench = Bench::load(
        r#"fn on_connect(conn) { conn.frame_fixed(2); conn.expect("x", 10, |c, m| print(`late ${m.timeout}`)); }
           fn on_data(conn, data) {}"#,
    );
    let conn = conn(1);
    bench.give(&conn, Event::Opened);
    let mut out = Vec::new();
    let TimerCall { conn: id, result } =
        bench.handler.handle_timeout(Instant::now() + Duration::from_millis(20), &mut out).unwrap();
    assert!(id == Some(1) && result.is_ok());
    let framing = Some(ChosenForm::Frames(Framing::Fixed(2)));
    assert_eq!(out, [print("late true"), Command::SetForm(1, framing)]);
    assert_eq!(bench.handler.deadline(), None);
}

/// The output of the callbacks of `expect`, and the bytes left for other handlers, for data in these chunks.
fn expected_of(body: &str, label: &str, pieces: &[&[u8]]) -> (Vec<String>, Vec<u8>) {
    let bench = Bench::load(&format!("fn on_connect(conn) {{ {body} }} fn on_data(conn, data) {{}}"));
    let mut run = Run::start(bench, conn_in(1, label));
    let printed: Vec<_> = pieces.iter().map(|piece| run.give(piece)).filter(|text| !text.is_empty()).collect();
    let printed = printed.join(" / ");
    (printed.split_terminator(" / ").map(str::to_owned).collect(), run.data)
}

/// Checks the result for the whole, every two-way split and byte by byte.
fn expects(body: &str, label: &str, bytes: &[u8], printed: &[&str], left: &[u8]) {
    let wanted = (printed.iter().map(|text| (*text).to_owned()).collect::<Vec<_>>(), left.to_vec());
    for at in 0..=bytes.len() {
        assert_eq!(expected_of(body, label, &[&bytes[..at], &bytes[at..]]), wanted, "cut at {at}");
    }
    assert_eq!(expected_of(body, label, &bytes.chunks(1).collect::<Vec<_>>()), wanted, "byte by byte");
}

#[test]
fn a_regex_is_found_at_every_split() {
    let body = r#"conn.expect(re("(?m)^(?<code>\\d{3}) ([^\r\n]*)\r\n"), |c, m| {
        print(`${m.before.len()} ${m.start} ${m.end} ${m.matched.len()} ${m.groups[1]} ${m.groups[2]} ${m.names.code}`);
        c.expect(re("a|(b)"), |c, m| print(`${m.groups} ${m.before}.`));
    })"#;
    let bytes = b"220-hello\r\n220 ready now\r\nxx ab";
    expects(body, "utf-8", bytes, &["11 11 26 15 220 ready now 220", r#"["a", ()] xx ."#], b"b");
}

#[test]
fn a_regex_for_bytes_gives_bytes() {
    let body =
        r#"conn.expect(re("(?s-u)\\xff(..)\\xfe"), |c, m| print(`${m.before.hex()} ${m.groups[1].hex()} ${m.end}`))"#;
    expects(body, "gbk", b"\x80\xff\x00\n\xfe\xfe", &["80 000a 5"], b"\xfe");
}

#[test]
fn text_is_expected_in_the_encoding_of_the_connection() {
    // The second byte of 亅 is the ASCII code of |.
    let body = r#"conn.expect(re("(\\p{Han}+)\\|(\\d+)\n"), |c, m| {
        print(`${m.before}/${m.groups}/${m.start}/${m.end}`);
        c.expect("好", |c, m| print(`${m.before}${m.matched} ${m.end}`));
    })"#;
    let text = encoding_rs::GBK.encode("x 亅你|42\n大家好!").0.into_owned();
    expects(body, "gbk", &text, &[r#"x /["亅你|42\n", "亅你", "42"]/2/10"#, "大家好 6"], b"!");
}

#[test]
fn a_regex_matches_as_soon_as_possible() {
    let body = r#"conn.expect(re("\\d+"), |c, m| print(m.matched))"#;
    assert_eq!(expected_of(body, "utf-8", &[b"12", b"3"]), (vec!["12".to_owned()], b"3".to_vec()));
    assert_eq!(expected_of(body, "utf-8", &[b"123"]), (vec!["123".to_owned()], b"".to_vec()));
}

#[test]
fn a_large_pattern_has_a_smaller_search_limit() {
    let mut bench = Bench::load(
        r#"fn on_connect(conn) {
            conn.expect(re("a[bc]{1000}"), |c, m| ());
            conn.expect("x", |c, m| ());
        }"#,
    );
    let conn = conn(1);
    let given = bench.give(&conn, Event::Opened);
    let [Command::SetForm(1, Some(ChosenForm::Searched(search)))] = &given[..] else { panic!("{given:?}") };
    let max = search.max();
    assert!(max < 1 << 20 && max > 10_000, "{max}");
}

#[test]
fn patterns_that_match_nothing_are_refused() {
    let message = "expect: this pattern matches nothing at all, so it would not wait for anything";
    for pattern in [r#""""#, "blob()", r#"re("x*")"#, r#"re("$")"#] {
        assert_eq!(Bench::eval_error(&format!("conn.expect({pattern}, |c, m| ())")), message, "{pattern}");
    }
    assert_eq!(Bench::eval_error("conn.expect(7, |c, m| ())"), "expect takes a string, a blob or a regex, not int");
}

#[test]
fn framing_without_a_handler_of_frames_is_refused() {
    for (call, others) in [
        ("conn.frame_fixed(3)", "on_frame or on_data"),
        ("conn.frame_delim(\"|\")", "on_line, on_frame or on_data"),
        ("conn.frame_length(#{size: 2})", "on_frame or on_data"),
        ("conn.frame_lines()", "on_line, on_frame or on_data"),
    ] {
        let mut bench = Bench::load(&format!("fn on_connect(conn) {{ {call}; }} fn on_text(conn, text) {{}}"));
        let message = bench.fail(&conn(1), Event::Opened);
        assert!(message.contains(&format!(" without {others}: nobody would get what it cuts")), "{message}");
    }
}

#[test]
fn parameters_of_callbacks_are_optional() {
    let calls = ["|| print(1)", "|c| print(c.id)", "|c, m| print(c.id)", "one", "two"];
    for call in calls {
        let script = format!(
            "fn one(c) {{ print(c.id) }} fn two(c, m) {{ print(c.id) }} fn two(a, b, c) {{}}
             fn on_connect(conn) {{ conn.expect(\"x\", {call}); }} fn on_data(conn, data) {{}}"
        );
        let mut run = Run::start(Bench::load(&script), conn(1));
        assert_eq!(run.give(b"x"), "1", "{call}");
    }
    for (call, name) in [("conn.expect(\"x\", |a, b, c| 1)", "expect"), ("conn.after(0, |a, b| 1)", "after")] {
        let mut bench = Bench::load(&format!("fn on_connect(conn) {{ {call}; }} fn on_data(conn, data) {{}}"));
        let message = if name == "after" {
            bench.give(&conn(1), Event::Opened);
            let fired = bench.handler.handle_timeout(Instant::now(), &mut Vec::new()).unwrap();
            format!("{:?}", fired.result.unwrap_err())
        } else {
            Run::start(bench, conn(1)).give(b"x")
        };
        let (has, most) = if name == "after" { (2, 1) } else { (3, 2) };
        let wanted = format!("the function given to {name} has {has} parameters and gets {most} at most");
        assert!(message.contains(&wanted), "{message}");
    }
}

#[test]
fn an_expectation_unmet_at_the_end_gets_the_received_data() {
    let bench = Bench::load(
        r#"fn on_connect(conn) {
               conn.expect("login:", 500, |c, m| print(`${m.eof} ${m.timeout} ${m.before}`));
               conn.expect(hex("00"), |c, m| print(`${m.eof} ${m.before.len()}`));
           }
           fn on_line(conn, line) {}"#,
    );
    let mut run = Run::start(bench, conn_in(1, "gbk"));
    assert_eq!(run.give(b"\xc4\xe3\xba"), "");
    assert_eq!(run.finish(), "true false 你\u{fffd} / true 0");
    assert!(run.bench.handler.deadline().is_none(), "nothing is waited for any more");
}

#[test]
fn a_peer_that_sends_byte_by_byte_is_measured_after_a_silence() {
    let bench = Bench::load(
        r#"fn frame_size(conn, buf) { buf.find("\n") + 1 }
        fn on_frame(conn, frame) { print(frame.len()); }"#,
    );
    let mut run = Run::start(bench, conn(1));
    let long = 40_000;
    let ((), work) = work::of(|| {
        for _ in 0..long {
            assert_eq!(run.give(b"x"), "");
        }
    });
    assert!(work < 4096 * 4096 + 33 * long, "{work} bytes are shown");
    assert_eq!(run.give(b"\n"), "");
    assert_eq!(run.wait(), "40001");
    // What comes in large pieces is measured at once.
    let mut line = vec![b'x'; 40_000];
    assert_eq!(run.give(&line), "");
    line.push(b'\n');
    assert_eq!(run.give(&line), "80001");
}

/// What an expectation of a text, of a regex and of bytes costs, for chunks of this size.
#[test]
fn every_byte_is_searched_once_however_it_comes() {
    for label in ["utf-8", "gbk", "gb18030", "big5", "shift_jis", "euc-kr", "iso-2022-jp", "utf-16le", "windows-1251"] {
        let Ok(Charset::Named(encoding)) = labels::lookup(label) else { panic!("{label}") };
        let encode = |text: &str| Encoder::new(encoding, Unencodable::Replace).encode_whole(text).unwrap();
        for wanted in [r#""zz""#, r#"re("z{2}\\d")"#, r#"re("(?m)^zz$")"#, "bytes(\"zz\")", "\"\u{434}!\""] {
            for unit in ["|", "z ", "\u{434}"] {
                let bytes = encode(unit).repeat((16 << 10) / encode(unit).len());
                for piece in [1, 100, bytes.len()] {
                    let bench = Bench::load(&format!(
                        "fn on_connect(conn) {{ conn.expect({wanted}, |c, m| print(`${{m}}`)); }} fn on_data(c, d) {{}}"
                    ));
                    let mut run = Run::start(bench, conn_in(1, label));
                    let ((), work) = work::of(|| {
                        for bytes in bytes.chunks(piece) {
                            assert_eq!(run.give(bytes), "");
                        }
                    });
                    let most = 5 * bytes.len() + 8 * bytes.len() / piece;
                    assert!(work <= most, "{wanted} in {label}, {unit:?} by {piece}: {work} of {}", bytes.len());
                }
            }
        }
    }
}

/// An expectation for each line of one long chunk, set by the one before or by `on_line`.
#[test]
fn expectations_set_anew_do_not_search_the_rest_again() {
    for label in ["utf-8", "gbk", "iso-2022-jp", "utf-16be"] {
        let Ok(Charset::Named(encoding)) = labels::lookup(label) else { panic!("{label}") };
        let line = Encoder::new(encoding, Unencodable::Fail).encode_whole("line |\n").unwrap();
        let count = 3000;
        let bytes = line.repeat(count);
        for wanted in [r#""\n""#, r#"re("[|]\\n")"#] {
            let again = format!(
                "fn next(c) {{ c.expect({wanted}, |c, m| {{ print(\".\"); next(c); }}); }}
                fn on_connect(c) {{ next(c); }} fn on_data(c, d) {{}}"
            );
            let between = format!(
                "fn next(c) {{ c.expect({wanted}, |c, m| print(\".\")); }}
                fn on_connect(c) {{ next(c); }} fn on_line(c, line) {{ print(\".\"); next(c); }}"
            );
            for script in [again, between] {
                let mut run = Run::start(Bench::load(&script), conn_in(1, label));
                let (told, work) = work::of(|| run.give(&bytes));
                assert_eq!(told.matches('.').count(), count);
                // A regex of which nothing is known yet is tried on everything, and stops at its match.
                let rest = if wanted.starts_with("re") { bytes.len() * count } else { 0 };
                assert!(work <= 6 * bytes.len() + rest, "{script}: {work} of {}", bytes.len());
            }
        }
    }
}
