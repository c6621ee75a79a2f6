//! What the black-box tests stand on: `Tcpx` starts the binary and says everything about it when a test fails,
//! `peer` is the other end, `pty` a terminal.
//!
//! Rules: no fixed ports; nobody sleeps to wait for something, conditions have deadlines; every child is killed
//! when its test ends; a peer that is not installed is never passed over in silence.

pub(crate) mod peer;
pub(crate) mod pty;

use std::ffi::{OsStr, OsString};
use std::fmt::Write as _;
use std::fs::File;
use std::io::{Read, Seek, Write};
use std::net::SocketAddr;
use std::os::fd::OwnedFd;
use std::os::unix::process::ExitStatusExt;
use std::path::PathBuf;
use std::process::{Child, ChildStdin, Command, ExitStatus, Stdio};
use std::sync::{Arc, Condvar, Mutex, MutexGuard};
use std::thread;
use std::time::{Duration, Instant};

use rustix::process::{Pid, Resource, Rlimit, Signal, getrlimit, kill_process, prlimit};

use peer::{Conn, Server};

/// The deadline of everything that has to happen: long, because machines are slow and tests run side by side.
pub(crate) const PATIENCE: Duration = Duration::from_secs(30);
/// How long a test looks where nothing may happen.
pub(crate) const SILENCE: Duration = Duration::from_millis(300);

/// Waits until something is so.
pub(crate) fn wait_for(what: &str, mut is_so: impl FnMut() -> bool) {
    let deadline = Instant::now() + PATIENCE;
    while !is_so() {
        assert!(Instant::now() < deadline, "waited {PATIENCE:?} in vain for {what}");
        thread::sleep(Duration::from_millis(5));
    }
}

/// Waits until a number has stopped to grow (nothing moves any more), and says where it stopped.
pub(crate) fn wait_for_standstill(what: &str, number: impl Fn() -> u64) -> u64 {
    let (mut last, mut since) = (number(), Instant::now());
    wait_for(what, || {
        let now = number();
        if now != last {
            (last, since) = (now, Instant::now());
        }
        since.elapsed() > Duration::from_millis(500)
    });
    last
}

/// Bytes that look random, the same for the same seed.
pub(crate) fn noise(length: usize, seed: u64) -> Vec<u8> {
    let mut state = seed.wrapping_mul(0x9E37_79B9_7F4A_7C15) | 1;
    let mut bytes = Vec::with_capacity(length + 8);
    while bytes.len() < length {
        state ^= state << 13;
        state ^= state >> 7;
        state ^= state << 17;
        bytes.extend_from_slice(&state.to_le_bytes());
    }
    bytes.truncate(length);
    bytes
}

/// Compares without printing megabytes.
#[track_caller]
pub(crate) fn assert_same(found: &[u8], wanted: &[u8], what: &str) {
    if found == wanted {
        return;
    }
    let at = found.iter().zip(wanted).take_while(|(a, b)| a == b).count();
    let show = |bytes: &[u8]| bytes[at.min(bytes.len())..].iter().take(60).copied().collect::<Vec<_>>();
    panic!(
        "{what}: {} bytes found, {} wanted, different from byte {at} on\nfound:  \"{}\"\nwanted: \"{}\"",
        found.len(),
        wanted.len(),
        show(found).escape_ascii(),
        show(wanted).escape_ascii(),
    );
}

/// Something this machine lacks: a note here, a failure where everything has to be tested (`CI=true`).
pub(crate) fn missing(what: &str) {
    assert!(std::env::var_os("CI").is_none(), "{what} is missing, and with CI set nothing may be left out");
    // Past the capture of the test harness, so that it is seen in a good run, too.
    let _ = writeln!(std::io::stderr(), "NOTE: not tested here, because {what} is missing");
}

/// Whether a program is installed.
pub(crate) fn installed(program: &str) -> bool {
    let path = std::env::var_os("PATH").unwrap_or_default();
    std::env::split_paths(&path).any(|folder| folder.join(program).is_file())
}

/// Which end of the connection tcpx is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Role {
    Connect,
    Listen,
}

pub(crate) const BOTH: [Role; 2] = [Role::Connect, Role::Listen];

/// What stdin is.
pub(crate) enum Stdin {
    /// `/dev/null`.
    Null,
    /// A pipe that gives these bytes and ends.
    Bytes(Vec<u8>),
    /// A pipe that stays open until [`Running::close_stdin`].
    Open,
    /// A descriptor: a file, a terminal, a directory.
    Fd(OwnedFd),
    /// No descriptor 0.
    Closed,
}

impl Stdin {
    /// A pipe that gives these bytes and ends.
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

/// What stdout is.
pub(crate) enum Stdout {
    /// A pipe, read all the time.
    Collected,
    /// A descriptor: a file, a pipe whose other end the test holds, a terminal.
    Fd(OwnedFd),
    /// No descriptor 1.
    Closed,
}

/// A command line of tcpx to be started.
pub(crate) struct Tcpx {
    program: OsString,
    args: Vec<OsString>,
    wrap: Vec<OsString>,
    stdin: Stdin,
    stdout: Stdout,
    stderr: Option<OwnedFd>,
}

impl Tcpx {
    /// Starts a command line; stdin is `/dev/null`, stdout and stderr are collected.
    pub(crate) fn new<S: AsRef<OsStr>>(args: &[S]) -> Self {
        Self::other(env!("CARGO_BIN_EXE_tcpx"), args)
    }

    /// Another program, to be started and watched in the same way.
    pub(crate) fn other<S: AsRef<OsStr>>(program: &str, args: &[S]) -> Self {
        let program = program.into();
        let args = args.iter().map(|word| word.as_ref().to_owned()).collect();
        Self { program, args, wrap: Vec::new(), stdin: Stdin::Null, stdout: Stdout::Collected, stderr: None }
    }

    /// Adds a word.
    pub(crate) fn arg(mut self, word: impl AsRef<OsStr>) -> Self {
        self.args.push(word.as_ref().to_owned());
        self
    }

    /// Adds words.
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

    /// Starts it through another program, which has to exec it.
    pub(crate) fn under<S: AsRef<OsStr>>(mut self, words: &[S]) -> Self {
        let words = words.iter().map(|word| word.as_ref().to_owned());
        self.wrap.splice(0..0, words);
        self
    }

    /// Lets a shell prepare the process: limits, traps, redirections.
    pub(crate) fn after_shell(self, preparation: &str) -> Self {
        self.under(&["sh".to_owned(), "-c".to_owned(), format!("{preparation}\nexec \"$@\""), "sh".to_owned()])
    }

    /// With the default action for every signal that matters: whoever runs the tests may ignore some of them.
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
        command.args(&words[1..]);
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
        let mut stdin = child.stdin.take();
        if let Some(bytes) = bytes {
            let mut pipe = stdin.take().expect("stdin is a pipe");
            // tcpx may leave before it has read everything: that is not this thread's business.
            thread::spawn(move || pipe.write_all(&bytes));
        }
        let out = Collected::of(child.stdout.take());
        let err = Collected::of(child.stderr.take());
        Running { child, line, stdin, out, err, status: None }
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

    /// Starts `tcpx connect` with these options to an address.
    pub(crate) fn connect(self, address: SocketAddr) -> Running {
        self.in_role(&["connect"], &[&address.ip().to_string(), &address.port().to_string()]).spawn()
    }

    /// Starts it in a role with these options, and gives the test the other end of its connection.
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

    /// Puts the command before the options and the place behind them.
    fn in_role(mut self, before: &[&str], after: &[&str]) -> Self {
        self.args.splice(0..0, before.iter().map(OsString::from));
        self.args.extend(after.iter().map(OsString::from));
        self
    }
}

/// Output that a thread collects.
#[derive(Clone)]
pub(crate) struct Collected(Arc<(Mutex<Gathered>, Condvar)>);

#[derive(Default)]
struct Gathered {
    bytes: Vec<u8>,
    ended: bool,
}

impl Collected {
    pub(crate) fn of<R: Read + Send + 'static>(source: Option<R>) -> Self {
        let this = Self(Arc::default());
        let Some(mut source) = source else {
            this.lock().ended = true;
            return this;
        };
        let copy = this.clone();
        thread::spawn(move || {
            let mut buffer = vec![0; 64 << 10];
            loop {
                match source.read(&mut buffer) {
                    Ok(n) if n > 0 => copy.lock().bytes.extend_from_slice(&buffer[..n]),
                    Err(error) if error.kind() == std::io::ErrorKind::Interrupted => {}
                    _ => break,
                }
                copy.0.1.notify_all();
            }
            copy.lock().ended = true;
            copy.0.1.notify_all();
        });
        this
    }

    fn lock(&self) -> MutexGuard<'_, Gathered> {
        self.0.0.lock().expect("a collecting thread does not panic")
    }

    pub(crate) fn bytes(&self) -> Vec<u8> {
        self.lock().bytes.clone()
    }

    pub(crate) fn text(&self) -> String {
        String::from_utf8_lossy(&self.lock().bytes).into_owned()
    }

    /// Waits until the bytes so far are as wanted; `false` if the stream has ended or time is up before.
    pub(crate) fn wait(&self, is_so: impl Fn(&[u8]) -> bool) -> bool {
        let mut gathered = self.lock();
        let deadline = Instant::now() + PATIENCE;
        loop {
            let left = deadline.saturating_duration_since(Instant::now());
            if is_so(&gathered.bytes) {
                return true;
            }
            if gathered.ended || left.is_zero() {
                return false;
            }
            gathered = self.0.1.wait_timeout(gathered, left).expect("a collecting thread does not panic").0;
        }
    }

    fn wait_for_end(&self) {
        let gathered = self.lock();
        let _ = self.0.1.wait_timeout_while(gathered, Duration::from_secs(5), |gathered| !gathered.ended);
    }
}

/// A tcpx that runs. Killed when dropped; then its words are printed if the test is failing.
pub(crate) struct Running {
    child: Child,
    line: String,
    stdin: Option<ChildStdin>,
    pub(crate) out: Collected,
    pub(crate) err: Collected,
    status: Option<ExitStatus>,
}

impl Running {
    fn pid(&self) -> Pid {
        Pid::from_child(&self.child)
    }

    /// Sends a signal.
    pub(crate) fn signal(&self, signal: Signal) {
        kill_process(self.pid(), signal).unwrap_or_else(|error| panic!("signal to {}: {error}", self.line));
    }

    /// Raises the number of descriptors it may have.
    pub(crate) fn allow_descriptors(&self, number: u64) {
        let limit = Rlimit { current: Some(number), maximum: getrlimit(Resource::Nofile).maximum };
        prlimit(Some(self.pid()), Resource::Nofile, limit).unwrap_or_else(|error| panic!("prlimit: {error}"));
    }

    /// Stops it, and waits until it has really stopped.
    pub(crate) fn freeze(&self) {
        self.signal(Signal::STOP);
        wait_for("the process to stop", || {
            self.proc_line("status", "State:").is_some_and(|state| state.starts_with('T'))
        });
    }

    /// Lets it go on.
    pub(crate) fn thaw(&self) {
        self.signal(Signal::CONT);
    }

    /// Writes to its stdin, which has to be [`Stdin::Open`].
    pub(crate) fn write(&mut self, bytes: &[u8]) {
        let line = self.line.clone();
        let stdin = self.stdin.as_mut().expect("stdin is open");
        stdin.write_all(bytes).unwrap_or_else(|error| panic!("write to stdin of {line}: {error}"));
    }

    /// Takes its stdin, to be written to elsewhere.
    pub(crate) fn take_stdin(&mut self) -> ChildStdin {
        self.stdin.take().expect("stdin is open")
    }

    /// Ends its stdin.
    pub(crate) fn close_stdin(&mut self) {
        drop(self.stdin.take().expect("stdin is open"));
    }

    /// Waits for words on stderr.
    #[track_caller]
    pub(crate) fn wait_stderr(&mut self, words: &str) {
        let found = self.err.wait(|bytes| String::from_utf8_lossy(bytes).contains(words));
        if !found {
            self.fail(&format!("{words:?} does not come on stderr"));
        }
    }

    /// Waits until stdout holds exactly these bytes.
    #[track_caller]
    pub(crate) fn wait_stdout(&mut self, wanted: &[u8]) {
        let found = self.out.wait(|bytes| bytes.len() >= wanted.len());
        if !found || self.out.bytes() != wanted {
            self.fail(&format!("stdout is not \"{}\"", wanted.escape_ascii()));
        }
    }

    /// The address of `listening on ADDRESS`.
    #[track_caller]
    pub(crate) fn address(&mut self) -> SocketAddr {
        let line_of = |text: &str| {
            let (whole, _) = text.rsplit_once('\n')?;
            whole.lines().find_map(|line| line.strip_prefix("listening on ")).map(str::to_owned)
        };
        self.err.wait(|bytes| line_of(&String::from_utf8_lossy(bytes)).is_some());
        let address = line_of(&self.err.text());
        match address.and_then(|address| address.parse().ok()) {
            Some(address) => address,
            None => self.fail("it does not say where it listens"),
        }
    }

    /// Waits until it has done everything it can do: it sleeps, and goes on sleeping.
    pub(crate) fn wait_idle(&self) {
        let (mut used, mut since) = (Vec::new(), Instant::now());
        wait_for("the process to be idle", || {
            let now = self.threads();
            let sleep = !now.is_empty() && now.iter().all(|(state, _)| state.starts_with('S'));
            if !sleep || now != used {
                (used, since) = (now, Instant::now());
            }
            since.elapsed() > Duration::from_millis(40)
        });
    }

    /// State and used time of each thread (proc(5)): a script's loop is not on the first.
    fn threads(&self) -> Vec<(String, String)> {
        let Ok(tasks) = std::fs::read_dir(format!("/proc/{}/task", self.child.id())) else { return Vec::new() };
        let of_task = |task: PathBuf| {
            let status = std::fs::read_to_string(task.join("status")).ok()?;
            let state = status.lines().find_map(|line| line.strip_prefix("State:"))?.trim().to_owned();
            Some((state, std::fs::read_to_string(task.join("schedstat")).ok()?))
        };
        tasks.filter_map(|task| of_task(task.ok()?.path())).collect()
    }

    /// The most memory it has had resident, in KiB (proc(5) `VmHWM`).
    pub(crate) fn peak_memory(&self) -> u64 {
        let line = self.proc_line("status", "VmHWM:").unwrap_or_else(|| panic!("{} has ended", self.line));
        line.trim_end_matches("kB").trim().parse().expect("a number of KiB")
    }

    /// How many descriptors it has open.
    pub(crate) fn descriptors(&self) -> usize {
        std::fs::read_dir(format!("/proc/{}/fd", self.child.id())).map_or(0, Iterator::count)
    }

    /// What its descriptors are (proc(5), `fd`).
    pub(crate) fn links(&self) -> Vec<String> {
        let entries = std::fs::read_dir(format!("/proc/{}/fd", self.child.id())).expect("its descriptors");
        let link = |entry: std::fs::DirEntry| std::fs::read_link(entry.path()).ok();
        entries.filter_map(|entry| link(entry.ok()?)).map(|link| link.display().to_string()).collect()
    }

    /// The processor time it has used, in clock ticks (proc(5), `utime` and `stime`). Someone who waits uses none.
    pub(crate) fn ticks(&self) -> u64 {
        let text = std::fs::read_to_string(format!("/proc/{}/stat", self.child.id())).expect("read its stat");
        let rest = text.rsplit_once(')').expect("a name in parentheses").1;
        let field = |at: usize| rest.split_whitespace().nth(at).and_then(|word| word.parse::<u64>().ok());
        field(11).zip(field(12)).map(|(user, system)| user + system).expect("two numbers")
    }

    fn proc_line(&self, file: &str, key: &str) -> Option<String> {
        let text = std::fs::read_to_string(format!("/proc/{}/{file}", self.child.id())).ok()?;
        text.lines().find_map(|line| line.strip_prefix(key)).map(|rest| rest.trim().to_owned())
    }

    /// Whether it still runs.
    pub(crate) fn is_running(&mut self) -> bool {
        self.poll().is_none()
    }

    fn poll(&mut self) -> Option<ExitStatus> {
        if self.status.is_none() {
            self.status = self.child.try_wait().expect("wait for a child");
        }
        self.status
    }

    /// Waits for its end. Its stdin stays as it is: nothing here helps it to end.
    #[track_caller]
    pub(crate) fn finish(mut self) -> Done {
        let deadline = Instant::now() + PATIENCE;
        let status = loop {
            if let Some(status) = self.poll() {
                break status;
            }
            if Instant::now() > deadline {
                self.fail("it does not end");
            }
            thread::sleep(Duration::from_millis(2));
        };
        self.out.wait_for_end();
        self.err.wait_for_end();
        let done =
            Done { line: std::mem::take(&mut self.line), status, stdout: self.out.bytes(), stderr: self.err.text() };
        for word in ["panicked", "a bug in tcpx"] {
            assert!(!done.stderr.contains(word), "{}", done.report("a panic"));
        }
        done
    }

    #[track_caller]
    fn fail(&mut self, why: &str) -> ! {
        let report = self.report(why);
        self.line.clear();
        panic!("{report}");
    }

    fn report(&self, why: &str) -> String {
        report(why, &self.line, self.status, &self.out.bytes(), &self.err.text())
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        if self.status.is_none() {
            let _ = self.child.kill();
            let _ = self.child.wait();
        }
        if thread::panicking() && !self.line.is_empty() {
            eprintln!("{}", self.report("and this ran beside it"));
        }
    }
}

/// A tcpx that has ended.
pub(crate) struct Done {
    line: String,
    status: ExitStatus,
    pub(crate) stdout: Vec<u8>,
    pub(crate) stderr: String,
}

impl Done {
    /// The exit code has to be this, with a message unless it is 0; above 128, it has to be a real death by
    /// signal, and a quiet one.
    #[track_caller]
    pub(crate) fn code(&self, wanted: i32) -> &Self {
        if let Some(signal) = self.status.signal() {
            assert_eq!(128 + signal, wanted, "{}", self.report("another end was wanted"));
            return self;
        }
        assert!(wanted < 128, "{}", self.report("a death by signal was wanted"));
        assert_eq!(self.status.code(), Some(wanted), "{}", self.report("another exit code was wanted"));
        if wanted != 0 {
            assert!(self.messages().any(|line| line.starts_with("tcpx: ")), "{}", self.report("it says nothing"));
        }
        self
    }

    pub(crate) fn status_code(&self) -> Option<i32> {
        self.status.code()
    }

    /// stdout has to be exactly this.
    #[track_caller]
    pub(crate) fn wrote(&self, wanted: impl AsRef<[u8]>) -> &Self {
        assert_same(&self.stdout, wanted.as_ref(), &self.report("stdout"));
        self
    }

    /// stderr has to have these words in it.
    #[track_caller]
    pub(crate) fn said(&self, words: &str) -> &Self {
        assert!(self.stderr.contains(words), "{}", self.report(&format!("{words:?} is not on stderr")));
        self
    }

    /// stderr may hold nothing but where it listens.
    #[track_caller]
    pub(crate) fn quietly(&self) -> &Self {
        assert_eq!(self.messages().next(), None, "{}", self.report("silence was wanted"));
        self
    }

    /// Its lines on stderr, without the one that says where it listens.
    pub(crate) fn messages(&self) -> impl Iterator<Item = &str> {
        self.stderr.lines().filter(|line| !line.starts_with("listening on "))
    }

    fn report(&self, why: &str) -> String {
        report(why, &self.line, Some(self.status), &self.stdout, &self.stderr)
    }
}

fn report(why: &str, line: &str, status: Option<ExitStatus>, stdout: &[u8], stderr: &str) -> String {
    let shown = stdout[..stdout.len().min(2000)].escape_ascii();
    let mut text = format!("{why}\n--- command: {line}\n--- status:  ");
    let _ = match status {
        Some(status) => write!(text, "{status}"),
        None => write!(text, "still running"),
    };
    let _ = write!(text, "\n--- stdout ({} bytes): \"{shown}\"\n--- stderr:\n{stderr}---", stdout.len());
    text
}

/// A folder for a test's files.
pub(crate) struct Folder(tempfile::TempDir);

impl Folder {
    pub(crate) fn new() -> Self {
        Self(tempfile::tempdir().expect("a temporary folder"))
    }

    pub(crate) fn path(&self, name: &str) -> PathBuf {
        self.0.path().join(name)
    }

    /// Writes a file and says where it is.
    pub(crate) fn file(&self, name: &str, bytes: &[u8]) -> PathBuf {
        let path = self.path(name);
        std::fs::write(&path, bytes).expect("write a file");
        path
    }
}

/// Opens something for writing, to be a stdout.
pub(crate) fn writable(path: &str) -> OwnedFd {
    File::options().write(true).open(path).unwrap_or_else(|error| panic!("{path}: {error}")).into()
}
