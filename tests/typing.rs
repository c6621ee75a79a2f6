//! Lines typed in a real terminal (tmux): edited, beside what arrives; the terminal as it was after every end.

use std::fs;
use std::os::unix::fs::PermissionsExt;

use crate::support::peer::{Conn, Server};
use crate::support::tmux::Tmux;

/// A window with a connection to a server, if there is tmux.
fn connected(columns: u16, rows: u16, options: &str) -> Option<(Tmux, Conn, Server)> {
    let tmux = Tmux::start(columns, rows)?;
    let server = Server::start();
    tmux.connect(server.address, options);
    let peer = server.accept();
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
    tmux.paste("GET / HTTP/1.0\n\n\ttab~.\u{3}\nrest");
    peer.expect(b"GET / HTTP/1.0\n\n\ttab~.\x03\n");
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
    assert_eq!(tmux.status().1, true, "the shell has a terminal");
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
    tmux.wait_end("\nhalf\nhel");
    peer.reset();
    tmux.wait(&format!("hel\ntcpx: read from {}: connection reset by peer", server.address));
    assert_eq!(tmux.status(), ("56".into(), true));
}

#[test]
fn a_server_and_a_script_get_edited_lines_too() {
    let Some(tmux) = Tmux::start(80, 20) else { return };
    tmux.command("listen 127.0.0.1 0 --session 'print(`<${read_stdin_line()}>`); conn.interactive()'");
    tmux.wait("listening on ");
    let address = tmux.screen().split("listening on ").nth(1).expect("an address").trim().parse().expect("an address");
    let mut peer = Conn::to(address);
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
