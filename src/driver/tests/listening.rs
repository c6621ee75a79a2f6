//! Listeners of a script on a name, which is resolved first: a task waits for them, and what comes of one that cannot be had.

use super::play_script;

#[test]
fn a_task_waits_until_its_listener_is_bound() {
    play_script(
        r#"fn main() { let l = listen("name:9"); print(l.addr); let c = l.accept(); print(c.read_line()); }"#,
        r#"tcpx run SCRIPT
        resolves name
        > wait 20ms
        at 20ms
        > name is 127.0.0.1
        listens on 127.0.0.1:9
        stdout "127.0.0.1:9\n"
        > client; 1 sends "hello\n"
        stdout "hello\n"
        listens no more
        1 gets FIN
        at 40ms
        1 is closed
        exit 0
        "#,
    );
}

#[test]
fn a_task_is_told_why_its_listener_cannot_be_had() {
    play_script(
        r#"fn on_error(conn, err) { print("nobody asks here"); }
        fn main() { try { listen("name:9"); } catch (e) { print(`${e.kind} ${e.op}`); } listen("name:9"); }"#,
        r#"tcpx run SCRIPT
        resolves name
        > name is unknown
        stdout "resolve listen\n"
        resolves name
        > name is unknown
        stderr tcpx: SCRIPT:2:89: resolve name: name or service not known
        stderr     2 |         fn main() { try { listen("name:9"); } catch (e) { print(`${e.kind} ${e.op}`); } listen("name:9"); }
        stderr       |                                                                                         ^
        exit 112
        "#,
    );
}

#[test]
fn the_listener_of_a_task_that_is_cancelled_is_given_up() {
    play_script(
        r#"fn main() {
            let task = start(|| listen("name:9"));
            try { task.join(300); } catch (e) { print(e.kind); }
            task.cancel();
            sleep(100);
            print("over");
        }"#,
        r#"tcpx run SCRIPT
        resolves name
        > wait 350ms
        at 300ms
        stdout "timeout\n"
        forgets Listen(Some(1))
        at 400ms
        stdout "over\n"
        exit 0
        "#,
    );
}

#[test]
fn a_listener_of_the_start_that_cannot_be_had_ends_the_run() {
    for (role, begin, end) in [
        ("listen 127.0.0.1 1", "listens on 127.0.0.1:1\nstderr listening on 127.0.0.1:1\n", "listens no more\n"),
        ("connect 127.0.0.1 1", "1 connects to 127.0.0.1:1\n", "1 gets RST\n"),
    ] {
        let said = "> name is unknown\nstderr tcpx: resolve name: name or service not known\n";
        let transcript = format!("tcpx {role} --script SCRIPT\nresolves name\n{begin}{said}{end}exit 112");
        play_script(r#"fn on_start() { listen("name:9"); } fn on_data(c, d) {}"#, &transcript);
    }
}

#[test]
fn a_later_one_counts_as_a_failure_of_the_script() {
    play_script(
        r#"fn on_data(conn, data) { listen("name:9"); }"#,
        r#"tcpx listen 127.0.0.1 1 --script SCRIPT --accept 1
        listens on 127.0.0.1:1
        stderr listening on 127.0.0.1:1
        > client
        listens no more
        > 1 sends "go"
        resolves name
        > name is unknown
        stderr tcpx: resolve name: name or service not known
        > 1 ends
        1 is closed
        exit 112
        "#,
    );
}

#[test]
fn what_on_error_takes_is_no_failure() {
    play_script(
        r#"fn on_start() { listen("name:9"); }
        fn on_error(conn, err) { print(`${type_of(conn)} ${err.kind}`); }
        fn main() { sleep(1000); }"#,
        r#"tcpx run SCRIPT
        resolves name
        > name is unknown
        stdout "() resolve\n"
        at 1s
        exit 0
        "#,
    );
}
