//! `--expect`, `--fail-on` and `--until`: what ends a run with a verdict, and what it leaves as it is.

use encoding_rs::GBK;

use crate::support::peer::Conn;
use crate::support::pty::Pty;
use crate::support::{BOTH, Role, Stdin, Tcpx};

#[test]
fn what_is_expected_ends_the_run_at_once() {
    for role in BOTH {
        let (mut tcpx, mut peer) = Tcpx::new(&["--expect", "log+in: "]).stdin(Stdin::Open).pair(role);
        peer.send(b"hello\nlog");
        tcpx.wait_stdout(b"hello\nlog");
        assert!(tcpx.is_running());
        peer.send(b"in: ");
        peer.expect_eof();
        tcpx.finish().code(0).wrote("hello\nlogin: ").quietly();
    }
}

#[test]
fn what_must_not_come_ends_the_run_with_1() {
    for role in BOTH {
        let (tcpx, mut peer) = Tcpx::new(&["--fail-on", "(?m)^ERR.*$"]).stdin(Stdin::Open).pair(role);
        peer.send(b"fine\nERROR 7\n");
        peer.expect_eof();
        let done = tcpx.finish();
        done.code(1).wrote("fine\nERROR 7\n");
        done.said(": --fail-on \"(?m)^ERR.*$\" matched \"ERROR 7\"");
    }
}

#[test]
fn an_end_without_what_was_expected_is_1_and_says_what_came() {
    for role in BOTH {
        let (tcpx, mut peer) = Tcpx::new(&["--expect", "OK"]).pair(role);
        peer.send(b"no\r\n\xff");
        drop(peer);
        let done = tcpx.finish();
        done.code(1).wrote(b"no\r\n\xff");
        done.said("--expect \"OK\" was not seen: ").said(" sent 5 bytes: \"no\\r\\n\\xff\"");
        let (tcpx, peer) = Tcpx::new(&["--fail-on", "OK"]).pair(role);
        drop(peer);
        tcpx.finish().code(0).quietly();
        let (tcpx, peer) = Tcpx::new(&["--expect", "OK"]).pair(role);
        drop(peer);
        tcpx.finish().code(1).said(" sent nothing");
    }
}

#[test]
fn of_both_what_is_seen_first_decides() {
    for (text, code) in [("a OK b ERR", 0), ("a ERR b OK", 1)] {
        let (tcpx, mut peer) =
            Tcpx::new(&["--expect", "OK", "--fail-on", "ERR"]).stdin(Stdin::Open).pair(Role::Connect);
        peer.send(text.as_bytes());
        peer.expect_eof();
        tcpx.finish().code(code).wrote(text);
    }
}

#[test]
fn the_end_of_the_stream_can_be_expected() {
    for (text, code) in [("good bye", 0), ("bye!", 1)] {
        let (tcpx, mut peer) = Tcpx::new(&["--expect", "bye$"]).pair(Role::Connect);
        peer.send(text.as_bytes());
        drop(peer);
        tcpx.finish().code(code).wrote(text);
    }
}

#[test]
fn other_ends_keep_their_codes() {
    let (tcpx, _peer) = Tcpx::new(&["--expect", "OK", "--timeout", "100ms"]).stdin(Stdin::Open).pair(Role::Connect);
    tcpx.finish().code(28);
    let (tcpx, _peer) = Tcpx::new(&["--fail-on", "OK", "-i", "100ms"]).stdin(Stdin::Open).pair(Role::Listen);
    tcpx.finish().code(28);
    let (mut tcpx, mut peer) = Tcpx::new(&["--expect", "OK$"]).stdin(Stdin::Open).pair(Role::Connect);
    peer.send(b"OK");
    tcpx.wait_stdout(b"OK");
    peer.reset();
    tcpx.finish().code(56).wrote("OK");
}

#[test]
fn decoded_text_is_searched() {
    let text = "\u{4f60}\u{597d}\u{ff0c}\u{4e16}\u{754c}";
    let wire = GBK.encode(text).0.into_owned();
    let (mut tcpx, mut peer) = Tcpx::new(&["-E", "gbk", "--expect", "^.{3}\u{4e16}\\b|\u{4e16}\u{754c}$"])
        .stdin(Stdin::Open)
        .pair(Role::Connect);
    peer.send(&wire[..7]);
    tcpx.wait_stdout("\u{4f60}\u{597d}\u{ff0c}".as_bytes());
    peer.send(&wire[7..]);
    tcpx.wait_stdout(text.as_bytes());
    peer.half_close();
    tcpx.close_stdin();
    peer.expect_eof();
    tcpx.finish().code(0).wrote(text).quietly();
}

#[test]
fn of_many_clients_the_first_that_matches_decides() {
    let (mut tcpx, address) = Tcpx::new(&["-k", "--expect", "^OK"]).stdin(Stdin::Open).listen();
    let mut first = Conn::to(address);
    first.send(b"O");
    tcpx.wait_stdout(b"O");
    let mut second = Conn::to(address);
    second.send(b"K");
    drop(second);
    tcpx.wait_stdout(b"OK");
    assert!(tcpx.is_running());
    first.send(b"K");
    first.expect_eof();
    tcpx.finish().code(0).wrote("OKK").quietly();

    let (tcpx, address) = Tcpx::new(&["-k", "--accept", "2", "--expect", "OK"]).stdin(Stdin::Open).listen();
    drop(Conn::to(address));
    Conn::to(address).send(b"no");
    let done = tcpx.finish();
    done.code(1).wrote("no");
    done.said("was not seen on any of 2 connections; the last: ");
}

#[test]
fn stdin_is_passed_on_and_its_end_waits_for_the_answer() {
    for role in BOTH {
        for options in [["--expect", "pong"], ["--until", "pong"], ["--until", "4b"]] {
            let (mut tcpx, mut peer) = Tcpx::new(&options).stdin(Stdin::bytes(b"ping")).pair(role);
            peer.expect(b"ping");
            peer.send(b"po");
            tcpx.wait_stdout(b"po");
            peer.expect_silence();
            peer.send(b"ng");
            peer.expect_eof();
            tcpx.finish().code(0).wrote("pong").quietly();
        }
    }
    let (tcpx, mut peer) = Tcpx::new(&["--fail-on", "x"]).stdin(Stdin::file(&vec![b'a'; 300_000])).pair(Role::Connect);
    peer.half_close();
    assert_eq!(peer.read_all().len(), 300_000);
    tcpx.finish().code(0).quietly();
}

#[test]
fn much_data_is_written_completely() {
    let mut sent = vec![b'n'; 3 << 20];
    sent.extend_from_slice(b"needle");
    let (tcpx, mut peer) = Tcpx::new(&["--expect", "needle"]).stdin(Stdin::Open).pair(Role::Listen);
    peer.send(&sent);
    tcpx.finish().code(0).wrote(&sent).quietly();
}

#[test]
fn a_check_works_with_every_stdin() {
    let terminal = Pty::new();
    for role in BOTH {
        for stdin in [Stdin::Null, Stdin::Closed, Stdin::Open, Stdin::Fd(terminal.side())] {
            let options = ["--send", "PING\\r\\n", "--expect", "\\+PONG"];
            let (tcpx, mut peer) = Tcpx::new(&options).stdin(stdin).pair(role);
            peer.expect(b"PING\r\n");
            peer.send(b"+PONG\r\n");
            peer.expect_eof();
            tcpx.finish().code(0).wrote("+PONG\r\n").quietly();
        }
    }
}

#[test]
fn the_output_ends_exactly_there() {
    let folder = tempfile::tempdir().expect("a folder");
    let path = folder.path().join("output");
    let file = path.to_str().expect("a path");
    for role in BOTH {
        for (place, shown) in [("b\\r", "a\nb\r"), ("4b", "a\nb\r"), ("2l", "a\nb\r\n"), ("(?m)^a$", "a")] {
            let (tcpx, mut peer) = Tcpx::new(&["--until", place]).stdin(Stdin::Open).pair(role);
            peer.send(b"a\nb\r\nc\nmore");
            peer.expect_eof();
            tcpx.finish().code(0).wrote(shown).quietly();
            let (tcpx, mut peer) = Tcpx::new(&["--until", place, "-o", file]).pair(role);
            peer.send(b"a\nb\r\nc\nmore");
            peer.expect_eof();
            tcpx.finish().code(0).wrote("").quietly();
            assert_eq!(std::fs::read(&path).expect("the file"), shown.as_bytes());
        }
    }
}

#[test]
fn the_end_of_the_peer_before_that_is_18() {
    for role in BOTH {
        for (place, said) in [
            ("END", "--until \"END\" was not seen: "),
            ("9b", "--until 9b was not reached: "),
            ("2l", "--until 2l was not reached: "),
        ] {
            let (tcpx, mut peer) = Tcpx::new(&["--until", place]).stdin(Stdin::Open).pair(role);
            peer.send(b"a\nb\xff");
            drop(peer);
            let done = tcpx.finish();
            done.code(18).wrote(b"a\nb\xff");
            done.said(said).said(" sent 4 bytes: \"a\\nb\\xff\"");
        }
    }
}

#[test]
fn a_stream_without_end_is_cut_and_left() {
    for role in BOTH {
        let (tcpx, mut peer) = Tcpx::new(&["--until", "3000000b"]).pair(role);
        let chunk = vec![b'x'; 1 << 20];
        for _ in 0..3 {
            peer.send(&chunk);
        }
        tcpx.finish().code(0).wrote(vec![b'x'; 3_000_000]).quietly();
    }
}

#[test]
fn the_end_of_decoded_text_is_found_in_the_text() {
    let wire = GBK.encode("\u{4f60}\u{597d}\n\u{4e16}\u{754c}").0.into_owned();
    for (place, shown) in [("\u{597d}", "\u{4f60}\u{597d}"), ("1l", "\u{4f60}\u{597d}\n"), ("6b", "\u{4f60}\u{597d}")] {
        let (tcpx, mut peer) = Tcpx::new(&["-E", "gbk", "--until", place]).stdin(Stdin::Open).pair(Role::Connect);
        peer.send(&wire[..3]);
        peer.send(&wire[3..]);
        peer.expect_eof();
        tcpx.finish().code(0).wrote(shown).quietly();
    }
}

#[test]
fn a_wrong_pattern_is_a_usage_error() {
    for words in [["--expect", "("], ["--fail-on", "a*"], ["--until", "0b"], ["--until", ""]] {
        Tcpx::new(&["connect", "127.0.0.1", "9"]).args(&words).run().code(2).said(words[0]);
    }
}
