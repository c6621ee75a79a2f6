//! `tcpx test`: suites that are careless or wrong, and what their reports tell of it.

use rustix::process::Signal;
use serde_json::Value;

use crate::support::peer::Conn;
use crate::support::{Done, Folder, Tcpx};

/// `tcpx test` in a folder.
fn tests(folder: &Folder, words: &[&str]) -> Tcpx {
    Tcpx::new(&["test"]).args(words).after_shell(&format!("cd '{}'", folder.path("").display()))
}

fn stdout(done: &Done) -> String {
    String::from_utf8_lossy(&done.stdout).into_owned()
}

fn read(folder: &Folder, name: &str) -> Vec<u8> {
    std::fs::read(folder.path(name)).expect("the report")
}

/// A folder with the file `t.rhai`.
fn folder(text: &str) -> Folder {
    let folder = Folder::new();
    folder.file("t.rhai", text.as_bytes());
    folder
}

const UNBEGUN: &str = r#"fn serve(conn) { conn.send("x"); fail("never seen"); }
fn test_lost() {
    let l = listen("127.0.0.1:0");
    let t = start(|l| { let conn = l.accept();
        start(serve, conn); }, l);
    connect(l.addr);
    t.join();
}
fn test_endless_server() {
    let l = listen("127.0.0.1:0");
    start(|l| { loop { let conn = l.accept(); start(|conn| { loop { conn.send(conn.read()); } }, conn); } }, l);
    let conn = connect(l.addr);
    conn.send("x");
    assert_eq(conn.read(1), "x");
}
fn test_begins_at_the_end() { start(|| print("begun")); }
fn test_cancelled() { start(|| { let t = start(|| print("no")); t.cancel(); }).join(); }
fn test_failed_first() { start(|| { start(|| print("no")); throw "wrong" }).join(); }
"#;

#[test]
fn a_task_that_never_began_is_a_note_of_its_test() {
    let folder = folder(UNBEGUN);
    let note = "t.rhai:5: the task that is started here never began, because what started it ended first";
    let done = tests(&folder, &["t.rhai", "--junit", "t.xml", "--json", "t.json"]).run();
    assert_eq!(done.status_code(), Some(1));
    let lines = stdout(&done);
    assert_eq!(lines.matches("note:").count(), 1, "{lines}");
    assert!(lines.starts_with("ok       test_lost ") && lines.contains(&format!("    note: {note}\n")), "{lines}");
    let xml = String::from_utf8(read(&folder, "t.xml")).expect("XML is text");
    assert!(xml.contains(&format!("<system-out>note: {note}\n</system-out>")), "{xml}");
    let report: Value = serde_json::from_slice(&read(&folder, "t.json")).expect("JSON");
    let notes: Vec<_> =
        report["tests"].as_array().expect("tests").iter().map(|test| test["notes"].to_string()).collect();
    assert_eq!(notes, [format!("[\"{note}\"]"), "[]".into(), "[]".into(), "[]".into(), "[]".into()]);
    let done = tests(&folder, &["t.rhai", "--tap", "--filter", "lost"]).run();
    done.code(0);
    assert_eq!(stdout(&done), format!("TAP version 13\n1..1\nok 1 - test_lost\n# note: {note}\n"));
}

#[test]
fn a_file_without_tests_beside_others_is_told() {
    let folder = folder("fn test_a() { }\n");
    folder.file("u.rhai", b"fn tst_a() { }\n");
    let done = tests(&folder, &["t.rhai", "u.rhai"]).run();
    done.code(0).said("u.rhai: there is no test in it\n");
    tests(&folder, &["u.rhai"]).run().code(2).said("there is no test");
}

#[test]
fn a_task_of_main_that_never_began_is_told_once_for_each_place() {
    let folder = folder("fn main() {\n    for i in 0..3 { start(|| print(\"no\")); }\n}\n");
    let script = folder.path("t.rhai");
    let script = script.to_str().expect("a path");
    for words in [&["run", script][..], &["run", "--clients", "3", script]] {
        let done = Tcpx::new(words).run();
        done.code(0);
        let stderr = done.stderr.clone();
        assert_eq!(stderr.matches("t.rhai:2: the task that is started here never began").count(), 1, "{stderr}");
    }
}

#[test]
fn a_long_value_has_its_length_in_every_report() {
    let text = r#"fn x(n) { let text = ""; text.pad(n, 'x'); text }
fn test_text() { assert_eq(x(65535), x(65536)); }
fn test_far_too_long() { assert_eq(x(500000), "y" + x(399999)); }
fn test_bytes() { assert_eq(x(200000).to_blob(), ("y" + x(300000)).to_blob()); }
"#;
    let folder = folder(text);
    let wanted = [
        "expected 65536 bytes, received 65535",
        "expected 400000 bytes, received 500000",
        "expected 300001 bytes, received 200000",
    ];
    let done = tests(&folder, &["t.rhai", "--junit", "t.xml", "--json", "t.json"]).run();
    assert_eq!(done.status_code(), Some(1));
    let tap = tests(&folder, &["t.rhai", "--tap"]).run();
    let xml = String::from_utf8(read(&folder, "t.xml")).expect("XML is text");
    for report in [stdout(&done), stdout(&tap), xml] {
        for said in wanted {
            assert!(report.contains(&format!("~ {said}")), "{said}: {report}");
        }
    }
    let report: Value = serde_json::from_slice(&read(&folder, "t.json")).expect("JSON");
    let lengths: Vec<_> = report["tests"]
        .as_array()
        .expect("tests")
        .iter()
        .map(|test| {
            format!("{} {}", test["failures"][0]["expected"]["length"], test["failures"][0]["received"]["length"])
        })
        .collect();
    assert_eq!(lengths, ["65536 65535", "400000 500000", "300001 200000"]);
}

#[test]
fn each_report_has_a_place_of_its_own() {
    let folder = folder("fn test_a() {}\n");
    for words in [&["--json", "same", "--junit", "./same"][..], &["--junit", "same", "--json", "same"]] {
        let done = tests(&folder, &["t.rhai"]).args(words).run();
        done.code(2).wrote("").said("--json and --junit are the same file");
        assert!(!folder.path("same").exists());
    }
    for (words, said) in [
        (&["--tap", "--json", "-"][..], "--tap and --json - both write to stdout"),
        (&["--tap", "--junit", "-"], "--tap and --junit - both write to stdout"),
        (&["--junit", "-", "--json", "-"], "--json - and --junit - both write to stdout"),
    ] {
        tests(&folder, &["t.rhai"]).args(words).run().code(2).wrote("").said(said);
    }
    let done = tests(&folder, &["t.rhai", "--junit", "-"]).run();
    done.code(0).quietly();
    let xml = stdout(&done);
    assert!(xml.starts_with("<?xml") && xml.contains("<testcase name=\"test_a\""), "{xml}");
    assert!(!folder.path("-").exists());
}

#[test]
fn too_many_repetitions_are_refused_before_they_fill_the_memory() {
    let folder = folder("fn test_a() {}\nfn test_b() {}\n");
    for (number, code) in [("500001", 2), ("99999999999", 2), ("18446744073709551615", 2), ("0", 2)] {
        tests(&folder, &["t.rhai", "--list", "--repeat", number]).run().code(code);
    }
    let done = tests(&folder, &["t.rhai", "--list", "--repeat", "500001"]).run();
    done.said("--repeat 500001 makes more than 1000000 tests");
    let done = tests(&folder, &["t.rhai", "--list", "--repeat", "50000"]).run();
    done.code(0);
    assert_eq!(stdout(&done).lines().count(), 100_000);
}

#[test]
fn an_error_does_not_repeat_all_that_a_peer_has_sent() {
    let folder = folder("fn session(conn) { parse_int(conn.read_line()) }\n");
    let script = folder.path("t.rhai");
    let (tcpx, address) = Tcpx::new(&["--script"]).arg(&script).listen();
    let mut client = Conn::to(address);
    let line = "x\u{4f60}".repeat(50_000);
    client.send(format!("{line}\n").as_bytes());
    client.expect_reset();
    tcpx.signal(Signal::TERM);
    let done = tcpx.finish();
    done.said("error parsing integer number 'x").said(" bytes … ").said("invalid digit found in string");
    assert!(done.stderr.len() < 10_000, "{} bytes", done.stderr.len());
}

/// A folder with a file that loads, and some that do not.
fn broken() -> Folder {
    let folder = folder("fn test_a() {}\nfn test_b() {}\n");
    folder.file("syntax.rhai", b"fn test_x( {\n");
    folder.file("import.rhai", b"import \"lost\" as lost;\nfn test_x() {}\n");
    folder.file(
        "rows.rhai",
        b"fn test_y() {}\nfn cases_x() { print(\"so far\"); throw \"no rows\" }\nfn test_x(row) {}\n",
    );
    folder.file("text.rhai", b"// \xc4\xe3\n");
    std::fs::create_dir(folder.path("dir")).expect("a folder");
    folder
}

/// File, name, outcome, and kind, message and line of the first failure, of each result of a report in JSON.
fn told(report: &[u8]) -> Vec<String> {
    let report: Value = serde_json::from_slice(report).expect("JSON");
    let text = |value: &Value| value.as_str().unwrap_or("-").to_owned();
    let of_test = |test: &Value| {
        let failure = &test["failures"][0];
        let line = failure["at"]["line"].as_u64().map_or("-".to_owned(), |line| line.to_string());
        let parts = [&test["file"], &test["name"], &test["outcome"], &failure["kind"], &failure["message"]].map(text);
        format!("{} {line}", parts.join(" "))
    };
    report["tests"].as_array().expect("tests").iter().map(of_test).collect()
}

#[test]
fn a_file_that_does_not_load_is_an_error_of_its_own_and_the_others_run() {
    let folder = broken();
    for (files, wanted) in [
        (
            &["syntax.rhai", "t.rhai"][..],
            "syntax.rhai load errored load expecting ')' to close the parameters list of function 'test_x' 1, t, t",
        ),
        (
            &["t.rhai", "import.rhai"],
            "t, t, import.rhai load errored load import \"lost\": no such file or directory 1",
        ),
        (&["t.rhai", "gone.rhai"], "t, t, gone.rhai load errored load read gone.rhai: no such file or directory -"),
        (&["dir", "t.rhai"], "dir load errored load read dir: is a directory -, t, t"),
        (&["rows.rhai", "t.rhai"], "rows.rhai load errored load no rows 2, t, t"),
        (
            &["text.rhai", "gone.rhai", "t.rhai"],
            "text.rhai load errored load text.rhai:1: not UTF-8 text (byte 0xc4) -, \
             gone.rhai load errored load read gone.rhai: no such file or directory -, t, t",
        ),
        (&["gone.rhai"], "gone.rhai load errored load read gone.rhai: no such file or directory -"),
    ] {
        for name in ["t.json", "t.xml"] {
            folder.file(name, b"of an earlier run");
        }
        let done = tests(&folder, files).args(&["--json", "t.json", "--junit", "t.xml"]).run();
        done.code(111).said("tcpx: files that do not load: ");
        let human = stdout(&done);
        assert!(human.contains(": does not load\n    "), "{human}");
        let found = told(&read(&folder, "t.json")).join(", ");
        let found = found.replace("t.rhai test_a passed - - -", "t").replace("t.rhai test_b passed - - -", "t");
        assert_eq!(found, wanted);
        let xml = String::from_utf8(read(&folder, "t.xml")).expect("XML is text");
        assert!(xml.contains("<testcase name=\"load\"") && xml.contains("type=\"load\""), "{xml}");
        assert_eq!(
            xml.matches("<testcase name=\"test_a\"").count(),
            files.iter().filter(|it| **it == "t.rhai").count()
        );
        let tap = tests(&folder, files).args(&["--tap"]).run();
        tap.code(111).said("tcpx: files that do not load: ");
        assert!(stdout(&tap).contains(": load\n  ---\n  message: \""), "{}", stdout(&tap));
    }
    let done = tests(&folder, &["rows.rhai"]).run();
    assert!(stdout(&done).contains("rows.rhai:2:33: no rows\n") && stdout(&done).contains("    | so far\n"));
}

#[test]
fn a_file_that_does_not_load_is_a_failure_to_fail_fast_and_is_there_once() {
    let folder = broken();
    folder.file("u.rhai", b"fn test_c() {}\n");
    let names = |words: &[&str]| {
        let done = tests(&folder, words).args(&["--jobs", "1", "--json", "-"]).run();
        done.code(111).said("tcpx: files that do not load: ");
        told(&done.stdout).iter().map(|line| line.split(' ').take(3).collect::<Vec<_>>().join(" ")).collect::<Vec<_>>()
    };
    let wanted = ["t.rhai test_a passed", "t.rhai test_b passed", "gone.rhai load errored", "u.rhai test_c not_run"];
    assert_eq!(names(&["t.rhai", "gone.rhai", "u.rhai", "--fail-fast"]), wanted);
    let wanted = ["gone.rhai load errored", "t.rhai test_a#1 passed", "t.rhai test_a#2 passed"];
    assert_eq!(names(&["gone.rhai", "t.rhai", "--repeat", "2", "--filter", "_a$"]), wanted);
    assert_eq!(names(&["gone.rhai", "t.rhai", "--filter", "none"]), ["gone.rhai load errored"]);
    folder.file("wrong.rhai", b"fn test_w() { fail() }\n");
    assert_eq!(names(&["gone.rhai", "wrong.rhai"]), ["gone.rhai load errored", "wrong.rhai test_w failed"]);
}

#[test]
fn the_list_has_what_loads_and_says_what_does_not() {
    let folder = broken();
    let done = tests(&folder, &["--list", "gone.rhai", "t.rhai", "rows.rhai"]).run();
    done.code(111).wrote("t.rhai: test_a\nt.rhai: test_b\n");
    done.said("tcpx: read gone.rhai: no such file or directory\n")
        .said("tcpx: rows.rhai:2:33: no rows\n")
        .said("    | so far\n");
    tests(&folder, &["--list", "gone.rhai"]).run().code(111).wrote("");
}

#[test]
fn nothing_to_run_replaces_an_earlier_report() {
    let folder = folder("fn helper() {}\n");
    folder.file("t.json", b"of an earlier run");
    let done = tests(&folder, &["t.rhai", "--json", "t.json"]).run();
    done.code(2).said("tcpx: there is no test\nhint: a test is a function");
    assert_eq!(told(&read(&folder, "t.json")), [""; 0]);
    tests(&folder, &["t.rhai", "--tap"]).run().code(2).wrote("TAP version 13\n1..0 # SKIP nothing to run\n");
    let done = tests(&folder, &["gone.rhai", "--json", "gone/t.json"]).run();
    done.code(23).wrote("").said("write gone/t.json: no such file");
}

#[test]
fn the_time_limit_of_a_run_is_named_in_every_report() {
    let folder = folder("fn test_a() { sleep(600000); }\nfn test_b() {}\n");
    let limit = ["--jobs", "1", "--timeout", "1500ms"];
    let what = "timed out after 1.5s (--timeout)";
    let done = tests(&folder, &["t.rhai", "--junit", "t.xml", "--json", "t.json"]).args(&limit).run();
    done.code(28).said(what);
    assert!(
        stdout(&done).contains("\nnot run: 1 (--timeout 1.5s)\n0 passed, 1 stopped, 1 not run in "),
        "{}",
        stdout(&done)
    );
    let xml = String::from_utf8(read(&folder, "t.xml")).expect("XML is text");
    assert!(xml.contains(&format!("<error message=\"{what}\" type=\"timed_out\"")), "{xml}");
    let json: Value = serde_json::from_slice(&read(&folder, "t.json")).expect("JSON");
    assert_eq!((&json["tests"][0]["reason"], &json["summary"]["ended"]), (&what.into(), &"timed_out".into()));
    let tap = tests(&folder, &["t.rhai", "--tap"]).args(&limit).run();
    tap.code(28);
    assert!(stdout(&tap).ends_with(&format!("ok 2 - test_b # SKIP not run\nBail out! {what}\n")), "{}", stdout(&tap));
    let zh = tests(&folder, &["t.rhai"]).args(&limit).under(&["env", "TCPX_LANG=zh"]).run();
    zh.code(28).said("1.5s 后超时（--timeout）");
    assert!(stdout(&zh).contains("未运行：1（--timeout 1.5s）\n"), "{}", stdout(&zh));
}

#[test]
fn time_that_is_over_while_a_file_is_loaded_is_no_fault_of_the_file() {
    let folder = folder("fn test_a() {}\n");
    folder.file("loop.rhai", b"fn cases_x() { loop {} }\nfn test_x(row) {}\n");
    let done =
        tests(&folder, &["loop.rhai", "t.rhai", "--json", "-", "--timeout", "1s", "--script-timeout", "1h"]).run();
    done.code(28).said("timed out after 1s (--timeout)");
    assert_eq!(told(&done.stdout), ["loop.rhai load interrupted - - -", "t.rhai load not_run - - -"]);
}

#[test]
fn a_signal_after_a_file_that_does_not_load_is_a_signal() {
    let folder = folder("fn test_a() { sleep(600000); }\n");
    let words = ["gone.rhai", "t.rhai", "--tap", "--test-timeout", "1h"];
    let mut running = tests(&folder, &words).spawn();
    running.wait_stdout(BROKEN_TAP.as_bytes());
    running.signal(Signal::INT);
    let done = running.finish();
    done.code(130);
    let tap = stdout(&done);
    assert!(tap.contains("not ok 2 - t.rhai: test_a\n  ---\n  message: \"interrupted\"\n"), "{tap}");
    assert!(tap.ends_with("Bail out! interrupted\n"), "{tap}");
}

/// The report of a file that is not there, and of nothing else so far.
const BROKEN_TAP: &str = r#"TAP version 13
1..2
not ok 1 - gone.rhai: load
  ---
  message: "read gone.rhai: no such file or directory"
  severity: "error"
  outcome: "errored"
  file: "gone.rhai"
  line: 1
  duration_ms: 0.000
  failures:
    - kind: "load"
      message: "read gone.rhai: no such file or directory"
  ...
"#;
