//! `Running` and `Done`: a started tcpx, observed from outside, and its result.
//!
//! Every wait has a deadline, and every failure prints the command line, the exit status and all output.

use std::fmt::Write as _;
use std::io::{Read, Write};
use std::net::SocketAddr;
use std::os::unix::process::ExitStatusExt;
use std::path::PathBuf;
use std::process::{Child, ChildStdin, ExitStatus};
use std::sync::{Arc, Condvar, Mutex, MutexGuard};
use std::thread;
use std::time::{Duration, Instant};

use rustix::process::{Pid, Resource, Rlimit, Signal, getrlimit, kill_process, prlimit};

use super::{PATIENCE, Rest, assert_same, wait_for, wait_for_rest};

/// Output collected by a thread.
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

    /// Waits until the collected bytes satisfy a condition; `false` at the end of the stream or the deadline.
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
        let _ = self.0.1.wait_timeout_while(gathered, PATIENCE, |gathered| !gathered.ended);
    }
}

/// A running tcpx. Killed when dropped; its output is printed if the test fails.
pub(crate) struct Running {
    child: Child,
    line: String,
    stdin: Option<ChildStdin>,
    pub(crate) out: Collected,
    pub(crate) err: Collected,
    status: Option<ExitStatus>,
}

impl Running {
    /// Observes a process that was started with this command line.
    pub(super) fn new(mut child: Child, line: String) -> Self {
        let stdin = child.stdin.take();
        let out = Collected::of(child.stdout.take());
        let err = Collected::of(child.stderr.take());
        Self { child, line, stdin, out, err, status: None }
    }

    pub(crate) fn pid(&self) -> Pid {
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

    /// Lets it open no further descriptor: those it has stay open, and the next one it could have is above the limit.
    pub(crate) fn allow_no_more_descriptors(&self) {
        let folder = format!("/proc/{}/fd", self.child.id());
        let entries = std::fs::read_dir(folder).expect("its descriptors");
        let numbers: Vec<u64> = entries.filter_map(|entry| entry.ok()?.file_name().to_str()?.parse().ok()).collect();
        let free = (0..=numbers.len() as u64).find(|number| !numbers.contains(number));
        self.allow_descriptors(free.expect("one of so many is free"));
    }

    /// Stops it by SIGSTOP, and waits until it has stopped.
    #[track_caller]
    pub(crate) fn freeze(&self) {
        assert!(self.try_freeze(), "{}", self.report("it has ended before it could be stopped"));
    }

    /// The same; `false` if it has ended before.
    pub(crate) fn try_freeze(&self) -> bool {
        self.signal(Signal::STOP);
        let mut state = None;
        wait_for("the process to stop", || {
            state = self.proc_line("status", "State:").and_then(|state| state.chars().next());
            matches!(state, Some('T' | 'Z') | None)
        });
        state == Some('T')
    }

    /// Continues it.
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
        match self.try_address() {
            Some(address) => address,
            None => self.fail("it does not say where it listens"),
        }
    }

    /// The same; `None` if it ends without listening.
    pub(crate) fn try_address(&self) -> Option<SocketAddr> {
        let line_of = |text: &str| {
            let (whole, _) = text.rsplit_once('\n')?;
            whole.lines().find_map(|line| line.strip_prefix("listening on ")).map(str::to_owned)
        };
        self.err.wait(|bytes| line_of(&String::from_utf8_lossy(bytes)).is_some());
        line_of(&self.err.text())?.parse().ok()
    }

    /// Waits until it has handled all events: it sleeps, and continues to sleep.
    #[track_caller]
    pub(crate) fn wait_idle(&self) {
        self.wait_rest(Rest::SHORT);
    }

    /// Waits until a transfer through it is stuck: it sleeps, although the other processes have had time to send and
    /// read.
    #[track_caller]
    pub(crate) fn wait_stuck(&self) {
        self.wait_rest(Rest::LONG);
    }

    #[track_caller]
    fn wait_rest(&self, rest: Rest) {
        wait_for_rest("the process to be idle", rest, || {
            let threads = self.threads();
            let sleeps = !threads.is_empty() && threads.iter().all(|(state, _)| state.starts_with('S'));
            sleeps.then_some(threads)
        });
    }

    /// Waits until its main thread has gone to sleep this many more times, so that it has handled periodic timers
    /// (proc(5), `voluntary_ctxt_switches`).
    #[track_caller]
    pub(crate) fn wait_sleeps(&self, count: u64) {
        let sleeps = || {
            let number = self.proc_line("status", "voluntary_ctxt_switches:");
            number.and_then(|number| number.parse::<u64>().ok()).expect("a number of switches")
        };
        let before = sleeps();
        wait_for("it to wake up", || sleeps() >= before + count);
    }

    /// State and scheduler statistics of each thread (proc(5)).
    fn threads(&self) -> Vec<(String, String)> {
        let Ok(tasks) = std::fs::read_dir(format!("/proc/{}/task", self.child.id())) else { return Vec::new() };
        let of_task = |task: PathBuf| {
            let status = std::fs::read_to_string(task.join("status")).ok()?;
            let state = status.lines().find_map(|line| line.strip_prefix("State:"))?.trim().to_owned();
            Some((state, std::fs::read_to_string(task.join("schedstat")).ok()?))
        };
        tasks.filter_map(|task| of_task(task.ok()?.path())).collect()
    }

    /// Peak resident memory, in KiB (proc(5), `VmHWM`).
    pub(crate) fn peak_memory(&self) -> u64 {
        let line = self.proc_line("status", "VmHWM:").unwrap_or_else(|| panic!("{} has ended", self.line));
        line.trim_end_matches("kB").trim().parse().expect("a number of KiB")
    }

    /// Number of open descriptors.
    pub(crate) fn descriptors(&self) -> usize {
        std::fs::read_dir(format!("/proc/{}/fd", self.child.id())).map_or(0, Iterator::count)
    }

    /// The targets of its descriptors (proc(5), `fd`).
    pub(crate) fn links(&self) -> Vec<String> {
        let entries = std::fs::read_dir(format!("/proc/{}/fd", self.child.id())).expect("its descriptors");
        let link = |entry: std::fs::DirEntry| std::fs::read_link(entry.path()).ok();
        entries.filter_map(|entry| link(entry.ok()?)).map(|link| link.display().to_string()).collect()
    }

    /// Processor time used, in clock ticks (proc(5), `utime` and `stime`).
    pub(crate) fn ticks(&self) -> u64 {
        let text = std::fs::read_to_string(format!("/proc/{}/stat", self.child.id())).expect("read its stat");
        let rest = text.rsplit_once(')').expect("a name in parentheses").1;
        let field = |at: usize| rest.split_whitespace().nth(at).and_then(|word| word.parse::<u64>().ok());
        field(11).zip(field(12)).map(|(user, system)| user + system).expect("two numbers")
    }

    /// Whether a signal is pending, sent but not delivered (proc(5), `ShdPnd`).
    pub(crate) fn has_pending_signals(&self) -> bool {
        self.proc_line("status", "ShdPnd:").is_some_and(|set| set.contains(|digit| digit != '0'))
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

    /// Waits for its end. Its stdin stays open.
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

/// The result of a tcpx that has ended.
pub(crate) struct Done {
    line: String,
    status: ExitStatus,
    pub(crate) stdout: Vec<u8>,
    pub(crate) stderr: String,
}

impl Done {
    /// Checks the exit code; other than 0 needs a message, and above 128 it must be a death by signal.
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

    /// Checks that stdout is exactly this.
    #[track_caller]
    pub(crate) fn wrote(&self, wanted: impl AsRef<[u8]>) -> &Self {
        assert_same(&self.stdout, wanted.as_ref(), &self.report("stdout"));
        self
    }

    /// Checks that stderr contains these words.
    #[track_caller]
    pub(crate) fn said(&self, words: &str) -> &Self {
        assert!(self.stderr.contains(words), "{}", self.report(&format!("{words:?} is not on stderr")));
        self
    }

    /// Checks that stderr is empty, except for the lines that [`Done::messages`] leaves out.
    #[track_caller]
    pub(crate) fn quietly(&self) -> &Self {
        assert_eq!(self.messages().next(), None, "{}", self.report("silence was wanted"));
        self
    }

    /// The lines on stderr, except for `listening on` and the one about a stdin that the test keeps open.
    pub(crate) fn messages(&self) -> impl Iterator<Item = &str> {
        let lines = self.stderr.lines().filter(|line| !line.starts_with("listening on "));
        lines.filter(|line| *line != "tcpx: peer closed its side; not waiting for stdin (use --half-open)")
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
