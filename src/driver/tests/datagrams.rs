//! Datagrams: their borders in both directions, an end of which nobody tells, peers that come and go.

use super::{play, play_script};

#[test]
fn each_read_of_stdin_is_a_datagram_and_the_answer_is_awaited() {
    play(
        r#"
        tcpx connect -u 10.0.0.9:53
        1 connects to 10.0.0.9:53
        > stdin "one"
        1 gets "one"
        > stdin "two"
        1 gets "two"
        > 1 sends "answer"
        stdout "answer"
        > wait 300ms
        at 300ms
        > stdin ends
        at 1s
        1 is closed
        exit 0
        "#,
    );
}

#[test]
fn the_wait_for_answers_can_be_chosen() {
    play(
        r#"
        tcpx connect -u --eof-wait 3 --send q 10.0.0.9:53
        $ stdin null
        1 connects to 10.0.0.9:53
        1 gets "q"
        > wait 2500ms
        at 2500ms
        > 1 sends "late"
        stdout "late"
        at 3s
        1 is closed
        exit 0
        "#,
    );
    play(
        r#"
        tcpx connect -u --send-only --send q 10.0.0.9:53
        $ stdin null
        1 connects to 10.0.0.9:53
        1 gets "q"
        at 20ms
        1 is closed
        exit 0
        "#,
    );
}

#[test]
fn the_end_of_stdin_ends_nothing_with_no_shutdown() {
    play(
        r#"
        tcpx connect -u --no-shutdown --send q --timeout 9 10.0.0.9:53
        $ stdin null
        1 connects to 10.0.0.9:53
        1 gets "q"
        > wait 5s
        at 5s
        > 1 sends "late"
        stdout "late"
        at 9s
        stderr tcpx: timed out after 9s (--timeout)
        1 is closed
        exit 28
        "#,
    );
}

#[test]
fn an_empty_datagram_is_not_the_end() {
    play(
        r#"
        tcpx connect -u -x --send-hex '' --until 4b 10.0.0.9:53
        $ stdin null
        1 connects to 10.0.0.9:53
        1 gets ""
        stderr > 00000000                                                    ||
        > 1 sends ""
        stderr < 00000000                                                    ||
        > 1 sends "more"
        stderr < 00000000  6d 6f 72 65                                       |more|
        stdout "more"
        1 is closed
        exit 0
        "#,
    );
}

#[test]
fn a_refusal_is_7_before_the_first_answer_and_56_after_it() {
    play(
        r#"
        tcpx connect -u --send q 10.0.0.9:53
        1 connects to 10.0.0.9:53
        1 gets "q"
        > 1 refuses
        stderr tcpx: connect to 10.0.0.9:53: connection refused
        exit 7
        "#,
    );
    play(
        r#"
        tcpx connect -u --send q 10.0.0.9:53
        1 connects to 10.0.0.9:53
        1 gets "q"
        > 1 sends "a"
        stdout "a"
        > 1 refuses
        stderr tcpx: read from 10.0.0.9:53: connection refused
        exit 56
        "#,
    );
}

#[test]
fn an_expectation_ends_with_the_wait_for_answers() {
    play(
        r#"
        tcpx connect -u --send q --expect yes 10.0.0.9:53
        $ stdin null
        1 connects to 10.0.0.9:53
        1 gets "q"
        > 1 sends "no"
        stdout "no"
        at 1s
        1 is closed
        stderr tcpx: --expect "yes" was not seen: 10.0.0.9:53 sent 2 bytes: "no"
        exit 1
        "#,
    );
}

#[test]
fn an_item_that_is_too_long_is_an_error() {
    let long = "ab".repeat(65_508);
    play(&format!(
        r#"
        tcpx connect -u --send-hex {long} 10.0.0.9:53
        1 connects to 10.0.0.9:53
        stderr tcpx: --send-hex: 65508 bytes do not fit into one datagram: 65507 bytes are the most
        1 is closed
        exit 2
        "#,
    ));
}

#[test]
fn one_peer_of_a_listener_is_served_until_the_time_is_over() {
    play(
        r#"
        tcpx listen -u --timeout 100 9000
        listens on [::]:9000
        stderr listening on [::]:9000
        > client; 1 sends "one"
        listens no more
        stdout "one"
        > stdin "answer"
        1 gets "answer"
        > stdin ends
        > wait 90s
        at 90s
        > 1 sends "two"
        stdout "two"
        at 100s
        stderr tcpx: timed out after 100s (--timeout)
        1 is closed
        exit 28
        "#,
    );
}

#[test]
fn a_silent_peer_of_many_makes_room_after_a_minute() {
    play(
        r#"
        tcpx listen -ku --timeout 100 9000
        listens on [::]:9000
        stderr listening on [::]:9000
        > client; 1 sends "one"
        stdout "one"
        > wait 30s
        at 30s
        > client; 2 sends "two"
        stdout "two"
        > stdin "all"
        1 gets "all"
        2 gets "all"
        > wait 30s
        at 60s
        > 2 sends "three"
        stdout "three"
        at 90s
        1 is closed
        at 100s
        stderr tcpx: timed out after 100s (--timeout)
        listens no more
        2 is closed
        exit 28
        "#,
    );
}

#[test]
fn above_the_limit_the_peer_that_was_silent_longest_goes() {
    play(
        r#"
        tcpx listen -kuv -m 2 --accept 3 9000
        listens on [::]:9000
        stderr listening on [::]:9000
        > client; 1 sends "one"
        stderr tcpx: accepted 10.0.0.1:1 on [::]:9000
        stdout "one"
        > wait 1s
        at 1s
        > client; 2 sends "two"
        stderr tcpx: accepted 10.0.0.2:1 on [::]:9000
        stdout "two"
        > wait 1s
        at 2s
        > 1 sends "more"
        stdout "more"
        > client; 3 sends "three"
        listens no more
        2 is closed
        stderr tcpx: closed 10.0.0.2:1 (eof): 3 bytes received, 0 sent, after 1.0s
        stderr tcpx: accepted 10.0.0.3:1 on [::]:9000
        stdout "three"
        at 62s
        1 is closed
        stderr tcpx: closed 10.0.0.1:1 (eof): 7 bytes received, 0 sent, after 62.0s
        3 is closed
        stderr tcpx: closed 10.0.0.3:1 (eof): 5 bytes received, 0 sent, after 60.0s
        exit 0
        "#,
    );
}

#[test]
fn a_script_gets_and_sends_datagrams_as_they_are() {
    play_script(
        r#"
        fn on_connect(conn) { print(`${conn.proto} ${conn.peer}`); }
        fn on_data(conn, data) { conn.send(data); conn.send(""); conn.send("x"); }
        fn on_close(conn, reason) { print(reason); }
        "#,
        r#"
        tcpx listen -u -s SCRIPT --accept 1 9000
        listens on [::]:9000
        stderr listening on [::]:9000
        > client; 1 sends "ab"; 1 sends ""
        listens no more
        stdout "udp 10.0.0.1:1\n"
        1 gets "ab"
        1 gets ""
        1 gets "x"
        1 gets ""
        1 gets ""
        1 gets "x"
        at 60s
        1 is closed
        stdout "eof\n"
        exit 0
        "#,
    );
}

#[test]
fn a_session_reads_one_datagram_at_a_time() {
    play_script(
        r#"
        fn session(conn) {
            print(conn.read().len());
            print(conn.read().len());
            print(conn.read_line());
            for chunk in conn.chunks() { print(chunk.text()); }
            print("over");
        }
        "#,
        r#"
        tcpx listen -u -s SCRIPT --accept 1 9000
        listens on [::]:9000
        stderr listening on [::]:9000
        > client; 1 sends "abc"; 1 sends ""; 1 sends "li"; 1 sends "ne\n"; 1 sends "d"; 1 sends "e"
        listens no more
        stdout "3\n"
        stdout "0\n"
        stdout "line\n"
        stdout "d\n"
        stdout "e\n"
        at 60s
        stdout "over\n"
        1 is closed
        exit 0
        "#,
    );
}

#[test]
fn a_session_asks_by_udp_and_hears_of_a_refusal() {
    play_script(
        r#"
        fn main() {
            let conn = connect("udp://10.0.0.9:53");
            conn.send("q");
            print(conn.read(1, 500).text());
            try { conn.send(blob(65508)); } catch (err) { print(err.message); }
            try { conn.toxic("latency", #{ latency: 5 }); } catch (err) { print(err); }
            try { conn.read(); } catch (err) { print(`${err.kind}: ${err.message}`); }
        }
        "#,
        r#"
        tcpx run SCRIPT
        1 connects to 10.0.0.9:53
        1 gets "q"
        > 1 sends "a"
        stdout "a\n"
        stdout "65508 bytes do not fit into one datagram: 65507 bytes are the most\n"
        stdout "toxic: 10.0.0.9:53 exchanges datagrams, and toxics are for streams\n"
        > 1 refuses
        stdout "reset: connection refused while waiting for data; got nothing\n"
        exit 0
        "#,
    );
}

#[test]
fn text_is_decoded_for_each_peer_and_across_datagrams() {
    play(
        r#"
        tcpx connect -u -E gbk --timeout 5 10.0.0.9:53
        1 connects to 10.0.0.9:53
        > 1 sends 0xc4e3ba
        stdout "你"
        > 1 sends 0xc3
        stdout "好"
        > stdin "好"
        1 gets "��"
        > stdin ends
        at 1s
        1 is closed
        exit 0
        "#,
    );
}

#[test]
fn a_probe_sends_an_empty_datagram_and_hears_of_refusals() {
    play(
        r#"
        tcpx connect -zu 10.0.0.9:53
        1 connects to 10.0.0.9:53
        1 gets ""
        at 1s
        1 is closed
        exit 0
        "#,
    );
    play(
        r#"
        tcpx connect -zu 10.0.0.9:53
        1 connects to 10.0.0.9:53
        1 gets ""
        > 1 refuses
        stderr tcpx: connect to 10.0.0.9:53: connection refused
        exit 7
        "#,
    );
    play(
        r#"
        tcpx connect -zu 10.0.0.9:53
        1 connects to 10.0.0.9:53
        1 gets ""
        > 1 sends "who is there?"
        1 is closed
        exit 0
        "#,
    );
}

#[test]
fn partners_pass_datagrams_on_and_end_without_them() {
    play_script(
        r#"
        fn on_connect(conn) {
            if conn.side == "server" { conn.pipe(connect("udp://10.0.0.9:53")); }
        }
        "#,
        r#"
        tcpx listen -s SCRIPT --accept 1 9000
        listens on [::]:9000
        stderr listening on [::]:9000
        > client; 1 sends "query"; 1 ends
        listens no more
        2 connects to 10.0.0.9:53
        2 gets "query"
        > wait 200ms
        at 200ms
        > 2 sends "answer"
        1 gets "answer"
        at 1s
        2 is closed
        1 is closed
        exit 0
        "#,
    );
}

#[test]
fn the_next_address_of_a_name_is_tried_when_one_refuses_before_it_has_answered() {
    play(
        r#"
        tcpx connect -u -v --send one host:53
        $ stdin null
        resolves host
        > host is ::1 127.0.0.1
        stderr tcpx: resolved host to ::1, 127.0.0.1 in 0.00ms
        stderr tcpx: trying [::1]:53
        1 connects to [::1]:53
        stderr tcpx: connected to [::1]:53 from 127.0.0.1:9 in 0.00ms
        1 gets "one"
        > 1 refuses
        stderr tcpx: [::1]:53: connection refused
        stderr tcpx: trying 127.0.0.1:53
        2 connects to 127.0.0.1:53
        2 gets "one"
        > 2 sends "two"
        stdout "two"
        at 1s
        2 is closed
        stderr tcpx: closed 127.0.0.1:53 (eof): 3 bytes received, 3 sent, after 1.0s
        exit 0
        "#,
    );
    // What has answered is the one.
    play(
        r#"
        tcpx connect -u --send one --no-shutdown host:53
        $ stdin null
        resolves host
        > host is ::1 127.0.0.1
        1 connects to [::1]:53
        1 gets "one"
        > 1 sends "two"
        stdout "two"
        > 1 refuses
        stderr tcpx: read from [::1]:53: connection refused
        exit 56
        "#,
    );
    play(
        r#"
        tcpx connect -uz host:53
        resolves host
        > host is ::1 127.0.0.1
        1 connects to [::1]:53
        1 gets ""
        > 1 refuses
        2 connects to 127.0.0.1:53
        2 gets ""
        > 2 refuses
        stderr tcpx: connect to 127.0.0.1:53: connection refused
        exit 7
        "#,
    );
}
