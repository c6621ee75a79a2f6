//! Terminals and stderr: messages that nobody reads, our words beside the peer's on one terminal, jobs in the background.

use super::{play, play_script};

#[test]
fn a_stderr_that_nobody_reads_stops_nothing() {
    play_script(
        "fn on_line(conn, line) { log(line); conn.send_line(line); }",
        r#"
        tcpx listen -q 127.0.0.1 1 --script SCRIPT
        $ stderr takes 0
        listens on 127.0.0.1:1
        > client
        > 1 sends "a\nb\n"
        1 gets "a\nb\n"
        > signal TERM
        listens no more
        1 gets RST
        at 1s
        exit 143
        "#,
    );
}

#[test]
fn what_waits_for_stderr_is_written_when_it_is_read() {
    play(
        r#"
        tcpx listen 127.0.0.1 1
        $ stderr takes 5
        listens on 127.0.0.1:1
        > client
        listens no more
        > stderr takes all
        stderr listening on 127.0.0.1:1
        > stderr takes 0
        > 1 resets
        1 is closed
        at 1s
        exit 56
        "#,
    );
}

#[test]
fn our_words_begin_without_the_peers_colours_on_a_fresh_line() {
    play(
        r#"
        tcpx connect 127.0.0.1 1
        $ stdout terminal
        $ stderr terminal
        1 connects to 127.0.0.1:1
        > 1 sends "\x1b[31mred"
        stdout "\x1b[31mred"
        > 1 resets
        stderr \x1b[0m
        stderr tcpx: read from 127.0.0.1:1: connection reset by peer
        1 is closed
        exit 56
        "#,
    );
}

#[test]
fn the_peers_colours_end_with_the_run() {
    play(
        r#"
        tcpx connect -v 127.0.0.1 1
        $ stdout terminal
        stderr tcpx: trying 127.0.0.1:1
        1 connects to 127.0.0.1:1
        stderr tcpx: connected to 127.0.0.1:1 from 127.0.0.1:9 in 0.00ms
        > 1 sends "\x1b[31mred"; 1 ends
        stdout "\x1b[31mred"
        at 500ms
        stderr tcpx: peer closed its side; not waiting for stdin (use --half-open)
        1 is closed
        stderr tcpx: closed 127.0.0.1:1 (eof): 8 bytes received, 0 sent, after 500ms
        stdout "\x1b[0m"
        exit 0
        "#,
    );
}

#[test]
fn a_job_in_the_background_leaves_its_terminal_alone() {
    play(
        r#"
        tcpx connect 127.0.0.1 1
        $ stdin terminal
        $ stdin in the background
        1 connects to 127.0.0.1:1
        > stdin "for the shell\n"
        > 1 sends "hello"
        stdout "hello"
        > wait 600ms
        at 600ms
        > stdin in the foreground
        > wait 600ms
        at 750ms
        1 gets "for the shell\n"
        at 1200ms
        > 1 ends
        1 is closed
        exit 0
        "#,
    );
}

#[test]
fn a_typed_line_ends_the_line_of_the_terminal() {
    play(
        r#"
        tcpx connect 127.0.0.1 1
        $ stdin terminal
        $ stdout terminal
        $ stderr terminal
        1 connects to 127.0.0.1:1
        > 1 sends "name: "
        stdout "name: "
        > stdin "me\n"
        1 gets "me\n"
        > 1 resets
        stderr tcpx: read from 127.0.0.1:1: connection reset by peer
        1 is closed
        exit 56
        "#,
    );
}

#[test]
fn a_slow_stderr_is_waited_for_and_a_dead_one_is_not() {
    // A message of 80 000 bytes is more than what is read beside; nothing is taken for 500 ms, then the next is read.
    play_script(
        "fn on_line(conn, line) { line.pad(80000, 'x'); log(line); conn.send_line(`${line.len()}`); }",
        r#"
        tcpx listen -q 127.0.0.1 1 --script SCRIPT
        $ stderr takes 10
        listens on 127.0.0.1:1
        > client
        > 1 sends "a\n"
        1 gets "80000\n"
        > 1 sends "b\n"
        > wait 1s
        at 500ms
        1 gets "80000\n"
        at 1s
        > 1 sends "c\n"
        1 gets "80000\n"
        > 1 resets
        1 is closed
        > signal TERM; signal TERM
        listens no more
        exit 143
        "#,
    );
}
