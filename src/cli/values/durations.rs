//! Values that are times: `500ms`, `2s`, `1h30m`.
//!
//! Owns how times are written, which of them an option takes, and what is said of others.

use std::time::Duration;

use jiff::fmt::friendly::SpanParser;

use crate::error::{Error, Result};

/// Parses a DUR that may be 0.
pub(in crate::cli) fn duration_or_zero(option: &str, text: &str) -> Result<Duration> {
    let is_zero = text.starts_with('0') && seconds(text) == Some(0.0);
    if is_zero { Ok(Duration::ZERO) } else { duration(option, text) }
}

/// Parses a DUR: `500ms`, `2s`, `1.5m`, `1h30m`; a bare number is in seconds.
pub(in crate::cli) fn duration(option: &str, text: &str) -> Result<Duration> {
    let wrong = |what: &str| {
        let examples = format!("write a time such as {option} 500ms, {option} 2s, {option} 1.5m or {option} 1h30m");
        Err(Error::usage_hint(format!("{option} {text:?} is {what}"), examples))
    };
    match seconds(text) {
        None => wrong("not a time"),
        Some(seconds) if seconds < SHORTEST_SECONDS => wrong("too short: 1ms is the shortest time"),
        Some(seconds) if seconds > LONGEST_SECONDS => wrong("too long: 8760h is the longest time"),
        Some(seconds) => Ok(Duration::from_secs_f64(seconds)),
    }
}

/// Seconds of a time; a bare number is in seconds. `None` if it is no time.
fn seconds(text: &str) -> Option<f64> {
    let (number, unit) = text.split_at(text.find(|c: char| !c.is_ascii_digit() && c != '.').unwrap_or(text.len()));
    let scale = match unit {
        "ms" => 0.001,
        "" | "s" => 1.0,
        "m" => 60.0,
        "h" => 3600.0,
        _ => return seconds_of_units(text),
    };
    number.parse::<f64>().ok().map(|number| number * scale)
}

/// Seconds of a time in one or several units, the largest first: `1h30m`.
fn seconds_of_units(text: &str) -> Option<f64> {
    let is_plain = text.starts_with(|c: char| c.is_ascii_digit())
        && text.chars().all(|c| c.is_ascii_digit() || c.is_ascii_lowercase() || c == '.')
        && !text.ends_with("ago");
    let time = is_plain.then(|| SpanParser::new().parse_duration(text).ok())??;
    Some(time.as_secs_f64())
}

/// Minimum duration, in seconds: the clock of the loop has no shorter steps.
const SHORTEST_SECONDS: f64 = 0.001;
/// Maximum duration: a year. Longer ones are typing errors, and the sum with any clock stays in range.
const LONGEST_SECONDS: f64 = 8760.0 * 3600.0;

#[cfg(test)]
mod tests {
    use super::*;

    fn said(result: Result<Duration>) -> String {
        let error = result.expect_err("an error");
        assert_eq!(error.exit().code(), 2);
        format!("{error} | {}", error.hint().unwrap_or_default())
    }

    #[test]
    fn zero_is_a_value_of_some_options() {
        for text in ["0", "0s", "0ms", "0.0", "00m", "0h0m"] {
            assert_eq!(duration_or_zero("--eof-wait", text).unwrap(), Duration::ZERO, "{text}");
        }
        for text in ["", "-0", "0x", "0.0001", "s", "0 s", ".0"] {
            assert!(duration_or_zero("--eof-wait", text).is_err(), "{text}");
        }
        assert_eq!(duration_or_zero("--eof-wait", "20ms").unwrap(), Duration::from_millis(20));
    }

    #[test]
    fn durations_have_units_and_seconds_by_default() {
        let cases = [
            ("500ms", 500),
            ("2s", 2_000),
            ("2", 2_000),
            ("1.5m", 90_000),
            ("1h", 3_600_000),
            ("0.25", 250),
            (".5s", 500),
            ("1ms", 1),
            ("1h30m", 5_400_000),
            ("1m0.5s", 60_500),
            ("8760h", 31_536_000_000),
        ];
        for (text, millis) in cases {
            assert_eq!(duration("-w", text).unwrap(), Duration::from_millis(millis), "{text}");
        }
    }

    #[test]
    fn an_invalid_duration_is_answered_with_examples() {
        let hint = "write a time such as -w 500ms, -w 2s, -w 1.5m or -w 1h30m";
        for text in [
            "", "-1", "+1", "nan", "inf", "1e3", "2 s", "2S", "s", ".", "1.2.3", "ms", "1d", "2ss", "30m1h", "1h30",
            "\u{661}",
        ] {
            assert_eq!(said(duration("-w", text)), format!("-w {text:?} is not a time | {hint}"));
        }
        for text in ["0", "0s", "0.0", "0.5ms"] {
            let message = format!("-w {text:?} is too short: 1ms is the shortest time | {hint}");
            assert_eq!(said(duration("-w", text)), message);
        }
        for text in ["8761h", "8760h1s", "99999999999999999999999", &"9".repeat(400)] {
            let message = format!("-w {text:?} is too long: 8760h is the longest time | {hint}");
            assert_eq!(said(duration("-w", text)), message);
        }
    }

    #[test]
    fn times_have_units() {
        for (text, expected) in [
            ("2", 2.0),
            ("2s", 2.0),
            ("250ms", 0.25),
            (".5s", 0.5),
            ("1.5m", 90.0),
            ("1h30m", 5_400.0),
            ("1h30m5s", 5_405.0),
            ("2m5.5s", 125.5),
            ("1m500ms", 60.5),
            ("1s250ms", 1.25),
            ("0h0m", 0.0),
            ("1hour30min", 5_400.0),
        ] {
            assert_eq!(seconds(text), Some(expected), "{text}");
        }
    }

    #[test]
    fn what_is_no_time_is_refused() {
        for text in [
            "",
            "s",
            "-1",
            "+1h",
            "1h 30m",
            "30m1h",
            "1h30",
            "1d",
            "1h30m ago",
            "1h30mago",
            "1hago",
            "2S",
            "1h1h",
            "1h-1m",
            "1..5m",
            "1:30:00",
            "PT1H",
            "1.5h30m",
            "nan",
            "inf",
            "1e3",
            "0x10s",
            "\u{661}s",
        ] {
            assert_eq!(seconds(text), None, "{text}");
        }
    }
}
