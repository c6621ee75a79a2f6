//! `Stream`: what one connection has received, the searches in it, and its last bytes for messages.
//!
//! Owns what follows from matches on one connection. With `--until`, `--expect` and `--fail-on` look at exactly what is shown.

use std::fmt::Write as _;
use std::rc::Rc;

use super::until::{Cut, Piece};
use super::{EXPECT, FAIL_ON, UNTIL, Wanted};
use crate::codec::escape::{show_bytes, show_line};
use crate::codec::scan::StreamMatcher;
use crate::session::{ConnView, Verdict};

/// What one connection has received.
#[derive(Debug)]
pub(super) struct Stream {
    conn: Rc<ConnView>,
    until: Option<Cut>,
    /// `None` also once it was seen before the output's end.
    expect: Option<StreamMatcher>,
    fail_on: Option<StreamMatcher>,
    /// Bytes that were searched.
    total: u64,
    /// The last of them, at most [`KEPT`].
    tail: Vec<u8>,
}

/// What follows from received bytes.
#[derive(Debug)]
pub(super) struct Step {
    /// Bytes for stdout.
    pub(super) shown: Vec<u8>,
    /// The verdict, if there is one.
    pub(super) verdict: Option<Verdict>,
}

impl Stream {
    /// The start of a stream.
    pub(super) fn new(conn: &Rc<ConnView>, wanted: &Wanted) -> Self {
        Self {
            conn: Rc::clone(conn),
            until: wanted.until.as_ref().map(super::Place::begin),
            expect: wanted.expect.clone().map(StreamMatcher::new),
            fail_on: wanted.fail_on.clone().map(StreamMatcher::new),
            total: 0,
            tail: Vec::new(),
        }
    }

    /// Takes the next bytes.
    pub(super) fn push(&mut self, bytes: Vec<u8>) -> Step {
        match &mut self.until {
            Some(cut) => {
                let piece = cut.push(bytes);
                self.judge(piece)
            }
            None => Step { verdict: self.search(&bytes), shown: bytes },
        }
    }

    /// The stream has ended in order.
    pub(super) fn finish(&mut self) -> Step {
        match &mut self.until {
            Some(cut) => {
                let piece = cut.finish();
                self.judge(piece)
            }
            None => Step { shown: Vec::new(), verdict: self.search_end() },
        }
    }

    /// The stream broke: its end is not known.
    pub(super) fn break_off(&mut self) -> Step {
        Step { shown: self.until.as_mut().map(Cut::release).unwrap_or_default(), verdict: None }
    }

    /// What follows from the next piece of an output that has an end: only there the answer can be yes.
    fn judge(&mut self, piece: Piece) -> Step {
        let Piece { bytes: mut shown, is_last } = piece;
        let mut verdict = self.search(&shown);
        if is_last && verdict.is_none() {
            verdict = self.search_end();
        }
        match verdict {
            Some(Verdict::Passed) => (self.expect, self.fail_on) = (None, None),
            Some(failed) => {
                if let Some(cut) = self.until.as_mut().filter(|_| !is_last) {
                    shown.extend(cut.release());
                }
                return Step { shown, verdict: Some(failed) };
            }
            None => {}
        }
        let verdict = is_last.then(|| match &self.expect {
            None => Verdict::Passed,
            Some(matcher) => Verdict::Failed {
                message: format!(
                    "{EXPECT} \"{}\" was not seen before {UNTIL} ended the output: {} sent {}",
                    show_line(matcher.pattern().text()),
                    self.conn.name(),
                    self.show_tail().1
                ),
            },
        });
        Step { shown, verdict }
    }

    fn search(&mut self, bytes: &[u8]) -> Option<Verdict> {
        let expected = self.expect.as_mut().and_then(|matcher| matcher.push(bytes));
        let failed = self.fail_on.as_mut().and_then(|matcher| matcher.push(bytes));
        let is_whole = self.total <= self.tail.len() as u64;
        self.total += bytes.len() as u64;
        if expected.is_none() && failed.is_none() {
            keep(&mut self.tail, bytes);
            return None;
        }
        let window = [&self.tail[..], bytes].concat();
        let verdict = self.verdict(expected, failed, &window, is_whole);
        keep(&mut self.tail, bytes);
        verdict
    }

    fn search_end(&mut self) -> Option<Verdict> {
        let expected = self.expect.as_mut().and_then(StreamMatcher::finish);
        let failed = self.fail_on.as_mut().and_then(StreamMatcher::finish);
        let is_whole = self.total <= self.tail.len() as u64;
        self.verdict(expected, failed, &self.tail, is_whole)
    }

    /// What follows from the ends of matches. Of two that end together, the failure counts.
    fn verdict(&self, expected: Option<u64>, failed: Option<u64>, window: &[u8], is_whole: bool) -> Option<Verdict> {
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
        let name = self.conn.name();
        let message = format!("{name}: {FAIL_ON} \"{}\" matched \"{mark}{shown}\"", show_line(pattern.text()));
        Some(Verdict::Failed { message })
    }

    /// What came on the connection, and what is missing, in words.
    pub(super) fn describe(&self) -> String {
        let mut text = format!("{} ", self.conn.name());
        // Writing to a String cannot fail.
        let _ = match self.conn.info.bytes_in() {
            0 => write!(text, "sent nothing"),
            1 => write!(text, "sent 1 byte"),
            n => write!(text, "sent {n} bytes"),
        };
        if self.total > 0 {
            let (is_whole, shown) = self.show_tail();
            let _ = write!(text, "{} {shown}", if is_whole { ":" } else { ", the last of them:" });
        }
        if let Some(missing) = self.until.as_ref().and_then(Cut::missing) {
            let _ = write!(text, " ({missing})");
        }
        text
    }

    /// The last bytes, quoted, and whether they are all.
    fn show_tail(&self) -> (bool, String) {
        let (mark, shown) = last_of(&self.tail, SHOWN);
        let mark = if self.total > self.tail.len() as u64 { CUT } else { mark };
        (mark.is_empty(), format!("\"{mark}{shown}\""))
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

/// Bytes of a stream that are kept: in these the start of a match is looked for.
const KEPT: usize = 1024;
/// Bytes that a message shows.
const SHOWN: usize = 200;
/// Stands for what is not shown.
const CUT: &str = "\u{2026}";
