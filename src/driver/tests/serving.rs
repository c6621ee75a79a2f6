//! Servers: one client or many, slow ones, and accepting without descriptors.

use super::{play, play_script};

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
        2 gets RST
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
        2 gets RST
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
        2 gets RST
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
        2 gets RST
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
        stderr tcpx: closed 10.0.0.1:1 (stop): 2 bytes received, 0 sent, after 50ms
        1 gets RST
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
        stderr tcpx: closed 10.0.0.1:1 (stop): 0 bytes received, 0 sent, after 0.00ms
        1 gets RST
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
        2 gets RST
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
        stderr hint: ss -ltnp 'sport = :1' shows which program listens there; choose another port, or port 0 for any free one
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
        2 gets RST
        at 1s
        1 gets RST
        exit 143
        "#,
    );
}

#[test]
fn above_the_memory_bound_the_connection_that_holds_most_is_dropped() {
    play_script(
        r#"fn on_data(conn, data) { for c in conns() { c.send(blob(700000 + 1000 * c.id, 0x61)) } }
           fn on_error(conn, err) { print(`${conn.id}: ${err.kind} ${err.op}: ${err.message}`) }
           fn on_close(conn, why) { print(`${conn.id}: ${why}`) }"#,
        r#"tcpx listen 127.0.0.1 1 --script SCRIPT --memory 4M
        listens on 127.0.0.1:1
        stderr listening on 127.0.0.1:1
        > client; client; client; client
        > 1 takes 0; 2 takes 0; 3 takes 0
        > 4 sends "x"
        4 gets a*704000
        > 4 sends "x"
        4 gets a*704000
        stdout "3: memory hold: it holds 1.3 MiB, and all connections together more than 4.0 MiB (--memory)\n"
        stdout "3: error\n"
        3 gets RST
        > signal TERM
        listens no more
        stdout "4: stop\n"
        4 gets RST
        at 1s
        stdout "1: stop\n"
        1 gets RST
        stdout "2: stop\n"
        2 gets RST
        exit 143
        "#,
    );
}

#[test]
fn bytes_for_a_connection_in_the_making_count_as_held() {
    play_script(
        r#"fn on_connect(conn) { let c = connect("slow:1"); for i in 0..5 { c.send(blob(1000000, 0x61)) } }
           fn on_error(conn, err) { print(`${err.kind} ${err.op}: ${err.message}`) }"#,
        r#"tcpx listen 127.0.0.1 1 --script SCRIPT --memory 4M
        listens on 127.0.0.1:1
        stderr listening on 127.0.0.1:1
        > client
        resolves slow
        forgets Connect(2)
        stdout "refused connect: drop slow:1: it holds 4.8 MiB, and all connections together more than 4.0 MiB (--memory)\n"
        > signal TERM
        listens no more
        1 gets RST
        exit 143
        "#,
    );
}

#[test]
fn received_bytes_that_are_no_frame_yet_count_as_held() {
    play_script(
        r#"fn on_connect(conn) { conn.frame_delim("|", 4000000) }
           fn on_frame(conn, frame) { print(frame.len()) }"#,
        r#"tcpx listen 127.0.0.1 1 --script SCRIPT --memory 4M
        listens on 127.0.0.1:1
        stderr listening on 127.0.0.1:1
        > client; client
        > 1 sends x*2500000
        > 2 sends x*1500000
        > 2 sends "|"
        stdout "1500000\n"
        > 2 sends x*3000000
        stderr tcpx: drop 10.0.0.1:1: it holds 2.4 MiB, and all connections together more than 4.0 MiB (--memory)
        1 gets RST
        > 2 sends "|"
        stdout "3000000\n"
        > signal TERM
        listens no more
        2 gets RST
        exit 143
        "#,
    );
}

#[test]
fn a_server_of_ncat_is_idle_when_all_its_clients_are() {
    play(
        r#"tcpx ncat -lk -i 5 127.0.0.1 1
        listens on 127.0.0.1:1
        > client; client
        > wait 3s
        at 3s
        > 1 sends "a"
        stdout "a"
        > wait 4s
        at 7s
        > 1 sends "b"
        stdout "b"
        at 12s
        stderr Ncat: Idle timeout expired (5000 ms). QUITTING.
        listens no more
        1 gets FIN
        2 gets FIN
        at 12020ms
        1 is closed
        2 is closed
        exit 28
        "#,
    );
}
