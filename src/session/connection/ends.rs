//! How a connection ends: the peer's end is delivered last, faults and time limits cut it short, and the socket is
//! let go once. What ends for a fault of ours ends by RST.
//!
//! Owns the steps from `Open` to `Released`; the table of phases stands in `connection`.

use std::time::Instant;

use super::{Action, Connection, End, Phase, WriteHalf};
use crate::config::{Silence, show_duration};
use crate::session::idle::Look;
use crate::session::inbound::Fault;
use crate::session::linger::{self, Linger};
use crate::session::timer::Timer;
use crate::session::{CloseReason, ConnError, ErrorKind, Event, Operation};

impl Connection {
    pub(super) fn is_delivered(&self) -> bool {
        self.end.is_none() && self.events.is_empty()
    }

    /// Pushes what the end of the stream gives; `None` when there is nothing to give.
    pub(super) fn deliver_end(&mut self, due: bool) -> Option<()> {
        let mut end = due.then(|| self.end.take()).flatten()?;
        self.view.info.note_heard_out();
        if self.phase == Phase::Open && !self.settings.discard {
            let last = match &mut end {
                End::Broken(error) => self.inbound.break_off(&self.view).map(|(last, rest)| {
                    error.message = with_rest(&error.message, rest);
                    last
                }),
                _ => self.inbound.finish(&self.view),
            };
            match last {
                Ok(last) => self.events.extend(last),
                Err(Fault::CutShort(bytes)) => {
                    let message = format!("the stream ended inside a frame, after {bytes} bytes of it");
                    self.trouble(ErrorKind::Frame, message);
                    self.aborts = true;
                }
                Err(fault) => {
                    self.fault(fault);
                    return Some(());
                }
            }
        }
        match end {
            End::Eof if self.phase == Phase::Open => self.events.push_back(Event::Eof),
            End::CutShort(error) if self.phase == Phase::Open => {
                self.events.extend([Event::Error(*error), Event::Eof]);
            }
            End::Eof | End::CutShort(_) => {}
            End::Close => {
                self.finish(if self.view.info.eof() { CloseReason::Eof } else { CloseReason::Closed });
            }
            End::Reset => self.release(CloseReason::Reset, true),
            End::Broken(error) => {
                // Whoever fails itself does not complain that the peer leaves.
                if !self.aborts && !matches!(self.phase, Phase::Lingering | Phase::Released) {
                    self.events.push_back(Event::Error(*error));
                }
                self.release(CloseReason::Reset, true);
            }
        }
        Some(())
    }

    pub(super) fn break_off(&mut self, error: ConnError) {
        self.read_ended = true;
        self.stop_writing();
        self.end = Some(End::Broken(Box::new(error)));
    }

    /// A fault of text or framing: told, then what was sent before goes out, then RST.
    pub(super) fn fault(&mut self, fault: Fault) {
        let (before, trouble) = fault.trouble(Operation::Read);
        self.events.extend(before);
        self.events.push_back(Event::Error(trouble));
        self.drop_undelivered();
        self.begin_abort(CloseReason::Error);
    }

    /// Flush, FIN, let go. What was delivered already still counts: only what follows is dropped.
    fn finish(&mut self, why: CloseReason) {
        self.drop_undelivered();
        self.shutdown();
        self.phase = Phase::Closing(why);
    }

    /// Flush, wait until that has arrived, RST, let go: our side has failed. No data event follows. What was ended in order
    /// before stays so.
    pub fn abort(&mut self, why: CloseReason) {
        // One whose last frame the peer has cut aborts whenever it ends, and is open until then.
        let is_new = self.phase == Phase::Open || (matches!(self.phase, Phase::Closing(_)) && !self.aborts);
        if is_new {
            self.discard_input();
            self.begin_abort(why);
        }
    }

    fn begin_abort(&mut self, why: CloseReason) {
        self.end_sending();
        self.aborts = true;
        self.phase = Phase::Closing(why);
    }

    /// Lets go without waiting for the peer any more: without RST, unless something that was to be sent is dropped.
    pub fn abandon(&mut self, why: CloseReason) {
        if self.phase != Phase::Released {
            self.discard_input();
            let is_cut_short = self.aborts || !self.outbound.is_empty();
            self.release(why, is_cut_short);
        }
    }

    /// The run ends: what has arrived of an unfinished unit is told, as far as that can be.
    pub fn break_off_input(&mut self) {
        let is_wanted = self.phase == Phase::Open && !self.settings.discard && !self.paused && self.end.is_none();
        if is_wanted && let Ok((last, _)) = self.inbound.break_off(&self.view) {
            self.events.extend(last);
        }
    }

    pub(super) fn trouble(&mut self, kind: ErrorKind, message: String) {
        self.events.push_back(Event::Error(ConnError { kind, op: Operation::Read, message }));
    }

    /// Only what was made an event already is told.
    fn drop_undelivered(&mut self) {
        self.inbound.discard();
        self.end = None;
    }

    pub(super) fn discard_input(&mut self) {
        self.drop_undelivered();
        self.events.take_if(|event| {
            matches!(
                event,
                Event::Data(_)
                    | Event::Text(_)
                    | Event::Line(_)
                    | Event::Frame(_)
                    | Event::Measure(_)
                    | Event::Found
                    | Event::Unmet
            )
        });
    }

    /// Ends it without flushing: `Closed`, then the socket goes.
    pub(super) fn release(&mut self, why: CloseReason, abort: bool) {
        self.stop_writing();
        self.closed(why);
        self.leave(abort);
    }

    pub(super) fn closed(&mut self, why: CloseReason) {
        if self.view.info.close() {
            self.events.push_back(Event::Closed(why));
        }
    }

    /// Lets go of the socket, once.
    fn leave(&mut self, abort: bool) {
        // At most one action waits: whoever has let go does nothing else.
        self.action = self.let_go(abort).or(self.action.take());
    }

    pub(super) fn let_go(&mut self, abort: bool) -> Option<Action> {
        if self.phase == Phase::Released {
            return None;
        }
        self.phase = Phase::Released;
        self.timers.stop_all();
        Some(Action::Release { abort })
    }

    pub(super) fn check_idle(&mut self, now: Instant, unacknowledged: usize) {
        let Some(idle) = self.view.info.idle_limit().filter(|_| self.phase == Phase::Open || !self.aborts) else {
            return;
        };
        match self.idle.look(now, self.view.info.last_activity(), idle, unacknowledged) {
            Look::Progress(next) => {
                self.view.info.note_progress(now);
                return self.timers.set(Timer::Idle, next);
            }
            Look::Wait(next) => return self.timers.set(Timer::Idle, next),
            Look::Idle => {}
        }
        let is_told = self.settings.silence == Silence::FaultOfAll && !self.is_unannounced();
        if self.settings.event_mask.idle || is_told {
            self.events.push_back(Event::Idle(now - self.view.info.last_activity()));
            return self.timers.set(Timer::Idle, now + idle);
        }
        let is_end = match self.settings.silence {
            Silence::Fault | Silence::FaultOfAll => false,
            Silence::End => true,
            Silence::EndAfterInput => self.is_datagram() && self.write != WriteHalf::Open,
        };
        if is_end {
            // What the kernel holds goes out without us, and nobody has said anything for long.
            return self.abandon(CloseReason::Timeout);
        }
        self.time_out(format!("idle for {}", show_duration(idle)));
    }

    pub(super) fn check_peer_idle(&mut self, now: Instant) {
        // Nothing is expected of the peer once our side has said its goodbye.
        let Some(limit) = self.view.info.peer_idle_limit().filter(|_| self.phase == Phase::Open) else { return };
        let since = self.view.info.last_received();
        if since + limit > now {
            return self.timers.set(Timer::PeerIdle, since + limit);
        }
        if self.settings.event_mask.idle {
            self.events.push_back(Event::Idle(now - since));
            return self.timers.set(Timer::PeerIdle, now + limit);
        }
        self.time_out(format!("the peer was silent for {}", show_duration(limit)));
    }

    fn time_out(&mut self, mut message: String) {
        let is_wanted = self.phase == Phase::Open && !self.settings.discard && !self.paused;
        if is_wanted && let Ok((last, rest)) = self.inbound.break_off(&self.view) {
            self.events.extend(last);
            message = with_rest(&message, rest);
        }
        self.events.push_back(Event::Error(ConnError { kind: ErrorKind::Timeout, op: Operation::Wait, message }));
        let is_quiet = self.settings.ends_in_order && self.outbound.is_empty();
        self.release(CloseReason::Timeout, !is_quiet);
    }

    /// What is aborted is watched from the first moment on.
    pub(in crate::session) fn watch_abort(&mut self, now: Instant) {
        if !matches!(self.phase, Phase::Closing(_)) || self.linger.is_some() || self.is_datagram() {
            return;
        }
        self.aborts |= self.fails_with_run;
        if self.aborts {
            self.linger(now, now);
        }
    }

    /// Watches the acknowledgements, at `first` for the first time.
    pub(super) fn linger(&mut self, now: Instant, first: Instant) {
        self.timers.stop_all();
        self.timers.set(Timer::Linger, first);
        self.linger = Some(Box::new(Linger::new(now)));
    }

    pub(super) fn check_linger(&mut self, now: Instant, unacknowledged: usize) {
        let awaits_arrival = self.awaits_arrival();
        let Some(linger) = &mut self.linger else { return };
        if awaits_arrival {
            let acknowledged = self.view.info.bytes_out().saturating_sub(unacknowledged as u64);
            if (unacknowledged == 0 && self.write_error.is_none()) || linger.is_stuck(now, acknowledged) {
                self.settings.awaits_arrival = false;
                self.linger = None;
            } else {
                self.timers.set(Timer::Linger, now + linger::ACKNOWLEDGEMENT_CHECK);
            }
            return;
        }
        let is_over = if self.aborts {
            let acknowledged = self.view.info.bytes_out().saturating_sub(unacknowledged as u64);
            (self.phase == Phase::Lingering && unacknowledged == 0) || linger.is_stuck(now, acknowledged)
        } else {
            linger.is_over(now, unacknowledged)
        };
        if is_over {
            match self.phase {
                Phase::Closing(why) => self.release(why, true),
                // `Closed` was told when the queue was empty.
                _ => self.leave(self.aborts),
            }
        } else {
            self.timers.set(Timer::Linger, now + linger::ACKNOWLEDGEMENT_CHECK);
        }
    }

    /// Stops absorbing: the run ends and everything sent was acknowledged.
    pub fn stop_lingering(&mut self) {
        if self.phase == Phase::Lingering {
            self.leave(self.aborts);
        }
    }
}

/// Why a connection is over, and what it leaves unfinished.
fn with_rest(why: &str, rest: Option<String>) -> String {
    rest.map_or_else(|| why.to_owned(), |rest| format!("{why}; {rest}"))
}
