//! Sessions: much data in both directions, and the ends of connections.

use super::play_script;

#[test]
fn much_that_nobody_reads_stays_in_the_kernel() {
    play_script(
        r#"fn session(conn) {
    sleep(1000);
    print(conn.read(1).len());
    print(conn.read(1048576).len());
    print(conn.read(2097152).len());
    print(conn.read().len() > 0);
    for c in conn.chunks() {}
    print(conn.bytes_in);
}"#,
        r#"tcpx listen 127.0.0.1 1 --script SCRIPT
        listens on 127.0.0.1:1
        stderr listening on 127.0.0.1:1
        > client
        > 1 sends x*4000000
        > wait 2s
        at 1s
        stdout "1\n"
        stdout "1048576\n"
        stdout "2097152\n"
        stdout "true\n"
        at 2s
        > 1 ends
        stdout "4000000\n"
        1 is closed
        > signal TERM
        listens no more
        exit 143
        "#,
    );
}

#[test]
fn a_task_that_sends_much_is_paced_by_its_peer() {
    play_script(
        r#"fn session(conn) {
    let b = blob(700000, 120);
    for i in 0..4 { conn.send(b); print(`${i} ${conn.queued}`); }
    conn.flush();
    print(conn.queued);
}"#,
        r#"tcpx listen 127.0.0.1 1 --script SCRIPT
        listens on 127.0.0.1:1
        stderr listening on 127.0.0.1:1
        > client; 1 takes 0
        stdout "0 700000\n"
        > wait 1s
        at 1s
        > 1 takes 1200000
        1 gets x*1200000
        stdout "1 200000\n"
        stdout "2 900000\n"
        > 1 takes 500000
        1 gets x*500000
        > 1 takes all
        1 gets x*1100000
        stdout "3 0\n"
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
fn a_queue_that_stays_full() {
    play_script(
        r#"fn session(conn) {
    conn.timeout = 500;
    let b = blob(1500000, 120);
    try { conn.send(b) } catch (e) { print(`${e.kind} ${e.op} ${e}`); }
    try { conn.flush(100) } catch (e) { print(`${e.kind} ${e.op} ${e}`); }
    try { loop { conn.send(b); } } catch (e) { print(`${e.kind} ${e.op} ${e}`); }
    try { conn.flush() } catch (e) { print(`${e.kind} ${e.op} ${e}`); }
}"#,
        r#"tcpx listen 127.0.0.1 1 --script SCRIPT
        listens on 127.0.0.1:1
        stderr listening on 127.0.0.1:1
        > client; 1 takes 0
        > wait 1300ms
        at 500ms
        stdout "timeout send timed out after 500 ms waiting for room in the queue; 1500000 bytes wait\n"
        at 600ms
        stdout "timeout flush timed out after 100 ms waiting for room in the queue; 1500000 bytes wait\n"
        at 1100ms
        stdout "timeout send timed out after 500 ms waiting for room in the queue; 3000000 bytes wait\n"
        at 1300ms
        > 1 resets
        1 is closed
        stdout "reset flush broken pipe\n"
        > signal TERM
        listens no more
        exit 143
        "#,
    );
}

#[test]
fn sending_after_the_end() {
    play_script(
        r#"fn session(conn) {
    conn.read_all();
    conn.send("after fin");
    conn.flush();
    conn.shutdown();
    try { conn.send("x") } catch (e) { print(`${e.kind} ${e.op} ${e}`); }
    print(conn.closed());
    try { conn.send("x") } catch (e) { print(`${e.kind} ${e.op} ${e}`); }
    try { conn.read() } catch (e) { print(`${e.kind} ${e.op} ${e}`); }
}"#,
        r#"tcpx listen 127.0.0.1 1 --script SCRIPT
        listens on 127.0.0.1:1
        stderr listening on 127.0.0.1:1
        > client
        > 1 sends "x"
        > 1 ends
        1 gets "after fin"
        stdout "closed send the connection is closed for sending\n"
        1 is closed
        stdout "eof\n"
        stdout "closed send the connection is closed for sending\n"
        stdout "eof read the peer has ended while waiting for data; got nothing\n"
        > signal TERM
        listens no more
        exit 143
        "#,
    );
}

#[test]
fn the_end_of_a_connection_with_unread_bytes() {
    play_script(
        r#"fn session(conn) {
    print(conn.closed());
}"#,
        r#"tcpx listen 127.0.0.1 1 --script SCRIPT
        listens on 127.0.0.1:1
        stderr listening on 127.0.0.1:1
        > client
        > 1 sends x*3000000
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
fn the_end_behind_bytes_that_a_cancelled_task_read() {
    play_script(
        r#"fn session(conn) {
    let idle = conn.start(|c| { c.read(1); sleep(60000); });
    sleep(100);
    idle.cancel();
    print(conn.closed());
}"#,
        r#"tcpx listen 127.0.0.1 1 --script SCRIPT
        listens on 127.0.0.1:1
        stderr listening on 127.0.0.1:1
        > client
        > 1 sends x*3000000
        > wait 100ms
        at 100ms
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
fn closing_with_unread_bytes() {
    play_script(
        r#"fn session(conn) {
    sleep(100);
    conn.close();
    print(conn.closed());
}"#,
        r#"tcpx listen 127.0.0.1 1 --script SCRIPT
        listens on 127.0.0.1:1
        stderr listening on 127.0.0.1:1
        > client
        > 1 sends x*3000000
        > wait 200ms
        at 100ms
        1 gets FIN
        stdout "closed\n"
        at 200ms
        > 1 ends
        1 is closed
        > signal TERM
        listens no more
        exit 143
        "#,
    );
}

#[test]
fn pausing_leaves_the_bytes_to_the_kernel() {
    play_script(
        r#"fn session(conn) {
    conn.pause();
    try { conn.read(1, 100) } catch (e) { print(`${e}`); }
    conn.resume();
    print(conn.read().text());
    conn.pause();
    print(conn.clean().len());
    conn.resume();
    print(conn.read_line());
}"#,
        r#"tcpx listen 127.0.0.1 1 --script SCRIPT
        listens on 127.0.0.1:1
        stderr listening on 127.0.0.1:1
        > client
        > 1 sends "abc"
        > wait 300ms
        at 100ms
        stdout "timed out after 100 ms waiting for 1 byte; got nothing\n"
        stdout "abc\n"
        stdout "0\n"
        at 300ms
        > 1 sends "line\n"
        stdout "line\n"
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
fn a_task_beside_handlers() {
    play_script(
        r#"fn on_data(conn, data) { start(|| { conn.send(data); conn.flush(); print(`sent, then ${conn.closed()}`); }); if data.len() > 1 { conn.close(); } }
fn on_connect(conn) { start(|| { try { conn.read() } catch (e) { print(`${e}`); } }); }"#,
        r#"tcpx listen 127.0.0.1 1 --script SCRIPT
        listens on 127.0.0.1:1
        stderr listening on 127.0.0.1:1
        > client
        stdout "read: what 10.0.0.1:1 receives goes to its handlers, not to a task\n"
        > 1 sends "a"
        1 gets "a"
        > 1 sends "bc"
        1 gets FIN
        stderr tcpx: SCRIPT:1:42: the connection is closed for sending
        stderr     1 | fn on_data(conn, data) { start(|| { conn.send(data); conn.flush(); print(`sent, then ${conn.closed()}`); }); if data.len…
        stderr       |                                          ^
        stderr     in a task started at SCRIPT:1
        stdout "sent, then closed\n"
        > 1 ends
        1 is closed
        > client
        stdout "read: what 10.0.0.2:1 receives goes to its handlers, not to a task\n"
        > 2 takes 0
        > 2 sends "x"
        > 2 resets
        stderr tcpx: read from 10.0.0.2:1: connection reset by peer
        2 is closed
        stderr tcpx: SCRIPT:1:59: the connection is broken
        stderr     1 | fn on_data(conn, data) { start(|| { conn.send(data); conn.flush(); print(`sent, then ${conn.closed()}`); }); if data.len…
        stderr       |                                                           ^
        stderr     in a task started at SCRIPT:1
        > signal TERM
        listens no more
        exit 143
        "#,
    );
}

#[test]
fn a_task_is_cancelled_once() {
    play_script(
        r#"fn session(conn) {
    let task = start(|| sleep(1000));
    print(`${task.cancel()} ${task.cancel()} ${task.is_done}`);
    let short = start(|| 1);
    print(`${short.join()} ${short.cancel()}`);
}"#,
        r#"tcpx listen 127.0.0.1 1 --script SCRIPT
        listens on 127.0.0.1:1
        stderr listening on 127.0.0.1:1
        > client
        stdout "true false true\n"
        stdout "1 false\n"
        1 gets FIN
        > 1 ends
        1 is closed
        > signal TERM
        listens no more
        exit 143
        "#,
    );
}
