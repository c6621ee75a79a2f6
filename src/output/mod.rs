//! Facts for people and programs: what happened, who hears of it, and how each of them writes it down.
//!
//! Owns the vocabulary (`notice`), the words on stderr (`console`), hex dumps, events as NDJSON, and text made safe for
//! a terminal. Does not decide anything, and leaves stdout to the driver.

pub mod console;
pub mod events;
pub mod hexdump;
pub mod notice;
pub mod terminal;

pub use notice::{Moment, Notice, Observer, Tap, Taps};
