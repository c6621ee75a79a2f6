//! The Chinese pages follow the English ones: the same code, the same tables, the same sections, and links that lead somewhere.
//!
//! The commands themselves are run by `tutorial.rs` and parsed by `examples.rs`.

use std::fs;
use std::path::Path;

use pulldown_cmark::{Event, HeadingLevel, Options, Parser, Tag, TagEnd};

use crate::examples::words;

/// Pages that say the same in both languages.
const PAGES: [(&str, &str); 2] = [("README.md", "README.zh-CN.md"), ("docs/scripting.md", "docs/zh-CN/scripting.md")];
const CHINESE: [&str; 3] = ["README.zh-CN.md", "docs/zh-CN/tutorial.md", "docs/zh-CN/scripting.md"];

#[test]
fn code_is_the_same_in_both_languages() {
    for (english, chinese) in PAGES {
        let (wanted, seen) = (Page::read(english).code, Page::read(chinese).code);
        assert!(wanted.len() > 30, "{english}: only {} lines of code", wanted.len());
        assert_same_lists(&wanted, &seen, english, chinese);
    }
}

#[test]
fn tables_have_the_same_rows_in_both_languages() {
    for (english, chinese) in PAGES {
        let (wanted, seen) = (Page::read(english).rows, Page::read(chinese).rows);
        assert!(wanted.len() > 20, "{english}: only {} rows", wanted.len());
        assert_same_lists(&wanted, &seen, english, chinese);
    }
}

#[test]
fn sections_are_the_same_in_both_languages() {
    for (english, chinese) in PAGES {
        let (wanted, seen) = (Page::read(english), Page::read(chinese));
        let levels = |page: &Page| page.headings.iter().map(|(level, _)| format!("{level:?}")).collect::<Vec<_>>();
        assert_same_lists(&levels(&wanted), &levels(&seen), english, chinese);
    }
}

#[test]
fn links_of_chinese_pages_lead_somewhere() {
    let top = Path::new(env!("CARGO_MANIFEST_DIR"));
    let mut seen = 0;
    for page in CHINESE {
        for link in Page::read(page).links.iter().filter(|link| !link.starts_with("https://")) {
            let (path, anchor) = link.split_once('#').unwrap_or((link, ""));
            let target =
                if path.is_empty() { page.into() } else { Path::new(page).parent().expect("a folder").join(path) };
            assert!(top.join(&target).is_file(), "{page}: {link} leads nowhere");
            if !anchor.is_empty() {
                let anchors =
                    Page::read(target.to_str().expect("UTF-8")).headings.into_iter().map(|(_, text)| slug(&text));
                assert!(anchors.into_iter().any(|known| known == anchor), "{page}: {link} leads to no section");
            }
            seen += 1;
        }
    }
    assert!(seen > 30, "only {seen} links");
}

#[test]
fn what_differs_is_found() {
    let page = |text: &str| Page::of(text);
    assert_eq!(page("```sh\na 'b # c'  # d\n```").code, page("```sh\na 'b # c'   # 丁\n```").code);
    assert_ne!(page("```sh\na b\n```").code, page("```sh\na c\n```").code);
    assert_eq!(page("```rhai\nlet a = \"//x\"; // y\n```").code, ["let a = \"//x\";"]);
    assert_eq!(page("| a | b |\n|---|---|\n| `x`, `y` | `z` |\n").rows, ["x y"]);
    assert_eq!(slug("Try what a bad network does"), "try-what-a-bad-network-does");
    assert_eq!(slug("按退出码决定"), "按退出码决定");
}

#[track_caller]
fn assert_same_lists(wanted: &[String], seen: &[String], english: &str, chinese: &str) {
    for (wanted, seen) in wanted.iter().zip(seen) {
        assert_eq!(wanted, seen, "{english} and {chinese} differ here");
    }
    assert_eq!(wanted.len(), seen.len(), "{english} and {chinese} differ in length");
}

/// What a translation has in common with its original.
#[derive(Default)]
struct Page {
    headings: Vec<(HeadingLevel, String)>,
    /// Lines of code without their comments.
    code: Vec<String>,
    /// The code in the first cell of each row.
    rows: Vec<String>,
    links: Vec<String>,
}

impl Page {
    fn read(path: &str) -> Self {
        let text = fs::read_to_string(Path::new(env!("CARGO_MANIFEST_DIR")).join(path));
        Self::of(&text.unwrap_or_else(|error| panic!("read {path}: {error}")))
    }

    fn of(text: &str) -> Self {
        let mut page = Self::default();
        let mut language = None;
        // The code and the number of the cell in the row that is being read.
        let mut row = None;
        let mut heading = None;
        for event in Parser::new_ext(text, Options::ENABLE_TABLES) {
            match event {
                Event::Start(Tag::CodeBlock(pulldown_cmark::CodeBlockKind::Fenced(word))) => language = Some(word),
                Event::End(TagEnd::CodeBlock) => language = None,
                Event::Start(Tag::Heading { level, .. }) => heading = Some((level, String::new())),
                Event::End(TagEnd::Heading(_)) => page.headings.extend(heading.take()),
                Event::Start(Tag::Link { dest_url, .. }) => page.links.push(dest_url.to_string()),
                Event::Start(Tag::TableRow) => row = Some((Vec::new(), 0)),
                Event::End(TagEnd::TableCell) => row = row.map(|(code, cell)| (code, cell + 1)),
                Event::End(TagEnd::TableRow) => page.rows.extend(row.take().map(|(code, _)| code.join(" "))),
                Event::Code(code) => match (&mut row, &mut heading) {
                    (Some((first, 0)), _) => first.push(code.to_string()),
                    (_, Some((_, heading))) => heading.push_str(&code),
                    _ => {}
                },
                Event::Text(text) => match (language.as_deref(), &mut heading) {
                    (Some("sh"), _) => page.code.extend(text.lines().map(|line| words(line).join(" "))),
                    (Some("rhai"), _) => page.code.extend(text.lines().map(|line| without_comment(line).to_owned())),
                    (_, Some((_, heading))) => heading.push_str(&text),
                    _ => {}
                },
                _ => {}
            }
        }
        page
    }
}

/// A line of a script without the comment behind its code.
fn without_comment(line: &str) -> &str {
    line.split_once(" // ").map_or(line, |(code, _)| code).trim_end()
}

/// The anchor of a heading, as GitHub makes it.
fn slug(heading: &str) -> String {
    let kept = heading.chars().filter(|c| c.is_alphanumeric() || matches!(c, ' ' | '-' | '_'));
    kept.flat_map(char::to_lowercase).map(|c| if c == ' ' { '-' } else { c }).collect()
}
