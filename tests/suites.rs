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
