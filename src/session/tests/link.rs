//! A link and its layers: when the opening is told, what passes, how layers end a connection and are ended by it, and that
//! no fast path goes past them.

use std::cell::Cell;
use std::rc::Rc;
use std::time::{Duration, Instant};

use super::book::{ABORT, Playbook, RELEASE, Way, begin, chunks, data, next_event, reset, taking, written};
use super::layers::{GREETING, Probe, WELCOME};
use crate::config::Text;
use crate::layer::Direction;
use crate::layer::toxics::Toxic;
use crate::session::connection::{Action, HIGH_WATER, Settings};
use crate::session::{CloseReason, ErrorKind, Event, Form, Link};

const LATENCY: Toxic = Toxic::Latency { latency: Duration::from_millis(200), jitter: Duration::ZERO };

/// A link with one layer, which has not been established yet if it greets.
fn with(probe: Probe) -> Playbook {
    begin(Way::Bare, taking(Form::Data), &Text::default()).do_(|conn, now| conn.add_layer(now, Box::new(probe)))
}

#[test]
fn the_opening_waits_for_the_greeting_and_what_follows_that_is_delivered() {
    let book = with(Probe::greeting()).transmit(GREETING).quiet();
    assert!(!book.conn.is_established() && !book.conn.has_events());
    book.input(&WELCOME[..3])
        .input(&[&WELCOME[3..], b"first"].concat())
        .do_(|conn, _| assert!(conn.is_established() && conn.has_events()))
        .event(Event::Opened)
        .event(data(b"first"))
        .do_(|conn, _| assert_eq!(conn.view().info.bytes_in(), 5, "the greeting is the layer's"))
        .input(WELCOME)
        .event(data(WELCOME))
        .quiet();
}

#[test]
fn what_is_sent_before_the_greeting_goes_after_it_and_so_does_the_end() {
    with(Probe::greeting())
        .send(b"early")
        .close()
        .transmit(GREETING)
        .quiet()
        .do_(|conn, now| assert_eq!((written(conn, now), conn.queued()), (Vec::new(), 5)))
        .input(WELCOME)
        .event(Event::Opened)
        .transmit(b"early")
        .action(Action::ShutdownWrite)
        .lingers()
        .event(Event::Closed(CloseReason::Closed))
        .quiet();
}

#[test]
fn reading_goes_on_before_the_greeting_however_much_is_queued() {
    let book = with(Probe::greeting()).send(&vec![0; HIGH_WATER]).do_(|conn, _| conn.set_paused(true));
    assert!(book.conn.wants_read());
    let book = book.input(WELCOME).event(Event::Opened);
    assert!(!book.conn.wants_read());
}

#[test]
fn closing_with_nothing_to_say_waits_for_nobody() {
    with(Probe::greeting())
        .transmit(GREETING)
        .close()
        .action(Action::ShutdownWrite)
        .lingers()
        .event(Event::Closed(CloseReason::Closed))
        .eof()
        .action(RELEASE)
        .over();
}

#[test]
fn a_layer_says_goodbye_before_the_fin() {
    let probe = Probe::saying(b"bye");
    with(probe)
        .event(Event::Opened)
        .send(b"last")
        .do_(|conn, _| conn.shutdown())
        .transmit(b"last")
        .quiet()
        .transmit(b"by")
        .quiet()
        .transmit(b"e")
        .action(Action::ShutdownWrite)
        .input(b"answer")
        .event(data(b"answer"))
        .eof()
        .event(Event::Eof)
        .action(RELEASE)
        .event(Event::Closed(CloseReason::Eof))
        .over();
}

#[test]
fn a_layer_that_cannot_go_on_is_told_and_then_the_connection_is_reset() {
    with(Probe::greeting())
        .transmit(GREETING)
        .send(b"never sent")
        .input(b"help")
        .error(ErrorKind::Io, "a strange greeting")
        .do_(|conn, now| assert_eq!(conn.poll_action(now), None))
        .event(Event::Closed(CloseReason::Error))
        .later(Duration::ZERO, 1)
        .quiet()
        .later(Duration::from_millis(20), 0)
        .action(ABORT)
        .over();
    // The peer has ended instead of an answer.
    with(Probe::greeting())
        .transmit(GREETING)
        .eof()
        .error(ErrorKind::Io, "ended the connection too early")
        .do_(|conn, now| assert_eq!(conn.poll_action(now), None))
        .event(Event::Closed(CloseReason::Error))
        .later(Duration::ZERO, 0)
        .action(ABORT)
        .over();
}

#[test]
fn a_link_that_breaks_before_the_greeting_says_why() {
    with(Probe::greeting())
        .do_(|conn, now| conn.handle_read_error(now, reset()))
        .event(Event::Error(reset()))
        .event(Event::Closed(CloseReason::Reset))
        .action(ABORT)
        .over();
}

#[test]
fn a_layer_is_asked_when_its_time_has_come() {
    let patience = Instant::now() + Duration::from_secs(3600);
    let book = with(Probe::waiting(patience));
    assert_eq!(book.conn.poll_timeout(), Some(patience));
    book.transmit(GREETING)
        .later(Duration::from_secs(3601), 0)
        .error(ErrorKind::Timeout, "no greeting in time")
        .do_(|conn, now| assert_eq!(conn.poll_action(now), None))
        .event(Event::Closed(CloseReason::Error))
        .later(Duration::ZERO, 0)
        .action(ABORT)
        .over();
}

#[test]
fn a_layer_added_later_does_not_see_what_was_sent_before() {
    chunks(Way::Through)
        .send(b"plain")
        .do_(|conn, now| conn.add_layer(now, Box::new(Probe::greeting())))
        .send(b"secret")
        .do_(|conn, _| assert_eq!(conn.view().info.queued(), 11 + GREETING.len()))
        .transmit(b"plain")
        .transmit(GREETING)
        .do_(|conn, now| assert_eq!(written(conn, now), b""))
        .input(WELCOME)
        .quiet()
        .transmit(b"secret")
        .quiet();
}

#[test]
fn toxics_stand_below_the_other_layers() {
    with(Probe::greeting())
        .do_(|conn, now| {
            conn.add_toxic(now, Direction::Out, LATENCY, 1);
            assert_eq!(written(conn, now), GREETING, "it was on its way");
            conn.add_toxic(now, Direction::In, LATENCY, 1);
        })
        .input(WELCOME)
        .do_(|conn, now| assert_eq!(conn.poll_timeout(), Some(now + Duration::from_millis(200))))
        .later(Duration::from_millis(200), 0)
        .event(Event::Opened)
        .send(b"late")
        .quiet()
        .later(Duration::from_millis(200), 0)
        .transmit(b"late")
        .do_(|conn, now| conn.heal(now, None))
        .send(b"at once")
        .transmit(b"at once")
        .do_(|conn, _| assert!(!conn.is_transparent()))
        .quiet();
}

#[test]
fn what_a_layer_holds_holds_back_whoever_sends_it() {
    let book = chunks(Way::Through).do_(|conn, _| conn.set_paused(true));
    let mut book = book.input(&vec![0; HIGH_WATER]).do_(|conn, _| conn.set_paused(false));
    assert!(!book.conn.wants_read());
    assert_eq!(next_event(&mut book.conn, book.now), Some(data(&vec![0; HIGH_WATER])));
    assert!(book.conn.wants_read());
}

/// A link whose opening was told, which takes every fast path, and the switch that ends its layer.
fn with_layer(settings: Settings) -> (Link, Instant, Rc<Cell<bool>>) {
    let Playbook { conn: mut link, now } = begin(Way::Bare, settings, &Text::default()).event(Event::Opened);
    let probe = Probe::default();
    let done = probe.done.clone();
    link.add_layer(now, Box::new(probe));
    (link, now, done)
}

/// Each way past the layers is closed while there is one, and open again when it is done.
#[track_caller]
fn is_held_by_a_layer(settings: Settings, path: impl Fn(&Link) -> bool) {
    let bare = begin(Way::Bare, settings, &Text::default()).event(Event::Opened);
    assert!(path(&bare.conn), "it is open without layers");
    let (mut link, now, done) = with_layer(settings);
    assert!(!path(&link));
    // Done, and not empty: what is held goes first.
    link.set_paused(true);
    link.handle_input(now, b"in");
    done.set(true);
    link.release_output(now);
    assert!(!path(&link));
    link.set_paused(false);
    while next_event(&mut link, now).is_some() {}
    assert!(path(&link), "the layer is done");
    // Bytes of ours that are not written yet go first, too.
    let (mut link, now, done) = with_layer(settings);
    link.send(b"out".to_vec());
    link.release_output(now);
    done.set(true);
    link.release_output(now);
    assert!(!path(&link));
    assert_eq!(written(&mut link, now), b"out");
    assert!(path(&link), "everything is written");
}

#[test]
fn no_move_to_stdout_goes_past_a_layer() {
    is_held_by_a_layer(Settings::default(), Link::passes_through);
}

#[test]
fn no_move_to_a_partner_goes_past_a_layer() {
    is_held_by_a_layer(Settings::default(), Link::gives_chunks);
}

#[test]
fn no_move_from_a_partner_goes_past_a_layer() {
    is_held_by_a_layer(Settings::default(), Link::accepts_spliced);
}

#[test]
fn no_move_from_stdin_goes_past_a_layer() {
    is_held_by_a_layer(Settings::default(), Link::accepts_moves);
    is_held_by_a_layer(Settings::default(), Link::is_transparent);
}

#[test]
fn what_is_left_out_at_rest_is_not_needed() {
    is_held_by_a_layer(Settings::default(), Link::is_at_rest);
    let at_rest = || {
        let mut link = begin(Way::Bare, Settings::default(), &Text::default()).event(Event::Opened);
        assert!(link.conn.is_at_rest() && link.conn.poll_event().is_none());
        assert_eq!(link.conn.poll_action(link.now), None);
        link
    };
    let ends: [fn(&mut Link, Instant); 6] = [
        |link, now| link.handle_eof(now),
        |link, _| link.shutdown(),
        |link, _| link.close(CloseReason::Closed),
        |link, _| link.reset(CloseReason::Reset),
        |link, _| link.send(b"x".to_vec()),
        |link, now| link.handle_input(now, b"x"),
    ];
    for end in ends {
        let mut link = at_rest();
        end(&mut link.conn, link.now);
        assert!(!link.conn.is_at_rest());
    }
    // A chunk that went to its handler counts as one that was told.
    let mut link = at_rest();
    link.conn.note_chunk(link.now, b"four");
    assert!(link.conn.is_at_rest());
    assert_eq!(link.conn.view().info.bytes_in(), 4);
}
