//! Text in other encodings, through the binary: stdin and stdout are UTF-8, the connection is not. And bytes without an
//! encoding, which must pass unchanged.

use std::net::SocketAddr;
use std::thread;

use encoding_rs::{GBK, SHIFT_JIS};

use crate::support::peer::Conn;
use crate::support::{BOTH, Role, Running, Stdin, Tcpx, assert_same, noise, wait_for};

const PLAIN: &[&str] = &[];

/// Labels, texts, and their bytes on the connection, including trail bytes in the ASCII range and surrogates.
fn samples() -> Vec<(&'static str, &'static str, Vec<u8>)> {
    let (gbk, sjis) = ("你好，世界！乗A丂", "表示ソフト 十ｱ能");
    let wide = "你好 😀é\n";
    let gbk_bytes = GBK.encode(gbk).0.into_owned();
    let sjis_bytes = SHIFT_JIS.encode(sjis).0.into_owned();
    // Literal bytes, so that the library is not compared with itself only.
    assert!(gbk_bytes.starts_with(b"\xc4\xe3\xba\xc3\xa3\xac"));
    assert!(sjis_bytes.starts_with(b"\x95\x5c\x8e\xa6\x83\x5c"));
    vec![
        ("gbk", gbk, gbk_bytes),
        ("shift_jis", sjis, sjis_bytes),
        ("utf-16le", wide, wide.encode_utf16().flat_map(u16::to_le_bytes).collect()),
        ("utf-16be", wide, wide.encode_utf16().flat_map(u16::to_be_bytes).collect()),
    ]
}

/// Waits until tcpx has read so many bytes of this client, as its hex dump says.
fn wait_for_bytes(tcpx: &mut Running, client: SocketAddr, count: usize) {
    let start = format!("{client} < ");
    wait_for(&format!("{count} bytes"), || {
        let text = tcpx.err.text();
        let rows = text.lines().filter(|line| line.starts_with(&start));
        let length = |row: &str| row.split_once('|').map_or(0, |(_, shown)| shown.len() - 1);
        rows.map(length).sum::<usize>() >= count
    });
}

#[test]
fn text_passes_in_both_directions() {
    for (label, text, wire) in samples() {
        for role in BOTH {
            for stdin in [Stdin::bytes(text.as_bytes()), Stdin::file(text.as_bytes())] {
                let (tcpx, mut peer) = Tcpx::new(&["-E", label]).stdin(stdin).pair(role);
                peer.expect(&wire);
                peer.expect_eof();
                peer.send(&wire);
                drop(peer);
                tcpx.finish().code(0).wrote(text).quietly();
            }
        }
    }
}

#[test]
fn received_text_is_decoded_at_every_split() {
    for (label, text, wire) in samples() {
        let (mut tcpx, address) = Tcpx::new(&["-k", "-x", "-E", label]).stdin(Stdin::Open).listen();
        let mut written = Vec::new();
        for cut in 1..wire.len() {
            let mut peer = Conn::to(address);
            let name = peer.0.local_addr().expect("its address");
            peer.send(&wire[..cut]);
            wait_for_bytes(&mut tcpx, name, cut);
            peer.send(&wire[cut..]);
            written.extend_from_slice(text.as_bytes());
            tcpx.wait_stdout(&written);
        }
        let mut peer = Conn::to(address);
        let name = peer.0.local_addr().expect("its address");
        for (number, byte) in wire.iter().enumerate() {
            peer.send(&[*byte]);
            wait_for_bytes(&mut tcpx, name, number + 1);
        }
        written.extend_from_slice(text.as_bytes());
        tcpx.wait_stdout(&written);
    }
}

#[test]
fn stdin_is_encoded_at_every_split() {
    for (label, text, wire) in samples() {
        let (mut tcpx, mut peer) = Tcpx::new(&["-E", label]).stdin(Stdin::Open).pair(Role::Connect);
        for cut in 1..text.len() {
            tcpx.write(&text.as_bytes()[..cut]);
            tcpx.wait_idle();
            tcpx.write(&text.as_bytes()[cut..]);
            peer.expect(&wire);
        }
        tcpx.close_stdin();
        peer.expect_eof();
        drop(peer);
        tcpx.finish().code(0).quietly();
    }
}

#[test]
fn each_client_has_a_decoder_of_its_own() {
    let (mut tcpx, address) = Tcpx::new(&["-k", "-x", "-E", "gbk"]).stdin(Stdin::Open).listen();
    let (mut first, mut second) = (Conn::to(address), Conn::to(address));
    let names = [&first, &second].map(|conn| conn.0.local_addr().expect("its address"));
    first.send(b"\xc4");
    wait_for_bytes(&mut tcpx, names[0], 1);
    second.send(b"\xba");
    wait_for_bytes(&mut tcpx, names[1], 1);
    first.send(b"\xe3");
    tcpx.wait_stdout("你".as_bytes());
    second.send(b"\xc3");
    tcpx.wait_stdout("你好".as_bytes());
    tcpx.write("世界".as_bytes());
    for conn in [&mut first, &mut second] {
        conn.expect(b"\xca\xc0\xbd\xe7");
    }
}

#[test]
fn malformed_bytes_become_a_replacement_character() {
    for (label, wire, text) in [
        ("gbk", b"\xc4\xe3\xff\xba\xc3".as_slice(), "你\u{fffd}好"),
        ("gbk", b"cut\xc4", "cut\u{fffd}"),
        ("utf-16le", b"a\0\x00\xd8b\0", "a\u{fffd}b"),
        ("utf-16le", b"a\0b", "a\u{fffd}"),
        ("utf-8", b"a\xe4\xbd", "a\u{fffd}"),
    ] {
        for role in BOTH {
            let (tcpx, mut peer) = Tcpx::new(&["-E", label]).stdin(Stdin::Open).pair(role);
            peer.send(wire);
            drop(peer);
            tcpx.finish().code(0).wrote(text).quietly();
        }
    }
}

#[test]
fn malformed_bytes_can_be_an_error_after_earlier_text_is_written() {
    // What is malformed resets the connection at once; a character that is cut is malformed with the end.
    for (label, wire, is_cut, text) in [
        ("gbk", b"\xc4\xe3\xba\xc3\xff after".as_slice(), false, "你好"),
        ("gbk", b"cut\xc4", true, "cut"),
        ("shift_jis", b"\x95\x5c\xff", false, "表"),
        ("utf-16le", b"a\0\x00\xdcb\0", false, "a"),
    ] {
        for role in BOTH {
            let (tcpx, mut peer) = Tcpx::new(&["-E", label, "--malformed", "fail"]).stdin(Stdin::Open).pair(role);
            peer.send(wire);
            if is_cut {
                peer.half_close();
            }
            let done = tcpx.finish();
            done.code(114).wrote(text);
            assert_eq!(done.messages().count(), 1, "{}", done.stderr);
            assert!(done.stderr.to_lowercase().contains(label), "the encoding is named: {}", done.stderr);
        }
    }
    // With several clients, only the one with the error is closed.
    let (mut tcpx, address) = Tcpx::new(&["-k", "-E", "gbk", "--malformed", "fail"]).stdin(Stdin::Open).listen();
    let (mut bad, mut good) = (Conn::to(address), Conn::to(address));
    bad.send(b"x\xff");
    bad.expect_reset();
    good.send(b"\xc4\xe3");
    tcpx.wait_stdout("x你".as_bytes());
    assert!(tcpx.is_running());
}

#[test]
fn an_unencodable_character_is_an_error_after_earlier_text_is_sent() {
    let text = "一二三\n四😀五";
    for role in BOTH {
        for is_file in [false, true] {
            let stdin = if is_file { Stdin::file(text.as_bytes()) } else { Stdin::Open };
            let (mut tcpx, mut peer) = match role {
                // A reset that comes during connect(2) is an error of that.
                Role::Listen if is_file => continue,
                _ => Tcpx::new(&["-E", "gbk"]).stdin(stdin).pair(role),
            };
            if !is_file {
                tcpx.write(text.as_bytes());
            }
            assert_same(&peer.read_to_reset(), &GBK.encode("一二三\n四").0, "what came before");
            drop(peer);
            let done = tcpx.finish();
            done.code(114).said("tcpx: stdin: cannot encode U+1F600 '😀' (character 6) in gbk");
            assert_eq!(done.messages().count(), 1, "{}", done.stderr);
        }
        let (tcpx, mut peer) =
            Tcpx::new(&["-E", "gbk", "--unencodable", "replace"]).stdin(Stdin::bytes(text.as_bytes())).pair(role);
        assert_same(&peer.read_all(), &GBK.encode("一二三\n四?五").0, "with a question mark");
        drop(peer);
        tcpx.finish().code(0).quietly();
    }
}

#[test]
fn unencodable_text_of_an_option_exits_with_114() {
    let (tcpx, mut peer) = Tcpx::new(&["-E", "gbk", "--send", "a😀"]).stdin(Stdin::Open).pair(Role::Connect);
    peer.expect(b"a");
    peer.expect_reset();
    drop(peer);
    tcpx.finish().code(114).said("U+1F600");
}

#[test]
fn raw_bytes_of_an_option_are_not_encoded() {
    let options = ["-E", "gbk", "--send", r"你\xff\x00", "--send-hex", "80ff", "--send", "好"];
    let (_tcpx, mut peer) = Tcpx::new(&options).stdin(Stdin::Open).pair(Role::Connect);
    peer.expect(b"\xc4\xe3\xff\x00\x80\xff\xba\xc3");
}

#[test]
fn line_ends_are_converted_before_encoding() {
    let (_tcpx, mut peer) = Tcpx::new(&["-C", "-E", "utf-16le"]).stdin(Stdin::bytes(b"a\nb")).pair(Role::Connect);
    peer.expect(b"a\0\r\0\n\0b\0");
    peer.expect_eof();
}

#[test]
fn iso_2022_jp_returns_to_ascii_at_the_end() {
    let (_tcpx, mut peer) =
        Tcpx::new(&["-E", "iso-2022-jp"]).stdin(Stdin::bytes("日本".as_bytes())).pair(Role::Connect);
    peer.expect(b"\x1b$BF|K\\\x1b(B");
    peer.expect_eof();
}

#[test]
fn one_direction_can_have_an_encoding() {
    // 0xFF is invalid in the encodings of both directions; in the direction without one, it passes.
    for role in BOTH {
        let tcpx = Tcpx::new(&["--recv-encoding", "gbk"]).stdin(Stdin::bytes(b"\xff\xe4\xbd\xa0"));
        let (tcpx, mut peer) = tcpx.pair(role);
        peer.expect(b"\xff\xe4\xbd\xa0");
        peer.send(b"\xc4\xe3");
        drop(peer);
        tcpx.finish().code(0).wrote("你").quietly();

        let tcpx = Tcpx::new(&["--send-encoding", "gbk"]).stdin(Stdin::bytes("你".as_bytes()));
        let (tcpx, mut peer) = tcpx.pair(role);
        peer.expect(b"\xc4\xe3");
        peer.send(b"\xff\xc4\xe3");
        drop(peer);
        tcpx.finish().code(0).wrote(b"\xff\xc4\xe3").quietly();
    }
}

#[test]
fn auto_detects_what_is_received_and_sends_utf_8() {
    let text = "这是一个用来检测编码的句子，它应该足够长，可以让检测器作出正确的判断。".repeat(4);
    let wire = GBK.encode(&text).0.into_owned();
    for role in BOTH {
        let (tcpx, mut peer) = Tcpx::new(&["-E", "auto"]).stdin(Stdin::bytes("你好".as_bytes())).pair(role);
        peer.expect("你好".as_bytes());
        peer.send(&wire);
        drop(peer);
        tcpx.finish().code(0).wrote(&text).quietly();
    }
}

#[test]
fn auto_decides_after_a_short_silence() {
    let (mut tcpx, mut peer) = Tcpx::new(&["-E", "auto"]).stdin(Stdin::Open).pair(Role::Connect);
    peer.send("né".as_bytes());
    // The connection stays open, and no more data arrives.
    tcpx.wait_stdout("né".as_bytes());
}

#[test]
fn auto_reads_a_short_word_with_the_region_of_the_label_or_the_locale() {
    const HELLO: &[u8] = b"\xc4\xe3\xba\xc3\n";
    for (label, variable, locale, expected) in [
        ("auto-cn", "LC_ALL", "ko_KR.UTF-8", "你好\n"),
        ("auto", "LC_ALL", "zh_CN.UTF-8", "你好\n"),
        ("auto", "LC_CTYPE", "zh_SG.GBK", "你好\n"),
        ("auto-kr", "LC_ALL", "zh_CN.UTF-8", "콱봤\n"),
        ("auto", "LC_ALL", "C", "콱봤\n"),
    ] {
        for role in BOTH {
            let setting = format!("{variable}={locale}");
            let tcpx = Tcpx::new(&["--recv-encoding", label]).under(&["env", "LC_ALL=", &setting]);
            let (tcpx, mut peer) = tcpx.pair(role);
            peer.send(HELLO);
            drop(peer);
            tcpx.finish().code(0).wrote(expected).quietly();
        }
    }
}

#[test]
fn common_spellings_of_labels_are_accepted() {
    for label in ["GBK", "cp936", "ms936", "gb2312"] {
        let (_tcpx, mut peer) = Tcpx::new(&["-E", label]).stdin(Stdin::bytes("你".as_bytes())).pair(Role::Connect);
        peer.expect(b"\xc4\xe3");
        peer.expect_eof();
    }
    for (label, wire) in
        [("sjis", b"\x95\x5c".as_slice()), ("cp932", b"\x95\x5c"), ("utf16le", b"\x68\x88"), ("utf-8", "表".as_bytes())]
    {
        let (_tcpx, mut peer) = Tcpx::new(&["-E", label]).stdin(Stdin::bytes("表".as_bytes())).pair(Role::Connect);
        peer.expect(wire);
        peer.expect_eof();
    }
    let done = Tcpx::new(&["connect", "-E", "gkb", "h", "1"]).run();
    done.code(2).said("gkb").said("gbk");
}

#[test]
fn without_an_encoding_every_byte_passes_untouched() {
    let all: Vec<u8> = (0..=255).collect();
    for role in BOTH {
        for stdin in [Stdin::bytes(&all), Stdin::file(&all)] {
            let (tcpx, mut peer) = Tcpx::new(PLAIN).stdin(stdin).pair(role);
            peer.expect(&all);
            peer.expect_eof();
            peer.send(&all);
            drop(peer);
            tcpx.finish().code(0).wrote(&all).quietly();
        }
    }
    let (_tcpx, mut peer) = Tcpx::new(&["--on-data", "conn.send(data)"]).pair(Role::Listen);
    peer.send(&all);
    peer.expect(&all);
}

#[test]
fn large_texts_pass_in_both_directions_at_once() {
    // Much more than one read or one queue, so it is split at arbitrary offsets.
    let text = "你好，世界！Hello, 乗A丂 ".repeat(60_000);
    let wire = GBK.encode(&text).0.into_owned();
    for role in BOTH {
        let (tcpx, mut peer) = Tcpx::new(&["-E", "gbk"]).stdin(Stdin::bytes(text.as_bytes())).pair(role);
        let (mut sending, copy) = (peer.another(), wire.clone());
        let sender = thread::spawn(move || {
            sending.send(&copy);
            sending.half_close();
        });
        assert_same(&peer.read_all(), &wire, "what is sent");
        sender.join().expect("the peer sends everything");
        tcpx.finish().code(0).wrote(&text).quietly();
    }
}

#[test]
fn large_random_data_passes_unchanged_in_both_directions_at_once() {
    let (ours, theirs) = (noise(5 << 20, 9), noise(5 << 20, 10));
    for role in BOTH {
        for stdin in [Stdin::bytes(&ours), Stdin::file(&ours)] {
            let (tcpx, mut peer) = Tcpx::new(PLAIN).stdin(stdin).pair(role);
            let (mut sending, copy) = (peer.another(), theirs.clone());
            let sender = thread::spawn(move || {
                sending.send(&copy);
                sending.half_close();
            });
            assert_same(&peer.read_all(), &ours, "what is sent");
            sender.join().expect("the peer sends everything");
            tcpx.finish().code(0).wrote(&theirs).quietly();
        }
    }
}
