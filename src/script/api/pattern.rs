//! Regular expressions on bytes and on text: `re("..")`.
//!
//! The time of a search is proportional to pattern size times text length. That product has a limit, because a search
//! cannot be interrupted; between two matches the time limit of the call is checked.

use std::cell::{OnceCell, RefCell};
use std::collections::HashMap;
use std::rc::Rc;

use regex::bytes::{Captures, Regex, RegexBuilder};
use regex_syntax::ParserBuilder;
use regex_syntax::hir::{Hir, HirKind};
use rhai::{Array, Blob, Dynamic, Engine, INT, ImmutableString, Map, NativeCallContext};

use super::{Outcome, failure, type_name};
use crate::codec::scan;
use crate::script::host::Host;

/// A compiled pattern; cheap to clone.
#[derive(Clone, Debug)]
pub(in crate::script) struct Pattern(Rc<Compiled>);

#[derive(Debug)]
struct Compiled {
    regex: Regex,
    /// Weight: approximate number of pattern positions tried at one byte of text.
    weight: usize,
    /// It matches valid UTF-8 only.
    is_text: bool,
    /// It can match the empty string.
    is_empty: bool,
    /// For a search in a stream, once there was one; `None` if it cannot be compiled for that.
    stream: OnceCell<Option<Rc<scan::Pattern>>>,
}

impl Pattern {
    /// The same for a search in a stream that comes in pieces.
    pub(in crate::script) fn stream(&self) -> Option<Rc<scan::Pattern>> {
        let compile = || scan::Pattern::new(self.0.regex.as_str(), false).ok().map(Rc::new);
        self.0.stream.get_or_init(compile).clone()
    }

    pub(in crate::script) fn regex(&self) -> &Regex {
        &self.0.regex
    }

    /// Whether it matches somewhere in a string or a blob.
    pub(super) fn is_match(&self, context: &NativeCallContext<'_>, function: &str, x: &Dynamic) -> Outcome<bool> {
        Ok(self.0.regex.is_match(self.0.subject(context, function, x)?.bytes()))
    }

    /// Whether it matches valid UTF-8 only.
    pub(in crate::script) fn is_text(&self) -> bool {
        self.0.is_text
    }

    /// Whether it can match the empty string.
    pub(in crate::script) fn is_empty(&self) -> bool {
        self.0.is_empty
    }

    /// Maximum bytes of one search.
    pub(in crate::script) fn limit(&self) -> usize {
        MAX_WORK / self.0.weight
    }
}

impl Compiled {
    /// The text to search; an error if it is too long for the pattern.
    fn subject(&self, context: &NativeCallContext<'_>, function: &str, x: &Dynamic) -> Outcome<Subject> {
        let subject = Subject::new(context, function, x)?;
        let limit = MAX_WORK / self.weight;
        if subject.bytes().len() > limit {
            return Err(failure(format!("{function}: with this pattern at most {limit} bytes at once")));
        }
        Ok(subject)
    }
}

pub(super) fn register(engine: &mut Engine, host: &Rc<Host>) {
    type Context<'a> = NativeCallContext<'a>;
    engine.register_type_with_name::<Pattern>("Regex");
    let cache = Cache::default();
    engine
        .register_fn("re", move |pattern: ImmutableString| cache.compile(&pattern))
        .register_fn("to_string", |pattern: &mut Pattern| pattern.0.regex.as_str().to_owned())
        .register_fn("to_debug", |pattern: &mut Pattern| format!("re({:?})", pattern.0.regex.as_str()))
        .register_fn("test", |context: Context<'_>, pattern: &mut Pattern, x: Dynamic| -> Outcome<bool> {
            Ok(pattern.0.regex.is_match(pattern.0.subject(&context, "test", &x)?.bytes()))
        })
        .register_fn("find", |context: Context<'_>, pattern: &mut Pattern, x: Dynamic| -> Outcome<Dynamic> {
            let subject = pattern.0.subject(&context, "find", &x)?;
            let found = pattern.0.regex.captures(subject.bytes());
            Ok(found.map_or(Dynamic::UNIT, |found| subject.found(&pattern.0.regex, &found, &mut Place::default())))
        });
    let clock = Rc::clone(host);
    engine.register_fn("find_all", move |context: Context<'_>, pattern: &mut Pattern, x: Dynamic| -> Outcome<Array> {
        let subject = pattern.0.subject(&context, "find_all", &x)?;
        let (mut all, mut place) = (Array::new(), Place::default());
        for found in pattern.0.regex.captures_iter(subject.bytes()) {
            clock.check()?;
            if all.len() == MAX_MATCHES {
                return Err(failure(format!("find_all: more than {MAX_MATCHES} matches")));
            }
            all.push(subject.found(&pattern.0.regex, &found, &mut place));
        }
        Ok(all)
    });
    let clock = Rc::clone(host);
    engine.register_fn(
        "replace",
        move |context: Context<'_>, pattern: &mut Pattern, x: Dynamic, with: Dynamic| -> Outcome<Dynamic> {
            replace(&context, &clock, &pattern.0, &x, &with)
        },
    );
}

fn replace(
    context: &NativeCallContext<'_>,
    clock: &Host,
    pattern: &Compiled,
    x: &Dynamic,
    with: &Dynamic,
) -> Outcome<Dynamic> {
    let subject = pattern.subject(context, "replace", x)?;
    let with = Subject::new(context, "replace", with)?;
    let (bytes, limit) = (subject.bytes(), subject.limit());
    let (mut out, mut last) = (Vec::new(), 0);
    for found in pattern.regex.captures_iter(bytes) {
        clock.check()?;
        let whole = found.get_match();
        out.extend_from_slice(&bytes[last..whole.start()]);
        found.expand(with.bytes(), &mut out);
        last = whole.end();
        if out.len() > limit {
            return Err(failure(format!("replace: the result would be larger than {} MiB", limit >> 20)));
        }
    }
    out.extend_from_slice(&bytes[last..]);
    Ok(subject.like(&out))
}

/// Cache of compiled patterns; cleared when it is full.
#[derive(Default)]
struct Cache(RefCell<HashMap<ImmutableString, Pattern>>);

impl Cache {
    fn compile(&self, pattern: &ImmutableString) -> Outcome<Pattern> {
        if let Some(known) = self.0.borrow().get(pattern) {
            return Ok(known.clone());
        }
        if pattern.len() > MAX_PATTERN {
            return Err(failure(format!("re: the pattern is longer than {MAX_PATTERN} bytes")));
        }
        let compiled = RegexBuilder::new(pattern).size_limit(MAX_PROGRAM).dfa_size_limit(MAX_TABLES).build();
        let regex = compiled.map_err(|fault| failure(explain(pattern, &fault)))?;
        let parsed = ParserBuilder::new().utf8(false).build().parse(pattern);
        let weight = parsed.as_ref().map_or(1, weight).max(1);
        let properties = parsed.as_ref().map(Hir::properties);
        let is_text = properties.as_ref().is_ok_and(|known| known.is_utf8());
        let is_empty = properties.is_ok_and(|known| known.minimum_len() == Some(0));
        let mut known = self.0.borrow_mut();
        if known.len() == MAX_CACHED {
            known.clear();
        }
        let compiled = Pattern(Rc::new(Compiled { regex, weight, is_text, is_empty, stream: OnceCell::new() }));
        known.insert(pattern.clone(), compiled.clone());
        Ok(compiled)
    }
}

/// The weight of a pattern: approximate number of its positions tried at one byte of text. Repetitions count as often
/// as they may repeat.
fn weight(pattern: &Hir) -> usize {
    let sum = |parts: &[Hir]| parts.iter().map(weight).fold(0, usize::saturating_add);
    match pattern.kind() {
        HirKind::Empty | HirKind::Look(_) => 1,
        HirKind::Literal(literal) => 1 + literal.0.len() / 4,
        HirKind::Class(_) => 2,
        HirKind::Capture(group) => weight(&group.sub).saturating_add(1),
        HirKind::Concat(parts) | HirKind::Alternation(parts) => sum(parts),
        HirKind::Repetition(repetition) => {
            let times = repetition.max.unwrap_or(repetition.min.saturating_add(1)).max(1);
            weight(&repetition.sub).saturating_mul(times as usize)
        }
    }
}

/// The last line of the regex crate's message, which also shows the pattern and a marker.
fn explain(pattern: &str, fault: &regex::Error) -> String {
    if let regex::Error::CompiledTooBig(_) = fault {
        return "re: the pattern is too large when compiled; repeat less, or use (?-u) for ASCII classes".to_owned();
    }
    let text = fault.to_string();
    let what = text.lines().last().unwrap_or_default().trim().trim_start_matches("error: ");
    format!("re({pattern:?}): {what}")
}

/// The searched value, which also decides the type of results; positions in a string are counted in characters.
enum Subject {
    Text(ImmutableString),
    Bytes(Blob),
}

/// An offset in bytes, and the characters counted up to it.
#[derive(Default)]
struct Place {
    byte: usize,
    characters: usize,
}

impl Subject {
    fn new(context: &NativeCallContext<'_>, function: &str, value: &Dynamic) -> Outcome<Self> {
        Ok(if let Some(text) = value.read_lock::<ImmutableString>() {
            Self::Text(text.clone())
        } else if let Some(blob) = value.read_lock::<Blob>() {
            Self::Bytes(blob.clone())
        } else {
            let given = type_name(context, value);
            return Err(failure(format!("{function} takes a blob or a string, not {given}")));
        })
    }

    fn bytes(&self) -> &[u8] {
        match self {
            Self::Text(text) => text.as_bytes(),
            Self::Bytes(bytes) => bytes,
        }
    }

    /// Maximum length of a value of this type, in bytes.
    fn limit(&self) -> usize {
        match self {
            Self::Text(_) => 16 << 20,
            Self::Bytes(_) => 4 << 20,
        }
    }

    /// Bytes as a value of the same type.
    fn like(&self, bytes: &[u8]) -> Dynamic {
        match self {
            Self::Text(_) => String::from_utf8_lossy(bytes).into_owned().into(),
            Self::Bytes(_) => Dynamic::from_blob(bytes.to_vec()),
        }
    }

    /// The map of a match: `#{start, end, matched, groups, names}`.
    fn found(&self, pattern: &Regex, found: &Captures<'_>, place: &mut Place) -> Dynamic {
        let whole = found.get_match();
        let group =
            |part: Option<regex::bytes::Match<'_>>| part.map_or(Dynamic::UNIT, |part| self.like(part.as_bytes()));
        let groups: Array = found.iter().map(group).collect();
        let names: Map = pattern.capture_names().flatten().map(|name| (name.into(), group(found.name(name)))).collect();
        let mut map = Map::new();
        map.insert("start".into(), self.position(whole.start(), place).into());
        map.insert("end".into(), self.position(whole.end(), place).into());
        map.insert("matched".into(), self.like(whole.as_bytes()));
        map.insert("groups".into(), groups.into());
        map.insert("names".into(), names.into());
        map.into()
    }

    /// The position of a byte offset for the script; offsets must not decrease between calls.
    fn position(&self, byte: usize, place: &mut Place) -> INT {
        if let Self::Bytes(_) = self {
            return byte as INT;
        }
        let between = &self.bytes()[place.byte..byte];
        // Counts every byte but UTF-8 continuation bytes.
        place.characters += between.iter().filter(|byte| **byte & 0xc0 != 0x80).count();
        place.byte = byte;
        place.characters as INT
    }
}

/// Maximum length of a pattern's source, in bytes.
const MAX_PATTERN: usize = 16 << 10;
/// Maximum size of a compiled pattern, in bytes.
const MAX_PROGRAM: usize = 256 << 10;
/// Maximum size of the tables built during a search, in bytes.
const MAX_TABLES: usize = 2 << 20;
/// Maximum number of cached patterns.
const MAX_CACHED: usize = 256;
/// Maximum weight times text length in bytes. Measured: the worst patterns take 13 ns per unit, 0.4 s in total.
const MAX_WORK: usize = 32 << 20;
/// Maximum number of matches of one call.
const MAX_MATCHES: usize = 65_536;
