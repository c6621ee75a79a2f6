//! `ManPage`: a manual page in roff, line by line.
//!
//! Owns its layout, its date, and the characters that roff would change. What a page says is its author's.

use roff::{Inline, Roff, roman};

use super::columns::units;

/// The day the pages were last written; changed with the version.
const DATE: &str = "2026-11-27";

/// A manual page that is being written.
pub struct ManPage {
    page: Roff,
    /// Nothing stands below the last heading yet.
    is_fresh: bool,
}

impl ManPage {
    /// An empty page: its name in capitals, its section, and the title of the collection it belongs to.
    pub fn new(name: &str, section: &str, collection: &str) -> Self {
        let mut page = Roff::new();
        let version = concat!("tcpx ", env!("CARGO_PKG_VERSION"));
        page.control("TH", [name, section, DATE, version, collection]);
        Self { page, is_fresh: true }
    }

    /// Leaves the right margin ragged: lines with few blanks cannot be made equally long.
    pub fn ragged(&mut self) {
        self.page.control("ad", ["l"]);
    }

    /// A heading.
    pub fn section(&mut self, title: &str) {
        self.page.control("SH", [title]);
        self.is_fresh = true;
    }

    /// A heading below a heading.
    pub fn subsection(&mut self, title: &str) {
        self.page.control("SS", [title]);
        self.is_fresh = true;
    }

    /// A paragraph of plain text.
    pub fn paragraph(&mut self, text: &str) {
        self.begin();
        self.text(text);
    }

    /// A line in several fonts, as a paragraph of its own.
    pub fn line(&mut self, line: Vec<Inline>) {
        self.begin();
        self.page.text(line);
    }

    /// Words in several fonts, as a paragraph of its own whose lines are cut between these pieces.
    pub fn flow(&mut self, pieces: Vec<Vec<Inline>>) {
        self.begin();
        for piece in pieces {
            self.page.text(piece);
        }
    }

    /// Lines in several fonts, one below the other.
    pub fn lines(&mut self, lines: Vec<Vec<Inline>>) {
        self.begin();
        for (number, line) in lines.into_iter().enumerate() {
            if number > 0 {
                self.page.control("br", []);
            }
            self.page.text(line);
        }
    }

    /// A term and its description.
    pub fn item(&mut self, term: Vec<Inline>, text: &str) {
        self.page.control("TP", []);
        self.page.text(term);
        self.text(text);
        self.is_fresh = false;
    }

    /// Lines that stay as they are.
    pub fn code(&mut self, text: &str) {
        self.begin();
        self.page.control("RS", ["4"]);
        self.page.control("nf", []);
        for line in text.trim_matches('\n').lines() {
            self.page.text([roman(line)]);
        }
        self.page.control("fi", []);
        self.page.control("RE", []);
    }

    /// The page in roff.
    pub fn finish(&self) -> String {
        // roff makes accents and quotation marks of these, wherever they stand in text.
        let escaped = self.page.render().replace('^', "\\(ha").replace('~', "\\(ti").replace('`', "\\(ga");
        escaped.replace(MAY_BREAK, "\\:").replace(GOES_ON, "\\")
    }

    fn begin(&mut self) {
        if !self.is_fresh {
            self.page.control("PP", []);
        }
        self.is_fresh = false;
    }

    fn text(&mut self, text: &str) {
        // Before the lines are cut: one that begins with a full stop is escaped.
        for line in source_lines(&text.replace('…', "..."), WIDTH) {
            self.page.text([roman(line)]);
        }
    }
}

/// Marks a place where a line without a blank can be broken.
const MAY_BREAK: char = '\u{e000}';
/// Marks the end of a line in the source that is none in the text.
const GOES_ON: char = '\u{e001}';

/// A text in lines for the source of a page, of at most this many bytes; a word that is longer has a line of its own.
fn source_lines(text: &str, width: usize) -> Vec<String> {
    let text = text.split_whitespace().collect::<Vec<_>>().join(" ");
    let mut lines: Vec<(String, usize)> = Vec::new();
    for unit in units(&text).into_iter().filter(|unit| !unit.is_empty()) {
        let length = unit.trim_end().chars().map(in_roff).sum::<usize>();
        let Some((line, filled)) = lines.last_mut() else {
            lines.push((unit.to_owned(), length));
            continue;
        };
        let has_blank = line.ends_with(' ');
        let between = if has_blank { 1 } else { "\\:".len() };
        let fits = *filled + between + length + "\\:\\".len() <= width || has_blank && *filled + 1 + length <= width;
        if !has_blank {
            line.push(MAY_BREAK);
        }
        if fits {
            line.push_str(unit);
            *filled += between + length;
        } else {
            if !has_blank {
                line.push(GOES_ON);
            }
            lines.push((unit.to_owned(), length));
        }
    }
    lines.into_iter().map(|(line, _)| line.trim_end().to_owned()).collect()
}

/// Bytes of a character in the source of a page.
fn in_roff(character: char) -> usize {
    match character {
        '\\' | '-' => 2,
        '^' | '~' | '`' => 4,
        '\'' => 5,
        other if other.is_ascii() => 1,
        // \[uXXXX], as readers of pages take it.
        _ => 8,
    }
}

/// Maximum length of a line in the source of a page, in bytes.
const WIDTH: usize = 78;

#[cfg(test)]
mod tests {
    use roff::bold;

    use super::*;

    #[test]
    fn text_is_never_a_request() {
        let mut page = ManPage::new("X", "7", "tests");
        page.section("NAME");
        page.paragraph(".so /etc/passwd");
        page.paragraph("'br");
        page.item(vec![bold(".B x")], &format!("{} .so x", "y".repeat(77)));
        page.code(".ex\n\\fB^x~`");
        let text = page.finish();
        let requests: Vec<_> = text.lines().filter(|line| line.starts_with(['.', '\''])).collect();
        let title = format!(".TH X 7 {DATE} \"tcpx {}\" tests", env!("CARGO_PKG_VERSION"));
        let wanted = [
            ".ie \\n(.g .ds Aq \\(aq",
            ".el .ds Aq '",
            &title,
            ".SH NAME",
            ".PP",
            ".TP",
            ".PP",
            ".RS 4",
            ".nf",
            ".fi",
            ".RE",
        ];
        assert_eq!(requests, wanted, "{text}");
        assert!(text.contains("\\\\fB\\(hax\\(ti\\(ga") || text.contains("\\efB\\(hax\\(ti\\(ga"), "{text}");
    }

    #[test]
    fn lines_are_as_long_as_they_may_be() {
        assert_eq!(source_lines("a bc  d\ne", 4), ["a bc", "d e"]);
        assert_eq!(source_lines("abcdef g", 4), ["abcdef", "g"]);
        assert_eq!(source_lines(" \n", 4), [""; 0]);
        assert_eq!(source_lines("a-b c", 6), ["a-b c"]);
        assert_eq!(source_lines("a-b c", 5), ["a-b", "c"]);
    }

    #[test]
    fn a_line_without_blanks_can_be_broken_and_goes_on() {
        let mut page = ManPage::new("X", "7", "tests");
        page.paragraph("一二，三 ab四");
        assert!(page.finish().ends_with("\n一\\:二，\\:三 ab\\:四\n"), "{}", page.finish());
        let lines = source_lines("一二三四五六七八九十", 20);
        let plain = lines.concat().replace([MAY_BREAK, GOES_ON], "");
        assert_eq!(plain, "一二三四五六七八九十");
        assert!(
            lines.len() > 2 && lines[..lines.len() - 1].iter().all(|line| line.ends_with("\u{e000}\u{e001}")),
            "{lines:?}"
        );
    }
}
