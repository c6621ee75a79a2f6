//! `--workers`: several event loops on one port.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;

use rustix::process::Signal;

use crate::support::peer::Conn;
use crate::support::{Folder, Stdin, Tcpx, wait_for};

const COUNTING: &str = "
fn on_start() { app.n = 0; log(\"start\"); }
fn on_connect(conn) { app.n += 1; conn.send_line(`${app.n} ${conns().len()}`); }
fn on_line(conn, line) {
    if line == \"exit\" { exit(7); }
    conn.send_line(line);
}
fn on_stop(code) { log(`stop ${app.n} ${code}`); }
";

fn counting(options: &[&str]) -> (Folder, Tcpx) {
    let folder = Folder::new();
    let script = folder.file("count.rhai", COUNTING.as_bytes());
    (folder, Tcpx::new(options).args(&["--workers", "3", "--script"]).arg(script).stdin(Stdin::Null))
}

/// The numbers behind `stop`, one for each worker.
fn stops(stderr: &str) -> Vec<u64> {
    let number = |line: &str| line.split_once("stop ")?.1.split(' ').next()?.parse().ok();
    stderr.lines().filter_map(number).collect()
}

#[test]
fn clients_are_distributed_and_workers_have_separate_state() {
    let (_folder, tcpx) = counting(&[]);
    let (running, address) = tcpx.with_default_signals().listen();
    wait_for("all workers", || running.err.text().matches("start").count() == 3);
    let mut conns: Vec<Conn> = (0..60).map(|_| Conn::to(address)).collect();
    let mut firsts = BTreeMap::new();
    for conn in &mut conns {
        conn.send(b"hello\n");
        let mut greeting = Vec::new();
        while greeting.last() != Some(&b'\n') {
            let mut byte = [0];
            std::io::Read::read_exact(&mut conn.0, &mut byte).expect("a greeting");
            greeting.push(byte[0]);
        }
        conn.expect(b"hello\n");
        *firsts.entry(greeting).or_insert(0) += 1;
    }
    // The first client of each worker gets 1.
    assert!(firsts[b"1 1\n".as_slice()] > 1, "60 clients, and one worker has them all");
    running.signal(Signal::TERM);
    let done = running.finish();
    done.code(143);
    let stops = stops(&done.stderr);
    assert_eq!((stops.len(), stops.iter().sum()), (3, 60), "{}", done.stderr);
}

#[test]
fn the_exit_of_one_worker_ends_all() {
    let (_folder, tcpx) = counting(&[]);
    let (running, address) = tcpx.listen();
    Conn::to(address).send(b"exit\n");
    let done = running.finish();
    assert_eq!(done.status_code(), Some(7));
    // A worker that was still starting runs no on_stop.
    assert!(!stops(&done.stderr).is_empty(), "{}", done.stderr);

    let (_folder, tcpx) = counting(&["--timeout", "300ms"]);
    tcpx.listen_unheard().finish().code(28).said("timed out after 300ms");
}

#[test]
fn the_port_is_printed_once_and_workers_have_different_seeds() {
    let folder = Folder::new();
    let ready = folder.path("ready");
    let tcpx =
        Tcpx::new(&["--workers", "4", "--seed", "1", "--on-line", "conn.send_line(`${rand(1, 1000000000000000)}`)"]);
    let (running, address) = tcpx.arg("--ready-file").arg(&ready).with_default_signals().listen();
    assert_eq!(fs::read_to_string(&ready).expect("a ready file"), format!("{address}\n"));
    let mut numbers = BTreeSet::new();
    for _ in 0..40 {
        let mut conn = Conn::to(address);
        conn.send(b"\n");
        conn.half_close();
        numbers.insert(conn.read_all());
    }
    assert_eq!(numbers.len(), 40, "two workers have drawn the same");
    running.signal(Signal::INT);
    let done = running.finish();
    done.code(130);
    assert_eq!(done.stderr.matches("listening on").count(), 1, "{}", done.stderr);
}

#[test]
fn a_load_error_is_reported_once_for_all_workers() {
    let done = Tcpx::new(&["listen", "127.0.0.1", "0", "--workers", "3", "--on-line", "let x = ;"]).run();
    done.code(111);
    assert_eq!(done.stderr.matches("unexpected").count(), 1, "{}", done.stderr);
    let folder = Folder::new();
    let script = folder.file("stdin.rhai", b"fn on_stdin(line) {}");
    let done = Tcpx::new(&["listen", "127.0.0.1", "0", "--workers", "2", "--script"]).arg(script).run();
    done.code(2).said("--workers and a script with on_stdin do not go together");
}

#[test]
fn the_port_is_not_printed_before_all_workers_have_started() {
    let folder = Folder::new();
    let (ready, lock) = (folder.path("ready"), folder.path("lock"));
    // The first worker continues; the second one ends the run.
    let script = folder.file(
        "one.rhai",
        b"fn on_start() {
            let is_first = false;
            try { read_file(args[0]); } catch { is_first = true; }
            if is_first { append_file(args[0], \"x\"); } else { exit(9); }
        }",
    );
    fs::create_dir(&lock).expect("a folder");
    let tcpx = Tcpx::new(&["listen", "127.0.0.1", "0", "--workers", "2", "--script"]).arg(&script);
    let done =
        tcpx.arg("--allow-write").arg(&lock).arg("--ready-file").arg(&ready).arg("--").arg(lock.join("first")).run();
    assert_eq!(done.status_code(), Some(9), "{}", done.stderr);
    assert!(!ready.exists() && !done.stderr.contains("listening"), "{}", done.stderr);
}

#[test]
fn a_second_run_on_the_same_port_is_refused() {
    let tcpx = Tcpx::new(&["--workers", "2", "--script", "@echo"]);
    let (_running, address) = tcpx.listen();
    let port = address.port().to_string();
    let done = Tcpx::new(&["listen", "127.0.0.1", &port, "--workers", "2", "--script", "@echo"]).run();
    done.code(110).said("address already in use");
}

#[test]
fn workers_listen_together_on_a_name() {
    let (_folder, tcpx) = counting(&["listen", "localhost", "0"]);
    let mut running = tcpx.with_default_signals().spawn();
    let address = running.address();
    assert!(address.ip().is_loopback());
    wait_for("all workers", || running.err.text().matches("start").count() == 3);
    for _ in 0..20 {
        let mut conn = Conn::to(address);
        conn.send(b"hello\n");
        conn.half_close();
        assert!(conn.read_all().ends_with(b"hello\n"));
    }
    running.signal(Signal::TERM);
    running.finish().code(143);
}

#[test]
fn workers_on_a_name_that_does_not_resolve_are_6() {
    // Too long for a label: no server is asked.
    let name = "a".repeat(64);
    let (_folder, tcpx) = counting(&["listen", &name, "0"]);
    let done = tcpx.run();
    done.code(6).said(&format!("tcpx: resolve {name}: "));
    assert_eq!(done.stderr.matches("resolve").count(), 1, "{}", done.stderr);
}
