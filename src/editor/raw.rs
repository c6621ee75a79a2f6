//! `RawKeys`: keys that go to the peer one by one, and the commands behind `~` among them, as in ssh.
//!
//! Owns what is held back: a `~` at the beginning of a line, until the next key.

use crate::editor::command::Command;

/// What came of keys.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum RawOutcome {
    /// Bytes for the peer.
    Bytes(Vec<u8>),
    /// Something is asked of tcpx itself.
    Command(Command),
    /// The beginning of a command that needs more words, which are typed on a line of their own.
    Begun(String),
}

/// Where the keys stand.
#[derive(Debug)]
pub struct RawKeys {
    /// Nothing was typed since the last Enter.
    at_start: bool,
    /// A `~` is held back.
    tilde: bool,
}

impl Default for RawKeys {
    fn default() -> Self {
        Self { at_start: true, tilde: false }
    }
}

impl RawKeys {
    /// Reads bytes of the keyboard up to a command that needs more words. Returns how many it has taken. `chooses`: a number is a
    /// command.
    pub fn feed(&mut self, bytes: &[u8], chooses: bool, outcomes: &mut Vec<RawOutcome>) -> usize {
        let mut sent = Vec::new();
        for (at, &byte) in bytes.iter().enumerate() {
            if !self.tilde {
                if self.at_start && byte == b'~' {
                    self.tilde = true;
                } else {
                    self.at_start = matches!(byte, b'\r' | b'\n');
                    sent.push(byte);
                }
                continue;
            }
            self.tilde = false;
            if let Some(command) = Command::of_letter(char::from(byte)) {
                flush(&mut sent, outcomes);
                outcomes.push(RawOutcome::Command(command));
            } else if matches!(byte, b'e' | b's' | b'f') || (chooses && byte.is_ascii_digit()) {
                flush(&mut sent, outcomes);
                let space = if byte.is_ascii_digit() { "" } else { " " };
                outcomes.push(RawOutcome::Begun(format!("~{}{space}", char::from(byte))));
                return at + 1;
            } else {
                // `~~` is a tilde.
                sent.push(b'~');
                if byte != b'~' {
                    sent.push(byte);
                }
                self.at_start = matches!(byte, b'\r' | b'\n');
            }
        }
        flush(&mut sent, outcomes);
        bytes.len()
    }
}

fn flush(sent: &mut Vec<u8>, outcomes: &mut Vec<RawOutcome>) {
    if !sent.is_empty() {
        outcomes.push(RawOutcome::Bytes(std::mem::take(sent)));
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn of(pieces: &[&str]) -> Vec<RawOutcome> {
        let (mut keys, mut outcomes) = (RawKeys::default(), Vec::new());
        for piece in pieces {
            assert_eq!(keys.feed(piece.as_bytes(), false, &mut outcomes), piece.len());
        }
        outcomes
    }

    fn bytes(text: &str) -> RawOutcome {
        RawOutcome::Bytes(text.into())
    }

    #[test]
    fn every_key_goes_to_the_peer_as_it_is() {
        assert_eq!(of(&["a\x03\x1b[A\x04\r\x7f"]), [bytes("a\x03\x1b[A\x04\r\x7f")]);
        assert_eq!(of(&["a~.", "~"]), [bytes("a~."), bytes("~")]);
        assert_eq!(of(&["~~.", "\r~/x"]), [bytes("~."), bytes("\r~/x")]);
        assert_eq!(of(&["~", "1"]), [bytes("~1")]);
    }

    #[test]
    fn a_command_is_at_the_beginning_of_a_line() {
        let of_command = RawOutcome::Command;
        assert_eq!(of(&["~."]), [of_command(Command::Leave)]);
        assert_eq!(of(&["a\r~", "."]), [bytes("a\r"), of_command(Command::Leave)]);
        assert_eq!(of(&["~?~."]), [of_command(Command::Help), of_command(Command::Leave)]);
        let mut outcomes = Vec::new();
        assert_eq!(RawKeys::default().feed(b"\r~e gbk\r", false, &mut outcomes), 3);
        assert_eq!(outcomes, [bytes("\r"), RawOutcome::Begun("~e ".into())]);
        outcomes.clear();
        assert_eq!(RawKeys::default().feed(b"~12\r", true, &mut outcomes), 2);
        assert_eq!(outcomes, [RawOutcome::Begun("~1".into())]);
    }
}
