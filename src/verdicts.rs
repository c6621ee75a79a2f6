//! What became of tests, as plain data, and the trait of whoever reports it.
//!
//! Shared by the script floor, which runs the tests, and the reports of the output floor. Knows no format.

use std::time::Duration;

use crate::config::show_duration;
use crate::error::Error;

/// Takes the results of a run in the order of the source. Each call returns the bytes to write next; a format that needs the
/// totals first returns all of them at the end.
pub trait Reporter {
    /// Before the first result.
    fn begin(&mut self, plan: &Plan) -> Vec<u8>;
    /// One test: each test of the plan is given once, whether it ran or not.
    fn test(&mut self, result: &TestResult) -> Vec<u8>;
    /// After the last result.
    fn end(&mut self, totals: &Totals) -> Vec<u8>;
    /// Why a report could not be written, asked after the end.
    fn fault(&mut self) -> Option<Error> {
        None
    }
}

/// What is about to run.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Plan {
    /// Number of results that follow: tests, rows and repetitions included, and files that do not load.
    pub tests: usize,
    /// People see the file of each test: there are several, or it does not load.
    pub names_files: bool,
}

/// What became of one test.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TestResult {
    /// The file as given on the command line.
    pub file: String,
    /// `test_x`, `test_x[0]`, `test_x[name of the row]`, `test_x#3`; [`LOAD`] for a file that does not load.
    pub name: String,
    /// Line of its function, or of what keeps its file from loading; from 1.
    pub line: usize,
    /// How it ended.
    pub outcome: Outcome,
    /// Failed `check`s, in order, and the error that ended it.
    pub failures: Vec<Failure>,
    /// What is probably a mistake in it, one line each.
    pub notes: Vec<String>,
    /// What it printed.
    pub printed: String,
    /// The last events of its connections, oldest first, one line each.
    pub events: Vec<String>,
    /// Number of checks and assertions that were evaluated.
    pub checks: usize,
    /// How long it ran.
    pub duration: Duration,
}

/// The name of the result of a file that does not load: its tests are not known.
pub const LOAD: &str = "load";

impl TestResult {
    /// Whether it is that of a file that does not load.
    pub fn is_load_failure(&self) -> bool {
        headline(&self.failures).is_some_and(|failure| failure.kind == Kind::Load)
    }
}

/// What has ended a run from outside.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Cut {
    /// A signal, or whoever read its output has gone.
    Signal,
    /// The time limit of the run, which is this long.
    Timeout(Duration),
}

impl Cut {
    /// What is said of it in messages of one line.
    pub fn text(self) -> String {
        match self {
            Self::Signal => "interrupted".to_owned(),
            Self::Timeout(limit) => format!("timed out after {} (--timeout)", show_duration(limit)),
        }
    }

    /// The name in reports.
    pub fn name(self) -> &'static str {
        match self {
            Self::Signal => "interrupted",
            Self::Timeout(_) => "timed_out",
        }
    }
}

/// How a test ended.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Outcome {
    /// Everything held.
    Passed,
    /// The answer was no: an assertion, a `check`, `fail()`, `exit()`, a call that waited for something that did not come.
    Failed,
    /// There was no answer: a script error, a time limit of the test, a failed `setup()` or `teardown()`, a file that does not load.
    Errored,
    /// It called `skip()`, or there are no rows for it.
    Skipped {
        /// Why; may be empty.
        reason: String,
    },
    /// It was running when the run was ended from outside.
    Interrupted(Cut),
    /// The run ended before it began.
    NotRun,
}

impl Outcome {
    /// The outcome of a test that ended by itself with these failures: that of the first but for `check`s.
    pub fn of(failures: &[Failure]) -> Self {
        match headline(failures) {
            None => Self::Passed,
            Some(failure) if failure.kind.is_error() => Self::Errored,
            Some(_) => Self::Failed,
        }
    }

    /// The name in JSON.
    pub fn name(&self) -> &'static str {
        match self {
            Self::Passed => "passed",
            Self::Failed => "failed",
            Self::Errored => "errored",
            Self::Skipped { .. } => "skipped",
            Self::Interrupted(_) => "interrupted",
            Self::NotRun => "not_run",
        }
    }
}

/// One thing that went wrong in a test.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Failure {
    /// What found it.
    pub kind: Kind,
    /// What happened; the first line is the summary.
    pub message: String,
    /// A suggestion, without `hint: `.
    pub hint: Option<String>,
    /// Where in the script.
    pub place: Option<Place>,
    /// The calls around it, innermost first: `in helper(), called at a.rhai:2:11`.
    pub chain: Vec<String>,
    /// What a comparison or `expect` wanted.
    pub expected: Option<Value>,
    /// What there was instead.
    pub received: Option<Value>,
}

impl Failure {
    /// A failure without a place.
    pub fn new(kind: Kind, message: impl Into<String>) -> Self {
        let message = message.into();
        Self { kind, message, hint: None, place: None, chain: Vec::new(), expected: None, received: None }
    }
}

/// The failure that decided how a test ended: the first after which it did not go on, else the first of all.
pub fn headline(failures: &[Failure]) -> Option<&Failure> {
    failures.iter().find(|failure| failure.kind != Kind::Check).or(failures.first())
}

/// What found a failure.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    /// A `check`, after which the test went on.
    Check,
    /// An `assert`.
    Assert,
    /// A call that waited for something else than what came, the end and a reset included.
    Expect,
    /// A call that waited longer than its time limit.
    Timeout,
    /// `fail()`.
    Fail,
    /// `exit()`.
    Exit,
    /// Any other error that the test did not catch.
    Error,
    /// A time limit of the test, or of what it computes.
    Limit,
    /// Anything in `setup()`.
    Setup,
    /// Anything in `teardown()`.
    Teardown,
    /// The file does not load, or its tests cannot be found: `cases_x()` fails.
    Load,
}

impl Kind {
    /// Whether it is no answer at all, rather than the answer "no".
    pub fn is_error(self) -> bool {
        matches!(self, Self::Error | Self::Limit | Self::Setup | Self::Teardown | Self::Load)
    }

    /// The name in reports.
    pub fn name(self) -> &'static str {
        match self {
            Self::Check => "check",
            Self::Assert => "assert",
            Self::Expect => "expect",
            Self::Timeout => "timeout",
            Self::Fail => "fail",
            Self::Exit => "exit",
            Self::Error => "error",
            Self::Limit => "limit",
            Self::Setup => "setup",
            Self::Teardown => "teardown",
            Self::Load => "load",
        }
    }
}

/// A place in a script.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Place {
    /// The file, as messages name it.
    pub file: String,
    /// The line, from 1.
    pub line: usize,
    /// The column in characters, from 1.
    pub column: usize,
    /// The text of the line, if it is known.
    pub source: Option<String>,
}

/// A value that was compared, or the beginning of a long one.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Value {
    /// What is kept of it.
    pub content: Content,
    /// Length of the whole in bytes.
    pub length: usize,
}

/// What a value is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Content {
    /// A string.
    Text(String),
    /// Any other value, as a script shows it: its length is that of this text.
    Shown(String),
    /// A Blob.
    Bytes(Vec<u8>),
    /// A pattern: nothing that could be compared with what came line by line.
    Pattern(String),
}

impl Value {
    /// The whole of a value.
    pub fn whole(content: Content) -> Self {
        let length = content.bytes().len();
        Self { content, length }
    }

    /// Keeps at most so many bytes of it.
    pub fn cut(mut self, most: usize) -> Self {
        match &mut self.content {
            Content::Bytes(bytes) => bytes.truncate(most),
            Content::Text(text) | Content::Shown(text) | Content::Pattern(text) if text.len() > most => {
                text.truncate((0..=most).rev().find(|at| text.is_char_boundary(*at)).unwrap_or_default());
            }
            Content::Text(_) | Content::Shown(_) | Content::Pattern(_) => {}
        }
        self
    }

    /// Whether something of it is not kept.
    pub fn is_cut(&self) -> bool {
        self.content.bytes().len() < self.length
    }
}

impl Content {
    /// Its bytes; those of a text in UTF-8.
    pub fn bytes(&self) -> &[u8] {
        match self {
            Self::Text(text) | Self::Shown(text) | Self::Pattern(text) => text.as_bytes(),
            Self::Bytes(bytes) => bytes,
        }
    }
}

/// How many tests ended how.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Totals {
    /// Tests that passed.
    pub passed: usize,
    /// Tests that failed.
    pub failed: usize,
    /// Tests that ended by an error, and files that do not load.
    pub errored: usize,
    /// Files that do not load; they are in `errored`, too.
    pub not_loaded: usize,
    /// Tests that were skipped: by `skip()`, or for want of rows.
    pub skipped: usize,
    /// Tests that were running when the run was ended from outside.
    pub interrupted: usize,
    /// Tests that did not begin.
    pub not_run: usize,
    /// Why the run ended.
    pub ended: Ended,
    /// How long the run took.
    pub duration: Duration,
}

/// Why a run of tests ended.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Ended {
    /// All tests have run.
    #[default]
    Complete,
    /// A test failed, and `--fail-fast` was given.
    FailFast,
    /// Something from outside.
    Interrupted(Cut),
}

impl Totals {
    /// Counts one more result.
    pub fn count(&mut self, result: &TestResult) {
        let number = match result.outcome {
            Outcome::Passed => &mut self.passed,
            Outcome::Failed => &mut self.failed,
            Outcome::Errored => &mut self.errored,
            Outcome::Skipped { .. } => &mut self.skipped,
            Outcome::Interrupted(_) => &mut self.interrupted,
            Outcome::NotRun => &mut self.not_run,
        };
        *number += 1;
        self.not_loaded += usize::from(result.is_load_failure());
    }

    /// Whether every test that was to run has passed or was skipped.
    pub fn is_green(&self) -> bool {
        self.failed + self.errored + self.interrupted + self.not_run == 0
    }
}
