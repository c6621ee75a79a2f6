//! `tcpx test`.

use std::collections::HashSet;
use std::path::PathBuf;
use std::time::Duration;

use super::{Action, Config, Input, limit, run, target, values};
use crate::cli::args::TestArgs;
use crate::cli::rules::{self, is_same_file};
use crate::cli::usage::shown;
use crate::config::{Output, Script, Target, Tests};
use crate::error::{Error, Result};

/// Tests that run at the same time, unless said.
const JOBS: usize = 8;
/// Time limit of a test, unless said.
const TEST_TIMEOUT: Duration = Duration::from_secs(30);

/// The tests of some scripts.
pub(super) fn resolve(args: &TestArgs) -> Result<Action> {
    let json = args.json.as_deref().map(|path| values::report_file("--json", path).map(target)).transpose()?;
    let junit = args.junit.as_deref().map(|path| values::report_file("--junit", path).map(target)).transpose()?;
    let outputs = [
        ("--tap", args.tap, "--tap"),
        ("--json -", json == Some(Target::Stdout), "--json FILE"),
        ("--junit -", junit == Some(Target::Stdout), "--junit FILE"),
    ];
    let to_stdout: Vec<_> = outputs.iter().filter(|(_, is_there, _)| *is_there).collect();
    if let [(one, ..), (other, _, hint), ..] = to_stdout[..] {
        let message = format!("{one} and {other} both write to stdout");
        return Err(Error::usage_hint(message, format!("give one of them, or {hint}")));
    }
    if let (Some(Target::File(json)), Some(Target::File(junit))) = (&json, &junit)
        && is_same_file(json, junit)
    {
        let message = format!("--json and --junit are the same file, {}", shown(json.as_os_str()));
        return Err(Error::usage_hint(message, "write to another file"));
    }
    // Tests of a file that is named twice run once. The same text in another folder may import others.
    let mut seen = HashSet::new();
    let mut is_new = |path: &PathBuf| seen.insert(rules::place(path).unwrap_or_else(|| path.clone()));
    let files = args.scripts.iter().filter(|path| values::is_stdin(path) || is_new(path));
    let sources = files.map(|path| values::script_source(path)).collect::<Result<Vec<_>>>()?;
    let Some(first) = sources.first() else {
        return Err(Error::usage_hint("test needs a SCRIPT", "tcpx test SCRIPT"));
    };
    let script = Script { args: args.args.clone(), ..run::limited(first.clone(), &args.limits)? };
    let count = |option, number: Option<&str>| number.map(|number| values::count(option, number)).transpose();
    let tests = Tests {
        jobs: count("--jobs", args.jobs.as_deref())?.unwrap_or(JOBS),
        limit: limit("--test-timeout", args.test_timeout.as_deref())?.unwrap_or(TEST_TIMEOUT),
        filter: args.filter.as_deref().map(|text| values::pattern("--filter", text, true)).transpose()?,
        repeat: count("--repeat", args.repeat.as_deref())?.unwrap_or(1),
        fail_fast: args.fail_fast,
        tap: args.tap,
        colours: !args.no_color,
        junit,
        json,
        sources,
    };
    if args.list {
        return Ok(Action::TestList(Box::new((tests, script))));
    }
    let config = run::config(script, &args.conns, args.timeout.as_deref())?;
    Ok(Action::Run(Box::new(Config {
        input: Input { read: false, ..config.input },
        output: Output { verbose: args.verbose, ..Output::default() },
        tests: Some(tests),
        ..config
    })))
}
