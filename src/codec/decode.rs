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

use encoding_rs::{DecoderResult, Encoding, UTF_8};

use crate::codec::detect::Detector;
use crate::codec::labels;
use crate::codec::seam::Seam;
use crate::codec::work;
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
    /// What becomes of malformed bytes.
    pub fn malformed(&self) -> Malformed {
        self.malformed
    }

    /// A decoder at the start of a stream.
    pub fn new(charset: Charset, malformed: Malformed) -> Self {
        Self::resume(charset, malformed, Seam::START)
    }

    /// A decoder of what follows a seam of the stream.
    pub fn resume(charset: Charset, malformed: Malformed, seam: Seam) -> Self {
        let state = match charset {
            Charset::Auto(region) => State::Guessing(Detector::resume(seam, region)),
            Charset::Named(encoding) => State::Decoding(Stream::new(encoding, seam)),
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
        if let State::Guessing(_) = &self.state {
            let Some((taken, held)) = self.detect(bytes, text) else { return Ok(()) };
            rest = &bytes[taken..];
            self.decode_known(&held, false, text).inspect_err(|_| self.skip(rest))?;
        }
        self.decode_known(rest, false, text)
    }

    /// Takes bytes while the encoding is not known; ASCII is appended to `text`. Once it is known: how many were taken
    /// from the front of `bytes`, and the held bytes, which come before the rest of them and are to be decoded next.
    pub fn detect(&mut self, bytes: &[u8], text: &mut String) -> Option<(usize, Vec<u8>)> {
        let State::Guessing(detector) = &mut self.state else { return Some((0, Vec::new())) };
        let (taken, encoding) = detector.push(bytes, text);
        Some((taken, self.settle(encoding?)))
    }

    /// Decides from the held bytes, because no more may come for a while, or (`ended`) at all. No bytes are held
    /// afterwards: those returned are to be decoded next.
    pub fn decide(&mut self, ended: bool, text: &mut String) -> Vec<u8> {
        let State::Guessing(detector) = &mut self.state else { return Vec::new() };
        match detector.conclude(ended, text) {
            Some(encoding) => self.settle(encoding),
            None => Vec::new(),
        }
    }

    /// Ends the stream: held bytes are decoded, and a partial character is malformed. May be called again; a `decode`
    /// after it starts a new character.
    pub fn finish(&mut self, text: &mut String) -> Result<(), DecodeError> {
        let held = self.decide(true, text);
        self.decode_known(&held, true, text)
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

    /// The bytes taken and not yet decoded (a partial character, or bytes held for detection), and the seam before
    /// them.
    pub fn rewind(self) -> (Vec<u8>, Seam) {
        match self.state {
            State::Guessing(mut detector) => detector.take(),
            State::Decoding(stream) => stream.rewind(),
        }
    }

    /// How many bytes of the stream it has taken.
    pub fn offset(&self) -> u64 {
        match &self.state {
            State::Guessing(_) => 0,
            State::Decoding(stream) => stream.seam.offset,
        }
    }

    /// The encoding in use; `None` while [`Charset::Auto`] is undecided.
    pub fn encoding(&self) -> Option<&'static Encoding> {
        match &self.state {
            State::Guessing(_) => None,
            State::Decoding(stream) => Some(stream.inner.encoding()),
        }
    }

    fn decode_known(&mut self, bytes: &[u8], last: bool, text: &mut String) -> Result<(), DecodeError> {
        match &mut self.state {
            State::Guessing(_) => Ok(()),
            State::Decoding(stream) => stream.decode(bytes, last, self.malformed, text),
        }
    }

    /// Changes from detecting to decoding; returns the held bytes.
    fn settle(&mut self, encoding: &'static Encoding) -> Vec<u8> {
        let State::Guessing(detector) = &mut self.state else { return Vec::new() };
        let (held, seam) = detector.take();
        self.state = State::Decoding(Stream::new(encoding, seam));
        held
    }

    /// Counts bytes that pass undecoded, for later offsets.
    fn skip(&mut self, bytes: &[u8]) {
        if let State::Decoding(stream) = &mut self.state {
            stream.seam.pass(None, bytes);
        }
    }
}

/// A stream whose encoding is known.
struct Stream {
    inner: encoding_rs::Decoder,
    /// Where the current call begins, a partial character aside.
    seam: Seam,
    /// The last of those bytes, because a malformed sequence may start in them.
    recent: [u8; RECENT],
    /// Whether the next character is the first one of the stream.
    is_first: bool,
}

impl Stream {
    fn new(encoding: &'static Encoding, seam: Seam) -> Self {
        let is_first = seam.skips_mark(encoding);
        Self { inner: seam.decoder(encoding), seam, recent: [0; RECENT], is_first }
    }

    /// The partial character at the end, and the seam before it.
    fn rewind(mut self) -> (Vec<u8>, Seam) {
        // At the end of a stream it is the malformed sequence and what follows that.
        let mut scratch = String::with_capacity(SLACK);
        let held = match self.inner.decode_to_string_without_replacement(&[], &mut scratch, true).0 {
            DecoderResult::Malformed(length, after) => usize::from(length) + usize::from(after),
            DecoderResult::InputEmpty | DecoderResult::OutputFull => 0,
        };
        (self.recent[RECENT - held..].to_vec(), self.seam.back(held))
    }

    fn decode(&mut self, bytes: &[u8], last: bool, malformed: Malformed, text: &mut String) -> Result<(), DecodeError> {
        work::note(bytes.len());
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
            offset: (self.seam.offset + start as u64).saturating_sub(RECENT as u64),
            encoding: labels::name(self.inner.encoding()),
        }
    }

    fn advance(&mut self, bytes: &[u8]) {
        self.seam.pass(Some(self.inner.encoding()), bytes);
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
            .field("seam", &self.seam)
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
    use encoding_rs::{BIG5, GB18030, GBK, ISO_2022_JP, UTF_16BE, UTF_16LE, WINDOWS_1252};

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
                assert_eq!(decode(Charset::Auto(None), [&bytes[..at], &bytes[at..]]), expected, "cut at {at}");
            }
            assert_eq!(decode(Charset::Auto(None), bytes.chunks(1)), expected);
        }
    }

    #[test]
    fn auto_holds_bytes_until_the_encoding_is_detected() {
        let (mut decoder, mut text) = (Decoder::new(Charset::Auto(None), Malformed::Replace), String::new());
        let prompt = GBK.encode("login: 请输入用户名").0;
        decoder.decode(&prompt[..prompt.len() - 1], &mut text).unwrap();
        assert_eq!((text.as_str(), decoder.is_undecided(), decoder.encoding()), ("login: ", true, None));
        let held = decoder.decide(false, &mut text);
        decoder.decode(&held, &mut text).unwrap();
        assert_eq!((text.as_str(), decoder.is_undecided()), ("login: 请输入用户", false));
        decoder.decode(&prompt[prompt.len() - 1..], &mut text).unwrap();
        assert_eq!((text.as_str(), decoder.encoding()), ("login: 请输入用户名", Some(GBK)));
        assert_eq!(decoder.decide(false, &mut text), b"");
        decoder.decode("né\n".as_bytes(), &mut text).unwrap();
        assert_eq!(decoder.encoding(), Some(GBK));
    }

    #[test]
    fn auto_stays_undecided_for_ascii() {
        let (mut decoder, mut text) = (Decoder::new(Charset::Auto(None), Malformed::Fail), String::new());
        decoder.decode(b"plain\n\x1b", &mut text).unwrap();
        assert!(decoder.is_undecided());
        assert_eq!(decoder.decide(false, &mut text), b"");
        assert!(!decoder.is_undecided());
        decoder.finish(&mut text).unwrap();
        decoder.finish(&mut text).unwrap();
        assert_eq!((text.as_str(), decoder.encoding()), ("plain\n\x1b", None));
    }

    #[test]
    fn offsets_include_bytes_passed_and_held_by_auto() {
        let line = "你好，世界\n".as_bytes();
        let bytes = [b"abc".as_slice(), line, b"\xff", b"tail"].concat();
        let (text, error) = fail(Charset::Auto(None), &[&bytes]);
        assert_eq!((text.as_str(), error.offset), ("abc你好，世界\n", 3 + line.len() as u64));
        assert_eq!(error.to_string(), "malformed utf-8 at byte 19: 0xff");

        let (text, error) = fail(Charset::Auto(None), &[b"\xef\xbb\xbf\xff"]);
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
