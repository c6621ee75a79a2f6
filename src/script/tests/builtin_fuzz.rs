//! Every built-in script against what a client may send: the extremes of its protocol, other protocols and noise, cut
//! anywhere, in several encodings, by clients that read, do not read, end or break. Nothing of it may be a failure of the
//! script. The numbers come from a fixed seed, so that a failure repeats.

use std::collections::BTreeMap;
use std::panic::AssertUnwindSafe;

use super::builtin_dice::Dice;
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
            "http" => {
                fuzz(name, &[], 30);
                fuzz(name, &[folder.path().to_str().unwrap()], 15);
            }
            "redis" | "chat" | "telnet" | "smtp" | "memcached" | "modbus" | "mllp" | "scpi" | "iso8583" => {
                fuzz(name, &[], 30);
            }
            "broker" | "binary" | "upper" | "lines" | "goodbye" => fuzz(name, &[], 15),
            // Without its arguments it ends the run.
            "login" => {}
            _ => fuzz(name, &[], 8),
        }
    }
}
