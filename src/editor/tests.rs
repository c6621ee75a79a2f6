//! What keys make of lines.

use proptest::prelude::*;

use super::display::Display;
use super::*;

/// Types; returns the lines, and what is left with its cursor as `|`.
fn typed(editor: &mut Editor, keys: &str) -> (Vec<Outcome>, String) {
    let outcomes = editor.feed(keys.as_bytes());
    let view = editor.view();
    let (before, after) = view.text.split_at(view.cursor);
    (outcomes, format!("{}{before}|{after}", view.prefix))
}

fn left(keys: &str) -> String {
    typed(&mut Editor::default(), keys).1
}

fn with_history(lines: Vec<String>) -> Editor {
    let mut editor = Editor::default();
    editor.set_history(lines);
    editor
}

fn line(text: &str) -> Outcome {
    Outcome::Line(text.into())
}

#[test]
fn each_key_does_what_people_expect() {
    for (keys, shown) in [
        ("abc", "abc|"),
        ("abc\x01X\x05Y", "XabcY|"),
        ("abc\x1b[HX\x1b[FY", "XabcY|"),
        ("abc\x1b[D\x1b[DX\x1b[C", "aXb|c"),
        ("abc\x02\x02\x06", "ab|c"),
        ("a你👍🏽\x7f", "a你|"),
        ("a你👍🏽\x08\x08", "a|"),
        ("abc\x1b[D\x1b[3~", "ab|"),
        ("abc\x01\x1b[3~", "|bc"),
        ("ab cd\x02\x02\x0b", "ab |"),
        ("ab cd\x02\x02\x15", "|cd"),
        ("ab cd\x02\x02\x15\x05\x19", "cdab |"),
        ("ab cd\x17", "ab |"),
        ("ab cd\x1bb\x1bd", "ab |"),
        ("ab cd\x1b\x7f", "ab |"),
        ("ab cd\x1b[1;5D\x1b[1;5D", "|ab cd"),
        ("ab cd\x01\x1bf", "ab| cd"),
        ("a\tb", "a\tb|"),
        ("a\x16\x03b", "a\u{3}b|"),
        ("a\x1b[15~\x1c\x0fb", "ab|"),
    ] {
        assert_eq!(left(keys), shown, "{keys:?}");
    }
}

#[test]
fn enter_and_the_end_mean_what_they_do_without_an_editor() {
    let mut editor = Editor::default();
    assert_eq!(typed(&mut editor, "one\rtwo\n\n"), (vec![line("one"), line("two"), line("")], "|".into()));
    assert_eq!(typed(&mut editor, "half\x04").0, [Outcome::Part("half".into())]);
    assert_eq!(typed(&mut editor, "\x04").0, [Outcome::End]);
    assert_eq!(typed(&mut editor, "\x0c").0, [Outcome::Clear]);
    assert_eq!(typed(&mut editor, "ab\x02\n").0, [line("ab")], "wherever the cursor is");
}

#[test]
fn a_paste_is_sent_line_by_line_and_nothing_in_it_is_a_key() {
    let mut editor = Editor::default();
    let (outcomes, rest) = typed(&mut editor, "a|b\x02\x1b[200~1\r\n2\r3\x04\x03\x1b[201~");
    assert_eq!(outcomes, [line("a|1"), line("2")]);
    assert_eq!(rest, "3\u{4}\u{3}|b");
    let long = "x".repeat(10_000);
    let (outcomes, rest) = typed(&mut editor, &format!("\x15\x0b\x1b[200~{long}\x1b[201~\n"));
    assert_eq!((outcomes, rest), (vec![line(&long)], "|".into()));
}

/// Types what may hold `#`, to which there is an objection; returns what came of it and what is left.
fn refused(keys: &[&str]) -> (Vec<Outcome>, String) {
    let (mut editor, mut outcomes) = (Editor::default(), Vec::new());
    for keys in keys {
        outcomes.extend(editor.feed_unless(keys.as_bytes(), &|line| line.contains('#').then(|| "a sign".into())));
    }
    (outcomes, editor.line.text().to_owned())
}

#[test]
fn a_line_that_cannot_be_sent_stays() {
    let no = || Outcome::Refused("a sign".into());
    for (keys, outcomes, left) in [
        (&["a#b\n"][..], vec![no()], "a#b"),
        (&["a#b\n", "\x02\x7f\n"], vec![no(), line("ab")], ""),
        (&["a#\x04"], vec![no()], "a#"),
        (&["~#\n"], vec![no()], "~#"),
        (&["#\n~.\n"], vec![no(), no()], "#~."),
        (&["ok\n#\n", "\x15\x04"], vec![line("ok"), no(), Outcome::End], ""),
        (&["\x1b[200~1\n2#\n3\n4\x1b[201~"], vec![line("1"), no()], "2#\n3\n4"),
        (&["\x1b[200~2#\n3", "\n4\x1b[201~", "\n"], vec![no(), no()], "2#\n3\n4"),
        (&["\x1b[200~#\n3\x1b[201~", "\x01\x1b[3~\n"], vec![no(), line("\n3")], ""),
        (&["~e gbk\n#\n"], vec![Outcome::Command(Command::Encoding("gbk".into())), line("#")], ""),
    ] {
        assert_eq!(refused(keys), (outcomes, left.to_owned()), "{keys:?}");
    }
}

fn commands(keys: &str, newest: u64) -> (Vec<Outcome>, String) {
    let mut editor = with_history(vec!["~.".into()]);
    editor.set_clients(newest);
    typed(&mut editor, keys)
}

#[test]
fn a_tilde_at_the_beginning_of_a_line_begins_a_command() {
    let of = |command: &Command| vec![Outcome::Command(command.clone())];
    for (letter, command) in [
        ('?', Command::Help),
        ('.', Command::Leave),
        ('x', Command::Hex),
        ('i', Command::Info),
        ('r', Command::Reset),
        ('h', Command::HalfClose),
    ] {
        for keys in [format!("~{letter}"), format!("~{letter}\n"), format!("ab\x15~{letter}")] {
            assert_eq!(commands(&keys, 0), (of(&command), "|".into()), "{keys:?}");
        }
        assert_eq!(commands(&format!("~{letter}\n\n"), 0).0.len(), 2, "only one Enter means nothing");
    }
    for (keys, command) in [
        ("~e gbk\n", Command::Encoding("gbk".into())),
        ("~e\n", Command::Encoding(String::new())),
        ("~s  0d 0a \n", Command::Bytes("0d 0a".into())),
        ("~f /tmp/a b\n", Command::File("/tmp/a b".into())),
        ("~x\x7f~e x\n", Command::Hex),
    ] {
        assert_eq!(commands(keys, 0).0[0], Outcome::Command(command), "{keys:?}");
    }
    assert_eq!(commands("~3", 9).0, of(&Command::Choose(3)));
    assert_eq!(commands("~3", 10), (vec![], "~3|".into()));
    assert_eq!(commands("~12\n", 10).0, of(&Command::Choose(12)));
}

#[test]
fn everything_else_with_a_tilde_is_text() {
    for (keys, sent) in [
        ("~~\n", "~"),
        ("~~.\n", "~."),
        ("~\n", "~"),
        ("~/x\n", "~/x"),
        ("~else\n", "~else"),
        ("~3\n", "~3"),
        ("a~.\n", "a~."),
        (" ~.\n", " ~."),
        ("\x1b[200~~.\x1b[201~\n", "~."),
        ("\x1b[200~~e gbk\x1b[201~\n", "~e gbk"),
        ("\x1b[A\n", "~."),
        ("~\x7f\x1b[200~~e gbk\x1b[201~\n", "~e gbk"),
        ("~e x\x01a\n", "a~e x"),
    ] {
        assert_eq!(commands(keys, 0), (vec![line(sent)], "|".into()), "{keys:?}");
    }
}

#[test]
fn earlier_lines_come_back() {
    let mut editor = with_history(vec!["one".into(), "two".into()]);
    assert_eq!(typed(&mut editor, "half\x1b[A").1, "two|");
    assert_eq!(typed(&mut editor, "\x10").1, "one|");
    assert_eq!(typed(&mut editor, "\x1b[A").1, "one|");
    assert_eq!(typed(&mut editor, "\x0e\x1b[B").1, "half|");
    assert_eq!(typed(&mut editor, "\x15three\nthree\n secret\n\x1b[A").1, "three|");
    assert_eq!(editor.take_remembered(), ["three"]);
}

#[test]
fn earlier_lines_are_searched() {
    let lines = || vec!["get one".into(), "put".into(), "get two".into()];
    let mut editor = with_history(lines());
    assert_eq!(typed(&mut editor, "old\x12").1, "(search) `': old|");
    assert_eq!(typed(&mut editor, "ge").1, "(search) `ge': get two|");
    assert_eq!(typed(&mut editor, "\x12").1, "(search) `ge': get one|");
    assert_eq!(typed(&mut editor, "\x12").1, "(search) `ge': get one|", "there is none before");
    assert_eq!(typed(&mut editor, "\x7f\x7f").1, "(search) `': old|");
    assert_eq!(typed(&mut editor, "zz").1, "(failed search) `zz': old|");
    assert_eq!(typed(&mut editor, "\x07").1, "old|");
    assert_eq!(typed(&mut editor, "\x12pu\x1b").1, "put|", "Escape keeps it");
    assert_eq!(typed(&mut editor, "[D").1, "pu|t", "it was a key that moves");
    assert_eq!(typed(&mut editor, "\x12two\n").0, [line("get two")]);
}

proptest! {
    #[test]
    fn no_keys_break_the_line(bytes in any_keys(), size in 1usize..9, columns in 0usize..12, rows in 0usize..6) {
        let (mut editor, mut display) = (with_history(vec!["one".into(), "你".into()]), Display::new(columns, rows));
        let mut out = Vec::new();
        display.wake();
        for piece in bytes.chunks(size) {
            for outcome in editor.feed(piece) {
                if let Outcome::Line(text) | Outcome::Part(text) = outcome {
                    display.accept("", &text, true, &mut out);
                }
            }
            let view = editor.view();
            prop_assert!(view.text.is_char_boundary(view.cursor));
            display.set_view(view);
            display.redraw(&mut out);
            display.receive(b"ab", &mut out);
            display.resize(columns + piece.len(), rows + 1);
        }
        let out = String::from_utf8(out).expect("text is drawn");
        prop_assert!(out.chars().all(|letter| !letter.is_control() || matches!(letter, '\r' | '\n' | '\x1b')));
    }

    #[test]
    fn text_is_sent_as_it_was_typed(text in "[^\\p{Cc}\\p{Co}~][^\\p{Cc}\\p{Co}]{0,40}") {
        prop_assert_eq!(Editor::default().feed(format!("{text}\n").as_bytes()), [line(&text)]);
    }
}

fn any_keys() -> impl Strategy<Value = Vec<u8>> {
    let telling: &[&str] = &[
        "\x1b[A",
        "\x1b[200~",
        "\x1b[201~",
        "\x12",
        "\n",
        "~",
        "e ",
        "\x7f",
        "\t",
        "你",
        "👍🏽",
        "\u{301}",
        "\x16",
        "\x17",
    ];
    let key =
        prop_oneof![any::<u8>().prop_map(|byte| vec![byte]), proptest::sample::select(telling).prop_map(Into::into)];
    proptest::collection::vec(key, 0..40).prop_map(|keys| keys.concat())
}
