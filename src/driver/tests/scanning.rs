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

/// The first address that accepts decides; the next one is tried once one has refused, or has not answered for a while.
#[test]
fn a_port_is_open_when_any_address_of_its_host_accepts() {
    play(
        r#"tcpx scan -v h.example 80 -w 1s
        $ connects slowly
        resolves h.example
        > h.example is 192.0.2.1 192.0.2.2 192.0.2.3
        1 connects to 192.0.2.1:80
        > 1 refuses
        2 connects to 192.0.2.2:80
        > wait
        at 250ms
        3 connects to 192.0.2.3:80
        > 3 stands
        2 is given up
        3 is closed
        stdout "80 open\n"
        exit 0
        "#,
    );
    // The host is there: something between refuses or drops, but one of its addresses has said no.
    play(
        r#"tcpx scan -v h.example 80 -w 1s
        $ connects slowly
        resolves h.example
        > h.example is 192.0.2.1 192.0.2.2
        1 connects to 192.0.2.1:80
        > wait
        at 250ms
        2 connects to 192.0.2.2:80
        > 2 refuses; wait
        at 1s
        1 is given up
        stdout "80 closed\n"
        stderr tcpx: scan of h.example: the port is not open
        exit 1
        "#,
    );
    play(
        r#"tcpx scan -v h.example 80 -w 1s
        $ connects slowly
        resolves h.example
        > h.example is 192.0.2.1 192.0.2.2
        1 connects to 192.0.2.1:80
        > wait
        at 250ms
        2 connects to 192.0.2.2:80
        > wait
        at 1s
        1 is given up
        2 is given up
        stdout "80 filtered\n"
        stderr tcpx: scan of h.example: the port is not open
        exit 1
        "#,
    );
}

/// SOCKS 5 has a number for a refusal; SOCKS 4 and CONNECT have one answer for everything that fails.
#[test]
fn what_a_proxy_does_not_tell_is_unknown() {
    play(
        r#"tcpx scan -v --proxy socks4a://10.0.0.9:1080 h 80
        1 connects to 10.0.0.9:1080
        1 gets "\x04\x01\x00P\x00\x00\x00\x01\x00h\x00"
        > 1 sends 0x005b000000000000
        1 is closed
        stdout "80 unknown\n"
        stderr tcpx: connect to h:80: proxy socks4a://10.0.0.9:1080: it refused, or could not reach the target (code 91)
        exit 97
        "#,
    );
    play(
        r#"tcpx scan -v --proxy socks5://10.0.0.9:1080 h 80 -w 1s
        1 connects to 10.0.0.9:1080
        1 gets "\x05\x01\x00"
        > 1 sends 0x0500
        1 gets "\x05\x01\x00\x03\x01h\x00P"
        > 1 sends 0x05050001000000000000
        1 is closed
        stdout "80 closed\n"
        stderr tcpx: scan of h: the port is not open
        exit 1
        "#,
    );
    play(
        r#"tcpx scan -v --proxy http://10.0.0.9:3128 h 80 -w 1s
        1 connects to 10.0.0.9:3128
        1 gets "CONNECT h:80 HTTP/1.1\r\nHost: h:80\r\n\r\n"
        > wait
        at 1s
        1 is closed
        stdout "80 filtered\n"
        stderr tcpx: scan of h: the port is not open
        exit 1
        "#,
    );
}
