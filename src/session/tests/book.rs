//! `Playbook`: a link, its clock, and steps that each give one input or expect one output; every input must have been
//! answered completely before the next. And the ways in which each transcript is run.

use std::net::SocketAddr;
use std::rc::Rc;
use std::time::{Duration, Instant};

use super::layers::{GREETING, Probe, WELCOME};
use crate::config::{Charset, Text};
use crate::session::Side;
use crate::session::connection::{Action, Settings};
use crate::session::{CloseReason, ConnError, ConnView, ErrorKind, Event, EventMask, Form, Link, Operation};

/// What stands between a connection and its socket.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Way {
    /// Nothing.
    Bare,
    /// A layer that changes nothing.
    Through,
    /// A layer that has exchanged a greeting first, above one that changes nothing.
    Greeted,
}

/// Runs each transcript in every way.
macro_rules! run_each_way {
    ($($name:ident),+ $(,)?) => {
        mod bare { $(#[test] fn $name() { super::$name(super::Way::Bare); })+ }
        mod through { $(#[test] fn $name() { super::$name(super::Way::Through); })+ }
        mod greeted { $(#[test] fn $name() { super::$name(super::Way::Greeted); })+ }
    };
}
pub(super) use run_each_way;

/// A link whose `Opened` was not told yet.
pub(super) fn link(way: Way, view: Rc<ConnView>, settings: Settings) -> Link {
    let now = view.info.opened();
    let mut link = Link::new(view, settings);
    if way != Way::Bare {
        link.add_layer(now, Box::new(Probe::default()));
    }
    if way == Way::Greeted {
        link.add_layer(now, Box::new(Probe::greeting()));
        assert_eq!(next_event(&mut link, now), None, "nobody is told before the greeting");
        assert_eq!(written(&mut link, now), GREETING);
        link.handle_input(now, WELCOME);
        link.release_input(now);
    }
    assert!(link.is_established());
    link
}

/// The next event, as a driver asks for it.
pub(super) fn next_event(link: &mut Link, now: Instant) -> Option<Event> {
    loop {
        let event = link.poll_event();
        if event.is_some() || !link.release_input(now) {
            return event;
        }
    }
}

/// What a socket that takes everything gets.
pub(super) fn written(link: &mut Link, now: Instant) -> Vec<u8> {
    let mut all = Vec::new();
    loop {
        link.release_output(now);
        let Some(front) = link.poll_transmit().map(<[u8]>::to_vec) else { return all };
        link.transmitted(now, front.len());
        all.extend(front);
    }
}

pub(super) const RELEASE: Action = Action::Release { abort: false };
pub(super) const ABORT: Action = Action::Release { abort: true };

pub(super) struct Playbook {
    pub(super) conn: Link,
    pub(super) now: Instant,
}

pub(super) fn play(way: Way, settings: Settings, text: &Text) -> Playbook {
    begin(way, settings, text).event(Event::Opened)
}

/// A connection whose `Opened` was not delivered yet.
pub(super) fn begin(way: Way, settings: Settings, text: &Text) -> Playbook {
    let peer: SocketAddr = "10.0.0.9:51234".parse().unwrap();
    let local: SocketAddr = "10.0.0.1:80".parse().unwrap();
    let now = Instant::now();
    let view = Rc::new(ConnView::new(1, peer, local, Side::Server, text, now));
    Playbook { conn: link(way, view, settings), now }
}

pub(super) fn taking(form: Form) -> Settings {
    let event_mask = EventMask {
        received: Some(form),
        opened: true,
        eof: true,
        drained: false,
        idle: false,
        error: true,
        closed: true,
        secured: true,
    };
    Settings { event_mask, ..Settings::default() }
}

pub(super) fn chunks(way: Way) -> Playbook {
    play(way, taking(Form::Data), &Text::default())
}

pub(super) fn text_in(encoding: &'static encoding_rs::Encoding) -> Text {
    Text { recv: Some(Charset::Named(encoding)), send: Some(encoding), ..Text::default() }
}

pub(super) fn data(bytes: &[u8]) -> Event {
    Event::Data(bytes.to_vec())
}

pub(super) fn line(text: &str) -> Event {
    Event::Line(text.to_owned())
}

pub(super) fn reset() -> ConnError {
    ConnError { kind: ErrorKind::Reset, op: Operation::Read, message: "connection reset by peer".into() }
}

impl Playbook {
    pub(super) fn do_(mut self, input: impl FnOnce(&mut Link, Instant)) -> Self {
        input(&mut self.conn, self.now);
        self
    }

    pub(super) fn input(self, bytes: &[u8]) -> Self {
        self.quiet().do_(|conn, now| conn.handle_input(now, bytes))
    }

    pub(super) fn eof(self) -> Self {
        self.quiet().do_(Link::handle_eof)
    }

    pub(super) fn send(self, bytes: &[u8]) -> Self {
        self.do_(|conn, _| conn.send(bytes.to_vec()))
    }

    pub(super) fn close(self) -> Self {
        self.do_(|conn, _| conn.close(CloseReason::Closed))
    }

    pub(super) fn later(mut self, by: Duration, unacknowledged: usize) -> Self {
        self = self.quiet();
        self.now += by;
        self.do_(|conn, now| conn.handle_timeout(now, unacknowledged))
    }

    /// The next event.
    pub(super) fn event(mut self, expected: Event) -> Self {
        assert_eq!(next_event(&mut self.conn, self.now), Some(expected));
        self
    }

    /// An error of this kind whose message contains the words.
    pub(super) fn error(mut self, kind: ErrorKind, words: &str) -> Self {
        match next_event(&mut self.conn, self.now) {
            Some(Event::Error(error)) => {
                assert_eq!(error.kind, kind, "{error:?}");
                assert!(error.message.contains(words), "{error:?}");
            }
            other => panic!("expected an error, got {other:?}"),
        }
        self
    }

    /// The socket takes exactly this from the queue.
    pub(super) fn transmit(mut self, expected: &[u8]) -> Self {
        let mut sent = Vec::new();
        while sent.len() < expected.len() {
            self.conn.release_output(self.now);
            let front = self.conn.poll_transmit().expect("something to send");
            let n = front.len().min(expected.len() - sent.len());
            sent.extend_from_slice(&front[..n]);
            self.conn.transmitted(self.now, n);
        }
        assert_eq!(sent, expected);
        self
    }

    pub(super) fn action(mut self, expected: Action) -> Self {
        self.conn.release_output(self.now);
        assert_eq!(self.conn.poll_action(self.now), Some(expected));
        self
    }

    /// No event and no action is left.
    pub(super) fn quiet(mut self) -> Self {
        assert_eq!(next_event(&mut self.conn, self.now), None);
        self.conn.release_output(self.now);
        assert_eq!(self.conn.poll_action(self.now), None);
        self
    }

    /// Nothing to do to the socket: the peer's last bytes are awaited.
    pub(super) fn lingers(mut self) -> Self {
        self.conn.release_output(self.now);
        assert_eq!(self.conn.poll_action(self.now), None);
        assert!(self.conn.is_lingering());
        self
    }

    /// It ends by RST once everything is acknowledged; nothing is left to send.
    pub(super) fn aborts(self) -> Self {
        let book = self.do_(|conn, _| assert!(!conn.wants_write()));
        let mut book = book.do_(|conn, now| {
            conn.release_output(now);
            assert_eq!(conn.poll_action(now), None);
        });
        assert!(book.conn.awaits_acknowledgement() && !book.conn.is_lingering());
        book = book.event(Event::Closed(CloseReason::Error)).later(Duration::from_millis(1), 7);
        book.later(Duration::from_millis(100), 0).action(ABORT)
    }

    /// Over, with nothing left to say.
    pub(super) fn over(self) {
        let book = self.quiet();
        assert!(!book.conn.view().info.is_open() && !book.conn.view().info.can_send());
        assert_eq!(book.conn.poll_timeout(), None);
        assert_eq!(book.conn.poll_transmit(), None);
    }
}
