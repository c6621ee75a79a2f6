//! `Measure`: how long something took, many times: a histogram, and the exact extremes and sum beside it.
//!
//! Owns the range and the precision of the histogram, and the statistics. Does not know what is measured.

use hdrhistogram::Histogram;

/// Shortest time that has a bucket of its own, in microseconds.
pub const LOWEST_US: u64 = 1;
/// Longest time that the histogram tells from longer ones, in microseconds.
pub const HIGHEST_US: u64 = 60_000_000;
/// Decimal digits that the histogram keeps of a time.
pub const DIGITS: u8 = 3;

/// Times of one thing. Equal if every count and every sum is.
#[derive(Clone, Debug, PartialEq)]
pub struct Measure {
    histogram: Histogram<u64>,
    min_us: u64,
    max_us: u64,
    sum_us: u64,
    /// Times above [`HIGHEST_US`]; the histogram holds them in its last bucket.
    above: u64,
}

/// What a file keeps of a measure.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Recorded {
    /// Non-empty buckets: the longest time of each in microseconds, and its count.
    pub buckets: Vec<(u64, u64)>,
    /// Shortest time.
    pub min_us: u64,
    /// Longest time.
    pub max_us: u64,
    /// All times together.
    pub sum_us: u64,
    /// Times above [`HIGHEST_US`].
    pub above: u64,
}

impl Measure {
    /// A measure without times.
    pub fn new() -> Self {
        let histogram = Histogram::new_with_bounds(LOWEST_US, HIGHEST_US, DIGITS).expect("the bounds are valid");
        Self { histogram, min_us: u64::MAX, max_us: 0, sum_us: 0, above: 0 }
    }

    /// Adds one time.
    pub fn record(&mut self, micros: u64) {
        self.histogram.saturating_record(micros.min(HIGHEST_US));
        self.above += u64::from(micros > HIGHEST_US);
        self.min_us = self.min_us.min(micros);
        self.max_us = self.max_us.max(micros);
        self.sum_us = self.sum_us.saturating_add(micros);
    }

    /// Adds all times of another measure.
    pub fn merge(&mut self, other: &Self) {
        self.histogram.add(&other.histogram).expect("all have the same bounds");
        self.above = self.above.saturating_add(other.above);
        self.min_us = self.min_us.min(other.min_us);
        self.max_us = self.max_us.max(other.max_us);
        self.sum_us = self.sum_us.saturating_add(other.sum_us);
    }

    /// Number of times.
    pub fn count(&self) -> u64 {
        self.histogram.len()
    }

    /// Number of times above [`HIGHEST_US`].
    pub fn above(&self) -> u64 {
        self.above
    }

    /// The measure that a file keeps, or why it cannot be one.
    pub fn restore(recorded: &Recorded) -> Result<Self, &'static str> {
        let mut measure = Self::new();
        let last = measure.histogram.highest_equivalent(HIGHEST_US);
        for &(value, count) in &recorded.buckets {
            if value > last {
                return Err("a bucket is above the range");
            }
            if count == 0 {
                return Err("a bucket is empty");
            }
            measure.histogram.saturating_record_n(value.min(HIGHEST_US), count);
        }
        let Recorded { min_us, max_us, sum_us, above, .. } = *recorded;
        let histogram = &measure.histogram;
        let is_in = |value: u64, bucket: u64| histogram.equivalent(value.min(HIGHEST_US), bucket.min(HIGHEST_US));
        if histogram.is_empty() {
            return Err("there are no times");
        }
        if !is_in(min_us, histogram.min()) || !is_in(max_us, histogram.max()) || min_us > max_us {
            return Err("min_us and max_us do not fit the histogram");
        }
        if above > histogram.count_at(HIGHEST_US) || (above > 0) != (max_us > HIGHEST_US) {
            return Err("the number of times above the range does not fit the histogram");
        }
        let count = u128::from(histogram.len());
        let sums = u128::from(min_us) * count..=u128::from(max_us) * count;
        if !sums.contains(&u128::from(sum_us)) {
            return Err("sum_us does not fit the histogram");
        }
        Ok(Self { min_us, max_us, sum_us, above, ..measure })
    }

    /// What a file keeps of it.
    pub fn recorded(&self) -> Recorded {
        let buckets = self.histogram.iter_recorded().map(|step| (step.value_iterated_to(), step.count_at_value()));
        Recorded {
            buckets: buckets.collect(),
            min_us: self.min_us,
            max_us: self.max_us,
            sum_us: self.sum_us,
            above: self.above,
        }
    }

    /// A statistic in microseconds; `None` without times. Percentiles are those of the histogram, so at most [`HIGHEST_US`].
    pub fn stat(&self, stat: Stat) -> Option<f64> {
        if self.count() == 0 {
            return None;
        }
        Some(match stat {
            Stat::Min => self.min_us as f64,
            Stat::Max => self.max_us as f64,
            Stat::Mean => self.sum_us as f64 / self.count() as f64,
            Stat::P50 | Stat::P90 | Stat::P95 | Stat::P99 | Stat::P999 => self.at_quantile(stat.quantile()) as f64,
        })
    }

    /// The time in microseconds that this part of all times does not exceed.
    pub fn at_quantile(&self, quantile: f64) -> u64 {
        self.histogram.value_at_quantile(quantile).min(self.max_us).min(HIGHEST_US)
    }

    /// Whether so many times are above the range that the histogram knows only a lower bound of this percentile.
    pub fn is_beyond(&self, stat: Stat) -> bool {
        stat.is_percentile() && self.above > 0 && self.at_quantile(stat.quantile()) == HIGHEST_US
    }
}

/// A statistic of a measure.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Stat {
    /// The shortest time.
    Min,
    /// The sum through the number.
    Mean,
    /// The median.
    P50,
    /// The 90th percentile.
    P90,
    /// The 95th percentile.
    P95,
    /// The 99th percentile.
    P99,
    /// The 99.9th percentile.
    P999,
    /// The longest time.
    Max,
}

impl Stat {
    /// All of them, in the order in which they are shown.
    pub const ALL: [Self; 8] =
        [Self::Min, Self::Mean, Self::P50, Self::P90, Self::P95, Self::P99, Self::P999, Self::Max];

    /// Its name in thresholds and for people.
    pub fn name(self) -> &'static str {
        match self {
            Self::Min => "min",
            Self::Mean => "mean",
            Self::P50 => "p50",
            Self::P90 => "p90",
            Self::P95 => "p95",
            Self::P99 => "p99",
            Self::P999 => "p99.9",
            Self::Max => "max",
        }
    }

    /// Its field in JSON, without the unit.
    pub fn field(self) -> &'static str {
        if self == Self::P999 { "p999" } else { self.name() }
    }

    /// Whether it comes from the histogram, which ends at [`HIGHEST_US`].
    pub fn is_percentile(self) -> bool {
        !matches!(self, Self::Min | Self::Mean | Self::Max)
    }

    fn quantile(self) -> f64 {
        match self {
            Self::Min => 0.0,
            Self::P50 | Self::Mean => 0.5,
            Self::P90 => 0.9,
            Self::P95 => 0.95,
            Self::P99 => 0.99,
            Self::P999 => 0.999,
            Self::Max => 1.0,
        }
    }
}

/// A time for people, with three digits: `812us`, `1.20ms`, `61.2ms`, `12.3s`.
pub fn shown_time(micros: f64) -> String {
    // The limits are where rounding to three digits reaches the next unit.
    let (value, unit) = match micros {
        _ if micros < 999.5 => (micros, "us"),
        _ if micros < 999_500.0 => (micros / 1e3, "ms"),
        _ => (micros / 1e6, "s"),
    };
    let decimals = match value {
        _ if unit == "us" && value.fract() == 0.0 => 0,
        _ if value < 9.995 => 2,
        _ if value < 99.95 => 1,
        _ => 0,
    };
    format!("{value:.decimals$}{unit}")
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn of(times: &[u64]) -> Measure {
        let mut measure = Measure::new();
        for time in times {
            measure.record(*time);
        }
        measure
    }

    #[test]
    fn percentiles_extremes_and_the_mean() {
        let measure = of(&(1..=1000).collect::<Vec<_>>());
        let wanted =
            [(Stat::Min, 1.0), (Stat::Mean, 500.5), (Stat::P50, 500.0), (Stat::P90, 900.0), (Stat::P95, 950.0)];
        for (stat, value) in wanted.into_iter().chain([(Stat::P99, 990.0), (Stat::P999, 999.0), (Stat::Max, 1000.0)]) {
            assert_eq!(measure.stat(stat), Some(value), "{}", stat.name());
        }
        assert_eq!(measure.count(), 1000);
        assert_eq!(of(&[]).stat(Stat::P50), None);
    }

    #[test]
    fn a_percentile_is_never_above_the_longest_time() {
        let measure = of(&[123_457]);
        for stat in Stat::ALL {
            assert_eq!(measure.stat(stat), Some(123_457.0), "{}", stat.name());
        }
    }

    #[test]
    fn times_above_the_range_are_counted_and_bound_the_percentiles() {
        let measure = of(&[10, HIGHEST_US, HIGHEST_US + 1, 90_000_000]);
        assert_eq!((measure.count(), measure.above()), (4, 2));
        assert_eq!(measure.stat(Stat::Max), Some(90_000_000.0));
        assert_eq!(measure.stat(Stat::P99), Some(HIGHEST_US as f64));
        assert!(measure.is_beyond(Stat::P99) && !measure.is_beyond(Stat::Max));
        assert!(!of(&[HIGHEST_US]).is_beyond(Stat::P99));
    }

    type Breaking = fn(&mut Recorded);

    #[test]
    fn what_does_not_fit_together_is_not_restored() {
        let good = of(&[1000, 2000, 70_000_000]).recorded();
        assert_eq!(Measure::restore(&good), Ok(of(&[1000, 2000, 70_000_000])));
        let broken: [(Breaking, &str); 9] = [
            (|it| it.buckets.push((61_000_000, 1)), "a bucket is above the range"),
            (|it| it.buckets[0].1 = 0, "a bucket is empty"),
            (|it| it.buckets.clear(), "there are no times"),
            (|it| it.min_us = 500, "min_us and max_us do not fit the histogram"),
            (|it| it.max_us = 500, "min_us and max_us do not fit the histogram"),
            (|it| it.above = 0, "the number of times above the range does not fit the histogram"),
            (|it| it.above = 2, "the number of times above the range does not fit the histogram"),
            (|it| it.sum_us = 100, "sum_us does not fit the histogram"),
            (|it| it.sum_us = u64::MAX, "sum_us does not fit the histogram"),
        ];
        for (breaking, fault) in broken {
            let mut recorded = good.clone();
            breaking(&mut recorded);
            assert_eq!(Measure::restore(&recorded), Err(fault), "{recorded:?}");
        }
    }

    #[test]
    fn times_are_shown_with_three_digits() {
        let cases = [
            (0.0, "0us"),
            (1.0, "1us"),
            (812.0, "812us"),
            (1.5, "1.50us"),
            (999.4, "999us"),
            (999.5, "1.00ms"),
            (1_000.0, "1.00ms"),
            (1_204.0, "1.20ms"),
            (9_996.0, "10.0ms"),
            (61_240.0, "61.2ms"),
            (999_499.0, "999ms"),
            (999_500.0, "1.00s"),
            (12_345_678.0, "12.3s"),
            (123_456_789.0, "123s"),
        ];
        for (micros, shown) in cases {
            assert_eq!(shown_time(micros), shown, "{micros}");
        }
    }

    proptest! {
        /// A file keeps everything, and merging is the same as recording everything in one measure.
        #[test]
        fn merging_and_restoring_are_exact(one in times(), other in times()) {
            let mut merged = of(&one);
            merged.merge(&of(&other));
            let all = of(&[one, other].concat());
            prop_assert_eq!(&merged, &all);
            prop_assert_eq!(Measure::restore(&all.recorded()).ok(), (all.count() > 0).then_some(all));
        }
    }

    fn times() -> impl Strategy<Value = Vec<u64>> {
        let time = prop_oneof![4 => 0..5_000_u64, 2 => 0..60_000_000_u64, 1 => 59_900_000..100_000_000_u64];
        prop::collection::vec(time, 0..50)
    }
}
