//! Whether lines are edited on a terminal, and where those of earlier runs are.
//!
//! Owns the place of the history and the name of its file. Whether there is a terminal is found out later.

use std::ffi::OsString;
use std::fmt::Write;
use std::path::PathBuf;

use crate::cli::args::{EchoWord, TerminalArgs};
use crate::config::Terminal;

/// Maximum length of a file name, in bytes.
const MOST: usize = 200;

/// `target`: what lines are typed for.
pub(super) fn terminal(args: &TerminalArgs, target: &str, variable: impl Fn(&str) -> Option<OsString>) -> Terminal {
    let kind = variable("TERM").unwrap_or_default();
    let can_move = !kind.is_empty() && kind != "dumb";
    let echo = args.echo.map(|word| word == EchoWord::On);
    Terminal {
        edits: can_move || args.raw,
        raw: args.raw,
        echo,
        colours: can_move && !args.no_color && variable("NO_COLOR").is_none_or(|value| value.is_empty()),
        history: if args.no_history || args.raw || echo == Some(false) { None } else { history(target, variable) },
    }
}

fn history(target: &str, variable: impl Fn(&str) -> Option<OsString>) -> Option<PathBuf> {
    // The standard of these folders: a path that is not absolute is as none.
    let folder = |name| variable(name).map(PathBuf::from).filter(|path| path.is_absolute());
    let state = folder("XDG_STATE_HOME").or_else(|| folder("HOME").map(|home| home.join(".local/state")))?;
    Some(state.join("tcpx/history").join(file_name(target)))
}

/// A name of a file for any target.
fn file_name(target: &str) -> String {
    let mut name = String::new();
    for letter in target.chars() {
        if letter.is_control() || matches!(letter, '/' | '%' | '\\') || (letter == '.' && name.is_empty()) {
            // Writing to a String cannot fail.
            let _ = write!(name, "%{:02X}", u32::from(letter));
        } else {
            name.push(letter);
        }
    }
    while name.len() > MOST {
        name.pop();
    }
    name
}

#[cfg(test)]
mod tests {
    use super::*;

    fn args(no_history: bool) -> TerminalArgs {
        TerminalArgs { no_history, raw: false, timestamps: false, echo: None, no_color: false }
    }

    #[test]
    fn colours_are_for_terminals_that_may_have_them() {
        for (variables, colours) in [
            (&[("TERM", "xterm")][..], true),
            (&[("TERM", "xterm"), ("NO_COLOR", "")], true),
            (&[("TERM", "xterm"), ("NO_COLOR", "1")], false),
            (&[("TERM", "dumb")], false),
            (&[], false),
        ] {
            assert_eq!(of(&args(true), "", variables).colours, colours, "{variables:?}");
        }
    }

    fn of(args: &TerminalArgs, target: &str, variables: &[(&str, &str)]) -> Terminal {
        terminal(args, target, |name| variables.iter().find(|known| known.0 == name).map(|known| known.1.into()))
    }

    #[test]
    fn the_history_is_in_the_folder_for_state() {
        let keeps = args(false);
        for (variables, expected) in [
            (&[("XDG_STATE_HOME", "/s"), ("HOME", "/h")][..], Some("/s/tcpx/history/h:80")),
            (&[("HOME", "/h")], Some("/h/.local/state/tcpx/history/h:80")),
            (&[("XDG_STATE_HOME", "s"), ("HOME", "/h")], Some("/h/.local/state/tcpx/history/h:80")),
            (&[("XDG_STATE_HOME", "")], None),
            (&[], None),
        ] {
            assert_eq!(of(&keeps, "h:80", variables).history, expected.map(PathBuf::from), "{variables:?}");
        }
        assert_eq!(of(&args(true), "h:80", &[("HOME", "/h")]).history, None);
        let hidden = TerminalArgs { echo: Some(EchoWord::Off), ..args(false) };
        assert_eq!(of(&hidden, "h:80", &[("HOME", "/h")]).history, None);
    }

    #[test]
    fn a_terminal_that_can_nothing_edits_its_lines_itself() {
        for (kind, edits) in [(Some("xterm"), true), (Some("dumb"), false), (Some(""), false), (None, false)] {
            let variables: Vec<_> = kind.iter().map(|kind| ("TERM", *kind)).collect();
            assert_eq!(of(&args(true), "", &variables).edits, edits, "{kind:?}");
        }
    }

    #[test]
    fn any_target_is_one_file() {
        for (target, name) in [
            ("unix:/run/a b.sock", "unix:%2Frun%2Fa b.sock"),
            ("[::1]:80", "[::1]:80"),
            ("..", "%2E."),
            ("a%\n", "a%25%0A"),
        ] {
            assert_eq!(file_name(target), name);
        }
        assert!(file_name(&"大".repeat(300)).len() <= MOST);
    }
}
