//! Unix sockets: paths, abstract names, socket files, and everything that is the same as over TCP.

use std::fs;
use std::io::{ErrorKind, Read, Write};
use std::net::Shutdown;
use std::os::unix::ffi::OsStrExt;
use std::os::unix::fs::{MetadataExt, PermissionsExt};
use std::os::unix::net::{UnixDatagram, UnixListener, UnixStream};
use std::path::{Path, PathBuf};
use std::thread;

use rustix::process::Signal;

use crate::support::{
    Folder, PATIENCE, Running, Stdin, Tcpx, assert_same, installed, missing, noise, wait_for, without_rights,
};

const ECHO: &[&str] = &["--on-data", "conn.send(data)"];

fn unix(path: &Path) -> String {
    format!("unix:{}", path.display())
}

/// Starts `tcpx listen` on a path and waits until it listens.
fn listen(path: &Path, options: &[&str]) -> Running {
    let mut tcpx = Tcpx::new(&["listen", &unix(path)]).args(options).stdin(Stdin::Open).spawn();
    tcpx.wait_stderr(&format!("listening on {}\n", unix(path)));
    tcpx
}

fn client(path: &Path) -> UnixStream {
    let stream = UnixStream::connect(path).unwrap_or_else(|error| panic!("connect to {}: {error}", path.display()));
    stream.set_read_timeout(Some(PATIENCE)).expect("a read timeout");
    stream
}

fn expect(stream: &mut UnixStream, wanted: &[u8]) {
    let mut found = vec![0; wanted.len()];
    stream.read_exact(&mut found).unwrap_or_else(|error| panic!("\"{}\": {error}", wanted.escape_ascii()));
    assert_same(&found, wanted, "what the client got");
}

fn rest(stream: &mut UnixStream) -> Vec<u8> {
    let mut bytes = Vec::new();
    stream.read_to_end(&mut bytes).expect("the end");
    bytes
}

#[test]
fn a_client_of_datagrams_has_the_name_that_was_chosen() {
    let folder = Folder::new();
    let [server, own] = ["server", "own"].map(|name| folder.path(name).display().to_string());
    let socket = UnixDatagram::bind(&server).expect("a socket");
    socket.set_read_timeout(Some(PATIENCE)).expect("a time limit");
    let source = format!("unix:{own}");
    for words in [
        &["connect", "-u", "--source", &source, &format!("unix:{server}")][..],
        &["nc", "-uU", "-s", &own, &server],
        &["ncat", "-uU", "-s", &own, &server],
    ] {
        let mut tcpx = Tcpx::new(words).stdin(Stdin::Open).spawn();
        tcpx.write(b"abc\n");
        let mut buffer = [0; 9];
        let (n, from) = socket.recv_from(&mut buffer).expect("a datagram");
        assert_eq!((&buffer[..n], from.as_pathname()), (&b"abc\n"[..], Some(Path::new(&own))), "{words:?}");
        socket.send_to(b"answer\n", &own).expect("it is there");
        tcpx.wait_stdout(b"answer\n");
        tcpx.signal(Signal::TERM);
        tcpx.finish();
        assert!(!Path::new(&own).exists(), "{words:?}: the file is left");
    }
    let done = Tcpx::new(&["connect", "--source", &source, "127.0.0.1", "1"]).run();
    done.code(2).said("is for datagrams to a Unix socket, and 127.0.0.1:1 is none");
    fs::write(&own, "mine").expect("a file");
    let done = Tcpx::new(&["connect", "-u", "--source", &source, &format!("unix:{server}")]).run();
    assert_ne!(done.status_code(), Some(0));
    assert_eq!(fs::read(&own).expect("it is left alone"), b"mine");
}

#[test]
fn a_peer_that_has_gone_altogether_ends_what_stays_for_stdin() {
    // Unlike that of a TCP connection, its end says whether it would still take something.
    let folder = Folder::new();
    let path = folder.path("server");
    let listener = UnixListener::bind(&path).expect("a socket");
    for words in [&["connect", "--half-open", &unix(&path)][..], &["nc", "-U", &path.display().to_string()]] {
        for is_gone in [false, true] {
            let mut tcpx = Tcpx::new(words).stdin(Stdin::Open).spawn();
            let (mut server, _) = listener.accept().expect("a client");
            server.write_all(b"bye\n").expect("it is there");
            tcpx.wait_stdout(b"bye\n");
            if is_gone {
                drop(server);
                // stdin is still open.
                tcpx.finish().code(0);
            } else {
                server.shutdown(Shutdown::Write).expect("it is there");
                tcpx.write(b"still heard\n");
                let mut heard = [0; 12];
                server.read_exact(&mut heard).expect("a line");
                assert_eq!(&heard, b"still heard\n", "{words:?}");
            }
        }
    }
}

#[test]
fn datagrams_go_both_ways_and_say_whose_they_are() {
    let folder = Folder::new();
    let path = folder.path("dgram");
    let name = format!("unixgram:{}", path.display());
    let echo =
        ["--on-data", "conn.send(conn.proto + conn.peer_uid + ' ' + data.text())"].map(|word| word.replace('\'', "\""));
    let mut tcpx = Tcpx::new(&["listen", "-u", &unix(&path), &echo[0], &echo[1]]).spawn();
    tcpx.wait_stderr(&format!("listening on {name}\n"));
    let uid = rustix::process::getuid().as_raw();
    for place in [&unix(&path), &name] {
        let done = Tcpx::new(&["connect", "-u", place, "--send", "one", "--expect", "one"]).run();
        assert_eq!(done.stdout, format!("unixgram{uid} one").into_bytes(), "{}", done.stderr);
    }
    // One that has no name cannot be answered.
    let unnamed = UnixDatagram::unbound().unwrap();
    unnamed.send_to(b"hello", &path).unwrap();
    tcpx.wait_stderr("write to unixgram:(unnamed): it has no name that something could be sent to");
    let stream = Tcpx::new(&["connect", &unix(&path)]).run();
    assert_eq!(stream.status_code(), Some(7));
    drop(tcpx);
    let done = Tcpx::new(&["connect", "-u", "unix:/no/such"]).run();
    assert_eq!(done.status_code(), Some(7));
    done.said("tcpx: connect to unixgram:/no/such: no such file or directory");
}

#[test]
fn a_script_knows_the_user_behind_a_stream() {
    let folder = Folder::new();
    let path = folder.path("s");
    let tcpx = listen(&path, &["--session", "conn.send(`${conn.peer_uid}`)"]);
    let uid = rustix::process::getuid().as_raw().to_string();
    assert_eq!(rest(&mut client(&path)), uid.as_bytes());
    drop(tcpx);
}

// ---- data ------------------------------------------------------------------------------------------------

#[test]
fn connect_and_listen_are_each_others_peer_both_ways() {
    let folder = Folder::new();
    for name in [unix(&folder.path("s")), format!("unix:@tcpx-{}", folder.path("s").display())] {
        let mut server = Tcpx::new(&["listen", "-v", &name]).stdin(Stdin::bytes(b"answer")).spawn();
        server.wait_stderr(&format!("listening on {name}\n"));
        let done = Tcpx::new(&["connect", "-v", &name]).stdin(Stdin::bytes(b"question")).run();
        done.code(0).wrote("answer").said(&format!("connected to {name} from unix:(unnamed)"));
        server.finish().code(0).wrote("question").said(&format!("accepted unix:(unnamed) on {name}"));
    }
}

#[test]
fn much_passes_unchanged_in_both_directions() {
    let folder = Folder::new();
    let path = folder.path("s");
    let (up, down) = (noise(30 << 20, 1), noise(30 << 20, 2));
    let mut server = Tcpx::new(&["listen", &unix(&path)]).stdin(Stdin::bytes(&down)).spawn();
    server.wait_stderr("listening on");
    let done = Tcpx::new(&["connect", &unix(&path)]).stdin(Stdin::bytes(&up)).run();
    assert_same(&done.code(0).stdout, &down, "to the client");
    assert_same(&server.finish().code(0).stdout, &up, "to the server");
}

#[test]
fn files_and_pipes_are_moved_by_the_kernel() {
    if !installed("strace") {
        return missing("strace");
    }
    let folder = Folder::new();
    let (path, log) = (folder.path("s"), folder.path("trace"));
    let strace = ["strace", "-f", "-o", log.to_str().expect("a path"), "-e", "trace=splice,sendfile"];
    let bytes = noise(8 << 20, 3);
    for (call, stdin) in [("splice(", Stdin::bytes(&bytes)), ("sendfile(", Stdin::file(&bytes))] {
        let server = UnixListener::bind(&path).expect("a listener");
        let tcpx = Tcpx::new(&["connect", &unix(&path)]).stdin(stdin).under(&strace).spawn();
        let (mut conn, _) = server.accept().expect("a client");
        assert_same(&rest(&mut conn), &bytes, "what was sent");
        conn.write_all(&bytes).expect("sent");
        drop(conn);
        assert_same(&tcpx.finish().code(0).stdout, &bytes, "what was received");
        let trace = fs::read_to_string(&log).expect("what strace wrote");
        let moves = |line: &str| {
            line.contains(call) && line.rsplit(' ').next().is_some_and(|n| n.parse::<u32>().is_ok_and(|n| n > 0))
        };
        assert!(trace.lines().any(moves), "{call}: {trace}");
        fs::remove_file(&path).expect("the socket file");
    }
}

#[test]
fn a_script_relays_much_between_tcp_and_unix() {
    let folder = Folder::new();
    let path = folder.path("s");
    let script = "fn on_connect(conn) { if conn.side == \"server\" { conn.pipe(connect(args[0])); } }";
    let script = folder.file("relay.rhai", script.as_bytes()).display().to_string();
    let server = UnixListener::bind(&path).expect("a listener");
    let words = ["listen", "127.0.0.1", "0", "--script", &script, "--", &unix(&path)];
    let mut relay = Tcpx::new(&words).spawn();
    let address = relay.address();
    let (up, down) = (noise(12 << 20, 4), noise(12 << 20, 5));
    let tcpx = Tcpx::new::<&str>(&[]).stdin(Stdin::bytes(&up)).connect(address);
    let (conn, _) = server.accept().expect("the relay");
    let (mut reader, mut writer) = (conn.try_clone().expect("a second handle"), conn);
    let sent = down.clone();
    let sender = thread::spawn(move || {
        writer.write_all(&sent).expect("sent");
        writer.shutdown(Shutdown::Write).expect("half closed");
    });
    assert_same(&rest(&mut reader), &up, "to the Unix socket");
    sender.join().expect("it sends");
    assert_same(&tcpx.finish().code(0).stdout, &down, "to the client");
}

#[test]
fn many_clients_are_served_with_k() {
    let folder = Folder::new();
    let path = folder.path("s");
    let mut tcpx = listen(&path, &["-k", "--accept", "3"]);
    let mut clients: Vec<UnixStream> = (0..3).map(|_| client(&path)).collect();
    for (stream, text) in clients.iter_mut().zip(["one", "two", "three"]) {
        stream.write_all(text.as_bytes()).expect("sent");
        let all = ["one", "onetwo", "onetwothree"];
        let so_far = all[["one", "two", "three"].iter().position(|word| *word == text).expect("a word")];
        tcpx.wait_stdout(so_far.as_bytes());
    }
    tcpx.write(b"to all");
    for stream in &mut clients {
        expect(stream, b"to all");
    }
    drop(clients);
    tcpx.finish().code(0).quietly();
}

#[test]
fn a_half_close_is_passed_on() {
    let folder = Folder::new();
    let path = folder.path("s");
    let server = UnixListener::bind(&path).expect("a listener");
    let tcpx = Tcpx::new(&["connect", &unix(&path)]).stdin(Stdin::bytes(b"all")).spawn();
    let (mut conn, _) = server.accept().expect("a client");
    assert_eq!(rest(&mut conn), b"all");
    conn.write_all(b"after the end").expect("it still reads");
    drop(conn);
    tcpx.finish().code(0).wrote("after the end");
}

#[test]
fn other_programs_are_peers() {
    let folder = Folder::new();
    let mut any = false;
    let path = folder.path("s");
    let place = path.display().to_string();
    let code = format!(
        "import socket\ns = socket.socket(socket.AF_UNIX)\ns.connect('{place}')\ns.sendall(b'hello')\n\
         s.shutdown(socket.SHUT_WR)\nwhile d := s.recv(99): print(d.decode(), end='')"
    );
    let clients: [(&str, Vec<String>); 3] = [
        ("python3", vec!["-c".into(), code]),
        ("socat", vec!["-".into(), format!("UNIX-CONNECT:{place}")]),
        ("nc", vec!["-NU".into(), place.clone()]),
    ];
    for (program, words) in clients {
        if !installed(program) {
            continue;
        }
        any = true;
        let server = listen(&path, &["--on-data", "conn.send(`got ${data.text()}`)", "--once"]);
        let done = Tcpx::other(program, &words).stdin(Stdin::bytes(b"hello")).run();
        done.code(0).wrote("got hello");
        server.finish().code(0).quietly();
    }
    if !any {
        missing("python3, socat or nc");
    }
}

// ---- endings ---------------------------------------------------------------------------------------------

#[test]
fn a_server_that_goes_with_unread_data_is_a_broken_connection() {
    let folder = Folder::new();
    let path = folder.path("s");
    let server = UnixListener::bind(&path).expect("a listener");
    let mut tcpx = Tcpx::new(&["connect", &unix(&path)]).stdin(Stdin::Open).spawn();
    let (mut conn, _) = server.accept().expect("a client");
    tcpx.write(b"never read");
    tcpx.wait_idle();
    conn.write_all(b"last words").expect("sent");
    drop(conn);
    let done = tcpx.finish();
    done.code(56).wrote("last words").said(&format!("read from {}: connection reset by peer", unix(&path)));
}

#[test]
fn a_reset_is_one_for_the_peer_only_if_something_was_not_read() {
    let folder = Folder::new();
    let path = folder.path("s");
    let script = "fn on_connect(conn) { conn.pause(); conn.send(\"bye\"); conn.after(1, |c| c.reset()); }";
    let script = folder.file("reset.rhai", script.as_bytes()).display().to_string();
    let tcpx = listen(&path, &["--script", &script]);
    let mut quiet = client(&path);
    assert_eq!(rest(&mut quiet), b"bye");
    tcpx.freeze();
    let mut loud = client(&path);
    loud.write_all(b"never read").expect("sent");
    tcpx.thaw();
    let mut found = Vec::new();
    let end = loud.read_to_end(&mut found).expect_err("an error");
    assert_eq!((found.as_slice(), end.kind()), (b"bye".as_slice(), ErrorKind::ConnectionReset));
}

#[test]
fn a_probe_tells_who_listens() {
    let folder = Folder::new();
    let path = folder.path("s");
    let target = unix(&path);
    let gone = Tcpx::new(&["connect", "-z", &target]).run();
    gone.code(7).said(&format!("tcpx: connect to {target}: no such file or directory"));
    let server = UnixListener::bind(&path).expect("a listener");
    Tcpx::new(&["connect", "-zv", &target]).run().code(0).said(&format!("connected to {target}"));
    // A child of another test has a copy of the listener until it runs its program: closing alone may come too late.
    socket2::SockRef::from(&server).shutdown(Shutdown::Both).expect("shut down");
    drop(server);
    Tcpx::new(&["connect", "-z", &target]).run().code(7).said(&format!("connect to {target}: connection refused"));
}

#[test]
fn a_full_queue_is_waited_for() {
    let folder = Folder::new();
    let path = folder.path("s");
    let socket = socket2::Socket::new(socket2::Domain::UNIX, socket2::Type::STREAM, None).expect("a socket");
    socket.bind(&socket2::SockAddr::unix(&path).expect("a name")).expect("bound");
    socket.listen(0).expect("it listens");
    let filler = client(&path);
    let done = Tcpx::new(&["connect", "-w", "100ms", &unix(&path)]).run();
    done.code(28).said(&format!("connect to {}: timed out after 100ms", unix(&path)));
    let tcpx = Tcpx::new(&["connect", &unix(&path)]).stdin(Stdin::bytes(b"in the end")).spawn();
    drop(socket.accept().expect("the filler"));
    drop(filler);
    let (conn, _) = socket.accept().expect("tcpx");
    let mut conn = UnixStream::from(std::os::fd::OwnedFd::from(conn));
    assert_eq!(rest(&mut conn), b"in the end");
    drop(conn);
    tcpx.finish().code(0);
}

// ---- the socket file -------------------------------------------------------------------------------------

#[test]
fn a_stale_file_is_replaced_and_a_live_one_is_not() {
    let folder = Folder::new();
    let path = folder.path("s");
    drop(UnixListener::bind(&path).expect("a listener"));
    assert!(path.exists(), "it is stale");
    let mut tcpx = listen(&path, &[]);
    let done = Tcpx::new(&["listen", &unix(&path)]).run();
    done.code(110).said(&format!("tcpx: listen on {}: address already in use", unix(&path)));
    // The one client of the first has not been taken for it.
    client(&path).write_all(b"hello").expect("sent");
    tcpx.wait_stdout(b"hello");
    tcpx.finish().code(0);
    assert!(!path.exists());
}

#[test]
fn what_cannot_be_listened_on_is_110() {
    let folder = Folder::new();
    let file = folder.file("file", b"text");
    let long = folder.path(&"x".repeat(108));
    let cases: [(PathBuf, &str); 5] = [
        (file.clone(), "the file exists and is not a socket"),
        (folder.path(""), "it is a directory"),
        (folder.path("no/s"), "no such file or directory"),
        (file.join("s"), "not a directory"),
        (long.clone(), "107 are the most for a Unix socket"),
    ];
    for (path, cause) in cases {
        let done = Tcpx::new(&["listen", &unix(&path)]).run();
        done.code(110).said(&format!("tcpx: listen on {}: ", unix(&path))).said(cause);
    }
    assert_eq!(fs::read(&file).expect("the file"), b"text");
    Tcpx::new(&["connect", &unix(&long)]).run().code(7).said("107 are the most for a Unix socket");
    Tcpx::new(&["connect", &format!("unix:@{}", "x".repeat(108))]).run().code(7).said("the name has 108 bytes");
    Tcpx::new(&["connect", &unix(&file)]).run().code(7).said("connection refused");
}

#[test]
fn a_folder_that_must_not_be_written_is_110() {
    let folder = Folder::new();
    let closed = folder.path("closed");
    fs::create_dir(&closed).expect("a folder");
    fs::set_permissions(&closed, fs::Permissions::from_mode(0o555)).expect("its mode");
    let path = closed.join("s");
    fs::set_permissions(folder.path(""), fs::Permissions::from_mode(0o755)).expect("its mode");
    let Some(unprivileged) = without_rights() else { return };
    let tcpx = Tcpx::new(&["listen", &unix(&path)]).under(unprivileged);
    tcpx.run().code(110).said(&format!("tcpx: listen on {}: permission denied", unix(&path)));
}

#[test]
fn the_file_follows_the_umask_and_goes_with_the_run() {
    let folder = Folder::new();
    let path = folder.path("s");
    for signal in [Signal::TERM, Signal::INT] {
        let tcpx = Tcpx::new(&["listen", "-k", &unix(&path)]).after_shell("umask 027").with_default_signals();
        let mut tcpx = tcpx.stdin(Stdin::Open).spawn();
        tcpx.wait_stderr("listening on");
        assert_eq!(fs::metadata(&path).expect("the file").mode() & 0o777, 0o750);
        tcpx.signal(signal);
        tcpx.finish().code(128 + signal.as_raw());
        assert!(!path.exists(), "{signal:?}");
    }
}

#[test]
fn a_file_that_somebody_has_replaced_stays() {
    let folder = Folder::new();
    let path = folder.path("s");
    let tcpx = listen(&path, &["-k", "--timeout", "30"]);
    fs::rename(&path, folder.path("old")).expect("renamed");
    let other = UnixListener::bind(&path).expect("another listener");
    tcpx.signal(Signal::TERM);
    tcpx.finish().code(143);
    drop(client(&path));
    drop(other);
}

// ---- surfaces --------------------------------------------------------------------------------------------

#[test]
fn the_ready_file_has_the_name() {
    let folder = Folder::new();
    let (path, ready) = (folder.path("s"), folder.path("ready"));
    let tcpx = Tcpx::new(&["listen", &unix(&path), "--ready-file"]).arg(&ready).stdin(Stdin::Open).spawn();
    wait_for("the ready file", || ready.exists());
    assert_eq!(fs::read_to_string(&ready).expect("the file"), format!("{}\n", unix(&path)));
    drop(client(&path));
    tcpx.finish().code(0);
}

#[test]
fn options_that_make_no_sense_say_so() {
    for (line, message, hint) in [
        ("connect unix:/x 80", "unix:/x is a Unix socket, which has no port", "tcpx connect unix:/x"),
        ("listen unix:/x 80", "unix:/x is a Unix socket, which has no port", "tcpx listen unix:/x"),
        ("connect -4 unix:/x", "-4 is for TCP, and unix:/x is a Unix socket", "leave -4 out"),
        ("listen -6 unix:@x", "-6 is for TCP, and unix:@x is a Unix socket", "leave -6 out"),
        ("connect --source :9 unix:/x", "--source is for TCP", "leave --source out"),
        ("listen --workers 2 --on-data x unix:/x", "--workers is for TCP", "leave --workers out"),
        ("connect unix:", "no path in \"unix:\"", "unix:/PATH"),
        ("listen unix:@", "no name in \"unix:@\"", "unix:@NAME"),
        ("connect unix://x/y", "\"unix://x/y\" is ambiguous", "unix:/x/y is a path from the root"),
        (
            "connect --source unix:/x h 80",
            "--source unix:/x is for datagrams to a Unix socket, and h:80 is none",
            "leave it out, or write -u",
        ),
        ("unix:/x", "unknown command", "tcpx connect unix:/x"),
    ] {
        let words: Vec<&str> = line.split(' ').collect();
        Tcpx::new(&words).run().code(2).said(message).said(hint);
    }
}

#[test]
fn a_relative_path_is_from_here() {
    let folder = Folder::new();
    let cd = format!("cd '{}'", folder.path("").display());
    let mut server = Tcpx::new(&["listen", "unix:s"]).after_shell(&cd).stdin(Stdin::Open).spawn();
    server.wait_stderr("listening on unix:s\n");
    Tcpx::new(&["connect", "-n", "--no-nodelay", "unix:s"]).after_shell(&cd).stdin(Stdin::bytes(b"x")).run().code(0);
    server.finish().code(0).wrote("x");
}

#[test]
fn a_name_in_any_script_is_a_name() {
    let folder = Folder::new();
    let path = folder.path("你好 socket");
    assert!(path.as_os_str().as_bytes().len() > 10);
    let mut tcpx = listen(&path, &[]);
    client(&path).write_all("好".as_bytes()).expect("sent");
    tcpx.wait_stdout("好".as_bytes());
    tcpx.finish().code(0);
}

// ---- scripts ---------------------------------------------------------------------------------------------

#[test]
fn scripts_see_what_a_unix_connection_is() {
    let folder = Folder::new();
    let path = folder.path("s");
    let body = "print(`${conn.peer} ${conn.local} ${conn.proto} ${conn.peer_ip == ()} ${conn.peer_port == ()}`);";
    let script =
        format!("fn on_listen(l) {{ print(`${{l.addr}} ${{l.port == ()}}`); }} fn on_connect(conn) {{ {body} }}");
    let script = folder.file("s.rhai", script.as_bytes()).display().to_string();
    let name = unix(&path);
    let tcpx = listen(&path, &["--script", &script, "--once"]);
    let done = Tcpx::new(&["connect", &name, "--script", &script]).run();
    done.code(0).wrote(format!("{name} unix:(unnamed) unix true true\n"));
    tcpx.finish().code(0).wrote(format!("{name} true\nunix:(unnamed) {name} unix true true\n"));
}

#[test]
fn a_script_relays_between_a_path_and_an_abstract_name() {
    let folder = Folder::new();
    let (path, inner) = (folder.path("s"), format!("unix:@tcpx-{}", folder.path("inner").display()));
    let script = "
        fn on_start() {
            let inner = listen(args[0]);
            inner.on_data = |c, data| c.send(`inner got ${data.text()}`);
            inner.on_connect = |c| log(`inner ${c.local} ${app.inner.addr} ${app.inner.port == ()}`);
            app.inner = inner;
        }
        fn on_connect(conn) {
            if conn.side == \"server\" && conn.local != app.inner.addr {
                let up = connect(args[0]);
                log(`up ${up.peer} ${up.proto}`);
                conn.pipe(up);
            }
        }
        fn on_stop(code) { app.inner.close(); }";
    let script = folder.file("relay.rhai", script.as_bytes()).display().to_string();
    let mut tcpx = listen(&path, &["--script", &script, "--", &inner]);
    let mut conn = client(&path);
    conn.write_all(b"hello").expect("sent");
    expect(&mut conn, b"inner got hello");
    tcpx.wait_stderr(&format!("up {inner} unix"));
    tcpx.wait_stderr(&format!("inner {inner} {inner} true"));
}

#[test]
fn a_script_closes_its_listener_and_the_file_goes() {
    let folder = Folder::new();
    let path = folder.path("inner");
    let script = "
        fn on_start() { app.inner = listen(args[0]); }
        fn on_line(conn, line) { app.inner.close(); conn.send_line(\"closed\"); }";
    let script = folder.file("s.rhai", script.as_bytes()).display().to_string();
    let outer = folder.path("outer");
    let _tcpx = listen(&outer, &["--script", &script, "--", &unix(&path)]);
    assert!(path.exists());
    let mut conn = client(&outer);
    conn.write_all(b"x\n").expect("sent");
    expect(&mut conn, b"closed\n");
    wait_for("the file to go", || !path.exists());
}

#[test]
fn a_script_hears_why_it_cannot_connect_or_listen() {
    let folder = Folder::new();
    let file = folder.file("file", b"");
    let script = "
        fn on_start() {
            connect(args[0]);
            try { listen(args[1]); } catch (e) { print(e); }
        }
        fn on_error(conn, err) { print(`${conn.peer} ${err.kind} ${err.message}`); exit(0); }";
    let script = folder.file("s.rhai", script.as_bytes()).display().to_string();
    let (gone, file) = (unix(&folder.path("gone")), unix(&file));
    let done = Tcpx::new(&["listen", "-q", "127.0.0.1", "0", "--script", &script, "--", &gone, &file]).run();
    done.code(0);
    let out = String::from_utf8_lossy(&done.stdout).into_owned();
    assert!(out.contains(&format!("listen on {file}: the file exists and is not a socket")), "{out}");
    assert!(out.contains(&format!("{gone} refused connect to {gone}: no such file or directory")), "{out}");
}

#[test]
fn one_client_of_a_scripted_server_is_echoed() {
    let folder = Folder::new();
    let path = folder.path("s");
    let _tcpx = listen(&path, ECHO);
    for _ in 0..2 {
        let mut conn = client(&path);
        conn.write_all(b"hello").expect("sent");
        expect(&mut conn, b"hello");
    }
}

#[test]
fn an_own_name_that_cannot_be_had_is_told() {
    let line = ["connect", "-u", "unix:/no/such/socket", "--source", "unix:/no/such/folder/own"];
    Tcpx::new(&line).run().said("bind to unix:/no/such/folder/own: no such file or directory");
}
