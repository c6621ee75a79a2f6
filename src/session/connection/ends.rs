//! How a connection ends: the peer's end is delivered last, faults and time limits cut it short, and the socket is
//! let go once.
//!
//! Owns the steps from `Open` to `Released`; the table of phases stands in `connection`.

use std::time::Instant;

use super::{Action, Connection, End, Phase};
use crate::session::inbound::Fault;
use crate::session::linger;
use crate::session::timer::Timer;
use crate::session::{CloseReason, ConnError, ErrorKind, Event, Operation};

impl Connection {
    pub(super) fn is_delivered(&self) -> bool {
        self.end.is_none() && self.events.is_empty()
    }

    /// Pushes what the end of the stream gives; `None` when there is nothing to give.
    pub(super) fn deliver_end(&mut self, due: bool) -> Option<()> {
        let end = due.then(|| self.end.take()).flatten()?;
        if self.phase == Phase::Open && !self.settings.discard {
            match self.inbound.finish(&self.view) {
                Ok(last) => self.events.extend(last),
                Err(Fault::CutShort(bytes)) => {
                    let message = format!("the stream ended inside a frame, after {bytes} bytes of it");
                    self.trouble(ErrorKind::Frame, message);
                }
                Err(fault) => {
                    self.fault(fault);
                    return Some(());
                }
            }
        }
        match end {
            End::Eof if self.phase == Phase::Open => self.events.push_back(Event::Eof),
            End::Eof => {}
            End::Close => {
                self.finish(if self.view.info.eof() { CloseReason::Eof } else { CloseReason::Closed });
            }
            End::Reset => self.release(CloseReason::Reset, true),
            End::Broken(error) => {
                if !matches!(self.phase, Phase::Lingering | Phase::Released) {
                    self.events.push_back(Event::Error(*error));
                }
                self.release(CloseReason::Reset, false);
            }
        }
        Some(())
    }

    pub(super) fn break_off(&mut self, error: ConnError) {
        self.read_ended = true;
        self.stop_writing();
        self.end = Some(End::Broken(Box::new(error)));
    }

    /// A fault of text or framing: told, then closed (text) or reset (frame).
    pub(super) fn fault(&mut self, fault: Fault) {
        let (kind, message) = match fault {
            Fault::Text { before, error } => {
                self.events.extend(before);
                (ErrorKind::Text, error.to_string())
            }
            Fault::LineTooLong(limit) => (ErrorKind::Frame, format!("a line is longer than {limit} bytes")),
            Fault::Frame(error) => (ErrorKind::Frame, error.to_string()),
            Fault::CutShort(bytes) => (ErrorKind::Frame, format!("{bytes} bytes are no whole frame")),
            Fault::Unmet(max) => (ErrorKind::Frame, format!("what is expected did not come in {max} bytes")),
        };
        self.trouble(kind, message);
        if kind == ErrorKind::Frame {
            self.release(CloseReason::Error, true);
        } else {
            self.finish(CloseReason::Error);
        }
    }

    /// Flush, FIN, let go. What was delivered already still counts: only what follows is dropped.
    fn finish(&mut self, why: CloseReason) {
        self.inbound.discard();
        self.end = None;
        self.shutdown();
        self.phase = Phase::Closing(why);
    }

    pub(super) fn trouble(&mut self, kind: ErrorKind, message: String) {
        self.events.push_back(Event::Error(ConnError { kind, op: Operation::Read, message }));
    }

    pub(super) fn discard_input(&mut self) {
        self.inbound.discard();
        self.end = None;
        self.events.take_if(|event| {
            matches!(
                event,
                Event::Data(_)
                    | Event::Text(_)
                    | Event::Line(_)
                    | Event::Frame(_)
                    | Event::Measure(_)
                    | Event::Unmet(_)
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

    pub(super) fn check_idle(&mut self, now: Instant) {
        let Some(idle) = self.view.info.idle_limit() else { return };
        let due = self.view.info.last_activity() + idle;
        if due > now {
            return self.timers.set(Timer::Idle, due);
        }
        if self.settings.event_mask.idle {
            self.events.push_back(Event::Idle(now - self.view.info.last_activity()));
            return self.timers.set(Timer::Idle, now + idle);
        }
        let message = format!("idle for {}", crate::config::show_duration(idle));
        self.events.push_back(Event::Error(ConnError { kind: ErrorKind::Timeout, op: Operation::Wait, message }));
        let stuck = self.queued() > 0;
        self.release(CloseReason::Timeout, stuck);
    }

    pub(super) fn check_linger(&mut self, now: Instant, unacknowledged: usize) {
        let Some(linger) = &mut self.linger else { return };
        if linger.is_over(now, unacknowledged) {
            self.leave(false);
        } else {
            self.timers.set(Timer::Linger, now + linger::CHECK);
        }
    }

    /// Stops absorbing: the run ends and everything sent was acknowledged.
    pub fn stop_lingering(&mut self) {
        if self.phase == Phase::Lingering {
            self.leave(false);
        }
    }
}
