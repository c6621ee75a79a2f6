//! Programs that talk to a peer: `--exec`, `--sh`, `--pty`, `--exec-status`; and the one beside a server: `--run`.

use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::os::unix::net::UnixStream;

use rustix::process::{Pid, Signal, kill_process, test_kill_process};

use crate::support::peer::{Conn, Server};
use crate::support::{BOTH, Folder, Role, Stdin, Tcpx, assert_same, noise, wait_for};

/// The number that a program has written to the peer, with a line end.
fn pid(peer: &mut Conn) -> Pid {
    let mut text = String::new();
    while !text.ends_with('\n') {
        let mut byte = [0];
        std::io::Read::read_exact(&mut peer.0, &mut byte).expect("the number of the process");
        text.push(byte[0] as char);
    }
    Pid::from_raw(text.trim().parse().expect("a number")).expect("not 0")
}

fn is_gone(pid: Pid) -> bool {
    test_kill_process(pid).is_err()
}

#[test]
fn a_program_answers_and_its_end_closes_the_connection() {
    for role in BOTH {
        let (tcpx, mut peer) = Tcpx::new(&["-v", "--sh", "read line; echo \"got $line\""]).pair(role);
        peer.send(b"this\n");
        assert_same(&peer.read_all(), b"got this\n", "the answer");
        tcpx.finish().code(0).wrote("").said("started read line");
    }
}

#[test]
fn the_end_of_the_peer_is_the_end_of_its_stdin_and_the_rest_is_delivered() {
    let bytes = noise(3 << 20, 7);
    for role in BOTH {
        let (tcpx, mut peer) = Tcpx::new(&["--exec", "cat"]).stdin(Stdin::Open).pair(role);
        let mut writer = peer.another();
        let sent = bytes.clone();
        let thread = std::thread::spawn(move || {
            writer.send(&sent);
            writer.half_close();
        });
        assert_same(&peer.read_all(), &bytes, "what came back");
        thread.join().expect("the writer");
        drop(peer);
        tcpx.finish().code(0).quietly();
    }
}

#[test]
fn output_that_is_still_in_the_pipe_when_the_program_ends_is_delivered() {
    for command in ["head -c 1000000 /dev/zero", "head -c 1000000 /dev/zero; exec <&- >&-; sleep 0.1"] {
        let (tcpx, mut peer) = Tcpx::new(&["--sh", command]).pair(Role::Listen);
        // It ends while nobody reads, and takes nothing of what it is sent.
        peer.send(&noise(1000, 1));
        assert_same(&peer.read_all(), &vec![0; 1_000_000], command);
        tcpx.finish().code(0).quietly();
    }
}

#[test]
fn words_are_passed_without_a_shell() {
    let (tcpx, mut peer) = Tcpx::new(&["--exec", r#"printf %s| "two words" $HOME *.c ''"#]).pair(Role::Connect);
    assert_same(&peer.read_all(), b"two words|$HOME|*.c|''|", "the words");
    tcpx.finish().code(0);
}

#[test]
fn it_is_told_who_the_peer_is_and_no_secrets() {
    let show =
        "echo $TCPX_PROTO $TCPX_REMOTE_ADDR:$TCPX_REMOTE_PORT $TCPX_LOCAL_ADDR:$TCPX_LOCAL_PORT $TCPX_PROXY_AUTH.";
    for role in BOTH {
        let (tcpx, mut peer) = Tcpx::new(&["--sh", show]).under(&["env", "TCPX_PROXY_AUTH=me:secret"]).pair(role);
        let (ours, theirs) = (peer.0.local_addr().unwrap(), peer.0.peer_addr().unwrap());
        let told = String::from_utf8(peer.read_all()).expect("UTF-8");
        assert_eq!(told, format!("TCP {ours} {theirs} .\n"));
        tcpx.finish().code(0);
    }
}

#[test]
fn each_client_has_a_program_of_its_own() {
    let (server, address) = Tcpx::new(&["-k", "--sh", "echo $$; exec cat"]).listen();
    let mut clients: Vec<_> = (0..5).map(|_| Conn::to(address)).collect();
    let pids: Vec<_> = clients.iter_mut().map(pid).collect();
    for (number, client) in clients.iter_mut().enumerate().rev() {
        client.send(&[b'a' + number as u8; 10]);
        client.expect(&[b'a' + number as u8; 10]);
    }
    // One that is reset takes only its own with it.
    clients.remove(2).reset();
    wait_for("the program to end", || is_gone(pids[2]));
    clients[0].send(b"still here");
    clients[0].expect(b"still here");
    drop(clients);
    wait_for("all programs to end", || pids.iter().all(|pid| is_gone(*pid)));
    server.signal(Signal::TERM);
    server.finish().code(143);
}

#[test]
fn no_program_outlives_its_connection_or_the_run() {
    let stubborn = "trap '' TERM HUP INT; echo $$; while :; do sleep 1; done";
    let (server, address) = Tcpx::new(&["-k", "--sh", stubborn]).with_default_signals().listen();
    let mut client = Conn::to(address);
    let first = pid(&mut client);
    client.reset();
    wait_for("the first to be killed", || is_gone(first));
    let mut client = Conn::to(address);
    let second = pid(&mut client);
    server.signal(Signal::INT);
    server.finish().code(130);
    wait_for("the second to be killed", || is_gone(second));
}

#[test]
fn the_others_of_its_group_go_with_it() {
    let (tcpx, mut peer) = Tcpx::new(&["--sh", "sleep 600 </dev/null >/dev/null & echo $!"]).pair(Role::Listen);
    let left = pid(&mut peer);
    peer.expect_eof();
    drop(peer);
    tcpx.finish().code(0);
    wait_for("what it has left to end", || is_gone(left));
}

#[test]
fn its_exit_status_is_that_of_the_run_if_asked() {
    for role in BOTH {
        for (command, code) in [("exit 0", 0), ("exit 7", 7), ("kill -9 $$", 137), ("kill -TERM $$", 143)] {
            let (tcpx, mut peer) = Tcpx::new(&["--exec-status", "--sh", command]).pair(role);
            peer.read_all();
            drop(peer);
            let done = tcpx.finish();
            match code {
                0 => done.code(0).quietly(),
                1..128 => done.code(code).said(&format!("tcpx: {command}: exit status: {code}\n")),
                _ => {
                    assert_eq!(done.status_code(), Some(code), "the number alone: we live");
                    done.said(&format!("tcpx: {command}: signal: {}", code - 128))
                }
            };
        }
        let (tcpx, mut peer) = Tcpx::new(&["--sh", "exit 7"]).pair(role);
        peer.read_all();
        drop(peer);
        tcpx.finish().code(0);
    }
    // The first fault counts.
    let (tcpx, mut peer) = Tcpx::new(&["--exec-status", "--sh", "echo $$; read x; exit 7"]).pair(Role::Connect);
    pid(&mut peer);
    peer.reset();
    tcpx.finish().code(56);
}

#[test]
fn output_that_is_lost_with_its_connection_is_told_whatever_the_status() {
    for role in BOTH {
        for options in ["", "--exec-status", "--pty", "--pty --exec-status"] {
            for command in ["hi", "hi; exit 7"] {
                let command = format!("echo ready; cat > /dev/null; echo {command}");
                let words: Vec<_> = options.split_whitespace().chain(["--sh", &command]).collect();
                let (tcpx, mut peer) = Tcpx::new(&words).pair(role);
                peer.expect(if options.contains("pty") { b"ready\r\n" } else { b"ready\n" });
                // Its FIN is the end of the program's stdin, and what comes then is answered by RST.
                drop(peer);
                let done = tcpx.finish();
                done.code(56).said("tcpx: write to 127.0.0.1:");
                assert!(!done.stderr.contains("status"), "{}", done.stderr);
            }
        }
    }
}

#[test]
fn output_that_a_unix_socket_does_not_take_is_told_whatever_the_status() {
    let folder = Folder::new();
    let command = "echo ready; cat > /dev/null; echo hi; exit 7";
    for (number, status) in [&[][..], &["--exec-status"]].into_iter().enumerate() {
        let path = folder.path(&format!("s{number}"));
        let words = ["listen", &format!("unix:{}", path.display()), "--sh", command];
        let mut tcpx = Tcpx::new(&words).args(status).spawn();
        tcpx.wait_stderr("listening on unix:");
        let mut peer = UnixStream::connect(&path).expect("connect to the program");
        std::io::Read::read_exact(&mut peer, &mut [0; 6]).expect("ready, and a line end");
        drop(peer);
        tcpx.finish().code(56).said("tcpx: write to unix:(unnamed): broken pipe\n");
    }
}

#[test]
fn a_signal_that_ends_the_program_ends_the_connection() {
    let (tcpx, mut peer) = Tcpx::new(&["--exec", "cat"]).stdin(Stdin::Open).pair(Role::Listen);
    peer.send(b"x");
    peer.expect(b"x");
    let children = fs::read_to_string(format!("/proc/{0}/task/{0}/children", tcpx.pid())).expect("the children");
    let child = Pid::from_raw(children.trim().parse().expect("one child")).unwrap();
    kill_process(child, Signal::KILL).expect("kill it");
    peer.expect_eof();
    drop(peer);
    tcpx.finish().code(0);
}

#[test]
fn a_program_that_cannot_be_started_is_said_before_anything_else() {
    let folder = Folder::new();
    let file = folder.file("plain", b"no program");
    fs::set_permissions(&file, fs::Permissions::from_mode(0o644)).unwrap();
    for command in ["connect", "listen"] {
        let run = |program: &str| Tcpx::new(&[command, "--exec", program, "127.0.0.1", "9"]).run();
        run("no-such-program-anywhere -x").code(127).said("start no-such-program-anywhere: there is no such program");
        run("/no/such/file").code(127);
        run(file.to_str().unwrap()).code(126).said("it cannot be executed");
        run("/").code(126);
    }
    // What the system finds out when it is started.
    let script = folder.file("script", b"#!/no/such/interpreter\n");
    fs::set_permissions(&script, fs::Permissions::from_mode(0o755)).unwrap();
    let server = Server::start();
    let tcpx = Tcpx::new(&["--exec", script.to_str().unwrap()]).connect(server.address);
    server.accept().expect_reset();
    tcpx.finish().code(127).said("no such file or directory");
}

#[test]
fn options_that_the_program_decides_are_refused() {
    for line in [
        "--exec cat --sh cat",
        "--exec cat --script @echo",
        "--sh cat --session x",
        "--exec cat --expect x",
        "--exec cat -E gbk",
        "--exec cat --send x",
        "--exec cat --half-open",
        "--exec cat -o file",
        "--exec-status",
        "--pty",
        "--sh ",
    ] {
        for command in ["connect", "listen"] {
            let words: Vec<_> = line.split(' ').collect();
            Tcpx::new(&[command]).args(&words).args(&["127.0.0.1", "9"]).run().code(2);
        }
    }
    Tcpx::new(&["listen", "-k", "--exec", "cat", "--exec-status", "0"]).run().code(2);
    Tcpx::new(&["connect", "-z", "--exec", "cat", "127.0.0.1", "9"]).run().code(2);
}

#[test]
fn a_program_with_a_terminal_sees_one() {
    for role in BOTH {
        let (tcpx, mut peer) = Tcpx::new(&["--pty", "--sh", "tty >&2; stty size; read x; echo \"<$x>\""]).pair(role);
        peer.send(b"hello\n");
        let screen = String::from_utf8(peer.read_all()).expect("UTF-8");
        assert!(screen.contains("/dev/pts/") && screen.contains("24 80\r\n"), "{screen}");
        assert!(screen.ends_with("<hello>\r\n"), "{screen}");
        drop(peer);
        tcpx.finish().code(0).quietly();
    }
}

#[test]
fn on_a_terminal_the_end_of_the_peer_is_a_key_and_so_is_an_interrupt() {
    for (typed, code) in [(&b"line\n"[..], 0), (b"half a line", 0), (b"\x03", 130)] {
        let command = "stty -echo; echo ready; exec cat > /dev/null";
        let tcpx = Tcpx::new(&["--pty", "--exec-status", "--sh", command]).with_default_signals();
        let (tcpx, mut peer) = tcpx.pair(Role::Listen);
        peer.expect(b"ready\r\n");
        peer.send(typed);
        if code == 0 {
            peer.half_close();
        }
        peer.read_all();
        drop(peer);
        assert_eq!(tcpx.finish().status_code(), Some(code));
    }
}

#[test]
fn much_output_of_a_terminal_arrives() {
    let (tcpx, mut peer) = Tcpx::new(&["--pty", "--sh", "stty -opost; head -c 300000 /dev/zero"]).pair(Role::Listen);
    assert_same(&peer.read_all(), &vec![0; 300_000], "the output");
    drop(peer);
    tcpx.finish().code(0);
}

// ---- the command beside a server -------------------------------------------------------------------------

/// A client that the shell has: this program itself.
fn client() -> String {
    env!("CARGO_BIN_EXE_tcpx").to_owned()
}

#[test]
fn the_command_of_run_knows_where_and_its_status_is_that_of_the_run() {
    let echo = ["listen", "--script", "@echo", "-q", "--run"];
    let ask = format!(
        "printf hello | {} connect \"$TCPX_ADDR\" && echo . && test $TCPX_ADDR = $TCPX_HOST:$TCPX_PORT",
        client()
    );
    Tcpx::new(&echo).args(&[&ask, "127.0.0.1", "0"]).run().code(0).wrote("hello.\n").quietly();
    for code in [1, 7] {
        let done = Tcpx::new(&echo).args(&[&format!("exit {code}"), "127.0.0.1", "0"]).run();
        done.code(code).said(&format!("tcpx: exit {code}: exit status: {code}"));
    }
    let done = Tcpx::new(&echo).args(&["kill -9 $$", "127.0.0.1", "0"]).run();
    assert_eq!(done.status_code(), Some(137));
}

#[test]
fn a_server_lives_as_long_as_the_command_of_run_also_without_clients() {
    // In netcat mode, after its only client has left.
    let ask = format!("printf x | {} connect $TCPX_ADDR; sleep 0.2; exit 3", client());
    let done = Tcpx::new(&["listen", "-q", "--run", &ask, "127.0.0.1", "0"]).run();
    done.code(3).wrote("x");
    let done = Tcpx::new(&["listen", "-k", "-q", "--run", "cat; exit 4", "127.0.0.1", "0"]).stdin(Stdin::Open).run();
    done.code(4);
    let done =
        Tcpx::new(&["listen", "--workers", "2", "--script", "@echo", "-q", "--run", "exit 5", "127.0.0.1", "0"]).run();
    done.code(5);
}

#[test]
fn the_command_of_run_is_stopped_with_the_server() {
    for command in ["exec sleep 600", "trap '' TERM; while :; do sleep 1; done"] {
        let file = Folder::new();
        let pid_file = file.path("pid");
        let command = format!("echo $$ > {0}.new; mv {0}.new {0}; {command}", pid_file.display());
        let (server, _) = Tcpx::new(&["-k", "--run", &command]).listen();
        wait_for("the command", || pid_file.exists());
        let text = fs::read_to_string(&pid_file).expect("its number");
        let pid = Pid::from_raw(text.trim().parse().expect("a number")).unwrap();
        server.signal(Signal::TERM);
        server.finish().code(143);
        wait_for("its end", || is_gone(pid));
    }
    let done = Tcpx::new(&["listen", "-k", "--timeout", "300ms", "--run", "sleep 600", "127.0.0.1", "0"]).run();
    done.code(28);
}

#[test]
fn a_parent_that_ignores_the_end_of_children_takes_no_status_away() {
    let tcpx = env!("CARGO_BIN_EXE_tcpx");
    let line = ["--ignore-signal=CHLD", tcpx, "listen", "127.0.0.1", "0", "--run", "sleep 0.1; exit 3"];
    Tcpx::other("env", &line).run().code(3).said("exit status: 3");
}
