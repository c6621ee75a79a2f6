//! Warnings about escapes in backtick strings, where `\n` is two characters and probably a mistake.
//!
//! Knows just enough of the language to find strings, because Rhai's tokens do not tell how a string was quoted.

use rhai::Position;

use crate::script::error::{self, Report};
use crate::script::source::Source;

/// A warning for every backtick string that contains `\r` or `\n`.
pub(super) fn warnings(source: &Source) -> Vec<Report> {
    let mut scan = Scan { rest: &source.text, found: Vec::new(), open: None };
    scan.code();
    let warning = |found: &Found| {
        let escape = found.escape;
        let fix = if found.takes_values { format!("\"{{}}{escape}\".fmt(x)") } else { format!("\"{escape}\"") };
        let hint = format!("escapes work in double quotes: {fix}");
        let at = place(&source.text, source.text.len() - found.left);
        error::finding(source, at, format!("{escape} in backticks stays as it is written"), None, Some(hint))
    };
    scan.found.iter().map(warning).collect()
}

/// Where a comment begins that has no end.
pub(super) fn open_comment(text: &str) -> Option<usize> {
    let mut scan = Scan { rest: text, found: Vec::new(), open: None };
    scan.code();
    scan.open.map(|left| text.len() - left)
}

pub(super) fn place(text: &str, at: usize) -> Position {
    let before = &text[..at];
    let column = before.rsplit('\n').next().unwrap_or_default().chars().count() + 1;
    Position::new((before.matches('\n').count() + 1) as u16, column as u16)
}

struct Found {
    /// The text left to scan.
    left: usize,
    escape: &'static str,
    /// The string has interpolated values.
    takes_values: bool,
}

struct Scan<'a> {
    rest: &'a str,
    found: Vec<Found>,
    /// The text left at the beginning of a comment without an end.
    open: Option<usize>,
}

impl Scan<'_> {
    /// Skips code up to its closing brace.
    fn code(&mut self) {
        let mut depth = 0_usize;
        while let Some(first) = self.rest.chars().next() {
            let after = self.rest.trim_start_matches('#');
            let hashes = self.rest.len() - after.len();
            match first {
                '}' if depth == 0 => return,
                '}' => depth -= 1,
                '{' => depth += 1,
                '#' if after.starts_with('"') => {
                    self.skip(hashes + 1);
                    self.skip_past(&format!("\"{}", "#".repeat(hashes)));
                    continue;
                }
                _ => {}
            }
            match first {
                '"' => self.quoted(),
                '`' => self.backticks(),
                '\'' => self.character(),
                '/' if self.rest.starts_with("//") => self.skip_past("\n"),
                '/' if self.rest.starts_with("/*") => self.comment(),
                _ => self.skip(first.len_utf8()),
            }
        }
    }

    fn backticks(&mut self) {
        let first_found = self.found.len();
        let mut takes_values = false;
        let mut escape = None;
        self.skip(1);
        while let Some(first) = self.rest.chars().next() {
            if first == '`' {
                self.skip(1);
                break;
            }
            if self.rest.starts_with("${") {
                takes_values = true;
                self.skip(2);
                self.code();
                self.skip(1);
                continue;
            }
            if let Some(known) = ["\\r\\n", "\\n", "\\r"].into_iter().find(|known| self.rest.starts_with(known)) {
                escape.get_or_insert((self.rest.len(), known));
            }
            self.skip(first.len_utf8());
        }
        if let Some((left, escape)) = escape {
            self.found.insert(first_found, Found { left, escape, takes_values });
        }
    }

    fn quoted(&mut self) {
        self.skip(1);
        while let Some(first) = self.rest.chars().next() {
            self.skip(first.len_utf8());
            match first {
                '"' => return,
                '\\' => self.skip(self.rest.chars().next().map_or(0, char::len_utf8)),
                _ => {}
            }
        }
    }

    fn character(&mut self) {
        let end = self.rest.char_indices().skip(2).take(12).find(|(_, character)| *character == '\'');
        self.skip(end.map_or(1, |(at, _)| at + 1));
    }

    fn comment(&mut self) {
        let mut depth = 0;
        let left = self.rest.len();
        while !self.rest.is_empty() {
            if self.rest.starts_with("/*") {
                depth += 1;
                self.skip(2);
            } else if self.rest.starts_with("*/") {
                depth -= 1;
                self.skip(2);
            } else {
                self.skip(self.rest.chars().next().map_or(0, char::len_utf8));
            }
            if depth == 0 {
                return;
            }
        }
        self.open.get_or_insert(left);
    }

    fn skip_past(&mut self, mark: &str) {
        let end = self.rest.find(mark).map_or(self.rest.len(), |at| at + mark.len());
        self.skip(end);
    }

    fn skip(&mut self, bytes: usize) {
        self.rest = self.rest.get(bytes..).unwrap_or_default();
    }
}
