//! Reports of `tcpx test`: the writers that say what became of each test.
//!
//! Owns the formats: text for people (`human`), TAP, JUnit and JSON; `docs/reports.md` is the contract of the last three. The
//! results and the trait `Reporter` are those of `verdicts`. Runs no tests and writes nothing itself: a reporter returns bytes,
//! and whoever runs the tests feeds results in the order of the source.

mod details;
pub mod diff;
pub mod human;
pub mod json;
pub mod junit;
pub mod tap;

pub(crate) use crate::verdicts::{
    Content, Cut, Ended, Failure, Kind, Outcome, Plan, Reporter, TestResult, Totals, Value, headline,
};

#[cfg(test)]
mod tests;
