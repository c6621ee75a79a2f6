//! Completions in the shells themselves: what bash, zsh and fish make of a line when Tab is pressed.

use std::fmt::Write as _;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Child, Command};

use crate::support::pty::Pty;
use crate::support::{Folder, installed, missing, wait_for};

/// A line, and what is there when everything that fits has been put in.
const LINES: &[(&str, &[&str])] = &[
    ("tcpx con", &["config", "connect"]),
    ("tcpx connect -E gb2312", &["gb2312"]),
    ("tcpx connect -E windows-87", &["windows-874"]),
    ("tcpx connect -CE gb18030-2", &["gb18030-2000", "gb18030-2005", "gb18030-2022"]),
    ("tcpx connect --script @ec", &["@echo"]),
    ("tcpx connect --script o", &["one.rhai"]),
    ("tcpx connect --malformed ", &["fail", "replace"]),
    ("tcpx connect db", &["db.example.org"]),
    ("tcpx connect ", &["db.example.org", "gate.example.org"]),
    ("tcpx listen lo", &["localhost"]),
    ("tcpx connect -w ", &[]),
    ("tcpx connect h 80 ", &[]),
    ("tcpx connect --send-file t", &["two.rhai"]),
    ("tcpx connect --allow-read s", &["sub/"]),
    ("tcpx script check o", &["one.rhai"]),
    ("tcpx script check @ec", &["@echo"]),
    ("tcpx run t", &["two.rhai"]),
    ("tcpx test t", &["two.rhai"]),
    ("tcpx script show @ec", &["@echo"]),
    ("tcpx script ", &["check", "list", "new", "show"]),
    ("tcpx help ex", &["exit-codes"]),
    ("tcpx man ", &["tcpx", "tcpx-script"]),
    ("tcpx wait db", &["db.example.org"]),
    ("tcpx scan -w 1 g", &["gate.example.org"]),
    ("tcpx scan -p ", &[]),
    ("tcpx listen --ready-", &["--ready-fd", "--ready-file"]),
    ("tcpx nc ", &[]),
];

#[test]
fn bash_completes() {
    let setup = "bind 'set enable-bracketed-paste off'; bind '\"\\C-xa\": insert-completions'\n\
        dump() { printf '%s\\n' \"$READLINE_LINE\" >> result; }\n\
        bind -x '\"\\C-xt\": dump'\n. completions/tcpx.bash\n";
    check("bash", &["--rcfile", "setup", "-i"], setup);
}

#[test]
fn zsh_completes() {
    let setup = "fpath=($PWD/completions $fpath)\nautoload -U compinit\ncompinit -u -D\n\
        zstyle ':completion:*' completer _complete\n\
        zstyle ':completion:all:*' completer _all_matches _complete\n\
        zstyle ':completion:all:*' insert yes\nzle -C all complete-word _generic\nbindkey '^Xa' all\n\
        dump() { print -r -- \"$BUFFER\" >> result; }\nzle -N dump\nbindkey '^Xt' dump\nbindkey '^U' kill-whole-line\n";
    check("zsh", &["-i"], setup);
}

#[test]
fn fish_completes() {
    if !installed("fish") {
        return missing("fish");
    }
    let folder = folder();
    let mut script = "source completions/tcpx.fish\n".to_owned();
    for (line, _) in LINES {
        let _ = writeln!(script, "echo (complete -C '{line}' | string replace -r '\\t.*' '')");
    }
    folder.file("script", script.as_bytes());
    let output = command("fish", &folder).arg("script").output().expect("fish");
    let text = String::from_utf8_lossy(&output.stdout).into_owned();
    assert_eq!(text.lines().count(), LINES.len(), "{text}{}", String::from_utf8_lossy(&output.stderr));
    for ((line, wanted), found) in LINES.iter().zip(text.lines()) {
        assert_eq!(sorted(found), *wanted, "fish: {line}");
    }
}

// Keys of the editors.
const INSERT_ALL: &[u8] = b"\x18a";
const DUMP: &[u8] = b"\x18t";
const KILL_LINE: &[u8] = b"\x15";

/// Types each line into a shell, has everything put in that fits, and compares.
fn check(shell: &str, words: &[&str], setup: &str) {
    if !installed(shell) {
        return missing(shell);
    }
    let folder = folder();
    for name in ["setup", ".zshrc"] {
        folder.file(name, format!("{setup}PS1='> '\n").as_bytes());
    }
    let mut pty = Pty::new();
    // Without a terminal of its own a shell waits for being put into the foreground.
    let mut command = command("setsid", &folder);
    command.args(["--ctty", shell]).args(words);
    command.stdin(pty.side()).stdout(pty.side()).stderr(pty.side());
    let _shell = Ended(command.spawn().expect(shell));
    // Once it writes what its line is, its editor reads: before, the terminal itself would take the keys.
    pty.type_in(DUMP);
    let result = folder.path("result");
    wait_for("the editor of the shell", || !lines(&result).is_empty());
    for (number, (line, wanted)) in (1..).zip(LINES) {
        pty.type_in(&[line.as_bytes(), INSERT_ALL, DUMP, KILL_LINE].concat());
        wait_for(line, || lines(&result).len() > number);
        let found = lines(&result).pop().unwrap_or_default();
        let start = line.rfind(' ').map_or(0, |at| at + 1);
        let put_in = found.get(start..).unwrap_or_default().replace('\\', "");
        let wanted = if wanted.is_empty() {
            sorted(&line[start..])
        } else {
            wanted.iter().map(|&word| word.to_owned()).collect()
        };
        assert_eq!(sorted(&put_in.replace("sub ", "sub/ ")), wanted, "{shell}: {line}: {found:?}");
    }
}

fn lines(file: &Path) -> Vec<String> {
    fs::read_to_string(file).unwrap_or_default().lines().map(str::to_owned).collect()
}

fn sorted(words: &str) -> Vec<String> {
    let mut words: Vec<_> = words.split_whitespace().map(|word| word.trim_end_matches('=').to_owned()).collect();
    words.sort();
    words
}

/// A home with files, a folder, hosts that ssh knows, and the completions.
fn folder() -> Folder {
    let folder = Folder::new();
    for name in [".ssh", "sub", "completions"] {
        fs::create_dir(folder.path(name)).expect("a folder");
    }
    folder.file("one.rhai", b"");
    folder.file("two.rhai", b"");
    let hosts = "db.example.org ssh-ed25519 AAAA\n[gate.example.org]:2222 ssh-ed25519 AAAA\n\
        |1|abc=|def= ssh-ed25519 AAAA\n@cert-authority *.example.net ssh-ed25519 AAAA\n";
    folder.file(".ssh/known_hosts", hosts.as_bytes());
    let committed = Path::new(env!("CARGO_MANIFEST_DIR")).join("completions");
    for name in ["tcpx.bash", "_tcpx", "tcpx.fish"] {
        fs::copy(committed.join(name), folder.path("completions").join(name)).expect("a completion");
    }
    folder
}

fn command(shell: &str, folder: &Folder) -> Command {
    let home: PathBuf = folder.path(".");
    let mut command = Command::new(shell);
    command
        .current_dir(&home)
        .env("HOME", &home)
        .env("ZDOTDIR", &home)
        .env("TERM", "vt100")
        .env_remove("XDG_CONFIG_HOME");
    command
}

/// A shell that ends with its test.
struct Ended(Child);

impl Drop for Ended {
    fn drop(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}
