//! Timers of a script: `after` and `every`, of the run or of one connection.
//!
//! Owns the callbacks and their times. Calls nothing: the handler takes due timers and calls them.

use std::cmp::Reverse;
use std::collections::{BinaryHeap, HashMap};
use std::rc::Rc;
use std::time::{Duration, Instant};

use rhai::FnPtr;

use crate::session::{ConnId, ConnView};

/// A timer's number; never reused.
pub(super) type TimerId = u64;

/// A callback with its connection and period.
#[derive(Clone, Debug)]
pub(super) struct Timer {
    /// The connection whose end cancels it; passed to the callback.
    pub(super) conn: Option<Rc<ConnView>>,
    /// The callback.
    pub(super) call: FnPtr,
    /// The period of `every`; `None` for `after`.
    pub(super) every: Option<Duration>,
    /// Whether it is the time limit of an expectation.
    pub(super) expects: bool,
}

/// All timers of a script.
#[derive(Debug, Default)]
pub(super) struct Timers {
    last_id: TimerId,
    running: HashMap<TimerId, Timer>,
    due: BinaryHeap<Reverse<(Instant, TimerId)>>,
    by_conn: HashMap<ConnId, Vec<TimerId>>,
}

impl Timers {
    /// Starts a timer.
    pub(super) fn start(&mut self, at: Instant, timer: Timer) -> TimerId {
        self.last_id += 1;
        let id = self.last_id;
        if let Some(conn) = &timer.conn {
            self.by_conn.entry(conn.id).or_default().push(id);
        }
        self.running.insert(id, timer);
        self.due.push(Reverse((at, id)));
        id
    }

    /// Cancels a timer. Returns whether it was running.
    pub(super) fn cancel(&mut self, id: TimerId) -> bool {
        let Some(timer) = self.running.remove(&id) else { return false };
        if let Some(conn) = timer.conn
            && let Some(ids) = self.by_conn.get_mut(&conn.id)
        {
            ids.retain(|other| *other != id);
            if ids.is_empty() {
                self.by_conn.remove(&conn.id);
            }
        }
        true
    }

    /// Cancels all timers of a connection.
    pub(super) fn cancel_of(&mut self, conn: ConnId) {
        for id in self.by_conn.remove(&conn).unwrap_or_default() {
            self.running.remove(&id);
        }
    }

    /// When the next timer is due.
    pub(super) fn deadline(&mut self) -> Option<Instant> {
        while let Some(Reverse((at, id))) = self.due.peek().copied() {
            if self.running.contains_key(&id) {
                return Some(at);
            }
            self.due.pop();
        }
        None
    }

    /// Takes one due timer; one of `every` goes on. Missed calls are skipped.
    pub(super) fn take_due(&mut self, now: Instant) -> Option<(TimerId, Timer)> {
        let at = self.deadline().filter(|at| *at <= now)?;
        let Reverse((_, id)) = self.due.pop()?;
        let timer = self.running.get(&id)?.clone();
        match timer.every {
            Some(every) => {
                let next = at + every;
                self.due.push(Reverse((if next > now { next } else { now + every }, id)));
            }
            None => {
                self.cancel(id);
            }
        }
        Some((id, timer))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn timer(every: Option<u64>) -> Timer {
        let call = FnPtr::new("f").unwrap();
        Timer { conn: None, call, every: every.map(Duration::from_millis), expects: false }
    }

    #[test]
    fn timers_are_due_at_their_time() {
        let start = Instant::now();
        let at = |ms| start + Duration::from_millis(ms);
        let mut timers = Timers::default();
        timers.start(at(20), timer(None));
        timers.start(at(10), timer(Some(10)));
        assert_eq!(timers.deadline(), Some(at(10)));
        assert!(timers.take_due(at(9)).is_none());
        assert!(timers.take_due(at(10)).unwrap().1.every.is_some());
        assert!(timers.take_due(at(20)).unwrap().1.every.is_none(), "the older one first");
        assert!(timers.take_due(at(20)).unwrap().1.every.is_some());
        assert!(timers.take_due(at(20)).is_none());
        assert_eq!(timers.deadline(), Some(at(30)));
    }

    #[test]
    fn missed_calls_are_skipped() {
        let start = Instant::now();
        let mut timers = Timers::default();
        timers.start(start, timer(Some(10)));
        let late = start + Duration::from_secs(1);
        assert!(timers.take_due(late).is_some());
        assert!(timers.take_due(late).is_none());
        assert_eq!(timers.deadline(), Some(late + Duration::from_millis(10)));
    }

    #[test]
    fn a_cancelled_timer_is_gone() {
        let now = Instant::now();
        let mut timers = Timers::default();
        let id = timers.start(now, timer(Some(1)));
        assert!(timers.cancel(id));
        assert!(!timers.cancel(id));
        assert!(timers.take_due(now).is_none());
        assert_eq!(timers.deadline(), None);
    }
}
