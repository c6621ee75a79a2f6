//! Verdicts on a stream of events: which pattern decides, and what the message says.

use std::net::SocketAddr;
use std::time::Instant;

use super::*;
use crate::config::Text;
use crate::session::CloseReason;
use crate::session::Side;

fn handler(expect: Option<&str>, fail_on: Option<&str>) -> VerdictHandler {
    let patterns = VerdictPatterns { expect: expect.map(str::to_owned), fail_on: fail_on.map(str::to_owned) };
    VerdictHandler::new(&patterns, false).expect("the patterns compile")
}

fn conn(id: ConnId) -> Rc<ConnView> {
    let peer = SocketAddr::from(([127, 0, 0, 1], 9000 + id as u16));
    Rc::new(ConnView::new(id, peer, peer, Side::Client, &Text::default(), Instant::now()))
}

/// Gives a chunk, checks that it goes on to stdout, and returns the verdict.
fn give(handler: &VerdictHandler, conn: &Rc<ConnView>, bytes: &[u8]) -> Option<Verdict> {
    let mut out = Vec::new();
    conn.info.note_received(Instant::now(), bytes.len());
    handler.handle(conn, Event::Data(bytes.to_vec()), &mut out).expect("it does not fail");
    assert_eq!(out.remove(0), Command::Output(bytes.to_vec()));
    verdict(out)
}

fn end(handler: &VerdictHandler, conn: &Rc<ConnView>, eof: bool) -> Option<Verdict> {
    let mut out = Vec::new();
    if eof {
        conn.info.note_eof();
    }
    handler.handle(conn, Event::Closed(CloseReason::Eof), &mut out).expect("it does not fail");
    verdict(out)
}

fn verdict(mut out: Vec<Command>) -> Option<Verdict> {
    match out.pop() {
        None => None,
        Some(Command::Verdict(verdict)) if out.is_empty() => Some(verdict),
        other => panic!("{other:?} after {out:?}"),
    }
}

fn failed(message: &str) -> Option<Verdict> {
    Verdict::Failed { message: message.to_owned() }.into()
}

#[test]
fn the_first_pattern_seen_decides_once() {
    let both = || handler(Some("OK"), Some("ERR[A-Z]*:"));
    let (it, peer) = (both(), conn(1));
    assert_eq!(give(&it, &peer, b"hello O"), None);
    assert_eq!(give(&it, &peer, b"K ERR:"), Some(Verdict::Passed));
    assert_eq!(give(&it, &peer, b"ERR: OK"), None);
    assert_eq!((end(&it, &peer, true), it.conclude()), (None, None));
    let (it, peer) = (both(), conn(1));
    assert_eq!(give(&it, &peer, b"an ERR"), None);
    assert_eq!(give(&it, &peer, b"OR: no OK"), failed("127.0.0.1:9001: --fail-on \"ERR[A-Z]*:\" matched \"ERROR:\""));
    let it = handler(Some("OK"), Some("NOT OK"));
    assert_eq!(give(&it, &conn(1), b"NOT OK"), failed("127.0.0.1:9001: --fail-on \"NOT OK\" matched \"NOT OK\""));
}

#[test]
fn each_connection_has_a_stream_of_its_own() {
    let it = handler(Some("^OK"), None);
    let (one, two) = (conn(1), conn(2));
    assert_eq!(give(&it, &one, b"O"), None);
    assert_eq!(give(&it, &two, b"K"), None);
    assert_eq!(end(&it, &two, true), None);
    assert_eq!(give(&it, &one, b"K"), Some(Verdict::Passed));
}

#[test]
fn the_end_of_a_stream_may_be_what_was_expected() {
    let (it, peer) = (handler(Some("bye$"), None), conn(1));
    assert_eq!(give(&it, &peer, b"good bye"), None);
    assert_eq!(end(&it, &peer, true), Some(Verdict::Passed));
    let (it, peer) = (handler(Some("bye$"), None), conn(1));
    assert_eq!(give(&it, &peer, b"good bye"), None);
    assert_eq!(end(&it, &peer, false), None);
}

#[test]
fn the_conclusion_says_what_came_instead() {
    let it = handler(Some("OK"), None);
    assert_eq!(it.conclude(), failed("--expect \"OK\" was not seen: nobody connected"));
    assert_eq!(it.conclude(), None);
    let it = handler(Some("O\nK"), None);
    end(&it, &conn(1), true);
    assert_eq!(it.conclude(), failed("--expect \"O\\nK\" was not seen: 127.0.0.1:9001 sent nothing"));
    let (it, peer) = (handler(Some("OK"), None), conn(1));
    give(&it, &peer, b"no\r\n\xff");
    end(&it, &peer, true);
    assert_eq!(it.conclude(), failed("--expect \"OK\" was not seen: 127.0.0.1:9001 sent 5 bytes: \"no\\r\\n\\xff\""));
    let (it, peer) = (handler(Some("OK"), None), conn(2));
    end(&it, &conn(1), true);
    for _ in 0..300 {
        give(&it, &peer, "\u{4f60}x\u{597d}.".as_bytes());
    }
    end(&it, &peer, true);
    let shown = "\u{4f60}x\u{597d}.".repeat(25);
    assert_eq!(
        it.conclude(),
        failed(&format!(
            "--expect \"OK\" was not seen on any of 2 connections; the last: 127.0.0.1:9002 sent 2400 bytes, the last of \
             them: \"\u{2026}{shown}\""
        ))
    );
    let (it, peer) = (handler(None, Some("OK")), conn(1));
    give(&it, &peer, b"no");
    assert_eq!((end(&it, &peer, true), it.conclude()), (None, None));
}

#[test]
fn a_long_match_is_shown_by_its_end() {
    for (length, piece) in [(300, 1), (300, 7000), (5000, 1), (5000, 7000)] {
        let (it, peer) = (handler(None, Some("(?s)<.*>")), conn(1));
        let text = format!("ab<{}>c", "x".repeat(length));
        let found = text.as_bytes().chunks(piece).find_map(|bytes| give(&it, &peer, bytes));
        let shown = "x".repeat(199);
        assert_eq!(
            found,
            failed(&format!("127.0.0.1:9001: --fail-on \"(?s)<.*>\" matched \"\u{2026}{shown}>\"")),
            "{length} in pieces of {piece}"
        );
    }
}

#[test]
fn a_pattern_that_cannot_be_looked_for_is_named() {
    let patterns = VerdictPatterns { expect: Some("a".into()), fail_on: Some("b*".into()) };
    let error = VerdictHandler::new(&patterns, true).expect_err("it matches everywhere");
    assert_eq!(error.to_string(), "--fail-on \"b*\": it matches the empty string, and so everywhere");
}
