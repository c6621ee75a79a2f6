//! `Detector`: detects the encoding of a stream from its first bytes that are not ASCII.
//!
//! Owns the bytes held until the decision. Does not decode: ASCII is passed on, and the caller decodes the rest. The
//! decision depends on the bytes only, not on how they were split, unless the caller says that silence is enough. Bytes
//! that are valid UTF-8 are UTF-8, whatever else they could be; only then the region counts.
//!
//! | held bytes | held until |
//! |---|---|
//! | the first bytes of a byte order mark at the start of the stream | the mark is complete: decided |
//! | an ESC that may start an ISO-2022-JP sequence | it is another sequence: passed on, still undecided |
//! | an ISO-2022-JP sequence, or a byte ≥ 0x80 | an LF after enough bytes, 512 bytes, silence, the end: decided |

use chardetng::{EncodingDetector, Iso2022JpDetection, Utf8Detection};
use encoding_rs::{DecoderResult, Encoding, ISO_2022_JP, UTF_8, UTF_16BE, UTF_16LE};
use memchr::memchr;

use crate::codec::seam::Seam;
use crate::config::Region;

/// Detects the encoding of one stream.
#[derive(Debug)]
pub(super) struct Detector {
    held: Vec<u8>,
    /// Number of held bytes that are not ASCII.
    high: usize,
    /// Where the held bytes begin.
    seam: Seam,
    /// Where the text most likely comes from.
    region: Option<Region>,
    /// Number of bytes passed on.
    passed: u64,
    /// The last two of them, because chardetng considers the bytes before the first one that is not ASCII.
    before: [u8; 2],
}

impl Detector {
    /// A detector of what follows a seam of the stream.
    pub(super) fn resume(seam: Seam, region: Option<Region>) -> Self {
        Self { held: Vec::new(), high: 0, seam, region, passed: 0, before: [0; 2] }
    }

    /// Whether bytes are held.
    pub(super) fn is_holding(&self) -> bool {
        !self.held.is_empty()
    }

    /// Whether the held bytes are enough evidence to decide after a short silence.
    pub(super) fn is_sure(&self) -> bool {
        self.has_enough()
    }

    /// Takes bytes from the front: all of them, or those up to the decision. ASCII is appended to `text`. Returns the
    /// number of bytes taken, and the encoding.
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
                // The byte is examined again, without the ESC before it.
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

    /// Decides from the held bytes; ASCII among them is passed on undecided. Without held bytes there is no decision.
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

    /// The held bytes, and where they begin.
    pub(super) fn take(&mut self) -> (Vec<u8>, Seam) {
        self.high = 0;
        (std::mem::take(&mut self.held), self.seam)
    }

    /// The encoding whose byte order mark the stream starts with.
    fn byte_order(&self) -> Option<&'static Encoding> {
        match self.held[..] {
            _ if !self.seam.is_start() => None,
            [0xef, 0xbb, 0xbf] => Some(UTF_8),
            [0xff, 0xfe] => Some(UTF_16LE),
            [0xfe, 0xff] => Some(UTF_16BE),
            _ => None,
        }
    }

    /// Whether `byte` continues an escape sequence to a Japanese character set, or follows a complete one. `ESC ( B` is
    /// excluded: it selects ASCII, and terminals receive it with every colour reset.
    fn may_switch(&self, byte: u8) -> bool {
        match (self.held.get(1), self.held.len()) {
            (_, 1) => byte == b'$' || byte == b'(',
            (Some(b'$'), 2) => byte == b'B' || byte == b'@',
            (Some(b'('), 2) => byte == b'J' || byte == b'I',
            _ => true,
        }
    }

    /// Whether a line is enough evidence. Valid UTF-8 and ISO-2022-JP sequences always are.
    fn has_enough(&self) -> bool {
        self.high >= ENOUGH || self.high == 0 || std::str::from_utf8(&self.held).is_ok()
    }

    fn guess(&self, ended: bool) -> &'static Encoding {
        let open = self.ask(false);
        let closed = self.ask(true);
        if open == closed {
            return open;
        }
        // chardetng excludes an encoding if the last character is incomplete, which is right for a single high
        // byte. After enough complete characters, an incomplete one is only split.
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
        let region = self.region.filter(|_| self.high < PLENTY);
        detector.guess(region.map(top_level_domain), Utf8Detection::Allow)
    }

    fn pass(&mut self, ascii: &[u8], text: &mut String) {
        text.push_str(&String::from_utf8_lossy(ascii));
        self.passed += ascii.len() as u64;
        self.seam.pass(None, ascii);
        match *ascii {
            [] => {}
            [byte] => self.before = [self.before[1], byte],
            [.., first, second] => self.before = [first, second],
        }
    }

    /// Passes on the held bytes, which are ASCII.
    fn release(&mut self, text: &mut String) {
        let held = std::mem::take(&mut self.held);
        self.pass(&held, text);
    }
}

/// The number of non-ASCII characters in the bytes, if the last one is incomplete.
fn whole_characters(encoding: &'static Encoding, bytes: &[u8]) -> Option<usize> {
    let mut decoder = encoding.new_decoder_without_bom_handling();
    let mut text = String::with_capacity(decoder.max_utf8_buffer_length_without_replacement(bytes.len())?);
    let (_, read) = decoder.decode_to_string_without_replacement(bytes, &mut text, false);
    let (end, _) = decoder.decode_to_string_without_replacement(&bytes[read..], &mut text, true);
    matches!(end, DecoderResult::Malformed(..)).then(|| text.chars().filter(|c| !c.is_ascii()).count())
}

/// What chardetng knows a region by.
fn top_level_domain(region: Region) -> &'static [u8] {
    match region {
        Region::China => b"cn",
        Region::Taiwan => b"tw",
        Region::Japan => b"jp",
        Region::Korea => b"kr",
        Region::Russia => b"ru",
    }
}

/// Maximum number of held bytes.
const HELD: usize = 512;
/// Minimum number of non-ASCII bytes in a line to decide from. Two or three Chinese characters are valid Korean, too
/// (without a region, chardetng detects `你好` in GBK as EUC-KR): of short Chinese lines such as servers send, 69 % were detected right
/// with 4 to 7 such bytes, 95 % with 8 to 15, all with 16 or more.
const ENOUGH: usize = 8;
/// Number of non-ASCII bytes that are detected better without a hint: chardetng follows it even against the bytes, and
/// reads any Simplified Chinese as Traditional.
const PLENTY: usize = 16;
/// Length of an escape sequence to a Japanese character set, in bytes.
const SWITCH: usize = 3;
const ESC: u8 = 0x1b;
#[cfg(test)]
mod tests {
    use encoding_rs::{BIG5, EUC_JP, EUC_KR, GBK, KOI8_R, KOI8_U, SHIFT_JIS, WINDOWS_1251, WINDOWS_1252};
    use proptest::prelude::*;

    use super::*;

    /// The text passed on, the decision, and the bytes held for it.
    fn detect<'a>(pieces: impl IntoIterator<Item = &'a [u8]>) -> (String, Option<&'static Encoding>, Vec<u8>) {
        let (mut detector, mut text) = (Detector::resume(Seam::START, None), String::new());
        for piece in pieces {
            let (taken, encoding) = detector.push(piece, &mut text);
            if encoding.is_some() {
                return (text, encoding, detector.take().0);
            }
            assert_eq!(taken, piece.len());
        }
        (text, None, detector.take().0)
    }

    fn decided(bytes: &[u8]) -> Option<&'static Encoding> {
        detect([bytes]).1
    }

    fn decided_at(ended: bool, bytes: &[u8]) -> Option<&'static Encoding> {
        let (mut detector, mut text) = (Detector::resume(Seam::START, None), String::new());
        assert_eq!(detector.push(bytes, &mut text), (bytes.len(), None));
        detector.conclude(ended, &mut text)
    }

    #[test]
    fn a_sentence_is_detected_from_its_first_line() {
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
        // chardetng has one KOI8; the Russian letters are the same in both.
        let bytes = KOI8_R.encode("Добро пожаловать! Введите имя пользователя и пароль.\n").0;
        assert_eq!(decided(&bytes), Some(KOI8_U));
    }

    /// The encoding of what is sent, then nothing more, with a hint.
    fn hinted(region: Option<Region>, bytes: &[u8]) -> &'static Encoding {
        let (mut detector, mut text) = (Detector::resume(Seam::START, region), String::new());
        let (_, decided) = detector.push(bytes, &mut text);
        decided.or_else(|| detector.conclude(false, &mut text)).expect("text that is not ASCII")
    }

    #[test]
    fn short_words_are_detected_with_the_hint_of_their_region() {
        for (region, encodings, words) in [
            (Region::China, &[GBK][..], CHINESE),
            (Region::Taiwan, &[BIG5], TAIWANESE),
            (Region::Japan, &[SHIFT_JIS, EUC_JP, ISO_2022_JP], JAPANESE),
            (Region::Korea, &[EUC_KR], KOREAN),
            (Region::Russia, &[WINDOWS_1251], RUSSIAN),
        ] {
            for encoding in encodings {
                let wrong: Vec<_> =
                    words.iter().filter(|word| hinted(Some(region), &encoding.encode(word).0) != *encoding).collect();
                assert!(words.len() == 19 && wrong.len() <= 1, "{region:?}, {}: {wrong:?}", encoding.name());
            }
        }
    }

    #[test]
    fn a_hint_does_not_hide_the_text_of_another_region() {
        let gbk = GBK.encode("您好，欢迎光临我们的服务器，请先登录。\n").0;
        let big5 = BIG5.encode("歡迎光臨，請輸入代號，或以 guest 參觀：\n").0;
        let koi8 = KOI8_R.encode("Добро пожаловать! Введите имя пользователя и пароль.\n").0;
        let sjis = SHIFT_JIS.encode("接続しました。ログイン名を入力してください。\n").0;
        let korean = EUC_KR.encode("접속을 환영합니다. 사용자 이름을 입력하세요.\n").0;
        for region in [Region::China, Region::Taiwan, Region::Japan, Region::Korea, Region::Russia] {
            assert_eq!(hinted(Some(region), &gbk), GBK);
            assert_eq!(hinted(Some(region), &big5), BIG5);
            assert_eq!(hinted(Some(region), &sjis), SHIFT_JIS);
            assert_eq!(hinted(Some(region), &korean), EUC_KR);
        }
        // Short words in KOI8 are valid windows-1251, too, which is more common.
        assert_eq!(hinted(Some(Region::Russia), &koi8), KOI8_U);
    }

    #[test]
    fn valid_utf_8_is_utf_8_with_every_hint() {
        for region in [None, Some(Region::China), Some(Region::Japan), Some(Region::Korea), Some(Region::Russia)] {
            for text in ["你好", "мир", "é", "ラ"] {
                assert_eq!(hinted(region, text.as_bytes()), UTF_8, "{text} with {region:?}");
            }
            // Two texts in GBK whose bytes are valid UTF-8, too.
            for text in ["浣犲ソ", "谢谢"] {
                assert_eq!(hinted(region, &GBK.encode(text).0), UTF_8, "{text} with {region:?}");
            }
            // As soon as a byte of it is not UTF-8, it is not.
            assert_eq!(hinted(Some(Region::China), &GBK.encode("谢谢你").0), GBK);
        }
    }

    #[test]
    fn a_line_with_few_bytes_is_not_enough_evidence() {
        let short = GBK.encode("你好\n").0;
        assert_eq!(decided(&short), None);
        let longer = GBK.encode("你好\n请重新登录\n").0;
        assert_eq!(decided(&longer), Some(GBK));
    }

    #[test]
    fn ascii_is_passed_on_and_never_held() {
        let (text, encoding, held) = detect([b"220 ready\r\n\0\x07\x7f".as_slice()]);
        assert_eq!((text.as_str(), encoding, held), ("220 ready\r\n\0\x07\x7f", None, vec![]));
        let (text, encoding, held) = detect([b"caf\xe9".as_slice()]);
        assert_eq!((text.as_str(), encoding, held), ("caf", None, vec![0xe9]));
    }

    #[test]
    fn colour_sequences_are_passed_on_undecided() {
        for ascii in ["\x1b[31mred\x1b[m ok\n", "\x1b(B\x1b[m ok\n", "\x1b(0lqk\x1b(B\n", "\x1b\x1b$C", "\x1b$\x1b(\n"]
        {
            let (text, encoding, held) = detect([ascii.as_bytes()]);
            assert_eq!((text.as_str(), encoding, held), (ascii, None, vec![]));
        }
        // It starts like an ISO-2022-JP sequence and is none.
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
    fn silence_and_the_end_decide_from_the_held_bytes() {
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

    const CHINESE: &[&str] = &[
        "你好",
        "谢谢",
        "再见",
        "早上好",
        "中国",
        "北京",
        "上海",
        "测试",
        "文件",
        "密码",
        "登录",
        "用户",
        "错误",
        "成功",
        "失败",
        "时间",
        "服务器",
        "请稍候",
        "没有",
    ];
    const TAIWANESE: &[&str] = &[
        "你好",
        "謝謝",
        "再見",
        "早安",
        "台灣",
        "台北",
        "高雄",
        "測試",
        "檔案",
        "密碼",
        "登入",
        "使用者",
        "錯誤",
        "成功",
        "失敗",
        "時間",
        "伺服器",
        "請稍候",
        "沒有",
    ];
    const JAPANESE: &[&str] = &[
        "こんにちは",
        "ありがとう",
        "さようなら",
        "おはよう",
        "日本",
        "東京",
        "大阪",
        "テスト",
        "ファイル",
        "パスワード",
        "ログイン",
        "ユーザー",
        "エラー",
        "成功",
        "失敗",
        "時間",
        "サーバー",
        "お待ちください",
        "ありません",
    ];
    const KOREAN: &[&str] = &[
        "안녕하세요",
        "감사합니다",
        "안녕",
        "좋은 아침",
        "한국",
        "서울",
        "부산",
        "시험",
        "파일",
        "비밀번호",
        "로그인",
        "사용자",
        "오류",
        "성공",
        "실패",
        "시간",
        "서버",
        "기다려 주세요",
        "없음",
    ];
    const RUSSIAN: &[&str] = &[
        "Привет",
        "Спасибо",
        "До свидания",
        "Доброе утро",
        "Россия",
        "Москва",
        "Петербург",
        "проверка",
        "файл",
        "пароль",
        "вход",
        "пользователь",
        "ошибка",
        "успех",
        "отказ",
        "время",
        "сервер",
        "подождите",
        "нет",
    ];

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
