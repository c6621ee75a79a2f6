//! Interoperation of tcpx with nc, ncat, socat and curl, as client and as server.

use std::net::{SocketAddr, TcpListener};

use crate::support::{Running, Stdin, Tcpx, assert_same, installed, is_listened_on, missing, noise, wait_for};

const PLAIN: &[&str] = &[];
const ECHO: &[&str] = &["--on-data", "conn.send(data)"];

/// Whether these programs are installed; if not, a note or a failure.
pub(crate) fn have(programs: &[&str]) -> bool {
    let absent: Vec<_> = programs.iter().filter(|program| !installed(program)).copied().collect();
    for program in &absent {
        missing(program);
    }
    absent.is_empty()
}

/// Starts a server on a free port, which replaces `PORT` in its arguments.
pub(crate) fn start_server(program: &str, words: &[&str], stdin: impl Fn() -> Stdin) -> (Running, SocketAddr) {
    for _ in 0..5 {
        let free = TcpListener::bind("127.0.0.1:0").and_then(|listener| listener.local_addr()).expect("a free port");
        let port = free.port().to_string();
        let words: Vec<_> = words.iter().map(|word| word.replace("PORT", &port)).collect();
        let mut server = Tcpx::other(program, &words).stdin(stdin()).spawn();
        wait_for("the server to listen or to leave", || is_listened_on(free.port()) || !server.is_running());
        if server.is_running() {
            return (server, free);
        }
    }
    panic!("{program} found no port");
}

// ---- tcpx is the client ----------------------------------------------------------------------------------

#[test]
fn an_echo_by_ncat_comes_back_whole() {
    if !have(&["ncat"]) {
        return;
    }
    let (server, address) = start_server("ncat", &["-l", "127.0.0.1", "PORT", "--exec", "/bin/cat"], || Stdin::Null);
    // Ncat drops the answer after a FIN, so stdin is kept open until the answer has arrived.
    let mut tcpx = Tcpx::new(PLAIN).stdin(Stdin::Open).connect(address);
    tcpx.write(b"ping");
    tcpx.wait_stdout(b"ping");
    tcpx.close_stdin();
    tcpx.finish().code(0).wrote("ping").quietly();
    drop(server);
}

#[test]
fn an_echo_by_socat_comes_back_whole() {
    if !have(&["socat"]) {
        return;
    }
    let (_server, address) = start_server("socat", &["TCP-LISTEN:PORT,fork,bind=127.0.0.1", "PIPE"], || Stdin::Null);
    for _ in 0..3 {
        Tcpx::new(PLAIN).stdin(Stdin::bytes(b"ping")).connect(address).finish().code(0).wrote("ping").quietly();
    }
}

/// Sends all of `ours`, and closes after all of `theirs` has arrived: nc and ncat drop the rest of their stdin when the
/// other side has closed.
fn exchange(tcpx: &mut Running, ours: &[u8], theirs: &[u8]) {
    tcpx.write(ours);
    assert!(tcpx.out.wait(|bytes| bytes.len() >= theirs.len()), "{} bytes came", tcpx.out.bytes().len());
    tcpx.close_stdin();
}

#[test]
fn data_is_exchanged_with_listening_netcats() {
    let (ours, theirs) = (noise(1 << 20, 20), noise(1 << 20, 21));
    let servers: [(&str, &[&str]); 3] = [
        ("nc", &["-l", "-N", "127.0.0.1", "PORT"]),
        ("ncat", &["-l", "127.0.0.1", "PORT"]),
        ("socat", &["-t", "20", "TCP-LISTEN:PORT,bind=127.0.0.1", "-"]),
    ];
    for (program, words) in servers {
        if !have(&[program]) {
            continue;
        }
        println!("with {program}");
        let (server, address) = start_server(program, words, || Stdin::bytes(&theirs));
        let mut tcpx = Tcpx::new(PLAIN).stdin(Stdin::Open).connect(address);
        exchange(&mut tcpx, &ours, &theirs);
        tcpx.finish().code(0).wrote(&theirs).quietly();
        let done = server.finish();
        assert_eq!(done.status_code(), Some(0), "{program}: {}", done.stderr);
        assert_same(&done.stdout, &ours, &format!("what {program} got"));
    }
}

#[test]
fn a_file_is_exchanged_with_a_listening_socat() {
    if !have(&["socat"]) {
        return;
    }
    let (ours, theirs) = (noise(1 << 20, 26), noise(1 << 20, 27));
    let words = ["-t", "20", "TCP-LISTEN:PORT,bind=127.0.0.1", "-"];
    let (server, address) = start_server("socat", &words, || Stdin::bytes(&theirs));
    Tcpx::new(PLAIN).stdin(Stdin::file(&ours)).connect(address).finish().code(0).wrote(&theirs).quietly();
    assert_same(&server.finish().stdout, &ours, "what socat got");
}

#[test]
fn a_client_ends_after_a_netcat_was_killed() {
    if !have(&["nc"]) {
        return;
    }
    let (server, address) = start_server("nc", &["-l", "-N", "127.0.0.1", "PORT"], || Stdin::Open);
    let mut tcpx = Tcpx::new(PLAIN).stdin(Stdin::Open).connect(address);
    tcpx.write(b"x");
    assert!(server.out.wait(|bytes| bytes == b"x"));
    drop(server);
    // Killed: the kernel closes the connection normally.
    tcpx.finish().code(0).wrote("").quietly();
}

// ---- tcpx is the server ----------------------------------------------------------------------------------

/// The clients, with `PORT` for the port. All send FIN at the end of stdin and wait for the answer.
const CLIENTS: [(&str, &[&str]); 3] = [
    ("nc", &["-N", "127.0.0.1", "PORT"]),
    ("ncat", &["127.0.0.1", "PORT"]),
    ("socat", &["-t", "20", "-", "TCP:127.0.0.1:PORT"]),
];

fn client(program: &str, words: &[&str], address: SocketAddr, stdin: Stdin) -> Running {
    let words: Vec<_> = words.iter().map(|word| word.replace("PORT", &address.port().to_string())).collect();
    Tcpx::other(program, &words).stdin(stdin).spawn()
}

#[test]
fn data_is_exchanged_with_connecting_netcats() {
    let (ours, theirs) = (noise(1 << 20, 22), noise(1 << 20, 23));
    for (program, words) in CLIENTS {
        if !have(&[program]) {
            continue;
        }
        println!("with {program}");
        let (mut tcpx, address) = Tcpx::new(PLAIN).stdin(Stdin::Open).listen();
        let client = client(program, words, address, Stdin::bytes(&theirs));
        exchange(&mut tcpx, &ours, &theirs);
        tcpx.finish().code(0).wrote(&theirs).quietly();
        let done = client.finish();
        assert_eq!(done.status_code(), Some(0), "{program}: {}", done.stderr);
        assert_same(&done.stdout, &ours, &format!("what {program} got"));
    }
}

#[test]
fn netcats_are_echoed_whole() {
    let data = noise(1 << 20, 24);
    let (mut tcpx, address) = Tcpx::new(ECHO).listen();
    for (program, words) in CLIENTS {
        if !have(&[program]) {
            continue;
        }
        let done = client(program, words, address, Stdin::bytes(&data)).finish();
        assert_eq!(done.status_code(), Some(0), "{program}: {}", done.stderr);
        assert_same(&done.stdout, &data, &format!("the echo that {program} got"));
    }
    assert!(tcpx.is_running());
}

#[test]
fn curl_is_served() {
    if !have(&["curl"]) {
        return;
    }
    let answer = b"HTTP/1.0 200 OK\r\nContent-Type: text/plain\r\n\r\nhello, curl\n";
    // From stdin, whose end is the end of the answer; and as preamble with a length, from a server that stays open.
    let with_length = r"HTTP/1.0 200 OK\r\nContent-Length: 12\r\n\r\nhello, curl\n";
    for (options, stdin) in [(PLAIN, Stdin::bytes(answer)), (&["--send", with_length], Stdin::Null)] {
        let (tcpx, address) = Tcpx::new(options).stdin(stdin).listen();
        let url = format!("http://{address}/path");
        let done = Tcpx::other("curl", &["-sS", "--noproxy", "*", "--max-time", "120", &url]).run();
        assert_eq!(
            (done.status_code(), done.stdout.as_slice()),
            (Some(0), b"hello, curl\n".as_slice()),
            "{}",
            done.stderr
        );
        let done = tcpx.finish();
        done.code(0).quietly();
        assert!(done.stdout.starts_with(b"GET /path HTTP/1.1\r\n"));
    }
}
