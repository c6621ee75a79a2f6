//! `tcpx report`: what is read, merged, written and compared.

use std::fs;
use std::path::Path;

use serde_json::Value;

use crate::support::{Folder, Stdin, Stdout, Tcpx};

/// The result of shard `index` of `count`: `runs` runs of `time_us` each within 2 s, and one that failed.
fn result(index: u32, count: u32, runs: u64, time_us: u64) -> String {
    let ended = runs + 1;
    let sum_us = runs * time_us;
    format!(
        r#"{{"version":1,"runs":{ended},"cut":0,"late":0,"unstarted":0,"failures":{{"connection refused":1}},"measures":{{"run":{{"count":{runs},"min_us":{time_us},"max_us":{time_us},"sum_us":{sum_us},"above":0,"histogram":[[{time_us},{runs}]]}}}},"counts":{{"bytes":{runs}}},"seconds":[{{"second":0,"runs":{ended},"failed":1,"max_us":{time_us}}}],"histogram":{{"lowest_us":1,"highest_us":60000000,"digits":3}},"parts":[{{"shard":"{index}/{count}","seed":42,"clients":5,"target_rate":null,"start":"2026-11-26T15:00:00Z","duration_s":2.0,"runs":{ended},"failed":1}}],"host":"of another program"}}
"#
    )
}

fn report(folder: &Folder, words: &[&str]) -> Tcpx {
    Tcpx::new(&["report"]).args(words).after_shell(&format!("cd '{}'", folder.path("").display()))
}

fn json(path: &Path) -> Value {
    serde_json::from_slice(&fs::read(path).expect("it was written")).expect("JSON")
}

#[test]
fn several_files_are_one_result() {
    let folder = Folder::new();
    folder.file("a.json", result(1, 2, 99, 1000).as_bytes());
    folder.file("b.json", result(2, 2, 299, 2000).as_bytes());
    let done = report(&folder, &["a.json", "b.json", "--json", "all.json", "--html", "all.html"]).run();
    done.code(0).quietly();
    let text = String::from_utf8_lossy(&done.stdout).into_owned();
    for line in [
        "load       closed loop: as fast as 10 clients can; a time counts from the start of the run\n",
        "shards     1-2/2; the last began 0us after the first\n",
        "runs       400, 200.0/s\n",
        "failed     2 (0.50%)\n",
        "run           398  2.00ms  2.00ms  2.00ms  2.00ms  2.00ms\n",
        "failures\n  2  connection refused\n",
        "counts\n  398  bytes\n",
    ] {
        assert!(text.contains(line), "no {line:?} in:\n{text}");
    }
    let all = json(&folder.path("all.json"));
    assert_eq!((&all["runs"], &all["clients"], &all["shard"]), (&400.into(), &10.into(), &"1-2/2".into()));
    assert_eq!(all["measures"]["run"]["histogram"], serde_json::json!([[1000, 99], [2000, 299]]));
    let page = fs::read_to_string(folder.path("all.html")).unwrap();
    assert!(page.starts_with("<!DOCTYPE html>") && page.contains("\"runs\":400"));
    // What was merged can be merged again, and is the same whatever the order.
    report(&folder, &["b.json", "a.json", "--json", "other.json"]).run().code(0);
    assert_eq!(fs::read(folder.path("all.json")).unwrap(), fs::read(folder.path("other.json")).unwrap());
    let again = report(&folder, &["all.json"]).run();
    again.code(0).quietly();
    assert_eq!(again.stdout, done.stdout);
}

#[test]
fn stdin_holds_several_results_and_stdout_one_form() {
    let folder = Folder::new();
    let both = [result(1, 2, 9, 1000), result(2, 2, 9, 1000)].concat();
    let stdin = || Stdin::Bytes(both.clone().into_bytes());
    let as_json = report(&folder, &["-", "--json", "-"]).stdin(stdin()).run();
    as_json.code(0).quietly();
    assert_eq!(serde_json::from_slice::<Value>(&as_json.stdout).unwrap()["runs"], 20);
    let as_page = report(&folder, &["-", "--html", "-"]).stdin(stdin()).run();
    as_page.code(0).quietly();
    assert!(as_page.stdout.starts_with(b"<!DOCTYPE html>") && as_page.stdout.ends_with(b"</html>\n"));
}

#[test]
fn what_is_no_result_writes_nothing() {
    let folder = Folder::new();
    folder.file("good.json", result(1, 1, 9, 1000).as_bytes());
    folder.file("later.json", result(1, 1, 9, 1000).replace("\"version\":1", "\"version\":2").as_bytes());
    folder.file("cut.json", &result(1, 1, 9, 1000).as_bytes()[..100]);
    folder.file("open.json", result(1, 1, 9, 1000).replace("\"target_rate\":null", "\"target_rate\":5").as_bytes());
    folder.file("events.json", b"{\"time_us\":0,\"event\":\"start\"}\n");
    folder.file("empty.json", b"");
    for (file, cause) in [
        ("later.json", "a result of version 2, and this tcpx reads version 1"),
        ("cut.json", "not a result of a load run: EOF while parsing"),
        ("events.json", "not a result of a load run: it has no version"),
        ("empty.json", "not a result of a load run: it is empty"),
        ("open.json", "not merged: one was made with --rate and one without it"),
        ("gone.json", "no such file or directory"),
        (".", "is a directory"),
    ] {
        for files in [["good.json", file], [file, "good.json"]] {
            let done = report(&folder, &files).args(&["--json", "all.json", "--html", "all.html"]).run();
            let name = if cause.starts_with("not merged") { files[1] } else { file };
            done.code(26).wrote("").said(&format!("tcpx: read {name}: {cause}"));
            assert!(!folder.path("all.json").exists() && !folder.path("all.html").exists(), "{file}");
        }
    }
    let done = report(&folder, &["-"]).stdin(Stdin::Bytes(b"hello".to_vec())).run();
    done.code(26).wrote("").said("tcpx: read stdin: not a result of a load run: expected value");
}

#[test]
fn a_file_that_cannot_be_written_is_23() {
    let folder = Folder::new();
    folder.file("a.json", result(1, 1, 9, 1000).as_bytes());
    for option in ["--json", "--html"] {
        let done = report(&folder, &["a.json", option, "gone/out"]).run();
        done.code(23).wrote("").said("tcpx: write gone/out: no such file or directory");
    }
}

#[test]
fn gaps_and_doubles_are_said() {
    let folder = Folder::new();
    folder.file("a.json", result(1, 4, 9, 1000).as_bytes());
    folder.file("b.json", result(3, 4, 9, 1000).as_bytes());
    let done = report(&folder, &["a.json", "b.json", "a.json"]).run();
    done.code(0).said("tcpx: of 4 shards, shards 2,4 are missing\n");
    done.said("tcpx: shard 1/4 is there 2 times, and is counted 2 times\n");
    assert!(String::from_utf8_lossy(&done.stdout).contains("shards     1,3/4, missing: 2,4;"));
}

#[test]
fn thresholds_decide_the_exit_code_after_everything_is_written() {
    let folder = Folder::new();
    folder.file("a.json", result(1, 2, 99, 1000).as_bytes());
    folder.file("b.json", result(2, 2, 99, 80_000).as_bytes());
    let check = |files: &[&str], conditions: &[&str]| {
        let mut words = files.to_vec();
        words.extend(conditions.iter().flat_map(|condition| ["--fail-if", condition]));
        report(&folder, &words).run()
    };
    check(&["a.json", "b.json"], &["p99 > 100ms", "failures > 1%"]).code(0).quietly();
    let done = check(&["a.json", "b.json", "--json", "all.json"], &["p99 > 50ms", "failures > 1", "rate < 1"]);
    done.code(1).said("tcpx: --fail-if 'p99 > 50ms': it is 80.0ms\ntcpx: --fail-if 'failures > 1': it is 2\n");
    assert!(done.stdout.starts_with(b"load ") && folder.path("all.json").exists());
    check(&["a.json"], &["login.p99 > 1s"]).code(1).said("nothing was measured as \"login\"");
    check(&["a.json"], &["p99 > 50"]).code(2).wrote("").said("\"50\" has no unit");
    check(&["gone.json"], &["p99"]).code(2).said("there is no comparison");
}

#[test]
fn a_reader_that_leaves_ends_it_as_any_other_command() {
    let folder = Folder::new();
    folder.file("a.json", result(1, 1, 9, 1000).as_bytes());
    let (reader, writer) = std::io::pipe().expect("a pipe");
    drop(reader);
    let line = report(&folder, &["a.json", "--json", "all.json"]).with_default_signals();
    line.stdout(Stdout::Fd(writer.into())).run().code(141).quietly();
    assert_eq!(json(&folder.path("all.json"))["runs"], 10);
    report(&folder, &["a.json"]).stdout(Stdout::Closed).run().code(23).said("tcpx: write stdout: ");
}

#[test]
fn a_load_is_summed_up_although_its_file_cannot_be_written() {
    let folder = Folder::new();
    let script = folder.file("s.rhai", b"fn main() { count(\"x\"); }");
    let done = Tcpx::new(&["run", "--clients", "2", "--json", "/dev/full"]).arg(&script).run();
    done.code(23).said("write /dev/full: no space left on device");
    let text = String::from_utf8_lossy(&done.stdout).into_owned();
    assert!(text.contains("runs       2, ") && text.contains("\ncounts\n  2  x\n"), "{text}");
}

#[test]
fn a_load_whose_files_cannot_be_created_does_not_begin() {
    let folder = Folder::new();
    let script = folder.file("s.rhai", b"fn main() { print(\"a run\"); }");
    for workers in ["1", "2"] {
        for option in ["--json", "--events", "-o"] {
            if workers == "2" && option != "--json" {
                continue;
            }
            let line = ["run", "--clients", "2", "--workers", workers, option, "/nowhere/x"];
            let done = Tcpx::new(&line).arg(&script).run();
            done.code(23).said("write /nowhere/x: no such file or directory");
            assert_eq!(String::from_utf8_lossy(&done.stdout), "", "{option} with {workers}");
        }
    }
    // An old result is not taken for that of a load that has not come to its end.
    let old = folder.file("old.json", result(1, 1, 9, 1000).as_bytes());
    let bad = folder.file("bad.rhai", b"fn main( {");
    Tcpx::new(&["run", "--clients", "2", "--json"]).arg(&old).arg(bad).run().code(111);
    assert_eq!(fs::read(&old).expect("a file"), b"");
}

#[test]
fn a_script_may_come_from_stdin() {
    let script = b"fn main() { print(args[0]); for line in stdin_lines() { print(line); } count(\"x\"); 3 }".to_vec();
    let done = Tcpx::new(&["run", "-", "a"]).stdin(Stdin::Bytes(script.clone())).run();
    assert_eq!((done.status_code(), done.stdout.as_slice()), (Some(3), &b"a\n"[..]));
    let done = Tcpx::new(&["run", "--clients", "2", "--workers", "2", "-", "a"]).stdin(Stdin::Bytes(script)).run();
    done.code(1).said("tcpx: 2 of 2 runs failed");
    let done = Tcpx::new(&["run", "-"]).stdin(Stdin::Bytes(b"fn main( {".to_vec())).run();
    done.code(111).said("tcpx: stdin:1:");
}

#[test]
fn a_separator_behind_the_script_is_none_of_its_args() {
    let folder = Folder::new();
    let text = b"#!/usr/bin/env -S tcpx run\nfn main() { print(`${args}`); }".to_vec();
    let script = folder.file("s.rhai", &text);
    let script = script.to_str().expect("UTF-8");
    for (behind, wanted) in [
        (&["--", "a"][..], r#"["a"]"#),
        (&["a", "--", "b"], r#"["a", "--", "b"]"#),
        (&["--", "--", "--clients"], r#"["--", "--clients"]"#),
        (&["--"], "[]"),
        (&["--", "--help"], r#"["--help"]"#),
    ] {
        for before in [&["run", script][..], &["run", "--seed", "1", script], &["run", "--", script]] {
            Tcpx::new(before).args(behind).run().code(0).wrote(format!("{wanted}\n"));
        }
        let done = Tcpx::new(&["run", "-"]).args(behind).stdin(Stdin::Bytes(text.clone())).run();
        done.code(0).wrote(format!("{wanted}\n"));
    }
    let checked = folder.file("t.rhai", b"fn main() { assert_eq(args, [\"-v\"]); }\nfn test_a() { main(); }\n");
    let checked = checked.to_str().expect("UTF-8");
    assert_eq!(Tcpx::new(&["run", "--clients", "2", checked, "--", "-v"]).run().status_code(), Some(0));
    assert_eq!(Tcpx::new(&["test", checked, "--", "-v"]).run().status_code(), Some(0));
}

#[test]
fn a_load_that_is_stopped_says_which_conditions_hold() {
    let folder = Folder::new();
    let script = folder.file("s.rhai", b"fn main() { sleep(600000); }");
    let load = Tcpx::new(&["run", "--clients", "2", "--timeout", "200ms", "--fail-if", "cut > 1"]).arg(&script).run();
    load.code(28).said("tcpx: --fail-if 'cut > 1': it is 2\n");
    assert!(String::from_utf8_lossy(&load.stdout).contains("\ncut        2 did not end"));
}

#[test]
fn a_load_in_which_no_run_ends_is_no_success() {
    let folder = Folder::new();
    let script = folder.file("s.rhai", b"fn main() { sleep(600000); }");
    let load = |options: &[&str]| {
        Tcpx::new(&["run", "--clients", "2", "--duration", "200ms"]).args(options).arg(&script).run()
    };
    let path = folder.path("a.json");
    let done = load(&["--json", path.to_str().expect("UTF-8")]);
    done.code(1).said("tcpx: no run has ended: 2 cut\n");
    assert!(String::from_utf8_lossy(&done.stdout).contains("\ncut        2 "));
    let result = json(&path);
    assert_eq!((&result["runs"], &result["cut"]), (&Value::from(0), &Value::from(2)));
    report(&folder, &["a.json"]).run().code(0).quietly();
    load(&["--workers", "2"]).code(1).said("tcpx: no run has ended: 2 cut");
    load(&["--rate", "20", "--fail-if", "failures > 0"]).code(1).said("tcpx: no run has ended: ");
    let done = load(&["--fail-if", "p99 > 1s"]);
    done.code(1).said("no run has succeeded");
    assert!(!done.stderr.contains("no run has ended"), "{}", done.stderr);
    load(&["--fail-if", "runs < 0"]).code(0);
    load(&["--fail-if", "cut > 2"]).code(0);
}

#[test]
fn a_condition_about_failures_says_how_many_runs_may_fail() {
    let folder = Folder::new();
    let script = folder.file("s.rhai", b"app.n = 0; fn main() { app.n += 1; if app.n == 1 { throw \"unlucky\"; } }");
    let load = |conditions: &[&str]| {
        let mut words = vec!["run", "--clients", "4"];
        words.extend(conditions.iter().flat_map(|condition| ["--fail-if", condition]));
        Tcpx::new(&words).arg(&script).run()
    };
    load(&[]).code(1).said("tcpx: 1 of 4 runs failed\n");
    load(&["p99 > 50s"]).code(1).said("tcpx: 1 of 4 runs failed\n");
    load(&["failures > 50%"]).code(0);
    load(&["failures > 1"]).code(0);
    load(&["failures > 10%"]).code(1).said("tcpx: --fail-if 'failures > 10%': it is 25");
    load(&["failures > 50%", "rate < 0.001"]).code(0);
}

#[test]
fn what_a_load_writes_can_be_read_and_merged_again_whatever_its_names_and_counts() {
    let folder = Folder::new();
    let script = r#"app.n = 0;
fn main() {
    app.n += 1;
    if app.n % 2 == 0 { throw "odd \"quoted\"\nline <b>\x07"; }
    measure("a\"b\n<c>", || 1);
    count("q\"\n\x01<x>&", 9223372036854775807);
    count("\u4f60", 9007199254740991);
}
"#;
    let script = folder.file("l.rhai", script.as_bytes());
    let done = Tcpx::new(&["run", "--clients", "6", "--json"]).arg(folder.path("1.json")).arg(script).run();
    done.code(1).said("3 of 6 runs failed");
    fs::copy(folder.path("1.json"), folder.path("2.json")).expect("a copy");
    report(&folder, &["1.json", "2.json", "--json", "all.json", "--html", "all.html"]).run().code(0);
    report(&folder, &["all.json"]).run().code(0);
    let all = json(&folder.path("all.json"));
    assert_eq!((&all["runs"], &all["failed"]), (&12.into(), &6.into()));
    assert_eq!(all["measures"]["a\"b\n<c>"]["count"], 6);
    let most = Value::from(1_u64 << 53);
    assert_eq!((&all["counts"]["q\"\n\u{1}<x>&"], &all["counts"]["\u{4f60}"]), (&most, &most));
    let page = fs::read_to_string(folder.path("all.html")).expect("a page");
    assert!(!page.contains("<c>") && !page.contains("<x>") && !page.contains("line <b>") && !page.contains('\u{1}'));
}

#[test]
fn exit_in_a_task_ends_the_run_that_has_started_it_and_no_other() {
    let folder = Folder::new();
    let script = r"app.n = 0;
fn main() {
    app.n += 1;
    let code = if app.n < 3 { 4 } else { 0 };
    if app.n < 5 {
        start(|code| { sleep(1); start(|code| exit(code), code).join() }, code);
        sleep(600000);
    }
}
";
    let script = folder.file("l.rhai", script.as_bytes());
    let done = Tcpx::new(&["run", "--clients", "6", "--json"]).arg(folder.path("1.json")).arg(script).run();
    done.code(1).said("2 of 6 runs failed");
    let result = json(&folder.path("1.json"));
    assert_eq!(result["failures"], serde_json::json!({"exit code 4": 2}));
    assert_eq!((&result["runs"], &result["cut"]), (&6.into(), &0.into()));
}

/// Loads that several loops say the same of: the script, words before it, the exit code, and what is said once.
const OF_EACH_LOOP: [(&str, &[&str], i32, &str); 5] = [
    ("fn main() { sleep(600000); }", &["--timeout", "300ms"], 28, "tcpx: timed out after 300ms (--timeout)\n"),
    ("fn main( {", &[], 111, "expecting ')' to close the parameters list"),
    ("throw \"top\"; fn main() {}", &[], 111, "t.rhai:1:1: top\n"),
    ("fn on_start() { throw \"start\" } fn main() {}", &[], 112, "t.rhai:1:17: start\n"),
    ("fn on_start() { after(1, || { throw \"timer\" }) } fn main() { sleep(200); }", &[], 112, "t.rhai:1:31: timer\n"),
];

#[test]
fn what_each_loop_of_a_load_would_say_is_said_once() {
    let folder = Folder::new();
    for (text, words, code, said) in OF_EACH_LOOP {
        let script = folder.file("t.rhai", text.as_bytes());
        for workers in ["1", "2", "4"] {
            let done = Tcpx::new(&["run", "--clients", "4", "--workers", workers]).args(words).arg(&script).run();
            done.code(code);
            assert_eq!(done.stderr.matches(said).count(), 1, "{workers} workers: {}", done.stderr);
        }
    }
    let script = folder.file("t.rhai", b"fn main() { }");
    for (words, said) in [
        (&["--workers", "2", "--events", "e"][..], "--workers and --events contradict each other"),
        (&["--workers", "2", "-o", "o"], "--workers and --output contradict each other"),
        (&["--workers", "300"], "--workers 300 is too many: 256 is the most"),
    ] {
        Tcpx::new(&["run", "--clients", "400"]).args(words).arg(&script).run().code(2).said(said);
    }
}
