//! Signals that arrive during a call into a script, when the event loop does not run.
//!
//! The signal handler counts them, and ends the process itself when a call has had as many as it may: also in the middle of
//! a native function that looks at nothing.
#![allow(unsafe_code)]

use std::cell::Cell;
use std::io;
use std::path::Path;
use std::sync::Once;
use std::sync::atomic::{AtomicU8, AtomicU64, AtomicUsize, Ordering};

static COUNT: AtomicUsize = AtomicUsize::new(0);
static WATCHED: Once = Once::new();
/// For each thread with calls: the count at which the process ends; `usize::MAX` between two calls.
static LIMITS: [AtomicUsize; MAX_THREADS] = [const { AtomicUsize::new(usize::MAX) }; MAX_THREADS];
static THREADS: AtomicUsize = AtomicUsize::new(0);
static FILES: [FileSlot; MAX_FILES] = [const { FileSlot::new() }; MAX_FILES];

thread_local! {
    /// Index of this thread in `LIMITS`; threads beyond its end have no limit.
    static THREAD: Cell<Option<usize>> = const { Cell::new(None) };
}

/// Starts to count these signals, in addition to other handlers; only the first call has an effect.
///
/// # Errors
/// The error of sigaction(2).
pub fn watch(signals: &[i32]) -> io::Result<()> {
    let mut result = Ok(());
    WATCHED.call_once(|| {
        for &signal in signals {
            // SAFETY: `note` uses atomics and system calls that signal-safety(7) allows.
            if let Err(error) = unsafe { signal_hook::low_level::register(signal, move || note(signal)) } {
                result = Err(error);
            }
        }
    });
    result
}

/// How many of the signals have come.
pub fn count() -> usize {
    COUNT.load(Ordering::Relaxed)
}

/// Begins a call on this thread: when `limit` signals have arrived before it ends, the process ends by the last of them.
/// Returns what [`end_call`] takes: the call may be part of another one.
pub fn begin_call(limit: usize) -> OuterCall {
    let end = COUNT.load(Ordering::Relaxed).saturating_add(limit);
    let Some(place) = place() else { return OuterCall(usize::MAX) };
    // Nobody else writes there, so that this need not be one operation, which costs more than most calls do.
    let outer = place.load(Ordering::Relaxed);
    place.store(end, Ordering::Relaxed);
    OuterCall(outer)
}

/// Ends the call on this thread, and goes on with the one around it.
pub fn end_call(outer: OuterCall) {
    if let Some(place) = place() {
        place.store(outer.0, Ordering::Relaxed);
    }
}

/// The count at which the process ends by the call around another one; `usize::MAX`: there is none.
#[derive(Clone, Copy, Debug)]
#[must_use]
pub struct OuterCall(usize);

fn place() -> Option<&'static AtomicUsize> {
    let index = THREAD.get().unwrap_or_else(|| {
        let index = THREADS.fetch_add(1, Ordering::Relaxed);
        THREAD.set(Some(index));
        index
    });
    LIMITS.get(index)
}

/// Part of the signal handler.
fn note(signal: i32) {
    let count = COUNT.fetch_add(1, Ordering::Relaxed) + 1;
    if LIMITS.iter().any(|limit| limit.load(Ordering::Relaxed) <= count) {
        FILES.iter().for_each(FileSlot::remove);
        super::unix::die_by(signal);
    }
}

/// A file to be removed when the process ends by a signal during a call; forgotten when this is dropped.
#[derive(Debug)]
pub struct RemovedAtDeath(Option<&'static FileSlot>);

impl RemovedAtDeath {
    /// `identity`: device and inode, so that another file with the same path stays. Without effect for long paths, and if
    /// there are many such files.
    pub fn new(path: &Path, identity: (u64, u64)) -> Self {
        use std::os::unix::ffi::OsStrExt;
        let path = path.as_os_str().as_bytes();
        if path.len() >= MAX_PATH || path.contains(&0) {
            return Self(None);
        }
        let slot = FILES.iter().find(|slot| slot.change(FREE, FILLING));
        if let Some(slot) = slot {
            for (place, byte) in slot.path.iter().zip(path.iter().chain([&0])) {
                place.store(*byte, Ordering::Relaxed);
            }
            slot.device.store(identity.0, Ordering::Relaxed);
            slot.inode.store(identity.1, Ordering::Relaxed);
            slot.state.store(FILLED, Ordering::Release);
        }
        Self(slot)
    }
}

impl Drop for RemovedAtDeath {
    fn drop(&mut self) {
        if let Some(slot) = self.0 {
            slot.state.store(FREE, Ordering::Release);
        }
    }
}

/// A path in memory that a signal handler may read at any time.
#[derive(Debug)]
struct FileSlot {
    state: AtomicU8,
    path: [AtomicU8; MAX_PATH],
    device: AtomicU64,
    inode: AtomicU64,
}

impl FileSlot {
    const fn new() -> Self {
        Self {
            state: AtomicU8::new(FREE),
            path: [const { AtomicU8::new(0) }; MAX_PATH],
            device: AtomicU64::new(0),
            inode: AtomicU64::new(0),
        }
    }

    fn change(&self, from: u8, to: u8) -> bool {
        self.state.compare_exchange(from, to, Ordering::Acquire, Ordering::Relaxed).is_ok()
    }

    /// Removes the file if it is still the same.
    fn remove(&self) {
        if self.state.load(Ordering::Acquire) != FILLED {
            return;
        }
        let path: [libc::c_char; MAX_PATH] =
            std::array::from_fn(|at| self.path[at].load(Ordering::Relaxed) as libc::c_char);
        // SAFETY: a zeroed stat is a place to write to; the path ends with NUL, because a longer one is not taken.
        unsafe {
            let mut found: libc::stat = std::mem::zeroed();
            let is_there = libc::lstat(path.as_ptr(), &raw mut found) == 0;
            #[allow(clippy::unnecessary_cast, reason = "other systems have other types")]
            let identity = (found.st_dev as u64, found.st_ino as u64);
            if is_there && identity == (self.device.load(Ordering::Relaxed), self.inode.load(Ordering::Relaxed)) {
                libc::unlink(path.as_ptr());
            }
        }
    }
}

/// States of a `FileSlot`.
const FREE: u8 = 0;
const FILLING: u8 = 1;
const FILLED: u8 = 2;
/// Maximum length of a path in bytes, with its NUL: what fits in a socket address (unix(7)).
const MAX_PATH: usize = 108;
/// Maximum number of files that are removed.
const MAX_FILES: usize = 64;
/// Maximum number of threads whose calls have a limit.
const MAX_THREADS: usize = 128;

#[cfg(test)]
mod tests {
    use std::fs;
    use std::os::unix::fs::MetadataExt;

    use super::*;

    #[test]
    fn only_the_same_file_is_removed() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("s");
        let identity = |path: &Path| fs::metadata(path).map(|file| (file.dev(), file.ino())).unwrap();
        fs::write(&path, "").unwrap();
        let known = RemovedAtDeath::new(&path, identity(&path));
        let slot = known.0.expect("a free slot");
        fs::write(folder.path().join("other"), "").unwrap();
        fs::rename(folder.path().join("other"), &path).unwrap();
        slot.remove();
        assert!(path.exists(), "another file with that path stays");
        drop(known);
        let known = RemovedAtDeath::new(&path, identity(&path));
        known.0.expect("a free slot").remove();
        assert!(!path.exists());
        fs::write(&path, "").unwrap();
        drop(known);
        slot.remove();
        assert!(path.exists(), "it is forgotten");
        assert!(RemovedAtDeath::new(Path::new(&"x".repeat(108)), (0, 0)).0.is_none());
    }
}
