//! Verdicts on a stream of events: which pattern decides, and what the message says.

use std::net::SocketAddr;
use std::time::Instant;

use super::*;
use crate::config::Text;
use crate::session::CloseReason;
use crate::session::Side;

fn handler(expect: Option<&str>, fail_on: Option<&str>) -> VerdictHandler {
    until(None, expect, fail_on, true)
}

fn until(
    until: impl Into<Option<Until>>,
    expect: Option<&str>,
    fail_on: Option<&str>,
    is_single_peer: bool,
) -> VerdictHandler {
    let until = until.into();
    let patterns = VerdictPatterns { expect: expect.map(str::to_owned), fail_on: fail_on.map(str::to_owned), until };
    VerdictHandler::new(&patterns, false, is_single_peer).expect("the patterns compile")
}

fn pattern(text: &str) -> Until {
    Until::Pattern(text.to_owned())
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
    assert_eq!(out.remove(0), Command::Output(conn.id, bytes.to_vec()));
    verdict(out)
}

/// Gives a chunk, and returns what goes to stdout and the verdict.
fn cut(handler: &VerdictHandler, conn: &Rc<ConnView>, bytes: &[u8]) -> (String, Option<Verdict>) {
    let mut out = Vec::new();
    conn.info.note_received(Instant::now(), bytes.len());
    handler.handle(conn, Event::Data(bytes.to_vec()), &mut out).expect("it does not fail");
    parted(out)
}

fn tell(handler: &VerdictHandler, conn: &Rc<ConnView>, event: Event) -> (String, Option<Verdict>) {
    let mut out = Vec::new();
    handler.handle(conn, event, &mut out).expect("it does not fail");
    parted(out)
}

fn parted(mut out: Vec<Command>) -> (String, Option<Verdict>) {
    let shown = match out.first_mut() {
        Some(Command::Output(_, bytes)) => bytes.escape_ascii().to_string(),
        _ => return (String::new(), verdict(out)),
    };
    out.remove(0);
    (shown, verdict(out))
}

fn cut_short(message: &str) -> Option<Verdict> {
    Verdict::CutShort { message: message.to_owned() }.into()
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
    let patterns = VerdictPatterns { expect: Some("a".into()), fail_on: Some("b*".into()), until: None };
    let error = VerdictHandler::new(&patterns, true, true).expect_err("it matches everywhere");
    assert_eq!(error.to_string(), "--fail-on \"b*\": it matches the empty string, and so everywhere");
    let patterns = VerdictPatterns { until: Some(pattern("(")), ..VerdictPatterns::default() };
    let error = VerdictHandler::new(&patterns, true, true).expect_err("it is no pattern");
    assert_eq!(error.to_string(), "--until \"(\": unclosed group (character 1)");
}

#[test]
fn nothing_behind_the_end_of_the_output_is_shown() {
    for place in [pattern("END"), Until::Bytes(6), Until::Lines(1)] {
        let text = if matches!(place, Until::Lines(_)) { "abcde\nmore" } else { "abcENDmore" };
        let shown = text.replace('\n', "\\n").replace("more", "");
        let (it, one, two) = (until(place.clone(), None, None, false), conn(1), conn(2));
        assert_eq!(cut(&it, &two, b"E"), ("E".to_owned(), None));
        assert_eq!(cut(&it, &one, text.as_bytes()), (shown, Some(Verdict::Passed)), "{place:?}");
        assert_eq!(cut(&it, &one, b"later"), (String::new(), None));
        assert_eq!(cut(&it, &two, b"others"), (String::new(), None));
        assert_eq!(tell(&it, &two, Event::Closed(CloseReason::Stop)), (String::new(), None));
        assert_eq!((it.pending(), it.conclude()), (None, None));
    }
}

#[test]
fn the_end_of_the_only_peer_cuts_the_output_short() {
    let (it, peer) = (until(Until::Bytes(9), None, None, true), conn(1));
    assert!(it.event_mask(&peer).eof);
    assert_eq!(cut(&it, &peer, b"abcdef"), ("abcdef".to_owned(), None));
    let message = "--until 9b was not reached: 127.0.0.1:9001 sent 6 bytes: \"abcdef\" (3 bytes are missing)";
    assert_eq!(tell(&it, &peer, Event::Eof), (String::new(), cut_short(message)));
    assert_eq!((it.pending(), it.conclude()), (None, None));

    let (it, peer) = (until(pattern("a\\b"), None, None, true), conn(1));
    assert_eq!(cut(&it, &peer, b"a\xc3"), ("a".to_owned(), None));
    assert_eq!(tell(&it, &peer, Event::Eof), (String::new(), Some(Verdict::Passed)));
    let (it, peer) = (until(pattern("a\\bc"), None, None, true), conn(1));
    assert_eq!(cut(&it, &peer, b"a\xc3"), ("a".to_owned(), None));
    let message = "--until \"a\\bc\" was not seen: 127.0.0.1:9001 sent 2 bytes: \"a\\xc3\"";
    assert_eq!(tell(&it, &peer, Event::Eof), ("\\xc3".to_owned(), cut_short(message)));
}

#[test]
fn one_client_of_many_ends_nothing() {
    let (it, one, two) = (until(Until::Lines(2), None, None, false), conn(1), conn(2));
    assert!(!it.event_mask(&one).eof);
    cut(&it, &one, b"a\nb");
    assert_eq!(end(&it, &one, true), None);
    cut(&it, &two, b"c\n");
    let message = "--until 2l was not reached on any of 2 connections; the last: 127.0.0.1:9002 sent 2 bytes: \"c\\n\" \
                   (1 line is missing)";
    assert_eq!(it.pending().as_deref(), Some(message));
    assert_eq!(end(&it, &two, true), None);
    assert_eq!(it.conclude(), cut_short(message));
}

#[test]
fn what_broke_off_is_shown_to_its_last_byte() {
    let (it, peer) = (until(pattern("a\\b"), None, None, true), conn(1));
    assert_eq!(cut(&it, &peer, b"a\xc3"), ("a".to_owned(), None));
    assert_eq!(tell(&it, &peer, Event::Closed(CloseReason::Reset)), ("\\xc3".to_owned(), None));
    assert!(it.pending().is_some());
}

#[test]
fn the_other_patterns_look_at_what_is_shown() {
    let it = |expect, fail_on| until(Until::Lines(1), expect, fail_on, true);
    let (passed, peer) = (Some(Verdict::Passed), conn(1));
    assert_eq!(cut(&it(Some("OK"), None), &peer, b"OK\nmore"), ("OK\\n".to_owned(), passed.clone()));
    assert_eq!(
        cut(&it(Some("OK$"), None), &peer, b"OK\nmore"),
        (
            "OK\\n".to_owned(),
            failed("--expect \"OK$\" was not seen before --until ended the output: 127.0.0.1:9001 sent \"OK\\n\"")
        )
    );
    assert_eq!(cut(&it(Some("\\n$"), None), &peer, b"OK\nmore").1, passed.clone());
    assert_eq!(cut(&it(None, Some("ERR")), &peer, b"OK\nERR"), ("OK\\n".to_owned(), passed.clone()));
    let shown = "127.0.0.1:9001: --fail-on \"ERR\" matched \"ERR\"";
    assert_eq!(cut(&it(None, Some("ERR")), &peer, b"ERR\nmore"), ("ERR\\n".to_owned(), failed(shown)));
    let both = it(Some("OK"), Some("ERR"));
    assert_eq!(cut(&both, &peer, b"OK "), ("OK ".to_owned(), None));
    assert_eq!(cut(&both, &peer, b"ERR "), ("ERR ".to_owned(), None), "the answer was seen first");
    assert_eq!(cut(&both, &peer, b"\nmore"), ("\\n".to_owned(), passed));
    let failing = until(pattern("x\\b"), None, Some("ERR"), true);
    assert_eq!(cut(&failing, &peer, b"ERRx\xc3"), ("ERRx\\xc3".to_owned(), failed(shown)));
}

#[test]
fn a_fault_is_told_with_what_came_instead() {
    let it = handler(Some("OK"), None);
    assert_eq!(it.pending(), None);
    tell(&it, &conn(1), Event::Opened);
    assert_eq!(it.pending().as_deref(), Some("--expect \"OK\" was not seen: 127.0.0.1:9001 sent nothing"));
    assert_eq!(handler(None, Some("x")).pending(), None);
}

#[test]
fn the_end_of_stdin_waits_for_the_verdict() {
    for it in [handler(Some("OK"), None), handler(None, Some("OK")), until(pattern("OK"), None, None, true)] {
        let peer = conn(1);
        assert!(it.holds(&peer).outlast_input() && !it.holds(&peer).outlast_peer());
        cut(&it, &peer, b"OK");
        assert!(!it.holds(&peer).outlast_input());
    }
}
