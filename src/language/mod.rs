//! The language that people read: which one the environment asks for, and what a text is in it.
//!
//! Texts are written in English where they belong. In another language they are looked up in a catalogue when they are shown,
//! so a run in English pays nothing. Owns the choice, made once for the process. Reads no variables itself and prints nothing.

mod catalogue;

use std::borrow::Cow;
use std::sync::OnceLock;

use encoding_rs::{EncoderResult, Encoding};

pub use self::catalogue::Catalogue;

/// How this process speaks, if not in English and UTF-8.
static SPEECH: OnceLock<Speech> = OnceLock::new();

/// A language and the encoding of the terminal.
struct Speech {
    /// None for English.
    catalogue: Option<Catalogue>,
    /// None for UTF-8.
    charset: Option<&'static Encoding>,
}

/// Takes language and encoding from the environment, once and for the whole process.
pub fn choose(variable: impl Fn(&str) -> Option<String>) {
    let speech = Speech { catalogue: is_chinese(&variable).then(Catalogue::chinese), charset: charset_of(&variable) };
    if speech.catalogue.is_some() || speech.charset.is_some() {
        // Only the first choice counts.
        let _ = SPEECH.set(speech);
    }
}

/// The catalogue of the language; none for English.
pub fn catalogue() -> Option<&'static Catalogue> {
    SPEECH.get()?.catalogue.as_ref()
}

/// A message for people in their language.
pub fn say(text: &str) -> Cow<'_, str> {
    match catalogue() {
        Some(catalogue) => catalogue.say(text),
        None => Cow::Borrowed(text),
    }
}

/// A text for people in the encoding of their terminal. What that cannot hold becomes `?`.
pub fn encoded(text: &str) -> Cow<'_, [u8]> {
    match charset() {
        Some(charset) => Cow::Owned(encode(text, charset)),
        None => Cow::Borrowed(text.as_bytes()),
    }
}

/// The encoding of the terminal; none for UTF-8.
pub fn charset() -> Option<&'static Encoding> {
    SPEECH.get()?.charset
}

/// The first of these variables of the environment that is not empty.
pub fn first_set(names: &[&str], variable: impl Fn(&str) -> Option<String>) -> Option<String> {
    names.iter().filter_map(|name| variable(name)).find(|value| !value.is_empty())
}

/// The variables that say how characters are written, as setlocale(3) reads them.
pub const CHARACTERS: [&str; 3] = ["LC_ALL", "LC_CTYPE", "LANG"];

/// The words of a locale's name in lower case: the language, then its script or territory.
pub fn words(locale: &str) -> Vec<String> {
    let name = locale.split(['.', '@']).next().unwrap_or_default().to_ascii_lowercase();
    name.split(['_', '-']).map(str::to_owned).collect()
}

/// Whether the words of a locale's name are those of Chinese in traditional characters.
pub fn is_traditional(words: &[String]) -> bool {
    words.iter().skip(1).any(|word| matches!(word.as_str(), "tw" | "hk" | "mo" | "hant"))
}

/// Whether the variables ask for Simplified Chinese. `TCPX_LANG` counts before the locale.
fn is_chinese(variable: impl Fn(&str) -> Option<String>) -> bool {
    let value = first_set(&["TCPX_LANG", "LC_ALL", "LC_MESSAGES", "LANG"], variable);
    let words = words(&value.unwrap_or_default());
    words[0] == "zh" && !is_traditional(&words)
}

/// The encoding that the locale names behind its dot, if it is not UTF-8.
fn charset_of(variable: impl Fn(&str) -> Option<String>) -> Option<&'static Encoding> {
    let locale = first_set(&CHARACTERS, variable)?;
    let name = locale.split('@').next()?.split_once('.')?.1.to_ascii_lowercase();
    // The names of systems that are no labels of the Encoding Standard.
    let label = match name.as_str() {
        "euccn" | "eucn" => "gbk",
        "euckr" => "euc-kr",
        "eucjp" | "eucjis" | "eucjisx0213" => "euc-jp",
        "sjis" | "pck" => "shift_jis",
        name => name,
    };
    let found = Encoding::for_label_no_replacement(label.as_bytes())?;
    // A terminal speaks neither UTF-16 nor an encoding in which escape sequences are text.
    (found != encoding_rs::UTF_8 && found.is_ascii_compatible() && found.output_encoding() == found).then_some(found)
}

fn encode(text: &str, charset: &'static Encoding) -> Vec<u8> {
    let mut encoder = charset.new_encoder();
    let mut out = Vec::with_capacity(text.len() + 16);
    let mut rest = text;
    loop {
        out.reserve(rest.len() + 16);
        let (result, read) = encoder.encode_from_utf8_to_vec_without_replacement(rest, &mut out, true);
        rest = &rest[read..];
        match result {
            EncoderResult::InputEmpty => return out,
            EncoderResult::OutputFull => {}
            EncoderResult::Unmappable(_) => out.push(b'?'),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn lookup<'a>(variables: &'a [(&str, &str)]) -> impl Fn(&str) -> Option<String> + 'a {
        move |name| variables.iter().find(|known| known.0 == name).map(|known| known.1.to_owned())
    }

    #[test]
    fn the_locale_chooses_the_language() {
        for (variables, expected) in [
            (&[("LANG", "zh_CN.UTF-8")][..], true),
            (&[("LANG", "zh_CN.GBK")], true),
            (&[("LANG", "zh")], true),
            (&[("LC_MESSAGES", "zh_SG"), ("LANG", "en_US")], true),
            (&[("LC_ALL", "C"), ("LC_MESSAGES", "zh_CN"), ("LANG", "zh_CN")], false),
            (&[("LC_ALL", ""), ("LANG", "zh_CN")], true),
            (&[("LANG", "zh_TW.UTF-8")], false),
            (&[("LANG", "zh-Hant")], false),
            (&[("LC_CTYPE", "zh_CN.UTF-8"), ("LANG", "en_US.UTF-8")], false),
            (&[("LANG", "C.UTF-8")], false),
            (&[], false),
            (&[("TCPX_LANG", "zh"), ("LC_ALL", "C")], true),
            (&[("TCPX_LANG", "zh_CN.UTF-8"), ("LANG", "C")], true),
            (&[("TCPX_LANG", "zh-Hans"), ("LANG", "C")], true),
            (&[("TCPX_LANG", "en"), ("LANG", "zh_CN.UTF-8")], false),
            (&[("TCPX_LANG", ""), ("LANG", "zh_CN.UTF-8")], true),
            (&[("TCPX_LANG", "nonsense"), ("LANG", "zh_CN.UTF-8")], false),
        ] {
            assert_eq!(is_chinese(lookup(variables)), expected, "{variables:?}");
        }
    }

    #[test]
    fn the_locale_names_the_encoding_of_the_terminal() {
        for (locale, expected) in [
            ("zh_CN.GBK", Some(encoding_rs::GBK)),
            ("zh_CN.gb2312", Some(encoding_rs::GBK)),
            ("zh_CN.eucCN", Some(encoding_rs::GBK)),
            ("zh_CN.GB18030", Some(encoding_rs::GB18030)),
            ("zh_TW.Big5", Some(encoding_rs::BIG5)),
            ("ja_JP.eucJP@x", Some(encoding_rs::EUC_JP)),
            ("zh_CN.UTF-8", None),
            ("zh_CN.utf8", None),
            ("zh_CN", None),
            ("zh_CN.nonsense", None),
            ("zh_CN.UTF-16LE", None),
            ("ja_JP.ISO-2022-JP", None),
            ("C", None),
        ] {
            assert_eq!(charset_of(lookup(&[("LANG", locale)])), expected, "{locale}");
        }
    }

    #[test]
    fn what_a_terminal_cannot_show_is_a_question_mark() {
        assert_eq!(encode("你好\n", encoding_rs::GBK), b"\xc4\xe3\xba\xc3\n");
        assert_eq!(encode("😀a😀", encoding_rs::GBK), b"?a?");
        assert_eq!(encode("", encoding_rs::GBK), b"");
        let long = "你".repeat(5000);
        assert_eq!(encode(&long, encoding_rs::GBK), b"\xc4\xe3".repeat(5000));
    }

    #[test]
    fn english_reads_no_catalogue() {
        choose(lookup(&[("LANG", "C.UTF-8")]));
        choose(lookup(&[("TCPX_LANG", "en"), ("LANG", "zh_CN.UTF-8")]));
        assert!(SPEECH.get().is_none());
    }

    #[test]
    fn english_in_utf_8_is_what_was_written() {
        assert_eq!(say("listening"), "listening");
        assert!(matches!(encoded("你"), Cow::Borrowed(b"\xe4\xbd\xa0")));
    }
}
