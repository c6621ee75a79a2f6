//! `VerdictHandler`: `--expect`, `--fail-on` and `--until`. What is received goes on to stdout and is searched on its way.
//!
//! Owns the searches of all connections (`stream`), where the output ends (`until`), and the words for what came instead.
//! Keeps the defaults of netcat mode, except that the end of stdin sends no FIN before the verdict, and that with `--until`
//! the end of the only peer is one. Does not end the run: a [`Verdict`] does.

mod stream;
mod until;

use std::cell::{Cell, RefCell};
use std::collections::HashMap;
use std::fmt;
use std::rc::Rc;

use self::stream::Stream;
use self::until::Place;
use crate::codec::escape::show_line;
use crate::codec::scan::{Pattern, PatternError};
use crate::config::{Until, VerdictPatterns};
use crate::session::{Command, ConnId, ConnView, Event, EventMask, Form, Handler, HandlerError, Holds, Verdict};

/// Looks for patterns in what every connection receives. The first that is seen decides.
#[derive(Debug)]
pub struct VerdictHandler {
    wanted: Wanted,
    form: Form,
    /// One connection is the whole run.
    is_single_peer: bool,
    streams: RefCell<HashMap<ConnId, Stream>>,
    /// Connections that have ended.
    ended: Cell<usize>,
    /// What the last of them received.
    last: RefCell<String>,
    is_decided: Cell<bool>,
}

/// What is looked for on every connection.
#[derive(Debug)]
struct Wanted {
    expect: Option<Rc<Pattern>>,
    fail_on: Option<Rc<Pattern>>,
    until: Option<Place>,
}

/// An option whose pattern cannot be looked for.
#[derive(Debug, PartialEq, Eq)]
pub struct OptionError {
    /// `--expect`, `--fail-on` or `--until`.
    pub option: &'static str,
    /// The pattern as given.
    pub pattern: String,
    /// What is wrong with it.
    pub error: PatternError,
}

impl VerdictHandler {
    /// A handler for the given patterns; they match decoded text if received data `is_decoded`, or else raw bytes.
    /// `is_single_peer`: the end of one connection is that of the run.
    ///
    /// # Errors
    /// A pattern cannot be looked for.
    pub fn new(patterns: &VerdictPatterns, is_decoded: bool, is_single_peer: bool) -> Result<Self, OptionError> {
        let compiled =
            |option, pattern: Option<&str>| pattern.map(|text| compiled(option, text, is_decoded)).transpose();
        let until = match &patterns.until {
            None => None,
            Some(Until::Bytes(n)) => Some(Place::Bytes(*n)),
            Some(Until::Lines(n)) => Some(Place::Lines(*n)),
            Some(Until::Pattern(text)) => Some(Place::Pattern(self::compiled(UNTIL, text, is_decoded)?)),
        };
        let expect = compiled(EXPECT, patterns.expect.as_deref())?;
        let fail_on = compiled(FAIL_ON, patterns.fail_on.as_deref())?;
        Ok(Self {
            wanted: Wanted { expect, fail_on, until },
            form: if is_decoded { Form::Text } else { Form::Data },
            is_single_peer,
            streams: RefCell::default(),
            ended: Cell::default(),
            last: RefCell::default(),
            is_decided: Cell::default(),
        })
    }

    /// Works on the stream of a connection. `None`: the verdict was given before.
    fn with_stream<R>(&self, conn: &Rc<ConnView>, work: impl FnOnce(&mut Stream) -> R) -> Option<R> {
        let mut streams = self.streams.borrow_mut();
        (!self.is_decided.get())
            .then(|| work(streams.entry(conn.id).or_insert_with(|| Stream::new(conn, &self.wanted))))
    }

    fn received(&self, conn: &Rc<ConnView>, bytes: Vec<u8>, out: &mut Vec<Command>) {
        if !self.is_decided.get() {
            if let Some(step) = self.with_stream(conn, |stream| stream.push(bytes)) {
                self.take(conn.id, step, out);
            }
        } else if self.wanted.until.is_none() {
            out.push(Command::Output(conn.id, bytes));
        }
    }

    /// The only peer has ended its stream: the output has its end, or is cut short.
    fn peer_ended(&self, conn: &Rc<ConnView>, out: &mut Vec<Command>) {
        let Some(step) = self.with_stream(conn, Stream::finish) else { return };
        self.take(conn.id, step, out);
        if !self.is_decided.get() {
            self.decide(Verdict::CutShort { message: self.unmet().unwrap_or_default() }, out);
        }
    }

    fn closed(&self, conn: &Rc<ConnView>, out: &mut Vec<Command>) {
        // The end of a stream that broke is not known.
        let is_whole = conn.info.eof();
        let step = self.with_stream(conn, |stream| if is_whole { stream.finish() } else { stream.break_off() });
        if let Some(step) = step {
            self.take(conn.id, step, out);
        }
        if let Some(stream) = self.streams.borrow_mut().remove(&conn.id) {
            self.ended.set(self.ended.get() + 1);
            *self.last.borrow_mut() = stream.describe();
        }
    }

    /// Passes on what may be shown, and the verdict if there is one.
    fn take(&self, conn: ConnId, step: stream::Step, out: &mut Vec<Command>) {
        if !step.shown.is_empty() {
            out.push(Command::Output(conn, step.shown));
        }
        if let Some(verdict) = step.verdict {
            self.decide(verdict, out);
        }
    }

    fn decide(&self, verdict: Verdict, out: &mut Vec<Command>) {
        self.is_decided.set(true);
        out.push(Command::Verdict(verdict));
    }

    /// What was not seen, and what came instead, in one line. `None`: nothing was waited for.
    fn unmet(&self) -> Option<String> {
        let wish = self.wanted.wish()?;
        let streams = self.streams.borrow();
        let open = streams.iter().max_by_key(|(id, _)| **id).map(|(_, stream)| stream.describe());
        let last = open.unwrap_or_else(|| self.last.borrow().clone());
        Some(match self.ended.get() + streams.len() {
            0 => format!("{wish}: nobody connected"),
            1 => format!("{wish}: {last}"),
            several => format!("{wish} on any of {several} connections; the last: {last}"),
        })
    }
}

impl Handler for VerdictHandler {
    fn event_mask(&self, _conn: &ConnView) -> EventMask {
        let eof = self.is_single_peer && self.wanted.until.is_some();
        EventMask { received: Some(self.form), opened: true, eof, closed: true, ..EventMask::default() }
    }

    fn handle(&self, conn: &Rc<ConnView>, event: Event, out: &mut Vec<Command>) -> Result<(), HandlerError> {
        match event {
            Event::Opened => drop(self.with_stream(conn, |_| ())),
            Event::Data(bytes) | Event::Frame(bytes) => self.received(conn, bytes, out),
            Event::Text(text) | Event::Line(text) => self.received(conn, text.into_bytes(), out),
            Event::Eof => self.peer_ended(conn, out),
            Event::Closed(_) => self.closed(conn, out),
            Event::Measure(_)
            | Event::Found
            | Event::Unmet
            | Event::Drained
            | Event::Secured
            | Event::Idle(_)
            | Event::Error(_) => {}
        }
        Ok(())
    }

    /// A peer that is told the end may leave before it has answered: the end of stdin waits for the verdict. With datagrams
    /// nobody is told.
    fn holds(&self, conn: &ConnView) -> Holds {
        Holds { receives: !self.is_decided.get() && !conn.info.is_datagram(), ..Holds::default() }
    }

    fn pending(&self) -> Option<String> {
        let has_peers = self.ended.get() > 0 || !self.streams.borrow().is_empty();
        self.unmet().filter(|_| has_peers && !self.is_decided.get())
    }

    fn conclude(&self) -> Option<Verdict> {
        if self.is_decided.replace(true) {
            return None;
        }
        let message = self.unmet()?;
        Some(match self.wanted.until {
            Some(_) => Verdict::CutShort { message },
            None => Verdict::Failed { message },
        })
    }
}

impl Wanted {
    /// What is waited for, and that it did not come. The output's end is first: without it, nothing else is known.
    fn wish(&self) -> Option<String> {
        match (&self.until, &self.expect) {
            (Some(place), _) => Some(format!("{UNTIL} {place}")),
            (None, Some(pattern)) => Some(format!("{EXPECT} \"{}\" was not seen", show_line(pattern.text()))),
            (None, None) => None,
        }
    }
}

impl fmt::Display for OptionError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} \"{}\": {}", self.option, show_line(&self.pattern), self.error)
    }
}

fn compiled(option: &'static str, text: &str, is_decoded: bool) -> Result<Rc<Pattern>, OptionError> {
    match Pattern::new(text, is_decoded) {
        Ok(pattern) => Ok(Rc::new(pattern)),
        Err(error) => Err(OptionError { option, pattern: text.to_owned(), error }),
    }
}

const EXPECT: &str = "--expect";
const FAIL_ON: &str = "--fail-on";
const UNTIL: &str = "--until";

#[cfg(test)]
mod tests;
