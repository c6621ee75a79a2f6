//! A connection whose events are taken by somebody else from some moment on: nothing received is lost.

use std::rc::Rc;
use std::time::Instant;

use encoding_rs::GBK;

use super::book::{Way, link, next_event, run_each_way};
use crate::config::{Charset, Text};
use crate::session::Side;
use crate::session::connection::Settings;
use crate::session::{ChosenForm, ConnView, Event, EventMask, Form, Link};

run_each_way! {
    a_change_of_form_loses_nothing_wherever_it_happens,
    bytes_held_for_guessing_are_kept,
    an_end_that_is_already_told_stays_last,
    without_a_taker_half_a_line_goes_to_stdout,
    a_framing_that_was_chosen_stays,
}

fn event_mask(received: Option<Form>) -> EventMask {
    EventMask { received, ..EventMask::default() }
}

fn connection(way: Way, received: Option<Form>, charset: Charset) -> Link {
    let text = Text { recv: Some(charset), ..Text::default() };
    let address: std::net::SocketAddr = "10.0.0.9:51234".parse().unwrap();
    let view = Rc::new(ConnView::new(1, address, address, Side::Server, &text, Instant::now()));
    let mut conn = link(way, view, Settings { event_mask: event_mask(received), ..Settings::default() });
    assert_eq!(conn.poll_event(), Some(Event::Opened));
    conn
}

fn events(conn: &mut Link) -> Vec<Event> {
    std::iter::from_fn(|| next_event(conn, Instant::now())).collect()
}

/// All bytes, or the text of all, that a connection gives.
fn bytes(events: &[Event]) -> Vec<u8> {
    events.iter().flat_map(|event| if let Event::Data(bytes) = event { bytes.clone() } else { Vec::new() }).collect()
}

fn text(events: &[Event]) -> String {
    let part = |event: &Event| match event {
        Event::Text(text) => text.clone(),
        Event::Line(line) => format!("{line}\n"),
        _ => String::new(),
    };
    events.iter().map(part).collect()
}

const GBK_LINES: &[u8] = b"\xc4\xe3\n\xba\xc3 x\n\xc4\xe3";
const LINES: &str = "你\n好 x\n你";

/// Every change of the form at every byte, with what was delivered before taken or left in the queue.
fn a_change_of_form_loses_nothing_wherever_it_happens(way: Way) {
    let forms = [Form::Data, Form::Text, Form::Line];
    for (from, to) in forms.iter().flat_map(|from| forms.map(|to| (*from, to))) {
        for at in 0..=GBK_LINES.len() {
            for taken in [true, false] {
                let mut conn = connection(way, Some(from), Charset::Named(GBK));
                let (front, back) = GBK_LINES.split_at(at);
                conn.handle_input(Instant::now(), front);
                let mut all = if taken { events(&mut conn) } else { Vec::new() };
                conn.set_event_mask(event_mask(Some(to)));
                all.extend(events(&mut conn));
                conn.handle_input(Instant::now(), back);
                conn.handle_eof(Instant::now());
                all.extend(events(&mut conn));
                let case = format!("{from:?} to {to:?} at {at}, taken: {taken}: {all:?}");
                if from == to || !taken {
                    let form = |event: &Event| match event {
                        Event::Data(_) => to == Form::Data,
                        Event::Text(_) => to == Form::Text,
                        Event::Line(_) => to == Form::Line,
                        _ => true,
                    };
                    assert!(all.iter().all(form), "{case}");
                }
                // What the old taker got as bytes is not there again as text, and the other way round.
                let mut whole = bytes(&all);
                let decoded = GBK.encode(text(&all).trim_end_matches('\n')).0.into_owned();
                match (from, to, taken) {
                    (Form::Data, Form::Data, true) | (_, Form::Data, false) => {
                        assert_eq!(whole, GBK_LINES, "{case}");
                    }
                    (Form::Data, _, true) => assert_eq!(whole, front, "{case}"),
                    (_, Form::Data, true) => {
                        let mut joined = GBK.encode(&text(&all)).0.into_owned();
                        joined.append(&mut whole);
                        assert_eq!(joined, GBK_LINES, "{case}");
                    }
                    _ => {
                        assert_eq!(decoded, GBK_LINES, "{case}");
                        assert!(text(&all).starts_with(LINES), "{case}");
                    }
                }
            }
        }
    }
}

fn bytes_held_for_guessing_are_kept(way: Way) {
    let mut conn = connection(way, Some(Form::Text), Charset::Auto(None));
    conn.handle_input(Instant::now(), b"ok \xc4\xe3");
    let before = text(&events(&mut conn));
    conn.set_event_mask(event_mask(Some(Form::Data)));
    let after = bytes(&events(&mut conn));
    assert_eq!([before.as_bytes(), &after].concat(), b"ok \xc4\xe3");
}

fn an_end_that_is_already_told_stays_last(way: Way) {
    let mut conn = connection(way, Some(Form::Data), Charset::Named(encoding_rs::UTF_8));
    conn.handle_input(Instant::now(), b"a\nb");
    conn.handle_eof(Instant::now());
    conn.set_event_mask(event_mask(Some(Form::Line)));
    let line = |text: &str| Event::Line(text.to_owned());
    assert_eq!(events(&mut conn), [line("a"), line("b"), Event::Eof]);
}

fn without_a_taker_half_a_line_goes_to_stdout(way: Way) {
    let mut conn = connection(way, Some(Form::Line), Charset::Named(GBK));
    conn.handle_input(Instant::now(), b"a\nb");
    conn.set_event_mask(event_mask(None));
    assert!(!conn.passes_through(), "what is left comes first");
    assert_eq!(events(&mut conn), [Event::Data(b"a\nb".to_vec())]);
    assert_eq!(conn.passes_through(), way == Way::Bare);
    conn.set_event_mask(event_mask(Some(Form::Data)));
    assert!(!conn.passes_through());
}

fn a_framing_that_was_chosen_stays(way: Way) {
    let mut conn = connection(way, Some(Form::Data), Charset::Named(GBK));
    conn.set_form(Some(ChosenForm::Lines { max: 100 }));
    conn.handle_input(Instant::now(), b"\xc4\xe3\n\xba");
    conn.set_event_mask(event_mask(Some(Form::Text)));
    conn.handle_input(Instant::now(), b"\xc3\n");
    assert_eq!(events(&mut conn), [Event::Line("你".to_owned()), Event::Line("好".to_owned())]);
}
