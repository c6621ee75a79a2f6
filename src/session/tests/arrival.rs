//! Ends that wait until what was sent has arrived.

use std::time::Duration;

use super::book::{ABORT, Playbook, RELEASE, Way, play, reset, run_each_way, taking};
use crate::config::Text;
use crate::session::connection::{Action, Settings};
use crate::session::{CloseReason, Event, Form, Link};

run_each_way! {
    an_end_may_wait_for_the_arrival_of_all_that_was_sent,
    what_is_lost_while_its_arrival_is_awaited_is_told,
    an_arrival_is_not_awaited_without_progress,
    where_all_has_to_arrive_a_close_hides_no_failed_write,
}

/// It has sent something and its end, and the peer has ended.
fn awaits_arrival(way: Way) -> Playbook {
    let settings = Settings { awaits_arrival: true, ..taking(Form::Data) };
    let ended = play(way, settings, &Text::default()).eof().event(Event::Eof).send(b"hi").close().transmit(b"hi");
    let book = ended.action(Action::ShutdownWrite).quiet();
    book.do_(|conn, _| assert!(conn.awaits_arrival() && conn.awaits_acknowledgement() && !conn.is_lingering()))
}

fn an_end_may_wait_for_the_arrival_of_all_that_was_sent(way: Way) {
    let book = awaits_arrival(way).later(Duration::from_millis(1), 3).later(Duration::from_millis(100), 3);
    let book = book.later(Duration::from_millis(100), 0).action(RELEASE);
    book.event(Event::Closed(CloseReason::Closed)).over();
}

fn what_is_lost_while_its_arrival_is_awaited_is_told(way: Way) {
    let book = awaits_arrival(way).later(Duration::from_millis(1), 3).do_(|conn, _| conn.lose(reset()));
    book.action(ABORT).event(Event::Error(reset())).event(Event::Closed(CloseReason::Reset)).over();
}

fn an_arrival_is_not_awaited_without_progress(way: Way) {
    let book = awaits_arrival(way).later(Duration::from_millis(1), 3).later(Duration::from_secs(4), 3);
    book.later(Duration::from_secs(2), 3).action(RELEASE).event(Event::Closed(CloseReason::Closed)).over();
}

fn where_all_has_to_arrive_a_close_hides_no_failed_write(way: Way) {
    let settings = Settings { awaits_arrival: true, ..taking(Form::Data) };
    let fail = |book: Playbook| book.send(b"hi").do_(|conn, now| conn.handle_write_error(now, reset())).close();
    let told = |book: Playbook| {
        book.event(Event::Error(reset())).event(Event::Closed(CloseReason::Reset)).action(ABORT).over();
    };
    told(fail(play(way, settings, &Text::default()).eof().event(Event::Eof)));
    // It is told once the peer's stream has ended.
    let open = fail(play(way, settings, &Text::default())).quiet().later(Duration::from_millis(1), 0).quiet();
    told(open.do_(Link::handle_eof));
}
