//! Help in the language of the user: the complete definition with its texts from the catalogue, and lines broken where a language
//! without spaces can be broken.
//!
//! Owns nothing of what the help says. In English it is not used.

use std::borrow::Cow;
use std::ffi::OsString;

use clap::{Arg, Command};

use super::help;
use crate::codec::columns::{folded, is_wide, width_of};
use crate::language::Catalogue;

/// Widest lines of the help, as for English.
const MAX_WIDTH: usize = 100;
/// Narrowest, below which a terminal breaks lines itself.
const MIN_WIDTH: usize = 40;

/// The help that these words ask for; none if they do not ask.
pub(super) fn help(argv: &[OsString], catalogue: &Catalogue) -> Option<String> {
    let error = command(catalogue).try_get_matches_from_mut(argv).err()?;
    Some(shown(&error.render().to_string(), catalogue))
}

/// The short help of tcpx itself.
pub(super) fn short_help(catalogue: &Catalogue) -> String {
    shown(&command(catalogue).render_help().to_string(), catalogue)
}

/// The complete definition in another language.
pub(super) fn command(catalogue: &Catalogue) -> Command {
    let command = translated(help::complete(), catalogue);
    let (short, long) = help::after_all(&|text| catalogue.text(text).to_owned());
    command.after_help(short).after_long_help(long)
}

/// A built definition in another language.
pub(super) fn translated(command: Command, catalogue: &Catalogue) -> Command {
    let say = |text: String| catalogue.text(&text).to_owned();
    let about = command.get_about().map(|text| say(text.to_string()));
    let long_about = command.get_long_about().map(|text| say(text.to_string()));
    let after = help::after(command.get_name(), &|text| catalogue.text(text).to_owned());
    let mut command = command
        // Lines are broken afterwards.
        .term_width(0)
        .subcommand_help_heading(catalogue.text("Commands"))
        .mut_args(|arg| argument(arg, catalogue))
        .mut_subcommands(|command| translated(command, catalogue));
    if let Some(about) = about {
        command = command.about(about);
    }
    if let Some(about) = long_about {
        command = command.long_about(about);
    }
    match after {
        Some(after) => command.after_help(after),
        None => command,
    }
}

fn argument(arg: Arg, catalogue: &Catalogue) -> Arg {
    let say = |text: String| catalogue.text(&text).to_owned();
    let (help, long_help) = (arg.get_help().map(ToString::to_string), arg.get_long_help().map(ToString::to_string));
    let heading = arg.get_help_heading().and_then(|heading| catalogue.find(heading));
    let mut arg = arg;
    if let Some(help) = help {
        arg = arg.help(say(help));
    }
    if let Some(help) = long_help {
        arg = arg.long_help(say(help));
    }
    match heading {
        Some(heading) => arg.help_heading(heading),
        None => arg,
    }
}

/// Words that clap itself puts into a help, where they stand in it.
const OF_CLAP: &[(&str, &str)] = &[
    ("\nUsage: ", "\n用法："),
    ("\nArguments:\n", "\n参数：\n"),
    ("\nOptions:\n", "\n选项：\n"),
    ("Possible values:\n", "可选的值：\n"),
    ("[possible values: ", "[可选的值："),
    ("[default: ", "[默认："),
];

/// A rendered help with the words of clap translated, and with lines that fit the terminal.
fn shown(rendered: &str, catalogue: &Catalogue) -> String {
    let mut text = rendered.to_owned();
    for (english, translation) in OF_CLAP {
        text = text.replace(english, translation);
    }
    // Further forms of a usage stand below the first.
    text = text.replace("\n       tcpx ", "\n      tcpx ");
    for heading in headings(rendered) {
        text = text.replace(&format!("\n{heading}:\n"), &format!("\n{}：\n", catalogue.text(heading)));
    }
    let width = columns().unwrap_or(MAX_WIDTH).clamp(MIN_WIDTH, MAX_WIDTH);
    text.lines().map(|line| broken(&with_value(line, catalogue), width) + "\n").collect()
}

/// A line about a possible value, `- on:  Show it`, translated; any other as it is.
fn with_value<'a>(line: &'a str, catalogue: &Catalogue) -> Cow<'a, str> {
    let (begin, help) = line.split_at(line.find(": ").map_or(line.len(), |at| at + 2));
    match catalogue.find(help.trim_start()) {
        Some(translated) if begin.trim_start().starts_with("- ") => {
            let blanks = &help[..help.len() - help.trim_start().len()];
            Cow::Owned(format!("{begin}{blanks}{translated}"))
        }
        _ => Cow::Borrowed(line),
    }
}

/// The headings of a help: they are translated, but clap puts a colon behind them.
fn headings(rendered: &str) -> impl Iterator<Item = &str> {
    rendered.lines().filter_map(|line| line.strip_suffix(':')).filter(|line| !line.starts_with(' '))
}

/// Columns of the terminal that shows the help.
fn columns() -> Option<usize> {
    let size = rustix::termios::tcgetwinsize(rustix::stdio::stdout()).ok()?;
    (size.ws_col > 0).then_some(size.ws_col.into())
}

/// A line broken into several that are as wide as they may be, below its text.
fn broken(line: &str, width: usize) -> String {
    // Examples and usages are no sentences.
    if !line.chars().any(is_wide) || width_of(line) <= width {
        return line.to_owned();
    }
    folded(line, width, text_column(line))
}

/// The column where the text of a line begins: behind its indent, or behind the term that it explains.
fn text_column(line: &str) -> usize {
    let begin = line.len() - line.trim_start().len();
    let term = &line[begin..];
    let Some(gap) = term.find("  ").filter(|_| begin > 0) else { return begin };
    let text = term[gap..].trim_start();
    width_of(&line[..line.len() - text.len()])
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::*;
    use crate::cli::{args, generate, help, lists, settings, topics};

    /// Every text of the help and of the manual page.
    fn texts() -> BTreeSet<String> {
        let mut texts: BTreeSet<String> = ["Commands", "Examples:", "Exit codes:"].map(str::to_owned).into();
        collect(&help::complete(), &mut texts);
        texts.extend(help::texts().map(str::to_owned));
        texts.extend(
            generate::texts().chain(topics::texts()).chain(lists::texts()).chain(settings::texts()).map(str::to_owned),
        );
        texts
    }

    fn collect(command: &Command, texts: &mut BTreeSet<String>) {
        texts.extend([command.get_about(), command.get_long_about()].into_iter().flatten().map(ToString::to_string));
        for arg in command.get_arguments() {
            texts.extend([arg.get_help(), arg.get_long_help()].into_iter().flatten().map(ToString::to_string));
            texts.extend(arg.get_help_heading().map(str::to_owned));
            texts
                .extend(arg.get_possible_values().iter().filter_map(|value| value.get_help()).map(ToString::to_string));
        }
        command.get_subcommands().for_each(|command| collect(command, texts));
    }

    #[test]
    fn every_text_of_the_help_is_in_the_catalogue() {
        let catalogue = Catalogue::chinese();
        let missing: Vec<_> = texts().into_iter().filter(|text| catalogue.find(text).is_none()).collect();
        assert!(missing.is_empty(), "src/language/help.zh.txt has no translation of\n> {}", missing.join("\n\n> "));
    }

    #[test]
    fn nothing_of_the_help_stays_english() {
        let catalogue = Catalogue::chinese();
        for line in [
            "--help",
            "-h",
            "connect --help",
            "listen -h",
            "run --help",
            "test -h",
            "report --help",
            "help --help",
            "script --help",
            "script check --help",
            "script new -h",
            "man --help",
            "encodings -h",
            "completions --help",
            "scan --help",
            "wait --help",
        ] {
            let argv: Vec<_> = ["tcpx"].into_iter().chain(line.split(' ')).map(OsString::from).collect();
            let text = help(&argv, &catalogue).unwrap_or_else(|| panic!("no help for {line}"));
            let widest = text.lines().max_by_key(|line| width_of(line)).unwrap_or_default();
            assert!(width_of(widest) <= MAX_WIDTH, "tcpx {line}: {widest}");
            for english in [
                "Usage",
                "Options",
                "Arguments",
                "Commands",
                "Examples",
                "possible values",
                "default",
                "Print",
                " the ",
            ] {
                assert!(!text.contains(english), "tcpx {line}: {english} in\n{text}");
            }
        }
        assert!(short_help(&catalogue).starts_with(catalogue.find(args::ABOUT).expect("a text")));
    }

    #[test]
    fn the_commands_of_a_terminal_are_translated() {
        let catalogue = Catalogue::chinese();
        for line in crate::editor::command::help(true).lines() {
            assert_ne!(catalogue.say(line), line);
        }
    }

    #[test]
    fn the_translated_definition_is_the_same() {
        let catalogue = Catalogue::chinese();
        let names = |command: &Command| {
            let mut names = Vec::new();
            for command in command.get_subcommands() {
                names.push(command.get_name().to_owned());
                names.extend(command.get_arguments().map(ToString::to_string));
            }
            names
        };
        assert_eq!(names(&command(&catalogue)), names(&help::complete()));
        command(&catalogue).debug_assert();
    }

    #[test]
    fn lines_are_broken_where_they_may_be() {
        assert_eq!(broken("  -E  一二三四，五六", 14), "  -E  一二三\n      四，五六");
        assert_eq!(broken("一二三，四", 6), "一二\n三，四");
        assert_eq!(broken("一 abc def 二", 8), "一 abc\ndef 二");
        assert_eq!(broken("a long line of an example", 8), "a long line of an example");
        assert_eq!(broken("    一（二）三", 10), "    一\n    （二）\n    三");
    }
}
