//! `TypedLines`: lines that are edited on a terminal, as stdin.
//!
//! Owns the keyboard, the editor, the lines that are ready to be read, and the store of earlier lines. What it draws is taken and
//! written by the wiring (`typing`). Until it is first read, the terminal edits its lines itself: what was typed meanwhile comes
//! first. It does so again while the process is stopped or in the background, and from its end on.

use std::cell::RefCell;
use std::collections::VecDeque;
use std::io;
use std::os::fd::BorrowedFd;
use std::rc::Rc;

use mio::event::Source;
use mio::{Interest, Registry, Token};

use crate::driver::recall::Recall;
use crate::driver::world::{InputStream, Keyboard};
use crate::editor::display::Display;
use crate::editor::{Editor, Outcome, keys};
use crate::net::bulk::Move;
use crate::output::screen::Screen;
use crate::session::eof_policy::InputKind;

/// Bytes of lines that wait to be read at which no more keys are read.
const FULL: usize = 1 << 20;
/// Bytes of one read of keys, and reads in one turn.
const CHUNK: usize = 4096;
const READS: usize = 64;

/// Who edits the lines.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Mode {
    /// The terminal.
    Plain,
    /// The editor.
    Edited,
    /// The terminal again: nothing is read any more.
    Over,
}

/// A terminal with an editor. Clones share it: one is read as stdin, the other gets the keys.
#[derive(Clone)]
pub(super) struct TypedLines(Rc<RefCell<State>>);

struct State {
    keyboard: Box<dyn Keyboard>,
    screen: Screen,
    recall: Recall,
    editor: Editor,
    mode: Mode,
    /// The terminal has edited no line since the process went on.
    resumed: bool,
    /// What was typed and not read, one piece for each read.
    ready: VecDeque<Vec<u8>>,
    waiting: usize,
    /// Nothing follows what is ready.
    ended: bool,
    /// What is to be written to the terminal.
    drawing: Vec<u8>,
}

impl TypedLines {
    /// Lines typed there; `recall`: where those of earlier runs are.
    pub(super) fn new(keyboard: Box<dyn Keyboard>, screen: Screen, recall: Recall) -> Self {
        let (columns, rows) = keyboard.size();
        screen.set_display(Display::new(columns, rows));
        Self(Rc::new(RefCell::new(State {
            keyboard,
            screen,
            recall,
            editor: Editor::default(),
            mode: Mode::Plain,
            resumed: false,
            ready: VecDeque::new(),
            waiting: 0,
            ended: false,
            drawing: Vec::new(),
        })))
    }

    /// Registers the keyboard by means of `register`, if it can be.
    pub(super) fn with_source(&self, register: &mut dyn FnMut(&mut dyn Source)) {
        if let Some(source) = self.0.borrow_mut().keyboard.source() {
            register(source);
        }
    }

    /// Reads keys. Returns whether something can be read as stdin now that could not before.
    pub(super) fn read_keys(&self) -> bool {
        let mut state = self.0.borrow_mut();
        let had_nothing = !state.has_input();
        if state.mode == Mode::Plain {
            // A line that the terminal has edited.
            return true;
        }
        state.read_keys();
        had_nothing && state.has_input()
    }

    /// Takes what is to be written to the terminal.
    pub(super) fn take_drawing(&self) -> Vec<u8> {
        std::mem::take(&mut self.0.borrow_mut().drawing)
    }

    /// Notes that the terminal has another size.
    pub(super) fn resize(&self) {
        let mut state = self.0.borrow_mut();
        let (columns, rows) = state.keyboard.size();
        let drawing = state.screen.draw(|display, out| {
            display.resize(columns, rows);
            display.redraw(out);
        });
        state.drawing.extend(drawing);
    }

    /// Notes that the process goes on after it was stopped: the terminal may be another job's, and shows what that has written.
    pub(super) fn go_on(&self) {
        let mut state = self.0.borrow_mut();
        let is_edited = state.mode == Mode::Edited;
        state.screen.draw(|display, _| {
            display.forget();
            if is_edited {
                display.sleep();
            }
        });
        if is_edited {
            // Reading it takes it again.
            (state.mode, state.resumed) = (Mode::Plain, true);
        }
    }
}

impl State {
    fn has_input(&self) -> bool {
        !self.ready.is_empty() || self.ended
    }

    /// What is read as stdin.
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        if let Some(mut piece) = self.ready.pop_front() {
            let length = piece.len().min(buffer.len());
            buffer[..length].copy_from_slice(&piece[..length]);
            self.waiting -= length;
            if length < piece.len() {
                self.ready.push_front(piece.split_off(length));
            }
            return Ok(length);
        }
        if self.ended {
            return Ok(0);
        }
        if self.mode == Mode::Edited {
            return Err(io::ErrorKind::WouldBlock.into());
        }
        if self.resumed && !self.keyboard.is_in_background() {
            self.begin()?;
            return self.read(buffer);
        }
        match self.keyboard.read(buffer) {
            Err(error) if error.kind() == io::ErrorKind::WouldBlock && !self.keyboard.is_in_background() => {
                self.begin()?;
                self.read(buffer)
            }
            result => result,
        }
    }

    /// Edits lines from now on; the first time, with those of earlier runs. A terminal that refuses goes on doing it itself.
    fn begin(&mut self) -> io::Result<()> {
        if self.keyboard.begin().is_err() {
            return Err(io::ErrorKind::WouldBlock.into());
        }
        self.mode = Mode::Edited;
        if let Some(lines) = self.recall.load() {
            self.editor = Editor::new(lines);
        }
        self.screen.draw(|display, _| display.wake());
        self.take_keys();
        if !std::mem::take(&mut self.resumed) && !self.editor.is_empty() {
            let drawing = self.screen.draw(|display, out| display.wipe_echo(out));
            self.drawing.extend(drawing);
        }
        self.redraw();
        Ok(())
    }

    /// Reads the keys that are there, and shows what they do.
    fn read_keys(&mut self) {
        self.take_keys();
        self.redraw();
    }

    fn take_keys(&mut self) {
        let mut buffer = [0; CHUNK];
        for _ in 0..READS {
            if self.mode != Mode::Edited || self.ended || self.waiting >= FULL {
                break;
            }
            match self.keyboard.read(&mut buffer) {
                Ok(0) => self.ended = true,
                Ok(length) => self.press(&buffer[..length]),
                Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
                Err(error) if error.kind() == io::ErrorKind::WouldBlock => break,
                // The terminal is gone.
                Err(_) => self.ended = true,
            }
        }
    }

    fn redraw(&mut self) {
        if self.mode == Mode::Edited && !self.editor.is_in_paste() {
            let view = self.editor.view();
            let drawing = self.screen.draw(|display, out| {
                display.set_view(view);
                display.redraw(out);
            });
            self.drawing.extend(drawing);
        }
    }

    fn press(&mut self, bytes: &[u8]) {
        for outcome in self.editor.feed(bytes) {
            match outcome {
                Outcome::Line(text) => self.accept(&text, true),
                Outcome::Part(text) => self.accept(&text, false),
                Outcome::End => self.ended = true,
                Outcome::Clear => {
                    let drawing = self.screen.draw(|display, out| display.clear(out));
                    self.drawing.extend(drawing);
                }
            }
        }
        let lines = self.editor.take_remembered();
        self.recall.store(&lines);
    }

    /// The line can be read as stdin, and stays on the screen.
    fn accept(&mut self, text: &str, ends: bool) {
        let drawing = self.screen.draw(|display, out| display.accept(text, ends, out));
        self.drawing.extend(drawing);
        let mut bytes = Vec::with_capacity(text.len() + 1);
        keys::to_bytes(text, &mut bytes);
        if ends {
            bytes.push(b'\n');
        }
        self.waiting += bytes.len();
        self.ready.push_back(bytes);
    }

    /// Gives the terminal back.
    fn end(&mut self) {
        if self.mode == Mode::Edited {
            let drawing = self.screen.draw(|display, out| {
                display.leave(out);
                display.sleep();
            });
            self.drawing.extend(drawing);
        }
        self.keyboard.end();
        self.mode = Mode::Over;
    }
}

/// The lines as stdin; its end gives the terminal back.
pub(super) struct TypedInput(TypedLines, Doorbell);

impl TypedInput {
    pub(super) fn new(lines: TypedLines) -> Self {
        Self(lines, Doorbell)
    }
}

impl Drop for TypedInput {
    fn drop(&mut self) {
        self.0.0.borrow_mut().end();
    }
}

impl InputStream for TypedInput {
    fn kind(&self) -> InputKind {
        InputKind::Terminal
    }

    fn source(&mut self) -> Option<&mut dyn Source> {
        Some(&mut self.1)
    }

    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        self.0.0.borrow_mut().read(buffer)
    }

    fn flows(&self) -> bool {
        false
    }

    fn move_to(&mut self, _: BorrowedFd<'_>) -> Move {
        Move::Unable
    }

    fn has_ended(&self) -> bool {
        false
    }

    fn is_exhausted(&self) -> bool {
        false
    }

    fn is_in_background(&self) -> bool {
        let state = self.0.0.borrow();
        state.mode == Mode::Plain && state.keyboard.is_in_background()
    }

    /// In the background it is looked at whether this is still so.
    fn has_input(&self) -> bool {
        true
    }
}

/// A source without events: the keys have one of their own, and ring here.
struct Doorbell;

impl Source for Doorbell {
    fn register(&mut self, _: &Registry, _: Token, _: Interest) -> io::Result<()> {
        Ok(())
    }

    fn reregister(&mut self, _: &Registry, _: Token, _: Interest) -> io::Result<()> {
        Ok(())
    }

    fn deregister(&mut self, _: &Registry) -> io::Result<()> {
        Ok(())
    }
}
