//! The same for tasks, which may be left where they wait.

use super::*;

#[test]
fn sessions_and_tasks() {
    let scripts = [
        ("fn session(conn) { loop { conn.send(conn.read()); } }", "send 1 0"),
        ("fn session(conn) { app.n = 0; loop { app.n += conn.read().len(); conn.send_line(app.n) } }", "send_line"),
        ("fn session(conn) {\n app.n = 0; loop { app.n += conn.read_line(); conn.send(conn.id) } }", "send takes"),
        ("fn session(conn) { for line in conn.lines() { conn.send_line(line + \"!\") } print(\"end\") }", "end"),
        ("fn session(conn) { let a = conn.read_line(); help(conn, a); } fn help(c, a) { c.send(a); c.gone() }", "gone"),
        (
            "fn session(conn) {\n ask(conn, 0);\n} fn ask(c, n) {\n if n == 5 { c.read(1).none } else { ask(c, n + 1) } }",
            "none",
        ),
        ("fn session(conn) { start(|c| { c.send(\"s\"); throw 3 }, conn); conn.read() }", "task started"),
        ("fn session(conn) { let t = start(Fn(\"work\"), 4); print(t.join()); } fn work(n) { n * 2 }", "print 8"),
        ("fn session(conn) { return conn.read_line(); }", "Ok"),
        ("fn session(conn) { try { conn.read(100, 1) } catch (e) { print(e.kind) } exit(4) }", "Exit(4)"),
        ("fn session() { print(1) } fn on_close(c, w) { print(w) }", "reset"),
    ];
    show(scripts.map(|(text, wanted)| (text.to_owned(), wanted)));
}

#[test]
fn calls_with_one_argument() {
    let bodies = [
        (
            "conn.timeout = 300; loop { let a = measure(\"m\", || { conn.send(\"?\"); conn.read(3) }); conn.send(a) }",
            "send 1",
        ),
        ("let n = 4; let f = || conn.read(n); conn.send(conn.read(n)); print(f.call())", "print"),
        ("conn.timeout = 40; loop { print(measure(\"m\", || conn.read_until(\"\\n\"))) }", "print"),
        ("let end = \"\\n\"; while true { conn.send(measure(`m`, || conn.read_until(end)) + \"!\") }", "send 1"),
        ("let e = conn.expect(\"of\"); print(e.before); print(measure(\"m\", || conn.expect(\"li\")).index)", "print"),
        ("print(conn.read_line(50)); measure(\"m\", || { print(conn.read_line(1)) }); conn.read_text(1)", "print"),
        ("conn.timeout = 1; loop { conn.send(conn.read()); }", "timed out"),
        ("conn.timeout = 1; measure(\"m\", || { loop { conn.send(conn.read()); } })", "timed out"),
        ("conn.timeout = 5000; loop { measure(\"m\", || { conn.send(conn.read()) }); }", "send 1"),
        ("let f = || conn; conn.read_all(2); f.call()", "timed out"),
        ("let f = || conn; try { conn.read(\"4\") } catch (e) { print(e) }\nconn.read_line(\"x\")", "print"),
        ("let f = || conn; conn = 5;\nconn.read(3); f.call()", "read takes (Conn, int), not (int, int)"),
        ("measure(\"m\", || { conn.read(-1) })", "read takes"),
        ("let f = || conn; conn.expect(7); f.call()", "expect takes"),
    ];
    show(bodies.map(|(body, wanted)| (format!("fn session(conn) {{ {body} }}"), wanted)));
}

#[test]
fn generated_sessions() {
    let began = Instant::now();
    let (mut sent, mut failed) = (0, 0);
    for seed in 0..1000 {
        let told = same(&file(&generated::session(seed)).script, pieces);
        sent += usize::from(told.contains("send 1"));
        failed += usize::from(told.contains("fails"));
        if began.elapsed() > GENERATING {
            assert!(seed > 20, "only {seed} scripts");
            break;
        }
    }
    assert!(sent > 5 && failed > 5, "{sent} have sent, {failed} have failed");
}

/// Two connections whose lines come in pieces, with time between them, and which end in different ways.
fn pieces() -> Vec<Step> {
    let mut steps = vec![Step::Run(RunEvent::Start), Step::Give(1, Event::Opened), Step::Give(2, Event::Opened)];
    for round in 0..6_u8 {
        for id in [1, 2] {
            steps.push(Step::Give(id, data(format!("line {round}\nof ").as_bytes())));
            if round % 2 == 1 {
                steps.push(Step::Turns(2));
            }
            steps.push(Step::Give(id, Event::Drained));
            steps.push(Step::Give(id, data(format!("{id}\n").as_bytes())));
        }
        steps.push(Step::Turns(1));
    }
    steps.push(Step::Give(1, Event::Eof));
    steps.push(Step::Give(2, Event::Closed(CloseReason::Reset)));
    steps.push(Step::Turns(9));
    steps.push(Step::Give(1, Event::Closed(CloseReason::Eof)));
    steps.push(Step::Run(RunEvent::Stop(0)));
    steps
}

#[test]
fn a_session_holds_a_stack_only_where_it_has_to() {
    let without = [
        "loop { conn.send(conn.read()); }",
        "let n = conn.read_line(); loop { n += conn.read_line(); conn.send(n) }",
        "while conn.read_line() != \"bye\" { conn.send(\"more\") }",
        "loop { if conn.read_line().len() > 3 { { let data = conn.read(2); conn.send(data); } } else { conn.peek(1); } }",
        "for line in conn.lines() { for piece in conn.chunks() { conn.send(piece) } }",
        "conn.timeout = 5000; loop { conn.send_line(`<${conn.read_text()}>`) }",
        "loop { print(conn.read_until(\"!\", 9000)) }",
        "let n = 64; let f = || conn; loop { conn.read(n); conn.read_until(\"!\"); f.call().send(\"x\") }",
        "conn.timeout = 5000; loop { conn.send(conn.read(64)) }",
        "switch conn.read_line() { _ => print(1) }\nconn.expect_eof()",
        "while now_ms() > 0 { measure(\"m\", || { conn.send(\"?\"); conn.read(64) }); }",
        "let n = 64; loop { let a = measure(\"m\", || { measure(\"n\", || conn.read(n)) }); conn.send(a) }",
        "loop { print(measure(\"m\", || { let l = conn.read_line(); while l != \"q\" { l = conn.read_line(); } l })) }",
    ];
    let with = [
        "loop { print(read(conn)) } } fn read(c) { c.read_line()",
        "try { conn.read() } catch { }",
        "conn.expect(\"never\")",
        "let a = [conn.read_line(), conn.read_line()]",
        "for i in 0..9 { conn.read() }",
        "conn.close(); loop { sleep(1000) }",
        "measure(\"m\", || { try { conn.read() } catch { } })",
        "measure(conn.read_text() + conn.read_line(), || conn.read())",
    ];
    for (body, count) in without.map(|body| (body, 0)).into_iter().chain(with.map(|body| (body, 1))) {
        let mut bench = Bench::load(&format!("fn session(conn) {{ {body} }}"));
        let one = conn(1);
        bench.handler.event_mask(&one);
        bench.give(&one, Event::Opened);
        assert_eq!(bench.handler.host.tasks().on_stacks(), count, "{body}");
        if count == 0 {
            bench.give(&one, data(b"a\n"));
            assert_eq!(bench.handler.host.tasks().on_stacks(), 0, "{body}");
            assert!(!bench.handler.host.tasks().is_empty(), "{body}");
        }
    }
}
