//! `tcpx help`: the help of a command, or a page about one topic.
//!
//! Owns which topics there are, and their layout for a terminal. The texts are those of the manual page and of `docs/`.

use std::ffi::OsString;
use std::fmt::Write as _;

use super::generate::{self, Voice};
use super::personality::Tool;
use super::plain::{self, hanging, paragraph};
use super::usage::{self, shown};
use super::{help, lists};
use crate::codec::columns::width_of;
use crate::codec::nearest::nearest;
use crate::error::{Error, Result};
use crate::{exit, language, script};

/// A topic, and what writes its page.
type Topic = (&'static str, fn(&Voice<'_>) -> String);

const TOPICS: [Topic; 5] = [
    ("endings", endings),
    ("encodings", encodings),
    ("scripts", scripts),
    ("exit-codes", exit_codes),
    ("recipes", recipes),
];

/// The names of all topics.
pub(super) fn names() -> impl Iterator<Item = &'static str> {
    TOPICS.iter().map(|(name, _)| *name)
}

/// What `tcpx help WORDS` prints.
pub(super) fn page(words: &[String]) -> Result<String> {
    if let Some((name, write)) = words.first().and_then(|word| TOPICS.iter().find(|(name, _)| name == word)) {
        return match words.get(1) {
            None => Ok(write(&Voice(language::catalogue()))),
            Some(more) => {
                let message = format!("one word too many: {}", shown(more.as_ref()));
                Err(Error::usage_hint(message, format!("tcpx help {name}")))
            }
        };
    }
    let mut command = &help::complete();
    for word in words {
        command = command.find_subcommand(word).ok_or_else(|| unknown(command, word))?;
    }
    // Their help is that of the tool they stand for.
    match words.first().map(String::as_str) {
        Some("nc") => return Ok(Tool::Nc.usage()),
        Some("ncat") => return Ok(Tool::Ncat.usage()),
        _ => {}
    }
    let words = words.iter().map(String::as_str);
    let argv: Vec<OsString> = ["tcpx"].into_iter().chain(words).chain(["--help"]).map(OsString::from).collect();
    let asked = help::command().try_get_matches_from(&argv).err();
    Ok(asked.map(|help| usage::help(&argv, &help)).unwrap_or_default())
}

fn unknown(command: &clap::Command, word: &str) -> Error {
    let mut known: Vec<&str> = command.get_subcommands().map(clap::Command::get_name).collect();
    let is_first = command.get_name() == "tcpx";
    if is_first {
        known.extend(names().map(|name| -> &str { name }));
    }
    let hint = match nearest(word, known) {
        Some(near) => format!("did you mean {near}?"),
        None if is_first => {
            format!("tcpx help, tcpx help COMMAND, or one of {}", names().collect::<Vec<_>>().join(", "))
        }
        None => format!("tcpx help {}", command.get_bin_name().unwrap_or_default().trim_start_matches("tcpx ")),
    };
    let what = if is_first { "no command and no topic" } else { "no command here" };
    Error::usage_hint(format!("{} is {what}", shown(word.as_ref())), hint)
}

fn endings(voice: &Voice<'_>) -> String {
    let mut text = paragraph(voice.say(HOW_A_RUN_ENDS), 0);
    for (event, what) in generate::ENDINGS {
        let _ = write!(text, "\n{}\n{}", voice.say(event), paragraph(voice.say(what), 4));
    }
    text
}

fn encodings(voice: &Voice<'_>) -> String {
    let mut text = paragraph(voice.say(&help::about_encodings()), 0);
    let _ = write!(text, "\n{}\n", paragraph(voice.say(OTHER_NAMES), 0));
    let rows = lists::encodings_and_labels();
    let column = rows.iter().map(|(name, _)| name.len()).max().unwrap_or_default() + 2;
    for (name, labels) in rows {
        let line = format!("{name:column$}{}", voice.say(&labels));
        text.push_str(&hanging(line.trim_end(), 0, column));
    }
    text
}

fn scripts(voice: &Voice<'_>) -> String {
    if voice.is_english() {
        return plain::page(&script::web_page());
    }
    plain::page(include_str!("../../docs/zh-CN/scripting.md"))
}

fn exit_codes(voice: &Voice<'_>) -> String {
    let mut text = String::new();
    for about in generate::EXIT_STATUS {
        let _ = writeln!(text, "{}", paragraph(voice.say(about), 0));
    }
    let column = exit::TABLE.iter().map(|(code, _)| width_of(code)).max().unwrap_or_default() + 2;
    for (code, meaning) in exit::TABLE {
        text.push_str(&hanging(&format!("{code:column$}{}", voice.say(meaning)), 0, column));
    }
    text
}

fn recipes(_: &Voice<'_>) -> String {
    plain::page(include_str!("../../docs/recipes.md"))
}

const HOW_A_RUN_ENDS: &str = "How a run ends, by what happens:";
const OTHER_NAMES: &str = "Every encoding with its other names:";

/// Every text of this file that is for people.
#[cfg(test)]
pub(super) fn texts() -> impl Iterator<Item = &'static str> {
    [HOW_A_RUN_ENDS, OTHER_NAMES].into_iter()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::cli::tests::{action, refused};
    use crate::cli::{Action, Stop};
    use crate::language::Catalogue;

    fn text(line: &str) -> String {
        match action(line, false) {
            Ok(Action::Text(text)) => text,
            other => panic!("tcpx {line}: {other:?}"),
        }
    }

    #[test]
    fn every_topic_has_its_page() {
        let texts = [
            ("endings", "the peer resets", "对端重置"),
            ("encodings", "gb18030", "gb18030"),
            ("scripts", "HANDLERS", "处理函数"),
            ("exit-codes", "114    text: malformed", "114"),
            ("recipes", "Wait for a port", "Wait for a port"),
        ];
        assert_eq!(texts.map(|(name, ..)| name).as_slice(), names().collect::<Vec<_>>());
        let catalogue = Catalogue::chinese();
        for ((name, english, chinese), (_, write)) in texts.into_iter().zip(TOPICS) {
            assert_eq!(text(&format!("help {name}")), write(&Voice(None)), "{name}");
            for (part, page) in [(english, write(&Voice(None))), (chinese, write(&Voice(Some(&catalogue))))] {
                assert!(page.contains(part) && page.ends_with('\n'), "{name} has no {part}:\n{page}");
                assert!(!page.contains("](") && !page.contains("```"), "{name}");
                let is_code = |line: &str| line.starts_with("        ") && ["scripts", "recipes"].contains(&name);
                for line in page.lines().filter(|line| !is_code(line)) {
                    assert!(width_of(line) <= plain::WIDTH, "{name}: {line}");
                }
            }
        }
    }

    #[test]
    fn the_help_of_a_command_is_that_of_its_option() {
        for words in ["", "connect", "listen", "report", "script", "script check", "man", "help"] {
            let Err(Stop::Help(wanted)) = action(&format!("{words} --help"), false) else { panic!("{words}") };
            assert_eq!(text(&format!("help {words}")), wanted, "{words}");
        }
    }

    #[test]
    fn the_help_of_an_old_tool_is_its_own() {
        assert!(text("help nc").contains("\nusage: nc "));
        assert!(text("help ncat").contains("\nUsage: ncat "));
    }

    #[test]
    fn what_is_no_topic_is_said() {
        let cases = [
            ("help endigs", "\"endigs\" is no command and no topic | did you mean endings?"),
            ("help conect", "\"conect\" is no command and no topic | did you mean connect?"),
            (
                "help me",
                "\"me\" is no command and no topic | tcpx help, tcpx help COMMAND, or one of endings, encodings, scripts, \
                 exit-codes, recipes",
            ),
            ("help script chek", "\"chek\" is no command here | did you mean check?"),
            ("help connect x", "\"x\" is no command here | tcpx help connect"),
            ("help endings x", "one word too many: \"x\" | tcpx help endings"),
        ];
        for (line, said) in cases {
            assert_eq!(refused(line), said);
        }
    }
}
