//! Every message that people can see has a Chinese translation: all string literals of the sources that hold words are looked up in
//! the catalogue, except those listed here with the reason.

use std::fs;
use std::ops::Range;
use std::path::Path;

use tcpx::testing::Catalogue;

use crate::floors::source_files;

const CATALOGUES: [&str; 3] =
    ["src/language/messages.zh.txt", "src/language/scripts.zh.txt", "src/language/help.zh.txt"];

/// Files, or folders, whose texts are not messages in the user's language.
const OTHER_FILES: &[(&str, &str)] = &[
    ("cli/personality/", "speaks as nc and Ncat do, whose callers look at their words"),
    ("output/nc.rs", "speaks as nc does"),
    ("output/ncat.rs", "speaks as Ncat does"),
    ("output/proxied.rs", "speaks as nc and Ncat do"),
    ("cli/completion/", "code for shells"),
    ("cli/generate.rs", "manual pages: their texts are those of the help, which `cli::translate` checks"),
    ("cli/help.rs", "texts of the help, which `cli::translate` checks"),
    ("cli/args", "texts of the help, which `cli::translate` checks"),
    ("cli/lists.rs", "lists on stdout, which programs read"),
    ("cli/version.rs", "facts on stdout, which programs read"),
    ("bug.rs", "a report to the authors"),
    ("output/load/json.rs", "results on stdout and in files, which programs read"),
    ("output/report/junit.rs", "results in files, which programs read"),
    ("output/report/tap.rs", "results on stdout, which programs read"),
    (
        "script/reference",
        "the reference of the script language, which is English; docs/zh-CN/scripting.md is in Chinese",
    ),
    ("script/manual.rs", "the reference of the script language"),
    ("script/starter.rs", "scripts"),
    ("script/strict/corpus.rs", "scripts"),
];

/// Texts that are not messages.
const OTHER_TEXTS: &[(&str, &str)] = &[
    ("proxy header", "the name of a layer, which is not shown"),
    ("Name or service not known", "looked for in texts of the system"),
    ("files dns", "looked for in a file of the system"),
    (
        "No writable property '{}' - a setter is not registered for type '{}' to handle '{}'",
        "repeats a text of the language, which messages replace",
    ),
    ("ca, cert, key, client_ca, insecure, name, pin, alpn", "names of options"),
    ("receiver.{} = value", "code"),
    ("size of {}", "for texts of our own, which say it otherwise"),
    ("[possible values: ", "looked for in the help"),
    ("(other reasons)", "in results, which programs read"),
    ("got 1 byte: {}", "has lines for its parts: `got {~}` and `1 byte: {}`"),
    ("{} {}s are missing", "has lines for bytes and lines"),
    ("nc and ncat come first", "for a caller within tcpx, which never sees it"),
];

#[test]
fn every_message_has_a_translation() {
    let top = Path::new(env!("CARGO_MANIFEST_DIR"));
    let known = Known::read(top);
    let mut used = vec![false; OTHER_FILES.len() + OTHER_TEXTS.len()];
    let (mut missing, mut count) = (Vec::new(), 0);
    let src = top.join("src");
    let mut files = Vec::new();
    source_files(&src, &mut files);
    files.sort();
    for file in files {
        let source = fs::read_to_string(&file).expect("a source");
        let path = file.strip_prefix(&src).expect("below src").to_str().expect("UTF-8").to_owned();
        if path.contains("tests/") || path.ends_with("tests.rs") {
            continue;
        }
        let other = OTHER_FILES.iter().position(|(begin, _)| path.starts_with(begin));
        for text in messages(&source, path == "script/habits.rs") {
            let sample = places_of(&text);
            if let Some(other) = other {
                used[other] = true;
            } else if let Some(other) = OTHER_TEXTS.iter().position(|(known, _)| *known == sample) {
                used[OTHER_FILES.len() + other] = true;
            } else {
                count += 1;
                if !known.has(&sample) {
                    missing.push(format!("{path}: {text}"));
                }
            }
        }
    }
    assert!(
        missing.is_empty(),
        "{} messages have no line in src/language/messages.zh.txt or scripts.zh.txt:\n{}",
        missing.len(),
        missing.join("\n")
    );
    assert!(count > 1000, "only {count} messages were found");
    let names = OTHER_FILES.iter().chain(OTHER_TEXTS).map(|(name, _)| name);
    let unused: Vec<_> = names.zip(used).filter(|(_, is_used)| !is_used).map(|(name, _)| name).collect();
    assert!(unused.is_empty(), "these exceptions are none any more: {unused:?}");
}

/// What has a translation.
struct Known {
    catalogue: Catalogue,
    /// All English texts, with all places as `{}`.
    english: Vec<String>,
}

impl Known {
    fn read(top: &Path) -> Self {
        let texts = CATALOGUES.map(|path| fs::read_to_string(top.join(path)).expect("the catalogue"));
        let english = texts.iter().flat_map(|text| text.lines()).filter_map(|line| line.strip_prefix("> "));
        let english = english.map(|line| line.replace("{~}", "{}").replace("{s}", "{}")).collect();
        Self { catalogue: Catalogue::chinese(), english }
    }

    /// Whether a text, with its places as `{}`, is in the catalogue: as it is, by patterns, or as a part of a longer one.
    fn has(&self, text: &str) -> bool {
        let text = text.trim_end_matches('\n');
        let body = text.strip_prefix("hint: ").or_else(|| text.strip_prefix("tcpx: ")).unwrap_or(text);
        self.english.iter().any(|known| known == body)
            || self.is_translated(body)
            || self.english.iter().any(|known| is_part(body, known))
    }

    /// Whether nothing of the text is left in the translation.
    fn is_translated(&self, text: &str) -> bool {
        let sample = text.replace("{}", "9");
        let said = self.catalogue.say(&sample);
        said != sample && pairs_of_words(&sample).iter().all(|pair| !said.contains(pair.as_str()))
    }
}

/// Two words side by side, which are English if they are in small letters. What is quoted and commands to type stay.
pub(crate) fn pairs_of_words(text: &str) -> Vec<String> {
    let words: Vec<&str> = text.split_inclusive(' ').collect();
    let is_word = |word: &str| word.len() > 1 && word.chars().all(|letter| letter.is_ascii_lowercase());
    words
        .windows(2)
        .filter(|pair| pair.iter().all(|word| is_word(word.trim_end())) && pair[0].trim_end() != "tcpx")
        .map(|pair| pair.concat().trim_end().to_owned())
        .collect()
}

/// Whether all words of a text stand in this order in a known one.
fn is_part(text: &str, known: &str) -> bool {
    let mut rest = known;
    text.split("{}").map(|piece| piece.trim_matches(|letter: char| !letter.is_alphanumeric())).all(|piece| {
        let is_letter = |letter: Option<char>| letter.is_some_and(|letter| letter.is_ascii_alphabetic());
        let found = rest.match_indices(piece).find(|(at, _)| {
            let (before, after) = (&rest[..*at], &rest[at + piece.len()..]);
            let is_cut_before = is_letter(before.chars().last()) && is_letter(piece.chars().next());
            let is_cut_behind = is_letter(after.chars().next()) && is_letter(piece.chars().last());
            !is_cut_before && !is_cut_behind
        });
        found.map(|(at, _)| rest = &rest[at + piece.len()..]).is_some()
    })
}

/// A format string with every place as `{}`.
fn places_of(text: &str) -> String {
    let mut out = String::new();
    let mut letters = text.chars().peekable();
    while let Some(letter) = letters.next() {
        match letter {
            '{' if letters.peek() == Some(&'{') => out.extend(letters.next()),
            '}' if letters.peek() == Some(&'}') => out.extend(letters.next()),
            '{' if is_place(letters.clone()) => {
                letters.by_ref().find(|next| *next == '}');
                out.push_str("{}");
            }
            other => out.push(other),
        }
    }
    out
}

/// Whether the place of a format string goes on like this behind its brace.
fn is_place(mut letters: impl Iterator<Item = char>) -> bool {
    letters.find(|letter| !letter.is_ascii_alphanumeric() && !"_:?.#<>$*+".contains(*letter)) == Some('}')
}

/// What stands before a literal that nobody reads, or that is looked for in a text.
const INTERNAL: [&str; 10] = [
    ".expect(",
    "panic!(",
    "unreachable!(",
    "reason =",
    "include_str!(",
    ".contains(",
    ".starts_with(",
    ".strip_prefix(",
    ".trim_start_matches(",
    ".find(",
];

/// The lines of string literals that hold words people read. `has_tables`: a literal may be a list of names to look for, followed by
/// what is said of them.
fn messages(source: &str, has_tables: bool) -> Vec<String> {
    let end = source.find("\n#[cfg(test)]\nmod ").unwrap_or(source.len());
    let source = &source[..end];
    let mut found = Vec::new();
    for Literal { text, place } in literals(source) {
        let before = source[..place.start].trim_end();
        let line = &source[source[..place.start].rfind('\n').map_or(0, |at| at + 1)..place.start];
        let is_internal = INTERNAL.iter().any(|call| before.ends_with(call)) || line.contains("assert");
        let is_name = has_tables
            && before.trim_end_matches('(').ends_with(['[', ',', '\n', ' '])
            && source[place.end..].trim_start().starts_with(',');
        if !is_internal && !is_name {
            found.extend(text.lines().filter(|line| has_words(line)).map(str::to_owned));
        }
    }
    found
}

/// Whether a text has two words, or one beside a place, and is no command to type.
fn has_words(text: &str) -> bool {
    let text = places_of(text);
    let is_word = |word: &str| {
        let word = word.trim_matches(|letter: char| ",;:.()".contains(letter));
        word.len() > 1 && word.chars().all(|letter| letter.is_ascii_lowercase() || letter == '\'')
    };
    let words = text.split_whitespace().filter(|word| is_word(word)).count();
    let is_command = (text.starts_with("tcpx ") && !text.contains([',', ';']))
        || (text.starts_with("fn ") && text.find(')') == Some(text.len() - 1));
    !is_command && (words > 1 || (words == 1 && (text.contains("{}") || text.starts_with(' ') || text.ends_with(' '))))
}

/// A string of the source, and where it stands.
struct Literal {
    text: String,
    place: Range<usize>,
}

/// The string literals of a source, without those in comments.
fn literals(source: &str) -> Vec<Literal> {
    let mut found = Vec::new();
    let mut at = 0;
    while let Some(next) = source[at..].find(['"', '\'', '/']).map(|next| at + next) {
        let rest = &source[next..];
        at = if rest.starts_with("//") {
            next + rest.find('\n').unwrap_or(rest.len())
        } else if rest.starts_with('\'') {
            next + length_of_char(rest)
        } else if rest.starts_with('"') {
            let hashes = source[..next].len() - source[..next].trim_end_matches('#').len();
            let is_raw = source[..next - hashes].ends_with('r');
            let is_bytes = source[..next - hashes - usize::from(is_raw)].ends_with('b');
            let (text, length) = if is_raw { raw(rest, hashes) } else { escaped(rest) };
            if !is_bytes {
                found.push(Literal { text, place: next..next + length });
            }
            next + length
        } else {
            next + 1
        };
    }
    found
}

/// The length of a character literal, or of the quote of a lifetime.
fn length_of_char(text: &str) -> usize {
    let mut letters = text.char_indices().skip(1);
    match letters.next() {
        Some((_, '\\')) => {
            text[2..].char_indices().skip(1).find(|(_, letter)| *letter == '\'').map_or(1, |end| end.0 + 3)
        }
        Some(_) => letters.next().filter(|(_, letter)| *letter == '\'').map_or(1, |(end, _)| end + 1),
        None => 1,
    }
}

fn raw(text: &str, hashes: usize) -> (String, usize) {
    let end = format!("\"{}", "#".repeat(hashes));
    let length = text[1..].find(&end).map_or(text.len() - 1, |length| length);
    (text[1..=length].to_owned(), (length + 1 + end.len()).min(text.len()))
}

/// A string with escapes, and its length in the source.
fn escaped(text: &str) -> (String, usize) {
    let mut out = String::new();
    let mut letters = text.char_indices().skip(1).peekable();
    while let Some((at, letter)) = letters.next() {
        match letter {
            '"' => return (out, at + 1),
            '\\' => match letters.next().map(|(_, letter)| letter) {
                Some('\n') => while letters.next_if(|(_, letter)| letter.is_whitespace()).is_some() {},
                Some('n') => out.push('\n'),
                Some('t') => out.push('\t'),
                Some('r') => out.push('\r'),
                Some(letter @ ('\\' | '"' | '\'')) => out.push(letter),
                Some(other) => out.extend(['\\', other]),
                None => {}
            },
            letter => out.push(letter),
        }
    }
    (out, text.len())
}

#[test]
fn messages_are_found_in_sources() {
    let source = "//! \"a comment of it\"\nfn f<'a>(c: char) -> &'a str { let q = '\"'; let e = '\\''; \
                  say(\"no port in {text:?}\"); x.expect(\"not a message\"); b\"some bytes here\"; \
                  r#\"some \"raw\" text\"#; format!(\"\\\\u{{{n:x}}} is \\\n   wrong\"); \"word\"; \"{a}{b}: odd \" }\n\
                  #[cfg(test)]\nmod tests { \"in a test\" }\n";
    let expected = ["no port in {text:?}", "some \"raw\" text", "\\u{{{n:x}}} is wrong", "{a}{b}: odd "];
    assert_eq!(messages(source, false), expected);
    assert_eq!(places_of("\\u{{{n:x}}} of #{{a}} {} {:?}"), "\\u{{}} of #{a} {} {}");
    let table = "const T: &[(&str, &str)] = &[(\"quit die\", \"exit(code) ends the run\")];";
    assert_eq!(messages(table, true), ["exit(code) ends the run"]);
    let known = Known { catalogue: Catalogue::chinese(), english: vec!["no port in {}, or so".to_owned()] };
    assert!(known.has("port in {}") && !known.has("ort in {}") && !known.has("in {} port"));
    assert!(known.has("connection refused") && !known.has("it is gone forever") && !known.has("{}: gone forever"));
}
