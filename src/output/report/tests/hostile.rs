//! What scripts and peers send never breaks a format: control characters, ends of blocks, directives, not UTF-8.

use proptest::prelude::*;

use super::*;

/// A result in which every text is the given one.
fn full_of(text: &str, outcome: Outcome) -> TestResult {
    let place = Place { file: text.to_owned(), line: 1, column: 3, source: Some(text.to_owned()) };
    let failure = Failure {
        kind: Kind::Assert,
        message: text.to_owned(),
        hint: Some(text.to_owned()),
        place: Some(place),
        chain: vec![text.to_owned()],
        expected: Some(Value::whole(Content::Text(text.to_owned()))),
        received: Some(Value::whole(Content::Text(format!("{text}x\n{text}")))),
    };
    let bytes = Failure {
        expected: Some(Value::whole(Content::Bytes(b"\xff\x00\x1b[2J".to_vec()))),
        received: Some(Value::whole(Content::Text(text.to_owned()))),
        ..failure.clone()
    };
    let pattern = Failure { expected: Some(Value::whole(Content::Pattern(text.to_owned()))), ..failure.clone() };
    TestResult {
        file: text.to_owned(),
        name: text.to_owned(),
        outcome,
        failures: vec![failure, bytes, pattern],
        printed: text.to_owned(),
        events: vec![text.to_owned()],
        ..passed("")
    }
}

fn outcomes(text: &str) -> Vec<TestResult> {
    let skipped = Outcome::Skipped { reason: text.to_owned() };
    [Outcome::Failed, Outcome::Passed, skipped, Outcome::Interrupted(Cut::Signal)]
        .map(|outcome| full_of(text, outcome))
        .to_vec()
}

/// The faults of TAP: each line is of a form that both versions know, and numbers and YAML blocks are complete.
fn check_tap(tap: &str, count: usize) {
    let lines: Vec<&str> = tap.strip_suffix('\n').expect("a line end").split('\n').collect();
    assert_eq!(lines[..2], ["TAP version 13", &format!("1..{count}")], "{tap}");
    let (mut tests, mut in_block) = (0, false);
    for line in &lines[2..] {
        assert!(line.chars().all(|c| !c.is_control() || (c == '\t' && line.starts_with("# "))), "{line:?}");
        if in_block {
            assert!(line.starts_with("  ") && (*line == "  ..." || !line.trim_start().starts_with("...")), "{line:?}");
            in_block = *line != "  ...";
        } else if *line == "  ---" {
            in_block = true;
        } else if let Some(rest) = line.strip_prefix("ok ").or_else(|| line.strip_prefix("not ok ")) {
            tests += 1;
            let description = rest.strip_prefix(&format!("{tests} - ")).expect("the next number");
            let unescaped = description.replace("\\\\", "").replace("\\#", "");
            let directives = unescaped.matches('#').count();
            assert!(directives == usize::from(unescaped.contains(" # SKIP")), "{line:?}");
        } else {
            assert!(*line == "#" || line.starts_with("# "), "{line:?}");
        }
    }
    assert!(!in_block && tests == count, "{tap}");
}

fn check_all(text: &str) {
    let results = outcomes(text);
    xml::check(&report(&mut junit(), &results, Ended::Complete));
    check_tap(&report(&mut tap(), &results, Ended::Complete), results.len());
    let json: Json = serde_json::from_str(&report(&mut json(), &results, Ended::Complete)).expect("JSON");
    assert_eq!(json["tests"][0]["printed"], text);
    assert_eq!(json["tests"][0]["failures"][1]["expected"]["base64"], "/wAbWzJK");
    let human = report(&mut Human::new(false), &results, Ended::Complete);
    assert!(human.chars().all(|c| !c.is_control() || matches!(c, '\n' | '\t')), "{human:?}");
    let coloured = report(&mut Human::new(true), &results, Ended::Complete);
    assert_eq!(without_colours(&coloured).chars().filter(|c| *c == '\u{1b}').count(), 0, "{coloured:?}");
}

/// The text without the sequences that reports write themselves.
fn without_colours(text: &str) -> String {
    ["0", "2", "7", "27", "31", "32", "33"]
        .iter()
        .fold(text.to_owned(), |text, code| text.replace(&format!("\u{1b}[{code}m"), ""))
}

#[test]
fn a_message_is_escaped_once() {
    let text = "a\tb \\ \"c\" \u{1}";
    let tap = report(&mut tap(), &[full_of(text, Outcome::Failed)], Ended::Complete);
    let lines: Vec<&str> = tap.lines().map(str::trim).filter(|line| line.starts_with("message: ")).collect();
    assert_eq!(lines, [r#"message: "a\tb \\ \"c\" \x01""#; 4], "of the test and of its three failures");
}

#[test]
fn known_traps_break_no_format() {
    let controls: String = (0..0x20).chain(0x7f..0xa0).filter_map(char::from_u32).collect();
    for text in [
        "",
        " ",
        "\n",
        "\n\n",
        controls.as_str(),
        "\u{fffe}\u{ffff}\u{feff}\u{2028}\u{202e}",
        "]]>",
        "<![CDATA[x]]><!-- & -->",
        "a # SKIP b",
        "# TODO",
        "\\# \\",
        "...\n---\n  ...\nok 7\nBail out!\n1..3\n",
        "key: value",
        "key : value",
        ": x",
        "- item: x",
        "\"quoted\": \"x\" '",
        "\r\nok 9 - x\r\n",
        "1..2",
        "\u{1b}[2J\u{1b}]0;title\u{7}",
    ] {
        check_all(text);
    }
}

#[test]
fn junit_keeps_what_was_printed() {
    let mut result = passed("test_x");
    result.printed = "a\tb\u{1b}[31m\u{0}\r\n\u{9b}\n <&> \u{fffe}你".to_owned();
    let xml = report(&mut junit(), &[result], Ended::Complete);
    let wanted = "<system-out>a    b\\x1b[31m\\x00\n\\x9b\n &lt;&amp;&gt; \\u{fffe}你\n</system-out>";
    assert!(xml.contains(wanted), "{xml}");
}

#[test]
fn large_values_are_cut() {
    let line = "x".repeat(1 << 20);
    let lines = "line\n".repeat(100_000);
    for (one, other) in [(line.clone(), format!("{line}y")), (lines.clone(), lines.replace('n', "m")), (line, lines)] {
        let long = Failure { expected: Some(text(&one)), received: Some(text(&other)), ..failure(Kind::Assert, "no") };
        let bytes = Failure {
            expected: Some(Value::whole(Content::Bytes(one.into_bytes()))),
            received: Some(Value::whole(Content::Bytes(other.into_bytes()))),
            ..failure(Kind::Assert, "no")
        };
        let results = [failed("test_large", vec![long, bytes])];
        let human = report(&mut Human::new(false), &results, Ended::Complete);
        assert!(human.len() < 40_000, "{} bytes", human.len());
        assert!(report(&mut tap(), &results, Ended::Complete).len() < 80_000);
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(200))]

    #[test]
    fn no_text_breaks_a_format(text in any::<String>()) {
        check_all(&text);
    }

    #[test]
    fn no_mixture_of_traps_breaks_a_format(text in "([\\x00-\\x20#\\\\:\"'<>&.\\]\\-]|ok|SKIP|\u{fffe}|\u{85}){0,12}") {
        check_all(&text);
    }
}
