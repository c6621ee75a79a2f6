//! Sessions: how a script reads what it receives, in every form and however it is cut.

use super::play_script;

#[test]
fn a_session_reads_its_lines() {
    play_script(
        r#"fn session(conn) {
    conn.send("name? ");
    let name = conn.read_line();
    for line in conn.lines() { conn.send_line(`${name}: ${line}`); }
    conn.send_line("goodbye");
}"#,
        r#"tcpx listen 127.0.0.1 1 --script SCRIPT
        listens on 127.0.0.1:1
        stderr listening on 127.0.0.1:1
        > client
        1 gets "name? "
        > 1 sends "bob\r\nhi\nla"
        1 gets "bob: hi\n"
        > 1 sends "st"
        > 1 ends
        1 gets "bob: last\ngoodbye\n"
        1 is closed
        > signal TERM
        listens no more
        exit 143
        "#,
    );
}

#[test]
fn bytes_come_in_every_size() {
    play_script(
        r#"fn session(conn) {
    print(conn.read(3).text());
    print(conn.read().text());
    print(conn.peek(2).text());
    print(conn.read(2).text());
    print(conn.read(0).len());
    print(conn.clean().text() + ".");
    print(conn.clean().len());
}"#,
        r#"tcpx listen 127.0.0.1 1 --script SCRIPT
        listens on 127.0.0.1:1
        stderr listening on 127.0.0.1:1
        > client
        > 1 sends "ab"
        > 1 sends "cde"
        stdout "abc\n"
        stdout "de\n"
        > 1 sends "f"
        > 1 sends "ghi"
        stdout "fg\n"
        stdout "fg\n"
        stdout "0\n"
        stdout "hi.\n"
        stdout "0\n"
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
fn texts_never_split_a_character() {
    play_script(
        r#"fn session(conn) {
    conn.encoding = "gbk";
    print(conn.read_text());
    print(conn.read_text());
    print(conn.read_line());
    print(conn.read_until("家"));
    print(conn.read_until(hex("0d0a")).hex());
}"#,
        r#"tcpx listen 127.0.0.1 1 --script SCRIPT
        listens on 127.0.0.1:1
        stderr listening on 127.0.0.1:1
        > client
        > 1 sends 0xb4f3bcd2ba
        stdout "大家\n"
        > 1 sends 0xc3
        stdout "好\n"
        > 1 sends 0xb4f30d0abccabcd2b4
        stdout "大\n"
        stdout "际家\n"
        > 1 sends 0xf30d0a
        stdout "b4f30d0a\n"
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
fn lines_of_utf16() {
    play_script(
        r#"fn session(conn) {
    for line in conn.lines() { print(line); }
}"#,
        r#"tcpx listen 127.0.0.1 1 --script SCRIPT --encoding utf-16le
        listens on 127.0.0.1:1
        stderr listening on 127.0.0.1:1
        > client
        > 1 sends 0x61000d000a
        > 1 sends 0x0041
        stdout "a\n"
        > 1 sends 0x4e0a00
        stdout "乁\n"
        > 1 ends
        1 is closed
        > signal TERM
        listens no more
        exit 143
        "#,
    );
}

#[test]
fn an_unknown_encoding_is_found() {
    play_script(
        r#"fn session(conn) {
    print(conn.read_line());
    print(conn.read_line());
}"#,
        r#"tcpx listen 127.0.0.1 1 --script SCRIPT --encoding auto
        listens on 127.0.0.1:1
        stderr listening on 127.0.0.1:1
        > client
        > 1 sends 0xc4e3bac3cac0bde7c4e3bac3
        > wait 5s
        at 5s
        > 1 sends 0x0ab4f3bcd20a
        stdout "你好世界你好\n"
        stdout "大家\n"
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
fn frames_as_they_are_chosen() {
    play_script(
        r#"fn session(conn) {
    conn.frame_length(#{ size: 2 });
    print(conn.read_frame().text());
    conn.frame_fixed(2);
    print(conn.read_frame().text());
    conn.frame_delim("|");
    for f in conn.frames() { print(f.text()); }
}"#,
        r#"tcpx listen 127.0.0.1 1 --script SCRIPT
        listens on 127.0.0.1:1
        stderr listening on 127.0.0.1:1
        > client
        > 1 sends 0x00
        > 1 sends 0x0361
        > 1 sends "bcxy1|2"
        stdout "abc\n"
        stdout "xy\n"
        stdout "1\n"
        > 1 sends "2|3"
        stdout "22\n"
        > 1 ends
        stderr tcpx: SCRIPT:7:18: 1 bytes are no whole frame; got nothing
        stderr     7 |     for f in conn.frames() { print(f.text()); }
        stderr       |                  ^
        1 gets RST
        > signal TERM
        listens no more
        exit 143
        "#,
    );
}

#[test]
fn frames_as_the_script_measures_them() {
    play_script(
        r#"fn frame_size(conn, buf) { if buf.len() < 1 { 0 } else { buf[0] - 48 } }
fn session(conn) {
    print(conn.read_frame().text());
    print(conn.read(1).text());
    for f in conn.frames() { print(f.text()); }
}"#,
        r#"tcpx listen 127.0.0.1 1 --script SCRIPT
        listens on 127.0.0.1:1
        stderr listening on 127.0.0.1:1
        > client
        > 1 sends "3a"
        > 1 sends "bx2"
        stdout "3ab\n"
        stdout "x\n"
        > 1 sends "y4abc"
        stdout "2y\n"
        stdout "4abc\n"
        > 1 ends
        1 is closed
        > signal TERM
        listens no more
        exit 143
        "#,
    );
}

#[test]
fn a_measure_must_not_wait() {
    play_script(
        r#"fn frame_size(conn, buf) { sleep(1); 1 }
fn session(conn) { try { conn.read_frame(); } catch (e) { print(`${e}`); } print(conn.read(1).text()); }"#,
        r#"tcpx listen 127.0.0.1 1 --script SCRIPT
        listens on 127.0.0.1:1
        stderr listening on 127.0.0.1:1
        > client
        > 1 sends "3a"
        stdout "sleep waits, so it may only be used in session(), main(), test_*() or start(); in a handler give it a callback\n"
        stdout "3\n"
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
fn all_until_the_end() {
    play_script(
        r#"fn session(conn) {
    print(conn.read_all().text());
    print(conn.read_all().len());
    try { conn.read(1) } catch (e) { print(`${e.kind}: ${e}`); }
    print(conn.can_send);
    conn.send("still");
}"#,
        r#"tcpx listen 127.0.0.1 1 --script SCRIPT
        listens on 127.0.0.1:1
        stderr listening on 127.0.0.1:1
        > client
        > 1 sends "ab"
        > 1 sends "cd"
        > 1 ends
        stdout "abcd\n"
        stdout "0\n"
        stdout "eof: the peer has ended while waiting for 1 byte; got nothing\n"
        stdout "true\n"
        1 gets "still"
        1 is closed
        > signal TERM
        listens no more
        exit 143
        "#,
    );
}

#[test]
fn chunks_and_texts() {
    play_script(
        r#"fn session(conn) {
    for c in conn.chunks() { print(c.len()); if c.len() == 2 { break; } }
    for c in conn.texts() { print(c); }
}"#,
        r#"tcpx listen 127.0.0.1 1 --script SCRIPT
        listens on 127.0.0.1:1
        stderr listening on 127.0.0.1:1
        > client
        > 1 sends "abc"
        stdout "3\n"
        > 1 sends "de"
        stdout "2\n"
        > 1 sends "é"
        stdout "é\n"
        > 1 sends 0xc3
        > 1 sends 0xa9
        stdout "é\n"
        > 1 ends
        1 is closed
        > signal TERM
        listens no more
        exit 143
        "#,
    );
}

#[test]
fn of_several_patterns_the_first_in_the_stream_wins() {
    play_script(
        r#"fn session(conn) {
    for i in 0..4 {
        let m = conn.expect(["world", re("o, w[a-z]+"), hex("21"), re("(?<n>[0-9]+)x")]);
        print(`${m.index} ${m.before} ${m.matched} ${m.names}`);
    }
}"#,
        r#"tcpx listen 127.0.0.1 1 --script SCRIPT
        listens on 127.0.0.1:1
        stderr listening on 127.0.0.1:1
        > client
        > 1 sends "hello, wor"
        stdout "1 hell o, wor #{}\n"
        > 1 sends "ld! 42"
        stdout "2 [6c64] [21] #{}\n"
        > 1 sends "x world"
        stdout "3   42x #{"n": "42"}\n"
        stdout "0   world #{}\n"
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
fn an_expectation_in_another_encoding() {
    play_script(
        r#"fn session(conn) {
    conn.encoding = "gbk";
    let m = conn.expect(["家", re("大.")]);
    print(`${m.index} ${m.matched} ${m.before}`);
    print(conn.read(2).hex());
}"#,
        r#"tcpx listen 127.0.0.1 1 --script SCRIPT
        listens on 127.0.0.1:1
        stderr listening on 127.0.0.1:1
        > client
        > 1 sends 0x41b4
        > 1 sends 0xf3bc
        > 1 sends 0xd2bcd2
        stdout "1 大家 A\n"
        stdout "bcd2\n"
        1 gets FIN
        > 1 ends
        1 is closed
        > signal TERM
        listens no more
        exit 143
        "#,
    );
}
