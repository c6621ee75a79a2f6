//! How connections are made: names, addresses, refusals; and what they are sent first.

use super::play;

#[test]
fn addresses_are_tried_a_quarter_of_a_second_apart() {
    // The families alternate as the resolver gives them.
    play(
        r#"tcpx connect name 1 -v
        $ connects slowly
        resolves name
        > wait 20ms
        at 20ms
        > name is ::1 127.0.0.1 10.0.0.3
        stderr tcpx: resolved name to ::1, 127.0.0.1, 10.0.0.3 in 20ms
        stderr tcpx: trying [::1]:1
        1 connects to [::1]:1
        > wait 600ms
        at 270ms
        stderr tcpx: trying 127.0.0.1:1
        2 connects to 127.0.0.1:1
        at 520ms
        stderr tcpx: trying 10.0.0.3:1
        3 connects to 10.0.0.3:1
        at 620ms
        > 2 stands
        1 is given up
        3 is given up
        stderr tcpx: connected to 127.0.0.1:1 from 127.0.0.1:9 in 620ms
        > 2 ends
        at 1120ms
        stderr tcpx: peer closed its side; not waiting for stdin (use --half-open)
        2 is closed
        stderr tcpx: closed 127.0.0.1:1 (eof): 0 bytes received, 0 sent, after 500ms
        exit 0
        "#,
    );
}

#[test]
fn a_refused_address_lets_the_next_one_begin_at_once() {
    play(
        r#"tcpx connect name 1
        $ connects slowly
        resolves name
        > name is ::1 127.0.0.1
        1 connects to [::1]:1
        > wait 100ms
        at 100ms
        > 1 refuses
        2 connects to 127.0.0.1:1
        > 2 stands
        > 2 ends
        at 600ms
        stderr tcpx: peer closed its side; not waiting for stdin (use --half-open)
        2 is closed
        exit 0
        "#,
    );
}

#[test]
fn all_addresses_refuse() {
    play(
        r#"tcpx connect name 1
        $ connects slowly
        resolves name
        > name is ::1 127.0.0.1
        1 connects to [::1]:1
        > 1 refuses
        2 connects to 127.0.0.1:1
        > 2 refuses
        stderr tcpx: connect to name:1: connection refused (tried ::1, 127.0.0.1)
        exit 7
        "#,
    );
}

#[test]
fn a_refused_connect_is_exit_7() {
    play(
        r#"tcpx connect 127.0.0.1 1
        $ connects slowly
        1 connects to 127.0.0.1:1
        > 1 refuses
        stderr tcpx: connect to 127.0.0.1:1: connection refused
        exit 7
        "#,
    );
}

#[test]
fn a_name_that_nobody_knows_is_exit_6() {
    play(
        r#"tcpx connect name 1
        resolves name
        > name is unknown
        stderr tcpx: resolve name: name or service not known
        exit 6
        "#,
    );
}

#[test]
fn names_are_not_resolved_with_n() {
    play(
        r#"tcpx connect name 1 -n
        stderr tcpx: resolve name: names are not resolved with -n
        exit 6
        "#,
    );
}

#[test]
fn a_source_address_leaves_out_the_other_family() {
    play(
        r#"tcpx connect name 1 --source 127.0.0.2
        resolves name
        > name is ::1 127.0.0.1
        1 connects to 127.0.0.1:1 from 127.0.0.2:0
        > 1 ends
        at 500ms
        stderr tcpx: peer closed its side; not waiting for stdin (use --half-open)
        1 is closed
        exit 0
        "#,
    );
}

#[test]
fn a_probe_leaves_as_soon_as_it_stands() {
    play(
        r#"tcpx connect 127.0.0.1 1 -z
        $ connects slowly
        1 connects to 127.0.0.1:1
        > wait 1s
        at 1s
        > 1 stands
        1 is closed
        exit 0
        "#,
    );
}

#[test]
fn a_probe_that_is_refused_is_exit_7() {
    play(
        r#"tcpx connect 127.0.0.1 1 -z
        $ connects slowly
        1 connects to 127.0.0.1:1
        > 1 refuses
        stderr tcpx: connect to 127.0.0.1:1: connection refused
        exit 7
        "#,
    );
}

#[test]
fn what_came_while_connecting_is_read_before_the_reset() {
    play(
        r#"tcpx connect 127.0.0.1 1
        $ connects slowly
        1 connects to 127.0.0.1:1
        > 1 stands; 1 sends "early"; 1 resets
        stdout "early"
        stderr tcpx: read from 127.0.0.1:1: connection reset by peer
        1 is closed
        exit 56
        "#,
    );
}

#[test]
fn the_preamble_goes_before_stdin() {
    play(
        r#"tcpx connect 127.0.0.1 1 --send 'a\n' --send-hex 6263
        1 connects to 127.0.0.1:1
        1 gets "a\nbc"
        > stdin "d"; stdin ends
        1 gets "d"
        1 gets FIN
        > 1 ends
        1 is closed
        exit 0
        "#,
    );
}

#[test]
fn a_pipe_of_the_preamble_holds_stdin_back() {
    play(
        r#"tcpx connect 127.0.0.1 1 --send-file FIFO --send '!'
        1 connects to 127.0.0.1:1
        > stdin "stdin"
        > fifo "first "
        1 gets "first "
        > wait 3s
        at 3s
        > fifo "second"
        1 gets "second"
        > fifo ends
        1 gets "!"
        1 gets "stdin"
        > 1 ends
        > stdin ends
        1 is closed
        exit 0
        "#,
    );
}

#[test]
fn a_peer_that_ends_is_sent_the_rest_of_the_preamble() {
    play(
        r#"tcpx connect 127.0.0.1 1 --no-stdin --send-file FIFO
        1 connects to 127.0.0.1:1
        > fifo "one "
        1 gets "one "
        > 1 sends "bye"; 1 ends
        stdout "bye"
        > wait 3s
        at 3s
        > fifo "two"
        1 gets "two"
        > fifo ends
        1 is closed
        exit 0
        "#,
    );
}

#[test]
fn a_preamble_waits_for_a_peer_that_does_not_read() {
    play(
        r#"tcpx connect 127.0.0.1 1 --send abcdef
        $ connects slowly
        1 connects to 127.0.0.1:1
        > 1 takes 2; 1 stands
        1 gets "ab"
        > wait 1s
        at 1s
        > stdin "!"; stdin ends
        > 1 takes all
        1 gets "cdef!"
        1 gets FIN
        > 1 ends
        1 is closed
        exit 0
        "#,
    );
}

#[test]
fn a_character_that_the_encoding_lacks_ends_the_run() {
    play(
        r#"tcpx connect 127.0.0.1 1 -E latin1
        1 connects to 127.0.0.1:1
        > stdin "ok中"
        1 gets "ok"
        stderr tcpx: stdin: cannot encode U+4E2D '中' (character 3) in windows-1252
        1 gets RST
        exit 114
        "#,
    );
}
