//! What keeps a connection of a script open, and what keeps its run alive: received data, expectations, timers, the other
//! connections and listeners of the script.

use super::play_script;

#[test]
fn an_expectation_hears_of_the_end_of_the_peer() {
    play_script(
        r#"fn on_connect(conn) { conn.expect("ok", |conn, found| print(`eof ${found.eof}`)); }"#,
        r#"tcpx connect 127.0.0.1 1 --script SCRIPT
        $ stdin null
        1 connects to 127.0.0.1:1
        > 1 sends "o"; 1 ends
        stdout "eof true\n"
        1 is closed
        exit 0
        "#,
    );
}

#[test]
fn the_end_of_stdin_waits_for_what_is_expected() {
    play_script(
        r#"fn on_connect(conn) { conn.expect("ok", |conn, found| conn.send("seen")); }"#,
        r#"tcpx connect 127.0.0.1 1 --script SCRIPT
        1 connects to 127.0.0.1:1
        > stdin "x"; stdin ends
        1 gets "x"
        > 1 sends "ok"
        1 gets "seen"
        1 gets FIN
        > 1 sends "rest"; 1 ends
        stdout "rest"
        1 is closed
        exit 0
        "#,
    );
}

#[test]
fn one_expectation_after_another_holds_and_a_time_limit_lets_go() {
    play_script(
        r#"fn on_connect(conn) {
    conn.expect("login:", |conn, m| {
        conn.send_line("bob");
        conn.expect("password:", 2000, |conn, m| { if m.timeout { conn.send_line("hello?"); } });
    });
}"#,
        r#"tcpx connect 127.0.0.1 1 --script SCRIPT
        $ stdin null
        1 connects to 127.0.0.1:1
        > wait 10s
        at 10s
        > 1 sends "login:"
        1 gets "bob\n"
        > wait 5s
        at 12s
        1 gets "hello?\n"
        1 gets FIN
        at 15s
        > 1 ends
        1 is closed
        exit 0
        "#,
    );
}

#[test]
fn the_end_of_stdin_waits_for_timers_of_the_connection() {
    play_script(
        r#"fn on_connect(conn) {
    conn.after(100, |conn| conn.send("once"));
    let beat = conn.every(200, |conn| conn.send("beat"));
    after(700, || cancel(beat));
}"#,
        r#"tcpx connect 127.0.0.1 1 --script SCRIPT
        $ stdin null
        1 connects to 127.0.0.1:1
        > wait 1s
        at 100ms
        1 gets "once"
        at 200ms
        1 gets "beat"
        at 400ms
        1 gets "beat"
        at 600ms
        1 gets "beat"
        at 700ms
        1 gets FIN
        at 1s
        > 1 ends
        1 is closed
        exit 0
        "#,
    );
}

#[test]
fn a_timer_of_the_run_does_not_hold_a_connection() {
    play_script(
        r#"fn on_connect(conn) { after(300, || { let c = conns(); print(c.len() == 1 && c[0].send("late")); }); }"#,
        r#"tcpx connect 127.0.0.1 1 --script SCRIPT -v
        $ stdin null
        stderr tcpx: trying 127.0.0.1:1
        1 connects to 127.0.0.1:1
        stderr tcpx: connected to 127.0.0.1:1 from 127.0.0.1:9 in 0.00ms
        1 gets FIN
        > wait 1s
        at 300ms
        stderr tcpx: 127.0.0.1:1: our side has ended; what the script sends now reaches nobody
        stdout "false\n"
        at 1s
        > 1 ends
        1 is closed
        stderr tcpx: closed 127.0.0.1:1 (eof): 0 bytes received, 0 sent, after 1.0s
        exit 0
        "#,
    );
}

#[test]
fn a_handler_of_received_data_holds_until_the_peer_ends() {
    for handler in ["on_data", "on_text", "on_line", "on_frame"] {
        play_script(
            &format!("fn {handler}(conn, what) {{ conn.send(\"got\"); }}"),
            r#"tcpx connect 127.0.0.1 1 --script SCRIPT
            $ stdin null
            1 connects to 127.0.0.1:1
            > wait 60s
            at 60s
            > 1 sends "x\n"
            1 gets "got"
            > 1 ends
            1 is closed
            exit 0
            "#,
        );
    }
}

#[test]
fn waiting_for_silence_or_room_holds_a_connection() {
    play_script(
        r#"fn on_connect(conn) { conn.idle_timeout = 1000; }
fn on_idle(conn, ms) { conn.send("still here"); conn.idle_timeout = 0; }"#,
        r#"tcpx connect 127.0.0.1 1 --script SCRIPT
        $ stdin null
        1 connects to 127.0.0.1:1
        > wait 2s
        at 1s
        1 gets "still here"
        1 gets FIN
        at 2s
        > 1 ends
        1 is closed
        exit 0
        "#,
    );
    play_script(
        r#"fn on_connect(conn) { conn.state.left = 2; conn.send("a"); }
fn on_drain(conn) { if conn.state.left > 0 { conn.state.left -= 1; conn.send("b"); } }"#,
        r#"tcpx connect 127.0.0.1 1 --script SCRIPT
        $ stdin null
        1 connects to 127.0.0.1:1
        1 gets "a"
        1 gets "b"
        1 gets "b"
        1 gets FIN
        > 1 ends
        1 is closed
        exit 0
        "#,
    );
}

#[test]
fn what_holds_nothing_ends_with_stdin() {
    play_script(
        r#"fn on_connect(conn) { conn.send("hello"); }
fn on_eof(conn) { print(conn.send("vain")); conn.close(); }"#,
        r#"tcpx connect 127.0.0.1 1 --script SCRIPT
        $ stdin null
        1 connects to 127.0.0.1:1
        1 gets "hello"
        1 gets FIN
        > 1 sends "answer"
        stdout "answer"
        > 1 ends
        stdout "false\n"
        1 is closed
        exit 0
        "#,
    );
}

#[test]
fn the_end_of_the_peer_waits_for_what_comes_once() {
    play_script(
        r#"fn on_line(conn, line) {
    conn.after(300, |conn| conn.send_line("late"));
    conn.every(200, |conn| conn.send_line("beat"));
}"#,
        r#"tcpx listen 127.0.0.1 1 --script SCRIPT
        listens on 127.0.0.1:1
        stderr listening on 127.0.0.1:1
        > client; 1 sends "x\n"; 1 ends
        > wait 2s
        at 200ms
        1 gets "beat\n"
        at 300ms
        1 gets "late\n"
        1 is closed
        at 2s
        > signal TERM
        listens no more
        exit 143
        "#,
    );
}

#[test]
fn the_end_of_the_peer_lets_go_when_the_last_timer_is_cancelled() {
    play_script(
        r#"fn on_line(conn, line) {
    if line == "wait" { app.timer = conn.after(60000, |conn| conn.send_line("late")); } else { cancel(app.timer); }
}"#,
        r#"tcpx listen 127.0.0.1 1 --script SCRIPT
        listens on 127.0.0.1:1
        stderr listening on 127.0.0.1:1
        > client; 1 sends "wait\n"; 1 ends
        > wait 1s
        at 1s
        > client; 2 sends "go\n"
        1 is closed
        > 2 ends
        2 is closed
        > signal TERM
        listens no more
        exit 143
        "#,
    );
}

#[test]
fn what_is_expected_after_the_end_is_told_of_it() {
    play_script(
        r#"fn again(conn) { conn.expect("x", 5000, |conn, m| { conn.send(if m.eof { "end" } else { "got" }); again(conn); }); }
fn on_connect(conn) { again(conn); }
fn on_eof(conn) { conn.after(100, |conn| conn.expect("y", |conn, m| { conn.send(` ${m.eof}`); conn.close(); })); }"#,
        r#"tcpx listen 127.0.0.1 1 --script SCRIPT
        listens on 127.0.0.1:1
        stderr listening on 127.0.0.1:1
        > client; 1 sends "x"; 1 ends
        1 gets "got"
        1 gets "end"
        > wait 2s
        at 100ms
        1 gets " true"
        1 is closed
        at 2s
        > signal TERM
        listens no more
        exit 143
        "#,
    );
}

#[test]
fn a_paused_connection_hears_of_the_end_when_it_goes_on() {
    play_script(
        r#"fn on_connect(conn) { conn.pause(); conn.after(500, |conn| conn.resume()); }
fn on_line(conn, line) { conn.after(100, |conn| conn.send_line("late")); }"#,
        r#"tcpx listen 127.0.0.1 1 --script SCRIPT
        listens on 127.0.0.1:1
        stderr listening on 127.0.0.1:1
        > client; 1 sends "x\n"; 1 ends
        > wait 2s
        at 600ms
        1 gets "late\n"
        1 is closed
        at 2s
        > signal TERM
        listens no more
        exit 143
        "#,
    );
}

#[test]
fn bytes_that_toxics_delay_are_answered_after_the_end() {
    play_script(
        r#"fn on_connect(conn) { conn.toxic("latency", #{latency: 400}); conn.toxic("latency", #{latency: 50, dir: "out"}); }
fn on_line(conn, line) { conn.after(100, |conn| conn.send_line("late")); }"#,
        r#"tcpx listen 127.0.0.1 1 --script SCRIPT
        listens on 127.0.0.1:1
        stderr listening on 127.0.0.1:1
        > client; 1 sends "x\n"; 1 ends
        > wait 2s
        at 550ms
        1 gets "late\n"
        1 is closed
        at 2s
        > signal TERM
        listens no more
        exit 143
        "#,
    );
}

#[test]
fn what_the_script_ends_itself_waits_for_nothing() {
    play_script(
        r#"fn on_connect(conn) {
    conn.every(1000, |conn| conn.send("beat"));
    conn.after(500, |conn| conn.shutdown());
}"#,
        r#"tcpx connect 127.0.0.1 1 --script SCRIPT
        $ stdin null
        1 connects to 127.0.0.1:1
        > wait 2s
        at 500ms
        1 gets FIN
        at 2s
        > 1 ends
        1 is closed
        exit 0
        "#,
    );
}

#[test]
fn a_piped_connection_does_not_end_with_stdin() {
    play_script(
        r#"fn on_connect(conn) { if conn.peer_port == 1 { conn.pipe(connect("127.0.0.1:7")); } }"#,
        r#"tcpx connect 127.0.0.1 1 --script SCRIPT
        $ stdin null
        1 connects to 127.0.0.1:1
        2 connects to 127.0.0.1:7
        > 2 sends "question"
        1 gets "question"
        > 1 sends "answer"; 1 ends
        2 gets "answer"
        2 gets FIN
        > 2 ends
        2 is closed
        1 is closed
        exit 0
        "#,
    );
}

#[test]
fn connections_of_a_script_have_nothing_to_do_with_stdin() {
    play_script(
        r#"fn on_connect(conn) { if conn.peer_port == 1 { connect("127.0.0.1:7"); } }
fn on_close(conn, why) { print(`${conn.peer} ${why}`); }"#,
        r#"tcpx connect 127.0.0.1 1 --script SCRIPT --eof-wait 1s
        1 connects to 127.0.0.1:1
        2 connects to 127.0.0.1:7
        > stdin "for one"
        1 gets "for one"
        > 2 sends "the time"; 2 ends
        stdout "the time"
        2 is closed
        stdout "127.0.0.1:7 eof\n"
        > stdin ends
        1 gets FIN
        > 1 ends
        1 is closed
        stdout "127.0.0.1:1 eof\n"
        exit 0
        "#,
    );
}

#[test]
fn eof_wait_lets_go_of_what_was_sent_stdin_alone() {
    play_script(
        r#"fn on_connect(conn) { if conn.peer_port == 1 { connect("127.0.0.1:7"); } }"#,
        r#"tcpx connect 127.0.0.1 1 --script SCRIPT --eof-wait 1s
        $ stdin null
        1 connects to 127.0.0.1:1
        2 connects to 127.0.0.1:7
        1 gets FIN
        > wait 5s
        at 1s
        1 is closed
        at 5s
        > 2 sends "late"; 2 ends
        stdout "late"
        2 is closed
        exit 0
        "#,
    );
}

#[test]
fn a_run_whose_connection_is_refused_lives_on_and_ends_with_7() {
    play_script(
        r#"fn on_error(conn, err) { if conn.peer_port == () && err.op == "connect" { after(1000, || connect("127.0.0.1:7")); } }"#,
        r#"tcpx connect 127.0.0.1 1 --script SCRIPT
        $ connects slowly
        1 connects to 127.0.0.1:1
        > 1 refuses
        stderr tcpx: connect to 127.0.0.1:1: connection refused
        > wait 1s
        at 1s
        2 connects to 127.0.0.1:7
        > 2 stands
        > 2 sends "x"; 2 ends
        stdout "x"
        2 is closed
        exit 7
        "#,
    );
}

#[test]
fn an_exit_replaces_the_code_of_a_refused_connection() {
    play_script(
        r#"fn on_error(conn, err) { after(1000, || exit(3)); }"#,
        r#"tcpx connect 127.0.0.1 1 --script SCRIPT
        $ connects slowly
        1 connects to 127.0.0.1:1
        > 1 refuses
        stderr tcpx: connect to 127.0.0.1:1: connection refused
        at 1s
        exit 3
        "#,
    );
}

#[test]
fn what_was_to_happen_with_a_connection_that_never_stood_is_forgotten() {
    play_script(
        r#"fn on_start() {
    let c = connect("127.0.0.1:7");
    c.after(100, |c| print("never"));
    print([c.send("queued"), c.local]);
    app.c = c;
}
fn on_error(conn, err) { print([app.c.send("vain"), conn.is_open]); }
fn on_connect(conn) {
    let c = connect("127.0.0.1:8");
    c.after(100, |c| print("never"));
    c.close();
    print([c.send("vain"), c.is_open]);
}"#,
        r#"tcpx connect 127.0.0.1 1 --script SCRIPT
        $ connects slowly
        1 connects to 127.0.0.1:7
        stdout "[true, ""]\n"
        2 connects to 127.0.0.1:1
        > 1 refuses
        stdout "[false, false]\n"
        > 2 stands
        3 connects to 127.0.0.1:8
        3 is given up
        stdout "[false, true]\n"
        > wait 1s
        at 1s
        > 2 ends; stdin ends
        2 is closed
        exit 0
        "#,
    );
}

#[test]
fn a_timer_of_the_run_keeps_it_alive_and_one_that_repeats_does_not() {
    play_script(
        r#"fn on_connect(conn) { after(5000, || print("later")); every(1000, || print("tick")); }"#,
        r#"tcpx connect 127.0.0.1 1 --script SCRIPT
        $ turns matter
        $ stdin null
        1 connects to 127.0.0.1:1
        1 gets FIN
        > 1 ends
        1 is closed
        > wait 2500ms
        at 1s
        stdout "tick\n"
        at 2s
        stdout "tick\n"
        at 3s
        stdout "tick\n"
        at 4s
        stdout "tick\n"
        at 5s
        stdout "later\n"
        stdout "tick\n"
        exit 0
        "#,
    );
}

#[test]
fn a_server_of_one_client_lives_as_long_as_its_script_has_something_to_do() {
    play_script(
        r#"fn on_close(conn, why) { app.timer = after(5000, || print("later")); after(1000, || cancel(app.timer)); }"#,
        r#"tcpx listen 127.0.0.1 1 --script SCRIPT --once
        listens on 127.0.0.1:1
        stderr listening on 127.0.0.1:1
        > client
        listens no more
        > 1 ends
        1 is closed
        at 1s
        exit 0
        "#,
    );
    play_script(
        r#"fn on_start() { app.l = listen("127.0.0.1:5"); let l = app.l; l.on_line = |conn, line| app.l.close(); }"#,
        r#"tcpx connect 127.0.0.1 1 --script SCRIPT
        $ stdin null
        listens on 127.0.0.1:5
        1 connects to 127.0.0.1:1
        1 gets FIN
        > 1 ends
        1 is closed
        > client; 2 sends "over\n"
        listens no more
        > 2 ends
        2 is closed
        exit 0
        "#,
    );
}

#[test]
fn lines_of_stdin_find_the_connection() {
    play_script(
        r#"fn on_stdin(line) { print(`${line} ${conns().len()}`); broadcast_line(line); }
fn on_connect(conn) { print("connected"); }
fn on_line(conn, line) { print(line); }"#,
        r#"tcpx connect 127.0.0.1 1 --script SCRIPT
        $ connects slowly
        1 connects to 127.0.0.1:1
        > stdin "one\n"
        > stdin "two\n"; stdin ends
        > wait 1s
        at 1s
        > 1 stands
        stdout "connected\n"
        stdout "one 1\n"
        stdout "two 1\n"
        1 gets "one\ntwo\n"
        > 1 sends "answer\n"; 1 ends
        stdout "answer\n"
        1 is closed
        exit 0
        "#,
    );
}

#[test]
fn the_end_of_lines_without_a_handler_of_it_is_the_end_of_stdin() {
    play_script(
        r#"fn on_stdin(line) { broadcast(line.to_upper()); }"#,
        r#"tcpx connect 127.0.0.1 1 --script SCRIPT
        1 connects to 127.0.0.1:1
        > stdin "one"; stdin ends
        1 gets "ONE"
        1 gets FIN
        > 1 sends "answer"; 1 ends
        stdout "answer"
        1 is closed
        exit 0
        "#,
    );
}

#[test]
fn lines_of_stdin_go_on_after_a_refusal() {
    play_script(
        r#"fn on_stdin(line) { print(`${line} ${conns().len()}`); }
fn on_stdin_eof() { exit(4); }
fn on_error(conn, err) { connect("127.0.0.1:7"); }"#,
        r#"tcpx connect 127.0.0.1 1 --script SCRIPT
        $ connects slowly
        1 connects to 127.0.0.1:1
        > stdin "one\n"
        > 1 refuses
        stderr tcpx: connect to 127.0.0.1:1: connection refused
        2 connects to 127.0.0.1:7
        stdout "one 0\n"
        > 2 stands
        > stdin "two\n"
        stdout "two 1\n"
        > stdin ends
        2 gets FIN
        > 2 ends
        2 is closed
        exit 4
        "#,
    );
}
