//! `Shard`: which part of a load run this process is, and what falls to it.
//!
//! Owns the division of clients and runs among shards, which loses and doubles nothing, and the seeds that follow from one.
//! Does not read the environment.

use std::fmt;

/// Shard `index` of `count`, counted from 1.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Shard {
    count: u32,
    index: u32,
}

impl Shard {
    /// A run that is not divided.
    pub const WHOLE: Self = Self { count: 1, index: 1 };
    /// Maximum number of shards.
    pub const MOST: u32 = 100_000;

    /// The shard, if `index` is from 1 to `count` and `count` is at most [`Self::MOST`].
    pub fn new(index: u32, count: u32) -> Option<Self> {
        (1..=count).contains(&index).then_some(Self { count, index }).filter(|_| count <= Self::MOST)
    }

    /// Its number, counted from 1.
    pub fn index(self) -> u32 {
        self.index
    }

    /// The number of shards.
    pub fn count(self) -> u32 {
        self.count
    }
}

impl Shard {
    /// How many of so many clients, or runs, are this shard's: all shards together have exactly `total`, and no two differ
    /// by more than one.
    pub fn share(self, total: u64) -> u64 {
        let (index, count) = (u64::from(self.index - 1), u64::from(self.count));
        total / count + u64::from(index < total % count)
    }

    /// The place of this shard's `nth` client or run among those of all shards, both counted from 0. The shards take turns.
    pub fn place(self, nth: u64) -> u64 {
        nth.saturating_mul(u64::from(self.count)).saturating_add(u64::from(self.index - 1))
    }

    /// The seed of this shard in a run with this seed, which a run that is not divided keeps.
    pub fn seed(self, seed: u64) -> u64 {
        if self.count == 1 { seed } else { seed ^ mixed(self.index.into()) }
    }

    /// The seed of a client (counted from 0) in a shard with this seed.
    pub fn client_seed(shard_seed: u64, client: u64) -> u64 {
        mixed(shard_seed.wrapping_add(client.wrapping_mul(STEP)))
    }
}

impl fmt::Display for Shard {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(formatter, "{}/{}", self.index, self.count)
    }
}

/// Distance of the states of `SplitMix64`.
const STEP: u64 = 0x9e37_79b9_7f4a_7c15;

/// The output of `SplitMix64` for a state: neighbours have nothing in common.
fn mixed(state: u64) -> u64 {
    let state = state.wrapping_add(STEP);
    let state = (state ^ (state >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    let state = (state ^ (state >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
    state ^ (state >> 31)
}

#[cfg(test)]
mod tests {
    use std::collections::HashSet;

    use proptest::prelude::*;

    use super::*;

    #[test]
    fn shards_are_counted_from_one() {
        assert_eq!(Shard::new(1, 1), Some(Shard::WHOLE));
        assert_eq!(Shard::new(4, 4).unwrap().to_string(), "4/4");
        for (index, count) in [(0, 4), (5, 4), (0, 0), (1, 0), (1, Shard::MOST + 1)] {
            assert_eq!(Shard::new(index, count), None, "{index}/{count}");
        }
    }

    #[test]
    fn ten_clients_on_four_shards() {
        let shares: Vec<_> = (1..=4).map(|index| Shard::new(index, 4).unwrap().share(10)).collect();
        assert_eq!(shares, [3, 3, 2, 2]);
        assert_eq!(Shard::new(3, 4).unwrap().share(2), 0);
        assert_eq!(Shard::WHOLE.share(10), 10);
    }

    #[test]
    fn seeds_differ_and_a_whole_run_keeps_its_own() {
        assert_eq!(Shard::WHOLE.seed(42), 42);
        // The first outputs of SplitMix64, whose state begins with 0.
        assert_eq!(mixed(0), 0xe220_a839_7b1d_cdaf);
        assert_eq!(mixed(STEP), 0x6e78_9e6a_a1b9_65f4);
        let mut seen = HashSet::new();
        for index in 1..=100 {
            let seed = Shard::new(index, 100).unwrap().seed(42);
            assert_eq!(seed, 0x2a ^ mixed(index.into()));
            seen.insert(seed);
            seen.extend((0..100).map(|client| Shard::client_seed(seed, client)));
        }
        assert_eq!(seen.len(), 100 * 101);
    }

    proptest! {
        #[test]
        fn every_client_has_one_shard(total in 0..5_000_u64, count in 1..40_u32) {
            let mut seen = Vec::new();
            for index in 1..=count {
                let shard = Shard::new(index, count).unwrap();
                seen.extend((0..shard.share(total)).map(|nth| shard.place(nth)));
            }
            seen.sort_unstable();
            prop_assert_eq!(seen, (0..total).collect::<Vec<_>>());
        }
    }
}
