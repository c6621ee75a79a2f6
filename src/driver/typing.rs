//! Typing: keys of the terminal become lines of stdin, and what they draw goes to stdout.
//!
//! Owns when keys are read and commands carried out, and when the terminal is drawn anew. What keys do is `editor`'s, the lines are `typed_lines`'.

use mio::Interest;

use crate::driver::io::Source;
use crate::driver::parts::Parts;
use crate::driver::peer::Peer;
use crate::driver::typed_lines::TypedLines;

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
        if self.chooses_clients() {
            lines.set_clients(self.peers.iter().map(Peer::id).max().unwrap_or(0).max(1));
        }
        lines.set_mark(self.typed_mark());
        self.note_sendable();
        if lines.read_keys() {
            self.stdin.ring(&mut self.io);
        }
        self.obey_commands();
    }

    /// What stands before a line once it is sent: the time (`--timestamps`), to whom it goes (`--label`).
    fn typed_mark(&mut self) -> String {
        let stamp = self.stdout.typed_stamp(&mut self.io);
        let label = if self.config.output.label {
            let target = match self.stdin_targets().as_slice() {
                &[target] => self.peers.get(target),
                _ => None,
            };
            self.outlets.typed_mark(target.map(|peer| &**peer.link.view()))
        } else {
            None
        };
        match (stamp, label) {
            (stamp, Some(label)) => format!("{}{label}", stamp.unwrap_or_default()),
            (Some(stamp), None) => format!("{stamp}> "),
            (None, None) => String::new(),
        }
    }

    /// Carries out the commands whose turn it is, and writes what the line needs on the screen.
    pub(super) fn obey_commands(&mut self) {
        while let Some(command) = self.typed_lines.as_ref().and_then(TypedLines::take_command) {
            self.obey_typed(&command);
            // Lines may have waited for it.
            self.stdin.ring(&mut self.io);
        }
        self.draw_typing();
    }

    /// Writes what the line needs on the screen.
    pub(super) fn draw_typing(&mut self) {
        let Some(drawing) = self.typed_lines.as_ref().map(TypedLines::take_drawing) else { return };
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

    /// Notices that the process was stopped, before what has arrived meanwhile is drawn.
    pub(super) fn notice_stop(&mut self) {
        if self.typed_lines.as_ref().is_some_and(TypedLines::was_stopped) {
            self.process_continued();
        }
    }

    /// The process goes on after it was stopped.
    pub(super) fn process_continued(&mut self) {
        if let Some(lines) = &self.typed_lines {
            lines.go_on();
        }
        self.hide_typing();
        self.stdin.ring(&mut self.io);
        self.draw_typing();
    }
}
