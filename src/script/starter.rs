//! The template of `tcpx script new`: a small working script, and every event as a comment.
//!
//! The events are generated from [`reference`], so the list is complete.

use crate::script::reference::{self, Entry, Group};

/// The text of a new script.
pub fn starter() -> String {
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
    fn the_template_is_a_correct_script() {
        let found = check(&starter());
        assert!(found.faults.is_empty() && found.warnings.is_empty(), "{found:?}");
    }

    #[test]
    fn the_template_contains_every_event() {
        let text = starter();
        for entry in reference::group(Group::Handler) {
            assert!(text.contains(&format!("fn {} {{", entry.usage)), "{} is missing", entry.usage);
        }
        let code = text.replace("// fn ", "fn ").replace("// }", "}");
        let found = check(&code);
        assert!(found.faults.is_empty(), "{found:?}");
        assert!(text.lines().all(|line| line.len() <= 110), "lines are short");
    }
}
