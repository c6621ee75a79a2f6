//! `--retry`: what is tried again and what is not, how often, and what the last try means.

use super::{play, play_script};

#[test]
fn a_refused_connection_is_tried_again_so_many_times() {
    play(
        r#"tcpx connect 127.0.0.1 1 --retry 2 -v
        $ connects slowly
        stderr tcpx: trying 127.0.0.1:1
        1 connects to 127.0.0.1:1
        > 1 refuses
        stderr tcpx: 127.0.0.1:1: connection refused
        stderr tcpx: connect to 127.0.0.1:1: connection refused; trying again in 1s (and once more)
        > wait
        at 1s
        stderr tcpx: trying 127.0.0.1:1
        2 connects to 127.0.0.1:1
        > 2 refuses
        stderr tcpx: 127.0.0.1:1: connection refused
        stderr tcpx: connect to 127.0.0.1:1: connection refused; trying again in 1s (the last time)
        > wait
        at 2s
        stderr tcpx: trying 127.0.0.1:1
        3 connects to 127.0.0.1:1
        > 3 refuses
        stderr tcpx: 127.0.0.1:1: connection refused
        stderr tcpx: connect to 127.0.0.1:1: connection refused
        exit 7
        "#,
    );
}

#[test]
fn stdin_and_preamble_wait_for_the_try_that_succeeds() {
    play(
        r#"tcpx connect 127.0.0.1 1 --retry 1 --retry-delay 200ms --send 'hello '
        $ connects slowly
        $ stdin file "rest"
        1 connects to 127.0.0.1:1
        > 1 refuses
        > wait
        at 200ms
        2 connects to 127.0.0.1:1
        > 2 stands
        2 gets "hello "
        2 gets "rest"
        2 gets FIN
        > 2 sends "ok"; 2 ends
        stdout "ok"
        2 is closed
        exit 0
        "#,
    );
}

#[test]
fn a_try_that_takes_too_long_is_one_without_a_connection() {
    play(
        r#"tcpx connect 127.0.0.1 1 --retry 1 -w 2s -z
        $ connects slowly
        1 connects to 127.0.0.1:1
        at 2s
        1 is given up
        at 3s
        2 connects to 127.0.0.1:1
        at 5s
        2 is given up
        stderr tcpx: connect to 127.0.0.1:1: timed out after 2s
        exit 28
        "#,
    );
}

#[test]
fn the_limit_of_the_run_ends_the_pause_between_two_tries() {
    play(
        r#"tcpx connect 127.0.0.1 1 --retry 99 --retry-delay 1h --timeout 5s
        $ connects slowly
        1 connects to 127.0.0.1:1
        > 1 refuses
        at 5s
        stderr tcpx: timed out after 5s (--timeout): connect to 127.0.0.1:1: connection refused
        exit 28
        "#,
    );
    play(
        r#"tcpx connect 127.0.0.1 1 --retry 99
        $ connects slowly
        1 connects to 127.0.0.1:1
        > 1 refuses
        > signal INT
        exit 130
        "#,
    );
}

#[test]
fn a_name_that_does_not_resolve_is_not_tried_again() {
    play(
        r#"tcpx connect nowhere.example 1 --retry 5
        resolves nowhere.example
        > nowhere.example is unknown
        stderr tcpx: resolve nowhere.example: name or service not known
        exit 6
        "#,
    );
}

#[test]
fn a_connection_that_stood_is_not_made_again() {
    play(
        r#"tcpx connect 127.0.0.1 1 --retry 5
        1 connects to 127.0.0.1:1
        > 1 resets
        stderr tcpx: read from 127.0.0.1:1: connection reset by peer
        1 is closed
        exit 56
        "#,
    );
}

#[test]
fn a_script_hears_of_the_last_failure_only() {
    play_script(
        r#"fn on_connect(conn) { print("connected") } fn on_error(conn, err) { print(err.kind) }"#,
        r#"tcpx connect 127.0.0.1 1 --retry 1 --script SCRIPT
        $ connects slowly
        1 connects to 127.0.0.1:1
        > 1 refuses
        > wait
        at 1s
        2 connects to 127.0.0.1:1
        > 2 refuses
        stderr tcpx: connect to 127.0.0.1:1: connection refused
        stdout "refused\n"
        exit 7
        "#,
    );
}

#[test]
fn datagrams_that_were_refused_are_sent_again() {
    play(
        r#"tcpx connect -u 127.0.0.1 1 --retry 2 --retry-delay 200ms --send hello
        1 connects to 127.0.0.1:1
        1 gets "hello"
        > stdin "one"
        1 gets "one"
        > stdin ends; 1 refuses
        > wait
        at 200ms
        2 connects to 127.0.0.1:1
        2 gets "hello"
        2 gets "one"
        > 2 sends "ok"
        stdout "ok"
        at 1200ms
        2 is closed
        exit 0
        "#,
    );
}
