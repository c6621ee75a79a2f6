//! `EofWait`: how long the peer is awaited after the end of stdin (`--eof-wait`).
//!
//! A pure state machine over what is outstanding; `feeding` looks and acts.

use std::time::{Duration, Instant};

use crate::session::ACKNOWLEDGEMENT_CHECK;

/// How long a peer may take nothing of what is sent, whatever `--eof-wait` says.
const STUCK: Duration = Duration::from_secs(1);

/// The running `--eof-wait`: the wait for the peer after the end of stdin. It begins again while bytes go out.
#[derive(Clone, Copy, Debug)]
pub(super) struct EofWait {
    wait: Duration,
    since: Instant,
    look_at: Instant,
    left: Outstanding,
}

/// What was sent on all connections, and what is still to arrive.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Outstanding {
    /// Bytes the kernel took so far.
    pub(super) sent: u64,
    /// Bytes that are queued or not acknowledged.
    pub(super) left: usize,
}

impl EofWait {
    /// A wait that begins now, at the end of stdin.
    pub(super) fn new(wait: Duration, now: Instant, left: Outstanding) -> Self {
        Self { wait, since: now, look_at: now, left }
    }

    /// When a look at it is due.
    pub(super) fn look_at(&self) -> Instant {
        self.look_at
    }

    /// Looks at what is outstanding. `is_held`: bytes wait for us, not for the peer. Returns whether the wait is over: the
    /// peer has everything and was silent for the wait, or it takes nothing.
    pub(super) fn is_over(&mut self, now: Instant, left: Outstanding, is_held: bool) -> bool {
        if is_held || left.left < self.left.left || left.sent > self.left.sent {
            self.since = now;
        }
        self.left = left;
        let limit = if left.left > 0 { self.wait.max(STUCK) } else { self.wait };
        let until = self.since + limit;
        self.look_at = if left.left > 0 || is_held { until.min(now + ACKNOWLEDGEMENT_CHECK) } else { until };
        until <= now && !is_held
    }
}
