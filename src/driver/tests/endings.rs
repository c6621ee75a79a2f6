//! How a run ends, by stdin, the peer, and what is waited for: the table of endings.

use super::play;

#[test]
fn the_end_of_stdin_sends_fin_and_the_answer_is_awaited() {
    play(
        r#"tcpx connect 127.0.0.1 1
        1 connects to 127.0.0.1:1
        > stdin "ping"; stdin ends
        1 gets "ping"
        1 gets FIN
        > wait 3s
        at 3s
        > 1 sends "pong "
        stdout "pong "
        > wait 3s
        at 6s
        > 1 sends "later"; 1 ends
        stdout "later"
        1 is closed
        exit 0
        "#,
    );
}

#[test]
fn a_client_with_an_empty_stdin_sends_fin_at_once() {
    play(
        r#"tcpx connect 127.0.0.1 1
        $ stdin null
        1 connects to 127.0.0.1:1
        1 gets FIN
        > 1 sends "greeting"; 1 ends
        stdout "greeting"
        1 is closed
        exit 0
        "#,
    );
}

#[test]
fn a_server_with_an_empty_stdin_sends_no_fin_before_the_peers() {
    play(
        r#"tcpx listen 127.0.0.1 1
        $ stdin null
        listens on 127.0.0.1:1
        stderr listening on 127.0.0.1:1
        > client
        listens no more
        > 1 sends "one "
        stdout "one "
        > wait 5s
        at 5s
        > 1 sends "two"
        stdout "two"
        > 1 ends
        1 is closed
        exit 0
        "#,
    );
}

#[test]
fn a_server_sends_fin_at_the_end_of_a_stdin_that_gave_something() {
    play(
        r#"tcpx listen 127.0.0.1 1
        listens on 127.0.0.1:1
        stderr listening on 127.0.0.1:1
        > client
        listens no more
        > stdin "x"; stdin ends
        1 gets "x"
        1 gets FIN
        > 1 sends "answer"
        stdout "answer"
        > 1 ends
        1 is closed
        exit 0
        "#,
    );
}

#[test]
fn a_server_of_many_sends_the_end_of_stdin_to_nobody() {
    play(
        r#"tcpx listen 127.0.0.1 1 -k
        listens on 127.0.0.1:1
        stderr listening on 127.0.0.1:1
        > client
        > stdin "to all"; stdin ends
        1 gets "to all"
        > wait 5s
        at 5s
        > 1 sends "still here"
        stdout "still here"
        > signal TERM
        listens no more
        1 gets RST
        exit 143
        "#,
    );
}

#[test]
fn a_terminal_is_not_waited_for_after_the_peers_end() {
    play(
        r#"tcpx connect 127.0.0.1 1
        $ stdin terminal
        1 connects to 127.0.0.1:1
        > stdin "typed"
        1 gets "typed"
        > 1 sends "bye"; 1 ends
        stdout "bye"
        1 is closed
        exit 0
        "#,
    );
}

#[test]
fn the_rest_of_a_file_is_sent_after_the_peers_end() {
    play(
        r#"tcpx connect 127.0.0.1 1
        $ stdin file x*500000
        $ connects slowly
        1 connects to 127.0.0.1:1
        > 1 takes 100000; 1 stands; 1 ends
        1 gets x*100000
        > wait 10s
        at 10s
        > 1 takes all
        1 gets x*400000
        1 is closed
        exit 0
        "#,
    );
}

#[test]
fn a_pipe_is_sent_after_the_peers_end_until_it_is_quiet() {
    // In total longer than the quiet time, with shorter pauses.
    play(
        r#"tcpx connect 127.0.0.1 1
        1 connects to 127.0.0.1:1
        > stdin "begin "; 1 ends
        1 gets "begin "
        > wait 400ms
        at 400ms
        > stdin "0 "
        1 gets "0 "
        > wait 499ms
        at 899ms
        > stdin "1 "
        1 gets "1 "
        > wait 300ms
        at 1199ms
        > stdin "2 "
        1 gets "2 "
        at 1699ms
        stderr tcpx: peer closed its side; not waiting for stdin (use --half-open)
        1 is closed
        exit 0
        "#,
    );
}

#[test]
fn a_quiet_pipe_of_a_server_ends_like_that_of_a_client() {
    play(
        r#"tcpx listen 127.0.0.1 1
        listens on 127.0.0.1:1
        stderr listening on 127.0.0.1:1
        > client
        listens no more
        > 1 sends "x"; 1 ends
        stdout "x"
        > wait 499ms
        at 499ms
        > stdin "in time"
        1 gets "in time"
        at 999ms
        stderr tcpx: peer closed its side; not waiting for stdin (use --half-open)
        1 is closed
        exit 0
        "#,
    );
}

#[test]
fn data_in_the_pipe_counts_even_if_it_is_read_late() {
    // The quiet time is over, and stdin is readable, both at once.
    play(
        r#"tcpx connect 127.0.0.1 1
        1 connects to 127.0.0.1:1
        > 1 sends "x"; 1 ends
        stdout "x"
        > freeze 700ms; stdin "in time"
        at 700ms
        1 gets "in time"
        at 1200ms
        stderr tcpx: peer closed its side; not waiting for stdin (use --half-open)
        1 is closed
        exit 0
        "#,
    );
}

#[test]
fn a_pipe_that_ends_after_the_peers_end_is_sent_whole() {
    play(
        r#"tcpx connect 127.0.0.1 1
        1 connects to 127.0.0.1:1
        > 1 ends
        > stdin x*100000; stdin ends
        1 gets x*65536
        1 gets x*34464
        1 is closed
        exit 0
        "#,
    );
}

#[test]
fn the_peer_of_a_client_without_stdin_ends_the_run() {
    play(
        r#"tcpx connect 127.0.0.1 1 --no-stdin
        1 connects to 127.0.0.1:1
        > stdin "secret"
        > 1 sends "data"
        stdout "data"
        > wait 5s
        at 5s
        > 1 ends
        1 is closed
        exit 0
        "#,
    );
}

#[test]
fn recv_only_never_reads_stdin() {
    play(
        r#"tcpx listen 127.0.0.1 1 --recv-only
        listens on 127.0.0.1:1
        stderr listening on 127.0.0.1:1
        > client
        listens no more
        > stdin "secret"; stdin ends
        > 1 sends "data"
        stdout "data"
        > wait 5s
        at 5s
        > 1 ends
        1 is closed
        exit 0
        "#,
    );
}

#[test]
fn half_open_goes_on_until_stdin_ends() {
    play(
        r#"tcpx connect 127.0.0.1 1 --half-open
        1 connects to 127.0.0.1:1
        > 1 sends "bye"; 1 ends
        stdout "bye"
        stdout ends
        > wait 8s
        at 8s
        > stdin "still here"
        1 gets "still here"
        > stdin ends
        1 is closed
        exit 0
        "#,
    );
}

#[test]
fn half_open_waits_for_a_terminal() {
    play(
        r#"tcpx connect 127.0.0.1 1 --half-open
        $ stdin terminal
        1 connects to 127.0.0.1:1
        > 1 ends
        stdout ends
        > wait 60s
        at 60s
        > stdin "still here\n"; stdin ends
        1 gets "still here\n"
        1 is closed
        exit 0
        "#,
    );
}

#[test]
fn half_open_ends_with_the_peer_if_stdin_has_ended() {
    play(
        r#"tcpx connect 127.0.0.1 1 --half-open
        1 connects to 127.0.0.1:1
        > stdin "x"; stdin ends
        1 gets "x"
        1 gets FIN
        > 1 sends "bye"; 1 ends
        stdout "bye"
        1 is closed
        exit 0
        "#,
    );
}

#[test]
fn no_shutdown_sends_no_fin_for_the_end_of_stdin() {
    play(
        r#"tcpx connect 127.0.0.1 1 --no-shutdown
        1 connects to 127.0.0.1:1
        > stdin "ping"; stdin ends
        1 gets "ping"
        > wait 5s
        at 5s
        > 1 sends "pong"; 1 ends
        stdout "pong"
        1 is closed
        exit 0
        "#,
    );
}

#[test]
fn eof_wait_ends_with_success() {
    play(
        r#"tcpx connect 127.0.0.1 1 --eof-wait 300ms
        1 connects to 127.0.0.1:1
        > stdin "ping"; stdin ends
        1 gets "ping"
        1 gets FIN
        > 1 sends "not the end"
        stdout "not the end"
        at 300ms
        1 is closed
        exit 0
        "#,
    );
}

#[test]
fn eof_wait_does_not_begin_before_stdin_has_ended() {
    play(
        r#"tcpx connect 127.0.0.1 1 --eof-wait 1ms
        1 connects to 127.0.0.1:1
        > wait 5s
        at 5s
        > stdin "late"
        1 gets "late"
        > wait 5s
        at 10s
        > stdin ends
        1 gets FIN
        at 10001ms
        1 is closed
        exit 0
        "#,
    );
}

#[test]
fn eof_wait_ends_if_the_peer_does_not_read() {
    // What is left is told.
    play(
        r#"tcpx connect 127.0.0.1 1 --eof-wait 300ms
        1 connects to 127.0.0.1:1
        > 1 takes 2; stdin "ping"; stdin ends
        1 gets "pi"
        at 1s
        stderr tcpx: 127.0.0.1:1 does not read: 2 bytes were not sent
        1 gets RST
        exit 0
        "#,
    );
}

#[test]
fn eof_wait_begins_again_while_something_goes_out() {
    play(
        r#"tcpx connect 127.0.0.1 1 --eof-wait 300ms
        1 connects to 127.0.0.1:1
        > 1 takes 2; stdin "pingping"; stdin ends
        1 gets "pi"
        > wait 200ms
        at 200ms
        > 1 takes 2
        1 gets "ng"
        > wait 200ms
        at 400ms
        > 1 takes 2
        1 gets "pi"
        at 1420ms
        stderr tcpx: 127.0.0.1:1 does not read: 2 bytes were not sent
        1 gets RST
        exit 0
        "#,
    );
}

#[test]
fn eof_wait_begins_though_a_full_queue_keeps_stdin_from_being_read() {
    play(
        r#"tcpx connect 127.0.0.1 1 --eof-wait 300ms
        1 connects to 127.0.0.1:1
        > 1 takes 0; stdin x*300000
        > stdin ends
        at 1s
        stderr tcpx: 127.0.0.1:1 does not read: 300000 bytes were not sent
        1 gets RST
        exit 0
        "#,
    );
}

#[test]
fn send_only_discards_what_comes_and_ends_with_the_peer() {
    play(
        r#"tcpx connect 127.0.0.1 1 --send-only
        1 connects to 127.0.0.1:1
        > 1 sends "not wanted"
        > stdin "all of it"; stdin ends
        1 gets "all of it"
        1 gets FIN
        > 1 sends "nor this"
        > 1 ends
        1 is closed
        exit 0
        "#,
    );
}

#[test]
fn send_only_ends_after_eof_wait_if_the_peer_does_not_close() {
    play(
        r#"tcpx connect 127.0.0.1 1 --send-only --eof-wait 200ms
        1 connects to 127.0.0.1:1
        > stdin "x"; stdin ends
        1 gets "x"
        1 gets FIN
        at 200ms
        1 is closed
        exit 0
        "#,
    );
}

#[test]
fn send_only_sends_fin_for_an_empty_stdin_of_a_server() {
    play(
        r#"tcpx listen 127.0.0.1 1 --send-only
        $ stdin null
        listens on 127.0.0.1:1
        stderr listening on 127.0.0.1:1
        > client
        listens no more
        1 gets FIN
        > 1 ends
        1 is closed
        exit 0
        "#,
    );
}

#[test]
fn what_came_before_a_reset_is_written() {
    play(
        r#"tcpx connect 127.0.0.1 1
        1 connects to 127.0.0.1:1
        > 1 sends x*10000; 1 resets
        stdout x*10000
        stderr tcpx: read from 127.0.0.1:1: connection reset by peer
        1 is closed
        exit 56
        "#,
    );
}

#[test]
fn a_reset_after_the_end_of_stdin_is_a_broken_connection() {
    play(
        r#"tcpx connect 127.0.0.1 1
        1 connects to 127.0.0.1:1
        > stdin "ping"; stdin ends
        1 gets "ping"
        1 gets FIN
        > 1 sends "po"; 1 resets
        stdout "po"
        stderr tcpx: read from 127.0.0.1:1: connection reset by peer
        1 is closed
        exit 56
        "#,
    );
}

#[test]
fn what_the_peer_sent_is_read_after_a_write_has_failed() {
    play(
        r#"tcpx connect 127.0.0.1 1
        1 connects to 127.0.0.1:1
        > 1 breaks; 1 sends "last words"; stdin "x"
        stdout "last words"
        > 1 resets
        stderr tcpx: write to 127.0.0.1:1: broken pipe
        1 is closed
        exit 56
        "#,
    );
}

#[test]
fn a_stdin_that_cannot_be_read_is_an_error_after_what_it_gave() {
    play(
        r#"tcpx connect 127.0.0.1 1
        1 connects to 127.0.0.1:1
        > stdin "before"
        1 gets "before"
        > stdin fails
        stderr tcpx: read stdin: input/output error
        1 gets RST
        exit 26
        "#,
    );
}

#[test]
fn a_handler_for_received_data_keeps_the_connection_after_the_end_of_stdin() {
    play(
        r#"tcpx connect 127.0.0.1 1 --on-data 'conn.send(data)'
        1 connects to 127.0.0.1:1
        > stdin "question"; stdin ends
        1 gets "question"
        > wait 5s
        at 5s
        > 1 sends "echo this"
        1 gets "echo this"
        > 1 ends
        1 is closed
        exit 0
        "#,
    );
}

#[test]
fn the_beginning_of_a_character_is_written_when_the_run_is_stopped() {
    // As when the connection breaks, and not as if it had never come.
    for (options, sent, written) in [
        ("-E gbk", "0xc4e3ba", "stdout \"你\"\nstdout \"\u{fffd}\""),
        ("-E auto", "0x636166e9", "stdout \"caf\"\nstdout \"é\""),
        ("--label", "\"half\"", "stdout \"10.0.0.1:1: half\\n\""),
    ] {
        play(&format!(
            r#"tcpx listen 127.0.0.1 1 -k {options}
            listens on 127.0.0.1:1
            stderr listening on 127.0.0.1:1
            > client
            > signal TERM; 1 sends {sent}
            listens no more
            {written}
            1 gets RST
            exit 143
            "#
        ));
    }
}

#[test]
fn what_a_slow_stdout_has_not_taken_at_the_end_is_told() {
    play(
        r#"tcpx listen 127.0.0.1 1 -k
        listens on 127.0.0.1:1
        stderr listening on 127.0.0.1:1
        > client
        > stdout takes 2; 1 sends "received"
        stdout "re"
        > signal TERM
        listens no more
        1 gets RST
        at 1s
        stderr tcpx: stdout takes nothing: 6 bytes were not written
        exit 143
        "#,
    );
}
