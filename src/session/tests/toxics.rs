//! A connection and its toxics by transcript: what comes out, at which millisecond, with a socket that takes all.

use std::mem;
use std::rc::Rc;
use std::time::{Duration, Instant};

use crate::config::Text;
use crate::layer::toxics::{Then, Toxic};
use crate::session::Side;
use crate::session::connection::{Action, HIGH_WATER, LOW_WATER, Settings};
use crate::session::{
    ChosenForm, CloseReason, ConnError, ConnView, Direction, ErrorKind, Event, EventMask, Form, Link, Operation,
};

struct Bench {
    conn: Link,
    start: Instant,
    now: Instant,
    seen: Vec<String>,
    writable: bool,
}

fn bench() -> Bench {
    bench_with(Settings::default())
}

fn bench_with(settings: Settings) -> Bench {
    let now = Instant::now();
    let address: std::net::SocketAddr = "10.0.0.9:51234".parse().unwrap();
    let view = Rc::new(ConnView::new(1, address, address, Side::Server, &Text::default(), now));
    let event_mask = EventMask {
        received: Some(Form::Data),
        opened: true,
        eof: true,
        drained: true,
        error: true,
        closed: true,
        ..EventMask::default()
    };
    let conn = Link::new(view, Settings { event_mask, ..settings });
    let mut bench = Bench { conn, start: now, now, seen: Vec::new(), writable: true };
    bench.turn();
    bench.seen.clear();
    bench
}

const fn ms(n: u64) -> Duration {
    Duration::from_millis(n)
}

const LATENCY: Toxic = Toxic::Latency { latency: ms(200), jitter: ms(0) };
const HOLE: Toxic = Toxic::Timeout { timeout: None };

fn limit(bytes: u64, then: Then) -> Toxic {
    Toxic::LimitData { bytes, then }
}

impl Bench {
    fn note(&mut self, what: &str) {
        let at = (self.now - self.start).as_millis();
        self.seen.push(format!("{at} {what}"));
    }

    /// What a driver does in a turn.
    fn turn(&mut self) {
        loop {
            let came = self.conn.release_input(self.now);
            while let Some(event) = self.conn.poll_event() {
                let words = match event {
                    Event::Data(bytes) => format!("< {}", bytes.escape_ascii()),
                    Event::Line(line) => format!("line {line}"),
                    Event::Error(error) => format!("error {}", error.kind.name()),
                    Event::Closed(why) => format!("closed {}", why.name()),
                    other => format!("{other:?}").to_lowercase(),
                };
                self.note(&words);
            }
            loop {
                self.conn.release_output(self.now);
                let Some(bytes) = self.conn.poll_transmit().filter(|_| self.writable).map(<[u8]>::to_vec) else {
                    break;
                };
                self.conn.transmitted(self.now, bytes.len());
                let words = if bytes.len() > 100 { bytes.len().to_string() } else { bytes.escape_ascii().to_string() };
                self.note(&format!("> {words}"));
            }
            while let Some(action) = self.conn.poll_action(self.now) {
                self.note(match action {
                    Action::ShutdownWrite => "FIN",
                    Action::Release { abort: true } => "RST",
                    Action::Release { abort: false } => "gone",
                });
            }
            if !came && !self.conn.has_events() {
                return;
            }
        }
    }

    fn toxic(&mut self, direction: Direction, toxic: Toxic) -> &mut Self {
        self.conn.add_toxic(self.now, direction, toxic, 7);
        self
    }

    fn heal(&mut self, name: Option<&str>) -> &mut Self {
        self.conn.heal(self.now, name);
        self.turn();
        self
    }

    fn input(&mut self, bytes: &[u8]) -> &mut Self {
        self.conn.handle_input(self.now, bytes);
        self.turn();
        self
    }

    fn eof(&mut self) -> &mut Self {
        self.conn.handle_eof(self.now);
        self.turn();
        self
    }

    fn send(&mut self, bytes: &[u8]) -> &mut Self {
        self.conn.send(bytes.to_vec());
        self.turn();
        self
    }

    fn do_(&mut self, work: impl FnOnce(&mut Link)) -> &mut Self {
        work(&mut self.conn);
        self.turn();
        self
    }

    /// Lets time pass, with a turn whenever one was asked for.
    fn run(&mut self, until: u64) -> &mut Self {
        let end = self.start + ms(until);
        while let Some(at) = self.conn.poll_timeout().filter(|at| *at <= end) {
            assert!(at >= self.now || self.conn.has_events(), "asked for a time that is over");
            self.now = at.max(self.now);
            self.conn.handle_timeout(self.now, 0);
            self.turn();
        }
        self.now = end;
        self
    }

    #[track_caller]
    fn saw(&mut self, wanted: &[&str]) -> &mut Self {
        assert_eq!(mem::take(&mut self.seen), wanted);
        self
    }
}

#[test]
fn what_comes_and_what_goes_are_delayed_apart() {
    let mut bench = bench();
    bench.toxic(Direction::In, LATENCY).input(b"a").send(b"x").run(50).input(b"b").eof().run(1000);
    bench.saw(&["0 > x", "0 drained", "200 < a", "250 < b", "250 eof"]);
    bench.do_(|conn| conn.close(CloseReason::Eof)).saw(&["1000 FIN", "1000 gone", "1000 closed eof"]);

    let mut bench = self::bench();
    bench.toxic(Direction::Out, LATENCY).input(b"a").send(b"x").run(50).send(b"y").do_(Link::shutdown).run(1000);
    bench.saw(&["0 < a", "200 > x", "250 > y", "250 FIN"]);
}

#[test]
fn what_was_sent_before_a_toxic_does_not_pass_it() {
    let mut bench = bench();
    bench.writable = false;
    bench.send(b"before").toxic(Direction::Out, LATENCY).send(b"after");
    assert_eq!(bench.conn.view().info.queued(), 11);
    bench.writable = true;
    bench.turn();
    bench.run(1000).saw(&["0 > before", "0 drained", "200 > after"]);
}

#[test]
fn a_close_waits_for_what_is_held_and_the_end_for_slow_close() {
    let mut bench = bench();
    bench.toxic(Direction::Out, LATENCY).toxic(Direction::Out, Toxic::SlowClose { delay: ms(300) }).send(b"bye");
    bench.do_(|conn| conn.close(CloseReason::Closed)).eof().run(1000);
    bench.saw(&["200 > bye", "500 FIN", "500 gone", "500 closed closed"]);
}

#[test]
fn closing_wants_nothing_of_what_is_held_of_the_peers_stream_not_even_its_end() {
    let mut bench = bench();
    bench.toxic(Direction::In, Toxic::Bandwidth { rate: 0 }).input(b"never").eof();
    assert!(!bench.conn.wants_read(), "the end was read");
    bench.do_(|conn| conn.close(CloseReason::Closed)).saw(&["0 FIN", "0 gone", "0 closed closed"]);
    assert_eq!(bench.conn.poll_timeout(), None);
}

#[test]
fn slices_come_and_go_one_by_one() {
    let slicer = Toxic::Slicer { average_size: 2, size_variation: 0, delay: ms(0) };
    let mut bench = bench();
    bench.toxic(Direction::In, slicer).toxic(Direction::Out, slicer).input(b"abcde").send(b"vwxyz");
    bench.saw(&["0 < ab", "0 < cd", "0 < e", "0 > vw", "0 > xy", "0 > z", "0 drained"]);
}

#[test]
fn a_limit_is_exact_and_ends_both_ways() {
    let mut bench = bench();
    bench.toxic(Direction::In, limit(4, Then::Close)).input(b"abc").input(b"def").saw(&[
        "0 < abc",
        "0 < d",
        "0 FIN",
        "0 closed closed",
    ]);
    bench.input(b"more").eof().saw(&["0 gone"]);

    let mut bench = self::bench();
    bench.toxic(Direction::In, limit(4, Then::Reset)).input(b"abcdef").saw(&["0 < abcd", "0 closed reset", "0 RST"]);

    let mut bench = self::bench();
    bench.toxic(Direction::Out, limit(4, Then::Close)).send(b"abc").send(b"def").send(b"g").eof();
    bench.saw(&["0 > abc", "0 drained", "0 > d", "0 FIN", "0 drained", "0 closed closed", "0 gone"]);
    assert_eq!((bench.conn.view().info.bytes_out(), bench.conn.view().info.queued()), (4, 0));

    let mut bench = self::bench();
    bench.toxic(Direction::Out, limit(4, Then::Reset)).send(b"abcdef").saw(&[
        "0 > abcd",
        "0 RST",
        "0 drained",
        "0 closed reset",
    ]);
}

#[test]
fn a_limit_delivers_the_last_line_before_it_closes() {
    let mut bench = bench();
    bench.do_(|conn| conn.set_form(Some(ChosenForm::Lines { max: 100 })));
    bench.toxic(Direction::In, limit(5, Then::Close)).input(b"ab\ncdef");
    bench.saw(&["0 line ab", "0 line cd", "0 FIN", "0 closed closed"]);
}

#[test]
fn a_reset_comes_at_its_time_in_either_direction() {
    for direction in [Direction::In, Direction::Out] {
        let mut bench = bench();
        bench.toxic(direction, Toxic::ResetPeer { timeout: ms(100) }).input(b"a").send(b"x").run(1000);
        let mut seen = mem::take(&mut bench.seen);
        let last = seen.split_off(seen.len() - 2);
        assert!(last.contains(&"100 RST".to_owned()) && last.contains(&"100 closed reset".to_owned()), "{last:?}");
        let passed: &[&str] = if direction == Direction::In { &["0 > x", "0 drained"] } else { &["0 < a"] };
        assert_eq!(seen, passed, "what it acts on does not pass");
        assert_eq!(bench.conn.poll_timeout(), None);
    }
}

#[test]
fn a_timeout_drops_data_and_closes_or_waits_for_ever() {
    let mut bench = bench();
    bench.toxic(Direction::In, Toxic::Timeout { timeout: Some(ms(100)) }).input(b"gone").run(1000);
    bench.saw(&["100 FIN", "100 closed closed", "620 gone"]);
    let mut bench = self::bench();
    bench.toxic(Direction::Out, HOLE).send(b"gone").run(1_000_000).saw(&["0 drained"]);
    assert_eq!(bench.conn.view().info.queued(), 0, "it is not waiting, it is lost");
    assert!(bench.conn.is_open());
}

#[test]
fn a_broken_link_is_told_after_what_had_arrived() {
    let mut bench = bench();
    let error = ConnError { kind: ErrorKind::Reset, op: Operation::Read, message: String::new() };
    let now = bench.now;
    bench.toxic(Direction::In, LATENCY).input(b"a").do_(|conn| {
        conn.send(b"x".to_vec());
        conn.handle_read_error(now, error.clone());
    });
    assert!(!bench.conn.wants_read() && !bench.conn.view().info.can_send());
    bench.run(1000).saw(&["200 < a", "200 error reset", "200 closed reset", "200 RST"]);

    // What it says about a hole in the stream.
    let mut bench = self::bench();
    let now = bench.now;
    bench.toxic(Direction::In, HOLE).input(b"a").do_(|conn| conn.handle_read_error(now, error));
    bench.saw(&["0 error reset", "0 closed reset", "0 RST"]);
}

#[test]
fn pausing_keeps_what_is_due() {
    let mut bench = bench();
    bench.toxic(Direction::In, LATENCY).input(b"a").do_(|conn| conn.set_paused(true)).run(1000).saw(&[]);
    assert_eq!(bench.conn.poll_timeout(), None);
    bench.do_(|conn| conn.set_paused(false)).saw(&["1000 < a"]);
}

#[test]
fn healing_lets_everything_go_and_leaves_nothing_behind() {
    let mut bench = bench();
    let stop = Toxic::Bandwidth { rate: 0 };
    bench.toxic(Direction::In, stop).toxic(Direction::Out, stop).toxic(Direction::Out, LATENCY);
    bench.input(b"in").eof().send(b"out").do_(Link::shutdown).run(500).heal(Some("slicer")).saw(&[]);
    bench.heal(Some("bandwidth")).saw(&["500 < in", "500 eof"]);
    bench.heal(None).saw(&["500 > out", "500 FIN", "500 gone", "500 closed eof"]);
    assert!(bench.conn.is_transparent());

    let mut bench = self::bench();
    bench.toxic(Direction::In, LATENCY).heal(None);
    assert!(bench.conn.is_transparent(), "nothing was held");
    bench.input(b"a").saw(&["0 < a"]);
}

#[test]
fn what_is_held_holds_back_whoever_sends_it() {
    let mut bench = bench();
    bench.toxic(Direction::In, Toxic::Bandwidth { rate: 100 });
    let mut read = 0;
    while bench.conn.wants_read() {
        bench.input(&vec![7; 65_536]);
        read += 65_536;
    }
    assert!((HIGH_WATER - 65_536..=HIGH_WATER).contains(&read), "{read}");
    bench.run(2000);
    assert!(bench.conn.wants_read(), "there is room again");

    let mut bench = self::bench();
    bench.toxic(Direction::Out, Toxic::Bandwidth { rate: 100 }).send(&vec![7; 8 << 20]);
    assert_eq!(bench.conn.view().info.queued(), 8 << 20, "what is held counts");
    assert!(!bench.conn.wants_read(), "whoever asks for more waits");
    bench.run(80_000);
    let left = bench.conn.view().info.queued();
    assert_eq!(left + bench.conn.view().info.bytes_out() as usize, 8 << 20);
    assert!(left.abs_diff((8 << 20) - 8_000_000) <= 10_000, "{left}");
    bench.seen.clear();
    bench.run(90_000);
    assert_eq!(bench.conn.view().info.bytes_out(), 8 << 20);
    let drained = bench.seen.iter().filter(|line| line.ends_with("drained")).count();
    assert_eq!(drained, 1, "when {LOW_WATER} are left");
}

#[test]
fn the_idle_limit_sees_what_comes_through() {
    let mut bench = bench_with(Settings { idle: Some(ms(150)), ..Settings::default() });
    bench.toxic(Direction::In, LATENCY).run(100).input(b"a").run(1000);
    bench.saw(&["150 error timeout", "150 closed timeout", "150 RST"]);
    let mut bench = bench_with(Settings { idle: Some(ms(250)), ..Settings::default() });
    bench.toxic(Direction::In, LATENCY).run(10).input(b"a").run(1000);
    bench.saw(&["210 < a", "460 error timeout", "460 closed timeout", "460 RST"]);
}

#[test]
fn what_is_held_when_time_is_up_is_dropped_by_rst() {
    let mut bench = bench_with(Settings { idle: Some(ms(150)), ..Settings::default() });
    bench.toxic(Direction::Out, LATENCY).send(b"late").run(1000);
    bench.saw(&["150 error timeout", "150 closed timeout", "150 RST"]);
}
