//! `nearest`: spelling suggestions.
//!
//! Owns the edit distance between two words and its limit. The caller supplies the candidates.

/// The candidate closest to `word`, if one is close enough to be a typing error: at most a third of the longer word is
/// changed, and at most three characters. Case is ignored; of equally close candidates the first one is returned.
pub fn nearest<'a>(word: &str, candidates: impl IntoIterator<Item = &'a str>) -> Option<&'a str> {
    let word: Vec<char> = word.chars().flat_map(char::to_lowercase).take(LONGEST + 1).collect();
    if word.len() > LONGEST {
        return None;
    }
    let mut best = None;
    for candidate in candidates {
        let letters: Vec<char> = candidate.chars().flat_map(char::to_lowercase).collect();
        let limit = (word.len().max(letters.len()) / 3).min(FARTHEST);
        if word.len().abs_diff(letters.len()) > limit {
            continue;
        }
        let distance = distance(&word, &letters);
        if distance <= limit && best.is_none_or(|(least, _)| distance < least) {
            best = Some((distance, candidate));
        }
    }
    best.map(|(_, candidate)| candidate)
}

/// The edit distance: letters inserted, removed, replaced or swapped with their neighbour to turn `a` into `b`
/// (optimal string alignment).
fn distance(a: &[char], b: &[char]) -> usize {
    // Three rows of the table are enough, because a swap refers to two rows back.
    let mut before_last = Vec::new();
    let mut last: Vec<usize> = (0..=b.len()).collect();
    for i in 1..=a.len() {
        let mut row = vec![i; b.len() + 1];
        for j in 1..=b.len() {
            let replaced = last[j - 1] + usize::from(a[i - 1] != b[j - 1]);
            row[j] = replaced.min(last[j] + 1).min(row[j - 1] + 1);
            if i > 1 && j > 1 && a[i - 1] == b[j - 2] && a[i - 2] == b[j - 1] {
                row[j] = row[j].min(before_last[j - 2] + 1);
            }
        }
        before_last = std::mem::replace(&mut last, row);
    }
    last[b.len()]
}

/// Maximum length of a word that is compared, in characters; no name is longer.
const LONGEST: usize = 64;
/// Maximum distance of a suggestion.
const FARTHEST: usize = 3;

#[cfg(test)]
mod tests {
    use super::*;

    fn between(a: &str, b: &str) -> usize {
        distance(&a.chars().collect::<Vec<_>>(), &b.chars().collect::<Vec<_>>())
    }

    #[test]
    fn distances_count_edits() {
        assert_eq!(between("", ""), 0);
        assert_eq!(between("", "abc"), 3);
        assert_eq!(between("abc", ""), 3);
        assert_eq!(between("listen", "lisetn"), 1);
        assert_eq!(between("kitten", "sitting"), 3);
        assert_eq!(between("ca", "abc"), 3);
        assert_eq!(between("你好", "你们好"), 1);
    }

    #[test]
    fn the_closest_word_is_found() {
        let words = ["connect", "listen", "relay", "send", "sleep", "on_data", "on_line"];
        assert_eq!(nearest("conect", words), Some("connect"));
        assert_eq!(nearest("LISTNE", words), Some("listen"));
        assert_eq!(nearest("on_dat", words), Some("on_data"));
        assert_eq!(nearest("sned", words), Some("send"));
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
