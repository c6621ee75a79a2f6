//! `--session`: a session from the command line, on both sides.

use super::play;

#[test]
fn each_client_of_listen_has_a_session() {
    play(
        r#"tcpx listen 7 --session 'for l in conn.lines() { conn.send_line(l.to_upper()) }'
        listens on [::]:7
        stderr listening on [::]:7
        > client; 1 sends "he"
        > client; 2 sends "one\ntwo\n"
        2 gets "ONE\nTWO\n"
        > 1 sends "llo\n"; 1 ends
        1 gets "HELLO\n"
        1 is closed
        > 2 resets
        2 is closed
        > signal TERM
        listens no more
        exit 143
        "#,
    );
}

#[test]
fn the_end_of_a_session_of_connect_is_the_end_of_the_run() {
    play(
        r#"tcpx connect 127.0.0.1 1 --session 'conn.send("hi\n"); print(conn.read_line());'
        1 connects to 127.0.0.1:1
        1 gets "hi\n"
        > 1 sends "ho\n"
        stdout "ho\n"
        1 gets FIN
        > 1 ends
        1 is closed
        exit 0
        "#,
    );
}

#[test]
fn a_fault_is_shown_where_the_user_has_written_it() {
    play(
        r#"tcpx connect 127.0.0.1 1 --session 'conn.send("a"); throw "b"'
        1 connects to 127.0.0.1:1
        stderr tcpx: --session:1:17: b
        stderr     1 | conn.send("a"); throw "b"
        stderr       |                 ^
        1 gets "a"
        1 gets RST
        exit 112
        "#,
    );
}
