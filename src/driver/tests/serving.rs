//! Servers: one client or many, slow ones, and accepting without descriptors.

use super::play;

#[test]
fn one_peer_is_served_and_a_second_is_refused() {
    play(
        r#"tcpx listen 127.0.0.1 1
        listens on 127.0.0.1:1
        stderr listening on 127.0.0.1:1
        > client; client
        listens no more
        2 is refused
        > 1 ends
        > stdin ends
        1 is closed
        exit 0
        "#,
    );
}

#[test]
fn stdin_is_read_only_while_somebody_is_there_and_goes_to_everybody() {
    play(
        r#"tcpx listen 127.0.0.1 1 -k
        listens on 127.0.0.1:1
        stderr listening on 127.0.0.1:1
        > stdin "early "
        > wait 5s
        at 5s
        > client
        1 gets "early "
        > client
        > stdin "to both"
        1 gets "to both"
        2 gets "to both"
        > 1 ends
        1 is closed
        > stdin "to one"
        2 gets "to one"
        > signal TERM
        listens no more
        2 gets FIN
        at 5020ms
        2 is closed
        exit 143
        "#,
    );
}

#[test]
fn a_client_that_does_not_read_is_dropped_after_a_second() {
    play(
        r#"tcpx listen 127.0.0.1 1 -k
        listens on 127.0.0.1:1
        stderr listening on 127.0.0.1:1
        > client; client
        > 1 takes 0; stdin x*1100000
        2 gets x*262144
        2 gets x*262144
        2 gets x*262144
        2 gets x*262144
        > stdin "later"
        > wait 2s
        at 1s
        stderr tcpx: 10.0.0.1:1 does not read: dropped
        1 gets RST
        2 gets x*51424
        at 2s
        > signal TERM
        listens no more
        2 gets FIN
        at 2020ms
        2 is closed
        exit 143
        "#,
    );
}

#[test]
fn a_client_that_reads_again_in_time_is_not_dropped() {
    play(
        r#"tcpx listen 127.0.0.1 1 -k
        listens on 127.0.0.1:1
        stderr listening on 127.0.0.1:1
        > client; client
        > 1 takes 0; stdin x*1100000
        2 gets x*262144
        2 gets x*262144
        2 gets x*262144
        2 gets x*262144
        > wait 900ms
        at 900ms
        > 1 takes 100000
        1 gets x*100000
        2 gets x*51424
        > wait 2s
        at 2900ms
        > signal TERM
        listens no more
        2 gets FIN
        at 2920ms
        2 is closed
        at 3900ms
        1 gets RST
        exit 143
        "#,
    );
}

#[test]
fn the_fault_of_one_client_ends_no_other_and_not_the_run() {
    play(
        r#"tcpx listen 127.0.0.1 1 -k
        listens on 127.0.0.1:1
        stderr listening on 127.0.0.1:1
        > client; client
        > 1 resets
        stderr tcpx: read from 10.0.0.1:1: connection reset by peer
        1 is closed
        > 2 sends "still here"
        stdout "still here"
        > signal TERM
        listens no more
        2 gets FIN
        at 20ms
        2 is closed
        exit 143
        "#,
    );
}

#[test]
fn accepting_pauses_without_descriptors() {
    // Told once, and tried again ten times a second.
    play(
        r#"tcpx listen 127.0.0.1 1 -k -v
        listens on 127.0.0.1:1
        stderr listening on 127.0.0.1:1
        > accept EMFILE; accept EMFILE; client
        stderr tcpx: accept on 127.0.0.1:1: too many open files; clients wait
        > wait 250ms
        at 200ms
        stderr tcpx: accepted 10.0.0.1:1 on 127.0.0.1:1
        at 250ms
        > 1 sends "in"
        stdout "in"
        > signal TERM
        stderr tcpx: SIGTERM
        listens no more
        1 gets FIN
        stderr tcpx: closed 10.0.0.1:1 (stop): 2 bytes received, 0 sent, after 50ms
        at 270ms
        1 is closed
        exit 143
        "#,
    );
}

#[test]
fn a_client_that_is_gone_again_is_passed_over() {
    play(
        r#"tcpx listen 127.0.0.1 1 -k -v
        listens on 127.0.0.1:1
        stderr listening on 127.0.0.1:1
        > accept ECONNABORTED; client
        stderr tcpx: accepted 10.0.0.1:1 on 127.0.0.1:1
        > signal TERM
        stderr tcpx: SIGTERM
        listens no more
        1 gets FIN
        stderr tcpx: closed 10.0.0.1:1 (stop): 0 bytes received, 0 sent, after 0.00ms
        at 20ms
        1 is closed
        exit 143
        "#,
    );
}

#[test]
fn no_more_clients_than_max_conns_at_a_time() {
    play(
        r#"tcpx listen 127.0.0.1 1 -k --max-conns 1
        listens on 127.0.0.1:1
        stderr listening on 127.0.0.1:1
        > client; client
        > 2 sends "waits"
        > 1 ends
        1 is closed
        stdout "waits"
        > signal TERM
        listens no more
        2 gets FIN
        at 20ms
        2 is closed
        exit 143
        "#,
    );
}

#[test]
fn a_server_with_accept_ends_with_its_last_client() {
    play(
        r#"tcpx listen 127.0.0.1 1 -k --accept 2
        listens on 127.0.0.1:1
        stderr listening on 127.0.0.1:1
        > client
        > client
        listens no more
        > 1 ends
        1 is closed
        > 2 ends
        2 is closed
        exit 0
        "#,
    );
}

#[test]
fn a_port_in_use_is_exit_110() {
    play(
        r#"tcpx listen 127.0.0.1 1
        $ port in use
        stderr tcpx: listen on 127.0.0.1:1: address already in use
        exit 110
        "#,
    );
}

#[test]
fn a_name_to_listen_on_is_resolved_first() {
    play(
        r#"tcpx listen name 1
        resolves name
        > wait 1s
        at 1s
        > name is 127.0.0.1
        listens on 127.0.0.1:1
        stderr listening on 127.0.0.1:1
        > client
        listens no more
        > 1 ends
        > stdin ends
        1 is closed
        exit 0
        "#,
    );
}

#[test]
fn a_signal_ends_all_clients() {
    play(
        r#"tcpx listen 127.0.0.1 1 -k
        listens on 127.0.0.1:1
        stderr listening on 127.0.0.1:1
        > client; client
        > 1 takes 0; stdin "queued"
        2 gets "queued"
        > signal TERM
        listens no more
        2 gets FIN
        at 20ms
        2 is closed
        at 1s
        1 gets RST
        exit 143
        "#,
    );
}
