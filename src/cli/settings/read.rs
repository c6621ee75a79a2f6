//! Reading `config.toml` and `TCPX_OPTIONS`.

use std::ffi::OsStr;
use std::fs::OpenOptions;
use std::io::{ErrorKind, Read};
use std::os::unix::fs::OpenOptionsExt;
use std::path::{Path, PathBuf};

use rustix::fs::OFlags;
use toml::de::{DeTable, DeValue};

use super::keys::Key;
use super::{Given, Variable};
use crate::cli::usage::shown;
use crate::error::{Error, Result, cause};

/// Options as on a command line.
pub(super) const VARIABLE: &str = "TCPX_OPTIONS";
/// Maximum size of the file, in bytes.
const LARGEST: u64 = 64 << 10;

/// Where the file is: the standard of these folders, in which a path that is not absolute is as none.
pub(super) fn path(variable: Variable<'_>) -> Option<PathBuf> {
    let folder = |name| variable(name).map(PathBuf::from).filter(|path| path.is_absolute());
    let config = folder("XDG_CONFIG_HOME").or_else(|| folder("HOME").map(|home| home.join(".config")))?;
    Some(config.join("tcpx/config.toml"))
}

/// The text of the file, if it is there.
pub(super) fn file(path: &Path) -> Result<Option<String>> {
    // A FIFO must not hold up every start.
    let opened = OpenOptions::new().read(true).custom_flags(OFlags::NONBLOCK.bits().cast_signed()).open(path);
    let mut bytes = Vec::new();
    let read = opened.and_then(|file| file.take(LARGEST + 1).read_to_end(&mut bytes));
    let name = path.display().to_string();
    match read {
        Err(error) if matches!(error.kind(), ErrorKind::NotFound | ErrorKind::NotADirectory) => return Ok(None),
        // Whoever has become another user, with the HOME of the first, cannot even see whether there is one.
        Err(error) if error.kind() == ErrorKind::PermissionDenied && path.symlink_metadata().is_err() => {
            return Ok(None);
        }
        Err(error) => return Err(Error::ReadSettings { source_name: name, cause: cause(&error) }),
        Ok(_) => {}
    }
    if bytes.len() as u64 > LARGEST {
        return Err(Error::usage_hint(format!("{name} is too long: 64 KiB is the most"), NOT_AT_ALL));
    }
    let text = String::from_utf8(bytes);
    text.map(Some).map_err(|_| Error::usage_hint(format!("{name} is not UTF-8"), NOT_AT_ALL))
}

const NOT_AT_ALL: &str = "--no-config reads no file";

/// The settings of a file.
pub(super) fn toml(name: &str, text: &str) -> Result<Vec<Given>> {
    let line = |at: usize| 1 + text.bytes().take(at).filter(|byte| *byte == b'\n').count();
    let table = DeTable::parse(text).map_err(|error| {
        let at = error.span().map_or(0, |span| span.start);
        // What is wrong is in the first line; what would be right may follow.
        let mut lines = error.message().lines();
        let message = format!("{name}:{}: {}", line(at), lines.next().unwrap_or_default());
        lines.next().map_or_else(
            || Error::usage_hint(message.clone(), "a line is: connect-timeout = \"5s\""),
            |hint| Error::usage_hint(message.clone(), hint.to_owned()),
        )
    })?;
    let mut given = Vec::new();
    for (word, value) in table.into_inner() {
        let from = format!("{name}:{}", line(word.span().start));
        given.push((word.span().start, setting(word.get_ref(), value.get_ref(), &from)?));
    }
    given.sort_by_key(|(at, _)| *at);
    Ok(given.into_iter().map(|(_, given)| given).collect())
}

fn setting(word: &str, value: &DeValue<'_>, from: &str) -> Result<Given> {
    let key = Key::find(word).map_err(|error| at(from, &error))?;
    let value = match value {
        DeValue::String(text) => text.to_string(),
        DeValue::Boolean(value) => value.to_string(),
        DeValue::Integer(number) => number.as_str().to_owned(),
        DeValue::Float(number) => number.as_str().to_owned(),
        _ => {
            let hint = format!("write {word} = \"...\"");
            return Err(Error::usage_hint(format!("{from}: {word} is neither text, number, true nor false"), hint));
        }
    };
    key.check(&value).map_err(|error| at(from, &error))?;
    Ok(Given { key, value, from: from.to_owned() })
}

/// The settings of the variable.
pub(super) fn words(words: &OsStr) -> Result<Vec<Given>> {
    let text = words
        .to_str()
        .ok_or_else(|| Error::usage_hint(format!("{VARIABLE}: {} is not UTF-8", shown(words)), OPTIONS))?;
    let mut given = Vec::new();
    let mut words = text.split_whitespace().peekable();
    while let Some(word) = words.next() {
        if word.trim_start_matches('-').is_empty() || !word.starts_with('-') {
            return Err(Error::usage_hint(format!("{VARIABLE}: {word:?} is no option"), OPTIONS));
        }
        let (name, value) = match attached(word) {
            Some((name, value)) => (name, Some(value)),
            None => word.split_once('=').map_or((word, None), |(name, value)| (name, Some(value))),
        };
        let key = Key::find(name).map_err(|error| at(VARIABLE, &error))?;
        let value = match value {
            Some(value) => value,
            None if key.stands_alone() => key.alone(),
            None => words.next().ok_or_else(|| {
                Error::usage_hint(format!("{VARIABLE}: {name} needs a value"), format!("write {name}=..."))
            })?,
        };
        key.check(value).map_err(|error| at(VARIABLE, &error))?;
        given.push(Given { key, value: value.to_owned(), from: VARIABLE.to_owned() });
    }
    Ok(given)
}

/// A letter with its value, as in -w5 and -w=5.
fn attached(word: &str) -> Option<(&str, &str)> {
    let (at, _) = word.char_indices().nth(2).filter(|_| !word.starts_with("--"))?;
    let (name, value) = word.split_at(at);
    let takes_value = Key::find(name).is_ok_and(|key| !key.stands_alone());
    takes_value.then_some((name, value.strip_prefix('=').unwrap_or(value)))
}

const OPTIONS: &str = "it holds options, as in TCPX_OPTIONS='--connect-timeout 5s --no-history'";

/// An error with the place where it is.
fn at(from: &str, error: &Error) -> Error {
    let message = format!("{from}: {error}");
    match error.hint() {
        Some(hint) => Error::usage_hint(message, hint.into_owned()),
        None => Error::usage(message),
    }
}
