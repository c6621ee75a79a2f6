//! What is waited for once we have ended a connection: acknowledgements, and silence.

use super::play;

#[test]
fn a_close_of_ours_absorbs_what_the_peer_still_sends() {
    // An RST for unread data would take what was sent from the peer.
    play(
        r#"tcpx connect 127.0.0.1 1 --on-data 'conn.send("bye"); conn.close()'
        1 connects to 127.0.0.1:1
        > 1 holds 3; 1 sends "x"
        1 gets "bye"
        1 gets FIN
        > wait 100ms
        at 100ms
        > 1 sends "more"
        > wait 200ms
        at 300ms
        > 1 holds 0; 1 ends
        1 is closed
        exit 0
        "#,
    );
}

#[test]
fn a_close_of_ours_waits_for_a_silent_peer_no_longer_than_that() {
    play(
        r#"tcpx connect 127.0.0.1 1 --on-data 'conn.send("bye"); conn.close()'
        1 connects to 127.0.0.1:1
        > 1 sends "x"
        1 gets "bye"
        1 gets FIN
        at 520ms
        1 is closed
        exit 0
        "#,
    );
}

#[test]
fn what_is_not_acknowledged_holds_a_close_of_ours_longer() {
    play(
        r#"tcpx connect 127.0.0.1 1 --on-data 'conn.send("bye"); conn.close()'
        1 connects to 127.0.0.1:1
        > 1 holds 3; 1 sends "x"
        1 gets "bye"
        1 gets FIN
        at 30s
        1 is closed
        exit 0
        "#,
    );
}

#[test]
fn a_stop_waits_for_acknowledgement() {
    play(
        r#"tcpx connect 127.0.0.1 1
        1 connects to 127.0.0.1:1
        > stdin "all"
        1 gets "all"
        > 1 holds 3; signal TERM
        > wait 300ms
        at 300ms
        > 1 holds 0
        at 320ms
        1 gets RST
        exit 143
        "#,
    );
}

#[test]
fn a_stop_waits_a_second_for_acknowledgement() {
    play(
        r#"tcpx connect 127.0.0.1 1
        1 connects to 127.0.0.1:1
        > stdin "all"
        1 gets "all"
        > 1 holds 3; signal TERM
        at 1s
        1 gets RST
        exit 143
        "#,
    );
}

#[test]
fn of_a_connection_that_was_reset_nothing_is_awaited() {
    play(
        r#"tcpx connect 127.0.0.1 1 --timeout 1s
        1 connects to 127.0.0.1:1
        > 1 holds 3; stdin "abc"
        1 gets "abc"
        > wait 1100ms
        at 1s
        stderr tcpx: timed out after 1s (--timeout)
        at 1100ms
        > 1 resets
        1 is closed
        exit 28
        "#,
    );
}

#[test]
fn a_silence_that_is_an_end_lets_go_at_once() {
    for (line, before) in [
        ("tcpx nc -w 1 127.0.0.1 1", ""),
        ("tcpx nc -nlw1 127.0.0.1 1", "listens on 127.0.0.1:1\n> client\nlistens no more"),
        ("tcpx nc -w 1 -e cat 127.0.0.1 1", ""),
    ] {
        let before = if before.is_empty() { "1 connects to 127.0.0.1:1" } else { before };
        let line = if line.contains("-e") { line.replace("-e cat ", "-C ") } else { line.to_owned() };
        play(&format!("{line}\n{before}\n> stdin \"x\"\n1 gets \"x\"\nat 1s\n1 is closed\nexit 0\n"));
    }
}

#[test]
fn a_peer_that_takes_nothing_holds_no_run_that_silence_ends() {
    // What is left behind was not delivered: the peer must not take what came for all.
    play(
        r#"tcpx nc -w 1 127.0.0.1 1
        1 connects to 127.0.0.1:1
        > 1 takes 2; stdin "unread"
        1 gets "un"
        at 1s
        1 gets RST
        exit 0
        "#,
    );
    play(
        r#"tcpx nc -w 2 127.0.0.1 1
        1 connects to 127.0.0.1:1
        > 1 holds 6; stdin "unread"
        1 gets "unread"
        at 3500ms
        1 is closed
        exit 0
        "#,
    );
}
