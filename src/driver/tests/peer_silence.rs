//! `conn.peer_idle_timeout` and `conn.peer_idle_ms`: only what comes from the peer counts.

use super::play_script;

#[test]
fn our_own_sends_do_not_count_but_bytes_of_the_peer_do() {
    play_script(
        r#"fn on_connect(conn) { conn.peer_idle_timeout = 500; conn.every(200, |conn| conn.send("h")); }
fn on_idle(conn, ms) { conn.send(`${ms} ${conn.peer_idle_ms} ${conn.idle_ms}`); }
fn on_data(conn, data) { }"#,
        r#"tcpx listen 127.0.0.1 1 --script SCRIPT --once
        listens on 127.0.0.1:1
        stderr listening on 127.0.0.1:1
        > client
        listens no more
        > wait 300ms
        at 200ms
        1 gets "h"
        at 300ms
        > 1 sends "x"
        > wait 1250ms
        at 400ms
        1 gets "h"
        at 600ms
        1 gets "h"
        at 800ms
        1 gets "500 500 200"
        1 gets "h"
        at 1s
        1 gets "h"
        at 1200ms
        1 gets "h"
        at 1300ms
        1 gets "1000 1000 100"
        at 1400ms
        1 gets "h"
        at 1550ms
        > 1 ends
        1 is closed
        exit 0
        "#,
    );
}

#[test]
fn without_on_idle_a_silent_peer_loses_its_connection() {
    play_script(
        r#"fn on_connect(conn) { conn.peer_idle_timeout = 5000; conn.every(2000, |conn| conn.send("h")); }
fn on_error(conn, err) { print(`${err.kind} ${err.op}`); }
fn on_close(conn, why) { print(why); }"#,
        r#"tcpx connect 127.0.0.1 1 --script SCRIPT
        1 connects to 127.0.0.1:1
        > wait 1s
        at 1s
        > 1 sends "x"
        stdout "x"
        at 2s
        1 gets "h"
        at 4s
        1 gets "h"
        at 6s
        stderr tcpx: 127.0.0.1:1: the peer was silent for 5s
        stdout "timeout wait\n"
        stdout "timeout\n"
        1 gets RST
        exit 28
        "#,
    );
}

#[test]
fn zero_takes_the_limit_away() {
    play_script(
        r#"fn on_connect(conn) {
    conn.peer_idle_timeout = 500;
    conn.after(400, |conn| { conn.send(`${conn.peer_idle_timeout}`); conn.peer_idle_timeout = 0; });
    conn.after(2000, |conn| conn.send(`${conn.peer_idle_timeout} ${conn.peer_idle_ms}`));
}
fn on_data(conn, data) { }"#,
        r#"tcpx listen 127.0.0.1 1 --script SCRIPT --once
        listens on 127.0.0.1:1
        stderr listening on 127.0.0.1:1
        > client
        listens no more
        > wait 3s
        at 400ms
        1 gets "500"
        at 2s
        1 gets "0 2000"
        at 3s
        > 1 ends
        1 is closed
        exit 0
        "#,
    );
}

#[test]
fn a_limit_that_the_silence_has_passed_counts_at_once_and_the_same_one_set_again_changes_nothing() {
    play_script(
        r#"fn on_connect(conn) { conn.after(1000, |conn| { conn.peer_idle_timeout = 400; }); }
fn on_idle(conn, ms) { conn.send(`${ms}`); conn.peer_idle_timeout = 400; }"#,
        r#"tcpx listen 127.0.0.1 1 --script SCRIPT --once
        listens on 127.0.0.1:1
        stderr listening on 127.0.0.1:1
        > client
        listens no more
        > wait 1500ms
        at 1s
        1 gets "1000"
        at 1400ms
        1 gets "1400"
        at 1500ms
        > 1 ends
        1 is closed
        exit 0
        "#,
    );
}

#[test]
fn a_limit_set_while_connecting_counts_from_the_start_of_the_connection() {
    play_script(
        r#"fn on_start() { let conn = connect("10.0.0.1:7"); conn.peer_idle_timeout = 1000; }
fn on_idle(conn, ms) { print(`${ms}`); conn.reset(); }"#,
        r#"tcpx listen 127.0.0.1 1 --script SCRIPT
        1 connects to 10.0.0.1:7
        listens on 127.0.0.1:1
        stderr listening on 127.0.0.1:1
        > wait 2s
        at 1s
        stdout "1000\n"
        1 gets RST
        at 2s
        > signal TERM
        listens no more
        exit 143
        "#,
    );
}

#[test]
fn what_toxics_hold_has_come_from_the_peer() {
    play_script(
        r#"fn on_connect(conn) { conn.toxic("latency", #{latency: 300}); conn.peer_idle_timeout = 1000; }
fn on_data(conn, data) { conn.send(`${conn.peer_idle_ms}`); }
fn on_idle(conn, ms) { print(`${ms}`); conn.reset(); }"#,
        r#"tcpx listen 127.0.0.1 1 --script SCRIPT --once
        listens on 127.0.0.1:1
        stderr listening on 127.0.0.1:1
        > client
        listens no more
        > wait 500ms
        at 500ms
        > 1 sends "x"
        at 800ms
        1 gets "300"
        at 1500ms
        stdout "1000\n"
        1 gets RST
        exit 0
        "#,
    );
}

#[test]
fn on_idle_with_a_limit_for_the_peer_holds_a_connection_against_the_end_of_stdin() {
    play_script(
        r#"fn on_connect(conn) { conn.peer_idle_timeout = 1000; }
fn on_idle(conn, ms) { conn.send("still here"); conn.peer_idle_timeout = 0; }"#,
        r#"tcpx connect 127.0.0.1 1 --script SCRIPT
        $ stdin null
        1 connects to 127.0.0.1:1
        > wait 2s
        at 1s
        1 gets "still here"
        1 gets FIN
        at 2s
        > 1 ends
        1 is closed
        exit 0
        "#,
    );
}
