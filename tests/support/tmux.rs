//! A terminal as people have it: a shell in tmux, whose keys are pressed and whose screen is read.

use std::fmt::Write as _;
use std::io::Write;
use std::net::SocketAddr;
use std::process::{Command, Output, Stdio};

use super::{Folder, installed, missing, wait_for};

/// A tmux server with one window; it ends with the value.
pub(crate) struct Tmux {
    folder: Folder,
}

/// What the shell shows before each command.
const PROMPT: &str = "sh$";

impl Tmux {
    /// A window of that size; `None`, and a note, where tmux is missing.
    pub(crate) fn start(columns: u16, rows: u16) -> Option<Self> {
        if !installed("tmux") {
            missing("tmux");
            return None;
        }
        let this = Self { folder: Folder::new() };
        let home = this.folder.path("");
        let shell = format!(
            "exec env HOME='{0}' XDG_STATE_HOME='{0}/state' PS1='{PROMPT} ' LC_ALL=C.UTF-8 TCPX_LANG=en bash --norc --noprofile -i",
            home.display().to_string().trim_end_matches('/')
        );
        let (columns, rows) = (columns.to_string(), rows.to_string());
        this.tmux(&["-u", "-f", "/dev/null", "new-session", "-d", "-x", &columns, "-y", &rows, &shell]);
        this.wait(PROMPT);
        this.type_in("before=$(stty -g)");
        this.key("Enter");
        Some(this)
    }

    /// Begins a command line of tcpx in the shell: a connection to that address.
    pub(crate) fn connect(&self, address: SocketAddr, options: &str) {
        self.command(&format!("connect {options} {} {}", address.ip(), address.port()));
    }

    /// Begins a command line of tcpx in the shell, on a screen that is empty but for it.
    pub(crate) fn command(&self, words: &str) {
        self.type_in(&format!("clear; {} {words}", env!("CARGO_BIN_EXE_tcpx")));
        self.key("Enter");
    }

    fn run(&self, words: &[&str], input: &[u8]) -> Output {
        let socket = self.folder.path("tmux");
        let mut command = Command::new("tmux");
        command.arg("-S").arg(socket).args(words).env("LC_ALL", "C.UTF-8").env_remove("TMUX");
        command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped());
        let mut child = command.spawn().expect("tmux");
        child.stdin.take().expect("a pipe").write_all(input).expect("tmux reads");
        child.wait_with_output().expect("tmux ends")
    }

    #[track_caller]
    fn tmux(&self, words: &[&str]) -> String {
        let done = self.run(words, b"");
        assert!(done.status.success(), "{words:?}: {}", String::from_utf8_lossy(&done.stderr));
        String::from_utf8_lossy(&done.stdout).into_owned()
    }

    /// Waits until the program takes each key as it is pressed; until then the terminal edits lines itself.
    #[track_caller]
    pub(crate) fn wait_keys(&self) {
        let name = self.tmux(&["display-message", "-p", "#{pane_tty}"]);
        let terminal = std::fs::File::open(name.trim()).expect("the terminal");
        wait_for("the editor", || {
            let modes = rustix::termios::tcgetattr(&terminal).expect("its modes");
            !modes.local_modes.contains(rustix::termios::LocalModes::ICANON)
        });
    }

    /// Types text.
    pub(crate) fn type_in(&self, text: &str) {
        self.tmux(&["send-keys", "-l", "--", text]);
    }

    /// Presses a key by its name: `Enter`, `C-c`, `BSpace`.
    pub(crate) fn key(&self, name: &str) {
        self.tmux(&["send-keys", name]);
    }

    /// Pastes text, with the marks of a paste if the program has asked for them.
    pub(crate) fn paste(&self, text: &str) {
        let done = self.run(&["load-buffer", "-"], text.as_bytes());
        assert!(done.status.success());
        self.tmux(&["paste-buffer", "-p", "-r"]);
    }

    /// Changes the size of the window.
    pub(crate) fn resize(&self, columns: u16, rows: u16) {
        self.tmux(&["resize-window", "-x", &columns.to_string(), "-y", &rows.to_string()]);
    }

    /// What is on the screen, without spaces at the ends of rows and without empty rows at its end.
    pub(crate) fn screen(&self) -> String {
        let text = self.tmux(&["capture-pane", "-p"]);
        let mut rows = String::new();
        for row in text.lines() {
            let _ = writeln!(rows, "{}", row.trim_end());
        }
        rows.trim_end().to_owned()
    }

    /// Waits until text is on the screen.
    #[track_caller]
    pub(crate) fn wait(&self, text: &str) {
        self.wait_until(text, |screen| screen.contains(text));
    }

    /// Waits until the screen ends with these rows.
    #[track_caller]
    pub(crate) fn wait_end(&self, text: &str) {
        self.wait_until(text, |screen| screen == text || screen.ends_with(&format!("\n{text}")));
    }

    #[track_caller]
    fn wait_until(&self, what: &str, is_so: impl Fn(&str) -> bool) {
        let mut last = String::new();
        let found = std::panic::catch_unwind(std::panic::AssertUnwindSafe(|| {
            wait_for("the screen", || {
                last = self.screen();
                is_so(&last)
            });
        }));
        assert!(found.is_ok(), "wanted:\n{what}\nfound:\n{last}");
    }

    /// Waits for the prompt of the shell after tcpx has ended; returns its status, and whether the terminal edits and shows lines
    /// as before.
    #[track_caller]
    pub(crate) fn status(&self) -> (String, bool) {
        self.wait_until(PROMPT, |screen| screen.ends_with(PROMPT));
        self.type_in(
            "s=$?; clear; [ \"$(stty -g)\" = \"$before\" ] && m=same || m=other; echo status=$s=$m; echo done",
        );
        self.key("Enter");
        self.wait("\ndone\n");
        let screen = self.screen();
        let status = screen.lines().find_map(|row| row.strip_prefix("status=")).unwrap_or_default();
        let (status, modes) = status.split_once('=').unwrap_or_default();
        (status.to_owned(), modes == "same")
    }

    /// The process of the shell.
    pub(crate) fn shell(&self) -> String {
        self.tmux(&["display-message", "-p", "#{pane_pid}"]).trim().to_owned()
    }

    /// A file below the folder of state.
    pub(crate) fn state(&self, name: &str) -> std::path::PathBuf {
        self.folder.path("state").join(name)
    }
}

impl Drop for Tmux {
    fn drop(&mut self) {
        self.run(&["kill-server"], b"");
    }
}
