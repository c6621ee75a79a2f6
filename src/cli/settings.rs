//! Defaults of the user's own: `config.toml` and `TCPX_OPTIONS`.
//!
//! Owns which options can have one, where they are read, and which counts. Only what people see or wait for can: never what a
//! run does with its bytes, because scripts that call tcpx know nothing of these defaults.

mod apply;
mod keys;
mod read;

use std::ffi::OsString;
use std::fmt::Write as _;
use std::path::PathBuf;

pub(super) use self::apply::are_read;
use self::keys::{KEYS, Key};
use super::generate::Voice;
use crate::codec::columns::width_of;
use crate::error::Result;
use crate::language;

/// Asks the environment for a variable.
pub(super) type Variable<'a> = &'a dyn Fn(&str) -> Option<OsString>;

/// The defaults of the user.
#[derive(Debug, Default)]
pub(super) struct Settings {
    /// Of those with the same key the last one counts.
    given: Vec<Given>,
    /// Where the file is looked for, and whether it is there.
    file: Option<(PathBuf, bool)>,
}

/// A setting that is given somewhere.
#[derive(Debug)]
struct Given {
    key: &'static Key,
    value: String,
    /// `TCPX_OPTIONS`, or file and line.
    from: String,
}

impl Settings {
    /// Reads the file, then the variable, which counts more.
    pub(super) fn load(variable: Variable<'_>) -> Result<Self> {
        let mut settings = Self::default();
        if let Some(path) = read::path(variable) {
            let text = read::file(&path)?;
            settings.file = Some((path.clone(), text.is_some()));
            settings.given =
                text.map(|text| read::toml(&path.display().to_string(), &text)).transpose()?.unwrap_or_default();
        }
        if let Some(words) = variable(read::VARIABLE) {
            settings.given.extend(read::words(&words)?);
        }
        Ok(settings)
    }

    fn find(&self, name: &str) -> Option<&Given> {
        self.given.iter().rev().find(|given| given.key.name == name)
    }

    fn value(&self, name: &str) -> Option<&str> {
        self.find(name).map(|given| given.value.as_str())
    }

    /// What `tcpx config show` prints: the file, then every setting with its value and where that is from.
    pub(super) fn show(&self) -> String {
        let mut text = match &self.file {
            Some((path, true)) => format!("{}\n", path.display()),
            Some((path, false)) => format!("{} ({})\n", path.display(), said("not there")),
            None => said("no file is read") + "\n",
        };
        let rows: Vec<_> = KEYS
            .iter()
            .map(|key| match self.find(key.name) {
                Some(given) => (key.name, given.value.clone(), given.from.clone()),
                None => (key.name, said(key.default), said("default")),
            })
            .collect();
        let widest = |column: fn(&(&str, String, String)) -> usize| rows.iter().map(column).max().unwrap_or_default();
        let (first, second) = (widest(|row| row.0.len()), widest(|row| width_of(&row.1)));
        for (name, value, from) in &rows {
            let gap = second - width_of(value);
            let _ = writeln!(text, "{name:first$}  {value}{:gap$}  {from}", "");
        }
        text
    }
}

/// A text in the language of the user.
fn said(text: &'static str) -> String {
    Voice(language::catalogue()).say(text).to_owned()
}

/// Every text of this module that is for people.
#[cfg(test)]
pub(super) fn texts() -> impl Iterator<Item = &'static str> {
    KEYS.iter().map(|key| key.default).filter(|text| text.contains(' ')).chain([
        "no file is read",
        "not there",
        "default",
    ])
}

#[cfg(test)]
mod tests;
