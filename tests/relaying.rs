//! Piped connections whose bytes the kernel moves: large amounts through `conn.pipe` without `on_relay`, compared byte
//! for byte, and events in the middle of a transfer.

use std::fs;
use std::io::{ErrorKind, Read, Write};
use std::net::SocketAddr;
use std::path::PathBuf;
use std::thread;

use crate::support::peer::{Conn, Server};
use crate::support::{Folder, Running, Tcpx, assert_same, installed, missing, noise, wait_for, wait_for_standstill};

/// More than a kernel pipe and socket buffers hold together, in bytes.
const LARGE: usize = 24 << 20;

const PIPE: &str = r#"
    fn on_connect(conn) {
        if conn.side == "client" { app.up = conn; return; }
        if conn.local.ends_with(`:${app.control}`) { return; }
        app.client = conn;
        conn.pipe(connect("TARGET"));
    }
    fn on_close(conn, why) {
        if conn.state.is_control == true { return; }
        print(`${conn.side} ${why} ${conn.bytes_in} ${conn.bytes_out}`);
    }
"#;
/// A second listener, on which each line is a command.
const CONTROL: &str = r#"
    fn on_start() {
        let control = listen("127.0.0.1:0");
        app.control = control.port;
        print(control.addr);
        control.on_line = |conn, line| {
            conn.state.is_control = true;
            let before = `${app.client.bytes_in} ${app.up.bytes_out} ${app.up.queued}`;
            switch line {
                "look" => {}
                "send" => app.up.send("[INSERTED]"),
                "shut" => app.up.shutdown(),
                "close up" => app.up.close(),
                "close client" => app.client.close(),
                "reset up" => app.up.reset(),
                "toxic" => app.up.toxic("latency", #{ latency: 20, dir: "out" }),
                "heal" => app.up.heal(),
                "encoding" => { app.up.encoding = "utf-16le"; app.client.encoding = "gbk"; }
            }
            conn.send_line(before);
        };
    }
"#;

/// A tcpx that relays clients to a server by `conn.pipe`.
struct Relay {
    tcpx: Running,
    address: SocketAddr,
    script: PathBuf,
    control: Option<Conn>,
    upstream: Server,
    _folder: Folder,
}

impl Relay {
    fn start(options: &[&str], under: &[&str]) -> Self {
        Self::with(&PIPE.replace("app.control", "\"none\""), Server::start(), options, under)
    }

    /// With a server that has a small receive buffer.
    fn narrow() -> Self {
        Self::with(&PIPE.replace("app.control", "\"none\""), Server::narrow(), &[], &[])
    }

    fn with(script: &str, upstream: Server, options: &[&str], under: &[&str]) -> Self {
        let folder = Folder::new();
        let script = script.replace("TARGET", &upstream.address.to_string());
        let path = folder.file("script.rhai", script.as_bytes());
        let tcpx = Tcpx::new(&["--script", &path.display().to_string()]).args(options).under(under);
        let (tcpx, address) = tcpx.listen();
        Self { tcpx, address, script: path, control: None, upstream, _folder: folder }
    }

    /// With a server that has a small receive buffer, and a control connection to the script.
    fn controlled() -> Self {
        let mut relay = Self::with(&format!("{CONTROL}{PIPE}"), Server::narrow(), &[], &[]);
        relay.tcpx.out.wait(|out| out.ends_with(b"\n"));
        let control = relay.tcpx.out.text().trim().parse().expect("the control port");
        relay.control = Some(Conn::to(control));
        relay
    }

    /// Sends a command; returns the bytes received from the client before it, sent to the server, and queued.
    fn tell(&mut self, what: &str) -> [usize; 3] {
        let control = self.control.as_mut().expect("a controlled one");
        control.send(format!("{what}\n").as_bytes());
        let mut line = Vec::new();
        let mut byte = [0];
        while line.last() != Some(&b'\n') {
            control.0.read_exact(&mut byte).expect("an answer");
            line.push(byte[0]);
        }
        let numbers: Vec<usize> = String::from_utf8(line)
            .expect("text")
            .split_whitespace()
            .map(|word| word.parse().expect("a number"))
            .collect();
        numbers.try_into().expect("three numbers")
    }

    fn pair(&self) -> (Conn, Conn) {
        (Conn::to(self.address), self.upstream.accept())
    }

    /// Number of its descriptors that are pipes, stdout and stderr included.
    fn pipe_ends(&self) -> usize {
        self.tcpx.links().iter().filter(|link| link.starts_with("pipe:")).count()
    }

    fn lines(&self, wanted: usize) -> Vec<String> {
        self.tcpx.out.wait(|out| memchr::memchr_iter(b'\n', out).count() >= wanted);
        self.tcpx.out.text().lines().map(str::to_owned).collect()
    }
}

/// Sends on a new thread, then half-closes.
fn sending(conn: &Conn, bytes: &[u8]) -> thread::JoinHandle<()> {
    let (mut conn, bytes) = (conn.another(), bytes.to_vec());
    thread::spawn(move || {
        conn.send(&bytes);
        conn.half_close();
    })
}

/// Sends until all buffers are full.
fn send_in_vain(conn: &Conn, bytes: &[u8]) {
    conn.0.set_nonblocking(true).expect("a stream that does not block");
    let mut sent = 0;
    wait_for_standstill("everything to be full", || {
        loop {
            match (&conn.0).write(&bytes[sent..]) {
                Ok(n) => sent += n,
                Err(error) if error.kind() == ErrorKind::WouldBlock => return sent as u64,
                Err(error) => panic!("the client cannot send: {error}"),
            }
            assert!(sent < bytes.len(), "nobody takes that much");
        }
    });
    conn.0.set_nonblocking(false).expect("a stream that blocks");
}

#[test]
fn both_directions_are_relayed_completely_and_counted() {
    let (there, back) = (noise(LARGE, 300), noise(LARGE + 7, 301));
    let relay = Relay::start(&[], &[]);
    for _ in 0..2 {
        let (mut client, mut server) = relay.pair();
        let senders = [sending(&client, &there), sending(&server, &back)];
        let reader = thread::spawn(move || server.read_all());
        assert_same(&client.read_all(), &back, "what came back");
        assert_same(&reader.join().expect("read"), &there, "what went there");
        for sender in senders {
            sender.join().expect("send");
        }
    }
    let mut lines = relay.lines(4);
    lines.sort();
    let (there, back) = (there.len(), back.len());
    let [client, server] = [format!("client eof {back} {there}"), format!("server eof {there} {back}")];
    assert_eq!(lines, [client.clone(), client, server.clone(), server]);
}

#[test]
fn a_half_close_follows_the_last_byte_and_the_answer_is_relayed() {
    let (question, answer) = (noise(LARGE, 302), noise(LARGE, 303));
    let relay = Relay::narrow();
    let (mut client, mut server) = relay.pair();
    let sender = sending(&client, &question);
    // All buffers are full, with the FIN after the data.
    relay.tcpx.wait_stuck();
    assert_same(&server.read_all(), &question, "the question");
    sender.join().expect("send");
    let sender = sending(&server, &answer);
    assert_same(&client.read_all(), &answer, "the answer");
    sender.join().expect("send");
}

#[test]
fn small_data_after_a_flow_is_relayed_at_once() {
    let (flow, small) = (noise(LARGE / 4, 304), noise(9, 305));
    let relay = Relay::start(&[], &[]);
    let (mut client, mut server) = relay.pair();
    for _ in 0..3 {
        let (mut copy, bytes) = (client.another(), flow.clone());
        let sender = thread::spawn(move || copy.send(&bytes));
        server.expect(&flow);
        sender.join().expect("send");
        client.send(&small);
        server.expect(&small);
        server.send(&small);
        client.expect(&small);
        std::mem::swap(&mut client, &mut server);
    }
}

#[test]
fn a_peer_that_does_not_read_blocks_its_direction_only() {
    let (there, back) = (noise(2 * LARGE, 306), noise(LARGE, 307));
    let mut relay = Relay::controlled();
    let (mut client, mut server) = relay.pair();
    let before = relay.pipe_ends();
    let sender = sending(&client, &there);
    relay.tcpx.wait_stuck();
    let [received, sent, queued] = relay.tell("look");
    assert_eq!(received, sent + queued, "what is in the kernel pipe counts as queued");
    assert!(queued < 1 << 20, "{queued} bytes wait");
    assert_eq!(relay.pipe_ends(), before + 2, "one direction needs one kernel pipe");
    let back_sender = sending(&server, &back);
    assert_same(&client.read_all(), &back, "the other direction");
    back_sender.join().expect("send");
    assert!(relay.tcpx.peak_memory() < 40 << 10, "{} KiB", relay.tcpx.peak_memory());
    assert_same(&server.read_all(), &there, "what waited");
    sender.join().expect("send");
}

#[test]
fn idle_connections_have_no_kernel_pipe_and_many_slow_ones_few() {
    let data = noise(6 << 20, 308);
    let relay = Relay::narrow();
    let before = relay.pipe_ends();
    let pairs: Vec<(Conn, Conn)> = (0..40).map(|_| relay.pair()).collect();
    let senders: Vec<_> = pairs.iter().map(|(client, _)| sending(client, &data)).collect();
    relay.tcpx.wait_stuck();
    let ends = relay.pipe_ends() - before;
    assert!((2..=64).contains(&ends), "{ends} ends of kernel pipes");
    let readers: Vec<_> = pairs
        .into_iter()
        .map(|(client, mut server)| thread::spawn(move || (client, server.read_all(), server)))
        .collect();
    let pairs: Vec<_> = readers.into_iter().map(|reader| reader.join().expect("read")).collect();
    for (_, found, _) in &pairs {
        assert_same(found, &data, "what each one got");
    }
    for sender in senders {
        sender.join().expect("send");
    }
    relay.tcpx.wait_stuck();
    let ends = relay.pipe_ends() - before;
    assert!(ends <= 8, "{ends} ends of kernel pipes for {} idle connections", pairs.len());
}

#[test]
fn script_actions_in_the_middle_of_a_flow_keep_the_order() {
    let data = noise(LARGE, 309);
    for what in ["send", "toxic", "encoding"] {
        let mut relay = Relay::controlled();
        let (client, mut server) = relay.pair();
        let sender = sending(&client, &data);
        relay.tcpx.wait_stuck();
        let [received, sent, queued] = relay.tell(what);
        assert!(queued > 100_000 && received > sent, "{what}: {queued} bytes on their way");
        let mut wanted = data.clone();
        if what == "send" {
            wanted.splice(received..received, *b"[INSERTED]");
        }
        if what == "toxic" {
            let mut first = vec![0; LARGE / 2];
            server.0.read_exact(&mut first).expect("read");
            relay.tell("heal");
            first.extend(server.read_all());
            assert_same(&first, &data, what);
        } else {
            assert_same(&server.read_all(), &wanted, what);
        }
        sender.join().expect("send");
    }
}

#[test]
fn received_data_is_sent_before_a_script_closes_the_connection() {
    let data = noise(LARGE, 310).repeat(3);
    for what in ["shut", "close up", "close client"] {
        let mut relay = Relay::controlled();
        let (client, mut server) = relay.pair();
        send_in_vain(&client, &data);
        relay.tcpx.wait_stuck();
        let [received, sent, queued] = relay.tell(what);
        assert!(queued > 100_000 && received == sent + queued, "{what}: {queued} bytes on their way");
        assert_same(&server.read_all(), &data[..received], what);
    }
}

#[test]
fn a_reset_of_either_side_in_the_middle_reaches_the_other() {
    let data = noise(LARGE, 311).repeat(3);
    for who in ["client", "server", "script"] {
        let mut relay = Relay::controlled();
        let (mut client, mut server) = relay.pair();
        send_in_vain(&client, &data);
        relay.tcpx.wait_stuck();
        let is_client = who == "client";
        match who {
            "client" => client.reset(),
            "server" => {
                server.reset();
                client.expect_reset();
                continue;
            }
            _ => {
                relay.tell("reset up");
                client.expect_reset();
            }
        }
        let mut found = Vec::new();
        let error = server.0.read_to_end(&mut found).expect_err("the server is reset");
        assert_eq!(error.kind(), ErrorKind::ConnectionReset, "{who}");
        assert!(!is_client || found.len() > 1 << 20, "what was there is sent first: {} bytes", found.len());
        assert_same(&found, &data[..found.len()], who);
    }
}

#[test]
fn on_relay_of_a_reloaded_script_gets_later_data() {
    let flow = noise(LARGE / 4, 313);
    let mut relay = Relay::start(&["--watch"], &[]);
    let (client, mut server) = relay.pair();
    let (mut copy, bytes) = (client.another(), flow.clone());
    let sender = thread::spawn(move || copy.send(&bytes));
    server.expect(&flow);
    sender.join().expect("send");
    let mut script = fs::read_to_string(&relay.script).expect("the script");
    script.push_str("fn on_relay(from, to, data) { `${data.len()};` }\n");
    fs::write(&relay.script, script).expect("write");
    relay.tcpx.wait_stderr("reloaded");
    let sender = sending(&client, &flow);
    let told = String::from_utf8(server.read_all()).expect("text");
    let sum: usize = told.split_terminator(';').map(|n| n.parse::<usize>().expect("a number")).sum();
    assert_eq!(sum, flow.len());
    sender.join().expect("send");
}

#[test]
fn without_descriptors_for_a_kernel_pipe_bytes_are_copied() {
    let data = noise(LARGE, 314);
    let relay = Relay::start(&[], &[]);
    let (client, mut server) = relay.pair();
    let before = relay.tcpx.descriptors();
    relay.tcpx.allow_no_more_descriptors();
    let sender = sending(&client, &data);
    assert_same(&server.read_all(), &data, "what was relayed");
    assert_eq!(relay.tcpx.descriptors(), before);
    sender.join().expect("send");
}

#[test]
fn relayed_bytes_are_moved_by_the_kernel_and_copied_if_it_refuses() {
    if !installed("strace") {
        return missing("strace");
    }
    let data = noise(LARGE, 315);
    // splice works into the kernel pipe and out of it; neither; only into it.
    for inject in ["", "inject=splice:error=EINVAL", "inject=splice:error=EINVAL:when=2+2"] {
        let folder = Folder::new();
        let log = folder.path("trace");
        let words = ["strace", "-f", "-o", log.to_str().expect("a path"), "-e", "trace=splice"];
        let inject = if inject.is_empty() { vec![] } else { vec!["-e", inject] };
        let relay = Relay::start(&[], &[&words[..], &inject].concat());
        let (client, mut server) = relay.pair();
        let sender = sending(&client, &data);
        assert_same(&server.read_all(), &data, "what was relayed");
        sender.join().expect("send");
        drop((client, server));
        relay.lines(2);
        let moved = |line: &str| line.rsplit_once("= ").and_then(|(_, n)| n.trim().parse::<usize>().ok()).unwrap_or(0);
        let trace = || fs::read_to_string(&log).expect("what strace wrote");
        wait_for("what strace writes", || trace().contains("splice("));
        let trace = trace();
        let total: usize = trace.lines().map(moved).sum();
        if inject.is_empty() {
            // Each byte into the kernel pipe and out of it, except those of the first reads.
            assert!(total > data.len(), "{total} bytes were moved: {trace}");
        } else {
            assert!(trace.contains("INJECTED") && total < data.len(), "{total} bytes: {trace}");
        }
    }
}
