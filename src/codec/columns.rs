//! Text in columns of a terminal: how many a character takes, and where a line can be broken, also in a script without spaces.
//!
//! Owns both rules. The width that there is, the caller knows.

use std::iter;

use unicode_width::UnicodeWidthChar;

/// Lines of at most this width, the further ones behind this indent. A word that is longer has a line of its own.
pub fn folded(text: &str, width: usize, indent: usize) -> String {
    let (mut out, mut used) = (String::new(), 0);
    for unit in units(text) {
        let wanted = width_of(unit.trim_end());
        if used + wanted > width && used > indent {
            out.truncate(out.trim_end().len());
            out.push('\n');
            out.extend(iter::repeat_n(' ', indent));
            used = indent;
        }
        out.push_str(unit);
        used += width_of(unit);
    }
    out
}

/// The pieces of a line between which it can be broken. The blank stays with the word before it.
pub fn units(line: &str) -> Vec<&str> {
    let (mut units, mut start, mut before) = (Vec::new(), 0, None);
    for (at, letter) in line.char_indices() {
        if before.is_some_and(|before| may_break(before, letter)) {
            units.push(&line[start..at]);
            start = at;
        }
        before = Some(letter);
    }
    units.push(&line[start..]);
    units
}

/// Columns that a text takes.
pub fn width_of(text: &str) -> usize {
    text.chars().map(|letter| if is_wide(letter) { 2 } else { 1 }).sum()
}

/// Whether a character takes two columns in a terminal: the scripts of East Asia and their punctuation, also where Unicode leaves
/// it to the terminal.
pub fn is_wide(letter: char) -> bool {
    letter.width() == Some(2) || matches!(letter, '“' | '”' | '‘' | '’' | '…')
}

/// Whether a line may end between two characters.
fn may_break(before: char, after: char) -> bool {
    let is_closing =
        |c: char| "，。；：！？、）》”’…」".contains(c) || c.is_ascii_punctuation() && !"-@\"'([{<".contains(c);
    let is_opening = |c: char| "（《“‘「".contains(c) || "([{<\"'".contains(c);
    if before == ' ' || after == ' ' {
        return before == ' ' && after != ' ';
    }
    (is_wide(before) || is_wide(after)) && !is_closing(after) && !is_opening(before)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lines_are_folded_where_they_may_be() {
        for (text, width, indent, expected) in [
            ("a bc d e", 4, 0, "a bc\nd e"),
            ("abcdef g", 4, 0, "abcdef\ng"),
            ("a bc", 3, 1, "a\n bc"),
            ("一二三，四", 6, 0, "一二\n三，四"),
            ("一 abc def 二", 8, 0, "一 abc\ndef 二"),
            ("", 4, 0, ""),
        ] {
            assert_eq!(folded(text, width, indent), expected);
        }
    }

    #[test]
    fn wide_characters_take_two_columns() {
        assert_eq!([width_of("ab"), width_of("一b"), width_of("“一”")], [2, 3, 6]);
    }
}
