//! Sessions: time limits, ends and resets in the middle of calls, and calls that are wrong.

use super::play_script;

#[test]
fn a_connection_with_a_session_of_its_own_that_is_refused_is_told() {
    play_script(
        r#"fn on_start() {
    connect("127.0.0.1:7", #{session: |c| { c.read(); }});
    connect("127.0.0.1:8", #{session: |c| { c.read(); }, on_error: |c, e| print(e.message)});
}"#,
        r#"tcpx listen 127.0.0.1 1 --script SCRIPT
        $ connects slowly
        1 connects to 127.0.0.1:7
        2 connects to 127.0.0.1:8
        listens on 127.0.0.1:1
        stderr listening on 127.0.0.1:1
        > 1 refuses
        stderr tcpx: connect to 127.0.0.1:7: connection refused
        > 2 refuses
        stdout "connect to 127.0.0.1:8: connection refused\n"
        > signal TERM
        listens no more
        exit 143
        "#,
    );
}

#[test]
fn a_timeout_takes_nothing() {
    play_script(
        r##"fn session(conn) {
    for f in [|c| c.read_line(50), |c| c.read(9, 50), |c| c.read_until("#", 50), |c| c.read_until(hex("23"), 50), |c| c.expect("never sent", 50), |c| c.read_all(50), |c| c.peek(9, 50), |c| c.expect_eof(50), |c| c.expect_reset(50)] {
        try { f.call(conn); } catch (e) { print(`${e.op} ${e.kind} ${e} ${type_of(e.got)} ${e.conn == conn}`); }
    }
    conn.frame_fixed(9);
    try { conn.read_frame(50) } catch (e) { print(`${e}`); }
    print(conn.read().text());
    try { conn.read_text(50) } catch (e) { print(`${e}`); }
}"##,
        r##"tcpx listen 127.0.0.1 1 --script SCRIPT
        listens on 127.0.0.1:1
        stderr listening on 127.0.0.1:1
        > client
        > 1 sends " ready"
        > wait 1s
        at 50ms
        stdout "read_line timeout timed out after 50 ms waiting for a line; got 6 bytes: " ready" string true\n"
        at 100ms
        stdout "read timeout timed out after 50 ms waiting for 9 bytes; got 6 bytes: " ready" blob true\n"
        at 150ms
        stdout "read_until timeout timed out after 50 ms waiting for "#"; got 6 bytes: " ready" string true\n"
        at 200ms
        stdout "read_until timeout timed out after 50 ms waiting for #; got 6 bytes: " ready" blob true\n"
        at 250ms
        stdout "expect timeout timed out after 50 ms waiting for "never sent"; got 6 bytes: " ready" string true\n"
        at 300ms
        stdout "read_all timeout timed out after 50 ms waiting for the end; got 6 bytes: " ready" blob true\n"
        at 350ms
        stdout "peek timeout timed out after 50 ms waiting for 9 bytes; got 6 bytes: " ready" blob true\n"
        stdout "expect_eof expect data came instead of the end; got 6 bytes: " ready" blob true\n"
        stdout "expect_reset expect data came instead of a reset; got 6 bytes: " ready" blob true\n"
        at 400ms
        stdout "timed out after 50 ms waiting for a frame; got 6 bytes: " ready"\n"
        stdout " ready\n"
        at 450ms
        stdout "timed out after 50 ms waiting for text; got nothing\n"
        1 gets FIN
        at 970ms
        1 is closed
        at 1s
        > signal TERM
        listens no more
        exit 143
        "##,
    );
}

#[test]
fn the_time_limit_of_a_connection() {
    play_script(
        r#"fn session(conn) {
    print(conn.timeout);
    conn.timeout = 100;
    try { conn.read() } catch (e) { print(`${e}`); }
    try { conn.read_line() } catch (e) { print(`${e}`); }
    try { conn.read_line(300) } catch (e) { print(`${e}`); }
    try { for l in conn.lines() { print(l); } } catch (e) { print(`${e}`); }
    conn.timeout = 0;
    print(conn.read_line());
}"#,
        r#"tcpx listen 127.0.0.1 1 --script SCRIPT
        listens on 127.0.0.1:1
        stderr listening on 127.0.0.1:1
        > client
        stdout "0\n"
        > wait 550ms
        at 100ms
        stdout "timed out after 100 ms waiting for data; got nothing\n"
        at 200ms
        stdout "timed out after 100 ms waiting for a line; got nothing\n"
        at 500ms
        stdout "timed out after 300 ms waiting for a line; got nothing\n"
        at 550ms
        > 1 sends "a\nb"
        stdout "a\n"
        > wait 10s
        at 650ms
        stdout "timed out after 100 ms waiting for a line; got 1 byte: "b"\n"
        at 10550ms
        > 1 sends "c\n"
        stdout "bc\n"
        1 gets FIN
        > 1 ends
        1 is closed
        > signal TERM
        listens no more
        exit 143
        "#,
    );
}

#[test]
fn the_end_and_a_reset_in_the_middle_of_each_call() {
    play_script(
        r##"fn session(conn) {
    let calls = [|c| c.read(), |c| c.read(9), |c| c.read_line(), |c| c.read_until("#"), |c| c.expect("#"), |c| c.peek(9), |c| c.read_text(), |c| c.frames(), |c| c.expect_silence(9000), |c| c.read_frame(), |c| c.flush(), |c| c.expect_reset(), |c| c.expect_eof(), |c| c.read_all(), |c| { for l in c.lines() { print(l); } "over" }, |c| { for l in c.chunks() { print(l.len()); } "over" }];
    conn.frame_fixed(4);
    if conn.id > 1 { conn.read(1); }
    try { print(`${calls[(conn.id - 1) % 16].call(conn)}`); } catch (e) { print(`${e.op} ${e.kind}: ${e}`); }
}"##,
        r##"tcpx listen 127.0.0.1 1 --script SCRIPT
        listens on 127.0.0.1:1
        stderr listening on 127.0.0.1:1
        > client
        > 1 sends "x"
        stdout "[78]\n"
        1 gets FIN
        > 1 ends
        1 is closed
        > client
        > 2 sends "x"
        > 2 ends
        stdout "read eof: the peer has ended while waiting for 9 bytes; got nothing\n"
        2 is closed
        > client
        > 3 sends "x"
        > 3 ends
        stdout "read_line eof: the peer has ended while waiting for a line; got nothing\n"
        3 is closed
        > client
        > 4 sends "x"
        > 4 ends
        stdout "read_until eof: the peer has ended while waiting for "#"; got nothing\n"
        4 is closed
        > client
        > 5 sends "x"
        > 5 ends
        stdout "expect eof: the peer has ended while waiting for "#"; got nothing\n"
        5 is closed
        > client
        > 6 sends "x"
        > 6 ends
        stdout "peek eof: the peer has ended while waiting for 9 bytes; got nothing\n"
        6 is closed
        > client
        > 7 sends "x"
        > 7 ends
        stdout "read_text eof: the peer has ended while waiting for text; got nothing\n"
        7 is closed
        > client
        > 8 sends "x"
        stdout "Units\n"
        8 gets FIN
        > 8 ends
        8 is closed
        > client
        > 9 sends "x"
        > 9 ends
        stdout "expect_silence expect: the peer has ended instead of silence; got nothing\n"
        9 is closed
        > client
        > 10 sends "x"
        > 10 ends
        stdout "read_frame eof: the peer has ended while waiting for a frame; got nothing\n"
        10 is closed
        > client
        > 11 sends "x"
        stdout "\n"
        11 gets FIN
        > 11 ends
        11 is closed
        > client
        > 12 sends "x"
        > 12 ends
        stdout "expect_reset expect: the peer has ended instead of a reset; got nothing\n"
        12 is closed
        > client
        > 13 sends "x"
        > 13 ends
        stdout "\n"
        13 is closed
        > client
        > 14 sends "x"
        > 14 ends
        stdout "[]\n"
        14 is closed
        > client
        > 15 sends "x"
        > 15 ends
        stdout "over\n"
        15 is closed
        > client
        > 16 sends "x"
        > 16 ends
        stdout "over\n"
        16 is closed
        > client
        > 17 sends "x"
        > 17 resets
        17 is closed
        stdout "read reset: connection reset by peer while waiting for data; got nothing\n"
        > client
        > 18 sends "x"
        > 18 resets
        18 is closed
        stdout "read reset: connection reset by peer while waiting for 9 bytes; got nothing\n"
        > client
        > 19 sends "x"
        > 19 resets
        19 is closed
        stdout "read_line reset: connection reset by peer while waiting for a line; got nothing\n"
        > client
        > 20 sends "x"
        > 20 resets
        20 is closed
        stdout "read_until reset: connection reset by peer while waiting for "#"; got nothing\n"
        > client
        > 21 sends "x"
        > 21 resets
        21 is closed
        stdout "expect reset: connection reset by peer while waiting for "#"; got nothing\n"
        > client
        > 22 sends "x"
        > 22 resets
        22 is closed
        stdout "peek reset: connection reset by peer while waiting for 9 bytes; got nothing\n"
        > client
        > 23 sends "x"
        > 23 resets
        23 is closed
        stdout "read_text reset: connection reset by peer while waiting for text; got nothing\n"
        > client
        > 24 sends "x"
        stdout "Units\n"
        24 gets FIN
        > 24 resets
        24 is closed
        > client
        > 25 sends "x"
        > 25 resets
        25 is closed
        stdout "expect_silence expect: connection reset by peer instead of silence; got nothing\n"
        > client
        > 26 sends "x"
        > 26 resets
        26 is closed
        stdout "read_frame reset: connection reset by peer while waiting for a frame; got nothing\n"
        > client
        > 27 sends "x"
        stdout "\n"
        27 gets FIN
        > 27 resets
        27 is closed
        > client
        > 28 sends "x"
        > 28 resets
        28 is closed
        stdout "\n"
        > client
        > 29 sends "x"
        > 29 resets
        29 is closed
        stdout "expect_eof expect: connection reset by peer instead of the end; got nothing\n"
        > client
        > 30 sends "x"
        > 30 resets
        30 is closed
        stdout "read_all reset: connection reset by peer while waiting for the end; got nothing\n"
        > client
        > 31 sends "x"
        > 31 resets
        31 is closed
        stdout "lines reset: connection reset by peer while waiting for a line; got nothing\n"
        > client
        > 32 sends "x"
        > 32 resets
        32 is closed
        stdout "chunks reset: connection reset by peer while waiting for data; got nothing\n"
        > signal TERM
        listens no more
        exit 143
        "##,
    );
}

#[test]
fn what_is_expected_instead() {
    play_script(
        r#"fn session(conn) {
    try { conn.expect_silence(50); print("silent"); conn.expect_silence(50); } catch (e) { print(`${e.kind} ${e}`); }
    try { conn.expect_eof() } catch (e) { print(`${e.kind} ${e}`); }
    print(conn.read().text());
    conn.expect_eof();
    try { conn.expect_reset() } catch (e) { print(`${e.kind} ${e}`); }
    conn.expect_eof();
}"#,
        r#"tcpx listen 127.0.0.1 1 --script SCRIPT
        listens on 127.0.0.1:1
        stderr listening on 127.0.0.1:1
        > client
        > wait 70ms
        at 50ms
        stdout "silent\n"
        at 70ms
        > 1 sends "data"
        stdout "expect data came into the silence; got 4 bytes: "data"\n"
        stdout "expect data came instead of the end; got 4 bytes: "data"\n"
        stdout "data\n"
        > 1 ends
        stdout "expect the peer has ended instead of a reset; got nothing\n"
        1 is closed
        > signal TERM
        listens no more
        exit 143
        "#,
    );
}

#[test]
fn a_reset_is_expected() {
    play_script(
        r#"fn session(conn) {
    conn.expect_reset();
    print("reset");
}"#,
        r#"tcpx listen 127.0.0.1 1 --script SCRIPT
        listens on 127.0.0.1:1
        stderr listening on 127.0.0.1:1
        > client
        > 1 resets
        1 is closed
        stdout "reset\n"
        > signal TERM
        listens no more
        exit 143
        "#,
    );
}

#[test]
fn a_second_reader() {
    play_script(
        r#"fn session(conn) {
    let c = conn;
    conn.start(|c| { try { c.read_line() } catch (e) { print(`${e.kind} ${e}`); } });
    print(conn.read_line());
    let t = conn.start(|c| {
        print(c.read_line());
    });
    sleep(0);
    try { conn.read() } catch (e) { print(`${e}`); }
    t.join();
}"#,
        r#"tcpx listen 127.0.0.1 1 --script SCRIPT
        listens on 127.0.0.1:1
        stderr listening on 127.0.0.1:1
        > client
        stdout "io 10.0.0.1:1 is already being read by the task started at SCRIPT:1\n"
        > 1 sends "one\n"
        stdout "one\n"
        stdout "10.0.0.1:1 is already being read by the task started at SCRIPT:5\n"
        > 1 sends "two\n"
        stdout "two\n"
        1 gets FIN
        > 1 ends
        1 is closed
        > signal TERM
        listens no more
        exit 143
        "#,
    );
}

#[test]
fn too_long_a_line() {
    play_script(
        r#"fn session(conn) {
    try { conn.read_line() } catch (e) { print(`${e.kind} ${e.message.len() < 200} ${e.got.len()}`); }
    try { conn.send("x") } catch (e) { print(`${e.kind} ${e}`); }
}"#,
        r#"tcpx listen 127.0.0.1 1 --script SCRIPT
        listens on 127.0.0.1:1
        stderr listening on 127.0.0.1:1
        > client
        > 1 sends x*1048570
        > 1 sends x*1000
        stdout "frame true 1049570\n"
        stdout "closed the connection is closed for sending\n"
        1 gets RST
        > signal TERM
        listens no more
        exit 143
        "#,
    );
}

#[test]
fn malformed_text() {
    play_script(
        r#"fn session(conn) {
    conn.read_line();
}"#,
        r#"tcpx listen 127.0.0.1 1 --script SCRIPT --malformed fail
        listens on 127.0.0.1:1
        stderr listening on 127.0.0.1:1
        > client
        > 1 sends 0x61ff0a
        stderr tcpx: SCRIPT:2:10: malformed utf-8 at byte 1: 0xff; got 3 bytes: a\xff\n
        stderr     2 |     conn.read_line();
        stderr       |          ^
        1 gets RST
        > signal TERM
        listens no more
        exit 143
        "#,
    );
}

#[test]
fn text_that_the_encoding_cannot_hold() {
    play_script(
        r#"fn session(conn) {
    conn.encoding = "gbk";
    try { conn.send("a😀") } catch (e) { print(`${e.kind} ${e.op} ${e}`); }
    try { conn.read_until("😀") } catch (e) { print(`${e.kind} ${e.op} ${e}`); }
    try { conn.send(12) } catch (e) { print(`${e}`); }
    conn.send("大");
}"#,
        r#"tcpx listen 127.0.0.1 1 --script SCRIPT
        listens on 127.0.0.1:1
        stderr listening on 127.0.0.1:1
        > client
        stdout "text send cannot encode U+1F600 '😀' (character 2) in gbk\n"
        stdout "text read_until cannot encode U+1F600 '😀' (character 1) in gbk\n"
        stdout "send takes a string, a blob or an array of them, not int\n"
        1 gets "��"
        1 gets FIN
        > signal TERM
        listens no more
        at 20ms
        1 is closed
        exit 143
        "#,
    );
}

#[test]
fn a_callback_in_a_session() {
    play_script(
        r#"fn session(conn) {
    try { conn.expect("x", |c, m| print("no")) } catch (e) { print(`${e}`); }
}"#,
        r#"tcpx listen 127.0.0.1 1 --script SCRIPT
        listens on 127.0.0.1:1
        stderr listening on 127.0.0.1:1
        > client
        stdout "expect with a callback is for handlers; what this connection receives waits for a task: let m = conn.expect(pattern), or conn.start(|c| { let m = c.expect(pattern); … })\n"
        1 gets FIN
        > signal TERM
        listens no more
        at 20ms
        1 is closed
        exit 143
        "#,
    );
}

#[test]
fn a_waiting_call_in_a_handler() {
    play_script(
        r#"fn on_connect(conn) { for f in [|c| c.read_line(), |c| sleep(1), |c| c.flush(), |c| c.closed(), |c| c.lines(), |c| join([]), |c| c.clean()] { try { f.call(conn); } catch (e) { print(`${e}`); } } conn.read(); }"#,
        r#"tcpx listen 127.0.0.1 1 --script SCRIPT
        listens on 127.0.0.1:1
        stderr listening on 127.0.0.1:1
        > client
        stdout "read_line waits, so it may only be used in session(), main(), test_*() or start(); in a handler give it a callback\n"
        stdout "sleep waits, so it may only be used in session(), main(), test_*() or start(); in a handler give it a callback\n"
        stdout "flush waits, so it may only be used in session(), main(), test_*() or start(); in a handler give it a callback\n"
        stdout "closed waits, so it may only be used in session(), main(), test_*() or start(); in a handler give it a callback\n"
        stdout "lines waits, so it may only be used in session(), main(), test_*() or start(); in a handler give it a callback\n"
        stdout "join waits, so it may only be used in session(), main(), test_*() or start(); in a handler give it a callback\n"
        stdout "clean: what 10.0.0.1:1 receives goes to its handlers, not to a task\n"
        stderr tcpx: SCRIPT:1:201: read waits, so it may only be used in session(), main(), test_*() or start(); in a handler give it a callback
        stderr     1 | …{ try { f.call(conn); } catch (e) { print(`${e}`); } } conn.read(); }
        stderr       |                                                              ^
        1 gets RST
        > signal TERM
        listens no more
        exit 143
        "#,
    );
}
