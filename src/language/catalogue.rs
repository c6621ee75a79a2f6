//! `Catalogue`: the translations of one language, by their English texts.
//!
//! Owns the format of the files beside it and the search. A text of the help is found as a whole; a message by a pattern, in which
//! `{}` stands for words from outside, which stay, and `{~}` for a part with a translation of its own, such as the cause.

use std::borrow::Cow;
use std::cmp::Reverse;
use std::collections::HashMap;

const HELP: &str = include_str!("help.zh.txt");
const MESSAGES: &str = include_str!("messages.zh.txt");
/// Words from outside.
const PLACE: &str = "{}";
/// A part of a message that is translated, too.
const PART: &str = "{~}";
/// How many messages may stand in each other: a place in a script, an error, its cause.
const MAX_DEPTH: u8 = 4;

/// The translations of one language.
pub struct Catalogue {
    help: HashMap<&'static str, &'static str>,
    messages: Vec<Message>,
}

/// A pattern and its translation.
struct Message {
    /// What stands between the places.
    pieces: Vec<&'static str>,
    /// Which of the places are translated.
    translated: Vec<bool>,
    translation: &'static str,
}

impl Catalogue {
    /// Simplified Chinese.
    pub fn chinese() -> Self {
        Self::of(HELP, MESSAGES)
    }

    fn of(help: &'static str, messages: &'static str) -> Self {
        let mut messages: Vec<_> =
            pairs(messages).map(|(english, translation)| Message::new(english, translation)).collect();
        // Of several that fit, the one with most words of its own counts.
        messages.sort_by_key(|message| Reverse(message.pieces.iter().map(|piece| piece.len()).sum::<usize>()));
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
    fn new(english: &'static str, translation: &'static str) -> Self {
        let (mut pieces, mut translated, mut rest) = (Vec::new(), Vec::new(), english);
        while let Some(at) = [PLACE, PART].iter().filter_map(|place| rest.find(place)).min() {
            let place = if rest[at..].starts_with(PLACE) { PLACE } else { PART };
            pieces.push(&rest[..at]);
            translated.push(place == PART);
            rest = &rest[at + place.len()..];
        }
        pieces.push(rest);
        Self { pieces, translated, translation }
    }

    /// What stands in the places, if the text fits: each is as short as it can be, and not empty.
    fn places<'a>(&self, text: &'a str) -> Option<Vec<&'a str>> {
        let (first, pieces) = self.pieces.split_first()?;
        let mut rest = text.strip_prefix(first)?;
        let mut places = Vec::new();
        for (number, piece) in pieces.iter().enumerate() {
            let least = rest.chars().next()?.len_utf8();
            let end = if number + 1 == pieces.len() {
                rest.len().checked_sub(piece.len()).filter(|end| *end >= least && rest.ends_with(piece))?
            } else {
                least + rest[least..].find(piece)?
            };
            places.push(&rest[..end]);
            rest = &rest[end + piece.len()..];
        }
        // A text without places is all there is.
        (!pieces.is_empty() || rest.is_empty()).then_some(places)
    }
}

/// The English texts and their translations, as they are written.
fn pairs(text: &'static str) -> impl Iterator<Item = (&'static str, &'static str)> {
    let mut lines = text.lines();
    std::iter::from_fn(move || {
        let english = lines.by_ref().find_map(|line| line.strip_prefix("> "))?;
        Some((english, lines.next().unwrap_or_default()))
    })
}

/// A translation with its places filled, in order, or by number: `{2}` is the second one.
fn filled(translation: &str, places: &[Cow<'_, str>]) -> String {
    if places.is_empty() {
        return translation.to_owned();
    }
    let mut out = String::new();
    let mut pieces = translation.split('{');
    out.push_str(pieces.next().unwrap_or_default());
    for (number, piece) in pieces.enumerate() {
        let (place, after) = piece.split_once('}').unwrap_or(("", piece));
        let at = place.parse::<usize>().map_or(number, |place| place - 1);
        out.push_str(places.get(at).map_or("", |place| place));
        out.push_str(after);
    }
    out
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
";

    #[test]
    fn messages_and_their_parts_are_translated() {
        let catalogue = Catalogue::of("", TEXT);
        for (english, expected) in [
            ("connection refused", "连接被拒绝"),
            ("connect to [::1]:80: connection refused", "连接 [::1]:80：连接被拒绝"),
            ("connect to h:80: out of luck", "连接 h:80：luck 的 out"),
            ("connect to connection refused: x", "连接 connection refused：x"),
            ("3 of 5", "5 的 3"),
            ("connect to : x", "connect to : x"),
            ("connection refused!", "connection refused!"),
            ("unknown", "unknown"),
            ("", ""),
        ] {
            assert_eq!(catalogue.say(english), expected, "{english}");
        }
    }

    #[test]
    fn a_message_that_holds_itself_ends() {
        let catalogue = Catalogue::of("", TEXT);
        assert_eq!(catalogue.say(&"(".repeat(50)), format!("{}{}", "（".repeat(4), "(".repeat(46)));
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
        for text in [HELP, MESSAGES] {
            let mut seen = HashSet::new();
            for (english, translation) in pairs(text) {
                assert!(seen.insert(english), "twice: {english}");
                assert!(!translation.is_empty() && !translation.starts_with(['>', '#']), "no translation: {english}");
                let has_words = english.chars().any(char::is_alphabetic) || text == HELP;
                let is_chinese = translation.chars().any(|letter| letter > '\u{2e7f}');
                assert!(is_chinese || !has_words, "not Chinese: {english}");
                if text == MESSAGES {
                    let places = english.matches(PLACE).count() + english.matches(PART).count();
                    assert_eq!(places, translation.matches('{').count(), "{english}");
                }
            }
        }
    }

    /// The patterns, with all places alike.
    fn patterns() -> HashSet<String> {
        pairs(MESSAGES).map(|(english, _)| english.replace(PART, PLACE)).collect()
    }

    /// The texts in double quotes behind a word, with all places as `{}`.
    fn literals(source: &str, before: &str) -> Vec<String> {
        let quoted = source.split(before).skip(1).filter_map(|rest| rest.split('"').next());
        quoted
            .map(|text| {
                let mut out = String::new();
                for (number, piece) in text.trim_end_matches("\\n").split('{').enumerate() {
                    let after = if number == 0 { piece } else { piece.split_once('}').map_or("", |(_, after)| after) };
                    out.push_str(if number == 0 { "" } else { PLACE });
                    out.push_str(after);
                }
                out
            })
            .collect()
    }

    #[test]
    fn every_kind_of_error_has_a_translation() {
        let patterns = patterns();
        let source = include_str!("../error.rs");
        // Those that begin with a place are whole messages, or an operation with its own patterns.
        let texts: Vec<_> = literals(source, "#[error(\"").into_iter().filter(|text| !text.starts_with('{')).collect();
        assert!(texts.len() > 6, "only {texts:?}");
        for text in texts.iter().map(String::as_str).chain([
            "read from {}: {}",
            "write to {}: {}",
            "listen on {}: {}",
            "bind to {}: {}",
        ]) {
            assert!(patterns.contains(text), "messages.zh.txt has no translation of: {text}");
        }
    }

    #[test]
    fn everything_that_is_told_has_a_translation() {
        let patterns = patterns();
        let source = include_str!("../output/console.rs");
        let part = |begin, end| source.split(begin).nth(1).and_then(|rest| rest.split(end).next()).expect("messages");
        let mut texts = literals(part("fn words(", "impl Observer for"), "format!(\"");
        // What is said of the next try has one of several ends.
        let next = part("fn next_try(", "\n}\n");
        let (ends, begins): (Vec<_>, Vec<_>) =
            literals(next, "format!(\"").into_iter().partition(|text| text.starts_with("{} ("));
        let ends = ends.iter().filter_map(|text| text.strip_prefix(PLACE)).map(str::to_owned);
        let ends: Vec<_> = ends.chain(literals(next, "text + \"")).collect();
        assert_eq!((begins.len(), ends.len()), (2, 3), "{begins:?} {ends:?}");
        texts.extend(begins.iter().flat_map(|begin| ends.iter().map(move |end| format!("{begin}{end}"))));
        texts.extend(begins);
        assert!(texts.len() > 20, "only {texts:?}");
        // One that begins with a blank is a part of another.
        let is_message =
            |text: &&String| !text.starts_with(' ') && text.chars().filter(|c| c.is_alphabetic()).count() > 2;
        for text in texts.iter().filter(is_message) {
            // Two places side by side are one, and `{word}` is one of these.
            let text = text.replace("{}{}", PLACE);
            let words = ["received", "sent"]
                .map(|word| text.replacen("{}: {} {} bytes", &format!("{{}}: {word} {{}} bytes"), 1));
            for text in words {
                assert!(patterns.contains(&text), "messages.zh.txt has no translation of: {text}");
            }
        }
    }
}
