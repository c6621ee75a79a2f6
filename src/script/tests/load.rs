//! Loading: which scripts load, and the errors of others.

use std::path::Path;

use super::{Bench, SHORT, conn, print};
use crate::config::{Script, ScriptSource};
use crate::script::ScriptHandler;
use crate::session::{Event, EventMask, Form, Handler};

fn refused(text: &str) -> String {
    match Bench::try_load(text) {
        Ok(_) => panic!("loads: {text}"),
        Err(message) => message,
    }
}

#[test]
fn the_event_mask_follows_the_handlers() {
    let nothing = EventMask { opened: true, closed: true, ..EventMask::default() };
    assert_eq!(Bench::load("").handler.event_mask(&conn(1)), nothing);
    let some = Bench::load("fn on_data(c) {} fn on_eof() {} fn on_error(c) {}").handler.event_mask(&conn(1));
    assert_eq!(some, EventMask { received: Some(Form::Data), eof: true, error: true, ..nothing });
    let text = Bench::load("fn on_data(c) {} fn on_text(c) {} fn on_connect() {} fn on_drain(c) {}");
    let wanted = EventMask { received: Some(Form::Text), drained: true, ..nothing };
    assert_eq!(text.handler.event_mask(&conn(1)), wanted);
    let warning = &text.handler.warnings()[0];
    assert!(warning.ends_with("reply.rhai: on_text takes what is received, on_data is never called"), "{warning}");
    let line = Bench::load("fn on_data(c) {} fn on_text(c) {} fn on_line(c, l) {}");
    assert_eq!(line.handler.event_mask(&conn(1)).received, Some(Form::Line));
    assert!(line.handler.warnings()[0].contains("on_line takes what is received, on_text and on_data are never"));
    assert!(Bench::load("fn on_data(c) {}").handler.warnings().is_empty());
}

#[test]
fn an_unknown_handler_is_reported_with_a_suggestion() {
    assert_eq!(
        refused("// mine\nfn on_dtaa(conn, data) {}"),
        "reply.rhai:2:4: unknown handler: on_dtaa\n    \
             2 | fn on_dtaa(conn, data) {}\n      \
               |    ^ did you mean `on_data`?"
    );
    let hinted = refused("fn on_fnord(conn, frame) {}");
    let lines: Vec<_> = hinted.lines().collect();
    assert_eq!(lines[0], "reply.rhai:1:4: unknown handler: on_fnord");
    assert!(lines[3].starts_with("hint: handlers are on_start, on_listen, on_connect"), "{hinted}");
}

#[test]
fn too_many_parameters_are_reported_with_the_signature() {
    assert_eq!(
        refused("fn on_close(conn, why, more) {}"),
        "reply.rhai:1:4: on_close cannot have 3 parameters\n    \
             1 | fn on_close(conn, why, more) {}\n      \
               |    ^\n\
         hint: fn on_close(conn, why); trailing parameters may be left out"
    );
    assert!(refused("fn on_start(x) {}").contains("on_start cannot have 1 parameter\n"));
    assert!(refused("fn on_eof() {}\nfn on_eof(c) {}").starts_with("reply.rhai:2:4: on_eof is defined twice\n"));
    assert!(refused("private fn on_eof() {}").contains("on_eof is a handler and cannot be private"));
}

#[test]
fn syntax_errors_have_positions() {
    assert_eq!(
        refused("fn on_data(c, d) {\n\tlet x = \"名字\"; match x\n}"),
        "reply.rhai:2:16: 'match' is a reserved keyword\n    \
             2 |     let x = \"名字\"; match x\n      \
               |                     ^\n\
         hint: it is switch x { 1 => .., _ => .. }"
    );
    assert!(refused("let x = \"abc").starts_with("reply.rhai:1:9: open string is not terminated\n"));
    assert!(refused("fn f() {\n  1").contains("reply.rhai:2:"));
    assert!(refused("fn f() { eval(\"1\") }").contains("reply.rhai:1:10: "));
}

#[test]
fn unknown_variables_have_a_hint() {
    assert_eq!(
        refused("let count = 0;\nfn on_connect(conn) {\n    count += 1;\n}"),
        "reply.rhai:3:5: unknown variable: count\n    \
             3 |     count += 1;\n      \
               |     ^\n\
         hint: functions do not see top-level variables; use app.count"
    );
    assert!(
        refused("const T = blob(4); fn f() { T }").ends_with("hint: a computed constant is global::T in functions")
    );
    assert!(refused("fn on_data(conn, data) { dta }").ends_with("^ did you mean `data`?"));
    assert!(refused("fn f() { zzzzzzz }").ends_with('^'));
    assert!(refused("fn f() { util::run() }").ends_with("hint: import \"util\" as util;"));
    Bench::load("fn f() { let h = g; h.call(f) } fn g(x) { }");
    Bench::load("fn f() { app.x = args[0]; let y = |z| z + app.x; y.call(1) }");
}

#[test]
fn constants_and_imports_are_visible_and_the_top_level_runs_once() {
    let folder = tempfile::tempdir().unwrap();
    write(folder.path(), "util.rhai", "const U = 7; fn seven() { U } fn count() { app.n += 1; app.n }");
    write(
        folder.path(),
        "main.rhai",
        "import \"util\" as u;\nconst K = 3;\nconst T = blob(2);\nprint(\"top\");\n\
         fn on_start() { app.n = 1; print(K); helper(); }\n\
         fn helper() { print(K + global::K + global::T.len()); print(u::seven()); print(u::count()); print(args); }",
    );
    let mut bench =
        Bench::try_open(ScriptSource::File(folder.path().join("main.rhai"))).unwrap_or_else(|m| panic!("{m}"));
    let wanted = ["top", "3", "8", "7", "2", "[\"one\", \"two\"]"].map(print);
    assert_eq!(bench.start(), wanted);
    assert_eq!(bench.start()[0], print("3"), "the top level ran once");
}

#[test]
fn errors_at_the_top_level_are_load_errors() {
    assert!(refused("let x = [1];\nx[5];").starts_with("reply.rhai:2:"));
    assert!(refused("exit(3);").contains("exit() while the script is loading: call it in on_start"));
    let endless = Bench::try_load_with("loop {}", SHORT).err().unwrap();
    assert!(endless.starts_with("reply.rhai:1:6: loading ran longer than 50ms and was stopped\n"), "{endless}");
}

#[test]
fn imports_stay_in_the_folder() {
    let outer = tempfile::tempdir().unwrap();
    write(outer.path(), "out.rhai", "fn x() {}");
    let folder = outer.path().join("in");
    std::fs::create_dir_all(folder.join("lib")).unwrap();
    std::os::unix::fs::symlink("../out.rhai", folder.join("link.rhai")).unwrap();
    write(&folder, "lib/a.rhai", "import \"b\" as b; fn f() { b::g() }");
    write(&folder, "lib/b.rhai", "fn g() { print(\"g\") }");
    write(&folder, "round.rhai", "import \"./round2.rhai\" as r;");
    write(&folder, "round2.rhai", "import \"round\" as r;");
    write(&folder, "self.rhai", "import \"main\" as r;");
    write(&folder, "broken.rhai", "fn f() {}\nlet x = ;");
    write(&folder, "vars.rhai", "let n = 1; fn f() { n }");
    let load = |import: &str| {
        write(&folder, "main.rhai", &format!("import \"{import}\" as m; fn on_start() {{ m::f() }}"));
        let loaded = Bench::try_open(ScriptSource::File(folder.join("main.rhai")));
        loaded.map_err(|message| message.replace(&format!("{}/", folder.display()), ""))
    };
    let no = |import: &str| load(import).err().unwrap_or_else(|| panic!("{import} loads"));

    assert_eq!(load("lib/a").unwrap_or_else(|m| panic!("{m}")).start(), [print("g")]);
    let below = "only files at or below the script's folder can be imported";
    for path in ["../out", "lib/../../out", "/etc/passwd"] {
        assert!(no(path).starts_with(&format!("main.rhai:1:8: import \"{path}\": {below}\n")), "{}", no(path));
    }
    assert!(no("link").contains("import \"link\": it is outside of the script's folder"));
    assert!(no("none").contains("import \"none\": no such file or directory"));
    assert!(no("lib").contains("import \"lib\": no such file or directory"));
    assert!(no("round").contains("the imports go round in a circle: round.rhai → round2.rhai → round.rhai"));
    assert!(
        no("self").contains("the imports go round in a circle: main.rhai → self.rhai → main.rhai"),
        "{}",
        no("self")
    );
    assert_eq!(
        no("broken"),
        "broken.rhai:2:9: unexpected ';'\n    2 | let x = ;\n      |         ^\n    in broken.rhai, imported at main.rhai:1:8"
    );
    assert!(no("vars").contains("vars.rhai:1:21: unknown variable: n"));
}

#[test]
fn an_import_in_a_function_is_found_beside_its_own_file() {
    let folder = tempfile::tempdir().unwrap();
    std::fs::create_dir(folder.path().join("lib")).unwrap();
    write(folder.path(), "lib/a.rhai", "fn f() { import \"b\" as b; b::g() }");
    write(folder.path(), "lib/b.rhai", "fn g() { nosuch() }");
    write(folder.path(), "reply.rhai", "import \"lib/a\" as a;\nfn on_connect(c) { a::f() }");
    let mut bench =
        Bench::try_open(ScriptSource::File(folder.path().join("reply.rhai"))).unwrap_or_else(|m| panic!("{m}"));
    let message = bench.fail(&conn(1), Event::Opened).replace(&format!("{}/", folder.path().display()), "");
    assert_eq!(
        message,
        "lib/b.rhai:1:10: function not found: nosuch()\n    1 | fn g() { nosuch() }\n      |          ^\n    \
         in g(), called at lib/a.rhai:1:30\n    in f(), called at reply.rhai:2:23"
    );
}

#[test]
fn scripts_without_a_folder_import_nothing() {
    let source = ScriptSource::OnData("import \"x\" as x;".into());
    let mut bench = Bench::try_open(source).unwrap_or_else(|m| panic!("{m}"));
    let message = bench.fail(&conn(1), Event::Data(vec![1]));
    assert!(message.starts_with("--on-data:1:8: only a script in a file can import others\n"), "{message}");
}

#[test]
fn an_unknown_builtin_is_reported_with_a_suggestion() {
    let open = |name: &str| Bench::try_open(ScriptSource::Builtin(name.into())).err().unwrap_or_default();
    assert_eq!(open("ecoh"), "no built-in script has the name @ecoh\nhint: did you mean @echo?");
    assert!(open("zzzzzz\x1b").starts_with("no built-in script has the name @zzzzzz\\x1b\nhint: there are @binary, "));
}

#[test]
fn a_missing_file_is_a_load_error_with_its_own_exit_code() {
    let script = Script::new(ScriptSource::File("/no/such\x1b[31m.rhai".into()));
    let error = ScriptHandler::load(&script).err().unwrap();
    assert_eq!(error.to_string(), "read /no/such\\x1b[31m.rhai: no such file or directory");
    assert_eq!(error.exit().code(), 111);
}

fn write(folder: &Path, name: &str, text: &str) {
    std::fs::write(folder.join(name), text).unwrap();
}
