//! `tcpx report`: reads results of load runs, merges them, writes the result, and checks conditions.
//!
//! Owns the order: everything is read and merged before anything is written. The forms are in `output::load`.

use std::fs::{self, File};
use std::io::{self, Read};
use std::path::Path;

use super::{print, print_text};
use crate::cli::Report;
use crate::config::Target;
use crate::error::{Error, Result, cause};
use crate::exit::Exit;
use crate::load::{Coverage, LoadResult, Threshold};
use crate::output::console;
use crate::output::load::{from_json, summary, to_html, to_json};
use crate::sys::unix;

/// Maximum size of a file of results in bytes: one of 10 000 seconds and 20 measures has 2 MiB.
const MAX_FILE: u64 = 64 << 20;

/// Merges the files and writes what is asked for; exit 1 if a condition holds.
pub(super) fn report(report: &Report) -> Result<Exit> {
    let result = merged(report)?;
    let mut on_stdout = None;
    for (target, form) in [(&report.json, to_json as fn(&LoadResult) -> String), (&report.html, to_html)] {
        match target {
            Some(Target::Stdout) => on_stdout = Some(form(&result)),
            Some(Target::File(path)) => write(path, &form(&result))?,
            None => {}
        }
    }
    Coverage::of(&result).warnings().iter().for_each(|warning| console::warn(warning));
    let printed = match on_stdout {
        Some(text) => print(&text),
        None => print_text(&summary(&result)),
    }?;
    Ok(if say_violations(&report.fail_if, &result) { Exit::Verdict } else { printed })
}

/// Reports the conditions that hold for a result. Returns whether there is one.
pub(super) fn say_violations(conditions: &[Threshold], result: &LoadResult) -> bool {
    let violations: Vec<_> = conditions.iter().filter_map(|condition| condition.violation(result)).collect();
    for message in &violations {
        console::error(&Error::Verdict { message: message.clone() });
    }
    !violations.is_empty()
}

fn merged(report: &Report) -> Result<LoadResult> {
    let mut merged: Option<LoadResult> = None;
    for path in &report.files {
        let source_name = name_of(path);
        let fault = |cause| Error::Read { source_name: source_name.clone(), cause };
        let text = read(path).map_err(fault)?;
        for result in from_json(&text).map_err(fault)? {
            match &mut merged {
                Some(merged) => merged.merge(&result).map_err(|cause| fault(format!("not merged: {cause}")))?,
                None => merged = Some(result),
            }
        }
    }
    Ok(merged.expect("there is a file, and each has a result"))
}

fn name_of(path: &Path) -> String {
    if path == Path::new("-") { "stdin".to_owned() } else { path.display().to_string() }
}

/// The bytes of a file, or of stdin.
fn read(path: &Path) -> std::result::Result<Vec<u8>, String> {
    let file = if path == Path::new("-") { unix::take_fd(0) } else { File::open(path) };
    let mut text = Vec::new();
    let read: io::Result<usize> = file.and_then(|file| file.take(MAX_FILE + 1).read_to_end(&mut text));
    read.map_err(|error| cause(&error))?;
    if text.len() as u64 > MAX_FILE {
        return Err(format!("larger than {} MiB: not a result of a load run", MAX_FILE >> 20));
    }
    Ok(text)
}

/// Writes a result to a file.
fn write(path: &Path, text: &str) -> Result<()> {
    fs::write(path, text).map_err(|error| cannot_write(path, &error))
}

/// A file cannot be created or written.
pub(super) fn cannot_write(path: &Path, error: &io::Error) -> Error {
    Error::Write { target: path.display().to_string(), cause: cause(error) }
}
