//! Whole scripts with events: `Bench` loads a script, passes it events and returns the commands.
//!
//! No test depends on the speed of the machine: scripts have a time limit of [`AMPLE`], and calls that must be stopped
//! have [`SHORT`] and never end by themselves. A call of fewer than 32 operations is never stopped, because the clock
//! starts after 16 operations and is read every 16.

mod api;
mod blob_items;
mod both_ways;
mod bounds;
mod builtin;
mod builtin_devices;
mod builtin_dice;
mod builtin_fuzz;
mod builtin_http;
mod builtin_protocols;
mod builtin_redis;
mod builtin_rooms;
mod builtin_servers;
mod builtin_smtp;
mod contained;
mod encoding;
mod files;
mod framing;
mod load;
mod messages;
pub(super) mod network;
mod own;
mod run;
mod served;
mod timers;
mod toolbox;
mod toxics;

use std::rc::Rc;
use std::time::{Duration, Instant};

use crate::codec::labels;
use crate::config::{Charset, Script, ScriptSource, Text};
use crate::script::ScriptHandler;
use crate::session::connection::Settings;
use crate::session::{CloseReason, Command, ConnView, Event, Handler, HandlerError, Link, RunEvent, Side};

/// A loaded script.
pub(super) struct Bench {
    pub(super) handler: ScriptHandler,
    /// The folder of the script, removed from messages.
    folder: String,
}

impl Bench {
    /// The engine, to register functions of a test.
    fn engine(&mut self) -> &mut rhai::Engine {
        self.handler.host.forget_program();
        &mut Rc::get_mut(&mut self.handler.program).expect("nobody else has it").engine
    }

    /// Loads a text as the file `reply.rhai`.
    pub(super) fn load(text: &str) -> Self {
        Self::try_load(text).unwrap_or_else(|message| panic!("does not load:\n{message}"))
    }

    /// The same; returns the message of a script that does not load.
    pub(super) fn try_load(text: &str) -> Result<Self, String> {
        Self::try_load_with(text, AMPLE)
    }

    /// Loads a script whose calls are stopped after [`SHORT`].
    pub(super) fn load_impatiently(text: &str) -> Self {
        Self::try_load_with(text, SHORT).unwrap_or_else(|message| panic!("does not load:\n{message}"))
    }

    fn try_load_with(text: &str, timeout: Duration) -> Result<Self, String> {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("reply.rhai");
        std::fs::write(&path, text).unwrap();
        let prefix = format!("{}/", folder.path().display());
        match Self::try_script(Script { timeout, ..script(ScriptSource::File(path)) }) {
            Ok(bench) => Ok(Self { folder: prefix, ..bench }),
            Err(message) => Err(message.replace(&prefix, "")),
        }
    }

    /// Loads from any source.
    pub(super) fn try_open(source: ScriptSource) -> Result<Self, String> {
        Self::try_script(script(source))
    }

    /// Loads with these settings. A script of one's own gets two arguments; for a built-in script they could name files.
    pub(super) fn try_script(script: Script) -> Result<Self, String> {
        let args = match &script.source {
            ScriptSource::Builtin(_) => script.args.clone(),
            _ => vec!["one".into(), "two".into()],
        };
        let handler = ScriptHandler::load(&Script { args, ..script }).map_err(|error| error.to_string())?;
        Ok(Self { handler, folder: "\0".into() })
    }

    pub(super) fn start(&mut self) -> Vec<Command> {
        let mut out = Vec::new();
        self.handler.handle_run(RunEvent::Start, &mut out).unwrap();
        out
    }

    /// Passes an event and returns the commands.
    pub(super) fn give(&mut self, conn: &Rc<ConnView>, event: Event) -> Vec<Command> {
        let mut out = Vec::new();
        self.handler.handle(conn, event, &mut out).unwrap_or_else(|error| panic!("{error:?}"));
        out
    }

    /// Passes an event to a handler that fails, and returns its message without the folder.
    pub(super) fn fail(&mut self, conn: &Rc<ConnView>, event: Event) -> String {
        let mut out = Vec::new();
        match self.handler.handle(conn, event, &mut out) {
            Err(HandlerError::Failed { message, summary, .. }) => {
                assert_eq!(message.lines().next().unwrap_or_default(), summary);
                message.replace(&self.folder, "")
            }
            other => panic!("{other:?}, {out:?}"),
        }
    }

    /// Runs the body of an `on_connect` and returns the printed and sent texts.
    pub(super) fn eval(body: &str) -> String {
        let mut bench = Self::load(&format!("fn on_connect(conn) {{ {body} }}"));
        bench.give(&conn(1), Event::Opened).iter().map(shown).collect::<Vec<_>>().join("|")
    }

    /// The first line of the error of an `on_connect` body, without the position.
    pub(super) fn eval_error(body: &str) -> String {
        let mut bench = Self::load(&format!("fn on_connect(conn) {{ {body} }}"));
        let message = bench.fail(&conn(1), Event::Opened);
        let first = message.lines().next().unwrap_or_default();
        let place = |character: char| character.is_ascii_digit() || character == ':';
        first.trim_start_matches("reply.rhai").trim_start_matches(place).trim_start().to_owned()
    }
}

/// A script and a connection: received bytes become events, and the commands of the script change the connection.
pub(super) struct Run {
    pub(super) bench: Bench,
    link: Link,
    /// The bytes of all chunks.
    pub(super) data: Vec<u8>,
}

impl Run {
    /// Opens the connection.
    pub(super) fn start(bench: Bench, conn: Rc<ConnView>) -> Self {
        let mut run = Self::begin(bench, conn);
        assert_eq!(run.turn(), "");
        run
    }

    /// The same for a script that greets: the greeting comes with the first answer.
    pub(super) fn begin(bench: Bench, conn: Rc<ConnView>) -> Self {
        let event_mask = bench.handler.event_mask(&conn);
        let link = Link::new(conn, Settings { event_mask, ..Settings::default() });
        Self { bench, link, data: Vec::new() }
    }

    /// The connection.
    pub(super) fn view(&self) -> Rc<ConnView> {
        Rc::clone(self.link.view())
    }

    /// Receives bytes. Returns what was printed and sent, in order, with ` / ` between.
    pub(super) fn give(&mut self, bytes: &[u8]) -> String {
        self.link.handle_input(Instant::now(), bytes);
        self.turn()
    }

    /// Receives the end of the stream.
    pub(super) fn finish(&mut self) -> String {
        self.link.handle_eof(Instant::now());
        self.turn()
    }

    /// Nothing comes for a while.
    pub(super) fn wait(&mut self) -> String {
        self.link.handle_timeout(Instant::now() + Duration::from_secs(2), 0);
        self.turn()
    }

    fn turn(&mut self) -> String {
        let mut told = Vec::new();
        let conn = Rc::clone(self.link.view());
        while let Some(event) = self.link.poll_event() {
            if let Event::Data(bytes) = &event {
                self.data.extend(bytes);
            }
            if let Event::Error(error) = &event {
                told.push(error.message.clone());
            }
            let mut out = Vec::new();
            if let Err(error) = self.bench.handler.handle(&conn, event, &mut out) {
                told.push(format!("{error:?}"));
            }
            for command in out {
                match command {
                    Command::Skip(_, n) => self.link.skip(n),
                    Command::Cut(_, n) => self.link.cut(n),
                    Command::SetIdle(_) => self.link.handle_idle_change(Instant::now()),
                    Command::Close(_) => self.link.close(CloseReason::Closed),
                    Command::SetForm(_, form) => self.link.set_form(form),
                    Command::Send(_, bytes) => told.push(format!("send {}", String::from_utf8_lossy(&bytes))),
                    Command::Print(text) => told.push(text.trim_end().to_owned()),
                    other => panic!("{other:?}"),
                }
            }
        }
        told.join(" / ")
    }
}

/// The settings of a script with an ample time limit.
pub(super) fn script(source: ScriptSource) -> Script {
    Script { timeout: AMPLE, ..Script::new(source) }
}

/// A connection in UTF-8.
pub(super) fn conn(id: u64) -> Rc<ConnView> {
    conn_with(id, &Text::default())
}

/// A connection in this encoding.
pub(super) fn conn_in(id: u64, label: &str) -> Rc<ConnView> {
    let Ok(Charset::Named(encoding)) = labels::lookup(label) else { panic!("{label}") };
    conn_with(id, &Text { recv: Some(Charset::Named(encoding)), send: Some(encoding), ..Text::default() })
}

/// A connection that a listener of the script accepted.
pub(super) fn accepted_by(id: u64, listener: u64) -> Rc<ConnView> {
    let view = Rc::into_inner(conn(id)).expect("nobody else has it");
    Rc::new(view.with_listener(Some(listener)))
}

pub(super) fn conn_with(id: u64, text: &Text) -> Rc<ConnView> {
    let peer: std::net::SocketAddr = format!("127.0.0.1:{}", 50_000 + id).parse().unwrap();
    let local: std::net::SocketAddr = "127.0.0.1:45586".parse().unwrap();
    Rc::new(ConnView::new(id, peer, local, Side::Server, text, Instant::now()))
}

pub(super) fn data(bytes: &[u8]) -> Event {
    Event::Data(bytes.to_vec())
}

pub(super) fn send(id: u64, bytes: &[u8]) -> Command {
    Command::Send(id, bytes.to_vec())
}

pub(super) fn print(text: &str) -> Command {
    Command::Print(format!("{text}\n"))
}

fn shown(command: &Command) -> String {
    match command {
        Command::Send(_, bytes) => String::from_utf8_lossy(bytes).into_owned(),
        Command::Print(text) => text.trim_end().to_owned(),
        other => format!("{other:?}"),
    }
}

/// Time limit of calls that end by themselves; reached only if they hang.
const AMPLE: Duration = Duration::from_secs(120);

/// Time limit of calls that are expected to be stopped.
pub(super) const SHORT: Duration = Duration::from_millis(50);
