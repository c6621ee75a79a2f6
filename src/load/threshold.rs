//! `Threshold`: one condition of `--fail-if`, such as `p99 > 50ms`.
//!
//! Owns the syntax and the messages. A condition that is met is a failure; so is one about times that nobody has measured,
//! because a threshold that looks at nothing must not pass.

use std::fmt;

use super::{HIGHEST_US, LoadResult, RUN, Stat, shown_time};
use crate::codec::escape::show_line;

/// A condition under which a result counts as failed.
#[derive(Clone, Debug, PartialEq)]
pub struct Threshold {
    /// As it was written.
    text: String,
    subject: Subject,
    comparison: Comparison,
    limit: f64,
}

/// What is compared, and the unit of its limit.
#[derive(Clone, Debug, PartialEq)]
enum Subject {
    /// A statistic of a measure, in microseconds.
    Time(String, Stat),
    /// A counter of the run.
    Counter(Counter),
    /// Failures in percent of all runs.
    FailedPercent,
    /// Runs in a second.
    Rate,
    /// Times of a measure, or a count.
    Count(String),
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Counter {
    Failures,
    Runs,
    Cut,
    Late,
    Unstarted,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Comparison {
    Below,
    AtMost,
    Above,
    AtLeast,
    Equal,
}

/// Why a text is no condition: what is wrong, and what to write.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Fault {
    /// What is wrong.
    pub message: String,
    /// What to write instead.
    pub hint: String,
}

type Parsed<T> = Result<T, Fault>;

fn fault<T>(message: impl Into<String>, hint: impl Into<String>) -> Parsed<T> {
    Err(Fault { message: message.into(), hint: hint.into() })
}

const EXAMPLE: &str = "write a condition, as in --fail-if 'p99 > 50ms'";
const SUBJECTS: &str = "what can be compared: p50 p90 p95 p99 p99.9 max min mean, NAME.p99 for a measure, failures, rate, runs, \
                        cut, late, unstarted, NAME.count";

impl Threshold {
    /// Parses a condition.
    pub fn parse(text: &str) -> Parsed<Self> {
        let is_sign = |letter: char| "<>=!".contains(letter);
        let Some(at) = text.find(is_sign) else {
            let hint = format!("{EXAMPLE}; the quotes keep > from the shell");
            return fault("there is no comparison", hint);
        };
        let signs = text[at..].find(|letter| !is_sign(letter)).map_or(text.len(), |length| at + length);
        let comparison = match &text[at..signs] {
            "<" => Comparison::Below,
            "<=" => Comparison::AtMost,
            ">" => Comparison::Above,
            ">=" => Comparison::AtLeast,
            "==" => Comparison::Equal,
            other => return fault(format!("{other} compares nothing"), "write one of < <= > >= =="),
        };
        let (name, value) = (text[..at].trim(), text[signs..].trim());
        let subject = Subject::parse(name)?;
        if value.is_empty() {
            return fault(format!("nothing stands after {}", &text[at..signs]), EXAMPLE);
        }
        let (subject, limit) = subject.limit(value)?;
        Ok(Self { text: text.trim().to_owned(), subject, comparison, limit })
    }

    /// Whether it says how many runs may fail.
    pub fn is_about_failures(&self) -> bool {
        matches!(self.subject, Subject::Counter(Counter::Failures) | Subject::FailedPercent)
    }

    /// Whether it says how many runs are to end, or may be cut.
    pub fn is_about_ends(&self) -> bool {
        matches!(self.subject, Subject::Counter(Counter::Runs | Counter::Cut))
    }

    /// Why this result fails, or `None` if it does not.
    pub fn violation(&self, result: &LoadResult) -> Option<String> {
        let tally = result.tally();
        let (value, shown) = match &self.subject {
            Subject::Time(name, stat) => match result.stat(name, *stat) {
                None if name == RUN => return Some(format!("{self}: no run has succeeded")),
                None => return Some(format!("{self}: nothing was measured as \"{}\"", show_line(name))),
                Some(value) => {
                    let prefix = if tally.measures[name].is_beyond(*stat) { "at least " } else { "" };
                    (value, format!("{prefix}{}", shown_time(value)))
                }
            },
            Subject::Counter(counter) => {
                let value = match counter {
                    Counter::Failures => tally.failed(),
                    Counter::Runs => tally.runs,
                    Counter::Cut => tally.cut,
                    Counter::Late => tally.late,
                    Counter::Unstarted => tally.unstarted,
                };
                (value as f64, value.to_string())
            }
            Subject::FailedPercent => {
                let percent = result.failed_percent();
                (percent, format!("{percent:.2}% ({} of {})", tally.failed(), tally.runs))
            }
            Subject::Rate => (result.rate(), format!("{:.1}/s", result.rate())),
            Subject::Count(name) => {
                let measured = tally.measures.get(name).map(super::Measure::count);
                let value = tally.counts.get(name).copied().or(measured).unwrap_or_default();
                (value as f64, value.to_string())
            }
        };
        self.comparison.holds(value, self.limit).then(|| format!("{self}: it is {shown}"))
    }
}

impl fmt::Display for Threshold {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(formatter, "--fail-if '{}'", show_line(&self.text))
    }
}

impl Subject {
    fn parse(name: &str) -> Parsed<Self> {
        let counter = match name {
            "failures" => Counter::Failures,
            "runs" => Counter::Runs,
            "cut" => Counter::Cut,
            "late" => Counter::Late,
            "unstarted" => Counter::Unstarted,
            "rate" => return Ok(Self::Rate),
            "" => return fault("nothing stands before the comparison", EXAMPLE),
            _ => return Self::of_measure(name),
        };
        Ok(Self::Counter(counter))
    }

    fn of_measure(name: &str) -> Parsed<Self> {
        // The longer names first: p99.9 ends like a measure p99 with the statistic 9.
        for stat in [Stat::P999].into_iter().chain(Stat::ALL) {
            if name == stat.name() {
                return Ok(Self::Time(RUN.to_owned(), stat));
            }
            let measure = name.strip_suffix(stat.name()).and_then(|rest| rest.strip_suffix('.'));
            if let Some(measure) = measure.filter(|measure| !measure.is_empty()) {
                return Ok(Self::Time(measure.to_owned(), stat));
            }
        }
        match name.strip_suffix(".count") {
            Some(name) if !name.is_empty() => Ok(Self::Count(name.to_owned())),
            _ => fault(format!("\"{}\" is nothing that can be compared", show_line(name)), SUBJECTS),
        }
    }

    /// The limit in the unit of the subject, which may depend on how it is written.
    fn limit(self, value: &str) -> Parsed<(Self, f64)> {
        let end = value.find(|letter: char| !letter.is_ascii_digit() && letter != '.').unwrap_or(value.len());
        let (digits, unit) = (&value[..end], value[end..].trim());
        let shown = show_line(value);
        let number = match digits.parse::<f64>() {
            Ok(number) if number.is_finite() => number,
            _ => return fault(format!("\"{shown}\" is not a number"), EXAMPLE),
        };
        let is_whole = number.fract() == 0.0;
        match (&self, unit) {
            (Self::Time(..), "") => fault(format!("\"{shown}\" has no unit"), UNITS),
            (Self::Time(_, stat), _) => {
                let Some(micros) = micros(value) else {
                    return fault(format!("\"{shown}\" is not a time"), UNITS);
                };
                if stat.is_percentile() && micros > HIGHEST_US as f64 {
                    let hint = "percentiles end at 60s; max and mean do not";
                    return fault(format!("no percentile is above {shown}"), hint);
                }
                Ok((self, micros))
            }
            (Self::Counter(Counter::Failures), "%") if number <= 100.0 => Ok((Self::FailedPercent, number)),
            (Self::Counter(Counter::Failures), "%") => {
                fault(format!("\"{shown}\" is more than all runs"), "write a part from 0% to 100%")
            }
            (Self::Counter(_) | Self::Count(_), "") if is_whole => Ok((self, number)),
            (Self::Counter(Counter::Failures), _) => {
                fault(format!("\"{shown}\" is not a number of runs"), "write a number or a part, as in failures > 1%")
            }
            (Self::Counter(_) | Self::Count(_), _) => {
                fault(format!("\"{shown}\" is not a whole number"), "write a number, as in runs < 1000")
            }
            (Self::Rate, "" | "/s") => Ok((self, number)),
            (Self::Rate, "/m") => Ok((self, number / 60.0)),
            (Self::Rate, _) => {
                fault(format!("\"{shown}\" is not a rate"), "write runs a second, as in rate < 1000 or rate < 1000/s")
            }
            (Self::FailedPercent, _) => unreachable!("it comes from the limit"),
        }
    }
}

impl Comparison {
    fn holds(self, value: f64, limit: f64) -> bool {
        match self {
            Self::Below => value < limit,
            Self::AtMost => value <= limit,
            Self::Above => value > limit,
            Self::AtLeast => value >= limit,
            // Both are computed from whole numbers; a difference below a millionth is that of rounding.
            Self::Equal => (value - limit).abs() <= 1e-6 * limit.abs().max(1e-3),
        }
    }
}

/// Microseconds of a time: numbers with units, each unit smaller than the one before, as in `1m30s`. None if it is no time.
fn micros(text: &str) -> Option<f64> {
    let (mut rest, mut sum, mut last) = (text, 0.0, f64::INFINITY);
    while !rest.is_empty() {
        let end = rest.find(|letter: char| !letter.is_ascii_digit() && letter != '.')?;
        let number: f64 = rest[..end].parse().ok()?;
        let after = rest[end..].trim_start();
        let unit = after.split(|letter: char| letter.is_ascii_digit()).next().unwrap_or(after);
        let scale = match unit.trim_end() {
            "h" => 3600e6,
            "m" => 60e6,
            "s" => 1e6,
            "ms" => 1e3,
            "us" | "\u{b5}s" | "\u{3bc}s" => 1.0,
            _ => return None,
        };
        if scale >= last {
            return None;
        }
        (sum, last) = (sum + number * scale, scale);
        rest = &after[unit.len()..];
    }
    sum.is_finite().then_some(sum)
}

/// What to write where a time is wanted.
const UNITS: &str = "write a time with us, ms, s, m or h, as in 50ms or 1m30s";

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;
    use crate::load::Tally;
    use crate::load::result::tests::part;

    /// 100 runs in 2.5 s of 1 to 100 ms, of which 3 more failed, and a few times and counts.
    fn result() -> LoadResult {
        let mut tally = Tally { cut: 4, late: 5, unstarted: 6, ..Tally::default() };
        for time in 1..=97 {
            tally.succeed(Duration::from_secs(1), Duration::from_millis(time), None);
        }
        for _ in 0..3 {
            tally.fail(Duration::from_secs(1), "connection refused");
        }
        tally.record("log.in", Duration::from_micros(250)).unwrap();
        tally.record("slow", Duration::from_secs(90)).unwrap();
        tally.count("bytes", 4096).unwrap();
        LoadResult::of_run(part(1, 1, 0), tally)
    }

    #[test]
    fn conditions_are_compared_with_the_result() {
        let cases = [
            ("p50 > 48.9ms", Some("it is 49.0ms")),
            ("p50>49.5ms", None),
            ("p99 >= 97000us", Some("it is 97.0ms")),
            ("p99.9 < 1s", Some("it is 97.0ms")),
            ("max > 97ms", None),
            ("max >= 97ms", Some("it is 97.0ms")),
            ("max == 0.097s", Some("it is 97.0ms")),
            ("min < 1ms", None),
            ("mean <= 49ms", Some("it is 49.0ms")),
            ("log.in.p99.9 > 200us", Some("it is 250us")),
            ("log.in.max > 250 \u{b5}s", None),
            ("slow.p50 > 1s", Some("it is at least 60.0s")),
            ("slow.max > 80s", Some("it is 90.0s")),
            ("login.p99 > 1s", Some("nothing was measured as \"login\"")),
            ("failures > 0", Some("it is 3")),
            ("failures > 3", None),
            ("failures > 2.5%", Some("it is 3.00% (3 of 100)")),
            ("failures > 3%", None),
            ("failures == 3%", Some("it is 3.00% (3 of 100)")),
            ("rate < 41", Some("it is 40.0/s")),
            ("rate < 40/s", None),
            ("rate == 2400/m", Some("it is 40.0/s")),
            ("runs < 101", Some("it is 100")),
            ("cut == 4", Some("it is 4")),
            ("late > 4", Some("it is 5")),
            ("unstarted > 6", None),
            ("bytes.count < 5000", Some("it is 4096")),
            ("log.in.count == 1", Some("it is 1")),
            ("errors.count > 0", None),
        ];
        for (text, wanted) in cases {
            let threshold = Threshold::parse(text).unwrap();
            let wanted = wanted.map(|reason| format!("--fail-if '{text}': {reason}"));
            assert_eq!(threshold.violation(&result()), wanted, "{text}");
        }
    }

    #[test]
    fn times_of_no_run_fail() {
        let nothing = LoadResult::of_run(part(1, 1, 0), Tally::default());
        let violation = |text| Threshold::parse(text).unwrap().violation(&nothing);
        assert_eq!(violation("p99 > 50ms").unwrap(), "--fail-if 'p99 > 50ms': no run has succeeded");
        assert_eq!(violation("failures > 0%"), None);
        assert_eq!(violation("runs < 1").unwrap(), "--fail-if 'runs < 1': it is 0");
    }

    #[test]
    fn times_have_the_units_of_other_times() {
        for (text, expected) in [
            ("50ms", Some(50e3)),
            ("1.5s", Some(1.5e6)),
            ("1m", Some(60e6)),
            ("1h30m", Some(5400e6)),
            ("1m30s500ms", Some(90.5e6)),
            ("7 ms", Some(7e3)),
            ("3\u{b5}s", Some(3.0)),
            ("30s1m", None),
            ("1s1s", None),
            ("1m30", None),
            ("m", None),
            ("1x", None),
            ("1..2s", None),
        ] {
            assert_eq!(micros(text), expected, "{text}");
        }
        assert!(Threshold::parse("max > 1h30m").is_ok() && Threshold::parse("p99 > 1m").is_ok());
        assert!(Threshold::parse("p99 > 1m1s").is_err());
    }

    #[test]
    fn what_is_no_condition_is_answered() {
        let quotes = "write a condition, as in --fail-if 'p99 > 50ms'; the quotes keep > from the shell";
        let cases = [
            ("", "there is no comparison", quotes),
            ("p99", "there is no comparison", quotes),
            ("p99 = 5ms", "= compares nothing", "write one of < <= > >= =="),
            ("p99 => 5ms", "=> compares nothing", "write one of < <= > >= =="),
            ("runs != 1", "!= compares nothing", "write one of < <= > >= =="),
            ("> 5ms", "nothing stands before the comparison", EXAMPLE),
            ("p99 >", "nothing stands after >", EXAMPLE),
            ("p99 > 50", "\"50\" has no unit", UNITS),
            ("p99 > 50x", "\"50x\" is not a time", UNITS),
            ("p99 > fast", "\"fast\" is not a number", EXAMPLE),
            ("p99 > -5ms", "\"-5ms\" is not a number", EXAMPLE),
            ("p99 > 1.2.3ms", "\"1.2.3ms\" is not a number", EXAMPLE),
            ("p99 > 61s", "no percentile is above 61s", "percentiles end at 60s; max and mean do not"),
            ("p75 > 5ms", "\"p75\" is nothing that can be compared", SUBJECTS),
            (".p99 > 5ms", "\".p99\" is nothing that can be compared", SUBJECTS),
            ("login > 5ms", "\"login\" is nothing that can be compared", SUBJECTS),
            ("failures > 101%", "\"101%\" is more than all runs", "write a part from 0% to 100%"),
            ("failures > 1.5", "\"1.5\" is not a number of runs", "write a number or a part, as in failures > 1%"),
            ("runs < 5ms", "\"5ms\" is not a whole number", "write a number, as in runs < 1000"),
            ("rate < 5ms", "\"5ms\" is not a rate", "write runs a second, as in rate < 1000 or rate < 1000/s"),
            ("p99 > 5ms > 3ms", "\"5ms > 3ms\" is not a time", UNITS),
            ("a\nb > 5ms", "\"a\\nb\" is nothing that can be compared", SUBJECTS),
        ];
        for (text, message, hint) in cases {
            let fault = Fault { message: message.to_owned(), hint: hint.to_owned() };
            assert_eq!(Threshold::parse(text), Err(fault), "{text}");
        }
    }
}
