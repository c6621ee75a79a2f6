//! `StreamMatcher`: the first match of a regex in a stream that comes in pieces, cut anywhere.
//!
//! Owns a lazily built DFA over the NFA that `regex-automata` compiles, and its bounded cache. Keeps nothing of the
//! stream but its last character. The first match is the one that ends first: it is reported as soon as nothing that
//! may still come can change it. Does not know what a match means.

use std::collections::HashMap;
use std::fmt;
use std::rc::Rc;

use regex_automata::MatchKind;
use regex_automata::nfa::thompson::{NFA, State as NfaState, WhichCaptures};
use regex_automata::util::look::{Look, LookSet};
use regex_automata::util::prefilter::Prefilter;
use regex_automata::util::primitives::StateID;
use regex_automata::{Span, util::syntax};
use regex_syntax::hir::Hir;

use crate::codec::escape::show_line;
use crate::codec::work;

/// A compiled pattern in the syntax of the `regex` crate; all matchers of a pattern share it.
#[derive(Debug)]
pub struct Pattern {
    text: String,
    nfa: NFA,
    /// Finds where a match may start, if the pattern starts with literals and that is fast.
    prefilter: Option<Prefilter>,
    /// The column of each byte in the table of transitions.
    columns: [u16; 256],
    /// A byte for each column, the smallest one.
    samples: Vec<u8>,
    has_looks: bool,
    /// Whether a match depends on what follows it.
    looks_ahead: bool,
    /// Word boundaries depend on whole characters: the table holds only their ASCII side.
    has_unicode_words: bool,
}

/// Why a pattern cannot be looked for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum PatternError {
    /// It does not compile.
    Syntax(String),
    /// It matches the empty string, so everywhere.
    Empty,
    /// No input can match it.
    Impossible,
}

/// The search for one pattern in one stream.
#[derive(Debug)]
pub struct StreamMatcher {
    pattern: Rc<Pattern>,
    table: Table,
    closure: Closure,
    state: u32,
    /// Bytes of the stream that the state has taken.
    at: u64,
    /// The last of them, at most [`CHARACTER`].
    before: Vec<u8>,
    /// An incomplete character that the state has not taken.
    held: Vec<u8>,
    found: Option<u64>,
}

impl Pattern {
    /// Compiles a pattern for decoded text, or for raw bytes, where it may also match what is not UTF-8.
    pub fn new(text: &str, is_for_text: bool) -> Result<Self, PatternError> {
        let hir = syntax::parse_with(text, &syntax::Config::new().utf8(is_for_text))
            .map_err(|error| PatternError::Syntax(cause(&error)))?;
        match hir.properties().minimum_len() {
            None => return Err(PatternError::Impossible),
            Some(0) => return Err(PatternError::Empty),
            Some(_) => {}
        }
        let config = NFA::config().utf8(false).which_captures(WhichCaptures::None).nfa_size_limit(Some(SIZE_LIMIT));
        let nfa = NFA::compiler()
            .configure(config)
            .build_from_hir(&hir)
            .map_err(|_| PatternError::Syntax(format!("it needs more than {} MiB when compiled", SIZE_LIMIT >> 20)))?;
        Ok(Self::compiled(text, &hir, nfa))
    }

    fn compiled(text: &str, hir: &Hir, nfa: NFA) -> Self {
        let looks = nfa.look_set_any();
        let has_unicode_words = looks.contains_word_unicode();
        let mut columns = [0; 256];
        let mut samples = vec![0; nfa.byte_classes().alphabet_len() - 1];
        for byte in (0..=u8::MAX).rev() {
            let class = nfa.byte_classes().get(byte);
            samples[usize::from(class)] = byte;
            columns[usize::from(byte)] =
                if has_unicode_words && !byte.is_ascii() { samples.len() as u16 } else { class.into() };
        }
        Self {
            text: text.to_owned(),
            prefilter: Prefilter::from_hir_prefix(MatchKind::All, hir).filter(Prefilter::is_fast),
            columns,
            samples,
            has_looks: !looks.is_empty(),
            looks_ahead: !looks.subtract(LookSet::singleton(Look::Start).insert(Look::StartLF)).is_empty(),
            has_unicode_words,
            nfa,
        }
    }

    /// The pattern as it was written.
    pub fn text(&self) -> &str {
        &self.text
    }

    /// Where the longest match that ends at `end` starts. `window` is a part of the stream, its start if
    /// `is_from_start`; `None`: the match starts before the window.
    pub fn start_of_match(&self, window: &[u8], is_from_start: bool, end: usize) -> Option<usize> {
        let mut closure = Closure::new(&self.nfa);
        (usize::from(!is_from_start)..end).find(|&start| {
            let mut roots = vec![self.nfa.start_anchored()];
            for at in start..=end {
                let before = &window[at.saturating_sub(CHARACTER)..at];
                let after = &window[at..window.len().min(at + CHARACTER)];
                if closure.compute(&self.nfa, &roots, before, after) {
                    return at == end;
                }
                if at == end {
                    return false;
                }
                roots = closure.after_byte(&self.nfa, window[at]);
                if roots.is_empty() {
                    return false;
                }
            }
            false
        })
    }

    /// The column for bytes whose transitions are not kept.
    fn unkept_column(&self) -> usize {
        self.samples.len()
    }

    fn end_column(&self) -> usize {
        self.samples.len() + 1
    }

    fn stride(&self) -> usize {
        self.samples.len() + 2
    }

    /// What looks can know of the byte before a position.
    fn previous(&self, byte: u8) -> Previous {
        if !self.has_looks {
            return Previous::Any;
        }
        match usize::from(self.columns[usize::from(byte)]) {
            column if column == self.unkept_column() => Previous::Character,
            column => Previous::Column(column as u16),
        }
    }
}

impl fmt::Display for PatternError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Syntax(cause) => f.write_str(cause),
            Self::Empty => f.write_str("it matches the empty string, and so everywhere"),
            Self::Impossible => f.write_str("nothing can match it"),
        }
    }
}

impl StreamMatcher {
    /// A search at the start of a stream.
    pub fn new(pattern: Rc<Pattern>) -> Self {
        let mut table = Table::default();
        let previous = if pattern.has_looks { Previous::Start } else { Previous::Any };
        let state = table.intern(&pattern, Vec::new(), previous) & !IDLE;
        let closure = Closure::new(&pattern.nfa);
        Self { pattern, table, closure, state, at: 0, before: Vec::new(), held: Vec::new(), found: None }
    }

    /// What is looked for.
    pub fn pattern(&self) -> &Pattern {
        &self.pattern
    }

    /// Takes the next bytes of the stream. Returns where the first match ends, counted in bytes of the stream, if that
    /// is certain by now.
    pub fn push(&mut self, bytes: &[u8]) -> Option<u64> {
        work::note(bytes.len());
        if self.found.is_some() {
            return self.found;
        }
        if self.held.is_empty() {
            let taken = self.run(bytes, false);
            self.held.extend_from_slice(&bytes[taken..]);
        } else {
            let mut held = std::mem::take(&mut self.held);
            held.extend_from_slice(bytes);
            let taken = self.run(&held, false);
            held.drain(..taken);
            self.held = held;
        }
        if self.found.is_none() && self.is_certain() {
            self.found = Some(self.at);
        }
        if self.found.is_some() {
            self.held.clear();
        }
        self.found
    }

    /// Bytes of the stream that belong before the end of the first match, if there is one, whatever follows: all but an
    /// incomplete character that may be needed to know whether there is one.
    pub fn settled(&self) -> u64 {
        self.at
    }

    /// Takes the next bytes of the stream. Returns whether there is a match if the stream ends with them.
    pub fn matches_with(&mut self, bytes: &[u8]) -> bool {
        self.push(bytes).is_some() || self.matches_at_end()
    }

    /// The stream has ended: where the first match ends, if there is one.
    pub fn finish(&mut self) -> Option<u64> {
        let held = std::mem::take(&mut self.held);
        if self.found.is_none() {
            self.run(&held, true);
        }
        if self.found.is_none() && self.matches_at_end() {
            self.found = Some(self.at);
        }
        self.found
    }

    /// Takes bytes until there is a match or more bytes are needed to know what a position is; says how many.
    fn run(&mut self, bytes: &[u8], is_last: bool) -> usize {
        let stride = self.pattern.stride();
        let mut at = self.skip(bytes, 0);
        while at < bytes.len() && self.found.is_none() {
            let column = usize::from(self.pattern.columns[usize::from(bytes[at])]);
            let mut next = self.table.next[self.state as usize * stride + column];
            if next == UNKNOWN {
                match self.step(bytes, at, is_last) {
                    Some(computed) => next = computed,
                    None => break,
                }
            }
            match next {
                MATCH => self.found = Some(self.at + at as u64),
                next if next & IDLE == 0 => {
                    self.state = next;
                    at += 1;
                }
                next => {
                    self.state = next & !IDLE;
                    at = self.skip(bytes, at + 1);
                }
            }
        }
        self.at += at as u64;
        self.before = self.last_character(bytes, at);
        at
    }

    /// The next place where a match may start, if none has: from `at` on, but before a literal that may be cut off.
    fn skip(&mut self, bytes: &[u8], at: usize) -> usize {
        let Some(prefilter) = &self.pattern.prefilter else { return at };
        if !self.table.states[self.state as usize].roots.is_empty() {
            return at;
        }
        let to = match prefilter.find(bytes, Span { start: at, end: bytes.len() }) {
            Some(span) => span.start,
            None => at.max((bytes.len() + 1).saturating_sub(prefilter.max_needle_len())),
        };
        if to > at {
            let previous = self.pattern.previous(bytes[to - 1]);
            self.state = self.table.intern(&self.pattern, Vec::new(), previous) & !IDLE;
        }
        to
    }

    /// Computes a transition that the table does not have. `None`: the rest of a character is missing.
    fn step(&mut self, bytes: &[u8], at: usize, is_last: bool) -> Option<u32> {
        let pattern = Rc::clone(&self.pattern);
        let byte = bytes[at];
        let after = &bytes[at..bytes.len().min(at + CHARACTER)];
        if pattern.has_unicode_words && !is_last && is_incomplete(after) {
            return None;
        }
        let before = self.last_character(bytes, at);
        if self.table.is_full() {
            let current = Rc::clone(&self.table.states[self.state as usize]);
            self.table = Table::default();
            self.state = self.table.intern(&pattern, current.roots.clone(), current.previous) & !IDLE;
        }
        let current = Rc::clone(&self.table.states[self.state as usize]);
        let next = if self.compute(&current.roots, &before, after) {
            MATCH
        } else {
            let roots = self.closure.after_byte(&pattern.nfa, byte);
            self.table.intern(&pattern, roots, pattern.previous(byte))
        };
        let column = usize::from(pattern.columns[usize::from(byte)]);
        if column != pattern.unkept_column() && current.previous != Previous::Character {
            self.table.next[self.state as usize * pattern.stride() + column] = next;
        }
        Some(next)
    }

    /// Whether a match ends here whatever follows.
    fn is_certain(&mut self) -> bool {
        if !self.matches_at_end() {
            return false;
        }
        let pattern = Rc::clone(&self.pattern);
        let others: &[&[u8]] = if pattern.has_unicode_words { OTHER_CHARACTERS } else { &[] };
        let current = Rc::clone(&self.table.states[self.state as usize]);
        let before = self.before.clone();
        !pattern.looks_ahead
            || pattern
                .samples
                .chunks(1)
                .chain(others.iter().copied())
                .all(|after| self.compute(&current.roots, &before, after))
    }

    /// Whether a match ends here if the stream ends here.
    fn matches_at_end(&mut self) -> bool {
        let slot = self.state as usize * self.pattern.stride() + self.pattern.end_column();
        if self.table.next[slot] == UNKNOWN {
            let current = Rc::clone(&self.table.states[self.state as usize]);
            let before = self.before.clone();
            let matches = self.compute(&current.roots, &before, &[]);
            if current.previous == Previous::Character {
                return matches;
            }
            self.table.next[slot] = if matches { MATCH } else { NO_MATCH };
        }
        self.table.next[slot] == MATCH
    }

    /// Computes what can be reached without a byte, a new start included; whether a match is.
    fn compute(&mut self, roots: &[StateID], before: &[u8], after: &[u8]) -> bool {
        let start = self.pattern.nfa.start_anchored();
        self.closure.compute_with(&self.pattern.nfa, roots.iter().copied().chain([start]), before, after)
    }

    /// The last bytes before `at`: enough for a whole character.
    fn last_character(&self, bytes: &[u8], at: usize) -> Vec<u8> {
        let here = &bytes[at.saturating_sub(CHARACTER)..at];
        let missing = (CHARACTER - here.len()).min(self.before.len());
        [&self.before[self.before.len() - missing..], here].concat()
    }
}

/// What looks can know of the byte before a position.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
enum Previous {
    /// There are no looks.
    Any,
    /// The stream starts here.
    Start,
    /// A byte of this column.
    Column(u16),
    /// A part of a character outside of ASCII: its bytes have to be looked at.
    Character,
}

/// A state of the DFA: the states of the NFA that the last byte led to, and what looks can know of that byte.
#[derive(Debug, PartialEq, Eq, Hash)]
struct DfaState {
    roots: Vec<StateID>,
    previous: Previous,
}

/// The states of the DFA met so far and the transitions between them.
#[derive(Debug, Default)]
struct Table {
    states: Vec<Rc<DfaState>>,
    numbers: HashMap<Rc<DfaState>, u32>,
    /// A row of [`Pattern::stride`] columns for each state.
    next: Vec<u32>,
    /// Memory of all states, in bytes.
    size: usize,
}

impl Table {
    /// The number of a state, marked with [`IDLE`] where a prefilter may skip.
    fn intern(&mut self, pattern: &Pattern, roots: Vec<StateID>, previous: Previous) -> u32 {
        let mark = if roots.is_empty() && pattern.prefilter.is_some() { IDLE } else { 0 };
        let state = Rc::new(DfaState { roots, previous });
        if let Some(number) = self.numbers.get(&state) {
            return number | mark;
        }
        let number = self.states.len() as u32;
        self.next.resize(self.next.len() + pattern.stride(), UNKNOWN);
        self.size += pattern.stride() * size_of::<u32>() + state.roots.len() * size_of::<StateID>() + STATE_SIZE;
        self.states.push(Rc::clone(&state));
        self.numbers.insert(state, number);
        number | mark
    }

    fn is_full(&self) -> bool {
        self.size > TABLE_LIMIT
    }
}

/// The states of the NFA that are reached without taking a byte.
#[derive(Debug)]
struct Closure {
    /// For each state of the NFA, the round in which it was reached last.
    reached: Vec<u32>,
    round: u32,
    stack: Vec<StateID>,
    /// Those that take a byte.
    waiting: Vec<StateID>,
}

impl Closure {
    fn new(nfa: &NFA) -> Self {
        Self { reached: vec![0; nfa.states().len()], round: 0, stack: Vec::new(), waiting: Vec::new() }
    }

    fn compute(&mut self, nfa: &NFA, roots: &[StateID], before: &[u8], after: &[u8]) -> bool {
        self.compute_with(nfa, roots.iter().copied(), before, after)
    }

    /// Follows everything that takes no byte; whether a match is reached. No `before` is the start of the stream, no
    /// `after` its end.
    fn compute_with(&mut self, nfa: &NFA, roots: impl Iterator<Item = StateID>, before: &[u8], after: &[u8]) -> bool {
        let mut around = [0; 2 * CHARACTER];
        around[..before.len()].copy_from_slice(before);
        around[before.len()..before.len() + after.len()].copy_from_slice(after);
        let around = &around[..before.len() + after.len()];
        self.round = self.round.wrapping_add(1);
        if self.round == 0 {
            self.reached.fill(0);
            self.round = 1;
        }
        self.waiting.clear();
        self.stack.clear();
        self.stack.extend(roots);
        while let Some(id) = self.stack.pop() {
            if std::mem::replace(&mut self.reached[id.as_usize()], self.round) == self.round {
                continue;
            }
            match nfa.state(id) {
                NfaState::ByteRange { .. } | NfaState::Sparse(_) | NfaState::Dense(_) => self.waiting.push(id),
                NfaState::Look { look, next } => {
                    if nfa.look_matcher().matches(*look, around, before.len()) {
                        self.stack.push(*next);
                    }
                }
                NfaState::Union { alternates } => self.stack.extend_from_slice(alternates),
                NfaState::BinaryUnion { alt1, alt2 } => self.stack.extend([*alt1, *alt2]),
                NfaState::Capture { next, .. } => self.stack.push(*next),
                NfaState::Fail => {}
                NfaState::Match { .. } => return true,
            }
        }
        false
    }

    /// Where a byte leads to, in order.
    fn after_byte(&self, nfa: &NFA, byte: u8) -> Vec<StateID> {
        let next = |&id: &StateID| match nfa.state(id) {
            NfaState::ByteRange { trans } => trans.matches_byte(byte).then_some(trans.next),
            NfaState::Sparse(transitions) => transitions.matches_byte(byte),
            NfaState::Dense(transitions) => transitions.matches_byte(byte),
            _ => None,
        };
        let mut roots: Vec<StateID> = self.waiting.iter().filter_map(next).collect();
        roots.sort_unstable();
        roots.dedup();
        roots
    }
}

/// Whether the bytes start with a character that is not complete yet.
fn is_incomplete(bytes: &[u8]) -> bool {
    matches!(std::str::from_utf8(bytes), Err(error) if error.valid_up_to() == 0 && error.error_len().is_none())
}

/// The reason in one line.
fn cause(error: &regex_syntax::Error) -> String {
    let (kind, span) = match error {
        regex_syntax::Error::Parse(error) => (error.kind().to_string(), *error.span()),
        regex_syntax::Error::Translate(error) => (error.kind().to_string(), *error.span()),
        other => return show_line(&other.to_string()).into_owned(),
    };
    format!("{kind} (character {})", span.start.column)
}

/// The longest character in bytes of UTF-8.
const CHARACTER: usize = 4;
/// What may follow besides ASCII where word boundaries are those of Unicode: a letter, another character, and a byte
/// that is none.
const OTHER_CHARACTERS: &[&[u8]] = &["\u{e9}".as_bytes(), "\u{2026}".as_bytes(), b"\xff"];
/// Maximum bytes of a compiled pattern, as in the `regex` crate.
const SIZE_LIMIT: usize = 10 << 20;
/// Bytes of states above which the table starts anew.
const TABLE_LIMIT: usize = 1 << 20;
/// Bytes of one state beside its row and roots, about.
const STATE_SIZE: usize = 128;
/// The mark of a state in which no match has started.
const IDLE: u32 = 1 << 31;
const UNKNOWN: u32 = u32::MAX;
const MATCH: u32 = u32::MAX - 1;
const NO_MATCH: u32 = u32::MAX - 2;

#[cfg(test)]
mod tests;
