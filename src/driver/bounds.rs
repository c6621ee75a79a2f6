//! Bounds of one loop that follow from the machine where no option says otherwise: what its connections may hold, and how many a
//! script may make.
//!
//! Owns the figures. What happens above them is in `memory` and in the script's `connect()`.

use std::cell::OnceCell;

use crate::config::{Config, Script};
use crate::sys::machine;

/// Share of the machine's memory that connections may hold.
const SHARE: u64 = 4;
/// Memory of a machine that does not say how much it has, in bytes.
const UNKNOWN: u64 = 1 << 30;
/// Bytes that a share of no machine's memory is below.
const LEAST: usize = 64 << 10;

/// The bound on what the connections of one loop hold together.
pub(super) struct MemoryBound {
    /// `--memory`: that of all loops.
    asked: Option<usize>,
    workers: usize,
    /// In bytes. Found when it may matter: a start does not wait for what the system says of its memory.
    bound: OnceCell<usize>,
}

impl MemoryBound {
    /// The bound that a configuration asks for.
    pub(super) fn new(config: &Config) -> Self {
        Self { asked: config.memory, workers: config.workers(), bound: OnceCell::new() }
    }

    /// Whether so many bytes are too many.
    pub(super) fn is_exceeded(&self, held: usize) -> bool {
        held > LEAST && held > self.get()
    }

    /// In bytes.
    pub(super) fn get(&self) -> usize {
        let quarter = || usize::try_from(machine::memory().unwrap_or(UNKNOWN) / SHARE).unwrap_or(usize::MAX);
        *self.bound.get_or_init(|| self.asked.unwrap_or_else(quarter) / self.workers)
    }
}

/// Maximum connections that the script of one loop may have made at a time. By default a quarter of the descriptors, and
/// at least 64 of them where there are more than 128, is left for clients, listeners, files and messages.
pub(super) fn max_connects(script: &Script, workers: usize, descriptors: Option<u64>) -> usize {
    let by_descriptors = || {
        let all = descriptors.and_then(|all| usize::try_from(all).ok()).unwrap_or(usize::MAX);
        let reserve = (all / 4).max(64).min(all / 2);
        (all - reserve) / workers
    };
    script.max_connects.unwrap_or_else(by_descriptors).max(1)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::config::ScriptSource;

    #[test]
    fn a_script_leaves_descriptors_for_others() {
        let script = Script::new(ScriptSource::Builtin("echo".into()));
        let most = |workers, descriptors| max_connects(&script, workers, descriptors);
        assert_eq!([Some(1024), Some(200), Some(64), Some(3), Some(0)].map(|all| most(1, all)), [768, 136, 32, 2, 1]);
        assert_eq!((most(4, Some(1024)), most(1, None)), (192, usize::MAX - usize::MAX / 4));
        assert_eq!(max_connects(&Script { max_connects: Some(5), ..script.clone() }, 1, Some(1024)), 5);
    }
}
