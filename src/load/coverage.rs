//! `Coverage`: which shards a merged result has, which are missing, and what looks wrong about them.
//!
//! Owns the sentences. A gap or a double is no error: the rest is merged.

use std::collections::BTreeMap;

use super::{LoadResult, Part, Shard, shown_time};

/// What is known about the shards of a result.
#[derive(Debug)]
pub struct Coverage {
    /// The number of shards, if all parts agree.
    count: Option<u32>,
    present: Vec<u32>,
    missing: Vec<u32>,
    warnings: Vec<String>,
}

/// Starts further apart than this are worth a warning, in microseconds.
const LARGEST_SKEW_US: u64 = 1_000_000;
/// Maximum warnings about doubles.
const MAX_DOUBLES: usize = 10;

impl Coverage {
    /// Looks at the parts of a result.
    pub fn of(result: &LoadResult) -> Self {
        let parts = result.parts();
        let count = parts.iter().all(|part| part.shard.count() == parts[0].shard.count());
        let count = count.then_some(parts[0].shard.count());
        let mut present: Vec<_> = parts.iter().map(|part| part.shard.index()).collect();
        present.sort_unstable();
        present.dedup();
        let missing = (1..=count.unwrap_or_default()).filter(|index| present.binary_search(index).is_err()).collect();
        let mut coverage = Self { count, present, missing, warnings: Vec::new() };
        coverage.warn(parts);
        coverage
    }

    fn warn(&mut self, parts: &[Part]) {
        if let (Some(count), Some(missing)) = (self.count, self.missing()) {
            let verb = if self.missing.len() == 1 { "shard" } else { "shards" };
            self.warnings.push(format!(
                "of {count} shards, {verb} {missing} missing",
                missing = is_or_are(&missing, self.missing.len())
            ));
        }
        if self.count.is_none() {
            let mut counts: Vec<_> = parts.iter().map(|part| part.shard.count()).collect();
            counts.sort_unstable();
            counts.dedup();
            let counts: Vec<_> = counts.iter().map(u32::to_string).collect();
            self.warnings.push(format!("the numbers of shards differ: {}", counts.join(", ")));
        }
        let doubles = doubles(parts);
        self.warnings.extend(doubles.iter().take(MAX_DOUBLES).cloned());
        if doubles.len() > MAX_DOUBLES {
            self.warnings.push(format!("and {} more are there more than once", doubles.len() - MAX_DOUBLES));
        }
        let is_divided = parts.iter().any(|part| part.shard != Shard::WHOLE);
        if is_divided && parts.iter().any(|part| part.seed != parts[0].seed) {
            self.warnings.push("the seeds of the shards differ: they are parts of different runs".to_owned());
        }
        let skew = skew_us(parts);
        if is_divided && skew > LARGEST_SKEW_US {
            self.warnings.push(format!(
                "the shards began up to {} apart: the rate is that of the whole time (--start-at lets them begin together)",
                shown_time(skew as f64)
            ));
        }
    }

    /// The shards there are, as in `1-3,5/8`; `None` if the parts disagree about their number.
    pub fn present(&self) -> Option<String> {
        Some(format!("{}/{}", ranges(&self.present), self.count?))
    }

    /// The missing shards, as in `4,6-8`; `None` if there are none.
    pub fn missing(&self) -> Option<String> {
        (!self.missing.is_empty()).then(|| ranges(&self.missing))
    }

    /// What a reader of the result has to know, one sentence each.
    pub fn warnings(&self) -> &[String] {
        &self.warnings
    }
}

fn is_or_are(what: &str, number: usize) -> String {
    format!("{what} {}", if number == 1 { "is" } else { "are" })
}

/// Time between the first and the last start in microseconds.
fn skew_us(parts: &[Part]) -> u64 {
    let starts = || parts.iter().map(|part| part.start_us);
    starts().max().zip(starts().min()).map_or(0, |(last, first)| last.abs_diff(first))
}

/// Sentences about shards, or whole runs, that are there more than once.
fn doubles(parts: &[Part]) -> Vec<String> {
    let mut seen: BTreeMap<_, usize> = BTreeMap::new();
    for part in parts {
        // Several whole runs may be merged, but not one with itself.
        let itself = (part.shard == Shard::WHOLE).then_some((part.start_us, part.duration_us, part.seed, part.runs));
        *seen.entry((part.shard.count(), part.shard.index(), itself)).or_default() += 1;
    }
    let doubles = seen.into_iter().filter(|(_, times)| *times > 1);
    let sentence = |((count, index, itself), times): ((u32, u32, Option<_>), usize)| match itself {
        Some(_) => format!("the same run is there {times} times, and is counted {times} times"),
        None => format!("shard {index}/{count} is there {times} times, and is counted {times} times"),
    };
    doubles.map(sentence).collect()
}

/// Ascending numbers as in `1-3,5`.
fn ranges(numbers: &[u32]) -> String {
    let mut runs: Vec<(u32, u32)> = Vec::new();
    for number in numbers {
        match runs.last_mut() {
            Some((_, last)) if *last + 1 == *number => *last = *number,
            _ => runs.push((*number, *number)),
        }
    }
    let shown: Vec<_> = runs
        .iter()
        .map(|(first, last)| if first == last { first.to_string() } else { format!("{first}-{last}") })
        .collect();
    shown.join(",")
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::load::result::tests::{part, result};

    fn coverage(parts: &[Part]) -> Coverage {
        let mut all = result(parts[0].clone(), &[10]);
        parts[1..].iter().for_each(|part| all.merge(&result(part.clone(), &[10])).unwrap());
        Coverage::of(&all)
    }

    #[track_caller]
    fn check(parts: &[Part], present: Option<&str>, missing: Option<&str>, warnings: &[&str]) {
        let coverage = coverage(parts);
        assert_eq!((coverage.present().as_deref(), coverage.missing().as_deref()), (present, missing));
        assert_eq!(coverage.warnings(), warnings);
    }

    #[test]
    fn complete_runs_need_no_words() {
        check(&[part(1, 1, 0)], Some("1/1"), None, &[]);
        check(&[part(2, 3, 0), part(3, 3, 5), part(1, 3, 900)], Some("1-3/3"), None, &[]);
        // Runs that were not divided, at different times.
        check(&[part(1, 1, 0), part(1, 1, 60_000)], Some("1/1"), None, &[]);
    }

    #[test]
    fn gaps_and_doubles_are_named() {
        check(&[part(2, 3, 0), part(1, 3, 0)], Some("1-2/3"), Some("3"), &["of 3 shards, shard 3 is missing"]);
        check(
            &[part(2, 8, 0), part(6, 8, 0), part(2, 8, 10)],
            Some("2,6/8"),
            Some("1,3-5,7-8"),
            &["of 8 shards, shards 1,3-5,7-8 are missing", "shard 2/8 is there 2 times, and is counted 2 times"],
        );
        let twice = "the same run is there 2 times, and is counted 2 times";
        check(&[part(1, 1, 0), part(1, 1, 0)], Some("1/1"), None, &[twice]);
    }

    #[test]
    fn parts_of_different_runs_are_noticed() {
        check(&[part(1, 2, 0), part(2, 3, 0)], None, None, &["the numbers of shards differ: 2, 3"]);
        check(
            &[part(1, 2, 0), Part { seed: 7, ..part(2, 2, 0) }],
            Some("1-2/2"),
            None,
            &["the seeds of the shards differ: they are parts of different runs"],
        );
        let late = coverage(&[part(1, 2, 0), part(2, 2, 12_300)]);
        assert!(late.warnings()[0].starts_with("the shards began up to 12.3s apart"), "{late:?}");
    }

    #[test]
    fn many_doubles_are_summed_up() {
        let parts: Vec<_> = (1..=15).flat_map(|index| [part(index, 15, 0), part(index, 15, 0)]).collect();
        let warnings = coverage(&parts).warnings().to_vec();
        assert_eq!((warnings.len(), warnings[10].as_str()), (11, "and 5 more are there more than once"));
    }
}
