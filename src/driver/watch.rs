//! `--watch`: the files of the script are checked a few times a second, and a changed script replaces the old one between
//! two turns of the loop.
//!
//! Owns when files are checked and when a change counts: after it has stood for a moment, because editors write in several
//! steps, and a file may be missing, empty or incomplete in between. Not used without `--watch`.
//!
//! | seen | what follows |
//! |---|---|
//! | no change | check again after [`PAUSE`] |
//! | a change | check again after [`SETTLE`] |
//! | an empty file | check again after [`SETTLE`], until it is not |
//! | the same change a second time | load; a script that does not load is reported once and changes nothing |

use std::fs;
use std::os::unix::fs::MetadataExt;
use std::path::PathBuf;
use std::time::{Duration, Instant};

use crate::config::Script;
use crate::driver::io::Io;
use crate::output::Notice;
use crate::script::ScriptHandler;

/// Interval between two checks.
const PAUSE: Duration = Duration::from_millis(250);
/// Time a change has to stand before it counts.
const SETTLE: Duration = Duration::from_millis(100);

/// Inode, length and modification time (seconds, nanoseconds) of a file; `None` if there is no file.
type Stamp = Option<(u64, u64, i64, i64)>;

/// The files of a script with their state when it was loaded.
pub(super) struct ScriptWatch {
    files: Vec<PathBuf>,
    loaded: Vec<Stamp>,
    /// A changed state that was seen once.
    seen: Option<Vec<Stamp>>,
    next: Instant,
}

impl ScriptWatch {
    pub(super) fn new(files: Vec<PathBuf>, now: Instant) -> Self {
        Self { loaded: stamps(&files), files, seen: None, next: now + PAUSE }
    }

    /// Whether a check is due and finds a change that has stood.
    pub(super) fn is_due(&mut self, now: Instant, script: &ScriptHandler) -> bool {
        if self.next > now {
            return false;
        }
        // A function that was called meanwhile may have imported a module.
        self.add(script.files());
        self.look(now)
    }

    /// Loads the script again; `None` if it does not load, which is reported.
    pub(super) fn reload(
        &mut self,
        io: &mut Io,
        script: &ScriptHandler,
        config: Option<&Script>,
    ) -> Option<ScriptHandler> {
        self.settle();
        let (result, files) = script.reload(config?);
        self.add(files);
        match result {
            Ok(new) => {
                self.keep(&new.files());
                Some(new)
            }
            Err(error) => {
                io.notify(&Notice::NotReloaded { name: script.name(), error: &error });
                None
            }
        }
    }

    /// When the next check is due.
    pub(super) fn deadline(&self) -> Instant {
        self.next
    }

    /// Checks the files. Returns whether a change has stood.
    fn look(&mut self, now: Instant) -> bool {
        let stamps = stamps(&self.files);
        let has_changed = stamps != self.loaded;
        // An editor may have truncated the file and not written it yet.
        let is_empty = stamps.iter().any(|stamp| stamp.is_some_and(|(_, length, ..)| length == 0));
        let has_stood = self.seen.as_ref() == Some(&stamps) && !is_empty;
        self.next = now + if has_changed && !has_stood { SETTLE } else { PAUSE };
        self.seen = has_changed.then_some(stamps);
        has_changed && has_stood
    }

    /// Takes the changed state as the loaded one, whether it loads or not.
    fn settle(&mut self) {
        if let Some(seen) = self.seen.take() {
            self.loaded = seen;
        }
    }

    /// Adds files to be checked.
    fn add(&mut self, files: Vec<PathBuf>) {
        for file in files {
            if !self.files.contains(&file) {
                self.loaded.push(stamp(&file));
                self.files.push(file);
            }
        }
    }

    /// Drops all files but these.
    fn keep(&mut self, files: &[PathBuf]) {
        let mut pairs: Vec<_> = self.files.drain(..).zip(self.loaded.drain(..)).collect();
        pairs.retain(|(file, _)| files.contains(file));
        (self.files, self.loaded) = pairs.into_iter().unzip();
    }
}

fn stamps(files: &[PathBuf]) -> Vec<Stamp> {
    files.iter().map(stamp).collect()
}

fn stamp(file: &PathBuf) -> Stamp {
    let file = fs::metadata(file).ok()?;
    Some((file.ino(), file.len(), file.mtime(), file.mtime_nsec()))
}
