//! `toxic` and `heal`, at the level of the handler.

use super::*;
use crate::config::Script;
use crate::layer::toxics::{Then, Toxic};
use crate::session::{CloseReason, Direction};

/// The toxics added by an `on_connect` with this body, without their toxicity.
fn asked(body: &str) -> Vec<(Direction, Toxic)> {
    let out = Bench::load(&format!("fn on_connect(conn) {{ {body} }}")).give(&conn(1), Event::Opened);
    let toxic = |command| match command {
        Command::AddToxic { id: 1, direction, toxic, .. } => (direction, toxic),
        other => panic!("{other:?}"),
    };
    out.into_iter().map(toxic).collect()
}

const fn ms(n: u64) -> Duration {
    Duration::from_millis(n)
}

#[test]
fn a_toxic_applies_to_received_data_by_default() {
    let all = asked(
        r#"conn.toxic("latency", #{latency: 200, jitter: 0.5});
        conn.toxic("bandwidth", #{rate: 10, dir: "out"});
        conn.toxic("limit_data", #{bytes: 4, then: "reset", dir: "in", toxicity: 1});
        conn.toxic("timeout");"#,
    );
    let wanted = [
        (Direction::In, Toxic::Latency { latency: ms(200), jitter: Duration::from_micros(500) }),
        (Direction::Out, Toxic::Bandwidth { rate: 10 }),
        (Direction::In, Toxic::LimitData { bytes: 4, then: Then::Reset }),
        (Direction::In, Toxic::Timeout { timeout: None }),
    ];
    assert_eq!(all, wanted);
}

#[test]
fn an_invalid_toxic_is_an_error_of_the_call() {
    for (call, message) in [
        (r#"toxic("latncy")"#, r#"unknown toxic "latncy" (did you mean latency?)"#),
        (
            r#"toxic("fire", #{})"#,
            r#"unknown toxic "fire" (the toxics are latency, bandwidth, slow_close, timeout, reset_peer, slicer, limit_data)"#,
        ),
        (r#"toxic("latency", #{latncy: 1})"#, "toxic latency has no option latncy (did you mean latency?)"),
        (r#"toxic("latency", #{toxcity: 1})"#, "toxic latency has no option toxcity (did you mean toxicity?)"),
        (r#"toxic("bandwidth", #{speed: 1})"#, "toxic bandwidth has no option speed (it has rate, dir, toxicity)"),
        (r#"toxic("bandwidth", #{dir: "out"})"#, "toxic bandwidth needs the option rate"),
        (r#"toxic("latency", #{latency: -1})"#, "latency of toxic latency must be a time, 0 or more, not -1"),
        (r#"toxic("latency", #{latency: "1s"})"#, r#"latency of toxic latency must be a time, 0 or more, not "1s""#),
        (r#"toxic("latency", #{latency: [1]})"#, "latency of toxic latency must be a number or a string, not array"),
        (r#"toxic("timeout", #{dir: "up"})"#, r#"dir of toxic timeout must be "in" or "out", not "up""#),
        (r#"toxic("timeout", #{dir: 1})"#, r#"dir of toxic timeout must be "in" or "out", not 1"#),
        (r#"toxic("timeout", #{toxicity: 1.5})"#, "toxicity of toxic timeout must be a chance from 0 to 1, not 1.5"),
        (r#"toxic("timeout", #{toxicity: "x"})"#, r#"toxicity of toxic timeout must be a chance from 0 to 1, not "x""#),
        (r#"heal("slicr")"#, r#"unknown toxic "slicr" (did you mean slicer?)"#),
    ] {
        assert_eq!(Bench::eval_error(&format!("conn.{call}")), message, "{call}");
        // And no toxic was added.
        assert_eq!(asked(&format!("try {{ conn.{call}; }} catch {{ }}")), []);
    }
}

#[test]
fn a_connection_has_a_limited_number_of_toxics_and_heal_makes_room() {
    let many = |n: usize| format!("for i in 0..{n} {{ conn.toxic(\"latency\"); }}");
    assert_eq!(asked(&many(16)).len(), 16);
    let refused = "127.0.0.1:50001 has 16 toxics already, the most there can be: heal() takes them away";
    assert_eq!(Bench::eval_error(&many(17)), refused);
    for heal in ["conn.heal()", r#"conn.heal("latency")"#] {
        let mut bench = Bench::load(&format!("fn on_connect(conn) {{ {} {heal}; {} }}", many(16), many(16)));
        let out = bench.give(&conn(1), Event::Opened);
        let name = heal.contains('"').then_some("latency");
        assert_eq!((out.len(), &out[16]), (33, &Command::Heal(1, name)));
    }
    let other = format!(r#"{} conn.heal("slicer"); conn.toxic("latency");"#, many(16));
    assert_eq!(Bench::eval_error(&other), refused);
}

#[test]
fn toxicity_is_a_chance_from_the_scripts_generator() {
    let chosen = |seed| {
        let text = r#"for i in 0..200 { conn.heal(); conn.toxic("slow_close", #{delay: i, toxicity: 0.25}); }"#;
        let file = tempfile::NamedTempFile::new().unwrap();
        std::fs::write(file.path(), format!("fn on_connect(conn) {{ {text} }}")).unwrap();
        let source = ScriptSource::File(file.path().to_owned());
        let mut bench = Bench::try_script(Script { seed: Some(seed), ..script(source) }).unwrap();
        let mut out = bench.give(&conn(1), Event::Opened);
        out.retain(|command| matches!(command, Command::AddToxic { .. }));
        out
    };
    let one = chosen(1);
    assert_eq!(one, chosen(1), "toxics and their seeds repeat");
    assert_ne!(one, chosen(2));
    assert!((20..=80).contains(&one.len()), "{} of 200, a quarter is expected", one.len());
    assert_eq!(asked(r#"for i in 0..100 { conn.toxic("timeout", #{toxicity: 0}); }"#), []);
}

#[test]
fn a_closed_connection_takes_no_toxics() {
    let mut bench = Bench::load(r#"fn on_close(conn, why) { conn.toxic("timeout"); conn.heal(); }"#);
    let c = conn(1);
    bench.give(&c, Event::Opened);
    c.info.pretend_closed();
    assert_eq!(bench.give(&c, Event::Closed(CloseReason::Eof)), []);
}
