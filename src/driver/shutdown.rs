//! `Shutdown`: the stage of the run and its exit code, from the first fatal error, signals, the time limit of the run,
//! `exit(n)`, a verdict, the reader of stdout leaving, or nothing left to do.
//!
//! A pure state machine; `closing` carries a stop out (listeners, connections, stdin, stdout).
//!
//! | stage | left by |
//! |---|---|
//! | Running | nothing left to do, or one of the reasons above → Stopping (without stdout's reader: see `closing`) |
//! | Stopping | queues flushed and connections gone, or the grace is over; then `on_stop` → Flushing |
//! | Flushing | stdout has everything, or the grace is over → Over: the exit code |

use std::time::{Duration, Instant};

use signal_hook::consts::SIGPIPE;

use crate::config::show_duration;
use crate::error::Error;
use crate::exit::Exit;
use crate::session::earliest;
use crate::session::eof_policy::QUIET;

/// Time for queues to empty after a requested end (signal, time limit, `exit(n)`).
pub(super) const GRACE: Duration = Duration::from_secs(1);
/// Time for queues to empty after any other end.
const LONG_GRACE: Duration = Duration::from_secs(5);

/// How the run ends its connections: the peer of a run that failed must not see an orderly end.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Ending {
    /// By FIN, after what is queued. What is not sent within the grace is cut off by RST.
    InOrder,
    /// The same, but by RST also if the peer has not acknowledged everything when the run is over.
    IfAcknowledged,
    /// By RST, after what is queued was sent and acknowledged, as far as the grace allows.
    ByReset,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Stage {
    Running,
    Stopping,
    Flushing,
    Over,
}

/// What the reader of stdout does.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Reader {
    /// It reads, or nobody knows otherwise.
    There,
    /// It has gone, and nothing is lost so far.
    Gone,
    /// It has gone, and something that was to be written, or may have come, is lost.
    Missed,
}

/// The stage of a run and its exit code.
#[derive(Debug)]
pub(super) struct Shutdown {
    stage: Stage,
    exit: Option<Exit>,
    script_failed: bool,
    /// Silence and proxies that fail end connections in order.
    is_in_order: bool,
    /// A verdict was given: how connections end does not matter any more.
    has_verdict: bool,
    /// Another worker has ended the run: a signal that comes now is probably the same one.
    followed: bool,
    run_until: Option<Instant>,
    reader: Reader,
    /// Lines of events are lost without stdout's reader.
    misses_lines: bool,
    /// Until when a run without stdout's reader may end by itself.
    end_until: Option<Instant>,
    /// While what was sent is awaited without stdout's reader: when to look again.
    look_at: Option<Instant>,
    grace_until: Option<Instant>,
    /// The grace lasts while something goes out: bytes that were left when it was last renewed.
    left: Option<usize>,
    /// The stop is decided but not carried out.
    is_stop_due: bool,
}

impl Shutdown {
    /// A running run. `run_until`: its time limit, if there is one.
    pub(super) fn new(run_until: Option<Instant>) -> Self {
        Self {
            stage: Stage::Running,
            exit: None,
            script_failed: false,
            is_in_order: false,
            has_verdict: false,
            followed: false,
            run_until,
            reader: Reader::There,
            misses_lines: false,
            end_until: None,
            look_at: None,
            grace_until: None,
            left: None,
            is_stop_due: false,
        }
    }

    pub(super) fn is_running(&self) -> bool {
        self.stage == Stage::Running
    }

    pub(super) fn is_stopping(&self) -> bool {
        self.stage == Stage::Stopping
    }

    pub(super) fn is_flushing(&self) -> bool {
        self.stage == Stage::Flushing
    }

    pub(super) fn is_over(&self) -> bool {
        self.stage == Stage::Over
    }

    /// When the next stage is due.
    pub(super) fn deadline(&self) -> Option<Instant> {
        match self.stage {
            Stage::Running => earliest([self.run_until, self.look_at]),
            Stage::Stopping | Stage::Flushing => self.grace_until,
            Stage::Over => None,
        }
    }

    /// Whether the time limit of the run has passed.
    pub(super) fn is_run_over(&self, now: Instant) -> bool {
        self.is_running() && self.run_until.is_some_and(|at| at <= now)
    }

    /// Whether the grace is over.
    pub(super) fn is_late(&self, now: Instant) -> bool {
        self.grace_until.is_some_and(|at| at <= now)
    }

    /// The exit code: the first error, else SIGPIPE if stdout's reader misses something, else a failed script.
    pub(super) fn code(&self) -> Exit {
        // A reader such as `grep -q` may go after the same match.
        let is_cut = match self.reader {
            Reader::There => false,
            Reader::Gone => self.misses_lines && !self.has_verdict,
            Reader::Missed => !self.has_verdict,
        };
        match self.exit {
            // `exit(0)` does not say that somebody has got all that was printed.
            None | Some(Exit::Script(0)) if is_cut => Exit::Signal(SIGPIPE),
            None if self.script_failed => Exit::ScriptRun,
            exit => exit.unwrap_or(Exit::Success),
        }
    }

    /// Silence and proxies are no reason for RST.
    pub(super) fn in_order(mut self, is_so: bool) -> Self {
        self.is_in_order = is_so;
        self
    }

    /// How connections end, by the exit code: everything but success, a verdict and a script's own number is a fault.
    pub(super) fn ending(&self) -> Ending {
        match self.code() {
            Exit::Success | Exit::Verdict | Exit::Script(_) => Ending::InOrder,
            Exit::Signal(SIGPIPE) => Ending::IfAcknowledged,
            Exit::Timeout | Exit::Proxy if self.is_in_order => Ending::IfAcknowledged,
            _ => Ending::ByReset,
        }
    }

    /// Notes a fatal error. The first one decides the exit code.
    pub(super) fn note_fault(&mut self, exit: Exit) {
        // A handler that failed before was the first; only what ends the run from outside and the script's own code beat it.
        let is_later = self.script_failed && !matches!(exit, Exit::Signal(_) | Exit::Script(_) | Exit::Timeout);
        self.exit.get_or_insert(if is_later { Exit::ScriptRun } else { exit });
    }

    /// Notes the code that a handler asks for. It takes the place of what a connection has failed with, but does not change the
    /// code of a run that is ending.
    pub(super) fn note_asked(&mut self, exit: Exit) {
        if self.is_running() {
            self.exit = Some(exit);
        } else {
            self.note_fault(exit);
        }
    }

    /// Notes that a verdict was given.
    pub(super) fn note_verdict(&mut self) {
        self.has_verdict = true;
    }

    /// Whether a verdict was given.
    pub(super) fn has_verdict(&self) -> bool {
        self.has_verdict
    }

    /// Whether nothing has decided the exit code yet.
    pub(super) fn is_undecided(&self) -> bool {
        self.exit.is_none()
    }

    /// Notes that a handler of the script failed.
    pub(super) fn note_script_failure(&mut self) {
        self.script_failed = true;
    }

    /// Whether a handler of the script failed.
    pub(super) fn has_script_failed(&self) -> bool {
        self.script_failed
    }

    /// Decides a stop: queues get `grace` to empty, or a longer default. Returns whether the run was still running.
    pub(super) fn stop(&mut self, now: Instant, grace: Option<Duration>) -> bool {
        let was_running = self.is_running();
        if was_running {
            self.stage = Stage::Stopping;
            self.grace_until = Some(now + grace.unwrap_or(LONG_GRACE));
            self.is_stop_due = true;
        }
        was_running
    }

    /// Whether a stop was decided since the last call.
    pub(super) fn take_stop(&mut self) -> bool {
        std::mem::take(&mut self.is_stop_due)
    }

    /// Stops because another worker has ended with this exit code.
    pub(super) fn follow(&mut self, now: Instant, exit: Exit) {
        if self.stop(now, Some(GRACE)) {
            self.exit.get_or_insert(exit);
            self.followed = true;
        }
    }

    /// Handles a signal that no handler takes. A second one, or one that comes while the run is ending, ends it at once.
    /// `is_reported`: the exit code was reported to observers and does not change any more.
    pub(super) fn handle_signal(&mut self, now: Instant, number: i32, is_reported: bool) {
        if self.stop(now, Some(GRACE)) {
            self.exit.get_or_insert(Exit::Signal(number));
        } else if !std::mem::take(&mut self.followed) {
            if !is_reported {
                self.exit = Some(Exit::Signal(number));
            }
            self.stage = Stage::Over;
        }
    }

    /// Notes that the reader of stdout has gone. `is_missed`: something that was to be written is lost.
    pub(super) fn note_reader_gone(&mut self, is_missed: bool) {
        self.reader = if is_missed || self.reader == Reader::Missed { Reader::Missed } else { Reader::Gone };
    }

    /// Notes that lines of events are lost without stdout's reader.
    pub(super) fn note_missed_lines(&mut self) {
        self.misses_lines = true;
    }

    /// Whether a run without stdout's reader has had its time to end by itself. Wakes the loop when it is over.
    pub(super) fn has_waited(&mut self, now: Instant) -> bool {
        let until = *self.end_until.get_or_insert(now + QUIET);
        self.look_at = Some(until);
        until <= now
    }

    /// A run without stdout's reader has had its time to end by itself.
    pub(super) fn stop_waiting(&mut self, now: Instant) {
        self.end_until = Some(now);
    }

    /// What the reader of stdout does.
    pub(super) fn reader(&self) -> Reader {
        self.reader
    }

    /// Wakes the loop at that time, to look at what was sent without stdout's reader.
    pub(super) fn look_at(&mut self, at: Option<Instant>) {
        self.look_at = at;
    }

    /// Stops without stdout's reader, which misses what may have come: the `left` bytes that were to be sent get their time as
    /// long as some of them go out.
    pub(super) fn stop_without_reader(&mut self, now: Instant, left: usize) {
        if self.stop(now, Some(GRACE)) {
            self.left = Some(left);
            self.reader = Reader::Missed;
        }
    }

    /// Whether the grace of a stop lasts while something goes out.
    pub(super) fn is_patient(&self) -> bool {
        self.is_stopping() && self.left.is_some()
    }

    /// Renews an expired grace of that kind if fewer bytes are left now.
    pub(super) fn renew(&mut self, now: Instant, left: usize) {
        if self.left.is_some_and(|before| left < before) {
            self.left = Some(left);
            self.grace_until = Some(now + GRACE);
        }
    }

    /// Stops the run because stdout or an observer cannot write.
    pub(super) fn handle_output_fault(&mut self, now: Instant, exit: Exit) {
        self.note_fault(exit);
        self.stop(now, None);
    }

    /// Goes from Stopping to Flushing. stdout may take as long as its reader needs, except after a signal, a time limit or
    /// `exit(n)`.
    pub(super) fn begin_flushing(&mut self) {
        if self.is_stopping() {
            self.stage = Stage::Flushing;
            self.left = None;
            if !matches!(self.exit, Some(Exit::Signal(_) | Exit::Script(_) | Exit::Timeout)) {
                self.grace_until = None;
            }
        }
    }

    /// Ends the run: stdout has everything, or the grace is over.
    pub(super) fn end(&mut self) {
        self.stage = Stage::Over;
    }
}

/// The error of a run whose time limit has passed. `failure`: what it has tried in vain meanwhile.
pub(super) fn run_over(limit: Duration, failure: Option<&str>) -> Error {
    let failure = failure.map(|failure| format!(": {failure}")).unwrap_or_default();
    Error::Timeout { what: format!("timed out after {} (--timeout){failure}", show_duration(limit)) }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_first_fault_decides_and_a_signal_beats_a_failed_script() {
        let mut shutdown = Shutdown::new(None);
        shutdown.note_script_failure();
        assert_eq!(shutdown.code(), Exit::ScriptRun);
        shutdown.note_fault(Exit::Timeout);
        shutdown.note_fault(Exit::Broken);
        assert_eq!(shutdown.code(), Exit::Timeout);
        let mut shutdown = Shutdown::new(None);
        shutdown.note_script_failure();
        shutdown.note_fault(Exit::Broken);
        assert_eq!(shutdown.code(), Exit::ScriptRun, "it came first");
        let mut shutdown = Shutdown::new(None);
        shutdown.note_script_failure();
        shutdown.handle_signal(Instant::now(), 15, false);
        assert_eq!(shutdown.code(), Exit::Signal(15));
    }

    #[test]
    fn a_stop_is_carried_out_once_and_a_second_signal_ends_the_run() {
        let now = Instant::now();
        let mut shutdown = Shutdown::new(None);
        assert!(!shutdown.take_stop());
        assert!(shutdown.stop(now, None) && !shutdown.stop(now, None));
        assert!(shutdown.take_stop() && !shutdown.take_stop());
        shutdown.handle_signal(now, 2, false);
        assert!(shutdown.is_over());
        assert_eq!(shutdown.code(), Exit::Signal(2));
    }

    #[test]
    fn the_signal_of_a_worker_that_another_has_stopped_is_the_same_one() {
        let now = Instant::now();
        let mut shutdown = Shutdown::new(None);
        shutdown.follow(now, Exit::Signal(15));
        shutdown.handle_signal(now, 15, false);
        assert!(shutdown.is_stopping());
        shutdown.handle_signal(now, 15, false);
        assert!(shutdown.is_over());
    }

    #[test]
    fn stdout_may_take_its_time_unless_the_end_was_asked_for() {
        let now = Instant::now();
        for (exit, is_bounded) in
            [(Exit::Success, false), (Exit::Broken, false), (Exit::Timeout, true), (Exit::Script(0), true)]
        {
            let mut shutdown = Shutdown::new(None);
            shutdown.note_fault(exit);
            shutdown.stop(now, None);
            shutdown.begin_flushing();
            assert!(shutdown.is_flushing());
            assert_eq!(shutdown.deadline().is_some(), is_bounded, "{exit:?}");
        }
    }
}
