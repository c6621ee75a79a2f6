//! `Editor`: the line being typed on a terminal: bytes of its keyboard in, lines out; and [`Display`], where it stands on
//! the screen. Pure: no terminal, no clock, no files.
//!
//! Owns what each key does. The crates for line editing read the terminal themselves and wait; this one is fed by the event loop.

pub mod charset;
pub mod command;
pub mod display;
pub mod history;
pub mod keys;
pub mod line;
pub mod raw;

use encoding_rs::Encoding;

use command::Command;
use display::View;
use history::History;
use keys::{Key, Keys};
use line::Line;

/// What came of keys.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Outcome {
    /// A line was typed and ended.
    Line(String),
    /// Text is to be sent without an end of the line (`^D` behind text).
    Part(String),
    /// The end of input (`^D` at the beginning of a line).
    End,
    /// The screen is to be cleared.
    Clear,
    /// Something is asked of tcpx itself.
    Command(Command),
}

/// The state of the editor.
#[derive(Debug, Default)]
pub struct Editor {
    keys: Keys,
    line: Line,
    history: History,
    search: Option<Search>,
    /// What was cut last.
    cut: String,
    /// Lines for later runs.
    remembered: Vec<String>,
    /// The line began with a typed `~` and may become a command.
    is_command: bool,
    /// A command has acted with its letter: an Enter right behind it means nothing.
    has_acted: bool,
    /// Numbers of clients are commands: so many digits at most.
    digits: usize,
}

/// A search in the history, from the newest line to the oldest.
#[derive(Debug)]
struct Search {
    text: String,
    /// The line that was found.
    found: Option<usize>,
    /// The line as it was.
    before: Line,
}

impl Editor {
    /// Sets the lines that were sent before.
    pub fn set_history(&mut self, lines: Vec<String>) {
        self.history = History::new(lines);
    }

    /// The terminal speaks this encoding; `None`: UTF-8.
    pub fn set_charset(&mut self, charset: Option<&'static Encoding>) {
        self.keys.set_charset(charset);
    }

    /// Reads bytes of the keyboard.
    pub fn feed(&mut self, bytes: &[u8]) -> Vec<Outcome> {
        let (mut keys, mut outcomes) = (Vec::new(), Vec::new());
        self.keys.push(bytes, &mut keys);
        for key in keys {
            self.press(key, &mut outcomes);
        }
        outcomes
    }

    /// Whether a paste is going on, so that its end will come.
    pub fn is_in_paste(&self) -> bool {
        self.keys.is_in_paste()
    }

    /// There are clients to choose from, with numbers up to this; 0: there is one peer.
    pub fn set_clients(&mut self, newest: u64) {
        self.digits = if newest == 0 { 0 } else { newest.to_string().len() };
    }

    /// Begins a line with words of a command that were typed already.
    pub fn begin_command(&mut self, words: &str) {
        self.line.set(words);
        self.is_command = true;
    }

    /// Takes the lines that were typed since the last call and are to be kept for later runs.
    pub fn take_remembered(&mut self) -> Vec<String> {
        std::mem::take(&mut self.remembered)
    }

    /// Whether nothing is typed.
    pub fn is_empty(&self) -> bool {
        self.line.is_empty() && self.search.is_none()
    }

    /// Ends a line.
    fn accept(&mut self) -> Outcome {
        let line = self.line.take();
        if self.history.add(&line) {
            self.remembered.push(line.clone());
        }
        Outcome::Line(line)
    }

    /// What is to be shown.
    pub fn view(&self) -> View {
        let prefix = self.search.as_ref().map_or_else(String::new, |search| {
            let failed = if search.found.is_none() && !search.text.is_empty() { "failed " } else { "" };
            format!("({failed}search) `{}': ", search.text)
        });
        View { prefix, text: self.line.text().to_owned(), cursor: self.line.cursor() }
    }

    fn press(&mut self, key: Key, outcomes: &mut Vec<Outcome>) {
        if self.search.is_some() && self.press_in_search(&key) {
            return;
        }
        let has_acted = std::mem::take(&mut self.has_acted);
        if has_acted && self.line.is_empty() && matches!(key, Key::Control(b'\r' | b'\n')) {
            return;
        }
        self.obey(key, outcomes);
        self.is_command &= !self.line.is_empty();
    }

    fn obey(&mut self, key: Key, outcomes: &mut Vec<Outcome>) {
        match key {
            Key::Text(text) => self.text(&text, outcomes),
            Key::Paste(text) => self.paste(&text, outcomes),
            Key::Control(byte) => self.control(byte, outcomes),
            Key::Alt(letter) => self.alt(letter),
            Key::Up => self.older(),
            Key::Down => self.newer(),
            Key::Left => self.line.left(),
            Key::Right => self.line.right(),
            Key::WordLeft => self.line.word_left(),
            Key::WordRight => self.line.word_right(),
            Key::Home => self.line.home(),
            Key::End => self.line.end(),
            Key::Delete => self.line.delete(),
            Key::Escape => {}
        }
    }

    fn control(&mut self, byte: u8, outcomes: &mut Vec<Outcome>) {
        match byte {
            b'\r' | b'\n' => self.enter(outcomes),
            CTRL_A => self.line.home(),
            CTRL_B => self.line.left(),
            CTRL_D if self.line.is_empty() => outcomes.push(Outcome::End),
            CTRL_D => outcomes.push(Outcome::Part(self.line.take())),
            CTRL_E => self.line.end(),
            CTRL_F => self.line.right(),
            b'\t' => self.line.insert("\t"),
            BACKSPACE | DELETE => self.line.backspace(),
            CTRL_K => self.cut = self.line.cut_to_end(),
            CTRL_L => outcomes.push(Outcome::Clear),
            CTRL_N => self.newer(),
            CTRL_P => self.older(),
            CTRL_R => {
                self.search = Some(Search { text: String::new(), found: None, before: self.line.clone() });
            }
            CTRL_U => self.cut = self.line.cut_to_home(),
            CTRL_W => self.cut = self.line.cut_back_to_space(),
            CTRL_Y => self.line.insert(&self.cut),
            _ => {}
        }
    }

    /// Typed text. At the beginning of a line `~` is the beginning of a command, and `~~` a tilde.
    fn text(&mut self, text: &str, outcomes: &mut Vec<Outcome>) {
        let mut rest = text;
        while let Some(letter) = rest.chars().next() {
            if self.line.is_empty() && letter == '~' {
                self.is_command = true;
            } else if self.is_command && self.line.text() == "~" && self.line.cursor() == 1 {
                rest = &rest[letter.len_utf8()..];
                if letter == '~' {
                    self.is_command = false;
                } else if let Some(command) = Command::of_letter(letter) {
                    self.act(command, outcomes);
                } else {
                    self.line.insert(letter.encode_utf8(&mut [0; 4]));
                    if self.digits == 1
                        && let Some(command) = Command::of_line(self.line.text(), true)
                        && matches!(command, Command::Choose(_))
                    {
                        self.act(command, outcomes);
                    }
                }
                continue;
            } else {
                break;
            }
            self.line.insert("~");
            rest = &rest[1..];
        }
        self.line.insert(rest);
    }

    /// A command that acts with its letter.
    fn act(&mut self, command: Command, outcomes: &mut Vec<Outcome>) {
        self.line.take();
        (self.is_command, self.has_acted) = (false, true);
        outcomes.push(Outcome::Command(command));
    }

    fn enter(&mut self, outcomes: &mut Vec<Outcome>) {
        let command = Command::of_line(self.line.text(), self.digits > 0).filter(|_| self.is_command);
        if let Some(command) = command {
            self.line.take();
            return outcomes.push(Outcome::Command(command));
        }
        let line = self.accept();
        outcomes.push(line);
    }

    fn alt(&mut self, letter: char) {
        match letter {
            'b' => self.line.word_left(),
            'f' => self.line.word_right(),
            'd' => self.cut = self.line.cut_word_after(),
            '\u{7f}' | '\u{8}' => self.cut = self.line.cut_word_before(),
            _ => {}
        }
    }

    /// Whole lines of a paste are sent as if they had been typed; nothing in it is a key.
    fn paste(&mut self, text: &str, outcomes: &mut Vec<Outcome>) {
        let text = text.replace("\r\n", "\n").replace('\r', "\n");
        let mut lines = text.split('\n');
        self.line.insert(lines.next().unwrap_or_default());
        for line in lines {
            // What stood behind the cursor belongs to the last line.
            let rest = self.line.cut_to_end();
            outcomes.push(self.accept());
            self.line.set(&rest);
            self.line.home();
            self.line.insert(line);
        }
    }

    fn older(&mut self) {
        if let Some(line) = self.history.older(self.line.text()) {
            self.line.set(line);
            self.is_command = false;
        }
    }

    fn newer(&mut self) {
        if let Some(line) = self.history.newer() {
            self.line.set(line);
            self.is_command = false;
        }
    }

    // ---- search ---------------------------------------------------------------------------------------

    /// A key while searching. Returns whether the search has taken it; any other key ends the search and keeps what was found.
    fn press_in_search(&mut self, key: &Key) -> bool {
        let Some(search) = &mut self.search else { return false };
        match key {
            Key::Text(text) => {
                search.text.push_str(text);
                // The line that was found may still be the one.
                let before = search.found.map_or(usize::MAX, |at| at + 1);
                self.find(before);
            }
            Key::Control(BACKSPACE | DELETE) => {
                search.text.pop();
                self.find(usize::MAX);
            }
            Key::Control(CTRL_R) => {
                let before = search.found.unwrap_or(usize::MAX);
                self.find(before);
            }
            Key::Control(CTRL_G) => {
                let search = self.search.take();
                self.line = search.map(|search| search.before).unwrap_or_default();
            }
            Key::Escape => self.search = None,
            _ => {
                self.search = None;
                return false;
            }
        }
        true
    }

    fn find(&mut self, before: usize) {
        let Some(search) = &mut self.search else { return };
        if search.text.is_empty() {
            search.found = None;
            self.line = search.before.clone();
        } else if let Some((at, line)) = self.history.find(&search.text, before) {
            search.found = Some(at);
            self.line.set(line);
            self.is_command = false;
        } else if before == usize::MAX {
            search.found = None;
        }
    }
}

const CTRL_A: u8 = 1;
const CTRL_B: u8 = 2;
const CTRL_D: u8 = 4;
const CTRL_E: u8 = 5;
const CTRL_F: u8 = 6;
const CTRL_G: u8 = 7;
const BACKSPACE: u8 = 8;
const CTRL_K: u8 = 11;
const CTRL_L: u8 = 12;
const CTRL_N: u8 = 14;
const CTRL_P: u8 = 16;
const CTRL_R: u8 = 18;
const CTRL_U: u8 = 21;
const CTRL_W: u8 = 23;
const CTRL_Y: u8 = 25;
const DELETE: u8 = 127;

#[cfg(test)]
mod tests {
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
        let key = prop_oneof![
            any::<u8>().prop_map(|byte| vec![byte]),
            proptest::sample::select(telling).prop_map(Into::into)
        ];
        proptest::collection::vec(key, 0..40).prop_map(|keys| keys.concat())
    }
}
