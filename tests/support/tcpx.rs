//! `Tcpx`: a command line of the binary, built step by step and started.

use std::ffi::{OsStr, OsString};
use std::io::{Seek, Write};
use std::net::SocketAddr;
use std::os::fd::OwnedFd;
use std::process::{Command, Stdio};
use std::thread;

use super::peer::{Conn, Server};
use super::running::{Done, Running};
use super::{Role, wait_for};

/// The kind of stdin.
pub(crate) enum Stdin {
    /// `/dev/null`.
    Null,
    /// A pipe with these bytes, then closed.
    Bytes(Vec<u8>),
    /// A pipe that stays open until [`Running::close_stdin`].
    Open,
    /// A descriptor: a file, a terminal, a directory.
    Fd(OwnedFd),
    /// Descriptor 0 is closed.
    Closed,
}

impl Stdin {
    /// A pipe with these bytes, then closed.
    pub(crate) fn bytes(bytes: &[u8]) -> Self {
        Self::Bytes(bytes.to_vec())
    }

    /// A regular file.
    pub(crate) fn file(bytes: &[u8]) -> Self {
        let mut file = tempfile::tempfile().expect("a temporary file");
        file.write_all(bytes).and_then(|()| file.rewind()).expect("write to a temporary file");
        Self::Fd(file.into())
    }
}

/// The kind of stdout.
pub(crate) enum Stdout {
    /// A pipe, read continuously.
    Collected,
    /// A descriptor: a file, a terminal, or a pipe with the reader in the test.
    Fd(OwnedFd),
    /// Descriptor 1 is closed.
    Closed,
}

/// A command line of tcpx.
pub(crate) struct Tcpx {
    program: OsString,
    args: Vec<OsString>,
    wrap: Vec<OsString>,
    stdin: Stdin,
    stdout: Stdout,
    stderr: Option<OwnedFd>,
}

impl Tcpx {
    /// Builds a command line; stdin is `/dev/null`, stdout and stderr are collected.
    pub(crate) fn new<S: AsRef<OsStr>>(args: &[S]) -> Self {
        Self::other(env!("CARGO_BIN_EXE_tcpx"), args)
    }

    /// The same for another program.
    pub(crate) fn other<S: AsRef<OsStr>>(program: &str, args: &[S]) -> Self {
        let program = program.into();
        let args = args.iter().map(|word| word.as_ref().to_owned()).collect();
        Self { program, args, wrap: Vec::new(), stdin: Stdin::Null, stdout: Stdout::Collected, stderr: None }
    }

    /// Adds an argument.
    pub(crate) fn arg(mut self, word: impl AsRef<OsStr>) -> Self {
        self.args.push(word.as_ref().to_owned());
        self
    }

    /// Adds arguments.
    pub(crate) fn args(mut self, words: &[&str]) -> Self {
        self.args.extend(words.iter().map(OsString::from));
        self
    }

    pub(crate) fn stdin(mut self, stdin: Stdin) -> Self {
        self.stdin = stdin;
        self
    }

    pub(crate) fn stdout(mut self, stdout: Stdout) -> Self {
        self.stdout = stdout;
        self
    }

    /// stderr goes to this descriptor instead of being collected.
    pub(crate) fn stderr(mut self, fd: OwnedFd) -> Self {
        self.stderr = Some(fd);
        self
    }

    /// Starts it by another program, which has to exec it.
    pub(crate) fn under<S: AsRef<OsStr>>(mut self, words: &[S]) -> Self {
        let words = words.iter().map(|word| word.as_ref().to_owned());
        self.wrap.splice(0..0, words);
        self
    }

    /// Runs shell commands in the process before it: limits, traps, redirections.
    pub(crate) fn after_shell(self, preparation: &str) -> Self {
        self.under(&["sh".to_owned(), "-c".to_owned(), format!("{preparation}\nexec \"$@\""), "sh".to_owned()])
    }

    /// With default actions for the signals under test, because the parent of the tests may ignore some of them.
    pub(crate) fn with_default_signals(self) -> Self {
        self.under(&["env", "--default-signal=INT,QUIT,TERM,HUP,PIPE"])
    }

    /// Starts it.
    pub(crate) fn spawn(mut self) -> Running {
        if matches!(self.stdin, Stdin::Closed) {
            self = self.after_shell("exec <&-");
        }
        if matches!(self.stdout, Stdout::Closed) {
            self = self.after_shell("exec >&-");
        }
        let mut words = self.wrap;
        words.push(self.program);
        words.extend(self.args);
        let line = words.iter().map(|word| word.to_string_lossy()).collect::<Vec<_>>().join(" ");

        let mut command = Command::new(&words[0]);
        // Lines are edited in tests that say so.
        command.env("TERM", "dumb");
        // The tests read English, wherever they run.
        command.args(&words[1..]).env("TCPX_LANG", "en").env("XDG_CONFIG_HOME", "/dev/null").env_remove("TCPX_OPTIONS");
        let bytes = match self.stdin {
            Stdin::Null | Stdin::Closed => {
                command.stdin(Stdio::null());
                None
            }
            Stdin::Fd(fd) => {
                command.stdin(fd);
                None
            }
            Stdin::Open => {
                command.stdin(Stdio::piped());
                None
            }
            Stdin::Bytes(bytes) => {
                command.stdin(Stdio::piped());
                Some(bytes)
            }
        };
        match self.stdout {
            Stdout::Collected => command.stdout(Stdio::piped()),
            Stdout::Fd(fd) => command.stdout(fd),
            Stdout::Closed => command.stdout(Stdio::null()),
        };
        match self.stderr {
            Some(fd) => command.stderr(fd),
            None => command.stderr(Stdio::piped()),
        };
        let mut child = command.spawn().unwrap_or_else(|error| panic!("start {line}: {error}"));
        drop(command);
        if let Some(bytes) = bytes {
            let mut pipe = child.stdin.take().expect("stdin is a pipe");
            // tcpx may end before it has read everything, so a failed write is ignored.
            thread::spawn(move || pipe.write_all(&bytes));
        }
        Running::new(child, line)
    }

    /// Starts it and waits for its end.
    pub(crate) fn run(self) -> Done {
        self.spawn().finish()
    }

    /// Starts `tcpx listen` with these options on a free port of 127.0.0.1.
    pub(crate) fn listen(self) -> (Running, SocketAddr) {
        let mut running = self.in_role(&["listen"], &["127.0.0.1", "0"]).spawn();
        let address = running.address();
        (running, address)
    }

    /// The same for a test that does not connect to it, so it does not wait for the address.
    pub(crate) fn listen_unheard(self) -> Running {
        self.in_role(&["listen"], &["127.0.0.1", "0"]).spawn()
    }

    /// Starts `tcpx connect` with these options to an address.
    pub(crate) fn connect(self, address: SocketAddr) -> Running {
        self.in_role(&["connect"], &[&address.ip().to_string(), &address.port().to_string()]).spawn()
    }

    /// Starts it in a role, and returns it with the other end of its connection.
    pub(crate) fn pair(self, role: Role) -> (Running, Conn) {
        match role {
            Role::Connect => {
                let server = Server::start();
                let running = self.connect(server.address);
                let conn = server.accept();
                (running, conn)
            }
            Role::Listen => {
                let (running, address) = self.listen();
                (running, Conn::to(address))
            }
        }
    }

    /// The same for a run with a time limit: `None` if it ended before the connection was established.
    pub(crate) fn try_pair(self, role: Role) -> Option<(Running, Conn)> {
        match role {
            Role::Connect => {
                let server = Server::start();
                let mut running = self.connect(server.address);
                let mut conn = None;
                wait_for("a client or its end", || {
                    conn = server.try_accept();
                    conn.is_some() || !running.is_running()
                });
                conn.map(|conn| (running, conn))
            }
            Role::Listen => {
                let running = self.listen_unheard();
                let address = running.try_address()?;
                Conn::try_to(address).ok().map(|conn| (running, conn))
            }
        }
    }

    /// Puts the command before the options and the address after them.
    fn in_role(mut self, before: &[&str], after: &[&str]) -> Self {
        self.args.splice(0..0, before.iter().map(OsString::from));
        self.args.extend(after.iter().map(OsString::from));
        self
    }
}
