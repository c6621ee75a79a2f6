//! `tcpx run`: a script from top to bottom, and what its end means.

use super::play_script;

#[test]
fn main_waits_and_its_value_is_the_exit_code() {
    play_script(
        r"fn main() { print(`hello ${args[0]}`); sleep(1500); print(`bye ${app.who}`); 3 }",
        r#"tcpx run --set who=bob SCRIPT alice
        stdout "hello alice\n"
        at 1500ms
        stdout "bye bob\n"
        exit 3
        "#,
    );
}

#[test]
fn what_is_no_integer_is_success() {
    play_script(r#"fn main() { "text" }"#, "tcpx run SCRIPT\n        exit 0\n        ");
}

#[test]
fn an_integer_that_is_no_exit_code_is_an_error() {
    play_script(
        "fn main() { 256 }",
        r"tcpx run SCRIPT
        stderr tcpx: SCRIPT: main() gives 256: an exit code is from 0 to 255
        exit 112
        ",
    );
}

#[test]
fn a_limit_that_passes_is_28() {
    play_script(
        r#"fn main() { let c = connect("127.0.0.1:1"); c.send("ping"); c.read_line(200) }"#,
        r#"tcpx run SCRIPT
        1 connects to 127.0.0.1:1
        1 gets "ping"
        > 1 sends "po"
        at 200ms
        stderr tcpx: SCRIPT:1:63: timed out after 200 ms waiting for a line; got 2 bytes: "po"
        stderr     1 | fn main() { let c = connect("127.0.0.1:1"); c.send("ping"); c.read_line(200) }
        stderr       |                                                               ^
        1 gets RST
        exit 28
        "#,
    );
}

#[test]
fn calls_of_main_have_a_limit_unless_they_say_one() {
    play_script(
        r#"fn main() { let c = connect("127.0.0.1:1"); try { c.read() } catch (e) { print(`${e.kind}: ${e}`) } }"#,
        r#"tcpx run SCRIPT
        1 connects to 127.0.0.1:1
        at 10s
        stdout "timeout: timed out after 10000 ms waiting for data; got nothing\n"
        1 gets FIN
        at 10020ms
        1 is closed
        exit 0
        "#,
    );
}

#[test]
fn a_failed_task_that_nobody_joins_counts() {
    play_script(
        r#"fn main() { let t = start(|| { throw "boo" }); sleep(1000); print("end") }"#,
        r#"tcpx run SCRIPT
        at 1s
        stdout "end\n"
        stderr tcpx: SCRIPT:1:32: boo
        stderr     1 | fn main() { let t = start(|| { throw "boo" }); sleep(1000); print("end") }
        stderr       |                                ^
        stderr     in a task started at SCRIPT:1
        exit 112
        "#,
    );
}

#[test]
fn the_end_of_main_ends_its_listeners_tasks_and_connections() {
    play_script(
        r#"fn main() {
    let l = listen("127.0.0.1:7");
    start(|| loop { sleep(1000) });
    let c = l.accept();
    c.send_line(c.read_line().to_upper());
}"#,
        r#"tcpx run SCRIPT
        listens on 127.0.0.1:7
        > client; 1 sends "hello\n"
        1 gets "HELLO\n"
        listens no more
        1 gets FIN
        at 20ms
        1 is closed
        exit 0
        "#,
    );
}

#[test]
fn a_signal_ends_it() {
    play_script(
        "fn main() { try { sleep(60000) } catch { print(\"never\") } }",
        "tcpx run SCRIPT\n        > signal TERM\n        exit 143\n        ",
    );
}
