//! `tcpx listen`: one client or many, limits, the ready file, and messages about connections.

use std::collections::BTreeSet;
use std::fs;
use std::io::{ErrorKind, Read};
use std::net::{SocketAddr, TcpStream};
use std::path::Path;
use std::thread;

use rustix::process::Signal;

use crate::support::peer::{Conn, Server};
use crate::support::{BOTH, Folder, Role, Stdin, Tcpx, assert_same, noise, wait_for};

const PLAIN: &[&str] = &[];
const ECHO: &[&str] = &["--on-data", "conn.send(data)"];

fn is_refused(address: SocketAddr) -> bool {
    matches!(TcpStream::connect(address), Err(error) if error.kind() == ErrorKind::ConnectionRefused)
}

// ---- one peer --------------------------------------------------------------------------------------------

#[test]
fn a_second_client_of_a_one_shot_listener_is_refused() {
    for options in
        [PLAIN, &["--once"], &["--accept", "1"], &["-k", "--once"], &["--on-data", "conn.send(data)", "--once"]]
    {
        let (mut tcpx, address) = Tcpx::new(options).stdin(Stdin::Open).listen();
        let mut first = Conn::to(address);
        first.send(b"hello");
        if options.contains(&"--on-data") {
            first.expect(b"hello");
        } else {
            tcpx.wait_stdout(b"hello");
        }
        assert!(is_refused(address), "{options:?}");
        drop(first);
        tcpx.finish().code(0).quietly();
    }
}

#[test]
fn a_one_shot_listener_takes_one_of_several_concurrent_clients() {
    for _ in 0..3 {
        let (tcpx, address) = Tcpx::new(PLAIN).listen();
        tcpx.freeze();
        // A client in the accept queue that is not accepted must see an error, not a normal end.
        let clients: Vec<_> = (0..4)
            .map(|number| {
                thread::spawn(move || {
                    let text = format!("client {number}");
                    let mut stream = TcpStream::connect(address).ok()?;
                    std::io::Write::write_all(&mut stream, text.as_bytes()).ok()?;
                    stream.shutdown(std::net::Shutdown::Write).ok()?;
                    (stream.read_to_end(&mut Vec::new()).is_ok()).then_some(text)
                })
            })
            .collect();
        tcpx.thaw();
        let served: Vec<_> = clients.into_iter().filter_map(|client| client.join().expect("a client")).collect();
        let done = tcpx.finish();
        done.code(0).quietly();
        assert_eq!(served, [String::from_utf8_lossy(&done.stdout)]);
    }
}

// ---- many ------------------------------------------------------------------------------------------------

#[test]
fn keep_open_serves_clients_concurrently_and_sends_stdin_to_each() {
    let (mut tcpx, address) = Tcpx::new(&["-k"]).stdin(Stdin::Open).listen();
    let mut first = Conn::to(address);
    first.send(b"1");
    tcpx.wait_stdout(b"1");
    let mut second = Conn::to(address);
    second.send(b"2");
    tcpx.wait_stdout(b"12");
    tcpx.write(b"to all");
    first.expect(b"to all");
    second.expect(b"to all");
    first.half_close();
    first.expect_eof();
    second.send(b"3");
    tcpx.wait_stdout(b"123");
    tcpx.write(b"to the other");
    second.expect(b"to the other");
    second.reset();
    let mut third = Conn::to(address);
    third.send(b"4");
    tcpx.wait_stdout(b"1234");
    tcpx.signal(Signal::TERM);
    let done = tcpx.finish();
    done.code(143).said("connection reset by peer");
    assert_eq!(done.messages().count(), 1, "{}", done.stderr);
}

#[test]
fn keep_open_reads_no_stdin_without_clients() {
    for stdin in [Stdin::bytes(b"for somebody"), Stdin::file(b"for somebody")] {
        let (mut tcpx, address) = Tcpx::new(&["-k"]).stdin(stdin).listen();
        tcpx.wait_idle();
        let mut first = Conn::to(address);
        first.expect(b"for somebody");
        // The end of stdin does not close the connection.
        first.send(b"x");
        tcpx.wait_stdout(b"x");
        let mut second = Conn::to(address);
        second.send(b"y");
        tcpx.wait_stdout(b"xy");
    }
}

/// More events than the budget of one turn.
const MANY: usize = 10_000;

#[test]
fn more_events_than_one_turn_allows_are_all_handled() {
    let folder = Folder::new();
    let framed = "fn on_connect(conn) { conn.frame_fixed(2); } fn on_frame(conn, frame) { conn.send(frame); }";
    let framed = folder.file("framed.rhai", framed.as_bytes()).display().to_string();
    // The slicer releases single bytes, all due at once.
    let sliced = r#"
        fn on_connect(conn) { conn.toxic("slicer", #{average_size: 2, size_variation: 0, delay: 0}); }
        fn on_data(conn, data) { conn.send(data); }
    "#;
    let sliced = folder.file("sliced.rhai", sliced.as_bytes()).display().to_string();
    let sent = "a\n".repeat(MANY);
    for options in [["--on-line", "conn.send_line(line)"], ["--script", &framed], ["--script", &sliced]] {
        let (_tcpx, address) = Tcpx::new(&options).listen();
        let mut client = Conn::to(address);
        client.send(sent.as_bytes());
        client.expect(sent.as_bytes());
    }
}

#[test]
fn keep_open_drops_only_the_client_that_does_not_read() {
    let data = noise(24 << 20, 8);
    let (mut tcpx, address) = Tcpx::new(&["-k"]).stdin(Stdin::Open).listen();
    let mut stuck = Conn::narrow_to(address);
    let name = stuck.0.local_addr().expect("its address");
    let mut reading = Conn::to(address);
    // Both are connected before stdin has data.
    stuck.send(b"s");
    tcpx.wait_stdout(b"s");
    reading.send(b"r");
    tcpx.wait_stdout(b"sr");
    let mut stdin = tcpx.take_stdin();
    let copy = data.clone();
    let writer = thread::spawn(move || {
        std::io::Write::write_all(&mut stdin, &copy).expect("stdin takes everything");
        stdin
    });
    reading.expect(&data);
    tcpx.wait_stderr(&format!("tcpx: {name} does not read: dropped"));
    stuck.expect_reset();
    // Kept open; the server continues.
    let stdin = writer.join().expect("the writer ends");
    reading.send(b"!");
    tcpx.wait_stdout(b"sr!");
    assert!(tcpx.is_running());
    drop(stdin);
}

#[test]
fn accept_ends_when_its_last_client_has_closed() {
    for options in [&["-k", "--accept", "3"][..], &["--accept", "3", "--on-data", "conn.send(data)"]] {
        let (mut tcpx, address) = Tcpx::new(options).stdin(Stdin::Open).listen();
        let mut first = Conn::to(address);
        let second = Conn::to(address);
        drop(second);
        first.send(b"x");
        if options.contains(&"-k") {
            tcpx.wait_stdout(b"x");
        } else {
            first.expect(b"x");
        }
        let third = Conn::to(address);
        wait_for("the listener to be closed after the third", || is_refused(address));
        drop(third);
        tcpx.wait_idle();
        assert!(tcpx.is_running(), "the first is still there");
        drop(first);
        tcpx.finish().code(0).quietly();
    }
}

#[test]
fn clients_over_the_limit_wait_and_none_is_lost() {
    for most in [1, 3] {
        let most_text = most.to_string();
        let (_tcpx, address) = Tcpx::new(ECHO).args(&["-m", &most_text]).listen();
        let mut clients: Vec<_> = (0..12).map(|_| Conn::to(address)).collect();
        for (number, client) in clients.iter_mut().enumerate() {
            client.send(format!("client {number}").as_bytes());
        }
        let mut waiting = clients.into_iter().enumerate().collect::<std::collections::VecDeque<_>>();
        for (number, client) in waiting.iter_mut().take(most) {
            client.expect(format!("client {number}").as_bytes());
        }
        while let Some((_, mut first)) = waiting.pop_front() {
            first.half_close();
            first.expect_eof();
            if let Some((number, next)) = waiting.get_mut(most - 1) {
                next.expect(format!("client {number}").as_bytes());
            }
        }
    }
}

#[test]
fn a_limited_server_without_a_script_serves_one_after_the_other() {
    let (mut tcpx, address) = Tcpx::new(&["-k", "-m", "1"]).stdin(Stdin::Open).listen();
    let mut first = Conn::to(address);
    first.send(b"first ");
    let mut second = Conn::to(address);
    second.send(b"second");
    tcpx.wait_stdout(b"first ");
    drop(first);
    tcpx.wait_stdout(b"first second");
}

#[test]
fn a_scripted_server_serves_until_told_to_stop_and_reads_no_stdin() {
    let (mut tcpx, address) = Tcpx::new(ECHO).stdin(Stdin::bytes(b"not for clients")).with_default_signals().listen();
    for round in 0..3 {
        let mut client = Conn::to(address);
        let text = format!("round {round}");
        client.send(text.as_bytes());
        client.expect(text.as_bytes());
        client.half_close();
        client.expect_eof();
    }
    assert!(tcpx.is_running());
    tcpx.signal(Signal::TERM);
    tcpx.finish().code(143).wrote("").quietly();
}

#[test]
fn a_client_error_does_not_set_the_exit_code_of_a_server() {
    for options in [&["-k", "--accept", "2"][..], &["--accept", "2", "--on-data", "conn.send(data)"]] {
        let (tcpx, address) = Tcpx::new(options).stdin(Stdin::Open).listen();
        let mut bad = Conn::to(address);
        bad.send(b"x");
        bad.reset();
        drop(Conn::to(address));
        tcpx.finish().code(0).said("connection reset by peer");
    }
    let (tcpx, address) = Tcpx::new(&["-k", "--accept", "1", "-i", "100ms"]).stdin(Stdin::Open).listen();
    let client = Conn::to(address);
    tcpx.finish().code(0).said("idle for 100ms");
    drop(client);
}

#[test]
fn all_clients_are_served_with_a_short_backlog() {
    let (_tcpx, address) = Tcpx::new(ECHO).args(&["--backlog", "1"]).listen();
    for number in 0..20 {
        let mut client = Conn::to(address);
        client.send(format!("{number}").as_bytes());
        client.expect(format!("{number}").as_bytes());
    }
}

// ---- readiness -------------------------------------------------------------------------------------------

#[test]
fn the_ready_file_appears_complete_when_clients_can_connect() {
    let folder = Folder::new();
    let path = folder.file("ready", b"127.0.0.1:1\n");
    let tcpx = Tcpx::new(&["listen", "-q", "127.0.0.1", "0", "--ready-file"]).arg(&path).stdin(Stdin::Open).spawn();
    // The old content is removed before the new one is written, so any content is the new one.
    let mut seen = String::new();
    wait_for("the ready file", || {
        seen = fs::read_to_string(&path).unwrap_or_default();
        !seen.is_empty() && seen != "127.0.0.1:1\n"
    });
    let address: SocketAddr = seen.strip_suffix('\n').expect("a whole line").parse().expect("an address");
    drop(Conn::to(address));
    let done = tcpx.finish();
    done.code(0);
    assert_eq!(done.stderr, "", "-q says nothing at all");
    assert_eq!(names(&folder.path("")), ["ready"], "nothing is left beside it");
}

fn names(folder: &Path) -> Vec<String> {
    let entries = fs::read_dir(folder).expect("read the folder");
    entries.map(|entry| entry.expect("an entry").file_name().to_string_lossy().into_owned()).collect()
}

#[test]
fn the_ready_descriptor_gets_the_address_and_is_closed() {
    let folder = Folder::new();
    let path = folder.path("ready");
    let redirect = format!("exec 9>'{}'", path.display());
    let tcpx = Tcpx::new(&["listen", "127.0.0.1", "0", "--ready-fd", "9"]).after_shell(&redirect).stdin(Stdin::Open);
    let mut tcpx = tcpx.spawn();
    let address = tcpx.address();
    wait_for("the address", || fs::read_to_string(&path).unwrap_or_default().ends_with('\n'));
    assert_eq!(fs::read_to_string(&path).expect("read the file"), format!("{address}\n"));

    let done = Tcpx::new(&["listen", "0", "--ready-fd", "9"]).after_shell("exec 9>&-").run();
    done.code(2).said("descriptor");
}

#[test]
fn an_old_ready_file_is_removed_even_if_the_script_does_not_load() {
    let folder = Folder::new();
    let path = folder.file("ready", b"127.0.0.1:9\n");
    let options = ["listen", "127.0.0.1", "0", "--on-data", "let x = ;", "--ready-file"];
    Tcpx::new(&options).arg(&path).run().code(111);
    assert!(!path.exists());
}

#[test]
fn an_unwritable_ready_file_exits_with_23() {
    let done = Tcpx::new(&["listen", "127.0.0.1", "0", "--ready-file", "/no/such/folder/ready"]).run();
    done.code(23).said("tcpx: write /no/such/folder/ready: ");
}

#[test]
fn quiet_prints_errors_only() {
    let (tcpx, mut peer) = Tcpx::new(&["-q"]).stdin(Stdin::bytes(b"x")).pair(Role::Connect);
    peer.expect(b"x");
    drop(peer);
    assert_eq!(tcpx.finish().code(0).stderr, "");
    let (tcpx, peer) = Tcpx::new(&["-q"]).stdin(Stdin::Open).pair(Role::Connect);
    peer.reset();
    tcpx.finish().code(56).said("connection reset by peer");
}

// ---- what is told ----------------------------------------------------------------------------------------

#[test]
fn verbose_prints_the_events_of_connections() {
    for role in BOTH {
        let (tcpx, mut peer) = Tcpx::new(&["-v"]).stdin(Stdin::bytes(b"four")).pair(role);
        peer.expect(b"four");
        peer.send(b"fives");
        let (here, there) = (peer.0.local_addr().expect("an address"), peer.0.peer_addr().expect("an address"));
        drop(peer);
        let done = tcpx.finish();
        done.code(0).wrote("fives");
        match role {
            Role::Connect => {
                done.said(&format!("tcpx: trying {here}\n"));
                done.said(&format!("tcpx: connected to {here} from {there} in "));
            }
            Role::Listen => {
                done.said(&format!("tcpx: accepted {here} on {there}\n"));
            }
        }
        done.said(&format!("tcpx: closed {here} (eof): 5 bytes received, 4 sent, after "));
    }
}

#[test]
fn hex_shows_both_directions_on_stderr() {
    for role in BOTH {
        let (tcpx, mut peer) = Tcpx::new(&["-x"]).stdin(Stdin::bytes(b"\x00sent\xff")).pair(role);
        peer.expect(b"\x00sent\xff");
        peer.expect_eof();
        peer.send(b"\x1b[2Jcame");
        drop(peer);
        let done = tcpx.finish();
        done.code(0).wrote(b"\x1b[2Jcame").said("00 73 65 6e 74 ff").said("1b 5b 32 4a 63 61 6d 65");
        assert!(!done.stderr.contains('\u{1b}'), "control characters are not shown as they are: {:?}", done.stderr);
    }
}

#[test]
fn output_goes_to_a_file_instead_of_stdout() {
    let folder = Folder::new();
    for role in BOTH {
        let path = folder.file("out", &[b'x'; 1000]);
        let (tcpx, mut peer) = Tcpx::new(&["-o"]).arg(&path).stdin(Stdin::Open).pair(role);
        peer.send(b"new");
        drop(peer);
        tcpx.finish().code(0).wrote("").quietly();
        assert_same(&fs::read(&path).expect("read the file"), b"new", "truncated, then written");
    }
    let server = Server::start();
    let done = Tcpx::new(&["-o", "/no/such/folder/out"]).connect(server.address).finish();
    done.code(23).said("tcpx: write /no/such/folder/out: no such file or directory");
    let (tcpx, mut peer) = Tcpx::new(&["-o", "/dev/full"]).stdin(Stdin::Open).pair(Role::Connect);
    peer.send(b"data");
    tcpx.finish().code(23).said("tcpx: write /dev/full: no space left on device");
}

#[test]
fn many_ports_at_once_are_all_different() {
    let servers: Vec<_> = (0..5).map(|_| Tcpx::new(PLAIN).listen()).collect();
    let ports: BTreeSet<_> = servers.iter().map(|(_, address)| address.port()).collect();
    assert_eq!(ports.len(), 5);
    assert!(!ports.contains(&0));
}
