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
    /// What was typed cannot be sent, with the reason. It stays, to be edited.
    Refused(String),
}

/// Says why a line cannot be sent, if it cannot.
pub type Objection<'a> = &'a dyn Fn(&str) -> Option<String>;

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

    /// Reads bytes of the keyboard. Any line can be sent.
    pub fn feed(&mut self, bytes: &[u8]) -> Vec<Outcome> {
        self.feed_unless(bytes, &|_| None)
    }

    /// Reads bytes of the keyboard. A line to which there is an objection is not sent; once a command among them has changed what
    /// can be, none is known.
    pub fn feed_unless(&mut self, bytes: &[u8], objection: Objection<'_>) -> Vec<Outcome> {
        let (mut keys, mut outcomes) = (Vec::new(), Vec::new());
        self.keys.push(bytes, &mut keys);
        for key in keys {
            let objection = if outcomes.iter().any(is_command) { &|_: &str| None } else { objection };
            self.press(key, objection, &mut outcomes);
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

    fn press(&mut self, key: Key, objection: Objection<'_>, outcomes: &mut Vec<Outcome>) {
        if self.search.is_some() && self.press_in_search(&key) {
            return;
        }
        let has_acted = std::mem::take(&mut self.has_acted);
        if has_acted && self.line.is_empty() && matches!(key, Key::Control(b'\r' | b'\n')) {
            return;
        }
        self.obey(key, objection, outcomes);
        self.is_command &= !self.line.is_empty();
    }

    fn obey(&mut self, key: Key, objection: Objection<'_>, outcomes: &mut Vec<Outcome>) {
        match key {
            Key::Text(text) => self.text(&text, outcomes),
            Key::Paste(text) => self.paste(&text, objection, outcomes),
            Key::Control(byte) => self.control(byte, objection, outcomes),
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

    fn control(&mut self, byte: u8, objection: Objection<'_>, outcomes: &mut Vec<Outcome>) {
        match byte {
            b'\r' | b'\n' => self.enter(objection, outcomes),
            CTRL_A => self.line.home(),
            CTRL_B => self.line.left(),
            CTRL_D if self.line.is_empty() => outcomes.push(Outcome::End),
            CTRL_D => match objection(self.line.text()) {
                Some(why) => outcomes.push(Outcome::Refused(why)),
                None => outcomes.push(Outcome::Part(self.line.take())),
            },
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

    fn enter(&mut self, objection: Objection<'_>, outcomes: &mut Vec<Outcome>) {
        let command = Command::of_line(self.line.text(), self.digits > 0).filter(|_| self.is_command);
        if let Some(command) = command {
            self.line.take();
            return outcomes.push(Outcome::Command(command));
        }
        let line = objection(self.line.text()).map_or_else(|| self.accept(), Outcome::Refused);
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

    /// Whole lines of a paste are sent as if they had been typed; nothing in it is a key. From one that cannot be sent on, all of it
    /// stays, as one line.
    fn paste(&mut self, text: &str, objection: Objection<'_>, outcomes: &mut Vec<Outcome>) {
        let text = text.replace("\r\n", "\n").replace('\r', "\n");
        let mut lines = text.split('\n');
        self.line.insert(lines.next().unwrap_or_default());
        let mut is_refused = self.line.text().contains('\n');
        for line in lines {
            if !is_refused && let Some(why) = objection(self.line.text()) {
                outcomes.push(Outcome::Refused(why));
                is_refused = true;
            }
            if is_refused {
                self.line.insert("\n");
                self.line.insert(line);
                continue;
            }
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

fn is_command(outcome: &Outcome) -> bool {
    matches!(outcome, Outcome::Command(_))
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
mod tests;
