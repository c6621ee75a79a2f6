//! What the strict check finds, and what it must accept.

use std::fs;

use super::*;
use crate::script::builtin;

/// All messages for a text: their first lines, or the whole message if there is one only.
pub(super) fn findings(text: &str) -> Findings {
    with_modules(text, &[])
}

fn with_modules(text: &str, modules: &[(&str, &str)]) -> Findings {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("reply.rhai");
    fs::write(&path, text).unwrap();
    for (name, text) in modules {
        fs::write(folder.path().join(name), text).unwrap();
    }
    let prefix = format!("{}/", folder.path().display());
    let mut findings = check(&ScriptSource::File(path));
    for message in findings.faults.iter_mut().chain(&mut findings.warnings) {
        *message = message.replace(&prefix, "");
    }
    findings
}

/// The first lines of all faults.
fn faults(text: &str) -> Vec<String> {
    heads(&findings(text).faults)
}

pub(super) fn heads(messages: &[String]) -> Vec<String> {
    messages.iter().map(|message| message.lines().next().unwrap_or_default().to_owned()).collect()
}

#[track_caller]
pub(super) fn accepted(text: &str) {
    let found = findings(text);
    assert!(found.faults.is_empty() && found.warnings.is_empty(), "{text}\n{found:?}");
}

/// The only finding in an `on_connect` body, without its first line.
#[track_caller]
fn fault(body: &str) -> String {
    let found = findings(&format!("fn on_connect(conn) {{\n{body}\n}}\nfn twice(x, y) {{ x + y }}"));
    let [message] = &found.faults[..] else { panic!("{body}: {found:?}") };
    let mut lines: Vec<_> = message.lines().filter(|line| !line.contains(" | ") || line.contains("did you")).collect();
    for line in &mut lines {
        *line = line.trim_start_matches(|c: char| " |^".contains(c));
    }
    lines.join(" / ")
}

#[test]
fn an_unknown_function_is_reported_at_its_call() {
    let found = findings("fn on_data(conn, data) {\n    conn.sned(\"x\");\n}");
    assert_eq!(
        found.faults,
        ["reply.rhai:2:10: unknown function: sned\n    \
              2 |     conn.sned(\"x\");\n      \
                |          ^ did you mean `send`?"]
    );
    assert_eq!(fault("twcie(1, 2);"), "reply.rhai:2:1: unknown function: twcie / did you mean `twice`?");
    assert_eq!(fault("conn.state.x.zzzzz();"), "reply.rhai:2:14: unknown function: zzzzz");
    assert_eq!(fault("if false { gone(); }"), "reply.rhai:2:12: unknown function: gone");
    assert_eq!(fault("[1].map(|x| gone(x));"), "reply.rhai:2:13: unknown function: gone");
    assert_eq!(fault("switch 1 { 1 => gone(), _ => () }"), "reply.rhai:2:17: unknown function: gone");
    assert_eq!(fault("print(`a ${gone()}`);"), "reply.rhai:2:12: unknown function: gone");
    assert_eq!(fault("let f = Fn(\"gone\");"), "reply.rhai:2:12: unknown function: gone");
    assert_eq!(
        fault("let f = |x| x; f(1);"),
        "reply.rhai:2:16: unknown function: f / hint: a function in a variable is called with f.call(..)"
    );
    assert_eq!(
        fault("print(conn.peer());"),
        "reply.rhai:2:12: unknown function: peer / hint: it is a property: leave the parentheses out"
    );
}

#[test]
fn a_wrong_number_of_arguments_is_reported_with_the_right_one() {
    assert_eq!(
        fault("conn.send(1, 2);"),
        "reply.rhai:2:6: send cannot be called with 2 arguments / hint: it is used as conn.send(x)"
    );
    assert_eq!(
        fault("twice(1);"),
        "reply.rhai:2:1: twice cannot be called with 1 argument / hint: it is defined as twice(x, y)"
    );
    assert_eq!(
        fault("1.twice(1);"),
        "reply.rhai:2:3: twice cannot be called with 1 argument / hint: it is defined as twice(x, y)"
    );
    assert_eq!(
        fault("let s = \"a\"; s.trim(1);"),
        "reply.rhai:2:16: trim cannot be called with 1 argument / hint: it takes 0"
    );
    assert_eq!(
        fault("now_ms(1);"),
        "reply.rhai:2:1: now_ms cannot be called with 1 argument / hint: it is used as now_ms()"
    );
    assert!(fault("\"{}\".fmt(1, 2, 3, 4, 5, 6, 7, 8, 9);").contains("fmt cannot be called with 9 arguments"));
    assert!(fault("conn.close(1);").contains("close cannot be called with 1 argument"));
}

#[test]
fn the_parameters_of_handlers_have_types() {
    assert_eq!(fault("print(conn.remte);"), "reply.rhai:2:12: Conn has no property `remte` / did you mean `peer`?");
    assert_eq!(fault("conn.encodng = 1;"), "reply.rhai:2:6: Conn has no property `encodng` / did you mean `encoding`?");
    assert_eq!(fault("print(conn.quued);"), "reply.rhai:2:12: Conn has no property `quued` / did you mean `queued`?");
    assert_eq!(
        fault("conn.send;"),
        "reply.rhai:2:6: Conn has no property `send` / hint: it is a function: conn.send(x)"
    );
    assert_eq!(fault("conn.id = 7;"), "reply.rhai:2:6: Conn.id cannot be set");
    assert_eq!(fault("conn.id += 7;"), "reply.rhai:2:6: Conn.id cannot be set");
    assert_eq!(fault("conn.len();"), "reply.rhai:2:6: Conn has no function `len`");
    let others =
        "fn on_listen(l) { l.prot; }\nfn on_data(c, d) { d.foo; d.trim(); }\nfn on_close(c, why) { why.u8(0); }";
    assert_eq!(
        faults(others),
        [
            "reply.rhai:1:21: Listener has no property `prot`",
            "reply.rhai:2:22: blob has no property `foo`",
            "reply.rhai:2:29: blob has no function `trim`",
            "reply.rhai:3:27: string has no function `u8`",
        ]
    );
    accepted("fn on_data(c, d) { d = d.text(); d.trim(); }");
    accepted("fn on_data(c, d) { for d in [#{ foo: 1 }] { print(d.foo); } }");
    accepted("fn on_data(c, d) { if c.eof { let c = #{ foo: 1 }; print(c.foo); } }");
    accepted("fn on_data(c, d) { let f = || d = \"x\"; f.call(); d.trim(); }");
    accepted("fn on_data(c, d) { try { print(1); } catch (d) { print(d.message); } }");
    accepted("fn helper(conn) { conn.foo = 1; print(conn.bar); }");
}

#[test]
fn all_errors_are_found_in_order() {
    let text = "fn on_dtaa(c) {}\nfn on_data(c, d) { a(); nope; b(); other; nope; }\nfn on_eof(c, more) { c.x(1); }";
    assert_eq!(
        faults(text),
        [
            "reply.rhai:1:4: unknown handler: on_dtaa",
            "reply.rhai:2:20: unknown function: a",
            "reply.rhai:2:25: unknown variable: nope",
            "reply.rhai:2:31: unknown function: b",
            "reply.rhai:2:36: unknown variable: other",
            "reply.rhai:3:4: on_eof cannot have 2 parameters",
            "reply.rhai:3:24: unknown function: x",
        ]
    );
    let many = (0..25).map(|n| format!("gone{n}();")).collect::<Vec<_>>().join("\n");
    let found = faults(&format!("fn f() {{\n{many}}}"));
    assert_eq!(found.len(), 21);
    assert_eq!(found[20], "… and 5 more faults");
}

#[test]
fn load_errors_are_reported() {
    assert_eq!(faults("fn f( {"), ["reply.rhai:1:7: expecting ')' to close the parameters list of function 'f'"]);
    assert_eq!(faults("let x = [1];\nx[5];"), ["reply.rhai:2:3: array index 5 out of bounds: only 1 element in array"]);
    assert!(check(&ScriptSource::File("/no/such.rhai".into())).faults[0].starts_with("read /no/such.rhai: "));
    assert!(check(&ScriptSource::Builtin("ecko".into())).faults[0].contains("did you mean @echo?"));
    let both = findings("fn on_data(c, d) {}\nfn on_line(c, l) {}");
    assert!(both.faults.is_empty() && both.warnings[0].contains("on_data is never called"));
}

#[test]
fn modules_are_checked_with_the_script() {
    let util = "fn seven() { 7 }\nprivate fn own(x) { x }\nfn back() { main_helper(own(1)) }\nimport \"deep\" as d;";
    let modules = [("util.rhai", util), ("deep.rhai", "fn z(a) { a }")];
    let good = "import \"util\" as u;\nfn on_start() { u::seven(); u::back(); u::d::z(1); }\nfn main_helper(x) { x }";
    let found = with_modules(good, &modules);
    assert!(found.faults.is_empty(), "{found:?}");

    let bad = "import \"util\" as u;\nfn on_start() {\n    u::sevn();\n    u::seven(1);\n    u::own(1);\n    u::d::y();\n    import \"none\" as n;\n    seven();\n}";
    let found = with_modules(bad, &modules);
    assert_eq!(
        heads(&found.faults),
        [
            "reply.rhai:3:8: unknown function: u::sevn",
            "reply.rhai:4:8: u::seven cannot be called with 1 argument",
            "reply.rhai:5:8: unknown function: u::own",
            "reply.rhai:6:11: unknown function: u::d::y",
            "reply.rhai:7:12: import \"none\": no such file or directory",
            "reply.rhai:8:5: unknown function: seven",
            "util.rhai:3:13: unknown function: main_helper",
        ]
    );
    assert!(found.faults[0].ends_with("did you mean `u::seven`?"));
    assert!(found.faults[1].ends_with("hint: it is defined as seven()"));

    let round = [("a.rhai", "import \"b\" as b; fn f() { g(); }"), ("b.rhai", "import \"a\" as a;")];
    let found = with_modules("import \"a\" as a;", &round);
    assert_eq!(heads(&found.faults), ["a.rhai:1:27: unknown function: g"]);
    let broken = with_modules("fn f() { import \"a\" as a; a::f(); }", &[("a.rhai", "fn f( {")]);
    assert_eq!(heads(&broken.faults), ["a.rhai:1:7: expecting ')' to close the parameters list of function 'f'"]);
}

#[test]
fn correct_scripts_have_no_findings() {
    for text in [
        // Functions in any order, methods on `this`, closures, function pointers.
        "fn a() { b(1) } fn b(x) { c() } fn c() { a() }",
        "fn add(n) { this + n } fn f() { let x = 1; x.add(2); print(x.type_of()); print(type_of(x)); }",
        "fn int.double() { this * 2 } fn f() { 2.double() }",
        "fn f() { let g = |x| x + 1; g.call(1); call(g, 1); let h = g.curry(1); h.call(); [1].map(g); [1].filter(ok); } fn ok(x) { true }",
        "fn f() { Fn(\"g\").call(1); is_def_fn(\"g\", 1) && is_def_var(\"x\") } fn g(x) { x.is_shared() }",
        "fn f() { if is_def_fn(\"later\", 0) { later(); } }",
        "fn f() { f!(); } ",
        // Closures in maps and arrays.
        "fn f() { let m = #{ go_on: |x| x }; m.go_on(1); m.later = || 1; m.later(); m[\"third\"] = || 2; m.third(); }",
        "fn f() { app.tools.run = |x| x; app.tools.run(1); app.list[0].call(2); }",
        // Properties of values of unknown type.
        "fn f() { app.a.b.c = 1; app.x?.y; let e = #{}; e.kind; \"abc\".len; [1].len; (1..3).start; 'c'.len }",
        // Operators, indexing, ranges, interpolation, strings of all kinds.
        "fn f(x) { 1 in [1] && !(2 in [3]) && -x < 2 ** 3 || x ?? 1 == 2; x[0][1]; x += `${x + 1}`; for (i, n) in 0..=3 { print(i) } }",
        "const K = \"a\"; fn f() { K.len() + global::K.len() } const T = blob(2); fn g() { global::T.len() }",
        "print(); debug(); print(1); debug(1); log(1); let t = timestamp(); t.elapsed; throw_it(); fn throw_it() { try { throw #{ message: 1 } } catch (e) { e.message } }",
        "fn f() { let s = \"a,b\"; s.split(\",\"); print(s.sub_string(1)); s.index_of(\"b\"); s.pad(3, ' '); parse_int(s); s.parse_int(); print(s.to_upper()); s.chars(); s.bytes; }",
        "fn f() { let a = [3, 1]; a.sort(); a.reduce(|s, n| n); a.retain(|n| n > 1); a.push(1); a.drain(|n| true); a.splice(0, 1, [2]); }",
        "fn f() { let m = #{}; m.keys(); m.values(); m.to_json(); parse_json(\"{}\"); m.mixin(#{}); m.remove(\"a\"); m.contains(\"b\"); }",
        "fn on_data(conn, data) { data[0]; data.len(); print(data.extract(1..2)); data.as_string(); data.to_array(); for b in data {} data += \"x\"; }",
        "fn on_line(c, line) { line.trim(); print(line.to_upper()); line.len(); line.bytes; line.split(\" \"); line[0]; print(line.fmt()); line.chars(); line.is_empty(); line.contains(\"x\") }",
        "fn on_error(c, e) { print(e.kind + e.op + e.message); c.label = \"x\"; c.state.n += 1; c.state = #{}; c?.send(\"x\"); print(c == c); print(c); c.log(1); print(c.to_string()); }",
    ] {
        accepted(text);
    }
    for (name, _) in builtin::list() {
        let found = check(&ScriptSource::Builtin(name.to_owned()));
        assert!(found.faults.is_empty() && found.warnings.is_empty(), "@{name}: {found:?}");
    }
    let one_line = check(&ScriptSource::OnData("conn.sned(data)".into()));
    assert_eq!(heads(&one_line.faults), ["--on-data:1:6: unknown function: sned"]);
}

#[test]
fn escapes_in_backticks_are_warned_about() {
    let found = findings("fn f(x) {\n    print(`${x}\\r\\n`);\n}");
    assert!(found.faults.is_empty());
    assert_eq!(
        found.warnings,
        ["reply.rhai:2:16: \\r\\n in backticks stays as it is written\n    \
              2 |     print(`${x}\\r\\n`);\n      \
                |                ^\n\
          hint: escapes work in double quotes: \"{}\\r\\n\".fmt(x)"]
    );
    let warned = |code: &str| heads(&findings(&format!("let x = {code};")).warnings);
    assert_eq!(warned("`a\\n`"), ["reply.rhai:1:11: \\n in backticks stays as it is written"]);
    assert_eq!(warned("`a${`\\r`}b\\n` + `c\\n`").len(), 3);
    let silent = [
        "`a${\"\\n\"}`",
        "\"`\\n`\"",
        "'`' + \"\\n\"",
        "1 /* `\\n` /* */ `\\n` */",
        "#\"`\\n`\"#",
        "##\"`\"#\\n`\"##",
        "`${#{ a: \"}\\n\" }.a}`",
        "`\\t`",
        "`a\nb`",
        "'\\'' + \"`\\n\"",
        "1; // `\\n`",
    ];
    for code in silent {
        assert_eq!(warned(code), [""; 0], "{code}");
    }
}
