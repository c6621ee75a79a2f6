//! `--watch`: a script that changes while it runs.

use std::fs;
use std::path::Path;

use rustix::process::Signal;

use crate::support::peer::{Conn, Server};
use crate::support::{Folder, Running, Tcpx};

/// Replaces a file atomically, as editors do: writes it under another name, then renames it.
fn replace(path: &Path, text: &str) {
    let other = path.with_extension("new");
    fs::write(&other, text).expect("write");
    fs::rename(&other, path).expect("rename");
}

fn watching(script: &Path) -> (Running, std::net::SocketAddr) {
    Tcpx::new(&["--watch", "--script"]).arg(script).listen()
}

/// Waits until a message was printed this many times.
#[track_caller]
fn wait_count(running: &Running, words: &str, count: usize) {
    let found = running.err.wait(|bytes| String::from_utf8_lossy(bytes).matches(words).count() >= count);
    assert!(found, "{words:?} does not come {count} times:\n{}", running.err.text());
}

#[test]
fn a_changed_script_takes_effect_and_keeps_connections_and_state() {
    let folder = Folder::new();
    let before = "fn on_start() { app.n = 10; }
        fn on_connect(conn) { conn.state.name = \"bob\"; conn.send(\"welcome\\n\"); }
        fn on_line(conn, line) { app.n += 1; conn.send_line(`old ${conn.state.name} ${app.n} ${line}`); }";
    let script = folder.file("reply.rhai", before.as_bytes());
    let (mut running, address) = watching(&script);
    let mut conn = Conn::to(address);
    conn.expect(b"welcome\n");
    conn.send(b"a\n");
    conn.expect(b"old bob 11 a\n");

    replace(&script, &before.replace("old ", "new ").replace("welcome", "hi"));
    wait_count(&running, &format!("reloaded {}\n", script.display()), 1);
    conn.send(b"b\n");
    conn.expect(b"new bob 12 b\n");
    let mut other = Conn::to(address);
    other.expect(b"hi\n");
    assert!(running.is_running());
    running.signal(Signal::TERM);
    let done = running.finish();
    done.code(143);
    assert_eq!(done.stderr.matches("reloaded").count(), 1, "{}", done.stderr);
}

#[test]
fn a_script_that_does_not_load_is_reported_once_and_not_used() {
    let folder = Folder::new();
    let good = "fn on_start() { app.n = 1; }\nfn on_line(conn, line) { conn.send_line(`${app.n} ${line}`); }";
    let script = folder.file("reply.rhai", good.as_bytes());
    let (mut running, address) = watching(&script);
    let mut conn = Conn::to(address);
    let kept = format!("{}: not reloaded, the version before goes on\n", script.display());

    replace(&script, "fn on_line(conn, line) { let x = ; }");
    running.wait_stderr(&format!("tcpx: {}:1:34: unexpected ';'", script.display()));
    wait_count(&running, &kept, 1);
    // The top level runs before it fails: its changes of app are discarded.
    replace(&script, "app.n = 99; app.list = []; app.list[5];");
    wait_count(&running, &kept, 2);
    running.wait_stderr("reply.rhai:1:37: ");
    fs::remove_file(&script).expect("remove");
    wait_count(&running, &kept, 3);
    running.wait_stderr("reply.rhai: no such file or directory");
    conn.send(b"still here\n");
    conn.expect(b"1 still here\n");
    assert_eq!(running.err.text().matches(&kept).count(), 3, "{}", running.err.text());

    replace(&script, &good.replace("${line}", "${line}, again"));
    wait_count(&running, "reloaded ", 1);
    conn.send(b"x\n");
    conn.expect(b"1 x, again\n");
}

#[test]
fn imported_files_are_watched_too() {
    let folder = Folder::new();
    fs::create_dir(folder.path("lib")).expect("a folder");
    let util = folder.path("lib/util.rhai");
    fs::write(&util, "import \"deep\" as d; fn answer() { `one ${d::more()}` }").expect("write");
    let deep = folder.path("lib/deep.rhai");
    fs::write(&deep, "fn more() { 1 }").expect("write");
    let late = folder.path("late.rhai");
    fs::write(&late, "fn l() { 1 }").expect("write");
    let text = "import \"lib/util\" as u;
        fn on_line(conn, line) { import \"late\" as l; conn.send_line(`${u::answer()} ${l::l()}`); }";
    let script = folder.file("main.rhai", text.as_bytes());
    let (running, address) = watching(&script);
    let mut conn = Conn::to(address);
    conn.send(b"\n");
    conn.expect(b"one 1 1\n");
    replace(&util, "import \"deep\" as d; fn answer() { `two ${d::more()}` }");
    wait_count(&running, "reloaded ", 1);
    conn.send(b"\n");
    conn.expect(b"two 1 1\n");
    replace(&deep, "fn more() { 2 }");
    wait_count(&running, "reloaded ", 2);
    conn.send(b"\n");
    conn.expect(b"two 2 1\n");
    // Imported by its first call, and watched from the next check on.
    running.wait_sleeps(3);
    replace(&late, "fn l() { 2 }");
    wait_count(&running, "reloaded ", 3);
    conn.send(b"\n");
    conn.expect(b"two 2 2\n");
    // A new import whose file is created later.
    replace(&script, "import \"extra\" as e; fn on_line(conn, line) { conn.send_line(e::x()); }");
    wait_count(&running, "not reloaded", 1);
    fs::write(folder.path("extra.rhai"), "fn x() { \"extra\" }").expect("write");
    wait_count(&running, "reloaded ", 4);
    conn.send(b"\n");
    conn.expect(b"extra\n");
}

#[test]
fn on_reload_is_called_on_the_new_script_only() {
    let folder = Folder::new();
    let script = folder.file("reply.rhai", b"fn on_start() { print(\"start\"); } fn on_reload() { print(\"old\"); }");
    let (mut running, _) = watching(&script);
    running.wait_stdout(b"start\n");
    replace(&script, "fn on_start() { print(\"never\"); } fn on_reload() { print(\"new\"); }");
    running.wait_stdout(b"start\nnew\n");
    replace(&script, "fn on_reload() { exit(7) }");
    assert_eq!(running.finish().status_code(), Some(7));
}

#[test]
fn kept_closures_call_the_new_functions() {
    let folder = Folder::new();
    let before = "fn on_start() { app.say = |x| `say ${word(x)}`; } fn word(x) { `old ${x}` }
        fn on_line(conn, line) { conn.send_line(app.say.call(line)); }";
    let script = folder.file("reply.rhai", before.as_bytes());
    let (running, address) = watching(&script);
    let mut conn = Conn::to(address);
    conn.send(b"a\n");
    conn.expect(b"say old a\n");
    for (count, word) in [(1, "new"), (2, "newer")] {
        let after = "fn word(x) { `WORD ${x}` } fn on_line(conn, line) { conn.send_line(app.say.call(line)); }";
        replace(&script, &after.replace("WORD", word));
        wait_count(&running, "reloaded ", count);
        conn.send(b"a\n");
        conn.expect(format!("say {word} a\n").as_bytes());
    }
}

#[test]
fn timers_listeners_and_expectations_survive_a_reload() {
    let folder = Folder::new();
    let before = "fn word() { \"old\" }
        fn on_start() {
            app.inner = listen(\"127.0.0.1:0\");
            app.inner.on_connect = |c| ();
            app.inner.on_line = |c, line| c.send_line(`${word()} ${line}`);
        }
        fn on_connect(conn) {
            conn.send_line(app.inner.addr);
            conn.expect(\"go\", |c, m| c.every(20, |c| c.send_line(`tick ${word()}`)));
        }";
    let script = folder.file("reply.rhai", before.as_bytes());
    let (running, address) = watching(&script);
    let mut first = std::io::BufReader::new(Conn::to(address).0);
    let mut line = || {
        let mut line = String::new();
        std::io::BufRead::read_line(&mut first, &mut line).expect("a line");
        line.trim_end().to_owned()
    };
    let mut inner = Conn::to(line().parse().expect("an address"));
    inner.send(b"a\n");
    inner.expect(b"old a\n");

    replace(&script, &before.replace("old", "new"));
    wait_count(&running, "reloaded ", 1);
    inner.send(b"b\n");
    inner.expect(b"new b\n");
    // Expected by the previous version, matched in this one; the timer it starts continues in the next one.
    let mut second = Conn::to(address);
    second.expect(format!("{}\n", inner.0.peer_addr().expect("an address")).as_bytes());
    second.send(b"go");
    second.expect(b"tick new\n");
    replace(&script, &before.replace("old", "newer"));
    wait_count(&running, "reloaded ", 2);
    let mut all = String::new();
    while !all.contains("tick newer\n") {
        let mut buffer = [0; 64];
        let n = std::io::Read::read(&mut second.0, &mut buffer).expect("read");
        all.push_str(std::str::from_utf8(&buffer[..n]).expect("text"));
    }
}

#[test]
fn timers_of_the_top_level_belong_to_their_version() {
    let folder = Folder::new();
    let script = folder.file("reply.rhai", b"every(10, || print(\"old\"));");
    let (running, _) = watching(&script);
    let has = |bytes: &[u8], word: &str| String::from_utf8_lossy(bytes).contains(word);
    assert!(running.out.wait(|bytes| has(bytes, "old\n")));

    replace(&script, "every(10, || print(\"bad\")); [][5];");
    wait_count(&running, "not reloaded", 1);
    let seen = running.out.bytes().len();
    assert!(running.out.wait(|bytes| has(&bytes[seen..], "old\nold\n")), "the version before goes on");

    replace(&script, "every(10, || print(\"new\"));");
    wait_count(&running, "reloaded ", 1);
    assert!(running.out.wait(|bytes| has(bytes, "new\n")));
    let seen = running.out.bytes().len();
    assert!(running.out.wait(|bytes| has(&bytes[seen..], "new\nnew\nnew\n")));
    let text = running.out.text();
    assert!(!text.contains("bad") && !text[seen..].contains("old"), "{text}");
}

#[test]
fn an_error_in_on_reload_is_a_script_error() {
    let folder = Folder::new();
    let script = folder.file("reply.rhai", b"");
    let (mut running, _) = watching(&script);
    replace(&script, "fn on_reload() { gone() }");
    running.wait_stderr("reply.rhai:1:18: function not found: gone()");
    running.signal(Signal::TERM);
    running.finish().code(143);
}

#[test]
fn connections_use_the_new_handlers_from_the_next_chunk_on() {
    let folder = Folder::new();
    let script = folder.file("reply.rhai", b"fn on_line(conn, line) { conn.send_line(`line ${line}`); }");
    let (running, address) = watching(&script);
    let mut conn = Conn::to(address);
    conn.send(b"one\nhal");
    conn.expect(b"line one\n");
    // A partial line has arrived; it goes to the new handler at once, as a chunk.
    replace(&script, "fn on_data(conn, data) { conn.send(`data ${data.text()}\n`); }");
    conn.expect(b"data hal\n");
    conn.send(b"two\n");
    conn.expect(b"data two\n\n");
    replace(
        &script,
        "fn on_line(conn, line) { conn.send_line(`again ${line}`); }\nfn on_eof(conn) { conn.send(\"eof\"); conn.close(); }",
    );
    wait_count(&running, "reloaded ", 2);
    conn.send(b"x\ny\nz");
    conn.half_close();
    assert_eq!(conn.read_all(), b"again x\nagain y\nagain z\neof");
}

#[test]
fn a_reload_can_move_received_data_to_stdout_and_back() {
    let folder = Folder::new();
    let script = folder.file("reply.rhai", b"fn on_data(conn, data) { conn.send(data); }");
    let (mut running, address) = watching(&script);
    let mut conn = Conn::to(address);
    conn.send(b"a");
    conn.expect(b"a");
    replace(&script, "// nothing yet");
    wait_count(&running, "reloaded ", 1);
    conn.send(b"b");
    running.wait_stdout(b"b");
    replace(&script, "fn on_data(conn, data) { conn.send(\"back\"); }");
    wait_count(&running, "reloaded ", 2);
    conn.send(b"c");
    conn.expect(b"back");
    running.wait_stdout(b"b");
}

#[test]
fn watch_works_for_a_client_and_quiet_prints_errors_only() {
    let folder = Folder::new();
    let script = folder.file("client.rhai", b"fn on_line(conn, line) { conn.send_line(\"one\"); }");
    let server = Server::start();
    let mut running = Tcpx::new(&["-q", "--watch", "--script"]).arg(&script).connect(server.address);
    let mut conn = server.accept();
    conn.send(b"\n");
    conn.expect(b"one\n");
    replace(&script, "fn on_line(conn, line) { conn.send_line(\"two\"); }\nfn on_reload() { print(\"r\"); }");
    running.wait_stdout(b"r\n");
    conn.send(b"\n");
    conn.expect(b"two\n");
    assert_eq!(running.err.text(), "");
    replace(&script, "fn (");
    running.wait_stderr("client.rhai: not reloaded");
}
