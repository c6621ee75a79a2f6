//! How a run ends, by stdin, the peer or stdout: a test for each row of the table of endings, through the binary.
//!
//! Most tests run in both roles: `Tcpx::pair` starts tcpx as client or server and gives the test the other end.

use std::io::{ErrorKind, Read, Write};
use std::thread;

use crate::support::peer::{BlackHole, Server};
use crate::support::{BOTH, Role, Stdin, Stdout, Tcpx, assert_same, noise, wait_for_standstill, writable};

const PLAIN: &[&str] = &[];

// ---- stdin ends ------------------------------------------------------------------------------------------

#[test]
fn the_end_of_stdin_sends_fin_and_the_answer_is_awaited() {
    for role in BOTH {
        for stdin in [Stdin::bytes(b"ping"), Stdin::file(b"ping")] {
            let (tcpx, mut peer) = Tcpx::new(PLAIN).stdin(stdin).pair(role);
            peer.expect(b"ping");
            // A server that answers only after the end.
            peer.expect_eof();
            peer.send(b"pong ");
            peer.send(b"later");
            drop(peer);
            tcpx.finish().code(0).wrote("pong later").quietly();
        }
    }
}

#[test]
fn a_client_with_an_empty_stdin_sends_fin_at_once() {
    for stdin in [Stdin::Null, Stdin::Closed, Stdin::bytes(b""), Stdin::file(b"")] {
        let (tcpx, mut peer) = Tcpx::new(PLAIN).stdin(stdin).pair(Role::Connect);
        peer.expect_eof();
        peer.send(b"greeting");
        drop(peer);
        tcpx.finish().code(0).wrote("greeting").quietly();
    }
}

#[test]
fn a_server_with_an_empty_stdin_receives_everything() {
    for stdin in [Stdin::Null, Stdin::Closed, Stdin::bytes(b""), Stdin::file(b"")] {
        let (tcpx, mut peer) = Tcpx::new(PLAIN).stdin(stdin).pair(Role::Listen);
        peer.send(b"one ");
        peer.send(b"two");
        peer.half_close();
        peer.expect_eof();
        tcpx.finish().code(0).wrote("one two").quietly();
    }
}

#[test]
fn no_shutdown_sends_no_fin_for_the_end_of_stdin() {
    for role in BOTH {
        let (tcpx, mut peer) = Tcpx::new(&["--no-shutdown"]).stdin(Stdin::bytes(b"ping")).pair(role);
        peer.expect(b"ping");
        peer.send(b"pong");
        peer.half_close();
        peer.expect_eof();
        tcpx.finish().code(0).wrote("pong").quietly();
    }
}

#[test]
fn eof_wait_ends_with_success() {
    for role in BOTH {
        let (mut tcpx, mut peer) = Tcpx::new(&["--eof-wait", "20ms"]).stdin(Stdin::Open).pair(role);
        tcpx.write(b"ping");
        peer.expect(b"ping");
        peer.send(b"not the end");
        tcpx.wait_stdout(b"not the end");
        tcpx.close_stdin();
        peer.expect_eof();
        // The peer does not close.
        tcpx.finish().code(0).wrote("not the end").quietly();
        drop(peer);
    }
}

#[test]
fn eof_wait_ends_if_the_peer_does_not_read() {
    // As bytes, and as text that is decoded.
    for options in [&["--eof-wait", "300ms"][..], &["--eof-wait", "300ms", "-E", "utf-8"]] {
        let server = Server::narrow();
        let mut tcpx = Tcpx::new(options).stdin(Stdin::Open).connect(server.address);
        let peer = server.accept();
        let mut stdin = tcpx.take_stdin();
        rustix::fs::fcntl_setfl(&stdin, rustix::fs::OFlags::NONBLOCK).expect("a writer that does not block");
        // Until everything is full: socket buffers, the queue of tcpx, and the stdin pipe.
        let mut written = 0;
        wait_for_standstill("stdin to be full", || {
            loop {
                match stdin.write(&[b'x'; 16 << 10]) {
                    Ok(n) => written += n as u64,
                    Err(error) if error.kind() == ErrorKind::WouldBlock => return written,
                    Err(error) => panic!("write to stdin: {error}"),
                }
            }
        });
        drop(stdin);
        tcpx.finish().code(0).said("does not read: ").said(" bytes were not sent");
        drop(peer);
    }
}

#[test]
fn send_only_discards_received_data_and_ends_with_the_peer() {
    for role in BOTH {
        for stdin in [Stdin::bytes(b"all of it"), Stdin::file(b"all of it")] {
            let (tcpx, mut peer) = Tcpx::new(&["--send-only"]).stdin(stdin).pair(role);
            peer.send(b"this is not wanted");
            peer.expect(b"all of it");
            peer.expect_eof();
            peer.send(b"nor this");
            drop(peer);
            tcpx.finish().code(0).wrote("").quietly();
        }
    }
}

#[test]
fn recv_only_and_no_stdin_never_read_stdin() {
    for role in BOTH {
        for option in ["--recv-only", "--no-stdin"] {
            let (tcpx, mut peer) = Tcpx::new(&[option]).stdin(Stdin::bytes(b"secret")).pair(role);
            peer.send(b"data");
            peer.half_close();
            assert_same(&peer.read_all(), b"", "nothing of stdin is sent");
            tcpx.finish().code(0).wrote("data").quietly();
        }
    }
}

// ---- the peer ends ---------------------------------------------------------------------------------------

#[test]
fn a_silent_stdin_does_not_delay_the_end_after_the_peers_fin() {
    for role in BOTH {
        let (tcpx, mut peer) = Tcpx::new(PLAIN).stdin(Stdin::Open).pair(role);
        peer.send(b"bye");
        drop(peer);
        // Its stdin is still open.
        tcpx.finish().code(0).wrote("bye").quietly();
    }
}

#[test]
fn the_rest_of_a_file_is_sent_after_the_peers_end() {
    let content = noise(6 << 20, 1);
    for role in BOTH {
        let (tcpx, mut peer) = Tcpx::new(PLAIN).stdin(Stdin::file(&content)).pair(role);
        peer.send(b"I have said everything");
        peer.half_close();
        assert_same(&peer.read_all(), &content, "the file");
        tcpx.finish().code(0).wrote("I have said everything").quietly();
    }
}

#[test]
fn a_pipe_that_ends_after_the_peers_end_is_sent_whole() {
    let content = noise(3 << 20, 2);
    for role in BOTH {
        let (tcpx, mut peer) = Tcpx::new(PLAIN).stdin(Stdin::bytes(&content)).pair(role);
        peer.half_close();
        assert_same(&peer.read_all(), &content, "the pipe");
        tcpx.finish().code(0).quietly();
    }
}

#[test]
fn half_open_goes_on_until_stdin_ends() {
    for role in BOTH {
        let (mut tcpx, mut peer) = Tcpx::new(&["--half-open"]).stdin(Stdin::Open).pair(role);
        peer.send(b"bye");
        peer.half_close();
        tcpx.wait_stdout(b"bye");
        tcpx.write(b"still here");
        peer.expect(b"still here");
        tcpx.close_stdin();
        peer.expect_eof();
        tcpx.finish().code(0).wrote("bye").quietly();
    }
}

#[test]
fn a_handler_for_received_data_keeps_the_connection_after_the_end_of_stdin() {
    let (tcpx, mut peer) =
        Tcpx::new(&["--on-data", "conn.send(data)"]).stdin(Stdin::bytes(b"question")).pair(Role::Connect);
    peer.expect(b"question");
    peer.send(b"echo this");
    peer.expect(b"echo this");
    peer.half_close();
    peer.expect_eof();
    tcpx.finish().code(0).wrote("").quietly();
}

#[test]
fn what_came_before_a_reset_is_written() {
    let data = noise(10_000, 3);
    for role in BOTH {
        for stdin in [Stdin::Open, Stdin::bytes(b"ping"), Stdin::Null] {
            let (tcpx, mut peer) = Tcpx::new(PLAIN).stdin(stdin).pair(role);
            // Data and RST arrive before tcpx handles either.
            tcpx.wait_idle();
            tcpx.freeze();
            peer.send(&data);
            peer.reset();
            tcpx.thaw();
            let done = tcpx.finish();
            done.code(56).wrote(&data).said("connection reset by peer").said("127.0.0.1:");
            assert_eq!(done.messages().count(), 1, "one line: {}", done.stderr);
        }
    }
}

#[test]
fn data_before_a_reset_is_written_even_if_both_arrive_while_connecting() {
    let data = noise(10_000, 32);
    let hole = BlackHole::on("127.0.0.1:0".parse().expect("an address"));
    let tcpx = Tcpx::new(PLAIN).stdin(Stdin::Open).connect(hole.address());
    tcpx.wait_idle();
    tcpx.freeze();
    // The retransmitted SYN is answered now.
    let mut peer = hole.open();
    peer.send(&data);
    peer.reset();
    tcpx.thaw();
    tcpx.finish().code(56).wrote(&data).said("connection reset by peer");
}

#[test]
fn a_peer_that_closes_with_unread_data_is_a_broken_connection() {
    // More than the kernel's buffers hold, to a peer that closes without reading.
    let (tcpx, peer) = Tcpx::new(PLAIN).stdin(Stdin::file(&noise(16 << 20, 4))).pair(Role::Connect);
    tcpx.wait_stuck();
    drop(peer);
    tcpx.finish().code(56).said("127.0.0.1:");
}

// ---- stdout ----------------------------------------------------------------------------------------------

#[test]
fn a_closed_stdout_reader_ends_an_idle_run() {
    for (options, role) in [(PLAIN, Role::Connect), (PLAIN, Role::Listen), (&["-k"], Role::Listen)] {
        let (mut reader, writer) = std::io::pipe().expect("a pipe");
        let tcpx = Tcpx::new(options).stdin(Stdin::Open).stdout(Stdout::Fd(writer.into())).with_default_signals();
        let (tcpx, mut peer) = tcpx.pair(role);
        peer.send(b"first line\n");
        let mut line = [0; 11];
        reader.read_exact(&mut line).expect("the first line");
        drop(reader);
        // No more data arrives; stdin and the connection stay open.
        tcpx.finish().code(141).quietly();
        drop(peer);
    }
}

#[test]
fn a_closed_stdout_reader_ends_a_waiting_listener() {
    let (reader, writer) = std::io::pipe().expect("a pipe");
    let (tcpx, _) =
        Tcpx::new(PLAIN).stdin(Stdin::Open).stdout(Stdout::Fd(writer.into())).with_default_signals().listen();
    drop(reader);
    tcpx.finish().code(141).quietly();
}

#[test]
fn a_closed_stdout_reader_ends_a_run_that_writes() {
    for (options, role) in [(PLAIN, Role::Connect), (PLAIN, Role::Listen), (&["-k"], Role::Listen)] {
        for stdin in [Stdin::Open, Stdin::Null] {
            let (mut reader, writer) = std::io::pipe().expect("a pipe");
            let tcpx = Tcpx::new(options).stdin(stdin).stdout(Stdout::Fd(writer.into())).with_default_signals();
            let (tcpx, mut peer) = tcpx.pair(role);
            let sender = thread::spawn(move || while peer.0.write_all(&vec![b'x'; 1 << 16]).is_ok() {});
            reader.read_exact(&mut vec![0; 100_000]).expect("data");
            drop(reader);
            tcpx.finish().code(141).quietly();
            sender.join().expect("the sender ends with the connection");
        }
    }
}

#[test]
fn a_closed_stdout_reader_ends_by_sigpipe_even_if_it_was_ignored() {
    let (reader, writer) = std::io::pipe().expect("a pipe");
    let tcpx = Tcpx::new(PLAIN).stdin(Stdin::Open).stdout(Stdout::Fd(writer.into())).after_shell("trap '' PIPE");
    let (tcpx, peer) = tcpx.pair(Role::Connect);
    drop(reader);
    tcpx.finish().code(141).quietly();
    drop(peer);
}

#[test]
fn a_stdout_that_cannot_be_written_is_an_error() {
    for role in BOTH {
        let (tcpx, mut peer) = Tcpx::new(PLAIN).stdin(Stdin::Open).stdout(Stdout::Fd(writable("/dev/full"))).pair(role);
        peer.send(b"data");
        tcpx.finish().code(23).said("tcpx: write stdout: no space left on device");
    }
}

#[test]
fn a_full_stdout_is_no_error_if_nothing_is_written() {
    let (tcpx, mut peer) =
        Tcpx::new(PLAIN).stdin(Stdin::bytes(b"x")).stdout(Stdout::Fd(writable("/dev/full"))).pair(Role::Connect);
    peer.expect(b"x");
    peer.expect_eof();
    drop(peer);
    tcpx.finish().code(0).quietly();
}

#[test]
fn a_closed_stdout_is_an_error_only_when_data_is_written() {
    for role in BOTH {
        let (tcpx, mut peer) = Tcpx::new(PLAIN).stdin(Stdin::bytes(b"x")).stdout(Stdout::Closed).pair(role);
        peer.expect(b"x");
        peer.expect_eof();
        peer.send(b"for nobody");
        drop(peer);
        tcpx.finish().code(23).said("write stdout: bad file descriptor");

        let (tcpx, mut peer) = Tcpx::new(PLAIN).stdin(Stdin::bytes(b"x")).stdout(Stdout::Closed).pair(role);
        peer.expect(b"x");
        drop(peer);
        tcpx.finish().code(0).quietly();
    }
    for words in [&["encodings"][..], &["script", "list"], &["--version"], &["man"]] {
        Tcpx::new(words).stdout(Stdout::Closed).run().code(23).said("write stdout: bad file descriptor");
    }
}

#[test]
fn a_slow_stdout_reader_gets_all_data_after_the_peers_end() {
    // More than a pipe holds, also if each of its slots holds a large spliced page range.
    let data = noise(24 << 20, 5);
    for role in BOTH {
        let (mut reader, writer) = std::io::pipe().expect("a pipe");
        let (tcpx, mut peer) = Tcpx::new(PLAIN).stdout(Stdout::Fd(writer.into())).pair(role);
        let copy = data.clone();
        let sender = thread::spawn(move || {
            peer.send(&copy);
            drop(peer);
        });
        tcpx.wait_stuck();
        let mut found = Vec::new();
        reader.read_to_end(&mut found).expect("read the pipe");
        assert_same(&found, &data, "what a slow reader gets");
        sender.join().expect("the peer sends everything");
        tcpx.finish().code(0).quietly();
    }
}

#[test]
fn stdout_in_append_mode_is_appended_to() {
    let folder = crate::support::Folder::new();
    let path = folder.file("log", b"before\n");
    let file = std::fs::OpenOptions::new().append(true).open(&path).expect("open for appending");
    let (tcpx, mut peer) = Tcpx::new(PLAIN).stdout(Stdout::Fd(file.into())).pair(Role::Connect);
    peer.send(b"after\n");
    drop(peer);
    tcpx.finish().code(0).quietly();
    assert_eq!(std::fs::read_to_string(path).expect("read the file"), "before\nafter\n");
}
