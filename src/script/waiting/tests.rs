//! No waiting call holds a lock, and everything else is as it was: values, errors and their places.

use std::cell::{Cell, RefCell};
use std::rc::Rc;

use rhai::{Array, Dynamic, Engine, EvalAltResult, FnPtr, INT, Map, Module, Scope};

use super::{register, rewrite, rewrite_part};

/// A handle, as connections are.
#[derive(Clone)]
struct Handle(Rc<Cell<INT>>);

/// An engine whose waiting calls note whether a lock is held.
struct Bench {
    engine: Engine,
    /// For each waiting call: whether it was made under a lock.
    calls: Rc<RefCell<Vec<bool>>>,
}

impl Bench {
    fn new() -> Self {
        let mut engine = Engine::new();
        let watched: Rc<RefCell<Vec<Dynamic>>> = Rc::default();
        let calls: Rc<RefCell<Vec<bool>>> = Rc::default();
        let mut app = Map::new();
        app.insert("c".into(), Dynamic::from(Handle(Rc::default())));
        app.insert("list".into(), Dynamic::from_array((0..3).map(|_| Dynamic::from(Handle(Rc::default()))).collect()));
        let app = Dynamic::from_map(app).into_shared();

        let (all, root, noted) = (Rc::clone(&watched), app.clone(), Rc::clone(&calls));
        let wait: Rc<dyn Fn()> = Rc::new(move || {
            noted.borrow_mut().push(root.is_locked() || all.borrow().iter().any(Dynamic::is_locked));
        });
        for name in ["read_line", "read", "accept", "flush", "closed"] {
            let of = Rc::clone(&wait);
            engine.register_fn(name, move |handle: &mut Handle| {
                of();
                handle.0.set(handle.0.get() + 1);
                format!("line {}", handle.0.get())
            });
        }
        let of = Rc::clone(&wait);
        engine.register_fn("read", move |_: &mut Handle, count: INT| {
            of();
            "x".repeat(count as usize)
        });
        let of = Rc::clone(&wait);
        engine.register_fn("lines", move |_: &mut Handle| {
            of();
            Array::from([Dynamic::from("a"), Dynamic::from("b")])
        });
        let of = Rc::clone(&wait);
        engine.register_fn("send", move |_: &mut Handle, _: Dynamic| of());
        engine.register_fn("open", || Handle(Rc::default()));
        engine.register_get("peer", |_: &mut Handle| "peer");
        let of = Rc::clone(&watched);
        engine.register_fn("watch", move |closure: FnPtr| of.borrow_mut().extend(closure.curry().iter().cloned()));
        let of = app.clone();
        #[allow(deprecated)]
        engine.on_var(move |name, _, _| Ok((name == "app").then(|| of.clone())));
        register(&mut engine);
        Self { engine, calls }
    }

    /// Calls `main` of a text.
    fn run(&self, text: &str, is_rewritten: bool) -> Result<Dynamic, Box<EvalAltResult>> {
        let mut ast = self.engine.compile(text).unwrap();
        ast.set_source("text");
        if is_rewritten {
            ast = rewrite(&ast);
        }
        self.engine.call_fn(&mut Scope::new(), &ast, "main", ())
    }
}

/// The value of a `main` whose calls hold locks unless they are changed; the number of waiting calls.
#[track_caller]
fn unlocked(text: &str, value: &str, calls: usize) {
    let plain = Bench::new();
    let before = plain.run(text, false);
    assert!(plain.calls.borrow().contains(&true), "no lock to begin with: {text}: {before:?}");
    let bench = Bench::new();
    let found = bench.run(text, true).unwrap_or_else(|fault| panic!("{text}: {fault}"));
    assert_eq!(*bench.calls.borrow(), vec![false; calls], "{text}");
    assert_eq!(found.to_string(), value, "{text}");
    if let Ok(before) = before {
        assert_eq!(before.to_string(), value, "{text}");
    }
}

#[test]
fn a_captured_variable_is_not_locked() {
    let head = "let c = open(); watch(|| c.peer);";
    for (rest, value, calls) in [
        ("c.read_line()", "line 1", 1),
        ("return c.read_line();", "line 1", 1),
        ("let x = c.read_line(); x + c.read_line()", "line 1line 2", 2),
        ("c?.read_line()", "line 1", 1),
        ("c.read(3).len()", "3", 1),
        ("`${c.read_line()}!`", "line 1!", 1),
        ("[c.read_line()][0]", "line 1", 1),
        ("#{ a: c.read_line() }.a", "line 1", 1),
        ("let n = 0; for l in c.lines() { n += 1; } n", "2", 1),
        ("if c.read_line() == \"line 1\" { c.read_line() } else { 0 }", "line 2", 2),
        ("switch 2 { 1 => 0, 2 if c.read(1) == \"x\" => c.read_line(), _ => 0 }", "line 1", 2),
        ("try { throw c.read_line(); } catch (e) { return `${e} ${c.read_line()}`; }", "line 1 line 2", 2),
        ("let n = 0; while c.read_line() != \"line 3\" { n += 1; } n", "2", 3),
        ("let n = 0; do { n += 1; } while c.read_line() != \"line 3\"; n", "3", 3),
        ("loop { if c.read_line() == \"line 2\" { break; } } 7", "7", 2),
        ("{ { c.read_line() } }", "line 1", 1),
        ("let m = #{ a: 0 }; m.a = c.read_line(); m.a += c.read_line(); m.a", "line 1line 2", 2),
        ("let l = [0, 1]; l[c.read(1).len()] = c.read_line(); l[1]", "line 1", 2),
        ("c.read_line() == \"x\" || c.read_line() == \"line 2\"", "true", 2),
        ("() ?? c.read_line()", "line 1", 1),
        ("!(c.read_line() == \"x\") && true", "true", 1),
        ("c.read(c.read(2).len()).len()", "2", 2),
        ("help(c.read_line())", "line 1", 1),
        ("c.send(c.read_line())", "", 2),
        ("let f = || c.read_line(); f.call()", "line 1", 1),
        ("let f = |n| { if n > 0 { c.read_line() } else { 0 } }; f.call(1)", "line 1", 1),
        ("let f = || { let g = || c.read_line(); g.call() }; f.call()", "line 1", 1),
        ("c.ask()", "line 1", 1),
    ] {
        unlocked(
            &format!("fn main() {{ {head} {rest} }} fn help(x) {{ x }} fn ask() {{ this.read_line() }}"),
            value,
            calls,
        );
    }
}

#[test]
fn a_part_of_a_shared_map_is_not_locked() {
    for (body, value, calls) in [
        ("app.c.read_line()", "line 1", 1),
        ("app.list[2].read_line()", "line 1", 1),
        ("app.list[1 + 1].read_line().len()", "6", 1),
        ("let i = 1; app[\"list\"][i].read_line()", "line 1", 1),
        ("app?.c?.read_line()", "line 1", 1),
        ("app.list[app.list.len() - 1].read_line()", "line 1", 1),
        ("app.c.read_line().len() + app.c.read(2).len()", "8", 2),
        ("app.list.filter(|x| true)[0].read_line()", "line 1", 1),
        ("app.c.send(app.list[0].read_line())", "", 2),
        ("app.total = app.c.read_line(); app.total", "line 1", 1),
        ("app.n = \"\"; app.n += app.c.read_line(); app.n", "line 1", 1),
        ("let m = #{ c: open() }; watch(|| m); m.c.read_line()", "line 1", 1),
        ("app.list[0].read_line(); app.list[0].read_line()", "line 2", 2),
        ("app.c.ask()", "line 1", 1),
        ("app.list[1].ask_twice(1)", "line 2", 2),
        ("let n = 0; for i in 0..3 { n += app.list[i].read(i).len(); } n", "3", 3),
    ] {
        unlocked(
            &format!(
                "fn main() {{ {body} }} fn ask() {{ this.read_line() }} fn ask_twice(x) {{ this.ask(); this.ask() }}"
            ),
            value,
            calls,
        );
    }
}

#[test]
fn values_that_are_no_handles_get_the_original_call() {
    for (body, value) in [
        // A function in a map changes its map.
        ("app.m = #{ n: 1, read_line: || { this.n += 1; this.n } }; app.m.read_line(); app.m.read_line()", "3"),
        ("let m = #{ n: 1, read_line: || { this.n += 1; this.n } }; watch(|| m); m.read_line(); m.n", "2"),
        ("app.x = (); app.x?.read_line()", ""),
        ("make().parts.read_line()", "5"),
        ("app.words = [\"a\", \"b\"]; app.words.lines()", "2"),
    ] {
        let text = format!(
            "fn main() {{ {body} }} fn make() {{ #{{ parts: #{{ read_line: || 5 }} }} }} fn lines() {{ this.len() }}"
        );
        for is_rewritten in [false, true] {
            let bench = Bench::new();
            assert_eq!(bench.run(&text, is_rewritten).unwrap().to_string(), value, "{is_rewritten}: {body}");
        }
    }
}

#[test]
fn a_function_of_the_script_with_that_name_is_called() {
    let text = "fn main() { app.n = 3; app.n.read_line(); app.n } fn read_line() { this += 1; }";
    assert_eq!(Bench::new().run(text, true).unwrap().to_string(), "4");
    let text = "fn main() { let c = open(); watch(|| c); c.read_line(); c } fn read_line() { this = 5; }";
    assert_eq!(Bench::new().run(text, true).unwrap().to_string(), "5");
    let text = "fn main() { app.c.flush(); app.c } fn flush() { this.read_line(); this = 5; }";
    assert_eq!(Bench::new().run(text, true).unwrap().to_string(), "5");
    let text = "fn main() { let c = open(); watch(|| c); c.read_line() } fn read_line() { \"own\" }";
    assert_eq!(Bench::new().run(text, true).unwrap().to_string(), "own");
}

#[test]
fn errors_have_the_same_words_and_places() {
    for body in [
        "let c = open(); watch(|| c);\n  c.read_line(1);",
        "let c = open(); watch(|| c);\n  c.read(\n  \"x\");",
        "let c = 5; watch(|| c);\n  c.read_line();",
        "app.x.read_line();",
        "app.c.read_line().none();",
        "app.c\n .read_line()\n .none;",
        "app.list[\n7].read_line();",
        "app.c.read(\n gone);",
        "app.c.read(1 +\n ());",
        "app.c = ();\n app.c.read_line();",
        "watch(|| app); let c = 1; let f = || {\n  c += 1; app.c.read_line(c, 1) }; f.call();",
        "this.read_line();",
        "app.c.read_line(); throw 5;",
        "app.c.read_line();\n deep(200);",
        "app.c.read_line(); loop { app.n += 1 }",
        "app.c?.read_line()?.x.y;",
    ] {
        let text = format!("fn main() {{\n {body} }} fn deep(n) {{ app.c.read(n); deep(n - 1) }}");
        let faults: Vec<_> = [false, true]
            .map(|is_rewritten| {
                let mut bench = Bench::new();
                bench.engine.set_max_call_levels(8).set_max_operations(1000);
                bench.run(&text, is_rewritten).map(|value| value.to_string()).unwrap_err()
            })
            .into_iter()
            .map(|fault| format!("{fault:?}"))
            .collect();
        assert_eq!(faults[0], faults[1], "{body}");
    }
}

#[test]
fn functions_that_need_no_change_keep_their_body() {
    let engine = Bench::new().engine;
    for text in [
        "fn session(conn) { loop { conn.send(conn.read()); } }",
        "fn session(conn) { let f = |x| x + 1; for line in conn.lines() { conn.send(f.call(line)); } }",
        "fn on_data(conn, data) { app.peer.send(data); app.peer.read_line(); }",
        "fn main() { app.words.push(1); } fn on_line(c, l) { app.peer.send(l); c.after(1, || c.send(l)); }",
    ] {
        let ast = engine.compile(text).unwrap();
        let changed = rewrite(&ast);
        for (before, after) in ast.iter_fn_def().zip(changed.iter_fn_def()) {
            let is_closure = before.name.starts_with("anon$");
            assert!(is_closure || Rc::ptr_eq(before, after), "{text}: {}", before.name);
        }
    }
}

#[test]
fn a_module_is_changed_without_tasks_of_its_own() {
    let bench = Bench::new();
    let text = "fn ask() { app.c.read_line() }";
    let ast = bench.engine.compile(text).unwrap();
    for (ast, is_locked) in [(ast.clone(), true), (rewrite_part(&ast), false)] {
        let module = Module::eval_ast_as_new(Scope::new(), &ast, &bench.engine).unwrap();
        let mut scope = Scope::new();
        let mut engine = Bench::new();
        engine.engine.register_static_module("part", module.into());
        engine.engine.run_with_scope(&mut scope, "part::ask();").unwrap();
        assert_eq!(*engine.calls.borrow(), [is_locked]);
    }
}
