//! Checks the functions that runs and tests begin with: `session`, `main`, `test_*`, `cases_*`, `setup`, `teardown`.
//!
//! A function with such a name that the script calls itself is a helper.

use std::collections::HashSet;

use rhai::{ASTNode, Expr, Position, Stmt};

use super::Unit;
use super::findings::{Fault, Finding};
use crate::script::check;
use crate::script::outline;

/// Checks the script itself.
pub(super) fn check(unit: &Unit, faults: &mut Vec<Fault>) {
    let called = called(unit);
    let is_told = faults.iter().any(|(_, _, finding)| match finding {
        Finding::Report(report) => report.message().contains("session"),
        _ => false,
    });
    let words: Vec<_> =
        outline::words(&unit.source.text).filter(|word| word.keyword == "fn" && word.depth == 0).collect();
    let has = |name: &str| unit.functions.contains_key(name);
    let counts = |name: &str| -> Vec<usize> {
        words.iter().filter(|word| word.name == name).map(|word| word.parameters.len()).collect()
    };
    let has_tests = words.iter().any(|word| word.name.starts_with("test_"));
    let has_session = counts("session").iter().any(|count| *count <= 1);
    for word in &words {
        let (name, given) = (word.name, word.parameters.len());
        let at = Position::new(word.line as u16, word.column as u16);
        let mut fault = |what: String, hint: Option<&str>| {
            faults.push((unit.number, at, Finding::text(what, hint)));
        };
        if has_session && DATA.contains(&name) && !is_told {
            let what = format!("session() takes what is received: {name} cannot stand beside it");
            fault(what, Some("session(conn) reads by itself: conn.read(), conn.lines() and so on"));
        }
        if called.contains(name) {
            continue;
        }
        let is_counted = !["setup", "teardown"].contains(&name) || has_tests;
        if let Some((_, most, usage)) = ENTRIES.iter().find(|(known, ..)| *known == name)
            && is_counted
            && counts(name).iter().all(|count| count > most)
            && check::parameters(name).is_none()
        {
            fault(format!("{name} cannot have {}", parameters(given)), Some(usage));
        }
        if let Some(rest) = name.strip_prefix("test_") {
            let cases = format!("cases_{rest}");
            if given > 1 {
                fault(
                    format!("{name} cannot have {}", parameters(given)),
                    Some(&format!("fn {name}() or fn {name}(row)")),
                );
            } else if given == 1 && !has(&cases) {
                let hint = format!("fn {cases}() gives an array of rows, fn {name}() needs none");
                fault(format!("{name} has a parameter, but there is no {cases}"), Some(&hint));
            }
        }
        if let Some(rest) = name.strip_prefix("cases_") {
            let test = format!("test_{rest}");
            if !has(&test) {
                fault(format!("{name} has no test: there is no {test}"), Some(&format!("fn {test}(row)")));
            } else if given > 0 {
                fault(format!("{name} cannot have {}", parameters(given)), Some(&format!("fn {name}()")));
            }
        }
    }
}

/// The names of functions that the script calls or uses as values.
fn called(unit: &Unit) -> HashSet<String> {
    let mut called = HashSet::new();
    unit.each_node(&mut |path| {
        let (ASTNode::Stmt(Stmt::FnCall(call, _)) | ASTNode::Expr(Expr::FnCall(call, _) | Expr::MethodCall(call, _))) =
            path[path.len() - 1]
        else {
            return;
        };
        called.insert(call.name.to_string());
        if let ("Fn", Some(Expr::StringConstant(name, _))) = (call.name.as_str(), call.args.first()) {
            called.insert(name.to_string());
        }
    });
    called
}

fn parameters(count: usize) -> String {
    format!("{count} parameter{}", if count == 1 { "" } else { "s" })
}

/// Functions with a fixed name: maximum number of parameters, and the form.
const ENTRIES: [(&str, usize, &str); 4] = [
    ("session", 1, "fn session(conn)"),
    ("main", 0, "fn main(); the arguments are in args"),
    ("setup", 0, "fn setup()"),
    ("teardown", 0, "fn teardown()"),
];

/// Handlers of what a session reads.
const DATA: [&str; 5] = ["on_data", "on_text", "on_line", "on_frame", "on_eof"];

#[cfg(test)]
mod tests {
    use super::super::tests::{accepted, findings, heads};

    #[track_caller]
    fn one(text: &str, wanted: &str) {
        assert_eq!(heads(&findings(text).faults), [format!("reply.rhai:{wanted}")], "{text}");
    }

    #[test]
    fn entries_have_their_parameters() {
        one("fn session(conn, more) { conn.read(); }", "1:4: session cannot have 2 parameters");
        one("fn main(args) { print(args); }", "1:4: main cannot have 1 parameter");
        one("fn test_a() {}\nfn setup(x) {}", "2:4: setup cannot have 1 parameter");
        one("fn test_a() {}\nfn teardown(x) {}", "2:4: teardown cannot have 1 parameter");
        one("fn test_a(row) {}", "1:4: test_a has a parameter, but there is no cases_a");
        one("fn test_a(row, more) {}\nfn cases_a() { [] }", "1:4: test_a cannot have 2 parameters");
        one("fn cases_a() { [] }", "1:4: cases_a has no test: there is no test_a");
        one("fn test_a(row) {}\nfn cases_a(x) { [] }", "2:4: cases_a cannot have 1 parameter");
    }

    #[test]
    fn entries_and_helpers_with_such_names_are_accepted() {
        accepted("fn session(conn) { for line in conn.lines() { conn.send_line(line); } }");
        accepted("fn main() { let c = connect(\"a:1\"); print(c.read_all()); }");
        accepted("fn setup() {} fn teardown() {} fn test_a() {} fn test_b(row) { print(row); } fn cases_b() { [1] }");
        accepted(
            "fn on_connect(conn) { setup(conn); main(1); } fn setup(conn) { conn.eol = \"\"; } fn main(x) { print(x); }",
        );
        accepted("fn setup(conn) { conn.eol = \"\"; } fn on_connect(conn) { }");
        accepted("fn main() { test_all(1, 2); cases_of(1); } fn test_all(a, b) { print(a + b); } fn cases_of(x) { x }");
    }

    #[test]
    fn a_session_reads_alone() {
        for handler in ["on_data(c, d)", "on_text(c, t)", "on_line(c, l)", "on_frame(c, f)", "on_eof(c)"] {
            let name = handler.split('(').next().unwrap();
            let found = heads(&findings(&format!("fn session(conn) {{ conn.read(); }}\nfn {handler} {{}}")).faults);
            assert!(found.len() == 1 && found[0].contains("session") && found[0].contains(name), "{found:?}");
        }
        accepted("fn session(conn) { conn.read(); } fn on_connect(c) {} fn on_close(c, w) {} fn on_idle(c, ms) {}");
    }
}
