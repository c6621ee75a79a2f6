//! Whether a connection is idle although the kernel holds bytes for its peer: it is not while the peer acknowledges some.
//!
//! Owns the samples of unacknowledged bytes and when the next one is due. Bytes the kernel took count as sent at once, so a
//! slow reader behind a full kernel queue would look idle without them.

use std::time::{Duration, Instant};

/// What the peer had not acknowledged when its connection was last looked at. Boxed: most connections never have one.
#[derive(Debug, Default)]
pub(super) struct IdleWatch(Option<Box<Sample>>);

#[derive(Debug)]
struct Sample {
    bytes: usize,
    /// Since when nothing was acknowledged.
    since: Instant,
    /// The connection's last activity at that time; after another one the numbers do not compare.
    activity: Instant,
}

/// Result of one look.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Look {
    /// The peer has acknowledged something since the last look. Look again at that time.
    Progress(Instant),
    /// Not idle for long enough. Look again at that time.
    Wait(Instant),
    /// Idle for the limit.
    Idle,
}

impl IdleWatch {
    /// Looks at a connection whose last activity was at `activity`. Detection may take up to three quarters of the limit
    /// longer if the bytes were sent between two looks.
    pub(super) fn look(&mut self, now: Instant, activity: Instant, limit: Duration, unacknowledged: usize) -> Look {
        let known = self.0.take().filter(|sample| sample.activity == activity);
        let has_progressed = known.as_ref().is_some_and(|sample| unacknowledged < sample.bytes);
        let activity = if has_progressed { now } else { activity };
        if unacknowledged > 0 {
            let sample = Box::new(Sample { bytes: unacknowledged, since: now, activity });
            self.0 = Some(known.filter(|_| !has_progressed).unwrap_or(sample));
        }
        let step = limit / 4;
        let due = activity + limit;
        let next = match &self.0 {
            None => due,
            Some(sample) => due.max(sample.since + limit.saturating_sub(step)),
        };
        if next <= now {
            return Look::Idle;
        }
        let next = if self.0.is_some() { next.min(now + step) } else { next };
        if has_progressed { Look::Progress(next) } else { Look::Wait(next) }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const LIMIT: Duration = Duration::from_secs(4);

    /// Looks at these times, in seconds after the last activity, with so many unacknowledged bytes.
    fn looks(table: &[(u64, usize, &str)]) {
        let start = Instant::now();
        let at = |seconds| start + Duration::from_secs(seconds);
        let mut watch = IdleWatch::default();
        let mut activity = start;
        for &(seconds, unacknowledged, expected) in table {
            let look = watch.look(at(seconds), activity, LIMIT, unacknowledged);
            let shown = match look {
                Look::Idle => "idle".to_owned(),
                Look::Wait(next) => format!("wait until {}", (next - start).as_secs()),
                Look::Progress(next) => {
                    activity = at(seconds);
                    format!("progress, {}", (next - start).as_secs())
                }
            };
            assert_eq!(shown, expected, "after {seconds} s of {table:?}");
        }
    }

    #[test]
    fn without_unacknowledged_bytes_the_last_activity_decides() {
        looks(&[(1, 0, "wait until 4"), (4, 0, "idle")]);
    }

    #[test]
    fn a_peer_that_acknowledges_nothing_is_idle() {
        looks(&[(1, 9, "wait until 2"), (2, 9, "wait until 3"), (3, 9, "wait until 4"), (4, 9, "idle")]);
        // The first look is late: the sample has to stand for three quarters of the limit.
        looks(&[(4, 9, "wait until 5"), (5, 9, "wait until 6"), (6, 9, "wait until 7"), (7, 9, "idle")]);
    }

    #[test]
    fn a_peer_that_acknowledges_something_is_not() {
        looks(&[
            (4, 9, "wait until 5"),
            (5, 8, "progress, 6"),
            (6, 8, "wait until 7"),
            (7, 8, "wait until 8"),
            (8, 7, "progress, 9"),
            (9, 0, "progress, 13"),
            (13, 0, "idle"),
        ]);
    }
}
