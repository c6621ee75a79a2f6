//! The encoding of a terminal that does not speak UTF-8: text to what it shows, and how wide that is there.
//!
//! Owns what stands for a character that it cannot show. What is typed there is `keys`'.

use std::collections::HashMap;
use std::sync::LazyLock;

use encoding_rs::{BIG5, EUC_JP, EUC_KR, Encoding, GB18030, GBK, SHIFT_JIS};
use unicode_segmentation::UnicodeSegmentation;
use unicode_width::UnicodeWidthStr;

/// Whether terminals with this encoding show two columns for each character of two bytes, as for `“`, `…` and `α`.
pub fn is_wide(charset: Option<&'static Encoding>) -> bool {
    charset.is_some_and(|charset| [GBK, GB18030, BIG5, EUC_JP, EUC_KR, SHIFT_JIS].contains(&charset))
}

/// The columns of a text; `is_wide`: see [`is_wide`].
pub fn width(text: &str, is_wide: bool) -> usize {
    if is_wide { text.width_cjk() } else { text.width() }
}

/// UTF-8, sequences for the terminal included, in its encoding. What that cannot hold becomes as many `?` as it has columns; bytes
/// that are no UTF-8 stay.
pub fn encode(bytes: &[u8], charset: &'static Encoding) -> Vec<u8> {
    let is_wide = is_wide(Some(charset));
    let mut out = Vec::with_capacity(bytes.len());
    for chunk in bytes.utf8_chunks() {
        match charset.encode(chunk.valid()) {
            (encoded, _, false) => out.extend_from_slice(&encoded),
            _ => {
                for cluster in chunk.valid().graphemes(true) {
                    if !encode_character(cluster, charset, &mut out) {
                        out.resize(out.len() + width(cluster, is_wide), b'?');
                    }
                }
            }
        }
        out.extend_from_slice(chunk.invalid());
    }
    out
}

/// Adds a character of a terminal's encoding. Returns whether it has it.
pub fn encode_character(cluster: &str, charset: &'static Encoding, out: &mut Vec<u8>) -> bool {
    let (encoded, _, is_unknown) = charset.encode(cluster);
    if !is_unknown {
        out.extend_from_slice(&encoded);
        return true;
    }
    let rare = if charset == BIG5 {
        &BIG5_RARE
    } else if charset == EUC_JP {
        &EUC_JP_RARE
    } else {
        return false;
    };
    let bytes = rare.get(cluster);
    out.extend(bytes.into_iter().flatten());
    bytes.is_some()
}

/// Characters that the Encoding Standard reads and does not write, because the web is not to get more of them: those of Hong Kong
/// and of JIS X 0212. Terminals have them.
type Rare = HashMap<String, Vec<u8>>;
static BIG5_RARE: LazyLock<Rare> = LazyLock::new(|| rare(BIG5, &[]));
static EUC_JP_RARE: LazyLock<Rare> = LazyLock::new(|| rare(EUC_JP, &[0x8f]));

fn rare(charset: &'static Encoding, prefix: &[u8]) -> Rare {
    let pairs = (0x81..=0xfe).flat_map(|lead| (0x40..=0xfe).map(move |trail| [lead, trail]));
    let read = |pair: [u8; 2]| {
        let bytes = [prefix, &pair].concat();
        let text = charset.decode_without_bom_handling_and_without_replacement(&bytes)?.into_owned();
        Some((text, bytes))
    };
    let is_rare = |(text, _): &(String, Vec<u8>)| text.graphemes(true).count() == 1 && charset.encode(text).2;
    pairs.filter_map(read).filter(is_rare).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_cannot_be_shown_keeps_its_columns() {
        for (text, shown) in [
            ("\x1b[36m你好\x1b[0m\r\n".as_bytes(), b"\x1b[36m\xc4\xe3\xba\xc3\x1b[0m\r\n".as_slice()),
            ("a😀你".as_bytes(), b"a??\xc4\xe3"),
            ("👨‍👩‍👧é.".as_bytes(), b"??\xa8\xa6."),
            ("ñ\u{301}\u{200d}".as_bytes(), b"?"),
            (b"\xff\xe4\xbd\xa0\xe4", b"\xff\xc4\xe3\xe4"),
            (b"", b""),
        ] {
            assert_eq!(encode(text, GBK), shown, "{:?}", String::from_utf8_lossy(text));
        }
    }

    #[test]
    fn terminals_have_characters_that_the_web_does_not_get() {
        assert_eq!(encode("嘅大".as_bytes(), BIG5), b"\xfb\x48\xa4j");
        assert_eq!(encode("丂大".as_bytes(), EUC_JP), b"\x8f\xb0\xa1\xc2\xe7");
        assert_eq!(encode("😀".as_bytes(), EUC_JP), b"??");
    }

    #[test]
    fn characters_of_two_bytes_are_wide_where_two_bytes_are() {
        assert_eq!((width("“a”", true), width("“a”", false)), (5, 3));
        assert!(is_wide(Some(BIG5)) && !is_wide(Some(encoding_rs::KOI8_R)) && !is_wide(None));
    }
}
