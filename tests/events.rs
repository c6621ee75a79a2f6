//! `--events`: what happens, as NDJSON; and what `-v` and `-vv` say about it.

use std::fs;
use std::io::{Read, Write};
use std::path::Path;
use std::thread;

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use rustix::process::Signal;
use serde_json::Value;

use crate::support::peer::{Conn, Refusing, Server};
use crate::support::{
    BOTH, Folder, Role, Stdin, Stdout, Tcpx, assert_same, installed, missing, noise, wait_for_standstill, writable,
};

/// Every line as JSON. The first has the wall clock, time never goes back, the last has the exit code.
#[track_caller]
fn events(text: &[u8]) -> Vec<Value> {
    let text = std::str::from_utf8(text).expect("events are UTF-8");
    assert!(text.ends_with('\n'), "the last line is whole: {text}");
    let parse = |line: &str| serde_json::from_str(line).unwrap_or_else(|error| panic!("{error}: {line}"));
    let events: Vec<Value> = text.lines().map(parse).collect();
    let walls = events.iter().filter(|event| event.get("wall").is_some()).count();
    assert!(events[0]["event"] == "start" && events[0]["wall"].as_str().is_some() && walls == 1, "{text}");
    let times: Vec<u64> = events.iter().map(|event| event["time_us"].as_u64().expect("a time")).collect();
    assert!(times.is_sorted(), "{times:?}");
    let exits = names(&events).iter().filter(|name| **name == "exit").count();
    assert!(exits == 1 && events[events.len() - 1]["event"] == "exit", "one exit, at the end: {text}");
    events
}

#[track_caller]
fn events_in(path: &Path) -> Vec<Value> {
    events(&fs::read(path).expect("read the events"))
}

fn names(events: &[Value]) -> Vec<&str> {
    events.iter().map(|event| event["event"].as_str().expect("a name")).collect()
}

fn exit_code(events: &[Value]) -> Option<u64> {
    events.last().and_then(|event| event["code"].as_u64())
}

/// The first event of this name.
#[track_caller]
fn find<'a>(events: &'a [Value], name: &str) -> &'a Value {
    let found = events.iter().find(|event| event["event"] == name);
    found.unwrap_or_else(|| panic!("there is no {name:?} in {events:#?}"))
}

/// All bytes of one direction, from `base64`; `len` and `text` have to agree.
#[track_caller]
fn bytes(events: &[Value], dir: &str) -> Vec<u8> {
    let mut all = Vec::new();
    for event in events.iter().filter(|event| event["event"] == "data" && event["dir"] == dir) {
        let bytes = STANDARD.decode(event["base64"].as_str().expect("base64")).expect("base64");
        assert_eq!(event["len"].as_u64(), Some(bytes.len() as u64));
        match std::str::from_utf8(&bytes) {
            Ok(text) => assert_eq!(event["text"], *text),
            Err(_) => assert!(event.get("text").is_none(), "{event}"),
        }
        all.extend(bytes);
    }
    all
}

#[test]
fn both_directions_are_in_the_file_byte_for_byte() {
    let folder = Folder::new();
    let (there, back) = (noise(3_000_000, 90), noise(3_000_000, 91));
    for role in BOTH {
        let path = folder.file("events", &[b'x'; 5000]);
        let (tcpx, mut peer) = Tcpx::new(&["--events"]).arg(&path).stdin(Stdin::bytes(&there)).pair(role);
        let (here, far) = (peer.0.local_addr().expect("an address"), peer.0.peer_addr().expect("an address"));
        let (mut other, copy) = (peer.another(), back.clone());
        let sender = thread::spawn(move || {
            other.send(&copy);
            other.half_close();
        });
        assert_same(&peer.read_all(), &there, "what was sent");
        sender.join().expect("the peer sends everything");
        tcpx.finish().code(0).wrote(&back).quietly();

        let events = events_in(&path);
        assert_same(&bytes(&events, "out"), &there, "sent");
        assert_same(&bytes(&events, "in"), &back, "received");
        let opened = find(&events, "opened");
        assert_eq!((&opened["peer"], &opened["local"]), (&here.to_string().into(), &far.to_string().into()));
        assert_eq!(opened["side"], if role == Role::Connect { "client" } else { "server" });
        assert_eq!(opened.get("duration_us").is_some(), role == Role::Connect, "{opened}");
        let (name, about) = if role == Role::Connect { ("dialing", here) } else { ("listening", far) };
        assert_eq!(find(&events, name)["address"], about.to_string());
        let closed = find(&events, "closed");
        let counts = (closed["bytes_in"].as_u64(), closed["bytes_out"].as_u64());
        assert_eq!(counts, (Some(back.len() as u64), Some(there.len() as u64)));
        assert!(closed["reason"] == "eof" && closed["duration_us"].as_u64().is_some(), "{closed}");
        let ends: Vec<_> = events.iter().filter(|event| event["event"] == "eof").map(|event| &event["dir"]).collect();
        assert!(ends.contains(&&"in".into()) && ends.contains(&&"out".into()), "{ends:?}");
        assert!(events.iter().all(|event| event.get("conn").is_none_or(|conn| *conn == 1)), "one connection");
        assert_eq!(exit_code(&events), Some(0));
    }
}

#[test]
fn on_stdout_events_are_alone_unless_a_file_is_named() {
    let folder = Folder::new();
    let binary = b"text\n\xff\x00\x1b[2J";
    for role in BOTH {
        for file in [None, Some(folder.path("out"))] {
            let mut tcpx = Tcpx::new(&["--events", "-"]).stdin(Stdin::bytes(b"ping"));
            if let Some(file) = &file {
                tcpx = tcpx.arg("-o").arg(file);
            }
            let (tcpx, mut peer) = tcpx.pair(role);
            peer.expect(b"ping");
            peer.send(binary);
            drop(peer);
            let done = tcpx.finish();
            done.code(0).quietly();
            let events = events(&done.stdout);
            assert_eq!((bytes(&events, "in"), bytes(&events, "out")), (binary.to_vec(), b"ping".to_vec()));
            if let Some(file) = file {
                assert_same(&fs::read(file).expect("read the file"), binary, "what was received");
            }
        }
    }
}

#[test]
fn what_a_script_prints_and_logs_is_an_event() {
    let code = "fn on_start() { print(\"a \\\"line\\\"\"); }
        fn on_line(conn, line) { conn.label = \"bob\"; conn.log(`got ${line}`); print(line); exit(7); }";
    let folder = Folder::new();
    let script = folder.file("print.rhai", code.as_bytes());
    let server = Server::start();
    let tcpx = Tcpx::new(&["--events", "-", "--script"]).arg(&script).connect(server.address);
    let mut peer = server.accept();
    peer.send("één\n".as_bytes());
    let done = tcpx.finish();
    assert_eq!(done.status_code(), Some(7));
    let events = events(&done.stdout);
    let printed: Vec<_> = events.iter().filter(|event| event["event"] == "print").map(|event| &event["text"]).collect();
    assert_eq!(printed, ["a \"line\"", "één"]);
    let log = find(&events, "log");
    assert_eq!((&log["text"], &log["name"], &log["conn"]), (&"got één".into(), &"bob".into(), &1.into()));
    done.said("bob: got één\n");
    assert_eq!(exit_code(&events), Some(7));

    // In a file they are events, and on stdout as always.
    let path = folder.path("events");
    let tcpx = Tcpx::new(&["--script"]).arg(&script).arg("--events").arg(&path).connect(server.address);
    server.accept().send(b"x\n");
    tcpx.finish().wrote("a \"line\"\nx\n");
    assert_eq!(names(&events_in(&path)).iter().filter(|name| **name == "print").count(), 2);
}

#[test]
fn many_clients_have_numbers_of_their_own() {
    let folder = Folder::new();
    let path = folder.path("events");
    let (mut tcpx, address) = Tcpx::new(&["-k", "--accept", "3", "--events"]).arg(&path).stdin(Stdin::Open).listen();
    for word in [&b"one"[..], b"two", b"three"] {
        Conn::to(address).send(word);
    }
    tcpx.close_stdin();
    tcpx.finish().code(0).quietly();
    let events = events_in(&path);
    let mut words = Vec::new();
    for conn in 1..=3u64 {
        let of_conn: Vec<_> = events.iter().filter(|event| event["conn"] == conn).cloned().collect();
        assert!(of_conn[0]["event"] == "opened" && names(&of_conn).contains(&"closed"), "{of_conn:?}");
        words.push(String::from_utf8(bytes(&of_conn, "in")).expect("text"));
    }
    words.sort();
    assert_eq!(words, ["one", "three", "two"]);
}

#[test]
fn the_last_object_says_what_a_shell_sees() {
    let folder = Folder::new();
    let path = folder.path("events");
    for to_stdout in [false, true] {
        for (signal, code) in [(Signal::TERM, 143), (Signal::INT, 130)] {
            let tcpx = Tcpx::new(&["--events"]).arg(if to_stdout { Path::new("-") } else { &path });
            let (tcpx, _peer) = tcpx.stdin(Stdin::Open).with_default_signals().pair(Role::Connect);
            tcpx.wait_idle();
            tcpx.signal(signal);
            let done = tcpx.finish();
            done.code(code);
            let events = if to_stdout { events(&done.stdout) } else { events_in(&path) };
            assert_eq!(exit_code(&events), Some(code as u64));
            assert_eq!(find(&events, "closed")["reason"], "stop");
            let name = find(&events, "signal")["name"].as_str().expect("a name").to_owned();
            assert_eq!(name, if code == 143 { "TERM" } else { "INT" });
        }
    }
}

#[test]
fn a_refused_connect_is_told_step_by_step() {
    let refusing = Refusing::new();
    let done = Tcpx::new(&["--events", "-"]).connect(refusing.address()).finish();
    done.code(7);
    let events = events(&done.stdout);
    assert_eq!(names(&events), ["start", "dialing", "attempt_failed", "error", "exit"]);
    assert_eq!((&events[1]["conn"], &events[2]["cause"]), (&1.into(), &"connection refused".into()));
    let error = &events[3];
    assert_eq!((&error["kind"], &error["handled"], &error["conn"]), (&"connect".into(), &false.into(), &1.into()));
    done.said(&format!("tcpx: {}", error["message"].as_str().expect("a message")));
    assert_eq!(exit_code(&events), Some(7));
}

#[test]
fn an_error_before_anything_runs_is_an_event_too() {
    let folder = Folder::new();
    let path = folder.path("events");
    for to in [Path::new("-"), &path] {
        let done = Tcpx::new(&["listen", "0", "--on-data", "let x = ;", "--events"]).arg(to).run();
        done.code(111);
        let events = if to == path { events_in(&path) } else { events(&done.stdout) };
        assert_eq!(names(&events), ["start", "error", "exit"]);
        assert!(events[1]["kind"] == "script_load" && exit_code(&events) == Some(111), "{events:?}");
    }
}

#[test]
fn closed_is_the_last_object_of_a_connection_and_counts_its_data() {
    let folder = Folder::new();
    let path = folder.path("events");
    let options = ["--expect", "first", "--events", path.to_str().expect("a path")];
    let (tcpx, mut peer) = Tcpx::new(&options).stdin(Stdin::Open).pair(Role::Connect);
    peer.send(b"first");
    peer.expect_eof();
    // tcpx lingers: these are read and discarded.
    peer.send(&noise(100_000, 3));
    drop(peer);
    tcpx.finish().code(0).wrote("first");
    let events = events_in(&path);
    assert_eq!(bytes(&events, "in"), b"first");
    assert_eq!(find(&events, "closed")["bytes_in"].as_u64(), Some(5));
    let after = events.iter().skip_while(|event| event["event"] != "closed").skip(1);
    assert!(after.into_iter().all(|event| event["conn"].is_null()), "{events:#?}");
}

#[test]
fn every_listener_of_a_script_is_announced() {
    let folder = Folder::new();
    let code = r#"fn on_start() { listen("127.0.0.1:0"); listen("localhost:0"); after(0, || ()); }
        fn on_listen(l) { app.n = (app.n ?? 0) + 1; if app.n == 2 { exit(0); } }"#;
    let script = folder.file("listeners.rhai", code.as_bytes()).display().to_string();
    let done = Tcpx::new(&["listen", "127.0.0.1:0", "-q", "--script", &script, "--events", "-"]).run();
    done.code(0);
    let events = events(&done.stdout);
    let mut listeners: Vec<_> = events.iter().filter(|event| event["event"] == "listening").collect();
    listeners.sort_by_key(|event| event["listener"].as_u64());
    let numbers: Vec<_> = listeners.iter().map(|event| event["listener"].as_u64()).collect();
    assert_eq!(numbers, [None, Some(1), Some(2)], "{events:#?}");
}

#[test]
fn a_probe_opens_and_closes() {
    let server = Server::start();
    let done = Tcpx::new(&["-z", "--events", "-"]).connect(server.address).finish();
    done.code(0);
    assert_eq!(names(&events(&done.stdout)), ["start", "dialing", "opened", "closed", "exit"]);
}

#[test]
fn a_name_is_resolved_first() {
    let server = Server::start();
    let port = server.address.port().to_string();
    let done = Tcpx::new(&["connect", "-z", "-4", "-v", "localhost", &port, "--events", "-"]).run();
    let events = events(&done.code(0).stdout);
    assert_eq!(names(&events)[..4], ["start", "resolving", "resolved", "dialing"]);
    assert_eq!((&events[1]["host"], &events[2]["addresses"][0]), (&"localhost".into(), &"127.0.0.1".into()));
    assert_eq!(events[3]["target"], format!("localhost:{port}"));
    done.said("tcpx: resolved localhost to 127.0.0.1 in ").said(&format!("tcpx: trying 127.0.0.1:{port}\n"));
}

#[test]
fn what_cannot_be_written_is_23() {
    let server = Server::start();
    let done = Tcpx::new(&["--events", "/no/such/folder/events"]).connect(server.address).finish();
    done.code(23).said("tcpx: write /no/such/folder/events: no such file or directory");
    assert!(server.try_accept().is_none(), "nothing was connected");
    for role in BOTH {
        let tcpx = Tcpx::new(&["--events", "/dev/full"]).stdin(Stdin::Open);
        let done = match role {
            Role::Connect => tcpx.connect(server.address).finish(),
            Role::Listen => tcpx.listen().0.finish(),
        };
        done.code(23).said("tcpx: write /dev/full: no space left on device");
        assert_eq!(done.messages().count(), 1, "{}", done.stderr);
    }
    let full = Stdout::Fd(writable("/dev/full"));
    let done = Tcpx::new(&["--events", "-"]).stdin(Stdin::Open).stdout(full).connect(server.address).finish();
    done.code(23).said("tcpx: write stdout: no space left on device");
}

#[test]
fn a_reader_that_leaves_ends_the_run_as_it_ends_cat() {
    let (reader, writer) = std::io::pipe().expect("a pipe");
    let tcpx = Tcpx::new(&["--events", "-"]).stdin(Stdin::Open).stdout(Stdout::Fd(writer.into()));
    let (tcpx, _peer) = tcpx.with_default_signals().pair(Role::Connect);
    tcpx.wait_idle();
    drop(reader);
    tcpx.finish().code(141);
}

#[test]
fn a_slow_reader_of_events_slows_both_directions_and_loses_nothing() {
    let there = noise(12 << 20, 92);
    for sends in [true, false] {
        let (mut reader, writer) = std::io::pipe().expect("a pipe");
        let stdin = if sends { Stdin::bytes(&there) } else { Stdin::Open };
        let tcpx = Tcpx::new(&["--events", "-"]).stdin(stdin).stdout(Stdout::Fd(writer.into()));
        let (tcpx, mut peer) = tcpx.pair(Role::Connect);
        let mut other = peer.another();
        let copy = there.clone();
        let mover = thread::spawn(move || {
            if sends {
                assert_same(&peer.read_all(), &copy, "what was sent");
            } else {
                peer.send(&copy);
            }
            drop(peer);
        });
        wait_for_standstill("stdout to be full", || tcpx.ticks());
        assert!(tcpx.peak_memory() < 64 << 10, "{} KiB", tcpx.peak_memory());
        let mut text = Vec::new();
        let collected = thread::spawn(move || reader.read_to_end(&mut text).map(|_| text));
        mover.join().expect("everything moves");
        let _ = other.0.flush();
        drop(other);
        tcpx.finish().code(0);
        let events = events(&collected.join().expect("a thread").expect("read"));
        assert_same(&bytes(&events, if sends { "out" } else { "in" }), &there, "all of it");
    }
}

#[test]
fn v_leaves_the_kernel_path_on_and_events_do_not() {
    if !installed("strace") {
        return missing("strace");
    }
    let data = noise(12 << 20, 93);
    for (options, kernel) in [(&["-v"][..], true), (&["-vv"], true), (&["--events", "/dev/null"], false)] {
        let folder = Folder::new();
        let log = folder.path("trace");
        let strace = ["strace", "-f", "-qq", "-e", "trace=splice,sendfile", "-o", log.to_str().expect("a path")];
        let (tcpx, mut peer) = Tcpx::new(options).stdin(Stdin::bytes(&data)).under(&strace).pair(Role::Connect);
        assert_same(&peer.read_all(), &data, "what was sent");
        peer.send(&data);
        drop(peer);
        let done = tcpx.finish();
        done.code(0).wrote(&data);
        let trace = fs::read_to_string(log).expect("what strace wrote");
        assert_eq!(trace.contains("splice("), kernel, "{options:?}: {trace}");
        if kernel {
            done.said(&format!("{0} bytes received, {0} sent, after ", data.len()));
        }
        if options == ["-vv"] {
            done.said(": received ").said(": sent ").said(": peer sent FIN\n").said(": FIN sent\n");
        }
    }
}

#[test]
fn vv_is_short_however_much_moves() {
    let data = noise(40 << 20, 94);
    for options in [&["-vv"][..], &["-vv", "-E", "latin1"]] {
        let (tcpx, mut peer) = Tcpx::new(options).stdin(Stdin::Open).pair(Role::Connect);
        peer.send(&data);
        drop(peer);
        let done = tcpx.finish();
        done.code(0);
        assert!(done.stderr.lines().count() < 50, "{}", done.stderr);
        done.said(": received ").said(&format!("{} bytes received, 0 sent, after ", data.len()));
    }
}
