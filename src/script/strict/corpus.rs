//! Mistakes that people make when they begin, with what is said about each, and correct scripts about which nothing may
//! be said.

use std::path::Path;

use super::tests::{accepted, findings, heads};

/// A script, and the beginning of what is said about it: line, column, words. `!` in front: a warning.
const MISTAKES: &[(&str, &str)] = &[
    // Names.
    ("fn on_data(conn, data) { conn.sned(data); }", "1:31: unknown function: sned"),
    ("fn on_data(conn, data) { sendd(data); }", "1:26: unknown function: sendd"),
    ("fn on_dta(conn, data) { }", "1:4: unknown handler: on_dta"),
    ("fn on_connected(conn) { }", "1:4: unknown handler: on_connected"),
    ("fn on_line(conn, line) { print(lien); }", "1:32: unknown variable: lien"),
    ("let count = 0;\nfn on_line(conn, line) { count += 1; }", "2:26: unknown variable: count"),
    ("fn on_line(conn, line) { conn.labl = line; }", "1:31: Conn has no property `labl`"),
    ("fn on_line(conn, line) { print(conn.adress); }", "1:37: Conn has no property `adress`"),
    ("fn on_line(conn, line) { print(conn.peer()); }", "1:37: unknown function: peer"),
    ("fn on_line(conn, line) { conn.close; }", "1:31: Conn has no property `close`"),
    ("fn on_line(conn, line) { conn.id = 5; }", "1:31: Conn.id cannot be set"),
    ("fn on_data(conn, data) { data.trim(); }", "1:31: blob has no function `trim`"),
    ("fn on_start() { let f = |x| x; f(1); }", "1:32: unknown function: f"),
    ("import \"nothing\" as n;", "1:8: import \"nothing\""),
    // Numbers of arguments.
    ("fn on_line(conn, line) { conn.send(1, line); }", "1:31: send cannot be called with 2 arguments"),
    ("fn on_line(conn, line) { conn.close(1); }", "1:31: close cannot be called with 1 argument"),
    ("fn add(a, b) { a + b } fn on_start() { add(1); }", "1:40: add cannot be called with 1 argument"),
    ("fn on_line(conn, line, more) { }", "1:4: on_line cannot have 3 parameters"),
    ("fn on_start(conn) { }", "1:4: on_start cannot have 1 parameter"),
    ("fn f() {} fn f() {}", "1:11: f is defined twice"),
    ("fn on_line(conn, line) {} fn on_line(conn) {}", "1:30: on_line is defined twice"),
    // Syntax.
    ("fn on_line(conn, line) { conn.send(line) conn.close() }", "1:42: "),
    ("fn on_line(conn, line) { if line = \"quit\" { conn.close(); } }", "1:34: "),
    ("fn on_line(conn, line) { while line = \"\" { } }", "1:37: "),
    ("fn on_line(conn, line) { conn.send('quit'); }", "1:36: "),
    ("fn on_line(conn, line) { conn.send(\"a); }", "1:36: "),
    (
        "fn on_line(conn, line) {\n    /* not closed\n    conn.send(line);\n}",
        "2:5: the comment that begins here has no end",
    ),
    ("/* one /* two */\nfn on_line(conn, line) { }", "1:1: the comment that begins here has no end"),
    ("fn on_line(conn, line) { }\n/*", "2:1: the comment that begins here has no end"),
    ("fn on_line(conn, line) {", "1:25: "),
    // Constants.
    ("const LIMIT = 5;\nfn on_start() { LIMIT = 6; }", "2:17: cannot assign to constant LIMIT"),
    ("const LIMIT = 5;\nfn on_start() { LIMIT += 1; }", "2:17: cannot assign to constant LIMIT"),
    ("const USERS = #{};\nfn on_start() { USERS.bob = 1; }", "2:17: cannot assign to constant USERS"),
    ("const LIST = [1];\nfn on_start() { LIST[0] = 1; }", "2:17: cannot assign to constant LIST"),
    ("fn on_start() { const N = 1; N = 2; }", "1:30: cannot assign to constant N"),
    // Options.
    ("fn on_connect(c) { c.frame_length(#{szie: 2}); } fn on_frame(c, f) {}", "1:37: frame_length has no option szie"),
    (
        "fn on_connect(c) { c.frame_length(#{size: 2, endian: \"bg\"}); } fn on_frame(c, f) {}",
        "1:46: frame_length: endian",
    ),
    (
        "fn on_connect(c) { c.frame_length(#{size: 9}); } fn on_frame(c, f) {}",
        "1:37: frame_length takes size from 1 to 8",
    ),
    (
        "fn on_connect(c) { c.frame_length(#{size: \"2\"}); } fn on_frame(c, f) {}",
        "1:37: frame_length: size is a number",
    ),
    ("fn on_connect(c) { c.frame_length(#{endian: \"big\"}); } fn on_frame(c, f) {}", "1:22: frame_length needs size"),
    ("fn on_connect(c) { c.frame_length(#{size: 2, strip: 1}); } fn on_frame(c, f) {}", "1:46: frame_length: strip"),
    (
        "fn on_connect(c) { let n = 2; c.frame_length(#{size: n, edian: \"big\"}); } fn on_frame(c, f) {}",
        "1:57: frame_length has no option edian",
    ),
    ("fn on_connect(c) { c.frame_fixed(0); } fn on_frame(c, f) {}", "1:22: frame_fixed takes a size from 1"),
    ("fn on_connect(c) { c.frame_delim(\"\"); } fn on_frame(c, f) {}", "1:22: frame_delim takes a delimiter"),
    ("fn on_connect(c) { c.toxic(\"latncy\", #{latency: 5}); }", "1:22: unknown toxic \"latncy\""),
    ("fn on_connect(c) { c.toxic(\"latency\", #{latncy: 5}); }", "1:41: toxic latency has no option latncy"),
    ("fn on_connect(c) { c.toxic(\"latency\", #{latency: 5, dir: \"up\"}); }", "1:53: dir of toxic latency"),
    ("fn on_connect(c) { c.toxic(\"latency\", #{latency: 5, toxicity: 2}); }", "1:53: toxicity of toxic latency"),
    ("fn on_connect(c) { c.heal(\"latncy\"); }", "1:22: unknown toxic \"latncy\""),
    ("fn on_start() { check_toxic(\"bandwith\", #{rate: 5}); }", "1:17: unknown toxic \"bandwith\""),
    ("fn on_start() { connect(\"a:1\", #{timout: 5}); }", "1:34: connect has no option timout"),
    ("fn on_start() { listen(\":1\", #{scrip: \"@echo\"}); }", "1:32: listen has no option scrip"),
    (
        "fn on_start() { listen(\":1\", #{script: \"@ecko\"}); }",
        "1:32: listen: no built-in script has the name @ecko: did",
    ),
    ("fn on_start() { listen(\":1\", #{args: [\"a\"]}); }", "1:32: listen: args are those of script"),
    ("fn on_start() { connect(\"a:1\", #{timeout: \"5s\"}); }", "1:34: connect: timeout is a number"),
    ("fn on_start() { connect(\"a:1\", #{encoding: \"gkb\"}); }", "1:34: unknown encoding"),
    ("fn on_start() { connect(\"localhost\"); }", "1:17: "),
    ("fn on_connect(conn) { conn.encoding = \"gkb\"; }", "1:28: unknown encoding"),
    ("fn on_connect(conn) { conn.unencodable = \"skip\"; }", "1:28: unencodable is"),
    ("fn on_connect(conn) { conn.idle_timeout = -1; }", "1:28: idle_timeout is in milliseconds"),
    ("fn on_data(conn, data) { print(data.text(\"gkb\")); }", "1:37: unknown encoding"),
    ("fn on_start() { let r = re(\"(\"); r.test(\"x\") }", "1:25: "),
    ("fn on_start() { print(hex(\"0g\")); }", "1:23: "),
    ("fn on_connect(conn) { conn.send_hex(\"abc\"); }", "1:28: "),
    ("fn on_start() { print(pack(\">Z\", [1])); }", "1:23: "),
    ("fn on_start() { print(bytes([256])); }", "1:23: "),
    ("fn on_start() { print(rand(6, 1)); }", "1:23: rand(6, 1)"),
    ("fn on_connect(conn) { conn.send(5); }", "1:28: send takes a string"),
    ("fn on_connect(conn) { conn.send_line(5); }", "1:28: "),
    ("fn on_start() { every(0, || print(1)); }", "1:17: every takes 1 to"),
    ("fn on_start() { after(\"1s\", || print(1)); }", "1:17: "),
    ("fn on_start() { after(|| print(1), 1000); }", "1:17: "),
    // Handlers of listeners.
    (
        "fn on_start() { let l = listen(\":0\"); l.on_dta = |c, d| c.send(d); }",
        "1:41: Listener has no property `on_dta`",
    ),
    ("fn on_start() { let l = listen(\":0\"); l.port = 5; }", "1:41: Listener.port cannot be set"),
    (
        "fn on_start() { let l = listen(\":0\"); l.on_data = |c, d, e| c.send(d); }",
        "1:51: the function given to on_data has 3",
    ),
    (
        "fn on_start() { let c = connect(\"a:1\"); c.on_data = |c, d| print(d); }",
        "1:43: Conn has no property `on_data`",
    ),
    // Closures.
    ("fn on_connect(conn) { conn.after(10, |a, b| a.send(b)); }", "1:38: the function given to after has 2"),
    ("fn on_connect(conn) { conn.every(10, |a, b| a.send(b)); }", "1:38: the function given to every has 2"),
    (
        "fn on_start() { after(10, |c| c.send(\"x\")); }",
        "1:27: the function given to after has 1 parameter and gets none",
    ),
    ("fn tick(a, b) {} fn on_start() { every(10, Fn(\"tick\")); }", "1:44: the function given to every has 2"),
    ("fn on_connect(conn) { conn.expect(\"x\", |a, b, c| a.send(c)); }", "1:40: the function given to expect has 3"),
    ("fn on_start() { [1].map(|a, b, c| a); }", "1:25: the function given to map has 3"),
    ("fn on_connect(conn) { conn.after(10, |c| conn.send(\"x\")); }", "1:28: the closure captures conn"),
    ("fn on_connect(conn) { conn.every(10, || conn.send(\"x\")); }", "1:28: the closure captures conn"),
    ("fn on_connect(conn) { conn.expect(\"x\", |c, m| conn.send(\"y\")); }", "1:28: the closure captures conn"),
    ("fn on_start() { let a = [1]; a.map(|x| a.len()); }", "1:32: the closure captures a"),
    (
        "fn on_connect(conn) { conn.after(10, conn.send(\"x\")); }",
        "1:43: after takes a function, but send(..) is called",
    ),
    ("fn on_start() { every(1000, print(\"tick\")); }", "1:29: every takes a function, but print(..) is called"),
    ("fn on_connect(conn) { conn.after(10, |c| c.sned(\"x\")); }", "1:44: unknown function: sned"),
    ("fn on_connect(conn) { conn.after(10, |c| c.foo = 1); }", "1:44: Conn has no property `foo`"),
    // What does not do what was meant.
    ("fn on_connect(conn) { sleep(1000); conn.send(\"x\"); }", "1:23: this call waits"),
    ("fn on_data(conn, data) { for i in data.len() { print(i); } }", "1:40: a number cannot be looped over"),
    ("fn on_data(conn, data) { if data == \"quit\" { conn.close(); } }", "1:34: a blob == a string is always false"),
    (
        "fn on_data(conn, data) {}\nfn on_line(conn, line) {}",
        "!on_line takes what is received, on_data is never called",
    ),
    (
        "fn on_text(conn, text) {}\nfn on_line(conn, line) {}",
        "!on_line takes what is received, on_text is never called",
    ),
    (
        "fn on_frame(conn, frame) {}\nfn on_line(conn, line) {}",
        "!on_line takes what is received, on_frame is never called",
    ),
    (
        "fn frame_size(conn, buf) { 1 }\nfn on_frame(conn, f) {}\nfn on_line(conn, l) {}",
        "!frame_size takes what is received, on_line is never called",
    ),
    ("fn on_relay(from, to, data) {}", "!on_relay is never called"),
    ("fn on_line(conn, line) { return; conn.send(line); }", "!1:34: this is never reached"),
    ("fn on_line(conn, line) { while true { break; print(1); } }", "!1:46: this is never reached"),
    ("fn f() { throw \"x\"; print(1); }", "!1:21: this is never reached"),
    ("fn on_line(conn, line) { line.to_upper(); conn.send(line); }", "!1:31: the result of to_upper is not used"),
    ("fn on_line(conn, line) { line == \"x\"; conn.send(line); }", "!1:31: the result of == is not used"),
    ("fn on_line(conn, line) { loop { conn.send(line); } }", "!1:26: this loop has no end"),
    ("fn on_line(conn, line) { while true { print(line); } }", "!1:26: this loop has no end"),
    (
        "fn on_line(conn, line) { conn.close(); conn.send(\"bye\"); }",
        "!1:45: conn.send after conn.close() goes nowhere",
    ),
    ("fn on_line(conn, line) { conn.send(\"hello ${line}\"); }", "!1:36: ${line} in double quotes"),
    ("fn on_line(conn, line) { conn.send(`${line}\\n`); }", "!1:44: \\n in backticks"),
    ("fn on_line(line) { print(line); }", "!1:"),
];

#[test]
fn every_mistake_is_found_at_its_place() {
    assert!(MISTAKES.len() > 100);
    let mut missed = Vec::new();
    for (code, wanted) in MISTAKES {
        let found = findings(code);
        let (messages, wanted) = match wanted.strip_prefix('!') {
            Some(wanted) => (&found.warnings, wanted),
            None => (&found.faults, *wanted),
        };
        let is_it =
            |head: &String| head.strip_prefix("reply.rhai:").is_some_and(|said| said.trim_start().starts_with(wanted));
        if !heads(messages).first().is_some_and(is_it) {
            missed.push(format!(
                "{code}\n   wanted {wanted}\n   found {:?} {:?}",
                heads(&found.faults),
                heads(&found.warnings)
            ));
        }
    }
    assert!(missed.is_empty(), "{} of {}:\n{}", missed.len(), MISTAKES.len(), missed.join("\n"));
}

/// Small correct scripts of all kinds.
const CORRECT: &[&str] = &[
    "fn on_data(conn, data) { conn.send(data); }",
    "fn on_line(conn, line) { conn.send_line(line.to_upper()); }",
    "fn on_text(conn, text) { conn.send(text); }",
    "fn on_connect(conn) { conn.frame_length(#{ size: 2, endian: \"little\", offset: 1, adjust: -1, include_header: true, max: 100, strip: false }); } fn on_frame(conn, frame) { conn.send(frame); }",
    "const MAX = 5000; fn on_connect(conn) { conn.frame_length(#{ size: 4, max: MAX }); } fn on_frame(conn, frame) { conn.send(frame); }",
    "fn on_connect(conn) { conn.frame_delim(\"|\"); } fn on_data(conn, data) { conn.send(data); }",
    "fn on_connect(conn) { conn.frame_lines(10); } fn on_line(conn, line) { print(line); }",
    "fn on_connect(conn) { conn.frame_fixed(8); } fn on_frame(conn, f) { print(f.u32be(0)); conn.frame_none(); }",
    "fn on_line(conn, line) { conn.frame_none(); } fn on_data(conn, data) { conn.send(data); }",
    "fn on_line(conn, line) { conn.frame_fixed(4); } fn on_frame(conn, frame) { conn.send(frame); }",
    "fn frame_size(conn, buf) { if buf.len() < 2 { 0 } else { 2 + buf.u16be(0) } } fn on_frame(conn, f) { conn.send(f); }",
    "fn on_connect(conn) { conn.after(10, |c| c.send(\"x\")); conn.every(10, |c| c.send(\"x\")); conn.after(1, || print(1)); }",
    "fn on_connect(conn) { let id = conn.id; after(10, || print(id)); }",
    "fn on_connect(conn) { after(10, || conn.send(\"x\")); }",
    "fn tick() { print(1); } fn on_start() { every(1000, Fn(\"tick\")); every(1000, tick); }",
    "fn on_start() { app.timer = every(10, || { cancel(app.timer); }); }",
    "fn on_connect(conn) { conn.expect(\"x\", |c, m| c.send(m.before)); conn.expect(re(\"(\\\\d+)\"), 500, |c, m| { if m.timeout { c.close(); } }); conn.expect(\"y\", |c| c.close()); }",
    "fn on_connect(conn) { if conn.side == \"client\" { return; } let up = connect(\"localhost:80\", #{ timeout: 500, encoding: \"gbk\", label: \"up\", nodelay: false }); conn.pipe(up); up.expect(\"x\", |u, m| conn.send(m.matched)); }",
    "fn on_relay(from, to, data) { if data.contains(\"x\") { return false; } data } fn on_connect(conn) { if conn.side == \"server\" { conn.pipe(connect(\"a:1\")); } }",
    "fn on_start() { let l = listen(\":0\"); l.on_connect = |c| c.send(\"hi\"); l.on_data = |c, d| c.send(d); l.on_close = |c, why| print(why); l.on_eof = |c| c.close(); print(l.port); l.close(); }",
    "fn on_start() { app.l = listen(\"127.0.0.1:0\"); app.l.on_data = |c, data| { c.send(data); c.close(); }; }",
    "fn on_listen(listener) { print(`${listener.addr} ${listener.port}`); }",
    "fn on_connect(conn) { conn.toxic(\"latency\", #{ latency: 5, jitter: 2, dir: \"out\", toxicity: 0.5 }); conn.toxic(\"slicer\", #{ average_size: 5 }); conn.heal(\"slicer\"); conn.heal(); }",
    "fn on_start() { try { check_toxic(\"nope\", #{}); } catch (e) { print(e); } }",
    "fn on_connect(conn) { try { conn.encoding = \"nope\"; } catch (e) { conn.send_line(e); } }",
    "fn on_connect(conn) { conn.encoding = \"gb18030\"; conn.eol = \"\\r\\n\"; conn.idle_timeout = 5000; conn.nodelay = true; conn.label = \"x\"; conn.unencodable = \"replace\"; }",
    "fn on_connect(c) { c.state.n = 0; c.state.list = []; } fn on_line(c, line) { c.state.n += 1; c.state.list.push(line); c.send_line(`${c.state.n} ${c.state.list.len()}`); }",
    "fn on_line(conn, line) { switch line { \"quit\" => conn.close(), \"time\" => conn.send_line(time(\"%H:%M\")), _ => conn.send_line(\"?\") } }",
    "fn on_line(conn, line) { if line == \"quit\" { conn.send_line(\"bye\"); conn.close(); return; } conn.send_line(line); }",
    "fn on_line(conn, line) { if line == \"quit\" { return conn.close(); } broadcast_line(`${conn.id}: ${line}`, conn); broadcast(hex(\"00\"), [conn]); }",
    "fn on_line(conn, line) { for other in conns() { if other != conn { other.send_line(line); } } }",
    "fn on_line(conn, line) { let words = line.split(\" \"); let rest = words.extract(1); print(rest.len()); words.shift() }",
    "fn on_line(conn, line) { line.trim(); line.make_upper(); line.replace(\"A\", \"B\"); conn.send_line(line); }",
    "fn on_data(conn, data) { for b in data { print(b); } for i in 0..data.len() { print(data[i]); } for (b, i) in data { print(`${i} ${b}`); } }",
    "fn on_data(conn, data) { if data.equals(\"quit\") || data.text() == \"x\" || data == hex(\"00\") { conn.reset(); } }",
    "fn on_data(conn, data) { let data = data.text(\"gbk\"); if data == \"x\" { conn.close(); } }",
    "fn on_data(conn, data) { let n = data.len(); let i = 0; while i < n { if data[i] == 0 { break; } i += 1; } loop { i -= 1; if i < 0 { return; } } }",
    "fn step() { exit(1) } fn on_start() { loop { step(); } }",
    "fn on_start() { let i = 0; loop { i += 1; if i > 3 { break; } } do { i -= 1; } while i > 0; }",
    "fn on_start() { let n = 0; while true { n += 1; if n > 5 { throw \"done\"; } } }",
    "fn f(x) { if x { return 1; } else { return 2; } } fn on_start() { print(f(true)); }",
    "fn f(x) { x.to_upper() } fn on_start() { let s = f(\"a\"); print(s.sub_string(0, 1)); }",
    "fn f(x) { let y = x; y == 5 } fn on_start() { if f(5) { print(1); } }",
    "const N = 5; fn on_start() { let n = N; n += 1; print(n); } fn g(N) { N = 1; N }",
    "const LIST = [1, 2]; fn on_start() { for x in LIST { print(x); } print(LIST.len()); print(global::LIST); }",
    "fn on_error(conn, err) { log(`${err.kind} ${err.op} ${err.message}`); if conn != () { conn.close(); } }",
    "fn on_close(conn, why) { print(why); if why == \"eof\" { print(conn.bytes_in + conn.bytes_out); } }",
    "fn on_idle(conn, ms) { conn.send(\"still there?\"); print(ms); }",
    "fn on_drain(conn) { conn.resume(); } fn on_data(conn, data) { if conn.queued > 1000 { conn.pause(); } conn.send(data); }",
    "fn on_eof(conn) { conn.send(\"bye\"); conn.shutdown(); }",
    "fn on_stdin(line) { broadcast_line(line); } fn on_stdin_eof() { exit(0); } fn on_signal(name) { print(name); exit(3); } fn on_stop(code) { print(code); } fn on_reload() { print(\"again\"); }",
    "fn on_start() { print(pack(\">IBh4s\", [1, 2, -3, \"ab\"]).hex()); print(hex(\"0001\").unpack(\">H\")); print(pack_size(\">II\")); }",
    "fn on_start() { let r = re(\"^(?<w>\\\\w+)=(.*)$\"); let m = r.find(\"a=b\"); if m != () { print(m.groups[1]); } print(r.replace(\"a=b\", \"${w}\")); print(r.find_all(\"x\").len()); }",
    "fn on_start() { let w = 1; print(re(\"a\").replace(\"a\", \"${w}\")); }",
    "fn on_start() { print(\"costs ${5}\"); print(\"${HOME}\"); }",
    "fn on_start() { print(crc32(\"x\")); print(md5(\"x\").hex()); print(sha256(bytes(\"x\")).b64()); print(xor(\"ab\", 32)); print(hmac_sha256(\"k\", \"x\")); }",
    "fn on_start() { let m = parse_json(\"{\\\"a\\\": [1, null]}\"); print(m.a.len()); print(m.to_json()); }",
    "fn on_start() { let a = [3, 1]; a.sort(|x, y| x - y); let b = a.map(|x| x * 2).filter(|x, i| i > 0); print(b.reduce(|sum, x| sum + x, 0)); a.for_each(|i| print(this)); }",
    "fn on_start() { let a = [3, 1]; let n = a.len(); print(a.map(|x| x + n)); a.retain(|x| x > 1); print(a.some(|x| x == 3) && a.all(|x| x > 0)); }",
    "fn on_start() { app.handlers = #{ after: |a, b| a + b }; print(app.handlers.after(1, 2)); }",
    "fn sleep(n) { n } fn on_start() { print(sleep(1)); }",
    "fn on_start() { if args.len() != 1 { log(\"usage\"); exit(2); } print(args[0]); }",
    "fn on_start() { app.n = 0; app.users = #{}; app.users.bob = 1; app.users[\"eve\"] = 2; print(app.users.keys()); }",
    "fn on_connect(conn) { app.last = conn; } fn on_line(conn, line) { app.last.send_line(line); }",
    "fn on_start() { let text = read_text(\"a.txt\", \"gbk\"); append_file(\"b.txt\", text); print(env(\"HOME\") ?? \"none\"); }",
    "fn on_connect(conn) { conn.send_file(\"a.bin\"); conn.close(); }",
    "fn on_connect(conn) { conn.send([\"a\", hex(\"00\"), \"b\"]); conn.send_hex(\"de ad\"); conn.send_line(\"x\"); conn.log(5); }",
    "fn on_start() { let c = connect(\"unix:/tmp/x\"); c.send(\"x\"); let d = connect(\"[::1]:80\"); d.close(); }",
    "fn on_line(conn, line) { let c = connect(\"a:1\"); c.close(); c = connect(\"a:2\"); c.send(line); }",
    "fn on_line(conn, line) { if line == \"a\" { conn.close(); } else { conn.send(line); } }",
    "fn on_line(conn, line) { conn.send(\"x\"); conn.close(); print(conn.can_send); log(\"closed\"); }",
    "// /* no comment\nfn on_line(conn, line) { /* a /* b */ c */ print(\"/*\"); print(`/* ${line} /*`); print('*'); }",
    "fn on_start() { print(rand()); print(rand(1, 6)); print(choose([1, 2])); print(uuid()); print(now_ms()); print(time()); }",
    "fn on_start() { print(\"{} {}\".fmt(1, 2)); print(\"a\".pad(5, '-') ?? \"\"); }",
    "fn on_start() { let x = if true { 1 } else { 2 }; let y = switch x { 1 => \"a\", _ => \"b\" }; print(y); }",
    "fn on_start() { print(b64(\"aGk=\").text()); print(bytes([1, 255]).dump()); print(blob(4).len()); }",
    "fn on_frame(conn, frame) { conn.send(frame); }",
    "fn on_data(c, d) { c.send(d); } fn on_frame(c, f) { c.send(f); } fn on_connect(c) { c.frame_fixed(3); }",
    "fn on_line(conn, line) { let upper = line.to_upper(); conn.send_line(upper.sub_string(0)); conn.send_line(line.contains(\"x\").to_string()); }",
    "fn on_line(conn, line) { try { conn.send(parse_int(line) + 1); } catch (e) { conn.send_line(`${e}`); } }",
    "fn twice(f, x) { f.call(f.call(x)) } fn on_start() { print(twice(|x| x + 1, 1)); let f = Fn(\"twice\"); print(f.name); }",
    "fn on_start() { let f = |x, y| x + y; print(f.call(1, 2)); let g = f.curry(1); print(g.call(2)); }",
    "fn on_connect(conn) { let peer = conn.peer; conn.after(5, |c| log(`${peer} ${c.age_ms}`)); let own = conn; conn.every(5, |c| own.send(\"x\")); }",
];

#[test]
fn nothing_is_said_about_correct_scripts() {
    let mut wrong = Vec::new();
    for code in CORRECT {
        let found = findings(code);
        if !found.faults.is_empty() || !found.warnings.is_empty() {
            wrong.push(format!("{code}\n   {:?} {:?}", found.faults, found.warnings));
        }
    }
    assert!(CORRECT.len() > 80);
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("scripts");
    let files = std::fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path());
    for file in files.filter(|file| file.extension().is_some_and(|extension| extension == "rhai")) {
        accepted(&std::fs::read_to_string(file).unwrap());
    }
}

#[test]
fn a_long_script_takes_no_longer_for_each_line() {
    // Thousands of unknown names: with a look at the whole text for each, this would not end in minutes.
    let many = |line: &dyn Fn(usize) -> String| (0..2000).map(line).collect::<Vec<_>>().join("\n");
    let texts = [
        format!("fn f(x) {{\n{}\n}}", many(&|n| format!("gone_{n}_name(1);"))),
        format!("fn f(x) {{\n{}\n}}", many(&|n| format!("print(gone_{n}_name);"))),
        format!("fn f(x) {{\n{}\n}}", many(&|n| format!("now_ms({n});"))),
    ];
    for text in texts {
        let found = findings(&text).faults;
        assert_eq!(found.len(), 21);
        assert!(found[0].contains("reply.rhai:2:") && found[20].starts_with("… and "), "{}", found[20]);
    }
}
