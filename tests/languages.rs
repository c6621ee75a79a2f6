//! The language of help and messages, by the locale or by `TCPX_LANG`, and their encoding on a terminal that is not UTF-8.

use std::fs;
use std::path::Path;

use encoding_rs::GBK;

use crate::support::{Done, Folder, Tcpx};

/// Runs tcpx with these variables alone deciding the language; what it writes on stderr is among its stdout.
fn run(variables: &[&str], words: &[&str]) -> Done {
    let env = ["env", "-u", "TCPX_LANG", "-u", "LC_ALL", "-u", "LC_MESSAGES", "-u", "LC_CTYPE", "-u", "LANG"];
    Tcpx::new(words).after_shell("exec 2>&1").under(&[&env[..], variables].concat()).run()
}

/// Checks the exit code; the message, which is elsewhere, is for the caller.
#[track_caller]
fn ends(done: &Done, code: i32) -> &Done {
    assert_eq!(done.status_code(), Some(code), "{}", String::from_utf8_lossy(&done.stdout));
    done
}

#[test]
fn the_help_is_in_the_language_of_the_locale() {
    for (variables, is_chinese) in [
        (&["TCPX_LANG=zh"][..], true),
        (&["LANG=zh_CN.UTF-8"], true),
        (&["LC_ALL=zh_CN.UTF-8", "LANG=C"], true),
        (&["LC_MESSAGES=zh_CN.UTF-8", "LANG=en_US.UTF-8"], true),
        (&["TCPX_LANG=en", "LANG=zh_CN.UTF-8"], false),
        (&["LANG=zh_TW.UTF-8"], false),
        (&["LANG=de_DE.UTF-8"], false),
        (&[], false),
    ] {
        for words in [&["connect", "--help"][..], &["--help"], &["help", "listen"], &["run", "-h"], &["test", "--help"]]
        {
            let done = run(variables, words);
            done.code(0);
            let text = String::from_utf8(done.stdout.clone()).expect("UTF-8");
            let (wanted, other) =
                if is_chinese { ("用法：tcpx", "Usage: tcpx") } else { ("Usage: tcpx", "用法：tcpx") };
            assert!(text.contains(wanted) && !text.contains(other), "{variables:?} {words:?}: {text}");
        }
        let done = run(variables, &[]);
        ends(&done, 2);
        assert_eq!(String::from_utf8_lossy(&done.stdout).contains("用法"), is_chinese, "{variables:?}");
    }
}

#[test]
fn messages_are_in_the_language_of_the_locale() {
    for (variables, line) in [
        (&["TCPX_LANG=zh"][..], "tcpx: 连接 unix:/nonexistent/x：没有这个文件或目录\n"),
        (&["LANG=zh_CN.UTF-8"], "tcpx: 连接 unix:/nonexistent/x：没有这个文件或目录\n"),
        (&["LANG=C"], "tcpx: connect to unix:/nonexistent/x: no such file or directory\n"),
    ] {
        let done = run(variables, &["connect", "unix:/nonexistent/x"]);
        ends(&done, 7).wrote(line);
    }
    let done = run(&["TCPX_LANG=zh"], &["connect", "127.0.0.1", "9", "--encoding", "gkb"]);
    ends(&done, 2);
    assert_eq!(
        String::from_utf8_lossy(&done.stdout),
        "tcpx: 未知的编码 \"gkb\"\n提示：您是不是要 --encoding gbk？tcpx encodings 列出所有编码\n"
    );
}

#[test]
fn what_a_script_throws_stays_as_it_is() {
    let said = |code: &str| {
        let folder = Folder::new();
        let script = folder.file("a.rhai", code.as_bytes());
        let done = run(&["TCPX_LANG=zh"], &["run", script.to_str().expect("UTF-8")]);
        let text = String::from_utf8(done.stdout.clone()).expect("UTF-8");
        text.lines().next().expect("a line").rsplit_once("rhai:").expect("a place").1.to_owned()
    };
    assert_eq!(said("fn main() { /* 中 */ throw \"connection refused\"; }"), "1:21: connection refused");
    assert_eq!(said("fn main() { f(); }\nfn f() {\n  throw \"out of memory\";\n}"), "3:3: out of memory");
    assert_eq!(said("fn main() { frobnicate(1); }"), "1:13: 找不到函数：frobnicate(int)");
    assert_eq!(said("fn main() { rand(3, 1); }"), "1:13: rand(3, 1)：第一个数更大");
}

#[test]
fn a_gbk_terminal_gets_gbk() {
    let done = run(&["LANG=zh_CN.GBK"], &["connect", "--help"]);
    done.code(0);
    let (text, _, is_malformed) = GBK.decode(&done.stdout);
    assert!(text.contains("用法：tcpx connect") && !is_malformed, "{text}");
    let done = run(&["LANG=zh_CN.GBK"], &["connect", "unix:/nonexistent/龙井"]);
    ends(&done, 7).wrote(GBK.encode("tcpx: 连接 unix:/nonexistent/龙井：没有这个文件或目录\n").0);
    // The encoding of the terminal does not depend on the language; what it does not have becomes a question mark.
    let done = run(&["TCPX_LANG=en", "LANG=zh_CN.GBK"], &["connect", "unix:/nonexistent/井😀"]);
    ends(&done, 7).wrote(GBK.encode("tcpx: connect to unix:/nonexistent/井?: no such file or directory\n").0);
}

#[test]
fn what_programs_read_has_no_language() {
    let variables = ["TCPX_LANG=zh", "LC_ALL=zh_CN.GBK"];
    let done = run(&variables, &["connect", "--events", "-", "unix:/nonexistent/x"]);
    assert!(String::from_utf8_lossy(&done.stdout).contains("no such file or directory"), "{:?}", done.stdout);
    let folder = Folder::new();
    let script = folder.file("print.rhai", "fn main() { print(\"你好\"); }".as_bytes());
    run(&variables, &["run", script.to_str().expect("UTF-8")]).code(0).wrote("你好\n");
}

#[test]
fn the_manual_page_is_in_the_language_too() {
    let page = Path::new(env!("CARGO_MANIFEST_DIR")).join("man/zh_CN/tcpx.1");
    run(&["LANG=zh_CN.GBK"], &["man"]).code(0).wrote(fs::read(page).expect("the page"));
}
