//! Writing scripts: `tcpx script check` and `tcpx script new`.

use crate::support::peer::Conn;
use crate::support::{Folder, Stdin, Tcpx};

#[test]
fn check_prints_nothing_for_a_correct_script() {
    let folder = Folder::new();
    let script = folder.file("good.rhai", b"fn on_data(conn, data) { conn.send(data); }");
    for script in [script.as_os_str(), "@goodbye".as_ref()] {
        Tcpx::new(&["script", "check"]).arg(script).run().code(0).wrote("").quietly();
    }
}

#[test]
fn check_reports_all_errors() {
    let folder = Folder::new();
    let script = folder.file("bad.rhai", b"fn on_data(conn, data) {\n    conn.sned(1);\n    conn.send();\n}\n");
    let done = Tcpx::new(&["script", "check"]).arg(&script).run();
    let name = script.display();
    let wanted = format!(
        "tcpx: {name}:2:10: unknown function: sned\n    \
             2 |     conn.sned(1);\n      \
               |          ^ did you mean `send`?\n\
         tcpx: {name}:3:10: send cannot be called without arguments\n    \
             3 |     conn.send();\n      \
               |          ^\n\
         hint: it is used as conn.send(x)\n"
    );
    done.code(111).wrote("");
    assert_eq!(done.stderr, wanted);
    // Such a script still loads, because the line may never be reached.
    let (listening, _) = Tcpx::new(&["--script"]).arg(&script).listen();
    drop(listening);
}

#[test]
fn check_takes_several_scripts_and_stdin() {
    let folder = Folder::new();
    let good = folder.file("good.rhai", b"fn on_data(conn, data) { conn.send(data); }");
    let bad = folder.file("bad.rhai", b"fn on_data(conn, data) { conn.sned(1); }");
    let check = || Tcpx::new(&["script", "check"]);
    check().arg(&bad).arg(&good).arg("@echo").run().code(111).said("bad.rhai:1:31: unknown function: sned");
    check().arg(&good).arg(&bad).run().code(111).said("bad.rhai:1:31: unknown function: sned");
    check().arg(&good).args(&["@echo", "@chat"]).run().code(0).quietly();
    let from = |text: &[u8]| check().arg(&good).arg("-").stdin(Stdin::Bytes(text.to_vec())).run();
    from(b"fn on_data(conn, data) { conn.send(data); }").code(0).quietly();
    from(b"fn on_data(conn, data) { conn.sned(1); }").code(111).said("stdin:1:31: unknown function: sned");
    check().args(&["-", "-"]).run().code(2).said("- is given twice");
}

#[test]
fn check_warns_about_escapes_in_backticks() {
    let folder = Folder::new();
    let script = folder.file("warn.rhai", b"fn on_connect(conn) { conn.send(`hi\\r\\n`); }");
    Tcpx::new(&["script", "check"]).arg(&script).run().code(0).wrote("").said(
        "warn.rhai:1:36: \\r\\n in backticks stays as it is written\n    \
         1 | fn on_connect(conn) { conn.send(`hi\\r\\n`); }\n      \
           |                                    ^\n\
         hint: escapes work in double quotes: \"\\r\\n\"\n",
    );
}

#[test]
fn a_new_script_is_correct_and_works() {
    let folder = Folder::new();
    let done = Tcpx::new(&["script", "new"]).run();
    done.code(0).quietly();
    let script = folder.file("new.rhai", &done.stdout);
    Tcpx::new(&["script", "check"]).arg(&script).run().code(0).wrote("").quietly();
    let (listening, address) = Tcpx::new(&["--once", "--script"]).arg(&script).listen();
    let mut conn = Conn::to(address);
    conn.send(b"hello\nbye\nmore\n");
    assert_eq!(conn.read_all(), b"hello\nbye\n");
    drop(conn);
    listening.finish().code(0).said("is gone (closed), 15 bytes received");
}
