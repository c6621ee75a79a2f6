//! `Connection`: the sans-IO state machine of one peer. `handle_*` takes what happened, `poll_*` yields what
//! follows; after any input, drain every output. Time is an argument.
//!
//! Owns the outbound queue, the order of events, half-close, lingering close and the timers of one peer. Does
//! not decide what the end of a stream means for stdin (`eof_policy`), never sees a socket, and knows of the layers below it
//! (`link`) only how much of what it sent they hold.
//!
//! | phase | input | output | next |
//! |---|---|---|---|
//! | Open | bytes | `Data`, `Text` or `Line` events | Open |
//! | Open | peer's FIN | `Eof`; whoever decides gives `Close` or not | Open |
//! | Open | FIN both ways | | Closing |
//! | Open | `Close`, `Abort`, a fault | input is discarded from here on | Closing |
//! | Closing | queue empty | FIN, `Closed` | Lingering, or Released if the peer has ended |
//! | Closing by `Abort` or a fault | queue empty | `Closed`, no FIN | Lingering |
//! | Lingering | bytes | discarded, so that no RST destroys what was sent | Lingering |
//! | Lingering | peer's FIN, error, bounds reached | | Released |
//! | Lingering after `Abort` or a fault | everything sent is acknowledged, or nothing moves | RST | Released |
//! | Open | a layer ends the connection | as `Close` or `Reset`, after what came before it | Closing, Released |
//! | any | `Reset`, a broken link, the idle limit | `Error` if it was not ours, `Closed` | Released |
//!
//! Datagrams have neither FIN nor RST: `datagrams` says when their connection is looked upon as ended. It never lingers.

mod below;
mod datagrams;
mod ends;
mod sending;

use std::rc::Rc;
use std::time::{Duration, Instant};

use self::datagrams::Datagrams;
use crate::config::{Malformed, Refusal, Silence};
use crate::session::event_queue::EventQueue;
use crate::session::idle::IdleWatch;
use crate::session::inbound::Inbound;
use crate::session::linger::{self, Linger};
use crate::session::outbound::Outbound;
use crate::session::pacing::Pacing;
use crate::session::timer::{Timer, TimerTable};
use crate::session::{ChosenForm, CloseReason, ConnError, ConnView, Event, EventMask, Form};

/// Above this many queued bytes, nothing more is read from the peer whose requests fill the queue.
pub const HIGH_WATER: usize = 1 << 20;
/// At or below this many queued bytes, reading goes on and `Drained` is due.
pub const LOW_WATER: usize = 64 << 10;

/// How received bytes are treated. Only who takes them may change while the connection stands.
#[derive(Clone, Copy, Debug, Default)]
pub struct Settings {
    /// Which events somebody takes.
    pub event_mask: EventMask,
    /// Received bytes become UTF-8 on their way to stdout.
    pub decode_output: bool,
    /// Received bytes are dropped.
    pub discard: bool,
    /// What to do with malformed text.
    pub malformed: Malformed,
    /// The idle limit.
    pub idle: Option<Duration>,
    /// What it is to be idle for that long.
    pub silence: Silence,
    /// One that was idle for too long, or whose proxy has failed, is closed in order.
    pub ends_in_order: bool,
    /// Its end in order waits until what was sent has arrived: a reset before that is a fault.
    pub awaits_arrival: bool,
    /// When a connection of datagrams ends.
    pub parting: Parting,
    /// What a refusal is to it.
    pub refusal: Refusal,
}

/// When a connection of datagrams, which have no end of their own, is looked upon as ended.
#[derive(Clone, Copy, Debug, Default)]
pub struct Parting {
    /// After this time without a datagram in either direction.
    pub silence: Option<Duration>,
    /// After our side has ended: this time after the last datagram that was sent.
    pub wait: Duration,
}

impl Settings {
    /// The form of received bytes while no other is chosen.
    fn form(&self) -> Form {
        match self.event_mask.received {
            Some(form) => form,
            None if self.decode_output => Form::Text,
            None => Form::Data,
        }
    }
}

/// What the owner of the socket has to do.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Action {
    /// Send FIN.
    ShutdownWrite,
    /// Let go of the socket; `abort` sends RST instead of FIN.
    Release {
        /// RST, and drop what the kernel still holds.
        abort: bool,
    },
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Phase {
    Open,
    Closing(CloseReason),
    Lingering,
    Released,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum WriteHalf {
    Open,
    Finishing,
    Shut,
}

/// How the peer's stream ended, held back until everything before it was delivered.
#[derive(Debug, PartialEq, Eq)]
enum End {
    Eof,
    /// Its protocol had not ended.
    CutShort(Box<ConnError>),
    Broken(Box<ConnError>),
    /// A layer ended it in order.
    Close,
    /// A layer ended it by RST.
    Reset,
}

/// One peer.
#[derive(Debug)]
pub struct Connection {
    view: Rc<ConnView>,
    settings: Settings,
    phase: Phase,
    write: WriteHalf,
    read_ended: bool,
    paused: bool,
    inbound: Inbound,
    outbound: Outbound,
    /// `None`: there are no pauses between lines.
    pacing: Option<Box<Pacing>>,
    events: EventQueue,
    /// What is to be done before what follows from the phase.
    action: Option<Action>,
    end: Option<End>,
    write_error: Option<Box<ConnError>>,
    drain_due: bool,
    /// It ends by RST, once what is queued has arrived: our side has failed, and the peer must not take that for the end.
    aborts: bool,
    /// The run has failed, and this connection is the whole run: it ends by RST unless that changes.
    fails_with_run: bool,
    linger: Option<Box<Linger>>,
    timers: TimerTable,
    idle: IdleWatch,
    /// `None`: it is a stream.
    datagrams: Option<Box<Datagrams>>,
}

impl Connection {
    /// A connection that stands; `Opened` is its first event.
    pub fn new(view: Rc<ConnView>, settings: Settings) -> Self {
        let mut timers = TimerTable::default();
        if let Some(idle) = settings.idle {
            view.info.set_idle_limit(Some(idle));
            timers.set(Timer::Idle, view.info.opened() + idle);
        }
        let datagrams = Datagrams::of(&view, settings.parting, &mut timers);
        Self {
            inbound: Inbound::new(settings.form(), settings.malformed),
            view,
            settings,
            phase: Phase::Open,
            write: WriteHalf::Open,
            read_ended: false,
            paused: false,
            outbound: if datagrams.is_some() { Outbound::of_datagrams() } else { Outbound::new() },
            pacing: None,
            events: EventQueue::of(Event::Opened),
            action: None,
            end: None,
            write_error: None,
            drain_due: false,
            aborts: false,
            fails_with_run: false,
            linger: None,
            timers,
            idle: IdleWatch::default(),
            datagrams,
        }
    }

    /// Which events somebody takes.
    pub fn event_mask(&self) -> EventMask {
        self.settings.event_mask
    }

    /// What others see of this connection.
    pub fn view(&self) -> &Rc<ConnView> {
        &self.view
    }

    // ---- inputs ---------------------------------------------------------------------------------------

    /// Bytes arrived, as one read gave them.
    pub fn handle_input(&mut self, now: Instant, bytes: &[u8]) {
        self.note_input(now, bytes.len());
        if self.phase != Phase::Open || self.settings.discard {
            return;
        }
        if !self.events.is_empty() || self.paused {
            // What is told first (`Opened`) may change how they are cut, or pause.
            self.inbound.hold(bytes);
        } else if self.inbound.is_plain() {
            self.inbound.pass(&self.view, bytes);
            self.events.push_back(Event::Data(bytes.to_vec()));
        } else if let Err(fault) = self.inbound.push(&self.view, bytes) {
            self.fault(fault);
        }
    }

    /// Bytes arrived and went their way without passing through here ([`Connection::passes_through`]).
    pub fn note_received(&mut self, now: Instant, n: usize) {
        self.note_input(now, n);
        self.inbound.pass_unseen(n);
    }

    /// A chunk arrived and went to its handler as it is ([`Connection::gives_chunks`]).
    pub fn note_chunk(&mut self, now: Instant, bytes: &[u8]) {
        self.note_input(now, bytes.len());
        self.inbound.pass(&self.view, bytes);
    }

    fn note_input(&mut self, now: Instant, n: usize) {
        if self.phase == Phase::Open {
            self.view.info.note_received(now, n);
        } else {
            // What comes after the end is thrown away, so it does not count as received.
            self.note_progress(now);
        }
        if let Some(linger) = &mut self.linger {
            linger.note_input(now, n);
        }
    }

    /// Something that moves slowly counts as activity: bytes wait for room elsewhere, or for the time of a layer.
    pub fn note_progress(&mut self, now: Instant) {
        self.view.info.note_progress(now);
    }

    /// The peer sent FIN.
    pub fn handle_eof(&mut self) {
        if self.read_ended {
            return;
        }
        if let Some(error) = self.write_error.take() {
            return self.break_off(*error);
        }
        self.read_ended = true;
        self.view.info.note_eof();
        if self.phase == Phase::Open {
            self.end = Some(End::Eof);
        }
    }

    /// Reading failed: the connection is broken. What arrived before is still delivered.
    pub fn handle_read_error(&mut self, error: ConnError) {
        if !self.read_ended {
            let error = self.write_error.take().map_or(error, |error| *error);
            self.break_off(error);
        }
    }

    /// Writing failed. What the peer sent before may still be there: the error is told when reading ends.
    pub fn handle_write_error(&mut self, error: ConnError) {
        self.stop_writing();
        if self.read_ended {
            self.break_off(error);
        } else {
            self.write_error = Some(Box::new(error));
        }
    }

    /// Somebody else takes the events. What was not delivered takes the form they want; a chosen framing stays.
    pub fn set_event_mask(&mut self, event_mask: EventMask) {
        self.settings.event_mask = event_mask;
        let is_received = |event: &Event| matches!(event, Event::Data(_) | Event::Text(_) | Event::Line(_));
        let received = self.events.take_if(is_received);
        self.inbound.set_requested(&self.view, self.settings.form(), received);
    }

    /// Whether received bytes are decoded for stdout, where no handler takes them.
    pub fn set_decoded(&mut self, is_decoded: bool) {
        self.settings.decode_output = is_decoded;
        self.set_event_mask(self.settings.event_mask);
    }

    /// Flush, FIN, let go. No data event follows.
    pub fn close(&mut self, why: CloseReason) {
        // What has broken already is told, where it matters that all arrives.
        let is_lost = self.settings.awaits_arrival && matches!(self.end, Some(End::Broken(_)));
        if self.phase == Phase::Open && !is_lost {
            self.discard_input();
            self.shutdown();
            self.phase = Phase::Closing(why);
        }
    }

    /// Whether the run has failed, and this connection is the whole run: then it ends by RST.
    pub fn set_failing(&mut self, fails: bool) {
        self.fails_with_run = fails;
    }

    /// RST now; what is queued is dropped.
    pub fn reset(&mut self, why: CloseReason) {
        if !matches!(self.phase, Phase::Released) {
            self.discard_input();
            self.release(why, true);
        }
    }

    /// Its proxy has failed: nobody has got anything that was to be sent.
    pub(super) fn give_up(&mut self, why: CloseReason) {
        self.outbound.clear();
        if self.settings.ends_in_order { self.abandon(why) } else { self.reset(why) }
    }

    /// Stops reading and delivering, or goes on. What was received stays for later, in order.
    pub fn set_paused(&mut self, paused: bool) {
        self.paused = paused;
    }

    /// The idle limit in the view was changed; it counts from the last byte.
    pub fn handle_idle_change(&mut self, now: Instant) {
        match self.view.info.idle_limit() {
            Some(idle) if self.phase == Phase::Open => {
                self.timers.set(Timer::Idle, (self.view.info.last_activity() + idle).max(now));
            }
            _ => self.timers.stop(Timer::Idle),
        }
    }

    /// The limit for the silence of the peer in the view was changed; it counts from the last byte of the peer.
    pub fn handle_peer_idle_change(&mut self, now: Instant) {
        match self.view.info.peer_idle_limit() {
            Some(limit) if self.phase == Phase::Open => {
                self.timers.set(Timer::PeerIdle, (self.view.info.last_received() + limit).max(now));
            }
            _ => self.timers.stop(Timer::PeerIdle),
        }
    }

    /// Changes the form of what was not delivered yet; `None`: the one the event mask asks for.
    pub fn set_form(&mut self, chosen: Option<ChosenForm>) {
        self.inbound.set_chosen(&self.view, chosen, self.settings.form());
    }

    /// The handler has measured the next frame; 0: it needs more bytes.
    pub fn cut(&mut self, length: usize) {
        self.inbound.set_length(length);
    }

    /// The handler has dealt with the first bytes of what was searched.
    pub fn skip(&mut self, n: usize) {
        self.inbound.skip(&self.view, n);
    }

    /// Time has come to `now`; `unacknowledged` is what the kernel still holds of what was sent.
    pub fn handle_timeout(&mut self, now: Instant, unacknowledged: usize) {
        if self.is_quiet_itself() {
            // A pause of our own is no silence.
            self.note_progress(now);
        }
        self.end_pause(now);
        while let Some(timer) = self.timers.expired(now) {
            match timer {
                Timer::Idle => self.check_idle(now, unacknowledged),
                Timer::PeerIdle => self.check_peer_idle(now),
                Timer::Detect => match self.inbound.decide(&self.view) {
                    Ok(Some(event)) => self.events.push_back(event),
                    Ok(None) => {}
                    Err(fault) => self.fault(fault),
                },
                Timer::Linger => self.check_linger(now, unacknowledged),
                Timer::Parting => self.check_parting(now),
            }
        }
    }

    // ---- outputs --------------------------------------------------------------------------------------

    /// The next thing that happened.
    pub fn poll_event(&mut self) -> Option<Event> {
        loop {
            if let Some(event) = self.events.pop_front() {
                return Some(event);
            }
            if self.phase == Phase::Open {
                if self.paused {
                    return None;
                }
                match self.inbound.next(&self.view) {
                    Ok(Some(event)) => return Some(event),
                    Ok(None) => {
                        if let Some(silence) = self.inbound.silence() {
                            self.timers.set(Timer::Detect, self.view.info.last_activity() + silence);
                        }
                    }
                    Err(fault) => {
                        self.fault(fault);
                        continue;
                    }
                }
            }
            self.deliver_end(self.end.is_some())?;
        }
    }

    /// What to do with the socket, once the queue was offered to it.
    pub fn poll_action(&mut self, now: Instant) -> Option<Action> {
        if let Some(action) = self.action.take() {
            return Some(action);
        }
        self.watch_abort(now);
        if self.write == WriteHalf::Finishing && self.outbound.is_empty() && !self.holds_end() {
            self.write = WriteHalf::Shut;
            if self.is_datagram() {
                self.await_parting();
                return self.poll_action(now);
            }
            // A failed run that goes on has sent all of its input: what ends it comes later.
            if !self.aborts && (!self.fails_with_run || self.phase == Phase::Open) {
                return Some(Action::ShutdownWrite);
            }
        }
        match self.phase {
            Phase::Open if self.read_ended && self.write == WriteHalf::Shut && self.is_delivered() => {
                self.phase = Phase::Closing(CloseReason::Eof);
                self.poll_action(now)
            }
            Phase::Closing(_) if self.awaits_arrival() => {
                if self.linger.is_none() {
                    self.linger(now, now);
                }
                None
            }
            Phase::Closing(why) if self.write == WriteHalf::Shut => {
                self.closed(why);
                if self.is_datagram() || (self.read_ended && !self.aborts) {
                    return self.let_go(self.aborts);
                }
                self.phase = Phase::Lingering;
                if self.linger.is_none() {
                    self.linger(now, now + linger::ACKNOWLEDGEMENT_CHECK);
                }
                None
            }
            Phase::Lingering if self.read_ended && !self.aborts => self.let_go(false),
            _ => None,
        }
    }

    /// When [`Connection::handle_timeout`] wants to be called.
    pub fn poll_timeout(&self) -> Option<Instant> {
        let timer = self.timers.next();
        let Some(pacing) = &self.pacing else { return timer };
        let pause = pacing.until().filter(|_| !self.outbound.is_queue_empty() || self.holds_end());
        timer.into_iter().chain(pause).min()
    }

    /// Whether reading is of use: not above the high-water mark, not ended.
    pub fn wants_read(&self) -> bool {
        // Unread bytes are what tells the peer of a Unix socket that this was a reset.
        !self.read_ended
            && self.phase != Phase::Released
            && (self.phase != Phase::Open || (!self.paused && self.queued() < HIGH_WATER && !self.keeps_waiting()))
    }

    /// Whether [`Connection::poll_event`] has something to give (lines that are not cut yet aside).
    pub fn has_events(&self) -> bool {
        !self.events.is_empty() || (self.end.is_some() && !(self.paused && self.phase == Phase::Open))
    }

    /// Whether [`Connection::poll_event`] has certainly nothing to give, at a glance.
    #[inline]
    pub fn has_told_all(&self) -> bool {
        self.events.is_empty() && self.end.is_none() && self.inbound.is_untouched()
    }

    /// Whether, at a glance, nothing follows from what is known: it is open both ways, nothing is queued or to be told.
    #[inline]
    pub fn is_at_rest(&self) -> bool {
        self.phase == Phase::Open
            && self.write == WriteHalf::Open
            && !self.read_ended
            && self.action.is_none()
            && self.has_told_all()
            && self.outbound.is_empty()
    }

    /// Whether received bytes go to stdout as they are, so that they need not pass through here.
    pub fn passes_through(&self) -> bool {
        self.phase == Phase::Open
            && self.settings.event_mask.received.is_none()
            && !self.settings.decode_output
            && !self.settings.discard
            && self.inbound.is_plain()
            && self.events.is_empty()
    }

    /// Whether received bytes are chunks for somebody who takes them as they are, with nothing before them, so that they
    /// need not pass through here.
    pub fn gives_chunks(&self) -> bool {
        self.phase == Phase::Open
            && !self.paused
            && !self.settings.discard
            && self.inbound.is_plain()
            && self.is_delivered()
    }

    /// Whether it stands and neither side's handler has closed it.
    pub fn is_open(&self) -> bool {
        self.phase == Phase::Open
    }

    /// Whether it was ended in order by our side, and only the peer's last bytes are awaited and thrown away.
    pub fn is_lingering(&self) -> bool {
        self.phase == Phase::Lingering && !self.aborts
    }

    /// Whether it matters what the kernel still holds of what was sent.
    pub fn awaits_acknowledgement(&self) -> bool {
        self.linger.is_some()
    }

    /// Whether it ends once what was sent has arrived, and not before.
    pub fn awaits_arrival(&self) -> bool {
        self.settings.awaits_arrival
            && matches!(self.phase, Phase::Closing(_))
            && self.write == WriteHalf::Shut
            && !self.aborts
            && !self.is_datagram()
    }

    /// Whether it can still send.
    pub fn can_send(&self) -> bool {
        self.write == WriteHalf::Open
    }
}
