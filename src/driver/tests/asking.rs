//! stdin in tasks: what is not asked for is not read, and what its end means.

use super::{play, play_script};

#[test]
fn a_line_is_read_when_it_is_asked_for() {
    play_script(
        r#"fn main() {
    sleep(1000);
    print(`1 ${read_stdin_line()}`);
    print(`2 ${read_stdin_line()}`);
    try { read_stdin_line(500) } catch (e) { print(`${e.kind} ${e.op}: ${e}`) }
    for line in stdin_lines() { print(`+ ${line}`) }
    try { read_stdin_line() } catch (e) { print(`${e.kind}: ${e}`) }
    for line in stdin_lines() { print("never") }
}"#,
        r#"tcpx run SCRIPT
        > stdin "one\r\ntwo\nthr"
        > wait 2s
        at 1s
        stdout "1 one\n"
        stdout "2 two\n"
        at 1500ms
        stdout "timeout read_stdin_line: timed out after 500 ms waiting for a line of stdin\n"
        at 2s
        > stdin "ee\n\nlast"
        stdout "+ three\n"
        stdout "+ \n"
        > stdin ends
        stdout "+ last\n"
        stdout "eof: stdin has ended while waiting for a line\n"
        exit 0
        "#,
    );
}

#[test]
fn every_kind_of_stdin_has_an_end() {
    let script = r#"fn main() { for l in stdin_lines() { print(l) } print("end") }"#;
    play_script(script, "tcpx run SCRIPT\n$ stdin null\nstdout \"end\\n\"\nexit 0\n");
    play_script(
        script,
        "tcpx run SCRIPT\n$ stdin file \"a\\nb\"\nstdout \"a\\n\"\nstdout \"b\\n\"\nstdout \"end\\n\"\nexit 0\n",
    );
    play_script(
        script,
        "tcpx run SCRIPT\n$ stdin terminal\n> stdin \"a\\n\"\nstdout \"a\\n\"\n> stdin ends\nstdout \"end\\n\"\nexit 0\n",
    );
}

#[test]
fn an_end_that_main_does_not_catch_is_18() {
    play_script(
        "fn main() { read_stdin_line() }",
        r#"tcpx run SCRIPT
        $ stdin null
        stderr tcpx: SCRIPT:1:13: stdin has ended while waiting for a line
        stderr     1 | fn main() { read_stdin_line() }
        stderr       |             ^
        exit 18
        "#,
    );
}

#[test]
fn a_session_of_connect_reads_what_it_asks_for() {
    play(
        r#"tcpx connect 127.0.0.1 1 --session 'conn.send_line(read_stdin_line()); print(conn.read_line())'
        1 connects to 127.0.0.1:1
        > stdin "hello\nnot asked for\n"
        1 gets "hello\n"
        > 1 sends "ho\n"; 1 ends
        stdout "ho\n"
        1 gets FIN
        1 is closed
        exit 0
        "#,
    );
}

#[test]
fn a_run_whose_task_waits_for_stdin_is_not_over() {
    play(
        r#"tcpx connect 127.0.0.1 1 --session 'let l = read_stdin_line(); print(l)'
        1 connects to 127.0.0.1:1
        > 1 resets
        stderr tcpx: read from 127.0.0.1:1: connection reset by peer
        1 is closed
        > wait 60s
        at 60s
        > stdin "late\n"
        stdout "late\n"
        exit 56
        "#,
    );
}

#[test]
fn a_session_of_listen_reads_it_too() {
    play(
        r#"tcpx listen 7 --once --session 'for l in stdin_lines() { conn.send_line(l) }'
        listens on [::]:7
        stderr listening on [::]:7
        > stdin "one\n"
        > client
        listens no more
        1 gets "one\n"
        > stdin "two"; stdin ends
        1 gets "two\n"
        1 gets FIN
        > 1 ends
        1 is closed
        exit 0
        "#,
    );
}

#[test]
fn without_stdin_the_end_is_there_at_once() {
    for option in ["--no-stdin", "--recv-only"] {
        let line = format!("tcpx connect 127.0.0.1 1 {option} --session ");
        let rest = r#"'for l in stdin_lines() { } try { read_stdin_line() } catch (e) { print(e.kind) }'
        1 connects to 127.0.0.1:1
        stdout "eof\n"
        1 gets FIN
        > stdin "never read\n"
        > 1 ends
        1 is closed
        exit 0
        "#;
        play(&format!("{line}{rest}"));
    }
}

#[test]
fn two_tasks_do_not_read_it_at_the_same_time() {
    play_script(
        r#"fn main() {
    let a = start(|| read_stdin_line());
    sleep(100);
    try { read_stdin_line() } catch (e) { print(`${e}`.split(" by ")[0]) }
    a.cancel();
    print(read_stdin_line());
}"#,
        r#"tcpx run SCRIPT
        > wait
        at 100ms
        stdout "stdin is already being read\n"
        > stdin "for the second\n"
        stdout "for the second\n"
        exit 0
        "#,
    );
}

#[test]
fn beside_on_stdin_nothing_can_be_asked_for() {
    play_script(
        r#"fn on_stdin(line) { print(`handler ${line}`); }
fn session(conn) { try { stdin_lines() } catch (e) { print(`${e}`) } }"#,
        r#"tcpx connect 127.0.0.1 1 --script SCRIPT
        1 connects to 127.0.0.1:1
        stdout "stdin_lines: stdin goes to on_stdin of this script; leave on_stdin out\n"
        1 gets FIN
        > stdin "x\n"
        stdout "handler x\n"
        > 1 ends
        1 is closed
        exit 0
        "#,
    );
}

#[test]
fn a_script_without_a_session_leaves_it_to_the_connection() {
    play_script(
        r#"fn on_start() { start(|| { try { read_stdin_line() } catch (e) { print(`${e}`) } }); }"#,
        r#"tcpx connect 127.0.0.1 1 --script SCRIPT
        $ stdin null
        1 connects to 127.0.0.1:1
        stdout "read_stdin_line: stdin goes to the connection, because this script has no session(conn)\n"
        1 gets FIN
        > 1 ends
        1 is closed
        exit 0
        "#,
    );
}
