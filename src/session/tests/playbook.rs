//! Transcript tests of `Link`: what goes in, what comes out, and that nothing else does. Each runs without layers and with.
//!
//! `play(…)` starts a connection; each step gives one input or expects one output, and every input must have
//! been answered completely before the next.

#![allow(clippy::large_stack_arrays, reason = "the stack of a test has room")]

use std::rc::Rc;
use std::time::Duration;

use super::book::{
    ABORT, RELEASE, Way, begin, chunks, data, line, next_event, play, reset, run_each_way, taking, text_in,
};
use crate::codec::framing::Framing;
use crate::config::{Charset, Malformed, Text};
use crate::session::connection::{Action, HIGH_WATER, Settings};
use crate::session::search::{Received, Search};
use crate::session::{ChosenForm, CloseReason, ConnError, ErrorKind, Event, Form, Link, Operation};

run_each_way! {
    a_question_its_answer_and_two_ends,
    closing_flushes_first_and_then_absorbs_what_the_peer_still_sends,
    lingering_ends_in_silence_but_not_before_everything_was_acknowledged,
    lingering_has_a_last_limit,
    no_data_event_follows_close,
    half_closed_by_us_the_peer_still_talks,
    a_reset_is_told_after_what_came_before_it,
    a_failed_write_waits_for_what_is_still_to_be_read,
    our_reset_drops_the_queue,
    lines_are_whole_however_they_were_cut,
    wide_lines_end_at_a_whole_unit,
    text_never_splits_a_character,
    an_encoding_changed_between_lines_counts_from_the_next_line,
    malformed_text_fails_after_what_came_before_it,
    a_line_without_end_is_refused,
    silence_of_an_undetected_encoding_decides,
    the_idle_limit_counts_from_the_last_byte,
    a_full_queue_stops_reading_until_it_has_drained,
    drained_comes_once_for_each_filling,
    the_encoder_returns_to_ascii_before_the_fin,
    discarded_input_is_counted_and_its_end_is_seen,
    framing_can_change_in_the_middle_of_a_chunk,
    framing_chosen_when_it_opens_counts_for_what_is_there,
    a_frame_cut_by_the_end_is_an_error_and_then_the_end,
    a_frame_over_its_limit_resets,
    the_handler_measures_frames_and_is_asked_again_only_for_more,
    a_long_frame_is_first_shown_in_part,
    what_the_handler_took_itself_is_gone_and_the_rest_is_data,
    a_paused_connection_keeps_everything_for_later,
    what_arrives_while_paused_is_decoded_when_it_goes_on,
}

fn a_question_its_answer_and_two_ends(way: Way) {
    chunks(way)
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

fn closing_flushes_first_and_then_absorbs_what_the_peer_still_sends(way: Way) {
    chunks(way)
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

fn lingering_ends_in_silence_but_not_before_everything_was_acknowledged(way: Way) {
    let lingering =
        chunks(way).close().action(Action::ShutdownWrite).lingers().event(Event::Closed(CloseReason::Closed));
    let lingering = lingering.later(Duration::from_secs(5), 100).later(Duration::from_secs(5), 100);
    lingering.later(Duration::from_secs(1), 0).later(Duration::from_secs(1), 0).action(RELEASE).over();
}

fn lingering_has_a_last_limit(way: Way) {
    chunks(way)
        .close()
        .action(Action::ShutdownWrite)
        .lingers()
        .event(Event::Closed(CloseReason::Closed))
        .later(Duration::from_secs(31), 100)
        .action(RELEASE)
        .over();
}

fn no_data_event_follows_close(way: Way) {
    chunks(way)
        .input(b"first")
        .close()
        .action(Action::ShutdownWrite)
        .lingers()
        .event(Event::Closed(CloseReason::Closed))
        .quiet();
    play(way, taking(Form::Line), &Text::default())
        .input(b"one\ntwo\nthree\n")
        .event(line("one"))
        .close()
        .action(Action::ShutdownWrite)
        .lingers()
        .event(Event::Closed(CloseReason::Closed))
        .quiet();
}

fn half_closed_by_us_the_peer_still_talks(way: Way) {
    chunks(way)
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

fn a_reset_is_told_after_what_came_before_it(way: Way) {
    chunks(way)
        .input(b"last words")
        .event(data(b"last words"))
        .send(b"unsent")
        .do_(|conn, now| conn.handle_read_error(now, reset()))
        .event(Event::Error(reset()))
        .event(Event::Closed(CloseReason::Reset))
        .action(ABORT)
        .over();
}

fn a_failed_write_waits_for_what_is_still_to_be_read(way: Way) {
    let broken = ConnError { op: Operation::Write, ..reset() };
    chunks(way)
        .send(b"lost")
        .do_(|conn, now| conn.handle_write_error(now, broken.clone()))
        .input(b"sent before the reset")
        .event(data(b"sent before the reset"))
        .eof()
        .event(Event::Error(broken))
        .event(Event::Closed(CloseReason::Reset))
        .action(ABORT)
        .over();
}

fn our_reset_drops_the_queue(way: Way) {
    chunks(way)
        .send(b"never sent")
        .do_(|conn, _| conn.reset(CloseReason::Reset))
        .action(ABORT)
        .event(Event::Closed(CloseReason::Reset))
        .over();
}

fn lines_are_whole_however_they_were_cut(way: Way) {
    let input = b"one\r\n\ntwo\nlast";
    for cut in 0..=input.len() {
        play(way, taking(Form::Line), &Text::default())
            .input(&input[..cut])
            .do_(|conn, now| {
                let mut lines = Vec::new();
                let collect = |conn: &mut Link, lines: &mut Vec<Event>| {
                    while let Some(event) = next_event(conn, now) {
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

fn wide_lines_end_at_a_whole_unit(way: Way) {
    // U+0A00 and U+000A look alike when the bytes are not taken in pairs.
    let text = "\u{a0a}\u{a00}a\nb\n";
    for (encoding, bytes) in [
        (encoding_rs::UTF_16LE, text.encode_utf16().flat_map(u16::to_le_bytes).collect::<Vec<u8>>()),
        (encoding_rs::UTF_16BE, text.encode_utf16().flat_map(u16::to_be_bytes).collect()),
    ] {
        let mut book = play(way, taking(Form::Line), &text_in(encoding));
        let mut lines = Vec::new();
        for byte in &bytes {
            book.conn.handle_input(book.now, &[*byte]);
            lines.extend(std::iter::from_fn(|| next_event(&mut book.conn, book.now)));
        }
        assert_eq!(lines, [line("\u{a0a}\u{a00}a"), line("b")], "{}", encoding.name());
    }
}

fn text_never_splits_a_character(way: Way) {
    play(way, taking(Form::Text), &text_in(encoding_rs::GBK))
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

fn an_encoding_changed_between_lines_counts_from_the_next_line(way: Way) {
    play(way, taking(Form::Line), &Text::default())
        .input(b"/encoding gbk\n\xc4\xe3\n")
        .event(line("/encoding gbk"))
        .do_(|conn, _| conn.view().text.set_charset(Charset::Named(encoding_rs::GBK)))
        .event(line("你"))
        .quiet();
}

fn malformed_text_fails_after_what_came_before_it(way: Way) {
    let settings = Settings { malformed: Malformed::Fail, ..taking(Form::Text) };
    play(way, settings, &Text::default())
        .input(b"good\xffbad")
        .event(Event::Text("good".into()))
        .error(ErrorKind::Text, "byte 4")
        .aborts()
        .over();
}

fn a_line_without_end_is_refused(way: Way) {
    let mut book = play(way, taking(Form::Line), &Text::default());
    let chunk = [b'x'; 64 << 10];
    for _ in 0..16 {
        book = book.input(&chunk);
    }
    book.input(&chunk).error(ErrorKind::Frame, "longer than 1048576 bytes").aborts().over();
}

fn silence_of_an_undetected_encoding_decides(way: Way) {
    let text = Text { recv: Some(Charset::Auto(None)), ..Text::default() };
    let settings = Settings { decode_output: true, ..Settings::default() };
    play(way, settings, &text)
        .input("plain, then é".as_bytes())
        .event(Event::Text("plain, then ".into()))
        .later(Duration::from_millis(100), 0)
        .event(Event::Text("é".into()))
        .quiet();
}

fn the_idle_limit_counts_from_the_last_byte(way: Way) {
    let settings = Settings { idle: Some(Duration::from_secs(2)), ..taking(Form::Data) };
    let mut book = play(way, settings, &Text::default());
    book.now += Duration::from_millis(1500);
    book.input(b"x")
        .event(data(b"x"))
        .later(Duration::from_secs(1), 0)
        .later(Duration::from_secs(1), 0)
        .error(ErrorKind::Timeout, "idle for 2s")
        .event(Event::Closed(CloseReason::Timeout))
        .action(ABORT)
        .over();
}

fn a_full_queue_stops_reading_until_it_has_drained(way: Way) {
    let book = chunks(way).send(&vec![0; HIGH_WATER]);
    assert!(!book.conn.wants_read());
    let book = book.transmit(&[0; 1000]);
    assert!(book.conn.wants_read());
    assert_eq!(book.conn.view().info.queued(), HIGH_WATER - 1000);
}

fn drained_comes_once_for_each_filling(way: Way) {
    let mut settings = taking(Form::Data);
    settings.event_mask.drained = true;
    play(way, settings, &Text::default())
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

fn the_encoder_returns_to_ascii_before_the_fin(way: Way) {
    let book = play(way, taking(Form::Data), &text_in(encoding_rs::ISO_2022_JP));
    let bytes = book.conn.view().text.encode("日").unwrap();
    book.send(&bytes)
        .close()
        .transmit(b"\x1b$BF|\x1b(B")
        .action(Action::ShutdownWrite)
        .lingers()
        .event(Event::Closed(CloseReason::Closed))
        .quiet();
}

fn discarded_input_is_counted_and_its_end_is_seen(way: Way) {
    let settings = Settings { discard: true, ..Settings::default() };
    let book = play(way, settings, &Text::default()).input(b"unwanted").eof().event(Event::Eof).quiet();
    assert_eq!(book.conn.view().info.bytes_in(), 8);
}

fn frame(bytes: &[u8]) -> Event {
    Event::Frame(bytes.to_vec())
}

fn framing_can_change_in_the_middle_of_a_chunk(way: Way) {
    let head = Framing::Delimiter { bytes: b"\r\n\r\n".to_vec(), max: 100 };
    chunks(way)
        .do_(|conn, _| conn.set_form(Some(ChosenForm::Frames(head))))
        .input(b"POST / 5\r\n\r\nhelloGET /\r\n")
        .event(frame(b"POST / 5"))
        .do_(|conn, _| conn.set_form(Some(ChosenForm::Frames(Framing::Fixed(5)))))
        .event(frame(b"hello"))
        .do_(|conn, _| conn.set_form(Some(ChosenForm::Lines { max: 100 })))
        .event(line("GET /"))
        .input(b"rest")
        .do_(|conn, _| conn.set_form(None))
        .event(data(b"rest"))
        .quiet();
}

fn framing_chosen_when_it_opens_counts_for_what_is_there(way: Way) {
    begin(way, taking(Form::Data), &Text::default())
        .do_(|conn, now| conn.handle_input(now, b"ab"))
        .do_(|conn, now| conn.handle_input(now, b"cd"))
        .event(Event::Opened)
        .do_(|conn, _| conn.set_form(Some(ChosenForm::Frames(Framing::Fixed(3)))))
        .event(frame(b"abc"))
        .do_(|conn, _| conn.set_paused(true))
        .do_(|conn, _| conn.set_form(None))
        .quiet()
        .do_(|conn, _| conn.set_paused(false))
        .event(data(b"d"))
        .quiet();
}

fn a_frame_cut_by_the_end_is_an_error_and_then_the_end(way: Way) {
    chunks(way)
        .do_(|conn, _| conn.set_form(Some(ChosenForm::Frames(Framing::Fixed(4)))))
        .input(b"abcdef")
        .event(frame(b"abcd"))
        .eof()
        .error(ErrorKind::Frame, "ended inside a frame, after 2 bytes")
        .event(Event::Eof)
        .quiet()
        .do_(|conn, _| conn.abort(CloseReason::Error))
        .aborts()
        .over();
}

fn a_frame_over_its_limit_resets(way: Way) {
    let short = Framing::Delimiter { bytes: b";".to_vec(), max: 3 };
    chunks(way)
        .do_(|conn, _| conn.set_form(Some(ChosenForm::Frames(short))))
        .input(b"ok;long")
        .event(frame(b"ok"))
        .error(ErrorKind::Frame, "longer than 3 bytes")
        .aborts()
        .over();
}

fn the_handler_measures_frames_and_is_asked_again_only_for_more(way: Way) {
    play(way, taking(Form::Measured), &Text::default())
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

fn a_long_frame_is_first_shown_in_part(way: Way) {
    let input = vec![b'x'; 10_000];
    play(way, taking(Form::Measured), &Text::default())
        .input(&input)
        .event(Event::Measure(input[..4096].to_vec()))
        .do_(|conn, _| conn.cut(0))
        .event(Event::Measure(input.clone()))
        .do_(|conn, _| conn.cut(10_000))
        .event(frame(&input))
        .quiet();
}

/// A search for `: `.
#[derive(Debug)]
struct Prompt;

impl Search for Prompt {
    fn max(&self) -> usize {
        20
    }

    fn reads_text(&self) -> bool {
        false
    }

    fn look(&self, received: &Received<'_>) -> bool {
        received.bytes.windows(2).any(|window| window == b": ")
    }

    fn give_up(&self, received: &Received<'_>) {
        assert_eq!(received.bytes, b"never found");
    }
}

fn what_the_handler_took_itself_is_gone_and_the_rest_is_data(way: Way) {
    chunks(way)
        .do_(|conn, _| conn.set_form(Some(ChosenForm::Searched(Rc::new(Prompt)))))
        .input(b"login: tail")
        .event(Event::Found)
        .do_(|conn, _| {
            conn.skip(7);
            conn.set_form(None);
        })
        .event(data(b"tail"))
        .do_(|conn, _| conn.set_form(Some(ChosenForm::Searched(Rc::new(Prompt)))))
        .input(b"never")
        .quiet()
        .input(b" found")
        .eof()
        .event(Event::Unmet)
        .event(Event::Eof)
        .quiet();
}

fn a_paused_connection_keeps_everything_for_later(way: Way) {
    play(way, taking(Form::Line), &Text::default())
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

fn what_arrives_while_paused_is_decoded_when_it_goes_on(way: Way) {
    for (form, event) in [(Form::Text, Event::Text("你\n".into())), (Form::Line, line("你"))] {
        play(way, taking(form), &Text::default())
            .do_(|conn, _| conn.set_paused(true))
            .input(b"\xc4\xe3\n")
            .quiet()
            .do_(|conn, _| {
                conn.view().text.set_charset(Charset::Named(encoding_rs::GBK));
                conn.set_paused(false);
            })
            .event(event)
            .quiet();
    }
}
