//! Time limits and signals.

use super::{play, play_script};

#[test]
fn a_connect_timeout_ends_the_run() {
    play(
        r#"tcpx connect 127.0.0.1 1 --connect-timeout 2s
        $ connects slowly
        1 connects to 127.0.0.1:1
        at 2s
        1 is given up
        stderr tcpx: connect to 127.0.0.1:1: timed out after 2s
        exit 28
        "#,
    );
}

#[test]
fn a_connection_in_time_has_no_connect_timeout_any_more() {
    play(
        r#"tcpx connect 127.0.0.1 1 --connect-timeout 2s
        $ connects slowly
        1 connects to 127.0.0.1:1
        > wait 1999ms
        at 1999ms
        > 1 stands
        > wait 5s
        at 6999ms
        > 1 ends
        at 7499ms
        stderr tcpx: peer closed its side; not waiting for stdin (use --half-open)
        1 is closed
        exit 0
        "#,
    );
}

#[test]
fn the_connect_timeout_holds_for_resolving_and_connecting_together() {
    play(
        r#"tcpx connect name 1 --connect-timeout 2s
        $ connects slowly
        resolves name
        > wait 1500ms
        at 1500ms
        > name is 10.0.0.1
        1 connects to 10.0.0.1:1
        at 2s
        1 is given up
        stderr tcpx: connect to name:1: timed out after 2s
        exit 28
        "#,
    );
}

#[test]
fn an_idle_connection_ends_the_run() {
    play(
        r#"tcpx connect 127.0.0.1 1 --idle-timeout 5s
        1 connects to 127.0.0.1:1
        > wait 3s
        at 3s
        > 1 sends "x"
        stdout "x"
        at 8s
        stderr tcpx: 127.0.0.1:1: idle for 5s
        1 gets RST
        exit 28
        "#,
    );
}

#[test]
fn traffic_either_way_is_activity() {
    play(
        r#"tcpx connect 127.0.0.1 1 --idle-timeout 300ms
        1 connects to 127.0.0.1:1
        > wait 200ms
        at 200ms
        > stdin "0"
        1 gets "0"
        > wait 200ms
        at 400ms
        > 1 sends "1"
        stdout "1"
        > wait 299ms
        at 699ms
        > stdin "2"
        1 gets "2"
        at 999ms
        stderr tcpx: 127.0.0.1:1: idle for 300ms
        1 gets RST
        exit 28
        "#,
    );
}

#[test]
fn data_that_came_in_time_but_is_read_late_is_activity() {
    play(
        r#"tcpx connect 127.0.0.1 1 --idle-timeout 2s
        1 connects to 127.0.0.1:1
        > freeze 2200ms; 1 sends "in time"
        at 2200ms
        stdout "in time"
        > wait 1999ms
        at 4199ms
        > 1 sends "again"
        stdout "again"
        at 6199ms
        stderr tcpx: 127.0.0.1:1: idle for 2s
        1 gets RST
        exit 28
        "#,
    );
}

#[test]
fn a_server_of_many_loses_only_the_idle_client() {
    play(
        r#"tcpx listen 127.0.0.1 1 -k --idle-timeout 1s
        listens on 127.0.0.1:1
        stderr listening on 127.0.0.1:1
        > client
        > wait 600ms
        at 600ms
        > client
        > wait 600ms
        at 1s
        stderr tcpx: 10.0.0.1:1: idle for 1s
        1 gets RST
        at 1200ms
        > 2 sends "x"
        stdout "x"
        > wait 700ms
        at 1900ms
        > signal TERM
        listens no more
        2 gets RST
        exit 143
        "#,
    );
}

#[test]
fn timeout_ends_a_run_with_traffic() {
    play(
        r#"tcpx connect 127.0.0.1 1 --timeout 1s
        1 connects to 127.0.0.1:1
        > wait 600ms
        at 600ms
        > stdin "busy"; 1 sends "busy"
        1 gets "busy"
        stdout "busy"
        > wait 399ms
        at 999ms
        > stdin "busy"; 1 sends "busy"
        1 gets "busy"
        stdout "busy"
        at 1s
        stderr tcpx: timed out after 1s (--timeout)
        1 gets RST
        exit 28
        "#,
    );
}

#[test]
fn a_listener_waits_for_its_first_client_as_long_as_it_is_told() {
    play(
        r#"tcpx listen 127.0.0.1 1 -k --accept-timeout 5s
        listens on 127.0.0.1:1
        stderr listening on 127.0.0.1:1
        at 5s
        stderr tcpx: accept on 127.0.0.1:1: no client in 5s
        listens no more
        exit 28
        "#,
    );
    play(
        r#"tcpx listen 127.0.0.1 1 -k --accept-timeout 5s --timeout 60s
        listens on 127.0.0.1:1
        stderr listening on 127.0.0.1:1
        > wait 4s
        at 4s
        > client
        > wait 30s
        at 34s
        > 1 resets
        stderr tcpx: read from 10.0.0.1:1: connection reset by peer
        1 is closed
        at 60s
        stderr tcpx: timed out after 60s (--timeout)
        listens no more
        exit 28
        "#,
    );
}

#[test]
fn timeout_ends_a_waiting_listener() {
    play(
        r#"tcpx listen 127.0.0.1 1 -k --timeout 10s
        listens on 127.0.0.1:1
        stderr listening on 127.0.0.1:1
        at 10s
        stderr tcpx: timed out after 10s (--timeout)
        listens no more
        exit 28
        "#,
    );
}

#[test]
fn timeout_gives_a_peer_that_does_not_read_a_second() {
    play(
        r#"tcpx connect 127.0.0.1 1 --timeout 1s
        1 connects to 127.0.0.1:1
        > 1 takes 2; stdin "unread"
        1 gets "un"
        at 1s
        stderr tcpx: timed out after 1s (--timeout)
        at 2s
        1 gets RST
        exit 28
        "#,
    );
}

#[test]
fn a_scripted_server_ends_by_timeout() {
    play(
        r#"tcpx listen 127.0.0.1 1 --timeout 60s --on-data 'conn.send(data)'
        listens on 127.0.0.1:1
        stderr listening on 127.0.0.1:1
        > client
        > 1 sends "x"
        1 gets "x"
        at 60s
        stderr tcpx: timed out after 60s (--timeout)
        listens no more
        1 gets RST
        exit 28
        "#,
    );
}

#[test]
fn a_signal_flushes_the_queues() {
    play(
        r#"tcpx connect 127.0.0.1 1
        1 connects to 127.0.0.1:1
        > 1 takes 2; stdin "queued"
        1 gets "qu"
        > signal TERM
        > 1 takes all
        1 gets "eued"
        at 20ms
        1 gets RST
        exit 143
        "#,
    );
}

#[test]
fn a_signal_waits_a_second_at_most() {
    play(
        r#"tcpx connect 127.0.0.1 1
        1 connects to 127.0.0.1:1
        > 1 takes 2; stdin "queued"
        1 gets "qu"
        > signal INT
        at 1s
        1 gets RST
        exit 130
        "#,
    );
}

#[test]
fn a_second_signal_ends_at_once() {
    play(
        r#"tcpx connect 127.0.0.1 1
        1 connects to 127.0.0.1:1
        > 1 takes 2; stdin "queued"
        1 gets "qu"
        > signal INT
        > wait 300ms
        at 300ms
        > signal TERM
        1 gets RST
        exit 143
        "#,
    );
}

#[test]
fn a_signal_beats_a_pending_stdout() {
    play(
        r#"tcpx connect 127.0.0.1 1
        1 connects to 127.0.0.1:1
        > stdout takes 2; 1 sends "stuck"
        stdout "st"
        > signal HUP
        1 gets RST
        at 1s
        stderr tcpx: stdout takes nothing: 3 bytes were not written
        exit 129
        "#,
    );
}

#[test]
fn a_signal_while_connecting_gives_up() {
    play(
        r#"tcpx connect 127.0.0.1 1
        $ connects slowly
        1 connects to 127.0.0.1:1
        > signal TERM
        1 is given up
        exit 143
        "#,
    );
}

#[test]
fn a_peer_that_acknowledges_something_is_not_idle() {
    for role in ["connect", "listen"] {
        let (begin, peer) = match role {
            "connect" => ("1 connects to 127.0.0.1:1", "127.0.0.1:1"),
            _ => ("listens on 127.0.0.1:1\nstderr listening on 127.0.0.1:1\n> client\nlistens no more", "10.0.0.1:1"),
        };
        play(&format!(
            r#"tcpx {role} 127.0.0.1 1 -i 4s
            {begin}
            > 1 holds 900; stdin x*1000
            1 gets x*1000
            > wait 4500ms
            at 4500ms
            > 1 holds 800
            > wait 4s
            at 8500ms
            > 1 holds 700
            > wait 1s
            at 9500ms
            > 1 holds 0
            at 14s
            stderr tcpx: {peer}: idle for 4s
            1 gets RST
            exit 28
            "#
        ));
    }
}

#[test]
fn a_peer_that_acknowledges_nothing_is_idle() {
    play(
        r#"tcpx connect 127.0.0.1 1 -i 4s
        1 connects to 127.0.0.1:1
        > wait 1s
        at 1s
        > 1 holds 900; stdin x*1000
        1 gets x*1000
        at 7s
        stderr tcpx: 127.0.0.1:1: idle for 4s
        1 gets RST
        exit 28
        "#,
    );
}

#[test]
fn a_connection_that_waits_for_stdout_is_not_idle() {
    play(
        r#"tcpx connect 127.0.0.1 1 -i 1s
        1 connects to 127.0.0.1:1
        > stdout takes 0; 1 sends x*3000000
        > wait 60s
        at 60s
        > stdout takes all; 1 ends
        stdout x*1048576
        stdout x*262144
        stdout x*262144
        stdout x*262144
        stdout x*262144
        stdout x*262144
        stdout x*262144
        stdout x*262144
        stdout x*116416
        > wait 100ms
        at 60500ms
        stderr tcpx: peer closed its side; not waiting for stdin (use --half-open)
        1 is closed
        exit 0
        "#,
    );
}

#[test]
fn eof_wait_0_leaves_once_everything_is_acknowledged() {
    play(
        r#"tcpx connect 127.0.0.1 1 --eof-wait 0
        1 connects to 127.0.0.1:1
        > stdin "all"; stdin ends
        1 gets "all"
        1 gets FIN
        1 is closed
        exit 0
        "#,
    );
    play(
        r#"tcpx connect 127.0.0.1 1 --eof-wait 0
        1 connects to 127.0.0.1:1
        > 1 holds 3; stdin "all"; stdin ends
        1 gets "all"
        1 gets FIN
        > wait 900ms
        at 900ms
        > 1 holds 2
        > wait 900ms
        at 1800ms
        > 1 holds 0
        at 1820ms
        1 is closed
        exit 0
        "#,
    );
}

#[test]
fn eof_wait_counts_from_the_last_acknowledgement() {
    play(
        r#"tcpx connect 127.0.0.1 1 --eof-wait 500ms
        1 connects to 127.0.0.1:1
        > 1 holds 3; stdin "all"; stdin ends
        1 gets "all"
        1 gets FIN
        > wait 800ms
        at 800ms
        > 1 holds 0
        > wait 400ms
        at 1200ms
        > 1 sends "answer"
        stdout "answer"
        at 1320ms
        1 is closed
        exit 0
        "#,
    );
}

#[test]
fn eof_wait_does_not_end_while_received_bytes_wait_for_stdout() {
    play(
        r#"tcpx connect 127.0.0.1 1 --eof-wait 200ms
        $ stdin null
        1 connects to 127.0.0.1:1
        1 gets FIN
        > stdout takes 0; 1 sends x*3000000
        > wait 60s
        at 60s
        > stdout takes all
        stdout x*1048576
        stdout x*262144
        stdout x*262144
        stdout x*262144
        stdout x*262144
        stdout x*262144
        stdout x*262144
        stdout x*262144
        stdout x*116416
        at 60200ms
        1 is closed
        exit 0
        "#,
    );
}

#[test]
fn on_idle_comes_after_the_last_acknowledgement() {
    play_script(
        "fn on_connect(c) { c.idle_timeout = 4000; c.after(10, |c| c.send(\"xy\")) } fn on_idle(c, ms) { print(ms); c.close() }",
        r#"tcpx connect 127.0.0.1 1 -s SCRIPT
        1 connects to 127.0.0.1:1
        > 1 holds 1; wait 4500ms
        at 10ms
        1 gets "xy"
        at 4500ms
        > 1 holds 0
        > wait
        at 9s
        stdout "4000\n"
        1 gets FIN
        at 9520ms
        1 is closed
        exit 0
        "#,
    );
}

#[test]
fn the_same_idle_limit_set_again_begins_nothing_anew() {
    play_script(
        "fn on_connect(conn) { conn.idle_timeout = 200; } fn on_idle(conn, ms) { print(ms); conn.idle_timeout = 200; }",
        r#"tcpx listen 127.0.0.1 1 --script SCRIPT --once
        listens on 127.0.0.1:1
        stderr listening on 127.0.0.1:1
        > client
        listens no more
        > wait 500ms
        at 200ms
        stdout "200\n"
        at 400ms
        stdout "400\n"
        at 500ms
        > 1 ends
        1 is closed
        exit 0
        "#,
    );
}
