//! `Outlets`: where what each connection receives is written, if not all of it simply to stdout: a file for each connection
//! (`--output-dir`, `-o` with `%n`, `%a` or `%t`), and lines with the name of their connection before them (`--label`).
//!
//! Owns those files and unfinished lines. The names of files are made by `config::naming`; stdout is another part.

use std::borrow::Cow;
use std::collections::HashSet;
use std::fs::File;
use std::io::{self, Write};
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Mutex, PoisonError};
use std::time::SystemTime;

use memchr::memrchr;

use crate::codec::escape::show_line;
use crate::config::Config;
use crate::config::naming::NameTemplate;
use crate::error::{Error, Result, cause};
use crate::session::{ConnId, ConnView, Numbered};

/// Maximum bytes of an unfinished line that waits for its end; what is longer is cut.
const LONGEST_LINE: usize = 64 << 10;

/// Files of all workers together, which have the same connection numbers.
static OPENED: AtomicU64 = AtomicU64::new(0);
/// Names that were opened by this run: a second connection of the same name goes on where the first has ended.
static NAMES: Mutex<Option<HashSet<PathBuf>>> = Mutex::new(None);

/// Where what each connection receives is written.
pub(super) struct Outlets {
    template: Option<NameTemplate>,
    has_labels: bool,
    /// What stands before each line with a label.
    mark: &'static str,
    has_workers: bool,
    files: Numbered<Outlet>,
    /// Unfinished lines.
    lines: Numbered<Vec<u8>>,
}

struct Outlet {
    /// `None`: it cannot be written.
    file: Option<File>,
    path: PathBuf,
}

impl Outlets {
    /// For this run.
    ///
    /// # Errors
    /// The folder of the files is not there.
    pub(super) fn new(config: &Config) -> Result<Self> {
        let template = config.output.files.clone();
        if let Some(home) = template.as_ref().and_then(NameTemplate::home) {
            let found = home
                .metadata()
                .and_then(|found| if found.is_dir() { Ok(()) } else { Err(io::ErrorKind::NotADirectory.into()) });
            found.map_err(|error| cannot_write(&home, &error))?;
        }
        Ok(Self {
            template,
            has_labels: config.output.label,
            mark: "",
            has_workers: config.workers() > 1,
            files: Numbered::default(),
            lines: Numbered::default(),
        })
    }

    /// The same; if lines are typed on the terminal, those received are marked (`<`), as those sent are (`>`).
    pub(super) fn beside_typed_lines(self, are_typed: bool) -> Self {
        let mark = if are_typed && self.template.is_none() { "< " } else { "" };
        Self { mark, ..self }
    }

    /// What stands before a line that is sent to this connection (`None`: to several, or none), if lines have labels.
    pub(super) fn typed_mark(&self, conn: Option<&ConnView>) -> Option<String> {
        let name = conn.map(|conn| format!("{}: ", show_line(&conn.name())));
        self.has_labels.then(|| format!("> {}", name.unwrap_or_default()))
    }

    /// Whether everything goes to stdout as it is.
    pub(super) fn is_plain(&self) -> bool {
        self.template.is_none() && !self.has_labels
    }

    /// Opens the file of a connection, if there are such files.
    ///
    /// # Errors
    /// It cannot be opened for writing.
    pub(super) fn open(&mut self, conn: &ConnView) -> Result<()> {
        let Some(template) = &self.template else { return Ok(()) };
        if self.files.contains_key(&conn.id) {
            return Ok(());
        }
        let number = if self.has_workers { OPENED.fetch_add(1, Ordering::Relaxed) + 1 } else { conn.id };
        let path = template.name(number, &conn.info.peer_name(), seconds());
        let is_first = template.is_numbered() || is_new(&path);
        // Appending, so that two connections of the same name do not overwrite each other.
        let opened = File::options().create(true).append(true).open(&path);
        let opened = opened.and_then(|file| {
            if is_first && file.metadata()?.is_file() {
                file.set_len(0)?;
            }
            Ok(file)
        });
        let (file, result) = match opened {
            Ok(file) => (Some(file), Ok(())),
            Err(error) => (None, Err(cannot_write(&path, &error))),
        };
        self.files.insert(conn.id, Outlet { file, path });
        result
    }

    /// Takes what a connection has received, and returns what of it is for stdout.
    ///
    /// # Errors
    /// Its file cannot be written.
    pub(super) fn take<'a>(&mut self, conn: &ConnView, bytes: &'a [u8]) -> Result<Cow<'a, [u8]>> {
        let bytes = if self.has_labels { Cow::Owned(self.whole_lines(conn, bytes)) } else { Cow::Borrowed(bytes) };
        self.pass(conn, bytes)
    }

    /// The peer of a connection has ended: an unfinished line is one now. Returns what of it is for stdout.
    ///
    /// # Errors
    /// Its file cannot be written.
    pub(super) fn finish(&mut self, conn: &ConnView) -> Result<Vec<u8>> {
        let Some(mut line) = self.lines.remove(&conn.id).filter(|line| !line.is_empty()) else { return Ok(Vec::new()) };
        line.push(b'\n');
        let labelled = self.labelled(conn, &line);
        self.pass(conn, Cow::Owned(labelled)).map(Cow::into_owned)
    }

    /// Forgets a connection that is over.
    pub(super) fn close(&mut self, conn: ConnId) {
        self.files.remove(&conn);
        self.lines.remove(&conn);
    }

    /// Writes to the file of the connection; without such files, returns the bytes.
    fn pass<'a>(&mut self, conn: &ConnView, bytes: Cow<'a, [u8]>) -> Result<Cow<'a, [u8]>> {
        if self.template.is_none() || bytes.is_empty() {
            return Ok(bytes);
        }
        self.open(conn)?;
        if let Some(outlet) = self.files.get_mut(&conn.id)
            && let Some(file) = &mut outlet.file
            && let Err(error) = file.write_all(&bytes)
        {
            outlet.file = None;
            return Err(cannot_write(&outlet.path, &error));
        }
        Ok(Cow::Borrowed(&[]))
    }

    /// The lines that are whole now, each behind the name of the connection.
    fn whole_lines(&mut self, conn: &ConnView, bytes: &[u8]) -> Vec<u8> {
        let held = self.lines.entry(conn.id).or_default();
        let end = memrchr(b'\n', bytes).map_or(0, |at| held.len() + at + 1);
        held.extend(bytes);
        let mut whole: Vec<u8> = held.drain(..end).collect();
        if held.len() > LONGEST_LINE {
            whole.append(held);
            whole.push(b'\n');
        }
        self.labelled(conn, &whole)
    }

    /// Lines, each behind the name of the connection.
    fn labelled(&self, conn: &ConnView, lines: &[u8]) -> Vec<u8> {
        let name = format!("{}{}: ", self.mark, show_line(&conn.name()));
        let mut labelled = Vec::with_capacity(lines.len() + name.len());
        for line in lines.split_inclusive(|byte| *byte == b'\n') {
            labelled.extend(name.as_bytes());
            labelled.extend(line);
        }
        labelled
    }
}

/// Whether this name was not opened before.
fn is_new(path: &Path) -> bool {
    NAMES.lock().unwrap_or_else(PoisonError::into_inner).get_or_insert_default().insert(path.to_owned())
}

/// Seconds since 1970.
fn seconds() -> u64 {
    SystemTime::now().duration_since(SystemTime::UNIX_EPOCH).map_or(0, |since| since.as_secs())
}

fn cannot_write(path: &Path, error: &io::Error) -> Error {
    let failed = || Error::Write { target: path.display().to_string(), cause: cause(error) };
    Error::shortage(error).unwrap_or_else(failed)
}
