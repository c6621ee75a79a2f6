//! Text at the seams: pieces, faults, and changes of form, encoding and expectation at every byte.

use std::net::{Ipv4Addr, SocketAddr};
use std::time::Instant;

use super::*;
use crate::config::Text;
use crate::session::Side;

/// Everything that reads of these pieces give.
fn events(form: Form, malformed: Malformed, pieces: &[&[u8]]) -> (Vec<Event>, Option<Fault>) {
    let nowhere = SocketAddr::from((Ipv4Addr::LOCALHOST, 1));
    let view = ConnView::new(1, nowhere, nowhere, Side::Server, &Text::default(), Instant::now());
    let (mut inbound, mut told) = (Inbound::new(form, malformed), Vec::new());
    for piece in pieces {
        if let Err(fault) = inbound.push(&view, piece) {
            return (told, Some(fault));
        }
        loop {
            match inbound.next(&view) {
                Ok(Some(event)) => told.push(event),
                Ok(None) => break,
                Err(fault) => return (told, Some(fault)),
            }
        }
    }
    (told, None)
}

#[test]
fn one_line_in_one_read_is_a_line_like_every_other() {
    let input = "one\r\n\nzwölf\n你\n".as_bytes();
    let expected: Vec<_> = ["one", "", "zwölf", "你"].map(|line| Event::Line(line.to_owned())).into();
    for at in 0..=input.len() {
        let (front, back) = input.split_at(at);
        let (told, fault) = events(Form::Line, Malformed::Fail, &[front, back]);
        assert!(told == expected && fault.is_none(), "cut at {at}: {told:?}, {fault:?}");
    }
    let lines: Vec<_> = input.split_inclusive(|byte| *byte == b'\n').collect();
    assert_eq!(events(Form::Line, Malformed::Fail, &lines).0, expected);
}

#[test]
fn a_fault_in_what_is_not_held_is_told_with_what_came_before_it() {
    for form in [Form::Line, Form::Text] {
        let (told, fault) = events(form, Malformed::Fail, &[b"good\xff\n"]);
        let Some(Fault::Text { before: Some(Event::Line(text) | Event::Text(text)), error, .. }) = fault else {
            panic!("{told:?}, {fault:?}")
        };
        assert_eq!((told.len(), text.as_str(), error.offset), (0, "good", 4));
    }
}
