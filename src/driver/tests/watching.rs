//! `--watch` in a run: when a changed script is loaded, and what becomes of one that does not load.

use super::play_script;

#[test]
fn a_changed_script_is_loaded_once_it_stands_still() {
    play_script(
        r#"fn on_line(conn, line) { conn.send("one") }"#,
        r#"tcpx listen 127.0.0.1 1 --watch --script SCRIPT
        listens on 127.0.0.1:1
        stderr listening on 127.0.0.1:1
        > client
        > script fn on_line(conn, line) { conn.send("other") }
        > 1 sends "x\n"
        1 gets "one"
        > wait 1s
        at 350ms
        stderr reloaded SCRIPT
        at 1s
        > 1 sends "x\n"
        1 gets "other"
        > signal TERM
        listens no more
        1 gets RST
        exit 143
        "#,
    );
}

#[test]
fn a_script_that_is_empty_or_changes_is_waited_for() {
    play_script(
        r#"fn on_line(conn, line) { conn.send("one") }"#,
        r#"tcpx listen 127.0.0.1 1 --watch --script SCRIPT
        listens on 127.0.0.1:1
        stderr listening on 127.0.0.1:1
        > client
        > script
        > wait 5s
        at 5s
        > script fn on_line(conn,
        > wait 60ms
        at 5060ms
        > script fn on_line(conn, line) { conn.send("other") }
        > wait 1s
        at 5250ms
        stderr reloaded SCRIPT
        at 6060ms
        > 1 sends "x\n"
        1 gets "other"
        > signal TERM
        listens no more
        1 gets RST
        exit 143
        "#,
    );
}

#[test]
fn a_script_that_does_not_load_is_told_once_and_not_used() {
    play_script(
        r#"fn on_line(conn, line) { conn.send("one") }"#,
        r#"tcpx listen 127.0.0.1 1 --watch --script SCRIPT
        listens on 127.0.0.1:1
        stderr listening on 127.0.0.1:1
        > client
        > script fn (
        > wait 5s
        at 350ms
        stderr tcpx: SCRIPT:1:4: expecting function name in function declaration
        stderr     1 | fn (
        stderr       |    ^
        stderr tcpx: SCRIPT: not reloaded, the version before goes on
        at 5s
        > 1 sends "x\n"
        1 gets "one"
        > script fn on_line(conn, line) { conn.send("fixed") }
        > wait 1s
        at 5200ms
        stderr reloaded SCRIPT
        at 6s
        > 1 sends "x\n"
        1 gets "fixed"
        > signal TERM
        listens no more
        1 gets RST
        exit 143
        "#,
    );
}

#[test]
fn a_script_is_not_looked_at_without_watch() {
    play_script(
        r#"fn on_line(conn, line) { conn.send("one") }"#,
        r#"tcpx listen 127.0.0.1 1 --script SCRIPT
        listens on 127.0.0.1:1
        stderr listening on 127.0.0.1:1
        > client
        > script fn on_line(conn, line) { conn.send("other") }
        > wait 60s
        at 60s
        > 1 sends "x\n"
        1 gets "one"
        > signal TERM
        listens no more
        1 gets RST
        exit 143
        "#,
    );
}
