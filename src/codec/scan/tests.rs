//! The matcher against the `regex` family, however the stream is cut.

use proptest::prelude::*;
use regex_automata::{Anchored, Input, meta};

use super::*;

fn pattern(text: &str) -> Rc<Pattern> {
    Rc::new(Pattern::new(text, false).unwrap_or_else(|error| panic!("{text}: {error}")))
}

/// Where the first match ends in a stream of these pieces.
fn scan<'a>(pattern: &Rc<Pattern>, pieces: impl IntoIterator<Item = &'a [u8]>) -> Option<u64> {
    let mut matcher = StreamMatcher::new(Rc::clone(pattern));
    for piece in pieces {
        if let Some(end) = matcher.push(piece) {
            return Some(end);
        }
    }
    matcher.finish()
}

/// The smallest end of all matches, found by trying every start and end.
fn smallest_end(text: &str, haystack: &[u8]) -> Option<u64> {
    let config = meta::Config::new().match_kind(MatchKind::All).utf8_empty(false);
    let regex = meta::Builder::new().configure(config).syntax(syntax::Config::new().utf8(false)).build(text).unwrap();
    let ends_at = |end: &usize| {
        (0..*end).any(|start| {
            let input = Input::new(haystack).range(start..*end).anchored(Anchored::Yes);
            regex.find(input).is_some_and(|found| found.end() == *end)
        })
    };
    (1..=haystack.len()).find(ends_at).map(|end| end as u64)
}

/// Whole, byte by byte, and at every place in two.
#[track_caller]
fn check(text: &str, haystack: &[u8]) {
    let pattern = pattern(text);
    let wanted = smallest_end(text, haystack);
    assert_eq!(scan(&pattern, [haystack]), wanted, "{text:?} in {haystack:?}");
    assert_eq!(scan(&pattern, haystack.chunks(1)), wanted, "{text:?} in {haystack:?}, byte by byte");
    for cut in 0..=haystack.len() {
        let (left, right) = haystack.split_at(cut);
        assert_eq!(scan(&pattern, [left, right]), wanted, "{text:?} in {left:?} {right:?}");
    }
}

#[test]
fn the_first_match_is_found_however_the_stream_is_cut() {
    let haystacks: &[&[u8]] = &[
        b"",
        b"foo",
        b"afoob",
        b"220 ready\r\n",
        b"x\nfoo\nbar",
        b"xfoo\r\nbar\r\n",
        b"foo bar",
        b"fofofoo!",
        "\u{4f60}\u{597d} foo\u{e9} foo \u{4e16}".as_bytes(),
        "\u{e9}foo".as_bytes(),
        "foo\u{2026}".as_bytes(),
        b"foo\xe4\xbd",
        b"\xff\xfefoo\xff",
        b"foo\xe4",
        b"aaaaaaab",
    ];
    let patterns = [
        "foo",
        "^foo",
        "foo$",
        r"foo\z",
        r"\Afoo",
        "(?m)^foo$",
        "(?m)^bar",
        "(?Rm)^foo$",
        "(?Rm)o$",
        r"\bfoo\b",
        r"foo\B",
        r"\Bfoo",
        r"(?-u:\b)foo(?-u:\b)",
        r"\b{start}foo\b{end}",
        r"\b{start-half}foo",
        "foo|bar",
        "(?i)FOO",
        "a{3,}b",
        "fo+!",
        r"\w+\s",
        r"\d{3} .*\n",
        "(?s).b",
        r"(?-u:\xff)",
        "[^o]{2}",
        "\u{597d}",
        r"\w\b",
        r"\W\b.",
        r"oo\b.",
    ];
    for text in patterns {
        for haystack in haystacks {
            check(text, haystack);
        }
    }
}

#[test]
fn a_match_is_reported_when_nothing_can_change_it() {
    let push = |text: &str, pieces: &[&[u8]]| {
        let mut matcher = StreamMatcher::new(pattern(text));
        pieces.iter().map(|piece| matcher.push(piece)).collect::<Vec<_>>()
    };
    assert_eq!(push("login: ", &[b"log", b"in: "]), [None, Some(7)]);
    assert_eq!(push("^[a-z]+: $|: ", &[b"login: "]), [Some(7)]);
    assert_eq!(push("foo$", &[b"foo", b"\n", b"foo"]), [None, None, None]);
    assert_eq!(push("(?m)foo$", &[b"foo", b"\n"]), [None, Some(3)]);
    assert_eq!(push(r"\bOK\b", &[b"OK", b"\r"]), [None, Some(2)]);
    assert_eq!(push(r"\bOK\b", &[b"OK", b"\xe2", b"\x80", b"\xa6"]), [None, None, None, Some(2)]);
    assert_eq!(push(r"\bOK\b", &[b"OK", b"\xc3", b"\xa9 OK", b"!"]), [None, None, None, Some(7)]);
    assert_eq!(push(r"foo(\b|\B)", &[b"foo"]), [Some(3)]);
    assert_eq!(push(r"foo(\b|\B)", &["foo\u{e9}".as_bytes().split_at(4).0]), [Some(3)]);
}

#[test]
fn a_long_stream_costs_bounded_memory() {
    // Needs a new state of the DFA for nearly every byte.
    let pattern = pattern("(?s-u)[ab][^x]{12}[^c]*#");
    let mut matcher = StreamMatcher::new(Rc::clone(&pattern));
    let mut state = 1_u32;
    for _ in 0..200 {
        let piece: Vec<u8> = (0..1000)
            .map(|_| {
                state = state.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
                b"abcxyz"[(state >> 16) as usize % 6]
            })
            .collect();
        assert_eq!(matcher.push(&piece), None);
        assert!(matcher.table.size <= TABLE_LIMIT + 64 * 1024 && matcher.held.len() <= CHARACTER);
    }
    assert_eq!(matcher.push(b"cabababababababa#"), Some(200_017));
}

#[test]
fn the_table_starts_anew_in_mid_stream() {
    let pattern = pattern("(?s-u)[ab][^x]{12}[^c]*#");
    let mut matcher = StreamMatcher::new(Rc::clone(&pattern));
    matcher.push(b"zzabzz");
    matcher.table.size = TABLE_LIMIT + 1;
    assert_eq!(matcher.push(b"zzzzzzzzz"), None);
    assert!(matcher.table.size < TABLE_LIMIT);
    matcher.table.size = TABLE_LIMIT + 1;
    assert_eq!(matcher.push(b"#z"), Some(16));
}

#[test]
fn literals_are_skipped_to_and_may_be_cut() {
    let found = pattern("needle [0-9]+;");
    assert!(found.prefilter.is_some());
    let mut haystack = vec![b'n'; 5000];
    haystack.extend_from_slice(b"needle x needle 42; needle 43;");
    let wanted = Some(5000 + 19);
    for size in [1, 2, 3, 7, 64, 4999, 5001, 5003, 6000] {
        assert_eq!(scan(&found, haystack.chunks(size)), wanted, "pieces of {size}");
    }
    let line = pattern("(?m)^needle");
    assert_eq!(scan(&line, [&b"xneedle needle"[..], b"\n", b"needle"]), Some(21));
}

#[test]
fn the_start_of_a_match_is_found_in_what_was_kept() {
    let start = |text: &str, window: &[u8], whole, end| pattern(text).start_of_match(window, whole, end);
    assert_eq!(start("ERR[A-Z]+", b"an ERROR here", true, 7), Some(3));
    assert_eq!(start("[a-z]+#", b"abc#", true, 4), Some(0));
    assert_eq!(start("[a-z]+#", b"abc#", false, 4), Some(1));
    assert_eq!(start("^abc", b"xabc", false, 4), None);
    assert_eq!(start(r"\bfoo\b", "\u{e9}foo foo ".as_bytes(), true, 9), Some(6));
}

#[test]
fn what_cannot_be_looked_for_is_refused() {
    let refused = |text| Pattern::new(text, true).expect_err(text).to_string();
    assert_eq!(refused("a(b"), "unclosed group (character 2)");
    assert_eq!(refused("a*"), "it matches the empty string, and so everywhere");
    assert_eq!(refused("^$"), "it matches the empty string, and so everywhere");
    assert_eq!(refused(r"[a&&b]"), "nothing can match it");
    assert_eq!(refused(r"\w{999999}"), "it needs more than 10 MiB when compiled");
    assert!(Pattern::new(r"(?-u:\xff)", true).is_err() && Pattern::new(r"(?-u:\xff)", false).is_ok());
}

proptest! {
    #[test]
    fn it_agrees_with_a_search_of_the_whole(
        text in r"(\^|\\b|\\B|\(\?m\)\^|)([abé\n ]|\.|\[ab\]|\\w|\\s|a\+|b\?|\(a\|éb\)){1,4}(\$|\\b|\\B|\(\?m:\$\)|\\z|)",
        haystack in prop::collection::vec(prop::sample::select(&b"ab \n\xc3\xa9\xff"[..]), 0..12),
        cuts in prop::collection::vec(0..12_usize, 0..4),
    ) {
        let Ok(pattern) = Pattern::new(&text, false) else { return Ok(()) };
        let pattern = Rc::new(pattern);
        let wanted = smallest_end(&text, &haystack);
        let mut cuts: Vec<usize> = cuts.into_iter().map(|cut| cut.min(haystack.len())).collect();
        cuts.sort_unstable();
        let mut pieces = Vec::new();
        let mut from = 0;
        for cut in cuts.into_iter().chain([haystack.len()]) {
            pieces.push(&haystack[from..cut]);
            from = cut;
        }
        prop_assert_eq!(scan(&pattern, pieces.iter().copied()), wanted, "{:?}", pieces);
        prop_assert_eq!(scan(&pattern, haystack.chunks(1)), wanted);
    }
}
