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
    shown(&Value::whole(Content::Text(expected.to_owned())), &Value::whole(Content::Text(received.to_owned())))
}

fn blobs(expected: &[u8], received: &[u8]) -> Vec<String> {
    shown(&Value::whole(Content::Bytes(expected.to_vec())), &Value::whole(Content::Bytes(received.to_vec())))
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
    let mixed = shown(&Value::whole(Content::Text("a".to_owned())), &Value::whole(Content::Bytes(b"a".to_vec())));
    assert_eq!(mixed, ["~both are the same bytes"]);
    assert!(
        rows(&Value::whole(Content::Pattern("a".to_owned())), &Value::whole(Content::Text("b".to_owned()))).is_none()
    );
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
    assert_eq!(rows[0], "~both have 10001 bytes");
    assert!(rows[1].starts_with("-…xxx") && rows[1].contains("x[A]x") && rows[1].ends_with("more characters)"));
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
        for mut rows in [texts(&all, &other), texts(&other, &all)] {
            let lengths = rows.remove(0);
            assert!(lengths.starts_with('~') && lengths.contains(" bytes"), "{name}: {lengths}");
            assert_eq!(rows.len(), 2, "{name}: {rows:?}");
            assert!(rows.iter().all(|row| row.contains("498, 499")), "{name}: {rows:?}");
            assert!(rows.iter().all(|row| row.chars().count() < 200), "{name}: {rows:?}");
        }
    }
}

#[test]
fn long_texts_have_their_lengths_beside_them() {
    let length_of = |expected: &str, received: &str| texts(expected, received).swap_remove(0);
    let long = "x".repeat(65_535);
    assert_eq!(length_of(&format!("{long}x"), &long), "~expected 65536 bytes, received 65535");
    assert_eq!(length_of("", &long), "~expected 0 bytes, received 65535");
    assert_eq!(length_of("short", &"y\n".repeat(100)), "~expected 5 bytes, received 200");
    assert_eq!(length_of(&"你".repeat(60), "x"), "~expected 180 bytes, received 1");
    // Of short ones everything is seen.
    assert_eq!(texts(&"x".repeat(160), "y").len(), 2);
    // Of a list it is the length of what is shown, which says nothing.
    let list = |text: &str| Value::whole(Content::Shown(text.to_owned()));
    assert_eq!(shown(&list(&long), &list("[]")).len(), 2);
}

#[test]
fn a_value_that_is_cut_keeps_its_length() {
    let text = |text: &str, length| Value { content: Content::Text(text.to_owned()), length };
    let long = "x".repeat(300);
    let rows = shown(&text(&format!("a{long}"), 900_000), &text(&format!("b{long}"), 800_000));
    assert_eq!(rows[0], "~expected 900000 bytes, received 800000");
    assert!(rows[1].ends_with("x…") && rows[2].ends_with("x…"), "{rows:?}");
    assert_eq!(rows[3], "~… the rest is not compared");
    let rows = shown(&text("a\nb\n", 900_000), &text("a\nc", 3));
    assert!(!rows.iter().any(|row| row.contains("line end")), "{rows:?}");
    let bytes = |bytes: &[u8], length| Value { content: Content::Bytes(bytes.to_vec()), length };
    let rows = shown(&bytes(b"ab", 900_000), &bytes(b"ac", 900_000));
    assert_eq!(rows[0], "~both have 900000 bytes; the first difference is at offset 1 (0x1)");
}

#[test]
fn every_report_says_how_long_a_long_value_is() {
    let value = |letter: &str, length| Value { content: Content::Text(letter.repeat(300)), length };
    let long = Failure {
        expected: Some(value("a", 70_000)),
        received: Some(value("b", 70_001)),
        ..failure(Kind::Assert, "the values are not equal")
    };
    let results = [failed("test_long", vec![long])];
    let said = "~ expected 70000 bytes, received 70001";
    for reporter in [&mut Human::new(false) as &mut dyn Reporter, &mut tap(), &mut junit()] {
        let text = report(reporter, &results, Ended::Complete);
        assert!(text.contains(said), "{text}");
    }
    let text = report(&mut tap(), &results, Ended::Complete);
    assert!(text.contains("aaa… 70000 bytes\"") && text.contains("bbb… 70001 bytes\""), "{text}");
    let text = report(&mut json(), &results, Ended::Complete);
    assert!(text.contains(r#"aaa","length":70000}"#) && text.contains(r#"bbb","length":70001}"#), "{text}");
    let pattern = Failure {
        expected: Some(Value { content: Content::Pattern("x+".repeat(200)), length: 80_000 }),
        received: Some(Value { content: Content::Bytes(vec![0xff; 300]), length: 90_000 }),
        ..failure(Kind::Assert, "it does not match")
    };
    let text = report(&mut Human::new(false), &[failed("test_long", vec![pattern])], Ended::Complete);
    assert!(text.contains("x+… 80000 bytes\n") && text.contains("ff … 90000 bytes]\n"), "{text}");
}
