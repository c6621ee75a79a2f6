//! Support of the black-box tests: `tcpx` builds command lines of the binary, `running` observes a started one, `peer`
//! is the other end of its connections, `pty` a terminal, `sockets` what the kernel knows of them. Shared helpers are here.
//!
//! Rules: no fixed ports; no sleep to wait for something, but conditions with deadlines; every child is killed when its
//! test ends; a missing peer program is reported.
//!
//! No test depends on the speed of the machine. Deadlines are long and only end tests that hang. Times have lower
//! bounds only. A test that has to act before a limit of tcpx passes either repeats the step until it was fast enough
//! (`attempt`), or stops tcpx meanwhile (`Running::freeze`).

pub(crate) mod peer;
pub(crate) mod pty;
mod running;
mod sockets;
mod tcpx;
pub(crate) mod tmux;

use std::fs::File;
use std::io::Write;
use std::os::fd::OwnedFd;
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use std::thread;
use std::time::{Duration, Instant};

pub(crate) use running::{Collected, Done, Running};
pub(crate) use sockets::{is_listened_on, unread_at};
pub(crate) use tcpx::{Stdin, Stdout, Tcpx};

/// Deadline of every wait: long, because machines may be slow and tests run in parallel.
pub(crate) const PATIENCE: Duration = Duration::from_secs(120);
/// How long a test checks that nothing happens.
pub(crate) const SILENCE: Duration = Duration::from_millis(300);

/// Waits until a condition is true.
#[track_caller]
pub(crate) fn wait_for(what: &str, mut is_so: impl FnMut() -> bool) {
    let deadline = Instant::now() + PATIENCE;
    while !is_so() {
        assert!(Instant::now() < deadline, "waited {PATIENCE:?} in vain for {what}");
        thread::sleep(Duration::from_millis(5));
    }
}

/// Repeats a test step that has to be faster than a limit of tcpx; `None` means that it was too slow.
#[track_caller]
pub(crate) fn attempt<T>(mut step: impl FnMut() -> Option<T>) -> T {
    let deadline = Instant::now() + PATIENCE;
    loop {
        if let Some(outcome) = step() {
            return outcome;
        }
        assert!(Instant::now() < deadline, "no attempt in {PATIENCE:?} was fast enough");
    }
}

/// How long a state must be unchanged to be at rest: a time, and a number of checks at least 5 ms apart.
///
/// The checks matter on a busy machine, where this thread gets as little processor time as those it waits for.
#[derive(Clone, Copy)]
pub(crate) struct Rest {
    time: Duration,
    looks: u32,
}

impl Rest {
    /// For a process that has to go to sleep.
    pub(crate) const SHORT: Self = Self { time: Duration::from_millis(40), looks: 8 };
    /// For a transfer in which every buffer has to be full.
    pub(crate) const LONG: Self = Self { time: Duration::from_millis(500), looks: 100 };
}

/// Waits until a state is at rest and returns it; `None` is never at rest.
#[track_caller]
pub(crate) fn wait_for_rest<T: PartialEq>(what: &str, rest: Rest, mut state: impl FnMut() -> Option<T>) -> T {
    let (mut last, mut since, mut looks) = (None, Instant::now(), 0);
    wait_for(what, || {
        let now = state();
        if now.is_none() || now != last {
            (last, since, looks) = (now, Instant::now(), 0);
        }
        looks += 1;
        looks > rest.looks && since.elapsed() > rest.time
    });
    last.expect("a state that rests")
}

/// Waits until a number has stopped growing, and returns it.
#[track_caller]
pub(crate) fn wait_for_standstill(what: &str, mut number: impl FnMut() -> u64) -> u64 {
    wait_for_rest(what, Rest::LONG, || Some(number()))
}

/// Pseudo-random bytes, the same for the same seed.
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

/// Compares bytes; prints only the first difference.
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

/// Reports a missing program: a note, or a failure if everything has to be tested (`CI` is set).
pub(crate) fn missing(what: &str) {
    assert!(std::env::var_os("CI").is_none(), "{what} is missing, and with CI set nothing may be left out");
    // Not captured by the test harness, so that it is visible if the test passes.
    let _ = writeln!(std::io::stderr(), "NOTE: not tested here, because {what} is missing");
}

/// Whether a program is installed.
pub(crate) fn installed(program: &str) -> bool {
    let path = std::env::var_os("PATH").unwrap_or_default();
    std::env::split_paths(&path).any(|folder| folder.join(program).is_file())
}

/// What starts tcpx as a user who may not do everything; nothing where we are none of those. `None`: it cannot be had.
pub(crate) fn without_rights() -> Option<&'static [&'static str]> {
    if !rustix::process::geteuid().is_root() {
        return Some(&[]);
    }
    let program = Path::new(env!("CARGO_BIN_EXE_tcpx"));
    let may_pass = |above: &Path| above.metadata().is_ok_and(|found| found.permissions().mode() & 1 == 1);
    if !installed("setpriv") || !program.ancestors().all(may_pass) {
        missing("setpriv(1), or a program that everybody may start");
        return None;
    }
    Some(&["setpriv", "--reuid=65534", "--regid=65534", "--clear-groups"])
}

/// Which end of the connection tcpx is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Role {
    Connect,
    Listen,
}

pub(crate) const BOTH: [Role; 2] = [Role::Connect, Role::Listen];

/// A temporary folder for the files of a test.
pub(crate) struct Folder(tempfile::TempDir);

impl Folder {
    pub(crate) fn new() -> Self {
        Self(tempfile::tempdir().expect("a temporary folder"))
    }

    pub(crate) fn path(&self, name: &str) -> PathBuf {
        self.0.path().join(name)
    }

    /// Writes a file and returns its path.
    pub(crate) fn file(&self, name: &str, bytes: &[u8]) -> PathBuf {
        let path = self.path(name);
        std::fs::write(&path, bytes).expect("write a file");
        path
    }
}

/// Opens a file for writing, as stdout.
pub(crate) fn writable(path: &str) -> OwnedFd {
    File::options().write(true).open(path).unwrap_or_else(|error| panic!("{path}: {error}")).into()
}
