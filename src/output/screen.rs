//! `Screen`: the cursor and the colours of the terminal that stdout and stderr may share.
//!
//! Owns what our own words need before them: a reset of the peer's colours, and a fresh line; where a line is edited, the place of
//! that line; and the encoding of the terminal. Does not decide what the peer may write to a terminal (`terminal`).

use std::borrow::Cow;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, PoisonError};

use encoding_rs::Encoding;

use crate::editor::charset;
use crate::editor::display::Display;

/// State of a terminal, as far as stdout has changed it. Clones share it.
#[derive(Clone, Debug, Default)]
pub struct Screen(Arc<State>);

#[derive(Debug, Default)]
struct State {
    /// The last line is not ended.
    mid_line: AtomicBool,
    /// The last colour sequence was not a reset.
    coloured: AtomicBool,
    /// Set if lines may be edited; it then stands for the two above.
    display: Mutex<Option<Display>>,
    has_display: AtomicBool,
    /// The encoding of the terminal; `None`: UTF-8.
    charset: Option<&'static Encoding>,
}

impl Screen {
    /// A terminal with this encoding; `None`: UTF-8.
    pub fn with_charset(charset: Option<&'static Encoding>) -> Self {
        Self(Arc::new(State { charset, ..State::default() }))
    }

    /// The encoding of the terminal; `None`: UTF-8.
    pub fn charset(&self) -> Option<&'static Encoding> {
        self.0.charset
    }

    /// Text in the encoding of the terminal.
    pub fn encode(&self, text: Vec<u8>) -> Vec<u8> {
        match self.0.charset {
            Some(charset) => charset::encode(&text, charset),
            None => text,
        }
    }

    /// Notes bytes that were written to the terminal as data.
    pub fn note(&self, written: &[u8]) {
        if self.has_display() {
            return;
        }
        if let Some(at) = memchr::memrchr(b'\x1b', written) {
            self.0.coloured.store(!is_reset(&written[at..]), Ordering::Relaxed);
        }
        if let Some(last) = last_visible(written) {
            self.0.mid_line.store(last != b'\n', Ordering::Relaxed);
        }
    }

    /// Notes that somebody has typed a line, whose end the terminal has shown.
    pub fn note_typed_line(&self) {
        if self.has_display() {
            self.draw(|display, _| display.note_plain_line());
        }
        self.0.mid_line.store(false, Ordering::Relaxed);
    }

    /// Lines are edited on this terminal, or may be later.
    pub fn set_display(&self, mut display: Display) {
        display.set_wide(charset::is_wide(self.0.charset));
        *self.0.display.lock().unwrap_or_else(PoisonError::into_inner) = Some(display);
        self.0.has_display.store(true, Ordering::Release);
    }

    /// Whether lines may be edited on this terminal: what is written goes through [`Screen::draw`].
    pub fn has_display(&self) -> bool {
        self.0.has_display.load(Ordering::Acquire)
    }

    /// Works on the place of the line. Returns what is to be written, in the encoding of the terminal.
    pub fn draw(&self, work: impl FnOnce(&mut Display, &mut Vec<u8>)) -> Vec<u8> {
        let mut out = Vec::new();
        if let Some(display) = self.0.display.lock().unwrap_or_else(PoisonError::into_inner).as_mut() {
            work(display, &mut out);
        }
        self.encode(out)
    }

    /// What is written after our own words: the line that is being typed.
    pub fn take_suffix(&self) -> Vec<u8> {
        if self.has_display() { self.draw(Display::after_words) } else { Vec::new() }
    }

    /// What our own words need before them; the terminal is in that state afterwards.
    pub fn take_prefix(&self) -> Cow<'static, str> {
        if self.has_display() {
            return String::from_utf8_lossy(&self.draw(Display::before_words)).into_owned().into();
        }
        let prefix = match (!self.take_reset().is_empty(), self.0.mid_line.swap(false, Ordering::Relaxed)) {
            (false, false) => "",
            (false, true) => "\n",
            (true, false) => RESET,
            (true, true) => RESET_AND_LINE,
        };
        prefix.into()
    }

    /// The sequence that takes back the colours, if there are any.
    pub fn take_reset(&self) -> &'static str {
        if self.has_display() {
            let mut is_coloured = false;
            self.draw(|display, _| is_coloured = display.take_reset());
            return if is_coloured { RESET } else { "" };
        }
        if self.0.coloured.swap(false, Ordering::Relaxed) { RESET } else { "" }
    }
}

/// Whether bytes begin with the sequence that resets all colours.
fn is_reset(bytes: &[u8]) -> bool {
    bytes.starts_with(b"\x1b[m") || bytes.starts_with(b"\x1b[0m")
}

/// The last byte that is not part of a colour sequence.
fn last_visible(mut bytes: &[u8]) -> Option<u8> {
    while let Some(at) = memchr::memrchr(b'\x1b', bytes)
        && let [b'[', parameters @ .., b'm'] = &bytes[at + 1..]
        && parameters.iter().all(|byte| matches!(byte, b'0'..=b'9' | b';' | b':'))
    {
        bytes = &bytes[..at];
    }
    bytes.last().copied()
}

const RESET: &str = "\x1b[0m";
const RESET_AND_LINE: &str = "\x1b[0m\n";

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn our_words_begin_without_colours_on_a_fresh_line() {
        for (written, prefix) in [
            (&[b"line\n".as_slice()][..], ""),
            (&[b"half"], "\n"),
            (&[b"half", b"\n"], ""),
            (&[b"50%\r"], "\n"),
            (&[b"\x1b[31mred\n"], "\x1b[0m"),
            (&[b"\x1b[31mred"], "\x1b[0m\n"),
            (&[b"\x1b[31mred\x1b[0m\n"], ""),
            (&[b"\x1b[31mred\x1b[m", b"."], "\n"),
            (&[b"line\n\x1b[31m"], "\x1b[0m"),
            (&[b"line\n", b"\x1b[1m\x1b[0m"], ""),
            (&[b"\x1b[31m", b"a\n"], "\x1b[0m"),
            (&[b""], ""),
        ] {
            let screen = Screen::default();
            for bytes in written {
                screen.note(bytes);
            }
            assert_eq!(screen.take_prefix(), prefix, "{written:?}");
            assert_eq!(screen.take_prefix(), "", "{written:?}: once");
        }
    }

    #[test]
    fn a_typed_line_ends_the_line() {
        let screen = Screen::default();
        screen.note(b"\x1b[1mname: ");
        screen.clone().note_typed_line();
        assert_eq!(screen.take_reset(), "\x1b[0m");
        assert_eq!(screen.take_prefix(), "");
    }
}
