//! What users of nc and Ncat read where something is wrong with streams, files or programs, and how such a run ends: as with the real
//! tools, and in their voices.

use std::io::Read;
use std::net::TcpStream;

use crate::personalities::{Peers, VERSION, listening};
use crate::support::{Stdin, Tcpx, installed, missing};

/// Lines whose stdout or stdin cannot be used, behind `$nc` or `$ncat`, and whether the words of both are the same.
const STREAMS: &[(&str, bool)] = &[
    ("$nc 127.0.0.1 HELLO </dev/null >/dev/full", false),
    ("$nc 127.0.0.1 HELLO </dev/null >&-", false),
    ("$nc -N 127.0.0.1 DRAIN >/dev/full", false),
    ("($nc 127.0.0.1 HELLO </dev/null; echo $? >&2) | true", true),
    ("$nc -h 2>/dev/full", true),
    ("$nc -zv 127.0.0.1 HELLO 2>/dev/full", true),
    ("$nc 127.0.0.1 HELLO </", false),
    ("$ncat 127.0.0.1 HELLO </dev/null >/dev/full", true),
    ("$ncat 127.0.0.1 DRAIN >/dev/full", true),
    ("($ncat 127.0.0.1 HELLO </dev/null; echo $? >&2) | true", true),
    ("$ncat -h >/dev/full", true),
    ("$ncat --version 2>/dev/full", true),
    ("$ncat -v 127.0.0.1 HELLO </dev/null 2>/dev/full", true),
    ("$ncat 127.0.0.1 SILENT </", true),
    ("$ncat -o /dev/full 127.0.0.1 HELLO </dev/null", false),
    ("$ncat -o /no/such/folder/x 127.0.0.1 HELLO </dev/null", false),
    ("$ncat -x / 127.0.0.1 HELLO </dev/null", false),
];

#[test]
fn streams_that_cannot_be_used_are_as_there() {
    let peers = Peers::start();
    for (line, is_same) in STREAMS {
        let tool = if line.contains("$ncat") { "ncat" } else { "nc" };
        let program = if tool == "nc" { "nc.openbsd" } else { tool };
        if !installed(program) {
            missing(program);
            continue;
        }
        let line: Vec<_> = line.split(' ').map(|word| peers.filled(word)).collect();
        let run = |program: &str| {
            let line = format!("{tool}='{program}'; {}", line.join(" "));
            Tcpx::other("bash", &["-c", &line]).stdin(Stdin::bytes(b"hi\n")).run()
        };
        let (theirs, ours) = (run(program), run(&format!("{} {tool}", env!("CARGO_BIN_EXE_tcpx"))));
        let line = line.join(" ");
        assert_eq!(ours.status_code(), theirs.status_code(), "{line}: {} | {}", ours.stderr, theirs.stderr);
        assert_eq!(ours.stdout.is_empty(), theirs.stdout.is_empty(), "{line}");
        if *is_same {
            assert_eq!(ours.stderr, theirs.stderr, "{line}");
        } else {
            let speaker = if tool == "nc" { "nc: " } else { "Ncat: " };
            assert!(ours.stderr.starts_with(speaker), "{line}: {}", ours.stderr);
        }
    }
}

#[test]
fn ncat_says_its_version_first() {
    let peers = Peers::start();
    let port = peers.port("HELLO").expect("a port");
    let version = Tcpx::new(&["ncat", "--version"]).run().stderr;
    assert!(version.starts_with(VERSION) && version.contains("tcpx"), "{version}");
    for line in ["ncat -v 127.0.0.1 HELLO", "ncat -vz 127.0.0.1 HELLO", "ncat -v -l 127.0.0.1 HELLO", "ncat -v"] {
        let words: Vec<_> = line.split(' ').map(|word| if word == "HELLO" { port } else { word }).collect();
        let done = Tcpx::new(&words).stdin(Stdin::Null).run();
        assert!(done.stderr.starts_with(&version), "{line}: {}", done.stderr);
        assert_eq!(done.stderr.matches(VERSION).count(), 1, "{line}: {}", done.stderr);
    }
    for line in ["ncat 127.0.0.1 HELLO", "ncat -v -w x 127.0.0.1 HELLO", "ncat -v --foo"] {
        let words: Vec<_> = line.split(' ').map(|word| if word == "HELLO" { port } else { word }).collect();
        let done = Tcpx::new(&words).stdin(Stdin::Null).run();
        assert!(!done.stderr.contains(VERSION), "{line}: {}", done.stderr);
    }
}

#[test]
fn options_are_called_as_there() {
    for (line, part) in [
        ("ncat --ssl-trustfile /no/such/file 127.0.0.1 1", "--ssl-trustfile /no/such/file"),
        ("ncat --ssl --ssl-servername a/b 127.0.0.1 1", "--ssl-servername"),
        ("ncat --ssl-alpn  127.0.0.1 1", "--ssl-alpn"),
        ("nc -e  127.0.0.1 1", "-e has no program"),
    ] {
        let words: Vec<_> = line.split(' ').collect();
        let done = Tcpx::new(&words).stdin(Stdin::Null).run();
        assert!(done.stderr.contains(part) && !done.stderr.contains("tls"), "{line}: {}", done.stderr);
    }
}

#[test]
fn a_server_outlives_programs_that_are_missing() {
    let (running, address) = listening(&["ncat", "-lkv", "-e", "/no/such/program", "127.0.0.1", "0"]);
    for _ in 0..2 {
        let mut client = TcpStream::connect(address).expect("connect");
        assert_eq!(client.read(&mut [0; 8]).expect("the end"), 0);
    }
    crate::support::wait_for("both failures", || running.err.text().matches("exec: No such file").count() == 2);
    TcpStream::connect(address).expect("it serves on");
}
