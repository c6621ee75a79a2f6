//! How a connection ends whose own side has failed: what was sent before arrives, then RST.

use std::time::Duration;

use super::book::{ABORT, RELEASE, Way, chunks, run_each_way};
use crate::session::connection::Action;
use crate::session::{CloseReason, Event};

run_each_way! {
    what_was_sent_before_a_fault_arrives_before_the_reset,
    nobody_waits_for_a_peer_that_takes_nothing_after_a_fault,
    what_was_ended_in_order_stays_so,
}

fn what_was_sent_before_a_fault_arrives_before_the_reset(way: Way) {
    // Whatever the peer and our side have ended before.
    for ends in 0..4 {
        let mut book = chunks(way).send(b"the last answer");
        if ends & 1 != 0 {
            book = book.do_(|conn, _| conn.shutdown());
        }
        if ends & 2 != 0 {
            book = book.eof().event(Event::Eof);
        }
        book.input(b"not delivered any more")
            .do_(|conn, _| conn.abort(CloseReason::Error))
            .send(b"too late")
            .quiet()
            .transmit(b"the last answer")
            .aborts()
            .over();
    }
}

fn nobody_waits_for_a_peer_that_takes_nothing_after_a_fault(way: Way) {
    let book = chunks(way).send(b"never read").do_(|conn, _| conn.abort(CloseReason::Stop)).quiet();
    let book = [1, 4000, 1000].iter().fold(book, |book, &ms| book.later(Duration::from_millis(ms), 0));
    book.event(Event::Closed(CloseReason::Stop)).action(ABORT).over();
}

fn what_was_ended_in_order_stays_so(way: Way) {
    let book = chunks(way).close().action(Action::ShutdownWrite).lingers();
    let book = book.event(Event::Closed(CloseReason::Closed)).do_(|conn, _| conn.abort(CloseReason::Stop));
    book.lingers().eof().action(RELEASE).over();
}
