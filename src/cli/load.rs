//! Values of load runs: the rate, the shard, the time of the start.
//!
//! Owns their syntax, and the variables by which engines number their copies. What follows from the values is in `load`.

use jiff::Timestamp;

use super::values;
use crate::codec::escape::show_line;
use crate::error::{Error, Result};
use crate::load::Shard;
use crate::load::schedule::{Rate, StartAt};

/// Parses runs in a time: `10/s`, `600/m`, `1000/h`; a bare number is a second's.
pub(super) fn rate(option: &str, text: &str) -> Result<Rate> {
    let hint = || format!("write runs in a time, as in {option} 10/s or {option} 600/m");
    let (number, unit) = text.split_once('/').unwrap_or((text, "s"));
    let seconds = match unit {
        "s" => 1,
        "m" => 60,
        "h" => 3600,
        _ => return Err(Error::usage_hint(format!("{option} {text:?} is not a rate"), hint())),
    };
    let digits = number.bytes().all(|byte| byte.is_ascii_digit() || byte == b'.');
    let Some(number) = number.parse::<f64>().ok().filter(|_| digits) else {
        return Err(Error::usage_hint(format!("{option} {text:?} is not a rate"), hint()));
    };
    Rate::new(number, seconds).ok_or_else(|| {
        let what = if number > 1.0 { "too high: 10000000/s is the highest" } else { "too low: 0.001/h is the lowest" };
        Error::usage_hint(format!("{option} {text:?} is {what}"), hint())
    })
}

/// Parses the start: `2026-11-26T15:00:00Z` with any offset, or `+10s` from now.
pub(super) fn start_at(option: &str, text: &str) -> Result<StartAt> {
    if let Some(time) = text.strip_prefix('+') {
        return values::duration(option, time).map(StartAt::After).map_err(|_| not_a_start(option, text));
    }
    match text.parse::<Timestamp>() {
        Ok(at) => Ok(StartAt::Wall(at.as_microsecond())),
        Err(_) => Err(not_a_start(option, text)),
    }
}

fn not_a_start(option: &str, text: &str) -> Error {
    let is_local = text.parse::<jiff::civil::DateTime>().is_ok() && text.contains(':');
    let message = if is_local {
        format!("{option} \"{}\" has no offset: machines may be in different zones", show_line(text))
    } else {
        format!("{option} \"{}\" is not a start", show_line(text))
    };
    Error::usage_hint(message, format!("write {option} 2026-11-26T15:00:00Z, or {option} +10s"))
}

/// How an engine numbers its copies.
struct Engine {
    /// The variable with the number of the copy.
    index: &'static str,
    /// The first number, or the variable that has it.
    first: First,
    /// The variable with the number of copies, if there is one.
    count: Option<&'static str>,
}

enum First {
    Is(u64),
    In(&'static str),
}

/// The engines whose variables `auto` looks for, in this order.
const ENGINES: [Engine; 10] = [
    // Kubernetes, an indexed Job.
    Engine { index: "JOB_COMPLETION_INDEX", first: First::Is(0), count: None },
    // Slurm, a job array.
    Engine {
        index: "SLURM_ARRAY_TASK_ID",
        first: First::In("SLURM_ARRAY_TASK_MIN"),
        count: Some("SLURM_ARRAY_TASK_COUNT"),
    },
    Engine { index: "NOMAD_ALLOC_INDEX", first: First::Is(0), count: None },
    Engine { index: "AWS_BATCH_JOB_ARRAY_INDEX", first: First::Is(0), count: Some("AWS_BATCH_JOB_ARRAY_SIZE") },
    Engine { index: "CLOUD_RUN_TASK_INDEX", first: First::Is(0), count: Some("CLOUD_RUN_TASK_COUNT") },
    // GitLab.
    Engine { index: "CI_NODE_INDEX", first: First::Is(1), count: Some("CI_NODE_TOTAL") },
    Engine { index: "CIRCLE_NODE_INDEX", first: First::Is(0), count: Some("CIRCLE_NODE_TOTAL") },
    Engine { index: "BUILDKITE_PARALLEL_JOB", first: First::Is(0), count: Some("BUILDKITE_PARALLEL_JOB_COUNT") },
    Engine { index: "OMPI_COMM_WORLD_RANK", first: First::Is(0), count: Some("OMPI_COMM_WORLD_SIZE") },
    // GNU parallel.
    Engine { index: "PARALLEL_SEQ", first: First::Is(1), count: None },
];

/// The variable that stands for the option.
const VARIABLE: &str = "TCPX_SHARD";

/// Which shard this process is: by the option, else by `TCPX_SHARD`, else the whole. `auto` and `auto/N` take the number from
/// the variables of the engine that started it.
pub(super) fn shard(option: &str, text: Option<&str>, variable: &dyn Fn(&str) -> Option<String>) -> Result<Shard> {
    let of_environment = || variable(VARIABLE).filter(|text| !text.is_empty());
    match text {
        Some(text) => shard_of(&format!("{option} "), option, text, variable),
        None => match of_environment() {
            Some(text) => shard_of(&format!("{VARIABLE}="), option, &text, variable),
            None => Ok(Shard::WHOLE),
        },
    }
}

fn shard_of(from: &str, option: &str, text: &str, variable: &dyn Fn(&str) -> Option<String>) -> Result<Shard> {
    let shown = show_line(text);
    let hint =
        format!("write {option} 1/4 for the first of four, or {option} auto/4 where the engine numbers its copies");
    let number = |text: &str| text.parse::<u32>().ok().filter(|_| text.bytes().all(|byte| byte.is_ascii_digit()));
    let (index, count) = match text.split_once('/') {
        Some((index, count)) => match number(count) {
            Some(count) if (1..=Shard::MOST).contains(&count) => (index, Some(count)),
            Some(count) => {
                let message = format!("{from}{shown}: there are 1 to {} shards, not {count}", Shard::MOST);
                return Err(Error::usage_hint(message, hint));
            }
            None => return Err(Error::usage_hint(format!("{from}{shown} is not a shard"), hint)),
        },
        None => (text, None),
    };
    if index == "auto" {
        return of_engine(&format!("{from}{shown}"), option, count, variable);
    }
    match (number(index), count) {
        (Some(index), Some(count)) => Shard::new(index, count).ok_or_else(|| {
            let message = format!("{from}{shown}: shards are counted from 1 to {count}");
            Error::usage_hint(message, hint)
        }),
        _ => Err(Error::usage_hint(format!("{from}{shown} is not a shard"), hint)),
    }
}

/// The shard by the variables of an engine. `given`: the number of shards that the user has named.
fn of_engine(what: &str, option: &str, given: Option<u32>, variable: &dyn Fn(&str) -> Option<String>) -> Result<Shard> {
    let Some((engine, index)) = ENGINES.iter().find_map(|engine| Some((engine, variable(engine.index)?))) else {
        let names: Vec<_> = ENGINES.iter().map(|engine| engine.index).collect();
        let message = format!("{what}: no engine has numbered this copy");
        return Err(Error::usage_hint(message, format!("{option} 1/4 says it; looked for {}", names.join(", "))));
    };
    let read = |name: &str, text: String| {
        text.trim().parse::<u64>().map_err(|_| {
            let message = format!("{what}: {name}={} is not a number", show_line(&text));
            Error::usage_hint(message, format!("{option} 1/4 says it without the variable"))
        })
    };
    let of = |name: &'static str| variable(name).map(|text| read(name, text)).transpose();
    let index = read(engine.index, index)?;
    let count = engine.count.map(of).transpose()?.flatten();
    let count = match (given, count) {
        (Some(given), Some(count)) if u64::from(given) != count => {
            let name = engine.count.unwrap_or_default();
            let message = format!("{what}: {name} says {count}");
            return Err(Error::usage_hint(message, format!("{option} auto takes the number from there")));
        }
        (Some(given), _) => given.into(),
        (None, Some(count)) => count,
        (None, None) => {
            let message = format!("{what}: {} does not say how many shards there are", engine.index);
            return Err(Error::usage_hint(message, format!("write the number, as in {option} auto/4")));
        }
    };
    let first = match engine.first {
        First::Is(first) => first,
        First::In(name) => of(name)?.unwrap_or_default(),
    };
    let place = index.checked_sub(first).and_then(|place| u32::try_from(place + 1).ok());
    place.zip(u32::try_from(count).ok()).and_then(|(place, count)| Shard::new(place, count)).ok_or_else(|| {
        let message = format!("{what}: {}={index} is not one of {count} that begin with {first}", engine.index);
        Error::usage_hint(message, format!("{option} 1/4 says it without the variable"))
    })
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;

    fn said<T: std::fmt::Debug>(result: Result<T>) -> String {
        let error = result.expect_err("an error");
        assert_eq!(error.exit().code(), 2);
        format!("{error} | {}", error.hint().expect("a hint"))
    }

    #[test]
    fn rates_have_a_time() {
        for (text, per_second) in [
            ("10/s", 10.0),
            ("600/m", 10.0),
            ("36000/h", 10.0),
            ("10", 10.0),
            ("0.5/s", 0.5),
            (".5", 0.5),
            ("1/h", 1.0 / 3600.0),
        ] {
            let found = rate("--rate", text).unwrap().per_second();
            assert!((found - per_second).abs() < 1e-9, "{text}: {found}");
        }
        let hint = "write runs in a time, as in --rate 10/s or --rate 600/m";
        for text in
            ["", "/s", "10/", "10/ms", "10/d", "s", "-1/s", "+1/s", "1e3/s", "inf", "nan", "10 /s", "10/s/s", "1.2.3/s"]
        {
            assert_eq!(said(rate("--rate", text)), format!("--rate {text:?} is not a rate | {hint}"));
        }
        for text in ["0/s", "0", "0.0001/h"] {
            let wanted = format!("--rate {text:?} is too low: 0.001/h is the lowest | {hint}");
            assert_eq!(said(rate("--rate", text)), wanted);
        }
        for text in ["10000001/s", &"9".repeat(400)] {
            let wanted = format!("--rate {text:?} is too high: 10000000/s is the highest | {hint}");
            assert_eq!(said(rate("--rate", text)), wanted);
        }
    }

    #[test]
    fn a_start_is_a_time_with_an_offset_or_from_now() {
        let wall = |text| start_at("--start-at", text).unwrap();
        assert_eq!(wall("2026-11-26T15:00:00Z"), StartAt::Wall(1_795_705_200_000_000));
        assert_eq!(wall("2026-11-26T16:00:00.25+01:00"), StartAt::Wall(1_795_705_200_250_000));
        assert_eq!(wall("2026-11-26 15:00:00Z"), StartAt::Wall(1_795_705_200_000_000));
        assert_eq!(wall("+10s"), StartAt::After(Duration::from_secs(10)));
        assert_eq!(wall("+1.5m"), StartAt::After(Duration::from_secs(90)));
        let hint = "write --start-at 2026-11-26T15:00:00Z, or --start-at +10s";
        for text in
            ["", "10s", "+", "+x", "+-1s", "15:00", "tomorrow", "2026-11-26", "2026-13-01T00:00:00Z", "1795705200"]
        {
            let wanted = format!("--start-at {text:?} is not a start | {hint}");
            assert_eq!(said(start_at("--start-at", text)), wanted);
        }
        assert_eq!(
            said(start_at("--start-at", "2026-11-26T15:00:00")),
            format!("--start-at \"2026-11-26T15:00:00\" has no offset: machines may be in different zones | {hint}")
        );
    }

    /// The shard with these variables, written as `NAME=value`.
    fn shard_with(text: Option<&str>, variables: &str) -> Result<Shard> {
        let variable = |name: &str| {
            let mut all = variables.split_whitespace().filter_map(|word| word.split_once('='));
            all.find_map(|(known, value)| (known == name).then(|| value.to_owned()))
        };
        shard("--shard", text, &variable)
    }

    #[test]
    fn a_shard_is_named_or_numbered_by_an_engine() {
        for (text, variables, wanted) in [
            (None, "", "1/1"),
            (None, "TCPX_SHARD=", "1/1"),
            (Some("2/4"), "", "2/4"),
            (Some("2/4"), "TCPX_SHARD=3/4 JOB_COMPLETION_INDEX=0", "2/4"),
            (None, "TCPX_SHARD=3/4", "3/4"),
            (None, "TCPX_SHARD=auto/4 JOB_COMPLETION_INDEX=3", "4/4"),
            // Nobody has asked for shards: an engine may start copies for other reasons.
            (None, "JOB_COMPLETION_INDEX=3 CI_NODE_INDEX=2 CI_NODE_TOTAL=4", "1/1"),
            (Some("auto/4"), "JOB_COMPLETION_INDEX=0", "1/4"),
            (Some("auto/4"), "NOMAD_ALLOC_INDEX=3", "4/4"),
            (Some("auto"), "CI_NODE_INDEX=2 CI_NODE_TOTAL=4", "2/4"),
            (Some("auto/4"), "CI_NODE_INDEX=2 CI_NODE_TOTAL=4", "2/4"),
            (Some("auto"), "SLURM_ARRAY_TASK_ID=12 SLURM_ARRAY_TASK_MIN=10 SLURM_ARRAY_TASK_COUNT=5", "3/5"),
            (Some("auto/5"), "SLURM_ARRAY_TASK_ID=0", "1/5"),
            (Some("auto"), "CLOUD_RUN_TASK_INDEX=0 CLOUD_RUN_TASK_COUNT=2", "1/2"),
            (Some("auto/9"), "PARALLEL_SEQ=9", "9/9"),
        ] {
            assert_eq!(shard_with(text, variables).unwrap().to_string(), wanted, "{text:?} {variables}");
        }
    }

    #[test]
    fn what_is_no_shard_is_answered() {
        let hint = "write --shard 1/4 for the first of four, or --shard auto/4 where the engine numbers its copies";
        let without = "--shard 1/4 says it without the variable";
        for (text, variables, wanted) in [
            ("", "", format!("--shard  is not a shard | {hint}")),
            ("2", "", format!("--shard 2 is not a shard | {hint}")),
            ("a/4", "", format!("--shard a/4 is not a shard | {hint}")),
            ("2/", "", format!("--shard 2/ is not a shard | {hint}")),
            ("+2/4", "", format!("--shard +2/4 is not a shard | {hint}")),
            ("1/2/3", "", format!("--shard 1/2/3 is not a shard | {hint}")),
            ("0/4", "", format!("--shard 0/4: shards are counted from 1 to 4 | {hint}")),
            ("5/4", "", format!("--shard 5/4: shards are counted from 1 to 4 | {hint}")),
            ("1/0", "", format!("--shard 1/0: there are 1 to 100000 shards, not 0 | {hint}")),
            ("1/100001", "", format!("--shard 1/100001: there are 1 to 100000 shards, not 100001 | {hint}")),
            (
                "auto",
                "JOB_COMPLETION_INDEX=0",
                "--shard auto: JOB_COMPLETION_INDEX does not say how many shards there are | \
                 write the number, as in --shard auto/4"
                    .to_owned(),
            ),
            (
                "auto/4",
                "JOB_COMPLETION_INDEX=x",
                format!("--shard auto/4: JOB_COMPLETION_INDEX=x is not a number | {without}"),
            ),
            (
                "auto/4",
                "JOB_COMPLETION_INDEX=4",
                format!("--shard auto/4: JOB_COMPLETION_INDEX=4 is not one of 4 that begin with 0 | {without}"),
            ),
            (
                "auto/4",
                "CI_NODE_INDEX=0",
                format!("--shard auto/4: CI_NODE_INDEX=0 is not one of 4 that begin with 1 | {without}"),
            ),
            (
                "auto/3",
                "CI_NODE_INDEX=1 CI_NODE_TOTAL=4",
                "--shard auto/3: CI_NODE_TOTAL says 4 | --shard auto takes the number from there".to_owned(),
            ),
        ] {
            assert_eq!(said(shard_with(Some(text), variables)), wanted);
        }
        let none = said(shard_with(Some("auto/4"), ""));
        assert!(none.starts_with("--shard auto/4: no engine has numbered this copy | "), "{none}");
        assert!(none.contains("JOB_COMPLETION_INDEX, SLURM_ARRAY_TASK_ID"), "{none}");
        assert_eq!(
            said(shard_with(None, "TCPX_SHARD=0/2")),
            format!("TCPX_SHARD=0/2: shards are counted from 1 to 2 | {hint}")
        );
        assert_eq!(said(shard_with(None, "TCPX_SHARD=x")), format!("TCPX_SHARD=x is not a shard | {hint}"));
    }
}
