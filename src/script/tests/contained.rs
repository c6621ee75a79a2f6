//! Limits of scripts: time, memory, stack depth, and errors that cannot be hidden.

use std::fmt::Write as _;
use std::thread;

use super::{Bench, conn, data, print};
use crate::session::{CloseReason, ConnError, ErrorKind, Event, Handler, HandlerError, Operation};

#[test]
fn the_size_of_each_value_is_limited() {
    let large = |what: &str| format!("value too large: {what}");
    let (strings, arrays) = (large("strings hold at most 16 MiB"), large("arrays and blobs hold at most 4 Mi items"));
    let maps = large("maps hold at most 1 Mi entries");
    let bombs = [
        ("let s = \"x\"; loop { s += s; }", &strings),
        ("let s = \"x\"; loop { s = `${s}${s}`; }", &strings),
        ("let s = \"x\"; s.pad(2000000000, 'y')", &strings),
        ("let s = \"x\"; s.pad(20000000, \"yy\")", &strings),
        ("blob(2000000000)", &arrays),
        ("let b = blob(1); loop { b += b; }", &arrays),
        ("let b = blob(4194304); b + \"x\"", &arrays),
        ("let n = 0; loop { n += 1; c.state[\"k\" + n] = blob(4000000); }", &arrays),
        ("let b = blob(1); b.pad(2000000000, 1)", &arrays),
        ("let a = []; a.pad(2000000000, 1)", &arrays),
        ("let a = []; a.pad(1000, blob(1000000))", &arrays),
        ("let a = [1]; loop { a = [a, a]; }", &arrays),
        ("let m = #{}; let a = []; a.pad(2000000, #{ k: 1 })", &maps),
    ];
    for (body, message) in bombs {
        let mut bench = Bench::load(&format!("fn on_connect(c) {{ try {{ {body} }} catch {{ }} }}"));
        let said = bench.fail(&conn(1), Event::Opened);
        assert!(said.lines().next().unwrap().ends_with(&format!("{message} (in on_connect)")), "{body}: {said}");
        assert!(said.starts_with("reply.rhai:1:"), "{body}: {said}");
    }
}

#[test]
fn the_total_size_of_values_is_limited() {
    let bombs =
        ["let n = 0; loop { n += 1; app[\"k\" + n] = blob(4000000, 1); }", "fill(0)", "let a = [1]; loop { a += a; }"];
    for body in bombs {
        let mut bench = Bench::load(&format!(
            "fn on_data(conn, d) {{ if d.len() == 1 {{ loop {{ try {{ {body} }} catch {{ }} }} }} print(\"on\") }}
             fn fill(n) {{ let a = blob(4194304, 1); let b = a; let c = a; if n < 60 {{ fill(n + 1) }} }}"
        ));
        let said = bench.fail(&conn(1), data(b"x"));
        let first = said.lines().next().unwrap();
        assert!(first.starts_with("reply.rhai:"), "{body}: {said}");
        assert!(first.ends_with(": on_data took more than 256 MiB of memory and was stopped"), "{body}: {said}");
        assert_eq!(bench.give(&conn(1), data(b"xx")), [print("on")], "the next call starts anew");
    }
}

#[test]
fn slow_functions_are_stopped_at_the_time_limit() {
    let slow = [
        "a.sort(|x, y| x - y)",
        "a.sort_by(|x, y| x < y)",
        "a.order(|x, y| y - x)",
        "a.dedup(|x, y| x == y)",
        "a.map(|x| x)",
        "re(\"\").find_all(s)",
        "re(\".*[^A]|A\").find_all(s)",
        "re(\".*[^A]|A\").replace(s, \"\")",
        "loop { a.push(1); }",
        "loop { a.insert(0, 1); a.pop(); }",
        "loop { s.index_of(\"B\"); }",
        "loop { parse_json(j); }",
        "loop { sha256(s); }",
    ];
    for body in slow {
        let mut bench = Bench::load_impatiently(&format!(
            "fn on_connect(c) {{ let a = []; a.pad(300000, 1); let s = \"\"; s.pad(1000000, 'A'); let j = s.to_json();
             loop {{ try {{ loop {{ {body} }} }} catch {{ }} }} }}"
        ));
        // Some of these functions run for hours if they do not check the limit inside.
        let said = bench.fail(&conn(1), Event::Opened);
        let first = said.lines().next().unwrap();
        assert!(first.starts_with("reply.rhai:"), "{body}: {said}");
        assert!(first.ends_with(": on_connect ran longer than 50ms and was stopped"), "{body}: {said}");
    }
}

#[test]
fn an_error_in_a_comparison_is_an_error() {
    assert_eq!(Bench::eval_error("[2, 1].sort(|a, b| nosuch(a))"), "function not found: nosuch(int)");
    assert_eq!(Bench::eval_error("[2, 1].dedup(|a, b| throw \"mine\")"), "mine");
    assert_eq!(
        Bench::eval_error("[2, 1].order(|a, b| \"x\")"),
        "sort: a comparison gives a number or true or false, not string"
    );
    let shown = Bench::eval(
        "let a = [3, 1, 2, 1]; a.sort(|x, y| x - y); print(a); a.sort(|x, y| x > y); print(a); print(a.order_by(|x, y| x < y));
         a.dedup(|x, y| x == y); print(a); a.sort(); print(a);",
    );
    assert_eq!(shown, "[1, 1, 2, 3]|[3, 2, 1, 1]|[1, 1, 2, 3]|[3, 2, 1]|[1, 2, 3]");
    let mut bench = Bench::load(
        "fn on_connect(c) { let a = []; a.pad(1000, 1); try { a.sort(|x, y| rand(-1, 1)); } catch (e) { \
         if e != \"sort: the comparison contradicts itself\" { throw e } } print(a.len()); }",
    );
    assert_eq!(bench.give(&conn(1), Event::Opened), [print("1000")]);
}

/// Runs on a stack of the minimum size tcpx runs with; a release build needs less than 8 MiB.
fn on_a_small_stack(work: impl FnOnce() + Send + 'static) {
    let size = if cfg!(debug_assertions) { 64 << 20 } else { 8 << 20 };
    thread::Builder::new().stack_size(size).spawn(work).unwrap().join().unwrap();
}

#[test]
fn calls_and_expressions_at_their_limits_fit_the_stack() {
    on_a_small_stack(|| {
        // As deep as the parser allows in a function, with a recursive call at the bottom.
        let nests = [
            ("(1 + ", ")", 1),
            ("[", "]", 1),
            ("#{ a: ", "}", 1),
            ("-(", ")", 1),
            ("same(", ")", 1),
            ("{", "}", 0),
            ("if true { ", " }", 0),
            ("switch 1 { 1 => ", " }", 0),
            ("`${", "}`", 0),
            ("[1].map(|x| ", ")", 0),
            ("x = ", "", 0),
        ];
        for (open, close, _) in nests {
            let mut loaded = None;
            for depth in (1..=64).rev() {
                let inner = format!("{}down(){}", open.repeat(depth), close.repeat(depth));
                let script =
                    format!("fn same(x) {{ x }} fn down() {{ let x = 0; {inner} }} fn on_connect(c) {{ down() }}");
                if let Ok(bench) = Bench::try_load(&script) {
                    loaded = Some((depth, bench));
                    break;
                }
            }
            let (depth, bench) = loaded.unwrap_or_else(|| panic!("{open} never loads"));
            let mut out = Vec::new();
            let result = bench.handler.handle(&conn(1), Event::Opened, &mut out);
            assert!(
                matches!(&result, Err(HandlerError::Failed { summary, .. }) if summary.contains("nested too deeply")),
                "{open} × {depth}: {result:?}"
            );
        }
    });
}

#[test]
fn deeply_nested_texts_do_not_load() {
    on_a_small_stack(|| {
        for (open, close) in [
            ("(", ")"),
            ("[", "]"),
            ("{", "}"),
            ("#{a:", "}"),
            ("-", ""),
            ("!", ""),
            ("`${", "}`"),
            ("|x| ", ""),
            ("if true {} else ", ""),
            ("switch 1 { 1 => ", "}"),
            ("1 + ", ""),
            ("2 ** ", ""),
            ("a.", ""),
            ("f(", ")"),
            ("fn f() {", "}"),
            ("x ?? ", ""),
        ] {
            let count = 100_000;
            let script = format!("let x = {}1{};", open.repeat(count), close.repeat(count));
            let said = Bench::try_load(&script).err().unwrap_or_else(|| panic!("{open} loads"));
            assert!(said.starts_with("reply.rhai:1:"), "{open}: {}", said.lines().next().unwrap_or_default());
        }
    });
}

#[test]
fn an_error_in_on_close_is_reported_and_the_state_is_freed() {
    let mut bench = Bench::load(
        "fn on_connect(c) { c.state.me = c; } fn on_error(c, e) { throw \"in on_error\" } fn on_close(c) { throw \"in on_close\" }",
    );
    let one = conn(1);
    bench.give(&one, Event::Opened);
    let trouble = ConnError { kind: ErrorKind::Reset, op: Operation::Read, message: "gone".into() };
    assert!(bench.fail(&one, Event::Error(trouble)).contains(": in on_error\n"));
    assert!(bench.fail(&one, Event::Closed(CloseReason::Reset)).contains(": in on_close\n"));
    assert_eq!(std::rc::Rc::strong_count(&one), 1);
}

#[test]
fn putting_a_shared_map_into_itself_ends() {
    // Rhai's size computation does not detect cycles: the calls must end, with or without an error.
    for body in ["app.me = app; app.me.me = app; app.x = 1", "conn.state.me = conn.state; conn.state.x = 1"] {
        let mut bench = Bench::load(&format!("fn on_connect(conn) {{ {body} }} fn on_data() {{ print(\"on\") }}"));
        let _ = bench.handler.handle(&conn(1), Event::Opened, &mut Vec::new());
        assert_eq!(bench.give(&conn(1), data(b"x")), [print("on")], "{body}");
    }
}

#[test]
fn the_pattern_cache_is_cleared_when_full() {
    let mut body = String::new();
    for number in 0..600 {
        let _ = write!(body, "if !re(\"^{number}$\").test(\"{number}\") {{ throw {number} }} ");
    }
    let mut bench = Bench::load(&format!("fn on_connect(c) {{ {body} print(\"all\") }}"));
    assert_eq!(bench.give(&conn(1), Event::Opened), [print("all")]);
}
