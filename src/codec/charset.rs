//! Streaming decoders and encoders: the names other modules use.
//!
//! Owns the re-exports only, and the tests of both directions together: a table of expected texts, round trips, every
//! split.

pub use crate::codec::decode::{DecodeError, Decoder};
pub use crate::codec::encode::{EncodeError, Encoder};

#[cfg(test)]
mod tests {
    use encoding_rs::{Encoding, UTF_8, UTF_16BE, UTF_16LE};
    use proptest::prelude::*;

    use super::*;
    use crate::codec::escape;
    use crate::codec::labels;
    use crate::config::{Charset, Malformed, Piece, Unencodable};

    /// Expected results of `encoding_rs` 0.8.44; the first line names the columns.
    const VECTORS: &str = include_str!("../../tests/data/encoding_vectors.tsv");

    type Decoded = (String, Option<DecodeError>);

    /// The text of the chunks and the end, up to the first error.
    fn decode<'a>(charset: Charset, malformed: Malformed, pieces: impl IntoIterator<Item = &'a [u8]>) -> Decoded {
        let (mut decoder, mut text) = (Decoder::new(charset, malformed), String::new());
        for piece in pieces {
            if let Err(error) = decoder.decode(piece, &mut text) {
                return (text, Some(error));
            }
        }
        let error = decoder.finish(&mut text).err();
        (text, error)
    }

    /// The same, checked to be equal for the whole, every two-way split and byte by byte.
    fn decode_every_way(charset: Charset, malformed: Malformed, bytes: &[u8]) -> Decoded {
        let whole = decode(charset, malformed, [bytes]);
        for at in 0..=bytes.len() {
            let (front, back) = bytes.split_at(at);
            assert_eq!(decode(charset, malformed, [front, back]), whole, "{charset:?} {bytes:x?} cut at {at}");
        }
        assert_eq!(decode(charset, malformed, bytes.chunks(1)), whole, "{charset:?} {bytes:x?} byte by byte");
        whole
    }

    fn rows(kind: &str) -> Vec<Vec<&'static str>> {
        let rows = VECTORS.lines().filter(|line| !line.starts_with('#')).map(|line| line.split('\t').collect());
        rows.filter(|row: &Vec<_>| row[0] == kind).collect()
    }

    /// The encoding of a row; `None` if the label is refused.
    fn row_encoding(label: &str) -> Option<&'static Encoding> {
        match labels::lookup(label) {
            Ok(Charset::Named(encoding)) => Some(encoding),
            Ok(Charset::Auto(_)) => panic!("a row has an encoding"),
            Err(error) => {
                assert!(matches!(error, labels::UnknownLabel::Refused { .. }), "{error}");
                None
            }
        }
    }

    /// `Malformed(length, after) read=n` as offset and length of the malformed bytes.
    fn malformed_at(strict: &str) -> Option<(u64, usize)> {
        let (pair, read) = strict.strip_prefix("Malformed(")?.split_once(") read=")?;
        let (length, after) = pair.split_once(", ")?;
        let length: u64 = length.parse().unwrap();
        Some((read.parse::<u64>().unwrap() - length - after.parse::<u64>().unwrap(), length as usize))
    }

    /// Text with `\u{…}`, where a lone backslash is itself.
    fn unescape(text: &str) -> String {
        let escaped = text.replace('\\', "\\\\").replace("\\\\u{", "\\u{");
        escape::parse(&escaped)
            .unwrap()
            .into_iter()
            .map(|piece| match piece {
                Piece::Text(text) => text,
                Piece::Bytes(bytes) => panic!("bytes {bytes:x?} in text"),
            })
            .collect()
    }

    /// The characters of a JSON string that holds only `\uXXXX` and plain characters.
    fn json_string(json: &str) -> String {
        let mut units = Vec::new();
        let mut rest = json.trim_matches('"');
        while !rest.is_empty() {
            if let Some(hex) = rest.strip_prefix("\\u") {
                units.push(u16::from_str_radix(&hex[..4], 16).unwrap());
                rest = &hex[4..];
            } else if let Some(after) = rest.strip_prefix("\\n") {
                units.push(u16::from(b'\n'));
                rest = after;
            } else {
                let plain = rest.chars().next().unwrap();
                assert_ne!(plain, '\\', "{json}");
                units.extend(plain.encode_utf16(&mut [0; 2]).iter());
                rest = &rest[plain.len_utf8()..];
            }
        }
        String::from_utf16(&units).unwrap()
    }

    #[test]
    fn decoding_matches_the_table_for_every_split() {
        let rows = rows("decode");
        assert_eq!(rows.len(), 137);
        for row in rows {
            let [_, label, hex, expected, had_errors, _, strict, _] = row[..] else { panic!("{row:?}") };
            let Some(encoding) = row_encoding(label) else { continue };
            let bytes = escape::parse_hex(hex).unwrap();
            let mut expected = unescape(expected);
            if [UTF_8, UTF_16LE, UTF_16BE].contains(&encoding) {
                expected = expected.strip_prefix('\u{feff}').unwrap_or(&expected).to_owned();
            }
            let (text, error) = decode_every_way(Charset::Named(encoding), Malformed::Replace, &bytes);
            assert_eq!((text, error), (expected.clone(), None), "{row:?}");

            let (text, error) = decode_every_way(Charset::Named(encoding), Malformed::Fail, &bytes);
            assert!(expected.starts_with(&text), "{row:?}");
            assert_eq!(error.is_some(), had_errors == "true", "{row:?}");
            let place = error.as_ref().map(|error| (error.offset, error.bytes.len()));
            assert_eq!(place, malformed_at(strict), "{row:?}");
            if let Some(error) = error {
                assert_eq!(error.bytes, bytes[error.offset as usize..][..error.bytes.len()], "{row:?}");
            }
        }
    }

    #[test]
    fn encoding_matches_the_table() {
        let rows = rows("encode");
        assert_eq!(rows.len(), 37);
        for row in rows {
            let [_, label, text, hex, replaced, output, strict] = row[..] else { panic!("{row:?}") };
            let Some(encoding) = row_encoding(label) else { continue };
            let text = json_string(text);
            let mut encoder = Encoder::new(encoding, Unencodable::Fail);
            let result = encoder.encode_whole(&text).map(|mut bytes| {
                encoder.finish(&mut bytes);
                bytes
            });
            if replaced == "true" {
                let error = result.unwrap_err();
                let before: usize = text.chars().take(error.index + 1).map(char::len_utf8).sum();
                assert_eq!(text.chars().nth(error.index), Some(error.character), "{row:?}");
                assert!(strict.ends_with(&format!("read={before}")), "{row:?}");
                let mut bytes = Encoder::new(encoding, Unencodable::Replace).encode_whole(&text).unwrap();
                assert!(bytes.contains(&b'?'), "{row:?}");
                bytes.retain(|byte| *byte == b'&');
                assert!(bytes.is_empty(), "{row:?}");
            } else if encoding.output_encoding() != encoding {
                // The table shows the UTF-8 that encoding_rs writes for UTF-16; ours is UTF-16.
                assert_eq!(output, "UTF-8");
                assert_eq!(encoding.decode_without_bom_handling(&result.unwrap()).0, text, "{row:?}");
            } else {
                assert_eq!(result.unwrap(), escape::parse_hex(hex).unwrap(), "{row:?}");
            }
        }
    }

    #[test]
    fn sentences_survive_encoding_and_decoding_at_every_split() {
        for (label, text) in [
            ("gbk", "你好，世界！€ 中文abc"),
            ("gb18030", "你好😀㐀€ abc 💩"),
            ("big5", "你好，世界！歡迎光臨"),
            ("shift_jis", "こんにちは、表ｱｲ①日本"),
            ("euc-jp", "こんにちは、表ｱｲ日本"),
            ("iso-2022-jp", "abcこんにちは\n日本¥‾end\n表"),
            ("euc-kr", "안녕하세요 뙠 한글"),
            ("koi8-r", "Привет, мир! ёЁ╔"),
            ("koi8-u", "Привіт, світе ґҐ"),
            ("windows-1250", "Příliš žluťoučký kůň"),
            ("windows-1251", "Привет, мир! Ґ№"),
            ("windows-1252", "Grüße “quoted” €ÿ"),
            ("windows-1253", "Καλημέρα κόσμε"),
            ("windows-1254", "Şişli İstanbul ığ"),
            ("windows-1255", "שלום עולם"),
            ("windows-1256", "مرحبا بالعالم"),
            ("windows-1257", "Sveika, pasaule ąčęė"),
            ("windows-1258", "Xin chào ₫ơư"),
            ("utf-8", "你好😀é"),
            ("utf-16le", "你好😀é"),
            ("utf-16be", "你好😀é"),
        ] {
            let encoding = row_encoding(label).unwrap();
            let mut encoder = Encoder::new(encoding, Unencodable::Fail);
            let mut bytes = encoder.encode_whole(text).unwrap_or_else(|error| panic!("{error}"));
            encoder.finish(&mut bytes);
            let decoded = decode_every_way(Charset::Named(encoding), Malformed::Fail, &bytes);
            assert_eq!(decoded, (text.to_owned(), None), "{label}");
        }
    }

    fn any_encoding() -> impl Strategy<Value = &'static Encoding> {
        let all: Vec<_> = labels::table().iter().map(|(name, _)| row_encoding(name).unwrap()).collect();
        proptest::sample::select(all)
    }

    /// Bytes that are lead bytes or controls in some encoding.
    fn any_bytes() -> impl Strategy<Value = Vec<u8>> {
        let telling: &[u8] = b"\x1b$(BJI@&?A0\n\x81\x30\x8e\x8f\xa4\xb1\xc4\xd8\xdc\xe3\xef\xbb\xbf\xfe\xff\0";
        proptest::collection::vec(prop_oneof![any::<u8>(), proptest::sample::select(telling)], 0..48)
    }

    /// The same bytes in chunks; each length is taken modulo the rest.
    fn pieces<'a>(bytes: &'a [u8], cuts: &[usize]) -> Vec<&'a [u8]> {
        let (mut rest, mut pieces) = (bytes, Vec::new());
        for cut in cuts {
            let (piece, after) = rest.split_at(cut % (rest.len() + 1));
            pieces.push(piece);
            rest = after;
        }
        pieces.push(rest);
        pieces
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(2000))]

        #[test]
        fn any_bytes_in_any_pieces_are_the_same_text(
            encoding in any_encoding(),
            bytes in any_bytes(),
            cuts in proptest::collection::vec(0usize..12, 0..12),
        ) {
            for malformed in [Malformed::Replace, Malformed::Fail] {
                let charset = Charset::Named(encoding);
                let whole = decode(charset, malformed, [bytes.as_slice()]);
                prop_assert_eq!(decode(charset, malformed, pieces(&bytes, &cuts)), whole);
            }
        }

        #[test]
        fn any_bytes_in_any_pieces_are_guessed_alike(
            bytes in any_bytes(),
            cuts in proptest::collection::vec(0usize..12, 0..12),
        ) {
            for malformed in [Malformed::Replace, Malformed::Fail] {
                let whole = decode(Charset::Auto(None), malformed, [bytes.as_slice()]);
                prop_assert_eq!(decode(Charset::Auto(None), malformed, pieces(&bytes, &cuts)), whole);
            }
        }

        #[test]
        fn text_in_pieces_is_encoded_as_the_whole(
            encoding in any_encoding(),
            text in "[a~¥\u{1b}é€ΩЖ中表日本ｱ안😀]{0,24}|.{0,24}",
            size in 1usize..5,
        ) {
            let chars: Vec<char> = text.chars().collect();
            for unencodable in [Unencodable::Replace, Unencodable::Fail] {
                let mut whole = Vec::new();
                let mut encoder = Encoder::new(encoding, unencodable);
                let expected = encoder.encode(&text, &mut whole).map_err(|error| (error.character, error.total));
                encoder.finish(&mut whole);

                let (mut encoder, mut out) = (Encoder::new(encoding, unencodable), Vec::new());
                let result = chars.chunks(size).try_for_each(|piece| {
                    encoder.encode(&piece.iter().collect::<String>(), &mut out)
                });
                encoder.finish(&mut out);
                prop_assert_eq!(result.map_err(|error| (error.character, error.total)), expected);
                prop_assert_eq!(&out, &whole);

                let mut encoder = Encoder::new(encoding, unencodable);
                let all = encoder.encode_whole(&text).map(|mut bytes| {
                    encoder.finish(&mut bytes);
                    bytes
                });
                prop_assert_eq!(all.ok(), expected.is_ok().then_some(whole));
            }
        }
    }
}
