//! Which options can have a default of the user's own, and what is said of the others.

use crate::cli::{help, values};
use crate::codec::nearest::nearest;
use crate::error::{Error, Result};

/// An option that can have a default.
#[derive(Debug)]
pub(super) struct Key {
    /// As the option is called, without its dashes.
    pub(super) name: &'static str,
    short: Option<&'static str>,
    kind: Kind,
    /// What counts without one.
    pub(super) default: &'static str,
}

#[derive(Debug)]
enum Kind {
    Encoding,
    Time,
    TimeOrZero,
    Flag,
    Word(&'static [&'static str]),
}

pub(super) const KEYS: &[Key] = &[
    Key { name: "encoding", short: Some("-E"), kind: Kind::Encoding, default: "bytes as they are" },
    Key { name: "connect-timeout", short: Some("-w"), kind: Kind::Time, default: "none; wait 5s, scan 2s" },
    Key { name: "retry-delay", short: None, kind: Kind::TimeOrZero, default: "1s" },
    Key { name: "script-timeout", short: None, kind: Kind::Time, default: "2s" },
    Key { name: "test-timeout", short: None, kind: Kind::Time, default: "30s" },
    Key { name: "progress", short: None, kind: Kind::Word(&["auto", "never"]), default: "never" },
    Key { name: "no-history", short: None, kind: Kind::Flag, default: "false" },
    Key { name: "color", short: None, kind: Kind::Word(&["auto", "never"]), default: "auto" },
];

impl Key {
    /// The key of a name, with or without the dashes of an option.
    pub(super) fn find(name: &str) -> Result<&'static Self> {
        let bare = name.trim_start_matches('-');
        let found = KEYS.iter().find(|key| key.name == bare || key.short == Some(name));
        found.ok_or_else(|| no_key(name, bare))
    }

    /// Whether it can stand without a value.
    pub(super) fn stands_alone(&self) -> bool {
        matches!(self.kind, Kind::Flag) || self.name == "progress"
    }

    /// What standing alone means.
    pub(super) fn alone(&self) -> &'static str {
        if matches!(self.kind, Kind::Flag) { "true" } else { "auto" }
    }

    /// Checks a value.
    pub(super) fn check(&self, value: &str) -> Result<()> {
        let name = self.name;
        match &self.kind {
            Kind::Encoding => values::charset(name, value).map(drop),
            Kind::Time => values::duration(name, value).map(drop),
            Kind::TimeOrZero => values::duration_or_zero(name, value).map(drop),
            Kind::Flag => one_of(name, value, &["true", "false"]),
            Kind::Word(words) => one_of(name, value, words),
        }
    }
}

fn one_of(name: &str, value: &str, words: &[&str]) -> Result<()> {
    if words.contains(&value) {
        return Ok(());
    }
    Err(Error::usage_hint(
        format!("{name} {value:?} is not one of its values"),
        format!("its values are {}", words.join(", ")),
    ))
}

fn no_key(name: &str, bare: &str) -> Error {
    let is_key = |known: &String| KEYS.iter().any(|key| key.name == known.as_str());
    if let Some(known) = option(name).filter(|known| !is_key(known)) {
        let reason = match known.as_str() {
            "timeout" | "idle-timeout" | "eof-wait" | "accept-timeout" => "it would end runs that are meant to go on",
            "verbose" | "quiet" | "hex" | "events" | "timestamps" | "label" => {
                "programs read what runs write, and would not expect it"
            }
            _ => "it would change what runs do, and what calls them does not know of it",
        };
        return Error::usage_hint(format!("{known} cannot be a default: {reason}"), "give it on the command line");
    }
    let hint = match nearest(bare, KEYS.iter().map(|key| key.name)) {
        Some(near) => format!("did you mean {near}?"),
        None => format!("the settings are {}", KEYS.iter().map(|key| key.name).collect::<Vec<_>>().join(", ")),
    };
    Error::usage_hint(format!("{name:?} is no setting"), hint)
}

/// The long name of an option of any command.
fn option(name: &str) -> Option<String> {
    let command = help::complete();
    let (bare, short) = (name.trim_start_matches('-'), name.strip_prefix('-').filter(|rest| rest.chars().count() == 1));
    command.get_subcommands().flat_map(clap::Command::get_arguments).find_map(|arg| {
        let long = arg.get_long().filter(|long| *long != "help");
        let is_short = short.is_some() && arg.get_short().map(String::from).as_deref() == short;
        // -v has a long name in some commands only.
        let known = long.map(str::to_owned).or_else(|| is_short.then(|| arg.get_id().to_string()))?;
        (long == Some(bare) || is_short || arg.get_id() == bare && arg.get_short().is_some()).then_some(known)
    })
}
