//! `--watch`: the files of the script are looked at a few times a second, and a changed script takes the place of
//! the old one between two turns of the loop.
//!
//! Owns when to look and when to believe. A change counts once it has stood still for a moment, because editors
//! write in several steps: a file may be missing, empty or half there in between. Nobody looks without `--watch`.
//!
//! | seen | what follows |
//! |---|---|
//! | as it was | look again after [`PAUSE`] |
//! | something new | look again after [`SETTLE`] |
//! | a file that is empty | look again after [`SETTLE`], until it is not |
//! | the same new thing a second time | load; what does not load is told once and changes nothing |

use std::fs;
use std::os::unix::fs::MetadataExt;
use std::path::PathBuf;
use std::time::{Duration, Instant};

use crate::config::Script;
use crate::driver::io::Io;
use crate::output::Notice;
use crate::script::ScriptHandler;

/// How often the files are looked at.
const PAUSE: Duration = Duration::from_millis(250);
/// How long a change has to stand.
const SETTLE: Duration = Duration::from_millis(100);

/// What tells one version of a file from another; `None` if there is no file.
type Stamp = Option<(u64, u64, i64, i64)>;

/// The files of a script, as they were when it was loaded.
pub(super) struct ScriptWatch {
    files: Vec<PathBuf>,
    loaded: Vec<Stamp>,
    /// Another state that was seen once.
    seen: Option<Vec<Stamp>>,
    next: Instant,
}

impl ScriptWatch {
    pub(super) fn new(files: Vec<PathBuf>, now: Instant) -> Self {
        Self { loaded: stamps(&files), files, seen: None, next: now + PAUSE }
    }

    /// Whether it is time to look, and the files have changed and stand still again.
    pub(super) fn is_due(&mut self, now: Instant, script: &ScriptHandler) -> bool {
        if self.next > now {
            return false;
        }
        // A function may have imported something meanwhile.
        self.add(script.files());
        self.look(now)
    }

    /// Loads the script anew. What does not load is told, and the version before goes on.
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

    /// When to look next.
    pub(super) fn deadline(&self) -> Instant {
        self.next
    }

    /// Whether the files have changed and stand still again.
    fn look(&mut self, now: Instant) -> bool {
        let stamps = stamps(&self.files);
        let has_changed = stamps != self.loaded;
        // An editor may have truncated it and take its time: nobody means an empty script.
        let is_empty = stamps.iter().any(|stamp| stamp.is_some_and(|(_, length, ..)| length == 0));
        let stands = self.seen.as_ref() == Some(&stamps) && !is_empty;
        self.next = now + if has_changed && !stands { SETTLE } else { PAUSE };
        self.seen = has_changed.then_some(stamps);
        has_changed && stands
    }

    /// What was seen is what is loaded, or was refused.
    fn settle(&mut self) {
        if let Some(seen) = self.seen.take() {
            self.loaded = seen;
        }
    }

    /// Looks at these files, too.
    fn add(&mut self, files: Vec<PathBuf>) {
        for file in files {
            if !self.files.contains(&file) {
                self.loaded.push(stamp(&file));
                self.files.push(file);
            }
        }
    }

    /// Looks at these files only.
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
