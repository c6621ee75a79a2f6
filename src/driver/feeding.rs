//! Feeding: bytes of stdin are queued for connections, or its lines are given to the script.
//!
//! Owns which connections receive stdin, when stdin waits for them, and what its end, its silence and a slow client do to
//! connections. The rules are in `session::eof_policy`.

use crate::codec::typed::Filtered;
use crate::config::{Role, Voice};
use crate::driver::budgets::Turn;
use crate::driver::bulk;
use crate::driver::eof_wait::EofWait;
use crate::driver::parts::Parts;
use crate::driver::peer::{OwnEnd, Peer};
use crate::driver::preamble::{malformed, send};
use crate::driver::refusing::objection;
use crate::driver::shutdown::Reader;
use crate::driver::stdin::Duty;
use crate::error::{Error, cause};
use crate::net::reactor::{Io as Step, Slot};
use crate::output::Notice;
use crate::session::connection::HIGH_WATER;
use crate::session::eof_policy::AfterInput;
use crate::session::{CloseReason, RunEvent};

impl Parts {
    /// Reads stdin once if there are targets and all have room, and queues the bytes for all of them; or gives its lines to
    /// the script.
    pub(super) fn stdin_turn(&mut self) -> Turn {
        if !self.shutdown.is_running() {
            return Turn::Done;
        }
        // The first read begins to edit.
        self.note_sendable();
        match self.stdin.duty() {
            Duty::Bytes => {
                // One read; what is left to read wakes it.
                self.stdin_bytes();
                Turn::Done
            }
            Duty::Lines | Duty::Asked => self.stdin_lines(),
        }
    }

    fn stdin_bytes(&mut self) {
        let targets = self.stdin_targets();
        if self.stdin.joined().is_some() && !targets.is_empty() {
            let read_before = self.stdin.take_unread_lines();
            if !read_before.is_empty() {
                self.send_to_all(&targets, &read_before);
            }
            if self.stdin.have_lines_ended() {
                return self.stdin_ended(&targets);
            }
        }
        if !self.stdin.is_readable(&mut self.io) || targets.is_empty() || self.stderr.is_full(self.io.now) {
            return;
        }
        if self.is_any_full(&targets) {
            // The end of stdin takes no room, and `--eof-wait` counts from it.
            if self.stdin.has_ended() {
                self.stdin_ended(&targets);
            }
            return;
        }
        if let &[target] = targets.as_slice()
            && let Some(peer) = self.peers.get_mut(target)
            && bulk::move_from_stdin(&mut self.io, &mut self.stdin, peer)
        {
            return self.peers.schedule(target);
        }
        let mut buffer = self.io.take_buffer();
        match self.stdin.read(&mut self.io, &mut buffer) {
            Step::Moved(n) => {
                self.note_typed(&buffer[..n]);
                if self.config.input.line_delay.is_some() && self.config.is_datagram() {
                    // A pause follows each datagram, so each line is one.
                    for line in buffer[..n].split_inclusive(|byte| *byte == b'\n') {
                        self.send_to_all(&targets, line);
                    }
                } else {
                    self.send_to_all(&targets, &buffer[..n]);
                }
                // A no-op if text that cannot be encoded has stopped stdin.
                self.stdin.wake(&mut self.io);
            }
            Step::Blocked => {}
            Step::Ended => self.stdin_ended(&targets),
            Step::Failed(error) if self.config.output.voice == Voice::Nc => {
                // An end like any other there, but told.
                self.io.notify_error(None, &unreadable(&error), false);
                self.stdin_ended(&targets);
            }
            Step::Failed(error) => self.stdin_failed(&error),
        }
        self.io.return_buffer(buffer);
    }

    /// Gives the script the lines of the last read, and reads once when there are none.
    fn stdin_lines(&mut self) -> Turn {
        let left = self.tell_lines();
        if left == Turn::Again {
            return left;
        }
        if !self.stdin.have_lines_ended() && self.stdin.is_asked() {
            self.read_lines();
            let left = self.tell_lines();
            if left == Turn::Again {
                return left;
            }
        }
        if self.stdin.have_lines_ended() && self.stdin.is_asked() && self.stdin.slot().is_some() {
            self.stdin.end(&mut self.io);
            if self.shutdown.is_running() && !self.tell_run(RunEvent::StdinEof) {
                let targets = self.stdin_targets();
                self.end_input(&targets);
            }
        }
        Turn::Done
    }

    /// Gives the script lines that were read and that it takes, up to the budget of one turn.
    fn tell_lines(&mut self) -> Turn {
        self.io.begin_turn();
        for calls in 0..self.io.budgets.lines {
            if self.io.is_turn_long(calls) {
                break;
            }
            if !self.shutdown.is_running() || !self.stdin.is_asked() {
                return Turn::Done;
            }
            let Some(line) = self.stdin.next_line() else { return Turn::Done };
            self.stdin.answered();
            self.tell_run(RunEvent::StdinLine(line));
        }
        Turn::Again
    }

    fn read_lines(&mut self) {
        // The lines of stdin find the run's own connection.
        let is_early = self.stdin.duty() == Duty::Lines && self.awaits_opening();
        if !self.stdin.is_readable(&mut self.io) || self.stderr.is_full(self.io.now) || is_early {
            return;
        }
        let mut buffer = self.io.take_buffer();
        match self.stdin.read(&mut self.io, &mut buffer) {
            Step::Moved(n) => {
                self.note_typed(&buffer[..n]);
                if !self.refuses_line(&buffer[..n]) {
                    self.stdin.push_lines(&buffer[..n]);
                }
                self.stdin.wake(&mut self.io);
            }
            Step::Ended => self.stdin.finish_lines(),
            Step::Failed(error) => self.stdin_failed(&error),
            Step::Blocked => {}
        }
        self.io.return_buffer(buffer);
    }

    /// Notes where a typed line leaves the cursor.
    fn note_typed(&self, bytes: &[u8]) {
        if bytes.ends_with(b"\n") && self.stdin.is_typed() {
            self.stdout.note_typed_line();
        }
    }

    /// Whether the run's own connection is being made, or was not announced to its handler yet.
    fn awaits_opening(&self) -> bool {
        let is_opening = |peer: &Peer| peer.duties.stdin && !peer.link.is_announced();
        let is_dialing = self.dials.awaits_stdin() || self.redial.is_waiting();
        matches!(self.config.role, Role::Connect(_)) && (is_dialing || self.peers.iter().any(is_opening))
    }

    fn stdin_failed(&mut self, error: &std::io::Error) {
        self.source_failed(&unreadable(error));
    }

    /// Whether some target has no room. With several clients, the time limit of each full one starts, unless it is full because
    /// of `--line-delay`.
    fn is_any_full(&mut self, targets: &[Slot]) -> bool {
        let mark = self.stdin.mark();
        let peers = targets.iter().filter_map(|&slot| self.peers.get(slot));
        let full: Vec<_> = peers.filter(|peer| peer.link.queued() >= mark).collect();
        let slow: Vec<_> = full.iter().filter(|peer| !peer.link.is_pausing()).map(|peer| peer.id()).collect();
        self.stdin.note_full(&slow, self.io.now);
        !full.is_empty()
    }

    fn send_to_all(&mut self, targets: &[Slot], bytes: &[u8]) {
        if let &[target] = targets
            && self.stdin.keeps_given()
        {
            return self.send_and_keep(target, bytes);
        }
        if self.stdin.filter.is_open() {
            for &slot in targets {
                self.work_on(slot, |peer| peer.link.send_slice(bytes));
            }
            return;
        }
        let (piece, fault) = self.stdin.filter.push(bytes);
        if let Some(why) = self.objection_to(targets, &piece, fault.as_ref()) {
            return self.refuse_typed(&why);
        }
        self.send_piece(targets, &piece);
        if let Some(fault) = fault {
            self.source_failed(&malformed("stdin", &fault));
        }
    }

    /// Queues bytes for the one connection, and keeps them until they have arrived. Text is kept by lines: the next
    /// connection begins with the line that was cut.
    fn send_and_keep(&mut self, slot: Slot, bytes: &[u8]) {
        let Some(peer) = self.peers.get_mut(slot) else { return };
        let is_datagram = peer.link.is_datagram();
        if is_datagram {
            self.stdin.note_datagram(bytes);
        } else {
            self.stdin.note_arrived(peer.arrived());
        }
        if self.stdin.filter.is_open() {
            if !is_datagram {
                self.stdin.note_given(bytes, peer.link.given() + bytes.len() as u64);
            }
            return self.work_on(slot, |peer| peer.link.send_slice(bytes));
        }
        let (mut failed, mut refused) = (None, None);
        let is_typed = self.stdin.is_typed();
        let pieces = if is_datagram { vec![bytes] } else { bytes.split_inclusive(|byte| *byte == b'\n').collect() };
        for bytes in pieces {
            let (piece, fault) = self.stdin.filter.push(bytes);
            if is_typed {
                refused = objection([&peer.link.view().text].into_iter(), &piece, fault.as_ref());
                if refused.is_some() {
                    break;
                }
            }
            let sent = send(&mut peer.link, &piece, "stdin");
            if !is_datagram {
                self.stdin.note_given(bytes, peer.link.given());
            }
            failed = sent.err().or_else(|| fault.map(|fault| malformed("stdin", &fault)));
            if failed.is_some() {
                break;
            }
        }
        self.pump_turn(slot);
        if let Some(why) = refused {
            self.refuse_typed(&why);
        }
        if let Some(error) = failed {
            self.source_failed(&error);
        }
    }

    /// Queues a filtered piece for connections.
    pub(super) fn send_piece(&mut self, targets: &[Slot], piece: &Filtered) {
        let mut failed = None;
        for &slot in targets {
            self.work_on(slot, |peer| {
                if let Err(error) = send(&mut peer.link, piece, "stdin") {
                    failed = Some(error);
                }
            });
        }
        if let Some(error) = failed {
            self.source_failed(&error);
        }
    }

    fn stdin_ended(&mut self, targets: &[Slot]) {
        let (rest, fault) = self.stdin.filter.finish();
        let refused = self.objection_to(targets, &rest, fault.as_ref());
        self.stdin.end(&mut self.io);
        if let Some(why) = refused {
            self.refuse_typed(&why);
        } else {
            self.send_piece(targets, &rest);
            if let Some(fault) = fault {
                return self.source_failed(&malformed("stdin", &fault));
            }
        }
        self.end_input(targets);
        if self.stdin.joined().is_some() {
            self.tell_run(RunEvent::StdinEof);
        }
    }

    /// The default effect of stdin's end, which is at hand for each connection once its handler does not hold it.
    fn end_input(&mut self, targets: &[Slot]) {
        let after = self.input_policy().at_input_end(self.stdin.sent_any());
        let is_joined = self.stdin.joined().is_some();
        for &slot in targets {
            self.work_on(slot, |peer| {
                if is_joined {
                    // The task that has joined it holds it, and wants just that.
                    if after == AfterInput::Fin {
                        peer.link.shutdown();
                    }
                } else if peer.close_when_fed {
                    peer.due = Some(OwnEnd::Close);
                } else if after == AfterInput::Fin {
                    peer.due = Some(OwnEnd::Fin);
                }
            });
        }
        if let Some(wait) = self.config.input.eof_wait {
            let left = self.outstanding();
            self.stdin.set_eof_wait(Some(EofWait::new(wait, self.io.now, left)));
        }
    }

    /// Hides what is typed, with `--echo off`.
    pub(super) fn hide_typing(&mut self) {
        if self.config.output.terminal.hides_typed() {
            self.stdin.hide(self.io.now);
        }
    }

    /// Runs due timers of stdin: its silence, the end of `--eof-wait`, slow clients, its return to the foreground.
    pub(super) fn stdin_timers(&mut self) {
        if self.stdin.look_again(&mut self.io) {
            self.hide_typing();
        }
        if self.stdin.take_quiet(&mut self.io) {
            let has_writer = !self.stdin.has_ended();
            let is_joined = self.stdin.joined().is_some();
            for slot in self.stdin_targets() {
                let Some(peer) = self.peers.get(slot).filter(|peer| is_joined || peer.close_when_fed) else { continue };
                if has_writer && !matches!(self.config.role, Role::Run) {
                    self.io.notify(&Notice::StdinLeft { conn: peer.link.view() });
                }
                if !is_joined {
                    self.work_on(slot, |peer| peer.due = Some(OwnEnd::Close));
                }
            }
            if is_joined {
                self.tell_run(RunEvent::StdinLeft);
            }
            if self.shutdown.reader() != Reader::There {
                self.shutdown.stop_waiting(self.io.now);
                self.stdin.stop(&mut self.io);
            }
        }
        if self.stdin.take_left(self.io.now) {
            self.tell_run(RunEvent::StdinLeft);
        }
        if let Some(mut wait) = self.stdin.take_eof_wait(self.io.now) {
            let is_held = self.receivers().into_iter().any(|slot| self.is_held(slot));
            if wait.is_over(self.io.now, self.outstanding(), is_held) {
                self.abandon_all();
            } else {
                self.stdin.set_eof_wait(Some(wait));
            }
        }
        for id in self.stdin.take_slow(self.io.now) {
            if let Some(slot) = self.peers.slot_of(id)
                && let Some(peer) = self.peers.get_mut(slot)
                && peer.link.queued() >= HIGH_WATER
            {
                self.io.notify(&Notice::Dropped { conn: peer.link.view(), queued: peer.link.queued() });
                peer.link.reset(CloseReason::Error);
                self.pump_turn(slot);
            }
            self.stdin.wake(&mut self.io);
        }
    }

    /// Lets all connections that were sent stdin go at the end of `--eof-wait`.
    pub(super) fn abandon_all(&mut self) {
        for slot in self.peers.slots() {
            let Some(peer) = self.peers.get(slot).filter(|peer| self.receives_stdin(peer)) else { continue };
            let queued = peer.link.view().info.queued();
            if queued > 0 {
                self.io.notify(&Notice::Unsent { conn: peer.link.view(), queued });
            }
            self.work_on(slot, |peer| peer.link.abandon(CloseReason::Timeout));
        }
    }
}

fn unreadable(error: &std::io::Error) -> Error {
    Error::Read { source_name: "stdin".into(), cause: cause(error) }
}
