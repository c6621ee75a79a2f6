//! `Clients`: many runs of `main` in one loop: when each begins, how it ends, and what is counted.
//!
//! Owns which client is free and which run is due; times and counts go into the tally that the process reads. Without a rate a
//! client begins its next run at the end of the one before; with one, runs begin when they are due, and a run that finds no
//! free client waits, which its time includes.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use crate::load::Tally;
use crate::load::schedule::{Ramp, Schedule};
use crate::script::tasks::TaskId;

/// What the clients of one loop are to do.
#[derive(Clone, Debug)]
pub struct Plan {
    /// Clients of this loop.
    pub clients: u64,
    /// How long runs begin; `None`: each client runs once.
    pub duration: Option<Duration>,
    /// When runs are due; `None`: as fast as the clients can.
    pub schedule: Option<Schedule>,
    /// When clients begin without a schedule.
    pub ramp: Ramp,
}

/// What one loop has counted so far, for whoever looks at it meanwhile.
#[derive(Clone, Debug, Default)]
pub struct Progress(Arc<Mutex<Counted>>);

/// Counts of one loop.
#[derive(Clone, Debug, Default)]
pub struct Counted {
    /// Runs, measures, counts.
    pub tally: Tally,
    /// Clients that run.
    pub busy: u64,
    /// When the last run ended, from the start.
    pub ended: Duration,
}

impl Progress {
    /// What was counted.
    pub fn look(&self) -> MutexGuard<'_, Counted> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// How a run has ended.
pub(super) enum RunEnd {
    /// As it should.
    Good,
    /// With this reason.
    Failed(String),
    /// Its time was over.
    Cut,
}

/// The clients of one loop.
#[derive(Debug)]
pub(super) struct Clients {
    plan: Plan,
    progress: Progress,
    /// When it began; `None`: it has not.
    began: Option<Instant>,
    /// Clients that have begun, or with a schedule runs.
    begun: u64,
    /// Clients that are to run again.
    again: u64,
    /// When all clients were busy last.
    full_until: Duration,
    /// Since when each run is due, and when it began, from the start.
    running: HashMap<TaskId, (Duration, Duration)>,
    is_cut: bool,
    /// The report of a failed run was printed.
    is_told: bool,
}

/// How long runs may go on after the time is over.
const GRACE: Duration = Duration::from_secs(1);

impl Clients {
    pub(super) fn new(plan: Plan, progress: Progress) -> Self {
        Self {
            plan,
            progress,
            began: None,
            begun: 0,
            again: 0,
            full_until: Duration::ZERO,
            running: HashMap::new(),
            is_cut: false,
            is_told: false,
        }
    }

    /// Begins.
    pub(super) fn begin(&mut self, now: Instant) {
        self.began = Some(now);
    }

    fn since(&self, now: Instant) -> Duration {
        self.began.map_or(Duration::ZERO, |began| now.saturating_duration_since(began))
    }

    /// When something is to be done.
    pub(super) fn deadline(&self) -> Option<Instant> {
        let began = self.began?;
        let end = self.plan.duration;
        let in_time = |at: &Duration| end.is_none_or(|end| *at < end);
        let next = match &self.plan.schedule {
            _ if self.again > 0 => Some(Duration::ZERO),
            _ if self.is_all_begun() => None,
            Some(schedule) if self.busy() < self.plan.clients => Some(schedule.due(self.begun)).filter(in_time),
            Some(_) => None,
            None => Some(self.plan.ramp.begin(self.begun)).filter(in_time),
        };
        let over = match end {
            _ if self.is_idle() && next.is_none() && self.is_all_begun() => Some(Duration::ZERO),
            Some(end) if self.running.is_empty() => Some(end),
            Some(end) => Some(end + GRACE),
            None => None,
        };
        next.into_iter().chain(over).min().map(|at| began + at)
    }

    /// A run that begins now: since when it is due.
    pub(super) fn next(&mut self, now: Instant) -> Option<Duration> {
        let time = self.since(now);
        if self.plan.duration.is_some_and(|end| time >= end) {
            return None;
        }
        let due = match &self.plan.schedule {
            Some(schedule) => {
                if self.is_all_begun() || schedule.due(self.begun) > time {
                    return None;
                }
                if self.busy() >= self.plan.clients {
                    return None;
                }
                let due = schedule.due(self.begun);
                self.progress.look().tally.late += u64::from(due < self.full_until);
                self.begun += 1;
                due
            }
            None if self.again > 0 => {
                self.again -= 1;
                time
            }
            None if !self.is_all_begun() && self.plan.ramp.begin(self.begun) <= time => {
                self.begun += 1;
                time
            }
            None => return None,
        };
        Some(due)
    }

    /// A run has begun.
    pub(super) fn begun(&mut self, task: TaskId, due: Duration, now: Instant) {
        self.running.insert(task, (due, self.since(now)));
        self.progress.look().busy = self.busy();
    }

    /// A run could not begin.
    pub(super) fn failed_to_begin(&mut self, now: Instant, reason: &str) {
        self.progress.look().tally.fail(self.since(now), reason);
    }

    /// A run has ended.
    pub(super) fn ended(&mut self, task: TaskId, now: Instant, end: &RunEnd) {
        let time = self.since(now);
        if self.busy() >= self.plan.clients {
            self.full_until = time;
        }
        let Some((due, begun)) = self.running.remove(&task) else { return };
        let has_rate = self.plan.schedule.is_some();
        let mut counted = self.progress.look();
        match end {
            RunEnd::Good => {
                let served = has_rate.then(|| time.saturating_sub(begun));
                counted.tally.succeed(time, time.saturating_sub(due), served);
            }
            RunEnd::Failed(reason) => counted.tally.fail(time, reason),
            RunEnd::Cut => counted.tally.cut += 1,
        }
        counted.ended = time;
        counted.busy = self.running.len() as u64;
        drop(counted);
        if !has_rate && !self.is_cut && self.plan.duration.is_some_and(|end| time < end) {
            self.again += 1;
        }
    }

    /// The runs that go on although their time is over; told once.
    pub(super) fn take_overdue(&mut self, now: Instant) -> Vec<TaskId> {
        let is_over = self.plan.duration.is_some_and(|end| self.since(now) >= end + GRACE);
        if !is_over || std::mem::replace(&mut self.is_cut, true) {
            return Vec::new();
        }
        self.running.keys().copied().collect()
    }

    /// Whether everything has run. What was due and found no client is counted then.
    pub(super) fn is_finished(&mut self, now: Instant) -> bool {
        let is_time_over = self.plan.duration.is_some_and(|end| self.since(now) >= end);
        if is_time_over {
            // The time has passed between the end of a run and the beginning of the next one.
            self.again = 0;
        }
        let is_finished = self.began.is_some() && self.is_idle() && (is_time_over || self.is_all_begun());
        if is_finished && let (Some(schedule), Some(end)) = (&self.plan.schedule, self.plan.duration) {
            let due = schedule.due_before(end);
            self.progress.look().tally.unstarted += due.saturating_sub(self.begun);
            self.begun = self.begun.max(due);
        }
        is_finished
    }

    /// Whether the report of a failed run is to be printed: that of the first one.
    pub(super) fn tells_failure(&mut self) -> bool {
        !std::mem::replace(&mut self.is_told, true)
    }

    fn busy(&self) -> u64 {
        self.running.len() as u64
    }

    /// Nothing runs, and nobody is to run again.
    fn is_idle(&self) -> bool {
        self.running.is_empty() && self.again == 0
    }

    /// Runs that a schedule has in all.
    fn runs(&self) -> u64 {
        if self.plan.duration.is_some() { u64::MAX } else { self.plan.clients }
    }

    fn is_all_begun(&self) -> bool {
        match self.plan.schedule {
            Some(_) => self.begun >= self.runs(),
            None => self.begun >= self.plan.clients,
        }
    }
}

#[cfg(test)]
mod tests;
