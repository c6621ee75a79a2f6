//! `Heard`: what a proxy has said last, and how far the talk with it has come, for those who put that in words of their own.
//!
//! Owns the record. What the bytes mean to us is for `layer::proxy`; what is said of them for `output`.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

/// How far the talk with a proxy has come: which answer is awaited.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord)]
pub enum Stage {
    /// It is not reached yet.
    #[default]
    Unreached,
    /// The first one, which is the only one of most protocols.
    First,
    /// SOCKS 5: whether it takes the user and the password.
    Login,
    /// SOCKS 5: whether the way is open.
    Reply,
    /// None: the way is open.
    Done,
}

/// What a proxy has said last.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Answer {
    /// Which answer is awaited, or was wrong.
    pub stage: Stage,
    /// SOCKS 5: it has asked for a user and a password.
    pub wants_login: bool,
    /// The answer that did not open the way, as far as it has come.
    pub bytes: Vec<u8>,
    /// The connection has ended in the middle of it.
    pub has_ended: bool,
}

/// The last answer of a proxy. All copies of a proxy share it.
#[derive(Clone, Debug, Default)]
pub struct Heard(Arc<Mutex<Answer>>);

impl Heard {
    /// The proxy is reached, and is told the first words.
    pub fn begin(&self) {
        *self.answer() = Answer { stage: Stage::First, ..Answer::default() };
    }

    /// An answer was understood, and the next one is awaited.
    pub fn advance(&self, stage: Stage) {
        let mut answer = self.answer();
        answer.stage = stage;
        answer.wants_login |= stage == Stage::Login;
    }

    /// An answer does not open the way, or has not come as a whole.
    pub fn fail(&self, bytes: &[u8], has_ended: bool) {
        let mut answer = self.answer();
        answer.bytes = bytes.to_vec();
        answer.has_ended = has_ended;
    }

    /// The last answer.
    pub fn last(&self) -> Answer {
        self.answer().clone()
    }

    fn answer(&self) -> MutexGuard<'_, Answer> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// What was heard is no part of what a proxy is.
impl PartialEq for Heard {
    fn eq(&self, _: &Self) -> bool {
        true
    }
}

impl Eq for Heard {}
