//! `tcpx wait`: what is tried again, and what ends it.

use super::play;

#[test]
fn it_ends_once_there_is_a_connection() {
    play(
        r#"tcpx wait 127.0.0.1 1
        $ connects slowly
        1 connects to 127.0.0.1:1
        > 1 refuses
        > wait
        at 100ms
        2 connects to 127.0.0.1:1
        > 2 refuses
        > wait
        at 300ms
        3 connects to 127.0.0.1:1
        > 3 stands
        3 is closed
        exit 0
        "#,
    );
}

#[test]
fn a_name_may_become_known_and_a_silent_target_is_tried_again() {
    play(
        r#"tcpx wait up.example 1 -w 2s
        $ connects slowly
        resolves up.example
        > up.example is unknown
        > wait
        at 100ms
        resolves up.example
        > up.example is 127.0.0.1
        1 connects to 127.0.0.1:1
        > wait
        at 2100ms
        1 is given up
        > wait
        at 2300ms
        resolves up.example
        > up.example is 127.0.0.1
        2 connects to 127.0.0.1:1
        > 2 stands
        2 is closed
        exit 0
        "#,
    );
}

#[test]
fn the_time_limit_says_what_the_last_try_has_failed_with() {
    play(
        r#"tcpx wait 127.0.0.1 1 --timeout 150ms -v
        $ connects slowly
        stderr tcpx: trying 127.0.0.1:1
        1 connects to 127.0.0.1:1
        > 1 refuses
        stderr tcpx: 127.0.0.1:1: connection refused
        stderr tcpx: connect to 127.0.0.1:1: connection refused; trying again in 100ms
        > wait
        at 100ms
        stderr tcpx: trying 127.0.0.1:1
        2 connects to 127.0.0.1:1
        > 2 refuses
        stderr tcpx: 127.0.0.1:1: connection refused
        stderr tcpx: connect to 127.0.0.1:1: connection refused; trying again in 200ms
        at 150ms
        stderr tcpx: timed out after 150ms (--timeout): connect to 127.0.0.1:1: connection refused
        exit 28
        "#,
    );
}

#[test]
fn a_banner_is_awaited_on_one_connection_after_the_other() {
    play(
        r#"tcpx wait 127.0.0.1 1 --send 'PING\n' --expect '^ready' -w 3s
        1 connects to 127.0.0.1:1
        1 gets "PING\n"
        > 1 sends "loading"; 1 ends
        1 is closed
        > wait
        at 100ms
        2 connects to 127.0.0.1:1
        2 gets "PING\n"
        > 2 resets
        2 is closed
        > wait
        at 300ms
        3 connects to 127.0.0.1:1
        3 gets "PING\n"
        > 3 sends "ready\n"
        3 gets FIN
        > 3 ends
        3 is closed
        exit 0
        "#,
    );
}

#[test]
fn a_signal_ends_it() {
    play(
        r#"tcpx wait 127.0.0.1 1
        $ connects slowly
        1 connects to 127.0.0.1:1
        > 1 refuses
        > signal TERM
        exit 143
        "#,
    );
}
