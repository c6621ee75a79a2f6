//! Runs the tutorials and the pages about testing and datagrams: writes their files, runs their commands in their terminals,
//! and compares the output with the text.
//!
//! Conventions of all: a block that begins with a comment with a file name is that file; a block
//! `console N` is terminal N, where `$ ` begins a command, `^C` interrupts it, and the rest is the output.
//! Ports from 25501 to 25599 stand for free ones. Other ports of 127.0.0.1, times of day and of tests may be anything.

use std::collections::HashMap;
use std::fs;
use std::net::TcpListener;
use std::os::unix::fs::symlink;
use std::os::unix::process::CommandExt;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use rustix::process::{Pid, Signal, kill_process_group};

use crate::support::{Collected, Folder, installed, missing};

const TUTORIAL: &str = "docs/tutorial.md";
const CHINESE: &str = "docs/zh-CN/tutorial.md";
const TESTING: &str = "docs/testing.md";
const DATAGRAMS: &str = "docs/udp.md";
const RECIPES: &str = "docs/recipes.md";

#[test]
fn the_tutorial_shows_the_actual_output() {
    let (files, commands) = run(TUTORIAL);
    assert!(files > 12 && commands > 30, "{files} files and {commands} commands were found");
}

/// Its first steps are clients and servers in Python.
#[test]
fn the_chinese_tutorial_shows_the_actual_output() {
    if !installed("python3") {
        return missing("python3");
    }
    let (files, commands) = run(CHINESE);
    assert!(files > 15 && commands > 45, "{files} files and {commands} commands were found");
}

#[test]
fn the_page_about_testing_shows_the_actual_output() {
    let (files, commands) = run(TESTING);
    assert!(files > 6 && commands > 12, "{files} files and {commands} commands were found");
}

#[test]
fn the_page_about_datagrams_shows_the_actual_output() {
    if !installed("dig") {
        return missing("dig");
    }
    let (_, commands) = run(DATAGRAMS);
    assert!(commands > 10, "{commands} commands were found");
}

#[test]
fn the_recipes_show_the_actual_output() {
    let peers = ["nc", "curl", "openssl", "logger", "ssh", "git", "rsync", "redis-cli", "dig"];
    if let Some(peer) = peers.into_iter().find(|peer| !installed(peer)) {
        return missing(peer);
    }
    let (_, commands) = run(RECIPES);
    assert!(commands > 150, "{commands} commands were found");
    // Each recipe has a command, so each one has been run.
    let text = read(RECIPES);
    let recipes: Vec<_> = text.split("\n### ").skip(1).collect();
    assert!(recipes.len() >= 79, "{} recipes were found", recipes.len());
    for recipe in recipes {
        assert!(recipe.contains("\n$ "), "nobody runs this: {}", recipe.lines().next().unwrap_or_default());
    }
}

#[test]
fn recipes_are_found_by_what_people_search_for() {
    let text = read(RECIPES).to_lowercase();
    let titles: Vec<_> = text.lines().filter_map(|line| line.strip_prefix("### ")).collect();
    let words = [
        "send a file",
        "wait for a port",
        "printer",
        "9100",
        "smtp",
        "statsd",
        "syslog",
        "scanner",
        "cr",
        "plc",
        "telnet",
        "fifo",
        "ssh",
        "proxycommand",
        "git",
        "rsync",
        "docker",
        "kubernetes",
        "systemd",
        "cron",
        "get",
        "post",
        "https",
        "socks",
        "chat",
        "echo",
        "udp",
        "encoding",
        "hex",
        "json",
        "dns",
        "redis",
        "inetd",
        "health check",
        "banner",
        "broadcast",
        "multicast",
        "scan",
        "allow",
        "deny",
        "reconnect",
        "retry",
        "labels",
        "query",
        "pinned",
        "datagrams",
    ];
    for word in words {
        assert!(titles.iter().any(|title| title.contains(word)), "no recipe is about {word}");
    }
}

#[test]
fn every_row_from_another_tool_is_in_its_test() {
    let text = read(TESTING);
    let tests = blocks(&text).into_iter().find(|block| block.file == Some("moving.rhai")).expect("moving.rhai").text;
    let mut seen = 0;
    for row in text.lines().filter(|line| line.starts_with("| ")) {
        let cells: Vec<_> = row.trim_matches('|').split(" | ").map(str::trim).collect();
        let [from, _, here, test] = cells[..] else { panic!("{row}") };
        let (Some(here), Some(test)) = (code(here), code(test)) else {
            assert_eq!(from, "from", "{row}");
            continue;
        };
        let start = tests.find(&format!("\nfn {test}()")).unwrap_or_else(|| panic!("no {test}: {row}"));
        let body = tests[start + 1..].split("\nfn test_").next().unwrap_or_default();
        assert!(body.contains(here), "{test} does not have it: {row}");
        seen += 1;
    }
    assert!(seen > 15, "only {seen} rows");
}

/// What stands in backquotes.
fn code(cell: &str) -> Option<&str> {
    cell.strip_prefix('`')?.strip_suffix('`')
}

/// Runs the blocks of a page, and returns how many files and commands they have.
fn run(page: &'static str) -> (usize, usize) {
    let text = read(page);
    let folder = Folder::new();
    fs::create_dir(folder.path("bin")).expect("a folder");
    symlink(env!("CARGO_BIN_EXE_tcpx"), folder.path("bin/tcpx")).expect("a link");
    let ports = Ports::new();
    let mut terminals: HashMap<&str, Terminal<'_>> = HashMap::new();
    let (mut files, mut commands) = (0, 0);
    for block in blocks(&text) {
        if let Some(name) = block.file {
            folder.file(name, block.text.as_bytes());
            files += 1;
            continue;
        }
        let Some(number) = block.language.strip_prefix("console ") else {
            panic!("{page}:{}: nobody runs this", block.line)
        };
        for (line, text) in (block.line + 1..).zip(block.text.lines()) {
            if text == "^C" {
                // Readers are not so quick.
                terminals.values_mut().for_each(Terminal::let_end);
            }
            let terminal = terminals.entry(number).or_insert_with(|| Terminal::new(page, folder.path("."), &ports));
            terminal.line = line;
            match text.strip_prefix("$ ") {
                Some(command) => {
                    terminal.start(command);
                    commands += 1;
                }
                None if text == "^C" => terminal.interrupt(),
                None => terminal.expected.push(ports.real(text)),
            }
        }
        terminals.get_mut(number).expect("a block has lines").compare();
    }
    terminals.values_mut().for_each(Terminal::finish);
    (files, commands)
}

#[test]
fn the_scripts_of_all_pages_pass_the_check() {
    use tcpx::testing::{ScriptSource, check};

    let pages = [TUTORIAL, CHINESE, TESTING, RECIPES].map(read);
    let folder = Folder::new();
    for block in pages.iter().flat_map(|page| blocks(page)).filter(|block| block.language == "rhai") {
        let name = block.file.expect("a script has a name");
        let found = check(&ScriptSource::File(folder.file(name, block.text.as_bytes())));
        assert_eq!(found.faults.is_empty() && found.warnings.is_empty(), name != "wrong.rhai", "{name}: {found:?}");
    }
}

fn read(page: &str) -> String {
    fs::read_to_string(Path::new(env!("CARGO_MANIFEST_DIR")).join(page)).expect(page)
}

struct Block<'a> {
    language: &'a str,
    file: Option<&'a str>,
    text: String,
    /// Line of its fence.
    line: usize,
}

fn blocks(text: &str) -> Vec<Block<'_>> {
    let mut blocks = Vec::new();
    let mut lines = text.lines().zip(1..);
    while let Some((line, number)) = lines.next() {
        let Some(language) = line.strip_prefix("```") else { continue };
        let body: Vec<_> = lines.by_ref().map(|(line, _)| line).take_while(|line| *line != "```").collect();
        let first = body.iter().find(|line| !line.starts_with("#!")).copied().unwrap_or_default();
        let file = first.strip_prefix("// ").or_else(|| first.strip_prefix("# "));
        blocks.push(Block { language, file, text: body.join("\n") + "\n", line: number });
    }
    blocks
}

/// The ports of a page and their replacements.
struct Ports(Vec<(String, String)>);

impl Ports {
    /// Free ports outside of the system's ephemeral range, so that no other test gets one of them, nor another page. Below
    /// 30 000, where the pages show the ports of clients.
    fn new() -> Self {
        static NEXT: Mutex<u16> = Mutex::new(0);
        let mut next = NEXT.lock().unwrap_or_else(PoisonError::into_inner);
        let start = (20_000 + (std::process::id() % 800) as u16 * 10).max(*next);
        let shown = 25_501..25_600_u16;
        let is_free = |port: &u16| !shown.contains(port) && TcpListener::bind(("127.0.0.1", *port)).is_ok();
        let mut free = (start..30_000).filter(is_free);
        let pairs = shown.clone().map(|port| (port, free.next().expect("a free port"))).collect::<Vec<_>>();
        *next = pairs.last().map_or(start, |(_, last)| last + 1);
        Self(pairs.into_iter().map(|(shown, real)| (shown.to_string(), real.to_string())).collect())
    }

    fn real(&self, text: &str) -> String {
        self.0.iter().fold(text.to_owned(), |text, (shown, real)| text.replace(shown, real))
    }

    /// A line without the parts that differ between runs.
    fn comparable(&self, line: &str) -> String {
        let mut out = String::new();
        // As Python shows an address.
        let line = line.replace("'127.0.0.1', ", "127.0.0.1:");
        let mut rest = line.as_str();
        while let Some(at) = rest.find("127.0.0.1:") {
            let (before, after) = rest.split_at(at + "127.0.0.1:".len());
            let end = after.find(|c: char| !c.is_ascii_digit()).unwrap_or(after.len());
            let ours = self.0.iter().any(|(_, real)| *real == after[..end]);
            out.push_str(before);
            out.push_str(if ours { &after[..end] } else { "PORT" });
            rest = &after[end..];
        }
        out.push_str(rest);
        let time: String = out.chars().take(13).map(|c| if c.is_ascii_digit() { '0' } else { c }).collect();
        if time == "00:00:00.000 " {
            out.replace_range(..13, "TIME ");
        }
        without_durations(&out)
    }
}

/// A line without the times that tests took: `(12 ms)`, `in 0.03 s`.
fn without_durations(line: &str) -> String {
    let mut words: Vec<_> = line.split(' ').collect();
    for at in 1..words.len() {
        let is_number = words[at - 1].trim_start_matches('(').parse::<f64>().is_ok();
        let is_total = words[at] == "s" && at > 1 && words[at - 2] == "in";
        if is_number && (is_total || matches!(words[at], "ms)" | "s)")) {
            (words[at - 1], words[at]) = ("SOME", "TIME");
        }
    }
    let line = words.join(" ");
    // The same in Chinese.
    match line.split_once("用时 ") {
        Some((before, time)) if time.ends_with(" s") => format!("{before}用时 SOME TIME"),
        _ => line,
    }
}

struct Terminal<'a> {
    page: &'static str,
    folder: PathBuf,
    ports: &'a Ports,
    /// Line number in the page.
    line: usize,
    command: String,
    running: Option<(Child, Collected)>,
    /// The expected output.
    expected: Vec<String>,
}

impl<'a> Terminal<'a> {
    fn new(page: &'static str, folder: PathBuf, ports: &'a Ports) -> Self {
        Self { page, folder, ports, line: 0, command: String::new(), running: None, expected: Vec::new() }
    }

    /// Waits for the previous command, and starts the next one.
    fn start(&mut self, command: &str) {
        self.finish();
        self.command = self.ports.real(command);
        let path = std::env::var("PATH").unwrap_or_default();
        let mut child = Command::new("env")
            .args(["--default-signal=INT,TERM,PIPE", "bash", "-c", &format!("exec 2>&1; {}", self.command)])
            .env("PATH", format!("{}/bin:{path}", self.folder.display()))
            .env("TCPX_LANG", if self.page == CHINESE { "zh" } else { "en" })
            .env("LANG", "C.UTF-8")
            .env_remove("LC_ALL")
            .env_remove("LC_CTYPE")
            .env_remove("LC_MESSAGES")
            .current_dir(&self.folder)
            .process_group(0)
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()
            .expect("bash");
        let out = Collected::of(child.stdout.take());
        self.running = Some((child, out));
    }

    /// Waits for all expected output.
    fn compare(&mut self) {
        let wanted: Vec<_> = self.expected.iter().map(|line| self.ports.comparable(line)).collect();
        let Some((_, out)) = &self.running else {
            assert!(wanted.is_empty(), "{}:{}: nothing runs that could show {wanted:?}", self.page, self.line);
            return;
        };
        let seen = |bytes: &[u8]| -> Vec<String> {
            let text = String::from_utf8_lossy(bytes);
            // A pipe stands for the reader's terminal, and only of a pipe this is said.
            let is_said_of_pipes =
                |line: &str| ["not waiting for stdin", "不再等待标准输入"].iter().any(|text| line.contains(text));
            let lines = text.lines().filter(|line| !is_said_of_pipes(line));
            lines.map(|line| self.ports.comparable(line)).collect()
        };
        let is_complete = |bytes: &[u8]| String::from_utf8_lossy(bytes).matches('\n').count() >= wanted.len();
        let _ = out.wait(is_complete);
        let seen = seen(&out.bytes());
        assert_eq!(seen, wanted, "{}:{}: {}", self.page, self.line, self.command);
    }

    /// Waits for the command to end by itself.
    fn finish(&mut self) {
        if let Some((_, out)) = &self.running {
            let _ = out.wait(|_| false);
        }
        self.compare();
        if let Some((mut child, _)) = self.running.take() {
            let ended = child.try_wait().expect("a child");
            assert!(ended.is_some() || child.wait().is_ok(), "{}:{}", self.page, self.line);
        }
        self.expected.clear();
    }

    /// Gives a command that reads a pipe, and so mostly ends by itself, the time to do so.
    fn let_end(&mut self) {
        let Some((child, _)) = self.running.as_mut().filter(|_| self.command.contains("| tcpx ")) else { return };
        for _ in 0..100 {
            if child.try_wait().expect("a child").is_some() {
                break;
            }
            std::thread::sleep(Duration::from_millis(20));
        }
    }

    fn interrupt(&mut self) {
        self.compare();
        let (child, _) = self.running.as_ref().unwrap_or_else(|| panic!("{}:{}: nothing runs", self.page, self.line));
        kill_process_group(Pid::from_child(child), Signal::INT).expect("a signal");
        self.finish();
    }
}

impl Drop for Terminal<'_> {
    fn drop(&mut self) {
        if let Some((child, _)) = &mut self.running {
            let _ = kill_process_group(Pid::from_child(child), Signal::KILL);
            let _ = child.wait();
        }
    }
}
