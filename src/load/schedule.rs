//! `Schedule`: when each run of a load with a rate is due; `Ramp`: when each client begins.
//!
//! Owns the arithmetic: times follow from the start and the number of a run, so that no delay adds up. Does not wait, and
//! reads no clock.

use std::time::Duration;

use super::Shard;

/// Runs in a time, of all clients and shards together: `10/s`, `600/m`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Rate {
    /// Millionths of runs in the time.
    micro_runs: u64,
    /// The time in seconds.
    seconds: u32,
}

impl Rate {
    /// Maximum runs in a second.
    pub const MOST: f64 = 10_000_000.0;

    /// So many runs in so many seconds; not below one in 1000 hours, and not above [`Self::MOST`] in a second.
    pub fn new(runs: f64, seconds: u32) -> Option<Self> {
        let is_valid =
            seconds > 0 && runs >= f64::from(seconds) / 3_600_000.0 && runs <= f64::from(seconds) * Self::MOST;
        let micro_runs = (runs * 1e6).round();
        (is_valid && micro_runs >= 1.0).then_some(Self { micro_runs: micro_runs as u64, seconds })
    }

    /// Runs in a second.
    pub fn per_second(self) -> f64 {
        self.micro_runs as f64 / 1e6 / f64::from(self.seconds)
    }

    /// The time in which this many runs are due.
    fn time_of(self, runs: u64) -> Duration {
        let nanos =
            u128::from(runs) * u128::from(self.seconds) * 1_000_000_000 * 1_000_000 / u128::from(self.micro_runs);
        let seconds = u64::try_from(nanos / 1_000_000_000).unwrap_or(u64::MAX);
        Duration::new(seconds, (nanos % 1_000_000_000) as u32)
    }
}

/// The times at which the runs of one shard are due.
#[derive(Clone, Copy, Debug)]
pub struct Schedule {
    rate: Rate,
    ramp: Duration,
    shard: Shard,
}

impl Schedule {
    /// The runs of a shard; within `ramp` the rate grows evenly from nothing to `rate`.
    pub fn new(rate: Rate, ramp: Duration, shard: Shard) -> Self {
        Self { rate, ramp, shard }
    }

    /// When this shard's `nth` run (counted from 0) is due, counted from the start. Never earlier than the one before.
    pub fn due(&self, nth: u64) -> Duration {
        let place = self.shard.place(nth);
        if self.ramp.is_zero() {
            return self.rate.time_of(place);
        }
        // At time t of the ramp, rate × t² / (2 × ramp) runs are due; half of the runs that the full rate would give.
        let (ramp, per_second) = (self.ramp.as_secs_f64(), self.rate.per_second());
        let of_ramp = per_second * ramp / 2.0;
        if (place as f64) < of_ramp {
            return Duration::from_secs_f64((2.0 * ramp * place as f64 / per_second).sqrt());
        }
        self.rate.time_of(place).saturating_add(self.ramp / 2)
    }

    /// How many of this shard's runs are due before this time, counted from the start.
    pub fn due_before(&self, time: Duration) -> u64 {
        let (mut low, mut high) = (0, 1);
        while high < u64::MAX / 2 && self.due(high) < time {
            (low, high) = (high, high * 2);
        }
        // Due before the time: all below `low`; not all below `high`.
        while low < high {
            let middle = low + (high - low) / 2;
            if self.due(middle) < time {
                low = middle + 1;
            } else {
                high = middle;
            }
        }
        low
    }
}

/// When clients begin that run as fast as they can.
#[derive(Clone, Copy, Debug)]
pub struct Ramp {
    time: Duration,
    clients: u64,
    shard: Shard,
}

impl Ramp {
    /// `clients` of all shards together begin one after the other within `time`.
    pub fn new(time: Duration, clients: u64, shard: Shard) -> Self {
        Self { time, clients, shard }
    }

    /// When this shard's `nth` client (counted from 0) begins, counted from the start.
    pub fn begin(&self, nth: u64) -> Duration {
        let place = u128::from(self.shard.place(nth));
        let nanos = self.time.as_nanos() * place / u128::from(self.clients.max(1));
        Duration::from_nanos(u64::try_from(nanos).unwrap_or(u64::MAX))
    }
}

/// When a run begins, so that several begin together.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum StartAt {
    /// At this time, in microseconds since 1970.
    Wall(i64),
    /// This long after the process has started.
    After(Duration),
}

impl StartAt {
    /// How long to wait at this time (in microseconds since 1970); the error says how long ago the start was.
    pub fn wait(self, now_us: i64) -> Result<Duration, Duration> {
        match self {
            Self::After(time) => Ok(time),
            Self::Wall(at) => {
                let time = Duration::from_micros(at.abs_diff(now_us));
                if at >= now_us { Ok(time) } else { Err(time) }
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn shard(index: u32, count: u32) -> Shard {
        Shard::new(index, count).unwrap()
    }

    #[test]
    fn runs_are_due_at_even_distances() {
        let schedule = Schedule::new(Rate::new(600.0, 60).unwrap(), Duration::ZERO, Shard::WHOLE);
        for nth in [0, 1, 7, 1_000_000] {
            assert_eq!(schedule.due(nth), Duration::from_millis(100) * nth as u32, "{nth}");
        }
        // A third of a second has no exact number of nanoseconds, and nothing adds up.
        let thirds = Schedule::new(Rate::new(3.0, 1).unwrap(), Duration::ZERO, Shard::WHOLE);
        assert_eq!(thirds.due(1), Duration::from_nanos(333_333_333));
        assert_eq!(thirds.due(3_000_000_000), Duration::from_secs(1_000_000_000));
        assert_eq!(thirds.due(u64::MAX).as_secs(), u64::MAX / 3);
    }

    #[test]
    fn a_ramp_gives_half_of_the_runs() {
        let schedule = Schedule::new(Rate::new(10.0, 1).unwrap(), Duration::from_secs(10), Shard::WHOLE);
        assert_eq!(schedule.due(0), Duration::ZERO);
        assert_eq!(schedule.due_before(Duration::from_secs(10)), 50);
        assert_eq!(schedule.due(50), Duration::from_secs(10));
        assert_eq!(schedule.due(60), Duration::from_secs(11));
        let early = schedule.due_before(Duration::from_secs(5));
        assert!((12..=13).contains(&early), "{early}");
    }

    #[test]
    fn clients_begin_one_after_the_other() {
        let ramp = Ramp::new(Duration::from_secs(10), 5, Shard::WHOLE);
        let begins: Vec<_> = (0..5).map(|nth| ramp.begin(nth).as_secs()).collect();
        assert_eq!(begins, [0, 2, 4, 6, 8]);
        let second = Ramp::new(Duration::from_secs(10), 5, shard(2, 2));
        assert_eq!([second.begin(0).as_secs(), second.begin(1).as_secs()], [2, 6]);
        assert_eq!(Ramp::new(Duration::ZERO, 5, Shard::WHOLE).begin(4), Duration::ZERO);
    }

    #[test]
    fn rates_have_bounds() {
        for (runs, seconds) in [(1.0, 3600), (0.5, 1), (10_000_000.0, 1), (2.5, 60)] {
            let rate = Rate::new(runs, seconds).unwrap();
            assert!((rate.per_second() - runs / f64::from(seconds)).abs() < 1e-9, "{runs}/{seconds}");
        }
        for (runs, seconds) in [(0.0, 1), (-1.0, 1), (10_000_001.0, 1), (1e-9, 1), (f64::NAN, 1), (f64::INFINITY, 1)] {
            assert_eq!(Rate::new(runs, seconds), None, "{runs}/{seconds}");
        }
    }

    #[test]
    fn a_start_is_waited_for() {
        assert_eq!(StartAt::After(Duration::from_secs(10)).wait(77), Ok(Duration::from_secs(10)));
        assert_eq!(StartAt::Wall(1_500_000).wait(1_000_000), Ok(Duration::from_millis(500)));
        assert_eq!(StartAt::Wall(1_000_000).wait(1_000_000), Ok(Duration::ZERO));
        assert_eq!(StartAt::Wall(1_000_000).wait(1_500_000), Err(Duration::from_millis(500)));
    }

    proptest! {
        /// Whatever the number of shards, the same runs are due at the same times.
        #[test]
        fn shards_share_one_schedule(runs in 1..5_000_u32, seconds in 1..100_u32, ramp in 0..5_u64, count in 1..9_u32) {
            let rate = Rate::new(runs.into(), seconds).unwrap();
            let ramp = Duration::from_secs(ramp);
            let whole = Schedule::new(rate, ramp, Shard::WHOLE);
            let wanted: Vec<_> = (0..60).map(|nth| whole.due(nth)).collect();
            prop_assert!(wanted.is_sorted());
            let shards: Vec<_> = (1..=count).map(|index| Schedule::new(rate, ramp, shard(index, count))).collect();
            let found: Vec<_> =
                (0..60).map(|nth| shards[nth % count as usize].due(nth as u64 / u64::from(count))).collect();
            prop_assert_eq!(&wanted, &found);
            let before: u64 = shards.iter().map(|it| it.due_before(wanted[59])).sum();
            prop_assert_eq!(before, whole.due_before(wanted[59]));
            prop_assert_eq!(before, wanted.iter().filter(|due| **due < wanted[59]).count() as u64);
        }
    }
}
