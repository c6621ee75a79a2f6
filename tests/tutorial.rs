//! Runs the tutorial and the page about testing: writes their files, runs their commands in their terminals, and compares the
//! output with the text.
//!
//! Conventions of both: a block that begins with a comment with a file name is that file; a block
//! `console N` is terminal N, where `$ ` begins a command, `^C` interrupts it, and the rest is the output.
//! Ports from 25501 to 25599 stand for free ones. Other ports of 127.0.0.1 and times of day may be anything.

use std::collections::HashMap;
use std::fs;
use std::net::TcpListener;
use std::os::unix::fs::symlink;
use std::os::unix::process::CommandExt;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};

use rustix::process::{Pid, Signal, kill_process_group};

use crate::support::{Collected, Folder};

const TUTORIAL: &str = "docs/tutorial.md";

#[test]
fn the_tutorial_shows_the_actual_output() {
    let (files, commands) = run(TUTORIAL);
    assert!(files > 12 && commands > 30, "{files} files and {commands} commands were found");
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
        let terminal = terminals.entry(number).or_insert_with(|| Terminal::new(page, folder.path("."), &ports));
        for (line, text) in (block.line + 1..).zip(block.text.lines()) {
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
        terminal.compare();
    }
    terminals.values_mut().for_each(Terminal::finish);
    (files, commands)
}

#[test]
fn the_scripts_of_the_tutorial_pass_the_check() {
    use tcpx::testing::{ScriptSource, check};

    let text = read(TUTORIAL);
    let folder = Folder::new();
    for block in blocks(&text).into_iter().filter(|block| block.language == "rhai") {
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
    /// Free ports outside of the system's ephemeral range, so that no other test gets one of them.
    fn new() -> Self {
        let start = 20_000 + (std::process::id() % 1000) as u16 * 10;
        let shown = 25_501..25_600_u16;
        let is_free = |port: &u16| !shown.contains(port) && TcpListener::bind(("127.0.0.1", *port)).is_ok();
        let mut free = (start..32_000).filter(is_free);
        let pairs = shown.clone().map(|port| (port.to_string(), free.next().expect("a free port").to_string()));
        Self(pairs.collect())
    }

    fn real(&self, text: &str) -> String {
        self.0.iter().fold(text.to_owned(), |text, (shown, real)| text.replace(shown, real))
    }

    /// A line without the parts that differ between runs.
    fn comparable(&self, line: &str) -> String {
        let mut out = String::new();
        let mut rest = line;
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
        out
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
            let lines = text.lines().filter(|line| !line.contains("not waiting for stdin"));
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
