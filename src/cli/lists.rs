//! Lists for people: the encodings, the built-in scripts.
//!
//! Owns their layout. What there is, the encodings and the scripts know.

use crate::codec::labels;
use crate::config::{Charset, Region};
use crate::script::builtin;

/// Every encoding with its other labels, a line each.
pub fn encodings() -> String {
    columns(encodings_and_labels())
}

/// The same in two columns.
pub(super) fn encodings_and_labels() -> Vec<(String, String)> {
    let others = |name: &str, labels: Vec<&'static str>| {
        labels.into_iter().filter(|label| *label != name).collect::<Vec<_>>().join(" ")
    };
    let named = labels::table().into_iter().map(|(name, labels)| (name.to_owned(), others(name, labels)));
    let detecting = labels::detecting().map(|label| {
        let Ok(Charset::Auto(region)) = labels::lookup(label) else { return (label.to_owned(), String::new()) };
        (label.to_owned(), about_detection(region).to_owned())
    });
    named.chain(detecting).collect()
}

/// What is said of labels that detect.
#[cfg(test)]
pub(super) fn texts() -> impl Iterator<Item = &'static str> {
    [None, Some(Region::China), Some(Region::Taiwan), Some(Region::Japan), Some(Region::Korea), Some(Region::Russia)]
        .into_iter()
        .map(about_detection)
}

fn about_detection(region: Option<Region>) -> &'static str {
    match region {
        None => "(detects what is received; the locale is a hint)",
        Some(Region::China) => "(detects it, Chinese most likely: GBK, GB18030)",
        Some(Region::Taiwan) => "(detects it, Chinese most likely: Big5)",
        Some(Region::Japan) => "(detects it, Japanese most likely: Shift_JIS, EUC-JP)",
        Some(Region::Korea) => "(detects it, Korean most likely: EUC-KR)",
        Some(Region::Russia) => "(detects it, Cyrillic most likely: windows-1251, KOI8)",
    }
}

/// Every built-in script with what it does, a line each.
pub fn scripts() -> String {
    columns(builtin::list().map(|(name, about)| (format!("@{name}"), about.to_owned())).collect())
}

/// Two columns; the first is as wide as its longest entry.
fn columns(rows: Vec<(String, String)>) -> String {
    let width = rows.iter().map(|(name, _)| name.len()).max().unwrap_or_default();
    let mut text = String::new();
    for (name, about) in rows {
        text.push_str(format!("{name:width$}  {about}").trim_end());
        text.push('\n');
    }
    text
}
