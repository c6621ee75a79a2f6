//! Toxics added by scripts, seen from real peers on both sides.
//!
//! Times have lower bounds only: a machine may be slow, but no data may arrive early.

use std::net::SocketAddr;
use std::thread;
use std::time::{Duration, Instant};

use rustix::process::Signal;

use crate::support::peer::{Conn, Server};
use crate::support::{Folder, Running, SILENCE, Stdin, Tcpx, assert_same, noise, wait_for_standstill};

/// A server that runs a script; `TARGET` in it is an address.
fn serve_for(options: &[&str], text: &str, target: SocketAddr) -> (Running, SocketAddr) {
    let folder = Folder::new();
    let path = folder.file("script.rhai", text.replace("TARGET", &target.to_string()).as_bytes());
    Tcpx::new(&["--script", &path.display().to_string()])
        .args(options)
        .stdin(Stdin::Open)
        .with_default_signals()
        .listen()
}

fn serve(text: &str) -> (Running, SocketAddr) {
    serve_for(&[], text, SocketAddr::from(([127, 0, 0, 1], 9)))
}

/// An echo server that runs this code for each new connection.
fn echo(body: &str) -> (Running, SocketAddr) {
    serve(&format!(
        "fn on_connect(conn) {{ {body} }}
        fn on_data(conn, data) {{ print(data.text()); conn.send(data); }}
        fn on_stdin(line) {{ for conn in conns() {{ conn.heal(); }} }}"
    ))
}

const fn ms(n: u64) -> Duration {
    Duration::from_millis(n)
}

#[track_caller]
fn not_before(since: Instant, least: Duration) {
    let passed = since.elapsed();
    assert!(passed >= least, "it came after {passed:?}, not before {least:?} was wanted");
}

#[test]
fn latency_delays_one_direction() {
    for (options, arrives) in [("latency: 200", ms(200)), (r#"latency: 200, dir: "out""#, ms(0))] {
        let (mut tcpx, address) = echo(&format!(r#"conn.toxic("latency", #{{{options}}});"#));
        let mut client = Conn::to(address);
        let since = Instant::now();
        client.send(b"a");
        tcpx.wait_stdout(b"a\n");
        not_before(since, arrives);
        client.expect(b"a");
        not_before(since, ms(200));
        client.half_close();
        client.expect_eof();
    }
}

#[test]
fn a_slicer_splits_received_data() {
    let script = r#"
        fn on_connect(conn) { conn.toxic("slicer", #{average_size: 2, delay: 50000}); }
        fn on_data(conn, data) { print(data.text()); }
    "#;
    let (mut tcpx, address) = serve(script);
    let mut client = Conn::to(address);
    let since = Instant::now();
    client.send(b"abcde");
    tcpx.wait_stdout(b"ab\ncd\ne\n");
    not_before(since, ms(100));
}

#[test]
fn bandwidth_limits_the_rate_without_loss() {
    let script = r#"fn on_connect(conn) {
        conn.toxic("bandwidth", #{rate: 100, dir: "out"});
        for i in 0..50 { conn.send(blob(1000, i)); }
        conn.close();
    }"#;
    let (_tcpx, address) = serve(script);
    let since = Instant::now();
    let mut client = Conn::to(address);
    let wanted: Vec<u8> = (0..50u8).flat_map(|i| [i; 1000]).collect();
    assert_same(&client.read_all(), &wanted, "what came");
    not_before(since, ms(500));
}

#[test]
fn held_data_is_limited_in_memory_and_released_by_heal() {
    let script = r#"
        fn on_connect(conn) { conn.toxic("bandwidth", #{rate: 0}); conn.toxic("slicer", #{average_size: 1000}); }
        fn on_data(conn, data) { app.n = (app.n ?? 0) + data.len(); conn.send(data); }
        fn on_eof(conn) { print(app.n); conn.close(); }
        fn on_stdin(line) { for conn in conns() { conn.heal("bandwidth"); } }
    "#;
    let (mut tcpx, address) = serve(script);
    let bytes = noise(32 << 20, 5);
    let mut client = Conn::to(address);
    let (mut writer, sent) = (client.another(), bytes.clone());
    let sending = thread::spawn(move || {
        writer.send(&sent);
        writer.half_close();
    });
    let memory = wait_for_standstill("tcpx to stop reading", || tcpx.peak_memory());
    assert!(memory < 32 << 10, "{memory} KiB, while nothing passes");
    assert!(!sending.is_finished(), "the sender waits");
    tcpx.write(b"heal\n");
    assert_same(&client.read_all(), &bytes, "what came back");
    sending.join().expect("a thread that sends");
    tcpx.wait_stdout(format!("{}\n", bytes.len()).as_bytes());
}

#[test]
fn held_data_counts_as_queued() {
    let script = r#"
        fn on_connect(conn) {
            conn.toxic("bandwidth", #{rate: 0, dir: "out"});
            conn.send("x".to_blob() + blob(999));
            conn.after(20, |c| print(c.queued));
        }
        fn on_drain(conn) { print(`drained ${conn.queued}`); }
        fn on_stdin(line) { for conn in conns() { conn.heal(); } }
    "#;
    let (mut tcpx, address) = serve(script);
    let mut client = Conn::to(address);
    tcpx.wait_stdout(b"1000\n");
    tcpx.write(b"heal\n");
    client.expect(&[&b"x"[..], &[0; 999]].concat());
    tcpx.wait_stdout(b"1000\ndrained 0\n");
}

/// Held data, wherever it is held, uses no processor time and is not lost.
#[test]
fn held_data_uses_no_processor_time() {
    let folder = Folder::new();
    let bytes = noise(8 << 20, 6);
    let file = folder.file("file", &bytes);
    let file = file.display().to_string();
    let cases: [(&str, &[&str]); 4] = [
        (r#"conn.toxic("bandwidth", #{rate: 0});"#, &[]),
        (r#"conn.toxic("latency", #{latency: 1}); conn.after(1, |c| c.pause());"#, &[]),
        (r#"conn.toxic("bandwidth", #{rate: 0, dir: "out"});"#, &["--send-file", &file]),
        (r#"conn.toxic("slicer", #{average_size: 100000, dir: "out"});"#, &["--send-file", &file]),
    ];
    for (body, options) in cases {
        let script = format!(
            "fn on_connect(conn) {{ {body} }}
            fn on_data(conn, data) {{ conn.send(data); }}
            fn on_stdin(line) {{ for conn in conns() {{ conn.heal(); conn.resume(); }} }}"
        );
        let (mut tcpx, address) = serve_for(options, &script, SocketAddr::from(([127, 0, 0, 1], 9)));
        let mut client = Conn::narrow_to(address);
        client.send(b"question");
        client.half_close();
        tcpx.wait_idle();
        let used = tcpx.ticks();
        thread::sleep(SILENCE);
        let used = tcpx.ticks() - used;
        assert!(used <= 2, "{body}: it used {used} ticks for waiting");
        tcpx.write(b"go on\n");
        let wanted = if options.is_empty() { b"question".to_vec() } else { [&bytes[..], b"question"].concat() };
        let mut found = client.read_all();
        if !options.is_empty() {
            // The echo arrives somewhere in the middle of the file.
            let at = found.windows(8).position(|window| window == b"question").expect("the echo");
            found.drain(at..at + 8);
            found.extend(b"question");
        }
        assert_same(&found, &wanted, body);
    }
}

#[test]
fn slow_close_delays_only_the_end() {
    let (_tcpx, address) = echo(r#"conn.toxic("slow_close", #{delay: 300, dir: "out"});"#);
    let mut client = Conn::to(address);
    client.send(b"a");
    client.expect(b"a");
    let since = Instant::now();
    client.half_close();
    client.expect_eof();
    not_before(since, ms(300));
}

#[test]
fn a_timeout_toxic_drops_data_and_closes() {
    let (tcpx, address) = echo(r#"conn.toxic("timeout", #{timeout: 200});"#);
    let since = Instant::now();
    let mut client = Conn::to(address);
    client.send(b"gone");
    client.expect_eof();
    not_before(since, ms(200));
    assert_eq!(tcpx.out.bytes(), b"");
}

#[test]
fn reset_peer_resets_after_its_timeout_in_both_directions() {
    for direction in ["in", "out"] {
        let (_tcpx, address) = echo(&format!(r#"conn.toxic("reset_peer", #{{timeout: 200, dir: "{direction}"}});"#));
        let since = Instant::now();
        let mut client = Conn::to(address);
        client.send(b"a");
        client.expect_reset();
        not_before(since, ms(200));
    }
}

#[test]
fn limit_data_passes_exactly_its_bytes_through_a_pipe() {
    let upstream = Server::start();
    let bytes = noise(3_000_000, 3);
    let script = |options: &str| {
        format!(
            r#"fn on_connect(conn) {{
                if conn.side == "client" {{ return; }}
                conn.pipe(connect("TARGET"));
                conn.toxic("limit_data", #{{{options}}});
            }}
            fn on_close(conn, why) {{ if conn.side == "server" {{ print(why); }} }}"#
        )
    };
    let (mut tcpx, address) = serve_for(&[], &script("bytes: 1000000"), upstream.address);
    let mut client = Conn::to(address);
    let (mut writer, sent) = (client.another(), bytes.clone());
    // The connection is closed before everything is sent.
    let sending = thread::spawn(move || drop(std::io::Write::write_all(&mut writer.0, &sent)));
    let mut server = upstream.accept();
    assert_same(&server.read_all(), &bytes[..1_000_000], "what passed");
    tcpx.wait_stdout(b"closed\n");
    drop(server);
    drop(client.0.shutdown(std::net::Shutdown::Both));
    sending.join().expect("a thread that sends");

    let (mut tcpx, address) = serve_for(&[], &script(r#"bytes: 4, then: "reset""#), upstream.address);
    client = Conn::to(address);
    client.send(b"hello");
    let mut server = upstream.accept();
    server.expect(b"hell");
    server.expect_reset();
    client.expect_reset();
    tcpx.wait_stdout(b"reset\n");
}

#[test]
fn limit_data_sends_exactly_its_bytes() {
    let (_tcpx, address) = echo(r#"conn.toxic("limit_data", #{bytes: 4, dir: "out"}); conn.send("greetings");"#);
    assert_eq!(Conn::to(address).read_all(), b"gree");
}

#[test]
fn close_and_fin_wait_for_held_data() {
    let (_tcpx, address) =
        echo(r#"conn.toxic("latency", #{latency: 200, dir: "out"}); conn.send("bye"); conn.close();"#);
    let since = Instant::now();
    assert_eq!(Conn::to(address).read_all(), b"bye");
    not_before(since, ms(200));

    let folder = Folder::new();
    let script =
        folder.file("s.rhai", br#"fn on_connect(conn) { conn.toxic("latency", #{latency: 300, dir: "out"}); }"#);
    let server = Server::start();
    let tcpx = Tcpx::new(&["--eof-wait", "0.05", "--script", &script.display().to_string()]);
    let tcpx = tcpx.stdin(Stdin::bytes(b"from stdin")).connect(server.address);
    let mut conn = server.accept();
    assert_eq!(conn.read_all(), b"from stdin", "the wait for the peer begins when everything was sent");
    tcpx.finish().code(0);
}

#[test]
fn the_same_seed_cuts_the_same_slices() {
    let script = r#"
        fn on_connect(conn) { conn.toxic("slicer", #{average_size: 10, size_variation: 9}); }
        fn on_data(conn, data) { app.sizes = (app.sizes ?? []) + [data.len()]; }
        fn on_eof(conn) { print(app.sizes); conn.close(); }
    "#;
    let run = |seed: &str| {
        let (tcpx, address) =
            serve_for(&["--accept", "1", "--seed", seed], script, SocketAddr::from(([127, 0, 0, 1], 9)));
        // One write, seen by one read.
        tcpx.freeze();
        let mut client = Conn::to(address);
        client.send(&[7; 2000]);
        client.half_close();
        tcpx.thaw();
        client.expect_eof();
        let done = tcpx.finish();
        done.code(0);
        done.stdout
    };
    let first = run("7");
    assert!(first.len() > 200, "{}", first.escape_ascii());
    assert_eq!(first, run("7"));
    assert_ne!(first, run("8"));
}

#[test]
fn the_idle_limit_counts_data_after_the_toxics() {
    let script = r#"
        fn on_connect(conn) { conn.toxic("latency", #{latency: 600000}); conn.idle_timeout = 100; }
        fn on_idle(conn, ms) { print("idle"); conn.idle_timeout = 0; }
        fn on_data(conn, data) { print(data.text()); }
        fn on_stdin(line) { for conn in conns() { conn.heal(); } }
    "#;
    let (mut tcpx, address) = serve(script);
    let mut client = Conn::to(address);
    client.send(b"late");
    tcpx.wait_stdout(b"idle\n");
    tcpx.write(b"heal\n");
    tcpx.wait_stdout(b"idle\nlate\n");
}

#[test]
fn a_stop_sends_data_due_within_the_grace_period_only() {
    let script = |latency: u32| {
        format!(
            r#"fn on_connect(conn) {{ conn.toxic("latency", #{{latency: {latency}, dir: "out"}}); conn.send("held"); print("ready"); }}"#
        )
    };
    let (mut tcpx, address) = serve(&script(100));
    let mut client = Conn::to(address);
    tcpx.wait_stdout(b"ready\n");
    tcpx.signal(Signal::TERM);
    assert_eq!(client.read_to_reset(), b"held");
    drop(client);
    tcpx.finish().code(143);

    let (mut tcpx, address) = serve(&script(600_000));
    let mut client = Conn::to(address);
    tcpx.wait_stdout(b"ready\n");
    tcpx.signal(Signal::TERM);
    client.expect_reset();
    tcpx.finish().code(143);
}

#[test]
fn toxics_can_be_added_before_connecting_and_combined_with_on_relay() {
    let upstream = Server::start();
    let script = r#"
        fn on_connect(conn) {
            if conn.side == "client" { return; }
            let up = connect("TARGET");
            up.toxic("latency", #{latency: 100});
            up.toxic("latency", #{latency: 200, dir: "out"});
            conn.pipe(up);
        }
        fn on_relay(from, to, data) { if data.find("secret") >= 0 { return false; } }
    "#;
    let (_tcpx, address) = serve_for(&[], script, upstream.address);
    let mut client = Conn::to(address);
    let mut server = upstream.accept();
    let since = Instant::now();
    client.send(b"question");
    server.expect(b"question");
    not_before(since, ms(200));
    let since = Instant::now();
    server.send(b"secret");
    server.expect_silence();
    server.send(b"answer");
    drop(server);
    client.expect(b"answer");
    not_before(since, ms(100));
    client.expect_eof();
}

#[test]
fn an_invalid_toxic_is_reported_with_its_position() {
    let (mut tcpx, address) = echo(r#"conn.toxic("latency", #{latncy: 200});"#);
    Conn::expect_refusal(address);
    tcpx.wait_stderr("script.rhai:1:28: toxic latency has no option latncy (did you mean latency?)");
}

/// The proxy `@faults` in front of a server.
fn faults(upstream: &Server, toxics: &[&str]) -> (Running, SocketAddr) {
    let mut running = Tcpx::new(&["listen", "127.0.0.1", "0", "--script", "@faults", "--"])
        .arg(upstream.address.to_string())
        .args(toxics)
        .stdin(Stdin::Open)
        .spawn();
    let address = running.address();
    (running, address)
}

#[test]
fn the_faults_proxy_applies_toxics_from_its_arguments_and_stdin() {
    let upstream = Server::start();
    let toxics = ["latency:latency=100,jitter=0.5", "latency:latency=200,dir=out", "slicer:average_size=3,delay=1000"];
    let (mut tcpx, address) = faults(&upstream, &toxics);
    let mut client = Conn::to(address);
    let since = Instant::now();
    client.send(b"question");
    client.half_close();
    let mut server = upstream.accept();
    assert_eq!(server.read_all(), b"question");
    not_before(since, ms(200));
    let since = Instant::now();
    let answer = noise(1000, 4);
    server.send(&answer);
    drop(server);
    assert_same(&client.read_all(), &answer, "the answer");
    not_before(since, ms(99));

    // The toxics are changed at run time: nothing passes, then everything.
    tcpx.write(b"heal\nbandwidth:rate=0\n");
    let mut client = Conn::to(address);
    client.send(b"again");
    let mut server = upstream.accept();
    server.expect(b"again");
    server.send(b"answer");
    client.expect_silence();
    tcpx.write(b"heal\n");
    client.expect(b"answer");
}

#[test]
fn the_faults_proxy_resets_after_limit_data() {
    let upstream = Server::start();
    let (_tcpx, address) = faults(&upstream, &["limit_data:bytes=4,then=reset"]);
    let mut client = Conn::to(address);
    let mut server = upstream.accept();
    server.send(b"hello");
    client.expect(b"hell");
    client.expect_reset();
    server.expect_reset();
}

#[test]
fn the_faults_proxy_reports_invalid_arguments() {
    let done = Tcpx::new(&["listen", "127.0.0.1", "0", "--script", "@faults"]).run();
    assert_eq!(done.status_code(), Some(2));
    done.said("usage: tcpx listen PORT --script @faults -- HOST:PORT");

    // Checked before the listener opens.
    for (words, message) in [
        (["127.0.0.1:9", "latncy:latency=1"], "unknown toxic \"latncy\" (did you mean latency?)"),
        (["127.0.0.1:9", "latency:latency=abc"], "latency of toxic latency must be"),
        (["nohost", "slicer"], "the target is HOST:PORT or unix:PATH, not nohost"),
    ] {
        let done = Tcpx::new(&["listen", "127.0.0.1", "0", "--script", "@faults", "--"]).args(&words).run();
        assert_eq!(done.status_code(), Some(2), "{words:?}");
        done.said(message);
        assert!(!done.stderr.contains("listening"), "{}", done.stderr);
    }
}

#[test]
fn the_faults_proxy_continues_after_an_invalid_line() {
    let upstream = Server::start();
    let (mut tcpx, address) = faults(&upstream, &[]);
    tcpx.write(b"latncy:latency=5\nlatency:latency=5 latncy\n");
    tcpx.write(format!("{}\n", "latency:latency=1 ".repeat(17)).as_bytes());
    tcpx.wait_stderr("16 toxics are the most: heal takes them away");
    assert_eq!(tcpx.err.text().matches("unknown toxic \"latncy\" (did you mean latency?)").count(), 2);
    tcpx.write(b"bandwidth:rate=0 slicer:average_size=1\n");
    // Earlier lines have been handled when the error of the next one appears.
    tcpx.write(b"nonsense\n");
    tcpx.wait_stderr("unknown toxic \"nonsense\"");
    let mut client = Conn::to(address);
    client.send(b"question");
    let mut server = upstream.accept();
    server.expect(b"question");
    server.send(b"answer");
    client.expect_silence();
    tcpx.write(b"heal\n");
    client.expect(b"answer");
}
