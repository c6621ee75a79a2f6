//! What a script expects of a connection: patterns to be found in the bytes that arrive, in order.

use std::collections::VecDeque;

use memchr::memmem;
use rhai::{Dynamic, FnPtr};

use crate::script::timers::TimerId;
use crate::session::Cutting;

/// What to find.
#[derive(Clone, Debug)]
pub(super) enum Pattern {
    /// Bytes.
    Bytes(Vec<u8>),
    /// The UTF-8 of a text.
    Text(String),
}

/// A pattern and what to call when it was found, or when its time is up.
#[derive(Clone, Debug)]
pub(super) struct Expectation {
    pub(super) pattern: Pattern,
    pub(super) call: FnPtr,
    pub(super) timer: Option<TimerId>,
}

/// A pattern that was found.
#[derive(Debug)]
pub(super) struct Found {
    /// Its first byte in what had arrived.
    pub(super) start: usize,
    /// The byte behind it.
    pub(super) end: usize,
    /// What came before it, as a string for a text pattern.
    pub(super) before: Dynamic,
    /// What was found.
    pub(super) matched: Dynamic,
}

/// What a script has chosen for one connection's stream.
#[derive(Debug)]
pub(super) struct Stream {
    /// The framing that counts when nothing is expected.
    pub(super) cutting: Cutting,
    /// What is expected, the first one first.
    pub(super) expected: VecDeque<Expectation>,
}

impl Default for Stream {
    fn default() -> Self {
        Self { cutting: Cutting::None, expected: VecDeque::new() }
    }
}

impl Pattern {
    /// Finds it in what has arrived.
    pub(super) fn find(&self, bytes: &[u8]) -> Option<Found> {
        match self {
            Self::Bytes(wanted) => {
                let start = memmem::find(bytes, wanted)?;
                let end = start + wanted.len();
                let before = Dynamic::from_blob(bytes[..start].to_vec());
                Some(Found { start, end, before, matched: Dynamic::from_blob(wanted.clone()) })
            }
            Self::Text(wanted) => {
                let start = memmem::find(bytes, wanted.as_bytes())?;
                let end = start + wanted.len();
                let before = String::from_utf8_lossy(&bytes[..start]).into_owned().into();
                Some(Found { start, end, before, matched: wanted.clone().into() })
            }
        }
    }
}
