//! Toxics in a run: what they hold back, when it goes on, and how they end a connection.

use super::play_script;

#[test]
fn latency_of_what_comes_delays_the_handler() {
    play_script(
        r#"fn on_connect(conn) { conn.toxic("latency", #{latency: 200}); }
fn on_data(conn, data) { print(data.text()); conn.send(data); }
fn on_stdin(line) { for conn in conns() { conn.heal(); } }"#,
        r#"tcpx listen 127.0.0.1 1 --script SCRIPT
        listens on 127.0.0.1:1
        stderr listening on 127.0.0.1:1
        > client
        > 1 sends "a"
        > wait 1s
        at 200ms
        stdout "a\n"
        1 gets "a"
        at 1s
        > 1 ends
        1 is closed
        > signal TERM
        listens no more
        exit 143
        "#,
    );
}

#[test]
fn latency_of_what_goes_out_delays_the_peer_only() {
    play_script(
        r#"fn on_connect(conn) { conn.toxic("latency", #{latency: 200, dir: "out"}); }
fn on_data(conn, data) { print(data.text()); conn.send(data); }
fn on_stdin(line) { for conn in conns() { conn.heal(); } }"#,
        r#"tcpx listen 127.0.0.1 1 --script SCRIPT
        listens on 127.0.0.1:1
        stderr listening on 127.0.0.1:1
        > client
        > 1 sends "a"
        stdout "a\n"
        > wait 1s
        at 200ms
        1 gets "a"
        at 1s
        > 1 ends
        1 is closed
        > signal TERM
        listens no more
        exit 143
        "#,
    );
}

#[test]
fn nothing_passes_before_its_latency_unless_it_is_healed() {
    play_script(
        r#"fn on_connect(conn) { conn.toxic("latency", #{latency: 600000}); }
fn on_data(conn, data) { print(data.text()); conn.send(data); }
fn on_stdin(line) { for conn in conns() { conn.heal(); } }"#,
        r#"tcpx listen 127.0.0.1 1 --script SCRIPT
        listens on 127.0.0.1:1
        stderr listening on 127.0.0.1:1
        > client
        > 1 sends "a"
        > wait 599s
        at 599s
        > stdin "heal\n"
        stdout "a\n"
        1 gets "a"
        > 1 ends
        1 is closed
        > signal TERM
        listens no more
        exit 143
        "#,
    );
}

#[test]
fn without_bandwidth_nothing_passes() {
    play_script(
        r#"fn on_connect(conn) { conn.toxic("bandwidth", #{rate: 0}); }
fn on_data(conn, data) { print(data.text()); conn.send(data); }
fn on_stdin(line) { for conn in conns() { conn.heal(); } }"#,
        r#"tcpx listen 127.0.0.1 1 --script SCRIPT
        listens on 127.0.0.1:1
        stderr listening on 127.0.0.1:1
        > client
        > 1 sends "a"
        > wait 60s
        at 60s
        > stdin "heal\n"
        stdout "a\n"
        1 gets "a"
        > 1 ends
        1 is closed
        > signal TERM
        listens no more
        exit 143
        "#,
    );
}

#[test]
fn a_timeout_drops_what_comes_and_closes() {
    play_script(
        r#"fn on_connect(conn) { conn.toxic("timeout", #{timeout: 200}); }
fn on_data(conn, data) { print(data.text()); conn.send(data); }
fn on_stdin(line) { for conn in conns() { conn.heal(); } }"#,
        r#"tcpx listen 127.0.0.1 1 --script SCRIPT
        listens on 127.0.0.1:1
        stderr listening on 127.0.0.1:1
        > client
        > 1 sends "gone"
        > wait 1s
        at 200ms
        1 gets FIN
        at 720ms
        1 is closed
        at 1s
        > signal TERM
        listens no more
        exit 143
        "#,
    );
}

#[test]
fn a_timeout_without_a_time_only_drops() {
    play_script(
        r#"fn on_connect(conn) { conn.toxic("timeout"); }
fn on_data(conn, data) { print(data.text()); conn.send(data); }
fn on_stdin(line) { for conn in conns() { conn.heal(); } }"#,
        r#"tcpx listen 127.0.0.1 1 --script SCRIPT
        listens on 127.0.0.1:1
        stderr listening on 127.0.0.1:1
        > client
        > 1 sends "gone"
        > wait 60s
        at 60s
        > signal TERM
        listens no more
        1 gets RST
        exit 143
        "#,
    );
}

#[test]
fn slow_close_delays_only_the_end() {
    play_script(
        r#"fn on_connect(conn) { conn.toxic("slow_close", #{delay: 300, dir: "out"}); }
fn on_data(conn, data) { print(data.text()); conn.send(data); }
fn on_stdin(line) { for conn in conns() { conn.heal(); } }"#,
        r#"tcpx listen 127.0.0.1 1 --script SCRIPT
        listens on 127.0.0.1:1
        stderr listening on 127.0.0.1:1
        > client
        > 1 sends "a"
        stdout "a\n"
        1 gets "a"
        > 1 ends
        > wait 1s
        at 300ms
        1 is closed
        at 1s
        > signal TERM
        listens no more
        exit 143
        "#,
    );
}

#[test]
fn reset_peer_resets_after_its_time() {
    play_script(
        r#"fn on_connect(conn) { conn.toxic("reset_peer", #{timeout: 200, dir: "out"}); }
fn on_data(conn, data) { print(data.text()); conn.send(data); }
fn on_stdin(line) { for conn in conns() { conn.heal(); } }"#,
        r#"tcpx listen 127.0.0.1 1 --script SCRIPT
        listens on 127.0.0.1:1
        stderr listening on 127.0.0.1:1
        > client
        > 1 sends "a"
        stdout "a\n"
        > wait 1s
        at 200ms
        1 gets RST
        at 1s
        > signal TERM
        listens no more
        exit 143
        "#,
    );
}

#[test]
fn eof_wait_does_not_end_while_a_toxic_holds_something() {
    play_script(
        r#"fn on_connect(conn) { conn.toxic("latency", #{latency: 2000, dir: "out"}); }"#,
        r#"tcpx connect 127.0.0.1 1 --eof-wait 300ms --script SCRIPT
        1 connects to 127.0.0.1:1
        > stdin "late"; stdin ends
        at 2s
        1 gets "late"
        1 gets FIN
        at 2300ms
        1 is closed
        exit 0
        "#,
    );
}
