//! tcpx on a terminal: received control characters are escaped, and the terminal modes are restored.

use rustix::process::Signal;

use crate::support::peer::{Conn, Server};
use crate::support::pty::Pty;
use crate::support::{BOTH, Folder, Role, Stdin, Stdout, Tcpx, wait_for};

const PLAIN: &[&str] = &[];
/// Sequences for a title and a cleared screen, a bell, C1 in both forms, backspace; and colours, which are allowed.
const NASTY: &[u8] = b"\x1b]0;title\x07\x1b[2J\x08\xc2\x9b2J\x9b \x1b[1;31mred\x1b[0m \xe4\xbd\xa0\t.\r\n";

#[test]
fn received_control_characters_are_escaped_and_colours_pass() {
    for role in BOTH {
        let pty = Pty::new();
        let (tcpx, mut peer) = Tcpx::new(PLAIN).stdin(Stdin::Open).stdout(Stdout::Fd(pty.side())).pair(role);
        peer.send(NASTY);
        peer.send(b"the end\x1b");
        drop(peer);
        tcpx.finish().code(0).quietly();
        let shown = "^[]0;title^G^[[2J^H\\x9b2J\\x9b \x1b[1;31mred\x1b[0m 你\t.\r\r\nthe end^[";
        pty.wait_screen("the end^[");
        assert_eq!(pty.screen.text(), shown);
    }
}

#[test]
fn decoded_text_is_escaped_after_decoding() {
    let pty = Pty::new();
    let tcpx = Tcpx::new(&["-E", "windows-1252"]).stdin(Stdin::Open).stdout(Stdout::Fd(pty.side()));
    let (tcpx, mut peer) = tcpx.pair(Role::Connect);
    // 0x81 is a C1 control in windows-1252; 0x9b is a quotation mark.
    peer.send(b"\x81\x9b\x1b[2J.");
    drop(peer);
    tcpx.finish().code(0).quietly();
    pty.wait_screen(".");
    assert_eq!(pty.screen.text(), "\\x81›^[[2J.");
}

#[test]
fn raw_terminal_passes_all_bytes() {
    let pty = Pty::new();
    let tcpx = Tcpx::new(&["--raw-terminal"]).stdin(Stdin::Open).stdout(Stdout::Fd(pty.side()));
    let (tcpx, mut peer) = tcpx.pair(Role::Connect);
    peer.send(NASTY);
    drop(peer);
    tcpx.finish().code(0).quietly();
    // The terminal itself converts LF to CR LF.
    let wanted = NASTY.strip_suffix(b"\n").expect("it ends so").to_vec();
    let wanted = [wanted, b"\r\n".to_vec()].concat();
    assert!(pty.screen.wait(|bytes| bytes == wanted), "{:?}", pty.screen.text());
}

#[test]
fn a_stdout_pipe_gets_unchanged_bytes() {
    let (tcpx, mut peer) = Tcpx::new(PLAIN).stdin(Stdin::Open).pair(Role::Connect);
    peer.send(NASTY);
    drop(peer);
    tcpx.finish().code(0).wrote(NASTY).quietly();
}

#[test]
fn messages_contain_no_control_characters() {
    for words in [
        &["connect", "bad\u{1b}[2Jhost", "80"][..],
        &["connect", "h", "8\u{1b}[2J"],
        &["connect", "-E", "\u{9b}2J", "h", "80"],
        &["\u{1b}]0;x\u{7}"],
        &["connect", "--\u{1b}[2J", "h", "80"],
        &["connect", "--send-file", "/no\u{1b}[2J\nsuch", "127.0.0.1", "80"],
    ] {
        let done = Tcpx::new(words).run();
        let bad = done.stderr.chars().find(|letter| letter.is_control() && *letter != '\n');
        assert_eq!(bad, None, "{words:?}: {:?}", done.stderr);
        assert!(!done.stderr.is_empty());
    }
}

#[test]
fn lines_typed_on_a_terminal_are_sent() {
    for role in BOTH {
        let mut pty = Pty::new();
        let (tcpx, mut peer) = Tcpx::new(PLAIN).stdin(Stdin::Fd(pty.side())).pair(role);
        pty.type_in(b"first\n");
        peer.expect(b"first\n");
        pty.type_in(b"second\nthird\n");
        peer.expect(b"second\nthird\n");
        // Ctrl-D ends stdin.
        pty.type_in(b"\x04");
        peer.expect_eof();
        peer.send(b"answer");
        drop(peer);
        tcpx.finish().code(0).wrote("answer").quietly();
    }
}

#[test]
fn a_terminal_stdin_does_not_delay_the_end_after_the_peers_fin() {
    for role in BOTH {
        let pty = Pty::new();
        let (tcpx, mut peer) = Tcpx::new(PLAIN).stdin(Stdin::Fd(pty.side())).pair(role);
        peer.send(b"bye");
        drop(peer);
        tcpx.finish().code(0).wrote("bye").quietly();
    }
}

#[test]
fn half_open_waits_for_a_terminal_stdin() {
    let mut pty = Pty::new();
    let (tcpx, mut peer) = Tcpx::new(&["--half-open"]).stdin(Stdin::Fd(pty.side())).pair(Role::Connect);
    peer.half_close();
    pty.type_in(b"still here\n\x04");
    peer.expect(b"still here\n");
    peer.expect_eof();
    tcpx.finish().code(0).quietly();
}

/// Starts tcpx as a shell does, with a controlling terminal.
fn in_foreground(tcpx: Tcpx, pty: &Pty) -> Tcpx {
    tcpx.stdin(Stdin::Fd(pty.side()))
        .stdout(Stdout::Fd(pty.side()))
        .stderr(pty.side())
        .under(&["setsid", "--ctty"])
        .with_default_signals()
}

#[test]
fn ctrl_c_ends_the_run_and_restores_the_terminal() {
    for words in [&["listen", "127.0.0.1", "0"][..], &["listen", "-k", "127.0.0.1", "0"]] {
        let mut pty = Pty::new();
        let tcpx = in_foreground(Tcpx::new(words), &pty).spawn();
        pty.wait_screen("\n");
        let text = pty.screen.text();
        let address = text.trim_end().strip_prefix("listening on ").expect("where it listens");
        let mut peer = Conn::to(address.parse().expect("an address"));
        pty.type_in(b"hello\n");
        peer.expect(b"hello\n");
        pty.type_in(b"\x03");
        tcpx.finish().code(130);
        peer.expect_reset();
        assert!(pty.is_sane());
    }
}

#[test]
fn a_closed_terminal_ends_the_run() {
    let pty = Pty::new();
    let server = Server::start();
    let port = server.address.port().to_string();
    let tcpx = in_foreground(Tcpx::new(&["connect", "127.0.0.1", &port]), &pty).spawn();
    let peer = server.accept();
    tcpx.signal(Signal::HUP);
    tcpx.finish().code(129);
    drop(peer);
}

#[test]
fn connect_without_a_target_prompts_for_host_and_port() {
    let server = Server::start();
    let mut pty = Pty::new();
    let tcpx = in_foreground(Tcpx::new(&["connect"]), &pty).spawn();
    pty.wait_screen("host: ");
    pty.type_in(b"127.0.0.1\n");
    pty.wait_screen("port: ");
    pty.type_in(b"not a port\n");
    // The prompt is repeated after an error message.
    assert!(pty.screen.wait(|bytes| String::from_utf8_lossy(bytes).matches("host: ").count() == 2));
    pty.type_in(format!("{}\ntyped ahead\n", server.address).as_bytes());
    let mut peer = server.accept();
    peer.expect(b"typed ahead\n");
    drop(peer);
    tcpx.finish().code(0);
}

#[test]
fn the_end_of_input_at_the_prompt_exits_with_2() {
    let mut pty = Pty::new();
    let tcpx = in_foreground(Tcpx::new(&["connect"]), &pty).spawn();
    pty.wait_screen("host: ");
    pty.type_in(b"\x04");
    let done = tcpx.finish();
    assert_eq!(done.status_code(), Some(2));
    pty.wait_screen("tcpx connect HOST PORT");
}

#[test]
fn concealed_text_is_shown_and_colours_end_with_the_run() {
    for role in BOTH {
        let pty = Pty::new();
        let (tcpx, mut peer) = Tcpx::new(PLAIN).stdin(Stdin::Open).stdout(Stdout::Fd(pty.side())).pair(role);
        peer.send(b"\x1b[8mhidden \x1b[1;8mhidden \x1b[31mred");
        drop(peer);
        tcpx.finish().code(0).quietly();
        pty.wait_screen("\x1b[0m");
        assert_eq!(pty.screen.text(), "^[[8mhidden ^[[1;8mhidden \x1b[31mred\x1b[0m");
    }
}

#[test]
fn our_words_begin_on_a_fresh_line_of_the_same_terminal() {
    let server = Server::start();
    let port = server.address.port().to_string();
    for (both, shown) in [
        (true, "\x1b[31mhalf\x1b[0m\r\ntcpx: read from PEER: connection reset by peer\r\n"),
        (false, "\x1b[31mhalf\x1b[0m"),
    ] {
        let pty = Pty::new();
        let tcpx = Tcpx::new(&["connect", "127.0.0.1", &port]).stdin(Stdin::Open).stdout(Stdout::Fd(pty.side()));
        let tcpx = if both { tcpx.stderr(pty.side()) } else { tcpx }.spawn();
        let mut peer = server.accept();
        peer.send(b"\x1b[31mhalf");
        pty.wait_screen("half");
        peer.reset();
        assert_eq!(tcpx.finish().status_code(), Some(56));
        let shown = shown.replace("PEER", &server.address.to_string());
        assert!(pty.screen.wait(|bytes| bytes == shown.as_bytes()), "{:?}", pty.screen.text());
    }
}

#[test]
fn a_raw_line_gets_bytes_unless_it_controls_us() {
    for controls in [false, true] {
        let pty = Pty::new();
        pty.make_raw();
        let server = Server::start();
        let port = server.address.port().to_string();
        let tcpx = Tcpx::new(&["connect", "-q", "127.0.0.1", &port]).stdout(Stdout::Fd(pty.side()));
        let tcpx = if controls { in_foreground(tcpx, &pty) } else { tcpx.stdin(Stdin::Open) }.spawn();
        let mut peer = server.accept();
        peer.send(NASTY);
        drop(peer);
        tcpx.finish().code(0);
        let wanted = if controls { b"^[]0;title^G".as_slice() } else { NASTY };
        assert!(pty.screen.wait(|bytes| bytes.starts_with(wanted)), "{:?}", pty.screen.text());
    }
}

#[test]
fn a_job_in_the_background_goes_on_without_its_terminal() {
    let folder = Folder::new();
    let ready = folder.path("ready");
    let mut pty = Pty::new();
    let tcpx = Tcpx::new(&["listen", "-k", "127.0.0.1", "0", "--ready-file"]).arg(&ready).stdout(Stdout::Collected);
    // A shell with job control, which reads a line of its own before it brings the job to the foreground.
    let shell =
        ["setsid", "--ctty", "bash", "-c", "set -m; \"$@\" & read -r line; echo \"shell: $line\" >&2; fg", "bash"];
    let tcpx = tcpx.stdin(Stdin::Fd(pty.side())).stderr(pty.side()).with_default_signals().under(&shell).spawn();
    wait_for("the address", || ready.exists());
    let address = std::fs::read_to_string(&ready).expect("an address").trim().parse().expect("an address");
    let mut peer = Conn::to(address);
    peer.send(b"hello");
    assert!(tcpx.out.wait(|bytes| bytes == b"hello"), "it runs");
    pty.type_in(b"for the shell\n");
    pty.wait_screen("shell: for the shell");
    pty.type_in(b"for the client\n");
    peer.expect(b"for the client\n");
    pty.type_in(b"\x03");
    // The status of the shell.
    assert_eq!(tcpx.finish().status_code(), Some(130));
    peer.expect_reset();
}
