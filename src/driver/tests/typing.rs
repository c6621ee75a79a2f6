//! Lines edited on a terminal: what is drawn beside what arrives, when the terminal is taken and given back, and commands behind
//! `~`. How a real terminal shows it is in `tests/typing.rs`.

use std::cell::RefCell;
use std::collections::VecDeque;
use std::io;
use std::rc::Rc;

use mio::event::Source;

use super::fakes::{Anchor, read_stdin};
use super::stage::{Shared, Stage};
use super::{play, play_script};
use crate::config::Terminal;
use crate::driver::recall::Recall;
use crate::driver::typed_lines::{TypedInput, TypedLines};
use crate::driver::world::InputStream;
use crate::driver::world::Keyboard;
use crate::output::screen::Screen;

/// A terminal that says when its keys are taken.
pub(super) struct FakeKeyboard {
    stage: Shared,
    anchor: Anchor,
    has_begun: bool,
}

impl FakeKeyboard {
    pub(super) fn new(stage: &Shared) -> Self {
        let anchor = Anchor(Rc::clone(&stage.borrow().stdin.slot));
        Self { stage: Rc::clone(stage), anchor, has_begun: false }
    }
}

impl Keyboard for FakeKeyboard {
    fn source(&mut self) -> Option<&mut dyn Source> {
        Some(&mut self.anchor)
    }

    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        read_stdin(&self.stage, buffer)
    }

    fn is_in_background(&self) -> bool {
        self.stage.borrow().stdin.background
    }

    fn begin(&mut self, takes_all: bool) -> io::Result<()> {
        if !std::mem::replace(&mut self.has_begun, true) {
            let which = if takes_all { "all keys" } else { "keys" };
            self.stage.borrow_mut().tell(&format!("the terminal gives {which}"));
        }
        Ok(())
    }

    fn was_lost(&self) -> bool {
        true
    }

    fn end(&mut self) {
        if std::mem::take(&mut self.has_begun) {
            self.stage.borrow_mut().tell("the terminal edits lines");
        }
    }

    fn size(&self) -> (usize, usize) {
        (40, 10)
    }
}

#[test]
fn what_arrives_is_drawn_above_the_line() {
    play(
        r#"
        tcpx connect 127.0.0.1 1
        $ lines are edited
        $ turns matter
        1 connects to 127.0.0.1:1
        the terminal gives keys
        > stdin "hel"
        stdout "hel"
        > 1 sends "news\nmo"
        stdout "\r\x1b[Jnews\nmo\r\nhel"
        > stdin "lo\n"
        stdout "\x1b[1A\r\x1b[2C\x1b[J\r\nhello\r\n"
        1 gets "hello\n"
        > 1 ends
        1 is closed
        the terminal edits lines
        exit 0
        "#,
    );
}

#[test]
fn what_was_typed_before_the_connection_stands_is_not_lost() {
    play(
        r#"
        tcpx connect 127.0.0.1 1
        $ lines are edited
        $ connects slowly
        $ turns matter
        1 connects to 127.0.0.1:1
        > stdin "early\nhal"
        > 1 stands
        1 gets "early\nhal"
        the terminal gives keys
        > stdin "f\n\x04"
        stdout "f\r\n"
        1 gets "f\n"
        the terminal edits lines
        1 gets FIN
        > 1 ends
        1 is closed
        exit 0
        "#,
    );
}

#[test]
fn commands_typed_before_the_connection_stands_are_obeyed() {
    play(
        r#"
        tcpx connect 127.0.0.1 1
        $ lines are edited
        $ connects slowly
        $ turns matter
        1 connects to 127.0.0.1:1
        > stdin "early\n~s 0041\n~~a ~b\nlate\n~h\n"
        > 1 stands
        1 gets "early\n"
        1 gets "\x00A"
        1 gets "~a ~b\n"
        1 gets "late\n"
        1 gets FIN
        > 1 ends
        1 is closed
        exit 0
        "#,
    );
}

#[test]
fn a_signal_gives_the_terminal_back_with_the_line_on_it() {
    play(
        r#"
        tcpx connect 127.0.0.1 1
        $ lines are edited
        $ turns matter
        1 connects to 127.0.0.1:1
        the terminal gives keys
        > stdin "hel\x1b[D"
        stdout "hel\r\x1b[2C"
        > signal TERM
        the terminal edits lines
        1 gets RST
        stdout "\r\x1b[Jhel\r\n"
        exit 143
        "#,
    );
}

#[test]
fn a_job_in_the_background_takes_the_terminal_when_it_has_it() {
    play(
        r#"
        tcpx connect 127.0.0.1 1
        $ lines are edited
        $ turns matter
        $ stdin in the background
        1 connects to 127.0.0.1:1
        > wait 300ms
        at 300ms
        > stdin in the foreground
        > wait 300ms
        at 500ms
        the terminal gives keys
        at 600ms
        > 1 ends
        1 is closed
        the terminal edits lines
        exit 0
        "#,
    );
}

#[test]
fn a_script_gets_edited_lines_when_it_asks() {
    play_script(
        r#"fn session(conn) { print(`<${read_stdin_line()}>`); conn.interactive(); }"#,
        r#"
        tcpx connect 127.0.0.1 1 --script SCRIPT
        $ lines are edited
        $ turns matter
        1 connects to 127.0.0.1:1
        the terminal gives keys
        > stdin "onx\x7fe\n"
        stdout "one\r\n"
        stdout "<one>\n"
        > stdin "two\n"
        stdout "two\r\n"
        1 gets "two\n"
        > 1 ends
        1 is closed
        the terminal edits lines
        exit 0
        "#,
    );
}

#[test]
fn a_command_acts_after_the_lines_before_it_and_leaving_at_once() {
    play(
        r#"
        tcpx connect 127.0.0.1 1
        $ lines are edited
        $ turns matter
        1 connects to 127.0.0.1:1
        the terminal gives keys
        > stdin "a\n~s 0001\nb\n~h"
        stdout "a\r\n~s 0001\r\nb\r\n~h\r\n"
        1 gets "a\n"
        1 gets "\x00\x01"
        1 gets "b\n"
        1 gets FIN
        > 1 sends "still\n"
        stdout "still\n"
        > stdin "~."
        stdout "~.\r\n"
        the terminal edits lines
        at 20ms
        1 is closed
        exit 0
        "#,
    );
}

#[test]
fn labels_tell_what_is_sent_from_what_is_received() {
    play(
        r#"
        tcpx connect 127.0.0.1 1 --label
        $ lines are edited
        $ turns matter
        1 connects to 127.0.0.1:1
        the terminal gives keys
        > stdin "hello\n"
        stdout "> 127.0.0.1:1: hello\r\n"
        1 gets "hello\n"
        > 1 sends "ne"
        > 1 sends "ws\nmore"
        stdout "< 127.0.0.1:1: news\n"
        > 1 ends
        stdout "< 127.0.0.1:1: more\n"
        1 is closed
        the terminal edits lines
        exit 0
        "#,
    );
    // Off a terminal nothing is marked.
    play(
        r#"
        tcpx connect 127.0.0.1 1 --label
        $ stdin file "hello\n"
        1 connects to 127.0.0.1:1
        1 gets "hello\n"
        1 gets FIN
        > 1 sends "news\n"
        stdout "127.0.0.1:1: news\n"
        > 1 ends
        1 is closed
        exit 0
        "#,
    );
}

#[test]
fn a_label_names_the_client_that_a_line_goes_to() {
    play(
        r#"
        tcpx listen -k 7 --label
        $ lines are edited
        $ turns matter
        listens on [::]:7
        stderr listening on [::]:7
        > client
        the terminal gives keys
        > client
        > stdin "~1"
        stdout "~1\r\nlines go to client 1, 10.0.0.1:1\r\n"
        > stdin "a\n"
        stdout "> 10.0.0.1:1: a\r\n"
        1 gets "a\n"
        > 2 sends "b\n"
        stdout "< 10.0.0.2:1: b\n"
        > signal INT
        listens no more
        the terminal edits lines
        1 gets RST
        2 gets RST
        exit 130
        "#,
    );
}

#[test]
fn a_bug_gives_the_terminal_back_and_its_message_takes_the_place_of_the_line() {
    let stage = Rc::new(RefCell::new(Stage::new(&["lines are edited"], VecDeque::new())));
    let screen = Screen::default();
    let keyboard = Box::new(FakeKeyboard::new(&stage));
    let lines = TypedLines::new(keyboard, screen.clone(), Recall::new(None), &Terminal::default());
    let mut input = TypedInput::new(lines.clone());
    assert!(input.read(&mut [0; 8]).is_err(), "nothing is typed yet");
    stage.borrow_mut().stdin.incoming.extend(b"hel");
    lines.read_keys();
    assert_eq!(lines.take_drawing(), b"hel");
    let hidden = std::panic::catch_unwind(std::panic::AssertUnwindSafe(move || {
        let _input = input;
        std::panic::resume_unwind(Box::new("a bug"));
    }));
    assert!(hidden.is_err());
    assert_eq!(stage.borrow().transcript(), "the terminal gives keys\nthe terminal edits lines");
    assert_eq!(screen.take_prefix(), "\r\x1b[J");
}
