//! `--reconnect`: one connection after the other, the pauses between them, and what each gets of stdin.

use super::{play, play_script};

#[test]
fn any_end_is_followed_by_another_connection_until_a_signal() {
    play(
        r#"tcpx connect 127.0.0.1 1 --reconnect --send 'hello\n'
        1 connects to 127.0.0.1:1
        1 gets "hello\n"
        > 1 sends "one"; 1 ends
        stdout "one"
        1 is closed
        > wait
        at 100ms
        2 connects to 127.0.0.1:1
        2 gets "hello\n"
        > 2 sends "two"; 2 resets
        stdout "two"
        stderr tcpx: read from 127.0.0.1:1: connection reset by peer
        2 is closed
        > wait
        at 200ms
        3 connects to 127.0.0.1:1
        3 gets "hello\n"
        > signal TERM
        3 gets RST
        exit 143
        "#,
    );
}

#[test]
fn the_same_failure_is_said_once_and_pauses_double() {
    play(
        r#"tcpx connect 127.0.0.1 1 --reconnect
        $ connects slowly
        1 connects to 127.0.0.1:1
        > 1 refuses
        stderr tcpx: connect to 127.0.0.1:1: connection refused
        > wait
        at 100ms
        2 connects to 127.0.0.1:1
        > 2 refuses
        > wait
        at 300ms
        3 connects to 127.0.0.1:1
        > 3 stands; 3 sends "ok"; 3 ends
        stdout "ok"
        3 is closed
        > wait
        at 400ms
        4 connects to 127.0.0.1:1
        > 4 refuses
        stderr tcpx: connect to 127.0.0.1:1: connection refused
        > signal INT
        exit 130
        "#,
    );
}

#[test]
fn a_pipe_goes_on_where_it_was() {
    play(
        r#"tcpx connect 127.0.0.1 1 --reconnect
        1 connects to 127.0.0.1:1
        > stdin "one\n"
        1 gets "one\n"
        > 1 ends; stdin "two\n"
        1 is closed
        > wait
        at 100ms
        2 connects to 127.0.0.1:1
        2 gets "two\n"
        > stdin ends
        2 gets FIN
        > 2 ends
        2 is closed
        > wait
        at 300ms
        3 connects to 127.0.0.1:1
        3 gets FIN
        > signal INT
        3 gets RST
        exit 130
        "#,
    );
}

#[test]
fn what_a_connection_did_not_send_goes_to_the_next() {
    play(
        r#"tcpx connect 127.0.0.1 1 --reconnect --send '>'
        1 connects to 127.0.0.1:1
        1 gets ">"
        > 1 takes 3; stdin "abcdef"; stdin ends
        1 gets "abc"
        > 1 resets
        stderr tcpx: read from 127.0.0.1:1: connection reset by peer
        1 is closed
        > wait
        at 100ms
        2 connects to 127.0.0.1:1
        2 gets ">"
        2 gets "def"
        2 gets FIN
        > signal INT
        2 gets RST
        exit 130
        "#,
    );
}

#[test]
fn a_file_starts_again() {
    play(
        r#"tcpx connect 127.0.0.1 1 --reconnect --retry-delay 2s
        $ stdin file "all of it"
        1 connects to 127.0.0.1:1
        1 gets "all of it"
        1 gets FIN
        > 1 ends
        1 is closed
        > wait
        at 2s
        2 connects to 127.0.0.1:1
        2 gets "all of it"
        2 gets FIN
        > signal INT
        2 gets RST
        exit 130
        "#,
    );
}

#[test]
fn handlers_run_for_each_connection_until_the_script_ends_it() {
    play_script(
        r#"fn on_start() { app.n = 0 }
fn on_connect(conn) { app.n += 1; conn.send(`${app.n}`); }
fn on_error(conn, err) { print(err.kind) }
fn on_close(conn, why) { print(why); if app.n == 2 { exit(4) } }"#,
        r#"tcpx connect 127.0.0.1 1 --reconnect --script SCRIPT
        $ connects slowly
        1 connects to 127.0.0.1:1
        > 1 refuses
        stderr tcpx: connect to 127.0.0.1:1: connection refused
        stdout "refused\n"
        > wait
        at 100ms
        2 connects to 127.0.0.1:1
        > 2 stands
        2 gets "1"
        > 2 ends
        2 is closed
        stdout "eof\n"
        > wait
        at 300ms
        3 connects to 127.0.0.1:1
        > 3 stands
        3 gets "2"
        > 3 ends
        3 is closed
        stdout "eof\n"
        exit 4
        "#,
    );
}

#[test]
fn a_session_runs_for_each_connection() {
    play(
        r#"tcpx connect 127.0.0.1 1 --reconnect --session 'conn.send(conn.read_line() + "!")'
        1 connects to 127.0.0.1:1
        > 1 sends "a\n"
        1 gets "a!"
        1 gets FIN
        > 1 ends
        1 is closed
        > wait 150ms
        at 100ms
        2 connects to 127.0.0.1:1
        at 150ms
        > 2 sends "b\n"
        2 gets "b!"
        2 gets FIN
        > 2 ends
        2 is closed
        > signal INT
        exit 130
        "#,
    );
}

#[test]
fn a_name_is_looked_up_for_each_try() {
    play(
        r#"tcpx connect up.example 1 --reconnect --retry 1
        resolves up.example
        > up.example is unknown
        stderr tcpx: resolve up.example: name or service not known
        > wait
        at 100ms
        resolves up.example
        > up.example is 127.0.0.1
        1 connects to 127.0.0.1:1
        > 1 ends
        1 is closed
        > wait
        at 300ms
        resolves up.example
        > up.example is unknown
        stderr tcpx: resolve up.example: name or service not known
        > wait
        at 700ms
        resolves up.example
        > up.example is unknown
        stderr tcpx: resolve up.example: name or service not known
        exit 6
        "#,
    );
}

#[test]
fn an_answer_that_is_expected_may_come_on_any_connection() {
    play(
        r#"tcpx connect 127.0.0.1 1 --reconnect --expect ready
        1 connects to 127.0.0.1:1
        > 1 sends "not yet"; 1 ends
        stdout "not yet"
        1 is closed
        > wait
        at 100ms
        2 connects to 127.0.0.1:1
        > 2 sends "ready"
        stdout "ready"
        2 gets FIN
        > 2 ends
        2 is closed
        exit 0
        "#,
    );
}

/// What the kernel has taken and the other system has not acknowledged has not arrived.
#[test]
fn what_was_not_acknowledged_goes_to_the_next_connection() {
    play(
        r#"tcpx connect 127.0.0.1 1 --reconnect
        1 connects to 127.0.0.1:1
        > stdin "abcdef"; 1 holds 4
        1 gets "abcdef"
        > 1 resets
        stderr tcpx: read from 127.0.0.1:1: connection reset by peer
        1 is closed
        > wait
        at 100ms
        2 connects to 127.0.0.1:1
        2 gets "cdef"
        > stdin "gh"; 2 ends
        2 gets "gh"
        2 is closed
        > signal INT
        exit 130
        "#,
    );
}

/// Bytes of another encoding cannot be counted in stdin, and half a character is of no use to the next peer.
#[test]
fn text_goes_on_with_the_line_that_was_cut() {
    play(
        r#"tcpx connect 127.0.0.1 1 --reconnect -E latin1
        1 connects to 127.0.0.1:1
        > 1 takes 4; stdin "aé\nbé\nc"
        1 gets "a�\nb"
        > 1 resets
        stderr tcpx: read from 127.0.0.1:1: connection reset by peer
        1 is closed
        > wait
        at 100ms
        2 connects to 127.0.0.1:1
        2 gets "b�\n"
        2 gets "c"
        > signal INT
        2 gets RST
        exit 130
        "#,
    );
}

/// What is typed on a terminal stays in its encoding until it is sent.
#[test]
fn what_was_typed_in_another_encoding_is_sent_again_in_that_of_the_wire() {
    play(
        r#"
        tcpx connect 127.0.0.1 1 --reconnect -E utf-8
        $ stdin terminal
        $ terminal speaks gbk
        1 connects to 127.0.0.1:1
        > 1 takes 0; stdin 0xc4e30a
        > 1 resets
        stderr tcpx: read from 127.0.0.1:1: connection reset by peer
        1 is closed
        > wait
        at 100ms
        2 connects to 127.0.0.1:1
        2 gets "你\n"
        > signal INT
        2 gets RST
        exit 130
        "#,
    );
}
