//! `Line`: the text being typed and its cursor. What people call a character, a grapheme cluster, moves and goes as a whole.
//!
//! Owns positions: the cursor is always at the border of a cluster. Knows no keys and no terminal.

use unicode_segmentation::{GraphemeCursor, UnicodeSegmentation};

/// The text and the cursor, in bytes.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Line {
    text: String,
    cursor: usize,
}

impl Line {
    /// The text.
    pub fn text(&self) -> &str {
        &self.text
    }

    /// The cursor, as a position in bytes.
    pub fn cursor(&self) -> usize {
        self.cursor
    }

    /// Whether there is no text.
    pub fn is_empty(&self) -> bool {
        self.text.is_empty()
    }

    /// Replaces the text; the cursor is at its end.
    pub fn set(&mut self, text: &str) {
        text.clone_into(&mut self.text);
        self.cursor = text.len();
    }

    /// Takes the text, and leaves nothing.
    pub fn take(&mut self) -> String {
        self.cursor = 0;
        std::mem::take(&mut self.text)
    }

    /// Inserts text before the cursor.
    pub fn insert(&mut self, text: &str) {
        self.text.insert_str(self.cursor, text);
        self.cursor += text.len();
        // What was inserted may join with what follows.
        if self.cursor < self.text.len() && !self.is_border(self.cursor) {
            self.cursor = self.after(self.cursor);
        }
    }

    /// Moves the cursor by one character.
    pub fn left(&mut self) {
        self.cursor = self.before(self.cursor);
    }

    /// Moves the cursor by one character.
    pub fn right(&mut self) {
        self.cursor = self.after(self.cursor);
    }

    /// Moves the cursor to the beginning.
    pub fn home(&mut self) {
        self.cursor = 0;
    }

    /// Moves the cursor to the end.
    pub fn end(&mut self) {
        self.cursor = self.text.len();
    }

    /// Moves the cursor to the beginning of a word.
    pub fn word_left(&mut self) {
        self.cursor = self.word_before();
    }

    /// Moves the cursor to the end of a word.
    pub fn word_right(&mut self) {
        self.cursor = self.word_after();
    }

    /// Deletes the character before the cursor.
    pub fn backspace(&mut self) {
        let from = self.before(self.cursor);
        self.delete_from(from);
    }

    /// Deletes the character at the cursor.
    pub fn delete(&mut self) {
        let to = self.after(self.cursor);
        self.text.replace_range(self.cursor..to, "");
    }

    /// Cuts everything behind the cursor.
    pub fn cut_to_end(&mut self) -> String {
        self.text.split_off(self.cursor)
    }

    /// Cuts everything before the cursor.
    pub fn cut_to_home(&mut self) -> String {
        let rest = self.text.split_off(self.cursor);
        self.cursor = 0;
        std::mem::replace(&mut self.text, rest)
    }

    /// Cuts back to a space, as `^W` of a terminal does.
    pub fn cut_back_to_space(&mut self) -> String {
        let head = &self.text[..self.cursor];
        let word = head.trim_end();
        let from = word.rfind(char::is_whitespace).map_or(0, |at| at + char_length(word, at));
        self.delete_from(from)
    }

    /// Cuts the word before the cursor.
    pub fn cut_word_before(&mut self) -> String {
        let from = self.word_before();
        self.delete_from(from)
    }

    /// Cuts the word behind the cursor.
    pub fn cut_word_after(&mut self) -> String {
        let to = self.word_after();
        let cut = self.text[self.cursor..to].to_owned();
        self.text.replace_range(self.cursor..to, "");
        cut
    }

    fn delete_from(&mut self, from: usize) -> String {
        let cut = self.text[from..self.cursor].to_owned();
        self.text.replace_range(from..self.cursor, "");
        self.cursor = from;
        cut
    }

    fn is_border(&self, at: usize) -> bool {
        GraphemeCursor::new(at, self.text.len(), true).is_boundary(&self.text, 0).unwrap_or(true)
    }

    fn before(&self, at: usize) -> usize {
        let found = GraphemeCursor::new(at, self.text.len(), true).prev_boundary(&self.text, 0);
        found.ok().flatten().unwrap_or(0)
    }

    fn after(&self, at: usize) -> usize {
        let found = GraphemeCursor::new(at, self.text.len(), true).next_boundary(&self.text, 0);
        found.ok().flatten().unwrap_or(self.text.len())
    }

    fn word_before(&self) -> usize {
        self.text[..self.cursor].unicode_word_indices().next_back().map_or(0, |(at, _)| at)
    }

    fn word_after(&self) -> usize {
        let rest = &self.text[self.cursor..];
        rest.unicode_word_indices().next().map_or(self.text.len(), |(at, word)| self.cursor + at + word.len())
    }
}

fn char_length(text: &str, at: usize) -> usize {
    text[at..].chars().next().map_or(0, char::len_utf8)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A line whose cursor is shown as `|`.
    fn shown(line: &Line) -> String {
        let (before, after) = line.text.split_at(line.cursor);
        format!("{before}|{after}")
    }

    fn after(text: &str, work: &[fn(&mut Line)]) -> String {
        let mut line = Line::default();
        line.set(text);
        for work in work {
            work(&mut line);
        }
        shown(&line)
    }

    #[test]
    fn what_people_see_as_one_character_goes_as_one() {
        for whole in ["é", "e\u{301}", "你", "👍🏽", "👨‍👩‍👧‍👦", "🇨🇳", "각", "\u{10feff}", "☺️"]
        {
            let text = format!("a{whole}");
            assert_eq!(after(&text, &[Line::backspace]), "a|", "{whole}");
            assert_eq!(after(&text, &[Line::left]), format!("a|{whole}"));
            assert_eq!(after(&text, &[Line::left, Line::delete]), "a|");
            assert_eq!(after(&text, &[Line::home, Line::right, Line::right]), format!("a{whole}|"));
        }
    }

    #[test]
    fn keys_at_the_ends_do_nothing() {
        for work in [Line::backspace, Line::left, Line::home, Line::word_left] {
            assert_eq!(after("ab", &[Line::home, work]), "|ab");
        }
        for work in [Line::delete, Line::right, Line::end, Line::word_right] {
            assert_eq!(after("ab", &[work]), "ab|");
        }
        let mut line = Line::default();
        line.backspace();
        line.delete();
        assert_eq!((line.cut_to_end(), line.cut_to_home(), line.cut_back_to_space()), Default::default());
    }

    #[test]
    fn words_are_cut_and_passed() {
        assert_eq!(after("GET /a b  ", &[|line| drop(line.cut_back_to_space())]), "GET /a |");
        assert_eq!(after("你好\u{3000}世界", &[|line| drop(line.cut_back_to_space())]), "你好\u{3000}|");
        assert_eq!(after("one two-three", &[Line::word_left]), "one two-|three");
        assert_eq!(after("one two", &[Line::home, Line::word_right]), "one| two");
        assert_eq!(after("one two", &[|line| drop(line.cut_word_before())]), "one |");
        assert_eq!(after("one two", &[Line::home, |line| assert_eq!(line.cut_word_after(), "one")]), "| two");
        assert_eq!(after("one two", &[Line::word_left, |line| assert_eq!(line.cut_to_home(), "one ")]), "|two");
        assert_eq!(after("one two", &[Line::word_left, |line| assert_eq!(line.cut_to_end(), "two")]), "one |");
    }

    #[test]
    fn the_cursor_never_stands_within_a_character() {
        let mut line = Line::default();
        line.set("\u{301}x");
        line.home();
        line.insert("e");
        assert_eq!(shown(&line), "e\u{301}|x");
    }
}
