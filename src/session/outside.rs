//! What waits for a connection outside of its queue, in a kernel pipe: it counts as queued, goes first, and holds back
//! the end like everything that was sent before it.

use std::rc::Rc;
use std::time::Instant;

use crate::config::Text;
use crate::layer::toxics::Toxic;
use crate::session::connection::{Action, LOW_WATER, Settings};
use crate::session::view::Side;
use crate::session::{ConnError, ConnView, Connection, Direction, ErrorKind, Event, Interest, Why};

fn connection() -> (Connection, Instant) {
    let address = "10.0.0.9:51234".parse().unwrap();
    let now = Instant::now();
    let view = Rc::new(ConnView::new(1, address, address, Side::Server, &Text::default(), now));
    let interest = Interest { drained: true, ..Interest::default() };
    let mut conn = Connection::new(view, Settings { interest, ..Settings::default() });
    assert!(!conn.takes_outside(), "who hears of it first may have something to send");
    assert_eq!(conn.poll_event(), Some(Event::Opened));
    (conn, now)
}

#[test]
fn it_goes_before_what_is_queued_later_and_both_before_the_end() {
    for comes_in in [false, true] {
        let (mut conn, now) = connection();
        assert!(conn.takes_outside());
        conn.send_outside(100);
        conn.send_outside(20);
        conn.send(b"later".to_vec());
        assert!(!conn.takes_outside(), "what is queued goes before what would be outside");
        conn.close(Why::Closed);
        assert_eq!((conn.queued(), conn.view().queued.get(), conn.outside()), (125, 125, 120));
        assert_eq!((conn.poll_transmit(), conn.wants_write()), (None, true));
        assert_eq!(conn.poll_action(now), None, "no end before what was sent");
        conn.transmitted_outside(now, 117);
        assert_eq!((conn.view().bytes_out.get(), conn.queued()), (117, 8));
        if comes_in {
            conn.take_in(b"end".to_vec());
            assert_eq!((conn.outside(), conn.queued(), conn.poll_transmit()), (0, 8, Some(&b"endlater"[..])));
            conn.transmitted(now, 8);
        } else {
            conn.transmitted_outside(now, 3);
            assert_eq!(conn.poll_transmit(), Some(&b"later"[..]));
            conn.transmitted(now, 5);
        }
        assert_eq!((conn.view().bytes_out.get(), conn.view().queued.get()), (125, 0));
        assert_eq!(conn.poll_action(now), Some(Action::ShutdownWrite));
        assert_eq!(conn.poll_action(now), None);
        assert!(conn.is_lingering());
    }
}

#[test]
fn it_drains_like_the_queue() {
    let (mut conn, now) = connection();
    conn.send_outside(LOW_WATER + 2);
    conn.transmitted_outside(now, 1);
    assert_eq!(conn.poll_event(), None);
    conn.transmitted_outside(now, 1);
    assert_eq!(conn.poll_event(), Some(Event::Drained));
    conn.transmitted_outside(now, LOW_WATER);
    assert_eq!(conn.poll_event(), None);
}

#[test]
fn nobody_wants_it_once_the_queue_was_dropped() {
    for breaks in [false, true] {
        let (mut conn, now) = connection();
        conn.send_outside(100);
        if breaks {
            let error = ConnError { kind: ErrorKind::Reset, op: "write".into(), message: "broken pipe".into() };
            conn.handle_write_error(now, error);
        } else {
            conn.reset(Why::Reset);
        }
        assert_eq!((conn.outside(), conn.queued(), conn.view().queued.get()), (0, 0, 0));
        assert!(!conn.takes_outside() && !conn.wants_write());
    }
}

#[test]
fn where_bytes_pass_through_something_none_are_outside() {
    let (mut conn, now) = connection();
    conn.send_outside(5);
    conn.take_in(b"first".to_vec());
    conn.add_toxic(now, Direction::Out, Toxic::Timeout { timeout: None }, 1);
    assert!(!conn.takes_outside() && !conn.gives_chunks());
    conn.send(b"dropped".to_vec());
    conn.release_output(now);
    assert_eq!(conn.poll_transmit(), Some(&b"first"[..]), "what was sent before is not concerned");
}
