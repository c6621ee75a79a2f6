//! The calls into a script that belong to no connection, or not to its turn: the run's beginning and end, lines of
//! stdin, signals, timers.

use std::net::SocketAddr;

use crate::codec::charset::Decoder;
use crate::config::{Charset, Malformed};
use crate::driver::Driver;
use crate::error::{Error, Result};
use crate::net::reactor::{Io, Slot};
use crate::script::ScriptHandler;
use crate::session::{Command, HandlerError};

/// Timers called in one round before sockets have their turn.
const TIMER_BUDGET: usize = 256;
/// A line of stdin that is longer comes in pieces.
const LONGEST_LINE: usize = 1 << 20;

/// stdin on its way to a script, line by line.
pub(super) struct Typed {
    decoder: Decoder,
    text: String,
}

impl Typed {
    pub(super) fn new() -> Self {
        let utf8 = Charset::Named(encoding_rs::UTF_8);
        Self { decoder: Decoder::new(utf8, Malformed::Replace), text: String::new() }
    }

    /// Takes what one read gave. Malformed text becomes U+FFFD.
    fn push(&mut self, bytes: &[u8]) {
        let _ = self.decoder.decode(bytes, &mut self.text);
    }

    fn finish(&mut self) {
        let _ = self.decoder.finish(&mut self.text);
    }

    /// The next line without its end; at the end of stdin, also one that has none.
    fn next_line(&mut self, ended: bool) -> Option<String> {
        if let Some(end) = self.text.find('\n') {
            let rest = self.text.split_off(end + 1);
            let mut line = std::mem::replace(&mut self.text, rest);
            line.truncate(end - usize::from(line[..end].ends_with('\r')));
            return Some(line);
        }
        let is_due = (ended && !self.text.is_empty()) || self.text.len() > LONGEST_LINE;
        is_due.then(|| std::mem::take(&mut self.text))
    }
}

impl Driver {
    /// `on_start`: a script that fails here has set nothing up, so the run ends.
    pub(super) fn script_starting(&mut self) -> Result<()> {
        let Some(handler) = &mut self.handler else { return Ok(()) };
        let mut commands = Vec::new();
        let result = handler.start(&mut commands);
        self.apply(None, &mut commands);
        match result {
            Ok(()) => Ok(()),
            Err(HandlerError::Failed { message, .. }) => Err(Error::ScriptRun { message }),
            Err(HandlerError::Exit(code)) => {
                self.exit_asked(code);
                Ok(())
            }
        }
    }

    /// `on_listen`.
    pub(super) fn script_listening(&mut self, address: SocketAddr) {
        let Some(handler) = &mut self.handler else { return };
        let mut commands = Vec::new();
        let result = handler.listening(address, &mut commands);
        self.after_call(commands, result);
    }

    /// `on_stop`.
    pub(super) fn script_stopping(&mut self) {
        let code = self.shutdown.code().code();
        let Some(handler) = &mut self.handler else { return };
        let mut commands = Vec::new();
        let result = handler.stop(code, &mut commands);
        self.after_call(commands, result);
    }

    /// `on_signal`; whether the script has it. One that fails has decided nothing.
    pub(super) fn script_signal(&mut self, name: &'static str) -> bool {
        let Some(handler) = &mut self.handler else { return false };
        let mut commands = Vec::new();
        let Some(result) = handler.signal(name, &mut commands) else { return false };
        let decided = !matches!(result, Err(HandlerError::Failed { .. }));
        self.after_call(commands, result);
        decided
    }

    /// Timers of the script that are due.
    pub(super) fn script_timers(&mut self) {
        for _ in 0..TIMER_BUDGET {
            if !self.shutdown.is_running() {
                return;
            }
            let Some(handler) = &mut self.handler else { return };
            let mut commands = Vec::new();
            let Some((id, result)) = handler.fire(self.io.now, &mut commands) else { return };
            self.apply(None, &mut commands);
            let Err(error) = result else { continue };
            match id.and_then(|id| self.slots_by_id.get(&id).copied()) {
                Some(slot) => self.with_peer(slot, |driver, peer| {
                    driver.handler_failed(Some(peer), error);
                    driver.pump(peer);
                }),
                None => self.handler_failed(None, error),
            }
        }
    }

    /// Reads stdin for the script. It needs no connection for that.
    pub(super) fn typed_turn(&mut self, slot: Slot) {
        if !self.io.reactor.readiness(slot).readable {
            return;
        }
        let mut buffer = self.io.take_buffer();
        let step = self.stdin.read(&mut self.io.reactor, slot, &mut buffer);
        match step {
            Io::Moved(n) => {
                if let Some(typed) = &mut self.stdin.typed {
                    typed.push(&buffer[..n]);
                }
                if self.io.reactor.readiness(slot).readable {
                    self.io.reactor.wake(slot);
                }
            }
            Io::Blocked => {}
            Io::Ended => {
                if let Some(typed) = &mut self.stdin.typed {
                    typed.finish();
                }
            }
            Io::Failed(ref error) => {
                let cause = crate::error::cause(error);
                self.source_failed(&Error::Read { source_name: "stdin".into(), cause });
            }
        }
        self.io.return_buffer(buffer);
        let ended = matches!(step, Io::Ended);
        while let Some(line) = self.stdin.typed.as_mut().and_then(|typed| typed.next_line(ended)) {
            self.tell_script(|handler, out| handler.stdin_line(line, out));
        }
        if ended {
            self.stop_stdin();
            self.tell_script(ScriptHandler::stdin_eof);
        }
    }

    fn tell_script(
        &mut self,
        call: impl FnOnce(&mut ScriptHandler, &mut Vec<Command>) -> std::result::Result<(), HandlerError>,
    ) {
        if !self.shutdown.is_running() {
            return;
        }
        let Some(handler) = &mut self.handler else { return };
        let mut commands = Vec::new();
        let result = call(handler, &mut commands);
        self.after_call(commands, result);
    }

    pub(super) fn after_call(&mut self, mut commands: Vec<Command>, result: std::result::Result<(), HandlerError>) {
        self.apply(None, &mut commands);
        if let Err(error) = result {
            self.handler_failed(None, error);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lines_are_whole_and_the_last_needs_no_end() {
        let mut typed = Typed::new();
        typed.push(b"one\r\ntw");
        assert_eq!(typed.next_line(false).as_deref(), Some("one"));
        assert_eq!(typed.next_line(false), None);
        typed.push("o\n\nd\u{e9}".as_bytes());
        typed.finish();
        let rest: Vec<_> = std::iter::from_fn(|| typed.next_line(true)).collect();
        assert_eq!(rest, ["two", "", "d\u{e9}"]);
    }
}
