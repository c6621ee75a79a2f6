//! `tcpx test`: tests of scripts, their reports and exit codes.

use rustix::process::Signal;
use serde_json::Value;

use crate::support::{Folder, Stdin, Tcpx};

/// Tests of the file `t.rhai`, reported in JSON on stdout, by name.
fn results(text: &str, options: &[&str], code: i32) -> Vec<Value> {
    let folder = Folder::new();
    folder.file("t.rhai", text.as_bytes());
    let done = tests(&folder, &["t.rhai", "--json", "-"]).args(options).run();
    assert_eq!(done.status_code(), Some(code));
    let report: Value = serde_json::from_slice(&done.stdout).expect("JSON");
    report["tests"].as_array().expect("an array").clone()
}

fn tests(folder: &Folder, words: &[&str]) -> Tcpx {
    Tcpx::new(&["test"]).args(words).after_shell(&format!("cd '{}'", folder.path("").display()))
}

/// What the tests of `t.rhai` write that all pass or are skipped.
fn written(folder: &Folder, words: &[&str]) -> String {
    let done = tests(folder, &["t.rhai"]).args(words).run();
    done.code(0).quietly();
    String::from_utf8_lossy(&done.stdout).into_owned()
}

/// Name, outcome, and kind and message of the first failure.
fn outcome(test: &Value) -> (&str, &str, &str, &str) {
    let text = |value: &'_ Value| -> &'static str { Box::leak(value.as_str().unwrap_or_default().to_owned().into()) };
    let failure = &test["failures"][0];
    (text(&test["name"]), text(&test["outcome"]), text(&failure["kind"]), text(&failure["message"]))
}

const EACH_KIND: &str = r#"app.n = 1;
fn setup() { app.n += 1; print("setup"); }
fn teardown() { print("teardown"); }
fn test_fresh_a() { app.n += 40; assert_eq(app.n, 42); }
fn test_fresh_b() { app.n += 40; assert_eq(app.n, 42); check(true); }
fn test_check() { check(1 == 2, "one is two"); check(2 == 3, "two is three"); print("went on"); }
fn helper() { assert(false, "deep down"); }
fn test_assert() { helper(); }
fn test_eq() { assert_eq("a\nb", "a\nB"); }
fn test_match() { assert_match("hello", "^x+$"); }
fn test_ne() { assert_ne(3, 3); }
fn test_fail() { fail("no way"); }
fn test_skip() { skip("not today"); }
fn test_exit() { exit(3); }
fn test_error() { nope(); }
fn test_loop() { loop { } }
fn test_late() { let l = listen("127.0.0.1:0"); let c = connect(l.addr); l.accept().send("abc"); c.read_line(50); }
fn test_expect() { let l = listen("127.0.0.1:0"); let c = connect(l.addr); l.accept().send("x"); c.expect_eof(); }
fn test_task() { start(|| fail("in a task")); sleep(10); }
fn test_caught() { try { fail("caught") } catch (e) { assert_eq(e.kind, "assert"); } }
fn test_left_open() { let l = listen("127.0.0.1:0"); let c = connect(l.addr); l.accept().send("x"); }
fn serve(c) { for line in c.lines() { c.send_line(line.to_upper()); } }
fn test_session() { let l = listen("127.0.0.1:0"); l.session = Fn("serve"); let c = connect(l.addr); c.send_line("hi"); assert_eq(c.read_line(), "HI"); }
fn cases_row() { [1, #{name: "two"}] }
fn test_row(row) { assert_ne(row, 1); }
"#;

#[test]
fn each_kind_of_failure_is_one_of_its_test_alone() {
    let results = results(EACH_KIND, &["--script-timeout", "300ms"], 1);
    let found: Vec<_> = results.iter().map(outcome).collect();
    let wanted = [
        ("test_fresh_a", "passed", "", ""),
        ("test_fresh_b", "passed", "", ""),
        ("test_check", "failed", "check", "one is two"),
        ("test_assert", "failed", "assert", "deep down"),
        ("test_eq", "failed", "assert", "the values are not equal"),
        ("test_match", "failed", "assert", "the text does not match"),
        ("test_ne", "failed", "assert", "the values are equal"),
        ("test_fail", "failed", "fail", "no way"),
        ("test_skip", "skipped", "", ""),
        ("test_exit", "failed", "exit", "exit(3) was called"),
        ("test_error", "errored", "error", "function not found: nope()"),
        ("test_loop", "errored", "limit", "test_loop() ran longer than 300ms and was stopped"),
        ("test_late", "failed", "timeout", "timed out after 50 ms waiting for a line; got 3 bytes: \"abc\""),
        ("test_expect", "failed", "expect", found[13].3),
        ("test_task", "failed", "fail", "in a task"),
        ("test_caught", "passed", "", ""),
        ("test_left_open", "passed", "", ""),
        ("test_session", "passed", "", ""),
        ("test_row[0]", "failed", "assert", "the values are equal"),
        ("test_row[two]", "passed", "", ""),
    ];
    assert_eq!(found, wanted);
    let of = |name: &str| results.iter().find(|test| test["name"] == name).expect("it ran");
    assert!(results.iter().all(|test| test["printed"].as_str().unwrap().ends_with("teardown\n")), "{results:?}");
    assert_eq!(of("test_check")["failures"].as_array().unwrap().len(), 2);
    assert_eq!(of("test_check")["printed"], "setup\nwent on\nteardown\n");
    let deep = &of("test_assert")["failures"][0];
    assert_eq!((&deep["at"]["line"], &deep["at"]["column"]), (&Value::from(7), &Value::from(15)));
    assert_eq!(deep["chain"][0], "in helper(), called at t.rhai:8:20");
    assert_eq!(of("test_eq")["failures"][0]["expected"]["text"], "a\nB");
    let events = of("test_late")["events"].to_string();
    assert!(events.contains("connected") && events.contains("received 3 bytes: \\\"abc\\\""), "{events}");
}

#[test]
fn exit_is_reported_where_it_was_called_whoever_called_it() {
    let text = r#"fn helper() { exit(3); }
fn reach(server) { connect(server.addr).send("x"); sleep(20000); }
fn test_started() { start(|| { helper() }); sleep(20000); }
fn test_timer() { after(10, || exit(4)); sleep(20000); }
fn test_session() { let s = listen("127.0.0.1:0"); s.session = |c| { c.read();
    exit(5) }; reach(s); }
fn test_handler() { let s = listen("127.0.0.1:0"); s.on_data = |c, data|
    exit(6); reach(s); }
fn test_deep() { deep(2) }
fn deep(n) { if n > 0 { deep(n - 1) } else { helper() } }
fn test_caught() { try { [1].for_each(|| helper()); } catch { print("no") } print("no"); }
"#;
    let results = results(text, &[], 1);
    let found: Vec<_> = results
        .iter()
        .map(|test| {
            let [failure] = test["failures"].as_array().unwrap().as_slice() else { panic!("{test}") };
            format!("{}: {}: {}", test["name"].as_str().unwrap(), failure["at"]["line"], failure["message"])
        })
        .collect();
    let wanted = [
        r#"test_started: 1: "exit(3) was called""#,
        r#"test_timer: 4: "exit(4) was called""#,
        r#"test_session: 6: "exit(5) was called""#,
        r#"test_handler: 8: "exit(6) was called""#,
        r#"test_deep: 1: "exit(3) was called""#,
        r#"test_caught: 11: "exit(3) was called""#,
    ];
    assert_eq!(found, wanted);
    let chain = &results[4]["failures"][0]["chain"];
    assert_eq!(chain[0], "in helper(), called at t.rhai:10:46");
    assert_eq!(chain.as_array().unwrap().len(), 4, "{chain}");
    assert!(results.iter().all(|test| test["printed"] == ""), "{results:?}");
}

#[test]
fn what_stops_a_test_counts_although_it_is_caught_as_the_last_thing() {
    let text = r#"fn helper() { try { exit(3) } catch {} }
fn test_exit() { try { exit(3); } catch {} }
fn test_good_exit() { try { exit(0) } catch {} }
fn test_deep() { helper(); }
fn test_loop() { for i in 0..1 { try { exit(3) } catch {} } }
fn test_measured() { try { measure("x", || { exit(3) }); } catch {} }
fn test_callback() { [1].for_each(|| { try { exit(3) } catch {} }); }
fn test_started() { let t = start(|| { try { exit(3) } catch {} }); t.join(); }
fn test_skipped() { try { skip("later") } catch {} }
fn test_none() { try { throw 1 } catch {} }
"#;
    let found: Vec<_> = results(text, &[], 1)
        .iter()
        .map(|test| {
            let failures = test["failures"].as_array().into_iter().flatten();
            let kinds: Vec<_> = failures.map(|failure| failure["kind"].as_str().unwrap()).collect();
            format!("{} {} {}", test["name"].as_str().unwrap(), test["outcome"].as_str().unwrap(), kinds.join(" "))
        })
        .collect();
    let exits = ["exit", "good_exit", "deep", "loop", "measured", "callback", "started"];
    let mut wanted: Vec<_> = exits.iter().map(|name| format!("test_{name} failed exit")).collect();
    wanted.extend(["test_skipped skipped ".to_owned(), "test_none passed ".to_owned()]);
    assert_eq!(found, wanted);
}

#[test]
fn what_stops_setup_or_teardown_counts_although_it_is_caught() {
    for (name, other) in [("setup", "teardown"), ("teardown", "setup")] {
        let text = format!("fn {name}() {{ try {{ exit(3) }} catch {{}} }}\nfn {other}() {{}}\nfn test_a() {{}}\n");
        let results = results(&text, &[], 1);
        assert_eq!(results[0]["failures"][0]["kind"], *name, "{results:?}");
    }
}

#[test]
fn a_failing_setup_or_teardown_is_an_error_of_its_test() {
    let text = r#"fn setup() { if args.len() > 0 { fail("no setup"); } }
fn teardown() { print("down"); throw "no teardown"; }
fn test_a() { print("ran"); }
"#;
    let of = |options: &[&str]| {
        let all = results(text, options, 1);
        assert_eq!(all[0]["outcome"], "errored");
        (all[0]["failures"][0]["kind"].clone(), all[0]["printed"].clone())
    };
    assert_eq!(of(&[]), ("teardown".into(), "ran\ndown\n".into()));
    assert_eq!(of(&["--", "x"]), ("setup".into(), "down\n".into()));
}

#[test]
fn tap_counts_every_test_in_the_order_of_the_source() {
    let folder = Folder::new();
    folder.file("a.rhai", b"fn test_slow() { sleep(50); print(\"\\x1b[2J\\nnot ok 9\"); }\nfn test_fast() {}\n");
    let done = tests(&folder, &["a.rhai", "--tap", "--repeat", "2", "--jobs", "4"]).run();
    done.code(0).quietly();
    let text = String::from_utf8(done.stdout.clone()).unwrap();
    let lines: Vec<_> = text.lines().filter(|line| !line.starts_with('#')).collect();
    assert_eq!(
        lines,
        [
            "TAP version 13",
            "1..4",
            "ok 1 - test_slow\\#1",
            "ok 2 - test_slow\\#2",
            "ok 3 - test_fast\\#1",
            "ok 4 - test_fast\\#2"
        ]
    );
    assert!(!text.contains('\x1b'));
}

#[test]
fn what_does_not_load_is_111_and_nothing_to_run_is_2() {
    let folder = Folder::new();
    for (text, code, said) in [
        ("fn test_(", 111, "expecting"),
        ("fn test_a(row) {}", 111, "test_a has a parameter, but there is no cases_a()"),
        ("fn test_a(a, b) {}", 111, "test_a cannot have 2 parameters"),
        ("fn cases_a() { [1] }", 111, "cases_a has no test"),
        ("fn cases_a() { 5 } fn test_a(row) {}", 111, "cases_a() gives int, not an array of rows"),
        ("fn cases_a() { sleep(5); [] } fn test_a(row) {}", 111, "sleep waits"),
        ("fn helper() {}", 2, "there is no test"),
    ] {
        folder.file("t.rhai", text.as_bytes());
        let done = tests(&folder, &["t.rhai"]).run();
        done.code(code);
        let report = String::from_utf8_lossy(&done.stdout).into_owned();
        if code == 2 {
            done.said(said);
            assert!(report.starts_with("0 passed in "), "{report}");
        } else {
            done.said("tcpx: files that do not load: t.rhai\n");
            assert!(report.starts_with("FAILED   t.rhai: does not load\n    t.rhai:1:"), "{report}");
            assert!(report.contains(said) && report.contains("0 passed, 1 not loaded in "), "{report}");
        }
    }
    folder.file("t.rhai", b"fn test_a() {}\nfn test_b() {}\n");
    tests(&folder, &["t.rhai", "--filter", "zz"]).run().code(2).said("--filter 'zz' leaves no test");
    tests(&folder, &["t.rhai", "--list", "--filter", "b$"]).run().code(0).wrote("test_b\n");
    tests(&folder, &["t.rhai", "--tap", "--json", "-"]).run().code(2).said("both write to stdout");
    tests(&folder, &["t.rhai", "--junit", "gone/x.xml"]).run().code(23).said("write gone/x.xml: no such file");
}

#[test]
fn a_signal_ends_the_run_with_a_report_of_what_ran() {
    let folder = Folder::new();
    folder.file("t.rhai", b"fn test_a() {}\nfn test_b() { print(\"here\"); sleep(600000); }\nfn test_c() {}\n");
    let mut running = tests(&folder, &["t.rhai", "--tap", "--jobs", "1", "--test-timeout", "1h"]).spawn();
    running.wait_stdout(b"TAP version 13\n1..3\nok 1 - test_a\n");
    running.signal(Signal::INT);
    let done = running.finish();
    done.code(130);
    let text = String::from_utf8_lossy(&done.stdout).into_owned();
    for words in ["not ok 2 - test_b\n", "# here\n", "ok 3 - test_c # SKIP not run\n", "Bail out!"] {
        assert!(text.contains(words), "{text}");
    }
}

#[test]
fn the_first_failure_ends_the_run_with_fail_fast() {
    let folder = Folder::new();
    folder.file("t.rhai", b"fn test_a() { fail() }\nfn test_b() {}\nfn test_c() {}\n");
    let done = tests(&folder, &["t.rhai", "--jobs", "1", "--fail-fast"]).run();
    assert_eq!(done.status_code(), Some(1));
    let text = String::from_utf8_lossy(&done.stdout).into_owned();
    assert!(text.contains("not run: 2 (--fail-fast)\n0 passed, 1 failed, 2 not run in "), "{text}");
}

/// Outcome, and kind, line and column of the first failure.
fn place(results: &[Value], name: &str) -> (String, String, i64, i64) {
    let test = results.iter().find(|test| test["name"] == name).unwrap_or_else(|| panic!("{name}: {results:?}"));
    let failure = &test["failures"][0];
    let number = |key: &str| failure["at"][key].as_i64().unwrap_or_default();
    let text = |value: &Value| value.as_str().unwrap_or_default().to_owned();
    (text(&test["outcome"]), text(&failure["kind"]), number("line"), number("column"))
}

#[test]
fn what_the_peer_does_not_do_is_a_failure_and_a_mistake_of_the_test_an_error() {
    let text = r#"fn setup() { let l = listen("127.0.0.1:0"); app.addr = l.addr; app.c = connect(l.addr); app.p = l.accept(); }
fn test_late() { app.c.expect("never", 20); }
fn test_end() { app.p.send("par"); app.p.close(); app.c.read_line(); }
fn test_reset() { app.p.reset(); app.c.read(); }
fn test_refused() { let l = listen("127.0.0.1:0"); let addr = l.addr; l.close(); sleep(1); connect(addr); }
fn test_frame() { app.c.frame_lines(3); app.p.send("longer\n"); app.c.read_frame(); }
fn test_closed() { app.c.close(); app.c.read_line(); }
fn test_text() { app.c.encoding = "gbk"; app.c.send("😀"); }
fn test_wrong() { app.c.read_line("x"); }
fn test_exit() { let t = start(|| { sleep(1); exit(4) }); t.join(); }
"#;
    let results = results(text, &[], 1);
    let found: Vec<_> = results.iter().map(outcome).map(|(name, outcome, kind, _)| (name, outcome, kind)).collect();
    let wanted = [
        ("test_late", "failed", "timeout"),
        ("test_end", "failed", "expect"),
        ("test_reset", "failed", "expect"),
        ("test_refused", "failed", "expect"),
        ("test_frame", "failed", "expect"),
        ("test_closed", "errored", "error"),
        ("test_text", "errored", "error"),
        ("test_wrong", "errored", "error"),
        ("test_exit", "failed", "exit"),
    ];
    assert_eq!(found, wanted);
    assert_eq!(results[1]["failures"][0]["received"]["text"], "par");
    assert_eq!(place(&results, "test_end").2, 3);
}

#[test]
fn a_limit_has_the_place_of_the_call_that_waits() {
    let text = r#"fn wait(c) { c.read_line(600000) }
fn test_call() {
    let l = listen("127.0.0.1:0");
    let c = connect(l.addr);
    wait(c);
}
fn test_first() { sleep(100); }
fn test_loop() {
    let l = listen("127.0.0.1:0");
    let c = connect(l.addr);
    for line in c.lines() { print(line); }
}
fn test_caught() {
    try { sleep(600000) } catch { print("never"); }
    print("never");
}
fn deep(n) { deep(n + 1) + 1 }
fn test_deep() {
    deep(1);
}
fn test_endless() {
    loop { }
}
"#;
    // At two at a time one of them ends while another one runs and none is left to begin.
    let options = ["--test-timeout", "500ms", "--script-timeout", "100ms", "--jobs", "2"];
    let results = results(text, &options, 1);
    let of = |name: &str| place(&results, name);
    let limit = |line, column| ("errored".to_owned(), "limit".to_owned(), line, column);
    assert_eq!(of("test_call"), limit(1, 16));
    assert_eq!(results[0]["failures"][0]["chain"][0], "in wait(), called at t.rhai:5:5");
    assert_eq!(of("test_loop"), limit(11, 18));
    assert_eq!(of("test_caught").2, 14);
    assert_eq!(of("test_deep"), ("errored".to_owned(), "error".to_owned(), 19, 5));
    assert_eq!(of("test_endless").2, 22);
    assert_eq!(results.len(), 6);
    assert!(results.iter().all(|test| test["printed"] == ""), "{results:?}");
}

#[test]
fn what_gives_the_rows_prints_with_the_first_of_them() {
    let folder = Folder::new();
    let text = "fn cases_a() { print(\"two rows\"); log(\"\\x1b[2J\"); [1, 2] }\nfn test_a(row) { print(row); }\n";
    folder.file("t.rhai", text.as_bytes());
    let run = |words: &[&str]| written(&folder, words);
    let tap = run(&["--tap", "--junit", "t.xml", "--json", "t.json"]);
    assert!(tap.contains("ok 1 - test_a[0]\n# two rows\n# \\x1b[2J\n# 1\nok 2 - test_a[1]\n# 2\n"), "{tap}");
    let read = |name: &str| std::fs::read_to_string(folder.path(name)).unwrap();
    assert!(read("t.xml").contains("<system-out>two rows\n\\x1b[2J\n1\n</system-out>"), "{}", read("t.xml"));
    assert!(read("t.json").contains(r#""printed":"two rows\n\u001b[2J\n1\n""#), "{}", read("t.json"));
    let human = run(&["--filter", "1", "--repeat", "2"]);
    assert_eq!(human.matches("| two rows\n").count(), 1, "{human}");
    folder.file("t.rhai", b"fn cases_a() { print(\"so far\"); throw \"no\" }\nfn test_a(row) {}\n");
    let done = tests(&folder, &["t.rhai"]).run();
    done.code(111);
    let report = String::from_utf8_lossy(&done.stdout).into_owned();
    assert!(report.contains("\n    | so far\n"), "{report}");
}

#[test]
fn a_test_without_rows_is_skipped_and_seen() {
    let folder = Folder::new();
    let text = "fn cases_a() { print(\"none\"); [] }\nfn test_a(row) { fail(\"x\") }\n";
    folder.file("t.rhai", text.as_bytes());
    let run = |words: &[&str]| written(&folder, words);
    let tap = run(&["--tap", "--junit", "t.xml", "--json", "t.json"]);
    assert!(tap.ends_with("1..1\nok 1 - test_a # SKIP cases_a() gives no rows\n# none\n"), "{tap}");
    let read = |name: &str| std::fs::read_to_string(folder.path(name)).unwrap();
    assert!(read("t.xml").contains(r#"<skipped message="cases_a() gives no rows"/>"#), "{}", read("t.xml"));
    let report: Value = serde_json::from_str(&read("t.json")).unwrap();
    assert_eq!(report["tests"][0]["reason"], "cases_a() gives no rows");
    assert_eq!(report["summary"]["skipped"], 1);
    assert_eq!(run(&["--list"]), "test_a\n");
    let human = run(&["--repeat", "2"]);
    let [first, printed, second, totals] = human.lines().collect::<Vec<_>>()[..] else { panic!("{human}") };
    assert_eq!(first, "skipped  test_a#1: cases_a() gives no rows");
    assert_eq!(printed, "    | none");
    assert_eq!(second, "skipped  test_a#2: cases_a() gives no rows");
    assert!(totals.starts_with("0 passed, 2 skipped in "), "{human}");
    folder.file("t.rhai", format!("{text}fn test_b() {{}}\nfn test_c() {{ fail(\"c\") }}\n").as_bytes());
    tests(&folder, &["t.rhai", "--filter", "test_[ab]"]).run().code(0);
    assert_eq!(tests(&folder, &["t.rhai", "--jobs", "1"]).run().status_code(), Some(1));
}

#[test]
fn every_row_has_another_name() {
    let text = r#"fn cases_a() { [#{name: "x"}, #{name: "x"}, 7, #{name: "2"}, #{name: "x1"}, #{name: "y"}] }
fn test_a(row) {}
"#;
    let results = results(text, &[], 0);
    let names: Vec<_> = results.iter().map(|test| outcome(test).0).collect();
    let wanted = ["test_a[x0]", "test_a[x2]", "test_a[2_0]", "test_a[2_1]", "test_a[x1]", "test_a[y]"];
    assert_eq!(names, wanted);
}

#[test]
fn code_that_computes_has_the_limit_of_the_script_also_with_a_smaller_one_of_the_test() {
    let text = "fn test_a() { loop {} }\nfn test_b() { sleep(600000); }\n";
    let results = results(text, &["--jobs", "1", "--test-timeout", "50ms", "--script-timeout", "300ms"], 1);
    let messages: Vec<_> = results.iter().map(|test| outcome(test).3).collect();
    let wanted = ["test_a() ran longer than 300ms and was stopped", "the test took longer than 50ms and was stopped"];
    assert_eq!(messages, wanted);
}

#[test]
fn a_name_of_a_row_may_be_a_number() {
    let text = r#"fn cases_a() { [5, -3, 1.5, 'c', true, "x", (), [1], #{}].map(|name| #{name: name}) + [#{}] }
fn test_a(row) {}
"#;
    let results = results(text, &[], 0);
    let names: Vec<_> = results.iter().map(|test| outcome(test).0).collect();
    let wanted = ["5", "-3", "1.5", "c", "true", "x", "6", "7", "8", "9"].map(|name| format!("test_a[{name}]"));
    assert_eq!(names, wanted);
}

#[test]
fn what_a_task_does_first_and_why_it_was_stopped_is_seen() {
    let text = r#"fn teardown() { if "late" in app { skip("too late") } if "start" in app { start(|| fail("in teardown")) } }
fn test_skip() { app.late = true; }
fn test_new() { start(|| fail("at once")); }
fn test_new_of_teardown() { app.start = true; }
fn test_new_beside_waiting() { start(|| sleep(600000)); start(|| { sleep(0); print("went on") }); }
fn test_limit() { let t = start(|| { loop {} }); t.join(); }
fn test_limit_caught() { try { start(|| { loop {} }).join(); } catch (e) { assert_match(`${e}`, "ran longer than"); } }
"#;
    let results = results(text, &["--script-timeout", "300ms"], 1);
    let found: Vec<_> = results.iter().map(outcome).collect();
    let skip = "teardown(): skip() in teardown(): the test has been done; skip() is for setup() and for the test";
    let wanted = [
        ("test_skip", "errored", "teardown", skip),
        ("test_new", "failed", "fail", "at once"),
        ("test_new_of_teardown", "failed", "fail", "in teardown"),
        ("test_new_beside_waiting", "passed", "", ""),
        ("test_limit", "errored", "error", "start ran longer than 300ms and was stopped"),
        ("test_limit_caught", "passed", "", ""),
    ];
    for (found, wanted) in found.iter().zip(wanted) {
        assert_eq!((found.0, found.1, found.2), (wanted.0, wanted.1, wanted.2));
        assert!(wanted.3.ends_with(found.3) && found.3.is_empty() == wanted.3.is_empty(), "{found:?}");
    }
    assert_eq!(found.len(), wanted.len());
}

#[test]
fn a_toxic_ends_a_stream_as_the_network_would() {
    let text = r#"fn setup() { let l = listen("127.0.0.1:0"); app.near = connect(l.addr); app.far = l.accept(); }
fn limit(options) { app.near.toxic("limit_data", options); app.far.send("ab\ncd\nefgh\n"); }
fn test_lines() {
    limit(#{bytes: 7});
    let got = [];
    for line in app.near.lines() { got.push(line); }
    assert_eq(got, ["ab", "cd", "e"]);
    app.near.expect_eof();
}
fn test_all() { limit(#{bytes: 7}); assert_eq(app.near.read_all(), "ab\ncd\ne"); app.near.expect_eof(); }
fn test_reset() { limit(#{bytes: 7, then: "reset"}); assert_eq(app.near.read(7), "ab\ncd\ne"); app.near.expect_reset(); }
fn test_timeout() { app.near.toxic("timeout", #{timeout: 10}); app.far.send("ab\n"); app.near.expect_eof(); }
fn test_reset_peer() { app.near.toxic("reset_peer", #{timeout: 10}); app.near.expect_reset(); app.far.expect_reset(); }
fn test_sent() {
    app.near.toxic("limit_data", #{bytes: 2, dir: "out"});
    app.near.send("abcd");
    assert_eq(app.far.read_all(), "ab");
    app.near.expect_eof();
}
fn test_own() {
    app.near.close();
    try { app.near.read(); fail("it read"); } catch (e) { assert_eq(e.kind, "closed"); }
}
"#;
    let results = results(text, &[], 0);
    assert_eq!(results.len(), 7);
}

/// Tasks that have something to do all the time, beside others that wait.
const BUSY: &str = r#"
fn pair() { let l = listen("127.0.0.1:0"); let c = connect(l.addr); #{near: c, far: l.accept()} }
fn compute() { for k in 0..8 { let since = now_ms(); while now_ms() - since < 40 { } sleep(1); } }
fn test_compute_1() { compute(); }
fn test_compute_2() { compute(); }
fn test_compute_3() { compute(); }
fn test_sent_before_the_limit() { let p = pair(); for i in 0..5 { p.far.send_line("x"); assert_eq(p.near.read_line(30), "x"); } }
fn test_sleep() { app.done = false; start(|| { sleep(50); app.done = true; }); while !app.done { sleep(0); } }
fn test_limit() {
    start(|| loop { sleep(0); });
    let p = pair();
    try { p.near.read_line(50); fail("something came"); } catch (e) { assert_eq(e.kind, "timeout"); }
}
"#;

#[test]
fn what_others_have_to_do_keeps_no_time_from_passing_and_nothing_sent_from_arriving() {
    for result in results(BUSY, &[], 0) {
        assert_eq!(outcome(&result).1, "passed", "{result}");
    }
}

/// Code that runs on until the time of the run is over has neither passed nor failed, whatever it catches.
#[test]
fn what_the_end_of_the_run_stops_has_not_passed() {
    let folder = Folder::new();
    for text in [
        "fn test_a() { loop {} }",
        "fn setup() { loop {} } fn test_a() { fail(\"a\") }",
        "fn test_a() {} fn teardown() { loop {} }",
        "fn test_a() { try { loop {} } catch {} }",
        "fn test_a() { let t = start(|| { loop {} }); try { t.join(); } catch {} }",
        "fn test_a() { loop {} } fn test_b() { sleep(3600000) } fn test_c() { loop {} }",
        "fn on_start() { after(1, || { loop {} }) } fn test_a() { sleep(20); }",
    ] {
        folder.file("t.rhai", text.as_bytes());
        let done = tests(&folder, &["--timeout", "300ms", "--json", "-", "t.rhai"]).run();
        done.code(28).said("timed out after 300ms (--timeout)");
        let report: Value = serde_json::from_slice(&done.stdout).expect("JSON");
        let outcomes: Vec<_> = report["tests"].as_array().expect("tests").iter().map(|test| &test["outcome"]).collect();
        assert!(outcomes.iter().all(|outcome| **outcome == "interrupted"), "{text}: {outcomes:?}");
    }
}

#[test]
fn what_the_end_of_the_run_stops_gives_no_exit_code() {
    let folder = Folder::new();
    for (text, options) in [
        ("fn main() { loop {} }", &[][..]),
        ("fn main() { let t = start(|| { loop {} }); t.join(); 5 }", &[]),
        ("fn main() { let t = start(|| { loop {} }); try { t.join(); } catch { exit(5) } }", &[]),
        ("fn on_start() { after(1, || { loop {} }) } fn main() { sleep(20); 5 }", &[]),
        ("fn main() { loop {} }", &["--clients", "3"]),
    ] {
        let script = folder.file("r.rhai", text.as_bytes()).display().to_string();
        let words = [&["run", "--timeout", "300ms"], options, &[&*script]].concat();
        Tcpx::new(&words).run().code(28).said("timed out after 300ms (--timeout)");
    }
}

#[test]
fn a_script_without_a_main_that_can_run_is_refused() {
    let folder = Folder::new();
    for (text, words) in [
        ("fn main(x) {}", "r.rhai: fn main() takes no parameters\nhint: the words after SCRIPT are in args"),
        ("fn on_data(c, d) {}", "r.rhai: there is no fn main() to run\nhint: handlers run by tcpx listen"),
    ] {
        let script = folder.file("r.rhai", text.as_bytes()).display().to_string();
        Tcpx::new(&["run", &script]).run().code(111).said(words);
    }
}

#[test]
fn a_file_of_tests_may_come_from_stdin_and_one_that_is_named_twice_runs_once() {
    let folder = Folder::new();
    let text = b"fn test_x() { print(\"here\"); }";
    let file = folder.file("a.rhai", text);
    let with = |words: &[&str]| Tcpx::new(&["test", "--tap"]).args(words).stdin(Stdin::Bytes(text.to_vec()));
    let ran = |line: Tcpx| String::from_utf8(line.run().code(0).stdout.clone()).expect("text");
    assert_eq!(ran(with(&["-"])), "TAP version 13\n1..1\nok 1 - test_x\n# here\n");
    assert_eq!(ran(with(&["--list", "-"])), "test_x\n");
    let both = ran(with(&["-"]).arg(&file));
    assert!(both.contains("ok 1 - stdin: test_x\n") && both.contains("a.rhai: test_x\n"), "{both}");
    let other_way = folder.path("../").join(folder.path("").file_name().expect("a name")).join("a.rhai");
    assert!(ran(with(&[]).arg(&file).arg(other_way).arg(&file)).starts_with("TAP version 13\n1..1\nok 1 - test_x\n"));
    for words in [&["-", "-"][..], &["--list", "-", "-"]] {
        with(words).run().code(2).said("tcpx: - is given twice: stdin holds one script");
    }
}
