//! How long a connection that we closed first goes on absorbing what the peer still sends.
//!
//! A socket that is closed with unread input sends RST, and RST may destroy what was sent before it. So it is read
//! and discarded, within bounds that count from the moment everything sent was acknowledged.

use std::time::{Duration, Instant};

/// How often what the kernel has not delivered is looked at: no event tells of acknowledgements.
pub const ACKNOWLEDGEMENT_CHECK: Duration = Duration::from_millis(20);
/// It leaves after this much silence once everything was acknowledged …
const SILENCE: Duration = Duration::from_millis(500);
/// … or after this time at the latest …
const ACKNOWLEDGED: Duration = Duration::from_secs(2);
/// … or after this many discarded bytes; and in any case, acknowledged or not, after the last limit.
const DISCARDED: u64 = 4 << 20;
const LIMIT: Duration = Duration::from_secs(30);
/// One that ends by RST waits no longer than this for the next acknowledgement.
const STUCK: Duration = Duration::from_secs(5);

/// A connection that lingers.
#[derive(Debug)]
pub(super) struct Linger {
    since: Instant,
    acknowledged: Option<Instant>,
    last_input: Instant,
    discarded: u64,
    /// Bytes that had arrived at the last look, and since when.
    progress: (u64, Instant),
}

impl Linger {
    pub(super) fn new(now: Instant) -> Self {
        Self { since: now, acknowledged: None, last_input: now, discarded: 0, progress: (0, now) }
    }

    /// Bytes came and were thrown away.
    pub(super) fn note_input(&mut self, now: Instant, n: usize) {
        self.last_input = now;
        self.discarded += n as u64;
    }

    /// Whether it may be let go; `unacknowledged` is what the kernel still holds of what was sent.
    pub(super) fn is_over(&mut self, now: Instant, unacknowledged: usize) -> bool {
        if unacknowledged == 0 && self.acknowledged.is_none() {
            self.acknowledged = Some(now);
        }
        let done = self.acknowledged.is_some_and(|at| {
            now - at.max(self.last_input) >= SILENCE || now - at >= ACKNOWLEDGED || self.discarded > DISCARDED
        });
        done || now - self.since >= LIMIT
    }

    /// Whether nothing arrives at the peer any more; `acknowledged` is how much has, of all that was sent.
    pub(super) fn is_stuck(&mut self, now: Instant, acknowledged: u64) -> bool {
        if acknowledged > self.progress.0 {
            self.progress = (acknowledged, now);
        }
        now - self.progress.1 >= STUCK
    }
}
