//! What people type or pipe in, on its way out: `TextFilter` for connections, `LineReader` for scripts.
//!
//! Owns line ends (`-C`) and the check that text is UTF-8 where the wire has an encoding. Does not encode for the wire: each
//! connection has an encoder of its own.

use crate::codec::charset::{DecodeError, Decoder};
use crate::codec::newline::Crlf;
use crate::config::{Charset, Malformed, Text, Unencodable};

/// A line of stdin that is longer comes in pieces, in bytes.
const MAX_LINE: usize = 1 << 20;

/// From stdin or a file to what the encoder of a connection takes.
#[derive(Debug)]
pub struct TextFilter {
    crlf: Option<Crlf>,
    decoder: Option<Decoder>,
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
    /// The filter that these settings ask for.
    pub fn new(text: &Text) -> Self {
        // Invalid UTF-8 is replaced by U+FFFD, for which the encoder then sends `?`, or is an error.
        let malformed = match text.unencodable {
            Unencodable::Fail => Malformed::Fail,
            Unencodable::Replace => Malformed::Replace,
        };
        let utf8 = Charset::Named(encoding_rs::UTF_8);
        Self { crlf: text.crlf.then(Crlf::default), decoder: text.send.map(|_| Decoder::new(utf8, malformed)) }
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

/// UTF-8 bytes to lines without their ends. Malformed bytes become U+FFFD.
#[derive(Debug)]
pub struct LineReader {
    decoder: Decoder,
    text: String,
}

impl Default for LineReader {
    fn default() -> Self {
        let utf8 = Charset::Named(encoding_rs::UTF_8);
        Self { decoder: Decoder::new(utf8, Malformed::Replace), text: String::new() }
    }
}

impl LineReader {
    /// Takes what one read gave.
    pub fn push(&mut self, bytes: &[u8]) {
        let _ = self.decoder.decode(bytes, &mut self.text);
    }

    /// The stream has ended.
    pub fn finish(&mut self) {
        let _ = self.decoder.finish(&mut self.text);
    }

    /// The next line; at the end of the stream (`ended`), also one without a line end.
    pub fn next_line(&mut self, ended: bool) -> Option<String> {
        if let Some(end) = self.text.find('\n') {
            let rest = self.text.split_off(end + 1);
            let mut line = std::mem::replace(&mut self.text, rest);
            line.truncate(end - usize::from(line[..end].ends_with('\r')));
            return Some(line);
        }
        let is_due = (ended && !self.text.is_empty()) || self.text.len() > MAX_LINE;
        is_due.then(|| std::mem::take(&mut self.text))
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
        reader.finish();
        let rest: Vec<_> = std::iter::from_fn(|| reader.next_line(true)).collect();
        assert_eq!(rest, ["two", "", "d\u{e9}"]);
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
