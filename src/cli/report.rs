//! The words of `tcpx report`, and what they ask for.
//!
//! Owns the options, their help and the rules between them. Reads no file; the conditions of `--fail-if` are those of
//! `load::Threshold`.

use std::path::PathBuf;

use clap::{ArgAction, Args, ValueHint};

use super::resolve::{is_stdout, target};
use super::rules::{contradiction, is_same_file};
use super::usage::shown;
use crate::codec::escape::show_line;
use crate::config::Target;
use crate::error::{Error, Result};
use crate::load::Threshold;

#[derive(Debug, Args)]
pub(super) struct ReportArgs {
    /// Results of load runs, each with one result or several; - is stdin
    #[arg(required = true, value_name = "FILE", value_hint = ValueHint::FilePath)]
    files: Vec<PathBuf>,
    /// Write the merged result to this file as JSON; - is stdout, without the text
    #[arg(
        long,
        value_name = "FILE|-",
        value_hint = ValueHint::FilePath,
        long_help = "Write the merged result to this file as one line of JSON, which can be merged again; - is stdout, without \
                     the text. docs/load.md describes every field"
    )]
    json: Option<PathBuf>,
    /// Write one HTML page with the latencies and the rate over time to this file; - is stdout
    #[arg(
        long,
        value_name = "FILE|-",
        value_hint = ValueHint::FilePath,
        long_help = "Write one HTML page that needs nothing else to this file: the latency by percentile, the rate over time, \
                     failures by reason. - is stdout, without the text"
    )]
    html: Option<PathBuf>,
    /// End with 1 if this holds for the merged result, as in 'p99 > 50ms'; repeat for more
    #[arg(
        long,
        value_name = "EXPR",
        action = ArgAction::Append,
        allow_hyphen_values = true,
        long_help = "End with 1 if this holds for the merged result. Can be repeated. What can be compared, by < <= > >= or ==: \
                     p50 p90 p95 p99 p99.9 max min mean with a time in us, ms, s, m or h, as in 'p99 > 50ms'; NAME.p99 for a measure \
                     of the script; failures with a number or a part of all runs, as in 'failures > 1%'; rate with runs a \
                     second, as in 'rate < 1000'; runs, cut, late, unstarted and NAME.count with a number. A time that was \
                     never measured counts as failed"
    )]
    fail_if: Vec<String>,
}

/// What `tcpx report` is to read and to write.
#[derive(Debug)]
pub struct Report {
    /// The files to merge; `-` is stdin, and there at most once.
    pub files: Vec<PathBuf>,
    /// Where the result goes as JSON.
    pub json: Option<Target>,
    /// Where the page goes.
    pub html: Option<Target>,
    /// Conditions under which the result has failed.
    pub fail_if: Vec<Threshold>,
}

/// Checks the words of `tcpx report`.
pub(super) fn resolve(args: ReportArgs) -> Result<Report> {
    let ReportArgs { files, json, html, fail_if } = args;
    if files.iter().filter(|file| is_stdout(file)).count() > 1 {
        return Err(Error::usage_hint(
            "- is given twice: stdin is read once",
            "cat FILE... | tcpx report -, which takes several results one after the other",
        ));
    }
    let outputs = [("--json", json.as_deref()), ("--html", html.as_deref())];
    if let [(_, Some(json)), (_, Some(html))] = outputs {
        if is_stdout(json) && is_stdout(html) {
            contradiction("--json -", "--html -", "name a file for one of them")?;
        }
        if !is_stdout(json) && !is_stdout(html) && is_same_file(json, html) {
            let message = format!("--json and --html are the same file, {}", shown(json.as_os_str()));
            return Err(Error::usage_hint(message, "write to another file"));
        }
    }
    for (option, output) in outputs {
        if let Some(output) = output.filter(|output| !is_stdout(output))
            && files.iter().any(|file| !is_stdout(file) && file.exists() && is_same_file(file, output))
        {
            let message = format!("{option} is one of the files to merge, {}", shown(output.as_os_str()));
            return Err(Error::usage_hint(message, "write to another file, so that it can be merged again"));
        }
    }
    let fail_if = fail_if.iter().map(|text| threshold("--fail-if", text)).collect::<Result<_>>()?;
    Ok(Report { files, json: json.as_deref().map(target), html: html.as_deref().map(target), fail_if })
}

/// Parses a condition.
pub(super) fn threshold(option: &str, text: &str) -> Result<Threshold> {
    Threshold::parse(text)
        .map_err(|fault| Error::usage_hint(format!("{option} \"{}\": {}", show_line(text), fault.message), fault.hint))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::cli::Action;
    use crate::cli::tests::{action, refused, refused_words};

    fn report(line: &str) -> Report {
        match action(line, false) {
            Ok(Action::Report(report)) => report,
            other => panic!("tcpx {line}: {other:?}"),
        }
    }

    #[test]
    fn files_and_targets() {
        let found = report("report a.json - b.json --json all.json --html -");
        assert_eq!(found.files, ["a.json", "-", "b.json"].map(PathBuf::from));
        assert_eq!((found.json, found.html), (Some(Target::File("all.json".into())), Some(Target::Stdout)));
        let plain = report("report a.json");
        assert!(plain.json.is_none() && plain.html.is_none() && plain.fail_if.is_empty());
        assert_eq!(report("report a.json --fail-if p99>50ms --fail-if=failures>1%").fail_if.len(), 2);
    }

    #[test]
    fn what_contradicts_itself_is_refused() {
        assert_eq!(refused("report"), "report needs a FILE | tcpx report FILE");
        assert_eq!(
            refused("report - -"),
            "- is given twice: stdin is read once | cat FILE... | tcpx report -, which takes several results one after the other"
        );
        assert_eq!(
            refused("report a --json - --html -"),
            "--json - and --html - contradict each other | name a file for one of them"
        );
        assert_eq!(
            refused("report a --json ./x --html x"),
            "--json and --html are the same file, \"./x\" | write to another file"
        );
        assert_eq!(
            refused("report a --frobnicate"),
            "unknown option \"--frobnicate\" | tcpx report --help shows the options"
        );
    }

    #[test]
    fn a_file_that_is_read_is_not_written() {
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("a.json");
        std::fs::write(&file, "{}").unwrap();
        let words = |option: &str| ["report".into(), file.clone().into(), option.into(), file.clone().into()];
        for option in ["--json", "--html"] {
            let wanted = format!(
                "{option} is one of the files to merge, {file:?} | write to another file, so that it can be merged again"
            );
            assert_eq!(refused_words(&words(option)), wanted);
        }
    }

    #[test]
    fn a_condition_is_checked_before_anything_is_read() {
        assert_eq!(
            refused("report a --fail-if p99"),
            "--fail-if \"p99\": there is no comparison | \
             write a condition, as in --fail-if 'p99 > 50ms'; the quotes keep > from the shell"
        );
        assert!(refused_words(&["report", "a", "--fail-if", "p99 > 50"].map(Into::into)).contains("has no unit"));
    }
}
