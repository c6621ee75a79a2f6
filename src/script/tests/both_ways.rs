//! Scripts mean the same whether Rhai calls their functions or their bodies stay from call to call: the same commands,
//! prints and errors, with the same places and the same chain of calls.

mod generated;
mod measured;
mod tasks;

use std::cell::Cell;
use std::fmt::{Debug, Write as _};
use std::path::Path;

use super::*;
use crate::script::ScriptClock;
use crate::script::body::{self, Way};
use crate::session::{CloseReason, TimerCall};

/// What happens to a script.
enum Step {
    /// An event of the connection with that number.
    Give(u64, Event),
    /// An event of the run.
    Run(RunEvent),
    /// So many timers and turns of tasks, if they are due.
    Turns(usize),
}

/// Everything that a script does, as text.
fn told(script: &Script, steps: impl Fn() -> Vec<Step>) -> String {
    let now = Rc::new(Cell::new(Instant::now()));
    let of = Rc::clone(&now);
    let handler = match ScriptHandler::load_with_clock(script, ScriptClock::new(move || of.get()), None) {
        Ok(handler) => handler,
        Err(error) => return error.to_string(),
    };
    let mut told = String::new();
    let mut views: Vec<Rc<ConnView>> = Vec::new();
    for step in steps() {
        let mut out = Vec::new();
        match step {
            Step::Give(id, event) => {
                let known = views.iter().find(|view| view.id == id).cloned();
                let view = known.unwrap_or_else(|| {
                    views.push(conn(id));
                    Rc::clone(&views[views.len() - 1])
                });
                let _ = handler.event_mask(&view);
                let _ = write!(told, "{id} {event:?}: ");
                tell(&mut told, &handler.handle(&view, event, &mut out), out);
            }
            Step::Run(event) => {
                let _ = write!(told, "{event:?}: ");
                tell(&mut told, &handler.handle_run(event, &mut out), out);
            }
            Step::Turns(count) => {
                for _ in 0..count {
                    let mut out = Vec::new();
                    let Some(due) = handler.deadline() else { break };
                    now.set(due.max(now.get()));
                    let Some(TimerCall { conn, result }) = handler.handle_timeout(due, &mut out) else { break };
                    let _ = write!(told, "turn {conn:?}: ");
                    tell(&mut told, &result, out);
                }
            }
        }
    }
    // Nothing of a call is kept but what the script keeps itself.
    for view in &views {
        let _ = writeln!(told, "{} is held {} times", view.id, Rc::strong_count(view));
    }
    told
}

/// Adds a result and commands.
fn tell<T: Debug>(told: &mut String, result: &Result<T, HandlerError>, out: Vec<Command>) {
    let _ = match result {
        // Of errors that cannot be caught Rhai drops the place, which bodies that stay keep.
        Err(HandlerError::Failed { handler, summary, .. }) if is_uncaught(summary) => {
            writeln!(told, "{handler} fails: {}", what_happened(summary))
        }
        Err(HandlerError::Failed { handler, message, .. }) => writeln!(told, "{handler} fails: {message}"),
        other => writeln!(told, "{other:?}"),
    };
    for command in out {
        let _ = match command {
            Command::Send(id, bytes) => writeln!(told, "    send {id} {}", bytes.escape_ascii()),
            Command::Print(text) => writeln!(told, "    print {}", text.trim_end()),
            other => writeln!(told, "    {other:?}"),
        };
    }
}

fn is_uncaught(summary: &str) -> bool {
    ["too deeply", "too large", "was stopped", "reserved keyword"].iter().any(|limit| summary.contains(limit))
}

/// A summary without its place and the name of the handler.
fn what_happened(summary: &str) -> &str {
    let what = summary.rsplit(": ").next().unwrap_or_default();
    what.split(" (in ").next().unwrap_or_default()
}

/// Compares both ways, and returns what happened.
#[track_caller]
fn same(script: &Script, steps: impl Fn() -> Vec<Step>) -> String {
    let plain = body::by(Way::Plain, || told(script, &steps));
    let kept = body::by(Way::Kept, || told(script, &steps));
    let left = body::by(Way::Left, || told(script, &steps));
    let text = match &script.source {
        ScriptSource::File(path) => std::fs::read_to_string(path).unwrap(),
        other => format!("{other:?}"),
    };
    pretty_equal(&plain, &kept, &text);
    pretty_equal(&kept, &left, &text);
    left
}

#[track_caller]
fn pretty_equal(plain: &str, kept: &str, text: &str) {
    let different = plain.lines().zip(kept.lines()).find(|(one, other)| one != other);
    if let Some((plain, kept)) = different {
        panic!("{text}\n--- one way:\n{plain}\n--- another way:\n{kept}");
    }
    assert_eq!(plain, kept, "{text}");
}

/// A script in a folder of its own.
struct File {
    _folder: tempfile::TempDir,
    script: Script,
}

fn file(text: &str) -> File {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("reply.rhai");
    std::fs::write(&path, text).unwrap();
    std::fs::write(folder.path().join("part.rhai"), PART).unwrap();
    let script = Script { seed: Some(7), ..script(ScriptSource::File(path)) };
    File { _folder: folder, script }
}

/// What the scripts import.
const PART: &str = "const K = 40;\nfn add(x) { x + K }\nfn fails(x) {\n x.none\n}\nfn apply(f, x) { f.call(x) }";

/// Two connections that send something, and end.
fn lives() -> Vec<Step> {
    let mut steps = vec![Step::Run(RunEvent::Start), Step::Give(1, Event::Opened), Step::Give(2, Event::Opened)];
    for round in 0..3_u8 {
        for id in [1, 2] {
            steps.push(Step::Give(id, data(format!("{round} of {id}\n").as_bytes())));
            steps.push(Step::Turns(3));
        }
        steps.push(Step::Give(1, Event::Line(format!("line {round}"))));
        steps.push(Step::Run(RunEvent::StdinLine("typed".into())));
    }
    steps.push(Step::Give(1, data(b"")));
    steps.push(Step::Give(1, Event::Eof));
    steps.push(Step::Give(2, Event::Closed(CloseReason::Reset)));
    steps.push(Step::Turns(5));
    steps.push(Step::Give(1, Event::Closed(CloseReason::Eof)));
    steps.push(Step::Run(RunEvent::Stop(0)));
    steps
}

/// Runs scripts both ways, and looks for something that each of them must have done.
#[track_caller]
fn show(scripts: impl IntoIterator<Item = (String, &'static str)>) {
    let mut missing = Vec::new();
    for (text, wanted) in scripts {
        let told = same(&file(&text).script, lives);
        if !told.contains(wanted) {
            missing.push(format!("{text}\nshows no {wanted:?} in:\n{told}"));
        }
    }
    assert!(missing.is_empty(), "{}", missing.join("\n\n"));
}

#[test]
fn values_and_ways_out_of_a_handler() {
    let bodies = [
        ("conn.send(data)", "send 1 0 of 1\\n"),
        ("conn.send(data); conn.send(data)", "send"),
        ("if data.len() > 3 { return; } print(1)", "print 1"),
        ("if data.len() < 3 { return 5 } conn.send(data.len().to_string()); 7", "send 1 7"),
        ("let x = 0; while true { x += 1; if x == 5 { return x } }", "Ok(())"),
        ("conn.send(\"a\"); throw #{ a: 1 }", "a\": 1"),
        ("try { throw 5 } catch (e) { print(e) } nosuch(conn)", "nosuch"),
        ("exit(3)", "Exit(3)"),
        ("data = 5; print(data); data = \"x\"; print(data)", "print x"),
        ("conn = 5; print(conn)", "print 5"),
        ("data += data; data.push(1); conn.send(data)", "send"),
        ("let data = data.len(); print(data)", "print 7"),
        ("data.tag = (app.n ?? 0) + data.tag + 1; app.n = data.tag; print(data.tag)", "print 2"),
        ("conn.tag = conn.tag + 1; print(conn.tag)", "print 1"),
        ("import \"part\" as p; print(p::add(2)); print(p::apply(|x| x + data.len(), 1))", "print 42"),
        ("import \"part\" as p; { import \"part\" as q; q::fails(1) }", "part.rhai"),
        ("this.x", "this"),
        ("conn.state.n += 1", "no such operation"),
        ("conn.state.n = (conn.state.n ?? 0) + 1; print(conn.state.n)", "print 3"),
        ("let f = |x| x + data.len(); print(f.call(1)); print([1, 2].map(f))", "print [8, 9]"),
        ("[1].for_each(|| data.none())", "none"),
        ("()", "Ok(())"),
        ("", "Ok(())"),
        ("data[100]", "100"),
        ("const c = conn; c.send(data); c = 5", "c"),
    ];
    show(bodies.map(|(body, wanted)| (format!("fn on_data(conn, data) {{\n {body}\n}}"), wanted)));
}

#[test]
fn constants_imports_helpers_and_their_errors() {
    let scripts = [
        ("const K = 3; fn on_data(c, d) { print(K + global::K + help(K)) } fn help(x) { x * global::K }", "print 15"),
        ("const T = [1, 2]; fn on_data(c, d) { print(T.len() + global::T[0]); }", "print 3"),
        ("import \"part\" as p; fn on_data(c, d) { print(p::add(1) + 40) }", "print 81"),
        ("import \"part\" as p; fn on_data(c, d) { help(d) } fn help(d) {\n p::fails(d) }", "fails"),
        ("fn on_data(c, d) { one(d) } fn one(x) {\n two(x) } fn two(x) {\n\n x.gone() }", "gone"),
        (
            "fn on_data(c, d) { again(c, d, 1) } fn again(c, d, n) { if d.len() < 9 { d.push(n); on_data(c, d) } else { c.send(d) } }",
            "send 1 0 of 1\\n\\x01\\x01",
        ),
        ("fn on_data(c, d) { if d.len() > 0 { d.pop(); on_data(c, d); print(d.len()) } }", "print 5"),
        ("fn on_data(c, d) { on_data(c, d) }", "too deeply"),
        ("fn on_data(c, d) { app.n = (app.n ?? 0) + 1; on_data(c, d) } fn on_line(c, l) { print(app.n) }", "print"),
        ("fn on_connect(c) { c.state.n = 0 } fn on_data(c, d) { add(c) } fn add(c) { c.state.n += 1; }", "Ok"),
        ("fn on_data(c) { print(c.id) } fn on_close(c) { print(c) }", "print 2"),
        ("fn on_line(c, l) { print(l); l += 1; print(l) } fn on_stdin(l) { print(l); throw l }", "typed"),
        (
            "fn on_connect(c) { app.all = [c] + (app.all ?? []) } fn on_data(c, d) { for o in app.all { o.send(d) } }",
            "2",
        ),
        ("fn on_data(c, d) { d.double(); print(d) } fn double() { this += this; }", "print"),
        ("fn Conn.greet(x) { this.send(x) } fn on_data(c, d) { c.greet(d) }", "send"),
        (
            "private fn uuid(x) { 1 } fn on_connect(c) { after(1, Fn(\"uuid\")); after(1, || print(uuid(1))) }",
            "print 1",
        ),
    ];
    show(scripts.map(|(text, wanted)| (text.to_owned(), wanted)));
    let endless = file("fn on_data(c, d) { app.d = d; loop { c.state.x = 1 } } fn on_line(c, l) { print(app.d) }");
    same(&Script { timeout: SHORT, ..endless.script.clone() }, || lives().drain(..8).collect());
}

#[test]
fn nodes_and_what_they_fall_back_to() {
    let bodies = [
        ("conn.send(\"x\"); conn.send_line(\"y\"); conn.send_line(data)", "send_line"),
        ("conn.send(data.len())", "send takes"),
        ("conn.send([data, \"!\"]); conn.send('c')", "send 1 0 of 1\\n!"),
        (
            "let c = #{ send: |x| print(x), id: 7, len: || 5, state: #{ x: 3 } }; c.send(data); print(c.id + c.state.x)",
            "print 10",
        ),
        ("let c = 5; c.send(data)", "send"),
        ("let c = 5; c.id", "id"),
        ("data.len", "Ok"),
        ("let c = conn; c.send({ c = 4; data })", "send"),
        ("let f = || conn.id; conn.send(data); print(f.call() + conn.id + conn.queued)", "print 9"),
        ("conn.label = \"é\"; conn.encoding = \"gbk\"; conn.send(\"😀\")", "U+1F600"),
        ("conn.close(); conn.send(data); print(conn.can_send); print(conn.is_open)", "print false"),
        ("for i in 0..2 { conn.send(data) } conn.send_line(`${conn.id}: ${data.len()}`)", "send 1 1: 7"),
        ("const K = conn; print(K.id); K.send(data)", "print 1"),
        ("let s = \"héllo\"; print(s.len()); print([1, 2].len()); let m = #{ a: 1 }; print(m.len())", "print 5"),
        ("app.n += 1", "no such operation"),
        (
            "app.n = 1; app.n += 2; app.n -= 5; print(app.n); app.s = \"a\"; app.s += data.len(); app.s += \"b\"; print(app.s)",
            "print a7b",
        ),
        ("app.f = 1.5; app.f += 1; app.f -= 0.5; print(app.f); app.n = 9223372036854775807; app.n += 1", "overflow"),
        (
            "app.l = []; app.l.push(data); app.l.push(app.l.len()); print(app.l[1]); app.l[0] = 5; app.l[0] += 1; print(app.l)",
            "print [6, 1]",
        ),
        (
            "app.m = #{}; app.m[\"a b\"] = 1; let k = \"z\"; app.m[k] = #{ q: 2 }; app.m.z.q += 1; print(app.m)",
            "\"q\": 3",
        ),
        ("app.l = [1]; app.l[5]", "5"),
        ("app.l = [1];\n app.l[5] = 2", "5"),
        ("app.l = [1]; app.l[-1] = 2; print(app.l[-1]); print(app.l.len())", "print 2"),
        ("app.x.y.z = 1", "y"),
        ("app.x = (); app.x?.y; app.x.y", "y"),
        (
            "print(app.none); print(app.len()); app.b = data; app.b.push(65); print(app.b[7]); app.b[0] = 66; app.b.len()",
            "print 65",
        ),
        (
            "conn.state.x = 1; conn.state.x += conn.id; print(conn.state.x); conn.state.l = [1]; conn.state.l.push(2); print(conn.state)",
            "[1, 2]",
        ),
        ("conn.state.x += 1.5", "no such operation"),
        ("let a = app; a.q = 1; print(app.q); app = 5", "app"),
        ("let l = [1, 2, 3]; print(l[\n conn.id + 7])", "9"),
        ("let l = [1, 2, 3]; print(l[conn.bytes_in])", "print 1"),
        ("if conn.id { print(1) }", "bool"),
        ("for i in app.n { }", "iterable"),
        ("for i in conn.id { print(i) }", "iterable"),
        ("app.list = [1].map(|x| x + conn.id); print(app.list); app.list.push(|x| x)", "print [2]"),
        ("app.n = 0; print(loop { app.n += 1; conn.send(if app.n > 3 { break 5 } else { data }) })", "print 5"),
        (
            "app.n = 0; loop { app.n += 1; conn.send(if app.n > 3 { break } else { if app.n == 2 { continue } else { data } }); app.n += 1; } print(app.n)",
            "print 5",
        ),
        (
            "app.n = \"\"; try { while true { app.n += \"x\"; conn.send(if app.n.len() > 2 { throw app.n } else { data }) } } catch (e) { print(e) }",
            "print xxx",
        ),
        ("loop { conn.send(data); loop { conn.send(data.none()) } }", "none"),
        ("app.n = 0; loop { app.n += 1; conn.send(if app.n > 3 { return 4 } else { data }) }", "send 1"),
    ];
    show(bodies.map(|(body, wanted)| (format!("fn on_data(conn, data) {{\n {body}\n}}"), wanted)));
    let own = "fn send(x) { print(x) } fn len() { 99 } fn push(x) { print(x) }\n";
    let text = format!("{own} fn on_data(c, d) {{ c.send(\"q\"); print(d.len()); app.l = []; app.l.push(1) }}");
    show([(text, "print 99")]);
}

#[test]
fn generated_scripts() {
    let began = Instant::now();
    for seed in 0..1000 {
        let text = generated::script(seed);
        same(&file(&text).script, || {
            let mut steps = lives();
            steps.drain(10..20);
            steps
        });
        if began.elapsed() > GENERATING {
            assert!(seed > 20, "only {seed} scripts");
            break;
        }
    }
}

/// How long generated scripts are run, on whatever machine.
const GENERATING: Duration = Duration::from_secs(25);

#[test]
fn callbacks_and_what_they_capture() {
    let scripts = [
        ("fn on_data(c, d) { after(1, || print(d.len())) }", "print 7"),
        (
            "fn on_data(c, d) { c.after(1, |x| { x.send(d); d += 1; x.send(d) }); d = hex(\"00\"); }",
            "send 1 \\x00\\x01",
        ),
        ("fn on_data(c, d) { let n = 0; every(1, || { n += 1; print(n); if n == 2 { throw n } }) }", "2"),
        (
            "fn on_connect(c) { app.f = []; app.f.push(|x| c.send(x)) } fn on_data(c, d) { app.f[0].call(d) }",
            "send 2 0 of 1",
        ),
        ("fn on_data(c, d) { after(1, || deep(d)) } fn deep(d) {\n d.gone() }", "gone"),
        ("fn on_data(c, d) { c.expect(\"x\", 1, |c, m| { print(m.timeout); c.none() }) }", "none"),
        (
            "fn on_data(c, d) { after(1, Fn(\"named\")); after(1, Fn(\"print\")) } fn named() { print(\"n\") }",
            "print n",
        ),
        ("fn on_data(c, d) { c.after(1, again) } fn again(c) { print(c.id); if c.id > 1 { throw c } }", "again"),
        ("fn on_data(c, d) { let f = || 0; f = |n| if n == 0 { 0 } else { n + 1 }; after(1, f.curry(3)) }", "Ok"),
        ("fn on_data(c, d) { after(1, || { let x = [3, 1]; x.sort(|a, b| a - b); print(x); x.map(|y| y.no) }) }", "no"),
        (
            "fn on_data(c, d) { c.after(1, || down(0)) } fn down(n) { app.n = n; down(n + 1) } fn on_close(c) { print(app.n) }",
            "too deeply",
        ),
        ("import \"part\" as p; fn on_data(c, d) { after(1, || { print(p::add(1)); p::fails(2) }) }", "fails"),
    ];
    show(scripts.map(|(text, wanted)| (text.to_owned(), wanted)));
}

#[test]
fn calls_on_captured_connections() {
    let bodies = [
        ("let f = || conn.id; loop { conn.send(conn.read()); print(f.call()) }", "send 1 0 of 1"),
        ("let f = || conn.read_line(); conn.send(f.call() + conn.read_line())", "0 of 1"),
        ("let f = || conn; conn.send(conn.read_line().len())", "send takes"),
        ("let c = #{ send: |x| print(x), read: || \"w\" }; let f = || c; c.send(c.read()); c.send(f)", "print w"),
        ("let c = 5; let f = || c; c.send(conn.read()); ", "send"),
        ("let f = || conn; conn.send([conn.read(), { conn = 4; 1 }]); conn.send(f.call())", "send"),
        ("const C = conn; let f = || C; C.send(C.read_line()); print(f.call().id)", "print 1"),
        ("let d = conn.read(); let f = || d; conn.send(d); d.push(65); conn.send(d); conn.send(f.call())", "nA"),
    ];
    show(bodies.map(|(body, wanted)| (format!("fn session(conn) {{\n {body}\n}}"), wanted)));
}

#[test]
fn nothing_of_the_last_call_is_kept() {
    for text in [
        "fn on_data(c, d) { c.send(d) }",
        "fn on_data(c, d) { let e = c; e.send(d); let f = |x| e.send(x); f.call(d); }",
        "fn on_data(c, d) { c = [c, d]; d = c; }",
        "fn on_data(c, d) { throw c }",
        "fn on_data(c, d) { return c }",
        "fn on_connect(c) { after(1, || c.send(\"x\")); } fn on_data(c, d) { let f = || c; }",
    ] {
        let mut bench = Bench::load(text);
        let one = conn(1);
        bench.give(&one, Event::Opened);
        let mut out = Vec::new();
        while bench.handler.handle_timeout(Instant::now() + Duration::from_secs(5), &mut out).is_some() {}
        for _ in 0..3 {
            let _ = bench.handler.handle(&one, data(b"abc"), &mut out);
        }
        bench.give(&one, Event::Closed(CloseReason::Eof));
        assert_eq!(Rc::strong_count(&one), 1, "{text}");
    }
}

#[test]
fn every_built_in_script() {
    let clock = regex::Regex::new(r":[0-9]{2}(\.[0-9]+)?").unwrap();
    for entry in std::fs::read_dir(Path::new(env!("CARGO_MANIFEST_DIR")).join("scripts")).unwrap() {
        let path = entry.unwrap().path();
        if path.extension().is_none_or(|extension| extension != "rhai") {
            continue;
        }
        let script = Script { seed: Some(7), ..script(ScriptSource::File(path.clone())) };
        // Some tell the time of the day: another second may have begun.
        let is_same = (0..9).any(|_| {
            let all = [Way::Plain, Way::Kept, Way::Left].map(|way| body::by(way, || told(&script, lives)));
            let [plain, kept, left] = all.map(|told| clock.replace_all(&told, ":00").into_owned());
            plain == kept && kept == left
        });
        if !is_same {
            same(&script, lives);
        }
    }
}

#[test]
fn every_example_of_the_documentation() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let pages = std::fs::read_dir(root.join("docs")).unwrap().map(|entry| entry.unwrap().path());
    let mut count = 0;
    for page in pages.chain([root.join("README.md")]).filter(|page| page.extension().is_some_and(|of| of == "md")) {
        let text = std::fs::read_to_string(page).unwrap();
        for example in text.split("```rhai\n").skip(1).filter_map(|rest| rest.split("```").next()) {
            same(&file(example).script, lives);
            count += 1;
        }
    }
    assert!(count > 20, "only {count} examples");
}
