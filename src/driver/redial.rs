//! `Redial`: when the run's own connection is made again (`--retry`, `--reconnect`).
//!
//! A pure state machine over failures and ends of that connection. `redialing` asks it and acts.

use std::time::{Duration, Instant};

use crate::config::Retry;
use crate::config::retry::{FIRST_PAUSE, LONGEST_PAUSE, LONGEST_WAIT, RetryAfter};
use crate::exit::Exit;

/// The tries of the run's own connection.
#[derive(Debug)]
pub(super) struct Redial {
    retry: Option<Retry>,
    /// Further tries until there is a connection again; `None`: without end.
    left: Option<u64>,
    /// The next pause of a back-off.
    pause: Duration,
    /// When the next try begins.
    at: Option<Instant>,
    /// What the last try has failed with, as far as it was said.
    said: String,
}

/// A try that follows.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct NextTry {
    /// Time before it.
    pub(super) pause: Duration,
    /// Tries that may follow this one; `None`: without end.
    pub(super) left: Option<u64>,
}

impl Redial {
    pub(super) fn new(retry: Option<Retry>) -> Self {
        let left = retry.and_then(|retry| retry.tries);
        Self { retry, left, pause: FIRST_PAUSE, at: None, said: String::new() }
    }

    /// Whether the run may have several connections, one after the other.
    pub(super) fn is_wanted(&self) -> bool {
        self.retry.is_some()
    }

    /// Whether another connection follows one that stood, and the handler hears of what goes wrong meanwhile.
    pub(super) fn reconnects(&self) -> bool {
        self.retry.is_some_and(|retry| retry.after == RetryAfter::AnyEnd)
    }

    /// Whether another try follows a connection that has ended without a failure. `is_probe`: standing was all it had to do.
    pub(super) fn follows_end(&self, stood: bool, is_probe: bool) -> bool {
        match self.retry.map(|retry| retry.after) {
            None | Some(RetryAfter::NoConnection) => false,
            Some(RetryAfter::AnyEnd) => self.follows(Exit::Success, stood),
            Some(RetryAfter::NoAnswer) => !is_probe,
        }
    }

    /// What the last try has failed with, if there was no connection after it.
    pub(super) fn last_failure(&self) -> Option<&str> {
        Some(self.said.as_str()).filter(|said| !said.is_empty())
    }

    /// Whether another try follows a failure of this kind. `stood`: there was a connection.
    pub(super) fn follows(&self, failure: Exit, stood: bool) -> bool {
        match self.retry.map(|retry| retry.after) {
            None => false,
            Some(RetryAfter::NoConnection) => {
                // Only what refuses datagrams does so once it stands.
                let is_none = failure == Exit::NoConnection || (failure == Exit::Timeout && !stood);
                is_none && self.left != Some(0)
            }
            Some(RetryAfter::AnyEnd) => stood || self.left != Some(0),
            Some(RetryAfter::NoAnswer) => is_temporary(failure),
        }
    }

    /// Whether this failure differs from the one that was said before.
    pub(super) fn is_news(&mut self, failure: &str) -> bool {
        let is_news = self.said != failure;
        failure.clone_into(&mut self.said);
        is_news
    }

    /// There was a connection, which has lasted this long. `has_received`: something came from the peer.
    pub(super) fn stood(&mut self, lasted: Duration, has_received: bool) {
        self.left = self.retry.and_then(|retry| retry.tries);
        self.said.clear();
        // One that ends at once, and says nothing, is as good as none; and one without the answer is for `wait`.
        if self.reconnects() && (has_received || lasted >= self.pause) {
            self.pause = FIRST_PAUSE;
        }
    }

    /// Plans the next try, which is counted if there was no connection.
    pub(super) fn plan(&mut self, now: Instant, stood: bool) -> NextTry {
        if !stood {
            self.left = self.left.map(|left| left.saturating_sub(1));
        }
        let delay = self.retry.and_then(|retry| retry.delay);
        let pause = delay.unwrap_or(self.pause);
        if delay.is_none() {
            self.pause = (pause * 2).min(self.longest_pause());
        }
        // A pause beyond the end of all clocks is none that ends.
        self.at = now.checked_add(pause).or_else(|| now.checked_add(LONGEST_PAUSE * 1_000_000));
        NextTry { pause, left: self.left }
    }

    /// Plans a try that was not asked for: it is not counted, and does not wait.
    pub(super) fn begin_at(&mut self, now: Instant) {
        self.at = Some(now);
    }

    fn longest_pause(&self) -> Duration {
        match self.retry.map(|retry| retry.after) {
            // Somebody waits to go on.
            Some(RetryAfter::NoAnswer) => LONGEST_WAIT,
            _ => LONGEST_PAUSE,
        }
    }

    /// Whether the next try is due, once.
    pub(super) fn take_due(&mut self, now: Instant) -> bool {
        self.at.take_if(|at| *at <= now).is_some()
    }

    /// When the next try is due.
    pub(super) fn deadline(&self) -> Option<Instant> {
        self.at
    }

    /// Whether another try is to come.
    pub(super) fn is_waiting(&self) -> bool {
        self.at.is_some()
    }

    /// No further tries.
    pub(super) fn stop(&mut self) {
        self.at = None;
        self.retry = None;
    }
}

/// Whether time may mend it: a server that comes up refuses, closes, is not known yet, or its proxy does not reach it.
fn is_temporary(failure: Exit) -> bool {
    matches!(
        failure,
        Exit::Resolve
            | Exit::NoConnection
            | Exit::Timeout
            | Exit::Proxy
            | Exit::Handshake
            | Exit::Broken
            | Exit::CutShort
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    fn redial(after: RetryAfter, tries: Option<u64>, delay: Option<Duration>) -> Redial {
        Redial::new(Some(Retry { after, tries, delay }))
    }

    #[test]
    fn only_what_made_no_connection_is_tried_again_so_many_times() {
        let now = Instant::now();
        let delay = Duration::from_secs(1);
        let mut redial = redial(RetryAfter::NoConnection, Some(2), Some(delay));
        for exit in [Exit::Resolve, Exit::Untrusted, Exit::Broken, Exit::Proxy, Exit::Success] {
            assert!(!redial.follows(exit, false), "{exit:?}");
        }
        assert!(!redial.follows(Exit::Timeout, true), "a time limit of a connection that stood");
        for left in [1, 0] {
            assert!(redial.follows(Exit::NoConnection, false) && redial.follows(Exit::Timeout, false));
            assert_eq!(redial.plan(now, false), NextTry { pause: delay, left: Some(left) });
        }
        assert!(!redial.follows(Exit::NoConnection, false));
        assert!(!redial.take_due(now) && redial.take_due(now + delay) && !redial.is_waiting());
    }

    #[test]
    fn pauses_grow_until_there_is_a_connection_worth_the_name() {
        let now = Instant::now();
        let mut redial = redial(RetryAfter::AnyEnd, None, None);
        let pauses = |redial: &mut Redial, n| -> Vec<u128> {
            (0..n).map(|_| redial.plan(now, false).pause.as_millis()).collect()
        };
        assert_eq!(pauses(&mut redial, 10), [100, 200, 400, 800, 1600, 3200, 6400, 12800, 25600, 30000]);
        redial.stood(Duration::from_secs(1), false);
        assert_eq!(pauses(&mut redial, 1), [30000], "it was over at once");
        redial.stood(Duration::ZERO, true);
        assert_eq!(pauses(&mut redial, 2), [100, 200]);
        redial.stood(Duration::from_secs(1), false);
        assert_eq!(pauses(&mut redial, 1), [100]);
    }

    #[test]
    fn a_number_of_tries_bounds_those_between_two_connections() {
        let now = Instant::now();
        let mut redial = redial(RetryAfter::AnyEnd, Some(1), None);
        assert!(redial.follows(Exit::Resolve, false));
        redial.plan(now, false);
        assert!(!redial.follows(Exit::NoConnection, false) && redial.follows(Exit::Broken, true));
        redial.stood(Duration::ZERO, false);
        assert!(redial.follows(Exit::NoConnection, false));
    }

    #[test]
    fn a_wait_goes_on_after_everything_that_time_may_mend() {
        let now = Instant::now();
        let mut redial = redial(RetryAfter::NoAnswer, None, None);
        for exit in [Exit::Resolve, Exit::NoConnection, Exit::Timeout, Exit::Proxy, Exit::Handshake, Exit::Broken] {
            assert!(redial.follows(exit, false) && redial.follows(exit, true), "{exit:?}");
        }
        for exit in [Exit::Untrusted, Exit::Bind, Exit::Usage, Exit::Shortage] {
            assert!(!redial.follows(exit, false), "{exit:?}");
        }
        assert!(redial.follows_end(true, false) && !redial.follows_end(true, true));
        let pauses: Vec<_> = (0..5).map(|_| redial.plan(now, true).pause.as_millis()).collect();
        assert_eq!(pauses, [100, 200, 400, 800, 1000]);
    }

    #[test]
    fn the_longest_delay_overflows_nothing() {
        let mut redial = redial(RetryAfter::NoConnection, Some(u64::MAX), Some(Duration::MAX));
        redial.plan(Instant::now(), false);
        assert!(redial.is_waiting());
    }
}
