//! Connections and listeners opened by scripts, at the level of the handler.

use std::net::SocketAddr;

use super::*;
use crate::script::{Binder, RunContext};
use crate::session::{CloseReason, ConnError, ConnIds, ErrorKind, Handler, Operation, RunEvent};

/// A bench in which listeners get addresses without sockets.
pub(super) fn load(text: &str) -> Bench {
    let bench = Bench::load(text);
    bench.handler.set_context(context());
    bench
}

/// The means of a run without sockets: the number of a listener is its port.
pub(super) fn context() -> RunContext {
    let bind: Binder = Box::new(|endpoint, _| {
        let port = endpoint.port().unwrap_or(0);
        let address: SocketAddr = format!("127.0.0.1:{}", 40_000 + port).parse().unwrap();
        Ok((u64::from(port), endpoint.name_to_resolve().is_none().then(|| address.into())))
    });
    RunContext {
        ids: ConnIds::default(),
        text: Text::default(),
        nodelay: true,
        max_connects: usize::MAX,
        bind: Some(bind),
        stdin: crate::script::StdinUse::default(),
    }
}

#[test]
fn a_connection_can_be_sent_to_before_it_is_established() {
    let mut bench = load(
        r#"fn on_start() {
            let c = connect("example.org:80", #{timeout: 500, encoding: "gbk", label: "up"});
            c.send("你"); print(`${c} ${c.peer} ${c.side} ${c.id} ${c.encoding}`);
        }"#,
    );
    let out = bench.start();
    let Command::Connect(request) = &out[0] else { panic!("{out:?}") };
    assert_eq!(request.target.to_string(), "example.org:80");
    assert_eq!(request.timeout, Some(Duration::from_millis(500)));
    assert_eq!(out[1..], [send(1, b"\xc4\xe3"), print("up example.org:80 client 1 gbk")]);
}

#[test]
fn wrong_targets_and_options_are_reported() {
    for (body, message) in [
        (r#"connect("nowhere")"#, r#"no port in "nowhere""#),
        (r#"connect("h:0")"#, r#"connect("h:0"): port 0 cannot be connected to"#),
        (r#"connect("h:1", #{timout: 1})"#, "connect has no option timout (did you mean timeout?)"),
        (r#"connect("h:1", #{timeout: "x"})"#, "connect: timeout is a number of milliseconds, not string"),
        ("conn.pipe(conn)", "a connection cannot be piped to itself"),
        (r#"listen(":0")"#, "nothing can be listened on here"),
    ] {
        assert_eq!(Bench::eval_error(body), message, "{body}");
    }
    let refused = Bench::try_load(r#"connect("h:1");"#).err().unwrap();
    assert!(refused.contains("connect() while the script is loading"), "{refused}");
}

#[test]
fn a_listener_falls_back_to_the_handlers_of_the_script() {
    let mut bench = load(
        r#"fn on_start() {
            let greeting = "hello";
            let s = listen(":7");
            s.on_connect = |c| c.send(greeting);
            s.on_line = |c, line| c.send_line(line.to_upper());
            s.on_close = || print("closed");
            print(s.addr);
        }
        fn on_data(conn, data) { conn.send("main"); }
        fn on_error(conn, err) { print(err.kind); }"#,
    );
    assert_eq!(bench.start(), [print("127.0.0.1:40007")]);
    let (own, main) = (accepted_by(1, 7), conn(2));
    assert_eq!(bench.handler.event_mask(&own).received, Some(crate::session::Form::Line));
    assert_eq!(bench.handler.event_mask(&main).received, Some(crate::session::Form::Data));
    assert_eq!(bench.give(&own, Event::Opened), [send(1, b"hello")]);
    assert_eq!(bench.give(&own, Event::Line("abc".into())), [send(1, b"ABC\n")]);
    let trouble = ConnError { kind: ErrorKind::Reset, op: Operation::Read, message: String::new() };
    assert_eq!(bench.give(&own, Event::Error(trouble)), [print("reset")]);
    assert_eq!(bench.give(&own, Event::Closed(CloseReason::Eof)), [print("closed")]);
    assert_eq!(bench.give(&main, data(b"x")), [send(2, b"main")]);
}

#[test]
fn on_relay_changes_relayed_data() {
    let (a, b) = (conn(1), conn_in(2, "gbk"));
    for (body, expected) in [
        ("", Ok(b"data".to_vec())),
        ("()", Ok(b"data".to_vec())),
        ("true", Ok(b"data".to_vec())),
        ("false", Ok(Vec::new())),
        ("data + \"!\"", Ok(b"data!".to_vec())),
        ("\"你\"", Ok(b"\xc4\xe3".to_vec())),
        ("`${from.id}-${to.id}`", Ok(b"1-2".to_vec())),
        ("7", Err("on_relay gives (), a blob, a string or false, not int")),
    ] {
        let bench = Bench::load(&format!("fn on_relay(from, to, data) {{ {body} }}"));
        let given = bench.handler.relay(&a, &b, Some(b"data".to_vec()), &mut Vec::new());
        match (given, expected) {
            (Ok(given), Ok(expected)) => assert_eq!(given, expected, "{body}"),
            (Err(HandlerError::Failed { message, .. }), Err(words)) => assert!(message.contains(words), "{message}"),
            other => panic!("{body}: {other:?}"),
        }
    }
}

#[test]
fn a_listener_on_a_name_has_its_address_later_and_hears_of_failures() {
    let mut bench = load(
        r#"fn on_start() {
            app.l = listen("localhost:7");
            print([app.l.addr, app.l.port, `${app.l}`]);
            let own = listen("localhost:8");
            own.on_error = |conn, err| print(`own ${conn == ()} ${err.kind}`);
            listen("localhost:9");
        }
        fn on_listen(l) { print([app.l.addr, l.port, `${l}`]); }
        fn on_error(conn, err) { print(`all ${conn == ()} ${err.kind} ${err.op}`); }"#,
    );
    assert_eq!(bench.start(), [print("[(), (), \"not bound\"]")]);
    let mut out = Vec::new();
    let address: SocketAddr = "[::1]:4000".parse().unwrap();
    let event = RunEvent::Listening { listener: Some(7), address: address.into() };
    assert_eq!(bench.handler.handle_run(event, &mut out), Ok(true));
    for id in [8, 9] {
        let message = "resolve localhost: no".into();
        let trouble = ConnError { kind: ErrorKind::Resolve, op: Operation::Listen, message };
        assert_eq!(bench.handler.handle_run(RunEvent::ListenFailed { listener: id, trouble }, &mut out), Ok(true));
    }
    let wanted = ["[\"[::1]:4000\", 4000, \"[::1]:4000\"]", "own true resolve", "all true resolve listen"];
    assert_eq!(out, wanted.map(print));
}

#[test]
fn a_unix_socket_has_no_ip_and_no_port() {
    let mut bench = load(
        r#"fn on_start() {
            let c = connect("unix:@x");
            print([c.peer, c.local, c.proto, c.peer_ip, c.peer_port, `${c}`]);
        }"#,
    );
    let out = bench.start();
    let Command::Connect(request) = &out[0] else { panic!("{out:?}") };
    assert!(request.target.is_unix());
    assert_eq!(out[1..], [print(r#"["unix:@x", "unix:(unnamed)", "unix", (), (), "unix:@x"]"#)]);
}
