//! Much at once: whatever stops at a budget goes on by itself.

use super::{Budgets, run};

/// Runs a script with all budgets and with the least ones: each time 50 lines come out.
#[track_caller]
fn gives_fifty(script: &str, steps: &[&str], stream: &str) {
    let wanted = format!("{stream} in all {}", "a\n".repeat(50));
    for budgets in [Budgets::default(), Budgets::ONE] {
        let stage = run("tcpx connect 127.0.0.1 1 --script SCRIPT", steps, Some(script), budgets);
        let outcome = stage.borrow().outcome();
        assert!(outcome.contains(&wanted), "{budgets:?}: {outcome:#?}\n{}", stage.borrow().transcript());
    }
}

fn fifty(source: &str) -> String {
    format!("> {source} \"{}\"", "a\\n".repeat(50))
}

#[test]
fn lines_that_came_at_once_are_all_answered() {
    let script = "fn on_line(conn, line) { conn.send_line(line); }";
    gives_fifty(script, &[&fifty("1 sends"), "> 1 ends; stdin ends"], "1 gets");
}

#[test]
fn what_a_toxic_held_back_is_all_answered() {
    let script = r#"fn on_connect(conn) { conn.toxic("latency", #{latency: 40}); }
        fn on_line(conn, line) { conn.send_line(line); }"#;
    gives_fifty(script, &[&fifty("1 sends"), "> wait 200ms", "> 1 ends; stdin ends"], "1 gets");
}

#[test]
fn expects_go_on_with_what_came_at_once() {
    let script = r#"fn on_connect(conn) { again(conn); }
        fn again(conn) { conn.expect("a\n", |conn, m| { if !m.eof { conn.send_line("a"); again(conn); } }); }"#;
    gives_fifty(script, &[&fifty("1 sends"), "> 1 ends; stdin ends"], "1 gets");
}

#[test]
fn timers_that_are_due_at_once_are_all_called() {
    let script = r#"fn on_connect(conn) { for i in 0..50 { conn.after(100, |conn| conn.send_line("a")); } }"#;
    gives_fifty(script, &["> wait 200ms", "> 1 ends; stdin ends"], "1 gets");
}

#[test]
fn lines_of_stdin_are_all_given_to_the_script() {
    let script = "fn on_stdin(line) { print(line); }";
    gives_fifty(script, &[&fifty("stdin"), "> 1 ends; stdin ends"], "stdout");
}
