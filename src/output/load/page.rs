//! A result as one HTML page that needs nothing else: tables, the latency by percentile, the rate over time.
//!
//! Owns the data of the page and how it gets into it. The page itself, which draws them, is `page.html`.

use serde_json::{Value, json};

use super::summary;
use crate::load::{Coverage, LoadResult, Measure, Second, Stat};

/// The page without data.
const PAGE: &str = include_str!("page.html");
/// Stands in the page for the data.
const DATA: &str = "{{data}}";
/// Stands in the page for what readers without scripts see.
const TEXT: &str = "{{text}}";

/// Maximum steps of a curve: more than a screen shows.
const MAX_STEPS: f64 = 400.0;
/// Maximum curves.
const MAX_CURVES: usize = 20;
/// Maximum bars of time.
const MAX_BARS: u64 = 600;
/// Maximum reasons of failures, and maximum counts.
const MAX_ROWS: usize = 200;

/// The page of a result.
pub fn to_html(result: &LoadResult) -> String {
    // A `<` would end the element early in some texts; in JSON it may be written as an escape.
    let data = data_of(result).to_string().replace('<', "\\u003c");
    let (before, rest) = PAGE.split_once(TEXT).expect("the page has a place for the text");
    let (between, after) = rest.split_once(DATA).expect("the page has a place for the data");
    [before, &escaped(&summary(result)), between, &data, after].concat()
}

/// Text as HTML.
fn escaped(text: &str) -> String {
    text.replace('&', "&amp;").replace('<', "&lt;").replace('>', "&gt;")
}

/// What the page draws. Times are in microseconds.
fn data_of(result: &LoadResult) -> Value {
    let tally = result.tally();
    let coverage = Coverage::of(result);
    let measures = tally.measures.iter();
    let mut failures: Vec<_> = tally.failures.iter().collect();
    failures.sort_by_key(|(_, count)| std::cmp::Reverse(**count));
    let rows = |entries: Vec<(&String, &u64)>| -> Vec<_> {
        entries.into_iter().take(MAX_ROWS).map(|(name, count)| json!([name, count])).collect()
    };
    let (seconds, bars) = bars_of(result);
    json!({
        "start": result.start_us(),
        "duration": result.duration_us(),
        "clients": result.clients(),
        "target_rate": result.target_rate(),
        "rate": result.rate(),
        "runs": tally.runs,
        "failed": tally.failed(),
        "cut": tally.cut,
        "late": tally.late,
        "unstarted": tally.unstarted,
        "shards": coverage.present(),
        "warnings": coverage.warnings(),
        "measures": measures.clone().map(|(name, measure)| row_of(name, measure)).collect::<Vec<_>>(),
        "curves": measures.take(MAX_CURVES).map(|(name, it)| json!([name, curve_of(it)])).collect::<Vec<_>>(),
        "failures": rows(failures),
        "counts": rows(tally.counts.iter().collect()),
        "bar_seconds": seconds,
        "bars": bars,
    })
}

/// Name, count and statistics.
fn row_of(name: &str, measure: &Measure) -> Value {
    let stats = Stat::ALL.map(|stat| json!([stat.name(), measure.stat(stat), measure.is_beyond(stat)]));
    json!({ "name": name, "count": measure.count(), "stats": stats })
}

/// The latency by percentile as steps: up to this x, the time is this. The x of a percentile is the number of its nines:
/// 0 for 0 %, 1 for 90 %, 2 for 99 %.
fn curve_of(measure: &Measure) -> Vec<Value> {
    let recorded = measure.recorded();
    let count = measure.count();
    let last_x = (count.max(1) as f64).log10();
    let cell = |x: f64| if last_x > 0.0 { (x / last_x * MAX_STEPS) as u64 } else { 0 };
    let mut steps: Vec<(f64, u64)> = Vec::new();
    let mut below = 0;
    for (time, number) in recorded.buckets {
        below += number;
        // The longest time has no percentile of its own: it ends the curve.
        let x = if below < count { (count as f64 / (count - below) as f64).log10() } else { last_x };
        let time = time.min(recorded.max_us);
        match steps.last_mut() {
            // Not to be told from the step before: this one, which is higher, stands for both.
            Some(last) if cell(last.0) == cell(x) => *last = (x, time),
            _ => steps.push((x, time)),
        }
    }
    steps.into_iter().map(|(x, time)| json!([(x * 1e4).round() / 1e4, time])).collect()
}

/// Seconds of one bar, and for each bar: runs a second, failures a second, the longest time.
fn bars_of(result: &LoadResult) -> (u64, Vec<Value>) {
    let seconds = &result.tally().seconds;
    let Some((last, _)) = seconds.last_key_value() else { return (1, Vec::new()) };
    let width = (last + 1).div_ceil(MAX_BARS);
    let mut bars = vec![Second::default(); (last / width + 1) as usize];
    for (at, second) in seconds {
        bars[(at / width) as usize].merge(*second);
    }
    let each = |number: u64| (number as f64 / width as f64 * 100.0).round() / 100.0;
    (width, bars.iter().map(|bar| json!([each(bar.runs), each(bar.failed), bar.max_us])).collect())
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;
    use crate::load::Tally;
    use crate::output::load::samples;

    /// The data within a page.
    fn data(page: &str) -> Value {
        let start = page.find("id=\"data\">").expect("the data") + "id=\"data\">".len();
        let end = start + page[start..].find("</script>").expect("its end");
        serde_json::from_str(&page[start..end]).expect("JSON")
    }

    #[test]
    fn the_page_needs_nothing_else() {
        let page = to_html(&samples::merged(None));
        assert!(page.contains(
            "content=\"default-src 'none'; style-src 'unsafe-inline'; script-src 'unsafe-inline'; img-src data:\""
        ));
        for outside in ["http:", "https:", "src=", "@import", "url(", "{{"] {
            let found = page.matches(outside).count();
            // The name space of SVG is no address.
            assert_eq!(found, usize::from(outside == "http:"), "{outside}");
        }
        assert!(page.contains("prefers-color-scheme: dark"));
    }

    #[test]
    fn names_of_peers_and_scripts_are_only_data() {
        let page = to_html(&samples::merged(None));
        assert!(!page.contains("<b>") && page.matches("</script>").count() == 2, "{page}");
        assert!(page.contains("&lt;b&gt;\"no\"&lt;/b&gt; &amp; &lt;/script&gt;"));
        assert_eq!(data(&page)["failures"][0], json!(["<b>\"no\"</b> & </script>\n\u{1b}[31mred", 8]));
        assert_eq!(data(&page)["measures"][0]["name"], "log\u{1b}in");
        // What looks like a place for text is text.
        let mut tally = Tally::default();
        tally.count("{{text}} {{data}}", 1).unwrap();
        let result = LoadResult::of_run(samples::shard(1, None).parts()[0].clone(), tally);
        assert_eq!(data(&to_html(&result))["counts"][0][0], "{{text}} {{data}}");
    }

    #[test]
    fn the_page_has_the_numbers_of_the_result() {
        let result = samples::merged(Some(50.0));
        let data = data(&to_html(&result));
        assert_eq!((&data["runs"], &data["failed"], &data["target_rate"]), (&json!(400), &json!(16), &json!(100.0)));
        assert_eq!(
            (&data["shards"], &data["warnings"]),
            (&json!("1,3/3"), &json!(["of 3 shards, shard 2 is missing"]))
        );
        assert_eq!(data["measures"][1]["stats"][2], json!(["p50", 199.0, false]));
        assert_eq!(data["measures"][0]["stats"][5], json!(["p99", 60_000_000.0, true]));
        assert_eq!((&data["bar_seconds"], &data["bars"][0]), (&json!(1), &json!([168.0, 8.0, 3971])));
    }

    #[test]
    fn a_curve_has_the_nines_as_its_axis() {
        let mut measure = Measure::new();
        (1..=1000).for_each(|time| measure.record(time));
        let curve = curve_of(&measure);
        let at = |x: f64| curve.iter().find(|step| step[0].as_f64().unwrap() >= x).unwrap()[1].as_u64().unwrap();
        assert!((900..=901).contains(&at(1.0)) && (990..=991).contains(&at(2.0)), "{curve:?}");
        assert_eq!(curve.last(), Some(&json!([3.0, 1000])));
        let mut one = Measure::new();
        one.record(5);
        assert_eq!(curve_of(&one), [json!([0.0, 5])]);
    }

    #[test]
    fn large_results_give_small_pages() {
        let mut tally = Tally::default();
        for nth in 0..200_000_u64 {
            tally.succeed(Duration::from_millis(nth * 180), Duration::from_micros(nth * nth % 59_999_999), None);
        }
        for name in 0..200 {
            tally.measures.insert(format!("m{name}"), tally.measures["run"].clone());
            tally.counts.insert(format!("count {name}"), 1);
        }
        let result = LoadResult::of_run(samples::shard(1, None).parts()[0].clone(), tally);
        let page = to_html(&result);
        assert!(page.len() < 400_000, "{}", page.len());
        let data = data(&page);
        assert_eq!((&data["bar_seconds"], data["bars"].as_array().unwrap().len()), (&json!(60), 600));
        assert_eq!(data["curves"].as_array().unwrap().len(), MAX_CURVES);
        assert!(data["curves"][0][1].as_array().unwrap().len() <= MAX_STEPS as usize + 1);
    }
}
