//! Closing: how a stop is carried out, stage by stage.
//!
//! Owns what each part does when the run ends. The stage and the exit code are owned by `shutdown`.

use crate::config::{Role, Voice};
use crate::driver::parts::Parts;
use crate::driver::peer::Peer;
use crate::driver::shutdown::{Ending, GRACE, Reader, run_over};
use crate::driver::turns::Arrived;
use crate::exit::Exit;
use crate::output::{Notice, Totals};
use crate::session::eof_policy::AfterEof;
use crate::session::{ACKNOWLEDGEMENT_CHECK, RunEvent};

/// Maximum reads of what has arrived when the run ends for a fault, of all connections together, beside one of each.
const ARRIVED: usize = 1024;

impl Parts {
    /// Whether the reader of stdout has gone with all that came, and the run waits for silence alone, its end.
    pub(super) fn is_answered(&mut self) -> bool {
        let has_all = self.shutdown.is_running() && self.shutdown.reader() == Reader::Gone;
        has_all && self.only_awaits_silence() && !self.is_sending_rest()
    }

    /// Stops a run whose stdout has no reader: at once if something received is lost, else once everything to be sent is and
    /// the run does not end by itself.
    pub(super) fn follow_reader(&mut self) {
        let must_stop = self.shutdown.is_running()
            && match self.shutdown.reader() {
                Reader::There => false,
                Reader::Gone if self.is_sending_rest() || self.is_idle() => false,
                // One that connects again after each end has none of its own.
                Reader::Gone => self.redial.reconnects() || self.shutdown.has_waited(self.io.now),
                // nc sends on.
                Reader::Missed => self.config.output.voice != Voice::Nc || !self.is_sending_rest(),
            };
        if must_stop {
            let left = self.left_to_send();
            self.shutdown.stop_without_reader(self.io.now, left);
        }
    }

    /// Whether the run has asked, and ends in order once no further answer comes for some time.
    fn only_awaits_silence(&self) -> bool {
        let has_asked = |peer: &Peer| peer.link.is_datagram() && !peer.link.view().info.can_send();
        let is_client = matches!(self.config.role, Role::Connect(_)) && self.config.script.is_none();
        is_client && (self.stdin.has_eof_wait() || (!self.peers.is_empty() && self.peers.iter().all(has_asked)))
    }

    /// Whether something is still to be sent, without a reader of stdout: what stdin has, by the rules of `EofPolicy`, the
    /// preamble, and with one connection what the peer has not acknowledged.
    fn is_sending_rest(&mut self) -> bool {
        let has_peers = !self.peers.is_empty();
        match self.policy.at_reader_gone(self.stdin.kind()) {
            // The rest is nothing, and nobody is there to read its end for.
            _ if !has_peers && self.stdin.is_exhausted() => {}
            AfterEof::Close => {}
            AfterEof::SendRest | AfterEof::Keep => return true,
            AfterEof::SendUntilQuiet(quiet) => {
                self.stdin.begin_quiet(quiet, self.io.now);
                return true;
            }
        }
        let is_dialing = (!self.dials.is_empty() || self.redial.is_waiting()) && !self.config.preamble.is_empty();
        if is_dialing || self.peers.iter().any(|peer| peer.preamble.is_some()) {
            return true;
        }
        let is_left = self.config.is_single_peer() && self.left_to_send() > 0;
        self.shutdown.look_at(is_left.then(|| self.io.now + ACKNOWLEDGEMENT_CHECK));
        is_left
    }

    /// Whether the grace of a stop is over. That of a run without stdout's reader lasts while something goes out.
    pub(super) fn is_late(&mut self) -> bool {
        let now = self.io.now;
        if self.shutdown.is_late(now) && self.shutdown.is_patient() {
            let left = self.left_to_send();
            self.shutdown.renew(now, left);
        }
        self.shutdown.is_late(now)
    }

    /// Stops the run once nothing is left to do. The handler may give its verdict first.
    pub(super) fn stop_if_idle(&mut self) {
        if !self.shutdown.is_running() || !self.is_idle() {
            return;
        }
        // Nothing may be left because a call of a script was stopped at that moment.
        if self.shutdown.is_run_over(self.io.clock_now()) {
            return self.run_is_over();
        }
        if !self.shutdown.is_undecided() {
            self.tell_pending();
        } else if let Some(verdict) = self.handler.as_ref().and_then(|handler| handler.conclude()) {
            self.pronounce(verdict);
        }
        self.stop(None);
    }

    /// Carries out a stop that was decided: closes listeners and dials, stops stdin, closes connections.
    pub(super) fn carry_out_stop(&mut self) {
        if let Some(handler) = self.handler.clone() {
            let mut commands = Vec::new();
            handler.ending(self.shutdown.code(), &mut commands);
            self.apply(&mut commands);
        }
        if let Some(worker) = &self.worker {
            worker.end(self.shutdown.code());
        }
        self.listeners.stop(&mut self.io);
        self.dials.stop(&mut self.io);
        self.redial.stop();
        self.end_scanning();
        self.stdin.stop(&mut self.io);
        self.programs.release_all(&mut self.io);
        self.companion.stop();
        let ending = self.shutdown.ending();
        let is_taken = ending == Ending::ByReset && !self.stdout.has_failed();
        let slots = self.peers.slots();
        // Whoever sends faster than we write would keep us here.
        let mut budget = Arrived { reads: ARRIVED + slots.len(), until: self.io.clock_now() + GRACE };
        let has_partner = |parts: &Self, slot| parts.peers.get(slot).is_some_and(|peer| peer.partner.is_some());
        // What a partner gets has to come before its end.
        for &slot in slots.iter().filter(|_| is_taken) {
            if has_partner(self, slot) {
                self.take_arrived(slot, &mut budget);
            }
        }
        for slot in slots {
            // Just before its end: what comes in between is acknowledged by the kernel, and read by nobody.
            if is_taken && !has_partner(self, slot) {
                self.take_arrived(slot, &mut budget);
            }
            self.work_on(slot, |peer| peer.end_with_run(ending));
            let now = self.io.now;
            self.work_on(slot, |peer| peer.end_if_acknowledged(now));
        }
    }

    /// Ends connections that are left after the grace, and calls `on_stop`.
    pub(super) fn end_connections(&mut self) {
        let ending = self.shutdown.ending();
        for slot in self.peers.slots() {
            self.work_on(slot, |peer| peer.leave(ending));
        }
        self.tell_run(RunEvent::Stop(self.shutdown.code().code()));
        self.stdout.finish();
        self.shutdown.begin_flushing();
    }

    /// Whether no connection and no program is left.
    pub(super) fn is_quiet(&self) -> bool {
        self.peers.is_empty() && self.programs.is_empty() && !self.companion.is_running()
    }

    /// Whether nothing is left to do.
    fn is_idle(&self) -> bool {
        self.is_quiet()
            && !self.has_outcomes()
            && self.dials.is_empty()
            && !self.redial.is_waiting()
            && !self.is_scanning()
            && !self.listeners.is_listening()
            && !self.handler.as_ref().is_some_and(|handler| handler.keeps_run())
            && !(self.config.input.waits_out_eof && self.stdin.has_eof_wait())
    }

    /// Stops the run when its time limit has passed.
    pub(super) fn run_timer(&mut self) {
        if self.shutdown.is_run_over(self.io.now) {
            self.run_is_over();
        }
    }

    fn run_is_over(&mut self) {
        self.fail(&run_over(self.config.limits.run.unwrap_or_default(), self.redial.last_failure()));
        self.tell_pending();
        self.stop(Some(GRACE));
    }

    /// Writes the rest of stdout's queue. The run is over once the queue is empty, or if `is_late`.
    pub(super) fn flush_stdout(&mut self, is_late: bool) {
        let result = self.stdout.flush(&mut self.io);
        self.after_output(result);
        if self.stdout.is_empty() || is_late {
            self.notify_exit();
        }
        // Checked again: the notice of the exit may have queued a line of events.
        if is_late || (self.stdout.is_empty() && self.stderr.is_done(self.io.now)) {
            self.shutdown.end();
        }
    }

    /// Flushes the observers and stderr, once a round.
    pub(super) fn flush_observers(&mut self) {
        if self.stderr.flush(&mut self.io) {
            self.peers.wake_stalled(&mut self.io);
            self.stdin.wake(&mut self.io);
        }
        if self.io.observers.hold_back()
            && let Some(error) = self.io.observers.flush()
        {
            self.io.notify_error(None, &error, false);
            self.shutdown.handle_output_fault(self.io.now, error.exit());
        }
        if self.stdout.takes_events() {
            let result = self.stdout.flush_events(&mut self.io);
            self.after_output(result);
            if self.stdout.has_room() {
                self.peers.wake_stalled(&mut self.io);
            }
        }
    }

    /// Reports the exit code to the observers, once; it does not change afterwards.
    fn notify_exit(&mut self) {
        let exit = self.shutdown.code();
        if !self.io.observers.know_exit() {
            if let Some((name, queued)) = self.stdout.waiting() {
                self.io.notify(&Notice::Unwritten { name, queued });
            }
            self.notify_totals();
        }
        if self.io.observers.notify_exit(self.io.now, exit) {
            self.flush_observers();
        }
    }

    /// Reports what was counted, if it is anything. Of several workers the last one does, for all.
    fn notify_totals(&mut self) {
        let of_peer = |peer: &Peer| peer.lost + peer.transport.lost_by_system();
        let lost = self.peers.lost() + self.peers.iter().map(of_peer).sum::<u64>() + self.listeners.lost();
        let totals = Totals { refused: self.listeners.refused(), lost };
        let totals = self.worker.as_ref().map_or(Some(totals), |worker| worker.leave(totals));
        if let Some(totals) = totals.filter(|totals| *totals != Totals::default()) {
            self.io.notify(&Notice::Summary(totals));
        }
    }

    /// The exit code once the run is over.
    pub(super) fn finish(&mut self) -> Option<Exit> {
        if !self.shutdown.is_over() {
            return None;
        }
        self.notify_exit();
        self.stdout.reset_colours(&mut self.io);
        let (code, ending) = (self.shutdown.code(), self.shutdown.ending());
        for slot in self.peers.slots() {
            if let Some(peer) = self.peers.get_mut(slot) {
                peer.drop_with_run(&mut self.io, ending);
            }
        }
        if let Some(worker) = &self.worker {
            worker.end(code);
        }
        Some(code)
    }
}
