//! The timers of one connection: a deadline for each kind, the earliest of them, and which have passed.

use std::time::Instant;

/// What a connection waits for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Timer {
    /// Nothing moved for the idle limit.
    Idle,
    /// The peer sent nothing for the limit of its silence.
    PeerIdle,
    /// Held bytes of an undetected encoding are decided upon.
    Detect,
    /// A closed connection stops absorbing what the peer still sends.
    Linger,
    /// A connection of datagrams, which have no end, is looked upon as ended.
    Parting,
}

const KINDS: [Timer; 5] = [Timer::Idle, Timer::PeerIdle, Timer::Detect, Timer::Linger, Timer::Parting];

/// The earliest of several times, as far as there are any.
pub fn earliest<const N: usize>(times: [Option<Instant>; N]) -> Option<Instant> {
    let mut first: Option<Instant> = None;
    // Not by iterators: this is asked in every round.
    for time in times {
        if let Some(at) = time
            && first.is_none_or(|first| at < first)
        {
            first = Some(at);
        }
    }
    first
}

/// An optional deadline for each [`Timer`].
type Deadlines = [Option<Instant>; KINDS.len()];

/// The timers of one connection. Boxed at the first timer: most connections never have one.
#[derive(Debug, Default)]
pub struct TimerTable(Option<Box<Deadlines>>);

impl TimerTable {
    /// Starts or moves a timer.
    pub fn set(&mut self, timer: Timer, at: Instant) {
        self.0.get_or_insert_default()[timer as usize] = Some(at);
    }

    /// Stops a timer.
    pub fn stop(&mut self, timer: Timer) {
        if let Some(deadlines) = &mut self.0 {
            deadlines[timer as usize] = None;
        }
    }

    /// Stops every timer.
    pub fn stop_all(&mut self) {
        self.0 = None;
    }

    /// The earliest deadline.
    pub fn next(&self) -> Option<Instant> {
        self.0.as_deref()?.iter().flatten().min().copied()
    }

    /// Removes and returns one timer whose deadline has passed.
    pub fn expired(&mut self, now: Instant) -> Option<Timer> {
        let deadlines = self.0.as_deref()?;
        let timer = KINDS.into_iter().find(|kind| deadlines[*kind as usize].is_some_and(|at| at <= now))?;
        self.stop(timer);
        Some(timer)
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;

    #[test]
    fn the_earliest_timer_comes_first_and_only_once() {
        let start = Instant::now();
        let at = |ms| start + Duration::from_millis(ms);
        let mut timers = TimerTable::default();
        timers.set(Timer::Linger, at(20));
        timers.set(Timer::Idle, at(10));
        assert_eq!(timers.next(), Some(at(10)));
        assert_eq!(timers.expired(at(9)), None);
        assert_eq!(timers.expired(at(25)), Some(Timer::Idle));
        assert_eq!(timers.expired(at(25)), Some(Timer::Linger));
        assert_eq!(timers.expired(at(25)), None);
        assert_eq!(timers.next(), None);
    }
}
