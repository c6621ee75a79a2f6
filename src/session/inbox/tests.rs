//! The inbox under any cutting of the stream and any change of form.

use std::net::{Ipv4Addr, SocketAddr};
use std::time::Instant;

use encoding_rs::WINDOWS_1252;
use proptest::prelude::*;

use super::*;
use crate::codec::framing::Framing;
use crate::config::{Charset, Text};
use crate::session::Side;

/// One call that takes something.
#[derive(Clone, Copy, Debug)]
enum Asking {
    Chunk,
    Exactly(usize),
    Peek,
    Text,
    Line,
    Delimited,
    Fixed(usize),
    Measured(usize),
}

fn asking() -> impl Strategy<Value = Asking> {
    prop_oneof![
        Just(Asking::Chunk),
        (1usize..5).prop_map(Asking::Exactly),
        Just(Asking::Peek),
        Just(Asking::Text),
        Just(Asking::Line),
        Just(Asking::Delimited),
        (1usize..4).prop_map(Asking::Fixed),
        (1usize..4).prop_map(Asking::Measured),
    ]
}

fn view() -> ConnView {
    let nowhere = SocketAddr::from((Ipv4Addr::LOCALHOST, 1));
    let view = ConnView::new(1, nowhere, nowhere, Side::Server, &Text::default(), Instant::now());
    // One byte is one character.
    view.text.set_charset(Charset::Named(WINDOWS_1252));
    view
}

/// What one call takes, as bytes; without delimiters, which are no part of units.
fn ask(inbox: &mut Inbox, view: &ConnView, asking: Asking) -> Option<Vec<u8>> {
    let fixed = |n| Wanted::Unit(ChosenForm::Frames(Framing::Fixed(n)));
    let wanted = match asking {
        Asking::Chunk => return inbox.take_chunk(view),
        Asking::Exactly(n) => return inbox.take(view, n),
        Asking::Peek => {
            let there = inbox.peek(view, 0).to_vec();
            assert_eq!(inbox.peek(view, 0), there, "looking takes nothing");
            return None;
        }
        Asking::Text => Wanted::Text,
        Asking::Line => LINES,
        Asking::Delimited => {
            Wanted::Unit(ChosenForm::Frames(Framing::Delimiter { bytes: b"|".to_vec(), max: MAX_FRAME }))
        }
        Asking::Fixed(n) => fixed(n),
        Asking::Measured(_) => Wanted::Measured,
    };
    let mut event = inbox.next(view, &wanted).expect("no fault");
    if let (Asking::Measured(n), Some(begin)) = (asking, inbox.take_unmeasured()) {
        assert!(event.is_none() && !begin.is_empty());
        inbox.set_length(n);
        event = inbox.next(view, &wanted).expect("no fault");
    }
    event.map(|event| match event {
        Event::Text(text) | Event::Line(text) => WINDOWS_1252.encode(&text).0.into_owned(),
        Event::Frame(bytes) | Event::Data(bytes) => bytes,
        other => panic!("{other:?}"),
    })
}

fn without_delimiters(bytes: &[u8]) -> Vec<u8> {
    bytes.iter().copied().filter(|byte| !b"\r\n|".contains(byte)).collect()
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(1000))]

    #[test]
    fn no_cutting_and_no_change_of_form_loses_or_doubles_a_byte(
        stream in proptest::collection::vec(proptest::sample::select(&b"abc\xe4\xa1|\r\n"[..]), 0..40),
        steps in proptest::collection::vec((0usize..6, asking()), 0..40),
    ) {
        let (view, mut inbox) = (view(), Inbox::new(Malformed::Replace));
        let (mut rest, mut taken) = (&stream[..], Vec::new());
        for (length, asking) in steps {
            let (piece, behind) = rest.split_at(length.min(rest.len()));
            rest = behind;
            if !piece.is_empty() {
                inbox.push(piece.to_vec());
            }
            taken.extend(ask(&mut inbox, &view, asking).unwrap_or_default());
            prop_assert!(inbox.held() <= stream.len());
        }
        if !rest.is_empty() {
            inbox.push(rest.to_vec());
        }
        inbox.finish(StreamEnd::Eof);
        taken.extend(inbox.take_chunk(&view).unwrap_or_default());
        prop_assert_eq!(without_delimiters(&taken), without_delimiters(&stream));
        prop_assert_eq!(inbox.held(), 0);
        prop_assert_eq!(inbox.end(), Some(&StreamEnd::Eof));
    }
}

#[test]
fn what_a_form_has_not_taken_is_there_for_the_next_one() {
    let (view, mut inbox) = (view(), Inbox::new(Malformed::Replace));
    inbox.push(b"one\ntw".to_vec());
    assert_eq!(inbox.next(&view, &LINES).unwrap(), Some(Event::Line("one".into())));
    assert_eq!(inbox.next(&view, &LINES).unwrap(), None);
    assert_eq!(inbox.peek(&view, 0), b"tw");
    inbox.push(b"o\nrest".to_vec());
    assert_eq!(inbox.take(&view, 1), Some(b"t".to_vec()));
    assert_eq!(inbox.next(&view, &LINES).unwrap(), Some(Event::Line("wo".into())));
    inbox.finish(StreamEnd::Eof);
    assert_eq!(inbox.next(&view, &LINES).unwrap(), None);
    assert_eq!(inbox.peek(&view, 0), b"rest");
    assert_eq!(inbox.last(&view, &LINES).unwrap(), Some(Event::Line("rest".into())));
    assert_eq!(inbox.last(&view, &LINES).unwrap(), None);
    assert_eq!((inbox.held(), inbox.take_chunk(&view)), (0, None));
}

#[test]
fn datagrams_stay_apart_until_something_longer_is_asked_for() {
    let (view, mut inbox) = (view(), Inbox::of_datagrams(Malformed::Replace));
    for datagram in [&b"one"[..], b"", b"two\nthr", b"ee\n", b"four", b"five"] {
        inbox.push(datagram.to_vec());
    }
    assert_eq!(inbox.take_chunk(&view).unwrap(), b"one");
    assert!(inbox.held() > 0 && inbox.take_chunk(&view).unwrap().is_empty(), "an empty one is one, too");
    for line in ["two", "three"] {
        assert_eq!(inbox.next(&view, &LINES).unwrap(), Some(Event::Line(line.into())));
    }
    assert_eq!(inbox.peek(&view, 2), b"four");
    assert_eq!(inbox.take(&view, 6).unwrap(), b"fourfi");
    assert_eq!(inbox.take_chunk(&view).unwrap(), b"ve");
    assert_eq!((inbox.held(), inbox.take_chunk(&view)), (0, None));
}
