//! Connections that are ready at the same time are read before the first of them has its turn: what its handler does to the
//! others comes before what they have sent.

use super::play_script;

/// Two or three clients have come, and the handler of the first does `action` when it gets something.
#[track_caller]
fn acts(action: &str, rest: &str) {
    let script = format!(
        r#"fn on_connect(conn) {{ app[conn.id.to_string()] = conn; }}
        fn on_data(conn, data) {{
            print(`${{conn.id}}: ${{data.as_string()}}`);
            if conn.id == 1 {{ {action} }}
        }}"#
    );
    serves(&script, rest);
}

/// A server with this script.
#[track_caller]
fn serves(script: &str, rest: &str) {
    let begin = "tcpx listen 127.0.0.1 1 -k --script SCRIPT\nlistens on 127.0.0.1:1\nstderr listening on 127.0.0.1:1\n";
    play_script(script, &format!("{begin}{rest}"));
}

#[test]
fn what_was_read_early_waits_for_a_pause_to_end() {
    acts(
        r#"app["2"].pause(); conn.after(1000, |conn| app["2"].resume());"#,
        r#"
        > client; client
        > 1 sends "one"; 2 sends "two"
        stdout "1: one\n"
        > wait 2s
        at 1s
        stdout "2: two\n"
        at 2s
        > signal TERM
        listens no more
        1 gets RST
        2 gets RST
        exit 143
        "#,
    );
}

#[test]
fn what_was_read_early_is_cut_as_the_handler_of_another_has_chosen() {
    acts(
        r#"app["2"].expect("tw", |conn, m| print(`${conn.id} found ${m.before}`));"#,
        r#"
        > client; client
        > 1 sends "one\ntwo\n"; 2 sends "one\ntwo\n"
        stdout "1: one\ntwo\n\n"
        stdout "2 found one\n\n"
        stdout "2: o\n\n"
        > signal TERM
        listens no more
        1 gets RST
        2 gets RST
        exit 143
        "#,
    );
}

#[test]
fn what_was_read_early_goes_to_the_partner_that_a_handler_has_given_it() {
    acts(
        r#"conn.pipe(app["2"]);"#,
        r#"
        > client; client
        > 1 sends "one"; 2 sends "two"
        stdout "1: one\n"
        1 gets "two"
        > 1 sends "three"; 2 sends "four"
        2 gets "three"
        1 gets "four"
        > 1 ends; 2 ends
        2 is closed
        1 is closed
        > signal TERM
        listens no more
        exit 143
        "#,
    );
}

#[test]
fn what_was_read_early_passes_the_toxics_that_a_handler_has_added() {
    acts(
        r#"app["2"].toxic("latency", #{latency: 500});"#,
        r#"
        > client; client
        > 1 sends "one"; 2 sends "two"
        stdout "1: one\n"
        > wait 2s
        at 500ms
        stdout "2: two\n"
        at 2s
        > signal TERM
        listens no more
        1 gets RST
        2 gets RST
        exit 143
        "#,
    );
}

#[test]
fn what_was_read_early_is_nobodys_once_a_handler_has_closed_its_connection() {
    acts(
        r#"app["2"].close(); app["3"].reset();"#,
        r#"
        > client; client; client
        > 1 sends "one"; 2 sends "two"; 3 sends "three"
        stdout "1: one\n"
        2 gets FIN
        3 gets RST
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
fn what_was_read_early_is_waited_for_by_the_session_of_another() {
    serves(
        r#"fn session(conn) {
            app[conn.id.to_string()] = conn;
            if conn.id == 2 { sleep(1000); return; }
            let own = conn.read().as_string();
            let other = app["2"].read(3).as_string();
            conn.send(`${own} ${other}`);
        }"#,
        r#"
        > client; client
        > 1 sends "one"; 2 sends "two"
        1 gets "one two"
        1 gets FIN
        > 1 ends
        1 is closed
        > wait 1200ms
        at 1s
        2 gets FIN
        at 1200ms
        > 2 ends
        2 is closed
        > signal TERM
        listens no more
        exit 143
        "#,
    );
}

#[test]
fn an_end_and_a_reset_that_are_read_early_come_in_their_turns() {
    serves(
        r#"fn on_data(conn, data) { print(`${conn.id}: ${data.as_string()}`); }
        fn on_eof(conn) { print(`${conn.id} eof`); }
        fn on_close(conn, reason) { print(`${conn.id} ${reason}`); }"#,
        r#"
        > client; client; client
        > 1 sends "one"; 2 ends; 3 resets
        stdout "1: one\n"
        stdout "2 eof\n"
        stderr tcpx: read from 10.0.0.3:1: connection reset by peer
        stdout "3 reset\n"
        3 is closed
        > 1 sends "one"; 1 ends
        stdout "1: one\n"
        stdout "1 eof\n"
        > signal TERM
        listens no more
        stdout "1 stop\n"
        1 gets RST
        stdout "2 stop\n"
        2 gets RST
        exit 143
        "#,
    );
}
