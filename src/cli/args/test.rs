//! The options of `tcpx test`.

use std::path::PathBuf;

use clap::{ArgAction, Args, ValueHint};

use super::{ConnsArgs, ScriptLimitArgs, TIME};

/// The heading of the options for which tests run and how.
const TESTS: &str = "Tests";
/// The heading of the options for reports.
const REPORT: &str = "Report";

#[derive(Debug, Args)]
pub(in crate::cli) struct TestArgs {
    /// The scripts with the tests; @NAME is a built-in one, - is stdin
    #[arg(value_name = "SCRIPT", required = true, value_hint = ValueHint::FilePath)]
    pub(in crate::cli) scripts: Vec<PathBuf>,
    /// The scripts' args
    #[arg(value_name = "ARGS", last = true)]
    pub(in crate::cli) args: Vec<String>,

    /// Run only tests whose name matches this regular expression
    #[arg(long, value_name = "REGEX", help_heading = TESTS, allow_hyphen_values = true)]
    pub(in crate::cli) filter: Option<String>,
    /// Run so many tests at the same time [default: 8]
    #[arg(short = 'j', long, value_name = "N", help_heading = TESTS, allow_hyphen_values = true)]
    pub(in crate::cli) jobs: Option<String>,
    /// Run each test so many times
    #[arg(long, value_name = "N", help_heading = TESTS, allow_hyphen_values = true)]
    pub(in crate::cli) repeat: Option<String>,
    /// Begin no test any more after the first failure
    #[arg(long, help_heading = TESTS)]
    pub(in crate::cli) fail_fast: bool,
    #[arg(
        long,
        help_heading = TESTS,
        help = "Only say which tests there are",
        long_help = "Only say which tests there are, and on stderr which files do not load (exit 111)"
    )]
    pub(in crate::cli) list: bool,

    /// Report in TAP on stdout
    #[arg(long, help_heading = REPORT)]
    pub(in crate::cli) tap: bool,
    /// Write a report in JUnit's XML to this file too; - is stdout
    #[arg(long, value_name = "FILE|-", help_heading = REPORT, value_hint = ValueHint::FilePath)]
    pub(in crate::cli) junit: Option<PathBuf>,
    /// Write a report in JSON to this file too; - is stdout
    #[arg(long, value_name = "FILE|-", help_heading = REPORT, value_hint = ValueHint::FilePath)]
    pub(in crate::cli) json: Option<PathBuf>,
    #[arg(
        short = 'v',
        long = "verbose",
        action = ArgAction::Count,
        help_heading = REPORT,
        help = "Say on stderr what the connections do; repeat for more"
    )]
    pub(in crate::cli) verbose: u8,

    /// Stop a test after this time [default: 30s]
    #[arg(long, value_name = "DUR", help_heading = TIME, allow_hyphen_values = true)]
    pub(in crate::cli) test_timeout: Option<String>,
    #[arg(
        long,
        value_name = "DUR",
        allow_hyphen_values = true,
        help_heading = TIME,
        help = "End after this time, whatever happens",
        long_help = "End after this time, whatever happens (exit 28), with a report of what ran until then. It counts from the start of tcpx"
    )]
    pub(in crate::cli) timeout: Option<String>,

    #[command(flatten)]
    pub(in crate::cli) limits: ScriptLimitArgs,

    #[command(flatten)]
    pub(in crate::cli) conns: ConnsArgs,

    #[command(flatten)]
    pub(in crate::cli) settings: super::SettingsArgs,
    #[arg(skip)]
    pub(in crate::cli) no_color: bool,
}
