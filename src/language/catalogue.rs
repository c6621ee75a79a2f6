//! `Catalogue`: the translations of one language, by their English texts.
//!
//! Owns the format of the files beside it and the search. A text of the help is found as a whole; a message by a pattern, in which
//! `{}` stands for words from outside, which stay, `{~}` for a part with a translation of its own, such as the cause, and `{s}` for
//! an ending of the plural, which may be missing.

use std::borrow::Cow;
use std::cmp::Reverse;
use std::collections::HashMap;

const HELP: &str = include_str!("help.zh.txt");
const MESSAGES: [&str; 2] = [include_str!("messages.zh.txt"), include_str!("scripts.zh.txt")];
/// Words from outside.
const PLACE: &str = "{}";
/// A part of a message that is translated, too.
const PART: &str = "{~}";
/// An ending that only the plural has. A translation does not repeat it.
const PLURAL: &str = "{s}";
/// How many messages may stand in each other: a place in a script, an error, its cause.
const MAX_DEPTH: u8 = 5;

/// The translations of one language.
pub struct Catalogue {
    help: HashMap<&'static str, &'static str>,
    messages: Vec<Message>,
}

/// A pattern and its translation.
struct Message {
    /// What stands between the places.
    pieces: Vec<String>,
    /// Which of the places are translated.
    translated: Vec<bool>,
    translation: &'static str,
}

impl Catalogue {
    /// Simplified Chinese.
    pub fn chinese() -> Self {
        Self::of(HELP, &MESSAGES)
    }

    fn of(help: &'static str, messages: &[&'static str]) -> Self {
        let mut messages: Vec<_> = messages
            .iter()
            .flat_map(|text| pairs(text))
            .flat_map(|(english, translation)| {
                numbers(english).into_iter().map(move |english| Message::new(&english, translation))
            })
            .collect();
        // Of several that fit, the one with most words of its own counts.
        messages.sort_by_key(|message| Reverse(message.pieces.iter().map(String::len).sum::<usize>()));
        Self { help: pairs(help).collect(), messages }
    }

    /// The translation of a text of the help.
    pub fn find(&self, english: &str) -> Option<&'static str> {
        self.help.get(english).copied()
    }

    /// The translation of a text of the help, or the text itself.
    pub fn text<'a>(&self, english: &'a str) -> &'a str {
        self.find(english).unwrap_or(english)
    }

    /// A message in this language, or as it is if it is unknown.
    pub fn say<'a>(&self, english: &'a str) -> Cow<'a, str> {
        self.message(english, MAX_DEPTH).map_or(Cow::Borrowed(english), Cow::Owned)
    }

    fn message(&self, english: &str, depth: u8) -> Option<String> {
        let depth = depth.checked_sub(1)?;
        self.messages.iter().find_map(|message| {
            let places = message.places(english)?;
            let places: Vec<_> = places
                .into_iter()
                .zip(&message.translated)
                .map(|(place, is_translated)| {
                    let translated = if *is_translated { self.message(place, depth) } else { None };
                    translated.map_or(Cow::Borrowed(place), Cow::Owned)
                })
                .collect();
            Some(filled(message.translation, &places))
        })
    }
}

impl Message {
    fn new(english: &str, translation: &'static str) -> Self {
        let (mut pieces, mut translated, mut rest) = (Vec::new(), Vec::new(), english);
        while let Some(at) = [PLACE, PART].iter().filter_map(|place| rest.find(place)).min() {
            let place = if rest[at..].starts_with(PLACE) { PLACE } else { PART };
            pieces.push(rest[..at].to_owned());
            translated.push(place == PART);
            rest = &rest[at + place.len()..];
        }
        pieces.push(rest.to_owned());
        Self { pieces, translated, translation }
    }

    /// What stands in the places, if the text fits: each is as short as it can be, and not empty.
    fn places<'a>(&self, text: &'a str) -> Option<Vec<&'a str>> {
        let (first, pieces) = self.pieces.split_first()?;
        let mut rest = text.strip_prefix(first.as_str())?;
        let mut places = Vec::new();
        for (number, piece) in pieces.iter().enumerate() {
            let least = rest.chars().next()?.len_utf8();
            let end = if number + 1 == pieces.len() {
                rest.len().checked_sub(piece.len()).filter(|end| *end >= least && rest.ends_with(piece.as_str()))?
            } else {
                least + rest[least..].find(piece.as_str())?
            };
            places.push(&rest[..end]);
            rest = &rest[end + piece.len()..];
        }
        // What a message is about may come before it: the place in a script, an option and its value.
        let begins_with_place = first.is_empty() && self.translated.first() == Some(&false);
        if begins_with_place && places.first().is_some_and(|place| has_outer_colon(place)) {
            return None;
        }
        // A text without places is all there is.
        (!pieces.is_empty() || rest.is_empty()).then_some(places)
    }
}

/// Whether words end with a colon outside of double quotes.
fn has_outer_colon(text: &str) -> bool {
    let mut is_quoted = false;
    text.char_indices().any(|(at, letter)| {
        is_quoted ^= letter == '"';
        !is_quoted && text[at..].starts_with(": ")
    })
}

/// The English texts and their translations, as they are written.
fn pairs(text: &'static str) -> impl Iterator<Item = (&'static str, &'static str)> {
    let mut lines = text.lines();
    std::iter::from_fn(move || {
        let english = lines.by_ref().find_map(|line| line.strip_prefix("> "))?;
        Some((english, lines.next().unwrap_or_default()))
    })
}

/// A pattern without and with its plural endings.
fn numbers(english: &str) -> Vec<String> {
    let mut all = vec![String::new()];
    for (number, piece) in english.split(PLURAL).enumerate() {
        if number > 0 {
            all.extend(all.clone().into_iter().map(|before| before + "s"));
        }
        for before in &mut all {
            before.push_str(piece);
        }
    }
    all
}

/// A translation with its places filled, in order, or by number: `{2}` is the second one. Other braces are text.
fn filled(translation: &str, places: &[Cow<'_, str>]) -> String {
    let (mut out, mut rest, mut number) = (String::new(), translation, 0);
    while let Some((before, place, after)) = next_place(rest) {
        out.push_str(before);
        out.push_str(places.get(place.map_or(number, |place| place - 1)).map_or("", |place| place));
        number += 1;
        rest = after;
    }
    out + rest
}

/// What is before the next place of a translation, its number if it has one, and what is behind it.
fn next_place(text: &str) -> Option<(&str, Option<usize>, &str)> {
    text.match_indices('{').find_map(|(at, _)| {
        let (name, after) = text[at + 1..].split_once('}')?;
        let number = if name.is_empty() { None } else { Some(name.parse().ok().filter(|number| *number > 0)?) };
        Some((&text[..at], number, after))
    })
}

#[cfg(test)]
mod tests {
    use std::collections::HashSet;

    use super::*;

    const TEXT: &str = "\
# a comment
> connection refused
连接被拒绝

> connect to {}: {~}
连接 {}：{}

> {} of {}
{2} 的 {1}

> ({~}
（{}

> {} byte{s} of #{a: {}}
#{a: {2}} 的 {1} 字节
";

    #[test]
    fn messages_and_their_parts_are_translated() {
        let catalogue = Catalogue::of("", &[TEXT]);
        for (english, expected) in [
            ("connection refused", "连接被拒绝"),
            ("connect to [::1]:80: connection refused", "连接 [::1]:80：连接被拒绝"),
            ("connect to h:80: out of luck", "连接 h:80：luck 的 out"),
            ("connect to connection refused: x", "连接 connection refused：x"),
            ("3 of 5", "5 的 3"),
            ("a.rhai:1:2: 3 of 5", "a.rhai:1:2: 3 of 5"),
            ("\"a: b\" of 5", "5 的 \"a: b\""),
            ("connect to : x", "connect to : x"),
            ("connection refused!", "connection refused!"),
            ("1 byte of #{a: 2}", "#{a: 2} 的 1 字节"),
            ("3 bytes of #{a: 2}", "#{a: 2} 的 3 字节"),
            ("unknown", "unknown"),
            ("", ""),
        ] {
            assert_eq!(catalogue.say(english), expected, "{english}");
        }
    }

    #[test]
    fn a_message_that_holds_itself_ends() {
        let catalogue = Catalogue::of("", &[TEXT]);
        assert_eq!(catalogue.say(&"(".repeat(50)), format!("{}{}", "（".repeat(5), "(".repeat(45)));
    }

    #[test]
    fn messages_that_users_meet_are_chinese() {
        let catalogue = Catalogue::chinese();
        for (english, expected) in [
            ("connect to 127.0.0.1:9: connection refused", "连接 127.0.0.1:9：连接被拒绝"),
            ("read from 127.0.0.1:9: connection reset by peer", "从 127.0.0.1:9 读取：连接被对端重置"),
            ("write stdout: no space left on device", "写标准输出：设备上没有空间"),
            ("connect to h:9: timed out after 2s", "连接 h:9：2s 后超时"),
            ("listening on [::]:80", "正在监听 [::]:80"),
            ("stdin: cannot encode U+1F600 '😀' (character 2) in gbk", "标准输入：gbk 里没有第 2 个字符 U+1F600 '😀'"),
            (
                "a.rhai:6:12: timed out after 100 ms waiting for a line; got nothing",
                "a.rhai:6:12: 等待一行，100 ms 后超时；什么也没有收到",
            ),
            ("a.rhai:4:14: unknown function: send_lien", "a.rhai:4:14: 未知的函数：send_lien"),
            ("hint: it is used as conn.send(x)", "提示：用法是 conn.send(x)"),
            (
                "connect to h:9: connection refused; trying again in 1s (and 3 times more)",
                "连接 h:9：连接被拒绝；1s 后再试（之后还有 3 次）",
            ),
            ("connecting again in 100ms", "100ms 后重新连接"),
            (
                "connect to h:9: connection refused; trying again in 1s (the last time)",
                "连接 h:9：连接被拒绝；1s 后再试（最后一次）",
            ),
            ("connecting again in 100ms (and once more)", "100ms 后重新连接（之后还有一次）"),
            (
                "timed out after 3s (--timeout): connect to h:9: connection refused",
                "3s 后超时（--timeout）：连接 h:9：连接被拒绝",
            ),
            ("scan of h: none of 3 ports is open", "扫描 h：3 个端口都没有打开"),
            (
                "* ~2 h:9 from l:1, open for 2s, 3 bytes received, 4 sent; encoding: gbk; our side has ended; the peer's side has ended",
                "* ~2 h:9（本地 l:1），已打开 2s，收到 3 字节，发出 4 字节；编码：gbk；我们这个方向已经结束；对端已经说完",
            ),
            ("a b c", "a b c"),
        ] {
            assert_eq!(catalogue.say(english), expected, "{english}");
        }
    }

    #[test]
    fn the_catalogue_is_well_formed() {
        let mut seen = HashSet::new();
        for (text, is_help) in MESSAGES.map(|text| (text, false)).into_iter().chain([(HELP, true)]) {
            for (english, translation) in pairs(text) {
                assert!(seen.insert((english, is_help)), "twice: {english}");
                assert!(!translation.is_empty() && !translation.starts_with(['>', '#']), "no translation: {english}");
                let has_words = is_help || english.chars().any(char::is_alphabetic);
                let is_chinese = translation.chars().any(|letter| letter > '\u{2e7f}');
                assert!(is_chinese || !has_words, "not Chinese: {english}");
                let places = english.matches(PLACE).count() + english.matches(PART).count();
                let mut rest = translation;
                let mut filled = 0;
                while let Some((_, number, after)) = next_place(rest) {
                    assert!(number.is_none_or(|number| number <= places), "no such place: {translation}");
                    (filled, rest) = (filled + 1, after);
                }
                assert!(is_help || places == filled, "{english}");
            }
        }
    }
}
