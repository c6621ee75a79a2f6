//! The clap command with the parts that derive does not cover: examples and the table of exit codes.
//!
//! Owns the text around the options. The options themselves are in `args`.

use std::fmt::Write as _;

use clap::{Arg, ArgAction, Command, CommandFactory};

use super::args::Cli;
use crate::exit;

/// A text in the language of the user.
pub(super) type Say<'a> = &'a dyn Fn(&str) -> String;

/// The definition used for parsing, help, man page and completions.
pub(super) fn command() -> Command {
    let (short, long) = after_all(&str::to_owned);
    let command = Cli::command().after_help(short).after_long_help(long);
    command.mut_subcommands(|command| match command.get_name() {
        "script" => command.mut_subcommands(takes_no_config),
        name if WITHOUT_DEFAULTS.contains(&name) => takes_no_config(command),
        _ => command,
    })
}

/// Commands that read no defaults of the user's own in any case, beside those of `script`. They take `--no-config`, as all others,
/// so that it can be given to any; their help does not speak of it.
const WITHOUT_DEFAULTS: [&str; 5] = ["report", "encodings", "completions", "man", "help"];

fn takes_no_config(command: Command) -> Command {
    let argument = Arg::new("no_config").long("no-config").action(ArgAction::SetTrue).hide(true);
    command.arg(argument.help("Read neither config.toml nor TCPX_OPTIONS"))
}

/// The text after the options of tcpx itself, short and long.
pub(super) fn after_all(say: Say<'_>) -> (String, String) {
    let examples = examples(EXAMPLES, say);
    (format!("{examples}\n\n{}", say(MORE_OPTIONS)), format!("{examples}\n\n{}\n\n{}", exit_codes(say), say(MORE_HELP)))
}

/// The text after the options of a command, if there is any.
pub(super) fn after(command: &str, say: Say<'_>) -> Option<String> {
    let (_, lines) = COMMANDS_WITH_EXAMPLES.iter().find(|(name, _)| *name == command)?;
    Some(format!("{}\n\n{}", examples(lines, say), say(MORE)))
}

/// Every text of this file that is for people.
#[cfg(test)]
pub(super) fn texts() -> impl Iterator<Item = &'static str> {
    let captions = COMMANDS_WITH_EXAMPLES.iter().flat_map(|(_, lines)| *lines).chain(EXAMPLES).map(|(_, what)| *what);
    let meanings = exit::TABLE.iter().map(|(_, meaning)| *meaning);
    captions.chain(meanings).chain([MORE, MORE_OPTIONS, MORE_HELP, "Examples:", "Exit codes:"])
}

/// The same with the parts that parsing a valid command line does not need.
pub(super) fn complete() -> Command {
    let mut command = command();
    command.build();
    command
}

/// The text after the options of `tcpx connect`.
pub(super) fn of_connect() -> String {
    of("connect")
}

/// The text after the options of `tcpx listen`.
pub(super) fn of_listen() -> String {
    of("listen")
}

/// The text after the options of `tcpx run`.
pub(super) fn of_run() -> String {
    of("run")
}

/// The text after the options of `tcpx report`.
pub(super) fn of_report() -> String {
    of("report")
}

/// The text after the options of `tcpx test`.
pub(super) fn of_test() -> String {
    of("test")
}

/// The text after the options of `tcpx scan`.
pub(super) fn of_scan() -> String {
    of("scan")
}

/// The text after the options of `tcpx wait`.
pub(super) fn of_wait() -> String {
    of("wait")
}

fn of(command: &str) -> String {
    after(command, &str::to_owned).unwrap_or_default()
}

/// What `--encoding` does, at length.
pub(super) fn about_encodings() -> String {
    let command = complete();
    let connect = command.find_subcommand("connect").expect("a command");
    let option = connect.get_arguments().find(|arg| arg.get_id() == "encoding").expect("an option");
    option.get_long_help().map(ToString::to_string).unwrap_or_default()
}

fn examples(lines: &[(&str, &str)], say: Say<'_>) -> String {
    let mut text = say("Examples:");
    for (line, _) in lines {
        text.push_str("\n  ");
        text.push_str(line);
    }
    text
}

fn exit_codes(say: Say<'_>) -> String {
    let mut text = say("Exit codes:");
    for (code, meaning) in exit::TABLE {
        let _ = write!(text, "\n  {code:<6} {}", say(meaning));
    }
    text
}

/// The main uses: a command line, and its description for the man page.
pub(super) const EXAMPLES: &[(&str, &str)] = &[
    ("printf 'GET / HTTP/1.0\\r\\n\\r\\n' | tcpx connect example.org 80", "Ask, and print the whole answer."),
    ("tcpx listen 45586 --script @goodbye --encoding gbk", "A peer that answers every chunk, in GBK."),
    ("tcpx connect -z -w 2 localhost 5432 && echo up", "Is the port open? 0 yes, 7 refused, 28 no answer in time."),
];

/// Examples of `tcpx test`.
pub(super) const TEST_EXAMPLES: &[(&str, &str)] = &[
    ("tcpx test tests/*.rhai", "Run every fn test_*() of some files; exit 1 if one fails."),
    ("tcpx test --filter login --repeat 100 --jobs 4 smtp.rhai", "Run some tests a hundred times, four at a time."),
    ("tcpx test --junit report.xml --tap relay.rhai", "Report in TAP on stdout, and for a CI server in a file."),
];

/// Examples of `tcpx scan`.
pub(super) const SCAN_EXAMPLES: &[(&str, &str)] = &[
    ("tcpx scan 192.0.2.7 22,80,8000-8100", "Which of these ports accept? Exit 1 if none does."),
    ("tcpx scan -v -w 500ms db.example.org -p 5432", "Open, closed (7 for connect), or filtered (no answer)?"),
    ("tcpx scan a.example b.example -p 1-1023 --json", "All of several hosts, for programs."),
];

/// Examples of `tcpx wait`.
pub(super) const WAIT_EXAMPLES: &[(&str, &str)] = &[
    ("tcpx wait localhost 5432 --timeout 30s && psql ...", "Wait for a server, for half a minute at most."),
    ("tcpx wait db:5432 cache:6379 unix:/run/app.sock", "Wait for several, one after the other."),
    ("tcpx wait mail.example.org 25 --expect '^220 '", "Wait for the banner, on a new connection for each try."),
];

/// Examples of `tcpx run`.
pub(super) const RUN_EXAMPLES: &[(&str, &str)] = &[
    ("tcpx run check.rhai db.example.org 5432", "Run fn main() of a script; its args are what follows."),
    ("tcpx run --set host=localhost --timeout 1m flow.rhai", "Set app.host before, and end after a minute at most."),
    (
        "tcpx run --clients 200 --duration 30s --fail-if 'p99 > 50ms' flow.rhai",
        "Measure load: 200 clients for 30 seconds.",
    ),
];

/// More examples of `tcpx connect`.
pub(super) const CONNECT_EXAMPLES: &[(&str, &str)] = &[
    ("tcpx connect -C --send 'HELO me\\n' mail.example.org 25", "Send a line first, then what is typed."),
    ("tcpx connect -E gbk 192.0.2.7 45586", "Type UTF-8, send and receive GBK."),
    ("tcpx connect 192.0.2.7 9000 --send-only < backup.tar", "Send a file, and end when the peer has taken it."),
];

/// More examples of `tcpx listen`.
pub(super) const LISTEN_EXAMPLES: &[(&str, &str)] = &[
    ("tcpx listen 9000 --recv-only > backup.tar", "Receive a file."),
    ("tcpx listen 7777 --on-data 'conn.send(data)'", "An echo server."),
    (
        "tcpx listen 7777 --session 'for l in conn.lines() { conn.send_line(l.to_upper()) }'",
        "A conversation from top to bottom, with each client.",
    ),
    ("tcpx listen 0 --ready-file port --script @echo &", "Any free port, announced in a file when it is ready."),
];

/// Examples of `tcpx report`.
pub(super) const REPORT_EXAMPLES: &[(&str, &str)] = &[
    ("tcpx report shard-*.json --html load.html", "What all machines together have measured."),
    ("tcpx report run.json --fail-if 'p99 > 50ms' --fail-if 'failures > 1%'", "A threshold for CI: 1 if one holds."),
    ("cat shard-*.json | tcpx report - --json all.json", "The sum of several results, which can be merged again."),
];

/// The examples of each command that has some.
pub(super) const COMMANDS_WITH_EXAMPLES: &[(&str, &[(&str, &str)])] = &[
    ("connect", CONNECT_EXAMPLES),
    ("listen", LISTEN_EXAMPLES),
    ("run", RUN_EXAMPLES),
    ("test", TEST_EXAMPLES),
    ("report", REPORT_EXAMPLES),
    ("scan", SCAN_EXAMPLES),
    ("wait", WAIT_EXAMPLES),
];

const MORE_OPTIONS: &str = "\"tcpx COMMAND --help\" shows the options of a command.";

const MORE_HELP: &str = "\"tcpx COMMAND --help\" shows the options of a command, \"tcpx man\" writes the manual page.";

const MORE: &str = "\"tcpx --help\" shows the exit codes, \"tcpx man\" writes the manual page.";

#[cfg(test)]
mod tests {
    use crate::cli::Stop;
    use crate::cli::tests::action;

    fn help(line: &str) -> String {
        match action(line, false) {
            Err(Stop::Help(text)) => text,
            other => panic!("tcpx {line}: {other:?}"),
        }
    }

    #[test]
    fn every_help_fits_a_hundred_columns() {
        for word in [
            "",
            "connect",
            "listen",
            "wait",
            "report",
            "script",
            "script list",
            "script show",
            "script check",
            "encodings",
        ] {
            for option in ["-h", "--help"] {
                let text = help(&format!("{word} {option}"));
                let widest = text.lines().max_by_key(|line| line.chars().count()).unwrap();
                assert!(widest.chars().count() <= 100, "tcpx {word} {option}: {widest}");
            }
        }
    }

    #[test]
    fn the_long_help_shows_commands_examples_and_exit_codes() {
        let text = help("--help");
        for part in
            ["connect", "listen", "report", "script", "encodings", "completions", "man", "Examples:", "Exit codes:"]
        {
            assert!(text.contains(part), "no {part} in:\n{text}");
        }
        for (code, meaning) in crate::exit::TABLE {
            assert!(text.contains(&format!("  {code:<6} {meaning}\n")), "no {code} in:\n{text}");
        }
        assert!(!help("-h").contains("Exit codes:"));
    }

    #[test]
    fn the_version_is_one_line() {
        assert_eq!(help("--version"), format!("tcpx {}\n", env!("CARGO_PKG_VERSION")));
    }

    #[test]
    fn tcpx_without_arguments_prints_the_short_help() {
        let Err(Stop::NoCommand(text)) = action("", false) else { panic!("something runs") };
        assert_eq!(text, help("-h"));
    }

    #[test]
    fn clap_accepts_the_definition() {
        super::command().debug_assert();
    }
}
