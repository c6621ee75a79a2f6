//! The end of one direction leaves the other alone: through the binary, with real pipes, files and sockets.
//!
//! The rules are shown by transcripts (`src/driver/tests/readers.rs`); here they hold for the kernel's pipes, moves within the
//! kernel included.

use std::io::Read;
use std::os::fd::OwnedFd;
use std::os::unix::net::UnixStream;

use crate::support::peer::{Conn, Server};
use crate::support::{BOTH, Role, Running, Stdin, Stdout, Tcpx, assert_same, noise};

const PLAIN: &[&str] = &[];

/// Starts tcpx with a pipe for stdout, lets the peer send a line, and takes the reader away.
fn without_reader(options: &[&str], stdin: Stdin, role: Role) -> (Running, Conn) {
    let (mut reader, writer) = std::io::pipe().expect("a pipe");
    let tcpx = Tcpx::new(options).stdin(stdin).stdout(Stdout::Fd(writer.into())).with_default_signals();
    let (tcpx, mut peer) = tcpx.pair(role);
    peer.send(b"first line\n");
    reader.read_exact(&mut [0; 11]).expect("the first line");
    (tcpx, peer)
}

#[test]
fn stdin_arrives_whole_though_stdout_has_no_reader() {
    let data = noise(12 << 20, 1);
    for role in BOTH {
        for options in [&[][..], &["--encoding", "utf-8"]] {
            let sent = if options.is_empty() { data.clone() } else { vec![b'x'; 6 << 20] };
            for stdin in [Stdin::file(&sent), Stdin::bytes(&sent)] {
                let (tcpx, mut peer) = without_reader(options, stdin, role);
                assert_same(&peer.read_all(), &sent, "what the peer got");
                tcpx.finish().code(141);
            }
        }
    }
}

#[test]
fn what_was_read_of_stdin_arrives_though_something_received_is_lost() {
    for role in BOTH {
        let sent = noise(12 << 20, 2);
        let (tcpx, mut peer) = without_reader(PLAIN, Stdin::file(&sent), role);
        tcpx.wait_stuck();
        peer.send(b"lost");
        let arrived = peer.read_all();
        assert!(!arrived.is_empty() && sent.starts_with(&arrived), "{} bytes", arrived.len());
        tcpx.finish().code(141).quietly();
    }
}

#[test]
fn a_proxy_of_two_runs_and_a_pipe_loses_nothing() {
    for (slow, length) in [(false, 6 << 20), (true, 1 << 20)] {
        let answer = noise(length, 3);
        let server = Server::start();
        // What the client gets comes from `back`.
        let (back_reader, back_writer) = std::io::pipe().expect("a pipe");
        let (there_reader, there_writer) = std::io::pipe().expect("a pipe");
        let front = Tcpx::new(PLAIN).stdin(Stdin::Fd(back_reader.into())).stdout(Stdout::Fd(there_writer.into()));
        let (front, address) = front.with_default_signals().listen();
        let behind = Tcpx::new(&["-q"]).stdin(Stdin::Fd(there_reader.into())).stdout(Stdout::Fd(back_writer.into()));
        let behind = behind.with_default_signals().connect(server.address);
        let mut client = Conn::to(address);
        let mut upstream = server.accept();
        client.send(b"question\n");
        upstream.expect(b"question\n");
        let copy = answer.clone();
        let sender = std::thread::spawn(move || upstream.send(&copy));
        let arrived = if slow {
            // Nobody reads the front's stdout any more when the client begins to read.
            behind.finish().code(0);
            client.read_all()
        } else {
            let arrived = client.read_all();
            behind.finish().code(0);
            arrived
        };
        sender.join().expect("everything is sent");
        assert_same(&arrived, &answer, "what the client got");
        front.finish().code(141).quietly();
    }
}

#[test]
fn a_stdout_that_hangs_up_is_a_reader_that_has_gone() {
    let sent = noise(6 << 20, 4);
    let (mut ours, theirs) = UnixStream::pair().expect("two sockets");
    let tcpx = Tcpx::new(PLAIN).stdin(Stdin::file(&sent)).stdout(Stdout::Fd(OwnedFd::from(theirs)));
    let (tcpx, mut peer) = tcpx.with_default_signals().pair(Role::Connect);
    peer.send(b"first line\n");
    ours.read_exact(&mut [0; 11]).expect("the first line");
    // Unread bytes in its queue make it a reset.
    peer.send(b"second line\n");
    tcpx.wait_stuck();
    drop(ours);
    assert_same(&peer.read_all(), &sent, "what the peer got");
    tcpx.finish().code(141).quietly();
}

#[test]
fn send_only_goes_on_without_a_reader_of_stdout() {
    let (reader, writer) = std::io::pipe().expect("a pipe");
    let tcpx = Tcpx::new(&["--send-only"]).stdin(Stdin::Open).stdout(Stdout::Fd(writer.into()));
    let (mut tcpx, mut peer) = tcpx.with_default_signals().pair(Role::Connect);
    drop(reader);
    tcpx.wait_idle();
    peer.send(b"discarded");
    tcpx.write(b"sent");
    tcpx.close_stdin();
    peer.expect(b"sent");
    peer.expect_eof();
    drop(peer);
    tcpx.finish().code(0).quietly();
}

#[test]
fn send_only_delivers_what_comes_after_the_peers_end() {
    for role in BOTH {
        let (mut tcpx, mut peer) = Tcpx::new(&["--send-only"]).stdin(Stdin::Open).pair(role);
        peer.half_close();
        tcpx.write(b"one ");
        peer.expect(b"one ");
        tcpx.wait_idle();
        tcpx.write(b"two");
        tcpx.close_stdin();
        peer.expect(b"two");
        peer.expect_eof();
        tcpx.finish().code(0).quietly();
    }
}

#[test]
fn a_stdin_that_is_not_waited_for_is_named() {
    for (options, words) in
        [(PLAIN, "tcpx: peer closed its side; not waiting for stdin (use --half-open)\n"), (&["-q"], "")]
    {
        let (tcpx, mut peer) = Tcpx::new(options).stdin(Stdin::Open).pair(Role::Connect);
        peer.half_close();
        peer.expect_eof();
        assert_eq!(tcpx.finish().code(0).stderr, words);
    }
}

#[test]
fn half_open_gives_the_reader_of_stdout_the_end() {
    let (pipe_reader, pipe_writer) = std::io::pipe().expect("a pipe");
    let (socket_reader, socket_writer) = UnixStream::pair().expect("two sockets");
    let kept = socket_writer.try_clone().expect("a second handle");
    let outputs: [(Box<dyn Read>, OwnedFd); 2] =
        [(Box::new(pipe_reader), pipe_writer.into()), (Box::new(socket_reader), socket_writer.into())];
    for (mut reader, writer) in outputs {
        let tcpx = Tcpx::new(&["--half-open"]).stdin(Stdin::Open).stdout(Stdout::Fd(writer));
        let (mut tcpx, mut peer) = tcpx.with_default_signals().pair(Role::Connect);
        peer.send(b"answer");
        peer.half_close();
        let mut received = Vec::new();
        reader.read_to_end(&mut received).expect("the answer and the end");
        assert_same(&received, b"answer", "what the reader got");
        drop(reader);
        tcpx.write(b"more");
        peer.expect(b"more");
        tcpx.close_stdin();
        peer.expect_eof();
        tcpx.finish().code(0).quietly();
    }
    drop(kept);
}
