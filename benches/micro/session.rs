//! One round of a connection without a socket: bytes in, events, an answer, bytes out; and the cost of toxics and
//! timers.

use std::time::{Duration, Instant};

use divan::Bencher;
use divan::counter::{BytesCount, ItemsCount};
use tcpx::bench::{
    ChosenForm, Command, Direction, Endian, Event, EventMask, Form, Framing, Handler, LengthHeader, Link, MAX_FRAME,
    ScriptSource, Settings, Toxic,
};

use crate::script::{loaded, view};
use crate::warm;

/// 64 bytes are echoed without a script.
#[divan::bench]
fn round(bencher: Bencher<'_, '_>) {
    rounds(bencher, open(Form::Data));
}

/// The same with `@echo`.
#[divan::bench]
fn round_with_script(bencher: Bencher<'_, '_>) {
    let now = Instant::now();
    let handler = loaded(ScriptSource::Builtin("echo".into()));
    let view = view();
    let event_mask = handler.event_mask(&view);
    let mut conn = Link::new(view, Settings { event_mask, ..Settings::default() });
    let mut commands = Vec::new();
    let mut turn = |conn: &mut Link| {
        while let Some(event) = conn.poll_event() {
            handler.handle(conn.view(), event, &mut commands).expect("it answers");
            for command in commands.drain(..) {
                let Command::Send(_, bytes) = command else { panic!("{command:?}") };
                conn.send(bytes);
            }
        }
    };
    turn(&mut conn);
    bencher.counter(ItemsCount::new(1usize)).bench_local(warm(|| {
        conn.handle_input(now, &[b'x'; 64]);
        turn(&mut conn);
        assert_eq!(transmit(&mut conn, now), 64);
    }));
}

/// The same without a script, through a toxic without delay.
#[divan::bench]
fn round_through_toxic(bencher: Bencher<'_, '_>) {
    let mut conn = open(Form::Data);
    let toxic = Toxic::Latency { latency: Duration::ZERO, jitter: Duration::ZERO };
    conn.add_toxic(Instant::now(), Direction::Out, toxic, 1);
    rounds(bencher, conn);
}

/// The same with an idle limit, and with the timer check that follows each turn.
#[divan::bench]
fn round_with_idle_limit(bencher: Bencher<'_, '_>) {
    let idle = Some(Duration::from_secs(60));
    let mut conn = Link::new(view(), Settings { idle, ..settings(Form::Data) });
    assert_eq!(conn.poll_event(), Some(Event::Opened));
    let now = Instant::now();
    bencher.counter(ItemsCount::new(1usize)).bench_local(warm(|| {
        conn.handle_input(now, &[b'x'; 64]);
        conn.handle_timeout(now, 0);
        assert_eq!(answer(&mut conn, now), 64);
        assert!(conn.poll_timeout() > Some(now));
    }));
}

/// 64 bytes as decoded text.
#[divan::bench]
fn text(bencher: Bencher<'_, '_>) {
    deliver(bencher, open(Form::Text), &[b'x'; 64], 1);
}

/// One line for each read.
#[divan::bench(args = [16, 80, 1000])]
fn line(bencher: Bencher<'_, '_>, size: usize) {
    deliver(bencher, open(Form::Line), &line_of(size), 1);
}

/// A read of 64 KiB of lines.
#[divan::bench(args = [16, 80, 1000])]
fn lines(bencher: Bencher<'_, '_>, size: usize) {
    let count = (64 << 10) / size;
    deliver(bencher, open(Form::Line), &line_of(size).repeat(count), count);
}

/// A line of 80 bytes in reads of 50.
#[divan::bench]
fn lines_in_pieces(bencher: Bencher<'_, '_>) {
    pieces(bencher, open(Form::Line), &line_of(80).repeat(50), 50, 50);
}

/// A read of 64 KiB of frames with a header of four bytes.
#[divan::bench(args = [16, 80, 1000])]
fn frames(bencher: Bencher<'_, '_>, size: usize) {
    let count = (64 << 10) / size;
    deliver(bencher, framed(), &frame_of(size).repeat(count), count);
}

/// Frames of 80 bytes in reads of 50.
#[divan::bench]
fn frames_in_pieces(bencher: Bencher<'_, '_>) {
    pieces(bencher, framed(), &frame_of(80).repeat(50), 50, 50);
}

/// The outbound queue: this many answers, taken by one write.
#[divan::bench(args = [1, 10, 1000])]
fn queue(bencher: Bencher<'_, '_>, answers: usize) {
    let (mut conn, now) = (open(Form::Data), Instant::now());
    bencher.counter(ItemsCount::new(answers)).with_inputs(|| vec![vec![b'x'; 64]; answers]).bench_local_values(
        |answers| {
            let expected = answers.len() * 64;
            for answer in answers {
                conn.send(answer);
            }
            assert_eq!(transmit(&mut conn, now), expected);
        },
    );
}

/// Echo in Rust, one chunk of 64 bytes after the other.
fn rounds(bencher: Bencher<'_, '_>, mut conn: Link) {
    let now = Instant::now();
    bencher.counter(ItemsCount::new(1usize)).bench_local(warm(|| {
        conn.handle_input(now, &[b'x'; 64]);
        assert_eq!(answer(&mut conn, now), 64);
    }));
}

/// Echoes what was received; returns the number of bytes sent.
fn answer(conn: &mut Link, now: Instant) -> usize {
    conn.release_input(now);
    while let Some(event) = conn.poll_event() {
        let Event::Data(bytes) = event else { panic!("{event:?}") };
        conn.send(bytes);
    }
    transmit(conn, now)
}

/// A socket that accepts all bytes.
fn transmit(conn: &mut Link, now: Instant) -> usize {
    let mut sent = 0;
    loop {
        conn.release_output(now);
        let Some(n) = conn.poll_transmit().map(<[u8]>::len) else { return sent };
        conn.transmitted(now, n);
        sent += n;
    }
}

/// One read and its events.
fn deliver(bencher: Bencher<'_, '_>, conn: Link, bytes: &[u8], events: usize) {
    pieces(bencher, conn, bytes, bytes.len(), events);
}

/// Reads of so many bytes, and the events of all of them.
fn pieces(bencher: Bencher<'_, '_>, mut conn: Link, bytes: &[u8], piece: usize, events: usize) {
    let now = Instant::now();
    bencher.counter(BytesCount::new(bytes.len())).counter(ItemsCount::new(events)).bench_local(warm(|| {
        let mut told = 0;
        for piece in bytes.chunks(piece) {
            conn.handle_input(now, piece);
            while let Some(event) = conn.poll_event() {
                divan::black_box(event);
                told += 1;
            }
        }
        assert_eq!(told, events);
    }));
}

fn settings(form: Form) -> Settings {
    let event_mask = EventMask { received: Some(form), ..EventMask::default() };
    Settings { event_mask, ..Settings::default() }
}

/// A connection after its `Opened` event.
pub(crate) fn open(form: Form) -> Link {
    let mut conn = Link::new(view(), settings(form));
    assert_eq!(conn.poll_event(), Some(Event::Opened));
    conn
}

fn framed() -> Link {
    let mut conn = open(Form::Data);
    let (endian, max) = (Endian::Big, MAX_FRAME);
    let header = LengthHeader { size: 4, endian, offset: 0, adjust: 0, include_header: false, strip: true, max };
    conn.set_form(Some(ChosenForm::Frames(Framing::Length(header))));
    conn
}

fn line_of(size: usize) -> Vec<u8> {
    let mut line = vec![b'x'; size - 1];
    line.push(b'\n');
    line
}

fn frame_of(size: usize) -> Vec<u8> {
    let body = u32::try_from(size - 4).expect("a short frame");
    [&body.to_be_bytes()[..], &vec![b'x'; size - 4]].concat()
}
