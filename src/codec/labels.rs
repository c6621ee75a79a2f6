//! Encoding labels: all names of each encoding, and the one name tcpx prints.
//!
//! Owns the table of labels, and which encodings are refused and why. Does not encode or decode.

use encoding_rs::Encoding;

use crate::codec::escape::show_line;
use crate::codec::nearest::nearest;
use crate::config::{Charset, Region};

/// A label that names no usable encoding.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum UnknownLabel {
    /// An unknown label.
    #[error("unknown encoding \"{}\"", show_line(.label))]
    Unknown {
        /// The label as it was given.
        label: String,
        /// The closest known label.
        suggestion: Option<&'static str>,
    },
    /// A known encoding that tcpx does not support.
    #[error("encoding \"{}\" is not supported: {reason}", show_line(.label))]
    Refused {
        /// The label as it was given.
        label: String,
        /// The reason.
        reason: &'static str,
    },
}

impl UnknownLabel {
    /// The closest known label.
    pub fn suggestion(&self) -> Option<&'static str> {
        match self {
            Self::Unknown { suggestion, .. } => *suggestion,
            Self::Refused { .. } => None,
        }
    }
}

/// Finds an encoding by any of its labels. Case, surrounding white space, `-` and `_` do not matter.
pub fn lookup(label: &str) -> Result<Charset, UnknownLabel> {
    let word = label.trim();
    if let Some((_, region)) = AUTO.iter().find(|(label, _)| is_same(word, label)) {
        return Ok(Charset::Auto(*region));
    }
    if let Some((_, reason)) = REFUSED.iter().find(|(refused, _)| is_same(word, refused)) {
        return Err(UnknownLabel::Refused { label: word.to_owned(), reason });
    }
    let row = TABLE.iter().find(|row| row.labels().any(|known| is_same(word, known)));
    if let Some(encoding) = row.and_then(|row| Encoding::for_label_no_replacement(row.name().as_bytes())) {
        return Ok(Charset::Named(encoding));
    }
    let known = TABLE.iter().flat_map(Row::labels).chain(detecting());
    Err(UnknownLabel::Unknown { label: word.to_owned(), suggestion: nearest(word, known) })
}

/// The name tcpx uses for an encoding, in messages and in scripts: lower case, a label itself.
pub fn name(encoding: &'static Encoding) -> &'static str {
    let row = TABLE.iter().find(|row| row.name().eq_ignore_ascii_case(encoding.name()));
    row.map_or("replacement", Row::name)
}

/// Every supported encoding: its name, then all its labels, the name included.
pub fn table() -> Vec<(&'static str, Vec<&'static str>)> {
    TABLE.iter().map(|row| (row.name(), row.labels().collect())).collect()
}

/// The labels of detection: `auto`, and those that name a region.
pub fn detecting() -> impl Iterator<Item = &'static str> {
    AUTO.iter().map(|(label, _)| *label)
}

/// The label of detection with that region.
pub fn auto_label(region: Option<Region>) -> &'static str {
    AUTO.iter().find(|row| row.1 == region).map_or("auto", |row| row.0)
}

/// Whether two labels differ only in case, white space, `-` or `_`.
fn is_same(a: &str, b: &str) -> bool {
    fn letters(label: &str) -> impl Iterator<Item = u8> {
        label.bytes().filter(|byte| !matches!(byte, b'-' | b'_')).map(|byte| byte.to_ascii_lowercase())
    }
    letters(a).eq(letters(b))
}

/// One encoding with all its labels.
struct Row {
    /// The labels of the WHATWG Encoding Standard, section 4.2; the first is the encoding's own name.
    standard: &'static [&'static str],
    /// Labels in common use beyond the standard.
    aliases: &'static [&'static str],
}

impl Row {
    fn name(&self) -> &'static str {
        self.standard[0]
    }

    fn labels(&self) -> impl Iterator<Item = &'static str> + use<> {
        self.standard.iter().chain(self.aliases).copied()
    }
}

/// Refused encodings. The first six are the standard's "replacement" encodings: a reader that treats them as ASCII and
/// one that does not see different text, and their decoder discards the stream.
const REFUSED: &[(&str, &str)] = &[
    ("hz-gb-2312", UNSAFE),
    ("iso-2022-cn", UNSAFE),
    ("iso-2022-cn-ext", UNSAFE),
    ("iso-2022-kr", UNSAFE),
    ("csiso2022kr", UNSAFE),
    ("replacement", UNSAFE),
    ("hz", UNSAFE),
    ("utf-7", UNSAFE),
    ("utf-32", NO_DECODER),
    ("utf-32le", NO_DECODER),
    ("utf-32be", NO_DECODER),
    ("ucs-4", NO_DECODER),
];
const UNSAFE: &str = "decoding it is unsafe, ASCII text can hide in it";
const NO_DECODER: &str = "there is no decoder for it";

/// The labels of detection.
const AUTO: &[(&str, Option<Region>)] = &[
    ("auto", None),
    ("auto-cn", Some(Region::China)),
    ("auto-tw", Some(Region::Taiwan)),
    ("auto-jp", Some(Region::Japan)),
    ("auto-kr", Some(Region::Korea)),
    ("auto-ru", Some(Region::Russia)),
];

/// Every supported encoding: Unicode, East Asian, then single-byte.
#[rustfmt::skip]
const TABLE: &[Row] = &[
    Row {
        standard: &["utf-8", "unicode-1-1-utf-8", "unicode11utf8", "unicode20utf8", "utf8", "x-unicode20utf8"],
        aliases: &["cp65001", "65001"],
    },
    Row {
        standard: &["utf-16le", "csunicode", "iso-10646-ucs-2", "ucs-2", "unicode", "unicodefeff", "utf-16"],
        aliases: &["utf-16-le", "ucs-2le", "cp1200"],
    },
    Row { standard: &["utf-16be", "unicodefffe"], aliases: &["utf-16-be", "ucs-2be", "cp1201"] },
    Row {
        standard: &[
            "gbk", "chinese", "csgb2312", "csiso58gb231280", "gb2312", "gb_2312", "gb_2312-80", "iso-ir-58",
            "x-gbk",
        ],
        aliases: &["cp936", "936", "ms936", "windows-936", "x-cp936", "euc-cn"],
    },
    Row { standard: &["gb18030"], aliases: &["gb18030-2000", "gb18030-2005", "gb18030-2022", "cp54936"] },
    Row {
        standard: &["big5", "big5-hkscs", "cn-big5", "csbig5", "x-x-big5"],
        aliases: &["cp950", "950", "ms950", "windows-950", "x-windows-950"],
    },
    Row {
        standard: &["shift_jis", "csshiftjis", "ms932", "ms_kanji", "shift-jis", "sjis", "windows-31j", "x-sjis"],
        aliases: &["cp932", "932", "windows-932", "cswindows31j"],
    },
    Row { standard: &["euc-jp", "cseucpkdfmtjapanese", "x-euc-jp"], aliases: &["ujis", "cp51932"] },
    Row { standard: &["iso-2022-jp", "csiso2022jp"], aliases: &["jis", "cp50220"] },
    Row {
        standard: &[
            "euc-kr", "cseuckr", "csksc56011987", "iso-ir-149", "korean", "ks_c_5601-1987", "ks_c_5601-1989",
            "ksc5601", "ksc_5601", "windows-949",
        ],
        aliases: &["cp949", "949", "ms949", "uhc", "cp51949"],
    },
    Row { standard: &["koi8-r", "cskoi8r", "koi", "koi8", "koi8_r"], aliases: &["cp20866"] },
    Row { standard: &["koi8-u", "koi8-ru"], aliases: &["cp21866"] },
    Row { standard: &["windows-1250", "cp1250", "x-cp1250"], aliases: &["win1250"] },
    Row { standard: &["windows-1251", "cp1251", "x-cp1251"], aliases: &["win1251"] },
    Row {
        standard: &[
            "windows-1252", "ansi_x3.4-1968", "ascii", "cp1252", "cp819", "csisolatin1", "ibm819", "iso-8859-1",
            "iso-ir-100", "iso8859-1", "iso88591", "iso_8859-1", "iso_8859-1:1987", "l1", "latin1", "us-ascii",
            "x-cp1252",
        ],
        aliases: &["cp28591", "win1252"],
    },
    Row { standard: &["windows-1253", "cp1253", "x-cp1253"], aliases: &["win1253"] },
    Row {
        standard: &[
            "windows-1254", "cp1254", "csisolatin5", "iso-8859-9", "iso-ir-148", "iso8859-9", "iso88599",
            "iso_8859-9", "iso_8859-9:1989", "l5", "latin5", "x-cp1254",
        ],
        aliases: &["win1254"],
    },
    Row { standard: &["windows-1255", "cp1255", "x-cp1255"], aliases: &["win1255"] },
    Row { standard: &["windows-1256", "cp1256", "x-cp1256"], aliases: &["win1256"] },
    Row { standard: &["windows-1257", "cp1257", "x-cp1257"], aliases: &["win1257"] },
    Row { standard: &["windows-1258", "cp1258", "x-cp1258"], aliases: &["win1258"] },
    Row {
        standard: &["windows-874", "dos-874", "iso-8859-11", "iso8859-11", "iso885911", "tis-620"],
        aliases: &["cp874"],
    },
    Row {
        standard: &[
            "iso-8859-2", "csisolatin2", "iso-ir-101", "iso8859-2", "iso88592", "iso_8859-2", "iso_8859-2:1987",
            "l2", "latin2",
        ],
        aliases: &["cp28592"],
    },
    Row {
        standard: &[
            "iso-8859-3", "csisolatin3", "iso-ir-109", "iso8859-3", "iso88593", "iso_8859-3", "iso_8859-3:1988",
            "l3", "latin3",
        ],
        aliases: &["cp28593"],
    },
    Row {
        standard: &[
            "iso-8859-4", "csisolatin4", "iso-ir-110", "iso8859-4", "iso88594", "iso_8859-4", "iso_8859-4:1988",
            "l4", "latin4",
        ],
        aliases: &["cp28594"],
    },
    Row {
        standard: &[
            "iso-8859-5", "csisolatincyrillic", "cyrillic", "iso-ir-144", "iso8859-5", "iso88595", "iso_8859-5",
            "iso_8859-5:1988",
        ],
        aliases: &["cp28595"],
    },
    Row {
        standard: &[
            "iso-8859-6", "arabic", "asmo-708", "csiso88596e", "csiso88596i", "csisolatinarabic", "ecma-114",
            "iso-8859-6-e", "iso-8859-6-i", "iso-ir-127", "iso8859-6", "iso88596", "iso_8859-6", "iso_8859-6:1987",
        ],
        aliases: &["cp28596"],
    },
    Row {
        standard: &[
            "iso-8859-7", "csisolatingreek", "ecma-118", "elot_928", "greek", "greek8", "iso-ir-126", "iso8859-7",
            "iso88597", "iso_8859-7", "iso_8859-7:1987", "sun_eu_greek",
        ],
        aliases: &["cp28597"],
    },
    Row {
        standard: &[
            "iso-8859-8", "csiso88598e", "csisolatinhebrew", "hebrew", "iso-8859-8-e", "iso-ir-138", "iso8859-8",
            "iso88598", "iso_8859-8", "iso_8859-8:1988", "visual",
        ],
        aliases: &[],
    },
    Row { standard: &["iso-8859-8-i", "csiso88598i", "logical"], aliases: &[] },
    Row {
        standard: &["iso-8859-10", "csisolatin6", "iso-ir-157", "iso8859-10", "iso885910", "l6", "latin6"],
        aliases: &[],
    },
    Row { standard: &["iso-8859-13", "iso8859-13", "iso885913"], aliases: &["latin7"] },
    Row { standard: &["iso-8859-14", "iso8859-14", "iso885914"], aliases: &["latin8"] },
    Row {
        standard: &["iso-8859-15", "csisolatin9", "iso8859-15", "iso885915", "iso_8859-15", "l9"],
        aliases: &["latin9", "cp28605"],
    },
    Row { standard: &["iso-8859-16"], aliases: &["latin10"] },
    Row { standard: &["ibm866", "866", "cp866", "csibm866"], aliases: &["dos-866"] },
    Row {
        standard: &["macintosh", "csmacintosh", "mac", "x-mac-roman"],
        aliases: &["macroman", "mac-roman", "cp10000"],
    },
    Row { standard: &["x-mac-cyrillic", "x-mac-ukrainian"], aliases: &["mac-cyrillic", "cp10007"] },
    Row { standard: &["x-user-defined"], aliases: &[] },
];

#[cfg(test)]
mod tests {
    use super::*;

    fn encoding(label: &str) -> &'static str {
        match lookup(label) {
            Ok(Charset::Named(encoding)) => encoding.name(),
            other => panic!("{label:?} is {other:?}"),
        }
    }

    #[test]
    fn every_standard_label_finds_its_encoding() {
        for row in TABLE {
            for label in row.standard {
                let known = Encoding::for_label_no_replacement(label.as_bytes()).expect(label);
                assert_eq!(name(known), row.name(), "{label}");
                assert_eq!(encoding(label), known.name(), "{label}");
            }
        }
        let refused = REFUSED.iter().filter(|(label, _)| Encoding::for_label(label.as_bytes()).is_some()).count();
        assert_eq!(TABLE.len(), 39);
        assert_eq!(TABLE.iter().map(|row| row.standard.len()).sum::<usize>() + refused, 228);
    }

    #[test]
    fn no_label_means_two_encodings() {
        let all: Vec<_> = TABLE.iter().flat_map(|row| row.labels().map(|label| (label, row.name()))).collect();
        for (label, name) in &all {
            for (other, other_name) in &all {
                assert!(!is_same(label, other) || name == other_name, "{label} and {other}");
            }
            assert!(!REFUSED.iter().any(|(refused, _)| is_same(label, refused)), "{label} is refused");
        }
    }

    #[test]
    fn no_alias_is_a_standard_label() {
        for alias in TABLE.iter().flat_map(|row| row.aliases) {
            assert_eq!(Encoding::for_label(alias.as_bytes()), None, "{alias}");
        }
    }

    #[test]
    fn common_spellings_are_accepted() {
        for (label, name) in [
            ("cp936", "GBK"),
            ("936", "GBK"),
            ("MS936", "GBK"),
            ("gb2312", "GBK"),
            ("GB_18030", "gb18030"),
            ("gb18030-2022", "gb18030"),
            ("gb18030-2005", "gb18030"),
            ("cp949", "EUC-KR"),
            ("uhc", "EUC-KR"),
            ("euckr", "EUC-KR"),
            ("eucjp", "EUC-JP"),
            ("euc_jp", "EUC-JP"),
            ("cp932", "Shift_JIS"),
            ("ms932", "Shift_JIS"),
            ("sjis", "Shift_JIS"),
            ("Shift-JIS", "Shift_JIS"),
            ("cp950", "Big5"),
            ("big5hkscs", "Big5"),
            ("utf_8", "UTF-8"),
            (" UTF8\n", "UTF-8"),
            ("utf16", "UTF-16LE"),
            ("utf16le", "UTF-16LE"),
            ("utf-16-le", "UTF-16LE"),
            ("utf16be", "UTF-16BE"),
            ("UTF_16_BE", "UTF-16BE"),
            ("latin-1", "windows-1252"),
            ("iso8859_15", "ISO-8859-15"),
            ("koi8r", "KOI8-R"),
            ("koi8u", "KOI8-U"),
            ("windows1251", "windows-1251"),
            ("cp1258", "windows-1258"),
            ("macroman", "macintosh"),
            ("iso2022jp", "ISO-2022-JP"),
        ] {
            assert_eq!(encoding(label), name, "{label}");
        }
        for number in 1250..=1258 {
            assert_eq!(encoding(&format!("cp{number}")), format!("windows-{number}"));
        }
        assert_eq!(lookup("AUTO"), Ok(Charset::Auto(None)));
        assert_eq!(lookup("Auto_CN"), Ok(Charset::Auto(Some(Region::China))));
        for label in detecting() {
            let Ok(Charset::Auto(region)) = lookup(label) else { panic!("{label}") };
            assert_eq!(auto_label(region), label);
        }
    }

    #[test]
    fn an_unknown_label_is_named_and_the_closest_one_suggested() {
        for (label, suggestion) in [
            ("gbkk", Some("gbk")),
            ("uft-8", Some("utf-8")),
            ("shfit_jis", Some("shift_jis")),
            ("big6", Some("big5")),
            ("auto-zh", Some("auto-cn")),
            ("ebcdic", None),
            ("", None),
            ("-", None),
        ] {
            let error = lookup(label).unwrap_err();
            assert_eq!(error.to_string(), format!("unknown encoding \"{label}\""));
            assert_eq!(error.suggestion(), suggestion, "{label}");
        }
        assert_eq!(lookup("\u{1b}[2J").unwrap_err().to_string(), "unknown encoding \"\\x1b[2J\"");
    }

    #[test]
    fn unsafe_encodings_are_refused() {
        for label in
            ["hz-gb-2312", "ISO-2022-KR", "iso_2022_cn", "iso-2022-cn-ext", "csiso2022kr", "replacement", "utf7"]
        {
            let error = lookup(label).unwrap_err();
            let start = format!("encoding \"{label}\" is not supported: decoding it is unsafe");
            assert!(error.to_string().starts_with(&start), "{error}");
            assert_eq!(error.suggestion(), None);
        }
    }

    #[test]
    fn the_table_has_a_row_for_every_encoding() {
        let table = table();
        assert_eq!(table.len(), 39);
        let (name, labels) = &table[3];
        assert_eq!(*name, "gbk");
        assert!(labels.contains(&"gb2312") && labels.contains(&"cp936"));
    }
}
