//! Connections that a script makes: how many there may be, and names that nobody waits for any more.

use super::play_script;

#[test]
fn a_script_makes_as_many_connections_as_it_may_have_and_new_ones_once_others_are_over() {
    play_script(
        r#"fn on_start() { for i in 0..3 { try { connect("127.0.0.1:7") } catch (e) { print(e) } } }
fn on_close(conn, why) { if conn.side == "client" && why == "eof" { connect("127.0.0.1:9"); } }"#,
        r#"tcpx listen 127.0.0.1 1 --max-connects 2 --script SCRIPT
        1 connects to 127.0.0.1:7
        2 connects to 127.0.0.1:7
        stdout "connect("127.0.0.1:7"): the script has 2 connections already, the limit; --max-connects N sets it\n"
        listens on 127.0.0.1:1
        stderr listening on 127.0.0.1:1
        > 1 ends
        1 is closed
        3 connects to 127.0.0.1:9
        > signal TERM
        listens no more
        3 gets RST
        2 gets RST
        exit 143
        "#,
    );
}

#[test]
fn a_name_is_not_looked_up_for_a_connection_that_was_given_up() {
    play_script(
        r#"fn on_connect(conn) {
    let up = connect("up.example:7");
    conn.after(1000, |c| { up.close(); c.send(if up.is_open { "open" } else { "over" }); });
    conn.after(2000, |c| c.send(if up.is_open { "open" } else { "over" }));
    connect("late.example:7", #{timeout: 500});
}
fn on_error(conn, err) { print(err.kind); }"#,
        r#"tcpx listen 127.0.0.1 1 --script SCRIPT
        listens on 127.0.0.1:1
        stderr listening on 127.0.0.1:1
        > client
        resolves up.example
        resolves late.example
        > wait 3s
        at 500ms
        forgets Connect(3)
        stdout "timeout\n"
        at 1s
        forgets Connect(2)
        1 gets "open"
        at 2s
        1 gets "over"
        at 3s
        > signal TERM
        listens no more
        1 gets RST
        exit 143
        "#,
    );
}
