//! Finds calls that wait where nothing may wait: in handlers and callbacks, and in the functions they call.
//!
//! A closure that is kept somewhere is not followed: it may be called by a task.

use std::collections::{HashSet, VecDeque};

use rhai::{ASTNode, Expr, FnCallExpr, Position, Stmt};

use super::findings::{Fault, Finding};
use super::{RunContext, Unit, closures, walk};
use crate::script::error;
use crate::script::habits;
use crate::script::waiting::{self, Form};

/// Whether a call waits.
pub(super) fn waits(call: &FnCallExpr, is_method: bool) -> bool {
    // With a function `expect` calls it later, and with a text `join` is that of an array; what a variable holds is not known.
    let count = call.args.len() + usize::from(is_method);
    let is_open = matches!((call.name.as_str(), count), ("expect", 3) | ("join", 2));
    let has_limit = || matches!(call.args.last(), Some(Expr::IntegerConstant(..)));
    (!is_open || has_limit())
        && if is_method {
            waiting::method(call).is_some_and(|known| known.form != Form::Send)
        } else {
            waiting::is_function(call)
        }
}

/// Checks the handlers and callbacks of all texts.
pub(super) fn check(context: &RunContext, faults: &mut Vec<Fault>) {
    let mut search = Search { context, seen: HashSet::new(), next: VecDeque::new(), faults };
    for unit in &context.units {
        search.read(unit, unit.ast.statements(), &Chain::new("the top level"));
        for (index, function) in unit.bodies.iter().enumerate() {
            let name = function.def.name.as_str();
            if unit.number == 0 && waiting::is_handler(name) {
                search.enter(unit, index, &Chain::new(&format!("{name}()")));
            }
            search.callbacks(unit, &function.body);
        }
        search.callbacks(unit, unit.ast.statements());
    }
    while let Some((unit, index, chain)) = search.next.pop_front() {
        search.read(unit, &unit.bodies[index].body, &chain);
    }
}

/// How a function is reached.
#[derive(Clone)]
struct Chain {
    /// The handler.
    begin: String,
    /// The calls: what is called, and where.
    calls: Vec<(String, String)>,
}

impl Chain {
    fn new(begin: &str) -> Self {
        Self { begin: begin.to_owned(), calls: Vec::new() }
    }

    fn with(&self, called: &str, place: String) -> Self {
        let mut longer = self.clone();
        longer.calls.push((format!("{called}()"), place));
        longer
    }

    fn text(&self) -> Option<String> {
        if self.calls.is_empty() {
            return None;
        }
        let calls: Vec<_> = self.calls.iter().map(|(called, place)| format!("calls {called} at {place}")).collect();
        Some(format!("{} {}", self.begin, calls.join(", which ")))
    }
}

struct Search<'a, 'f> {
    context: &'a RunContext,
    /// The functions that were reached: text and number.
    seen: HashSet<(usize, usize)>,
    next: VecDeque<(&'a Unit, usize, Chain)>,
    faults: &'f mut Vec<Fault>,
}

impl<'a> Search<'a, '_> {
    /// Reaches a function; only the first chain to it counts.
    fn enter(&mut self, unit: &'a Unit, index: usize, chain: &Chain) {
        if self.seen.insert((unit.number, index)) {
            self.next.push_back((unit, index, chain.clone()));
        }
    }

    /// Reaches the functions with that name, and that number of parameters if it is known.
    fn enter_named(&mut self, unit: &'a Unit, name: &str, count: Option<usize>, chain: &Chain) -> bool {
        let mut is_found = false;
        for (index, function) in unit.bodies.iter().enumerate() {
            if function.def.name == name && count.is_none_or(|count| function.def.params.len() == count) {
                self.enter(unit, index, chain);
                is_found = true;
            }
        }
        is_found
    }

    /// Reaches the functions that some statements give away as callbacks.
    fn callbacks(&mut self, unit: &'a Unit, statements: &[Stmt]) {
        walk(statements, &mut |path| {
            for (name, function) in closures::callbacks(path) {
                let chain = Chain::new(&format!("the function given to {name}"));
                self.enter_named(unit, &function, None, &chain);
            }
        });
    }

    /// Reads what is reached: reports what waits, and follows calls.
    fn read(&mut self, unit: &'a Unit, statements: &[Stmt], chain: &Chain) {
        walk(statements, &mut |path| {
            for function in closures::called_at_once(path) {
                self.enter_named(unit, &function, None, chain);
            }
            match path.last() {
                Some(ASTNode::Stmt(Stmt::FnCall(call, at)) | ASTNode::Expr(Expr::FnCall(call, at))) => {
                    self.call(unit, call, *at, false, chain);
                }
                Some(ASTNode::Expr(Expr::MethodCall(call, at))) => self.call(unit, call, *at, true, chain),
                _ => {}
            }
        });
    }

    fn call(&mut self, unit: &'a Unit, call: &FnCallExpr, at: Position, is_method: bool, chain: &Chain) {
        let (name, count) = (call.name.as_str(), call.args.len());
        let longer = chain.with(name, error::coordinates(&unit.source, at));
        if call.is_qualified() {
            let aliases = call.namespace.path.iter().map(|alias| alias.name.as_str());
            if let Some(target) = self.context.target(unit, aliases) {
                self.enter_named(target, name, Some(count), &longer);
            }
            return;
        }
        let main = self.context.main().filter(|main| main.number != unit.number);
        let is_own =
            [Some(unit), main].into_iter().flatten().any(|of| self.enter_named(of, name, Some(count), &longer));
        if is_own || !waits(call, is_method) || (is_method && self.context.members.contains(name)) {
            return;
        }
        let hint = chain.text().or_else(|| match name {
            "expect" => Some("conn.expect(pattern, |c, m| ..)".to_owned()),
            "sleep" => Some("conn.after(ms, |c| ..) and after(ms, || ..) call a function later".to_owned()),
            _ => habits::function(name).map(str::to_owned),
        });
        self.faults.push((unit.number, at, Finding::text(WHAT, hint.as_deref())));
    }
}

const WHAT: &str = "this call waits, so it may only be used in session(), main(), test_*() or start(); in a handler give it a callback";

#[cfg(test)]
mod tests {
    use super::super::tests::{accepted, findings, heads};

    /// The places of the calls that wait in a handler, and the hints.
    fn places(text: &str) -> Vec<String> {
        let found = findings(text);
        let is_meant = |message: &&String| message.contains("this call waits, so it may only be used in session()");
        assert!(found.faults.iter().all(|message| is_meant(&message)), "{text}: {found:?}");
        heads(&found.faults).iter().map(|head| head.split(": ").next().unwrap_or_default().to_owned()).collect()
    }

    fn hint(text: &str) -> String {
        let found = findings(text).faults;
        let [message] = &found[..] else { panic!("{text}: {found:?}") };
        message.lines().last().unwrap_or_default().to_owned()
    }

    #[test]
    fn a_handler_may_not_wait() {
        for (text, at) in [
            ("fn on_connect(conn) { conn.read_line(); }", "1:28"),
            ("fn on_connect(conn) { for l in conn.lines() { print(l); } }", "1:37"),
            ("fn on_connect(conn) { let c = connect(\"a:1\"); conn.send(c.read(3, 100)); }", "1:59"),
            ("fn on_connect(conn) { conn.expect(\"x\"); }", "1:28"),
            ("fn on_connect(conn) { conn.expect(\"x\", 100); }", "1:28"),
            ("fn on_start() { sleep(1000); }", "1:17"),
            ("fn on_start() { after(5, || sleep(1000)); }", "1:29"),
            ("fn on_connect(conn) { conn.every(5, |c| c.flush()); }", "1:43"),
            ("fn on_connect(conn) { conn.expect(\"x\", |c, m| c.read_line()); }", "1:49"),
            ("fn on_start() { let l = listen(\":0\"); l.on_connect = |c| c.read_line(); }", "1:60"),
            ("fn on_start() { let l = listen(\":0\"); let c = l.accept(); }", "1:49"),
            ("fn on_start() { connect(\"a:1\", #{on_connect: |c| c.read_line()}); }", "1:52"),
            ("fn on_start() { let t = start(|| 1); t.join(); }", "1:40"),
            ("fn on_start() { print(join([start(|| 1)])); first([start(|| 2)]); }", "1:23 1:45"),
            ("fn on_start() { [1].for_each(|x| sleep(1000)); }", "1:34"),
            ("fn session(conn) { conn.after(5, |c| c.read_line()); }", "1:40"),
            ("sleep(1000);", "1:1"),
            ("fn on_connect(conn) { read_line(conn); }", "1:23"),
            ("fn frame_size(conn, buf) { conn.read_line(); 1 } fn on_frame(c, f) {}", "1:33"),
        ] {
            let wanted: Vec<_> = at.split(' ').map(|at| format!("reply.rhai:{at}")).collect();
            assert_eq!(places(text), wanted, "{text}");
        }
    }

    #[test]
    fn the_chain_of_calls_is_told() {
        assert_eq!(
            hint("fn on_connect(conn) {\n  greet(conn);\n}\nfn greet(c) { ask(c) }\nfn ask(c) { c.read_line() }"),
            "hint: on_connect() calls greet() at reply.rhai:2:3, which calls ask() at reply.rhai:4:15"
        );
        assert_eq!(
            hint("fn on_start() { after(5, || ask(1)); }\nfn ask(c) { sleep(100) }"),
            "hint: the function given to after(..) calls ask() at reply.rhai:1:29"
        );
        assert_eq!(
            hint("fn on_connect(conn) { conn.ask(); }\nfn ask() { this.read_line() }"),
            "hint: on_connect() calls ask() at reply.rhai:1:28"
        );
        assert_eq!(
            hint("fn on_connect(conn) { ask(conn); }\nfn session(c) { ask(c); }\nfn ask(c) { c.read_line(); ask(c); }"),
            "hint: on_connect() calls ask() at reply.rhai:1:23"
        );
        assert_eq!(hint("fn on_connect(c) { c.expect(\"x\") }"), "hint: conn.expect(pattern, |c, m| ..)");
    }

    #[test]
    fn tasks_wait_and_what_does_not_wait_stands_anywhere() {
        for text in [
            "fn session(conn) { loop { conn.send(conn.read()); } }",
            "fn session(conn) { while true { ask(conn); } } fn ask(c) { c.expect([\"a\", \"b\"], 100); }",
            "fn session(conn) { let c = connect(\"a:1\"); c.read(5); c.read(5, 100); c.read_until(\"x\"); c.read_text(); c.read_frame(); c.read_all(100); c.peek(3); c.clean(); c.expect_eof(); c.expect_silence(50); c.flush(); c.closed(); }",
            "fn main() { for c in conns() { for f in c.frames() { print(f); } } sleep(100); let l = listen(\":0\"); let c = l.accept(500); for x in c.chunks() { print(x); } }",
            "fn test_a() { let t = start(|| client(1)); print(t.join(100)); let ms = 5; t.join(ms); join([t], 100); first([t]); } fn client(n) { sleep(n * 100); }",
            "fn on_connect(conn) { start(|c| c.read_line(), conn); let f = |c| c.read_line(); start(f, conn); }",
            "fn on_connect(conn) { conn.expect(\"x\", |c, m| c.send(m.matched)); conn.expect(\"y\", 100, |c, m| c.close()); }",
            "fn on_start() { let l = listen(\":0\"); app.c = connect(\"a:1\"); print([1, 2].join(\", \")); print(l.port); }",
            "fn on_start() { let sep = \",\"; print([1, 2].join(sep)); print(read_text(\"file\", \"utf-8\")); }",
            "fn on_start() { let m = #{ read_line: || 5 }; print(m.read_line()); }",
            "fn on_start() { print(sleep(1)); } fn sleep(x) { x }",
            "fn main() { let line = read_stdin_line(); for l in stdin_lines() { print(l + line); } }",
        ] {
            accepted(text);
        }
    }

    #[test]
    fn a_short_sleep_is_warned_of() {
        for (argument, is_warned) in [("9", true), ("0.5", true), ("10", false), ("app.n", false)] {
            let found = findings(&format!("fn main() {{ sleep({argument}); }}"));
            assert!(found.faults.is_empty(), "{found:?}");
            let warnings = heads(&found.warnings);
            let wanted =
                is_warned.then(|| "reply.rhai:1:13: sleep takes milliseconds; it was seconds in Rhai".to_owned());
            assert_eq!(warnings, Vec::from_iter(wanted), "{argument}");
        }
    }
}
