//! The same for `measure(NAME, || …)`, whose closures may be left where they wait, and for comparisons with the time.

use super::*;

#[test]
fn measured_closures() {
    let bodies = [
        ("print(measure(\"a\", || 5))", "print 5"),
        ("measure(\"a\", || conn.send(data)); conn.send(data)", "send 1 0 of 1\\n"),
        ("measure(\"a\", || { conn.send(data); conn.send(\"x\"); conn.send_line(conn.id) })", "send_line takes"),
        ("let n = 1; measure(\"a\", || { n += 1; n *= 5; }); print(n)", "print 10"),
        ("let n = 1; print(measure(\"a\", || { if n == 1 { return n + 1; } n = 9; 3 }) + n)", "print 3"),
        ("let n = [1]; measure(\"a\", || measure(\"b\", || n.push(data.len()))); print(n)", "print [1, 7]"),
        ("for i in 0..3 { print(measure(`m${i}`, || { if i == 1 { return \"one\"; } i })) }", "print one"),
        (
            "let f = \"x\"; measure(f, || { f += \"y\" }); print(f); measure(\"q\", || { let f = 3; }); print(f)",
            "print xy",
        ),
        ("measure(\"a\", || {\n conn.none() })", "none"),
        ("measure(\"a\",\n || measure(\"b\",\n || {\n\n help(data) }))", "none"),
        (
            "try { measure(\"a\", || { throw 7 }) } catch (e) { print(e) } print(measure(\"a\", || data.len()))",
            "print 7",
        ),
        ("measure(5, || 1)", "measure"),
        ("measure(`${conn.id}`, || ()); measure(data, || 1)", "measure"),
        ("measure(\"run\", || 1); measure(\"\", || print(2))", "print 2"),
        ("let f = || data.len(); print(measure(\"a\", f)); print(measure(\"a\", || f.call()))", "print 7"),
        ("print(measure(\"a\", || this)) ", "this"),
        (
            "print(measure(\"a\", || app.n = K)); print(app.n); print(measure(\"k\", || [K, T.len(), global::T]))",
            "print [3, 2, [1, 2]]",
        ),
        (
            "const C = conn; print(measure(\"a\", || { C.send(data); C.id })); measure(\"b\", || { C = 1; }); print(C)",
            "print 1",
        ),
        (
            "data = measure(\"a\", || data); data.push(65); conn.send(data); print(measure(\"a\", || [data, data]).len())",
            "\\nA",
        ),
        ("let a = measure(\"a\", || conn); a.send(\"z\"); conn = 5; print(measure(\"a\", || conn + 1))", "print 6"),
        ("import \"part\" as p; print(measure(\"a\", || p::add(2))); measure(\"b\", || p::fails(1))", "part.rhai"),
        (
            "measure(\"a\", || { import \"part\" as q; print(q::apply(|x| x + data.len(), 1)) }); measure(\"b\", || q::add(1))",
            "print 8",
        ),
        (
            "let all = []; for i in 0..2 { measure(\"a\", || all.push(|| data.len() + i)) } print(all.map(|f| f.call()))",
            "print [8, 8]",
        ),
        ("let n = 0; while true { n += 1; if measure(\"a\", || n > 3) { break; } } print(n)", "print 4"),
        ("print(deep(0))", "too deeply"),
        ("app.n = 0; print(down(20)); print(app.n)", "print 20"),
        ("count(\"a\"); count(\"a\", 3); count(\"b\", -1)", "count adds"),
        ("count(data)", "count"),
        ("measure(\"a\", || exit(4))", "Exit(4)"),
        (
            "let m = #{ id: 3, send: |x| print(x) }; print(measure(\"a\", || { m.send(data); m.id += 1; m.id }) + m.id)",
            "print 8",
        ),
        ("measure(\"a\", || { data = 5 }); data.push(1)", "push"),
        ("let x = 5; { let x = 6; measure(\"a\", || { x += 1; print(x) }); } print(x)", "print 7"),
        ("after(1, || { measure(\"a\", || { conn.send(data); data = \"q\" }); print(data) })", "print q"),
    ];
    let head = "const K = 3; const T = [1, 2]; fn help(x) {\n x.none() } fn deep(n) { measure(\"d\", || deep(n + 1)) }\n\
                fn down(n) { if n == 0 { return 0; } app.n += 1; measure(\"d\", || down(n - 1)) }\n";
    show(bodies.map(|(body, wanted)| (format!("{head}fn on_data(conn, data) {{\n {body}\n}}"), wanted)));
    show(bodies.map(|(body, wanted)| {
        let text = format!("{head}fn session(conn) {{\n while true {{ let data = conn.read(); {body} }} }}");
        (text, if wanted == "Exit(4)" { wanted } else { "" })
    }));
    let own = "fn measure(a, b) { print(a); b.call() } fn count(a) { print(a) }\n";
    show([(format!("{own} fn on_data(c, d) {{ count(\"one\"); measure(\"two\", || c.send(d)) }}"), "print two")]);
    let sessions = [
        ("loop { measure(\"a\", || { conn.send(\"q\"); conn.send(conn.read()) }); }", "send 1 0 of 1"),
        ("let n = 0; loop { measure(\"a\", || { n += conn.read().len(); conn.send_line(`${n}`) }); }", "send 1 7"),
        (
            "loop { measure(\"a\", || { let l = conn.read_line(); if l == \"1 of 1\" { return; } conn.send(l) }); }",
            "0 of",
        ),
        (
            "let all = [start(|| measure(\"b\", || conn.read_line()))]; measure(\"a\", || print(join(all)))",
            "print [\"0 of",
        ),
        ("try { measure(\"a\", || conn.read(100, 1)) } catch (e) { print(e.kind) }", "print"),
        ("measure(\"a\", || { for l in conn.lines() { conn.send(l); print(conn.id) } })", "print 1"),
        ("let n = measure(\"a\", || conn.read()).len(); print(n + measure(\"a\", || conn.read_line()).len())", "print"),
        ("while measure(\"a\", || conn.read_line()) != \"1 of 1\" { conn.send(\"m\") } print(\"end\")", "print end"),
        (
            "for i in 0..3 { let l = measure(`m${i}`, || { measure(\"in\", || { let l = conn.read_line(); l }) }); print(l); }",
            "print 0 of 1",
        ),
        ("loop { measure(\"a\", || {\n let l = conn.read_line();\n l.none() }); }", "none"),
        ("loop { measure(\"a\",\n || measure(\"b\",\n || { conn.read(3); help(conn) })); }", "gone"),
        ("try { measure(\"a\", || { conn.read(3); throw 5 }) } catch (e) { print(e) }", "print 5"),
        ("print(measure(\"a\", || { loop { let l = conn.read_line(); if l != \"\" { break l; } } }))", "print 0 of"),
        (
            "print(measure(\"a\", || { while true { let l = conn.read_line(); if l != \"\" { return l; } } }))",
            "print 0 of",
        ),
        (
            "let n = 0; loop { n += 1; if measure(\"a\", || { conn.read(2); n > 2 }) { break; } print(n) } print(`e${n}`)",
            "e3",
        ),
        (
            "loop { let l = measure(\"a\", || { conn.read_line() }); if l == \"\" { continue; } conn.send(l); break; }",
            "send",
        ),
        ("measure(conn.read_line(), || print(conn.read_line()))", "print"),
        ("measure(5, || conn.read()); print(1)", "measure"),
        ("measure(\"run\", || { conn.read(1); 1 })", "Close(1)"),
        ("measure(\"a\", || { conn.read(1); exit(4) })", "Exit(4)"),
        (
            "let n = 3; start(|| { sleep(1); n = 2; }); print(measure(\"a\", || { conn.read(8); conn.read(n) })); print(n)",
            "print",
        ),
        (
            "conn.read_line(); let n = 3; let t = start(|| conn.read(n)); sleep(1); n = 9; print(t.join()); print(n)",
            "print [31206f]\n    print 9",
        ),
        (
            "measure(\"a\", || { import \"part\" as p; conn.read(2); print(p::add(2)) }); measure(\"b\", || { conn.read(1); K })",
            "print 42",
        ),
        (
            "let c = #{ read: |n| n }; measure(\"a\", || { let a = c.read(5); print(a); conn.read(1) }); print(conn.read_line())",
            "print 5",
        ),
        (
            "measure(\"a\", || { let d = conn.read(2); { let d = conn.read(2); print(d.len()) } print(d) }); print(is_def_var(\"d\"))",
            "print false",
        ),
        (
            "let stop = now_ms() + 60000; let f = || stop; while now_ms() < stop { measure(\"a\", || conn.send(conn.read())) }",
            "send 1 0 of 1",
        ),
        (
            "let m = #{ c: conn }; measure(\"a\", || { let q = m.c.read_line(); m.c.send(m.c.read_line()); conn.send(q) })",
            "send",
        ),
    ];
    let head = "const K = 3; fn help(c) {\n c.gone() }\n";
    show(sessions.map(|(body, wanted)| (format!("{head}fn session(conn) {{\n {body}\n}}"), wanted)));
}

/// A closure that is called again uses what it has captured before, as long as that is the same.
#[test]
fn measured_again() {
    let rounds = [
        (
            "let n = 1; let i = -1; while i < 2 { i += 1; measure(\"a\", || { conn.read(2); print(n); print(i) }); n += 10; }",
            "print 21",
        ),
        (
            "let i = -1; while i < 2 { i += 1; let n = i * 2; measure(\"a\", || { conn.read(2); print(n) }); n = 50; }",
            "print 4",
        ),
        (
            "let n = 1; let i = -1; while i < 2 { i += 1; let n = n + i; measure(\"a\", || { conn.read(2); print(n) }); }",
            "print 3",
        ),
        (
            "let n = 1; let i = -1; while i < 2 { i += 1; measure(\"a\", || { conn.read(2); print(n) }); let n = 9; print(n) }",
            "print 9",
        ),
        (
            "let i = -1; while i < 2 { i += 1; if i == 1 { let n = 7; n += 1; } let n = i; measure(\"a\", || { conn.read(2); print(n) }); }",
            "print 2",
        ),
        (
            "let n = 1; let i = -1; while i < 2 { i += 1; measure(\"a\", || { conn.read(2); n += i; n = n * 2; }); print(n) }",
            "print 16",
        ),
        (
            "let n = 1; let i = -1; while i < 2 { i += 1; measure(\"a\", || { conn.read(2); if i == 1 { n = [i]; } print(n) }); }",
            "print [1]",
        ),
        (
            "let n = 1; let i = -1; while i < 3 { i += 1; measure(\"a\", || { conn.read(2); if i == 1 { return; } print(n + i) }); }",
            "print 4",
        ),
        (
            "let n = 1; let i = -1; while i < 3 { i += 1; try { measure(\"a\", || { conn.read(2); if i == 1 { throw n; } print(i) }) } catch {} }",
            "print 3",
        ),
        (
            "let n = 1; let i = -1; while i < 2 { i += 1; measure(\"a\", || { measure(\"b\", || { conn.read(2); print(n + i) }); n += 1; }); }",
            "print 5",
        ),
        (
            "let i = -1; while i < 1 { i += 1; let k = -1; while k < 1 { k += 1; measure(\"a\", || { conn.read(1); print(i * 10 + k) }); } measure(\"b\", || { conn.read(1); print(i) }); }",
            "print 11",
        ),
        (
            "let i = -1; while i < 1 { i += 1; measure(\"a\", || { let k = -1; while k < 1 { k += 1; let x = k + i; measure(\"b\", || { conn.read(1); print(x) }); } }); }",
            "print 2",
        ),
        (
            "let n = conn; let i = -1; while i < 1 { i += 1; measure(\"a\", || n.read(2)); n = conn; } print(measure(\"a\", || n.read(1).len()))",
            "print 1",
        ),
        (
            "let n = \"x\"; let i = -1; while i < 2 { i += 1; measure(\"a\", || { conn.send(n); conn.read(2); }); n += \"y\"; }",
            "xyy",
        ),
        (
            "let n = 1; let f = || n; let i = -1; while i < 2 { i += 1; measure(\"a\", || { conn.read(2); n += 1; }); print(f.call()) }",
            "print 4",
        ),
        (
            "let t = 0; let i = -1; while i < 1 { i += 1; let k = start(|| { sleep(1); t += 5; }); measure(\"a\", || { conn.read(2); join([k]); print(t) }); }",
            "print",
        ),
        (
            "let i = -1; while i < 1 { i += 1; measure(if i == 0 { \"a\" } else { \"b\" }, || { conn.read(2); print(i) }) }",
            "print 1",
        ),
        (
            "let n = 1; let i = -1; while i < 1 { i += 1; print(is_shared(n)); measure(\"a\", || { conn.read(2); print(is_shared(n)) }) } print(n)",
            "print 1",
        ),
    ];
    show(rounds.map(|(body, wanted)| (format!("fn session(conn) {{\n {body}\n}}"), wanted)));
    // Of nodes alone: nothing of these closures goes into a scope.
    let sent = "measure(\"a\", || { conn.read(2); conn.send(n) });";
    let nodes = [
        (format!("let i = -1; while i < 2 {{ i += 1; let n = `v${{i}}`; {sent} n = \"late\"; }}"), "send 1 v2"),
        (format!("let n = \"x\"; let i = -1; while i < 2 {{ i += 1; let n = n + i; {sent} }}"), "send 1 x2"),
        (format!("let n = \"x\"; let i = -1; while i < 2 {{ i += 1; {sent} let n = \"y\"; n += i; }}"), "send 1 x"),
        (format!("let n = \"x\"; let i = -1; while i < 2 {{ i += 1; if i == 1 {{ n = \"y\" }} {sent} }}"), "send 1 y"),
        (
            format!(
                "let n = \"x\"; let i = -1; while i < 2 {{ i += 1; let f = || n; {sent} n += \"y\"; print(f.call()) }}"
            ),
            "print xyyy",
        ),
        (
            format!("let n = \"x\"; let i = -1; while i < 2 {{ i += 1; {{ let n = `in${{i}}`; {sent} }} {sent} }}"),
            "send 1 in1",
        ),
        ("for n in conn.lines() { measure(\"a\", || { conn.send(n); conn.read(1) }) }".to_owned(), "send 1 0 of 1"),
        (
            format!(
                "let n = \"x\"; measure(\"o\", || {{ let i = -1; while i < 1 {{ i += 1; let n = `o${{i}}`; {sent} }} }}); {sent}"
            ),
            "send 1 o1",
        ),
        (
            format!(
                "let n = \"x\"; let t = start(|| {{ sleep(1); n = \"other\"; }}); let i = -1; while i < 2 {{ i += 1; {sent} }}"
            ),
            "send 1",
        ),
        (format!("let n = \"x\"; let i = -1; loop {{ i += 1; if i == 2 {{ n = 5; }} {sent} }}"), "send takes"),
        (
            format!(
                "let i = -1; while i < 2 {{ i += 1; let n = `v${{i}}`; measure(\"b\", || {{ {sent} measure(\"c\", || conn.send(n)); }}); }}"
            ),
            "send 1 v2",
        ),
    ];
    show(nodes.map(|(body, wanted)| (format!("fn session(conn) {{\n {body}\n}}"), wanted)));
    let parameters =
        "fn work(c, n) { let i = -1; while i < 2 { i += 1; measure(\"a\", || { c.read(2); print(n) }); n += 1; } n }\n";
    show([(format!("{parameters} fn session(conn) {{ print(work(conn, 5)); work(conn, 1) }}"), "print 7")]);
    let alone = "fn session(conn) { loop { measure(\"a\", || { conn.read(3); }); } }";
    show([(alone.to_owned(), "")]);
}

#[test]
fn comparisons_with_the_time() {
    let bodies = [
        (
            "let stop = now_ms() + 90000; let n = 0; while now_ms() < stop { n += 1; if n > 3 { break } } print(n)",
            "print 4",
        ),
        (
            "let stop = now_ms() + 90000; let f = || stop; let n = 0; do { n += 1 } while n < 3 && stop >= now_ms(); print(n)",
            "print 3",
        ),
        (
            "print(now_ms() > 5); print(5 == now_ms()); print(now_ms() != now_ms() + 90000); print(now_ms() <= 7)",
            "print false",
        ),
        ("let x = 1.5; print(now_ms() > x); x = (); print(now_ms() != x); print(x == now_ms())", "print true"),
        ("const N = 5; print(now_ms() >= N); if N < now_ms() { print(\"late\") }", "print late"),
        ("let s = \"a\";\n print(now_ms() < s)", "print false"),
        ("app.n = 3; print(now_ms() < app.n); print(app.n < now_ms())", "print true"),
        ("while now_ms() < stop { }", "stop"),
        (
            "let f = || now_ms() > data.len(); print(f.call()); print(measure(\"a\", || conn.id < now_ms()))",
            "print true",
        ),
    ];
    show(bodies.map(|(body, wanted)| (format!("fn on_data(conn, data) {{\n {body}\n}}"), wanted)));
    let own = "fn now_ms() { print(\"own\"); 4 }\n";
    show([(format!("{own} fn on_data(c, d) {{ if now_ms() < 5 {{ print(\"less\") }} }}"), "print less")]);
    let session = "fn session(conn) { let n = 0; while n != now_ms() { n += 1; print(conn.read(3)); } }";
    show([(session.to_owned(), "print [30206f]")]);
}
