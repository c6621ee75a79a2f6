//! `Decoder`: decodes the bytes of one stream, in chunks of any size.
//!
//! Owns a character split between two reads, the byte order mark, and the offset of malformed bytes in the stream.
//! Does not detect an encoding: [`Detector`] does, and holds the bytes until it has decided.
//!
//! | state | input | next |
//! |---|---|---|
//! | detecting | ASCII | detecting; the text is passed on |
//! | detecting | enough other bytes, silence, the end | decoding; the held bytes are decoded |
//! | decoding | bytes | decoding |
//! | any | the end, malformed bytes that are an error | the same, without a partial character |

use std::fmt;

use encoding_rs::{DecoderResult, Encoding, UTF_8, UTF_16BE, UTF_16LE};

use crate::codec::detect::Detector;
use crate::codec::labels;
use crate::config::{Charset, Malformed};

/// Bytes that are malformed in their encoding.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct DecodeError {
    /// The malformed sequence.
    pub bytes: Vec<u8>,
    /// Its offset in the stream, in bytes.
    pub offset: u64,
    /// The name of the encoding.
    pub encoding: &'static str,
}

impl std::error::Error for DecodeError {}

impl fmt::Display for DecodeError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "malformed {} at byte {}:", self.encoding, self.offset)?;
        self.bytes.iter().try_for_each(|byte| write!(f, " 0x{byte:02x}"))
    }
}

/// Decodes one stream.
#[derive(Debug)]
pub struct Decoder {
    malformed: Malformed,
    state: State,
}

#[derive(Debug)]
enum State {
    /// [`Charset::Auto`] before the encoding is detected.
    Guessing(Detector),
    /// The encoding is known.
    Decoding(Stream),
}

impl Decoder {
    /// A decoder at the start of a stream.
    pub fn new(charset: Charset, malformed: Malformed) -> Self {
        let state = match charset {
            Charset::Auto => State::Guessing(Detector::new()),
            Charset::Named(encoding) => State::Decoding(Stream::new(encoding, 0)),
        };
        Self { malformed, state }
    }

    /// Appends the decoded `bytes`. A partial character at their end is kept for the next call; a byte order mark of
    /// the same encoding at the start of the stream is skipped.
    ///
    /// On an error, `text` holds the text before the malformed bytes, and the bytes after them are skipped; the next
    /// call starts a new character.
    pub fn decode(&mut self, bytes: &[u8], text: &mut String) -> Result<(), DecodeError> {
        let mut rest = bytes;
        if let State::Guessing(detector) = &mut self.state {
            let (taken, encoding) = detector.push(bytes, text);
            let Some(encoding) = encoding else {
                return Ok(());
            };
            rest = &bytes[taken..];
            self.settle(encoding, text).inspect_err(|_| self.skip(rest))?;
        }
        match &mut self.state {
            State::Guessing(_) => Ok(()),
            State::Decoding(stream) => stream.decode(rest, false, self.malformed, text),
        }
    }

    /// Ends the stream: held bytes are decoded, and a partial character is malformed. May be called again; a `decode`
    /// after it starts a new character.
    pub fn finish(&mut self, text: &mut String) -> Result<(), DecodeError> {
        self.conclude(true, text)?;
        match &mut self.state {
            State::Guessing(_) => Ok(()),
            State::Decoding(stream) => stream.decode(&[], true, self.malformed, text),
        }
    }

    /// Whether bytes are held because the encoding is not detected yet.
    pub fn is_undecided(&self) -> bool {
        matches!(&self.state, State::Guessing(detector) if detector.is_holding())
    }

    /// Whether the held bytes are enough evidence to decide after a short silence. A few bytes, or a partial
    /// character, are worth waiting longer for.
    pub fn is_sure(&self) -> bool {
        matches!(&self.state, State::Guessing(detector) if detector.is_sure())
    }

    /// Decides from the held bytes, because no more may come for a while. No bytes are held afterwards.
    pub fn decide(&mut self, text: &mut String) -> Result<(), DecodeError> {
        self.conclude(false, text)
    }

    /// The bytes taken and not yet decoded: a partial character, or bytes held for detection.
    pub fn into_held(self) -> Vec<u8> {
        match self.state {
            State::Guessing(mut detector) => detector.take().1,
            // At the end of a stream, a partial character is the malformed sequence.
            State::Decoding(mut stream) => {
                let result = stream.decode(&[], true, Malformed::Fail, &mut String::new());
                result.map_or_else(|fault| fault.bytes, |()| Vec::new())
            }
        }
    }

    /// The encoding in use; `None` while [`Charset::Auto`] is undecided.
    pub fn encoding(&self) -> Option<&'static Encoding> {
        match &self.state {
            State::Guessing(_) => None,
            State::Decoding(stream) => Some(stream.inner.encoding()),
        }
    }

    fn conclude(&mut self, ended: bool, text: &mut String) -> Result<(), DecodeError> {
        let State::Guessing(detector) = &mut self.state else {
            return Ok(());
        };
        match detector.conclude(ended, text) {
            Some(encoding) => self.settle(encoding, text),
            None => Ok(()),
        }
    }

    /// Changes from detecting to decoding; the held bytes are decoded first.
    fn settle(&mut self, encoding: &'static Encoding, text: &mut String) -> Result<(), DecodeError> {
        let State::Guessing(detector) = &mut self.state else {
            return Ok(());
        };
        let (passed, held) = detector.take();
        let mut stream = Stream::new(encoding, passed);
        let result = stream.decode(&held, false, self.malformed, text);
        self.state = State::Decoding(stream);
        result
    }

    /// Counts bytes that pass undecoded, for later offsets.
    fn skip(&mut self, bytes: &[u8]) {
        if let State::Decoding(stream) = &mut self.state {
            stream.offset += bytes.len() as u64;
        }
    }
}

/// A stream whose encoding is known.
struct Stream {
    inner: encoding_rs::Decoder,
    /// Bytes of the stream before the current call.
    offset: u64,
    /// The last of those bytes, because a malformed sequence may start in them.
    recent: [u8; RECENT],
    /// Whether the next character is the first one of the stream.
    is_first: bool,
}

impl Stream {
    fn new(encoding: &'static Encoding, offset: u64) -> Self {
        let has_mark = encoding == UTF_8 || encoding == UTF_16LE || encoding == UTF_16BE;
        Self {
            // The decoder with BOM handling switches to the encoding of any mark: GBK text that starts with FF FE would
            // be decoded as UTF-16.
            inner: encoding.new_decoder_without_bom_handling(),
            offset,
            recent: [0; RECENT],
            is_first: has_mark && offset == 0,
        }
    }

    fn decode(&mut self, bytes: &[u8], last: bool, malformed: Malformed, text: &mut String) -> Result<(), DecodeError> {
        let start = text.len();
        let result = self.decode_all(bytes, last, malformed, text);
        self.advance(bytes);
        if last || result.is_err() {
            // encoding_rs panics when a finished decoder is used again.
            self.inner = self.inner.encoding().new_decoder_without_bom_handling();
        }
        if self.is_first && (text.len() > start || result.is_err()) {
            self.is_first = false;
            if text[start..].starts_with(MARK) {
                text.drain(start..start + MARK.len_utf8());
            }
        }
        result
    }

    fn decode_all(
        &mut self,
        bytes: &[u8],
        last: bool,
        malformed: Malformed,
        text: &mut String,
    ) -> Result<(), DecodeError> {
        if let Some(ascii) = self.as_ascii(bytes) {
            text.push_str(ascii);
            return Ok(());
        }
        let mut at = 0;
        // Enough for most double-byte text; UTF-8 does not grow. The decoder fills spare capacity only.
        let longer = if self.inner.encoding() == UTF_8 { 0 } else { bytes.len() / 2 };
        text.reserve(bytes.len() + longer + SLACK);
        loop {
            let (result, read) = self.inner.decode_to_string_without_replacement(&bytes[at..], text, last);
            at += read;
            match result {
                DecoderResult::InputEmpty => return Ok(()),
                DecoderResult::OutputFull => {
                    let rest = bytes.len() - at;
                    let most = self.inner.max_utf8_buffer_length_without_replacement(rest);
                    text.reserve(most.unwrap_or(rest).max(SLACK));
                }
                DecoderResult::Malformed(length, after) => match malformed {
                    Malformed::Replace => text.push(char::REPLACEMENT_CHARACTER),
                    Malformed::Fail => return Err(self.error(bytes, at, length.into(), after.into())),
                },
            }
        }
    }

    /// Copies short ASCII without the decoder if no partial character is held: most lines of most protocols, for which
    /// the call of the decoder takes most of the time.
    fn as_ascii<'a>(&self, bytes: &'a [u8]) -> Option<&'a str> {
        let is_plain = bytes.len() <= SHORT
            && bytes.is_ascii()
            && self.inner.encoding().is_ascii_compatible()
            && self.inner.latin1_byte_compatible_up_to(&[]).is_some();
        if is_plain { str::from_utf8(bytes).ok() } else { None }
    }

    /// The error for `length` bytes that end `after` bytes before `at`; they may be from an earlier call.
    fn error(&self, bytes: &[u8], at: usize, length: usize, after: usize) -> DecodeError {
        // Offsets in `recent` followed by `bytes`.
        let end = (RECENT + at).saturating_sub(after);
        let start = end.saturating_sub(length);
        let malformed = self.recent.iter().chain(bytes).skip(start).take(end - start);
        DecodeError {
            bytes: malformed.copied().collect(),
            offset: (self.offset + start as u64).saturating_sub(RECENT as u64),
            encoding: labels::name(self.inner.encoding()),
        }
    }

    fn advance(&mut self, bytes: &[u8]) {
        self.offset += bytes.len() as u64;
        if let Some(tail) = bytes.last_chunk() {
            self.recent = *tail;
        } else {
            self.recent.rotate_left(bytes.len());
            self.recent[RECENT - bytes.len()..].copy_from_slice(bytes);
        }
    }
}

impl fmt::Debug for Stream {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Stream")
            .field("encoding", &self.inner.encoding().name())
            .field("offset", &self.offset)
            .finish_non_exhaustive()
    }
}

/// The byte order mark.
const MARK: char = '\u{feff}';
/// Number of bytes kept of earlier calls: at least a malformed sequence and the lookahead after it, three each in
/// ISO-2022-JP.
const RECENT: usize = 8;
/// Space for any one character, so that each call of the decoder makes progress.
const SLACK: usize = 16;
/// Maximum length of ASCII copied without the decoder, in bytes; for longer chunks one pass of the decoder is faster.
const SHORT: usize = 256;
#[cfg(test)]
mod tests {
    use encoding_rs::{BIG5, GB18030, GBK, ISO_2022_JP, WINDOWS_1252};

    use super::*;

    /// The text of all chunks and the end.
    fn decode<'a>(charset: Charset, pieces: impl IntoIterator<Item = &'a [u8]>) -> String {
        let (mut decoder, mut text) = (Decoder::new(charset, Malformed::Replace), String::new());
        for piece in pieces {
            decoder.decode(piece, &mut text).unwrap();
        }
        decoder.finish(&mut text).unwrap();
        text
    }

    /// The text before the first malformed bytes, and the error.
    fn fail(charset: Charset, pieces: &[&[u8]]) -> (String, DecodeError) {
        let (mut decoder, mut text) = (Decoder::new(charset, Malformed::Fail), String::new());
        for piece in pieces {
            if let Err(error) = decoder.decode(piece, &mut text) {
                return (text, error);
            }
        }
        let error = decoder.finish(&mut text).unwrap_err();
        (text, error)
    }

    #[test]
    fn a_character_split_between_chunks_is_completed() {
        let bytes = GBK.encode("大家好").0;
        let (mut decoder, mut text) = (Decoder::new(Charset::Named(GBK), Malformed::Fail), String::new());
        decoder.decode(&bytes[..3], &mut text).unwrap();
        assert_eq!(text, "大");
        decoder.decode(&bytes[3..], &mut text).unwrap();
        decoder.finish(&mut text).unwrap();
        assert_eq!(text, "大家好");
        assert_eq!(decoder.encoding(), Some(GBK));
    }

    #[test]
    fn ascii_bytes_after_a_partial_character_belong_to_it() {
        for length in [1, SHORT, SHORT + 1] {
            let ascii = vec![b'A'; length];
            let (text, error) = fail(Charset::Named(UTF_8), &[b"a\xe4\xb8", &ascii]);
            assert_eq!((text.as_str(), error.offset, error.bytes), ("a", 1, vec![0xe4, 0xb8]), "{length}");
            let expected = format!("丄{}", &"A".repeat(length)[1..]);
            assert_eq!(decode(Charset::Named(GBK), [b"\x81".as_slice(), &ascii]), expected, "{length}");
            let katakana = decode(Charset::Named(ISO_2022_JP), [b"\x1b$B%".as_slice(), &ascii[..1], b"\x1b(B", &ascii]);
            assert_eq!(katakana, format!("チ{}", "A".repeat(length)), "{length}");
        }
    }

    #[test]
    fn an_error_says_which_bytes_and_where() {
        for (encoding, pieces, before, message) in [
            (GBK, &[b"Hello, world\xd6\n".as_slice()][..], "Hello, world", "malformed gbk at byte 12: 0xd6"),
            (GBK, &[b"Hello, ", b"world\xd6", b"\nmore"], "Hello, world", "malformed gbk at byte 12: 0xd6"),
            (GBK, &[b"a\xd6"], "a", "malformed gbk at byte 1: 0xd6"),
            (UTF_8, &[b"a\xe4", b"\xb8", b"", b"A"], "a", "malformed utf-8 at byte 1: 0xe4 0xb8"),
            (GB18030, &[b"a\x81", b"0", b"\x81", b"A"], "a", "malformed gb18030 at byte 1: 0x81"),
            (GB18030, &[b"a\xe3\x32", b"\x9a\x36"], "a", "malformed gb18030 at byte 1: 0xe3 0x32 0x9a 0x36"),
            (ISO_2022_JP, &[b"ab\x1b(B", b"\x1b(B"], "ab", "malformed iso-2022-jp at byte 2: 0x1b 0x28 0x42"),
        ] {
            let (text, error) = fail(Charset::Named(encoding), pieces);
            assert_eq!((text.as_str(), error.to_string().as_str()), (before, message), "{pieces:?}");
        }
    }

    #[test]
    fn after_an_error_or_the_end_a_new_character_starts() {
        let (mut decoder, mut text) = (Decoder::new(Charset::Named(GBK), Malformed::Fail), String::new());
        decoder.decode(b"ab\xff--", &mut text).unwrap_err();
        decoder.decode(b"cd\xd6", &mut text).unwrap();
        let error = decoder.finish(&mut text).unwrap_err();
        assert_eq!((text.as_str(), error.offset, error.bytes), ("abcd", 7, vec![0xd6]));
        decoder.finish(&mut text).unwrap();
        decoder.decode(b"\xc4\xe3", &mut text).unwrap();
        decoder.finish(&mut text).unwrap();
        assert_eq!(text, "abcd你");
    }

    #[test]
    fn only_a_byte_order_mark_of_the_same_encoding_is_skipped() {
        for (encoding, bytes, expected) in [
            (UTF_8, b"\xef\xbb\xbfA".as_slice(), "A"),
            (UTF_8, b"\xef\xbb\xbf\xef\xbb\xbfA", "\u{feff}A"),
            (UTF_8, b"A\xef\xbb\xbf", "A\u{feff}"),
            (UTF_8, b"\xff\xfeA", "\u{fffd}\u{fffd}A"),
            (UTF_16LE, b"\xff\xfeA\0", "A"),
            (UTF_16BE, b"\xfe\xff\0A", "A"),
            (UTF_16BE, b"\xff\xfe\0A", "\u{fffe}A"),
            (GB18030, b"\x84\x31\x95\x33A", "\u{feff}A"),
            (WINDOWS_1252, b"\xef\xbb\xbfA", "ï»¿A"),
        ] {
            assert_eq!(decode(Charset::Named(encoding), [bytes]), expected, "{bytes:x?}");
            assert_eq!(decode(Charset::Named(encoding), bytes.chunks(1)), expected, "{bytes:x?}");
        }
    }

    #[test]
    fn auto_gives_the_same_text_for_every_split() {
        let gbk = [b"login: ".as_slice(), &GBK.encode("你好\n您好，欢迎光临我们的服务器。\n再见，").0].concat();
        let big5 = BIG5.encode("歡迎光臨，請輸入代號：\n謝謝\n").0.into_owned();
        let long = GBK.encode(&format!("x{}", "没有换行的一长串文字，".repeat(40))).0.into_owned();
        let utf16 = b"\xff\xfe\x60\x4f\x7d\x59\n\0".to_vec();
        for (bytes, encoding) in [(gbk, GBK), (big5, BIG5), (long, GBK), (utf16, UTF_16LE)] {
            let (expected, _) = encoding.decode_with_bom_removal(&bytes);
            for at in 0..=bytes.len() {
                assert_eq!(decode(Charset::Auto, [&bytes[..at], &bytes[at..]]), expected, "cut at {at}");
            }
            assert_eq!(decode(Charset::Auto, bytes.chunks(1)), expected);
        }
    }

    #[test]
    fn auto_holds_bytes_until_the_encoding_is_detected() {
        let (mut decoder, mut text) = (Decoder::new(Charset::Auto, Malformed::Replace), String::new());
        let prompt = GBK.encode("login: 请输入用户名").0;
        decoder.decode(&prompt[..prompt.len() - 1], &mut text).unwrap();
        assert_eq!((text.as_str(), decoder.is_undecided(), decoder.encoding()), ("login: ", true, None));
        decoder.decide(&mut text).unwrap();
        assert_eq!((text.as_str(), decoder.is_undecided()), ("login: 请输入用户", false));
        decoder.decode(&prompt[prompt.len() - 1..], &mut text).unwrap();
        assert_eq!((text.as_str(), decoder.encoding()), ("login: 请输入用户名", Some(GBK)));
        decoder.decide(&mut text).unwrap();
        decoder.decode("né\n".as_bytes(), &mut text).unwrap();
        assert_eq!(decoder.encoding(), Some(GBK));
    }

    #[test]
    fn auto_stays_undecided_for_ascii() {
        let (mut decoder, mut text) = (Decoder::new(Charset::Auto, Malformed::Fail), String::new());
        decoder.decode(b"plain\n\x1b", &mut text).unwrap();
        assert!(decoder.is_undecided());
        decoder.decide(&mut text).unwrap();
        assert!(!decoder.is_undecided());
        decoder.finish(&mut text).unwrap();
        decoder.finish(&mut text).unwrap();
        assert_eq!((text.as_str(), decoder.encoding()), ("plain\n\x1b", None));
    }

    #[test]
    fn offsets_include_bytes_passed_and_held_by_auto() {
        let line = "你好，世界\n".as_bytes();
        let bytes = [b"abc".as_slice(), line, b"\xff", b"tail"].concat();
        let (text, error) = fail(Charset::Auto, &[&bytes]);
        assert_eq!((text.as_str(), error.offset), ("abc你好，世界\n", 3 + line.len() as u64));
        assert_eq!(error.to_string(), "malformed utf-8 at byte 19: 0xff");

        let (text, error) = fail(Charset::Auto, &[b"\xef\xbb\xbf\xff"]);
        assert_eq!((text.as_str(), error.offset), ("", 3));
    }

    #[test]
    fn decoding_reuses_the_capacity_of_the_text() {
        let mut decoder = Decoder::new(Charset::Named(GBK), Malformed::Replace);
        let bytes = GBK.encode("你好，世界").0.repeat(500);
        let mut text = String::new();
        decoder.decode(&bytes, &mut text).unwrap();
        let capacity = text.capacity();
        for _ in 0..100 {
            text.clear();
            decoder.decode(&bytes, &mut text).unwrap();
        }
        assert_eq!(text.capacity(), capacity);
    }
}
