//! Messages for notices.

use std::cell::Cell;
use std::time::SystemTime;

use super::*;
use crate::config::Text;
use crate::output::Totals;
use crate::session::CloseReason;

/// A commentator with a virtual clock.
struct Fixture {
    commentator: Commentator,
    start: Instant,
    wall: Cell<Option<SystemTime>>,
}

impl Fixture {
    fn new(verbose: u8, quiet: bool) -> Self {
        let commentator = Commentator::new(Console::new(verbose, quiet), Box::new(|_| {}));
        Self { commentator, start: Instant::now(), wall: Cell::new(Some(SystemTime::UNIX_EPOCH)) }
    }

    fn at(&mut self, millis: u64, notice: &Notice<'_>) -> String {
        self.commentator.words(Moment::new(self.start + Duration::from_millis(millis), &self.wall), notice)
    }

    fn conn(&self, side: Side) -> ConnView {
        ConnView::new(7, address("127.0.0.1:80"), address("127.0.0.1:5000"), side, &Text::default(), self.start)
    }
}

fn address(text: &str) -> Address {
    Address::Ip(text.parse().unwrap())
}

#[test]
fn errors_are_always_written_and_handled_ones_only_with_v() {
    let error = Error::Connect { target: "h:9".into(), cause: "connection\u{1b} refused".into() };
    for (verbose, handled, is_written) in [(0, false, true), (0, true, false), (1, true, true)] {
        let words = Fixture::new(verbose, false).at(0, &Notice::Error { conn: None, error: &error, handled });
        assert_eq!(words, if is_written { "tcpx: connect to h:9: connection\\x1b refused\n" } else { "" });
    }
    let error = Error::usage_hint("no", "yes");
    let words = Fixture::new(0, true).at(0, &Notice::Error { conn: None, error: &error, handled: false });
    assert_eq!(words, "tcpx: no\nhint: yes\n");
    let error = Error::ScriptLoad { message: "a.rhai:1:1: bad\n  |\n".into() };
    let words = Fixture::new(0, false).at(0, &Notice::NotReloaded { name: "a.rhai", error: &error });
    assert_eq!(words, "tcpx: a.rhai:1:1: bad\n  |\ntcpx: a.rhai: not reloaded, the version before goes on\n");
}

#[test]
fn refused_clients_are_told_a_few_at_a_time() {
    let (peer, local) = (address("10.0.0.9:7"), address("10.0.0.1:80"));
    let refused = Notice::Refused { peer: &peer, local: &local, listener: None, limit: None };
    assert_eq!(Fixture::new(0, false).at(0, &refused), "");
    let mut fixture = Fixture::new(1, false);
    for _ in 0..BURST {
        assert_eq!(fixture.at(0, &refused), "tcpx: refused 10.0.0.9:7 on 10.0.0.1:80 (--allow, --deny)\n");
    }
    assert_eq!((fixture.at(1, &refused), fixture.at(2, &refused)), (String::new(), String::new()));
    let wanted = "tcpx: refused 10.0.0.9:7 and 2 others on 10.0.0.1:80 (--allow, --deny)\n";
    assert_eq!(fixture.at(1000, &refused), wanted);
    let summary = |refused| Notice::Summary(Totals { refused, lost: 0 });
    assert_eq!(fixture.at(0, &summary(1)), "tcpx: 1 client was refused (--allow, --deny)\n");
    assert_eq!(fixture.at(0, &summary(7)), "tcpx: 7 clients were refused (--allow, --deny)\n");
    let both = Notice::Summary(Totals { refused: 1, lost: 2 });
    let wanted = "tcpx: 1 client was refused (--allow, --deny); at least 2 datagrams were lost: a queue was full\n";
    assert_eq!(fixture.at(0, &both), wanted);
    let conn = fixture.conn(Side::Server);
    let wanted = "tcpx: 127.0.0.1:80: 1 datagram was lost: a queue was full\n";
    assert_eq!(fixture.at(0, &Notice::Lost { conn: &conn, n: 1 }), wanted);
}

#[test]
fn quiet_suppresses_listening_and_reloaded() {
    let notices = [
        (Notice::Listening { address: &address("[::]:80"), listener: None }, "listening on [::]:80\n"),
        (Notice::Reloaded { name: "a\nb" }, "reloaded a\\nb\n"),
    ];
    for (notice, words) in notices {
        assert_eq!(Fixture::new(0, false).at(0, &notice), words);
        assert_eq!(Fixture::new(0, true).at(0, &notice), "");
    }
    let script = Notice::Listening { address: &address("[::]:80"), listener: Some(1) };
    assert_eq!(Fixture::new(2, false).at(0, &script), "", "a script says itself where it listens");
}

#[test]
fn a_log_line_has_the_time_and_the_name() {
    let mut heard = Fixture::new(0, true);
    let named = heard.at(0, &Notice::Log { conn: Some((1, "web\u{7}")), text: "hello\n" });
    let plain = heard.at(0, &Notice::Log { conn: None, text: "hello" });
    // The zone is that of the machine: only the form is known.
    assert_eq!(named.get(2..3), Some(":"), "{named}");
    assert_eq!(&named[5..], ":00.000 web\\x07: hello\\n\n");
    assert_eq!(&plain[5..], ":00.000 hello\n");
}

#[test]
fn v_writes_the_progress_of_a_connection() {
    let mut heard = Fixture::new(1, false);
    let (one, two) = (address("[::1]:80"), address("127.0.0.1:80"));
    let took = Duration::from_micros(1234);
    let conn = heard.conn(Side::Client);
    conn.info.pretend_moved(5, 4);
    let course = [
        (
            Notice::Resolved { conn: 7, host: "localhost", addresses: &[one.clone(), two], took },
            "tcpx: resolved localhost to ::1, 127.0.0.1 in 1.23ms\n",
        ),
        (Notice::Dialing { conn: 7, target: "localhost:80", address: &one }, "tcpx: trying [::1]:80\n"),
        (Notice::AttemptFailed { conn: 7, address: &one, cause: "no route" }, "tcpx: [::1]:80: no route\n"),
        (
            Notice::Opened { conn: &conn, took: Some(took * 10) },
            "tcpx: connected to 127.0.0.1:80 from 127.0.0.1:5000 in 12ms\n",
        ),
        (Notice::Moved { conn: &conn, direction: Direction::In, n: 5 }, ""),
        (Notice::Ended { conn: &conn, direction: Direction::In }, ""),
        (Notice::Signal { name: "TERM" }, "tcpx: SIGTERM\n"),
        (
            Notice::Closed { conn: &conn, reason: CloseReason::Eof },
            "tcpx: closed 127.0.0.1:80 (eof): 5 bytes received, 4 sent, after 1.5s\n",
        ),
    ];
    for (notice, words) in course {
        if !matches!(notice, Notice::Moved { .. }) {
            assert_eq!(heard.at(1500, &notice), words);
        }
        assert_eq!(Fixture::new(0, false).at(1500, &notice), "");
    }
    assert_eq!(heard.commentator.wants(), Taps::None);
    let server = heard.conn(Side::Server);
    let words = heard.at(0, &Notice::Opened { conn: &server, took: None });
    assert_eq!(words, "tcpx: accepted 127.0.0.1:80 on 127.0.0.1:5000\n");
}

#[test]
fn vv_writes_the_first_pieces_and_then_a_sum_each_second() {
    let mut heard = Fixture::new(2, false);
    assert_eq!(heard.commentator.wants(), Taps::Counts);
    let conn = heard.conn(Side::Client);
    let piece = |direction| Notice::Moved { conn: &conn, direction, n: 100 };
    for _ in 0..BURST {
        assert_eq!(heard.at(0, &piece(Direction::In)), "tcpx: 127.0.0.1:80: received 100 bytes\n");
    }
    assert_eq!(heard.at(0, &piece(Direction::In)), "");
    assert_eq!(heard.at(0, &piece(Direction::Out)), "tcpx: 127.0.0.1:80: sent 100 bytes\n", "counted for itself");
    assert_eq!(heard.at(999, &piece(Direction::In)), "");
    assert_eq!(heard.at(1000, &piece(Direction::In)), "tcpx: 127.0.0.1:80: received 300 bytes in 3 pieces\n");
    assert_eq!(heard.at(1001, &piece(Direction::In)), "");
    // After a long silence there is room for a few lines, and no more.
    let told = (0..100).filter(|_| !heard.at(3_600_000, &piece(Direction::In)).is_empty()).count();
    assert_eq!(told, BURST as usize);
    let fin = heard.at(0, &Notice::Ended { conn: &conn, direction: Direction::Out });
    assert_eq!(fin, "tcpx: 127.0.0.1:80: FIN sent\n");
    heard.at(0, &Notice::Closed { conn: &conn, reason: CloseReason::Closed });
    assert!(heard.commentator.tallies.is_empty());
}

#[test]
fn vv_writes_few_lines_about_three_hundred_megabytes() {
    let mut heard = Fixture::new(2, false);
    let conn = heard.conn(Side::Client);
    // 64 KiB every two milliseconds: ten seconds.
    let mut words = String::new();
    for piece in 0..300_000_000 / (64 << 10) {
        words += &heard.at(piece * 2, &Notice::Moved { conn: &conn, direction: Direction::In, n: 64 << 10 });
    }
    assert!((10..20).contains(&words.lines().count()), "{words}");
}

#[test]
fn durations_are_short() {
    let cases = [(0, "0.00ms"), (420, "0.42ms"), (9_999, "9.99ms"), (12_345, "12ms"), (1_540_000, "1.5s")];
    for (micros, shown) in cases {
        assert_eq!(show(Duration::from_micros(micros)), shown);
    }
}

#[test]
fn what_a_script_throws_is_known_by_its_mark() {
    for (message, expected) in [
        ("a.rhai:3:5: connection refused\n    3 |     throw \"connection refused\";\n      |     ^", true),
        ("a.rhai:3:9: x\n    3 | /* 中文 */ throw x;\n      |            ^\n    in f(), called at a.rhai:1:1", true),
        ("a.rhai:3:5: connection refused\n    3 |     connect(throw_in);\n      |     ^", false),
        ("a.rhai:3:5: x\n    3 | 中\n      |          ^", false),
        ("connection refused", false),
        ("a: connection refused\n    3 | throw\nhint: ^", false),
    ] {
        assert_eq!(is_thrown(message), expected, "{message}");
    }
}
