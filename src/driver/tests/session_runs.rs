//! Sessions: what their ends mean for the run, and connections and listeners that a task opens.

use super::play_script;

#[test]
fn a_session_of_connect_ends_in_order() {
    play_script(
        r#"fn session(conn) {
    conn.send("hi");
    print(conn.read_line());
}"#,
        r#"tcpx connect h 7 --script SCRIPT
        resolves h
        > h is 127.0.0.1
        1 connects to 127.0.0.1:7
        1 gets "hi"
        > 1 sends "yes\n"
        stdout "yes\n"
        1 gets FIN
        > 1 ends
        1 is closed
        exit 0
        "#,
    );
}

#[test]
fn a_session_of_connect_meets_the_end() {
    play_script(
        r#"fn session(conn) {
    conn.read_line();
}"#,
        r#"tcpx connect h 7 --script SCRIPT
        resolves h
        > h is 127.0.0.1
        1 connects to 127.0.0.1:7
        > 1 sends "ye"
        > 1 ends
        1 is closed
        exit 0
        "#,
    );
}

#[test]
fn a_session_of_connect_meets_a_reset() {
    play_script(
        r#"fn session(conn) {
    conn.read_line();
}"#,
        r#"tcpx connect h 7 --script SCRIPT
        resolves h
        > h is 127.0.0.1
        1 connects to 127.0.0.1:7
        > 1 sends "ye"
        > 1 resets
        stderr tcpx: read from 127.0.0.1:7: connection reset by peer
        1 is closed
        exit 56
        "#,
    );
}

#[test]
fn a_session_of_connect_runs_out_of_time() {
    play_script(
        r#"fn session(conn) {
    conn.read_line(700);
}"#,
        r#"tcpx connect h 7 --script SCRIPT
        resolves h
        > h is 127.0.0.1
        1 connects to 127.0.0.1:7
        > 1 sends "ye"
        > wait 1s
        at 700ms
        stderr tcpx: SCRIPT:2:10: timed out after 700 ms waiting for a line; got 2 bytes: "ye"
        stderr     2 |     conn.read_line(700);
        stderr       |          ^
        1 gets RST
        exit 28
        "#,
    );
}

#[test]
fn a_session_of_connect_expects_something_else() {
    play_script(
        r#"fn session(conn) {
    conn.expect_eof();
}"#,
        r#"tcpx connect h 7 --script SCRIPT
        resolves h
        > h is 127.0.0.1
        1 connects to 127.0.0.1:7
        > 1 sends "ye"
        stderr tcpx: SCRIPT:2:10: data came instead of the end; got 2 bytes: "ye"
        stderr     2 |     conn.expect_eof();
        stderr       |          ^
        1 gets FIN
        at 520ms
        1 is closed
        exit 1
        "#,
    );
}

#[test]
fn a_session_of_connect_fails() {
    play_script(
        r#"fn session(conn) {
    conn.send("x");
    throw "away";
}"#,
        r#"tcpx connect h 7 --script SCRIPT
        resolves h
        > h is 127.0.0.1
        1 connects to 127.0.0.1:7
        stderr tcpx: SCRIPT:3:5: away
        stderr     3 |     throw "away";
        stderr       |     ^
        1 gets "x"
        1 gets RST
        exit 112
        "#,
    );
}

#[test]
fn exit_in_a_session() {
    play_script(
        r#"fn session(conn) {
    conn.send("x");
    start(|| { sleep(50); try { exit(9); } catch (e) { print("no"); } });
    conn.read();
}"#,
        r#"tcpx listen 127.0.0.1 1 --script SCRIPT
        listens on 127.0.0.1:1
        stderr listening on 127.0.0.1:1
        > client
        1 gets "x"
        at 50ms
        listens no more
        1 gets FIN
        at 70ms
        1 is closed
        exit 9
        "#,
    );
}

#[test]
fn a_catch_goes_on() {
    play_script(
        r#"fn session(conn) {
    try { conn.read_line(); } catch (e) { print(e.kind); conn.send("again"); }
    print(conn.read_all().text());
}"#,
        r#"tcpx connect h 7 --script SCRIPT
        resolves h
        > h is 127.0.0.1
        1 connects to 127.0.0.1:7
        > 1 sends "ye"
        > 1 ends
        stdout "eof\n"
        stdout "ye\n"
        1 gets "again"
        1 is closed
        exit 0
        "#,
    );
}

/// Nobody would serve it any more, whatever is done with errors of handlers.
#[test]
fn a_connection_does_not_outlive_a_session_that_fails() {
    for option in ["", "--script-errors ignore"] {
        play_script(
            r#"fn session(conn) {
    conn.send("hi");
    throw conn.read_line();
}"#,
            &format!(
                r#"tcpx listen 127.0.0.1 1 --script SCRIPT {option}
        listens on 127.0.0.1:1
        stderr listening on 127.0.0.1:1
        > client
        1 gets "hi"
        > 1 sends "no\n"
        stderr tcpx: SCRIPT:3:5: no
        stderr     3 |     throw conn.read_line();
        stderr       |     ^
        1 gets RST
        > signal TERM
        listens no more
        exit 143
        "#
            ),
        );
    }
}

#[test]
fn connections_of_a_task() {
    play_script(
        r#"fn session(conn) {
    try { connect("127.0.0.1:7"); } catch (e) { print(`${e.kind} ${e.op} ${e}`); }
    try { connect("nowhere:7"); } catch (e) { print(`${e.kind} ${e.op} ${e}`); }
    try { connect("127.0.0.1:8", #{ timeout: 500 }); } catch (e) { print(`${e.kind} ${e.op} ${e}`); }
    let c = connect("127.0.0.1:9", #{ label: "nine" });
    c.send("hello");
    print(c.read_line());
    conn.send_line(c.read_line());
}"#,
        r#"tcpx listen 127.0.0.1 1 --script SCRIPT
        $ connects slowly
        listens on 127.0.0.1:1
        stderr listening on 127.0.0.1:1
        > client
        2 connects to 127.0.0.1:7
        > 2 refuses
        stdout "refused connect connect to 127.0.0.1:7: connection refused\n"
        resolves nowhere
        > nowhere is unknown
        stdout "resolve connect resolve nowhere: name or service not known\n"
        3 connects to 127.0.0.1:8
        > wait 600ms
        at 500ms
        3 is given up
        stdout "timeout connect connect to 127.0.0.1:8: timed out after 500ms\n"
        4 connects to 127.0.0.1:9
        at 600ms
        > 4 stands
        4 gets "hello"
        > 4 sends "a\nb\n"
        stdout "a\n"
        1 gets "b\n"
        1 gets FIN
        > 4 ends
        > 1 ends
        1 is closed
        > signal TERM
        listens no more
        4 gets RST
        exit 143
        "#,
    );
}

#[test]
fn a_client_goes_to_the_next_task_that_waits_if_the_first_is_cancelled_before() {
    // Who connects after the end of another finds done what that has led to.
    play_script(
        r#"fn session(conn) {
    let l = listen("127.0.0.1:9");
    let first = start(|| { l.accept(); print("not this one"); });
    let second = start(|| { l.accept(); print("this one"); });
    conn.read_line();
    first.cancel();
    second.join();
    l.close();
}"#,
        r#"tcpx listen 127.0.0.1 1 --script SCRIPT
        listens on 127.0.0.1:1
        stderr listening on 127.0.0.1:1
        > client
        listens on 127.0.0.1:9
        > 1 sends "go\n"; 1 ends; client
        stdout "this one\n"
        listens no more
        1 is closed
        > signal TERM
        listens no more
        2 gets RST
        exit 143
        "#,
    );
}

#[test]
fn a_listener_of_a_task() {
    play_script(
        r#"fn session(conn) {
    let l = listen("127.0.0.1:9");
    try { l.accept(300); } catch (e) { print(`${e.kind} ${e.op} ${e}`); }
    let c = l.accept();
    print(c.read_line());
    l.close();
    try { l.accept(); } catch (e) { print(`${e.kind} ${e.op} ${e}`); }
}"#,
        r#"tcpx listen 127.0.0.1 1 --script SCRIPT
        listens on 127.0.0.1:1
        stderr listening on 127.0.0.1:1
        > client
        listens on 127.0.0.1:9
        > wait 1s
        at 300ms
        stdout "timeout accept timed out after 300 ms waiting for a client\n"
        at 1s
        > client
        > 2 sends "x\n"
        stdout "x\n"
        listens no more
        stdout "closed accept accept: the listener is closed\n"
        1 gets FIN
        > 1 ends
        1 is closed
        > signal TERM
        listens no more
        2 gets RST
        exit 143
        "#,
    );
}

#[test]
fn a_listener_with_a_script() {
    play_script(
        r#"fn session(conn) {
    let l = listen("127.0.0.1:9", #{ script: "@upper" });
    conn.send("served");
    print(conn.read_line());
    l.close();
}"#,
        r#"tcpx listen 127.0.0.1 1 --script SCRIPT
        listens on 127.0.0.1:1
        stderr listening on 127.0.0.1:1
        > client
        listens on 127.0.0.1:9
        1 gets "served"
        > client
        > 2 sends "abc"
        2 gets "ABC"
        > 1 sends "x\n"
        stdout "x\n"
        listens no more
        1 gets FIN
        > 1 ends
        1 is closed
        > 2 sends "still"
        2 gets "STILL"
        > 2 ends
        2 is closed
        > signal TERM
        listens no more
        exit 143
        "#,
    );
}

#[test]
fn wrong_pairs() {
    play_script(
        r#"fn session(conn) {
    try { connect("127.0.0.1:7", #{ session: |c| 1, on_data: |c, d| 2 }); } catch (e) { print(`${e}`); }
    let l = listen("127.0.0.1:9");
    l.on_line = |c, x| 1;
    try { l.session = |c| 1; } catch (e) { print(`${e}`); }
}"#,
        r#"tcpx listen 127.0.0.1 1 --script SCRIPT
        listens on 127.0.0.1:1
        stderr listening on 127.0.0.1:1
        > client
        listens on 127.0.0.1:9
        stdout "connect: on_data cannot stand beside session: session takes what its connection receives\n"
        stdout "listener.on_line cannot stand beside session: session takes what its connection receives\n"
        1 gets FIN
        > signal TERM
        listens no more
        listens no more
        at 20ms
        1 is closed
        exit 143
        "#,
    );
}

#[test]
fn a_session_beside_on_data() {
    play_script(
        r#"fn on_data(conn, data) {}
fn session(conn) {}"#,
        r#"tcpx listen 127.0.0.1 1 --script SCRIPT
        stderr tcpx: SCRIPT:1:4: on_data cannot stand beside session: session takes what its connection receives
        stderr     1 | fn on_data(conn, data) {}
        stderr       |    ^
        stderr hint: write what on_data does in session, or leave session out
        exit 111
        "#,
    );
}
