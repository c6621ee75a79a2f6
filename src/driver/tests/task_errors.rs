//! Errors of calls in tasks: each is a map, whatever was wrong, and says what had arrived.

use super::play_script;

#[test]
fn wrong_arguments_throw_the_map_of_all_errors() {
    let calls = [
        ("c.read(-1)", "read", "read takes 0 to 4194304 bytes, not -1"),
        ("c.read(\"x\")", "read", "read takes (Conn, int), not (Conn, string)"),
        ("c.read(1, 0.5)", "read", "read takes (Conn, int, int), not (Conn, int, float)"),
        ("c.peek(-1)", "peek", "peek takes 0 to 4194304 bytes, not -1"),
        ("c.peek(())", "peek", "peek takes (Conn, int), not (Conn, ())"),
        ("c.read_line(-1)", "read_line", "read_line takes 0 to 31536000000 milliseconds, not -1"),
        ("c.read_line(\"1s\")", "read_line", "read_line takes (Conn, int), not (Conn, string)"),
        ("c.read_text(true)", "read_text", "read_text takes (Conn, int) or (string, string), not (Conn, bool)"),
        ("c.read_all(-5)", "read_all", "read_all takes 0 to 31536000000 milliseconds, not -5"),
        (
            "c.read_frame()",
            "read_frame",
            "read_frame: no framing is chosen; call conn.frame_lines(), frame_delim, frame_fixed or frame_length before",
        ),
        (
            "c.frames()",
            "frames",
            "frames: no framing is chosen; call conn.frame_lines(), frame_delim, frame_fixed or frame_length before",
        ),
        ("c.read_until(\"\")", "read_until", "read_until takes a delimiter that is not empty"),
        ("c.read_until(5)", "read_until", "read_until takes a string or a blob, not int"),
        ("c.expect(\"\")", "expect", "expect: this pattern matches nothing at all, so it would not wait for anything"),
        ("c.expect([])", "expect", "expect([]): there is nothing to wait for"),
        ("c.expect(7)", "expect", "expect takes a string, a blob or a regex, not int"),
        ("c.expect([7])", "expect", "expect takes a string, a blob or a regex, not int"),
        ("c.expect(\"a\", -1)", "expect", "expect takes 0 to 31536000000 milliseconds, not -1"),
        ("c.expect_eof(-1)", "expect_eof", "expect_eof takes 0 to 31536000000 milliseconds, not -1"),
        ("c.expect_reset([])", "expect_reset", "expect_reset takes (Conn, int), not (Conn, array)"),
        ("c.expect_silence(-1)", "expect_silence", "expect_silence takes 0 to 31536000000 milliseconds, not -1"),
        ("c.expect_silence(\"x\")", "expect_silence", "expect_silence takes (Conn, int), not (Conn, string)"),
        ("c.flush(-1)", "flush", "flush takes 0 to 31536000000 milliseconds, not -1"),
        ("c.closed(\"x\")", "closed", "closed takes (Conn, int), not (Conn, string)"),
        ("c.send(1)", "send", "send takes a string, a blob or an array of them, not int"),
        ("c.send([1])", "send", "send takes strings and blobs in an array, not int (at index 0)"),
        ("c.send_line(1)", "send_line", "send_line takes (Conn, char) or (Conn, string), not (Conn, int)"),
        ("c.send_hex(\"zz\")", "send_hex", "'z' at character 1 is not a hex digit"),
        ("c.send_file(\"nothing\")", "send_file", "send_file(\"nothing\"): no such file or directory"),
        ("c.send_file(1)", "send_file", "send_file takes (Conn, string), not (Conn, int)"),
        ("c.timeout = \"x\"", "timeout", "cannot set Conn.timeout to a value of type string"),
        ("c.timeout = -1", "timeout", "timeout is in milliseconds, not -1"),
        ("c.idle_timeout = 0.5", "idle_timeout", "cannot set Conn.idle_timeout to a value of type float"),
        ("c.encoding = \"nope\"", "encoding", "unknown encoding \"nope\""),
        ("c.pipe(c)", "pipe", "a connection cannot be piped to itself"),
    ];
    let others = [
        ("c.frame_fixed(0)", "frame_fixed", "frame_fixed takes a size from 1 to 4194304, not 0"),
        ("sleep(-1)", "sleep", "sleep takes 0 to 31536000000 milliseconds, not -1"),
        ("sleep(\"1s\")", "sleep", "sleep takes (float) or (int), not (string)"),
        ("first([])", "first", "first([]): there is nothing to wait for"),
        ("first([1])", "first", "first takes an array of tasks, not of int"),
        ("first(5)", "first", "first takes (array), not (int)"),
        ("join([()])", "join", "join takes an array of tasks, not of ()"),
        ("join([], -1)", "join", "join takes 0 to 31536000000 milliseconds, not -1"),
        ("start(5)", "start", "start takes (function) or (range), not (int)"),
        ("connect(5)", "connect", "connect takes (string), not (int)"),
        ("connect(\"x\")", "connect", "no port in \"x\""),
        (
            "connect(\"127.0.0.1:1\", #{timeout: -1})",
            "connect",
            "connect: timeout is a number of milliseconds, not int",
        ),
        ("listen(\"x\")", "listen", "no port in \"x\""),
        ("read_stdin_line(-1)", "read_stdin_line", "read_stdin_line takes 0 to 31536000000 milliseconds, not -1"),
        ("read_stdin_line(\"x\")", "read_stdin_line", "read_stdin_line takes (int), not (string)"),
        ("count(\"x\", -1)", "count", "count adds 0 or more, not -1"),
        ("pack(\"X\", [])", "pack", "pack: 'X' is no code; there are x c b B ? h H i I l L q Q n N e f d s p"),
    ];
    let tries: Vec<_> = calls.iter().chain(&others).map(|(call, ..)| {
        format!("    try {{ {call}; print(\"no error\") }} catch (e) {{ print(`${{e.kind}} ${{e.op}} ${{e.conn == c}} ${{type_of(e.got)}} ${{e}}`) }}\n")
    }).collect();
    let told = |list: &[(&str, &str, &str)], conn: bool| -> String {
        let line = |(_, op, message): &(&str, &str, &str)| format!("stdout \"io {op} {conn} () {message}\\n\"\n");
        list.iter().map(line).collect()
    };
    let (of_conn, of_none) = (told(&calls, true), told(&others, false));
    play_script(
        &format!("fn session(c) {{\n{}}}", tries.concat()),
        &format!(
            "tcpx connect 127.0.0.1 1 --script SCRIPT\n1 connects to 127.0.0.1:1\n{of_conn}{of_none}\
             1 gets FIN\n> 1 ends\n1 is closed\nexit 0\n"
        ),
    );
}

#[test]
fn a_cut_frame_and_malformed_text_are_told_and_can_still_be_read() {
    play_script(
        r##"fn session(conn) {
    conn.frame_fixed(4);
    let begun = conn.read(1).text();
    try { if begun == "a" { conn.read_frame() } else { for f in conn.frames() { print(f.text()) } } }
    catch (e) { print(`${e.kind} ${e.op} ${e.got.text()} ${e}`) }
    print(conn.clean().text());
}"##,
        r##"tcpx listen 127.0.0.1 1 --script SCRIPT
        listens on 127.0.0.1:1
        stderr listening on 127.0.0.1:1
        > client
        > 1 sends "abc"; 1 ends
        stdout "eof read_frame bc the peer has ended while waiting for a frame; got 2 bytes: "bc"\n"
        stdout "bc\n"
        1 is closed
        > client
        > 2 sends "b1234567"; 2 ends
        stdout "1234\n"
        stdout "frame frames 567 3 bytes are no whole frame; got 3 bytes: "567"\n"
        stdout "567\n"
        2 gets RST
        > signal TERM
        listens no more
        exit 143
        "##,
    );
    play_script(
        r##"fn session(conn) {
    let calls = [|c| c.read_line(), |c| c.read_text(), |c| c.read_until("#"), |c| { for l in c.lines() { print(l) } }, |c| { for t in c.texts() { print(t) } }];
    try { calls[conn.id - 1].call(conn) } catch (e) { print(`${e.kind} ${e.op} ${e.got}${e.message}`) }
    print(conn.clean().hex());
}"##,
        r##"tcpx listen 127.0.0.1 1 --malformed fail --script SCRIPT
        listens on 127.0.0.1:1
        stderr listening on 127.0.0.1:1
        > client
        > 1 sends 0x61ff62230a
        stdout "text read_line a�b#\nmalformed utf-8 at byte 1: 0xff; got 5 bytes: a\xffb#\n\n"
        stdout "61ff62230a\n"
        1 gets RST
        > client
        > 2 sends 0x61ff62230a
        stdout "text read_text a�b#\nmalformed utf-8 at byte 1: 0xff; got 5 bytes: a\xffb#\n\n"
        stdout "61ff62230a\n"
        2 gets RST
        > client
        > 3 sends 0x61ff62230a
        stdout "text read_until a�b#\nmalformed utf-8 at byte 1: 0xff; got 5 bytes: a\xffb#\n\n"
        stdout "61ff62230a\n"
        3 gets RST
        > client
        > 4 sends 0x61ff62230a
        stdout "text lines a�b#\nmalformed utf-8 at byte 1: 0xff; got 5 bytes: a\xffb#\n\n"
        stdout "61ff62230a\n"
        4 gets RST
        > client
        > 5 sends 0x61ff62230a
        stdout "text texts a�b#\nmalformed utf-8 at byte 1: 0xff; got 5 bytes: a\xffb#\n\n"
        stdout "61ff62230a\n"
        5 gets RST
        > signal TERM
        listens no more
        exit 143
        "##,
    );
}

#[test]
fn the_beginning_of_a_character_is_text_at_the_end() {
    play_script(
        r#"fn session(conn) {
    conn.encoding = "gbk";
    if conn.id == 1 { for t in conn.texts() { print(t) } } else { print(conn.read_text()) }
}"#,
        r#"tcpx listen 127.0.0.1 1 --script SCRIPT
        listens on 127.0.0.1:1
        stderr listening on 127.0.0.1:1
        > client
        > 1 sends 0xb4f3bc; 1 ends
        stdout "大\n"
        stdout "�\n"
        1 is closed
        > client
        > 2 sends 0xbc
        > 2 ends
        stdout "�\n"
        2 is closed
        > signal TERM
        listens no more
        exit 143
        "#,
    );
}

#[test]
fn connecting_has_the_time_limit_of_all_calls() {
    play_script(
        r#"fn main() {
    try { connect("127.0.0.1:1") } catch (e) { print(`${e.kind} ${e.op} ${e}`) }
    try { connect("127.0.0.1:1", #{timeout: 50}) } catch (e) { print(`${e}`) }
    let t = start(|| connect("127.0.0.1:1"));
    try { t.join() } catch (e) { print(`${e.kind}`) }
    connect("127.0.0.1:1")
}"#,
        r#"tcpx run SCRIPT
        $ connects slowly
        1 connects to 127.0.0.1:1
        at 10s
        1 is given up
        stdout "timeout connect connect to 127.0.0.1:1: timed out after 10s\n"
        2 connects to 127.0.0.1:1
        at 10050ms
        2 is given up
        stdout "connect to 127.0.0.1:1: timed out after 50ms\n"
        3 connects to 127.0.0.1:1
        at 20050ms
        3 is given up
        stdout "timeout\n"
        4 connects to 127.0.0.1:1
        at 30050ms
        4 is given up
        stderr tcpx: SCRIPT:6:5: connect to 127.0.0.1:1: timed out after 10s
        stderr     6 |     connect("127.0.0.1:1")
        stderr       |     ^
        exit 28
        "#,
    );
}
