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

use crate::driver::Driver;
use crate::script::ScriptHandler;
use crate::session::Handler;
use crate::session::eof_policy::EofPolicy;

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

impl Driver {
    /// The files may have changed.
    pub(super) fn watch_timers(&mut self) {
        let Some(watch) = &mut self.watch else { return };
        if !self.shutdown.is_running() {
            self.watch = None;
        } else if watch.deadline() <= self.io.now {
            // A function may have imported something meanwhile.
            watch.add(self.handler.as_ref().map(ScriptHandler::files).unwrap_or_default());
            if watch.look(self.io.now) {
                self.reload();
            }
        }
    }

    fn reload(&mut self) {
        let (Some(watch), Some(handler), Some(script)) = (&mut self.watch, &self.handler, &self.config.script) else {
            return;
        };
        watch.settle();
        let (result, files) = handler.reload(script);
        watch.add(files);
        match result {
            Ok(handler) => self.replace(handler),
            Err(error) => {
                self.io.console.error(&error);
                self.io.console.warn(&format!("{}: not reloaded, the version before goes on", handler.name()));
            }
        }
    }

    /// Puts the new version in place of the old one.
    fn replace(&mut self, handler: ScriptHandler) {
        if let Some(watch) = &mut self.watch {
            watch.keep(&handler.files());
        }
        for warning in handler.warnings() {
            self.io.console.warn(warning);
        }
        self.io.console.reloaded(handler.name());
        self.rules = EofPolicy::new(&self.config, handler.takes_received());
        let handler = self.handler.insert(handler);
        let mut commands = Vec::new();
        let result = handler.reloaded(&mut commands);
        self.after_call(commands, result);
        for slot in self.peer_slots() {
            self.with_peer(slot, |driver, peer| {
                let Some(handler) = &driver.handler else { return };
                peer.conn.set_event_mask(handler.event_mask(peer.conn.view()));
                driver.pump(peer);
            });
        }
    }
}
