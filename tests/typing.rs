//! Lines typed in a real terminal (tmux): edited, beside what arrives; the terminal as it was after every end.

use std::fs;
use std::os::unix::fs::PermissionsExt;

use rustix::process::Signal;

use crate::support::peer::{Conn, Server};
use crate::support::pty::Pty;
use crate::support::tmux::Tmux;
use crate::support::{Folder, Role, Running, Stdin, Stdout, Tcpx, wait_for};

/// A window with a connection to a server, if there is tmux.
pub(crate) fn connected(columns: u16, rows: u16, options: &str) -> Option<(Tmux, Conn, Server)> {
    let tmux = Tmux::start(columns, rows)?;
    let server = Server::start();
    tmux.connect(server.address, options);
    let peer = server.accept();
    tmux.wait_keys();
    Some((tmux, peer, server))
}

#[test]
fn what_arrives_stands_above_the_line_being_typed() {
    let Some((tmux, mut peer, _server)) = connected(60, 20, "") else { return };
    tmux.type_in("hel");
    tmux.wait_end("hel");
    peer.send(b"news\nmore");
    tmux.wait_end("news\nmore\nhel");
    peer.send(b" of it\n");
    tmux.wait_end("news\nmore of it\nhel");
    tmux.type_in("lo");
    tmux.key("Enter");
    peer.expect(b"hello\n");
    peer.send(b"name? ");
    tmux.wait_end("more of it\nhello\nname?");
    tmux.type_in("bob");
    tmux.wait_end("hello\nname? bob");
    tmux.key("C-d");
    peer.expect(b"bob");
    tmux.key("C-d");
    peer.expect_eof();
    peer.send(b"bye\n");
    drop(peer);
    assert_eq!(tmux.status(), ("0".into(), true));
}

#[test]
fn wide_characters_and_emoji_go_as_a_whole() {
    let Some((tmux, mut peer, _server)) = connected(60, 20, "") else { return };
    tmux.type_in("a你好e\u{301}👍🏽");
    tmux.key("BSpace");
    tmux.key("BSpace");
    tmux.wait_end("a你好");
    tmux.key("Left");
    tmux.key("BSpace");
    tmux.type_in("大");
    tmux.wait_end("a大好");
    tmux.key("Enter");
    peer.expect("a大好\n".as_bytes());
    tmux.key("C-c");
    assert_eq!(tmux.status(), ("130".into(), true));
    peer.expect_reset();
}

#[test]
fn a_paste_of_any_length_is_one_line_and_keeps_its_line_ends() {
    let Some((tmux, mut peer, _server)) = connected(60, 20, "") else { return };
    tmux.type_in("<>");
    tmux.key("Left");
    let long = "0123456789".repeat(1000);
    tmux.paste(&long);
    tmux.wait("0123456789>");
    peer.send(b"news\n");
    tmux.wait("news");
    tmux.key("Enter");
    peer.expect(format!("<{long}>\n").as_bytes());
    tmux.paste("GET / HTTP/1.0\n\n\ttab~.\u{4}\nrest");
    peer.expect(b"GET / HTTP/1.0\n\n\ttab~.\x04\n");
    tmux.wait_end("rest");
    tmux.key("C-u");
    tmux.key("C-c");
    assert_eq!(tmux.status(), ("130".into(), true));
}

#[test]
fn a_line_over_several_rows_is_drawn_anew_and_follows_the_size_of_the_window() {
    let Some((tmux, mut peer, _server)) = connected(20, 12, "") else { return };
    tmux.type_in("abcdefghijklmnopqrstuvwxyz0123456789");
    tmux.wait_end("abcdefghijklmnopqrst\nuvwxyz0123456789");
    tmux.key("Home");
    tmux.type_in("__");
    tmux.wait_end("__abcdefghijklmnopqr\nstuvwxyz0123456789");
    peer.send(b"news\n");
    tmux.wait_end("news\n__abcdefghijklmnopqr\nstuvwxyz0123456789");
    tmux.resize(30, 12);
    tmux.wait_end("news\n__abcdefghijklmnopqrstuvwxyz01\n23456789");
    peer.send(b"more\n");
    tmux.wait_end("news\nmore\n__abcdefghijklmnopqrstuvwxyz01\n23456789");
    tmux.key("End");
    tmux.key("C-w");
    tmux.type_in("end");
    tmux.wait_end("news\nmore\nend");
    tmux.key("Enter");
    peer.expect(b"end\n");
}

#[test]
fn lines_are_kept_for_the_next_run_with_the_same_target_unless_it_is_not_wanted() {
    let Some((tmux, mut peer, server)) = connected(60, 20, "") else { return };
    tmux.type_in("first line");
    tmux.key("Enter");
    tmux.type_in("second");
    tmux.key("Enter");
    peer.expect(b"first line\nsecond\n");
    drop(peer);
    assert_eq!(tmux.status(), ("0".into(), true));
    let file = tmux.state(&format!("tcpx/history/{}", server.address));
    assert_eq!(fs::read_to_string(&file).expect("the history"), "first line\nsecond\n");
    assert_eq!(fs::metadata(&file).expect("the history").permissions().mode() & 0o777, 0o600);
    tmux.connect(server.address, "");
    let mut peer = server.accept();
    tmux.wait_keys();
    tmux.key("Up");
    tmux.wait_end("second");
    tmux.key("C-r");
    tmux.type_in("fi");
    tmux.wait_end("(search) `fi': first line");
    tmux.key("Enter");
    peer.expect(b"first line\n");
    drop(peer);
    assert_eq!(tmux.status().0, "0");
    tmux.connect(server.address, "--no-history");
    let mut peer = server.accept();
    tmux.wait_keys();
    tmux.key("Up");
    tmux.type_in("third");
    tmux.key("Enter");
    peer.expect(b"third\n");
    drop(peer);
    assert_eq!(tmux.status().0, "0");
    assert_eq!(fs::read_to_string(&file).expect("the history"), "first line\nsecond\nfirst line\n");
}

#[test]
fn a_stopped_run_gives_the_terminal_back_and_takes_it_again() {
    let Some((tmux, mut peer, _server)) = connected(60, 20, "") else { return };
    tmux.type_in("hel");
    tmux.wait_end("hel");
    tmux.key("C-z");
    tmux.wait("Stopped");
    assert!(tmux.status().1, "the shell has a terminal");
    peer.send(b"meanwhile\n");
    tmux.type_in("clear; fg");
    tmux.key("Enter");
    tmux.wait_end("meanwhile\nhel");
    tmux.type_in("lo");
    tmux.key("Enter");
    peer.expect(b"hello\n");
    tmux.key("C-c");
    assert_eq!(tmux.status(), ("130".into(), true));
}

#[test]
fn the_terminal_is_as_it_was_after_a_signal() {
    for (kill, status) in [("-TERM", "143"), ("-HUP", "129"), ("-QUIT", "131")] {
        let Some((tmux, peer, _server)) = connected(60, 20, "") else { return };
        tmux.type_in("hel");
        tmux.wait_end("hel");
        let pid = peer_process(&tmux);
        let done = std::process::Command::new("kill").args([kill, &pid]).status().expect("kill");
        assert!(done.success());
        assert_eq!(tmux.status(), (status.into(), true), "{kill}");
        drop(peer);
    }
}

/// The process of tcpx in the window.
fn peer_process(tmux: &Tmux) -> String {
    let shell = tmux.shell();
    let children = fs::read_to_string(format!("/proc/{shell}/task/{shell}/children")).expect("its children");
    children.split_whitespace().last().expect("tcpx").to_owned()
}

#[test]
fn our_words_stand_above_the_line() {
    let Some((tmux, mut peer, server)) = connected(70, 20, "-x") else { return };
    tmux.type_in("hel");
    tmux.wait_end("hel");
    peer.send(b"half");
    tmux.wait_end("half\nhel");
    peer.reset();
    tmux.wait(&format!("half\ntcpx: read from {}: connection reset by peer\nhel\n", server.address));
    assert_eq!(tmux.status(), ("56".into(), true));
}

#[test]
fn a_server_and_a_script_get_edited_lines_too() {
    let Some(tmux) = Tmux::start(80, 20) else { return };
    tmux.command("listen 127.0.0.1 0 --session 'print(`<${read_stdin_line()}>`); conn.interactive()'");
    tmux.wait("listening on ");
    let address = tmux.screen().split("listening on ").nth(1).expect("an address").trim().parse().expect("an address");
    let mut peer = Conn::to(address);
    tmux.wait_keys();
    tmux.type_in("onx");
    tmux.key("BSpace");
    tmux.type_in("e");
    tmux.key("Enter");
    tmux.wait_end("one\n<one>");
    tmux.type_in("twx");
    tmux.key("BSpace");
    tmux.type_in("o");
    peer.send(b"news\n");
    tmux.wait_end("news\ntwo");
    tmux.key("Enter");
    peer.expect(b"two\n");
    tmux.key("C-c");
    assert_eq!(tmux.status(), ("130".into(), true));
}

#[test]
fn a_dumb_terminal_edits_its_lines_itself() {
    let Some(tmux) = Tmux::start(60, 20) else { return };
    let server = Server::start();
    tmux.type_in("export TERM=dumb");
    tmux.key("Enter");
    tmux.command(&format!("connect 127.0.0.1 {}", server.address.port()));
    let mut peer = server.accept();
    tmux.type_in("hel");
    tmux.wait("hel");
    peer.send(b"news\n");
    tmux.wait("helnews");
    tmux.type_in("lo");
    tmux.key("Enter");
    peer.expect(b"hello\n");
    assert!(!tmux.state("tcpx").exists(), "nothing is kept");
}

/// A run on a terminal without a shell, which would mend the modes; and its peer.
fn alone(words: &[&str]) -> (Pty, Running, Conn, Folder) {
    alone_with(words, "NO_COLOR=1")
}

pub(crate) fn alone_with(words: &[&str], variable: &str) -> (Pty, Running, Conn, Folder) {
    alone_in(words, &[variable])
}

/// The same with these variables.
pub(crate) fn alone_in(words: &[&str], variables: &[&str]) -> (Pty, Running, Conn, Folder) {
    let (pty, folder, server) = (Pty::new(), Folder::new(), Server::start());
    let state = format!("XDG_STATE_HOME={}", folder.path("state").display());
    let port = server.address.port().to_string();
    let tcpx = Tcpx::new(&["connect"]).args(words).args(&["127.0.0.1", &port]).stdin(Stdin::Fd(pty.side()));
    let tcpx = tcpx.stdout(Stdout::Fd(pty.side())).stderr(pty.side()).under(&["setsid", "--ctty"]);
    let tcpx = tcpx.with_default_signals().under(&[&["env", "TERM=xterm", &state], variables].concat()).spawn();
    let peer = server.accept();
    wait_for("the editor", || !pty.is_sane());
    (pty, tcpx, peer, folder)
}

/// Ends a run; returns its peer if that is still there.
type End = fn(&mut Pty, &Running, Conn) -> Option<Conn>;

fn press(pty: &mut Pty, keys: &[u8], peer: Conn) -> Conn {
    pty.type_in(keys);
    peer
}

fn signal(tcpx: &Running, signal: Signal, peer: Conn) -> Conn {
    tcpx.signal(signal);
    peer
}

fn until_end(mut peer: Conn) -> Conn {
    peer.expect_eof();
    peer
}

#[test]
fn the_terminal_is_as_it_was_after_every_end() {
    let ends: [(&str, End, i32); 8] = [
        ("Ctrl-C", |pty, _, peer| Some(press(pty, b"\x03", peer)), 130),
        ("Ctrl-\\", |pty, _, peer| Some(press(pty, b"\x1c", peer)), 131),
        ("TERM", |_, tcpx, peer| Some(signal(tcpx, Signal::TERM, peer)), 143),
        ("HUP", |_, tcpx, peer| Some(signal(tcpx, Signal::HUP, peer)), 129),
        ("the peer's end", |_, _, _peer| None, 0),
        (
            "a reset",
            |_, _, peer| {
                peer.reset();
                None
            },
            56,
        ),
        ("leaving", |pty, _, peer| Some(press(pty, b"\x15~.", peer)), 0),
        ("the end of input", |pty, _, peer| Some(press(pty, b"\x15\x04", peer)), 0),
    ];
    for (name, end, code) in ends {
        let (mut pty, tcpx, peer, _folder) = alone(&[]);
        let before = pty.modes();
        pty.type_in(b"hel");
        pty.wait_screen("hel");
        let mut peer = end(&mut pty, &tcpx, peer);
        if code == 0 {
            drop(peer.take().map(until_end));
        }
        let done = tcpx.finish();
        // What it says is on the terminal.
        if code == 56 {
            assert_eq!(done.status_code(), Some(code));
        } else {
            done.code(code);
        }
        drop(peer);
        assert!(pty.is_sane(), "{name}: {before:?}");
        pty.wait_screen("\x1b[?2004l");
    }
}

#[test]
fn a_stop_that_nobody_could_end_changes_nothing() {
    let (mut pty, tcpx, mut peer, _folder) = alone(&[]);
    pty.type_in(b"hel");
    pty.wait_screen("hel");
    // A process without a shell above it does not stop.
    pty.type_in(b"\x1a");
    pty.type_in(b"lo\n");
    peer.expect(b"hello\n");
    assert!(!pty.is_sane(), "it goes on editing");
    drop(peer);
    tcpx.finish().code(0);
    assert!(pty.is_sane());
}

#[test]
fn single_keys_are_sent_as_they_are() {
    let (mut pty, tcpx, mut peer, folder) = alone(&["--raw"]);
    pty.type_in(b"a\x03\x1b[A\r\x04");
    peer.expect(b"a\x03\x1b[A\r\x04");
    peer.send(b"echoed\r\n");
    pty.wait_screen("echoed");
    assert_eq!(pty.screen.text(), "echoed\r\r\n", "no key is shown");
    pty.type_in(b"\r~~\r~?");
    peer.expect(b"\r~\r");
    pty.wait_screen("another encoding");
    pty.type_in(b"~s 00 ff\r~e gbk\r");
    peer.expect(b"\x00\xff");
    pty.wait_screen("encoding: gbk");
    pty.type_in("你~.\r".as_bytes());
    peer.expect(b"\xc4\xe3~.\r");
    pty.type_in(b"~.");
    peer.expect_eof();
    drop(peer);
    tcpx.finish().code(0);
    assert!(pty.is_sane());
    assert!(!folder.path("state").exists(), "nothing is kept");
}

#[test]
fn echo_shows_keys_and_hides_lines() {
    let (mut pty, tcpx, mut peer, _folder) = alone(&["--raw", "--echo", "on"]);
    pty.type_in(b"ab\r");
    peer.expect(b"ab\r");
    pty.wait_screen("ab");
    pty.type_in(b"~.");
    tcpx.finish().code(0);
    let (mut pty, tcpx, mut peer, folder) = alone(&["--echo", "off"]);
    pty.type_in(b"secret\n");
    peer.expect(b"secret\n");
    peer.send(b"ok\n");
    pty.wait_screen("ok");
    pty.type_in(b"\x03");
    tcpx.finish().code(130);
    assert!(!pty.screen.text().contains("secret"), "{:?}", pty.screen.text());
    assert!(!folder.path("state").exists(), "nothing is kept");
}

#[test]
fn what_is_sent_has_a_colour_unless_it_is_not_wanted() {
    for (variable, coloured) in [("NO_COLOR=1", false), ("NO_COLOR=", true)] {
        let (mut pty, tcpx, mut peer, _folder) = alone_with(&[], variable);
        pty.type_in(b"hello\n");
        peer.expect(b"hello\n");
        pty.wait_screen(if coloured { "\x1b[36mhello\x1b[0m\r" } else { "hello\r" });
        assert_eq!(pty.screen.text().contains("\x1b[36m"), coloured);
        drop(peer);
        tcpx.finish().code(0);
    }
}

#[test]
fn each_line_of_output_begins_with_the_time() {
    let (tcpx, mut peer) = Tcpx::new(&["--timestamps"]).stdin(Stdin::Open).pair(Role::Connect);
    peer.send(b"one\ntw");
    peer.send(b"o\n\xff\n");
    drop(peer);
    let done = tcpx.finish();
    done.code(0);
    let lines: Vec<&[u8]> = done.stdout.split_inclusive(|byte| *byte == b'\n').collect();
    let rest: Vec<&[u8]> = lines.iter().map(|line| &line[13..]).collect();
    assert_eq!(rest, [b"one\n".as_slice(), b"two\n", b"\xff\n"]);
    assert!(lines.iter().all(|line| line[2] == b':' && line[5] == b':' && line[8] == b'.' && line[12] == b' '));
    let (mut pty, tcpx, mut peer, _folder) = alone(&["--timestamps"]);
    peer.send(b"login: ");
    pty.wait_screen("login: ");
    pty.type_in(b"bob\n");
    peer.expect(b"bob\n");
    pty.wait_screen(" > bob\r");
    drop(peer);
    tcpx.finish().code(0);
}

#[test]
fn labels_tell_what_is_sent_from_what_is_received() {
    let Some((tmux, mut peer, server)) = connected(80, 20, "--label") else { return };
    tmux.type_in("hel");
    tmux.wait_end("hel");
    peer.send(b"220 ready\n");
    tmux.wait_end(&format!("< {}: 220 ready\nhel", server.address));
    tmux.type_in("lo");
    tmux.key("Enter");
    peer.expect(b"hello\n");
    tmux.wait_end(&format!("< {0}: 220 ready\n> {0}: hello", server.address));
    tmux.key("C-c");
    assert_eq!(tmux.status(), ("130".into(), true));
}

#[test]
fn a_paste_may_be_longer_than_the_screen_and_every_buffer() {
    let (mut pty, tcpx, mut peer, _folder) = alone(&[]);
    let long = "0123456789abcdef".repeat(20_000);
    pty.type_in(format!("\x1b[200~{long}\x1b[201~").as_bytes());
    pty.type_in(b"\n");
    peer.expect(format!("{long}\n").as_bytes());
    pty.type_in(b"\x04");
    peer.expect_eof();
    drop(peer);
    tcpx.finish().code(0);
}
