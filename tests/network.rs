//! Several connections: pipes, listeners and connections opened by scripts.

use std::net::{Shutdown, SocketAddr};

use crate::support::peer::{Conn, Refusing, Server};
use crate::support::{Folder, Running, Tcpx, noise};

/// A server that runs a script; `TARGET` in it is an address.
fn serve(folder: &Folder, options: &[&str], text: &str, target: SocketAddr) -> (Running, SocketAddr) {
    let path = folder.file("script.rhai", text.replace("TARGET", &target.to_string()).as_bytes());
    Tcpx::new(&["--script", &path.display().to_string()]).args(options).listen()
}

/// An address without a listener.
fn nobody() -> SocketAddr {
    let refusing = Refusing::new();
    let address = refusing.address();
    // Nobody else gets the port as long as the tests run.
    std::mem::forget(refusing);
    address
}

#[test]
fn a_pipe_relays_both_ways_with_half_close() {
    let (folder, upstream) = (Folder::new(), Server::start());
    let script = r#"
        fn on_connect(conn) { if conn.side == "server" { conn.pipe(connect("TARGET")); } }
        fn on_relay(from, to, data) { if data.contains("secret") { return false; } }
    "#;
    let (_tcpx, address) = serve(&folder, &[], script, upstream.address);
    let mut client = Conn::to(address);
    let mut server = upstream.accept();
    client.send(b"question");
    server.expect(b"question");
    client.send(b"a secret");
    client.0.shutdown(Shutdown::Write).expect("half closed");
    server.expect_eof();
    server.send(b"answer after the end");
    drop(server);
    assert_eq!(client.read_all(), b"answer after the end");
}

#[test]
fn what_was_sent_before_connecting_goes_out_before_the_close() {
    let (folder, upstream) = (Folder::new(), Server::start());
    let script = r#"
        fn on_listen(listener) {
            let conn = connect("TARGET");
            conn.send("fire and forget");
            conn.close();
        }
        fn on_connect(conn) { print("connected"); }
        fn on_close(conn, why) { print(why); exit(0); }
    "#;
    for target in [upstream.address.to_string(), format!("localhost:{}", upstream.address.port())] {
        let (tcpx, _) = serve(&folder, &["-4"], &script.replace("TARGET", &target), upstream.address);
        let mut server = upstream.accept();
        assert_eq!(server.read_all(), b"fire and forget");
        drop(server);
        tcpx.finish().code(0).wrote("connected\nclosed\n");
    }
}

#[test]
fn data_received_before_the_upstream_is_connected_is_relayed() {
    let (folder, upstream) = (Folder::new(), Server::start());
    let relay = "fn on_relay(from, to, data) { `${to.side} ${data.text()}` }\n";
    let cases = [
        (r#"fn on_connect(conn) { if conn.side == "server" { conn.pipe(connect("TARGET")); } }"#, "early"),
        (r#"fn on_line(conn, line) { if line == "up" { conn.pipe(connect("TARGET")); } }"#, "up\nearly"),
    ];
    for (script, words) in cases {
        let (tcpx, address) = serve(&folder, &[], &format!("{relay}{script}"), upstream.address);
        // The connection, its data and its FIN arrive before tcpx accepts it.
        tcpx.freeze();
        let mut client = Conn::to(address);
        client.send(words.as_bytes());
        client.half_close();
        tcpx.thaw();
        let mut server = upstream.accept();
        assert_eq!(server.read_all(), b"client early", "{script}");
        server.send(b"answer");
        drop(server);
        assert_eq!(client.read_all(), b"server answer", "{script}");
    }
}

#[test]
fn a_pipe_applies_back_pressure_and_loses_nothing() {
    let (folder, upstream) = (Folder::new(), Server::start());
    let script = r#"fn on_connect(conn) { if conn.side == "server" { conn.pipe(connect("TARGET")); } }"#;
    let (tcpx, address) = serve(&folder, &[], script, upstream.address);
    let bytes = noise(32 << 20, 7);
    let mut client = Conn::to(address);
    let mut server = upstream.accept();
    let sent = bytes.clone();
    let sender = std::thread::spawn(move || {
        client.send(&sent);
        client.0.shutdown(Shutdown::Write).expect("half closed");
        client.read_all()
    });
    tcpx.wait_stuck();
    assert!(tcpx.peak_memory() < 32 << 10, "{} KiB", tcpx.peak_memory());
    crate::support::assert_same(&server.read_all(), &bytes, "what was relayed");
    server.send(b"done");
    drop(server);
    assert_eq!(sender.join().expect("the sender"), b"done");
}

#[test]
fn a_client_whose_upstream_refuses_is_reset_and_others_are_served() {
    let folder = Folder::new();
    let script = r#"
        fn on_connect(conn) { if conn.side == "server" { conn.frame_lines(100); } }
        fn on_line(conn, line) { if line == "up" { conn.pipe(connect("TARGET")); } else { conn.send_line(line); } }
        fn on_error(conn, err) { print(err.kind); }
    "#;
    let (mut tcpx, address) = serve(&folder, &[], script, nobody());
    let (mut first, mut second) = (Conn::to(address), Conn::to(address));
    first.send(b"up\n");
    first.expect_reset();
    second.send(b"hello\n");
    second.expect(b"hello\n");
    tcpx.wait_stdout(b"refused\n");
}

#[test]
fn a_client_ends_when_its_upstream_is_closed_while_connecting() {
    let folder = Folder::new();
    for (word, is_reset) in [("close", false), ("reset", true)] {
        let text = format!("fn on_connect(conn) {{ let up = connect(\"TARGET\"); conn.pipe(up); up.{word}(); }}");
        let (_running, address) = serve(&folder, &[], &text, nobody());
        if is_reset {
            Conn::expect_refusal(address);
        } else {
            Conn::to(address).expect_eof();
        }
    }
}

#[test]
fn a_script_connects_to_its_own_listener() {
    let folder = Folder::new();
    let script = r#"
        fn on_start() {
            let inner = listen("127.0.0.1:0");
            inner.on_line = |c, line| c.send_line("got " + line);
            app.inner = inner;
        }
        fn on_connect(conn) {
            if conn.side == "client" || conn.local == app.inner.addr { return; }
            let inner = connect(app.inner.addr);
            inner.state.outer = conn;
            inner.send_line("ping");
        }
        fn on_data(conn, data) { conn.state.outer.send(data); conn.state.outer.close(); conn.close(); }
    "#;
    let (tcpx, address) = serve(&folder, &["--accept", "1"], script, nobody());
    let mut client = Conn::to(address);
    client.expect(b"got ping\n");
    client.expect_eof();
    drop(client);
    tcpx.finish().code(0);
}

#[test]
fn timers_stdin_and_signals_reach_the_script() {
    let folder = Folder::new();
    let script = r#"
        fn on_connect(conn) { conn.after(20, |c| c.send("late")); conn.idle_timeout = 200; }
        fn on_data(conn, data) { }
        fn on_idle(conn, ms) { print("idle"); conn.idle_timeout = 0; }
        fn on_stdin(line) { print("typed " + line); broadcast_line(line); }
        fn on_stdin_eof() { print("end"); }
        fn on_signal(name) { print(name); exit(7); }
        fn on_stop(code) { print(`stop ${code}`); }
    "#;
    let path = folder.file("script.rhai", script.as_bytes());
    let tcpx = Tcpx::new(&["--script", &path.display().to_string()]).stdin(crate::support::Stdin::Open);
    let (mut tcpx, address) = tcpx.with_default_signals().listen();
    let mut client = Conn::to(address);
    client.expect(b"late");
    tcpx.wait_stdout(b"idle\n");
    tcpx.write(b"hello\n");
    client.expect(b"hello\n");
    tcpx.close_stdin();
    tcpx.wait_stdout(b"idle\ntyped hello\nend\n");
    tcpx.signal(rustix::process::Signal::TERM);
    let done = tcpx.finish();
    assert_eq!(done.status_code(), Some(7));
    done.wrote("idle\ntyped hello\nend\nTERM\nstop 7\n");
}

#[test]
fn expect_takes_a_regex_and_searches_one_mebibyte() {
    let folder = Folder::new();
    let script = r#"
        fn on_connect(conn) {
            conn.expect(re("(?<name>\\w+) login: $"), |c, m| {
                c.send_line(m.names.name);
                c.expect(re("\\d\\n"), |c, m| c.send(m.matched));
            });
        }
        fn on_data(conn, data) { conn.send(data); }
        fn on_error(conn, err) { print(`${err.kind}: ${err.message}`); }
    "#;
    let (mut tcpx, address) = serve(&folder, &[], script, nobody());
    let mut client = Conn::to(address);
    client.send(b"Welcome\nhost login: ");
    client.expect(b"host\n");
    client.send(&vec![b'x'; (1 << 20) - 2]);
    client.send(b"7\nrest");
    client.expect(b"7\nrest");
    let mut other = Conn::to(address);
    other.send(b"a login: ");
    other.expect(b"a\n");
    other.send(&vec![b'x'; (1 << 20) + 1]);
    other.expect_reset();
    tcpx.wait_stdout(b"frame: what is expected did not come in 1048576 bytes\n");
    client.send(b"still there");
    client.expect(b"still there");
}

#[test]
fn a_connection_piped_again_leaves_its_first_partner_open() {
    let folder = Folder::new();
    let (first, second) = (Server::start(), Server::start());
    let script = r#"
        fn on_connect(conn) {
            if conn.side == "client" { return; }
            app.client = conn;
            app.first = connect("FIRST");
            conn.pipe(app.first);
            app.second = connect("SECOND");
        }
        fn on_stdin(line) { app.client.pipe(app.second); }
        fn on_data(conn, data) { conn.state.taken = (conn.state.taken ?? 0) + data.len(); }
        fn on_eof(conn) { print(`${conn == app.first} ${conn.state.taken > 0} ${conn.bytes_in}`); conn.close(); }
    "#;
    let script = script.replace("FIRST", &first.address.to_string()).replace("SECOND", &second.address.to_string());
    let path = folder.file("script.rhai", script.as_bytes());
    let tcpx = Tcpx::new(&["--script", &path.display().to_string()]).stdin(crate::support::Stdin::Open);
    let (mut tcpx, address) = tcpx.listen();
    let (mut client, first, mut second) = (Conn::to(address), first.accept(), second.accept());
    let flow = noise(24 << 20, 320);
    // More than all queues hold for a client that does not read, so tcpx stops reading the partner.
    let (mut copy, bytes) = (first.another(), flow.clone());
    let sender = std::thread::spawn(move || {
        copy.send(&bytes);
        copy.half_close();
    });
    tcpx.wait_stuck();
    tcpx.write(b"now\n");
    sender.join().expect("send");
    tcpx.out.wait(|out| out.ends_with(b"\n"));
    assert_eq!(tcpx.out.text(), format!("true true {}\n", flow.len()));
    second.send(b"from the second");
    second.half_close();
    let received = client.read_all();
    let before = received.strip_suffix(b"from the second").expect("the second's at the end");
    assert!(!before.is_empty() && flow.starts_with(before));
}

#[test]
fn a_run_with_a_half_closed_pipe_ends_normally() {
    let folder = Folder::new();
    let script = r#"
        fn on_connect(conn) { if conn.side != "client" { conn.pipe(connect("TARGET")); } }
        fn on_stdin(line) { if line == "exit" { exit(5); } }
        fn on_close(conn, why) { print(`${conn.side} ${why}`); }
        fn on_stop(code) { print(`stop ${code}`); }
    "#;
    for (way, code) in [("exit", 5), ("signal", 143)] {
        let upstream = Server::start();
        let path = folder.file("script.rhai", script.replace("TARGET", &upstream.address.to_string()).as_bytes());
        let tcpx = Tcpx::new(&["--script", &path.display().to_string()]).stdin(crate::support::Stdin::Open);
        let (mut tcpx, address) = tcpx.with_default_signals().listen();
        let mut client = Conn::to(address);
        client.send(b"hi");
        client.half_close();
        let mut target = upstream.accept();
        target.expect(b"hi");
        target.expect_eof();
        if way == "exit" {
            tcpx.write(b"exit\n");
            client.expect_eof();
        } else {
            tcpx.signal(rustix::process::Signal::TERM);
            client.expect_reset();
        }
        let done = tcpx.finish();
        let out = String::from_utf8(done.stdout.clone()).expect("text");
        let lines: Vec<_> = out.lines().collect();
        assert_eq!(lines.last(), Some(&format!("stop {code}").as_str()), "{way}");
        let mut closes = lines[..lines.len() - 1].to_vec();
        closes.sort_unstable();
        assert_eq!(closes, ["client stop", "server stop"], "{way}");
        if way == "exit" {
            assert_eq!(done.status_code(), Some(code));
        } else {
            done.code(code);
        }
    }
}

#[test]
fn options_of_the_run_hold_for_connections_of_a_script() {
    let (folder, upstream) = (Folder::new(), Server::start());
    let script = r#"
        fn on_start() {
            let c = connect("TARGET"); let d = connect("TARGET", #{nodelay: true});
            print(`${c.nodelay} ${d.nodelay}`);
            app.inner = listen("127.0.0.1:0");
            connect(app.inner.addr);
        }
        fn on_connect(conn) { if conn.local == app.inner.addr { print(conn.nodelay); exit(0); } }
    "#;
    for (options, wanted) in [(&["--no-nodelay"][..], "false true\nfalse\n"), (&[], "true true\ntrue\n")] {
        let text = script.replace("TARGET", &upstream.address.to_string());
        let path = folder.file("script.rhai", text.as_bytes());
        let tcpx = Tcpx::new(&["listen", "127.0.0.1", "0", "--script"]).arg(&path).args(options).spawn();
        tcpx.finish().code(0).wrote(wanted);
    }
}

#[test]
fn a_script_resolves_no_names_with_n() {
    let folder = Folder::new();
    let script = r#"
        fn on_start() { connect("localhost:9"); listen("localhost:0"); }
        fn on_error(conn, err) {
            print(`${conn == ()} ${err.kind} ${err.op} ${err.message}`);
            app.n = (app.n ?? 0) + 1;
            if app.n == 2 { exit(0); }
        }
    "#;
    let path = folder.file("script.rhai", script.as_bytes());
    let tcpx = Tcpx::new(&["listen", "-n", "127.0.0.1", "0", "--script"]).arg(&path).spawn();
    let why = "resolve localhost: names are not resolved with -n";
    tcpx.finish().code(0).wrote(format!("false resolve connect {why}\ntrue resolve listen {why}\n"));
}

#[test]
fn a_listener_on_a_name_is_bound_when_the_name_is_resolved() {
    let folder = Folder::new();
    let script = r#"
        fn on_start() {
            let l = listen("localhost:0");
            l.on_data = |c, data| c.send(`inner ${data.text()}`);
            app.inner = l;
            print(`${l.addr == ()} ${l.port == ()} ${l}`);
        }
        fn on_listen(l) {
            if app.inner.addr != () && l.addr == app.inner.addr { log(`inner is ${l.addr} ${l.port == app.inner.port}`); }
        }
    "#;
    let (mut tcpx, _) = serve(&folder, &[], script, nobody());
    tcpx.wait_stdout(b"true true not bound\n");
    tcpx.wait_stderr("inner is ");
    tcpx.wait_stderr(" true\n");
    let text = tcpx.err.text();
    let address = text.split_once("inner is ").expect("its address").1.split(' ').next().expect("a word");
    let mut client = Conn::to(address.parse().expect("an address"));
    client.send(b"hello");
    client.expect(b"inner hello");
}

#[test]
fn a_listener_that_cannot_be_bound_later_is_an_error_without_a_connection() {
    let folder = Folder::new();
    // Too long for a label: no server is asked.
    let name = "a".repeat(64);
    let taken = std::net::TcpListener::bind("127.0.0.1:0").expect("a listener");
    let port = taken.local_addr().expect("an address").port();
    let script = r#"
        fn on_start() { listen("NAME:1"); let l = listen("localhost:PORT"); l.on_error = |c, err| told("own", c, err); }
        fn told(who, conn, err) { print(`${who} ${conn == ()} ${err.kind} ${err.op}`); log(err.message); }
        fn on_error(conn, err) { told("all", conn, err); }
    "#;
    let (mut tcpx, _) =
        serve(&folder, &["-4"], &script.replace("PORT", &port.to_string()).replace("NAME", &name), nobody());
    tcpx.wait_stderr(&format!("resolve {name}: "));
    tcpx.wait_stderr(&format!("listen on localhost:{port}: address already in use"));
    tcpx.out.wait(|bytes| String::from_utf8_lossy(bytes).matches('\n').count() == 2);
    let mut lines: Vec<String> = String::from_utf8_lossy(&tcpx.out.bytes()).lines().map(str::to_owned).collect();
    lines.sort();
    assert_eq!(lines, ["all true resolve listen", "own true io listen"]);
    // Without a handler it is a failure of the script, and ends a run whose start has asked for it.
    let (tcpx, _) = serve(&folder, &[], &format!("fn on_start() {{ listen(\"{name}:1\"); }}"), nobody());
    let done = tcpx.finish();
    done.code(112).said(&format!("tcpx: resolve {name}: "));
}

#[test]
fn a_listener_that_is_closed_before_it_is_bound_is_never_bound() {
    let folder = Folder::new();
    let script = r#"
        fn on_start() { let l = listen("localhost:0"); l.close(); after(300, || exit(0)); }
        fn on_listen(l) { print("bound"); }
    "#;
    let (tcpx, _) = serve(&folder, &[], script, nobody());
    tcpx.finish().code(0).wrote("bound\n");
}
