//! The built-in scripts: all files of `scripts/`, embedded.

use crate::codec::escape::show_line;
use crate::codec::nearest::nearest;

/// A built-in script's text, by its name without the `@`.
pub fn find(name: &str) -> Option<&'static str> {
    SCRIPTS.iter().find(|(known, _)| *known == name).map(|(_, text)| *text)
}

/// All built-in scripts: name and one-line description.
pub fn list() -> impl Iterator<Item = (&'static str, &'static str)> {
    SCRIPTS.iter().map(|(name, text)| (*name, description(text)))
}

/// The error for an unknown name.
pub fn unknown(name: &str) -> String {
    let names = SCRIPTS.iter().map(|(known, _)| *known);
    let hint = match nearest(name, names.clone()) {
        Some(near) => format!("did you mean @{near}?"),
        None => format!("there are @{}", names.collect::<Vec<_>>().join(", @")),
    };
    format!("no built-in script has the name @{}\nhint: {hint}", show_line(name))
}

fn description(text: &'static str) -> &'static str {
    text.lines().next().unwrap_or_default().trim_start_matches("//").trim()
}

const SCRIPTS: &[(&str, &str)] = &[
    ("binary", include_str!("../../scripts/binary.rhai")),
    ("broker", include_str!("../../scripts/broker.rhai")),
    ("chargen", include_str!("../../scripts/chargen.rhai")),
    ("chat", include_str!("../../scripts/chat.rhai")),
    ("daytime", include_str!("../../scripts/daytime.rhai")),
    ("discard", include_str!("../../scripts/discard.rhai")),
    ("echo", include_str!("../../scripts/echo.rhai")),
    ("faults", include_str!("../../scripts/faults.rhai")),
    ("goodbye", include_str!("../../scripts/goodbye.rhai")),
    ("http", include_str!("../../scripts/http.rhai")),
    ("lines", include_str!("../../scripts/lines.rhai")),
    ("proxy", include_str!("../../scripts/proxy.rhai")),
    ("redis", include_str!("../../scripts/redis.rhai")),
    ("rules", include_str!("../../scripts/rules.rhai")),
    ("telnet", include_str!("../../scripts/telnet.rhai")),
    ("time", include_str!("../../scripts/time.rhai")),
    ("upper", include_str!("../../scripts/upper.rhai")),
];
