//! Combinations of options: which are refused, with which message, and which are accepted.

use std::ffi::OsString;

use crate::cli::tests::{accepted, refused, refused_words};

#[test]
fn contradictory_options_of_both_commands_are_refused() {
    let cases = [
        ("-4 -6", "-4 and -6 contradict each other | leave both out to use IPv4 and IPv6"),
        ("-q -v", "-q and -v contradict each other | leave one of them out"),
        (
            "--script f --on-data c",
            "--script and --on-data contradict each other | \
             write fn on_data(conn, data) { ... } into the script instead",
        ),
        (
            "--script f --on-line c",
            "--script and --on-line contradict each other | \
             write fn on_line(conn, line) { ... } into the script instead",
        ),
        (
            "--on-line c --on-data c",
            "--on-data and --on-line contradict each other | \
             choose one: --on-line gets whole lines, --on-data what arrived, however it was cut",
        ),
        (
            "--script f --session c",
            "--script and --session contradict each other | write fn session(conn) { ... } into the script instead",
        ),
        (
            "--session c --on-data d",
            "--on-data and --session contradict each other | \
             choose one: --session reads what arrives itself, as in 'for l in conn.lines() { ... }'",
        ),
        (
            "--on-line c --session d",
            "--on-line and --session contradict each other | \
             choose one: --session reads what arrives itself, as in 'for l in conn.lines() { ... }'",
        ),
        (
            "--send-only --recv-only",
            "--send-only and --recv-only contradict each other | leave both out to send and to receive",
        ),
        (
            "--send-only --no-stdin",
            "--send-only and --no-stdin contradict each other | \
             to send only what --send gives, use --send-only </dev/null",
        ),
        (
            "--send-only --no-shutdown",
            "--send-only and --no-shutdown contradict each other | \
             --send-only ends with a FIN, or the peer would not know",
        ),
        (
            "--half-open --recv-only",
            "--half-open and --recv-only contradict each other | \
             --half-open is about stdin, which is not read; -i DUR and --timeout DUR limit the time",
        ),
        (
            "--eof-wait 1 --no-stdin",
            "--eof-wait and --no-stdin contradict each other | \
             --eof-wait is about stdin, which is not read; -i DUR and --timeout DUR limit the time",
        ),
        (
            "--no-shutdown --no-stdin",
            "--no-shutdown and --no-stdin contradict each other | \
             --no-shutdown is about stdin, which is not read; -i DUR and --timeout DUR limit the time",
        ),
    ];
    for (options, said) in cases {
        assert_eq!(refused(&format!("connect h 80 {options}")), said);
        if !options.contains("--script") && !options.contains("--on-") {
            assert_eq!(refused(&format!("listen 80 {options}")), said);
        }
    }
    for options in ["--recv-only", "--no-stdin", "--recv-only --no-stdin", "-vv", "--half-open --eof-wait 2"] {
        accepted(&format!("connect h 80 {options}"));
        accepted(&format!("listen 80 {options}"));
    }
}

#[test]
fn script_options_need_a_script() {
    let hint = "add --script FILE, --on-data CODE, --on-line CODE or --session CODE";
    let cases = [
        ("--script-errors fatal", "--script-errors needs a script"),
        ("--script-timeout 1s", "--script-timeout needs a script"),
        ("--seed 7", "--seed needs a script"),
        ("--max-connects 7", "--max-connects needs a script"),
        ("--allow-read d", "--allow-read needs a script"),
        ("--allow-write d --allow-write e", "--allow-write needs a script"),
        ("-- word", "\"word\" after -- is for a script, and there is none"),
    ];
    for (options, said) in cases {
        assert_eq!(refused(&format!("connect h 80 {options}")), format!("{said} | {hint}"));
        assert_eq!(refused(&format!("listen 80 {options}")), format!("{said} | {hint}"));
        accepted(&format!("listen 80 --on-data c {options}"));
        accepted(&format!("listen 80 --session c {options}"));
    }
}

#[test]
fn a_probe_refuses_options_about_data() {
    for option in [
        "--script f",
        "--on-data c",
        "--on-line c",
        "--session c",
        "--send x",
        "--send-hex 00",
        "--send-file f",
        "--half-open",
        "--no-shutdown",
        "--eof-wait 1",
        "--send-only",
        "--recv-only",
        "--hex",
        "--output f",
    ] {
        let name = option.split(' ').next().unwrap();
        assert_eq!(
            refused(&format!("connect -z h 80 {option}")),
            format!("-z leaves as soon as the connection stands, so {name} has no effect | leave out -z or {name}")
        );
    }
    assert_eq!(
        refused("connect -z h 80 -i 1"),
        "-z leaves as soon as the connection stands, so --idle-timeout has no effect | \
         limit the time for connecting with -w DUR"
    );
    accepted("connect -z -w 2 -n -v --no-stdin --timeout 3 h 80");
}

#[test]
fn workers_refuse_options_about_shared_state() {
    let hint = "workers share nothing: they cannot count or write together";
    for (option, name) in [
        ("--once", "--once"),
        ("--accept 2", "--accept"),
        ("-m 2", "--max-conns"),
        ("-o f", "--output"),
        ("--events -", "--events"),
    ] {
        assert_eq!(
            refused(&format!("listen 80 --on-data c --workers 2 {option}")),
            format!("--workers and {name} contradict each other | {hint}")
        );
    }
    assert_eq!(
        refused("listen 80 --on-data c --workers 257"),
        "--workers 257 is too many: 256 is the most | one for each processor is enough"
    );
    assert_eq!(
        refused("listen 80 -k --workers 2"),
        "--workers needs a script | add --script FILE, --on-data CODE, --on-line CODE or --session CODE"
    );
    accepted("listen 80 --on-data c --workers 256");
}

#[test]
fn options_for_the_number_of_clients_are_checked() {
    assert_eq!(
        refused("listen 80 -k --once --accept 2"),
        "--once and --accept contradict each other | --once is the same as --accept 1: leave one of them out"
    );
    let hint = "add -k to serve many clients, or --script FILE";
    assert_eq!(
        refused("listen 80 --accept 2"),
        format!("--accept with more than one client needs -k or a script | {hint}")
    );
    assert_eq!(
        refused("listen 80 -m 1"),
        format!("--max-conns needs -k or a script: without them there is one client | {hint}")
    );
    assert_eq!(
        refused("listen 80 --accept 0"),
        "--accept 0 makes no sense: 1 is the smallest | write a number, as in --accept 8"
    );
    assert_eq!(
        refused("listen -k 80 -m 0"),
        "--max-conns 0 makes no sense: 1 is the smallest | write a number, as in --max-conns 8"
    );
    for options in ["--once", "--accept 1", "-k --accept 2", "-k -m 1", "--on-data c --accept 2 -m 1"] {
        accepted(&format!("listen 80 {options}"));
    }
}

#[test]
fn only_a_file_can_be_watched() {
    for line in ["listen 80 --watch", "connect h 80 --watch --on-data c", "listen 80 --on-line c --watch"] {
        assert_eq!(refused(line), "--watch needs a script in a file | add --script FILE");
    }
    assert_eq!(
        refused("listen 80 --watch -s @echo"),
        "--watch looks at a file, and a built-in script never changes | \
         tcpx script show NAME > FILE makes a file of it"
    );
    assert_eq!(
        refused("listen 80 --watch -s -"),
        "--watch looks at a file, and stdin is read once | save the script in a file"
    );
    accepted("listen 80 --watch -s f");
    accepted("connect h 80 -s f --watch");
}

#[test]
fn listen_with_a_script_refuses_options_about_stdin() {
    for option in ["--half-open", "--no-shutdown", "--eof-wait 1", "--send-only"] {
        let name = option.split(' ').next().unwrap();
        assert_eq!(
            refused(&format!("listen 80 --script f {option}")),
            format!(
                "{name} is about stdin, which listen does not read when a script answers | \
                 leave {name} out; the script decides with conn.send, conn.shutdown and conn.close"
            )
        );
        accepted(&format!("connect h 80 --script f {option}"));
    }
    accepted("listen 80 --script f --no-stdin");
}

#[test]
fn keep_open_refuses_options_about_the_end_of_stdin() {
    for option in ["--no-shutdown", "--eof-wait 1"] {
        let name = option.split(' ').next().unwrap();
        assert_eq!(
            refused(&format!("listen -k 80 {option}")),
            format!(
                "{name} has no effect with -k: the end of stdin closes nobody there | \
                 leave {name} out; --timeout DUR and --accept N end a server"
            )
        );
    }
    accepted("listen -k 80 --send-only");
}

#[test]
fn send_only_refuses_options_about_output() {
    assert_eq!(
        refused("connect h 80 --send-only --on-data c"),
        "--send-only discards what is received, so --on-data would never run | leave out --send-only or --on-data"
    );
    assert_eq!(
        refused("connect h 80 --send-only --on-line c"),
        "--send-only discards what is received, so --on-line would never run | leave out --send-only or --on-line"
    );
    assert_eq!(
        refused("connect h 80 --send-only -o f"),
        "--send-only discards what is received, so --output would stay empty | leave out --send-only or --output"
    );
}

#[test]
fn encoding_options_need_an_encoding() {
    let malformed = "--malformed needs an encoding: without one, received bytes pass untouched | \
                     add --encoding LABEL or --recv-encoding LABEL";
    assert_eq!(refused("connect h 80 --malformed fail"), malformed);
    assert_eq!(refused("listen 80 --malformed fail --send-encoding gbk"), malformed);
    let unencodable = "--unencodable needs an encoding to send in: without one, bytes pass untouched | \
                       add --encoding LABEL or --send-encoding LABEL";
    assert_eq!(refused("connect h 80 --unencodable replace"), unencodable);
    assert_eq!(refused("connect h 80 --unencodable replace --recv-encoding gbk"), unencodable);
    assert_eq!(refused("connect h 80 --unencodable replace -E auto"), unencodable);
    accepted("connect h 80 --malformed fail --unencodable replace -E gbk");
    accepted("listen 80 --malformed fail --unencodable replace --on-data c");
}

#[test]
fn addresses_must_be_of_the_requested_family() {
    let cases = [
        ("connect -4 ::1 80", "[::1]:80 is an IPv6 address, and -4 is given | leave -4 out"),
        ("connect -6 127.0.0.1 80", "127.0.0.1:80 is an IPv4 address, and -6 is given | leave -6 out"),
        ("listen -4 ::1 80", "[::1]:80 is an IPv6 address, and -4 is given | leave -4 out"),
        ("connect -4 h 80 --source ::1", "[::1]:0 is an IPv6 address, and -4 is given | leave -4 out"),
        (
            "connect ::1 80 --source 127.0.0.1",
            "[::1]:80 cannot be reached from 127.0.0.1:0: one is IPv4, the other IPv6 | \
             give --source an address of the same family",
        ),
    ];
    for (line, said) in cases {
        assert_eq!(refused(line), said);
    }
    accepted("connect -4 h 80 --source :4000");
}

#[test]
fn stdin_is_refused_as_a_file_to_send() {
    assert_eq!(
        refused("connect h 80 --send-file -"),
        "--send-file - makes no sense: stdin is sent by itself, after every --send | \
         leave it out; a file of that name is ./-"
    );
}

#[test]
fn options_of_tcp_are_not_for_unix_sockets() {
    let cases = [
        ("connect unix:/x -4", "-4 is for TCP, and unix:/x is a Unix socket | leave -4 out"),
        ("listen unix:@x -6", "-6 is for TCP, and unix:@x is a Unix socket | leave -6 out"),
        ("connect unix:/x --source :9", "--source is for TCP, and unix:/x is a Unix socket | leave --source out"),
        (
            "listen unix:/x --on-data c --workers 2",
            "--workers is for TCP, and unix:/x is a Unix socket | leave --workers out",
        ),
    ];
    for (line, said) in cases {
        assert_eq!(refused(line), said);
    }
    for line in ["connect unix:/x -n --no-nodelay -w 2", "connect -z unix:@x", "listen unix:/x -k --backlog 5 -m 2"] {
        accepted(line);
    }
}

#[test]
fn events_have_a_place_of_their_own() {
    let folder = tempfile::tempdir().unwrap();
    let file = |name| folder.path().join(name).display().to_string();
    let (new, old) = (file("new"), file("old"));
    std::fs::write(&old, "").unwrap();
    assert_eq!(
        refused("connect h 80 --events - -o -"),
        "--events - and --output - contradict each other | name a file for one of them"
    );
    for path in [&new, &old] {
        assert_eq!(
            refused(&format!("listen 80 --events {path} -o {path}")),
            format!("--events and --output are the same file, {path:?} | write to another file")
        );
        accepted(&format!("listen 80 --events {path} -o {path}.data"));
        accepted(&format!("connect h 80 --events - -o {path}"));
    }
    assert_eq!(
        refused(&format!("connect h 80 --events {old} --send-file {old}")),
        format!(
            "--send-file and --events are the same file, {old:?}: it would be emptied before it is sent | \
             write to another file"
        )
    );
    accepted("connect h 80 --events /dev/null -o /dev/null");
    accepted("connect -z h 80 --events - -v");
    accepted("listen 80 -k --events e -vv");
}

#[test]
fn a_verdict_needs_received_data_of_its_own() {
    let script = "what is received goes to the script, which decides with exit(0) or exit(1)";
    let cases = [
        ("connect h 80 --expect a -s @echo", format!("--expect and --script contradict each other | {script}")),
        ("listen 80 --fail-on a --on-data c", format!("--fail-on and --on-data contradict each other | {script}")),
        ("listen 80 --fail-on a --on-line c", format!("--fail-on and --on-line contradict each other | {script}")),
        (
            "connect h 80 --send-only --expect a",
            "--send-only discards what is received, so --expect would never be seen | leave out --send-only or --expect"
                .to_owned(),
        ),
        (
            "connect h 80 -z --fail-on a",
            "-z leaves as soon as the connection stands, so --fail-on has no effect | leave out -z or --fail-on"
                .to_owned(),
        ),
        (
            "connect h 80 --expect a --expect b",
            "--expect is given 2 times | one expression holds alternatives: --expect 'this|that'".to_owned(),
        ),
        ("listen 80 --until a --on-line c", format!("--until and --on-line contradict each other | {script}")),
        ("connect h 80 --expect a --session c", format!("--expect and --session contradict each other | {script}")),
        ("listen 80 --until a --session c", format!("--until and --session contradict each other | {script}")),
        ("listen 80 --until 1l --until 2l", "--until is given 2 times | leave one of them out".to_owned()),
        (
            "listen 80 --until 1l --workers 2",
            "--workers and --until contradict each other | -k serves many clients in one loop, and the first answer counts"
                .to_owned(),
        ),
        ("listen 80 --expect a(b", format!("--expect \"a(b\": unclosed group (character 2) | {SYNTAX}")),
        (
            "listen 80 --fail-on a*",
            format!("--fail-on \"a*\": it matches the empty string, and so everywhere | {SYNTAX}"),
        ),
        (
            "listen 80 -E gbk --fail-on (?-u:\\xff)",
            format!("--fail-on \"(?-u:\\xff)\": pattern can match invalid UTF-8 (character 6) | {SYNTAX}"),
        ),
    ];
    for (line, said) in cases {
        assert_eq!(refused(line), said, "{line}");
    }
    accepted("listen -k 80 --expect a --fail-on (?-u:\\xff)");
}

const SYNTAX: &str = "the syntax is that of Rust's regex crate; \\ before a character takes it as it is";

#[test]
fn the_ready_file_is_a_file_of_its_own() {
    let folder = tempfile::tempdir().unwrap();
    let path = |name: &str| folder.path().join(name).to_str().unwrap().to_owned();
    let (new, old) = (path("new"), path("old"));
    std::fs::write(&old, "x").unwrap();
    for (option, name) in
        [("-o", "--output"), ("--events", "--events"), ("-s", "--script"), ("--send-file", "--send-file")]
    {
        for (ready, other) in [(&new, &new), (&old, &old), (&path("./new"), &new), (&path("./old"), &old)] {
            assert_eq!(
                refused(&format!("listen 80 {option} {other} --ready-file {ready}")),
                format!("--ready-file and {name} are the same file, {other:?} | write the address to another file")
            );
        }
        accepted(&format!("listen 80 {option} {old} --ready-file {new}"));
    }
}

#[test]
fn what_is_to_be_run_is_not_blank() {
    for (option, what, example) in [
        ("--run", "command", "./check \"$TCPX_ADDR\""),
        ("--sh", "command", "sort | uniq -c"),
        ("--on-data", "code", "conn.send(data)"),
        ("--on-line", "code", "conn.send_line(line)"),
        ("--session", "code", "for l in conn.lines() { conn.send_line(l) }"),
    ] {
        for (command, text) in [("connect", ""), ("listen", " \n")] {
            let words = [command, "127.0.0.1", "80", option, text].map(OsString::from);
            assert_eq!(refused_words(&words), format!("{option} has no {what} | as in {option} '{example}'"));
        }
    }
}
