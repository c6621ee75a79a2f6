//! Files generated from the command definition and the script reference: completions, manual pages, a Markdown page.
//!
//! Owns their text. Writes nothing: `tcpx completions` and `tcpx man` print it, and `tests/generated.rs` compares the
//! committed copies with it.

use clap::builder::PossibleValue;
use clap::{Arg, Command, ValueEnum};
use clap_complete::Shell;
use roff::{Inline, bold, italic, roman};

use super::{completion, help, translate};
use crate::codec::man::ManPage;
use crate::language::{self, Catalogue};
use crate::{exit, script};

/// A manual page.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum Page {
    /// The command itself
    #[value(name = "tcpx", alias = "tcpx.1")]
    Tcpx,
    /// The script reference
    #[value(name = "tcpx-script", alias = "tcpx-script.7")]
    TcpxScript,
}

/// A manual page as roff, in the language of the user if there is one.
pub fn man(page: Page) -> String {
    man_in(page, language::catalogue())
}

fn man_in(page: Page, catalogue: Option<&Catalogue>) -> String {
    match page {
        Page::Tcpx => tcpx_page(&Voice(catalogue)),
        Page::TcpxScript => script::man_page(),
    }
}

/// The completions of a shell.
pub fn completions(shell: Shell) -> String {
    completion::script(shell)
}

/// Every committed generated file: its path from the top of the source tree, and its text.
pub fn files() -> Vec<(String, String)> {
    let pages = Page::value_variants().iter().map(|page| (format!("man/{}", file_of(*page)), man_in(*page, None)));
    let chinese = man_in(Page::Tcpx, Some(&Catalogue::chinese()));
    let pages = pages.chain([(format!("man/zh_CN/{}", file_of(Page::Tcpx)), chinese)]);
    let shells = [
        (Shell::Bash, "tcpx.bash"),
        (Shell::Zsh, "_tcpx"),
        (Shell::Fish, "tcpx.fish"),
        (Shell::Elvish, "tcpx.elv"),
        (Shell::PowerShell, "_tcpx.ps1"),
    ];
    let completions = shells.map(|(shell, file)| (format!("completions/{file}"), completions(shell)));
    let web = [("docs/scripting.md".to_owned(), script::web_page())];
    pages.chain(completions).chain(web).collect()
}

fn file_of(page: Page) -> &'static str {
    match page {
        Page::Tcpx => "tcpx.1",
        Page::TcpxScript => "tcpx-script.7",
    }
}

/// The language of a page.
pub(super) struct Voice<'a>(pub(super) Option<&'a Catalogue>);

impl Voice<'_> {
    pub(super) fn is_english(&self) -> bool {
        self.0.is_none()
    }

    pub(super) fn say<'b>(&'b self, text: &'b str) -> &'b str {
        self.0.map_or(text, |catalogue| catalogue.text(text))
    }

    /// A sentence from its text.
    fn sentence(&self, text: &str) -> String {
        format!("{text}{}", self.say(FULL_STOP))
    }
}

fn tcpx_page(voice: &Voice<'_>) -> String {
    let mut command = help::complete();
    if let Some(catalogue) = voice.0 {
        command = translate::translated(command, catalogue);
    }
    let mut page = ManPage::new("TCPX", "1", voice.say(MANUAL));
    if !voice.is_english() {
        page.ragged();
    }
    page.section(voice.say("NAME"));
    page.paragraph(voice.say(NAME));
    page.section(voice.say("SYNOPSIS"));
    page.lines(synopsis(&command));
    page.section(voice.say("DESCRIPTION"));
    paragraphs(&mut page, DESCRIPTION, voice);
    page.section(voice.say("COMMANDS"));
    for word in leaves(&command) {
        page.item(usage(word).into_iter().next().unwrap_or_default(), &about(word, voice));
    }
    page.section(voice.say("OPTIONS"));
    options(&mut page, &command, voice);
    page.section(voice.say("ENDINGS"));
    for (event, what) in ENDINGS {
        page.item(vec![bold(voice.say(event))], voice.say(what));
    }
    page.section(voice.say("EXIT STATUS"));
    paragraphs(&mut page, EXIT_STATUS, voice);
    for (code, meaning) in exit::TABLE {
        page.item(vec![bold(*code)], voice.say(meaning));
    }
    page.section(voice.say("ENVIRONMENT"));
    paragraphs(&mut page, ENVIRONMENT, voice);
    page.section(voice.say("EXAMPLES"));
    let all = [
        help::EXAMPLES,
        help::CONNECT_EXAMPLES,
        help::LISTEN_EXAMPLES,
        help::RUN_EXAMPLES,
        help::TEST_EXAMPLES,
        help::WAIT_EXAMPLES,
        help::SCAN_EXAMPLES,
        help::REPORT_EXAMPLES,
    ];
    for (line, what) in all.concat() {
        page.paragraph(voice.say(what));
        page.code(line);
    }
    page.section(voice.say("SEE ALSO"));
    let others = ["tcpx-script(7)", "nc(1)", "ncat(1)", "socat(1)"].map(|page| page.split_at(page.len() - 3));
    let words = others.iter().enumerate().flat_map(|(number, (name, section))| {
        let comma = if number + 1 < others.len() { ", " } else { "" };
        [bold(*name), roman(format!("{section}{comma}"))]
    });
    page.line(words.collect());
    page.finish()
}

fn synopsis(command: &Command) -> Vec<Vec<Inline>> {
    leaves(command).flat_map(usage).collect()
}

/// The leaf commands, in order.
fn leaves(command: &Command) -> impl Iterator<Item = &Command> {
    command.get_subcommands().flat_map(|word| {
        let below: Vec<_> = word.get_subcommands().collect();
        if below.is_empty() { vec![word] } else { below }
    })
}

/// The synopsis of a command: its name in bold, placeholders in italics.
fn usage(command: &Command) -> Vec<Vec<Inline>> {
    let name = command.get_bin_name().unwrap_or(command.get_name()).to_owned();
    let from_words = || {
        let words: Vec<_> = command.get_positionals().map(ToString::to_string).collect();
        format!("{name} {}", words.join(" ")).replace(['<', '>'], "")
    };
    let forms = command.get_overridden_usage().map_or_else(from_words, ToString::to_string);
    let form = |form: &str| {
        let words = form.trim().strip_prefix(&name).unwrap_or(form).trim();
        let mut line = vec![bold(name.clone())];
        for word in words.split_whitespace() {
            line.push(roman(" "));
            let is_name = |c: char| c.is_ascii_uppercase();
            let (start, end) =
                (word.find(is_name).unwrap_or(word.len()), word.rfind(is_name).map_or(word.len(), |at| at + 1));
            line.extend([roman(&word[..start]), italic(&word[start..end]), roman(&word[end..])]);
        }
        line
    };
    forms.lines().map(form).collect()
}

/// Commands with the options of connections.
const OF_CONNECTIONS: [&str; 2] = ["connect", "listen"];
/// Commands whose other options are listed behind those.
const WITH_OPTIONS_OF_THEIR_OWN: [&str; 5] = ["run", "test", "wait", "scan", "report"];

/// The options of `connect` and `listen` by group, each once; then those of other commands.
fn options(page: &mut ManPage, command: &Command, voice: &Voice<'_>) {
    let commands: Vec<_> = OF_CONNECTIONS.iter().filter_map(|name| command.find_subcommand(name)).collect();
    let all = || commands.iter().flat_map(|command| command.get_arguments().map(|arg| (command.get_name(), arg)));
    let mut headings = Vec::new();
    for heading in all().filter(|(_, arg)| !arg.is_positional()).filter_map(|(_, arg)| arg.get_help_heading()) {
        if !headings.contains(&heading) {
            headings.push(heading);
        }
    }
    for heading in headings {
        page.subsection(heading);
        let mut done = Vec::new();
        for (name, arg) in all().filter(|(_, arg)| arg.get_help_heading() == Some(heading)) {
            if done.contains(&arg.get_id()) {
                continue;
            }
            done.push(arg.get_id());
            let everywhere = all().filter(|(_, other)| other.get_id() == arg.get_id()).count() == commands.len();
            let only = match name {
                _ if everywhere => "",
                "connect" => voice.say(ONLY_CONNECT),
                _ => voice.say(ONLY_LISTEN),
            };
            page.item(option(arg), &(voice.sentence(&explained(arg, voice)) + only));
        }
    }
    for name in WITH_OPTIONS_OF_THEIR_OWN {
        page.subsection(&format!("tcpx {name}"));
        let command = command.find_subcommand(name).expect("it is a command");
        let options = command.get_arguments().filter(|arg| !arg.is_positional() && !arg.is_hide_set());
        let options = options.filter(|arg| arg.get_id() != "help");
        let is_known =
            |arg: &&Arg| all().any(|(_, other)| option(other) == option(arg) && other.get_help() == arg.get_help());
        let (known, own): (Vec<_>, Vec<_>) = options.partition(is_known);
        for arg in own {
            page.item(option(arg), &voice.sentence(&explained(arg, voice)));
        }
        if !known.is_empty() {
            let mut pieces = vec![vec![roman(voice.say(AS_ABOVE))]];
            for (number, arg) in (1..).zip(&known) {
                let end = if number < known.len() { "," } else { voice.say(FULL_STOP) };
                let mut piece = option(arg);
                piece.push(roman(end));
                pieces.push(piece);
            }
            page.flow(pieces);
        }
    }
    page.subsection(voice.say(EVERYWHERE));
    page.item(vec![bold("-h"), roman(", "), bold("--help")], voice.say(HELP));
    page.item(vec![bold("-V"), roman(", "), bold("--version")], voice.say(VERSION));
}

fn option(arg: &Arg) -> Vec<Inline> {
    let mut words = Vec::new();
    if let Some(short) = arg.get_short() {
        words.push(bold(format!("-{short}")));
    }
    if let Some(long) = arg.get_long() {
        if !words.is_empty() {
            words.push(roman(", "));
        }
        words.push(bold(format!("--{long}")));
    }
    if arg.get_action().takes_values()
        && let Some(names) = arg.get_value_names()
    {
        words.push(roman(" "));
        words.push(italic(names.join(" ")));
    }
    words
}

/// What the help says about an option, with its values.
fn explained(arg: &Arg, voice: &Voice<'_>) -> String {
    let text = arg.get_long_help().or(arg.get_help()).map(ToString::to_string).unwrap_or_default();
    text + choices(arg, voice).as_str()
}

fn choices(arg: &Arg, voice: &Voice<'_>) -> String {
    let values = arg.get_possible_values();
    if values.is_empty() || !arg.get_action().takes_values() {
        return String::new();
    }
    let names: Vec<_> = values.iter().map(PossibleValue::get_name).collect();
    format!("{}{}", voice.say(ONE_OF), names.join(", "))
}

fn about(command: &Command, voice: &Voice<'_>) -> String {
    command.get_about().map(|about| voice.sentence(&about.to_string())).unwrap_or_default()
}

fn paragraphs(page: &mut ManPage, text: &[&str], voice: &Voice<'_>) {
    for paragraph in text {
        page.paragraph(voice.say(paragraph));
    }
}

/// Every text of the page that is not one of the help.
#[cfg(test)]
pub(super) fn texts() -> impl Iterator<Item = &'static str> {
    let titles = [
        "NAME",
        "SYNOPSIS",
        "DESCRIPTION",
        "COMMANDS",
        "OPTIONS",
        "ENDINGS",
        "EXIT STATUS",
        "ENVIRONMENT",
        "EXAMPLES",
        "SEE ALSO",
    ];
    let words = [MANUAL, NAME, FULL_STOP, ONE_OF, ONLY_CONNECT, ONLY_LISTEN, AS_ABOVE, EVERYWHERE, HELP, VERSION];
    let paragraphs = [DESCRIPTION, EXIT_STATUS, ENVIRONMENT].into_iter().flatten().copied();
    let endings = ENDINGS.iter().flat_map(|(event, what)| [*event, *what]);
    titles.into_iter().chain(words).chain(paragraphs).chain(endings)
}

const MANUAL: &str = "User Commands";
const NAME: &str = "tcpx - the netcat you can program and trust";
const FULL_STOP: &str = ".";
const ONE_OF: &str = ". One of ";
const ONLY_CONNECT: &str = " Only for connect.";
const ONLY_LISTEN: &str = " Only for listen.";
const AS_ABOVE: &str = "As above:";
const EVERYWHERE: &str = "Everywhere";
const HELP: &str = "Help: short, or long.";
const VERSION: &str = "The version, as tcpx --version.";

const DESCRIPTION: &[&str] = &[
    "tcpx connects or listens over TCP. Used like netcat, what stdin gives goes to the peer and what the peer sends goes \
     to stdout. With an encoding, stdin and stdout are UTF-8 and the connection is in that encoding; without one, bytes \
     pass untouched. With a script, handlers decide what to answer to every received chunk or line, and what to do when \
     the peer closes.",
    "A place is two words, HOST PORT, or one: host:port, [::1]:port, :port, tcp://host:port. A port is a number or a \
     service name. listen without a host takes IPv4 and IPv6; port 0 takes any free port, which is reported. connect \
     without HOST and PORT asks for them on a terminal.",
    "DUR is a time: 500ms, 2s, 1.5m, 1h30m; a bare number is in seconds. Where no option says so, there is no time limit.",
    "stdout is for data, stderr for people. What a peer sends is not written raw to a terminal: colours and \
     CR pass, other control characters are shown.",
];

pub(super) const ENDINGS: &[(&str, &str)] = &[
    (
        "stdin ends",
        "What was read is sent, then the peer is told (FIN); receiving goes on until the peer ends. In listen, a stdin \
         that ends before its first byte tells the peer nothing until the peer ends. With -k the end of stdin closes nobody.",
    ),
    (
        "the peer ends",
        "What was received is written. What stdin still has is sent: a file to its end, a pipe until nothing came for \
         500 ms; a terminal is not waited for. Then the exit status is 0. Giving up on a pipe that may still give something is \
         said on stderr, but not with -q. --half-open goes on until stdin ends, and gives the reader of stdout the end at \
         once; --send-only never ends because of the peer's end.",
    ),
    (
        "connect with a handler for received data",
        "stdin still goes to the peer, but its end tells the peer nothing: the script or the peer ends the connection.",
    ),
    (
        "--expect, --fail-on, --until",
        "The end of stdin tells the peer nothing before the answer is known. With --until the end of the only peer is the end of \
         the run (18).",
    ),
    ("the peer resets", "What was received is written, then the exit status is 56."),
    (
        "tcpx fails",
        "The peer must not take that for the end: what is queued is sent, and once the peer has acknowledged it, the \
         connection is reset. So with every exit status but 0, 1, that of a script's exit(n), and 141 if everything was \
         acknowledged; and so with one connection of many that fails alone. A Unix socket has no reset: its peer sees one \
         if something it sent was not read, or else the end.",
    ),
    (
        "the reader of stdout goes away",
        "What stdin still has is sent by the rules of the peer's end. A run that then ends by itself within 500 ms has lost \
         nothing, and its exit status is the usual one. Once something is received or printed that cannot be written, stdin is \
         read no more, and what was read is sent as long as the peer takes some of it within a second. Then, and if the run \
         does not end by itself, tcpx ends quietly, by SIGPIPE (141). --send-only does not use stdout.",
    ),
    ("listen without -k and without a script", "One peer is accepted, then the listening socket is closed."),
    (
        "listen -k",
        "All clients are served at the same time. stdin goes to every client, and is not read while there is none. A \
         client whose 1 MiB queue stays full for one second is dropped, with a message. What stdin still has is not sent \
         to a client that has ended.",
    ),
    (
        "listen with a script",
        "Serves until told to stop by --accept, --timeout, a signal or the script. stdin is read only if the script has on_stdin.",
    ),
    (
        "SIGINT, SIGTERM, SIGHUP",
        "Accepting stops, queues are flushed for at most one second, on_stop runs, then tcpx dies by that signal (130, \
         143, 129 in a shell). A second one ends it at once.",
    ),
];

pub(super) const EXIT_STATUS: &[&str] = &[
    "Every status says what happened, and every failure comes with a message on stderr; a death by signal and the exit(n) of a script are quiet. The first fatal error \
     wins. With -k, and with a script in listen, the trouble of one connection is reported and does not set the status, \
     except that a run in which a script failed ends with 112.",
];

const ENVIRONMENT: &[&str] = &[
    "TCPX_LANG, or else the locale (LC_ALL, LC_MESSAGES, LANG), is the language of the help and of this page: zh is Chinese, \
       everything else English. The help and messages are in the encoding of the locale (LC_ALL, LC_CTYPE, LANG).",
    "TCPX_OPTIONS has defaults for some options, as in '--connect-timeout 5s --no-history', and so has \
       ~/.config/tcpx/config.toml, or tcpx/config.toml in $XDG_CONFIG_HOME, with lines such as connect-timeout = \"5s\". The command line \
       counts before the variable, and that before the file; --no-config reads neither. Only what people see or wait for can have a \
       default, never what a run does with its bytes: encoding counts only where stdin and stdout are terminals. tcpx config show \
       lists the settings. tcpx nc and tcpx ncat read none.",
    "Names are resolved by the system, whose resolver has variables of its own; see resolv.conf(5).",
];

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_page_names_every_option_and_every_exit_code() {
        for catalogue in [None, Some(Catalogue::chinese())] {
            names_everything(&Voice(catalogue.as_ref()));
        }
    }

    fn names_everything(voice: &Voice<'_>) {
        let page = tcpx_page(voice);
        let command = help::complete();
        for name in ["connect", "listen"].into_iter().chain(WITH_OPTIONS_OF_THEIR_OWN) {
            for arg in command.find_subcommand(name).unwrap().get_arguments() {
                if let Some(long) = arg.get_long() {
                    assert!(page.contains(&format!("\\-\\-{}", long.replace('-', "\\-"))), "--{long} is missing");
                }
            }
        }
        let page = page.replace("\\:\\\n", "").replace("\\:", "").replace('\n', " ");
        for (_, meaning) in exit::TABLE {
            assert!(page.contains(&voice.say(meaning).replace('-', "\\-")), "{meaning} is missing");
        }
    }

    /// A quote inside would end the word: zsh then takes none of the command's options.
    #[test]
    fn every_word_of_the_zsh_script_is_quoted_as_a_whole() {
        for line in completions(Shell::Zsh).lines().filter(|line| line.starts_with('\'')) {
            // One alone begins a word that goes on in the next line.
            assert!(line.replace("'\\''", "").matches('\'').count() <= 2, "{line}");
        }
    }

    #[test]
    fn every_page_is_found_by_name_and_by_file() {
        for (name, page) in [("tcpx", Page::Tcpx), ("tcpx.1", Page::Tcpx)] {
            assert_eq!(Page::from_str(name, false).unwrap(), page);
        }
    }
}
