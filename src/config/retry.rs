//! `Retry`: when the run's own connection is made again, and how long after.

use std::time::Duration;

/// First pause of a back-off, which doubles with each try in vain.
pub const FIRST_PAUSE: Duration = Duration::from_millis(100);
/// Longest pause of a back-off.
pub const LONGEST_PAUSE: Duration = Duration::from_secs(30);
/// The same for `tcpx wait`.
pub const LONGEST_WAIT: Duration = Duration::from_secs(1);

/// Further tries of the run's own connection.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Retry {
    /// What another try follows.
    pub after: RetryAfter,
    /// Further tries in a row without a connection; `None`: without end.
    pub tries: Option<u64>,
    /// Time before each; `None`: a back-off from [`FIRST_PAUSE`] to [`LONGEST_PAUSE`].
    pub delay: Option<Duration>,
}

/// What another try follows.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum RetryAfter {
    /// `--retry`: there was no connection, or not in time (7 or 28).
    NoConnection,
    /// `--reconnect`: any end.
    AnyEnd,
    /// `tcpx wait`: everything but an answer, and what no time will mend.
    NoAnswer,
}
