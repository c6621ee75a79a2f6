//! Output for people and programs: notices, and the observers that write them.
//!
//! Owns the vocabulary (`notice`), messages on stderr (`console`; in the words of other tools: `nc`, `ncat`, `proxied`) those that wait for it (`backlog`), what several loops say once (`told`), hex dumps, files with both directions (`copies`), events
//! as NDJSON, JSON strings (`json`), results of load runs (`load`), reports of tests, the sanitizer for terminals and what a
//! terminal shows (`screen`). Decides nothing, and leaves stdout to the driver.

pub mod backlog;
pub mod console;
pub mod copies;
pub mod events;
pub mod hexdump;
pub mod json;
pub mod load;
pub mod nc;
pub mod ncat;
pub mod notice;
pub mod ports;
pub mod progress;
mod proxied;
pub mod report;
pub mod screen;
pub mod stamps;
pub mod terminal;
pub mod time_of_day;
pub mod told;

pub use notice::{Moment, Notice, Observer, Tap, Taps, Totals};
