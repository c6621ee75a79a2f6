//! Commands behind `~` at the beginning of a line, in a real terminal (tmux).

use crate::support::Folder;
use crate::support::peer::Conn;
use crate::support::tmux::Tmux;
use crate::typing::connected;

#[test]
fn each_command_does_what_the_list_says() {
    let Some((tmux, mut peer, server)) = connected(140, 30, "") else { return };
    let folder = Folder::new();
    let file = folder.file("a file", b"contents\n");
    tmux.type_in("~?");
    tmux.wait("~e LABEL  another encoding");
    tmux.key("Enter");
    tmux.type_in("~i");
    tmux.wait(&format!("{} from 127.0.0.1:", server.address));
    tmux.wait("0 bytes received, 0 sent; encoding: none");
    tmux.type_in("~~.");
    tmux.key("Enter");
    peer.expect(b"~.\n");
    tmux.type_in("~s 00 ff0d0a");
    tmux.key("Enter");
    peer.expect(b"\x00\xff\r\n");
    tmux.type_in(&format!("~f {}", file.display()));
    tmux.key("Enter");
    peer.expect(b"contents\n");
    tmux.type_in("~e gbk");
    tmux.key("Enter");
    tmux.wait("encoding: gbk");
    tmux.type_in("你好");
    tmux.key("Enter");
    peer.expect(b"\xc4\xe3\xba\xc3\n");
    peer.send(b"\xca\xc0\xbd\xe7\n");
    tmux.wait("世界");
    tmux.type_in("~e raw");
    tmux.key("Enter");
    tmux.wait("encoding: none");
    tmux.type_in("大");
    tmux.key("Enter");
    peer.expect("大\n".as_bytes());
    tmux.type_in("~x");
    tmux.wait("hex dump on");
    peer.send(b"hex\n");
    tmux.wait("< 00000000  68 65 78 0a");
    tmux.type_in("~x");
    tmux.wait("hex dump off");
    tmux.type_in("~h");
    peer.expect_eof();
    peer.send(b"still heard\n");
    tmux.wait_end("still heard");
    tmux.type_in("~.");
    assert_eq!(tmux.status(), ("0".into(), true));
}

#[test]
fn reset_and_leave_end_the_run() {
    for (keys, resets) in [("~r", true), ("~.", false)] {
        let Some((tmux, mut peer, _server)) = connected(80, 20, "") else { return };
        tmux.type_in("sent");
        tmux.key("Enter");
        peer.expect(b"sent\n");
        tmux.type_in(keys);
        if resets {
            peer.expect_reset();
        } else {
            peer.expect_eof();
            drop(peer);
        }
        assert_eq!(tmux.status(), ("0".into(), true), "{keys}");
    }
}

#[test]
fn a_command_that_cannot_be_done_says_why_and_sends_nothing() {
    let Some((tmux, mut peer, _server)) = connected(140, 30, "") else { return };
    for (keys, words) in [
        ("~e klingon", "tcpx: unknown encoding \"klingon\""),
        ("~s xyz", "tcpx: ~s xyz: "),
        ("~s", "tcpx: ~s needs bytes"),
        ("~f /no/such", "tcpx: ~f /no/such: no such file or directory"),
        ("~f /", "tcpx: ~f /: is a directory"),
        ("~f /dev/zero", "tcpx: ~f /dev/zero: not a regular file"),
        ("~f", "tcpx: ~f needs the name of a file"),
    ] {
        tmux.type_in(keys);
        tmux.key("Enter");
        tmux.wait(words);
    }
    tmux.type_in("~/none of them");
    tmux.key("Enter");
    peer.expect(b"~/none of them\n");
}

#[test]
fn a_command_comes_after_the_lines_before_it() {
    let Some((tmux, mut peer, _server)) = connected(80, 20, "") else { return };
    // In one piece, as a fast typist or a paste without marks.
    tmux.type_in("one\ntwo\n~e gbk\n你\n~h");
    peer.expect(b"one\ntwo\n\xc4\xe3\n");
    peer.expect_eof();
}

#[test]
fn a_server_talks_to_the_newest_client_or_to_the_chosen_one() {
    let Some(tmux) = Tmux::start(140, 24) else { return };
    tmux.command("listen -k 127.0.0.1 0");
    tmux.wait("listening on ");
    let address = tmux.screen().split("listening on ").nth(1).expect("an address").trim().parse().expect("an address");
    let mut first = Conn::to(address);
    first.send(b"first\n");
    tmux.wait("first");
    tmux.type_in("to one");
    tmux.key("Enter");
    first.expect(b"to one\n");
    let mut second = Conn::to(address);
    second.send(b"second\n");
    tmux.wait("second");
    tmux.type_in("to two");
    tmux.key("Enter");
    second.expect(b"to two\n");
    tmux.type_in("~1");
    tmux.wait("lines go to client 1");
    tmux.type_in("to one again");
    tmux.key("Enter");
    first.expect(b"to one again\n");
    tmux.type_in("~i");
    tmux.wait("* ~1 127.0.0.1:");
    tmux.wait("  ~2 127.0.0.1:");
    tmux.type_in("~9");
    tmux.wait("there is no client 9");
    // A socket that is dropped may live on in a process that another test is starting.
    first.half_close();
    first.expect_eof();
    second.send(b"the other has gone\n");
    tmux.wait("the other has gone");
    tmux.type_in("to two again");
    tmux.key("Enter");
    second.expect(b"to two again\n");
    tmux.key("C-c");
    assert_eq!(tmux.status(), ("130".into(), true));
}
