//! `Stamps`: the time of day before each line of output (`--timestamps`).
//!
//! Owns where lines begin. The time is that at which the first byte of a line came.

use std::time::SystemTime;

use crate::output::time_of_day::TimeOfDay;

/// Whether the next byte begins a line.
#[derive(Debug)]
pub struct Stamps {
    time: TimeOfDay,
    at_start: bool,
}

impl Default for Stamps {
    fn default() -> Self {
        Self { time: TimeOfDay::default(), at_start: true }
    }
}

impl Stamps {
    /// The bytes with the time before each line that begins in them.
    pub fn push(&mut self, wall: SystemTime, bytes: &[u8]) -> Vec<u8> {
        let mut stamp = None;
        let mut out = Vec::with_capacity(bytes.len() + 16);
        for line in bytes.split_inclusive(|byte| *byte == b'\n') {
            if self.at_start {
                let stamp = stamp.get_or_insert_with(|| format!("{} ", self.time.show(wall)));
                out.extend_from_slice(stamp.as_bytes());
            }
            out.extend_from_slice(line);
            self.at_start = line.ends_with(b"\n");
        }
        out
    }

    /// The time for a line that is typed.
    pub fn typed(&mut self, wall: SystemTime) -> String {
        format!("{} ", self.time.show(wall))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// With `#` for the time.
    fn stamped(pieces: &[&str]) -> String {
        let mut stamps = Stamps::default();
        let wall = SystemTime::UNIX_EPOCH;
        let time = stamps.typed(wall);
        let out: Vec<u8> = pieces.iter().flat_map(|piece| stamps.push(wall, piece.as_bytes())).collect();
        String::from_utf8(out).unwrap().replace(&time, "#")
    }

    #[test]
    fn each_line_begins_with_the_time_however_it_is_cut() {
        assert_eq!(stamped(&["a\nb\n\nc"]), "#a\n#b\n#\n#c");
        assert_eq!(stamped(&["a", "", "b\n", "\n", "c"]), "#ab\n#\n#c");
        assert_eq!(stamped(&[""]), "");
    }

    #[test]
    fn the_time_has_milliseconds() {
        let time = Stamps::default().typed(SystemTime::UNIX_EPOCH);
        let digits = |text: &str| text.chars().all(|letter| letter.is_ascii_digit());
        assert!(
            time.len() == 13 && digits(&time[..2]) && &time[2..3] == ":" && &time[8..9] == "." && digits(&time[9..12])
        );
    }
}
