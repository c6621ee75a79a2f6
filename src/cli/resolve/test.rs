//! `tcpx test`.

use std::path::Path;
use std::time::Duration;

use super::{Action, Config, Input, limit, run, target, values};
use crate::cli::args::TestArgs;
use crate::config::{Output, Script, Target, Tests};
use crate::error::{Error, Result};

/// Tests that run at the same time, unless said.
const JOBS: usize = 8;
/// Time limit of a test, unless said.
const TEST_TIMEOUT: Duration = Duration::from_secs(30);

/// The tests of some scripts.
pub(super) fn resolve(args: &TestArgs) -> Result<Action> {
    let json = args.json.as_deref().map(|path| values::report_file("--json", path).map(target)).transpose()?;
    let junit = args.junit.as_deref().map(|path| values::report_file("--junit", path)).transpose()?;
    if args.tap && json == Some(Target::Stdout) {
        return Err(Error::usage_hint("--tap and --json - both write to stdout", "give one of them, or --json FILE"));
    }
    let sources = args.scripts.iter().map(|path| values::script_source(path)).collect::<Result<Vec<_>>>()?;
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
        junit: junit.map(Path::to_owned),
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
