//! The built-in scripts of protocols, fed as by a session: all bytes at once, one by one, and at every split.

use super::builtin::open;
use super::*;
use crate::session::Form;

/// A connection of a script, with the received bytes that are not a complete frame yet.
pub(super) struct Wire {
    bench: Bench,
    conn: Rc<ConnView>,
    measured: bool,
    held: Vec<u8>,
    pub(super) sent: Vec<u8>,
    pub(super) printed: String,
    pub(super) closed: bool,
}

impl Wire {
    pub(super) fn open(name: &str) -> Self {
        Self::of(open(name))
    }

    /// A connection of a script with arguments.
    pub(super) fn with_args(name: &str, args: &[&str]) -> Self {
        let args = args.iter().map(|&arg| arg.to_owned()).collect();
        let script = Script { args, ..script(ScriptSource::Builtin(name.into())) };
        Self::of(Bench::try_script(script).unwrap_or_else(|message| panic!("{message}")))
    }

    fn of(bench: Bench) -> Self {
        let measured = bench.handler.event_mask(&conn(1)).received == Some(Form::Measured);
        let (held, sent, printed) = (Vec::new(), Vec::new(), String::new());
        let mut wire = Self { bench, conn: conn(1), measured, held, sent, printed, closed: false };
        assert_eq!(wire.bench.start(), [], "it is ready to serve");
        wire.give(Event::Opened);
        wire
    }

    /// Passes an event; returns the length of the next frame if the script was asked for it.
    pub(super) fn give(&mut self, event: Event) -> usize {
        let mut length = 0;
        for command in self.bench.give(&self.conn, event) {
            match command {
                Command::Send(_, bytes) => self.sent.extend(bytes),
                Command::Cut(_, measured) => length = measured,
                Command::Close(_) => self.closed = true,
                Command::Print(text) => self.printed += &text,
                Command::Log(..) | Command::Pause(_) => {}
                other => panic!("{other:?}"),
            }
        }
        length
    }

    pub(super) fn arrive(&mut self, bytes: &[u8]) {
        if !self.measured {
            self.give(data(bytes));
            return;
        }
        self.held.extend(bytes);
        while !self.held.is_empty() && !self.closed {
            let length = self.give(Event::Measure(self.held.clone()));
            if length == 0 || length > self.held.len() {
                break;
            }
            let rest = self.held.split_off(length);
            let frame = std::mem::replace(&mut self.held, rest);
            self.give(Event::Frame(frame));
        }
    }

    pub(super) fn take(&mut self) -> String {
        String::from_utf8_lossy(&std::mem::take(&mut self.sent)).into_owned()
    }

    pub(super) fn ask(&mut self, bytes: impl AsRef<[u8]>) -> String {
        self.arrive(bytes.as_ref());
        self.take()
    }
}

/// The answer of a script, checked to be the same at every split.
pub(super) fn however_cut(name: &str, bytes: &[u8]) -> String {
    however_cut_with(name, &[], bytes)
}

/// The same with arguments; what it prints comes first.
pub(super) fn however_cut_with(name: &str, args: &[&str], bytes: &[u8]) -> String {
    let answer = |pieces: &[&[u8]]| {
        let mut wire = Wire::with_args(name, args);
        for piece in pieces {
            wire.arrive(piece);
        }
        let shown = format!("{}{}", wire.printed, wire.sent.escape_ascii());
        // The answers contain times, which differ.
        shown.split("\\n").filter(|line| !line.starts_with("Date: ")).collect::<Vec<_>>().join("\\n")
    };
    let whole = answer(&[bytes]);
    for at in 1..bytes.len() {
        assert_eq!(answer(&[&bytes[..at], &bytes[at..]]), whole, "cut at {at}");
    }
    assert_eq!(answer(&bytes.chunks(1).collect::<Vec<_>>()), whole, "byte by byte");
    whole
}

// ---- @binary --------------------------------------------------------------------------------------------

#[test]
fn binary_answers_its_three_requests() {
    let mut bench = open("binary");
    let c = conn(1);
    assert!(matches!(&bench.give(&c, Event::Opened)[..], [Command::SetForm(1, _)]));
    let mut answer = |frame: &[u8]| match bench.give(&c, Event::Frame(frame.to_vec())).pop() {
        Some(Command::Send(1, bytes)) => bytes,
        Some(Command::Reset(1)) => b"reset".to_vec(),
        other => panic!("{other:?}"),
    };
    assert_eq!(answer(b"\x01"), b"\0\0\0\x01\x01");
    assert_eq!(answer(b"\x01\x00\xff"), b"\0\0\0\x03\x01\x00\xff");
    assert_eq!(answer(b"\x02\x00\x02\x00\x03"), b"\0\0\0\x05\x02\0\0\0\x05");
    assert_eq!(answer(b"\x02\x80\x00\x80\x00"), b"\0\0\0\x05\x02\xff\xff\0\0", "-32768 twice");
    assert_eq!(answer("\x03äß".as_bytes()), "\0\0\0\x05\x03ÄSS".as_bytes());
    for wrong in [&b""[..], b"\x02\x00", b"\x02\0\0\0\0\0", b"\x04", b"\xff"] {
        assert_eq!(answer(wrong), b"reset", "{wrong:?}");
    }
}

// ---- @telnet --------------------------------------------------------------------------------------------

const HELP: &str = "Every line comes back. There are also help and quit.\r\n";

#[test]
fn telnet_refuses_options_and_echoes_lines() {
    let mut wire = Wire::open("telnet");
    assert_eq!(wire.take(), HELP);
    assert_eq!(wire.ask("hello\r\nHELP\r\n"), format!("hello\r\n{HELP}"));
    wire.arrive(b"\xff\xfb\x01\xff\xfd\x03\xff\xfc\x01\xff\xfe\x03\xff\xf1");
    assert_eq!(std::mem::take(&mut wire.sent), b"\xff\xfe\x01\xff\xfc\x03", "a refusal is not answered");
    wire.arrive(b"\xff\xff\xd1\xff\xff\n");
    assert_eq!(std::mem::take(&mut wire.sent), b"\xff\xff\xd1\xff\xff\r\n");
    assert_eq!(wire.ask("a\r\0b\n\r\n\n"), "a\r\nb\r\n\r\n\r\n");
    assert_eq!(wire.ask(" Quit \r\nmore\r\n"), "Bye.\r\n");
    assert!(wire.closed);
}

#[test]
fn telnet_commands_are_understood_at_every_split() {
    let bytes = b"a\xff\xfb\x18b\xff\xfa\x18\x00\xff\xff\xff\xf0\r\nc\xff\xff\xff\xfd\x01\xff\xf6\r\0d\n";
    let mut answers: Vec<_> = HELP.as_bytes().to_vec();
    answers.extend(b"\xff\xfe\x18ab\r\n\xff\xfc\x01[Yes]\r\nc\xff\xff\r\nd\r\n");
    let mut wire = Wire::open("telnet");
    for byte in bytes {
        wire.arrive(&[*byte]);
    }
    assert_eq!(wire.sent.escape_ascii().to_string(), answers.escape_ascii().to_string());
    // For one chunk, the answers to its commands are sent first.
    for at in 1..bytes.len() {
        let mut wire = Wire::open("telnet");
        wire.arrive(&bytes[..at]);
        wire.arrive(&bytes[at..]);
        let (mut found, mut wanted) = (wire.sent.clone(), answers.clone());
        found.sort_unstable();
        wanted.sort_unstable();
        assert_eq!(found, wanted, "cut at {at}");
        assert!(wire.sent.ends_with(b"d\r\n"));
    }
}

#[test]
fn telnet_discards_subnegotiations_and_limits_line_length() {
    let mut wire = Wire::open("telnet");
    wire.take();
    wire.arrive(b"\xff\xfa");
    wire.arrive(&vec![b'x'; 100_000]);
    assert_eq!(wire.ask(b"\xff\xf0ok\n"), "ok\r\n");
    assert_eq!(wire.ask([b'x'; 4096]), "");
    assert_eq!(wire.ask("x"), "This line is too long.\r\n");
    assert!(wire.closed);
}

// ---- @redis ---------------------------------------------------------------------------------------------

/// A request in the RESP protocol, as clients send it.
fn resp(words: &[&[u8]]) -> Vec<u8> {
    let mut request = format!("*{}\r\n", words.len()).into_bytes();
    for word in words {
        request.extend(format!("${}\r\n", word.len()).bytes());
        request.extend_from_slice(word);
        request.extend(b"\r\n");
    }
    request
}

pub(super) fn redis(wire: &mut Wire, line: &str) -> String {
    let words: Vec<_> = line.split(' ').map(str::as_bytes).collect();
    wire.ask(resp(&words))
}

/// The answer to TTL while less than 5000 seconds have passed.
const SOME_SECONDS: &str = "4000 to 5000 seconds";

#[test]
fn redis_knows_its_commands() {
    let mut wire = Wire::open("redis");
    for (request, answer) in [
        ("PING", "+PONG\r\n"),
        ("ping hi", "$2\r\nhi\r\n"),
        ("ECHO x", "$1\r\nx\r\n"),
        ("GET a", "$-1\r\n"),
        ("SET a 1", "+OK\r\n"),
        ("GET a", "$1\r\n1\r\n"),
        ("SET a 2 NX", "$-1\r\n"),
        ("SET b 2 nx", "+OK\r\n"),
        ("SET c 2 XX", "$-1\r\n"),
        ("SET a 3 xx PX 5000000", "+OK\r\n"),
        ("TTL a", SOME_SECONDS),
        ("TTL b", ":-1\r\n"),
        ("TTL c", ":-2\r\n"),
        ("INCR a", ":4\r\n"),
        ("TTL a", SOME_SECONDS),
        ("PERSIST a", ":1\r\n"),
        ("PERSIST a", ":0\r\n"),
        ("TTL a", ":-1\r\n"),
        ("EXPIRE a 5000", ":1\r\n"),
        ("TTL a", SOME_SECONDS),
        ("SET a 4", "+OK\r\n"),
        ("TTL a", ":-1\r\n"),
        ("EXPIRE c 100", ":0\r\n"),
        ("DECR a", ":3\r\n"),
        ("INCRBY a -10", ":-7\r\n"),
        ("DECRBY a -10", ":3\r\n"),
        ("INCR new", ":1\r\n"),
        ("EXISTS a a b nope", ":3\r\n"),
        ("DBSIZE", ":3\r\n"),
        ("DEL a nope a", ":1\r\n"),
        ("EXPIRE b 0", ":1\r\n"),
        ("DBSIZE", ":1\r\n"),
        ("KEYS n*", "*1\r\n$3\r\nnew\r\n"),
        ("KEYS *x*", "*0\r\n"),
        ("CONFIG GET save", "*2\r\n$4\r\nsave\r\n$0\r\n\r\n"),
        ("CONFIG GET nope", "*0\r\n"),
        ("COMMAND DOCS", "*0\r\n"),
        ("CLIENT SETNAME me", "+OK\r\n"),
        ("CLIENT GETNAME", "$2\r\nme\r\n"),
        ("SELECT 0", "+OK\r\n"),
        ("SELECT 1", "-ERR DB index is out of range\r\n"),
        ("HELLO 4", "-NOPROTO unsupported protocol version\r\n"),
        ("FLUSHALL", "+OK\r\n"),
        ("DBSIZE", ":0\r\n"),
    ] {
        let found = redis(&mut wire, request);
        if answer == SOME_SECONDS {
            // Some of the 5000 have passed meanwhile.
            let seconds = found.trim_start_matches(':').trim_end().parse::<u32>();
            assert!(seconds.is_ok_and(|seconds| (4000..=5000).contains(&seconds)), "{request}: {found}");
        } else {
            assert_eq!(found, answer, "{request}");
        }
    }
    assert!(redis(&mut wire, "INFO").contains("redis_version:"));
    assert!(redis(&mut wire, "HELLO").starts_with("*14\r\n$6\r\nserver\r\n"));
    assert_eq!(redis(&mut wire, "QUIT"), "+OK\r\n");
    assert!(wire.closed);
}

#[test]
fn redis_errors_have_the_messages_of_redis() {
    let mut wire = Wire::open("redis");
    redis(&mut wire, "SET text abc");
    redis(&mut wire, "SET big 9223372036854775807");
    let not_a_number = "-ERR value is not an integer or out of range\r\n";
    let wrong_number = "-ERR wrong number of arguments for 'get' command\r\n";
    for (request, answer) in [
        ("GET", wrong_number),
        ("get a b", wrong_number),
        ("PING a b", "-ERR wrong number of arguments for 'ping' command\r\n"),
        ("SET a", "-ERR wrong number of arguments for 'set' command\r\n"),
        ("SET a 1 EX", "-ERR syntax error\r\n"),
        ("SET a 1 NX XX", "-ERR syntax error\r\n"),
        ("SET a 1 what", "-ERR syntax error\r\n"),
        ("SET a 1 EX x", not_a_number),
        ("SET a 1 EX 0", "-ERR invalid expire time in 'set' command\r\n"),
        ("SET a 1 EX 9223372036854775807", "-ERR invalid expire time in 'set' command\r\n"),
        ("EXPIRE text 9223372036854775807", "-ERR invalid expire time in 'expire' command\r\n"),
        ("EXPIRE text soon", not_a_number),
        ("INCR text", not_a_number),
        ("INCRBY n +1", not_a_number),
        ("INCRBY n 01", not_a_number),
        ("INCR big", "-ERR increment or decrement would overflow\r\n"),
        ("DECRBY n -9223372036854775808", not_a_number),
        ("FOO a b", "-ERR unknown command 'FOO', with args beginning with: 'a' 'b' \r\n"),
    ] {
        assert_eq!(redis(&mut wire, request), answer, "{request}");
    }
    let answer = wire.ask(resp(&[b"FOO\r\n+OK", b"\xff\r\n"]));
    assert_eq!(answer.matches("\r\n").count(), 1, "an error is one line: {answer}");
    for (request, why) in [
        ("*x\r\n", "invalid multibulk length"),
        ("*1025\r\n", "invalid multibulk length"),
        ("*1\r\n:5\r\n", "expected '$'"),
        ("*1\r\n$x\r\n", "invalid bulk length"),
        ("*1\r\n$-1\r\n", "invalid bulk length"),
        ("*1\r\n$1048577\r\n", "invalid bulk length"),
        ("*2\r\n$3\r\nGET\r\n$9999999999999999999999999999999999999999", "invalid bulk length"),
        (&"x".repeat(65_537), "too big inline request"),
    ] {
        let mut wire = Wire::open("redis");
        assert_eq!(wire.ask(request), format!("-ERR Protocol error: {why}\r\n"));
        assert!(wire.closed);
    }
}

#[test]
fn redis_stores_any_bytes_and_reads_requests_at_every_split() {
    let requests = [
        resp(&[b"SET", b"\xff\r\n", b"\x00\r\n$1\r\n*"]),
        b"\r\nPING\r\n*0\r\n  get \t x\nset k v\r\n".to_vec(),
        resp(&[b"GET", b"\xff\r\n"]),
        resp(&[b"SET", b"empty", b""]),
        resp(&[b"GET", b"empty"]),
        resp(&[b"KEYS", b"*"]),
    ]
    .concat();
    let wanted = [
        &b"+OK\r\n+PONG\r\n$-1\r\n+OK\r\n$8\r\n\x00\r\n$1\r\n*\r\n+OK\r\n$0\r\n\r\n*3\r\n"[..],
        b"$5\r\nempty\r\n$1\r\nk\r\n$3\r\n\xff\r\n\r\n",
    ]
    .concat();
    let mut wire = Wire::open("redis");
    let mut answer = |pieces: &mut dyn Iterator<Item = &[u8]>| {
        wire.ask("FLUSHALL\r\n");
        pieces.for_each(|piece| wire.arrive(piece));
        std::mem::take(&mut wire.sent)
    };
    for at in 0..requests.len() {
        let (first, second) = requests.split_at(at);
        assert_eq!(answer(&mut [first, second].into_iter()), wanted, "cut at {at}");
    }
    assert_eq!(answer(&mut requests.chunks(1)), wanted, "byte by byte");
}

#[test]
fn redis_expires_keys_and_limits_its_memory() {
    let mut wire = Wire::open("redis");
    redis(&mut wire, "SET a 1 PX 1");
    redis(&mut wire, "SET b 1 PX 1");
    std::thread::sleep(Duration::from_millis(20));
    assert_eq!(redis(&mut wire, "GET a"), "$-1\r\n");
    assert_eq!(redis(&mut wire, "SET b 2 NX"), "+OK\r\n");
    assert_eq!(redis(&mut wire, "TTL b"), ":-1\r\n");
    let half = vec![b'x'; 1_000_000];
    let set = |key: &[u8]| resp(&[b"SET", key, &half]);
    for key in [b"1", b"2", b"3"] {
        assert_eq!(wire.ask(set(key)), "+OK\r\n");
    }
    assert_eq!(wire.ask(set(b"4")), "-OOM command not allowed when used memory > 'maxmemory'.\r\n");
    assert_eq!(wire.ask(set(b"3")), "+OK\r\n", "it takes the place of the old one");
    assert_eq!(redis(&mut wire, "DEL 1"), ":1\r\n");
    assert_eq!(wire.ask(set(b"4")), "+OK\r\n");
}
