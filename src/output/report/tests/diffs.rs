//! Differences: lines, words, bytes, and how much of them is shown.

use super::super::diff::rows;
use super::*;

/// The rows as text, with `[` and `]` around what is marked.
fn shown(expected: &Value, received: &Value) -> Vec<String> {
    let rows = rows(expected, received).expect("no pattern");
    let mark = |(changed, text): &(bool, String)| if *changed { format!("[{text}]") } else { text.clone() };
    rows.iter().map(|row| format!("{}{}", row.sign(), row.parts.iter().map(mark).collect::<String>())).collect()
}

fn texts(expected: &str, received: &str) -> Vec<String> {
    shown(&Value::Text(expected.to_owned()), &Value::Text(received.to_owned()))
}

fn blobs(expected: &[u8], received: &[u8]) -> Vec<String> {
    shown(&Value::Bytes(expected.to_vec()), &Value::Bytes(received.to_vec()))
}

#[test]
fn changed_words_are_marked() {
    assert_eq!(texts("one two three", "one 2 three"), ["-one [two] three", "+one [2] three"]);
    assert_eq!(texts("+PONG\r", "+PING\r"), ["-+P[O]NG\\r", "++P[I]NG\\r"]);
    assert_eq!(texts("+PONG\r", "+PONG"), ["-+PONG[\\r]", "++PONG"]);
    assert_eq!(texts("abc", "xyz"), ["-abc", "+xyz"]);
    assert_eq!(texts("你好 a", "你坏 a"), ["-你[好] a", "+你[坏] a"]);
    assert_eq!(texts("a b ", "a b"), ["-a b[ ]", "+a b"]);
}

#[test]
fn lines_have_a_few_equal_ones_around() {
    let lines: Vec<_> = (0..20).map(|number| format!("line {number}")).collect();
    let old = lines.join("\n");
    let new = old.replace("line 10", "line ten");
    let wanted = [
        "~… 7 equal lines before",
        " line 7",
        " line 8",
        " line 9",
        "-line [10]",
        "+line [ten]",
        " line 11",
        " line 12",
        " line 13",
    ];
    assert_eq!(texts(&old, &new), wanted);
    assert_eq!(texts("a\nb\nc", "a\nc"), [" a", "-b", " c"]);
    let far = texts(&old, &new.replace("line 1\n", "").replace("line 18", "end"));
    assert!(far.contains(&"-line 1".to_owned()) && far.contains(&"~…".to_owned()), "{far:?}");
}

#[test]
fn what_cannot_be_seen_is_said() {
    assert_eq!(texts("a\n", "a"), ["~received has no line end at its end"]);
    assert_eq!(texts("a", "a\n"), ["~expected has no line end at its end"]);
    assert_eq!(texts("", "a"), ["~expected is empty", "+a",]);
    assert_eq!(texts("a", ""), ["~received is empty", "-a"]);
    assert_eq!(texts("1", "1"), ["~both look the same"]);
    assert_eq!(blobs(b"1", b"1"), ["~both are the same bytes"]);
    let mixed = shown(&Value::Text("a".to_owned()), &Value::Bytes(b"a".to_vec()));
    assert_eq!(mixed, ["~both are the same bytes"]);
    assert!(rows(&Value::Pattern("a".to_owned()), &Value::Text("b".to_owned())).is_none());
}

#[test]
fn changed_bytes_are_marked() {
    assert_eq!(
        blobs(b"\x00\x01abc", b"\x00\x02abcd"),
        [
            "~expected 5 bytes, received 6; the first difference is at offset 1 (0x1)",
            "-00000000  00 [01] 61 62 63                                    |..abc|",
            "+00000000  00 [02] 61 62 63 [64]                                 |..abcd|",
        ]
    );
    let (old, mut new) = ([b'x'; 100], [b'x'; 100]);
    (new[40], new[90]) = (b'A', b'B');
    let rows = blobs(&old, &new);
    let starts: Vec<_> = rows.iter().map(|row| row.chars().take(9).collect::<String>()).collect();
    assert_eq!(
        starts,
        ["~both hav", " 00000010", "-00000020", "+00000020", "~…", " 00000040", "-00000050", "+00000050"]
    );
    assert!(rows[3].contains("78  [41] 78"), "{}", rows[3]);
    assert!(blobs(&[0; 9000], &[1; 9000]).last().is_some_and(|row| row == "~… more rows differ"));
    assert_eq!(blobs(b"", b"a").len(), 2);
}

#[test]
fn a_long_line_is_cut_around_its_change() {
    let long = "x".repeat(5000);
    let rows = texts(&format!("{long}A{long}"), &format!("{long}B{long}"));
    assert!(rows[0].starts_with("-…xxx") && rows[0].contains("x[A]x") && rows[0].ends_with("more characters)"));
    assert!(rows.iter().all(|row| row.chars().count() < 200), "{rows:?}");
}

#[test]
fn both_sides_of_a_long_line_show_the_place_of_the_difference() {
    let list = |numbers: &mut dyn Iterator<Item = u32>| format!("{:?}", numbers.collect::<Vec<_>>());
    let all = list(&mut (0..1000));
    for (name, other) in [
        ("one is missing", list(&mut (0..1000).filter(|n| *n != 500))),
        ("one more", list(&mut (0..1000).flat_map(|n| std::iter::repeat_n(n, 1 + usize::from(n == 500))))),
        ("another one", list(&mut (0..1000).map(|n| if n == 500 { 7 } else { n }))),
        ("all behind it", list(&mut (0..1000).map(|n| if n < 500 { n } else { 7 }))),
        ("the rest is missing", list(&mut (0..501))),
        ("much more", list(&mut (0..9000).filter(|n| *n != 500))),
    ] {
        for rows in [texts(&all, &other), texts(&other, &all)] {
            assert_eq!(rows.len(), 2, "{name}: {rows:?}");
            assert!(rows.iter().all(|row| row.contains("498, 499")), "{name}: {rows:?}");
            assert!(rows.iter().all(|row| row.chars().count() < 200), "{name}: {rows:?}");
        }
    }
}
