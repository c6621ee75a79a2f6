//! Messages for errors of scripts: position, source line with a caret, spelling suggestion, call chain.
//!
//! ```text
//! reply.rhai:6:9: function not found: sned(Conn, string)
//!     6 |    conn.sned("x");
//!       |         ^ did you mean `send`?
//!     in helper(), called at reply.rhai:2:11
//! ```
//!
//! Owns the wording of Rhai's errors. Does not decide what an error leads to. Parts of these texts come from scripts
//! and peers, so control characters are escaped in every line.

use std::rc::Rc;

use rhai::{EvalAltResult as Fault, ParseErrorType, Position};

use crate::codec::escape::show_line;
use crate::codec::excerpt::excerpt;
use crate::codec::nearest::nearest;
use crate::script::failures;
use crate::script::habits;
use crate::script::outline::{self, Word};
use crate::script::race;
use crate::script::reference;
use crate::script::signatures;
use crate::script::source::{Source, Sources};
use crate::verdicts::{Failure, Kind};

/// A rendered message; its first line is the summary.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Report {
    lines: Vec<String>,
    /// The same in parts.
    failure: Box<Failure>,
}

impl Report {
    /// A message without a position in the script.
    pub(super) fn plain(text: &str) -> Self {
        let (what, hint) =
            text.rsplit_once("\nhint: ").map_or((text, None), |(what, hint)| (what, Some(hint.to_owned())));
        let failure = Box::new(Failure { hint, ..Failure::new(Kind::Error, what) });
        Self { lines: text.lines().map(|line| show_line(line).into_owned()).collect(), failure }
    }

    /// What is wrong at a place.
    fn at(source: &Source, at: Position, words: &Words) -> Self {
        let lines = at_place(source, at, words).iter().map(|line| show_line(line).into_owned()).collect();
        let near = words.near.as_ref().map(|near| format!("did you mean `{near}`?"));
        let failure = Failure {
            place: failures::place(source, at),
            hint: words.hint.clone().or(near),
            ..Failure::new(Kind::Error, words.what.clone())
        };
        Self { lines, failure: Box::new(failure) }
    }

    /// Adds a line at the end.
    pub(super) fn add_line(&mut self, line: &str) {
        self.lines.push(show_line(line).into_owned());
        self.failure.chain.push(line.trim().to_owned());
    }

    /// The same in parts, for the reports of tests.
    pub(super) fn failure(&self) -> &Failure {
        &self.failure
    }

    /// The first line.
    pub(super) fn summary(&self) -> String {
        self.lines.first().cloned().unwrap_or_default()
    }

    /// All lines.
    pub(super) fn message(&self) -> String {
        self.lines.join("\n")
    }
}

/// The content of an error without its position.
#[derive(Default)]
struct Words {
    what: String,
    near: Option<String>,
    hint: Option<String>,
}

/// Renders an error and its call chain.
pub(super) fn render(fault: &Fault, sources: &Sources) -> Report {
    render_in(fault, sources, sources.main())
}

/// The same for an error in another text than the script's own.
pub(super) fn render_in(fault: &Fault, sources: &Sources, source: &Rc<Source>) -> Report {
    render_as(fault, sources, source, None, None)
}

/// Renders the error that ended a call of `handler`. `stopped`: what to say if a limit of tcpx ended it.
pub(super) fn render_call(fault: &Fault, sources: &Sources, handler: &str, stopped: Option<&str>) -> Report {
    render_as(fault, sources, sources.main(), Some(handler), stopped)
}

fn render_as(
    fault: &Fault,
    sources: &Sources,
    source: &Rc<Source>,
    handler: Option<&str>,
    stopped: Option<&str>,
) -> Report {
    let mut chain = Vec::new();
    let mut place = Rc::clone(source);
    let mut innermost = fault;
    let mut within = handler;
    loop {
        let (step, inner, at, source) = match innermost {
            Fault::ErrorInFunctionCall(name, source, inner, at) => {
                within = Some(name).filter(|name| !is_closure(name)).map(String::as_str);
                (call(name), inner, at, source)
            }
            Fault::ErrorInModule(name, inner, at) => (format!("in {name}, imported"), inner, at, name),
            _ => break,
        };
        if !at.is_none() {
            chain.push(format!("    {step} at {}", coordinates(&place, *at)));
        }
        if !source.is_empty() {
            place = sources.get(source);
        }
        innermost = inner;
    }
    let mut at = innermost.position();
    let mut words = match (stopped, innermost) {
        (Some(what), _) => Words { what: what.to_owned(), ..Words::default() },
        (None, Fault::ErrorDataRace(what, _)) => match race::find(&place.text, what, within) {
            Some(race) => {
                at = race.at;
                race_words(&race)
            }
            None => describe(innermost, &place),
        },
        (None, _) => describe(innermost, &place),
    };
    if let (true, true, Some(within)) = (at.is_none(), stopped.is_some() || is_limit(innermost), within) {
        let is_size = matches!(innermost, Fault::ErrorDataTooLarge(..));
        at = race::of_limit(&place.text, within, is_size).unwrap_or_default();
        if at.line().is_some_and(|line| place.is_before(line)) {
            // A one-line form: the user wrote only the body.
            at = Position::new(2, 1);
        }
    }
    let caller = match fault {
        Fault::ErrorInFunctionCall(name, ..) if at.is_none() => handler.or(Some(name)),
        _ => handler.filter(|_| at.is_none() || is_limit(innermost)),
    };
    if let (Some(caller), None) = (caller, stopped) {
        words.what = format!("{} (in {caller})", words.what);
    }
    words.what = shortened(words.what);
    let mut report = Report::at(&place, at, &words);
    let hidden = chain.len().saturating_sub(MAX_CHAIN);
    for step in chain.into_iter().rev().take(MAX_CHAIN) {
        report.add_line(&step);
    }
    if hidden > 0 {
        report.add_line(&format!("    … and {hidden} more calls"));
    }
    if stopped.is_none() {
        failures::complete(&mut report.failure, innermost);
    }
    report
}

/// Whether an error is one of a limit: its place says little without the handler.
fn is_limit(fault: &Fault) -> bool {
    matches!(fault, Fault::ErrorStackOverflow(_) | Fault::ErrorDataTooLarge(..) | Fault::ErrorDataRace(..))
}

fn race_words(race: &race::Race) -> Words {
    let what = format!(
        "a value is used while it is being changed: `{}`, captured by the closure given to {}",
        race.variable, race.function
    );
    Words { what, hint: Some(race.hint.clone()), near: None }
}

/// Renders a finding of a check with its position in the source.
pub(super) fn finding(source: &Source, at: Position, what: String, near: Option<&str>, hint: Option<String>) -> Report {
    let words = Words { what, near: near.map(str::to_owned), hint };
    Report::at(source, at, &words)
}

/// Whether Rhai has made up the name of a function, of which the script has none.
pub(super) fn is_closure(name: &str) -> bool {
    name.starts_with("anon$")
}

/// What an error says without its place, and a hint.
pub(super) fn explain(fault: &Fault, place: &Source) -> (String, Option<String>) {
    let words = describe(fault, place);
    (words.what, words.hint)
}

fn call(name: &str) -> String {
    if is_closure(name) { "in a closure, called".to_owned() } else { format!("in {name}(), called") }
}

/// A place as messages write it.
pub(super) fn coordinates(source: &Source, at: Position) -> String {
    let column = at.position().unwrap_or(1);
    format!("{}:{}:{column}", source.name, source.line_number(at.line().unwrap_or(1)))
}

fn at_place(source: &Source, at: Position, words: &Words) -> Vec<String> {
    let mut lines = Vec::new();
    let near = words.near.as_ref().map(|near| format!("did you mean `{near}`?"));
    let shown = at.line().and_then(|line| source.line(line));
    let mut column = at.position().unwrap_or(1);
    if at.is_none() {
        lines.push(format!("{}: {}", source.name, words.what));
    } else if at.line().is_some_and(|line| source.is_behind(line)) {
        column = shown.map_or(1, |text| text.trim_end().chars().count() + 1);
        let line = source.line_number(at.line().unwrap_or(1));
        lines.push(format!("{}:{line}:{column}: the code ends too early", source.name));
    } else {
        lines.push(format!("{}: {}", coordinates(source, at), words.what));
    }
    if let Some(text) = shown {
        let (text, caret) = excerpt(text, column);
        lines.push(format!("{:>5} | {text}", source.line_number(at.line().unwrap_or(1))));
        let tail = near.map(|near| format!(" {near}")).unwrap_or_default();
        lines.push(format!("      | {}^{tail}", " ".repeat(caret)));
    } else if let Some(near) = near {
        lines.push(format!("hint: {near}"));
    }
    if let Some(hint) = &words.hint {
        lines.push(format!("hint: {hint}"));
    }
    lines
}

fn describe(fault: &Fault, place: &Source) -> Words {
    match fault {
        Fault::ErrorFunctionNotFound(signature, at) => function_not_found(signature, place, *at),
        Fault::ErrorDotExpr(text, _) => property(text),
        Fault::ErrorVariableNotFound(name, at) => variable(name, place, *at),
        Fault::ErrorParsing(kind, at) => parsing(kind, place, *at),
        Fault::ErrorRuntime(thrown, _) => Words { what: thrown_text(thrown), ..Words::default() },
        Fault::ErrorMismatchDataType(wanted, given, _) | Fault::ErrorMismatchOutputType(wanted, given, _) => {
            Words { what: format!("expected {}, found {}", friendly(wanted), friendly(given)), ..Words::default() }
        }
        Fault::ErrorModuleNotFound(name, _) => Words { what: format!("module not found: {name}"), ..Words::default() },
        Fault::ErrorStackOverflow(_) => {
            Words { what: "calls are nested too deeply (64 levels)".to_owned(), ..Words::default() }
        }
        Fault::ErrorDataTooLarge(what, _) => {
            let limit = if what.contains("string") {
                "strings hold at most 16 MiB"
            } else if what.contains("map") {
                "maps hold at most 1 Mi entries"
            } else {
                "arrays and blobs hold at most 4 Mi items"
            };
            Words { what: format!("value too large: {limit}"), ..Words::default() }
        }
        Fault::ErrorDataRace(..) => Words {
            what: "a value is used while it is being changed".to_owned(),
            hint: Some("inside of a function use the function's own parameter, or a copy: let own = conn;".to_owned()),
            ..Words::default()
        },
        other => Words { what: sentence(other), ..Words::default() },
    }
}

fn function_not_found(signature: &str, place: &Source, at: Position) -> Words {
    let Some((name, types)) = signature.split_once(" (") else {
        return Words { what: format!("function not found: {signature}"), ..Words::default() };
    };
    let types = types.strip_suffix(')').unwrap_or(types);
    let types: Vec<_> = types.split(", ").filter(|name| !name.is_empty()).map(friendly).collect();
    let is_name = name.starts_with(|first: char| first.is_alphabetic() || first == '_');
    let valueless = || {
        let name = types.iter().any(|name| name == "()").then(|| habits::valueless(&place.text, at.line()?))??;
        Some(habits::in_place_hint(name))
    };
    let given = types.join(", ");
    match types.as_slice() {
        [left, right] if !is_name => {
            let formats = (name, left.as_str()) == ("%", "string");
            let hint = formats.then(|| "text with values is `a ${x}` in backticks, or \"a {}\".fmt(x)".to_owned());
            return Words {
                what: format!("no such operation: {left} {name} {right}"),
                near: None,
                hint: hint.or_else(valueless),
            };
        }
        [one] if !is_name => {
            return Words { what: format!("no such operation: {name}{one}"), near: None, hint: valueless() };
        }
        _ => {}
    }
    let unknown = format!("function not found: {name}({given})");
    if own_functions(place).any(|word| word.name == name) {
        return Words { what: unknown, near: None, hint: usage(name, place) };
    }
    let forms = signatures::of(name);
    if forms.is_empty() {
        let hint = habits::function(name).map(str::to_owned);
        let near = if hint.is_none() { near_function(name, place) } else { None };
        return Words { what: unknown, near, hint };
    }
    let what = misfit(name, &types);
    if types.first().is_some_and(|first| first == "Conn")
        && let Some(hint) = habits::of_connection(name)
    {
        return Words { what: format!("Conn has no function `{name}`"), near: None, hint: Some(hint.to_owned()) };
    }
    let habit = || habits::function(name).map(str::to_owned);
    Words { what, near: None, hint: valueless().or_else(|| usage(name, place)).or_else(habit) }
}

/// What a call with arguments of wrong types says: `sleep takes (int), not (string)`.
pub(super) fn misfit(name: &str, given: &[String]) -> String {
    format!("{name} takes {}, not ({})", alternatives(&signatures::of(name), given.len()), given.join(", "))
}

/// The argument lists of a function: those of as many arguments as were given, or else all.
fn alternatives(forms: &[String], count: usize) -> String {
    let arguments = |form: &str| if form == "()" { 0 } else { form.matches(", ").count() + 1 };
    let same: Vec<_> = forms.iter().map(String::as_str).filter(|form| arguments(form) == count).collect();
    let all = if same.is_empty() { forms.iter().map(String::as_str).collect() } else { same };
    let more = if all.len() > MAX_FORMS { " …" } else { "" };
    format!("{}{more}", all[..all.len().min(MAX_FORMS)].join(" or "))
}

/// The signature of an existing function.
pub(super) fn usage(name: &str, place: &Source) -> Option<String> {
    let usage = reference::signatures(name);
    if !usage.is_empty() {
        return Some(format!("it is used as {}", usage.join(" or ")));
    }
    let own = own_functions(place).find(|word| word.name == name)?;
    Some(format!("it is defined as {name}({})", own.parameters.join(", ")))
}

/// The existing function with the closest name.
pub(super) fn near_function(name: &str, place: &Source) -> Option<String> {
    let own = own_functions(place).map(|word| word.name.to_owned());
    let names: Vec<_> = own.chain(reference::functions().map(str::to_owned)).collect();
    nearest(name, names.iter().map(String::as_str)).map(str::to_owned)
}

fn own_functions(place: &Source) -> impl Iterator<Item = Word<'_>> {
    outline::words(&place.text).filter(|word| word.keyword == "fn" && word.depth == 0)
}

fn property(text: &str) -> Words {
    let quoted: Vec<_> = text.split('\'').skip(1).step_by(2).collect();
    match quoted.as_slice() {
        [name, owner] => {
            let usage = reference::signatures(name);
            let is_value = friendly(owner) != "()";
            let hint = match usage.as_slice() {
                [] if is_value && signatures::has(name) => Some(format!("it is a function: x.{name}()")),
                [] => habits::function(name).map(str::to_owned),
                _ if is_value => Some(format!("it is a function: {}", usage.join(" or "))),
                _ => None,
            };
            Words {
                what: format!("{} has no property `{name}`", friendly(owner)),
                near: if hint.is_some() { None } else { reference::near_property(name).map(str::to_owned) },
                hint,
            }
        }
        [name, "()", _] => {
            Words { what: format!("cannot set `{name}` of (): there is no value before the dot"), ..Words::default() }
        }
        [name, owner, _]
            if ["Conn", "Listener"].contains(&friendly(owner).as_str())
                && !reference::properties().any(|known| known == *name) =>
        {
            Words {
                what: format!("{} has no property `{name}`", friendly(owner)),
                near: reference::near_property(name).map(str::to_owned),
                ..Words::default()
            }
        }
        [name, owner, value] => Words {
            what: format!("cannot set {}.{name} to a value of type {}", friendly(owner), friendly(value)),
            ..Words::default()
        },
        _ => Words { what: lower(text), ..Words::default() },
    }
}

fn variable(name: &str, place: &Source, at: Position) -> Words {
    let what = format!("unknown variable: {name}");
    let words: Vec<_> = outline::words(&place.text).collect();
    let top = words.iter().find(|word| word.depth == 0 && word.name == name && word.keyword != "fn");
    let hint = match top.map(|word| word.keyword) {
        Some("let") => Some(format!("functions do not see top-level variables; use app.{name}")),
        Some("const") => Some(format!("a computed constant is global::{name} in functions")),
        _ => habits::variable(name, rest_of_line(place, at, name)),
    };
    let known = words.iter().flat_map(|word| {
        let own = if word.keyword == "fn" { None } else { Some(word.name) };
        own.into_iter().chain(word.parameters.iter().copied())
    });
    let known: Vec<&str> = ["app", "args"].into_iter().chain(known).collect();
    // A known name of another type is no suggestion.
    let near = if hint.is_some() { None } else { nearest(name, known).filter(|near| *near != name) };
    Words { what, near: near.map(str::to_owned), hint }
}

/// The line behind a name.
fn rest_of_line<'a>(place: &'a Source, at: Position, name: &str) -> &'a str {
    let line = at.line().and_then(|line| place.line(line)).unwrap_or_default();
    let column = at.position().unwrap_or(1).saturating_sub(1);
    let start = line.char_indices().nth(column).map_or(line.len(), |(start, _)| start);
    line[start..].strip_prefix(name).unwrap_or_default()
}

fn parsing(kind: &ParseErrorType, place: &Source, at: Position) -> Words {
    match kind {
        ParseErrorType::VariableUndefined(name) => variable(name, place, at),
        ParseErrorType::ModuleUndefined(name) => Words {
            what: format!("unknown module: {name}"),
            hint: Some(format!("import \"{name}\" as {name};")),
            near: None,
        },
        ParseErrorType::FnDuplicatedDefinition(name, _) => {
            Words { what: format!("{name} is defined twice"), ..Words::default() }
        }
        ParseErrorType::Reserved(word) if word == "eval" => {
            Words { what: "eval is switched off".to_owned(), ..Words::default() }
        }
        ParseErrorType::Reserved(word) if habits::reserved(word).is_some() => {
            Words { what: lower(&kind.to_string()), hint: habits::reserved(word).map(str::to_owned), near: None }
        }
        other => {
            let line = at.line().filter(|line| !place.is_behind(*line)).and_then(|line| place.line(line));
            let missing = if let ParseErrorType::MissingToken(token, _) = other { token } else { "" };
            let hint = line.zip(at.position()).and_then(|(line, column)| habits::syntax(line, column, missing));
            Words { what: lower(&other.to_string()), hint, near: None }
        }
    }
}

/// The text of a thrown value: a string itself, the `message` of a map.
fn thrown_text(thrown: &rhai::Dynamic) -> String {
    if thrown.is_unit() {
        return "an error without a message was thrown".to_owned();
    }
    if let Some(message) = thrown.read_lock::<rhai::Map>().and_then(|map| map.get("message").map(ToString::to_string)) {
        return message;
    }
    thrown.to_string()
}

/// A message with at most [`MAX_WHAT`] bytes: what a peer has sent may be in it as a whole. The words that say what is wrong are
/// often its last.
fn shortened(what: String) -> String {
    if what.len() <= MAX_WHAT {
        return what;
    }
    let is_boundary = |at: &usize| what.is_char_boundary(*at);
    let start = (0..=MAX_WHAT - MAX_END).rev().find(is_boundary).unwrap_or_default();
    let end = (what.len() - MAX_END..=what.len()).find(is_boundary).unwrap_or(what.len());
    format!("{} … {} bytes … {}", &what[..start], end - start, &what[end..])
}

/// Maximum bytes of a message.
const MAX_WHAT: usize = 4 << 10;
/// Bytes of its end that are kept.
const MAX_END: usize = 512;

/// Rhai's message without the position at its end.
pub(super) fn sentence_of(fault: &Fault) -> String {
    sentence(fault)
}

fn sentence(fault: &Fault) -> String {
    lower(without_place(&fault.to_string()))
}

/// The first line of Rhai's message, without the place at its end.
fn without_place(text: &str) -> &str {
    let text = text.lines().next().unwrap_or_default();
    let text = text.rfind(" (line ").map_or(text, |end| &text[..end]);
    match text.rfind(" @ '") {
        Some(end) if text.ends_with('\'') => &text[..end],
        _ => text,
    }
}

/// What Rhai says of an error that a script has caught, in our words, and the function that was called.
pub(super) fn caught_words(text: &str) -> (String, String) {
    let text = without_place(text);
    if let Some(signature) = text.strip_prefix("Function not found: ") {
        let fault = Fault::ErrorFunctionNotFound(signature.to_owned(), Position::NONE);
        let name = signature.split_once(" (").map_or(signature, |(name, _)| name);
        return (describe(&fault, &Source::nowhere()).what, name.to_owned());
    }
    let is_property = text.starts_with("Unknown property '");
    (if is_property { property(text).what } else { lower(text) }, String::new())
}

fn lower(text: &str) -> String {
    let mut chars = text.chars();
    match chars.next() {
        Some(first) if !chars.clone().next().is_some_and(char::is_uppercase) => {
            first.to_lowercase().chain(chars).collect()
        }
        _ => text.to_owned(),
    }
}

/// The script name of a type.
pub(super) fn friendly(name: &str) -> String {
    match name {
        "&str | ImmutableString | String" | "alloc::string::String" | "&str" => "string",
        "i64" => "int",
        "f64" => "float",
        "Fn" => "function",
        name if name.contains("Range") => "range",
        name => name.rsplit("::").next().unwrap_or(name),
    }
    .to_owned()
}

/// Maximum argument lists in a message.
const MAX_FORMS: usize = 4;
/// Maximum calls of a call chain in a message.
const MAX_CHAIN: usize = 8;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn types_have_their_script_names() {
        let names =
            ["i64", "f64", "&str | ImmutableString | String", "core::ops::range::Range<i64>", "a::b::Conn", "()"];
        assert_eq!(names.map(friendly), ["int", "float", "string", "range", "Conn", "()"]);
    }
}
