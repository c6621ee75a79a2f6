//! `TimeOfDay`: local time as people read it.
//!
//! Owns the time zone, which is read once.

use std::time::SystemTime;

use jiff::Timestamp;
use jiff::tz::TimeZone;

/// The time zone of the system, once it was asked for.
#[derive(Debug, Default)]
pub struct TimeOfDay(Option<TimeZone>);

impl TimeOfDay {
    /// Local time as `HH:MM:SS.mmm`.
    pub fn show(&mut self, wall: SystemTime) -> String {
        let zone = self.0.get_or_insert_with(TimeZone::system).clone();
        // Jiff's timestamps end in the year 9999; a later clock shows the epoch.
        let time = Timestamp::try_from(wall).unwrap_or_default().to_zoned_datetime(zone);
        time.strftime("%H:%M:%S.%3f").to_string()
    }
}
