//! The templates of `tcpx script new`: small working scripts; that of handlers has every event as a comment.
//!
//! The events are generated from [`reference`], so the list is complete.

use crate::script::reference::{self, Entry, Group};

/// A new script with handlers.
pub fn handlers() -> String {
    let mut text = HEAD.to_owned();
    for entry in reference::group(Group::Handler) {
        if !HEAD.contains(&format!("\nfn {}(", entry.name)) {
            text.push('\n');
            text.push_str(&skeleton(&entry));
        }
    }
    text
}

/// A commented-out handler: its description and an empty body.
fn skeleton(entry: &Entry) -> String {
    let instead = if RECEIVERS.contains(&entry.name) { "Instead of on_line. " } else { "" };
    let mut lines = String::new();
    let mut line = "//".to_owned();
    for word in format!("{instead}{}", entry.doc).split(' ') {
        if line.len() + word.len() >= WIDTH {
            lines.push_str(&line);
            lines.push('\n');
            "//".clone_into(&mut line);
        }
        line.push(' ');
        line.push_str(word);
    }
    format!("{lines}{line}\n// fn {} {{\n// }}\n", entry.usage)
}

const RECEIVERS: [&str; 3] = ["on_data", "on_text", "on_frame"];
const WIDTH: usize = 100;

const HEAD: &str = r#"// What this script does, in one line.
//
//     tcpx script check FILE                       what is wrong with it, before anything runs
//     tcpx listen 7777 --script FILE               serves everybody who connects, until Ctrl-C
//     tcpx listen 7777 --script FILE --watch       the same, and it is loaded again when you save it
//     tcpx connect localhost 7777 --script FILE    the other side can be scripted, too
//
// "tcpx script new --session" has the same from top to bottom: it waits where it reads.
// "tcpx man tcpx-script" has all events, properties and functions, "tcpx script list" more examples.

// A line came, without its line end: it is answered with itself.
fn on_line(conn, line) {
    if line == "bye" {
        conn.send_line("bye");
        return conn.close();
    }
    conn.send_line(line);
}

// A connection is over. log writes to stderr, print to stdout.
fn on_close(conn, why) {
    log(`${conn.peer} is gone (${why}), ${conn.bytes_in} bytes received`);
}

// conn.state is yours, a map for each connection; app is a map for all of them:
//
//     conn.state.name = "bob";     app.count = (app.count ?? 0) + 1;

// ---- More events. Take the comment marks away from those you need; all of them are optional. ----
"#;

/// A new script that reads from top to bottom.
pub const SESSION: &str = r#"// What this script does, in one line.
//
//     tcpx script check FILE                       what is wrong with it, before anything runs
//     tcpx listen 7777 --script FILE               one session for each client, until Ctrl-C
//     tcpx connect localhost 7777 --script FILE    one session with the server
//
// "tcpx man tcpx-script" has all calls that wait.

// Waits where it reads; everybody else goes on meanwhile. Its end closes the connection.
fn session(conn) {
    conn.send("name? ");
    let name = conn.read_line();

    // A time limit in ms stands behind the other arguments; what fails throws a map.
    try {
        conn.send("favourite colour? ");
        let colour = conn.read_line(60000);
        conn.send_line(`${name}, I like ${colour}, too.`);
    } catch (e) {
        if e.kind != "timeout" { throw e; }
        conn.send_line("Never mind.");
    }

    // Until the peer's end.
    for line in conn.lines() {
        if line == "bye" { break; }
        conn.send_line(`${name}, you said ${line}`);
    }
    conn.send_line("goodbye");
}

// Beside it handlers for the rest, such as this one; log writes to stderr, print to stdout.
fn on_close(conn, why) {
    log(`${conn.peer} is gone (${why}), ${conn.bytes_in} bytes received`);
}
"#;

/// A new script of tests.
pub const TEST: &str = r#"// What is tested here, in one line.
//
//     tcpx test FILE                       every fn test_*(); exit 1 if one fails
//     tcpx test FILE --filter greets       some of them
//     tcpx test FILE --junit report.xml    for the pages of a CI server; --tap for prove
//
// Each test has an app of its own, and what it opens is closed at its end.

// The server under test; "host:port" of a real one would do as well.
fn server() {
    let listener = listen("127.0.0.1:0");
    listener.session = |c| {
        c.send_line("hello");
        for line in c.lines() { c.send_line(line.to_upper()); }
    };
    listener.addr
}

// Before each test; teardown() comes after it, whatever happened.
fn setup() {
    app.server = server();
}

fn test_it_greets() {
    let c = connect(app.server);
    assert_eq(c.read_line(), "hello");
}

fn test_it_answers_at_once() {
    let c = connect(app.server);
    c.expect("hello\n");
    c.send_line("abc");
    assert_eq(c.read_line(500), "ABC", "the answer");
    c.expect_silence(50);
}

// Once for each row, reported as test_upper[0] and so on.
fn cases_upper() {
    [["a", "A"], ["straße", "STRASSE"], ["", ""]]
}

fn test_upper(row) {
    let c = connect(app.server);
    c.read_line();
    c.send_line(row[0]);
    assert_eq(c.read_line(), row[1]);
}
"#;

#[cfg(test)]
mod tests {
    use super::*;
    use crate::config::ScriptSource;
    use crate::script::strict;

    fn check(text: &str) -> strict::Findings {
        let file = tempfile::NamedTempFile::new().unwrap();
        std::fs::write(file.path(), text).unwrap();
        strict::check(&ScriptSource::File(file.path().to_owned()))
    }

    #[test]
    fn the_templates_are_correct_scripts() {
        for text in [&handlers(), SESSION, TEST] {
            let found = check(text);
            assert!(found.faults.is_empty() && found.warnings.is_empty(), "{found:?}");
        }
    }

    #[test]
    fn the_template_contains_every_event() {
        let text = handlers();
        for entry in reference::group(Group::Handler) {
            assert!(text.contains(&format!("fn {} {{", entry.usage)), "{} is missing", entry.usage);
        }
        let code = text.replace("// fn ", "fn ").replace("// }", "}");
        let found = check(&code);
        assert!(found.faults.is_empty(), "{found:?}");
        assert!(text.lines().all(|line| line.len() <= 110), "lines are short");
    }
}
