//! `Inbox`: received bytes of one connection that stay until somebody asks for them, in whichever form.
//!
//! Owns bytes that were delivered as chunks, and how their stream has ended. Datagrams stay apart until something longer is
//! asked for. Asking takes what is there or says that more has
//! to come; it never waits. What is asked for and not whole stays and can be asked for again in another form.

use std::collections::VecDeque;
use std::time::Duration;

use crate::codec::framing::MAX_FRAME;
use crate::config::Malformed;
use crate::session::inbound::{Fault, Inbound};
use crate::session::{ChosenForm, ConnError, ConnView, Event, Form, Operation};

/// How a stream has ended.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum StreamEnd {
    /// The peer has ended it.
    Eof,
    /// We have closed the connection.
    Closed,
    /// It broke, or a limit passed.
    Broken(ConnError),
}

/// The form of what is asked for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Wanted {
    /// Bytes as they are.
    Bytes,
    /// Decoded text, as much as there is.
    Text,
    /// Lines, frames, or what a search finds.
    Unit(ChosenForm),
    /// Frames whose lengths somebody else knows ([`Inbox::take_unmeasured`]).
    Measured,
}

/// Received bytes that wait.
#[derive(Debug)]
pub struct Inbox {
    inbound: Inbound,
    form: Wanted,
    /// A chunk that arrived while nothing was there; or datagrams, each as it arrived.
    chunks: VecDeque<Vec<u8>>,
    keeps_borders: bool,
    end: Option<StreamEnd>,
    /// The beginning of a frame whose length nobody has said.
    unmeasured: Option<Vec<u8>>,
    /// The last units of a stream that has ended were given out.
    is_finished: bool,
}

impl Inbox {
    /// Nothing has arrived.
    pub fn new(malformed: Malformed) -> Self {
        Self {
            inbound: Inbound::new(Form::Data, malformed),
            form: Wanted::Bytes,
            chunks: VecDeque::new(),
            keeps_borders: false,
            end: None,
            unmeasured: None,
            is_finished: false,
        }
    }

    /// The same for datagrams.
    pub fn of_datagrams(malformed: Malformed) -> Self {
        Self { keeps_borders: true, ..Self::new(malformed) }
    }

    /// Takes a chunk that has arrived.
    pub fn push(&mut self, bytes: Vec<u8>) {
        if self.keeps_borders || (self.chunks.is_empty() && self.inbound.held() == 0) {
            self.chunks.push_back(bytes);
        } else {
            self.settle();
            self.inbound.hold(&bytes);
        }
    }

    /// The stream has ended. The first reason counts.
    pub fn finish(&mut self, end: StreamEnd) {
        if self.end.is_none() {
            self.end = Some(end);
        }
    }

    /// How the stream has ended; what is held came before.
    pub fn end(&self) -> Option<&StreamEnd> {
        self.end.as_ref()
    }

    /// Bytes that are held. A datagram counts as one more, because it may be empty.
    pub fn held(&self) -> usize {
        if self.chunks.is_empty() {
            return self.inbound.held();
        }
        if !self.keeps_borders && self.chunks.len() == 1 {
            return self.chunks[0].len() + self.inbound.held();
        }
        let more = usize::from(self.keeps_borders);
        self.chunks.iter().map(|chunk| chunk.len() + more).sum::<usize>() + self.inbound.held()
    }

    /// The next chunk: all bytes that are there, or one datagram.
    pub fn take_chunk(&mut self, view: &ConnView) -> Option<Vec<u8>> {
        if self.inbound.held() == 0 {
            if let Some(chunk) = self.chunks.pop_front() {
                self.inbound.pass(view, &chunk);
                return Some(chunk);
            }
            if self.form == Wanted::Bytes {
                return None;
            }
        }
        self.want(view, Wanted::Bytes);
        let n = self.inbound.held();
        (n > 0).then(|| self.inbound.take(view, n))
    }

    /// Exactly `n` bytes, once so many are there.
    pub fn take(&mut self, view: &ConnView, n: usize) -> Option<Vec<u8>> {
        // Often just that has come.
        if n > 0 && self.inbound.held() == 0 && self.chunks.front().is_some_and(|chunk| chunk.len() == n) {
            return self.take_chunk(view);
        }
        self.want(view, Wanted::Bytes);
        while self.inbound.held() < n && self.join() {}
        (self.inbound.held() >= n).then(|| self.inbound.take(view, n))
    }

    /// The bytes that are held, which stay; `n` of them, if so many are there.
    pub fn peek(&mut self, view: &ConnView, n: usize) -> &[u8] {
        self.want(view, Wanted::Bytes);
        while self.inbound.held() < n && self.join() {}
        self.inbound.bytes()
    }

    /// The next whole unit in this form. After the end of the stream also what is left of it, where that makes a unit: text,
    /// a last line, a last frame that the end completes. [`Event::Found`] is answered by [`Inbox::skip`].
    ///
    /// # Errors
    /// A unit over its limit, or malformed text where that is an error; the stream makes no sense from there on.
    pub fn next(&mut self, view: &ConnView, wanted: &Wanted) -> Result<Option<Event>, ConnError> {
        if self.form != *wanted {
            self.want(view, wanted.clone());
        }
        self.settle();
        let next = loop {
            let held = self.inbound.held();
            let next = self.inbound.next(view).map_err(|fault| self.failed(view, fault, held))?;
            if next.is_some() || !self.join() {
                break next;
            }
        };
        if next.is_some() || self.end.is_none() || self.is_finished {
            return Ok(self.without_measure(next));
        }
        self.decide(view)
    }

    /// The beginning of a frame, once after a call that gave nothing: [`Inbox::set_length`] answers it.
    pub fn take_unmeasured(&mut self) -> Option<Vec<u8>> {
        self.unmeasured.take()
    }

    /// Sets the length of the frame that was to be measured; 0: that takes more bytes.
    pub fn set_length(&mut self, length: usize) {
        self.inbound.set_length(length);
    }

    fn without_measure(&mut self, next: Option<Event>) -> Option<Event> {
        match next {
            Some(Event::Measure(bytes)) => {
                self.unmeasured = Some(bytes);
                None
            }
            next => next,
        }
    }

    /// What is left of a stream that has ended, as the last unit of its form, and nothing after that.
    ///
    /// # Errors
    /// As [`Inbox::next`]; also a frame that is cut by the end.
    pub fn last(&mut self, view: &ConnView, wanted: &Wanted) -> Result<Option<Event>, ConnError> {
        if self.form != *wanted {
            self.want(view, wanted.clone());
        }
        self.settle();
        // A decoder may hold the beginning of a character.
        if self.is_finished || (self.inbound.held() == 0 && !self.inbound.is_text()) {
            return Ok(None);
        }
        self.is_finished = true;
        let held = self.inbound.held().max(1);
        let frame = if self.inbound.is_text() { Vec::new() } else { self.inbound.bytes().to_vec() };
        let mut last = self.inbound.finish(view).map_err(|fault| {
            if self.inbound.held() == 0 {
                self.inbound.unread(&frame);
            }
            self.failed(view, fault, held)
        })?;
        debug_assert!(last.len() <= 1, "whole units were given out before");
        Ok(last.pop())
    }

    /// Whoever searched has dealt with the first bytes.
    pub fn skip(&mut self, view: &ConnView, n: usize) {
        self.inbound.skip(view, n);
    }

    /// How long nothing may come until [`Inbox::decide`] is due, because what is held cannot be decoded yet.
    pub fn silence(&self) -> Option<Duration> {
        self.inbound.silence()
    }

    /// Nothing has come for a while: what is there has to do.
    ///
    /// # Errors
    /// As [`Inbox::next`].
    pub fn decide(&mut self, view: &ConnView) -> Result<Option<Event>, ConnError> {
        let held = self.inbound.held();
        let next = self.inbound.decide(view).map_err(|fault| self.failed(view, fault, held))?;
        Ok(self.without_measure(next))
    }

    /// Drops and gives out everything that is there.
    pub fn clean(&mut self, view: &ConnView) -> Vec<u8> {
        let mut all = self.take_chunk(view).unwrap_or_default();
        while let Some(chunk) = self.take_chunk(view) {
            all.extend(chunk);
        }
        all
    }

    /// What a fault says. The bytes that it has taken stay; `held` were held before.
    fn failed(&mut self, view: &ConnView, fault: Fault, held: usize) -> ConnError {
        if self.inbound.held() < held {
            self.inbound.unread_fault(view, &fault);
        }
        fault.trouble(Operation::Read).1
    }

    fn want(&mut self, view: &ConnView, wanted: Wanted) {
        self.settle();
        if self.form == wanted {
            return;
        }
        match &wanted {
            Wanted::Bytes => self.inbound.set_chosen(view, Some(ChosenForm::Data), Form::Data),
            Wanted::Text => self.inbound.set_chosen(view, None, Form::Text),
            Wanted::Measured => self.inbound.set_chosen(view, None, Form::Measured),
            Wanted::Unit(form) => self.inbound.set_chosen(view, Some(form.clone()), Form::Data),
        }
        self.form = wanted;
    }

    /// The chunk that came alone goes to the other bytes. Datagrams stay apart.
    fn settle(&mut self) {
        while !self.keeps_borders && self.join() {}
    }

    /// Puts the next chunk to the bytes of which units are made. Returns whether there was one.
    fn join(&mut self) -> bool {
        let chunk = self.chunks.pop_front();
        if let Some(chunk) = &chunk {
            self.inbound.hold(chunk);
        }
        chunk.is_some()
    }
}

/// The form of lines.
pub const LINES: Wanted = Wanted::Unit(ChosenForm::Lines { max: MAX_FRAME });

#[cfg(test)]
mod tests;
