//! One-line checks: `--expect`, `--fail-on`, `--until`; what they do to stdin's end and how a run ends by them.

use super::play;

#[test]
fn expect_ends_with_success_once_it_is_seen() {
    play(
        r#"tcpx connect 127.0.0.1 1 --expect 'o+k'
        1 connects to 127.0.0.1:1
        > stdin "go"
        1 gets "go"
        > 1 sends "not yet o"
        stdout "not yet o"
        > 1 sends "k and more"
        stdout "k and more"
        1 gets FIN
        > wait 1s
        at 20ms
        1 is closed
        exit 0
        "#,
    );
}

#[test]
fn an_expectation_that_is_not_met_is_a_no() {
    play(
        r#"tcpx connect 127.0.0.1 1 --expect ok
        1 connects to 127.0.0.1:1
        > 1 sends "never"; 1 ends
        stdout "never"
        > wait
        at 500ms
        stderr tcpx: peer closed its side; not waiting for stdin (use --half-open)
        1 is closed
        stderr tcpx: --expect "ok" was not seen: 127.0.0.1:1 sent 5 bytes: "never"
        exit 1
        "#,
    );
}

#[test]
fn fail_on_is_a_no() {
    play(
        r#"tcpx connect 127.0.0.1 1 --fail-on 'err[0-9]'
        1 connects to 127.0.0.1:1
        > 1 sends "err5"
        stdout "err5"
        stderr tcpx: 127.0.0.1:1: --fail-on "err[0-9]" matched "err5"
        1 gets FIN
        > 1 ends
        1 is closed
        exit 1
        "#,
    );
}

#[test]
fn a_run_out_of_time_has_no_verdict() {
    play(
        r#"tcpx connect 127.0.0.1 1 --expect ok --timeout 60s
        1 connects to 127.0.0.1:1
        > 1 sends "never"
        stdout "never"
        at 60s
        stderr tcpx: timed out after 60s (--timeout)
        stderr tcpx: --expect "ok" was not seen: 127.0.0.1:1 sent 5 bytes: "never"
        1 gets RST
        exit 28
        "#,
    );
}

#[test]
fn a_reset_after_the_verdict_does_not_change_it() {
    play(
        r#"tcpx connect 127.0.0.1 1 --expect ok
        1 connects to 127.0.0.1:1
        > 1 takes 0; stdin "unsent"
        > 1 sends "ok"
        stdout "ok"
        > 1 resets
        1 is closed
        exit 0
        "#,
    );
}

#[test]
fn the_end_of_stdin_waits_for_the_answer() {
    for options in ["--expect ok", "--until 2l", "--until ok", "--fail-on ok"] {
        let code = u8::from(options.contains("fail"));
        let said = "stderr tcpx: 127.0.0.1:1: --fail-on \"ok\" matched \"ok\"\n";
        for (stdin, sent) in [("$ stdin null", ""), ("> stdin \"x\"; stdin ends", "1 gets \"x\"\n")] {
            play(&format!(
                r#"tcpx connect 127.0.0.1 1 {options} --send ping
                {}
                1 connects to 127.0.0.1:1
                1 gets "ping"
                {}
                {sent}> wait 5s
                at 5s
                > 1 sends "+\nok\n"
                stdout "+\n{}"
                {}1 gets FIN
                > 1 ends
                1 is closed
                exit {code}
                "#,
                if sent.is_empty() { stdin } else { "" },
                if sent.is_empty() { "" } else { stdin },
                if options == "--until ok" { "ok" } else { "ok\\n" },
                if code == 1 { said } else { "" },
            ));
        }
    }
}

#[test]
fn a_peer_that_does_not_answer_is_waited_for_as_long_as_eof_wait_says() {
    play(
        r#"tcpx connect 127.0.0.1 1 --expect ok --eof-wait 2s
        $ stdin null
        1 connects to 127.0.0.1:1
        > 1 sends "no"
        stdout "no"
        at 2s
        1 is closed
        stderr tcpx: --expect "ok" was not seen: 127.0.0.1:1 sent 2 bytes: "no"
        exit 1
        "#,
    );
    play(
        r#"tcpx connect 127.0.0.1 1 --fail-on ERR --eof-wait 2s
        $ stdin null
        1 connects to 127.0.0.1:1
        > 1 sends "fine"
        stdout "fine"
        at 2s
        1 is closed
        exit 0
        "#,
    );
}

#[test]
fn a_broken_or_idle_peer_keeps_its_code_and_what_came_is_told() {
    play(
        r#"tcpx connect 127.0.0.1 1 --expect ok
        $ stdin null
        1 connects to 127.0.0.1:1
        > 1 sends "no"
        stdout "no"
        > 1 resets
        stderr tcpx: read from 127.0.0.1:1: connection reset by peer
        1 is closed
        stderr tcpx: --expect "ok" was not seen: 127.0.0.1:1 sent 2 bytes: "no"
        exit 56
        "#,
    );
    play(
        r#"tcpx connect 127.0.0.1 1 --until 3l -i 1s
        $ stdin null
        1 connects to 127.0.0.1:1
        > 1 sends "a\nb"
        stdout "a\nb"
        at 1s
        stderr tcpx: 127.0.0.1:1: idle for 1s
        1 gets RST
        stderr tcpx: --until 3l was not reached: 127.0.0.1:1 sent 3 bytes: "a\nb" (2 lines are missing)
        exit 28
        "#,
    );
}

#[test]
fn the_output_ends_exactly_where_until_says() {
    for (until, sent, shown) in [
        ("END", "a END of it\\n", "a END"),
        ("5b", "123456789", "12345"),
        ("2l", "a\\r\\nb\\nc\\n", "a\\r\\nb\\n"),
        ("(?m)^b$", "a\\nb\\nc\\n", "a\\nb"),
    ] {
        play(&format!(
            r#"tcpx connect 127.0.0.1 1 --until {until}
            1 connects to 127.0.0.1:1
            > 1 sends "{sent}"
            stdout "{shown}"
            1 gets FIN
            > 1 sends "more"; 1 ends
            1 is closed
            exit 0
            "#
        ));
    }
}

#[test]
fn the_end_of_the_peer_before_until_is_a_fault() {
    // Also with a stdin that stays open.
    play(
        r#"tcpx connect 127.0.0.1 1 --until 9b
        1 connects to 127.0.0.1:1
        > 1 sends "abcdef"; 1 ends
        stdout "abcdef"
        stderr tcpx: --until 9b was not reached: 127.0.0.1:1 sent 6 bytes: "abcdef" (3 bytes are missing)
        1 gets RST
        exit 18
        "#,
    );
    play(
        r#"tcpx listen 127.0.0.1 1 -q --until END
        $ stdin null
        listens on 127.0.0.1:1
        > client
        listens no more
        > 1 ends
        stderr tcpx: --until "END" was not seen: 10.0.0.1:1 sent nothing
        1 gets RST
        exit 18
        "#,
    );
    play(
        r#"tcpx connect 127.0.0.1 1 --until bye$
        1 connects to 127.0.0.1:1
        > 1 sends "good bye"; 1 ends
        stdout "good bye"
        1 is closed
        exit 0
        "#,
    );
}

#[test]
fn of_many_clients_the_first_that_gets_there_ends_the_output() {
    play(
        r#"tcpx listen 127.0.0.1 1 -k -q --until 4b
        $ stdin null
        listens on 127.0.0.1:1
        > client; client
        > 1 sends "abc"; 1 ends
        stdout "abc"
        1 is closed
        > 2 sends "12"
        stdout "12"
        > 2 sends "3456"
        stdout "34"
        listens no more
        2 gets FIN
        > 2 ends
        2 is closed
        exit 0
        "#,
    );
    play(
        r#"tcpx listen 127.0.0.1 1 -k --accept 2 -q --until 4b
        $ stdin null
        listens on 127.0.0.1:1
        > client; client
        listens no more
        > 1 sends "abc"; 1 ends
        stdout "abc"
        1 is closed
        > 2 sends "12"; 2 ends
        stdout "12"
        2 is closed
        stderr tcpx: --until 4b was not reached on any of 2 connections; the last: 10.0.0.2:1 sent 2 bytes: "12" (2 bytes are missing)
        exit 18
        "#,
    );
}

#[test]
fn malformed_text_behind_the_end_is_no_fault() {
    play(
        r#"tcpx connect 127.0.0.1 1 -E utf-8 --malformed fail --until END
        $ stdin null
        1 connects to 127.0.0.1:1
        > 1 sends "END\xff"; 1 ends
        stdout "END"
        1 gets FIN
        1 is closed
        exit 0
        "#,
    );
}

#[test]
fn a_run_that_ends_for_another_reason_shows_nothing_behind_the_end() {
    // The bytes are read when the run has failed already.
    play(
        r#"tcpx connect 127.0.0.1 1 --until END
        1 connects to 127.0.0.1:1
        > stdin fails; 1 sends "an END behind"
        stderr tcpx: read stdin: input/output error
        stdout "an END"
        1 gets RST
        exit 26
        "#,
    );
}
