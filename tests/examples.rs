//! Every `tcpx` command line in the READMEs, the script references and the help is accepted by the parser.

use std::ffi::OsString;
use std::fs;
use std::path::Path;

use tcpx::testing::{self, Stop};

#[test]
fn every_line_of_the_readmes_and_the_script_references_is_accepted() {
    for (file, least) in
        [("README.md", 20), ("README.zh-CN.md", 20), ("docs/scripting.md", 7), ("docs/zh-CN/scripting.md", 7)]
    {
        let text = fs::read_to_string(Path::new(env!("CARGO_MANIFEST_DIR")).join(file)).expect(file);
        let blocks = text.split("```sh\n").skip(1).filter_map(|block| block.split("```").next());
        let seen: usize = blocks.flat_map(str::lines).map(check).sum();
        assert!(seen >= least, "{file}: only {seen} lines found");
    }
}

#[test]
fn every_example_of_the_help_is_accepted() {
    for word in ["", "connect", "listen", "run", "wait", "scan", "report"] {
        let argv = ["tcpx", word, "--help"].into_iter().filter(|word| !word.is_empty());
        let Err(Stop::Help(text)) = testing::parse(argv.map(OsString::from)) else { panic!("no help for {word}") };
        let examples = text.split("Examples:\n").nth(1).unwrap_or_default();
        let seen: usize = examples.lines().take_while(|line| line.starts_with("  ")).map(check).sum();
        assert!((2..=4).contains(&seen), "{text}");
    }
}

/// Parses every tcpx command of a line, and returns their number.
fn check(line: &str) -> usize {
    let words = words(line);
    let commands = words.split(|word| ["|", "||", "&&", "&", ";"].contains(&word.as_str()));
    let mut seen = 0;
    for command in commands.filter(|words| words.first().is_some_and(|word| word == "tcpx")) {
        seen += 1;
        match testing::parse(command.iter().map(OsString::from)) {
            // A descriptor that the shell would open.
            Err(Stop::Error(error)) if !error.to_string().contains("descriptor is not open") => {
                panic!("{line}: {error}")
            }
            _ => {}
        }
    }
    seen
}

/// Splits a line as a shell does, with quotes and comments, without redirections.
pub(crate) fn words(line: &str) -> Vec<String> {
    let (mut words, mut word, mut quote, mut started) = (Vec::new(), String::new(), None, false);
    for letter in line.chars().chain([' ']) {
        match (quote, letter) {
            (Some(open), letter) if letter == open => quote = None,
            (None, '\'' | '"') => (quote, started) = (Some(letter), true),
            (None, ' ') if started || !word.is_empty() => {
                words.push(std::mem::take(&mut word));
                started = false;
            }
            (None, ' ') => {}
            (None, '#') if word.is_empty() => break,
            (_, letter) => word.push(letter),
        }
    }
    let mut after_redirection = false;
    words.retain(|word| {
        let is_redirection = word.trim_start_matches(|c: char| c.is_ascii_digit()).starts_with(['<', '>']);
        let keep = !is_redirection && !after_redirection;
        after_redirection = matches!(word.as_str(), "<" | ">");
        keep
    });
    words
        .into_iter()
        .map(|word| word.replace("$host", "host").replace("$port", "80").replace("$address", "h:80"))
        .collect()
}
