//! The patterns a script expects in the received bytes of a connection (`conn.expect`), in order.
//!
//! Owns the search in bytes or, if the connection has an encoding, in decoded text, and how far it is: every byte is
//! searched once, however it comes. Does not hold received bytes: the session holds them up to a limit.

use std::cell::RefCell;
use std::collections::VecDeque;
use std::ops::Range;
use std::rc::Rc;

use memchr::memmem;
use regex::bytes::{Captures, Match};
use rhai::{Array, Dynamic, FnPtr, Map};

use crate::codec::charset::Decoder;
use crate::codec::framing::MAX_FRAME;
use crate::codec::scan::StreamMatcher;
use crate::codec::text_finder::TextFinder;
use crate::codec::work;
use crate::config::{Charset, Malformed};
use crate::script::api::pattern::Pattern as Regex;
use crate::script::timers::TimerId;
use crate::session::ChosenForm;
use crate::session::search::{Received, Search};

/// A pattern.
#[derive(Clone, Debug)]
pub(super) enum Pattern {
    /// A byte string.
    Bytes(Vec<u8>),
    /// A text in the connection's encoding.
    Text(String),
    /// A regular expression: searched in text, unless it can match invalid UTF-8.
    Regex(Regex),
}

/// A pattern and the callback for its match or timeout.
#[derive(Clone, Debug)]
pub(super) struct Expectation {
    pub(super) search: Rc<PatternSearch>,
    pub(super) call: FnPtr,
    pub(super) timer: Option<TimerId>,
}

/// The search for a pattern in the bytes of one connection.
#[derive(Debug)]
pub(super) struct PatternSearch {
    pattern: Pattern,
    progress: RefCell<Progress>,
    found: RefCell<Option<Found>>,
    rest: RefCell<Dynamic>,
}

/// How far a search is.
#[derive(Debug, Default)]
enum Progress {
    #[default]
    New,
    /// No match starts before this offset.
    Bytes(usize),
    Text(Box<TextFinder>),
    /// No match is in the first bytes, as many as that.
    Regex(Box<StreamMatcher>, usize),
}

/// A match. The values are strings, or blobs for a pattern on bytes.
#[derive(Debug)]
pub(super) struct Found {
    /// Offset of its first byte in the received bytes.
    pub(super) start: usize,
    /// Offset after its last byte.
    pub(super) end: usize,
    /// The received bytes before it.
    pub(super) before: Dynamic,
    /// The matched value and its groups.
    pub(super) groups: Array,
    /// The named groups.
    pub(super) names: Map,
}

/// The chosen form and the expected patterns of one connection.
#[derive(Debug, Default)]
pub(super) struct Stream {
    /// The form chosen while no pattern is expected.
    pub(super) chosen: Option<ChosenForm>,
    /// The expected patterns, in order.
    pub(super) expected: VecDeque<Expectation>,
}

impl Stream {
    /// The current form of the stream.
    pub(super) fn form(&self) -> Option<ChosenForm> {
        match self.expected.front() {
            Some(first) => Some(ChosenForm::Searched(Rc::clone(&first.search) as Rc<dyn Search>)),
            None => self.chosen.clone(),
        }
    }
}

impl PatternSearch {
    /// A search that has not begun.
    pub(super) fn new(pattern: Pattern) -> Rc<Self> {
        let (progress, found, rest) = Default::default();
        Rc::new(Self { pattern, progress, found, rest })
    }

    /// Takes the match.
    pub(super) fn take_found(&self) -> Option<Found> {
        self.found.take()
    }

    /// Takes what was received without a match, as a value of the match's type.
    pub(super) fn take_rest(&self) -> Dynamic {
        match self.rest.take() {
            rest if rest.is_unit() => self.value(&[]),
            rest => rest,
        }
    }

    fn find(&self, received: &Received<'_>) -> Option<Found> {
        let mut progress = self.progress.borrow_mut();
        if received.is_new {
            *progress = Progress::New;
        }
        let bytes = received.bytes;
        match &self.pattern {
            Pattern::Bytes(wanted) => {
                let from = if let Progress::Bytes(from) = *progress { from } else { 0 };
                work::note(bytes.len() - from);
                let Some(at) = memmem::find(&bytes[from..], wanted) else {
                    *progress = Progress::Bytes(from.max((bytes.len() + 1).saturating_sub(wanted.len())));
                    return None;
                };
                let range = from + at..from + at + wanted.len();
                let before = Dynamic::from_blob(bytes[..range.start].to_vec());
                Some(Found::plain(range, before, Dynamic::from_blob(wanted.clone())))
            }
            Pattern::Text(wanted) => {
                if !matches!(*progress, Progress::Text(_)) {
                    let finder = TextFinder::new(wanted, received.encoding, received.seam);
                    *progress = Progress::Text(Box::new(finder));
                }
                let Progress::Text(finder) = &mut *progress else { return None };
                let range = finder.find(bytes)?;
                let before = decode(received, &bytes[..range.start]);
                Some(Found::plain(range, before.into(), wanted.into()))
            }
            Pattern::Regex(regex) => {
                let mark = if regex.is_text() { received.mark()? } else { 0 };
                let searched = match received.text {
                    Some(text) => text.as_str().as_bytes(),
                    None => &bytes[mark..],
                };
                let found = find_regex(regex, searched, &mut progress)?;
                let found = self.captured(searched, regex, &found);
                Some(match received.text {
                    Some(text) => Found { start: text.bytes_of(found.start), end: text.bytes_of(found.end), ..found },
                    None => Found { start: mark + found.start, end: mark + found.end, ..found },
                })
            }
        }
    }

    fn captured(&self, bytes: &[u8], regex: &Regex, found: &Captures<'_>) -> Found {
        let group = |part: Option<Match<'_>>| part.map_or(Dynamic::UNIT, |part| self.value(part.as_bytes()));
        let names = regex.regex().capture_names().flatten();
        let whole = found.get_match();
        Found {
            start: whole.start(),
            end: whole.end(),
            before: self.value(&bytes[..whole.start()]),
            groups: found.iter().map(group).collect(),
            names: names.map(|name| (name.into(), group(found.name(name)))).collect(),
        }
    }

    fn value(&self, bytes: &[u8]) -> Dynamic {
        if self.is_text() {
            String::from_utf8_lossy(bytes).into_owned().into()
        } else {
            Dynamic::from_blob(bytes.to_vec())
        }
    }

    fn is_text(&self) -> bool {
        match &self.pattern {
            Pattern::Bytes(_) => false,
            Pattern::Text(_) => true,
            Pattern::Regex(regex) => regex.is_text(),
        }
    }
}

impl Search for PatternSearch {
    fn max(&self) -> usize {
        match &self.pattern {
            Pattern::Regex(regex) => regex.limit().min(MAX_FRAME),
            Pattern::Bytes(_) | Pattern::Text(_) => MAX_FRAME,
        }
    }

    fn reads_text(&self) -> bool {
        matches!(&self.pattern, Pattern::Regex(regex) if regex.is_text())
    }

    fn look(&self, received: &Received<'_>) -> bool {
        *self.found.borrow_mut() = self.find(received);
        self.found.borrow().is_some()
    }

    fn give_up(&self, received: &Received<'_>) {
        *self.rest.borrow_mut() = if self.is_text() {
            decode(received, received.bytes).into()
        } else {
            Dynamic::from_blob(received.bytes.to_vec())
        };
    }
}

/// The search for the first of several patterns.
#[derive(Debug)]
pub(super) struct AnySearch(Vec<Rc<PatternSearch>>);

impl AnySearch {
    pub(super) fn new(patterns: Vec<Pattern>) -> Rc<Self> {
        Rc::new(Self(patterns.into_iter().map(PatternSearch::new).collect()))
    }

    /// Whether all patterns are searched in text.
    pub(super) fn is_text(&self) -> bool {
        self.0.iter().all(|search| search.is_text())
    }

    /// Takes the match that begins first, and the number of its pattern.
    pub(super) fn take_found(&self) -> Option<(usize, Found)> {
        let found = self.0.iter().enumerate().filter_map(|(index, search)| Some((index, search.take_found()?)));
        found.min_by_key(|(_, found)| found.start)
    }
}

impl Search for AnySearch {
    fn max(&self) -> usize {
        self.0.iter().map(|search| search.max()).min().unwrap_or(MAX_FRAME)
    }

    fn reads_text(&self) -> bool {
        self.0.iter().any(|search| search.reads_text())
    }

    fn look(&self, received: &Received<'_>) -> bool {
        // All of them look, not only up to the first that finds.
        self.0.iter().filter(|search| search.look(received)).count() > 0
    }

    fn give_up(&self, received: &Received<'_>) {
        for search in &self.0 {
            search.give_up(received);
        }
    }
}

impl Found {
    /// A match without groups of its own.
    fn plain(range: Range<usize>, before: Dynamic, matched: Dynamic) -> Self {
        Self { start: range.start, end: range.end, before, groups: vec![matched], names: Map::new() }
    }
}

/// The first match as if the stream ended with these bytes. A match may start anywhere before the new ones, so the whole
/// is searched for it, but only once it is known that there is one.
fn find_regex<'a>(regex: &Regex, bytes: &'a [u8], progress: &mut Progress) -> Option<Captures<'a>> {
    if let Progress::Regex(matcher, searched) = progress {
        let new = &bytes[*searched..];
        *searched = bytes.len();
        if !matcher.matches_with(new) {
            return None;
        }
    }
    work::note(bytes.len());
    let found = regex.regex().captures(bytes);
    if found.is_none()
        && matches!(progress, Progress::New)
        && let Some(pattern) = regex.stream()
    {
        let mut matcher = StreamMatcher::new(pattern);
        matcher.push(bytes);
        *progress = Progress::Regex(Box::new(matcher), bytes.len());
    }
    found
}

/// The text of the first bytes received.
fn decode(received: &Received<'_>, bytes: &[u8]) -> String {
    work::note(bytes.len());
    let mut decoder = Decoder::resume(Charset::Named(received.encoding), Malformed::Replace, received.seam);
    let mut text = String::new();
    // Malformed bytes are replaced, so there is no error.
    let _ = decoder.decode(bytes, &mut text).and_then(|()| decoder.finish(&mut text));
    text
}
