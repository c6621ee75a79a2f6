//! Scripts in a run: timers, expectations, connections of their own, partners, failures and the end.

use super::play_script;

#[test]
fn timers_follow_the_clock() {
    play_script(
        r#"fn on_connect(conn) {
    conn.after(1500, |conn| conn.send("later"));
    let t = conn.every(400, |conn| conn.send("tick"));
    after(1300, || cancel(t));
}"#,
        r#"tcpx listen 127.0.0.1 1 --script SCRIPT
        listens on 127.0.0.1:1
        stderr listening on 127.0.0.1:1
        > wait 10s
        at 10s
        > client
        > wait 3s
        at 10400ms
        1 gets "tick"
        at 10800ms
        1 gets "tick"
        at 11200ms
        1 gets "tick"
        at 11500ms
        1 gets "later"
        at 13s
        > 1 ends
        1 is closed
        > signal TERM
        listens no more
        exit 143
        "#,
    );
}

#[test]
fn a_global_timer_can_end_the_run() {
    play_script(
        r#"fn on_start() { after(60000, || exit(9)); }"#,
        r#"tcpx listen 127.0.0.1 1 --script SCRIPT
        listens on 127.0.0.1:1
        stderr listening on 127.0.0.1:1
        > client
        at 60s
        listens no more
        1 gets FIN
        at 60020ms
        1 is closed
        exit 9
        "#,
    );
}

#[test]
fn ages_are_by_the_same_clock() {
    play_script(
        r#"fn on_connect(conn) { conn.after(2500, |conn| conn.send(`${conn.age_ms} ${conn.idle_ms}`)); }"#,
        r#"tcpx listen 127.0.0.1 1 --script SCRIPT
        listens on 127.0.0.1:1
        stderr listening on 127.0.0.1:1
        > client
        > wait 1s
        at 1s
        > 1 sends "x"
        stdout "x"
        > wait 5s
        at 2500ms
        1 gets "2500 1500"
        at 6s
        > signal TERM
        listens no more
        1 gets RST
        exit 143
        "#,
    );
}

#[test]
fn an_expectation_ends_by_its_time() {
    play_script(
        r#"fn on_connect(conn) {
    conn.send("220 hello");
    conn.expect("HELO", 3000, |conn, found| { conn.send(if found.timeout { "too late" } else { "ok" }); conn.close(); });
}"#,
        r#"tcpx listen 127.0.0.1 1 --script SCRIPT
        listens on 127.0.0.1:1
        stderr listening on 127.0.0.1:1
        > client
        1 gets "220 hello"
        > 1 sends "HEL"
        > wait 5s
        at 3s
        1 gets "too late"
        1 gets FIN
        at 3520ms
        1 is closed
        at 5s
        > client
        2 gets "220 hello"
        > 2 sends "HELO"
        2 gets "ok"
        2 gets FIN
        > 2 ends
        2 is closed
        > signal TERM
        listens no more
        exit 143
        "#,
    );
}

#[test]
fn a_refused_connect_is_told_to_on_error() {
    play_script(
        r#"fn on_connect(conn) { if conn.side == "server" { connect("127.0.0.1:7"); } }
fn on_error(conn, err) { print(`${conn.peer} ${err.kind} ${err.op}`); }"#,
        r#"tcpx listen 127.0.0.1 1 --script SCRIPT
        $ connects slowly
        listens on 127.0.0.1:1
        stderr listening on 127.0.0.1:1
        > client
        2 connects to 127.0.0.1:7
        > 2 refuses
        stdout "127.0.0.1:7 refused connect\n"
        > signal TERM
        listens no more
        1 gets RST
        exit 143
        "#,
    );
}

#[test]
fn partners_pass_on_bytes_and_half_closes() {
    play_script(
        r#"fn on_connect(conn) { if conn.side == "server" { conn.pipe(connect("127.0.0.1:7")); } }"#,
        r#"tcpx listen 127.0.0.1 1 --script SCRIPT
        $ connects slowly
        listens on 127.0.0.1:1
        stderr listening on 127.0.0.1:1
        > client; 1 sends "request"; 1 ends
        2 connects to 127.0.0.1:7
        > wait 100ms
        at 100ms
        > 2 stands
        2 gets "request"
        2 gets FIN
        > 2 sends "answer"
        1 gets "answer"
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
fn a_partner_of_a_connection_that_breaks_breaks() {
    play_script(
        r#"fn on_connect(conn) { if conn.side == "server" { conn.pipe(connect("127.0.0.1:7")); } }"#,
        r#"tcpx listen 127.0.0.1 1 --script SCRIPT
        listens on 127.0.0.1:1
        stderr listening on 127.0.0.1:1
        > client; 1 sends "request"
        2 connects to 127.0.0.1:7
        2 gets "request"
        > 2 sends "half an ans"; 2 resets
        stderr tcpx: read from 127.0.0.1:7: connection reset by peer
        1 gets "half an ans"
        2 is closed
        1 gets RST
        > signal TERM
        listens no more
        exit 143
        "#,
    );
}

#[test]
fn a_partner_that_does_not_read_keeps_the_other_from_being_read() {
    play_script(
        r#"fn on_connect(conn) { if conn.side == "server" { conn.pipe(connect("127.0.0.1:7")); } }"#,
        r#"tcpx listen 127.0.0.1 1 --script SCRIPT
        listens on 127.0.0.1:1
        stderr listening on 127.0.0.1:1
        > client
        2 connects to 127.0.0.1:7
        > 2 takes 0; 1 sends x*1000000
        > 1 ends
        > 2 takes 100000
        2 gets x*100000
        > 2 takes all
        2 gets x*293216
        2 gets x*131072
        2 gets x*131072
        2 gets x*131072
        2 gets x*131072
        2 gets x*82496
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
fn a_partner_that_is_idle_for_too_long_takes_the_other_along() {
    play_script(
        r#"fn on_connect(conn) { if conn.side == "server" { conn.pipe(connect("127.0.0.1:7")); } }"#,
        r#"tcpx listen 127.0.0.1 1 --idle-timeout 1s --script SCRIPT
        listens on 127.0.0.1:1
        stderr listening on 127.0.0.1:1
        > client
        2 connects to 127.0.0.1:7
        > wait 800ms
        at 800ms
        > 1 sends "a"
        2 gets "a"
        > wait 800ms
        at 1600ms
        > 2 sends "b"
        1 gets "b"
        > wait 3s
        at 2600ms
        stderr tcpx: 10.0.0.1:1: idle for 1s
        1 gets RST
        2 gets RST
        at 4600ms
        > signal TERM
        listens no more
        exit 143
        "#,
    );
}

#[test]
fn a_failed_handler_closes_its_connection_and_is_112_in_the_end() {
    play_script(
        r#"fn on_line(conn, line) { if line == "bad" { throw "no" } conn.send_line(line); }"#,
        r#"tcpx listen 127.0.0.1 1 --script SCRIPT --accept 2
        listens on 127.0.0.1:1
        stderr listening on 127.0.0.1:1
        > client; client
        listens no more
        > 1 sends "bad\n"
        stderr tcpx: SCRIPT:1:45: no
        stderr     1 | fn on_line(conn, line) { if line == "bad" { throw "no" } conn.send_line(line); }
        stderr       |                                             ^
        1 gets RST
        > 2 sends "good\n"
        2 gets "good\n"
        > 2 ends
        2 is closed
        exit 112
        "#,
    );
}

#[test]
fn a_script_decides_about_a_signal_and_hears_of_the_stop() {
    play_script(
        r#"fn on_signal(name) { if name == "HUP" { print("again"); } else { exit(5); } }
fn on_stop(code) { print(`over ${code}`); }"#,
        r#"tcpx listen 127.0.0.1 1 --script SCRIPT
        listens on 127.0.0.1:1
        stderr listening on 127.0.0.1:1
        > client
        > signal HUP
        stdout "again\n"
        > signal TERM
        listens no more
        1 gets FIN
        at 20ms
        1 is closed
        stdout "over 5\n"
        exit 5
        "#,
    );
}

#[test]
fn an_exit_of_a_script_sends_what_is_queued() {
    play_script(
        r#"fn on_data(conn, data) { conn.send("bye"); exit(3); }"#,
        r#"tcpx connect 127.0.0.1 1 --script SCRIPT
        1 connects to 127.0.0.1:1
        > 1 takes 1; 1 sends "x"
        1 gets "b"
        > wait 300ms
        at 300ms
        > 1 takes all
        1 gets "ye"
        1 gets FIN
        at 320ms
        1 is closed
        exit 3
        "#,
    );
}

#[test]
fn a_script_listens_too() {
    play_script(
        r#"fn on_start() {
    let l = listen("127.0.0.1:5");
    l.on_data = |conn, data| { conn.send("and "); conn.send(data); };
}"#,
        r#"tcpx connect 127.0.0.1 1 --script SCRIPT
        $ stdin null
        listens on 127.0.0.1:5
        1 connects to 127.0.0.1:1
        1 gets FIN
        > client
        > 2 sends "x"
        2 gets "and x"
        > 1 ends
        1 is closed
        > wait 2s
        at 2s
        > 2 ends
        2 is closed
        > signal TERM
        listens no more
        exit 143
        "#,
    );
}

#[test]
fn a_connection_that_is_not_sent_stdin_does_not_wait_for_it() {
    play_script(
        r#"fn on_start() {
    let l = listen("127.0.0.1:5");
    l.on_data = |conn, data| conn.send(data);
}"#,
        r#"tcpx connect 127.0.0.1 1 --script SCRIPT
        listens on 127.0.0.1:5
        1 connects to 127.0.0.1:1
        > client
        > 2 sends "x"
        2 gets "x"
        > 2 ends
        2 is closed
        > signal TERM
        listens no more
        1 gets RST
        exit 143
        "#,
    );
}

#[test]
fn a_connection_that_is_made_while_the_run_ends_closes_at_once() {
    play_script(
        r#"fn on_close(conn, why) { if conn.side == "server" { connect("127.0.0.1:7").send("bye"); } }"#,
        r#"tcpx listen 127.0.0.1 1 --script SCRIPT
        listens on 127.0.0.1:1
        stderr listening on 127.0.0.1:1
        > client
        > 1 holds 1; signal TERM
        listens no more
        2 connects to 127.0.0.1:7
        2 gets "bye"
        2 gets RST
        > 1 holds 0
        at 20ms
        1 gets RST
        exit 143
        "#,
    );
}

#[test]
fn lines_of_stdin_go_to_a_script_that_takes_them() {
    play_script(
        r#"fn on_stdin(line) { broadcast_line(line); }
fn on_stdin_eof() { exit(0); }"#,
        r#"tcpx listen 127.0.0.1 1 --script SCRIPT
        listens on 127.0.0.1:1
        stderr listening on 127.0.0.1:1
        > client
        > stdin "one\ntw"
        1 gets "one\n"
        > stdin "o\nrest"
        1 gets "two\n"
        > stdin ends
        listens no more
        1 gets "rest\n"
        1 gets FIN
        at 20ms
        1 is closed
        exit 0
        "#,
    );
}

#[test]
fn an_idle_handler_keeps_its_connection() {
    play_script(
        r#"fn on_connect(conn) { conn.idle_timeout = 1000; }
fn on_idle(conn, ms) { conn.send(`${ms}?`); }"#,
        r#"tcpx listen 127.0.0.1 1 --script SCRIPT
        listens on 127.0.0.1:1
        stderr listening on 127.0.0.1:1
        > client
        > wait 2500ms
        at 1s
        1 gets "1000?"
        at 2s
        1 gets "1000?"
        at 2500ms
        > 1 ends
        1 is closed
        > signal TERM
        listens no more
        exit 143
        "#,
    );
}

#[test]
fn on_eof_decides_when_our_side_closes() {
    play_script(
        r#"fn on_eof(conn) { conn.after(2000, |conn| { conn.send("bye"); conn.close(); }); }"#,
        r#"tcpx listen 127.0.0.1 1 --script SCRIPT
        listens on 127.0.0.1:1
        stderr listening on 127.0.0.1:1
        > client
        > 1 ends
        > wait 5s
        at 2s
        1 gets "bye"
        1 is closed
        at 5s
        > signal TERM
        listens no more
        exit 143
        "#,
    );
}

#[test]
fn a_connect_of_a_timer_is_tried_again_and_again() {
    play_script(
        r#"fn on_start() { connect("127.0.0.1:7", #{timeout: 500}); }
fn on_error(conn, err) { after(1000, || connect("127.0.0.1:7")); }"#,
        r#"tcpx listen 127.0.0.1 1 --script SCRIPT
        $ connects slowly
        1 connects to 127.0.0.1:7
        listens on 127.0.0.1:1
        stderr listening on 127.0.0.1:1
        > 1 refuses
        > wait 1s
        at 1s
        2 connects to 127.0.0.1:7
        > 2 stands
        > 2 ends
        2 is closed
        > signal TERM
        listens no more
        exit 143
        "#,
    );
}

#[test]
fn a_script_writes_bytes_and_text_without_line_ends() {
    play_script(
        r#"fn on_line(conn, line) { write(line); write(hex("0041")); write('c'); write(5); print("."); exit(3); }"#,
        r#"tcpx connect 127.0.0.1 1 --script SCRIPT
        $ stdin null
        1 connects to 127.0.0.1:1
        > 1 sends "é\n"
        stdout "é"
        stdout "\x00A"
        stdout "c"
        stdout "5"
        stdout ".\n"
        1 gets FIN
        at 20ms
        1 is closed
        exit 3
        "#,
    );
}
