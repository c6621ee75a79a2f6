//! Errors of clap in the style of tcpx: one line, lower case, no full stop, and a hint.
//!
//! Owns the messages for a command line that does not parse. Rules between options are in `rules`.

use std::ffi::{OsStr, OsString};
use std::path::Path;

use clap::error::{ContextKind, ContextValue, ErrorKind};

use super::{Stop, habits, options_elsewhere, translate, values, version};
use crate::endpoint;
use crate::error::Error;
use crate::language;

/// The reason clap did not accept the command line.
pub(super) fn stop(command: &mut clap::Command, argv: &[OsString], error: &clap::Error) -> Stop {
    if argv.len() > 1 && version::is_asked_in_full(&argv[1..]) {
        return Stop::Help(version::in_full());
    }
    if matches!(error.kind(), ErrorKind::DisplayHelp | ErrorKind::DisplayVersion) {
        return Stop::Help(help(argv, error));
    }
    if argv.len() <= 1 {
        let translated = language::catalogue().map(translate::short_help);
        return Stop::NoCommand(translated.unwrap_or_else(|| command.render_help().to_string()));
    }
    if let Some(error) = habits::recognise(argv, command, || {
        suggestion(error, ContextKind::SuggestedSubcommand).is_some_and(|name| name == "connect" || name == "listen")
    }) {
        return Stop::Error(error);
    }
    let asked = Asked::new(command, argv);
    Stop::Error(explain(&asked, argv, error))
}

/// The help that was asked for, in the language of the user.
pub(super) fn help(argv: &[OsString], asked: &clap::Error) -> String {
    let translated = language::catalogue().and_then(|catalogue| translate::help(argv, catalogue));
    translated.unwrap_or_else(|| asked.render().to_string())
}

/// A word of the command line for a message: quoted, on one line, of limited length.
pub(super) fn shown(word: &OsStr) -> String {
    let text = word.to_string_lossy();
    match text.char_indices().nth(LONGEST_WORD) {
        Some((end, _)) => format!("{:?}...", &text[..end]),
        None => format!("{text:?}"),
    }
}

/// The command of the command line, and its definition.
struct Asked<'a> {
    root: &'a clap::Command,
    /// `connect`, `script check`; empty for tcpx itself.
    name: String,
}

impl<'a> Asked<'a> {
    fn new(root: &'a clap::Command, argv: &[OsString]) -> Self {
        let mut name = String::new();
        let mut command = root;
        for word in &argv[1..] {
            let Some(next) = word.to_str().and_then(|word| command.find_subcommand(word)) else { break };
            if !name.is_empty() {
                name.push(' ');
            }
            name.push_str(next.get_name());
            command = next;
        }
        Self { root, name }
    }

    fn look_at_help(&self) -> String {
        match self.name.as_str() {
            "" => "tcpx --help shows the commands".to_owned(),
            "connect" | "listen" | "report" => format!("tcpx {} --help shows the options", self.name),
            name => format!("tcpx {name} --help shows how it is used"),
        }
    }

    /// The other one of `connect` and `listen`, if it has the option.
    fn elsewhere(&self, option: &str) -> Option<&'static str> {
        let other = match self.name.as_str() {
            "connect" => "listen",
            "listen" => "connect",
            _ => return None,
        };
        let short =
            option.strip_prefix('-').filter(|rest| rest.chars().count() == 1).and_then(|rest| rest.chars().next());
        let knows = |arg: &clap::Arg| {
            (short.is_some() && arg.get_short() == short)
                || arg.get_long().is_some_and(|long| option == format!("--{long}"))
        };
        self.root.find_subcommand(other)?.get_arguments().any(knows).then_some(other)
    }
}

fn explain(asked: &Asked<'_>, argv: &[OsString], error: &clap::Error) -> Error {
    let arg = text_of(error, ContextKind::InvalidArg).unwrap_or_default();
    match error.kind() {
        ErrorKind::UnknownArgument if arg.starts_with('-') => unknown_option(asked, argv, &arg, error),
        ErrorKind::UnknownArgument => {
            let words: Vec<_> = argv.iter().filter_map(|word| word.to_str()).collect();
            let elsewhere = options_elsewhere::of_stray_word(&words, &arg);
            let hint = match asked.name.as_str() {
                _ if elsewhere.is_some() => elsewhere.unwrap_or_default().to_owned(),
                "connect" => "connect takes HOST PORT; words for a script come after --".to_owned(),
                "listen" => "listen takes PORT, or HOST PORT; words for a script come after --".to_owned(),
                _ => asked.look_at_help(),
            };
            Error::usage_hint(format!("one word too many: {}", shown(arg.as_ref())), hint)
        }
        ErrorKind::InvalidSubcommand => {
            let word = text_of(error, ContextKind::InvalidSubcommand).unwrap_or_default();
            let hint = match suggestion(error, ContextKind::SuggestedSubcommand) {
                Some(name) if asked.name.is_empty() => format!("did you mean tcpx {name}?"),
                Some(name) => format!("did you mean tcpx {} {name}?", asked.name),
                None => asked.look_at_help(),
            };
            Error::usage_hint(format!("unknown command {}", shown(word.as_ref())), hint)
        }
        ErrorKind::MissingSubcommand | ErrorKind::DisplayHelpOnMissingArgumentOrSubcommand => {
            let (name, hint) = match asked.name.as_str() {
                "" => ("tcpx", "tcpx --help shows the commands"),
                "config" => ("config", "tcpx config show"),
                name => (name, "tcpx script list, tcpx script show NAME, tcpx script check FILE or tcpx script new"),
            };
            Error::usage_hint(format!("{name} needs a command"), hint)
        }
        ErrorKind::MissingRequiredArgument => {
            let what = bare(&arg);
            // `tcpx test --json e.rhai` has a file for the report, and no script.
            let taken = argv.windows(2).filter_map(|pair| Some((pair[0].to_str()?, Path::new(&pair[1]))));
            let mut taken =
                taken.filter(|(option, path)| ["--json", "--junit"].contains(option) && values::is_script(path));
            if let ("SCRIPT", Some((option, path))) = (what.as_str(), taken.next()) {
                return values::report_file(option, path).err().unwrap_or_else(|| Error::usage(what));
            }
            Error::usage_hint(format!("{} needs a {what}", asked.name), format!("tcpx {} {what}", asked.name))
        }
        ErrorKind::InvalidValue => wrong_value(&arg, error),
        ErrorKind::TooManyValues => Error::usage_hint(format!("{arg} takes no value"), format!("write {arg} alone")),
        ErrorKind::InvalidUtf8 => {
            let word = argv.iter().find(|word| word.to_str().is_none());
            let word = word.map_or_else(|| "a word".to_owned(), |word| shown(word));
            Error::usage_hint(format!("{word} is not UTF-8"), "only names of files may have other bytes in them")
        }
        _ => {
            let text = error.render().to_string();
            let line = text.lines().next().unwrap_or_default().trim_start_matches("error: ");
            Error::usage_hint(line.replace(char::is_control, "?"), asked.look_at_help())
        }
    }
}

fn unknown_option(asked: &Asked<'_>, argv: &[OsString], arg: &str, error: &clap::Error) -> Error {
    let negative = |word: &&str| word.strip_prefix('-').is_some_and(|rest| rest.parse::<u64>().is_ok());
    let is_place = matches!(asked.name.as_str(), "connect" | "listen");
    if is_place
        && arg[1..].starts_with(|c: char| c.is_ascii_digit())
        && options_elsewhere::of_joined_quit(&argv.iter().filter_map(|word| word.to_str()).collect::<Vec<_>>())
            .is_none()
        && let Some(word) = argv.iter().filter_map(|word| word.to_str()).find(negative)
        && let Err(error) = endpoint::parse_port(word)
    {
        return error;
    }
    if asked.name == "scan"
        && arg[1..].starts_with(|c: char| c.is_ascii_digit())
        && let Some(word) = argv.iter().filter_map(|word| word.to_str()).find(negative)
    {
        return Error::usage_hint(
            format!("the range of ports {word} has one end only"),
            format!("write both: 1{word}"),
        );
    }
    let words: Vec<_> = argv.iter().filter_map(|word| word.to_str()).collect();
    let hint = if is_place && let Some(hint) = options_elsewhere::of_joined_quit(&words) {
        hint.to_owned()
    } else if let Some(other) = asked.elsewhere(arg) {
        format!("{arg} is an option of tcpx {other}")
    } else if let Some(hint) = options_elsewhere::of_scan(arg).filter(|_| asked.name == "scan") {
        hint.to_owned()
    } else if let Some(hint) = options_elsewhere::hint(&asked.name, arg).filter(|_| is_place) {
        hint.to_owned()
    } else if let Some(near) = suggestion(error, ContextKind::SuggestedArg) {
        format!("did you mean {near}?")
    } else {
        asked.look_at_help()
    };
    Error::usage_hint(format!("unknown option {}", shown(arg.as_ref())), hint)
}

fn wrong_value(arg: &str, error: &clap::Error) -> Error {
    let name = bare(arg.split([' ', '=']).next().unwrap_or_default());
    let values = match error.get(ContextKind::ValidValue) {
        Some(ContextValue::Strings(values)) => values.join(", "),
        _ => String::new(),
    };
    let choice =
        if values.is_empty() { format!("write {}", arg.replace(['<', '>'], "")) } else { format!("one of {values}") };
    match text_of(error, ContextKind::InvalidValue) {
        Some(value) if !value.is_empty() => {
            let hint = match suggestion(error, ContextKind::SuggestedValue) {
                Some(near) => format!("did you mean {near}? {choice}"),
                None => choice,
            };
            Error::usage_hint(format!("{name} cannot be {}", shown(value.as_ref())), hint)
        }
        _ => Error::usage_hint(format!("{name} needs a value"), choice),
    }
}

/// A positional's name without clap's brackets.
fn bare(arg: &str) -> String {
    arg.trim_matches(['<', '>', '[', ']', '.']).to_owned()
}

fn suggestion(error: &clap::Error, kind: ContextKind) -> Option<String> {
    text_of(error, kind)
}

fn text_of(error: &clap::Error, kind: ContextKind) -> Option<String> {
    match error.get(kind)? {
        ContextValue::String(text) => Some(text.clone()),
        ContextValue::Strings(texts) => texts.first().cloned(),
        _ => None,
    }
}

/// Maximum characters of a word repeated in a message.
const LONGEST_WORD: usize = 200;

#[cfg(test)]
mod tests {
    use std::ffi::OsString;
    use std::os::unix::ffi::OsStringExt;

    use crate::cli::tests::{accepted, config, refused, refused_words};

    #[test]
    fn an_unknown_option_suggests_the_closest_one() {
        let cases = [
            ("connect h 80 --timout 1", "unknown option \"--timout\" | did you mean --timeout?"),
            ("connect h 80 --frobnicate", "unknown option \"--frobnicate\" | tcpx connect --help shows the options"),
            ("listen 80 --frobnicate", "unknown option \"--frobnicate\" | tcpx listen --help shows the options"),
            ("listen -z 80", "unknown option \"-z\" | -z is an option of tcpx connect"),
            ("listen -w 1 80", "unknown option \"-w\" | -w is an option of tcpx connect"),
            ("listen --source ::1 80", "unknown option \"--source\" | --source is an option of tcpx connect"),
            ("connect h 80 --keep-open", "unknown option \"--keep-open\" | --keep-open is an option of tcpx listen"),
            ("script list --quux", "unknown option \"--quux\" | tcpx script list --help shows how it is used"),
            ("--frobnicate", "unknown option \"--frobnicate\" | tcpx --help shows the commands"),
        ];
        for (line, said) in cases {
            assert_eq!(refused(line), said);
        }
    }

    #[test]
    fn unsupported_options_are_unknown() {
        for option in ["--show", "--record", "--ssl", "--verbose"] {
            for line in [format!("connect h 80 {option}"), format!("listen 80 {option}")] {
                let said = refused(&line);
                assert!(said.starts_with(&format!("unknown option \"{option}\" | ")), "{line}: {said}");
            }
        }
        for word in ["relay", "replay"] {
            let said = refused(&format!("{word} --foo"));
            assert!(said.starts_with("unknown command "), "{said}");
        }
    }

    #[test]
    fn missing_commands_and_arguments_are_reported() {
        let cases = [
            ("lisen 80", "unknown command \"lisen\" | did you mean tcpx listen?"),
            ("frobnicate", "unknown command \"frobnicate\" | tcpx --help shows the commands"),
            ("script shwo", "unknown command \"shwo\" | did you mean tcpx script show?"),
            (
                "script",
                "script needs a command | tcpx script list, tcpx script show NAME, tcpx script check FILE or tcpx script new",
            ),
            ("script show", "script show needs a NAME | tcpx script show NAME"),
            ("script check", "script check needs a FILE | tcpx script check FILE"),
            ("completions", "completions needs a SHELL | tcpx completions SHELL"),
            ("test --junit x.xml", "test needs a SCRIPT | tcpx test SCRIPT"),
            (
                "test --json e.rhai",
                "--json takes the file of the report, and \"e.rhai\" is a script | write --json FILE, and the script after it",
            ),
            (
                "test --junit @http",
                "--junit takes the file of the report, and \"@http\" is a script | write --junit FILE, and the script after it",
            ),
            (
                "test --json e.rhai f.rhai",
                "--json takes the file of the report, and \"e.rhai\" is a script | write --json FILE, and the script after it",
            ),
            (
                "run --clients 2 --json e.rhai",
                "--json takes the file of the report, and \"e.rhai\" is a script | write --json FILE, and the script after it",
            ),
            (
                "completions tcsh",
                "SHELL cannot be \"tcsh\" | did you mean zsh? one of bash, elvish, fish, powershell, zsh",
            ),
            ("encodings gbk", "one word too many: \"gbk\" | tcpx encodings --help shows how it is used"),
            (
                "connect h 80 more",
                "one word too many: \"more\" | connect takes HOST PORT; words for a script come after --",
            ),
            (
                "listen h 80 more",
                "one word too many: \"more\" | listen takes PORT, or HOST PORT; words for a script come after --",
            ),
        ];
        for (line, said) in cases {
            assert_eq!(refused(line), said);
        }
    }

    #[test]
    fn missing_and_wrong_values_are_reported() {
        let cases = [
            ("connect h 80 -w", "--connect-timeout needs a value | write --connect-timeout DUR"),
            ("connect h 80 --output=", "--output needs a value | write --output FILE"),
            ("connect h 80 --hex=1", "--hex takes no value | write --hex alone"),
            ("connect h 80 -E gbk --malformed ignore", "--malformed cannot be \"ignore\" | one of replace, fail"),
            ("connect h 80 --malformed=", "--malformed needs a value | one of replace, fail"),
            (
                "connect h 80 --on-data c --script-errors fatl",
                "--script-errors cannot be \"fatl\" | did you mean fatal? one of close, fatal, ignore",
            ),
            (
                "connect h 80 -w -1",
                "--connect-timeout \"-1\" is not a time | write a time such as --connect-timeout 500ms, \
                 --connect-timeout 2s, --connect-timeout 1.5m or --connect-timeout 1h30m",
            ),
        ];
        for (line, said) in cases {
            assert_eq!(refused(line), said);
        }
    }

    #[test]
    fn invalid_ports_are_reported() {
        let hint = "a port is a number from 0 to 65535, or a service name such as http";
        for port in ["-1", "-80", "0x50", "80x"] {
            assert_eq!(refused(&format!("connect h {port}")), format!("{port:?} is not a port | {hint}"));
            assert_eq!(refused(&format!("listen {port}")), format!("{port:?} is not a port | {hint}"));
        }
        for port in ["", " 80", "80 ", "8\n0"] {
            let words = |words: [&str; 3]| words.map(OsString::from);
            assert_eq!(refused_words(&words(["connect", "h", port])), format!("{port:?} is not a port | {hint}"));
            assert_eq!(refused_words(&words(["listen", "h", port])), format!("{port:?} is not a port | {hint}"));
        }
        assert_eq!(refused("listen 65536"), "port 65536 is out of range: ports go from 0 to 65535");
        assert_eq!(refused_words(&["connect", "", "80"].map(OsString::from)), "the host is empty");
        accepted("connect -4 h 80");
        accepted("listen -6 80");
    }

    #[test]
    fn only_file_names_may_be_other_than_utf8() {
        let odd = || OsString::from_vec(b"\xff\x1b[31m".to_vec());
        let word = OsString::from;
        assert_eq!(
            refused_words(&[word("connect"), odd(), word("80")]),
            "\"\u{fffd}\\u{1b}[31m\" is not UTF-8 | only names of files may have other bytes in them"
        );
        for line in [["connect", "h", "80", "--send"], ["connect", "h", "80", "-E"], ["connect", "h", "80", "-w"]] {
            let mut words: Vec<_> = line.map(OsString::from).into();
            words.push(odd());
            assert!(refused_words(&words).contains("is not UTF-8"), "{line:?}");
        }
        refused_words(&[odd()]);
        refused_words(&[word("script"), odd()]);
        let argv = ["tcpx", "connect", "h", "80", "-o"].map(OsString::from).into_iter().chain([odd()]);
        assert!(crate::cli::parse_words(&argv.collect::<Vec<_>>(), &crate::cli::Surroundings::alone(false)).is_ok());
    }

    #[test]
    fn words_in_messages_are_escaped_and_shortened() {
        for text in ["--a\nb", "a\x1b]0;x\x07", "-\x1b", "--x\u{9b}31m=1", "x\u{202e}y"] {
            refused_words(&[text.into()]);
            refused_words(&["connect".into(), text.into()]);
            refused_words(&["connect".into(), "h".into(), "80".into(), text.into()]);
            refused_words(&["listen".into(), "h".into(), text.into()]);
            refused_words(&["script".into(), text.into()]);
            refused_words(&["completions".into(), text.into()]);
            refused_words(&["listen".into(), "80".into(), "--malformed".into(), text.into()]);
        }
        let long = refused_words(&["connect".into(), "h".into(), "80".into(), "x".repeat(5_000).into()]);
        assert!(long.len() < 400, "{long}");
    }

    #[test]
    fn short_options_can_be_joined_and_take_values() {
        let config = config("connect -vCw2 -Egbk h 80");
        assert!(config.text.crlf && config.output.verbose == 1);
    }
}
