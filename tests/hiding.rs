//! `--echo off` where the terminal edits its lines itself: nothing of them is shown, and the terminal is as before after every end.

use rustix::process::Signal;
use rustix::termios::LocalModes;

use crate::support::peer::{Conn, Server};
use crate::support::pty::Pty;
use crate::support::{BOTH, Folder, Running, Stdin, Stdout, Tcpx, wait_for};

/// Starts tcpx as a shell does, with a controlling terminal, and connects it; stdout is a pipe unless `shows`.
fn connected(pty: &Pty, options: &[&str], term: &str, shows: bool, shell: &[&str]) -> (Running, Conn) {
    let server = Server::start();
    let port = server.address.port().to_string();
    let tcpx = Tcpx::new(&["connect", "--echo", "off", "127.0.0.1", &port]).args(options);
    let tcpx = tcpx.stdout(if shows { Stdout::Fd(pty.side()) } else { Stdout::Collected });
    let term = format!("TERM={term}");
    let words = [&["env", &term, "setsid", "--ctty"], shell].concat();
    let tcpx = tcpx.stdin(Stdin::Fd(pty.side())).stderr(pty.side()).under(&words).with_default_signals().spawn();
    (tcpx, server.accept())
}

/// Types a line that must not be shown, behind another one that the peer has sent.
fn type_secret(pty: &mut Pty, peer: &mut Conn) {
    wait_for("a terminal that shows nothing", || !pty.echoes());
    pty.type_in(b"secret\n");
    peer.expect(b"secret\n");
}

fn is_as_before(pty: &Pty) -> bool {
    pty.is_sane() && !pty.modes().local_modes.contains(LocalModes::ECHONL)
}

#[test]
fn lines_are_hidden_wherever_the_terminal_edits_them() {
    let folder = Folder::new();
    let (file, script) = (folder.path("out"), folder.path("script.rhai"));
    std::fs::write(&script, "fn on_stdin(line) { broadcast_line(line); }").expect("a script");
    let (file, script) = (file.to_str().expect("a name"), script.to_str().expect("a name"));
    for (options, term, shows) in [
        (&[][..], "xterm", false),
        (&[], "dumb", true),
        (&["-o", file], "xterm", true),
        (&["--events", "-"], "xterm", true),
        (&["--raw-terminal"], "xterm", true),
        (&["--raw"], "xterm", false),
        (&["--script", script], "xterm", false),
    ] {
        let mut pty = Pty::new();
        let (tcpx, mut peer) = connected(&pty, options, term, shows, &[]);
        type_secret(&mut pty, &mut peer);
        // The end of a line is shown.
        pty.wait_bytes(b"\r\n");
        drop(peer);
        tcpx.finish().code(0);
        assert!(is_as_before(&pty), "{options:?}");
        let shown = pty.screen.text();
        assert!(options == ["--events", "-"] || !shown.contains("secret"), "{options:?}: {shown:?}");
    }
}

#[test]
fn a_terminal_that_does_not_control_us_is_hidden_too() {
    for role in BOTH {
        let mut pty = Pty::new();
        let (tcpx, mut peer) = Tcpx::new(&["--echo", "off"]).stdin(Stdin::Fd(pty.side())).pair(role);
        type_secret(&mut pty, &mut peer);
        drop(peer);
        tcpx.finish().code(0).quietly();
        assert!(is_as_before(&pty));
        pty.wait_bytes(b"\r\n");
        assert_eq!(pty.screen.text(), "\r\n");
    }
}

#[test]
fn what_is_typed_before_lines_are_edited_is_hidden_too() {
    // Nobody accepts: what is typed is not read yet.
    let pty = Pty::new();
    let words = ["listen", "--echo", "off", "127.0.0.1", "0"];
    let tcpx = Tcpx::new(&words).stdin(Stdin::Fd(pty.side())).stdout(Stdout::Fd(pty.side())).stderr(pty.side());
    let tcpx = tcpx.under(&["env", "TERM=xterm", "setsid", "--ctty"]).with_default_signals().spawn();
    wait_for("a terminal that shows nothing", || !pty.echoes());
    assert!(pty.modes().local_modes.contains(LocalModes::ICANON));
    tcpx.signal(Signal::TERM);
    tcpx.finish().code(143);
    assert!(is_as_before(&pty));
}

#[test]
fn a_terminal_that_is_not_read_is_left_alone() {
    for options in [&["--exec", "cat"][..], &["--no-stdin"]] {
        let pty = Pty::new();
        let (tcpx, mut peer) = connected(&pty, options, "xterm", false, &[]);
        peer.send(b"hello");
        // By then it has begun.
        if options[0] == "--exec" {
            peer.expect(b"hello");
        } else {
            assert!(tcpx.out.wait(|bytes| bytes == b"hello"));
        }
        assert!(is_as_before(&pty), "{options:?}");
        drop(peer);
        tcpx.finish().code(0);
    }
}

#[test]
fn the_terminal_shows_lines_again_after_every_end() {
    for (end, code) in [(Signal::TERM, 143), (Signal::HUP, 129), (Signal::INT, 130), (Signal::QUIT, 131)] {
        let mut pty = Pty::new();
        let (tcpx, mut peer) = connected(&pty, &[], "xterm", false, &[]);
        type_secret(&mut pty, &mut peer);
        tcpx.signal(end);
        tcpx.finish().code(code);
        assert!(is_as_before(&pty), "{end:?}");
    }
    // The end of stdin: the run goes on, and does not read any more.
    let mut pty = Pty::new();
    let (tcpx, mut peer) = connected(&pty, &[], "xterm", false, &[]);
    type_secret(&mut pty, &mut peer);
    pty.type_in(b"\x04");
    peer.expect_eof();
    wait_for("a terminal that shows lines", || is_as_before(&pty));
    drop(peer);
    tcpx.finish().code(0);
}

#[test]
fn a_stopped_run_gives_the_terminal_back_and_hides_again() {
    let mut pty = Pty::new();
    // The job is stopped, and goes on in the background, before it is in the foreground again.
    let shell = ["bash", "-c", "set -m; \"$@\"; echo stopped >&2; read -r line; bg; read -r line; fg", "bash"];
    let (tcpx, mut peer) = connected(&pty, &[], "xterm", false, &shell);
    type_secret(&mut pty, &mut peer);
    pty.type_in(b"\x1a");
    pty.wait_screen("stopped");
    assert!(is_as_before(&pty));
    pty.type_in(b"shown 1\n");
    pty.wait_screen("shown 1");
    peer.send(b"hello");
    assert!(tcpx.out.wait(|bytes| bytes.ends_with(b"hello")), "it runs in the background");
    assert!(is_as_before(&pty));
    pty.type_in(b"shown 2\n");
    pty.wait_screen("shown 2");
    type_secret(&mut pty, &mut peer);
    drop(peer);
    tcpx.finish().code(0);
    assert!(is_as_before(&pty));
    assert!(!pty.screen.text().contains("secret"));
}

#[test]
fn a_job_that_began_in_the_background_hides_once_it_has_the_terminal() {
    let mut pty = Pty::new();
    let shell = ["bash", "-c", "set -m; \"$@\" & read -r line; fg", "bash"];
    let (tcpx, mut peer) = connected(&pty, &[], "xterm", false, &shell);
    peer.send(b"hello");
    assert!(tcpx.out.wait(|bytes| bytes == b"hello"), "it runs");
    assert!(is_as_before(&pty));
    pty.type_in(b"shown\n");
    type_secret(&mut pty, &mut peer);
    drop(peer);
    tcpx.finish().code(0);
    assert!(is_as_before(&pty));
    assert!(!pty.screen.text().contains("secret"));
}
