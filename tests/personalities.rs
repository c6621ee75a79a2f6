//! tcpx as nc and as Ncat: the same line by the real tool and by tcpx against the same peers gives the same stdout, exit status
//! and words on stderr.

use std::io::{Read, Write};
use std::net::{SocketAddr, TcpListener, TcpStream, UdpSocket};
use std::os::unix::fs::symlink;
use std::thread;

use crate::support::{Running, Stdin, Tcpx, installed, missing};

/// The peers of a line, by the word that stands for their port.
pub(crate) struct Peers {
    ports: Vec<(&'static str, String)>,
    /// Nobody listens there, and nobody else gets it.
    _reserved: (socket2::Socket, UdpSocket),
}

impl Peers {
    pub(crate) fn start() -> Self {
        let closed = socket2::Socket::new(socket2::Domain::IPV4, socket2::Type::STREAM, None).expect("a socket");
        closed.bind(&SocketAddr::from(([127, 0, 0, 1], 0)).into()).expect("a free port");
        let port =
            closed.local_addr().ok().and_then(|address| address.as_socket()).expect("an address").port().to_string();
        let free = || UdpSocket::bind("127.0.0.1:0").expect("a free port");
        let number = |socket: &UdpSocket| socket.local_addr().expect("an address").port().to_string();
        // A socket with a peer takes nothing from others, so that they are refused.
        let (refusing, one) = (free(), free());
        refusing.connect(one.local_addr().expect("an address")).expect("connect");
        let (silent_datagrams, echo) = (one, free());
        let ports_of_datagrams = [number(&refusing), number(&silent_datagrams), number(&echo)];
        thread::spawn(move || {
            let _open = silent_datagrams;
            let mut buffer = [0; 64];
            while let Ok((n, from)) = echo.recv_from(&mut buffer) {
                let _ = echo.send_to(&[b"echo ", &buffer[..n]].concat(), from);
            }
        });
        let [refused, unheard, echoed] = ports_of_datagrams;
        let ports = vec![
            ("UCLOSED", refused),
            ("USILENT", unheard),
            ("UECHO", echoed),
            ("HELLO", serve(hello)),
            ("DRAIN", serve(drain)),
            ("SILENT", serve(silent)),
            ("RESET", serve(reset)),
            ("CLOSED", port),
            ("LONG", "x".repeat(120)),
        ];
        Self { ports, _reserved: (closed, refusing) }
    }

    /// Another peer on this host.
    pub(crate) fn add(&mut self, name: &'static str, port: u16) {
        self.ports.push((name, port.to_string()));
    }

    /// A word with the port of a peer in place of its name, alone or behind a host.
    pub(crate) fn filled(&self, word: &str) -> String {
        match word.rsplit_once(':') {
            Some((host, name)) if self.port(name).is_some() => {
                format!("{host}:{}", self.port(name).unwrap_or_default())
            }
            _ => self.port(word).unwrap_or(word).to_owned(),
        }
    }

    pub(crate) fn port(&self, word: &str) -> Option<&str> {
        self.ports.iter().find(|(name, _)| *name == word).map(|(_, port)| port.as_str())
    }
}

/// Serves every client in a thread of its own, until the process ends.
fn serve(answer: fn(TcpStream)) -> String {
    let listener = TcpListener::bind("127.0.0.1:0").expect("a free port");
    let port = listener.local_addr().expect("an address").port().to_string();
    thread::spawn(move || {
        for client in listener.incoming().flatten() {
            thread::spawn(move || answer(client));
        }
    });
    port
}

/// Says something, and waits for the end of the client.
fn hello(mut client: TcpStream) {
    let _ = client.write_all(b"hello\n");
    let _ = client.shutdown(std::net::Shutdown::Write);
    let _ = client.read(&mut [0; 64]);
}

/// Says what it got once the client has ended its side.
fn drain(mut client: TcpStream) {
    let mut all = Vec::new();
    if client.read_to_end(&mut all).is_ok() {
        let _ = client.write_all(format!("got {:?}\n", String::from_utf8_lossy(&all)).as_bytes());
    }
}

/// Says nothing until the client goes.
fn silent(mut client: TcpStream) {
    let _ = client.read_to_end(&mut Vec::new());
    thread::sleep(std::time::Duration::from_secs(600));
}

/// Says something, and ends by RST once the client has read it.
fn reset(mut client: TcpStream) {
    let _ = client.write_all(b"hello\n");
    let _ = client.read(&mut [0; 1]);
    // nc does not read any more once there is an RST.
    thread::sleep(std::time::Duration::from_millis(300));
    let socket = socket2::SockRef::from(&client);
    let _ = socket.set_linger(Some(std::time::Duration::ZERO));
}

/// Lines that end by themselves, and their stdin. Upper-case words are ports of peers.
const LINES: &[(&str, &str)] = &[
    ("nc -z 127.0.0.1 HELLO", ""),
    ("nc -zv 127.0.0.1 HELLO", ""),
    ("nc -zv localhost HELLO", ""),
    ("nc -nzv 127.0.0.1 HELLO", ""),
    ("nc -4zv 127.0.0.1 HELLO", ""),
    ("nc -rzv 127.0.0.1 HELLO", ""),
    ("nc -zv 127.0.0.1 CLOSED", ""),
    ("nc -z 127.0.0.1 CLOSED", ""),
    ("nc 127.0.0.1 CLOSED", ""),
    ("nc -v 127.0.0.1 CLOSED", ""),
    ("nc -v 127.0.0.1 HELLO", ""),
    ("nc -zv 127.0.0.1 CLOSED HELLO", ""),
    ("nc -z 127.0.0.1 HELLO CLOSED", ""),
    ("nc -d 127.0.0.1 HELLO", ""),
    ("nc -D 127.0.0.1 HELLO", ""),
    ("nc -t 127.0.0.1 HELLO", ""),
    ("nc -s 127.0.0.1 127.0.0.1 HELLO", ""),
    ("nc -w 1 127.0.0.1 SILENT", ""),
    ("nc -vw1 127.0.0.1 SILENT", ""),
    ("nc 127.0.0.1 RESET", "x"),
    ("nc -N 127.0.0.1 DRAIN", "hi\n"),
    ("nc -NC 127.0.0.1 DRAIN", "hi\nho\r\n"),
    ("nc -i 1 -N 127.0.0.1 DRAIN", "hi\n"),
    ("nc -q 0 127.0.0.1 DRAIN", "hi"),
    ("nc -q 5 127.0.0.1 DRAIN", "hi"),
    ("nc nope.invalid 80", ""),
    ("nc -n localhost 80", ""),
    ("nc -4 ::1 80", ""),
    ("nc 127.0.0.1 99999", ""),
    ("nc 127.0.0.1 nosuch", ""),
    ("nc 127.0.0.1", ""),
    ("nc -w x 127.0.0.1 1", ""),
    ("nc -l", ""),
    ("nc -l -z 1", ""),
    ("nc -k 127.0.0.1 1", ""),
    ("nc -l 127.0.0.1 HELLO", ""),
    ("nc -X 9 -x a:1 127.0.0.1 1", ""),
    ("nc -s 192.0.2.77 127.0.0.1 HELLO", ""),
    ("nc -U /no/such/socket", ""),
    ("nc -T foo 127.0.0.1 HELLO", ""),
    ("nc -V 1 127.0.0.1 HELLO", ""),
    ("nc -T ef -M 9 -I 20000 -O 20000 127.0.0.1 HELLO", ""),
    ("nc -b 127.0.0.1 HELLO", ""),
    ("ncat -z 127.0.0.1 HELLO", ""),
    ("ncat -z 127.0.0.1 CLOSED", ""),
    ("ncat 127.0.0.1 CLOSED", ""),
    ("ncat 127.0.0.1 HELLO", ""),
    ("ncat -n4 127.0.0.1 HELLO", ""),
    ("ncat -s 127.0.0.1 127.0.0.1 HELLO", ""),
    ("ncat -w 5 127.0.0.1 HELLO", ""),
    ("ncat 127.0.0.1 RESET", "x"),
    ("ncat 127.0.0.1 DRAIN", "hi"),
    ("ncat -C 127.0.0.1 DRAIN", "hi\n"),
    ("ncat -d 200ms 127.0.0.1 DRAIN", "hi\nho\n"),
    ("ncat -z -d 1 127.0.0.1 HELLO", ""),
    ("ncat -i 500ms 127.0.0.1 SILENT", ""),
    ("ncat --idle-timeout 1 127.0.0.1 SILENT", ""),
    ("ncat nope.invalid 80", ""),
    ("ncat -n localhost 80", ""),
    ("ncat -4 ::1 80", ""),
    ("ncat 127.0.0.1 99999", ""),
    ("ncat 127.0.0.1 nosuch", ""),
    ("ncat", ""),
    ("ncat -Q", ""),
    ("ncat --foo", ""),
    ("ncat -w", ""),
    ("ncat -w x 127.0.0.1 1", ""),
    ("ncat -l 127.0.0.1 HELLO", ""),
    ("ncat --send-only 127.0.0.1 DRAIN", "hi"),
    ("ncat --recv-only 127.0.0.1 HELLO", ""),
    ("ncat --no-shutdown 127.0.0.1 HELLO", ""),
    ("ncat -c a -e b 127.0.0.1 1", ""),
    ("ncat -k 127.0.0.1 1", ""),
    ("ncat -m 3 127.0.0.1 1", ""),
    ("ncat --allow 127.0.0.1 127.0.0.1 1", ""),
    ("ncat --chat 127.0.0.1 1", ""),
    ("ncat -l -z 1", ""),
    ("ncat 127.0.0.1 1 extra", ""),
    ("ncat -p x 127.0.0.1 1", ""),
    ("ncat -e a -e b 127.0.0.1 1", ""),
    ("ncat -z -e a 127.0.0.1 1", ""),
    ("ncat -l -s 127.0.0.1 1", ""),
    ("ncat --broker -e a", ""),
    ("ncat -U", ""),
    ("ncat -U /no/such/socket 1", ""),
    ("ncat --proxy-type http 127.0.0.1 1", ""),
    ("ncat -l --proxy 127.0.0.1:1", ""),
    ("ncat --proxy-dns x --proxy 127.0.0.1:1 127.0.0.1 1", ""),
    ("nc -w -1 127.0.0.1 1", ""),
    ("nc -w 2147483648 127.0.0.1 1", ""),
    ("nc -w +5x 127.0.0.1 1", ""),
    ("nc -i -1 127.0.0.1 1", ""),
    ("nc -i x 127.0.0.1 1", ""),
    ("nc -q x 127.0.0.1 1", ""),
    ("nc -I 0 127.0.0.1 1", ""),
    ("nc -O 9999999999 127.0.0.1 1", ""),
    ("nc -M x 127.0.0.1 1", ""),
    ("nc -M 300 127.0.0.1 1", ""),
    ("ncat --proxy-type foo --proxy 127.0.0.1:1 127.0.0.1 1", ""),
    ("ncat -U /no/such/socket", ""),
    ("ncat --proxy 127.0.0.1:CLOSED 127.0.0.1 1", ""),
    ("nc -x 127.0.0.1:CLOSED 127.0.0.1 1", ""),
    ("nc -zu 127.0.0.1 UCLOSED", ""),
    ("nc -zu 127.0.0.1 USILENT", ""),
    ("nc -zvu 127.0.0.1 UCLOSED", ""),
    ("nc -zvu 127.0.0.1 USILENT", ""),
    ("nc -zvun 127.0.0.1 UECHO UCLOSED", ""),
    ("nc -zu 127.0.0.1 UCLOSED UECHO", ""),
    ("nc -u -w 1 127.0.0.1 UCLOSED", "x"),
    ("nc -u -w 1 127.0.0.1 UCLOSED", ""),
    ("nc -u -w 1 127.0.0.1 UECHO", "x"),
    ("nc -u -q 1 127.0.0.1 UCLOSED", "x"),
    ("nc -u 127.0.0.1 UCLOSED", "x"),
    ("ncat -u -i 1 127.0.0.1 UCLOSED", ""),
    ("ncat -u -i 1 127.0.0.1 USILENT", "x"),
    ("ncat -u 127.0.0.1 USILENT", "x"),
    ("ncat -zu 127.0.0.1 UCLOSED", ""),
    ("ncat -zuv 127.0.0.1 UCLOSED", ""),
    ("ncat -zu 127.0.0.1 USILENT", ""),
    ("ncat --send-only --recv-only 127.0.0.1 SILENT", "x"),
    ("ncat --send-only --recv-only 127.0.0.1 HELLO", ""),
    ("ncat --send-only --recv-only 127.0.0.1 CLOSED", ""),
    ("ncat -u --send-only --recv-only 127.0.0.1 UECHO", "x"),
    ("ncat -l -U --broker /no/such/socket", ""),
    ("ncat -l -U --chat /no/such/socket", ""),
    ("nc -64 127.0.0.1 HELLO", ""),
    ("nc -46 127.0.0.1 1", ""),
    ("nc -l x", ""),
    ("nc -l -p -1", ""),
    ("nc -lU", ""),
    ("nc -lU /no/such/socket x", ""),
    ("nc -U a b", ""),
    ("nc -M 0 127.0.0.1 HELLO", ""),
    ("nc -m x 127.0.0.1 1", ""),
    ("nc -m 300 127.0.0.1 1", ""),
    ("nc -W 0 127.0.0.1 1", ""),
    ("nc -p x 127.0.0.1 1", ""),
    ("nc -s nope.invalid 127.0.0.1 1", ""),
    ("nc -s ::1 127.0.0.1 1", ""),
    ("nc -s localhost 127.0.0.1 HELLO", ""),
    ("nc -X CONNECT 127.0.0.1 HELLO", ""),
    ("nc -w 2147483647 127.0.0.1 1", ""),
    ("nc -x 127.0.0.1:x 127.0.0.1 1", ""),
    ("nc -- -z 1", ""),
    ("ncat -6 -4 127.0.0.1 HELLO", ""),
    ("ncat -46 127.0.0.1 1", ""),
    ("ncat -lU", ""),
    ("ncat -U -p 5 /no/such/socket", ""),
    ("ncat -U --ssl /no/such/socket", ""),
    ("ncat -U --proxy 127.0.0.1:1 /no/such/socket", ""),
    ("ncat -lU /no/such/socket", ""),
    ("ncat -lu 127.0.0.1 USILENT", ""),
    ("ncat -d 100000 127.0.0.1 1", ""),
    ("ncat -d 1h30m 127.0.0.1 1", ""),
    ("ncat -d 1M 127.0.0.1 CLOSED", ""),
    ("ncat -i 200 127.0.0.1 1", ""),
    ("ncat -w x -w 1 127.0.0.1 1", ""),
    ("ncat -w 2147484s 127.0.0.1 1", ""),
    ("ncat -p 99999 127.0.0.1 1", ""),
    ("ncat -s nope.invalid 127.0.0.1 1", ""),
    ("ncat -s localhost 127.0.0.1 HELLO", ""),
    ("ncat -l 99999", ""),
    ("ncat -l 123456", ""),
    ("ncat -l -p 1 127.0.0.1 2", ""),
    ("ncat -n -l localhost 1", ""),
    ("ncat -tz 127.0.0.1 1", ""),
    ("ncat -t --proxy-type http -l 127.0.0.1 1", ""),
    ("ncat --deny 127.0.0.1 127.0.0.1 CLOSED", ""),
    ("ncat -m -1 127.0.0.1 CLOSED", ""),
    ("ncat --allowfile /no/such/file -l 127.0.0.1 1", ""),
    ("ncat --proxy 127.0.0.1:1 --proxy 127.0.0.1:2 127.0.0.1 1", ""),
    ("ncat --proxy-auth a --proxy-auth b 127.0.0.1 1", ""),
    ("ncat --proxy 127.0.0.1:x 127.0.0.1 1", ""),
    ("ncat --proxy [::1 127.0.0.1 1", ""),
    ("ncat --ssl-trustfile a --ssl-trustfile b 127.0.0.1 1", ""),
    ("ncat --ssl-key /no/such/file 127.0.0.1 CLOSED", ""),
    ("ncat --nsock-engine x 127.0.0.1 1", ""),
    ("ncat --nsock-engine select 127.0.0.1 CLOSED", ""),
    // The first option that is wrong is told, and what stands behind -h does not count.
    ("nc -q x -w y 127.0.0.1 1", ""),
    ("nc -w x -w 1 127.0.0.1 1", ""),
    ("nc -X 9 -X 5 127.0.0.1 1", ""),
    ("nc -T foo -w x -U /no/such/socket", ""),
    ("nc -w x -h", ""),
    ("nc -V 1 -J", ""),
    ("ncat -w x --help", ""),
    ("ncat -w x --version", ""),
    ("ncat -p x -p 1 127.0.0.1 1", ""),
    ("ncat -p x -w y 127.0.0.1 1", ""),
    ("ncat -e a -c b --foo", ""),
    ("ncat --proxy-dns x --proxy-dns none 127.0.0.1 1", ""),
    ("ncat --nsock-engine x -w y 127.0.0.1 1", ""),
    // Where it cannot listen.
    ("nc -l DRAIN", ""),
    ("nc -lU /", ""),
    ("nc -lU LONG", ""),
    ("nc -U LONG", ""),
    ("nc -l 192.0.2.77 1", ""),
    ("nc -ul UECHO", ""),
    ("ncat -l DRAIN", ""),
    ("ncat -4l DRAIN", ""),
    ("ncat -l localhost DRAIN", ""),
    ("ncat -ul UECHO", ""),
    ("ncat -lU /", ""),
    ("ncat -l 192.0.2.77 1", ""),
    ("ncat -6l 2001:db8::77 1", ""),
    ("nc -q -1 127.0.0.1 HELLO", "x"),
    ("nc -u -q 0 127.0.0.1 USILENT", "x"),
    ("nc -z 127.0.0.1 1-", ""),
    ("nc -z 127.0.0.1 1-2-3", ""),
    ("nc -z 127.0.0.1 x-3", ""),
    ("nc -uN -w 1 127.0.0.1 USILENT", "x"),
    // Words of ports, as strtonum(3) and getaddrinfo(3) read them.
    ("nc -zv 127.0.0.1 1-+2", ""),
    ("nc -zv 127.0.0.1 -- -80", ""),
    ("nc -zv 127.0.0.1 -- -0", ""),
    ("nc -zv 127.0.0.1 1--2", ""),
    ("nc -zv 127.0.0.1 0-1", ""),
    ("nc -zv 127.0.0.1 1-65536", ""),
    ("nc -zv 127.0.0.1 http-https", ""),
    ("nc -zv 127.0.0.1 ", ""),
    ("nc -zvu 127.0.0.1 http", ""),
    ("nc -lu 127.0.0.1 http", ""),
    ("nc -p  127.0.0.1 HELLO", ""),
    ("nc -p x 127.0.0.1 HELLO", ""),
    ("nc  1", ""),
    ("nc -l  1", ""),
    ("nc -x :1 127.0.0.1 1", ""),
    ("nc -x  127.0.0.1 1", ""),
    ("nc -x 127.0.0.1:0 127.0.0.1 1", ""),
    ("nc -x 127.0.0.1:-1 127.0.0.1 1", ""),
    ("nc -x nope.invalid 127.0.0.1 1", ""),
    ("nc -U ", ""),
    ("nc -lU ", ""),
    ("nc -uU -s /no/such/own /no/such/socket", ""),
    // Ports have no pauses between them.
    ("nc -i 1 -z 127.0.0.1 HELLO HELLO", ""),
    ("nc -i 1 -zv 127.0.0.1 CLOSED CLOSED", ""),
    ("ncat 127.0.0.1 0", ""),
    ("ncat -v 127.0.0.1 0", ""),
    ("ncat -z 127.0.0.1 0", ""),
    ("ncat -u 127.0.0.1 0", ""),
    ("ncat 127.0.0.1 ", ""),
    ("ncat  1", ""),
    ("ncat -p  127.0.0.1 HELLO", ""),
    ("ncat -U ", ""),
    ("ncat --proxy 127.0.0.1:0 127.0.0.1 1", ""),
    ("ncat --proxy :1 127.0.0.1 1", ""),
    ("ncat --proxy  127.0.0.1 1", ""),
    ("ncat --proxy nope.invalid:1 127.0.0.1 1", ""),
    ("ncat -l /:", ""),
    // A program that is not there is one that ends at once.
    ("ncat -e /no/such/program 127.0.0.1 HELLO", ""),
    ("ncat -e /no/such/program 127.0.0.1 CLOSED", ""),
    ("ncat -e / 127.0.0.1 HELLO", ""),
    ("ncat -u -e /no/such/program 127.0.0.1 UECHO", ""),
    ("ncat -c /no/such/program 127.0.0.1 HELLO", ""),
    ("ncat -c exit\t3 127.0.0.1 HELLO", ""),
    ("ncat -c  127.0.0.1 HELLO", ""),
    // What takes no effect is told, before what fails.
    ("ncat -l -m 3 127.0.0.1 HELLO", ""),
    ("ncat -l -m -1 127.0.0.1 HELLO", ""),
    ("ncat -l -k -m 3 127.0.0.1 HELLO", ""),
    ("ncat -l --chat -m 3 127.0.0.1 HELLO", ""),
    ("ncat -lv -m x 127.0.0.1 HELLO", ""),
    ("ncat -v -k 127.0.0.1 1", ""),
    // Operands that are too many.
    ("ncat -l 1 2 3", ""),
    ("ncat -l 1 2", ""),
    ("ncat -l 1 x", ""),
    ("ncat -l 127.0.0.1 1 2", ""),
    ("ncat -l -p 1 2", ""),
    ("ncat -l -p 1 2 3", ""),
    ("ncat -l -p 1 127.0.0.1 2 3", ""),
    ("ncat -l nope.invalid 1 2", ""),
    ("ncat nope.invalid 1 2", ""),
    ("ncat -n localhost 1 2", ""),
    ("ncat 127.0.0.1 1 2 3", ""),
    ("nc 127.0.0.1 x y", ""),
    // A program without a name is there no more than another.
    ("ncat -e  127.0.0.1 HELLO", ""),
    ("ncat --exec= 127.0.0.1 HELLO", ""),
    ("ncat -e  127.0.0.1 CLOSED", ""),
    // A pause of our own is no silence.
    ("nc -w 1 -i 2 127.0.0.1 SILENT", "a\n"),
    ("nc -w 1 -i 2 -N 127.0.0.1 DRAIN", "a\nb\n"),
    ("nc -d -w 1 127.0.0.1 SILENT", ""),
    ("nc -d -q 1 127.0.0.1 HELLO", ""),
    ("nc -d -q 0 127.0.0.1 HELLO", ""),
    ("nc -x [::1 127.0.0.1 1", ""),
    ("nc -x [127.0.0.1]1 127.0.0.1 1", ""),
    ("nc -x ::1 127.0.0.1 1", ""),
    ("nc -s 127.0.0.1 -x 127.0.0.1:1 127.0.0.1 1", ""),
    ("ncat -l --proxy-type foo 127.0.0.1 1", ""),
    ("ncat --ssl-cert /no/such/file 127.0.0.1 CLOSED", ""),
    ("ncat --denyfile /no/such/file 127.0.0.1 1", ""),
    ("ncat --allowfile /no/such/file 127.0.0.1 1", ""),
    // Telnet without a change of what is sent.
    ("nc -t -N 127.0.0.1 DRAIN", "a\nb"),
    ("nc -t -C -N 127.0.0.1 DRAIN", "a\nb"),
    ("ncat -t 127.0.0.1 DRAIN", "a\nb"),
    ("ncat -tC 127.0.0.1 DRAIN", "a\nb"),
];

/// What Ncat's line with its version begins with.
pub(crate) const VERSION: &str = "Ncat: Version ";

#[test]
fn lines_end_as_those_of_the_real_tools() {
    let peers = Peers::start();
    for (line, stdin) in LINES {
        let words: Vec<_> = line.split(' ').map(|word| peers.filled(word)).collect();
        let words: Vec<_> = words.iter().map(String::as_str).collect();
        let program = if words[0] == "nc" { "nc.openbsd" } else { words[0] };
        if !installed(program) {
            missing(program);
            continue;
        }
        let theirs = Tcpx::other(program, &words[1..]).stdin(Stdin::bytes(stdin.as_bytes())).run();
        let ours = Tcpx::new(&words).stdin(Stdin::bytes(stdin.as_bytes())).run();
        let said = |text: &str| {
            let lines = text.split_inclusive('\n');
            // Each has its own.
            let lines = lines.map(|line| if line.starts_with(VERSION) { VERSION } else { line });
            lines.collect::<String>().replace(program, words[0])
        };
        assert_eq!(ours.status_code(), theirs.status_code(), "{line}: {} | {}", ours.stderr, theirs.stderr);
        assert_eq!(String::from_utf8_lossy(&ours.stdout), String::from_utf8_lossy(&theirs.stdout), "{line}");
        assert_eq!(said(&ours.stderr), said(&theirs.stderr), "{line}");
    }
}

/// Starts tcpx as a tool that listens, and waits for the line that says where: by TCP or UDP, at an address or a name of it.
pub(crate) fn listening(words: &[&str]) -> (Running, SocketAddr) {
    let running = Tcpx::new(words).stdin(Stdin::Open).spawn();
    let said = || {
        let text = running.err.text();
        let line = text.lines().find(|line| line.contains("Listening on ") || line.contains("Bound on "))?;
        line.rsplit([' ', ':']).next()?.parse().ok()
    };
    let mut port: Option<u16> = None;
    crate::support::wait_for("the listener", || {
        port = said();
        port.is_some()
    });
    (running, SocketAddr::from(([127, 0, 0, 1], port.expect("a port"))))
}

#[test]
fn listeners_say_who_has_come() {
    for (words, came) in [
        (&["nc", "-nlv", "127.0.0.1", "0"][..], "Connection received on 127.0.0.1 "),
        (&["ncat", "-lv", "127.0.0.1", "0"], "Ncat: Connection from 127.0.0.1:"),
    ] {
        let (running, address) = listening(words);
        let mut client = TcpStream::connect(address).expect("connect");
        client.write_all(b"ping").expect("send");
        drop(client);
        let done = running.finish();
        assert_eq!(done.status_code(), Some(0), "{words:?}: {}", done.stderr);
        assert_eq!(done.stdout, b"ping", "{words:?}");
        assert!(done.stderr.contains(came), "{words:?}: {}", done.stderr);
    }
}

#[test]
fn a_program_answers_every_client() {
    for words in
        [&["nc", "-nlkv", "-e", "/bin/cat", "127.0.0.1", "0"][..], &["ncat", "-lkv", "-c", "cat", "127.0.0.1", "0"]]
    {
        let (_running, address) = listening(words);
        for _ in 0..2 {
            let mut client = TcpStream::connect(address).expect("connect");
            client.write_all(b"ping").expect("send");
            client.shutdown(std::net::Shutdown::Write).expect("end");
            let mut answer = String::new();
            client.read_to_string(&mut answer).expect("an answer");
            assert_eq!(answer, "ping", "{words:?}");
        }
    }
}

#[test]
fn the_name_of_the_program_is_enough() {
    let folder = tempfile::tempdir().expect("a folder");
    let peers = Peers::start();
    let port = peers.port("HELLO").expect("a port");
    for (name, said) in [("nc", "succeeded!"), ("netcat", "succeeded!"), ("ncat", "Ncat: Connected to ")] {
        let path = folder.path().join(name);
        symlink(env!("CARGO_BIN_EXE_tcpx"), &path).expect("a link");
        let done = Tcpx::other(path.to_str().expect("a path"), &["-zv", "127.0.0.1", port]).run();
        assert_eq!(done.status_code(), Some(0), "{name}");
        assert!(done.stderr.contains(said), "{name}: {}", done.stderr);
    }
}

#[test]
fn both_directions_are_copied() {
    let folder = tempfile::tempdir().expect("a folder");
    let peers = Peers::start();
    let port = peers.port("DRAIN").expect("a port");
    let file = |name: &str| folder.path().join(name).to_str().expect("a path").to_owned();
    let (text, hex) = (file("text"), file("hex"));
    for _ in 0..2 {
        let words = ["ncat", "--append-output", "-o", &text, "-x", &hex, "127.0.0.1", port];
        assert_eq!(Tcpx::new(&words).stdin(Stdin::bytes(b"hi\n")).run().status_code(), Some(0));
    }
    let copied = std::fs::read_to_string(&text).expect("a copy");
    assert_eq!(copied, "hi\ngot \"hi\\n\"\n".repeat(2));
    let dumped = std::fs::read_to_string(&hex).expect("a dump");
    assert!(dumped.starts_with("0000   68 69 0a "), "{dumped}");
}

#[test]
fn help_and_version_go_where_theirs_do() {
    for (line, on_stdout) in [
        ("nc -h", false),
        ("ncat -h", true),
        ("ncat --help", true),
        ("ncat --version", false),
        ("ncat --version -h", false),
    ] {
        let words: Vec<_> = line.split(' ').collect();
        let program = if words[0] == "nc" { "nc.openbsd" } else { words[0] };
        let theirs = installed(program).then(|| Tcpx::other(program, &words[1..]).run());
        for done in [Some(Tcpx::new(&words).run()), theirs].into_iter().flatten() {
            assert_eq!(done.status_code(), Some(0), "{line}");
            assert_eq!((done.stdout.is_empty(), done.stderr.is_empty()), (!on_stdout, on_stdout), "{line}");
        }
    }
}

#[test]
fn what_is_missing_is_said() {
    for (line, code, part) in [
        ("nc -S 127.0.0.1 1", 1, "TCP MD5"),
        ("nc -F 127.0.0.1 1", 1, "socket"),
        ("nc -Z 127.0.0.1 1", 1, "DCCP"),
        ("nc -m 3 127.0.0.1 1", 1, "hop limit"),
        ("nc -W 3 127.0.0.1 1", 1, "--until"),
        ("ncat --lua-exec x 127.0.0.1 1", 2, "Rhai"),
        ("ncat -g 10.0.0.1 127.0.0.1 1", 2, "source routing"),
        ("ncat -G 4 127.0.0.1 1", 2, "source routing"),
        ("ncat --sctp 127.0.0.1 1", 2, "SCTP"),
        ("ncat --vsock 1 1", 2, "vsock"),
        ("ncat -l --proxy-type socks4 --proxy-auth u:p 127.0.0.1 0", 2, "no passwords"),
        ("ncat -lu --chat 127.0.0.1 0", 2, "UDP mode does not support connection brokering"),
        ("ncat -u --broker 127.0.0.1 0", 2, "UDP mode does not support connection brokering"),
        ("ncat --ssl-ciphers x 127.0.0.1 1", 2, "ciphers"),
        ("ncat -- --script 1", 2, "Could not resolve hostname \"--script\""),
        ("nc -l -- --script 1", 1, "getaddrinfo"),
    ] {
        let words: Vec<_> = line.split(' ').collect();
        let done = Tcpx::new(&words).run();
        assert_eq!(done.status_code(), Some(code), "{line}: {}", done.stderr);
        assert!(done.stderr.contains(part), "{line}: {}", done.stderr);
    }
}
