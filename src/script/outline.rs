//! The declarations of a script, found by a scan of its text, because Rhai's metadata has no positions of functions.
//!
//! Knows just enough of the language to skip strings and comments and to count braces. The parser decides what is
//! valid.

/// A declaration.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Word<'a> {
    /// `fn`, `let`, `const` or `for`.
    pub(super) keyword: &'a str,
    /// The declared name.
    pub(super) name: &'a str,
    /// The parameters of a function.
    pub(super) parameters: Vec<&'a str>,
    /// Number of open braces around it.
    pub(super) depth: usize,
    /// Line of the name, from 1.
    pub(super) line: usize,
    /// Column of the name in characters, from 1.
    pub(super) column: usize,
}

/// All declarations, in order.
pub(super) fn words(text: &str) -> impl Iterator<Item = Word<'_>> {
    let mut scan = Scan { text, at: 0, depth: 0, lines: (0, 0) };
    std::iter::from_fn(move || scan.next_word())
}

struct Scan<'a> {
    text: &'a str,
    at: usize,
    depth: usize,
    /// An offset, and the number of line ends before it.
    lines: (usize, usize),
}

impl<'a> Scan<'a> {
    fn next_word(&mut self) -> Option<Word<'a>> {
        while let Some(first) = self.rest().chars().next() {
            match first {
                '{' => self.depth += 1,
                '}' => self.depth = self.depth.saturating_sub(1),
                '"' | '`' => {
                    self.skip_string(first);
                    continue;
                }
                '\'' => {
                    self.skip_character();
                    continue;
                }
                '/' if self.rest().starts_with("//") => {
                    self.skip_past("\n");
                    continue;
                }
                '/' if self.rest().starts_with("/*") => {
                    self.skip_past("*/");
                    continue;
                }
                _ if is_name(first) => {
                    let keyword = self.name();
                    let declares = matches!(keyword, "fn" | "let" | "const" | "for");
                    if let Some(word) = declares.then(|| self.declaration(keyword)).flatten() {
                        return Some(word);
                    }
                    continue;
                }
                _ => {}
            }
            self.at += first.len_utf8();
        }
        None
    }

    fn declaration(&mut self, keyword: &'a str) -> Option<Word<'a>> {
        self.skip_space();
        let start = self.at;
        let name = self.name();
        if name.is_empty() {
            return None;
        }
        let parameters = if keyword == "fn" { self.parameters() } else { Vec::new() };
        // Counted from the previous declaration; from the start, a long text would be scanned once for each.
        let (counted, lines) = self.lines;
        self.lines = (start, lines + self.text[counted..start].matches('\n').count());
        let before = &self.text[..start];
        let line_start = before.rfind('\n').map_or(0, |at| at + 1);
        Some(Word {
            keyword,
            name,
            parameters,
            depth: self.depth,
            line: 1 + self.lines.1,
            column: 1 + before[line_start..].chars().count(),
        })
    }

    fn parameters(&mut self) -> Vec<&'a str> {
        self.skip_space();
        let Some(list) = self.rest().strip_prefix('(').and_then(|rest| rest.split(')').next()) else {
            return Vec::new();
        };
        list.split(',').map(str::trim).filter(|name| !name.is_empty()).collect()
    }

    fn rest(&self) -> &'a str {
        &self.text[self.at..]
    }

    fn name(&mut self) -> &'a str {
        let rest = self.rest();
        let end = rest.find(|character| !is_name(character)).unwrap_or(rest.len());
        self.at += end;
        &rest[..end]
    }

    fn skip_space(&mut self) {
        self.at = self.text.len() - self.rest().trim_start().len();
    }

    fn skip_past(&mut self, mark: &str) {
        self.at += self.rest().find(mark).map_or(self.rest().len(), |at| at + mark.len());
    }

    fn skip_string(&mut self, quote: char) {
        let mut escaped = false;
        for (at, character) in self.rest().char_indices().skip(1) {
            match character {
                _ if escaped => escaped = false,
                '\\' if quote == '"' => escaped = true,
                _ if character == quote => {
                    self.at += at + 1;
                    return;
                }
                _ => {}
            }
        }
        self.at = self.text.len();
    }

    fn skip_character(&mut self) {
        let rest = self.rest();
        let end = rest.char_indices().skip(2).take(12).find(|(_, character)| *character == '\'');
        self.at += end.map_or(1, |(at, _)| at + 1);
    }
}

fn is_name(character: char) -> bool {
    character.is_alphanumeric() || character == '_'
}

#[cfg(test)]
mod tests {
    use super::*;

    fn names(text: &str) -> Vec<(&str, &str, usize)> {
        words(text).map(|word| (word.keyword, word.name, word.depth)).collect()
    }

    #[test]
    fn declarations_are_found_with_their_depth() {
        let text = "let a = 1;\nconst B = #{ x: 1 };\nfn f(x, y) { let c = 2; for i in 0..2 {} }\nprivate fn g() {}";
        let found =
            [("let", "a", 0), ("const", "B", 0), ("fn", "f", 0), ("let", "c", 1), ("for", "i", 1), ("fn", "g", 0)];
        assert_eq!(names(text), found);
        let f = words(text).nth(2).unwrap();
        assert_eq!((f.line, f.column, f.parameters), (3, 4, vec!["x", "y"]));
    }

    #[test]
    fn declarations_in_strings_and_comments_are_ignored() {
        let text =
            "// fn a() {\n/* let b */ let c = \"{ let d \\\" \"; let e = `{\nlet f`; let g = '{'; let h = '\\'';";
        assert_eq!(names(text), [("let", "c", 0), ("let", "e", 0), ("let", "g", 0), ("let", "h", 0)]);
        assert_eq!(names("fn"), []);
        assert_eq!(names("let \"never closed"), []);
    }

    #[test]
    fn columns_count_characters() {
        let word = words("/* 你好 */ fn 名() {}").next().unwrap();
        assert_eq!((word.name, word.column), ("名", 13));
    }
}
