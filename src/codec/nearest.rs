//! `nearest`: spelling suggestions.
//!
//! Owns how far a suggestion may be from the word. The caller supplies the candidates.

use strsim::osa_distance;

/// The candidate closest to `word`, if one is close enough to be a typing error: at most a third of the longer word is
/// changed, and at most three characters. Case is ignored; of equally close candidates the first one is returned.
pub fn nearest<'a>(word: &str, candidates: impl IntoIterator<Item = &'a str>) -> Option<&'a str> {
    let word = lower(word);
    let length = word.chars().count();
    if length > LONGEST {
        return None;
    }
    let mut best = None;
    for candidate in candidates {
        let other = lower(candidate);
        let other_length = other.chars().count();
        let limit = (length.max(other_length) / 3).min(FARTHEST);
        if length.abs_diff(other_length) > limit {
            continue;
        }
        // Letters inserted, removed, replaced or swapped with their neighbour.
        let distance = osa_distance(&word, &other);
        if distance <= limit && best.is_none_or(|(least, _)| distance < least) {
            best = Some((distance, candidate));
        }
    }
    best.map(|(_, candidate)| candidate)
}

/// A word in lower case; what is longer than any name is cut.
fn lower(word: &str) -> String {
    word.chars().flat_map(char::to_lowercase).take(LONGEST + 1).collect()
}

/// Maximum length of a word that is compared, in characters; no name is longer.
const LONGEST: usize = 64;
/// Maximum distance of a suggestion.
const FARTHEST: usize = 3;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_closest_word_is_found() {
        let words = ["connect", "listen", "relay", "send", "sleep", "on_data", "on_line"];
        assert_eq!(nearest("conect", words), Some("connect"));
        assert_eq!(nearest("LISTNE", words), Some("listen"));
        assert_eq!(nearest("on_dat", words), Some("on_data"));
        assert_eq!(nearest("sned", words), Some("send"));
        assert_eq!(nearest("你好吗", ["你们好吗"]), Some("你们好吗"));
    }

    #[test]
    fn a_distant_word_is_not_suggested() {
        let words = ["connect", "listen", "gbk"];
        assert_eq!(nearest("banana", words), None);
        assert_eq!(nearest("x", words), None);
        assert_eq!(nearest("", words), None);
        assert_eq!(nearest(&"connect".repeat(1000), words), None);
        assert_eq!(nearest("connect", []), None);
    }

    #[test]
    fn the_first_of_equals_wins() {
        assert_eq!(nearest("cat", ["bat", "rat"]), Some("bat"));
        assert_eq!(nearest("cat", ["bat", "cat"]), Some("cat"));
    }
}
