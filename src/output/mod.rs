//! Output for people and programs: notices, and the observers that write them.
//!
//! Owns the vocabulary (`notice`), messages on stderr (`console`), hex dumps, events as NDJSON, and the sanitizer for
//! terminals. Decides nothing, and leaves stdout to the driver.

pub mod console;
pub mod events;
pub mod hexdump;
pub mod notice;
pub mod terminal;

pub use notice::{Moment, Notice, Observer, Tap, Taps};
