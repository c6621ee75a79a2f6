//! The bulk path through the binary: large amounts between every kind of stdin, a connection and every kind of stdout,
//! compared byte for byte, and every kind of end in the middle of a transfer.

use std::fs::{self, File, OpenOptions};
use std::io::{Read, Seek, SeekFrom, Write};
use std::os::fd::OwnedFd;
use std::os::unix::net::UnixStream;
use std::thread;

use crate::support::peer::Conn;
use crate::support::{BOTH, Folder, Role, Stdin, Stdout, Tcpx, assert_same, installed, missing, noise, writable};

const PLAIN: &[&str] = &[];
/// More than pipes and socket buffers hold together, in bytes.
const LARGE: usize = 12 << 20;

/// Every kind of stdin that can provide these bytes and end.
fn inputs(folder: &Folder, data: &[u8]) -> Vec<(&'static str, Stdin)> {
    let path = folder.file("input", data);
    let (ours, mut theirs) = UnixStream::pair().expect("a pair of sockets");
    let copy = data.to_vec();
    thread::spawn(move || theirs.write_all(&copy));
    let appending = OpenOptions::new().read(true).append(true).open(path).expect("open for appending");
    vec![
        ("pipe", Stdin::bytes(data)),
        ("file", Stdin::file(data)),
        ("file in append mode", Stdin::Fd(appending.into())),
        ("socket", Stdin::Fd(ours.into())),
    ]
}

#[test]
fn every_kind_of_stdin_is_sent_completely() {
    let data = noise(LARGE, 70);
    for role in BOTH {
        let folder = Folder::new();
        for (kind, stdin) in inputs(&folder, &data) {
            let (tcpx, mut peer) = Tcpx::new(PLAIN).stdin(stdin).pair(role);
            assert_same(&peer.read_all(), &data, kind);
            peer.send(b"thanks");
            drop(peer);
            tcpx.finish().code(0).wrote("thanks").quietly();
        }
    }
}

#[test]
fn every_kind_of_stdout_receives_everything() {
    let data = noise(LARGE, 71);
    for role in BOTH {
        for kind in ["pipe", "file", "file in append mode", "socket", "null"] {
            let folder = Folder::new();
            let path = folder.file("output", b"");
            let mut collected = None;
            let stdout = match kind {
                "pipe" => Stdout::Collected,
                "socket" => {
                    let (ours, mut theirs) = UnixStream::pair().expect("a pair of sockets");
                    collected = Some(thread::spawn(move || {
                        let mut found = Vec::new();
                        theirs.read_to_end(&mut found).map(|_| found).expect("read the socket")
                    }));
                    Stdout::Fd(ours.into())
                }
                "null" => Stdout::Fd(writable("/dev/null")),
                "file" => Stdout::Fd(File::create(&path).expect("a file").into()),
                _ => Stdout::Fd(OpenOptions::new().append(true).open(&path).expect("a file").into()),
            };
            let (tcpx, mut peer) = Tcpx::new(PLAIN).stdout(stdout).pair(role);
            peer.send(&data);
            drop(peer);
            let done = tcpx.finish();
            done.code(0).quietly();
            match kind {
                "pipe" => drop(done.wrote(&data)),
                "socket" => assert_same(&collected.expect("a thread").join().expect("read"), &data, kind),
                "null" => {}
                _ => assert_same(&fs::read(path).expect("read the file"), &data, kind),
            }
        }
    }
}

#[test]
fn both_directions_at_once() {
    let (there, back) = (noise(LARGE, 72), noise(LARGE, 73));
    for role in BOTH {
        let (tcpx, mut peer) = Tcpx::new(PLAIN).stdin(Stdin::bytes(&there)).pair(role);
        let (mut other, copy) = (peer.another(), back.clone());
        let sender = thread::spawn(move || {
            other.send(&copy);
            other.half_close();
        });
        assert_same(&peer.read_all(), &there, "what was sent");
        sender.join().expect("the peer sends everything");
        tcpx.finish().code(0).wrote(&back).quietly();
    }
}

#[test]
fn a_file_is_sent_from_its_offset() {
    let data = noise(LARGE, 74);
    let folder = Folder::new();
    let mut file = File::open(folder.file("input", &data)).expect("a file");
    file.seek(SeekFrom::Start(1_000_001)).expect("seek");
    let mut same = file.try_clone().expect("a second handle");
    let (tcpx, mut peer) = Tcpx::new(PLAIN).stdin(Stdin::Fd(file.into())).pair(Role::Connect);
    assert_same(&peer.read_all(), &data[1_000_001..], "the rest of the file");
    drop(peer);
    tcpx.finish().code(0).quietly();
    assert_eq!(same.stream_position().expect("a position"), LARGE as u64, "whoever shares the file goes on behind it");
}

#[test]
fn a_file_that_changes_while_it_is_sent_ends_at_its_current_end() {
    let data = noise(2 * LARGE, 75);
    for shrinks in [false, true] {
        let folder = Folder::new();
        let path = folder.file("input", &data);
        let file = File::open(&path).expect("a file");
        let (tcpx, mut peer) = Tcpx::new(PLAIN).stdin(Stdin::Fd(file.into())).pair(Role::Connect);
        // The kernel's buffers are full.
        tcpx.wait_stuck();
        let mut file = OpenOptions::new().append(true).open(&path).expect("the file");
        if shrinks {
            file.set_len(2 * LARGE as u64 - 100_000).expect("truncate");
        } else {
            file.write_all(b"and more").expect("append");
        }
        let found = peer.read_all();
        let wanted = if shrinks { data[..2 * LARGE - 100_000].to_vec() } else { [&data[..], b"and more"].concat() };
        assert_same(&found, &wanted, "the file as it became");
        drop(peer);
        tcpx.finish().code(0).quietly();
    }
}

#[test]
fn small_data_after_a_flow_is_sent_at_once() {
    let data = noise(LARGE, 76);
    let (mut tcpx, mut peer) = Tcpx::new(PLAIN).stdin(Stdin::Open).pair(Role::Connect);
    let mut stdin = tcpx.take_stdin();
    for round in 0..3 {
        let (copy, part) = (data.clone(), noise(7, round));
        let writer = thread::spawn(move || stdin.write_all(&copy).map(|()| stdin));
        peer.expect(&data);
        stdin = writer.join().expect("a thread").expect("write");
        stdin.write_all(&part).expect("write");
        peer.expect(&part);
        // In the other direction.
        peer.send(&data);
        peer.send(&part);
    }
    drop(stdin);
    peer.expect_eof();
    drop(peer);
    let all: Vec<u8> = (0..3).flat_map(|round| [data.clone(), noise(7, round)].concat()).collect();
    tcpx.finish().code(0).wrote(&all).quietly();
}

#[test]
fn a_peer_that_resets_in_the_middle_is_reported() {
    for role in BOTH {
        for stdin in [Stdin::bytes(&noise(2 * LARGE, 77)), Stdin::file(&noise(2 * LARGE, 77))] {
            let (tcpx, mut peer) = Tcpx::new(PLAIN).stdin(stdin).pair(role);
            let mut some = vec![0; 1_000_000];
            peer.0.read_exact(&mut some).expect("some of it");
            peer.send(b"enough");
            peer.reset();
            let done = tcpx.finish();
            done.code(56).said("127.0.0.1:");
            assert_eq!(done.messages().count(), 1, "one line: {}", done.stderr);
        }
    }
}

#[test]
fn data_before_a_reset_in_the_middle_is_written() {
    let (flow, last) = (noise(LARGE, 78), noise(50_000, 84));
    for role in BOTH {
        let (mut tcpx, mut peer) = Tcpx::new(PLAIN).stdin(Stdin::Open).pair(role);
        peer.send(&flow);
        tcpx.wait_stdout(&flow);
        tcpx.wait_idle();
        // Small enough to be in tcpx's receive queue when the RST arrives.
        tcpx.freeze();
        peer.send(&last);
        peer.reset();
        tcpx.thaw();
        tcpx.finish().code(56).wrote([&flow[..], &last].concat()).said("connection reset by peer");
    }
}

#[test]
fn a_full_disk_in_the_middle_is_an_error() {
    for role in BOTH {
        let (tcpx, mut peer) = Tcpx::new(PLAIN).stdin(Stdin::Open).stdout(Stdout::Fd(writable("/dev/full"))).pair(role);
        let sender = thread::spawn(move || while peer.0.write_all(&vec![b'x'; 1 << 20]).is_ok() {});
        tcpx.finish().code(23).said("tcpx: write stdout: no space left on device");
        sender.join().expect("the sender ends with the connection");
    }
}

#[test]
fn byte_counters_include_bytes_moved_by_the_kernel() {
    let (there, back) = (noise(LARGE, 80), noise(LARGE + 5, 81));
    let folder = Folder::new();
    let code = "fn on_close(conn, why) { log(`in ${conn.bytes_in} out ${conn.bytes_out}`); }";
    let script = folder.file("count.rhai", code.as_bytes());
    for stdin in [Stdin::bytes(&there), Stdin::file(&there)] {
        let words = ["--script", script.to_str().expect("a path")];
        let (tcpx, mut peer) = Tcpx::new(&words).stdin(stdin).pair(Role::Connect);
        let (mut other, copy) = (peer.another(), back.clone());
        let sender = thread::spawn(move || {
            other.send(&copy);
            other.half_close();
        });
        assert_same(&peer.read_all(), &there, "what was sent");
        sender.join().expect("the peer sends everything");
        tcpx.finish().code(0).wrote(&back).said(&format!("in {} out {}", LARGE + 5, LARGE));
    }
}

/// The system calls of a run, traced by strace, and its stdout.
fn traced(stdin: Stdin, inject: &str, work: impl FnOnce(&mut Conn)) -> (String, Vec<u8>) {
    let folder = Folder::new();
    let log = folder.path("trace");
    let words = ["strace", "-f", "-o", log.to_str().expect("a path"), "-e", "trace=splice,sendfile"];
    let inject = if inject.is_empty() { vec![] } else { vec!["-e", inject] };
    let (tcpx, mut peer) = Tcpx::new(PLAIN).stdin(stdin).under(&[&words[..], &inject].concat()).pair(Role::Connect);
    work(&mut peer);
    drop(peer);
    let done = tcpx.finish();
    done.code(0).quietly();
    (fs::read_to_string(log).expect("what strace wrote"), done.stdout.clone())
}

#[test]
fn bytes_are_moved_by_the_kernel_and_copied_if_it_refuses() {
    if !installed("strace") {
        return missing("strace");
    }
    let data = noise(LARGE, 82);
    for refused in [false, true] {
        let inject = if refused { "inject=splice,sendfile:error=EINVAL" } else { "" };
        for (call, stdin) in [("splice(", Stdin::bytes(&data)), ("sendfile(", Stdin::file(&data))] {
            let (trace, stdout) = traced(stdin, inject, |peer| {
                assert_same(&peer.read_all(), &data, "what was sent");
                peer.send(&data);
            });
            assert_same(&stdout, &data, "what was received");
            assert!(trace.contains(call), "{call}: {trace}");
            assert_eq!(trace.contains("INJECTED"), refused, "{trace}");
        }
    }
}

#[test]
fn flags_of_shared_descriptors_are_unchanged() {
    let data = noise(LARGE, 83);
    let (reader, mut writer) = std::io::pipe().expect("a pipe");
    let shared = reader.try_clone().expect("a second handle");
    let copy = data.clone();
    thread::spawn(move || writer.write_all(&copy));
    let fd = OwnedFd::from(reader);
    let (tcpx, mut peer) = Tcpx::new(PLAIN).stdin(Stdin::Fd(fd)).pair(Role::Connect);
    let mut some = vec![0; LARGE / 2];
    peer.0.read_exact(&mut some).expect("some of it");
    let flags = rustix::fs::fcntl_getfl(&shared).expect("the flags");
    assert!(!flags.contains(rustix::fs::OFlags::NONBLOCK), "{flags:?}");
    assert_same(&[some, peer.read_all()].concat(), &data, "all of it");
    drop(peer);
    tcpx.finish().code(0).quietly();
}
