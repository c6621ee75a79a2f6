//! The stderr of a fake world.

use std::cell::RefCell;
use std::io;
use std::time::Duration;

use mio::event::Source;

use super::{Anchor, take_room};
use crate::codec::escape::show_bytes;
use crate::driver::messages::{MessageStream, Messages, Queue};
use crate::driver::tests::stage::Shared;

/// What the parts of a run say to people, through the queue of a real run.
pub(in crate::driver::tests) struct FakeMessages(pub(super) RefCell<Queue<Stderr>>);

impl Messages for FakeMessages {
    fn say(&self, text: &str) {
        self.0.borrow_mut().say(text);
    }

    fn flush(&self) -> bool {
        self.0.borrow_mut().flush()
    }

    fn amounts(&self) -> (usize, u64) {
        self.0.borrow().amounts()
    }

    fn unblock(&self) {
        self.0.borrow_mut().unblock();
    }

    fn with_source(&self, register: &mut dyn FnMut(&mut dyn Source)) {
        self.0.borrow_mut().source().map(register);
    }

    fn finish(&self, _: Duration) {}
}

pub(in crate::driver::tests) struct Stderr {
    pub(super) stage: Shared,
    pub(super) anchor: Anchor,
    /// What was written of a line.
    pub(super) line: Vec<u8>,
}

impl MessageStream for Stderr {
    fn source(&mut self) -> Option<&mut dyn Source> {
        Some(&mut self.anchor)
    }

    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        let mut stage = self.stage.borrow_mut();
        let n = take_room(&mut stage.stderr.room, bytes.len())?;
        self.line.extend_from_slice(&bytes[..n]);
        while let Some(end) = self.line.iter().position(|byte| *byte == b'\n') {
            let line: Vec<u8> = self.line.drain(..=end).collect();
            stage.tell(format!("stderr {}", show_bytes(&line[..end])).trim_end());
        }
        Ok(n)
    }
}
