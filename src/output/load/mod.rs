//! Results of load runs for people and programs: JSON, text, one HTML page, and a line while a run lasts.
//!
//! Owns the forms. What is in a result, and how results are merged, is in `load`. Opens no file.

mod json;
pub mod live;
mod page;
mod text;

pub use json::{from_json, to_json};
pub use page::to_html;
pub use text::summary;

/// A result for the tests of all forms.
#[cfg(test)]
pub(in crate::output) mod samples {
    use std::time::Duration;

    use crate::load::{LoadResult, Part, Shard, Tally};

    /// Shard `index` of 3: 200 runs in 2.5 s, some of them failed, one that took over a minute, and names that are hard to
    /// write.
    pub fn shard(index: u32, rate: Option<f64>) -> LoadResult {
        let mut tally = Tally { cut: 2, ..Tally::default() };
        for nth in 0..200 {
            let at = Duration::from_millis(12 * nth);
            match nth % 50 {
                7 => tally.fail(at, "connect to 127.0.0.1:9: connection refused"),
                9 => tally.fail(at, "<b>\"no\"</b> & </script>\n\u{1b}[31mred"),
                _ => tally.succeed(at, Duration::from_micros(900 + nth * 37), rate.map(|_| Duration::from_micros(800))),
            }
            tally.record("login", Duration::from_micros(100 + nth)).expect("a good name");
            tally.count("bytes", 4096).expect("a good name");
        }
        if rate.is_some() {
            (tally.late, tally.unstarted) = (5, 6);
        }
        tally.record("log\u{1b}in", Duration::from_secs(75)).expect("a good name");
        let start_us = 1_795_705_200_000_123 + i64::from(index) * 4_000;
        let part = Part {
            shard: Shard::new(index, 3).expect("one of three"),
            seed: 42,
            clients: 4,
            target_rate: rate,
            start_us,
            duration_us: 2_500_000,
            runs: 0,
            failed: 0,
        };
        LoadResult::of_run(part, tally)
    }

    /// Two shards of three.
    pub fn merged(rate: Option<f64>) -> LoadResult {
        let mut all = shard(1, rate);
        all.merge(&shard(3, rate)).expect("they fit");
        all
    }
}
