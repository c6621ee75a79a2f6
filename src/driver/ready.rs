//! `--ready-file` and `--ready-fd`: the address of the listener is written once clients can connect.
//!
//! Owns the format (`HOST:PORT`, LF) and that a reader of the file sees all of it or nothing.

use std::fs;
use std::io::{self, Write};
use std::path::Path;

use crate::config::Listen;
use crate::endpoint::Address;
use crate::error::{Error, Result, cause};
use crate::sys;

/// Writes the address and LF to the file and the descriptor of the options, if given.
pub(super) fn tell_ready(listen: &Listen, address: &Address) -> Result<()> {
    let line = format!("{address}\n");
    if let Some(path) = &listen.ready_file {
        write_and_rename(path, &line)
            .map_err(|error| Error::Write { target: path.display().to_string(), cause: cause(&error) })?;
    }
    if let Some(fd) = listen.ready_fd {
        sys::unix::take_fd(fd)
            .and_then(|mut file| file.write_all(line.as_bytes()))
            .map_err(|error| Error::Write { target: format!("descriptor {fd}"), cause: cause(&error) })?;
    }
    Ok(())
}

/// Removes the ready file of an earlier run, so that it is not mistaken for that of this run.
pub(super) fn remove_old_ready_file(listen: &Listen) -> Result<()> {
    let Some(path) = &listen.ready_file else { return Ok(()) };
    match fs::remove_file(path) {
        Err(error) if error.kind() != io::ErrorKind::NotFound => {
            Err(Error::Write { target: path.display().to_string(), cause: cause(&error) })
        }
        _ => Ok(()),
    }
}

/// Writes to a temporary file beside the path and renames it, so that a reader sees all of it or nothing.
fn write_and_rename(path: &Path, text: &str) -> io::Result<()> {
    let mut name = path.file_name().ok_or(io::ErrorKind::InvalidInput)?.to_owned();
    name.push(format!(".{}.tmp", std::process::id()));
    let beside = path.with_file_name(name);
    fs::write(&beside, text)?;
    fs::rename(&beside, path).inspect_err(|_| {
        let _ = fs::remove_file(&beside);
    })
}
