//! Sessions beside other options and beside others that fail: toxics, `--memory`, `-m`, `exit()`, panics, many of them.

use super::play_script;
use crate::script::with_panic;

#[test]
fn a_session_waits_for_what_a_toxic_holds() {
    play_script(
        r#"fn session(conn) {
    conn.toxic("latency", #{latency: 200});
    conn.toxic("slicer", #{average_size: 1, dir: "out"});
    print(conn.read_line());
    try { conn.read_line(100) } catch (e) { print(`${e.kind}`); }
    conn.toxic("latency", #{latency: 300, dir: "out"});
    conn.send("abc");
    conn.flush();
    conn.heal();
    print(conn.read_line());
}"#,
        r#"tcpx listen 127.0.0.1 1 --script SCRIPT
        listens on 127.0.0.1:1
        stderr listening on 127.0.0.1:1
        > client
        > 1 sends "one\n"
        > wait 1s
        at 200ms
        stdout "one\n"
        at 300ms
        stdout "timeout\n"
        at 600ms
        1 gets "a"
        1 gets "b"
        1 gets "c"
        at 1s
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
fn a_connection_of_a_session_is_dropped_above_the_memory_bound() {
    play_script(
        r#"fn session(conn) {
    let b = blob(800000 + 1000 * conn.id, 0x61);
    try { loop { conn.send(b) } } catch (e) { print(`${conn.id} ${e.kind} ${e.op} ${e}`) }
}
fn on_error(conn, err) { print(`${conn.id}: ${err.kind} ${err.op}`) }
fn on_close(conn, why) { print(`${conn.id}: ${why}`) }"#,
        r#"tcpx listen 127.0.0.1 1 --script SCRIPT --memory 4M
        listens on 127.0.0.1:1
        stderr listening on 127.0.0.1:1
        > client; 1 takes 0
        > client; 2 takes 0
        > client; 3 takes 0
        stdout "3: memory hold\n"
        stdout "3: error\n"
        3 gets RST
        stdout "3 io send it holds 1.5 MiB, and all connections together more than 4.0 MiB (--memory)\n"
        > 1 resets; 2 resets
        stdout "1: reset write\n"
        stdout "1: reset\n"
        1 is closed
        stdout "2: reset write\n"
        stdout "2: reset\n"
        2 is closed
        stdout "1 reset send broken pipe\n"
        stdout "2 reset send broken pipe\n"
        > signal TERM
        listens no more
        exit 143
        "#,
    );
}

#[test]
fn sessions_beyond_the_most_at_a_time_wait_for_an_end() {
    play_script(
        r#"fn session(conn) { for line in conn.lines() { conn.send_line(line); } }"#,
        r#"tcpx listen 127.0.0.1 1 --script SCRIPT -m 1
        listens on 127.0.0.1:1
        stderr listening on 127.0.0.1:1
        > client; client
        > 1 sends "a\n"
        1 gets "a\n"
        > 1 ends
        1 is closed
        > 2 sends "b\n"
        2 gets "b\n"
        > 2 ends
        2 is closed
        > signal TERM
        listens no more
        exit 143
        "#,
    );
}

#[test]
fn exit_in_a_task_ends_the_run() {
    play_script(
        r#"fn session(conn) {
    conn.send("hi");
    start(|| { sleep(10); try { exit(5) } catch { print("never") } print("never"); });
    try { conn.read() } catch (e) { print("never"); }
}
fn on_close(conn, why) { print(why) }"#,
        r#"tcpx listen 127.0.0.1 1 --script SCRIPT
        listens on 127.0.0.1:1
        stderr listening on 127.0.0.1:1
        > client
        1 gets "hi"
        at 10ms
        listens no more
        1 gets FIN
        stdout "stop\n"
        at 30ms
        1 is closed
        exit 5
        "#,
    );
    play_script(
        r#"fn main() { let t = start(|| { sleep(10); exit(6) }); print("before"); t.join(); print("never"); }"#,
        r#"tcpx run SCRIPT
        stdout "before\n"
        at 10ms
        exit 6
        "#,
    );
}

#[test]
fn a_panic_in_a_session_is_one_of_its_connection() {
    with_panic(|| {
        play_script(
            r#"fn session(conn) {
    for line in conn.lines() {
        if line == "session" { try { panic_in_native() } catch { print("never"); } }
        if line == "task" { start(|| panic_in_native()); }
        if line == "joined" { let t = start(|| panic_in_native()); try { t.join() } catch (e) { print(`${e}`); } }
        conn.send_line(line);
    }
}
fn on_error(conn, err) { print(`${err.kind} ${err.message}`) }"#,
            r#"tcpx listen 127.0.0.1 1 --script SCRIPT
        listens on 127.0.0.1:1
        stderr listening on 127.0.0.1:1
        > client; client
        > 1 sends "session\n"
        stderr tcpx: SCRIPT: a bug in tcpx stopped session: a native function that panics
        stderr hint: please report it as CONTRIBUTING.md says
        stdout "script SCRIPT: a bug in tcpx stopped session: a native function that panics\n"
        1 gets RST
        > 2 sends "task\n"
        2 gets "task\n"
        stderr tcpx: SCRIPT: a bug in tcpx stopped start: a native function that panics
        stderr hint: please report it as CONTRIBUTING.md says
        > 2 sends "joined\n"
        stderr tcpx: SCRIPT: a bug in tcpx stopped start: a native function that panics
        stderr hint: please report it as CONTRIBUTING.md says
        stdout "SCRIPT: a bug in tcpx stopped start: a native function that panics\n"
        2 gets "joined\n"
        > 2 ends
        2 is closed
        > signal TERM
        listens no more
        exit 143
        "#,
        );
    });
}

#[test]
fn a_panic_in_main() {
    with_panic(|| {
        play_script(
            "fn main() { sleep(1); panic_in_native() }",
            r#"tcpx run SCRIPT
        at 1ms
        stderr tcpx: SCRIPT: a bug in tcpx stopped main: a native function that panics
        stderr hint: please report it as CONTRIBUTING.md says
        exit 112
        "#,
        );
    });
}

#[test]
fn a_thousand_sessions_are_served_beside_an_endless_loop() {
    let mut wanted = String::from(
        "tcpx listen 127.0.0.1 1 --script SCRIPT --script-timeout 200ms
        $ turns matter
        listens on 127.0.0.1:1
        stderr listening on 127.0.0.1:1\n",
    );
    let served = (1..=1000).filter(|number| *number != 500).map(|number| {
        format!("> {number} sends \"x\\n\"\n{number} gets \"x\\n\"\n> {number} ends\n{number} is closed\n")
    });
    let pieces = [
        format!("> {}client\n> 500 sends \"loop\\n\"\n", "client; ".repeat(999)),
        "stderr tcpx: SCRIPT:3:34: session ran longer than 200ms and was stopped\n".to_owned(),
        "stderr     3 |         if line == \"loop\" { loop { } }\n".to_owned(),
        format!("stderr       | {:33}^\n500 gets RST\n", ""),
    ];
    wanted.extend(pieces.into_iter().chain(served));
    wanted += "> signal TERM\nlistens no more\nexit 143\n";
    play_script(
        r#"fn session(conn) {
    for line in conn.lines() {
        if line == "loop" { loop { } }
        conn.send_line(line);
    }
}"#,
        &wanted,
    );
}

#[test]
fn a_reset_in_the_middle_of_calls_that_do_not_read() {
    play_script(
        r#"fn session(conn) {
    let calls = [|c| c.closed(), |c| c.send(blob(1500000, 120)), |c| { c.send(blob(1500000, 120)); c.send("x") }, |c| { for f in c.frames() { print(f.len()) } }, |c| { for t in c.texts() { print(t) } }, |c| c.interactive()];
    conn.frame_fixed(4);
    try { print(`${calls[conn.id - 1].call(conn)}`) } catch (e) { print(`${conn.id} ${e.op} ${e.kind}: ${e}`) }
}"#,
        r#"tcpx listen 127.0.0.1 1 --script SCRIPT
        listens on 127.0.0.1:1
        stderr listening on 127.0.0.1:1
        > client
        > 1 resets
        1 is closed
        stdout "reset\n"
        > client; 2 takes 0
        > 2 resets
        2 is closed
        stdout "2 send reset: broken pipe\n"
        > client; 3 takes 0
        > 3 resets
        3 is closed
        stdout "3 send reset: broken pipe\n"
        > client
        > 4 sends "abcdef"
        stdout "4\n"
        > 4 resets
        4 is closed
        stdout "4 frames reset: connection reset by peer while waiting for a frame; got 2 bytes: "ef"\n"
        > client
        > 5 sends "ab"
        stdout "ab\n"
        > 5 resets
        5 is closed
        stdout "5 texts reset: connection reset by peer while waiting for text; got nothing\n"
        > client
        > 6 sends "ab"
        stdout "ab"
        > 6 resets
        6 is closed
        stdout "6 interactive reset: connection reset by peer while waiting for data; got nothing\n"
        > signal TERM
        listens no more
        exit 143
        "#,
    );
}

/// Calls that wait until something has been sent.
const SENDING: &str = r#"fn session(conn) {
    let calls = [|c| c.flush(), |c| c.flush(9000)];
    let number = conn.read_line().parse_int();
    conn.send("queued");
    try { calls[number].call(conn); print("done") } catch (e) { print(`${e.op} ${e.kind}: ${e}`) }
}"#;

#[test]
fn a_reset_in_the_middle_of_flush() {
    play_script(
        SENDING,
        r#"tcpx listen 127.0.0.1 1 --script SCRIPT
        listens on 127.0.0.1:1
        stderr listening on 127.0.0.1:1
        > client; 1 takes 0
        > 1 sends "0\n"
        > 1 resets
        1 is closed
        stdout "flush reset: connection reset by peer\n"
        > client; 2 takes 0
        > 2 sends "1\n"
        > 2 resets
        2 is closed
        stdout "flush reset: connection reset by peer\n"
        > signal TERM
        listens no more
        exit 143
        "#,
    );
    for call in [0, 1] {
        play_script(
            SENDING,
            &format!(
                r#"tcpx connect 127.0.0.1 1 --script SCRIPT
        1 connects to 127.0.0.1:1
        > 1 takes 0; 1 sends "{call}\n"
        > 1 resets
        stderr tcpx: read from 127.0.0.1:1: connection reset by peer
        1 is closed
        stdout "flush reset: connection reset by peer\n"
        exit 56
        "#
            ),
        );
    }
}
