//! The line that a load run shows on a terminal while it lasts.
//!
//! Owns its words and its width. When it is written, and how it is removed, is decided by who writes it.

use std::time::Duration;

use crate::codec::excerpt::width as width_of;
use crate::language::say;
use crate::load::shown_time;

/// Where a load run stands.
#[derive(Clone, Copy, Debug, Default)]
pub struct Snapshot {
    /// Time since the start.
    pub elapsed: Duration,
    /// The time it is to last, if there is one.
    pub planned: Option<Duration>,
    /// Runs that ended.
    pub runs: u64,
    /// Those of them that failed.
    pub failed: u64,
    /// Runs that ended in the last second.
    pub last_second: u64,
    /// Clients that run now.
    pub busy: u64,
    /// Clients there are.
    pub clients: u64,
    /// Median of the runs that succeeded, in microseconds.
    pub p50_us: Option<f64>,
    /// 99th percentile of the runs that succeeded, in microseconds.
    pub p99_us: Option<f64>,
}

/// The line, without a line end, in at most `width` columns. What does not fit is left out, the least important
/// first.
pub fn line(now: &Snapshot, width: usize) -> String {
    let time = match now.planned {
        Some(planned) => format!("{}/{}s", now.elapsed.as_secs(), planned.as_secs_f64().ceil()),
        None => format!("{}s", now.elapsed.as_secs()),
    };
    let percentile = |name: &str, micros: Option<f64>| micros.map(|micros| format!("{name} {}", shown_time(micros)));
    let failed = (now.failed > 0).then(|| format!("{} {}", now.failed, say("failed")));
    // In the order of importance; the order on the line is another one.
    let by_importance = [
        (0, Some(time)),
        (1, Some(format!("{} {}", now.runs, say("runs")))),
        (5, failed),
        (2, Some(format!("{}/s", now.last_second))),
        (4, percentile("p99", now.p99_us)),
        (3, percentile("p50", now.p50_us)),
        (6, Some(format!("{} {}", now.busy, say(&format!("of {} busy", now.clients))))),
    ];
    let mut shown: Vec<(usize, String)> = Vec::new();
    let mut length = 0;
    for (place, words) in by_importance {
        let Some(words) = words else { continue };
        let more = words.chars().map(width_of).sum::<usize>() + if shown.is_empty() { 0 } else { SEPARATOR.len() };
        if length + more > width {
            break;
        }
        length += more;
        shown.push((place, words));
    }
    shown.sort_by_key(|(place, _)| *place);
    shown.into_iter().map(|(_, words)| words).collect::<Vec<_>>().join(SEPARATOR)
}

const SEPARATOR: &str = "  ";

#[cfg(test)]
mod tests {
    use super::*;

    const NOW: Snapshot = Snapshot {
        elapsed: Duration::from_millis(12_900),
        planned: Some(Duration::from_secs(60)),
        runs: 98_120,
        failed: 3,
        last_second: 9_812,
        busy: 187,
        clients: 200,
        p50_us: Some(1_204.0),
        p99_us: Some(8_410.0),
    };

    #[test]
    fn the_line_shows_what_fits() {
        let whole = "12/60s  98120 runs  9812/s  p50 1.20ms  p99 8.41ms  3 failed  187 of 200 busy";
        assert_eq!(line(&NOW, 80), whole);
        assert_eq!(line(&NOW, whole.len()), whole);
        for (width, wanted) in [
            (whole.len() - 1, "12/60s  98120 runs  9812/s  p50 1.20ms  p99 8.41ms  3 failed"),
            (50, "12/60s  98120 runs  9812/s  p99 8.41ms  3 failed"),
            (30, "12/60s  98120 runs  3 failed"),
            (20, "12/60s  98120 runs"),
            (6, "12/60s"),
            (5, ""),
            (0, ""),
        ] {
            assert_eq!(line(&NOW, width), wanted, "{width}");
        }
    }

    #[test]
    fn what_is_not_known_is_not_shown() {
        let start = Snapshot { clients: 4, ..Snapshot::default() };
        assert_eq!(line(&start, 80), "0s  0 runs  0/s  0 of 4 busy");
        let planned = Snapshot { planned: Some(Duration::from_millis(1_500)), ..start };
        assert_eq!(line(&planned, 10), "0/2s");
    }

    #[test]
    fn the_width_is_never_exceeded() {
        let large =
            Snapshot { runs: u64::MAX, failed: u64::MAX, busy: u64::MAX, clients: u64::MAX, p50_us: Some(1e18), ..NOW };
        for width in 0..200 {
            for now in [NOW, large] {
                let line = line(&now, width);
                assert!(line.len() <= width && line.is_ascii(), "{width}: {line}");
            }
        }
    }
}
