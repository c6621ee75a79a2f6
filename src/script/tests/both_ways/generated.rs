//! Scripts made by chance from a number: always the same for the same number.

use fastrand::Rng;

/// A session whose calls wait in loops, conditions and expressions, and where nothing can leave them.
pub(super) fn session(seed: u64) -> String {
    let mut rng = Rng::with_seed(seed);
    let mut text = String::from("const K = 3;\nfn on_connect(conn) { app.n = 0; app.list = []; }\n");
    text += "fn session(conn) {\n let data = \"\"; let i = 0;\n";
    if rng.u8(..8) == 0 {
        text += "conn.timeout = 40;\n";
    }
    waits(&mut rng, &mut text, 3, false);
    text += "}\nfn help(conn, data) {\n if data == 5 { conn.read_line() } else { data }\n}\n";
    text
}

fn waits(rng: &mut Rng, text: &mut String, depth: u8, is_loop: bool) {
    for _ in 0..=rng.u8(..4) {
        waits_once(rng, text, depth, is_loop);
    }
}

fn waits_once(rng: &mut Rng, text: &mut String, depth: u8, is_loop: bool) {
    let call = *rng.choice(CALLS).unwrap_or(&"conn.read()");
    let other = *rng.choice(VALUES).unwrap_or(&"data");
    let block = |rng: &mut Rng, is_loop| {
        let mut text = String::new();
        waits(rng, &mut text, depth.saturating_sub(1), is_loop);
        text
    };
    let line = match rng.u8(..if depth == 0 { 15 } else { 27 }) {
        0 => format!("conn.send({call});"),
        1 => format!("let data = {call};"),
        2 => format!("data = {call};"),
        3 => format!("let y = {call}.len(); print(y);"),
        4 => format!("print({call});"),
        5 => format!("conn.send_line(`<${{{call}}}> ${{{other}}}`);"),
        6 => format!("app.n += {call}.len();"),
        7 => "data += \"+\";".to_owned(),
        8 => format!("let x = {other}; print(x);"),
        9 => "i += 1; print(i);".to_owned(),
        10 if is_loop => "i += 1; if i > 4 { break; }".to_owned(),
        11 if is_loop => "i += 1; if i % 3 == 1 { continue; }".to_owned(),
        12 if is_loop => format!("if i > 6 {{ break {call}; }}"),
        13 if rng.bool() => format!("if i == 3 {{ return {call}; }}"),
        14 => format!("{call};"),
        15 => format!("if {call} == {other} {{ {} }} else {{ {} }}", block(rng, is_loop), block(rng, is_loop)),
        16 => format!("while {call} != \"line 1\" {{ i += 1; {} if i > 5 {{ break }} }}", block(rng, true)),
        17 => format!("print(loop {{ i += 1; {} if i > 5 {{ break {other} }} }});", block(rng, true)),
        18 => format!("loop {{ let n = {call}; {} if i > 3 {{ break n; }} i += 1; }}", block(rng, true)),
        19 => format!("for line in conn.lines() {{ i += 1; {} print(line); if i > 6 {{ break }} }}", block(rng, true)),
        20 => format!(
            "for (c, k) in conn.chunks() {{ let data = c; {} print(`${{k}} ${{c}}`); i += 1; if i > 9 {{ break }} }}",
            block(rng, true)
        ),
        21 => format!("{{ let data = {call}; {} print(data); }}", block(rng, is_loop)),
        22 => format!("try {{ {} }} catch (e) {{ print(e); i += 1; }}", block(rng, is_loop)),
        23 => format!(
            "switch {call} {{ \"line 0\" => {{ {} }}, _ => {{ {} }} }}",
            block(rng, is_loop),
            block(rng, is_loop)
        ),
        24 => format!("measure(\"m\", || {{ {} }});", block(rng, false)),
        25 => format!("let data = measure(`m${{i}}`, || {{ i += 1; {} {call} }});", block(rng, false)),
        _ => format!("for x in 0..2 {{ {} data = {call}; }}", block(rng, false)),
    };
    text.push_str(&line);
    text.push('\n');
}

const CALLS: &[&str] = &[
    "conn.read()",
    "conn.read_line()",
    "conn.read_text()",
    "conn.read(3)",
    "conn.read(i)",
    "conn.read_until(\"\\n\")",
    "conn.read_line(20)",
    "conn.peek(2)",
    "conn.expect(\"of\", 30)",
    "help(conn, 5)",
    "help(conn, i)",
    "i.read()",
    "measure(\"c\", || conn.read_line())",
    "measure(\"d\", || { conn.send(\"?\"); conn.read(i) })",
];

const VALUES: &[&str] =
    &["data", "i", "K", "\"text\"", "app.n", "conn.id", "data.len()", "[1, 2].map(|x| x + i)", "i.none"];

/// A script with handlers and helpers, most of which work.
pub(super) fn script(seed: u64) -> String {
    let mut rng = Rng::with_seed(seed);
    let mut text = String::from("const K = 3;\nimport \"part\" as part;\n");
    let first = [
        "",
        "fn on_connect(conn) { app.n = 0; app.list = []; app.m = #{ k: #{ v: 1 } }; conn.state.n = 0; conn.state.s = \"\"; }\n",
    ];
    text += first[rng.usize(..2).max(rng.usize(..2))];
    let head =
        if rng.u8(..4) == 0 { "fn session(conn) {\n let data = conn.read();\n" } else { "fn on_data(conn, data) {\n" };
    text += head;
    statements(&mut rng, &mut text, 3);
    text += "}\nfn on_stdin(data) {\n let conn = app.last ?? 5;\n";
    statements(&mut rng, &mut text, 2);
    text += "}\nfn help(conn, data) {\n";
    if rng.u8(..8) == 0 {
        text += "conn.send(data); return data.len();";
    }
    text += " data\n}\nfn method(x) {\n this.len() + x }\n";
    text
}

fn statements(rng: &mut Rng, text: &mut String, depth: u8) {
    for _ in 0..=rng.u8(..4) {
        statement(rng, text, depth);
    }
}

fn statement(rng: &mut Rng, text: &mut String, depth: u8) {
    let value = expression(rng, depth);
    let other = expression(rng, depth);
    let block = |rng: &mut Rng| {
        let mut text = String::new();
        statements(rng, &mut text, depth.saturating_sub(1));
        text
    };
    let line = match rng.u8(..if depth == 0 { 15 } else { 26 }) {
        0 => format!("conn.send({value});"),
        1 => "conn.send(data);".to_owned(),
        2 => "conn.send_line(\"line\");".to_owned(),
        3 => format!("print({value});"),
        4 => format!("app.n = {value};"),
        5 => format!("app.n += {value};"),
        6 => format!("conn.state.n += {value};"),
        7 => format!("conn.state.s = {value};"),
        8 => format!("app.list.push({value});"),
        9 => format!("app.m[\"k\"] = {value};"),
        10 => format!("app.m.k.v -= {value};"),
        11 => format!("let data = {value};"),
        12 => "app.last = conn;".to_owned(),
        13 => format!("data = {value};"),
        14 => format!("let x = {value}; print(x);"),
        15 => format!("if {value} == {other} {{ {} }} else {{ {} }}", block(rng), block(rng)),
        16 => format!("for i in 0..2 {{ {} }}", block(rng)),
        17 => format!("try {{ {} }} catch (e) {{ print(e); {} }}", block(rng), block(rng)),
        18 => format!("after(1, || {{ {} }});", block(rng)),
        19 => format!("conn.after(2, |c| {{ c.send({value}); {} }});", block(rng)),
        20 => format!("if {value} == 1 {{ return {other}; }}"),
        21 => format!("switch {value} {{ 1 => {{ {} }}, _ => {{ {} }} }}", block(rng), block(rng)),
        22 => format!("measure(\"m\", || {{ {} }});", block(rng)),
        23 => format!("print(measure(`m${{{value}}}`, || {{ let data = {other}; {} data }}));", block(rng)),
        24 => format!("measure(\"r\", || {{ if {value} == {other} {{ return {value}; }} {} }});", block(rng)),
        _ => format!("throw {value};"),
    };
    text.push_str(&line);
    text.push('\n');
}

fn expression(rng: &mut Rng, depth: u8) -> String {
    let inner = |rng: &mut Rng| expression(rng, depth.saturating_sub(1));
    match rng.u8(..if depth == 0 { 12 } else { 22 }) {
        0 => rng.i64(-2..9).to_string(),
        1 => "\"text\"".to_owned(),
        2 => "data".to_owned(),
        3 => "data.len()".to_owned(),
        4 => "conn.id".to_owned(),
        5 => "app.n".to_owned(),
        6 => "conn.state.n".to_owned(),
        7 => "app.list.len()".to_owned(),
        8 => "K".to_owned(),
        9 => "1.5".to_owned(),
        10 => "app.m.k".to_owned(),
        11 => "conn.state.s".to_owned(),
        12 => format!("({} + {})", inner(rng), inner(rng)),
        13 => format!("`${{{}}}/${{{}}}`", inner(rng), inner(rng)),
        14 => format!("help(conn, {})", inner(rng)),
        15 => format!("[{}, {}]", inner(rng), inner(rng)),
        16 => format!("app.list[{}]", inner(rng)),
        17 => format!("part::add({})", inner(rng)),
        18 => format!("[1, 2].map(|x| x + {})", inner(rng)),
        19 => format!("measure(\"e\", || {})", inner(rng)),
        20 => format!("measure(\"c\", || {{ count(\"n\"); {} }})", inner(rng)),
        _ => format!("data.method({})", inner(rng)),
    }
}
