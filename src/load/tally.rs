//! `Tally`: what one loop counts during a load run.
//!
//! Owns the counters and their bounds: a script that invents names without end fails, it does not take all memory. Does not
//! know when runs begin and end; its callers do.

use std::collections::BTreeMap;
use std::time::Duration;

use super::Measure;

/// The measure of the runs that succeeded: with a rate from the time a run was due, without one from its start.
pub const RUN: &str = "run";
/// With a rate: the same runs, from the time they began.
pub const SERVICE: &str = "run.service";

/// The largest count: the largest number that every reader of JSON keeps exactly. What is more stays there.
pub const LARGEST_COUNT: u64 = 1 << 53;
/// Maximum measures, and maximum counts; each measure takes 140 KB in each loop.
const MAX_NAMES: usize = 256;
/// Maximum length of a name in bytes.
const MAX_NAME: usize = 100;
/// Maximum different reasons of failures; the others are counted together.
const MAX_REASONS: usize = 100;
/// Maximum length of a reason in bytes; the rest is cut.
const MAX_REASON: usize = 300;
/// Stands for the reasons after the first [`MAX_REASONS`].
const OTHER_REASONS: &str = "(other reasons)";

/// Counters of a load run. Equal if everything counted is.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Tally {
    /// Runs that ended: succeeded and failed.
    pub runs: u64,
    /// Failed runs by reason.
    pub failures: BTreeMap<String, u64>,
    /// Runs that were cut because the time was over, or the run was stopped; no failures, and not in `runs`.
    pub cut: u64,
    /// With a rate: runs that found no free client when they were due.
    pub late: u64,
    /// With a rate: runs that were due, but found no free client before the time was over.
    pub unstarted: u64,
    /// Times by name.
    pub measures: BTreeMap<String, Measure>,
    /// Counts by name.
    pub counts: BTreeMap<String, u64>,
    /// What ended in each second since the start; seconds in which nothing ended are left out.
    pub seconds: BTreeMap<u64, Second>,
}

/// What ended within one second.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Second {
    /// Runs that ended.
    pub runs: u64,
    /// Those of them that failed.
    pub failed: u64,
    /// The longest time of one that succeeded, in microseconds.
    pub max_us: u64,
}

/// Why a name cannot be used for a measure or a count.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum NameFault {
    /// The name is empty or too long.
    #[error("a name has 1 to {MAX_NAME} bytes")]
    Length,
    /// The name is one of tcpx's own.
    #[error("\"{RUN}\" and \"{SERVICE}\" are the times of whole runs: choose another name")]
    Reserved,
    /// There are too many names already.
    #[error("more than {MAX_NAMES} names: a name is for many values, not one for each")]
    TooMany,
}

impl Tally {
    /// Adds a run that succeeded `at` this time after the start. `took` counts from when it was due; `served` from when it
    /// began, if there is a rate.
    pub fn succeed(&mut self, at: Duration, took: Duration, served: Option<Duration>) {
        let micros = micros(took);
        self.runs += 1;
        of_name(&mut self.measures, RUN, Measure::new).record(micros);
        if let Some(served) = served {
            of_name(&mut self.measures, SERVICE, Measure::new).record(self::micros(served));
        }
        let second = self.seconds.entry(at.as_secs()).or_default();
        second.runs += 1;
        second.max_us = second.max_us.max(micros);
    }

    /// Adds a run that failed `at` this time after the start.
    pub fn fail(&mut self, at: Duration, reason: &str) {
        self.runs += 1;
        let second = self.seconds.entry(at.as_secs()).or_default();
        second.runs += 1;
        second.failed += 1;
        let reason = beginning(reason, MAX_REASON);
        let is_known = self.failures.contains_key(reason) || self.failures.len() < MAX_REASONS;
        *of_name(&mut self.failures, if is_known { reason } else { OTHER_REASONS }, u64::default) += 1;
    }

    /// Adds a time that a script has measured.
    pub fn record(&mut self, name: &str, took: Duration) -> Result<(), NameFault> {
        if name == RUN || name == SERVICE {
            return Err(NameFault::Reserved);
        }
        if let Some(measure) = self.measures.get_mut(name) {
            measure.record(micros(took));
            return Ok(());
        }
        check_name(name, &self.measures)?;
        of_name(&mut self.measures, name, Measure::new).record(micros(took));
        Ok(())
    }

    /// Adds to a count of a script.
    pub fn count(&mut self, name: &str, more: u64) -> Result<(), NameFault> {
        check_name(name, &self.counts)?;
        let count = of_name(&mut self.counts, name, u64::default);
        *count = sum(*count, more);
        Ok(())
    }
}

impl Tally {
    /// Runs that failed.
    pub fn failed(&self) -> u64 {
        self.failures.values().fold(0, |sum, count| sum.saturating_add(*count))
    }

    /// Adds everything that another one has counted, whose start was this many seconds later.
    pub fn merge(&mut self, other: &Self, seconds_later: u64) {
        for (own, others) in [
            (&mut self.runs, other.runs),
            (&mut self.cut, other.cut),
            (&mut self.late, other.late),
            (&mut self.unstarted, other.unstarted),
        ] {
            *own = sum(*own, others);
        }
        for (own, others) in [(&mut self.failures, &other.failures), (&mut self.counts, &other.counts)] {
            for (name, count) in others {
                let own = of_name(own, name, u64::default);
                *own = sum(*own, *count);
            }
        }
        for (name, measure) in &other.measures {
            of_name(&mut self.measures, name, Measure::new).merge(measure);
        }
        for (at, second) in &other.seconds {
            self.seconds.entry(at.saturating_add(seconds_later)).or_default().merge(*second);
        }
    }
}

impl Second {
    /// Adds what ended in another second.
    pub fn merge(&mut self, other: Self) {
        self.runs = sum(self.runs, other.runs);
        self.failed = sum(self.failed, other.failed);
        self.max_us = self.max_us.max(other.max_us);
    }
}

fn sum(one: u64, other: u64) -> u64 {
    one.saturating_add(other).min(LARGEST_COUNT)
}

fn check_name<T>(name: &str, known: &BTreeMap<String, T>) -> Result<(), NameFault> {
    match name.len() {
        _ if known.contains_key(name) => Ok(()),
        1..=MAX_NAME if known.len() < MAX_NAMES => Ok(()),
        1..=MAX_NAME => Err(NameFault::TooMany),
        _ => Err(NameFault::Length),
    }
}

/// The value of a name, made if it is new; a known name is not copied.
fn of_name<'a, T>(map: &'a mut BTreeMap<String, T>, name: &str, new: impl FnOnce() -> T) -> &'a mut T {
    if !map.contains_key(name) {
        map.insert(name.to_owned(), new());
    }
    map.get_mut(name).expect("it is there")
}

fn micros(time: Duration) -> u64 {
    u64::try_from(time.as_micros()).unwrap_or(u64::MAX)
}

/// At most this many bytes of a text, in whole characters.
fn beginning(text: &str, most: usize) -> &str {
    let end = (0..=most.min(text.len())).rev().find(|at| text.is_char_boundary(*at));
    &text[..end.unwrap_or_default()]
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::load::Stat;

    const MS: Duration = Duration::from_millis(1);

    #[test]
    fn runs_are_counted_by_outcome_and_second() {
        let mut tally = Tally::default();
        tally.succeed(500 * MS, 20 * MS, None);
        tally.succeed(999 * MS, 30 * MS, Some(10 * MS));
        tally.fail(2500 * MS, "refused");
        tally.fail(2600 * MS, "refused");
        tally.fail(2700 * MS, "timed out");
        assert_eq!((tally.runs, tally.failed()), (5, 3));
        assert_eq!(tally.failures, [("refused".to_owned(), 2), ("timed out".to_owned(), 1)].into());
        let seconds =
            [(0, Second { runs: 2, failed: 0, max_us: 30_000 }), (2, Second { runs: 3, failed: 3, max_us: 0 })];
        assert_eq!(tally.seconds, seconds.into());
        assert_eq!(tally.measures[RUN].count(), 2);
        assert_eq!(tally.measures[SERVICE].stat(Stat::Max), Some(10_000.0));
    }

    #[test]
    fn names_are_bounded_and_ours_are_reserved() {
        let mut tally = Tally::default();
        for number in 0..MAX_NAMES {
            tally.record(&format!("m{number}"), MS).unwrap();
            tally.count(&format!("c{number}"), 2).unwrap();
        }
        tally.record("m7", MS).unwrap();
        tally.count("c7", u64::MAX).unwrap();
        assert_eq!((tally.measures["m7"].count(), tally.counts["c7"]), (2, LARGEST_COUNT));
        assert_eq!(tally.record("one more", MS), Err(NameFault::TooMany));
        assert_eq!(tally.count("one more", 1), Err(NameFault::TooMany));
        assert_eq!(tally.record(RUN, MS), Err(NameFault::Reserved));
        assert_eq!(tally.record(SERVICE, MS), Err(NameFault::Reserved));
        for name in ["", &"x".repeat(101)] {
            assert_eq!(tally.record(name, MS), Err(NameFault::Length));
            assert_eq!(tally.count(name, 1), Err(NameFault::Length));
        }
    }

    #[test]
    fn reasons_without_end_are_counted_together() {
        let mut tally = Tally::default();
        for number in 0..MAX_REASONS + 20 {
            tally.fail(MS, &format!("port {number}"));
        }
        tally.fail(MS, "port 3");
        assert_eq!(tally.failures.len(), MAX_REASONS + 1);
        assert_eq!((tally.failures[OTHER_REASONS], tally.failures["port 3"]), (20, 2));
        assert_eq!(tally.failed(), tally.runs);
        let mut tally = Tally::default();
        tally.fail(MS, &"é".repeat(200));
        tally.fail(MS, &format!("x{}", "é".repeat(200)));
        assert_eq!(tally.failures.keys().map(String::len).collect::<Vec<_>>(), [299, 300]);
    }

    #[test]
    fn merging_adds_everything_and_moves_seconds() {
        let mut one = Tally { cut: 1, late: 2, unstarted: 3, ..Tally::default() };
        one.succeed(MS, 20 * MS, None);
        one.fail(MS, "refused");
        one.count("bytes", 10).unwrap();
        one.record("login", 5 * MS).unwrap();
        let mut other = one.clone();
        other.count("lines", 1).unwrap();
        one.merge(&other, 1);
        assert_eq!((one.runs, one.cut, one.late, one.unstarted, one.failed()), (4, 2, 4, 6, 2));
        assert_eq!(one.counts, [("bytes".to_owned(), 20), ("lines".to_owned(), 1)].into());
        assert_eq!((one.measures["login"].count(), one.measures[RUN].count()), (2, 2));
        let second = Second { runs: 2, failed: 1, max_us: 20_000 };
        assert_eq!(one.seconds, [(0, second), (1, second)].into());
        one.merge(&other, 1);
        assert_eq!(one.seconds[&1], Second { runs: 4, failed: 2, max_us: 20_000 });
    }
}
