//! Every built-in script against what a client may send: the extremes of its protocol, other protocols and noise, cut
//! anywhere, in several encodings, by clients that read, do not read, end or break. Nothing of it may be a failure of the
//! script. The numbers come from a fixed seed, so that a failure repeats.

use std::collections::BTreeMap;
use std::panic::AssertUnwindSafe;

use super::*;
use crate::session::connection::{Action, Settings};
use crate::session::{CloseReason, ConnError, ConnId, ErrorKind, EventMask, Link, Operation, TimerCall};

/// A script with its connections, as the loop works on them.
struct Room {
    handler: ScriptHandler,
    peers: BTreeMap<ConnId, Peer>,
    now: Instant,
    text: Text,
}

struct Peer {
    link: Link,
    partner: Option<ConnId>,
    /// Takes what is sent to it.
    reads: bool,
    /// Its direction has ended.
    ended: bool,
    /// Its socket is gone; only events are left.
    released: bool,
}

impl Room {
    fn open(name: &str, args: &[&str], text: &Text) -> Self {
        let args = args.iter().map(|&arg| arg.to_owned()).collect();
        let here = vec![std::env::temp_dir()];
        let source = ScriptSource::Builtin(name.into());
        let handler = ScriptHandler::load(&Script { args, allow_read: here, ..script(source) }).unwrap();
        let mut room = Self { handler, peers: BTreeMap::new(), now: Instant::now(), text: *text };
        let mut out = Vec::new();
        room.handler.handle_run(RunEvent::Start, &mut out).unwrap();
        room.apply(out);
        room
    }

    fn join(&mut self, id: ConnId, reads: bool) {
        let view = conn_with(id, &self.text);
        self.add(view, reads);
    }

    fn add(&mut self, view: Rc<ConnView>, reads: bool) {
        let event_mask = self.handler.event_mask(&view);
        let id = view.id;
        let link = Link::new(view, Settings { event_mask, ..Settings::default() });
        self.peers.insert(id, Peer { link, partner: None, reads, ended: false, released: false });
    }

    /// Bytes of a client, then everything that follows from them.
    fn arrive(&mut self, id: ConnId, bytes: &[u8]) {
        let now = self.now;
        let Some(peer) = self.peers.get_mut(&id) else { return };
        if peer.link.is_open() && !peer.ended {
            peer.link.handle_input(now, bytes);
        }
        self.settle();
    }

    fn end(&mut self, id: ConnId, broken: bool) {
        let now = self.now;
        if let Some(peer) = self.peers.get_mut(&id).filter(|peer| !peer.ended) {
            peer.ended = true;
            if broken {
                let message = "connection reset".to_owned();
                let error = ConnError { kind: ErrorKind::Reset, op: Operation::Read, message };
                peer.link.handle_read_error(now, error);
            } else {
                peer.link.handle_eof(now);
            }
        }
        self.settle();
    }

    /// Gives turns to all connections until nothing happens any more.
    fn settle(&mut self) {
        for _ in 0..1_000_000 {
            let mut is_quiet = true;
            let ids: Vec<_> = self.peers.keys().copied().collect();
            for id in ids {
                is_quiet &= !self.turn(id);
            }
            if is_quiet {
                return;
            }
        }
        panic!("it never comes to rest");
    }

    /// Returns whether something happened.
    fn turn(&mut self, id: ConnId) -> bool {
        let Some(peer) = self.peers.get_mut(&id) else { return false };
        if let Some(event) = peer.link.poll_event() {
            let (view, partner) = (Rc::clone(peer.link.view()), peer.partner);
            let mut out = Vec::new();
            match (event, partner.and_then(|id| self.peers.get(&id))) {
                (Event::Data(bytes), Some(partner)) => {
                    let to = Rc::clone(partner.link.view());
                    let bytes =
                        self.handler.relay(&view, &to, Some(bytes), &mut out).unwrap_or_else(|e| panic!("{e:?}"));
                    out.push(Command::Send(to.id, bytes));
                }
                (event, _) => {
                    let shown = format!("{event:?}");
                    let result = self.handler.handle(&view, event, &mut out);
                    let shown = shown.chars().take(300).collect::<String>();
                    assert!(result.is_ok(), "{shown}: {result:?}");
                }
            }
            self.apply(out);
            return true;
        }
        let mut is_busy = false;
        while let (true, Some(front)) = (peer.reads, peer.link.poll_transmit()) {
            let n = front.len();
            peer.link.transmitted(self.now, n);
            is_busy = true;
        }
        match peer.link.poll_action(self.now) {
            Some(Action::Release { .. }) => peer.released = true,
            Some(Action::ShutdownWrite) => {}
            None if peer.released => _ = self.peers.remove(&id),
            None => return is_busy,
        }
        true
    }

    fn apply(&mut self, commands: Vec<Command>) {
        let now = self.now;
        for command in commands {
            let mut touch = |id: ConnId, work: &mut dyn FnMut(&mut Link)| {
                if let Some(peer) = self.peers.get_mut(&id) {
                    work(&mut peer.link);
                }
            };
            match command {
                Command::Send(id, bytes) => touch(id, &mut |link| link.send(bytes.clone())),
                Command::Shutdown(id) => touch(id, &mut Link::shutdown),
                Command::Close(id) => touch(id, &mut |link| link.close(CloseReason::Closed)),
                Command::Reset(id) => touch(id, &mut |link| link.reset(CloseReason::Reset)),
                Command::SetIdle(id) => touch(id, &mut |link| link.handle_idle_change(now)),
                Command::SetPeerIdle(id) => touch(id, &mut |link| link.handle_peer_idle_change(now)),
                Command::SetForm(id, form) => touch(id, &mut |link| link.set_form(form.clone())),
                Command::Cut(id, length) => touch(id, &mut |link| link.cut(length)),
                Command::Skip(id, n) => touch(id, &mut |link| link.skip(n)),
                Command::Pause(id) => touch(id, &mut |link| link.set_paused(true)),
                Command::Resume(id) => touch(id, &mut |link| link.set_paused(false)),
                Command::Connect(request) => self.add(request.view, true),
                Command::Pipe(a, b) => {
                    for (id, partner) in [(a, b), (b, a)] {
                        if let Some(peer) = self.peers.get_mut(&id) {
                            let mask = EventMask { received: None, eof: false, ..peer.link.event_mask() };
                            peer.link.set_event_mask(mask);
                            peer.partner = Some(partner);
                        }
                    }
                }
                Command::AddToxic { .. }
                | Command::Heal(..)
                | Command::Print(_)
                | Command::Log(..)
                | Command::SentToNobody(..)
                | Command::Unhold(_)
                | Command::SetNodelay(..) => {}
                other => panic!("{other:?}"),
            }
        }
    }

    /// Fires the timers of the next seconds.
    fn wait(&mut self) {
        self.now += Duration::from_secs(5);
        for _ in 0..50 {
            let mut out = Vec::new();
            let Some(TimerCall { result, .. }) = self.handler.handle_timeout(self.now, &mut out) else { break };
            result.unwrap_or_else(|error| panic!("{error:?}"));
            self.apply(out);
            self.settle();
        }
    }
}

/// A small generator of numbers (xorshift64*).
struct Dice(u64);

impl Dice {
    /// A number below `end`.
    fn below(&mut self, end: usize) -> usize {
        self.0 ^= self.0 >> 12;
        self.0 ^= self.0 << 25;
        self.0 ^= self.0 >> 27;
        (self.0.wrapping_mul(0x2545_f491_4f6c_dd1d) >> 33) as usize % end
    }

    fn one_of<'a, T: ?Sized>(&mut self, all: &[&'a T]) -> &'a T {
        all[self.below(all.len())]
    }

    fn noise(&mut self, longest: usize) -> Vec<u8> {
        let length = self.below(longest + 1);
        (0..length).map(|_| self.below(256) as u8).collect()
    }

    fn number(&mut self) -> String {
        const NUMBERS: &[&str] = &[
            "-9223372036854775808",
            "-9223372036854775807",
            "9223372036854775807",
            "9223372036854775808",
            "18446744073709551615",
            "-18446744073709551616",
            "99999999999999999999999999",
            "0",
            "-0",
            "+0",
            "-1",
            "1",
            "+1",
            "2147483647",
            "2147483648",
            "-2147483649",
            "4294967295",
            "4294967296",
            "65535",
            "65536",
            "1048575",
            "1048576",
            "1048577",
            "9000000000000000",
            "9000000000000",
            "1e9",
            "1.5",
            "0x10",
            "01",
            "",
            " 1",
            "1 ",
            "-",
            "+",
            "１",
            "٣",
            "NaN",
            "\u{fffd}",
        ];
        self.one_of(NUMBERS).to_owned()
    }

    /// A piece of a protocol: pieces in a row, of which some are numbers and noise.
    fn phrase(&mut self, words: &[&str]) -> Vec<u8> {
        let mut bytes = Vec::new();
        for _ in 0..=self.below(8) {
            match self.below(10) {
                0 => bytes.extend(self.number().bytes()),
                1 => bytes.extend(self.noise(6)),
                2 => bytes.extend("浣犲ソ ß ŉ ﬃ é 😀 \u{fffd}".bytes()),
                _ => bytes.extend(self.one_of(words).bytes()),
            }
        }
        bytes
    }

    fn redis(&mut self) -> Vec<u8> {
        const COMMANDS: &[&str] = &[
            "PING", "ECHO", "SELECT", "HELLO", "INFO", "CONFIG", "COMMAND", "CLIENT", "GET", "SET", "DEL", "EXISTS",
            "INCR", "DECR", "INCRBY", "DECRBY", "KEYS", "TTL", "PTTL", "EXPIRE", "PEXPIRE", "PERSIST", "DBSIZE",
            "FLUSHALL", "SETRANGE", "get", "QUIT",
        ];
        const WORDS: &[&str] = &[
            "a",
            "b",
            "c",
            "",
            "*",
            "a*",
            "*a*b*",
            "**********",
            "EX",
            "PX",
            "NX",
            "XX",
            "GET",
            "SET",
            "SETNAME",
            "GETNAME",
            "ID",
            "save",
            "\r\n",
            "\u{fffd}",
            "2",
            "3",
        ];
        let mut words = vec![self.one_of(COMMANDS).as_bytes().to_vec()];
        for _ in 0..self.below(5) {
            words.push(match self.below(4) {
                0 => self.number().into_bytes(),
                1 => self.noise(5),
                _ => self.one_of(WORDS).as_bytes().to_vec(),
            });
        }
        if self.below(4) == 0 {
            let mut line = words.join(&b' ');
            line.extend(if self.below(2) == 0 { &b"\n"[..] } else { b"\r\n" });
            return line;
        }
        let wrong = |dice: &mut Self, right: usize| {
            if dice.below(60) == 0 { dice.number() } else { right.to_string() }
        };
        let mut request = format!("*{}\r\n", wrong(self, words.len())).into_bytes();
        for word in words {
            request.extend(format!("${}\r\n", wrong(self, word.len())).bytes());
            request.extend(word);
            request.extend(b"\r\n");
        }
        request
    }

    fn binary(&mut self) -> Vec<u8> {
        let body = match self.below(4) {
            0 => self.noise(8),
            1 => [&[2][..], &self.noise(4)].concat(),
            2 => [&[3][..], "ßŉﬃ\u{fffd}😀".as_bytes(), &self.noise(3)].concat(),
            _ => vec![2, 0x80, 0, 0x80, 0],
        };
        let length = match self.below(12) {
            0 => u32::MAX,
            1 => 65_537,
            2 => 1 << 31,
            _ => body.len() as u32,
        };
        [&length.to_be_bytes()[..], &body].concat()
    }

    fn dns(&mut self) -> Vec<u8> {
        let words = |dice: &mut Self, all: &[u16]| all[dice.below(all.len())].to_be_bytes();
        let mut message = self.noise(2);
        message.extend(words(self, &[0x0100, 0, 0x0110, 0x2000, 0x7800, 0x8000]));
        message.extend(words(self, &[1, 1, 1, 0, 2, 65_535]));
        for _ in 0..3 {
            message.extend(words(self, &[0, 0, 0, 1, 2, 65_535]));
        }
        for _ in 0..self.below(4) {
            let piece = match self.below(6) {
                0 => b"\x01a\0\0\x01\0\x01".to_vec(),
                1 => b"\x03www\x01A\0\0\xff\0\xff".to_vec(),
                2 => b"\0\0\x29\x04\0\0\0\x80\0\0\0".to_vec(),
                3 => b"\xc0\x0c\0\x01\0\x01".to_vec(),
                4 => vec![63; 300],
                _ => self.noise(20),
            };
            message.extend(piece);
        }
        let length = if self.below(10) == 0 { self.below(65_536) } else { message.len() };
        [&(length as u16).to_be_bytes()[..], &message].concat()
    }

    fn modbus(&mut self) -> Vec<u8> {
        let mut body = vec![1, [1, 2, 3, 4, 5, 6, 15, 16, 22, 23, 7, 0x83][self.below(12)]];
        for _ in 0..self.below(6) {
            let words =
                [&b"\0\0"[..], b"\0\x01", b"\xff\xff", b"\x02\0\x01", b"\0\x7d", b"\x01", b"\xff\0", b"\0\x02\x04"];
            body.extend(self.one_of(&words));
        }
        let length = if self.below(12) == 0 { self.below(300) } else { body.len() };
        let protocol = u8::from(self.below(60) == 0);
        [&[9, 9, 0, protocol][..], &(length as u16).to_be_bytes(), &body].concat()
    }

    fn piece(&mut self, name: &str) -> Vec<u8> {
        match (name, self.below(12)) {
            (_, 0) => self.noise(40),
            (_, 1) => {
                self.phrase(&["\r\n", "\n", " ", "GET / HTTP/1.1\r\nHost: a\r\n\r\n", "*1\r\n$4\r\nPING\r\n", "\0"])
            }
            ("redis", _) => self.redis(),
            ("binary", _) => self.binary(),
            ("dns", _) => self.dns(),
            ("modbus", _) => self.modbus(),
            ("memcached", _) => self.phrase(&[
                "get ",
                "gets a b\r\n",
                "gat ",
                "set a 0 0 2\r\nxy\r\n",
                "set a ",
                "add ",
                "append a 0 0 1\r\nx\r\n",
                "cas a 0 0 1 ",
                "incr a ",
                "decr a ",
                "delete a\r\n",
                "touch a ",
                "flush_all ",
                "stats\r\n",
                "verbosity ",
                "quit",
                " noreply",
                "0 ",
                "a ",
                "\r\n",
                "\n",
                " ",
            ]),
            ("syslog", _) => self.phrase(&[
                "<13>",
                "<191>1 ",
                "<192>",
                "5 ",
                "65536 ",
                "- ",
                "2003-10-11T22:14:15.003Z ",
                "Oct 11 22:14:15 ",
                "host ",
                "app[1]: ",
                "[a b=\"c\"]",
                "[a b=\"",
                "\\\"",
                "]",
                "\n",
                "\r\n",
                "\0",
                "\u{1b}[2J",
                "\u{feff}",
                "\u{202e}",
                " ",
            ]),
            ("http", _) => self.phrase(&[
                "GET / HTTP/1.1\r\nHost: a\r\n\r\n",
                "HEAD ",
                "POST ",
                "GET ",
                "/ ",
                "* ",
                "http://",
                "HTTP/1.1\r\n",
                "HTTP/1.0\r\n",
                "HTTP/9.9\r\n",
                "Host: a\r\n",
                "Content-Length: ",
                "Content-Length: 5\r\n",
                "Transfer-Encoding: chunked\r\n",
                "Expect: 100-continue\r\n",
                "Connection: close, keep-alive\r\n",
                ": ",
                "\r\n",
                "\r\n\r\n",
                "\n",
                "\r",
                " ",
            ]),
            ("telnet", _) => self
                .phrase(&["help\r\n", "quit\r\n", "\r\0", "\n", "?", "text"])
                .into_iter()
                .flat_map(|byte| if byte == b'e' { vec![255, 250, 255, 240] } else { vec![byte] })
                .collect(),
            ("chat", _) => self.phrase(&[
                "NICK ",
                "NICK a\n",
                "NICK b\n",
                "/msg ",
                "/msg a ",
                "/who\n",
                "/encoding ",
                "/encoding gbk\n",
                "/encoding utf-16\n",
                "/encoding iso-2022-jp\n",
                "/quit\n",
                "/",
                "\n",
                " ",
                "\t",
                "\u{3000}",
                "operator",
            ]),
            _ => self.phrase(&[
                "HELO x\r\n",
                "MAIL from\r\n",
                "QUIT\r\n",
                "cut",
                "wait\n",
                "big\n",
                "\n",
                "\r\n",
                "text ",
            ]),
        }
    }
}

/// What one run of a script with some clients is like.
fn play(name: &str, args: &[&str], dice: &mut Dice) {
    let label = dice.one_of(&["utf-8", "gbk", "big5", "shift_jis", "iso-2022-jp", "koi8-r", "utf-16le", "latin1"]);
    let Ok(Charset::Named(encoding)) = labels::lookup(label) else { panic!("{label}") };
    let recv = if dice.below(10) == 0 { Charset::Auto(None) } else { Charset::Named(encoding) };
    let text = Text { recv: Some(recv), send: Some(encoding), ..Text::default() };
    let mut room = Room::open(name, args, &text);
    let clients = [10_001, 10_002, 10_003];
    for id in clients {
        // One that endlessly sends is endless with somebody who reads.
        room.join(id, name != "chargen" && dice.below(4) > 0);
        room.settle();
    }
    for _ in 0..12 {
        let id = clients[dice.below(clients.len())];
        let mut bytes = Vec::new();
        for _ in 0..=dice.below(3) {
            bytes.extend(dice.piece(name));
        }
        if dice.below(100) == 0 {
            bytes = bytes.repeat(100);
        }
        let mut rest = &bytes[..];
        while !rest.is_empty() {
            let length = if dice.below(3) == 0 { rest.len() } else { 1 + dice.below(rest.len()) };
            let (piece, left) = rest.split_at(length);
            // A server behind a proxy answers anything.
            let back = room.peers.get(&id).and_then(|peer| peer.partner).filter(|_| dice.below(2) == 0);
            room.arrive(back.unwrap_or(id), piece);
            rest = left;
        }
        match dice.below(16) {
            0 => room.end(id, false),
            1 => room.end(id, true),
            2 => room.wait(),
            _ => {}
        }
    }
    for id in clients {
        room.end(id, dice.below(2) == 0);
    }
    room.wait();
}

fn fuzz(name: &str, args: &[&str], rounds: u64) {
    for round in 1..=rounds {
        let play = AssertUnwindSafe(|| play(name, args, &mut Dice(round.wrapping_mul(0x9e37_79b9_7f4a_7c15))));
        if let Err(panic) = std::panic::catch_unwind(play) {
            let text = panic.downcast_ref::<String>().map_or("it never comes to rest", String::as_str);
            panic!("@{name} {args:?}, round {round}: {text}");
        }
    }
}

#[test]
fn no_built_in_script_fails_because_of_what_a_client_sends() {
    let folder = tempfile::tempdir().unwrap();
    let rules = |name: &str, text: &str| {
        let path = folder.path().join(name);
        std::fs::write(&path, text).unwrap();
        path.to_str().unwrap().to_owned()
    };
    let lines = rules(
        "lines",
        "connect -> send \"220 ready 😀\\r\\n\"\nregex /^HELO (\\S+)(x)?$/ -> send \"250 hello $1 $2 $0\\r\\n\"\n\
         starts \"MAIL \" -> wait 200ms; send \"250 ok\\r\\n\"\nequals \"QUIT\" -> send \"221 bye\\r\\n\"; close\n\
         contains \"wait\" -> wait 1s; wait 2s; send \"late\"; wait 1ms; reset\nends \"big\" -> send \"$0$0$0$0$0$0$0$0\"\n\
         contains hex ff -> send hex 00 ff \"ß😀\"\nregex /(.*)/ -> send \"500 what? $1 $0\\r\\n\"\n",
    );
    let at = rules("at", "split at \"cut😀\"\nany -> send \"$0\"\n");
    let chunks = rules("chunks", "split chunks\nregex /(.)/ -> send \"$1\"\n");
    for (name, _) in crate::script::builtin::list() {
        match name {
            "proxy" => {
                for shows in ["sizes", "text", "hex"] {
                    fuzz(name, &["127.0.0.1:9", shows], 12);
                }
            }
            "faults" => fuzz(name, &["127.0.0.1:9", "latency:latency=1"], 12),
            "rules" => {
                fuzz(name, &[&lines], 20);
                fuzz(name, &[&chunks], 10);
                let utf8 = Text::default();
                Room::open(name, &[&at], &utf8).join(1, true);
            }
            "dns" => fuzz(name, &["a=1.2.3.4", "a=::1", "www.a=a", "x=www.a"], 30),
            "syslog" => {
                fuzz(name, &[], 20);
                fuzz(name, &["json"], 20);
            }
            "redis" | "http" | "chat" | "telnet" | "memcached" | "modbus" => fuzz(name, &[], 30),
            "broker" | "binary" | "upper" | "lines" | "goodbye" => fuzz(name, &[], 15),
            _ => fuzz(name, &[], 8),
        }
    }
}
