//! `TypedLines`: lines that are edited on a terminal, as stdin.
//!
//! Owns the keyboard, the editor, the lines that are ready to be read, and the store of earlier lines. What it draws is taken and
//! written by the wiring (`typing`). Until it is first read, the terminal edits its lines itself: what was typed meanwhile comes
//! first, commands among it included. It does so again while the process is stopped or in the background, and from its end on.

use std::cell::RefCell;
use std::collections::VecDeque;
use std::io;
use std::os::fd::BorrowedFd;
use std::rc::Rc;

use encoding_rs::{Decoder, Encoding, UTF_8};
use mio::event::Source;
use mio::{Interest, Registry, Token};

use crate::codec::escape::show_line;
use crate::codec::typed::Sendable;
use crate::config::Terminal;
use crate::driver::recall::Recall;
use crate::driver::world::{InputStream, Keyboard};
use crate::editor::command::Command;
use crate::editor::display::{Display, View};
use crate::editor::raw::{RawKeys, RawOutcome};
use crate::editor::{Editor, Outcome, keys};
use crate::language::say;
use crate::net::bulk::Move;
use crate::output::screen::Screen;
use crate::session::eof_policy::InputKind;

/// Bytes of lines that wait to be read at which no more keys are read.
const FULL: usize = 1 << 20;
/// Bytes of one read of keys, and reads in one turn.
const CHUNK: usize = 4096;
const READS: usize = 64;
const BELL: u8 = 7;
/// The colour of what is sent.
const SENT: &str = "\x1b[36m";

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

/// What was typed.
enum Piece {
    Bytes(Vec<u8>),
    /// It acts once what was typed before it was read.
    Command(Command),
}

/// A terminal with an editor. Clones share it: one is read as stdin, the other gets the keys.
#[derive(Clone)]
pub(super) struct TypedLines(Rc<RefCell<State>>);

struct State {
    keyboard: Box<dyn Keyboard>,
    screen: Screen,
    recall: Recall,
    editor: Editor,
    /// Set if each key is sent as it is typed.
    raw: Option<RawKeys>,
    /// In that case: a command is typed on a line of its own.
    asks: bool,
    /// There may be several clients.
    chooses: bool,
    /// What a line has to be.
    sendable: Sendable,
    /// What is typed is shown.
    shows: bool,
    /// What is taken stands on the screen already.
    echoed: bool,
    /// The encoding of the terminal; `None`: UTF-8.
    charset: Option<&'static Encoding>,
    /// Keys that are sent one by one, to text that is shown.
    echo: Decoder,
    /// What stands before a line once it is sent.
    mark: String,
    mode: Mode,
    /// The terminal has edited no line since the process went on.
    resumed: bool,
    /// What was typed and not read, one piece for each read.
    ready: VecDeque<Piece>,
    waiting: usize,
    /// Commands that do not wait for what was typed before.
    urgent: VecDeque<Command>,
    /// Nothing follows what is ready.
    ended: bool,
    /// What is to be written to the terminal.
    drawing: Vec<u8>,
}

impl TypedLines {
    /// Lines typed there; `recall`: where those of earlier runs are.
    pub(super) fn new(keyboard: Box<dyn Keyboard>, screen: Screen, recall: Recall, settings: &Terminal) -> Self {
        let (columns, rows) = keyboard.size();
        let mut display = Display::new(columns, rows);
        display.set_style(if settings.colours { SENT } else { "" });
        screen.set_display(display);
        let charset = screen.charset();
        let mut editor = Editor::default();
        editor.set_charset(charset);
        Self(Rc::new(RefCell::new(State {
            keyboard,
            screen,
            recall,
            editor,
            raw: settings.raw.then(RawKeys::default),
            asks: false,
            chooses: false,
            sendable: Sendable::default(),
            shows: settings.shows_typed(),
            echoed: false,
            charset,
            echo: charset.unwrap_or(UTF_8).new_decoder_without_bom_handling(),
            mark: String::new(),
            mode: Mode::Plain,
            resumed: false,
            ready: VecDeque::new(),
            waiting: 0,
            urgent: VecDeque::new(),
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

    /// The next command, if nothing that was typed before it waits to be read.
    pub(super) fn take_command(&self) -> Option<Command> {
        let mut state = self.0.borrow_mut();
        if let Some(command) = state.urgent.pop_front() {
            return Some(command);
        }
        match state.ready.pop_front()? {
            Piece::Command(command) => Some(command),
            bytes @ Piece::Bytes(_) => {
                state.ready.push_front(bytes);
                None
            }
        }
    }

    /// Says something to who types: whole lines above the line being typed. It has to be safe for a terminal.
    pub(super) fn say(&self, text: &str) {
        self.0.borrow_mut().say(text);
    }

    /// The same for what cannot be sent, with a bell.
    pub(super) fn refuse(&self, why: &str) {
        self.0.borrow_mut().refuse(why);
    }

    /// Whether lines are edited here, not by the terminal.
    pub(super) fn is_editing(&self) -> bool {
        self.0.borrow().mode == Mode::Edited
    }

    /// What a line has to be from now on; another one stays, to be edited.
    pub(super) fn set_sendable(&self, sendable: Sendable) {
        self.0.borrow_mut().sendable = sendable;
    }

    /// What stands before a line once it is sent.
    pub(super) fn set_mark(&self, mark: String) {
        self.0.borrow_mut().mark = mark;
    }

    /// There are clients to choose from, with numbers up to this; 0: there is one peer.
    pub(super) fn set_clients(&self, newest: u64) {
        let mut state = self.0.borrow_mut();
        state.chooses = newest > 0;
        state.editor.set_clients(newest);
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

    /// Whether the process was stopped, which is not noted yet.
    pub(super) fn was_stopped(&self) -> bool {
        self.0.borrow().keyboard.was_stopped()
    }

    /// Notes that the process goes on after it was stopped: the terminal may be another job's, and shows what that has written.
    pub(super) fn go_on(&self) {
        let mut state = self.0.borrow_mut();
        let is_edited = state.mode == Mode::Edited;
        if is_edited && !state.keyboard.was_lost() {
            // A shell may say twice that the process goes on.
            return;
        }
        state.screen.draw(|display, _| {
            display.forget();
            if is_edited {
                display.sleep();
            }
        });
        if is_edited {
            (state.mode, state.resumed) = (Mode::Plain, true);
            if !state.keyboard.is_in_background() {
                // Refused: the terminal edits its lines until the next read.
                let _ = state.begin();
            }
        }
    }
}

impl State {
    fn say(&mut self, text: &str) {
        let drawing = self.screen.draw(|display, out| {
            display.before_words(out);
            out.extend_from_slice(text.replace('\n', "\r\n").as_bytes());
            display.after_words(out);
        });
        self.drawing.extend(drawing);
    }

    fn refuse(&mut self, why: &str) {
        // What is hidden is not told either.
        let why =
            if self.shows || self.raw.is_some() { why } else { "it is no text, or the encoding does not have it" };
        self.say(&format!("tcpx: {}\n", show_line(&say(&format!("not sent: {why}")))));
        self.drawing.push(BELL);
    }

    fn has_input(&self) -> bool {
        !self.ready.is_empty() || self.ended
    }

    /// What is read as stdin.
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        match self.ready.pop_front() {
            Some(Piece::Bytes(mut piece)) => {
                let length = piece.len().min(buffer.len());
                buffer[..length].copy_from_slice(&piece[..length]);
                self.waiting -= length;
                if length < piece.len() {
                    self.ready.push_front(Piece::Bytes(piece.split_off(length)));
                }
                return Ok(length);
            }
            Some(command) => {
                self.ready.push_front(command);
                return Err(io::ErrorKind::WouldBlock.into());
            }
            None => {}
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
            Ok(length) if self.raw.is_none() && buffer[..length].contains(&b'~') => {
                self.take_typed_ahead(&buffer[..length]);
                self.read(buffer)
            }
            result => result,
        }
    }

    /// Lines that the terminal has edited itself: commands among them are not text.
    fn take_typed_ahead(&mut self, bytes: &[u8]) {
        self.echoed = true;
        for line in bytes.split_inclusive(|byte| *byte == b'\n') {
            if line.starts_with(b"~") && line.ends_with(b"\n") {
                self.edit(line);
            } else {
                self.waiting += line.len();
                self.ready.push_back(Piece::Bytes(line.to_vec()));
            }
        }
        self.echoed = false;
    }

    /// Edits lines from now on; the first time, with those of earlier runs. A terminal that refuses goes on doing it itself.
    fn begin(&mut self) -> io::Result<()> {
        if self.keyboard.begin(self.raw.is_some()).is_err() {
            return Err(io::ErrorKind::WouldBlock.into());
        }
        self.mode = Mode::Edited;
        if let Some(lines) = self.recall.load() {
            self.editor.set_history(lines);
        }
        let draws = self.raw.is_none() || self.asks;
        self.screen.draw(|display, _| {
            if draws {
                display.wake();
            }
        });
        self.take_keys();
        if !std::mem::take(&mut self.resumed) && draws && self.shows && !self.editor.is_empty() {
            let drawing = self.screen.draw(Display::wipe_echo);
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
            let view = if self.shows || self.asks { self.editor.view() } else { View::default() };
            let drawing = self.screen.draw(|display, out| {
                display.set_view(view);
                display.redraw(out);
            });
            self.drawing.extend(drawing);
        }
    }

    fn press(&mut self, bytes: &[u8]) {
        let mut rest = bytes;
        while !rest.is_empty() {
            let Some(raw) = self.raw.as_mut().filter(|_| !self.asks) else { return self.edit(rest) };
            let mut outcomes = Vec::new();
            rest = &rest[raw.feed(rest, self.chooses, &mut outcomes)..];
            for outcome in outcomes {
                match outcome {
                    RawOutcome::Bytes(bytes) => self.send_keys(bytes),
                    RawOutcome::Command(command) => self.command(command),
                    RawOutcome::Begun(words) => {
                        self.editor.begin_command(&words);
                        self.ask(true);
                    }
                }
            }
        }
    }

    /// A command is typed on a line of its own, or is not any more.
    fn ask(&mut self, asks: bool) {
        self.asks = asks;
        let drawing = self.screen.draw(|display, out| {
            if asks {
                display.wake();
            } else {
                display.set_view(View::default());
                display.redraw(out);
                display.sleep();
            }
        });
        self.drawing.extend(drawing);
    }

    /// Keys that are sent as they are.
    fn send_keys(&mut self, bytes: Vec<u8>) {
        if self.shows {
            let mut text = String::with_capacity(bytes.len() * 3 + 16);
            // There is room for all of it.
            let _ = self.echo.decode_to_string(&bytes, &mut text, false);
            let drawing = self.screen.draw(|display, out| display.echo(&text, out));
            self.drawing.extend(drawing);
        }
        self.waiting += bytes.len();
        self.ready.push_back(Piece::Bytes(bytes));
    }

    /// Keys of a line. The keys behind a command among single keys are single keys again.
    fn edit(&mut self, bytes: &[u8]) {
        if self.asks {
            let length =
                bytes.iter().position(|byte| matches!(byte, b'\r' | b'\n' | 3 | 4)).map_or(bytes.len(), |end| end + 1);
            let (words, rest) = bytes.split_at(length);
            let gives_up = words.last().is_some_and(|last| matches!(last, 3 | 4));
            let outcomes = self.editor.feed(if gives_up { b"\x15\x0b" } else { words });
            let ends = length < bytes.len() || words.last().is_some_and(|last| matches!(last, b'\r' | b'\n'));
            if gives_up || ends {
                self.ask(false);
            }
            for outcome in outcomes {
                if let Outcome::Command(command) = outcome {
                    self.command(command);
                }
            }
            return self.press(rest);
        }
        let waits = self.ready.iter().any(|piece| matches!(piece, Piece::Command(_)));
        let sendable = &self.sendable;
        // A command that waits may change what can be sent.
        for outcome in self.editor.feed_unless(bytes, &|line| sendable.objection(line).filter(|_| !waits)) {
            match outcome {
                Outcome::Refused(why) => self.refuse(&why),
                Outcome::Line(text) => self.accept(&text, true),
                Outcome::Part(text) => self.accept(&text, false),
                Outcome::End => self.ended = true,
                Outcome::Command(command) => self.command(command),
                Outcome::Clear => {
                    let drawing = self.screen.draw(Display::clear);
                    self.drawing.extend(drawing);
                }
            }
        }
        let lines = self.editor.take_remembered();
        self.recall.store(&lines);
    }

    /// The line can be read as stdin, and stays on the screen.
    fn accept(&mut self, text: &str, ends: bool) {
        let drawing = self.screen.draw(|display, out| {
            if self.shows && !self.echoed {
                display.accept(&self.mark, text, ends, out);
            }
        });
        self.drawing.extend(drawing);
        let mut bytes = Vec::with_capacity(text.len() + 1);
        keys::to_bytes(text, self.charset, &mut bytes);
        if ends {
            bytes.push(b'\n');
        }
        self.waiting += bytes.len();
        self.ready.push_back(Piece::Bytes(bytes));
    }

    /// A command stays on the screen as it was typed.
    fn command(&mut self, command: Command) {
        if self.raw.is_none() && !self.echoed {
            let drawing = self.screen.draw(|display, out| display.accept("", &command.words(), true, out));
            self.drawing.extend(drawing);
        }
        if command.is_urgent() {
            self.urgent.push_back(command);
        } else {
            self.ready.push_back(Piece::Command(command));
        }
    }

    /// Gives the terminal back.
    fn end(&mut self) {
        // After a bug nobody writes what is drawn: the message about it takes the line from the screen.
        if self.mode == Mode::Edited && !std::thread::panicking() {
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

    fn hide(&mut self) {
        self.0.0.borrow_mut().keyboard.hide();
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
