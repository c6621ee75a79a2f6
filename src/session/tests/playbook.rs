//! Transcript tests of `Connection`: what goes in, what comes out, and that nothing else does.
//!
//! `play(…)` starts a connection; each step gives one input or expects one output, and every input must have
//! been answered completely before the next.

#![allow(clippy::large_stack_arrays, reason = "the stack of a test has room")]

use std::net::SocketAddr;
use std::rc::Rc;
use std::time::{Duration, Instant};

use crate::codec::framing::Framing;
use crate::config::{Charset, Malformed, Text};
use crate::session::connection::{Action, HIGH_WATER, Settings};
use crate::session::view::Side;
use crate::session::{
    CloseReason, ConnError, ConnView, Connection, Cutting, Delivery, ErrorKind, Event, EventMask, Operation,
};

const RELEASE: Action = Action::Release { abort: false };
const ABORT: Action = Action::Release { abort: true };

struct Playbook {
    conn: Connection,
    now: Instant,
}

fn play(settings: Settings, text: &Text) -> Playbook {
    begin(settings, text).event(Event::Opened)
}

/// A connection whose `Opened` was not delivered yet.
fn begin(settings: Settings, text: &Text) -> Playbook {
    let peer: SocketAddr = "10.0.0.9:51234".parse().unwrap();
    let local: SocketAddr = "10.0.0.1:80".parse().unwrap();
    let now = Instant::now();
    let view = Rc::new(ConnView::new(1, peer, local, Side::Server, text, now));
    Playbook { conn: Connection::new(view, settings), now }
}

fn taking(delivery: Delivery) -> Settings {
    let event_mask = EventMask {
        received: Some(delivery),
        opened: true,
        eof: true,
        drained: false,
        idle: false,
        error: true,
        closed: true,
    };
    Settings { event_mask, ..Settings::default() }
}

fn chunks() -> Playbook {
    play(taking(Delivery::Data), &Text::default())
}

fn text_in(encoding: &'static encoding_rs::Encoding) -> Text {
    Text { recv: Some(Charset::Named(encoding)), send: Some(encoding), ..Text::default() }
}

fn data(bytes: &[u8]) -> Event {
    Event::Data(bytes.to_vec())
}

fn line(text: &str) -> Event {
    Event::Line(text.to_owned())
}

fn reset() -> ConnError {
    ConnError { kind: ErrorKind::Reset, op: Operation::Read, message: "connection reset by peer".into() }
}

impl Playbook {
    fn do_(mut self, input: impl FnOnce(&mut Connection, Instant)) -> Self {
        input(&mut self.conn, self.now);
        self
    }

    fn input(self, bytes: &[u8]) -> Self {
        self.quiet().do_(|conn, now| conn.handle_input(now, bytes))
    }

    fn eof(self) -> Self {
        self.quiet().do_(Connection::handle_eof)
    }

    fn send(self, bytes: &[u8]) -> Self {
        self.do_(|conn, _| conn.send(bytes.to_vec()))
    }

    fn close(self) -> Self {
        self.do_(|conn, _| conn.close(CloseReason::Closed))
    }

    fn later(mut self, by: Duration, unacknowledged: usize) -> Self {
        self = self.quiet();
        self.now += by;
        self.do_(|conn, now| conn.handle_timeout(now, unacknowledged))
    }

    /// The next event.
    fn event(mut self, expected: Event) -> Self {
        assert_eq!(self.conn.poll_event(), Some(expected));
        self
    }

    /// An error of this kind whose message contains the words.
    fn error(mut self, kind: ErrorKind, words: &str) -> Self {
        match self.conn.poll_event() {
            Some(Event::Error(error)) => {
                assert_eq!(error.kind, kind, "{error:?}");
                assert!(error.message.contains(words), "{error:?}");
            }
            other => panic!("expected an error, got {other:?}"),
        }
        self
    }

    /// The socket takes exactly this from the queue.
    fn transmit(mut self, expected: &[u8]) -> Self {
        let front = self.conn.poll_transmit().expect("something to send")[..expected.len()].to_vec();
        assert_eq!(front, expected);
        self.conn.transmitted(self.now, expected.len());
        self
    }

    fn action(mut self, expected: Action) -> Self {
        assert_eq!(self.conn.poll_action(self.now), Some(expected));
        self
    }

    /// No event and no action is left.
    fn quiet(mut self) -> Self {
        assert_eq!(self.conn.poll_event(), None);
        assert_eq!(self.conn.poll_action(self.now), None);
        self
    }

    /// Nothing to do to the socket: the peer's last bytes are awaited.
    fn lingers(mut self) -> Self {
        assert_eq!(self.conn.poll_action(self.now), None);
        assert!(self.conn.is_lingering());
        self
    }

    /// Over, with nothing left to say.
    fn over(self) {
        let book = self.quiet();
        assert!(!book.conn.view().is_open.get() && !book.conn.view().can_send.get());
        assert_eq!(book.conn.poll_timeout(), None);
        assert_eq!(book.conn.poll_transmit(), None);
    }
}

#[test]
fn a_question_its_answer_and_two_ends() {
    chunks()
        .input(b"ab")
        .event(data(b"ab"))
        .send(b"ok")
        .transmit(b"ok")
        .eof()
        .event(Event::Eof)
        .quiet()
        .do_(|conn, _| conn.close(CloseReason::Eof))
        .action(Action::ShutdownWrite)
        .action(RELEASE)
        .event(Event::Closed(CloseReason::Eof))
        .over();
}

#[test]
fn closing_flushes_first_and_then_absorbs_what_the_peer_still_sends() {
    chunks()
        .input(b"x")
        .event(data(b"x"))
        .send(b"bye")
        .close()
        .quiet()
        .transmit(b"by")
        .quiet()
        .transmit(b"e")
        .action(Action::ShutdownWrite)
        .lingers()
        .event(Event::Closed(CloseReason::Closed))
        .input(b"too late")
        .eof()
        .action(RELEASE)
        .over();
}

#[test]
fn lingering_ends_in_silence_but_not_before_everything_was_acknowledged() {
    let lingering = chunks().close().action(Action::ShutdownWrite).lingers().event(Event::Closed(CloseReason::Closed));
    let lingering = lingering.later(Duration::from_secs(5), 100).later(Duration::from_secs(5), 100);
    lingering.later(Duration::from_secs(1), 0).later(Duration::from_secs(1), 0).action(RELEASE).over();
}

#[test]
fn lingering_has_a_last_limit() {
    chunks()
        .close()
        .action(Action::ShutdownWrite)
        .lingers()
        .event(Event::Closed(CloseReason::Closed))
        .later(Duration::from_secs(31), 100)
        .action(RELEASE)
        .over();
}

#[test]
fn no_data_event_follows_close() {
    chunks()
        .input(b"first")
        .close()
        .action(Action::ShutdownWrite)
        .lingers()
        .event(Event::Closed(CloseReason::Closed))
        .quiet();
    play(taking(Delivery::Line), &Text::default())
        .input(b"one\ntwo\nthree\n")
        .event(line("one"))
        .close()
        .action(Action::ShutdownWrite)
        .lingers()
        .event(Event::Closed(CloseReason::Closed))
        .quiet();
}

#[test]
fn half_closed_by_us_the_peer_still_talks() {
    chunks()
        .do_(|conn, _| conn.shutdown())
        .action(Action::ShutdownWrite)
        .input(b"more")
        .event(data(b"more"))
        .send(b"ignored")
        .eof()
        .event(Event::Eof)
        .action(RELEASE)
        .event(Event::Closed(CloseReason::Eof))
        .over();
}

#[test]
fn a_reset_is_told_after_what_came_before_it() {
    chunks()
        .input(b"last words")
        .event(data(b"last words"))
        .send(b"unsent")
        .do_(|conn, now| conn.handle_read_error(now, reset()))
        .event(Event::Error(reset()))
        .event(Event::Closed(CloseReason::Reset))
        .action(RELEASE)
        .over();
}

#[test]
fn a_failed_write_waits_for_what_is_still_to_be_read() {
    let broken = ConnError { op: Operation::Write, ..reset() };
    chunks()
        .send(b"lost")
        .do_(|conn, now| conn.handle_write_error(now, broken.clone()))
        .input(b"sent before the reset")
        .event(data(b"sent before the reset"))
        .eof()
        .event(Event::Error(broken))
        .event(Event::Closed(CloseReason::Reset))
        .action(RELEASE)
        .over();
}

#[test]
fn our_reset_drops_the_queue() {
    chunks()
        .send(b"never sent")
        .do_(|conn, _| conn.reset(CloseReason::Reset))
        .action(ABORT)
        .event(Event::Closed(CloseReason::Reset))
        .over();
}

#[test]
fn lines_are_whole_however_they_were_cut() {
    let input = b"one\r\n\ntwo\nlast";
    for cut in 0..=input.len() {
        play(taking(Delivery::Line), &Text::default())
            .input(&input[..cut])
            .do_(|conn, now| {
                let mut lines = Vec::new();
                let collect = |conn: &mut Connection, lines: &mut Vec<Event>| {
                    while let Some(event) = conn.poll_event() {
                        lines.push(event);
                    }
                };
                collect(conn, &mut lines);
                conn.handle_input(now, &input[cut..]);
                collect(conn, &mut lines);
                conn.handle_eof(now);
                collect(conn, &mut lines);
                assert_eq!(lines, [line("one"), line(""), line("two"), line("last"), Event::Eof], "cut at {cut}");
            })
            .quiet();
    }
}

#[test]
fn wide_lines_end_at_a_whole_unit() {
    // U+0A00 and U+000A look alike when the bytes are not taken in pairs.
    let text = "\u{a0a}\u{a00}a\nb\n";
    for (encoding, bytes) in [
        (encoding_rs::UTF_16LE, text.encode_utf16().flat_map(u16::to_le_bytes).collect::<Vec<u8>>()),
        (encoding_rs::UTF_16BE, text.encode_utf16().flat_map(u16::to_be_bytes).collect()),
    ] {
        let mut book = play(taking(Delivery::Line), &text_in(encoding));
        let mut lines = Vec::new();
        for byte in &bytes {
            book.conn.handle_input(book.now, &[*byte]);
            lines.extend(std::iter::from_fn(|| book.conn.poll_event()));
        }
        assert_eq!(lines, [line("\u{a0a}\u{a00}a"), line("b")], "{}", encoding.name());
    }
}

#[test]
fn text_never_splits_a_character() {
    play(taking(Delivery::Text), &text_in(encoding_rs::GBK))
        .input(b"\xb4\xf3\xbc")
        .event(Event::Text("大".into()))
        .input(b"\xd2")
        .event(Event::Text("家".into()))
        .input(b"\xba")
        .eof()
        .event(Event::Text("\u{fffd}".into()))
        .event(Event::Eof)
        .quiet();
}

#[test]
fn an_encoding_changed_between_lines_counts_from_the_next_line() {
    play(taking(Delivery::Line), &Text::default())
        .input(b"/encoding gbk\n\xc4\xe3\n")
        .event(line("/encoding gbk"))
        .do_(|conn, _| conn.view().set_charset(Charset::Named(encoding_rs::GBK)))
        .event(line("你"))
        .quiet();
}

#[test]
fn malformed_text_fails_after_what_came_before_it() {
    let settings = Settings { malformed: Malformed::Fail, ..taking(Delivery::Text) };
    play(settings, &Text::default())
        .input(b"good\xffbad")
        .event(Event::Text("good".into()))
        .error(ErrorKind::Text, "byte 4")
        .action(Action::ShutdownWrite)
        .lingers()
        .event(Event::Closed(CloseReason::Error))
        .quiet();
}

#[test]
fn a_line_without_end_is_refused() {
    let mut book = play(taking(Delivery::Line), &Text::default());
    let chunk = [b'x'; 64 << 10];
    for _ in 0..16 {
        book = book.input(&chunk);
    }
    book.input(&chunk)
        .error(ErrorKind::Frame, "longer than 1048576 bytes")
        .event(Event::Closed(CloseReason::Error))
        .action(ABORT)
        .over();
}

#[test]
fn silence_of_an_undetected_encoding_decides() {
    let text = Text { recv: Some(Charset::Auto), ..Text::default() };
    let settings = Settings { decode_output: true, ..Settings::default() };
    play(settings, &text)
        .input("plain, then é".as_bytes())
        .event(Event::Text("plain, then ".into()))
        .later(Duration::from_millis(100), 0)
        .event(Event::Text("é".into()))
        .quiet();
}

#[test]
fn the_idle_limit_counts_from_the_last_byte() {
    let settings = Settings { idle: Some(Duration::from_secs(2)), ..taking(Delivery::Data) };
    let mut book = play(settings, &Text::default());
    book.now += Duration::from_millis(1500);
    book.input(b"x")
        .event(data(b"x"))
        .later(Duration::from_secs(1), 0)
        .later(Duration::from_secs(1), 0)
        .error(ErrorKind::Timeout, "idle for 2s")
        .event(Event::Closed(CloseReason::Timeout))
        .action(RELEASE)
        .over();
}

#[test]
fn a_full_queue_stops_reading_until_it_has_drained() {
    let book = chunks().send(&vec![0; HIGH_WATER]);
    assert!(!book.conn.wants_read());
    let book = book.transmit(&[0; 1000]);
    assert!(book.conn.wants_read());
    assert_eq!(book.conn.view().queued.get(), HIGH_WATER - 1000);
}

#[test]
fn drained_comes_once_for_each_filling() {
    let mut settings = taking(Delivery::Data);
    settings.event_mask.drained = true;
    play(settings, &Text::default())
        .send(&[0; 100 << 10])
        .transmit(&[0; 10 << 10])
        .quiet()
        .transmit(&[0; 30 << 10])
        .event(Event::Drained)
        .transmit(&[0; 60 << 10])
        .quiet()
        .send(b"x")
        .transmit(b"x")
        .event(Event::Drained)
        .quiet();
}

#[test]
fn the_encoder_returns_to_ascii_before_the_fin() {
    let book = play(taking(Delivery::Data), &text_in(encoding_rs::ISO_2022_JP));
    let bytes = book.conn.view().encode("日").unwrap();
    book.send(&bytes)
        .close()
        .transmit(b"\x1b$BF|\x1b(B")
        .action(Action::ShutdownWrite)
        .lingers()
        .event(Event::Closed(CloseReason::Closed))
        .quiet();
}

#[test]
fn discarded_input_is_counted_and_its_end_is_seen() {
    let settings = Settings { discard: true, ..Settings::default() };
    let book = play(settings, &Text::default()).input(b"unwanted").eof().event(Event::Eof).quiet();
    assert_eq!(book.conn.view().bytes_in.get(), 8);
}

fn frame(bytes: &[u8]) -> Event {
    Event::Frame(bytes.to_vec())
}

#[test]
fn framing_can_change_in_the_middle_of_a_chunk() {
    let head = Framing::Delimiter { bytes: b"\r\n\r\n".to_vec(), max: 100 };
    chunks()
        .do_(|conn, _| conn.set_cutting(Cutting::Frames(head)))
        .input(b"POST / 5\r\n\r\nhelloGET /\r\n")
        .event(frame(b"POST / 5"))
        .do_(|conn, _| conn.set_cutting(Cutting::Frames(Framing::Fixed(5))))
        .event(frame(b"hello"))
        .do_(|conn, _| conn.set_cutting(Cutting::Lines { max: 100 }))
        .event(line("GET /"))
        .input(b"rest")
        .do_(|conn, _| conn.set_cutting(Cutting::None))
        .event(data(b"rest"))
        .quiet();
}

#[test]
fn framing_chosen_when_it_opens_counts_for_what_is_there() {
    begin(taking(Delivery::Data), &Text::default())
        .do_(|conn, now| conn.handle_input(now, b"ab"))
        .do_(|conn, now| conn.handle_input(now, b"cd"))
        .event(Event::Opened)
        .do_(|conn, _| conn.set_cutting(Cutting::Frames(Framing::Fixed(3))))
        .event(frame(b"abc"))
        .do_(|conn, _| conn.set_paused(true))
        .do_(|conn, _| conn.set_cutting(Cutting::None))
        .quiet()
        .do_(|conn, _| conn.set_paused(false))
        .event(data(b"d"))
        .quiet();
}

#[test]
fn a_frame_cut_by_the_end_is_an_error_and_then_the_end() {
    chunks()
        .do_(|conn, _| conn.set_cutting(Cutting::Frames(Framing::Fixed(4))))
        .input(b"abcdef")
        .event(frame(b"abcd"))
        .eof()
        .error(ErrorKind::Frame, "ended inside a frame, after 2 bytes")
        .event(Event::Eof)
        .quiet();
}

#[test]
fn a_frame_over_its_limit_resets() {
    let short = Framing::Delimiter { bytes: b";".to_vec(), max: 3 };
    chunks()
        .do_(|conn, _| conn.set_cutting(Cutting::Frames(short)))
        .input(b"ok;long")
        .event(frame(b"ok"))
        .error(ErrorKind::Frame, "longer than 3 bytes")
        .event(Event::Closed(CloseReason::Error))
        .action(ABORT)
        .over();
}

#[test]
fn the_handler_measures_frames_and_is_asked_again_only_for_more() {
    play(taking(Delivery::Measured), &Text::default())
        .input(b"a")
        .event(Event::Measure(b"a".to_vec()))
        .do_(|conn, _| conn.cut(0))
        .input(b"bc")
        .event(Event::Measure(b"abc".to_vec()))
        .do_(|conn, _| conn.cut(2))
        .event(frame(b"ab"))
        .event(Event::Measure(b"c".to_vec()))
        .do_(|conn, _| conn.cut(3))
        .input(b"d")
        .input(b"ef")
        .event(frame(b"cde"))
        .event(Event::Measure(b"f".to_vec()))
        .eof()
        .error(ErrorKind::Frame, "after 1 bytes")
        .event(Event::Eof)
        .quiet();
}

#[test]
fn a_long_frame_is_first_shown_in_part() {
    let input = vec![b'x'; 10_000];
    play(taking(Delivery::Measured), &Text::default())
        .input(&input)
        .event(Event::Measure(input[..4096].to_vec()))
        .do_(|conn, _| conn.cut(0))
        .event(Event::Measure(input.clone()))
        .do_(|conn, _| conn.cut(10_000))
        .event(frame(&input))
        .quiet();
}

#[test]
fn what_the_handler_took_itself_is_gone_and_the_rest_is_data() {
    chunks()
        .do_(|conn, _| conn.set_cutting(Cutting::Asked { max: 1 << 20 }))
        .input(b"login: tail")
        .event(Event::Measure(b"login: tail".to_vec()))
        .do_(|conn, _| {
            conn.skip(7);
            conn.set_cutting(Cutting::None);
        })
        .event(data(b"tail"))
        .do_(|conn, _| conn.set_cutting(Cutting::Asked { max: 1 << 20 }))
        .input(b"never found")
        .event(Event::Measure(b"never found".to_vec()))
        .eof()
        .event(Event::Unmet(b"never found".to_vec()))
        .event(Event::Eof)
        .quiet();
}

#[test]
fn a_paused_connection_keeps_everything_for_later() {
    play(taking(Delivery::Line), &Text::default())
        .input(b"one\ntwo\n")
        .event(line("one"))
        .do_(|conn, _| conn.set_paused(true))
        .eof()
        .quiet()
        .do_(|conn, _| {
            assert!(!conn.has_events());
            conn.set_paused(false);
        })
        .event(line("two"))
        .event(Event::Eof)
        .quiet();
}

#[test]
fn what_arrives_while_paused_is_decoded_when_it_goes_on() {
    for (delivery, event) in [(Delivery::Text, Event::Text("你\n".into())), (Delivery::Line, line("你"))] {
        play(taking(delivery), &Text::default())
            .do_(|conn, _| conn.set_paused(true))
            .input(b"\xc4\xe3\n")
            .quiet()
            .do_(|conn, _| {
                conn.view().set_charset(Charset::Named(encoding_rs::GBK));
                conn.set_paused(false);
            })
            .event(event)
            .quiet();
    }
}
