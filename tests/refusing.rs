//! What is typed on a terminal and cannot be sent: no text in its encoding, or a character that the peer's encoding does not have.
//! The user is told, the line stays, the conversation goes on. A pipe with it ends the run: `encodings`.

use rustix::process::Signal;

use crate::support::peer::{Conn, Server};
use crate::support::pty::Pty;
use crate::support::{Folder, Role, Running, Stdin, Stdout, Tcpx, wait_for};
use crate::typing::alone_in;

const UTF8: &str = "LC_ALL=C.UTF-8";
const GBK: &str = "LC_ALL=en_US.GBK";
const BIG5: &str = "LC_ALL=en_US.Big5";
const SJIS: &str = "LC_ALL=en_US.SJIS";

/// Locale, encoding of the peer; what is typed, what cannot be sent of it, why, and what the peer gets of the rest.
type Case = (&'static str, &'static str, &'static [u8], &'static [u8], &'static str, &'static [u8]);

const CASES: [Case; 7] = [
    (UTF8, "gbk", b"a\xe4\xbd\xa0", b"\xff", "malformed utf-8 at character 3: 0xff", b"a\xc4\xe3"),
    (UTF8, "utf-8", b"a", b"\xe4", "malformed utf-8 at character 2: 0xe4", b"a"),
    (UTF8, "gbk", b"a", "😀".as_bytes(), "cannot encode U+1F600 '😀' (character 2) in gbk", b"a"),
    (GBK, "utf-8", b"\xc4\xe3", b"\xff", "malformed gbk at character 2: 0xff", "你".as_bytes()),
    (GBK, "gbk", b"\xc4\xe3", b"\xff", "malformed gbk at character 2: 0xff", b"\xc4\xe3"),
    (BIG5, "utf-16le", b"\xa7A", b"\xff", "malformed big5 at character 2: 0xff", b"\x60\x4f"),
    (SJIS, "gbk", b"\x95\x5c", b"\xff", "malformed shift_jis at character 2: 0xff", b"\xb1\xed"),
];

fn with_end(sent: &[u8], encoding: &str) -> Vec<u8> {
    [sent, if encoding == "utf-16le" { b"\n\0" } else { b"\n" }].concat()
}

/// The message above the line, in the terminal's encoding as far as ASCII goes.
fn is_told(pty: &Pty, why: &str) {
    let ascii = why.split(['\'', '\u{1f600}']).next().unwrap_or(why);
    pty.wait_bytes(format!("tcpx: not sent: {ascii}").as_bytes());
}

#[test]
fn a_line_that_cannot_be_sent_stays_to_be_edited() {
    for (locale, label, typed, wrong, why, sent) in CASES {
        let (mut pty, tcpx, mut peer, _folder) = alone_in(&["-E", label], &["NO_COLOR=1", locale]);
        pty.type_in(&[typed, wrong, b"\n"].concat());
        is_told(&pty, why);
        pty.wait_bytes(b"\x07");
        // What is wrong goes, and what is right was kept.
        pty.type_in(b"\x7f\n");
        peer.expect(&with_end(sent, label));
        // The end of a part is no way around it.
        pty.type_in(&[wrong, b"\x04\x15\x04"].concat());
        peer.expect_eof();
        drop(peer);
        tcpx.finish().code(0);
        assert!(pty.screen.wait(|bytes| bytes.split(|byte| *byte == 7).count() == 3), "{locale} {label}");
    }
}

/// A server on a terminal, and where it listens.
fn server(words: &[&str], locale: &str) -> (Pty, Running, std::net::SocketAddr, Folder) {
    let (pty, folder) = (Pty::new(), Folder::new());
    let state = format!("XDG_STATE_HOME={}", folder.path("state").display());
    let tcpx = Tcpx::new(&["listen"]).args(words).args(&["127.0.0.1", "0"]).stdin(Stdin::Fd(pty.side()));
    let tcpx = tcpx.stdout(Stdout::Fd(pty.side())).stderr(pty.side()).under(&["setsid", "--ctty"]);
    let tcpx = tcpx.with_default_signals().under(&["env", "TERM=xterm", "NO_COLOR=1", &state, locale]).spawn();
    let listening = |text: &str| text.split("listening on ").nth(1)?.split_once('\n')?.0.trim().parse().ok();
    let mut address = None;
    wait_for("where it listens", || {
        address = listening(&pty.screen.text());
        address.is_some()
    });
    (pty, tcpx, address.expect("waited for"), folder)
}

#[test]
fn no_client_of_a_server_notices_it() {
    for (locale, label, typed, wrong, why, sent) in CASES {
        let (mut pty, tcpx, address, _folder) = server(&["-k", "-E", label], locale);
        let clients = [(); 3].map(|()| Conn::to(address));
        let [mut first, mut second, mut third] = clients;
        for (client, name) in [(&mut first, "one"), (&mut second, "two"), (&mut third, "three")] {
            let letters: Vec<u8> = match label {
                "utf-16le" => name.encode_utf16().flat_map(u16::to_le_bytes).collect(),
                _ => name.into(),
            };
            client.send(&with_end(&letters, label));
            // A number is one of a client that is there.
            pty.wait_screen(name);
        }
        wait_for("the editor", || !pty.is_sane());
        pty.type_in(b"~2\n");
        pty.wait_screen("lines go to client 2");
        pty.type_in(&[typed, wrong, b"\n"].concat());
        is_told(&pty, why);
        pty.type_in(b"\x7f\n");
        second.expect(&with_end(sent, label));
        pty.type_in(&[b"~1\n", typed, b"\n"].concat());
        first.expect(&with_end(sent, label));
        pty.type_in(&[b"~3\n", typed, b"\n"].concat());
        third.expect(&with_end(sent, label));
        tcpx.signal(Signal::TERM);
        tcpx.finish().code(143);
    }
}

#[test]
fn a_paste_stays_from_its_wrong_line_on() {
    let (mut pty, tcpx, mut peer, _folder) = alone_in(&["-E", "gbk"], &["NO_COLOR=1", UTF8]);
    pty.type_in("\x1b[200~one\n😀\n大\nfour\x1b[201~".as_bytes());
    peer.expect(b"one\n");
    pty.wait_screen("not sent: cannot encode U+1F600 '😀' (character 1) in gbk");
    pty.type_in(b"\x01\x1b[3~two\n");
    peer.expect(b"two\n\xb4\xf3\nfour\n");
    // Another encoding has it, also if the command came in one piece with the line.
    pty.type_in("~e utf-8\n😀\n".as_bytes());
    peer.expect("😀\n".as_bytes());
    drop(peer);
    tcpx.finish().code(0);
}

#[test]
fn hidden_lines_are_not_told() {
    let (mut pty, tcpx, mut peer, _folder) = alone_in(&["-E", "gbk", "--echo", "off"], &["NO_COLOR=1", UTF8]);
    pty.type_in("secret😀\n".as_bytes());
    pty.wait_screen("not sent: it is no text, or the encoding does not have it");
    pty.type_in(b"\x7f\n");
    peer.expect(b"secret\n");
    drop(peer);
    tcpx.finish().code(0);
    assert!(!pty.screen.text().contains('😀'));
}

#[test]
fn without_an_encoding_bytes_are_bytes() {
    for (locale, typed) in [(UTF8, b"a\xff\xe4\n".as_slice()), (GBK, b"\xc4\xe3\xff\n"), (BIG5, b"\xff\n")] {
        let (mut pty, tcpx, mut peer, _folder) = alone_in(&[], &["NO_COLOR=1", locale]);
        pty.type_in(typed);
        peer.expect(typed);
        drop(peer);
        tcpx.finish().code(0);
    }
}

/// A run on a terminal that edits its lines itself, and its peer.
fn unedited(words: &[&str], locale: &str) -> (Pty, Running, Conn) {
    let (pty, server) = (Pty::new(), Server::start());
    let port = server.address.port().to_string();
    let tcpx = Tcpx::new(&["connect"]).args(words).args(&["127.0.0.1", &port]).stdin(Stdin::Fd(pty.side()));
    let tcpx = tcpx.stdout(Stdout::Fd(pty.side())).stderr(pty.side()).under(&["setsid", "--ctty"]);
    let tcpx = tcpx.with_default_signals().under(&["env", "TERM=dumb", locale]).spawn();
    let peer = server.accept();
    (pty, tcpx, peer)
}

#[test]
fn a_terminal_that_edits_its_lines_itself_loses_only_the_line() {
    for options in [&["-E"][..], &["--reconnect", "-E"]] {
        for (locale, label, typed, wrong, _, sent) in CASES {
            let (mut pty, tcpx, mut peer) = unedited(&[options, &[label]].concat(), locale);
            pty.type_in(&[typed, wrong, b"\n"].concat());
            pty.wait_bytes(b"tcpx: not sent: ");
            pty.type_in(&[typed, b"\n"].concat());
            peer.expect(&with_end(sent, label));
            pty.type_in(b"\x03");
            tcpx.finish().code(130);
            drop(peer);
        }
    }
}

#[test]
fn among_single_keys_only_the_wrong_ones_are_lost() {
    let (mut pty, tcpx, mut peer, _folder) = alone_in(&["--raw", "-E", "gbk"], &["NO_COLOR=1", UTF8]);
    pty.type_in("a大".as_bytes());
    peer.expect(b"a\xb4\xf3");
    pty.type_in("😀".as_bytes());
    pty.wait_screen("tcpx: not sent: cannot encode U+1F600 '😀' (character 1) in gbk");
    pty.wait_bytes(b"\x07");
    pty.type_in(b"\xff");
    pty.wait_screen("tcpx: not sent: malformed utf-8 bytes: 0xff");
    pty.type_in(b"b\r");
    peer.expect(b"b\r");
    pty.type_in(b"~.");
    peer.expect_eof();
    drop(peer);
    tcpx.finish().code(0);
}

#[test]
fn a_script_gets_text() {
    for (term, locale, typed) in [
        ("xterm", UTF8, b"\xff\n".as_slice()),
        ("xterm", GBK, b"\xff\n"),
        ("dumb", UTF8, b"\xff\n"),
        ("dumb", GBK, b"\xff\n"),
    ] {
        for asks in [true, false] {
            let (mut pty, folder, server) = (Pty::new(), Folder::new(), Server::start());
            let script =
                folder.file("told.rhai", b"fn on_stdin(line) { print(`<${line}>`); exit(0) }").display().to_string();
            let asking = ["--session", "print(`<${read_stdin_line()}>`)"];
            let words = if asks { asking } else { ["--script", &script] };
            let state = format!("XDG_STATE_HOME={}", folder.path("state").display());
            let port = server.address.port().to_string();
            let tcpx = Tcpx::new(&["connect"]).args(&words).args(&["127.0.0.1", &port]).stdin(Stdin::Fd(pty.side()));
            let tcpx = tcpx.stdout(Stdout::Fd(pty.side())).stderr(pty.side()).under(&["setsid", "--ctty"]);
            let variables = ["env", &format!("TERM={term}"), &state, "NO_COLOR=1", locale];
            let tcpx = tcpx.with_default_signals().under(&variables).spawn();
            let peer = server.accept();
            pty.type_in(typed);
            pty.wait_bytes(b"not sent: malformed ");
            pty.type_in(b"\x15ok\n");
            pty.wait_screen("<ok>");
            drop(peer);
            tcpx.finish().code(0);
        }
    }
}

#[test]
fn commands_send_bytes_as_they_are_and_files_whole_or_not_at_all() {
    for (locale, name, typed) in [
        (UTF8, b"\xe5\xa4\xa7".as_slice(), b"\xe5\xa4\xa7".as_slice()),
        (UTF8, b"\xffx", b"\xffx"),
        // As a shell in that locale names files, and as others do.
        (GBK, b"\xb4\xf3", b"\xb4\xf3"),
        (GBK, b"\xe5\xa4\xa7", b"\xb4\xf3"),
        (GBK, b"\xffx", b"\xffx"),
    ] {
        use std::os::unix::ffi::OsStrExt;

        let (mut pty, tcpx, mut peer, folder) = alone_in(&["-E", "gbk"], &["NO_COLOR=1", locale]);
        let file = |bytes: &[u8], text: &str| {
            let path = folder.path(".").join(std::ffi::OsStr::from_bytes(bytes));
            std::fs::write(path, text).expect("a file");
        };
        file(name, "大家\n");
        file(b"wrong", "大家\n\u{1f600}\n");
        std::fs::write(folder.path("latin"), b"caf\xe9\n").expect("a file");
        let place = folder.path(".").display().to_string();
        let begin = format!("~f {place}/");
        pty.type_in(&[begin.as_bytes(), typed, b"\n"].concat());
        peer.expect(b"\xb4\xf3\xbc\xd2\n");
        pty.type_in(format!("{begin}wrong\n").as_bytes());
        pty.wait_bytes(b"wrong: cannot encode U+1F600");
        pty.type_in(format!("{begin}latin\n").as_bytes());
        pty.wait_bytes(b"latin: it has to be UTF-8 when there is an encoding");
        pty.type_in(&[begin.as_bytes(), b"no\xff\n"].concat());
        pty.wait_bytes(b"no\\xff: no such file or directory");
        pty.type_in(b"~s ff c4 0a\n");
        peer.expect(b"\xff\xc4\n");
        drop(peer);
        tcpx.finish().code(0);
    }
}

#[test]
fn a_pipe_ends_the_run_for_both_roles() {
    for role in [Role::Connect, Role::Listen] {
        for bytes in [b"ok\nwrong\xff\n".as_slice(), "ok\nwrong😀\n".as_bytes()] {
            let (mut tcpx, mut peer) = Tcpx::new(&["-E", "gbk"]).stdin(Stdin::Open).pair(role);
            tcpx.write(bytes);
            peer.expect(b"ok\nwrong");
            drop(peer);
            assert_eq!(tcpx.finish().status_code(), Some(114));
        }
    }
}
