//! Errors of scripts in the reports of tests: their kind, their place, and the values that were compared.
//!
//! The wording is that of `error`. Nothing is escaped here: reports do that, each in its own way.

use rhai::{Blob, Dynamic, EvalAltResult, ImmutableString, Map, Position};

use crate::codec::excerpt::without_logins;
use crate::script::source::Source;
use crate::script::trouble;
use crate::verdicts::{Content, Failure, Kind, Place, Value};

/// A place in a script, for reports.
pub(super) fn place(source: &Source, at: Position) -> Option<Place> {
    let line = at.line().filter(|line| !source.is_behind(*line))?;
    Some(Place {
        file: source.name.clone(),
        line: source.line_number(line),
        column: at.position().unwrap_or(1),
        source: source.line(line).map(|line| without_logins(line).into_owned()),
    })
}

/// Adds to a failure what the error itself says of its kind and of values.
pub(super) fn complete(failure: &mut Failure, innermost: &EvalAltResult) {
    let EvalAltResult::ErrorRuntime(thrown, _) = innermost else { return };
    let Some(map) = thrown.read_lock::<Map>() else { return };
    let Some(kind) = trouble::kind_in(&map) else { return };
    failure.kind = match kind {
        trouble::Kind::Assert if is_text(&map, "op", "fail") => Kind::Fail,
        trouble::Kind::Assert => Kind::Assert,
        trouble::Kind::Timeout => Kind::Timeout,
        kind if kind.is_of_peer() && !(kind.is_of_content() && is_sending(&map)) => Kind::Expect,
        _ => Kind::Error,
    };
    let got = map.get("got").filter(|got| !got.is_unit());
    match (map.get("expected"), map.get("got")) {
        (Some(expected), Some(got)) => {
            let (expected, received) = pair(expected, got, is_text(&map, "op", "assert_match"));
            (failure.expected, failure.received) = (Some(expected), Some(received));
        }
        _ => failure.received = got.map(value).filter(|value| value.length > 0),
    }
}

/// The two sides of a comparison. Values of different types are shown so that one sees the difference.
pub(super) fn pair(expected: &Dynamic, received: &Dynamic, is_pattern: bool) -> (Value, Value) {
    if is_pattern {
        return (Value::whole(Content::Pattern(shown(expected))), value(received));
    }
    let is_raw = |value: &Dynamic| value.is_string() || value.is_blob();
    let (expected, received) = if is_raw(expected) && is_raw(received) {
        match (content(expected), content(received)) {
            (Content::Text(text), received @ Content::Bytes(_)) => (Content::Bytes(text.into_bytes()), received),
            (expected @ Content::Bytes(_), Content::Text(text)) => (expected, Content::Bytes(text.into_bytes())),
            both => both,
        }
    } else {
        (Content::Shown(format!("{expected:?}")), Content::Shown(format!("{received:?}")))
    };
    // What is kept has the first difference in it.
    let same = expected.bytes().iter().zip(received.bytes()).take_while(|(one, other)| one == other).count();
    let most = MAX_VALUE.max(same + BEHIND);
    (Value::whole(expected).cut(most), Value::whole(received).cut(most))
}

fn value(value: &Dynamic) -> Value {
    Value::whole(content(value)).cut(MAX_VALUE)
}

fn content(value: &Dynamic) -> Content {
    if let Some(bytes) = value.read_lock::<Blob>() {
        return Content::Bytes(bytes.clone());
    }
    if value.is_string() { Content::Text(shown(value)) } else { Content::Shown(shown(value)) }
}

fn shown(value: &Dynamic) -> String {
    match value.read_lock::<ImmutableString>() {
        Some(text) => text.to_string(),
        None => format!("{value:?}"),
    }
}

/// Whether the call that has failed sends: what it was given is the script's, not the peer's.
fn is_sending(map: &Map) -> bool {
    map.get("op").and_then(|op| op.read_lock::<ImmutableString>().map(|op| op.starts_with("send"))) == Some(true)
}

fn is_text(map: &Map, key: &str, wanted: &str) -> bool {
    map.get(key).and_then(|value| value.read_lock::<ImmutableString>().map(|text| text.as_str() == wanted))
        == Some(true)
}

/// Maximum bytes of a value that a report keeps, unless the first difference is further back.
const MAX_VALUE: usize = 64 << 10;
/// Bytes that it keeps behind that.
const BEHIND: usize = 4 << 10;
