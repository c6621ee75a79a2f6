//! What `on_relay` holds back and gives out before an end passes; frames that go to `on_line`.

use super::play_script;

/// Holds everything back until the end comes.
const HOLDS: &str = r#"fn on_connect(conn) { if conn.side == "server" { conn.pipe(connect("127.0.0.1:7")); } }
fn on_relay(from, to, data) {
    if data == () { return if "held" in from.state { `${from.state.held} end` } else { () }; }
    from.state.held = (if "held" in from.state { from.state.held } else { "" }) + data.text();
    false
}"#;

#[test]
fn what_a_filter_holds_back_is_sent_before_the_end_in_both_directions() {
    play_script(
        HOLDS,
        r#"tcpx listen 127.0.0.1 1 --script SCRIPT
        listens on 127.0.0.1:1
        stderr listening on 127.0.0.1:1
        > client; 1 sends "ab"
        2 connects to 127.0.0.1:7
        > 1 sends "c"; 1 ends
        2 gets "abc end"
        2 gets FIN
        > 2 sends "xyz"; 2 ends
        2 is closed
        1 gets "xyz end"
        1 is closed
        > signal TERM
        listens no more
        exit 143
        "#,
    );
}

#[test]
fn an_end_that_has_nothing_before_it_passes_alone() {
    play_script(
        HOLDS,
        r#"tcpx listen 127.0.0.1 1 --script SCRIPT
        listens on 127.0.0.1:1
        stderr listening on 127.0.0.1:1
        > client; 1 ends
        2 connects to 127.0.0.1:7
        2 gets FIN
        > 2 ends
        2 is closed
        1 is closed
        > signal TERM
        listens no more
        exit 143
        "#,
    );
}

#[test]
fn a_reset_is_no_end_for_a_filter() {
    play_script(
        HOLDS,
        r#"tcpx listen 127.0.0.1 1 --script SCRIPT
        listens on 127.0.0.1:1
        stderr listening on 127.0.0.1:1
        > client; 1 sends "abc"
        2 connects to 127.0.0.1:7
        > 1 resets
        stderr tcpx: read from 10.0.0.1:1: connection reset by peer
        1 is closed
        2 gets RST
        > signal TERM
        listens no more
        exit 143
        "#,
    );
}

#[test]
fn a_filter_that_closes_a_connection_gives_out_what_it_held() {
    play_script(
        r#"fn on_connect(conn) { if conn.side == "server" { conn.pipe(connect("127.0.0.1:7")); conn.after(1000, |c| c.close()); } }
fn on_relay(from, to, data) { if data == () { "last" } else { false } }"#,
        r#"tcpx listen 127.0.0.1 1 --script SCRIPT
        listens on 127.0.0.1:1
        stderr listening on 127.0.0.1:1
        > client; 1 sends "abc"
        2 connects to 127.0.0.1:7
        > wait 2s
        at 1s
        1 gets FIN
        2 gets "last"
        2 gets FIN
        at 1520ms
        1 is closed
        2 is closed
        at 2s
        > signal TERM
        listens no more
        exit 143
        "#,
    );
}

#[test]
fn what_is_held_passes_a_toxic_before_the_end() {
    play_script(
        r#"fn on_connect(conn) {
    if conn.side != "server" { return; }
    let up = connect("127.0.0.1:7");
    up.toxic("latency", #{latency: 500, dir: "out"});
    conn.pipe(up);
}
fn on_relay(from, to, data) { if data == () { "last" } else { () } }"#,
        r#"tcpx listen 127.0.0.1 1 --script SCRIPT
        listens on 127.0.0.1:1
        stderr listening on 127.0.0.1:1
        > client; 1 sends "abc"; 1 ends
        2 connects to 127.0.0.1:7
        > wait 1s
        at 500ms
        2 gets "abc"
        2 gets "last"
        2 gets FIN
        at 1s
        > signal TERM
        listens no more
        1 gets RST
        2 gets RST
        exit 143
        "#,
    );
}

#[test]
fn frames_that_end_with_a_carriage_return_are_lines() {
    play_script(
        r#"fn on_connect(conn) { conn.frame_delim("\r"); }
fn on_line(conn, line) { conn.send(`<${line}>`); }"#,
        r#"tcpx listen 127.0.0.1 1 --encoding gbk --script SCRIPT
        listens on 127.0.0.1:1
        stderr listening on 127.0.0.1:1
        > client; 1 sends "one\r\rtw"
        1 gets "<one><>"
        > 1 sends "o\n\r"
        1 gets "<two\n>"
        > 1 sends "rest"; 1 ends
        1 gets "<rest>"
        1 is closed
        > signal TERM
        listens no more
        exit 143
        "#,
    );
}

#[test]
fn a_filter_that_takes_every_chunk_for_bytes_has_nothing_to_say_of_the_end() {
    for body in [
        r#"if data.contains("x") { return false; }"#,
        "for b in data { if b == 0 { return false; } }",
        "if data[0] == 0x78 { return false; }",
        "if data.len > 100 { return false; }",
        "let n = data.len(); if n > 100 { return false; }",
        r#"data.text().to_upper()"#,
        "data -= 1; false",
        "if data > 1 { false } else { () }",
    ] {
        play_script(
            &format!(
                "fn on_connect(conn) {{ if conn.side == \"server\" {{ conn.pipe(connect(\"127.0.0.1:7\")); }} }} fn on_relay(from, to, data) {{ {body} }}"
            ),
            r#"tcpx listen 127.0.0.1 1 --script SCRIPT
            listens on 127.0.0.1:1
            stderr listening on 127.0.0.1:1
            > client; 1 ends
            2 connects to 127.0.0.1:7
            2 gets FIN
            > 2 ends
            2 is closed
            1 is closed
            > signal TERM
            listens no more
            exit 143
            "#,
        );
    }
}
