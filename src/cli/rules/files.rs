//! Rules about files: one that is written is not one that is sent, and no two options write the same.

use std::fs::Metadata;
use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};

use super::contradiction;
use crate::cli::args::{ListenArgs, OutputArgs, TextArgs};
use crate::cli::resolve::is_stdout;
use crate::cli::usage::shown;
use crate::cli::values::is_stdin;
use crate::error::{Error, Result};

pub(super) fn stdin_is_not_a_file_to_send(text: &TextArgs) -> Result<()> {
    if text.send_file.iter().any(|path| is_stdin(path)) {
        return Err(Error::usage_hint(
            "--send-file - makes no sense: stdin is sent by itself, after every --send",
            "leave it out; a file of that name is ./-",
        ));
    }
    Ok(())
}

pub(super) fn output_is_not_a_file_to_send(text: &TextArgs, output: &OutputArgs) -> Result<()> {
    match &output.output {
        Some(output) => is_not_a_file_to_send("--output", output, text),
        None => Ok(()),
    }
}

pub(super) fn events_have_a_file_of_their_own(text: &TextArgs, output: &OutputArgs) -> Result<()> {
    let Some(events) = &output.events else { return Ok(()) };
    match &output.output {
        Some(output) if is_stdout(events) && is_stdout(output) => {
            return contradiction("--events -", "--output -", "name a file for one of them");
        }
        Some(output) if !is_stdout(events) && is_same_file(events, output) => {
            return Err(Error::usage_hint(
                format!("--events and --output are the same file, {}", shown(output.as_os_str())),
                "write to another file",
            ));
        }
        _ if is_stdout(events) => return Ok(()),
        _ => {}
    }
    is_not_a_file_to_send("--events", events, text)
}

/// It is removed at the start and replaced when clients can connect.
pub(super) fn the_ready_file_is_no_other_file(args: &ListenArgs) -> Result<()> {
    let Some(ready) = &args.server.ready_file else { return Ok(()) };
    let others =
        [("--output", &args.output.output), ("--events", &args.output.events), ("--script", &args.script.script)];
    let others = others.into_iter().filter_map(|(option, path)| Some((option, path.as_deref()?)));
    let sent = args.text.send_file.iter().map(|path| ("--send-file", path.as_path()));
    match others.chain(sent).find(|(_, path)| !is_stdout(path) && is_same_file(path, ready)) {
        Some((option, path)) => Err(Error::usage_hint(
            format!("--ready-file and {option} are the same file, {}", shown(path.as_os_str())),
            "write the address to another file",
        )),
        None => Ok(()),
    }
}

fn is_not_a_file_to_send(option: &str, written: &Path, text: &TextArgs) -> Result<()> {
    match text.send_file.iter().find(|path| identity(path).is_some() && identity(path) == identity(written)) {
        Some(path) => Err(Error::usage_hint(
            format!(
                "--send-file and {option} are the same file, {}: it would be emptied before it is sent",
                shown(path.as_os_str())
            ),
            "write to another file",
        )),
        None => Ok(()),
    }
}

/// Whether two paths are one regular file, or would be once it is created.
pub(in crate::cli) fn is_same_file(one: &Path, other: &Path) -> bool {
    match (identity(one), identity(other)) {
        (Some(one), Some(other)) => one == other,
        (None, None) => {
            one == other && !one.exists() || place_of_new(one).is_some_and(|one| place_of_new(other) == Some(one))
        }
        _ => false,
    }
}

/// Where a file is, whichever way leads to its folder; `None`: its folder is not there, or the path names none.
pub(in crate::cli) fn place(path: &Path) -> Option<PathBuf> {
    let folder = path.parent().filter(|folder| !folder.as_os_str().is_empty()).unwrap_or(Path::new("."));
    Some(folder.canonicalize().ok()?.join(path.file_name()?))
}

/// Where a file that does not exist would be created.
fn place_of_new(path: &Path) -> Option<PathBuf> {
    place(path).filter(|_| !path.exists())
}

/// What tells a regular file from all others.
fn identity(path: &Path) -> Option<(u64, u64)> {
    path.metadata().ok().filter(Metadata::is_file).map(|known| (known.dev(), known.ino()))
}
