//! Resets that come after the peer's end, when nothing is read any more: whoever holds the connection is told at once.

use super::play_script;

#[test]
fn a_handler_that_holds_the_connection_is_told_of_a_reset_after_the_end() {
    play_script(
        r#"fn on_eof(conn) { print("eof"); }
        fn on_error(conn, err) { print(`${err.kind} ${err.op}`); }
        fn on_close(conn, reason) { print(reason); }"#,
        r#"tcpx listen 127.0.0.1 1 -k --script SCRIPT
        listens on 127.0.0.1:1
        stderr listening on 127.0.0.1:1
        > client
        > 1 ends
        stdout "eof\n"
        > 1 resets
        stdout "reset write\n"
        stdout "reset\n"
        1 is closed
        > signal TERM
        listens no more
        exit 143
        "#,
    );
}

#[test]
fn a_session_that_waits_for_something_else_finds_it_closed() {
    play_script(
        r#"fn session(conn) {
            print(conn.read_all().len());
            try { conn.closed(10000); print("closed"); } catch (e) { print(e.kind); }
        }"#,
        r#"tcpx listen 127.0.0.1 1 --script SCRIPT --accept 1
        listens on 127.0.0.1:1
        stderr listening on 127.0.0.1:1
        > client
        listens no more
        > 1 sends "abc"; 1 ends
        stdout "3\n"
        > 1 resets
        1 is closed
        stdout "closed\n"
        exit 0
        "#,
    );
}

#[test]
fn the_partner_ends_when_a_client_that_has_ended_resets() {
    play_script(
        r#"fn on_connect(conn) { if conn.side == "server" { conn.pipe(connect("127.0.0.1:9")); } }"#,
        r#"tcpx listen 127.0.0.1 1 --script SCRIPT
        listens on 127.0.0.1:1
        stderr listening on 127.0.0.1:1
        > client
        2 connects to 127.0.0.1:9
        > 1 ends
        2 gets FIN
        > 1 resets
        stderr tcpx: write to 10.0.0.1:1: connection reset by peer
        1 is closed
        2 gets RST
        > signal TERM
        listens no more
        exit 143
        "#,
    );
}
