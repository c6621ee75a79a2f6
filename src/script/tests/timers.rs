//! Timers, broadcasts, stdin and signals, at the level of the handler.

use super::*;
use crate::session::{CloseReason, Handler, RunEvent, TimerCall};

/// Fires all timers due at a time and returns the printed and sent texts.
fn fire(bench: &mut Bench, at: Instant) -> Vec<String> {
    let mut shown_all = Vec::new();
    loop {
        let mut out = Vec::new();
        let Some(TimerCall { result, .. }) = bench.handler.handle_timeout(at, &mut out) else { return shown_all };
        shown_all.extend(out.iter().map(shown));
        if let Err(error) = result {
            shown_all.push(format!("{error:?}"));
        }
    }
}

/// A time at which all timers of up to this many milliseconds, started before, are due.
fn later(ms: u64) -> Instant {
    Instant::now() + Duration::from_millis(ms)
}

#[test]
fn after_fires_once_and_every_until_cancelled() {
    let mut bench = Bench::load(
        r#"fn on_start() {
            after(20, || print("once"));
            app.n = 0;
            app.timer = every(50, || { app.n += 1; print(`${app.n}`); if app.n == 2 { print(`${cancel(app.timer)}`); } });
        }"#,
    );
    bench.start();
    let first = bench.handler.deadline().unwrap();
    assert_eq!(fire(&mut bench, first.checked_sub(Duration::from_millis(1)).unwrap()), [""; 0]);
    assert_eq!(fire(&mut bench, first), ["once"]);
    let second = bench.handler.deadline().unwrap();
    assert!(second > first);
    assert_eq!(fire(&mut bench, second), ["1"]);
    assert_eq!(bench.handler.deadline(), Some(second + Duration::from_millis(50)));
    assert_eq!(fire(&mut bench, second + Duration::from_millis(50)), ["2", "true"]);
    assert_eq!(bench.handler.deadline(), None);
}

#[test]
fn timers_of_a_connection_end_with_it() {
    let mut bench = Bench::load(
        r#"fn on_connect(conn) { conn.after(10, |c| c.send(`late ${c.id}`)); conn.every(10, |c| c.send("again")); }"#,
    );
    let (a, b) = (conn(1), conn(2));
    bench.give(&a, Event::Opened);
    bench.give(&b, Event::Opened);
    a.info.pretend_closed();
    bench.give(&a, Event::Closed(CloseReason::Eof));
    let mut sent = fire(&mut bench, later(15));
    sent.sort();
    assert_eq!(sent, ["again", "late 2"]);
}

#[test]
fn an_error_in_a_timer_names_the_timer_and_its_position() {
    let mut bench = Bench::load("fn on_connect(conn) { conn.after(0, |c| c.sned(1)); }");
    bench.give(&conn(7), Event::Opened);
    let mut out = Vec::new();
    let TimerCall { conn: id, result } = bench.handler.handle_timeout(later(1), &mut out).unwrap();
    assert_eq!(id, Some(7));
    let Err(HandlerError::Failed { handler, message, .. }) = result else { panic!("{result:?}") };
    assert_eq!(handler, "after");
    assert!(message.contains("reply.rhai:1:") && message.contains("did you mean `send`?"), "{message}");
}

#[test]
fn times_out_of_range_are_refused() {
    let error = Bench::eval_error("after(-1, || 0)");
    assert_eq!(error, "after takes 0 to 31536000000 milliseconds, not -1");
    let error = Bench::eval_error("conn.every(0, |c| 0)");
    assert_eq!(error, "every takes 1 to 31536000000 milliseconds, not 0");
}

#[test]
fn a_broadcast_is_encoded_for_each_connection() {
    let mut bench = Bench::load(
        r#"fn on_line(conn, line) { broadcast_line(line, conn); broadcast("!", [conn]); print(`${conns().len()}`); }"#,
    );
    let (a, b, c) = (conn(1), conn_in(2, "gbk"), conn_in(3, "utf-16le"));
    for conn in [&a, &b, &c] {
        bench.give(conn, Event::Opened);
    }
    let sent = bench.give(&a, Event::Line("你".into()));
    let expected = [send(2, b"\xc4\xe3\n"), send(3, b"\x60\x4f\n\0"), send(2, b"!"), send(3, b"!\0"), print("3")];
    assert_eq!(sent, expected);
    b.info.pretend_closed();
    bench.give(&b, Event::Closed(CloseReason::Eof));
    assert_eq!(bench.give(&a, Event::Line("x".into())).last(), Some(&print("2")));
}

#[test]
fn an_encoding_error_does_not_stop_a_broadcast_to_others() {
    let mut bench = Bench::load(r"fn on_line(conn, line) { try { broadcast(line); } catch (e) { print(e); } }");
    let (a, b) = (conn_in(1, "big5"), conn(2));
    bench.give(&a, Event::Opened);
    bench.give(&b, Event::Opened);
    let sent = bench.give(&b, Event::Line("😀".into()));
    assert_eq!(sent[0], send(2, "😀".as_bytes()));
    assert!(matches!(&sent[1], Command::Print(text) if text.contains("U+1F600")), "{sent:?}");
}

#[test]
fn stdin_signal_and_idle_events_reach_their_handlers() {
    let mut bench = Bench::load(
        r#"fn on_stdin(line) { print("typed " + line); } fn on_stdin_eof() { print("end"); }
        fn on_signal(name) { print(name); } fn on_idle(conn, ms) { print(`${ms}`); conn.pause(); conn.resume(); }"#,
    );
    assert!(bench.handler.takes_stdin() && bench.handler.event_mask(&conn(1)).idle);
    let mut out = Vec::new();
    bench.handler.handle_run(RunEvent::StdinLine("hi".into()), &mut out).unwrap();
    bench.handler.handle_run(RunEvent::StdinEof, &mut out).unwrap();
    assert_eq!(bench.handler.handle_run(RunEvent::Signal("HUP"), &mut out), Ok(true));
    assert_eq!(out, [print("typed hi"), print("end"), print("HUP")]);
    let idle = bench.give(&conn(1), Event::Idle(Duration::from_millis(300)));
    assert_eq!(idle, [print("300"), Command::Pause(1), Command::Resume(1)]);
    let silent = Bench::load("fn on_start() {}");
    assert!(!silent.handler.takes_stdin() && silent.handler.handle_run(RunEvent::Signal("INT"), &mut out) == Ok(false));
}

#[test]
fn the_idle_limit_is_a_property() {
    let mut bench = Bench::load("fn on_connect(conn) { conn.idle_timeout = 250; print(`${conn.idle_timeout}`); }");
    let conn = conn(1);
    assert_eq!(bench.give(&conn, Event::Opened), [Command::SetIdle(1), print("250")]);
    assert_eq!(conn.info.idle_limit(), Some(Duration::from_millis(250)));
}
