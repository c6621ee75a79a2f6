//! `Stage`: the state of the fake world: what every fake socket and stream holds, the time, the steps that are left, and the
//! transcript.
//!
//! Owns what a step of a transcript does. The fakes in `fakes` read this state and tell it what the loop does to them.

use std::cell::{Cell, RefCell};
use std::collections::{BTreeMap, VecDeque};
use std::fs::File;
use std::io::{Read, Write};
use std::net::{IpAddr, Shutdown, SocketAddr};
use std::os::unix::net::UnixStream;
use std::rc::Rc;
use std::time::{Duration, Instant};

use rustix::io::Errno;
use signal_hook::consts::{SIGHUP, SIGINT, SIGTERM};

use crate::driver::world::Mail;
use crate::net::dial::{Request, Resolved};
use crate::net::reactor::{Mailbox, Readiness, Slot};
use crate::output::screen::Screen;
use crate::session::ConnId;
use crate::session::eof_policy::InputKind;

/// The state, shared by all fakes of one run.
pub(super) type Shared = Rc<RefCell<Stage>>;

/// What an event says about a source.
pub(super) type Edge = fn(&mut Readiness);

/// Rounds after which a run is believed to go round for ever.
const MAX_ROUNDS: usize = 20_000;

/// How far a socket is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Life {
    Connecting,
    Refused,
    Open,
    Gone,
}

/// One socket: a client of a listener, or a connect.
pub(super) struct Socket {
    pub(super) slot: Option<Slot>,
    pub(super) life: Life,
    pub(super) incoming: VecDeque<u8>,
    /// The lengths of the datagrams in `incoming`; `None`: it is a stream.
    pub(super) borders: Option<VecDeque<usize>>,
    pub(super) ended: bool,
    pub(super) reset: bool,
    /// Writing fails, reading goes on.
    pub(super) breaks: bool,
    /// How many bytes it takes; `None`: all.
    pub(super) room: Option<usize>,
    pub(super) unacknowledged: usize,
    pub(super) aborted: bool,
    /// Our end and the peer's, where the kernel can move bytes: then nothing is in `incoming`.
    pub(super) pair: Option<(UnixStream, UnixStream)>,
}

/// One accept of a listener.
pub(super) enum Arrival {
    Client(usize),
    Fault(Errno),
}

/// stdin.
#[derive(Default)]
pub(super) struct FakeInput {
    pub(super) kind: Option<InputKind>,
    pub(super) slot: Rc<Cell<Option<Slot>>>,
    pub(super) incoming: VecDeque<u8>,
    /// All of it, if it is a file.
    pub(super) file: Vec<u8>,
    pub(super) ended: bool,
    pub(super) fault: bool,
    /// It is the terminal of another job.
    pub(super) background: bool,
}

/// stdout or stderr.
#[derive(Default)]
pub(super) struct FakeOutput {
    pub(super) is_screen: bool,
    pub(super) slot: Rc<Cell<Option<Slot>>>,
    /// How many bytes it takes; `None`: all.
    pub(super) room: Option<usize>,
    pub(super) gone: bool,
    /// It is `/dev/null`.
    pub(super) is_nowhere: bool,
    pub(super) full_disk: bool,
}

/// Everything the fakes of one run share.
pub(super) struct Stage {
    pub(super) now: Instant,
    start: Instant,
    told_at: Instant,
    rounds: usize,
    pub(super) steps: VecDeque<String>,
    /// `> wait TIME`: until then deadlines come first.
    pub(super) wait_until: Option<Instant>,
    /// `> wait`: the next deadline comes first.
    pub(super) wait_once: bool,
    transcript: Vec<String>,
    /// The bytes of each stream.
    streams: BTreeMap<String, Vec<u8>>,
    /// Nothing is told any more: the process has ended.
    pub(super) is_over: bool,
    /// What is told by another name: paths of this machine.
    pub(super) renamed: Vec<(String, &'static str)>,
    pub(super) edges: Vec<(Slot, Edge)>,
    pub(super) sockets: Vec<Socket>,
    pub(super) arrivals: VecDeque<Arrival>,
    pub(super) listener: Rc<Cell<Option<Slot>>>,
    /// Clients of the listener send datagrams.
    pub(super) serves_datagrams: bool,
    /// Connects stand only when a step says so.
    pub(super) connects_slowly: bool,
    /// How long the read of a socket takes.
    pub(super) read_takes: Duration,
    /// Sockets are real ones, and stdin and stdout move bytes past the process.
    pub(super) kernel_moves: bool,
    /// Connections that get a layer at their start.
    layered: Vec<String>,
    /// stdin and stdout are a terminal on which lines are edited.
    pub(super) edits: bool,
    /// Nobody can listen.
    pub(super) refuses_listeners: bool,
    pub(super) stdin: FakeInput,
    pub(super) stdout: FakeOutput,
    pub(super) stderr: FakeOutput,
    /// The terminal, if they are one.
    pub(super) screen: Screen,
    pub(super) signals: Vec<i32>,
    pub(super) signal_slot: Rc<Cell<Option<Slot>>>,
    pub(super) lookups: VecDeque<(Request, u16, Mailbox<Mail>)>,
    /// The writer of the pipe that `--send-file` reads.
    pub(super) fifo: Option<File>,
}

impl Stage {
    pub(super) fn new(setup: &[&str], steps: VecDeque<String>) -> Self {
        let now = Instant::now();
        let mut stage = Self {
            now,
            start: now,
            told_at: now,
            rounds: 0,
            steps,
            wait_until: None,
            wait_once: false,
            transcript: Vec::new(),
            streams: BTreeMap::new(),
            is_over: false,
            renamed: Vec::new(),
            edges: Vec::new(),
            sockets: Vec::new(),
            arrivals: VecDeque::new(),
            listener: Rc::default(),
            serves_datagrams: false,
            connects_slowly: false,
            read_takes: Duration::ZERO,
            kernel_moves: false,
            layered: Vec::new(),
            edits: false,
            refuses_listeners: false,
            stdin: FakeInput { kind: Some(InputKind::Pipe), ..FakeInput::default() },
            stdout: FakeOutput::default(),
            stderr: FakeOutput::default(),
            screen: Screen::default(),
            signals: Vec::new(),
            signal_slot: Rc::default(),
            lookups: VecDeque::new(),
            fifo: None,
        };
        for line in setup {
            stage.set(line);
        }
        stage
    }

    /// A line of the setup, which is true before the run begins.
    fn set(&mut self, line: &str) {
        match words(line)[..] {
            ["stdin", "terminal"] => self.stdin.kind = Some(InputKind::Terminal),
            ["stdin", "file", data] => {
                self.stdin.kind = Some(InputKind::File);
                self.stdin.file = bytes(data);
                self.stdin.incoming.extend(bytes(data));
                self.stdin.ended = true;
            }
            ["stdin", "null"] => {
                self.stdin.kind = Some(InputKind::File);
                self.stdin.ended = true;
            }
            ["lines", "are", "edited"] => {
                self.stdin.kind = Some(InputKind::Terminal);
                (self.edits, self.stdout.is_screen) = (true, true);
            }
            ["terminal", "speaks", label] => {
                self.screen = Screen::with_charset(encoding_rs::Encoding::for_label(label.as_bytes()));
            }
            ["stdin", "closed"] => self.stdin.kind = None,
            ["stdout", "terminal"] => self.stdout.is_screen = true,
            ["stderr", "terminal"] => self.stderr.is_screen = true,
            ["connects", "slowly"] => self.connects_slowly = true,
            ["a", "read", "takes", time] => self.read_takes = duration(time),
            ["the", "kernel", "moves", "bytes"] => self.kernel_moves = true,
            ["connection", number, "has", "a", "layer"] => self.layered.push(number.to_owned()),
            // For `compare`.
            ["turns", "matter"] => {}
            ["port", "in", "use"] => self.refuses_listeners = true,
            _ => self.perform(line),
        }
    }

    /// Adds a line to the transcript, the time before it if that has moved.
    pub(super) fn tell(&mut self, line: &str) {
        if self.is_over {
            return;
        }
        if self.told_at != self.now {
            self.told_at = self.now;
            self.transcript.push(format!("at {}", show_time(self.now - self.start)));
        }
        let line = self.rename(line.to_owned());
        self.transcript.push(line);
    }

    /// The text with the other names for paths of this machine.
    fn rename(&self, text: String) -> String {
        self.renamed.iter().fold(text, |text, (from, to)| text.replace(from.as_str(), to))
    }

    /// Tells of bytes that a stream got.
    pub(super) fn tell_bytes(&mut self, stream: &str, bytes: &[u8], how: &str) {
        self.tell(&format!("{stream} {}{how}", show(bytes)));
        if !self.is_over {
            self.streams.entry(stream.to_owned()).or_default().extend(bytes);
        }
    }

    /// What does not depend on how much is done at once: the bytes of each stream, and what else happened to it, in order.
    pub(super) fn outcome(&self) -> Vec<String> {
        let all = |bytes| self.rename(show_all(bytes));
        let mut outcome: Vec<_> =
            self.streams.iter().map(|(stream, bytes)| format!("{stream} in all {}", all(bytes))).collect();
        let told = self.transcript.iter().filter(|line| !line.starts_with("> ") && !line.starts_with("at "));
        let told = told.filter(|line| {
            !self.streams.keys().any(|stream| {
                let rest = line.strip_prefix(stream.as_str()).and_then(|rest| rest.strip_prefix(' '));
                rest.is_some_and(|rest| !matches!(rest, "FIN" | "RST" | "ends"))
            })
        });
        outcome.extend(told.cloned());
        // By stream, each in its order.
        outcome.sort_by_key(|line| line.split(' ').next().map(str::to_owned));
        outcome
    }

    pub(super) fn transcript(&self) -> String {
        self.transcript.join("\n")
    }

    /// Ends the test: the loop does what it must not.
    pub(super) fn fail(&self, what: &str) -> ! {
        panic!("{what}; so far:\n{}", self.transcript());
    }

    pub(super) fn count_round(&mut self) {
        self.rounds += 1;
        if self.rounds > MAX_ROUNDS {
            self.fail("the loop goes round and round");
        }
    }

    /// An event for a source.
    pub(super) fn ready(&mut self, slot: Option<Slot>, edge: Edge) {
        self.edges.extend(slot.map(|slot| (slot, edge)));
    }

    /// A new socket. Returns its index; people count from 1.
    pub(super) fn add_socket(&mut self, life: Life, is_datagram: bool) -> usize {
        self.sockets.push(Socket {
            slot: None,
            life,
            incoming: VecDeque::new(),
            borders: is_datagram.then(VecDeque::new),
            ended: false,
            reset: false,
            breaks: false,
            room: None,
            unacknowledged: 0,
            aborted: false,
            pair: self.kernel_moves.then(pair),
        });
        self.sockets.len() - 1
    }

    /// The events that the present state of a socket is worth: when it is registered, and after a step.
    pub(super) fn socket_ready(&mut self, index: usize) {
        let socket = &self.sockets[index];
        let slot = socket.slot;
        let has_datagrams = socket.borders.as_ref().is_some_and(|borders| !borders.is_empty());
        let has_input = !socket.incoming.is_empty() || has_datagrams || socket.pair.is_some();
        let (ended, over) = (socket.ended, socket.reset || socket.life == Life::Refused);
        let writes = socket.life == Life::Open && socket.room != Some(0);
        if has_input {
            self.ready(slot, |readiness| readiness.readable = true);
        }
        if ended || over {
            self.ready(slot, |readiness| {
                readiness.readable = true;
                readiness.read_closed = true;
            });
        }
        if over {
            self.ready(slot, |readiness| {
                readiness.writable = true;
                readiness.write_closed = true;
            });
        }
        if writes {
            self.ready(slot, |readiness| readiness.writable = true);
        }
    }

    /// What has reached the peer behind a real socket.
    pub(super) fn take_received(&mut self, index: usize) -> Vec<u8> {
        let mut received = Vec::new();
        if let Some((_, theirs)) = &mut self.sockets[index].pair {
            // Reads until it would block, or our end is closed.
            let _ = theirs.read_to_end(&mut received);
        }
        received
    }

    /// Tells what the kernel has moved to peers since the last look.
    pub(super) fn tell_moved(&mut self) {
        for index in 0..self.sockets.len() {
            let moved = self.take_received(index);
            if !moved.is_empty() {
                self.tell_bytes(&format!("{} gets", index + 1), &moved, " by the kernel");
            }
        }
    }

    /// Whether a connection gets a layer at its start.
    pub(super) fn is_layered(&self, id: ConnId) -> bool {
        self.layered.contains(&id.to_string())
    }

    // ---- steps ----------------------------------------------------------------------------------------

    /// Does a step: one or several things at once, with `; ` between them.
    pub(super) fn step(&mut self, step: &str) {
        self.tell(&format!("> {step}"));
        for action in step.split("; ") {
            self.perform(action);
        }
    }

    fn perform(&mut self, action: &str) {
        if let Some(code) = action.strip_prefix("script") {
            let (path, _) = self.renamed.iter().find(|(_, name)| *name == "SCRIPT").expect("a script");
            return std::fs::write(path, code.trim_start()).expect("write the script");
        }
        match words(action)[..] {
            ["wait"] => self.wait_once = true,
            ["wait", time] => self.wait_until = Some(self.now + duration(time)),
            // The process had no time to look: deadlines have passed meanwhile.
            ["freeze", time] => self.now += duration(time),
            ["stdin", "ends"] => {
                self.stdin.ended = true;
                self.ready(self.stdin.slot.get(), |readiness| {
                    readiness.readable = true;
                    readiness.read_closed = true;
                });
            }
            ["stdin", "fails"] => {
                self.stdin.fault = true;
                self.ready(self.stdin.slot.get(), |readiness| readiness.readable = true);
            }
            ["stdin", data] => {
                self.stdin.incoming.extend(bytes(data));
                self.ready(self.stdin.slot.get(), |readiness| readiness.readable = true);
            }
            ["stdout", "takes", n] => {
                self.stdout.room = room(n);
                if self.stdout.room != Some(0) {
                    self.ready(self.stdout.slot.get(), |readiness| readiness.writable = true);
                }
            }
            ["stderr", "takes", n] => {
                self.stderr.room = room(n);
                if self.stderr.room != Some(0) {
                    self.ready(self.stderr.slot.get(), |readiness| readiness.writable = true);
                }
            }
            ["stdin", "in", "the", "background"] => self.stdin.background = true,
            // The shell tells nobody.
            ["stdin", "in", "the", "foreground"] => self.stdin.background = false,
            ["stdout", "loses", "its", "reader"] => {
                self.stdout.gone = true;
                self.ready(self.stdout.slot.get(), |readiness| {
                    readiness.writable = true;
                    readiness.write_closed = true;
                });
            }
            ["stdout", "has", "no", "space"] => self.stdout.full_disk = true,
            ["signal", name] => {
                let numbers = [("HUP", SIGHUP), ("INT", SIGINT), ("TERM", SIGTERM)];
                let number = numbers.iter().find(|(known, _)| *known == name).expect("a signal").1;
                self.signals.push(number);
                self.ready(self.signal_slot.get(), |readiness| readiness.readable = true);
            }
            ["fifo", "ends"] => self.fifo = None,
            ["fifo", data] => self.fifo.as_mut().expect("a pipe").write_all(&bytes(data)).expect("write to the pipe"),
            ["client"] => {
                let index = self.add_socket(Life::Open, self.serves_datagrams);
                self.arrive(Arrival::Client(index));
            }
            ["accept", "EMFILE"] => self.arrive(Arrival::Fault(Errno::MFILE)),
            ["accept", "ECONNABORTED"] => self.arrive(Arrival::Fault(Errno::CONNABORTED)),
            [name, "is", "unknown"] => self.answer(name, Err("name or service not known".to_owned())),
            [name, "is", ref addresses @ ..] => {
                let addresses = addresses.iter().map(|address| address.parse().expect("an IP address")).collect();
                self.answer(name, Ok(addresses));
            }
            [number, ref what @ ..] => {
                let Some(index) = number.parse::<usize>().ok().filter(|number| *number <= self.sockets.len()) else {
                    self.fail(&format!("nobody can do this: {action}"));
                };
                self.act(index - 1, what);
                self.socket_ready(index - 1);
            }
            [] => self.fail("an empty step"),
        }
    }

    /// What the peer behind a socket does.
    fn act(&mut self, index: usize, what: &[&str]) {
        let is_gone = self.sockets[index].life == Life::Gone;
        if is_gone {
            self.fail(&format!("{} is gone: {what:?}", index + 1));
        }
        let socket = &mut self.sockets[index];
        match *what {
            ["stands"] => socket.life = Life::Open,
            ["refuses"] => socket.life = Life::Refused,
            ["sends", data] => {
                let bytes = bytes(data);
                if let Some((_, theirs)) = &mut socket.pair {
                    return theirs.write_all(&bytes).expect("room for it");
                }
                if let Some(borders) = &mut socket.borders {
                    borders.push_back(bytes.len());
                }
                socket.incoming.extend(bytes);
            }
            ["ends"] => {
                socket.ended = true;
                if let Some((_, theirs)) = &socket.pair {
                    theirs.shutdown(Shutdown::Write).expect("an end");
                }
            }
            ["resets"] => socket.reset = true,
            ["breaks"] => socket.breaks = true,
            ["takes", n] => socket.room = room(n),
            ["holds", n] => socket.unacknowledged = n.parse().expect("a number"),
            _ => self.fail(&format!("a peer cannot do this: {what:?}")),
        }
    }

    fn arrive(&mut self, arrival: Arrival) {
        self.arrivals.push_back(arrival);
        self.ready(self.listener.get(), |readiness| readiness.readable = true);
    }

    fn answer(&mut self, name: &str, addresses: Result<Vec<IpAddr>, String>) {
        let Some((request, port, mailbox)) = self.lookups.pop_front() else {
            self.fail(&format!("nobody asks for {name}"));
        };
        let addresses = addresses.map(|all| all.into_iter().map(|address| SocketAddr::new(address, port)).collect());
        mailbox.post(Resolved { request, addresses }.into());
    }
}

/// Our end of a real socket, and the peer's.
fn pair() -> (UnixStream, UnixStream) {
    let (ours, theirs) = UnixStream::pair().expect("a pair of sockets");
    for end in [&ours, &theirs] {
        end.set_nonblocking(true).expect("a socket that does not block");
    }
    (ours, theirs)
}

/// Bytes as the transcript shows them: as text, or `x*1000`, or only their number.
pub(super) fn show(bytes: &[u8]) -> String {
    match bytes {
        [first, ..] if bytes.len() >= 16 && bytes.iter().all(|byte| byte == first) => {
            format!("{}*{}", char::from(*first), bytes.len())
        }
        _ if bytes.len() > 200 => format!("{} bytes", bytes.len()),
        _ => {
            let text: String = String::from_utf8_lossy(bytes).chars().map(show_char).collect();
            // When it was, and which version, are no part of what the driver does.
            format!("\"{}\"", blank(blank(text, "wall"), "version"))
        }
    }
}

/// All bytes of a stream as text, without the time of the day.
fn show_all(bytes: &[u8]) -> String {
    String::from_utf8_lossy(bytes).lines().map(|line| blank(line.to_owned(), "wall") + "\n").collect()
}

fn show_char(letter: char) -> String {
    match letter {
        '\n' => "\\n".to_owned(),
        '\r' => "\\r".to_owned(),
        '\t' => "\\t".to_owned(),
        letter if letter.is_control() => format!("\\x{:02x}", u32::from(letter)),
        letter => letter.to_string(),
    }
}

/// The text with `*` for the value of a field of JSON.
fn blank(text: String, field: &str) -> String {
    let start = format!("\"{field}\":\"");
    let Some(at) = text.find(&start).map(|at| at + start.len()) else { return text };
    let end = at + text[at..].find('"').expect("a closing quote");
    format!("{}*{}", &text[..at], &text[end..])
}

/// The words of a step; a quoted one keeps its spaces.
fn words(line: &str) -> Vec<&str> {
    let mut words = Vec::new();
    let mut rest = line.trim();
    while !rest.is_empty() {
        let end = match rest.strip_prefix('"') {
            Some(quoted) => quoted.find('"').expect("a closing quote") + 2,
            None => rest.find(' ').unwrap_or(rest.len()),
        };
        words.push(&rest[..end]);
        rest = rest[end..].trim_start();
    }
    words
}

/// Bytes as a step says them: `"text\n"`, `0xd6d0` or `x*1000`.
fn bytes(word: &str) -> Vec<u8> {
    if let Some(text) = word.strip_prefix('"').and_then(|text| text.strip_suffix('"')) {
        let controls = [("\\x04", "\x04"), ("\\x07", "\x07"), ("\\x1b", "\x1b"), ("\\x7f", "\x7f")];
        let pairs = [("\\n", "\n"), ("\\r", "\r"), ("\\t", "\t")].into_iter().chain(controls);
        return pairs.fold(text.to_owned(), |text, (from, to)| text.replace(from, to)).into_bytes();
    }
    if let Some(digits) = word.strip_prefix("0x") {
        return crate::codec::escape::parse_hex(digits).expect("hex digits");
    }
    let (byte, count) = word.split_once('*').expect("a text in quotes, or x*1000");
    byte.repeat(count.parse().expect("a number")).into_bytes()
}

fn room(word: &str) -> Option<usize> {
    (word != "all").then(|| word.parse().expect("a number"))
}

fn duration(word: &str) -> Duration {
    let (number, unit) = word.split_at(word.find(|letter: char| letter.is_alphabetic()).expect("a unit"));
    let number = number.parse().expect("a number");
    if unit == "ms" { Duration::from_millis(number) } else { Duration::from_secs(number) }
}

fn show_time(time: Duration) -> String {
    let millis = time.as_millis();
    if millis.is_multiple_of(1000) { format!("{}s", millis / 1000) } else { format!("{millis}ms") }
}
