//! `Json`: the report of `--json FILE`, as one JSON document; `docs/reports.md` is the contract.
//!
//! Owns the names, order and form of the fields. All fields are always there. The document is returned piece by piece, with the
//! summary as its last field.

use std::io::Write;
use std::time::Duration;

use crate::output::json::{push_base64, push_string};

use super::{Content, Cut, Ended, Failure, Outcome, Plan, Reporter, TestResult, Totals, Value};

/// Writes JSON.
#[derive(Debug, Default)]
pub struct Json {
    /// Tests so far.
    number: usize,
}

impl Reporter for Json {
    fn begin(&mut self, _plan: &Plan) -> Vec<u8> {
        let mut out = Vec::new();
        let mut object = Object::new(&mut out);
        object.number("version", VERSION).text("tcpx", env!("CARGO_PKG_VERSION")).key("tests");
        out.push(b'[');
        out
    }

    fn test(&mut self, result: &TestResult) -> Vec<u8> {
        let mut out = if self.number > 0 { b",\n".to_vec() } else { b"\n".to_vec() };
        self.number += 1;
        push_test(&mut out, result);
        out
    }

    fn end(&mut self, totals: &Totals) -> Vec<u8> {
        let mut out = b"\n],\"summary\":".to_vec();
        let all = totals.passed + totals.failed + totals.errored + totals.skipped + totals.interrupted + totals.not_run;
        let mut object = Object::new(&mut out);
        object.number("tests", all as u64).number("passed", totals.passed as u64);
        object.number("failed", totals.failed as u64).number("errored", totals.errored as u64);
        object.number("skipped", totals.skipped as u64).number("interrupted", totals.interrupted as u64);
        object.number("not_run", totals.not_run as u64).text("ended", ended(totals.ended));
        object.duration(totals.duration).end();
        out.extend_from_slice(b"}\n");
        out
    }
}

fn ended(ended: Ended) -> &'static str {
    match ended {
        Ended::Complete => "complete",
        Ended::FailFast => "fail_fast",
        Ended::Interrupted(cut) => cut.name(),
    }
}

fn push_test(out: &mut Vec<u8>, result: &TestResult) {
    let reason = match &result.outcome {
        Outcome::Skipped { reason } => Some(reason.clone()),
        Outcome::Interrupted(cut @ Cut::Timeout(_)) => Some(cut.text()),
        _ => None,
    };
    let mut object = Object::new(out);
    object.text("file", &result.file).text("name", &result.name).number("line", result.line as u64);
    object.text("outcome", result.outcome.name()).optional("reason", reason.as_deref());
    object.duration(result.duration).number("checks", result.checks as u64);
    object.list("failures", &result.failures, push_failure);
    object.list("events", &result.events, |out, event| push_string(out, event));
    object.list("notes", &result.notes, |out, note| push_string(out, note));
    object.text("printed", &result.printed).end();
}

fn push_failure(out: &mut Vec<u8>, failure: &Failure) {
    let mut object = Object::new(out);
    object.text("kind", failure.kind.name()).text("message", &failure.message);
    object.optional("hint", failure.hint.as_deref()).key("at");
    match &failure.place {
        Some(place) => {
            let mut at = Object::new(object.out);
            at.text("file", &place.file).number("line", place.line as u64).number("column", place.column as u64);
            at.optional("source", place.source.as_deref()).end();
        }
        None => object.null(),
    }
    object.list("chain", &failure.chain, |out, call| push_string(out, call));
    object.value("expected", failure.expected.as_ref()).value("received", failure.received.as_ref()).end();
}

/// A JSON object under construction, with fields in the order of the calls.
struct Object<'a> {
    out: &'a mut Vec<u8>,
    is_empty: bool,
}

impl<'a> Object<'a> {
    fn new(out: &'a mut Vec<u8>) -> Self {
        out.push(b'{');
        Self { out, is_empty: true }
    }

    fn key(&mut self, key: &str) {
        if !self.is_empty {
            self.out.push(b',');
        }
        self.is_empty = false;
        push_string(self.out, key);
        self.out.push(b':');
    }

    fn text(&mut self, key: &str, value: &str) -> &mut Self {
        self.key(key);
        push_string(self.out, value);
        self
    }

    fn optional(&mut self, key: &str, value: Option<&str>) -> &mut Self {
        self.key(key);
        match value {
            Some(value) => push_string(self.out, value),
            None => self.null(),
        }
        self
    }

    fn number(&mut self, key: &str, value: u64) -> &mut Self {
        self.key(key);
        // Writing to a Vec cannot fail.
        let _ = write!(self.out, "{value}");
        self
    }

    fn duration(&mut self, value: Duration) -> &mut Self {
        self.number("duration_us", value.as_micros().try_into().unwrap_or(u64::MAX))
    }

    fn list<T>(&mut self, key: &str, values: &[T], push: impl Fn(&mut Vec<u8>, &T)) -> &mut Self {
        self.key(key);
        self.out.push(b'[');
        for (number, value) in values.iter().enumerate() {
            if number > 0 {
                self.out.push(b',');
            }
            push(self.out, value);
        }
        self.out.push(b']');
        self
    }

    /// A compared value: its type, its text, `base64` if it is bytes, and its length with what is not kept.
    fn value(&mut self, key: &str, value: Option<&Value>) -> &mut Self {
        self.key(key);
        let Some(value) = value else {
            self.null();
            return self;
        };
        let mut object = Object::new(self.out);
        match &value.content {
            Content::Text(text) | Content::Shown(text) => object.text("type", "text").text("text", text),
            Content::Pattern(text) => object.text("type", "pattern").text("text", text),
            Content::Bytes(bytes) => {
                object.text("type", "bytes").text("text", &String::from_utf8_lossy(bytes)).key("base64");
                push_base64(object.out, bytes);
                &mut object
            }
        }
        .number("length", value.length as u64)
        .end();
        self
    }

    fn null(&mut self) {
        self.out.extend_from_slice(b"null");
    }

    fn end(&mut self) {
        self.out.push(b'}');
    }
}

/// Version of the document; it changes when a field goes or means something else.
const VERSION: u64 = 1;
