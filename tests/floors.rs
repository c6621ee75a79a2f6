//! The rules every source file keeps: which module may import which (the floors), where `unsafe` is allowed, what the
//! pure modules may not use, and that a file begins with a description and has at most [`MAX_LINES`] lines.

use std::fs;
use std::path::{Path, PathBuf};

/// Every module with its floor. A floor imports only lower floors; with [`Neighbours::Earlier`], a module also imports
/// the modules before it on its own floor.
const FLOORS: &[(u8, Neighbours, &[&str])] = &[
    (
        0,
        Neighbours::Earlier,
        &["sys", "buffer", "exit", "language", "error", "endpoint", "proxy", "config", "verdicts"],
    ),
    (1, Neighbours::Earlier, &["editor", "codec", "load", "layer", "session"]),
    (2, Neighbours::Strangers, &["net", "script", "output"]),
    (3, Neighbours::Earlier, &["driver"]),
    (4, Neighbours::Earlier, &["bug", "cli", "commands", "process", "lib"]),
    (5, Neighbours::Earlier, &["main"]),
];

#[derive(Clone, Copy, PartialEq, Eq)]
enum Neighbours {
    Earlier,
    Strangers,
}

/// The most lines a file may have, tests included.
const MAX_LINES: usize = 600;

/// The first floor whose modules may wait, print, read clocks and open files. Those below compute: they get time and
/// bytes as arguments, so that their tests need neither.
const FIRST_WITH_EFFECTS: u8 = 2;
/// The module on a pure floor that calls the operating system.
const SYSTEM: &str = "sys";
/// Tests that speak the command line: what they run is what a user would type.
const SPEAKS_COMMAND_LINE: (&str, &str) = ("driver/tests/", "cli");
/// The pure file that may name the type `std::fs::File`, and nothing else of `std::fs`: an open file passes through it.
const NAMES_FILE_TYPE: &str = "session/command.rs";
/// Crates that wait, run scripts, read the clock, draw random numbers or call the operating system.
const CRATES_WITH_EFFECTS: [&str; 7] = ["mio", "rhai", "jiff", "fastrand", "rustix", "socket2", "signal_hook"];
/// Modules of `std` that belong to a process.
const MODULES_WITH_EFFECTS: [&str; 3] = ["thread", "process", "env"];
/// Types of `std` that are open sockets.
const SOCKETS: [&str; 6] = ["TcpStream", "TcpListener", "UdpSocket", "UnixStream", "UnixListener", "UnixDatagram"];
const PRINTING: [&str; 5] = ["println", "eprintln", "print", "eprint", "dbg"];

fn place(module: &str) -> Option<(u8, Neighbours, usize)> {
    FLOORS.iter().find_map(|(floor, neighbours, modules)| {
        modules.iter().position(|name| *name == module).map(|at| (*floor, *neighbours, at))
    })
}

/// The reason that `from` may not import `to`, if there is one.
fn objection(from: &str, to: &str) -> Option<String> {
    if from == to {
        return None;
    }
    let Some((from_floor, _, from_at)) = place(from) else { return Some(format!("{from} has no floor")) };
    let Some((to_floor, neighbours, to_at)) = place(to) else { return Some(format!("{to} has no floor")) };
    let allowed = to_floor < from_floor
        || (to_floor == from_floor && neighbours == Neighbours::Earlier && to_at < from_at)
        // The crate root declares all modules.
        || from == "lib";
    (!allowed).then(|| format!("{from} (floor {from_floor}) imports {to} (floor {to_floor})"))
}

/// The text without comments and string contents, line by line.
pub(crate) fn code(text: &str) -> String {
    let mut out = String::new();
    for line in text.lines() {
        let mut quoted = false;
        let mut before = ' ';
        for (at, letter) in line.char_indices() {
            if !quoted && line[at..].starts_with("//") {
                break;
            }
            // A quote in a character literal does not start a string.
            if letter == '"' && before != '\\' && before != '\'' {
                quoted = !quoted;
            }
            before = if before == '\\' && letter == '\\' { ' ' } else { letter };
            out.push(if quoted { ' ' } else { letter });
        }
        out.push('\n');
    }
    out
}

/// The first names after `root`, for example the modules imported by `crate::`.
pub(crate) fn imports(code: &str, root: &str) -> Vec<String> {
    let mut found = Vec::new();
    for (at, _) in code.match_indices(root) {
        if code[..at].ends_with(|letter: char| letter.is_alphanumeric() || letter == '_') {
            continue;
        }
        let rest = &code[at + root.len()..];
        match rest.strip_prefix('{') {
            None => found.push(first_word(rest)),
            Some(list) => {
                let (mut depth, mut start, mut end) = (0, 0, list.len());
                for (at, letter) in list.char_indices() {
                    match letter {
                        '{' => depth += 1,
                        '}' if depth == 0 => {
                            end = at;
                            break;
                        }
                        '}' => depth -= 1,
                        ',' if depth == 0 => {
                            found.push(first_word(&list[start..at]));
                            start = at + 1;
                        }
                        _ => {}
                    }
                }
                found.push(first_word(&list[start..end]));
            }
        }
    }
    found.retain(|name| !name.is_empty());
    found
}

fn first_word(text: &str) -> String {
    text.trim_start().chars().take_while(|letter| letter.is_alphanumeric() || *letter == '_').collect()
}

fn has_word(code: &str, word: &str) -> bool {
    code.split(|letter: char| !letter.is_alphanumeric() && letter != '_').any(|found| found == word)
}

/// The modules of the crate that a file names by `super::`. The module of `src/a/b.rs` is two below the root, so
/// that `super::super::` is the root there, as `super::` is in `src/a/mod.rs`; modules within a file are deeper still.
fn by_super(path: &str, code: &str) -> Vec<String> {
    let is_root_of_folder = path.ends_with("/mod.rs");
    let depth = path.split('/').count() - usize::from(is_root_of_folder);
    let root = "super::".repeat(depth);
    imports(code, &root).into_iter().filter(|name| place(name).is_some()).collect()
}

/// The effects used by a file on a pure floor.
fn impurities(path: &str, code: &str) -> Vec<String> {
    let mut found = Vec::new();
    for name in CRATES_WITH_EFFECTS.into_iter().filter(|name| has_word(code, name)) {
        found.push(format!("a pure module uses {name}"));
    }
    // Tests may read the clock for an arbitrary start time.
    if !is_test_file(path) {
        let shipped = without_tests(code);
        let reads_clock = has_word(shipped, "SystemTime") || has_path_to("now", shipped);
        if reads_clock || has_word(shipped, "elapsed") {
            found.push("a pure module reads a clock".to_owned());
        }
    }
    let prints = PRINTING.iter().any(|name| code.contains(&format!("{name}!")));
    let streams = imports(code, "io::");
    if prints || streams.iter().any(|name| name == "stdout" || name == "stderr") {
        found.push("a pure module prints".to_owned());
    }
    if streams.iter().any(|name| name == "stdin") {
        found.push("a pure module reads stdin".to_owned());
    }
    let of_std = imports(code, "std::");
    for name in MODULES_WITH_EFFECTS.into_iter().filter(|name| of_std.iter().any(|found| found == name)) {
        found.push(format!("a pure module uses std::{name}"));
    }
    for name in SOCKETS.into_iter().filter(|name| has_word(code, name)) {
        found.push(format!("a pure module uses {name}"));
    }
    let std_fs = imports(code, "std::").iter().filter(|name| *name == "fs").count();
    let of_fs = imports(code, "std::fs::");
    let only_the_type = path == NAMES_FILE_TYPE
        && !code.contains("File::")
        && of_fs.len() == std_fs
        && of_fs.iter().all(|name| name == "File");
    if std_fs > 0 && !only_the_type {
        found.push("a pure module uses std::fs".to_owned());
    }
    found
}

/// Whether the code names a function by a path, `…::name`.
fn has_path_to(name: &str, code: &str) -> bool {
    let path = format!("::{name}");
    let is_whole = |end: usize| !code[end..].starts_with(|letter: char| letter.is_alphanumeric() || letter == '_');
    code.match_indices(&path).any(|(at, _)| is_whole(at + path.len()))
}

fn is_test_file(path: &str) -> bool {
    path.contains("/tests/") || path.ends_with("/tests.rs")
}

/// The code before the tests at its end.
fn without_tests(code: &str) -> &str {
    let marker = "#[cfg(test)]\nmod tests {";
    code.find(marker).map_or(code, |at| &code[..at])
}

/// Violations of the rules for every file: first line and length.
fn faults_of_form(text: &str) -> Vec<String> {
    let mut faults = Vec::new();
    if !text.starts_with("//! ") {
        faults.push("it does not begin with //!".to_owned());
    }
    let lines = text.lines().count();
    if lines > MAX_LINES {
        faults.push(format!("{lines} lines, {MAX_LINES} are the most"));
    }
    faults
}

/// All violations in one file of `src/`.
fn faults(path: &str, text: &str) -> Vec<String> {
    let module = path.split('/').next().unwrap_or_default().trim_end_matches(".rs");
    let code = code(text);
    let mut faults = Vec::new();
    let roots: &[&str] = if module == "main" { &["crate::", "tcpx::"] } else { &["crate::"] };
    if place(module).is_none() {
        faults.push(format!("{module} has no floor"));
    }
    let named = roots.iter().flat_map(|root| imports(&code, root)).chain(by_super(path, &code));
    for name in named {
        // The macro that defines C's `main`.
        let name = match name.as_str() {
            "entry" if module == "main" => "lib".to_owned(),
            _ => name,
        };
        if !(path.starts_with(SPEAKS_COMMAND_LINE.0) && name == SPEAKS_COMMAND_LINE.1) {
            faults.extend(objection(module, &name).filter(|fault| !faults.contains(fault)));
        }
    }
    if module != "sys" && has_word(&code, "unsafe") {
        faults.push("unsafe outside of sys".to_owned());
    }
    if module != SYSTEM && place(module).is_some_and(|(floor, ..)| floor < FIRST_WITH_EFFECTS) {
        faults.extend(impurities(path, &code));
    }
    faults.extend(faults_of_form(text));
    faults.into_iter().map(|fault| format!("src/{path}: {fault}")).collect()
}

pub(crate) fn source_files(folder: &Path, out: &mut Vec<PathBuf>) {
    for entry in fs::read_dir(folder).expect("read a folder") {
        let path = entry.expect("an entry").path();
        if path.is_dir() {
            source_files(&path, out);
        } else if path.extension().is_some_and(|extension| extension == "rs") {
            out.push(path);
        }
    }
}

#[test]
fn every_source_file_keeps_the_rules() {
    let top = Path::new(env!("CARGO_MANIFEST_DIR")).join("src");
    let mut files = Vec::new();
    source_files(&top, &mut files);
    let (mut all, mut seen) = (Vec::new(), 0);
    for file in &files {
        let path = file.strip_prefix(&top).expect("it is below src").to_string_lossy().into_owned();
        let text = fs::read_to_string(file).unwrap_or_else(|error| panic!("read src/{path}: {error}"));
        seen += imports(&code(&text), "crate::").len();
        all.extend(faults(&path, &text));
    }
    assert!(files.len() > 40 && seen > 100, "{} files and {seen} imports are too few to believe", files.len());
    assert!(all.is_empty(), "{}", all.join("\n"));
}

#[test]
fn every_test_and_bench_is_described_and_short() {
    let top = Path::new(env!("CARGO_MANIFEST_DIR"));
    let mut files = Vec::new();
    for folder in ["tests", "benches"] {
        source_files(&top.join(folder), &mut files);
    }
    let mut all = Vec::new();
    for file in &files {
        let path = file.strip_prefix(top).expect("it is below the top").display();
        let text = fs::read_to_string(file).unwrap_or_else(|error| panic!("read {path}: {error}"));
        all.extend(faults_of_form(&text).into_iter().map(|fault| format!("{path}: {fault}")));
    }
    assert!(files.len() > 20, "{} files are too few to believe", files.len());
    assert!(all.is_empty(), "{}", all.join("\n"));
}

#[test]
fn violations_of_the_rules_are_found() {
    let cases = [
        ("net/tcp.rs", "//! x\nuse crate::script::ScriptHandler;", "net (floor 2) imports script (floor 2)"),
        ("script/mod.rs", "//! x\nuse crate::{codec, net::tcp};", "script (floor 2) imports net (floor 2)"),
        ("script/mod.rs", "//! x\nfn f() { crate::output::f() }", "script (floor 2) imports output (floor 2)"),
        ("codec/mod.rs", "//! x\nuse crate::session::Event;", "codec (floor 1) imports session (floor 1)"),
        ("session/mod.rs", "//! x\nuse crate::net::Transport;", "session (floor 1) imports net (floor 2)"),
        ("driver/mod.rs", "//! x\nuse crate::{config, cli};", "driver (floor 3) imports cli (floor 4)"),
        ("driver/tests/mod.rs", "//! x\nuse crate::commands;", "driver (floor 3) imports commands (floor 4)"),
        ("exit.rs", "//! x\nuse crate::error::Error;", "exit (floor 0) imports error (floor 0)"),
        ("net/new.rs", "//! x\nuse crate::nowhere::X;", "nowhere has no floor"),
        ("nowhere.rs", "//! x\nuse crate::config::X;", "nowhere has no floor"),
        ("nowhere/x.rs", "//! x\nfn f() {}", "nowhere has no floor"),
        ("script/mod.rs", "//! x\nuse super::net::tcp;", "script (floor 2) imports net (floor 2)"),
        ("script/x.rs", "//! x\nfn f() { super::super::net::f() }", "script (floor 2) imports net (floor 2)"),
        (
            "session/link/x.rs",
            "//! x\nuse super::super::super::{net, exit};",
            "session (floor 1) imports net (floor 2)",
        ),
        ("exit.rs", "//! x\nuse super::error::Error;", "exit (floor 0) imports error (floor 0)"),
        ("net/tcp.rs", "//! x\nunsafe { f() }", "unsafe outside of sys"),
        ("net/tcp.rs", "use std::io;", "it does not begin with //!"),
    ];
    for (path, text, fault) in cases {
        assert_eq!(faults(path, text), [format!("src/{path}: {fault}")]);
    }
    let long = format!("//! x\n{}", "\n".repeat(MAX_LINES));
    for path in ["net/tcp.rs", "session/tests/long.rs"] {
        assert_eq!(faults(path, &long), [format!("src/{path}: 601 lines, 600 are the most")]);
    }
    assert_eq!(faults_of_form(&long), ["601 lines, 600 are the most"]);
    assert_eq!(faults_of_form("mod a;"), ["it does not begin with //!"]);
    let fine = [
        ("net/tcp.rs", "//! x crate::script, unsafe\n// crate::script\nuse crate::session::eof_policy;"),
        ("cli/mod.rs", "//! x\nconst T: &str = \"unsafe crate::main\";\nuse crate::{config::{A, B}, error};"),
        ("sys/unix.rs", "//! x\nunsafe { f() }"),
        ("driver/tests/mod.rs", "//! x\nuse crate::cli::{self, Action};"),
        ("main.rs", "//! x\nuse tcpx::process::Counting; tcpx::entry!(tcpx::process);"),
        ("session/mod.rs", "//! x\nuse crate::codec::charset; use crate::session::view; #![deny(unsafe_code)]"),
        ("session/link/x.rs", "//! x\nuse super::super::net; use super::script::X;"),
    ];
    for (path, text) in fine {
        assert_eq!(faults(path, text), [""; 0], "{path}");
    }
}

#[test]
fn effects_on_the_pure_floors_are_found() {
    let paths = ["buffer.rs", "config.rs", "codec/new.rs", "layer/new.rs", "session/new.rs", "session/tests/new.rs"];
    let cases = [
        ("use mio::Token;", "uses mio"),
        ("fn f(e: &rhai::Engine) {}", "uses rhai"),
        ("use jiff::Timestamp;", "uses jiff"),
        ("fn f() { println!(\"x\") }", "prints"),
        ("fn f() { eprintln!(\"x\") }", "prints"),
        ("fn f() { print!(\"x\") }", "prints"),
        ("fn f() { dbg!(1); }", "prints"),
        ("fn f() { std::io::stdout(); }", "prints"),
        ("use std::io::{self, Read, stderr};", "prints"),
        ("use std::fs;", "uses std::fs"),
        ("use std::{fs::File, io};", "uses std::fs"),
        ("fn f() { std::fs::read(p) }", "uses std::fs"),
        ("use std::{io, thread};", "uses std::thread"),
        ("fn f() { std::env::var(x) }", "uses std::env"),
        ("use std::process::Command;", "uses std::process"),
        ("use std::net::{SocketAddr, TcpStream};", "uses TcpStream"),
        ("use std::io::{Read, stdin};", "reads stdin"),
        ("fn f() { fastrand::u8(..) }", "uses fastrand"),
    ];
    for path in paths {
        for (code, fault) in cases {
            assert_eq!(
                faults(path, &format!("//! x\n{code}")),
                [format!("src/{path}: a pure module {fault}")],
                "{code}"
            );
        }
    }
    let clocks = [
        "fn f() { Instant::now(); }",
        "fn f() { std::time::Instant::now(); }",
        "use std::time::Instant as Clock; fn f() { Clock::now(); }",
        "fn f() { it.map_or_else(Instant::now, g); }",
        "fn f(at: Instant) { at.elapsed(); }",
        "use std::time::{Duration, SystemTime};",
    ];
    for code in clocks {
        let found = faults("session/new.rs", &format!("//! x\n{code}"));
        assert_eq!(found, ["src/session/new.rs: a pure module reads a clock"], "{code}");
        let in_tests = format!("//! x\nfn f() {{}}\n#[cfg(test)]\nmod tests {{ {code} }}");
        assert_eq!(faults("session/new.rs", &in_tests), [""; 0], "{code}");
        assert_eq!(faults("session/tests/new.rs", &format!("//! x\n{code}")), [""; 0], "{code}");
    }
    for code in ["use std::fs::{File, read};", "use std::fs::File; fn f() { File::open(p); }", "use std::fs;"] {
        let found = faults("session/command.rs", &format!("//! x\n{code}"));
        assert_eq!(found, ["src/session/command.rs: a pure module uses std::fs"], "{code}");
    }
    let fine = [
        ("session/command.rs", "use std::fs::File; struct FileToSend { file: File }"),
        ("sys/unix.rs", "use std::fs; fn f() { std::time::Instant::now(); println!(\"x\") }"),
        ("net/new.rs", "use mio::Token; use std::fs; fn f() { Instant::now(); eprintln!(\"x\") }"),
        (
            "session/new.rs",
            "// println! mio\nuse std::io::{self, Read}; fn f(now: Instant) { self::nowhere::now_or_never() }",
        ),
        ("codec/new.rs", "fn print(offset: usize) { print(stdout) }"),
    ];
    for (path, code) in fine {
        assert_eq!(faults(path, &format!("//! x\n{code}")), [""; 0], "{path}");
    }
}
