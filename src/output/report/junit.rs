//! `Junit`: the report of `--junit FILE`, as XML; `docs/reports.md` is the contract.
//!
//! Owns which field says what. The document needs the totals first, so all of it is returned at the end. What XML cannot hold is
//! escaped before it gets there: the text is that of the report for people.

use quick_junit::{NonSuccessKind, Report, TestCase, TestCaseStatus, TestSuite};

use crate::codec::escape::show_line;

use super::details::{self, Style};
use super::{Outcome, Plan, Reporter, TestResult, Totals, headline};

/// Writes JUnit's XML: a suite for each file.
#[derive(Debug, Default)]
pub struct Junit {
    suites: Vec<TestSuite>,
}

impl Reporter for Junit {
    fn begin(&mut self, _plan: &Plan) -> Vec<u8> {
        Vec::new()
    }

    fn test(&mut self, result: &TestResult) -> Vec<u8> {
        let file = show_line(&result.file);
        if self.suites.last().is_none_or(|suite| suite.name.as_str() != file) {
            self.suites.push(TestSuite::new(&*file));
        }
        if let Some(suite) = self.suites.last_mut() {
            suite.set_time(suite.time.unwrap_or_default() + result.duration);
            suite.add_test_case(case(result));
        }
        Vec::new()
    }

    fn end(&mut self, totals: &Totals) -> Vec<u8> {
        let mut report = Report::new("tcpx test");
        report.set_time(totals.duration).add_test_suites(self.suites.drain(..));
        let mut out = Vec::new();
        // Writing to a Vec cannot fail, and all text is UTF-8.
        let _ = report.serialize(&mut out);
        out
    }
}

fn case(result: &TestResult) -> TestCase {
    let headline = headline(&result.failures);
    let summary = headline.map(details::summary);
    let mut status = match &result.outcome {
        Outcome::Passed => TestCaseStatus::success(),
        Outcome::Failed => TestCaseStatus::non_success(NonSuccessKind::Failure),
        Outcome::Errored | Outcome::Interrupted(_) => TestCaseStatus::non_success(NonSuccessKind::Error),
        Outcome::Skipped { .. } | Outcome::NotRun => TestCaseStatus::skipped(),
    };
    match &result.outcome {
        Outcome::Passed => {}
        Outcome::Failed | Outcome::Errored => {
            status.set_type(headline.map_or("error", |failure| failure.kind.name()));
            status.set_message(summary.unwrap_or_default());
        }
        Outcome::Interrupted(cut) => {
            status.set_type(cut.name()).set_message(summary.unwrap_or_else(|| cut.text()));
        }
        Outcome::Skipped { reason } => {
            status.set_message(show_line(reason));
        }
        Outcome::NotRun => {
            status.set_message("not run");
        }
    }
    if matches!(result.outcome, Outcome::Failed | Outcome::Errored | Outcome::Interrupted(_)) {
        status.set_description(details::lines(result, Style { colours: false, is_spoken: false }).join("\n"));
    }
    let mut case = TestCase::new(&*show_line(&result.name), status);
    case.set_classname(class_name(&result.file)).set_time(result.duration).set_assertions(result.checks);
    case.extra.insert("file".into(), (&*show_line(&result.file)).into());
    case.extra.insert("line".into(), result.line.to_string().into());
    // The crate drops tabs.
    let notes = details::notes(result, Style { colours: false, is_spoken: false });
    let printed: String = notes.chain(details::printed(result)).map(|line| line.replace('\t', "    ") + "\n").collect();
    if !printed.is_empty() {
        case.set_system_out(printed);
    }
    case
}

/// The file as the name of a class: folders with dots between, without the extension.
fn class_name(file: &str) -> String {
    let path = file.strip_suffix(".rhai").unwrap_or(file);
    let parts: Vec<_> = path.split('/').filter(|part| !matches!(*part, "" | "." | "..")).collect();
    show_line(&parts.join(".")).into_owned()
}
