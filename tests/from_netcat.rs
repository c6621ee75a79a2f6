//! Every row of docs/from-netcat.md is run: the options of nc and Ncat by tcpx as that tool, the addresses of socat by the line
//! that stands beside them.

use std::collections::HashSet;
use std::io::{Read, Write};
use std::net::{TcpStream, UdpSocket};
use std::os::unix::net::UnixListener;
use std::thread;

use crate::personalities::{Peers, listening};
use crate::support::{Folder, Running, Stdin, Tcpx};
use crate::tls::Pki;

/// How a row is run.
enum Run {
    /// A line that ends by itself: its stdin, its exit status, and a part of what it writes.
    Ends(&'static str, &'static str, i32, &'static str),
    /// A line that listens: a client sends `hi`, and these are parts of what the line writes to stdout and the client gets.
    Serves(&'static str, &'static str, &'static str),
}

use Run::{Ends, Serves};

const NC: &[(&str, Run)] = &[
    ("`-4`, `-6`", Ends("nc -4zv 127.0.0.1 HELLO", "", 0, "succeeded!")),
    ("`-b`", Ends("nc -b -u -w 1 127.0.0.1 UDP", "x", 0, "echo x")),
    ("`-C`", Ends("nc -NC 127.0.0.1 DRAIN", "hi\n", 0, "hi\\r\\n")),
    ("`-c CMD` (nc.traditional)", Serves("nc -nlv -c cat 127.0.0.1 0", "", "hi")),
    ("`-D`", Ends("nc -D 127.0.0.1 HELLO", "", 0, "hello")),
    ("`-d`", Ends("nc -d 127.0.0.1 HELLO", "", 0, "hello")),
    ("`-e PROG` (nc.traditional)", Serves("nc -nlv -e /bin/cat 127.0.0.1 0", "", "hi")),
    ("`-F`", Ends("nc -F 127.0.0.1 1", "", 1, "socket")),
    ("`-h`", Ends("nc -h", "", 0, "-z")),
    ("`-I N`, `-O N`", Ends("nc -I 8192 -O 8192 127.0.0.1 HELLO", "", 0, "hello")),
    ("`-i N`", Ends("nc -i 1 -N 127.0.0.1 DRAIN", "a\nb\n", 0, "a\\nb")),
    ("`-k`", Serves("nc -nlkv 127.0.0.1 0", "hi", "")),
    ("`-l`", Serves("nc -nlv 127.0.0.1 0", "hi", "")),
    ("`-M N`", Ends("nc -M 9 127.0.0.1 HELLO", "", 0, "hello")),
    ("`-m N`", Ends("nc -m 3 127.0.0.1 1", "", 1, "hop limit")),
    ("`-N`", Ends("nc -N 127.0.0.1 DRAIN", "hi", 0, "got \"hi\"")),
    ("`-n`", Ends("nc -nzv 127.0.0.1 HELLO", "", 0, "succeeded!")),
    ("`-P USER`", Ends("nc -P me -x 127.0.0.1:SOCKS 127.0.0.1 HELLO", "", 0, "hello")),
    ("`-p PORT`", Serves("nc -nlv -s 127.0.0.1 -p 0", "hi", "")),
    ("`-q N`", Ends("nc -q 5 127.0.0.1 DRAIN", "hi", 0, "got \"hi\"")),
    ("`-q N`", Ends("nc -q 1 127.0.0.1 SILENT", "hi", 0, "")),
    ("`-r`", Ends("nc -rzv 127.0.0.1 HELLO", "", 0, "succeeded!")),
    ("`-S`", Ends("nc -S 127.0.0.1 1", "", 1, "TCP MD5")),
    ("`-s ADDR`", Ends("nc -s 127.0.0.1 127.0.0.1 HELLO", "", 0, "hello")),
    ("`-T WORD`", Ends("nc -T lowdelay 127.0.0.1 HELLO", "", 0, "hello")),
    ("`-t`", Ends("nc -t 127.0.0.1 HELLO", "", 0, "hello")),
    ("`-U`", Ends("nc -NU @UNIX", "", 0, "hello")),
    ("`-u`", Ends("nc -u -w 1 127.0.0.1 UDP", "x", 0, "echo x")),
    ("`-V N`", Ends("nc -V 1 127.0.0.1 HELLO", "", 1, "")),
    ("`-v`", Ends("nc -v 127.0.0.1 HELLO", "", 0, "succeeded!")),
    ("`-W N`", Ends("nc -W 3 127.0.0.1 1", "", 1, "--until")),
    ("`-w N`", Ends("nc -w 1 127.0.0.1 SILENT", "", 0, "")),
    ("`-X`, `-x`", Ends("nc -X 4 -x 127.0.0.1:SOCKS 127.0.0.1 HELLO", "", 0, "hello")),
    ("`-X`, `-x`", Ends("nc -X 5 -x 127.0.0.1:SOCKS 127.0.0.1 HELLO", "", 0, "hello")),
    ("`-X`, `-x`", Ends("nc -X connect -x 127.0.0.1:HTTP 127.0.0.1 HELLO", "", 0, "hello")),
    ("`-Z`", Ends("nc -Z 127.0.0.1 1", "", 1, "DCCP")),
    ("`-z`", Ends("nc -zv 127.0.0.1 HELLO DRAIN", "", 0, "succeeded!")),
];

const NCAT: &[(&str, Run)] = &[
    ("`-4`, `-6`", Ends("ncat -4 127.0.0.1 HELLO", "", 0, "hello")),
    ("`-U`, `--unixsock`", Ends("ncat -U @UNIX", "", 0, "hello")),
    ("`--vsock`", Ends("ncat --vsock 1 1", "", 2, "vsock")),
    ("`-C`, `--crlf`", Ends("ncat -C 127.0.0.1 DRAIN", "hi\n", 0, "hi\\r\\n")),
    ("`-c`, `--sh-exec`", Serves("ncat -lv -c cat 127.0.0.1 0", "", "hi")),
    ("`-e`, `--exec`", Serves("ncat -lv -e /bin/cat 127.0.0.1 0", "", "hi")),
    ("`--lua-exec`", Ends("ncat --lua-exec x 127.0.0.1 1", "", 2, "Rhai")),
    ("`-g`, `-G`", Ends("ncat -g 10.0.0.1 127.0.0.1 1", "", 2, "source routing")),
    ("`-m`, `--max-conns`", Serves("ncat -lkv -m 2 127.0.0.1 0", "hi", "")),
    ("`-h`, `--help`", Ends("ncat --help", "", 0, "--sh-exec")),
    ("`-d`, `--delay`", Ends("ncat -d 100ms 127.0.0.1 DRAIN", "a\nb\n", 0, "a\\nb")),
    ("`-o`, `--output`", Ends("ncat -o @TMP/o 127.0.0.1 DRAIN", "hi", 0, "got \"hi\"")),
    ("`-x`, `--hex-dump`", Ends("ncat -x @TMP/x 127.0.0.1 DRAIN", "hi", 0, "got \"hi\"")),
    ("`--append-output`", Ends("ncat --append-output -o @TMP/o 127.0.0.1 DRAIN", "hi", 0, "got \"hi\"")),
    ("`-i`, `--idle-timeout`", Ends("ncat -i 200ms 127.0.0.1 SILENT", "", 1, "Idle timeout expired")),
    ("`-p`, `--source-port`", Serves("ncat -lv -p 0 127.0.0.1", "hi", "")),
    ("`-s`, `--source`", Ends("ncat -s 127.0.0.1 127.0.0.1 HELLO", "", 0, "hello")),
    ("`-l`, `--listen`", Serves("ncat -lv 127.0.0.1 0", "hi", "")),
    ("`-k`, `--keep-open`", Serves("ncat -lkv 127.0.0.1 0", "hi", "")),
    ("`-n`, `--nodns`", Ends("ncat -n localhost 80", "", 2, "resolve")),
    ("`-q N`", Ends("ncat -q 5 127.0.0.1 DRAIN", "hi", 0, "got \"hi\"")),
    ("`-t`, `--telnet`", Ends("ncat -t 127.0.0.1 HELLO", "", 0, "hello")),
    ("`-u`, `--udp`", Ends("ncat -u 127.0.0.1 UDP", "x", 0, "echo x")),
    ("`--sctp`", Ends("ncat --sctp 127.0.0.1 1", "", 2, "SCTP")),
    ("`-v`, `--verbose`", Ends("ncat -v 127.0.0.1 HELLO", "", 0, "Ncat: Connected to")),
    ("`-w`, `--wait`", Ends("ncat -w 5 127.0.0.1 HELLO", "", 0, "hello")),
    ("`-z`", Ends("ncat -z 127.0.0.1 HELLO", "", 0, "")),
    ("`--send-only`", Ends("ncat --send-only 127.0.0.1 HELLO", "hi", 0, "")),
    ("`--recv-only`", Ends("ncat --recv-only 127.0.0.1 HELLO", "", 0, "hello")),
    ("`--no-shutdown`", Ends("ncat --no-shutdown 127.0.0.1 HELLO", "", 0, "hello")),
    ("`--allow`, `--allowfile`", Ends("ncat -l --allow 10.0.0.0/33 127.0.0.1 0", "", 2, "10.0.0.0/33")),
    ("`--deny`, `--denyfile`", Ends("ncat -l --deny 10.0.0.0/33 127.0.0.1 0", "", 2, "10.0.0.0/33")),
    ("`--broker`", Serves("ncat -lv --broker 127.0.0.1 0", "", "")),
    ("`--chat`, `--talk`", Serves("ncat -lv --chat 127.0.0.1 0", "", "")),
    (
        "`--proxy`, `--proxy-type`, `--proxy-auth`, `--proxy-dns`",
        Ends("ncat --proxy 127.0.0.1:SOCKS --proxy-type socks5 127.0.0.1 HELLO", "", 0, "hello"),
    ),
    (
        "`--proxy`, `--proxy-type`, `--proxy-auth`, `--proxy-dns`",
        Ends("ncat --proxy 127.0.0.1:HTTP --proxy-auth u:p 127.0.0.1 HELLO", "", 0, "hello"),
    ),
    ("`--ssl`", Ends("ncat --ssl 127.0.0.1 TLS", "", 0, "hello")),
    ("`--ssl-verify`", Ends("ncat --ssl-verify 127.0.0.1 TLS", "", 1, "certificate")),
    ("`--ssl-trustfile`", Ends("ncat --ssl-verify --ssl-trustfile @CA localhost TLS", "", 0, "hello")),
    ("`--ssl-cert`, `--ssl-key`", Ends("ncat --ssl-cert @CERT --ssl-key @KEY 127.0.0.1 TLS", "", 0, "hello")),
    (
        "`--ssl-servername`",
        Ends("ncat --ssl-verify --ssl-trustfile @CA --ssl-servername localhost 127.0.0.1 TLS", "", 0, "hello"),
    ),
    ("`--ssl-alpn`", Ends("ncat --ssl-alpn http/1.1 127.0.0.1 TLS", "", 0, "hello")),
    ("`--ssl-ciphers`", Ends("ncat --ssl-ciphers x 127.0.0.1 1", "", 2, "ciphers")),
    ("`--version`", Ends("ncat --version", "", 0, "tcpx")),
];

const SOCAT: &[(&str, Run)] = &[
    ("`TCP:H:P`", Ends("connect 127.0.0.1 HELLO", "", 0, "hello")),
    ("`TCP-LISTEN:P`", Serves("listen 0", "hi", "")),
    ("`TCP-LISTEN:P,fork`", Serves("listen -k 0", "hi", "")),
    ("`TCP-LISTEN:P,bind=A`", Serves("listen 127.0.0.1 0", "hi", "")),
    ("`TCP-LISTEN:P,fork PIPE`", Serves("listen 0 --script @echo", "", "hi")),
    ("`TCP-LISTEN:P,fork TCP:H:Q`", Serves("listen 0 --script @proxy -- 127.0.0.1:DRAIN", "", "got \"hi\\n\"")),
    ("`TCP-LISTEN:P,fork EXEC:PROG`", Serves("listen -k 0 --exec cat", "", "hi")),
    ("`SYSTEM:CMD`", Serves("listen -k 0 --sh cat", "", "hi")),
    ("`UNIX-CONNECT:PATH`", Ends("connect unix:@UNIX", "", 0, "hello")),
    ("`UNIX-LISTEN:PATH,fork`", Ends("listen -k unix:@TMP/s --timeout 1", "", 28, "listening on unix:")),
    ("`UDP:H:P`", Ends("connect -u 127.0.0.1 UDP", "x", 0, "echo x")),
    ("`UDP-DATAGRAM:A:P,broadcast`", Ends("connect -u --broadcast 127.0.0.1 UDP", "x", 0, "echo x")),
    (
        "`UDP-RECV:P,ip-add-membership=G:IF`",
        Ends("listen -u --join 239.1.2.3%lo 0 --timeout 1", "", 28, "listening on 0.0.0.0:"),
    ),
    ("`TCP-LISTEN:P,range=NET`", Serves("listen --allow 127.0.0.0/8 0", "hi", "")),
    (
        "`so-rcvbuf=N`, `so-sndbuf=N`, `tos=N`, `ttl=N`, `so-bindtodevice=IF`",
        Ends(
            "connect --recv-buffer 64K --send-buffer 64K --tos lowdelay --ttl 64 --bind-device lo 127.0.0.1 HELLO",
            "",
            0,
            "hello",
        ),
    ),
    ("`so-reuseport`, `backlog=N`", Serves("listen --reuse-port --backlog 5 0", "hi", "")),
    ("`TCP:H:P,retry=N,interval=T`", Ends("connect --retry 1 --retry-delay 100ms 127.0.0.1 HELLO", "", 0, "hello")),
    ("`TCP:H:P,forever`", Ends("connect --reconnect --timeout 1 127.0.0.1 HELLO", "", 28, "hello")),
    ("`OPENSSL:H:P`", Ends("connect --tls --tls-ca @CA localhost TLS", "", 0, "hello")),
    ("`-t N`", Ends("connect --eof-wait 1 127.0.0.1 SILENT", "", 0, "")),
    ("`-T N`", Ends("connect -i 1 127.0.0.1 SILENT", "x", 28, "idle")),
];

/// Everything that a line may need.
struct World {
    peers: Peers,
    pki: Pki,
    folder: Folder,
    _servers: Vec<Running>,
}

impl World {
    fn start() -> Self {
        let (mut peers, pki, folder) = (Peers::start(), Pki::new(), Folder::new());
        let udp = UdpSocket::bind("127.0.0.1:0").expect("a socket");
        peers.add("UDP", udp.local_addr().expect("an address").port());
        thread::spawn(move || {
            let mut buffer = [0; 64];
            while let Ok((n, from)) = udp.recv_from(&mut buffer) {
                let _ = udp.send_to(&[b"echo ", &buffer[..n]].concat(), from);
            }
        });
        let unix = UnixListener::bind(folder.path("unix")).expect("a socket");
        thread::spawn(move || {
            for mut client in unix.incoming().flatten() {
                let _ = client.write_all(b"hello\n");
            }
        });
        let says_hello = "conn.send_line(\"hello\"); conn.close()";
        let script = folder.file("hello.rhai", format!("fn on_connect(conn) {{ {says_hello} }}").as_bytes());
        let script = script.to_str().expect("UTF-8").to_owned();
        let tls = pki.server().args(&["--tls-alpn", "http/1.1", "--script", &script]).listen();
        let mut servers = vec![("TLS", tls)];
        servers.push(("SOCKS", Tcpx::new(&["--script", "@socks"]).listen()));
        servers.push(("HTTP", Tcpx::new(&["--script", "@connect"]).listen()));
        let mut running = Vec::new();
        for (name, (server, address)) in servers {
            peers.add(name, address.port());
            running.push(server);
        }
        Self { peers, pki, folder, _servers: running }
    }

    fn words(&self, line: &str) -> Vec<String> {
        let places = [
            ("@UNIX", self.folder.path("unix").display().to_string()),
            ("@TMP", self.folder.path("").display().to_string()),
            ("@CA", self.pki.word("ca.pem")),
            ("@CERT", self.pki.word("cert.pem")),
            ("@KEY", self.pki.word("key.pem")),
        ];
        let word = |word: &str| {
            let word = places.iter().fold(self.peers.filled(word), |word, (name, place)| word.replace(name, place));
            word.replace("//", "/")
        };
        line.split(' ').map(word).collect()
    }
}

fn carry_out(world: &World, run: &Run) {
    match run {
        Ends(line, stdin, code, part) => {
            let done = Tcpx::new(&world.words(line)).stdin(Stdin::bytes(stdin.as_bytes())).run();
            let said = format!("{}{}", String::from_utf8_lossy(&done.stdout), done.stderr);
            assert_eq!(done.status_code(), Some(*code), "{line}: {said}");
            assert!(said.contains(part), "{line}: {said}");
        }
        Serves(line, out, got) => {
            let words = world.words(line);
            let words: Vec<&str> = words.iter().map(String::as_str).collect();
            let (mut running, address) = if words[0] == "listen" {
                let mut running = Tcpx::new(&words).stdin(Stdin::Open).spawn();
                let address = running.address();
                (running, address)
            } else {
                listening(&words)
            };
            let mut client = TcpStream::connect(("127.0.0.1", address.port())).expect("connect");
            client.write_all(b"hi\n").expect("send");
            client.shutdown(std::net::Shutdown::Write).expect("end");
            if !out.is_empty() {
                running.wait_stdout(format!("{out}\n").as_bytes());
            }
            if !got.is_empty() {
                let mut all = String::new();
                client.read_to_string(&mut all).expect("an answer");
                assert!(all.contains(got), "{line}: {all:?}");
            }
        }
    }
}

/// The first cells of the table whose first column is named so.
fn rows(document: &str, column: &str) -> Vec<String> {
    let header = format!("| {column} | tcpx |");
    let table = document.lines().skip_while(|line| *line != header).skip(2);
    let rows = table.take_while(|line| line.starts_with("| "));
    rows.map(|row| row.trim_start_matches("| ").split(" | ").next().unwrap_or_default().to_owned()).collect()
}

#[test]
fn every_row_of_the_document_is_run() {
    let document = std::fs::read_to_string(concat!(env!("CARGO_MANIFEST_DIR"), "/docs/from-netcat.md")).expect("it");
    let world = World::start();
    for (column, runs) in [("nc", NC), ("ncat", NCAT), ("socat", SOCAT)] {
        let rows: HashSet<_> = rows(&document, column).into_iter().collect();
        let run: HashSet<_> = runs.iter().map(|(cell, _)| (*cell).to_owned()).collect();
        assert!(rows.len() > 10 && rows == run, "{column}: {:?}", rows.symmetric_difference(&run));
        for (cell, run) in runs {
            println!("{column} {cell}");
            carry_out(&world, run);
        }
    }
}
