//! `Detector`: which encoding a stream is in, decided from its first bytes that are not ASCII.
//!
//! Owns what is held back until then and how long. Does not decode: ASCII passes as it is, and the caller
//! takes the rest. Where it decides depends on the bytes alone, not on how they were cut, unless the caller
//! says that silence is enough.
//!
//! | what is held | what ends the holding |
//! |---|---|
//! | the start of a byte order mark at the start of the stream | the mark is complete: decided |
//! | an ESC that may switch to ISO-2022-JP | it does not: it passes, still undecided |
//! | that switch, or a byte ≥ 80 | a LF with enough before it, 512 bytes, silence, the end: decided |

use chardetng::{EncodingDetector, Iso2022JpDetection, Utf8Detection};
use encoding_rs::{DecoderResult, Encoding, ISO_2022_JP, UTF_8, UTF_16BE, UTF_16LE};
use memchr::memchr;

/// Guesses the encoding of one stream.
#[derive(Debug, Default)]
pub(super) struct Detector {
    held: Vec<u8>,
    /// How many of the held bytes are not ASCII.
    high: usize,
    /// How many bytes passed.
    passed: u64,
    /// The last two of them: chardetng looks at what stands before the first byte that is not ASCII.
    before: [u8; 2],
}

impl Detector {
    pub(super) fn new() -> Self {
        Self::default()
    }

    /// Whether bytes are held.
    pub(super) fn is_holding(&self) -> bool {
        !self.held.is_empty()
    }

    /// Whether what is held says enough for a short silence to decide; otherwise more should be waited for.
    pub(super) fn is_sure(&self) -> bool {
        self.has_enough()
    }

    /// Takes bytes from the front, all of them unless an encoding is decided before. What passes is appended
    /// to `text`. Returns how many were taken, and the encoding.
    pub(super) fn push(&mut self, bytes: &[u8], text: &mut String) -> (usize, Option<&'static Encoding>) {
        let mut at = 0;
        while at < bytes.len() {
            if self.held.is_empty() {
                let ascii = Encoding::ascii_valid_up_to(&bytes[at..]);
                let plain = memchr(ESC, &bytes[at..][..ascii]).unwrap_or(ascii);
                self.pass(&bytes[at..at + plain], text);
                at += plain;
                if at == bytes.len() {
                    break;
                }
            }
            let byte = bytes[at];
            if self.held.first() == Some(&ESC) && !self.may_switch(byte) {
                // This byte is looked at again, without the ESC before it.
                self.release(text);
                continue;
            }
            self.held.push(byte);
            self.high += usize::from(!byte.is_ascii());
            at += 1;
            if let Some(encoding) = self.byte_order() {
                return (at, Some(encoding));
            }
            let is_time = byte == b'\n' && self.has_enough() || self.held.len() >= HELD;
            if is_time && let Some(encoding) = self.conclude(false, text) {
                return (at, Some(encoding));
            }
        }
        (at, None)
    }

    /// Decides from what is held, if it says anything; otherwise it passes. Nothing held decides nothing.
    pub(super) fn conclude(&mut self, ended: bool, text: &mut String) -> Option<&'static Encoding> {
        if self.held.is_empty() {
            return None;
        }
        let encoding = self.guess(ended);
        if self.high > 0 || encoding == ISO_2022_JP && self.held.len() >= SWITCH {
            return Some(encoding);
        }
        self.release(text);
        None
    }

    /// How many bytes passed, and the bytes that were held after them.
    pub(super) fn take(&mut self) -> (u64, Vec<u8>) {
        self.high = 0;
        (self.passed, std::mem::take(&mut self.held))
    }

    /// The encoding whose byte order mark the stream starts with.
    fn byte_order(&self) -> Option<&'static Encoding> {
        match self.held[..] {
            _ if self.passed > 0 => None,
            [0xef, 0xbb, 0xbf] => Some(UTF_8),
            [0xff, 0xfe] => Some(UTF_16LE),
            [0xfe, 0xff] => Some(UTF_16BE),
            _ => None,
        }
    }

    /// Whether `byte` continues a switch to a Japanese character set, or follows a whole one. `ESC ( B` is
    /// not one: it means ASCII, and terminals get it with every reset of the colours.
    fn may_switch(&self, byte: u8) -> bool {
        match (self.held.get(1), self.held.len()) {
            (_, 1) => byte == b'$' || byte == b'(',
            (Some(b'$'), 2) => byte == b'B' || byte == b'@',
            (Some(b'('), 2) => byte == b'J' || byte == b'I',
            _ => true,
        }
    }

    /// Whether a line says enough; what reads as UTF-8 is UTF-8, and ISO-2022-JP announced itself.
    fn has_enough(&self) -> bool {
        self.high >= ENOUGH || self.high == 0 || std::str::from_utf8(&self.held).is_ok()
    }

    fn guess(&self, ended: bool) -> &'static Encoding {
        let open = self.ask(false);
        let closed = self.ask(true);
        if open == closed {
            return open;
        }
        // chardetng rules an encoding out when the last character is cut, and so it must: a single high
        // byte is no UTF-8. But where enough whole characters were read, a cut one is just cut.
        match whole_characters(open, &self.held) {
            Some(whole) if whole >= if open == UTF_8 { 1 } else { ENOUGH / 2 } => open,
            Some(_) => closed,
            None if ended => closed,
            None => open,
        }
    }

    fn ask(&self, last: bool) -> &'static Encoding {
        let mut detector = EncodingDetector::new(Iso2022JpDetection::Allow);
        detector.feed(&self.before[2 - self.passed.min(2) as usize..], false);
        detector.feed(&self.held, last);
        detector.guess(None, Utf8Detection::Allow)
    }

    fn pass(&mut self, ascii: &[u8], text: &mut String) {
        text.push_str(&String::from_utf8_lossy(ascii));
        self.passed += ascii.len() as u64;
        match *ascii {
            [] => {}
            [byte] => self.before = [self.before[1], byte],
            [.., first, second] => self.before = [first, second],
        }
    }

    /// Lets what is held pass; it is ASCII.
    fn release(&mut self, text: &mut String) {
        let held = std::mem::take(&mut self.held);
        self.pass(&held, text);
    }
}

/// How many characters beyond ASCII the bytes hold, if the last one is cut.
fn whole_characters(encoding: &'static Encoding, bytes: &[u8]) -> Option<usize> {
    let mut decoder = encoding.new_decoder_without_bom_handling();
    let mut text = String::with_capacity(decoder.max_utf8_buffer_length_without_replacement(bytes.len())?);
    let (_, read) = decoder.decode_to_string_without_replacement(bytes, &mut text, false);
    let (end, _) = decoder.decode_to_string_without_replacement(&bytes[read..], &mut text, true);
    matches!(end, DecoderResult::Malformed(..)).then(|| text.chars().filter(|c| !c.is_ascii()).count())
}

/// How many bytes are held at most.
const HELD: usize = 512;
/// So many bytes that are not ASCII make a line worth deciding from. Two or three characters of Chinese are
/// as good Korean (chardetng takes `你好` in GBK for EUC-KR): of short Chinese lines such as servers send, 69 %
/// were told right with 4 to 7 such bytes, 95 % with 8 to 15, all with 16 or more.
const ENOUGH: usize = 8;
/// The length of a switch to a Japanese character set.
const SWITCH: usize = 3;
const ESC: u8 = 0x1b;
#[cfg(test)]
mod tests {
    use encoding_rs::{BIG5, EUC_JP, EUC_KR, GBK, KOI8_R, KOI8_U, SHIFT_JIS, WINDOWS_1251, WINDOWS_1252};
    use proptest::prelude::*;

    use super::*;

    /// What passed, what was decided, and what was held for it.
    fn detect<'a>(pieces: impl IntoIterator<Item = &'a [u8]>) -> (String, Option<&'static Encoding>, Vec<u8>) {
        let (mut detector, mut text) = (Detector::new(), String::new());
        for piece in pieces {
            let (taken, encoding) = detector.push(piece, &mut text);
            if encoding.is_some() {
                return (text, encoding, detector.take().1);
            }
            assert_eq!(taken, piece.len());
        }
        (text, None, detector.take().1)
    }

    fn decided(bytes: &[u8]) -> Option<&'static Encoding> {
        detect([bytes]).1
    }

    fn decided_at(ended: bool, bytes: &[u8]) -> Option<&'static Encoding> {
        let (mut detector, mut text) = (Detector::new(), String::new());
        assert_eq!(detector.push(bytes, &mut text), (bytes.len(), None));
        detector.conclude(ended, &mut text)
    }

    #[test]
    fn a_sentence_is_told_by_its_first_line() {
        for (encoding, line) in [
            (GBK, "您好，欢迎光临我们的服务器，请先登录。\n"),
            (GBK, "220 欢迎使用本系统\r\n"),
            (BIG5, "歡迎光臨，請輸入代號，或以 guest 參觀：\n"),
            (SHIFT_JIS, "接続しました。ログイン名を入力してください。\n"),
            (EUC_JP, "接続しました。ログイン名を入力してください。\n"),
            (EUC_KR, "접속을 환영합니다. 사용자 이름을 입력하세요.\n"),
            (ISO_2022_JP, "接続しました。ログイン名を入力してください。\n"),
            (WINDOWS_1251, "Добро пожаловать! Введите имя пользователя и пароль.\n"),
            (WINDOWS_1252, "Grüße aus München, schöne Wochen wünschen wir für später, möglichst früh\n"),
            (UTF_8, "你好\n"),
            (UTF_8, "é\n"),
        ] {
            let bytes = encoding.encode(line).0;
            assert_eq!(decided(&bytes), Some(encoding), "{line:?} in {}", encoding.name());
        }
        // chardetng knows one KOI8; the letters of Russian are the same in both.
        let bytes = KOI8_R.encode("Добро пожаловать! Введите имя пользователя и пароль.\n").0;
        assert_eq!(decided(&bytes), Some(KOI8_U));
    }

    #[test]
    fn a_line_that_says_little_waits_for_the_next() {
        let short = GBK.encode("你好\n").0;
        assert_eq!(decided(&short), None);
        let longer = GBK.encode("你好\n请重新登录\n").0;
        assert_eq!(decided(&longer), Some(GBK));
    }

    #[test]
    fn ascii_passes_and_is_never_held() {
        let (text, encoding, held) = detect([b"220 ready\r\n\0\x07\x7f".as_slice()]);
        assert_eq!((text.as_str(), encoding, held), ("220 ready\r\n\0\x07\x7f", None, vec![]));
        let (text, encoding, held) = detect([b"caf\xe9".as_slice()]);
        assert_eq!((text.as_str(), encoding, held), ("caf", None, vec![0xe9]));
    }

    #[test]
    fn colours_pass_and_decide_nothing() {
        for ascii in ["\x1b[31mred\x1b[m ok\n", "\x1b(B\x1b[m ok\n", "\x1b(0lqk\x1b(B\n", "\x1b\x1b$C", "\x1b$\x1b(\n"]
        {
            let (text, encoding, held) = detect([ascii.as_bytes()]);
            assert_eq!((text.as_str(), encoding, held), (ascii, None, vec![]));
        }
        // It reads like a switch, and then like nothing Japanese.
        let (text, encoding, _) = detect([b"\x1b$B\x01\n".as_slice()]);
        assert_eq!((text.as_str(), encoding), ("\x1b$B\x01\n", None));
    }

    #[test]
    fn a_byte_order_mark_decides_at_once() {
        assert_eq!(decided(b"\xef\xbb\xbfA"), Some(UTF_8));
        assert_eq!(decided(b"\xff\xfeA\0"), Some(UTF_16LE));
        assert_eq!(decided(b"\xfe\xff\0A"), Some(UTF_16BE));
        assert_eq!(decided(b"A\xff\xfe"), None);
    }

    #[test]
    fn a_long_line_is_decided_after_512_bytes() {
        let bytes = GBK.encode(&"没有换行的一长串文字，".repeat(40)).0.into_owned();
        let (_, encoding, held) = detect([bytes.as_slice()]);
        assert_eq!((encoding, held.len()), (Some(GBK), HELD));
    }

    #[test]
    fn silence_and_the_end_decide_from_what_there_is() {
        for ended in [false, true] {
            assert_eq!(decided_at(ended, b""), None);
            assert_eq!(decided_at(ended, b"\x1b$"), None);
            assert_eq!(decided_at(ended, b"caf\xe9"), Some(WINDOWS_1252));
            assert_eq!(decided_at(ended, &GBK.encode("请输入用户名：").0), Some(GBK));
            assert_eq!(decided_at(ended, &"你好，世".as_bytes()[..11]), Some(UTF_8));
            let cut = GBK.encode("您好，欢迎光临我们的服务器").0;
            assert_eq!(decided_at(ended, &cut[..cut.len() - 1]), Some(GBK));
        }
    }

    proptest! {
        #[test]
        fn cuts_do_not_change_the_decision(
            bytes in proptest::collection::vec(
                prop_oneof![any::<u8>(), Just(b'\n'), Just(ESC), Just(b'$'), Just(b'('), Just(b'B'), Just(0xef), Just(0xbb)],
                0..80,
            ),
            size in 1usize..7,
        ) {
            let whole = detect([bytes.as_slice()]);
            prop_assert_eq!(detect(bytes.chunks(size)), whole);
        }
    }
}
