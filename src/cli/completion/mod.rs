//! Completions: what can stand at each place of a command line, as scripts for shells.
//!
//! Owns what is offered. It is the same in bash, zsh and fish; for other shells clap writes what it can.

mod bash;
mod fish;
mod zsh;

use clap::builder::PossibleValue;
use clap::{Arg, Command, ValueHint};
use clap_complete::Shell;

use super::{help, topics};
use crate::codec::labels;
use crate::script::builtin;

/// The completions of a shell.
pub(super) fn script(shell: Shell) -> String {
    match shell {
        Shell::Bash => bash::script(&places()),
        Shell::Fish => fish::script(&places()),
        Shell::Zsh => zsh::script(&by_clap(shell)),
        other => by_clap(other),
    }
}

fn by_clap(shell: Shell) -> String {
    let mut script = Vec::new();
    clap_complete::generate(shell, &mut help::command(), "tcpx", &mut script);
    String::from_utf8(script).expect("clap writes UTF-8")
}

/// What a value can be.
#[derive(Clone, Debug, PartialEq, Eq)]
enum Value {
    /// Anything: nothing is offered.
    Any,
    /// One of these words.
    OneOf(Vec<String>),
    /// The label of an encoding.
    Encoding,
    /// The name of a built-in script.
    Builtin,
    /// A file, or the name of a built-in script.
    Script,
    /// The same where files are what is meant: names only after an @.
    OwnScript,
    File,
    Folder,
    /// A host that ssh knows.
    Host,
    /// An address of this machine.
    OwnHost,
    /// The name of a service, once it has begun.
    Port,
}

/// A command and what can stand after it.
struct Places {
    /// `connect`, `script check`; empty for tcpx itself.
    command: String,
    options: Vec<Choice>,
    words: Vec<Value>,
    /// What the words behind those are.
    more: Value,
}

/// An option.
struct Choice {
    /// As it is written: `-E`, `--encoding`.
    names: Vec<String>,
    about: String,
    /// Its value; `None`: it takes none.
    value: Option<Value>,
}

/// Every command with its places, tcpx itself first.
fn places() -> Vec<Places> {
    let root = help::complete();
    let mut all = vec![of_group(&root, "")];
    for command in root.get_subcommands() {
        let name = command.get_name();
        if command.has_subcommands() {
            all.push(of_group(command, name));
            all.extend(
                command.get_subcommands().map(|below| of_command(below, &format!("{name} {}", below.get_name()))),
            );
        } else {
            all.push(of_command(command, name));
        }
    }
    all
}

/// A command whose first word is another command.
fn of_group(command: &Command, name: &str) -> Places {
    let words = command.get_subcommands().map(|below| below.get_name().to_owned()).collect();
    Places { words: vec![Value::OneOf(words)], ..of_command(command, name) }
}

fn of_command(command: &Command, name: &str) -> Places {
    let options = command.get_arguments().filter(|arg| !arg.is_positional() && !arg.is_hide_set());
    let options = options.map(choice).collect();
    let (mut words, mut more) = (Vec::new(), Value::Any);
    // The words after -- are the script's.
    for arg in command.get_positionals().filter(|arg| !arg.is_last_set()) {
        let value = value(arg, name);
        if arg.get_num_args().is_some_and(|range| range.max_values() > 1) {
            more = value;
        } else {
            words.push(value);
        }
    }
    Places { command: name.to_owned(), options, words, more }
}

fn choice(arg: &Arg) -> Choice {
    let short = arg.get_short().map(|name| format!("-{name}"));
    let long = arg.get_long().map(|name| format!("--{name}"));
    let value = arg.get_action().takes_values().then(|| value(arg, ""));
    Choice {
        names: short.into_iter().chain(long).collect(),
        about: arg.get_help().map(ToString::to_string).unwrap_or_default(),
        // The value of such an option stands behind a = or not at all.
        value: value.filter(|_| !arg.is_require_equals_set()),
    }
}

fn value(arg: &Arg, command: &str) -> Value {
    let name = arg.get_value_names().and_then(<[_]>::first).map(ToString::to_string).unwrap_or_default();
    let choices = arg.get_possible_values();
    match (name.as_str(), arg.get_value_hint()) {
        _ if !choices.is_empty() => {
            Value::OneOf(choices.iter().map(PossibleValue::get_name).map(str::to_owned).collect())
        }
        ("COMMAND|TOPIC", _) => Value::OneOf(pages()),
        ("LABEL", _) => Value::Encoding,
        ("NAME", _) if command == "script show" => Value::Builtin,
        ("FILE|@NAME", _) => Value::Script,
        ("SCRIPT", _) => Value::OwnScript,
        (_, ValueHint::FilePath) if command == "script check" => Value::OwnScript,
        (_, ValueHint::FilePath) => Value::File,
        (_, ValueHint::DirPath) => Value::Folder,
        (_, ValueHint::Hostname) if command == "listen" => Value::OwnHost,
        (_, ValueHint::Hostname) => Value::Host,
        ("PORT", _) => Value::Port,
        _ => Value::Any,
    }
}

/// What `tcpx help` has a page about.
fn pages() -> Vec<String> {
    let command = help::command();
    let commands = command.get_subcommands().map(|command| command.get_name().to_owned());
    commands.chain(topics::names().map(str::to_owned)).collect()
}

/// The names of all encodings, in lower case.
fn encodings() -> Vec<&'static str> {
    labels::table().into_iter().map(|(name, _)| name).chain(labels::detecting()).collect()
}

/// All other labels of encodings.
fn more_encodings() -> Vec<&'static str> {
    labels::table()
        .into_iter()
        .flat_map(|(name, labels)| labels.into_iter().filter(move |label| *label != name))
        .collect()
}

/// The names of the built-in scripts, with their @.
fn builtins() -> Vec<String> {
    builtin::list().map(|(name, _)| format!("@{name}")).collect()
}

/// Addresses of every machine.
const OWN_HOSTS: [&str; 5] = ["localhost", "127.0.0.1", "0.0.0.0", "::1", "::"];

#[cfg(test)]
mod tests {
    use super::*;

    fn of(command: &str) -> Places {
        places().into_iter().find(|places| places.command == command).expect(command)
    }

    #[test]
    fn every_place_has_its_kind() {
        let connect = of("connect");
        assert_eq!((connect.words, connect.more), (vec![Value::Host, Value::Port], Value::Any));
        assert_eq!(of("listen").words, [Value::OwnHost, Value::Port]);
        assert_eq!((of("script check").words, of("script check").more), (vec![], Value::OwnScript));
        assert_eq!((of("run").words, of("run").more), (vec![Value::OwnScript], Value::Any));
        assert_eq!(of("test").more, Value::OwnScript);
        assert_eq!(of("script show").words, [Value::Builtin]);
        assert_eq!(of("report").more, Value::File);
        assert_eq!(of("nc").more, Value::Any);
        let Value::OneOf(commands) = &of("").words[0] else { panic!("no commands") };
        assert!(["connect", "script", "help"].iter().all(|name| commands.iter().any(|command| command == name)));
        let Value::OneOf(pages) = &of("help").more else { panic!("no pages") };
        assert!(["listen", "endings", "exit-codes"].iter().all(|name| pages.iter().any(|page| page == name)));
    }

    #[test]
    fn every_option_has_its_kind() {
        let kinds = [
            ("--encoding", Some(Value::Encoding)),
            ("-s", Some(Value::Script)),
            ("--tls-name", Some(Value::Any)),
            ("--send-file", Some(Value::File)),
            ("--allow-read", Some(Value::Folder)),
            ("--malformed", Some(Value::OneOf(vec!["replace".into(), "fail".into()]))),
            ("--progress", None),
            ("--crlf", None),
        ];
        let connect = of("connect");
        for (name, kind) in kinds {
            let option = connect.options.iter().find(|option| option.names.iter().any(|known| known == name));
            assert_eq!(option.expect(name).value, kind, "{name}");
        }
    }
}
