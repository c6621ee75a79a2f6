//! The documents as a Markdown reader shows them: code is whole, example ports are free ones, commands are accepted.

use std::fs;
use std::path::{Path, PathBuf};

use pulldown_cmark::{Event, Options, Parser, Tag, TagEnd};

/// The port of the README's first command, which stands for one that the reader was told.
const TOLD: &str = "45586";

#[test]
fn code_spans_are_whole() {
    let mut seen = 0;
    for file in documents("md") {
        let text = fs::read_to_string(&file).expect("read a document");
        let mut is_block = false;
        for event in Parser::new_ext(&text, Options::ENABLE_TABLES) {
            match event {
                Event::Start(Tag::CodeBlock(_)) => is_block = true,
                Event::End(TagEnd::CodeBlock) => is_block = false,
                Event::Text(text) => {
                    assert!(is_block || !text.contains('`'), "{}: a code span has no end: {text}", file.display());
                }
                Event::Code(code) => {
                    seen += 1;
                    assert!(is_balanced(&code), "{}: a code span is cut: {code}", file.display());
                }
                _ => {}
            }
        }
    }
    assert!(seen > 500, "only {seen} spans");
}

#[test]
fn cut_code_is_found() {
    for whole in ["f(a, b)", "#{a: [1]}", "x", "\"(\"", "')'", "fn f() {", "`{`", "}}", "8)", "frame_delim(\"|\")"] {
        assert_eq!(is_balanced(whole), !matches!(whole, "8)"), "{whole}");
    }
    assert!(!is_balanced("frame_size)") && !is_balanced("a]"));
}

/// A port that the system gives to others may be taken when an example is tried. (32768 itself is a size, too.)
#[test]
fn example_ports_are_outside_of_the_ephemeral_range() {
    let files = ["md", "rhai", "1", "7"].into_iter().flat_map(documents);
    let mut seen = 0;
    for file in files {
        let text = fs::read_to_string(&file).expect("read a document");
        for (number, line) in (1..).zip(text.lines()) {
            // The code of a script has numbers of other kinds.
            let is_script = file.extension().is_some_and(|found| found == "rhai");
            let said = if is_script { line.split_once("//").map_or("", |(_, said)| said) } else { line };
            for word in said.split(|c: char| !c.is_alphanumeric()).filter(|word| word.len() == 5 && *word != TOLD) {
                let Ok(port) = word.parse::<u32>() else { continue };
                seen += 1;
                assert!(!(32769..=60999).contains(&port), "{}:{number}: {line}", file.display());
            }
        }
    }
    assert!(seen > 10, "only {seen} numbers");
}

/// The opening brackets of code have closing ones, and the other way round; an open brace at the end is a block.
fn is_balanced(code: &str) -> bool {
    if code.chars().all(|letter| letter.is_ascii_punctuation()) {
        // Signs that are spoken of.
        return true;
    }
    let (mut depth, mut quote) = (0_i32, None);
    for letter in code.trim_end_matches('{').chars() {
        match (quote, letter) {
            (Some(open), letter) if letter == open => quote = None,
            (None, '"' | '\'' | '`') => quote = Some(letter),
            (None, '(' | '[' | '{') => depth += 1,
            (None, ')' | ']' | '}') => depth -= 1,
            _ => {}
        }
        if depth < 0 {
            return false;
        }
    }
    true
}

/// The files for readers whose names end like this.
fn documents(extension: &str) -> Vec<PathBuf> {
    let top = Path::new(env!("CARGO_MANIFEST_DIR"));
    let entries = ["", "docs", "docs/zh-CN", "man", "man/zh_CN", "scripts"]
        .map(|folder| fs::read_dir(top.join(folder)).expect("read a folder"));
    let files = entries.into_iter().flatten().map(|entry| entry.expect("an entry").path());
    files.filter(|path| path.extension().is_some_and(|found| found == extension)).collect()
}
