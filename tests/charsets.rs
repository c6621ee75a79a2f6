//! Terminals that do not speak UTF-8 (`LC_ALL=zh_CN.GBK`): what is shown there, and what is typed. Pipes know no locale.

use crate::support::peer::{Conn, Server};
use crate::support::pty::Pty;
use crate::support::{Folder, Role, Running, Stdin, Stdout, Tcpx};
use crate::typing::alone_in;

const GBK: &str = "LC_ALL=en_US.GBK";

/// A run on a terminal with an editor, and its peer.
fn edited(words: &[&str]) -> (Pty, Running, Conn, Folder) {
    alone_in(words, &["NO_COLOR=1", GBK])
}

/// A run on a terminal that edits its lines itself, and its peer.
fn unedited(words: &[&str]) -> (Pty, Running, Conn) {
    let (pty, server) = (Pty::new(), Server::start());
    let port = server.address.port().to_string();
    let tcpx = Tcpx::new(&["connect"]).args(words).args(&["127.0.0.1", &port]).stdin(Stdin::Fd(pty.side()));
    let tcpx = tcpx.stdout(Stdout::Fd(pty.side())).stderr(pty.side()).under(&["setsid", "--ctty"]);
    let tcpx = tcpx.with_default_signals().under(&["env", "TERM=dumb", GBK]).spawn();
    let peer = server.accept();
    (pty, tcpx, peer)
}

fn ends((mut pty, tcpx, peer): (Pty, Running, Conn)) {
    pty.type_in(b"\x04");
    drop(peer);
    tcpx.finish().code(0);
}

#[test]
fn people_and_peer_each_have_their_encoding() {
    // 大家 and 世界é😀 for each peer; é is a character of GBK.
    for (label, sent, received) in [
        ("utf-8", "大家\n".as_bytes(), "世界é😀.\n".as_bytes()),
        ("gb18030", b"\xb4\xf3\xbc\xd2\n", b"\xca\xc0\xbd\xe7\xa8\xa6\x94\x39\xfc\x36.\n"),
        ("utf-16le", b"\x27\x59\xb6\x5b\n\0", b"\x16\x4e\x4c\x75\xe9\0\x3d\xd8\0\xde.\0\n\0"),
    ] {
        let (mut pty, tcpx, mut peer, _folder) = edited(&["-E", label]);
        pty.type_in(b"\xb4\xf3\xbc\xd2\n");
        peer.expect(sent);
        pty.wait_bytes(b"\xb4\xf3\xbc\xd2");
        peer.send(received);
        pty.wait_bytes(b"\xca\xc0\xbd\xe7\xa8\xa6??.\r\n");
        ends((pty, tcpx, peer));
        let (mut pty, tcpx, mut peer) = unedited(&["-E", label]);
        pty.type_in(b"\xb4\xf3\xbc\xd2\n");
        peer.expect(sent);
        peer.send(received);
        pty.wait_bytes(b"\xca\xc0\xbd\xe7\xa8\xa6??.\r\n");
        ends((pty, tcpx, peer));
    }
}

#[test]
fn without_one_bytes_are_the_terminals() {
    for edits in [true, false] {
        let (mut pty, tcpx, mut peer) = if edits {
            let (pty, tcpx, peer, _folder) = edited(&[]);
            (pty, tcpx, peer)
        } else {
            unedited(&[])
        };
        pty.type_in(b"\xb4\xf3\xbc\xd2\n");
        peer.expect(b"\xb4\xf3\xbc\xd2\n");
        peer.send(b"\xca\xc0\xbd");
        pty.wait_bytes(b"\xca\xc0");
        peer.send(b"\xe7\xff\x1b]0;t\x07.\n");
        pty.wait_bytes(b"\xca\xc0\xbd\xe7\\xff^[]0;t^G.\r\n");
        ends((pty, tcpx, peer));
    }
}

#[test]
fn the_line_is_edited_by_characters() {
    let (mut pty, tcpx, mut peer, _folder) = edited(&["-E", "utf-8"]);
    // 你好亊, whose last byte is a tilde; a backspace; to the left; before 好: a backspace.
    pty.type_in(b"\xc4\xe3\xba\xc3\x81\x7e\x7f\x1b[D\x7f\xb4\xf3");
    peer.send("消息\n".as_bytes());
    pty.wait_bytes(b"\xcf\xfb\xcf\xa2\r\n\xb4\xf3\xba\xc3\r\x1b[2C");
    pty.type_in(b"\x1b[200~\x81\x7e\x1b[201~\n");
    peer.expect("大亊好\n".as_bytes());
    // Earlier lines have nothing but what can be shown; commands answer in the same encoding.
    pty.type_in(b"\x1b[A\x15~e \xc4\xe3\n");
    pty.wait_bytes(b"unknown encoding \"\xc4\xe3\"");
    ends((pty, tcpx, peer));
}

#[test]
fn every_encoding_of_a_terminal_is_known() {
    for (variable, typed, sent) in [
        ("LANG=zh_TW.Big5", b"\xa4j\xaea".as_slice(), "大家"),
        ("LC_CTYPE=ja_JP.eucJP", b"\xc2\xe7\x8f\xb0\xa1", "大丂"),
        ("LC_ALL=ja_JP.SJIS", b"\x95\x5c\xb1", "表ｱ"),
        ("LC_ALL=ko_KR.eucKR", b"\xb0\xa1", "가"),
        ("LC_ALL=zh_CN.GB18030", b"\x94\x39\xfc\x36", "😀"),
        ("LC_ALL=ru_RU.KOI8-R", b"\xf0\xd2", "Пр"),
    ] {
        let locale =
            ["LC_ALL=", "LC_CTYPE=", "LANG="].map(|name| if variable.starts_with(name) { variable } else { name });
        let (mut pty, tcpx, mut peer, _folder) = alone_in(&["-E", "utf-8"], &locale);
        pty.type_in(&[typed, b"\n"].concat());
        peer.expect(format!("{sent}\n").as_bytes());
        peer.send(format!("<{sent}>\n").as_bytes());
        pty.wait_bytes(&[b"<", typed, b">\r\n"].concat());
        ends((pty, tcpx, peer));
    }
}

#[test]
fn single_keys_and_their_echo_are_the_terminals_too() {
    let (mut pty, tcpx, mut peer, _folder) = edited(&["--raw", "--echo", "on", "-E", "utf-8"]);
    pty.type_in(b"\xb4");
    pty.type_in(b"\xf3\r");
    peer.expect("大\r".as_bytes());
    pty.wait_bytes(b"\xb4\xf3\r\r\n");
    peer.send("好".as_bytes());
    pty.wait_bytes(b"\xba\xc3");
    pty.type_in(b"~.");
    peer.expect_eof();
    drop(peer);
    tcpx.finish().code(0);
}

#[test]
fn a_script_reads_and_prints_text() {
    let script = "print(`<${read_stdin_line()}>😀`); conn.interactive()";
    let (mut pty, tcpx, mut peer, _folder) = edited(&["--session", script]);
    pty.type_in(b"\xc4\xe3\xba\xc3\n\xb4\xf3\n");
    pty.wait_bytes(b"<\xc4\xe3\xba\xc3>??\r\n");
    peer.expect("大\n".as_bytes());
    peer.send("家\n".as_bytes());
    pty.wait_bytes(b"\xbc\xd2\r\n");
    drop(peer);
    tcpx.finish().code(0);
}

#[test]
fn messages_and_the_names_of_lines_share_the_terminal() {
    let (mut pty, tcpx, mut peer, _folder) = edited(&["-x", "-E", "utf-8", "--timestamps"]);
    pty.type_in(b"\xc4\xe3");
    pty.wait_bytes(b"\xc4\xe3");
    peer.send("好".as_bytes());
    pty.wait_bytes(b" \xba\xc3\r\r\n\xc4\xe3");
    peer.reset();
    assert_eq!(tcpx.finish().status_code(), Some(56));
}

#[test]
fn pipes_know_no_locale() {
    for variable in [GBK, "LC_ALL=zh_CN.GBK"] {
        let tcpx = Tcpx::new(&["-E", "gbk"]).under(&["env", variable]).stdin(Stdin::Open);
        let (mut tcpx, mut peer) = tcpx.pair(Role::Connect);
        tcpx.write("大家\n".as_bytes());
        peer.expect(b"\xb4\xf3\xbc\xd2\n");
        peer.send(b"\xca\xc0\xbd\xe7\n");
        drop(peer);
        tcpx.finish().code(0).wrote("世界\n");
        let (mut tcpx, mut peer) =
            Tcpx::new(&[] as &[&str]).under(&["env", variable]).stdin(Stdin::Open).pair(Role::Connect);
        tcpx.write(b"\xe5\xb4\n");
        peer.expect(b"\xe5\xb4\n");
        peer.send(b"\xff\xe5\n");
        drop(peer);
        tcpx.finish().code(0);
    }
}
