//! `tcpx test`.

use std::time::Duration;

use super::{Action, Config, Family, Input, Keepalive, Limits, Role, Text, is_stdout, limit, locale, run, values};
use crate::cli::args::TestArgs;
use crate::config::{Charset, Output, ReportTarget, Script, Tests, VerdictPatterns};
use crate::error::{Error, Result};

/// Tests that run at the same time, unless said.
const JOBS: usize = 8;
/// Time limit of a test, unless said.
const TEST_TIMEOUT: Duration = Duration::from_secs(30);

/// The tests of some scripts.
pub(super) fn resolve(args: &TestArgs) -> Result<Action> {
    if args.ipv4 && args.ipv6 {
        return Err(Error::usage_hint("-4 and -6 do not go together", "leave one of them out"));
    }
    let json = args
        .json
        .as_deref()
        .map(|path| if is_stdout(path) { ReportTarget::Stdout } else { ReportTarget::File(path.to_owned()) });
    if args.tap && json == Some(ReportTarget::Stdout) {
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
        junit: args.junit.clone(),
        json,
        sources,
    };
    if args.list {
        return Ok(Action::TestList(Box::new((tests, script))));
    }
    let charset = args.encoding.as_deref().map(|label| values::charset("--encoding", label)).transpose()?;
    let send = match charset {
        Some(Charset::Named(encoding)) => Some(encoding),
        Some(Charset::Auto(_)) | None => None,
    };
    Ok(Action::Run(Box::new(Config {
        role: Role::Run,
        family: match (args.ipv4, args.ipv6) {
            (true, _) => Family::V4,
            (_, true) => Family::V6,
            _ => Family::Any,
        },
        no_dns: args.no_dns,
        nodelay: true,
        keepalive: Keepalive::System,
        memory: None,
        text: Text { recv: charset, region: locale::region(|name| std::env::var(name).ok()), send, ..Text::default() },
        preamble: Vec::new(),
        input: Input { read: false, discard_received: false, half_open: false, no_shutdown: false, eof_wait: None },
        limits: Limits { run: limit("--timeout", args.timeout.as_deref())?, ..Limits::default() },
        output: Output { verbose: args.verbose, ..Output::default() },
        script: Some(script),
        verdict: VerdictPatterns::default(),
        tests: Some(tests),
    })))
}
