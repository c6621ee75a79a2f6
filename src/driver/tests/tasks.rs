//! Tasks: starting, joining and cancelling, and what ends them.

use super::play_script;

#[test]
fn tasks_are_joined() {
    play_script(
        r#"fn session(conn) {
    let ts = [30, 10, 20].map(|ms| start(|ms| { sleep(ms); ms * 2 }, ms));
    print(join(ts));
    print(join(ts));
    print(ts[0].join());
    print(ts[1].is_done);
    print(join([]));
    try { first([]) } catch (e) { print(`${e}`); }
}"#,
        r#"tcpx listen 127.0.0.1 1 --script SCRIPT
        listens on 127.0.0.1:1
        stderr listening on 127.0.0.1:1
        > client
        > wait 1s
        at 30ms
        stdout "[60, 20, 40]\n"
        stdout "[60, 20, 40]\n"
        stdout "60\n"
        stdout "true\n"
        stdout "[]\n"
        stdout "first([]): there is nothing to wait for\n"
        1 gets FIN
        at 550ms
        1 is closed
        at 1s
        > signal TERM
        listens no more
        exit 143
        "#,
    );
}

#[test]
fn the_first_of_several() {
    play_script(
        r##"fn session(conn) {
    let ts = [30, 10, 20].map(|ms| start(|ms| { sleep(ms); print(ms); ms }, ms));
    print(first(ts));
    sleep(100);
    print(ts[0].is_done);
    try { ts[0].join() } catch (e) { print(`${e.kind} ${e}`); }
    print(ts[0].cancel());
}"##,
        r##"tcpx listen 127.0.0.1 1 --script SCRIPT
        listens on 127.0.0.1:1
        stderr listening on 127.0.0.1:1
        > client
        > wait 1s
        at 10ms
        stdout "10\n"
        stdout "#{"index": 1, "value": 10}\n"
        at 110ms
        stdout "true\n"
        stdout "cancelled the task was cancelled\n"
        stdout "false\n"
        1 gets FIN
        at 630ms
        1 is closed
        at 1s
        > signal TERM
        listens no more
        exit 143
        "##,
    );
}

#[test]
fn the_first_error_is_thrown_at_once() {
    play_script(
        r#"fn session(conn) {
    let ts = [start(|| sleep(5000)), start(|| { sleep(10); throw "no"; })];
    try { join(ts) } catch (e) { print(`${e}`); }
    print(ts[0].is_done);
    try { join(ts[0], 100) } catch (e) { print(`${e.kind} ${e}`); }
    print(ts[0].is_done);
    print(ts[0].cancel());
    sleep(0);
    print(ts[0].is_done);
}"#,
        r#"tcpx listen 127.0.0.1 1 --script SCRIPT
        listens on 127.0.0.1:1
        stderr listening on 127.0.0.1:1
        > client
        > wait 1s
        at 10ms
        stdout "no\n"
        stdout "false\n"
        at 110ms
        stdout "timeout timed out after 100 ms waiting for 1 task\n"
        stdout "false\n"
        stdout "true\n"
        stdout "true\n"
        1 gets FIN
        at 630ms
        1 is closed
        at 1s
        > signal TERM
        listens no more
        exit 143
        "#,
    );
}

#[test]
fn tasks_that_wait_for_each_other() {
    play_script(
        r#"fn session(conn) {
    let me = [];
    let t = start(|| { sleep(10); try { app.a.join() } catch (e) { print(`${e.kind} ${e}`); } 7 });
    app.a = t;
    print(t.join());
    app.x = start(|| { sleep(1); try { let y = app.y; y.join() } catch (e) { print(`x ${e.kind} ${e}`); 1 } });
    app.y = start(|| { sleep(2); try { let x = app.x; x.join() } catch (e) { print(`y ${e.kind} ${e}`); 2 } });
    let y = app.y;
    let x = app.x;
    print(join([x, y]));
}"#,
        r#"tcpx listen 127.0.0.1 1 --script SCRIPT
        listens on 127.0.0.1:1
        stderr listening on 127.0.0.1:1
        > client
        > wait 1s
        at 10ms
        stdout "cancelled a task cannot wait for its own end\n"
        stdout "7\n"
        at 12ms
        stdout "y cancelled join: these tasks wait for each other, so none of them would end\n"
        stdout "[(), ()]\n"
        1 gets FIN
        at 532ms
        1 is closed
        at 1s
        > signal TERM
        listens no more
        exit 143
        "#,
    );
}

#[test]
fn a_failure_that_nobody_joins() {
    play_script(
        r#"fn session(conn) {
    start(|| { sleep(10); [][3] });
    let kept = start(|| { sleep(20); throw "kept"; });
    sleep(1000);
    print("still here");
}"#,
        r#"tcpx listen 127.0.0.1 1 --script SCRIPT
        listens on 127.0.0.1:1
        stderr listening on 127.0.0.1:1
        > client
        > wait 2s
        at 10ms
        stderr tcpx: SCRIPT:2:30: array index 3 out of bounds: array is empty
        stderr     2 |     start(|| { sleep(10); [][3] });
        stderr       |                              ^
        stderr     in a task started at SCRIPT:2
        at 1s
        stdout "still here\n"
        stderr tcpx: SCRIPT:3:38: kept
        stderr     3 |     let kept = start(|| { sleep(20); throw "kept"; });
        stderr       |                                      ^
        stderr     in a task started at SCRIPT:3
        1 gets RST
        at 2s
        > signal TERM
        listens no more
        exit 143
        "#,
    );
}

#[test]
fn a_task_ends_with_who_started_it() {
    play_script(
        r#"fn session(conn) {
    start(|| { try { sleep(5000); } catch (e) { print("caught"); } print("never"); });
    conn.start(|c| { c.read(); print("never"); });
    sleep(10);
}"#,
        r#"tcpx listen 127.0.0.1 1 --script SCRIPT
        listens on 127.0.0.1:1
        stderr listening on 127.0.0.1:1
        > client
        > wait 1s
        at 10ms
        1 gets FIN
        at 530ms
        1 is closed
        at 1s
        > signal TERM
        listens no more
        exit 143
        "#,
    );
}

#[test]
fn a_task_ends_with_its_connection() {
    play_script(
        r#"fn session(conn) {
    app.other = conn;
    start(|| { sleep(100); let c = connect("127.0.0.1:5"); c.start(|c| { sleep(5000); print("never"); }); c.start(|c| { for l in c.lines() { print(l); } print("end"); }); sleep(1000); });
    sleep(9000);
}"#,
        r#"tcpx listen 127.0.0.1 1 --script SCRIPT
        listens on 127.0.0.1:1
        stderr listening on 127.0.0.1:1
        > client
        > wait 200ms
        at 100ms
        2 connects to 127.0.0.1:5
        at 200ms
        > 2 sends "l\n"
        stdout "l\n"
        > 2 resets
        2 is closed
        > wait 10s
        at 9s
        1 gets FIN
        at 9520ms
        1 is closed
        at 10200ms
        > signal TERM
        listens no more
        exit 143
        "#,
    );
}

#[test]
fn sessions_are_served_beside_an_endless_loop() {
    play_script(
        r#"fn session(conn) {
    if conn.id == 1 { loop { } }
    for l in conn.lines() { conn.send_line(l); }
}"#,
        r#"tcpx listen 127.0.0.1 1 --script SCRIPT
        listens on 127.0.0.1:1
        stderr listening on 127.0.0.1:1
        > client
        stderr tcpx: SCRIPT:2:28: session ran longer than 2s and was stopped
        stderr     2 |     if conn.id == 1 { loop { } }
        stderr       |                            ^
        1 gets RST
        > client
        > 2 sends "x\n"
        2 gets "x\n"
        > 2 ends
        2 is closed
        > signal TERM
        listens no more
        exit 143
        "#,
    );
}

#[test]
fn what_a_cancelled_task_was_reading_is_free_at_once() {
    play_script(
        r#"fn session(conn) {
    print(first([start(|c| c.read_line(), conn), start(|| { sleep(50); "tick" })]).value);
    print(conn.read_line());
    let large = conn.start(|c| c.read(2000000));
    sleep(0);
    large.cancel();
    conn.expect("two\n");
    let other = conn.start(|c| { for line in c.lines() { print(line); } });
    sleep(0);
    other.cancel();
    print(start(|c| c.read_line(), conn).join());
}"#,
        r#"tcpx listen 127.0.0.1 1 --script SCRIPT
        listens on 127.0.0.1:1
        stderr listening on 127.0.0.1:1
        > client
        > wait 50ms
        at 50ms
        stdout "tick\n"
        > 1 sends "one\n"
        stdout "one\n"
        > 1 sends "two\n"
        > 1 sends "three\n"
        stdout "three\n"
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
fn calls_that_never_wait_give_turns() {
    play_script(
        r#"fn session(conn) {
    let others = start(|| { for i in 0..3 { print(`other ${i}`); sleep(0); } });
    for i in 0..600 { conn.clean(); conn.peek(0); if i % 200 == 0 { print(i); } }
    others.join();
}"#,
        r#"tcpx listen 127.0.0.1 1 --script SCRIPT
        listens on 127.0.0.1:1
        stderr listening on 127.0.0.1:1
        > client
        stdout "0\n"
        stdout "200\n"
        stdout "other 0\n"
        stdout "400\n"
        stdout "other 1\n"
        stdout "other 2\n"
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
fn a_signal_ends_all_tasks() {
    play_script(
        r#"fn on_close(conn, why) { print(`${conn.id} ${why}`); }
fn on_stop(code) { print(code); }
fn session(conn) { conn.send("hi"); try { conn.read(); } catch (e) { print("caught"); } print("never"); }"#,
        r#"tcpx listen 127.0.0.1 1 --script SCRIPT
        listens on 127.0.0.1:1
        stderr listening on 127.0.0.1:1
        > client
        1 gets "hi"
        > client
        2 gets "hi"
        > 2 takes 0
        > signal TERM
        listens no more
        stdout "1 stop\n"
        1 gets RST
        stdout "2 stop\n"
        2 gets RST
        stdout "143\n"
        exit 143
        "#,
    );
}

#[test]
fn a_new_version_is_for_new_sessions() {
    play_script(
        r#"fn word() { "old" }
fn session(conn) { for l in conn.lines() { conn.send_line(word() + l); } }"#,
        r#"tcpx listen 127.0.0.1 1 --script SCRIPT --watch
        listens on 127.0.0.1:1
        stderr listening on 127.0.0.1:1
        > client
        > 1 sends "a\n"
        1 gets "olda\n"
        > script fn word() { "new" } fn session(conn) { for l in conn.lines() { conn.send_line(word() + l) } }
        > wait 2s
        at 350ms
        stderr reloaded SCRIPT
        at 2s
        > 1 sends "b\n"
        1 gets "oldb\n"
        > client
        > 2 sends "c\n"
        2 gets "newc\n"
        > 1 ends; 2 ends
        1 is closed
        2 is closed
        > signal TERM
        listens no more
        exit 143
        "#,
    );
}

#[test]
fn the_last_session_ends_the_run() {
    play_script(
        r#"fn session(conn) { for l in conn.lines() { conn.send_line(l); } sleep(500); conn.send("late"); }"#,
        r#"tcpx listen 127.0.0.1 1 --script SCRIPT --once
        listens on 127.0.0.1:1
        stderr listening on 127.0.0.1:1
        > client
        listens no more
        > 1 sends "a\n"
        1 gets "a\n"
        > 1 ends
        at 500ms
        1 gets "late"
        1 is closed
        exit 0
        "#,
    );
}

#[test]
fn an_error_in_a_session() {
    play_script(
        r#"fn on_error(conn, err) { print(`${err.kind} ${err.message}`); }
fn on_close(conn, why) { print(why); }
fn helper(conn) { conn.read_line(); conn.nothing(); }
fn session(conn) { helper(conn); }"#,
        r#"tcpx listen 127.0.0.1 1 --script SCRIPT
        listens on 127.0.0.1:1
        stderr listening on 127.0.0.1:1
        > client
        > 1 sends "a\n"
        stderr tcpx: SCRIPT:3:42: function not found: nothing(Conn)
        stderr     3 | fn helper(conn) { conn.read_line(); conn.nothing(); }
        stderr       |                                          ^
        stderr     in helper(), called at SCRIPT:4:20
        stdout "script SCRIPT:3:42: function not found: nothing(Conn)\n"
        stdout "error\n"
        1 gets RST
        > client
        > 2 sends "x"
        > 2 ends
        2 is closed
        stdout "eof\n"
        > signal TERM
        listens no more
        exit 143
        "#,
    );
}

#[test]
fn deep_calls_in_a_session() {
    play_script(
        r#"fn deep(n) { deep(n + 1) }
fn session(conn) { print(conn.read_line()); deep(0); }"#,
        r#"tcpx listen 127.0.0.1 1 --script SCRIPT
        listens on 127.0.0.1:1
        stderr listening on 127.0.0.1:1
        > client
        > 1 sends "a\n"
        stdout "a\n"
        stderr tcpx: SCRIPT:2:45: calls are nested too deeply (64 levels) (in session)
        stderr     2 | fn session(conn) { print(conn.read_line()); deep(0); }
        stderr       |                                             ^
        1 gets RST
        > client
        > 2 sends "b\n"
        stdout "b\n"
        stderr tcpx: SCRIPT:2:45: calls are nested too deeply (64 levels) (in session)
        stderr     2 | fn session(conn) { print(conn.read_line()); deep(0); }
        stderr       |                                             ^
        2 gets RST
        > signal TERM
        listens no more
        exit 143
        "#,
    );
}

#[test]
fn wrong_times() {
    play_script(
        r#"fn session(conn) { for f in [|c| c.read_line(-1), |c| c.read(-1), |c| sleep(-5), |c| c.read(5000000), |c| sleep(1.5), |c| c.expect([]), |c| c.expect(""), |c| c.read_until(""), |c| c.read_until(1), |c| join([1]), |c| c.read_frame(), |c| start(|a, b| 1, 2)] { try { f.call(conn); } catch (e) { print(`${e}`); } } }"#,
        r#"tcpx listen 127.0.0.1 1 --script SCRIPT
        listens on 127.0.0.1:1
        stderr listening on 127.0.0.1:1
        > client
        stdout "read_line takes 0 to 31536000000 milliseconds, not -1\n"
        stdout "read takes 0 to 4194304 bytes, not -1\n"
        stdout "sleep takes 0 to 31536000000 milliseconds, not -5\n"
        stdout "read takes 0 to 4194304 bytes, not 5000000\n"
        stdout "sleep takes a whole number of milliseconds: sleep(1500) is a second and a half\n"
        stdout "expect([]): there is nothing to wait for\n"
        stdout "expect: this pattern matches nothing at all, so it would not wait for anything\n"
        stdout "read_until takes a delimiter that is not empty\n"
        stdout "read_until takes a string or a blob, not int\n"
        stdout "join takes an array of tasks, not of int\n"
        stdout "read_frame: no framing is chosen; call conn.frame_lines(), frame_delim, frame_fixed or frame_length before\n"
        stdout "the function given to start has 2 parameters and gets 1\n"
        1 gets FIN
        > 1 ends
        1 is closed
        > signal TERM
        listens no more
        exit 143
        "#,
    );
}
