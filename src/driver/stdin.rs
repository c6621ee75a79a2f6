//! `Stdin`: reads stdin, as bytes for connections or as lines for a script.
//!
//! Owns its text filter, and the timers of its silence, of `--eof-wait` and of slow clients. Which connections receive it is
//! in `feeding`; what its end means is `session::eof_policy`. stdin is UTF-8 when the wire has an encoding, else bytes; a terminal
//! may have an encoding of its own. A script that asks for its lines may join it with one connection, which gets its bytes
//! from where the lines stand.

use std::time::{Duration, Instant};

use encoding_rs::Encoding;
use mio::Interest;

use crate::codec::newline::Crlf;
use crate::codec::typed::{LineReader, TextFilter};
use crate::config::Text;
use crate::driver::eof_wait::EofWait;
use crate::driver::handover::Handover;
use crate::driver::io::{Io, Source};
use crate::driver::world::{InputStream, cannot_read_stdin};
use crate::error::Result;
use crate::net::reactor::{Io as Step, Slot};
use crate::session::connection::HIGH_WATER;
use crate::session::eof_policy::{AfterEof, InputKind};
use crate::session::{ConnId, earliest};

/// With one connection: queued bytes at which reading stdin stops.
const MARK: usize = 256 << 10;
/// The same limit once the writer of stdin is gone: the rest of its pipe fits, so that its end is seen at once. Below
/// `HIGH_WATER`, at which reading from the peer stops: a peer that waits to be read would never make room.
const LAST_MARK: usize = HIGH_WATER - LAST_CHUNK;
const LAST_CHUNK: usize = 64 << 10;
/// Time between two looks whether a job in the background, for which something was typed, has come to the foreground.
const BACKGROUND: Duration = Duration::from_millis(250);
/// How long the queue of one of several clients may stay full before the client is dropped.
const SLOW: Duration = Duration::from_secs(1);

/// State of stdin: its source, text filter, timers and end.
pub(super) struct Stdin {
    input: Option<Box<dyn InputStream>>,
    /// Its encoding if it is a terminal that does not speak UTF-8.
    charset: Option<&'static Encoding>,
    slot: Option<Slot>,
    /// Maximum bytes of one read, each of which may be a datagram.
    piece: usize,
    /// One connection receives it, not several clients.
    single_peer: bool,
    sent_any: bool,
    /// Its writer is gone; only what the pipe still holds will be read.
    hung_up: bool,
    pub(super) filter: TextFilter,
    /// After the peer's end: how long stdin may be silent, and the deadline.
    quiet: Option<(Duration, Instant)>,
    eof_wait: Option<EofWait>,
    /// The terminal has something to read and is another job's: when to look again.
    look_again: Option<Instant>,
    /// Clients with a full queue, and since when.
    full_since: Vec<(ConnId, Instant)>,
    /// Set if its lines go to the script.
    lines: Option<LineReader>,
    /// Nothing follows the lines that were read.
    lines_ended: bool,
    /// Set if lines are asked for one by one: whether one is.
    asked: Option<bool>,
    /// The connection that a script has joined it with, which receives it alone.
    joined: Option<ConnId>,
    /// Set once the joined connection gets nothing more: when the script is told so.
    left: Option<Instant>,
    /// Set if one connection after the other receives it.
    again: Option<Handover>,
}

/// What stdin is read for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Duty {
    /// Its bytes go to connections.
    Bytes,
    /// Its lines go to the script.
    Lines,
    /// They go to the script one by one, when it asks.
    Asked,
}

impl Stdin {
    /// Wraps stdin; `None` if this run does not read it. `single_peer`: one connection receives it.
    pub(super) fn new(input: Option<Box<dyn InputStream>>, text: &Text, single_peer: bool, duty: Duty) -> Self {
        Self {
            input,
            charset: None,
            slot: None,
            piece: usize::MAX,
            single_peer,
            sent_any: false,
            hung_up: false,
            filter: TextFilter::new(text),
            quiet: None,
            eof_wait: None,
            look_again: None,
            full_since: Vec::new(),
            lines: (duty != Duty::Bytes).then(LineReader::default),
            lines_ended: false,
            asked: (duty == Duty::Asked).then_some(false),
            joined: None,
            left: None,
            again: None,
        }
    }

    /// The same; if it is a terminal, it has this encoding (`None`: UTF-8).
    pub(super) fn typed_in(mut self, charset: Option<&'static Encoding>, text: &Text) -> Self {
        if self.is_typed() && charset.is_some() {
            self.charset = charset;
            self.filter = TextFilter::typed_in(charset, text);
            self.lines = self.lines.map(|_| LineReader::typed_in(charset));
        }
        self
    }

    /// Whether it is a terminal.
    pub(super) fn is_typed(&self) -> bool {
        self.input.as_ref().is_some_and(|input| input.kind() == InputKind::Terminal)
    }

    /// Its encoding if it is a terminal that does not speak UTF-8.
    pub(super) fn charset(&self) -> Option<&'static Encoding> {
        self.charset
    }

    /// The same with at most so many bytes for each read.
    pub(super) fn in_pieces_of(self, piece: usize) -> Self {
        Self { piece, ..self }
    }

    /// The same for connections that follow each other, if they do.
    pub(super) fn again(self, handover: Option<Handover>) -> Self {
        Self { again: handover, ..self }
    }

    /// Registers stdin.
    ///
    /// # Errors
    /// What `epoll_ctl(2)` reports.
    pub(super) fn register(&mut self, io: &mut Io) -> Result<()> {
        if let Some(input) = &mut self.input {
            let slot = if let Some(source) = input.source() {
                io.register(source, Interest::READABLE, Source::Stdin).map_err(|error| cannot_read_stdin(&error))?
            } else {
                let slot = io.register_always_ready(Source::Stdin);
                if self.lines.is_some() {
                    // No edge comes, and a script reads its lines without any connection, too.
                    io.reactor.wake(slot);
                }
                slot
            };
            self.slot = Some(slot);
        }
        Ok(())
    }

    /// Its slot while it is read.
    pub(super) fn slot(&self) -> Option<Slot> {
        self.slot
    }

    /// What it is read for.
    pub(super) fn duty(&self) -> Duty {
        match (&self.lines, self.asked) {
            _ if self.gives_bytes() => Duty::Bytes,
            (None, _) => Duty::Bytes,
            (Some(_), None) => Duty::Lines,
            (Some(_), Some(_)) => Duty::Asked,
        }
    }

    fn gives_bytes(&self) -> bool {
        self.lines.is_none() || self.joined.is_some()
    }

    /// Whether one connection receives it.
    fn has_one_target(&self) -> bool {
        self.single_peer || self.joined.is_some()
    }

    // ---- joined with a connection ---------------------------------------------------------------------

    /// Gives it to one connection, as what these settings make of it.
    pub(super) fn join(&mut self, io: &mut Io, conn: ConnId, text: &Text) {
        (self.joined, self.left) = (Some(conn), None);
        self.filter = TextFilter::typed_in(self.charset, text);
        if let Some(slot) = self.slot {
            io.reactor.wake(slot);
        }
    }

    /// The connection that alone receives it.
    pub(super) fn joined(&self) -> Option<ConnId> {
        self.joined
    }

    /// The peer of the joined connection has ended.
    pub(super) fn finish_joined(&mut self, after: AfterEof, now: Instant) {
        match after {
            AfterEof::Close => self.left = Some(now),
            AfterEof::SendUntilQuiet(quiet) => self.start_quiet(quiet, now),
            // Its end is told anyway.
            AfterEof::SendRest | AfterEof::Keep => {}
        }
    }

    /// Whether nothing of it is waited for any more, once.
    pub(super) fn take_left(&mut self, now: Instant) -> bool {
        self.left.take_if(|at| *at <= now).is_some()
    }

    /// Takes it from the joined connection.
    pub(super) fn leave(&mut self, io: &mut Io) {
        (self.joined, self.left, self.quiet, self.eof_wait) = (None, None, None, None);
        // Another task may have asked for a line.
        if let Some(slot) = self.slot.filter(|_| self.is_asked()) {
            io.reactor.wake(slot);
        }
    }

    /// What was read for lines and not given out, for the joined connection.
    pub(super) fn take_unread_lines(&mut self) -> Vec<u8> {
        self.lines.as_mut().map(LineReader::take_rest).unwrap_or_default()
    }

    // ---- reading --------------------------------------------------------------------------------------

    /// The script waits for a line, or does so no more.
    pub(super) fn ask(&mut self, io: &mut Io, is_wanted: bool) {
        self.asked = self.asked.map(|_| is_wanted);
        if let Some(slot) = self.slot.filter(|_| is_wanted) {
            io.reactor.wake(slot);
        }
    }

    /// Whether the script takes a line now.
    pub(super) fn is_asked(&self) -> bool {
        self.asked != Some(false)
    }

    /// Notes that the script has got what it asked for.
    pub(super) fn answered(&mut self) {
        self.asked = self.asked.map(|_| false);
    }

    /// The kind of stdin, while its bytes go to connections and it has not ended.
    pub(super) fn kind(&self) -> Option<InputKind> {
        self.input.as_ref().filter(|_| self.gives_bytes()).map(|input| input.kind())
    }

    /// What is read from now on is converted by other settings.
    pub(super) fn change_text(&mut self, text: &Text) {
        self.filter = TextFilter::typed_in(self.charset, text);
    }

    /// Continues the state of line ends after the preamble of the one connection.
    pub(super) fn follow(&mut self, line_ends: Crlf) {
        if self.single_peer {
            self.filter.follow(line_ends);
        }
    }

    /// Notes that something can be read, which no event tells, and gives stdin a turn.
    pub(super) fn ring(&self, io: &mut Io) {
        if let Some(slot) = self.slot {
            io.reactor.readiness(slot).readable = true;
            io.reactor.wake(slot);
        }
    }

    /// Gives stdin a turn if it is readable.
    pub(super) fn wake(&self, io: &mut Io) {
        if let Some(slot) = self.slot
            && (io.reactor.readiness(slot).readable || self.has_first())
        {
            io.reactor.wake(slot);
        }
    }

    /// Whether a connection with this many queued bytes has room for stdin.
    pub(super) fn wants_room(&self, queued: usize) -> bool {
        self.input.is_some() && self.gives_bytes() && queued < self.mark()
    }

    /// Whether it is readable. Also records a hang-up.
    pub(super) fn is_readable(&mut self, io: &mut Io) -> bool {
        let Some(slot) = self.slot else { return false };
        let readiness = io.reactor.readiness(slot);
        self.hung_up |= readiness.read_closed;
        readiness.readable || self.has_first()
    }

    /// Queued bytes of a connection at which reading stdin stops.
    pub(super) fn mark(&self) -> usize {
        match (self.has_one_target(), self.hung_up) {
            (false, _) => HIGH_WATER,
            (true, true) => LAST_MARK,
            (true, false) => MARK,
        }
    }

    /// Whether reading would give nothing but its end, checked without reading.
    pub(super) fn is_exhausted(&self) -> bool {
        !self.has_first() && self.input.as_ref().is_some_and(|input| self.is_over() || input.is_exhausted())
    }

    /// Whether a pipe has ended, checked without reading.
    pub(super) fn has_ended(&self) -> bool {
        !self.has_first() && self.input.as_ref().is_some_and(|input| self.is_over() || input.has_ended())
    }

    /// Whether its bytes may be moved within the kernel. After a hang-up the rest is read, so that its end is seen even if
    /// the peer takes nothing.
    pub(super) fn gives_moves(&self) -> bool {
        let flows = self.input.as_ref().is_some_and(|input| input.flows());
        // What is moved cannot be given to the next connection.
        let is_kept = self.keeps_given() && self.again.as_ref().is_some_and(|again| again.follows_end);
        flows
            && !is_kept
            && !self.hung_up
            && self.has_one_target()
            && self.filter.is_open()
            && !self.has_first()
            && !self.is_over()
    }

    /// The input for a move within the kernel.
    pub(super) fn input_mut(&mut self) -> Option<&mut (dyn InputStream + 'static)> {
        self.input.as_deref_mut()
    }

    /// Reads once.
    pub(super) fn read(&mut self, io: &mut Io, buffer: &mut [u8]) -> Step {
        let room = if self.hung_up && self.gives_bytes() { LAST_CHUNK.min(buffer.len()) } else { buffer.len() };
        let (Some(input), Some(slot)) = (&mut self.input, self.slot) else { return Step::Blocked };
        let room = room.min(self.piece);
        if let Some(again) = &mut self.again {
            if let Some(n) = again.give_first(&mut buffer[..room]) {
                return Step::Moved(n);
            }
            if again.is_over {
                return Step::Ended;
            }
        }
        let readiness = io.reactor.readiness(slot);
        let step = readiness.read(&mut buffer[..room], |buffer| input.read(buffer));
        if matches!(step, Step::Moved(_)) {
            // A terminal returns one line for each read, so a short read does not mean that it is empty.
            readiness.readable |= input.kind() != InputKind::Pipe;
            self.note_read(io.now);
        } else if matches!(step, Step::Blocked) && input.is_in_background() {
            self.look_again = Some(io.now + BACKGROUND);
        }
        step
    }

    /// Hides what is typed on it, or looks again whether it can.
    pub(super) fn hide(&mut self, now: Instant) {
        let Some(input) = &mut self.input else { return };
        input.hide();
        self.look_again = input.is_in_background().then_some(now + BACKGROUND).or(self.look_again);
    }

    /// Gives stdin a turn once its job has come to the foreground. The shell sends no signal for that, and what was typed
    /// before sends no event. Returns whether it was time to look.
    pub(super) fn look_again(&mut self, io: &mut Io) -> bool {
        let Some(input) = self.input.as_ref().filter(|_| self.slot.is_some()) else { return false };
        let is_due = self.look_again.take_if(|at| *at <= io.now).is_some();
        if is_due && input.has_input() {
            if input.is_in_background() {
                self.look_again = Some(io.now + BACKGROUND);
            } else {
                self.ring(io);
            }
        }
        is_due
    }

    /// Notes that something was read: restarts the timer of its silence.
    pub(super) fn note_read(&mut self, now: Instant) {
        self.sent_any = true;
        if let Some((quiet, until)) = &mut self.quiet {
            *until = now + *quiet;
        }
    }

    /// Whether anything was read.
    pub(super) fn sent_any(&self) -> bool {
        self.sent_any
    }

    /// Takes what was read, if lines go to the script.
    pub(super) fn push_lines(&mut self, bytes: &[u8]) {
        if let Some(lines) = &mut self.lines {
            lines.push(bytes);
        }
    }

    /// Notes that nothing follows the lines that were read.
    pub(super) fn finish_lines(&mut self) {
        self.lines_ended |= self.lines.is_some();
    }

    /// Whether nothing follows the lines that were read.
    pub(super) fn have_lines_ended(&self) -> bool {
        self.lines_ended
    }

    /// The next line of what was read.
    pub(super) fn next_line(&mut self) -> Option<String> {
        self.lines.as_mut()?.next_line(self.lines_ended)
    }

    /// Notes its end: it is not read any more, unless another connection comes.
    pub(super) fn end(&mut self, io: &mut Io) {
        let ended = self.withdraw(io);
        if let Some(again) = &mut self.again {
            again.ended = ended;
        }
    }

    /// Stops reading stdin and deregisters it.
    pub(super) fn stop(&mut self, io: &mut Io) {
        self.withdraw(io);
        self.again = None;
    }

    /// Deregisters it, and returns it.
    fn withdraw(&mut self, io: &mut Io) -> Option<Box<dyn InputStream>> {
        let mut input = self.input.take();
        if let Some(slot) = self.slot.take() {
            match input.as_mut().and_then(|input| input.source()).filter(|_| !self.is_over()) {
                Some(source) => io.deregister(slot, source),
                None => io.forget(slot),
            }
        }
        self.quiet = None;
        self.look_again = None;
        self.full_since.clear();
        input
    }

    // ---- one connection after the other ---------------------------------------------------------------

    /// Makes it ready for a connection, the first or a later one: that gets a file from its start, and of anything else what
    /// the one before did not get, and the end if it has come.
    pub(super) fn begin_again(&mut self, io: &mut Io) {
        let Some(again) = &mut self.again else { return };
        if !std::mem::replace(&mut again.has_begun, true) {
            return;
        }
        (self.quiet, self.eof_wait) = (None, None);
        let is_file = |input: &dyn InputStream| input.kind() == InputKind::File;
        if let Some(ended) = again.ended.take_if(|input| is_file(&**input) || self.lines.is_none()) {
            again.is_over = !is_file(&*ended);
            self.input = Some(ended);
            let slot = io.register_always_ready(Source::Stdin);
            self.slot = Some(slot);
            io.reactor.wake(slot);
        }
        if let Some(input) = self.input.as_mut().filter(|input| is_file(&***input)) {
            input.rewind();
            self.filter = TextFilter::typed_in(self.charset, &again.text);
            again.forget();
            if let Some(lines) = &mut self.lines {
                *lines = LineReader::default();
                self.lines_ended = false;
            }
        }
    }

    /// Whether what one connection is given is kept until it has arrived.
    pub(super) fn keeps_given(&self) -> bool {
        let is_file = || self.input.as_ref().is_some_and(|input| input.kind() == InputKind::File);
        self.lines.is_none() && self.again.is_some() && !is_file()
    }

    /// Notes what one connection was given of a stream, which goes as far as `end` with it.
    pub(super) fn note_given(&mut self, bytes: &[u8], end: u64) {
        let is_raw = self.filter.is_open();
        if let Some(again) = self.again.as_mut().filter(|again| again.follows_end) {
            again.unsent.note(bytes, end, is_raw);
        }
    }

    /// Notes how much has arrived of the stream.
    pub(super) fn note_arrived(&mut self, arrived: u64) {
        if let Some(again) = &mut self.again {
            again.unsent.forget_arrived(arrived);
        }
    }

    /// Notes a datagram that one connection was given.
    pub(super) fn note_datagram(&mut self, bytes: &[u8]) {
        if let Some(again) = &mut self.again {
            again.unsent.note_datagram(bytes);
        }
    }

    /// Takes back what the connection was given and has not arrived; so many bytes have.
    pub(super) fn take_back(&mut self, arrived: u64) {
        if let Some(again) = &mut self.again
            && again.take_back(arrived)
        {
            self.filter = TextFilter::typed_in(self.charset, &again.text);
        }
    }

    /// Takes back the datagrams that the connection was given, if none of them has arrived.
    pub(super) fn take_back_datagrams(&mut self, is_refused: bool) {
        if let Some(again) = &mut self.again
            && again.take_back_datagrams(is_refused)
        {
            self.filter = TextFilter::typed_in(self.charset, &again.text);
        }
    }

    fn has_first(&self) -> bool {
        self.again.as_ref().is_some_and(Handover::has_first)
    }

    fn is_over(&self) -> bool {
        self.again.as_ref().is_some_and(|again| again.is_over)
    }

    // ---- times ----------------------------------------------------------------------------------------

    /// Starts the timer of silence after the peer's end: connections close once stdin was silent for `quiet`.
    pub(super) fn start_quiet(&mut self, quiet: Duration, now: Instant) {
        self.quiet = Some((quiet, now + quiet));
    }

    /// The same, unless it runs already.
    pub(super) fn begin_quiet(&mut self, quiet: Duration, now: Instant) {
        if self.quiet.is_none() {
            self.start_quiet(quiet, now);
        }
    }

    /// Whether the timer of silence has expired. It is restarted while unread bytes wait for room or for a turn.
    pub(super) fn take_quiet(&mut self, io: &mut Io) -> bool {
        let Some((quiet, _)) = self.quiet.filter(|(_, until)| *until <= io.now) else { return false };
        if self.slot.is_some_and(|slot| io.reactor.readiness(slot).readable) {
            self.quiet = Some((quiet, io.now + quiet));
            return false;
        }
        self.quiet = None;
        true
    }

    /// Whether `--eof-wait` is running.
    pub(super) fn has_eof_wait(&self) -> bool {
        self.eof_wait.is_some()
    }

    /// Takes `--eof-wait` if a look at it is due; [`Stdin::set_eof_wait`] goes on with it.
    pub(super) fn take_eof_wait(&mut self, now: Instant) -> Option<EofWait> {
        self.eof_wait.take_if(|wait| wait.look_at() <= now)
    }

    /// Begins `--eof-wait` at the end of stdin, goes on with one that is not over, or ends it.
    pub(super) fn set_eof_wait(&mut self, wait: Option<EofWait>) {
        self.eof_wait = wait;
    }

    /// With several clients: starts the time limit of those that are `full` now, and ends that of all others.
    pub(super) fn note_full(&mut self, full: &[ConnId], now: Instant) {
        if self.has_one_target() {
            return;
        }
        self.full_since.retain(|(id, _)| full.contains(id));
        for &id in full {
            if !self.full_since.iter().any(|(other, _)| *other == id) {
                self.full_since.push((id, now));
            }
        }
    }

    /// Takes the clients whose queue has been full for too long.
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

    /// The earliest deadline of its timers.
    pub(super) fn deadline(&self) -> Option<Instant> {
        let slow = self.full_since.iter().map(|(_, since)| *since + SLOW).min();
        let quiet = self.quiet.map(|(_, until)| until);
        earliest([quiet, self.eof_wait.map(|wait| wait.look_at()), self.look_again, self.left, slow])
    }
}
