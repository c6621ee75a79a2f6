//! A run that fails ends its connections by RST, after what was queued; every fault, both roles, with a queue and without.

use super::{play, play_script};

const BEGINNINGS: [(&str, &str); 2] = [
    ("connect", "1 connects to 127.0.0.1:1"),
    ("listen", "listens on 127.0.0.1:1\nstderr listening on 127.0.0.1:1\n> client\nlistens no more"),
];

/// What ends the run, what is said, and the exit code.
const FAULTS: [(&str, &str, &str, u8); 7] = [
    ("", "> signal TERM", "", 143),
    ("", "> signal INT", "", 130),
    ("", "> stdin fails", "stderr tcpx: read stdin: input/output error", 26),
    ("", "> stdout has no space; 1 sends \"x\"", "stderr tcpx: write stdout: no space left on device", 23),
    ("--timeout 1", "> wait 1s\nat 1s", "stderr tcpx: timed out after 1s (--timeout)", 28),
    ("-i 1", "at 1s", "stderr tcpx: PEER: idle for 1s", 28),
    ("--until 9b", "> 1 ends", "stderr tcpx: --until 9b was not reached: PEER sent nothing (9 bytes are missing)", 18),
];

#[test]
fn every_fault_ends_by_reset_after_what_was_queued() {
    for (role, begin) in BEGINNINGS {
        let peer = if role == "connect" { "127.0.0.1:1" } else { "10.0.0.1:1" };
        for (options, fault, said, code) in FAULTS {
            let said = said.replace("PEER", peer);
            play(&format!("tcpx {role} 127.0.0.1 1 {options}\n{begin}\n{fault}\n{said}\n1 gets RST\nexit {code}\n"));
            if options == "-i 1" {
                continue;
            }
            let at = if fault.contains("at 1s") { "at 1020ms" } else { "at 20ms" };
            play(&format!(
                "tcpx {role} 127.0.0.1 1 {options}\n{begin}\n> 1 takes 2; stdin \"queued\"\n1 gets \"qu\"\n{fault}\n{said}\n\
                 > 1 takes all\n1 gets \"eued\"\n{at}\n1 gets RST\nexit {code}\n"
            ));
        }
    }
}

#[test]
fn what_had_arrived_is_still_written() {
    for (role, begin) in BEGINNINGS {
        play(&format!(
            "tcpx {role} 127.0.0.1 1\n{begin}\n> stdin fails; 1 sends \"last words\"\n\
             stderr tcpx: read stdin: input/output error\nstdout \"last words\"\n1 gets RST\nexit 26\n"
        ));
    }
}

/// Clients that send faster than we write would keep the run for ever.
#[test]
fn what_had_arrived_is_read_for_a_second_at_most() {
    play(
        r#"tcpx listen 127.0.0.1 1 -k
        $ a read takes 600ms
        $ turns matter
        listens on 127.0.0.1:1
        stderr listening on 127.0.0.1:1
        > client
        > client
        > client
        > signal TERM; 1 sends "one"; 2 sends "two"; 3 sends "three"
        listens no more
        at 600ms
        stdout "one"
        1 gets RST
        at 1200ms
        stdout "two"
        2 gets RST
        3 gets RST
        exit 143
        "#,
    );
}

#[test]
fn what_is_no_fault_ends_in_order() {
    for (role, begin) in BEGINNINGS {
        play(&format!(
            "tcpx {role} 127.0.0.1 1 --expect ok\n{begin}\n> 1 sends \"ok\"\nstdout \"ok\"\n1 gets FIN\n\
             > 1 ends\n1 is closed\nexit 0\n"
        ));
    }
    play_script(
        "fn on_data(c, d) { exit(56); }",
        "tcpx connect 127.0.0.1 1 -s SCRIPT\n1 connects to 127.0.0.1:1\n> 1 sends \"x\"\n1 gets FIN\n> 1 ends\n\
         1 is closed\nexit 56\n",
    );
}

#[test]
fn a_script_that_has_failed_ends_its_only_connection_by_reset() {
    for errors in ["close", "fatal"] {
        play_script(
            "fn on_data(c, d) { c.send(\"before\"); throw \"no\"; }",
            &format!(
                "tcpx connect 127.0.0.1 1 -s SCRIPT --script-errors {errors}\n1 connects to 127.0.0.1:1\n> 1 sends \"x\"\n\
                 stderr tcpx: SCRIPT:1:38: no\n\
                 stderr     1 | fn on_data(c, d) {{ c.send(\"before\"); throw \"no\"; }}\n\
                 stderr       |                                      ^\n\
                 1 gets \"before\"\n1 gets RST\nexit 112\n"
            ),
        );
    }
}

#[test]
fn a_line_that_a_reset_cuts_off_is_none_and_is_told() {
    for (handler, rest) in [
        ("fn on_line(conn, line) { print(line) }", r#"line: "part""#),
        (
            "fn on_connect(conn) { conn.frame_lines(100) } fn on_frame(conn, frame) { print(frame.text()) }",
            r#"frame: "part""#,
        ),
        (r#"fn on_connect(conn) { conn.frame_delim("\n") } fn on_line(conn, line) { print(line) }"#, r#"line: "part""#),
        (
            "fn frame_size(conn, buf) { if buf.len() > 4 { 6 } else { 0 } } fn on_frame(conn, frame) { write(frame) }",
            "frame: part",
        ),
    ] {
        play_script(
            handler,
            &r#"tcpx listen 127.0.0.1 1 --script SCRIPT --once
            listens on 127.0.0.1:1
            stderr listening on 127.0.0.1:1
            > client; 1 sends "whole\npart"
            listens no more
            stdout "whole\n"
            > 1 resets
            stderr tcpx: read from 10.0.0.1:1: connection reset by peer; before it came 4 bytes of an unfinished REST
            1 is closed
            exit 0
            "#
            .replace("REST", rest),
        );
    }
}

#[test]
fn what_silence_cuts_off_is_told() {
    play_script(
        r#"fn on_line(conn, line) { print(line) }
           fn on_error(conn, err) { print(`${err.kind}: ${err.message}`) }"#,
        r#"tcpx listen 127.0.0.1 1 --script SCRIPT --once -i 5 -E gbk
        listens on 127.0.0.1:1
        stderr listening on 127.0.0.1:1
        > client; 1 sends 0x77686f6c650a7061727420c4e3ba
        listens no more
        stdout "whole\n"
        > wait 5s
        at 5s
        stdout "timeout: idle for 5s; before it came 8 bytes of an unfinished line: part \xc4\xe3\xba\n"
        1 gets RST
        exit 0
        "#,
    );
}

#[test]
fn an_expectation_does_not_take_a_reset_for_the_end() {
    play_script(
        r#"fn on_connect(conn) { conn.expect("never", |c, m| print(`eof ${m.eof}`)) }
           fn on_close(conn, why) { print(why) }"#,
        r#"tcpx listen 127.0.0.1 1 --script SCRIPT --once
        listens on 127.0.0.1:1
        stderr listening on 127.0.0.1:1
        > client; 1 sends "part"; 1 resets
        listens no more
        stderr tcpx: read from 10.0.0.1:1: connection reset by peer; before it came 4 bytes without what is expected: "part"
        stdout "reset\n"
        1 is closed
        exit 0
        "#,
    );
}

#[test]
fn a_failed_timer_of_the_run_does_not_keep_the_end_of_stdin() {
    play_script(
        r#"fn on_start() { after(300, || { throw "timer"; }); }"#,
        r#"tcpx connect 127.0.0.1 1 --script SCRIPT
        1 connects to 127.0.0.1:1
        > wait 300ms
        at 300ms
        stderr tcpx: SCRIPT:1:33: timer
        stderr     1 | fn on_start() { after(300, || { throw "timer"; }); }
        stderr       |                                 ^
        > stdin "last"
        1 gets "last"
        > stdin ends
        1 gets FIN
        > 1 sends "answer"; 1 ends
        stdout "answer"
        1 gets RST
        exit 112
        "#,
    );
}

#[test]
fn a_failed_script_comes_before_a_reset_that_follows() {
    play_script(
        r#"fn on_start() { after(300, || { throw "timer"; }); }"#,
        r#"tcpx connect 127.0.0.1 1 --script SCRIPT
        1 connects to 127.0.0.1:1
        > wait 300ms
        at 300ms
        stderr tcpx: SCRIPT:1:33: timer
        stderr     1 | fn on_start() { after(300, || { throw "timer"; }); }
        stderr       |                                 ^
        > 1 resets
        stderr tcpx: read from 127.0.0.1:1: connection reset by peer
        1 is closed
        exit 112
        "#,
    );
}

#[test]
fn the_beginning_of_a_character_is_not_malformed_where_a_reset_cuts_it_off() {
    play(
        r#"tcpx connect 127.0.0.1 1 -E gbk --malformed fail
        1 connects to 127.0.0.1:1
        > 1 sends 0xc4e3ba; 1 resets
        stdout "你"
        stderr tcpx: read from 127.0.0.1:1: connection reset by peer; before it came 1 byte of an unfinished character: \xba
        1 is closed
        exit 56
        "#,
    );
}
