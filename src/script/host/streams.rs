//! What a script has chosen for the stream of a connection: its form, and the patterns it expects.

use std::collections::VecDeque;
use std::mem;
use std::rc::Rc;
use std::time::Duration;

use rhai::FnPtr;

use crate::script::expecting::{Expectation, Found, Pattern, PatternSearch};
use crate::script::host::Host;
use crate::script::pulling;
use crate::script::timers::{Timer, TimerId};
use crate::session::{ChosenForm, Command, ConnId, ConnView};

impl Host {
    /// Whether the script wants no framing of a connection's stream.
    pub(in crate::script) fn is_unframed(&self, conn: &ConnView) -> bool {
        self.streams.borrow().get(&conn.id).is_some_and(|stream| stream.chosen == Some(ChosenForm::Data))
    }

    /// Changes the cutting of a connection's stream: at once, or after its last expectation.
    pub(in crate::script) fn choose_form(&self, conn: &ConnView, chosen: Option<ChosenForm>) {
        if !conn.info.is_open() {
            return;
        }
        if let Some(pull) = pulling::pull(conn).filter(|pull| pull.takes_bytes()) {
            return pull.set_framing(chosen);
        }
        let mut streams = self.streams.borrow_mut();
        let stream = streams.entry(conn.id).or_default();
        stream.chosen.clone_from(&chosen);
        if stream.expected.is_empty() {
            self.push(Command::SetForm(conn.id, chosen));
        }
    }

    /// Adds an expectation behind those of the connection, for at most `limit`. After the end of the stream it is told so
    /// at once; one that is set while this is told is dropped, so that a callback that always waits for more comes to its
    /// end.
    pub(in crate::script) fn expect(
        &self,
        conn: &Rc<ConnView>,
        pattern: Pattern,
        call: FnPtr,
        limit: Option<Duration>,
    ) {
        let is_heard_out = conn.info.is_heard_out();
        if is_heard_out && self.telling_end.get() == Some(conn.id) {
            return;
        }
        let limit = if is_heard_out { Some(Duration::ZERO) } else { limit };
        let timer = limit.map(|limit| {
            let timer = Timer { conn: Some(Rc::clone(conn)), call: call.clone(), every: None, expects: true };
            self.timers().start(self.now() + limit, timer)
        });
        let mut streams = self.streams.borrow_mut();
        let stream = streams.entry(conn.id).or_default();
        stream.expected.push_back(Expectation { search: PatternSearch::new(pattern), call, timer });
        if stream.expected.len() == 1 {
            self.push(Command::SetForm(conn.id, stream.form()));
        }
    }

    /// Sets the connection whose expectation is being told that the stream has ended.
    pub(in crate::script) fn set_telling_end(&self, conn: Option<ConnId>) {
        self.telling_end.set(conn);
    }

    /// Whether a connection has expectations.
    pub(in crate::script) fn is_expecting(&self, conn: &ConnView) -> bool {
        self.streams.borrow().get(&conn.id).is_some_and(|stream| !stream.expected.is_empty())
    }

    /// Takes the first expectation of a connection if it has found its match.
    pub(in crate::script) fn take_found(&self, conn: &ConnView) -> Option<(Expectation, Found)> {
        let mut streams = self.streams.borrow_mut();
        let stream = streams.get_mut(&conn.id)?;
        let found = stream.expected.front()?.search.take_found()?;
        let expectation = stream.expected.pop_front()?;
        if let Some(timer) = expectation.timer {
            self.timers().cancel(timer);
        }
        Some((expectation, found))
    }

    /// Takes all expectations of a connection and cancels their timers.
    pub(in crate::script) fn take_expected(&self, conn: &ConnView) -> VecDeque<Expectation> {
        let expected = self.streams.borrow_mut().get_mut(&conn.id).map(|stream| mem::take(&mut stream.expected));
        let expected = expected.unwrap_or_default();
        for timer in expected.iter().filter_map(|expectation| expectation.timer) {
            self.timers().cancel(timer);
        }
        expected
    }

    /// Takes the expectation whose time limit is this timer.
    pub(in crate::script) fn take_overdue(&self, conn: &ConnView, timer: TimerId) -> Option<Expectation> {
        let mut streams = self.streams.borrow_mut();
        let expected = &mut streams.get_mut(&conn.id)?.expected;
        let at = expected.iter().position(|expectation| expectation.timer == Some(timer))?;
        expected.remove(at)
    }

    /// Sets the cutting for the next expectation, or the former cutting if there is none.
    pub(in crate::script) fn apply_form(&self, conn: &ConnView, out: &mut Vec<Command>) {
        if let Some(stream) = self.streams.borrow().get(&conn.id) {
            let wanted = Command::SetForm(conn.id, stream.form());
            if out.last() != Some(&wanted) {
                out.push(wanted);
            }
        }
    }
}
