//! A side that fails, as the other side sees it; shortages at the start; process 1.

use std::fs::File;

use rustix::process::Signal;

use crate::support::peer::Server;
use crate::support::{Stdin, Tcpx, installed, missing, wait_for};

#[test]
fn the_peer_of_a_side_that_fails_sees_a_broken_connection() {
    let text = [vec![b'a'; 3_000_000], "😀".as_bytes().to_vec()].concat();
    let directory = || Stdin::Fd(File::open("/").expect("a directory").into());
    for (options, stdin, code, arrives) in [
        (&["--timeout", "1"][..], Stdin::Open, 28, 0),
        (&["-i", "1"], Stdin::Open, 28, 0),
        (&[], directory(), 26, 0),
        (&["-E", "gbk"], Stdin::bytes(&text), 114, 3_000_000),
    ] {
        let (receiver, address) = Tcpx::new(&["--no-stdin"]).listen();
        let sender = Tcpx::new(options).stdin(stdin).connect(address);
        sender.finish().code(code);
        let done = receiver.finish();
        done.code(56);
        assert_eq!(done.stdout.len(), arrives, "{options:?}");
    }
    let (receiver, address) = Tcpx::new(&["--recv-only"]).after_shell("exec >/dev/full").listen();
    let sender = Tcpx::new(&["--send-only"]).stdin(Stdin::bytes(&text)).connect(address);
    receiver.finish().code(23);
    sender.finish().code(56);
}

#[test]
fn descriptors_that_run_out_at_the_start_are_no_bug() {
    let server = Server::start();
    let mut short = 0;
    for limit in 4..16 {
        let shell = format!("ulimit -n {limit}");
        let done = Tcpx::new(&["-z"]).after_shell(&shell).connect(server.address).finish();
        let code = done.status_code().expect("an exit code");
        assert!(code == 113 || code == 0 || limit < 5, "limit {limit}: {code} {}", done.stderr);
        if code == 113 {
            short += 1;
            assert_eq!(done.stderr, format!("tcpx: out of descriptors (limit {limit})\n"));
        }
    }
    assert!(short > 0, "some limit is too low");
}

#[test]
fn a_connect_that_reaches_itself_is_refused() {
    let port = (20_000..32_000).find(|port| std::net::TcpListener::bind(("127.0.0.1", *port)).is_ok());
    let port = port.expect("a free port").to_string();
    let source = format!("127.0.0.1:{port}");
    let done = Tcpx::new(&["connect", "-z", "--source", &source, "127.0.0.1", &port]).spawn().finish();
    done.code(7).said("connected to itself");
}

#[test]
fn a_failed_write_ends_a_connection_that_stands() {
    if !installed("strace") {
        return missing("strace");
    }
    let log = tempfile::NamedTempFile::new().expect("a file");
    let path = log.path().to_str().expect("a path");
    let strace = ["strace", "-f", "-qq", "-e", "trace=sendto", "-e", "inject=sendto:error=EIO", "-o", path];
    let server = Server::start();
    let mut tcpx = Tcpx::new(&["-E", "gbk"]).stdin(Stdin::Open).under(&strace).connect(server.address);
    let mut peer = server.accept();
    tcpx.write(b"x");
    peer.expect_reset();
    tcpx.finish().code(56).said("input/output error");
    assert!(std::fs::read_to_string(log.path()).expect("a log").contains("INJECTED"));
}

#[test]
fn process_1_ends_with_the_number_of_the_signal() {
    let unshare = ["unshare", "-Upf", "--map-root-user"];
    let works = std::process::Command::new("unshare").args(["-Upf", "--map-root-user", "true"]).status();
    if !works.is_ok_and(|status| status.success()) {
        return missing("unshare(1) with a namespace of processes");
    }
    let (tcpx, _) = Tcpx::new(&["--no-stdin"]).with_default_signals().under(&unshare).listen();
    let children = format!("/proc/{0}/task/{0}/children", tcpx.pid().as_raw_nonzero());
    let mut child = None;
    wait_for("process 1", || {
        let text = std::fs::read_to_string(&children).unwrap_or_default();
        child = text.split_whitespace().next().and_then(|id| id.parse().ok());
        child.is_some()
    });
    let child = rustix::process::Pid::from_raw(child.expect("a child")).expect("an id");
    rustix::process::kill_process(child, Signal::TERM).expect("a signal");
    assert_eq!(tcpx.finish().status_code(), Some(143));
}
