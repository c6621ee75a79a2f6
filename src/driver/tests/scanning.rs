//! `tcpx scan`: what a port is, the order of the result, and the end of the run.

use super::play;

#[test]
fn open_ports_are_written_in_order_as_soon_as_those_before_are_known() {
    play(
        r#"tcpx scan -v 127.0.0.1 1-3 -w 1s
        $ connects slowly
        $ turns matter
        1 connects to 127.0.0.1:1
        2 connects to 127.0.0.1:2
        3 connects to 127.0.0.1:3
        > 3 stands
        3 is closed
        > 1 refuses
        stdout "1 closed\n"
        > wait
        at 1s
        2 is given up
        stdout "2 filtered\n3 open\n"
        exit 0
        "#,
    );
}

#[test]
fn nothing_open_is_the_answer_no() {
    play(
        r#"tcpx scan h.example 80
        $ connects slowly
        resolves h.example
        > h.example is 127.0.0.1
        1 connects to 127.0.0.1:80
        > 1 refuses
        stderr tcpx: scan of h.example: the port is not open
        exit 1
        "#,
    );
    play(
        r#"tcpx scan h.example 80
        resolves h.example
        > h.example is unknown
        stderr tcpx: resolve h.example: name or service not known
        exit 6
        "#,
    );
}

#[test]
fn a_signal_or_a_limit_leaves_what_is_known_and_a_whole_array() {
    for (option, step, exit) in [("", "> signal INT", "exit 130"), ("--timeout 1s", "at 1s", "exit 28")] {
        let said = if option.is_empty() { "" } else { "stderr tcpx: timed out after 1s (--timeout)" };
        play(&format!(
            r#"tcpx scan 127.0.0.1 1,2 --json -w 1m {option}
            $ connects slowly
            $ turns matter
            1 connects to 127.0.0.1:1
            2 connects to 127.0.0.1:2
            > 2 stands
            2 is closed
            {step}
            {said}
            1 is given up
            stdout "[{{"port":2,"state":"open"}}]\n"
            {exit}
            "#
        ));
    }
}
