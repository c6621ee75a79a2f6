//! `Tap`: the report of `--tap`, in the Test Anything Protocol; `docs/reports.md` is the contract.
//!
//! Owns the lines and the YAML blocks: version 13 in the first line, since `prove` takes 14 for an error, and nothing that either
//! version would misread. The YAML is the common part of YAML 1.1, 1.2 and of what Perl's reader knows: double-quoted strings of
//! one line, numbers, lists and maps.

use std::fmt::Write;

use crate::codec::escape::{is_plain, show_line};

use super::details::{self, Style};
use super::diff;
use super::{Content, Ended, Failure, Outcome, Plan, Reporter, TestResult, Totals, headline};

/// Writes TAP.
#[derive(Debug, Default)]
pub struct Tap {
    /// Tests so far.
    number: usize,
    /// Test lines name the file.
    with_files: bool,
}

impl Reporter for Tap {
    fn begin(&mut self, plan: &Plan) -> Vec<u8> {
        self.with_files = plan.names_files;
        let why = if plan.tests == 0 { " # SKIP nothing to run" } else { "" };
        format!("TAP version 13\n1..{}{why}\n", plan.tests).into_bytes()
    }

    fn test(&mut self, result: &TestResult) -> Vec<u8> {
        self.number += 1;
        let file = if self.with_files { format!("{}: ", result.file) } else { String::new() };
        let (word, directive) = match &result.outcome {
            Outcome::Passed => ("ok", String::new()),
            Outcome::Failed | Outcome::Errored | Outcome::Interrupted(_) => ("not ok", String::new()),
            Outcome::Skipped { reason } => ("ok", format!(" # SKIP {}", escape(reason))),
            Outcome::NotRun => ("ok", " # SKIP not run".to_owned()),
        };
        let mut text = format!("{word} {} - {}", self.number, escape(&format!("{file}{}", result.name)));
        text += directive.trim_end();
        text.push('\n');
        if matches!(result.outcome, Outcome::Failed | Outcome::Errored | Outcome::Interrupted(_)) {
            push_yaml(&mut text, result);
        }
        let notes = details::notes(result, Style { colours: false, is_spoken: false });
        for line in notes.chain(details::printed(result)) {
            // Writing to a String cannot fail.
            let _ = writeln!(text, "{}", format!("# {line}").trim_end());
        }
        text.into_bytes()
    }

    fn end(&mut self, totals: &Totals) -> Vec<u8> {
        match totals.ended {
            Ended::Interrupted(cut) => format!("Bail out! {}\n", cut.text()).into_bytes(),
            Ended::Complete | Ended::FailFast => Vec::new(),
        }
    }
}

/// Text of a test line: on one line, and without a `#` or `\` that could end or change it.
fn escape(text: &str) -> String {
    show_line(text).replace('\\', "\\\\").replace('#', "\\#")
}

/// The YAML block of a test that is not ok.
fn push_yaml(text: &mut String, result: &TestResult) {
    let mut yaml = Yaml { text, indent: 2 };
    yaml.line("---");
    let message = match (headline(&result.failures), &result.outcome) {
        (Some(failure), _) => details::first_line(failure),
        (None, Outcome::Interrupted(cut)) => cut.text(),
        (None, outcome) => outcome.name().to_owned(),
    };
    yaml.string("message", &message);
    let severity = if result.outcome == Outcome::Failed { "fail" } else { "error" };
    yaml.string("severity", severity);
    yaml.string("outcome", result.outcome.name());
    yaml.string("file", &result.file);
    yaml.number("line", result.line);
    let micros = result.duration.as_micros();
    yaml.line(&format!("duration_ms: {}.{:03}", micros / 1000, micros % 1000));
    if !result.failures.is_empty() {
        yaml.line("failures:");
        for failure in &result.failures {
            push_failure(&mut yaml, failure);
        }
    }
    yaml.list("events", result.events.iter().map(String::as_str));
    yaml.line("...");
}

fn push_failure(yaml: &mut Yaml<'_>, failure: &Failure) {
    yaml.indent += 2;
    yaml.line(&format!("- kind: {}", quote(failure.kind.name())));
    yaml.indent += 2;
    yaml.string("message", &failure.message);
    if let Some(place) = &failure.place {
        yaml.line("at:");
        yaml.indent += 2;
        yaml.string("file", &place.file);
        yaml.number("line", place.line);
        yaml.number("column", place.column);
        if let Some(source) = &place.source {
            yaml.string("source", source);
        }
        yaml.indent -= 2;
    }
    if let Some(hint) = &failure.hint {
        yaml.string("hint", hint);
    }
    for (key, value) in [("expected", &failure.expected), ("received", &failure.received)] {
        if let Some(value) = value {
            match &value.content {
                Content::Text(text) | Content::Shown(text) => yaml.string(key, &details::cut(text, value.length)),
                Content::Bytes(_) | Content::Pattern(_) => yaml.string(key, &details::show_value(value)),
            }
        }
    }
    if let (Some(expected), Some(received)) = (&failure.expected, &failure.received) {
        let rows = diff::rows(expected, received).unwrap_or_default();
        let rows: Vec<_> = rows.iter().map(diff::Row::plain).collect();
        yaml.list("diff", rows.iter().map(String::as_str));
    }
    yaml.list("chain", failure.chain.iter().map(String::as_str));
    yaml.indent -= 4;
}

/// A YAML block under construction.
struct Yaml<'a> {
    text: &'a mut String,
    /// Spaces before each line.
    indent: usize,
}

impl Yaml<'_> {
    fn line(&mut self, line: &str) {
        // Writing to a String cannot fail.
        let _ = writeln!(self.text, "{:indent$}{line}", "", indent = self.indent);
    }

    fn string(&mut self, key: &str, value: &str) {
        self.line(&format!("{key}: {}", quote(value)));
    }

    fn number(&mut self, key: &str, value: usize) {
        self.line(&format!("{key}: {value}"));
    }

    /// A list of strings; nothing if it is empty.
    fn list<'a>(&mut self, key: &str, values: impl Iterator<Item = &'a str>) {
        for (number, value) in values.enumerate() {
            if number == 0 {
                self.line(&format!("{key}:"));
            }
            self.line(&format!("  - {}", quote_item(value)));
        }
    }
}

/// A double-quoted string on one line. Readers give the text back as it was; Perl's leaves `\uHHHH` as it is.
fn quote(text: &str) -> String {
    let mut quoted = String::from("\"");
    for character in text.chars() {
        match character {
            '"' | '\\' => quoted.extend(['\\', character]),
            '\n' => quoted.push_str("\\n"),
            '\r' => quoted.push_str("\\r"),
            '\t' => quoted.push_str("\\t"),
            _ if is_plain(character) => quoted.push(character),
            // Writing to a String cannot fail. All characters that are not plain are in the basic plane.
            _ if character <= '\u{ff}' => drop(write!(quoted, "\\x{:02x}", u32::from(character))),
            _ => drop(write!(quoted, "\\u{:04x}", u32::from(character))),
        }
    }
    quoted + "\""
}

/// The same as an item of a list, where Perl's reader takes a first word with a colon for a key.
fn quote_item(text: &str) -> String {
    let quoted = quote(text);
    match quoted.find(": ") {
        Some(at) if !quoted[..at].trim_end().contains(' ') => format!("{}\\x3a{}", &quoted[..at], &quoted[at + 1..]),
        _ => quoted,
    }
}
