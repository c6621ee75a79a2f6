//! A page of `docs/` as plain text for a terminal: headings, paragraphs, lists, tables and code of its Markdown.
//!
//! Owns the layout. Code is never broken; everything else fits the width.

use std::fmt::Write as _;
use std::mem;

use crate::codec::columns::{folded, is_wide};

/// Width of a page in columns.
pub(super) const WIDTH: usize = 80;
/// Where paragraphs begin.
const TEXT: usize = 4;
/// Where code and the descriptions of a table begin.
const DEEP: usize = 8;

/// The page. Its own title, lists of its sections and links within `docs/` have no use here.
pub(super) fn page(markdown: &str) -> String {
    let mut page = Page::default();
    let mut is_code = false;
    for line in markdown.lines() {
        if let Some(kind) = line.strip_prefix("```") {
            page.end_block();
            is_code = !is_code;
            if is_code {
                page.gap();
            }
            // Of several terminals, which one.
            if let Some(number) = kind.strip_prefix("console ") {
                page.text.push_str(&paragraph(&format!("terminal {number}:"), TEXT));
            }
        } else if is_code {
            page.code(line);
        } else {
            page.line(line);
        }
    }
    page.end_block();
    page.text
}

/// A text in lines that begin at this column.
pub(super) fn paragraph(text: &str, indent: usize) -> String {
    hanging(text, indent, indent)
}

/// A text whose further lines begin at another column than its first one.
pub(super) fn hanging(text: &str, first: usize, further: usize) -> String {
    folded(&format!("{}{text}", " ".repeat(first)), WIDTH, further) + "\n"
}

#[derive(Default)]
struct Page {
    text: String,
    /// The paragraph or the item that goes on.
    block: String,
    is_item: bool,
}

impl Page {
    fn line(&mut self, line: &str) {
        let line = line.trim();
        if line.is_empty() {
            self.end_block();
        } else if let Some(title) = line.strip_prefix('#') {
            self.end_block();
            self.heading(title);
        } else if let Some(row) = line.strip_prefix('|') {
            self.end_block();
            self.row(row);
        } else if line.starts_with("- ") || is_numbered(line) {
            self.end_block();
            self.is_item = true;
            line.clone_into(&mut self.block);
        } else {
            // Blanks are between words; Chinese has none.
            let has_none = |last| is_wide(last) && line.starts_with(is_wide);
            if self.block.chars().next_back().is_some_and(|last| !has_none(last)) {
                self.block.push(' ');
            }
            self.block.push_str(line);
        }
    }

    fn end_block(&mut self) {
        let block = mem::take(&mut self.block);
        let is_item = mem::take(&mut self.is_item);
        // A list of sections.
        if block.is_empty() || block.starts_with("- [") && block.contains("](#") {
            return;
        }
        let sign = if is_item { block.find(' ').map_or(0, |at| at + 1) } else { 0 };
        self.gap();
        self.text.push_str(&hanging(&inline(&block), TEXT, TEXT + sign));
    }

    fn heading(&mut self, title: &str) {
        let text = inline(title.trim_start_matches('#').trim());
        self.gap();
        let _ = match title.len() - title.trim_start_matches('#').len() {
            0 | 1 => writeln!(self.text, "{}", text.to_uppercase()),
            _ => writeln!(self.text, "  {text}"),
        };
    }

    fn row(&mut self, row: &str) {
        let cells = cells(row);
        let is_rule = |cell: &String| cell.chars().all(|letter| "-: ".contains(letter));
        let Some((first, others)) = cells.split_first().filter(|_| !cells.iter().all(is_rule)) else { return };
        self.gap();
        self.text.push_str(&hanging(&inline(first), TEXT, DEEP));
        for cell in others {
            self.text.push_str(&paragraph(&inline(cell), DEEP));
        }
    }

    fn code(&mut self, line: &str) {
        let indent = if line.is_empty() { 0 } else { DEEP };
        let _ = writeln!(self.text, "{:indent$}{line}", "");
    }

    /// An empty line, except at the top.
    fn gap(&mut self) {
        if !self.text.is_empty() && !self.text.ends_with("\n\n") {
            self.text.push('\n');
        }
    }
}

fn is_numbered(line: &str) -> bool {
    line.split_once(". ").is_some_and(|(number, _)| !number.is_empty() && number.bytes().all(|b| b.is_ascii_digit()))
}

/// The cells of a row, whose own bars have a backslash.
fn cells(row: &str) -> Vec<String> {
    let row = row.trim().trim_end_matches('|').replace("\\|", "\u{e000}");
    row.split('|').map(|cell| cell.trim().replace('\u{e000}', "|")).collect()
}

/// A text without the signs of Markdown.
fn inline(text: &str) -> String {
    let (mut out, mut rest) = (String::new(), text);
    while let Some(at) = rest.find(['`', '[', '*', '\\']) {
        out.push_str(&rest[..at]);
        rest = &rest[at..];
        let taken = code_span(rest).or_else(|| link(rest)).or_else(|| {
            let bold = rest.starts_with("**").then(|| (String::new(), 2));
            bold.or_else(|| escaped(rest))
        });
        let (shown, length) = taken.unwrap_or_else(|| (rest[..1].to_owned(), 1));
        out.push_str(&shown);
        rest = &rest[length..];
    }
    out + rest
}

/// Code between backticks, and how long it was.
fn code_span(text: &str) -> Option<(String, usize)> {
    let ticks = text.len() - text.trim_start_matches('`').len();
    let mark = &text[..ticks];
    let end = (ticks > 0).then(|| text[ticks..].find(mark))??;
    let code = &text[ticks..ticks + end];
    // One that begins with a backtick has a blank before it.
    Some((if ticks > 1 { code.trim() } else { code }.to_owned(), ticks + end + ticks))
}

/// A link: its text, and its address if that is not a page beside this one.
fn link(text: &str) -> Option<(String, usize)> {
    let (shown, rest) = text.strip_prefix('[')?.split_once("](")?;
    let (address, _) = rest.split_once(')')?;
    if shown.contains(']') {
        return None;
    }
    let length = shown.len() + address.len() + "[]()".len();
    let shown = inline(shown);
    Some((if address.contains("://") { format!("{shown} ({address})") } else { shown }, length))
}

/// A sign behind a backslash.
fn escaped(text: &str) -> Option<(String, usize)> {
    let sign = text.strip_prefix('\\')?.chars().next().filter(char::is_ascii_punctuation)?;
    Some((sign.to_string(), 1 + sign.len_utf8()))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::codec::columns::width_of;

    #[test]
    fn a_page_is_laid_out() {
        let markdown = "# Title\n\n[Other](x.md) and `a*b`,\n**bold** [site](https://x.org/y).\n\n- [Part](#part)\n\n## Part\n\n\
            ```sh\n$ a `b`\n\n  c\n```\n\n```console 2\n$ d\n```\n\n1. one\n   more\n2. two\n\n| | |\n|---|---|\n| `f(x)` | does \\| it |\n\n### Below\n\n\
            一二\n三 `` `x` ``\n";
        let expected = "TITLE\n\n    Other and a*b, bold site (https://x.org/y).\n\nPART\n\n        $ a `b`\n\n          c\n\n    terminal 2:\n        $ d\n\n    \
            1. one more\n\n    2. two\n\n    f(x)\n        does | it\n\n  Below\n\n    一二三 `x`\n";
        assert_eq!(page(markdown), expected);
    }

    #[test]
    fn signs_of_markdown_are_taken_away() {
        for (markdown, shown) in [
            ("a `b` c", "a b c"),
            ("a ` b", "a ` b"),
            ("array[1] (x)", "array[1] (x)"),
            ("[a] and [b](c.md)", "[a] and b"),
            ("2 * 3", "2 * 3"),
            ("\\*x \\y", "*x \\y"),
            ("`[x](y)` \\", "[x](y) \\"),
        ] {
            assert_eq!(inline(markdown), shown, "{markdown}");
        }
    }

    #[test]
    fn paragraphs_fit() {
        let text = format!("{}{}", "word ".repeat(60), "字".repeat(90));
        let page = page(&format!("{text}\n\n- {text}\n"));
        assert!(page.lines().count() > 10);
        assert!(page.lines().all(|line| width_of(line) <= WIDTH), "{page}");
        assert!(page.lines().filter(|line| !line.is_empty()).all(|line| line.starts_with("    ")), "{page}");
    }
}
