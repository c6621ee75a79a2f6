//! `LoadResult`: the result of a load run, or of several that were merged.
//!
//! Owns merging, and what cannot be merged. Does not know files; see `output::load`.

use super::{Shard, Stat, Tally};

/// Maximum measures of a result; one takes 140 KB, and a run has at most 256.
pub const MAX_MEASURES: usize = 1024;

/// What was counted, and by which runs.
#[derive(Clone, Debug, PartialEq)]
pub struct LoadResult {
    /// The runs behind it, by start; at least one.
    parts: Vec<Part>,
    tally: Tally,
}

/// One `tcpx run` with its options.
#[derive(Clone, Debug, PartialEq)]
pub struct Part {
    /// Which of how many.
    pub shard: Shard,
    /// The seed of all shards.
    pub seed: u64,
    /// Clients of this shard.
    pub clients: u64,
    /// Runs a second that this shard should begin; `None` if its clients ran as fast as they could.
    pub target_rate: Option<f64>,
    /// When it began, in microseconds since 1970.
    pub start_us: i64,
    /// From the start to the end of the last run, in microseconds.
    pub duration_us: u64,
    /// Runs that ended.
    pub runs: u64,
    /// Those of them that failed.
    pub failed: u64,
}

impl Part {
    /// When it ended, in microseconds since 1970.
    pub fn end_us(&self) -> i64 {
        self.start_us.saturating_add_unsigned(self.duration_us)
    }
}

impl LoadResult {
    /// The result of one run. The counts of the part are those of the tally.
    pub fn of_run(mut part: Part, tally: Tally) -> Self {
        (part.runs, part.failed) = (tally.runs, tally.failed());
        Self { parts: vec![part], tally }
    }

    /// A result that a file keeps, or why it cannot be one.
    pub fn restore(mut parts: Vec<Part>, tally: Tally) -> Result<Self, &'static str> {
        let sum = |of: fn(&Part) -> u64| parts.iter().fold(0_u64, |sum, part| sum.saturating_add(of(part)));
        let has_rate = parts.iter().map(|part| part.target_rate.is_some());
        if parts.is_empty() {
            return Err("there are no parts");
        }
        if sum(|part| part.runs) != tally.runs || sum(|part| part.failed) != tally.failed() {
            return Err("the runs of its parts are not the runs of all");
        }
        if tally.failed() > tally.runs {
            return Err("there are more failures than runs");
        }
        if has_rate.clone().any(|has| has) && !has_rate.clone().all(|has| has) {
            return Err("some parts have a rate, and some have none");
        }
        sort(&mut parts);
        Ok(Self { parts, tally })
    }

    /// Adds another result, or says why that makes no sense.
    pub fn merge(&mut self, other: &Self) -> Result<(), &'static str> {
        if self.is_open() != other.is_open() {
            return Err("one was made with --rate and one without it: their latencies mean different things");
        }
        let (own, others) = (&self.tally.measures, &other.tally.measures);
        if own.len() + others.keys().filter(|name| !own.contains_key(*name)).count() > MAX_MEASURES {
            return Err("together there are more than 1024 measures");
        }
        // Whole seconds of the clock, so that the order of merging does not matter.
        let second = |result: &Self| result.start_us().div_euclid(1_000_000);
        let (own, others) = (second(self), second(other));
        if others < own {
            let mut tally = other.tally.clone();
            tally.merge(&self.tally, own.abs_diff(others));
            self.tally = tally;
        } else {
            self.tally.merge(&other.tally, own.abs_diff(others));
        }
        self.parts.extend(other.parts.iter().cloned());
        sort(&mut self.parts);
        Ok(())
    }

    /// The runs behind it, by start.
    pub fn parts(&self) -> &[Part] {
        &self.parts
    }

    /// What was counted.
    pub fn tally(&self) -> &Tally {
        &self.tally
    }

    /// Whether runs began at a rate (open loop), not as fast as the clients could (closed loop).
    pub fn is_open(&self) -> bool {
        self.parts[0].target_rate.is_some()
    }

    /// Clients of all shards.
    pub fn clients(&self) -> u64 {
        self.parts.iter().fold(0, |sum, part| sum.saturating_add(part.clients))
    }

    /// Runs a second that should begin, of all shards; to a millionth, because shares have no exact decimals.
    pub fn target_rate(&self) -> Option<f64> {
        let sum = self.parts.iter().map(|part| part.target_rate).sum::<Option<f64>>()?;
        Some((sum * 1e6).round() / 1e6)
    }

    /// When the first began, in microseconds since 1970.
    pub fn start_us(&self) -> i64 {
        self.parts[0].start_us
    }

    /// When the last run ended, in microseconds since 1970.
    pub fn end_us(&self) -> i64 {
        self.parts.iter().map(Part::end_us).max().unwrap_or_default()
    }

    /// From the first start to the end of the last run, in microseconds.
    pub fn duration_us(&self) -> u64 {
        self.end_us().abs_diff(self.start_us())
    }

    /// Runs that ended in a second, on average; of an instant 0.
    pub fn rate(&self) -> f64 {
        let seconds = self.duration_us() as f64 / 1e6;
        if seconds > 0.0 { self.tally.runs as f64 / seconds } else { 0.0 }
    }

    /// The part of all runs that failed, from 0 to 100.
    pub fn failed_percent(&self) -> f64 {
        if self.tally.runs == 0 { 0.0 } else { self.tally.failed() as f64 * 100.0 / self.tally.runs as f64 }
    }

    /// A statistic of a measure, in microseconds.
    pub fn stat(&self, measure: &str, stat: Stat) -> Option<f64> {
        self.tally.measures.get(measure)?.stat(stat)
    }
}

/// Orders parts by start, and in some fixed way where that is equal.
fn sort(parts: &mut [Part]) {
    parts.sort_by(|one, other| {
        let key = |part: &Part| {
            (part.start_us, part.shard, part.seed, part.duration_us, part.clients, part.runs, part.failed)
        };
        let by_rate = || one.target_rate.unwrap_or_default().total_cmp(&other.target_rate.unwrap_or_default());
        key(one).cmp(&key(other)).then_with(by_rate)
    });
}

#[cfg(test)]
pub(super) mod tests {
    use std::time::Duration;

    use proptest::prelude::*;

    use super::*;
    use crate::load::Measure;

    /// A part that begins this many milliseconds after some time, and lasts 2.5 s.
    pub(in crate::load) fn part(index: u32, count: u32, start_ms: i64) -> Part {
        Part {
            shard: Shard::new(index, count).unwrap(),
            seed: 42,
            clients: 5,
            target_rate: None,
            start_us: 1_795_700_000_000_000 + start_ms * 1000,
            duration_us: 2_500_000,
            runs: 0,
            failed: 0,
        }
    }

    /// The result of runs that took these milliseconds each, one ending each 100 ms; 0 is a failure.
    pub(in crate::load) fn result(part: Part, times: &[u64]) -> LoadResult {
        let mut tally = Tally::default();
        for (nth, time) in times.iter().enumerate() {
            let at = Duration::from_millis(100 * nth as u64);
            match time {
                0 => tally.fail(at, "connection refused"),
                _ => tally.succeed(at, Duration::from_millis(*time), None),
            }
            tally.count("tries", 1).unwrap();
        }
        LoadResult::of_run(part, tally)
    }

    #[test]
    fn a_result_knows_its_rate_and_its_failures() {
        let result = result(part(1, 1, 0), &[10, 20, 0, 40, 0]);
        assert_eq!(result.duration_us(), 2_500_000);
        assert!((result.rate() - 2.0).abs() < 1e-9 && (result.failed_percent() - 40.0).abs() < 1e-9);
        assert_eq!(result.stat("run", Stat::Max), Some(40_000.0));
        assert_eq!((result.parts()[0].runs, result.parts()[0].failed), (5, 2));
        assert_eq!(result.stat("login", Stat::Max), None);
    }

    #[test]
    fn merging_takes_the_time_from_the_first_start_to_the_last_end() {
        let mut all = result(part(2, 2, 300), &[10, 0]);
        all.merge(&result(part(1, 2, 0), &[20])).unwrap();
        assert_eq!((all.clients(), all.tally().runs, all.tally().failed()), (10, 3, 1));
        assert_eq!(all.duration_us(), 2_800_000);
        assert_eq!(all.parts().iter().map(|part| part.shard.index()).collect::<Vec<_>>(), [1, 2]);
        assert_eq!(all.tally().seconds[&0].runs, 3);
        // A shard that began two seconds later.
        all.merge(&result(part(2, 2, 2_100), &[20])).unwrap();
        assert_eq!(all.tally().seconds[&2].runs, 1);
        // And one that began a second earlier.
        all.merge(&result(part(2, 2, -900), &[20])).unwrap();
        assert_eq!(
            all.tally().seconds.iter().map(|(at, it)| (*at, it.runs)).collect::<Vec<_>>(),
            [(0, 1), (1, 3), (3, 1)]
        );
    }

    #[test]
    fn open_and_closed_loops_are_not_merged() {
        let mut closed = result(part(1, 2, 0), &[10]);
        let open = result(Part { target_rate: Some(10.0), ..part(2, 2, 0) }, &[10]);
        let before = closed.clone();
        assert!(closed.merge(&open).unwrap_err().contains("--rate"));
        assert_eq!(closed, before);
        assert_eq!((open.is_open(), open.target_rate(), closed.target_rate()), (true, Some(10.0), None));
    }

    #[test]
    fn measures_are_bounded() {
        let of = |names: std::ops::Range<u32>| {
            let mut tally = Tally::default();
            tally.measures.extend(names.map(|number| (number.to_string(), Measure::new())));
            LoadResult::of_run(part(1, 1, 0), tally)
        };
        let mut all = of(0..600);
        all.merge(&of(100..1024)).unwrap();
        let before = all.clone();
        assert_eq!(all.merge(&of(1024..1025)), Err("together there are more than 1024 measures"));
        assert!(all == before);
        all.merge(&of(1023..1024)).unwrap();
    }

    #[test]
    fn shares_of_a_rate_sum_up() {
        let share = |index| result(Part { target_rate: Some(100.0 / 3.0), ..part(index, 3, 0) }, &[]);
        let mut all = share(1);
        all.merge(&share(2)).unwrap();
        all.merge(&share(3)).unwrap();
        assert_eq!(all.target_rate(), Some(100.0));
    }

    #[test]
    fn what_does_not_fit_together_is_not_restored() {
        let good = result(part(1, 1, 0), &[10, 0]);
        let restored = LoadResult::restore(good.parts().to_vec(), good.tally().clone());
        assert_eq!(restored.as_ref(), Ok(&good));
        let broken = |part: Part| LoadResult::restore(vec![part], good.tally().clone()).unwrap_err();
        let part = good.parts()[0].clone();
        assert_eq!(broken(Part { runs: 1, ..part.clone() }), "the runs of its parts are not the runs of all");
        assert_eq!(broken(Part { failed: 2, ..part.clone() }), "the runs of its parts are not the runs of all");
        assert_eq!(LoadResult::restore(Vec::new(), Tally::default()), Err("there are no parts"));
        let nothing = Part { runs: 0, failed: 0, target_rate: Some(1.0), ..part.clone() };
        let mixed = LoadResult::restore(vec![part, nothing], good.tally().clone());
        assert_eq!(mixed, Err("some parts have a rate, and some have none"));
    }

    proptest! {
        /// The order of merging does not matter.
        #[test]
        fn merging_is_exact(
            runs in prop::collection::vec((1..5_u32, -5_000..5_000_i64, prop::collection::vec(0..50_u64, 0..30)), 3),
        ) {
            let [a, b, c] = [0, 1, 2].map(|at| result(part(runs[at].0, 5, runs[at].1), &runs[at].2));
            let merged = |all: &[&LoadResult]| {
                let mut sum = all[0].clone();
                all[1..].iter().for_each(|next| sum.merge(next).unwrap());
                sum
            };
            let wanted = merged(&[&a, &b, &c]);
            prop_assert_eq!(&wanted, &merged(&[&c, &b, &a]));
            prop_assert_eq!(&wanted, &merged(&[&b, &merged(&[&a, &c])]));
        }
    }
}
