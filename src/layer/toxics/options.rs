//! Names of toxics and their options, as in toxiproxy, and the errors for other names and values.

use std::collections::BTreeMap;
use std::time::Duration;

use crate::codec::escape::show_line;
use crate::codec::nearest::nearest;
use crate::layer::toxics::{Then, Toxic};

/// The value of an option, as a script gives it.
#[derive(Clone, Debug, PartialEq)]
pub enum Value {
    /// A whole number.
    Int(i64),
    /// A number.
    Float(f64),
    /// Text.
    Text(String),
    /// `true` or `false`.
    Bool(bool),
}

/// The error of a toxic that cannot be made.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum ToxicError {
    /// Unknown name of a toxic.
    #[error("unknown toxic \"{}\"", show_line(.name))]
    UnknownToxic {
        /// The name as it was given.
        name: String,
    },
    /// Unknown option of the toxic.
    #[error("unknown option \"{}\" of toxic {toxic}", show_line(.option))]
    UnknownOption {
        /// The toxic.
        toxic: &'static str,
        /// The option as it was given.
        option: String,
    },
    /// A required option is missing.
    #[error("toxic {toxic} needs the option {option}")]
    Missing {
        /// The toxic.
        toxic: &'static str,
        /// The missing option.
        option: &'static str,
    },
    /// Invalid value of the option.
    #[error("{option} of toxic {toxic} must be {wanted}, not {}", show_line(.given))]
    BadValue {
        /// The toxic.
        toxic: &'static str,
        /// The option.
        option: &'static str,
        /// The valid values.
        wanted: &'static str,
        /// The value as it was given.
        given: String,
    },
}

impl ToxicError {
    /// The nearest valid name.
    pub fn suggestion(&self) -> Option<&'static str> {
        match self {
            Self::UnknownToxic { name } => nearest(name, names()),
            Self::UnknownOption { toxic, option } => nearest(option, options(toxic).iter().copied()),
            Self::Missing { .. } | Self::BadValue { .. } => None,
        }
    }

    /// The hint under the message: the nearest name, or all names.
    pub fn hint(&self) -> Option<String> {
        if let Some(near) = self.suggestion() {
            return Some(format!("did you mean {near}?"));
        }
        match self {
            Self::UnknownToxic { .. } => Some(format!("the toxics are {}", names().collect::<Vec<_>>().join(", "))),
            Self::UnknownOption { toxic, .. } => Some(format!("the options of {toxic}: {}", options(toxic).join(", "))),
            Self::Missing { .. } | Self::BadValue { .. } => None,
        }
    }
}

impl Toxic {
    /// Reads a toxic as toxiproxy writes it: times in milliseconds, the slicer's delay in microseconds, the rate in
    /// KB/s. An option that is not given is 0, or an error where 0 makes no sense.
    pub fn from_options(name: &str, options: &BTreeMap<String, Value>) -> Result<Self, ToxicError> {
        let options = Options::new(name, options)?;
        Ok(match options.toxic {
            LATENCY => Self::Latency { latency: options.millis("latency")?, jitter: options.millis("jitter")? },
            BANDWIDTH => Self::Bandwidth { rate: options.required("rate", WHOLE)? },
            SLOW_CLOSE => Self::SlowClose { delay: options.millis("delay")? },
            TIMEOUT => Self::Timeout { timeout: Some(options.millis("timeout")?).filter(|time| !time.is_zero()) },
            RESET_PEER => Self::ResetPeer { timeout: options.millis("timeout")? },
            SLICER => Self::Slicer {
                average_size: match options.required("average_size", POSITIVE)? {
                    0 => return Err(options.bad("average_size", POSITIVE)),
                    size => size as usize,
                },
                size_variation: options.whole("size_variation", WHOLE)?.unwrap_or(0) as usize,
                delay: options.time("delay", MICROSECOND)?,
            },
            _ => Self::LimitData { bytes: options.required("bytes", WHOLE)?, then: options.then()? },
        })
    }

    /// The static name of the toxic with this name, or an error.
    pub fn find_name(name: &str) -> Result<&'static str, ToxicError> {
        names().find(|other| *other == name).ok_or_else(|| ToxicError::UnknownToxic { name: name.to_owned() })
    }

    /// The options of the toxic with that name; none if there is no such toxic.
    pub fn option_names(name: &str) -> &'static [&'static str] {
        options(name)
    }

    /// The toxic's name.
    pub fn name(&self) -> &'static str {
        match self {
            Self::Latency { .. } => LATENCY,
            Self::Bandwidth { .. } => BANDWIDTH,
            Self::SlowClose { .. } => SLOW_CLOSE,
            Self::Timeout { .. } => TIMEOUT,
            Self::ResetPeer { .. } => RESET_PEER,
            Self::Slicer { .. } => SLICER,
            Self::LimitData { .. } => LIMIT_DATA,
        }
    }
}

/// The given options, all of them valid names of the toxic.
struct Options<'a> {
    toxic: &'static str,
    given: &'a BTreeMap<String, Value>,
}

impl<'a> Options<'a> {
    fn new(name: &str, given: &'a BTreeMap<String, Value>) -> Result<Self, ToxicError> {
        let toxic = Toxic::find_name(name)?;
        match given.keys().find(|option| !options(toxic).contains(&option.as_str())) {
            Some(option) => Err(ToxicError::UnknownOption { toxic, option: option.clone() }),
            None => Ok(Self { toxic, given }),
        }
    }

    fn millis(&self, option: &'static str) -> Result<Duration, ToxicError> {
        self.time(option, MILLISECOND)
    }

    /// A time in `unit`s, a fraction of one allowed; 0 if not given.
    fn time(&self, option: &'static str, unit: Duration) -> Result<Duration, ToxicError> {
        let bad = || self.bad(option, TIME);
        match self.given.get(option) {
            None => Ok(Duration::ZERO),
            Some(Value::Int(units)) => {
                let units = u64::try_from(*units).map_err(|_| bad())?;
                Ok(if unit == MICROSECOND { Duration::from_micros(units) } else { Duration::from_millis(units) })
            }
            Some(Value::Float(units)) => Duration::try_from_secs_f64(units * unit.as_secs_f64()).map_err(|_| bad()),
            Some(Value::Text(_) | Value::Bool(_)) => Err(bad()),
        }
    }

    fn whole(&self, option: &'static str, wanted: &'static str) -> Result<Option<u64>, ToxicError> {
        let number = match self.given.get(option) {
            None => return Ok(None),
            Some(Value::Int(number)) => u64::try_from(*number).ok(),
            Some(Value::Float(number)) => {
                (number.fract() == 0.0 && (0.0..=LARGEST).contains(number)).then_some(*number as u64)
            }
            Some(Value::Text(_) | Value::Bool(_)) => None,
        };
        number.map(Some).ok_or_else(|| self.bad(option, wanted))
    }

    fn required(&self, option: &'static str, wanted: &'static str) -> Result<u64, ToxicError> {
        self.whole(option, wanted)?.ok_or(ToxicError::Missing { toxic: self.toxic, option })
    }

    fn then(&self) -> Result<Then, ToxicError> {
        match self.given.get("then") {
            None => Ok(Then::default()),
            Some(Value::Text(word)) if word == "close" => Ok(Then::Close),
            Some(Value::Text(word)) if word == "reset" => Ok(Then::Reset),
            Some(_) => Err(self.bad("then", "\"close\" or \"reset\"")),
        }
    }

    fn bad(&self, option: &'static str, wanted: &'static str) -> ToxicError {
        let given = match self.given.get(option) {
            Some(Value::Int(number)) => number.to_string(),
            Some(Value::Float(number)) => format!("{number:?}"),
            Some(Value::Text(text)) => format!("\"{text}\""),
            Some(Value::Bool(answer)) => answer.to_string(),
            None => "nothing".to_owned(),
        };
        ToxicError::BadValue { toxic: self.toxic, option, wanted, given }
    }
}

fn names() -> impl Iterator<Item = &'static str> {
    TABLE.iter().map(|(name, _)| *name)
}

fn options(toxic: &str) -> &'static [&'static str] {
    TABLE.iter().find(|(name, _)| *name == toxic).map_or(&[], |(_, options)| options)
}

const LATENCY: &str = "latency";
const BANDWIDTH: &str = "bandwidth";
const SLOW_CLOSE: &str = "slow_close";
const TIMEOUT: &str = "timeout";
const RESET_PEER: &str = "reset_peer";
const SLICER: &str = "slicer";
const LIMIT_DATA: &str = "limit_data";

/// Every toxic and its options; `then` is ours, all others are in toxiproxy's README.
const TABLE: &[(&str, &[&str])] = &[
    (LATENCY, &["latency", "jitter"]),
    (BANDWIDTH, &["rate"]),
    (SLOW_CLOSE, &["delay"]),
    (TIMEOUT, &["timeout"]),
    (RESET_PEER, &["timeout"]),
    (SLICER, &["average_size", "size_variation", "delay"]),
    (LIMIT_DATA, &["bytes", "then"]),
];

const MILLISECOND: Duration = Duration::from_millis(1);
const MICROSECOND: Duration = Duration::from_micros(1);
/// The largest number up to which a `Value::Float` is exact.
const LARGEST: f64 = 9_007_199_254_740_992.0;

const TIME: &str = "a time, 0 or more";
const WHOLE: &str = "a whole number, 0 or more";
const POSITIVE: &str = "a whole number, 1 or more";

#[cfg(test)]
mod tests {
    use super::*;

    fn read(name: &str, given: &[(&str, Value)]) -> Result<Toxic, ToxicError> {
        Toxic::from_options(name, &given.iter().map(|(name, value)| ((*name).to_owned(), value.clone())).collect())
    }

    /// The message, with the hint behind it.
    fn refusal(name: &str, given: &[(&str, Value)]) -> String {
        let error = read(name, given).unwrap_err();
        error.hint().map_or(error.to_string(), |hint| format!("{error}; {hint}"))
    }

    #[test]
    fn every_toxic_is_read_with_its_units() {
        use Value::{Float, Int, Text};
        let ms = Duration::from_millis;
        let all = [
            (
                read("latency", &[("latency", Int(200)), ("jitter", Float(0.5))]),
                Toxic::Latency { latency: ms(200), jitter: Duration::from_micros(500) },
            ),
            (read("bandwidth", &[("rate", Float(100.0))]), Toxic::Bandwidth { rate: 100 }),
            (read("slow_close", &[("delay", Int(7))]), Toxic::SlowClose { delay: ms(7) }),
            (read("timeout", &[("timeout", Int(9))]), Toxic::Timeout { timeout: Some(ms(9)) }),
            (read("reset_peer", &[("timeout", Int(1))]), Toxic::ResetPeer { timeout: ms(1) }),
            (
                read("slicer", &[("average_size", Int(2)), ("size_variation", Int(1)), ("delay", Int(5000))]),
                Toxic::Slicer { average_size: 2, size_variation: 1, delay: ms(5) },
            ),
            (
                read("limit_data", &[("bytes", Int(4)), ("then", Text("reset".into()))]),
                Toxic::LimitData { bytes: 4, then: Then::Reset },
            ),
        ];
        let mut names = names();
        for (toxic, expected) in all {
            assert_eq!(toxic, Ok(expected));
            assert_eq!(names.next(), Some(expected.name()));
        }
        assert_eq!(names.next(), None);
    }

    #[test]
    fn what_is_not_given_is_zero() {
        let zero = Duration::ZERO;
        assert_eq!(read("latency", &[]), Ok(Toxic::Latency { latency: zero, jitter: zero }));
        assert_eq!(read("slow_close", &[]), Ok(Toxic::SlowClose { delay: zero }));
        assert_eq!(read("timeout", &[]), Ok(Toxic::Timeout { timeout: None }));
        assert_eq!(read("timeout", &[("timeout", Value::Int(0))]), Ok(Toxic::Timeout { timeout: None }));
        assert_eq!(read("reset_peer", &[]), Ok(Toxic::ResetPeer { timeout: zero }));
        let sliced = Toxic::Slicer { average_size: 3, size_variation: 0, delay: zero };
        assert_eq!(read("slicer", &[("average_size", Value::Int(3))]), Ok(sliced));
        let limit = Toxic::LimitData { bytes: 0, then: Then::Close };
        assert_eq!(read("limit_data", &[("bytes", Value::Int(0))]), Ok(limit));
    }

    #[test]
    fn a_toxic_that_means_nothing_without_an_option_asks_for_it() {
        assert_eq!(refusal("bandwidth", &[]), "toxic bandwidth needs the option rate");
        assert_eq!(refusal("slicer", &[("delay", Value::Int(1))]), "toxic slicer needs the option average_size");
        assert_eq!(refusal("limit_data", &[]), "toxic limit_data needs the option bytes");
    }

    #[test]
    fn an_unknown_word_is_answered_with_the_nearest_or_with_all() {
        assert_eq!(refusal("latncy", &[]), "unknown toxic \"latncy\"; did you mean latency?");
        assert_eq!(refusal("slowclose", &[]), "unknown toxic \"slowclose\"; did you mean slow_close?");
        assert_eq!(
            refusal("fire\n", &[]),
            "unknown toxic \"fire\\n\"; the toxics are latency, bandwidth, slow_close, timeout, reset_peer, slicer, limit_data"
        );
        let one = Value::Int(1);
        assert_eq!(
            refusal("latency", &[("latency", one.clone()), ("jiter", one.clone())]),
            "unknown option \"jiter\" of toxic latency; did you mean jitter?"
        );
        assert_eq!(
            refusal("bandwidth", &[("speed", one)]),
            "unknown option \"speed\" of toxic bandwidth; the options of bandwidth: rate"
        );
    }

    #[test]
    fn a_value_that_cannot_be_is_refused() {
        use Value::{Bool, Float, Int, Text};
        let latency = |value| refusal("latency", &[("latency", value)]);
        assert_eq!(latency(Int(-1)), "latency of toxic latency must be a time, 0 or more, not -1");
        assert_eq!(latency(Float(-0.5)), "latency of toxic latency must be a time, 0 or more, not -0.5");
        assert_eq!(latency(Float(f64::NAN)), "latency of toxic latency must be a time, 0 or more, not NaN");
        assert_eq!(latency(Float(1e300)), "latency of toxic latency must be a time, 0 or more, not 1e300");
        assert_eq!(latency(Bool(true)), "latency of toxic latency must be a time, 0 or more, not true");
        assert_eq!(
            refusal("bandwidth", &[("rate", Float(1.5))]),
            "rate of toxic bandwidth must be a whole number, 0 or more, not 1.5"
        );
        assert_eq!(
            refusal("slicer", &[("average_size", Int(0))]),
            "average_size of toxic slicer must be a whole number, 1 or more, not 0"
        );
        assert_eq!(
            refusal("limit_data", &[("bytes", Int(1)), ("then", Text("explode".into()))]),
            "then of toxic limit_data must be \"close\" or \"reset\", not \"explode\""
        );
    }
}
