//! Runs the commands of README.md as they stand there, each in a network of its own, in which the names of the page are this
//! machine's and every port is free. How each is tried, or why it is not, is in `data/readme.txt`.
//!
//! The Chinese page has the same commands.

use std::fmt::Write as _;
use std::fs;
use std::os::unix::process::CommandExt;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::sync::{Mutex, MutexGuard};
use std::thread;

use rustix::process::{Pid, Signal, kill_process_group};

use crate::support::{Collected, Folder, installed, missing};

const PAGE: &str = "README.md";
const TRIALS: &str = include_str!("data/readme.txt");
/// Commands that are tried at the same time.
const AT_ONCE: usize = 4;

/// Begins a network and a view of the files in which a command is alone. `$1` is the folder, `$2` tcpx.
const ALONE: &str = r#"
ip link set lo up && ip address add 192.0.2.7/32 dev lo && mount --bind "$1/hosts" /etc/hosts &&
    mount --bind "$2" "$1/bin/tcpx" && mount --rbind "$1" /mnt && mount -t tmpfs none /tmp && mount -t tmpfs none /run ||
    { echo refused; exit; }
cd /mnt/work && HOME=$PWD PATH=/mnt/bin:$PATH exec bash ../trial
"#;

const HOSTS: &str = "127.0.0.1 localhost
::1 localhost
127.0.0.1 example.org mail.example mail.example.org db.example.org host there here loghost switch1 proxy one two gate cache db
192.0.2.7 db.internal
";

/// What the trials use.
const HELPERS: &str = r#"
late() { echo "$* does not come"; exit 99; }
# A port that listens, in the tables of the kernel: nobody connects.
up() {
    for try in $(seq 2000); do
        grep -qi "$(printf ':%04X [0-9A-F]*:0000 0A' "$1")" /proc/net/tcp /proc/net/tcp6 && return
        sleep 0.02
    done
    late "a listener on port $1"
}
udp() {
    for try in $(seq 2000); do
        grep -qi "$(printf ':%04X [0-9A-F]*:0000 07' "$1")" /proc/net/udp /proc/net/udp6 && return
        sleep 0.02
    done
    late "a socket on port $1"
}
seen() {
    for try in $(seq 2000); do grep -qsF -- "$2" "$1" && return; sleep 0.02; done
    late "$2 in $1"
}
# A certificate for a name that the machine trusts.
certified() {
    openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:prime256v1 -nodes -days 2 -subj /CN=ours \
        -addext basicConstraints=critical,CA:true -keyout ca-key.pem -out ca.pem &&
    openssl req -newkey ec -pkeyopt ec_paramgen_curve:prime256v1 -nodes -subj "/CN=$1" -keyout key.pem -out request.pem &&
    printf 'subjectAltName=DNS:%s\n' "$1" >extensions &&
    openssl x509 -req -in request.pem -CA ca.pem -CAkey ca-key.pem -CAcreateserial -days 2 -extfile extensions -out cert.pem
    export SSL_CERT_FILE=$PWD/ca.pem
}
"#;

#[test]
fn every_command_of_the_readme_runs() {
    let text = read(PAGE);
    let trials = trials();
    let todo = Mutex::new(matched(&lines(&text), &trials));
    let wrong = Mutex::new(Vec::new());
    let alone = thread::scope(|scope| {
        let work = || {
            while let Some(next) = lock(&todo).pop() {
                match run(&next, &text) {
                    Ok(()) => {}
                    Err(Wrong::NoNetwork) => return false,
                    Err(Wrong::Command(report)) => lock(&wrong).push(report),
                }
            }
            true
        };
        let workers: Vec<_> = (0..AT_ONCE).map(|_| scope.spawn(work)).collect();
        workers.into_iter().all(|worker| worker.join().expect("nobody panics"))
    });
    if !alone {
        return missing("unshare(1) with networks and mounts of its own, or ip(8)");
    }
    let wrong = lock(&wrong);
    assert!(wrong.is_empty(), "{} commands are wrong:\n{}", wrong.len(), wrong.join("\n"));
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().expect("nobody panics with it")
}

/// Why a trial has failed.
enum Wrong {
    /// The system gives no network to it.
    NoNetwork,
    /// With what was seen.
    Command(String),
}

#[test]
fn both_pages_have_the_same_commands() {
    let [english, chinese] = [PAGE, "README.zh-CN.md"].map(|page| {
        let text = read(page);
        lines(&text).into_iter().map(|(line, _)| without_comment(line).to_owned()).collect::<Vec<_>>()
    });
    assert_eq!(english, chinese);
}

#[test]
fn a_comment_is_told_from_what_looks_like_one() {
    for (line, command) in [
        ("a --b  # c", "a --b"),
        ("a 'b # c' \"# d\"  # e", "a 'b # c' \"# d\""),
        ("kill \"$server\"", "kill \"$server\""),
        ("a x#y", "a x#y"),
    ] {
        assert_eq!(without_comment(line), command);
    }
}

fn read(page: &str) -> String {
    fs::read_to_string(Path::new(env!("CARGO_MANIFEST_DIR")).join(page)).expect(page)
}

/// The lines of the blocks of commands, with their numbers.
fn lines(text: &str) -> Vec<(&str, usize)> {
    let mut is_block = false;
    let numbered = text.lines().zip(1..).filter(|(line, _)| {
        if line.starts_with("```") {
            is_block = *line == "```sh";
            return false;
        }
        is_block && !line.is_empty()
    });
    numbered.collect()
}

/// A line without the comment at its end.
fn without_comment(line: &str) -> &str {
    let (mut quote, mut before) = (None, ' ');
    for (at, letter) in line.char_indices() {
        match (quote, letter) {
            (Some(open), letter) if letter == open => quote = None,
            (None, '\'' | '"') => quote = Some(letter),
            (None, '#') if before == ' ' => return line[..at].trim_end(),
            _ => {}
        }
        before = letter;
    }
    line.trim_end()
}

/// How commands are tried: the lines, and the words below them.
struct Trial<'a> {
    commands: Vec<&'a str>,
    notes: Vec<(&'a str, &'a str)>,
}

impl<'a> Trial<'a> {
    fn all(&self, name: &str) -> impl Iterator<Item = &'a str> {
        self.notes.iter().filter(move |note| note.0 == name).map(|note| note.1).collect::<Vec<_>>().into_iter()
    }

    fn code(&self, name: &str) -> String {
        self.all(name).fold(String::new(), |code, line| code + line + "\n")
    }
}

fn trials() -> Vec<Trial<'static>> {
    let text = TRIALS.lines().filter(|line| !line.starts_with('#')).collect::<Vec<_>>();
    let entries = text.split(|line| line.is_empty()).filter(|lines| !lines.is_empty());
    let names = ["before", "listens", "types", "peer", "then", "code", "shows", "gets", "needs", "not run"];
    let entry = |lines: &[&'static str]| {
        let (commands, notes): (Vec<_>, Vec<_>) = lines.iter().partition(|line| line.starts_with("$ "));
        let note = |line: &'static str| {
            let name = names.iter().find(|name| line.strip_prefix(**name).is_some_and(|rest| rest.starts_with(' ')));
            let name = name.unwrap_or_else(|| panic!("nobody understands this: {line}"));
            (*name, &line[name.len() + 1..])
        };
        Trial {
            commands: commands.into_iter().map(|line: &str| &line[2..]).collect(),
            notes: notes.into_iter().map(note).collect(),
        }
    };
    entries.map(entry).collect()
}

/// Commands of the page, and how they are tried.
struct Found<'a> {
    trial: &'a Trial<'a>,
    /// As they stand on the page, comments included.
    text: String,
    line: usize,
}

/// Every command with its trial; each trial is used.
fn matched<'a>(lines: &[(&str, usize)], trials: &'a [Trial<'a>]) -> Vec<Found<'a>> {
    let mut found: Vec<Found<'_>> = Vec::new();
    let mut rest = lines;
    while let Some((line, number)) = rest.first() {
        let begins = |trial: &&Trial<'_>| {
            rest.len() >= trial.commands.len()
                && trial.commands.iter().zip(rest).all(|(command, (line, _))| without_comment(line) == *command)
        };
        let trial = trials.iter().find(begins);
        let trial = trial.unwrap_or_else(|| panic!("{PAGE}:{number}: nobody tries this: {line}"));
        let (these, others) = rest.split_at(trial.commands.len());
        if !found.iter().any(|other| std::ptr::eq(other.trial, trial)) {
            let text = these.iter().fold(String::new(), |text, (line, _)| text + *line + "\n");
            found.push(Found { trial, text, line: *number });
        }
        rest = others;
    }
    for trial in trials {
        let is_used = found.iter().any(|found| std::ptr::eq(found.trial, trial));
        assert!(is_used, "{PAGE} has no such command any more: {}", trial.commands[0]);
    }
    found.retain(|found| found.trial.all("not run").next().is_none());
    found.retain(|found| {
        let absent = found.trial.all("needs").find(|program| !installed(program));
        absent.is_none_or(|program| {
            missing(program);
            false
        })
    });
    found
}

/// Tries commands.
fn run(found: &Found<'_>, page: &str) -> Result<(), Wrong> {
    let (folder, trial) = (Folder::new(), found.trial);
    for name in ["bin", "work"] {
        fs::create_dir(folder.path(name)).expect("a folder");
    }
    folder.file("bin/tcpx", b"");
    folder.file("hosts", HOSTS.as_bytes());
    folder.file("helpers", HELPERS.as_bytes());
    for (name, text) in files(page) {
        folder.file(name, text.as_bytes());
    }
    // The same program, which is built already.
    folder.file("line", found.text.replace("cargo run --release --", "tcpx").as_bytes());
    folder.file("trial", script(trial).as_bytes());
    let path = folder.path(".").canonicalize().expect("the folder");
    let said = in_network(&path);
    if said.starts_with("unshare: ") || said.ends_with("refused\n") {
        return Err(Wrong::NoNetwork);
    }
    let told = |name: &str| fs::read(folder.path(name)).map(|bytes| String::from_utf8_lossy(&bytes).into_owned());
    let told = |name: &str| told(name).unwrap_or_default();
    let (shown, got) = (told("out"), told("answer"));
    let wrong = |what: String| {
        let Found { line, text, .. } = found;
        let report = format!(
            "{PAGE}:{line}: {text}--- {what}\n--- it showed\n{shown}\n--- its peer got\n{got}\n--- besides\n{said}"
        );
        Err(Wrong::Command(report))
    };
    if !said.ends_with("tried\n") {
        return wrong("it has not come to an end".to_owned());
    }
    let code = told("code");
    if let Some(wanted) = trial.all("code").next().or((trial.code("peer").is_empty()).then_some("0"))
        && code.trim() != wanted
    {
        return wrong(format!("the exit code is {}, not {wanted}", code.trim()));
    }
    if let Some(words) = trial.all("shows").find(|words| !shown.contains(words)) {
        return wrong(format!("it does not show {words:?}"));
    }
    if let Some(words) = trial.all("gets").find(|words| !got.contains(words)) {
        return wrong(format!("its peer does not get {words:?}"));
    }
    Ok(())
}

/// The scripts of the page, by their names.
fn files(page: &str) -> Vec<(&str, &str)> {
    let blocks = page.split("\n```rhai\n// ").skip(1).filter_map(|block| block.split("\n```").next());
    blocks.filter_map(|block| block.split_once('\n')).collect()
}

/// What is run within the network.
fn script(trial: &Trial<'_>) -> String {
    let mut text =
        String::from("set -u; . ../helpers; page() { cp \"../$1\" \"$1\"; }\nmkfifo ../stdin; exec 9<>../stdin\n");
    // Writing to a String cannot fail.
    let _ = writeln!(text, "{{ {} :; }} 9>&-", trial.code("before"));
    text += "set -m\nenv --default-signal=INT,TERM,PIPE bash ../line <../stdin >../out 2>&1 9>&- & line=$!\nset +m\n";
    for port in trial.all("listens") {
        let _ = writeln!(text, "{}", if port.starts_with("udp ") { port.to_owned() } else { format!("up {port}") });
    }
    for words in trial.all("types") {
        let _ = writeln!(text, "echo '{words}' >&9");
    }
    if !trial.code("peer").is_empty() {
        let _ =
            writeln!(text, "{{ {} }} >../answer 2>&1 9>&-\nkill -INT -- \"-$line\" 2>/dev/null", trial.code("peer"));
    }
    text += "wait \"$line\"; echo $? >../code\n";
    for code in trial.all("then") {
        let _ = writeln!(text, "{code} || {{ echo 'this is not so: {}'; exit 98; }}", code.replace('\'', "\""));
    }
    text + "echo tried\n"
}

/// Runs the trial of a folder in a network of its own, and returns what the shell says.
fn in_network(folder: &Path) -> String {
    let tcpx = PathBuf::from(env!("CARGO_BIN_EXE_tcpx"));
    // Whatever becomes of the test, this ends.
    let mut child = Command::new("timeout")
        .args([
            "--kill-after=1",
            "150",
            "unshare",
            "-rnmpf",
            "--mount-proc",
            "--kill-child",
            "bash",
            "-c",
            ALONE,
            "bash",
        ])
        .args([folder, &tcpx])
        .env("TCPX_LANG", "en")
        .env("LC_ALL", "C.UTF-8")
        .env_remove("TCPX_OPTIONS")
        .env_remove("XDG_CONFIG_HOME")
        .env_remove("XDG_STATE_HOME")
        .process_group(0)
        .stdin(Stdio::null())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .expect("unshare");
    let (out, err) = (Collected::of(child.stdout.take()), Collected::of(child.stderr.take()));
    let _ = out.wait(|bytes| bytes.ends_with(b"tried\n"));
    let _ = kill_process_group(Pid::from_child(&child), Signal::KILL);
    let _ = child.wait();
    let _ = err.wait(|_| false);
    let _ = out.wait(|_| false);
    err.text() + out.text().as_str()
}
