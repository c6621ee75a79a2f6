//! The reports of `tcpx test`: which are wanted, and the files that they go to.
//!
//! Owns the files, which are created before a test runs. The formats are those of `output::report`.

use std::env;
use std::fs::File;
use std::io::Write;
use std::path::{Path, PathBuf};

use crate::config::{Target, Tests};
use crate::error::{Error, Result, cause};
use crate::output::report::human::{Human, wants_colours as wants};
use crate::output::report::json::Json;
use crate::output::report::junit::Junit;
use crate::output::report::tap::Tap;
use crate::verdicts::{Plan, Reporter, TestResult, Totals};

/// All reports of a run.
struct Reports {
    stdout: Box<dyn Reporter>,
    files: Vec<FileReport>,
}

/// A report in a file.
pub(super) struct FileReport {
    path: PathBuf,
    file: File,
    report: Box<dyn Reporter>,
    fault: Option<Error>,
}

/// The reports in files that are asked for. The files are empty until there is something to write.
///
/// # Errors
/// A file cannot be created.
pub(super) fn create(tests: &Tests) -> Result<Vec<FileReport>> {
    let mut files = Vec::new();
    if let Some(Target::File(path)) = &tests.junit {
        files.push(FileReport::create(path, Box::new(Junit::default()))?);
    }
    if let Some(Target::File(path)) = &tests.json {
        files.push(FileReport::create(path, Box::new(Json::default()))?);
    }
    Ok(files)
}

/// All reports that are asked for, with these in files.
pub(super) fn reporter(tests: &Tests, files: Vec<FileReport>, colours: bool) -> Box<dyn Reporter> {
    let stdout: Box<dyn Reporter> = match (&tests.json, &tests.junit) {
        (Some(Target::Stdout), _) => Box::new(Json::default()),
        (_, Some(Target::Stdout)) => Box::new(Junit::default()),
        _ if tests.tap => Box::new(Tap::default()),
        _ => Box::new(Human::new(colours)),
    };
    Box::new(Reports { stdout, files })
}

/// Whether the report for people has colours. `is_screen`: stdout is a terminal.
pub(super) fn wants_colours(is_screen: bool) -> bool {
    let names = ["NO_COLOR", "CLICOLOR_FORCE", "TERM"];
    let variables = names.map(|name| (name, env::var_os(name)));
    let value = |name: &str| variables.iter().find(|(known, _)| *known == name)?.1.as_deref();
    wants(is_screen, value)
}

impl Reporter for Reports {
    fn begin(&mut self, plan: &Plan) -> Vec<u8> {
        for file in &mut self.files {
            file.write(|report| report.begin(plan));
        }
        self.stdout.begin(plan)
    }

    fn test(&mut self, result: &TestResult) -> Vec<u8> {
        for file in &mut self.files {
            file.write(|report| report.test(result));
        }
        self.stdout.test(result)
    }

    fn end(&mut self, totals: &Totals) -> Vec<u8> {
        for file in &mut self.files {
            file.write(|report| report.end(totals));
        }
        self.stdout.end(totals)
    }

    fn fault(&mut self) -> Option<Error> {
        self.files.iter_mut().find_map(|file| file.fault.take())
    }
}

impl FileReport {
    fn create(path: &Path, report: Box<dyn Reporter>) -> Result<Self> {
        let failed = |fault: &std::io::Error| cannot_write(path, fault);
        let file = File::create(path).map_err(|fault| failed(&fault))?;
        Ok(Self { path: path.to_owned(), file, report, fault: None })
    }

    /// Writes what the report has to say. After a fault there is no point in it.
    fn write(&mut self, say: impl FnOnce(&mut dyn Reporter) -> Vec<u8>) {
        let bytes = say(&mut *self.report);
        if self.fault.is_none()
            && let Err(fault) = self.file.write_all(&bytes)
        {
            self.fault = Some(cannot_write(&self.path, &fault));
        }
    }
}

fn cannot_write(path: &Path, fault: &std::io::Error) -> Error {
    Error::Write { target: path.display().to_string(), cause: cause(fault) }
}
