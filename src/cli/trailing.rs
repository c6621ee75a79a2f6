//! Words behind a script are the script's own, also those that look like options of ours: `tcpx run SCRIPT --help`.
//!
//! The parser of options would take them until it meets the first other word. A `--` right behind the script separates, as it does
//! for all other commands; each further one is the script's.

use std::borrow::Cow;
use std::ffi::OsString;

use clap::{Arg, Args, Command};

use super::args::RunArgs;

/// The same command line, with one `--` behind the script of `tcpx run`, whether or not it was written.
pub(super) fn shielded(argv: &[OsString]) -> Cow<'_, [OsString]> {
    let Some((script, is_operand)) = script_in(argv) else { return argv.into() };
    let own = script + 1;
    match (argv.get(own), is_operand) {
        (Some(word), false) if word != "--" => [&argv[..own], &["--".into()], &argv[own..]].concat().into(),
        // Behind a `--` before the script, the parser would take another one as a word.
        (Some(word), true) if word == "--" => [&argv[..own], &argv[own + 1..]].concat().into(),
        _ => argv.into(),
    }
}

/// Where the script of `tcpx run` stands: the first word that is neither an option nor the value of one,
/// and whether a `--` stands before it.
fn script_in(argv: &[OsString]) -> Option<(usize, bool)> {
    if argv.get(1)? != "run" {
        return None;
    }
    let command = RunArgs::augment_args(Command::new("run"));
    let mut at = 2;
    loop {
        let word = argv.get(at)?.to_str()?;
        at += match word.strip_prefix('-') {
            None | Some("") => return Some((at, false)),
            // Everything behind it is an operand anyway.
            Some("-") => return Some((at + 1, true)),
            Some(_) if has_value_behind(&command, word) => 2,
            Some(_) => 1,
        };
    }
}

/// Whether the value of an option is the next word.
fn has_value_behind(command: &Command, word: &str) -> bool {
    let takes = |arg: &Arg| arg.get_action().takes_values() && !arg.is_require_equals_set();
    if let Some(name) = word.strip_prefix("--") {
        let names =
            |arg: &&Arg| arg.get_long() == Some(name) || arg.get_all_aliases().unwrap_or_default().contains(&name);
        return command.get_arguments().find(names).is_some_and(takes);
    }
    let mut letters = word[1..].chars();
    while let Some(letter) = letters.next() {
        if command.get_arguments().find(|arg| arg.get_short() == Some(letter)).is_some_and(takes) {
            return letters.next().is_none();
        }
    }
    false
}

#[cfg(test)]
mod tests {
    use super::*;

    fn shield(line: &str) -> String {
        let argv: Vec<_> = line.split(' ').map(OsString::from).collect();
        shielded(&argv).join(" ".as_ref()).into_string().unwrap()
    }

    #[test]
    fn what_stands_behind_the_script_is_its_own() {
        for (line, wanted) in [
            ("tcpx run s.rhai --help", "tcpx run s.rhai -- --help"),
            ("tcpx run s.rhai x --help", "tcpx run s.rhai -- x --help"),
            ("tcpx run --seed 3 -q @echo --seed 4", "tcpx run --seed 3 -q @echo -- --seed 4"),
            ("tcpx run --seed=3 --set a=b s.rhai -q", "tcpx run --seed=3 --set a=b s.rhai -- -q"),
            ("tcpx run - -v", "tcpx run - -- -v"),
            ("tcpx run s.rhai -- -v", "tcpx run s.rhai -- -v"),
            ("tcpx run s.rhai -- -- -v", "tcpx run s.rhai -- -- -v"),
            ("tcpx run s.rhai --", "tcpx run s.rhai --"),
            ("tcpx run - -- -v", "tcpx run - -- -v"),
            ("tcpx run --clients 2 s.rhai -- -v", "tcpx run --clients 2 s.rhai -- -v"),
            ("tcpx run -- s.rhai -- -- -v", "tcpx run -- s.rhai -- -v"),
            ("tcpx run --", "tcpx run --"),
            ("tcpx run s.rhai a -- b", "tcpx run s.rhai -- a -- b"),
            ("tcpx run -- s.rhai -v", "tcpx run -- s.rhai -v"),
            ("tcpx run s.rhai", "tcpx run s.rhai"),
            ("tcpx run --help", "tcpx run --help"),
            ("tcpx test s.rhai --tap", "tcpx test s.rhai --tap"),
        ] {
            assert_eq!(shield(line), wanted);
        }
    }
}
