//! Failing scripts: the error is reported, and other connections are not affected.

use std::fs;
use std::io::{Read, Write};
use std::os::unix::fs::symlink;
use std::path::Path;

use rustix::process::Signal;

use crate::support::peer::{Conn, Server};
use crate::support::{Folder, Role, Stdout, Tcpx, attempt, wait_for};

/// A server in which each received word causes another failure.
const WRONG: &str = r#"
fn on_connect(conn) { app.all = (app.all ?? 0) + 1; conn.state.own = conn.id; }

fn on_line(conn, line) {
    switch line {
        "loop" => loop {},
        "try" => loop { try { loop {} } catch { } },
        "string" => { let s = "x"; loop { s += s; } }
        "pad" => { let a = []; a.pad(2000000000, 0); }
        "blob" => blob(2000000000),
        "nested" => { let a = [1]; loop { a = [a, a]; } }
        "memory" => fill(0),
        "deep" => deep(1),
        "closures" => { let f = || 1; loop { let g = f; f = || g.call(); } }
        "sort" => { let a = []; a.pad(1000000, 1); loop { try { a.sort(|x, y| x - y); } catch { } } }
        "regex" => { let s = ""; s.pad(1000000, 'A'); re(".*[^A]|A").find_all(s); }
        "sleep" => sleep(1),
        "flood" => { let b = blob(4000000); for i in 0..25 { conn.send(b); } }
        "import" => { import "../out" as o; o::f(); }
        "throw" => throw "thrown",
        "state" => conn.send_line(`${conn.state.own == conn.id} ${conn.state.len()} ${app.all}`),
        _ => conn.send_line(line),
    }
}

fn deep(n) { 1 + deep(n + 1) }
fn fill(n) { let a = blob(4000000, 1); let b = a; b[0] = 2; if n < 60 { fill(n + 1) } }

fn on_error(conn, err) { if err.kind == "script" { throw "again" } }
fn on_close(conn) { throw "at last" }
"#;

#[test]
fn other_connections_are_served_when_a_handler_fails() {
    let folder = Folder::new();
    let script = folder.file("wrong.rhai", WRONG.as_bytes());
    let stopped = "on_line ran longer than 500ms and was stopped";
    // Calls that end by themselves get ample time.
    let endless =
        [("loop", stopped), ("try", stopped), ("closures", ": on_line "), ("sort", stopped), ("regex", stopped)];
    let ending = [
        ("string", "value too large: strings hold at most 16 MiB"),
        ("pad", "value too large: arrays and blobs hold at most 4 Mi items"),
        ("blob", "value too large: arrays and blobs hold at most 4 Mi items"),
        ("nested", "wrong.rhai:"),
        ("memory", "on_line took more than 256 MiB of memory and was stopped"),
        ("deep", "calls are nested too deeply (64 levels)"),
        ("sleep", "sleep waits, so it may only be used in session(), main(), test_*() or start()"),
        ("flood", "is full (64 MiB): wait for on_drain"),
        ("import", "only files at or below the script's folder can be imported"),
        ("throw", ": thrown"),
    ];
    for (limit, cases) in [("500ms", &endless[..]), ("120s", &ending)] {
        goes_wrong_alone(&script, limit, cases);
    }
}

/// Causes each of these failures with a new client, and checks that another client is still served.
fn goes_wrong_alone(script: &Path, limit: &str, cases: &[(&str, &str)]) {
    let (mut tcpx, address) = Tcpx::new(&["--script-timeout", limit, "--script"]).arg(script).listen();
    let mut other = Conn::to(address);
    other.send(b"hello\n");
    other.expect(b"hello\n");
    for (word, message) in cases {
        let mut victim = Conn::to(address);
        victim.send(format!("{word}\n").as_bytes());
        if *word != "flood" {
            // Whichever way it ends, no data comes before.
            let mut bytes = Vec::new();
            let _ = victim.0.read_to_end(&mut bytes);
            assert!(bytes.is_empty(), "{word}");
        }
        tcpx.wait_stderr(message);
        drop(victim);
        other.send(format!("after {word}\n").as_bytes());
        other.expect(format!("after {word}\n").as_bytes());
    }
    tcpx.wait_stderr(": again");
    tcpx.wait_stderr(": at last");

    // The state of a connection is private; app is shared.
    other.send(b"state\n");
    other.expect(format!("true 1 {}\n", cases.len() + 1).as_bytes());
    tcpx.signal(Signal::TERM);
    tcpx.finish().code(143);
}

#[test]
fn sending_100_mb_for_each_byte_is_an_error() {
    let code = "if data.len() > 0 { for i in 0..25 { conn.send(blob(4000000)); } }";
    let (mut tcpx, address) = Tcpx::new(&["--on-data", code]).listen();
    let mut greedy = Conn::narrow_to(address);
    greedy.send(b"x");
    tcpx.wait_stderr("is full (64 MiB): wait for on_drain, or look at conn.queued before sending");
    let mut other = Conn::narrow_to(address);
    other.send(b"x");
    other.expect(&[0; 1000]);
    assert!(tcpx.peak_memory() < 700 << 20, "{} MiB", tcpx.peak_memory() >> 20);
    drop((greedy, other));
    tcpx.signal(Signal::TERM);
    tcpx.finish().code(143);
}

#[test]
fn an_import_outside_of_the_scripts_folder_does_not_load() {
    let folder = Folder::new();
    folder.file("out.rhai", b"fn f() {}");
    fs::create_dir(folder.path("in")).expect("a folder");
    symlink("../out.rhai", folder.path("in/link.rhai")).expect("a link");
    folder.file("in/round.rhai", b"import \"main\" as m;");
    let absolute = folder.path("out").display().to_string();
    let below = "only files at or below the script's folder can be imported";
    for (import, message) in [
        (absolute.as_str(), below),
        ("../out", below),
        ("link", "it is outside of the script's folder"),
        ("round", "the imports go round in a circle"),
    ] {
        let script = folder.file("in/main.rhai", format!("import \"{import}\" as m;").as_bytes());
        Tcpx::new(&["listen", "127.0.0.1", "0", "--script"]).arg(&script).run().code(111).said(message);
    }
    let nested = format!("let x = {}1{};", "(".repeat(100_000), ")".repeat(100_000));
    let script = folder.file("nested.rhai", nested.as_bytes());
    Tcpx::new(&["script", "check"]).arg(&script).run().code(111).said("nested.rhai:1:");
    let script = folder.file("eval.rhai", b"fn on_data(c, d) { eval(\"1\") }");
    Tcpx::new(&["script", "check"]).arg(&script).run().code(111).said("'eval' is disabled");
}

#[test]
fn printing_to_a_closed_stdout_does_not_panic() {
    let (tcpx, address) =
        Tcpx::new(&["--on-line", "print(line); conn.send_line(\"ok\")", "--once"]).stdout(Stdout::Closed).listen();
    let mut peer = Conn::to(address);
    peer.send(b"a\nb\n");
    // tcpx may have reset it already.
    let _ = peer.0.shutdown(std::net::Shutdown::Write);
    let _ = peer.0.read_to_end(&mut Vec::new());
    let done = tcpx.finish();
    assert!(!done.stderr.contains("a bug in tcpx"), "{}", done.stderr);

    let (reader, writer) = std::io::pipe().expect("a pipe");
    let (tcpx, address) = Tcpx::new(&["--on-line", "print(line)", "--once"])
        .stdout(Stdout::Fd(writer.into()))
        .with_default_signals()
        .listen();
    let mut peer = Conn::to(address);
    drop(reader);
    // tcpx may have ended already.
    let _ = peer.0.write_all(b"a\n");
    tcpx.finish().code(141).quietly();
}

#[test]
fn file_access_is_limited_and_a_seed_repeats_random_numbers() {
    let folder = Folder::new();
    folder.file("secret", b"secret");
    for name in ["own", "data", "out"] {
        fs::create_dir(folder.path(name)).expect("a folder");
    }
    folder.file("data/greeting", b"hello");
    let script = folder.file(
        "own/main.rhai",
        b"fn on_line(conn, line) {
              if line == \"chance\" { return conn.send_line(`${rand(1, 1000000)} ${uuid()}`); }
              try { conn.send_line(read_text(line)); append_file(\"log\", line + \"\\n\"); }
              catch (e) { conn.send_line(e); }
          }",
    );
    let ask = |options: &[&str], words: &[&str]| {
        let (tcpx, address) = Tcpx::new(options).arg("--script").arg(&script).args(&["--once"]).listen();
        let mut peer = Conn::to(address);
        for word in words {
            peer.send(format!("{word}\n").as_bytes());
        }
        peer.half_close();
        let answer = String::from_utf8(peer.read_all()).expect("text");
        tcpx.finish().code(0).quietly();
        answer
    };
    let (data, out) = (folder.path("data").display().to_string(), folder.path("out").display().to_string());
    let allowed = ["--allow-read", &data, "--allow-write", &out];
    let outside = "it is outside of the folders this script may read; --allow-read DIR names another";
    assert_eq!(ask(&allowed, &["greeting", "../secret"]), format!("hello\nread_text(\"../secret\"): {outside}\n"));
    assert_eq!(fs::read(folder.path("out/log")).expect("the log"), b"greeting\n");
    assert_eq!(ask(&[], &["greeting"]), "read_text(\"greeting\"): no such file or directory\n");
    let chance = |seed: &str| ask(&["--seed", seed], &["chance"]);
    assert_eq!(chance("7"), chance("7"));
    assert_ne!(chance("7"), chance("8"));
    for (options, told) in [(["-v", "--no-stdin"], true), (["--seed", "7"], false)] {
        let server = Server::start();
        let tcpx = Tcpx::new(&options).args(&["--on-line", "conn.close()"]).connect(server.address);
        server.accept().send(b"x\n");
        let done = tcpx.finish();
        assert_eq!(done.stderr.contains("tcpx: rand() begins with --seed "), told, "{}", done.stderr);
    }
}

#[test]
fn a_call_of_slow_operations_is_stopped_at_its_limit() {
    let code = "let a = []; a.pad(4000000, 1); loop { a.push(1); a.pop(); }";
    let (mut tcpx, address) = Tcpx::new(&["--on-data", code, "--script-timeout", "200ms"]).listen();
    Conn::to(address).send(b"x");
    tcpx.wait_stderr("on_data ran longer than 200ms and was stopped");
}

#[test]
fn the_run_limit_and_a_second_signal_end_an_endless_call() {
    let endless = ["--on-line", "loop {}", "--script-timeout", "10m"];
    let (tcpx, mut peer) = attempt(|| Tcpx::new(&endless).args(&["--timeout", "500ms"]).try_pair(Role::Listen));
    let _ = peer.0.write_all(b"x\n");
    tcpx.finish().code(28).said("timed out after 500ms (--timeout)");

    let (tcpx, address) = Tcpx::new(&endless).with_default_signals().listen();
    let mut peer = Conn::to(address);
    peer.send(b"x\n");
    let computes = || {
        let begun = tcpx.ticks();
        wait_for("the loop to run", || tcpx.ticks() > begun + 5);
    };
    computes();
    tcpx.signal(Signal::TERM);
    // The handlers of two pending signals run in unspecified order, so the first one must have run.
    wait_for("the signal to be delivered", || !tcpx.has_pending_signals());
    computes();
    tcpx.signal(Signal::INT);
    tcpx.finish().code(130);
}

#[test]
fn a_signal_ends_a_server_in_which_many_endless_calls_wait_for_their_turn() {
    const CLIENTS: usize = 40;
    for code in [["--on-data", "log(\"call\"); loop {}"], ["--session", "conn.read(); log(\"call\"); loop {}"]] {
        let (server, address) =
            Tcpx::new(&["-v", "--script-timeout", "1s"]).args(&code).with_default_signals().listen();
        let mut clients: Vec<_> = (0..CLIENTS).map(|_| Conn::to(address)).collect();
        let said = |words: &str| server.err.text().matches(words).count();
        wait_for("all clients to be accepted", || said("accepted") == CLIENTS);
        // What all of them send is found in one round.
        server.freeze();
        for client in &mut clients {
            client.send(b"x");
        }
        server.thaw();
        wait_for("the first call", || said("call\n") > 0);
        server.signal(Signal::TERM);
        let done = server.finish();
        done.code(143);
        assert!(done.stderr.matches("call\n").count() < CLIENTS, "{}", done.stderr);
    }
}

#[test]
fn sessions_for_which_there_is_no_memory_are_refused_and_the_others_go_on() {
    const MOST: usize = 4000;
    // Waiting in a function of its own, a session keeps its stack.
    let code =
        "fn wait(conn) { conn.read_line() } fn session(conn) { loop { let l = wait(conn); conn.send_line(l); } }";
    let folder = Folder::new();
    let script = folder.file("session.rhai", code.as_bytes()).display().to_string();
    let limit = "--as=800000000";
    let (server, address) = Tcpx::new(&["--script", &script]).under(&["prlimit", limit]).listen();
    let full = || server.err.text().contains("no stack for a session: cannot allocate memory; ulimit -v");
    let mut clients = Vec::new();
    while !full() {
        assert!(clients.len() < MOST, "there is room for {MOST} sessions under {limit}: {}", server.err.text());
        // One that is refused may be reset before it stands.
        clients.extend(Conn::try_to(address));
    }
    let first = &mut clients[0];
    first.send(b"one\n");
    first.expect(b"one\n");
    // What has ended leaves room.
    clients.truncate(1);
    attempt(|| {
        let mut next = Conn::try_to(address).ok()?;
        next.0.write_all(b"next\n").ok()?;
        let mut answer = [0; 5];
        next.0.read_exact(&mut answer).ok().filter(|()| answer == *b"next\n")
    });
    clients[0].send(b"two\n");
    clients[0].expect(b"two\n");
}
