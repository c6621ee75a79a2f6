//! Calls: shared state, error messages, and what stops a call.

use std::net::SocketAddr;

use super::{Bench, conn, data, print, send};
use crate::config::ScriptSource;
use crate::session::{CloseReason, Command, ConnError, ErrorKind, Event, Handler, HandlerError, Operation, RunEvent};

#[test]
fn every_event_reaches_its_handler_with_its_arguments() {
    let mut bench = Bench::load(
        "fn on_start() { print(\"start\") } fn on_listen(l) { print(`${l.port} ${l.addr} ${l}`) }
         fn on_connect(c) { print(\"connect\") } fn on_data(c, d) { print(type_of(d) + d.len()) }
         fn on_eof(c) { print(\"eof\") } fn on_drain(c) { print(\"drain\") }
         fn on_error(c, e) { print(`${e.kind} ${e.op} ${e.message}`) }
         fn on_close(c, why) { print(why) } fn on_stop(code) { print(code) }",
    );
    let c = conn(1);
    assert_eq!(bench.start(), [print("start")]);
    let mut out = Vec::new();
    let address: SocketAddr = "[::1]:4000".parse().unwrap();
    bench.handler.handle_run(RunEvent::Listening { listener: None, address: address.into() }, &mut out).unwrap();
    assert_eq!(out, [print("4000 [::1]:4000 [::1]:4000")]);
    assert_eq!(bench.give(&c, Event::Opened), [print("connect")]);
    assert_eq!(bench.give(&c, data(b"abc")), [print("blob3")]);
    assert_eq!(bench.give(&c, Event::Eof), [print("eof")]);
    assert_eq!(bench.give(&c, Event::Drained), [print("drain")]);
    let trouble = ConnError { kind: ErrorKind::Reset, op: Operation::Read, message: "gone".into() };
    assert_eq!(bench.give(&c, Event::Error(trouble)), [print("reset read gone")]);
    assert_eq!(bench.give(&c, Event::Closed(CloseReason::Stop)), [print("stop")]);
    let mut out = vec![print("before")];
    bench.handler.handle_run(RunEvent::Stop(7), &mut out).unwrap();
    assert_eq!(out, [print("before"), print("7")]);
}

#[test]
fn text_and_lines_are_strings_and_parameters_are_optional() {
    let mut bench = Bench::load("fn on_text(c, t) { print(t) } fn on_close() { print(\"bye\") }");
    assert_eq!(bench.give(&conn(1), Event::Text("你".into())), [print("你")]);
    assert_eq!(bench.give(&conn(1), Event::Closed(CloseReason::Eof)), [print("bye")]);
    let mut bench = Bench::load("fn on_line(c, l) { print(type_of(l) + l) }");
    assert_eq!(bench.give(&conn(1), Event::Line("x".into())), [print("stringx")]);
    assert_eq!(bench.give(&conn(1), Event::Drained), []);
}

#[test]
fn a_one_liner_is_a_handler() {
    let open = |source| Bench::try_open(source).unwrap_or_else(|m| panic!("{m}"));
    let mut bench = open(ScriptSource::OnData("conn.send(data)".into()));
    assert_eq!(bench.give(&conn(1), data(b"x")), [send(1, b"x")]);
    let mut bench = open(ScriptSource::OnLine("conn.send_line(line)".into()));
    assert_eq!(bench.give(&conn(1), Event::Line("x".into())), [send(1, b"x\n")]);
    let mut bench = open(ScriptSource::OnData("\n  conn.sned(1)".into()));
    assert_eq!(
        bench.fail(&conn(1), data(b"x")),
        "--on-data:2:8: function not found: sned(Conn, int)\n    2 |   conn.sned(1)\n      |        ^ did you mean `send`?"
    );
    let broken = Bench::try_open(ScriptSource::OnData("conn.send(".into())).err().unwrap();
    assert_eq!(broken, "--on-data:1:11: the code ends too early\n    1 | conn.send(\n      |           ^");
}

#[test]
fn an_error_shows_its_line_and_the_calls_to_it() {
    let mut bench =
        Bench::load("fn on_connect(conn) {\n    helper(conn);\n}\n\nfn helper(c) {\n\tc.sned(\"你好\");\n}");
    assert_eq!(
        bench.fail(&conn(1), Event::Opened),
        "reply.rhai:6:4: function not found: sned(Conn, string)\n    \
             6 |     c.sned(\"你好\");\n      \
               |       ^ did you mean `send`?\n    \
         in helper(), called at reply.rhai:2:5"
    );
    let mut bench = Bench::load("fn on_connect(c) { /* 你好 */ c.pear }");
    assert_eq!(
        bench.fail(&conn(1), Event::Opened),
        "reply.rhai:1:31: Conn has no property `pear`\n    \
             1 | fn on_connect(c) { /* 你好 */ c.pear }\n      \
               |                                 ^ did you mean `peer`?"
    );
}

#[test]
fn errors_use_script_names_of_types() {
    let first = |body: &str| Bench::eval_error(body);
    assert_eq!(
        first("nosuch(1, 1.5, true, 'c', \"s\", [], #{}, blob(), ())"),
        "function not found: nosuch(int, float, bool, char, string, array, map, blob, ())"
    );
    assert_eq!(first("conn + 1"), "no such operation: Conn + int");
    assert_eq!(first("conn.id = 3"), "cannot set Conn.id to a value of type int");
    assert_eq!(first("conn.eol = 3"), "cannot set Conn.eol to a value of type int");
    for (wrong, near) in [("conn.encodng = \"gbk\"", "encoding"), ("conn.remte", "peer"), ("conn.remote_adr", "peer")] {
        let mut bench = Bench::load(&format!("fn on_data(conn, d) {{ let conn = conn; {wrong} }}"));
        let message = bench.fail(&conn(1), data(b"x"));
        assert!(
            message.contains(": Conn has no property `") && message.contains(&format!("did you mean `{near}`?")),
            "{message}"
        );
    }
    assert_eq!(first("conn.state.x.y = 3"), "cannot set `y` of (): there is no value before the dot");
    assert_eq!(first("throw \"mine\""), "mine");
    assert_eq!(first("throw #{ message: \"of a map\" }"), "of a map");
    assert_eq!(first("throw \"two\\nlines \\x1b[31m\""), "two\\nlines \\x1b[31m");
    assert_eq!(first("throw ()"), "an error without a message was thrown");
    assert_eq!(first("let a = [1]; a[5]"), "array index 5 out of bounds: only 1 element in array");
    assert_eq!(first("1 / 0"), "division by zero: 1 / 0");
    assert_eq!(
        first("let s = \"x\"; loop { s += s; }"),
        "value too large: strings hold at most 16 MiB (in on_connect)"
    );
    assert_eq!(first("let x = 1; if x { print(x) }"), "expected bool, found int");
    assert_eq!(first("exit(256)"), "exit takes a number from 0 to 255, not 256");
    let waits = "sleep waits, so it may only be used in session(), main(), test_*() or start(); in a handler give it a callback";
    assert_eq!(first("sleep(1)"), waits);
}

#[test]
fn wrong_arguments_are_reported_with_the_signature() {
    let mut bench = Bench::load("fn on_connect(c) { c.send_hex(1) }");
    assert!(bench.fail(&conn(1), Event::Opened).ends_with("^\nhint: it is used as conn.send_hex(digits)"));
    let mut bench = Bench::load("fn on_connect(c) { c.close; }");
    assert!(bench.fail(&conn(1), Event::Opened).contains("^\nhint: it is a function: conn.close()"));
    let mut bench = Bench::load("fn on_connect(c) { helper() }\nfn helper(a, b) {}");
    assert!(bench.fail(&conn(1), Event::Opened).ends_with("^\nhint: it is defined as helper(a, b)"));
}

#[test]
fn closures_and_nested_calls_are_in_the_call_chain() {
    let mut bench = Bench::load("fn on_connect(c) { [1].map(|x| x.foo()) }");
    let message = bench.fail(&conn(1), Event::Opened);
    assert!(message.contains("function not found: foo(int)"), "{message}");
    assert!(
        message.contains("\n    in a closure, called at reply.rhai:1:24\n    in map(), called at reply.rhai:1:24"),
        "{message}"
    );
    let mut bench =
        Bench::load("fn on_connect(c) { down(20) }\nfn down(n) { if n == 0 { nosuch() } else { down(n - 1) } }");
    let message = bench.fail(&conn(1), Event::Opened);
    assert!(message.ends_with("    in down(), called at reply.rhai:2:44\n    … and 13 more calls"), "{message}");
    let mut bench = Bench::load("fn on_connect(c) { on_connect(c) }");
    assert!(bench.fail(&conn(1), Event::Opened).contains("calls are nested too deeply (64 levels)"));
}

#[test]
fn an_endless_loop_is_stopped_and_try_cannot_catch_it() {
    let scripts = [
        "fn on_data(c, d) { loop {} }",
        "fn on_data(c, d) { try { loop {} } catch { } }",
        "fn on_data(c, d) { loop { try { loop {} } catch { } } }",
        "fn on_data(c, d) { loop { try { [1].map(|x| { loop {} }) } catch { } } }",
        "fn on_data(c, d) { helper() } fn helper() { while true { helper2() } } fn helper2() { }",
    ];
    for script in scripts {
        let mut bench = Bench::load_impatiently(script);
        let message = bench.fail(&conn(1), data(b"x"));
        let first = message.lines().next().unwrap();
        assert!(first.starts_with("reply.rhai:1:"), "{script}: {message}");
        assert!(first.ends_with(": on_data ran longer than 50ms and was stopped"), "{script}: {message}");
    }
    let mut bench = Bench::load_impatiently("fn on_data(c, d) { if d.len() == 1 { loop {} } print(\"on\") }");
    bench.fail(&conn(1), data(b"x"));
    assert_eq!(bench.give(&conn(1), data(b"xx")), [print("on")], "the next call has a new clock");
}

#[test]
fn exit_ends_the_call_at_any_depth() {
    for body in [
        "exit(3);",
        "try { exit(3); } catch { }",
        "try { [1].map(|x| exit(3)); } catch { } print(\"no\");",
        "helper();",
    ] {
        let bench = Bench::load(&format!("fn on_connect(c) {{ print(\"yes\"); {body} }} fn helper() {{ exit(3) }}"));
        let mut out = Vec::new();
        let result = bench.handler.handle(&conn(1), Event::Opened, &mut out);
        assert_eq!(result, Err(HandlerError::Exit(3)), "{body}");
        assert_eq!(out[0], print("yes"));
    }
    let bench = Bench::load("fn on_start() { exit() }");
    assert_eq!(bench.handler.handle_run(RunEvent::Start, &mut Vec::new()), Err(HandlerError::Exit(0)));
}

#[test]
fn app_is_shared_and_state_is_per_connection() {
    let mut bench = Bench::load(
        "fn on_connect(c) { app.n = (app.n ?? 0) + 1; c.state.me = c.id; c.state.list = [1]; c.state.list.push(2); add(); }
         fn add() { app.all = (app.all ?? \"\") + app.n; }
         fn on_data(c, d) { print(`${app.n} ${app.all} ${c.state}`) }
         fn on_close(c) { print(c.state.me) }",
    );
    let (one, two) = (conn(1), conn(2));
    bench.give(&one, Event::Opened);
    bench.give(&two, Event::Opened);
    let three = conn(3);
    assert_eq!(bench.give(&one, data(b"")), [print("2 12 #{\"list\": [1, 2], \"me\": 1}")]);
    assert_eq!(bench.give(&two, data(b"")), [print("2 12 #{\"list\": [1, 2], \"me\": 2}")]);
    assert_eq!(bench.give(&three, data(b"")), [print("2 12 #{}")]);
    assert_eq!(bench.give(&one, Event::Closed(CloseReason::Eof)), [print("1")]);
    assert_eq!(bench.give(&one, data(b"")), [print("2 12 #{}")], "let go after on_close");
}

#[test]
fn connections_with_reference_cycles_are_freed() {
    let mut bench = Bench::load("fn on_connect(c) { c.state.me = c; }");
    let one = conn(1);
    bench.give(&one, Event::Opened);
    assert_eq!(std::rc::Rc::strong_count(&one), 3, "its own state, and the list of all");
    bench.give(&one, Event::Closed(CloseReason::Eof));
    assert_eq!(std::rc::Rc::strong_count(&one), 1);
}

#[test]
fn commands_before_an_error_are_kept() {
    let bench = Bench::load("fn on_connect(c) { c.send(\"a\"); nosuch(); }");
    let mut out = Vec::new();
    assert!(bench.handler.handle(&conn(1), Event::Opened, &mut out).is_err());
    assert_eq!(out, [send(1, b"a")]);
}

#[test]
fn print_log_and_debug_push_their_commands() {
    let mut bench = Bench::load(
        "fn on_connect(c) {\n print([1, c]);\n log(1.5); log(c);\n debug(\"d\");\n c.log(#{a: 1}); print(c); }",
    );
    let wanted = [
        print("[1, Conn(1 127.0.0.1:50001)]"),
        Command::Log(None, "1.5".into()),
        Command::Log(None, "127.0.0.1:50001".into()),
        Command::Log(None, "reply.rhai:4: \"d\"".into()),
        Command::Log(Some(1), "#{\"a\": 1}".into()),
        print("127.0.0.1:50001"),
    ];
    let folder = bench.folder.clone();
    let got = bench.give(&conn(1), Event::Opened).into_iter().map(|command| match command {
        Command::Log(id, text) => Command::Log(id, text.replace(&folder, "")),
        other => other,
    });
    assert_eq!(got.collect::<Vec<_>>(), wanted);
}

#[test]
fn a_panic_in_a_native_function_fails_the_handler() {
    let mut bench = Bench::load("fn on_connect(c) { boom() }");
    bench.engine().register_fn("boom", || -> () {
        std::panic::resume_unwind(Box::new("it broke"));
    });
    let message = bench.fail(&conn(1), Event::Opened);
    assert_eq!(
        message,
        "reply.rhai: a bug in tcpx stopped on_connect: it broke\nhint: please report it as CONTRIBUTING.md says"
    );
}
