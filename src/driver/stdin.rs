//! `Stdin`: what is sent without a script, once the preamble is; or what a script gets line by line.
//!
//! Owns reading stdin, its text filter, and the times of its silence and of waiting for the peer. Who is sent what it gives is
//! wired in `turns`; what its end means is `session::eof_policy`. stdin is UTF-8 when the wire has an encoding, else bytes.

use std::time::{Duration, Instant};

use mio::Interest;

use crate::codec::newline::Crlf;
use crate::codec::typed::{LineReader, TextFilter};
use crate::config::Text;
use crate::driver::io::{Io, Source};
use crate::driver::world::{InputStream, cannot_read_stdin};
use crate::error::Result;
use crate::net::reactor::{Io as Step, Slot};
use crate::session::ConnId;
use crate::session::connection::HIGH_WATER;
use crate::session::eof_policy::InputKind;

/// With one connection, stdin is read while fewer bytes than this are queued for it.
const MARK: usize = 256 << 10;
/// The same once the writer of stdin has gone: what its pipe still holds fits, and its end is known at once. Below what stops
/// reading from the peer, who may wait for being read.
const LAST_MARK: usize = HIGH_WATER - LAST_CHUNK;
const LAST_CHUNK: usize = 64 << 10;
/// How long the queue of one of several clients may stay full before the others stop waiting for it.
const SLOW: Duration = Duration::from_secs(1);

/// stdin, and how far it is.
pub(super) struct Stdin {
    input: Option<Box<dyn InputStream>>,
    slot: Option<Slot>,
    /// It goes to one connection only.
    single_peer: bool,
    sent_any: bool,
    /// Its writer has gone: only what is there will come.
    hung_up: bool,
    pub(super) filter: TextFilter,
    /// The peer has ended: how long stdin may be silent, and until when.
    quiet: Option<(Duration, Instant)>,
    eof_wait: Option<EofWait>,
    /// Clients without room, and since when.
    full_since: Vec<(ConnId, Instant)>,
    /// It goes to the script instead, line by line.
    lines: Option<LineReader>,
}

/// Waiting for the peer after the end of stdin.
#[derive(Clone, Copy, Debug)]
pub(super) struct EofWait {
    wait: Duration,
    until: Instant,
    /// Bytes that had been sent to all connections when the wait began.
    sent: u64,
}

impl EofWait {
    /// Bytes that had been sent when the wait began.
    pub(super) fn sent(&self) -> u64 {
        self.sent
    }
}

/// What stdin is worth a turn for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Duty {
    /// Its bytes go to connections.
    Bytes,
    /// Its lines go to the script.
    Lines,
}

impl Stdin {
    /// stdin, if this run reads it. `single_peer`: it goes to one connection only.
    pub(super) fn new(input: Option<Box<dyn InputStream>>, text: &Text, single_peer: bool, duty: Duty) -> Self {
        Self {
            input,
            slot: None,
            single_peer,
            sent_any: false,
            hung_up: false,
            filter: TextFilter::new(text),
            quiet: None,
            eof_wait: None,
            full_since: Vec::new(),
            lines: (duty == Duty::Lines).then(LineReader::default),
        }
    }

    /// Registers stdin.
    ///
    /// # Errors
    /// What `epoll_ctl(2)` reports.
    pub(super) fn register(&mut self, io: &mut Io) -> Result<()> {
        if let Some(input) = &mut self.input {
            self.slot = Some(match input.source() {
                Some(source) => {
                    io.register(source, Interest::READABLE, Source::Stdin).map_err(|error| cannot_read_stdin(&error))?
                }
                None => io.register_always_ready(Source::Stdin),
            });
        }
        Ok(())
    }

    /// Where it is registered, while it is read.
    pub(super) fn slot(&self) -> Option<Slot> {
        self.slot
    }

    /// What its turns are for.
    pub(super) fn duty(&self) -> Duty {
        if self.lines.is_some() { Duty::Lines } else { Duty::Bytes }
    }

    /// What it is, while it may still give something to connections.
    pub(super) fn kind(&self) -> Option<InputKind> {
        self.input.as_ref().filter(|_| self.lines.is_none()).map(|input| input.kind())
    }

    /// The preamble of the one connection has ended: line ends go on from there.
    pub(super) fn follow(&mut self, line_ends: Crlf) {
        if self.single_peer {
            self.filter.follow(line_ends);
        }
    }

    /// Gives it a turn soon: somebody may take what it has.
    pub(super) fn wake(&self, io: &mut Io) {
        if let Some(slot) = self.slot
            && io.reactor.readiness(slot).readable
        {
            io.reactor.wake(slot);
        }
    }

    /// Whether it is worth a turn now that the queue of a connection has this length.
    pub(super) fn wants_room(&self, queued: usize) -> bool {
        self.input.is_some() && self.lines.is_none() && queued < self.mark()
    }

    /// Notes a hang-up. Returns whether there is something to read.
    pub(super) fn is_readable(&mut self, io: &mut Io) -> bool {
        let Some(slot) = self.slot else { return false };
        let readiness = io.reactor.readiness(slot);
        self.hung_up |= readiness.read_closed;
        readiness.readable
    }

    /// How many bytes may be queued for a connection before stdin waits for it.
    pub(super) fn mark(&self) -> usize {
        match (self.single_peer, self.hung_up) {
            (false, _) => HIGH_WATER,
            (true, true) => LAST_MARK,
            (true, false) => MARK,
        }
    }

    /// Whether a pipe has ended, found out without reading.
    pub(super) fn has_ended(&self) -> bool {
        self.input.as_ref().is_some_and(|input| input.has_ended())
    }

    /// Whether its bytes may pass within the kernel. What a writer that has gone left behind is read, so that its end is
    /// seen also where the peer takes nothing.
    pub(super) fn gives_moves(&self) -> bool {
        let flows = self.input.as_ref().is_some_and(|input| input.flows());
        flows && !self.hung_up && self.single_peer && self.filter.is_open()
    }

    /// The input for a move within the kernel.
    pub(super) fn input_mut(&mut self) -> Option<&mut (dyn InputStream + 'static)> {
        self.input.as_deref_mut()
    }

    /// Reads once.
    pub(super) fn read(&mut self, io: &mut Io, buffer: &mut [u8]) -> Step {
        let (Some(input), Some(slot)) = (&mut self.input, self.slot) else { return Step::Blocked };
        let room = if self.hung_up && self.lines.is_none() { LAST_CHUNK.min(buffer.len()) } else { buffer.len() };
        let readiness = io.reactor.readiness(slot);
        let step = readiness.read(&mut buffer[..room], |buffer| input.read(buffer));
        if matches!(step, Step::Moved(_)) {
            // A terminal gives a line at a time: a short read does not mean that there is no other.
            readiness.readable |= input.kind() != InputKind::Pipe;
            self.note_read(io.now);
        }
        step
    }

    /// It gave something.
    pub(super) fn note_read(&mut self, now: Instant) {
        self.sent_any = true;
        if let Some((quiet, until)) = &mut self.quiet {
            *until = now + *quiet;
        }
    }

    /// Whether it gave anything at all.
    pub(super) fn sent_any(&self) -> bool {
        self.sent_any
    }

    /// The lines for the script, where they go there.
    pub(super) fn lines(&mut self) -> Option<&mut LineReader> {
        self.lines.as_mut()
    }

    /// Stops reading it.
    pub(super) fn stop(&mut self, io: &mut Io) {
        if let (Some(mut input), Some(slot)) = (self.input.take(), self.slot.take()) {
            match input.source() {
                Some(source) => io.deregister(slot, source),
                None => io.forget(slot),
            }
        }
        self.quiet = None;
        self.full_since.clear();
    }

    // ---- times ----------------------------------------------------------------------------------------

    /// The peer has ended: connections that wait for the rest of stdin close once it was silent for so long.
    pub(super) fn start_quiet(&mut self, quiet: Duration, now: Instant) {
        self.quiet = Some((quiet, now + quiet));
    }

    /// Whether stdin has been silent for long enough. What came and was not read yet, for want of room or of a turn, is no
    /// silence.
    pub(super) fn take_quiet(&mut self, io: &mut Io) -> bool {
        let Some((quiet, _)) = self.quiet.filter(|(_, until)| *until <= io.now) else { return false };
        if self.slot.is_some_and(|slot| io.reactor.readiness(slot).readable) {
            self.quiet = Some((quiet, io.now + quiet));
            return false;
        }
        self.quiet = None;
        true
    }

    /// stdin has ended: from now on the peer is waited for at most this long. `sent`: bytes sent so far, to all.
    pub(super) fn start_eof_wait(&mut self, wait: Duration, now: Instant, sent: u64) {
        self.eof_wait = Some(EofWait { wait, until: now + wait, sent });
    }

    /// The wait for the peer, if its time is up; it is over then, or is started again.
    pub(super) fn take_eof_wait(&mut self, now: Instant) -> Option<EofWait> {
        self.eof_wait.take_if(|wait| wait.until <= now)
    }

    /// The wait goes on: something still goes out.
    pub(super) fn restart_eof_wait(&mut self, wait: EofWait, now: Instant, sent: u64) {
        self.start_eof_wait(wait.wait, now, sent);
    }

    /// With several clients, the patience with those that have no room begins; with the others it ends.
    pub(super) fn note_full(&mut self, full: &[ConnId], now: Instant) {
        if self.single_peer {
            return;
        }
        self.full_since.retain(|(id, _)| full.contains(id));
        for &id in full {
            if !self.full_since.iter().any(|(known, _)| *known == id) {
                self.full_since.push((id, now));
            }
        }
    }

    /// Clients that have had no room for too long.
    pub(super) fn take_slow(&mut self, now: Instant) -> Vec<ConnId> {
        let mut slow = Vec::new();
        self.full_since.retain(|(id, since)| {
            let is_due = *since + SLOW <= now;
            if is_due {
                slow.push(*id);
            }
            !is_due
        });
        slow
    }

    /// When silence, patience with a client, or the wait for the peer is over.
    pub(super) fn deadline(&self) -> Option<Instant> {
        let slow = self.full_since.iter().map(|(_, since)| *since + SLOW).min();
        [self.quiet.map(|(_, until)| until), self.eof_wait.map(|wait| wait.until), slow].into_iter().flatten().min()
    }
}
