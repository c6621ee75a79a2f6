//! `Stage`: one active toxic, the flows it holds and when they are due.
//!
//! Owns the queue and the arithmetic of time and random numbers. Does not know its neighbours.

use std::collections::VecDeque;
use std::time::{Duration, Instant};

use crate::layer::Flow;
use crate::layer::toxics::{Then, Toxic};

/// One toxic and the flows it holds.
#[derive(Debug)]
pub(super) struct Stage {
    name: &'static str,
    work: Work,
    queue: Queue,
    random: Random,
    /// A `Close` or `Reset` has left; nothing follows.
    shut: bool,
}

/// A toxic with its state.
#[derive(Debug)]
enum Work {
    Latency { latency: Duration, jitter: Duration, last: Instant },
    Bandwidth { rate: u64, free: Instant },
    SlowClose { delay: Duration },
    Timeout { deadline: Option<Instant>, dropped: bool },
    ResetPeer { deadline: Instant },
    Slicer { average: usize, variation: usize, delay: Duration, free: Instant },
    LimitData { left: u64, then: Then, used_up: Option<Instant> },
}

impl Stage {
    pub(super) fn new(now: Instant, toxic: Toxic, random: Random) -> Self {
        let work = match toxic {
            Toxic::Latency { latency, jitter } => Work::Latency { latency, jitter, last: now },
            Toxic::Bandwidth { rate } => Work::Bandwidth { rate, free: now },
            Toxic::SlowClose { delay } => Work::SlowClose { delay },
            Toxic::Timeout { timeout } => {
                Work::Timeout { deadline: timeout.map(|timeout| later(now, timeout)), dropped: false }
            }
            Toxic::ResetPeer { timeout } => Work::ResetPeer { deadline: later(now, timeout) },
            Toxic::Slicer { average_size: average, size_variation: variation, delay } => {
                Work::Slicer { average, variation, delay, free: now }
            }
            Toxic::LimitData { bytes, then } => Work::LimitData { left: bytes, then, used_up: None },
        };
        Self { name: toxic.name(), work, queue: Queue::default(), random, shut: false }
    }

    pub(super) fn name(&self) -> &'static str {
        self.name
    }

    pub(super) fn held(&self) -> usize {
        self.queue.held()
    }

    pub(super) fn bytes(&self) -> usize {
        self.queue.bytes()
    }

    /// Takes a flow that left the stage before at time `at`.
    pub(super) fn accept(&mut self, at: Instant, output: Flow) {
        if self.shut {
            return;
        }
        let is_data = matches!(output, Flow::Data(_));
        match &mut self.work {
            Work::Latency { latency, jitter, last } => {
                let delay = if is_data { self.random.time(*latency, *jitter) } else { Duration::ZERO };
                *last = later(at, delay).max(*last);
                self.queue.push(*last, output);
            }
            Work::SlowClose { delay } if !is_data => self.queue.push(later(at, *delay), output),
            Work::Timeout { dropped, .. } if is_data => *dropped = true,
            // A stream with a hole in it must not look complete.
            Work::Timeout { dropped: true, .. } if output == Flow::Eof => self.queue.push(at, Flow::Close),
            _ => self.queue.push(at, output),
        }
    }

    /// When the next flow leaves, without further input.
    pub(super) fn due(&self) -> Option<Instant> {
        let since = self.queue.since();
        match &self.work {
            _ if self.shut => None,
            Work::Latency { .. } | Work::SlowClose { .. } => since,
            Work::Bandwidth { rate, free } => {
                let start = since?.max(*free);
                match self.queue.front_len() {
                    Some(_) if *rate == 0 => None,
                    Some(len) => Some(later(start, time_for(piece_at(*rate, len), *rate))),
                    None => Some(start),
                }
            }
            Work::Timeout { deadline, .. } => since.into_iter().chain(*deadline).min(),
            Work::ResetPeer { deadline } => Some(*deadline),
            Work::Slicer { free, .. } => Some(since?.max(*free)),
            Work::LimitData { used_up, .. } => used_up.or(since),
        }
    }

    /// The next flow if it is due, with the time at which it was due.
    pub(super) fn release(&mut self, now: Instant) -> Option<(Instant, Flow)> {
        let due = self.due().filter(|due| *due <= now)?;
        let len = self.queue.front_len();
        let output = match (&mut self.work, len) {
            (Work::Bandwidth { rate, free }, Some(len)) => {
                *free = due;
                Flow::Data(self.queue.take(piece_at(*rate, len)))
            }
            (Work::Slicer { average, variation, delay, free }, Some(len)) => {
                *free = later(due, *delay);
                let size = self.random.size(*average, *variation).min(len);
                Flow::Data(self.queue.take(size))
            }
            (Work::Timeout { .. }, _) => self.queue.pop().unwrap_or(Flow::Close),
            (Work::ResetPeer { .. }, _) => Flow::Reset,
            (Work::LimitData { left, then, used_up }, len) => match len {
                Some(len) if *left > 0 => {
                    let size = usize::try_from(*left).unwrap_or(usize::MAX).min(len);
                    *left -= size as u64;
                    *used_up = (*left == 0).then_some(due);
                    Flow::Data(self.queue.take(size))
                }
                None if used_up.is_none() => self.queue.pop()?,
                _ if *then == Then::Reset => Flow::Reset,
                _ => Flow::Close,
            },
            _ => self.queue.pop()?,
        };
        if output.ends_connection() {
            self.shut = true;
            self.queue.clear();
        }
        Some((due, output))
    }

    /// The flows released when the toxic is removed.
    pub(super) fn into_rest(mut self, now: Instant) -> impl Iterator<Item = Flow> {
        if matches!(self.work, Work::Timeout { dropped: true, .. }) && !self.shut {
            self.queue.clear();
            self.queue.push(now, Flow::Close);
        }
        std::iter::from_fn(move || self.queue.pop())
    }
}

/// Flows in order, each with the time from which it may leave.
#[derive(Debug, Default)]
pub(super) struct Queue {
    items: VecDeque<(Instant, Flow)>,
    /// Bytes of the front chunk that have left.
    gone: usize,
    bytes: usize,
}

impl Queue {
    pub(super) fn push(&mut self, at: Instant, output: Flow) {
        if let Flow::Data(bytes) = &output {
            self.bytes += bytes.len();
        }
        self.items.push_back((at, output));
    }

    /// Removes the front flow.
    pub(super) fn pop(&mut self) -> Option<Flow> {
        match self.front_len() {
            Some(len) => Some(Flow::Data(self.take(len))),
            None => self.items.pop_front().map(|(_, output)| output),
        }
    }

    /// Removes the first `n` bytes of the front chunk; empty if the front is no chunk.
    fn take(&mut self, n: usize) -> Vec<u8> {
        let Some((_, Flow::Data(chunk))) = self.items.front_mut() else { return Vec::new() };
        let end = self.gone + n;
        let taken = match (self.gone, end == chunk.len()) {
            (0, true) => std::mem::take(chunk),
            _ => chunk[self.gone..end].to_vec(),
        };
        self.bytes -= n;
        self.gone = end;
        if end >= chunk.len() {
            self.items.pop_front();
            self.gone = 0;
        }
        taken
    }

    /// Bytes left of the front chunk, if it is one.
    fn front_len(&self) -> Option<usize> {
        match self.items.front() {
            Some((_, Flow::Data(chunk))) => Some(chunk.len() - self.gone),
            _ => None,
        }
    }

    /// The time from which the front may leave.
    pub(super) fn since(&self) -> Option<Instant> {
        self.items.front().map(|(at, _)| *at)
    }

    pub(super) fn is_empty(&self) -> bool {
        self.items.is_empty()
    }

    pub(super) fn bytes(&self) -> usize {
        self.bytes
    }

    pub(super) fn held(&self) -> usize {
        self.bytes + self.items.len() * CHUNK_SHARE
    }

    pub(super) fn clear(&mut self) {
        *self = Self::default();
    }
}

/// `SplitMix64`: small, seeded, the same on every machine.
#[derive(Debug)]
pub(super) struct Random(u64);

impl Random {
    pub(super) fn new(seed: u64) -> Self {
        Self(seed)
    }

    /// The next number; constants from <https://prng.di.unimi.it/splitmix64.c> (public domain).
    pub(super) fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mixed = (self.0 ^ (self.0 >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        let mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        mixed ^ (mixed >> 31)
    }

    /// A uniformly distributed number from `middle - spread` to `middle + spread`, at least 0.
    fn near(&mut self, middle: u64, spread: u64) -> u64 {
        let spread = spread.min(u64::MAX / 4);
        let choices = u128::from(2 * spread + 1);
        let chosen = (u128::from(self.next()) * choices) >> 64;
        middle.saturating_add(chosen as u64).saturating_sub(spread)
    }

    fn time(&mut self, middle: Duration, spread: Duration) -> Duration {
        Duration::from_nanos(self.near(nanos(middle), nanos(spread)))
    }

    fn size(&mut self, middle: usize, spread: usize) -> usize {
        usize::try_from(self.near(middle as u64, spread as u64)).unwrap_or(usize::MAX).max(1)
    }
}

/// `at + wait`, or `at + NEVER` if that is beyond the clock.
fn later(at: Instant, wait: Duration) -> Instant {
    at.checked_add(wait).unwrap_or_else(|| at + NEVER)
}

fn nanos(time: Duration) -> u64 {
    u64::try_from(time.as_nanos()).unwrap_or(u64::MAX)
}

/// Bytes of a piece of at most `len` bytes at `rate` KB/s.
fn piece_at(rate: u64, len: usize) -> usize {
    usize::try_from(rate.saturating_mul(PIECE_MS)).unwrap_or(usize::MAX).min(len)
}

/// Time for `len` bytes at `rate` KB/s, which is bytes per millisecond.
fn time_for(len: usize, rate: u64) -> Duration {
    Duration::from_nanos((len as u128 * 1_000_000 / u128::from(rate)) as u64)
}

/// Maximum time for one piece at a low rate, in milliseconds, as in toxiproxy.
const PIECE_MS: u64 = 100;
/// Overhead of a held chunk in bytes: its entry in the queue and its allocation.
const CHUNK_SHARE: usize = 64;
/// A time that no run reaches: a hundred years.
const NEVER: Duration = Duration::from_secs(100 * 365 * 24 * 3600);
