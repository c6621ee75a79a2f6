//! A result as JSON, written and read again without loss.
//!
//! Owns the schema, which `docs/load.md` describes, and what is refused in a file of others. Fields that follow from others
//! (percentiles, sums) are written for people and programs, and not read.

use std::collections::BTreeMap;
use std::fmt::Write as _;

use jiff::Timestamp;
use serde_json::{Deserializer, Map, Value};

use crate::load::{
    Coverage, DIGITS, HIGHEST_US, LARGEST_COUNT, LOWEST_US, LoadResult, MAX_MEASURES, Measure, Part, Recorded, Second,
    Shard, Stat, Tally,
};
use crate::output::json::push_string;

/// Version of the schema; it grows when an older program would misread a file.
const VERSION: u64 = 1;

/// The result as one line of JSON, with its line end.
pub fn to_json(result: &LoadResult) -> String {
    let tally = result.tally();
    let seed = result.parts()[0].seed;
    let is_same = result.parts().iter().all(|part| part.seed == seed);
    let mut json = Fields::new();
    json.number("version", VERSION)
        .raw("seed", &if is_same { seed_of(seed) } else { "null".to_owned() })
        .raw("shard", &Coverage::of(result).present().map_or_else(|| "null".to_owned(), |present| quoted(&present)))
        .number("clients", result.clients())
        .raw("start", &quoted(&wall(result.start_us())))
        .raw("end", &quoted(&wall(result.end_us())))
        .raw("duration_s", &seconds(result.duration_us()))
        .raw("rate", &decimal(result.rate()))
        .raw("target_rate", &result.target_rate().map_or_else(|| "null".to_owned(), decimal))
        .number("runs", tally.runs)
        .number("failed", tally.failed())
        .number("cut", tally.cut)
        .number("late", tally.late)
        .number("unstarted", tally.unstarted)
        .raw("failures", &numbers(&tally.failures))
        .raw("measures", &object(tally.measures.iter().map(|(name, measure)| (name.as_str(), measure_of(measure)))))
        .raw("counts", &numbers(&tally.counts))
        .raw("seconds", &array(tally.seconds.iter().map(|(at, second)| second_of(*at, second))))
        .raw("histogram", &Fields::parameters())
        .raw("parts", &array(result.parts().iter().map(part_of)));
    json.end() + "\n"
}

fn measure_of(measure: &Measure) -> String {
    let mut json = Fields::new();
    json.number("count", measure.count());
    for stat in Stat::ALL {
        json.raw(&format!("{}_us", stat.field()), &decimal(measure.stat(stat).unwrap_or_default()));
    }
    let recorded = measure.recorded();
    let buckets = array(recorded.buckets.iter().map(|(value, count)| format!("[{value},{count}]")));
    json.number("sum_us", recorded.sum_us).number("above", recorded.above).raw("histogram", &buckets);
    json.end()
}

fn second_of(at: u64, second: &Second) -> String {
    let mut json = Fields::new();
    json.number("second", at)
        .number("runs", second.runs)
        .number("failed", second.failed)
        .number("max_us", second.max_us);
    json.end()
}

fn part_of(part: &Part) -> String {
    let mut json = Fields::new();
    json.raw("shard", &quoted(&part.shard.to_string()))
        .raw("seed", &seed_of(part.seed))
        .number("clients", part.clients)
        .raw("target_rate", &part.target_rate.map_or_else(|| "null".to_owned(), |rate| Value::from(rate).to_string()))
        .raw("start", &quoted(&wall(part.start_us)))
        .raw("duration_s", &seconds(part.duration_us))
        .number("runs", part.runs)
        .number("failed", part.failed);
    json.end()
}

/// The fields of an object, in the order in which they are added.
struct Fields(String);

impl Fields {
    fn new() -> Self {
        Self("{".to_owned())
    }

    fn raw(&mut self, name: &str, json: &str) -> &mut Self {
        let comma = if self.0.len() > 1 { "," } else { "" };
        let _ = write!(self.0, "{comma}{}:{json}", quoted(name));
        self
    }

    fn number(&mut self, name: &str, value: u64) -> &mut Self {
        self.raw(name, &value.to_string())
    }

    fn end(&self) -> String {
        self.0.clone() + "}"
    }

    /// What all histograms of a file have in common.
    fn parameters() -> String {
        let mut json = Self::new();
        json.number("lowest_us", LOWEST_US).number("highest_us", HIGHEST_US).number("digits", DIGITS.into());
        json.end()
    }
}

fn object<'a>(entries: impl Iterator<Item = (&'a str, String)>) -> String {
    let mut json = Fields::new();
    entries.for_each(|(name, value)| {
        json.raw(name, &value);
    });
    json.end()
}

fn numbers(entries: &BTreeMap<String, u64>) -> String {
    object(entries.iter().map(|(name, count)| (name.as_str(), count.to_string())))
}

fn array(items: impl Iterator<Item = String>) -> String {
    format!("[{}]", items.collect::<Vec<_>>().join(","))
}

fn quoted(text: &str) -> String {
    let mut json = Vec::with_capacity(text.len() + 2);
    push_string(&mut json, text);
    String::from_utf8(json).expect("text stays text")
}

/// A number for people and programs, to a thousandth.
fn decimal(value: f64) -> String {
    let rounded = (value * 1000.0).round() / 1000.0;
    if rounded.fract() == 0.0 && rounded.abs() < LARGEST_COUNT as f64 {
        format!("{rounded:.0}")
    } else {
        rounded.to_string()
    }
}

/// Microseconds as seconds, exactly.
fn seconds(micros: u64) -> String {
    format!("{}.{:06}", micros / 1_000_000, micros % 1_000_000)
}

/// A seed: a string where a number would lose digits in some readers.
fn seed_of(seed: u64) -> String {
    if seed <= LARGEST_COUNT { seed.to_string() } else { quoted(&seed.to_string()) }
}

fn wall(micros: i64) -> String {
    format!("{:.6}", Timestamp::from_microsecond(micros).unwrap_or_default())
}

/// The results in a file: one, or several one after the other. The error says why it is not such a file.
pub fn from_json(text: &[u8]) -> Result<Vec<LoadResult>, String> {
    let mut results = Vec::new();
    for value in Deserializer::from_slice(text).into_iter::<Value>() {
        results.push(result_of(&value.map_err(|fault| format!("{NOT_OURS}: {fault}"))?)?);
    }
    if results.is_empty() { Err(format!("{NOT_OURS}: it is empty")) } else { Ok(results) }
}

const NOT_OURS: &str = "not a result of a load run";

fn result_of(value: &Value) -> Result<LoadResult, String> {
    let all = Object::of(value, "").map_err(|_| format!("{NOT_OURS}: not a JSON object"))?;
    match all.0.get("version").map(Value::as_u64) {
        Some(Some(VERSION)) => {}
        Some(Some(version)) => {
            return Err(format!("a result of version {version}, and this tcpx reads version {VERSION}"));
        }
        _ => return Err(format!("{NOT_OURS}: it has no version")),
    }
    let ours = || -> Result<LoadResult, String> {
        check_parameters(&all)?;
        let tally = Tally {
            runs: all.number("runs")?,
            failures: all.numbers("failures")?,
            cut: all.number("cut")?,
            late: all.number("late")?,
            unstarted: all.number("unstarted")?,
            measures: measures_of(&all.object("measures")?)?,
            counts: all.numbers("counts")?,
            seconds: all.objects("seconds")?.iter().map(seconds_entry).collect::<Result<_, _>>()?,
        };
        let parts = all.objects("parts")?.iter().map(part_entry).collect::<Result<_, _>>()?;
        LoadResult::restore(parts, tally).map_err(str::to_owned)
    };
    ours().map_err(|fault| format!("{NOT_OURS}: {fault}"))
}

fn check_parameters(all: &Object<'_>) -> Result<(), String> {
    let histogram = all.object("histogram")?;
    let own = [("lowest_us", LOWEST_US), ("highest_us", HIGHEST_US), ("digits", DIGITS.into())];
    for (name, wanted) in own {
        let found = histogram.number(name)?;
        if found != wanted {
            return Err(format!("its histograms have {name} {found}; only those with {wanted} can be merged"));
        }
    }
    Ok(())
}

fn measures_of(measures: &Object<'_>) -> Result<BTreeMap<String, Measure>, String> {
    if measures.0.len() > MAX_MEASURES {
        return Err(format!("it has {} measures, {MAX_MEASURES} are the most", measures.0.len()));
    }
    let entry = |name: &String| {
        let fields = measures.object(name)?;
        let recorded = Recorded {
            buckets: fields.buckets("histogram")?,
            min_us: fields.number("min_us")?,
            max_us: fields.number("max_us")?,
            sum_us: fields.any_number("sum_us")?,
            above: fields.number("above")?,
        };
        let measure = Measure::restore(&recorded).map_err(|fault| format!("{}: {fault}", fields.1))?;
        if measure.count() != fields.number("count")? {
            return Err(format!("{}: count is not that of the histogram", fields.1));
        }
        Ok((name.clone(), measure))
    };
    measures.0.keys().map(entry).collect()
}

fn seconds_entry(fields: &Object<'_>) -> Result<(u64, Second), String> {
    let (runs, failed, max_us) = (fields.number("runs")?, fields.number("failed")?, fields.number("max_us")?);
    Ok((fields.number("second")?, Second { runs, failed, max_us }))
}

fn part_entry(fields: &Object<'_>) -> Result<Part, String> {
    let shard = fields.text("shard")?;
    let numbers = shard.split_once('/').and_then(|(index, count)| index.parse().ok().zip(count.parse().ok()));
    let Some(shard) = numbers.and_then(|(index, count)| Shard::new(index, count)) else {
        return Err(fields.fault("shard", "is no shard such as \"2/4\""));
    };
    let Ok(start) = fields.text("start")?.parse::<Timestamp>() else {
        return Err(fields.fault("start", "is not a time"));
    };
    Ok(Part {
        shard,
        seed: fields.seed("seed")?,
        clients: fields.number("clients")?,
        target_rate: fields.decimal_or_null("target_rate")?,
        start_us: start.as_microsecond(),
        duration_us: fields.micros("duration_s")?,
        runs: fields.number("runs")?,
        failed: fields.number("failed")?,
    })
}

/// An object of a file, and where it is in it, for messages.
struct Object<'a>(&'a Map<String, Value>, String);

impl<'a> Object<'a> {
    fn of(value: &'a Value, path: &str) -> Result<Self, String> {
        match value.as_object() {
            Some(fields) => Ok(Self(fields, path.to_owned())),
            None => Err(format!("{path} is not an object")),
        }
    }

    fn path(&self, name: &str) -> String {
        // Names are those of the file, and may be long.
        let name: String = name.chars().take(50).collect();
        if self.1.is_empty() { name } else { format!("{}.{name}", self.1) }
    }

    fn fault(&self, name: &str, what: &str) -> String {
        format!("{} {what}", self.path(name))
    }

    fn get(&self, name: &str) -> Result<&'a Value, String> {
        self.0.get(name).ok_or_else(|| self.fault(name, "is missing"))
    }

    /// A number that everybody keeps exactly, so that sums of them stay in range.
    fn number(&self, name: &str) -> Result<u64, String> {
        let number = self.get(name)?.as_u64().filter(|number| *number <= LARGEST_COUNT);
        number.ok_or_else(|| self.fault(name, "is not a whole number up to 2^53"))
    }

    fn any_number(&self, name: &str) -> Result<u64, String> {
        self.get(name)?.as_u64().ok_or_else(|| self.fault(name, "is not a whole number"))
    }

    fn numbers(&self, name: &str) -> Result<BTreeMap<String, u64>, String> {
        let object = self.object(name)?;
        object.0.keys().map(|key| Ok((key.clone(), object.number(key)?))).collect()
    }

    fn text(&self, name: &str) -> Result<&'a str, String> {
        self.get(name)?.as_str().ok_or_else(|| self.fault(name, "is not a text"))
    }

    fn seed(&self, name: &str) -> Result<u64, String> {
        let value = self.get(name)?;
        let seed = value.as_u64().or_else(|| value.as_str()?.parse().ok());
        seed.ok_or_else(|| self.fault(name, "is not a whole number"))
    }

    fn decimal_or_null(&self, name: &str) -> Result<Option<f64>, String> {
        match self.get(name)? {
            Value::Null => Ok(None),
            value => match value.as_f64() {
                Some(number) if number >= 0.0 => Ok(Some(number)),
                _ => Err(self.fault(name, "is neither null nor a rate")),
            },
        }
    }

    /// Seconds as microseconds; a double keeps them for three hundred years.
    fn micros(&self, name: &str) -> Result<u64, String> {
        match self.get(name)?.as_f64() {
            Some(seconds) if (0.0..LARGEST_COUNT as f64 / 1e6).contains(&seconds) => Ok((seconds * 1e6).round() as u64),
            _ => Err(self.fault(name, "is not a number of seconds")),
        }
    }

    fn object(&self, name: &str) -> Result<Object<'a>, String> {
        Object::of(self.get(name)?, &self.path(name))
    }

    fn objects(&self, name: &str) -> Result<Vec<Object<'a>>, String> {
        let items = self.get(name)?.as_array().ok_or_else(|| self.fault(name, "is not an array"))?;
        items.iter().enumerate().map(|(at, item)| Object::of(item, &format!("{}[{at}]", self.path(name)))).collect()
    }

    fn buckets(&self, name: &str) -> Result<Vec<(u64, u64)>, String> {
        let pair = |item: &Value| match item.as_array()?.as_slice() {
            [value, count] => Some((value.as_u64()?, count.as_u64().filter(|count| *count <= LARGEST_COUNT)?)),
            _ => None,
        };
        let items = self.get(name)?.as_array().ok_or_else(|| self.fault(name, "is not an array"))?;
        let buckets: Option<_> = items.iter().map(pair).collect();
        buckets.ok_or_else(|| self.fault(name, "has an entry that is not [time, count]"))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::output::load::samples;

    fn value(result: &LoadResult) -> Value {
        serde_json::from_str(&to_json(result)).unwrap()
    }

    #[test]
    fn what_is_written_is_read_again() {
        for result in [samples::shard(2, None), samples::merged(None), samples::merged(Some(100.0 / 3.0))] {
            let json = to_json(&result);
            assert!(json.ends_with("}\n") && json.lines().count() == 1);
            assert_eq!(from_json(json.as_bytes()), Ok(vec![result.clone()]));
            // Several one after the other, as `cat` gives them.
            assert_eq!(from_json(json.repeat(2).as_bytes()), Ok(vec![result.clone(), result]));
        }
    }

    #[test]
    fn the_schema_is_the_documented_one() {
        let json = to_json(&samples::merged(Some(50.0)));
        let start = "{\"version\":1,\"seed\":42,\"shard\":\"1,3/3\",\"clients\":8,\
                     \"start\":\"2026-11-26T15:00:00.004123Z\",\"end\":\"2026-11-26T15:00:02.512123Z\",\"duration_s\":2.508000,\
                     \"rate\":159.49,\"target_rate\":100,\"runs\":400,\"failed\":16,\"cut\":4,\"late\":10,\"unstarted\":12,\
                     \"failures\":{\"<b>";
        assert!(json.starts_with(start), "{json}");
        let value: Value = serde_json::from_str(&json).unwrap();
        let login = &value["measures"]["login"];
        assert_eq!(
            (login["count"].as_u64(), login["p50_us"].as_u64(), login["max_us"].as_u64()),
            (Some(400), Some(199), Some(299))
        );
        assert_eq!(login["histogram"][0], serde_json::json!([100, 2]));
        assert_eq!(value["measures"]["log\u{1b}in"]["above"], 2);
        assert_eq!(value["seconds"][0], serde_json::json!({"second": 0, "runs": 168, "failed": 8, "max_us": 3971}));
        assert_eq!(value["histogram"], serde_json::json!({"lowest_us": 1, "highest_us": 60_000_000, "digits": 3}));
        assert_eq!(value["parts"][1]["shard"], "3/3");
        assert_eq!(value["counts"]["bytes"], 4096 * 400);
    }

    #[test]
    fn every_field_is_documented() {
        let text = include_str!("../../../docs/load.md");
        let mut names = Vec::new();
        fields(&value(&samples::merged(Some(50.0))), &mut names);
        assert!(names.len() > 30, "{names:?}");
        for name in names {
            assert!(text.contains(&format!("`{name}`")), "docs/load.md does not name {name}");
        }
    }

    /// The names of fields, without those that a script chooses.
    fn fields(value: &Value, names: &mut Vec<String>) {
        match value {
            Value::Object(object) => {
                for (name, value) in object {
                    names.push(name.clone());
                    match (name.as_str(), value) {
                        ("failures" | "counts", _) => {}
                        ("measures", Value::Object(measures)) => {
                            measures.values().for_each(|value| fields(value, names));
                        }
                        _ => fields(value, names),
                    }
                }
            }
            Value::Array(items) => items.iter().for_each(|item| fields(item, names)),
            _ => {}
        }
    }

    #[test]
    fn foreign_fields_are_ignored_and_derived_ones_are_not_read() {
        let result = samples::merged(None);
        let mut changed = value(&result);
        changed["tool"] = "another".into();
        changed["measures"]["login"]["p50_us"] = "half".into();
        changed["measures"]["login"]["colour"] = 7.into();
        changed["parts"][0]["host"] = "a".into();
        changed["duration_s"] = Value::Null;
        assert_eq!(from_json(changed.to_string().as_bytes()), Ok(vec![result]));
    }

    #[test]
    fn large_seeds_are_kept() {
        let mut seeds = Vec::new();
        for seed in [LARGEST_COUNT, LARGEST_COUNT + 1, u64::MAX] {
            let sample = samples::shard(1, None);
            let part = Part { seed, ..sample.parts()[0].clone() };
            let result = LoadResult::of_run(part, sample.tally().clone());
            assert_eq!(from_json(to_json(&result).as_bytes()), Ok(vec![result.clone()]));
            seeds.push(value(&result)["seed"].clone());
        }
        assert_eq!(seeds, [Value::from(LARGEST_COUNT), "9007199254740993".into(), "18446744073709551615".into()]);
    }

    #[test]
    fn files_of_others_are_refused_with_a_reason() {
        let cases = [
            ("", "it is empty"),
            ("  \n", "it is empty"),
            ("hello", "expected value at line 1 column 1"),
            ("{\"version\":1", "EOF while parsing an object at line 1 column 12"),
            ("[1]", "not a JSON object"),
            ("{}", "it has no version"),
            ("{\"version\":\"1\"}", "it has no version"),
            ("{\"version\":1}", "histogram is missing"),
        ];
        for (text, reason) in cases {
            assert_eq!(from_json(text.as_bytes()), Err(format!("not a result of a load run: {reason}")), "{text}");
        }
        let later = Err("a result of version 2, and this tcpx reads version 1".to_owned());
        assert_eq!(from_json(b"{\"version\":2,\"new\":[]}"), later);
        let good = to_json(&samples::shard(1, None));
        assert!(from_json((good.clone() + "{}").as_bytes()).unwrap_err().ends_with("it has no version"));
        assert!(from_json(&good.as_bytes()[..good.len() / 2]).unwrap_err().contains("EOF"));
        assert!(from_json(&[good.as_bytes(), &[0xff]].concat()).is_err());
    }

    #[test]
    fn a_result_that_contradicts_itself_is_refused() {
        let good = value(&samples::shard(1, None));
        let cases: [(&str, Value, &str); 15] = [
            ("/runs", 7.into(), "the runs of its parts are not the runs of all"),
            ("/runs", (-1).into(), "runs is not a whole number up to 2^53"),
            ("/cut", (LARGEST_COUNT + 1).into(), "cut is not a whole number up to 2^53"),
            ("/failures", 7.into(), "failures is not an object"),
            ("/counts/bytes", "many".into(), "counts.bytes is not a whole number up to 2^53"),
            ("/seconds", Value::Null, "seconds is not an array"),
            ("/seconds/0", 1.into(), "seconds[0] is not an object"),
            ("/measures/login/count", 1.into(), "measures.login: count is not that of the histogram"),
            ("/measures/login/max_us", 1.into(), "measures.login: min_us and max_us do not fit the histogram"),
            (
                "/measures/login/histogram/0",
                1.into(),
                "measures.login.histogram has an entry that is not [time, count]",
            ),
            ("/histogram/digits", 2.into(), "its histograms have digits 2; only those with 3 can be merged"),
            ("/parts/0/shard", "4/3".into(), "parts[0].shard is no shard such as \"2/4\""),
            ("/parts/0/start", "yesterday".into(), "parts[0].start is not a time"),
            ("/parts/0/target_rate", (-1).into(), "parts[0].target_rate is neither null nor a rate"),
            ("/parts/0/duration_s", "long".into(), "parts[0].duration_s is not a number of seconds"),
        ];
        for (place, wrong, reason) in cases {
            let mut changed = good.clone();
            *changed.pointer_mut(place).unwrap() = wrong;
            let wanted = Err(format!("not a result of a load run: {reason}"));
            assert_eq!(from_json(changed.to_string().as_bytes()), wanted, "{place}");
        }
        let mut many = good.clone();
        for number in 0..=MAX_MEASURES {
            many["measures"][format!("m{number}")] = good["measures"]["login"].clone();
        }
        assert!(from_json(many.to_string().as_bytes()).unwrap_err().contains("are the most"));
    }
}
