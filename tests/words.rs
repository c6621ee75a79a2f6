//! Words from outside in messages: whatever they are, they make no line of their own and control no terminal.

use crate::support::{Folder, Tcpx};

/// A word that would make a line look like one of ours, and colour it.
const WORD: &str = "a\ntcpx: FAKE: b\x1b[31m\u{202e}";

/// Command lines that end at once with an error that repeats a word; `WORD` stands for it.
const LINES: &[&[&str]] = &[
    &["WORD"],
    &["WORD", "80"],
    &["connect", "WORD"],
    &["connect", "WORD", "80"],
    &["connect", "127.0.0.1", "WORD"],
    &["connect", "127.0.0.1", "9", "WORD"],
    &["connect", "unix:/nonexistent/WORD"],
    &["connect", "tcp://WORD"],
    &["connect", "--WORD", "127.0.0.1", "9"],
    &["connect", "-WORD", "127.0.0.1", "9"],
    &["connect", "--hex=WORD", "127.0.0.1", "9"],
    &["connect", "127.0.0.1", "9", "--send-file", "WORD"],
    &["connect", "127.0.0.1", "9", "--send", "\\WORD"],
    &["connect", "127.0.0.1", "9", "--send-hex", "WORD"],
    &["connect", "127.0.0.1", "9", "--script", "WORD"],
    &["connect", "127.0.0.1", "9", "--script", "@WORD"],
    &["connect", "127.0.0.1", "9", "--on-line", "WORD"],
    &["connect", "127.0.0.1", "9", "--session", "WORD"],
    &["connect", "127.0.0.1", "9", "--on-data", "throw \"WORD"],
    &["connect", "127.0.0.1", "9", "--on-line", "1", "--allow-read", "WORD"],
    &["connect", "127.0.0.1", "9", "--on-line", "1", "--allow-write", "WORD"],
    &["connect", "127.0.0.1", "9", "--on-line", "1", "--seed", "WORD"],
    &["connect", "127.0.0.1", "9", "--on-line", "1", "--script-timeout", "WORD"],
    &["connect", "127.0.0.1", "9", "--on-line", "1", "--script-errors", "WORD"],
    &["connect", "127.0.0.1", "9", "--output", "/nonexistent/WORD"],
    &["connect", "127.0.0.1", "9", "--events", "/nonexistent/WORD"],
    &["connect", "127.0.0.1", "9", "--events", "/dev/null", "--output", "/nonexistent/WORD"],
    &["connect", "127.0.0.1", "9", "--encoding", "WORD"],
    &["connect", "127.0.0.1", "9", "--recv-encoding", "WORD"],
    &["connect", "127.0.0.1", "9", "--send-encoding", "WORD"],
    &["connect", "127.0.0.1", "9", "--encoding", "gbk", "--malformed", "WORD"],
    &["connect", "127.0.0.1", "9", "--encoding", "gbk", "--unencodable", "WORD"],
    &["connect", "127.0.0.1", "9", "--source", "WORD"],
    &["connect", "127.0.0.1", "9", "--expect", "(WORD"],
    &["connect", "127.0.0.1", "9", "--fail-on", "(WORD"],
    &["connect", "127.0.0.1", "9", "--connect-timeout", "WORD"],
    &["connect", "127.0.0.1", "9", "--idle-timeout", "WORD"],
    &["connect", "127.0.0.1", "9", "--timeout", "WORD"],
    &["connect", "127.0.0.1", "9", "--eof-wait", "WORD"],
    &["connect", "127.0.0.1", "9", "--", "WORD"],
    &["listen", "WORD"],
    &["listen", "WORD", "0"],
    &["listen", "127.0.0.1", "0", "WORD"],
    &["listen", "unix:/nonexistent/WORD"],
    &["listen", "127.0.0.1", "0", "--ready-file", "/nonexistent/WORD"],
    &["listen", "127.0.0.1", "0", "--ready-fd", "WORD"],
    &["listen", "127.0.0.1", "0", "--accept", "WORD"],
    &["listen", "127.0.0.1", "0", "--max-conns", "WORD", "-k"],
    &["listen", "127.0.0.1", "0", "--backlog", "WORD"],
    &["listen", "127.0.0.1", "0", "--workers", "WORD", "--on-line", "1"],
    &["report", "WORD"],
    &["report", "x", "--fail-if", "WORD"],
    &["report", "x", "--fail-if", "WORD > 1ms"],
    &["report", "x", "--fail-if", "p99 > 1WORD"],
    &["report", "--WORD", "x"],
    &["script", "WORD"],
    &["script", "show", "WORD"],
    &["script", "check", "WORD"],
    &["script", "check", "@WORD"],
    &["completions", "WORD"],
    &["man", "WORD"],
];

#[test]
fn a_word_makes_no_line_of_its_own() {
    for line in LINES {
        let words: Vec<String> = line.iter().map(|word| word.replace("WORD", WORD)).collect();
        let done = Tcpx::new(&words).run();
        assert!(!done.stderr.is_empty() && done.status_code() != Some(0), "{line:?}");
        assert_harmless(&done.stderr, &format!("{line:?}"));
    }
}

#[test]
fn names_of_files_and_connections_make_no_line_of_their_own() {
    let folder = Folder::new();
    let name = "a\ntcpx: FAKE: b\x1b[31m.rhai";
    for (text, words) in [
        ("fn on_start() { throw \"x\ntcpx: FAKE: y\"; }", &[][..]),
        ("fn on_start() { exit(3); } fn on_start() {}", &[]),
        ("fn on_start() { log(\"x\ntcpx: FAKE: y\"); debug(\"x\\ntcpx: FAKE: y\"); exit(3) }", &["-v"]),
        ("import \"b\ntcpx: FAKE: c\" as b;", &[]),
        ("fn on_start() { read_text(\"b\\ntcpx: FAKE: c\"); }", &["--script-errors", "fatal"]),
        ("fn on_strat() { exit(3); } fn on_start() { exit(3); }", &[]),
    ] {
        let script = folder.file(name, text.as_bytes());
        let done =
            Tcpx::new(&["listen", "127.0.0.1", "0", "--timeout", "5", "--script"]).arg(&script).args(words).run();
        assert_harmless(&done.stderr, text);
        let done = Tcpx::new(&["script", "check"]).arg(&script).run();
        assert_harmless(&done.stderr, text);
    }
}

#[track_caller]
fn assert_harmless(stderr: &str, what: &str) {
    assert!(!stderr.lines().any(|line| line.starts_with("tcpx: FAKE") || line.starts_with("FAKE")), "{what}: {stderr}");
    let bad = stderr.chars().find(|letter| (letter.is_control() && *letter != '\n') || *letter == '\u{202e}');
    assert_eq!(bad, None, "{what}: {stderr:?}");
}
