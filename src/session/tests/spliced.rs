//! What waits for a connection outside of its queue, in a kernel pipe: it counts as queued, goes first, and holds back
//! the end like everything that was sent before it.

use std::rc::Rc;
use std::time::Instant;

use crate::config::Text;
use crate::layer::toxics::Toxic;
use crate::session::Side;
use crate::session::connection::{Action, LOW_WATER, Settings};
use crate::session::{CloseReason, ConnError, ConnView, Direction, ErrorKind, Event, EventMask, Link, Operation};

fn connection() -> (Link, Instant) {
    let address: std::net::SocketAddr = "10.0.0.9:51234".parse().unwrap();
    let now = Instant::now();
    let view = Rc::new(ConnView::new(1, address, address, Side::Server, &Text::default(), now));
    let event_mask = EventMask { drained: true, ..EventMask::default() };
    let mut conn = Link::new(view, Settings { event_mask, ..Settings::default() });
    assert!(!conn.accepts_spliced(), "who hears of it first may have something to send");
    assert_eq!(conn.poll_event(), Some(Event::Opened));
    (conn, now)
}

#[test]
fn it_goes_before_what_is_queued_later_and_both_before_the_end() {
    for comes_in in [false, true] {
        let (mut conn, now) = connection();
        assert!(conn.accepts_spliced());
        conn.send_spliced(100);
        conn.send_spliced(20);
        conn.send(b"later".to_vec());
        assert!(!conn.accepts_spliced(), "what is queued goes before what would be outside");
        conn.close(CloseReason::Closed);
        assert_eq!((conn.queued(), conn.view().info.queued(), conn.spliced()), (125, 125, 120));
        assert_eq!((conn.poll_transmit(), conn.wants_write()), (None, true));
        assert_eq!(conn.poll_action(now), None, "no end before what was sent");
        conn.transmitted_spliced(now, 117);
        assert_eq!((conn.view().info.bytes_out(), conn.queued()), (117, 8));
        if comes_in {
            conn.absorb(b"end".to_vec());
            assert_eq!((conn.spliced(), conn.queued(), conn.poll_transmit()), (0, 8, Some(&b"endlater"[..])));
            conn.transmitted(now, 8);
        } else {
            conn.transmitted_spliced(now, 3);
            assert_eq!(conn.poll_transmit(), Some(&b"later"[..]));
            conn.transmitted(now, 5);
        }
        assert_eq!((conn.view().info.bytes_out(), conn.view().info.queued()), (125, 0));
        assert_eq!(conn.poll_action(now), Some(Action::ShutdownWrite));
        assert_eq!(conn.poll_action(now), None);
        assert!(conn.is_lingering());
    }
}

#[test]
fn it_drains_like_the_queue() {
    let (mut conn, now) = connection();
    conn.send_spliced(LOW_WATER + 2);
    conn.transmitted_spliced(now, 1);
    assert_eq!(conn.poll_event(), None);
    conn.transmitted_spliced(now, 1);
    assert_eq!(conn.poll_event(), Some(Event::Drained));
    conn.transmitted_spliced(now, LOW_WATER);
    assert_eq!(conn.poll_event(), None);
}

#[test]
fn nobody_wants_it_once_the_queue_was_dropped() {
    for breaks in [false, true] {
        let (mut conn, now) = connection();
        conn.send_spliced(100);
        if breaks {
            let error = ConnError { kind: ErrorKind::Reset, op: Operation::Write, message: "broken pipe".into() };
            conn.handle_write_error(now, error);
        } else {
            conn.reset(CloseReason::Reset);
        }
        assert_eq!((conn.spliced(), conn.queued(), conn.view().info.queued()), (0, 0, 0));
        assert!(!conn.accepts_spliced() && !conn.wants_write());
    }
}

#[test]
fn where_bytes_pass_through_something_none_are_spliced() {
    let (mut conn, now) = connection();
    conn.send_spliced(5);
    conn.absorb(b"first".to_vec());
    conn.add_toxic(now, Direction::Out, Toxic::Timeout { timeout: None }, 1);
    assert!(!conn.accepts_spliced() && !conn.gives_chunks());
    conn.send(b"dropped".to_vec());
    conn.release_output(now);
    assert_eq!(conn.poll_transmit(), Some(&b"first"[..]), "what was sent before is not concerned");
}
