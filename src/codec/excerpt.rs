//! A source line for a message, and the column of the caret below it.
//!
//! Owns how a line is escaped, shortened and kept from telling passwords, and how wide characters are on a terminal. Does not know where the line is from.

use std::borrow::Cow;

use crate::codec::escape::show_line;

/// The line for a terminal, shortened around the column (from 1) if it is long, and the cells before the caret.
pub fn excerpt(line: &str, column: usize) -> (String, usize) {
    let expanded = |character: char| {
        if character == '\t' { " ".repeat(TAB) } else { show_line(&character.to_string()).into_owned() }
    };
    let line = without_logins(line);
    let chars: Vec<String> = line.trim_end().chars().map(expanded).collect();
    let at = column.saturating_sub(1).min(chars.len());
    let (mut first, mut last) = (0, chars.len());
    if chars.len() > MAX_LINE {
        first = at.saturating_sub(MAX_LINE / 2);
        last = (first + MAX_LINE).min(chars.len());
    }
    let head = if first > 0 { "…" } else { "" };
    let tail = if last < chars.len() { "…" } else { "" };
    let before = format!("{head}{}", chars[first..at].concat());
    (format!("{before}{}{tail}", chars[at..last].concat()), before.chars().map(width).sum())
}

/// The same line with stars in place of the user and password of each URL that has both: messages go to logs. Everything stays
/// in its column.
pub fn without_logins(line: &str) -> Cow<'_, str> {
    const SCHEME_END: &str = "://";
    let mut hidden = Vec::new();
    for (at, _) in line.match_indices(SCHEME_END) {
        let from = at + SCHEME_END.len();
        let is_end = |c: char| c.is_whitespace() || matches!(c, '"' | '\'' | '`' | '/');
        let rest = &line[from..];
        let place = &rest[..rest.find(is_end).unwrap_or(rest.len())];
        // What a script puts in while it runs is not in its text.
        let login = place.rsplit_once('@').map(|(login, _)| login).filter(|login| !login.contains("${"));
        if let Some(login) = login.filter(|login| login.contains(':')) {
            hidden.push(from..from + login.len());
        }
    }
    if hidden.is_empty() {
        return line.into();
    }
    let star = |(at, character)| if hidden.iter().any(|range| range.contains(&at)) { '*' } else { character };
    line.char_indices().map(star).collect()
}

/// Width of a character on a terminal, in cells.
pub fn width(character: char) -> usize {
    match u32::from(character) {
        0x300..=0x36f | 0x200b..=0x200d | 0xfe00..=0xfe0f => 0,
        0x1100..=0x115f
        | 0x2e80..=0x303e
        | 0x3041..=0xa4cf
        | 0xa960..=0xa97c
        | 0xac00..=0xd7a3
        | 0xf900..=0xfaff
        | 0xfe30..=0xfe6f
        | 0xff00..=0xff60
        | 0xffe0..=0xffe6
        | 0x1f300..=0x1f64f
        | 0x1f680..=0x1f6ff
        | 0x1f900..=0x1f9ff
        | 0x20000..=0x3fffd => 2,
        _ => 1,
    }
}

/// Width of a tab, in cells.
const TAB: usize = 4;
/// Maximum characters of a source line in a message.
const MAX_LINE: usize = 120;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_caret_is_below_its_column() {
        assert_eq!(excerpt("\tx", 2), ("    x".into(), 4));
        assert_eq!(excerpt("你x", 2), ("你x".into(), 2));
        assert_eq!(excerpt("e\u{301}x", 3), ("e\u{301}x".into(), 1));
        assert_eq!(excerpt("a\u{1b}x", 3), ("a\\x1bx".into(), 5));
        assert_eq!(excerpt("ab  ", 99), ("ab".into(), 2));
    }

    #[test]
    fn logins_are_not_shown() {
        for (line, shown) in [
            (
                r#"connect("h:1", #{proxy: "http://u:pä@p:1"}) // x@y"#,
                r#"connect("h:1", #{proxy: "http://****@p:1"}) // x@y"#,
            ),
            ("'socks5://a:b@c@p' 'socks5://d:e@q'", "'socks5://*****@p' 'socks5://***@q'"),
            ("http://p/a:b@c tls://user@h", "http://p/a:b@c tls://user@h"),
            ("`http://${user}:${word}@p`", "`http://${user}:${word}@p`"),
        ] {
            assert_eq!(without_logins(line), shown);
            assert_eq!(excerpt(line, 1), (shown.to_owned(), 0));
        }
    }

    #[test]
    fn a_long_line_is_shortened_around_the_column() {
        let line = format!("{0}X{0}", "-".repeat(500));
        let (text, caret) = excerpt(&line, 501);
        assert_eq!(text.chars().count(), MAX_LINE + 2);
        assert_eq!(text.chars().nth(caret), Some('X'));
        assert!(text.starts_with('…') && text.ends_with('…'));
        let (text, caret) = excerpt(&line, 1);
        assert!(text.starts_with('-') && text.ends_with('…') && caret == 0);
    }
}
