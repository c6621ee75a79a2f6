//! How a run ends: the first fatal error, signals, the run's time limit, `exit(n)`, stdout's reader leaving,
//! or simply that nothing is left to do.
//!
//! | stage | left by |
//! |---|---|
//! | Running | nothing left to do, or one of the reasons above → Stopping |
//! | Stopping | queues flushed and connections gone, or the grace is over; then `on_stop` → Flushing |
//! | Flushing | stdout has everything, or the grace is over → the exit code |

use std::time::{Duration, Instant};

use signal_hook::consts::SIGPIPE;

use crate::config::{ScriptErrors, show_duration};
use crate::driver::stdout::StdoutError;
use crate::driver::{Driver, Source};
use crate::error::Error;
use crate::exit::Exit;
use crate::net::reactor::Slot;
use crate::net::signal;
use crate::session::CloseReason;

/// How long queues may take to empty once the end was asked for.
const GRACE: Duration = Duration::from_secs(1);

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Stage {
    Running,
    Stopping,
    Flushing,
    Over,
}

/// Where the run stands and what it will end with.
pub(super) struct Shutdown {
    stage: Stage,
    exit: Option<Exit>,
    script_failed: bool,
    /// Another worker has said so: a signal that comes now is probably what it got, too.
    followed: bool,
    run_until: Option<Instant>,
    grace_until: Option<Instant>,
}

impl Shutdown {
    pub(super) fn new() -> Self {
        Self {
            stage: Stage::Running,
            exit: None,
            script_failed: false,
            followed: false,
            run_until: None,
            grace_until: None,
        }
    }

    pub(super) fn is_running(&self) -> bool {
        self.stage == Stage::Running
    }

    pub(super) fn is_stopping(&self) -> bool {
        self.stage == Stage::Stopping
    }

    pub(super) fn deadline(&self) -> Option<Instant> {
        match self.stage {
            Stage::Running => self.run_until,
            Stage::Stopping | Stage::Flushing => self.grace_until,
            Stage::Over => None,
        }
    }

    /// A signal beats 112, every other error keeps its place as the first.
    pub(super) fn code(&self) -> Exit {
        self.exit.unwrap_or(if self.script_failed { Exit::ScriptRun } else { Exit::Success })
    }
}

impl Driver {
    /// Sets the clock of the run going.
    pub(super) fn start_clock(&mut self) {
        self.shutdown.run_until = self.config.limits.run.map(|limit| self.io.now + limit);
        if let Some(handler) = &self.handler {
            handler.set_run_until(self.shutdown.run_until);
        }
    }

    /// Tells a fault. The first one decides the exit code.
    pub(super) fn fail(&mut self, error: &Error) {
        self.io.console.error(error);
        self.shutdown.exit.get_or_insert(error.exit());
    }

    /// Begins the end: nobody new, nothing more from stdin; queues get time to empty, without limit if `grace`
    /// is `None`.
    pub(super) fn stop(&mut self, grace: Option<Duration>) {
        if !self.shutdown.is_running() {
            return;
        }
        self.shutdown.stage = Stage::Stopping;
        if let Some(handler) = &self.handler {
            handler.set_ending();
        }
        if let Some(worker) = &self.worker {
            worker.end(self.shutdown.code());
        }
        self.shutdown.grace_until = Some(self.io.now + grace.unwrap_or(GRACE * 5));
        self.stop_listening();
        self.stop_dialing();
        self.stop_stdin();
        for slot in self.peer_slots() {
            self.with_peer(slot, |driver, peer| {
                peer.conn.close(CloseReason::Stop);
                driver.pump(peer);
            });
        }
    }

    /// Another worker has ended, and says what the run ends with.
    pub(super) fn end_with(&mut self, exit: Exit) {
        if self.shutdown.is_running() {
            self.shutdown.exit.get_or_insert(exit);
            self.shutdown.followed = true;
            self.stop(Some(GRACE));
        }
    }

    /// A script called `exit(code)`.
    pub(super) fn exit_asked(&mut self, code: u8) {
        self.shutdown.exit.get_or_insert(Exit::Script(code));
        self.stop(Some(GRACE));
    }

    /// A handler failed; the run's exit code remembers it.
    pub(super) fn script_error(&mut self) {
        self.shutdown.script_failed = true;
        if self.script_errors() == ScriptErrors::Fatal {
            self.shutdown.exit.get_or_insert(Exit::ScriptRun);
            self.stop(Some(GRACE));
        }
    }

    pub(super) fn closes_after_script_error(&self) -> bool {
        self.script_errors() != ScriptErrors::Ignore
    }

    fn script_errors(&self) -> ScriptErrors {
        self.config.script.as_ref().map_or_else(ScriptErrors::default, |script| script.on_error)
    }

    /// stdout took what it could, or did not.
    pub(super) fn after_output(&mut self, result: Result<(), StdoutError>) {
        match result {
            Ok(()) => {}
            Err(_) if self.shutdown.stage == Stage::Over => {}
            Err(StdoutError::ReaderGone) => {
                self.shutdown.exit.get_or_insert(Exit::Signal(SIGPIPE));
                self.shutdown.stage = Stage::Over;
            }
            Err(StdoutError::Failed(error)) => {
                self.fail(&error);
                self.shutdown.stage = Stage::Over;
            }
        }
    }

    /// A signal came. The second one, or one that comes while the run is shutdown, is immediate.
    pub(super) fn signal_turn(&mut self, slot: Slot) {
        self.io.reactor.readiness(slot).readable = false;
        let pending: Vec<i32> = self.signals.pending().collect();
        for number in pending {
            self.io.console.note(&format!("SIG{}", signal::name(number)));
            if self.shutdown.is_running() {
                if self.script_signal(signal::name(number)) {
                    continue;
                }
                self.shutdown.exit.get_or_insert(Exit::Signal(number));
                self.stop(Some(GRACE));
            } else if !std::mem::take(&mut self.shutdown.followed) {
                self.shutdown.exit = Some(Exit::Signal(number));
                self.shutdown.stage = Stage::Over;
            }
        }
    }

    /// The run's time may be up.
    pub(super) fn shutdown_timers(&mut self) {
        if self.shutdown.is_running() && self.shutdown.run_until.is_some_and(|at| at <= self.io.now) {
            let limit = self.config.limits.run.map(show_duration).unwrap_or_default();
            self.fail(&Error::Timeout { what: format!("timed out after {limit} (--timeout)") });
            self.stop(Some(GRACE));
        }
    }

    /// The exit code, once everything is over; until then, the step from one stage to the next.
    pub(super) fn poll_exit(&mut self) -> Option<Exit> {
        let is_late = self.shutdown.grace_until.is_some_and(|at| at <= self.io.now);
        if self.shutdown.is_running() && self.dialings.is_empty() && !self.is_listening() && self.open == 0 {
            self.stop(None);
        }
        if self.shutdown.is_stopping() && (self.open == 0 || is_late) {
            for slot in self.peer_slots() {
                self.with_peer(slot, |driver, peer| {
                    peer.conn.reset(CloseReason::Stop);
                    driver.pump(peer);
                });
            }
            self.script_stopping();
            self.stdout.finish();
            if self.shutdown.is_stopping() {
                self.shutdown.stage = Stage::Flushing;
                // What was received is written however long its reader takes, except after a signal and the like.
                if !matches!(self.shutdown.exit, Some(Exit::Signal(_) | Exit::Script(_) | Exit::Timeout)) {
                    self.shutdown.grace_until = None;
                }
            }
        }
        if self.shutdown.stage == Stage::Flushing {
            let result = self.stdout.flush(&mut self.io.reactor);
            self.after_output(result);
            if self.stdout.is_empty() || is_late {
                self.shutdown.stage = Stage::Over;
            }
        }
        if self.shutdown.stage != Stage::Over {
            return None;
        }
        let code = self.shutdown.code();
        if let Some(worker) = &self.worker {
            worker.end(code);
        }
        Some(code)
    }

    pub(super) fn peer_slots(&self) -> Vec<Slot> {
        let is_peer = |&(_, thing): &(Slot, &Source)| matches!(thing, Source::Peer(_));
        self.sources.iter().enumerate().filter(is_peer).map(|(slot, _)| slot).collect()
    }
}
