//! What people type or pipe in, on its way out: `TextFilter` for connections, `LineReader` for scripts; and `Sendable`, what a line
//! has to be.
//!
//! Owns line ends (`-C`) and the check that text is UTF-8 where the wire has an encoding. Does not encode for the wire: each
//! connection has an encoder of its own.

use encoding_rs::{Encoding, UTF_8};

use crate::codec::charset::{DecodeError, Decoder, Encoder};
use crate::codec::labels;
use crate::codec::newline::Crlf;
use crate::config::{Charset, Malformed, Text, Unencodable};
use crate::editor::keys::raw_byte;

/// A line of stdin that is longer comes in pieces, in bytes.
const MAX_LINE: usize = 1 << 20;

/// From stdin or a file to what the encoder of a connection takes.
#[derive(Debug)]
pub struct TextFilter {
    crlf: Option<Crlf>,
    decoder: Option<Decoder>,
    /// What the decoder reads.
    charset: Charset,
}

/// A filtered piece of stdin or of a file.
#[derive(Debug, PartialEq, Eq)]
pub enum Filtered {
    /// Without an encoding: as it came, line ends aside.
    Bytes(Vec<u8>),
    /// With an encoding: to be encoded for each connection.
    Text(String),
}

impl TextFilter {
    /// The filter that these settings ask for, from UTF-8.
    pub fn new(text: &Text) -> Self {
        Self::typed_in(None, text)
    }

    /// The same for what is typed on a terminal with an encoding (`None`: UTF-8).
    pub fn typed_in(charset: Option<&'static Encoding>, text: &Text) -> Self {
        // What is no text is replaced by U+FFFD, for which the encoder then sends `?`, or is an error.
        let malformed = match text.unencodable {
            Unencodable::Fail => Malformed::Fail,
            Unencodable::Replace => Malformed::Replace,
        };
        let charset = Charset::Named(charset.unwrap_or(UTF_8));
        Self {
            crlf: text.crlf.then(Crlf::default),
            decoder: text.send.map(|_| Decoder::new(charset, malformed)),
            charset,
        }
    }

    /// Begins anew, with the same settings.
    pub fn restart(&mut self) {
        self.crlf = self.crlf.map(|_| Crlf::default());
        self.decoder = self.decoder.as_ref().map(|decoder| Decoder::new(self.charset, decoder.malformed()));
    }

    /// Goes on where another source has ended: a CR and the LF of the next source are one line end.
    pub fn follow(&mut self, crlf: Crlf) {
        self.crlf = self.crlf.map(|_| crlf);
    }

    /// Where the line ends stand, for [`TextFilter::follow`].
    pub fn line_ends(&self) -> Crlf {
        self.crlf.unwrap_or_default()
    }

    /// Whether bytes pass unchanged.
    pub fn is_open(&self) -> bool {
        self.crlf.is_none() && self.decoder.is_none()
    }

    /// Whether what is no text is an error.
    pub fn is_strict(&self) -> bool {
        self.decoder.as_ref().is_some_and(|decoder| decoder.malformed() == Malformed::Fail)
    }

    /// Filters a piece. Returns what comes before the malformed bytes, if there are any, with the error beside it.
    pub fn push(&mut self, bytes: &[u8]) -> (Filtered, Option<DecodeError>) {
        let bytes = match &mut self.crlf {
            Some(crlf) => {
                let mut out = Vec::with_capacity(bytes.len() + 64);
                crlf.convert(bytes, &mut out);
                out
            }
            None => bytes.to_vec(),
        };
        let Some(decoder) = &mut self.decoder else { return (Filtered::Bytes(bytes), None) };
        let mut text = String::with_capacity(bytes.len());
        let result = decoder.decode(&bytes, &mut text);
        (Filtered::Text(text), result.err())
    }

    /// What a character that was cut by the end becomes.
    pub fn finish(&mut self) -> (Filtered, Option<DecodeError>) {
        let mut text = String::new();
        let result = self.decoder.as_mut().map_or(Ok(()), |decoder| decoder.finish(&mut text));
        (Filtered::Text(text), result.err())
    }
}

/// What a typed line has to be, so that it can be sent. The default is: anything.
#[derive(Clone, Debug, Default)]
pub struct Sendable {
    /// It has to be text; in this encoding it is typed.
    typed_in: Option<&'static Encoding>,
    /// Encodings that have to have its characters.
    encodings: Vec<&'static Encoding>,
}

impl Sendable {
    /// Text typed on a terminal with an encoding (`None`: UTF-8), whose characters all of `encodings` have.
    pub fn text(charset: Option<&'static Encoding>, encodings: Vec<&'static Encoding>) -> Self {
        Self { typed_in: Some(charset.unwrap_or(UTF_8)), encodings }
    }

    /// Why an edited line cannot be sent, if it cannot.
    pub fn objection(&self, line: &str) -> Option<String> {
        let typed = labels::name(self.typed_in?);
        let byte = (1..).zip(line.chars()).find_map(|(place, letter)| Some((place, raw_byte(letter)?)));
        if let Some((place, byte)) = byte {
            return Some(format!("malformed {typed} at character {place}: 0x{byte:02x}"));
        }
        let mut fault = None;
        for encoding in &self.encodings {
            let tried = Encoder::new(encoding, Unencodable::Fail).encode(line, &mut Vec::with_capacity(line.len()));
            fault = fault.or(tried.err());
        }
        fault.map(|fault| fault.to_string())
    }
}

/// Bytes to lines without their ends, from UTF-8 or the encoding of a terminal. Malformed bytes become U+FFFD; a byte order mark at
/// the beginning is dropped.
#[derive(Debug, Default)]
pub struct LineReader {
    /// Bytes as they were read; the first `taken` were given out.
    held: Vec<u8>,
    taken: usize,
    has_begun: bool,
    /// `None`: UTF-8.
    charset: Option<&'static Encoding>,
}

impl LineReader {
    /// Lines typed on a terminal with an encoding (`None`: UTF-8).
    pub fn typed_in(charset: Option<&'static Encoding>) -> Self {
        Self { charset, ..Self::default() }
    }

    /// Takes what one read gave.
    pub fn push(&mut self, bytes: &[u8]) {
        self.held.drain(..std::mem::take(&mut self.taken));
        self.held.extend_from_slice(bytes);
    }

    /// The next line; at the end of the stream (`ended`), also one without a line end.
    pub fn next_line(&mut self, ended: bool) -> Option<String> {
        let rest = &self.held[self.taken..];
        let (length, skipped) = match rest.iter().position(|byte| *byte == b'\n') {
            Some(end) => (end - usize::from(rest[..end].ends_with(b"\r")), end + 1),
            None if ended && !rest.is_empty() => (rest.len(), rest.len()),
            None if rest.len() > MAX_LINE => {
                let length = if self.charset.is_some() { whole_words(rest) } else { whole_characters(rest) };
                (length, length)
            }
            None => return None,
        };
        let mut line = &rest[..length];
        if !std::mem::replace(&mut self.has_begun, true) {
            line = line.strip_prefix("\u{feff}".as_bytes()).unwrap_or(line);
        }
        let line = match self.charset {
            Some(charset) => charset.decode_without_bom_handling(line).0.into_owned(),
            None => String::from_utf8_lossy(line).into_owned(),
        };
        self.taken += skipped;
        Some(line)
    }

    /// Takes all bytes that were not given out as lines, as they were read.
    pub fn take_rest(&mut self) -> Vec<u8> {
        let rest = self.held.split_off(std::mem::take(&mut self.taken));
        self.has_begun |= !rest.is_empty();
        self.held.clear();
        rest
    }
}

/// The length up to the last byte that is a character in every encoding.
fn whole_words(bytes: &[u8]) -> usize {
    bytes.iter().rposition(|byte| *byte < b'0').map_or(bytes.len(), |at| at + 1)
}

/// The length without a last character that is not whole.
fn whole_characters(bytes: &[u8]) -> usize {
    let length = bytes.len();
    let is_lead = |back: &usize| bytes[length - back] >= 0xc0;
    match (1..=length.min(3)).find(is_lead) {
        Some(back) if std::str::from_utf8(&bytes[length - back..]).is_err_and(|error| error.error_len().is_none()) => {
            length - back
        }
        _ => length,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lines_are_whole_and_the_last_needs_no_end() {
        let mut reader = LineReader::default();
        reader.push(b"one\r\ntw");
        assert_eq!(reader.next_line(false).as_deref(), Some("one"));
        assert_eq!(reader.next_line(false), None);
        reader.push("o\n\nd\u{e9}".as_bytes());
        let rest: Vec<_> = std::iter::from_fn(|| reader.next_line(true)).collect();
        assert_eq!(rest, ["two", "", "d\u{e9}"]);
    }

    #[test]
    fn lines_are_utf8_however_they_are_cut() {
        let mut reader = LineReader::default();
        for byte in b"\xef\xbb\xbfa\xffb\xe5\xa4\xa7\n\xef\xbb\xbfc\xe5" {
            reader.push(&[*byte]);
        }
        let lines: Vec<_> = std::iter::from_fn(|| reader.next_line(true)).collect();
        assert_eq!(lines, ["a\u{fffd}b\u{5927}", "\u{feff}c\u{fffd}"]);
    }

    #[test]
    fn a_piece_of_a_long_line_ends_with_a_character() {
        let mut reader = LineReader::default();
        let text = format!("{}\u{5927}\u{5bb6}\n", "x".repeat(MAX_LINE - 3));
        let (begin, rest) = text.as_bytes().split_at(MAX_LINE + 2);
        reader.push(begin);
        assert_eq!(reader.next_line(false), Some(format!("{}\u{5927}", "x".repeat(MAX_LINE - 3))));
        assert_eq!(reader.next_line(false), None);
        reader.push(rest);
        assert_eq!(reader.next_line(false).as_deref(), Some("\u{5bb6}"));
    }

    #[test]
    fn the_rest_is_what_was_read() {
        let mut reader = LineReader::default();
        reader.push(b"one\r\ntwo\r\n\xff\xe5");
        assert_eq!(reader.next_line(false).as_deref(), Some("one"));
        assert_eq!(reader.take_rest(), b"two\r\n\xff\xe5");
        assert_eq!((reader.take_rest().len(), reader.next_line(true)), (0, None));
        reader.push(b"more\n");
        assert_eq!(reader.next_line(false).as_deref(), Some("more"));
    }

    #[test]
    fn a_terminal_may_have_another_encoding() {
        let mut reader = LineReader::typed_in(Some(encoding_rs::GBK));
        reader.push(b"\xc4\xe3\xba\xc3\r\n\xc4");
        assert_eq!(reader.next_line(false).as_deref(), Some("你好"));
        assert_eq!(reader.next_line(false), None);
        reader.push(b"\xe3 ");
        reader.push(&b"\xc4\xe3".repeat(MAX_LINE / 2 + 1)[..=MAX_LINE]);
        assert_eq!(reader.next_line(false).as_deref(), Some("你 "), "not within a character");
        let text = Text { send: Some(UTF_8), ..Text::default() };
        let mut filter = TextFilter::typed_in(Some(encoding_rs::GBK), &text);
        assert_eq!(filter.push(b"\xc4\xe3\xba"), (Filtered::Text("你".into()), None));
        assert_eq!(filter.push(b"\xc3\n"), (Filtered::Text("好\n".into()), None));
        assert!(filter.push(b"\xff\n").1.is_some());
        let mut filter =
            TextFilter::typed_in(Some(encoding_rs::GBK), &Text { unencodable: Unencodable::Replace, ..text });
        assert_eq!(filter.push(b"\xc4\xe3\xff"), (Filtered::Text("你\u{fffd}".into()), None));
        assert!(TextFilter::typed_in(Some(encoding_rs::GBK), &Text::default()).is_open());
    }

    #[test]
    fn a_line_that_cannot_be_sent_has_a_reason() {
        use encoding_rs::{BIG5, GBK, ISO_2022_JP, SHIFT_JIS, UTF_16LE};

        use crate::editor::keys::raw;

        let broken = format!("a你{}b", raw(0xff));
        assert_eq!(Sendable::default().objection(&broken), None);
        for (charset, encodings, line, reason) in [
            (None, vec![], broken.as_str(), Some("malformed utf-8 at character 3: 0xff")),
            (Some(GBK), vec![GBK], &broken, Some("malformed gbk at character 3: 0xff")),
            (None, vec![], "a你😀", None),
            (None, vec![UTF_16LE, UTF_8], "a你😀", None),
            (None, vec![UTF_8, GBK], "a你😀", Some("cannot encode U+1F600 '😀' (character 3) in gbk")),
            (Some(GBK), vec![SHIFT_JIS], "表们", Some("cannot encode U+4EEC '们' (character 2) in shift_jis")),
            (Some(BIG5), vec![ISO_2022_JP], "大家", None),
        ] {
            assert_eq!(Sendable::text(charset, encodings).objection(line).as_deref(), reason, "{line}");
        }
    }

    #[test]
    fn without_settings_bytes_pass_unchanged() {
        let mut filter = TextFilter::new(&Text::default());
        assert!(filter.is_open());
        assert_eq!(filter.push(b"\xff\n"), (Filtered::Bytes(b"\xff\n".to_vec()), None));
    }

    #[test]
    fn text_before_malformed_bytes_is_kept() {
        let text = Text { send: Some(encoding_rs::GBK), crlf: true, ..Text::default() };
        let mut filter = TextFilter::new(&text);
        let (piece, error) = filter.push(b"a\nb\xff\xffc");
        assert_eq!(piece, Filtered::Text("a\r\nb".into()));
        assert!(error.is_some());
        let mut filter = TextFilter::new(&Text { unencodable: Unencodable::Replace, ..text });
        assert_eq!(filter.push(b"b\xe4").0, Filtered::Text("b".into()));
        assert_eq!(filter.finish(), (Filtered::Text("\u{fffd}".into()), None));
    }
}
