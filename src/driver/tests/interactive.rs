//! `conn.interactive()`: the user's stdin and stdout joined with a connection until its end, then the script goes on.

use super::{play, play_script};

#[test]
fn a_script_logs_in_and_leaves_the_rest_to_the_user() {
    play_script(
        r#"fn session(conn) {
    conn.expect("name? ");
    conn.send_line("bob");
    conn.interactive();
    print(`peer ended: ${conn.eof}`);
}"#,
        r#"tcpx connect 127.0.0.1 1 --script SCRIPT
        $ stdin terminal
        1 connects to 127.0.0.1:1
        > stdin "ls\n"
        > 1 sends "name? $ "
        stdout "$ "
        1 gets "bob\n"
        1 gets "ls\n"
        > 1 sends "a b\n$ "
        stdout "a b\n$ "
        > stdin "exit\n"
        1 gets "exit\n"
        > 1 ends
        stdout "peer ended: true\n"
        1 is closed
        exit 0
        "#,
    );
}

#[test]
fn what_was_read_for_lines_goes_first_and_unchanged() {
    play(
        r#"tcpx connect 127.0.0.1 1 --session 'print(read_stdin_line()); conn.interactive()'
        1 connects to 127.0.0.1:1
        > stdin 0x6f6e650d0a74776f0d0aff00e5
        stdout "one\n"
        1 gets "two\r\n�\x00�"
        > stdin 0xa4a7
        1 gets "��"
        > stdin ends
        1 gets FIN
        > 1 sends "bye"
        stdout "bye"
        > 1 ends
        1 is closed
        exit 0
        "#,
    );
}

#[test]
fn every_kind_of_stdin_is_sent_to_its_end() {
    for (input, sent) in [("stdin file \"a\\nb\"", "1 gets \"a\\nb\"\n"), ("stdin null", "")] {
        let transcript = format!(
            r#"tcpx connect 127.0.0.1 1 --session 'conn.interactive(); print("over")'
            $ {input}
            1 connects to 127.0.0.1:1
            {sent}1 gets FIN
            > 1 sends "answer"
            stdout "answer"
            > 1 ends
            stdout "over\n"
            1 is closed
            exit 0
            "#
        );
        play(&transcript);
    }
}

#[test]
fn a_pipe_is_waited_for_until_it_is_silent_after_the_peers_end() {
    play(
        r#"tcpx connect 127.0.0.1 1 --session 'conn.interactive(); print("over"); print(read_stdin_line())'
        1 connects to 127.0.0.1:1
        > stdin "a"
        1 gets "a"
        > 1 sends "x"; 1 ends
        stdout "x"
        > wait 400ms
        at 400ms
        > stdin "b"
        1 gets "b"
        > wait 600ms
        at 900ms
        stderr tcpx: peer closed its side; not waiting for stdin (use --half-open)
        stdout "over\n"
        at 1s
        > stdin "c\n"
        stdout "c\n"
        1 is closed
        exit 0
        "#,
    );
}

#[test]
fn with_half_open_it_is_stdins_end_that_ends_it() {
    play(
        r#"tcpx connect 127.0.0.1 1 --half-open --session 'conn.interactive(); print("over")'
        1 connects to 127.0.0.1:1
        > 1 ends
        > wait 60s
        at 60s
        > stdin "b"
        1 gets "b"
        > stdin ends
        1 is closed
        stdout "over\n"
        exit 0
        "#,
    );
}

#[test]
fn stdins_end_is_not_always_told() {
    play(
        r#"tcpx connect 127.0.0.1 1 --no-shutdown --session 'conn.interactive(); print("over")'
        $ stdin file "a"
        1 connects to 127.0.0.1:1
        1 gets "a"
        > 1 ends
        stdout "over\n"
        1 is closed
        exit 0
        "#,
    );
    play(
        r#"tcpx listen 7 --once --session 'conn.interactive(); print("over")'
        $ stdin null
        listens on [::]:7
        stderr listening on [::]:7
        > client
        listens no more
        > 1 sends "x"
        stdout "x"
        > 1 ends
        stdout "over\n"
        1 is closed
        exit 0
        "#,
    );
}

#[test]
fn after_eof_wait_the_peer_is_left() {
    play(
        r#"tcpx connect 127.0.0.1 1 --eof-wait 2s --session 'conn.interactive(); print("over")'
        $ stdin file "a"
        1 connects to 127.0.0.1:1
        1 gets "a"
        1 gets FIN
        at 2s
        1 is closed
        stdout "over\n"
        exit 0
        "#,
    );
}

#[test]
fn one_client_of_many_has_stdin_at_a_time() {
    play_script(
        r#"fn session(conn) {
    try { conn.interactive(); print(`${conn.id} over`); } catch (e) { conn.send_line(`${e.kind} ${e.op} ${e}`); }
}"#,
        r#"tcpx listen 7 --script SCRIPT
        listens on [::]:7
        stderr listening on [::]:7
        > client
        > stdin "one\n"
        1 gets "one\n"
        > client
        2 gets "io interactive stdin is already joined with 10.0.0.1:1 by the task started at SCRIPT:1\n"
        2 gets FIN
        > 2 ends
        2 is closed
        > 1 ends; stdin "late"
        1 gets "late"
        > wait 600ms
        at 500ms
        stderr tcpx: peer closed its side; not waiting for stdin (use --half-open)
        stdout "1 over\n"
        1 is closed
        at 600ms
        > client
        > stdin "three"; stdin ends
        3 gets "three"
        3 gets FIN
        > 3 ends
        stdout "3 over\n"
        3 is closed
        > client
        4 gets FIN
        > 4 sends "x"; 4 ends
        stdout "x"
        stdout "4 over\n"
        4 is closed
        > signal TERM
        listens no more
        exit 143
        "#,
    );
}

#[test]
fn main_gives_one_connection_after_the_other_to_the_user() {
    play_script(
        r#"fn main() {
    let a = connect("127.0.0.1:1");
    let reader = start(|| { try { read_stdin_line() } catch (e) { e.message } });
    sleep(0);
    try { a.interactive() } catch (e) { print(`${e.kind} ${e}`) }
    reader.cancel();
    a.interactive();
    print("first over");
    let l = read_stdin_line();
    let b = connect("127.0.0.1:2");
    b.send_line(l);
    b.interactive();
    try { read_stdin_line() } catch (e) { print(`${e.kind}`) }
    7
}"#,
        r#"tcpx run SCRIPT
        $ stdin terminal
        1 connects to 127.0.0.1:1
        stdout "io stdin is already being read by the task started at SCRIPT:3\n"
        > wait 60s
        at 60s
        > stdin "to one\n"
        1 gets "to one\n"
        > 1 sends "hello\n"; 1 ends
        stdout "hello\n"
        stdout "first over\n"
        > stdin "a line\n"
        2 connects to 127.0.0.1:2
        2 gets "a line\n"
        > stdin "to two\n"
        2 gets "to two\n"
        > stdin ends
        2 gets FIN
        > 2 ends
        stdout "eof\n"
        2 is closed
        1 is closed
        exit 7
        "#,
    );
}

#[test]
fn text_is_translated_both_ways() {
    let transcript = |begin: &str, code: &str| {
        format!(
            r#"{begin} --session '{code}conn.interactive()'
            1 connects to 127.0.0.1:1
            > stdin 0xe5a4
            > stdin 0xa7
            1 gets "��"
            > 1 sends 0xbc
            > 1 sends 0xd2
            stdout "家"
            > 1 sends 0xbc
            > 1 ends
            stdout "�"
            > stdin ends
            1 is closed
            exit 0
            "#
        )
    };
    play(&transcript("tcpx connect 127.0.0.1 1 -E gbk", ""));
    play(&transcript("tcpx connect 127.0.0.1 1", "conn.encoding = \"gbk\"; "));
}

#[test]
fn without_an_encoding_bytes_are_bytes() {
    play(
        r#"tcpx connect 127.0.0.1 1 -C --session 'conn.interactive()'
        1 connects to 127.0.0.1:1
        > stdin 0xff0a
        1 gets "�\r\n"
        > 1 sends 0xfe0a
        stdout "�\n"
        > stdin ends
        1 gets FIN
        > 1 ends
        1 is closed
        exit 0
        "#,
    );
}

#[test]
fn text_that_cannot_be_sent_ends_the_run() {
    play(
        r#"tcpx connect 127.0.0.1 1 -E gbk --session 'conn.interactive()'
        1 connects to 127.0.0.1:1
        > stdin "ok\n"
        1 gets "ok\n"
        > stdin 0xff
        stderr tcpx: stdin has to be UTF-8 when an encoding is given: malformed utf-8 at byte 3: 0xff
        1 gets RST
        exit 114
        "#,
    );
}

#[test]
fn a_reset_is_an_error_after_what_had_arrived() {
    play(
        r#"tcpx connect 127.0.0.1 1 --session 'conn.interactive()'
        1 connects to 127.0.0.1:1
        > 1 sends "last words"
        stdout "last words"
        > 1 resets
        stderr tcpx: read from 127.0.0.1:1: connection reset by peer
        1 is closed
        exit 56
        "#,
    );
    play(
        r#"tcpx connect 127.0.0.1 1 --session 'try { conn.interactive() } catch (e) { print(e.kind); print(read_stdin_line()) }'
        1 connects to 127.0.0.1:1
        > 1 ends
        > 1 resets
        stderr tcpx: write to 127.0.0.1:1: connection reset by peer
        1 is closed
        stdout "reset\n"
        > stdin "a line\n"
        stdout "a line\n"
        exit 56
        "#,
    );
}

#[test]
fn the_end_of_the_connection_or_of_the_task_gives_stdin_back() {
    play_script(
        r#"fn main() {
    let a = connect("127.0.0.1:1");
    let t = start(|c| c.interactive(), a);
    sleep(1000);
    t.cancel();
    print(read_stdin_line());
    a.timeout = 10;
    a.after(1000, |c| c.close());
    a.interactive();
    print(read_stdin_line());
}"#,
        r#"tcpx run SCRIPT
        1 connects to 127.0.0.1:1
        > stdin "joined\n"
        1 gets "joined\n"
        > wait 1500ms
        at 1500ms
        > stdin "line\nmore\n"
        stdout "line\n"
        1 gets "more\n"
        > wait 3s
        at 2500ms
        1 gets FIN
        at 3020ms
        1 is closed
        at 4500ms
        > stdin "last\n"
        stdout "last\n"
        exit 0
        "#,
    );
}

#[test]
fn without_stdin_the_user_only_reads() {
    play(
        r#"tcpx connect 127.0.0.1 1 --no-stdin --session 'conn.interactive(); print("over")'
        1 connects to 127.0.0.1:1
        > 1 sends "x"
        stdout "x"
        > 1 ends
        stdout "over\n"
        1 is closed
        exit 0
        "#,
    );
}

#[test]
fn where_it_is_refused() {
    play_script(
        r#"fn on_connect(conn) { try { conn.interactive() } catch (e) { print(`${e}`) } }
fn on_stdin(line) { }
fn session(conn) { try { conn.interactive() } catch (e) { print(`${e.kind} ${e.op}: ${e}`) } }"#,
        r#"tcpx connect 127.0.0.1 1 --script SCRIPT
        $ stdin null
        1 connects to 127.0.0.1:1
        stdout "interactive waits, so it may only be used in session(), main() or start()\n"
        stdout "io interactive: interactive: stdin goes to on_stdin of this script; leave on_stdin out\n"
        1 gets FIN
        > 1 ends
        1 is closed
        exit 0
        "#,
    );
    play_script(
        "fn test_a() {\n    let c = connect(\"127.0.0.1:1\");\n    try { c.interactive() } catch (e) { assert_eq(e.message, \"interactive: tests have no stdin and stdout; call it in session() or main()\") }\n}",
        r#"tcpx test SCRIPT
        1 connects to 127.0.0.1:1
        stdout "ok       test_a (0 ms)\n"
        stdout "1 passed in 0.00 s\n"
        1 gets FIN
        at 20ms
        1 is closed
        exit 0
        "#,
    );
}

#[test]
fn what_waits_beyond_the_room_of_the_peer_waits() {
    play(
        r#"tcpx connect 127.0.0.1 1 --session 'conn.interactive()'
        1 connects to 127.0.0.1:1
        > 1 takes 2; stdin x*300000
        1 gets "xx"
        > stdin x*300000; stdin ends
        > 1 takes 700000
        1 gets x*599998
        1 gets FIN
        > 1 ends
        1 is closed
        exit 0
        "#,
    );
}
