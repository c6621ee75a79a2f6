//! Clients that come while bytes of others wait: they are there before what was sent after them is handled.

use super::play_script;

#[test]
fn a_client_is_there_before_what_others_have_sent_since_is_handled() {
    // Whichever the kernel names first.
    for together in [r#"client; 1 sends "hello""#, r#"1 sends "hello"; client"#] {
        play_script(
            r#"fn on_connect(conn) { conn.send(`${conns().len()} here`); }
            fn on_data(conn, data) { broadcast(data, conn); }"#,
            &format!(
                r#"tcpx listen 127.0.0.1 1 -k --script SCRIPT
                listens on 127.0.0.1:1
                stderr listening on 127.0.0.1:1
                > client
                1 gets "1 here"
                > {together}
                2 gets "2 herehello"
                > signal TERM
                listens no more
                1 gets RST
                2 gets RST
                exit 143
                "#
            ),
        );
    }
}

#[test]
fn a_client_is_there_before_the_session_of_another_goes_on() {
    play_script(
        r#"fn session(conn) {
            conn.send_line(`${conns().len()} here`);
            broadcast_line(conn.read_line(), conn);
        }"#,
        r#"tcpx listen 127.0.0.1 1 --script SCRIPT
        listens on 127.0.0.1:1
        stderr listening on 127.0.0.1:1
        > client
        1 gets "1 here\n"
        > 1 sends "hello\n"; client
        1 gets FIN
        2 gets "2 here\nhello\n"
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
fn who_connects_after_another_has_ended_finds_that_done() {
    play_script(
        r#"fn on_connect(conn) { conn.send(`${conns().len()} here`); }
        fn on_eof(conn) { conn.close(); }"#,
        r#"tcpx listen 127.0.0.1 1 --script SCRIPT
        listens on 127.0.0.1:1
        stderr listening on 127.0.0.1:1
        > client
        1 gets "1 here"
        > 1 ends; client
        1 is closed
        2 gets "1 here"
        > signal TERM
        listens no more
        2 gets RST
        exit 143
        "#,
    );
}

#[test]
fn clients_that_came_with_one_that_stops_the_run_are_told_after_the_stop() {
    play_script(
        r#"fn on_connect(conn) { print(`${conn.id} comes`); exit(3); }"#,
        r#"tcpx listen 127.0.0.1 1 --script SCRIPT
        $ turns matter
        listens on 127.0.0.1:1
        stderr listening on 127.0.0.1:1
        > client; client
        stdout "1 comes\n"
        listens no more
        1 gets FIN
        stdout "2 comes\n"
        2 gets FIN
        at 20ms
        1 is closed
        2 is closed
        exit 3
        "#,
    );
}

#[test]
fn who_connects_after_a_line_of_stdin_finds_what_that_has_led_to() {
    play_script(
        r#"fn on_stdin(line) { app.said = line; }
        fn on_connect(conn) { conn.send(app.said); }"#,
        r#"tcpx listen 127.0.0.1 1 --script SCRIPT
        listens on 127.0.0.1:1
        stderr listening on 127.0.0.1:1
        > stdin "hello\n"; client
        1 gets "hello"
        > signal TERM
        listens no more
        1 gets RST
        exit 143
        "#,
    );
}
