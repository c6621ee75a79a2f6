//! `Recall`: the file with lines typed in earlier runs, one for each target.
//!
//! Owns its format (a line a line, oldest first) and its size. A file that cannot be read or written is no fault of the run: lines
//! are then forgotten with it.

use std::fs::{self, DirBuilder, File};
use std::io::{self, Read, Seek, SeekFrom, Write};
use std::os::unix::fs::{DirBuilderExt, OpenOptionsExt};
use std::path::PathBuf;

use crate::editor::history::MOST;

/// Bytes at the end of the file that are read, and size at which the file is written anew with them alone.
const READ: u64 = 256 << 10;
const TOO_LONG: u64 = 2 * READ;

/// The file, if lines are kept.
#[derive(Debug, Default)]
pub(super) struct Recall {
    path: Option<PathBuf>,
    file: Option<File>,
    is_loaded: bool,
}

impl Recall {
    /// `None`: lines are kept in memory only.
    pub(super) fn new(path: Option<PathBuf>) -> Self {
        Self { path, file: None, is_loaded: false }
    }

    /// The lines, once.
    pub(super) fn load(&mut self) -> Option<Vec<String>> {
        if std::mem::replace(&mut self.is_loaded, true) {
            return None;
        }
        Some(self.path.clone().and_then(|path| self.open(&path).ok()).unwrap_or_default())
    }

    fn open(&mut self, path: &std::path::Path) -> io::Result<Vec<String>> {
        if let Some(folder) = path.parent() {
            DirBuilder::new().recursive(true).mode(0o700).create(folder)?;
        }
        let private = || {
            let mut options = File::options();
            options.read(true).append(true).create(true).mode(0o600);
            options
        };
        let mut file = private().custom_flags(libc::O_NOFOLLOW | libc::O_NONBLOCK).open(path)?;
        if !file.metadata()?.is_file() {
            return Err(io::ErrorKind::InvalidInput.into());
        }
        let length = file.metadata()?.len();
        file.seek(SeekFrom::Start(length.saturating_sub(READ)))?;
        let mut bytes = Vec::new();
        (&mut file).take(READ).read_to_end(&mut bytes)?;
        let text = String::from_utf8_lossy(&bytes);
        let whole = if length > READ { text.split_once('\n').map_or("", |(_, whole)| whole) } else { &text };
        let lines: Vec<&str> = whole.lines().collect();
        let kept = &lines[lines.len().saturating_sub(MOST)..];
        if length > TOO_LONG {
            let mut shorter = path.as_os_str().to_owned();
            shorter.push(".new");
            let shorter = PathBuf::from(shorter);
            let text: String = kept.iter().flat_map(|line| [line, "\n"]).collect();
            // What a run that was killed has left.
            let _ = fs::remove_file(&shorter);
            private().create_new(true).open(&shorter)?.write_all(text.as_bytes())?;
            fs::rename(&shorter, path)?;
            file = private().open(path)?;
        }
        self.file = Some(file);
        Ok(kept.iter().map(|line| (*line).to_owned()).collect())
    }

    /// Adds lines.
    pub(super) fn store(&mut self, lines: &[String]) {
        let Some(file) = self.file.as_mut().filter(|_| !lines.is_empty()) else { return };
        let text: String = lines.iter().flat_map(|line| [line.as_str(), "\n"]).collect();
        // In one piece, so that other runs with the same target do not write into it.
        if file.write_all(text.as_bytes()).is_err() {
            self.file = None;
        }
    }
}

#[cfg(test)]
mod tests {
    use std::os::unix::fs::PermissionsExt;

    use super::*;

    #[test]
    fn lines_come_back_in_the_next_run_and_are_private() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("tcpx/history/[::1]:80");
        let mut recall = Recall::new(Some(path.clone()));
        recall.store(&["too early".into()]);
        assert_eq!(recall.load(), Some(vec![]));
        recall.store(&["one".into(), "你好".into()]);
        recall.store(&["three".into()]);
        assert_eq!(recall.load(), None, "once");
        assert_eq!(Recall::new(Some(path.clone())).load().unwrap(), ["one", "你好", "three"]);
        assert_eq!(fs::metadata(&path).unwrap().permissions().mode() & 0o777, 0o600);
        assert_eq!(fs::metadata(path.parent().unwrap()).unwrap().permissions().mode() & 0o777, 0o700);
    }

    #[test]
    fn a_file_that_has_grown_is_cut() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("history");
        let lines = (0..200_000).map(|number| number.to_string()).collect::<Vec<_>>().join("\n") + "\n";
        fs::write(&path, lines).unwrap();
        let mut recall = Recall::new(Some(path.clone()));
        let lines = recall.load().unwrap();
        assert_eq!((lines.len(), lines.last().map(String::as_str)), (MOST, Some("199999")));
        recall.store(&["new".into()]);
        assert!(fs::metadata(&path).unwrap().len() < READ);
        assert_eq!(Recall::new(Some(path)).load().unwrap().pop().as_deref(), Some("new"));
    }

    #[test]
    fn without_a_place_lines_are_not_kept() {
        let folder = tempfile::tempdir().unwrap();
        fs::write(folder.path().join("file"), "").unwrap();
        for path in [None, Some(folder.path().join("file/below")), Some(folder.path().to_owned())] {
            let mut recall = Recall::new(path);
            assert_eq!(recall.load(), Some(vec![]));
            recall.store(&["line".into()]);
        }
    }
}
