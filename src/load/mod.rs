//! Results of load runs: what one loop counts, how results are merged, how load is divided among shards, thresholds.
//!
//! Owns data and arithmetic: merging is exact, whatever the order. Reads no clock and no files, and starts nothing: times are
//! arguments, and the forms for people and programs are in `output::load`.

mod coverage;
mod measure;
mod result;
pub mod schedule;
mod shard;
pub mod tally;
mod threshold;

pub use coverage::Coverage;
pub use measure::{DIGITS, HIGHEST_US, LOWEST_US, Measure, Recorded, Stat, shown_time};
pub use result::{LoadResult, MAX_MEASURES, Part};
pub use shard::Shard;
pub use tally::{LARGEST_COUNT, RUN, Second, Tally};
pub use threshold::Threshold;
