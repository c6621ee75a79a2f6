//! `Display`: where the line being typed stands on the screen, and how it makes room for what arrives.
//!
//! Owns the column at which received text has ended, and the place of the line: behind a prompt that was there before the line
//! was begun, else on the row below. Gives out the bytes that draw it; writes nothing.

use std::fmt::Write;

use unicode_segmentation::UnicodeSegmentation;
use unicode_width::UnicodeWidthChar;

use crate::editor::charset::width;
use crate::editor::keys::raw_byte;

/// Bytes of colour sequences since the last reset that are kept.
const MOST_COLOURS: usize = 256;
const TAB: usize = 8;

/// What of a line is shown.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct View {
    /// Words before the line.
    pub prefix: String,
    /// The line.
    pub text: String,
    /// The cursor in the line, in bytes.
    pub cursor: usize,
}

impl View {
    fn is_empty(&self) -> bool {
        self.prefix.is_empty() && self.text.is_empty()
    }
}

/// A place on the screen; the column may be one behind the last, where the terminal waits for the next character to go on.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
struct Place {
    row: usize,
    column: usize,
}

/// The screen as far as it matters here.
#[derive(Debug)]
pub struct Display {
    columns: usize,
    rows: usize,
    /// Where what was received ends in its row.
    column: usize,
    /// Colours of what was received, which go on behind the line.
    colours: Vec<u8>,
    view: View,
    /// The line is below what was received, not beside.
    below: bool,
    /// If the line is on the screen: rows from the end of what was received to the cursor.
    shown: Option<usize>,
    /// Nothing is drawn: the terminal is another job's.
    asleep: bool,
    /// The colour of what is typed; empty: none.
    style: &'static str,
    /// Characters of ambiguous width have two columns.
    is_wide: bool,
}

impl Display {
    /// The screen of a terminal with this size, whose cursor is at the beginning of a row. It sleeps: no line is drawn.
    pub fn new(columns: usize, rows: usize) -> Self {
        Self {
            columns: columns.max(2),
            rows: rows.max(2),
            column: 0,
            colours: Vec::new(),
            view: View::default(),
            below: false,
            shown: None,
            asleep: true,
            style: "",
            is_wide: false,
        }
    }

    /// The terminal has another size now, and has wrapped its rows anew.
    pub fn resize(&mut self, columns: usize, rows: usize) {
        (self.columns, self.rows) = (columns.max(2), rows.max(2));
        self.column = self.column.min(self.columns - 1);
        if self.shown.is_some() {
            let row = self.layout().1.cursor.row.min(self.rows - 2);
            self.shown = Some(row + usize::from(self.below));
        }
    }

    /// Lines are drawn from now on.
    pub fn wake(&mut self) {
        self.asleep = false;
    }

    /// The terminal itself has shown a line with its end.
    pub fn note_plain_line(&mut self) {
        if self.asleep {
            (self.column, self.below) = (0, false);
        }
    }

    /// Takes what the terminal itself has shown of a line from the screen.
    pub fn wipe_echo(&mut self, out: &mut Vec<u8>) {
        self.shown = Some(0);
        self.hide(out);
    }

    /// Lines are not drawn any more.
    pub fn sleep(&mut self) {
        self.asleep = true;
    }

    /// What is on the screen is not known any more: another job has used it. The cursor is taken to be at the beginning of a row.
    pub fn forget(&mut self) {
        (self.shown, self.column, self.below) = (None, 0, false);
        self.colours.clear();
    }

    /// The sequence that takes back the colours of what was received, if there are any.
    pub fn take_reset(&mut self) -> bool {
        !std::mem::take(&mut self.colours).is_empty()
    }

    /// Another line, or another cursor.
    pub fn set_view(&mut self, view: View) {
        self.view = view;
    }

    /// Draws the line anew.
    pub fn redraw(&mut self, out: &mut Vec<u8>) {
        if self.hide(out) {
            out.extend_from_slice(&self.colours);
        }
        self.show(out);
    }

    /// Clears the screen but for the line.
    pub fn clear(&mut self, out: &mut Vec<u8>) {
        out.extend_from_slice(b"\x1b[H\x1b[2J");
        (self.shown, self.column, self.below) = (None, 0, false);
        self.show(out);
    }

    /// Adds received bytes, safe for a terminal, above the line.
    pub fn receive(&mut self, bytes: &[u8], out: &mut Vec<u8>) {
        self.before(out);
        out.extend_from_slice(bytes);
        self.after(bytes, out);
    }

    /// Takes the line from the screen, before something is written that [`Display::after`] is told of.
    pub fn before(&mut self, out: &mut Vec<u8>) {
        if self.hide(out) {
            out.extend_from_slice(&self.colours);
        }
    }

    /// Draws the line again, after these bytes were written.
    pub fn after(&mut self, bytes: &[u8], out: &mut Vec<u8>) {
        self.follow(bytes);
        self.show(out);
    }

    /// What our own words need before them: the line off the screen, no colours, a fresh row.
    pub fn before_words(&mut self, out: &mut Vec<u8>) {
        self.hide(out);
        if !self.colours.is_empty() {
            out.extend_from_slice(RESET);
            self.colours.clear();
        }
        if self.column > 0 {
            out.extend_from_slice(b"\r\n");
            self.column = 0;
        }
        self.below = false;
    }

    /// Draws the line after our own words, which were whole rows. Nothing if it is there.
    pub fn after_words(&mut self, out: &mut Vec<u8>) {
        if self.shown.is_none() {
            self.show(out);
        }
    }

    /// The line is done: it stays on the screen, with its end if `ends`; the next one is empty. A `mark` before it begins a row.
    pub fn accept(&mut self, mark: &str, text: &str, ends: bool, out: &mut Vec<u8>) {
        self.hide(out);
        self.view = View::default();
        if !self.asleep {
            self.below |= !mark.is_empty() && self.column > 0;
            self.begin(out);
            out.extend_from_slice(mark.as_bytes());
            self.column += width(mark, self.is_wide);
            let end = self.print(text, self.column, 0..usize::MAX, out);
            self.column = end.column;
            if ends {
                out.extend_from_slice(b"\r\n");
                self.column = 0;
            }
            out.extend_from_slice(&self.colours);
        }
        self.below = false;
    }

    /// Shows what is typed and sent key by key.
    pub fn echo(&mut self, typed: &str, out: &mut Vec<u8>) {
        let mut shown = String::new();
        for letter in typed.chars() {
            match letter {
                '\r' | '\n' => shown.push_str("\r\n"),
                _ if is_plain(letter) => shown.push(letter),
                _ => shown.push_str(&escaped(letter)),
            }
        }
        self.before(out);
        out.extend_from_slice(self.style.as_bytes());
        out.extend_from_slice(shown.as_bytes());
        if !self.style.is_empty() {
            out.extend_from_slice(RESET);
        }
        out.extend_from_slice(&self.colours);
        self.after(shown.as_bytes(), out);
    }

    /// What is typed has this colour.
    pub fn set_style(&mut self, style: &'static str) {
        self.style = style;
    }

    /// Characters of ambiguous width have two columns here.
    pub fn set_wide(&mut self, is_wide: bool) {
        self.is_wide = is_wide;
    }

    /// Leaves the line on the screen as it is, and the cursor behind it on a fresh row.
    pub fn leave(&mut self, out: &mut Vec<u8>) {
        if self.shown.is_some() {
            self.view.cursor = self.view.text.len();
            self.redraw(out);
            out.extend_from_slice(b"\r\n");
            self.column = 0;
        }
        (self.shown, self.view, self.below) = (None, View::default(), false);
    }

    // ---- drawing --------------------------------------------------------------------------------------

    /// Takes the line from the screen. Returns whether it was there; colours are not what they were.
    fn hide(&mut self, out: &mut Vec<u8>) -> bool {
        let Some(rows) = self.shown.take() else { return false };
        if rows > 0 {
            push(out, format_args!("\x1b[{rows}A"));
        }
        out.push(b'\r');
        if self.column > 0 {
            push(out, format_args!("\x1b[{}C", self.column));
        }
        out.extend_from_slice(b"\x1b[J");
        true
    }

    fn show(&mut self, out: &mut Vec<u8>) {
        if self.asleep {
            return;
        }
        if self.view.is_empty() {
            self.below = false;
            return;
        }
        if self.column == self.columns {
            // Where the terminal stands now, no movement leads back to.
            out.extend_from_slice(b"\r\n");
            (self.column, self.below) = (0, false);
        }
        let height = self.rows - 1;
        let (mut text, mut layout) = self.layout();
        if layout.rows > height && self.column > 0 && !self.below {
            self.below = true;
            (text, layout) = self.layout();
        }
        let first = (layout.cursor.row + 1).saturating_sub(height);
        if !self.colours.is_empty() {
            out.extend_from_slice(RESET);
        }
        if self.below {
            out.extend_from_slice(b"\r\n");
        }
        let start = if self.below { 0 } else { self.column };
        let mut end = self.print(&text, start, first..first + height, out);
        if end.column == self.columns && layout.cursor.row > end.row {
            out.extend_from_slice(b"\r\n");
            end = Place { row: end.row + 1, column: 0 };
        }
        if end != layout.cursor {
            let up = end.row.saturating_sub(layout.cursor.row);
            if up > 0 {
                push(out, format_args!("\x1b[{up}A"));
            }
            out.push(b'\r');
            if layout.cursor.column > 0 {
                push(out, format_args!("\x1b[{}C", layout.cursor.column));
            }
        }
        self.shown = Some(layout.cursor.row - first + usize::from(self.below));
    }

    /// The whole text, and where it stands.
    fn layout(&self) -> (String, Layout) {
        let text = format!("{}{}", self.view.prefix, self.view.text);
        let start = if self.below { 0 } else { self.column };
        let cursor = self.view.prefix.len() + self.view.cursor;
        let mut found = None;
        let mut end = self.walk(&text, start, &mut |at, place, _| {
            if at >= cursor && found.is_none() {
                found = Some(place);
            }
        });
        if end.column == self.columns {
            end = Place { row: end.row + 1, column: 0 };
        }
        let layout = Layout { rows: end.row + 1, cursor: found.unwrap_or(end) };
        (text, layout)
    }

    /// Prints those rows of a text that begins at a column of row 0. Returns where it ends.
    fn print(&self, text: &str, start: usize, rows: std::ops::Range<usize>, out: &mut Vec<u8>) -> Place {
        out.extend_from_slice(self.style.as_bytes());
        let mut end = Place { row: 0, column: start };
        self.walk(text, start, &mut |_, place, shown| {
            if rows.contains(&place.row) {
                out.extend_from_slice(shown.as_bytes());
                end = Place { row: place.row, column: place.column + width(shown, self.is_wide) };
            }
        });
        if !self.style.is_empty() {
            out.extend_from_slice(RESET);
        }
        end
    }

    /// Walks over a text that begins at a column: each piece that the terminal never cuts, with its position in the text and its
    /// place. Returns where the text ends.
    fn walk(&self, text: &str, start: usize, each: &mut dyn FnMut(usize, Place, &str)) -> Place {
        let columns = self.columns;
        let mut place = Place { row: 0, column: start };
        let mut put = |at: usize, shown: &str| {
            let width = width(shown, self.is_wide);
            if place.column + width > columns {
                place = Place { row: place.row + 1, column: 0 };
            }
            each(at, place, shown);
            place.column += width;
            place.column
        };
        let mut column = start;
        let mut letter = [0; 4];
        for (at, cluster) in text.grapheme_indices(true) {
            let first = cluster.chars().next().unwrap_or_default();
            if first == '\t' {
                let from = if column >= columns { 0 } else { column };
                // A terminal stays in its last column.
                let spaces = (TAB - from % TAB).min((columns - 1).saturating_sub(from)).max(1);
                for _ in 0..spaces {
                    column = put(at, " ");
                }
            } else if is_plain(first) {
                column = put(at, cluster);
            } else {
                // CR and LF are one cluster.
                for control in cluster.chars() {
                    for part in escaped(control).chars() {
                        column = put(at, part.encode_utf8(&mut letter));
                    }
                }
            }
        }
        place
    }

    /// A line that is on the row below what was received begins there.
    fn begin(&mut self, out: &mut Vec<u8>) {
        if !self.colours.is_empty() {
            out.extend_from_slice(RESET);
        }
        if self.below || self.column == self.columns {
            out.extend_from_slice(b"\r\n");
            self.column = 0;
        }
    }

    /// Follows the cursor through received bytes.
    fn follow(&mut self, bytes: &[u8]) {
        if bytes.is_empty() {
            return;
        }
        self.follow_colours(bytes);
        let tail = match memchr::memrchr(b'\n', bytes) {
            Some(end) => {
                self.column = 0;
                &bytes[end + 1..]
            }
            None => bytes,
        };
        let text = String::from_utf8_lossy(tail);
        let mut rest = text.as_ref();
        while !rest.is_empty() {
            let plain = rest.find('\x1b').unwrap_or(rest.len());
            for part in rest[..plain].split_inclusive('\r') {
                let line = part.strip_suffix('\r');
                self.column = self.walk(line.unwrap_or(part), self.column, &mut |_, _, _| ()).column;
                if line.is_some() {
                    self.column = 0;
                }
            }
            rest = &rest[plain..];
            rest = rest.find('m').filter(|_| !rest.is_empty()).map_or("", |end| &rest[end + 1..]);
        }
        self.below = self.column > 0 && (self.below || !self.view.is_empty());
    }

    fn follow_colours(&mut self, bytes: &[u8]) {
        let mut rest = bytes;
        while let Some(at) = memchr::memchr(b'\x1b', rest) {
            let sequence = &rest[at..];
            let length = memchr::memchr(b'm', sequence).map_or(sequence.len(), |end| end + 1);
            let colour = &sequence[..length];
            if matches!(colour, b"\x1b[m" | b"\x1b[0m") {
                self.colours.clear();
            } else if self.colours.len() + length <= MOST_COLOURS {
                self.colours.extend_from_slice(colour);
            }
            rest = &sequence[length..];
        }
    }
}

const RESET: &[u8] = b"\x1b[0m";

/// Where a text stands.
#[derive(Debug)]
struct Layout {
    /// Number of rows.
    rows: usize,
    cursor: Place,
}

fn is_plain(letter: char) -> bool {
    !letter.is_control() && raw_byte(letter).is_none()
}

/// How a character without a picture is shown.
fn escaped(letter: char) -> String {
    match (raw_byte(letter), u32::from(letter)) {
        (Some(byte), _) => format!("\\x{byte:02x}"),
        (None, code @ (0..0x20 | 0x7f)) => format!("^{}", char::from(code as u8 ^ 0x40)),
        (None, code) if letter.width().is_none() => format!("\\x{code:02x}"),
        (None, _) => letter.to_string(),
    }
}

/// Writing to a vector cannot fail.
fn push(out: &mut Vec<u8>, words: std::fmt::Arguments<'_>) {
    let mut text = String::new();
    let _ = text.write_fmt(words);
    out.extend_from_slice(text.as_bytes());
}

#[cfg(test)]
#[path = "display_tests.rs"]
mod tests;
