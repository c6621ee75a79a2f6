//! stderr beside the traffic: one that nobody reads stops nothing, lines stay whole, and what is missing is said.

use std::fs::{self, File};
use std::io::{self, Read, Write};
use std::net::SocketAddr;
use std::os::fd::OwnedFd;
use std::path::Path;

use rustix::fs::{OFlags, fcntl_getfl, fcntl_setfl};
use rustix::process::Signal;

use crate::support::peer::Conn;
use crate::support::{Collected, Folder, Tcpx, wait_for};

/// A pipe without room, and its reader.
fn full_pipe() -> (OwnedFd, io::PipeReader) {
    let (reader, mut writer) = io::pipe().expect("a pipe");
    let flags = fcntl_getfl(&writer).expect("flags");
    fcntl_setfl(&writer, flags | OFlags::NONBLOCK).expect("a pipe that does not block");
    while writer.write(&[b'.'; 4096]).is_ok() {}
    fcntl_setfl(&writer, flags).expect("the flags of before");
    (writer.into(), reader)
}

fn address_in(file: &Path) -> SocketAddr {
    wait_for("the address", || file.exists());
    fs::read_to_string(file).expect("an address").trim().parse().expect("an address")
}

#[test]
fn a_stderr_that_nobody_reads_stops_neither_traffic_nor_signals() {
    let echo = &["--on-line", "log(line); debug(line); conn.log(line); conn.send_line(line)"];
    let workers = &["--workers", "2", "--on-line", "log(line); conn.send_line(line)"];
    let hex = &["-x", "-vv", "--script", "@echo"];
    for words in [&echo[..], &workers[..], &hex[..]] {
        let folder = Folder::new();
        let ready = folder.path("ready");
        let (writer, _reader) = full_pipe();
        let watched = writer.try_clone().expect("a second handle");
        let flags = fcntl_getfl(&watched).expect("flags");
        let tcpx = Tcpx::new(&["listen", "127.0.0.1", "0", "--ready-file"]).arg(&ready).args(words);
        let running = tcpx.stderr(writer).with_default_signals().spawn();
        let address = address_in(&ready);
        for _ in 0..20 {
            let mut peer = Conn::to(address);
            peer.send(b"hello\n");
            peer.expect(b"hello\n");
        }
        assert_eq!(fcntl_getfl(&watched).expect("flags"), flags, "{words:?}: the shell shares them");
        running.signal(Signal::TERM);
        running.finish().code(143);
    }
}

#[test]
fn an_error_before_the_loop_does_not_wait_for_stderr_for_ever() {
    let (writer, _reader) = full_pipe();
    let tcpx = Tcpx::new(&["connect", "127.0.0.1", "9", "--send-file", "/does/not/exist"]).stderr(writer);
    assert_eq!(tcpx.with_default_signals().run().status_code(), Some(26));
}

#[test]
fn lines_of_workers_stay_whole_and_missing_ones_are_counted() {
    let folder = Folder::new();
    let ready = folder.path("ready");
    let script = folder.file(
        "talk.rhai",
        b"fn on_line(conn, line) { line.pad(300, 'x'); for i in 0..400 { log(`<${line}>`); } conn.send_line(\"done\"); }",
    );
    let (reader, writer) = io::pipe().expect("a pipe");
    let tcpx = Tcpx::new(&["listen", "-q", "127.0.0.1", "0", "--workers", "3", "--ready-file"]).arg(&ready);
    let running = tcpx.arg("--script").arg(script).stderr(writer.into()).with_default_signals().spawn();
    let address = address_in(&ready);
    let mut peers: Vec<Conn> = (0..8).map(|_| Conn::to(address)).collect();
    for peer in &mut peers {
        peer.send(b"a\n");
    }
    for peer in &mut peers {
        peer.expect(b"done\n");
    }
    let said = Collected::of(Some(File::from(OwnedFd::from(reader))));
    assert!(said.wait(|bytes| String::from_utf8_lossy(bytes).contains("dropped\n")), "{}", said.text());
    running.signal(Signal::TERM);
    running.finish().code(143);
    let text = said.text();
    let line = format!("<a{}>", "x".repeat(299));
    let (mut kept, mut missing) = (0, 0);
    for said in text.lines() {
        if let Some(number) = said.strip_prefix("tcpx: stderr was not read: ") {
            missing += number.split(' ').next().and_then(|number| number.parse::<u64>().ok()).expect("a number");
        } else {
            assert!(said.ends_with(&line) && said.len() == line.len() + "12:34:56.789 ".len(), "{said:?}");
            kept += 1;
        }
    }
    assert!(missing > 0);
    assert_eq!(kept + missing, 8 * 400);
}

#[test]
fn a_stderr_whose_reader_has_gone_is_ignored() {
    let (mut reader, writer) = io::pipe().expect("a pipe");
    let folder = Folder::new();
    let ready = folder.path("ready");
    let tcpx = Tcpx::new(&["listen", "-v", "127.0.0.1", "0", "--script", "@echo", "--ready-file"]).arg(&ready);
    let running = tcpx.stderr(writer.into()).with_default_signals().spawn();
    let address = address_in(&ready);
    reader.read_exact(&mut [0; 10]).expect("the beginning");
    drop(reader);
    for _ in 0..3 {
        let mut peer = Conn::to(address);
        peer.send(b"hello\n");
        peer.expect(b"hello\n");
    }
    running.signal(Signal::TERM);
    running.finish().code(143);
}
