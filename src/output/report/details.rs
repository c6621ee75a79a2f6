//! The details of a test as lines for people: failures with source line, caret and difference, events, what was printed.
//!
//! Owns their layout, colours and language, for the report on a terminal and the text within JUnit, which is English. Everything
//! from scripts and peers is escaped here.

use std::borrow::Cow;

use crate::codec::escape::{is_plain, show_line};
use crate::codec::excerpt::{excerpt, width};
use crate::language::say;

use super::diff::{self, Row, Side};
use super::{Content, Failure, Kind, TestResult, Value};

/// How the lines look.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Style {
    /// They have colours.
    pub(super) colours: bool,
    /// They are in the user's language.
    pub(super) is_spoken: bool,
}

/// A colour of a terminal, as the parameter of its sequence.
#[derive(Clone, Copy)]
pub(super) enum Colour {
    Green = 32,
    Red = 31,
    Yellow = 33,
    Faint = 2,
}

impl Style {
    /// A message of ours, in the language of the lines.
    pub(super) fn say(self, text: &str) -> Cow<'_, str> {
        if self.is_spoken { say(text) } else { Cow::Borrowed(text) }
    }

    /// The text, which must be safe, in a colour.
    pub(super) fn paint(self, colour: Colour, text: &str) -> String {
        if self.colours && !text.is_empty() { format!("\x1b[{}m{text}\x1b[0m", colour as u8) } else { text.to_owned() }
    }
}

/// All failures of a test, and the last events of its connections.
pub(super) fn lines(result: &TestResult, style: Style) -> Vec<String> {
    let mut lines = Vec::new();
    for failure in &result.failures {
        push_failure(&mut lines, failure, style);
    }
    if !result.events.is_empty() {
        lines.push(style.say("last events of its connections:").into_owned());
        let shown = |event: &String| match event.split_once(": ") {
            Some((conn, what)) => format!("  {}: {}", show_line(conn), show_line(&style.say(what))),
            None => format!("  {}", show_line(event)),
        };
        lines.extend(result.events.iter().map(shown));
    }
    lines
}

/// What is probably a mistake in a test.
pub(super) fn notes(result: &TestResult, style: Style) -> impl Iterator<Item = String> + '_ {
    result.notes.iter().map(move |note| show_line(&style.say(&format!("note: {note}"))).into_owned())
}

/// What a test printed, line by line; tabs stay.
pub(super) fn printed(result: &TestResult) -> impl Iterator<Item = String> + '_ {
    let shown = |line: &str| line.split('\t').map(show_line).collect::<Vec<_>>().join("\t");
    result.printed.lines().map(shown)
}

/// The first line of a failure's message, without control characters.
pub(super) fn summary(failure: &Failure) -> String {
    show_line(&first_line(failure)).into_owned()
}

/// The first line of a failure's message as it is, for formats with escapes of their own.
pub(super) fn first_line(failure: &Failure) -> String {
    first_line_in(failure, Style { colours: false, is_spoken: false })
}

fn first_line_in(failure: &Failure, style: Style) -> String {
    let first = style.say(failure.message.lines().next().unwrap_or_default());
    match failure.kind {
        kind @ (Kind::Setup | Kind::Teardown) => format!("{}(): {first}", kind.name()),
        _ => first.into_owned(),
    }
}

/// A value on one line, with its form around it; long ones are cut.
pub(super) fn show_value(value: &Value) -> String {
    match &value.content {
        Content::Text(text) | Content::Shown(text) => format!("\"{}\"", show_line(&cut(text, value.length))),
        Content::Pattern(text) => format!("pattern {}", show_line(&cut(text, value.length))),
        Content::Bytes(bytes) => show_blob(bytes, value.length),
    }
}

/// Bytes as text if they are text, else in hex; `length`: how many there are with those that are not kept.
fn show_blob(bytes: &[u8], length: usize) -> String {
    let is_text = |text: &str| text.chars().all(|c| is_plain(c) || matches!(c, '\r' | '\n' | '\t'));
    if let Ok(text) = str::from_utf8(bytes)
        && is_text(text)
    {
        return format!("bytes \"{}\"", show_line(&cut(text, length)));
    }
    let shown = &bytes[..bytes.len().min(MAX_VALUE)];
    let hex: Vec<_> = shown.iter().map(|byte| format!("{byte:02x}")).collect();
    let more = if length > MAX_VALUE { format!(" … {length} bytes") } else { String::new() };
    format!("bytes [{}{more}]", hex.join(" "))
}

/// A text, or the beginning of a long one and its length in bytes with what is not kept.
pub(super) fn cut(text: &str, length: usize) -> Cow<'_, str> {
    match (0..=MAX_VALUE).rev().find(|at| text.is_char_boundary(*at)) {
        Some(at) if text.len() > MAX_VALUE => Cow::Owned(format!("{}… {length} bytes", &text[..at])),
        _ => Cow::Borrowed(text),
    }
}

fn push_failure(lines: &mut Vec<String>, failure: &Failure, style: Style) {
    let summary = show_line(&first_line_in(failure, style)).into_owned();
    match &failure.place {
        Some(place) => {
            let file = show_line(&place.file);
            lines.push(format!("{file}:{}:{}: {}", place.line, place.column, style.paint(Colour::Red, &summary)));
        }
        None => lines.push(style.paint(Colour::Red, &summary)),
    }
    lines.extend(failure.message.lines().skip(1).map(|line| show_line(&style.say(line)).into_owned()));
    if let Some(place) = &failure.place
        && let Some(source) = &place.source
    {
        let (text, caret) = excerpt(source, place.column);
        lines.push(format!("{:>5} | {text}", place.line));
        lines.push(format!("      | {}{}", " ".repeat(caret), style.paint(Colour::Red, "^")));
    }
    lines.extend(failure.hint.iter().map(|hint| show_line(&style.say(&format!("hint: {hint}"))).into_owned()));
    push_values(lines, failure, style);
    lines.extend(failure.chain.iter().map(|call| show_line(&style.say(call)).into_owned()));
}

fn push_values(lines: &mut Vec<String>, failure: &Failure, style: Style) {
    if let (Some(expected), Some(received)) = (&failure.expected, &failure.received)
        && let Some(rows) = diff::rows(expected, received)
    {
        let expected = style.paint(Colour::Red, &style.say("- expected"));
        let received = style.paint(Colour::Green, &style.say("+ received"));
        lines.push(format!("{expected}   {received}"));
        for row in rows {
            push_row(lines, &row, style);
        }
        return;
    }
    for (name, value) in [("expected", &failure.expected), ("received", &failure.received)] {
        lines.extend(value.iter().map(|value| format!("{} {}", style.say(name), show_value(value))));
    }
}

/// A row of a difference. What has changed in it is inverted, or without colours has carets below.
fn push_row(lines: &mut Vec<String>, row: &Row, style: Style) {
    let spoken;
    let row = if row.side == Side::Note {
        let parts = row.parts.iter().map(|(changed, text)| (*changed, style.say(text).into_owned())).collect();
        spoken = Row { side: Side::Note, parts };
        &spoken
    } else {
        row
    };
    let colour = match row.side {
        Side::Both => None,
        Side::Expected => Some(Colour::Red),
        Side::Received => Some(Colour::Green),
        Side::Note => Some(Colour::Faint),
    };
    if let (Some(colour), true) = (colour, style.colours) {
        let number = colour as u8;
        let mut line = format!("\x1b[{number}m{} ", row.sign());
        for (changed, text) in &row.parts {
            if *changed {
                line.extend(["\x1b[7m", text, "\x1b[27m"]);
            } else {
                line += text;
            }
        }
        lines.push(line + "\x1b[0m");
        return;
    }
    lines.push(row.plain().trim_end_matches(' ').to_owned());
    if row.parts.iter().any(|(changed, _)| *changed) {
        let mark = |(changed, text): &(bool, String)| {
            let cells = text.chars().map(width).sum();
            if *changed { "^" } else { " " }.repeat(cells)
        };
        let marks: String = row.parts.iter().map(mark).collect();
        lines.push(format!("  {}", marks.trim_end()));
    }
}

/// Maximum bytes of a value on one line.
const MAX_VALUE: usize = 200;
