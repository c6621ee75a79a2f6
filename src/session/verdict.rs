//! `VerdictHandler`: `--expect` and `--fail-on`. What is received goes on to stdout and is searched on its way.
//!
//! Owns the searches of all connections, and what is known of what came for the message. Everything but received data
//! keeps the defaults of netcat mode. Does not end the run: a [`Verdict`] does.

use std::cell::{Cell, RefCell};
use std::collections::HashMap;
use std::fmt::{self, Write as _};
use std::rc::Rc;

use crate::codec::escape::{show_bytes, show_line};
use crate::codec::scan::{Pattern, PatternError, StreamMatcher};
use crate::config::VerdictPatterns;
use crate::session::{Command, ConnId, ConnView, Event, EventMask, Form, Handler, HandlerError, Verdict};

/// Looks for patterns in what every connection receives. The first that is seen decides.
#[derive(Debug)]
pub struct VerdictHandler {
    expect: Option<Rc<Pattern>>,
    fail_on: Option<Rc<Pattern>>,
    form: Form,
    streams: RefCell<HashMap<ConnId, Stream>>,
    /// Connections that have ended.
    ended: Cell<usize>,
    /// What the last of them received.
    last: RefCell<String>,
    is_decided: Cell<bool>,
}

/// An option whose pattern cannot be looked for.
#[derive(Debug, PartialEq, Eq)]
pub struct OptionError {
    /// `--expect` or `--fail-on`.
    pub option: &'static str,
    /// The pattern as given.
    pub pattern: String,
    /// What is wrong with it.
    pub error: PatternError,
}

/// What one connection has received.
#[derive(Debug)]
struct Stream {
    expect: Option<StreamMatcher>,
    fail_on: Option<StreamMatcher>,
    total: u64,
    /// The last bytes, at most [`KEPT`].
    tail: Vec<u8>,
}

impl VerdictHandler {
    /// A handler for the given patterns; they match decoded text if received data `is_decoded`, or else raw bytes.
    pub fn new(patterns: &VerdictPatterns, is_decoded: bool) -> Result<Self, OptionError> {
        Ok(Self {
            expect: compiled(EXPECT, patterns.expect.as_deref(), is_decoded)?,
            fail_on: compiled(FAIL_ON, patterns.fail_on.as_deref(), is_decoded)?,
            form: if is_decoded { Form::Text } else { Form::Data },
            streams: RefCell::default(),
            ended: Cell::default(),
            last: RefCell::default(),
            is_decided: Cell::default(),
        })
    }

    fn stream(&self) -> Stream {
        let matcher = |pattern: &Option<Rc<Pattern>>| pattern.clone().map(StreamMatcher::new);
        Stream { expect: matcher(&self.expect), fail_on: matcher(&self.fail_on), total: 0, tail: Vec::new() }
    }

    fn received(&self, conn: &ConnView, bytes: Vec<u8>, out: &mut Vec<Command>) {
        let verdict = if self.is_decided.get() {
            None
        } else {
            self.streams.borrow_mut().entry(conn.id).or_insert_with(|| self.stream()).push(&bytes, &conn.name())
        };
        out.push(Command::Output(bytes));
        self.decide(verdict, out);
    }

    fn closed(&self, conn: &ConnView, out: &mut Vec<Command>) {
        let mut stream = self.streams.borrow_mut().remove(&conn.id).unwrap_or_else(|| self.stream());
        self.ended.set(self.ended.get() + 1);
        *self.last.borrow_mut() = stream.describe(conn);
        // The end of a stream that broke is not known.
        if conn.info.eof() && !self.is_decided.get() {
            self.decide(stream.finish(&conn.name()), out);
        }
    }

    fn decide(&self, verdict: Option<Verdict>, out: &mut Vec<Command>) {
        if let Some(verdict) = verdict {
            self.is_decided.set(true);
            out.push(Command::Verdict(verdict));
        }
    }
}

impl Handler for VerdictHandler {
    fn event_mask(&self, _conn: &ConnView) -> EventMask {
        EventMask { received: Some(self.form), closed: true, ..EventMask::default() }
    }

    fn handle(&self, conn: &Rc<ConnView>, event: Event, out: &mut Vec<Command>) -> Result<(), HandlerError> {
        match event {
            Event::Data(bytes) | Event::Frame(bytes) => self.received(conn, bytes, out),
            Event::Text(text) | Event::Line(text) => self.received(conn, text.into_bytes(), out),
            Event::Closed(_) => self.closed(conn, out),
            Event::Opened
            | Event::Measure(_)
            | Event::Found
            | Event::Unmet
            | Event::Eof
            | Event::Drained
            | Event::Idle(_)
            | Event::Error(_) => {}
        }
        Ok(())
    }

    fn conclude(&self) -> Option<Verdict> {
        let pattern = self.expect.as_ref().filter(|_| !self.is_decided.replace(true))?;
        let pattern = show_line(pattern.text());
        let message = match self.ended.get() {
            0 => format!("{EXPECT} \"{pattern}\" was not seen: nobody connected"),
            1 => format!("{EXPECT} \"{pattern}\" was not seen: {}", self.last.borrow()),
            several => format!(
                "{EXPECT} \"{pattern}\" was not seen on any of {several} connections; the last: {}",
                self.last.borrow()
            ),
        };
        Some(Verdict::Failed { message })
    }
}

impl Stream {
    fn push(&mut self, bytes: &[u8], name: &str) -> Option<Verdict> {
        let expected = self.expect.as_mut().and_then(|matcher| matcher.push(bytes));
        let failed = self.fail_on.as_mut().and_then(|matcher| matcher.push(bytes));
        let is_whole = self.total <= self.tail.len() as u64;
        self.total += bytes.len() as u64;
        if expected.is_none() && failed.is_none() {
            keep(&mut self.tail, bytes);
            return None;
        }
        let window = [&self.tail[..], bytes].concat();
        let verdict = self.verdict(expected, failed, &window, is_whole, name);
        keep(&mut self.tail, bytes);
        verdict
    }

    fn finish(&mut self, name: &str) -> Option<Verdict> {
        let expected = self.expect.as_mut().and_then(StreamMatcher::finish);
        let failed = self.fail_on.as_mut().and_then(StreamMatcher::finish);
        let is_whole = self.total <= self.tail.len() as u64;
        self.verdict(expected, failed, &self.tail, is_whole, name)
    }

    /// What follows from the ends of matches. Of two that end together, the failure counts.
    fn verdict(
        &self,
        expected: Option<u64>,
        failed: Option<u64>,
        window: &[u8],
        is_whole: bool,
        name: &str,
    ) -> Option<Verdict> {
        let Some(end) = failed.filter(|&end| expected.is_none_or(|expected| end <= expected)) else {
            return expected.map(|_| Verdict::Passed);
        };
        let pattern = self.fail_on.as_ref()?.pattern();
        let end = window.len() - (self.total - end) as usize;
        // A match that starts before everything that was kept is shown by its last bytes.
        let start = pattern.start_of_match(&window[end.saturating_sub(KEPT)..], is_whole && end <= KEPT, end.min(KEPT));
        let start = start.map(|start| end.saturating_sub(KEPT) + start);
        let found = &window[start.unwrap_or_default()..end];
        let (mark, shown) = last_of(found, SHOWN);
        let mark = if start.is_none() { CUT } else { mark };
        let message = format!("{name}: {FAIL_ON} \"{}\" matched \"{mark}{shown}\"", show_line(pattern.text()));
        Some(Verdict::Failed { message })
    }

    /// What came on a connection, in words.
    fn describe(&self, conn: &ConnView) -> String {
        let mut text = format!("{} ", conn.name());
        // Writing to a String cannot fail.
        let _ = match conn.info.bytes_in() {
            0 => write!(text, "sent nothing"),
            1 => write!(text, "sent 1 byte"),
            n => write!(text, "sent {n} bytes"),
        };
        if self.total > 0 {
            let (mark, shown) = last_of(&self.tail, SHOWN);
            let mark = if self.total > self.tail.len() as u64 { CUT } else { mark };
            let _ = write!(text, "{} \"{mark}{shown}\"", if mark.is_empty() { ":" } else { ", the last of them:" });
        }
        text
    }
}

impl fmt::Display for OptionError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} \"{}\": {}", self.option, show_line(&self.pattern), self.error)
    }
}

fn compiled(option: &'static str, pattern: Option<&str>, is_decoded: bool) -> Result<Option<Rc<Pattern>>, OptionError> {
    let Some(text) = pattern else { return Ok(None) };
    match Pattern::new(text, is_decoded) {
        Ok(pattern) => Ok(Some(Rc::new(pattern))),
        Err(error) => Err(OptionError { option, pattern: text.to_owned(), error }),
    }
}

/// Appends to the last bytes of a stream, and keeps at most [`KEPT`] of them.
fn keep(tail: &mut Vec<u8>, bytes: &[u8]) {
    let bytes = &bytes[bytes.len().saturating_sub(KEPT)..];
    tail.drain(..(tail.len() + bytes.len()).saturating_sub(KEPT));
    tail.extend_from_slice(bytes);
}

/// The last `most` bytes as a message shows them, and the mark before them if there are more.
fn last_of(bytes: &[u8], most: usize) -> (&'static str, String) {
    if bytes.len() <= most {
        return ("", show_bytes(bytes));
    }
    let mut from = bytes.len() - most;
    // Not in the middle of a character.
    while from < bytes.len() - most + 3 && bytes[from] & 0xc0 == 0x80 {
        from += 1;
    }
    (CUT, show_bytes(&bytes[from..]))
}

const EXPECT: &str = "--expect";
const FAIL_ON: &str = "--fail-on";
/// Bytes of a stream that are kept: in these the start of a match is looked for.
const KEPT: usize = 1024;
/// Bytes that a message shows.
const SHOWN: usize = 200;
/// Stands for what is not shown.
const CUT: &str = "\u{2026}";

#[cfg(test)]
mod tests;
