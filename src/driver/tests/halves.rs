//! The peer has ended and stdin goes on: `--send-only`, `--half-open`, and what is said when stdin is not waited for.

use super::{play, play_script};

#[test]
fn send_only_goes_on_after_the_peers_end() {
    for (kind, role) in [("pipe", "connect"), ("terminal", "connect"), ("pipe", "listen"), ("pipe", "listen -k")] {
        let keeps_listening = role.ends_with("-k");
        let (begin, is_many) = match role {
            "connect" => ("1 connects to 127.0.0.1:1", false),
            _ => ("listens on 127.0.0.1:1\nstderr listening on 127.0.0.1:1\n> client", keeps_listening),
        };
        let once = if role == "listen" { "listens no more" } else { "" };
        let setup = if kind == "terminal" { "$ stdin terminal" } else { "" };
        let end = if is_many { "> signal TERM\nlistens no more\nexit 143" } else { "exit 0" };
        play(&format!(
            r#"tcpx {role} 127.0.0.1 1 --send-only
            {setup}
            {begin}
            {once}
            > stdin "one "
            1 gets "one "
            > 1 ends
            > wait 10s
            at 10s
            > stdin "two"; stdin ends
            1 gets "two"
            1 is closed
            {end}
            "#,
        ));
    }
}

#[test]
fn send_only_waits_for_the_peer_after_stdin() {
    play(
        r#"tcpx connect 127.0.0.1 1 --send-only
        1 connects to 127.0.0.1:1
        > stdin "x"; stdin ends
        1 gets "x"
        1 gets FIN
        > wait 60s
        at 60s
        > 1 ends
        1 is closed
        exit 0
        "#,
    );
}

#[test]
fn nothing_is_said_of_a_stdin_that_ends_or_is_not_waited_for() {
    for steps in ["> 1 ends; stdin ends", "> 1 ends\n> stdin ends"] {
        play(&format!(
            r#"tcpx connect 127.0.0.1 1
            1 connects to 127.0.0.1:1
            {steps}
            1 is closed
            exit 0
            "#,
        ));
    }
    for (options, setup) in [("", "$ stdin terminal"), ("--no-stdin", ""), ("--recv-only", "")] {
        play(&format!(
            r#"tcpx connect 127.0.0.1 1 {options}
            {setup}
            1 connects to 127.0.0.1:1
            > 1 ends
            1 is closed
            exit 0
            "#,
        ));
    }
}

#[test]
fn quiet_says_nothing_of_a_stdin_that_is_not_waited_for() {
    play(
        r#"tcpx connect 127.0.0.1 1 -q
        1 connects to 127.0.0.1:1
        > 1 ends
        at 500ms
        1 is closed
        exit 0
        "#,
    );
}

#[test]
fn half_open_ends_stdout_once_everything_is_written() {
    play(
        r#"tcpx connect 127.0.0.1 1 --half-open
        1 connects to 127.0.0.1:1
        > stdout takes 3; 1 sends "answer"; 1 ends
        stdout "ans"
        > wait 1s
        at 1s
        > stdout takes all
        stdout "wer"
        stdout ends
        > wait 1s
        at 2s
        > stdin "more"; stdin ends
        1 gets "more"
        1 is closed
        exit 0
        "#,
    );
}

#[test]
fn a_peer_that_takes_nothing_any_more_ends_what_waits_for_stdin_alone() {
    for (line, said) in [
        ("tcpx connect 127.0.0.1 1 --half-open", "stderr tcpx: write to 127.0.0.1:1: connection reset by peer\n"),
        ("tcpx nc 127.0.0.1 1", ""),
    ] {
        play(&format!(
            r#"{line}
            1 connects to 127.0.0.1:1
            > 1 ends
            stdout ends
            > wait 1s
            at 1s
            > stdin "nobody reads this"
            1 gets "nobody reads this"
            > wait 1s
            at 2s
            > 1 resets
            {said}1 is closed
            exit 56
            "#
        ));
    }
}

#[test]
fn half_open_ends_no_terminal_and_nothing_others_write_to() {
    play(
        r#"tcpx connect 127.0.0.1 1 --half-open
        $ stdout terminal
        1 connects to 127.0.0.1:1
        > 1 ends
        > stdin ends
        1 is closed
        exit 0
        "#,
    );
    play_script(
        "fn on_close(conn, reason) { print(reason) }",
        r#"tcpx connect 127.0.0.1 1 --half-open -s SCRIPT
        1 connects to 127.0.0.1:1
        > 1 ends
        > stdin ends
        1 is closed
        stdout "eof\n"
        exit 0
        "#,
    );
    play(
        r#"tcpx listen 127.0.0.1 1 -k --half-open
        listens on 127.0.0.1:1
        stderr listening on 127.0.0.1:1
        > client
        > client
        > 1 ends
        > 2 sends "still here"
        stdout "still here"
        > stdin ends
        1 is closed
        > signal TERM
        listens no more
        2 gets RST
        exit 143
        "#,
    );
}

#[test]
fn nc_that_waits_after_stdin_does_so_when_the_peer_has_ended() {
    play(
        r#"tcpx nc -q 2 127.0.0.1 1
        1 connects to 127.0.0.1:1
        > stdin "x"; stdin ends
        1 gets "x"
        1 gets FIN
        > 1 sends "answer"; 1 ends
        stdout "answer"
        1 is closed
        at 2s
        exit 0
        "#,
    );
    // It counts from the end of stdin, also where the peer was first.
    play(
        r#"tcpx nc -q 2 127.0.0.1 1
        1 connects to 127.0.0.1:1
        > 1 ends
        stdout ends
        > wait 1s
        at 1s
        > stdin ends
        1 is closed
        at 3s
        exit 0
        "#,
    );
    // What ends the connection before ends all.
    play(
        r#"tcpx nc -q 3 -w 1 127.0.0.1 1
        1 connects to 127.0.0.1:1
        > stdin ends
        1 gets FIN
        at 1s
        1 is closed
        exit 0
        "#,
    );
}
