//! `--line-delay`: pauses between the lines that are sent.

use super::{play, play_script};

#[test]
fn a_pause_follows_each_line() {
    play(
        r#"
        tcpx connect 127.0.0.1 1 --line-delay 1
        1 connects to 127.0.0.1:1
        > stdin "a\nb\nc"; stdin ends
        1 gets "a\n"
        > wait 3s
        at 1s
        1 gets "b\n"
        at 2s
        1 gets "c"
        1 gets FIN
        at 3s
        > 1 sends "x"; 1 ends
        stdout "x"
        1 is closed
        exit 0
        "#,
    );
}

#[test]
fn what_is_sent_first_has_pauses_too() {
    play(
        r#"
        tcpx connect 127.0.0.1 1 --line-delay 500ms --send a\nb\n --send-hex 630a
        1 connects to 127.0.0.1:1
        1 gets "a\n"
        > stdin "d\n"; stdin ends
        > wait 2s
        at 500ms
        1 gets "b\n"
        at 1s
        1 gets "c\n"
        at 1500ms
        1 gets "d\n"
        1 gets FIN
        at 2s
        > 1 ends
        1 is closed
        exit 0
        "#,
    );
}

#[test]
fn a_line_that_comes_late_and_an_unfinished_one_go_at_once() {
    play(
        r#"
        tcpx connect 127.0.0.1 1 --line-delay 1
        1 connects to 127.0.0.1:1
        > stdin "a"
        1 gets "a"
        > stdin "b\n"
        1 gets "b\n"
        > wait 3s
        at 3s
        > stdin "c\n"
        1 gets "c\n"
        > stdin "d\n"
        > wait 1s
        at 4s
        1 gets "d\n"
        > stdin ends
        1 gets FIN
        > 1 ends
        1 is closed
        exit 0
        "#,
    );
}

#[test]
fn a_pause_is_no_silence_and_no_end() {
    play(
        r#"
        tcpx connect 127.0.0.1 1 --line-delay 3 --idle-timeout 2 --eof-wait 1
        1 connects to 127.0.0.1:1
        > stdin "a\nb\n"; stdin ends
        1 gets "a\n"
        at 3s
        1 gets "b\n"
        1 gets FIN
        at 4s
        1 is closed
        exit 0
        "#,
    );
}

#[test]
fn what_a_file_still_has_is_sent_after_the_end_of_the_peer() {
    play(
        r#"
        tcpx connect 127.0.0.1 1 --line-delay 1
        $ stdin file "a\nb\n"
        1 connects to 127.0.0.1:1
        1 gets "a\n"
        > 1 ends
        at 1s
        1 gets "b\n"
        1 is closed
        exit 0
        "#,
    );
}

#[test]
fn lines_end_in_the_encoding_of_the_connection() {
    play(
        r#"
        tcpx connect 127.0.0.1 1 --line-delay 1 -E utf-16le -C
        1 connects to 127.0.0.1:1
        > stdin "਀\n਀"; stdin ends
        1 gets "\x00\n\r\x00\n\x00"
        > wait 2s
        at 1s
        1 gets "\x00\n"
        1 gets FIN
        at 2s
        > 1 ends
        1 is closed
        exit 0
        "#,
    );
}

#[test]
fn each_client_has_pauses_of_its_own() {
    play(
        r#"
        tcpx listen -k 127.0.0.1 1 --line-delay 2
        listens on 127.0.0.1:1
        stderr listening on 127.0.0.1:1
        > client
        > stdin "a\nb\n"
        1 gets "a\n"
        > wait 1s
        at 1s
        > client
        > stdin "c\n"
        2 gets "c\n"
        > wait 4s
        at 2s
        1 gets "b\n"
        at 4s
        1 gets "c\n"
        at 5s
        > signal TERM
        listens no more
        1 gets RST
        2 gets RST
        exit 143
        "#,
    );
}

#[test]
fn with_datagrams_each_line_of_stdin_is_one() {
    play(
        r#"
        tcpx connect -u 10.0.0.9:53 --line-delay 2 --send one\ntwo
        1 connects to 10.0.0.9:53
        1 gets "one\ntwo"
        > stdin "a\nb\n"; stdin ends
        at 2s
        1 gets "a\n"
        at 4s
        1 gets "b\n"
        at 5s
        1 is closed
        exit 0
        "#,
    );
}

#[test]
fn what_a_script_sends_has_pauses() {
    play_script(
        r#"fn on_connect(conn) { conn.send("a\nb\n"); conn.close(); }"#,
        r#"
        tcpx listen 127.0.0.1 1 --script SCRIPT --line-delay 1 --accept 1
        listens on 127.0.0.1:1
        stderr listening on 127.0.0.1:1
        > client
        listens no more
        1 gets "a\n"
        > wait 1200ms
        at 1s
        1 gets "b\n"
        1 gets FIN
        at 1200ms
        > 1 ends
        1 is closed
        exit 0
        "#,
    );
}

#[test]
fn the_rest_of_a_stopped_run_is_dropped_after_the_grace() {
    play(
        r#"
        tcpx connect 127.0.0.1 1 --line-delay 5
        1 connects to 127.0.0.1:1
        > stdin "a\nb\n"
        1 gets "a\n"
        > signal INT
        at 1s
        1 gets RST
        exit 130
        "#,
    );
}

#[test]
fn nc_ends_after_the_pause_of_its_last_line() {
    play(
        r#"
        tcpx nc -N -i 1 127.0.0.1 1
        1 connects to 127.0.0.1:1
        > stdin "a\nb\n"; stdin ends
        1 gets "a\n"
        > wait 3s
        at 1s
        1 gets "b\n"
        at 2s
        1 gets FIN
        at 3s
        > 1 ends
        1 is closed
        exit 0
        "#,
    );
    // Without -N nothing tells the peer, and the run lasts as long.
    play(
        r#"
        tcpx nc -i 2 127.0.0.1 1
        1 connects to 127.0.0.1:1
        > stdin "a\n"; stdin ends
        1 gets "a\n"
        > 1 sends "x"; 1 ends
        stdout "x"
        at 2s
        1 is closed
        exit 0
        "#,
    );
    // An unfinished line has no pause.
    play(
        r#"
        tcpx nc -N -i 2 127.0.0.1 1
        1 connects to 127.0.0.1:1
        > stdin "a"; stdin ends
        1 gets "a"
        1 gets FIN
        > 1 ends
        1 is closed
        exit 0
        "#,
    );
}
