//! Reports as a whole: the same results in each format, compared with the files in `snapshots/` (`TCPX_BLESS=1` rewrites them).

mod diffs;
mod documents;
mod hostile;
mod xml;

use std::fs;
use std::path::Path;
use std::time::Duration;

use serde_json::Value as Json;

use super::human::{Human, wants_colours};
use super::{Content, Cut, Ended, Failure, Kind, Outcome, Plan, Reporter, TestResult, Totals, Value};
use crate::verdicts::{LOAD, Place};

/// The line of all failures.
const LINE: &str = "    check(conn.read_line() == \"PONG\");";

/// A result that passed.
fn passed(name: &str) -> TestResult {
    TestResult {
        file: "tests/relay.rhai".to_owned(),
        name: name.to_owned(),
        line: 12,
        outcome: Outcome::Passed,
        failures: Vec::new(),
        notes: Vec::new(),
        printed: String::new(),
        events: Vec::new(),
        checks: 2,
        duration: Duration::from_micros(12_345),
    }
}

fn failed(name: &str, failures: Vec<Failure>) -> TestResult {
    TestResult { outcome: Outcome::of(&failures), failures, ..passed(name) }
}

fn failure(kind: Kind, message: &str) -> Failure {
    let place = Place { file: "relay.rhai".to_owned(), line: 14, column: 11, source: Some(LINE.to_owned()) };
    Failure { place: Some(place), ..Failure::new(kind, message) }
}

fn text(text: &str) -> Value {
    Value::whole(Content::Text(text.to_owned()))
}

/// One test of each outcome, and of each kind of failure.
fn suite(ended: Ended) -> Vec<TestResult> {
    let soft = Failure {
        expected: Some(text("+PONG one\nsame\n")),
        received: Some(text("+PING one\nsame\n")),
        ..failure(Kind::Check, "check failed: the replies differ")
    };
    let bytes = Failure {
        expected: Some(Value::whole(Content::Bytes(b"\x00\x01\x02\xffabcdefghijklmnop".to_vec()))),
        received: Some(Value::whole(Content::Bytes(b"\x00\x01\x03\xffabcdefghijklmnoq!".to_vec()))),
        chain: vec!["in helper(), called at relay.rhai:20:11".to_owned()],
        ..failure(Kind::Assert, "assertion failed: left == right")
    };
    let expect = Failure {
        expected: Some(Value::whole(Content::Pattern("^\\+OK (\\d+)".to_owned()))),
        received: Some(Value::whole(Content::Bytes(b"-ERR\r\n".to_vec()))),
        ..failure(Kind::Expect, "the peer ended before \"^\\+OK (\\d+)\" came")
    };
    let late = Failure {
        received: Some(text("+OK")),
        ..failure(Kind::Timeout, "timed out after 200 ms waiting for a line; got 3 bytes: \"+OK\"")
    };
    let mut limit = failed("test_limit", vec![failure(Kind::Limit, "the test took longer than 30s and was stopped")]);
    limit.events = vec![
        "conn 1: connected to 127.0.0.1:20001 from 127.0.0.1:31000".to_owned(),
        "conn 1: received 6 bytes: \" ready\"".to_owned(),
    ];
    let mut error = failed("test_error", vec![failure(Kind::Error, "function not found: sned(Conn, string)")]);
    error.failures[0].hint = Some("did you mean `send`?".to_owned());
    let mut printing = passed("test_prints");
    printing.printed = "hello\n\tworld # 1\n".to_owned();
    printing.notes.push("relay.rhai:7: the task that is started here never began".to_owned());
    let mut last = [passed("test_stopped"), passed("test_not_run[0]"), passed("test_not_run[1]")];
    for result in &mut last {
        (result.outcome, result.checks, result.duration) = (Outcome::NotRun, 0, Duration::ZERO);
    }
    if let Ended::Interrupted(cut) = ended {
        last[0].outcome = Outcome::Interrupted(cut);
        last[0].events = vec!["conn 9: idle".to_owned()];
    }
    let mut results = vec![
        passed("test_login"),
        printing,
        failed("test_check[short row]", vec![soft.clone()]),
        failed("test_assert#2", vec![soft, bytes]),
        failed("test_expect", vec![expect]),
        failed("test_fail", vec![failure(Kind::Fail, "this must not be reached\nat all")]),
        failed("test_exit", vec![failure(Kind::Exit, "exit(3) was called")]),
        error,
        failed("test_timeout", vec![late]),
        limit,
        failed("test_setup", vec![failure(Kind::Setup, "connection refused")]),
        failed("test_teardown", vec![Failure::new(Kind::Teardown, "timed out after 5 s")]),
        TestResult { outcome: Outcome::Skipped { reason: "needs #1 \\ a tty".to_owned() }, ..passed("test_skip") },
    ];
    results.extend(last);
    results
}

/// The whole report of results.
fn report(reporter: &mut dyn Reporter, results: &[TestResult], ended: Ended) -> String {
    let mut totals = Totals { ended, duration: Duration::from_millis(312), ..Totals::default() };
    let mut files: Vec<_> = results.iter().map(|result| &result.file).collect();
    files.dedup();
    let mut out = reporter.begin(&Plan { tests: results.len(), names_files: files.len() > 1 });
    for result in results {
        totals.count(result);
        out.extend(reporter.test(result));
    }
    out.extend(reporter.end(&totals));
    String::from_utf8(out).expect("UTF-8")
}

fn compare(name: &str, text: &str) {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("src/output/report/snapshots").join(name);
    if std::env::var_os("TCPX_BLESS").is_some() {
        fs::write(&path, text).expect("write a snapshot");
    }
    let wanted = fs::read_to_string(&path).unwrap_or_default();
    assert!(text == wanted, "{name} differs; it is now:\n{text}");
}

fn tap() -> super::tap::Tap {
    super::tap::Tap::default()
}

fn junit() -> super::junit::Junit {
    super::junit::Junit::default()
}

fn json() -> super::json::Json {
    super::json::Json::default()
}

#[test]
fn each_format_reports_each_kind_of_failure() {
    let results = suite(Ended::FailFast);
    compare("suite.txt", &report(&mut Human::new(false), &results, Ended::FailFast));
    compare("suite.ansi", &report(&mut Human::new(true), &results, Ended::FailFast));
    compare("suite.tap", &report(&mut tap(), &results, Ended::FailFast));
    compare("suite.xml", &report(&mut junit(), &results, Ended::FailFast));
    compare("suite.json", &report(&mut json(), &results, Ended::FailFast));
}

#[test]
fn an_interrupted_run_says_what_ran() {
    for (name, cut) in [("interrupted", Cut::Signal), ("timed_out", Cut::Timeout(Duration::from_millis(1500)))] {
        let ended = Ended::Interrupted(cut);
        let results = suite(ended).split_off(10);
        compare(&format!("{name}.txt"), &report(&mut Human::new(false), &results, ended));
        compare(&format!("{name}.tap"), &report(&mut tap(), &results, ended));
        compare(&format!("{name}.xml"), &report(&mut junit(), &results, ended));
        compare(&format!("{name}.json"), &report(&mut json(), &results, ended));
    }
}

#[test]
fn the_end_of_time_is_said_in_each_format() {
    let cut = Cut::Timeout(Duration::from_millis(1500));
    let stopped = TestResult { outcome: Outcome::Interrupted(cut), ..passed("test_stopped") };
    let what = "timed out after 1.5s (--timeout)";
    let report =
        |reporter: &mut dyn Reporter| report(reporter, std::slice::from_ref(&stopped), Ended::Interrupted(cut));
    assert!(report(&mut Human::new(false)).contains(&format!("\n{what}\n0 passed, 1 stopped in ")));
    let tap = report(&mut tap());
    assert!(
        tap.contains(&format!("  message: \"{what}\"\n")) && tap.ends_with(&format!("Bail out! {what}\n")),
        "{tap}"
    );
    let xml = report(&mut junit());
    assert!(xml.contains(&format!("<error message=\"{what}\" type=\"timed_out\"")), "{xml}");
    let json: Json = serde_json::from_str(&report(&mut json())).expect("JSON");
    let test = &json["tests"][0];
    assert_eq!((test["outcome"].as_str(), test["reason"].as_str()), (Some("interrupted"), Some(what)));
    assert_eq!(json["summary"]["ended"], "timed_out");
}

#[test]
fn a_file_that_does_not_load_is_a_result_in_each_format() {
    let mut lost = failed(LOAD, vec![failure(Kind::Load, "expecting ')'")]);
    (lost.file, lost.line, lost.checks, lost.duration) = ("tests/lost.rhai".to_owned(), 14, 0, Duration::ZERO);
    lost.failures[0].place.as_mut().expect("a place").file = "tests/lost.rhai".to_owned();
    let results = [passed("test_a"), lost];
    let report = |reporter: &mut dyn Reporter| report(reporter, &results, Ended::Complete);
    let human = report(&mut Human::new(false));
    let shown = format!("    tests/lost.rhai:14:11: expecting ')'\n       14 | {LINE}\n          |           ^\n");
    let (first, last) = ("FAILED   tests/lost.rhai: does not load\n", "1 passed, 1 not loaded in 0.31 s\n");
    assert_eq!(human, format!("ok       tests/relay.rhai: test_a (12 ms)\n{first}{shown}{last}"));
    let tap = report(&mut tap());
    for said in
        ["not ok 2 - tests/lost.rhai: load\n", "  severity: \"error\"\n", "    - kind: \"load\"\n", "line: 14\n"]
    {
        assert!(tap.contains(said), "{said}: {tap}");
    }
    let xml = report(&mut junit());
    xml::check(&xml);
    assert!(xml.contains(r#"<testcase name="load" classname="tests.lost" assertions="0""#), "{xml}");
    assert!(xml.contains(r#"<error message="expecting &apos;)&apos;" type="load">"#), "{xml}");
    let json: Json = serde_json::from_str(&report(&mut json())).expect("JSON");
    let test = &json["tests"][1];
    assert_eq!((test["name"].as_str(), test["outcome"].as_str()), (Some(LOAD), Some("errored")));
    assert_eq!((&test["failures"][0]["kind"], &test["failures"][0]["at"]["line"]), (&"load".into(), &14.into()));
    assert_eq!((&json["summary"]["tests"], &json["summary"]["errored"]), (&2.into(), &1.into()));
}

#[test]
fn a_green_run_is_short() {
    let results = [passed("test_a"), TestResult { file: "b.rhai".to_owned(), ..passed("test_b") }];
    let human = report(&mut Human::new(false), &results, Ended::Complete);
    assert_eq!(
        human,
        "ok       tests/relay.rhai: test_a (12 ms)\nok       b.rhai: test_b (12 ms)\n2 passed in 0.31 s\n"
    );
    let tap = report(&mut tap(), &results, Ended::Complete);
    assert_eq!(tap, "TAP version 13\n1..2\nok 1 - tests/relay.rhai: test_a\nok 2 - b.rhai: test_b\n");
    let xml = report(&mut junit(), &results, Ended::Complete);
    assert_eq!(xml.matches("<testsuite ").count(), 2, "{xml}");
    assert!(xml.contains(r#"<testcase name="test_b" classname="b" assertions="2" time="0.012""#), "{xml}");
}

#[test]
fn nothing_to_run_is_said_in_each_format() {
    assert_eq!(report(&mut Human::new(false), &[], Ended::Complete), "0 passed in 0.31 s\n");
    assert_eq!(report(&mut tap(), &[], Ended::Complete), "TAP version 13\n1..0 # SKIP nothing to run\n");
    xml::check(&report(&mut junit(), &[], Ended::Complete));
    let json: Json = serde_json::from_str(&report(&mut json(), &[], Ended::Complete)).expect("JSON");
    assert_eq!(json["tests"], Json::Array(Vec::new()));
}

#[test]
fn json_has_the_same_fields_in_every_object() {
    let text = report(&mut json(), &suite(Ended::Interrupted(Cut::Signal)), Ended::Interrupted(Cut::Signal));
    let json: Json = serde_json::from_str(&text).expect("JSON");
    assert_eq!(json["version"], 1);
    let keys = |value: &Json| value.as_object().expect("an object").keys().cloned().collect::<Vec<_>>();
    let tests = json["tests"].as_array().expect("an array");
    assert!(tests.iter().all(|test| keys(test) == keys(&tests[0])));
    let failures: Vec<_> = tests.iter().flat_map(|test| test["failures"].as_array().expect("an array")).collect();
    assert!(failures.len() > 8 && failures.iter().all(|failure| keys(failure) == keys(failures[0])));
    let summary = &json["summary"];
    let counted: u64 = ["passed", "failed", "errored", "skipped", "interrupted", "not_run"]
        .iter()
        .map(|key| summary[key].as_u64().expect("a number"))
        .sum();
    assert_eq!((summary["tests"].as_u64(), tests.len() as u64), (Some(counted), counted));
}

#[test]
fn colours_are_for_terminals_that_want_them() {
    let colours = |is_terminal, set: &[(&str, &'static str)]| {
        wants_colours(is_terminal, |name| set.iter().find(|(key, _)| *key == name).map(|(_, value)| (*value).as_ref()))
    };
    assert!(colours(true, &[("TERM", "xterm")]));
    assert!(!colours(false, &[("TERM", "xterm")]));
    assert!(!colours(true, &[("TERM", "dumb")]));
    assert!(!colours(true, &[]));
    assert!(!colours(true, &[("TERM", "xterm"), ("NO_COLOR", "1")]));
    assert!(colours(true, &[("TERM", "xterm"), ("NO_COLOR", "")]));
    assert!(colours(false, &[("CLICOLOR_FORCE", "1")]));
    assert!(!colours(false, &[("CLICOLOR_FORCE", "0")]));
    assert!(!colours(true, &[("TERM", "xterm"), ("NO_COLOR", "1"), ("CLICOLOR_FORCE", "1")]));
}

#[test]
fn outcomes_follow_from_failures() {
    use Kind::{Assert, Check, Error, Exit, Expect, Fail, Limit, Load, Setup, Teardown, Timeout};
    assert_eq!(Outcome::of(&[]), Outcome::Passed);
    for kind in [Check, Assert, Expect, Timeout, Fail, Exit] {
        assert_eq!(Outcome::of(&[failure(kind, "x")]), Outcome::Failed);
    }
    for kind in [Error, Limit, Setup, Teardown, Load] {
        assert_eq!(Outcome::of(&[failure(Check, "x"), failure(kind, "x")]), Outcome::Errored);
    }
    // The assertion ended the test; its teardown came after.
    assert_eq!(Outcome::of(&[failure(Assert, "x"), failure(Teardown, "x")]), Outcome::Failed);
    let mut totals = Totals::default();
    totals.count(&passed("test_a"));
    assert!(totals.is_green());
    totals.count(&TestResult { outcome: Outcome::NotRun, ..passed("test_b") });
    assert!(!totals.is_green());
}
