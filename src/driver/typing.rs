//! Typing: keys of the terminal become lines of stdin, and what they draw goes to stdout.
//!
//! Owns when keys are read and when the terminal is drawn anew. What keys do is `editor`'s, the lines are `typed_lines`'.

use mio::Interest;

use crate::driver::io::Source;
use crate::driver::parts::Parts;

impl Parts {
    /// Registers the keyboard.
    pub(super) fn begin_typing(&mut self) {
        let Some(lines) = self.typed_lines.clone() else { return };
        let io = &mut self.io;
        // Without events, lines are the terminal's.
        lines.with_source(&mut |source| drop(io.register(source, Interest::READABLE, Source::Keyboard)));
        self.stdin.ring(&mut self.io);
    }

    /// Reads keys.
    pub(super) fn keyboard_turn(&mut self) {
        let Some(lines) = self.typed_lines.clone() else { return };
        if lines.read_keys() {
            self.stdin.ring(&mut self.io);
        }
        self.draw_typing();
    }

    /// Writes what the line needs on the screen.
    pub(super) fn draw_typing(&mut self) {
        let Some(drawing) = self.typed_lines.as_ref().map(|lines| lines.take_drawing()) else { return };
        if !drawing.is_empty() {
            let result = self.stdout.draw(&mut self.io, drawing);
            self.after_output(result);
        }
    }

    /// The terminal has another size.
    pub(super) fn terminal_resized(&mut self) {
        if let Some(lines) = &self.typed_lines {
            lines.resize();
        }
        self.draw_typing();
    }

    /// The process goes on after it was stopped.
    pub(super) fn process_continued(&mut self) {
        if let Some(lines) = &self.typed_lines {
            lines.go_on();
        }
        self.stdin.ring(&mut self.io);
    }
}
