//! `Keyboard`: the terminal that people type on, where it can be edited: stdin and stdout are the controlling terminal.
//!
//! Owns whether there is one, its size, and reading it. Its modes are `sys::tty`'s; what keys do is the editor's.

use std::io;

use mio::event::Source;
use rustix::termios::{isatty, tcgetwinsize};

use crate::net::stdio::{Input, is_controlling};
use crate::sys::tty;

/// Columns and rows of a terminal that does not tell.
const USUAL_SIZE: (usize, usize) = (80, 24);

/// The terminal as a place for lines to be edited.
#[derive(Debug)]
pub struct Keyboard(Input);

impl Keyboard {
    /// stdin, if both it and stdout are the terminal that controls this process.
    pub fn open() -> Option<Self> {
        let (stdin, stdout) = (rustix::stdio::stdin(), rustix::stdio::stdout());
        let is_ours = |fd| isatty(fd) && is_controlling(fd);
        if !is_ours(stdin) || !is_ours(stdout) {
            return None;
        }
        Input::stdin().ok().map(Self)
    }

    /// See [`Input::source`].
    pub fn source(&mut self) -> Option<&mut dyn Source> {
        self.0.source()
    }

    /// See [`Input::read`].
    ///
    /// # Errors
    /// See [`Input::read`].
    pub fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        self.0.read(buffer)
    }

    /// See [`Input::is_in_background`].
    pub fn is_in_background(&self) -> bool {
        self.0.is_in_background()
    }

    /// See [`Input::hide`].
    pub fn hide(&mut self) {
        self.0.hide();
    }

    /// Takes each key as it is pressed; those that make signals, too, if `takes_all`.
    ///
    /// # Errors
    /// The terminal refuses.
    pub fn begin(takes_all: bool) -> io::Result<()> {
        tty::enter(takes_all)
    }

    /// Whether the process was stopped since the last call of [`Keyboard::was_lost`].
    pub fn was_stopped() -> bool {
        tty::was_stopped()
    }

    /// Whether another job has had the terminal since the last call.
    pub fn was_lost() -> bool {
        tty::was_lost()
    }

    /// Gives the terminal back.
    pub fn end() {
        tty::restore();
    }

    /// Columns and rows.
    pub fn size() -> (usize, usize) {
        match tcgetwinsize(rustix::stdio::stdout()) {
            Ok(size) if size.ws_col > 0 && size.ws_row > 0 => (size.ws_col.into(), size.ws_row.into()),
            _ => USUAL_SIZE,
        }
    }
}
