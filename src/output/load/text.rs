//! A result as text for people.
//!
//! Owns the sentences and the columns. What looks wrong about the shards is said by `load::Coverage`. The names at the beginning of
//! lines and columns are those of fields and conditions, the same in every language; what is said of them is in the user's.

use std::borrow::Cow;
use std::fmt::Write as _;

use jiff::Timestamp;

use crate::codec::escape::show_line;
use crate::language::say;
use crate::load::{Coverage, LoadResult, Measure, Shard, Stat, shown_time};

/// The columns of a measure, after its name and its count.
const COLUMNS: [Stat; 5] = [Stat::P50, Stat::P90, Stat::P99, Stat::P999, Stat::Max];
/// Maximum width of the column of names.
const WIDEST_NAME: usize = 30;

/// The summary of a result: rate, failures by reason, percentiles of each measure, counts.
pub fn summary(result: &LoadResult) -> String {
    let tally = result.tally();
    let mut text = String::new();
    let mut line = |name: &str, value: &str| {
        let _ = writeln!(text, "{name:<10} {value}");
    };
    line("load", &kind(result));
    if result.parts().iter().any(|part| part.shard != Shard::WHOLE) {
        line("shards", &shards(result));
    } else if result.parts().len() > 1 {
        line("merged", &say(&format!("{} runs of tcpx", result.parts().len())));
    }
    let start = format!("from {}", wall(result.start_us()));
    line("time", &format!("{} {}", shown_time(result.duration_us() as f64), say(&start)));
    line("runs", &format!("{}, {:.1}/s", tally.runs, result.rate()));
    line("failed", &format!("{} ({:.2}%)", tally.failed(), result.failed_percent()));
    for (name, number, what) in [
        ("cut", tally.cut, "did not end before the run was over"),
        ("late", tally.late, "found no free client when they were due"),
        ("unstarted", tally.unstarted, "found no free client before the time was over"),
    ] {
        if number > 0 {
            line(name, &format!("{number} {}", say(what)));
        }
    }
    text.push_str(&measures(result));
    text.push_str(&list("failures", tally.failures.iter().map(|(reason, count)| (*count, say(reason))), true));
    let counts = tally.counts.iter().map(|(name, count)| (*count, Cow::Borrowed(name.as_str())));
    text.push_str(&list("counts", counts, false));
    text
}

fn kind(result: &LoadResult) -> String {
    let clients = result.clients();
    let clients = if clients == 1 { "1 client".to_owned() } else { format!("{clients} clients") };
    let text = match result.target_rate() {
        Some(rate) => format!("open loop: {rate}/s on at most {clients}; a time counts from when the run was due"),
        None => format!("closed loop: as fast as {clients} can; a time counts from the start of the run"),
    };
    say(&text).into_owned()
}

fn shards(result: &LoadResult) -> String {
    let coverage = Coverage::of(result);
    let different = || say(&format!("{} of different runs", result.parts().len())).into_owned();
    let present = coverage.present().unwrap_or_else(different);
    let missing = coverage.missing().map_or_else(String::new, |missing| format!(", missing: {missing}"));
    let last = result.parts().last().map_or(0, |part| part.start_us.abs_diff(result.start_us()));
    let last = format!("; the last began {} after the first", shown_time(last as f64));
    format!("{present}{}{}", say(&missing), say(&last))
}

fn measures(result: &LoadResult) -> String {
    let measures = &result.tally().measures;
    if measures.is_empty() {
        return String::new();
    }
    let mut rows =
        vec![[String::new(), "count".to_owned()].into_iter().chain(COLUMNS.map(|it| it.name().to_owned())).collect()];
    for (name, measure) in measures {
        let times = COLUMNS.map(|stat| time(measure, stat));
        rows.push([name_of(name), measure.count().to_string()].into_iter().chain(times).collect::<Vec<_>>());
    }
    let width = |column: usize| rows.iter().map(|row| row[column].chars().count()).max().unwrap_or_default();
    let widths: Vec<_> = (0..rows[0].len()).map(width).collect();
    let mut text = "\n".to_owned();
    for row in &rows {
        let _ = write!(text, "{:<1$}", row[0], widths[0].max(10));
        for (cell, width) in row.iter().zip(&widths).skip(1) {
            let _ = write!(text, "  {cell:>width$}");
        }
        text.push('\n');
    }
    text
}

fn time(measure: &Measure, stat: Stat) -> String {
    let more = if measure.is_beyond(stat) { ">" } else { "" };
    measure.stat(stat).map_or_else(String::new, |micros| format!("{more}{}", shown_time(micros)))
}

/// A heading and lines with a number each; the most frequent first, if `by_number`.
fn list<'a>(heading: &str, entries: impl Iterator<Item = (u64, Cow<'a, str>)>, by_number: bool) -> String {
    let mut entries: Vec<_> = entries.collect();
    if entries.is_empty() {
        return String::new();
    }
    if by_number {
        // Stable: those of the same number stay in the order of the alphabet.
        entries.sort_by_key(|(number, _)| std::cmp::Reverse(*number));
    }
    let width = entries.iter().map(|(number, _)| number.to_string().len()).max().unwrap_or_default();
    let mut text = format!("\n{heading}\n");
    for (number, name) in entries {
        let _ = writeln!(text, "  {number:>width$}  {}", show_line(&name));
    }
    text
}

/// A name on one line, cut if it is too long for a column.
fn name_of(name: &str) -> String {
    let shown = show_line(name);
    if shown.chars().count() <= WIDEST_NAME {
        return shown.into_owned();
    }
    shown.chars().take(WIDEST_NAME - 3).collect::<String>() + "..."
}

fn wall(micros: i64) -> String {
    format!("{:.0}", Timestamp::from_microsecond(micros).unwrap_or_default())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::load::{Part, Tally};
    use crate::output::load::samples;

    #[test]
    fn the_summary_of_a_closed_loop() {
        let wanted = "\
load       closed loop: as fast as 8 clients can; a time counts from the start of the run
shards     1,3/3, missing: 2; the last began 8.00ms after the first
time       2.51s from 2026-11-26T15:00:00Z
runs       400, 159.5/s
failed     16 (4.00%)
cut        4 did not end before the run was over

            count     p50     p90     p99   p99.9     max
log\\x1bin       2  >60.0s  >60.0s  >60.0s  >60.0s   75.0s
login         400   199us   279us   297us   299us   299us
run           384  4.56ms  7.56ms  8.23ms  8.26ms  8.26ms

failures
  8  <b>\"no\"</b> & </script>\\n\\x1b[31mred
  8  connect to 127.0.0.1:9: connection refused

counts
  1638400  bytes
";
        assert_eq!(summary(&samples::merged(None)), wanted);
    }

    #[test]
    fn an_open_loop_says_what_was_asked_for() {
        let text = summary(&samples::merged(Some(50.0)));
        for line in [
            "load       open loop: 100/s on at most 8 clients; a time counts from when the run was due\n",
            "late       10 found no free client when they were due\n",
            "unstarted  12 found no free client before the time was over\n",
            "run.service    384   800us   800us   800us   800us   800us\n",
        ] {
            assert!(text.contains(line), "{text}");
        }
    }

    #[test]
    fn a_run_without_runs_has_a_summary() {
        let part =
            Part { shard: Shard::WHOLE, clients: 1, duration_us: 0, ..samples::shard(1, None).parts()[0].clone() };
        let wanted = "\
load       closed loop: as fast as 1 client can; a time counts from the start of the run
time       0us from 2026-11-26T15:00:00Z
runs       0, 0.0/s
failed     0 (0.00%)
";
        assert_eq!(summary(&LoadResult::of_run(part, Tally::default())), wanted);
    }

    #[test]
    fn frequent_failures_come_first_and_long_names_are_cut() {
        let mut tally = Tally::default();
        let at = std::time::Duration::ZERO;
        for reason in ["b", "c", "a", "b"] {
            tally.fail(at, reason);
        }
        tally.record(&"x".repeat(40), at).unwrap();
        let text = summary(&LoadResult::of_run(samples::shard(1, None).parts()[0].clone(), tally));
        assert!(text.contains("failures\n  2  b\n  1  a\n  1  c\n"), "{text}");
        assert!(text.contains(&format!("\n{}...  ", "x".repeat(27))), "{text}");
    }
}
