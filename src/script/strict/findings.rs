//! What a check has found: kept without its words until it is known to be reported, because the words cost a look through
//! the whole text, and a text can have thousands of unknown names.

use std::collections::HashMap;

use rhai::Position;

use super::Unit;
use crate::codec::nearest::nearest;
use crate::script::error::{self, Report};
use crate::script::habits;
use crate::script::outline::{self, Word};
use crate::script::reference;

/// A finding: number of the text, position in it, what it is.
pub(super) type Fault = (usize, Position, Finding);

/// What was found.
#[derive(Clone, Debug, PartialEq)]
pub(super) enum Finding {
    /// A whole message.
    Report(Report),
    /// What is wrong, and what to do about it.
    Text { what: String, near: Option<String>, hint: Option<String> },
    /// A function that nobody has.
    Unknown { name: String, is_method: bool },
    /// A function that is not called like this; the numbers of arguments it has besides the script's own forms of it.
    WrongCount { name: String, count: usize, known: Vec<usize>, is_method: bool },
}

impl Finding {
    /// What is wrong and a hint.
    pub(super) fn text(what: impl Into<String>, hint: Option<&str>) -> Self {
        Self::Text { what: what.into(), near: None, hint: hint.map(str::to_owned) }
    }
}

/// The first messages, in the order of the text.
pub(super) fn listed(mut faults: Vec<Fault>, units: &[Unit], plural: &str) -> Vec<String> {
    faults.sort_by_key(|(text, at, _)| (*text, at.line(), at.position()));
    faults.dedup();
    let more = faults.len().saturating_sub(MAX_FINDINGS);
    let mut words = HashMap::new();
    let mut messages: Vec<_> =
        faults.into_iter().take(MAX_FINDINGS).map(|fault| message(fault, units, &mut words)).collect();
    if more > 0 {
        messages.push(format!("… and {more} more {}", if more == 1 { plural.trim_end_matches('s') } else { plural }));
    }
    messages
}

fn message<'a>((number, at, finding): Fault, units: &'a [Unit], words: &mut HashMap<usize, Vec<Word<'a>>>) -> String {
    let report = match finding {
        Finding::Report(report) => return report.message(),
        other => other,
    };
    let Some(unit) = units.iter().find(|unit| unit.number == number) else { return String::new() };
    let words = words.entry(number).or_insert_with(|| outline::words(&unit.source.text).collect());
    let (what, near, hint) = match report {
        Finding::Text { what, near, hint } => (what, near, hint),
        Finding::Unknown { name, is_method } => unknown(&name, is_method, words),
        Finding::WrongCount { name, count, known, is_method } => {
            let habit = if is_method { habits::of_connection(&name) } else { None };
            let habit = habit.or_else(|| habits::function(&name)).map(str::to_owned);
            let hint = habit.or_else(|| error::usage(&name, &unit.source)).or_else(|| {
                let counts: Vec<_> = known.iter().map(ToString::to_string).collect();
                (!counts.is_empty()).then(|| format!("it takes {}", counts.join(" or ")))
            });
            (format!("{name} cannot be called {}", arguments(count)), None, hint)
        }
        Finding::Report(_) => return String::new(),
    };
    error::finding(&unit.source, at, what, near.as_deref(), hint).message()
}

fn unknown<'a>(name: &'a str, is_method: bool, words: &[Word<'a>]) -> (String, Option<String>, Option<String>) {
    let is_variable =
        || words.iter().any(|word| (word.keyword != "fn" && word.name == name) || word.parameters.contains(&name));
    let hint = if is_method && reference::properties().any(|property| property == name) {
        Some("it is a property: leave the parentheses out".to_owned())
    } else if !is_method && is_variable() {
        Some(format!("a function in a variable is called with {name}.call(..)"))
    } else {
        habits::function(name).map(str::to_owned)
    };
    let near = if hint.is_some() {
        None
    } else {
        let own = words.iter().filter(|word| word.keyword == "fn" && word.depth == 0);
        let mut names: Vec<&str> = own.map(|word| word.name).collect();
        names.extend(reference::functions().map(|name| -> &str { name }));
        nearest(name, names).map(str::to_owned)
    };
    (format!("unknown function: {name}"), near, hint)
}

/// A number of arguments in words.
pub(super) fn arguments(count: usize) -> String {
    match count {
        0 => "without arguments".to_owned(),
        1 => "with 1 argument".to_owned(),
        _ => format!("with {count} arguments"),
    }
}

/// Maximum number of reported findings.
pub(super) const MAX_FINDINGS: usize = 20;
