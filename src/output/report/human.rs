//! `Human`: the report for people. One line for each test, the details of a failed one below it, totals at the end.
//!
//! Owns the words and columns of those lines, and when there are colours. The details are those of `details`. The words at the
//! beginning of lines (`ok`, `FAILED`, `skipped`, `stopped`) are the same in every language: programs look for them.

use std::ffi::OsStr;
use std::time::Duration;

use crate::codec::escape::show_line;
use crate::config::show_duration;
use crate::language::say;

use super::details::{self, Colour, Style};
use super::{Cut, Ended, Outcome, Plan, Reporter, TestResult, Totals};

/// Writes the report for people.
#[derive(Debug)]
pub struct Human {
    style: Style,
    /// Each line names the file.
    with_files: bool,
}

impl Human {
    /// `colours`: stdout is a terminal that shows them, see [`wants_colours`].
    pub fn new(colours: bool) -> Self {
        Self { style: Style { colours, is_spoken: true }, with_files: false }
    }
}

/// Whether a report has colours: on a terminal, unless it is a dumb one or `NO_COLOR` is set; anywhere with `CLICOLOR_FORCE`.
/// `variable` looks up the environment.
pub fn wants_colours<'a>(is_terminal: bool, variable: impl Fn(&str) -> Option<&'a OsStr>) -> bool {
    let is_set = |name: &str| variable(name).is_some_and(|value| !value.is_empty());
    let is_forced = variable("CLICOLOR_FORCE").is_some_and(|value| !value.is_empty() && value != "0");
    let is_dumb = variable("TERM").is_none_or(|value| value == "dumb");
    !is_set("NO_COLOR") && (is_forced || (is_terminal && !is_dumb))
}

impl Reporter for Human {
    fn begin(&mut self, plan: &Plan) -> Vec<u8> {
        self.with_files = plan.names_files;
        Vec::new()
    }

    fn test(&mut self, result: &TestResult) -> Vec<u8> {
        let (colour, word) = match result.outcome {
            Outcome::Passed => (Colour::Green, "ok"),
            Outcome::Failed | Outcome::Errored => (Colour::Red, "FAILED"),
            Outcome::Skipped { .. } => (Colour::Yellow, "skipped"),
            Outcome::Interrupted(_) => (Colour::Yellow, "stopped"),
            // Only the totals tell of them.
            Outcome::NotRun => return Vec::new(),
        };
        let mut name = if result.is_load_failure() {
            self.style.say("does not load").into_owned()
        } else {
            show_line(&result.name).into_owned()
        };
        if self.with_files {
            name = format!("{}: {name}", show_line(&result.file));
        }
        let padding = " ".repeat(COLUMN - word.len());
        let end = match &result.outcome {
            Outcome::Skipped { reason } if reason.is_empty() => String::new(),
            Outcome::Skipped { reason } => format!(": {}", show_line(&self.style.say(reason))),
            _ if result.is_load_failure() => String::new(),
            _ => format!(" ({})", self.style.paint(Colour::Faint, &time(result.duration))),
        };
        let mut text = format!("{}{padding}{name}{end}\n", self.style.paint(colour, word));
        let is_told = matches!(result.outcome, Outcome::Failed | Outcome::Errored | Outcome::Interrupted(_));
        let details = if is_told { details::lines(result, self.style) } else { Vec::new() };
        let bar = self.style.paint(Colour::Faint, "|");
        let printed = details::printed(result).map(|line| format!("{bar} {line}"));
        for line in details.into_iter().chain(details::notes(result, self.style)).chain(printed) {
            text += format!("    {line}").trim_end();
            text.push('\n');
        }
        text.into_bytes()
    }

    fn end(&mut self, totals: &Totals) -> Vec<u8> {
        let mut text = String::new();
        let why = match totals.ended {
            Ended::Complete => String::new(),
            Ended::FailFast => " (--fail-fast)".to_owned(),
            Ended::Interrupted(Cut::Signal) => " (interrupted)".to_owned(),
            Ended::Interrupted(Cut::Timeout(limit)) => format!(" (--timeout {})", show_duration(limit)),
        };
        if totals.not_run > 0 {
            text = say(&format!("not run: {}{why}", totals.not_run)).into_owned() + "\n";
        } else if let Ended::Interrupted(cut) = totals.ended {
            text = say(&cut.text()).into_owned() + "\n";
        }
        let failed = totals.failed + totals.errored - totals.not_loaded;
        let parts = [
            (totals.passed, format!("{} passed", totals.passed), Colour::Green),
            (failed, format!(", {failed} failed"), Colour::Red),
            (totals.not_loaded, format!(", {} not loaded", totals.not_loaded), Colour::Red),
            (totals.skipped, format!(", {} skipped", totals.skipped), Colour::Yellow),
            (totals.interrupted, format!(", {} stopped", totals.interrupted), Colour::Yellow),
            (totals.not_run, format!(", {} not run", totals.not_run), Colour::Yellow),
        ];
        for (at, (number, words, colour)) in parts.into_iter().enumerate() {
            if at > 0 && number == 0 {
                continue;
            }
            let words = say(&words);
            let (comma, words) = words.split_at(words.find(char::is_alphanumeric).unwrap_or(0));
            text += comma;
            text += &if number > 0 { self.style.paint(colour, words) } else { words.to_owned() };
        }
        let seconds = format!(" in {:.2} s", totals.duration.as_secs_f64());
        (text + say(&seconds).as_ref() + "\n").into_bytes()
    }
}

/// A duration in a readable unit.
fn time(duration: Duration) -> String {
    match duration.as_micros() {
        micros @ ..1_000_000 => format!("{} ms", micros / 1000),
        micros => format!("{}.{:02} s", micros / 1_000_000, micros % 1_000_000 / 10_000),
    }
}

/// Where names begin.
const COLUMN: usize = 9;
