//! Handlers of listeners and of single connections, beside those of the script.

use super::*;
use crate::script::tests::network::load;
use crate::session::{ChosenForm, CloseReason, ConnError, ErrorKind, Form, Operation};

fn form(bench: &Bench, conn: &ConnView) -> Option<Form> {
    bench.handler.event_mask(conn).received
}

#[test]
fn a_listener_with_a_data_handler_uses_none_of_the_scripts() {
    for (own, wanted) in [
        ("on_data = |c, d| c.send(\"own\")", Form::Data),
        ("on_text = |c, d| c.send(\"own\")", Form::Text),
        ("on_line = |c, d| c.send(\"own\")", Form::Line),
        ("on_frame = |c, d| c.send(\"own\")", Form::Data),
    ] {
        for script in ["on_data(c, d)", "on_text(c, d)", "on_line(c, d)", "on_frame(c, d)", "frame_size(c, d)"] {
            let text =
                format!("fn on_start() {{ let s = listen(\":7\"); s.{own}; }} fn {script} {{ c.send(\"main\"); 0 }}");
            let mut bench = load(&text);
            bench.start();
            let conn = accepted_by(1, 7);
            assert_eq!(form(&bench, &conn), Some(wanted), "{text}");
            let event = match wanted {
                Form::Text => Event::Text("x".into()),
                Form::Line => Event::Line("x".into()),
                _ => data(b"x"),
            };
            assert_eq!(bench.give(&conn, event), [send(1, b"own")], "{text}");
        }
    }
}

#[test]
fn other_handlers_are_replaced_one_by_one() {
    let mut bench = load(
        r#"fn on_start() { let s = listen(":7"); s.on_close = || print("own close"); }
        fn on_connect(c) { print("main connect"); } fn on_close(c, why) { print("main close"); }
        fn on_line(c, line) { print("main line"); }"#,
    );
    bench.start();
    let conn = accepted_by(1, 7);
    assert_eq!(form(&bench, &conn), Some(Form::Line));
    assert_eq!(bench.give(&conn, Event::Opened), [print("main connect")]);
    assert_eq!(bench.give(&conn, Event::Line("x".into())), [print("main line")]);
    assert_eq!(bench.give(&conn, Event::Closed(CloseReason::Eof)), [print("own close")]);
}

#[test]
fn handlers_that_are_set_later_hold_for_later_connections() {
    let mut bench = load(
        r#"fn on_start() { app.s = listen(":7"); app.s.on_data = |c, d| c.send("old"); }
        fn on_stdin(line) { app.s.on_line = |c, d| c.send("new"); }"#,
    );
    bench.start();
    let (early, late) = (accepted_by(1, 7), accepted_by(2, 7));
    assert_eq!(form(&bench, &early), Some(Form::Data));
    bench.handler.handle_run(RunEvent::StdinLine(String::new()), &mut Vec::new()).unwrap();
    assert_eq!((form(&bench, &early), form(&bench, &late)), (Some(Form::Data), Some(Form::Line)));
    assert_eq!(bench.give(&early, data(b"x")), [send(1, b"old")]);
    assert_eq!(bench.give(&late, Event::Line("x".into())), [send(2, b"new")]);
}

#[test]
fn a_connection_that_is_made_has_handlers_of_its_own() {
    let mut bench = load(
        r#"fn on_start() {
            let greeting = "hello";
            connect("h:1", #{encoding: "gbk", on_connect: |c| c.send(greeting), on_data: |c, d| c.send("own"),
                on_error: |c, e| print("own " + e.kind)});
            connect("h:2");
        }
        fn on_line(c, line) { c.send("main"); } fn on_error(c, e) { print("main " + e.kind); }"#,
    );
    let out = bench.start();
    let [Command::Connect(own), Command::Connect(other)] = &out[..] else { panic!("{out:?}") };
    let (own, other) = (&own.view, &other.view);
    assert_eq!((form(&bench, own), form(&bench, other)), (Some(Form::Data), Some(Form::Line)));
    assert_eq!(bench.give(own, Event::Opened), [send(own.id, b"hello")]);
    assert_eq!(bench.give(own, data(b"x")), [send(own.id, b"own")]);
    assert_eq!(bench.give(other, Event::Line("x".into())), [send(other.id, b"main")]);
    let refused =
        || Event::Error(ConnError { kind: ErrorKind::Refused, op: Operation::Connect, message: String::new() });
    assert_eq!(bench.give(other, refused()), [print("main refused")]);
    assert_eq!(bench.give(own, refused()), [print("own refused")]);
}

#[test]
fn wrong_handlers_are_refused_where_they_are_set() {
    for (body, message) in [
        (r#"connect("h:1", #{on_dta: |c, d| 1})"#, "connect has no option on_dta (did you mean on_data?)"),
        (r#"connect("h:1", #{on_data: 5})"#, "connect: on_data is a function, not int"),
        (
            r#"connect("h:1", #{on_data: |a, b, c| 1})"#,
            "connect: on_data is called with (conn, data), and the function has 3 parameters",
        ),
        (
            r#"let s = listen(":7"); s.on_connect = |a, b| 1;"#,
            "listener.on_connect is called with (conn), and the function has 2 parameters",
        ),
    ] {
        let mut bench = load(&format!("fn on_connect(conn) {{ {body} }}"));
        let told = bench.fail(&conn(1), Event::Opened);
        assert!(told.contains(message), "{body}: {told}");
    }
    let mut bench = load("fn on_start() { let s = listen(\":7\"); s.on_data = |c| c.send(\"x\"); s.on_close = || 1; }");
    bench.start();
}

#[test]
fn listeners_are_compared() {
    let mut bench = load(
        r#"fn on_start() { let a = listen(":7"); let b = listen(":8"); print([a == a, a == b, a != b, a != a, a == 5]); }"#,
    );
    assert_eq!(bench.start(), [print("[true, false, true, false, false]")]);
}

#[test]
fn frame_none_means_chunks_for_who_takes_them() {
    let both = "fn on_frame(c, f) { c.send(\"frame\") } fn on_data(c, d) { c.send(\"data\") }";
    for (handlers, chunks) in [
        ("fn on_line(c, l) { } fn on_data(c, d) { c.send(\"data\") }", "data"),
        ("fn on_line(c, l) { } fn on_frame(c, f) { c.send(\"frame\") }", "frame"),
        (both, "frame"),
    ] {
        let mut bench = Bench::load(&format!("fn on_connect(conn) {{ conn.frame_none(); }} {handlers}"));
        let conn = conn(1);
        assert_eq!(bench.give(&conn, Event::Opened), [Command::SetForm(1, Some(ChosenForm::Data))]);
        assert_eq!(bench.give(&conn, data(b"x")), [send(1, chunks.as_bytes())]);
    }
    assert_eq!(Bench::load(both).give(&conn(1), data(b"x")), [send(1, b"data")]);
    let mut bench = Bench::load("fn on_connect(conn) { conn.frame_none(); } fn on_line(c, l) { }");
    assert!(bench.fail(&conn(1), Event::Opened).contains("frame_none without on_frame or on_data: nobody would get"));
}

#[test]
fn data_beside_lines_is_no_mistake_where_framing_changes() {
    let warnings = |text: &str| Bench::load(text).handler.warnings().to_vec();
    let handlers = "fn on_line(c, l) { } fn on_data(c, d) { }";
    assert_eq!(warnings(handlers).len(), 1);
    for call in ["frame_none()", "frame_delim(\";\")", "frame_fixed(3)", "frame_length(#{size: 2})"] {
        assert_eq!(warnings(&format!("fn on_connect(c) {{ c.{call}; }} {handlers}")), [] as [String; 0], "{call}");
    }
    assert_eq!(warnings(&format!("fn on_connect(c) {{ c.frame_lines(); }} {handlers}")).len(), 1);
    assert_eq!(warnings("fn on_connect(c) { c.frame_none(); } fn on_line(c, l) { } fn on_text(c, d) { }").len(), 1);
}
