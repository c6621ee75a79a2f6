//! Scripts: loading, and one call as the driver makes it.

use std::fmt::Write as _;
use std::fs;
use std::net::{Ipv4Addr, SocketAddr};
use std::rc::Rc;
use std::time::Instant;

use divan::Bencher;
use divan::counter::ItemsCount;
use tcpx::bench::{Command, ConnView, Event, Handler, Script, ScriptHandler, ScriptSource, Side, Text};

/// One-line handlers, with a name.
const BODIES: [(&str, &str); 5] = [
    ("nothing", ""),
    ("answer", "conn.send(data);"),
    ("format", "conn.send(`${data.len()} bytes for ${conn.id}\\n`);"),
    ("state", "conn.state.seen = (conn.state.seen ?? 0) + 1;"),
    ("scan", r#"if data.find("\n") < 0 { conn.send(data); }"#),
];

/// Creates the engine and loads `@echo`.
#[divan::bench]
fn load() -> ScriptHandler {
    loaded(ScriptSource::Builtin("echo".into()))
}

/// The same with a script of a thousand functions.
#[divan::bench]
fn load_1000_functions(bencher: Bencher<'_, '_>) {
    let large = Large::new();
    bencher.bench_local(|| large.load());
}

/// `on_data` with a chunk of 64 bytes, which is allocated before.
#[divan::bench(args = BODIES.map(|(name, _)| name))]
fn on_data(bencher: Bencher<'_, '_>, name: &str) {
    let (_, body) = BODIES.into_iter().find(|(known, _)| *known == name).expect("one of them");
    call(bencher, &loaded(ScriptSource::OnData(body.into())), || Event::Data(vec![b'x'; 64]));
}

/// The same answer from a script of a thousand functions.
#[divan::bench]
fn on_data_1000_functions(bencher: Bencher<'_, '_>) {
    call(bencher, &Large::new().load(), || Event::Data(vec![b'x'; 64]));
}

/// `on_line` with a line of 64 bytes, which is echoed.
#[divan::bench]
fn on_line(bencher: Bencher<'_, '_>) {
    let handler = loaded(ScriptSource::OnLine("conn.send_line(line);".into()));
    call(bencher, &handler, || Event::Line("x".repeat(64)));
}

/// A loaded script, started.
pub(crate) fn loaded(source: ScriptSource) -> ScriptHandler {
    let handler = ScriptHandler::load(&Script::new(source)).unwrap_or_else(|error| panic!("{error}"));
    handler.handle_run(tcpx::bench::RunEvent::Start, &mut Vec::new()).expect("it starts");
    handler
}

/// The view of a connection.
pub(crate) fn view() -> Rc<ConnView> {
    let nowhere = SocketAddr::from((Ipv4Addr::LOCALHOST, 9));
    Rc::new(ConnView::new(1, nowhere, nowhere, Side::Server, &Text::default(), Instant::now()))
}

fn call(bencher: Bencher<'_, '_>, handler: &ScriptHandler, mut event: impl FnMut() -> Event) {
    let (view, mut commands) = (view(), Vec::<Command>::new());
    let mut handle = |event| {
        commands.clear();
        handler.handle(&view, event, &mut commands).unwrap_or_else(|error| panic!("{error:?}"));
    };
    handle(Event::Opened);
    // The first calls fill the caches of all others.
    (0..10).for_each(|_| handle(event()));
    bencher.counter(ItemsCount::new(1usize)).with_inputs(event).bench_local_values(handle);
}

/// A script of a thousand functions, as in the row `script-size` of `benches/run`.
struct Large(tempfile::NamedTempFile);

impl Large {
    fn new() -> Self {
        let mut text = String::new();
        for n in 0..1000 {
            writeln!(text, "fn helper_{n}(conn, x) {{ if x > {n} {{ conn.send(`{n}`); }} x + {n} }}")
                .expect("a string takes everything");
        }
        text.push_str("fn on_data(conn, data) { conn.send(data); }\n");
        let file = tempfile::Builder::new().suffix(".rhai").tempfile().expect("a temporary file");
        fs::write(&file, text).expect("it is written");
        Self(file)
    }

    fn load(&self) -> ScriptHandler {
        loaded(ScriptSource::File(self.0.path().to_owned()))
    }
}
