//! The command line: parses argv to an [`Action`] or a [`Stop`].
//!
//! Owns every option and its error messages. Executes nothing: the library's `run` does, and nothing below imports
//! this.

mod access;
mod args;
mod completion;
pub mod generate;
mod habits;
mod help;
mod inherited;
pub mod lists;
mod load;
mod locale;
mod old_line;
mod options_elsewhere;
mod personality;
mod plain;
mod proxies;
mod report;
mod resolve;
mod rules;
mod settings;
mod socat;
mod sockets;
mod topics;
mod trailing;
mod translate;
mod usage;
mod values;
mod version;

use std::env;
use std::ffi::OsString;
use std::io::{self, IsTerminal};
use std::mem;

use clap::FromArgMatches;

use self::args::{Cli, Word};
pub use self::personality::Errand;
use self::personality::Tool;
pub use self::proxies::secrets;
pub use self::report::Report;
use self::resolve::Places;
pub use self::resolve::{Action, AskTarget, Load, Starter};
use self::settings::{Settings, Variable};
use crate::error::Error;
use crate::exit::Exit;

/// A command line without an action.
#[derive(Debug)]
pub enum Stop {
    /// `--help` or `--version`: text for stdout, exit 0.
    Help(String),
    /// The help of a tool whose habits were asked for: text for stdout, exit 0 also if that takes nothing.
    HelpOfTool(String),
    /// `tcpx` alone: the short help for stderr, exit 2.
    NoCommand(String),
    /// An invalid command line: message and hint for stderr, exit 2.
    Error(Error),
    /// What a tool would say on stderr whose habits were asked for, and its exit status.
    Told(String, Exit),
}

impl From<Error> for Stop {
    fn from(error: Error) -> Self {
        Self::Error(error)
    }
}

/// Parses the command line; the first word is the name of the program.
pub fn parse(argv: impl IntoIterator<Item = OsString>) -> Result<Action, Stop> {
    let on_terminal = io::stdin().is_terminal() && (io::stderr().is_terminal() || io::stdout().is_terminal());
    let surroundings = Surroundings {
        on_terminal,
        is_talk: on_terminal && io::stdout().is_terminal(),
        variable: &|name| env::var_os(name),
    };
    parse_words(&argv.into_iter().collect::<Vec<_>>(), &surroundings)
}

/// What a command line is read in.
struct Surroundings<'a> {
    /// The user can be prompted.
    on_terminal: bool,
    /// stdin and stdout are terminals.
    is_talk: bool,
    variable: Variable<'a>,
}

impl Surroundings<'_> {
    /// Those without defaults of anybody.
    fn alone(on_terminal: bool) -> Self {
        Self { on_terminal, is_talk: false, variable: &|_| None }
    }
}

fn parse_words(argv: &[OsString], surroundings: &Surroundings<'_>) -> Result<Action, Stop> {
    if let Some((tool, skipped)) = Tool::of(argv) {
        return personality::parse(tool, &argv[skipped..]);
    }
    let stop = |error| usage::stop(&mut help::complete(), argv, &error);
    let mut command = help::command();
    let mut matches = command.try_get_matches_from_mut(trailing::shielded(argv).iter()).map_err(stop)?;
    let places = Places::of(&matches);
    let mut cli = Cli::from_arg_matches_mut(&mut matches).map_err(stop)?;
    // Leaked on purpose: dropping the parsed command takes a twentieth of a short run, and the process ends soon.
    mem::forget((command, matches));
    let settings =
        if settings::are_read(&cli.word) { Settings::load(surroundings.variable)? } else { Settings::default() };
    settings.apply(&mut cli.word, surroundings.is_talk);
    if let Word::Config { .. } = cli.word {
        return Ok(Action::Text(settings.show()));
    }
    Ok(resolve::resolve(cli, &places, surroundings.on_terminal)?)
}

#[cfg(test)]
mod tests {
    use std::os::unix::ffi::OsStringExt;

    use proptest::prelude::*;

    use super::*;
    use crate::config::Config;

    /// The action of a command line without quotes.
    pub(super) fn action(line: &str, on_terminal: bool) -> Result<Action, Stop> {
        let argv: Vec<_> = ["tcpx"].into_iter().chain(line.split_whitespace()).map(OsString::from).collect();
        parse_words(&argv, &Surroundings::alone(on_terminal))
    }

    /// The action in an environment. `is_talk`: stdin and stdout are terminals.
    pub(super) fn action_in(variables: &[(&str, &str)], line: &str, is_talk: bool) -> Result<Action, Stop> {
        let argv: Vec<_> = ["tcpx"].into_iter().chain(line.split_whitespace()).map(OsString::from).collect();
        let variable = |name: &str| variables.iter().find(|known| known.0 == name).map(|known| OsString::from(known.1));
        parse_words(&argv, &Surroundings { on_terminal: is_talk, is_talk, variable: &variable })
    }

    /// The configuration of a command line.
    pub(super) fn config(line: &str) -> Config {
        match action(line, false) {
            Ok(Action::Run(config)) => *config,
            other => panic!("tcpx {line}: {other:?}"),
        }
    }

    /// Checks that a command line is accepted.
    pub(super) fn accepted(line: &str) {
        config(line);
    }

    /// The error of an invalid command line: `message | hint`.
    pub(super) fn refused(line: &str) -> String {
        told(action(line, false), line)
    }

    /// The same for words with blanks or invalid UTF-8.
    pub(super) fn refused_words(words: &[OsString]) -> String {
        let argv: Vec<_> = [OsString::from("tcpx")].into_iter().chain(words.iter().cloned()).collect();
        told(parse_words(&argv, &Surroundings::alone(false)), &format!("{words:?}"))
    }

    proptest! {
        /// Any command line gives an action or a one-line error.
        #[test]
        fn no_words_panic(words in prop::collection::vec(word(), 0..8), on_terminal: bool) {
            let argv: Vec<_> = [OsString::from("tcpx")].into_iter().chain(words).collect();
            if let Err(Stop::Error(error)) = parse_words(&argv, &Surroundings::alone(on_terminal)) {
                let lines = [error.to_string(), error.hint().unwrap_or_default().into_owned()];
                for line in lines {
                    prop_assert!(!line.chars().any(char::is_control), "{argv:?}: {line:?}");
                    prop_assert!(!line.contains("error:"), "{argv:?}: {line:?}");
                }
                prop_assert_eq!(error.exit().code(), 2);
            }
        }
    }

    /// A command, an option or a value, valid or with unusual characters.
    fn word() -> impl Strategy<Value = OsString> {
        let words = ["connect", "listen", "script", "check", "--", "-", "", "h", "80", "1s", "[::1]:80", "gbk"];
        let command = help::complete();
        let mut options = Vec::new();
        for name in ["connect", "listen"] {
            let command = command.find_subcommand(name).expect("both exist");
            options.extend(command.get_arguments().filter_map(|arg| arg.get_long().map(|long| format!("--{long}"))));
            options.extend(command.get_arguments().filter_map(|arg| arg.get_short().map(|short| format!("-{short}"))));
        }
        options.extend(words.map(str::to_owned));
        let known = prop::sample::select(options).prop_map(OsString::from);
        let odd = prop::collection::vec(any::<u8>(), 0..6).prop_map(OsString::from_vec);
        prop_oneof![4 => known, 1 => odd, 1 => "-{0,2}[a-zA-Z0-9=.:@\\x00-\\x1f]{0,6}".prop_map(OsString::from)]
    }

    fn told(result: Result<Action, Stop>, line: &str) -> String {
        let Err(Stop::Error(error)) = result else { panic!("tcpx {line}: {result:?}") };
        assert_eq!(error.exit().code(), 2, "{line}");
        let text = match error.hint() {
            Some(hint) => format!("{error} | {hint}"),
            None => error.to_string(),
        };
        assert!(!text.chars().any(char::is_control), "{text:?}");
        text
    }
}
