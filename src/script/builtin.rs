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

/// What an argument of a built-in script names: the script may use it without `--allow-read` and `--allow-write`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Argument {
    /// A file to read, by exactly the argument's text: `read_text(args[0])`.
    File,
    /// A folder to read, which must exist: `read_file(args[0] + "/index.html")`, `conn.send_file(…)`.
    Folder,
    /// A folder to read and write, which must exist: `append_file(args[0] + "/1.eml", text)`.
    FolderToWrite,
}

/// The arguments of a built-in script that name a file or a folder, with their positions from 0.
pub(super) fn paths(name: &str) -> impl Iterator<Item = (usize, Argument)> {
    PATHS.iter().filter(move |(script, ..)| *script == name).map(|&(_, at, argument)| (at, argument))
}

fn description(text: &'static str) -> &'static str {
    text.lines().next().unwrap_or_default().trim_start_matches("//").trim()
}

/// One line declares one argument: the script, the position of the argument from 0, what it names. Nothing else that the
/// script is given is readable, and a copy of the script in a file needs `--allow-read` and `--allow-write`.
const PATHS: &[(&str, usize, Argument)] = &[
    ("connect", 0, Argument::File),
    ("http", 0, Argument::Folder),
    ("modbus", 0, Argument::File),
    ("rules", 0, Argument::File),
    ("smtp", 0, Argument::FolderToWrite),
    ("socks", 0, Argument::File),
];

const SCRIPTS: &[(&str, &str)] = &[
    ("binary", include_str!("../../scripts/binary.rhai")),
    ("broker", include_str!("../../scripts/broker.rhai")),
    ("chargen", include_str!("../../scripts/chargen.rhai")),
    ("chat", include_str!("../../scripts/chat.rhai")),
    ("connect", include_str!("../../scripts/connect.rhai")),
    ("daytime", include_str!("../../scripts/daytime.rhai")),
    ("discard", include_str!("../../scripts/discard.rhai")),
    ("dns", include_str!("../../scripts/dns.rhai")),
    ("echo", include_str!("../../scripts/echo.rhai")),
    ("faults", include_str!("../../scripts/faults.rhai")),
    ("goodbye", include_str!("../../scripts/goodbye.rhai")),
    ("http", include_str!("../../scripts/http.rhai")),
    ("iso8583", include_str!("../../scripts/iso8583.rhai")),
    ("lines", include_str!("../../scripts/lines.rhai")),
    ("login", include_str!("../../scripts/login.rhai")),
    ("memcached", include_str!("../../scripts/memcached.rhai")),
    ("mllp", include_str!("../../scripts/mllp.rhai")),
    ("modbus", include_str!("../../scripts/modbus.rhai")),
    ("proxy", include_str!("../../scripts/proxy.rhai")),
    ("redis", include_str!("../../scripts/redis.rhai")),
    ("rules", include_str!("../../scripts/rules.rhai")),
    ("scpi", include_str!("../../scripts/scpi.rhai")),
    ("smtp", include_str!("../../scripts/smtp.rhai")),
    ("socks", include_str!("../../scripts/socks.rhai")),
    ("syslog", include_str!("../../scripts/syslog.rhai")),
    ("telnet", include_str!("../../scripts/telnet.rhai")),
    ("time", include_str!("../../scripts/time.rhai")),
    ("upper", include_str!("../../scripts/upper.rhai")),
];
