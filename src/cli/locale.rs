//! The region of the locale, which `--encoding auto` takes as a hint.
//!
//! Owns which locales belong to which region. How a locale is read, and the language of help and messages, is in
//! `crate::language`.

use crate::config::Region;
use crate::language;

/// The region of the locale that the environment names for characters.
pub(super) fn region(variable: impl Fn(&str) -> Option<String>) -> Option<Region> {
    let words = language::words(&language::first_set(&language::CHARACTERS, variable)?);
    Some(match words[0].as_str() {
        "zh" if language::is_traditional(&words) => Region::Taiwan,
        "zh" => Region::China,
        "ja" => Region::Japan,
        "ko" => Region::Korea,
        "ru" | "uk" | "be" | "bg" | "mk" => Region::Russia,
        _ => return None,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn of(variables: &[(&str, &str)]) -> Option<Region> {
        region(|name| variables.iter().find(|known| known.0 == name).map(|known| known.1.to_owned()))
    }

    #[test]
    fn each_locale_belongs_to_its_region() {
        for (locale, expected) in [
            ("zh_CN.UTF-8", Some(Region::China)),
            ("zh_SG.GBK", Some(Region::China)),
            ("zh_CN", Some(Region::China)),
            ("zh", Some(Region::China)),
            ("zh_TW.Big5", Some(Region::Taiwan)),
            ("zh_HK.UTF-8@x", Some(Region::Taiwan)),
            ("zh-Hant", Some(Region::Taiwan)),
            ("ja_JP.eucJP", Some(Region::Japan)),
            ("ko_KR", Some(Region::Korea)),
            ("ru_RU.KOI8-R", Some(Region::Russia)),
            ("uk_UA.UTF-8", Some(Region::Russia)),
            ("be_BY", Some(Region::Russia)),
            ("bg_BG.CP1251", Some(Region::Russia)),
            ("C", None),
            ("C.UTF-8", None),
            ("POSIX", None),
            ("en_US.UTF-8", None),
            ("de_DE@euro", None),
            ("_", None),
        ] {
            assert_eq!(of(&[("LANG", locale)]), expected, "{locale}");
        }
    }

    #[test]
    fn lc_all_counts_before_lc_ctype_and_lang() {
        let (ja, ko, ru) = (("LC_ALL", "ja_JP"), ("LC_CTYPE", "ko_KR"), ("LANG", "ru_RU"));
        assert_eq!(of(&[ru, ko, ja]), Some(Region::Japan));
        assert_eq!(of(&[ru, ko]), Some(Region::Korea));
        assert_eq!(of(&[ru, ko, ("LC_ALL", "")]), Some(Region::Korea));
        assert_eq!(of(&[ru, ("LC_ALL", "C")]), None);
        assert_eq!(of(&[]), None);
    }
}
