//! Timers of a script: `after` and `every`, of the run or of one connection.
//!
//! Owns the callbacks and their times. Calls nothing: the handler takes due timers and calls them.

use std::cmp::Reverse;
use std::collections::{BinaryHeap, HashSet};
use std::rc::Rc;
use std::time::{Duration, Instant};

use rhai::FnPtr;

use crate::session::{ConnId, ConnView, Numbered};

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
    running: Numbered<Timer>,
    /// An entry for each running timer, and for cancelled ones until [`Timers::compact`].
    due: BinaryHeap<Reverse<(Instant, TimerId)>>,
    by_conn: Numbered<OfConn>,
    /// Timers of `after` that belong to no connection.
    pending: usize,
}

/// The timers of one connection.
#[derive(Debug, Default)]
struct OfConn {
    ids: HashSet<TimerId>,
    /// Timers of `after`, and of `every`; the time limits of expectations are neither.
    once: usize,
    repeating: usize,
}

impl OfConn {
    /// The count that a timer belongs to.
    fn count_of(&mut self, timer: &Timer) -> Option<&mut usize> {
        match timer.every {
            _ if timer.expects => None,
            Some(_) => Some(&mut self.repeating),
            None => Some(&mut self.once),
        }
    }
}

impl Timers {
    /// Starts a timer.
    pub(super) fn start(&mut self, at: Instant, timer: Timer) -> TimerId {
        self.last_id += 1;
        let id = self.last_id;
        match &timer.conn {
            Some(conn) => {
                let of_conn = self.by_conn.entry(conn.id).or_default();
                of_conn.ids.insert(id);
                if let Some(count) = of_conn.count_of(&timer) {
                    *count += 1;
                }
            }
            None => self.pending += usize::from(timer.every.is_none()),
        }
        self.running.insert(id, timer);
        self.due.push(Reverse((at, id)));
        id
    }

    /// Cancels a timer. Returns it if it was running.
    pub(super) fn cancel(&mut self, id: TimerId) -> Option<Timer> {
        let timer = self.remove(id)?;
        self.compact();
        Some(timer)
    }

    /// Cancels all timers of a connection.
    pub(super) fn cancel_of(&mut self, conn: ConnId) {
        if let Some(timers) = self.by_conn.remove(&conn) {
            for id in timers.ids {
                self.running.remove(&id);
            }
        }
        self.compact();
    }

    /// Whether a connection has timers of `after`, and whether it has some of `every`.
    pub(super) fn of(&self, conn: ConnId) -> (bool, bool) {
        self.by_conn.get(&conn).map_or((false, false), |timers| (timers.once > 0, timers.repeating > 0))
    }

    /// Whether a timer of `after` is running that belongs to no connection.
    pub(super) fn is_pending(&self) -> bool {
        self.pending > 0
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
        let Some(every) = self.running.get(&id)?.every else { return Some((id, self.remove(id)?)) };
        let next = at + every;
        self.due.push(Reverse((if next > now { next } else { now + every }, id)));
        Some((id, self.running.get(&id)?.clone()))
    }

    fn remove(&mut self, id: TimerId) -> Option<Timer> {
        let timer = self.running.remove(&id)?;
        match &timer.conn {
            Some(conn) => {
                if let Some(of_conn) = self.by_conn.get_mut(&conn.id) {
                    of_conn.ids.remove(&id);
                    if let Some(count) = of_conn.count_of(&timer) {
                        *count -= 1;
                    }
                    if of_conn.ids.is_empty() {
                        self.by_conn.remove(&conn.id);
                    }
                }
            }
            None => self.pending -= usize::from(timer.every.is_none()),
        }
        Some(timer)
    }

    /// Removes the entries of cancelled timers once they are the larger part, so that memory follows the running ones.
    fn compact(&mut self) {
        if self.due.len() > LEAST_COMPACTED && self.due.len() / 2 > self.running.len() {
            self.due.retain(|Reverse((_, id))| self.running.contains_key(id));
            self.due.shrink_to(self.running.len() * 2);
        }
        if self.running.capacity() / 8 > self.running.len().max(LEAST_COMPACTED) {
            self.running.shrink_to(self.running.len() * 2);
        }
    }
}

/// Entries up to which the heap is left as it is.
const LEAST_COMPACTED: usize = 64;

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
        assert!(timers.cancel(id).is_some());
        assert!(timers.cancel(id).is_none());
        assert!(timers.take_due(now).is_none());
        assert_eq!(timers.deadline(), None);
    }

    #[test]
    fn cancelled_timers_free_their_memory_behind_one_that_runs() {
        let now = Instant::now();
        let at = |ms| now + Duration::from_millis(ms);
        let mut timers = Timers::default();
        timers.start(at(1), timer(None));
        let kept = timers.start(at(500_000), timer(None));
        for round in 0..100_000 {
            let id = timers.start(at(1_000_000 + round), timer(None));
            assert!(timers.cancel(id).is_some());
            assert!(timers.due.len() <= 2 * LEAST_COMPACTED, "{} after {round}", timers.due.len());
        }
        let many: Vec<_> = (0..10_000).map(|ms| timers.start(at(2_000_000 + ms), timer(None))).collect();
        for id in many {
            timers.cancel(id);
        }
        assert!(timers.due.len() <= 2 * LEAST_COMPACTED && timers.due.capacity() < 1000);
        assert!(timers.running.capacity() < 1000);
        assert!(timers.take_due(at(1)).is_some());
        assert_eq!(timers.take_due(at(500_000)).map(|(id, _)| id), Some(kept), "what runs is still there");
        assert!(!timers.is_pending());
    }

    #[test]
    fn what_a_connection_waits_for_is_counted() {
        let now = Instant::now();
        let target = "127.0.0.1:1".parse().unwrap();
        let conn = Rc::new(ConnView::dialing(7, &target, &crate::config::Text::default(), now));
        let of_conn = |every, expects| Timer { conn: Some(Rc::clone(&conn)), expects, ..timer(every) };
        let mut timers = Timers::default();
        assert_eq!(timers.of(7), (false, false));
        let limit = timers.start(now, of_conn(None, true));
        assert_eq!(timers.of(7), (false, false), "a time limit is part of its expectation");
        let every = timers.start(now, of_conn(Some(5), false));
        let once = timers.start(now, of_conn(None, false));
        assert_eq!(timers.of(7), (true, true));
        for id in [limit, every] {
            timers.cancel(id);
        }
        assert_eq!((timers.of(7), timers.is_pending()), ((true, false), false));
        assert_eq!(timers.take_due(now).map(|(id, _)| id), Some(once));
        assert_eq!(timers.of(7), (false, false));
        timers.start(now, of_conn(None, false));
        timers.cancel_of(7);
        assert_eq!((timers.of(7), timers.deadline()), ((false, false), None));
        timers.start(now, timer(Some(1)));
        assert!(!timers.is_pending(), "every keeps nothing alive");
    }
}
