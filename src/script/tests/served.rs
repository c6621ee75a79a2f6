//! Listeners whose connections another script handles.

use std::path::Path;

use super::network::context;
use super::*;
use crate::session::{CloseReason, ConnError, ErrorKind, Operation};

/// A folder with the files of a test; `reply.rhai` is the script that opens the listeners.
fn folder(files: &[(&str, &str)]) -> (tempfile::TempDir, Bench) {
    let folder = tempfile::tempdir().unwrap();
    for (name, text) in files {
        std::fs::write(folder.path().join(name), text).unwrap();
    }
    let bench = open(&folder.path().join("reply.rhai"));
    (folder, bench)
}

fn open(path: &Path) -> Bench {
    let bench = Bench::try_open(ScriptSource::File(path.to_owned())).unwrap_or_else(|message| panic!("{message}"));
    bench.handler.set_context(context());
    bench
}

/// The errors that `listen(":7", options)` throws.
fn refusals(files: &[(&str, &str)], options: &[&str]) -> Vec<String> {
    let calls = options.iter().map(|options| {
        format!("try {{ listen(\":7\", {options}); print(\"it listens\"); }} catch (e) {{ print(e); }}")
    });
    let text = format!("fn on_connect(conn) {{ {} }}", calls.collect::<String>());
    let mut files = files.to_vec();
    files.push(("reply.rhai", &text));
    let (folder, mut bench) = folder(&files);
    let said = bench.give(&conn(1), Event::Opened);
    let place = format!("{}/", folder.path().canonicalize().unwrap().display());
    said.iter()
        .filter(|command| matches!(command, Command::Print(_)))
        .map(|command| shown(command).replace(&place, ""))
        .collect()
}

#[test]
fn each_script_has_its_own_connections_arguments_and_app() {
    let server = "fn on_start() { app.n = 100; } fn on_listen(l) { print(`at ${l.port}`); }
        fn on_connect(conn) { app.n += 1; conn.send(`${args} ${app.n} ${conns().len()}`); }
        fn on_line(conn, line) { conn.send_line(line.to_upper()); }
        fn on_stop(code) { print(`stop ${code}`); }";
    let main = r#"fn on_start() {
            app.n = 0;
            app.a = listen(":7", #{script: "server.rhai", args: ["a", "b"]});
            app.b = listen(":8", #{script: "server.rhai"});
            app.c = listen(":9");
        }
        fn on_connect(conn) { app.n += 1; conn.send(`main ${app.n} ${conns().len()}`); }
        fn on_data(conn, data) { conn.send("main"); }"#;
    let (_folder, mut bench) = folder(&[("server.rhai", server), ("reply.rhai", main)]);
    assert_eq!(bench.start(), [print("at 40007"), print("at 40008")]);
    let greetings =
        [(1, 7, "[\"a\", \"b\"] 101 1"), (2, 8, "[] 101 1"), (3, 7, "[\"a\", \"b\"] 102 2"), (4, 9, "main 1 1")];
    for (id, listener, greeting) in greetings {
        let conn = accepted_by(id, listener);
        let form = if listener == 9 { crate::session::Form::Data } else { crate::session::Form::Line };
        assert_eq!(bench.handler.event_mask(&conn).received, Some(form));
        assert_eq!(bench.give(&conn, Event::Opened), [send(id, greeting.as_bytes())]);
    }
    assert_eq!(bench.give(&accepted_by(2, 8), Event::Line("x".into())), [send(2, b"X\n")]);
    let mut out = Vec::new();
    bench.handler.handle_run(RunEvent::Stop(3), &mut out).unwrap();
    assert_eq!(out, [print("stop 3"), print("stop 3")]);
}

#[test]
fn what_cannot_be_served_is_an_error_of_listen() {
    let files = [
        ("syntax.rhai", "fn on_data(conn, data) { conn.send(; }"),
        ("top.rhai", "let a = [1]; a[3];"),
        ("start.rhai", "fn on_start() { throw \"not today\"; }"),
        ("exit.rhai", "fn on_start() { exit(3); }"),
        ("self.rhai", "fn on_start() { try { listen(\":7\", #{script: \"self.rhai\"}); } catch (e) { throw e; } }"),
    ];
    let options = [
        "#{script: \"none.rhai\"}",
        "#{script: \"/etc/passwd\"}",
        "#{script: \"@ecko\"}",
        "#{script: 7}",
        "#{scrip: \"@echo\"}",
        "#{args: []}",
        "#{script: \"@echo\", args: \"a\"}",
        "#{script: \"@echo\", args: [\"a\", 1]}",
        "#{script: \"exit.rhai\"}",
    ];
    let wanted = [
        "listen: read none.rhai: no such file or directory",
        "listen: read /etc/passwd: it is outside of the folders this script may read; --allow-read DIR names another",
        "listen: no built-in script has the name @ecko: did you mean @echo?",
        "listen: script is a string, not int",
        "listen has no option scrip (did you mean script?)",
        "listen: args are those of script, which is not given",
        "listen: args is an array of strings, not string",
        "listen: args is an array of strings, not of int",
        "listen: exit.rhai has called exit(3) in on_start",
    ];
    assert_eq!(refusals(&files, &options), wanted);
    for (file, what) in [
        ("syntax.rhai", "listen: syntax.rhai:1:36: "),
        ("top.rhai", "listen: top.rhai:1:16: array index 3 out of bounds"),
        ("start.rhai", "listen: start.rhai:1:17: not today"),
        ("self.rhai", "scripts of listeners open listeners with scripts 3 deep at most"),
    ] {
        let said = refusals(&files, &[&format!("#{{script: \"{file}\"}}")]);
        assert!(said[0].contains(what), "{file}: {said:?}");
    }
}

#[test]
fn a_served_script_may_use_no_more_files_than_the_one_that_opens_the_listener() {
    let outside = tempfile::tempdir().unwrap();
    let table = outside.path().join("table.json");
    std::fs::write(&table, "{\"holding_registers\": {\"0\": 7}}").unwrap();
    let files = [("table.json", "{\"holding_registers\": {\"0\": 7}}")];
    let why = "it is outside of the folders this script may read; --allow-read DIR names another";
    let out = outside.path().to_str().unwrap();
    let refused = |name: &str, path: &str, why: &str| format!("listen: @{name}: argument 1 ({path}): {why}");
    let options = [
        "#{script: \"@modbus\", args: [\"table.json\"]}".to_owned(),
        "#{script: \"@http\", args: [\".\"]}".to_owned(),
        format!("#{{script: \"@modbus\", args: [\"{out}/table.json\"]}}"),
        format!("#{{script: \"@http\", args: [\"{out}\"]}}"),
        "#{script: \"@modbus\", args: [\"../x\"]}".to_owned(),
    ];
    let options: Vec<_> = options.iter().map(String::as_str).collect();
    let said = refusals(&files, &options);
    assert_eq!(said[..2], ["it listens", "it listens"]);
    assert_eq!(said[2], refused("modbus", &format!("{out}/table.json"), why));
    assert_eq!(said[3], refused("http", out, why));
    assert!(said[4].starts_with("listen: @modbus: argument 1 (../x): "), "{}", said[4]);
}

#[test]
fn a_listener_with_a_script_takes_no_other_handlers() {
    let (_folder, mut bench) = folder(&[(
        "reply.rhai",
        r#"fn on_connect(conn) {
            let l = listen(":7", #{script: "@echo"});
            try { l.on_data = |c, data| (); } catch (e) { print(e); }
            try { l.session = |c| (); } catch (e) { print(e); }
        }"#,
    )]);
    let words = "another script handles its connections";
    let wanted = [print(&format!("listener.on_data: {words}")), print(&format!("listener.session: {words}"))];
    assert_eq!(bench.give(&conn(1), Event::Opened), wanted);
}

#[test]
fn a_server_ends_with_its_listener_and_its_last_connection() {
    let main = r#"fn on_start() { app.l = listen(":7", #{script: "server.rhai"}); }
        fn on_line(conn, line) { app.l.close(); }"#;
    let server =
        "fn on_data(conn, data) { conn.send(`still ${data.len()}`); } fn on_start() { every(1, || print(\"tick\")); }";
    let (_folder, mut bench) = folder(&[("server.rhai", server), ("reply.rhai", main)]);
    bench.start();
    let theirs = accepted_by(2, 7);
    bench.handler.event_mask(&theirs);
    assert_eq!(bench.give(&conn(1), Event::Line("close".into())), [Command::CloseListener(7)]);
    bench.give(&theirs, Event::Opened);
    assert_eq!(bench.give(&theirs, data(b"abc")), [send(2, b"still 3")]);
    let tick = |bench: &Bench, seconds: u64| {
        let later = Instant::now() + Duration::from_secs(seconds);
        let mut out = Vec::new();
        let call = bench.handler.handle_timeout(later, &mut out);
        (call.is_some(), out)
    };
    // The opener is asked first, or the server: in turns.
    let told: Vec<_> = (1..=2).map(|at| tick(&bench, at)).collect();
    assert!(told.iter().all(|(is_called, out)| *is_called && out == &[print("tick")]), "{told:?}");
    bench.give(&theirs, Event::Closed(CloseReason::Eof));
    let _ = tick(&bench, 3);
    assert_eq!(bench.handler.deadline(), None, "its timer has ended with it");
    assert_eq!(tick(&bench, 4), (false, Vec::new()));
}

#[test]
fn connections_and_listeners_of_a_server_are_its_own() {
    let server = r#"fn on_start() { app.l = listen("localhost:8"); app.c = connect("h:1"); print(app.l.addr == ()); }
        fn on_connect(conn) { conn.send(`server ${conn.side}`); }
        fn on_listen(l) { print(`server ${l.port}`); }
        fn on_error(conn, err) { print(`server ${err.kind}`); }"#;
    let main = r#"fn on_start() { listen("localhost:7", #{script: "server.rhai"}); }
        fn on_listen(l) { print(`main ${l.port}`); }
        fn on_error(conn, err) { print(`main ${err.kind}`); }
        fn on_connect(conn) { conn.send("main"); }"#;
    let (_folder, mut bench) = folder(&[("server.rhai", server), ("reply.rhai", main)]);
    let out = bench.start();
    let Command::Connect(request) = &out[0] else { panic!("{out:?}") };
    assert_eq!(out[1..], [print("true")]);
    assert_eq!(bench.give(&request.view, Event::Opened), [send(request.view.id, b"server client")]);
    let bound = |bench: &Bench, id: u64| {
        let mut out = Vec::new();
        let address: std::net::SocketAddr = format!("[::1]:{id}").parse().unwrap();
        let event = RunEvent::Listening { listener: Some(id), address: address.into() };
        bench.handler.handle_run(event, &mut out).unwrap();
        out
    };
    assert_eq!(bound(&bench, 7), [print("server 7"), print("main 7")]);
    assert_eq!(bound(&bench, 8), [print("server 8")]);
    assert_eq!(bench.give(&accepted_by(5, 8), Event::Opened), [send(5, b"server server")]);
    assert_eq!(bench.give(&conn(6), Event::Opened), [send(6, b"main")]);
    let failed = |bench: &Bench, listener: u64| {
        let mut out = Vec::new();
        let trouble = ConnError { kind: ErrorKind::Resolve, op: Operation::Listen, message: String::new() };
        bench.handler.handle_run(RunEvent::ListenFailed { listener, trouble }, &mut out).unwrap();
        out
    };
    assert_eq!(failed(&bench, 8), [print("server resolve")]);
    assert_eq!(failed(&bench, 7), [print("main resolve")]);
}

#[test]
fn a_start_that_fails_closes_the_listener() {
    let main =
        r#"fn on_start() { try { listen(":7", #{script: "server.rhai"}); } catch (e) { print("no"); } listen(":8"); }"#;
    let server = "fn on_start() { listen(\":9\"); log(\"usage\"); exit(2); }";
    let (_folder, mut bench) = folder(&[("server.rhai", server), ("reply.rhai", main)]);
    let mut out = bench.start();
    assert_eq!(out.remove(0), Command::Log(None, "usage".into()));
    assert_eq!(out.pop(), Some(print("no")));
    out.sort_by_key(|command| format!("{command:?}"));
    assert_eq!(out, [Command::CloseListener(7), Command::CloseListener(9)]);
}
